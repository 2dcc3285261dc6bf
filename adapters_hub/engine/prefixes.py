"""Keys and values worth keeping: of each tutor's system prompt, and of conversations that go on, so that they are computed once.

What was computed under one set of weights is found by no other: the digest of the weights, the hash of the chat template and the
tokens themselves are the key. Bounded by bytes, the least recently used goes first. Knows nothing of names, models and slots. It is
used by the model's thread alone.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from adapters_hub.engine.growing_cache import States, bytes_of

MOST = 1024
"""Kept beginnings at most, however small they are."""


@dataclass(frozen=True)
class Owner:
    """Whose computation it is; nothing passes from one owner to another."""

    digest: str
    """Content of the adapter; empty for the base."""
    template: str
    """SHA-256 of the chat template."""
    user: str = ""
    """Conversations are kept for each user; system prompts for nobody in particular."""


@dataclass(frozen=True)
class Kept:
    """The beginning of a conversation."""

    tokens: tuple[int, ...]
    states: States
    bytes: int


@dataclass(frozen=True)
class Found:
    """What can be reused of a prompt."""

    states: States
    tokens: int


class Prefixes:
    """Beginnings that were computed before."""

    def __init__(self, budget: int) -> None:
        """``budget`` in bytes; 0 keeps nothing."""
        self.budget = budget
        self.bytes = 0
        self._kept: OrderedDict[tuple[Owner, tuple[int, ...]], Kept] = OrderedDict()
        self._lengths: dict[Owner, Counter[int]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, owners: Sequence[Owner], tokens: tuple[int, ...]) -> Found | None:
        """The most that is kept of ``tokens``, views of it; the last token is always left to be computed, since its logits are wanted."""
        best: Found | None = None
        for owner in owners:
            for length in sorted(self._lengths.get(owner, ()), reverse=True):
                if length > len(tokens) or (key := (owner, tokens[:length])) not in self._kept:
                    continue
                kept = self._kept[key]
                common = min(_common(kept.tokens, tokens, length), len(tokens) - 1)
                if common > (best.tokens if best is not None else 0):
                    self._kept.move_to_end(key)
                    best = Found(tuple((keys[:, :common], values[:, :common]) for keys, values in kept.states), common)
                break
        return best

    def holds(self, owner: Owner, tokens: tuple[int, ...]) -> bool:
        """Whether exactly these tokens are kept."""
        return (owner, tokens) in self._kept

    def keep(self, owner: Owner, tokens: tuple[int, ...], states: States, *, known_by: int | None = None) -> None:
        """Copy ``states`` of ``tokens``. They are found by their first ``known_by`` tokens, by all of them if None, and then used as far
        as they agree. What is larger than half the budget is not kept."""
        size = bytes_of(states)
        if not tokens or size > self.budget // 2:
            return
        key = (owner, tokens[:known_by])
        self._remove(key)
        while self._kept and (self.bytes + size > self.budget or len(self._kept) >= MOST):
            self._remove(next(iter(self._kept)))
        copies = tuple((keys.clone(), values.clone()) for keys, values in states)
        self._kept[key] = Kept(tokens, copies, size)
        self._lengths.setdefault(owner, Counter())[len(key[1])] += 1
        self.bytes += size

    def drop(self, digest: str) -> None:
        """Forget everything of one set of weights."""
        for key in [key for key in self._kept if key[0].digest == digest]:
            self._remove(key)

    def digests(self) -> set[str]:
        """Weights of which something is kept."""
        return {owner.digest for owner in self._lengths}

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._lengths.clear()
        self.bytes = 0

    def _remove(self, key: tuple[Owner, tuple[int, ...]]) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.bytes
        lengths = self._lengths[key[0]]
        lengths[len(key[1])] -= 1
        if not lengths[len(key[1])]:
            del lengths[len(key[1])]
        if not lengths:
            del self._lengths[key[0]]


def _common(kept: tuple[int, ...], tokens: tuple[int, ...], known: int) -> int:
    """Length of the common beginning, of which ``known`` tokens are known to agree."""
    length = known
    for one, other in zip(kept[known:], tokens[known:], strict=False):
        if one != other:
            break
        length += 1
    return length


def common_beginning(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of leading tokens that two renderings share."""
    return _common(tuple(one), tuple(other), 0)


def default_budget(free: int, device: torch.device) -> int:
    """Bytes for kept keys and values where ``free`` bytes are left on the device."""
    return min(free // 16, (256 if device.type == "cuda" else 1024) << 20)
