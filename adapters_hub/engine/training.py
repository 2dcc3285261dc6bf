"""The optimisation loop: one loaded base teaches one or several tutors in the same steps, and yields what happens.

Each tutor is a ``Learner`` with its own slot, optimizer, schedule, clipping, evaluation, early stop and checkpoints, so
training three together gives each the gradients it would get alone. Knows nothing of tutor folders, terminals or manifests.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.tracking import get_available_trackers
from accelerate.utils import LoggerType
from transformers import get_cosine_schedule_with_warmup

from adapters_hub.contracts import TrainEnd, TrainEvent, TrainJob, TrainStart, TrainStep
from adapters_hub.engine import checkpoints
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.batches import Row, collate, epoch_order, tokenize
from adapters_hub.engine.loss import SupervisedLoss
from adapters_hub.engine.peft_files import write_adapter
from adapters_hub.errors import HubError, ResourceError, UsageError

BUDGET = {"cuda": 4096, "cpu": 2048}
"""Tokens computed at once when ``micro_batch`` is 0; halved whenever the GPU runs out of memory."""
SKIPPED_STEPS = 20
"""fp16 loss scaling may drop single steps; so many in a row mean that training has diverged."""


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
    fused = FusedStep(loaded, bank, [job.recipe.train.micro_batch for job in jobs])
    fused.recompute(any(job.recipe.train.activation_checkpointing == "on" for job in jobs))
    learners = [Learner(index, job, loaded, bank) for index, job in enumerate(jobs)]
    # 2. say what is about to run; the base's own loss is the mark to beat
    for learner in learners:
        learner.begin(fused)
        yield learner.start_event()
    # 3. step together until each has finished
    try:
        while active := [learner for learner in learners if not learner.finished]:
            yield from _one_step(active, fused)
    except GeneratorExit:
        for learner in learners:
            if not learner.finished:
                learner.save_checkpoint()
        raise


def _one_step(active: list[Learner], fused: FusedStep) -> Iterator[TrainEvent]:
    begun = time.perf_counter()
    batches = {learner: learner.next_rows() for learner in active}
    losses = fused.backward(batches)
    figures = {learner: learner.update(losses[learner]) for learner in active}
    elapsed = time.perf_counter() - begun
    for learner in active:
        event = replace(figures[learner], tokens=sum(len(row.ids) for row in batches[learner]), seconds=elapsed)
        yield learner.after_step(event, fused)
        if learner.finished:
            yield learner.end_event()


class Learner:
    """One tutor in training: its slot and everything that must not be shared with the tutors beside it."""

    def __init__(self, index: int, job: TrainJob, loaded: LoadedBase, bank: Bank) -> None:
        self.index, self.job, self.loaded, self.bank = index, job, loaded, bank
        settings = job.recipe.train
        self.rows, self.skipped = self._tokenized(job.train)
        self.held_out, _ = self._tokenized(job.validation)
        if not self.rows:
            raise UsageError(
                f"{job.name}: no training row is left", hint="raise [train] max_tokens or shorten the rows", details=self.skipped
            )
        self.slot = bank.add_trainable(job.recipe.lora, settings.seed)
        self.parameters = list(bank.parameters_of(self.slot))
        self.steps_per_epoch = math.ceil(len(self.rows) / settings.batch_size)
        wanted = math.ceil(settings.epochs * self.steps_per_epoch)
        self.total_steps = max(1, min(wanted, settings.max_steps) if settings.max_steps else wanted)
        self.evaluate_every = max(1, self.steps_per_epoch // settings.evals_per_epoch)
        self.accelerator = _accelerator(job, loaded)
        self.optimizer, self.optimizer_name = self._optimizer()
        self.schedule = self.accelerator.prepare(
            get_cosine_schedule_with_warmup(self.optimizer, round(settings.warmup * self.total_steps), self.total_steps)
        )
        self.progress = checkpoints.Progress(self._fingerprint())
        self.first_step = 0
        self.dropped_steps = 0
        self.finished = False
        self.reason: str = "finished"

    # --- the life of a job, in order ---

    def begin(self, fused: FusedStep) -> None:
        """Continue from a checkpoint, or measure the untouched base."""
        folder = checkpoints.latest(self.job.run_dir) if self.job.resume else None
        if folder is not None:
            self.progress, weights = checkpoints.restore(folder, self.progress.fingerprint, self.accelerator)
            self.bank.load_trainable(self.slot, weights)
            self.first_step = self.progress.step
        else:
            self.progress.held_out_first = fused.evaluate(self) if self.held_out else None
        if self.job.tracker:
            self.accelerator.init_trackers(self.job.name)

    def start_event(self) -> TrainStart:
        loaded = self.loaded
        return TrainStart(
            job=self.job.name,
            device=loaded.device_name,
            dtype=str(loaded.compute_dtype).removeprefix("torch."),
            quantization=loaded.quantization,
            trainable=sum(p.numel() for p in self.parameters),
            total=loaded.parameter_count,
            total_steps=self.total_steps,
            first_step=self.first_step,
            rows=len(self.rows),
            supervised_tokens=sum(sum(row.supervised) for row in self.rows),
            skipped=self.skipped,
            held_out_loss=self.progress.held_out_first,
            base=loaded.identity,
            template_sha256=loaded.chat.template_sha256,
            stop_token_ids=tuple(loaded.chat.stop_token_ids),
            notes=(*loaded.notes, f"optimizer {self.optimizer_name}"),
        )

    def next_rows(self) -> list[Row]:
        """Rows of the next optimizer step: a function of seed and step alone, so a resumed run sees the same ones."""
        epoch, position = divmod(self.progress.step, self.steps_per_epoch)
        settings = self.job.recipe.train
        order = epoch_order(self.rows, batch_size=settings.batch_size, seed=settings.seed, epoch=epoch)
        return [self.rows[i] for i in order[position]]

    def update(self, loss: float) -> TrainStep:
        """Clip, step the optimizer and the schedule; raises HubError when the run has diverged."""
        settings, progress = self.job.recipe.train, self.progress
        rate = self.schedule.get_last_lr()[0]
        norm = self.accelerator.clip_grad_norm_(self.parameters, settings.clip or math.inf)
        norm = float(norm) if norm is not None else 0.0
        self._refuse_divergence(loss, norm)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        progress.step += 1
        progress.last_loss = loss
        if progress.step == 1:
            progress.first_loss = loss
        return TrainStep(
            job=self.job.name,
            step=progress.step,
            total_steps=self.total_steps,
            epoch=progress.step / self.steps_per_epoch,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=0,
            seconds=0.0,
        )

    def after_step(self, event: TrainStep, fused: FusedStep) -> TrainStep:
        """Evaluate, keep the best adapter, stop early, write a checkpoint: whatever is due after this step."""
        progress, settings = self.progress, self.job.recipe.train
        progress.tokens += event.tokens
        progress.seconds += event.seconds
        last = progress.step >= self.total_steps
        best = False
        held_out = None
        if self.held_out and (last or progress.step % self.evaluate_every == 0):
            held_out = fused.evaluate(self)
            best = self._remember(held_out)
            if settings.patience and progress.evaluations_without_gain >= settings.patience and not last:
                last, self.reason = True, "early_stop"
        if best or (last and not self.held_out):
            self._keep_adapter()
        due = not last and progress.step % settings.checkpoint_every == 0
        if due:
            self.save_checkpoint()
        self.finished = last
        event = replace(event, held_out_loss=held_out, best=best, checkpoint=due)
        if self.job.tracker:
            values = {"loss": event.loss, "learning_rate": event.learning_rate, "held_out_loss": held_out}
            self.accelerator.log({k: v for k, v in values.items() if v is not None}, step=event.step)
        return event

    def end_event(self) -> TrainEnd:
        """Clear away the checkpoints and sum up."""
        if self.job.tracker:
            self.accelerator.end_training()
        checkpoints.remove_all(self.job.run_dir)
        progress = self.progress
        return TrainEnd(
            job=self.job.name,
            steps=progress.step,
            best_step=progress.best_step or progress.step,
            reason=self.reason,  # type: ignore[arg-type]
            first_loss=progress.first_loss,
            last_loss=progress.last_loss,
            held_out_first=progress.held_out_first,
            held_out_last=progress.best_loss,
            tokens=progress.tokens,
            seconds=progress.seconds,
            peak_memory=_peak_memory(self.loaded.device),
            adapter_bytes=(self.job.run_dir / "adapter_model.safetensors").stat().st_size,
        )

    def save_checkpoint(self) -> None:
        checkpoints.save(self.job.run_dir, self.progress, self.bank.weights_of(self.slot), self.accelerator)

    # --- helpers ---

    def _tokenized(self, examples: Sequence[Any]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
        settings = self.job.recipe.train
        if not examples:
            return (), ()
        found = tokenize(self.loaded.chat, examples, max_tokens=settings.max_tokens, long_rows=settings.long_rows, slot=self.index)
        return found.rows, found.skipped

    def _optimizer(self) -> tuple[Any, str]:
        settings = self.job.recipe.train
        kind = settings.optimizer
        if kind == "auto":
            kind = "adamw8bit" if self.loaded.device.type == "cuda" and self.loaded.quantization != "none" else "adamw"
        arguments: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        if kind == "adamw8bit":
            from bitsandbytes.optim import AdamW8bit, PagedAdamW8bit

            paged = self.loaded.device.type == "cuda"
            optimizer, name = (
                (PagedAdamW8bit if paged else AdamW8bit)(self.parameters, **arguments),
                "8-bit AdamW" + (", paged" if paged else ""),
            )
        else:
            optimizer, name = torch.optim.AdamW(self.parameters, **arguments), "AdamW"
        return self.accelerator.prepare(optimizer), name

    def _refuse_divergence(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            self.dropped_steps = 0
            return
        self.dropped_steps += 1
        if math.isfinite(loss) and self.accelerator.scaler is not None and self.dropped_steps < SKIPPED_STEPS:
            return
        raise HubError(
            f"{self.job.name}: training diverged at step {self.progress.step + 1} (loss {loss:.3g}, gradient norm {norm:.3g})",
            hint=f"lower [train] learning_rate (now {self.job.recipe.train.learning_rate:g}) and train again",
        )

    def _remember(self, held_out: float) -> bool:
        """Note an evaluation; whether it is the best so far."""
        progress = self.progress
        if progress.best_loss is None or held_out < progress.best_loss:
            progress.best_loss, progress.best_step, progress.evaluations_without_gain = held_out, progress.step, 0
            return True
        progress.evaluations_without_gain += 1
        return False

    def _keep_adapter(self) -> None:
        identity = self.loaded.identity
        with checkpoints.clear_disk_errors(self.job.run_dir):
            weights = self.bank.weights_of(self.slot)
            write_adapter(self.job.run_dir, weights, base_model_name=identity.model, revision=identity.revision)

    def _fingerprint(self) -> str:
        rows = [(row.ids, list(row.supervised)) for row in (*self.rows, *self.held_out)]
        facts = [rows, asdict(self.job.recipe), asdict(self.loaded.identity), self.loaded.quantization]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


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

    def _routed(self, piece: list[Row], learners: dict[int, Learner]) -> Any:
        batch = collate(piece, pad_id=self.loaded.pad_id)
        slots = [learners[int(index)].slot for index in batch.slots]
        return _Routed(self.bank, slots, batch)

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


class _Routed:
    """``with`` block that routes a batch's rows to their slots and gives the batch."""

    def __init__(self, bank: Bank, slots: list[int], batch: Any) -> None:
        self.routing, self.batch = bank.routing(slots), batch

    def __enter__(self) -> Any:
        self.routing.__enter__()
        return self.batch

    def __exit__(self, *failure: Any) -> None:
        self.routing.__exit__(*failure)


def _accelerator(job: TrainJob, loaded: LoadedBase) -> Accelerator:
    _require_tracker(job.tracker)
    precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(loaded.compute_dtype, "no")
    return Accelerator(
        cpu=loaded.device.type == "cpu",
        mixed_precision=precision,
        log_with=job.tracker or None,
        project_dir=str(job.run_dir) if job.tracker else None,
    )


def _require_tracker(name: str) -> None:
    """Raise UsageError for a tracker that accelerate does not know or that is not installed: it would be ignored without a word."""
    known = sorted(str(kind) for kind in LoggerType if kind != LoggerType.ALL)
    if name and name not in known:
        raise UsageError(f"there is no tracker '{name}'", hint=f"choose one of {', '.join(known)}")
    if name and name not in [str(kind) for kind in get_available_trackers()]:
        extra = 'pip install "adapters-hub[tensorboard]"' if name == "tensorboard" else f"pip install {name}"
        raise UsageError(f"the tracker '{name}' is not installed", hint=extra)


def _peak_memory(device: torch.device) -> int:
    """Bytes at the highest point: allocated on CUDA, resident elsewhere."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
        import sys

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
