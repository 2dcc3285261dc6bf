"""The checking room: everything about a tutor's rows that can be known without a model.

``check`` looks at the rows and counts tokens, ``preview`` shows what will be learned, ``judge_answers`` lets the tutor's
validator judge the answers that the rows give themselves. Knows nothing of terminals, engines and how files are read.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.contracts import Validator
from adapters_hub.datasets import conversation_sha256, with_system
from adapters_hub.errors import DataError, HubError
from adapters_hub.languages import STOP_WORDS, guess_language, is_language, prose
from adapters_hub.near_duplicates import folded, near_duplicates, near_rows, question_words
from adapters_hub.rendering import Rendered, render, render_many
from adapters_hub.splits import split
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Example, Message, Tutor, Verdict
from adapters_hub.workspace import shown

BATCH = 1000
"""Rows rendered at once: bounds the memory."""

FEW_ROWS = 20
"""Below this an adapter learns the rows by heart rather than the manner."""

LANGUAGE_CHARACTERS = 240
"""So much of a row's answers decides its language."""

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


@dataclass(frozen=True)
class CheckReport:
    """What ``hub check`` says, ready for JSON by ``asdict``."""

    tutor: str
    schema: int = 1
    files: tuple[FileReport, ...] = ()
    train_rows: int = 0
    """Rows that will be learned from."""
    validation_rows: int = 0
    """Rows kept aside for the held-out loss."""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    examples: tuple[Example, ...] = field(default=(), repr=False)
    """The rows of both files, in order; not part of the JSON."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that must be corrected."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings worth a look."""
        return tuple(finding for finding in self.findings if finding.level == "warning")

    def document(self) -> dict[str, Any]:
        """The report as plain data, without the rows themselves."""
        fields = {name: value for name, value in vars(self).items() if name not in ("files", "findings", "examples")}
        return {**fields, "files": [asdict(file) for file in self.files], "findings": [asdict(finding) for finding in self.findings]}


def check(tutor: Tutor, chat: ChatFormat | None, read: Callable[[Path], list[Example]]) -> CheckReport:
    """Read the tutor's files with ``read`` and look at every row. Without ``chat`` the tokens stay unknown.

    Bad rows, missing files and the like become findings; nothing is raised for what is in the files."""
    started = time.perf_counter()
    findings: list[Finding] = []
    train = _read(tutor, "train", read, findings)
    held_out = _read(tutor, "eval", read, findings)
    files = []
    learned = kept_aside = 0
    if train is not None:
        groups = near_duplicates(train)
        files.append(_look_at(tutor, chat, "train", train, groups, findings))
        learned, kept_aside = _sides(tutor, train, groups, findings)
    if held_out is not None:
        files.append(_look_at(tutor, chat, "eval", held_out, near_duplicates(held_out), findings))
    if train is not None and held_out is not None:
        _compare(train, held_out, findings)
    if chat is None:
        findings.append(Finding("warning", "no_tokens", tutor.base.model, "tokens were not counted: the base's tokenizer is not at hand"))
    order = {"error": 0, "warning": 1}
    return CheckReport(
        tutor=tutor.name,
        files=tuple(files),
        train_rows=learned,
        validation_rows=kept_aside,
        findings=tuple(sorted(findings, key=lambda finding: order[finding.level])),
        seconds=time.perf_counter() - started,
        examples=(*(train or ()), *(held_out or ())),
    )


# --- reading -------------------------------------------------------------------------------------


def _read(
    tutor: Tutor, use: Literal["train", "eval"], read: Callable[[Path], list[Example]], findings: list[Finding]
) -> list[Example] | None:
    """The rows, or None where there are none to look at."""
    path = tutor.folder / getattr(tutor.dataset, use)
    if not path.is_file():
        if use == "train":
            findings.append(Finding("error", "missing", shown(path), "the training rows are missing: name the file in [dataset] train"))
        else:
            message = "no held-out questions: the tutor cannot be compared with the bare base"
            findings.append(Finding("warning", "no_eval", shown(path), message))
        return None
    try:
        examples = read(path)
    except DataError as error:
        for detail in error.details or (f"{shown(path)}: {error.message}",):
            where, _, message = detail.partition(": ")
            findings.append(Finding("error", "row", where, message))
        return None
    except HubError as error:
        findings.append(Finding("error", "unreadable", shown(path), error.message + (f" ({error.hint})" if error.hint else "")))
        return None
    if not examples:
        findings.append(Finding("error" if use == "train" else "warning", "empty", shown(path), "the file holds no rows"))
        return None
    return examples


