"""The evaluating room: the held-out questions go to the bare base and to the adapter, and a document says how they did.

Straight line: read -> choose -> ask both sides in the same batches -> judge meanwhile -> score -> save. What was answered is kept line
by line, so that an evaluation that is cut off goes on where it stopped. Knows nothing of terminals and nothing of tensors.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adapters_hub.contracts import Completion, Engine, Request, Validator
from adapters_hub.conveyor import Hands, result_of
from adapters_hub.errors import HubError, ResourceError, UsageError, from_os_error
from adapters_hub.exams import Exam, Question
from adapters_hub.gate import BASE, EVALUATION, SCHEMA, provenance, read_evaluation
from adapters_hub.hardware import free_memory, installed_versions, pick_device
from adapters_hub.ledger import Key, Ledger, Said, Spoken
from adapters_hub.plugins import Plugins
from adapters_hub.score_plot import draw_scores
from adapters_hub.scores import Answer, Answers, Difference, Group, Score, difference_of, groups_of, score_of
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Verdict
from adapters_hub.workers import available_cores
from adapters_hub.workspace import shown, write_json

PICTURE = "eval.png"
TRIAL = "eval.trial.json"
"""Where an evaluation goes that may not take the place of a complete one."""
LOCK = ".eval.lock"

BATCH = 16
"""Questions asked at once where nothing is known about the memory; a graphics card takes ``BATCH_ON_CARD``."""
BATCH_ON_CARD = 64

MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory")
"""What torch says, in RuntimeErrors without a class of their own, where the memory does not suffice."""

NO_ROOM = "no_room"
VERSIONED = ("adapters-hub", "torch", "transformers", "tokenizers", "bitsandbytes")


# --- what happens meanwhile ----------------------------------------------------------------------


@dataclass(frozen=True)
class Begun:
    """Before the first question is asked."""

    exam: Exam
    answers: int
    """How many answers are wanted."""
    kept: int
    """How many of them an interrupted evaluation has left."""


@dataclass(frozen=True)
class Progress:
    """After each batch, and while the last verdicts come in."""

    answered: int
    judged: int
    tokens: int
    """Tokens decoded so far."""
    seconds: float
    """Time spent decoding them."""


@dataclass(frozen=True)
class Evaluation:
    """What came out."""

    exam: Exam
    answers: Mapping[str, Answers]
    """Side -> its answers to each question."""
    scores: Mapping[str, Score]
    differences: tuple[Difference, ...]
    """The adapter beside each other side."""
    topics: tuple[Group, ...]
    difficulties: tuple[Group, ...]
    tokens: int
    seconds: float
    """Time spent decoding."""

    @property
    def main(self) -> str:
        """The side that the evaluation is about."""
        return self.exam.sides[-1].name

    @property
    def wrong(self) -> tuple[int, ...]:
        """Places of the questions that the main side answered incorrectly, the worst first."""
        answers = self.answers[self.main]
        found = [index for index, row in enumerate(answers) if row[0].verdict.outcome == "incorrect"]
        return tuple(sorted(found, key=lambda index: (answers[index][0].verdict.score, index)))

    @property
    def lost(self) -> tuple[int, ...]:
        """Places of the questions that the base had right and the main side has not."""
        if BASE not in self.answers or self.main == BASE:
            return ()
        pairs = zip(self.answers[BASE], self.answers[self.main], strict=True)
        return tuple(index for index, (base, own) in enumerate(pairs) if base[0].correct and not own[0].correct)


@dataclass(frozen=True)
class Saved:
    """The last event: the document is on disk."""

    evaluation: Evaluation
    document: Mapping[str, Any]
    file: Path
    picture: Path | None
    problem: str = ""
    """What is missing beside the document; empty when all went well."""


Event = Begun | Progress | Saved


def evaluate(exam: Exam, plugins: Plugins, validator: Validator, *, rejudge: bool = False) -> Iterator[Event]:
    """Ask, judge, score and save. Yields ``Begun``, ``Progress`` and at last ``Saved``.

    What was answered before an interruption is taken over; ``rejudge`` takes over all answers of the former document and asks nothing.
    Raises UsageError (nothing to judge again, another process evaluates), ResourceError, and what the engine raises."""
    with _held(exam.folder):
        ledger = Ledger.opened(exam.folder, exam.fingerprint, judge=_digest(exam.identity, exam.unsafe_exec))
        try:
            if rejudge:
                ledger.take_over(_former_answers(exam))
            yield Begun(exam, len(exam.keys), len(ledger.said))
            yield from _answer_and_judge(exam, plugins, validator, ledger)
            saved = _save(exam, plugins, _summed_up(exam, ledger))
            ledger.discard()
            yield saved
        finally:
            ledger.close()


# --- asking and judging --------------------------------------------------------------------------


def _answer_and_judge(exam: Exam, plugins: Plugins, validator: Validator, ledger: Ledger) -> Iterator[Progress]:
    """Batch after batch is decoded here, while threads judge the answers of the former ones."""
    questions = {question.row: question for question in exam.questions}

    def judge(key: Key) -> Verdict:
        question, said = questions[key[0]], ledger.said[key]
        if said.finish == NO_ROOM:
            return Verdict("unverified", code=NO_ROOM, reason="La conversación no cabe en el contexto del modelo.")
        return validator.judge(attempt_of(exam.tutor, question.spoken, said.text, question.expected))

    hands: Hands[Key, Verdict] = Hands(judge, available_cores())
    waiting: dict[Key, Future[Verdict]] = {}
    try:
        for key in ledger.said.keys() - ledger.verdicts.keys():
            waiting[key] = hands.give(key)
        missing = [key for key in exam.keys if key not in ledger.said]
        if missing:
            with _opened(exam, plugins) as desk:
                while missing:
                    batch = missing[: desk.size(len(exam.sides))]
                    ledger.add(desk.ask(batch, questions))
                    missing = missing[len(batch) :]
                    for key in batch:
                        waiting[key] = hands.give(key)
                    yield _progress(ledger, waiting)
        while waiting:
            result_of(next(iter(waiting.values())))
            yield _progress(ledger, waiting)
    finally:
        hands.close()


def _progress(ledger: Ledger, waiting: dict[Key, Future[Verdict]]) -> Progress:
    """Note the verdicts that are there; ``waiting`` keeps the others."""
    for key in [key for key, future in waiting.items() if future.done()]:
        ledger.judge(key, waiting.pop(key).result())
    return Progress(len(ledger.said), len(ledger.verdicts), ledger.tokens, ledger.seconds)


@contextmanager
def _opened(exam: Exam, plugins: Plugins) -> Iterator[Desk]:
    engine = plugins.engine(exam.tutor.base.engine).open(exam.tutor.base)
    try:
        for side in exam.sides:
            if side.adapter is not None:
                engine.attach(side.adapter)
        yield Desk(exam, engine)
    finally:
        engine.close()


@dataclass
class Desk:
    """Asks the engine, in batches that fit its memory."""

    exam: Exam
    engine: Engine
    most: int = 0
    """Questions that may be asked at once; 0: not known yet."""

    def size(self, sides: int) -> int:
        """How many answers to ask for next: all sides of a question in one batch where that is possible."""
        self.most = self.most or self.exam.batch or usual_batch()
        return self.most - self.most % sides if self.most >= sides else self.most

    def ask(self, keys: Sequence[Key], questions: Mapping[int, Question]) -> Spoken:
        """The answers to all ``keys``; a question that leaves no room for an answer gets none."""
        begun = time.perf_counter()
        requests = {key: self._request(key, questions[key[0]]) for key in keys}
        asked = {key: request for key, request in requests.items() if self.engine.tokens_left(request) > 0}
        completions = dict(zip(asked, self._generate(list(asked.values())), strict=True))
        said = {key: _said(completions.get(key)) for key in keys}
        return Spoken(said, time.perf_counter() - begun)

    def _request(self, key: Key, question: Question) -> Request:
        row, name, number = key
        adapter = next(side.adapter for side in self.exam.sides if side.name == name)
        sampling = self.exam.sampling
        if sampling.temperature:  # the same for every side, and for every order in which rows are asked
            seed = hashlib.sha256(f"{self.exam.seed} {row} {number}".encode()).digest()
            sampling = replace(sampling, seed=int.from_bytes(seed[:4], "big"))
        return Request(question.messages, adapter.name if adapter is not None else None, sampling)

    def _generate(self, requests: list[Request]) -> list[Completion]:
        """All answers; where the memory does not suffice, half of them at a time, from now on."""
        answers: list[Completion] = []
        size = len(requests)
        while len(answers) < len(requests):
            part = requests[len(answers) : len(answers) + size]
            found = self._tried(part)
            if found is not None:
                answers += found
            elif len(part) == 1:
                raise ResourceError(
                    "out of memory even with one question at a time", hint="use --limit-tokens N, close other programs, or a smaller base"
                )
            else:
                size = self.most = max(1, len(part) // 2)
        return answers

    def _tried(self, requests: list[Request]) -> list[Completion] | None:
        """None when the memory did not suffice. The error is dropped here: its traceback would keep the tensors alive."""
        try:
            return self.engine.generate(requests)
        except Exception as error:  # engines raise the errors of their frameworks, which have no class in common
            if not is_out_of_memory(error):
                raise
        return None


def _said(completion: Completion | None) -> Said:
    if completion is None:
        return Said("", NO_ROOM, 0, 0, 0.0)
    return Said(completion.text, completion.finish, completion.prompt_tokens, completion.completion_tokens, completion.seconds)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is torch's, CUDA's, Python's or our own way to say that the memory does not suffice."""
    if isinstance(error, (MemoryError, ResourceError)) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in text for words in ("out of memory", "not enough memory", "can't allocate memory")
    )


