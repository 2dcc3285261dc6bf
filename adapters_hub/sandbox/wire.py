"""How plain values travel between a guest and its parent: exact types, a few bytes each, decoded without trust.

A value is one byte that names its type and then its content; lengths are checked before anything is built, and what decoding
may cost in memory, depth and time is bounded, because a hostile guest can write anything. Knows nothing of pipes or processes.
"""

from __future__ import annotations

import array
import re
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_DEPTH = 100
MAX_NODES = 100_000
"""Values within one message; long lists of small integers or of floats count as one."""
MAX_MEMORY = 256 << 20
"""Bytes that decoding one message may take, by a generous estimate."""
MAX_COLLISIONS = 64
"""Keys of one set or dict with the same hash; more would make building it slow."""
MAX_DIGITS = 4300
"""Decimal digits of one number: more than that Python itself refuses to print."""
MAX_EXPONENT = 100_000
MAX_ITEMS = 10_000
"""Items taken from an iterator."""

RELAYED = "bool len iter next contains getitem setitem delitem str repr format int float index abs neg pos invert enter exit"
ARITHMETIC = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
OPERATORS = frozenset(
    f"__{name}__" for name in (*RELAYED.split(), *(side + name for side in ("", "r", "i") for name in ARITHMETIC.split()))
)
"""What may be done with an object of another guest besides calling it and taking its attributes. No comparisons."""

LENGTH = struct.Struct("!I")
FLOAT = struct.Struct("!d")
COMPLEX = struct.Struct("!dd")
FACTORIES: dict[str, Callable[[], Any]] = {kind.__name__: kind for kind in (int, float, str, bool, list, tuple, set, dict)}
DECIMAL = re.compile(r"-?(?:s?NaN\d*|Infinity|\d+(?:\.\d+)?(?:E[+-]?\d+)?)", re.ASCII)

NONE, TRUE, FALSE, INTEGER, REAL, COMPLEX_NUMBER, TEXT, BYTES, BYTEARRAY, LIST, TUPLE, SET, FROZENSET = b"NTFifcsbBltSZ"
DICT, ORDERED, RANGE, FRACTION, DECIMAL_NUMBER, DEQUE, COUNTER, DEFAULT, ITERATED, OWN, FOREIGN = b"dOrQDqCeIhH"
INTEGERS, REALS = b"LG"
"""A list of integers of 64 bits, a list of floats: packed, since both are frequent and long."""


class Unsendable(ValueError):
    """A value that cannot travel: too deep, too large, or of no plain type where only those go."""


class Malformed(ValueError):
    """Bytes that no encoder wrote, or more than the receiver accepts."""


class Iterated(list):  # type: ignore[type-arg]
    """What an iterator gave, as a list; ``complete`` tells whether that was all of it."""

    complete: bool = True

    @classmethod
    def of(cls, items: Iterable[Any], complete: bool) -> Iterated:
        made = cls(items)
        made.complete = complete
        return made


