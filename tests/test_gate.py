"""The gate: a run may be published only when an evaluation of this very run says that it is better than its base."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, row, write
from dictated import dictate, sit, trained_run, tutor_of

from adapters_hub import evaluating, store
from adapters_hub import gate as gates
from adapters_hub.contracts import ValidatorSpec
from adapters_hub.errors import BelowThresholdError, HubError
from adapters_hub.exams import Wishes
from adapters_hub.gate import GateReport, gate, judge_identity, read_evaluation, require_pass, scores_of
from adapters_hub.hookspecs import hookimpl
from adapters_hub.plugins import PluginInfo
from adapters_hub.workspace import write_json

GOOD = [("i", "c")] * 4 + [("c", "c"), ("u", "u")]
"""The base has one of six right, the adapter five; nothing the adapter says is incorrect."""


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all the rest."""
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: None)


@pytest.fixture
def run(workspace: Path) -> store.Run:
    """A run of ``sumas`` that was evaluated and is better than its base."""
    dictate(workspace / "tutors/sumas", GOOD)
    found = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    return found


def report(run: store.Run, findings: list[str] | None = (), **options: Any) -> GateReport:  # type: ignore[assignment]
    return gate(run, tutor_of(run.folder.parents[3], **options), load_test_plugins(), findings)


def failed(run: store.Run, findings: list[str] | None = (), **options: Any) -> list[str]:  # type: ignore[assignment]
    return [condition.code for condition in report(run, findings, **options).failed]


def edit(run: store.Run, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((run.folder / "eval.json").read_text())
    change(document)
    write_json(run.folder / "eval.json", document)


def test_a_better_run_that_was_evaluated_and_checked_passes(run: store.Run) -> None:
    found = report(run)
    assert found.passed and found.failed == ()
    require_pass(found)
    assert [condition.code for condition in found.conditions] == [
        *("evaluated", "adapter", "dataset", "prompt", "validator", "answers", "sandbox", "rows", "base"),
        *("better", "incorrect", "crash", "check"),
    ]
    assert not any(condition.hint for condition in found.conditions)


def test_the_report_is_plain_data(run: store.Run) -> None:
    document = json.loads(json.dumps(report(run).document()))
    assert document["passed"] is True and document["run"] == run.id
    assert set(document["conditions"][0]) == {"code", "passed", "text", "hint"}


def test_a_run_that_was_not_evaluated_is_told_how(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    (condition,) = report(run).failed
    assert (condition.code, condition.hint) == ("evaluated", f"hub eval sumas --run {run.id}")


def test_a_run_that_is_not_whole_does_not_pass(run: store.Run) -> None:
    (run.folder / "manifest.json").unlink()
    assert failed(store.read_run(run.folder)) == ["evaluated"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1}', "[" * 100_000])
def test_a_damaged_document_counts_as_none(run: store.Run, text: str) -> None:
    write(run.folder / "eval.json", text)
    assert failed(run) == ["evaluated"]


@pytest.mark.parametrize("key", ["adapter", "dataset", "validator", "sampling", "sides", "system_prompt_sha256", "unsafe_exec"])
@pytest.mark.parametrize("value", [None, 7, "x", {}, []])
def test_no_value_in_a_document_makes_the_gate_stumble_or_pass(run: store.Run, key: str, value: Any) -> None:
    edit(run, lambda document: document.update({key: value}))
    assert failed(run)


# --- how it was made -----------------------------------------------------------------------------


def test_an_evaluation_of_other_adapter_files_does_not_count(run: store.Run) -> None:
    other = trained_run(run.folder.parents[1], strength=1.0)
    (other.folder / "eval.json").write_bytes((run.folder / "eval.json").read_bytes())
    assert failed(other) == ["adapter"]


def test_an_adapter_that_was_tampered_with_does_not_pass(run: store.Run) -> None:
    file = run.folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    (condition,) = report(run).failed
    assert condition.code == "adapter" and "SHA-256" in condition.text


def test_other_held_out_questions_ask_for_another_evaluation(run: store.Run) -> None:
    file = run.folder.parents[1] / "data/eval.jsonl"
    write(file, file.read_text() + row("¿Otra?", "Sí."))
    (condition,) = report(run).failed
    assert condition.code == "dataset" and condition.hint == f"hub eval sumas --run {run.id}"
    file.unlink()
    assert failed(run) == ["dataset"]


def test_another_system_prompt_asks_for_another_evaluation(run: store.Run) -> None:
    write(run.folder.parents[1] / "system.md", "Eres otro.")
    assert failed(run) == ["prompt"]


@pytest.mark.parametrize(
    "change",
    [
        {"validator.use": ["text"]},
        {"validator.options": {"strict": True}},
        {"chat.style": "resuelto"},
    ],
    ids=["other", "options", "style"],
)
def test_another_judge_asks_for_another_evaluation(run: store.Run, change: dict[str, Any]) -> None:
    assert failed(run, **change) == ["validator"]


def test_other_code_of_the_tutors_validator_asks_for_another_evaluation(run: store.Run) -> None:
    file = run.folder.parents[1] / "validator.py"
    write(file, file.read_text() + "# changed\n")
    assert failed(run) == ["validator"]


def test_another_version_of_a_plugin_is_another_judge(workspace: Path) -> None:
    class Offer:
        @hookimpl
        def hub_validators(self) -> list[ValidatorSpec]:
            return [ValidatorSpec("x", "x", lambda options: None)]  # type: ignore[arg-type,return-value]

    identities = []
    for version in ("1.0", "1.1"):
        plugins = load_test_plugins(entry_points=[])
        plugins.add(PluginInfo("hub-x", "installed", version), Offer)
        identities.append(judge_identity(tutor_of(workspace, **{"validator.use": ["x"]}), plugins))
    assert [identity["plugins"] for identity in identities] == [{"x": "hub-x 1.0"}, {"x": "hub-x 1.1"}]


def test_the_identity_is_the_same_while_the_tutor_is_open(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", GOOD)
    plugins = load_test_plugins(own_folder=workspace / "tutors")
    tutor = tutor_of(workspace)
    with plugins.tutor_local(tutor):
        inside = judge_identity(tutor, plugins)
    assert inside == judge_identity(tutor, plugins)


@pytest.mark.parametrize(
    ("wishes", "codes"),
    [
        (Wishes(unsafe_exec=True), ["sandbox"]),
        (Wishes(limit_tokens=2), ["answers"]),
        (Wishes(sample=5), ["rows"]),
        (Wishes(validators=("text",)), ["validator", "better"]),
    ],
    ids=["unsafe", "short", "sample", "validator"],
)
def test_an_evaluation_made_otherwise_does_not_count(workspace: Path, wishes: Wishes, codes: list[str]) -> None:
    dictate(workspace / "tutors/sumas", GOOD)
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace, wishes)
    assert set(failed(run)) <= set(codes) and codes[0] in failed(run)


def test_a_sample_of_enough_rows_counts(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "ENOUGH", 5)
    dictate(workspace / "tutors/sumas", GOOD * 2)
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace, Wishes(sample=5))
    assert failed(run) == []


def test_a_comparison_with_another_run_alone_does_not_count(run: store.Run, workspace: Path) -> None:
    newer = trained_run(run.folder.parents[1], strength=1.0)
    sit(workspace, Wishes(compare=run.id, without_base=True))
    assert failed(newer) == ["base"]


# --- what came out -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "codes"),
    [
        ([("c", "c"), ("u", "u")], ["better"]),
        ([("c", "u"), ("c", "c")], ["better"]),
        ([("u", "c")] * 7 + [("u", "i")] * 2, ["incorrect"]),
        ([("u", "c")] * 8 + [("u", "i")] * 2, []),
        ([("u", "c")] * 8 + [("u", "crash")], ["crash"]),
        ([("crash", "c")] * 2, ["crash"]),
    ],
    ids=["equal", "worse", "too many wrong", "just few enough wrong", "crash", "crash on the base"],
)
def test_what_came_out_decides(workspace: Path, outcomes: list[tuple[str, str]], codes: list[str]) -> None:
    dictate(workspace / "tutors/sumas", outcomes)
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    assert failed(run) == codes


