"""What makes a small base quick on a processor: one thread, since its products are too short to be shared, and 4-bit weights unpacked once
rather than for every token. The products are the same.

Knows nothing of answers and of who asks for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from adapters_hub.engine.base import LoadedBase

SMALL = 100_000_000
"""Below so many parameters a token is computed faster by one processor than several can agree on who computes what."""


@contextmanager
def quick_if_small(loaded: LoadedBase) -> Iterator[None]:
    """Inside the block, in the calling thread; on a GPU and for a larger base nothing changes."""
    if not is_small(loaded):
        yield
        return
    former = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        unpack(loaded)
        yield
    finally:
        for module in _packed(loaded):
            module.__dict__.pop("forward", None)
        torch.set_num_threads(former)


def stay_quick_if_small(loaded: LoadedBase) -> None:
    """For good, in the calling thread alone."""
    if not is_small(loaded):
        return
    former = torch.get_num_threads()
    torch.set_num_threads(1)
    unpack(loaded)
    # torch takes the last number it was told, by whichever thread, for all threads that begin to compute later
    reset = threading.Thread(target=torch.set_num_threads, args=(former,))
    reset.start()
    reset.join()


def is_small(loaded: LoadedBase) -> bool:
    return loaded.device.type == "cpu" and loaded.parameter_count < SMALL


def unpack(loaded: LoadedBase) -> None:
    """Hold the 4-bit weights as the numbers that they stand for, beside the packed ones."""
    for module in _packed(loaded):
        if isinstance(module, torch.nn.Linear):
            module.forward = _unpacked(module)  # type: ignore[method-assign,assignment]


def _packed(loaded: LoadedBase) -> list[torch.nn.Module]:
    return [module for module in loaded.model.modules() if getattr(getattr(module, "weight", None), "quant_state", None) is not None]


def _unpacked(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """What a 4-bit layer of bitsandbytes does on a processor, without unpacking its weight each time."""
    from bitsandbytes.functional import dequantize_4bit

    weight = dequantize_4bit(module.weight.data, module.weight.quant_state).to(module.compute_dtype)
    bias = None if module.bias is None else module.bias.to(module.compute_dtype)
    return lambda x: functional.linear(x.to(module.compute_dtype), weight, bias).to(x.dtype)
