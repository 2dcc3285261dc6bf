"""Who uses which columns of the stacked adapters: where each slot lies in a layer, and which slot each row or token wants.

From both follows what a layer has to multiply and what of it is masked. Knows nothing of weights, models and adapters: a slot is a
number that learns or does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from adapters_hub.errors import NotFoundError

BASE = -1
"""Slot of rows and tokens that want the base as it is."""
BRIDGE = 128
"""Idle columns that are computed and masked rather than starting another pair of matrix products."""


@dataclass(frozen=True)
class Span:
    """The rows of a layer's storage that belong to one slot."""

    slot: int
    start: int
    stop: int
    scale: float
    """Still to be multiplied; 1 where it is folded into B."""
    dropout: float = 0.0
    trainable: bool = False


@dataclass(frozen=True, eq=False)
class Layout:
    """Who owns which rows of a layer, in order of place; compared by identity."""

    spans: tuple[Span, ...] = ()
    by_slot: dict[int, Span] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_slot", {span.slot: span for span in self.spans})


class Switch:
    """The one place all layers of a bank look at: the routing in force, or None."""

    routing: Routing | None = None


@dataclass(frozen=True)
class Piece:
    """One pair of matrix products over neighbouring rows of the storage."""

    start: int
    stop: int
    scale: float | torch.Tensor | None
    """Number, or one factor for each row of the storage [columns]; None where all are 1."""
    blocked: torch.Tensor | None
    """True where a token does not use a column; broadcasts over [..., columns]. None: every token uses all of them."""


class Learns(Protocol):
    """What a routing asks a slot."""

    @property
    def trainable(self) -> bool: ...


class Routing:
    """Which slot each row or token uses, and what follows from it for each layout, worked out once per block."""

    def __init__(self, slots: Sequence[int] | torch.Tensor, known: Mapping[int, Learns]) -> None:
        self.table = slots if isinstance(slots, torch.Tensor) else torch.tensor(list(slots), dtype=torch.long)
        if self.table.dim() not in (1, 2) or self.table.numel() == 0:
            raise RuntimeError("routing needs one slot for each row, or a tensor [batch, seq]")
        self.active = {int(slot) for slot in (self.table.unique().tolist() if isinstance(slots, torch.Tensor) else slots)}
        if unknown := sorted(self.active - known.keys() - {BASE}):
            raise NotFoundError(f"no adapter in slot {', '.join(map(str, unknown))}")
        self.learning = any(known[slot].trainable for slot in self.active - {BASE})
        self._pieces: dict[tuple[Layout, int], tuple[Piece, ...]] = {}
        self._segments: list[tuple[int, slice | torch.Tensor]] | None = None

    def pieces(self, layout: Layout, x: torch.Tensor) -> tuple[Piece, ...]:
        """Products that a layer computes for input ``x`` [batch, ..., in]; none where it leaves the base alone."""
        key = (layout, x.dim())
        if key not in self._pieces:
            self._pieces[key] = tuple(self._plan(layout, x))
        found = self._pieces[key]
        if found and found[0].blocked is not None:
            self._require_shape(x)
        return found

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

    def _plan(self, layout: Layout, x: torch.Tensor) -> Iterator[Piece]:
        spans = [span for span in layout.spans if span.slot in self.active]
        if len(self.active) == 1:
            for span in spans:
                yield Piece(span.start, span.stop, None if span.scale == 1.0 else span.scale, None)
            return
        runs: list[list[Span]] = []
        for span in spans:
            if runs and span.start - runs[-1][-1].stop <= BRIDGE:
                runs[-1].append(span)
            else:
                runs.append([span])
        for run in runs:
            yield self._masked(run, x)

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
        return Piece(start, stop, scale, blocked.to(x.device))

    def _require_shape(self, x: torch.Tensor) -> None:
        wanted = tuple(self.table.shape)
        if tuple(x.shape[: len(wanted)]) != wanted and not (x.dim() == 2 and x.shape[0] == self.table.numel()):
            raise RuntimeError(f"routing names slots for {list(wanted)}, but a layer got an input of shape {list(x.shape)}")
