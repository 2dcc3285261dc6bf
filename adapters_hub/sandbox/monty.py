"""The tier for every system: Monty, an interpreter of a part of Python that has no files, no network and no processes to give.

Needs ``pip install "adapters-hub[sandbox]"``. What it lacks of the language is a Failure of kind ``unsupported``; other failures may
be its own fault too, so a failure here proves nothing against a program, while a right value does speak for it.

Values leave the interpreter as text in a little notation that is read without trust: Monty's own conversion would turn a range
into a string and a deque into a list, and would build sets and dicts of whatever keys it is given.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import re
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters_hub.sandbox import wire
from adapters_hub.sandbox.failure import Failure, builtin_exception
from adapters_hub.sandbox.guest import Guest
from adapters_hub.sandbox.limits import Limits
from adapters_hub.sandbox.wire import Encoder, Malformed, Unsendable

MOST_MEMORY = 128 << 20
MOST_PROCESSES = 64
"""Guests at the same time; further ones wait."""
WAIT_SECONDS = 30.0
MOST_CALLBACKS = 10_000
MOST_NAMES = 200
PREPARATION = """
from collections import Counter as _hub_counter, defaultdict as _hub_default, deque as _hub_deque
from decimal import Decimal as _hub_decimal
_hub_objects = []
_hub_letters = {list: 'l', tuple: 't', set: 'S', frozenset: 'Z', _hub_deque: 'q'}
_hub_mappings = {dict: 'd', _hub_counter: 'C', _hub_default: 'e'}

def _hub_text(value, depth=0):
    kind = type(value)
    if depth > 100:
        raise ValueError('_hub: nested too deep')
    if value is None:
        return 'N'
    if kind is bool:
        return 'T' if value else 'F'
    if kind is int:
        return f'i{value};'
    if kind is float:
        return f'f{value!r};'
    if kind is complex:
        return f'c{value.real!r},{value.imag!r};'
    if kind is str:
        return f's{len(value)}:{value}'
    if kind is bytes:
        text = value.hex()
        return f'b{len(text)}:{text}'
    if kind is range:
        text = repr(value)
        return f'r{len(text)}:{text}'
    if kind is _hub_decimal:
        text = str(value)
        return f'D{len(text)}:{text}'
    if kind in _hub_letters:
        return f'{_hub_letters[kind]}{len(value)}:' + ''.join([_hub_text(item, depth + 1) for item in value])
    if kind in _hub_mappings:
        parts = [_hub_text(key, depth + 1) + _hub_text(item, depth + 1) for key, item in value.items()]
        return f'{_hub_mappings[kind]}{len(parts)}:' + ''.join(parts)
    _hub_objects.append(value)
    return f'h{len(_hub_objects)},{_hub_name(kind)};'

def _hub_name(kind):
    return kind.__name__

def _hub_kind(value):
    name = _hub_name(type(value))
    return 'class' if name == 'type' else name
