"""The Python API: a workspace opened for notebooks and scripts, with the rooms that the command line works in.

Prints nothing but a line of progress, and raises HubErrors whose ``hint`` says what to do. Any number of threads may use one ``Hub``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.answers import Answer
from adapters_hub.contracts import TrainEnd, TrainStart, TrainStep
from adapters_hub.dialogue import AnswerStream, AsyncAnswerStream, Dialogue
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.evaluating import Begun, Evaluation, Progress, evaluate
from adapters_hub.exams import Wishes, exam_of
from adapters_hub.gate import GateReport, gate
from adapters_hub.inspection import Inspection, errors_of, inspect_tutor
from adapters_hub.judging import Bench, Submission
from adapters_hub.library import Library
from adapters_hub.plugins import Plugins, load_plugins
from adapters_hub.progress_line import ProgressLine, in_notebook
from adapters_hub.quiz import QUESTIONS, Quiz, quiz_of
from adapters_hub.router import Route, Router
from adapters_hub.shared_room import SharedRoom
from adapters_hub.training import RunSaved, options_of, train_tutors
from adapters_hub.types import Message, RunManifest, Tutor, Verdict
from adapters_hub.workspace import shown, tutor_names


def open_workspace(
    folder: str | Path | None = None,
    *,
    trust: bool = False,
    progress: bool = True,
    options: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
) -> Hub:
    """The workspace in ``folder`` (the one that holds ``hub.toml`` or ``tutors/hub.toml``), opened for use with ``with``.

    Without ``folder``: ``HUB_WORKSPACE``, else the nearest one from the current folder upward. ``trust``: a ``validator.py`` from outside
    the workspace may run; without it opening such a tutor raises RightsError. ``progress`` False: never a word. ``options`` overrule the
    files of every tutor, e.g. ``{"chat.temperature": 0.0, "base.model": "mini"}``. ``plugins``: a set of one's own.

    Quick: no model is loaded before the first question. Raises NotFoundError where there is no workspace, UsageError for bad options."""
    library = Library(plugins or load_plugins())
    library.workspace_option = os.fspath(folder) if folder is not None else None
    library.plugins.ask = lambda question: trust
    _ = library.workspace
    if in_notebook():  # a library that the engine uses would rather have widgets, and says so with a path of this machine
        warnings.filterwarnings("ignore", message="IProgress not found")
    return Hub(library, progress=progress, options=options)


@dataclass(frozen=True)
class Trained:
    """What a training came to."""

    tutor: str
    run: str
    """Id of the run."""
    folder: Path
    """Holds the adapter, its log, a picture of the loss and the manifest."""
    losses: tuple[float, ...]
    """Loss of each optimizer step, nats per supervised token; of a resumed run those of the steps that were left."""
    held_out: Mapping[int, float]
    """Step -> loss on the rows kept aside, in nats per token; step 0 is the untouched base."""
    scores: Mapping[int, float]
    """Step -> share, 0 to 1, of the rows kept aside that were answered correctly; step 0 is the base. Empty where nobody can judge."""
    best_step: int
    """The evaluation whose adapter was kept."""
    seconds: float
    manifest: RunManifest = field(repr=False)
    problem: str = ""
    """What is missing beside the run, e.g. its picture."""


class Hub:
    """An open workspace. Made by ``open_workspace``; leave it with ``with`` or ``close``.

    One base is in memory at most, opened at the first question. Training and evaluating put it away first, wait for the answers under way,
    and let questions of other threads wait meanwhile."""

    def __init__(self, library: Library, *, progress: bool = True, options: Mapping[str, Any] | None = None) -> None:
        """Opens no model."""
        self._library, self._plugins, self._progress = library, library.plugins, progress
        self._shared = SharedRoom(library, options)
        self._options = self._shared.options
        library.load_base(self._options)  # a bad option is told here, not at the first question
        self._router: tuple[object, Router] | None = None

    @property
    def folder(self) -> Path:
        """The folder of the tutors."""
        return self._library.workspace.folder

    def tutors(self) -> tuple[str, ...]:
        """Names of the tutors, sorted."""
        self._shared.check_open()
        return tutor_names(self._library.workspace)

    def tutor(self, name: str) -> Tutor:
        """The tutor of that name or folder with all its settings. Raises NotFoundError, UsageError for a file that cannot be read."""
        return self._shared.tutor(name)

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, name: str, question: str, *, expected: Any = None, bare: bool = False, judged: bool = True, **sampling: Any) -> Answer:
        """The tutor's answer: ``.text``, ``.verdict`` (of its validator; None with ``judged=False``), ``.seconds``, ``.completion_tokens``.

        ``name`` ``auto`` lets the question find its tutor. ``bare`` asks the base without the adapter. ``expected``: what a right answer
        says. ``sampling``: ``temperature``, ``top_p``, ``repetition_penalty``, ``max_new_tokens``, ``seed`` instead of the tutor's.
        Raises NotFoundError (no such tutor, not trained), BusyError (queue full), UsageError and what the engine raises."""
        return self.conversation(name, bare=bare, **sampling).ask(question, expected=expected, judged=judged)

    def stream(
        self, name: str, question: str, *, expected: Any = None, bare: bool = False, judged: bool = True, **sampling: Any
    ) -> AnswerStream:
        """``ask`` piece by piece: ``for piece in hub.stream(...)``. The stream's ``answer`` has the verdict at the end."""
        return self.conversation(name, bare=bare, **sampling).stream(question, expected=expected, judged=judged)

    def astream(
        self, name: str, question: str, *, expected: Any = None, bare: bool = False, judged: bool = True, **sampling: Any
    ) -> AsyncAnswerStream:
        """``stream`` for an event loop, which is never blocked: ``async for piece in hub.astream(...)``."""
        return self.conversation(name, bare=bare, **sampling).astream(question, expected=expected, judged=judged)

    def conversation(self, name: str, *, bare: bool = False, **sampling: Any) -> Dialogue:
        """A conversation that remembers its turns, with ``ask``, ``stream``, ``astream``, ``retry``, ``undo``, ``fresh`` and ``switch``."""
        return Dialogue(self._shared, self._routed, name, bare=bare, sampling=sampling)

    def route(self, question: str) -> Route:
        """Which tutor a question is for: ``.tutor`` (None: unsure), ``.why`` in Spanish, ``.candidates``. Loads no model."""
        return self._routed(question)

    def _routed(self, question: str, present: str | None = None) -> Route:
        tutors = self._library.readable_tutors(self._options)
        made_for = tuple((tutor, _changed(tutor.folder / tutor.dataset.train)) for tutor in tutors)
        known = self._router
        if known is None or known[0] != made_for:
            known = self._router = (made_for, Router.of(tutors, self._plugins))
        return known[1].route(question, present)

    # --- judging ---------------------------------------------------------------------------------

    def judge(self, name: str, question: str, answer: str, *, expected: Any = None, history: Sequence[Message | str] = ()) -> Verdict:
        """What the tutor's validators say to an answer from anywhere; loads no model. Never raises for what the answer holds.

        ``expected``: what a right answer says, as in the dataset: a text, a list of accepted texts, or an object. ``history``: the turns
        before the question, texts being the user's and the tutor's in turn. Raises NotFoundError, UsageError, RightsError."""
        if not isinstance(question, str) or not isinstance(answer, str):
            raise UsageError("question and answer are texts", hint='put it in quotes: "4"')
        tutor = self._shared.tutor(name)
        turns = [turn if isinstance(turn, Message) else Message("assistant" if at % 2 else "user", turn) for at, turn in enumerate(history)]
        bench = Bench(self._shared.validator(tutor), tutor.language, tutor.locale, tutor.chat.style, tutor.folder)
        return bench.judge(Submission(1, "", (*turns, Message("user", question)), answer, expected)).verdict

    def quiz(
        self, name: str, count: int = QUESTIONS, *, topic: str | None = None, difficulty: int | None = None, seed: int | None = None
    ) -> Quiz:
        """Held-out questions for a student, as in ``hub quiz``: ``.cards``, each with its ``.question``; ``.judge(card, answer)``."""
        if count < 0:
            raise UsageError("count must be 0 (all questions) or more")
        tutor = self._shared.tutor(name)
        return quiz_of(tutor, self._plugins, self._shared.validator(tutor), count=count, topic=topic, difficulty=difficulty, seed=seed)

    # --- teaching --------------------------------------------------------------------------------

    def train(
        self,
        name: str,
        *,
        epochs: float | None = None,
        max_steps: int | None = None,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        resume: bool = False,
        progress: bool | None = None,
    ) -> Trained:
        """Train a tutor on its rows and keep the adapter as a new run, which answers from the next question on.

        ``options``: more settings, e.g. ``{"train.learning_rate": 1e-3, "lora.rank": 8}``. ``resume`` continues the newest interrupted run.
        Interrupting the cell or pressing Ctrl-C ends after the current step, keeps a checkpoint and raises Interrupted.
        Raises DataError with every bad row, NotFoundError, UsageError, ResourceError."""
        (trained,) = self.train_together(
            [name], epochs=epochs, max_steps=max_steps, seed=seed, options=options, resume=resume, progress=progress
        )
        return trained

    def train_together(
        self,
        names: Iterable[str],
        *,
        epochs: float | None = None,
        max_steps: int | None = None,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        resume: bool = False,
        progress: bool | None = None,
    ) -> tuple[Trained, ...]:
        """``train`` for several tutors at once over one base in memory; one outcome for each, in the order of the names."""
        recipe = {"train.epochs": epochs, "train.max_steps": max_steps, "train.seed": seed}
        wanted = {**(options or {}), **{key: value for key, value in recipe.items() if value is not None}}
        names = [names] if isinstance(names, str) else list(names)
        self._shared.check_open()
        if resume and names:  # as it began, unless told otherwise
            wanted = {**options_of(self._library.find_tutor(names[0])), **wanted}
        wanted = {**self._options, **wanted}
        tutors = self._library.load_tutors(names, wanted)
        logs = {tutor.name: _Log() for tutor in tutors}
        events = train_tutors(tutors, self._plugins, resume=resume, options=wanted)
        with self._shared.alone(), self._line(progress) as line, closing(events):  # type: ignore[type-var]
            for event in events:
                logs[event.job].add(event)
                line.show(" · ".join(filter(None, map(_Log.text, logs.values()))), min(log.share for log in logs.values()))
        return tuple(logs[tutor.name].outcome() for tutor in tutors)

    def check(self, name: str, *, progress: bool | None = None) -> Inspection:
        """All that can be known about a tutor's rows and settings without a model: ``.passed``, ``.errors``, ``.warnings``, ``.report``.

        Raises NotFoundError and UsageError for the tutor itself, nothing for what stands in its rows."""
        tutor = self._shared.tutor(name)
        with self._plugins.tutor_local(tutor), self._line(progress) as line:
            for inspection in inspect_tutor(tutor, self._plugins):
                if inspection.answers is not None:
                    done, total = inspection.answers.judged, inspection.answers.total
                    line.show(f"{tutor.name}: {done}/{total} answers judged", done / total)
        return inspection

    def evaluate(
        self,
        name: str,
        *,
        sample: int = 0,
        run: str | None = None,
        compare: str | None = None,
        bare: bool = False,
        limit_tokens: int = 0,
        seed: int = 7,
        progress: bool | None = None,
    ) -> Evaluation:
        """Ask the base and the adapter the held-out questions: ``.scores["adapter"].score`` (0 to 1), ``.differences``, ``.topics``.

        ``sample`` asks so many of them, spread over the topics. ``compare``: a second run that answers too. ``bare``: the base alone.
        ``limit_tokens``: longest answer, 0 for the tutor's. The document goes into ``evaluation.exam.out``, as with ``hub eval``; what an
        interrupted evaluation has answered is kept. Raises NotFoundError, UsageError, DataError, ResourceError."""
        if sample < 0 or limit_tokens < 0:
            raise UsageError("sample and limit_tokens must be 0 (no limit) or more")
        tutor = self._shared.tutor(name)
        validator = self._shared.validator(tutor)
        wishes = Wishes(run=run, compare=compare, bare=bare, sample=sample, limit_tokens=limit_tokens, seed=seed)
        with self._plugins.tutor_local(tutor):
            exam = exam_of(tutor, self._plugins, wishes)
        total = len(exam.keys)
        events = evaluate(exam, self._plugins, validator)
        with self._shared.alone(), self._line(progress) as line, closing(events):  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Begun):
                    line.show(f"{tutor.name}: {event.kept}/{total} answers")
                elif isinstance(event, Progress):
                    text = f"{tutor.name}: {event.answered}/{total} answers, {event.judged} judged"
                    line.show(text, (event.answered + event.judged) / (2 * total))
                else:
                    return event.evaluation
        raise AssertionError("an evaluation ends with what it saved")

    def gate(self, name: str, run: str | None = None) -> GateReport:
        """Whether a run may be published: ``.passed``, ``.conditions``. Looks at its evaluation and checks the rows; loads no model."""
        tutor = self._shared.tutor(name)
        chosen = store.chosen_run(tutor.folder, run)
        if chosen is None:
            raise NotFoundError(f"tutor '{tutor.name}' has not been trained yet", hint=f'hub.train("{tutor.name}")')
        with self._plugins.tutor_local(tutor):
            return gate(chosen, tutor, self._plugins, errors_of(tutor, self._plugins))

    # --- leaving ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Free the memory. Twice is fine; afterwards everything else raises UsageError."""
        self._shared.close()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Hub {shown(self.folder)}: {', '.join(tutor_names(self._library.workspace)) or 'no tutors'}>"

    @contextmanager
    def _line(self, progress: bool | None) -> Iterator[ProgressLine]:
        with ProgressLine(self._progress if progress is None else progress) as line:
            yield line