# --- one file ------------------------------------------------------------------------------------


def _look_at(
    tutor: Tutor,
    chat: ChatFormat | None,
    use: Literal["train", "eval"],
    examples: list[Example],
    groups: Sequence[Sequence[int]],
    findings: list[Finding],
) -> FileReport:
    path = shown(tutor.folder / getattr(tutor.dataset, use))
    questions = [len(turn.content.split()) for example in examples for turn in example.messages if turn.role == "user"]
    answers = [len(turn.content.split()) for example in examples for turn in example.messages if turn.role == "assistant"]
    duplicates, near = _repeated(examples, groups, findings)
    languages = _languages(tutor, examples, findings)
    _look_at_texts(chat, examples, findings)
    tokens = _count_tokens(tutor, chat, use, examples, findings) if chat is not None else _Tokens(None, None, None, 0)
    if use == "train":
        _look_at_training(examples, path, findings)
    tags = Counter(tag for example in examples for tag in dict.fromkeys(example.tags))
    difficulty = Counter(str(example.difficulty) for example in examples if example.difficulty is not None)
    return FileReport(
        use=use,
        path=path,
        rows=len(examples),
        turns=len(questions) + len(answers),
        own_system=sum(example.messages[0].role == "system" for example in examples),
        duplicates=duplicates,
        near_duplicates=near,
        languages=dict(languages.most_common()),
        question_words=_spread(questions),
        answer_words=_spread(answers),
        tokens=tokens.spread,
        learned_tokens=tokens.learned,
        over_max_tokens=tokens.over,
        counted_rows=tokens.counted,
        tags=dict(tags.most_common()),
        difficulty=dict(sorted(difficulty.items())),
        topics=topics(examples, tutor.language),
        with_expected=sum(example.expected is not None for example in examples),
    )


def _spread(numbers: Sequence[int]) -> Spread | None:
    if not numbers:
        return None
    ordered = sorted(numbers)

    def at(share: float) -> int:
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return Spread(ordered[0], at(0.5), at(0.95), ordered[-1])


def _repeated(examples: Sequence[Example], groups: Sequence[Sequence[int]], findings: list[Finding]) -> tuple[int, int]:
    """How many rows repeat an earlier one, and how many nearly ask the same."""
    duplicates = near = 0
    for group in groups:
        first_of: dict[str, int] = {}
        for index in group if len(group) > 1 else ():
            same = first_of.setdefault(conversation_sha256(examples[index]), index)
            if same != index:
                duplicates += 1
                findings.append(Finding("warning", "duplicate", examples[index].where, f"says the same as {examples[same].where}"))
            elif index != group[0]:
                near += 1
                message = f"asks nearly the same as {examples[group[0]].where}"
                findings.append(Finding("warning", "near_duplicate", examples[index].where, message))
    return duplicates, near


def _languages(tutor: Tutor, examples: Sequence[Example], findings: list[Finding]) -> Counter[str]:
    found: Counter[str] = Counter()
    for example in examples:
        text = "\n".join([turn.content for turn in example.messages if turn.role == "assistant"])[:LANGUAGE_CHARACTERS]
        if is_language(text, tutor.language):
            found[tutor.language] += 1
            continue
        guess = guess_language(text).language
        if is_language(text, tutor.language) is False:
            message = f"the answer seems to be in '{guess}', the tutor speaks '{tutor.language}'"
            findings.append(Finding("warning", "language", example.where, message))
            found[guess] += 1
        else:
            found[""] += 1
    return found


_MOJIBAKE = re.compile("\u00c3[\u0080-\u00bf]|\u00c2[\u00a0-\u00bf]|\u00e2\u20ac|\ufffd")