"""
TOP_LEVEL = re.compile(r"^(?:(?:async[ \t]+)?def[ \t]+|class[ \t]+)?([^\W\d]\w*)[ \t]*(?:\(|=(?!=)|:)", re.MULTILINE)
"""Names that a source may define at its top level, and a few that it does not."""
LACKING = (
    "does not yet support",
    "No module named",
    "cannot import name",
    "has no attribute",
    "is not defined",
    "not supported",
    "not implemented",
    "has no len()",
    "is not iterable",
    "is not subscriptable",
    "is not callable",
    "unsupported operand",
    "unexpected keyword argument",
)
"""How Monty words what it lacks of the language or of its library; an honest mistake may sound the same, so it counts as lacking."""
CONTAINERS = {"l": wire.LIST, "t": wire.TUPLE, "S": wire.SET, "Z": wire.FROZENSET}
MAPPINGS = {"d": wire.DICT, "C": wire.COUNTER}
NUMBER = re.compile(r"-?\d{1,5000}", re.ASCII)
REAL = re.compile(r"-?(?:inf|nan|\d{1,400}(?:\.\d{1,400})?(?:e[+-]?\d{1,4})?)", re.ASCII)
RANGE = re.compile(r"range\((-?\d{1,20}), (-?\d{1,20})(?:, (-?\d{1,20}))?\)", re.ASCII)


SURROGATE = re.compile("[\ud800-\udfff]")


class MontySandbox:
    """Starts guests as sessions of Monty, each in a worker process of its own."""

    tier = "monty"
    faithful = False

    def __init__(self) -> None:
        self.not_stopped = not_stopped()
        self._guard = threading.Lock()
        self._pool: Any = None

    def start(self, limits: Limits | None = None) -> Guest:
        """A fresh guest; from any thread. Raises Failure of kind ``died`` when there is none to be had."""
        limits = limits or Limits()
        module = monty()
        try:
            session = self._living().checkout(
                limits={
                    "max_memory": min(limits.memory, MOST_MEMORY),
                    "max_feed_duration_secs": limits.seconds,
                    "max_suspensions": MOST_CALLBACKS,
                    "max_recursion_depth": 1000,
                },
                assert_message_annotations=False,
                os_policy={"sleep": "zero"},
            )
            return Guest(MontyLine(module, session.__enter__(), limits), limits, self.tier)
        except (module.MontyError, OSError) as error:
            raise Failure("died", f"no guest could be started: {error}") from None

    def close(self) -> None:
        """End all workers; another ``start`` begins anew."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _living(self) -> Any:
        with self._guard:
            if self._pool is None:
                self._pool = (
                    monty()
                    .Monty(min_processes=1, max_processes=MOST_PROCESSES, checkout_timeout=WAIT_SECONDS, max_checkouts_per_worker=1)
                    .__enter__()
                )
            return self._pool


