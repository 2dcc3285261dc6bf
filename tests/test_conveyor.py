"""The belt: order, bounded memory, and what happens when somebody fails or leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from adapters_hub.conveyor import Hands, in_order


def test_results_come_in_the_order_of_the_items_whoever_is_first() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 5 == 0 else 0)
        return number * number

    assert list(in_order(work, range(40), hands=4)) == [number * number for number in range(40)]


def test_several_hands_work_at_once() -> None:
    both = threading.Barrier(2, timeout=5)
    assert len(list(in_order(lambda number: both.wait() >= 0, range(2), hands=2))) == 2


def test_an_endless_source_is_read_only_a_little_ahead() -> None:
    read = 0

    def numbers() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    results = in_order(lambda number: number, numbers(), hands=2, ahead=6)
    assert [next(results) for _ in range(10)] == list(range(1, 11))
    time.sleep(0.05)
    assert read <= 10 + 6 + 1
    results.close()  # type: ignore[attr-defined]


def test_a_result_is_handed_out_before_the_next_item_is_there() -> None:
    go_on = threading.Event()

    def slow_source() -> Iterator[int]:
        yield 1
        assert go_on.wait(5)
        yield 2

    results = in_order(lambda number: number, slow_source(), hands=2)
    assert next(results) == 1
    go_on.set()
    assert next(results) == 2


def test_what_the_work_raises_is_raised_at_its_place() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise KeyError("two")
        return number

    results = in_order(work, range(5), hands=3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)


def test_what_the_source_raises_comes_after_the_results_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    results = in_order(lambda number: number, source(), hands=2)
    assert next(results) == 1
    with pytest.raises(OSError):
        next(results)


def test_closing_ends_the_threads() -> None:
    before = set(threading.enumerate())
    results = in_order(lambda number: number, iter(range(10**9)), hands=3)
    next(results)
    results.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


def test_hands_forget_what_nobody_has_begun() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(number: int) -> int:
        begun.set()
        assert go_on.wait(5)
        return number

    hands = Hands(work, 1)
    first, second = hands.give(1), hands.give(2)
    assert begun.wait(5)
    hands.close()
    go_on.set()
    assert first.result(5) == 1 and second.cancelled()
