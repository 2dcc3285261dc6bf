"""The ``echo`` engine: answers with the question, trains in milliseconds, needs no framework.

For tests, demonstrations and plugin authors: everything around the model (commands, runs, switching, validators) behaves as
with a real engine. Its losses come from a formula and its adapter files are valid PEFT files full of zeros.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from adapters_hub.contracts import (
    Answerer,
    Completion,
    EngineFacts,
    EngineSpec,
    Request,
    TrainEnd,
    TrainEvent,
    TrainJob,
    TrainStart,
    TrainStep,
)
from adapters_hub.errors import HubError, Interrupted, NotFoundError, UsageError
from adapters_hub.hookspecs import hookimpl
from adapters_hub.types import Adapter, BaseIdentity, BaseModel, Message

CHECKPOINT = "echo_checkpoint.json"
WIDTH = 8
"""Hidden size of the model that echo pretends to be."""
PARAMETERS = 1_000_000
"""Number of parameters of that model."""
CONTEXT = 2048
"""Context length of that model, in words."""
TEMPLATE_SHA256 = hashlib.sha256(b"echo").hexdigest()


@hookimpl
def hub_engines() -> list[EngineSpec]:
    """The engine on offer."""
    return [EngineSpec("echo", "repeats the question; trains in milliseconds, for tests and demonstrations", EchoEngine, train)]


def identity_of(base: BaseModel) -> BaseIdentity:
    """Echo has one shape, whatever model is configured: adapters fit each other, and no real base."""
    return BaseIdentity(base.model, "", "echo", hashlib.sha256(f"echo {WIDTH}".encode()).hexdigest(), "")


# --- answering -----------------------------------------------------------------------------------


@dataclass
class EchoEngine:
    """Answers ``[tutor] question``, or ``[base] question`` without adapter."""

    base: BaseModel
    _attached: dict[str, Adapter] = field(default_factory=dict)
    _closed: bool = False

    def attach(self, adapter: Adapter) -> None:
        """Raises HubError when the folder holds no adapter of echo's shape."""
        config = adapter.folder / "adapter_config.json"
        try:
            kind = json.loads(config.read_text(encoding="utf-8"))["peft_type"]
        except (OSError, ValueError, KeyError) as error:
            raise HubError(f"{config} is no PEFT adapter", hint=f"hub train {adapter.name}") from error
        if kind != "LORA":
            raise HubError(f"{config}: {kind} adapters are not supported")
        if adapter.manifest is not None and adapter.manifest.base.fingerprint not in ("", identity_of(self.base).fingerprint):
            raise HubError(
                f"adapter '{adapter.name}' was trained on another base ({adapter.manifest.base.model})", hint=f"hub train {adapter.name}"
            )
        self._attached[adapter.name] = adapter

    def detach(self, name: str) -> None:
        """Raises NotFoundError when no such adapter is attached."""
        if self._attached.pop(name, None) is None:
            raise NotFoundError(f"no adapter '{name}' is attached")

    def attached(self) -> tuple[str, ...]:
        """Names in the order they came."""
        return tuple(self._attached)

    def tokens_left(self, request: Request) -> int:
        """Words that still fit; echo remembers ``CONTEXT`` of them."""
        return CONTEXT - sum(len(message.content.split()) for message in request.messages)

    def stream(self, request: Request) -> Iterator[str]:
        """The answer word by word, at most ``max_new_tokens`` words."""
        yield from self.submit(request)

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion for each request, tokens counted in words."""
        return [ticket.result() for ticket in [self.submit(request) for request in requests]]

    def submit(self, request: Request) -> EchoTicket:
        """The words are known at once, and said when somebody reads them. Raises HubError when closed, NotFoundError for a tutor that is
        not attached, UsageError for a conversation that is too long."""
        words = self._words(request)
        if (left := self.tokens_left(request)) < 1:
            raise UsageError(f"the conversation has {CONTEXT - left} words and echo remembers {CONTEXT}", hint="start a new conversation")
        return EchoTicket(request, words, CONTEXT - left)

    def facts(self) -> EngineFacts:
        """Nobody ever waits for echo."""
        return EngineFacts(self.attached(), 0, 0, sum(_size(adapter.folder) for adapter in self._attached.values()))

    def close(self) -> None:
        """Forget all adapters; twice is fine."""
        self._attached.clear()
        self._closed = True

    def _words(self, request: Request) -> list[str]:
        if self._closed:
            raise HubError("the engine is closed")
        if request.adapter is not None and request.adapter not in self._attached:
            raise NotFoundError(f"no adapter '{request.adapter}' is attached")
        return _said(request.adapter or "base", request.messages)


class EchoTicket:
    """Words on their way: what has been read was said, what is read after ``cancel`` never was."""

    def __init__(self, request: Request, words: list[str], prompt: int) -> None:
        self._request, self._words, self._prompt = request, words, prompt
        self._said = 0
        self._cancelled = False
        self._arrived = time.perf_counter()

    def __iter__(self) -> Iterator[str]:
        """Word by word."""
        place = 0
        while place < len(self._due()):
            place += 1
            self._said = max(self._said, place)
            yield self._words[place - 1]

    async def __aiter__(self) -> AsyncIterator[str]:
        """The same for an event loop, which gets its turn between words."""
        from asyncio import sleep  # tens of milliseconds that `hub --help` does not have

        for word in self:
            yield word
            await sleep(0)

    def cancel(self) -> None:
        """Say no more words; an answer that was read to its end stays what it is."""
        self._cancelled = self._cancelled or self._said < len(self._due())

    def result(self, timeout: float | None = None) -> Completion:
        """The whole answer, or what was read of it before it was cancelled."""
        due = self._due()
        self._said = len(due)
        cut = len(self._words) > len(due)
        finish: Literal["stop", "length", "cancelled"] = "cancelled" if self._cancelled else "length" if cut else "stop"
        seconds = time.perf_counter() - self._arrived
        return Completion("".join(due), finish, self._prompt, len(due), seconds, seconds)

    def _due(self) -> list[str]:
        return self._words[: self._said if self._cancelled else self._request.sampling.max_new_tokens]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("adapter_model.safetensors"))


def _said(who: str, messages: Sequence[Message]) -> list[str]:
    """The answer of ``who``, word by word, each with the blank before it."""
    question = next((m.content for m in reversed(messages) if m.role == "user"), "")
    return [word if place == 0 else f" {word}" for place, word in enumerate(f"[{who}] {question}".split(" "))]


# --- training ------------------------------------------------------------------------------------


def train(jobs: Sequence[TrainJob]) -> Iterator[TrainEvent]:
    """Go through the motions of a training, one job after the other, with falling losses; honours ``resume``."""
    for job in jobs:
        yield from _train_one(job)


def _train_one(job: TrainJob) -> Iterator[TrainEvent]:
    settings, started = job.recipe.train, time.perf_counter()
    per_epoch = max(1, math.ceil(len(job.train) / settings.batch_size))
    total = settings.max_steps or max(1, round(per_epoch * settings.epochs))
    first, best = _checkpoint(job.run_dir) if job.resume else (0, _Best())
    if job.score is not None and job.validation and not first:
        best.first = job.score(_answerer("base"))
    answers = [m.content for example in job.train for m in example.messages if m.role == "assistant"]
    weights = adapter_bytes(job.recipe.lora.rank)
    yield TrainStart(
        job=job.name,
        device="CPU, echo engine",
        dtype="float32",
        quantization="none",
        trainable=2 * WIDTH * job.recipe.lora.rank,
        total=PARAMETERS,
        total_steps=total,
        first_step=first,
        rows=len(job.train),
        supervised_tokens=sum(len(answer.split()) for answer in answers),
        skipped=(),
        held_out_loss=_loss(0, total) if job.validation else None,
        base=identity_of(job.base),
        template_sha256=TEMPLATE_SHA256,
        stop_token_ids=(0,),
        notes=("the echo engine learns nothing: its losses come from a formula",),
        score=best.first,
    )
    tokens = 0
    for step in range(first + 1, total + 1):
        last = step == total
        checkpoint = step % settings.checkpoint_every == 0 and not last
        held_out = _loss(step, total) + 0.1 if job.validation and (last or step % per_epoch == 0) else None
        try:
            score = job.score(_answerer(job.name)) if job.score is not None and best.first is not None and held_out is not None else None
        except Interrupted:  # the step took no time: it is taken again
            if step > 1:
                _write_checkpoint(job, step - 1, best)
            raise
        improved = held_out is not None and best.improved_by(step, held_out, score)
        if checkpoint:
            _write_checkpoint(job, step, best)
        tokens += settings.batch_size
        event = TrainStep(
            job=job.name,
            step=step,
            total_steps=total,
            epoch=step / per_epoch,
            loss=_loss(step, total),
            learning_rate=settings.learning_rate * (1 - (step - 1) / total),
            gradient_norm=1.0,
            tokens=settings.batch_size,
            seconds=0.0,
            held_out_loss=held_out,
            score=score,
            best=improved,
            checkpoint=checkpoint,
        )
        try:
            yield event
        except GeneratorExit:
            _write_checkpoint(job, step, best)
            raise
    write_adapter(job.run_dir, job.base.model, job.recipe.lora.rank, job.recipe.lora.alpha)
    (job.run_dir / CHECKPOINT).unlink(missing_ok=True)
    yield TrainEnd(
        job=job.name,
        steps=total,
        best_step=best.step or total,
        reason="finished",
        first_loss=_loss(1, total),
        last_loss=_loss(total, total),
        held_out_first=_loss(0, total) if job.validation else None,
        held_out_last=best.loss,
        tokens=tokens,
        seconds=time.perf_counter() - started,
        peak_memory=0,
        adapter_bytes=len(weights),
        score_first=best.first,
        score_last=best.score,
    )


@dataclass
class _Best:
    """The base's score, and the best evaluation so far."""

    first: float | None = None
    step: int = 0
    loss: float | None = None
    score: float | None = None

    def improved_by(self, step: int, loss: float, score: float | None) -> bool:
        """Take note of an evaluation; whether it has a higher score, or a lower loss at the same score."""
        if self.loss is not None and (score or 0.0, -loss) <= (self.score or 0.0, -self.loss):
            return False
        self.step, self.loss, self.score = step, loss, score
        return True


