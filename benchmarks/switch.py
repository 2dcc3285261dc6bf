"""Time to switch tutors: naming another slot of the bank beside PEFT's ``set_adapter``, for many adapters and deep models.

Neither depends on the width of the base, so it is narrow here and the adapters have rank 2. Both sides have the same modules; rounds
alternate. "switch" is the switch alone, median and 99th percentile of ours; "token" is one decode step that switches first.
Prints a table and one JSON line. Run: ``python benchmarks/switch.py [--rounds 20]``.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from two_sides import arguments, facts, median_ratio, milliseconds, percentile, timed

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.linears import linears, resolve_targets
from adapters_hub.engine.peft_files import AdapterWeights

SIZES = ((24, 3), (24, 10), (24, 50), (6, 10), (48, 10))
"""Decoder layers and adapters."""
OURS_A_ROUND = 20
"""Switches of ours for each one of PEFT's, so that there is a 99th percentile to speak of."""


def main() -> None:
    options = arguments(__doc__, rounds=20)
    print(
        f"{'layers':>6} {'adapters':>8}  {'bank ms':>8} {'p99':>8} {'PEFT ms':>8} {'ratio':>7}   {'token ms':>8} {'PEFT':>8} {'ratio':>6}"
    )
    results = facts("switch", options) | {"sizes": []}
    for layers, count in SIZES:
        found = measure(layers, count, options.rounds)
        results["sizes"].append(found)
        print(
            f"{layers:>6} {count:>8}  {found['bank_ms']:8.4f} {found['bank_p99_ms']:8.4f} {found['peft_ms']:8.2f} {found['ratio']:6.0f}x"
            f"   {found['bank_token_ms']:8.2f} {found['peft_token_ms']:8.2f} {found['token_ratio']:5.1f}x"
        )
    results["worst_p99_ms"] = max(found["bank_p99_ms"] for found in results["sizes"])
    print(json.dumps(results))


@torch.inference_mode()
def measure(layers: int, count: int, rounds: int) -> dict[str, Any]:
    model, wrapped = narrow_base(layers), in_peft(narrow_base(layers), count)
    bank = Bank(model)
    slots = [bank.attach(narrow_adapter(model, seed)) for seed in range(count)]
    ids = torch.ones(1, 1, dtype=torch.long)

    def name_slot(turn: int) -> None:
        with bank.routing([slots[turn % count]]):
            pass

    def bank_token(turn: int) -> None:
        with bank.routing([slots[turn % count]]):
            model(input_ids=ids, use_cache=False)

    def set_adapter(turn: int) -> None:
        wrapped.set_adapter(f"t{turn % count}", inference_mode=True)

    def peft_token(turn: int) -> None:
        set_adapter(turn)
        wrapped(input_ids=ids, use_cache=False)

    seconds: dict[str, list[float]] = {"bank": [], "peft": [], "bank token": [], "peft token": []}
    for turn in range(-3, rounds):
        named = [timed(name_slot, turn * OURS_A_ROUND + i) for i in range(OURS_A_ROUND)]
        spent = [timed(action, turn) for action in (set_adapter, bank_token, peft_token)]
        if turn >= 0:
            seconds["bank"] += named
            for name, one in zip(("peft", "bank token", "peft token"), spent, strict=True):
                seconds[name].append(one)
    return {
        "layers": layers,
        "adapters": count,
        "bank_ms": milliseconds(seconds["bank"]),
        "bank_p99_ms": percentile(seconds["bank"], 0.99),
        "peft_ms": milliseconds(seconds["peft"]),
        "ratio": milliseconds(seconds["peft"]) / milliseconds(seconds["bank"]),
        "bank_token_ms": milliseconds(seconds["bank token"]),
        "peft_token_ms": milliseconds(seconds["peft token"]),
        "token_ratio": median_ratio(seconds["peft token"], seconds["bank token"]),
    }


def narrow_base(layers: int) -> Any:
    from transformers import AutoModelForCausalLM, Qwen2Config

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=layers, num_attention_heads=2, num_key_value_heads=1
    )
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").requires_grad_(False).eval()


def narrow_adapter(model: Any, seed: int) -> AdapterWeights:
    generator = torch.Generator().manual_seed(seed)
    modules: dict[str, Any] = dict(linears(model))
    return AdapterWeights(
        {
            path: (
                torch.randn(2, modules[path].in_features, generator=generator),
                torch.randn(modules[path].out_features, 2, generator=generator),
                1.0,
            )
            for path in resolve_targets(model, ["all-linear"])
        }
    )


def in_peft(model: Any, count: int) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    wrapped = get_peft_model(model, config, adapter_name="t0")
    for i in range(1, count):
        wrapped.add_adapter(f"t{i}", config)
    return wrapped.eval()


if __name__ == "__main__":
    main()
