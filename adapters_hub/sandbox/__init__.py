"""Run a stranger's Python: start a guest, execute source in it, call its functions, and get plain values back.

    with choose_sandbox().start(Limits(seconds=2)) as guest:
        guest.run(answer)
        print(guest.call("doble", [21]).value)

**Rules.** The judge sits in the parent: a guest sends values, the parent decodes them with checks and compares. What a guest says
about itself is worth nothing, so no exit status, printed word or ``==`` of an object of the guest decides anything. Code that tests an
answer runs in a guest of its own (``bind`` connects the two), never beside the answer. Plain values travel with their exact types;
everything else stays where it is and is a ``Handle``. Every way not to give a value is a ``Failure``, never another exception.

**Tiers**, in the order they are tried, each attacked once before it is trusted:

``landlock+seccomp`` (Linux 5.13 or later, 64-bit x86 or ARM, no rights needed): a fork of a warm interpreter that locked itself before
it saw the first foreign byte. The kernel allows it to compute, to read Python's standard library, and to write 128 small files in an
empty folder that is removed afterwards; no other files, no sockets, processes, threads, signals, new executable memory.
Not stopped: using the processor until its limit; measuring time (side channels); reading the standard library and the time zones;
learning whether a path or process exists, a file's size and times, where a link points, the machine's name; mistakes in the kernel; a
program falsifying its own results; seeing where the interpreter's memory lies, the same in all guests of one warm process.

``monty`` (every system, ``pip install "adapters-hub[sandbox]"``): an interpreter of a part of Python with nothing to reach outside. Not
stopped: using the processor until its limit; measuring time; mistakes in Monty, whose workers have all rights of this program; a program
falsifying its own results. It is not ``faithful``: a failure may be the interpreter's own, so it proves nothing against a program.

``unsafe`` (only with ``unsafe_exec``, which only a person at the command line can say): a child process with a clock and, where the system
has them, limits. Not stopped: reading, changing and deleting your files, the network, other programs. Not a boundary.

``HUB_SANDBOX=landlock``, ``monty`` or ``none`` forbids the other safe tiers; no variable allows the unsafe one.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

from adapters_hub.errors import HubError
from adapters_hub.sandbox import locked, monty, probe, unsafe
from adapters_hub.sandbox.failure import Failure, clean
from adapters_hub.sandbox.guest import Called, Guest, Handle
from adapters_hub.sandbox.limits import Limits
from adapters_hub.sandbox.wire import Iterated

__all__ = [
    "Called",
    "Failure",
    "Guest",
    "Handle",
    "Iterated",
    "Limits",
    "Sandbox",
    "TierReport",
    "Unavailable",
    "choose_sandbox",
    "describe",
    "shown",
]

VARIABLE = "HUB_SANDBOX"
"""Names the one safe tier that may be used; ``none``: none of them."""
HINT = 'on Linux, use kernel 5.13 or later with Landlock; anywhere: pip install "adapters-hub[sandbox]"; or --unsafe-exec at your own risk'


class Unavailable(HubError):
    """No tier that may be used works here."""

    code = "no_sandbox"


class Sandbox(Protocol):
    """Starts guests."""

    tier: str
    """``landlock+seccomp``, ``monty`` or ``unsafe``."""
    faithful: bool
    """Whether it runs this very Python: where not, a failure proves nothing against a program."""
    not_stopped: tuple[str, ...]
    """What it does not stop, one phrase each."""

    def start(self, limits: Limits | None = None) -> Guest:
        """A fresh guest, from any thread; raises Failure of kind ``died`` when the system cannot give one."""

    def close(self) -> None:
        """End what is kept warm; another ``start`` begins anew."""


@dataclass(frozen=True)
class TierReport:
    """One tier on this machine."""

    name: str
    works: bool
    detail: str
    """Why not, or how it was found to work; one line."""
    not_stopped: tuple[str, ...]


def choose_sandbox(*, unsafe_exec: bool = False) -> Sandbox:
    """The best tier that works here, the same object each time; ``unsafe_exec`` allows the unsafe one where no other works.

    Raises Unavailable. Each tier is attacked once in a process, which takes a fraction of a second."""
    reasons = []
    for name in TIERS:
        if not _permitted(name):
            reasons.append(f"{name}: forbidden by {VARIABLE}")
            continue
        tried = _tried(name, os.getpid())
        if tried.sandbox is not None:
            return tried.sandbox
        reasons.append(f"{name}: {tried.detail}")
    if unsafe_exec:
        return _unsafe()
    raise Unavailable(f"nothing here can run a stranger's program safely ({'; '.join(reasons)})", hint=HINT)


def describe() -> list[TierReport]:
    """What each safe tier is worth on this machine, for ``hub doctor``; attacks each once, as ``choose_sandbox`` does."""
    reports = []
    for name, tier in TIERS.items():
        if _permitted(name):
            tried = _tried(name, os.getpid())
            reports.append(TierReport(tier.name, tried.sandbox is not None, tried.detail, tier.not_stopped()))
        else:
            reports.append(TierReport(tier.name, False, f"forbidden by {VARIABLE}", tier.not_stopped()))
    return reports


def shown(value: Any, length: int = 200) -> str:
    """``value`` as text for people: never longer than ``length``, never an exception, and without lone surrogates."""
    try:
        text = _brief(value, length)
    except Exception:  # nothing in a value from a guest may make a judge fail while it words its verdict
        text = f"<{type(value).__name__}>"
    text = clean(text, length + 1)
    return text if len(text) <= length else text[: length - 1] + "…"


@dataclass(frozen=True)
class _Tier:
    """How a tier is had."""

    name: str
    make: Callable[[], Sandbox]
    why_not: Callable[[], str]
    not_stopped: Callable[[], tuple[str, ...]]


@dataclass(frozen=True)
class _Tried:
    """What became of trying a tier."""

    sandbox: Sandbox | None
    detail: str


TIERS = {
    "landlock": _Tier("landlock+seccomp", locked.LockedSandbox, locked.why_not, locked.not_stopped),
    "monty": _Tier("monty", monty.MontySandbox, monty.why_not, monty.not_stopped),
}
"""The safe tiers, the best first, by the name that ``HUB_SANDBOX`` knows."""


def _permitted(name: str) -> bool:
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    return wanted in ("", name)


_TRYING: dict[int, threading.Lock] = {}
"""One attempt at a time; by process, because a lock that is held while another thread forks stays shut in the new process."""


def _tried(name: str, process: int) -> _Tried:
    with _TRYING.setdefault(process, threading.Lock()):
        return _tried_once(name, process)


@lru_cache(maxsize=8)  # a warm process is worth keeping as long as this program; a fork of it must start its own
def _tried_once(name: str, process: int) -> _Tried:
    tier = TIERS[name]
    reason = tier.why_not()
    if reason:
        return _Tried(None, reason)
    sandbox = tier.make()
    try:
        wrong = probe.findings(sandbox)
    except (OSError, HubError) as error:
        wrong = [f"{type(error).__name__}: {error}"]
    if wrong:
        sandbox.close()
        return _Tried(None, f"not trusted: {'; '.join(wrong)}")
    return _Tried(sandbox, f"withstood {len(probe.ATTACKS)} attacks")


@lru_cache(maxsize=1)
def _unsafe() -> Sandbox:
    return unsafe.UnsafeSandbox()


BRACKETS: dict[type, str] = {list: "[ ]", tuple: "( )", set: "{ }", dict: "{ }"}


def _brief(value: Any, room: int) -> str:
    """Like ``repr``, in time and space bounded by ``room``."""
    kind = type(value)
    if kind is int and value.bit_length() > 3 * room:
        return f"<an integer of about {value.bit_length() * 30103 // 100000} digits>"
    if kind in (str, bytes, bytearray):
        return repr(value[:room]) + ("…" if len(value) > room else "")
    if isinstance(value, (list, tuple, set, frozenset, dict, deque)):
        return _brief_items(value, room)
    if isinstance(value, Fraction):
        return f"Fraction({_brief(value.numerator, room)}, {_brief(value.denominator, room)})"
    return repr(value)


def _brief_items(value: Any, room: int) -> str:
    parts: list[str] = []
    kind = type(value)
    for item in value:
        if room <= 0:
            parts.append("…")
            break
        part = _brief(item, room)
        if isinstance(value, dict):
            part += ": " + _brief(value[item], room - len(part))
        room -= len(part) + 2
        parts.append(part)
    if kind in (set, frozenset) and not value:
        return f"{kind.__name__}()"
    start, end = BRACKETS.get(kind, f"{kind.__name__}( )").split(" ")
    return start + ", ".join(parts) + ("," if kind is tuple and len(value) == 1 else "") + end
