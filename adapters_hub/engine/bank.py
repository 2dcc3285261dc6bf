"""The LoRA bank: every adapter of every tutor in one set of layers over one base, for answering and for learning.

Each adapted linear layer holds the A and B of all slots, stacked by rank, whatever their rank, scale or targets. A forward says
which slot each row or token uses; nothing is ever "current". Here slots come and go; `routing` works out who uses which columns and
`bank_linear` multiplies. Knows nothing of tutors, names or files.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from adapters_hub.engine.bank_linear import BankLinear, Placed
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, linears, require_fit, resolve_targets
from adapters_hub.engine.routing import Layout, Routing, Span, Switch
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import LoraSettings


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


@dataclass(frozen=True)
class Slot:
    """An adapter in the bank."""

    scales: dict[str, float]
    """Module path -> alpha / rank."""
    config: PeftConfigFacts
    trainable: bool = False


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
