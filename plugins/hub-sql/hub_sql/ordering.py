"""What the ORDER BY and LIMIT at the end of a query leave open: rows that tie may come in any order, and a LIMIT may cut through them.

The query is rewritten by cutting its text at words of the outermost level: its sort keys become columns, and SQLite numbers the groups
of equal keys itself (DENSE_RANK), with its own collations and places for NULL. The rewriting is believed only where SQLite says that the
query's own rows fit it; a shape that is not understood gives None, and then the order is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hub_sql.database import Deadline, Guarded, Result, Row, Trouble
from hub_sql.tokens import Token, code, depths, normal


@dataclass(frozen=True)
class Ending:
    """How a query ends."""

    ordered: bool
    """Whether it has an ORDER BY of its own."""
    limited: bool
    """Whether it has a LIMIT of its own."""
    count: int | None = None
    """Rows that LIMIT lets through; None: all, or it is no plain number."""
    offset: int = 0
    rewritten: str = ""
    """The query without LIMIT, with two more columns: the group of equal keys, and whether a key is NULL. Empty: not understood."""


@dataclass(frozen=True)
class Ordered:
    """All rows in order, before LIMIT."""

    rows: tuple[Row, ...]
    groups: tuple[int, ...]
    """Rows with equal sort keys have equal numbers, which grow."""
    nulls: tuple[bool, ...]
    """Whether a sort key of the row is NULL."""
    first: int
    """So many rows are skipped by OFFSET."""
    count: int
    """So many rows come out."""

    @property
    def cuts_a_tie(self) -> bool:
        """Whether LIMIT or OFFSET takes some rows of a group of ties and leaves others that differ."""
        last = self.first + self.count
        for edge in (self.first, last):
            if 0 < edge < len(self.rows) and self.groups[edge - 1] == self.groups[edge]:
                group = [row for row, number in zip(self.rows, self.groups, strict=True) if number == self.groups[edge]]
                if len(set(group)) > 1:
                    return True
        return False

    @property
    def begins_with_null(self) -> bool:
        """Whether NULL comes first, before other keys."""
        return bool(self.nulls) and self.nulls[0] and not all(self.nulls)

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether these rows, in this order, are a way in which the query can come out."""
        if len(rows) != self.count:
            return False
        left: dict[int, Counter[Row]] = {}
        for row, number in zip(self.rows, self.groups, strict=True):
            left.setdefault(number, Counter())[row] += 1
        for row, number in zip(rows, self.groups[self.first :], strict=False):
            if left[number][row] <= 0:
                return False
            left[number][row] -= 1
        return True


def ending(query: str, columns: Sequence[str]) -> Ending:
    """Read the end of ``query``, whose result has these columns."""
    found = code(query)
    while found and found[-1].text == ";":
        found.pop()
    outer = [
        (token, place) for place, (token, depth) in enumerate(zip(found, depths(found), strict=True)) if depth == 0 and token.kind == "word"
    ]
    limit = next((place for token, place in reversed(outer) if token.upper == "LIMIT"), None)
    order = next(
        (place for token, place in reversed(outer) if token.upper == "ORDER" and place + 1 < len(found) and found[place + 1].upper == "BY"),
        None,
    )
    if order is None:
        return Ending(False, limit is not None)
    count, offset, plain = _limit(found[limit:] if limit is not None else [])
    result = Ending(True, limit is not None, count, offset)
    if not plain:
        return result
    terms = _split(found[order + 2 : limit])
    rewritten = _rewritten(query, found, outer, order, terms, columns)
    return Ending(True, limit is not None, count, offset, rewritten)


def ordered(query: Ending, actual: Result, database: Guarded, deadline: Deadline, *, max_rows: int) -> Ordered | None:
    """The groups of ties on one database, or None where they cannot be told."""
    if not query.rewritten:
        return None
    try:
        rows = database.run(query.rewritten, deadline, max_rows=max_rows).rows
    except Trouble:
        return None
    count = max(0, len(rows) - query.offset) if query.count is None else max(0, min(query.count, len(rows) - query.offset))
    found = Ordered(
        tuple(row[:-2] for row in rows), tuple(row[-2] for row in rows), tuple(bool(row[-1]) for row in rows), query.offset, count
    )
    return found if found.fits(actual.rows) else None


def _limit(found: Sequence[Token]) -> tuple[int | None, int, bool]:
    """Count, offset, and whether they are plain numbers."""
    words = [token.upper for token in found]
    if not words:
        return None, 0, True
    numbers = [int(word) if word.isdecimal() else None for word in words]
    if len(words) == 2 and numbers[1] is not None:
        return numbers[1], 0, True
    if len(words) == 4 and numbers[1] is not None and numbers[3] is not None:
        if words[2] == "OFFSET":
            return numbers[1], numbers[3], True
        if words[2] == ",":
            return numbers[3], numbers[1], True
    return None, 0, False