class Encoder:
    """Collects the bytes of one message.

    ``opaque`` turns an object of no plain type into ``(OWN or FOREIGN, number, type name)``; ``iterate`` says whether an object
    is an iterator, and gives its items and, at the end, whether it was exhausted."""

    def __init__(
        self,
        limit: int,
        opaque: Callable[[Any], tuple[int, int, str]] | None = None,
        iterate: Callable[[Any], Iterator[Any] | None] | None = None,
        digits: int = 0,
    ) -> None:
        self.buffer = bytearray()
        self.limit = limit
        self.bits = bits_of(digits)
        self.nodes = MAX_NODES
        self._opaque, self._iterate = opaque, iterate

    def open_tuple(self, count: int) -> None:
        """Begin a tuple whose ``count`` items are put next."""
        self.buffer.append(TUPLE)
        self.buffer += LENGTH.pack(count)

    def mark(self) -> tuple[int, int]:
        """Where the message has got to, for ``rewind``."""
        return len(self.buffer), self.nodes

    def rewind(self, mark: tuple[int, int]) -> None:
        """Forget what was put after ``mark``."""
        del self.buffer[mark[0] :]
        self.nodes = mark[1]

    def put(self, value: Any, depth: int = 0) -> None:
        """Append ``value``; raises Unsendable, the buffer then holds a part of it."""
        if depth > MAX_DEPTH:
            raise Unsendable(f"nested more than {MAX_DEPTH} deep")
        self.nodes -= 1
        if self.nodes < 0:
            raise Unsendable(f"more than {MAX_NODES} values")
        if len(self.buffer) > self.limit:
            raise Unsendable(f"larger than {self.limit} bytes")
        write = WRITERS.get(type(value))
        if write is not None:
            write(self, value, depth)
        else:
            self._put_other(value, depth)
        if len(self.buffer) > self.limit:
            raise Unsendable(f"larger than {self.limit} bytes")

    def _put_other(self, value: Any, depth: int) -> None:
        items = self._iterate(value) if self._iterate is not None else None
        if items is not None:
            self._put_iterated(items, depth)
            return
        if self._opaque is None:
            raise Unsendable(f"an object of type {type(value).__name__}")
        tag, number, name = self._opaque(value)
        self.buffer.append(tag)
        self.buffer += LENGTH.pack(number)
        self._block(name.encode("utf-8", "backslashreplace")[:200])

    def _put_iterated(self, items: Iterator[Any], depth: int) -> None:
        start = len(self.buffer)
        self.buffer += bytes([ITERATED, 0]) + LENGTH.pack(0)
        room = self.limit - (self.limit - start) // 2
        count, complete = 0, True
        for item in items:
            before = self.mark()
            if item is UNFINISHED or before[0] > room or count >= MAX_ITEMS:
                complete = False
                break
            try:
                self.put(item, depth + 1)
            except Unsendable:
                self.rewind(before)
                complete = False
                break
            count += 1
        self.buffer[start : start + 6] = bytes([ITERATED, complete]) + LENGTH.pack(count)

    def _block(self, content: bytes | bytearray) -> None:
        if len(content) > self.limit:
            raise Unsendable(f"larger than {self.limit} bytes")
        self.buffer += LENGTH.pack(len(content))
        self.buffer += content

    def _integer(self, value: int) -> None:
        bits = value.bit_length()
        if self.bits and bits > self.bits:
            raise Unsendable("an integer of too many digits")
        size = bits // 8 + 1
        if size > self.limit:
            raise Unsendable(f"larger than {self.limit} bytes")
        self.buffer += bytes([INTEGER, size]) if size < 255 else bytes([INTEGER, 255]) + LENGTH.pack(size)
        self.buffer += value.to_bytes(size, "big", signed=True)


def bits_of(digits: int) -> int:
    """How many bits any number of at most so many decimal digits has, rounded down; 0 stays 0."""
    return digits * 3_321_928 // 1_000_000


UNFINISHED = object()
"""What an ``iterate`` gives last when it stops before the iterator does."""


def encode(value: Any, limit: int, opaque: Callable[[Any], tuple[int, int, str]] | None = None) -> bytes:
    """The bytes of one value, ``limit`` of them at most; raises Unsendable."""
    encoder = Encoder(limit, opaque)
    encoder.put(value)
    return bytes(encoder.buffer)


def _constant(tag: int) -> Callable[[Encoder, Any, int], None]:
    return lambda encoder, value, depth: encoder.buffer.append(tag)


def _write_float(encoder: Encoder, value: float, depth: int) -> None:
    encoder.buffer.append(REAL)
    encoder.buffer += FLOAT.pack(value)


def _write_complex(encoder: Encoder, value: complex, depth: int) -> None:
    encoder.buffer.append(COMPLEX_NUMBER)
    encoder.buffer += COMPLEX.pack(value.real, value.imag)


def _write_text(encoder: Encoder, value: str, depth: int) -> None:
    if len(value) > encoder.limit:
        raise Unsendable(f"larger than {encoder.limit} bytes")
    encoder.buffer.append(TEXT)
    encoder._block(value.encode("utf-8", "surrogatepass"))