def _look_at_texts(chat: ChatFormat | None, examples: Sequence[Example], findings: list[Finding]) -> None:
    """Characters that got lost on the way, and control tokens spelt out."""
    spelt = sorted(chat.control_tokens, key=len, reverse=True) if chat is not None else []
    control = re.compile("|".join(map(re.escape, spelt))) if spelt else None
    for example in examples:
        text = "\n".join([turn.content for turn in example.messages])
        if not text.isascii() and (found := _MOJIBAKE.search(text)):
            near = " ".join(text[max(0, found.start() - 12) : found.end() + 12].split())
            findings.append(Finding("warning", "lost_characters", example.where, f"accents got lost when the text was saved: …{near}…"))
        if control is not None and (found := control.search(text)):
            message = f"spells the control token {found.group()}; it will be read as mere text"
            findings.append(Finding("warning", "control_token", example.where, message))


def _look_at_training(examples: Sequence[Example], path: str, findings: list[Finding]) -> None:
    for example in examples:
        if example.messages[-1].role == "user":
            findings.append(Finding("error", "no_answer", example.where, "the last turn is the user's: there is no answer to learn"))
    if len(examples) < FEW_ROWS:
        message = f"only {len(examples)} rows: they will be learned by heart; aim for 50 or more"
        findings.append(Finding("warning", "few_rows", path, message))
    same: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        same[" ".join(example.messages[-1].content.split())].append(example)
    for group in same.values():
        if len(group) >= 3 and group[0].messages[-1].role == "assistant":
            findings.append(
                Finding("warning", "same_answer", group[0].where, f"{len(group)} rows give this very answer, the last at {group[-1].where}")
            )


@dataclass(frozen=True)
class _Tokens:
    """Token figures of a file."""

    spread: Spread | None
    learned: int | None
    over: int | None
    counted: int


@dataclass(frozen=True)
class _Estimate:
    """Token figures of a row that was not rendered."""

    tokens: int
    learned: int