class MontyLine:
    """One session, spoken to as if it were a guest process: it takes the requests and gives the answers of ``guest_program``."""

    def __init__(self, module: Any, session: Any, limits: Limits) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self._monty, self._session, self._limits = module, session, limits
        self._feeds: list[str] = []
        """Name of the source of each feed, empty for our own."""
        self._candidates: dict[str, None] = {}
        self._number = 0
        self._waiting: Callable[[], Any] | None = None
        self._too_much = False
        self._closed = False
        self._feed(PREPARATION)

    def send(self, message: bytes, deadline: float) -> None:
        """Take a request, or the reply to a callback."""
        decoded = wire.decode(message, lambda foreign, number, name: _Lent(number, foreign))
        if decoded[0] == "ask":
            _, self._number, operation, payload = decoded
            self._waiting = functools.partial(self._perform, operation, payload)
        else:
            self._waiting = functools.partial(self._resume, decoded)

    def receive(self, most: int, deadline: float) -> bytes:
        """Do what was asked, until the answer or a callback; raises Failure."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            raise Failure("unsupported", "this interpreter cannot be asked while it waits for a callback")
        if time.monotonic() >= deadline:
            raise Failure("timeout", f"not finished within {self._limits.seconds:g} s")
        try:
            message = self._driven(waiting())
            if len(message) > most:
                raise Unsendable(f"larger than {self._limits.result_bytes} bytes")
            failure = None
        except Failure as found:
            failure = found
        except (Malformed, Unsendable) as error:
            failure = Failure("result", str(error))
        if self._too_much:
            raise Failure("output", f"printed more than {self._limits.output_bytes} bytes")
        if failure is None:
            return message
        if failure.kind in ("timeout", "died"):
            raise failure  # the session is of no further use
        told = (failure.kind, failure.message, failure.type_name, failure.builtin, failure.values, failure.line, failure.source)
        return wire.encode(("answer", self._number, "failure", told), 1 << 20)

    def kill(self) -> None:
        """Nothing to do: a program under way ends by its own clock."""

    def close(self) -> None:
        """Give the session back. Calling it twice is fine."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(self._monty.MontyError, RuntimeError):
                self._session.__exit__(None, None, None)

    # --- requests --------------------------------------------------------------------------------

    def _perform(self, operation: str, payload: tuple[Any, ...]) -> Any:
        """Start what is asked; gives the first snapshot."""
        if operation == "run":
            source, name = payload
            self._candidates.update(dict.fromkeys(TOP_LEVEL.findall(source)))
            return self._start(f"{source}\nNone", name)
        if operation == "evaluate":
            return self._start(f'_hub_value = (\n{payload[0].strip()}\n)\nf"{{_hub_text(_hub_value)}}"', "expression")
        if operation == "attribute":
            target, name = payload
            return self._start(f'f"{{_hub_text({_reference(target)}.{_identifier(name)})}}"')
        if operation == "bind":
            name = _identifier(payload[0])
            self._candidates.setdefault(name)
            body = f"return _hub_bound('{name}', _hub_text((arguments, keywords)))"
            return self._start(f"def {name}(*arguments, **keywords):\n    {body}\nNone")
        if operation == "names":
            found = {name: kind for name in [*self._candidates][:MOST_NAMES] if (kind := self._kind(name))}
            return wire.encode(found, 1 << 20)
        target, method, arguments, keywords = payload
        callee = _reference(target) if isinstance(target, _Lent) else _identifier(target)
        if method is not None:
            callee += "." + _identifier(method)
        inputs = {
            "_hub_arguments": [_plain(item) for item in arguments],
            "_hub_keywords": {name: _plain(item) for name, item in keywords.items()},
        }
        return self._start(f'f"{{_hub_text(({callee}(*_hub_arguments, **_hub_keywords), tuple(_hub_arguments)))}}"', inputs=inputs)

    def _kind(self, name: str) -> str:
        try:
            kind = self._feed(f'f"{{_hub_kind({name})}}"')
        except Failure:
            return ""
        return kind if type(kind) is str and len(kind) < 200 else ""

    def _feed(self, source: str) -> Any:
        """Run something of ours that calls nobody."""
        self._feeds.append("")
        with self._explained():
            return self._session.feed_run(source, print_callback=self._print)

    def _start(self, source: str, name: str = "", inputs: dict[str, Any] | None = None) -> Any:
        self._feeds.append(name)
        with self._explained():
            return self._session.feed_start(
                source, inputs=inputs, external_lookup={"_hub_bound": lambda *_: None}, print_callback=self._print
            )

    def _resume(self, reply: tuple[Any, ...]) -> Any:
        snapshot, outcome = self._snapshot, reply[2]
        result = {"return_value": _plain(reply[3])} if outcome == "value" else {"exception": builtin_exception(reply[3])(*reply[4])}
        with self._explained():
            return snapshot.resume(result)

    def _driven(self, snapshot: Any) -> bytes:
        """Carry a feed on to its end or to the next callback, and give the message for the parent."""
        if isinstance(snapshot, bytes):
            return self._answer(snapshot)
        while True:
            kind = type(snapshot).__name__
            if kind == "MontyComplete":
                text = snapshot.output
                if text is None:
                    return self._answer(bytes([wire.NONE]))
                if type(text) is not str:
                    raise Malformed("no text came back")
                return self._answer(_Notation(text, self._limits.integer_digits).read())
            with self._explained():
                if kind == "NameLookupSnapshot":
                    snapshot = snapshot.resume_auto()
                elif kind != "FunctionSnapshot":
                    raise Failure("unsupported", "coroutines cannot be run")
                elif snapshot.is_os_function:
                    snapshot = snapshot.resume_not_handled()
                elif snapshot.function_name == "_hub_bound":
                    self._snapshot = snapshot
                    return self._callback(*snapshot.args)
                else:
                    snapshot = snapshot.resume_auto()  # a name that nobody defined

    def _answer(self, value: bytes) -> bytes:
        head = Encoder(1 << 10)
        head.open_tuple(4)
        for part in ("answer", self._number, "value"):
            head.put(part)
        return bytes(head.buffer) + value

    def _callback(self, name: Any, text: Any) -> bytes:
        if type(name) is not str or type(text) is not str:
            raise Malformed("no text came")
        arguments = _Notation(text, self._limits.integer_digits).read()
        if arguments[:5] != bytes([wire.TUPLE]) + wire.LENGTH.pack(2):
            raise Malformed("no arguments came")
        head = Encoder(1 << 10)
        head.open_tuple(6)
        for part in ("callback", 1, "bound", name):
            head.put(part)
        return bytes(head.buffer) + arguments[5:]

    def _print(self, stream: str, text: str) -> None:
        kept = self.stdout if stream == "stdout" else self.stderr
        room = self._limits.output_bytes - len(self.stdout) - len(self.stderr)
        encoded = text.encode("utf-8", "replace")
        kept += encoded[:room]
        if len(encoded) > room:
            self._too_much = True
            raise RuntimeError("too much output")

    @contextlib.contextmanager
    def _explained(self) -> Any:
        """Turn what Monty raises into a Failure."""
        try:
            yield
        except self._monty.MontyCrashedError as error:
            raise Failure("timeout" if error.timed_out else "died", str(error)) from None
        except self._monty.MontyError as error:
            raise self._failure(error) from None
        except (TypeError, ValueError, OverflowError, RuntimeError, MemoryError) as error:  # a value that Monty cannot take or give
            raise Failure("unsupported", f"{type(error).__name__}: {error}") from None

    def _failure(self, error: Any) -> Failure:
        inner = error.exception()
        message, name = str(inner), type(inner).__name__
        line, source = self._place(error)
        if isinstance(inner, TimeoutError) and "time limit" in message:
            return Failure("timeout", f"not finished within {self._limits.seconds:g} s")
        if isinstance(inner, MemoryError):
            return Failure("memory", message)
        if isinstance(error, self._monty.MontySyntaxError):
            return Failure("syntax", message, type_name=name, line=line, source=source)
        if message.startswith("_hub:"):
            return Failure("result", message[6:])
        if isinstance(inner, PermissionError):
            return Failure("blocked", message, type_name=name, line=line, source=source)
        if isinstance(inner, NotImplementedError) or any(words in message for words in LACKING):
            return Failure("unsupported", message, type_name=name, line=line, source=source)
        ancestor = next((one for one in type(inner).__mro__ if vars(builtins).get(one.__name__) is one), Exception)
        values = tuple(value for value in inner.args if type(value) in (str, int, float, bool, type(None)))[:8]
        return Failure("raised", message, type_name=name, builtin=ancestor.__name__, values=values, line=line, source=source)

    def _place(self, error: Any) -> tuple[int | None, str]:
        frames = error.traceback() if hasattr(error, "traceback") else []
        for frame in reversed(frames):
            number = re.fullmatch(r"<python-input-(\d+)>", frame.filename)
            source = self._feeds[int(number[1])] if number and int(number[1]) < len(self._feeds) else ""
            if source and source != "expression":
                return frame.line, source
        return None, ""


