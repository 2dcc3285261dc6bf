"""The evaluating room: both sides in the same batches, judged meanwhile, kept whatever happens, saved whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, load_test_plugins, make_tutor_folder, row, write
from dictated import dictate, events_of, prepared, sit, trained_run

from adapters_hub import evaluating
from adapters_hub.builtin.echo import EchoEngine, train
from adapters_hub.contracts import Completion, EngineSpec, Request
from adapters_hub.errors import HubError, ResourceError, UsageError
from adapters_hub.evaluating import Begun, Progress, evaluate
from adapters_hub.exams import Wishes
from adapters_hub.gate import read_evaluation
from adapters_hub.hookspecs import hookimpl
from adapters_hub.ledger import Ledger, Said, Spoken
from adapters_hub.plugins import PluginInfo, Plugins
from adapters_hub.types import Attempt, BaseModel, Verdict


@dataclass
class Witness:
    """An echo engine that remembers what it was asked and fails when it is told to."""

    batches: list[list[Request]] = field(default_factory=list)
    fail: Callable[[Sequence[Request]], None] = lambda requests: None
    room: int = 1000
    opened: int = 0
    closed: int = 0

    def plugins(self) -> Plugins:
        """Plugins with this engine as ``witness``."""
        witness = self

        class Watched(EchoEngine):
            def generate(self, requests: Sequence[Request]) -> list[Completion]:
                witness.fail(requests)
                witness.batches.append(list(requests))
                return super().generate(requests)

            def tokens_left(self, request: Request) -> int:
                return witness.room - sum(len(turn.content) for turn in request.messages)

            def close(self) -> None:
                witness.closed += 1
                super().close()

        def open_engine(base: BaseModel) -> Watched:
            witness.opened += 1
            return Watched(base)

        class Offer:
            @hookimpl
            def hub_engines(self) -> list[EngineSpec]:
                return [EngineSpec("witness", "remembers", open_engine, train)]

        plugins = load_test_plugins()
        plugins.add(PluginInfo("witness", "installed"), Offer)
        return plugins

    @property
    def asked(self) -> list[Request]:
        return [request for batch in self.batches for request in batch]


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The pictures that would have been drawn: drawing takes longer than all the rest."""
    drawn: list[Path] = []
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: drawn.append(path))
    return drawn


@pytest.fixture
def classroom(workspace: Path, pictures: list[Path]) -> Path:
    """The workspace, with a trained tutor ``sumas`` on the engine ``witness`` and six dictated held-out rows."""
    write(workspace / "tutors/hub.toml", '[base]\nengine = "witness"\n')
    dictate(workspace / "tutors/sumas", [("c", "c"), ("c", "i"), ("i", "c"), ("u", "u"), ("u", "c"), ("i", "i")])
    trained_run(workspace / "tutors/sumas")
    return workspace


def run_folder(workspace: Path) -> Path:
    (folder,) = (entry for entry in (workspace / "tutors/sumas/runs").iterdir() if not entry.name.startswith("."))
    return folder


def comparable(document: Any) -> Any:
    """Without what differs from call to call."""
    changing = ("created", "seconds", "tokens_per_second", "batch")

    def without_times(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: value for key, value in pairs if key not in changing}

    return json.loads(json.dumps(document, default=str), object_pairs_hook=without_times)


# --- asking --------------------------------------------------------------------------------------


def test_both_sides_are_asked_the_same_in_the_same_batches(classroom: Path) -> None:
    witness = Witness()
    sit(classroom, Wishes(batch=5), plugins=witness.plugins())
    assert [len(batch) for batch in witness.batches] == [4, 4, 4]
    for batch in witness.batches:
        for base, adapter in zip(batch[::2], batch[1::2], strict=True):
            assert (base.adapter, adapter.adapter) == (None, "sumas")
            assert base.messages == adapter.messages and base.sampling == adapter.sampling
    assert all(request.sampling.temperature == 0 and request.sampling.seed is None for request in witness.asked)
    assert (witness.opened, witness.closed) == (1, 1)


def test_drawn_answers_have_a_seed_of_their_row_that_is_the_same_for_every_side(classroom: Path) -> None:
    witness = Witness()
    saved = sit(classroom, Wishes(samples=3, temperature=0.7), plugins=witness.plugins())
    seeds: dict[str, set[int | None]] = {}
    for request in witness.asked:
        seeds.setdefault(str(request.adapter), set()).add(request.sampling.seed)
    assert len(seeds["None"]) == 18 and seeds["None"] == seeds["sumas"]
    assert set(saved.document["sides"]["adapter"]["pass_at"]) == {"1", "2", "3"}
    assert saved.document["differences"][0]["p"] is None


