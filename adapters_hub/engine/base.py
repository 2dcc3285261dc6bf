"""The base model, loaded once: quantized, on its device, ready for the bank.

Decides device, number format and quantization and says what it decided. Knows nothing of adapters or tutors.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from adapters_hub import hardware
from adapters_hub.base_files import BaseFiles, locate_base, weights_digest
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import HubError, NotFoundError, ResourceError, RightsError, UsageError
from adapters_hub.tokenizer_files import chat_format_from, load_chat_format
from adapters_hub.types import BaseIdentity, BaseModel

DEFAULT_CONTEXT = 2048
"""Tokens assumed when a base's config names no limit."""


@dataclass(frozen=True)
class LoadedBase:
    """A base in memory and what was decided about it."""

    model: Any
    """A transformers causal language model in eval mode, without gradients."""
    chat: ChatFormat
    identity: BaseIdentity
    device: torch.device
    device_name: str
    """For people, e.g. ``CPU, 2 threads, 23.4 GB``."""
    compute_dtype: torch.dtype
    quantization: str
    """nf4, int8 or none: what is in force."""
    pad_id: int
    """A token id to fill up short rows with; always masked."""
    parameter_count: int
    """All parameters, counted unquantized."""
    memory_bytes: int
    """Bytes the weights take on the device."""
    notes: tuple[str, ...]
    """What was decided automatically and why, one sentence each."""

    @property
    def context(self) -> int:
        """Tokens that a conversation and its answer may have together."""
        return _context(self.model.config)


