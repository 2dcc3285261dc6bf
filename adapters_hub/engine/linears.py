"""The linear layers of a base: which there are, which of them a recipe's targets mean, and whether an adapter's matrices fit them.

Knows nothing of files, slots and tutors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from adapters_hub.errors import UsageError

Pair = tuple[torch.Tensor, torch.Tensor, float]
"""A [r, in], B [out, r], scale: the update of one layer is ``scale * B @ A``."""


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
            matches = {path for path in candidates if ends_with(path, target)}
        _refuse_targets(model, target, matches, head, candidates)
        chosen |= matches
    if not chosen:
        raise UsageError("[lora] targets is empty", hint='write targets = ["all-linear"]')
    return [path for path in candidates if path in chosen]


def shapes_of(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Path -> in and out features of every linear layer."""
    found: dict[str, Any] = dict(linears(model))
    return {path: (int(module.in_features), int(module.out_features)) for path, module in found.items()}


def require_fit(pairs: Mapping[str, Pair], shapes: Mapping[str, tuple[int, int]], *, where: str = "adapter", trained_on: str = "") -> None:
    """Raise UsageError unless every pair has its layer in ``shapes`` with the same size; all misfits in ``details``.

    ``trained_on`` names the base the adapter was made for, for the hint."""
    hint = f"it was trained on '{trained_on}': set [base] model to that" if trained_on else "attach it to the base it was trained on"
    missing = [path for path in pairs if path not in shapes]
    if len(missing) == len(pairs):
        raise UsageError(
            f"{where}: none of its {len(missing)} modules exists in this base",
            hint=hint,
            details=[f"no module {path}" for path in missing[:10]],
        )
    misfits = [f"no module {path}" for path in missing]
    for path, (a, b, _) in pairs.items():
        inner, outer = shapes.get(path, (a.shape[1], b.shape[0]))
        if (a.shape[1], b.shape[0]) != (inner, outer):
            misfits.append(f"{path}: adapter {a.shape[1]} -> {b.shape[0]}, base {inner} -> {outer}")
    if misfits:
        raise UsageError(f"{where}: made for another base ({len(misfits)} modules differ)", hint=hint, details=misfits)


def _refuse_targets(model: nn.Module, target: str, matches: set[str], head: set[str], candidates: Mapping[str, nn.Module]) -> None:
    embeddings = _paths_of(model, "get_input_embeddings")
    for path in sorted(head | embeddings):
        if target != "all-linear" and ends_with(path, target):
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
        and (target == "all-linear" or ends_with(path, target))
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


def ends_with(path: str, target: str) -> bool:
    """PEFT's rule: ``target`` is the path or its last parts."""
    return path == target or path.endswith("." + target)
