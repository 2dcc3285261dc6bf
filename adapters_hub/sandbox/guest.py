"""The parent's side of a guest: ask it to run, call and evaluate, and believe nothing that comes back without checking its shape.

Knows nothing of how the guest is shut in: that is its line's business, see ``locked`` and ``unsafe``.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

from adapters_hub.sandbox.failure import KINDS, Failure, builtin_exception, clean
from adapters_hub.sandbox.limits import Limits
from adapters_hub.sandbox.wire import FOREIGN, OPERATORS, OWN, Encoder, Malformed, Unsendable, decode

MOST_ASKED = 16 << 20
"""Bytes of one request."""
MOST_NAMES = 5000
MOST_NESTED = 20
"""Requests within callbacks within requests."""
MOST_HANDLES = 10_000
OVERHEAD = 4096
"""Bytes of a message around its value."""
FAILURE_SHAPES = {(str, str, str, str, tuple, line, str) for line in (int, type(None))}
Callback = Callable[[Sequence[Any], Mapping[str, Any]], Any]


class Line(Protocol):
    """A guest process and the way to it. ``deadline`` is a reading of ``time.monotonic``."""

    stdout: bytearray
    stderr: bytearray

    def send(self, message: bytes, deadline: float) -> None:
        """Send one message; raises Failure."""

    def receive(self, most: int, deadline: float) -> bytes:
        """The next message, ``most`` bytes at most; raises Failure."""

    def kill(self) -> None:
        """End the guest at once, from any thread; whoever waits for it gets a Failure."""

    def close(self) -> None:
        """Kill the guest, wait for its end and remove what it left. Calling it twice is fine."""


@dataclasses.dataclass(frozen=True)
class Called:
    """What a call gave."""

    value: Any
    args_after: tuple[Any, ...] | None
    """The arguments as they are after the call, for functions that change them in place; None where they cannot travel."""


class Handle:
    """An object that stays in its guest. Comparing it raises Failure: it would be the object's own word."""

    def __init__(self, guest: Guest, number: int, type_name: str) -> None:
        self._guest = weakref.ref(guest)
        self.number = number
        self.type_name = type_name
        """Name of its class, as the guest says."""

    @property
    def guest(self) -> Guest:
        """The guest that it lives in; raises Failure when that is gone."""
        guest = self._guest()
        if guest is None:
            raise Failure("died", "the guest of this object is gone")
        return guest

    def _incomparable(self, other: object) -> bool:
        raise Failure("result", f"an object of type {self.type_name} cannot be compared from outside", type_name="Handle")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _incomparable  # type: ignore[assignment]

    def __hash__(self) -> int:
        return hash((id(self._guest), self.number))

    def __repr__(self) -> str:
        return f"<{self.type_name} of a guest>"


