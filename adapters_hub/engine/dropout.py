"""Dropout whose random numbers a processor draws quickly.

torch fills a mask on a CPU one element after the other, which for a small base is a quarter of a training step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

LEVELS = 2**16
"""The probability is rounded to a multiple of 1 / LEVELS."""


def dropout(x: torch.Tensor, probability: float) -> torch.Tensor:
    """Zero elements of ``x`` with that probability in [0, 1) and scale the others up, so that the mean stays.

    Depends on torch's generator alone: same seed, same elements, also when the forward is computed again."""
    if x.device.type != "cpu":
        return functional.dropout(x, probability)
    limit = min(round(probability * LEVELS), LEVELS - 1)
    seed = int(torch.randint(2**62, ()))
    drawn = np.random.SFC64(seed).random_raw(-(-x.numel() // 4)).view(np.uint16)[: x.numel()]
    kept = torch.from_numpy((drawn >= limit).view(np.uint8)).view(x.shape)
    return _Masked.apply(x, kept, LEVELS / (LEVELS - limit))  # type: ignore[no-any-return]


class _Masked(torch.autograd.Function):
    """``x`` times a mask of bytes times a scale: quicker than by ``masked_fill``, and the mask is kept in bytes, not as numbers."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, kept: torch.Tensor, scale: float) -> torch.Tensor:
        context.save_for_backward(kept)
        context.scale = scale
        return (x * kept).mul_(scale)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (kept,) = context.saved_tensors
        return (gradient * kept).mul_(context.scale), None, None
