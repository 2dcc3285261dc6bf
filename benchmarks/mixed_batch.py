"""One decode step for eight students of eight tutors: the bank beside PEFT's two ways of doing it, on the same random base.

PEFT can name an adapter for each row (``adapter_names=``), or switch and compute a part of the batch for each tutor; both are measured
with its default (float32 adapters) and with 16-bit ones. A batch whose rows all have one tutor, and the base alone, show what mixing
costs. All sides must give nearly the same logits before anything is timed; rounds alternate. Prints a table and one JSON line.
Run: ``python benchmarks/mixed_batch.py [--rounds 12]``.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache
from two_sides import (
    arguments,
    bank_step,
    facts,
    filled_cache,
    in_bank,
    in_peft,
    interleaved,
    median_ratio,
    milliseconds,
    plain_step,
    random_adapters,
    random_base,
)

ROWS = 8


def main() -> None:
    options = arguments(__doc__, rounds=12)
    model = random_base(options)
    with tempfile.TemporaryDirectory() as folder:
        folders = random_adapters(Path(folder), model, ROWS)
        bank, slots = in_bank(model, folders)
        names = [one.name for one in folders]
        plain, narrow = in_peft(random_base(options), folders), in_peft(random_base(options), folders, autocast_adapter_dtype=False)
    filled = filled_cache(model, ROWS)
    contestants: dict[str, Callable[[int], torch.Tensor]] = {
        "bank, 8 tutors": bank_step(model, bank, slots, filled),
        "bank, 8 tutors, shuffled": bank_step(model, bank, [slots[i] for i in (3, 1, 5, 0, 2, 7, 6, 4)], filled),
        "bank, one tutor": bank_step(model, bank, [slots[0]] * ROWS, filled),
        "bank, base alone": bank_step(model, bank, [-1] * ROWS, filled),
        "PEFT, adapter_names": plain_step(plain, ROWS, filled, adapter_names=names),
        "PEFT, switch per tutor": switching_step(plain, names, filled),
        "PEFT 16-bit, adapter_names": plain_step(narrow, ROWS, filled, adapter_names=names),
        "PEFT 16-bit, switch per tutor": switching_step(narrow, names, filled),
        "PEFT, one tutor": plain_step(plain, ROWS, filled),
    }
    difference = largest_difference(contestants)
    seconds = interleaved(contestants, options.rounds, warm_up=2)
    mixed = seconds["bank, 8 tutors"]
    print(f"{'8 rows':32} {'ms':>8}  {'beside the bank with 8 tutors':>30}")
    results: dict[str, Any] = facts("mixed_batch", options) | {"rows": ROWS, "largest_difference": difference, "ms": {}, "ratio": {}}
    for name, spent in seconds.items():
        results["ms"][name], results["ratio"][name] = milliseconds(spent), median_ratio(spent, mixed)
        print(f"{name:32} {results['ms'][name]:8.2f}  {results['ratio'][name]:29.2f}x")
    print(json.dumps(results))


def switching_step(wrapped: Any, names: list[str], filled: DynamicCache) -> Callable[[int], torch.Tensor]:
    """``set_adapter`` and a batch of one row for each tutor, as one would group a queue by tutor."""
    caches = []
    for row in range(len(names)):
        caches.append(copy.deepcopy(filled))
        caches[-1].batch_select_indices(torch.tensor([row], device=next(wrapped.parameters()).device))

    def step(_: int) -> torch.Tensor:
        parts = []
        for row, name in enumerate(names):
            wrapped.set_adapter(name, inference_mode=True)
            parts.append(one_row(wrapped, caches[row], row))
        return torch.cat(parts)

    return step


@torch.inference_mode()
def one_row(wrapped: Any, cache: Any, row: int) -> torch.Tensor:
    ids = torch.tensor([[row + 1]], device=next(wrapped.parameters()).device)
    logits: torch.Tensor = wrapped(input_ids=ids, past_key_values=cache, use_cache=True).logits
    cache.crop(-1)
    return logits


def largest_difference(contestants: dict[str, Callable[[int], torch.Tensor]]) -> float:
    """How far the sides' logits for eight tutors lie apart, in standard deviations of the logits: bf16 rounds them differently.

    Refuses to go on where they are not the same answer."""
    ours = contestants["bank, 8 tutors"](0).float()
    theirs = contestants["PEFT, adapter_names"](0).float()
    difference = float((ours - theirs).abs().max() / theirs.std())
    if difference > 0.5:
        raise SystemExit(f"the two sides disagree: logits differ by {difference:.2f} standard deviations")
    return difference


if __name__ == "__main__":
    main()