def test_where_memory_is_short_the_batches_get_smaller_and_stay_so(classroom: Path) -> None:
    def fail(requests: Sequence[Request]) -> None:
        if len(requests) > 3:
            raise OutOfMemoryError("CUDA out of memory")

    witness = Witness(fail=fail)
    saved = sit(classroom, Wishes(batch=8), plugins=witness.plugins())
    assert [len(batch) for batch in witness.batches] == [2] * 6
    assert comparable(saved.document) == comparable(sit(classroom, plugins=Witness().plugins()).document)


@pytest.mark.parametrize(
    "error",
    [OutOfMemoryError("x"), MemoryError(), ResourceError("x"), RuntimeError("DefaultCPUAllocator: not enough memory")],
    ids=["cuda", "python", "ours", "torch on the processor"],
)
def test_with_no_memory_for_one_question_it_says_what_to_try(classroom: Path, error: Exception) -> None:
    def fail(requests: Sequence[Request]) -> None:
        raise error

    witness = Witness(fail=fail)
    with pytest.raises(ResourceError) as caught:
        sit(classroom, plugins=witness.plugins())
    assert "--limit-tokens" in caught.value.hint
    assert witness.closed == 1


def test_any_other_fault_of_the_engine_is_told_as_it_is(classroom: Path) -> None:
    def fail(requests: Sequence[Request]) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        sit(classroom, plugins=Witness(fail=fail).plugins())


def test_a_question_that_leaves_no_room_is_not_asked_and_not_wrong(classroom: Path) -> None:
    file = classroom / "tutors/sumas/data/eval.jsonl"
    write(file, file.read_text() + row("x" * 2000, "y", expected={"base": "incorrect", "adapter": "incorrect"}))
    witness = Witness()
    saved = sit(classroom, plugins=witness.plugins())
    assert all(len(request.messages[-1].content) < 2000 for request in witness.asked)
    last = saved.document["answers"][-1]["sides"]["adapter"][0]
    assert (last["text"], last["finish"], last["verdict"]["outcome"], last["verdict"]["code"]) == ("", "no_room", "unverified", "no_room")


