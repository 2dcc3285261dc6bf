"""Time to switch tutors: naming another slot of the bank beside PEFT's ``set_adapter``, on the same 24-layer random model.

Both sides run in this process on their own copy of one model with the same adapters; rounds alternate so that a noisy machine
hurts both. "switch" is the switch alone; "next token" is one decode step that switches first, as a chat server does.
Prints a table and one JSON line. Run: ``python benchmarks/switch.py [--rounds 30] [--width 256]``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.linears import linears, resolve_targets
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, read_adapter, write_adapter

LAYERS = 24
RANK = 16


@dataclass(frozen=True)
class Sides:
    """One random base twice, with the same adapters: in our bank and in PEFT."""

    model: Any
    bank: Bank
    slots: list[int]
    wrapped: Any
    names: list[str]


def main() -> None:
    options = arguments(__doc__)
    print(f"{'adapters':>8}  {'':10}  {'bank ms':>9}  {'PEFT ms':>9}  {'PEFT / bank':>11}")
    results: dict[str, Any] = {"benchmark": "switch", "layers": LAYERS, "width": options.width, "threads": torch.get_num_threads()}
    for count in (3, 10):
        sides = build(options.width, count)
        order = [turn % count for turn in range(options.rounds)]
        switch = medians(
            order, lambda i, s=sides: name_slot(s, i), lambda i, s=sides: s.wrapped.set_adapter(s.names[i], inference_mode=True)
        )
        token = medians(order, lambda i, s=sides: bank_token(s, i), lambda i, s=sides: peft_token(s, i))
        for label, (bank, peft) in (("switch", switch), ("next token", token)):
            print(f"{count:>8}  {label:10}  {bank * 1e3:9.3f}  {peft * 1e3:9.3f}  {peft / bank:10.1f}x")
            results[f"{label.replace(' ', '_')}_{count}"] = {"bank_ms": bank * 1e3, "peft_ms": peft * 1e3, "ratio": peft / bank}
    print(json.dumps(results))


def name_slot(sides: Sides, index: int) -> None:
    with sides.bank.routing([sides.slots[index]]):
        pass


@torch.inference_mode()
def bank_token(sides: Sides, index: int) -> None:
    with sides.bank.routing([sides.slots[index]]):
        sides.model(input_ids=torch.ones(1, 1, dtype=torch.long), use_cache=False)


@torch.inference_mode()
def peft_token(sides: Sides, index: int) -> None:
    sides.wrapped.set_adapter(sides.names[index], inference_mode=True)
    sides.wrapped(input_ids=torch.ones(1, 1, dtype=torch.long), use_cache=False)


# --- shared with mixed_batch.py ------------------------------------------------------------------


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--width", type=int, default=256, help="hidden size of the random model, a multiple of 64")
    return parser.parse_args()


def medians(order: list[int], ours: Callable[[int], Any], theirs: Callable[[int], Any]) -> tuple[float, float]:
    """Median seconds of both sides over interleaved rounds; the first three rounds warm up and do not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in [*order[:3], *order]:
        for side, action in enumerate((ours, theirs)):
            begun = time.perf_counter()
            action(turn)
            times[side].append(time.perf_counter() - begun)
    return statistics.median(times[0][3:]), statistics.median(times[1][3:])


def build(width: int, adapters: int) -> Sides:
    """Both sides with ``adapters`` random rank-16 adapters on all linear layers, float32, from the same files."""
    warnings.simplefilter("ignore", FutureWarning)
    from peft import PeftModel

    model, twin = random_model(width), random_model(width)
    names = [f"t{i}" for i in range(adapters)]
    bank, slots = Bank(model), []
    with tempfile.TemporaryDirectory() as folder:
        wrapped = None
        for i, name in enumerate(names):
            write_adapter(Path(folder) / name, random_weights(twin if wrapped is None else model, i), base_model_name="", revision="")
            slots.append(bank.attach(read_adapter(Path(folder) / name)))
            if wrapped is None:
                wrapped = PeftModel.from_pretrained(twin, Path(folder) / name, adapter_name=name)
            else:
                wrapped.load_adapter(Path(folder) / name, name)
    return Sides(model, bank, slots, wrapped.eval(), names)


def random_model(width: int) -> Any:
    from transformers import AutoModelForCausalLM, Qwen2Config

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1024,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 256),
    )
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()


def random_weights(model: Any, seed: int) -> AdapterWeights:
    generator = torch.Generator().manual_seed(seed)
    modules = linears(model)
    pairs = {}
    for path in resolve_targets(model, ["all-linear"]):
        layer: Any = modules[path]
        a = torch.randn(RANK, layer.in_features, generator=generator) / layer.in_features**0.5
        b = 0.1 * torch.randn(layer.out_features, RANK, generator=generator)
        pairs[path] = (a, b, 2.0)
    return AdapterWeights(pairs, PeftConfigFacts(rank=RANK))


if __name__ == "__main__":
    main()
