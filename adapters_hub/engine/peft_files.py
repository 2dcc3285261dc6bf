"""PEFT's adapter folder, ``adapter_config.json`` + ``adapter_model.safetensors``, read with suspicion and written exactly.

Nothing is unpickled, sizes are checked before a tensor is read, and whatever a shared base cannot hold is refused with its
reason. Knows nothing of slots, tutors or runs.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from adapters_hub.errors import HubError, NotFoundError, UsageError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
MAX_HEADER = 16 << 20
MAX_CONFIG = 4 << 20
MAX_RANK = 4096
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
KEY = re.compile(re.escape(PREFIX) + r"(?P<path>[^\s/]+)\.lora_(?P<side>[AB])\.weight")


@dataclass(frozen=True)
class PeftConfigFacts:
    """What ``adapter_config.json`` says beyond the weights themselves."""

    base_model_name: str = ""
    revision: str = ""
    rank: int = 0
    """Rank of modules that ``rank_pattern`` does not name; 0: the commonest one of the weights."""
    rslora: bool = False
    """Scale is alpha / sqrt(rank) instead of alpha / rank."""
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ()
    """Module names by PEFT's suffix rule; empty: the full paths of the weights."""


@dataclass(frozen=True)
class AdapterWeights:
    """A LoRA: for each module the update is ``scale * B @ A``."""

    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor, float]]
    """Module path in the base -> A [r, in], B [out, r], scale."""
    config: PeftConfigFacts = PeftConfigFacts()


def read_adapter(folder: Path, *, model: nn.Module | None = None) -> AdapterWeights:
    """Read a PEFT folder onto the CPU; with ``model``, also check that it was made for that base.

    Raises NotFoundError (files missing), UsageError (not a plain LoRA, other base), HubError (damaged or hostile files)."""
    settings = _read_config(folder)
    if refusals := list(_refusals(settings)):
        raise UsageError(
            f"{folder}: this adapter cannot share a base with others: {refusals[0][0]}",
            hint=refusals[0][1],
            details=[reason for reason, _ in refusals[1:]],
        )
    tensors = _read_tensors(folder)
    pairs = _pairs(folder, tensors, settings)
    weights = AdapterWeights(pairs, _facts(settings))
    if model is not None:
        require_fit(weights, model, where=str(folder))
    return weights


def write_adapter(folder: Path, weights: AdapterWeights, *, base_model_name: str, revision: str, dtype: torch.dtype | None = None) -> None:
    """Write a folder that plain PEFT loads, each file whole or not at all; equal input gives equal bytes.

    ``dtype`` None keeps the tensors' own. Raises OSError when the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for path, (a, b, _) in sorted(weights.pairs.items()):
        tensors[f"{PREFIX}{path}.lora_A.weight"] = a.detach().to("cpu", dtype or a.dtype).contiguous()
        tensors[f"{PREFIX}{path}.lora_B.weight"] = b.detach().to("cpu", dtype or b.dtype).contiguous()
    text = json.dumps(_config_for(weights, base_model_name, revision), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    drafts = {folder / WEIGHTS: folder / f".{WEIGHTS}.tmp", folder / CONFIG: folder / f".{CONFIG}.tmp"}
    try:
        save_file(tensors, drafts[folder / WEIGHTS], metadata={"format": "pt"})
        drafts[folder / CONFIG].write_text(text, encoding="utf-8", newline="\n")
        for final, draft in drafts.items():
            os.replace(draft, final)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


# --- modules of the base -------------------------------------------------------------------------


def linears(model: nn.Module) -> dict[str, nn.Module]:
    """Path -> every linear layer, plain, quantized or already in the bank, in the model's order."""
    found: dict[str, nn.Module] = {}
    for path, module in model.named_modules():
        if hasattr(module, "in_features") and hasattr(module, "out_features") and path.rpartition(".")[0] not in found:
            found[path] = module
    return found


def resolve_targets(model: nn.Module, targets: Sequence[str]) -> list[str]:
    """Paths of the modules that ``targets`` mean: ``all-linear``, full paths, or endings of paths as in PEFT.

    Raises UsageError when a target names nothing, a head or an embedding, or a layer that is no linear."""
    candidates = linears(model)
    head = _paths_of(model, "get_output_embeddings")
    chosen: set[str] = set()
    for target in targets:
        if target == "all-linear":
            matches = {path for path in candidates if path not in head}
        else:
            matches = {path for path in candidates if _ends_with(path, target)}
        _refuse_targets(model, target, matches, head, candidates)
        chosen |= matches
    if not chosen:
        raise UsageError("[lora] targets is empty", hint='write targets = ["all-linear"]')
    return [path for path in candidates if path in chosen]


