"""Who uses which columns of the stacked adapters: where each slot lies in a layer, and which slot each row or token wants.

From both follows what a layer has to multiply and what of it is masked. Knows nothing of weights, models and adapters: a slot is a
number that learns or does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import torch

from adapters_hub.errors import NotFoundError

BASE = -1
"""Slot of rows and tokens that want the base as it is."""


@dataclass(frozen=True)
class Span:
    """The rows of a layer's storage that belong to one slot."""

    slot: int
    block: int
    """Number of the block they lie in."""
    start: int
    stop: int
    scale: float
    """Still to be multiplied; 1 where it is folded into B."""
    dropout: float = 0.0
    trainable: bool = False

    @property
    def place(self) -> tuple[int, int]:
        return self.block, self.start


@dataclass(frozen=True, eq=False)
class Layout:
    """Who owns which rows of a layer, in order of place; compared by identity. Layers with the same history share one."""

    spans: tuple[Span, ...] = ()
    blocks: Mapping[int, int] = field(default_factory=dict)
    """Number of each block -> its rows."""
    by_slot: dict[int, Span] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_slot", {span.slot: span for span in self.spans})

    def free_place(self, rank: int) -> tuple[int, int] | None:
        """Block and first row of the first gap of ``rank`` rows; None when there is none."""
        for number, rows in self.blocks.items():
            place = 0
            for span in self.spans:
                if span.block == number:
                    if span.start - place >= rank:
                        break
                    place = span.stop
            else:
                if rows - place < rank:
                    continue
            return number, place
        return None

    def having(self, span: Span, rows: int) -> Layout:
        """With ``span``, whose block has ``rows`` rows."""
        return Layout(tuple(sorted((*self.spans, span), key=lambda one: one.place)), {**self.blocks, span.block: rows})

    def without(self, slot: int) -> Layout:
        """Without that slot, and without its block when nobody else lies there."""
        spans = tuple(span for span in self.spans if span.slot != slot)
        used = {span.block for span in spans}
        return Layout(spans, {number: rows for number, rows in self.blocks.items() if number in used})


class Switch:
    """The one place all layers of a bank look at: the routing in force, or None."""

    routing: Routing | None = None


@dataclass(frozen=True)
class Piece:
    """One pair of matrix products over neighbouring rows of the storage."""

    block: int
    start: int
    stop: int
    scale: float | torch.Tensor | None
    """Number, or one factor for each row of the storage [columns]; None where all are 1."""
    blocked: torch.Tensor | None = None
    """True where a token does not use a column; broadcasts over [..., columns]. None: every token uses all of them."""
    group: Group | None = None
    """Set where each slot gets a product of its own over its own rows."""


@dataclass(frozen=True)
class Group:
    """Neighbouring slots of one rank, each with the same number of rows, so that one batched product serves them all."""

    slots: int
    source: slice | torch.Tensor | None
    """Rows of the input in the order of the slots, some twice where a slot has fewer than the others; None: all as they come."""
    chosen: torch.Tensor | None
    """Which rows of the product are meant, in the order of ``target``; None: all."""
    target: slice | torch.Tensor | None
    """Rows of the output they are added to; None: all as they come."""
    scales: torch.Tensor | None
    """[slots, 1, 1]; None where all are 1."""


class Learns(Protocol):
    """What a routing asks a slot."""

    @property
    def trainable(self) -> bool: ...


