"""The equalities that an answer states, and whether they are true.

A claim is false only when it is false under every way to read it, nothing around it suggests that it is not claimed or not whole, and
rounding does not excuse it. Everything else that is not true is unknown. Knows nothing of expected answers.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from hub_math import negation, vocabulary
from hub_math.compare import Comparison, is_true
from hub_math.evaluation import exact
from hub_math.grammar import read
from hub_math.identity import value
from hub_math.limits import NotExact, Undefined
from hub_math.masks import Masked
from hub_math.quantities import unit
from hub_math.stretches import MONEY, Side, Stretch, stretches
from hub_math.values import Call, Name, Number, Tree, names_of

Truth = Literal["true", "false", "unknown"]
MOST_CLAIMS = 400
"""Claims of one answer that are checked."""
CLOSE = Fraction(1, 20)
"""Relative error up to which an approximation is let pass."""

NOISE = Fraction(1, 10**9)
"""Relative error that a computer's arithmetic may leave in a number with nine decimals or more."""

DEGREE: Fraction = Fraction(math.pi) / 180
IN_ONE_UNIT = "in one unit"


@dataclass(frozen=True)
class Claim:
    """One link of a chain: ``left relation right``."""

    stretch: Stretch
    place: int
    """Number of the link in the stretch, from 0."""
    in_mark: bool = False
    """It stands within a calculator mark, where nothing is denied, asked or left out."""

    @property
    def left(self) -> Side:
        """What stands before the relation."""
        return self.stretch.sides[self.place]

    @property
    def right(self) -> Side:
        """What stands after it."""
        return self.stretch.sides[self.place + 1]

    @property
    def relation(self) -> str:
        """``=``, ``≈``, ``≠``, ``<``, ``>``, ``≤`` or ``≥``."""
        return self.stretch.relations[self.place].symbol

    @property
    def start(self) -> int:
        """Where it begins in the answer."""
        return self.left.start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.right.end

    @property
    def shown(self) -> str:
        """As a learner would write it."""
        return f"{self.left.readings[0]} {self.relation} {self.right.readings[0]}"


@dataclass(frozen=True)
class Checked:
    """A claim and what was found out about it."""

    claim: Claim
    truth: Truth
    how: str = ""
    """How it is known: ``exact``, ``numeric``, ``symbolic``."""
    note: str = ""
    """Why it is not known, or was let pass."""
    worth: Fraction | None = None
    """What the left side is worth, or the right one where the left is a bare number. None: not known exactly."""


# --- finding -------------------------------------------------------------------------------------


def claims_of(masked: Masked, found: Sequence[Stretch]) -> list[Claim]:
    """The links of all chains in the order of the text, those within calculator marks included."""
    made = [claim for stretch in found for claim in _links(stretch)]
    for start, end in masked.marks[:MOST_CLAIMS]:
        made += [claim for stretch in stretches(masked.answer, start, end) for claim in _links(stretch, in_mark=True)]
    return sorted(made, key=lambda claim: claim.start)[:MOST_CLAIMS]


def _links(stretch: Stretch, *, in_mark: bool = False) -> Iterator[Claim]:
    """The links of which both sides can be read."""
    for place in range(len(stretch.relations)):
        if stretch.sides[place].readings and stretch.sides[place + 1].readings:
            yield Claim(stretch, place, in_mark)


# --- is it claimed, and is it whole? --------------------------------------------------------------


def doubt_about(claim: Claim, text: str, question: str = "") -> str:
    """Why a claim may not be claimed, or not be whole; empty when there is no reason."""
    if claim.in_mark:
        return claim.left.doubt or claim.right.doubt
    stretch, left, right = claim.stretch, claim.left, claim.right
    return (
        left.doubt
        or right.doubt
        or (stretch.left if claim.place == 0 else "")
        or (stretch.right if claim.place == len(stretch.relations) - 1 else "")
        or (_bare_doubt(stretch, left, right) if claim.place == 0 else "")
        or _kind_doubt(claim)
        or _arithmetic_doubt(claim, text)
        or negation.doubt_about(text, stretch.start, stretch.end)
        or _question_doubt(claim, text, question)
    )


