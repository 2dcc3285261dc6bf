"""The chat room and its conversations: who is asked, what is shown, judged, tried again, remembered and kept."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, make_tutor_folder, write

from adapters_hub import answers, store
from adapters_hub.chatting import (
    Answer,
    Answered,
    ChatEvent,
    ChatRoom,
    Conversation,
    Piece,
    Retrying,
    Seat,
    adapter_to_resume,
    badge,
    binding_of,
    chosen_adapter,
    sampling_of,
)
from adapters_hub.contracts import Completion, Request
from adapters_hub.conversations import ConversationLog
from adapters_hub.errors import BusyError, HubError, NotFoundError, ResourceError, UsageError
from adapters_hub.plugins import Plugins
from adapters_hub.training import train_tutors
from adapters_hub.transcripts import Turn
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Adapter, Attempt, Tutor, Verdict
from adapters_hub.workspace import find_workspace, workspace_in

# --- an engine that says what it is told, and a validator that does too ---------------------------


class Line:
    """A ticket that says the given pieces; a callable among them runs first, e.g. to wait or to fail."""

    def __init__(self, pieces: tuple[Any, ...]) -> None:
        self.pieces, self.said, self.cancelled = pieces, 0, False

    def __iter__(self) -> Iterator[str]:
        for piece in self.pieces:
            if callable(piece):
                piece()
                continue
            if self.cancelled:
                return
            self.said += 1
            yield piece

    def cancel(self) -> None:
        self.cancelled = True

    def result(self, timeout: float | None = None) -> Completion:
        text = "".join(piece for piece in self.pieces if isinstance(piece, str))
        return Completion(text, "cancelled" if self.cancelled else "stop", 7, self.said, 0.5, 0.1, 3)


class Scripted:
    """Engine whose answers are written in advance; a string stands for one piece, an exception is raised by ``submit``."""

    def __init__(self, *script: Any, room: int = 10_000) -> None:
        self.script = list(script)
        self.asked: list[Request] = []
        self.lines: list[Line] = []
        self.attached_folders: list[Path] = []
        self.room = room
        """Words of context."""
        self.names: list[str] = []

    def attach(self, adapter: Adapter) -> None:
        self.attached_folders.append(adapter.folder)
        self.names = [name for name in self.names if name != adapter.name] + [adapter.name]

    def attached(self) -> tuple[str, ...]:
        return tuple(self.names)

    def tokens_left(self, request: Request) -> int:
        return self.room - sum(len(message.content.split()) for message in request.messages)

    def submit(self, request: Request) -> Line:
        self.asked.append(request)
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        self.lines.append(Line(said if isinstance(said, tuple) else (said,)))
        return self.lines[-1]

    def close(self) -> None: ...


class Judge:
    """Finds in an answer the outcome that the test wrote into it: ``bien``, ``mal``, ``duda`` or ``explota``."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.before: Callable[[], object] = lambda: None

    def judge(self, attempt: Attempt) -> Verdict:
        self.attempts.append(attempt)
        self.before()
        if "explota" in attempt.answer:
            raise RuntimeError("boom")
        if "mal" in attempt.answer:
            return Verdict("incorrect", code="no", reason=f"No vale: {attempt.answer}", hint=f"Corrige «{attempt.answer}»")
        return Verdict("correct" if "bien" in attempt.answer else "unverified", code="ok")


def tutor_of(workspace: Path, name: str) -> Tutor:
    return read_tutor(workspace / "tutors" / name, find_workspace(workspace))


