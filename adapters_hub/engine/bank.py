"""The LoRA bank: every adapter of every tutor in one set of layers over one base, for answering and for learning.

Each adapted linear layer holds the A and B of all slots, stacked by rank, whatever their rank, scale or targets. A forward says
which slot each row or token uses; nothing is ever "current". Knows nothing of tutors, names or files.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, linears, require_fit, resolve_targets
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import LoraSettings

BASE = -1
"""Slot of rows and tokens that want the base as it is."""
BRIDGE = 128
"""Idle columns that are computed and masked rather than starting another pair of matrix products."""


class Bank:
    """Adapters over ``model``, which stays a transformers model; layers are replaced when the first adapter needs them.

    Slots are opaque numbers, never used twice. Safe to call from several threads: whoever changes or uses the bank has it alone."""

    def __init__(self, model: nn.Module, *, dtype: torch.dtype | None = None) -> None:
        """``dtype`` of the stored adapters: None takes the model's own; training needs float32."""
        if any(isinstance(module, BankLinear) for module in model.modules()):
            raise RuntimeError("this model already has a bank")
        self.model = model
        self.dtype = dtype or next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.float32)
        self._layers: dict[str, BankLinear] = {}
        self._slots: dict[int, Slot] = {}
        self._next_slot = 0
        self._switch = Switch()
        self._lock = threading.RLock()
        self._busy = False

    # --- using ---

    @contextmanager
    def routing(self, slots: Sequence[int] | torch.Tensor) -> Iterator[None]:
        """Inside the block, forwards (and their backwards) use ``slots``: one per row, or a tensor [batch, seq], -1 for the base.

        Other threads wait. Raises NotFoundError for an unknown slot, RuntimeError when blocks are nested."""
        with self._alone():
            self._switch.routing = Routing(slots, self._slots)
            try:
                yield
            finally:
                self._switch.routing = None

    def slots(self) -> tuple[int, ...]:
        """Slots in use, oldest first."""
        return tuple(self._slots)

    # --- adapters that answer ---

    def attach(self, weights: AdapterWeights) -> int:
        """Copy an adapter in and return its slot. The bank is unchanged when this raises.

        Raises UsageError (made for another base), HubError (weights too large for the bank's number format)."""
        require_fit(weights, self.model)
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            new = Slot(scales={path: scale for path, (_, _, scale) in weights.pairs.items()}, config=weights.config)
            placed = [
                self._place(path, a, b.float().T * scale, Span(self._next_slot, 0, a.shape[0], 1.0))
                for path, (a, b, scale) in weights.pairs.items()
            ]
            return self._commit(new, placed)

    def detach(self, slot: int) -> None:
        """Zero the slot's weights and free its place. Raises NotFoundError when nobody has it."""
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            for path in self._slot(slot).scales:
                self._layers[path].remove(slot)
            del self._slots[slot]
            self._share_layouts()

    def close(self) -> None:
        """Put the model's own layers back and forget every slot."""
        with self._alone():
            for path, layer in self._layers.items():
                _replace(self.model, path, layer.base)
            self._layers.clear()
            self._slots.clear()

    # --- adapters that learn ---

    def add_trainable(self, lora: LoraSettings, seed: int) -> int:
        """A new slot whose parameters learn: A uniform as in PEFT, B zero, so that it starts as the base. Same seed, same A.

        Raises UsageError when a target names nothing that can be adapted."""
        if self.dtype != torch.float32:
            raise RuntimeError("training needs Bank(model, dtype=torch.float32)")
        if any(_loses_gradients(module) for module in self.model.modules()):
            raise RuntimeError("this base was loaded for answers only: use load_base(..., training=True)")
        paths = resolve_targets(self.model, lora.targets)
        generator = torch.Generator().manual_seed(seed)
        scale = lora.alpha / (math.sqrt(lora.rank) if lora.rslora else lora.rank)
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            modules = linears(self.model)
            config = PeftConfigFacts(
                rank=lora.rank, rslora=lora.rslora, dropout=lora.dropout, target_modules=_short_names(self.model, modules, paths)
            )
            new = Slot(scales=dict.fromkeys(paths, scale), config=config, trainable=True)
            placed = []
            for path in paths:
                module: Any = modules[path]
                bound = 1 / math.sqrt(module.in_features)
                a = torch.empty(lora.rank, module.in_features).uniform_(-bound, bound, generator=generator)
                b = torch.zeros(lora.rank, module.out_features)
                placed.append(self._place(path, a, b, Span(self._next_slot, 0, lora.rank, scale, lora.dropout, trainable=True)))
            return self._commit(new, placed)

    def parameters_of(self, slot: int) -> tuple[nn.Parameter, ...]:
        """The learning parameters of ``slot``: A [r, in] and B transposed [r, out] of each layer, in the model's order."""
        if not self._slot(slot).trainable:
            raise RuntimeError(f"slot {slot} does not learn")
        return tuple(parameter for path in self._slot(slot).scales for parameter in self._layers[path].parameters_of[slot])

    def load_trainable(self, slot: int, weights: AdapterWeights) -> None:
        """Set the parameters of a learning slot, to continue an interrupted run. Raises UsageError when the adapter has another shape."""
        own = self._slot(slot)
        same_modules = own.trainable and weights.pairs.keys() == own.scales.keys()
        with self._alone(), torch.no_grad():
            targets = {path: self._layers[path].parameters_of[slot] for path in own.scales} if same_modules else {}
            for path, (a, b) in targets.items():
                saved_a, saved_b, scale = weights.pairs[path]
                same_modules &= (saved_a.shape, saved_b.T.shape) == (a.shape, b.shape) and math.isclose(
                    scale, own.scales[path], rel_tol=1e-9
                )
            if not same_modules:
                raise UsageError("the saved adapter has another rank, scale or targets than this run", hint="start a new run")
            for path, (a, b) in targets.items():
                a.copy_(weights.pairs[path][0])
                b.copy_(weights.pairs[path][1].T)

    def weights_of(self, slot: int) -> AdapterWeights:
        """A copy of the slot's weights on the CPU, scale unfolded. An attached slot comes back rounded to the bank's number format."""
        own = self._slot(slot)
        pairs = {}
        with self._alone(), torch.no_grad():
            for path, scale in own.scales.items():
                a, b = self._layers[path].stored(slot)
                if not own.trainable and scale:
                    b = (b.float() / scale).to(b.dtype)
                pairs[path] = (a.clone().cpu(), b.T.clone(memory_format=torch.contiguous_format).cpu(), scale)
        return AdapterWeights(pairs, own.config)

    # --- how ---

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._busy:
                raise RuntimeError("the bank is in use by this thread: routing blocks do not nest, and slots change outside of them")
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    def _slot(self, slot: int) -> Slot:
        if slot not in self._slots:
            raise NotFoundError(f"no adapter in slot {slot}")
        return self._slots[slot]

    def _place(self, path: str, a: torch.Tensor, b: torch.Tensor, span: Span) -> Placed:
        """Everything about one layer that may fail: room, memory, number format. ``a`` [r, in], ``b`` [r, out]."""
        layer = self._layers.get(path) or BankLinear(self.model.get_submodule(path), self.dtype, self._switch)
        a, b = a.to(layer.device, self.dtype), b.to(layer.device, self.dtype)
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise HubError(f"{path}: the adapter's weights do not fit into {self.dtype}", hint="train again with a lower [lora] alpha")
        start = layer.free_place(span.stop)
        return Placed(
            path,
            layer,
            Span(span.slot, start, start + span.stop, span.scale, span.dropout, span.trainable),
            a,
            b,
            layer.grown(start + span.stop),
        )

    def _commit(self, new: Slot, placed: Sequence[Placed]) -> int:
        """Make what ``_place`` prepared true; nothing here can fail."""
        slot, self._next_slot = self._next_slot, self._next_slot + 1
        for one in placed:
            if one.path not in self._layers:
                self._layers[one.path] = one.layer
                _replace(self.model, one.path, one.layer)
            one.layer.add(one)
        self._slots[slot] = new
        self._share_layouts()
        return slot

    def _share_layouts(self) -> None:
        """Layers with the same spans share one Layout, so that a forward computes one mask for all of them."""
        known: dict[tuple[Span, ...], Layout] = {}
        for layer in self._layers.values():
            layer.layout = known.setdefault(layer.layout.spans, Layout(layer.layout.spans))