def _write_bytes(tag: int) -> Callable[[Encoder, Any, int], None]:
    def write(encoder: Encoder, value: bytes | bytearray, depth: int) -> None:
        encoder.buffer.append(tag)
        encoder._block(value)

    return write


def _write_items(tag: int) -> Callable[[Encoder, Any, int], None]:
    def write(encoder: Encoder, value: Any, depth: int) -> None:
        encoder.buffer.append(tag)
        encoder.buffer += LENGTH.pack(len(value))
        for item in value:
            encoder.put(item, depth + 1)

    return write


def _write_list(encoder: Encoder, value: list[Any], depth: int) -> None:
    kinds = set(map(type, value)) if len(value) > 16 else ()
    if kinds == {int}:
        try:
            packed = array.array("q", value)
        except OverflowError:
            pass
        else:
            _write_packed(encoder, INTEGERS, packed)
            return
    elif kinds == {float}:
        _write_packed(encoder, REALS, array.array("d", value))
        return
    _write_items(LIST)(encoder, value, depth)


def _write_packed(encoder: Encoder, tag: int, packed: array.array[Any]) -> None:
    if len(packed) * packed.itemsize > encoder.limit:
        raise Unsendable(f"larger than {encoder.limit} bytes")
    encoder.buffer.append(tag)
    encoder._block(packed.tobytes())


def _write_mapping(tag: int) -> Callable[[Encoder, Any, int], None]:
    def write(encoder: Encoder, value: Any, depth: int) -> None:
        encoder.buffer.append(tag)
        if tag == DEFAULT:
            factory = next((name for name, kind in FACTORIES.items() if value.default_factory is kind), "")
            encoder._block(factory.encode())
        encoder.buffer += LENGTH.pack(len(value))
        for key, item in value.items():
            encoder.put(key, depth + 1)
            encoder.put(item, depth + 1)

    return write


def _write_range(encoder: Encoder, value: range, depth: int) -> None:
    encoder.buffer.append(RANGE)
    for number in (value.start, value.stop, value.step):
        encoder._integer(number)


def _write_fraction(encoder: Encoder, value: Fraction, depth: int) -> None:
    encoder.buffer.append(FRACTION)
    for number in (value.numerator, value.denominator):
        encoder._integer(number)


def _write_decimal(encoder: Encoder, value: Decimal, depth: int) -> None:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and (abs(exponent) > MAX_EXPONENT or len(value.as_tuple().digits) > MAX_DIGITS):
        raise Unsendable("a decimal number of too many digits")
    encoder.buffer.append(DECIMAL_NUMBER)
    encoder._block(str(value).encode())


def _write_deque(encoder: Encoder, value: deque[Any], depth: int) -> None:
    encoder.buffer.append(DEQUE)
    encoder._integer(-1 if value.maxlen is None else value.maxlen)
    encoder.buffer += LENGTH.pack(len(value))
    for item in value:
        encoder.put(item, depth + 1)


def _write_iterated(encoder: Encoder, value: Iterated, depth: int) -> None:
    encoder.buffer += bytes([ITERATED, value.complete]) + LENGTH.pack(len(value))
    for item in value:
        encoder.put(item, depth + 1)


WRITERS: dict[type, Callable[[Encoder, Any, int], None]] = {
    type(None): _constant(NONE),
    bool: lambda encoder, value, depth: encoder.buffer.append(TRUE if value else FALSE),
    int: lambda encoder, value, depth: encoder._integer(value),
    float: _write_float,
    complex: _write_complex,
    str: _write_text,
    bytes: _write_bytes(BYTES),
    bytearray: _write_bytes(BYTEARRAY),
    list: _write_list,
    tuple: _write_items(TUPLE),
    set: _write_items(SET),
    frozenset: _write_items(FROZENSET),
    dict: _write_mapping(DICT),
    OrderedDict: _write_mapping(ORDERED),
    Counter: _write_mapping(COUNTER),
    defaultdict: _write_mapping(DEFAULT),
    range: _write_range,
    Fraction: _write_fraction,
    Decimal: _write_decimal,
    deque: _write_deque,
    Iterated: _write_iterated,
}