def _kind_doubt(claim: Claim) -> str:
    """Whether it is an order or an assignment, which are no calculations."""
    if claim.relation not in ("=", "≈") and not (claim.left.operation or claim.right.operation):
        return "an order is stated, not computed"
    nouns = [part.strip() for role, part in claim.left.parts if role == "noun"]
    if nouns and max(map(len, nouns)) == 1 and not claim.left.operation and not claim.right.units and not claim.right.noun:
        return "a letter may be a variable or a unit"
    alone = claim.left.parts[0][1] if len(claim.left.parts) == 1 and claim.left.parts[0][0] == "letter" else ""
    return "an assignment" if alone and alone in [part.strip() for role, part in claim.right.parts if role == "letter"] else ""


def _arithmetic_doubt(claim: Claim, text: str) -> str:
    """Whether other rules than those of numbers may be in force, or units that are not exact."""
    around = negation.surroundings(text, claim.start, claim.end)
    if _OTHER_ARITHMETIC.search(f"{around.previous} {around.sentence} · {around.rest}"):
        return "another base, or arithmetic with remainders"
    if {name.lower() for name in claim.left.units + claim.right.units} & _CALENDAR and len(set(claim.left.units + claim.right.units)) > 1:
        return "months and years have no fixed length"
    return ""


_CALENDAR = vocabulary.word_set("mes meses año años month months year years")


def _question_doubt(claim: Claim, text: str, question: str) -> str:
    """Whether it only repeats the question, or an equation that is said to have no solution."""
    if (
        question
        and _squeezed(claim.shown) in _squeezed(question)
        and not negation.is_affirmed(text, claim.stretch.start, claim.stretch.end)
    ):
        return "it stands in the question"
    if re.search(r"[^\W\d_]", claim.left.readings[-1] + claim.right.readings[-1]) and _NO_SOLUTION.search(text):
        return "there may be no solution"
    return ""


def _bare_doubt(stretch: Stretch, left: Side, right: Side) -> str:
    """Whether a number on the left may be a label or a part of something in words."""
    if left.operation:
        return ""
    if stretch.bare:
        return "a bare number after a word"
    measured = bool(set(left.units) - {MONEY}) and bool(set(right.units) - {MONEY})
    if (left.noun or right.noun) and not measured:
        return "a number and a noun may be anything"
    if not right.operation and not measured:
        return "two bare numbers"
    return ""


def _squeezed(text: str) -> str:
    return re.sub(r"[\s$\\]", "", text).replace("−", "-").replace("×", "*").replace("·", "*").lower()


_NO_SOLUTION = re.compile(
    r"(?:sin|no)\s+(?:tiene\w*\s+|hay\s+|existe\w*\s+|posee\w*\s+)?(?:ninguna\s+)?soluci|contradic|absurd|imposible|impossible"
    r"|inconsisten|incompatib|paralel|parallel|∅|vac[ií]o|ning[uú]n\s+valor|no\s+(?:real\s+)?solution",
    re.IGNORECASE,
)


# --- checking ------------------------------------------------------------------------------------