class Routing:
    """Which slot each row or token uses, and what follows from it for each layout, worked out once and kept as long as slots stay."""

    def __init__(self, slots: Sequence[int] | torch.Tensor, known: Mapping[int, Learns]) -> None:
        self._slots = slots
        self._table: torch.Tensor | None = None
        if isinstance(slots, torch.Tensor):
            self._table = slots
            self.active = frozenset(map(int, slots.unique().tolist()))
            self.rows: tuple[int, ...] | None = None
        else:
            self.rows = tuple(slots)
            self.active = frozenset(self.rows)
        if not self.active or (self._table is not None and self._table.dim() not in (1, 2)):
            raise RuntimeError("routing needs one slot for each row, or a tensor [batch, seq]")
        if unknown := sorted(self.active - known.keys() - {BASE}):
            raise NotFoundError(f"no adapter in slot {', '.join(map(str, unknown))}")
        self.learning = any(known[slot].trainable for slot in self.active if slot != BASE)
        self._pieces: dict[tuple[Layout, int, bool], tuple[Piece, ...]] = {}
        self._segments: list[tuple[int, slice | torch.Tensor]] | None = None
        self._cast: tuple[torch.Tensor | None, str, torch.Tensor | None] = (None, "", None)

    @property
    def table(self) -> torch.Tensor:
        """Slots as a tensor, [rows] or [batch, seq]."""
        if self._table is None:
            self._table = torch.tensor(self.rows, dtype=torch.long)
        return self._table

    def pieces(self, layout: Layout, x: torch.Tensor, *, grouped: bool = False) -> tuple[Piece, ...]:
        """Products that a layer computes for input ``x`` [batch, ..., in]; none where it leaves the base alone.

        ``grouped``: rather a batched product over each slot's own rows than one over all columns with a mask."""
        key = (layout, x.dim(), grouped)
        found = self._pieces.get(key)
        if found is None:
            found = self._pieces[key] = tuple(self._plan(layout, x, grouped))
        if found and len(self.active) > 1:
            self._require_shape(x)
        return found

    def cast(self, x: torch.Tensor, dtype: torch.dtype, parent: str) -> torch.Tensor:
        """``x`` in ``dtype``, once for neighbours: layers of one ``parent`` that are asked one after the other with the same input."""
        source, of, kept = self._cast
        if source is x and of == parent and kept is not None and kept.dtype == dtype:
            return kept
        kept = x.to(dtype)
        self._cast = (x, parent, kept)
        return kept

    def rest(self) -> None:
        """Keep nothing of the last input."""
        self._cast = (None, "", None)

    def segments(self, device: torch.device) -> list[tuple[int, slice | torch.Tensor]]:
        """Slot and its rows (or flattened tokens), as a slice where they are neighbours all through."""
        if self._segments is None:
            flat = self.table.flatten().cpu()
            found, counts = torch.unique_consecutive(flat, return_counts=True)
            ends = counts.cumsum(0).tolist()
            if len(set(found.tolist())) == len(ends):
                self._segments = [(slot, slice(end - n, end)) for slot, end, n in zip(found.tolist(), ends, counts.tolist(), strict=True)]
            else:
                self._segments = [(slot, (flat == slot).nonzero().squeeze(1).to(device)) for slot in sorted(self.active)]
        return self._segments

    def by_row(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` with one entry of the table for each entry of its first dimension."""
        self._require_shape(x)
        return x.flatten(0, 1) if self.table.dim() == 2 and x.dim() > 2 else x

    # --- plans ---

    def _plan(self, layout: Layout, x: torch.Tensor, grouped: bool) -> Iterator[Piece]:
        spans = [span for span in layout.spans if span.slot in self.active]
        if len(self.active) == 1:
            for span in spans:
                yield Piece(span.block, span.start, span.stop, None if span.scale == 1.0 else span.scale)
        elif grouped and self.rows is not None:
            for run in _neighbours(spans):
                yield self._batched(run, x.device)
        else:
            for _, same in groupby(spans, key=lambda span: span.block):  # idle columns between them are few: blocks are small
                yield self._masked(list(same), x)

    def _batched(self, run: Sequence[Span], device: torch.device) -> Piece:
        assert self.rows is not None
        rows_of = [[row for row, slot in enumerate(self.rows) if slot == span.slot] for span in run]
        most = max(map(len, rows_of))
        source = [row for rows in rows_of for row in (*rows, *[rows[0]] * (most - len(rows)))]
        target = [row for rows in rows_of for row in rows]
        whole = list(range(len(self.rows)))
        chosen = [most * i + j for i, rows in enumerate(rows_of) for j in range(len(rows))]
        if sorted(target) == whole:  # every row once: gathering them in order is cheaper than scattering
            place_of = dict(zip(target, chosen, strict=True))
            chosen, target = [place_of[row] for row in whole], whole
        group = Group(
            len(run),
            _rows(source, whole, device),
            torch.tensor(chosen, device=device) if chosen != list(range(len(source))) else None,
            _rows(target, whole, device),
            torch.tensor([span.scale for span in run], device=device).view(-1, 1, 1) if any(s.scale != 1.0 for s in run) else None,
        )
        return Piece(run[0].block, run[0].start, run[-1].stop, None, None, group)

    def _masked(self, run: Sequence[Span], x: torch.Tensor) -> Piece:
        start, stop = run[0].start, run[-1].stop
        owners = torch.full((stop - start,), BASE - 1)
        scales = torch.ones(stop - start)
        for span in run:
            owners[span.start - start : span.stop - start] = span.slot
            scales[span.start - start : span.stop - start] = span.scale
        blocked = self.table.cpu().unsqueeze(-1) != owners
        if self.table.dim() == 2 and x.dim() == 2:
            blocked = blocked.flatten(0, 1)
        elif self.table.dim() == 1:
            blocked = blocked.view(len(self.table), *[1] * (x.dim() - 2), -1)
        scale = scales.to(x.device) if any(span.scale != 1.0 for span in run) else None
        return Piece(run[0].block, start, stop, scale, blocked.to(x.device))

    def _require_shape(self, x: torch.Tensor) -> None:
        if self.rows is not None and x.shape[0] == len(self.rows):
            return
        wanted = tuple(self.table.shape)
        if tuple(x.shape[: len(wanted)]) != wanted and not (x.dim() == 2 and x.shape[0] == self.table.numel()):
            raise RuntimeError(f"routing names slots for {list(wanted)}, but a layer got an input of shape {list(x.shape)}")


def _neighbours(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Runs of spans of one rank that lie side by side."""
    run: list[Span] = []
    for span in spans:
        if run and (span.place != (run[-1].block, run[-1].stop) or span.stop - span.start != run[0].stop - run[0].start):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _rows(rows: Sequence[int], whole: Sequence[int], device: torch.device) -> slice | torch.Tensor | None:
    """``rows`` in the cheapest form: None for all as they come, a slice for neighbours, else their numbers."""
    if list(rows) == list(whole):
        return None
    if list(rows) == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return torch.tensor(list(rows), device=device)
