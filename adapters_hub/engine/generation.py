"""The decode loop: a batch of prompts, each with its own adapter slot, sampling and end, token by token.

Each forward names its slots through the bank, so several loops may take turns on one model. Knows nothing of tutors or text:
tokens in, tokens out.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import DynamicCache
from transformers.generation import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from adapters_hub.contracts import Sampling
from adapters_hub.engine.bank import Bank


@dataclass(frozen=True)
class Prompt:
    """One row of a decode batch."""

    ids: tuple[int, ...]
    slot: int
    """Bank slot; -1 asks the bare base."""
    sampling: Sampling
    stop_ids: frozenset[int]
    """Tokens that end the answer; they are not part of it."""
    limit: int
    """Most tokens of the answer, already cut to what the context holds."""


@dataclass(frozen=True)
class Decoded:
    """One step of one row."""

    row: int
    token: int | None
    """None when the row ended with this step."""
    finish: Literal["stop", "length"] | None = None


class Row:
    """A prompt being answered: what was sampled so far and how the next token is chosen."""

    def __init__(self, index: int, prompt: Prompt, device: torch.device) -> None:
        self.index, self.prompt = index, prompt
        self.answer: list[int] = []
        self.processors = _processors(prompt.sampling)
        self.generator: torch.Generator | None = None
        if prompt.sampling.seed is not None:
            self.generator = torch.Generator(device=device).manual_seed(prompt.sampling.seed)

    def choose(self, logits: torch.Tensor) -> int:
        """Next token from ``logits`` [vocabulary].

        The repetition penalty looks at the answer alone: a tutor should repeat the question's words."""
        sampling = self.prompt.sampling
        scores = logits.float().unsqueeze(0)
        answer = torch.tensor([self.answer], device=logits.device, dtype=torch.long)
        if self.answer and sampling.repetition_penalty != 1.0:
            scores = RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)(answer, scores)
        scores = self.processors(answer, scores)
        if sampling.temperature == 0:
            return int(scores.argmax())
        return int(torch.multinomial(scores.softmax(-1), 1, generator=self.generator))

    def step(self, token: int) -> Decoded:
        """Record ``token`` and say whether the answer goes on."""
        if token in self.prompt.stop_ids:
            return Decoded(self.index, None, "stop")
        self.answer.append(token)
        return Decoded(self.index, token, "length" if len(self.answer) >= self.prompt.limit else None)


@torch.inference_mode()
def decode(model: Any, bank: Bank, prompts: Sequence[Prompt], *, pad_id: int, ended: Container[int] = ()) -> Iterator[list[Decoded]]:
    """Answer all prompts together; each item holds one step of every row still running. Closing it stops the computation.

    Rows that end leave the batch at once, and so do those that the caller has added to ``ended`` meanwhile. ``model`` is a
    transformers causal language model in eval mode."""
    yield from _decode(model, bank, prompts, pad_id, ended)


@torch.no_grad()
def decode_in_training(
    model: Any, bank: Bank, prompts: Sequence[Prompt], *, pad_id: int, ended: Container[int] = ()
) -> Iterator[list[Decoded]]:
    """``decode`` for a model that goes on learning: what modules keep from one forward to the next (tables of positions, quantization
    states) must not come from inference mode, since no gradient passes through that."""
    yield from _decode(model, bank, prompts, pad_id, ended)


def _decode(model: Any, bank: Bank, prompts: Sequence[Prompt], pad_id: int, ended: Container[int]) -> Iterator[list[Decoded]]:
    device = next(model.parameters()).device
    rows = [Row(index, prompt, device) for index, prompt in enumerate(prompts)]
    width = max(len(prompt.ids) for prompt in prompts)
    ids = torch.tensor([[pad_id] * (width - len(p.ids)) + list(p.ids) for p in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in prompts], device=device)
    cache = DynamicCache(config=model.config)
    while rows:
        logits = _forward(model, bank, rows, ids, mask, cache)
        step = [row.step(token) for row, token in zip(rows, _choose(rows, logits), strict=True)]
        yield step
        going = [i for i, decoded in enumerate(step) if decoded.finish is None and decoded.row not in ended]
        if len(going) < len(rows):
            rows = [rows[i] for i in going]
            if not rows:
                return
            keep = torch.tensor(going, device=device)
            cache.batch_select_indices(keep)
            mask = mask[keep]
        ids = torch.tensor([[row.answer[-1]] for row in rows], device=device)
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)


def _forward(model: Any, bank: Bank, rows: list[Row], ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    """Logits of the next token, [rows, vocabulary]. ``ids`` are the tokens the cache does not hold yet."""
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with bank.routing([row.prompt.slot for row in rows]):
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
    logits: torch.Tensor = output.logits[:, -1]
    return logits


def _choose(rows: Sequence[Row], logits: torch.Tensor) -> list[int]:
    """The next token of each row from ``logits`` [rows, vocabulary]; where all are greedy, in one go."""
    if all(row.prompt.sampling.temperature == 0 and row.prompt.sampling.repetition_penalty == 1.0 for row in rows):
        tokens: list[int] = logits.float().argmax(-1).tolist()
        return tokens
    return [row.choose(logits[i]) for i, row in enumerate(rows)]


def _processors(sampling: Sampling) -> LogitsProcessorList:
    processors = LogitsProcessorList()
    if sampling.temperature > 0:
        if sampling.temperature != 1.0:
            processors.append(TemperatureLogitsWarper(sampling.temperature))
        if sampling.top_p < 1.0:
            processors.append(TopPLogitsWarper(sampling.top_p))
    return processors