@dataclass
class Checker:
    """Checks the claims of one answer in their order; remembers which numbers were rounded on the way."""

    text: str
    """The masked answer."""
    locale: str = ""
    question: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + 3600)
    """``time.monotonic()`` after which nothing more is computed."""
    rounded: set[Fraction] = field(default_factory=set)
    """Numbers of the answer that are known to be rounded."""

    def check(self, claim: Claim) -> Checked:
        """Whether one claim is true."""
        if time.monotonic() > self.deadline:
            return Checked(claim, "unknown", note="no time left")
        truth, how, note = self._truth(claim)
        if truth == "true":
            self._remember(claim, how)
            return Checked(claim, "true", how, note)
        if truth == "false":
            excuse = doubt_about(claim, self.text, self.question) or ("" if note == IN_ONE_UNIT else self._excuse(claim))
            if excuse:
                return Checked(claim, "unknown", how, excuse)
            return Checked(claim, "false", how, note, self._worth(claim))
        return Checked(claim, "unknown", how, note)

    # --- readings -----------------------------------------------------------------------------

    def _truth(self, claim: Claim) -> tuple[Truth, str, str]:
        """True when it is true under one way to read it, false when it is false under all."""
        measured = self._measured(claim)
        if measured is not None:
            return measured
        literal = self._ask(claim.left.readings[0], claim.relation, claim.right.readings[0])
        if literal.outcome == "equal":
            return "true", literal.how, ""
        if literal.outcome == "different" and not self._is_for_all_letters(claim):
            return "unknown", "", "a letter may be a variable or a unit"
        bare_left, bare_right = claim.left.readings[-1], claim.right.readings[-1]
        if (bare_left, bare_right) == (claim.left.readings[0], claim.right.readings[0]):
            return self._exclaimed(claim, literal)
        units = set(claim.left.units + claim.right.units)
        if {MONEY, "¢"} <= units:
            return "unknown", "", "different units"
        bare = self._ask(bare_left, claim.relation, bare_right)
        if bare.outcome == "equal":
            if len(units) > 1 and not _MULTIPLIES.search(bare_left + bare_right):
                return "unknown", "", "different units"
            return "true", bare.how, "without nouns"
        if bare.outcome == "different" and (len(units) <= 1 or literal.outcome == "different"):
            return "false", bare.how, ""
        return "unknown", "", bare.note or literal.note

    def _measured(self, claim: Claim) -> tuple[Truth, str, str] | None:
        """A sum of quantities of one kind on each side, compared in one unit: ``3 m + 20 cm = 3,2 m``. None: it is no such thing."""
        left, right = _in_base_units(claim.left), _in_base_units(claim.right)
        if left is None or right is None or left[1] != right[1] or len(set(claim.left.units + claim.right.units)) < 2:
            return None
        found = self._ask(left[0], claim.relation, right[0])
        if found.outcome == "unknown":
            return "unknown", "", found.note
        one, other = self._value(left[0]), self._value(right[0])
        if found.outcome == "different" and (one is None or other is None or abs(one - other) <= CLOSE * max(abs(one), abs(other))):
            return "unknown", "", "rounded quantities"
        return ("true" if found.outcome == "equal" else "false"), found.how, IN_ONE_UNIT

    def _is_for_all_letters(self, claim: Claim) -> bool:
        """Whether a claim stays false when its letters become letters that are no unit: 6L = 24 may be an equation."""
        letters = list(dict.fromkeys(text.strip() for side in (claim.left, claim.right) for role, text in side.parts if role == "letter"))
        letters = [letter for letter in letters if letter not in ("e", "i", "π")]
        if not letters:
            return True
        if len(letters) > 3 or any(len(letter) > 1 for letter in letters):
            return False
        names = dict(zip(letters, "xyz", strict=False))
        left, right = ("".join(_renamed(role, text, names) for role, text in side.parts) for side in (claim.left, claim.right))
        return self._ask(left, claim.relation, right).outcome == "different"

    def _exclaimed(self, claim: Claim, literal: Comparison) -> tuple[Truth, str, str]:
        """A mark at the end may be a factorial or an exclamation."""
        right = claim.right.readings[0]
        if right.endswith("!"):
            plain = self._ask(claim.left.readings[0], claim.relation, right[:-1])
            if plain.outcome != "different":
                return ("true" if plain.outcome == "equal" else "unknown"), plain.how, plain.note
        if literal.outcome == "different":
            return "false", literal.how, ""
        return "unknown", literal.how, literal.note

    def _ask(self, left: str, relation: str, right: str) -> Comparison:
        """The comparison; a rounded number equals what it was rounded from, and nothing that is further away than its last digit."""
        found = is_true(left, relation, right, self.locale)
        settled = found.note not in ("rounded", "") and not (found.note in ("missing_unit", "extra_unit") and "°" in left + right)
        if relation not in ("=", "≈") or found.outcome == "equal" or settled:
            return found
        one, other = self._value(left), self._value(right)
        if one is None or other is None:
            if (one is not None and self._is_undefined(right)) or (other is not None and self._is_undefined(left)):
                return Comparison("different", "exact", "undefined")
            return found
        decided = found
        for true, shown, text in ((one, other, right), (other, one, left)):
            last = _last_place(text, self.locale)
            if last is None or (last >= 1 and relation == "="):
                continue
            if abs(true - shown) <= max(last / 2, abs(true) * NOISE if last <= NOISE else 0):
                return Comparison("equal", found.how or "numeric", "rounded")
            if found.outcome == "unknown":
                decided = Comparison("unknown" if _is_cut(true, shown, last) else "different", "numeric", "rounded")
        return decided

    # --- excuses ------------------------------------------------------------------------------

    def _excuse(self, claim: Claim) -> str:
        """Why a claim that is false to the letter may be meant well; empty when nothing excuses it."""
        left, right = claim.left.readings[-1], claim.right.readings[-1]
        if "%" in left + right:
            if self._ask(left.replace("%", ""), claim.relation, right.replace("%", "")).outcome == "equal":
                return "percent signs may be meant as units"
            if re.search(r"[+\-−–]\s*[0-9.,]+\s*%", f"{left} {right}") and not re.search(r"%\s*(?:de|of)(?!\w)", left + right):
                return "a percentage is added to something else"
        if _AMBIGUOUS_NUMBER.search(f"{left} {right}") and any(
            is_true(left, claim.relation, right, other).outcome == "equal" for other in ("es_ES", "en_US")
        ):
            return "true in another number format"
        angle = r"|sen|sin|cos|tan|tg" if "°" not in left + right else ""
        if re.search(rf"(?<!\w)(?:log|lg{angle})(?!\w)", left + right):
            return "a base or an angle may be meant otherwise"
        one, other = self._value(left), self._value(right)
        if one is not None and other is not None:
            return self._rounding(claim, one, other) or self._running(claim) or self._signed_power(claim)
        return ""

    def _signed_power(self, claim: Claim) -> str:
        """``-3^2 = 9``: the sign may have been meant to be squared, too."""
        for this, other in ((claim.left, claim.right), (claim.right, claim.left)):
            squared = _SIGNED_POWER.sub(r"(\1)\2", this.readings[-1])
            if squared != this.readings[-1] and self._ask(squared, "=", other.readings[-1]).outcome == "equal":
                return "a sign before a power"
        return ""

    def _rounding(self, claim: Claim, left: Fraction, right: Fraction) -> str:
        difference, size = abs(left - right), max(abs(left), abs(right))
        rough = self._is_rough(claim)
        if claim.relation == "≈" or self._is_approximate(claim):
            precise = any(_is_precise(side.readings[-1], self.locale) for side in (claim.left, claim.right))
            if difference <= (CLOSE / 5 if precise else CLOSE) * size or _rounds(left, right) or _rounds(right, left):
                return "close enough for an approximation"
            if difference < 1 and (right.denominator == 1 or left.denominator == 1):
                return "close enough for an approximation"
        for true, shown, text in ((left, right, claim.right.readings[-1]), (right, left, claim.left.readings[-1])):
            last = _last_place(text, self.locale)
            if last is None:
                continue
            if (last < 1 or rough) and (_is_cut(true, shown, last) or (rough and difference < last)):
                return "cut or rounded at its last digit"
            if last == 1 and abs(true - shown) < 1 and (rough or (text == claim.right.readings[-1] and self._counts(claim))):
                return "rounded to a whole number"
        if self._within_rounding(claim):
            return "within the rounding of earlier results"
        if self._within_written_rounding(claim):
            for side in (claim.left, claim.right):
                self.rounded.update(_decimal_numbers(side.readings[-1], self.locale))
            return "within the rounding of its own decimals"
        return ""

    def _counts(self, claim: Claim) -> bool:
        """Whether the right side counts things, of which there may be whole ones only: "140/60 = 2 minutos", "24.8 · 6 = 148 personas"."""
        return claim.in_mark or claim.right.noun or _NOUN.match(self.text, claim.right.end) is not None

    def _within_rounding(self, claim: Claim) -> bool:
        """Whether numbers that were rounded earlier leave room for equality."""
        one, other = self._span(claim.left.readings[-1]), self._span(claim.right.readings[-1])
        if one is None or other is None:
            return False
        (low, high), (other_low, other_high) = one, other
        if (low, other_low) == (high, other_high):
            return False
        last = _last_place(claim.right.readings[-1], self.locale)
        slack = last / 2 if last is not None and last < 1 else Fraction(0)
        return low - slack <= other_high and other_low <= high + slack

    def _within_written_rounding(self, claim: Claim) -> bool:
        """``1/3 + 1/3 + 1/3 = 0.33 + 0.33 + 0.33``: each fraction was rounded before it was added."""
        left, right = claim.left.readings[-1], claim.right.readings[-1]
        if not (claim.left.operation and claim.right.operation and _DIVIDES.search(left + right)):
            return False
        spans = [_span_of(text, self.locale, _half_place) for text in (left, right)]
        return spans[0] is not None and spans[1] is not None and spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]

    def _running(self, claim: Claim) -> str:
        """``3 + 4 = 7 + 2 = 9``: each step goes on from the result before."""
        head = re.match(r"\s*([+\-−–]?[0-9][0-9.,]*)\s*[+\-−–·*×/÷]", claim.right.readings[-1])
        if head is not None and self._ask(claim.left.readings[-1], "=", head[1]).outcome == "equal":
            return "a chain of steps written with one equals sign too many"
        return ""

    def _is_rough(self, claim: Claim) -> bool:
        around = negation.surroundings(self.text, claim.start, claim.end)
        said = {word.lower() for word in re.findall(r"[^\W\d_]+", f"{around.sentence} {around.rest} {around.following[:120]}")}
        return bool(said & vocabulary.ROUGH)

    def _is_approximate(self, claim: Claim) -> bool:
        """Whether a word close by says that the value is not exact."""
        around = negation.surroundings(self.text, claim.start, claim.end)
        said = {word.lower() for word in re.findall(r"[^\W\d_]+", f"{around.clause[-50:]} {around.rest[:40]}")}
        return bool(said & vocabulary.APPROXIMATIONS)

    # --- values -------------------------------------------------------------------------------

    def _remember(self, claim: Claim, how: str) -> None:
        """Keep the numbers that were rounded in a claim that was let pass."""
        left, right = claim.left.readings[-1], claim.right.readings[-1]
        one, other = self._value(left), self._value(right)
        for true, shown, text in ((one, other, right), (other, one, left)):
            if true is not None and shown is not None and true != shown and _last_place(text, self.locale) is not None:
                self.rounded.add(abs(shown))

    def _worth(self, claim: Claim) -> Fraction | None:
        side = claim.left if claim.left.operation or not claim.right.operation else claim.right
        tree = _tree_of(side.readings[-1], self.locale)
        return _exactly(tree) if tree is not None else None

    def _value(self, text: str) -> Fraction | None:
        """The value of a calculation, to thirty digits where it is not rational."""
        tree = _tree_of(text, self.locale)
        if tree is None:
            return None
        found = _exactly(tree)
        if found is not None:
            return found
        number = value(tree)
        try:
            return Fraction(str(number)) if number is not None else None
        except (ValueError, OverflowError, ZeroDivisionError):  # complex or infinite
            return None

    def _is_undefined(self, text: str) -> bool:
        """Whether a calculation divides by zero: it equals no number."""
        tree = _tree_of(text, self.locale)
        try:
            return tree is not None and exact(tree) is None
        except Undefined as error:
            return "division" in str(error)
        except (NotExact, ArithmeticError, RecursionError):
            return False

    def _span(self, text: str) -> tuple[Fraction, Fraction] | None:
        def room(number: Number) -> Fraction:
            if abs(number.value) not in self.rounded:
                return Fraction(0)
            return Fraction(1, 2 * 10 ** max(0, number.decimals or 0))

        return _span_of(text, self.locale, room)


