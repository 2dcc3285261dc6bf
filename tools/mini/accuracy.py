"""How much of fresh worksheets a model tells rightly, given everything that stands before.

Knows a model and worksheets. Deliberately generates no text: a stretch counts when the model would have chosen each of its
tokens, which is what greedy decoding would have written there.
"""

from collections.abc import Callable
from random import Random

import torch
from transformers import LlamaForCausalLM

from .packing import Weighted
from .sheets import Sheet


@torch.no_grad()
def share_right(
    model: LlamaForCausalLM,
    encode: Callable[[list[Sheet]], list[Weighted]],
    make: Callable[[Random], Sheet],
    sheets: int,
    seed: int,
) -> tuple[float, float]:
    """Of `sheets` fresh worksheets: the share of stretches that follow told whole, and of their tokens. `encode` gives ids and what follows."""
    rng = Random(seed)
    stretches: list[bool] = []
    tokens: list[bool] = []
    for ids, follows in encode([make(rng) for _ in range(sheets)]):
        chosen = model(torch.tensor([ids], device=model.device)).logits[0, :-1].argmax(-1).tolist()
        before = False
        for told, wanted, counts in zip(chosen, ids[1:], follows[1:], strict=True):
            if counts:
                tokens.append(told == wanted)
                if before:
                    stretches[-1] &= told == wanted
                else:
                    stretches.append(told == wanted)
            before = counts
    return sum(stretches) / max(1, len(stretches)), sum(tokens) / max(1, len(tokens))
