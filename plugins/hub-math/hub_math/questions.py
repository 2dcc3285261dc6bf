"""Questions that hold their own answer: "¿Cuánto es 22 - 11?", "Resuelve 2x + 3 = 11".

Only questions that leave no doubt are read: one calculation with numbers, or one linear equation with one unknown, and nothing else.
Knows nothing of answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from hub_math import vocabulary
from hub_math.evaluation import exact
from hub_math.grammar import read
from hub_math.limits import NotExact, Undefined
from hub_math.masks import HIDDEN, masked
from hub_math.stretches import Stretch, stretches
from hub_math.values import CONSTANTS, Tree, names_of

LONGEST = 300
"""Characters of a question that is read."""


@dataclass(frozen=True)
class Task:
    """What a question asks for."""

    kind: Literal["calculation", "equation"]
    text: str
    """The calculation or equation as it was asked."""
    value: Fraction
    """The only right answer."""
    unknown: str = ""
    """The unknown of an equation."""

    @property
    def finite(self) -> bool:
        """Whether the value has at most four decimals, so that nobody has to round it."""
        return (self.value * 10_000).denominator == 1


def task_of(question: str, locale: str = "", *, first: bool = True) -> Task | None:
    """The task of a question that leaves no doubt, else None.

    ``first``: nothing was said before. Later in a conversation a bare calculation may be the learner's own result."""
    if not question.strip() or len(question) > LONGEST:
        return None
    text = masked(question).text
    if HIDDEN in text:
        return None
    found = [stretch for stretch in stretches(text) if re.search(r"[0-9=]", text[stretch.start : stretch.end])]
    if len(found) != 1 or found[0].left or found[0].right or any(side.doubt or not side.readings or side.noun for side in found[0].sides):
        return None
    stretch = found[0]
    around = f"{text[: stretch.start]} {text[stretch.end :]}".lower()
    said = re.findall(r"[^\W\d_]+", around)
    if len(said) > 12 or not set(said) <= _PLAIN or _OWN_RESULT.search(around):
        return None
    asks = set(said) & (_COMPUTING | _SOLVING)
    if not asks and (said or not first or re.fullmatch(r"[\s0-9.,]+/[\s0-9.,]+\??", text.strip())):
        return None
    if not stretch.relations:
        return _calculation(stretch, locale) if not asks & _SOLVING or asks & _COMPUTING else None
    if len(stretch.relations) == 1 and stretch.relations[0].symbol == "=" and (asks & _SOLVING or not said):
        return _equation(stretch, locale)
    return None


def _calculation(stretch: Stretch, locale: str) -> Task | None:
    side = stretch.sides[0]
    if not side.operation:
        return None
    tree = _tree(side.readings[0], locale)
    if tree is None or names_of(tree):
        return None
    value = _exact(tree, {})
    return None if value is None else Task("calculation", side.readings[0], value)


def _equation(stretch: Stretch, locale: str) -> Task | None:
    left, right = (_tree(side.readings[0], locale) for side in stretch.sides)
    if left is None or right is None:
        return None
    names = names_of(left) | names_of(right)
    if len(names) != 1:
        return None
    (unknown,) = names
    if len(unknown) != 1 or unknown in CONSTANTS or not unknown.isalpha():
        return None
    points = [Fraction(number) for number in (0, 1, -1, 2, 5, -7, 11)]
    heights: list[Fraction] = []
    for point in points:
        one, other = _exact(left, {unknown: point}), _exact(right, {unknown: point})
        if one is None or other is None:
            return None
        heights.append(one - other)
    slope = heights[1] - heights[0]
    if slope == 0 or any(height != heights[0] + slope * point for point, height in zip(points, heights, strict=True)):
        return None
    text = f"{stretch.sides[0].readings[0]} = {stretch.sides[1].readings[0]}"
    return Task("equation", text, -heights[0] / slope, unknown)


def _tree(text: str, locale: str) -> Tree | None:
    """The one way to read an expression; None where there are several or none."""
    trees = {
        value.tree for value in read(text, locale) if value.kind in ("number", "expression") and not value.percent and value.unit is None
    }
    return trees.pop() if len(trees) == 1 else None


def _exact(tree: Tree, values: dict[str, Fraction]) -> Fraction | None:
    try:
        return exact(tree, values)
    except (NotExact, Undefined, ArithmeticError, RecursionError):
        return None


_OWN_RESULT = re.compile(r"(?<!\w)(?:me|te|le|nos)\s+(?:da|dan|dio|sale|sali[oó])(?!\w)|(?<!cuánto )(?<!cuanto )(?<!\w)dan?(?!\w)")
_COMPUTING = vocabulary.word_set("cuánto cuanto calcula calcular compute calculate evaluate what")
_SOLVING = vocabulary.word_set(
    "resuelve resolver resuelvo resuélveme resuelveme soluciona despeja despejar encuentra halla hallar solve "
    "find solución solucion solution"
)
_PLAIN = (
    _COMPUTING
    | _SOLVING
    | vocabulary.word_set(
        "es son da dan vale valor de del el la lo los ecuación ecuacion equation resultado result operación operacion suma resta sumar "
        "restar por "
        "favor porfa porfavor gracias please hola hi hello oye me puedes podrías ayudas ayúdame ayudame a y con decir dime dame is "
        "the of for x "
        "how much cómo como se hace hago to quiero saber necesito solo sólo respuesta answer just cuenta esta este this cuál cual "
        "sería seria equals "
        "t n m z k w p q r"
    )
)
