"""The Python API: what a notebook or a script can do with an open workspace, from one thread and from many."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, load_test_plugins, make_tutor_folder, row, write
from dictated import VALIDATOR, dictate
from test_light import HEAVY

import adapters_hub
from adapters_hub import shared_room, store, training
from adapters_hub.chatting import ChatRoom
from adapters_hub.errors import DataError, NotFoundError, RightsError, UsageError
from adapters_hub.hub import Hub, open_workspace
from adapters_hub.types import Message

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def opened(folder: Path, **more: Any) -> Hub:
    return open_workspace(folder, plugins=load_test_plugins(), progress=False, **more)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second each."""
    monkeypatch.setattr(training, "draw_loss", lambda *words, **more: None)


@pytest.fixture
def hub(workspace: Path) -> Iterator[Hub]:
    """Both tutors trained, by echo."""
    with opened(workspace) as hub:
        hub.train_together(["sumas", "restas"], max_steps=2)
        yield hub


# --- opening -------------------------------------------------------------------------------------


def test_importing_the_package_is_light_and_the_door_is_part_of_it() -> None:
    code = f"""
import sys, adapters_hub
assert "open_workspace" in dir(adapters_hub)
heavy = [name for name in sys.modules if name in {(*HEAVY, "rich", "click", "adapters_hub.hub", "adapters_hub.plugins")!r}]
assert not heavy, heavy
from adapters_hub import Hub, open_workspace
heavy = [name for name in sys.modules if name in {HEAVY!r}]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY, timeout=60)


def test_a_name_that_the_package_does_not_have_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="open_workplace"):
        _ = adapters_hub.open_workplace


@pytest.mark.parametrize("named", [".", "tutors", None])
def test_a_workspace_is_opened_by_either_folder_or_found_from_here(workspace: Path, named: str | None) -> None:
    with open_workspace(named, plugins=load_test_plugins()) as hub:
        assert hub.tutors() == ("restas", "sumas")
        assert hub.folder == workspace / "tutors"
        assert "restas, sumas" in repr(hub)


def test_a_folder_without_tutors_is_refused_with_a_hint(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere") as raised:
        opened(workspace / "nowhere")
    assert "hub.toml" in raised.value.hint


def test_bad_options_are_refused_at_the_door(workspace: Path) -> None:
    with pytest.raises(UsageError):
        opened(workspace, options={"base.modle": "mini"})


def test_options_hold_for_every_tutor(workspace: Path) -> None:
    with opened(workspace, options={"chat.max_new_tokens": 3}) as hub:
        assert hub.tutor("sumas").chat.max_new_tokens == 3
        hub.train("sumas", max_steps=1)
        assert hub.ask("sumas", "uno dos tres cuatro").text == "[sumas] uno dos"


def test_once_closed_everything_says_so(workspace: Path, hub: Hub) -> None:
    hub.ask("sumas", "hola")
    hub.close()
    hub.close()
    for call in (lambda: hub.ask("sumas", "hola"), hub.tutors, lambda: hub.train("sumas"), lambda: hub.judge("sumas", "a", "b")):
        with pytest.raises(UsageError, match="closed"):
            call()


def test_a_traceback_says_everything_that_was_found_and_what_to_do(workspace: Path) -> None:
    with pytest.raises(UsageError) as raised:
        opened(workspace, options={"base.modle": "mini"})
    shown = "".join(traceback.format_exception(raised.value))
    if sys.version_info >= (3, 11):
        assert "modle" in shown and f"hint: {raised.value.hint}" in shown
    assert str(raised.value) == raised.value.message


def test_what_cannot_be_meant_is_refused_at_once(hub: Hub) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: hub.ask("sumas", None),  # type: ignore[arg-type]
        lambda: hub.judge("sumas", "2 + 2", 4),  # type: ignore[arg-type]
        lambda: hub.quiz("sumas", -1),
        lambda: hub.evaluate("sumas", sample=-1),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()


# --- asking --------------------------------------------------------------------------------------


def test_an_answer_has_its_text_its_verdict_and_its_figures(workspace: Path, hub: Hub) -> None:
    answer = hub.ask("sumas", "¿Cuánto es 2 y 2?")
    assert answer.text == "[sumas] ¿Cuánto es 2 y 2?"
    assert answer.verdict is not None
    assert answer.verdict.code == "no_validator"
    assert (answer.finish, answer.completion_tokens) == ("stop", 6)


def test_the_bare_base_answers_under_no_name(hub: Hub) -> None:
    assert hub.ask("sumas", "hola", bare=True).text == "[base] hola"


def test_a_verdict_can_be_left_out(hub: Hub) -> None:
    assert hub.ask("sumas", "hola", judged=False).verdict is None


def test_a_question_may_be_sampled_in_its_own_way(hub: Hub) -> None:
    assert hub.ask("sumas", "uno dos tres", max_new_tokens=2).text == "[sumas] uno"
    with pytest.raises(UsageError, match="max_tokens") as raised:
        hub.ask("sumas", "uno", max_tokens=2)
    assert "max_new_tokens" in raised.value.hint


def test_pieces_come_one_by_one_and_the_whole_answer_at_the_end(hub: Hub) -> None:
    stream = hub.stream("sumas", "uno dos")
    assert next(stream) == "[sumas]"
    assert stream.answer is None
    assert "".join(stream) == " uno dos"
    assert stream.answer is not None
    assert stream.answer.text == "[sumas] uno dos"


def test_pieces_come_within_an_event_loop_that_goes_on_meanwhile(hub: Hub) -> None:
    async def lesson() -> tuple[list[list[str]], int]:
        ticks = 0

        async def clock() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        async def pieces(name: str) -> list[str]:
            return [piece async for piece in hub.astream(name, "uno dos")]

        ticking = asyncio.create_task(clock())
        found = await asyncio.gather(pieces("sumas"), pieces("restas"))
        ticking.cancel()
        return found, ticks

    found, ticks = asyncio.run(lesson())
    assert found == [["[sumas]", " uno", " dos"], ["[restas]", " uno", " dos"]]
    assert ticks > 0


def test_plain_calls_work_where_a_loop_is_running_already(hub: Hub) -> None:
    async def cell() -> str:
        return hub.ask("sumas", "hola").text

    assert asyncio.run(cell()) == "[sumas] hola"


def test_an_error_in_a_stream_is_raised_in_the_loop(hub: Hub) -> None:
    async def cell() -> None:
        async for _ in hub.astream("sumas", "  "):
            raise AssertionError("there is no answer to nothing")

    with pytest.raises(UsageError, match="question"):
        asyncio.run(cell())


def test_unknown_and_untrained_tutors_say_what_to_do(workspace: Path, hub: Hub) -> None:
    make_tutor_folder(workspace / "tutors/nuevo")
    with pytest.raises(NotFoundError) as unknown:
        hub.ask("suma", "hola")
    assert "sumas" in unknown.value.hint
    with pytest.raises(NotFoundError, match="not been trained") as untrained:
        hub.stream("nuevo", "hola")
    assert "hub.train" in untrained.value.hint


def test_what_is_edited_between_two_questions_counts_at_once(workspace: Path, hub: Hub) -> None:
    hub.ask("sumas", "hola")
    write(workspace / "tutors/sumas/validator.py", VALIDATOR)
    write(workspace / "tutors/sumas/tutor.toml", '[validator]\nuse = ["dictado"]\n[chat]\nmax_new_tokens = 2\n')
    answer = hub.ask("sumas", "uno dos", expected={"adapter": "correct"})
    assert answer.text == "[sumas] uno"
    assert answer.verdict is not None
    assert answer.verdict.outcome == "correct"


# --- many threads --------------------------------------------------------------------------------


class CountedRoom(ChatRoom):
    """Counts how often an engine is opened."""

    opened = 0

    def __init__(self, *words: Any) -> None:
        type(self).opened += 1
        super().__init__(*words)


def test_many_threads_ask_different_tutors_over_one_engine(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_room, "ChatRoom", CountedRoom)
    monkeypatch.setattr(CountedRoom, "opened", 0)

    def ask(number: int) -> None:
        name = ("sumas", "restas")[number % 2]
        assert hub.ask(name, f"pregunta {number}").text == f"[{name}] pregunta {number}"
        assert "".join(hub.stream(name, str(number))) == f"[{name}] {number}"
        hub.judge(name, "a", "b")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(64)))
    assert CountedRoom.opened == 1


def test_validators_of_tutors_that_are_opened_at_the_same_moment_do_not_mix(workspace: Path) -> None:
    for name in ("sumas", "restas"):
        dictate(workspace / "tutors" / name, [("c", "i")])
    gate = threading.Barrier(8)
    with opened(workspace) as hub:

        def judge(number: int) -> str:
            gate.wait(10)
            outcome = ("correct", "incorrect")[number % 2]
            return hub.judge(("sumas", "restas")[number % 2], "¿?", "[base]", expected={"base": outcome}).outcome

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(judge, range(8))) == ["correct", "incorrect"] * 4


# --- the other rooms -----------------------------------------------------------------------------


def test_route_names_the_tutor_and_why(workspace: Path) -> None:
    write(workspace / "tutors/sumas/data/train.jsonl", "".join(row(f"Suma la manzana {n}", "Sí.") for n in range(30)))
    write(workspace / "tutors/restas/data/train.jsonl", "".join(row(f"Quita la pera {n}", "Sí.") for n in range(30)))
    with opened(workspace) as hub:
        hub.train_together(["sumas", "restas"], max_steps=1)
        assert hub.route("Suma esta manzana").tutor == "sumas"
        assert hub.route("Quita esta pera").tutor == "restas"
        assert hub.ask("auto", "Quita esta pera").text == "[restas] Quita esta pera"
        with pytest.raises(NotFoundError, match="no tutor was found") as raised:
            hub.ask("auto", "zzz")
        assert "sumas" in raised.value.hint


def test_judging_needs_no_model(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dictate(workspace / "tutors/sumas", [("c", "i")])
    monkeypatch.setattr(shared_room, "ChatRoom", None)
    with opened(workspace) as hub:
        verdict = hub.judge("sumas", "¿2 y 2?", "[base] 5", expected={"base": "incorrect"}, history=["Hola", Message("assistant", "Hola.")])
    assert (verdict.outcome, verdict.reason, verdict.validator) == ("incorrect", "No es el resultado.", "dictado")


def test_training_says_what_it_came_to_and_the_run_answers(workspace: Path, hub: Hub) -> None:
    first = hub.ask("sumas", "hola")
    trained = hub.train("sumas", epochs=1, max_steps=4, seed=3)
    assert (trained.tutor, len(trained.losses), trained.best_step) == ("sumas", 4, 4)
    assert trained.losses[-1] < trained.losses[0]
    assert trained.held_out[0] > trained.held_out[4]
    assert trained.scores == {}
    assert trained.manifest.recipe["train"]["seed"] == 3
    run = store.chosen_run(workspace / "tutors/sumas")
    assert run is not None
    assert (run.id, run.folder) == (trained.run, trained.folder)
    talk = hub.conversation("sumas")
    talk.ask("hola")
    assert talk.turns[-1].run == trained.run
    assert first.text == talk.turns[-1].content


def test_scores_stand_beside_the_losses_where_there_is_a_judge(workspace: Path) -> None:
    folder = workspace / "tutors/sumas"
    dictate(folder, [("c", "i")])
    lines = [row(f"¿{n} y 1?", f"Son {n}.", expected={"base": "incorrect", "adapter": "correct"}) for n in range(40)]
    write(folder / "data/train.jsonl", "".join(lines))
    with opened(workspace) as hub:
        trained = hub.train("sumas", max_steps=5)
    assert trained.scores[0] == 0.0
    assert trained.scores[trained.best_step] == 1.0


def test_bad_rows_are_all_named_before_training(workspace: Path, hub: Hub) -> None:
    write(workspace / "tutors/sumas/data/train.jsonl", "{\nno\n")
    with pytest.raises(DataError) as raised:
        hub.train("sumas")
    assert len(raised.value.details) == 2
    assert hub.ask("restas", "hola").text == "[restas] hola", "the room is open again"


def test_an_interrupted_training_is_resumed_as_it_began(workspace: Path, hub: Hub) -> None:
    from adapters_hub.training import train_tutors

    events = train_tutors([hub.tutor("sumas")], load_test_plugins(), options={})
    while getattr(next(events), "step", 0) < 3:
        pass
    events.close()
    trained = hub.train("sumas", resume=True)
    assert len(trained.losses) < 6
    assert trained.manifest.metrics["steps"] == 6


def test_check_names_every_error_and_passes_a_sound_tutor(workspace: Path, hub: Hub) -> None:
    assert hub.check("sumas").passed
    write(workspace / "tutors/sumas/data/train.jsonl", "{\n")
    inspection = hub.check("sumas")
    assert not inspection.passed
    assert "train.jsonl:1" in inspection.errors[0]


def test_an_evaluation_compares_base_and_tutor_and_the_gate_speaks_of_it(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("i", "c")] * 6 + [("i", "i")])
    with opened(workspace) as hub:
        with pytest.raises(NotFoundError, match="not been trained"):
            hub.gate("sumas")
        hub.train("sumas", max_steps=2)
        evaluation = hub.evaluate("sumas")
        assert (evaluation.scores["base"].correct, evaluation.scores["adapter"].correct) == (0, 6)
        assert evaluation.exam.out.is_file()
        assert {condition.code for condition in hub.gate("sumas").conditions if not condition.passed} <= {"check"}
        assert hub.evaluate("sumas", sample=3).scores["adapter"].answers == 3


def test_a_quiz_can_be_held_in_a_cell(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("c", "correct")] * 3)
    with opened(workspace) as hub:
        quiz = hub.quiz("sumas", 2, seed=1)
        assert len(quiz.cards) == 2
        assert quiz.judge(quiz.cards[0], "[base]").outcome == "correct"


# --- trust and silence ---------------------------------------------------------------------------


def test_code_from_outside_the_workspace_runs_only_when_it_is_trusted(workspace: Path, tmp_path: Path) -> None:
    folder = make_tutor_folder(tmp_path / "elsewhere/ajeno")
    dictate(folder, [("c", "i")])
    with opened(workspace) as hub, pytest.raises(RightsError):
        hub.judge(str(folder), "a", "[base]", expected={"base": "correct"})
    with opened(workspace, trust=True) as hub:
        assert hub.judge(str(folder), "a", "[base]", expected={"base": "correct"}).outcome == "correct"


def test_without_progress_not_a_word_is_printed(workspace: Path, hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    hub.train("sumas", max_steps=2)
    hub.ask("sumas", "hola")
    hub.check("sumas")
    assert capfd.readouterr() == ("", "")


# --- the README ----------------------------------------------------------------------------------


@pytest.mark.skipif("open_workspace" not in README, reason="the README does not speak of the Python API")
def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (example,) = [block for block in blocks if "open_workspace" in block]
    shutil.copytree(REPOSITORY / "tutors", tmp_path / "tutors", ignore=shutil.ignore_patterns("runs", ".hub"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_BASE_ENGINE", "echo")
    monkeypatch.setenv("HUB_TRAIN_MAX_STEPS", "2")
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    said = capsys.readouterr().out
    assert "incorrect" in said
    assert "[sql]" in said
