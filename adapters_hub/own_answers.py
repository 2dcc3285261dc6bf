"""What a tutor's validator says to the answers that the tutor's own rows give: a wrong one would be learned.

Judges in threads, keeps the order of the rows, and remembers only what is wrong. Knows nothing of terminals, files and models.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from adapters_hub.contracts import Validator
from adapters_hub.conveyor import in_order
from adapters_hub.dataset_statistics import Finding
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Attempt, Example, Outcome, Tutor, Verdict
from adapters_hub.workers import available_cores

A_WHILE = 0.05
"""Seconds of work that a thread gets at once while answers are judged: quick validators are handed many answers, slow ones a few."""

MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Judged:
    """A verdict on an answer that a row gives itself."""

    where: str
    turn: int
    """Which answer of the row, from 1."""
    answers: int
    """How many answers the row has."""
    verdict: Verdict

    @property
    def message(self) -> str:
        """The verdict in a line, with the number of the answer where a row has several."""
        number = f"answer {self.turn}: " if self.answers > 1 else ""
        return f"{number}{self.verdict.reason or 'no reason was given'} [{self.verdict.code}]"


def judge_answers(tutor: Tutor, examples: Sequence[Example], validator: Validator, *, hands: int = 0) -> Iterator[Judged]:
    """Judge every answer of the rows, in order; ``expected`` belongs to the last answer of a row.

    ``hands`` threads judge at once (0: one for each core). Memory does not grow with the number of rows."""
    size = 1

    def judge(batch: Sequence[tuple[Judged, Attempt]]) -> list[Judged]:
        nonlocal size
        begun = time.perf_counter()
        judged = [Judged(place.where, place.turn, place.answers, validator.judge(attempt)) for place, attempt in batch]
        quick = time.perf_counter() - begun < A_WHILE
        size = min(MOST_AT_ONCE, 2 * len(batch)) if quick else max(1, len(batch) // 2)
        return judged

    def batches() -> Iterator[list[tuple[Judged, Attempt]]]:
        answers = _answers(tutor, examples)
        while batch := list(islice(answers, size)):
            yield batch

    with closing(in_order(judge, batches(), hands=hands or available_cores())) as done:  # type: ignore[type-var]
        for judged in done:
            yield from judged


def _answers(tutor: Tutor, examples: Sequence[Example]) -> Iterator[tuple[Judged, Attempt]]:
    """Each answer with the place that its verdict will take."""
    for example in examples:
        turns = example.messages
        places = [index for index, turn in enumerate(turns) if turn.role == "assistant"]
        for number, index in enumerate(places, start=1):
            expected = example.expected if index == len(turns) - 1 else None
            attempt = attempt_of(tutor, turns[:index], turns[index].content, expected)
            yield Judged(example.where, number, len(places), _NOT_YET), attempt


_NOT_YET = Verdict("unverified")


def answer_count(examples: Sequence[Example]) -> int:
    """How many answers the rows give themselves."""
    return sum(turn.role == "assistant" for example in examples for turn in example.messages)


@dataclass
class AnswersJudged:
    """What the validator says to the dataset's own answers, as far as it has come."""

    total: int
    """Answers there are."""
    keep_unverified: bool = False
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    wrong: list[Judged] = field(default_factory=list)
    unverified: list[Judged] = field(default_factory=list)
    """Filled only where they are wanted; crashes are not among them."""
    crashed: Judged | None = None
    """The first answer that the validator failed on."""

    @property
    def judged(self) -> int:
        """Answers with a verdict so far."""
        return self.outcomes.total()

    @property
    def complete(self) -> bool:
        """Every answer has been judged."""
        return self.judged == self.total

    def add(self, entry: Judged) -> None:
        """Take one verdict."""
        verdict = entry.verdict
        self.outcomes[verdict.outcome] += 1
        self.codes[verdict.code] += 1
        self.warnings.update(set(verdict.warnings))
        if verdict.outcome == "incorrect":
            self.wrong.append(entry)
        elif verdict.code == "crash":
            self.crashed = self.crashed or entry
        elif verdict.outcome == "unverified" and self.keep_unverified:
            self.unverified.append(entry)

    def findings(self) -> tuple[Finding, ...]:
        """Each wrong answer as an error; a warning where the validator itself failed."""
        found = [Finding("error", "wrong_answer", entry.where, entry.message) for entry in self.wrong]
        if self.crashed is not None:
            cause = self.crashed.verdict.evidence
            message = f"the validator failed on {self.codes['crash']:,} of {self.judged:,} answers, first here: {cause}"
            found.append(Finding("warning", "crash", self.crashed.where, message))
        return tuple(found)

    def document(self) -> dict[str, Any]:
        """The verdicts as plain data: all that are wrong, the others counted."""
        return {
            "answers": self.total,
            "judged": self.judged,
            "complete": self.complete,
            "outcomes": {outcome: self.outcomes[outcome] for outcome in ("correct", "incorrect", "unverified")},  # type: ignore[index]
            "codes": dict(self.codes.most_common()),
            "warnings": dict(self.warnings.most_common()),
            "incorrect": [{"where": entry.where, "turn": entry.turn, **asdict(entry.verdict)} for entry in self.wrong],
        }