def decode(data: bytes, opaque: Callable[[bool, int, str], Any] | None = None, digits: int = 0) -> Any:
    """The one value in ``data``. ``opaque(is_foreign, number, type_name)`` stands for an object; None: there must be none.

    Raises Malformed for anything else than what an encoder writes, and for integers of more than ``digits`` (0: any)."""
    decoder = Decoder(data, opaque, digits)
    try:
        value = decoder.take(0)
    except Malformed:
        raise
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, struct.error, MemoryError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}"[:200]) from None
    if decoder.position != len(data):
        raise Malformed("bytes after the end of the value")
    return value


class Decoder:
    """Reads one value; every length is compared with what is left before anything is made."""

    def __init__(self, data: bytes, opaque: Callable[[bool, int, str], Any] | None, digits: int) -> None:
        self.data, self.position = data, 0
        self.nodes, self.memory = MAX_NODES, MAX_MEMORY
        self.bits = bits_of(digits)
        self._opaque = opaque

    def take(self, depth: int) -> Any:
        """The value at the position."""
        self.nodes -= 1
        if self.nodes < 0 or depth > MAX_DEPTH + 2:
            raise Malformed("too many values or too deep")
        tag = self._raw(1)[0]
        read = READERS.get(tag)
        if read is None:
            raise Malformed(f"no such type: {tag}")
        return read(self, depth)

    def _raw(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise Malformed("cut short")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def _length(self) -> int:
        return int(LENGTH.unpack(self._raw(4))[0])

    def _spend(self, size: int) -> None:
        self.memory -= size
        if self.memory < 0:
            raise Malformed("takes too much memory")

    def _count(self, cost: int) -> int:
        """The number of items of a container: each takes a byte at least."""
        count = self._length()
        if count > len(self.data) - self.position:
            raise Malformed("cut short")
        self._spend(cost + 64 * count)
        return count

    def _block(self, factor: int = 1) -> bytes:
        size = self._length()
        self._spend(size * factor)
        return self._raw(size)

    def integer(self) -> int:
        """An integer, without its tag."""
        size = self._raw(1)[0]
        if size == 255:
            size = self._length()
        value = int.from_bytes(self._raw(size), "big", signed=True)
        if self.bits and value.bit_length() > self.bits:
            raise Malformed("an integer of too many digits")
        return value

    def tagged_integer(self) -> int:
        if self._raw(1)[0] != INTEGER:
            raise Malformed("an integer was expected")
        return self.integer()

    def items(self, depth: int, cost: int) -> list[Any]:
        return [self.take(depth + 1) for _ in range(self._count(cost))]

    def unique(self, depth: int, cost: int) -> list[Any]:
        """Items fit for a set."""
        found = self.items(depth, cost)
        refuse_collisions(found)
        return found

    def pairs(self, depth: int, cost: int) -> list[tuple[Any, Any]]:
        count = self._count(cost)
        found = [(self.take(depth + 1), self.take(depth + 1)) for _ in range(count)]
        refuse_collisions([key for key, _ in found])
        return found

    def text(self) -> str:
        return self._block(4).decode("utf-8", "surrogatepass")

    def read_set(self, depth: int) -> set[Any]:
        found = self.unique(depth, 220)
        made = set(found)
        if len(made) != len(found):
            raise Malformed("an element twice in a set")
        return made

    def read_mapping(self, depth: int, make: Callable[[], Any]) -> Any:
        found = self.pairs(depth, 240)
        made = make()
        for key, item in found:
            made[key] = item
        if len(made) != len(found):
            raise Malformed("a key twice in a dict")
        return made

    def read_default(self, depth: int) -> defaultdict[Any, Any]:
        name = self._block().decode("ascii")
        factory = FACTORIES[name] if name else None
        return self.read_mapping(depth, lambda: defaultdict(factory))  # type: ignore[no-any-return]

    def read_range(self, depth: int) -> range:
        start, stop, step = (self.tagged_integer() for _ in range(3))
        return range(start, stop, step)

    def read_fraction(self, depth: int) -> Fraction:
        numerator, denominator = self.tagged_integer(), self.tagged_integer()
        if denominator <= 0:
            raise Malformed("a fraction needs a positive denominator")
        if max(numerator.bit_length(), denominator.bit_length()) > 1 << 16:
            raise Malformed("a fraction of too many digits")  # bringing it to lowest terms takes quadratic time
        self._spend(200)
        return Fraction(numerator, denominator)

    def read_decimal(self, depth: int) -> Decimal:
        text = self._block().decode("ascii")
        if len(text) > 2 * MAX_DIGITS or not DECIMAL.fullmatch(text):
            raise Malformed("not a decimal number")
        made = Decimal(text)
        if made.is_finite() and abs(int(made.as_tuple().exponent)) > MAX_EXPONENT + 2 * MAX_DIGITS:
            raise Malformed("a decimal number of too many digits")
        self._spend(200)
        return made

    def read_deque(self, depth: int) -> deque[Any]:
        longest = self.tagged_integer()
        found = self.items(depth, 800)
        if longest >= 0 and len(found) > longest:
            raise Malformed("a deque longer than it may be")
        return deque(found, None if longest < 0 else longest)

    def read_packed(self, code: str) -> list[Any]:
        packed = array.array(code)
        packed.frombytes(self._block(8))
        return packed.tolist()

    def read_iterated(self, depth: int) -> Iterated:
        complete = bool(self._raw(1)[0])
        return Iterated.of(self.items(depth, 100), complete)

    def read_opaque(self, foreign: bool) -> Any:
        number, name = self._length(), self._block().decode("utf-8")
        if self._opaque is None:
            raise Malformed("no object may be here")
        self._spend(300)
        return self._opaque(foreign, number, name)


READERS: dict[int, Callable[[Decoder, int], Any]] = {
    NONE: lambda decoder, depth: None,
    TRUE: lambda decoder, depth: True,
    FALSE: lambda decoder, depth: False,
    INTEGER: lambda decoder, depth: decoder.integer(),
    REAL: lambda decoder, depth: FLOAT.unpack(decoder._raw(8))[0],
    COMPLEX_NUMBER: lambda decoder, depth: complex(*COMPLEX.unpack(decoder._raw(16))),
    TEXT: lambda decoder, depth: decoder.text(),
    BYTES: lambda decoder, depth: bytes(decoder._block()),
    BYTEARRAY: lambda decoder, depth: bytearray(decoder._block()),
    LIST: lambda decoder, depth: decoder.items(depth, 64),
    TUPLE: lambda decoder, depth: tuple(decoder.items(depth, 64)),
    SET: Decoder.read_set,
    FROZENSET: lambda decoder, depth: frozenset(decoder.read_set(depth)),
    DICT: lambda decoder, depth: decoder.read_mapping(depth, dict),
    ORDERED: lambda decoder, depth: decoder.read_mapping(depth, OrderedDict),
    COUNTER: lambda decoder, depth: decoder.read_mapping(depth, Counter),
    DEFAULT: Decoder.read_default,
    RANGE: Decoder.read_range,
    FRACTION: Decoder.read_fraction,
    DECIMAL_NUMBER: Decoder.read_decimal,
    DEQUE: Decoder.read_deque,
    INTEGERS: lambda decoder, depth: decoder.read_packed("q"),
    REALS: lambda decoder, depth: decoder.read_packed("d"),
    ITERATED: Decoder.read_iterated,
    OWN: lambda decoder, depth: decoder.read_opaque(False),
    FOREIGN: lambda decoder, depth: decoder.read_opaque(True),
}


def refuse_collisions(keys: list[Any]) -> None:
    """A set or dict of keys that all hash alike takes quadratic time to build: refuse it."""
    if len(keys) <= MAX_COLLISIONS:
        return
    hashes = Counter(map(hash, keys))
    if hashes.most_common(1)[0][1] > MAX_COLLISIONS:
        raise Malformed("too many keys with the same hash")