def _renamed(role: str, text: str, names: dict[str, str]) -> str:
    name = names.get(text.strip(), "") if role == "letter" else ""
    return text.replace(text.strip(), f" {name} ") if name else text


def _in_base_units(side: Side) -> tuple[str, tuple[tuple[str, int], ...]] | None:
    """A sum of quantities of one dimension as a calculation in base units, with the dimension; None where it is anything else."""
    text, dimensions = "", set()
    roles = [role for role, _ in side.parts]
    for place, (role, part) in enumerate(side.parts):
        if role == "noun" and place and roles[place - 1] == "number":
            measure = unit(part.strip())
            if measure is None or measure.noun or measure.turns_pi or not measure.dimensions:
                return None
            dimensions.add(measure.dimensions)
            text += f" · {measure.scale.numerator} / {measure.scale.denominator}"
        elif role == "number" and (place + 1 >= len(roles) or roles[place + 1] != "noun"):
            return None
        elif role == "number" or (role == "operator" and part.strip() in "+-−–"):
            text += part
        else:
            return None
    return (text.strip(), dimensions.pop()) if len(dimensions) == 1 else None


def _decimal_numbers(text: str, locale: str) -> Iterator[Fraction]:
    """The numbers with decimals in a calculation."""
    stack: list[Tree] = [tree for tree in (_tree_of(text, locale),) if tree is not None]
    while stack:
        tree = stack.pop()
        if isinstance(tree, Number) and tree.decimals:
            yield abs(tree.value)
        elif isinstance(tree, Call):
            stack += tree.arguments


