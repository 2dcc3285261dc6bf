"""GGUF files for llama.cpp's runtimes: a LoRA as an adapter file, or a whole model, with numbers in the format that was asked for.

Names of tensors come from the ``gguf`` package; what runtimes expect beyond names (the order of rows of Llama's queries and keys, one
scale for a whole adapter) is written down here. Knows no tutor and merges nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch

from adapters_hub import __version__
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.contracts import GGUF_MARK
from adapters_hub.engine.gguf_tokenizer import GgufVocabulary, vocabulary_of
from adapters_hub.engine.peft_files import AdapterWeights
from adapters_hub.errors import HubError, UsageError

Array = np.ndarray[Any, Any]
TYPES = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "bf16": (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "q5_1": (gguf.GGMLQuantizationType.Q5_1, gguf.LlamaFileType.MOSTLY_Q5_1),
    "q5_0": (gguf.GGMLQuantizationType.Q5_0, gguf.LlamaFileType.MOSTLY_Q5_0),
    "q4_1": (gguf.GGMLQuantizationType.Q4_1, gguf.LlamaFileType.MOSTLY_Q4_1),
    "q4_0": (gguf.GGMLQuantizationType.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
}
"""Number formats that the ``gguf`` package can write; vectors are always f32."""
SENSITIVE = ("token_embd.weight", "output.weight")
"""Where fewer than 8 bits cost most: they keep 8."""
LARGEST_HALF = 65504.0
GENERATION = re.compile(r"\{%(-?)\s*(?:end)?generation\s*(-?)%\}")
"""Jinja tags around answers that print nothing and that not every runtime knows."""


@dataclass(frozen=True)
class Family:
    """What a runtime calls an architecture, and how it wants its weights."""

    name: str
    permuted: bool = False
    """Rows of queries and keys in the order of rotated pairs, not of halves."""


FAMILIES = {
    "llama": Family("llama", permuted=True),
    "mistral": Family("llama", permuted=True),
    "qwen2": Family("qwen2"),
    "qwen3": Family("qwen3"),
    "phi": Family("phi2"),
}
"""By ``model_type`` of the config."""


@dataclass(frozen=True)
class GgufReport:
    """What was written."""

    tensors: int
    splitting: str = ""
    """Name of the way the runtime will split text; empty for an adapter."""
    alike: float = 1.0
    """Share of trial texts that it will turn into the base's own tokens."""


def family_of(config: Any) -> Family:
    """The family of a config; raises UsageError for one that cannot be written."""
    family = FAMILIES.get(str(config.model_type))
    if family is None:
        raise UsageError(
            f"GGUF files of the architecture '{config.model_type}' cannot be written here, only of {', '.join(FAMILIES)}",
            hint="--to merged writes a folder that llama.cpp's own converter reads",
        )
    return family


# --- an adapter ----------------------------------------------------------------------------------


def write_lora(out: Path, weights: AdapterWeights, config: Any, *, kind: str, name: str, base_id: str = "") -> GgufReport:
    """Write the adapter as ``general.type = adapter``; ``base_id`` is the base's id on the Hub, where it has one.

    A file has one alpha, and a runtime scales each pair by alpha / rank: pairs with another scale carry the rest in their B.
    Raises UsageError for architectures and modules that runtimes do not know."""
    family = family_of(config)
    names = _names(family, config)
    alpha = _alpha(weights)
    tensors: list[tuple[str, Callable[[], Array]]] = []
    unknown = []
    for path, (a, b, scale) in weights.pairs.items():
        target = names.get_name(path)
        if target is None:
            unknown.append(path)
            continue
        rest = scale * a.shape[0] / alpha
        tensors.append((f"{target}.weight.lora_a", partial(_plain, a)))
        tensors.append((f"{target}.weight.lora_b", partial(_ordered, b, path, family, config, rest)))
    if unknown:
        raise UsageError("runtimes of llama.cpp do not know these modules", hint="--to merged, or --to peft", details=unknown[:20])
    writer = gguf.GGUFWriter(None, family.name)
    writer.add_string(GGUF_MARK, __version__)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    writer.add_file_type(TYPES[kind][1])
    if base_id:
        writer.add_base_model_count(1)
        writer.add_base_model_name(0, base_id.rpartition("/")[2])
        writer.add_base_model_repo_url(0, f"https://huggingface.co/{base_id}")
    _write(writer, out, tensors, kind)
    return GgufReport(len(tensors))


def _alpha(weights: AdapterWeights) -> float:
    """The commonest ``scale * rank``; never 0, which a runtime takes for "no scaling"."""
    found = Counter(scale * a.shape[0] for a, _, scale in weights.pairs.values() if scale)
    return float(found.most_common(1)[0][0]) if found else 1.0


