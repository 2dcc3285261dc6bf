"""Sets of real numbers: intervals, unions, solutions of simple inequalities, normalised so that equal sets have equal pieces.

Bounds are numbers without variables; a set with other bounds is no region.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hub_math.evaluation import exact, polynomial
from hub_math.identity import context, value
from hub_math.limits import NotExact, Undefined
from hub_math.values import Call, Name, Number, Tree, Value, names_of


@dataclass(frozen=True)
class Bound:
    """A number on the extended real line."""

    infinite: int
    """-1, 0 or 1."""
    number: Any = Fraction(0)
    """A Fraction where it is rational, else an ``mpmath`` number of 40 digits."""

    def against(self, other: Bound) -> int:
        """-1, 0 or 1: less, equal, greater."""
        if self.infinite or other.infinite:
            return (self.infinite > other.infinite) - (self.infinite < other.infinite)
        if isinstance(self.number, Fraction) and isinstance(other.number, Fraction):
            return (self.number > other.number) - (self.number < other.number)
        working = context(40)
        one, two = (
            working.mpf(part.numerator) / part.denominator if isinstance(part, Fraction) else part for part in (self.number, other.number)
        )
        gap = one - two
        if abs(gap) <= max(abs(one), abs(two)) * working.mpf(10) ** -30:
            return 0
        return 1 if gap > 0 else -1


@dataclass(frozen=True)
class Span:
    """One connected piece; a single point has both ends closed."""

    low: Bound
    high: Bound
    low_closed: bool
    high_closed: bool


Region = tuple[Span, ...]
LOW, HIGH = Bound(-1), Bound(1)
EVERYTHING: Region = (Span(LOW, HIGH, False, False),)


class NoRegion(Exception):
    """The value is no set of real numbers with known bounds."""


def region_of(answer: Value) -> Region:
    """The set that an interval or inequality describes, normalised. Raises NoRegion."""
    if answer.kind == "interval":
        if answer.tree is None:
            raise NoRegion
        return _of_tree(answer.tree)
    if answer.kind == "set":
        return normal(Span(bound, bound, True, True) for bound in (_bound(member.tree) for member in answer.members))
    if answer.kind != "inequality":
        raise NoRegion
    if answer.members:
        if len({variable_of(member) for member in answer.members}) > 1:
            raise NoRegion
        regions = [region_of(member) for member in answer.members]
        return _combined(regions, answer.word)
    return _of_chain(answer)


def variable_of(answer: Value) -> str:
    """The variable an inequality is about, or the label; empty where there is none or more than one."""
    if answer.label:
        return answer.label
    names = {name for side in answer.relation for name in names_of(side)} | {variable_of(member) for member in answer.members}
    return names.pop() if len(names) == 1 else ""


# --- from trees ----------------------------------------------------------------------------------


def _of_tree(tree: Tree) -> Region:
    if not isinstance(tree, Call):
        raise NoRegion
    operation = tree.operation
    if operation in ("()", "[]", "(]", "[)"):
        low, high = _bound(tree.arguments[0]), _bound(tree.arguments[1])
        if low.against(high) > 0:
            raise NoRegion
        return normal([Span(low, high, operation[0] == "[" and not low.infinite, operation[1] == "]" and not high.infinite)])
    if operation == "reals":
        return EVERYTHING
    if operation == "empty":
        return ()
    if operation == "set":
        return normal(Span(bound, bound, True, True) for bound in map(_bound, tree.arguments))
    if operation == "tuple" and len(tree.arguments) == 2:
        return _of_tree(Call("()", tree.arguments))
    if operation == "list" and len(tree.arguments) == 2:
        return _of_tree(Call("[]", tree.arguments))
    if operation == "union":
        return normal(span for argument in tree.arguments for span in _of_tree(argument))
    if operation == "cut":
        return _cut(_of_tree(tree.arguments[0]), _of_tree(tree.arguments[1]))
    if operation == "minus":
        return _cut(_of_tree(tree.arguments[0]), complement(_of_tree(tree.arguments[1])))
    raise NoRegion


def _bound(tree: Tree | None) -> Bound:
    if tree is None:
        raise NoRegion
    if tree == Name("oo"):
        return HIGH
    if tree == Call("neg", (Name("oo"),)):
        return LOW
    try:
        return Bound(0, exact(tree))
    except NotExact:
        pass
    except Undefined:
        raise NoRegion from None
    found = value(tree, 40)
    if found is None or found.imag != 0:
        raise NoRegion
    return Bound(0, found.real)


# --- from inequalities ---------------------------------------------------------------------------

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}


def _of_chain(answer: Value) -> Region:
    names = {name for side in answer.relation for name in names_of(side)}
    if len(names) != 1:
        raise NoRegion
    name = names.pop()
    region = EVERYTHING
    for left, symbol, right in zip(answer.relation, answer.symbols, answer.relation[1:], strict=False):
        region = _cut(region, _of_relation(left, symbol, right, name))
    return region


def _of_relation(left: Tree, symbol: str, right: Tree, name: str) -> Region:
    if symbol not in _TURNED:
        raise NoRegion
    if left == Name(name) and not names_of(right):
        return _half_line(symbol, _bound(right))
    if right == Name(name) and not names_of(left):
        return _half_line(_TURNED[symbol], _bound(left))
    if not names_of(left) and not names_of(right):
        raise NoRegion
    try:
        expanded = polynomial(Call("+", (left, Call("neg", (right,)))))
    except (NotExact, Undefined):
        raise NoRegion from None
    slope = expanded.get(((name, 1),), Fraction(0))
    if not slope or set(expanded) - {(), ((name, 1),)}:
        raise NoRegion
    return _half_line(symbol if slope > 0 else _TURNED[symbol], Bound(0, -expanded.get((), Fraction(0)) / slope))


def _half_line(symbol: str, bound: Bound) -> Region:
    if symbol == "=":
        return (Span(bound, bound, True, True),)
    if symbol == "!=":
        return complement((Span(bound, bound, True, True),))
    closed = "=" in symbol and not bound.infinite
    return normal([Span(LOW, bound, False, closed) if "<" in symbol else Span(bound, HIGH, closed, False)])


# --- algebra of sets -----------------------------------------------------------------------------


def normal(spans: Iterable[Span]) -> Region:
    """Sorted pieces that neither overlap nor touch; empty ones are gone."""
    left = [
        span
        for span in spans
        if span.low.against(span.high) < 0 or (span.low.against(span.high) == 0 and span.low_closed and span.high_closed)
    ]
    out: list[Span] = []
    while left:
        first = left[0]
        for span in left[1:]:
            order = span.low.against(first.low)
            if order < 0 or (order == 0 and span.low_closed and not first.low_closed):
                first = span
        left.remove(first)
        if out:
            last = out[-1]
            order = first.low.against(last.high)
            if order < 0 or (order == 0 and (first.low_closed or last.high_closed)):
                further = first.high.against(last.high)
                high = first.high if further > 0 else last.high
                closed = first.high_closed if further > 0 else last.high_closed if further < 0 else first.high_closed or last.high_closed
                out[-1] = Span(last.low, high, last.low_closed, closed)
                continue
        out.append(first)
    return tuple(out)


def complement(region: Region) -> Region:
    """All other real numbers."""
    out: list[Span] = []
    low, closed = LOW, False
    for span in region:
        out.append(Span(low, span.low, closed, not span.low_closed and not span.low.infinite))
        low, closed = span.high, not span.high_closed and not span.high.infinite
    out.append(Span(low, HIGH, closed, False))
    return normal(out)


def _cut(one: Region, other: Region) -> Region:
    return complement(normal([*complement(one), *complement(other)]))


def _combined(regions: list[Region], joined: str) -> Region:
    """``y``: all hold. ``o``: one holds. A comma, or a ``y`` whose conditions exclude one another, leaves open which is meant."""
    union = normal(span for region in regions for span in region)
    meeting = regions[0]
    for region in regions[1:]:
        meeting = _cut(meeting, region)
    if joined == "o":
        return union
    if joined == "y" and meeting:
        return meeting
    if not meeting:
        if joined == "y":
            raise NoRegion
        return union
    if union == EVERYTHING or joined == "y":
        return meeting
    raise NoRegion


def same_region(one: Region, other: Region) -> bool:
    """Equal sets."""
    return len(one) == len(other) and all(
        a.low.against(b.low) == 0 and a.high.against(b.high) == 0 and a.low_closed == b.low_closed and a.high_closed == b.high_closed
        for a, b in zip(one, other, strict=True)
    )


def point(number: Number) -> Region:
    """A single number."""
    bound = Bound(0, number.value)
    return (Span(bound, bound, True, True),)
