"""Values travel exactly, and bytes from a hostile sender are refused quickly and in order."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import time
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters_hub.sandbox import wire
from adapters_hub.sandbox.wire import Encoder, Iterated, Malformed, Unsendable, decode, encode

LIMIT = 1 << 20
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**300), 10**300),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.text(st.characters(min_codepoint=0xD700, max_codepoint=0xE100, categories=["Cs", "Lo", "Co"])),
    st.binary(),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.builds(range, st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30), st.integers(1, 10**20)),
)
KEYS = st.recursive(SCALARS, lambda inner: st.one_of(st.tuples(inner), st.frozensets(inner, max_size=3)), max_leaves=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.lists(inner).map(deque),
        st.lists(inner, max_size=3).map(lambda items: deque(items, 5)),
        st.sets(KEYS, max_size=5),
        st.frozensets(KEYS, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5).map(OrderedDict),
        st.dictionaries(KEYS, inner, max_size=3).map(lambda made: defaultdict(list, made)),
        st.dictionaries(KEYS, st.integers(), max_size=5).map(Counter),
        st.binary().map(bytearray),
        st.lists(inner, max_size=5).map(lambda items: Iterated.of(items, False)),
    ),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Equal, with the same exact types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("!d", one) == struct.pack("!d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, defaultdict) and one.default_factory is not other.default_factory:
        return False
    if isinstance(one, Iterated) and one.complete != other.complete:
        return False
    if isinstance(one, deque) and one.maxlen != other.maxlen:
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(same(x, y) for x, y in zip(one.items(), other.items(), strict=True))
    if isinstance(one, (set, frozenset)):
        return bool(one == other) and sorted(map(str, map(type, one))) == sorted(map(str, map(type, other)))
    if isinstance(one, (list, tuple, deque)):
        return len(one) == len(other) and all(same(x, y) for x, y in zip(one, other, strict=True))
    if isinstance(one, Decimal):
        return one.as_tuple() == other.as_tuple()
    return bool(one == other)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_plain_values_come_back_as_they_went(value: Any) -> None:
    assert same(decode(encode(value, LIMIT)), value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        -0.0,
        math.inf,
        complex(math.nan, -0.0),
        [1, True, 1.0],
        [True] * 20,
        [1] * 1000,
        [1.5, math.nan] * 50,
        [2**63] * 20,
        [-(2**63), 2**63 - 1] * 20,
        {1: "a", 2.5: "b"},
        {math.nan: 1},
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1.500"),
        Decimal("-0"),
        Fraction(-3, 7),
        deque([1, 2], 2),
        Counter(a=0, b=-1),
        defaultdict(None, {1: 2}),
        range(10, 0, -3),
        10**4000,
        -(10**4000),
        "\ud800",
        Iterated.of([1], True),
    ],
    ids=lambda value: repr(value)[:30].encode("ascii", "replace").decode(),
)
def test_odd_plain_values_come_back_too(value: Any) -> None:
    found = decode(encode(value, LIMIT))
    if type(value) in (dict, Decimal):
        assert repr(found) == repr(value)
    else:
        assert same(found, value)


class Cinco(int):
    pass


@pytest.mark.parametrize("value", [Cinco(5), object(), len, int, Cinco, [object()], {"a": print}, iter([])])
def test_what_is_not_plain_is_refused_where_only_plain_values_go(value: Any) -> None:
    with pytest.raises(Unsendable):
        encode(value, LIMIT)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
DOUBLED: Any = []
for _ in range(90):
    DOUBLED = [DOUBLED, DOUBLED]


@pytest.mark.parametrize(
    "value",
    [
        nested(200),
        CYCLE,
        DOUBLED,
        "x" * (LIMIT + 1),
        b"x" * (LIMIT + 1),
        1 << (8 * LIMIT + 8),
        [None] * 200_000,
        ["x" * 1000] * 2000,
        Decimal("1e999999"),
    ],
    ids=["deep", "cycle", "doubled", "text", "bytes", "integer", "many", "large", "decimal"],
)
def test_what_is_too_large_or_too_deep_is_refused_quickly(value: Any) -> None:
    started = time.process_time()
    with pytest.raises(Unsendable):
        encode(value, LIMIT)
    assert time.process_time() - started < 2


def test_long_lists_of_numbers_are_small_and_fast() -> None:
    value = list(range(100_000))
    data = encode(value, LIMIT)
    assert len(data) < 8 * len(value) + 10
    assert decode(data) == value


def test_integers_of_too_many_digits_are_refused_on_both_sides() -> None:
    largest = 10**4299
    encoder = Encoder(LIMIT, digits=4300)
    encoder.put(largest)
    assert decode(bytes(encoder.buffer), digits=4300) == largest
    str(decode(bytes(encoder.buffer), digits=4300))  # what is let through can be printed
    with pytest.raises(Unsendable):
        Encoder(LIMIT, digits=4300).put(10**4300)
    with pytest.raises(Malformed):
        decode(encode(10**4300, LIMIT), digits=4300)


def test_an_encoder_forgets_what_it_rewinds() -> None:
    encoder = Encoder(100)
    encoder.open_tuple(2)
    encoder.put(1)
    mark = encoder.mark()
    with pytest.raises(Unsendable):
        encoder.put(["x"] * 100)
    encoder.rewind(mark)
    encoder.put(2)
    assert decode(bytes(encoder.buffer)) == (1, 2)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode(data, lambda foreign, number, name: (foreign, number, name), digits=4300)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, st.data())
def test_a_damaged_message_is_a_value_or_malformed(value: Any, data: st.DataObject) -> None:
    message = bytearray(encode(value, LIMIT))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        decode(bytes(message[: data.draw(st.integers(0, len(message)))]))


def length(count: int) -> bytes:
    return count.to_bytes(4, "big")


COLLIDING = b"".join(encode(n * (2**61 - 1), LIMIT) for n in range(40_000))
HOSTILE = {
    "a list that claims more than it has": b"l" + length(0xFFFFFFFF),
    "a text that claims more than it has": b"s" + length(0xFFFFFFFF),
    "an integer that claims more than it has": b"i\xff" + length(0xFFFFFFFF),
    "a packed list of half a number": b"L" + length(7) + b"1234567",
    "a set whose keys all hash alike": b"S" + length(40_000) + COLLIDING,
    "a dict whose keys all hash alike": b"d" + length(20_000) + COLLIDING,
    "a set with an element twice": b"S" + length(2) + b"NN",
    "a dict with a key twice": b"d" + length(2) + b"NTNF",
    "a set of lists": b"S" + length(1) + b"l" + length(0),
    "a fraction of zero": b"Q" + b"i\x01\x01" + b"i\x01\x00",
    "a fraction of negative parts": b"Q" + b"i\x01\x01" + b"i\x01\xff",
    "a fraction of texts": b"Q" + b"s" + length(0) + b"s" + length(0),
    "a range without a step": b"r" + b"i\x01\x00" * 3,
    "a decimal that is none": b"D" + length(4) + b"1__2",
    "a decimal of too many digits": b"D" + length(9000) + b"1" * 9000,
    "a decimal too far from one": b"D" + length(8) + b"1E999999",
    "a decimal past all bounds": b"D" + length(22) + b"1E99999999999999999999",
    "a signalling decimal as a key": b"S" + length(1) + b"D" + length(4) + b"sNaN",
    "a dict of nobody's making": b"e" + length(4) + b"open" + length(0),
    "a deque longer than it may be": b"q" + b"i\x01\x00" + length(1) + b"N",
    "a text of broken letters": b"s" + length(2) + b"\xff\xfe",
    "an unknown type": b"?",
    "nothing": b"",
    "more than a value": b"NN",
    "an object where none may be": b"h" + length(1) + length(0),
    "nesting without end": b"l\x00\x00\x00\x01" * 100_000,
    "a great many empty deques": b"l" + length(60_000) + (b"q" + b"i\x01\xff" + length(0)) * 60_000,
    "a great many empty sets": b"l" + length(110_000) + (b"S" + length(0)) * 110_000,
}


@pytest.mark.parametrize("what", [*HOSTILE])
def test_a_hostile_message_is_refused_in_little_time_and_space(what: str) -> None:
    if what == "a great many empty deques":
        assert len(decode(HOSTILE[what])) == 60_000  # within bounds: it costs what it costs, once
        return
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(Malformed):
        decode(HOSTILE[what])
    took, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 5 and peak < 300 << 20


def test_the_slowest_message_of_a_megabyte_takes_little_time() -> None:
    worst = 0.0
    for item in (b"N", b"i\x01\x01", b"f12345678", b"t" + length(0), b"Q" + b"i\x01\x03" + b"i\x01\x07", b"D" + length(3) + b"1.5"):
        count = min((LIMIT - 5) // len(item), wire.MAX_NODES - 1)
        started = time.process_time()
        decode(b"l" + length(count) + item * count)
        worst = max(worst, time.process_time() - started)
    assert worst < 4


def test_random_bytes_do_no_harm() -> None:
    for _ in range(300):
        data = os.urandom(3000)
        for start in b"ltSd":
            with pytest.raises(Malformed):
                decode(bytes([start]) + length(100) + data)