# --- a model -------------------------------------------------------------------------------------


def write_model(
    out: Path,
    model: Any,
    chat: ChatFormat,
    *,
    kind: str,
    name: str,
    texts: Sequence[str] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> GgufReport:
    """Write a whole model in 32 bits, unquantized, with its tokenizer, chat template and stop tokens.

    ``texts`` join those on which the runtime's tokenizer is compared. Raises UsageError for what a runtime could not run alike."""
    config = model.config
    family = family_of(config)
    vocabulary = vocabulary_of(chat, int(model.get_input_embeddings().num_embeddings), texts=texts)
    tensors = list(_model_tensors(model, family))
    if (factors := _rope_factors(config)) is not None:
        tensors.append(("rope_freqs.weight", partial(np.copy, factors)))
    writer = gguf.GGUFWriter(None, family.name)
    writer.add_string(GGUF_MARK, __version__)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    _add_shape(writer, config)
    writer.add_file_type(TYPES[kind][1])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, chat, vocabulary)
    _write(writer, out, tensors, kind, tell)
    return GgufReport(len(tensors), vocabulary.splitting, vocabulary.alike)


def _names(family: Family, config: Any) -> gguf.TensorNameMap:
    architecture = next(number for number, text in gguf.MODEL_ARCH_NAMES.items() if text == family.name)
    return gguf.get_tensor_name_map(architecture, int(config.num_hidden_layers))


def _model_tensors(model: Any, family: Family) -> Iterator[tuple[str, Callable[[], Array]]]:
    names, config = _names(family, model.config), model.config
    embedding = model.get_input_embeddings().weight
    for path, tensor in model.state_dict(keep_vars=True).items():
        stem, _, suffix = path.rpartition(".")
        if tensor is embedding and stem and names.get_name(stem) != "token_embd":
            continue  # a head that is the embedding: runtimes take it from there
        target = names.get_name(stem)
        if target is None or suffix not in ("weight", "bias"):
            raise UsageError(f"runtimes of llama.cpp do not know {path} in this architecture", hint="--to merged")
        yield f"{target}.{suffix}", partial(_ordered, tensor, stem, family, config)


def _add_shape(writer: gguf.GGUFWriter, config: Any) -> None:
    heads = int(config.num_attention_heads)
    wide = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
    rope = _rope(config)
    writer.add_vocab_size(int(config.vocab_size))
    writer.add_context_length(_context(config))
    writer.add_embedding_length(int(config.hidden_size))
    writer.add_block_count(int(config.num_hidden_layers))
    writer.add_feed_forward_length(int(config.intermediate_size))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(getattr(config, "num_key_value_heads", None) or heads))
    writer.add_key_length(wide)
    writer.add_value_length(wide)
    writer.add_rope_dimension_count(int(wide * float(rope.get("partial_rotary_factor") or 1.0)))
    writer.add_rope_freq_base(float(rope.get("rope_theta") or 10000.0))
    if hasattr(config, "rms_norm_eps"):
        writer.add_layer_norm_rms_eps(float(config.rms_norm_eps))
    else:
        writer.add_layer_norm_eps(float(config.layer_norm_eps))
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))


def _context(config: Any) -> int:
    """Tokens for which a runtime computes what the base does: those of these families look at everything, also where the base does not."""
    window = getattr(config, "sliding_window", None)
    slides = bool(window) and (config.model_type == "mistral" or getattr(config, "use_sliding_window", False))
    longest = int(config.max_position_embeddings)
    return min(longest, int(window)) if slides and window else longest


def _rope(config: Any) -> dict[str, Any]:
    rope = dict(getattr(config, "rope_parameters", None) or {})
    if "full_attention" in rope:  # one table for each kind of layer
        rope = dict(rope["full_attention"])
    rope.setdefault("rope_theta", getattr(config, "rope_theta", None))
    rope.setdefault("partial_rotary_factor", getattr(config, "partial_rotary_factor", None))
    if rope.get("rope_type", "default") not in ("default", "linear", "llama3"):
        raise UsageError(f"positions scaled by '{rope['rope_type']}' cannot be written as GGUF here", hint="--to merged")
    return rope