def require_fit(weights: AdapterWeights, model: nn.Module, *, where: str = "adapter") -> None:
    """Raise UsageError unless every pair has its module in ``model`` with the same shape; all misfits in ``details``."""
    candidates = linears(model)
    missing = [path for path in weights.pairs if path not in candidates]
    if len(missing) == len(weights.pairs):
        raise UsageError(
            f"{where}: none of its {len(missing)} modules exists in this base",
            hint=_other_base(weights),
            details=[f"no module {path}" for path in missing[:10]],
        )
    misfits = [f"no module {path}" for path in missing]
    for path, (a, b, _) in weights.pairs.items():
        module: Any = candidates.get(path)
        if module is not None and (a.shape[1], b.shape[0]) != (module.in_features, module.out_features):
            misfits.append(f"{path}: adapter {a.shape[1]} -> {b.shape[0]}, base {module.in_features} -> {module.out_features}")
    if misfits:
        raise UsageError(f"{where}: made for another base ({len(misfits)} modules differ)", hint=_other_base(weights), details=misfits)


def _refuse_targets(model: nn.Module, target: str, matches: set[str], head: set[str], candidates: Mapping[str, nn.Module]) -> None:
    embeddings = _paths_of(model, "get_input_embeddings")
    for path in sorted(head | embeddings):
        if target != "all-linear" and _ends_with(path, target):
            raise UsageError(
                f"[lora] targets: '{target}' is the model's {'output head' if path in head else 'embedding'}",
                hint="training it needs a copy of the whole vocabulary for each tutor; name inner layers, or all-linear",
            )
    if matches:
        return
    unusable = {
        type(module).__name__
        for path, module in model.named_modules()
        if path not in candidates
        and hasattr(module, "weight")
        and getattr(module.weight, "ndim", 0) == 2
        and not isinstance(module, nn.Embedding)
        and (target == "all-linear" or _ends_with(path, target))
    }
    if unusable:
        raise UsageError(
            f"[lora] targets: '{target}' matches layers of type {', '.join(sorted(unusable))}, which cannot be adapted",
            hint="choose a base with linear layers (Llama, Qwen2, Phi, Mistral ...)",
        )
    names = sorted({path.rpartition(".")[2] for path in candidates if path not in head})
    raise UsageError(
        f"[lora] targets: '{target}' matches no linear layer of this base", hint=f"linear layers are named: {', '.join(names) or 'none'}"
    )


def _paths_of(model: nn.Module, accessor: str) -> set[str]:
    """Paths of the module that transformers' ``accessor`` returns; empty where a model has no such thing."""
    try:
        wanted = getattr(model, accessor)()
    except (AttributeError, NotImplementedError):
        return set()
    return {path for path, module in model.named_modules() if module is wanted and wanted is not None}


def _ends_with(path: str, target: str) -> bool:
    return path == target or path.endswith("." + target)


def _other_base(weights: AdapterWeights) -> str:
    name = weights.config.base_model_name
    return f"it was trained on '{name}': set [base] model to that" if name else "attach it to the base it was trained on"


# --- reading -------------------------------------------------------------------------------------


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise NotFoundError(f"no adapter folder {folder}", hint="train first: hub train NAME")
    file = folder / CONFIG
    if not file.is_file():
        raise NotFoundError(f"no {CONFIG} in {folder}", hint="an adapter folder as PEFT saves it has one")
    if file.stat().st_size > MAX_CONFIG:
        raise HubError(f"{file} is larger than any adapter's settings", hint="get the adapter again from where it came")
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise HubError(f"{file} is not valid JSON ({error})", hint="get the adapter again from where it came") from error
    if not isinstance(settings, dict):
        raise HubError(f"{file} holds no table of settings", hint="get the adapter again from where it came")
    return settings


@dataclass(frozen=True)
class Refusal:
    """A setting of PEFT's that a shared base cannot honour."""

    key: str
    bad: Callable[[Any], bool]
    reason: str
    hint: str


def _given(value: Any) -> bool:
    return value not in (None, False, [], {}, "")