class Guest:
    """One interpreter with one namespace, shut in; use it as a context manager. One thread at a time asks it something."""

    def __init__(self, line: Line, limits: Limits, tier: str) -> None:
        self.limits, self.tier = limits, tier
        self.seconds = 0.0
        """Wall clock that it was busy, so far."""
        self._line = line
        self._lock = threading.RLock()
        self._numbers = itertools.count(secrets.randbits(60))
        self._callbacks: dict[str, Callback] = {}
        self._handles: dict[int, Handle] = {}
        self._lent: dict[int, Handle] = {}
        """Objects of other guests that this one was given, by the number it knows them by."""
        self._lent_numbers: dict[int, int] = {}
        self._depth = 0
        self._over: Failure | None = None
        self._finalizer = weakref.finalize(self, line.close)

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill it with all it started, from any thread. Calling it twice is fine."""
        self._over = self._over or Failure("died", "the guest was closed")
        self._line.kill()
        with self._lock:  # a thread that waits for it now learns of its end, before what it waits on is closed
            self._finalizer()

    @property
    def stdout(self) -> str:
        """What it printed so far, as far as it was flushed; never more than the limit."""
        return bytes(self._line.stdout).decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """What it wrote to stderr so far."""
        return bytes(self._line.stderr).decode("utf-8", "replace")

    @property
    def ended(self) -> bool:
        """Whether nothing more can be asked."""
        return self._over is not None

    def run(self, source: str, name: str = "answer") -> None:
        """Execute ``source`` in the namespace, whose ``__name__`` is ``answer``; ``name`` is what ``Failure.source`` will say.

        Raises Failure."""
        self._ask("run", source, name)

    def call(self, target: str | Handle | tuple[Handle, str], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Called:
        """Call a function of the namespace, an object, or a method ``(handle, name)`` of it. Raises Failure."""
        receiver, method = target if isinstance(target, tuple) else (target, None)
        self._own(receiver)
        found = self._ask("call", receiver, method, tuple(args), dict(kwargs or {}))
        if type(found) is not tuple or len(found) != 2 or type(found[1]) not in (tuple, type(None)):
            raise self._end(_strayed())
        return Called(*found)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the namespace. Raises Failure."""
        return self._ask("evaluate", expression)

    def attribute(self, handle: Handle, name: str) -> Any:
        """An attribute of an object. Raises Failure."""
        self._own(handle)
        return self._ask("attribute", handle, name)

    def names(self) -> dict[str, str]:
        """The names of the namespace -> ``function``, ``class``, ``imported``, or the type of the value. Raises Failure."""
        found = self._ask("names")
        if type(found) is not dict or len(found) > MOST_NAMES or not all(type(word) is str for pair in found.items() for word in pair):
            raise self._end(_strayed())
        return {name: clean(kind, 100) for name, kind in found.items() if len(name) <= 200 and name.isidentifier()}

    def bind(self, name: str, callback: Callback) -> None:
        """Make ``name(...)`` in this guest a call of ``callback(args, kwargs)`` here, with this thread.

        A Failure of kind ``raised`` becomes an exception of the same builtin type in the guest. Whatever else the callback
        raises ends the guest and leaves the ``run`` or ``call`` under way as it is. To bind makes this the guest that tests: it may
        look into the objects of the other; a guest in which nothing is bound may only call what it is given, and apply operators."""
        self._callbacks[name] = callback
        self._ask("bind", name)

    # --- the conversation ------------------------------------------------------------------------

    def _ask(self, operation: str, *payload: Any) -> Any:
        with self._lock:
            if self._over is not None:
                raise copy.copy(self._over)
            number = next(self._numbers)
            request = self._encoded(("ask", number, operation, payload), "an argument")
            started, elsewhere = time.monotonic(), 0.0
            self._depth += 1
            try:
                if self._depth > MOST_NESTED:
                    raise Failure("result", "too many calls within calls")
                while True:
                    # what another guest does meanwhile counts there; all else here, decoding too, or it could be made to take for ever
                    deadline = started + elsewhere + self.limits.seconds - self.seconds
                    self._line.send(request, deadline)
                    message = self._received(self._line.receive(self.limits.result_bytes + OVERHEAD, deadline))
                    if message[0] == "answer" and len(message) == 4 and message[1] == number:
                        return self._outcome(message)
                    if message[0] != "callback" or len(message) != 6:
                        raise _strayed()
                    called = time.monotonic()
                    request = self._called_back(message)
                    elsewhere += time.monotonic() - called
                    if self._over is not None:  # the callback closed this guest
                        raise copy.copy(self._over)
            except _Told as told:
                raise told.failure from None
            except BaseException as error:  # Ctrl-C too: what the guest sends later must not be taken for the next answer
                self._end(error if isinstance(error, Failure) else Failure("died", "the guest was given up"))
                raise
            finally:
                self._depth -= 1
                self.seconds += time.monotonic() - started - elsewhere

    def _own(self, target: object) -> None:
        if isinstance(target, Handle) and target._guest() is not self:
            raise Failure("result", "an object of another guest cannot be used here")

    def _end(self, failure: Failure) -> Failure:
        self._over = self._over or copy.copy(failure)
        self._finalizer()
        return failure

    def _outcome(self, message: tuple[Any, ...]) -> Any:
        outcome, told = message[2:]
        if outcome == "value":
            return told
        if outcome != "failure" or type(told) is not tuple or tuple(map(type, told)) not in FAILURE_SHAPES or told[0] not in KINDS:
            raise _strayed()
        kind, text, type_name, builtin, values, line, source = told
        line = line if line is not None and 0 < line < 1 << 31 else None
        builtin = builtin_exception(builtin).__name__
        raise _Told(Failure(kind, text, type_name=type_name, builtin=builtin, values=values, line=line, source=source))

    def _called_back(self, message: tuple[Any, ...]) -> bytes:
        """Do what the guest asks for, and give the reply. Its clock stands still meanwhile."""
        _, number, kind, target, arguments, keywords = message
        if type(arguments) is not tuple or type(keywords) is not dict or not all(type(name) is str for name in keywords):
            raise _strayed()
        try:
            value = self._perform(kind, target, arguments, keywords)
        except Failure as failure:
            if failure.kind != "raised":
                raise
            values = failure.values or ((failure.message,) if failure.message else ())
            return self._encoded(("reply", number, "raise", failure.builtin, values), "an exception")
        return self._encoded(("reply", number, "value", value), "the value of a callback")

    def _perform(self, kind: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if kind == "bound":
            if type(target) is not str or target not in self._callbacks:
                raise _strayed()
            return self._callbacks[target](arguments, keywords)
        if type(target) is not Handle or target._guest() is self:
            raise _strayed()
        if kind == "call":
            return target.guest.call(target, arguments, keywords).value
        name = arguments[0] if arguments else None
        if type(name) is not str or kind not in ("attribute", "method"):
            raise _strayed()
        if not self._callbacks and not _harmless(name, kind):
            raise Failure("blocked", f"looked into an object of another guest: {name}")
        if kind == "attribute":
            return target.guest.attribute(target, name)
        return target.guest.call((target, name), arguments[1:]).value

    def _encoded(self, message: tuple[Any, ...], what: str) -> bytes:
        encoder = Encoder(MOST_ASKED, self._opaque)
        try:
            encoder.put(message)
        except Unsendable as error:
            raise Failure("result", f"{what}: {error}") from None
        return bytes(encoder.buffer)

    def _received(self, data: bytes) -> tuple[Any, ...]:
        """A message, of which the first three items have the right types."""
        try:
            message = decode(data, self._object, self.limits.integer_digits)
        except Malformed as error:
            raise Failure("result", f"the guest sent something malformed: {error}") from None
        if type(message) is not tuple or tuple(map(type, message[:3])) != (str, int, str):
            raise _strayed()
        return message

    # --- objects ---------------------------------------------------------------------------------

    def _opaque(self, value: Any) -> tuple[int, int, str]:
        if type(value) is not Handle:
            raise Unsendable(f"an object of type {type(value).__name__}")
        if value._guest() is self:
            return OWN, value.number, value.type_name
        number = self._lent_numbers.setdefault(id(value), len(self._lent_numbers) + 1)
        self._lent[number] = value  # keeps it alive, and with it the meaning of its id
        return FOREIGN, number, value.type_name

    def _object(self, foreign: bool, number: int, name: str) -> Handle:
        if foreign:
            if number not in self._lent:
                raise Malformed("an object that was never lent")
            return self._lent[number]
        if number not in self._handles:
            if len(self._handles) >= MOST_HANDLES:
                raise Malformed("too many objects")
            self._handles[number] = Handle(self, number, clean(name, 100))
        return self._handles[number]


def _harmless(name: str, kind: str) -> bool:
    """Whether using that of an object leads nowhere but to the object: from a function's globals or a frame one gets everywhere."""
    if kind == "method":
        return name in OPERATORS
    return not name.startswith(("_", "gi_", "cr_", "ag_", "tb_", "f_", "co_"))


class _Told(Exception):
    """A failure that the guest told in good order: it can be asked further."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def _strayed() -> Failure:
    return Failure("result", "the guest does not keep to the protocol")
