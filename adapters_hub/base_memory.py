"""What a base model needs of a machine, computed from its shape: memory of weights, adapters and conversations, and what training adds.

Pure arithmetic over a config; knows no catalogue, opens no weights and asks no device.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapters_hub.errors import HubError, NotFoundError, from_os_error
from adapters_hub.hardware import Card, Machine, TorchBuild, computes_in_16_bits, obstacle
from adapters_hub.types import Quantization
from adapters_hub.workspace import shown

Verdict = Literal["comfortable", "tight", "no"]

GB = 10**9
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of one weight in NF4 with double quantization: 4 bits, one byte for each 64 of them, four more for each 256 of those."""
OPTIMIZER_BYTES = 16
"""Bytes of one adapter weight in training: itself, its gradient and AdamW's two moments, in 32 bits each."""
SCORED_LOGITS = 2**22
"""Logits that the loss holds at once, about three times over in 32 bits."""
CARD_OVERHEAD = 950_000_000
"""Bytes of a graphics card that the driver's context and the activations of answers take."""
PROCESS_OVERHEAD = 600_000_000
"""Bytes of RAM that Python and torch take before any base is loaded."""
SHARE_OF_RAM = 0.75
"""How much of a machine's RAM a base may count on; the rest is the system's."""
CHAT_TOKENS = 2048
"""Length of one conversation in the figures for people."""
LEAST_TOKENS = 512
"""A base with room for fewer tokens of conversation is of no use."""


@dataclass(frozen=True)
class Shape:
    """What of a base's config decides about memory."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    """Tokens that a conversation and its answer may have together."""
    tied: bool = True
    """The output head is the embedding matrix."""
    mlp_matrices: int = 3
    """Of a feed-forward block: 3 with a gate, else 2."""

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear layers but the head: what is quantized."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + self.mlp_matrices * self.hidden * self.intermediate)

    @property
    def embedding_parameters(self) -> int:
        """Weights of embedding and head: never quantized."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights but norms and biases, which are less than one in a thousand."""
        return self.linear_parameters + self.embedding_parameters


@dataclass(frozen=True)
class Room:
    """Where a base would be held."""

    device: Literal["cuda", "cpu"]
    name: str
    """For people, e.g. ``NVIDIA GeForce RTX 3050, 4.0 GB`` or ``RAM, 23.4 GB``."""
    usable: int
    """Bytes that weights, adapters and conversations may take together."""
    number_bytes: int
    """Bytes of one unquantized number: 2 where the hardware computes in 16 bits, else 4."""


@dataclass(frozen=True)
class Fit:
    """How a base gets along with a room."""

    quantization: str
    """nf4, int8 or none: what the figures are about."""
    weights: int
    """Bytes."""
    adapters: int
    """Bytes of all tutors' adapters together."""
    kv_per_token: int
    """Bytes of keys and values of one token of a conversation; an upper bound for bases with sliding windows."""
    tokens: int
    """Tokens of all conversations together that find room."""
    context: int
    """Tokens of the longest single conversation."""
    conversations: int
    """Conversations of 2,048 tokens (or of the base's context, if shorter) side by side."""
    training: int
    """Bytes that training one tutor takes at its peak, row by row."""
    trainable: bool
    verdict: Verdict
    why: str
    """One half-sentence for people."""


