"""PEFT's adapter folder, ``adapter_config.json`` + ``adapter_model.safetensors``, read with suspicion and written exactly.

Nothing is unpickled, sizes are checked before a tensor is read, and whatever a shared base cannot hold is refused with its
reason. Knows nothing of slots, tutors or runs.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from adapters_hub.engine.adapter_folder import CONFIG, KEY, PREFIX, WEIGHTS, AdapterFolder, is_finite
from adapters_hub.engine.linears import Pair, ends_with, require_fit, shapes_of
from adapters_hub.errors import HubError, UsageError

MAX_RANK = 4096


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

    pairs: Mapping[str, Pair]
    """Module path in the base -> A [r, in], B [out, r], scale."""
    config: PeftConfigFacts = PeftConfigFacts()
    largest: float = math.inf
    """No number is larger than this, apart from its sign; infinity: unknown."""


@dataclass(frozen=True)
class AdapterFile:
    """What an adapter's folder held at one moment."""

    weights: AdapterWeights
    digest: str
    """SHA-256 over the hashes of both files: equal digests, equal answers."""


def read_adapter(folder: Path, *, model: nn.Module | None = None) -> AdapterWeights:
    """Read a PEFT folder onto the CPU; with ``model``, also check that it was made for that base.

    Raises NotFoundError (files missing), UsageError (not a plain LoRA, other base), HubError (damaged or hostile files)."""
    file = AdapterFolder(folder)
    return _weights(file, _settings(file), file.tensors(), shapes_of(model) if model is not None else None)


def read_verified(folder: Path, *, shapes: Mapping[str, tuple[int, int]], expected: Mapping[str, str], most_elements: int) -> AdapterFile:
    """As ``read_adapter``, and say by content what was read: the very bytes that became the weights are hashed, while they are looked at.

    ``shapes`` maps the base's linear layers to in and out, ``expected`` file names to their SHA-256, as a manifest records them.
    Raises HubError where a file has another one, ResourceError where there are more than ``most_elements`` numbers, before any of
    them is read."""
    file = AdapterFolder(folder, most_elements)
    settings = _settings(file)
    tensors = file.tensors()
    hashing = threading.Thread(target=file.hash)
    hashing.start()
    try:
        weights = _weights(file, settings, tensors, shapes)
    finally:
        hashing.join()
    for name, found in file.hashes.items():
        if expected.get(name, found) != found:
            raise HubError(
                f"{folder / name} is not the file that was trained: its SHA-256 differs from the manifest's",
                hint="restore it, choose another run, or train again",
            )
    return AdapterFile(weights, hashlib.sha256("".join(file.hashes[name] for name in (CONFIG, WEIGHTS)).encode()).hexdigest())


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


# --- reading -------------------------------------------------------------------------------------


def _settings(file: AdapterFolder) -> dict[str, Any]:
    """``adapter_config.json``, of a plain LoRA."""
    settings = file.settings()
    if refusals := list(_refusals(settings)):
        raise UsageError(
            f"{file.folder}: this adapter cannot share a base with others: {refusals[0][0]}",
            hint=refusals[0][1],
            details=[reason for reason, _ in refusals[1:]],
        )
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


def _weights(
    file: AdapterFolder, settings: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[int, int]] | None
) -> AdapterWeights:
    largest = file.largest()
    weights = AdapterWeights(_pairs(file.folder, tensors, settings, largest), _facts(settings), largest)
    if shapes is not None:
        require_fit(weights.pairs, shapes, where=str(file.folder), trained_on=weights.config.base_model_name)
    return weights


def _pairs(folder: Path, tensors: Mapping[str, torch.Tensor], settings: Mapping[str, Any], largest: float) -> dict[str, Pair]:
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
        elif not (largest < math.inf or (is_finite(a) and is_finite(b))):
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
            if ends_with(path, key) if isinstance(key, str) else key.match(path):
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
