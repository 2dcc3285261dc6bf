"""The nouns of the project as frozen data: no behaviour beyond reading itself, no I/O.

Everything that travels between floors is one of these. A string under a field says what it holds and in which unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]
Outcome = Literal["correct", "incorrect", "unverified"]
Quantization = Literal["auto", "nf4", "int8", "none"]


# --- conversations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Example:
    """One row of a dataset."""

    messages: tuple[Message, ...]
    """Optional system turn first, then user and assistant in turn."""
    expected: Any = None
    """What a right answer must contain: for the validator, never shown to the engine."""
    tags: tuple[str, ...] = ()
    """Topics, for statistics and scores by topic."""
    difficulty: int | None = None
    """1 easy, 2 medium, 3 hard."""
    where: str = ""
    """``file:line`` the row came from, for messages to the author."""
    id: str = ""
    """The row's own name, if it has one; those that a program wrote begin with ``gen-``."""


@dataclass(frozen=True)
class Attempt:
    """What a validator judges: an answer in its context. The answer is untrusted text."""

    messages: tuple[Message, ...]
    """The conversation up to and including the question; no system turn is guaranteed."""
    answer: str
    expected: Any = None
    language: str = "es"
    """ISO 639-1 code of the tutor's language."""
    folder: Path | None = None
    """The tutor's folder, where a validator finds databases and other files of the subject."""
    locale: str = ""
    """The tutor's locale, e.g. ``es_MX``: how its numbers are written. Empty: unknown."""
    style: str = ""
    """``guiado`` or ``resuelto``, the manner the tutor has declared. Empty: unknown."""

    @property
    def question(self) -> str:
        """The last user turn, or an empty string."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")


@dataclass(frozen=True)
class Verdict:
    """A validator's judgement. "Cannot judge" is ``unverified``, never ``incorrect``."""

    outcome: Outcome
    score: float = 0.0
    """0 to 1; 1 for a fully right answer."""
    code: str = "ok"
    """Short machine-readable cause: ``ok``, ``empty``, ``template_token``, ``crash`` ..."""
    reason: str = ""
    """One sentence for the learner, in the tutor's language."""
    hint: str = ""
    """What to tell the model on a retry."""
    extracted: str = ""
    """The part of the answer that was judged."""
    span: tuple[int, int] | None = None
    """Where ``extracted`` lies in the answer, in characters."""
    expected: str = ""
    """What the reference says, as a learner would write it; compare with ``extracted``. Empty: no reference was used."""
    evidence: str = ""
    """How it is known: ``parsed``, ``computed``, ``executed`` in which sandbox ..."""
    seconds: float = 0.0
    """Time the judgement took."""
    validator: str = ""
    """Name of the validator that decided."""
    warnings: tuple[str, ...] = ()
    """Short codes of what is worth a rate in a report and never decides: ``gives_answer_away``, ``asks_nothing``, ``long`` ..."""


# --- settings ------------------------------------------------------------------------------------
# Each field below is one key of a settings file, `[section] key`; metadata carries its help and its limits.


