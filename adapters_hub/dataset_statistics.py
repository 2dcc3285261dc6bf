"""What is said about a dataset: findings, and the figures of a file: rows and words, tokens and how many of them are learned, topics.

Counts and measures; what of it is a fault is for others to find. Knows nothing of files, validators and models; the tokenizer comes
with the chat format.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import HubError
from adapters_hub.languages import STOP_WORDS, prose
from adapters_hub.near_duplicates import folded
from adapters_hub.rendering import Rendered, render, render_many
from adapters_hub.types import Example, Message

BATCH = 1000
"""Rows rendered at once: bounds the memory."""

TOPICS = 12

TOPIC_CHARACTERS = 20
"""A longer word is cut: whatever it is, it names no topic."""

MANY_TURNS = 64
"""From so many turns a row is first estimated: what a template does to a row grows faster than its turns."""

FAR_TOO_LONG = 1.5
"""A row of many turns estimated at so many times ``max_tokens`` is not rendered to be called too long."""

SAMPLE = 1000
"""Of larger files about so many rows, evenly spread, are rendered to learn how long rows are, and all that may be too long."""

CAUTION = 0.6
"""A row counts as "may be too long" from this share of the fewest characters per token that the sample shows."""


@dataclass(frozen=True)
class Finding:
    """Something the author should know about one place."""

    level: Literal["error", "warning"]
    code: str
    """What kind of finding: ``row``, ``leak``, ``language`` ..."""
    where: str
    """``file:line``, or the file."""
    message: str


@dataclass(frozen=True)
class Spread:
    """How a quantity is distributed over the rows."""

    low: int
    median: int
    p95: int
    high: int


@dataclass(frozen=True)
class FileReport:
    """What one dataset file holds."""

    use: Literal["train", "eval"]
    path: str
    rows: int
    turns: int
    """Questions and answers, system turns left out."""
    own_system: int
    """Rows with a system turn of their own."""
    duplicates: int
    """Rows that say what an earlier row says."""
    near_duplicates: int
    """Rows that ask nearly what an earlier row asks, duplicates left out."""
    languages: dict[str, int]
    """Language of the answers -> rows; an empty string: cannot be told."""
    question_words: Spread | None
    answer_words: Spread | None
    tokens: Spread | None
    """Tokens of a whole row, system turn included; None: unknown."""
    learned_tokens: int | None
    """Tokens with loss; extrapolated where ``counted_rows`` is below ``rows``."""
    over_max_tokens: int | None
    counted_rows: int
    """Rows whose tokens were counted: all, or in large files a sample and every row that may be too long."""
    tags: dict[str, int]
    difficulty: dict[str, int]
    topics: dict[str, int]
    """Characteristic words of the questions -> rows."""
    with_expected: int
    token_lengths: tuple[int, ...] = field(default=(), repr=False)
    """Tokens of each row that was counted; not part of the JSON."""


def file_report(
    use: Literal["train", "eval"],
    path: str,
    examples: Sequence[Example],
    language: str,
    *,
    duplicates: int,
    near_duplicates: int,
    languages: Counter[str],
    tokens: TokenCount,
) -> FileReport:
    """Everything that can be counted in the rows, beside what their examination has found already. ``language``: the questions'."""
    questions = [len(turn.content.split()) for example in examples for turn in example.messages if turn.role == "user"]
    answers = [len(turn.content.split()) for example in examples for turn in example.messages if turn.role == "assistant"]
    tags = Counter(tag for example in examples for tag in dict.fromkeys(example.tags))
    difficulty = Counter(str(example.difficulty) for example in examples if example.difficulty is not None)
    return FileReport(
        use=use,
        path=path,
        rows=len(examples),
        turns=len(questions) + len(answers),
        own_system=sum(example.messages[0].role == "system" for example in examples),
        duplicates=duplicates,
        near_duplicates=near_duplicates,
        languages=dict(languages.most_common()),
        question_words=spread_of(questions),
        answer_words=spread_of(answers),
        tokens=tokens.spread,
        learned_tokens=tokens.learned,
        over_max_tokens=tokens.over,
        counted_rows=tokens.counted,
        tags=dict(tags.most_common()),
        difficulty=dict(sorted(difficulty.items())),
        topics=topics(examples, language),
        with_expected=sum(example.expected is not None for example in examples),
        token_lengths=tokens.lengths,
    )


def spread_of(numbers: Sequence[int]) -> Spread | None:
    """None where there are no numbers."""
    if not numbers:
        return None
    ordered = sorted(numbers)

    def at(share: float) -> int:
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return Spread(ordered[0], at(0.5), at(0.95), ordered[-1])


# --- topics --------------------------------------------------------------------------------------


def topics(examples: Sequence[Example], language: str) -> dict[str, int]:
    """Words that many questions share but not all: rows with the word times the logarithm of its rarity (tf-idf over rows)."""
    stops = STOP_WORDS.get(language, frozenset())
    written: Counter[str] = Counter()
    for example in examples:
        text = "\n".join([turn.content for turn in example.messages if turn.role == "user"])
        written.update({word[:TOPIC_CHARACTERS] for word in _TOPIC.findall(prose(text).lower())})
    rows_of: Counter[str] = Counter()
    spelling: dict[str, Counter[str]] = defaultdict(Counter)
    for word, count in written.items():
        if (key := folded(word)) not in stops:
            rows_of[key] += count
            spelling[key][word] += count
    weight = {word: count * math.log(1 + len(examples) / count) for word, count in rows_of.items() if count > 1 or len(examples) < 5}
    best = sorted(weight, key=lambda word: (-weight[word], word))[:TOPICS]
    return {spelling[word].most_common(1)[0][0]: rows_of[word] for word in best}


