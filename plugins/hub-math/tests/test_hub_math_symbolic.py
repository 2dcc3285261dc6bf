"""Limits, by sympy."""

from __future__ import annotations

import pytest
from hub_math.compare import is_true, same


@pytest.mark.parametrize(
    ("limit", "value", "outcome"),
    [
        ("\\lim_{x \\to 0} \\frac{\\sen x}{x}", "1", "equal"),
        ("\\lim_{x \\to 0} \\frac{\\sen x}{x}", "0", "different"),
        ("\\lim_{x \\to \\infty} \\frac{2x+1}{x-3}", "2", "equal"),
        ("\\lim_{x \\to 0} \\frac{1}{x}", "0", "unknown"),
        ("\\lim_{x \\to a} x^2", "a^2", "equal"),
    ],
)
def test_stated_limits(limit: str, value: str, outcome: str) -> None:
    assert is_true(limit, "=", value).outcome == outcome


def test_towers_and_large_trees_never_reach_sympy() -> None:
    assert same("\\lim_{x \\to 0} 9^{9^{9}}", "5").outcome == "unknown"
    assert same("\\lim_{x \\to 0} (" + "+".join(["x"] * 100) + ")", "5").outcome == "unknown"
