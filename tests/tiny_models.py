"""Tiny random models of the families that users have, with a tokenizer trained on the fly: real folders, no network.

Widths are multiples of 64 so that NF4 has whole blocks. Every test that needs a base takes it from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

FAMILIES = ("llama", "qwen2", "phi", "mistral")
SPECIALS = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"]
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TEXTS = [
    "¿Cuánto es 2 + 2? La respuesta es 4.",
    "SELECT nombre FROM alumnos WHERE nota >= 5;",
    "Un algoritmo de ordenación compara elementos y los cambia de lugar.",
    "The quick brown fox jumps over the lazy dog.",
]
VOCABULARY = 384


def tiny_model(family: str = "llama", *, seed: int = 0, layers: int = 2, width: int = 64, dtype: torch.dtype = torch.float32) -> Any:
    """A random causal language model in eval mode; same arguments, same weights."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = tiny_config(family, layers=layers, width=width)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    with torch.no_grad():
        for parameter in model.parameters():  # biases too: transformers starts them at zero, and a zero hides mistakes
            if parameter.dim() == 1:
                parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def tiny_config(family: str = "llama", *, layers: int = 2, width: int = 64) -> Any:
    from transformers import LlamaConfig, MistralConfig, PhiConfig, Qwen2Config

    kinds = {"llama": LlamaConfig, "qwen2": Qwen2Config, "phi": PhiConfig, "mistral": MistralConfig}
    grouped = {"phi": 4}.get(family, 2)
    return kinds[family](
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=grouped,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=4,
        tie_word_embeddings=family == "qwen2",
        **({"resid_pdrop": 0.1, "embd_pdrop": 0.1} if family == "phi" else {}),
    )


def tiny_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer of ``VOCABULARY`` tokens or a few less."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def save_tiny_base(folder: Path, family: str = "llama", *, seed: int = 0, layers: int = 2, width: int = 64) -> Path:
    """Write model, tokenizer and chat template as a Hugging Face folder; returns ``folder``."""
    from transformers import PreTrainedTokenizerFast

    model = tiny_model(family, seed=seed, layers=layers, width=width)
    model.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def random_adapter(model: Any, folder: Path, *, seed: int, rank: int = 4, strength: float = 0.3, **settings: Any) -> Path:
    """A PEFT adapter with random A and B for ``model``, written by PEFT itself; ``model`` is left as it was."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    settings = {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear", "lora_dropout": 0.0} | settings
    wrapped = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings), autocast_adapter_dtype=False)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0.0, strength / parameter.shape[0] ** 0.5)
    wrapped.save_pretrained(folder)
    wrapped.unload()
    if hasattr(model, "peft_config"):
        del model.peft_config
    return folder
