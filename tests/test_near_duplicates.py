"""Questions that ask nearly the same."""

from __future__ import annotations

import random

import pytest
from dataset_rows import asked

from adapters_hub import near_duplicates as module
from adapters_hub.near_duplicates import near_duplicates, near_rows, question_words


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
    monkeypatch.setattr(module, "BLOCK", block)
    monkeypatch.setattr(module, "FEW", few)
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
