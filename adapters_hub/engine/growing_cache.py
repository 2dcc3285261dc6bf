"""Keys and values of answers under way, in memory that rows join and leave: a transformers cache without copies at each token.

Rows end in the same column; the columns to the left of a shorter row are zeros that a mask hides. A token is written behind the
last column, a row that leaves gives its place to the last row, and what a failed forward has written is simply written again.
``DynamicCache`` concatenates, and so copies everything it holds at every token. Knows nothing of models, slots and questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin, DynamicLayer, DynamicSlidingWindowLayer

BLOCK = 64
"""Columns are added in multiples of this."""
States = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values of each layer, [heads, tokens, width]: one row's, without padding."""


def can_grow(config: Any) -> bool:
    """Whether every layer keeps plain keys and values, one for each token: no states that fold tokens into one, nothing shared."""
    text = config.get_text_config(decoder=True)
    if set(getattr(text, "layer_types", None) or ()) - {"full_attention", "sliding_attention"} or getattr(
        text, "attention_chunk_size", None
    ):
        return False
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=config).layers)


@dataclass
class Extent:
    """What of the memory is in use, the same in all layers."""

    start: int = 0
    """First column of the longest row."""
    stop: int = 0
    """Column behind the last token of every row."""
    rows: int = 0
    forward: slice = field(default_factory=lambda: slice(0))
    """Rows of the forward under way."""
    planned: int = 0
    """Columns that will be needed, so that memory grows once."""

    @property
    def width(self) -> int:
        return self.stop - self.start


