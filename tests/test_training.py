"""The training room, over the echo engine: what lies on disk after each way a training can end."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Hub, load_test_plugins, make_tutor_folder, write

from adapters_hub import store
from adapters_hub.contracts import TrainEnd, TrainStart, TrainStep
from adapters_hub.errors import DataError, Interrupted, NotFoundError, UsageError
from adapters_hub.training import RunSaved, event_line, train_tutors
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import find_workspace


def tutor_of(workspace: Path, name: str = "sumas", **options: Any) -> Tutor:
    return read_tutor(workspace / "tutors" / name, find_workspace(workspace), options=options)


def test_a_run_is_whole_with_log_picture_and_manifest(workspace: Path) -> None:
    events = list(train_tutors([tutor_of(workspace)], load_test_plugins()))
    saved = events[-1]
    assert isinstance(events[0], TrainStart)
    assert isinstance(saved, RunSaved)
    assert {path.name for path in saved.folder.iterdir()} >= {
        "adapter_config.json",
        "adapter_model.safetensors",
        "log.jsonl",
        "loss.png",
        "manifest.json",
    }
    assert (saved.folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    (run,) = store.list_runs(workspace / "tutors/sumas")
    assert run.whole
    assert run.manifest is not None
    assert (run.manifest.base, run.manifest.files) == (saved.manifest.base, saved.manifest.files)
    end = next(event for event in events if isinstance(event, TrainEnd))
    assert run.manifest.metrics["held_out_last"] == end.held_out_last
    assert run.manifest.recipe["train"]["max_steps"] == 6
    assert set(run.manifest.files) == {"adapter_config.json", "adapter_model.safetensors"}


def test_the_log_has_each_step_once(workspace: Path) -> None:
    events = list(train_tutors([tutor_of(workspace)], load_test_plugins()))
    log = store.read_log(events[-1].folder)  # type: ignore[union-attr]
    assert [line["step"] for line in log if line["event"] == "step"] == [1, 2, 3, 4, 5, 6]
    assert log[0]["event"] == "start"


def test_the_validation_rows_are_not_trained_on(workspace: Path) -> None:
    jobs: list[Any] = []
    plugins = load_test_plugins()
    engine = plugins.engine("echo")

    def spying(given: Any) -> Any:
        jobs.extend(given)
        assert engine.train is not None
        return engine.train(given)

    plugins.engine = lambda name: type("Spec", (), {"name": name, "train": staticmethod(spying)})()  # type: ignore[method-assign,assignment,return-value]
    list(train_tutors([tutor_of(workspace)], plugins))
    (job,) = jobs
    questions = [{example.messages[1].content for example in rows} for rows in (job.train, job.validation)]
    assert not questions[0] & questions[1]
    assert len(questions[0] | questions[1]) == 12
    assert questions[1]
    assert all(example.messages[0].role == "system" for example in (*job.train, *job.validation))


def test_ctrl_c_ends_after_the_step_and_resume_continues(workspace: Path) -> None:
    tutor = tutor_of(workspace, **{"train.max_steps": 9})
    events = train_tutors([tutor], load_test_plugins())
    with pytest.raises(Interrupted) as caught:
        for event in events:
            if isinstance(event, TrainStep) and event.step == 3:
                os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.hint == "hub train sumas --resume"
    assert not store.list_runs(tutor.folder)[0].whole
    rest = list(train_tutors([tutor], load_test_plugins(), resume=True))
    assert isinstance(rest[0], TrainStart)
    assert rest[0].first_step == 3
    log = store.read_log(rest[-1].folder)  # type: ignore[union-attr]
    assert [line["step"] for line in log if line["event"] == "step"] == list(range(1, 10))
    assert len(store.list_runs(tutor.folder)) == 1


def test_the_handler_of_ctrl_c_is_put_back(workspace: Path) -> None:
    former = signal.getsignal(signal.SIGINT)
    list(train_tutors([tutor_of(workspace)], load_test_plugins()))
    assert signal.getsignal(signal.SIGINT) is former


def test_several_tutors_are_trained_in_one_go(workspace: Path) -> None:
    events = list(train_tutors([tutor_of(workspace), tutor_of(workspace, "restas")], load_test_plugins()))
    assert [event.job for event in events if isinstance(event, RunSaved)] == ["sumas", "restas"]


def test_nothing_to_resume_is_an_error_and_leaves_nothing(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match="no interrupted run"):
        list(train_tutors([tutor_of(workspace)], load_test_plugins(), resume=True))
    assert store.list_runs(workspace / "tutors/sumas") == ()


def test_bad_rows_are_all_named_and_leave_no_run(workspace: Path) -> None:
    write(workspace / "tutors/sumas/data/train.jsonl", '{"messages": []}\nnonsense\n')
    with pytest.raises(DataError) as caught:
        list(train_tutors([tutor_of(workspace)], load_test_plugins()))
    assert len(caught.value.details) == 2
    assert store.list_runs(workspace / "tutors/sumas") == ()


def test_an_engine_that_only_answers_is_refused(workspace: Path) -> None:
    plugins = load_test_plugins()
    plugins.engine = lambda name: type("Spec", (), {"name": name, "train": None})()  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(UsageError, match="only answers"):
        list(train_tutors([tutor_of(workspace)], plugins))
    assert store.list_runs(workspace / "tutors/sumas") == ()


def test_events_are_json_lines(workspace: Path) -> None:
    kinds = [
        json.loads(json.dumps(event_line(event), default=str))["event"]
        for event in train_tutors([tutor_of(workspace)], load_test_plugins())
    ]
    assert kinds == ["start", *["step"] * 6, "end", "saved"]


# --- the command ---------------------------------------------------------------------------------


def test_hub_train_says_what_was_learned_and_what_to_type_next(workspace: Path, hub: Hub) -> None:
    done = hub("train", "tutors/sumas")
    assert done.code == 0
    assert "sumas is trained: tutors/sumas/runs/" in done.out
    assert "held-out loss" in done.out
    assert 'next: hub ask sumas "¿Cuánto es 100 y 1?"' in done.out
    assert "parameters" in done.err.splitlines()[1]


def test_hub_train_json_streams_each_event_on_a_line(workspace: Path, hub: Hub) -> None:
    lines = [json.loads(line) for line in hub("train", "sumas", "--json", "--max-steps", "2").out.splitlines()]
    assert [line["event"] for line in lines] == ["start", "step", "step", "end", "saved"]


def test_options_overrule_settings_and_reach_the_manifest(workspace: Path, hub: Hub) -> None:
    hub("train", "sumas", "--max-steps", "3", "--seed", "11", "--base", "mini", "--quantization", "none")
    manifest = store.list_runs(workspace / "tutors/sumas")[0].manifest
    assert manifest is not None
    assert (manifest.recipe["train"]["max_steps"], manifest.recipe["train"]["seed"]) == (3, 11)


def test_two_tutors_in_one_command_and_the_same_twice_is_refused(workspace: Path, hub: Hub) -> None:
    done = hub("train", "sumas", "restas")
    assert "sumas is trained" in done.out
    assert "restas is trained" in done.out
    assert hub("train", "sumas", "tutors/sumas").code == 2


def test_a_tutor_that_learned_nothing_is_called_so(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters_hub.builtin.echo._loss", lambda *arguments, **named: 3.0)
    assert "no better than its base" in hub("train", "sumas").err


def test_bad_settings_and_missing_tutors_have_their_exit_codes(workspace: Path, hub: Hub) -> None:
    assert hub("train", "suma").code == 3
    assert hub("train", "sumas", "--max-steps", "0").code == 2
    make_tutor_folder(workspace / "tutors/otro", settings="[train]\nepoch = 3\n")
    done = hub("train", "otro")
    assert done.code == 2
    assert "epochs" in done.err


# --- the score -----------------------------------------------------------------------------------

VALIDATOR = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Judge:
    def judge(self, attempt):
        right = attempt.answer.startswith("Son") or "[sumas]" in attempt.answer
        return Verdict("correct" if right else "incorrect", warnings=("long",))

@hookimpl
def hub_validators():
    return [ValidatorSpec("propio", "", lambda options: Judge())]
"""


