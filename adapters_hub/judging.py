"""The judging room: answers from anywhere go in, a verdict on each comes out, in order, with bounded memory.

Reads rows that give a question and an answer (or a conversation that ends with one) line by line. Knows nothing of terminals, of
engines, and of how a validator judges.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from adapters_hub.contracts import Validator
from adapters_hub.conveyor import in_order
from adapters_hub.datasets import ROLES, Flaw, Refused, json_line, utf16_fault, value_faults, wrong_kind
from adapters_hub.errors import DataError
from adapters_hub.plugins import UNSAFE, JointValidator, Plugins
from adapters_hub.types import Attempt, Message, Outcome, Role, Tutor, Verdict
from adapters_hub.workers import available_cores

KEYS = ("question", "answer", "expected", "history", "messages")
"""Keys of a row; others are somebody else's and let pass."""

CHUNK = 1 << 16
LONGEST_LINE = 64 << 20
"""Bytes of one row: a stream without line breaks must not fill the memory."""

VERDICT_KEYS = (
    *("outcome", "score", "code", "reason", "hint", "extracted", "expected", "span"),
    *("evidence", "seconds", "validator", "warnings"),
)

SHAPE = 'a row reads {"question": "...", "answer": "..."}; hub judge --help says more'


@dataclass(frozen=True)
class Submission:
    """An answer that somebody wants judged."""

    row: int
    """Its number among the rows, from 1."""
    where: str
    """``file:line``"""
    messages: tuple[Message, ...]
    """The conversation up to and including the question."""
    answer: str
    expected: Any = None


@dataclass(frozen=True)
class BadSubmission:
    """A row that cannot be judged."""

    row: int
    where: str
    reason: str


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it is on."""

    submission: Submission
    verdict: Verdict

    def document(self) -> dict[str, Any]:
        """One line of NDJSON."""
        return {"row": self.submission.row, **verdict_document(self.verdict)}


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data."""
    return {name: getattr(verdict, name) for name in VERDICT_KEYS}


@dataclass(frozen=True)
class Bench:
    """Who judges, and what they are told about the answers beside the answers themselves."""

    validator: Validator
    language: str = "es"
    locale: str = ""
    style: str = ""
    folder: Path | None = None

    def judge(self, submission: Submission) -> Judgement:
        """Never raises."""
        attempt = Attempt(submission.messages, submission.answer, submission.expected, self.language, self.folder, self.locale, self.style)
        return Judgement(submission, self.validator.judge(attempt))


def judge_rows(rows: Iterable[Submission | BadSubmission], bench: Bench, *, hands: int = 0) -> Iterator[Judgement | BadSubmission]:
    """A judgement for each submission, in order, each as soon as those before it are done; bad ones come out as they are.

    ``hands`` threads judge at once (0: one for each core): what takes long in a validator happens in processes of its own."""

    def judge(row: Submission | BadSubmission) -> Judgement | BadSubmission:
        return row if isinstance(row, BadSubmission) else bench.judge(row)

    return in_order(judge, rows, hands=hands or available_cores())


# --- who judges ----------------------------------------------------------------------------------


def bench_of(tutor: Tutor, plugins: Plugins, *, validators: Sequence[str] = (), unsafe_exec: bool = False) -> Bench:
    """The tutor's own validators, or those named instead, told what they would be told in a lesson of this tutor.

    Raises NotFoundError for an unknown validator, UsageError for options that it refuses."""
    if validators:
        names = tuple(validator_name(plugins, name) for name in validators)
        tutor = replace(tutor, validator=replace(tutor.validator, use=names))
    validator = plugins.judge_of(tutor, unsafe_exec=unsafe_exec)
    return Bench(validator, tutor.language, tutor.locale, tutor.chat.style, tutor.folder)


def bench_without_tutor(plugins: Plugins, validators: Sequence[str], folder: Path, *, unsafe_exec: bool = False) -> Bench:
    """The validators of these names with their default options; ``folder`` is where files are that rows name."""
    options = {UNSAFE: True} if unsafe_exec else {}
    made = tuple(plugins.validator(validator_name(plugins, name), options) for name in validators)
    return Bench(JointValidator(made), folder=folder)


def validator_name(plugins: Plugins, text: str) -> str:
    """The name of a validator, also where its plugin was named: ``hub-math`` means ``math``."""
    known = {spec.name for spec in plugins.validators()}
    short = text.strip().removeprefix("hub-").removeprefix("hub_")
    return short if text not in known and short in known else text


# --- rows ----------------------------------------------------------------------------------------


class Readable(Protocol):
    """An unbuffered binary stream: ``read`` returns what is there, and nothing at its end."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes."""


