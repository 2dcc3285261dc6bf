"""Forward and backward of one training step: as it is, with an attention mask, with torch's dropout, with both.

Rows of tutors/algoritmos with their system prompt, a tutor of rank 16 on all linear layers, the base in NF4 with bf16 products. All take
part in every round. Prints a table and one JSON line. Run: ``python benchmarks/train_step.py [--base DIR] [--rows 4] [--rounds 15]``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from against_trl import rows
from torch.nn import functional
from two_sides import interleaved, median_ratio, milliseconds

from adapters_hub.engine import bank_linear
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import load_base
from adapters_hub.engine.batches import collate, tokenize
from adapters_hub.engine.loss import SupervisedLoss
from adapters_hub.types import BaseModel, LoraSettings

NAMES = {(False, False): "as it is", (True, False): "attention mask", (False, True): "torch's dropout", (True, True): "both"}
"""(attention mask, torch's dropout) -> what it is called"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini")
    parser.add_argument("--rows", type=int, default=4, help="rows of the batch")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()

    # 1. a base, a tutor that learns, a batch
    loaded = load_base(BaseModel(model=options.base), training=True)
    bank = Bank(loaded.model, dtype=torch.float32)
    slot = bank.add_trainable(LoraSettings(dropout=0.05), seed=0)
    loss = SupervisedLoss(loaded.model)
    examples = tokenize(loaded.chat, rows()[: options.rows], max_tokens=1024).rows
    batch = collate(examples, pad_id=int(loaded.pad_id == 0), context=loaded.context)

    # 2. the ways of a step
    quick = bank_linear.dropout

    def step(masked: bool, torchs: bool) -> Callable[[int], Any]:
        def run(_: int) -> None:
            loss.masked = masked
            bank_linear.dropout = functional.dropout if torchs else quick
            with bank.routing([slot] * len(examples)):
                loss(batch, 1).sum().backward()
            for parameter in bank.parameters_of(slot):
                parameter.grad = None

        return run

    # 3. the clocks
    contestants = {NAMES[way]: step(*way) for way in product((False, True), repeat=2)}
    seconds = interleaved(contestants, options.rounds)
    print(f"{'':18}{'ms':>7}{'as it is takes':>17}")
    found = {}
    for name, spent in seconds.items():
        found[name] = {"ms": milliseconds(spent), "ratio": median_ratio(seconds["as it is"], spent)}
        print(f"{name:18}{found[name]['ms']:7.0f}{found[name]['ratio']:16.2f}x")
    shape = list(batch.input_ids.shape)
    print(json.dumps({"benchmark": "train_step", "base": options.base, "batch": shape, "rounds": options.rounds, "steps": found}))


if __name__ == "__main__":
    main()
