"""Answers under way as one batch of the model: prompts are computed, join the others, get a token at a time, and leave.

Two kinds: ``GrowingBatch``, which rows join and leave while others decode, and ``StaticBatch`` for models that keep more than keys and
values of each token, where a batch ends before the next one begins.

Why not transformers' own continuous batching: with a table of slots for each packed token it gives the same tokens at the same speed
(``benchmarks/continuous.py``, 32 questions, 8 rows, 8 tutors, one thread: 106 tokens/s against 104 here and 93 in static batches), but
there a failing forward fails every row and ends the thread, the prefix cache knows tokens and no adapters, and all of it stands on
internals that change with each release. Here rows keep what they have computed when a forward fails, and only transformers' cache
interface is used. Knows nothing of queues, text and adapters beyond their slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from transformers import DynamicCache

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.generation import Row, forward, padded
from adapters_hub.engine.growing_cache import GrowingCache, States, can_grow

AHEAD = 128
"""Tokens of room that a batch makes at once for answers to come."""


@dataclass(eq=False)
class Running:
    """A row of the batch and what it starts from."""

    row: Row
    prefix: States | None = None
    """Kept keys and values of its first tokens; given back once they are copied."""
    reused: int = 0
    """Tokens in ``prefix``."""
    held: int = field(default=0)
    """Tokens whose keys and values the batch holds."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """Everything that must be computed before its next token."""
        return (*self.row.prompt.ids, *self.row.answer)

    @property
    def slot(self) -> int:
        return self.row.prompt.slot

    @property
    def ahead(self) -> int:
        """Tokens it may still get."""
        return self.row.prompt.limit - len(self.row.answer)


class Prefill(Protocol):
    """Prompts being computed before their rows join a batch."""

    rows: list[Running]

    def advance(self, most: int) -> bool:
        """Compute about ``most`` more tokens; True once everything is computed."""

    def logits(self) -> torch.Tensor:
        """Of the first token of each answer, [rows, vocabulary]."""

    def states(self, row: int) -> States | None:
        """Keys and values of a row, in the batch's own memory; None where they cannot be told apart."""


class Batch(Protocol):
    """Rows that get one token each with each forward."""

    rows: list[Running]
    patient: bool
    """Takes newcomers only when nobody is left."""

    def prefill(self, rows: Sequence[Running]) -> Prefill: ...

    def join(self, prefill: Prefill, staying: Sequence[int]) -> None:
        """Take over these rows of a finished prefill."""

    def logits(self) -> torch.Tensor:
        """One forward: of the next token of each row, [rows, vocabulary]. Rows are unchanged when this raises, unless ``patient``."""

    def logits_alone(self, row: int) -> torch.Tensor:
        """The same of one row, [1, vocabulary]."""

    def advance(self) -> None:
        """The forwards since the last call have worked: their tokens are part of the rows now."""

    def states(self, row: int) -> States | None:
        """Keys and values of a row, in the batch's own memory; None where they cannot be told apart."""

    def leave(self, row: int) -> None:
        """Forget a row; the last one takes its number."""

    def bytes(self) -> int: ...

    def clear(self) -> None:
        """Forget all rows, whatever state a failed forward left."""


def batch_for(model: Any, bank: Bank, pad_id: int) -> Batch:
    """The kind of batch that suits ``model``, a transformers causal language model in eval mode."""
    return GrowingBatch(model, bank, pad_id) if can_grow(model.config) else StaticBatch(model, bank, pad_id)


