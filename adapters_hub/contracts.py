"""What plugins promise: protocols for engines and validators, and the small descriptors that hooks return.

Imports only the types; knows no plugin, no file and no framework.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from adapters_hub.types import Adapter, Attempt, BaseIdentity, BaseModel, Example, Message, Recipe, Tutor, Verdict

# --- asking --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 0.0
    """0: greedy."""
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    """Same seed, same request, same engine: same answer. None: unseeded."""


@dataclass(frozen=True)
class Request:
    """One question. It *names* its adapter, so no "current adapter" can leak between users."""

    messages: tuple[Message, ...]
    """The whole conversation, system turn included, last turn the user's."""
    adapter: str | None = None
    """Name of an attached adapter; None asks the bare base."""
    sampling: Sampling = field(default_factory=Sampling)
    user: str = ""
    """Whose question it is: where many wait, users take turns. Empty: nobody in particular."""


@dataclass(frozen=True)
class Completion:
    """A finished answer."""

    text: str
    finish: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """From the question's arrival to the last token."""
    first_token_seconds: float = 0.0
    """From the question's arrival to the first token; waiting in the queue included."""
    reused_tokens: int = 0
    """Tokens of the prompt that were not computed anew, since their keys and values were kept."""


class Ticket(Protocol):
    """An answer on its way. It may be read once, from any thread, or with ``async for`` from any event loop."""

    def __iter__(self) -> Iterator[str]:
        """The answer piece by piece; leaving the loop early does not cancel. Raises what went wrong with this request alone."""

    def __aiter__(self) -> AsyncIterator[str]:
        """The same for an event loop, which is never blocked."""

    def cancel(self) -> None:
        """Stop computing within one token; the text so far stays. Safe to call at any time, any number of times."""

    def result(self, timeout: float | None = None) -> Completion:
        """The whole answer; waits for it, ``timeout`` seconds at most (TimeoutError). Raises what went wrong."""


@dataclass(frozen=True)
class EngineFacts:
    """What an engine is doing at this moment."""

    attached: tuple[str, ...]
    running: int
    """Answers being computed."""
    waiting: int
    """Questions in the queue."""
    adapter_bytes: int = 0
    """Memory of the adapters that are ready to answer."""
    prefix_bytes: int = 0
    """Memory of kept keys and values."""