def _half_place(number: Number) -> Fraction:
    """The room that rounding leaves in a number of two decimals or more."""
    decimals = number.decimals or 0
    return Fraction(1, 2 * 10**decimals) if decimals >= 2 else Fraction(0)


_AMBIGUOUS_NUMBER = re.compile(r"(?<![\d.,])[1-9][0-9]{0,2}[.,][0-9]{3}(?![\d])")
_SIGNED_POWER = re.compile(r"(?<![\w)])([-−–]\s?[0-9]+(?:[.,][0-9]+)?)(\^|\*\*|[⁰¹²³⁴⁵⁶⁷⁸⁹])")
_OTHER_ARITHMETIC = re.compile(
    r"binari[oa]|binary|hexadecimal|octal|(?:(?<!\w)(?:en|in)\s+|\()base\s+(?:[0-9]+|dos|ocho|two)|m[oó]dulo\s+[0-9]|(?<!\w)mod(?!\w)|reloj|clock"
    r"|bits?(?!\w)",
    re.IGNORECASE,
)
_DIVIDES = re.compile(r"[/÷]|\\frac|\\div")
_NOUN = re.compile(r"[ ][^\W\d_]{3,}")
_MULTIPLIES = re.compile(r"[·*×⋅∙÷/]|\\cdot|\\times|\\div|\\frac|%")