@pytest.fixture
def judged(workspace: Path) -> Path:
    """The tutor ``sumas`` with a validator of its own, to which the base's answers are wrong and the tutor's right."""
    folder = make_tutor_folder(workspace / "tutors/sumas", rows=30)
    write(folder / "tutor.toml", '[validator]\nuse = ["propio"]\n\n[dataset]\nvalidation = 0.3\n')
    write(folder / "validator.py", VALIDATOR)
    return folder


def own_plugins(workspace: Path) -> Any:
    plugins = load_test_plugins()
    plugins.own_folder = workspace / "tutors"
    return plugins


def test_the_score_of_base_and_tutor_reaches_events_log_and_manifest(workspace: Path, judged: Path) -> None:
    events = list(train_tutors([tutor_of(workspace)], own_plugins(workspace)))
    start, saved = events[0], events[-1]
    assert isinstance(start, TrainStart) and isinstance(saved, RunSaved)
    assert (start.score, start.score_note) == (0.0, "") and start.score_rows >= 3
    log = store.read_log(saved.folder)
    assert log[0]["score"] == 0.0 and log[-1]["score"] == 1.0
    metrics = saved.manifest.metrics
    assert (metrics["score_first"], metrics["score_last"], metrics["score_rows"]) == (0.0, 1.0, start.score_rows)


