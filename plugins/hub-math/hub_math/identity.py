"""Are two trees the same number or the same function? Exact arithmetic first, then floating point at fixed points, sympy last.

"different" is only said of a difference that is certain: exact, or one that stays the same at twice the precision.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from hub_math import limits
from hub_math.evaluation import exact, numeric, polynomial
from hub_math.limits import NotExact, Undefined
from hub_math.values import BINDERS, Call, Name, Number, Tree, names_of, size_of

Outcome = Literal["equal", "different", "unknown"]
How = Literal["exact", "numeric", "symbolic", ""]


@dataclass(frozen=True)
class Identity:
    """Whether two trees agree, and how that is known."""

    outcome: Outcome
    how: How = ""


UNKNOWN = Identity("unknown")


def identical(one: Tree, other: Tree, *, symbolic: bool = True) -> Identity:
    """Do two trees have the same value for all values of their variables (on the reals, where both are defined)?

    ``symbolic``: sympy may be asked at the end. ``log`` means base 10, and base e in doubt; ``sen 30`` may mean degrees: a difference
    that vanishes under the second meaning is unknown."""
    found = _identical(one, other, symbolic=symbolic, decimal_log=True)
    if found.outcome != "equal" and (_has(one, "log") or _has(other, "log")):
        second = _identical(one, other, symbolic=False, decimal_log=False)
        if second.outcome != found.outcome:
            return UNKNOWN
    if found.outcome == "different" and names_of(one) and _has(one, "deg") != _has(other, "deg"):
        second = _identical(_without_degrees(one), _without_degrees(other), symbolic=False, decimal_log=True)
        if second.outcome != "different":
            return UNKNOWN
    if found.outcome == "different" and (_has_bare_angle(one) or _has_bare_angle(other)):
        second = _identical(_degrees(one), _degrees(other), symbolic=False, decimal_log=True)
        if second.outcome != "different":
            return UNKNOWN
    return found


def _identical(one: Tree, other: Tree, *, symbolic: bool, decimal_log: bool) -> Identity:
    if one == other or canonical(one) == canonical(other):
        return Identity("equal", "exact")
    if size_of(one) + size_of(other) > 2 * limits.NODES:
        return UNKNOWN
    if _has_infinity(one) or _has_infinity(other):
        return _with_infinity(one, other)
    names = sorted(names_of(one) | names_of(other))
    try:
        if not names:
            return Identity("equal" if exact(one) == exact(other) else "different", "exact")
        if not _renamed(one, other):
            return Identity("equal" if polynomial(one) == polynomial(other) else "different", "exact")
    except Undefined:
        return UNKNOWN
    except NotExact:
        pass
    if _renamed(one, other):
        return UNKNOWN
    counted = _counted(one) | _counted(other)
    if counted:
        return _at_integers(one, other, names, counted)
    found = _by_fractions(one, other, names) if names else None
    if found is None:
        found = _at_points(one, other, names, decimal_log) if names else _constants(one, other, decimal_log)
    if (
        symbolic and found.outcome == "unknown" and (_has(one, "limit", 3) or _has(other, "limit", 3))
    ):  # sympy settles nothing else, at length
        from hub_math.symbolic import simplified  # sympy takes most of a second to import

        return simplified(one, other)
    return found


def _renamed(one: Tree, other: Tree) -> bool:
    """Each has a variable that the other lacks: perhaps the same expression in other letters."""
    first, second = names_of(one), names_of(other)
    return bool(first - second) and bool(second - first)


# --- structure -----------------------------------------------------------------------------------


def canonical(tree: Tree) -> Any:
    """A key that is equal for trees that differ only in the order of sums and products and in how a number is written."""
    if isinstance(tree, Number):
        return ("n", str(tree.value))
    if isinstance(tree, Name):
        return ("v", tree.name)
    if tree.operation == "/" and all(isinstance(argument, Number) for argument in tree.arguments):
        top, bottom = tree.arguments
        if isinstance(top, Number) and isinstance(bottom, Number) and bottom.value:
            return ("n", str(top.value / bottom.value))
    if tree.operation == "neg" and isinstance(tree.arguments[0], Number):
        return ("n", str(-tree.arguments[0].value))
    if tree.operation in ("+", "*"):
        return (tree.operation, tuple(sorted((canonical(part) for part in _flat(tree, tree.operation)), key=repr)))
    return (tree.operation, tuple(canonical(argument) for argument in tree.arguments))


def _flat(tree: Tree, operation: str) -> Iterator[Tree]:
    if isinstance(tree, Call) and tree.operation == operation:
        for argument in tree.arguments:
            yield from _flat(argument, operation)
    else:
        yield tree


def _nodes(tree: Tree) -> Iterator[Tree]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(node.arguments)


def _has(tree: Tree, function: str, arguments: int = 1) -> bool:
    return any(isinstance(node, Call) and node.operation == function and len(node.arguments) == arguments for node in _nodes(tree))


def _has_infinity(tree: Tree) -> bool:
    if isinstance(tree, Call):
        inner = tree.arguments[:1] if tree.operation in BINDERS else tree.arguments  # bounds may be infinite
        return any(_has_infinity(argument) for argument in inner)
    return tree == Name("oo")


def _with_infinity(one: Tree, other: Tree) -> Identity:
    signs = [_infinite_sign(tree) for tree in (one, other)]
    if 0 not in signs:
        return Identity("equal" if signs[0] == signs[1] else "different", "exact")
    finite = other if signs[0] else one
    if any(signs) and not _has_infinity(finite) and not names_of(finite):
        try:
            exact(finite)
        except (NotExact, Undefined):
            return UNKNOWN
        return Identity("different", "exact")
    return UNKNOWN


def _infinite_sign(tree: Tree) -> int:
    return 1 if tree == Name("oo") else -1 if tree == Call("neg", (Name("oo"),)) else 0


_TRIGONOMETRIC = ("sin", "cos", "tan", "cot", "sec", "csc")
_INVERSE = ("asin", "acos", "atan")


def _has_bare_angle(tree: Tree) -> bool:
    """A sine of a plain number (``sen 30``), or an inverse function, whose value may be meant in degrees."""
    return any(
        isinstance(node, Call)
        and (node.operation in _INVERSE or (node.operation in _TRIGONOMETRIC and isinstance(node.arguments[0], Number)))
        for node in _nodes(tree)
    )


def _degrees(tree: Tree) -> Tree:
    if not isinstance(tree, Call):
        return tree
    arguments = tuple(_degrees(argument) for argument in tree.arguments)
    if tree.operation in _TRIGONOMETRIC and isinstance(arguments[0], Number):
        return Call(tree.operation, (Call("deg", arguments),))
    if tree.operation in _INVERSE:
        return Call("/", (Call(tree.operation, arguments), Call("deg", (Number(Fraction(1)),))))
    return Call(tree.operation, arguments)


def _without_degrees(tree: Tree) -> Tree:
    if not isinstance(tree, Call):
        return tree
    arguments = tuple(_without_degrees(argument) for argument in tree.arguments)
    return arguments[0] if tree.operation == "deg" else Call(tree.operation, arguments)


# --- exact points --------------------------------------------------------------------------------


def _by_fractions(one: Tree, other: Tree, names: list[str]) -> Identity | None:
    """Rational functions at random fractions, exactly. None where the trees are no rational functions.

    Two rational functions of degree d that differ agree at a random integer below 10^9 with probability under d / 10^9."""
    if _piecewise(one, other):
        return None
    generator = random.Random(20_000 + len(names))
    agreed = 0
    for _ in range(12):
        point = {name: Fraction(generator.randrange(10**8, 10**9), generator.choice((1, 7, 11))) for name in names}
        try:
            if exact(one, point) != exact(other, point):
                return Identity("different", "exact")
        except Undefined:
            continue
        except NotExact:
            return None
        agreed += 1
        if agreed >= 3:
            return Identity("equal", "exact")
    return None


def _piecewise(one: Tree, other: Tree) -> bool:
    pieces = ("abs", "max", "min", "floor", "ceil", "sign", "sqrt", "root", "cbrt", "gcd", "lcm", "factorial", "binom", "sum", "product")
    return any(isinstance(node, Call) and node.operation in pieces for tree in (one, other) for node in _nodes(tree))


def _counted(tree: Tree) -> frozenset[str]:
    """Variables in the bounds of sums and products."""
    found: frozenset[str] = frozenset()
    for node in _nodes(tree):
        if isinstance(node, Call) and node.operation in ("sum", "product"):
            found |= names_of(node.arguments[2]) | names_of(node.arguments[3])
    return found


def _at_integers(one: Tree, other: Tree, names: list[str], counted: frozenset[str]) -> Identity:
    """A sum up to n and its closed form, exactly for n = 1 to 12, other variables at random fractions."""
    generator = random.Random(31)
    try:
        for number in range(1, 13):
            point = {name: Fraction(number) if name in counted else Fraction(generator.randrange(2, 10**6), 7) for name in names}
            if exact(one, point) != exact(other, point):
                return Identity("different", "exact")
    except (NotExact, Undefined):
        return UNKNOWN
    return Identity("equal", "exact")


# --- floating points -----------------------------------------------------------------------------

_local = threading.local()  # a context of mpmath holds its precision: one for each thread, made once because that takes milliseconds


def context(digits: int) -> Any:
    """This thread's floating point context with so many decimal digits."""
    found = getattr(_local, "context", None)
    if found is None:
        from mpmath import MPContext  # type: ignore[import-untyped]

        found = _local.context = MPContext()
    found.dps = digits
    return found


