"""What adapters cost over the bare base in one decode step: one tutor, three tutors, and one of eight that are resident.

The bare base is a third copy that nothing was attached to. PEFT has one adapter loaded and active, with its default (float32
adapters) and with 16-bit ones. The bank is measured with 16-bit ones too, to see why a processor keeps them in float32. Rounds alternate.
Prints a table and one JSON line. Run: ``python benchmarks/adapter_cost.py [--rounds 15]``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
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

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.peft_files import read_adapter

RESIDENT = 8


def main() -> None:
    options = arguments(__doc__, rounds=15)
    bare, model, narrow_model = (random_base(options) for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        folders = random_adapters(Path(folder), model, RESIDENT)
        bank, slots = in_bank(model, folders)
        narrow = Bank(narrow_model, dtype=torch.bfloat16)
        narrow_slots = [narrow.attach(read_adapter(one, model=narrow_model)) for one in folders]
        plain = in_peft(random_base(options), folders[:1])
        sixteen = in_peft(random_base(options), folders[:1], autocast_adapter_dtype=False)
    results: dict[str, Any] = facts("adapter_cost", options) | {"resident": RESIDENT, "stored": str(bank.dtype), "rows": {}}
    for rows in (1, 3):
        base, filled = "bare base", filled_cache(bare, rows)
        contestants = {
            base: plain_step(bare, rows, filled),
            "bank, base rows": bank_step(model, bank, [-1] * rows, filled),
            f"bank, 1 tutor of {RESIDENT}": bank_step(model, bank, [slots[3]] * rows, filled),
            "bank in bf16, 1 tutor": bank_step(narrow_model, narrow, [narrow_slots[3]] * rows, filled),
            "PEFT, 1 adapter": plain_step(plain, rows, filled),
            "PEFT 16-bit, 1 adapter": plain_step(sixteen, rows, filled),
        }
        if rows == 3:
            contestants["bank, 3 tutors"] = bank_step(model, bank, slots[:3], filled)
            contestants["bank, 3 tutors far apart"] = bank_step(model, bank, [slots[7], slots[0], slots[4]], filled)
            contestants["bank in bf16, 3 tutors"] = bank_step(narrow_model, narrow, narrow_slots[:3], filled)
        seconds = interleaved(contestants, options.rounds, warm_up=2)
        print(f"{f'rows: {rows}':32} {'ms':>8}  {'over the bare base':>18}")
        found = results["rows"][rows] = {}
        for name, spent in seconds.items():
            found[name] = {"ms": milliseconds(spent), "ratio": median_ratio(spent, seconds[base])}
            print(f"{name:32} {found[name]['ms']:8.2f}  {100 * (found[name]['ratio'] - 1):+17.1f}%")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