def test_the_score_asks_rows_kept_aside_and_never_the_held_out_questions(workspace: Path, judged: Path) -> None:
    jobs: list[Any] = []
    plugins = own_plugins(workspace)
    engine = plugins.engine("echo")

    def spying(given: Any) -> Any:
        jobs.extend(given)
        return engine.train(given)

    plugins.engine = lambda name: type("Spec", (), {"name": name, "train": staticmethod(spying)})()
    list(train_tutors([tutor_of(workspace, **{"train.score_rows": 3})], plugins))
    asked: list[Any] = []
    jobs[0].score(lambda conversations, **named: asked.extend(conversations) or [""] * len(conversations))
    kept_aside = {example.messages[:-1] for example in jobs[0].validation}
    assert len(asked) == 3 and set(asked) <= kept_aside


@pytest.mark.parametrize("settings", ["[train]\nscore_rows = 0\n", "[dataset]\nvalidation = 0.0\n"])
def test_a_score_that_nobody_wants_is_no_note(workspace: Path, hub: Hub, judged: Path, settings: str) -> None:
    write(judged / "tutor.toml", f'[validator]\nuse = ["propio"]\n{settings}')
    done = hub("train", "sumas")
    assert done.code == 0 and "score" not in done.out + done.err


@pytest.mark.parametrize(
    ("use", "reason"),
    [('["text"]', "none is known to be correct by text"), ('["nadie"]', "validator 'nadie' not found"), ('["roto"]', "unverified)")],
)
def test_a_validator_that_cannot_tell_is_one_note_and_the_loss_decides(
    workspace: Path, hub: Hub, judged: Path, use: str, reason: str
) -> None:
    write(judged / "tutor.toml", f"[validator]\nuse = {use}\n")
    write(judged / "validator.py", VALIDATOR.replace("right =", "raise RuntimeError() #").replace("propio", "roto"))
    done = hub("train", "sumas")
    assert done.code == 0
    (note,) = [line for line in done.err.splitlines() if "score" in line]
    assert note.startswith("no score, the held-out loss alone chooses the adapter") and reason in note
    assert "held-out loss" in done.out


def test_hub_train_prints_the_score_with_its_rows(workspace: Path, hub: Hub, judged: Path) -> None:
    done = hub("train", "sumas")
    rows = store.list_runs(judged)[0].manifest.metrics["score_rows"]  # type: ignore[union-attr]
    assert f", its score 0% of {rows} rows" in done.err
    assert "score 100% ✓" in done.err
    assert f"score          base 0% → tutor 100% (0 → {rows} of {rows} rows: few, a hint rather than a measure)" in done.out
    assert "SCORE" in hub("list").out and "0% -> 100%" in hub("list").out
    assert "score 0% -> 100%" in hub("show", "sumas").out
    assert hub("list", "--json").document["tutors"][1]["metrics"]["score_last"] == 1.0


def test_a_tutor_that_answers_worse_than_its_base_is_called_so(workspace: Path, hub: Hub, judged: Path) -> None:
    write(judged / "validator.py", VALIDATOR.replace("[sumas]", "[base]"))
    done = hub("train", "sumas")
    assert "base 100% → tutor 0%" in done.out
    assert "fewer of the rows kept aside correctly than its base" in done.err


