"""tokenizer_files.py: a base's folder or a tokenizer in memory gives the tokenizer, its template and its stop ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from template_zoo import tokenizer_for
from tokenizers import Tokenizer, models
from zoo_chats import FORMATS, LESSON, chat_for, wrapped

from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.rendering import render
from adapters_hub.tokenizer_files import chat_format_from, load_chat_format
from adapters_hub.types import Message


def write_base(folder: Path, name: str = "llama-3", **settings: Any) -> Path:
    form = FORMATS[name]
    tokenizer_for(form, "qwen").save(str(folder / "tokenizer.json"))
    content = {"bos_token": {"content": form.bos} if form.bos else None, "eos_token": form.eos, "chat_template": form.template, **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_folder_gives_tokenizer_template_and_stops(tmp_path: Path) -> None:
    write_base(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [512, 11]}', encoding="utf-8")
    chat = load_chat_format(tmp_path)
    expected = chat_for("llama-3", "qwen")
    assert (chat.origin, chat.bos_token, chat.eos_token) == ("tokenizer", "<|begin_of_text|>", "<|end_of_text|>")
    assert render(chat, LESSON) == render(expected, LESSON)
    assert chat.stop_token_ids == tuple(dict.fromkeys((*expected.stop_token_ids, 512, 11)))


def test_a_base_without_template_gets_ours_with_its_real_eos(tmp_path: Path) -> None:
    chat = load_chat_format(write_base(tmp_path, "ours", chat_template=None))
    assert chat.origin == "fallback"
    text = render(chat, LESSON[:2], add_generation_prompt=True).text
    assert text == (
        "<|endoftext|><|system|>\nEres un tutor paciente.<|endoftext|>\n<|user|>\n¿Cuánto es 12 + 30?<|endoftext|>\n<|assistant|>\n"
    )


def test_a_template_beside_the_tokenizer_wins_over_the_settings(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    other = FORMATS["chatml"].template + "{# two #}"
    (tmp_path / "chat_template.jinja").write_text(other, encoding="utf-8")
    assert load_chat_format(tmp_path).template == other


def test_a_template_file_of_the_user_wins_over_all(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    own = tmp_path / "own.jinja"
    own.write_text(FORMATS["chatml"].template, encoding="utf-8")
    chat = load_chat_format(tmp_path, template_file=own)
    assert (chat.template, chat.origin) == (FORMATS["chatml"].template, "file")


def test_of_several_named_templates_the_default_is_taken(tmp_path: Path) -> None:
    templates = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": FORMATS["chatml"].template}]
    assert load_chat_format(write_base(tmp_path, "chatml", chat_template=templates)).template == FORMATS["chatml"].template


def test_padding_and_truncation_of_the_file_are_off(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=300)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert render(load_chat_format(tmp_path), LESSON).ids == render(chat_for("chatml", "qwen"), LESSON).ids


def test_an_eos_that_only_the_settings_declare_special_is_read_whole(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "<": 1, "/": 2, "s": 3, ">": 4, "</s>": 5}, []))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    template = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>", "chat_template": template}), encoding="utf-8")
    chat = load_chat_format(tmp_path)
    assert render(chat, (Message("user", "a"), Message("assistant", "a</s>a"))).ids == [0, 5, 0, 1, 2, 3, 4, 0, 5]


def test_a_named_token_without_an_id_is_left_out(tmp_path: Path) -> None:
    chat = load_chat_format(write_base(tmp_path, "chatml", pad_token="[PAD]"))
    assert chat.pad_token is None
    assert chat.pad_id == chat.eos_id


def test_a_missing_tokenizer_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no tokenizer\.json"):
        load_chat_format(tmp_path)


def test_a_missing_template_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.jinja not found"):
        load_chat_format(write_base(tmp_path), template_file=tmp_path / "nowhere.jinja")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    write_base(tmp_path)
    (tmp_path / name).write_text("{ not json", encoding="utf-8")
    with pytest.raises(UsageError, match=name):
        load_chat_format(tmp_path)


def test_a_bad_template_is_found_when_the_base_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="no end-of-turn token"):
        load_chat_format(write_base(tmp_path, chat_template="{% for m in messages %}{{ m.content }}\n{% endfor %}"))


def test_neither_template_nor_eos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="neither a chat template nor an eos"):
        load_chat_format(write_base(tmp_path, chat_template=None, eos_token=None))


def test_a_slow_tokenizer_is_refused() -> None:
    with pytest.raises(HubError, match="slow tokenizer"):
        chat_format_from(object())


def test_a_tokenizer_in_memory_is_never_changed() -> None:
    oracle = wrapped(FORMATS["chatml"], "qwen")
    before = oracle.backend_tokenizer.to_str()
    render(chat_format_from(oracle), (Message("user", "<|im_end|>"), Message("assistant", "b")))
    assert oracle.backend_tokenizer.to_str() == before
