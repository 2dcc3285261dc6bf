"""Rows, splits, near-duplicates and hashes."""

from __future__ import annotations

import json
import random
import unicodedata

import pytest

from adapters_hub import datasets
from adapters_hub.datasets import (
    BadRow,
    Flaw,
    conversation_sha256,
    dataset_sha256,
    example_from,
    json_rows,
    near_duplicates,
    near_rows,
    question_words,
    split,
    usable,
    with_system,
)
from adapters_hub.errors import DataError
from adapters_hub.types import Example, Message


def row(*turns: tuple[str, str], **extras: object) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **extras}


def asked(question: str, answer: str = "Una respuesta.", where: str = "") -> Example:
    return Example((Message("user", question), Message("assistant", answer)), where=where)


def many(count: int) -> list[Example]:
    """Questions that share no more than a word or two."""
    chance = random.Random(3)
    return [asked(" ".join(f"palabra{chance.randrange(10**6)}" for _ in range(8)), where=f"f:{number}") for number in range(count)]


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


# --- splitting -----------------------------------------------------------------------------------


def test_a_row_stays_on_its_side_when_others_are_added() -> None:
    rows = many(400)
    few, all_of_them = split(rows[:200], 0.2), split(rows, 0.2)
    assert {example.where for example in few.validation} <= {example.where for example in all_of_them.validation}
    assert {example.where for example in few.train} <= {example.where for example in all_of_them.train}


def test_the_share_is_about_right_and_nothing_is_lost() -> None:
    rows = many(1000)
    parts = split(rows, 0.1)
    assert 60 < len(parts.validation) < 140
    assert sorted(example.where for example in parts.train + parts.validation) == sorted(example.where for example in rows)


def test_the_share_also_holds_for_groups() -> None:
    rows = [example for base in many(300) for example in (base, *(asked(base.messages[0].content + "!" * n, f"r{n}") for n in range(1, 8)))]
    assert 0.04 < len(split(rows, 0.1).validation) / len(rows) < 0.18


def test_near_duplicates_never_stand_on_both_sides() -> None:
    rows = [asked(f"{base.messages[0].content}{end}", f"r{end}") for base in many(100) for end in ("", "?", " por favor")]
    parts = split(rows, 0.3)
    assert parts.validation and not any(near_rows(parts.validation, parts.train))


@pytest.mark.parametrize("seed", range(20))
def test_neither_side_is_empty_with_two_groups(seed: int) -> None:
    chance = random.Random(seed)
    rows = [asked(f"uno{chance.random()} dos{chance.random()}"), asked(f"tres{chance.random()} cuatro{chance.random()}")]
    for share in (0.01, 0.5):
        parts = split(rows, share)
        assert len(parts.train) == len(parts.validation) == 1


def test_a_group_of_most_rows_is_learned_from() -> None:
    rows = [asked("¿Qué es una pila?", f"respuesta {n}") for n in range(30)] + [asked("Ordena esta lista de nombres")]
    assert len(split(rows, 0.5).validation) == 1


def test_without_share_all_is_learned() -> None:
    parts = split(many(10), 0.0)
    assert (len(parts.train), parts.validation) == (10, [])


def test_rows_without_an_answer_cannot_be_learned() -> None:
    with pytest.raises(DataError) as error:
        split([*many(3), Example((Message("user", "¿2+2?"),), expected=4, where="f.jsonl:9")], 0.1)
    assert error.value.details == ("f.jsonl:9: the last turn is the user's",)


# --- near-duplicates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("¿Qué es una pila en programación?", "que es una PILA en programacion", True),
        ("Calcula 12 + 15", "Calcula 12 - 15", False),
        ("Calcula 12 + 15", "Calcula 12 + 16", False),
        ("a b c d", "a b c d e", True),
        ("a b c d e", "a b c d f", False),
        ("a b c d e f g h i", "a b c d e f g h j", True),
        ("😀", "😀", True),
        ("😀", "🎈", False),
    ],
)
def test_four_fifths_of_the_words_make_a_near_duplicate(one: str, other: str, near: bool) -> None:
    assert (len(near_duplicates([asked(one), asked(other)])) == 1) is near


@pytest.mark.parametrize("few", [0, 64])
@pytest.mark.parametrize("block", [16, 1 << 14])
def test_groups_agree_with_comparing_every_pair(monkeypatch: pytest.MonkeyPatch, block: int, few: int) -> None:
    monkeypatch.setattr(datasets, "BLOCK", block)
    monkeypatch.setattr(datasets, "FEW", few)
    chance = random.Random(11)
    for vocabulary in (8, 25, 90):
        bases = [[f"w{chance.randrange(vocabulary)}" for _ in range(chance.randint(1, 25))] for _ in range(15)]
        rows = [
            asked(" ".join([*chance.choice(bases), *(f"w{chance.randrange(vocabulary)}" for _ in range(chance.randint(0, 3)))]))
            for _ in range(70)
        ]
        sets = [frozenset(question_words(example)) for example in rows]
        near = [[other for other in range(70) if 5 * len(one & sets[other]) >= 4 * len(one | sets[other])] for one in sets]
        assert near_rows(rows, rows) == near
        groups = near_duplicates(rows)
        group_of = {index: number for number, group in enumerate(groups) for index in group}
        assert sorted(group_of) == list(range(70))
        assert all(group_of[index] == group_of[other] for index, others in enumerate(near) for other in others)
        for group in groups:
            reached, edge = {group[0]}, [group[0]]
            while edge:
                fresh = set(near[edge.pop()]) - reached
                reached |= fresh
                edge += fresh
            assert reached == set(group)
