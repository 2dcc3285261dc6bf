"""Forward and backward of one optimizer step for all tutors in training at once, and their evaluations.

Reads the base's weights once for everybody; each tutor still gets the gradients it would get alone. Knows nothing of
optimizers, schedules and files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase
from adapters_hub.engine.batches import Batch, Row, collate
from adapters_hub.engine.learner import Learner
from adapters_hub.engine.loss import SupervisedLoss
from adapters_hub.errors import ResourceError

BUDGET = {"cuda": 4096, "cpu": 2048}
"""Tokens computed at once when ``micro_batch`` is 0; halved whenever the GPU runs out of memory."""


class FusedStep:
    """Forward and backward of one optimizer step over the rows of all active tutors, in as many pieces as memory allows."""

    def __init__(self, loaded: LoadedBase, bank: Bank, micro_batches: Sequence[int]) -> None:
        self.loaded, self.bank = loaded, bank
        self.loss = SupervisedLoss(loaded.model)
        self.most_rows = min((m for m in micro_batches if m), default=0)
        self.budget = BUDGET.get(loaded.device.type, 2048)
        self.recomputing = False

    def backward(self, batches: dict[Learner, list[Row]]) -> dict[Learner, float]:
        """Gradients of each tutor's mean loss over its own supervised tokens; returns those means, nats."""
        while True:
            try:
                return self._backward(batches)
            except torch.OutOfMemoryError as error:
                for learner in batches:
                    learner.optimizer.zero_grad()
                self._make_room(error)

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

    @torch.no_grad()
    def evaluate(self, learner: Learner) -> float:
        """Mean loss on the learner's held-out rows (one at least), nats per supervised token; dropout is off."""
        total, count = 0.0, 0
        for piece in self._pieces(list(learner.held_out)):
            with self._routed(piece, {learner.index: learner}) as batch, learner.accelerator.autocast():
                total += float(self.loss(batch, learner.index + 1)[learner.index])
                count += len(batch.targets)
        return total / count

    def recompute(self, on: bool) -> None:
        """Switch activation checkpointing of the decoder layers on or off."""
        self.recomputing = on
        if not on:
            return
        model = self.loaded.model
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable  # the name before 5.20
        enable({"use_reentrant": False})
        for module in model.modules():
            if hasattr(module, "gradient_checkpointing"):
                module.training = True  # transformers looks at this flag alone; dropout of the children stays off

    @contextmanager
    def _routed(self, piece: list[Row], learners: dict[int, Learner]) -> Iterator[Batch]:
        """The rows as a batch, each routed to its tutor's slot inside the block."""
        batch = collate(piece, pad_id=self.loaded.pad_id)
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

    def _make_room(self, error: Exception) -> None:
        torch.cuda.empty_cache()
        if not self.recomputing:
            self.recompute(True)
        elif (self.most_rows or self.budget) > 1 and self.budget > 64:
            self.most_rows //= 2
            self.budget //= 2
        else:
            raise ResourceError(
                "the GPU has too little memory for one row", hint="lower [train] max_tokens or [lora] rank, or choose a smaller base"
            ) from error
