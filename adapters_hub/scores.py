"""What judged answers amount to: the score of each side, the difference of two sides, tables by topic.

A side (the bare base, the adapter, another run) has the same number of answers to every row. Knows no files, engines or terminals.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters_hub.ledger import Said
from adapters_hub.statistics import Interval, bootstrap_mean, mcnemar, pass_at, wilson
from adapters_hub.types import Verdict


@dataclass(frozen=True)
class Answer(Said):
    """What one side said to one row, and what the validator says to it."""

    verdict: Verdict

    @property
    def correct(self) -> bool:
        """Nothing but a certain "correct" earns anything."""
        return self.verdict.outcome == "correct"


Answers = Sequence[Sequence[Answer]]
"""For each row the answers of one side to it."""


@dataclass(frozen=True)
class Score:
    """One side over some rows."""

    rows: int
    answers: int
    """Rows times answers to each."""
    correct: int
    incorrect: int
    unverified: int
    score: float
    """Share of correct answers; unverified ones earn nothing."""
    interval: Interval
    """95 % interval of the score."""
    certain: float | None
    """Share of correct ones among the answers with a certain verdict; None where no verdict was certain."""
    mean: float
    """Mean of ``Verdict.score``."""
    pass_at: Mapping[str, float]
    """``k`` -> chance that one of k answers is right; only with several answers to a row."""
    codes: Mapping[str, int]
    warnings: Mapping[str, float]
    """Code -> share of the answers with it."""
    finish: Mapping[str, int]
    cut: float
    """Share of the answers that ended at the length limit."""
    tokens: int
    """Tokens of all answers."""


def score_of(answers: Answers) -> Score:
    """The score of one side; rows may have several answers, all the same number."""
    flat = [answer for row in answers for answer in row]
    outcomes = Counter(answer.verdict.outcome for answer in flat)
    codes = Counter(answer.verdict.code for answer in flat)
    warnings = Counter(code for answer in flat for code in set(answer.verdict.warnings))
    finish = Counter(answer.finish for answer in flat)
    certain = outcomes["correct"] + outcomes["incorrect"]
    count = max(1, len(flat))
    return Score(
        rows=len(answers),
        answers=len(flat),
        correct=outcomes["correct"],
        incorrect=outcomes["incorrect"],
        unverified=outcomes["unverified"],
        score=outcomes["correct"] / count,
        interval=_interval(answers),
        certain=outcomes["correct"] / certain if certain else None,
        mean=math.fsum(answer.verdict.score for answer in flat) / count,
        pass_at=_pass_at(answers),
        codes=dict(codes.most_common()),
        warnings={code: times / count for code, times in warnings.most_common()},
        finish=dict(finish.most_common()),
        cut=finish["length"] / count,
        tokens=sum(answer.completion_tokens for answer in flat),
    )


def _interval(answers: Answers) -> Interval:
    """Wilson's for one answer a row. Several answers to a row are no independent trials: the rows are drawn again then."""
    if all(len(row) == 1 for row in answers):
        return wilson(sum(row[0].correct for row in answers), len(answers))
    return bootstrap_mean([_share(row) for row in answers]) if answers else wilson(0, 0)


def _share(row: Sequence[Answer]) -> float:
    return sum(answer.correct for answer in row) / len(row)


def _pass_at(answers: Answers) -> dict[str, float]:
    """pass@k for k = 1, 2, 4 ... and the number of answers to a row."""
    samples = min((len(row) for row in answers), default=0)
    if samples < 2:
        return {}
    steps = [k for k in (2**power for power in range(samples.bit_length())) if k < samples]
    return {
        str(k): math.fsum(pass_at(k, len(row), sum(a.correct for a in row)) for row in answers) / len(answers) for k in (*steps, samples)
    }


# --- two sides -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One side beside another one, row by row."""

    side: str
    other: str
    points: float
    """Score of ``side`` minus score of ``other``."""
    interval: Interval
    """95 % interval of it, by a seeded bootstrap over the rows."""
    gained: int
    """Rows on which ``side`` is right more often than ``other``."""
    lost: int
    """Rows on which it is right less often."""
    p: float | None
    """Exact test of McNemar on right or not; None with several answers to a row."""


def difference_of(side: str, other: str, answers: Answers, others: Answers, *, seed: int = 0) -> Difference:
    """Compare the answers of two sides to the same rows."""
    changes = [_share(row) - _share(beside) for row, beside in zip(answers, others, strict=True)]
    gained, lost = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    single = all(len(row) == 1 for row in answers)
    return Difference(
        side=side,
        other=other,
        points=math.fsum(changes) / len(changes) if changes else 0.0,
        interval=bootstrap_mean(changes, seed=seed) if changes else Interval(-1.0, 1.0),
        gained=gained,
        lost=lost,
        p=mcnemar(gained, lost) if single else None,
    )


# --- groups of rows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Rows that share a topic or a difficulty."""

    name: str
    rows: int
    scores: Mapping[str, float]
    """Side -> share of correct answers to them."""


def groups_of(names: Sequence[Iterable[str]], sides: Mapping[str, Answers]) -> tuple[Group, ...]:
    """A group for each name, largest first; ``names`` holds the names of each row."""
    members: dict[str, list[int]] = {}
    for index, named in enumerate(names):
        for name in dict.fromkeys(named):
            members.setdefault(name, []).append(index)
    ordered = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Group(name, len(rows), {side: math.fsum(_share(answers[row]) for row in rows) / len(rows) for side, answers in sides.items()})
        for name, rows in ordered
    )
