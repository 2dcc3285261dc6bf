"""One room for all threads: opened once, put away for whoever needs the memory, closed for good."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, write

from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.hub import open_workspace
from adapters_hub.library import Library
from adapters_hub.shared_room import SharedRoom, check_sampling


@pytest.fixture
def shared(workspace: Path) -> SharedRoom:
    return SharedRoom(Library(load_test_plugins(), environ={}))


def test_the_room_is_opened_by_the_first_guest_and_shared_by_the_next(shared: SharedRoom) -> None:
    with shared.guest() as room, shared.guest() as same:
        assert room is same
    with shared.guest() as later:
        assert later is room


def test_whoever_is_alone_waits_for_the_guests_and_lets_new_ones_wait(shared: SharedRoom) -> None:
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def guest() -> None:
        with shared.guest():
            inside.set()
            leave.wait(10)
            order.append("guest left")

    def late() -> None:
        with shared.guest() as room:
            order.append(f"late guest {room.engine.attached()}")

    def work() -> None:
        with shared.alone():
            order.append("alone")
            latecomer.start()
            time.sleep(0.1)
            order.append("done")

    latecomer = threading.Thread(target=late)
    first, worker = threading.Thread(target=guest), threading.Thread(target=work)
    first.start()
    inside.wait(10)
    worker.start()
    time.sleep(0.1)
    leave.set()
    for thread in (first, worker, latecomer):
        thread.join(10)
    assert order == ["guest left", "alone", "done", "late guest ()"]


def test_the_room_is_put_away_while_somebody_is_alone(shared: SharedRoom) -> None:
    with shared.guest() as before:
        pass
    with shared.alone():
        assert before.engine.facts().attached == ()
    with shared.guest() as after:
        assert after is not before


def test_a_thread_in_the_middle_of_an_answer_cannot_be_alone(shared: SharedRoom) -> None:
    with shared.guest(), pytest.raises(UsageError, match="middle of an answer"), shared.alone():
        raise AssertionError("it would wait for itself")


def test_work_that_fails_lets_the_guests_in_again(shared: SharedRoom) -> None:
    with pytest.raises(ZeroDivisionError), shared.alone():
        _ = 1 / 0
    with shared.guest():
        pass


def test_a_thread_in_the_middle_of_an_answer_may_ask_again_while_another_waits_to_be_alone(shared: SharedRoom) -> None:
    waiting = threading.Event()

    def work() -> None:
        waiting.set()
        with shared.alone():
            pass

    worker = threading.Thread(target=work, daemon=True)

    def ask_twice() -> None:
        with shared.guest():
            worker.start()
            waiting.wait(10)
            time.sleep(0.1)
            with shared.guest():
                pass

    asking = threading.Thread(target=ask_twice, daemon=True)
    asking.start()
    asking.join(5)
    assert not asking.is_alive(), "each waits for the other"
    worker.join(5)
    assert not worker.is_alive()


def test_an_interrupt_while_waiting_to_be_alone_lets_the_guests_in_again(shared: SharedRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = 0

    def interrupted(predicate: Any, timeout: float | None = None) -> bool:
        nonlocal waits
        waits += 1
        if waits == 2:  # taken, and waiting for the guests
            raise KeyboardInterrupt
        return bool(predicate())

    with monkeypatch.context() as patched:
        patched.setattr(shared._state, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), shared.alone():
            raise AssertionError("it was interrupted before")
    entered = threading.Event()

    def enter() -> None:
        with shared.guest():
            entered.set()

    threading.Thread(target=enter, daemon=True).start()
    assert entered.wait(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system copies no processes")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # that is what is tried here
def test_a_copy_of_the_process_is_told_to_open_its_own(shared: SharedRoom) -> None:
    with shared.guest():
        pass
    child = os.fork()
    if not child:
        told = 1
        try:
            with shared._opening:  # as if a thread of the parent had held it
                shared.close()
            with shared.guest():
                pass
        except UsageError as error:
            told = 0 if "open_workspace" in error.hint else 2
        finally:
            os._exit(told)
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    assert ended[1] == 0
    with shared.guest():  # the parent goes on
        pass


def test_a_base_that_was_changed_meanwhile_says_what_to_do(shared: SharedRoom, workspace: Path) -> None:
    with shared.guest() as room:
        file = workspace / "tutors" / "hub.toml"
        write(file, file.read_text(encoding="utf-8").replace("[base]", '[base]\nquantization = "none"'))
        with pytest.raises(UsageError, match="have changed") as raised:
            shared.seat(room, shared.tutor("sumas"), None, {})
    assert "open_workspace" in raised.value.hint


def test_a_closed_room_lets_nobody_in_and_nobody_wait(shared: SharedRoom) -> None:
    failures: list[BaseException] = []

    def late() -> None:
        try:
            with shared.guest():
                pass
        except UsageError as error:
            failures.append(error)

    thread = threading.Thread(target=late)
    with pytest.raises(UsageError, match="closed"), shared.alone():
        thread.start()
        time.sleep(0.1)
        shared.close()
        thread.join(10)
        shared.check_open()
    assert len(failures) == 1


def test_a_validator_is_made_once_until_the_tutor_or_its_code_changes(shared: SharedRoom, workspace: Path) -> None:
    tutor = shared.tutor("sumas")
    first = shared.validator(tutor)
    assert shared.validator(shared.tutor("sumas")) is first
    write(workspace / "tutors/sumas/validator.py", "# nothing\n")
    second = shared.validator(tutor)
    assert second is not first
    assert shared.validator(shared.tutor("sumas", {"validator.use": ["text"]})) is not second


def test_the_adapter_is_the_run_in_force(shared: SharedRoom, workspace: Path) -> None:
    tutor = shared.tutor("sumas")
    with pytest.raises(NotFoundError):
        shared.adapter(tutor)
    with open_workspace(workspace, plugins=load_test_plugins(), progress=False) as hub:
        first, second = hub.train("sumas", max_steps=1), hub.train("sumas", max_steps=1)
    assert shared.adapter(tutor).folder == second.folder
    assert shared.adapter(tutor, first.run).folder == first.folder


def test_sampling_has_its_names_and_leaves_out_what_is_not_said() -> None:
    assert check_sampling({"temperature": 0.0, "seed": None}) == {"temperature": 0.0}
    with pytest.raises(UsageError) as raised:
        check_sampling({"temprature": 0.0})
    assert "temperature" in raised.value.hint


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": "x"},
        {"temperature": -1},
        {"temperature": float("nan")},
        {"top_p": 7},
        {"max_new_tokens": 0},
        {"max_new_tokens": 2.5},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_sampling_refuses_what_the_settings_would_refuse(sampling: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(sampling))} must be"):
        check_sampling(sampling)
