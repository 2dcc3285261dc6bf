"""``hub eval``: what a person reads, what a script gets, and what is kept when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, Hub, make_tutor_folder, run_hub, write
from dictated import dictate, trained_run

from adapters_hub import evaluating

BETTER = [("i", "c")] * 4 + [("c", "c"), ("u", "u"), ("c", "u")]
WORSE = [("c", "i")] * 3 + [("u", "c")]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all the rest."""
    monkeypatch.setattr(evaluating, "draw_scores", lambda scores, topics, path, title: None)


@pytest.fixture
def folder(workspace: Path) -> Path:
    """The tutor ``sumas``, dictated to be better than its base, with a run."""
    found = workspace / "tutors/sumas"
    dictate(found, BETTER)
    rows = "".join(
        json.dumps({"messages": [{"role": "user", "content": f"¿{n} por {n + 7}?"}, {"role": "assistant", "content": "Es."}]}) + "\n"
        for n in range(30)
    )
    write(found / "data/train.jsonl", rows)
    trained_run(found)
    return found


def run_of(folder: Path) -> Path:
    return max(entry for entry in (folder / "runs").iterdir() if not entry.name.startswith("."))


def test_base_and_adapter_stand_side_by_side_with_figures_and_topics(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas")
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["base", "2", "4", "1", "29%", "8–64%", "33%", "0%"] in lines
    assert ["sumas", "5", "0", "2", "71%", "36–92%", "100%", "0%"] in lines
    assert "+43 points (95 %: " in outcome.out and "4 rows gained, 1 lost, p=0.38" in outcome.out
    assert ["pares", "4", "50%", "75%"] in lines
    assert "lost: 1 of 1 rows that the base has right" in outcome.out
    assert ["warnings", "gives_answer_away", "0%", "→", "100%"] in lines
    assert "7 held-out questions · judged by dictado" in outcome.out
    assert "saved: " in outcome.out and (run_of(folder) / "eval.json").is_file()


def test_a_run_that_is_better_and_checked_is_ready_to_publish(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas", "--check")
    assert outcome.code == 0, outcome.err
    assert "ready to publish: yes" in outcome.out


def test_a_run_that_is_worse_is_not_and_every_reason_is_told(hub: Hub, folder: Path) -> None:
    dictate(folder, WORSE)
    outcome = hub("eval", "sumas")
    assert outcome.code == 0
    assert "ready to publish: no, because" in outcome.out
    assert "✗ not better than its base: the adapter scores 25.0% (1 of 4), its base 75.0%" in " ".join(outcome.out.split())
    assert "75.0% of the adapter's answers are incorrect, 20.0% are allowed" in " ".join(outcome.out.split())
    assert "next: improve the rows of sumas, then hub train sumas" in outcome.err
    assert "wrong: 3 of 3 incorrect answers" in outcome.out and "✗ No es el resultado." in outcome.out
    again = hub("eval", "sumas", "--check")
    assert again.code == 7 and "may not be published" in again.err


def test_an_error_of_hub_check_keeps_a_run_back(hub: Hub, folder: Path) -> None:
    text = (folder / "data/eval.jsonl").read_text()
    write(folder / "data/train.jsonl", text)
    outcome = hub("eval", "sumas")
    assert "hub check finds 7 errors" in outcome.out and "next: hub check sumas" in outcome.err


def test_scripts_get_the_document_without_the_answers_and_the_gate(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas", "--json")
    assert outcome.err == ""
    document = outcome.document
    assert document["schema"] == 1 and document["tutor"] == "sumas"
    assert document["sides"]["adapter"]["correct"] == 5 and "answers" not in document
    assert document["gate"]["passed"] is True and document["file"].endswith("eval.json")
    assert json.loads(Path(document["file"]).read_text())["answers"]


def test_a_tutor_without_adapter_has_its_base_evaluated_and_is_told_what_to_type(hub: Hub, workspace: Path) -> None:
    dictate(workspace / "tutors/sumas", [("c", "c"), ("i", "c")])
    outcome = hub("eval", "sumas")
    assert outcome.code == 0
    assert "hub train sumas makes an adapter" in outcome.err and "ready to publish" not in outcome.out
    assert hub("eval", "sumas", "--check").code == 2


def test_a_sample_says_so(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas", "--sample", "3")
    assert "a sample of 3 of 7 held-out questions, seed 7" in outcome.out
    assert "only 3 of 7 held-out questions were asked, 7 are needed" in " ".join(outcome.out.split())


def test_a_quick_look_leaves_the_complete_evaluation_in_place(hub: Hub, folder: Path) -> None:
    hub("eval", "sumas")
    outcome = hub("eval", "sumas", "--sample", "3")
    assert "eval.trial.json" in outcome.out and "eval.json keeps the complete evaluation" in outcome.err
    assert "ready to publish: yes" in outcome.out


def test_pass_at_k_needs_a_temperature_and_is_shown(hub: Hub, folder: Path) -> None:
    assert "--temperature 0.7" in hub("eval", "sumas", "--k", "3").err
    outcome = hub("eval", "sumas", "--k", "3", "--temperature", "0.7")
    assert "pass@1 7" in outcome.out and "pass@3 7" in outcome.out and "3 answers to each at temperature 0.7" in outcome.out


def test_another_run_may_stand_beside(hub: Hub, folder: Path) -> None:
    old = run_of(folder).name
    trained_run(folder, strength=1.0)
    outcome = hub("eval", "sumas", "--compare", old)
    assert f"sumas@{old[-4:]}" in outcome.out
    assert "against base" in outcome.out and f"against sumas@{old[-4:]}" in outcome.out
    assert hub("eval", "sumas", "--compare", "nada").code == 3


def test_the_answers_to_a_list_of_questions_are_shown_and_saved_unscored(hub: Hub, folder: Path, tmp_path: Path) -> None:
    questions = write(tmp_path / "q.txt", "¿Qué es una suma?\n")
    outcome = hub("eval", "sumas", "--questions", questions, "--out", tmp_path / "said.json")
    assert outcome.code == 0
    assert "[sumas] ¿Qué es una suma?" in outcome.out and "[base] ¿Qué es una suma?" in outcome.out
    assert "score" not in outcome.out and "ready to publish" not in outcome.out
    assert json.loads((tmp_path / "said.json").read_text())["dataset"]["listed"] is True
    assert not (run_of(folder) / "eval.json").exists()


def test_another_judge_never_counts(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas", "--validator", "hub-text")
    assert "judged by text" in outcome.out
    assert "judged by text, the tutor's validator is dictado" in " ".join(outcome.out.split())
    assert "--unsafe-exec: code in answers runs" in hub("eval", "sumas", "--unsafe-exec").err


def test_answers_are_judged_again_without_a_model(hub: Hub, folder: Path) -> None:
    assert hub("eval", "sumas", "--rejudge").code == 2
    first = hub("eval", "sumas", "--json").document
    again = hub("eval", "sumas", "--rejudge", "--json").document
    assert again["sides"] == first["sides"] and again["fingerprint"] == first["fingerprint"]


def test_show_tells_the_scores_of_an_evaluated_run(hub: Hub, folder: Path) -> None:
    assert "hub eval" not in hub("show", "sumas").out
    hub("eval", "sumas")
    assert "hub eval 29% -> 71%" in hub("show", "sumas").out
    (run,) = hub("show", "sumas", "--json").document["runs"]
    assert run["scores"] == pytest.approx({"base": 2 / 7, "adapter": 5 / 7})


def test_a_tutor_whose_rows_cannot_be_read_says_which(hub: Hub, folder: Path) -> None:
    write(folder / "data/eval.jsonl", '{"messages": 3}\n')
    outcome = hub("eval", "sumas")
    assert outcome.code == 2 and "eval.jsonl:1" in outcome.err


def test_progress_goes_to_stderr_and_quiet_silences_it(hub: Hub, folder: Path) -> None:
    outcome = hub("eval", "sumas", "--batch", "2")
    assert "loading base mini: 7 questions to base and sumas" in outcome.err and "14/14 judged 14" in outcome.err
    assert hub("eval", "sumas", "-q").err == ""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(hub: Hub, folder: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = hub("eval", "sumas").out.splitlines()
    free = ("sumas ·", "saved: ")
    """Lines of one path or title, which a terminal may break where it likes."""
    assert all(len(line) <= columns for line in lines if not line.startswith(free))


# --- as a process --------------------------------------------------------------------------------

SLOW = """
import time
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Slow:
    def judge(self, attempt):
        time.sleep(0.15)
        return Verdict("correct", 1.0)

@hookimpl
def hub_validators():
    return [ValidatorSpec("dictado", "slow", lambda options: Slow())]
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_what_was_answered_is_taken_over_by_the_same_command(folder: Path, how: signal.Signals) -> None:
    write(folder / "validator.py", SLOW)
    write(folder / "data/train.jsonl", "".join((folder / "data/train.jsonl").read_text().splitlines(keepends=True)[:3]))
    words = ("eval", "sumas", "--batch", "4")
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    child = subprocess.Popen(
        [sys.executable, "-m", "adapters_hub", *words], cwd=folder.parents[1], env=environ, stderr=subprocess.PIPE, text=True
    )
    partial = run_of(folder) / "eval.partial.jsonl"
    deadline = time.monotonic() + 30
    while (not partial.is_file() or partial.read_text().count("\n") < 6) and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = time.monotonic()
    child.send_signal(how)
    _, err = child.communicate(timeout=20)
    assert time.monotonic() - begun < 3, "nobody waits for the verdicts under way"
    assert "Traceback" not in err
    if how is signal.SIGINT:
        assert child.returncode == 130
        assert "14 of 14 answers are kept" in err and "repeat the command to go on there" in err
    outcome = run_hub(*words, cwd=folder.parents[1])
    assert outcome.code == 0
    assert "going on where the last evaluation stopped: 14 of 14 answers are there" in outcome.err
    assert not partial.exists()


def test_an_untrained_second_tutor_does_not_matter(hub: Hub, folder: Path) -> None:
    make_tutor_folder(folder.parent / "otra")
    assert hub("eval", "sumas", "--bare", "--json").document["sides"].keys() == {"base"}
