"""An adapter merged into its base: in full precision on the CPU, compared with base + adapter before anybody may write it.

A base that lies quantized on disk is dequantized; nothing is ever merged into quantized weights. Knows no tutor and no format but
transformers' own folder.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from adapters_hub.base_files import BaseFiles, locate_base
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.engine.linears import linears, require_fit, shapes_of
from adapters_hub.engine.peft_files import AdapterWeights
from adapters_hub.errors import HubError, NotFoundError, ResourceError, UsageError
from adapters_hub.tokenizer_files import chat_format_from, load_chat_format
from adapters_hub.types import BaseModel

TOLERANCE = 1e-4
"""Largest difference of a logit between base + adapter and the merged model, in 32 bits, as a share of the largest logit."""
SMALLEST_LOGIT = 1e-3
"""Logits of a model whose largest is smaller are compared with this instead."""
LICENSES = ("LICENSE*", "NOTICE*", "USE_POLICY*")
FOREIGN = ("name_or_path", "is_local", "local_files_only", "gguf_file")
"""How the tokenizer came into memory here is no part of it, though transformers would write it down."""
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class FullBase:
    """A base in 32 bits on the CPU."""

    model: Any
    """A transformers causal language model in eval mode, without gradients, that may be changed."""
    tokenizer: Any
    """Its tokenizer as transformers has it, with the chat template in force."""
    chat: ChatFormat
    files: BaseFiles
    stored: torch.dtype
    """The number format of its files; of a quantized one, the format it computes in."""
    dequantized: str
    """What it was quantized with on disk; empty for a plain one."""


@dataclass(frozen=True)
class Agreement:
    """How far the merged model is from base + adapter, in 32 bits."""

    difference: float
    """Largest difference of a logit as a share of the largest logit."""
    effect: float
    """The same between base and base + adapter: how much the adapter changes at all."""
    tokens: int
    """Positions that were compared."""


# --- the base ------------------------------------------------------------------------------------


def load_full_base(base: BaseModel) -> FullBase:
    """The base in 32 bits on the CPU, never quantized. Raises what ``locate_base`` raises, UsageError, ResourceError."""
    files = locate_base(base)
    with _quiet(), _clear_errors(base):
        chat, tokenizer = _chat(base, files)
        config = read_config(base, files)
        quantized = getattr(config, "quantization_config", None)
        kind = _kind_of(quantized)
        if kind and kind != "bitsandbytes":
            raise UsageError(
                f"the base '{base.model}' lies quantized with {kind} on disk, which cannot be undone here",
                hint="name the unquantized model: [base] model in hub.toml",
            )
        stored = getattr(config, "dtype", None) or torch.float32
        model = _loaded(base, files, dequantize=bool(kind))
    model.eval()
    model.requires_grad_(False)
    return FullBase(model, tokenizer, chat, files, stored, kind)


def read_config(base: BaseModel, files: BaseFiles | None = None) -> Any:
    """The transformers config of a base; its weights stay where they are. Raises what ``locate_base`` raises, UsageError."""
    from transformers import AutoConfig

    found = files or locate_base(base)
    with _clear_errors(base):
        return AutoConfig.from_pretrained(**_source(found), local_files_only=True, trust_remote_code=base.trust_remote_code)


def read_chat(base: BaseModel, files: BaseFiles | None = None) -> ChatFormat:
    """The chat format of a base, as every answer uses it. Raises what ``locate_base`` raises, UsageError, HubError."""
    with _quiet(), _clear_errors(base):
        return _chat(base, files or locate_base(base))[0]


def _chat(base: BaseModel, files: BaseFiles) -> tuple[ChatFormat, Any]:
    from transformers import AutoTokenizer

    template = Path(base.chat_template) if base.chat_template else None
    if template is not None and not template.is_file():
        raise NotFoundError(f"[base] chat_template: no file {template}", hint="name a Jinja file, or remove the setting")
    tokenizer = AutoTokenizer.from_pretrained(**_source(files), local_files_only=True, trust_remote_code=base.trust_remote_code)
    if files.kind == "folder" and (files.path / "tokenizer.json").is_file():
        chat = load_chat_format(files.path, template_file=template)
    else:
        chat = chat_format_from(tokenizer, template=template.read_text(encoding="utf-8") if template is not None else None)
    tokenizer.chat_template = chat.template
    return chat, tokenizer


def _kind_of(quantized: Any) -> str:
    if quantized is None:
        return ""
    table = quantized if isinstance(quantized, Mapping) else vars(quantized)
    method = table.get("quant_method") or (
        "bitsandbytes" if table.get("load_in_4bit") or table.get("load_in_8bit") else "an unknown method"
    )
    text = str(getattr(method, "value", method))
    return "bitsandbytes" if text.startswith("bitsandbytes") else text


def _loaded(base: BaseModel, files: BaseFiles, *, dequantize: bool) -> Any:
    import transformers

    arguments: dict[str, Any] = {"attn_implementation": "sdpa", "trust_remote_code": base.trust_remote_code, "local_files_only": True}
    if files.kind == "folder":
        arguments |= {"use_safetensors": True, "device_map": {"": "cpu"}}
    elif hasattr(transformers, "GgufConfig"):  # newer versions may leave the weights in blocks otherwise
        arguments["quantization_config"] = transformers.GgufConfig(dequantize=True)
    if not dequantize:
        arguments["dtype"] = torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(**_source(files), **arguments)
    if dequantize:
        model = model.dequantize().float()
    if dequantize or files.kind == "gguf":
        _forget_quantization(model)
    return model


def _forget_quantization(model: Any) -> None:
    """The weights are plain numbers by now; transformers would refuse to write them, or write them as they lay on disk."""
    model._weight_conversions = None
    for holder, name in (
        (model, "hf_quantizer"),
        (model, "quantization_method"),
        (model.config, "quantization_config"),
        (model.config, "_pre_quantization_dtype"),
    ):
        if hasattr(holder, name):
            delattr(holder, name)
    model.is_quantized = False


def _source(files: BaseFiles) -> dict[str, Any]:
    if files.kind == "gguf":
        return {"pretrained_model_name_or_path": str(files.path.parent), "gguf_file": files.path.name}
    return {"pretrained_model_name_or_path": str(files.path)}


@contextmanager
def _clear_errors(base: BaseModel) -> Iterator[None]:
    try:
        yield
    except (HubError, KeyboardInterrupt):
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ResourceError(
            f"too little memory for '{base.model}' in 32 bits", hint="close other programs, or merge on a larger machine"
        ) from error
    except Exception as error:  # a foreign model can fail in any way transformers, safetensors or gguf knows
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if "can't allocate memory" in str(error):
            raise ResourceError(f"too little memory for '{base.model}' in 32 bits", hint="merge on a larger machine") from error
        raise UsageError(f"the base '{base.model}' cannot be opened in full precision: {first[:300]}", hint="hub base show") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the library's bars and warnings; errors still come as exceptions."""
    import logging
    import warnings

    from transformers.utils import logging as speech

    bars, logger = speech.is_progress_bar_enabled(), logging.getLogger("transformers")
    level = logger.level
    try:
        speech.disable_progress_bar()
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # the reader of GGUF files draws its own bar
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        if bars:
            speech.enable_progress_bar()