def setting(default: Any, help: str, *, low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field that is also a documented settings key with inclusive limits or a closed list of values."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class BaseModel:
    """``[base]``: the one language model that every tutor shares, as named in ``hub.toml``."""

    model: str = setting("mini", "Hub id, local folder, .gguf file, or 'mini' (the embedded model)")
    revision: str = setting("", "branch, tag or commit of a Hub model; empty: its main branch")
    quantization: Quantization = setting("auto", "how the weights are held in memory", choices=("auto", "nf4", "int8", "none"))
    engine: str = setting("torch", "plugin that runs the model")
    trust_remote_code: bool = setting(False, "run model code that comes with the base: only for a base you trust")
    chat_template: str = setting("", "file with a Jinja chat template that replaces the tokenizer's own")


@dataclass(frozen=True)
class LoraSettings:
    """``[lora]``: shape of the adapter (names as in PEFT's ``LoraConfig``)."""

    rank: int = setting(16, "rank r of the two small matrices", low=1, high=1024)
    alpha: float = setting(32.0, "scale numerator: the update is multiplied by alpha / rank", low=0.0)
    dropout: float = setting(0.05, "dropout on the adapter's input while training", low=0.0, high=0.9)
    targets: tuple[str, ...] = setting(("all-linear",), "module names to adapt, or all-linear (never the head or the embeddings)")
    rslora: bool = setting(False, "scale by alpha / sqrt(rank), for high ranks")


@dataclass(frozen=True)
class TrainSettings:
    """``[train]``: how long and how fast to learn."""

    epochs: float = setting(3.0, "passes over the training rows", low=0.0)
    max_steps: int = setting(0, "optimizer steps at most; 0: decided by epochs", low=0)
    learning_rate: float = setting(2e-4, "peak learning rate", low=0.0, high=1.0)
    warmup: float = setting(0.03, "share of the steps with rising learning rate", low=0.0, high=1.0)
    batch_size: int = setting(8, "rows per optimizer step", low=1)
    micro_batch: int = setting(0, "rows computed at once; 0: as many as fit", low=0)
    max_tokens: int = setting(1024, "longest row in tokens", low=16)
    long_rows: str = setting("skip", "what happens to longer rows", choices=("skip", "split"))
    weight_decay: float = setting(0.0, "AdamW weight decay", low=0.0)
    clip: float = setting(1.0, "largest gradient norm; 0: no clipping", low=0.0)
    optimizer: str = setting("auto", "auto: 8-bit paged AdamW on CUDA, AdamW elsewhere", choices=("auto", "adamw", "adamw8bit"))
    patience: int = setting(3, "stop after so many evaluations without improvement; 0: never", low=0)
    evals_per_epoch: int = setting(1, "held-out evaluations per epoch", low=1)
    score_rows: int = setting(
        16, "validation rows asked and judged at each evaluation, the best score chooses the adapter; 0: the loss alone does", low=0
    )
    checkpoint_every: int = setting(20, "optimizer steps between checkpoints", low=1)
    activation_checkpointing: str = setting("auto", "recompute activations to save memory", choices=("auto", "on", "off"))
    seed: int = setting(7, "seed of initial weights, row order and dropout", low=0)


@dataclass(frozen=True)
class DatasetSettings:
    """``[dataset]``: files, relative to the tutor's folder."""

    train: str = setting("data/train.jsonl", "training rows")
    eval: str = setting("data/eval.jsonl", "held-out questions, never trained on")
    validation: float = setting(0.1, "share of the training rows kept aside to measure the held-out loss", low=0.0, high=0.5)


@dataclass(frozen=True)
class ValidatorSettings:
    """``[validator]``: who judges answers, and what happens when an answer is wrong."""

    use: tuple[str, ...] = setting(("text",), "validator names; the first that is certain decides")
    on_fail: str = setting("show", "show the verdict, or retry with its hint", choices=("show", "retry"))
    retries: int = setting(1, "hidden retries when on_fail is retry", low=0, high=5)
    max_incorrect: float = setting(
        0.2, "largest share of incorrect answers to the held-out questions with which a run may be published", low=0.0, high=1.0
    )
    options: Mapping[str, Any] = setting(None, "table of options handed to the validators")


@dataclass(frozen=True)
class ChatSettings:
    """``[chat]``: how answers are sampled."""

    temperature: float = setting(0.3, "0: always the likeliest token", low=0.0, high=5.0)
    top_p: float = setting(0.9, "nucleus sampling: smallest set of tokens with this probability", low=0.0, high=1.0)
    repetition_penalty: float = setting(1.1, "above 1: less repetition", low=0.1, high=5.0)
    max_new_tokens: int = setting(256, "longest answer in tokens", low=1)
    style: str = setting("guiado", "guiado: guide towards the answer; resuelto: show the full solution", choices=("guiado", "resuelto"))


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how an adapter is trained, apart from data and base."""

    lora: LoraSettings = field(default_factory=LoraSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


@dataclass(frozen=True)
class Tutor:
    """A tutor folder, read and checked; settings are the outcome of the whole cascade."""

    name: str
    folder: Path
    title: str
    description: str
    language: str
    locale: str
    system_prompt: str
    base: BaseModel
    dataset: DatasetSettings
    validator: ValidatorSettings
    recipe: Recipe
    chat: ChatSettings


# --- trained things ------------------------------------------------------------------------------


@dataclass(frozen=True)
class BaseIdentity:
    """Which base an adapter was trained on; equal identities may share adapters."""

    model: str
    """As configured: Hub id, ``mini``, or a folder's path (never published)."""
    revision: str
    """Commit sha for a Hub model, else empty."""
    architecture: str
    """Config's ``model_type``."""
    fingerprint: str
    """SHA-256 over the names and unquantized shapes of all linear and embedding modules. Empty if unknown: the layers decide."""
    weights: str
    """SHA-256 over sampled bytes of the weight files: tells bases of equal shape apart. Empty if unknown."""


@dataclass(frozen=True)
class RunManifest:
    """``manifest.json`` of a run, written last: where it exists, the run is whole."""

    schema: int
    run_id: str
    tutor: str
    created: str
    """ISO 8601, UTC."""
    base: BaseIdentity
    quantization: str
    """What the base was held in while training: nf4, int8 or none."""
    template_sha256: str
    """Hash of the chat template in force. Empty if unknown."""
    system_prompt_sha256: str
    stop_token_ids: tuple[int, ...]
    dataset_sha256: str
    recipe: Mapping[str, Any]
    metrics: Mapping[str, Any]
    """first_loss, last_loss, held_out_first, held_out_last (nats per supervised token), steps, seconds, ..."""
    files: Mapping[str, str]
    """File name -> SHA-256 of the adapter files."""
    versions: Mapping[str, str]
    """Package versions in force."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File name -> bytes, filled in by the store: a cheap look before the hashes are computed."""


@dataclass(frozen=True)
class Adapter:
    """A trained LoRA on disk that an engine can attach."""

    name: str
    """Tutor name, the handle used in requests."""
    folder: Path
    """Holds ``adapter_config.json`` and ``adapter_model.safetensors``."""
    manifest: RunManifest | None = None
    """None for a folder that PEFT or another tool saved."""
