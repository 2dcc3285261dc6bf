"""Runs in the guest of the tests, never in that of the candidate: stand-ins for the answer's functions, and notes on every assert.

Executed there as source, needing nothing but the language. An object of the candidate is known here only as a stand-in of the
sandbox that passes everything on; what such an object says about its own equality, order or sums counts for nothing, because it
might say anything, and would learn the expected value by the way.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from hub_code.in_place import MUTABLE, copied, differs, nearly, update

Ask = Callable[[str, Any, list[Any], dict[str, Any]], tuple[Any, ...]]
"""Has the parent do something with the candidate; the first part of the answer says how it came out."""
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor"
OPERATORS = [f"__{side}{name}__" for name in BINARY.split() for side in ("", "r", "i")]
ORDERS = ("__lt__", "__le__", "__gt__", "__ge__")
OTHERS = "len next iter bool setitem delitem str repr format int float index abs neg pos invert enter exit setattr"
RELAYED = [f"__{name}__" for name in OTHERS.split()]
ENDINGS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions that the language itself takes for a plain end."""
UNUSED = 2
"""References to a container that nobody but the register holds: its own, and that of counting them."""


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
        self._doubtful = False
        self._classes: set[int] = set()
        """Stand-ins of classes of the answer, by hash ..."""
        self._tangled: list[tuple[Any, Any]] = []
        """Copies of containers that hold one object twice, as they are and as they were: a change here would be two there."""
        self._made: set[int] = set()
        """... and of the objects that calling one of them gave."""
        self._twice: set[int] = set()
        """Objects whose being equal to themselves proves nothing: classes, and what a class gave more than once."""
        self._changed: list[Any] = []
        """Containers of the tests that the candidate changed."""
        self._borrowed: dict[int, list[Any]] = {}
        """Number -> a container of the candidate as the tests hold it, and a copy of what is known over there."""

    # --- calls -----------------------------------------------------------------------------------

    def function(self, name: str) -> Callable[..., Any]:
        """A stand-in for a function or class of the answer."""

        def stand_in(*arguments: Any, **keywords: Any) -> Any:
            return self.request("name", name, arguments, keywords)

        stand_in.__name__ = stand_in.__qualname__ = name
        return stand_in

    def request(self, kind: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the candidate do it, and do to the objects here what was done to their copies there."""
        self.push()
        self._calls += kind in ("name", "call", "method")
        outcome, value, place, number, after = self._ask(kind, target, list(arguments), keywords)
        if outcome == "stop":
            raise Stop
        if outcome == "opaque":
            self._refuse(value)
        if outcome == "raise":
            error = self._exception(*value)
            if kind == "name" and isinstance(error, ENDINGS):
                self.opaque.append(f"raises {type(error).__name__}")  # "all(map(...))" of the tests would end there, and hold
            raise error
        for argument, changed in zip(arguments, after or ()):  # noqa: B905
            if changed is not None:
                update(argument, changed[0])
                self._changed.append(argument)
        if place >= 0:
            return arguments[place]
        if kind == "call" and type(target) is self._stand_in and hash(target) in self._classes and type(value) is self._stand_in:
            if hash(value) in self._made:
                self._twice.add(hash(value))
            self._made.add(hash(value))
        value = self._borrow(value, number)
        if outcome == "tangled":
            self._tangled.append((value, copied(value)))
        self.pull()
        return value

    def learn_class(self, stand_in: Any) -> Any:
        """A class of the answer: what it makes must be a new object each time, or being the same one says nothing."""
        self._classes.add(hash(stand_in))
        self._twice.add(hash(stand_in))
        return stand_in

    def _borrow(self, value: Any, number: int) -> Any:
        if number < 0:
            return value
        if number in self._borrowed:
            return self._borrowed[number][0]
        self._borrowed[number] = [value, copied(value)]
        return value

    def push(self) -> None:
        """Tell the candidate what the tests did to containers of its own; forget those that nobody holds any more."""
        for number in list(self._borrowed):
            entry = self._borrowed[number]
            if differs(entry[0], entry[1]):
                entry[1] = copied(entry[0])
                self._ask("push", None, [number, entry[0]], {})
            elif sys.getrefcount(entry[0]) <= UNUSED:
                del self._borrowed[number]

    def pull(self) -> None:
        """See what the candidate did to them."""
        if self._borrowed:
            numbers = list(self._borrowed)
            _, found, *_ = self._ask("pull", None, [numbers], {})
            for number, content in zip(numbers, found or ()):  # noqa: B905
                entry = self._borrowed[number]
                if content is not None and differs(entry[1], content):
                    update(entry[0], content)
                    entry[1] = copied(entry[0])

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

    def shared(self, values: Callable[[], tuple[Any, ...]]) -> None:
        """What both sides of a comparison that comes next are made of: not to be trusted once the candidate changed it.

        ``assert f(xs) == sorted(xs)`` holds when ``f`` empties its list and returns an empty one."""
        if self._changed:
            found = values()
            if any(value is changed for value in found for changed in self._changed):
                self._doubtful = True

    def note(self, number: int, operator: str, left: Any, right: Any, outcome: Any) -> None:
        """How it came out."""
        entry = self.outcomes.setdefault(number, [0, None])
        doubtful, self._doubtful = self._doubtful, False
        if any(differs(now, then) for now, then in self._tangled):
            self.opaque.append("changed an object that stands in two places")
            self._tangled.clear()
        if outcome and doubtful:
            self.opaque.append("changed what it is compared with")
        if self._strict and operator in ("true", "false") and type(left) is self._stand_in:
            self.opaque.append("bool")
        if outcome:
            entry[0] += 1
        elif entry[1] is None:
            if operator == "==" and nearly(left, right):
                operator = "nearly"
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
        """``left is right``: one object of the candidate may have two stand-ins, and of an equal container nobody knows."""
        if type(left) is self._stand_in and type(right) is self._stand_in:
            return hash(left) == hash(right)
        if left is not right and isinstance(left, MUTABLE) and not differs(left, right):
            self._refuse("is")
        return left is right

    def type_of(self, *arguments: Any) -> Any:
        """``type``, for tests that ask an object of the candidate for its class."""
        if len(arguments) == 1 and type(arguments[0]) is self._stand_in:
            return self.request("name", "type", arguments, {})
        return type(*arguments)

    def learn(self, sample: Any, strict: bool) -> None:
        """Make the stand-ins of the sandbox, of which ``sample`` is one, keep to themselves what they are told.

        ``strict``: a function is tested, so no object of its own making has a say in any operator at all; else a class is, whose
        operators may work among its own objects."""
        kind: Any = type(sample)
        self._stand_in, self._strict = kind, strict
        for names, wrap in ((OPERATORS, self._guarded), (RELAYED, self._synchronized)):
            for name in names:
                if hasattr(kind, name):
                    setattr(kind, name, wrap(kind, name))
        for name in ORDERS:
            setattr(kind, name, self._ordered(name))
        contains = self._synchronized(kind, "__contains__")

        def __contains__(own: Any, item: Any) -> Any:
            return any(self.same(item, other) or item == other for other in own) if strict else contains(own, item)

        def __eq__(own: Any, other: Any) -> bool:
            if type(other) is not kind or hash(own) != hash(other) or (not strict and hash(own) in self._twice):
                self._refuse("==")
            return True

        kind.__contains__, kind.__eq__, kind.__ne__ = __contains__, __eq__, lambda own, other: not __eq__(own, other)
        kind.__call__ = lambda own, *arguments, **keywords: self.request("call", own, arguments, keywords)
        kind.__getattr__ = lambda own, name: self.request("attribute", own, (name,), {})
        kind.__getitem__ = lambda own, key: self.request("item", own, (key,), {})
        kind.__instancecheck__ = lambda own, value: type(value) is kind and bool(self.request("name", "isinstance", (value, own), {}))

    def _guarded(self, kind: Any, name: str) -> Callable[..., Any]:
        original = self._synchronized(kind, name)

        def method(own: Any, *others: Any) -> Any:
            if self._strict:
                self._refuse(name)
            found = original(own, *others)
            if any(type(other) is not kind for other in others) and type(found) is not kind:
                self._refuse(name)  # plain data that the object may have been told a moment ago
            return found

        return method

    def _synchronized(self, kind: Any, name: str) -> Callable[..., Any]:
        """The sandbox's own relay, with containers told of what happened to them before and after."""
        original = getattr(kind, name)

        def method(own: Any, *others: Any) -> Any:
            self.push()
            found = original(own, *others)
            self.pull()
            return found

        return method

    def _ordered(self, name: str) -> Callable[..., bool]:
        def method(own: Any, other: Any) -> bool:
            if self._strict or type(other) is not self._stand_in:
                self._refuse(name)
            return bool(self.request("method", own, (name, other), {}))

        return method


def _builtin(name: str) -> type[BaseException]:
    found = getattr(builtins, name, Exception)
    return found if isinstance(found, type) and issubclass(found, BaseException) else Exception
