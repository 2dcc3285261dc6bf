"""Chat formats of well-known model families in their simplest faithful form, and small tokenizers to try them on.

Knows nothing of the code under test: a format is a template with its tokens, a tokenizer is trained here from a few sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = (
    "Eres un tutor paciente que guía al alumno paso a paso, sin dar la solución.",
    "¿Cuánto es 12 + 30? Suma primero las unidades: 2 + 0 = 2. Después las decenas: 1 + 3 = 4. Por tanto, son 42.",
    "SELECT nombre, COUNT(*) FROM alumnos WHERE curso = 'tercero' GROUP BY nombre ORDER BY 2 DESC;",
    "def suma(a, b):\n    return a + b\n\nprint(suma(2, 3))\n",
    "A function calls itself: first the base case, then the step. User, assistant and system are roles of a conversation.",
    "Paso uno.\n\n",
    "Paso dos.\n\n",
    "Step three.\n\n",
    "Instruction, response, human, bot; USER: ASSISTANT: ### Response:\n\n[INST] <<SYS>> [/INST]",
)

QWEN_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Format:
    """One family's way to write a conversation."""

    name: str
    template: str
    special: tuple[str, ...]
    """Special tokens, all of them added to the tokenizer."""
    end: str
    """Ends an assistant turn."""
    eos: str
    bos: str | None = None
    marks: tuple[str, ...] = ()
    """Added tokens that are not declared special although the template writes them."""
    system: bool = True
    """Has a place for a system turn."""
    stable: bool = True
    """Shows earlier turns the same when more follow."""
    own_prompt: bool = True
    """Its own generation prompt is what stands before an answer in its own history."""


def _loop(body: str, prompt: str, before: str = "") -> str:
    """A template with one body per message and a generation prompt."""
    asked = "{% if add_generation_prompt %}{{ '" + prompt + "' }}{% endif %}" if prompt else ""
    return before + "{% for m in messages %}" + body + "{% endfor %}" + asked


def _by_role(system: str, user: str, assistant: str) -> str:
    return (
        "{% if m.role == 'system' %}{{ " + system + " }}"
        "{% elif m.role == 'user' %}{{ " + user + " }}"
        "{% else %}{{ " + assistant + " }}{% endif %}"
    )


_CHATML_BODY = "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
_NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"