def _answerer(who: str) -> Answerer:
    def answer(conversations: Sequence[tuple[Message, ...]], *, max_new_tokens: int = 256, references: Sequence[str] = ()) -> list[str]:
        return ["".join(_said(who, turns)[:max_new_tokens]) for turns in conversations]

    return answer


def _write_checkpoint(job: TrainJob, step: int, best: _Best) -> None:
    draft = job.run_dir / f".{CHECKPOINT}"
    draft.write_text(json.dumps({"step": step, "best": asdict(best)}), encoding="utf-8")
    draft.replace(job.run_dir / CHECKPOINT)


def _loss(step: int, total: int) -> float:
    """From 3 nats down to 0.5 on an exponential."""
    return 0.5 + 2.5 * math.exp(-4 * step / total)


def _checkpoint(run_dir: Path) -> tuple[int, _Best]:
    """The step to go on after, and the best evaluation up to it."""
    try:
        found = json.loads((run_dir / CHECKPOINT).read_text(encoding="utf-8"))
        return int(found["step"]), _Best(**found.get("best", {}))
    except FileNotFoundError:
        return 0, _Best()
    except (ValueError, KeyError, TypeError) as error:
        raise HubError(f"{run_dir / CHECKPOINT} is damaged", hint="train without --resume") from error


def write_adapter(folder: Path, base_model: str, rank: int, alpha: float) -> None:
    """The smallest valid PEFT adapter: one linear module, all weights zero."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": ["q_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "adapter_model.safetensors").write_bytes(adapter_bytes(rank))


def adapter_bytes(rank: int) -> bytes:
    """A safetensors file: length of the header (8 bytes, little endian), header (JSON), then the float32 zeros it describes."""
    name, size = "base_model.model.model.layers.0.self_attn.q_proj", 4 * rank * WIDTH
    header = {
        "__metadata__": {"format": "pt"},
        f"{name}.lora_A.weight": {"dtype": "F32", "shape": [rank, WIDTH], "data_offsets": [0, size]},
        f"{name}.lora_B.weight": {"dtype": "F32", "shape": [WIDTH, rank], "data_offsets": [size, 2 * size]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(2 * size)
