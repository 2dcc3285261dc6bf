"""Trees and values as data."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction

import pytest
from hub_math.grammar import read
from hub_math.values import Call, Name, Number, Value, depth_of, names_of, size_of

TREE = Call("+", (Call("*", (Number(Fraction(2)), Name("x"))), Name("pi")))


def test_values_are_frozen_hashable_and_travel_between_processes() -> None:
    value = read("x = 2 o x = 3")[0]
    assert pickle.loads(pickle.dumps(value)) == value and hash(value) == hash(read("x = 2 o x = 3")[0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.kind = "number"  # type: ignore[misc]


def test_names_are_the_variables_without_constants() -> None:
    assert names_of(TREE) == {"x"}


def test_bound_variables_are_no_names() -> None:
    total = Call("sum", (Call("*", (Name("k"), Name("a"))), Name("k"), Number(Fraction(1)), Name("n")))
    assert names_of(total) == {"a", "n"}
    assert names_of(Call("integral", (Name("x"), Name("x")))) == {"x"}


def test_size_and_depth() -> None:
    assert (size_of(TREE), depth_of(TREE)) == (5, 3)


def test_equal_content_is_equal_whatever_it_was_read_from() -> None:
    assert Value("number", tree=Number(Fraction(5))) == Value("number", tree=Number(Fraction(5)))
    assert read("2x")[0].tree == read("2 · x")[0].tree