ZOO: tuple[Format, ...] = (
    Format("chatml", _loop(_CHATML_BODY, "<|im_start|>assistant\\n"), ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>"),
    Format(
        "qwen2.5",
        "{%- if messages[0]['role'] != 'system' %}\n"
        "    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}\n"
        "{%- endif %}\n"
        "{%- for m in messages %}\n    {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}\n{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        "<|im_end|>",
    ),
    Format(
        "qwen3",
        "{%- set ns = namespace(last=0) %}"
        "{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}"
        "{%- for m in messages %}"
        "{%- set content = m.content %}"
        "{%- if m.role == 'assistant' and '</think>' in content %}"
        "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}"
        "{{- '<|im_start|>' + m.role + '\\n' }}"
        "{%- if m.role == 'assistant' and loop.index0 > ns.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
        "{{- content + '<|im_end|>\\n' }}"
        "{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
        "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}",
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        "<|im_end|>",
        marks=("<think>", "</think>"),
        stable=False,
    ),
    Format(
        "llama-2",
        "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}"
        "{% set sys = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' %}"
        "{% else %}{% set rest = messages %}{% set sys = '' %}{% endif %}"
        "{% for m in rest %}"
        "{% if m.role == 'user' %}{{ bos_token + '[INST] ' + (sys if loop.first else '') + m.content.strip() + ' [/INST]' }}"
        "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
        ("<s>", "</s>"),
        "</s>",
        "</s>",
        bos="<s>",
    ),
    Format(
        "llama-3",
        _loop(
            "{% set text = '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' %}"
            "{% if loop.first %}{% set text = bos_token + text %}{% endif %}{{ text }}",
            "<|start_header_id|>assistant<|end_header_id|>\\n\\n",
        ),
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "<|end_of_text|>",
        bos="<|begin_of_text|>",
    ),
    Format(
        "mistral",
        "{{ bos_token }}{% for m in messages %}"
        "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}"
        "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
        "{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}",
        ("<s>", "</s>"),
        "</s>",
        "</s>",
        bos="<s>",
        system=False,
    ),
    Format(
        "mistral-nemo",
        "{% if messages[0].role == 'system' %}{% set sys = messages[0].content + '\\n\\n' %}{% set rest = messages[1:] %}"
        "{% else %}{% set sys = '' %}{% set rest = messages %}{% endif %}{{ bos_token }}"
        "{% for m in rest %}{% if m.role == 'user' %}"
        "{% set last = loop.last or loop.index0 == rest | length - 2 %}"
        "{{ '[INST]' + (sys if last else '') + m.content + '[/INST]' }}"
        "{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}",
        ("<s>", "</s>", "[INST]", "[/INST]"),
        "</s>",
        "</s>",
        bos="<s>",
        stable=False,
    ),
    Format(
        "gemma",
        "{{ bos_token }}"
        + _NO_SYSTEM
        + _loop(
            "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + m.content | trim + '<end_of_turn>\\n' }}",
            "<start_of_turn>model\\n",
        ),
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        "<end_of_turn>",
        "<eos>",
        bos="<bos>",
        system=False,
    ),
    Format(
        "phi-3",
        "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
        ("<s>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|end|>",
        "<|endoftext|>",
        bos="<s>",
    ),
    Format(
        "zephyr",
        _loop("{{ '<|' + m.role + '|>\\n' + m.content + eos_token }}\n", "<|assistant|>\\n"),
        ("<s>", "</s>"),
        "</s>",
        "</s>",
        bos="<s>",
    ),
    Format(
        "deepseek",
        _loop(
            _by_role("m.content", "'<｜User｜>' + m.content", "'<｜Assistant｜>' + m.content + '<｜end▁of▁sentence｜>'"),
            "<｜Assistant｜>",
            before="{{ bos_token }}",
        ),
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
        "<｜end▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
        marks=("<｜User｜>", "<｜Assistant｜>"),
    ),
    Format(
        "deepseek-r1",
        _loop(
            _by_role(
                "m.content",
                "'<｜User｜>' + m.content",
                "'<｜Assistant｜>' + m.content.split('</think>')[-1] + '<｜end▁of▁sentence｜>'",
            ),
            "<｜Assistant｜><think>\\n",
            before="{{ bos_token }}",
        ),
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
        "<｜end▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
        marks=("<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"),
        own_prompt=False,
    ),
    Format(
        "vicuna",
        _loop(
            _by_role("m.content + '\\n\\n'", "'USER: ' + m.content + ' '", "'ASSISTANT: ' + m.content + eos_token"),
            "ASSISTANT:",
            before="{{ bos_token }}",
        ),
        ("<s>", "</s>"),
        "</s>",
        "</s>",
        bos="<s>",
    ),
    Format(
        "alpaca",
        _loop(
            _by_role(
                "m.content + '\\n\\n'",
                "'### Instruction:\\n' + m.content + '\\n\\n'",
                "'### Response:\\n' + m.content + eos_token + '\\n\\n'",
            ),
            "### Response:\\n",
        ),
        ("<s>", "</s>"),
        "</s>",
        "</s>",
    ),
    Format(
        "command-r",
        _loop(
            "{{ '<|START_OF_TURN_TOKEN|>' + "
            "{'system': '<|SYSTEM_TOKEN|>', 'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}[m.role]"
            " + m.content + '<|END_OF_TURN_TOKEN|>' }}",
            "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
            before="{{ bos_token }}",
        ),
        (
            "<BOS_TOKEN>",
            "<|START_OF_TURN_TOKEN|>",
            "<|END_OF_TURN_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
        ),
        "<|END_OF_TURN_TOKEN|>",
        "<|END_OF_TURN_TOKEN|>",
        bos="<BOS_TOKEN>",
    ),
    Format(
        "harmony",
        _loop(
            "{% if m.role == 'assistant' %}{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + "
            "('<|return|>' if loop.last else '<|end|>') }}"
            "{% else %}{{ '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{% endif %}",
            "<|start|>assistant",
        ),
        ("<|start|>", "<|channel|>", "<|message|>", "<|return|>", "<|end|>"),
        "<|return|>",
        "<|return|>",
        stable=False,
        own_prompt=False,
    ),
    Format(
        "falcon",
        _loop(
            _by_role(
                "m.content + '\\n'", "'<|user|>\\n' + m.content + '\\n'", "'<|assistant|>\\n' + m.content + '\\n' + eos_token + '\\n'"
            ),
            "<|assistant|>\\n",
        ),
        ("<|endoftext|>",),
        "<|endoftext|>",
        "<|endoftext|>",
        marks=("<|user|>", "<|assistant|>"),
    ),
)


@cache
def _trained(kind: str) -> Tokenizer:
    if kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
        letters = sorted({letter for text in TEXTS for letter in text if not letter.isspace()})
        trainer = trainers.UnigramTrainer(
            vocab_size=400, special_tokens=["<unk>"], unk_token="<unk>", initial_alphabet=letters, show_progress=False
        )
    elif kind in ("metaspace", "prepend"):
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        if kind == "metaspace":
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        else:
            tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=900, special_tokens=["<unk>", *[f"<0x{byte:02X}>" for byte in range(256)]], show_progress=False
        )
        # words only, so that no merge swallows whole lines of the little there is to learn from
        plain = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
        plain.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
        plain.train_from_iterator((line for text in TEXTS for line in text.splitlines()), trainer)
        tokenizer.model = plain.model
        return tokenizer
    else:
        tokenizer = Tokenizer(models.BPE())
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind == "gpt2")
        split = pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated")
        tokenizer.pre_tokenizer = byte_level if kind == "gpt2" else pre_tokenizers.Sequence([split, byte_level])
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


KINDS = ("gpt2", "qwen", "metaspace", "prepend", "unigram")
"""Byte-level with two ways to split words, SentencePiece-like BPE with byte fallback in its newer and older form, unigram."""


def tokenizer_for(form: Format, kind: str, *, strip: bool = False) -> Tokenizer:
    """A fresh small tokenizer of that kind which knows the tokens of a format; `strip`: special tokens swallow white space behind."""
    tokenizer = Tokenizer.from_str(_trained(kind).to_str())
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False, rstrip=strip) for token in form.special])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in form.marks])
    return tokenizer