def test_both_scores_are_named_with_their_counts(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("c", "u"), ("c", "c"), ("u", "u")])
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    (condition,) = report(run).failed
    assert condition.text == "not better than its base: the adapter scores 33.3% (1 of 3), its base 66.7% (2 of 3)"
    assert "hub train sumas" in condition.hint


def test_the_tutor_decides_how_many_incorrect_answers_are_too_many(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("u", "c")] * 2 + [("u", "i")])
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    assert failed(run) == ["incorrect"]
    assert failed(run, **{"validator.max_incorrect": 0.4}) == []


def test_the_dataset_has_to_be_checked_and_without_errors(run: store.Run) -> None:
    assert failed(run, None) == ["check"]
    (condition,) = report(run, ["train.jsonl:3: a", "train.jsonl:9: b"]).failed
    assert condition.text == "hub check finds 2 errors, the first: train.jsonl:3: a"
    assert condition.hint == "hub check sumas"


def test_what_keeps_a_run_back_ends_with_7_and_every_reason(workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("c", "i"), ("c", "i")])
    run = trained_run(workspace / "tutors/sumas")
    sit(workspace)
    with pytest.raises(BelowThresholdError) as caught:
        require_pass(report(run, None))
    assert caught.value.exit_code == 7
    assert len(caught.value.details) == 3 and run.id in caught.value.message
    assert "hub check sumas" in caught.value.details[-1]


# --- reading -------------------------------------------------------------------------------------


def test_scores_for_lists_are_empty_where_there_are_none(run: store.Run) -> None:
    assert scores_of(run.folder) == pytest.approx({"base": 1 / 6, "adapter": 5 / 6})
    write(run.folder / "eval.json", '{"schema": 1, "sides": 3}')
    assert scores_of(run.folder) == {} == scores_of(run.folder / "nowhere")


def test_a_document_of_a_newer_program_is_told_so(run: store.Run) -> None:
    edit(run, lambda document: document.update(schema=2))
    with pytest.raises(HubError, match="newer"):
        read_evaluation(run.folder)


def test_the_answers_themselves_are_not_needed(run: store.Run) -> None:
    edit(run, lambda document: document.update(answers=[]))
    assert report(run).passed
