"""``tutor.json`` from anybody: what can be meant is read back as written, everything else is named and refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from adapters_hub.errors import HubError
from adapters_hub.tutor_file import LARGEST, TutorFile, read_tutor_file, text_of
from adapters_hub.types import BaseIdentity

GOOD = TutorFile(
    name="sumas",
    version="1.2.3",
    title="Sumas",
    language="es",
    locale="es_MX",
    description="Suma.",
    license="apache-2.0",
    base=BaseIdentity("Qwen/Qwen2.5-0.5B-Instruct", "abc", "qwen2", "f" * 64, ""),
    quantization="nf4",
    template_sha256="0" * 64,
    stop_token_ids=(4, 5),
    created="2026-01-02T03:04:05+00:00",
    run="20260102T030405Z-0001",
    files={"adapter_model.safetensors": "a" * 64},
    validator={"use": ["text", "math"], "plugins": {"text": "hub-text 0.1.0"}},
    chat={"temperature": 0.0, "max_new_tokens": 300, "style": "guiado"},
)


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(text_of(GOOD)), **values}).encode()


def test_what_is_written_is_read_back() -> None:
    assert read_tutor_file(text_of(GOOD).encode(), "tutor.json") == GOOD
    assert GOOD.number == (1, 2, 3)


def test_equal_contents_give_equal_bytes() -> None:
    assert text_of(read_tutor_file(text_of(GOOD).encode(), "x")) == text_of(GOOD)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "../../etc"}, "no tutor's name"),
        ({"name": "CON "}, "no tutor's name"),
        ({"version": "1.2"}, "does not read X.Y.Z"),
        ({"version": "1.2.3; rm -rf"}, "does not read X.Y.Z"),
        ({"system_prompt": "/etc/passwd"}, "system_prompt must be"),
        ({"files": {"../x": "a" * 64}}, "SHA-256"),
        ({"files": {"x": "nonsense"}}, "SHA-256"),
        ({"stop_token_ids": ["4"]}, "numbers"),
        ({"stop_token_ids": [True]}, "numbers"),
        ({"stop_token_ids": [-1]}, "numbers"),
        ({"base": {"model": 7}}, "texts"),
        ({"base": {}}, "no model"),
        ({"validator": {"use": ["os; import os"]}}, "names"),
        ({"validator": {"use": "math"}}, "names"),
        ({"chat": {"temperature": "hot"}}, "chat.temperature"),
        ({"chat": {"temperature": float("inf")}}, "chat.temperature"),
        ({"chat": {"max_new_tokens": float("inf")}}, "chat.max_new_tokens"),
        ({"chat": {"max_new_tokens": 2.5}}, "chat.max_new_tokens"),
        ({"chat": {"style": "__import__"}}, "chat.style"),
        ({"title": 3}, "title must be of type str"),
    ],
)
def test_what_cannot_be_meant_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(HubError) as caught:
        read_tutor_file(changed(**values), "tutor.json")
    assert any(said in detail for detail in caught.value.details), caught.value.details


def test_all_findings_come_at_once() -> None:
    with pytest.raises(HubError) as caught:
        read_tutor_file(changed(name="NO", version="x", files={"a/b": "c"}), "tutor.json")
    assert len(caught.value.details) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no schema number"),
        (b'{"schema": "1"}', "no schema number"),
        (b'{"schema": 99}', "newer adapters_hub"),
        (b'{"schema": 1}', "cannot be used"),
        (b" " * (LARGEST + 1), "larger than"),
    ],
)
def test_what_is_no_tutor_json_says_so(content: bytes, said: str) -> None:
    with pytest.raises(HubError, match=said):
        read_tutor_file(content, "tutor.json")


def test_a_later_programs_extra_keys_are_left_alone() -> None:
    assert read_tutor_file(changed(mood="happy"), "tutor.json") == GOOD


@settings(max_examples=200, deadline=None)
@given(some.dictionaries(some.sampled_from([*json.loads(text_of(GOOD)), "other"]), some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)))  # fmt: skip
def test_no_content_makes_it_stumble(values: dict[str, Any]) -> None:
    with suppress(HubError):
        read_tutor_file(changed(**values), "tutor.json")
