"""What runs in a guest: one namespace, and a loop that executes, calls and evaluates in it what the parent asks for.

Everything here shares an interpreter with code that nobody trusts, which may change all of it: so nothing here protects anything.
It merely serves honest programs well. What holds hostile ones is outside: the kernel's filters, and the parent's decoder.
"""

from __future__ import annotations

import builtins
import contextlib
import itertools
import linecache
import os
import signal
import struct
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters_hub.sandbox.failure import Failure, builtin_exception
from adapters_hub.sandbox.wire import FOREIGN, OPERATORS, OWN, UNFINISHED, Encoder, Iterated, Unsendable, decode

HEADER = struct.Struct("!I")
NAMESPACE = "answer"
"""``__name__`` of the executed code."""
MOST_OBJECTS = 10_000
REFUSALS = {"EPERM", "EACCES", "ENOSYS", "EDQUOT", "EFBIG", "EMFILE"}
"""Errors that the sandbox answers with; the system's own "no such file" and the like are the program's business."""
ITERABLES: tuple[Any, ...] = ([], (), {}, set(), "", "é", b"", bytearray(), range(0), range(1 << 70), {}.values(), {}.items())
VIEWS = tuple(map(type, ({}.keys(), {}.values(), {}.items())))
ITERATORS = (
    types.GeneratorType,
    *(type(iter(made)) for made in ITERABLES),
    *(map, filter, zip, enumerate, reversed, type(reversed([])), type(reversed({})), type(iter(int, 0))),
    *(value for value in vars(itertools).values() if isinstance(value, type)),
)
"""What is sent as the items that it gives."""


class Incomparable(TypeError):
    """An object that lives in another guest was compared: the answer would be that object's own word."""


class Abandoned(BaseException):
    """The line to the parent is gone."""


