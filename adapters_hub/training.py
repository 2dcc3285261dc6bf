"""The training room: a tutor's rows go in, a whole run comes out; every step is logged on the way.

Straight line: read -> split -> choose rows to score -> open a run -> engine.train -> log -> plot -> manifest, written last. Knows nothing
of terminals and nothing of tensors: the caller decides what to print.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.checkpoint_score import CheckpointScore, NoScore, checkpoint_score_of
from adapters_hub.contracts import TrainEnd, TrainEvent, TrainJob, TrainStart, TrainStep
from adapters_hub.datasets import dataset_sha256, with_system
from adapters_hub.errors import DataError, HubError, Interrupted, NotFoundError, UsageError
from adapters_hub.loss_plot import draw_loss
from adapters_hub.plugins import Plugins
from adapters_hub.splits import split
from adapters_hub.types import Example, RunManifest, Tutor
from adapters_hub.workspace import shown

VERSIONED = ("adapters-hub", "torch", "transformers", "peft", "bitsandbytes", "accelerate", "tokenizers")


@dataclass(frozen=True)
class RunSaved:
    """A run is whole: its manifest is on disk."""

    job: str
    folder: Path
    manifest: RunManifest
    problem: str = ""
    """What is missing beside the run, e.g. its picture; empty when all went well."""


@dataclass
class _Lesson:
    """One tutor on its way through the room."""

    tutor: Tutor
    job: TrainJob
    dataset_sha256: str
    lock: Any
    """Released when the room is left."""
    options: Mapping[str, Any]
    """Settings that overruled the tutor's files, kept in the log so that ``--resume`` repeats them."""
    score: CheckpointScore | NoScore
    """What chooses the adapter before the held-out loss does."""
    start: TrainStart | None = None
    saved: bool = False


def train_tutors(
    tutors: Sequence[Tutor],
    plugins: Plugins,
    *,
    resume: bool = False,
    tracker: str = "",
    options: Mapping[str, Any] | None = None,
) -> Iterator[TrainEvent | RunSaved]:
    """Train the tutors together over their common base and keep each as a run.

    Yields the engine's events, then one ``RunSaved`` for each tutor. ``options`` are the settings that overruled the tutors'
    files, see ``options_of``. The first Ctrl-C ends after the current step with a checkpoint and raises Interrupted.
    Raises DataError, UsageError, NotFoundError (nothing to resume), ResourceError."""
    engine = plugins.engine(tutors[0].base.engine)
    if engine.train is None:
        raise UsageError(f"the engine '{engine.name}' only answers, it cannot train", hint='set [base] engine = "torch"')
    lessons: dict[str, _Lesson] = {}
    try:
        for tutor in tutors:
            lessons[tutor.name] = _prepare(tutor, plugins, resume=resume, tracker=tracker, options=options or {})
        with stop_at_step_end() as stopped:
            jobs = [_with_score(lesson, stopped) for lesson in lessons.values()]
            try:
                with closing(engine.train(jobs)) as events:  # type: ignore[type-var]
                    for event in events:
                        yield from _record(lessons[event.job], event)
                        if stopped() and _all_told(event, lessons):
                            break
            except Interrupted:  # what the engine was about can be done again
                if not stopped():
                    raise
            if stopped() and not all(lesson.saved for lesson in lessons.values()):
                raise _interrupted(lessons.values())
    finally:
        for lesson in lessons.values():
            lesson.lock.release()
            store.discard_if_empty(lesson.job.run_dir)


def options_of(tutor_folder: Path) -> dict[str, Any]:
    """The options that the newest interrupted run was started with, to continue it as it began."""
    run_dir = store.unfinished_run(tutor_folder)
    log = store.read_log(run_dir) if run_dir is not None else []
    return dict(log[0].get("options") or {}) if log else {}


def _prepare(tutor: Tutor, plugins: Plugins, *, resume: bool, tracker: str, options: Mapping[str, Any]) -> _Lesson:
    path = tutor.folder / tutor.dataset.train
    if not path.is_file():
        raise NotFoundError(f"tutor '{tutor.name}' has no training rows: no file {shown(path)}", hint="see [dataset] train in tutor.toml")
    examples = plugins.read_dataset(path)
    parts = split(with_system(examples, tutor.system_prompt), tutor.dataset.validation)
    if not parts.train:
        raise DataError(f"{shown(path)} holds no rows", hint="add conversations, one JSON object a line")
    score = _score_over(tutor, plugins, parts.validation)
    run_dir = store.unfinished_run(tutor.folder) if resume else store.start_run(tutor.folder)
    if run_dir is None:
        raise NotFoundError(f"tutor '{tutor.name}' has no interrupted run", hint=f"hub train {tutor.name}")
    job = TrainJob(
        name=tutor.name,
        base=tutor.base,
        train=tuple(parts.train),
        validation=tuple(parts.validation),
        recipe=tutor.recipe,
        run_dir=run_dir,
        resume=resume,
        tracker=tracker,
    )
    return _Lesson(tutor, job, dataset_sha256(examples), store.hold(run_dir), options, score)


