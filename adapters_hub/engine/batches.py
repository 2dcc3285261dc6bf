"""Conversations -> rows of tokens -> batches of tensors that know which next tokens are learned.

Cuts nothing silently: a row that is too long is left out and named, or divided at turn borders. Deliberately knows no model,
no device and no loss; which tokens are supervised is decided by `rendering` alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import DataError, HubError
from adapters_hub.rendering import Rendered, render, render_many
from adapters_hub.types import Example, Message

WINDOW = 16
"""Batches whose rows are sorted by length together: enough to save most padding, few enough to keep the order random."""


@dataclass(frozen=True)
class Row:
    """One sequence to learn from."""

    ids: list[int]
    supervised: bytes
    """1 for each of `ids` that is learned, else 0."""
    where: str
    """``file:line`` it came from."""
    slot: int = 0
    """Index of the job, and so of the adapter, that learns it."""


@dataclass(frozen=True)
class Tokenized:
    """A dataset as rows."""

    rows: tuple[Row, ...]
    skipped: tuple[str, ...]
    """``file:line: 1234 tokens, limit 1024`` for whatever was too long."""

    @property
    def supervised_tokens(self) -> int:
        """Tokens with loss in one epoch."""
        return sum(sum(row.supervised) for row in self.rows)


@dataclass(frozen=True)
class Batch:
    """n rows, padded on the right to the same length L, sorted by slot. All tensors are int64."""

    input_ids: torch.Tensor
    """[n, L]"""
    attention_mask: torch.Tensor
    """[n, L]: 1 for a token, 0 for padding. For models that look to the right; the others are quicker without."""
    positions: torch.Tensor
    """[K]: index into the n * L flattened positions of those whose next token is learned."""
    targets: torch.Tensor
    """[K]: that next token."""
    slots: torch.Tensor
    """[n], ascending."""

    @property
    def label_slots(self) -> torch.Tensor:
        """[K]: the slot each target belongs to, for a loss per job."""
        return self.slots[self.positions // self.input_ids.shape[1]]

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        return replace(self, **{item.name: getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)})


def tokenize(chat: ChatFormat, examples: Sequence[Example], *, max_tokens: int, long_rows: str = "skip", slot: int = 0) -> Tokenized:
    """Render the examples. With a template that rewrites history each answer becomes a row of its own, as a chat would show it.

    `long_rows` is "skip" or "split", which divides a too long row at turn borders: the system turn is repeated, each piece ends
    with an answer, and each answer is learned once. Raises DataError naming every row that the template refuses or that has
    nothing to learn."""
    drafts = [(example, draft) for example in examples for draft in _conversations(chat, example)]
    rendered = _render_all(chat, drafts)
    rows: list[Row] = []
    skipped: list[str] = []
    empty: list[str] = []
    for (example, draft), result in zip(drafts, rendered, strict=True):
        if not any(result.supervised):
            empty.append(f"{example.where}: no assistant turn to learn from")
        elif len(result.ids) <= max_tokens:
            rows.append(_row(chat, result, example.where, slot))
        elif long_rows == "split":
            for piece, name in _pieces(chat, draft, max_tokens):
                if len(piece.ids) <= max_tokens:
                    rows.append(_row(chat, piece, example.where, slot))
                else:
                    skipped.append(f"{example.where}{name}: {len(piece.ids)} tokens, limit {max_tokens}")
        else:
            skipped.append(f"{example.where}: {len(result.ids)} tokens, limit {max_tokens}")
    if empty:
        raise DataError(f"{len(empty)} rows have no supervised token", hint="end each conversation with an assistant turn", details=empty)
    return Tokenized(tuple(rows), tuple(skipped))


def epoch_order(rows: Sequence[Row], *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices of the rows of each optimizer batch: every row once, in an order that depends on seed and epoch alone.

    Rows of similar length meet: each window of `WINDOW` batches is sorted by length before it is divided."""
    source = random.Random(f"{seed} {epoch}")
    order = list(range(len(rows)))
    source.shuffle(order)
    batches = []
    for start in range(0, len(order), batch_size * WINDOW):
        window = sorted(order[start : start + batch_size * WINDOW], key=lambda index: len(rows[index].ids))
        batches += [window[first : first + batch_size] for first in range(0, len(window), batch_size)]
    source.shuffle(batches)
    return batches