@dataclass
class _Log:
    """One tutor's training as it goes on."""

    start: TrainStart | None = None
    steps: list[TrainStep] = field(default_factory=list)
    end: TrainEnd | None = None
    saved: RunSaved | None = None

    def add(self, event: TrainStart | TrainStep | TrainEnd | RunSaved) -> None:
        if isinstance(event, TrainStart):
            self.start = event
        elif isinstance(event, TrainStep):
            self.steps.append(event)
        elif isinstance(event, TrainEnd):
            self.end = event
        else:
            self.saved = event

    @property
    def share(self) -> float:
        if not self.steps:
            return 1.0 if self.end else 0.0
        return 1.0 if self.end else min(0.99, self.steps[-1].step / self.steps[-1].total_steps)

    def text(self) -> str:
        if not self.steps:
            return ""
        step = self.steps[-1]
        return f"{step.job}: step {step.step}/{step.total_steps}, loss {step.loss:.2f}"

    def outcome(self) -> Trained:
        start, end, saved = self.start, self.end, self.saved
        assert start is not None and end is not None and saved is not None, "a training ends with what it saved"
        held_out = {0: start.held_out_loss} | {step.step: step.held_out_loss for step in self.steps}
        scores = {0: start.score if start.score_rows else None} | {step.step: step.score for step in self.steps}
        return Trained(
            tutor=saved.manifest.tutor,
            run=saved.manifest.run_id,
            folder=saved.folder,
            losses=tuple(step.loss for step in self.steps),
            held_out={step: loss for step, loss in held_out.items() if loss is not None},
            scores={step: score for step, score in scores.items() if score is not None},
            best_step=end.best_step,
            seconds=end.seconds,
            manifest=saved.manifest,
            problem=saved.problem,
        )


def _changed(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:  # no rows: the router does without
        return None
    return found.st_mtime_ns, found.st_size
