"""The tier for every system: what it lacks is told as lacking, and what comes out of it is read without trust."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters_hub.sandbox import Failure, Handle, Limits, describe, monty, wire
from adapters_hub.sandbox.wire import Malformed, decode


@pytest.fixture(scope="module")
def tier() -> Iterator[monty.MontySandbox]:
    """The tier, where it works."""
    report = next(report for report in describe() if report.name == "monty")
    if not report.works:
        pytest.skip(f"{report.name}: {report.detail}")
    made = monty.MontySandbox()
    yield made
    made.close()


def read(text: str) -> Any:
    """A value from the notation, by way of what the parent reads."""
    return decode(monty._Notation(text, 4300).read(), lambda foreign, number, name: (foreign, number, name), 4300)


@pytest.mark.parametrize(
    "source",
    [
        "import heapq",
        "import string",
        "class A(list):\n    pass",
        "def f():\n    yield 1",
        "x = 1\ndel x",
        "globals()",
        "class P:\n    def __len__(self):\n        return 1\nlen(P())",
        "(5).bit_length()",
    ],
)
def test_what_the_interpreter_lacks_is_not_blamed_on_the_program(source: str, tier: monty.MontySandbox) -> None:
    with tier.start() as guest:
        with pytest.raises(Failure) as caught:
            guest.run(source)
        assert caught.value.kind == "unsupported"
        assert guest.evaluate("1") == 1


def test_a_value_that_it_cannot_take_is_not_blamed_on_the_program(tier: monty.MontySandbox) -> None:
    with tier.start() as guest:
        guest.run("def f(x):\n    return 1")
        for value in (range(3), deque([1]), Counter("a"), "\ud800"):
            with pytest.raises(Failure) as caught:
                guest.call("f", [value])
            assert caught.value.kind == "unsupported"


@pytest.mark.parametrize("expression", ["2 ** 20000", "'x' * 3_000_000", "[[[1]] * 1000] * 1000"])
def test_a_value_that_is_too_large_is_a_failure_of_its_own_kind(expression: str, tier: monty.MontySandbox) -> None:
    with tier.start() as guest, pytest.raises(Failure) as caught:
        guest.evaluate(expression)
    assert caught.value.kind in ("result", "unsupported", "raised", "timeout")


def test_values_of_its_library_keep_their_type(tier: monty.MontySandbox) -> None:
    with tier.start() as guest:
        guest.run("from collections import Counter, deque, defaultdict\nfrom decimal import Decimal")
        assert type(guest.evaluate("deque([1])")) is deque
        assert type(guest.evaluate("Counter('aab')")) is Counter
        assert str(guest.evaluate("Decimal('1.10')")) == "1.10"
        assert type(guest.evaluate("lambda: 1")) is Handle


def test_sleeping_takes_no_time(tier: monty.MontySandbox) -> None:
    started = time.monotonic()
    with tier.start() as guest:
        guest.run("import time\ntime.sleep(30)")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "source",
    [
        "def _hub_text(value, depth=0):\n    return 'S40000:' + ''.join([f'i{n * (2 ** 61 - 1)};' for n in range(40000)])",
        "def _hub_text(value, depth=0):\n    return 'l1:' * 30000",
        "def _hub_text(value, depth=0):\n    return 's99999999999:'",
        "def _hub_text(value, depth=0):\n    return 5",
        "_hub_text = 5",
        "_hub_objects = None\nx = print",
    ],
)
def test_a_program_that_takes_over_the_notation_only_spoils_its_own_answer(source: str, tier: monty.MontySandbox) -> None:
    started = time.monotonic()
    with tier.start(Limits(seconds=5)) as guest:
        guest.run(source)
        with pytest.raises(Failure):
            guest.evaluate("x")
    assert time.monotonic() - started < 8


def test_the_names_of_a_source_are_found_without_executing_more_than_it(tier: monty.MontySandbox) -> None:
    with tier.start() as guest:
        guest.run("x: int = 1\nif True:\n    y = 2\ndef f(a,\n      b=2):\n    z = 3\nclass C:\n    def m(self):\n        pass\nw = v = 4")
        names = guest.names()
    assert names["f"] == "function" and names["C"] == "class" and names["x"] == "int"
    assert "z" not in names and "m" not in names


def test_the_names_of_a_hostile_source_take_little_time(tier: monty.MontySandbox) -> None:
    started = time.monotonic()
    with tier.start(Limits(seconds=20)) as guest:
        guest.run("\n".join(f"a{n} = {n}" for n in range(20_000)))
        assert 0 < len(guest.names()) <= monty.MOST_NAMES
    for text in ("a" + " " * 500_000, "def" + " \t" * 300_000, "class " * 100_000, "a" * 1_000_000):
        monty.TOP_LEVEL.findall(text)
    assert time.monotonic() - started < 10


def test_a_guest_that_waits_for_a_callback_cannot_be_asked(tier: monty.MontySandbox) -> None:
    with tier.start() as guest:
        guest.bind("f", lambda args, kwargs: guest.evaluate("1"))
        with pytest.raises(Failure) as caught:
            guest.run("f()")
        assert caught.value.kind == "unsupported"


def test_many_threads_use_two_guests_each(tier: monty.MontySandbox) -> None:
    def one(number: int) -> int:
        with tier.start(Limits(seconds=20)) as answer, tier.start(Limits(seconds=20)) as tests:
            answer.run(f"def f(x):\n    return x + {number}")
            tests.bind("f", lambda args, kwargs: answer.call("f", args, kwargs).value)
            tests.run("y = f(1)")
            return int(tests.evaluate("y"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(80))) == [number + 1 for number in range(80)]


@pytest.mark.parametrize(
    "text, value",
    [
        ("N", None),
        ("t3:TFi-5;", (True, False, -5)),
        ("l2:s3:a:bs0:", ["a:b", ""]),
        ("d1:s1:af1.5;", {"a": 1.5}),
        ("finf;", float("inf")),
        ("b4:00ff", b"\x00\xff"),
        ("r11:range(0, 3)", range(3)),
        ("h3,Pila;", (False, 3, "Pila")),
        ("c1.0,-2.0;", 1 - 2j),
    ],
)
def test_the_notation_is_read(text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1", "NN", "i;", "i1", "i1_0;", "i 1;", "i" + "9" * 5001 + ";", "i1;;", "f1.0", "fx;", "\uff461.0;", "D3:abc"),
        *("s5:abc", "s-1:", "b1:0", "b2:zz", "r9:range(0,)", "r14:range(0, 1, 0)", "h-1,x;", "h0,x;", "h1", "h99999999999,x;"),
        *("l2:N", "l999999999999:N", "S2:NN", "S1:l0:", "d1:N", "t1:", "q1:", "l1:" * 200 + "N"),
    ],
)
def test_what_is_not_the_notation_is_malformed(text: str) -> None:
    with pytest.raises((Malformed, wire.Unsendable)):
        read(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="NTFifcsbltSZdCerqhD0123456789:;,-.()range x", max_size=40))
def test_any_text_is_a_value_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed, wire.Unsendable):
        read(text)
