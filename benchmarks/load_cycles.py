"""Memory after 1,000 loads, evictions and unloads: our registry beside PEFT's ``load_adapter`` and ``delete_adapter``.

Ours pins one and has room for one more, so that loads evict each other, and detaches now and then. "storage" is the memory of
the bank's layers, counted; "process" is the growth of the resident set since the first tenth of the cycles, when allocators have
settled. PEFT does a tenth of the cycles. Prints a table and one JSON line. Run: ``python benchmarks/load_cycles.py [--rounds 1000]``.
"""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
from two_sides import arguments, facts, in_peft, loaded, random_adapters, random_base

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.registry import Registry
from adapters_hub.types import Adapter

ADAPTERS = 4


def main() -> None:
    options = arguments(__doc__, rounds=1000, layers=2)
    model = random_base(options)
    bank = Bank(model)
    registry = Registry(loaded(model), bank, lambda work: work(), slot_bytes=1 << 40, ram_bytes=0)
    results = facts("load_cycles", options)
    with tempfile.TemporaryDirectory() as name:
        folders = random_adapters(Path(name), model, ADAPTERS)
        registry.attach(Adapter("kept", folders[0]))
        registry.pin("kept")
        one = registry.residents()[0].bytes
        registry.limit(slot_bytes=2 * one)
        storage = bank.held_bytes

        def ours(turn: int) -> None:
            registry.attach(Adapter(f"t{turn % 2}", folders[1 + turn % 3]))
            registry.release(registry.lease(f"t{turn % 2}"))
            if turn % 3 == 0:
                registry.detach(f"t{turn % 2}")

        grown = growth(ours, options.rounds)
        for left in registry.names():
            if left != "kept":
                registry.detach(left)
        print(f"{'':22} {'cycles':>7} {'storage':>12} {'process':>12} {'a cycle':>10}")
        results["ours"] = row("registry", options.rounds, bank.held_bytes - storage, grown)
        wrapped = in_peft(random_base(options), folders[:1])
        before = sum(parameter.nbytes for parameter in wrapped.parameters())

        def theirs(turn: int) -> None:
            wrapped.load_adapter(folders[1 + turn % 3], "other")
            wrapped.delete_adapter("other")

        cycles = max(20, options.rounds // 10)
        grown = growth(theirs, cycles)
        after = sum(parameter.nbytes for parameter in wrapped.parameters())
        results["peft"] = row("PEFT load and delete", cycles, after - before, grown)
    print(json.dumps(results | {"megabytes_a_load": one / 1e6}))


def growth(cycle: Callable[[int], Any], cycles: int) -> int:
    """Bytes that the process has grown by between the first tenth of the cycles and their end."""
    settled = 0
    for turn in range(cycles):
        cycle(turn)
        if turn == cycles // 10:
            settled = resident_set()
    return resident_set() - settled


def resident_set() -> int:
    gc.collect()
    if torch.cuda.is_available():
        return int(torch.cuda.memory_allocated())
    return int(psutil.Process().memory_info().rss)


def row(name: str, cycles: int, storage: int, process: int) -> dict[str, int | float]:
    print(f"{name:22} {cycles:>7} {storage:>+10} B {process / 1e6:>+9.2f} MB {process / cycles / 1e3:>+7.1f} kB")
    return {"cycles": cycles, "storage_bytes": storage, "process_bytes": process}


if __name__ == "__main__":
    main()