def _split(found: Sequence[Token]) -> list[list[Token]]:
    """The parts between commas of the outermost level."""
    parts: list[list[Token]] = [[]]
    for token, depth in zip(found, depths(found), strict=True):
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _rewritten(
    query: str, found: Sequence[Token], outer: Sequence[tuple[Token, int]], order: int, terms: list[list[Token]], columns: Sequence[str]
) -> str:
    """The query with its sort keys as columns and the groups numbered; empty where it is not understood."""
    selects = [place for token, place in outer if token.upper == "SELECT" and place < order]
    if not selects or not all(terms):
        return ""
    compound = len(selects) > 1 or any(token.upper in ("UNION", "EXCEPT", "INTERSECT") for token, _ in outer)
    select = selects[0]
    begin = select + 1
    distinct = begin < len(found) and found[begin].upper == "DISTINCT"
    if begin < len(found) and found[begin].upper in ("DISTINCT", "ALL"):
        begin += 1
    source = next((place for token, place in outer if token.upper == "FROM" and place > select), order)
    items = [_expression(item) for item in _split(found[begin:source])]
    if len(items) != len(columns):  # a star: names are known, expressions are not
        items = []
    outputs: list[str] = []
    hidden: list[str] = []
    for term in terms:
        expression, manner = _manner(term)
        position = _output(expression, columns, items)
        if position is not None:
            outputs.append(f"c{position}{manner}")
        elif compound or distinct or not expression:
            return ""
        else:
            outputs.append(f"k{len(hidden)}{manner}")
            hidden.append(_text(query, expression, columns, items))
    end = found[order - 1].end
    split = found[source - 1].end if source > 0 else end
    inner = (
        query[found[0].start : split] + "".join(f", ({text})" for text in hidden) + query[split:end]
        if hidden
        else query[found[0].start : end]
    )
    names = [f"c{number}" for number in range(len(columns))] + [f"k{number}" for number in range(len(hidden))]
    nulls = " OR ".join(f"{output.split()[0]} IS NULL" for output in outputs)
    kept = ", ".join(names[: len(columns)])
    keys = ", ".join(outputs)
    return (
        f"WITH hub_rows({', '.join(names)}) AS ({inner}\n)"
        f" SELECT {kept}, DENSE_RANK() OVER (ORDER BY {keys}) AS hub_group, ({nulls}) FROM hub_rows ORDER BY hub_group"
    )


def _expression(item: Sequence[Token]) -> list[Token]:
    """A part of the select list without its alias."""
    item = list(item)
    if len(item) >= 3 and item[-2].upper == "AS":
        return item[:-2]
    ends_before = len(item) >= 2 and (item[-2].is_name or item[-2].kind in ("number", "string") or item[-2].text == ")")
    if ends_before and item[-1].is_name and item[-1].upper != "END":
        return item[:-1]
    return item


def _manner(term: Sequence[Token]) -> tuple[list[Token], str]:
    """The expression of a sort term, and its direction, collation and place of NULL as text."""
    rest = list(term)
    manner = ""
    if len(rest) >= 3 and rest[-2].upper == "NULLS" and rest[-1].upper in ("FIRST", "LAST"):
        manner = f" NULLS {rest[-1].upper}"
        rest = rest[:-2]
    if len(rest) >= 2 and rest[-1].upper in ("ASC", "DESC"):
        manner = f" {rest[-1].upper}{manner}"
        rest = rest[:-1]
    if len(rest) >= 3 and rest[-2].upper == "COLLATE":
        manner = f" COLLATE {rest[-1].text}{manner}"
        rest = rest[:-2]
    return rest, manner


def _output(expression: Sequence[Token], columns: Sequence[str], items: Sequence[Sequence[Token]]) -> int | None:
    """Which column of the result a sort term means: by number, by name, or by the same words."""
    if len(expression) == 1:
        token = expression[0]
        if token.kind == "number" and token.text.isdecimal() and 1 <= int(token.text) <= len(columns):
            return int(token.text) - 1
        if token.is_name:
            for position, column in enumerate(columns):
                if column.lower() == token.name.lower():
                    return position
    words = _words(expression)
    return next((position for position, item in enumerate(items) if _words(item) == words), None)


def _words(found: Sequence[Token]) -> tuple[str, ...]:
    return normal(" ".join(token.text for token in found))


def _text(query: str, expression: Sequence[Token], columns: Sequence[str], items: Sequence[Sequence[Token]]) -> str:
    """The expression as it stands in the query, with the names of other results replaced by what they stand for."""
    pieces: list[str] = []
    for place, token in enumerate(expression):
        following = expression[place + 1].text if place + 1 < len(expression) else ""
        before = expression[place - 1].text if place else ""
        position = _output([token], columns, []) if token.is_name and following not in ("(", ".") and before != "." else None
        if position is not None and items and _words(items[position]) != _words([token]):
            item = items[position]
            pieces.append(f"({query[item[0].start : item[-1].end]})")
        else:
            pieces.append(token.text)
    return " ".join(pieces)
