"""What the benchmarks of the bank share: a random base for us and one for PEFT, adapters for both, and fair clocks.

The base has the shape of Qwen2.5-0.5B with its vocabulary cut to 8k (24 layers, hidden size 896), in NF4 with bf16 products; the
adapters have rank 16 on all linear layers and are saved in bf16, 17.6 MB each. No script of its own.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import DynamicCache

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.linears import linears, resolve_targets
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, read_adapter, write_adapter

RANK = 16
VOCABULARY = 8192
CONTEXT = 64
"""Tokens in the cache before each decode step."""


def arguments(description: str | None, *, rounds: int, layers: int = 24) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--layers", type=int, default=layers, help="decoder layers of the random base")
    parser.add_argument("--quantization", choices=("nf4", "none"), default="nf4")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    return options


def facts(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a reader of the figures must know."""
    return {
        "benchmark": name,
        "layers": options.layers,
        "quantization": options.quantization,
        "rank": RANK,
        "rounds": options.rounds,
        "threads": torch.get_num_threads(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "torch": torch.__version__,
    }


# --- bases and adapters --------------------------------------------------------------------------


def random_base(options: argparse.Namespace) -> Any:
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
    if options.quantization == "nf4":
        model = _quantize_in_place(model, torch.bfloat16)
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    first = model.model.layers[0]
    for index in range(1, options.layers):
        copied = copy.deepcopy(first)
        copied.self_attn.layer_idx = index
        model.model.layers.append(copied)
    model.config.num_hidden_layers = options.layers
    model.config.layer_types = model.config.layer_types * options.layers
    return model


def loaded(model: Any) -> Any:
    """What the registry wants to know of a base that was opened."""
    return SimpleNamespace(model=model, chat=SimpleNamespace(template_sha256=""), identity=None, device=next(model.parameters()).device)


def random_adapters(folder: Path, model: Any, count: int) -> list[Path]:
    """PEFT folders; A and B are random, so that each changes every answer in its own way."""
    return [_random_adapter(folder / f"t{seed}", model, seed) for seed in range(count)]


def _random_adapter(folder: Path, model: Any, seed: int) -> Path:
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


def in_bank(model: Any, folders: Sequence[Path]) -> tuple[Bank, list[int]]:
    bank = Bank(model)
    return bank, [bank.attach(read_adapter(folder, model=model)) for folder in folders]


def in_peft(model: Any, folders: Sequence[Path], **settings: Any) -> Any:
    """A PEFT model with the adapters under their folders' names, the first one active, ready to answer."""
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(model, folders[0], adapter_name=folders[0].name, **settings)
    for folder in folders[1:]:
        wrapped.load_adapter(folder, folder.name, **settings)
    wrapped.set_adapter(folders[0].name, inference_mode=True)
    return wrapped.eval()


# --- one decode step -----------------------------------------------------------------------------


@torch.inference_mode()
def filled_cache(model: Any, rows: int) -> DynamicCache:
    """Keys and values of 64 tokens a row, computed by the base alone. All bases are equal, so everybody may start from a copy of it."""
    cache = DynamicCache(config=model.config)
    ids = torch.randint(0, VOCABULARY, (rows, CONTEXT), generator=torch.Generator().manual_seed(0))
    model(input_ids=ids.to(next(model.parameters()).device), past_key_values=cache, use_cache=True)
    return cache


@torch.inference_mode()
def decode_step(model: Any, cache: DynamicCache, rows: int, **more: Any) -> torch.Tensor:
    """Logits of one more token for each row; the cache is left as it was."""
    ids = torch.arange(1, rows + 1, device=next(model.parameters()).device).unsqueeze(1)
    logits: torch.Tensor = model(input_ids=ids, past_key_values=cache, use_cache=True, **more).logits
    cache.crop(-1)
    return logits


def bank_step(model: Any, bank: Bank, table: Sequence[int], filled: DynamicCache) -> Callable[[int], torch.Tensor]:
    """A decode step of ours with these slots, one for each row."""
    cache = copy.deepcopy(filled)

    def step(_: int) -> torch.Tensor:
        with bank.routing(table):
            return decode_step(model, cache, len(table))

    return step


def plain_step(model: Any, rows: int, filled: DynamicCache, **more: Any) -> Callable[[int], torch.Tensor]:
    """A decode step of whatever ``model`` is."""
    cache = copy.deepcopy(filled)
    return lambda _: decode_step(model, cache, rows, **more)


# --- clocks --------------------------------------------------------------------------------------


def interleaved(contestants: Mapping[str, Callable[[int], Any]], rounds: int, *, warm_up: int = 3) -> dict[str, list[float]]:
    """Seconds of each contestant in each round; all take part in every round, so that a noisy machine hurts all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(-warm_up, rounds):
        for name, action in contestants.items():
            spent = timed(action, turn % rounds)
            if turn >= 0:
                seconds[name].append(spent)
    return seconds


def timed(action: Callable[..., Any], *inputs: Any) -> float:
    """Seconds of one call, the GPU's included."""
    synchronize()
    begun = time.perf_counter()
    action(*inputs)
    synchronize()
    return time.perf_counter() - begun


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios within the rounds: what slows both sides down cancels out."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def milliseconds(seconds: Sequence[float]) -> float:
    """Median."""
    return statistics.median(seconds) * 1e3


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time that ``share`` of the calls do not exceed, milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3
