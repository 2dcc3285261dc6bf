"""Texts for property tests of hub_math, and what is true of them by arithmetic that shares no code with it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a data file beside the tests."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


# --- hostile and broken text ---------------------------------------------------------------------

ALPHABET = "0123456789+-*/^()[]{}.,;:=<>≤≥≈%°!|√π∞xyzabCenofsi'\" \\$_&²³½∪∈±\n"
_PIECES = r"""\frac { } \sqrt sen log ln ^ _ ( ) 2 x 10 \int \sum \lim dx _0 ^1 \to 9 99 ! / ** % e pi \begin{pmatrix} \end{pmatrix} &
    \\ mcd max , ; y o | cm ∞ = < 1.234 0,5 [ ] km/h ° { } \text{ \left( \right) \overline{3} ' .. … $ € -"""
PIECES = (*_PIECES.split(), " ")

broken_text = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=ALPHABET, max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(50, 3000)).map(lambda pair: pair[0] * pair[1]),
)
"""Text that no author wrote."""


@st.composite
def mutated_text(draw: st.DrawFn) -> str:
    """A good text with a few characters changed."""
    text = list(draw(st.sampled_from(GOOD_TEXTS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        action = draw(st.integers(0, 3))
        if action == 0 and text:
            del text[min(place, len(text) - 1)]
        elif action == 1:
            text.insert(place, draw(st.sampled_from(ALPHABET)))
        elif action == 2:
            text.insert(place, draw(st.sampled_from(PIECES)))
        else:
            other = draw(st.integers(0, len(text)))
            text[place:place] = text[min(place, other) : max(place, other)]
    return "".join(text)


GOOD_TEXTS = sorted({row[side] for row in rows("spanish_numbers.jsonl") for side in ("got", "want")})


# --- numbers -------------------------------------------------------------------------------------

LOCALES = {"es_AR": ",", "es_ES": ",", "es_CL": ",", "es_CO": ",", "es_MX": ".", "es_US": ".", "es_419": ".", "en_US": "."}


@dataclass(frozen=True)
class Written:
    """A number and how it is written in a locale."""

    value: Fraction
    locale: str
    text: str


@st.composite
def written_number(draw: st.DrawFn) -> Written:
    """A decimal number in the manner of a locale, with or without marks for thousands."""
    locale = draw(st.sampled_from(sorted(LOCALES)))
    mark = LOCALES[locale]
    whole = draw(st.integers(0, 10**9))
    decimals = draw(st.text(alphabet="0123456789", max_size=6))
    group = draw(st.sampled_from(["", "." if mark == "," else ",", " ", "\u202f", "\u00a0"]))
    sign = draw(st.sampled_from(["", "-", "−"]))
    value = Fraction(int(str(whole) + decimals), 10 ** len(decimals)) * (-1 if sign else 1)
    digits = f"{whole:,}".replace(",", group)
    return Written(value, locale, sign + digits + (mark + decimals if decimals else ""))


# --- expressions ---------------------------------------------------------------------------------

Tree = Any  # a Fraction, "x", or (operation, operand, ...)


@st.composite
def tree(draw: st.DrawFn, depth: int = 4, functions: bool = True) -> Tree:
    """A random expression in x."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        kind = draw(st.integers(0, 3))
        if kind == 0:
            return Fraction(draw(st.integers(1, 400)), draw(st.sampled_from([10, 100, 2, 4])))
        return "x" if kind == 1 else Fraction(draw(st.integers(0, 12)))
    operation = draw(st.sampled_from([*"+-*/^+*", "neg", *(["sen", "cos", "ln", "√", "e^"] if functions else [])]))
    if operation == "^":
        return (operation, draw(tree(depth - 1, functions)), Fraction(draw(st.integers(2, 3))))
    if operation in ("+", "-", "*", "/"):
        return (operation, draw(tree(depth - 1, functions)), draw(tree(depth - 1, functions)))
    return (operation, draw(tree(depth - 1, functions)))


@dataclass(frozen=True)
class Pair:
    """Two texts, and whether they are the same function by floating point arithmetic of this module."""

    got: str
    want: str
    locale: str
    truth: bool | None
    """None: it cannot be told."""


@st.composite
def expression_pair(draw: st.DrawFn) -> Pair:
    """An expression in two notations, the second one rearranged and sometimes changed."""
    first = draw(tree(draw(st.integers(1, 4)), draw(st.booleans())))
    second = draw(_rearranged(first))
    if draw(st.booleans()):
        second = draw(_changed(second))
    locale = draw(st.sampled_from(["es_AR", "es_MX"]))
    writers = [draw(st.sampled_from([spanish, latex])) for _ in range(2)]
    return Pair(writers[0](first, LOCALES[locale]), writers[1](second, LOCALES[locale]), locale, truth(first, second))


@st.composite
def _rearranged(draw: st.DrawFn, node: Tree) -> Tree:
    if not isinstance(node, tuple):
        return node
    parts = [draw(_rearranged(part)) for part in node[1:]]
    if node[0] in "+*" and draw(st.booleans()):
        parts.reverse()
    if node[0] == "-" and draw(st.booleans()):
        return ("neg", ("-", parts[1], parts[0]))
    if node[0] == "*" and isinstance(parts[0], tuple) and parts[0][0] in "+-" and draw(st.booleans()):
        return (parts[0][0], ("*", parts[0][1], parts[1]), ("*", parts[0][2], parts[1]))
    if node[0] == "^" and draw(st.booleans()):
        product = parts[0]
        for _ in range(int(parts[1]) - 1):
            product = ("*", product, parts[0])
        return product
    return (node[0], *parts)


@st.composite
def _changed(draw: st.DrawFn, node: Tree) -> Tree:
    """The same with one leaf or sign changed."""
    if isinstance(node, tuple):
        if node[0] in "+-" and draw(st.integers(0, 3)) == 0:
            return ("-" if node[0] == "+" else "+", *node[1:])
        at = draw(st.integers(1, len(node) - 1))
        if node[0] != "^" or at == 1:
            return (*node[:at], draw(_changed(node[at])), *node[at + 1 :])
        return node
    return node + draw(st.sampled_from([1, -1, Fraction(1, 10), 2])) if isinstance(node, Fraction) else ("*", Fraction(2), node)


_PLAIN_SIGNS = {"+": "+", "-": "−", "*": "·", "/": "/"}
_LATEX_SIGNS = {"+": "+", "-": "-", "*": "\\cdot"}


def spanish(node: Tree, mark: str) -> str:
    """Plain text: ``sen(2·x) + 0,5``."""
    if isinstance(node, Fraction):
        return _digits(node, mark)
    if node == "x":
        return "x"
    operation, parts = node[0], [spanish(part, mark) for part in node[1:]]
    if operation == "neg":
        return f"-({parts[0]})"
    if operation == "^":
        return f"({parts[0]})" + {2: "²", 3: "³"}[int(node[2])]
    if operation == "e^":
        return f"e^({parts[0]})"
    if len(parts) == 1:
        return f"{operation}({parts[0]})"
    return f"({parts[0]}) {_PLAIN_SIGNS[operation]} ({parts[1]})"


def latex(node: Tree, mark: str) -> str:
    """LaTeX: ``\\sen\\left(2 x\\right)``."""
    if isinstance(node, Fraction):
        return _digits(node, "{,}" if mark == "," else mark)
    if node == "x":
        return "x"
    operation, parts = node[0], [latex(part, mark) for part in node[1:]]
    if operation == "neg":
        return rf"-\left({parts[0]}\right)"
    if operation == "^":
        return rf"\left({parts[0]}\right)^{{{int(node[2])}}}"
    if operation == "e^":
        return rf"e^{{{parts[0]}}}"
    if operation == "/":
        return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
    if operation == "√":
        return rf"\sqrt{{{parts[0]}}}"
    if len(parts) == 1:
        name = {"sen": r"\operatorname{sen}"}.get(operation, "\\" + operation)
        return rf"{name}\left({parts[0]}\right)"
    return rf"\left({parts[0]}\right) {_LATEX_SIGNS[operation]} \left({parts[1]}\right)"


def _digits(number: Fraction, mark: str) -> str:
    if number.denominator == 1:
        return str(number) if number >= 0 else f"({number})"
    places = 1
    while (number * 10**places).denominator != 1:
        places += 1
    text = f"{abs(number.numerator) * 10**places // number.denominator:0{places + 1}d}"
    if places == 3 and len(text) < 7 and text[:-places] != "0":
        places, text = 4, text + "0"  # three decimals would look like thousands
    written = text[:-places] + mark + text[-places:]
    return written if number >= 0 else f"(-{written})"


POINTS = (0.37, 1.3, 2.9, 0.71, 5.1, 0.05)


def truth(one: Tree, other: Tree) -> bool | None:
    """Do two expressions agree at a few points? None where they have no value at most of them, or agree only roughly."""
    agreed = differed = 0
    for point in POINTS:
        first, second = _value(one, point), _value(other, point)
        if first is None or second is None:
            continue
        scale = max(abs(first), abs(second))
        if scale < 1e-6:
            continue
        if abs(first - second) < 1e-9 * scale:
            agreed += 1
        elif abs(first - second) > 1e-4 * scale:
            differed += 1
        else:
            return None
    if differed and not agreed:
        return False
    return True if agreed >= 3 and not differed else None


def _value(node: Tree, point: float) -> float | None:
    if isinstance(node, Fraction):
        return float(node)
    if node == "x":
        return point
    parts = [_value(part, point) for part in node[1:]]
    if any(part is None for part in parts):
        return None
    first = parts[0]
    assert first is not None
    if any(part is not None and abs(part) > 1e5 for part in parts):
        return None  # the last digits of a large number drown a small one
    try:
        if node[0] in _FUNCTIONS:
            return float(_FUNCTIONS[node[0]](first))
        second = parts[1]
        assert second is not None
        return (
            {"+": first + second, "-": first - second, "*": first * second}[node[0]]
            if node[0] in "+-*"
            else (first / second if node[0] == "/" else first**second)
        )
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


_FUNCTIONS: dict[str, Any] = {
    "neg": lambda value: -value,
    "sen": math.sin,
    "cos": math.cos,
    "ln": math.log,
    "√": math.sqrt,
    "e^": math.exp,
}
