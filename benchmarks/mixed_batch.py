"""One decode step for four students of four tutors at once: the bank beside PEFT's ``adapter_names=``, on the same random model.

The cache holds 64 tokens of each row. Rounds alternate, and both sides must give the same logits before anything is timed.
The untouched base and one tutor for all rows show what mixing costs. Prints a table and one JSON line.
Run: ``python benchmarks/mixed_batch.py [--rounds 30] [--width 256]``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from switch import LAYERS, Sides, arguments, build, medians
from transformers import DynamicCache

ROWS = 4
CONTEXT = 64


def main() -> None:
    options = arguments(__doc__)
    sides = build(options.width, ROWS)
    bank, peft = BankStep(sides), PeftStep(sides)
    difference = float((bank.step(MIXED) - peft.step(MIXED)).abs().max())
    if difference > 1e-3:
        raise SystemExit(f"the two sides disagree: logits differ by {difference:.2e}")
    print(f"{'batch of 4':24}  {'bank ms':>9}  {'PEFT ms':>9}  {'PEFT / bank':>11}")
    results: dict[str, Any] = {
        "benchmark": "mixed_batch",
        "layers": LAYERS,
        "width": options.width,
        "threads": torch.get_num_threads(),
        "largest_difference": difference,
    }
    for label, table in (("base only", BASE), ("one tutor", SINGLE), ("four tutors", MIXED)):
        with peft.ready(table):
            ours, theirs = medians([0] * options.rounds, lambda _, t=table: bank.step(t), lambda _, t=table: peft.step(t))
        print(f"{label:24}  {ours * 1e3:9.2f}  {theirs * 1e3:9.2f}  {theirs / ours:10.2f}x")
        results[label.replace(" ", "_")] = {"bank_ms": ours * 1e3, "peft_ms": theirs * 1e3, "ratio": theirs / ours}
    print(json.dumps(results))


MIXED = (0, 1, 2, 3)
SINGLE = (0, 0, 0, 0)
BASE = (-1, -1, -1, -1)


class BankStep:
    """A decode step of our side."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.cache = filled_cache(sides.model)

    @torch.inference_mode()
    def step(self, table: tuple[int, ...]) -> torch.Tensor:
        with self.sides.bank.routing([self.sides.slots[i] if i >= 0 else -1 for i in table]):
            logits = self.sides.model(input_ids=next_tokens(), past_key_values=self.cache, use_cache=True).logits
        self.cache.crop(-1)
        return logits


class PeftStep:
    """The same step through PEFT: ``adapter_names=`` where rows differ; the active adapter, set beforehand, where they agree."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        with sides.wrapped.disable_adapter():
            self.cache = filled_cache(sides.wrapped)

    @contextmanager
    def ready(self, table: tuple[int, ...]) -> Iterator[None]:
        """Switch once for all steps inside, so that only steps are timed."""
        if table == BASE:
            with self.sides.wrapped.disable_adapter():
                yield
        else:
            self.sides.wrapped.set_adapter(self.sides.names[table[0]], inference_mode=True)
            yield

    @torch.inference_mode()
    def step(self, table: tuple[int, ...]) -> torch.Tensor:
        chosen = {"adapter_names": [self.sides.names[i] for i in table]} if len(set(table)) > 1 else {}
        logits = self.sides.wrapped(input_ids=next_tokens(), past_key_values=self.cache, use_cache=True, **chosen).logits
        self.cache.crop(-1)
        return logits


def next_tokens() -> torch.Tensor:
    return torch.arange(1, ROWS + 1).unsqueeze(1)


@torch.inference_mode()
def filled_cache(model: Any) -> DynamicCache:
    """Keys and values of 64 tokens a row, computed by the bare base: equal on both sides."""
    cache = DynamicCache(config=model.config)
    ids = torch.randint(0, 1000, (ROWS, CONTEXT), generator=torch.Generator().manual_seed(0))
    model(input_ids=ids, past_key_values=cache, use_cache=True)
    return cache


if __name__ == "__main__":
    main()
