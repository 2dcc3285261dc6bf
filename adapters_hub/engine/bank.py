"""The LoRA bank: every adapter of every tutor in one set of layers over one base, for answering and for learning.

Each adapted linear layer holds the A and B of all slots, stacked by rank, whatever their rank, scale or targets. A forward says
which slot each row or token uses; nothing is ever "current". Here slots come and go; `routing` works out who uses which columns and
`bank_linear` multiplies. Knows nothing of tutors, names or files.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn

from adapters_hub.engine.adapter_folder import is_finite
from adapters_hub.engine.bank_linear import BankLinear
from adapters_hub.engine.linears import linears, require_fit, resolve_targets, shapes_of
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts
from adapters_hub.engine.routing import Layout, Routing, Span, Switch
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import LoraSettings

BLOCK_ROWS = {"cpu": 128, "cuda": 64}
"""Rows that a layer sets aside at once. Pages that nobody has written cost a processor's memory nothing; a card pays for all."""
KEPT_ROUTINGS = 64
"""Combinations of slots for which plans are kept."""


class Bank:
    """Adapters over ``model``, which stays a transformers model; layers are replaced when the first adapter needs them.

    Slots are opaque numbers, never used twice. Safe to call from several threads: whoever changes or uses the bank has it alone."""

    def __init__(self, model: nn.Module, *, dtype: torch.dtype | None = None) -> None:
        """``dtype`` of the stored adapters: None takes the model's own, on a processor float32; training needs float32."""
        if any(isinstance(module, BankLinear) for module in model.modules()):
            raise RuntimeError("this model already has a bank")
        self.model = model
        self.dtype = dtype or _stored_dtype(model)
        self.shapes = shapes_of(model)
        """Every linear layer of the base: path -> in, out."""
        self._layers: dict[str, BankLinear] = {}
        self._layouts: WeakValueDictionary[Any, Layout] = WeakValueDictionary()
        self._routings: dict[tuple[int, ...], Routing] = {}
        self._device = next(model.parameters()).device
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
            routing = self._switch.routing = self._routing_for(slots)
            try:
                yield
            finally:
                self._switch.routing = None
                routing.rest()

    def slots(self) -> tuple[int, ...]:
        """Slots in use, oldest first."""
        return tuple(self._slots)

    # --- adapters that answer ---

    def attach(self, weights: AdapterWeights) -> int:
        """Copy an adapter in and return its slot. The bank is unchanged when this raises.

        Raises UsageError (made for another base), HubError (weights too large for the bank's number format)."""
        require_fit(weights.pairs, self.shapes, trained_on=weights.config.base_model_name)
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            new = Slot(scales={path: scale for path, (_, _, scale) in weights.pairs.items()}, config=weights.config)
            return self._fill(new, {path: a.shape[0] for path, (a, _, _) in weights.pairs.items()}, _folded(weights, self.dtype))

    def detach(self, slot: int) -> None:
        """Zero the slot's weights and free its place. Raises NotFoundError when nobody has it."""
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            layouts: dict[Layout, Layout] = {}
            for path in self._slot(slot).scales:
                layer = self._layers[path]
                layer.clear(layer.layout.by_slot[slot])
                if layer.layout not in layouts:
                    layouts[layer.layout] = self._shared(layer.layout.without(slot))
                layer.become(layouts[layer.layout])
            del self._slots[slot]
            self._routings.clear()

    def stored(self, slot: int) -> StoredAdapter:
        """A copy of an attached slot on the CPU, bit for bit as the bank holds it, for ``restore``."""
        own = self._slot(slot)
        with self._alone(), torch.no_grad():
            pairs = {path: tuple(part.to("cpu", copy=True) for part in self._layers[path].stored(slot)) for path in own.scales}
        return StoredAdapter(pairs, own)

    def restore(self, stored: StoredAdapter) -> int:
        """Put a stored adapter back, in a slot of a new number, and return that; nothing is rounded anew."""
        with self._alone(), torch.inference_mode(False), torch.no_grad():
            ranks = {path: a.shape[0] for path, (a, _) in stored.pairs.items()}
            return self._fill(stored.slot, ranks, _copied(stored))

    def modules_of(self, slot: int) -> frozenset[str]:
        """Paths of the layers that ``slot`` adapts."""
        return frozenset(path for path in self._slot(slot).scales if slot in self._layers[path].layout.by_slot)

    def bytes_of(self, weights: AdapterWeights) -> int:
        """Memory that ``weights`` take in a slot."""
        return sum(a.numel() + b.numel() for a, b, _ in weights.pairs.values()) * self.dtype.itemsize

    @property
    def held_bytes(self) -> int:
        """Memory of all layers' storage, free places included; on a processor untouched pages of it cost nothing."""
        return sum(layer.held_bytes for layer in self._layers.values())

    def close(self) -> None:
        """Put the model's own layers back and forget every slot."""
        with self._alone():
            for path, layer in self._layers.items():
                _replace(self.model, path, layer.base)
            self._layers.clear()
            self._slots.clear()
            self._routings.clear()

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
            new = Slot(scales=dict.fromkeys(paths, scale), config=config, trainable=True, dropout=lora.dropout)

            def start(path: str, a: torch.Tensor, b: torch.Tensor) -> None:
                bound = 1 / math.sqrt(a.shape[1])
                a.copy_(torch.empty(a.shape).uniform_(-bound, bound, generator=generator))
                b.zero_()

            return self._fill(new, dict.fromkeys(paths, lora.rank), start)

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

    def _routing_for(self, slots: Sequence[int] | torch.Tensor) -> Routing:
        """What was worked out for the same slots before, as long as nobody came or went: most tokens follow one like them."""
        if isinstance(slots, torch.Tensor):
            return Routing(slots, self._slots)
        key = tuple(slots)
        found = self._routings.get(key)
        if found is None:
            if len(self._routings) >= KEPT_ROUTINGS:
                self._routings.clear()
            found = self._routings[key] = Routing(key, self._slots)
        return found

    def _fill(self, new: Slot, ranks: Mapping[str, int], write: Callable[[str, torch.Tensor, torch.Tensor], None]) -> int:
        """Find places of ``ranks`` rows in each layer, let ``write`` fill A [r, in] and B [r, out], and only then make them count.

        Whatever fails, the bank is what it was, and rows that nobody owns are zero."""
        slot = self._next_slot
        layers = {path: self._layers.get(path) or self._new_layer(path) for path in ranks}
        plans: dict[tuple[Layout, int, float], tuple[Span, Layout]] = {}
        plan_of = {}
        for path, layer in layers.items():
            key = (layer.layout, ranks[path], new.scales[path] if new.trainable else 1.0)
            if key not in plans:
                plans[key] = self._planned(new, slot, *key)
            plan_of[path] = plans[key]
        blocks = {
            path: layer.new_block(plan_of[path][1].blocks[span.block])
            for path, layer in layers.items()
            if (span := plan_of[path][0]).block not in layer.layout.blocks
        }
        for path, block in blocks.items():
            layers[path].add_block(plan_of[path][0].block, block)
        try:
            for path, layer in layers.items():
                write(path, *layer.rows_at(plan_of[path][0]))
        except BaseException:  # a failed copy, or an interruption in the middle of it
            for path, layer in layers.items():
                layer.clear(plan_of[path][0])
                layer.become(layer.layout)
            raise
        for path, layer in layers.items():
            span, layout = plan_of[path]
            if path not in self._layers:
                self._layers[path] = layer
                _replace(self.model, path, layer)
            layer.become(layout)
            if new.trainable:
                layer.learn_from_now_on(span)
        self._slots[slot] = new
        self._next_slot += 1
        self._routings.clear()
        return slot

    def _planned(self, new: Slot, slot: int, layout: Layout, rank: int, scale: float) -> tuple[Span, Layout]:
        """Where a slot goes in layers of that layout, and the layout they have afterwards.

        What learns gets a block of its own size: on a card that trains, memory is short and slots are few."""
        place = None if new.trainable else layout.free_place(rank)
        number, start = place or (max(layout.blocks, default=-1) + 1, 0)
        rows = layout.blocks.get(number) or (rank if new.trainable else max(rank, BLOCK_ROWS.get(self._device.type, 64)))
        span = Span(slot, number, start, start + rank, scale, new.dropout, new.trainable)
        return span, self._shared(layout.having(span, rows))

    def _new_layer(self, path: str) -> BankLinear:
        layer = BankLinear(self.model.get_submodule(path), self.dtype, self._switch, path.rpartition(".")[0])
        layer.layout = self._shared(layer.layout)
        return layer

    def _shared(self, layout: Layout) -> Layout:
        """The one object for equal layouts, so that a forward plans once for all layers that have it."""
        return self._layouts.setdefault((layout.spans, tuple(layout.blocks.items())), layout)


