"""Write the finished model as a plain transformers folder, measure it on held-out text, let it talk.

Knows the folder format and the measures. Deliberately knows nothing of training.
"""

import copy
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .tokenizer import ASSISTANT, MARKERS, SYSTEM, USER, save_tokenizer

PROMPTS = (
    "Hola, ¿quién eres?",
    "¿Cuánto es 27 + 45?",
    "Resuelve 3x + 4 = 19.",
    "¿Qué es una pila en programación?",
    "Escribe una función que sume los pares de una lista.",
    "Dame una consulta SQL para contar los clientes por país.",
    "¿Cuánto es 2/3 + 1/4?",
    "¿Qué cenó mi vecino?",
)


@dataclass(frozen=True)
class HeldOutLoss:
    """What a model loses on texts it never saw."""

    nats_per_token: float
    """mean over every predicted token, markers included"""
    bits_per_byte: float
    """over the predicted tokens that are text, markers excluded from both sides"""
    tokens: int
    """predicted tokens"""
    answers_bits_per_byte: float = 0.0
    """the same over what the assistant says alone; 0 where nobody speaks"""


def publish(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write configuration, tokenizer and bfloat16 weights; every file appears whole, by rename, weights last."""
    folder.mkdir(parents=True, exist_ok=True)
    copied = copy.deepcopy(model).to("cpu", torch.bfloat16).eval()
    copied.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=200
    )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mini-") as scratch:
        save_tokenizer(tokenizer, Path(scratch))
        copied.save_pretrained(scratch)
        for path in sorted(Path(scratch).iterdir(), key=lambda p: (p.suffix == ".safetensors", p.name)):
            path.chmod(0o644)
            os.replace(path, folder / path.name)


@torch.no_grad()
def held_out_loss(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, texts: list[str], length: int, windows: int = 200
) -> HeldOutLoss:
    """Loss over the first `windows` windows of `length` tokens, each window starting without context."""
    specials = set(tokenizer.convert_tokens_to_ids(list(MARKERS)))
    assistant, speakers = tokenizer.convert_tokens_to_ids(ASSISTANT), set(tokenizer.convert_tokens_to_ids([SYSTEM, USER, ASSISTANT]))
    nats = text_nats = answer_nats = 0.0
    tokens = text_bytes = answer_bytes = done = 0
    model.eval()
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        for start in range(0, len(ids), length):
            window = ids[start : start + length]
            if len(window) < 2 or done == windows:
                continue
            done += 1
            logits = model(input_ids=torch.tensor([window], device=model.device)).logits[0, :-1].float()
            losses = cross_entropy(logits, torch.tensor(window[1:], device=model.device), reduction="none").tolist()
            nats += sum(losses)
            tokens += len(losses)
            speaker = window[0]
            for token, loss in zip(window[1:], losses, strict=True):
                if token in speakers:
                    speaker = token
                if token not in specials:
                    size = len(tokenizer.convert_ids_to_tokens(token))  # byte-level: one character a byte
                    text_nats += loss
                    text_bytes += size
                    if speaker == assistant:
                        answer_nats += loss
                        answer_bytes += size
    bits = 1 / math.log(2)
    return HeldOutLoss(nats / max(1, tokens), bits * text_nats / max(1, text_bytes), tokens, bits * answer_nats / max(1, answer_bytes))


@torch.no_grad()
def reply(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, question: str, most: int = 120) -> str:
    """The greedy answer to one question, its end marker included when the model writes it."""
    was_training = model.training
    model.eval()
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    output = model.generate(
        **inputs, max_new_tokens=most, do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.train(was_training)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=False)