def _count_tokens(tutor: Tutor, chat: ChatFormat, use: str, examples: Sequence[Example], findings: list[Finding]) -> _Tokens:
    """Count the tokens of all rows, or in a large file of a sample, of one row of each order of roles and of all that may be too long."""
    limit, fate = tutor.recipe.train.max_tokens, tutor.recipe.train.long_rows
    rows = with_system(examples, tutor.system_prompt)
    estimates = _far_too_long(chat, rows, limit)
    sample = range(0, len(rows), max(1, len(rows) // SAMPLE))
    lengths, learned = _rendered_lengths(chat, rows, sample, estimates, findings)
    ordered = sorted(lengths.values())
    sampled = len(ordered)
    if sampled and len(sample) < len(rows):
        characters = [sum([len(turn.content) for turn in row.messages]) for row in rows]
        risky = limit * CAUTION * min(characters[index] / length for index, length in lengths.items())
        first_of = {tuple([turn.role for turn in row.messages]): index for index, row in reversed(list(enumerate(rows)))}
        others = {index for index, size in enumerate(characters) if size > risky} | set(first_of.values())
        more, _ = _rendered_lengths(chat, rows, sorted(others - set(sample)), estimates, findings)
        lengths |= more
    over = sorted(index for index, length in lengths.items() if length > limit)
    for index in over:
        message = f"{'about ' if index in estimates else ''}{lengths[index]} tokens, more than max_tokens = {limit}"
        message += {"skip": ": will be left out", "split": ": will be split"}.get(fate, "") if use == "train" else ""
        findings.append(Finding("warning", "long_row", rows[index].where, message))
    if use == "train" and len(over) == len(rows) and fate == "skip":
        message = f"all rows have more than {limit} tokens, nothing is left to learn: raise [train] max_tokens"
        findings.append(Finding("error", "all_long", shown(tutor.folder / tutor.dataset.train), message))
    spread = _spread(ordered)
    if spread is not None:
        spread = replace(spread, high=max(lengths.values()))
        learned = round(learned * len(rows) / sampled)
    return _Tokens(spread, learned, len(over), len(lengths))


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
    chat: ChatFormat, rows: Sequence[Example], chosen: Sequence[int], estimates: Mapping[int, _Estimate], findings: list[Finding]
) -> tuple[dict[int, int], int]:
    """Tokens of the chosen rows, and their tokens with loss in all; rows that the template refuses become findings."""
    guessed = [index for index in chosen if index in estimates]
    lengths = {index: estimates[index].tokens for index in guessed}
    learned = sum(estimates[index].learned for index in guessed)
    chosen = [index for index in chosen if index not in estimates]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        for index, rendered in zip(batch, _rendered(chat, [rows[index] for index in batch], findings), strict=True):
            if rendered is not None:
                lengths[index] = len(rendered.ids)
                learned += rendered.supervised.count(1)
    return lengths, learned


def _rendered(chat: ChatFormat, batch: Sequence[Example], findings: list[Finding]) -> list[Rendered | None]:
    """All rows together; where one of them is refused, one by one to tell which."""
    try:
        return list(render_many(chat, [example.messages for example in batch]))
    except HubError:
        found: list[Rendered | None] = []
        for example in batch:
            try:
                found.append(render(chat, example.messages))
            except HubError as error:
                findings.append(Finding("error", "template", example.where, error.message))
                found.append(None)
        return found


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


# --- both files together -------------------------------------------------------------------------


def _compare(train: Sequence[Example], held_out: Sequence[Example], findings: list[Finding]) -> None:
    """Held-out questions that are also trained on measure memory, not skill."""
    for example, near in zip(held_out, near_rows(held_out, train), strict=True):
        if not near:
            continue
        asked = question_words(example)
        same = next((train[index] for index in near if question_words(train[index]) == asked), None)
        if same is not None:
            findings.append(Finding("error", "leak", example.where, f"this held-out question is also trained on: {same.where}"))
        else:
            findings.append(Finding("warning", "near_leak", example.where, f"nearly the question of {train[near[0]].where}"))


def _sides(tutor: Tutor, train: Sequence[Example], groups: Sequence[Sequence[int]], findings: list[Finding]) -> tuple[int, int]:
    """Rows learned from and rows kept aside; zeros where rows without an answer forbid it."""
    try:
        parts = split(train, tutor.dataset.validation, groups)
    except DataError:
        return 0, 0  # each of these rows is a finding already
    if tutor.dataset.validation > 0 and not parts.validation:
        path = shown(tutor.folder / tutor.dataset.train)
        message = "all rows ask nearly the same: none can be kept aside for the held-out loss"
        findings.append(Finding("warning", "no_validation", path, message))
    return len(parts.train), len(parts.validation)


# --- looking and judging -------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A stretch of a rendered row."""

    text: str
    trained: bool
    """The model learns to say this."""


@dataclass(frozen=True)
class Preview:
    """One row as the model reads it."""

    where: str
    pieces: tuple[Piece, ...]
    tokens: int
    learned: int


def preview(tutor: Tutor, chat: ChatFormat, examples: Sequence[Example], n: int) -> list[Preview]:
    """The first ``n`` rows as they will be trained. Raises HubError when the template refuses one."""
    rows = with_system(examples[:n], tutor.system_prompt)
    rendered = render_many(chat, [row.messages for row in rows])
    return [_preview(chat, example, whole) for example, whole in zip(rows, rendered, strict=True)]


def _preview(chat: ChatFormat, example: Example, rendered: Rendered) -> Preview:
    """Decode up to each border of a stretch: tokens of one stretch alone may decode differently (blanks at its beginning)."""
    pieces: list[Piece] = []
    done = ""
    borders = [place for place in range(1, len(rendered.ids)) if rendered.supervised[place] != rendered.supervised[place - 1]]
    start = 0
    for end in [*borders, len(rendered.ids)]:
        text = chat.tokenizer.decode(rendered.ids[:end], skip_special_tokens=False)
        pieces.append(Piece(text[len(done) :], bool(rendered.supervised[start])))
        done, start = text, end
    return Preview(example.where, tuple(pieces), len(rendered.ids), rendered.supervised.count(1))


@dataclass(frozen=True)
class Judged:
    """A verdict on an answer that a row gives itself."""

    where: str
    turn: int
    """Which answer of the row, from 1."""
    verdict: Verdict


def judge_answers(tutor: Tutor, examples: Sequence[Example], validator: Validator) -> Iterator[Judged]:
    """Judge every answer of the rows, one at a time; ``expected`` belongs to the last answer of a row."""
    for example in examples:
        answers = [index for index, turn in enumerate(example.messages) if turn.role == "assistant"]
        for number, index in enumerate(answers, start=1):
            expected = example.expected if index == len(example.messages) - 1 else None
            attempt = attempt_of(tutor, example.messages[:index], example.messages[index].content, expected)
            yield Judged(example.where, number, validator.judge(attempt))