_AGAIN = "train it again as plain LoRA: "
REFUSALS = (
    Refusal("peft_type", lambda v: v != "LORA", "its type is {value}, not LORA", "only LoRA adapters can share a base"),
    Refusal("use_dora", _given, "DoRA rescales the base's weights", _AGAIN + "use_dora=False"),
    Refusal("modules_to_save", _given, "it replaces whole modules ({value})", _AGAIN + "without modules_to_save"),
    Refusal("trainable_token_indices", _given, "it trains tokens of the embedding", _AGAIN + "without trainable_token_indices"),
    Refusal("bias", lambda v: v not in (None, "none"), "it trains the base's biases (bias={value})", _AGAIN + 'bias="none"'),
    Refusal("lora_bias", _given, "its B matrices have biases (lora_bias)", _AGAIN + "lora_bias=False"),
    Refusal(
        "init_lora_weights",
        lambda v: isinstance(v, str) and v.lower() not in ("gaussian", "orthogonal", "eva", "mica"),
        "its initialisation '{value}' changed the base's weights",
        "convert it to plain LoRA with PEFT (path_initial_model_for_weight_conversion), or train it again",
    ),
    Refusal("layer_replication", _given, "it replicates layers of the base", _AGAIN + "without layer_replication"),
    Refusal("alora_invocation_tokens", _given, "it acts only after invocation tokens (aLoRA)", _AGAIN + "without alora_invocation_tokens"),
    Refusal("target_parameters", _given, "it adapts bare parameters ({value})", _AGAIN + "with target_modules"),
    Refusal("fan_in_fan_out", _given, "its layers store weights transposed (fan_in_fan_out)", "use a base with linear layers"),
    Refusal("use_qalora", _given, "QALoRA pools the layer's input", _AGAIN + "use_qalora=False"),
    Refusal("use_bdlora", _given, "block-diagonal LoRA has another shape", _AGAIN + "without use_bdlora"),
    Refusal("arrow_config", _given, "Arrow mixes several adapters", _AGAIN + "without arrow_config"),
    Refusal("kasa_config", _given, "KaSA changes the base's weights", _AGAIN + "without kasa_config"),
    Refusal("monteclora_config", _given, "MonteCLoRA samples its weights", _AGAIN + "without monteclora_config"),
    Refusal("megatron_config", _given, "it was made for Megatron's parallel layers", _AGAIN + "without megatron_config"),
)