def load_base(
    base: BaseModel, *, workspace: Path | None = None, training: bool = False, progress: Callable[[str], None] | None = None
) -> LoadedBase:
    """Load ``base``; relative paths start at ``workspace``. ``training`` keeps gradients exact at the price of slower answers on some CPUs.

    ``progress`` is told each stage in a few words. Raises what ``locate_base`` raises, UsageError (a model that cannot be
    opened as set), ResourceError (too little memory)."""
    tell = progress or (lambda stage: None)
    tell("locating the base")
    files = locate_base(base, workspace=workspace)
    if files.kind == "gguf" and find_spec("gguf") is None:
        raise UsageError("reading a .gguf base needs the package 'gguf'", hint='install it: pip install "adapters-hub[gguf]"')
    device = hardware.pick_device(torch)
    dtype = hardware.compute_dtype(torch, device)
    notes: list[str] = []
    quantization = _decide_quantization(base, files, device, notes)
    with _quiet():
        tell("reading tokenizer and chat template")
        chat = _chat_format(base, files, workspace)
        tell("loading weights")
        model = _load_model(base, files, device, dtype, quantization, notes)
    if training:
        keep_gradients(model)
    tell("fingerprinting")
    identity = BaseIdentity(
        model=base.model,
        revision=files.revision,
        architecture=str(model.config.model_type),
        fingerprint=fingerprint(model),
        weights=weights_digest(files.path),
    )
    return LoadedBase(
        model=model,
        chat=chat,
        identity=identity,
        device=device,
        device_name=hardware.describe_device(torch, device),
        compute_dtype=dtype,
        quantization=quantization,
        pad_id=_pad_id(model, chat),
        parameter_count=_parameter_count(model),
        memory_bytes=int(model.get_memory_footprint()),
        notes=(f"computing in {str(dtype).removeprefix('torch.')}", *notes),
    )


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over architecture and the name and unquantized shape of every linear and embedding module.

    The same however the model is quantized; call it before a bank changes the model."""
    shapes = []
    for path, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            shapes.append(f"{path} {module.num_embeddings} {module.embedding_dim}")
        elif hasattr(module, "in_features") and hasattr(module, "out_features"):
            shapes.append(f"{path} {module.in_features} {module.out_features}")
        elif hasattr(module, "nx") and hasattr(module, "nf"):  # transformers' transposed linear of GPT-2
            shapes.append(f"{path} {module.nx} {module.nf}")
    architecture = getattr(getattr(model, "config", None), "model_type", type(model).__name__)
    return hashlib.sha256("\n".join([str(architecture), *sorted(shapes)]).encode()).hexdigest()


def keep_gradients(model: nn.Module) -> None:
    """Keep 4-bit layers on the CPU differentiable whatever is computed in between.

    On processors with AVX512-BF16, bitsandbytes repacks a weight in its first forward without gradients, and every later
    training step through it silently yields no gradient. Switching that layout off must happen before any forward."""
    for path, module in model.named_modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            if getattr(getattr(module.weight, "quant_state", None), "packing_format_for_cpu", False):
                raise RuntimeError(f"{path} was repacked for answers by a forward: load the base again for training")
            module.support_avx512bf16_for_cpu = False


def memory_is_full(error: RuntimeError) -> bool:
    """Whether ``error`` says that the GPU has no memory left, in whatever words."""
    return isinstance(error, torch.OutOfMemoryError) or "ALLOC_FAILED" in str(error)


# --- decisions -----------------------------------------------------------------------------------


def _decide_quantization(base: BaseModel, files: BaseFiles, device: torch.device, notes: list[str]) -> str:
    wanted = base.quantization
    if wanted == "none":
        return "none"
    failure = _bitsandbytes_failure(device, "int8" if wanted == "int8" else "nf4")
    if wanted == "auto":
        if failure:
            notes.append(f"weights are not quantized: {failure}")
            return "none"
        if device.type == "cpu":
            notes.append('weights are held in 4 bits (nf4) to save memory; [base] quantization = "none" may be faster on a CPU')
        return "nf4"
    if failure:
        raise UsageError(
            f'[base] quantization = "{wanted}" cannot be had here: {failure}', hint='set quantization = "auto" or "none" in hub.toml'
        )
    if wanted == "int8" and files.kind == "gguf":
        raise UsageError("a .gguf base can be held as nf4 or unquantized, not as int8", hint='set quantization = "nf4" or "none"')
    return wanted


def _bitsandbytes_failure(device: torch.device, kind: str) -> str:
    """Why bitsandbytes does not work on ``device``, in a few words; empty when it does. Tried on one tiny layer."""
    if find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed"
    try:
        with _quiet(), torch.no_grad():
            layer = _quantized_linear(nn.Linear(64, 64, bias=False), torch.float32, kind).to(device)
            result = layer(torch.ones(1, 64, device=device, dtype=torch.float16 if kind == "int8" else torch.float32))
            if not torch.isfinite(result).all():
                return "bitsandbytes computes nonsense on this device"
    except Exception as error:  # a broken native library fails in its own ways; any of them means "does not work"
        return (
            f"bitsandbytes does not work on this device ({type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''})"
        )
    return ""


def _quantized_linear(layer: nn.Linear, dtype: torch.dtype, kind: str = "nf4") -> nn.Module:
    """``layer`` as a bitsandbytes layer that quantizes itself when it is moved to its device."""
    import bitsandbytes as bnb

    has_bias = layer.bias is not None
    size = (layer.in_features, layer.out_features)
    if kind == "int8":
        new: nn.Module = bnb.nn.Linear8bitLt(*size, bias=has_bias, has_fp16_weights=False)
        new.weight = bnb.nn.Int8Params(layer.weight.data, requires_grad=False, has_fp16_weights=False)
    else:
        new = bnb.nn.Linear4bit(*size, bias=has_bias, compute_dtype=dtype, compress_statistics=True, quant_type="nf4")
        new.weight = bnb.nn.Params4bit(layer.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4", module=new)
    if has_bias:
        new.bias = layer.bias
    return new


# --- loading -------------------------------------------------------------------------------------


def _chat_format(base: BaseModel, files: BaseFiles, workspace: Path | None) -> ChatFormat:
    template_file = None
    if base.chat_template:
        template_file = (workspace or Path.cwd()) / Path(base.chat_template).expanduser()
        if not template_file.is_file():
            raise NotFoundError(f"[base] chat_template: no file {template_file}", hint="name a Jinja file, or remove the setting")
    if files.kind == "folder" and (files.path / "tokenizer.json").is_file():
        return load_chat_format(files.path, template_file=template_file)
    with _clear_load_errors(base, files):
        tokenizer = AutoTokenizer.from_pretrained(**_source(files), local_files_only=True, trust_remote_code=base.trust_remote_code)
    return chat_format_from(tokenizer, template=template_file.read_text(encoding="utf-8") if template_file is not None else None)


def _load_model(base: BaseModel, files: BaseFiles, device: torch.device, dtype: torch.dtype, quantization: str, notes: list[str]) -> Any:
    arguments: dict[str, Any] = {"dtype": dtype, "attn_implementation": "sdpa", "trust_remote_code": base.trust_remote_code}
    if files.kind == "folder":
        arguments |= {"use_safetensors": True, "device_map": {"": device}}
        if quantization == "nf4":
            arguments["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
            )
        elif quantization == "int8":
            arguments["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    with _clear_load_errors(base, files):
        try:
            model = AutoModelForCausalLM.from_pretrained(**_source(files), local_files_only=True, **arguments)
        except ValueError as error:  # how transformers says that an architecture has no such attention; it says so before reading weights
            if "scaled_dot_product_attention" not in str(error):
                raise
            arguments["attn_implementation"] = "eager"
            model = AutoModelForCausalLM.from_pretrained(**_source(files), local_files_only=True, **arguments)
            notes.append("attention is computed in plain steps, slower: this architecture has no fused one")
        if files.kind == "gguf":
            model = _quantize_in_place(model, dtype).to(device) if quantization == "nf4" else model.to(device)
    model.eval()
    model.requires_grad_(False)
    return model


def _source(files: BaseFiles) -> dict[str, Any]:
    if files.kind == "gguf":
        return {"pretrained_model_name_or_path": str(files.path.parent), "gguf_file": files.path.name}
    return {"pretrained_model_name_or_path": str(files.path)}


def _quantize_in_place(model: Any, dtype: torch.dtype) -> Any:
    """NF4 for every linear but the head: transformers cannot quantize what it reads from a .gguf file."""
    head = model.get_output_embeddings()
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and module is not head:
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, _quantized_linear(module, dtype))
    return model


@contextmanager
def _clear_load_errors(base: BaseModel, files: BaseFiles) -> Iterator[None]:
    try:
        yield
    except HubError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ResourceError(
            f"too little memory for the base '{base.model}'",
            hint='close other programs, set [base] quantization = "nf4", or choose a smaller base',
        ) from error
    except PermissionError as error:
        raise RightsError(f"the files of '{base.model}' cannot be read: {error}", hint="check their owner and rights") from error
    except Exception as error:  # a foreign model can fail in any way transformers, safetensors or gguf knows
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        if "trust_remote_code" in str(error):
            raise UsageError(
                f"the base '{base.model}' brings its own code, which is not run",
                hint="if you trust its authors, set [base] trust_remote_code = true in hub.toml",
            ) from error
        if "out of memory" in str(error).lower() or "can't allocate memory" in str(error):
            raise ResourceError(f"too little memory for the base '{base.model}'", hint="choose a smaller base") from error
        if type(error).__name__ == "SafetensorError":
            raise HubError(f"the weights of '{base.model}' are damaged: {first[:200]}", hint=f"fetch {files.path} again") from error
        raise UsageError(
            f"the base '{base.model}' cannot be loaded: {first[:300]}",
            hint=f"it must be a causal language model that transformers {transformers.__version__} knows ({files.path})",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the libraries' warnings and progress bars; errors still come as exceptions."""
    loggers = [logging.getLogger(name) for name in ("transformers", "bitsandbytes", "accelerate", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = transformers.utils.logging.is_progress_bar_enabled()
    try:
        transformers.utils.logging.disable_progress_bar()
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            if logger.name != "bitsandbytes":  # its int8 layers would go on warning at every token
                logger.setLevel(level)
        if bars:
            transformers.utils.logging.enable_progress_bar()


def _context(config: Any) -> int:
    """Positions that mean the same whatever else is computed beside them.

    Models with two sets of frequencies ("longrope") take the long one for all rows of a batch as soon as one of them is long, and for
    tokens behind keys that were computed with the short one: only up to the first length are answers their own."""
    text = config.get_text_config(decoder=True) if hasattr(config, "get_text_config") else config
    most = int(getattr(text, "max_position_embeddings", 0) or getattr(config, "max_position_embeddings", 0) or DEFAULT_CONTEXT)
    rope = getattr(text, "rope_parameters", None) or {}
    for one in (rope, *(part for part in rope.values() if isinstance(part, dict))):
        if one.get("rope_type") == "longrope":
            most = min(most, int(one.get("original_max_position_embeddings") or most))
    return most


# --- figures -------------------------------------------------------------------------------------


def _pad_id(model: Any, chat: ChatFormat) -> int:
    vocabulary = int(model.get_input_embeddings().num_embeddings)
    candidates = [getattr(model.config, "pad_token_id", None), *chat.stop_token_ids]
    return next((token for token in candidates if isinstance(token, int) and 0 <= token < vocabulary), 0)


def _parameter_count(model: nn.Module) -> int:
    """Each tensor once, tied ones too; a quantized weight counts as the matrix it stands for."""
    counts = {id(parameter): parameter.numel() for parameter in model.parameters()}
    for module in model.modules():
        if hasattr(module, "in_features") and hasattr(module, "out_features"):
            linear: Any = module
            counts[id(linear.weight)] = int(linear.in_features) * int(linear.out_features)
    return sum(counts.values())