def test_ctrl_c_while_an_answer_is_judged_ends_at_once_and_resume_makes_up_for_it(
    workspace: Path, hub: Hub, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = VALIDATOR.replace(
        "right =",
        "import os, signal, time, pathlib\n        if '[sumas]' in attempt.answer and not pathlib.Path('once').exists():\n"
        "            try:\n                open('once', 'x').close()  # answers are judged side by side: only one presses Ctrl-C\n"
        "                os.kill(os.getpid(), signal.SIGINT)\n            except FileExistsError:\n                pass\n"
        "            time.sleep(30)\n        right =",
    )
    write(judged / "validator.py", slow)
    begun = time.perf_counter()
    done = hub("train", "sumas")
    assert done.code == 130 and "hub train sumas --resume" in done.err
    assert time.perf_counter() - begun < 10
    rest = hub("train", "sumas", "--resume")
    assert rest.code == 0 and "tutor 100%" in rest.out
    (run,) = store.list_runs(judged)
    assert [line["step"] for line in store.read_log(run.folder) if line["event"] == "step"] == [1, 2, 3, 4, 5, 6]


def test_the_picture_has_a_second_axis_where_there_are_scores(tmp_path: Path) -> None:
    from adapters_hub.loss_plot import draw_loss

    log: list[dict[str, Any]] = [{"event": "start", "held_out_loss": 3.0, "score": 0.1}]
    log += [{"event": "step", "step": n, "loss": 3.0 / n, "held_out_loss": 3.0 / n, "score": n / 10, "best": n == 3} for n in range(1, 5)]
    draw_loss(log, tmp_path / "with.png", title="sumas")
    draw_loss([{key: value for key, value in line.items() if key != "score"} for line in log], tmp_path / "without.png", title="sumas")
    with_score, without = ((tmp_path / name).read_bytes() for name in ("with.png", "without.png"))
    assert with_score.startswith(b"\x89PNG") and without.startswith(b"\x89PNG") and with_score != without


def test_all_tutors_of_a_step_are_logged_when_it_is_the_last(workspace: Path) -> None:
    """An engine that trains tutors together tells the events of one step one after the other."""
    from adapters_hub.builtin import echo

    plugins = load_test_plugins()

    def together(jobs: Any) -> Any:
        streams = [echo.train([job]) for job in jobs]
        try:
            for _ in range(20):
                for stream in streams:
                    yield next(stream)
        except StopIteration:
            return
        finally:
            for stream in streams:
                stream.close()  # type: ignore[attr-defined]

    plugins.engine = lambda name: type("Spec", (), {"name": name, "train": staticmethod(together)})()  # type: ignore[method-assign,assignment,return-value]
    tutors = [tutor_of(workspace), tutor_of(workspace, "restas")]
    with pytest.raises(Interrupted):
        for event in train_tutors(tutors, plugins):
            if isinstance(event, TrainStep) and (event.job, event.step) == ("sumas", 3):
                os.kill(os.getpid(), signal.SIGINT)
    for tutor in tutors:
        run = store.unfinished_run(tutor.folder)
        assert run is not None
        assert [line["step"] for line in store.read_log(run) if line["event"] == "step"] == [1, 2, 3]


# --- accidents -----------------------------------------------------------------------------------


def interrupt(hub: Hub, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """``hub train`` with a Ctrl-C after the third step."""
    write_log = store.append_log

    def then_interrupt(run_dir: Path, record: Any) -> None:
        write_log(run_dir, record)
        if record.get("step") == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(store, "append_log", then_interrupt)
        return hub("train", *words)


def test_the_printed_resume_command_repeats_the_options(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    done = interrupt(hub, monkeypatch, "sumas", "--max-steps", "5", "--seed", "3")
    assert done.code == 130
    assert "hint: hub train sumas --resume" in done.err
    assert hub("train", "sumas", "--resume").code == 0
    (run,) = store.list_runs(workspace / "tutors/sumas")
    assert run.manifest is not None
    assert (run.manifest.recipe["train"]["max_steps"], run.manifest.recipe["train"]["seed"]) == (5, 3)
    assert run.manifest.metrics["steps"] == 5


def test_the_resume_hint_names_only_tutors_that_have_begun(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    done = interrupt(hub, monkeypatch, "sumas", "restas")
    assert "hint: hub train sumas --resume" in done.err
    assert store.list_runs(workspace / "tutors/restas") == ()


def test_a_picture_that_cannot_be_drawn_costs_no_training(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*arguments: Any, **named: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adapters_hub.training.draw_loss", no_space)
    done = hub("train", "sumas")
    assert done.code == 0
    assert "loss.png was not drawn" in done.err
    assert store.list_runs(workspace / "tutors/sumas")[0].whole


def test_a_run_that_another_process_trains_is_not_resumed(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(hub, monkeypatch, "sumas")
    run = store.unfinished_run(workspace / "tutors/sumas")
    assert run is not None
    lock = store.hold(run)
    done = hub("train", "sumas", "--resume")
    assert done.code == 2
    assert "another process" in done.err
    lock.release()
    assert hub("train", "sumas", "--resume").code == 0


def test_finishing_an_older_run_puts_it_in_use(workspace: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(hub, monkeypatch, "sumas")
    older = store.unfinished_run(workspace / "tutors/sumas")
    assert older is not None
    hub("train", "sumas")
    hub("train", "sumas", "--resume")
    run = store.chosen_run(workspace / "tutors/sumas")
    assert run is not None
    assert run.id == older.name


def test_an_interruption_before_the_first_step_leaves_no_run(workspace: Path) -> None:
    events = train_tutors([tutor_of(workspace)], load_test_plugins())
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert store.list_runs(workspace / "tutors/sumas") == ()
