"""Exams: which questions are put to whom, and how. From a tutor and a few wishes to everything that decides an evaluation.

Knows nothing of engines, answers and verdicts.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.contracts import Sampling
from adapters_hub.datasets import dataset_sha256, json_rows, usable, with_system
from adapters_hub.errors import DataError, NotFoundError, UsageError, from_os_error
from adapters_hub.gate import ADAPTER, BASE, EVALUATION, SCHEMA, judge_identity
from adapters_hub.ledger import Key
from adapters_hub.plugins import Plugins
from adapters_hub.types import Adapter, Example, Message, Tutor
from adapters_hub.workspace import shown

BASE_FOLDER = ".base"
"""Below ``runs/``: evaluations of the base alone, which belong to no run. Hidden, so that it is no run itself."""


@dataclass(frozen=True)
class Question:
    """A row as it is asked."""

    row: int
    """Its place in the file, from 1."""
    where: str
    messages: tuple[Message, ...]
    """The conversation up to the question, system turn included."""
    expected: Any
    tags: tuple[str, ...]
    difficulty: int | None

    @property
    def spoken(self) -> tuple[Message, ...]:
        """Without the system turn."""
        return tuple(turn for turn in self.messages if turn.role != "system")


@dataclass(frozen=True)
class Side:
    """Who answers."""

    name: str
    """``base``, ``adapter``, or the id of the run that it is compared with."""
    adapter: Adapter | None
    """None: the bare base. Its name is the one that requests give."""


@dataclass(frozen=True)
class Wishes:
    """What the caller wants otherwise than usual."""

    run: str | None = None
    """Id of the run; None: the one in use."""
    compare: str | None = None
    """Id of another run that answers too."""
    without_base: bool = False
    bare: bool = False
    """The base alone."""
    sample: int = 0
    """So many rows, spread over the topics; 0: all."""
    samples: int = 1
    """Answers to each row."""
    temperature: float = 0.0
    limit_tokens: int = 0
    """Longest answer in tokens; 0: the tutor's."""
    batch: int = 0
    """Questions asked at once; 0: as many as seem to fit."""
    seed: int = 7
    validators: tuple[str, ...] = ()
    """Who judges instead of the tutor's validators."""
    unsafe_exec: bool = False
    questions: Path | None = None
    """A list of questions instead of the held-out rows."""
    out: Path | None = None
    """Where the document goes; None: into the run's folder."""


