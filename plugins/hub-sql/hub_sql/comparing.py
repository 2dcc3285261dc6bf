"""Whether two results say the same: rows as a bag, columns in any order, numbers within a tolerance; and how a difference is told.

1 equals 1.0, NULL is not '', and the text '5' is not the number 5. Knows nothing of queries and databases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from hub_sql.database import Result, Row

TOLERANCE = 1e-9
"""Relative difference below which two numbers with a fraction are equal."""
MOST_ORDERS = 24
"""So many orders of the columns are followed at once."""
SHOWN = 40
"""Characters of a value in a reason."""

Order = tuple[int, ...]
"""Which column of the candidate stands for each column of the reference."""


# --- equal or not --------------------------------------------------------------------------------


def alike(*results: Sequence[Row]) -> list[tuple[Row, ...]]:
    """The same rows, with numbers that are equal within the tolerance written alike in all results."""
    floats = sorted({value for rows in results for row in rows for value in row if isinstance(value, float)})
    if not floats:
        return [tuple(rows) for rows in results]
    same: dict[float, Any] = {}
    previous: float | None = None
    for value in floats:
        if abs(value) < 1e15 and abs(value - round(value)) <= TOLERANCE * max(1.0, min(abs(value), 1e3)):
            same[value] = round(value)
        elif previous is not None and abs(value - previous) <= TOLERANCE * max(abs(value), abs(previous)):
            same[value] = same[previous]
        else:
            same[value] = value
        previous = value
    return [tuple(tuple(same[value] if isinstance(value, float) else value for value in row) for row in rows) for rows in results]


def permuted(rows: Sequence[Row], order: Order) -> tuple[Row, ...]:
    """The rows with their columns in another order."""
    if order == tuple(range(len(order))):
        return tuple(rows)
    return tuple(tuple(row[position] for position in order) for row in rows)


def same_bag(first: Sequence[Row], second: Sequence[Row]) -> bool:
    """Whether both hold the same rows equally often."""
    return len(first) == len(second) and Counter(first) == Counter(second)


def column_orders(expected: Result, got: Result) -> list[Order]:
    """Orders of the columns under which the rows are the same bag: the given one first, then by equal names, then any."""
    width = len(expected.columns)
    reference, candidate = alike(expected.rows, got.rows)
    found: list[Order] = []
    for order in islice(_plausible_orders(expected, got, reference, candidate), 200):
        if order not in found and same_bag(reference, permuted(candidate, order)):
            found.append(order)
            if len(found) == MOST_ORDERS:
                break
    return found or ([tuple(range(width))] if width == len(got.columns) else [])


def _plausible_orders(expected: Result, got: Result, reference: Sequence[Row], candidate: Sequence[Row]) -> Iterator[Order]:
    width = len(expected.columns)
    yield tuple(range(width))
    by_name = order_by_name(expected.columns, got.columns)
    if by_name is not None:
        yield by_name
    if width > 30:
        return
    theirs = [frozenset(Counter(row[position] for row in candidate).items()) for position in range(width)]
    ours = [frozenset(Counter(row[position] for row in reference).items()) for position in range(width)]
    choices = [[position for position in range(width) if theirs[position] == bag] for bag in ours]

    def complete(start: tuple[int, ...]) -> Iterator[Order]:
        if len(start) == width:
            yield start
            return
        for position in choices[len(start)]:
            if position not in start:
                yield from complete((*start, position))

    yield from complete(())


def order_by_name(expected: Sequence[str], got: Sequence[str]) -> Order | None:
    """The order that puts columns of the same name together, where both have the same names, each once."""
    names = [name.lower() for name in got]
    wanted = [name.lower() for name in expected]
    if len(set(names)) < len(names) or sorted(names) != sorted(wanted):
        return None
    return tuple(names.index(name) for name in wanted)


# --- nearly equal --------------------------------------------------------------------------------


def only_rounded(first: Sequence[Row], second: Sequence[Row]) -> bool:
    """Whether the results differ only because one of them rounds its numbers, to one digit after the point or more."""
    return _matched(first, second, lambda left, right: _rounds(left, right) or _rounds(right, left))


def only_types(first: Sequence[Row], second: Sequence[Row]) -> bool:
    """Whether the results differ only because a number is a text in one of them."""
    return _matched(
        first, second, lambda left, right: left != right and _as_number(left) is not None and _as_number(left) == _as_number(right)
    )


def only_nothing(first: Sequence[Row], second: Sequence[Row]) -> bool:
    """Whether both speak of nothing in different words: no row, or one row of NULL and 0."""
    return all(not rows or (len(rows) == 1 and not any(rows[0])) for rows in (first, second))


def _matched(first: Sequence[Row], second: Sequence[Row], forgiven: Callable[[Any, Any], bool]) -> bool:
    """Whether the rows are equal in pairs but for forgiven values; pairs are found by sorting."""
    if len(first) != len(second) or first == second:
        return False
    left, right = _sorted(first), _sorted(second)
    return all(a == b or forgiven(a, b) for row, other in zip(left, right, strict=True) for a, b in zip(row, other, strict=True))


def _sorted(rows: Sequence[Row]) -> list[Row]:
    """By all that is no number, then by the numbers: rounding keeps their order."""

    def key(row: Row) -> tuple[list[str], list[float]]:
        numbers = [_as_number(value) for value in row]
        others = ["" if value is None else f" {value}" for value, number in zip(row, numbers, strict=True) if number is None]
        return others, [number for number in numbers if number is not None]

    return sorted(rows, key=key)


def _as_number(value: Any) -> float | None:
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 1e300 else None
    if isinstance(value, str) and len(value) < 30:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _rounds(rounded: Any, value: Any) -> bool:
    """Whether ``rounded`` is ``value`` with one to six digits after the point; a whole number only if all six digits agree on it."""
    if not isinstance(value, float) or not isinstance(rounded, (int, float)):
        return False
    for digits in range(1, 7):
        if abs(rounded * 10**digits - round(rounded * 10**digits)) < 1e-6:  # it has at most so many digits
            return bool(abs(rounded - value) <= 0.5000001 * 10.0**-digits)
    return False


# --- telling a difference ------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """How two results differ."""

    kind: Literal["columns", "rows", "duplicates", "order"]
    text: str
    """Half a sentence: ``devuelve 3 filas y se esperaban 2: sobra ('Lima', 4)``."""


def columns_differ(expected: Result, got: Result) -> Difference:
    """The numbers of columns are not the same."""
    said = f"devuelve {_count(len(got.columns), 'columna')} ({_names(got.columns)})"
    wanted = f"se {_waited(len(expected.columns))} {len(expected.columns)} ({_names(expected.columns)})"
    return Difference("columns", f"{said} y {wanted}")


def rows_differ(expected: Sequence[Row], got: Sequence[Row]) -> Difference:
    """The bags of rows are not the same; glimpses of at most two rows."""
    expected, got = alike(expected, got)
    missing, extra = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    if set(expected) == set(got):
        row = next(iter(extra or missing))
        often, wanted = Counter(got)[row], Counter(expected)[row]
        return Difference("duplicates", f"muestra {shown(row)} {_times(often)} y se esperaba {_times(wanted)}")
    if len(expected) == len(got):
        if len(got) == 1:
            return Difference("rows", f"devuelve {shown(got[0])} y se esperaba {shown(expected[0])}")
        start = f"devuelve {_count(len(got), 'fila')}, como se esperaba, pero"
    else:
        hoped = f"se {_waited(len(expected))} {len(expected)}" if expected else "no se esperaba ninguna"
        start = f"{_given(len(got))} y {hoped}:"
    parts = []
    if missing:
        parts.append(f"falta {shown(next(iter(missing)))}")
    if extra:
        parts.append(f"sobra {shown(next(iter(extra)))}")
    return Difference("rows", f"{start} {' y '.join(parts)}")


def order_differs(expected: Sequence[Row], got: Sequence[Row]) -> Difference:
    """The same rows, one after the other in a way that is not asked for."""
    expected, got = alike(expected, got)
    place = next((number for number, (left, right) in enumerate(zip(expected, got, strict=False)) if left != right), 0)
    found = f"en el lugar {place + 1} pone {shown(got[place])} y va {shown(expected[place])}" if got and expected else ""
    return Difference("order", f"devuelve las filas esperadas en otro orden: {found}")


def shown(row: Row) -> str:
    """A row as a learner would write it, long values cut."""
    parts = [value_shown(value) for value in row[:6]]
    return "(" + ", ".join(parts) + (", ..." if len(row) > 6 else "") + ")"


def value_shown(value: Any) -> str:
    """One value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 or abs(value) >= 1e15 else f"{value:.2f}"
    if isinstance(value, bytes):
        return f"x'{value[:8].hex()}'" + ("..." if len(value) > 8 else "")
    if isinstance(value, int):
        return str(value)
    text = " ".join(str(value)[: SHOWN + 1].split(" ")).replace("\n", " ")
    return "'" + (text if len(text) <= SHOWN else text[: SHOWN - 3] + "...") + "'"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(column[:SHOWN] for column in columns[:6]) + (", ..." if len(columns) > 6 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _given(number: int) -> str:
    return f"devuelve {_count(number, 'fila')}" if number else "no devuelve ninguna fila"


def _waited(number: int) -> str:
    return "esperaba" if number == 1 else "esperaban"


def _times(number: int) -> str:
    return "1 vez" if number == 1 else f"{number} veces"
