"""Forward and backward of one optimizer step for all tutors in training at once, and what each is measured by.

Reads the base's weights once for everybody; each tutor still gets the gradients it would get alone. Knows nothing of
optimizers, schedules and files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from adapters_hub.contracts import Answerer
from adapters_hub.engine.answering import Answers
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, memory_is_full
from adapters_hub.engine.batches import Batch, Row, collate
from adapters_hub.engine.learner import Learner
from adapters_hub.engine.loss import SupervisedLoss
from adapters_hub.errors import ResourceError
from adapters_hub.types import TrainSettings

BUDGET = {"cuda": 4096, "cpu": 2048}
"""Tokens computed at once when ``micro_batch`` is 0."""
T = TypeVar("T")


class FusedStep:
    """Forward and backward of one optimizer step over the rows of all active tutors, in as many pieces as memory allows."""

    def __init__(self, loaded: LoadedBase, bank: Bank, settings: Sequence[TrainSettings]) -> None:
        self.loaded, self.bank = loaded, bank
        self.loss = SupervisedLoss(loaded.model)
        self.answers = Answers(loaded, bank)
        self.most_rows = min((one.micro_batch for one in settings if one.micro_batch), default=0)
        self.budget = BUDGET.get(loaded.device.type, 2048)
        self.padding = int(loaded.pad_id == 0)
        """Any token that is not the base's own padding: some families warn of that where there is no mask."""
        self.largest = 0
        """Rows of the largest piece so far."""
        self.recomputing = False
        self.may_recompute = all(one.activation_checkpointing != "off" for one in settings)
        if any(one.activation_checkpointing == "on" for one in settings):
            self.recompute()

    def backward(self, batches: dict[Learner, list[Row]]) -> dict[Learner, float]:
        """Gradients of each tutor's mean loss over its own supervised tokens; returns those means, nats."""

        def again() -> dict[Learner, float]:
            for learner in batches:
                learner.optimizer.zero_grad()
            torch.manual_seed(next(iter(batches)).dropout_seed)  # so that a resumed run draws the same dropout
            return self._backward(batches)

        return self._within_memory(again)

    def _backward(self, batches: dict[Learner, list[Row]]) -> dict[Learner, float]:
        learners = {learner.index: learner for learner in batches}
        counts = {learner.index: sum(sum(row.supervised[1:]) for row in rows) for learner, rows in batches.items()}
        sums = dict.fromkeys(learners, 0.0)
        for piece in self._pieces([row for rows in batches.values() for row in rows]):
            present = sorted({row.slot for row in piece})
            with self._routed(piece, learners) as batch, learners[present[0]].accelerator.autocast():
                losses = self.loss(batch, max(learners) + 1)
                scaled = []
                for index in present:
                    sums[index] += float(losses[index].detach())
                    scaler = learners[index].accelerator.scaler
                    mean = losses[index] / counts[index]
                    scaled.append(scaler.scale(mean) if scaler is not None else mean)
                torch.stack(scaled).sum().backward()
        return {learner: sums[index] / counts[index] for index, learner in learners.items()}

    def evaluate(self, learner: Learner) -> float:
        """Mean loss on the learner's held-out rows (one at least), nats per supervised token; dropout is off."""
        return self._within_memory(lambda: self._evaluate(learner))

    @torch.no_grad()
    def _evaluate(self, learner: Learner) -> float:
        total, count = 0.0, 0
        for piece in self._pieces(list(learner.held_out)):
            with self._routed(piece, {learner.index: learner}) as batch, learner.accelerator.autocast():
                total += float(self.loss(batch, learner.index + 1)[learner.index])
                count += len(batch.targets)
        return total / count

    def answerer(self, learner: Learner) -> Answerer:
        """What the learner answers as it is now."""
        return self.answers.of(learner.slot, learner.job.stopped)

    def recompute(self) -> None:
        """From now on keep only what enters each decoder layer, and compute the layer again in the backward pass.

        Done around the layers, not by transformers' switch: that one needs them in training mode, which would turn the base's own
        dropout on."""
        self.recomputing = True
        for module in self.loaded.model.modules():
            if isinstance(module, GradientCheckpointingLayer):
                module.forward = _recomputed(module.forward)  # type: ignore[method-assign]

    @contextmanager
    def _routed(self, piece: list[Row], learners: dict[int, Learner]) -> Iterator[Batch]:
        """The rows as a batch, each routed to its tutor's slot inside the block."""
        batch = collate(piece, pad_id=self.padding, context=self.loaded.context)
        self.largest = max(self.largest if self.most_rows == 0 else 0, len(piece))
        with self.bank.routing([learners[int(index)].slot for index in batch.slots]):
            yield batch

    def _pieces(self, rows: list[Row]) -> Iterator[list[Row]]:
        """Rows grouped by tutor and length so that little is padding; a piece never exceeds the token budget unless it is one row."""
        piece: list[Row] = []
        longest = 0
        for row in sorted(rows, key=lambda row: (row.slot, len(row.ids))):
            longest = max(longest, len(row.ids))
            full = len(piece) >= self.most_rows if self.most_rows else (len(piece) + 1) * longest > self.budget
            if piece and full:
                yield piece
                piece, longest = [], len(row.ids)
            piece.append(row)
        yield piece

    def _within_memory(self, compute: Callable[[], T]) -> T:
        """``compute()``, tried again in smaller pieces whenever the GPU is full. Raises ResourceError when one row is too much."""
        while True:
            try:
                return compute()
            except RuntimeError as error:
                if not memory_is_full(error):
                    raise
            self._make_room()  # not above: the error still holds the tensors that fill the memory

    def _make_room(self) -> None:
        torch.cuda.empty_cache()
        if not self.recomputing and self.may_recompute:
            self.recompute()
        elif self.most_rows > 1:
            self.most_rows //= 2
        elif self.most_rows == 0 and self.largest > 1:
            self.most_rows = self.largest // 2
        else:
            raise ResourceError(
                "the GPU has too little memory for one row", hint="lower [train] max_tokens or [lora] rank, or choose a smaller base"
            )


def _recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*arguments, **named)
        return checkpoint(forward, *arguments, use_reentrant=False, **named)

    return run
