"""Stray prints of plugin code: led to stderr for the thread that prints, and for no other."""

from __future__ import annotations

import sys
import threading

import pytest

from adapters_hub.plugins import GuardedValidator
from adapters_hub.stray_prints import stray_prints_to_stderr
from adapters_hub.types import Attempt, Verdict


def test_what_is_printed_inside_goes_to_stderr_and_afterwards_to_stdout_again(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with stray_prints_to_stderr():
        print("stray")
        with stray_prints_to_stderr():
            print("nested")
        print("still stray")
    print("result")
    assert sys.stdout is before
    assert capsys.readouterr() == ("result\n", "stray\nnested\nstill stray\n")


def test_another_thread_prints_as_before_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    inside, printed = threading.Event(), threading.Event()

    def judge() -> None:
        with stray_prints_to_stderr():
            print("stray")
            inside.set()
            printed.wait(5)

    thread = threading.Thread(target=judge)
    thread.start()
    assert inside.wait(5)
    print("result")
    printed.set()
    thread.join()
    assert capsys.readouterr() == ("result\n", "stray\n")


def test_threads_that_leave_in_another_order_leave_stdout_as_it_was() -> None:
    before = sys.stdout
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with stray_prints_to_stderr():
            first_in.set()
            second_in.wait(5)
        first_out.set()

    def second() -> None:
        first_in.wait(5)
        with stray_prints_to_stderr():
            second_in.set()
            first_out.wait(5)

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before


def test_a_judging_thread_takes_no_result_of_another_thread_away(capsys: pytest.CaptureFixture[str]) -> None:
    judging, done = threading.Event(), threading.Event()

    class Slow:
        def judge(self, attempt: Attempt) -> Verdict:
            print("stray")
            judging.set()
            done.wait(5)
            return Verdict("correct", 1.0)

    thread = threading.Thread(target=lambda: GuardedValidator("slow", Slow()).judge(Attempt((), "x")))
    thread.start()
    assert judging.wait(5)
    print("result")
    done.set()
    thread.join()
    assert capsys.readouterr() == ("result\n", "stray\n")
