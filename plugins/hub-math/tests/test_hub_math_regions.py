"""Sets of real numbers."""

from __future__ import annotations

import pytest
from hub_math.grammar import read
from hub_math.regions import EVERYTHING, NoRegion, Region, complement, region_of, same_region


def region(text: str) -> Region:
    value = next(value for value in read(text, "es_AR") if value.kind in ("interval", "inequality", "set"))
    return region_of(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(0; 2) ∪ (1; 3)", "(0; 3)"),
        ("[0; 1] ∪ [1; 2]", "[0; 2]"),
        ("(0; 1) ∪ [1; 2]", "(0; 2]"),
        ("x ≠ 3", "(-∞; 3) ∪ (3; ∞)"),
        ("2x + 1 > 5", "x > 2"),
        ("1 - x ≥ 0", "x ≤ 1"),
        ("5 > x > 3", "3 < x < 5"),
        ("(0; 5) ∩ (3; 8)", "(3; 5)"),
        ("ℝ \\ {0}", "x ≠ 0"),
        ("[2; 2]", "{2}"),
        ("(√4; 3)", "(2; 3)"),
        ("x > √2", "(√2; ∞)"),
    ],
)
def test_equal_sets_have_equal_pieces(one: str, other: str) -> None:
    assert same_region(region(one), region(other))


@pytest.mark.parametrize(
    ("one", "other"), [("(0; 1)", "[0; 1)"), ("(0; 1) ∪ (1; 2)", "(0; 2)"), ("x > 3", "x ≥ 3"), ("x > √2", "x > 1,4142135")]
)
def test_other_sets_have_other_pieces(one: str, other: str) -> None:
    assert not same_region(region(one), region(other))


def test_the_complement_of_the_complement_is_the_set() -> None:
    for text in ("(0; 1]", "x ≠ 3", "(-∞; 2) ∪ [5; 7)", "{1; 2}"):
        assert same_region(complement(complement(region(text))), region(text))
    assert complement(EVERYTHING) == () and complement(()) == EVERYTHING


@pytest.mark.parametrize("text", ["(a; b)", "x² > 4", "x + y > 3", "(3; 1)", "x < 2 y y > 3"])
def test_what_has_no_known_bounds_is_no_region(text: str) -> None:
    with pytest.raises((NoRegion, StopIteration)):
        region(text)