@dataclass(frozen=True)
class Slot:
    """An adapter in the bank."""

    scales: dict[str, float]
    """Module path -> alpha / rank."""
    config: PeftConfigFacts
    trainable: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class StoredAdapter:
    """An adapter taken out of the bank, in the bank's number format."""

    pairs: Mapping[str, tuple[torch.Tensor, ...]]
    """Module path -> A [r, in] and B transposed [r, out], scale folded in."""
    slot: Slot


def _folded(weights: AdapterWeights, dtype: torch.dtype) -> Callable[[str, torch.Tensor, torch.Tensor], None]:
    """Writes A as it is and B transposed with the scale folded in, rounded once. Raises HubError when ``dtype`` cannot hold them."""
    bound = torch.finfo(dtype).max

    def write(path: str, a_rows: torch.Tensor, b_rows: torch.Tensor) -> None:
        a, b, scale = weights.pairs[path]
        a_rows.copy_(a)
        if scale == 1.0:
            b_rows.copy_(b.T)
        elif dtype == torch.float32:
            b_rows.copy_(b.T).mul_(scale)
        else:
            b_rows.copy_(b.float().T * scale)
        fits = weights.largest * max(1.0, abs(scale)) < bound
        if not fits and not (is_finite(a_rows) and is_finite(b_rows)):
            raise HubError(f"{path}: the adapter's weights do not fit into {dtype}", hint="train again with a lower [lora] alpha")

    return write


def _copied(stored: StoredAdapter) -> Callable[[str, torch.Tensor, torch.Tensor], None]:
    def write(path: str, a_rows: torch.Tensor, b_rows: torch.Tensor) -> None:
        a, b = stored.pairs[path]
        a_rows.copy_(a)
        b_rows.copy_(b)

    return write


def _stored_dtype(model: nn.Module) -> torch.dtype:
    """The model's own on a card, where bytes cost time. A processor multiplies few rows in float32 in half the time it needs to begin with
    a 16-bit product, although it reads twice the bytes: see ``benchmarks/adapter_cost.py``."""
    first = next((p for p in model.parameters() if p.dtype.is_floating_point), None)
    if first is None or first.device.type == "cpu":
        return torch.float32
    return first.dtype


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