class GrowingBatch:
    """Rows come and go at any time."""

    patient = False

    def __init__(self, model: Any, bank: Bank, pad_id: int) -> None:
        self.model, self.bank, self.pad_id = model, bank, pad_id
        self.device = next(model.parameters()).device
        self.cache = GrowingCache(model.config)
        self.rows: list[Running] = []

    def prefill(self, rows: Sequence[Running]) -> GrowingPrefill:
        return GrowingPrefill(self, rows)

    def join(self, prefill: Prefill, staying: Sequence[int]) -> None:
        for place in staying:
            states, running = prefill.states(place), prefill.rows[place]
            assert states is not None
            self.cache.join(states, more=min(running.ahead, AHEAD))
            running.held = states[0][0].shape[-2]
            self.rows.append(running)

    def logits(self) -> torch.Tensor:
        self.cache.reserve(1)
        return self._forward(0, len(self.rows))

    def logits_alone(self, row: int) -> torch.Tensor:
        return self._forward(row, row + 1)

    def advance(self) -> None:
        self.cache.advance(1)
        for running in self.rows:
            running.held += 1

    def states(self, row: int) -> States | None:
        return self.cache.of_row(row, self.rows[row].held)

    def leave(self, row: int) -> None:
        last = self.rows.pop()
        if row < len(self.rows):
            self.rows[row] = last
        if self.rows:
            self.cache.leave(row, max(running.held for running in self.rows))
        else:
            self.cache.clear()

    def bytes(self) -> int:
        return self.cache.bytes()

    def clear(self) -> None:
        self.rows.clear()
        self.cache.clear()

    def _forward(self, first: int, last: int) -> torch.Tensor:
        rows = self.rows[first:last]
        facts = torch.tensor([[running.row.answer[-1], running.held] for running in rows], device=self.device)
        width = self.cache.width + 1
        padding = any(running.held < width - 1 for running in rows)
        mask = torch.arange(width, device=self.device) >= width - 1 - facts[:, 1:] if padding else None
        self.cache.begin(slice(first, last))
        with self.bank.routing([running.slot for running in rows]):
            output = self.model(
                input_ids=facts[:, :1],
                attention_mask=mask,
                position_ids=facts[:, 1:],
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


class GrowingPrefill:
    """Prompts behind what is kept of their beginnings, filled up on the right, so that kept and new tokens lie side by side."""

    def __init__(self, batch: GrowingBatch, rows: Sequence[Running]) -> None:
        self.batch, self.rows = batch, list(rows)
        self.cache = GrowingCache(batch.model.config)
        self.fresh = [running.tokens[running.reused :] for running in rows]
        self.done, self.longest = 0, max(map(len, self.fresh))
        self.begin = self.cache.fill([running.prefix for running in rows], planned=self.longest)
        for running in rows:
            running.prefix = None
        self.found: list[torch.Tensor | None] = [None] * len(rows)

    def advance(self, most: int) -> bool:
        first = self.done
        last = min(self.longest, first + max(most // len(self.rows), 1))
        device, pad_id = self.batch.device, self.batch.pad_id
        ids = torch.tensor([_cut(new, first, last, pad_id) for new in self.fresh], device=device)
        sizes = torch.tensor([[running.reused, len(new)] for running, new in zip(self.rows, self.fresh, strict=True)], device=device)
        reused, fresh = sizes[:, :1], sizes[:, 1:]
        columns = torch.arange(self.begin + last, device=device)
        mask = (columns >= self.begin - reused) & (columns < self.begin + fresh)
        positions = reused + torch.minimum(torch.arange(first, last, device=device), fresh - 1)
        ends = sorted({len(new) - 1 - first for new in self.fresh if first < len(new) <= last})
        kept: int | torch.Tensor = 1 if not ends or ends == [last - first - 1] else torch.tensor(ends, device=device)
        self.cache.begin(slice(0, len(self.rows)))
        with self.batch.bank.routing([running.slot for running in self.rows]):
            logits = self.batch.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=kept,
            ).logits
        self.cache.advance(last - first)
        for row, new in enumerate(self.fresh):
            if first < len(new) <= last:
                self.found[row] = logits[row, ends.index(len(new) - 1 - first)]
        self.done = last
        return last == self.longest

    def logits(self) -> torch.Tensor:
        return torch.stack([found for found in self.found if found is not None])

    def states(self, row: int) -> States | None:
        return self.cache.states(row, self.begin - self.rows[row].reused, self.begin + len(self.fresh[row]))


class StaticBatch:
    """Rows that begin together; the model's own kind of cache holds what it keeps of them."""

    patient = True

    def __init__(self, model: Any, bank: Bank, pad_id: int) -> None:
        self.model, self.bank, self.pad_id = model, bank, pad_id
        self.device = next(model.parameters()).device
        self.rows: list[Running] = []
        self.begun: StaticPrefill | None = None

    def prefill(self, rows: Sequence[Running]) -> StaticPrefill:
        return StaticPrefill(self, rows)

    def join(self, prefill: Prefill, staying: Sequence[int]) -> None:
        assert isinstance(prefill, StaticPrefill) and not self.rows
        self.begun = prefill
        self._keep(staying, prefill.rows)

    def logits(self) -> torch.Tensor:
        assert self.begun is not None
        ids = torch.tensor([[running.row.answer[-1]] for running in self.rows], device=self.device)
        self.begun.mask = torch.cat([self.begun.mask, self.begun.mask.new_ones(len(self.rows), 1)], dim=1)
        return forward(self.model, self.bank, [running.slot for running in self.rows], ids, self.begun.mask, self.begun.cache)

    def logits_alone(self, row: int) -> torch.Tensor:
        raise RuntimeError("rows of a static batch cannot be told apart")

    def advance(self) -> None:
        for running in self.rows:
            running.held += 1

    def states(self, row: int) -> States | None:
        return None

    def leave(self, row: int) -> None:
        last = len(self.rows) - 1
        self._keep([last if place == row else place for place in range(last)], self.rows)

    def bytes(self) -> int:
        layers = self.begun.cache.layers if self.begun is not None else ()
        tensors = [getattr(layer, name, None) for layer in layers for name in ("keys", "values")]
        return sum(tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))

    def clear(self) -> None:
        self.rows = []
        self.begun = None

    def _keep(self, staying: Sequence[int], rows: Sequence[Running]) -> None:
        assert self.begun is not None
        self.rows = [rows[place] for place in staying]
        if not self.rows:
            self.clear()
        elif list(staying) != list(range(len(rows))):
            chosen = torch.tensor(staying, device=self.device)
            self.begun.cache.reorder_cache(chosen)  # unlike its other methods known to every kind of layer
            self.begun.mask = self.begun.mask[chosen]


class StaticPrefill:
    """Prompts filled up on the left, computed in one go."""

    def __init__(self, batch: StaticBatch, rows: Sequence[Running]) -> None:
        self.batch, self.rows = batch, list(rows)
        self.cache = DynamicCache(config=batch.model.config)
        self.found: torch.Tensor | None = None
        for running in rows:
            running.prefix, running.reused = None, 0
        ids, self.mask = padded([running.tokens for running in rows], batch.pad_id, batch.device)
        self.ids = ids

    def advance(self, most: int) -> bool:
        slots = [running.slot for running in self.rows]
        self.found = forward(self.batch.model, self.batch.bank, slots, self.ids, self.mask, self.cache)
        for running in self.rows:
            running.held = len(running.tokens)
        return True

    def logits(self) -> torch.Tensor:
        assert self.found is not None
        return self.found

    def states(self, row: int) -> States | None:
        return None


def _cut(tokens: Sequence[int], first: int, last: int, pad_id: int) -> list[int]:
    """``tokens[first:last]``, filled up on the right."""
    found = list(tokens[first:last])
    return found + [pad_id] * (last - first - len(found))