def _rounds(exact: Fraction, shown: Fraction) -> bool:
    """Whether ``shown`` is ``exact`` rounded to some of its leading digits: 347 ≈ 300."""
    if shown.denominator != 1 or shown == 0:
        return False
    unit = 1
    while shown % (unit * 10) == 0:
        unit *= 10
    return abs(exact - shown) <= Fraction(unit)


def _last_place(text: str, locale: str) -> Fraction | None:
    """What the last digit of a text that is one number counts: 1/100 for 3.14 and for 33 %. None where it is more than a number."""
    scale: Fraction = Fraction(1)
    for sign, worth in (("%", Fraction(1, 100)), ("°", DEGREE)):
        if text.endswith(sign):
            text, scale = text[:-1].strip(), worth
    for found in read(text, locale):
        tree = found.tree
        if isinstance(tree, Call) and tree.operation == "neg":
            tree = tree.arguments[0]
        if isinstance(tree, Number):
            return scale * Fraction(1, 10 ** max(0, tree.decimals or 0))
    return None


def _is_cut(exact: Fraction, shown: Fraction, last: Fraction) -> bool:
    """Whether ``shown`` is ``exact`` with the digits behind its last place cut off: 0.66 for 2/3."""
    return abs(shown) < abs(exact) and abs(exact - shown) < last and exact * shown >= 0