class Runtime:
    """The namespace, the objects the parent has handles of, and the line to it."""

    def __init__(self, receive: Callable[[], bytes], send: Callable[[bytes], None], settings: Mapping[str, Any]) -> None:
        """``receive`` waits for the next message and gives nothing at the end; ``send`` sends one."""
        self._receive, self._send = receive, send
        self._limit, self._digits = int(settings["result_bytes"]), int(settings["integer_digits"])
        self._seconds = float(settings["seconds"])
        self._started = time.monotonic()
        self.module = types.ModuleType(NAMESPACE)
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._methods: dict[tuple[int, int], types.MethodType] = {}
        self._callbacks = itertools.count(1)
        sys.modules[NAMESPACE] = self.module  # where dataclasses, enum and typing look names up

    def serve(self) -> None:
        """Answer until the line closes."""
        try:
            while True:
                self._answer(self._read())
        except Abandoned:
            pass

    # --- requests --------------------------------------------------------------------------------

    def _answer(self, message: tuple[Any, ...]) -> None:
        _, number, operation, payload = message
        operations: dict[str, Callable[..., None]] = {
            "run": self._run,
            "call": self._call,
            "evaluate": self._evaluate,
            "attribute": self._attribute,
            "names": self._names,
            "bind": self._bind,
        }
        perform = operations[operation]
        encoder = Encoder(self._limit + 64, self._opaque, self._iterate, self._digits)
        encoder.open_tuple(4)
        encoder.put("answer")
        encoder.put(number)
        start = encoder.mark()
        try:
            encoder.put("value")
            perform(encoder, *payload)
        except Abandoned:
            raise
        except BaseException as error:  # whatever the program raises, SystemExit too, is told to the parent
            encoder.rewind(start)
            encoder.put("failure")
            self._put_failure(encoder, error)
        self._write(encoder.buffer)

    def _run(self, encoder: Encoder, source: str, name: str) -> None:
        file = f"<{name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        try:
            code = compile(source, file, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:  # ValueError: a zero byte in the source
            raise _syntax(error, name) from None
        exec(code, vars(self.module))
        encoder.put(None)

    def _call(self, encoder: Encoder, target: Any, method: str | None, arguments: Any, keywords: Any) -> None:
        callee = self._lookup(target) if isinstance(target, str) else target
        if method is not None:
            callee = getattr(callee, method)
        arguments = list(arguments)
        value = callee(*arguments, **keywords)
        encoder.open_tuple(2)
        encoder.put(value)
        after = encoder.mark()
        try:
            encoder.put(tuple(arguments))
        except Unsendable:
            encoder.rewind(after)
            encoder.put(None)

    def _evaluate(self, encoder: Encoder, expression: str) -> None:
        try:
            code = compile(expression.strip(), "<expression>", "eval", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise _syntax(error, "expression") from None
        encoder.put(eval(code, vars(self.module)))

    def _attribute(self, encoder: Encoder, target: Any, name: str) -> None:
        value = getattr(target, name)
        if type(value) is types.MethodType:  # made anew each time it is asked for: always give the same
            known = self._methods.setdefault((id(value.__self__), id(value.__func__)), value)
            value = known if known.__self__ is value.__self__ and known.__func__ is value.__func__ else value
        encoder.put(value)

    def _names(self, encoder: Encoder) -> None:
        found = {name: _kind(value) for name, value in list(vars(self.module).items()) if type(name) is str and not _dunder(name)}
        encoder.put(found)

    def _bind(self, encoder: Encoder, name: str) -> None:
        def bound(*arguments: Any, **keywords: Any) -> Any:
            return self.ask("bound", name, arguments, keywords)

        bound.__name__ = bound.__qualname__ = name
        vars(self.module)[name] = bound
        encoder.put(None)

    def _lookup(self, name: str) -> Any:
        found = vars(self.module).get(name, self)
        if found is self:
            raise NameError(f"name {name!r} is not defined")
        return found

    # --- callbacks -------------------------------------------------------------------------------

    def ask(self, kind: str, target: Any, arguments: Any, keywords: Any) -> Any:
        """Have the parent do something, and meanwhile answer what it asks in turn."""
        number = next(self._callbacks)
        encoder = Encoder(self._limit + 64, self._opaque, self._iterate, self._digits)
        try:
            for part in ("callback", number, kind, target, tuple(arguments), dict(keywords)):
                if not encoder.buffer:
                    encoder.open_tuple(6)
                encoder.put(part)
        except Unsendable as error:
            raise Failure("result", f"an argument: {error}") from None
        self._write(encoder.buffer)
        while True:
            message = self._read()
            if message[0] == "ask":
                self._answer(message)
            elif message[1] == number:
                break
        outcome = message[2]
        if outcome == "value":
            return message[3]
        raise _exception(message[3], message[4])

    # --- values ----------------------------------------------------------------------------------

    def _opaque(self, value: Any) -> tuple[int, int, str]:
        if type(value) is Opaque:
            return FOREIGN, object.__getattribute__(value, "_number"), "object"
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._objects) >= MOST_OBJECTS:
                raise Unsendable("too many objects")
            number = len(self._objects) + 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        return OWN, number, type(value).__name__

    def _object(self, foreign: bool, number: int, name: str) -> Any:
        return Opaque(self, number, name) if foreign else self._objects[number]

    def _iterate(self, value: Any) -> Iterator[Any] | None:
        """Items of an iterator, as many as come in half the time that is left."""
        kind = type(value)
        if kind is Replay:
            return value.rest()  # type: ignore[no-any-return]
        if kind not in ITERATORS and kind not in VIEWS:
            return None
        return _taken(iter(value), max(0.05, (self._seconds - (time.monotonic() - self._started)) / 2))

    def _put_failure(self, encoder: Encoder, error: BaseException) -> None:
        failure = describe(error)
        start = encoder.mark()
        for values in (failure.values, ()):
            try:
                encoder.put((failure.kind, failure.message, failure.type_name, failure.builtin, values, failure.line, failure.source))
                return
            except Unsendable:
                encoder.rewind(start)

    # --- the line --------------------------------------------------------------------------------

    def _read(self) -> Any:
        message = self._receive()
        if not message:
            raise Abandoned
        return _replayed(decode(message, self._object))

    def _write(self, message: bytes | bytearray) -> None:
        for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
            with contextlib.suppress(BaseException):  # the program may have put anything there, or closed it
                stream.flush()  # type: ignore[union-attr]
        self._send(bytes(message))


class Replay:
    """What an iterator of another guest gave, to be iterated once more."""

    def __init__(self, items: Iterated) -> None:
        self._items, self._complete = iter(list(items)), items.complete

    def __iter__(self) -> Replay:
        return self

    def __next__(self) -> Any:
        for item in self._items:
            return item
        if self._complete:
            raise StopIteration
        raise Failure("result", "an iterator that goes on for longer than can be sent")

    def rest(self) -> Iterator[Any]:
        """What is left of it, for sending it on."""
        yield from self._items
        if not self._complete:
            yield UNFINISHED


class Opaque:
    """An object that lives in another guest. Its methods and operators run there; comparing it is refused."""

    __slots__ = ("_guest", "_name", "_number")

    def __init__(self, guest: Runtime, number: int, name: str) -> None:
        for slot, value in (("_guest", guest), ("_number", number), ("_name", name)):
            object.__setattr__(self, slot, value)

    def __getattr__(self, name: str) -> Any:
        return object.__getattribute__(self, "_guest").ask("attribute", self, (name,), {})

    def __setattr__(self, name: str, value: Any) -> None:
        _special("__setattr__")(self, name, value)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return object.__getattribute__(self, "_guest").ask("call", self, arguments, keywords)

    def __bool__(self) -> bool:
        try:
            return bool(_special("__bool__")(self))
        except AttributeError:
            pass
        try:
            return bool(_special("__len__")(self))
        except AttributeError:
            return True

    def __iter__(self) -> Iterator[Any]:
        return iter(_special("__iter__")(self))

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_number"))


def _special(name: str) -> Callable[..., Any]:
    def method(self: Opaque, *arguments: Any) -> Any:
        return object.__getattribute__(self, "_guest").ask("method", self, (name, *arguments), {})

    return method


def _incomparable(self: Opaque, other: Any) -> bool:
    raise Incomparable(f"an object of type {object.__getattribute__(self, '_name')} cannot be compared from outside")


for _operator in OPERATORS - {"__iter__", "__bool__"}:
    setattr(Opaque, _operator, _special(_operator))
for _operator in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Opaque, f"__{_operator}__", _incomparable)