@pytest.fixture
def trained(workspace: Path, runs: dict[str, Path]) -> Path:
    """The workspace with both tutors trained."""
    for name, folder in runs.items():
        shutil.copytree(folder, workspace / "tutors" / name / "runs" / folder.name)
    return workspace


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tutor -> a run of its."""
    home = tmp_path_factory.mktemp("trained")
    write(home / "tutors/hub.toml", '[base]\nengine = "echo"\n\n[defaults.train]\nmax_steps = 2\n')
    folders = [make_tutor_folder(home / "tutors" / name) for name in ("sumas", "restas")]
    found = workspace_in(home)
    assert found is not None
    list(train_tutors([read_tutor(folder, found) for folder in folders], load_test_plugins()))
    return {folder.name: store.list_runs(folder)[0].folder for folder in folders}


@cache
def plugins_of_all() -> Plugins:
    return load_test_plugins()


class Class:
    """A room over a scripted engine, a seat whose judge reads the outcome in the answer, and a conversation."""

    def __init__(self, workspace: Path, *script: Any, retries: int = 0, room: int = 10_000, log: ConversationLog | None = None) -> None:
        tutor = tutor_of(workspace, "sumas")
        settings = replace(tutor.validator, use=("judge",), on_fail="retry" if retries else "show", retries=retries)
        self.tutor = replace(tutor, validator=settings)
        self.room = ChatRoom(tutor.base, plugins_of_all())
        self.engine = Scripted(*script, room=room)
        self.room.engine = self.engine  # type: ignore[assignment]
        self.judge = Judge()
        self.warnings: list[str] = []
        self.talk = Conversation(log=log, warn=self.warnings.append)
        self.seat: Seat = self.room.seat(self.tutor, chosen_adapter(tutor), validator=self.judge)

    def ask(self, question: str, **options: Any) -> list[ChatEvent]:
        return list(self.talk.ask(self.room, self.seat, question, **options))

    def answer(self, question: str, **options: Any) -> Answer:
        last = self.ask(question, **options)[-1]
        assert isinstance(last, Answered)
        return last.answer

    @property
    def texts(self) -> list[str]:
        return [turn.content for turn in self.talk.turns]


def shown(events: list[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


def answer_of(events: list[ChatEvent]) -> Answer:
    assert isinstance(events[-1], Answered)
    return events[-1].answer


# --- seats ---------------------------------------------------------------------------------------


def test_each_question_names_its_tutor(trained: Path) -> None:
    first, second = tutor_of(trained, "sumas"), tutor_of(trained, "restas")
    room = ChatRoom(first.base, plugins_of_all())
    seats = [room.seat(first, chosen_adapter(first)), room.seat(second, chosen_adapter(second)), room.seat(first, None)]
    assert [shown(list(Conversation().ask(room, seat, "¿2 y 2?"))) for seat in seats] == [
        "[sumas] ¿2 y 2?",
        "[restas] ¿2 y 2?",
        "[base] ¿2 y 2?",
    ]


def test_an_untrained_tutor_says_how_to_train_it(workspace: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        chosen_adapter(tutor_of(workspace, "sumas"))
    assert caught.value.hint == "hub train sumas"


def test_a_tutor_of_another_base_is_not_seated(trained: Path) -> None:
    tutor = tutor_of(trained, "sumas")
    room = ChatRoom(tutor.base, plugins_of_all())
    with pytest.raises(UsageError):
        room.seat(replace(tutor, base=replace(tutor.base, model="other")), None)


def test_a_run_is_attached_once_and_a_newer_one_when_seated_again(trained: Path) -> None:
    desk = Class(trained, "uno", "dos")
    desk.answer("a")
    list(train_tutors([tutor_of(trained, "sumas")], plugins_of_all()))
    desk.answer("b")
    assert len(desk.engine.attached_folders) == 1
    desk.room.seat(desk.tutor, chosen_adapter(desk.tutor), validator=desk.judge)
    assert desk.engine.attached_folders[-1] == store.list_runs(desk.tutor.folder)[0].folder
    assert len(desk.engine.attached_folders) == 2


def test_two_seats_under_one_name_never_answer_with_each_others_run(trained: Path) -> None:
    desk = Class(trained, "uno", "dos", "tres")
    list(train_tutors([tutor_of(trained, "sumas")], plugins_of_all()))
    former, newer = desk.seat, desk.room.seat(desk.tutor, chosen_adapter(desk.tutor), validator=desk.judge)
    for seat in (former, newer, former):
        list(Conversation().ask(desk.room, seat, "hola"))
        assert seat.adapter is not None
        assert desk.engine.attached_folders[-1] == seat.adapter.folder


def test_a_failed_seat_leaves_the_former_one_usable(trained: Path) -> None:
    room = ChatRoom(tutor_of(trained, "sumas").base, plugins_of_all())
    tutor = tutor_of(trained, "sumas")
    seat = room.seat(tutor, chosen_adapter(tutor))
    adapter = chosen_adapter(tutor_of(trained, "restas"))
    (adapter.folder / "adapter_config.json").unlink()
    with pytest.raises(HubError):
        room.seat(tutor_of(trained, "restas"), adapter)
    with pytest.raises(HubError):
        room.seat(replace(tutor_of(trained, "restas"), validator=replace(tutor.validator, use=("nobody",))), None)
    assert shown(list(Conversation().ask(room, seat, "hola"))) == "[sumas] hola"


def test_a_seat_brings_the_tutors_own_validator_and_settings(trained: Path) -> None:
    code = (
        "from adapters_hub import ValidatorSpec, Verdict, hookimpl\n"
        "class Severe:\n    def judge(self, attempt):\n        return Verdict('incorrect', code='no', reason='Falta la unidad.')\n"
        "@hookimpl\ndef hub_validators():\n    return [ValidatorSpec('severo', 'rejects all', lambda options: Severe())]\n"
    )
    folder = trained / "tutors/sumas"
    write(folder / "validator.py", code)
    write(
        folder / "tutor.toml", (folder / "tutor.toml").read_text().replace("use = []", 'use = ["severo"]') + "[chat]\nmax_new_tokens = 7\n"
    )
    tutor = tutor_of(trained, "sumas")
    room = ChatRoom(tutor.base, load_test_plugins(own_folder=trained / "tutors"))
    seat = room.seat(tutor, chosen_adapter(tutor))
    assert seat.sampling == sampling_of(tutor)
    assert seat.sampling.max_new_tokens == 7
    answer = answer_of(list(Conversation().ask(room, seat, "hola")))
    assert badge(answer.verdict) == "✗ Falta la unidad."


# --- streaming and stopping ----------------------------------------------------------------------


def test_pieces_come_at_once_and_the_verdict_follows(trained: Path) -> None:
    desk = Class(trained, ("está ", "mal"))
    events = desk.ask("¿?")
    assert [event.text for event in events if isinstance(event, Piece)] == ["está ", "mal"]
    answer = answer_of(events)
    assert (answer.text, answer.verdict and answer.verdict.outcome, answer.retries) == ("está mal", "incorrect", 0)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.seconds, answer.first_token_seconds) == (7, 2, 0.5, 0.1)
    assert desk.judge.attempts[0].question == "¿?"
    assert desk.talk.turns[1] == replace(desk.talk.turns[1], tutor="sumas", content="está mal", verdict=answer.verdict, stopped=False)


def test_an_answer_cannot_steer_the_terminal(trained: Path) -> None:
    desk = Class(trained, ("\033]0;título\007", "\u202ebien\ty\n\x9bfin"))
    assert shown(desk.ask("¿?")) == "]0;títulobien\ty\nfin"
    assert desk.texts[1] == "]0;títulobien\ty\nfin"


def test_a_stopped_answer_keeps_what_was_shown_and_an_empty_one_forgets_the_question(trained: Path) -> None:
    desk = Class(trained, ("uno", " dos"), ("tres",), ("",))
    answer = desk.talk.ask(desk.room, desk.seat, "cuenta")
    next(answer)
    answer.close()  # type: ignore[attr-defined]
    assert desk.texts == ["cuenta", "uno"]
    assert desk.talk.turns[-1].stopped
    assert desk.engine.lines[0].cancelled
    desk.talk.ask(desk.room, desk.seat, "otra").close()  # type: ignore[attr-defined]
    assert len(desk.talk.turns) == 2, "never begun"
    desk.answer("más")
    assert desk.answer("nada").text == ""
    assert desk.texts == ["cuenta", "uno", "más", "tres"]


def test_stopped_ends_an_answer_at_once_even_while_the_engine_says_nothing(trained: Path) -> None:
    gate, wanted = threading.Event(), threading.Event()
    desk = Class(trained, ("uno", lambda: gate.wait(5), " dos"))
    events = desk.talk.ask(desk.room, desk.seat, "cuenta", stopped=wanted.is_set)
    assert next(events) == Piece("uno")
    wanted.set()
    began = time.perf_counter()
    answer = answer_of(list(events))
    assert time.perf_counter() - began < 1
    gate.set()
    assert (answer.text, answer.stopped, answer.finish, answer.verdict) == ("uno", True, "cancelled", None)
    assert desk.engine.lines[0].cancelled
    assert desk.judge.attempts == []
    assert desk.talk.turns[-1].stopped


def test_a_validator_that_takes_long_does_not_block_stopping(trained: Path) -> None:
    gate, wanted = threading.Event(), threading.Event()
    desk = Class(trained, "bien")
    desk.judge.before = lambda: wanted.set() or gate.wait(5)  # type: ignore[func-returns-value]
    began = time.perf_counter()
    answer = desk.answer("¿?", stopped=wanted.is_set)
    assert time.perf_counter() - began < 1
    gate.set()
    assert (answer.text, answer.verdict, answer.stopped, answer.finish) == ("bien", None, True, "stop")
    assert not desk.talk.turns[-1].stopped, "the answer itself is whole"


def test_a_key_that_interrupts_a_long_judgement_keeps_the_answer(trained: Path) -> None:
    gate = threading.Event()
    desk = Class(trained, "bien")
    judging = threading.Event()
    desk.judge.before = lambda: judging.set() or gate.wait(5)  # type: ignore[func-returns-value]

    def interrupted() -> bool:
        if judging.is_set():
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        desk.ask("¿?", stopped=interrupted)
    gate.set()
    assert desk.texts == ["¿?", "bien"]


def test_a_fault_of_the_engine_keeps_what_was_said(trained: Path) -> None:
    def fail() -> None:
        raise ResourceError("out of memory")

    desk = Class(trained, ("uno", fail), BusyError("full"))
    with pytest.raises(ResourceError):
        desk.ask("cuenta")
    assert desk.texts == ["cuenta", "uno"]
    assert desk.talk.turns[-1].stopped
    with pytest.raises(BusyError):
        desk.ask("otra")
    assert len(desk.talk.turns) == 2, "a question that got no answer is forgotten"


@pytest.mark.parametrize("retries", [0, 2])
def test_an_answer_that_the_engine_cancels_is_kept_unjudged(trained: Path, retries: int) -> None:
    desk = Class(trained, retries=retries)
    desk.engine.script = [("uno", lambda: desk.engine.lines[-1].cancel()), (lambda: desk.engine.lines[-1].cancel(),)]
    answer = desk.answer("cuenta")
    assert (answer.text, answer.finish, answer.verdict, answer.stopped) == ("uno", "cancelled", None, False)
    assert desk.talk.turns[-1].stopped
    assert desk.answer("nada").text == ""
    assert len(desk.talk.turns) == 2


# --- judging and trying again --------------------------------------------------------------------


def outcomes(answer: Answer) -> list[str | None]:
    return [made.verdict.outcome if made.verdict else None for made in answer.tries]


def test_a_right_answer_is_shown_whole_and_never_tried_again(trained: Path) -> None:
    desk = Class(trained, ("todo ", "bien"), retries=2)
    events = desk.ask("¿?")
    assert [type(event) for event in events] == [Piece, Answered]
    assert shown(events) == "todo bien"
    assert answer_of(events).retries == 0
    assert desk.talk.turns[-1].tries == ()


def test_a_better_retry_replaces_a_wrong_answer_that_nobody_sees(trained: Path) -> None:
    desk = Class(trained, ("está ", "mal"), "ahora bien", retries=1)
    events = desk.ask("¿?")
    assert [type(event) for event in events] == [Retrying, Piece, Answered]
    assert isinstance(events[0], Retrying)
    assert (events[0].number, events[0].verdict.outcome) == (1, "incorrect")
    assert shown(events) == "ahora bien"
    assert (answer_of(events).retries, outcomes(answer_of(events))) == (1, ["incorrect", "correct"])
    assert desk.texts == ["¿?", "ahora bien"], "neither the wrong answer nor the hint is remembered"
    hidden = desk.engine.asked[1].messages
    assert [(m.role, m.content) for m in hidden[-3:]] == [("user", "¿?"), ("assistant", "está mal"), ("user", "Corrige «está mal»")]
    assert desk.judge.attempts[1].question == "¿?", "the judge is told of the student's question, not of the hint"


def test_a_retry_that_is_no_better_leaves_the_first_answer(trained: Path) -> None:
    desk = Class(trained, "mal uno", "mal dos", retries=1)
    events = desk.ask("¿?")
    assert shown(events) == "mal uno"
    assert outcomes(answer_of(events)) == ["incorrect", "incorrect"]
    assert answer_of(events).verdict == answer_of(events).tries[0].verdict
    assert desk.texts == ["¿?", "mal uno"]


def test_a_question_written_anew_takes_the_place_of_the_last_one(trained: Path, tmp_path: Path) -> None:
    with closing(ConversationLog(tmp_path / "log.db")) as log:
        desk = Class(trained, "uno", "dos", "tres", log=log)
        desk.ask("a")
        desk.ask("b")
        list(desk.talk.revise(desk.room, desk.seat, "c"))
        assert desk.texts == ["a", "uno", "c", "tres"]
        assert [turn.content for turn in log.show(str(desk.talk.id)).turns] == desk.texts
        assert log.search("b") == ()


@pytest.mark.parametrize("fault", [BusyError("no room"), (" ",)], ids=["refused", "empty"])
def test_question_and_answer_stay_when_nothing_comes_of_the_new_ones(trained: Path, tmp_path: Path, fault: Any) -> None:
    with closing(ConversationLog(tmp_path / "log.db")) as log:
        desk = Class(trained, "uno", fault, fault, log=log)
        desk.ask("a")
        for again in (desk.talk.retry(desk.room, desk.seat), desk.talk.revise(desk.room, desk.seat, "b")):
            with suppress(BusyError):
                list(again)
            assert desk.texts == ["a", "uno"]
            assert [turn.content for turn in log.show(str(desk.talk.id)).turns] == ["a", "uno"]


def test_a_crash_while_it_is_answered_again_loses_nothing_that_was_there(trained: Path, tmp_path: Path) -> None:
    with closing(ConversationLog(tmp_path / "log.db")) as log:
        seen: list[list[str]] = []
        desk = Class(trained, "uno", ("dos", lambda: seen.append([turn.content for turn in log.show(str(desk.talk.id)).turns])), log=log)
        desk.ask("a")
        list(desk.talk.retry(desk.room, desk.seat))
        assert seen == [["a", "uno"]], "what a process finds that starts while the other one is killed"
        assert [turn.content for turn in log.show(str(desk.talk.id)).turns] == ["a", "dos"]


def test_there_is_no_question_to_write_anew(trained: Path) -> None:
    desk = Class(trained)
    with pytest.raises(UsageError):
        list(desk.talk.revise(desk.room, desk.seat, "a"))


def test_an_unverified_retry_is_better_than_a_wrong_answer_and_ends_the_retries(trained: Path) -> None:
    desk = Class(trained, "mal", "duda", "bien", retries=3)
    answer = desk.answer("¿?")
    assert (answer.text, outcomes(answer)) == ("duda", ["incorrect", "unverified"])


def test_retries_are_exhausted_with_every_hint_in_turn(trained: Path) -> None:
    desk = Class(trained, "mal 1", "mal 2", "mal 3", retries=2)
    events = desk.ask("¿?")
    assert [event.number for event in events if isinstance(event, Retrying)] == [1, 2]
    assert (answer_of(events).text, answer_of(events).retries) == ("mal 1", 2)
    contents = [message.content for message in desk.engine.asked[2].messages[-5:]]
    assert contents == ["¿?", "mal 1", "Corrige «mal 1»", "mal 2", "Corrige «mal 2»"]


def test_the_last_of_several_retries_may_be_the_better_one(trained: Path) -> None:
    desk = Class(trained, "mal 1", "mal 2", "bien", retries=2)
    assert desk.answer("¿?").text == "bien"


def test_stopping_during_a_retry_shows_the_first_answer(trained: Path) -> None:
    gate, wanted = threading.Event(), threading.Event()
    desk = Class(trained, "mal", ("ahora ", wanted.set, lambda: gate.wait(5), "bien"), retries=1)
    events = desk.ask("¿?", stopped=wanted.is_set)
    gate.set()
    answer = answer_of(events)
    assert shown(events) == "mal"
    assert (answer.text, answer.stopped, answer.retries) == ("mal", True, 1)
    assert [made.finish for made in answer.tries] == ["stop", "cancelled"]
    assert not desk.talk.turns[-1].stopped, "the first answer is whole"


def test_interrupting_during_a_retry_remembers_the_first_answer(trained: Path) -> None:
    desk = Class(trained, "mal", "bien", retries=1)
    events = desk.talk.ask(desk.room, desk.seat, "¿?")
    assert isinstance(next(events), Retrying)
    events.close()  # type: ignore[attr-defined]
    assert desk.texts == ["¿?", "mal"]


def test_stopping_while_the_first_answer_is_held_back_shows_what_there_is(trained: Path) -> None:
    gate, wanted = threading.Event(), threading.Event()
    desk = Class(trained, ("ya ", wanted.set, lambda: gate.wait(5), "bien"), retries=1)
    events = desk.ask("¿?", stopped=wanted.is_set)
    gate.set()
    assert shown(events) == "ya"
    assert answer_of(events).stopped


def test_a_validator_that_crashes_is_unverified_and_never_a_reason_to_retry(trained: Path) -> None:
    desk = Class(trained, "explota", retries=3)
    answer = desk.answer("¿?")
    assert answer.verdict is not None
    assert (answer.verdict.outcome, answer.verdict.code, answer.retries) == ("unverified", "crash", 0)


def test_a_retry_that_the_engine_refuses_leaves_the_first_answer(trained: Path) -> None:
    desk = Class(trained, "mal", BusyError("full"), retries=2)
    events = desk.ask("¿?")
    assert shown(events) == "mal"
    assert desk.texts == ["¿?", "mal"]


def test_an_unjudged_question_is_neither_judged_nor_tried_again(trained: Path) -> None:
    desk = Class(trained, ("mal ", "y ya"), retries=2)
    events = desk.ask("¿?", judged=False)
    assert [event.text for event in events if isinstance(event, Piece)] == ["mal ", "y ya"]
    assert answer_of(events).verdict is None


def test_what_is_expected_reaches_the_validator_alone_also_when_asked_again(trained: Path) -> None:
    desk = Class(trained, "bien", "bien otra vez")
    desk.answer("¿?", expected="42")
    list(desk.talk.retry(desk.room, desk.seat))
    assert [attempt.expected for attempt in desk.judge.attempts] == ["42", "42"]
    assert all("42" not in message.content for request in desk.engine.asked for message in request.messages)


def test_an_empty_answer_can_be_tried_again(trained: Path) -> None:
    desk = Class(trained, "", "bien", retries=1)
    desk.seat = replace(desk.seat, validator=EmptyIsWrong())
    assert desk.answer("¿?").text == "bien"
    assert [m.role for m in desk.engine.asked[1].messages] == ["system", "user", "assistant", "user"]
    assert all(message.content for message in desk.engine.asked[1].messages)


class EmptyIsWrong:
    def judge(self, attempt: Attempt) -> Verdict:
        return Verdict("correct") if attempt.answer else Verdict("incorrect", code="empty", reason="La respuesta está vacía.")


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (Verdict("correct", extracted="3/4 + 1/4 = 1", reason="El resultado es correcto: 1."), "✓ verificado: 3/4 + 1/4 = 1"),
        (Verdict("correct", extracted="def f():\n    pass", reason="Pasa las pruebas."), "✓ verificado: Pasa las pruebas."),
        (Verdict("correct"), "✓ verificado"),
        (Verdict("incorrect", reason="la consulta falla: no existe la columna x"), "✗ la consulta falla: no existe la columna x"),
        (Verdict("incorrect"), "✗ incorrecto"),
        (Verdict("incorrect", reason="a\x1b[31m\nb"), "✗ a\\x1b[31m b"),
        (Verdict("unverified", code="crash", reason="El validador falló."), "? sin verificar: El validador falló."),
        (Verdict("unverified", code="timeout"), "? sin verificar"),
        (Verdict("unverified", code="no_validator", reason="Este tutor no tiene validador."), ""),
        (Verdict("unverified", code="nothing_to_judge", reason="No hay cuentas."), ""),
        (None, ""),
    ],
)
def test_a_badge_is_one_quiet_line(verdict: Verdict | None, line: str) -> None:
    assert badge(verdict) == line


def test_a_badge_is_never_long() -> None:
    assert len(badge(Verdict("incorrect", reason="palabra " * 900))) <= answers.LONGEST_BADGE


# --- the context ---------------------------------------------------------------------------------


def test_the_oldest_turns_are_left_out_when_the_context_is_full_and_counted(trained: Path) -> None:
    desk = Class(trained, "sí", room=2048)
    desk.talk.turns = [Turn("user" if i % 2 == 0 else "assistant", "palabra " * 500, "" if i % 2 == 0 else "sumas") for i in range(8)]
    answer = desk.answer("palabra " * 500)
    assert len(desk.engine.asked[0].messages) == 4, "system, and the last exchange and a half that fit into 2048 words"
    assert answer.forgotten == 6
    assert len(desk.talk.turns) == 10, "the conversation itself forgets nothing"


@pytest.mark.parametrize("size", range(1, 12))
def test_no_more_turns_are_left_out_than_needed(trained: Path, size: int) -> None:
    desk = Class(trained, "sí", room=LEAST + 5 + size * 10)
    desk.talk.turns = [Turn("user" if i % 2 == 0 else "assistant", "palabra " * 5, "" if i % 2 == 0 else "sumas") for i in range(20)]
    desk.answer("palabra")
    sent = desk.engine.asked[0]
    assert desk.engine.tokens_left(sent) >= LEAST
    assert (len(sent.messages) - 2) // 2 == min(10, max(0, (size * 10 + 5 - 1 - 5) // 10)), "all pairs that fit beside system and question"


LEAST = 48


def test_a_retry_keeps_the_question_and_leaves_older_turns_out(trained: Path) -> None:
    desk = Class(trained, "mal " * 40, "bien", retries=1, room=150)
    desk.talk.turns = [Turn("user", "vieja"), Turn("assistant", "palabra " * 40, "sumas")]
    desk.answer("nueva")
    assert [m.content for m in desk.engine.asked[0].messages][1] == "vieja"
    assert [m.content for m in desk.engine.asked[1].messages][1] == "nueva"


# --- turns ---------------------------------------------------------------------------------------


def test_the_last_answer_can_be_asked_for_again_and_stays_when_nothing_comes(trained: Path) -> None:
    desk = Class(trained, "uno", "dos", "", BusyError("full"))
    desk.answer("¿?")
    list(desk.talk.retry(desk.room, desk.seat))
    assert desk.texts == ["¿?", "dos"]
    assert [m.content for m in desk.engine.asked[1].messages if m.role != "system"] == ["¿?"]
    list(desk.talk.retry(desk.room, desk.seat))
    assert desk.texts == ["¿?", "dos"]
    with pytest.raises(BusyError):
        list(desk.talk.retry(desk.room, desk.seat))
    assert desk.texts == ["¿?", "dos"]


def test_nothing_to_ask_again_is_said(trained: Path) -> None:
    desk = Class(trained)
    with pytest.raises(UsageError):
        list(desk.talk.retry(desk.room, desk.seat))


def test_the_last_question_can_be_taken_back(trained: Path) -> None:
    desk = Class(trained, "uno", "dos")
    desk.answer("a")
    desk.answer("b")
    assert (desk.talk.undo(), desk.texts) == ("b", ["a", "uno"])
    assert (desk.talk.undo(), desk.texts) == ("a", [])
    assert desk.talk.undo() is None


def test_another_tutor_is_told_that_earlier_turns_were_anothers(trained: Path) -> None:
    desk = Class(trained, "uno", "dos", "tres")
    desk.answer("a")
    other = tutor_of(trained, "restas")
    seat = desk.room.seat(other, chosen_adapter(other))
    desk.talk.handed_over(seat)
    list(desk.talk.ask(desk.room, seat, "b"))
    system = desk.engine.asked[1].messages[0].content
    assert system.startswith("Eres el tutor de restas.\n\n")
    assert "sumas" in system
    assert [turn.tutor for turn in desk.talk.turns] == ["", "sumas", "", "restas"]
    desk.talk.fresh()
    list(desk.talk.ask(desk.room, seat, "c"))
    assert desk.engine.asked[2].messages[0].content == "Eres el tutor de restas."


# --- kept conversations --------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ConversationLog]:
    opened = ConversationLog(tmp_path / "kept/log.db")
    yield opened
    opened.close()


def kept(log: ConversationLog, talk: Conversation) -> list[str]:
    assert talk.id is not None
    return [turn.content for turn in log.show(talk.id).turns]


def test_each_turn_is_kept_when_it_is_complete(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, ("uno", " dos"), "bien", log=log)
    events = desk.talk.ask(desk.room, desk.seat, "cuenta")
    next(events)
    assert kept(log, desk.talk) == ["cuenta"]
    list(events)
    desk.answer("y más")
    record = log.show(str(desk.talk.id))
    assert record.turns == tuple(desk.talk.turns)
    assert record.binding == binding_of(desk.seat)
    assert desk.seat.adapter is not None
    assert record.binding.run == record.turns[1].run == desk.seat.adapter.folder.name
    assert record.turns[-1].verdict is not None


def test_the_outcome_of_each_try_is_kept(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "mal", "bien", retries=1, log=log)
    desk.answer("¿?")
    tries = log.show(str(desk.talk.id)).turns[-1].tries
    assert [(made.text, made.verdict and made.verdict.outcome, made.seconds) for made in tries] == [
        ("mal", "incorrect", 0.5),
        ("bien", "correct", 0.5),
    ]


def test_the_log_follows_what_is_taken_back_and_asked_again(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", "", "cuatro", log=log)
    desk.answer("a")
    list(desk.talk.retry(desk.room, desk.seat))
    desk.answer("nada")
    assert kept(log, desk.talk) == ["a", "dos"]
    first = desk.talk.id
    desk.talk.undo()
    assert log.list() == ()
    desk.answer("b")
    assert kept(log, desk.talk) == ["b", "cuatro"]
    assert first is not None


def test_a_fresh_conversation_has_an_id_of_its_own(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    first = desk.talk.id
    desk.talk.fresh()
    assert desk.talk.id is None
    desk.answer("b")
    assert desk.talk.id not in (None, first)
    assert {row.id for row in log.list()} == {first, desk.talk.id}


def test_a_conversation_is_bound_to_whoever_has_the_word(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", log=log)
    desk.answer("a")
    other = tutor_of(trained, "restas")
    desk.talk.handed_over(desk.room.seat(other, chosen_adapter(other)))
    assert log.show(str(desk.talk.id)).binding.tutor == "restas"


def test_a_log_that_fails_ends_with_one_warning_and_the_chat_goes_on(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", "tres", log=log)
    desk.answer("a")
    log._connection.execute("PRAGMA max_page_count = 1")
    desk.engine.script = ["dos " * 30_000, "tres"]
    assert desk.answer("b").text
    assert desk.answer("c").text == "tres"
    assert len(desk.warnings) == 1
    assert "disk is full" in desk.warnings[0]
    assert kept(log, desk.talk) == ["a", "uno", "b"], "what was kept stays"


def test_two_processes_that_go_on_with_one_conversation_part_ways(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    first = str(desk.talk.id)
    log.append(first, 2, Turn("user", "de otra ventana"))
    desk.answer("b")
    assert desk.talk.id != first
    assert kept(log, desk.talk) == ["a", "uno", "b", "dos"]
    assert [turn.content for turn in log.show(first).turns] == ["a", "uno", "de otra ventana"]
    assert len(desk.warnings) == 1


def test_taking_back_never_removes_what_another_process_said(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", log=log)
    desk.answer("a")
    first = str(desk.talk.id)
    log.append(first, 2, Turn("user", "de otra ventana"))
    desk.talk.undo()
    assert len(log.show(first).turns) == 3


def test_a_conversation_that_was_removed_meanwhile_is_not_kept_any_more(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    log.remove([str(desk.talk.id)])
    assert desk.answer("b").text == "dos"
    assert log.list() == ()
    assert "was removed" in desk.warnings[0]


def test_a_resumed_conversation_goes_on_under_its_id(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    record = log.show(str(desk.talk.id))
    again = Conversation.resumed(record, log=log)
    list(again.ask(desk.room, desk.seat, "b"))
    assert kept(log, again) == ["a", "uno", "b", "dos"]
    assert again.id == record.id
    assert [m.content for m in desk.engine.asked[1].messages if m.role != "system"] == ["a", "uno", "b"]


def test_a_question_that_a_crash_left_without_answer_is_handed_back(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    log.append(str(desk.talk.id), 2, Turn("user", "sin respuesta"))
    again = Conversation.resumed(log.show(str(desk.talk.id)), log=log)
    assert (again.unanswered, len(again.turns)) == ("sin respuesta", 2)
    list(again.ask(desk.room, desk.seat, "b"))
    assert kept(log, again) == ["a", "uno", "b", "dos"]


def test_a_conversation_can_be_taken_out_and_put_back(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno")
    with pytest.raises(UsageError):
        desk.talk.record()
    desk.answer("a")
    copy = Conversation.resumed(replace(desk.talk.record(), id=""), log=log)
    assert (copy.turns, copy.id) == (desk.talk.turns, None)


def test_the_run_of_a_conversation_goes_on_while_it_is_there(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", log=log)
    desk.answer("a")
    record = log.show(str(desk.talk.id))
    list(train_tutors([desk.tutor], plugins_of_all()))
    resumption = adapter_to_resume(record, desk.tutor)
    assert resumption.adapter is not None
    assert (resumption.adapter.folder.name, resumption.notes) == (record.binding.run, ())


def test_a_run_that_is_gone_is_said_and_the_present_one_goes_on(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", "dos", log=log)
    desk.answer("a")
    record = log.show(str(desk.talk.id))
    list(train_tutors([desk.tutor], plugins_of_all()))
    gone = desk.tutor.folder / "runs" / record.binding.run
    gone.rename(gone.parent.parent / "elsewhere")
    resumption = adapter_to_resume(record, desk.tutor)
    assert resumption.adapter is not None
    assert resumption.adapter.folder == store.list_runs(desk.tutor.folder)[0].folder
    assert "is gone" in resumption.notes[0]
    seat = desk.room.seat(desk.tutor, resumption.adapter, validator=desk.judge)
    again = Conversation.resumed(record, log=log)
    list(again.ask(desk.room, seat, "b"))
    marked = log.show(record.id)
    assert marked.binding.run == marked.turns[3].run == resumption.adapter.folder.name
    assert marked.turns[1].run == record.binding.run, "which turn came from which run stays visible"


def test_another_base_is_said(trained: Path, log: ConversationLog) -> None:
    desk = Class(trained, "uno", log=log)
    desk.answer("a")
    record = log.show(str(desk.talk.id))
    moved = replace(record, binding=replace(record.binding, base="other/base"))
    assert "other/base" in adapter_to_resume(moved, desk.tutor).notes[0]
    reshaped = replace(record, binding=replace(record.binding, fingerprint="x"))
    assert "another shape" in adapter_to_resume(reshaped, desk.tutor).notes[0]
    reweighted = replace(record, binding=replace(record.binding, adapter="x"))
    assert "other weights" in adapter_to_resume(reweighted, desk.tutor).notes[0]
