"""One tutor in training: its slot in the bank, its optimizer and schedule, its evaluations, early stop and checkpoints.

Nothing in here is shared with the tutors that train beside it. Knows nothing of forwards and backwards: those are a fused
step's, which several learners take together.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Literal, Protocol

import torch
from accelerate import Accelerator
from accelerate.tracking import get_available_trackers
from accelerate.utils import LoggerType
from transformers import get_cosine_schedule_with_warmup

from adapters_hub.contracts import Answerer, TrainEnd, TrainJob, TrainStart, TrainStep
from adapters_hub.engine import checkpoints
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase
from adapters_hub.engine.batches import Row, epoch_order, tokenize
from adapters_hub.engine.peft_files import write_adapter
from adapters_hub.errors import HubError, Interrupted, UsageError

SKIPPED_STEPS = 20
"""fp16 loss scaling may drop single steps; so many in a row mean that training has diverged."""


class Measure(Protocol):
    """What learners are measured by."""

    def evaluate(self, learner: Learner) -> float:
        """Mean loss of a learner on its held-out rows, nats per supervised token."""

    def answerer(self, learner: Learner) -> Answerer:
        """What it answers as it is now."""


class Learner:
    """One tutor in training: its slot and everything that must not be shared with the tutors beside it."""

    def __init__(self, index: int, job: TrainJob, loaded: LoadedBase, bank: Bank) -> None:
        self.index, self.job, self.loaded, self.bank = index, job, loaded, bank
        settings = job.recipe.train
        self.rows, self.skipped = self._tokenized(job.train)
        self.held_out, long_held_out = self._tokenized(job.validation)
        self.skipped += long_held_out
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
        self.ended = False
        self._order: tuple[int, list[list[int]]] = (-1, [])
        self.reason: Literal["finished", "early_stop"] = "finished"

    # --- the life of a job, in order ---

    def begin(self, measure: Measure) -> None:
        """Continue from a checkpoint, or measure the untouched base. Raises Interrupted when the latter is cut short."""
        folder = checkpoints.latest(self.job.run_dir) if self.job.resume else None
        if folder is not None:
            self.progress, weights = checkpoints.restore(folder, self.progress.fingerprint, self.accelerator)
            self.bank.load_trainable(self.slot, weights)
            self._require_same_score()
            self.first_step = self.progress.step - bool(self.overdue)
            self._decide_end()
        elif self.held_out:
            self.progress.held_out_first = measure.evaluate(self)
            if self.job.score is not None:
                self.progress.score_rows = self.job.recipe.train.score_rows
                self.progress.score_first = self.job.score(measure.answerer(self))
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
            score=self.progress.score_first,
            base=loaded.identity,
            template_sha256=loaded.chat.template_sha256,
            stop_token_ids=tuple(loaded.chat.stop_token_ids),
            notes=(*loaded.notes, f"optimizer {self.optimizer_name}", *self._missing_rows()),
        )

    def next_rows(self) -> list[Row]:
        """Rows of the next optimizer step: a function of seed and step alone, so a resumed run sees the same ones."""
        epoch, position = divmod(self.progress.step, self.steps_per_epoch)
        settings = self.job.recipe.train
        if self._order[0] != epoch:
            self._order = epoch, epoch_order(self.rows, batch_size=settings.batch_size, seed=settings.seed, epoch=epoch)
        return [self.rows[i] for i in self._order[1][position]]

    @property
    def dropout_seed(self) -> int:
        """Seed of the next step's dropout: a function of seed and step alone, as the rows are."""
        return (self.job.recipe.train.seed * 1_000_003 + self.progress.step) % 2**63

    def measure_gradient(self, loss: float) -> float:
        """Clip the gradient and return its norm before; raises HubError when the run has diverged, before anything is updated."""
        norm = self.accelerator.clip_grad_norm_(self.parameters, self.job.recipe.train.clip or math.inf)
        value = float(norm) if norm is not None else 0.0
        if not math.isfinite(loss) or not (math.isfinite(value) or self.accelerator.scaler is not None):
            raise self._diverged(f"loss {loss:.3g}, gradient norm {value:.3g}")
        return value

    def update(self, loss: float, norm: float) -> TrainStep | None:
        """Step the optimizer and the schedule. None: fp16 loss scaling dropped the step, which is tried again with a smaller scale."""
        progress = self.progress
        rate = self.schedule.get_last_lr()[0]
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        if self.optimizer.step_was_skipped:
            self.dropped_steps += 1
            if self.dropped_steps >= SKIPPED_STEPS:
                raise self._diverged(f"{SKIPPED_STEPS} gradients in a row do not fit into fp16")
            return None
        self.dropped_steps = 0
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

    @property
    def overdue(self) -> bool:
        """Whether the evaluation after the last step is yet to be made."""
        return self.progress.overdue is not None

    def after_step(self, event: TrainStep, measure: Measure) -> TrainStep:
        """Evaluate, keep the best adapter, stop early, write a checkpoint: whatever is due after this step."""
        progress = self.progress
        progress.tokens += event.tokens
        progress.seconds += event.seconds
        if self.held_out and (progress.step >= self.total_steps or progress.step % self.evaluate_every == 0):
            progress.overdue = asdict(event)
        return self._finish_step(event, measure)

    def catch_up(self, measure: Measure) -> TrainStep:
        """Make the evaluation that was cut short; the step's event again, now whole."""
        return self._finish_step(TrainStep(**(self.progress.overdue or {})), measure)

    def _finish_step(self, event: TrainStep, measure: Measure) -> TrainStep:
        progress = self.progress
        if self.overdue:
            with suppress(Interrupted):  # it stays overdue: whoever interrupts will not take another step
                event = self._evaluated(event, measure)
                progress.overdue = None
        self._decide_end()
        if event.best or (self.finished and not self.held_out):
            self._keep_adapter()
        due = self.finished or progress.step % self.job.recipe.train.checkpoint_every == 0
        if due:
            self.save_checkpoint()
        if self.job.tracker:
            values = {"loss": event.loss, "learning_rate": event.learning_rate, "held_out_loss": event.held_out_loss, "score": event.score}
            self.accelerator.log({k: v for k, v in values.items() if v is not None}, step=event.step)
        return replace(event, checkpoint=due)

    def _evaluated(self, event: TrainStep, measure: Measure) -> TrainStep:
        loss = measure.evaluate(self)
        if not math.isfinite(loss):
            raise self._diverged(f"held-out loss {loss:.3g}")
        scored = self.job.score is not None and self.progress.score_first is not None  # a run begun without scores ends without
        score = self.job.score(measure.answerer(self)) if self.job.score is not None and scored else None
        return replace(event, held_out_loss=loss, score=score, best=self._remember(loss, score))

    def end_event(self) -> TrainEnd:
        """Sum up; the adapter that was kept lies in the run's folder."""
        self.ended = True
        if self.job.tracker:
            self.accelerator.end_training()
        progress = self.progress
        return TrainEnd(
            job=self.job.name,
            steps=progress.step,
            best_step=progress.best_step or progress.step,
            reason=self.reason,
            first_loss=progress.first_loss,
            last_loss=progress.last_loss,
            held_out_first=progress.held_out_first,
            held_out_last=progress.best_loss,
            score_first=progress.score_first,
            score_last=progress.best_score,
            tokens=progress.tokens,
            seconds=progress.seconds,
            peak_memory=_peak_memory(self.loaded.device),
            adapter_bytes=(self.job.run_dir / "adapter_model.safetensors").stat().st_size,
        )

    def clear_away(self) -> None:
        """Drop the checkpoints: nobody will resume a finished run."""
        checkpoints.remove_all(self.job.run_dir)

    def interrupt(self) -> None:
        """Keep an unfinished job for ``--resume``, unless it is the one that went wrong."""
        if self.ended:
            return
        if math.isfinite(self.progress.last_loss):
            self.save_checkpoint()
        if self.job.tracker:
            self.accelerator.end_training()

    def save_checkpoint(self) -> None:
        """Keep what was learned so far; before the first step there is nothing to keep."""
        if self.progress.step == 0:
            return
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

    def _diverged(self, figures: str) -> HubError:
        return HubError(
            f"{self.job.name}: training diverged at step {self.progress.step + 1} ({figures})",
            hint=f"lower [train] learning_rate (now {self.job.recipe.train.learning_rate:g}) and train again",
        )

    def _decide_end(self) -> None:
        patience = self.job.recipe.train.patience
        if self.overdue:
            return
        if self.progress.step >= self.total_steps:
            self.finished = True
        elif patience and self.progress.evaluations_without_gain >= patience:
            self.finished, self.reason = True, "early_stop"

    def _require_same_score(self) -> None:
        """Scores over other rows cannot be compared with those that there are."""
        now = self.job.recipe.train.score_rows
        if self.job.score is not None and self.progress.score_first is not None and self.progress.score_rows != now:
            raise UsageError(
                f"{self.job.name}: this run was scored with [train] score_rows = {self.progress.score_rows}, now it is {now}",
                hint="undo the change, or start a new run without --resume",
            )

    def _missing_rows(self) -> tuple[str, ...]:
        return () if self.held_out else ("no held-out rows: the last adapter is kept, not the best, and nothing stops early",)

    def _remember(self, loss: float, score: float | None) -> bool:
        """Note an evaluation; whether it is the best so far: a higher score, or a lower loss at the same score."""
        progress = self.progress
        known = score is not None and progress.best_score is not None
        mark, best = (score if known else 0.0, -loss), (progress.best_score if known else 0.0, -(progress.best_loss or 0.0))
        if progress.best_loss is None or mark > best:
            progress.best_loss, progress.best_score, progress.best_step = loss, score, progress.step
            progress.evaluations_without_gain = 0
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
        recipe = asdict(self.job.recipe)
        del recipe["train"]["score_rows"]  # decides what is kept, not what is learned: see _require_same_score
        facts = [rows, recipe, asdict(self.loaded.identity), self.loaded.quantization]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


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