_TOPIC = re.compile(r"(?<![\w.])[^\W\d_]{4,}(?!\w|\.\w)")


# --- tokens --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LongRow:
    """A row with more tokens than allowed."""

    index: int
    tokens: int
    estimated: bool
    """Not rendered, since it is far too long."""


@dataclass(frozen=True)
class TokenCount:
    """Token figures of a file."""

    spread: Spread | None = None
    learned: int | None = None
    counted: int = 0
    long: tuple[LongRow, ...] | None = None
    """Rows with more than the limit; None: not known."""
    refused: tuple[tuple[int, str], ...] = ()
    """Index of each row that the chat template refuses, and why."""
    lengths: tuple[int, ...] = ()
    """Tokens of each row of the file, or in a large one of the evenly spread sample."""

    @property
    def over(self) -> int | None:
        """Number of rows over the limit."""
        return None if self.long is None else len(self.long)


@dataclass(frozen=True)
class _Estimate:
    """Token figures of a row that was not rendered."""

    tokens: int
    learned: int


def count_tokens(chat: ChatFormat, rows: Sequence[Example], limit: int) -> TokenCount:
    """Count the tokens of all rows, or in a large file of a sample, of one row of each order of roles and of all that may be too long.

    ``rows`` have their system turn in place; those of more than ``limit`` tokens are named."""
    refused: list[tuple[int, str]] = []
    estimates = _far_too_long(chat, rows, limit)
    sample = range(0, len(rows), max(1, len(rows) // SAMPLE))
    lengths, learned = _rendered_lengths(chat, rows, sample, estimates, refused)
    ordered = sorted(lengths.values())
    sampled = len(ordered)
    if sampled and len(sample) < len(rows):
        characters = [sum([len(turn.content) for turn in row.messages]) for row in rows]
        risky = limit * CAUTION * min(characters[index] / length for index, length in lengths.items())
        first_of = {tuple([turn.role for turn in row.messages]): index for index, row in reversed(list(enumerate(rows)))}
        others = {index for index, size in enumerate(characters) if size > risky} | set(first_of.values())
        more, _ = _rendered_lengths(chat, rows, sorted(others - set(sample)), estimates, refused)
        lengths |= more
    spread = spread_of(ordered)
    if spread is not None:
        spread = replace(spread, high=max(lengths.values()))
        learned = round(learned * len(rows) / sampled)
    over = sorted(index for index, length in lengths.items() if length > limit)
    long = tuple(LongRow(index, lengths[index], index in estimates) for index in over)
    return TokenCount(spread, learned, len(lengths), long, tuple(sorted(refused)), tuple(ordered))


def _far_too_long(chat: ChatFormat, rows: Sequence[Example], limit: int) -> dict[int, _Estimate]:
    """Rows of so many turns and tokens that rendering them takes long and can only show that they are too long."""
    many = [index for index, row in enumerate(rows) if len(row.messages) > MANY_TURNS]
    if not many:
        return {}
    short, long = ([Message("user", "x"), Message("assistant", "x")] * pairs for pairs in (1, 3))
    try:
        two, six = render_many(chat, [short, long])
    except HubError:  # told of each row, where it is rendered
        return {}
    frame = max(0, (len(six.ids) - len(two.ids)) // 4 - 1)
    estimates = {}
    for index in many:
        turns = rows[index].messages
        encoded = chat.tokenizer.encode_batch([turn.content for turn in turns], add_special_tokens=False)
        said = [len(encoding.ids) for encoding in encoded]
        tokens = sum(said) + frame * len(turns)
        if tokens > limit * FAR_TOO_LONG:
            answers = [size + 1 for turn, size in zip(turns, said, strict=True) if turn.role == "assistant"]
            estimates[index] = _Estimate(tokens, sum(answers))
    return estimates


def _rendered_lengths(
    chat: ChatFormat, rows: Sequence[Example], chosen: Sequence[int], estimates: Mapping[int, _Estimate], refused: list[tuple[int, str]]
) -> tuple[dict[int, int], int]:
    """Tokens of the chosen rows, and their tokens with loss in all; rows that the template refuses are noted."""
    guessed = [index for index in chosen if index in estimates]
    lengths = {index: estimates[index].tokens for index in guessed}
    learned = sum(estimates[index].learned for index in guessed)
    chosen = [index for index in chosen if index not in estimates]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        for index, rendered in zip(batch, _rendered(chat, rows, batch, refused), strict=True):
            if rendered is not None:
                lengths[index] = len(rendered.ids)
                learned += rendered.supervised.count(1)
    return lengths, learned


def _rendered(chat: ChatFormat, rows: Sequence[Example], batch: Sequence[int], refused: list[tuple[int, str]]) -> list[Rendered | None]:
    """All rows together; where one of them is refused, one by one to tell which."""
    try:
        return list(render_many(chat, [rows[index].messages for index in batch]))
    except HubError:
        found: list[Rendered | None] = []
        for index in batch:
            try:
                found.append(render(chat, rows[index].messages))
            except HubError as error:
                refused.append((index, error.message))
                found.append(None)
        return found