def _rope_factors(config: Any) -> Array | None:
    """Divisors of the rotation's frequencies, [head_dim / 2]: Llama 3's scaling, which leaves fast rotations as they are."""
    rope = _rope(config)
    if rope.get("rope_type") != "llama3":
        return None
    wide = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    factor, low, high = (float(rope[name]) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    trained = float(rope["original_max_position_embeddings"])
    divisors = []
    for pair in range(wide // 2):
        turns = trained / (2 * math.pi * float(rope["rope_theta"]) ** (2 * pair / wide))
        share = min(1.0, max(0.0, (turns - low) / (high - low)))  # 0: scaled wholly, 1: not at all
        divisors.append(1 / ((1 - share) / factor + share))
    return np.array(divisors, dtype=np.float32)


def _add_tokenizer(writer: gguf.GGUFWriter, chat: ChatFormat, vocabulary: GgufVocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.splitting)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    writer.add_token_merges(list(vocabulary.merges))
    stops = chat.stop_token_ids
    eos = chat.eos_id if chat.eos_id is not None else stops[0]
    writer.add_eos_token_id(eos)
    if others := [token for token in stops if token != eos]:
        writer.add_eot_token_id(others[0])
    writer.add_pad_token_id(chat.pad_id)
    if chat.bos_token and (bos := chat.tokenizer.token_to_id(chat.bos_token)) is not None:
        writer.add_bos_token_id(bos)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(plain_template(chat.template))


def plain_template(template: str) -> str:
    """The chat template without the tags that only mark answers; comments in their place trim the same white space."""
    return GENERATION.sub(r"{#\1 \2#}", template)


# --- numbers -------------------------------------------------------------------------------------


def _plain(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    return array


def _ordered(tensor: torch.Tensor, path: str, family: Family, config: Any, scale: float = 1.0) -> Array:
    array = _rows(_plain(tensor), path, family, config)
    return array if scale == 1.0 else array * np.float32(scale)


def _rows(array: Array, path: str, family: Family, config: Any) -> Array:
    """``array`` [out, ...] with its rows in the runtime's order: for queries and keys, i and i + half of each head side by side."""
    layer = path.rpartition(".")[2]
    if not family.permuted or layer not in ("q_proj", "k_proj"):
        return array
    heads = int(config.num_attention_heads)
    if layer == "k_proj":
        heads = int(getattr(config, "num_key_value_heads", None) or heads)
    paired = array.reshape(heads, 2, array.shape[0] // heads // 2, *array.shape[1:]).swapaxes(1, 2)
    return np.ascontiguousarray(paired.reshape(array.shape))


def _write(
    writer: gguf.GGUFWriter,
    out: Path,
    tensors: Sequence[tuple[str, Callable[[], Array]]],
    kind: str,
    tell: Callable[[str], None] = lambda text: None,
) -> None:
    """Write the file; tensor after tensor, so that only one of them is in memory twice. Raises OSError when the disk refuses."""
    wanted = {name: _format(name, array_of(), kind) for name, array_of in tensors}
    for name, (shape, own) in wanted.items():
        stored = shape if own in _PLAIN else gguf.quant_shape_to_byte_shape(shape, own)
        numbers = np.dtype(_PLAIN.get(own, np.uint8))
        writer.add_tensor_info(name, stored, numbers, math.prod(stored) * numbers.itemsize, raw_dtype=own)
    try:
        writer.write_header_to_file(out)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for number, (name, array_of) in enumerate(tensors):
            if number % 50 == 0 and number:
                tell(f"{number} of {len(tensors)} tensors")
            own = wanted[name][1]
            writer.write_tensor_data(gguf.quants.quantize(array_of(), own) if own not in _PLAIN else array_of().astype(_PLAIN[own]))
    finally:
        writer.close()


_PLAIN: Mapping[gguf.GGMLQuantizationType, type[np.floating[Any]]] = {
    gguf.GGMLQuantizationType.F32: np.float32,
    gguf.GGMLQuantizationType.F16: np.float16,
}


def _format(name: str, array: Array, kind: str) -> tuple[tuple[int, ...], gguf.GGMLQuantizationType]:
    """Shape and number format of a tensor: vectors in f32, rows that do not fit blocks in f16, what half precision cannot hold in f32."""
    if not np.isfinite(array).all():
        raise HubError(f"{name} holds NaN or infinite numbers", hint="train again, or get the base again")
    own = TYPES[kind][0]
    if array.ndim < 2:
        own = gguf.GGMLQuantizationType.F32
    elif kind.startswith("q") and name in SENSITIVE:
        own = gguf.GGMLQuantizationType.Q8_0
    if array.shape[-1] % gguf.GGML_QUANT_SIZES[own][0]:
        own = gguf.GGMLQuantizationType.F16
    if own == gguf.GGMLQuantizationType.F16 and array.size and float(np.abs(array).max()) > LARGEST_HALF:
        own = gguf.GGMLQuantizationType.F32
    return tuple(array.shape), own