def read_submissions(stream: Readable, name: str) -> Iterator[Submission | BadSubmission]:
    """The rows of ``stream``, one JSON object a line; blank lines are skipped. ``name`` is what to call it.

    Raises DataError for UTF-16, OSError where reading fails."""
    row = 0
    for number, line in _lines(stream):
        where = f"{name}:{number}"
        if line is None:
            row += 1
            yield BadSubmission(row, where, f"the line is longer than {LONGEST_LINE >> 20} MiB")
            continue
        if number == 1:
            if fault := utf16_fault(line):
                raise DataError(f"{name}: {fault}")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        row += 1
        parsed = json_line(line, where)
        yield BadSubmission(row, where, parsed.reason) if isinstance(parsed, Flaw) else submission_from(parsed.value, row, where)


def _lines(stream: Readable) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None for one that is too long, of which no more than the beginning is ever held."""
    number, size = 1, 0
    begun: list[bytes] = []
    while chunk := stream.read(CHUNK):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            size += len(piece)
            yield number, b"".join((*begun, piece)) if size <= LONGEST_LINE else None
            number, size, begun = number + 1, 0, []
        size += len(rest)
        begun = [*begun, rest] if size <= LONGEST_LINE else []
    if size:
        yield number, b"".join(begun) if size <= LONGEST_LINE else None


def submission_from(value: Any, row: int, where: str) -> Submission | BadSubmission:
    """The submission that a row means: question and answer with the turns before them, or a conversation that ends with the answer."""
    if isinstance(value, Refused) or not isinstance(value, Mapping):
        return BadSubmission(row, where, wrong_kind("a row", "an object {...}", value))
    faults = _misspelt(value)
    answer = _text(value, "answer", faults)
    question = _text(value, "question", faults)
    earlier = _turns(value.get("history"), "history", faults)
    messages = _turns(value.get("messages"), "messages", faults)
    if value.get("messages") is not None and not faults:
        if question is not None or earlier:
            faults.append("messages already hold the conversation: leave out question and history")
        elif answer is None and messages and messages[-1].role == "assistant":
            messages, answer = messages[:-1], messages[-1].content
        elif answer is not None and messages and messages[-1].role == "assistant":
            faults.append("there are two answers: the last of messages, and answer")
    elif question is not None:
        messages = (*earlier, Message("user", question))
    else:
        messages = earlier
    if answer is None and not faults:
        faults.append("there is no answer: messages must end with the assistant's turn" if messages else "answer is missing")
    faults += value_faults(value.get("expected"), "expected")
    if faults or answer is None:
        return BadSubmission(row, where, "; ".join(faults))
    return Submission(row, where, messages, answer, value.get("expected"))


def _misspelt(row: Mapping[str, Any]) -> list[str]:
    """Keys that can only be meant as one of ours that is not there; anything else is a key of somebody else."""
    missing = [key for key in KEYS if key not in row]
    faults = []
    for key in row:
        near = difflib.get_close_matches(str(key).lower(), missing, n=1, cutoff=0.8) if key not in KEYS else ()
        if near:
            faults.append(f"unknown key {str(key)[:40]!a} (did you mean '{near[0]}'?)")
    return faults


def _text(row: Mapping[str, Any], key: str, faults: list[str]) -> str | None:
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    faults.append(wrong_kind(key, "a text", value))
    return None


def _turns(value: Any, place: str, faults: list[str]) -> tuple[Message, ...]:
    """Messages, or texts spoken in turn, the user first. What is said may be anything: it is judged, not learned."""
    if value is None:
        return ()
    if isinstance(value, (str, Refused)) or not isinstance(value, Sequence):
        faults.append(wrong_kind(place, "a list", value))
        return ()
    turns: list[Message] = []
    for number, turn in enumerate(value, start=1):
        if isinstance(turn, str):
            turns.append(Message("user" if number % 2 else "assistant", turn))
            continue
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, Mapping) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            faults.append(f"{place}: turn {number} must be a text, or an object with role ({', '.join(ROLES)}) and content")
            return ()
        turns.append(Message(cast(Role, role), content))
    return tuple(turns)


# --- summing up ----------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came out so far: grows with the number of different codes, not with the number of rows."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    """Rows that could not be judged."""

    @property
    def judged(self) -> int:
        """Rows with a verdict."""
        return self.outcomes.total()

    def add(self, row: Judgement | BadSubmission) -> None:
        """Count one row."""
        if isinstance(row, BadSubmission):
            self.bad += 1
            return
        self.outcomes[row.verdict.outcome] += 1
        self.codes[row.verdict.code] += 1
        self.warnings.update(set(row.verdict.warnings))

    def document(self) -> dict[str, Any]:
        """The counts as plain data."""
        outcomes = {outcome: self.outcomes[outcome] for outcome in ("correct", "incorrect", "unverified")}  # type: ignore[index]
        codes, warnings = (dict(counted.most_common()) for counted in (self.codes, self.warnings))
        return {"judged": self.judged, **outcomes, "codes": codes, "warnings": warnings, "bad": self.bad}