def _score_over(tutor: Tutor, plugins: Plugins, rows: Sequence[Example]) -> CheckpointScore | NoScore:
    """A score over the rows kept aside. A validator that cannot be had costs no training: it is told, and the loss chooses."""
    if not rows or not tutor.validator.use or not tutor.recipe.train.score_rows:
        return NoScore("")
    try:
        with plugins.tutor_local(tutor):
            return checkpoint_score_of(tutor, rows, plugins.judge_of(tutor))
    except HubError as error:
        return NoScore(error.message)


def _with_score(lesson: _Lesson, stopped: Callable[[], bool]) -> TrainJob:
    score = partial(lesson.score.score, stopped=stopped) if isinstance(lesson.score, CheckpointScore) else None
    return replace(lesson.job, score=score, stopped=stopped)


def _all_told(event: TrainEvent, lessons: Mapping[str, _Lesson]) -> bool:
    """Whether ``event`` is the last one of a step that tutors take together: what follows would be new work."""
    under_way = [name for name, lesson in lessons.items() if lesson.start is not None and not lesson.saved]
    return not under_way or event.job == under_way[-1]


def _interrupted(lessons: Iterable[_Lesson]) -> Interrupted:
    """What to type to go on; tutors that finished or never began a step are not in it."""
    unsaved = [lesson for lesson in lessons if not lesson.saved]
    begun = [lesson.tutor.name for lesson in unsaved if any("step" in line for line in store.read_log(lesson.job.run_dir))]
    if not begun:
        return Interrupted("training was interrupted before the first step")
    return Interrupted("training was interrupted; the steps so far are kept", hint=f"hub train {' '.join(begun)} --resume")


def _record(lesson: _Lesson, event: TrainEvent) -> Iterator[TrainEvent | RunSaved]:
    """Log one event; the last one closes the run."""
    run_dir = lesson.job.run_dir
    if isinstance(event, TrainStart):
        lesson.start = event = _with_score_facts(event, lesson.score)
        kept = [line for line in store.read_log(run_dir) if line.get("step", 0) <= event.first_step] if event.first_step else []
        store.write_log(run_dir, kept or [event_line(event) | {"options": dict(lesson.options)}])
    elif isinstance(event, TrainStep):
        store.append_log(run_dir, event_line(event))
    yield event
    if isinstance(event, TrainEnd):
        manifest = store.finish_run(run_dir, _manifest(lesson, event))
        lesson.saved = True
        yield RunSaved(event.job, run_dir, manifest, _draw(lesson))


def _with_score_facts(event: TrainStart, score: CheckpointScore | NoScore) -> TrainStart:
    if isinstance(score, NoScore):
        return replace(event, score_note=score.reason)
    if event.score is None:
        return replace(event, score_note="this run was begun without scores" if event.first_step else "")
    return replace(event, score_rows=len(score.rows))


def _draw(lesson: _Lesson) -> str:
    """Draw the loss; a picture is worth no training, so a failure is only told."""
    path = lesson.job.run_dir / "loss.png"
    try:
        draw_loss(store.read_log(lesson.job.run_dir), path, title=f"{lesson.tutor.title} · {lesson.job.run_dir.name}")
    except (OSError, HubError, ImportError) as error:
        return f"{shown(path)} was not drawn: {error}"
    return ""


def event_line(event: TrainEvent | RunSaved) -> dict[str, Any]:
    """An event as one JSON object: ``event`` names its kind, the rest are its fields."""
    kind = {TrainStart: "start", TrainStep: "step", TrainEnd: "end", RunSaved: "saved"}[type(event)]
    if isinstance(event, RunSaved):
        return {"event": kind, "job": event.job, "run": event.folder.name, "folder": str(event.folder), "problem": event.problem}
    return {"event": kind, **asdict(event)}


def _manifest(lesson: _Lesson, end: TrainEnd) -> RunManifest:
    start, tutor = lesson.start, lesson.tutor
    assert start is not None, "an engine yields TrainStart first"
    figures = asdict(end) | {name: getattr(start, name) for name in ("trainable", "total", "rows", "score_rows")}
    figures["skipped"] = len(start.skipped)
    return RunManifest(
        schema=1,
        run_id=lesson.job.run_dir.name,
        tutor=tutor.name,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        base=start.base,
        quantization=start.quantization,
        template_sha256=start.template_sha256,
        system_prompt_sha256=hashlib.sha256(tutor.system_prompt.encode()).hexdigest(),
        stop_token_ids=start.stop_token_ids,
        dataset_sha256=lesson.dataset_sha256,
        recipe=asdict(tutor.recipe),
        metrics={key: value for key, value in figures.items() if key != "job"},
        files={},
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def stop_at_step_end() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C only sets a flag, so that a step is never cut in half; the second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = False

    def on_interrupt(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, former)

    former = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, former)
