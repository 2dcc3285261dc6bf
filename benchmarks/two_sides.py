"""What the benchmarks of the bank share: one random base twice, ours and PEFT's, with the same adapters; and fair clocks.

The base has the shape of Qwen2.5-0.5B with its vocabulary cut to 8k (24 layers, hidden size 896), in NF4 with bf16 products, and the
adapters have rank 16 on all linear layers. No script of its own.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.linears import linears, resolve_targets
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, read_adapter, write_adapter

RANK = 16
VOCABULARY = 8192


@dataclass(frozen=True)
class Sides:
    """One random base twice, with the same adapters: in our bank and in PEFT."""

    model: Any
    bank: Bank
    slots: list[int]
    wrapped: Any
    names: list[str]


def arguments(description: str | None, *, rounds: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--layers", type=int, default=24, help="decoder layers of the random model")
    parser.add_argument("--quantization", choices=("nf4", "none"), default="nf4")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    return options


def facts(options: argparse.Namespace) -> dict[str, Any]:
    """What a reader of the figures must know."""
    return {
        "layers": options.layers,
        "quantization": options.quantization,
        "rank": RANK,
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "torch": torch.__version__,
    }


def random_base(layers: int, quantization: str) -> Any:
    """The same weights at every call: one random decoder layer, quantized once and then copied, which takes seconds instead of minutes."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    from adapters_hub.engine.base import _quantize_in_place

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=1,
        num_attention_heads=14,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=torch.bfloat16).requires_grad_(False)
    if quantization == "nf4":
        model = _quantize_in_place(model, torch.bfloat16)
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    first = model.model.layers[0]
    for index in range(1, layers):
        copied = copy.deepcopy(first)
        copied.self_attn.layer_idx = index
        model.model.layers.append(copied)
    model.config.num_hidden_layers = layers
    model.config.layer_types = model.config.layer_types * layers
    return model


def write_random_adapter(folder: Path, model: Any, seed: int) -> Path:
    """A PEFT folder in bf16; A and B random, so that it changes every answer."""
    generator = torch.Generator().manual_seed(seed)
    modules = linears(model)
    pairs = {}
    for path in resolve_targets(model, ["all-linear"]):
        layer: Any = modules[path]
        a = torch.randn(RANK, layer.in_features, generator=generator) / layer.in_features**0.5
        b = 0.05 * torch.randn(layer.out_features, RANK, generator=generator)
        pairs[path] = (a.bfloat16(), b.bfloat16(), 2.0)
    write_adapter(folder, AdapterWeights(pairs, PeftConfigFacts(rank=RANK)), base_model_name="", revision="")
    return folder


def two_sides(options: argparse.Namespace, adapters: int, folder: Path) -> Sides:
    """Both sides with ``adapters`` adapters from the same files. PEFT keeps them in bf16 too: its own default would double their bytes."""
    from peft import PeftModel

    model, twin = (random_base(options.layers, options.quantization) for _ in range(2))
    names = [f"t{i}" for i in range(adapters)]
    folders = [write_random_adapter(folder / name, model, seed) for seed, name in enumerate(names)]
    bank = Bank(model)
    slots = [bank.attach(read_adapter(one, model=model)) for one in folders]
    wrapped = PeftModel.from_pretrained(twin, folders[0], adapter_name=names[0], autocast_adapter_dtype=False)
    for name, one in zip(names[1:], folders[1:], strict=True):
        wrapped.load_adapter(one, name, autocast_adapter_dtype=False)
    return Sides(model, bank, slots, wrapped.eval(), names)


# --- clocks --------------------------------------------------------------------------------------


def interleaved(contestants: Mapping[str, Callable[[int], Any]], rounds: int, *, warm_up: int = 3) -> dict[str, list[float]]:
    """Seconds of each contestant in each round; all take part in every round, so that a noisy machine hurts all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(-warm_up, rounds):
        for name, action in contestants.items():
            spent = timed(lambda action=action: action(turn % rounds))
            if turn >= 0:
                seconds[name].append(spent)
    return seconds


def timed(action: Callable[[], Any]) -> float:
    """Seconds of one call, the GPU's included."""
    synchronize()
    begun = time.perf_counter()
    action()
    synchronize()
    return time.perf_counter() - begun


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios within the rounds: what slows both sides down cancels out."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def milliseconds(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1e3
