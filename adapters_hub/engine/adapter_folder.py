"""The two files of an adapter's folder, each read once, with suspicion: what is checked, hashed and used are the same bytes.

Nothing is unpickled, and sizes are checked before a number is read. Knows of PEFT how it names LoRA matrices and nothing of its settings.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from adapters_hub.errors import HubError, NotFoundError, ResourceError, UsageError, from_os_error

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
MAX_HEADER = 16 << 20
MAX_CONFIG = 4 << 20
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
KEY = re.compile(re.escape(PREFIX) + r"(?P<path>[^\s/]+)\.lora_(?P<side>[AB])\.weight")


class AdapterFolder:
    """The two files, each read once: what is checked, hashed and used are the same bytes."""

    def __init__(self, folder: Path, most_elements: int | None = None) -> None:
        self.folder, self.most_elements = folder, most_elements
        self.hashes: dict[str, str] = {}
        self._head = b""
        self._bytes = bytearray()
        self._body = torch.empty(0, dtype=torch.uint8)
        self._dtypes: set[torch.dtype] = set()

    def settings(self) -> dict[str, Any]:
        """``adapter_config.json`` as a table."""
        file, text = self.folder / CONFIG, self._config()
        self.hashes[CONFIG] = hashlib.sha256(text).hexdigest()
        try:
            settings = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise HubError(f"{file} is not valid JSON ({error})", hint="get the adapter again from where it came") from error
        if not isinstance(settings, dict):
            raise HubError(f"{file} holds no table of settings", hint="get the adapter again from where it came")
        return settings

    def tensors(self) -> dict[str, torch.Tensor]:
        """Views of the weight file's bytes in memory. Nothing is mapped: a file that changes later changes no answer."""
        file = self.folder / WEIGHTS
        self._require_weights()
        try:
            with file.open("rb", buffering=0) as stream:
                size = os.fstat(stream.fileno()).st_size
                self._head, entries = read_header(file, stream, size)
                self._require_room(entries)
                self._bytes = bytearray(size - len(self._head))
                if not _filled(stream, memoryview(self._bytes)):
                    raise _damaged(file, "it ends early")
        except OSError as error:
            raise from_os_error(error, f"read {file}") from error
        self._dtypes = {entry.dtype for entry in entries}
        self._body = torch.frombuffer(self._bytes, dtype=torch.uint8) if self._bytes else self._body
        return {entry.key: entry.view(self._body) for entry in entries}

    def largest(self) -> float:
        """The largest number apart from its sign, by one look at all of them; infinity where there is no saying: NaN, mixed formats."""
        if len(self._dtypes) != 1:
            return math.inf
        bounds = torch.stack(torch.aminmax(self._body.view(next(iter(self._dtypes))))).tolist()
        return max(map(abs, bounds)) if all(map(math.isfinite, bounds)) else math.inf

    def hash(self) -> None:
        """Fill in the weight file's SHA-256."""
        digest = hashlib.sha256(self._head)
        digest.update(self._bytes)
        self.hashes[WEIGHTS] = digest.hexdigest()

    def _config(self) -> bytes:
        file = self.folder / CONFIG
        if not self.folder.is_dir():
            raise NotFoundError(f"no adapter folder {self.folder}", hint="train first: hub train NAME")
        if not file.is_file():
            raise NotFoundError(f"no {CONFIG} in {self.folder}", hint="an adapter folder as PEFT saves it has one")
        try:
            with file.open("rb") as stream:
                text = stream.read(MAX_CONFIG + 1)
        except OSError as error:
            raise from_os_error(error, f"read {file}") from error
        if len(text) > MAX_CONFIG:
            raise HubError(f"{file} is larger than any adapter's settings", hint="get the adapter again from where it came")
        return text

    def _require_weights(self) -> None:
        if (self.folder / WEIGHTS).is_file():
            return
        pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in self.folder.glob(pattern))
        if pickles:
            raise UsageError(
                f"{self.folder} has its weights only as a pickle ({pickles[0]}), which can run code and is never opened",
                hint="load it with PEFT where you trust it and save it again with safe_serialization=True",
            )
        raise NotFoundError(f"no {WEIGHTS} in {self.folder}", hint="the adapter is incomplete: get it again, or train again")

    def _require_room(self, entries: Sequence[Entry]) -> None:
        elements = sum(entry.shape[0] * entry.shape[1] for entry in entries)
        if self.most_elements is not None and elements > self.most_elements:
            raise ResourceError(
                f"{self.folder} holds {elements:,} numbers, more than there is memory for ({self.most_elements:,})",
                hint="free memory, or train with a lower [lora] rank",
            )


@dataclass(frozen=True)
class Entry:
    """One matrix of a safetensors file."""

    key: str
    dtype: torch.dtype
    shape: tuple[int, int]
    start: int
    end: int

    def view(self, body: torch.Tensor) -> torch.Tensor:
        part = body[self.start : self.end]
        if self.start % self.dtype.itemsize:
            part = part.clone()
        return part.view(self.dtype).view(self.shape)


def read_header(file: Path, stream: io.FileIO, size: int) -> tuple[bytes, list[Entry]]:
    """Everything before the numbers, and the matrices it names. Raises unless they are LoRA matrices that fill the rest exactly."""
    length = int.from_bytes(stream.read(8), "little")
    if not 0 < length <= min(MAX_HEADER, size - 8):
        raise _damaged(file, f"its header would have {length} bytes")
    text = bytearray(length)
    if not _filled(stream, memoryview(text)):
        raise _damaged(file, "it ends early")
    try:
        named = {key: value for key, value in json.loads(text).items() if key != "__metadata__"}
        layout = [(key, e["dtype"], [int(n) for n in e["shape"]], *map(int, e["data_offsets"])) for key, e in named.items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(file, f"unreadable header: {error}") from error
    if foreign := [key for key in named if not KEY.fullmatch(key)]:
        raise UsageError(
            f"{file} holds tensors that are no LoRA matrices",
            hint="train it again as plain LoRA on linear layers",
            details=foreign[:20],
        )
    entries = []
    behind = 0
    for key, dtype, shape, start, end in sorted(layout, key=lambda entry: entry[3]):
        if dtype not in DTYPES:
            raise _damaged(file, f"{key}: number format {dtype}")
        if len(shape) != 2 or min(shape) < 1:
            raise _damaged(file, f"{key}: shape {shape}")
        if start != behind or end - start != shape[0] * shape[1] * DTYPES[dtype].itemsize or end > size - 8 - length:
            raise _damaged(file, f"{key}: bytes {start} to {end} for shape {shape}")
        entries.append(Entry(key, DTYPES[dtype], (shape[0], shape[1]), start, end))
        behind = end
    if behind != size - 8 - length:
        raise _damaged(file, f"{size - 8 - length - behind} bytes that belong to nothing")
    return length.to_bytes(8, "little") + text, entries


def _filled(stream: io.FileIO, buffer: memoryview) -> bool:
    """Read until ``buffer`` is full; False when the file ends before."""
    while buffer:
        count = stream.readinto(buffer)
        if not count:
            return False
        buffer = buffer[count:]
    return True


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether ``tensor`` holds neither NaN nor infinity; one pass without a copy, unlike ``torch.isfinite``."""
    return all(math.isfinite(bound) for bound in torch.stack(torch.aminmax(tensor)).tolist())


def _damaged(file: Path, what: str) -> HubError:
    return HubError(f"{file} is damaged or not a safetensors file ({what})", hint="get the adapter again, or train again")
