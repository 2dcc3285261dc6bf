"""Which rows are learned from and which are kept aside."""

from __future__ import annotations

import random

import pytest
from dataset_rows import asked

from adapters_hub.errors import DataError
from adapters_hub.near_duplicates import near_rows
from adapters_hub.splits import split
from adapters_hub.types import Example, Message


def many(count: int) -> list[Example]:
    """Questions that share no more than a word or two."""
    chance = random.Random(3)
    return [asked(" ".join(f"palabra{chance.randrange(10**6)}" for _ in range(8)), where=f"f:{number}") for number in range(count)]


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
