"""chat_templates.py: what a format knows about itself, over a zoo of real templates, and which templates it refuses."""

from __future__ import annotations

import hashlib

import pytest
from template_zoo import tokenizer_for
from zoo_chats import FORMATS, LESSON, chat_for, over_formats

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import HubError
from adapters_hub.rendering import render


@over_formats
def test_stop_ids_are_the_end_of_turn_then_eos(name: str) -> None:
    form, chat = FORMATS[name], chat_for(name, "qwen")
    expected = dict.fromkeys((chat.tokenizer.token_to_id(form.end), chat.tokenizer.token_to_id(form.eos)))
    assert chat.stop_token_ids == tuple(expected)


@over_formats
def test_a_format_knows_whether_it_has_a_place_for_the_system_turn(name: str) -> None:
    assert chat_for(name, "qwen").merges_system is not FORMATS[name].system


@over_formats
def test_a_format_knows_whether_it_rewrites_history(name: str) -> None:
    assert chat_for(name, "qwen").rewrites_history is not FORMATS[name].stable


MARKERS = {
    "ours": ("<|user|>", "<|assistant|>", "<|system|>"),
    "zephyr": ("<|user|>", "<|assistant|>", "<|system|>"),
    "vicuna": ("USER:", "ASSISTANT:"),
    "alpaca": ("### Instruction:", "### Response:"),
    "mistral": ("[INST]", "[/INST]"),
    "llama-2": ("[INST]", "[/INST]", "[INST] <<SYS>>", "<</SYS>>"),
}


@over_formats
def test_turn_markers_are_those_that_the_template_writes_as_ordinary_text(name: str) -> None:
    assert chat_for(name, "qwen").turn_markers == MARKERS.get(name, ())


def test_short_words_are_no_turn_markers() -> None:
    form = FORMATS["chatml"]
    template = "{% for m in messages %}{{ ('Q: ' if m.role == 'user' else 'A: ') + m.content + '<|im_end|>' }}{% endfor %}"
    assert ChatFormat(tokenizer_for(form, "qwen"), template, "tokenizer", eos_token=form.eos).turn_markers == ()


@over_formats
def test_control_ids_are_the_tokens_that_the_template_writes_around_turns(name: str) -> None:
    form, chat = FORMATS[name], chat_for(name, "qwen")
    text = render(chat, LESSON).text
    written = {token for token in (*form.special, *form.marks) if token in text and "think" not in token}
    assert set(chat.control_token_ids) == {chat.tokenizer.token_to_id(token) for token in written}


def test_a_template_that_ignores_the_system_turn_gets_it_merged() -> None:
    form = FORMATS["chatml"]
    silent = form.template.replace("{% for m in messages %}", "{% for m in messages if m.role != 'system' %}")
    chat = ChatFormat(tokenizer_for(form, "qwen"), silent, "tokenizer", eos_token=form.eos)
    assert chat.merges_system
    assert "Eres un tutor paciente.\n\n¿Cuánto" in render(chat, LESSON).text


def test_the_hash_is_that_of_the_template() -> None:
    assert chat_for("chatml", "qwen").template_sha256 == hashlib.sha256(FORMATS["chatml"].template.encode()).hexdigest()


def test_a_dated_template_gives_the_same_ids_on_any_day() -> None:
    form = FORMATS["chatml"]
    dated = "{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}" + form.template
    chat = ChatFormat(tokenizer_for(form, "qwen"), dated, "tokenizer", eos_token=form.eos)
    assert render(chat, LESSON).text.startswith("Today: 26 Jul 2024\n")


def test_generation_marks_print_nothing() -> None:
    form = FORMATS["chatml"]
    head = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    body = head + "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{{ '\n' }}{% endfor %}"
    chat = ChatFormat(tokenizer_for(form, "qwen"), body, "tokenizer", eos_token=form.eos)
    assert render(chat, LESSON).ids == render(chat_for("chatml", "qwen"), LESSON).ids


# --- errors ---------------------------------------------------------------------------------------


def with_template(template: str) -> ChatFormat:
    form = FORMATS["chatml"]
    return ChatFormat(tokenizer_for(form, "qwen"), template, "tokenizer", eos_token=form.eos)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}", "no end-of-turn token"),
        ("{% for m in messages %}{{ m.content + '\nUser<|im_end|>' }}{% endfor %}", "no end-of-turn token"),
        ("{% for m in messages %}{{ m.content }}", "not valid Jinja"),
        ("{{ raise_exception('niet') }}", "refuses this conversation: niet"),
        ("{% for m in messages %}{{ m.content + m.content + '<|im_end|>' }}{% endfor %}", "repeats turn 1"),
        ("{{ messages[-1].content + '<|im_end|>' }}", "leaves out or edits turn 1"),
        (
            "{% for m in messages %}{{ m.content | upper | replace('Q', 'QQ') | tojson + '<|im_end|>' }}{% endfor %}",
            "leaves out or edits turn 1",
        ),
        ("{{ messages[0].missing.more }}", "refuses"),
    ],
)
def test_an_unusable_template_is_named_with_a_hint(template: str, words: str) -> None:
    with pytest.raises(HubError, match=words) as error:
        render(with_template(template), LESSON[1:3])
    assert "[base] chat_template" in error.value.hint


def test_the_sandbox_keeps_a_template_from_the_program() -> None:
    with pytest.raises(HubError):
        render(with_template("{{ messages.__class__.__mro__[1].__subclasses__() }}"), LESSON)
