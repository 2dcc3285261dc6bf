"""The attached adapters: names on the outside, content digests and bank slots inside; who is asked, who waits, who makes room.

An adapter lies in a slot of the bank, on the CPU, or only on disk, and moves up when it is asked for. Names live here alone: the
rest of the engine sees slots, numbers that are never used twice. Knows nothing of questions, tokens and answers.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from adapters_hub import hardware
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, memory_is_full
from adapters_hub.engine.entries import Known, Named, Resident, Wish
from adapters_hub.engine.peft_files import AdapterFile, read_verified
from adapters_hub.engine.probe import Probe
from adapters_hub.engine.provenance import require_same_base
from adapters_hub.engine.routing import BASE
from adapters_hub.errors import HubError, NotFoundError, ResourceError
from adapters_hub.types import Adapter

T = TypeVar("T")
SHARE = 0.25
"""Part of the free memory that adapters may take where no budget is given."""
UNKNOWN_MEMORY = 1 << 30
"""Bytes, where the machine does not say how much is free."""


class Run(Protocol):
    """Executes work on the thread that owns the model, one piece at a time."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """What ``work`` returns or raises."""


class NoRoomError(ResourceError):
    """Every slot is in use by others: try again once a lease has come back."""

    code = "no_room"


@dataclass(frozen=True, eq=False)
class Lease:
    """The right to use a slot until it is released: as long as it is out, the slot keeps its weights."""

    slot: int
    """-1: the base."""
    digest: str
    """Identity of the weights, for whatever is kept by content; empty for the base."""
    stop_ids: frozenset[int]
    """Tokens that ended turns in training, as recorded in the manifest; the template's own are not among them."""


