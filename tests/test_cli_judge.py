"""``hub judge``: one answer shown to a person, many judged as a stream."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Hub, write
from test_light import loaded

KEYS = [
    "row",
    "outcome",
    "score",
    "code",
    "reason",
    "hint",
    "extracted",
    "expected",
    "span",
    "evidence",
    "seconds",
    "validator",
    "warnings",
]

VALIDATOR = '''
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Five:
    """"5" is the right answer to everything; an answer without digits cannot be judged."""

    def judge(self, attempt):
        print("a stray print")
        place = next((place for place, letter in enumerate(attempt.answer) if letter.isdigit()), None)
        if place is None:
            return Verdict("unverified", code="no_number", reason="No hay ningún número.")
        found, span = attempt.answer[place], (place, place + 1)
        wanted = str(attempt.expected or "5")
        warnings = ("long",) if len(attempt.answer) > 40 else ()
        more = dict(extracted=found, span=span, expected=wanted, evidence="computed", warnings=warnings)
        if found == wanted:
            return Verdict("correct", 1.0, reason=f"Es {found}, en {attempt.locale}.", **more)
        return Verdict("incorrect", 0.0, "wrong_result", f"Da {wanted}, no {found}.", "Revisa la cuenta.", **more)

@hookimpl
def hub_validators():
    return [ValidatorSpec("cinco", "five", lambda options: Five())]
'''


@pytest.fixture
def judged(workspace: Path) -> Path:
    """The workspace, with a tutor ``sumas`` that knows only one right answer."""
    folder = workspace / "tutors/sumas"
    write(folder / "validator.py", VALIDATOR)
    write(folder / "tutor.toml", '[tutor]\nlocale = "es_MX"\n[validator]\nuse = ["cinco"]\n')
    return workspace


def rows(*answers: Any) -> str:
    return "".join((json.dumps({"question": "¿2+3?", "answer": answer}) if answer != "bad" else "{") + "\n" for answer in answers)


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


# --- many ----------------------------------------------------------------------------------------


def test_each_row_is_one_line_of_json_with_the_promised_keys(hub: Hub, judged: Path) -> None:
    outcome = hub("judge", "sumas", "--jsonl", "-", "--json", input=rows("son 5", "son 4", "no sé"))
    assert outcome.code == 0
    found = lines(outcome.out)
    assert [list(line) for line in found] == [KEYS] * 3
    assert [(line["row"], line["outcome"], line["code"], line["validator"]) for line in found] == [
        (1, "correct", "ok", "cinco"),
        (2, "incorrect", "wrong_result", "cinco"),
        (3, "unverified", "no_number", "cinco"),
    ]
    assert (found[1]["extracted"], found[1]["expected"], found[1]["span"], found[1]["hint"]) == ("4", "5", [4, 5], "Revisa la cuenta.")
    assert "a stray print" in outcome.err


def test_verdicts_come_in_the_order_of_the_rows(hub: Hub, judged: Path) -> None:
    answers = [f"{'x' * (n % 7)}{n % 10}" for n in range(300)]
    found = lines(hub("judge", "sumas", "--jsonl", "-", "--json", input=rows(*answers)).out)
    assert [line["extracted"] for line in found] == [str(n % 10) for n in range(300)]


def test_people_get_a_line_a_row_and_a_summary(hub: Hub, judged: Path) -> None:
    outcome = hub("judge", "sumas", "--jsonl", write(judged / "r.jsonl", rows("5", "4", "4" + " " * 50, "no")))
    text = outcome.out.splitlines()
    assert text[0].split()[:4] == ["1", "✓", "correct", "ok"] and text[1].endswith("Da 5, no 4.")
    assert text[2].endswith("(long)")
    assert text[5].startswith("4 answers in ") and "1 correct (25%), 2 incorrect (50%), 1 unverified (25%)" in text[5]
    assert text[6] == "codes: wrong_result 2 (50%), ok 1 (25%), no_number 1 (25%)"
    assert text[7] == "warnings: long 1 (25%)"


def test_bad_rows_are_named_by_their_line_and_the_rest_is_judged(hub: Hub, judged: Path) -> None:
    file = write(judged / "r.jsonl", rows("5", "bad", 5, "5"))
    outcome = hub("judge", "sumas", "--jsonl", file)
    assert outcome.code == 2
    assert f"warning: {file}:2: truncated JSON" in outcome.err
    assert f"warning: {file}:3: answer must be a text, not a number" in outcome.err
    assert "2 rows cannot be judged" in outcome.err and "2 answers in" in outcome.out
    found = lines(hub("judge", "sumas", "--jsonl", file, "--json").out)
    assert [line.get("row") for line in found] == [1, 2, 3, 4, None]
    assert found[1]["error"]["message"].startswith(f"{file}:2: ")
    assert found[4]["error"]["code"] == "data"


@pytest.mark.parametrize("option", ["--check", "--fail-on-incorrect"])
def test_incorrect_answers_end_with_7_where_that_was_asked_for(hub: Hub, judged: Path, option: str) -> None:
    assert hub("judge", "sumas", "--jsonl", "-", input=rows("5", "4")).code == 0
    assert hub("judge", "sumas", "--jsonl", "-", option, input=rows("5", "no")).code == 0
    outcome = hub("judge", "sumas", "--jsonl", "-", option, input=rows("5", "4"))
    assert outcome.code == 7 and "1 of 2 answers are incorrect" in outcome.err
    assert hub("judge", "sumas", "--jsonl", "-", option, input=rows("4", "bad")).code == 2


def test_no_rows_are_no_error(hub: Hub, judged: Path) -> None:
    assert hub("judge", "sumas", "--jsonl", "-", "--json", input="\n").out == ""


def test_what_an_answer_holds_reaches_no_terminal_raw(hub: Hub, judged: Path) -> None:
    text = VALIDATOR.replace("No hay ningún número.", "\\x1b[2J\\n\\u202eNo")
    write(judged / "tutors/sumas/validator.py", text)
    outcome = hub("judge", "sumas", "--jsonl", "-", input=rows("no"))
    assert "\x1b" not in outcome.out and "\u202e" not in outcome.out
    assert len(outcome.out.splitlines()) == 4


@pytest.mark.parametrize("name", ["nowhere.jsonl", ".", "x\0y"])
def test_a_file_that_cannot_be_read_is_told(hub: Hub, judged: Path, name: str) -> None:
    outcome = hub("judge", "sumas", "--jsonl", name)
    assert outcome.code in (1, 3) and "cannot read" in outcome.err


# --- one -----------------------------------------------------------------------------------------


def test_a_person_sees_badge_reason_place_reference_and_hint(hub: Hub, judged: Path) -> None:
    outcome = hub("judge", "sumas", "--question", "¿2+3?", "--answer", "Sumamos:\nson 4, creo")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0].startswith("✗ incorrect  wrong_result · cinco · ")
    assert outcome.out.splitlines()[1:6] == ["Da 5, no 4.", "", "  Sumamos:", "  son «4», creo", ""]
    assert outcome.out.splitlines()[6:] == ["got       4", "expected  5", "hint      Revisa la cuenta.", "evidence  computed"]


def test_one_verdict_is_the_same_document_as_in_a_stream(hub: Hub, judged: Path) -> None:
    document = hub("judge", "sumas", "--answer", "4", "--json").document
    assert list(document) == KEYS and document["row"] == 1


def test_an_answer_may_come_from_a_pipe(hub: Hub, judged: Path) -> None:
    assert hub("judge", "sumas", "--answer", "-", "--json", input="ñ 5\n").document["outcome"] == "correct"


@pytest.mark.parametrize(
    ("text", "meant"), [("4", "4"), ("[1, 2]", "[1, 2]"), ('["a", "b"]', "['a', 'b']"), ('{"a": 1}', "{'a': 1}"), ("{2, 3}", "{2, 3}")]
)
def test_a_reference_is_a_text_unless_it_can_only_be_json(hub: Hub, judged: Path, text: str, meant: str) -> None:
    assert hub("judge", "sumas", "--answer", "1", "--expected", text, "--json").document["expected"] == meant


def test_language_and_locale_can_be_said(hub: Hub, judged: Path) -> None:
    usual = hub("judge", "sumas", "--answer", "5", "--json").document["reason"]
    other = hub("judge", "sumas", "--answer", "5", "--locale", "es_AR", "--json").document["reason"]
    assert (usual, other) == ("Es 5, en es_MX.", "Es 5, en es_AR.")


def test_an_incorrect_answer_ends_with_7_where_that_was_asked_for(hub: Hub, judged: Path) -> None:
    outcome = hub("judge", "sumas", "--answer", "4", "--check")
    assert outcome.code == 7
    assert "the validator 'cinco' rejects the answer: Da 5, no 4." in outcome.err


@pytest.mark.parametrize("validator", ["text", "hub-text"])
def test_a_validator_judges_without_tutor_and_workspace(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validator: str) -> None:
    monkeypatch.chdir(tmp_path)
    document = hub("judge", "--validator", validator, "--answer", "", "--json").document
    assert (document["outcome"], document["code"], document["validator"]) == ("incorrect", "empty", "text")


def test_a_validator_may_judge_instead_of_the_tutors_own(hub: Hub, judged: Path) -> None:
    assert hub("judge", "sumas", "--validator", "text", "--answer", "4", "--json").document["code"] == "form_ok"


@pytest.mark.parametrize(
    "words", [(), ("--answer", "x", "--jsonl", "-"), ("--jsonl", "-", "--question", "x"), ("--jsonl", "-", "--expected", "x")]
)
def test_what_cannot_be_meant_is_refused(hub: Hub, judged: Path, words: tuple[str, ...]) -> None:
    assert hub("judge", "sumas", *words).code == 2


def test_running_code_without_a_sandbox_is_announced(hub: Hub, judged: Path) -> None:
    assert "--unsafe-exec: code in answers runs" in hub("judge", "sumas", "--answer", "5", "--unsafe-exec").err


# --- as a process --------------------------------------------------------------------------------


def start(folder: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    paths = f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'plugins' / 'hub-text'}"
    return subprocess.Popen(
        [sys.executable, "-m", "adapters_hub", "judge", "sumas", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_verdict_is_printed_before_the_next_row_is_there(judged: Path) -> None:
    child = start(judged, "--jsonl", "-", "--json")
    assert child.stdin is not None and child.stdout is not None
    for number in (1, 2):
        child.stdin.write(rows("5"))
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["row"] == number
    out, _ = child.communicate(rows("4"), timeout=20)
    assert json.loads(out)["row"] == 3 and child.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_in_an_endless_stream_ends_at_once_with_130(judged: Path) -> None:
    child = start(judged, "--jsonl", "-", "--json")
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(rows("5"))
    child.stdin.flush()
    child.stdout.readline()
    time.sleep(0.1)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    # stdin stays open: the thread that waits for it must not hold anything back
    child.wait(timeout=20)
    seconds = time.monotonic() - begun
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130 and seconds < 5
    assert "Traceback" not in err and "Fatal" not in err
    assert json.loads(out)["error"]["code"] == "interrupted"


@pytest.mark.skipif(os.name == "nt", reason="needs bash and yes")
def test_an_endless_stream_is_judged_until_the_reader_leaves(judged: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = f"yes '{rows('5').strip()}' | \"{sys.executable}\" -m adapters_hub judge sumas --jsonl - --json | head -n 500 | tail -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=judged, env=environ, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["row"] == 500
    assert "Traceback" not in done.stderr and "error" not in done.stderr


def test_judging_imports_no_framework(judged: Path) -> None:
    assert loaded("judge", "sumas", "--answer", "5", cwd=judged) == (0, [])