@dataclass(frozen=True)
class Exam:
    """Everything that decides what an evaluation asks and how it is judged."""

    tutor: Tutor
    run: store.Run | None
    """The run that is evaluated; None: only the base is."""
    sides: tuple[Side, ...]
    source: str
    """The file of the questions, for people."""
    rows: int
    """Rows of that file."""
    questions: tuple[Question, ...]
    """Those that are asked, in the order of the file."""
    questions_sha256: str
    """Of the whole file."""
    sampling: Sampling
    samples: int
    seed: int
    batch: int
    identity: Mapping[str, Any]
    """See ``gate.judge_identity``."""
    unsafe_exec: bool
    listed: bool
    """The questions are somebody's list, not the tutor's held-out rows."""
    folder: Path
    """Where answers are kept until all are there."""
    out: Path

    @property
    def keys(self) -> tuple[Key, ...]:
        """All answers that are wanted: long conversations first, all sides of a question together."""
        by_length = sorted(self.questions, key=lambda question: (-sum(len(turn.content) for turn in question.messages), question.row))
        return tuple((q.row, side.name, number) for q in by_length for number in range(self.samples) for side in self.sides)

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints ask for the same answers; who judges them does not count."""
        base = self.tutor.base
        asked = {
            "schema": SCHEMA,
            "base": [base.engine, base.model, base.revision, base.quantization, base.chat_template],
            "sides": {side.name: _files(side.adapter) for side in self.sides},
            "questions": [[q.row, [[turn.role, turn.content] for turn in q.messages]] for q in self.questions],
            "sampling": asdict(self.sampling),
            "samples": self.samples,
            "seed": self.seed,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _files(adapter: Adapter | None) -> dict[str, str]:
    return dict(adapter.manifest.files) if adapter is not None and adapter.manifest is not None else {}


def exam_of(tutor: Tutor, plugins: Plugins, wishes: Wishes) -> Exam:
    """The tutor's held-out rows (or the list that was named) for the base and the adapter; the base alone for a tutor without one.

    Raises NotFoundError, UsageError and DataError for what cannot be had or cannot be meant, HubError for damaged adapters."""
    if wishes.samples > 1 and wishes.temperature == 0:
        raise UsageError("several answers to a row are all the same at temperature 0", hint="add --temperature 0.7")
    run = None if wishes.bare else store.chosen_run(tutor.folder, wishes.run)
    sides = _sides(tutor, run, wishes)
    path = wishes.questions or tutor.folder / tutor.dataset.eval
    examples = listed_questions(path, plugins) if wishes.questions else _held_out(tutor, path, plugins)
    chosen = spread(examples, wishes.sample, wishes.seed) if wishes.sample else list(range(len(examples)))
    folder = run.folder if run is not None else tutor.folder / store.RUNS / BASE_FOLDER
    name = f"answers-{path.stem}.json" if wishes.questions else EVALUATION
    chat = tutor.chat
    judging = replace(tutor, validator=replace(tutor.validator, use=wishes.validators)) if wishes.validators else tutor
    return Exam(
        tutor=tutor,
        run=run,
        sides=sides,
        source=shown(path),
        rows=len(examples),
        questions=tuple(_question(tutor, examples[index], index + 1) for index in chosen),
        questions_sha256=dataset_sha256(examples),
        sampling=Sampling(
            temperature=wishes.temperature,
            top_p=chat.top_p if wishes.temperature else 1.0,
            repetition_penalty=chat.repetition_penalty,
            max_new_tokens=wishes.limit_tokens or chat.max_new_tokens,
        ),
        samples=wishes.samples,
        seed=wishes.seed,
        batch=wishes.batch,
        identity=judge_identity(judging, plugins),
        unsafe_exec=wishes.unsafe_exec,
        listed=wishes.questions is not None,
        folder=folder,
        out=wishes.out or folder / name,
    )


def _sides(tutor: Tutor, run: store.Run | None, wishes: Wishes) -> tuple[Side, ...]:
    """The base first, the adapter last."""
    sides = [] if wishes.without_base else [Side(BASE, None)]
    if wishes.compare:
        other = store.chosen_run(tutor.folder, wishes.compare)
        if run is None or other is None or other.id == run.id:
            raise UsageError(f"there is nothing to compare with run '{wishes.compare}'", hint=f"hub show {tutor.name} lists the runs")
        sides.append(Side(other.id, replace(store.adapter_of(tutor.name, other), name=f"{tutor.name}@{other.id}")))
    elif wishes.without_base:
        raise UsageError("without the base there is nobody to compare with", hint="add --compare RUN")
    if run is not None:
        sides.append(Side(ADAPTER, store.adapter_of(tutor.name, run)))
    return tuple(sides)


def _held_out(tutor: Tutor, path: Path, plugins: Plugins) -> list[Example]:
    if not path.is_file():
        hint = "write questions with their answers into it, or name another file in [dataset] eval"
        raise NotFoundError(f"tutor '{tutor.name}' has no held-out questions: no file {shown(path)}", hint=hint)
    examples = plugins.read_dataset(path)
    if not examples:
        raise DataError(f"{shown(path)} holds no rows", hint="add conversations, one JSON object a line")
    return examples


def listed_questions(path: Path, plugins: Plugins) -> list[Example]:
    """Questions without answers: a text file with one a line, JSON lines with ``question`` or ``messages``, or any dataset file.

    Raises NotFoundError, and DataError with all bad rows."""
    if not path.is_file():
        raise NotFoundError(f"{shown(path)} does not exist", hint="--questions FILE: one question a line, or one JSON object a line")
    try:
        if path.suffix.lower() == ".txt":
            lines = path.read_bytes().decode("utf-8-sig").splitlines()
            examples = [
                Example((Message("user", line.strip()),), where=f"{shown(path)}:{number}")
                for number, line in enumerate(lines, start=1)
                if line.strip()
            ]
        elif path.suffix.lower() in (".jsonl", ".ndjson"):
            found = usable(json_rows(path.read_bytes(), shown(path)), shown(path), _as_question)
            examples = [replace(example, expected=example.expected or None) for example in found]
        else:
            examples = plugins.read_dataset(path)
    except OSError as error:
        raise from_os_error(error, f"read {shown(path)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(path)} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    if not examples:
        raise DataError(f"{shown(path)} holds no questions")
    return examples


def _as_question(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row as one of a dataset; an empty ``expected`` lets it end with the question."""
    expected = row.get("expected")
    rest = {"expected": {} if expected is None else expected}
    if "question" not in row:
        return {**row, **rest}
    kept = {key: row[key] for key in ("tags", "difficulty", "id") if key in row}
    return {"messages": [{"role": "user", "content": row["question"]}], **kept, **rest}


def _question(tutor: Tutor, example: Example, row: int) -> Question:
    """The row up to its last question: what a dataset answers itself is not shown."""
    (whole,) = with_system([example], tutor.system_prompt)
    messages = whole.messages[:-1] if whole.messages[-1].role == "assistant" else whole.messages
    return Question(row, example.where, messages, example.expected, example.tags, example.difficulty)


def spread(examples: Sequence[Example], count: int, seed: int) -> list[int]:
    """The places of ``count`` rows, each topic and difficulty with its share of them; the same ones for the same seed."""
    if count >= len(examples):
        return list(range(len(examples)))
    groups: dict[tuple[str, int], list[int]] = {}
    for index, example in enumerate(examples):
        groups.setdefault((example.tags[0] if example.tags else "", example.difficulty or 0), []).append(index)
    chance = random.Random(seed)
    mixed = [chance.sample(members, len(members)) for _, members in sorted(groups.items())]
    # each row stands in its group at (place + 1/2) / size: the rows that stand first over all groups are a fair share of each
    order = sorted(((place + 0.5) / len(members), chance.random(), index) for members in mixed for place, index in enumerate(members))
    return sorted(index for _, _, index in order[:count])
