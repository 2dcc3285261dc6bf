"""The ledger: what was answered and judged survives whatever ends the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters_hub.ledger import Ledger, Said, Spoken
from adapters_hub.types import Verdict

FIRST, SECOND = (1, "base", 0), (1, "adapter", 0)
SAID = Spoken({FIRST: Said("uno\n", "stop", 3, 2, 0.5), SECOND: Said("señal ✓", "length", 3, 9, 0.7)}, 0.8)
VERDICT = Verdict("correct", 1.0, "ok", "Bien.", "h", "4", (0, 1), "4", "computed", 0.1, "math", ("long",))


Opened = Callable[..., Ledger]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens a ledger in the test's folder; all are closed at the end."""
    ledgers: list[Ledger] = []

    def open_one(fingerprint: str = "a" * 64, judge: str = "j") -> Ledger:
        ledgers.append(Ledger.opened(tmp_path, fingerprint, judge=judge))
        return ledgers[-1]

    yield open_one
    for ledger in ledgers:
        ledger.close()


def fill(ledger: Ledger) -> Ledger:
    ledger.add(SAID)
    ledger.judge(FIRST, VERDICT)
    ledger.close()
    return ledger


def test_answers_and_verdicts_come_back_as_they_were(tmp_path: Path, opened: Opened) -> None:
    fill(opened())
    again = opened()
    assert again.said == dict(SAID.said)
    assert again.verdicts == {FIRST: VERDICT}
    assert (again.tokens, again.seconds) == (11, 0.8)
    assert (tmp_path / "eval.partial.jsonl").is_file()


def test_each_answer_is_on_disk_before_the_ledger_is_closed(tmp_path: Path, opened: Opened) -> None:
    ledger = opened()
    ledger.add(SAID)
    assert "señal ✓" in (tmp_path / "eval.partial.jsonl").read_text(encoding="utf-8")


def test_a_line_cut_off_by_a_crash_does_not_count_and_what_follows_is_whole(tmp_path: Path, opened: Opened) -> None:
    file = fill(opened()).file
    text = file.read_text(encoding="utf-8")
    file.write_text(text[:-20], encoding="utf-8")
    again = opened()
    assert again.said == dict(SAID.said) and again.verdicts == {}
    again.judge(SECOND, VERDICT)
    again.close()
    assert opened().verdicts == {SECOND: VERDICT}


def test_lines_that_mean_nothing_are_left_out(tmp_path: Path, opened: Opened) -> None:
    file = fill(opened()).file
    with file.open("a", encoding="utf-8") as stream:
        stream.write('[]\n{"answers": [[1, "base"]], "seconds": 1}\n{"key": [1], "judge": "j"}\nnull\n7\n')
    assert opened().said == dict(SAID.said)


def test_verdicts_of_another_judge_are_given_anew(tmp_path: Path, opened: Opened) -> None:
    fill(opened())
    other = opened(judge="k")
    assert other.said == dict(SAID.said) and other.verdicts == {}
    other.close()
    assert opened().verdicts == {FIRST: VERDICT}


def test_an_evaluation_of_something_else_leaves_what_is_there_alone(tmp_path: Path, opened: Opened) -> None:
    fill(opened())
    fill(opened("b" * 64))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["eval.partial.bbbbbbbb.jsonl", "eval.partial.jsonl"]
    for fingerprint in ("a" * 64, "b" * 64):
        assert opened(fingerprint).said == dict(SAID.said)


def test_a_ledger_in_which_nothing_was_said_is_not_left_behind(tmp_path: Path, opened: Opened) -> None:
    opened().close()
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_ledger_is_gone(tmp_path: Path, opened: Opened) -> None:
    ledger = opened()
    ledger.add(SAID)
    ledger.discard()
    assert list(tmp_path.iterdir()) == []
