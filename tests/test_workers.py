"""Killable workers: results and errors come back, what takes too long dies alone, threads may share them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from adapters_hub.errors import UsageError
from adapters_hub.workers import WorkerDiedError, Workers, WorkerTimeoutError, available_cores

# --- what the children run -----------------------------------------------------------------------


class Stubborn(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("cannot be pickled")


def work(order: tuple[str, object]) -> object:
    name, value = order
    if name == "echo":
        return value
    if name == "print":
        print(value)
        return "printed"
    if name == "pid":
        return os.getpid()
    if name == "sleep":
        time.sleep(float(str(value)))
        return "slept"
    if name == "spin":
        while True:
            pass
    if name == "allocate":
        return len(bytearray(int(str(value))))
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "refuse":
        raise UsageError("no", hint="ask again")
    if name == "stubborn":
        raise Stubborn(1, 2)
    if name == "exit":
        sys.exit(0)
    if name == "recurse":
        return work(order)
    raise ValueError(name)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    made = Workers("test_workers:work", count=2, memory=300 << 20)
    yield made
    made.close()


def test_a_call_returns_what_the_function_returns(workers: Workers) -> None:
    value = {"text": "ñ" * 300_000, "numbers": [1, 2.5, None]}
    assert workers.call(("echo", value), seconds=10) == value


def test_what_the_function_prints_is_not_taken_for_an_answer(workers: Workers) -> None:
    assert workers.call(("print", "x" * 100), seconds=10) == "printed"


def test_a_child_is_used_again(workers: Workers) -> None:
    assert workers.call(("pid", None), seconds=10) == workers.call(("pid", None), seconds=10)


@pytest.mark.parametrize("order", [("sleep", 60), ("spin", None)])
def test_a_call_that_takes_too_long_is_killed_and_the_next_one_works(workers: Workers, order: tuple[str, object]) -> None:
    with pytest.raises(WorkerTimeoutError):
        workers.call(order, seconds=0.2)
    assert workers.call(("echo", 1), seconds=30) == 1


def test_a_child_that_dies_is_replaced(workers: Workers) -> None:
    with pytest.raises(WorkerDiedError, match="exit status -9"):
        workers.call(("die", None), seconds=10)
    assert workers.call(("echo", 2), seconds=30) == 2


def test_errors_of_the_function_travel(workers: Workers) -> None:
    with pytest.raises(UsageError) as caught:
        workers.call(("refuse", None), seconds=10)
    assert caught.value.hint == "ask again"
    with pytest.raises(ValueError, match="unheard"):
        workers.call(("unheard", None), seconds=10)
    with pytest.raises(Exception, match="Stubborn: cannot be pickled"):
        workers.call(("stubborn", None), seconds=10)
    with pytest.raises(RecursionError):
        workers.call(("recurse", None), seconds=10)


def test_a_function_that_exits_does_not_end_the_caller(workers: Workers) -> None:
    with pytest.raises(SystemExit):
        workers.call(("exit", None), seconds=10)
    assert workers.call(("echo", 3), seconds=30) == 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the address space")
def test_memory_is_limited(workers: Workers) -> None:
    assert workers.call(("allocate", 100 << 20), seconds=10) == 100 << 20
    with pytest.raises(MemoryError):
        workers.call(("allocate", 400 << 20), seconds=10)


def test_many_threads_share_the_children_and_none_gets_the_answer_of_another(workers: Workers) -> None:
    answers: dict[int, object] = {}

    def ask(number: int) -> None:
        for round in range(20):
            answers[number * 100 + round] = workers.call(("echo", number * 100 + round), seconds=30)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 160 and all(key == value for key, value in answers.items())


def test_a_function_that_cannot_be_imported_is_told() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        Workers("no_such_module:f", count=1).call(None, seconds=10)


def test_closed_workers_refuse_and_leave_no_process() -> None:
    made = Workers("test_workers:work", count=1)
    pid = made.call(("pid", None), seconds=30)
    made.close()
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(Exception, match="closed"):
        made.call(("pid", None), seconds=10)


def test_there_is_at_least_one_core() -> None:
    assert available_cores() >= 1