def _replayed(value: Any) -> Any:
    """The message with its iterators made iterators again."""
    kind = type(value)
    if kind is Iterated:
        return Replay(Iterated.of(map(_replayed, value), value.complete))
    if kind is list:
        return [_replayed(item) for item in value] if any(type(item) in NESTING for item in value) else value
    if kind is tuple:
        return tuple(map(_replayed, value))
    if kind is dict:
        return {key: _replayed(item) for key, item in value.items()}
    return value


NESTING = (Iterated, list, tuple, dict)


class _TimeToStop(BaseException):
    pass


def _taken(iterator: Iterator[Any], seconds: float) -> Iterator[Any]:
    """Items until the time is up, even when it is up in the middle of one."""
    if not hasattr(signal, "setitimer"):
        yield from iterator
        return
    waiting = False

    def stop(*_: Any) -> None:
        if waiting:
            raise _TimeToStop

    until = time.monotonic() + seconds
    previous = signal.signal(signal.SIGALRM, stop)
    try:
        while True:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, until - time.monotonic()), 0.05)
            try:
                waiting = True
                item = next(iterator)
                waiting = False
            except StopIteration:
                return
            except _TimeToStop:
                yield UNFINISHED
                return
            finally:
                waiting = False
                signal.setitimer(signal.ITIMER_REAL, 0)
            yield item
            if time.monotonic() > until:
                yield UNFINISHED
                return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _exception(name: str, values: tuple[Any, ...]) -> BaseException:
    """An exception of the language, even one that wants other arguments."""
    kind = builtin_exception(name)
    try:
        return kind(*values)
    except Exception:  # UnicodeDecodeError and its like want five of certain types
        try:
            made = kind.__new__(kind)
        except Exception:  # groups of exceptions cannot be empty
            made = Exception()
        made.args = values
        return made


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return "class" if value.__module__ == NAMESPACE else "imported"
    if isinstance(value, types.FunctionType) or (callable(value) and hasattr(value, "__wrapped__")):
        return "function" if getattr(value, "__module__", NAMESPACE) == NAMESPACE else "imported"
    if isinstance(value, types.BuiltinFunctionType):
        return "imported"
    return type(value).__name__[:100]


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _syntax(error: Exception, source: str) -> Failure:
    message, line = getattr(error, "msg", None) or str(error), getattr(error, "lineno", None)
    return Failure("syntax", message, type_name=type(error).__name__, line=line, source=source)


