"""Prompts, rows and how a row's next token is chosen, each with its own adapter slot, sampling and end; and the plain decode loop.

Each forward names its slots through the bank, so several loops may take turns on one model. Knows nothing of tutors or text, nor of
rows that come and go: tokens in, tokens out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from transformers import Cache, DynamicCache

from adapters_hub.contracts import Sampling
from adapters_hub.engine.bank import Bank
from adapters_hub.errors import HubError


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
        self.generator: torch.Generator | None = None
        if prompt.sampling.seed is not None:
            self.generator = torch.Generator(device=device).manual_seed(prompt.sampling.seed)

    def step(self, token: int) -> Decoded:
        """Record ``token`` and say whether the answer goes on."""
        if token in self.prompt.stop_ids:
            return Decoded(self.index, None, "stop")
        self.answer.append(token)
        return Decoded(self.index, token, "length" if len(self.answer) >= self.prompt.limit else None)


@torch.no_grad()
def decode_in_training(
    model: Any, bank: Bank, prompts: Sequence[Prompt], *, pad_id: int, ended: Container[int] = ()
) -> Iterator[list[Decoded]]:
    """Answer all prompts together; each item holds one step of every row still running. Closing it stops the computation.

    Rows that end leave the batch at once, and so do those that the caller has added to ``ended`` meanwhile. ``model`` is a
    transformers causal language model in eval mode that goes on learning: what its modules keep from one forward to the next (tables
    of positions, quantization states) must not come from inference mode, since no gradient passes through that."""
    yield from _decode(model, bank, prompts, pad_id, ended)


def _decode(model: Any, bank: Bank, prompts: Sequence[Prompt], pad_id: int, ended: Container[int]) -> Iterator[list[Decoded]]:
    device = next(model.parameters()).device
    rows = [Row(index, prompt, device) for index, prompt in enumerate(prompts)]
    ids, mask = padded([prompt.ids for prompt in prompts], pad_id, device)
    cache = DynamicCache(config=model.config)
    while rows:
        logits = forward(model, bank, [row.prompt.slot for row in rows], ids, mask, cache)
        step = [_take(row, token) for row, token in zip(rows, choose(rows, logits), strict=True)]
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


def padded(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and their mask, [rows, tokens of the longest], filled up on the left."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad_id] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def forward(model: Any, bank: Bank, slots: Sequence[int], ids: torch.Tensor, mask: torch.Tensor, cache: Cache) -> torch.Tensor:
    """Logits of the next token, [rows, vocabulary]. ``ids`` are the tokens the cache does not hold yet."""
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with bank.routing(slots):
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


def choose(rows: Sequence[Row], logits: torch.Tensor) -> list[int | Exception]:
    """The next token of each row from ``logits`` [rows, vocabulary], or why this very row has none.

    The repetition penalty looks at the answer alone: a tutor should repeat the question's words."""
    scores = logits if logits.dtype == torch.float64 else logits.float()
    scores = _penalized(rows, scores)
    best, tokens = scores.max(-1)  # the largest of numbers with a NaN among them is NaN
    invalid, found = best.isnan().tolist(), cast("list[int | Exception]", tokens.tolist())
    for place in [place for place, nothing in enumerate(invalid) if nothing]:
        hint = "ask in other words, or train the tutor again"
        found[place] = HubError("the model computed no valid numbers for this answer", hint=hint)
    drawing = [place for place, row in enumerate(rows) if row.prompt.sampling.temperature > 0 and not invalid[place]]
    if drawing:
        chances = _chances([rows[place].prompt.sampling for place in drawing], scores if len(drawing) == len(rows) else scores[drawing])
        for place, chance in zip(drawing, chances, strict=True):
            try:
                found[place] = int(torch.multinomial(chance, 1, generator=rows[place].generator))
            except Exception as error:  # whatever the sampler does not like about this row is no business of the others
                found[place] = error
    return found


def _penalized(rows: Sequence[Row], scores: torch.Tensor) -> torch.Tensor:
    """Keskar et al. 2019, arXiv:1909.05858: what was said already is divided by the penalty, or multiplied where it is negative."""
    places = [place for place, row in enumerate(rows) if row.answer and row.prompt.sampling.repetition_penalty != 1.0]
    if not places:
        return scores
    scores = scores.clone()
    for place in places:
        said = torch.tensor(sorted(set(rows[place].answer)), device=scores.device)
        penalty, score = rows[place].prompt.sampling.repetition_penalty, scores[place, said]
        scores[place, said] = torch.where(score < 0, score * penalty, score / penalty)
    return scores


def _chances(samplings: Sequence[Sampling], scores: torch.Tensor) -> torch.Tensor:
    """Probabilities [rows, vocabulary] after temperature and nucleus (Holtzman et al. 2020, arXiv:1904.09751): the smallest set of tokens
    that has a probability of ``top_p``."""

    def column(values: Iterable[float]) -> torch.Tensor:
        return torch.tensor([[value] for value in values], dtype=scores.dtype, device=scores.device)

    bounds = torch.finfo(scores.dtype)
    temperatures = column(min(max(sampling.temperature, bounds.tiny), bounds.max) for sampling in samplings)
    # from the best one down: however cold, it stays a number, and so does 0 / 0 for what is impossible already
    scores = (scores - scores.amax(dim=-1, keepdim=True)) / temperatures
    if any(sampling.top_p < 1.0 for sampling in samplings):
        ordered, tokens = scores.sort(dim=-1)
        outside = ordered.softmax(-1).cumsum(-1) <= 1 - column(min(sampling.top_p, 1.0) for sampling in samplings)
        outside[:, -1] = False
        scores = scores.masked_fill(outside.scatter(-1, tokens, outside), -torch.inf)
    return scores.softmax(-1)


def _take(row: Row, token: int | Exception) -> Decoded:
    """A learner whose numbers have run away has nothing to say: its answer ends, the training goes on."""
    if isinstance(token, HubError):
        return Decoded(row.index, None, "stop")
    if isinstance(token, Exception):
        raise token
    return row.step(token)