def _is_precise(text: str, locale: str) -> bool:
    """Whether a text is one number with two decimals or more, or with four digits that count."""
    last = _last_place(text, locale)
    return last is not None and (last <= Fraction(1, 100) or len(re.sub(r"\D", "", text).strip("0")) >= 4)


def _tree_of(text: str, locale: str) -> Tree | None:
    """The calculation a text stands for under its first reading; None where it is no calculation with numbers."""
    for found in read(text, locale)[:1]:
        if found.tree is not None and found.kind in ("number", "expression") and not names_of(found.tree):
            if found.unit is not None and found.unit.turns_pi:
                return Call("*", (found.tree, Call("/", (Name("pi"), Number(1 / found.unit.scale)))))
            return Call("%", (found.tree,)) if found.percent else found.tree
    return None


def _exactly(tree: Tree) -> Fraction | None:
    try:
        return exact(tree)
    except (NotExact, Undefined, ArithmeticError, RecursionError):
        return None


def _span_of(text: str, locale: str, room: Callable[[Number], Fraction]) -> tuple[Fraction, Fraction] | None:
    """Between which fractions a plain calculation lies when each number has the room given; None where it is no such thing."""
    tree = _tree_of(text, locale)
    return _tree_span(tree, room) if tree is not None else None


def _tree_span(tree: Tree, room: Callable[[Number], Fraction]) -> tuple[Fraction, Fraction] | None:
    if isinstance(tree, Number):
        space = room(tree)
        return tree.value - space, tree.value + space
    if not isinstance(tree, Call):
        return None
    spans = [_tree_span(argument, room) for argument in tree.arguments]
    if not spans or any(span is None for span in spans):
        return None
    known = [span for span in spans if span is not None]
    if tree.operation == "neg":
        return -known[0][1], -known[0][0]
    if tree.operation == "%":
        return known[0][0] / 100, known[0][1] / 100
    if tree.operation == "+":
        return sum((low for low, _ in known), Fraction(0)), sum((high for _, high in known), Fraction(0))
    result = known[0]
    for span in known[1:]:
        combined = _combined(tree.operation, result, span)
        if combined is None:
            return None
        result = combined
    return result if tree.operation in ("*", "/", "^", "-") else None


def _combined(operation: str, one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction] | None:
    if operation == "-":
        return one[0] - other[1], one[1] - other[0]
    if operation == "/":
        if other[0] <= 0 <= other[1]:
            return None
        other = (1 / other[1], 1 / other[0])
    elif operation == "^":
        return _powered(one, other)
    elif operation != "*":
        return None
    corners = [low * high for low in one for high in other]
    return min(corners), max(corners)


def _powered(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction] | None:
    if other[0] != other[1] or other[0].denominator != 1 or abs(other[0]) > 200:
        return None
    power = int(other[0])
    if any(abs(bound.numerator) > 10**40 or bound.denominator > 10**40 for bound in one) or (power <= 0 and one[0] <= 0 <= one[1]):
        return None
    corners = [one[0] ** power, one[1] ** power]
    if power % 2 == 0 and one[0] < 0 < one[1]:
        corners.append(Fraction(0))
    return min(corners), max(corners)