def fits(
    shape: Shape, room: Room, *, tutors: int = 3, quantization: Quantization = "auto", rank: int = 16, train_tokens: int = 1024
) -> Fit:
    """Whether the base with that many tutors of ``rank`` fits ``room``, for how much conversation, and whether a tutor can be trained.

    ``auto`` counts as nf4, which the engine takes wherever bitsandbytes works."""
    kind = "nf4" if quantization == "auto" else quantization
    weights = weights_bytes(shape, kind, room.number_bytes)
    adapters = tutors * adapter_bytes(shape, rank, room.number_bytes)
    per_token = kv_bytes_per_token(shape, room.number_bytes)
    tokens = max(0, (room.usable - weights - adapters) // per_token)
    context = min(tokens, shape.context)
    training = training_bytes(shape, kind, room.number_bytes, rank=rank, tokens=min(train_tokens, shape.context))
    trainable = training <= room.usable
    verdict, why = _verdict(shape, room, weights + adapters, tokens, trainable)
    return Fit(
        quantization=kind,
        weights=weights,
        adapters=adapters,
        kv_per_token=per_token,
        tokens=tokens,
        context=context,
        conversations=tokens // min(CHAT_TOKENS, shape.context),
        training=training,
        trainable=trainable,
        verdict=verdict,
        why=why,
    )


def _verdict(shape: Shape, room: Room, needed: int, tokens: int, trainable: bool) -> tuple[Verdict, str]:
    if needed > room.usable:
        return "no", f"it needs {needed / GB:.1f} GB, {max(room.usable, 0) / GB:.1f} GB can be had"
    if tokens < min(LEAST_TOKENS, shape.context):
        return "no", f"it leaves room for {tokens:,} tokens of conversation only"
    if tokens < 2 * min(CHAT_TOKENS, shape.context):
        return "tight", f"it leaves room for {tokens:,} tokens of conversation only"
    if not trainable:
        return "tight", "it answers here, but training a tutor takes more memory than there is"
    return "comfortable", "it answers and learns here"


# --- the arithmetic ------------------------------------------------------------------------------


def weights_bytes(shape: Shape, quantization: str, number_bytes: int = 2) -> int:
    """Bytes of the weights in memory; embeddings and head stay unquantized."""
    each = {"nf4": NF4_BYTES, "int8": 1.0 + 4 / shape.hidden, "none": float(number_bytes)}[quantization]
    return round(shape.linear_parameters * each) + shape.embedding_parameters * number_bytes


def kv_bytes_per_token(shape: Shape, number_bytes: int = 2) -> int:
    """Bytes of keys and values that one token of a conversation takes."""
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * number_bytes


def adapter_parameters(shape: Shape, rank: int) -> int:
    """Weights of one adapter of ``rank`` on every linear layer but the head."""
    query, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    attention = 2 * (shape.hidden + query) + 2 * (shape.hidden + keys)
    return shape.layers * rank * (attention + shape.mlp_matrices * (shape.hidden + shape.intermediate))


def adapter_bytes(shape: Shape, rank: int, number_bytes: int = 2) -> int:
    """Bytes of one attached adapter."""
    return adapter_parameters(shape, rank) * number_bytes


def training_bytes(shape: Shape, quantization: str, number_bytes: int = 2, *, rank: int = 16, tokens: int = 1024) -> int:
    """Bytes at the peak of training one tutor on rows of ``tokens``, one at a time, activations recomputed.

    Weights, adapter with optimizer, the inputs of every layer, one layer in full, and the logits that are scored at once."""
    kept = tokens * shape.layers * shape.hidden * number_bytes
    layer = tokens * (8 * shape.hidden + 3 * shape.intermediate + 2 * shape.heads * shape.head_dim) * 4
    logits = 12 * min(SCORED_LOGITS, tokens * shape.vocabulary)
    return weights_bytes(shape, quantization, number_bytes) + OPTIMIZER_BYTES * adapter_parameters(shape, rank) + kept + layer + logits


def room_on_card(name: str, memory: int) -> Room:
    """The room on a graphics card with ``memory`` bytes."""
    return Room("cuda", f"{name}, {memory / (1 << 30):.1f} GB", memory - CARD_OVERHEAD, 2)


def room_in_ram(memory: int, *, sixteen_bits: bool) -> Room:
    """The room in ``memory`` bytes of RAM; ``sixteen_bits``: the processor computes in bf16."""
    usable = round(memory * SHARE_OF_RAM) - PROCESS_OVERHEAD
    return Room("cpu", f"RAM, {memory / (1 << 30):.1f} GB", usable, 2 if sixteen_bits else 4)


def room_of(
    machine: Machine, cards: Sequence[Card], build: TorchBuild | None, features: frozenset[str], environ: Mapping[str, str]
) -> Room:
    """The room that the engine would take on this machine: the first card if torch can use it, else RAM."""
    if cards and cards[0].memory and not obstacle(cards[0], build, environ):
        return room_on_card(cards[0].name, cards[0].memory)
    return room_in_ram(machine.memory, sixteen_bits=computes_in_16_bits(features))


def minutes_to_download(size: int, megabits: float = 100.0) -> float:
    """Minutes that ``size`` bytes take over a line of that many megabits per second."""
    return size * 8 / (megabits * 1e6) / 60


# --- from files ----------------------------------------------------------------------------------


def read_shape(folder: Path) -> Shape:
    """The shape of the base in ``folder``, from its config.json; raises NotFoundError, HubError when it tells too little."""
    file = folder / "config.json"
    try:
        return shape_of(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise NotFoundError(f"no config.json in {shown(folder)}") from error
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise HubError(f"{shown(file)} does not tell the model's shape ({type(error).__name__}: {error})") from error


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape that a transformers config tells, also in GPT-2's old names; raises KeyError, TypeError or ValueError otherwise."""
    inner = config.get("text_config", config)

    def number(name: str, old_name: str) -> int:
        return int(inner[name] if inner.get(name) is not None else inner[old_name])

    hidden, heads = number("hidden_size", "n_embd"), number("num_attention_heads", "n_head")
    kind = str(inner.get("model_type", ""))
    return Shape(
        layers=number("num_hidden_layers", "n_layer"),
        hidden=hidden,
        intermediate=int(inner.get("intermediate_size") or inner.get("n_inner") or 4 * hidden),
        heads=heads,
        kv_heads=int(inner.get("num_key_value_heads") or heads),
        head_dim=int(inner.get("head_dim") or hidden // heads),
        vocabulary=int(inner["vocab_size"]),
        context=int(inner.get("max_position_embeddings") or inner.get("n_positions") or CHAT_TOKENS),
        tied=bool(inner.get("tie_word_embeddings", kind in TIED_BY_DEFAULT)),
        mlp_matrices=2 if kind in PLAIN_MLP else 3,
    )


TIED_BY_DEFAULT = ("gemma", "gemma2", "gemma3", "gemma3_text", "gpt2", "smollm3", "bloom")
"""Model types whose config need not say that head and embeddings are one."""
PLAIN_MLP = ("phi", "gpt2", "gpt_neox", "gptj", "opt", "bloom", "falcon", "starcoder2", "mpt")
"""Model types whose feed-forward block has no gate."""


def count_parameters(folder: Path) -> int:
    """Weights in the safetensors files of ``folder``, counted in their headers; 0 when there are none or they cannot be read."""
    total = 0
    for file in folder.glob("*.safetensors"):
        try:
            with file.open("rb") as stream:
                (length,) = struct.unpack("<Q", stream.read(8))
                header = json.loads(stream.read(min(length, file.stat().st_size)))
            for name, tensor in header.items():
                if name != "__metadata__":
                    count = 1
                    for extent in tensor["shape"]:
                        count *= int(extent)
                    total += count
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
            return 0
    return total