def _refusals(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for rule in REFUSALS:
        value = settings.get(rule.key)
        if rule.bad(value):
            yield rule.reason.format(value=str(value)[:60]), rule.hint


def _read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / WEIGHTS
    if not file.is_file():
        pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
        if pickles:
            raise UsageError(
                f"{folder} has its weights only as a pickle ({pickles[0]}), which can run code and is never opened",
                hint="load it with PEFT where you trust it and save it again with safe_serialization=True",
            )
        raise NotFoundError(f"no {WEIGHTS} in {folder}", hint="the adapter is incomplete: get it again, or train again")
    _check_header(file)
    try:
        return load_file(file, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(file, str(error)) from error


def _check_header(file: Path) -> None:
    """Raise unless every tensor is a LoRA matrix that lies inside the file and has the size its shape needs."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= min(MAX_HEADER, size - 8):
            raise _damaged(file, f"its header would have {length} bytes")
        text = stream.read(length)
    try:
        header = json.loads(text)
        entries = {key: value for key, value in header.items() if key != "__metadata__"}
        layout = [(key, e["dtype"], [int(n) for n in e["shape"]], *map(int, e["data_offsets"])) for key, e in entries.items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(file, f"unreadable header: {error}") from error
    if foreign := [key for key in entries if not KEY.fullmatch(key)]:
        raise UsageError(
            f"{file} holds tensors that are no LoRA matrices",
            hint="train it again as plain LoRA on linear layers",
            details=foreign[:20],
        )
    for key, dtype, shape, start, end in layout:
        if dtype not in ITEM_BYTES:
            raise _damaged(file, f"{key}: number format {dtype}")
        if len(shape) != 2 or min(shape) < 1:
            raise _damaged(file, f"{key}: shape {shape}")
        if not 0 <= start <= end <= size - 8 - length or end - start != shape[0] * shape[1] * ITEM_BYTES[dtype]:
            raise _damaged(file, f"{key}: bytes {start} to {end} for shape {shape}")


def _pairs(
    folder: Path, tensors: Mapping[str, torch.Tensor], settings: Mapping[str, Any]
) -> dict[str, tuple[torch.Tensor, torch.Tensor, float]]:
    sides: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        match = KEY.fullmatch(key)
        if match is not None:
            sides.setdefault(match["path"], {})[match["side"]] = tensor
    if not sides:
        raise HubError(f"{folder}: the adapter holds no weights", hint="train again")
    pairs = {}
    findings = []
    scale_of = _scales(folder, settings)
    for path, found in sorted(sides.items()):
        if len(found) != 2:
            findings.append(f"{path}: only lora_{next(iter(found))} is there")
            continue
        a, b = found["A"], found["B"]
        rank, scale = scale_of(path)
        if a.shape[0] != rank or b.shape[1] != rank:
            findings.append(f"{path}: rank {rank} in {CONFIG}, {a.shape[0]} and {b.shape[1]} in {WEIGHTS}")
        elif not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            findings.append(f"{path}: NaN or infinite weights")
        pairs[path] = (a, b, scale)
    if findings:
        raise HubError(f"{folder}: damaged adapter: {findings[0]}", hint="train again, or get the adapter again", details=findings[1:])
    return pairs


def _scales(folder: Path, settings: Mapping[str, Any]) -> Callable[[str], tuple[int, float]]:
    """Function from a module path to its rank and scale, by PEFT's rules."""
    try:
        rank, alpha = int(settings["r"]), float(settings.get("lora_alpha", 8))
        ranks = {str(key): int(value) for key, value in (settings.get("rank_pattern") or {}).items()}
        alphas = {str(key): float(value) for key, value in (settings.get("alpha_pattern") or {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise HubError(f"{folder / CONFIG}: r, lora_alpha or their patterns are missing or no numbers", hint="train again") from error
    if not all(1 <= r <= MAX_RANK for r in (rank, *ranks.values())) or not all(math.isfinite(a) for a in (alpha, *alphas.values())):
        raise HubError(f"{folder / CONFIG}: rank or alpha out of range", hint=f"ranks go from 1 to {MAX_RANK}")
    rank_patterns = _Patterns(folder, ranks)
    alpha_patterns = _Patterns(folder, alphas)
    rslora = bool(settings.get("use_rslora"))

    def scale_of(path: str) -> tuple[int, float]:
        own = int(rank_patterns.find(path, rank))
        return own, alpha_patterns.find(path, alpha) / (math.sqrt(own) if rslora else own)

    return scale_of


class _Patterns:
    """PEFT's rank_pattern and alpha_pattern: the first key that matches the end of a module's path decides.

    Keys are regular expressions from a foreign file, so those that could take forever are refused."""

    def __init__(self, folder: Path, table: Mapping[str, float]) -> None:
        self.table: list[tuple[str | re.Pattern[str], float]] = []
        for key, value in table.items():
            if re.fullmatch(r"[\w.\-]*", key):
                self.table.append((key, value))
                continue
            repeats = len(re.findall(r"[*+?{]", key))
            if len(key) > 300 or repeats > 3 or re.search(r"\)[*+?{]|\(\?|\\[1-9]", key):
                raise HubError(f"{folder / CONFIG}: the pattern '{key[:60]}' is too complex", hint="name modules by their path")
            try:
                self.table.append((re.compile(rf"(.*\.)?({key})$"), value))
            except re.error as error:
                raise HubError(f"{folder / CONFIG}: the pattern '{key[:60]}' is invalid ({error})", hint="train again") from error

    def find(self, path: str, default: float) -> float:
        for key, value in self.table:
            if _ends_with(path, key) if isinstance(key, str) else key.match(path):
                return value
        return default


def _facts(settings: Mapping[str, Any]) -> PeftConfigFacts:
    targets = settings.get("target_modules")
    dropout = settings.get("lora_dropout")
    return PeftConfigFacts(
        base_model_name=str(settings.get("base_model_name_or_path") or ""),
        revision=str(settings.get("revision") or ""),
        rank=int(settings["r"]),
        rslora=bool(settings.get("use_rslora")),
        dropout=float(dropout) if isinstance(dropout, (int, float)) else 0.0,
        target_modules=tuple(sorted(map(str, targets))) if isinstance(targets, list) else (),
    )


def _damaged(file: Path, what: str) -> HubError:
    return HubError(f"{file} is damaged or not a safetensors file ({what})", hint="get the adapter again, or train again")


# --- writing -------------------------------------------------------------------------------------


def _config_for(weights: AdapterWeights, base_model_name: str, revision: str) -> dict[str, Any]:
    facts = weights.config
    ranks = {path: a.shape[0] for path, (a, _, _) in weights.pairs.items()}
    alphas = {path: _alpha(scale, ranks[path], facts.rslora) for path, (_, _, scale) in weights.pairs.items()}
    rank = facts.rank if facts.rank in ranks.values() else _commonest(ranks.values())
    alpha = _commonest(alphas.values())
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model_name or None,
        "revision": revision or None,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": facts.dropout,
        "use_rslora": facts.rslora,
        "target_modules": list(facts.target_modules) or sorted(weights.pairs),
        "rank_pattern": {path: own for path, own in sorted(ranks.items()) if own != rank},
        "alpha_pattern": {path: own for path, own in sorted(alphas.items()) if own != alpha},
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_dora": False,
    }


def _alpha(scale: float, rank: int, rslora: bool) -> float | int:
    """The numerator that gives ``scale`` back; rounded so that 10 / 3 * 3 is written as 10."""
    alpha = float(f"{scale * (math.sqrt(rank) if rslora else rank):.12g}")
    return int(alpha) if alpha.is_integer() else alpha


def _commonest(values: Any) -> Any:
    """The value that occurs most often; the smallest of equals, so that equal adapters give equal files."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else 0
