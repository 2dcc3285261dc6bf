"""What judged answers amount to: nothing but a certain "correct" earns anything."""

from __future__ import annotations

from typing import Any

import pytest

from adapters_hub.scores import Answer, Answers, difference_of, groups_of, score_of
from adapters_hub.statistics import Interval, bootstrap_mean, mcnemar, wilson
from adapters_hub.types import Verdict

OUTCOMES = {"c": "correct", "i": "incorrect", "u": "unverified"}


def answers(*rows: str, **verdict: Any) -> Answers:
    """Rows of outcomes, one letter an answer."""
    return [[answer(letter, **verdict) for letter in row] for row in rows]


def answer(letter: str, *, finish: str = "stop", tokens: int = 5, **verdict: Any) -> Answer:
    outcome = OUTCOMES[letter]
    return Answer("text", finish, 3, tokens, 0.1, Verdict(outcome, float(letter == "c"), code=letter, **verdict))  # type: ignore[arg-type]


def test_unverified_answers_earn_nothing_and_are_shown_apart() -> None:
    score = score_of(answers("c", "c", "i", "u", "u"))
    assert (score.rows, score.correct, score.incorrect, score.unverified) == (5, 2, 1, 2)
    assert score.score == 0.4
    assert score.certain == pytest.approx(2 / 3)
    assert score.mean == 0.4
    assert score.interval == wilson(2, 5)
    assert score.codes == {"c": 2, "u": 2, "i": 1}
    assert score.pass_at == {}


def test_where_nothing_is_certain_there_is_no_share_among_the_certain() -> None:
    assert score_of(answers("u", "u")).certain is None


def test_warnings_are_rates_and_count_once_an_answer() -> None:
    rows = [[answer("c", warnings=("long", "long", "dull"))], [answer("i", warnings=("long",))]]
    assert score_of(rows).warnings == {"long": 1.0, "dull": 0.5}


def test_answers_cut_at_the_limit_are_a_share() -> None:
    score = score_of([[answer("c")], [answer("i", finish="length", tokens=7)]])
    assert (score.cut, score.finish, score.tokens) == (0.5, {"stop": 1, "length": 1}, 12)


def test_several_answers_to_a_row_give_pass_at_k_and_an_interval_over_the_rows() -> None:
    rows = answers("ccii", "iiii", "cccc")
    score = score_of(rows)
    assert score.score == pytest.approx(0.5)
    assert score.pass_at == pytest.approx({"1": 0.5, "2": (1 - 1 / 6 + 0 + 1) / 3, "4": 2 / 3})
    assert score.interval == bootstrap_mean([0.5, 0.0, 1.0])


def test_no_answers_have_a_score_of_nothing() -> None:
    score = score_of([])
    assert (score.score, score.interval) == (0.0, Interval(0.0, 1.0))


def test_the_difference_counts_rows_gained_and_lost() -> None:
    found = difference_of("adapter", "base", answers("c", "c", "c", "i", "u"), answers("i", "u", "c", "c", "i"), seed=3)
    assert (found.gained, found.lost, found.p) == (2, 1, mcnemar(2, 1))
    assert found.points == pytest.approx(0.2)
    assert found.interval == bootstrap_mean([1.0, 1.0, 0.0, -1.0, 0.0], seed=3)


def test_with_several_answers_to_a_row_there_is_no_test_on_right_or_not() -> None:
    found = difference_of("adapter", "base", answers("cc", "ci"), answers("ii", "cc"))
    assert (found.gained, found.lost, found.p, found.points) == (1, 1, None, 0.25)


def test_groups_hold_every_row_with_their_name_largest_first() -> None:
    sides = {"base": answers("c", "i", "i"), "adapter": answers("c", "c", "u")}
    groups = groups_of([("pilas", "colas"), ("pilas", "pilas"), ()], sides)
    assert [(group.name, group.rows, group.scores) for group in groups] == [
        ("pilas", 2, {"base": 0.5, "adapter": 1.0}),
        ("colas", 1, {"base": 1.0, "adapter": 1.0}),
    ]
