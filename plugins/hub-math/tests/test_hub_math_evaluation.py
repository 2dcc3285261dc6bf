"""The value, derivative and expansion of trees."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hub_math.evaluation import derivative, exact, polynomial
from hub_math.grammar import read
from hub_math.identity import identical, value
from hub_math.limits import NotExact, Undefined
from hub_math.values import Tree


def tree(text: str) -> Tree:
    found = read(text)[0].tree
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3·4", 14),
        ("-3²", -9),
        ("(-3)²", 9),
        ("2^(-2)", Fraction(1, 4)),
        ("√(9/4)", Fraction(3, 2)),
        ("∛(-8)", -2),
        ("8^(2/3)", 4),
        ("5!/3!", 20),
        ("mcd(12; 18) + mcm(4; 6)", 18),
        ("|3 - 5|", 2),
        ("log_2 8", 3),
        ("12 : 4 : 3", 1),
        ("2^3^2", 512),
        ("\\sum_{k=1}^{100} k", 5050),
        ("\\sum_{k=0}^{\\infty} \\frac{1}{3^k}", Fraction(3, 2)),
        ("\\int_0^2 x^2 dx", Fraction(8, 3)),
        ("\\prod_{k=1}^{5} k", 120),
    ],
)
def test_exact_values(text: str, expected: Fraction) -> None:
    assert exact(tree(text)) == expected


@pytest.mark.parametrize(
    "text", ["√2", "π", "x", "sen 1", "1000000!", "2^(10^7)", "∛2", "\\sum_{k=1}^{\\infty} \\frac{1}{k}", "\\sum_{k=1}^{10^9} k"]
)
def test_what_is_not_rational_or_too_large_is_not_exact(text: str) -> None:
    with pytest.raises(NotExact):
        exact(tree(text))


@pytest.mark.parametrize("text", ["1/0", "0^(-1)", "log_2 0", "1/(2-2)"])
def test_what_has_no_value_is_undefined(text: str) -> None:
    with pytest.raises(Undefined):
        exact(tree(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sen(π/6)", 0.5), ("ln(e^2)", 2.0), ("sen 30°", 0.5), ("e^(iπ)", -1.0), ("senh 0 + cosh 0", 1.0), ("(1/2)!", 0.886226925452758)],
)
def test_values_in_floating_point(text: str, expected: float) -> None:
    found = value(tree(text), 30)
    assert found is not None and abs(found - expected) < 1e-12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x³", "3x²"),
        ("sen(x²)", "2x cos(x²)"),
        ("x·e^x", "e^x + x·e^x"),
        ("ln x", "1/x"),
        ("x^x", "(x^x)·(ln x + 1)"),
        ("√x", "1/(2√x)"),
        ("tg x", "1/cos²(x)"),
        ("arctg x", "1/(1+x²)"),
        ("2^x", "(2^x)·(ln 2)"),
        ("(x+1)/(x-1)", "-2/(x-1)²"),
        ("5", "0"),
    ],
)
def test_derivatives(text: str, expected: str) -> None:
    assert identical(derivative(tree(text), "x"), tree(expected)).outcome == "equal"


def test_a_function_without_rule_has_no_derivative() -> None:
    with pytest.raises(NotExact):
        derivative(tree("x!"), "x")


def test_polynomials_are_expanded() -> None:
    assert polynomial(tree("(x+1)² - x²")) == {(("x", 1),): 2, (): 1}
    assert polynomial(tree("(x+y)(x-y)")) == {(("x", 2),): 1, (("y", 2),): -1}
    assert polynomial(tree("x - x")) == {}


@pytest.mark.parametrize("text", ["1/x", "√x", "(a+b+c+d)^60", "x^100"])
def test_what_is_no_small_polynomial_is_refused(text: str) -> None:
    with pytest.raises(NotExact):
        polynomial(tree(text))
