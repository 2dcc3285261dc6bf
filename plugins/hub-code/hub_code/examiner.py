"""Runs in the guest of the tests, never in that of the candidate: stand-ins for the answer's functions, and notes on every assert.

Executed there as source, needing nothing but the language. An object of the candidate is known here only as a stand-in of the
sandbox that passes everything on; what such an object says about its own equality, order or sums counts for nothing, because it
might say anything, and would learn the expected value by the way.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

Ask = Callable[[Any, list[Any], dict[str, Any]], tuple[str, Any, Any]]
"""Has the parent call something of the candidate: ``(kind, value, changed arguments)``."""
MUTABLE = (list, dict, set)


class Stop(BaseException):
    """The candidate is gone; no test code may hold this up."""


class Opaque(TypeError):
    """Something was asked of an object that only the candidate could answer."""


class Examiner:
    """What the instrumented program reports to."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.outcomes: dict[int, list[Any]] = {}
        """Assert -> how often it held, and what was the first time it did not."""
        self.opaque: list[str] = []
        """What was asked of objects in vain."""
        self.current = -1
        """The assert that runs."""
        self._calls = self._first = 0
        self._exceptions: dict[str, type[BaseException]] = {}
        self._stand_in: type = Examiner
        self._strict = True

    # --- calls -----------------------------------------------------------------------------------

    def function(self, name: str) -> Callable[..., Any]:
        """A stand-in for a function or class of the answer."""

        def stand_in(*arguments: Any, **keywords: Any) -> Any:
            return self.request(name, arguments, keywords)

        stand_in.__name__ = stand_in.__qualname__ = name
        return stand_in

    def request(self, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call it in the candidate's guest, and do to the arguments here what was done to their copies there."""
        self._calls += 1
        kind, value, after = self._ask(target, list(arguments), keywords)
        if kind == "stop":
            raise Stop
        if kind == "opaque":
            self._refuse(value)
        if kind == "raise":
            raise self._exception(*value)
        for argument, changed in zip(arguments, after or (), strict=False):
            if changed is not None:
                update(argument, changed[0])
        return value

    def define_exception(self, name: str, builtin: str) -> type[BaseException]:
        """A stand-in for an exception class of the answer, so that the tests can catch it."""
        self._exceptions[name] = made = type(name, (_builtin(builtin),), {})
        return made

    def _exception(self, name: str, builtin: str, values: tuple[Any, ...]) -> BaseException:
        kind = self._exceptions.get(name) or _builtin(builtin)
        try:
            error = kind(*values)
        except Exception:  # some builtin exceptions insist on their own arguments
            error = Exception(*values)
        error._candidate = name  # type: ignore[attr-defined]
        return error

    def _refuse(self, what: str) -> None:
        self.opaque.append(str(what)[:200])
        raise Opaque(str(what)[:200])

    # --- notes -----------------------------------------------------------------------------------

    def begin(self, number: int) -> None:
        """An assert begins: calls from here on are its own."""
        self.current, self._first = number, self._calls

    def note(self, number: int, operator: str, left: Any, right: Any, outcome: Any) -> None:
        """How it came out."""
        entry = self.outcomes.setdefault(number, [0, None])
        if self._strict and operator in ("true", "false") and type(left) is self._stand_in:
            self.opaque.append("bool")
        if outcome:
            entry[0] += 1
        elif entry[1] is None:
            entry[1] = ("differs", operator, self._words(left), self._words(right), self._first, self._calls)

    def failed(self, number: int, error: Exception) -> None:
        """It came to no outcome."""
        entry = self.outcomes.setdefault(number, [0, None])
        opaque = isinstance(error, Opaque) or type(error).__name__ in ("Incomparable", "Failure")
        if opaque:
            self.opaque.append(str(error)[:200])
        if entry[1] is None:
            kind = "opaque" if opaque else "raised" if hasattr(error, "_candidate") else "broke"
            name = getattr(error, "_candidate", type(error).__name__)
            entry[1] = (kind, str(name)[:100], str(error)[:300], "", self._first, self._calls)

    def _words(self, value: Any) -> str:
        if type(value) is self._stand_in:
            return "un objeto"
        if type(value).__name__ == "Replay":  # the sandbox's stand-in for an iterator
            return "un iterador"
        try:
            return repr(value)[:400]
        except Exception:  # the value may hold stand-ins, whose words are the candidate's
            return "un valor"

    # --- objects of the candidate ----------------------------------------------------------------

    def same(self, left: Any, right: Any) -> bool:
        """``left is right``: one object of the candidate may have two stand-ins."""
        if type(left) is self._stand_in and type(right) is self._stand_in:
            return hash(left) == hash(right)
        return left is right

    def type_of(self, *arguments: Any) -> Any:
        """``type``, for tests that ask an object of the candidate for its class."""
        if len(arguments) == 1 and type(arguments[0]) is self._stand_in:
            return self.request("type", arguments, {})
        return type(*arguments)

    def learn(self, sample: Any, strict: bool) -> None:
        """Make the stand-ins of the sandbox, of which ``sample`` is one, keep to themselves what they are told.

        ``strict``: a function is tested, so no object of its own making has a say in any operator at all; else a class is, whose
        operators may work among its own objects."""
        self._stand_in, self._strict = type(sample), strict
        kind: Any = type(sample)
        for name in OPERATORS:
            if hasattr(kind, name):
                setattr(kind, name, self._guarded(kind, name))
        for name in ("__lt__", "__le__", "__gt__", "__ge__"):
            setattr(kind, name, self._ordered(name))
        contains = kind.__contains__

        def __contains__(own: Any, item: Any) -> Any:
            return any(self.same(item, other) or item == other for other in own) if strict else contains(own, item)

        def __eq__(own: Any, other: Any) -> bool:
            if not self.same(own, other):
                self._refuse("==")
            return True

        kind.__contains__, kind.__eq__, kind.__ne__ = __contains__, __eq__, lambda own, other: not __eq__(own, other)
        kind.__call__ = lambda own, *arguments, **keywords: self.request(own, arguments, keywords)
        kind.__instancecheck__ = lambda own, value: type(value) is kind and bool(self.request("isinstance", (value, own), {}))

    def _guarded(self, kind: Any, name: str) -> Callable[..., Any]:
        original = getattr(kind, name)

        def method(own: Any, *others: Any) -> Any:
            if self._strict:
                self._refuse(name)
            found = original(own, *others)
            if any(type(other) is not kind for other in others) and type(found) is not kind:
                self._refuse(name)  # plain data that the object may have been told a moment ago
            return found

        return method

    def _ordered(self, name: str) -> Callable[..., bool]:
        def method(own: Any, other: Any) -> bool:
            if self._strict or type(other) is not self._stand_in:
                self._refuse(name)
            return bool(self.request(name, (own, other), {}))

        return method


OPERATORS = [
    f"__{side}{name}__"
    for name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift"]
    for side in ("", "r", "i")
]


def update(old: Any, new: Any) -> None:
    """Make ``old`` equal to ``new`` in place, inner lists included."""
    if isinstance(old, list):
        for place, value in enumerate(new):
            if place < len(old) and type(old[place]) is type(value) and isinstance(value, MUTABLE):
                update(old[place], value)
                new[place] = old[place]
        old[:] = new
    elif isinstance(old, dict):
        for key, value in new.items():
            if key in old and type(old[key]) is type(value) and isinstance(value, MUTABLE):
                update(old[key], value)
                new[key] = old[key]
        old.clear()
        old.update(new)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif hasattr(old, "extend") and hasattr(old, "clear"):  # a deque
        old.clear()
        old.extend(new)


def _builtin(name: str) -> type[BaseException]:
    found = getattr(builtins, name, Exception)
    return found if isinstance(found, type) and issubclass(found, BaseException) else Exception
