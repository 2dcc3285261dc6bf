"""Arguments for a function, made after examples or annotations: what kind of values they are, within which bounds.

An input that keeps to all that the examples have in common is *usual*; one that goes beyond (empty, zero, negative) is an *edge*:
a function may be right and still refuse it. Seeded, so that the same examples give the same inputs. Knows nothing of what runs.
"""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

LETTERS = "abcdefghij"
FEW = 5
"""From so many examples on, what all of them have in common is no accident."""


@dataclass(frozen=True)
class Shape:
    """What the values of one place have in common."""

    kind: str
    """``int``, ``float``, ``bool``, ``str``, ``none``, ``list``, ``tuple``, ``set``, ``frozenset``, ``dict``, ``row`` (a tuple or list
    of fixed places), ``pick`` (one of some mixed values)."""
    low: float = 0
    """Smallest number, or smallest size."""
    high: float = 0
    even: bool = False
    letters: str = ""
    items: tuple[Shape, ...] = ()
    """Shape of the items; of each place for ``row``; of keys and values for ``dict``."""
    ascending: bool = False
    distinct: bool = False
    seen: int = 0
    """So many examples had two items or more."""
    even_rows: bool = False
    """The items are rows that are all of one length."""
    square: bool = False
    """... and as many as they are long."""
    choices: tuple[Any, ...] = ()
    """For ``pick``: mixed values, taken as they are."""
    made: str = "list"
    """Type of a ``row``."""


@dataclass(frozen=True)
class Link:
    """What a number has to do with another argument."""

    number: int
    """Position of the number."""
    other: int
    """Position of the list or string."""
    how: str
    """``length``, ``index``, ``count`` (1 to length) or ``member``; ``same_length``, ``part`` between two lists or strings."""


@dataclass(frozen=True)
class Input:
    """Arguments of one call."""

    arguments: tuple[Any, ...]
    usual: bool = True


@dataclass(frozen=True)
class Domain:
    """What a function is called with."""

    shapes: tuple[Shape, ...] = ()
    links: tuple[Link, ...] = ()
    examples: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)


# --- learning ------------------------------------------------------------------------------------


def domain_of(examples: Sequence[Sequence[Any]]) -> Domain | None:
    """What these calls have in common; None for none, or where they differ in the number of arguments."""
    rows = [tuple(example) for example in examples][:200]
    if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
        return None
    shapes = tuple(_shape([row[place] for row in rows]) for place in range(len(rows[0])))
    return Domain(shapes, tuple(_links(rows, shapes)), tuple(rows))


