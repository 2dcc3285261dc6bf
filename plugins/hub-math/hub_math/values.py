"""What was read from a text, as frozen data: trees of numbers, names and operations, and answers of a kind.

Data only: no reading, no arithmetic. A tree is one of Number, Name, Call; all three are hashable and compare by content.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal[
    "number", "expression", "equation", "inequality", "set", "system", "interval", "tuple", "matrix", "word", "antiderivative", "symbolic"
]


# --- trees ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number that is written out in digits."""

    value: Fraction
    decimals: int | None = None
    """Digits after the decimal mark, less the power of ten beside them (``2,5·10^3``: -2). None: written without decimals, exact."""
    digits: int = 0
    """Significant digits of a number with decimals."""


@dataclass(frozen=True)
class Name:
    """A variable (``x``, ``x_1``, ``F_(n-1)``) or one of the constants ``pi``, ``e``, ``i``, ``oo``."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operation (``+ * / ^ neg``), a function by its English name (``sin``), or a composite (``tuple set union``)."""

    operation: str
    arguments: tuple[Tree, ...]


Tree = Number | Name | Call
CONSTANTS = frozenset(("pi", "e", "i", "oo"))


def names_of(tree: Tree) -> frozenset[str]:
    """The variables of a tree; constants and bound variables are none."""
    found: set[str] = set()
    stack: list[tuple[Tree, frozenset[str]]] = [(tree, CONSTANTS)]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, Name):
            if node.name not in bound:
                found.add(node.name)
        elif isinstance(node, Call):
            if node.operation in BINDERS and len(node.arguments) > 2 and isinstance(node.arguments[1], Name):
                inner = bound | {node.arguments[1].name}
                stack.append((node.arguments[0], inner))
                stack.extend((argument, bound) for argument in node.arguments[2:])
            else:
                stack.extend((argument, bound) for argument in node.arguments)
    return frozenset(found)


BINDERS = frozenset(("sum", "product", "integral", "limit"))
"""Operations whose second argument is a variable that is bound in the first; an integral without bounds binds nothing."""


def size_of(tree: Tree) -> int:
    """Number of nodes."""
    count, stack = 0, [tree]
    while stack:
        node = stack.pop()
        count += 1
        if isinstance(node, Call):
            stack.extend(node.arguments)
    return count


def depth_of(tree: Tree) -> int:
    """Nodes on the longest way from the root to a leaf."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(node, Call):
            stack.extend((argument, depth + 1) for argument in node.arguments)
    return deepest


# --- answers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """A unit of measurement, a currency, or a counted noun."""

    text: str
    """As written."""
    dimensions: tuple[tuple[str, int], ...]
    """Base quantities with their exponents, sorted: ``(("length", 1), ("time", -1))``. A currency is ``("currency", 1)``."""
    scale: Fraction = Fraction(1)
    """One of it in base units."""
    turns_pi: int = 0
    """Power of π that belongs to the scale as well: a degree is π/180."""
    noun: str = ""
    """Singular of the counted noun or the currency's name; empty for units of measurement."""


@dataclass(frozen=True)
class Value:
    """One answer. Which fields are filled depends on ``kind``."""

    kind: Kind
    text: str = ""
    """What it was read from."""
    tree: Tree | None = None
    """number (no variables), expression, antiderivative (without its constant): the tree; symbolic: a tree only sympy can work out."""
    unit: Unit | None = None
    percent: bool = False
    """The number stands before a percent sign: ``tree`` holds 10 for ``10 %``."""
    label: str = ""
    """What the answer is said to be: ``x`` of ``x = 2``, ``f(x)``, ``área``. Empty: nothing is said."""
    approximate: bool = False
    """Written with ≈, or "aproximadamente"."""
    members: tuple[Value, ...] = ()
    """set, system, tuple: the members in their order."""
    ordered: bool = False
    """set: a bare list (``1, 2, 3``), of which the order may have a meaning."""
    relation: tuple[Tree, ...] = ()
    """equation, inequality: its sides."""
    symbols: tuple[str, ...] = ()
    """equation, inequality: what stands between the sides, out of ``= != < <= > >= ~``."""
    pieces: tuple[Piece, ...] = ()
    """interval: the pieces of the union; none for the empty set."""
    rows: tuple[tuple[Tree, ...], ...] = ()
    """matrix."""
    word: str = ""
    """word: canonical (``no existe``, ``verdadero``), or the text in lower case."""
    constant: str = ""
    """antiderivative: the name of the constant of integration."""
    chain: tuple[Tree, ...] = ()
    """The whole chain of a stated equality (``x = 1 + 1 = 2``); the answer is its last exact member."""


@dataclass(frozen=True)
class Piece:
    """One interval of a union."""

    low: Tree
    high: Tree
    low_closed: bool
    high_closed: bool
