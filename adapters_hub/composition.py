"""What a tutor's dataset is made of: rows and turns, lengths, topics by difficulty, where rows come from, how much of it is verified.

Counts what stands in rows that were read, checked and judged elsewhere. Knows nothing of files, tokenizers, validators and drawings.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters_hub.dataset_statistics import FileReport
from adapters_hub.own_answers import AnswersJudged
from adapters_hub.types import Example

MADE = "gen-"
"""How the ids of rows begin that a program wrote."""
MADE_TAGS = frozenset({"generado", "generada", "generated"})
"""Tags that say the same."""

DIFFICULTIES = (1, 2, 3)

WITHOUT_TOPIC = ""
"""Stands for the topic of rows without tags."""


@dataclass(frozen=True)
class Lengths:
    """How long something is."""

    count: int
    mean: float
    low: int
    p5: int
    p25: int
    median: int
    p75: int
    p95: int
    high: int
    values: tuple[int, ...] = field(repr=False)
    """All of them, ascending; not part of the JSON."""

    def histogram(self, bins: int = 12) -> tuple[tuple[int, int], ...]:
        """At most so many equally wide bins from the shortest to the longest: where each begins, and how many fall into it."""
        width = max(1, math.ceil((self.high - self.low + 1) / bins))
        counted = Counter((value - self.low) // width for value in self.values)
        return tuple((self.low + place * width, counted[place]) for place in range(max(counted) + 1))

    def document(self) -> dict[str, Any]:
        """As plain data."""
        quantiles = {name: getattr(self, name) for name in ("low", "p5", "p25", "median", "p75", "p95", "high")}
        return {"count": self.count, "mean": round(self.mean, 1), **quantiles, "histogram": [list(bar) for bar in self.histogram()]}


@dataclass(frozen=True)
class Part:
    """What one file of the dataset is made of."""

    file: FileReport
    """What the check counted: language, repetitions, tokens with loss."""
    answers: int
    multi_turn: int
    """Rows with more than one question."""
    made: int
    """Rows that a program wrote, as far as they say so by id or tag."""
    difficulty: Mapping[int | None, int]
    """Difficulty -> rows; None: the row does not say."""
    topics: Mapping[str, Mapping[int | None, int]]
    """Topic -> difficulty -> rows, the most frequent topic first; a row counts for each of its tags."""
    questions: Lengths | None
    """Words of each question; None where there are none, as with the others."""
    replies: Lengths | None
    """Words of each answer."""
    tokens: Lengths | None
    """Tokens of each row, system turn included; None also where the tokenizer is not at hand."""
    judged: AnswersJudged | None = None
    """The verdicts on the rows' own answers; None where nobody judged."""

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return self.file.rows

    @property
    def all_tokens(self) -> int | None:
        """Tokens of all rows together, extrapolated where only a sample was counted."""
        return None if self.tokens is None else round(self.tokens.mean * self.rows)

    @property
    def verified(self) -> float | None:
        """Share of the judged answers that are certainly correct; None where nobody judged."""
        if self.judged is None or not self.judged.judged:
            return None
        return self.judged.outcomes["correct"] / self.judged.judged

    def document(self) -> dict[str, Any]:
        """As plain data."""
        file = self.file
        outcomes: dict[str, Any] | None = None
        if self.judged is not None:
            outcomes = {name: self.judged.outcomes[name] for name in ("correct", "unverified", "incorrect")}  # type: ignore[index]
            outcomes |= {"judged": self.judged.judged, "share": self.verified}
        return {
            "use": file.use,
            "path": file.path,
            "rows": self.rows,
            "answers": self.answers,
            "multi_turn": self.multi_turn,
            "generated": self.made,
            "with_expected": file.with_expected,
            "duplicates": file.duplicates,
            "near_duplicates": file.near_duplicates,
            "languages": file.languages,
            "tokens": {"all": self.all_tokens, "learned": file.learned_tokens, "rows_over_max_tokens": file.over_max_tokens},
            "row_tokens": self.tokens and self.tokens.document(),
            "question_words": self.questions and self.questions.document(),
            "answer_words": self.replies and self.replies.document(),
            "difficulty": _named(self.difficulty),
            "topics": {topic or "untagged": _named(counts) for topic, counts in self.topics.items()},
            "words": file.topics,
            "verified": outcomes,
        }


