"""The formats of the zoo as `ChatFormat`s, and the conversation that the tests of templates, rendering and tokenizer files share."""

from __future__ import annotations

from typing import Any

import pytest
from template_zoo import KINDS, ZOO, Format, tokenizer_for

from adapters_hub.chat_templates import FALLBACK_TEMPLATE, ChatFormat
from adapters_hub.rendering import Rendered
from adapters_hub.types import Message

OURS = Format("ours", FALLBACK_TEMPLATE, ("<|endoftext|>",), "<|endoftext|>", "<|endoftext|>", bos="<|endoftext|>")
FORMATS = {form.name: form for form in (*ZOO, OURS)}
BYTE_LEVEL = ("gpt2", "qwen")

LESSON = (
    Message("system", "Eres un tutor paciente."),
    Message("user", "¿Cuánto es 12 + 30?"),
    Message("assistant", "Son 42: 2 + 0 = 2,\n\n    y 1 + 3 = 4.\n"),
    Message("user", "(gracias 😀)"),
    Message("assistant", "'s nada, ñandú 😀"),
)
_CHATS: dict[tuple[str, str], ChatFormat] = {}


def chat_for(name: str, kind: str) -> ChatFormat:
    """Formats are stateless, so one per session is enough."""
    if (name, kind) not in _CHATS:
        form = FORMATS[name]
        unknown = None if kind in BYTE_LEVEL else "<unk>"
        tokenizer = tokenizer_for(form, kind)
        _CHATS[name, kind] = ChatFormat(tokenizer, form.template, "tokenizer", form.bos, form.eos, unk_token=unknown)
    return _CHATS[name, kind]


def runs_of(rendered: Rendered) -> list[list[int]]:
    """The supervised stretches of ids."""
    runs: list[list[int]] = []
    for index, token in enumerate(rendered.ids):
        if rendered.supervised[index]:
            if index == 0 or not rendered.supervised[index - 1]:
                runs.append([])
            runs[-1].append(token)
    return runs


def said(chat: ChatFormat, run: list[int]) -> str:
    return str(chat.tokenizer.decode(run, skip_special_tokens=False))


def answers(messages: tuple[Message, ...]) -> list[tuple[int, str]]:
    return [(index, message.content.strip()) for index, message in enumerate(messages) if message.role == "assistant"]


def wrapped(form: Format, kind: str) -> Any:
    transformers = pytest.importorskip("transformers")
    named = {"bos_token": form.bos, "unk_token": None if kind in BYTE_LEVEL else "<unk>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_for(form, kind),
        eos_token=form.eos,
        chat_template=form.template,
        **{name: token for name, token in named.items() if token is not None},
    )


def as_dicts(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content.strip()} for message in messages]


over_the_zoo = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FORMATS for kind in KINDS])
over_formats = pytest.mark.parametrize("name", FORMATS)