# --- what is where -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """An adapter in the bank."""

    scales: dict[str, float]
    """Module path -> alpha / rank."""
    config: PeftConfigFacts
    trainable: bool = False


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


@dataclass(frozen=True)
class Placed:
    """One layer's share of a new slot, checked and converted, with grown storage where it needs more room."""

    path: str
    layer: BankLinear
    span: Span
    a: torch.Tensor
    b: torch.Tensor
    grown: tuple[torch.Tensor, torch.Tensor] | None


class Switch:
    """The one place all layers of a bank look at: the routing in force, or None."""

    routing: Routing | None = None


# --- who uses what -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """One pair of matrix products over neighbouring rows of the storage."""

    start: int
    stop: int
    scale: float | torch.Tensor | None
    """Number, or one factor for each row of the storage [columns]; None where all are 1."""
    blocked: torch.Tensor | None
    """True where a token does not use a column; broadcasts over [..., columns]. None: every token uses all of them."""


class Routing:
    """Which slot each row or token uses, and what follows from it for each layout, worked out once per block."""

    def __init__(self, slots: Sequence[int] | torch.Tensor, known: dict[int, Slot]) -> None:
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


# --- the layer -----------------------------------------------------------------------------------


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


def _as_stored(x: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
    """``x`` in the storage's number format; under autocast it is left to autocast, which picks the cheaper one."""
    if x.dtype == stored.dtype or torch.is_autocast_enabled(x.device.type):
        return x
    return x.to(stored.dtype)


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def _loses_gradients(module: nn.Module) -> bool:
    """bitsandbytes repacks a 4-bit weight in its first forward for answers; its gradients are then gone for good, without an error."""
    return bool(getattr(module, "support_avx512bf16_for_cpu", False)) and module.weight.device.type == "cpu"


def _short_names(model: nn.Module, modules: dict[str, nn.Module], paths: Sequence[str]) -> tuple[str, ...]:
    """Last parts of ``paths`` where they mean exactly these modules, as PEFT's tools expect; else the full paths."""
    names = {path.rpartition(".")[2] for path in paths}
    meant = {path for path in modules if path.rpartition(".")[2] in names}
    return tuple(sorted(names if meant == set(paths) else paths))