# --- merging -------------------------------------------------------------------------------------


def probes_of(full: FullBase, texts: Sequence[str], *, longest: int = 96) -> list[torch.Tensor]:
    """Token rows [1, n] to compare models with: ``texts``, and ids from all over the vocabulary."""
    vocabulary = int(full.model.get_input_embeddings().num_embeddings)
    rows = [full.chat.tokenizer.encode(text, add_special_tokens=False).ids[:longest] for text in texts]
    rows.append([(7919 * step + 11) % vocabulary for step in range(min(longest, 48))])
    return [torch.tensor([[token for token in row if token < vocabulary]]) for row in rows if row]


def merge(model: Any, weights: AdapterWeights, probes: Sequence[torch.Tensor]) -> Agreement:
    """Add the adapter to the weights of ``model``, in place: ``W + scale * B @ A``.

    Raises UsageError when it does not fit, HubError when the merged model does not compute what base + adapter does: the largest
    difference may be ``TOLERANCE`` times the largest logit."""
    require_fit(weights.pairs, shapes_of(model), trained_on=weights.config.base_model_name)
    layers = linears(model)
    _require_own_weights(model, {path: layers[path] for path in weights.pairs})
    before = _logits(model, probes)
    with _attached(layers, weights):
        wanted = _logits(model, probes)
    with torch.no_grad():
        for path, (a, b, scale) in weights.pairs.items():
            weight: Any = layers[path].weight
            weight += scale * (b.float() @ a.float())
    found = _logits(model, probes)
    largest = max([SMALLEST_LOGIT, *(float(row.abs().max()) for row in wanted)])
    difference = _difference(found, wanted) / largest
    if not difference <= TOLERANCE:
        raise HubError(
            f"the merged model differs from base + adapter by {difference:.2g} of the largest logit, {TOLERANCE:.0e} is allowed",
            hint="nothing was written; export the adapter itself instead: --to peft",
        )
    return Agreement(difference, _difference(before, wanted) / largest, sum(row.shape[0] for row in wanted))