def _named(counts: Mapping[int | None, int]) -> dict[str, int]:
    return {"unknown" if level is None else str(level): count for level, count in counts.items() if count}


def parts_of(
    files: Sequence[FileReport], examples: Sequence[Example], judged: Mapping[Literal["train", "eval"], AnswersJudged] | None = None
) -> tuple[Part, ...]:
    """A part for each file; ``examples`` are the rows of all files, one after another."""
    return tuple(_part(file, rows, (judged or {}).get(file.use)) for file, rows in rows_of(files, examples))


def rows_of(files: Sequence[FileReport], examples: Sequence[Example]) -> Iterator[tuple[FileReport, Sequence[Example]]]:
    """Each file with its own rows."""
    begin = 0
    for file in files:
        yield file, examples[begin : begin + file.rows]
        begin += file.rows


def _part(file: FileReport, rows: Sequence[Example], judged: AnswersJudged | None) -> Part:
    turns = [[turn for turn in row.messages if turn.role != "system"] for row in rows]
    asked = [[turn for turn in said if turn.role == "user"] for said in turns]
    replies = [turn for said in turns for turn in said if turn.role == "assistant"]
    return Part(
        file=file,
        answers=len(replies),
        multi_turn=sum(len(questions) > 1 for questions in asked),
        made=sum(row.id.startswith(MADE) or not MADE_TAGS.isdisjoint(row.tags) for row in rows),
        difficulty=_by_difficulty(rows),
        topics=_topics(rows),
        questions=lengths_of([len(turn.content.split()) for questions in asked for turn in questions]),
        replies=lengths_of([len(turn.content.split()) for turn in replies]),
        tokens=lengths_of(file.token_lengths),
        judged=judged,
    )


def _by_difficulty(rows: Sequence[Example]) -> dict[int | None, int]:
    counted = Counter(row.difficulty for row in rows)
    return {level: counted[level] for level in (*DIFFICULTIES, None)}


def _topics(rows: Sequence[Example]) -> dict[str, dict[int | None, int]]:
    of: dict[str, list[Example]] = {}
    for row in rows:
        for tag in dict.fromkeys(row.tags) or (WITHOUT_TOPIC,):
            of.setdefault(tag, []).append(row)
    order = sorted(of, key=lambda topic: (topic == WITHOUT_TOPIC, -len(of[topic]), topic))
    return {topic: _by_difficulty(of[topic]) for topic in order}


def lengths_of(numbers: Sequence[int]) -> Lengths | None:
    """None where there are no numbers."""
    if not numbers:
        return None
    ordered = tuple(sorted(numbers))

    def at(share: float) -> int:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Lengths(
        count=len(ordered),
        mean=sum(ordered) / len(ordered),
        low=ordered[0],
        p5=at(0.05),
        p25=at(0.25),
        median=at(0.5),
        p75=at(0.75),
        p95=at(0.95),
        high=ordered[-1],
        values=ordered,
    )


def topic_table(parts: Sequence[Part]) -> dict[str, tuple[Mapping[int | None, int], ...]]:
    """Topic -> its rows by difficulty in each part; topics in the order of their rows in all parts together."""
    empty = dict.fromkeys((*DIFFICULTIES, None), 0)
    topics = dict.fromkeys(topic for part in parts for topic in part.topics)
    table = {topic: tuple(part.topics.get(topic, empty) for part in parts) for topic in topics}
    return dict(sorted(table.items(), key=lambda item: (item[0] == WITHOUT_TOPIC, -sum(sum(counts.values()) for counts in item[1]))))
