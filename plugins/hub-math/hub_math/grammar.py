"""The grammar of short mathematical texts, plain or LaTeX: text to values, every plausible reading of it.

``read`` takes the whole text or nothing. Nothing here is ever evaluated as a program: characters become tokens, tokens become a tree
of numbers, names and whitelisted operations. Knows no arithmetic beyond the sign of a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from hub_math import limits, quantities
from hub_math.evaluation import exact
from hub_math.expressions import UNKNOWN_FUNCTIONS, is_composite, make, parse
from hub_math.latex import is_latex, to_plain
from hub_math.limits import NotExact, Undefined, Unreadable
from hub_math.notation import WORD_MARK, plain
from hub_math.numbers import COMMA, CONVENTIONS, convention_of
from hub_math.tokens import Token, ends_operand, tokens_of
from hub_math.values import CONSTANTS, Call, Name, Number, Piece, Tree, Unit, Value, names_of
from hub_math.words import word_value

Status = Literal["force", "other", "doubt"]


def read(text: str, locale: str = "", *, latex: bool | None = None) -> tuple[Value, ...]:
    """Every plausible reading of the whole text, the most plausible first; () where it cannot be read. Raises nothing.

    ``locale`` such as ``es_AR`` decides ambiguous numbers; ``latex`` None finds out by itself."""
    return tuple(dict.fromkeys(reading.value for reading in readings(text, locale, latex=latex)))


@dataclass(frozen=True)
class Reading:
    """One way to read a text."""

    value: Value
    status: Status
    """force: what the writer means under the declared locale. other: counts only if the reference agrees. doubt: unlikely, but it
    forbids to say "different"."""
    conventions: frozenset[str]
    """The decimal marks under which the text reads like this."""


def readings(text: str, locale: str = "", *, latex: bool | None = None) -> tuple[Reading, ...]:
    """Like :func:`read`, with how far each reading counts."""
    if not isinstance(text, str) or len(text) > limits.TEXT:
        return ()
    return _readings(text, convention_of(locale), latex)


@lru_cache(maxsize=512)  # a reference is compared with many answers, and an answer with several references
def _readings(text: str, own: str, latex: bool | None) -> tuple[Reading, ...]:
    found: dict[Value, Reading] = {}
    if _LOGIC.search(text) is not None and _RELATES.search(text) is None:
        return ()  # of propositions, not of numbers
    try:
        source = to_plain(text) if (is_latex(text) if latex is None else latex) else plain(text)
        for number, statement in enumerate(_statements(source)):
            for reading in _read_statement(statement, own):
                if number:
                    reading = replace(reading, status="doubt")
                _keep(found, reading)
    except (Unreadable, RecursionError):
        return ()
    order = {"force": 0, "other": 1, "doubt": 2}
    in_order = sorted(found.values(), key=lambda reading: order[reading.status])
    return tuple(in_order[: limits.READINGS])


_LOGIC = re.compile(r"[∧∨]|\\(?:land|lor|wedge|vee)(?![a-zA-Z])")
_RELATES = re.compile(r"[=<>≤≥≠∈]|\\(?:leq?|geq?|neq?|lt|gt|in)(?![a-zA-Z])")


def _keep(found: dict[Value, Reading], reading: Reading) -> None:
    """Add a reading; the same value twice counts as the stronger one, under both conventions."""
    known = found.get(reading.value)
    if known is None:
        found[reading.value] = reading
        return
    order = ("force", "other", "doubt")
    status = min(known.status, reading.status, key=order.index)
    found[reading.value] = Reading(known.value, status, known.conventions | reading.conventions)


def _statements(source: str) -> Iterator[str]:
    """The text without what surrounds it: full stops, quotes, equals signs in front."""
    stripped = source.strip()
    if not stripped.endswith(("...", "…")):
        stripped = stripped.rstrip(".,;: ")
    stripped = re.sub(r"^(?:=|:)\s*(?=\S)", "", stripped)
    if len(stripped) > 2 and stripped[0] == stripped[-1] and stripped[0] in "\"`'":
        stripped = stripped[1:-1].strip()
    if not stripped or len(stripped) > limits.TEXT:
        raise Unreadable("empty or too long")
    yield stripped


def _read_statement(source: str, own: str) -> Iterator[Reading]:
    word = word_value(source.replace(WORD_MARK, ""))
    if word is not None:
        yield Reading(word, "force", frozenset(CONVENTIONS))
        return
    seen: dict[tuple[Token, ...], tuple[Status, frozenset[str]]] = {}
    for convention in CONVENTIONS:
        for lists in (False, True) if "," in source else (False,):
            try:
                tokens = tokens_of(source, convention, lists, own=convention == (own or COMMA))
            except Unreadable:
                continue
            status = _status(source, convention, own, lists)
            before = seen.get(tokens)
            if before is not None:
                status = min(before[0], status, key=("force", "other", "doubt").index)
            seen[tokens] = (status, (before[1] if before else frozenset()) | {convention})
    clock = _CLOCK.fullmatch(source) is not None
    if clock:
        yield Reading(Value("word", source, word=source), "force", frozenset(CONVENTIONS))
    for tokens, (status, conventions) in seen.items():
        for value, doubt in _values(tokens, source):
            doubt = doubt or clock
            yield Reading(value, "doubt" if doubt else status, conventions)


def _status(source: str, convention: str, own: str, lists: bool) -> Status:
    """How far a way to read commas between digits counts: in brackets they may separate, outside they are marks of one number."""
    if own not in ("", convention):
        return "other"
    if not lists and _PAIR.fullmatch(source) is not None:
        return "doubt"  # (0,1) is an interval or a pair, and no decimal in brackets
    return "other" if lists and _BRACKETED_LIST.search(source) is None else "force"


_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9])?(?: ?h(?:s|rs)?)?")
_PAIR = re.compile(r"(?:[^\W\d_]\s*∈\s*)?[(\[{][0-9]+,[0-9]+[)\]}]")
_BRACKETED_LIST = re.compile(r"[(\[{\]][^()\[\]{}]*[0-9],[0-9][^()\[\]{}]*[)\]}\[]")


# --- statements ----------------------------------------------------------------------------------


def _values(tokens: tuple[Token, ...], source: str) -> Iterator[tuple[Value, bool]]:
    """Values of a whole statement, each with whether it is doubtful."""
    tokens = _unbraced_builder(tokens)
    parts, separators = _split(tokens, "sep")
    try:
        if len(parts) == 1:
            yield from _item(tokens, source)
            return
        if len(parts) > limits.MEMBERS or any(not part for part in parts):
            return
        read_parts = [list(_item(part, source)) for part in parts]
        if all(read_parts):
            yield from _together([found[0] for found in read_parts], separators, source)
    except (Unreadable, RecursionError):
        return


def _split(tokens: tuple[Token, ...], kind: str) -> tuple[list[tuple[Token, ...]], list[str]]:
    """The tokens between those of a kind outside of brackets, and what these were."""
    parts: list[tuple[Token, ...]] = []
    separators: list[str] = []
    depth = start = 0
    for index, token in enumerate(tokens):
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth -= 1
        elif token.kind == kind and not depth:
            parts.append(tokens[start:index])
            separators.append(str(token.value))
            start = index + 1
    parts.append(tokens[start:])
    return parts, separators


def _unbraced_builder(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """``{x ∈ ℝ : x > 2}`` as ``x > 2``."""
    if len(tokens) > 5 and tokens[0].value == "{" and tokens[-1].value == "}" and tokens[1].kind == "name":
        at = 4 if tokens[2].value == "∈" and tokens[3].value in ("ℝ", "R") else 2
        if tokens[at].value in ("|", ":", "/") and tokens[at].kind == "op" and any(token.kind == "rel" for token in tokens[at:]):
            return tokens[at + 1 : -1]
    return tokens


def _item(tokens: tuple[Token, ...], source: str) -> Iterator[tuple[Value, bool]]:
    """One member of a statement: an expression, or a chain of equalities or inequalities. Raises Unreadable."""
    approximate = False
    if tokens and tokens[0].kind == "rel" and tokens[0].value in ("~", "="):
        approximate, tokens = tokens[0].value == "~", tokens[1:]
    elif tokens and tokens[-1].kind == "rel" and tokens[-1].value == "~":
        approximate, tokens = True, tokens[:-1]
    if not tokens:
        raise Unreadable("empty member")
    sides, symbols = _split(tokens, "rel")
    if any(not side for side in sides):
        raise Unreadable("empty side")
    if not symbols:
        yield from _labelled_set(tokens, source) or _alone(tokens, source, approximate)
    elif set(symbols) <= {"=", "~"}:
        yield from _equality(sides, symbols, source, approximate)
    else:
        yield from _inequality(sides, symbols, source)


def _labelled_set(tokens: tuple[Token, ...], source: str) -> list[tuple[Value, bool]]:
    """``x ∈ (0, 1]``: the set with its variable as label; nothing for anything else."""
    if len(tokens) > 2 and tokens[0].kind == "name" and tokens[1].value == "∈":
        return [(replace(value, label=str(tokens[0].value)), doubt) for value, doubt in _alone(tokens[2:], source, False)]
    return []


def _alone(tokens: tuple[Token, ...], source: str, approximate: bool) -> list[tuple[Value, bool]]:
    """The readings of tokens without any relation: with a unit behind, and without."""
    found: list[tuple[Value, bool]] = []
    text = source[tokens[0].start : tokens[-1].end]
    whole = quantities.compound(text)
    if whole is not None:
        found.append((Value("number", text, Number(whole[0]), unit=whole[1], approximate=approximate), False))
    found += _with_unit(tokens, source, approximate)
    with_unit = bool(found)
    try:
        for tree, doubt in parse(tokens):
            found += [(replace(value, text=text, approximate=approximate), doubt or with_unit) for value in values_of(tree)]
    except Unreadable:
        if not found:
            raise
    if not found:
        raise Unreadable("no value")
    return found


def _with_unit(tokens: tuple[Token, ...], source: str, approximate: bool) -> list[tuple[Value, bool]]:
    """``5 cm``, ``$ 5``, ``3 manzanas``: the number before its unit, the unit taken as long as possible."""
    head, prefix = _currency_before(tokens, source)
    tries = 0
    for index in range(1, len(head)) if prefix is None else ():
        token = head[index]
        if token.kind not in ("name", "word", "func") and not (token.kind == "op" and token.value in tuple("°$€£¥")):
            continue
        if not ends_operand(head[index - 1]) and not (head[index - 1].kind == "op" and head[index - 1].value == "°"):
            continue
        if token.value == "°" and any(before.kind == "func" or before.value == "°" for before in head[:index]):
            continue
        tries += 1
        if tries > 4:
            break
        tail = _unraised(source[token.start : head[-1].end])
        power, tail = quantities.scale_word(tail)
        unit = quantities.unit(tail)
        if unit is None and not (power and not tail):
            continue
        found = []
        try:
            for tree, doubt in parse(head[:index]):
                for value in values_of(tree):
                    if value.kind not in ("number", "expression") or (value.kind == "expression" and not token.spaced) or value.unit:
                        continue
                    if value.percent or (value.kind == "expression" and (len(tail) < 2 or power)):
                        continue
                    if power and value.tree is not None:
                        value = replace(value, tree=make("*", value.tree, Call("^", (Number(Fraction(10)), Number(Fraction(power))))))
                    found.append((replace(value, unit=unit, text=source[tokens[0].start : tokens[-1].end], approximate=approximate), doubt))
        except Unreadable:
            continue
        if found:
            return found
    if prefix is not None:
        found = []
        for value, doubt in _alone(head, source, approximate):
            if value.kind == "number" and (value.unit is None or dict(value.unit.dimensions).keys() <= {"currency", "noun"}):
                unit = value.unit if value.unit is not None and "currency" in dict(value.unit.dimensions) else prefix
                found.append((replace(value, unit=unit), doubt))
        return found
    return []


def _currency_before(tokens: tuple[Token, ...], source: str) -> tuple[tuple[Token, ...], Unit | None]:
    """Tokens behind a currency sign in front (``US$ 5``), and that currency."""
    at = 0
    negative = tokens[0].value == "-" and len(tokens) > 2
    start = 1 if negative else 0
    for length in (1, 2, 3, 4):
        piece = tokens[start : start + length]
        if len(piece) == length and len(tokens) > start + length and tokens[start + length].kind in ("num", "op", "open"):
            text = source[piece[0].start : piece[-1].end]
            if any(sign in text for sign in "$€£¥") or text.lower() in ("s/", "usd", "eur", "s/."):
                unit = quantities.unit(text)
                if unit is not None and "currency" in dict(unit.dimensions):
                    at = start + length
                    return (tokens[:1] if negative else ()) + tokens[at:], unit
    return tokens, None


def _unraised(text: str) -> str:
    """``m^(2)`` as ``m^2`` and ``cm ^2`` likewise."""
    text = text.replace(WORD_MARK, "")
    return re.sub(r"\s*\^\s*\(?(-?[0-9])\)?", r"^\1", text)


# --- equalities ----------------------------------------------------------------------------------

_INVERSE_LABEL = re.compile(r"[a-zA-Z] ?\^\(? ?-1\)? ?\([a-z]\)")
_DERIVATIVE_LABEL = re.compile(r"\(?\(?d\^?\(?[2]?\)?([a-zA-Z](?:\(x\))?)\)?/\(?d ?([a-zA-Z])\^?\(?[2]?\)?\)?\)?")


def _equality(sides: list[tuple[Token, ...]], symbols: list[str], source: str, approximate: bool) -> Iterator[tuple[Value, bool]]:
    """``x = 2``, ``f(x) = 2x + 1``, ``2 + 3 = 5``, ``2x + z = 1``."""
    label = _label(sides[0], source)
    if label:
        rest, marks = sides[1:], symbols[1:]
        exact = next((index for index, mark in enumerate(marks) if mark == "~"), len(marks))
        loose = symbols[0] == "~" or approximate
        for at in dict.fromkeys((exact, len(rest) - 1)):
            chain = _chain(rest) if len(rest) > 1 else ()
            for value, doubt in _alone(rest[at], source, loose or (at > 0 and marks[at - 1] == "~")):
                if value.label:
                    continue
                yield replace(value, label=label, text=source, chain=chain, symbols=tuple(marks)), doubt or at != exact
        return
    trees = _chain(sides)
    if not trees:
        yield from _chain_with_unit(sides, symbols, source)
        return
    if not any(names_of(tree) for tree in trees):
        exact = next((index for index, mark in enumerate(symbols) if mark == "~"), len(symbols))
        for value, doubt in _alone(sides[exact], source, False):
            yield replace(value, text=source, chain=trees, symbols=tuple(symbols)), doubt
        return
    if len(sides) == 2:
        yield Value("equation", source, relation=trees, symbols=tuple(symbols)), False
    elif "~" not in symbols:
        for value, doubt in _alone(sides[-1], source, False):
            yield replace(value, text=source, chain=trees, symbols=tuple(symbols)), doubt
    right_label = _label(sides[-1], source)
    if right_label and len(sides) == 2 and not names_of(trees[0]):
        for value, doubt in _alone(sides[0], source, approximate):
            yield replace(value, label=right_label, text=source), doubt


def _chain_with_unit(sides: list[tuple[Token, ...]], symbols: list[str], source: str) -> Iterator[tuple[Value, bool]]:
    """``5·733 = 3665 m``: the result with its unit. Raises Unreadable."""
    trees = _chain(sides[:-1])
    if not trees or any(names_of(tree) for tree in trees) or "~" in symbols[:-1]:
        raise Unreadable("equality")
    for value, doubt in _alone(sides[-1], source, symbols[-1] == "~"):
        if value.kind == "number" and value.tree is not None and not value.label:
            yield replace(value, text=source, chain=(*trees, value.tree), symbols=tuple(symbols)), doubt


def _chain(sides: list[tuple[Token, ...]]) -> tuple[Tree, ...]:
    """First reading of each side; () where one cannot be read as an expression."""
    trees: list[Tree] = []
    for side in sides:
        try:
            trees.append(next(parse(side))[0])
        except Unreadable:
            return ()
    return tuple(trees) if not any(is_composite(tree) for tree in trees) else ()


def _label(tokens: tuple[Token, ...], source: str) -> str:
    """What the left side names: a variable, ``f(x)``, ``dy/dx``, ``|AB|``, words. Empty where it is an expression."""
    text = source[tokens[0].start : tokens[-1].end].replace(WORD_MARK, "").strip()
    if len(tokens) == 1 and tokens[0].kind == "name":
        return "" if tokens[0].value in ("pi", "oo", "i") else str(tokens[0].value)
    if _DERIVATIVE_LABEL.fullmatch(text) or _INVERSE_LABEL.fullmatch(text):
        return text
    if tokens[0].kind == "name" and len(tokens) > 3 and tokens[1].value == "(" and tokens[-1].kind == "close" and not tokens[1].spaced:
        inner = tokens[2:-1]
        depth_ok = not any(token.kind in ("open", "close", "op") and token.value not in ("+", "-") for token in inner)
        head = str(tokens[0].value).rstrip("'").split("_")[0]
        if depth_ok and (
            head in UNKNOWN_FUNCTIONS
            or head.isupper()
            or str(tokens[0].value).endswith("'")
            or (len(inner) == 1 and inner[0].kind == "name")
        ):
            return "".join(str(token.value.value) if isinstance(token.value, Number) else str(token.value) for token in tokens)
    if all(token.kind in ("word", "name") for token in tokens) and any(token.kind == "word" for token in tokens):
        return "" if {"no", "ni", "sin"} & set(text.lower().split()) else text.lower()
    letters = [token for token in tokens if token.kind == "name"]
    if len(letters) > 1 and all(
        (token.kind == "name" and str(token.value)[0].isupper())
        or (token.kind == "op" and token.value in ("|", "/"))
        or token.value in ("(", ")")
        for token in tokens
    ):
        return re.sub(r"[() ]", "", text)
    if len(tokens) > 4 and tokens[0].value == "(" and all(token.kind in ("name", "sep", "open", "close") for token in tokens):
        return re.sub(r"\s", "", text)
    return ""


def _inequality(sides: list[tuple[Token, ...]], symbols: list[str], source: str) -> Iterator[tuple[Value, bool]]:
    if len(sides) > 5:
        raise Unreadable("long chain")
    trees = _chain(sides)
    if not trees:
        raise Unreadable("inequality")
    yield Value("inequality", source, relation=trees, symbols=tuple(symbols)), False


# --- lists ---------------------------------------------------------------------------------------


def _together(found: list[tuple[Value, bool]], separators: list[str], source: str) -> Iterator[tuple[Value, bool]]:
    """Several members as one value: a compound quantity, a set, a system, several conditions."""
    values = [value for value, _ in found]
    doubt = any(doubtful for _, doubtful in found)
    kinds = {value.kind for value in values}
    joined = "o" if "o" in separators else "y" if "y" in separators else ","
    if kinds <= {"inequality", "interval"} and "inequality" in kinds:
        yield Value("inequality", source, members=tuple(values), word=joined), doubt
        return
    if kinds == {"interval"}:
        pieces = tuple(piece for value in values for piece in value.pieces)
        yield (
            Value("interval", source, tree=Call("union", tuple(value.tree for value in values if value.tree is not None)), pieces=pieces),
            True,
        )
    if kinds & {"word", "inequality"}:
        return
    labels = [value.label for value in values]
    if all(value.unit is not None and value.kind == "number" and isinstance(value.tree, Number) for value in values) and not any(labels):
        parts = [(value.tree.value, value.unit) for value in values if isinstance(value.tree, Number) and value.unit is not None]
        added = quantities.add_parts(parts)
        if added is not None:
            yield Value("number", source, Number(added[0]), unit=added[1]), doubt
            doubt = True
    if values[-1].unit is not None and all(value.unit is None and value.kind == "number" for value in values[:-1]):
        values = [replace(value, unit=values[-1].unit) for value in values]
    if values[0].label and not any(labels[1:]):
        values = [replace(value, label=labels[0]) for value in values]
        yield Value("set", source, members=tuple(values), label=labels[0]), doubt
    elif len(set(labels)) == 1:
        ordered = joined == "," and not labels[0] and kinds != {"tuple"}
        yield Value("set", source, members=tuple(values), label=labels[0], ordered=ordered), doubt
    else:
        yield Value("system", source, members=tuple(values)), doubt


# --- trees to values -----------------------------------------------------------------------------


def values_of(tree: Tree) -> Iterator[Value]:
    """The kinds of answer a tree may be, the likeliest first. Raises Unreadable."""
    if not isinstance(tree, Call):
        yield Value("number" if isinstance(tree, Number) or tree.name in CONSTANTS else "expression", tree=tree)
        return
    operation = tree.operation
    if operation == "tuple":
        yield Value("tuple", members=tuple(next(values_of(member)) for member in tree.arguments))
        if len(tree.arguments) == 2 and not any(is_composite(member) for member in tree.arguments) and _may_ascend(*tree.arguments):
            yield Value("interval", tree=Call("()", tree.arguments), pieces=(Piece(tree.arguments[0], tree.arguments[1], False, False),))
    elif operation == "list":
        if len(tree.arguments) == 2 and not any(is_composite(member) for member in tree.arguments):
            yield Value("interval", tree=Call("[]", tree.arguments), pieces=(Piece(tree.arguments[0], tree.arguments[1], True, True),))
        yield Value("tuple", members=tuple(next(values_of(member)) for member in tree.arguments))
    elif operation == "set":
        yield Value("set", members=tuple(next(values_of(member)) for member in tree.arguments))
    elif operation in ("()", "[]", "(]", "[)"):
        yield Value("interval", tree=tree, pieces=(Piece(tree.arguments[0], tree.arguments[1], operation[0] == "[", operation[1] == "]"),))
    elif operation in ("union", "cut", "minus", "reals", "empty"):
        yield Value("interval", tree=tree)
    elif operation == "matrix":
        yield Value("matrix", tree=tree, rows=tuple(row.arguments for row in tree.arguments if isinstance(row, Call)))
    elif operation == "matrices":
        yield from values_of(_matrix_product(tree))
    elif _has(tree, "±"):
        if sum(1 for node in _nodes(tree) if isinstance(node, Call) and node.operation == "±") > 1:
            raise Unreadable("two ± signs")
        yield Value("set", members=tuple(next(values_of(_signed(tree, sign))) for sign in "+-"))
    elif operation == "apply" and len(tree.arguments) > 2 and isinstance(tree.arguments[0], Name) and tree.arguments[0].name[0].isupper():
        members = tuple(next(values_of(member)) for member in tree.arguments[1:])
        yield Value("tuple", members=members, label=tree.arguments[0].name)  # P(1, 5)
    elif (degrees := _in_degrees(tree)) is not None:
        yield Value("number" if not names_of(tree) else "expression", tree=degrees, unit=quantities.unit("°"))
    elif operation == "%":
        yield Value("number" if not names_of(tree) else "expression", tree=tree.arguments[0], percent=True)
    elif not names_of(tree):
        yield Value("number", tree=tree)
    else:
        if tree.operation == "integral" and len(tree.arguments) == 2:
            yield Value("antiderivative", tree=tree)
            return
        constant = _constant_of_integration(tree)
        if constant:
            yield Value("antiderivative", tree=_without(tree, constant), constant=constant)
        yield Value("expression", tree=tree)


def _in_degrees(tree: Tree) -> Tree | None:
    """``90° − 35°`` as ``90 − 35``: what a sum, multiple or part of angles is worth in degrees; None for anything else."""
    if not isinstance(tree, Call):
        return None
    if tree.operation == "deg":
        return tree.arguments[0] if not _has(tree.arguments[0], "deg") else None
    if tree.operation in ("+", "neg"):
        parts = [_in_degrees(argument) for argument in tree.arguments]
        return None if None in parts else Call(tree.operation, tuple(part for part in parts if part is not None))
    if tree.operation in ("*", "/") and len(tree.arguments) == 2:
        angles = [place for place, argument in enumerate(tree.arguments) if _has(argument, "deg")]
        inner = _in_degrees(tree.arguments[angles[0]]) if len(angles) == 1 else None
        if inner is not None and (tree.operation == "*" or angles == [0]):
            return Call(tree.operation, tuple(inner if place == angles[0] else one for place, one in enumerate(tree.arguments)))
    return None


def _matrix_product(tree: Tree) -> Tree:
    """The product of matrices written side by side. Raises Unreadable where the shapes do not fit."""
    if not isinstance(tree, Call) or tree.operation != "matrices":
        return tree
    left, right = (_matrix_product(argument) for argument in tree.arguments)
    rows, others = (
        [row.arguments for row in matrix.arguments if isinstance(row, Call)] if isinstance(matrix, Call) else [] for matrix in (left, right)
    )
    if not rows or len(rows[0]) != len(others) or len(rows) * len(others) * len(others[0]) > limits.MEMBERS * 4:
        raise Unreadable("shapes of matrices")
    out: list[Tree] = []
    for row in rows:
        cells: list[Tree] = []
        for column in range(len(others[0])):
            cell: Tree = Call("*", (row[0], others[0][column]))
            for index in range(1, len(row)):
                cell = Call("+", (cell, Call("*", (row[index], others[index][column]))))
            cells.append(cell)
        out.append(Call("list", tuple(cells)))
    return Call("matrix", tuple(out))


def _may_ascend(low: Tree, high: Tree) -> bool:
    """False where both are numbers and the first is not the smaller one: no bounds of an interval."""
    try:
        return exact(low) < exact(high)
    except (NotExact, Undefined):
        return True


def _nodes(tree: Tree) -> Iterator[Tree]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(node.arguments)


def _has(tree: Tree, operation: str) -> bool:
    return any(isinstance(node, Call) and node.operation == operation for node in _nodes(tree))


def _signed(tree: Tree, sign: str) -> Tree:
    if not isinstance(tree, Call):
        return tree
    arguments = tuple(_signed(argument, sign) for argument in tree.arguments)
    if tree.operation != "±":
        return Call(tree.operation, arguments)
    if arguments[0] == Number(Fraction(0)):
        return arguments[1] if sign == "+" else make("neg", arguments[1])
    return Call("+", (arguments[0], arguments[1] if sign == "+" else make("neg", arguments[1])))


def _constant_of_integration(tree: Tree) -> str:
    """``C`` where a variable's expression ends in ``+ C``; empty elsewhere."""
    if tree == Name("C") or not isinstance(tree, Call) or tree.operation != "+":
        return ""
    for name in ("C", "K"):
        if sum(1 for node in _nodes(tree) if node == Name(name)) == 1 and Name(name) in _terms(tree) and len(names_of(tree)) > 1:
            return name
    return ""


def _terms(tree: Tree) -> list[Tree]:
    if isinstance(tree, Call) and tree.operation == "+":
        return _terms(tree.arguments[0]) + _terms(tree.arguments[1])
    return [tree]


def _without(tree: Tree, constant: str) -> Tree:
    terms = [term for term in _terms(tree) if term != Name(constant)]
    total = terms[0]
    for term in terms[1:]:
        total = Call("+", (total, term))
    return total