class _Lent:
    """Stands for an object, of the session's own or of another guest, in a decoded request."""

    def __init__(self, number: int, foreign: bool) -> None:
        self.number, self.foreign = number, foreign


def _reference(target: Any) -> str:
    if not isinstance(target, _Lent) or target.foreign:
        raise Failure("unsupported", "an object of another guest cannot be used here")
    return f"_hub_objects[{target.number - 1}]"


def _identifier(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise Failure("raised", f"name {str(name)[:100]!r} is not defined", type_name="NameError", builtin="NameError")
    return name


def _plain(value: Any) -> Any:
    """``value`` if Monty takes it as what it is; raises Failure."""
    if type(value) in (type(None), bool, int, float, bytes, complex, Decimal) or (type(value) is str and not SURROGATE.search(value)):
        return value
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_plain(item) for item in value)
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    raise Failure("unsupported", f"a value of type {type(value).__name__} cannot be sent")


class _Notation:
    """Reads the text of ``_hub_text`` and writes what the parent's decoder reads, which checks all else."""

    def __init__(self, text: str, digits: int) -> None:
        self._text, self._position = text, 0
        self._out = Encoder(4 * len(text) + 1024, digits=digits)

    def read(self) -> bytes:
        try:
            self._value(0)
        except (Malformed, Unsendable):
            raise
        except (ValueError, ArithmeticError) as error:
            raise Malformed(f"{type(error).__name__}: {error}"[:200]) from None
        if self._position != len(self._text):
            raise Malformed("text after the end of the value")
        return bytes(self._out.buffer)

    def _value(self, depth: int) -> None:
        if depth > wire.MAX_DEPTH:
            raise Malformed("too deep")
        letter = self._text[self._position : self._position + 1]
        self._position += 1
        if letter in ("N", "T", "F"):
            self._out.put({"N": None, "T": True, "F": False}[letter])
        elif letter == "i":
            self._out.put(int(self._matched(NUMBER, self._until(";"))[0]))
        elif letter == "f":
            self._out.put(float(self._matched(REAL, self._until(";"))[0]))
        elif letter == "c":
            parts = [float(self._matched(REAL, self._until(end))[0]) for end in ",;"]
            self._out.put(complex(*parts))
        elif letter == "s":
            self._out.put(self._block())
        elif letter == "b":
            self._out.put(bytes.fromhex(self._block()))
        elif letter == "r":
            numbers = [int(number) for number in self._matched(RANGE, self._block()).groups() if number is not None]
            self._out.put(range(*numbers))
        elif letter == "D":
            self._out.put(Decimal(self._matched(wire.DECIMAL, self._block()[: 2 * wire.MAX_DIGITS])[0]))
        elif letter == "h":
            number, name = int(self._matched(NUMBER, self._until(","))[0]), self._until(";")
            if not 0 < number < 1 << 32:
                raise Malformed("no such object")
            self._out.buffer += bytes([wire.OWN]) + wire.LENGTH.pack(number)
            self._out._block(name.encode()[:200])
        else:
            self._container(letter, depth)

    def _container(self, letter: str, depth: int) -> None:
        count = self._length()
        buffer = self._out.buffer
        if letter in CONTAINERS:
            buffer.append(CONTAINERS[letter])
        elif letter == "q":
            buffer.append(wire.DEQUE)
            self._out._integer(-1)
        elif letter == "e":
            buffer.append(wire.DEFAULT)
            self._out._block(b"")
        elif letter in MAPPINGS:
            buffer.append(MAPPINGS[letter])
        else:
            raise Malformed("no such notation")
        buffer += wire.LENGTH.pack(count)
        for _ in range(count * (2 if letter in ("d", "C", "e") else 1)):
            self._value(depth + 1)

    def _length(self) -> int:
        count = int(self._matched(NUMBER, self._until(":"))[0])
        if not 0 <= count <= len(self._text) - self._position:
            raise Malformed("cut short")
        return count

    def _block(self) -> str:
        size = self._length()
        found = self._text[self._position : self._position + size]
        self._position += size
        return found

    def _until(self, end: str) -> str:
        found = self._text.find(end, self._position, self._position + 6000)
        if found < 0:
            raise Malformed("cut short")
        piece = self._text[self._position : found]
        self._position = found + 1
        return piece

    @staticmethod
    def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
        found = pattern.fullmatch(text)
        if found is None:
            raise Malformed("not the notation of a value")
        return found


def monty() -> Any:
    """The library; raises ImportError."""
    import pydantic_monty

    return pydantic_monty


def why_not() -> str:
    """Why this tier cannot work here at all, in one line; empty where it may."""
    try:
        monty()
    except ImportError as error:
        return "pydantic-monty is not installed" if error.name == "pydantic_monty" else f"pydantic-monty cannot be loaded: {error}"
    return ""


def not_stopped() -> tuple[str, ...]:
    """What this tier does not stop."""
    return (
        "using the processor until its limit, and so slowing others down",
        "measuring time, and so learning a little about other work on the machine",
        "mistakes in Monty itself, whose worker processes have all rights of this program",
        "falsifying its own answers: the results of a program are whatever that program says",
    )
