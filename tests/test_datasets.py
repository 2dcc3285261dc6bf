"""Rows, system turns and hashes."""

from __future__ import annotations

import json
import unicodedata

import pytest
from dataset_rows import asked

from adapters_hub.datasets import (
    BadRow,
    Flaw,
    conversation_sha256,
    dataset_sha256,
    example_from,
    json_rows,
    usable,
    with_system,
)
from adapters_hub.errors import DataError
from adapters_hub.types import Example, Message


def row(*turns: tuple[str, str], **extras: object) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **extras}


# --- one row -------------------------------------------------------------------------------------


def test_a_row_becomes_an_example() -> None:
    value = row(("system", "S"), ("user", "¿2+2?"), ("assistant", "4"), expected={"answer": 4}, tags=["sumas"], difficulty=1, id="r1")
    example = example_from(value, "a.jsonl:3")
    assert [turn.role for turn in example.messages] == ["system", "user", "assistant"]
    assert (example.expected, example.tags, example.difficulty, example.where) == ({"answer": 4}, ("sumas",), 1, "a.jsonl:3")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (row(("assistant", "a"), ("user", "b"), ("assistant", "c")), "turn 1: wrong role order, here the user speaks, not the assistant"),
        (row(("user", "a"), ("user", "b"), ("assistant", "c")), "turn 2: wrong role order"),
        (row(("user", "a"), ("system", "s"), ("assistant", "c")), "turn 2: a system turn can only be the first"),
        (row(("user", " \n"), ("assistant", "c")), "turn 1: content is empty"),
        (row(("user", "a")), "no assistant turn"),
        (row(("system", "a")), "no assistant turn"),
        (row(("user", "a"), ("assistant", "b"), ("user", "c")), "the last turn is the user's"),
        (row(("human", "a"), ("assistant", "b")), "the role 'human' is unknown"),
        (row(("usr", "a"), ("assistant", "b")), "did you mean 'user'?"),
        ({"mesages": []}, "unknown key 'mesages' (did you mean 'messages'?)"),
        ({"messages": []}, "messages is empty"),
        ({"messages": "hola"}, "messages must be a list, not a text"),
        ({"messages": [3]}, "turn 1 must be an object with role and content, not a number"),
        ({"messages": [{"role": "user", "content": 3}]}, "turn 1: content must be a text, not a number"),
        ({"messages": [{"role": "user"}]}, "turn 1: content is missing"),
        ({"messages": [{"content": "a"}]}, "turn 1: role is missing"),
        ({"messages": [{"role": "user", "content": "a", "name": "x"}]}, "turn 1: unknown key 'name'"),
        ([1], "a row must be an object {...}, not a list"),
        (row(("user", "a"), ("assistant", "b"), difficulty=4), "difficulty must be 1, 2 or 3, not 4"),
        (row(("user", "a"), ("assistant", "b"), difficulty=True), "difficulty must be 1, 2 or 3, not true or false"),
        (row(("user", "a"), ("assistant", "b"), tags="sumas"), "tags must be a list of texts, not a text"),
        (row(("user", "a"), ("assistant", "b"), tags=[" "]), "a tag is empty"),
        (row(("user", "a"), ("assistant", "b"), id=7), "id must be a text, not a number"),
        (row(("user", "a\ud800"), ("assistant", "b")), "half of a surrogate pair (U+D800) at position 2"),
        (row(("user", "a\x1b[31m"), ("assistant", "b")), "a control character (U+001B) at position 2"),
        (row(("user", "a"), ("assistant", "b"), expected=["\udfff"]), "expected: half of a surrogate pair"),
    ],
)
def test_a_bad_row_says_what_is_wrong(value: object, reason: str) -> None:
    with pytest.raises(BadRow) as error:
        example_from(value)
    assert reason in str(error.value)


def test_all_faults_of_a_row_are_told_at_once() -> None:
    with pytest.raises(BadRow) as error:
        example_from(row(("user", ""), ("assistant", ""), difficulty=9, extra=1))
    assert len(error.value.reasons) == 4


def test_optional_keys_may_be_null() -> None:
    assert example_from(row(("user", "a"), ("assistant", "b"), tags=None, id=None, difficulty=None)).tags == ()


def test_a_question_without_answer_needs_something_expected() -> None:
    assert example_from(row(("user", "¿2+2?"), expected=4)).messages[-1].role == "user"


def test_expected_may_not_nest_without_end() -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(BadRow, match="nested deeper than 32"):
        example_from(row(("user", "a"), ("assistant", "b"), expected=deep))


# --- JSON ----------------------------------------------------------------------------------------

GOOD = json.dumps(row(("user", "¿Qué es una pila?"), ("assistant", "Una lista con dos operaciones.")), ensure_ascii=False)


def faults(data: bytes, name: str = "d.jsonl") -> list[str]:
    with pytest.raises(DataError) as error:
        usable(json_rows(data, name), name)
    return list(error.value.details)


