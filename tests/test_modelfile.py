"""Modelfiles: the Go template says what the base's own template says, proven by a small reader of that language."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from zoo_chats import FORMATS, chat_for

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import UsageError
from adapters_hub.modelfile import Weights, go_template, modelfile, stop_texts, turn_texts
from adapters_hub.rendering import render
from adapters_hub.types import ChatSettings, Message

CONVERSATION = (
    Message("system", "Eres un tutor."),
    Message("user", "¿Cuánto es 2 + 2?"),
    Message("assistant", "Son 4."),
    Message("user", "¿Y 3 + 3?"),
)
LEFT_TO_THE_RUNTIME = ("qwen3", "llama-2", "mistral-nemo")
"""Formats whose template does more than frame turns."""


def go(template: str, messages: Sequence[Message]) -> str:
    """What Go's template engine writes; of the language only what our templates use."""
    pieces = re.split(r"\{\{ (.*?) \}\}", template, flags=re.DOTALL)
    variables = {"$system": ""}

    def value(words: str, message: Message | None) -> str:
        if words.startswith('"'):
            return str(json.loads(words))
        if words == ".Content":
            assert message is not None
            return message.content
        return variables[words]

    def run(start: int, message: Message | None, quiet: bool) -> tuple[str, int]:
        """Text of the pieces from ``start`` to the ``else`` or ``end`` that closes them, and where that stands."""
        said, index = "", start
        while index < len(pieces):
            if index % 2 == 0:
                said += "" if quiet else pieces[index]
            elif pieces[index].startswith(("else", "end")):
                return said, index
            elif pieces[index] == "range .Messages":
                begin = index + 1
                for each in messages:
                    text, index = run(begin, each, quiet)
                    said += text
            elif pieces[index].startswith("if "):
                text, index = branch(index, message, quiet)
                said += text
            elif match := re.fullmatch(r"(\$\w+) :?= (.*)", pieces[index]):
                if not quiet:
                    variables[match[1]] = value(match[2], message)
            elif not quiet:
                said += value(pieces[index], message)
            index += 1
        return said, index

    def branch(index: int, message: Message | None, quiet: bool) -> tuple[str, int]:
        said, taken = "", False
        while pieces[index] != "end":
            condition = pieces[index].removeprefix("else ").removeprefix("if ")
            if match := re.fullmatch(r'eq \.Role "(\w+)"', condition):
                true = message is not None and message.role == match[1]
            else:
                true = bool(variables[condition])
            text, index = run(index + 1, message, quiet or taken or not true)
            said, taken = said + text, taken or true
        return said, index

    return run(0, None, False)[0]


def own(chat: ChatFormat, messages: Sequence[Message]) -> str:
    return str(chat.tokenizer.decode(list(render(chat, messages, add_generation_prompt=True).ids), skip_special_tokens=False))


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in LEFT_TO_THE_RUNTIME])
def test_the_go_template_writes_what_the_bases_own_template_writes(name: str) -> None:
    chat = chat_for(name, "gpt2")
    template = go_template(chat, adds_bos=False)
    for messages in (CONVERSATION[:2], CONVERSATION):
        assert go(template, messages) == own(chat, messages)


@pytest.mark.parametrize("name", LEFT_TO_THE_RUNTIME)
def test_a_template_that_does_more_is_left_to_the_runtime(name: str) -> None:
    chat = chat_for(name, "gpt2")
    assert turn_texts(chat) is None
    text, templated = modelfile(Weights("./m.gguf"), chat, "Hola", ChatSettings(), context=512, adds_bos=False)
    assert not templated and "TEMPLATE" not in text


def test_the_beginning_token_is_written_once() -> None:
    chat = chat_for("llama-3", "gpt2")
    assert go_template(chat, adds_bos=False).startswith("<|begin_of_text|>")
    assert "<|begin_of_text|>" not in go_template(chat, adds_bos=True)


def test_the_file_names_weights_adapter_prompt_and_parameters() -> None:
    chat = chat_for("chatml", "gpt2")
    settings = ChatSettings(temperature=0.0, top_p=0.8, repetition_penalty=1.2, max_new_tokens=99)
    text, templated = modelfile(Weights("./base.gguf", "./lora.gguf"), chat, "Eres\nun tutor.", settings, context=100_000, adds_bos=False)
    lines = text.splitlines()
    assert templated and lines[:2] == ["FROM ./base.gguf", "ADAPTER ./lora.gguf"]
    assert 'SYSTEM """Eres\nun tutor."""' in text
    for line in ("temperature 0.0", "top_p 0.8", "top_k 0", "repeat_penalty 1.2", "num_predict 99", "num_ctx 8192", 'stop "<|im_end|>"'):
        assert f"PARAMETER {line}" in lines


def test_whatever_begins_or_ends_a_turn_stops_the_answer() -> None:
    assert stop_texts(chat_for("chatml", "gpt2"))[0] == "<|im_end|>" and "<|im_start|>" in stop_texts(chat_for("chatml", "gpt2"))
    assert {"USER:", "</s>"} <= set(stop_texts(chat_for("vicuna", "gpt2")))


def test_a_system_prompt_that_would_end_the_block_is_refused() -> None:
    with pytest.raises(UsageError, match="three quotation marks"):
        modelfile(Weights("x"), chat_for("chatml", "gpt2"), 'a """ b', ChatSettings(), context=512, adds_bos=False)
