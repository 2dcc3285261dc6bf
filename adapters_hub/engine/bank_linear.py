"""One linear layer of the base with the stacked adapters on top: storage, answering and learning.

The routing in force says which columns a forward uses. Knows nothing of models, slots beyond their numbers, tutors or files.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from adapters_hub.engine.dropout import dropout
from adapters_hub.engine.routing import Group, Layout, Piece, Routing, Span, Switch

KEPT_VIEWS = 64
"""Runs of rows whose views are kept from one forward to the next."""


class BankLinear(nn.Module):
    """A linear layer of the base plus the low-rank updates of all slots that adapt it.

    A and B lie in blocks of rows that never move once they are there, so growing copies nothing."""

    def __init__(self, base: nn.Module, dtype: torch.dtype, switch: Switch, parent: str = "") -> None:
        """``parent`` is the path of the module it belongs to: q, k and v of one attention have the same."""
        super().__init__()
        self.base = base
        self.training = base.training
        self.layout = Layout()
        self.parameters_of: dict[int, tuple[nn.Parameter, nn.Parameter]] = {}
        self._switch = switch
        self._parent = parent
        self._dtype = dtype
        # plain attributes, neither parameters nor buffers: the model's own state stays what it was
        self._blocks: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._views: dict[tuple[int, int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [..., in] -> [..., out]."""
        out: torch.Tensor = self.base(x)
        routing = self._switch.routing
        if routing is None or not self.layout.spans:
            return out
        if torch.is_grad_enabled():
            if routing.learning:
                return self._learn(x, out, routing)
            for piece in routing.pieces(self.layout, x):
                out = self._with(x, out, piece)
            return out
        pieces = routing.pieces(self.layout, x, grouped=x.device.type == "cpu")
        if not pieces:
            return out
        if not out.is_contiguous():
            out = out.contiguous()
        x = _as_stored(x, self._dtype, routing, self._parent)
        for piece in pieces:
            if piece.group is not None:
                self._add_each(x, out, piece, piece.group)
                continue
            hidden, b = self._hidden(x, piece), self._rows(piece)[1]
            if hidden.dtype == b.dtype == out.dtype:
                out.view(-1, out.shape[-1]).addmm_(hidden.view(-1, len(b)), b)
            else:
                out.add_(hidden @ b)
        return out

    def _with(self, x: torch.Tensor, out: torch.Tensor, piece: Piece) -> torch.Tensor:
        """``out`` plus the update of one run of columns, as a new tensor that gradients can flow through."""
        hidden = self._hidden(_as_stored(x, self._dtype), piece)
        return (out + hidden @ self._rows(piece)[1]).to(out.dtype)

    def _hidden(self, x: torch.Tensor, piece: Piece) -> torch.Tensor:
        """[..., columns]. Blocked entries are overwritten, not multiplied: 0 * inf of a neighbour would be NaN."""
        hidden = functional.linear(x, self._rows(piece)[0])
        if piece.blocked is not None:
            hidden = hidden.masked_fill(piece.blocked, 0)
        if piece.scale is not None:
            hidden = (hidden * piece.scale).to(hidden.dtype)
        return hidden

    def _add_each(self, x: torch.Tensor, out: torch.Tensor, piece: Piece, group: Group) -> None:
        """Add the updates of neighbouring slots, each over its own rows only: a processor pays for every masked product."""
        a, b = self._rows(piece)
        if isinstance(group.source, slice):
            x = x[group.source]
        elif group.source is not None:
            x = x.index_select(0, group.source)
        if group.slots == 1:
            hidden = functional.linear(x, a)
            update = (hidden if group.scales is None else hidden * group.scales.view(1)) @ b
        else:
            hidden = torch.bmm(x.reshape(group.slots, -1, x.shape[-1]), a.view(group.slots, -1, a.shape[1]).transpose(1, 2))
            if group.scales is not None:
                hidden = hidden * group.scales
            update = torch.bmm(hidden, b.view(group.slots, -1, b.shape[1])).view(*x.shape[:-1], -1)
        if group.chosen is not None:
            update = update.index_select(0, group.chosen)
        if group.target is None:
            out.add_(update)
        elif isinstance(group.target, slice):
            out[group.target].add_(update)
        else:
            out.index_add_(0, group.target, update.to(out.dtype))

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
        a, b = pair if pair is not None else self.stored(span.slot)
        x = _as_stored(x, self._dtype)
        if span.dropout:
            x = dropout(x, span.dropout)
        return (functional.linear(x, a) * span.scale) @ b

    # --- storage ---

    def new_block(self, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Memory for ``rows`` rows, not yet part of the layer; whatever is in it is overwritten before it is read."""
        return (
            torch.empty(rows, self.in_features, dtype=self._dtype, device=self.device),
            torch.empty(rows, self.out_features, dtype=self._dtype, device=self.device),
        )

    def add_block(self, number: int, block: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Take ``block`` in; no span lies in it yet."""
        self._blocks[number] = block

    def rows_at(self, span: Span) -> tuple[torch.Tensor, torch.Tensor]:
        """Views of the rows that ``span`` names, whoever owns them: A [r, in] and B transposed [r, out]."""
        a, b = self._blocks[span.block]
        return a[span.start : span.stop], b[span.start : span.stop]

    def clear(self, span: Span) -> None:
        """Zero the rows, so that nobody can inherit what they held."""
        for part in self.rows_at(span):
            part.zero_()

    def become(self, layout: Layout) -> None:
        """From now on ``layout`` says who owns what; blocks it does not name are freed. Cannot fail."""
        self.layout = layout
        if len(layout.blocks) != len(self._blocks):
            self._blocks = {number: block for number, block in self._blocks.items() if number in layout.blocks}
        self._views.clear()
        for slot in [slot for slot in self.parameters_of if slot not in layout.by_slot]:
            del self.parameters_of[slot]

    def learn_from_now_on(self, span: Span) -> None:
        """Make parameters of the rows of ``span``."""
        a, b = self.rows_at(span)
        self.parameters_of[span.slot] = (nn.Parameter(a), nn.Parameter(b))

    def stored(self, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Views of the slot's A [r, in] and B transposed [r, out]."""
        return self.rows_at(self.layout.by_slot[slot])

    @property
    def held_bytes(self) -> int:
        """Memory of all blocks."""
        return sum(part.numel() * part.itemsize for block in self._blocks.values() for part in block)

    def _rows(self, piece: Piece) -> tuple[torch.Tensor, torch.Tensor]:
        """Views of the piece's rows, kept: blocks never move."""
        key = (piece.block, piece.start, piece.stop)
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= KEPT_VIEWS:
                self._views.clear()
            a, b = self._blocks[piece.block]
            found = self._views[key] = (a[piece.start : piece.stop], b[piece.start : piece.stop])
        return found

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


def _as_stored(x: torch.Tensor, dtype: torch.dtype, routing: Routing | None = None, parent: str = "") -> torch.Tensor:
    """``x`` in the storage's number format; under autocast it is left to autocast, which picks the cheaper one."""
    if x.dtype == dtype or torch.is_autocast_enabled(x.device.type):
        return x
    return x.to(dtype) if routing is None else routing.cast(x, dtype, parent)