def describe(error: BaseException) -> Failure:
    """An exception of the program as the parent is told it."""
    if isinstance(error, Failure):
        return error
    try:
        message = str(error)
    except BaseException:  # an exception of the program's own class may do anything when asked for its words
        message = ""
    kind = _failure_kind(error, message)
    ancestor = next((one for one in type(error).__mro__ if vars(builtins).get(one.__name__) is one), Exception)
    line, source = _place(error)
    values = error.args if type(error.args) is tuple else ()
    return Failure(
        kind,
        message,
        type_name=type(error).__name__,
        builtin=ancestor.__name__,
        values=tuple(value if type(value) in (str, int, float, bool, type(None)) else str(message) for value in values[:8]),
        line=line,
        source=source,
    )


def _failure_kind(error: BaseException, message: str) -> str:
    if isinstance(error, (Unsendable, Incomparable)):
        return "result"
    if isinstance(error, SystemExit):
        return "exit"
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError):
        name = __import__("errno").errorcode.get(error.errno or 0, "")
        return "blocked" if name in REFUSALS or type(error).__name__ == "gaierror" else "raised"
    if isinstance(error, ImportError):
        stdlib = (error.name or "").partition(".")[0] in sys.stdlib_module_names
        return "blocked" if stdlib and not message.startswith("cannot import name") else "raised"
    if isinstance(error, RuntimeError) and message.startswith("can't start new thread"):
        return "blocked"
    return "raised"


def _place(error: BaseException) -> tuple[int | None, str]:
    """Where in the executed sources the exception last was."""
    line, source = None, ""
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith("<") and file.endswith(">") and file in linecache.cache:
            line, source = step.tb_lineno, file[1:-1]
        step = step.tb_next
    return line, source


def prepare_interpreter() -> None:
    """What an ordinary start of Python would have done, and what a guest must not find."""
    import site

    os.environ.clear()
    for make in (site.setquit, site.setcopyright):
        make()
    sys.argv[:] = [""]
    sys.orig_argv[:] = [""]
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.partition(".")[0] == "adapters_hub"]:
        del sys.modules[name]
    vars(sys.modules["__main__"]).clear()


def serve_descriptor(line: int, settings: Mapping[str, Any]) -> None:
    """Serve on a descriptor that goes both ways."""
    send_all = sender(line)
    Runtime(receiver(line), lambda message: send_all(HEADER.pack(len(message)) + message), settings).serve()


def receiver(descriptor: int) -> Callable[[], bytes]:
    """Reads a message: its length, then itself; nothing at the end. What it needs of ``os`` it keeps, whatever happens there."""
    read = os.read

    def exactly(size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            piece = read(descriptor, min(size - len(received), 1 << 20))
            if not piece:
                return b""
            received += piece
        return bytes(received)

    def receive() -> bytes:
        header = exactly(HEADER.size)
        return exactly(HEADER.unpack(header)[0]) if header else b""

    return receive


def sender(descriptor: int) -> Callable[[bytes], None]:
    """Writes bytes, all of them."""
    write = os.write

    def send(content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[write(descriptor, rest) :]

    return send