class GrowingLayer(CacheLayerMixin):  # type: ignore[misc]
    """One layer's memory, [rows, heads, columns, width]. Windows of sliding layers are left to the mask: it hides what is too old."""

    is_sliding = False

    def __init__(self, extent: Extent) -> None:
        super().__init__()
        self.keys: Any = None
        self.values: Any = None
        self.extent = extent

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Write behind the last column; columns count as used only after ``GrowingCache.advance``."""
        extent, new = self.extent, key_states.shape[-2]
        self.make_room(extent.forward.stop, extent.stop + new, key_states, value_states)
        found = []
        for memory, states in ((self.keys, key_states), (self.values, value_states)):
            memory[extent.forward, :, extent.stop : extent.stop + new] = states
            found.append(memory[extent.forward, :, extent.start : extent.stop + new])
        return found[0], found[1]

    def make_room(self, rows: int, columns: int, like_keys: torch.Tensor, like_values: torch.Tensor) -> None:
        """At least ``rows`` x ``columns``, everything at its place; ``like_keys`` and ``like_values`` show heads, width and format."""
        has_rows, has_columns = self.size()
        if rows <= has_rows and columns <= has_columns:
            return
        rows = max(rows, has_rows)
        columns = has_columns if columns <= has_columns else -(-max(columns, self.extent.planned) // BLOCK) * BLOCK
        grown = []
        for memory, like in ((self.keys, like_keys), (self.values, like_values)):
            larger = like.new_zeros(rows, like.shape[-3], columns, like.shape[-1])
            if memory is not None:
                larger[:has_rows, :, :has_columns] = memory
            grown.append(larger)
        self.keys, self.values = grown
        self.is_initialized = True

    def size(self) -> tuple[int, int]:
        return (0, 0) if self.keys is None else (self.keys.shape[0], self.keys.shape[2])

    def shift(self, by: int) -> None:
        """Move the columns in use by ``by`` to the right (to the left if negative), in blocks that do not overlap: no memory is needed."""
        start, stop, rows = self.extent.start, self.extent.stop, self.extent.rows
        blocks = [(left, min(left + abs(by), stop)) for left in range(start, stop, abs(by))]
        for memory in (self.keys, self.values):
            for left, right in reversed(blocks) if by > 0 else blocks:
                memory[:rows, :, left + by : right + by] = memory[:rows, :, left:right]
            if by > 0:
                memory[:rows, :, start : start + by] = 0

    # --- what transformers asks for ---

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.make_room(self.extent.forward.stop, self.extent.stop, key_states, value_states)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.extent.width + query_length, 0

    def get_seq_length(self) -> int:
        return self.extent.width

    def get_max_length(self) -> int:
        return -1


class GrowingCache(Cache):  # type: ignore[misc]
    """Rows of keys and values over all layers of a model; see ``can_grow`` for which models."""

    def __init__(self, config: Any) -> None:
        self.extent = Extent()
        super().__init__(layers=[GrowingLayer(self.extent) for _ in DynamicCache(config=config).layers])

    @property
    def rows(self) -> int:
        return self.extent.rows

    @property
    def width(self) -> int:
        """Columns in use: tokens of the longest row."""
        return self.extent.width

    def bytes(self) -> int:
        """Memory taken, used or not."""
        return sum(memory.nbytes for layer in self.layers if layer.keys is not None for memory in (layer.keys, layer.values))

    # --- forwards ---

    def begin(self, rows: slice) -> None:
        """The next forward computes these rows, neighbours of each other."""
        self.extent.forward = rows

    def advance(self, tokens: int) -> None:
        """What the forwards since the last call have written counts from now on."""
        self.extent.stop += tokens

    def reserve(self, more: int) -> None:
        """Make room for ``more`` tokens in each row: reuse what is free on the left, else grow."""
        _, columns = self.layers[0].size()
        if self.extent.stop + more <= columns:
            return
        if self.extent.start >= max(more, columns // 4):
            self._shift(-self.extent.start)
            return
        for layer in self.layers:
            layer.make_room(self.extent.rows, max(self.extent.stop + more, columns + columns // 2), layer.keys, layer.values)

    # --- rows come and go ---

    def fill(self, prefixes: Sequence[States | None], *, planned: int) -> int:
        """Make as many rows at once, each with the keys and values of its first tokens; returns the column behind them, the same for all.

        ``planned``: tokens that will follow."""
        self.extent.rows = len(prefixes)
        lengths = [0 if states is None else states[0][0].shape[-2] for states in prefixes]
        self.extent.stop = max(lengths)
        self.extent.planned = self.extent.stop + planned
        for row, states in enumerate(prefixes):
            for layer, (keys, values) in zip(self.layers, states or (), strict=states is not None):
                layer.make_room(self.extent.rows, self.extent.stop, keys, values)
                layer.keys[row, :, self.extent.stop - lengths[row] : self.extent.stop] = keys
                layer.values[row, :, self.extent.stop - lengths[row] : self.extent.stop] = values
        return self.extent.stop

    def join(self, states: States, *, more: int = 0) -> int:
        """Add a row and return its number, the last one. ``more``: tokens it is expected to get, so that memory grows once.

        Nothing is lost when this raises for lack of memory."""
        tokens = states[0][0].shape[-2]
        extent = self.extent
        left = max(tokens - extent.stop, 0)  # columns missing on the left
        rows = extent.rows + 1
        for layer, (keys, values) in zip(self.layers, states, strict=True):
            has_rows, _ = layer.size()
            spare = rows if rows <= has_rows else max(rows, min(2 * has_rows, has_rows + 8))
            layer.make_room(spare, extent.stop + left + (more if not extent.rows else 1), keys, values)
        if left and extent.rows:
            self._shift(left)
        elif left:
            extent.stop = tokens
        if not extent.rows:
            extent.start = extent.stop - tokens
        for layer, (keys, values) in zip(self.layers, states, strict=True):
            for memory, new in ((layer.keys, keys), (layer.values, values)):
                memory[extent.rows, :, : extent.stop - tokens] = 0
                memory[extent.rows, :, extent.stop - tokens : extent.stop] = new
        extent.start = min(extent.start, extent.stop - tokens)
        extent.rows += 1
        return extent.rows - 1

    def leave(self, row: int, longest: int) -> None:
        """Forget a row; the last row takes its number. ``longest``: tokens of the longest row that stays."""
        last = self.extent.rows - 1
        used = slice(self.extent.start, self.extent.stop)
        for layer in self.layers:
            for memory in (layer.keys, layer.values):
                if row != last:
                    memory[row, :, used] = memory[last, :, used]
                memory[last] = 0
        self.extent.rows = last
        self.extent.start = self.extent.stop - longest

    def states(self, row: int, begin: int, end: int) -> States:
        """Views of the columns ``begin`` to ``end`` of a row; they change with the cache."""
        return tuple((layer.keys[row, :, begin:end], layer.values[row, :, begin:end]) for layer in self.layers)

    def of_row(self, row: int, tokens: int) -> States:
        """Views of the last ``tokens`` tokens of a row."""
        return self.states(row, self.extent.stop - tokens, self.extent.stop)

    def clear(self) -> None:
        """Forget all rows and free the memory."""
        self.extent.start = self.extent.stop = self.extent.rows = 0
        for layer in self.layers:
            layer.keys = layer.values = None
            layer.is_initialized = False

    def _shift(self, by: int) -> None:
        for layer in self.layers:
            layer.shift(by)
        self.extent.start += by
        self.extent.stop += by


def bytes_of(states: States) -> int:
    return sum(keys.nbytes + values.nbytes for keys, values in states)


def token_bytes(config: Any, itemsize: int) -> int:
    """Bytes of keys and values that one token takes, in all layers; ``itemsize`` bytes for a number."""
    text = config.get_text_config(decoder=True)
    heads = int(text.num_attention_heads)
    pairs = int(getattr(text, "num_key_value_heads", None) or heads)
    width = int(getattr(text, "head_dim", None) or text.hidden_size // heads)
    return 2 * int(text.num_hidden_layers) * pairs * width * itemsize
