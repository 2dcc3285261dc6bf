"""The checking room: everything about a tutor's rows that can be known without a model.

``check`` looks at the rows and counts tokens, ``preview`` shows what will be learned. What the tutor's validator says to the rows' own
answers is another matter: see ``own_answers``. Knows nothing of terminals, engines and how files are read.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.dataset_statistics import FileReport, Finding, TokenCount, count_tokens, file_report
from adapters_hub.datasets import conversation_sha256, with_system
from adapters_hub.errors import DataError, HubError
from adapters_hub.languages import guess_language, is_language
from adapters_hub.near_duplicates import near_duplicates, near_rows, question_words
from adapters_hub.rendering import Rendered, render_many
from adapters_hub.splits import split
from adapters_hub.types import Example, Tutor
from adapters_hub.workspace import shown

FEW_ROWS = 20
"""Below this an adapter learns the rows by heart rather than the manner."""

LANGUAGE_CHARACTERS = 240
"""So much of a row's answers decides its language."""


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
        files = [{key: value for key, value in asdict(file).items() if key != "token_lengths"} for file in self.files]
        return {**fields, "files": files, "findings": [asdict(finding) for finding in self.findings]}


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
    duplicates, near = _repeated(examples, groups, findings)
    languages = _languages(tutor, examples, findings)
    _look_at_texts(chat, examples, findings)
    tokens = TokenCount()
    if chat is not None:
        tokens = count_tokens(chat, with_system(examples, tutor.system_prompt), tutor.recipe.train.max_tokens)
        _look_at_lengths(tutor, use, examples, tokens, findings)
    if use == "train":
        _look_at_training(examples, path, findings)
    return file_report(use, path, examples, tutor.language, duplicates=duplicates, near_duplicates=near, languages=languages, tokens=tokens)


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


def _look_at_lengths(tutor: Tutor, use: str, examples: Sequence[Example], tokens: TokenCount, findings: list[Finding]) -> None:
    """Rows that the template refuses, and rows with too many tokens."""
    limit, fate = tutor.recipe.train.max_tokens, tutor.recipe.train.long_rows
    findings += [Finding("error", "template", examples[index].where, message) for index, message in tokens.refused]
    long = tokens.long or ()
    for row in long:
        message = f"{'about ' if row.estimated else ''}{row.tokens} tokens, more than max_tokens = {limit}"
        message += {"skip": ": will be left out", "split": ": will be split"}.get(fate, "") if use == "train" else ""
        findings.append(Finding("warning", "long_row", examples[row.index].where, message))
    if use == "train" and len(long) == len(examples) and fate == "skip":
        message = f"all rows have more than {limit} tokens, nothing is left to learn: raise [train] max_tokens"
        findings.append(Finding("error", "all_long", shown(tutor.folder / tutor.dataset.train), message))


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


# --- looking --------------------------------------------------------------------------------------


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