class Engine(Protocol):
    """A base in memory plus any number of attached adapters. One thread at a time decodes; callers may be many."""

    def attach(self, adapter: Adapter) -> None:
        """Make ``adapter`` answer under its name; the former holder of the name is replaced only on success.

        Raises HubError when the files are unsafe, incomplete or made for another base."""

    def detach(self, name: str) -> None:
        """Forget the adapter and zero its weights. Raises NotFoundError when it is not attached."""

    def attached(self) -> tuple[str, ...]:
        """Names of the attached adapters, in the order they came."""

    def tokens_left(self, request: Request) -> int:
        """Tokens the context still has for an answer to ``request``; zero or less: the conversation is too long."""

    def stream(self, request: Request) -> Iterator[str]:
        """Yield the answer piece by piece; closing the iterator stops decoding within one token."""

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer all requests, any mix of adapters in one batch; order is kept."""

    def submit(self, request: Request) -> Ticket:
        """Queue a request and return at once; it is answered together with whatever else is running.

        Raises BusyError when the queue is full, NotFoundError for an adapter that is not attached, UsageError for a conversation
        that is too long."""

    def facts(self) -> EngineFacts:
        """A glance at the work under way."""

    def close(self) -> None:
        """Free the memory. Calling it twice is fine."""


# --- training ------------------------------------------------------------------------------------


class Answerer(Protocol):
    """Greedy answers of an adapter as it is now, in the middle of its training."""

    def __call__(
        self, conversations: Sequence[tuple[Message, ...]], *, max_new_tokens: int = 256, references: Sequence[str] = ()
    ) -> list[str]:
        """One answer for each conversation (system turn included, last turn the user's), order kept, of ``max_new_tokens`` at most.

        With ``references``, one for each conversation, an answer that has grown much longer than its reference is cut off too.
        Empty where the conversation leaves no room. Raises Interrupted when ``TrainJob.stopped`` says so."""


Score = Callable[[Answerer], float]
"""Asks what it wants to ask and returns 0 to 1: the share of points that the answers earned. Raises nothing but Interrupted."""


def never() -> bool:
    """Nobody wants to stop."""
    return False


@dataclass(frozen=True)
class TrainJob:
    """One tutor to train. The engine writes adapter files, checkpoints and nothing else into ``run_dir``."""

    name: str
    base: BaseModel
    train: tuple[Example, ...]
    """Rows with their system turn already in place."""
    validation: tuple[Example, ...]
    recipe: Recipe
    run_dir: Path
    resume: bool = False
    """Continue from the newest checkpoint in ``run_dir``."""
    score: Score | None = None
    """Judges the adapter at every held-out evaluation, and the untouched base before the first step; None: the loss alone decides."""
    tracker: str = ""
    """Name of an experiment tracker known to accelerate, e.g. ``tensorboard``; empty: none."""
    stopped: Callable[[], bool] = never
    """Asked now and then while answers are scored: True ends the evaluation at once, to be made up for by a resumed run."""


@dataclass(frozen=True)
class TrainStart:
    """First event of a job: what is about to run, before the first step."""

    job: str
    device: str
    """For people, e.g. ``NVIDIA GeForce RTX 3050 Laptop GPU, 4.0 GB`` or ``CPU, 2 threads, 23.4 GB``."""
    dtype: str
    quantization: str
    trainable: int
    """Number of trained parameters."""
    total: int
    """Number of all parameters, unquantized."""
    total_steps: int
    first_step: int
    """0, or the step a resumed run continues after. Where its last evaluation was cut short, that step's event comes once more."""
    rows: int
    supervised_tokens: int
    """Tokens with loss, in one epoch."""
    skipped: tuple[str, ...]
    """``file:line: reason`` of rows left out for their length."""
    held_out_loss: float | None
    """Loss of the untouched base on the validation rows, nats per supervised token."""
    base: BaseIdentity
    template_sha256: str
    stop_token_ids: tuple[int, ...]
    notes: tuple[str, ...] = ()
    """What was decided automatically and why (dtype, optimizer, micro-batch ...)."""
    score: float | None = None
    """What ``TrainJob.score`` gave the untouched base."""
    score_rows: int = 0
    """Rows that the score is made of, filled in by the training room; 0: no score, the held-out loss alone decides."""
    score_note: str = ""
    """Why there is no score although there is a validator; from the training room too."""


@dataclass(frozen=True)
class TrainStep:
    """One optimizer step."""

    job: str
    step: int
    """1-based."""
    total_steps: int
    epoch: float
    loss: float
    """Mean over the supervised tokens of the step, nats."""
    learning_rate: float
    gradient_norm: float
    tokens: int
    """All tokens computed in this step, padding left out."""
    seconds: float
    held_out_loss: float | None = None
    """Set on steps that were followed by an evaluation."""
    score: float | None = None
    """What ``TrainJob.score`` gave at that evaluation."""
    best: bool = False
    """The evaluation was the best so far (highest score, then lowest held-out loss); the adapter was kept."""
    checkpoint: bool = False
    """A resumable checkpoint was written after this step."""


@dataclass(frozen=True)
class TrainEnd:
    """Last event: the adapter files of the best evaluation lie in ``run_dir``."""

    job: str
    steps: int
    best_step: int
    reason: Literal["finished", "early_stop"]
    first_loss: float
    last_loss: float
    held_out_first: float | None
    held_out_last: float | None
    """Held-out loss of the adapter that was kept."""
    tokens: int
    seconds: float
    peak_memory: int
    """Bytes: GPU allocation peak on CUDA, resident set peak elsewhere."""
    adapter_bytes: int
    score_first: float | None = None
    """Score of the untouched base."""
    score_last: float | None = None
    """Score of the adapter that was kept."""


TrainEvent = TrainStart | TrainStep | TrainEnd


# --- judging -------------------------------------------------------------------------------------


@runtime_checkable
class Validator(Protocol):
    """Judges answers. Must be safe to call from any thread and on hostile text of any length."""

    def judge(self, attempt: Attempt) -> Verdict:
        """Return a verdict; raising counts as ``unverified`` with code ``crash``."""


# --- descriptors ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ValidatorSpec:
    """A validator on offer; heavy imports belong inside ``make``."""

    name: str
    help: str
    make: Callable[[Mapping[str, Any]], Validator]
    """Gets the options of ``[validator.options]``."""


@dataclass(frozen=True)
class EngineSpec:
    """An engine on offer; heavy imports belong inside ``open`` and ``train``."""

    name: str
    help: str
    open: Callable[[BaseModel], Engine]
    train: Callable[[Sequence[TrainJob]], Iterator[TrainEvent]] | None = None
    """None: this engine only answers. A generator: closing it between two events writes a checkpoint of each unfinished job."""


@dataclass(frozen=True)
class ExportOption:
    """One ``--option name=value`` that an export format knows."""

    name: str
    help: str
    default: str = ""
    choices: tuple[str, ...] = ()
    """Empty: any text."""


@dataclass(frozen=True)
class TrainedTutor:
    """A tutor and the adapter that is exported for it."""

    tutor: Tutor
    adapter: Adapter
    """Its files have been compared with the manifest's hashes."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """File name -> contents of what travels with an adapter: ``tutor.json``, ``system.md``."""


def silent(text: str) -> None:
    """Nobody listens."""


GGUF_MARK = "adapters_hub.version"
"""Key in every GGUF file that an export has made: one without it is never replaced."""


@dataclass(frozen=True)
class ExportJob:
    """One export. Whatever the exporter writes it writes to ``out``, and nowhere else: half an export is thrown away by others."""

    trained: tuple[TrainedTutor, ...]
    """One; several, all of the same base, only for a format with ``many``."""
    base: BaseModel
    out: Path
    """A file or a folder, as the format likes, that does not exist yet; its name is the one it will have."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Every option of the format, with its default where none was given."""
    target: Path = Path()
    """Where ``out`` will be moved in the end, for texts that name it."""
    tell: Callable[[str], None] = silent
    """Takes a few words about the stage that begins."""

    @property
    def tutor(self) -> Tutor:
        """The tutor, or the first of several."""
        return self.trained[0].tutor

    @property
    def adapter(self) -> Adapter:
        """The adapter, or the first of several."""
        return self.trained[0].adapter


@dataclass(frozen=True)
class ExportNeeds:
    """What an export takes, estimated before it begins. 0: next to nothing."""

    disk: int = 0
    """Bytes written."""
    memory: int = 0
    """Bytes of RAM at the peak."""


@dataclass(frozen=True)
class ExportResult:
    """What an exporter has to say about what it wrote."""

    next: str
    """The exact command that uses it; ``{out}`` stands for the place."""
    notes: tuple[str, ...] = ()
    """What one should know, one sentence each."""


def needs_little(job: ExportJob) -> ExportNeeds:
    """For formats that copy an adapter."""
    return ExportNeeds(disk=sum(file.stat().st_size for one in job.trained for file in one.adapter.folder.glob("adapter_*")))


@dataclass(frozen=True)
class ExporterSpec:
    """A way to write an adapter in another format; heavy imports belong inside ``export`` and ``needs``."""

    name: str
    help: str
    export: Callable[[ExportJob], ExportResult]
    options: tuple[ExportOption, ...] = ()
    """Others are refused before ``export`` is called."""
    many: bool = False
    """It can take all tutors of a base at once: ``--all``."""
    needs: Callable[[ExportJob], ExportNeeds] = needs_little