def usual_batch() -> int:
    """More on a graphics card. An engine that uses torch has imported it by now; nothing is imported here."""
    torch = sys.modules.get("torch")
    if torch is None:
        return BATCH
    device = pick_device(torch)
    return BATCH_ON_CARD if device.type == "cuda" and free_memory(torch, device) >> 30 else BATCH


# --- around it -------------------------------------------------------------------------------------


def _digest(identity: Mapping[str, Any], unsafe_exec: bool) -> str:
    return hashlib.sha256(json.dumps([identity, unsafe_exec], sort_keys=True).encode()).hexdigest()


def _former_answers(exam: Exam) -> Spoken:
    """The answers of the document in place; raises UsageError when it has none of this exam."""
    file = exam.out
    hint = "leave out --rejudge to ask again"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["fingerprint"] != exam.fingerprint:
            raise UsageError(f"{shown(file)} holds answers to other questions, of another adapter or with other settings", hint=hint)
        said = {
            (row["row"], side, number): Said(**{item.name: answer[item.name] for item in fields(Said)})
            for row in document["answers"]
            for side, answers in row["sides"].items()
            for number, answer in enumerate(answers)
        }
        if set(said) != set(exam.keys):
            raise KeyError("answers")
        return Spoken(said, float(document["seconds"]))
    except FileNotFoundError as error:
        raise UsageError(f"there is nothing to judge again: no {shown(file)}", hint=hint) from error
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{shown(file)} is damaged ({type(error).__name__}: {error})", hint=hint) from error


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other processes from evaluating into this folder meanwhile."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, blocking=False)
        lock.acquire()
    except Timeout as error:
        raise UsageError(f"{shown(folder)} is being evaluated by another process right now", hint="wait for it, then repeat") from error
    except OSError as error:
        raise from_os_error(error, f"write {shown(folder / LOCK)}") from error
    try:
        yield
    finally:
        lock.release()