class Registry:
    """Attaches, leases and evicts. Safe to call from any thread; forwards and changes of the bank happen inside ``run`` alone.

    The lock guards the tables and is never held while ``run`` waits, so the model's own thread may call everything too."""

    def __init__(
        self,
        loaded: LoadedBase,
        bank: Bank,
        run: Run,
        *,
        slot_bytes: int | None = None,
        ram_bytes: int | None = None,
    ) -> None:
        """Budgets are bytes; None: a share of the free memory. While a newcomer is probed, it may stand above the budget for slots."""
        self._identity, self._template = loaded.identity, loaded.chat.template_sha256
        self._bank, self._run = bank, run
        self._probe = Probe(loaded.model, bank)
        self.slot_bytes = _share_of(hardware.free_memory(torch, loaded.device)) if slot_bytes is None else slot_bytes
        self.ram_bytes = _default_ram(loaded.device) if ram_bytes is None else ram_bytes
        self._names: dict[str, Named] = {}
        self._known: dict[str, Known] = {}
        self._out: dict[Lease, Known] = {}
        self._ahead: tuple[str, AdapterFile | Exception] | None = None
        """Digest, and what reading its files ahead of a lease has brought: one at most, since it takes memory."""
        self._reading = False
        self._clock = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False

    # --- names ---

    def attach(self, adapter: Adapter) -> None:
        """Make ``adapter`` answer under its name; a former holder of the name answers what is under way and then goes.

        Equal weights under two names share one slot. Raises what ``read_verified`` raises, HubError (another base or template,
        no effect), ResourceError (larger than the budget, memory full); the former state stays."""
        require_same_base(adapter, self._identity, self._template)
        file = self._read(adapter)
        self._run(lambda: self._admit(adapter, file))

    def detach(self, name: str) -> None:
        """Forget the name; its weights are zeroed once nobody uses them. Raises NotFoundError."""
        with self._lock:
            digest = self._named(name).digest
            del self._names[name]
        self._clear(digest)

    def names(self) -> tuple[str, ...]:
        """In the order they came."""
        with self._lock:
            return tuple(self._names)

    def pin(self, name: str) -> None:
        """Put it into a slot and keep it there whoever needs room. Raises what ``lease`` raises."""
        with self.leased(name), self._lock:
            self._named(name).pinned = True

    def unpin(self, name: str) -> None:
        """Let it make room again when it is idle. Raises NotFoundError."""
        with self._lock:
            self._named(name).pinned = False

    def residents(self) -> tuple[Resident, ...]:
        """Everything known, oldest first."""
        with self._lock:
            return tuple(self._resident(known) for known in self._known.values())

    def limit(self, *, slot_bytes: int | None = None, ram_bytes: int | None = None) -> None:
        """Set budgets anew; whoever is idle makes room at once, the others as soon as room is needed."""
        self.slot_bytes = self.slot_bytes if slot_bytes is None else slot_bytes
        self.ram_bytes = self.ram_bytes if ram_bytes is None else ram_bytes
        self._run(lambda: self._trim(self.slot_bytes, keep=None))

    # --- leases ---

    def lease(self, name: str | None) -> Lease:
        """Count one more use of ``name`` and see that it is in a slot; None: the base, which needs neither.

        Raises NotFoundError, NoRoomError (all slots are in use), HubError (its files are gone or have changed)."""
        if name is None:
            return Lease(BASE, "", frozenset())
        while True:
            with self._lock:
                named = self._named(name)
                known = self._known[named.digest]
                if known.slot is not None:
                    return self._lend(known, named)
                self._refuse_without_room(known)
                on_disk = known.stored is None
                ahead = self._taken_ahead(known) if on_disk else None
            if isinstance(ahead, Exception):
                raise ahead
            file = ahead or self._read(named.adapter, digest=known.digest) if on_disk else None
            if (lease := self._promote_and_lend(name, known, file)) is not None:
                return lease

    def ready(self, name: str | None, tell: Callable[[], None]) -> bool:
        """Whether ``lease`` needs nothing from disk; if it does, a thread of its own reads it, and ``tell`` is called when that is over.

        For the model's thread, where everybody would wait for the disk. What is wrong with ``name`` is for ``lease`` to say."""
        with self._lock:
            if self._closed or (named := self._names.get(name or "")) is None:
                return True
            known = self._known[named.digest]
            if known.where != "disk" or (self._ahead is not None and self._ahead[0] == known.digest) or not self._has_room(known):
                return True
            if self._reading:
                return False
            self._reading = True
        try:
            # no daemon: the interpreter waits for the few milliseconds it takes rather than tear it down inside native code
            threading.Thread(target=self._read_ahead, args=(named.adapter, known.digest, tell), name="adapters_hub reader").start()
        except RuntimeError:  # no more threads: it is read where it is needed
            self._reading = False
            return True
        return False

    def release(self, lease: Lease) -> None:
        """Give a lease back; again does nothing."""
        with self._lock:
            known = self._out.pop(lease, None)
            if known is None:
                return
            known.leases -= 1
        self._clear(known.digest)

    @contextmanager
    def leased(self, name: str | None) -> Iterator[Lease]:
        """A lease for the length of a block, however the block ends."""
        lease = self.lease(name)
        try:
            yield lease
        finally:
            self.release(lease)

    def close(self) -> None:
        """Forget everything without touching the bank any more; leases may still be released."""
        with self._lock:
            self._closed = True
            self._names.clear()
            self._known.clear()
            self._out.clear()
            self._ahead = None
        self._probe.forget()

    # --- reading: in the caller's thread ---

    def _read(self, adapter: Adapter, *, digest: str = "") -> AdapterFile:
        """The files of ``adapter``, checked; with ``digest``, the very ones that were attached."""
        itemsize = self._bank.dtype.itemsize
        expected = adapter.manifest.files if adapter.manifest is not None else {}
        file = read_verified(adapter.folder, shapes=self._bank.shapes, expected=expected, most_elements=self.slot_bytes // itemsize)
        if digest and file.digest != digest:
            raise HubError(
                f"adapter '{adapter.name}': the files in {adapter.folder} have changed since it was attached",
                hint="attach it again, or restore the files",
            )
        return file

    def _read_ahead(self, adapter: Adapter, digest: str, tell: Callable[[], None]) -> None:
        found: AdapterFile | Exception
        try:
            found = self._read(adapter, digest=digest)
        except Exception as error:  # whatever it is, the lease that needs the files raises it
            found = error.with_traceback(None)
        with self._lock:
            self._reading = False
            if digest in self._known:
                self._ahead = (digest, found)
        tell()

    # --- changing the bank: inside ``run`` ---

    def _admit(self, adapter: Adapter, file: AdapterFile) -> None:
        with self._lock:
            self._require_open()
            known = self._known.get(file.digest)
        newcomer = known is None
        if known is None:
            known = Known(file.digest, adapter, self._bank.bytes_of(file.weights))
            known.slot = self._placed(lambda: self._bank.attach(file.weights))
            try:
                self._probe.check(known.slot, file.weights, what=f"adapter '{adapter.name}' in {adapter.folder}")
            except BaseException:  # whatever went wrong, interruption included: a slot that is not visible would never be freed
                self._bank.detach(known.slot)
                raise
        with self._lock:
            known.adapter, known.used = adapter, next(self._clock)
            former = self._names.get(adapter.name)
            manifest = adapter.manifest
            self._known[file.digest] = known
            self._names[adapter.name] = Named(
                file.digest,
                frozenset(manifest.stop_token_ids) if manifest is not None else frozenset(),
                adapter,
                pinned=former is not None and former.pinned,
            )
        if former is not None and former.digest != file.digest:
            self._forget_unused(former.digest)
        if newcomer and not self._make_room(0, keep=known):
            self._evict(known)

    def _promote_and_lend(self, name: str, known: Known, file: AdapterFile | None) -> Lease | None:
        """A lease of ``name`` once it is in a slot; None when the name has moved on and the caller should look again."""
        wish: Wish[Lease] = Wish()

        def work() -> Lease | None:
            with self._lock:
                named = self._names.get(name)
                if named is None or self._known.get(named.digest) is not known or wish.given_up:
                    return None
                stored = known.stored
            if known.slot is None:
                if stored is None and file is None:
                    return None  # it fell from the CPU's memory to disk meanwhile
                if not self._make_room(known.bytes, keep=known):
                    raise _no_room(name)
                if stored is not None:
                    known.slot = self._placed(lambda: self._bank.restore(stored))
                elif file is not None:
                    known.slot = self._placed(lambda: self._bank.attach(file.weights))
                known.stored = None
            with self._lock:
                self._taken_ahead(known)
                if wish.given_up:
                    return None
                wish.lease = self._lend(known, named)
                return wish.lease

        try:
            return self._run(work)
        except BaseException:  # interrupted while the work goes on: whatever it lends from now on belongs to nobody
            with self._lock:
                wish.given_up = True
            if wish.lease is not None:
                self.release(wish.lease)
            raise

    def _placed(self, place: Callable[[], int]) -> int:
        """``place()``, tried again with one idle adapter less whenever the GPU is full."""
        while True:
            try:
                return place()
            except RuntimeError as error:
                if not memory_is_full(error):
                    raise
            idle = self._idle_in_slots(None)
            if not idle:
                raise ResourceError("the GPU has no memory left for another adapter", hint="detach one, or answer fewer questions at once")
            self._evict(idle[0])

    def _make_room(self, wanted: int, *, keep: Known) -> bool:
        """Evict until ``wanted`` more bytes are within the budget; False, and nobody evicted, when those in use leave too little."""
        most = self.slot_bytes - wanted
        if self._bytes_in_slots() - sum(known.bytes for known in self._idle_in_slots(keep)) > most:
            return False
        return self._trim(most, keep=keep)

    def _trim(self, most: int, *, keep: Known | None) -> bool:
        """Evict the idle, least recently used first, until ``most`` bytes are left; False when there are not enough of them."""
        while self._bytes_in_slots() > most:
            idle = self._idle_in_slots(keep)
            if not idle:
                return False
            self._evict(idle[0])
        return True

    def _evict(self, known: Known) -> None:
        """Out of its slot, onto the CPU where the budget allows it, else to disk alone; the slot is zeroed."""
        with self._lock:
            slot = known.slot
            if slot is None or known.leases:
                return
            known.slot = None  # from here on nobody can lease it without coming through ``run``
        stored = None
        try:
            if known.bytes <= self.ram_bytes:
                stored = self._bank.stored(slot)
        except (MemoryError, RuntimeError):  # no memory for a copy: the files are enough, and the slot must not be lost
            stored = None
        self._bank.detach(slot)
        with self._lock:
            known.stored = stored
            on_cpu = sorted((one for one in self._known.values() if one.stored is not None), key=lambda one: one.used)
            excess = sum(one.bytes for one in on_cpu) - self.ram_bytes
            for one in on_cpu:
                if excess <= 0:
                    break
                one.stored = None
                excess -= one.bytes

    def _forget_unused(self, digest: str) -> None:
        with self._lock:
            known = self._known.get(digest)
            if known is None or known.leases or any(named.digest == digest for named in self._names.values()):
                return
            del self._known[digest]
            self._taken_ahead(known)
            slot, known.slot, known.stored = known.slot, None, None
        if slot is not None:
            self._bank.detach(slot)

    # --- the tables: from ``_lend`` on, the lock must be held ---

    def _clear(self, digest: str) -> None:
        """Free weights that have neither a name nor a lease."""
        with self._lock:
            known = self._known.get(digest)
            due = known is not None and not known.leases and all(named.digest != digest for named in self._names.values())
        if due:
            self._run(lambda: self._forget_unused(digest))

    def _idle_in_slots(self, keep: Known | None) -> list[Known]:
        """Those that may make room, least recently used first."""
        with self._lock:
            pinned = {named.digest for named in self._names.values() if named.pinned}
            idle = [
                known
                for known in self._known.values()
                if known.slot is not None and not known.leases and known is not keep and known.digest not in pinned
            ]
        return sorted(idle, key=lambda known: known.used)

    def _bytes_in_slots(self) -> int:
        with self._lock:
            return sum(known.bytes for known in self._known.values() if known.slot is not None)

    def _lend(self, known: Known, named: Named) -> Lease:
        slot = known.slot
        assert slot is not None
        known.leases += 1
        known.used = next(self._clock)
        lease = Lease(slot, known.digest, named.stop_ids)
        self._out[lease] = known
        return lease

    def _refuse_without_room(self, wanted: Known) -> None:
        """Say so before anything is read from disk."""
        if not self._has_room(wanted):
            raise _no_room(wanted.adapter.name)

    def _has_room(self, wanted: Known) -> bool:
        pinned = {named.digest for named in self._names.values() if named.pinned}
        fixed = sum(known.bytes for known in self._known.values() if known.slot is not None and (known.leases or known.digest in pinned))
        return fixed + wanted.bytes <= self.slot_bytes

    def _taken_ahead(self, known: Known) -> AdapterFile | Exception | None:
        """What was read ahead of ``known``, taken out."""
        if self._ahead is None or self._ahead[0] != known.digest:
            return None
        (_, found), self._ahead = self._ahead, None
        return found

    def _named(self, name: str) -> Named:
        self._require_open()
        if name not in self._names:
            raise NotFoundError(f"no adapter '{name}' is attached", hint="attach it before asking")
        return self._names[name]

    def _resident(self, known: Known) -> Resident:
        holders = {name: named for name, named in self._names.items() if named.digest == known.digest}
        manifest = known.adapter.manifest
        return Resident(
            tuple(holders),
            known.digest,
            manifest.run_id if manifest is not None else "",
            known.bytes,
            known.where,
            known.leases,
            any(named.pinned for named in holders.values()),
        )

    def _require_open(self) -> None:
        if self._closed:
            raise HubError("the engine is closed", hint="open it again before asking")


def _no_room(name: str) -> NoRoomError:
    return NoRoomError(f"no room for adapter '{name}' while others answer", hint="try again in a moment, or detach adapters")


def _share_of(free: int) -> int:
    return int(SHARE * free) or UNKNOWN_MEMORY


def _default_ram(device: torch.device) -> int:
    """Where slots are ordinary RAM, a copy beside them would save nothing: whatever makes room goes back to disk."""
    return 0 if device.type == "cpu" else _share_of(hardware.free_memory(torch, torch.device("cpu")))
