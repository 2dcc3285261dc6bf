"""What one database says about a candidate: its rows there, forwards and turned round, against those of an accepted query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hub_sql.comparing import (
    Difference,
    Order,
    alike,
    column_orders,
    columns_differ,
    only_rounded,
    only_types,
    order_by_name,
    order_differs,
    permuted,
    rows_differ,
    same_bag,
)
from hub_sql.database import Result, Row
from hub_sql.ordering import Ordered


@dataclass(frozen=True)
class Expectation:
    """What an accepted query says on one database."""

    result: Result
    turned: Result
    """The same on the database turned round."""
    order: Ordered | None
    """Its order and ties, where it has an ORDER BY that is understood."""
    ordered: bool
    """Whether it has an ORDER BY of its own."""

    @property
    def stable(self) -> bool:
        """Whether the rows are the same both ways."""
        return same_bag(*alike(self.result.rows, self.turned.rows))


@dataclass(frozen=True)
class Told:
    """What the database says."""

    state: Literal["same", "doubt", "different", "silent"]
    code: str = ""
    """Why it is a doubt."""
    difference: Difference | None = None
    orders: tuple[Order, ...] = ()
    """Orders of the columns under which the rows are the same."""


def compare(expectation: Expectation, forward: Result, turned: Result, orders: Sequence[Order] | None, *, limited: bool = False) -> Told:
    """Compare the candidate's rows. ``orders``: orders of the columns that have held so far, None at the first database.
    ``limited``: the candidate has a LIMIT somewhere, which may cut through a tie.

    ``silent``: the accepted query leaves its rows open here. ``doubt``: they differ in a way that need not be a fault."""
    expected = expectation.result
    if len(forward.columns) != len(expected.columns):
        return Told("different", difference=columns_differ(expected, forward))
    if not expectation.stable and expectation.order is None:
        return Told("silent")
    if orders is None:
        orders = _first_orders(expected, forward)
    held: list[Order] = []
    half = False
    for order in orders:
        agrees = [_agrees(expectation, permuted(result.rows, order)) for result in (forward, turned)]
        if all(agrees):
            held.append(order)
        half |= any(agrees)
    if held:
        if (
            expectation.ordered
            and expectation.order is None
            and not any(_is_in_order(expected, permuted(forward.rows, order)) for order in held)
        ):
            return Told("doubt", "unknown_order")
        return Told("same", orders=tuple(held))
    if half:
        return Told("doubt", "unstable_rows")
    if expectation.order is not None and any(_includes_ties(expectation.order, permuted(forward.rows, order)) for order in orders):
        return Told("doubt", "ties_included")
    if limited and any(_may_come_out(expectation, permuted(forward.rows, order), permuted(turned.rows, order)) for order in orders):
        return Told("doubt", "unstable_rows")
    return _apart(expectation, [permuted(forward.rows, order) for order in orders])


def results_agree(one: Result, other: Result) -> bool:
    """Whether two results hold the same rows, columns in any order."""
    if len(one.columns) != len(other.columns):
        return False
    return any(same_bag(*alike(one.rows, permuted(other.rows, order))) for order in column_orders(one, other))


def _first_orders(expected: Result, forward: Result) -> list[Order]:
    orders = column_orders(expected, forward)
    by_name = order_by_name(expected.columns, forward.columns)
    return orders if by_name is None or by_name in orders else [*orders, by_name]


def _agrees(expectation: Expectation, rows: Sequence[Row]) -> bool:
    """Whether rows are a way in which the accepted query can come out."""
    if expectation.order is not None:
        reference, candidate = alike(expectation.order.rows, rows)
        return replace(expectation.order, rows=reference).fits(candidate)
    return same_bag(*alike(expectation.result.rows, rows))


def _may_come_out(expectation: Expectation, forward: Sequence[Row], turned: Sequence[Row]) -> bool:
    """Whether the candidate cuts through a tie and might as well have given the expected rows: what it always gives is among them."""
    whole = expectation.order.rows if expectation.order is not None else expectation.result.rows
    expected, one, other = alike(whole, forward, turned)
    if same_bag(one, other) or len(one) != len(other) or len(one) != len(expectation.result.rows):
        return False
    return not (Counter(one) & Counter(other)) - Counter(expected)


def _includes_ties(order: Ordered, rows: Sequence[Row]) -> bool:
    """Whether the accepted query cuts through a tie and the rows are those it gives with the whole tie."""
    if not order.cuts_a_tie or order.first:
        return False
    last = order.groups[order.count - 1]
    whole = [row for row, group in zip(order.rows, order.groups, strict=True) if group <= last]
    return same_bag(*alike(whole, rows))


def _is_in_order(expected: Result, rows: Sequence[Row]) -> bool:
    reference, candidate = alike(expected.rows, rows)
    return reference == candidate


def _apart(expectation: Expectation, choices: Sequence[Sequence[Row]]) -> Told:
    """The rows do not agree under any order of the columns: say how."""
    expected = expectation.result.rows
    for rows in choices:
        if same_bag(*alike(expected, rows)):
            if expectation.order is not None and _only_nulls_moved(expectation.order, rows):
                return Told("doubt", "nulls_order")
            return Told("different", difference=order_differs(expected, rows))
    if any(only_rounded(expected, rows) for rows in choices):
        return Told("doubt", "rounding")
    if any(only_types(expected, rows) for rows in choices):
        return Told("doubt", "types")
    return Told("different", difference=rows_differ(expected, choices[0]))


def _only_nulls_moved(order: Ordered, rows: Sequence[Row]) -> bool:
    """Whether the order is right but for rows whose sort key is NULL."""
    if not any(order.nulls) or order.first or order.count < len(order.rows):
        return False
    reference, candidate = alike(order.rows, rows)
    keyed = [number for number, null in enumerate(order.nulls) if not null]
    keyless = [number for number, null in enumerate(order.nulls) if null]

    def arranged(places: Sequence[int]) -> Ordered:
        groups = tuple(order.groups[number] for number in places)
        return Ordered(tuple(reference[number] for number in places), groups, (False,) * len(places), 0, len(places))

    if arranged(keyed + keyless).fits(candidate) or arranged(keyless + keyed).fits(candidate):
        return True
    without_key = {reference[number] for number in keyless}
    return arranged(keyed).fits([row for row in candidate if row not in without_key])