# --- summing up and saving -----------------------------------------------------------------------


def _summed_up(exam: Exam, ledger: Ledger) -> Evaluation:
    def answer(key: Key) -> Answer:
        return Answer(**vars(ledger.said[key]), verdict=ledger.verdicts[key])

    answers: dict[str, Answers] = {
        side.name: [[answer((question.row, side.name, number)) for number in range(exam.samples)] for question in exam.questions]
        for side in exam.sides
    }
    main = exam.sides[-1].name
    others = [side.name for side in exam.sides[:-1]]
    difficulties = [[str(question.difficulty)] if question.difficulty is not None else [] for question in exam.questions]
    return Evaluation(
        exam=exam,
        answers=answers,
        scores={name: score_of(rows) for name, rows in answers.items()},
        differences=tuple(difference_of(main, other, answers[main], answers[other], seed=exam.seed) for other in others),
        topics=groups_of([question.tags for question in exam.questions], answers),
        difficulties=tuple(sorted(groups_of(difficulties, answers), key=lambda group: group.name)),
        tokens=ledger.tokens,
        seconds=ledger.seconds,
    )


def _save(exam: Exam, plugins: Plugins, evaluation: Evaluation) -> Saved:
    """The document, whole or not at all; then its picture, which is worth no evaluation: a failure is only told."""
    document = _document(evaluation)
    file = exam.out
    if _is_worse(exam, plugins, document):
        file = exam.folder / TRIAL
    write_json(file, document)
    if exam.listed:
        return Saved(evaluation, document, file, None)
    picture = file.with_suffix(".png") if file.name != EVALUATION else file.with_name(PICTURE)
    try:
        draw_scores(evaluation.scores, evaluation.topics, picture, title=_title(exam))
    except Exception as error:  # whatever the drawing library stumbles over
        return Saved(evaluation, document, file, None, f"{shown(picture)} was not drawn: {error}")
    return Saved(evaluation, document, file, picture)


