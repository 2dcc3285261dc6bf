"""Intervals, the paired test and pass@k, against values from the literature and against counting."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub.statistics import Interval, bootstrap_mean, mcnemar, pass_at, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_literature(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_the_interval_holds_the_share_and_turns_with_it(counts: tuple[int, int]) -> None:
    successes, trials = counts
    found, turned = wilson(successes, trials), wilson(trials - successes, trials)
    assert 0 <= found.low <= successes / trials <= found.high <= 1
    assert found.low == pytest.approx(1 - turned.high, abs=1e-12)


def test_without_trials_nothing_is_known() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2)])
def test_an_impossible_share_is_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        wilson(*counts)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        # Fagerland, Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data": exact conditional test, 0.070
        (7, 1, 0.0703125),
        (6, 0, 0.03125),
        (5, 5, 1.0),
        (0, 0, 1.0),
        # Agresti, Categorical Data Analysis: approval of the prime minister, 150 and 86 who changed their mind
        (150, 86, 3.716e-5),
    ],
)
def test_the_paired_test_gives_the_value_of_the_literature(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=1e-3)


@given(st.integers(0, 9), st.integers(0, 9))
def test_the_paired_test_counts_coin_tosses(gained: int, lost: int) -> None:
    tosses = gained + lost
    uneven = abs(gained - lost)
    splits = [abs(2 * heads - tosses) >= uneven for heads in range(tosses + 1)]
    counted = sum(math.comb(tosses, heads) for heads, counts in enumerate(splits) if counts) / 2**tosses
    assert mcnemar(gained, lost) == pytest.approx(counted)
    assert mcnemar(gained, lost) == mcnemar(lost, gained)


def test_the_paired_test_of_many_rows_is_quick() -> None:
    assert mcnemar(5000, 4000) < 1e-20


def test_the_bootstrap_repeats_itself_and_covers_the_mean() -> None:
    chance = random.Random(3)
    covered = 0
    for trial in range(60):
        values = [float(chance.random() < 0.3) for _ in range(80)]
        found = bootstrap_mean(values, seed=trial, rounds=400)
        assert found == bootstrap_mean(values, seed=trial, rounds=400)
        covered += found.low <= 0.3 <= found.high
    assert covered >= 51  # 57 are expected; fewer than 51 would happen once in a hundred


def test_the_bootstrap_of_equal_values_has_no_width() -> None:
    assert bootstrap_mean([0.5] * 7) == Interval(0.5, 0.5)


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError):
        bootstrap_mean([])


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_counts_the_draws_that_hold_a_right_answer(case: tuple[int, int, int]) -> None:
    samples, correct, k = case
    answers = [True] * correct + [False] * (samples - correct)
    draws = list(itertools.combinations(answers, k))
    assert pass_at(k, samples, correct) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_more_than_there_are_samples_is_refused() -> None:
    with pytest.raises(ValueError):
        pass_at(4, 3, 1)