def value(tree: Tree, digits: int = 30, *, decimal_log: bool = True) -> Any | None:
    """A tree without variables as an ``mpmath`` number, None where it has none."""
    try:
        return numeric(tree, context(digits), decimal_log=decimal_log)
    except (Undefined, NotExact):
        return None


def _constants(one: Tree, other: Tree, decimal_log: bool) -> Identity:
    outcome = _difference(one, other, {}, decimal_log, 110, real=False)
    return Identity(outcome, "numeric") if outcome in ("equal", "different") else UNKNOWN  # type: ignore[arg-type]


def _at_points(one: Tree, other: Tree, names: list[str], decimal_log: bool) -> Identity:
    """Both at many points of the reals. Equal: they agree at eight at least and never disagree. Different: they disagree at positive
    points, and agree nowhere (a difference at some points only may lie outside of the domain that is meant)."""
    agreed = disagreed = 0
    positive_disagreed = 0
    for index, point in enumerate(_points(len(names))):
        outcome = _difference(one, other, dict(zip(names, point, strict=True)), decimal_log, 40, real=True)
        if outcome == "equal":
            agreed += 1
        elif outcome == "different":
            disagreed += 1
            positive_disagreed += min(point) > 0
        elif outcome == "unsure":
            return UNKNOWN
        if agreed and disagreed:
            return Identity("unknown", "numeric")
        if positive_disagreed >= 3 or (index >= 11 and agreed >= 8 and index % 4 == 3):
            break
    if agreed >= 8 and not disagreed:
        return Identity("equal", "numeric")
    if positive_disagreed >= 2 and not agreed:
        return Identity("different", "numeric")
    return UNKNOWN


