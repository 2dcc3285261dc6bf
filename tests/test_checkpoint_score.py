"""The score that chooses among checkpoints: which rows it asks, what answers earn, how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adapters_hub import checkpoint_score
from adapters_hub.checkpoint_score import CheckpointScore, NoScore, checkpoint_score_of, judge_patiently
from adapters_hub.errors import Interrupted
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace


class Judge:
    """A validator that knows the expected text."""

    def __init__(self, seen: Callable[[Attempt], None] = lambda attempt: None) -> None:
        self.seen = seen

    def judge(self, attempt: Attempt) -> Verdict:
        self.seen(attempt)
        if attempt.expected is None:
            return Verdict("unverified")
        return Verdict("correct" if attempt.expected in attempt.answer else "incorrect")


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    return read_tutor(workspace / "tutors/sumas", find_workspace(workspace), options={"train.score_rows": 4, "validator.use": ["text"]})


def row(number: int, *, topic: str = "", expected: str | None = "", answer: str = "") -> Example:
    asked = f"¿Cuánto es {number} más {number}?"
    turns = (Message("system", "Eres..."), Message("user", asked), Message("assistant", answer or f"Son {2 * number}."))
    return Example(turns, f"{2 * number}" if expected == "" else expected, (topic,) if topic else ())


def answering(*texts: str) -> Callable[..., list[str]]:
    def answer(conversations: Sequence[tuple[Message, ...]], *, max_new_tokens: int = 0, references: Sequence[str] = ()) -> list[str]:
        assert all(turns[-1].role == "user" and turns[0].role == "system" for turns in conversations)
        assert len(references) == len(conversations)
        return list(texts)

    return answer


def test_rows_are_spread_over_the_topics_and_the_choice_is_stable(tutor: Tutor) -> None:
    rows = [row(n, topic="fracciones" if n < 20 else ("raíces", "lógica")[n % 2]) for n in range(24)]
    found, again = (checkpoint_score_of(tutor, given, Judge()) for given in (rows, rows[::-1]))
    assert isinstance(found, CheckpointScore)
    assert isinstance(again, CheckpointScore)
    assert len(found.rows) == 4
    assert {example.tags[0] for example in found.rows} == {"fracciones", "raíces", "lógica"}
    assert found.rows == again.rows
    other = replace(tutor, recipe=replace(tutor.recipe, train=replace(tutor.recipe.train, seed=8)))
    reseeded = checkpoint_score_of(other, rows, Judge())
    assert isinstance(reseeded, CheckpointScore)
    assert reseeded.rows != found.rows


def test_only_rows_whose_own_answer_is_right_are_asked(tutor: Tutor) -> None:
    rows = [row(1), row(2, expected=None), row(3, answer="No sé."), row(4)]
    found = checkpoint_score_of(tutor, rows, Judge())
    assert isinstance(found, CheckpointScore)
    assert {example.expected for example in found.rows} == {"2", "8"}


def test_where_nothing_can_be_judged_there_is_no_score_and_a_reason(tutor: Tutor) -> None:
    found = checkpoint_score_of(tutor, [row(n, expected=None) for n in range(9)], Judge())
    assert isinstance(found, NoScore)
    assert found.reason == "of the answers kept aside, none is known to be correct by text (9 unverified)"


def test_not_every_row_of_a_large_file_is_looked_at(tutor: Tutor) -> None:
    seen: list[Attempt] = []
    checkpoint_score_of(tutor, [row(n, expected=None) for n in range(500)], Judge(seen.append))
    assert len(seen) == checkpoint_score.TRIES * 4


def test_a_score_is_the_share_of_correct_answers(tutor: Tutor) -> None:
    asked: list[Attempt] = []
    found = CheckpointScore(tutor, (row(1), row(2), row(3), row(4)), Judge(asked.append))
    assert found.score(answering("Son 2.", "Son 5.", "", "8")) == 0.5
    assert all(turn.role != "system" for attempt in asked for turn in attempt.messages), "as in a lesson"
    assert (asked[0].style, asked[0].locale) == (tutor.chat.style, tutor.locale)


def test_an_answer_that_cannot_be_judged_earns_nothing(tutor: Tutor) -> None:
    assert CheckpointScore(tutor, (row(1, expected=None), row(2)), Judge()).score(answering("Son 2.", "Son 4.")) == 0.5


def test_a_validator_that_hangs_ends_no_training(tutor: Tutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_score, "PATIENCE", 0.3)
    free = threading.Event()

    def hang(attempt: Attempt) -> None:
        if attempt.answer == "Son 4.":
            free.wait(20)

    begun = time.perf_counter()
    score = CheckpointScore(tutor, (row(1), row(2), row(3)), Judge(hang)).score(answering("Son 2.", "Son 4.", "Son 6."))
    free.set()
    assert 1 / 3 <= score <= 2 / 3, "what was judged in time counts"
    assert time.perf_counter() - begun < 5


def test_whoever_wants_to_stop_does_not_wait_for_the_validator(tutor: Tutor) -> None:
    free = threading.Event()
    begun = time.perf_counter()
    with pytest.raises(Interrupted):
        CheckpointScore(tutor, (row(1),), Judge(lambda attempt: free.wait(20))).score(answering("Son 2."), stopped=lambda: True)  # type: ignore[arg-type,return-value]
    free.set()
    assert time.perf_counter() - begun < 3


def test_nothing_to_judge_is_no_verdict() -> None:
    assert judge_patiently(Judge(), []) == []
