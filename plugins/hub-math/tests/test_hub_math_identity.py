"""Whether two trees are the same number or function."""

from __future__ import annotations

import pytest
from hub_math.grammar import read
from hub_math.identity import identical
from hub_math.values import Tree


def tree(text: str) -> Tree:
    found = read(text)[0].tree
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other", "outcome", "how"),
    [
        ("x + y", "y + x", "equal", "exact"),
        ("(x+1)³", "x³ + 3x² + 3x + 1", "equal", "exact"),
        ("1/(x-1) - 1/(x+1)", "2/(x²-1)", "equal", "exact"),
        ("1/(x-1) - 1/(x+1)", "2/(x²+1)", "different", "exact"),
        ("tg² x", "1/cos²(x) - 1", "equal", "numeric"),
        ("sen x", "x - x³/6 + x^5/120", "different", "numeric"),
        ("√2 + √3", "√(5 + 2√6)", "equal", "numeric"),
        ("√2 + √3", "3,146264369941972342329135065715570", "different", "numeric"),
        ("e^(π√163)", "262537412640768744", "different", "numeric"),
        ("sen π", "0", "equal", "numeric"),
        ("e^(-200)", "0", "different", "numeric"),
        ("\\sum_{k=1}^{n} k²", "n(n+1)(2n+1)/6", "equal", "exact"),
        ("\\sum_{k=1}^{n} k²", "n(n+1)(2n+1)/5", "different", "exact"),
    ],
)
def test_known_identities_and_near_misses(one: str, other: str, outcome: str, how: str) -> None:
    found = identical(tree(one), tree(other))
    assert (found.outcome, found.how) == (outcome, how)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("√(x²)", "x"),
        ("|x|", "x"),
        ("x²", "t²"),
        ("sen 30", "1/2"),
        ("log 8", "ln 8"),
        ("1/0", "1/0 + 1"),
        ("f(x)", "x"),
        ("1000000!", "1000001!"),
        ("√(-x² - 1)", "√(-x² - 2)"),
    ],
)
def test_what_depends_on_more_than_the_trees_is_unknown(one: str, other: str) -> None:
    assert identical(tree(one), tree(other)).outcome == "unknown"


def test_agreement_on_the_common_domain_is_enough() -> None:
    assert identical(tree("ln(x²)"), tree("2 ln x")).outcome == "equal"
    assert identical(tree("√x·√x"), tree("x")).outcome == "equal"