def _title(exam: Exam) -> str:
    return f"{exam.tutor.title} · {exam.run.id if exam.run is not None else exam.tutor.base.model}"


def _is_worse(exam: Exam, plugins: Plugins, document: Mapping[str, Any]) -> bool:
    """Whether the document in place counts at the gate and this one would not: a quick look must not take its place."""
    if exam.run is None or exam.listed or exam.out != exam.folder / EVALUATION:
        return False
    try:
        standing = read_evaluation(exam.folder)
        if standing is None:
            return False
        counts = all(condition.passed for condition in provenance(standing, exam.run, exam.tutor, plugins))
    except (HubError, KeyError, TypeError, AttributeError):  # damaged: anything is better
        return False
    return counts and not all(condition.passed for condition in provenance(document, exam.run, exam.tutor, plugins))


def _document(evaluation: Evaluation) -> dict[str, Any]:
    exam = evaluation.exam
    tutor, base = exam.tutor, exam.tutor.base
    manifest = exam.run.manifest if exam.run is not None else None
    return {
        "schema": SCHEMA,
        "tutor": tutor.name,
        "run": exam.run.id if exam.run is not None else None,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "base": {"model": base.model, "revision": base.revision, "quantization": base.quantization, "engine": base.engine},
        "adapter": {"files": dict(manifest.files)} if manifest is not None else None,
        "dataset": {
            "file": exam.source,
            "sha256": exam.questions_sha256,
            "rows": exam.rows,
            "evaluated": len(exam.questions),
            "listed": exam.listed,
        },
        "system_prompt_sha256": hashlib.sha256(tutor.system_prompt.encode()).hexdigest(),
        "validator": dict(exam.identity),
        "unsafe_exec": exam.unsafe_exec,
        "sampling": {key: value for key, value in asdict(exam.sampling).items() if key != "seed"}
        | {"samples": exam.samples, "seed": exam.seed, "batch": exam.batch},
        "versions": installed_versions(VERSIONED),
        "fingerprint": exam.fingerprint,
        "seconds": round(evaluation.seconds, 3),
        "tokens": evaluation.tokens,
        "tokens_per_second": round(evaluation.tokens / evaluation.seconds, 1) if evaluation.seconds else None,
        "sides": {name: asdict(score) for name, score in evaluation.scores.items()},
        "differences": [asdict(difference) for difference in evaluation.differences],
        "topics": [asdict(group) for group in evaluation.topics],
        "difficulties": [asdict(group) for group in evaluation.difficulties],
        "wrong": [exam.questions[index].row for index in evaluation.wrong],
        "lost": [exam.questions[index].row for index in evaluation.lost],
        "answers": [
            {
                "row": question.row,
                "where": question.where,
                "messages": [asdict(turn) for turn in question.spoken],
                "expected": question.expected,
                "tags": list(question.tags),
                "difficulty": question.difficulty,
                "sides": {name: [asdict(answer) for answer in rows[index]] for name, rows in evaluation.answers.items()},
            }
            for index, question in enumerate(exam.questions)
        ],
    }
