"""Tables of functions as text: for each a row of wishes, a row of fields and the bodies that it may have.

    sumar|las cifras de {P}; devolver|la suma de los dígitos de {P}
    n | suma_cifras sumar_digitos | int 10..9999 | P % 10 es la última cifra
        A = 0
        while P > 0: A += P % 10; P //= 10
        return A

Bodies hold placeholders: F the function, P and Q its parameters, V an element, A a total, B a collection, I a position; a row `or` stands
between two bodies. Knows how these rows are read. Deliberately knows nothing of what the functions are, nor of sheets.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

ON_ONE_ROW = re.compile(r"( *)((?:if|elif|else|for|while)\b.*?:) (\S.*)")


class Entry(NamedTuple):
    """A function of a table."""

    wishes: tuple[str, ...]
    """'infinitive|rest'"""
    fields: tuple[str, ...]
    bodies: tuple[str, ...]
    """indented as within `def`; the first is the plain one"""


def entries(table: str) -> Iterator[Entry]:
    """The functions of a table, which blank lines separate."""
    for block in table.strip("\n").split("\n\n"):
        wishes, fields, bodies = block.split("\n", 2)
        yield Entry(tuple(wishes.split("; ")), tuple(fields.split(" | ")), tuple(map(spread, bodies.split("\nor\n"))))


def rows(table: str) -> list[list[str]]:
    """The fields of each line of a table."""
    return [line.split(" | ") for line in table.strip("\n").split("\n")]


def spread(body: str) -> str:
    """A body with each statement on a line of its own: `if C: A; B` takes three."""
    lines = []
    for line in body.split("\n"):
        if found := ON_ONE_ROW.fullmatch(line):
            indent, head, statements = found.groups()
            lines += [indent + head, *(f"{indent}    {statement}" for statement in statements.split("; "))]
        else:
            lines.append(line)
    return "\n".join(lines)
