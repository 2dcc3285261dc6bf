"""What the registry notes down: an entry for each set of weights, each name, each lease on its way; and what it tells others of them.

Plain records; who may change them, and when, is the registry's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from adapters_hub.engine.bank import StoredAdapter
from adapters_hub.types import Adapter

Where = Literal["slot", "ram", "disk"]
L = TypeVar("L")


@dataclass(frozen=True)
class Resident:
    """An adapter the registry knows."""

    names: tuple[str, ...]
    """Empty: detached or replaced, but somebody is still being answered from it."""
    digest: str
    version: str
    """Id of the run; empty for a folder without manifest."""
    bytes: int
    """Memory it takes, or would take, in a slot."""
    where: Where
    leases: int
    pinned: bool


@dataclass
class Known:
    """One set of weights, whatever its names."""

    digest: str
    adapter: Adapter
    """As it was attached last."""
    bytes: int
    slot: int | None = None
    stored: StoredAdapter | None = None
    """Its copy on the CPU while it has no slot."""
    leases: int = 0
    used: int = 0
    """Rises with each use: the smallest goes first."""

    @property
    def where(self) -> Where:
        return "slot" if self.slot is not None else "ram" if self.stored is not None else "disk"


@dataclass
class Named:
    """What belongs to a name rather than to its weights."""

    digest: str
    stop_ids: frozenset[int]
    adapter: Adapter
    """Its own files: those of another name with equal weights may go away with that name."""
    pinned: bool = False


@dataclass
class Wish(Generic[L]):
    """A lease being fetched by a thread that may be interrupted meanwhile."""

    given_up: bool = False
    lease: L | None = None
