"""The optimisation loop: one loaded base teaches one or several tutors in the same steps, and yields what happens.

Each tutor is a ``Learner`` of its own; what they share is the base and the ``FusedStep`` through it. Knows nothing of tutor
folders, terminals or manifests.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import torch
from accelerate.state import AcceleratorState, GradientState

from adapters_hub.contracts import TrainEvent, TrainJob, TrainStep
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.fused_step import FusedStep
from adapters_hub.engine.learner import Learner
from adapters_hub.errors import HubError, UsageError


def train(jobs: Sequence[TrainJob]) -> Iterator[TrainEvent]:
    """Train all jobs over one base. Closing the iterator between two events writes a checkpoint of every unfinished job.

    Raises UsageError (bad rows or settings), ResourceError (memory, disk), HubError (diverged)."""
    if len({job.base for job in jobs}) != 1:
        raise UsageError("tutors with different bases cannot be trained together", hint="train them one after another")
    loaded = load_base(jobs[0].base, training=True)
    try:
        yield from _train(jobs, loaded)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def _train(jobs: Sequence[TrainJob], loaded: LoadedBase) -> Iterator[TrainEvent]:
    # 1. one slot, optimizer and schedule for each tutor
    torch.manual_seed(jobs[0].recipe.train.seed)
    loaded.model.requires_grad_(False)
    bank = Bank(loaded.model, dtype=torch.float32)
    fused = FusedStep(loaded, bank, [job.recipe.train for job in jobs])
    learners = [Learner(index, job, loaded, bank) for index, job in enumerate(jobs)]
    # 2. say what is about to run; the base's own loss and score are the marks to beat
    for learner in learners:
        learner.begin(fused)
        yield learner.start_event()
    # 3. step together until each has finished; a resumed job may have been at its end, or owe the evaluation of its last step
    try:
        for learner in learners:
            if learner.finished:
                yield from _end(learner)
        while active := [learner for learner in learners if not learner.finished]:
            if any(learner.overdue for learner in active):
                yield from _tell((learner, learner.catch_up(fused)) for learner in active if learner.overdue)
            else:
                yield from _one_step(active, fused)
    except GeneratorExit:
        for learner in learners:
            learner.interrupt()
        raise
    except HubError:  # one tutor's fault: keep what the others learned, and tell the fault, not what it drags along
        for learner in learners:
            with suppress(HubError):
                learner.interrupt()
        raise


def _one_step(active: list[Learner], fused: FusedStep) -> Iterator[TrainEvent]:
    """One step of every active learner. All of them are at rest when the first event comes out."""
    begun = time.perf_counter()
    batches = {learner: learner.next_rows() for learner in active}
    losses = fused.backward(batches)
    norms = {learner: learner.measure_gradient(losses[learner]) for learner in active}
    steps = {learner: learner.update(losses[learner], norms[learner]) for learner in active}
    elapsed = time.perf_counter() - begun
    events: list[tuple[Learner, TrainStep]] = []
    for learner, step in steps.items():
        if step is not None:
            tokens = sum(len(row.ids) for row in batches[learner])
            events.append((learner, learner.after_step(replace(step, tokens=tokens, seconds=elapsed), fused)))
    yield from _tell(events)


def _tell(events: Iterable[tuple[Learner, TrainStep]]) -> Iterator[TrainEvent]:
    for learner, event in events:
        yield event
        if learner.finished:
            yield from _end(learner)


def _end(learner: Learner) -> Iterator[TrainEvent]:
    yield learner.end_event()
    learner.clear_away()  # only now: whoever took the event may have failed to finish the run