def collate(rows: Sequence[Row], *, pad_id: int, multiple: int = 8, context: int = 0) -> Batch:
    """Pad the rows to the longest, rounded up to a `multiple` that suits the hardware, but not beyond the model's `context` (0: any)."""
    rows = sorted(rows, key=lambda row: row.slot)
    longest = max(len(row.ids) for row in rows)
    length = -(-longest // multiple) * multiple
    length = max(longest, min(length, context or length))
    input_ids = torch.full((len(rows), length), pad_id, dtype=torch.int64)
    attention_mask = torch.zeros_like(input_ids)
    next_is_learned = torch.zeros_like(input_ids, dtype=torch.bool)
    for index, row in enumerate(rows):
        input_ids[index, : len(row.ids)] = torch.tensor(row.ids)
        attention_mask[index, : len(row.ids)] = 1
        next_is_learned[index, : len(row.ids) - 1] = torch.tensor(list(row.supervised[1:]), dtype=torch.bool)
    positions = next_is_learned.flatten().nonzero().flatten()
    return Batch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        positions=positions,
        targets=input_ids.flatten()[positions + 1],
        slots=torch.tensor([row.slot for row in rows], dtype=torch.int64),
    )


# --- rendering -----------------------------------------------------------------------------------


def _conversations(chat: ChatFormat, example: Example) -> list[tuple[Message, ...]]:
    """The whole conversation, or one up to each answer where only the last answer is shown as in a chat."""
    answers = [index for index, message in enumerate(example.messages) if message.role == "assistant"]
    if not answers or not chat.rewrites_history:
        return [example.messages]
    return [example.messages[: index + 1] for index in answers]


def _render_all(chat: ChatFormat, drafts: Sequence[tuple[Example, tuple[Message, ...]]]) -> list[Rendered]:
    """Render together; when one is refused, look at each to name all of them. Raises DataError."""
    try:
        return render_many(chat, [draft for _, draft in drafts])
    except HubError as error:
        details = []
        for example, draft in drafts:
            try:
                render(chat, draft)
            except HubError as refusal:
                details.append(f"{example.where}: {refusal.message}")
        details = list(dict.fromkeys(details))
        raise DataError(f"{len(details)} rows do not fit the chat template", hint=error.hint, details=details) from error


def _row(chat: ChatFormat, rendered: Rendered, where: str, slot: int) -> Row:
    supervised = rendered.supervised
    if chat.rewrites_history:
        end = supervised.rfind(1) + 1
        start = supervised.rfind(0, 0, end) + 1
        supervised = bytes(start) + supervised[start:]
    return Row(rendered.ids, supervised, where, slot)


def _pieces(chat: ChatFormat, messages: tuple[Message, ...], max_tokens: int) -> Iterator[tuple[Rendered, str]]:
    """Divide a too long conversation; an exchange that is too long alone comes out as it is, with its name."""
    system = messages[:1] if messages[0].role == "system" else ()
    exchanges: list[tuple[Message, ...]] = []
    start = len(system)
    for index, message in enumerate(messages):
        if message.role == "assistant":
            exchanges.append(messages[start : index + 1])
            start = index + 1

    def rendered(first: int, end: int) -> Rendered:
        return render(chat, (*system, *[message for exchange in exchanges[first:end] for message in exchange]))

    def name(number: int) -> str:
        return f", answer {number}" if len(exchanges) > 1 else ""

    if chat.rewrites_history:  # only the last answer counts: keep as much as fits of what led to it
        last = len(exchanges)
        candidates = (rendered(first, last) for first in range(last))
        yield next((piece for piece in candidates if len(piece.ids) <= max_tokens), rendered(last - 1, last)), name(last)
        return
    first = 0
    while first < len(exchanges):
        end, piece = first + 1, rendered(first, first + 1)
        while end < len(exchanges) and len(piece.ids) <= max_tokens and len((longer := rendered(first, end + 1)).ids) <= max_tokens:
            end, piece = end + 1, longer
        yield piece, name(end)
        first = end