def domain_of_annotations(annotations: Sequence[str]) -> Domain | None:
    """The same from ``list[int]``, ``str`` ...; None where one of them says too little."""
    shapes = []
    for annotation in annotations:
        try:
            shape = _annotated(ast.parse(annotation, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if shape is None:
            return None
        shapes.append(shape)
    return Domain(tuple(shapes)) if shapes else None


def _shape(values: Sequence[Any]) -> Shape:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return Shape("bool")
    if kinds == {int}:
        even = len(values) >= 3 and all(value % 2 == 0 for value in values)
        return Shape("int", min(values), max(values), even)
    if kinds <= {int, float} and bool not in kinds:
        finite = [value for value in values if value == value and abs(value) < 1e15]
        return Shape("float", min(finite), max(finite)) if finite else Shape("pick", choices=tuple(values))
    if kinds == {str}:
        sizes = [len(value) for value in values]
        letters = "".join(sorted(set("".join(values))))[:200]
        ordered = max(sizes) > 2 and all(list(value) == sorted(value) for value in values)
        return Shape("str", min(sizes), max(sizes), letters=letters, ascending=ordered)
    if kinds == {type(None)}:
        return Shape("none")
    if len(kinds) == 1 and kinds <= {list, tuple, set, frozenset}:
        return _container(values, next(iter(kinds)).__name__)
    if kinds == {dict}:
        keys = [key for value in values for key in value]
        inside = [item for value in values for item in value.values()]
        if not keys:
            return Shape("pick", choices=tuple(values))
        sizes = [len(value) for value in values]
        return Shape("dict", min(sizes), max(sizes), items=(_shape(keys), _shape(inside)))
    return Shape("pick", choices=tuple(values))


def _container(values: Sequence[Any], kind: str) -> Shape:
    sizes = [len(value) for value in values]
    items = [item for value in values for item in value]
    if not items:
        return Shape("pick", choices=tuple(values))
    places = len({type(item) for item in items}) > 1 or kind == "tuple"
    if places and len(set(sizes)) == 1 and kind in ("list", "tuple"):
        return Shape("row", items=tuple(_shape([value[place] for value in values]) for place in range(sizes[0])), made=kind)
    ordered = [value for value in values if kind in ("list", "tuple") and len(value) > 1]
    ascending = bool(ordered) and sum(map(len, ordered)) > 3 and all(_is_sorted(value) for value in ordered)
    distinct = kind in ("set", "frozenset") or (bool(ordered) and all(_is_distinct(value) for value in ordered))
    rows = kind in ("list", "tuple") and all(isinstance(item, list | tuple | str) for item in items)
    even_rows = rows and all(len({len(row) for row in value}) <= 1 for value in values)
    square = even_rows and all(len(row) == len(value) for value in values for row in value)
    common = Shape(kind, min(sizes), max(sizes), items=(_shape(items),), even_rows=even_rows, square=square)
    return replace(common, ascending=ascending, distinct=distinct, seen=len(ordered))


def _is_sorted(values: Sequence[Any]) -> bool:
    try:
        return all(one <= other for one, other in itertools.pairwise(values))
    except TypeError:
        return False


def _is_distinct(values: Sequence[Any]) -> bool:
    return len({repr(value) for value in values}) == len(values)


def _links(rows: Sequence[tuple[Any, ...]], shapes: Sequence[Shape]) -> Iterator[Link]:
    sized = ("list", "tuple", "str")
    for number, shape in enumerate(shapes):
        for other, holder in enumerate(shapes):
            if other == number or holder.kind not in sized:
                continue
            pairs = [(row[number], row[other]) for row in rows]
            if shape.kind == "int":
                if all(value == len(holding) for value, holding in pairs):
                    yield Link(number, other, "length")
                elif holder.kind != "str" and all(value in holding for value, holding in pairs):
                    yield Link(number, other, "member")
                elif all(0 <= value < len(holding) for value, holding in pairs):
                    yield Link(number, other, "index")
                elif all(1 <= value <= len(holding) for value, holding in pairs):
                    yield Link(number, other, "count")
            elif shape.kind in sized and other < number and all(len(value) == len(holding) for value, holding in pairs):
                yield Link(number, other, "same_length")
            elif shape.kind == "str" and holder.kind == "str" and all(value in holding for value, holding in pairs):
                yield Link(number, other, "part")


_ANNOTATED = {
    "int": Shape("int", -20, 40),
    "float": Shape("float", -20.0, 40.0),
    "bool": Shape("bool"),
    "str": Shape("str", 1, 8, letters="abcd "),
    "None": Shape("none"),
}


def _annotated(node: ast.expr) -> Shape | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _annotated(ast.parse(node.value, mode="eval").body)
    if isinstance(node, ast.Name) and node.id in _ANNOTATED:
        return _ANNOTATED[node.id]
    if isinstance(node, ast.Subscript):
        name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        kind = name.lower()
        repeated = len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis
        inner = [_annotated(part) for part in (parts[:1] if repeated else parts)]
        known = tuple(shape for shape in inner if shape is not None)
        if len(known) != len(inner):
            return None
        if kind in ("list", "sequence", "iterable", "set", "frozenset") or (kind == "tuple" and repeated):
            return Shape(kind if kind in ("set", "frozenset", "tuple") else "list", 1, 8, items=known)
        if kind == "tuple":
            return Shape("row", items=known, made="tuple")
        if kind == "dict" and len(known) == 2:
            return Shape("dict", 1, 6, items=known)
        if kind == "optional":
            return known[0]
    return None


# --- making --------------------------------------------------------------------------------------


def generate(domain: Domain, count: int, seed: int = 7) -> list[Input]:
    """The examples, then edges, then usual inputs at random; ``count`` of them at most, none twice."""
    chance = random.Random(seed)
    found: list[Input] = []
    seen: set[str] = set()
    for candidate in _candidates(domain, chance, count):
        key = repr(candidate.arguments)
        if key not in seen:
            seen.add(key)
            found.append(candidate)
        if len(found) >= count:
            break
    return found


def _candidates(domain: Domain, chance: random.Random, count: int) -> Iterator[Input]:
    for example in domain.examples:
        yield Input(example)
    middle = [_value(shape, chance, 0.5) for shape in domain.shapes]
    for place, shape in enumerate(domain.shapes):
        for value, usual in _edges(shape, chance):
            arguments = [*middle[:place], value, *middle[place + 1 :]]
            yield Input(_linked(domain, arguments, chance), usual)
    for number in range(count * 3):
        spread = (number % 10 + 1) / 10
        arguments = [_value(shape, chance, spread) for shape in domain.shapes]
        yield Input(_linked(domain, arguments, chance))


def _linked(domain: Domain, arguments: list[Any], chance: random.Random) -> tuple[Any, ...]:
    """The arguments with their relations kept."""
    for link in domain.links:
        other = arguments[link.other]
        size = len(other)
        if link.how == "length":
            arguments[link.number] = size
        elif link.how == "index" and size:
            arguments[link.number] = min(max(0, int(arguments[link.number])), size - 1)
        elif link.how == "count" and size:
            arguments[link.number] = min(max(1, int(arguments[link.number])), size)
        elif link.how == "member" and size:
            arguments[link.number] = chance.choice(list(other))
        elif link.how == "part" and size:
            begin = chance.randrange(size)
            arguments[link.number] = other[begin : begin + max(1, len(arguments[link.number]))]
        elif link.how == "same_length":
            shape = domain.shapes[link.number]
            arguments[link.number] = _value(replace(shape, low=size, high=size), chance, 1.0)
    return tuple(arguments)


def _edges(shape: Shape, chance: random.Random) -> Iterator[tuple[Any, bool]]:
    """Values at the border, and whether the examples cover them."""
    if shape.kind in ("int", "float"):
        step = 2 if shape.even else 1
        for value in (shape.low, shape.high, 0, step, -step, 2 * step):
            whole = int(value) if shape.kind == "int" else float(value)
            yield whole, shape.low <= value <= shape.high
    elif shape.kind == "bool":
        yield True, True
        yield False, True
    elif shape.kind in ("str", "list", "tuple", "set", "frozenset", "dict"):
        for size in (0, 1, 2, int(shape.low), int(shape.high), int(shape.high) + 3):
            yield _value(replace(shape, low=size, high=size), chance, 1.0), shape.low <= size <= shape.high
        if shape.kind == "list" and (not shape.distinct or shape.seen < FEW):
            one, other = _value(shape.items[0], chance, 0.5), _value(shape.items[0], chance, 0.9)
            size = max(2, int(shape.low))
            covered = shape.low <= size <= shape.high and not shape.distinct
            yield [one] * size, covered
            if not shape.ascending:
                yield [one, other] * (size // 2 + 1), covered and 2 * (size // 2 + 1) <= shape.high
        if shape.kind == "list" and not shape.ascending:
            made = _value(shape, chance, 0.8)
            try:
                yield sorted(made), True
                yield sorted(made, reverse=True), True
            except TypeError:
                pass


def _value(shape: Shape, chance: random.Random, spread: float) -> Any:
    """One value within the shape; a small ``spread`` stays near its lower bounds."""
    if shape.kind == "int":
        high = int(shape.low + (shape.high - shape.low) * max(spread, 0.1)) if shape.high > shape.low else int(shape.high)
        value = chance.randint(int(shape.low), max(int(shape.low), high))
        return value - value % 2 if shape.even and value - value % 2 >= shape.low else int(shape.low) if shape.even else value
    if shape.kind == "float":
        return round(chance.uniform(shape.low, shape.high), 2)
    if shape.kind == "bool":
        return chance.random() < 0.5
    if shape.kind == "none":
        return None
    if shape.kind == "pick":
        return chance.choice(shape.choices)
    if shape.kind == "row":
        made = [_value(item, chance, spread) for item in shape.items]
        return tuple(made) if shape.made == "tuple" else made
    size = chance.randint(int(shape.low), max(int(shape.low), round(shape.low + (shape.high - shape.low) * spread)))
    if shape.kind == "str":
        letters = shape.letters or LETTERS
        text = [chance.choice(letters) for _ in range(size)]
        return "".join(sorted(text) if shape.ascending else text)
    if shape.kind == "dict":
        pairs = [(_value(shape.items[0], chance, spread), _value(shape.items[1], chance, spread)) for _ in range(size)]
        return {key: value for key, value in pairs if _hashable(key)}
    return _collection(shape, size, chance, spread)


def _collection(shape: Shape, size: int, chance: random.Random, spread: float) -> Any:
    item = shape.items[0]
    if shape.even_rows and item.kind in ("list", "tuple", "str"):
        width = size if shape.square else chance.randint(int(item.low), max(int(item.low), int(item.high)))
        item = replace(item, low=width, high=width)
    items: list[Any] = []
    seen: set[str] = set()
    for _ in range(size * 4):
        if len(items) >= size:
            break
        value = _value(item, chance, max(spread, 0.5))
        if shape.distinct and repr(value) in seen:
            continue
        seen.add(repr(value))
        items.append(value)
    if shape.ascending:
        items.sort()
    if shape.kind in ("set", "frozenset"):
        return (set if shape.kind == "set" else frozenset)(value for value in items if _hashable(value))
    return tuple(items) if shape.kind == "tuple" else items


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


# --- growing -------------------------------------------------------------------------------------


def scalable(domain: Domain) -> list[int]:
    """Positions whose size, or value for a whole number, can stand for n."""
    return [
        place
        for place, shape in enumerate(domain.shapes)
        if shape.kind in ("list", "str", "tuple") or (shape.kind == "int" and shape.low >= 0)
    ]


def scaled(domain: Domain, place: int, size: int, seed: int = 7) -> tuple[Any, ...]:
    """Arguments where the one at ``place`` has this size (or is this number) and the others stay as in the examples."""
    chance = random.Random(seed)
    base = list(domain.examples[-1]) if domain.examples else [_value(shape, chance, 1.0) for shape in domain.shapes]
    shape = domain.shapes[place]
    if shape.kind == "int":
        base[place] = size
        return tuple(base)
    if shape.items and shape.items[0].kind == "int":
        low = min(shape.items[0].low, 0) if shape.items[0].low < 0 else shape.items[0].low
        wide = replace(shape.items[0], low=low, high=max(shape.items[0].high, low + 4 * size), even=False)
        shape = replace(shape, items=(wide,))
    base[place] = _value(replace(shape, low=size, high=size), chance, 1.0)
    return _linked(Domain(domain.shapes, tuple(link for link in domain.links if link.other == place)), base, chance)
