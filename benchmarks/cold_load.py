"""Loading the 1st and the 100th adapter from disk: our registry, with everything it checks, beside PEFT's ``load_adapter``.

Every adapter is another one for both sides: the same 17.6 MB of weights with settings of its own. Ours reads, checks shapes and NaN,
hashes, copies into a slot and asks a probe question; PEFT neither hashes nor asks. PEFT loads one for each four of ours, since each
of its loads is slower than the one before. The files are in the page cache. Prints a table and one JSON line.
Run: ``python benchmarks/cold_load.py [--rounds 100]``.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from two_sides import arguments, facts, in_peft, loaded, random_adapters, random_base, timed

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.registry import Registry
from adapters_hub.types import Adapter

EACH = 4
"""Loads of ours for each one of PEFT's."""
TAIL = 10
"""Loads whose median stands for the first and the last."""


class Stopwatch:
    """Seconds of every call of some methods, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def on(self, owner: Any, method: str, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, method)
        spent = self.seconds.setdefault(name, [])

        def watched(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                spent.append(time.perf_counter() - begun)

        setattr(owner, method, watched)


def main() -> None:
    options = arguments(__doc__, rounds=100)
    model, watch = random_base(options), Stopwatch()
    bank = Bank(model)
    registry = Registry(loaded(model), bank, lambda work: work(), slot_bytes=1 << 40, ram_bytes=0)
    watch.on(registry, "_read", "read, check, hash")
    watch.on(bank, "attach", "copy into a slot")
    watch.on(registry._probe, "check", "probe")
    total, peft = [], []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (first,) = random_adapters(root, model, 1)
        size = (first / "adapter_model.safetensors").stat().st_size
        registry.attach(Adapter("warm", variant(first, root / "warm", 999)))
        registry.detach("warm")
        wrapped = in_peft(random_base(options), [first])
        for spent in watch.seconds.values():
            spent.clear()
        for i in range(options.rounds):
            folder = variant(first, root / f"v{i}", i)
            total.append(timed(registry.attach, Adapter(f"v{i}", folder)))
            if i % EACH == 0:
                peft.append(timed(wrapped.load_adapter, folder, f"v{i}"))
    report(options, size, {"whole load": total, **watch.seconds}, peft)


def variant(folder: Path, target: Path, number: int) -> Path:
    """The same weights with another alpha: another adapter, as far as anybody can tell."""
    target.mkdir()
    settings = json.loads((folder / "adapter_config.json").read_text())
    (target / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 32 + number / 1000}))
    os.link(folder / "adapter_model.safetensors", target / "adapter_model.safetensors")
    return target


def report(options: Any, size: int, ours: dict[str, list[float]], peft: list[float]) -> None:
    megabytes = size / 1e6
    results = facts("cold_load", options) | {"megabytes": megabytes, "loads": options.rounds, "peft_loads": len(peft), "stages": {}}
    few = max(1, min(TAIL, len(peft) // 2))
    print(f"{megabytes:.1f} MB a load      {'first ms':>9} {'last ms':>9} {'last / first':>12} {'ms per 20 MB':>12}")
    usable = [read + copied for read, copied in zip(ours["read, check, hash"], ours["copy into a slot"], strict=True)]
    for name, seconds in {**ours, "without the probe": usable, "PEFT load_adapter": peft}.items():
        tail = few if seconds is peft else max(1, min(TAIL, options.rounds // 2))
        first, last = (statistics.median(part) * 1e3 for part in (seconds[:tail], seconds[-tail:]))
        per_20 = statistics.median(seconds) * 1e3 * 20 / megabytes
        results["stages"][name] = {"first_ms": first, "last_ms": last, "growth": last / first, "ms_per_20_mb": per_20}
        print(f"{name:20} {first:9.1f} {last:9.1f} {last / first:11.2f}x {per_20:12.1f}")
    results["peft_over_ours"] = {
        "first": results["stages"]["PEFT load_adapter"]["first_ms"] / results["stages"]["without the probe"]["first_ms"],
        "last": results["stages"]["PEFT load_adapter"]["last_ms"] / results["stages"]["without the probe"]["last_ms"],
    }
    print(json.dumps(results))


if __name__ == "__main__":
    with torch.inference_mode():
        main()