def test_every_bad_line_is_named_with_its_number() -> None:
    lines = [GOOD, GOOD[:30], "", "{]", '{"messages": []}', GOOD]
    details = faults("\n".join(lines).encode())
    assert [detail.split(":")[1] for detail in details] == ["2", "4", "5"]
    assert "truncated JSON" in details[0] and "not valid JSON at column 2" in details[1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"messages": [], "expected": NaN}', "NaN is not a JSON value"),
        (b'{"messages": [], "expected": 1e999}', "the number 1e999 is too large"),
        (b'{"messages": [], "messages": []}', "the key 'messages' appears twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"expected": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"messages": [{"role": "user", "content": "a\xf3"}]}', "not UTF-8 (byte 45 of the line)"),
        (b'{"messages": [{"role": "user", "content": "a\tb"}]}', "invalid control character"),
        (b'{"expected": ' + b"9" * 6000 + b"}", "too many digits"),
        (GOOD.encode() + b" x", "something follows the object"),
    ],
)
def test_hostile_lines_give_one_clear_line(line: bytes, reason: str) -> None:
    details = faults(GOOD.encode() + b"\n" + line)
    assert len(details) == 1 and reason in details[0].lower().replace("nan is", "NaN is").replace("json", "JSON").replace("utf", "UTF")
    assert details[0].startswith("d.jsonl:2: ")


@pytest.mark.parametrize("data", [GOOD, GOOD + "\n", "\ufeff" + GOOD, GOOD + "\r\n" + GOOD + "\r\n", "\n\n" + GOOD + "\n \n"])
def test_byte_order_marks_line_endings_and_blank_lines_do_not_matter(data: str) -> None:
    examples = usable(json_rows(data.encode(), "d.jsonl"), "d.jsonl")
    assert {example.messages[0].content for example in examples} == {"¿Qué es una pila?"}


def test_utf16_is_named() -> None:
    assert "UTF-16" in faults(GOOD.encode("utf-16"))[0]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_list_is_read_with_the_line_of_each_row(indent: int | None) -> None:
    text = json.dumps([json.loads(GOOD), json.loads(GOOD)], indent=indent)
    examples = usable(json_rows(text.encode(), "d.json"), "d.json")
    lines = [int(example.where.split(":")[1]) for example in examples]
    assert lines == [1, 1] if indent is None else lines[0] == 2 and lines[1] > 10


def test_a_truncated_list_keeps_the_findings_before_its_end() -> None:
    bad = json.dumps(row(("user", "a")))
    details = faults(f"[{bad},\n{GOOD},\n{GOOD[:40]}".encode(), "d.json")
    assert len(details) == 2 and "no assistant turn" in details[0] and details[1].startswith("d.json:3: truncated JSON")


@pytest.mark.parametrize(("text", "line"), [(f"[{GOOD}\n{GOOD}]", 2), (f"[{GOOD},\n]", 2), (f"[{GOOD}", 1), (f"[{GOOD}]\nx", 2)])
def test_a_malformed_list_is_told(text: str, line: int) -> None:
    found = [entry for entry in json_rows(text.encode(), "d.json") if isinstance(entry, Flaw)]
    assert [flaw.where for flaw in found] == [f"d.json:{line}"]


def test_an_object_over_several_lines_is_one_row() -> None:
    assert len(usable(json_rows(json.dumps(json.loads(GOOD), indent=1).encode(), "d.json"), "d.json")) == 1


# --- system turns --------------------------------------------------------------------------------


def test_the_system_prompt_goes_before_rows_without_one() -> None:
    own = Example((Message("system", "propio"), *asked("a").messages))
    first, second = with_system([asked("a"), own], "común")
    assert (first.messages[0], second.messages[0]) == (Message("system", "común"), Message("system", "propio"))


def test_an_empty_system_prompt_adds_nothing() -> None:
    assert with_system([asked("a")], " ")[0].messages == asked("a").messages


# --- hashes --------------------------------------------------------------------------------------


def test_white_space_composition_and_the_system_turn_do_not_change_what_a_conversation_says() -> None:
    plain = asked("¿Qué es  una\npila?")
    other = Example((Message("system", "S"), *asked(unicodedata.normalize("NFD", "¿Qué es una pila? ")).messages))
    assert conversation_sha256(plain) == conversation_sha256(other) != conversation_sha256(asked("¿Qué es una cola?"))


def test_the_dataset_hash_sees_every_change_but_not_the_place() -> None:
    base = [asked("a", "b", "f:1"), asked("c", "d", "f:2")]
    assert dataset_sha256(base) == dataset_sha256([asked("a", "b", "g:9"), asked("c", "d")])
    changed = [base[::-1], base[:1], [asked("a", "b "), base[1]], [Example(base[0].messages, expected=1), base[1]]]
    assert len({dataset_sha256(rows) for rows in [base, *changed]}) == 5


def test_a_malformed_element_says_that_later_rows_were_not_read() -> None:
    *_, flaw = json_rows(b'[{"a": 1},\n{oops},\n{"a": 2}]', "d.json")
    assert isinstance(flaw, Flaw) and flaw.where == "d.json:2" and flaw.reason.endswith("later rows were not read")
