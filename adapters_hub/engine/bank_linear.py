"""One linear layer of the base with the stacked adapters on top: storage, answering and learning.

The routing in force says which columns a forward uses. Knows nothing of models, slots beyond their numbers, tutors or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from adapters_hub.engine.routing import Layout, Piece, Routing, Span, Switch


class BankLinear(nn.Module):
    """A linear layer of the base plus the low-rank updates of all slots that adapt it."""

    def __init__(self, base: nn.Module, dtype: torch.dtype, switch: Switch) -> None:
        super().__init__()
        self.base = base
        self.training = base.training
        self.layout = Layout()
        self.parameters_of: dict[int, tuple[nn.Parameter, nn.Parameter]] = {}
        self._switch = switch
        # plain attributes, neither parameters nor buffers: the model's own state stays what it was
        self._a = torch.empty(0, self.in_features, dtype=dtype, device=self.device)
        self._b = torch.empty(0, self.out_features, dtype=dtype, device=self.device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [..., in] -> [..., out]."""
        out: torch.Tensor = self.base(x)
        routing = self._switch.routing
        if routing is None or not self.layout.spans:
            return out
        if routing.learning and torch.is_grad_enabled():
            return self._learn(x, out, routing)
        for piece in routing.pieces(self.layout, x):
            out = self._answer(x, out, piece)
        return out

    def _answer(self, x: torch.Tensor, out: torch.Tensor, piece: Piece) -> torch.Tensor:
        """Add the update of one run of columns. Blocked entries are overwritten, not multiplied: 0 * inf of a neighbour would be NaN."""
        a, b = self._a[piece.start : piece.stop], self._b[piece.start : piece.stop]
        hidden = functional.linear(_as_stored(x, a), a)
        if piece.blocked is not None:
            hidden = hidden.masked_fill(piece.blocked, 0)
        if piece.scale is not None:
            hidden = (hidden * piece.scale).to(hidden.dtype)
        if hidden.dtype == b.dtype == out.dtype and not torch.is_grad_enabled() and out.is_contiguous():
            out.view(-1, out.shape[-1]).addmm_(hidden.reshape(-1, hidden.shape[-1]), b)
            return out
        return (out + hidden @ b).to(out.dtype)

    def _learn(self, x: torch.Tensor, out: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Each slot sees its own rows and nothing else, so its gradients are those of training alone."""
        if len(routing.active) == 1:
            span = self.layout.by_slot.get(next(iter(routing.active)))
            return out if span is None else (out + self._update(x, span)).to(out.dtype)
        rows, shape = routing.by_row(x), out.shape
        out = routing.by_row(out)
        segments = routing.segments(x.device)
        parts = []
        for slot, rows_of in segments:
            span = self.layout.by_slot.get(slot)
            if isinstance(rows_of, slice):
                part = out[rows_of]
                parts.append(part if span is None else (part + self._update(rows[rows_of], span)).to(out.dtype))
            elif span is not None:
                out = out.index_add(0, rows_of, self._update(rows[rows_of], span).to(out.dtype))
        return (torch.cat(parts) if parts else out).view(shape)

    def _update(self, x: torch.Tensor, span: Span) -> torch.Tensor:
        pair = self.parameters_of.get(span.slot)
        a, b = pair if pair is not None else (self._a[span.start : span.stop], self._b[span.start : span.stop])
        x = _as_stored(x, a)
        if span.dropout:
            x = functional.dropout(x, span.dropout)
        return (functional.linear(x, a) * span.scale) @ b

    # --- storage ---

    def free_place(self, rank: int) -> int:
        """First row of the first gap of ``rank`` rows, counting the endless one behind the last span."""
        place = 0
        for span in self.layout.spans:
            if span.start - place >= rank:
                break
            place = span.stop
        return place

    def grown(self, rows: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Storage of at least ``rows`` rows with what is stored now, or None when there is room."""
        if rows <= len(self._a):
            return None
        size = max(rows, 2 * len(self._a))
        a, b = self._a.new_zeros(size, self._a.shape[1]), self._b.new_zeros(size, self._b.shape[1])
        a[: len(self._a)], b[: len(self._b)] = self._a, self._b
        return a, b

    def add(self, placed: Placed) -> None:
        if placed.grown is not None:
            self._a, self._b = placed.grown
            for slot, (learned_a, learned_b) in self.parameters_of.items():
                learned_a.data, learned_b.data = self.stored(slot)
        self.layout = Layout(tuple(sorted((*self.layout.spans, placed.span), key=lambda span: span.start)))
        a, b = self.stored(placed.span.slot)
        a.copy_(placed.a)
        b.copy_(placed.b)
        if placed.span.trainable:
            self.parameters_of[placed.span.slot] = (nn.Parameter(a), nn.Parameter(b))

    def remove(self, slot: int) -> None:
        """Zero what the slot stored, so that nobody can inherit it."""
        for part in self.stored(slot):
            part.zero_()
        self.parameters_of.pop(slot, None)
        self.layout = Layout(tuple(span for span in self.layout.spans if span.slot != slot))
        if not self.layout.spans:
            self._a, self._b = self._a.new_empty(0, self._a.shape[1]), self._b.new_empty(0, self._b.shape[1])

    def stored(self, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Views of the slot's A [r, in] and B [r, out]."""
        span = self.layout.by_slot[slot]
        return self._a[span.start : span.stop], self._b[span.start : span.stop]

    # --- what other code reads from a linear layer ---

    @property
    def weight(self) -> torch.Tensor:
        return self.base.weight  # type: ignore[return-value]

    @property
    def bias(self) -> torch.Tensor | None:
        return self.base.bias  # type: ignore[return-value]

    @property
    def in_features(self) -> int:
        return int(self.base.in_features)  # type: ignore[arg-type]

    @property
    def out_features(self) -> int:
        return int(self.base.out_features)  # type: ignore[arg-type]

    @property
    def device(self) -> torch.device:
        return self.weight.device


@dataclass(frozen=True)
class Placed:
    """One layer's share of a new slot, checked and converted, with grown storage where it needs more room."""

    path: str
    layer: BankLinear
    span: Span
    a: torch.Tensor
    b: torch.Tensor
    grown: tuple[torch.Tensor, torch.Tensor] | None


def _as_stored(x: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
    """``x`` in the storage's number format; under autocast it is left to autocast, which picks the cheaper one."""
    if x.dtype == stored.dtype or torch.is_autocast_enabled(x.device.type):
        return x
    return x.to(stored.dtype)