def _require_own_weights(model: Any, layers: Mapping[str, nn.Module]) -> None:
    embedding = model.get_input_embeddings()
    for path, layer in layers.items():
        if not isinstance(layer, nn.Linear):
            raise UsageError(f"{path} is a {type(layer).__name__}: only plain linear layers can be merged", hint="export it with --to peft")
        if embedding is not None and layer.weight is embedding.weight:
            raise UsageError(
                f"{path} shares its weights with the embedding, which the merge would change too", hint="export the adapter with --to peft"
            )


@contextmanager
def _attached(layers: Mapping[str, nn.Module], weights: AdapterWeights) -> Iterator[None]:
    """Base + adapter, unmerged."""
    hooks = []
    for path, (a, b, scale) in weights.pairs.items():

        def added(
            layer: nn.Module, inputs: tuple[Any, ...], output: Any, a: torch.Tensor = a, b: torch.Tensor = b, scale: float = scale
        ) -> Any:
            return output + scale * ((inputs[0] @ a.float().T) @ b.float().T)

        hooks.append(layers[path].register_forward_hook(added))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def _logits(model: Any, probes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [model(input_ids=probe, use_cache=False).logits[0].float() for probe in probes]


def _difference(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    """The largest difference; infinity where there is a NaN."""
    largest = max(float((left - right).abs().max()) for left, right in zip(one, other, strict=True))
    return largest if largest == largest else float("inf")


def same_choices(model: Any, probes: Sequence[torch.Tensor], dtype: torch.dtype) -> float:
    """Round the model to ``dtype``, in place, and say which share of its likeliest next tokens is still what it was in 32 bits."""
    before = [row.argmax(-1) for row in _logits(model, probes)]
    model.to(dtype)
    if dtype == torch.float32:
        return 1.0
    after = [row.argmax(-1) for row in _logits(model, probes)]
    same = sum(int((left == right).sum()) for left, right in zip(before, after, strict=True))
    return same / max(1, sum(len(row) for row in before))


# --- writing -------------------------------------------------------------------------------------


def write_folder(full: FullBase, folder: Path, *, sampling: Mapping[str, Any], shard: str) -> None:
    """Write the model as a folder that plain transformers loads: sharded safetensors, config, tokenizer, template, generation settings.

    ``sampling`` holds keys of a GenerationConfig. No file names a path of this machine. Raises OSError when the disk refuses."""
    from transformers import GenerationConfig

    full.model.config._name_or_path = ""
    dtype = next(full.model.parameters()).dtype
    full.model.config.dtype = dtype
    stops = list(full.chat.stop_token_ids)
    settings = {**sampling, "eos_token_id": stops, "pad_token_id": full.chat.pad_id}
    if (bos := getattr(full.model.config, "bos_token_id", None)) is not None:
        settings["bos_token_id"] = bos
    with _quiet():
        full.model.generation_config = GenerationConfig(**settings)
        full.model.save_pretrained(folder, max_shard_size=shard)
        full.tokenizer.name_or_path = ""
        for name in FOREIGN:
            full.tokenizer.init_kwargs.pop(name, None)
        full.tokenizer.save_pretrained(folder)
    if full.files.kind == "folder":
        for pattern in LICENSES:
            for file in full.files.path.glob(pattern):
                shutil.copyfile(file, folder / file.name)
