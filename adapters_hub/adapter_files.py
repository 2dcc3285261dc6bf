"""An adapter's two files looked at without a framework: the settings, and the header of the weights.

Enough to refuse what is no plain LoRA, and to compare the layers it wants with those of a base, before anything of it is kept.
Reads no number of the weights: whoever attaches the adapter looks at every one. Knows nothing of tutors and runs.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapters_hub.errors import HubError, UsageError, from_os_error

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
LARGEST_CONFIG = 4 << 20
LARGEST_HEADER = 16 << 20
LARGEST_RANK = 4096
NUMBER_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
KEY = re.compile(r"base_model\.model\.(?P<path>[^\s/]+)\.lora_(?P<side>[AB])\.weight")
AGAIN = "get it again from where it came, or ask its author"
Layers = Mapping[str, tuple[int, int]]
"""Path of a linear layer -> its inputs and outputs."""
Fit = Literal["fits", "unknown"]


@dataclass(frozen=True)
class AdapterSettings:
    """What ``adapter_config.json`` says, as far as it matters before attaching."""

    base_model: str
    """As whoever trained it named the base: a Hub id or a path of that machine; empty when it does not say."""
    rank: int
    alpha: float


def read_adapter_settings(file: Path, where: str) -> AdapterSettings:
    """``where`` names the file in errors. Raises HubError (damaged or hostile), UsageError (no LoRA)."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_CONFIG + 1)
    except OSError as error:
        raise from_os_error(error, f"read {where}") from error
    if len(content) > LARGEST_CONFIG:
        raise HubError(f"{where} is larger than any adapter's settings", hint=AGAIN)
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HubError(f"{where} is no JSON ({type(error).__name__})", hint=AGAIN) from error
    if not isinstance(settings, dict):
        raise HubError(f"{where} holds no table of settings", hint=AGAIN)
    if settings.get("peft_type") != "LORA":
        raise UsageError(
            f"{where}: its type is {str(settings.get('peft_type'))[:40]}, not LORA", hint="only LoRA adapters can share a base"
        )
    rank, alpha, base = settings.get("r"), settings.get("lora_alpha", 8), settings.get("base_model_name_or_path")
    if type(rank) is not int or not 1 <= rank <= LARGEST_RANK or type(alpha) not in (int, float) or not abs(alpha) <= 1e6:
        raise HubError(f"{where}: r or lora_alpha is missing, no number or out of range", hint=AGAIN)
    return AdapterSettings(base[:500] if isinstance(base, str) else "", rank, float(alpha))


def read_adapter_layers(file: Path, where: str) -> dict[str, tuple[int, int]]:
    """The layers that the weights are for. Raises HubError (damaged or hostile), UsageError (tensors that are no LoRA)."""
    header, behind = _header(file, where)
    sides: dict[str, dict[str, tuple[int, int]]] = {}
    foreign, spans = [], []
    for key, entry in header.items():
        matched = KEY.fullmatch(key)
        if matched is None:
            foreign.append(key)
            continue
        dtype, shape, span = _entry(key, entry, where)
        if dtype not in NUMBER_BYTES or len(shape) != 2 or min(shape) < 1 or span[1] - span[0] != math.prod(shape) * NUMBER_BYTES[dtype]:
            raise _damaged(where, f"{key[:80]}: {dtype[:10]}, shape {shape[:4]}, bytes {span[0]} to {span[1]}")
        sides.setdefault(matched["path"], {})[matched["side"]] = (shape[0], shape[1])
        spans.append(span)
    if foreign:
        details = [key[:200] for key in foreign[:10]]
        raise UsageError(f"{where} holds tensors that are no LoRA matrices", hint="only plain LoRA can share a base", details=details)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise _damaged(where, f"a gap or an overlap at byte {start}")
        end = stop
    if end != behind or not sides:
        raise _damaged(where, f"{behind - end} bytes that belong to nothing" if sides else "it holds no weights")
    for path, found in sides.items():
        if len(found) != 2 or found["A"][0] != found["B"][1]:
            raise _damaged(where, f"{path[:80]}: A and B do not belong together")
    return {path: (found["A"][1], found["B"][0]) for path, found in sides.items()}


def read_base_layers(folder: Path) -> dict[str, tuple[int, int]]:
    """The matrices in a base's safetensors files, by the names that they have there; as far as the headers can be read."""
    layers = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            header, _ = _header(file, file.name, largest=4 * LARGEST_HEADER)
            for key, entry in header.items():
                dtype, shape, _ = _entry(key, entry, file.name)
                if key.endswith(".weight") and len(shape) == 2 and min(shape) > 1 and dtype.startswith(("F", "BF")):
                    layers[key.removesuffix(".weight")] = (shape[1], shape[0])
        except HubError:  # the base is not what is being judged here
            continue
    return layers


def compare_layers(wanted: Layers, base: Layers, where: str) -> Fit:
    """Whether the adapter's layers exist in the base with the same sizes; unknown where none of the names occurs.

    Raises UsageError with what differs."""
    found = [path for path in wanted if path in base]
    if not found:
        return "unknown"
    findings = [f"no layer {path[:120]}" for path in wanted if path not in base]
    for path in found:
        if wanted[path] != base[path]:
            (inner, outer), (base_inner, base_outer) = wanted[path], base[path]
            findings.append(f"{path[:120]}: adapter {inner} -> {outer}, base {base_inner} -> {base_outer}")
    if findings:
        more = [f"and {len(findings) - 10} more"] if len(findings) > 10 else []
        raise UsageError(f"{where} was made for another base: its layers differ", details=[*findings[:10], *more])
    return "fits"


def _header(file: Path, where: str, *, largest: int = LARGEST_HEADER) -> tuple[dict[str, Any], int]:
    """Name -> what the header says of the tensor, and how many bytes of numbers follow it."""
    try:
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if not 0 < length <= min(largest, size - 8):
                raise _damaged(where, f"its header would have {length} bytes")
            text = stream.read(length)
    except OSError as error:
        raise from_os_error(error, f"read {where}") from error
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, f"its header is no JSON: {type(error).__name__}") from error
    if not isinstance(header, dict):
        raise _damaged(where, "its header is no table")
    header.pop("__metadata__", None)
    return header, size - 8 - length


def _entry(key: str, entry: Any, where: str) -> tuple[str, list[int], tuple[int, int]]:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if isinstance(dtype, str) and all(type(number) is int and number >= 0 for number in (*shape, start, end)):
            return dtype, list(shape), (start, end)
    except (TypeError, KeyError, ValueError):
        pass
    raise _damaged(where, f"{key[:80]}: no type, shape and place")


def _damaged(where: str, what: str) -> HubError:
    return HubError(f"{where} is damaged or no safetensors file ({what})", hint=AGAIN)