def test_answers_are_judged_while_the_next_batch_is_decoded(classroom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second_batch, judging = threading.Event(), threading.Event()
    batches = 0

    def fail(requests: Sequence[Request]) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            assert judging.wait(5), "the answers of the first batch are not being judged yet"
            second_batch.set()

    class Waiting:
        def judge(self, attempt: Attempt) -> Verdict:
            judging.set()
            return Verdict("correct" if second_batch.wait(5) else "incorrect")

    exam, plugins, _ = prepared(classroom, Wishes(batch=2), Witness(fail=fail).plugins())
    saved = list(evaluate(exam, plugins, Waiting()))[-1]
    assert isinstance(saved, evaluating.Saved)
    assert saved.evaluation.scores["base"].correct == 6


def test_progress_is_told_after_each_batch_and_until_all_is_judged(classroom: Path) -> None:
    begun, *progress, _saved = events_of(classroom, Wishes(batch=4), plugins=Witness().plugins())
    assert isinstance(begun, Begun) and (begun.answers, begun.kept) == (12, 0)
    told = [event for event in progress if isinstance(event, Progress)]
    assert len(told) == len(progress)
    assert [event.answered for event in told][:3] == [4, 8, 12]
    assert (told[-1].answered, told[-1].judged) == (12, 12)
    assert told[-1].tokens > 0


# --- what comes out ------------------------------------------------------------------------------


def test_the_document_says_how_both_did_and_holds_every_answer(classroom: Path) -> None:
    saved = sit(classroom, plugins=Witness().plugins())
    folder = run_folder(classroom)
    assert saved.file == folder / "eval.json"
    document = read_evaluation(folder)
    assert document is not None
    assert document == json.loads(json.dumps(saved.document))
    assert (document["tutor"], document["run"], document["schema"]) == ("sumas", folder.name, 1)
    base, adapter = document["sides"]["base"], document["sides"]["adapter"]
    assert (base["correct"], base["incorrect"], base["unverified"]) == (2, 2, 2)
    assert (adapter["correct"], adapter["incorrect"], adapter["unverified"]) == (3, 2, 1)
    assert (base["score"], adapter["score"]) == (2 / 6, 3 / 6)
    assert adapter["warnings"] == {"gives_answer_away": 1.0}
    (difference,) = document["differences"]
    assert (difference["side"], difference["other"], difference["gained"], difference["lost"]) == ("adapter", "base", 2, 1)
    assert document["lost"] == [2] and document["wrong"] == [2, 6]
    assert {group["name"]: group["rows"] for group in document["topics"]} == {"pares": 3, "impares": 3}
    assert [group["name"] for group in document["difficulties"]] == ["1", "2", "3"]
    first = document["answers"][0]
    assert first["where"].endswith("eval.jsonl:1") and first["messages"] == [{"role": "user", "content": "¿Cuánto es 0 y 1000?"}]
    assert first["sides"]["adapter"][0]["text"] == "[sumas] ¿Cuánto es 0 y 1000?"
    assert first["sides"]["adapter"][0]["verdict"]["outcome"] == "correct"
    assert document["adapter"]["files"] and document["versions"] and document["sampling"]["temperature"] == 0
    assert not list(folder.glob("eval.partial*")) and not list(folder.glob(".eval.json*"))


def test_the_same_evaluation_has_the_same_outcome(classroom: Path) -> None:
    first, second = (sit(classroom, Wishes(batch=batch), plugins=Witness().plugins()) for batch in (3, 7))
    assert comparable(first.document) == comparable(second.document)


def test_a_tutor_without_adapter_has_its_base_evaluated_outside_any_run(workspace: Path, pictures: list[Path]) -> None:
    dictate(workspace / "tutors/sumas", [("c", "c"), ("i", "c")])
    saved = sit(workspace)
    assert list(saved.document["sides"]) == ["base"] and saved.document["run"] is None
    assert saved.file == workspace / "tutors/sumas/runs/.base/eval.json"


def test_the_picture_lies_beside_the_document_and_is_worth_no_evaluation(
    classroom: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sit(classroom, plugins=Witness().plugins()).picture == run_folder(classroom) / "eval.png"

    def full(*arguments: Any, **more: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(evaluating, "draw_scores", full)
    saved = sit(classroom, plugins=Witness().plugins())
    assert saved.picture is None and "disk full" in saved.problem
    assert saved.file.is_file()


def test_answers_to_a_list_are_saved_apart_without_a_picture(classroom: Path, pictures: list[Path]) -> None:
    file = write(classroom / "q.txt", "¿Qué es una suma?\n¿Y una resta?\n")
    saved = sit(classroom, Wishes(questions=file), plugins=Witness().plugins())
    assert saved.file == run_folder(classroom) / "answers-q.json" and saved.picture is None and pictures == []
    said = [row["sides"]["adapter"][0]["text"] for row in saved.document["answers"]]
    assert said == ["[sumas] ¿Qué es una suma?", "[sumas] ¿Y una resta?"]
    assert not (run_folder(classroom) / "eval.json").exists()


# --- a quick look takes nothing away --------------------------------------------------------------


@pytest.mark.parametrize("wishes", [Wishes(sample=2), Wishes(limit_tokens=1), Wishes(unsafe_exec=True)], ids=["sample", "short", "unsafe"])
def test_a_complete_evaluation_is_not_replaced_by_a_quick_look(classroom: Path, wishes: Wishes) -> None:
    sit(classroom, plugins=Witness().plugins())
    before = (run_folder(classroom) / "eval.json").read_bytes()
    saved = sit(classroom, wishes, plugins=Witness().plugins())
    assert saved.file == run_folder(classroom) / "eval.trial.json"
    assert (run_folder(classroom) / "eval.json").read_bytes() == before


def test_an_outdated_evaluation_is_replaced(classroom: Path) -> None:
    sit(classroom, plugins=Witness().plugins())
    dictate(classroom / "tutors/sumas", [("c", "c")] * 3)
    assert sit(classroom, Wishes(sample=2), plugins=Witness().plugins()).file.name == "eval.json"
    write(run_folder(classroom) / "eval.json", "{")
    assert sit(classroom, Wishes(sample=2), plugins=Witness().plugins()).file.name == "eval.json"


# --- interruptions -------------------------------------------------------------------------------


def test_an_interrupted_evaluation_goes_on_where_it_stopped(classroom: Path) -> None:
    calls = 0

    def fail(requests: Sequence[Request]) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    first, second = Witness(fail=fail), Witness()
    with pytest.raises(KeyboardInterrupt):
        sit(classroom, Wishes(batch=4), plugins=first.plugins())
    assert first.closed == 1 and (run_folder(classroom) / "eval.partial.jsonl").is_file()
    begun, *_, saved = events_of(classroom, Wishes(batch=4), plugins=second.plugins())
    assert isinstance(begun, Begun) and begun.kept == 8
    assert [len(batch) for batch in second.batches] == [4]
    whole = sit(classroom, Wishes(batch=4), plugins=Witness().plugins())
    assert isinstance(saved, evaluating.Saved) and comparable(saved.document) == comparable(whole.document)


def test_other_settings_do_not_take_over_what_was_interrupted(classroom: Path) -> None:
    exam, _, _ = prepared(classroom, Wishes(limit_tokens=3), Witness().plugins())
    ledger = Ledger.opened(exam.folder, exam.fingerprint, judge="x")
    ledger.add(Spoken({exam.keys[0]: Said("old", "stop", 1, 1, 0.1)}, 0.1))
    ledger.close()
    witness = Witness()
    begun, *_ = events_of(classroom, plugins=witness.plugins())
    assert isinstance(begun, Begun) and begun.kept == 0 and len(witness.asked) == 12
    assert (exam.folder / "eval.partial.jsonl").is_file(), "the interrupted one can still be continued"


def test_when_all_was_answered_the_engine_is_not_opened_again(classroom: Path) -> None:
    class Stumbling:
        def judge(self, attempt: Attempt) -> Verdict:
            raise KeyboardInterrupt

    exam, plugins, validator = prepared(classroom, None, Witness().plugins())
    with pytest.raises(KeyboardInterrupt):
        list(evaluate(exam, plugins, Stumbling()))
    witness = Witness()
    exam, plugins, validator = prepared(classroom, None, witness.plugins())
    saved = list(evaluate(exam, plugins, validator))[-1]
    assert witness.opened == 0
    assert isinstance(saved, evaluating.Saved) and saved.evaluation.scores["adapter"].correct == 3


def test_nothing_is_left_behind_where_nothing_was_answered(classroom: Path) -> None:
    def fail(requests: Sequence[Request]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sit(classroom, plugins=Witness(fail=fail).plugins())
    assert not list(run_folder(classroom).glob("eval*"))


def test_two_evaluations_of_one_run_do_not_mix(classroom: Path) -> None:
    exam, plugins, validator = prepared(classroom, None, Witness().plugins())
    first = evaluate(exam, plugins, validator)
    next(first)
    with pytest.raises(UsageError, match="another process"):
        next(evaluate(exam, plugins, validator))
    first.close()  # type: ignore[attr-defined]
    assert len(list(evaluate(exam, plugins, validator))) > 2


# --- judging again -------------------------------------------------------------------------------


def test_answers_can_be_judged_again_without_asking(classroom: Path) -> None:
    sit(classroom, plugins=Witness().plugins())
    file = classroom / "tutors/sumas/validator.py"
    write(file, file.read_text().replace('(attempt.expected or {}).get(side, "unverified")', '"correct"'))
    witness = Witness()
    saved = sit(classroom, plugins=witness.plugins(), rejudge=True)
    assert witness.opened == 0
    assert saved.evaluation.scores["adapter"].correct == 6
    assert saved.file.name == "eval.json"


def test_there_must_be_answers_to_judge_again(classroom: Path) -> None:
    with pytest.raises(UsageError, match="nothing to judge again"):
        sit(classroom, plugins=Witness().plugins(), rejudge=True)
    sit(classroom, plugins=Witness().plugins())
    with pytest.raises(UsageError, match="other questions"):
        sit(classroom, Wishes(limit_tokens=3), plugins=Witness().plugins(), rejudge=True)
    write(run_folder(classroom) / "eval.json", '{"fingerprint": 3}')
    with pytest.raises(HubError):
        sit(classroom, plugins=Witness().plugins(), rejudge=True)


# --- a real base ---------------------------------------------------------------------------------


@pytest.mark.skipif(
    not (REPOSITORY / "adapters_hub/bases/mini/model.safetensors").is_file(), reason="the embedded base is not in this checkout"
)
def test_the_embedded_base_and_an_adapter_over_it_are_evaluated(workspace: Path, pictures: list[Path]) -> None:
    from adapters_hub.training import train_tutors

    write(workspace / "tutors/hub.toml", '[base]\nmodel = "mini"\n')
    folder = make_tutor_folder(
        workspace / "tutors/sumas", settings="[train]\nmax_steps = 1\nbatch_size = 2\nlearning_rate = 5e-3\n", rows=4
    )
    write(folder / "data/eval.jsonl", row("¿Cuánto es 2 y 3?", "5") + row("¿Qué es una suma?", "Juntar.", tags=["idea"]))
    exam, plugins, _validator = prepared(workspace)
    list(train_tutors([exam.tutor], plugins))
    saved = sit(workspace, Wishes(limit_tokens=6))
    assert list(saved.document["sides"]) == ["base", "adapter"]
    said = [answer for row in saved.document["answers"] for side in row["sides"].values() for answer in side]
    assert len(said) == 4 and all(answer["prompt_tokens"] and 0 < answer["completion_tokens"] <= 6 for answer in said)
    assert saved.evaluation.tokens > 0