@lru_cache(maxsize=32)
def _points(count: int) -> tuple[tuple[Fraction, ...], ...]:
    """Points in a fixed order: near 1, small, large, negative, integers."""
    generator = random.Random(7_001 + count)

    def pick(low: int, high: int, below: int) -> Fraction:
        return Fraction(generator.randrange(low, high), below)

    ranges = ((1, 4000, 997), (-4000, 4000, 991), (1, 997, 997), (1, 40_000, 983), (-40_000, 0, 977), (1, 1400, 1009))
    points = [tuple(pick(*ranges[index % len(ranges)]) for _ in range(count)) for index in range(30)]
    whole = [tuple(Fraction(generator.randrange(1, 12)) for _ in range(count)) for _ in range(12)]
    return tuple(points + whole)


def _difference(one: Tree, other: Tree, point: dict[str, Fraction], decimal_log: bool, digits: int, *, real: bool) -> str:
    """equal, different, skip (no value here), or unsure."""
    found = []
    for precision in (digits, 2 * digits):
        working = context(precision)
        values = {name: working.mpf(fraction.numerator) / fraction.denominator for name, fraction in point.items()}
        try:
            first = numeric(one, working, values, decimal_log=decimal_log)
            second = numeric(other, working, values, decimal_log=decimal_log)
        except Undefined:
            return "skip"
        except NotExact:
            return "unsure"
        scale = max(abs(first), abs(second))
        if real:
            for number in (first, second):
                if abs(working.im(number)) > working.mpf(10) ** (-digits // 2) * max(abs(number), working.mpf(10) ** -digits):
                    return "skip"
        gap = abs(first - second)
        if gap <= scale * working.mpf(10) ** (8 - precision):
            return "equal"
        found.append(gap)
    if found[1] < found[0] * working.mpf(10) ** (-digits // 2):
        return "equal"  # it shrinks with the precision: noise around zero
    if abs(found[1] - found[0]) < found[1] * working.mpf(10) ** -6:
        return "different"
    return "unsure"
