"""Is one answer the same as another, and is a stated equality true? Certain answers only; in doubt ``unknown``.

Rules for numbers that are not the same (``got`` is the answer, ``want`` the reference):

1. Exact against exact (integers, fractions, roots, decimals that end as written on both sides): different.
2. ``want`` has decimals, ``got`` is exact or has more decimals, and rounds to ``want``: equal, ``rounded`` (1/3 for 0.33), provided
   ``want`` has two significant digits, and two decimals or a third digit; else unknown (1/3 for 0.3). Cut off, not rounded: unknown.
3. ``got`` has decimals and is ``want`` rounded or cut off to them (0.33 for 1/3): equal if it was written with ≈ and two digits, or has
   nine decimals and ten digits or more (a calculator's); else unknown.
4. Two decimals or more on both sides, or on ``got``'s, that differ by one unit of the last place of the coarser, if that is 1 % at
   most: unknown (3.99 for 4). So is a whole number for decimals, two or more, that round to it within 1 %.
5. Anything else is different. ``tolerance`` is relative and for such calculator's numbers only.

Units: both given and of one dimension, the quantities are compared; of two dimensions, different. One missing: the numbers are compared,
``missing_unit`` or ``extra_unit``, because datasets and learners leave out units all the time, and the question mostly names it; where
they differ by a power of ten or of sixty the missing unit may be another one, and that is unknown. Percent on one side only: unknown when
the number or its hundredth agrees, else different.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from hub_math import limits, quantities
from hub_math.evaluation import derivative, exact, polynomial
from hub_math.grammar import Reading, readings
from hub_math.identity import Identity, context, identical, value
from hub_math.limits import NotExact, Undefined
from hub_math.numbers import CONVENTIONS, convention_of
from hub_math.regions import NoRegion, region_of, same_region, variable_of
from hub_math.values import Call, Name, Number, Tree, Unit, Value, names_of
from hub_math.words import COMPATIBLE, FAMILY_OF

Outcome = Literal["equal", "different", "unknown"]
How = Literal["exact", "numeric", "symbolic", ""]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    outcome: Outcome
    how: How = ""
    note: str = ""
    """Why, or with which reserve: ``unit missing_unit extra_unit rounded percent order form variable incomplete extra constant chain
    locale unreadable kind``."""


EQUAL = Comparison("equal", "exact")
DIFFERENT = Comparison("different", "exact")
UNKNOWN = Comparison("unknown")


# --- texts ---------------------------------------------------------------------------------------


def same(got: str, want: str | Sequence[str], locale: str = "", want_locale: str = "", *, tolerance: float = TOLERANCE) -> Comparison:
    """Is the text ``got`` the answer ``want``, or one of several accepted ones?

    ``want_locale`` is the locale of the reference, by default that of the answer; ``C`` for numbers as programs write them.
    Equal: a reading of ``got`` agrees with the reference as its locale has it. Without a locale, an ambiguous reference must agree
    under both. Different: no reading agrees with any reading of any accepted answer, and all of that is certain."""
    if not isinstance(want, str):
        found = [same(got, one, locale, want_locale, tolerance=tolerance) for one in want]
        for outcome in ("equal", "unknown"):
            for comparison in found:
                if comparison.outcome == outcome:
                    return comparison
        return found[0] if found else UNKNOWN
    want_locale = want_locale or locale
    if _text_key(got) == _text_key(want) and _text_key(want) and convention_of(locale) == convention_of(want_locale):
        return EQUAL
    answers, references = readings(got, locale), readings(want, want_locale)
    if not answers or not references:
        return replace(UNKNOWN, note="unreadable")
    own, convention = convention_of(locale), convention_of(want_locale)
    compared = _over_readings(answers, references, own, convention, tolerance, sure=own != convention)
    brackets = [_INTERVAL.fullmatch(text.strip()) for text in (got, want)]
    if compared.outcome == "equal" and brackets[0] and brackets[1] and brackets[0].group(1, 2) != brackets[1].group(1, 2):
        return replace(UNKNOWN, note="form")  # (0, 1) and [0, 1] are the same pair, but not the same interval
    return compared


_INTERVAL = re.compile(r"(?:[^\W\d_]\s*∈\s*)?([(\[])[^()\[\]]*[,;][^()\[\]]*([)\]])")


def _text_key(text: str) -> str:
    """A text without what is never part of its meaning; words in lower case."""
    if not isinstance(text, str) or len(text) > limits.TEXT:
        return ""
    plain = " ".join((text.replace("$", " ") if text.count("$") % 2 == 0 else text).split()).strip(" .")
    return plain.casefold() if _WORDS_ONLY.fullmatch(plain) else plain


_WORDS_ONLY = re.compile(r"[^\W\d_]{4,}(?: [^\W\d_]+)*")


def _over_readings(
    answers: tuple[Reading, ...], references: tuple[Reading, ...], own: str, convention: str, tolerance: float, *, sure: bool
) -> Comparison:
    """Equal under every convention the reference may be meant in; different where all pairs of one kind are.

    ``own``: the decimal mark of the answer, where it is known: a number is read by no other, ``1.500`` in Argentina never as 1,5.
    ``sure``: the reference has a locale of its own, so that its ambiguous numbers decide those of the answer."""
    cache: dict[tuple[Value, Value], Comparison] = {}

    def compared(answer: Reading, reference: Reading) -> Comparison:
        key = answer.value, reference.value
        if key not in cache:
            cache[key] = compare(answer.value, reference.value, tolerance=tolerance)
        return cache[key]

    per_convention: list[Comparison | None] = []
    for mark in (convention,) if convention else CONVENTIONS:
        best = None
        for reference in references:
            if reference.status != "force" or mark not in reference.conventions:
                continue
            for answer in answers:
                free = sure or (not own and len(reference.conventions) == len(CONVENTIONS))
                usable = answer.status != "doubt" and (free or mark in answer.conventions)
                if usable and compared(answer, reference).outcome == "equal":
                    best = best or compared(answer, reference)
        per_convention.append(best)
    if all(best is not None for best in per_convention) and per_convention[0] is not None:
        return per_convention[0]
    if any(best is not None for best in per_convention):
        return replace(UNKNOWN, note="locale")
    return _no_equality([(answer, reference, compared(answer, reference)) for answer in answers for reference in references])


def _no_equality(pairs: list[tuple[Reading, Reading, Comparison]]) -> Comparison:
    """Different where everything that is meant is certainly different, and no unlikely reading agrees."""
    comparable = [pair for pair in pairs if pair[2].note != "kind"]
    meant = [comparison for answer, reference, comparison in comparable if answer.status == reference.status == "force"]
    for comparison in meant:
        if comparison.outcome != "different":
            return Comparison("unknown", "", comparison.note or ("locale" if comparison.outcome == "equal" else ""))
    if any(comparison.outcome == "equal" for _, _, comparison in comparable):
        return replace(UNKNOWN, note="locale")
    return meant[0] if meant else replace(UNKNOWN, note="kind")


def is_true(left: str, relation: str, right: str, locale: str = "", *, tolerance: float = TOLERANCE) -> Comparison:
    """Is a stated equality, approximation or inequality true? ``relation`` is one of ``= == ≈ ~ ≠ != < > <= >= ≤ ≥``.

    equal: true (with variables: for all their values). different: false (with variables: for none). unknown: it cannot be told, or it is
    a condition on the variables. An equals sign before a rounded number (``10/3 = 3,33``) is unknown, ``rounded``."""
    sign = {"==": "=", "≈": "~", "≃": "~", "≅": "~", "≠": "!=", "≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">="}.get(
        relation.strip(), relation.strip()
    )
    if sign not in ("=", "~", "!=", "<", ">", "<=", ">="):
        return replace(UNKNOWN, note="relation")
    convention = convention_of(locale)
    lefts, rights = readings(left, locale), readings(right, locale)
    if not lefts or not rights:
        return replace(UNKNOWN, note="unreadable")
    claim = _CLAIM.search(left) is not None or _CLAIM.search(right) is not None
    results: list[tuple[bool, Comparison]] = []
    for one in lefts:
        for other in rights:
            common = one.conventions & other.conventions
            if not common:
                continue
            certain = one.status == other.status == "force" and (not convention or convention in common)
            comparison = _holds(one.value, sign, other.value, tolerance)
            if claim and comparison.outcome == "unknown" and comparison.note == "variable" and sign == "=":
                comparison = compare(one.value, other.value, tolerance=tolerance)
            if comparison.note != "kind":
                results.append((certain, comparison))
    for certain, comparison in results:
        if certain and comparison.outcome == "equal":
            return comparison
    meant = [comparison for certain, comparison in results if certain]
    others = [comparison for certain, comparison in results if not certain]
    if meant and all(one.outcome == "different" for one in meant) and not any(one.outcome == "equal" for one in others):
        return meant[0]
    notes = [comparison.note for _, comparison in results if comparison.outcome != "different" and comparison.note]
    return Comparison("unknown", "", notes[0] if notes else "")


_CLAIM = re.compile(r"\\[dt]?frac\s*\{\s*d\s*\}|\)\s*['′]|\\sum")
"""Signs of a statement that is no condition on its variables: a derivative or a sum worked out."""

# --- stated relations ----------------------------------------------------------------------------


def _holds(left: Value, sign: str, right: Value, tolerance: float) -> Comparison:
    numbers = left.kind in ("number", "expression") and right.kind in ("number", "expression")
    if sign in ("<", ">", "<=", ">="):
        return _ordered(left, sign, right) if numbers else replace(UNKNOWN, note="kind")
    if sign == "!=":
        found = _holds(left, "=", right, tolerance)
        return replace(found, outcome={"equal": "different", "different": "equal", "unknown": "unknown"}[found.outcome])  # type: ignore[arg-type]
    if not numbers:
        if left.kind == right.kind and left.kind in ("matrix", "tuple", "antiderivative"):
            return compare(left, right, tolerance=tolerance)
        return replace(UNKNOWN, note="kind")
    if left.label or right.label:
        return replace(UNKNOWN, note="variable")
    assert left.tree is not None and right.tree is not None
    if names_of(left.tree) or names_of(right.tree):
        return _identity_holds(left, sign, right)
    if left.percent != right.percent:
        return _percent_holds(left, sign, right, tolerance)
    if sign == "~":
        return _approximately(left, right)
    found = compare(left, right, tolerance=tolerance)
    if found.note == "rounded" and found.outcome == "equal" and not (left.approximate or right.approximate):
        return Comparison("unknown", found.how, "rounded")
    return found


def _identity_holds(left: Value, sign: str, right: Value) -> Comparison:
    """With variables: true for all values, false for all values, or a condition."""
    if left.unit or right.unit or left.percent or right.percent:
        return replace(UNKNOWN, note="variable")
    assert left.tree is not None and right.tree is not None
    found = identical(left.tree, right.tree)
    if found.outcome == "equal":
        return Comparison("equal", found.how)
    if sign == "=" and found.outcome == "different" and _constant_difference(left.tree, right.tree):
        return Comparison("different", found.how)
    return replace(UNKNOWN, note="variable")


def _constant_difference(one: Tree, other: Tree) -> bool:
    """The sides of an equation differ by the same number, not 0, whatever its variables are."""
    try:
        left, right = polynomial(one), polynomial(other)
        rest = {monomial for monomial in {*left, *right} if left.get(monomial) != right.get(monomial)}
        return rest == {()}
    except (NotExact, Undefined):
        return False


def _percent_holds(left: Value, sign: str, right: Value, tolerance: float) -> Comparison:
    """``0,25 = 25 %`` is true; ``25 = 25 %`` is loose talk."""
    found = _holds(_fraction_of(left), sign, _fraction_of(right), tolerance)
    if found.outcome == "different":
        loose = _holds(replace(left, percent=False), sign, replace(right, percent=False), tolerance)
        if loose.outcome != "different":
            return replace(UNKNOWN, note="percent")
    return found


def _fraction_of(answer: Value) -> Value:
    if not answer.percent or answer.tree is None:
        return answer
    plain = _decimal_of(answer.tree)
    if plain is not None and plain.decimals is not None:
        return replace(answer, percent=False, tree=Number(plain.value / 100, plain.decimals + 2, plain.digits))
    return replace(answer, percent=False, tree=Call("/", (answer.tree, Number(Fraction(100)))))


def _approximately(left: Value, right: Value) -> Comparison:
    """True: equal to within one unit of the last decimal written, or half a unit of a whole number. False: off by more than a tenth."""
    found = compare(replace(left, approximate=True), replace(right, approximate=True))
    if found.outcome == "equal":
        return found
    scaled = _scaled(left, right)
    if scaled is None:
        return found if found.outcome == "different" and found.note == "unit" else UNKNOWN
    one, other = scaled
    gap, size = abs(one - other), max(abs(one), abs(other))
    written = [_last_place(answer.tree) for answer in (left, right) if answer.tree is not None]
    near = any(place is not None and place <= size / 5 and gap <= place / (2 if place >= 1 else 1) for place in written)
    if near and (left.unit == right.unit or not (left.unit and right.unit)):
        return Comparison("equal", "numeric", "rounded")
    return Comparison("different", "numeric") if gap * 10 > size and found.outcome == "different" else replace(UNKNOWN, note="rounded")


def _last_place(tree: Tree) -> Fraction | None:
    """One unit of the last digit that a number was written to; trailing zeros of a whole number are not counted as written."""
    number = _decimal_of(tree)
    if number is None:
        return None
    if number.decimals is not None:
        return Fraction(10) ** -number.decimals
    if number.value.denominator != 1 or number.value == 0:
        return None
    zeros = len(str(number.value.numerator)) - len(str(number.value.numerator).rstrip("0"))
    return Fraction(10) ** zeros


def _scaled(left: Value, right: Value) -> tuple[Any, Any] | None:
    """Both as numbers in the same unit, exact where possible."""
    one, other = _quantity(left), _quantity(right)
    if left.unit is None or right.unit is None:
        one, other = left.tree, right.tree
    first, second = _number(one), _number(other)
    if first is None or second is None:
        return None
    return first, second


def _number(tree: Tree | None) -> Any | None:
    """A real number: a Fraction where it is rational, else one of mpmath's turned into a Fraction of 30 digits."""
    if tree is None:
        return None
    try:
        return exact(tree)
    except Undefined:
        return None
    except NotExact:
        pass
    found = value(tree, 40)
    if found is None or abs(found.imag) > abs(found) * context(40).mpf(10) ** -30:
        return None
    return _fraction(found.real)


def _fraction(number: Any) -> Fraction:
    """The exact value of an mpmath number."""
    sign, mantissa, power, _ = number._mpf_
    whole = Fraction(-int(mantissa) if sign else int(mantissa))
    return whole * Fraction(2) ** power if abs(power) < 20_000 else whole * 0


def _ordered(left: Value, sign: str, right: Value) -> Comparison:
    if left.percent or right.percent:
        left, right = _fraction_of(left), _fraction_of(right)
    assert left.tree is not None and right.tree is not None
    if names_of(left.tree) or names_of(right.tree):
        return replace(UNKNOWN, note="variable")
    if (left.unit is None) != (right.unit is None) or (left.unit and right.unit and quantities.agree(left.unit, right.unit) != "same"):
        return replace(UNKNOWN, note="unit")
    same_value = compare(replace(left, approximate=False), replace(right, approximate=False))
    numbers = _scaled(left, right)
    if numbers is None:
        return UNKNOWN
    one, other = numbers
    close = abs(one - other) * 1000 < abs(one) + abs(other)
    if close and (same_value.outcome == "unknown" or same_value.note == "rounded"):
        return UNKNOWN
    true = {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}[sign]
    if same_value.outcome == "equal":
        true = "=" in sign
    return Comparison("equal" if true else "different", "exact" if isinstance(one, Fraction) else "numeric")


# --- values --------------------------------------------------------------------------------------


def compare(got: Value, want: Value, *, tolerance: float = TOLERANCE) -> Comparison:
    """Are two values the same answer? ``kind`` as note: they are of kinds that cannot be compared."""
    if got == want:
        return EQUAL
    if _labels_clash(got.label, want.label):
        return replace(UNKNOWN, note="variable")
    kinds = got.kind, want.kind
    if kinds == ("word", "word"):
        return _words(got.word, want.word)
    if "word" in kinds:
        return _word_and_other(got, want)
    if "symbolic" in kinds:
        return replace(UNKNOWN, note="symbolic")
    if kinds[0] in _PLAIN and kinds[1] in _PLAIN:
        return _with_chain(got, _plain_values(got, want, tolerance))
    if "antiderivative" in kinds:
        return _antiderivatives(got, want)
    if "equation" in kinds:
        return _equations(got, want)
    if kinds[0] in _REGIONS and kinds[1] in _REGIONS:
        return _regions(got, want)
    if kinds == ("matrix", "matrix"):
        return _matrices(got, want)
    if "matrix" in kinds and "tuple" in kinds:
        return _matrix_and_tuple(got, want)
    if kinds == ("tuple", "tuple"):
        return _tuples(got.members, want.members, tolerance)
    if kinds[0] in _COLLECTIONS and kinds[1] in _COLLECTIONS:
        return _collections(got, want, tolerance)
    return replace(UNKNOWN, note="kind")


_PLAIN = ("number", "expression")
_REGIONS = ("interval", "inequality")
_COLLECTIONS = ("set", "system", "tuple", "number", "expression", "interval")


def _labels_clash(one: str, other: str) -> bool:
    """Both say what the answer is, with variables that differ: ``x = 2`` and ``y = 2``."""
    first, second = (_LABEL_SPACE.sub("", label).casefold() for label in (one, other))
    if not first or not second or first == second:
        return False
    return all(_VARIABLE.fullmatch(label) is not None for label in (first, second))


_LABEL_SPACE = re.compile(r"[\s{}]")
_VARIABLE = re.compile(r"[^\W\d_](?:_\(?[^\W_]{1,3}\)?)?")


def _with_chain(got: Value, found: Comparison) -> Comparison:
    """A right result at the end of a chain of equalities of which one is false."""
    if found.outcome != "equal" or len(got.chain) < 2:
        return found
    for left, symbol, right in zip(got.chain, got.symbols, got.chain[1:], strict=False):
        if _holds(Value("number", tree=left), symbol, Value("number", tree=right), TOLERANCE).outcome == "different":
            return replace(found, note="chain")
    return found


# --- numbers and expressions ---------------------------------------------------------------------


def _plain_values(got: Value, want: Value, tolerance: float) -> Comparison:
    if got.percent != want.percent:
        return _percent(got, want, tolerance)
    if got.unit is not None and want.unit is not None:
        return _both_units(got, want, tolerance)
    if got.unit is not None or want.unit is not None:
        return _one_unit(got, want, tolerance)
    return _bare(got, want, tolerance)


def _percent(got: Value, want: Value, tolerance: float) -> Comparison:
    as_number = _plain_values(replace(got, percent=False), replace(want, percent=False), tolerance)
    as_share = _plain_values(_fraction_of(got), _fraction_of(want), tolerance)
    if as_number.outcome == as_share.outcome == "different":
        return replace(as_number, note="percent")
    return replace(UNKNOWN, note="percent")


def _both_units(got: Value, want: Value, tolerance: float) -> Comparison:
    assert got.unit is not None and want.unit is not None
    agreement = quantities.agree(got.unit, want.unit)
    plain = (replace(got, unit=None), replace(want, unit=None))
    if agreement == "same":
        if (got.unit.scale, got.unit.turns_pi) == (want.unit.scale, want.unit.turns_pi):
            return _bare(*plain, tolerance)
        found = _bare(replace(plain[0], tree=_quantity(got)), replace(plain[1], tree=_quantity(want)), tolerance)
        return replace(found, note=found.note or "unit")
    numbers = _bare(*plain, tolerance)
    if {*dict(got.unit.dimensions), *dict(want.unit.dimensions)} <= quantities.TEMPERATURES:
        apart = numbers.outcome == "equal" and _number(got.tree) != -40
        return Comparison("different", "exact", "unit") if apart else replace(UNKNOWN, note="unit")
    if _is_degrees(got.unit) != _is_degrees(want.unit) and _is_temperature(got.unit) != _is_temperature(want.unit):
        return (
            replace(numbers, note="unit") if _is_degrees(got.unit) or _is_degrees(want.unit) else Comparison("different", "exact", "unit")
        )
    if {"$", "peso"} == {got.unit.noun, want.unit.noun} and agreement == "unknown" and numbers.outcome == "equal":
        return replace(numbers, note="unit")  # $ 600 and 600 pesos
    if agreement == "different":
        return Comparison("different", "exact", "unit")
    counted_alike = got.unit.dimensions == want.unit.dimensions  # 18 huevos and 19 unidades; not 50 centavos and 0,5 pesos
    return replace(numbers, note="unit") if numbers.outcome == "different" and counted_alike else replace(UNKNOWN, note="unit")


def _is_degrees(unit: Unit) -> bool:
    """``°`` or ``grados``: of an angle, or of a temperature."""
    return unit.turns_pi == 1 and unit.scale == Fraction(1, 180)


def _is_temperature(unit: Unit) -> bool:
    return {*dict(unit.dimensions)} <= quantities.TEMPERATURES and bool(unit.dimensions)


def _quantity(answer: Value) -> Tree | None:
    """The tree in base units; decimals stay decimals."""
    if answer.unit is None or answer.tree is None:
        return answer.tree
    number = _decimal_of(answer.tree)
    scale = answer.unit.scale
    if number is not None and not answer.unit.turns_pi:
        places = _power_of_ten(scale)
        if number.decimals is None or places is None:
            return Number(number.value * scale, None if number.decimals is None else number.decimals, number.digits)
        return Number(number.value * scale, number.decimals - places, number.digits)
    tree: Tree = answer.tree if scale == 1 else Call("*", (answer.tree, Number(scale)))
    return Call("*", (tree, Name("pi"))) if answer.unit.turns_pi else tree


def _power_of_ten(number: Fraction) -> int | None:
    for power in range(-18, 19):
        if number == Fraction(10) ** power:
            return power
    return None


def _one_unit(got: Value, want: Value, tolerance: float) -> Comparison:
    """The numbers decide; a missing unit may be another one where they are off by a usual factor."""
    note = "missing_unit" if got.unit is None else "extra_unit"
    unit = got.unit or want.unit
    bare = got if got.unit is None else want
    if (
        bare.tree is not None
        and names_of(bare.tree)
        and not (got.tree is not None and want.tree is not None and names_of(got.tree) and names_of(want.tree))
    ):
        return replace(UNKNOWN, note="unit")  # a letter may be a unit
    found = _bare(replace(got, unit=None), replace(want, unit=None), tolerance)
    if found.outcome == "equal":
        if unit is not None and "dozen" in dict(unit.dimensions):
            return replace(UNKNOWN, note="unit")
        return replace(found, note=found.note if found.note == "rounded" else note)
    if unit is not None and dict(unit.dimensions).keys() == {"angle"}:
        radians = _bare(replace(got, unit=None, tree=_quantity(got)), replace(want, unit=None, tree=_quantity(want)), tolerance)
        if radians.outcome != "different":
            return replace(radians, note=note)
    if found.outcome == "different":
        numbers = _number(got.tree), _number(want.tree)
        if numbers[0] and numbers[1] and unit is not None and "noun" not in dict(unit.dimensions):
            ratio = abs(numbers[0] / numbers[1])
            if max(ratio, 1 / ratio) in _USUAL_FACTORS:
                return replace(UNKNOWN, note=note)
        return replace(found, note=note)
    return replace(found, note=note)


_USUAL_FACTORS = frozenset(
    Fraction(factor) for factor in (10, 100, 1000, 10**4, 10**5, 10**6, 10**9, 60, 3600, 24, 7, 12, 30, 365, 1440, Fraction(18, 5))
)


def _bare(got: Value, want: Value, tolerance: float) -> Comparison:
    assert got.tree is not None and want.tree is not None
    found = identical(got.tree, want.tree)
    if found.outcome == "equal":
        return Comparison("equal", found.how, "form" if _other_form(got.tree, want.tree) else "")
    if found.outcome == "different" and (_with_letter(got.tree, want.tree) or _with_letter(want.tree, got.tree)):
        return replace(UNKNOWN, note="unit")
    if names_of(got.tree) or names_of(want.tree):
        return Comparison(found.outcome, found.how, "variable" if found.outcome == "unknown" else "")
    return _rounded(got, want, found, tolerance)


def _with_letter(tree: Tree, number: Tree) -> bool:
    """``5 p`` against ``5``: the same number times a letter that is hardly a variable, so perhaps a unit."""
    if not isinstance(tree, Call) or tree.operation != "*" or not isinstance(tree.arguments[1], Name) or names_of(number):
        return False
    return tree.arguments[1].name not in _USUAL_VARIABLES and identical(tree.arguments[0], number, symbolic=False).outcome == "equal"


_USUAL_VARIABLES = frozenset("xyzabcnkrijπ") | {"pi", "e"}


def _other_form(got: Tree, want: Tree) -> bool:
    """The same, but a product for a sum or the reverse, or a fraction that is not in lowest terms."""
    if names_of(got):
        return isinstance(got, Call) and isinstance(want, Call) and {got.operation, want.operation} in ({"+", "*"}, {"+", "^"}, {"+", "/"})
    return _is_reducible(got) and not _is_reducible(want)


def _is_reducible(tree: Tree) -> bool:
    if not isinstance(tree, Call) or tree.operation != "/":
        return False
    top, bottom = tree.arguments
    if not isinstance(top, Number) or not isinstance(bottom, Number) or top.value.denominator != 1 or bottom.value.denominator != 1:
        return False
    return math.gcd(int(top.value), int(bottom.value)) > 1


def _rounded(got: Value, want: Value, found: Identity, tolerance: float) -> Comparison:
    """The rules of the module's docstring for two numbers that are not the same."""
    assert got.tree is not None and want.tree is not None
    result = Comparison(found.outcome, found.how)
    got_written, want_written = _decimal_of(got.tree), _decimal_of(want.tree)
    got_decimals = got_written.decimals if got_written is not None else None
    want_decimals = want_written.decimals if want_written is not None else None
    if got_decimals is None and want_decimals is None and not got.approximate:
        if want.approximate and want_written is not None and found.outcome == "different":
            want_decimals = 0
        else:
            return result
    one, other = _number(got.tree), _number(want.tree)
    if one is None or other is None:
        return result if found.outcome == "unknown" else replace(UNKNOWN, note="rounded")
    gap, size = abs(one - other), max(abs(one), abs(other))
    if size == 0 or found.outcome == "equal":
        return result
    if (_is_float(got_written) or _is_float(want_written)) and gap <= Fraction(tolerance) * size:
        return Comparison("equal", "numeric", "rounded")
    unknown = Comparison("unknown", "", "rounded")
    if want_written is not None and want_decimals is not None and (got_decimals is None or got_decimals > want_decimals):  # rule 2
        if _rounds_to(one, other, want_decimals):
            if got_written is not None and got_decimals is None and got_written.value.denominator == 1:
                return result  # a whole number is not rounded to decimals
            fine = want_written.digits >= 2 and (want_decimals >= 2 or want_written.digits >= 3 or want.approximate)
            return Comparison("equal", "numeric", "rounded") if fine else unknown
        if _cut_off(one, other, want_decimals):
            return unknown
    if got_written is not None and (got_decimals is not None or got.approximate):  # rule 3
        decimals = got_decimals or 0
        digits = got_written.digits if got_decimals is not None else len(str(abs(got_written.value.numerator)))
        rounds, cut = _rounds_to(other, one, decimals), _cut_off(other, one, decimals)
        if (rounds or cut) and _is_float(got_written):
            return Comparison("equal", "numeric", "rounded")
        if rounds and got.approximate and digits >= 2:
            return Comparison("equal", "numeric", "rounded")
        if (rounds or cut) and (decimals or gap * 100 <= size):
            return unknown
    whole_for_decimals = got_decimals is None and got_written is not None and want_decimals is not None and want_decimals >= 2
    if whole_for_decimals and gap * 100 <= size and (_rounds_to(other, one, 0) or _cut_off(other, one, 0)):
        return unknown
    places = [decimals for decimals in (got_decimals, want_decimals) if decimals is not None]
    if got_decimals is not None and min(places) >= 2 and gap <= Fraction(10) ** -min(places) and gap * 100 <= size:  # rule 4
        return unknown
    return result


def _is_float(number: Number | None) -> bool:
    """Written as calculators and programs write: nine decimals or more, ten digits or more."""
    return number is not None and number.decimals is not None and number.decimals >= 9 and number.digits >= 10


def _decimal_of(tree: Tree) -> Number | None:
    """The number that a tree writes out, its sign in front."""
    if isinstance(tree, Number):
        return tree
    if isinstance(tree, Call) and tree.operation == "neg" and isinstance(tree.arguments[0], Number):
        inner = tree.arguments[0]
        return Number(-inner.value, inner.decimals, inner.digits)
    return None


def _rounds_to(number: Fraction, written: Fraction, decimals: int) -> bool:
    """``written`` is ``number`` rounded to so many decimals, halves either way."""
    return abs(number - written) * 2 <= Fraction(10) ** -decimals


def _cut_off(number: Fraction, written: Fraction, decimals: int) -> bool:
    """``written`` is ``number`` with its further decimals left out."""
    return abs(number) >= abs(written) and abs(number - written) < Fraction(10) ** -decimals


# --- words ---------------------------------------------------------------------------------------


def _words(got: str, want: str) -> Comparison:
    if got == want:
        return EQUAL
    if got.startswith("opción") and want.startswith("opción"):
        return DIFFERENT
    family = FAMILY_OF.get(got)
    if family is not None and family == FAMILY_OF.get(want) and frozenset((got, want)) not in COMPATIBLE:
        mixed = {"verdadero": "truth", "falso": "truth", "sí": "answer", "no": "answer"}
        if mixed.get(got, "") == mixed.get(want, ""):
            return DIFFERENT
        return DIFFERENT if {got, want} in ({"verdadero", "no"}, {"falso", "sí"}) else UNKNOWN
    return replace(UNKNOWN, note="kind")


def _word_and_other(got: Value, want: Value) -> Comparison:
    word, other = (got, want) if got.kind == "word" else (want, got)
    if word.word == "sin solución":
        try:
            if other.kind in _REGIONS and region_of(other) == ():
                return EQUAL
        except NoRegion:
            return replace(UNKNOWN, note="kind")
        if other.kind == "number" and other.tree is not None and _number(other.tree) == 0:
            return replace(UNKNOWN, note="kind")  # the number of solutions
        if other.kind in ("number", "set", "system", "interval", "inequality", "tuple"):
            return DIFFERENT
    if word.word == "infinitas soluciones" and other.kind in ("number", "set", "tuple"):
        return DIFFERENT if other.tree is None or not _is_infinite(other.tree) else replace(UNKNOWN, note="kind")
    if word.word in ("no existe", "no definido") and other.kind in ("number", "set", "tuple", "expression"):
        return DIFFERENT if other.tree is None or not _is_infinite(other.tree) else replace(UNKNOWN, note="kind")
    return replace(UNKNOWN, note="kind")


def _is_infinite(tree: Tree) -> bool:
    return tree in (Name("oo"), Call("neg", (Name("oo"),)))


# --- antiderivatives and equations ---------------------------------------------------------------


def _antiderivatives(got: Value, want: Value) -> Comparison:
    """Functions with a constant of integration are the same where their derivatives are."""
    if want.kind == "antiderivative" and got.kind == "expression" and got.tree is not None:
        constant = _free_constant(got.tree, want)
        if constant:
            got = replace(got, kind="antiderivative", tree=_drop(got.tree, constant), constant=constant)
    if got.kind != "antiderivative" or want.kind != "antiderivative":
        pair = [answer for answer in (got, want) if answer.kind not in ("antiderivative", "expression", "number")]
        if pair or got.tree is None or want.tree is None:
            return replace(UNKNOWN, note="kind")
        found = _derivatives(got.tree, want.tree)
        return replace(found, note="constant") if found.outcome == "different" else replace(UNKNOWN, note="constant")
    assert got.tree is not None and want.tree is not None
    return _derivatives(got.tree, want.tree)


def _derivatives(one: Tree, other: Tree) -> Comparison:
    names = names_of(one) | names_of(other)
    variable = next(iter(names)) if len(names) == 1 else next((name for name in ("x", "t", "u", "y", "z", "θ") if name in names), "")
    if not variable:
        return UNKNOWN
    try:
        found = identical(derivative(one, variable), derivative(other, variable))
    except NotExact:
        return UNKNOWN
    return Comparison(found.outcome, found.how)


def _free_constant(tree: Tree, want: Value) -> str:
    """A letter added to an answer that the reference does not know: its constant under another name (``+ c``)."""
    if want.tree is None or not isinstance(tree, Call) or tree.operation != "+":
        return ""
    for part in tree.arguments:
        if isinstance(part, Name) and part.name not in names_of(want.tree) and part.name not in ("pi", "e", "i", "oo", "x", "t"):
            rest = tree.arguments[0] if part is tree.arguments[1] else tree.arguments[1]
            if part.name not in names_of(rest):
                return part.name
    return ""


def _drop(tree: Tree, constant: str) -> Tree:
    assert isinstance(tree, Call)
    return tree.arguments[0] if tree.arguments[1] == Name(constant) else tree.arguments[1]


def _equations(got: Value, want: Value) -> Comparison:
    """Equations are the same where one side minus the other is, up to a factor; linear ones are different otherwise."""
    one, other = _difference_of(got), _difference_of(want)
    if one is None or other is None:
        return replace(UNKNOWN, note="kind")
    found = _proportional(one, other)
    if found.outcome == "equal" and got.kind != want.kind:
        solved = want.kind in _PLAIN and (want.tree is None or not names_of(want.tree))
        return replace(UNKNOWN if solved else found, note="form")  # 2x = 4 is not yet x = 2
    return found


def _difference_of(answer: Value) -> Tree | None:
    """Left side minus right side of an equation, or of ``y = ...``."""
    if answer.kind == "equation" and answer.symbols == ("=",):
        return Call("+", (answer.relation[0], Call("neg", (answer.relation[1],))))
    if answer.kind in _PLAIN and answer.tree is not None and answer.label and not answer.unit and not answer.percent:
        return Call("+", (Name("y" if _FUNCTION_LABEL.fullmatch(answer.label) else answer.label), Call("neg", (answer.tree,))))
    return None


_FUNCTION_LABEL = re.compile(r"[fgh]\(x\)")


def _proportional(one: Tree, other: Tree) -> Comparison:
    try:
        first, second = polynomial(one), polynomial(other)
    except Undefined:
        return UNKNOWN
    except NotExact:
        return _ratio_is_constant(one, other)
    if not first or not second:
        return UNKNOWN
    if set(first) == set(second):
        ratios = {first[monomial] / second[monomial] for monomial in first}
        if len(ratios) == 1:
            return EQUAL
    linear = all(sum(power for _, power in monomial) <= 1 for monomial in {*first, *second})
    renamed = names_of(one) != names_of(other)
    return DIFFERENT if linear and not renamed else UNKNOWN


def _ratio_is_constant(one: Tree, other: Tree) -> Comparison:
    """For equations with roots, fractions and functions: the ratio of the differences is the same number at all points."""
    if names_of(one) != names_of(other):
        return UNKNOWN
    shift = {name: Call("+", (Name(name), Number(Fraction(number + 2, 3)))) for number, name in enumerate(sorted(names_of(one)))}
    left = Call("*", (one, _substituted(other, shift)))
    right = Call("*", (other, _substituted(one, shift)))
    found = identical(left, right, symbolic=False)
    return Comparison("equal", found.how) if found.outcome == "equal" else UNKNOWN


def _substituted(tree: Tree, names: dict[str, Call]) -> Tree:
    if isinstance(tree, Name):
        return names.get(tree.name, tree)
    if isinstance(tree, Call):
        return Call(tree.operation, tuple(_substituted(argument, names) for argument in tree.arguments))
    return tree


# --- intervals and inequalities ------------------------------------------------------------------


def _regions(got: Value, want: Value) -> Comparison:
    first, second = variable_of(got), variable_of(want)
    if first and second and _labels_clash(first, second):
        return replace(UNKNOWN, note="variable")
    try:
        equal = same_region(region_of(got), region_of(want))
    except NoRegion:
        return _same_sides(got, want)
    return Comparison("equal" if equal else "different", "exact", "" if got.kind == want.kind else "form")


def _same_sides(got: Value, want: Value) -> Comparison:
    """Sets with letters in their bounds, inequalities in several variables: equal where each part is; never different."""
    if got.kind == want.kind == "inequality" and not got.members and not want.members:
        for symbols, sides in ((want.symbols, want.relation), (tuple(_TURNED[s] for s in reversed(want.symbols)), want.relation[::-1])):
            pairs = zip(got.relation, sides, strict=True) if got.symbols == symbols and len(got.relation) == len(sides) else None
            if pairs is not None and all(identical(a, b, symbolic=False).outcome == "equal" for a, b in pairs):
                return EQUAL
        if len(got.symbols) == len(want.symbols) == 1:
            return _proportional_inequality(got, want)
    if got.kind == want.kind == "interval" and len(got.pieces) == len(want.pieces) == 1:
        a, b = got.pieces[0], want.pieces[0]
        found = [identical(x, y, symbolic=False).outcome for x, y in ((a.low, b.low), (a.high, b.high))]
        if found == ["equal", "equal"]:
            return EQUAL if (a.low_closed, a.high_closed) == (b.low_closed, b.high_closed) else DIFFERENT
    return UNKNOWN


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "=", "~": "~"}


def _proportional_inequality(got: Value, want: Value) -> Comparison:
    try:
        first = polynomial(Call("+", (got.relation[0], Call("neg", (got.relation[1],)))))
        second = polynomial(Call("+", (want.relation[0], Call("neg", (want.relation[1],)))))
    except (NotExact, Undefined):
        return UNKNOWN
    if first and set(first) == set(second):
        ratios = {first[monomial] / second[monomial] for monomial in first}
        if len(ratios) == 1:
            symbol = want.symbols[0] if next(iter(ratios)) > 0 else _TURNED[want.symbols[0]]
            return EQUAL if got.symbols[0] == symbol else DIFFERENT
    return UNKNOWN


# --- collections ---------------------------------------------------------------------------------


def _tuples(got: Sequence[Value], want: Sequence[Value], tolerance: float) -> Comparison:
    """Member by member, in order."""
    if len(got) != len(want):
        return DIFFERENT
    return _worst(compare(one, other, tolerance=tolerance) for one, other in zip(got, want, strict=True))


def _worst(comparisons: Iterable[Comparison]) -> Comparison:
    found = list(comparisons)
    for comparison in found:
        if comparison.outcome == "different" and comparison.note != "kind":
            return comparison
    for comparison in found:
        if comparison.outcome == "unknown":
            return comparison
    noted = [comparison for comparison in found if comparison.note]
    inexact = [comparison for comparison in found if comparison.how != "exact"]
    return noted[0] if noted else inexact[0] if inexact else EQUAL


def _collections(got: Value, want: Value, tolerance: float) -> Comparison:
    kinds = {got.kind, want.kind}
    if "interval" in kinds:
        return _set_and_interval(got, want)
    if kinds == {"set"}:
        return _sets(got, want, tolerance)
    if kinds == {"system"}:
        return _systems(got, want, tolerance)
    if kinds & {"number", "expression"}:
        return _single_and_many(got, want, tolerance)
    if kinds == {"system", "tuple"} or kinds == {"system", "set"}:
        return _system_and_list(got, want, tolerance)
    listed = got if got.kind == "set" else want  # a set and a tuple
    if listed.ordered:
        found = _tuples(got.members, want.members, tolerance)
        return replace(found, note=found.note or "form") if found.outcome == "equal" else replace(UNKNOWN, note="form")
    return replace(UNKNOWN, note="form")


def _set_and_interval(got: Value, want: Value) -> Comparison:
    try:
        equal = same_region(region_of(got), region_of(want))
    except NoRegion:
        return replace(UNKNOWN, note="kind")
    return replace(EQUAL, note="form") if equal else replace(UNKNOWN, note="kind")


def _sets(got: Value, want: Value, tolerance: float) -> Comparison:
    """Without regard to order and repetition, except where both are bare lists in another order."""
    table = [[compare(one, other, tolerance=tolerance) for other in want.members] for one in got.members]
    if got.ordered and want.ordered and len(got.members) == len(want.members):
        straight = _worst(table[index][index] for index in range(len(table)))
        if straight.outcome == "equal":
            return straight
    got_matched = [any(cell.outcome == "equal" for cell in row) for row in table]
    want_matched = [any(row[column].outcome == "equal" for row in table) for column in range(len(want.members))]
    if all(got_matched) and all(want_matched):
        if got.ordered and want.ordered:
            return replace(UNKNOWN, note="order")
        return _worst(next(cell for cell in row if cell.outcome == "equal") for row in table)
    if any(member.kind == "equation" for member in (*got.members, *want.members)):
        return UNKNOWN  # n = 7, n + 1 = 8: what its members are worth would have to be worked out
    want_lost = [
        all(row[column].outcome == "different" or row[column].note == "kind" for row in table)
        for column in range(len(want.members))
        if not want_matched[column]
    ]
    got_lost = [
        all(cell.outcome == "different" or cell.note == "kind" for cell in row)
        for row, matched in zip(table, got_matched, strict=True)
        if not matched
    ]
    if any(want_lost) or any(got_lost):
        note = "incomplete" if all(got_matched) else "extra" if all(want_matched) else ""
        return replace(DIFFERENT, note=note)
    notes = [cell.note for row in table for cell in row if cell.outcome == "unknown" and cell.note]
    return replace(UNKNOWN, note=notes[0] if notes else "")


_ROOT_LETTERS = frozenset("xztλ")


def _systems(got: Value, want: Value, tolerance: float) -> Comparison:
    """By label; ``x_1`` and ``x_2`` name the roots of one equation in any order."""
    first, second = _by_label(got), _by_label(want)
    if first is None or second is None:
        return _equation_systems(got, want, tolerance)
    if first.keys() != second.keys():
        if first.keys() < second.keys() and all(compare(first[label], second[label]).outcome == "equal" for label in first):
            return replace(DIFFERENT, note="incomplete")
        return replace(UNKNOWN, note="variable")
    found = _worst(compare(first[label], second[label], tolerance=tolerance) for label in first)
    roots = {label.split("_")[0] for label in first}
    if found.outcome != "equal" and len(roots) == 1 and all("_" in label for label in first):
        anyhow = _sets(_unlabelled(got), _unlabelled(want), tolerance)
        if anyhow.outcome == "equal" and roots <= _ROOT_LETTERS:
            return replace(anyhow, note="order")
        if anyhow.outcome != "different":
            return replace(UNKNOWN, note="order")
    return found


def _unlabelled(answer: Value) -> Value:
    return Value("set", answer.text, members=tuple(replace(member, label="", text="") for member in answer.members))


def _by_label(answer: Value) -> dict[str, Value] | None:
    labels = {_LABEL_SPACE.sub("", member.label): replace(member, text="") for member in answer.members}
    return labels if len(labels) == len(answer.members) and "" not in labels else None


def _equation_systems(got: Value, want: Value, tolerance: float) -> Comparison:
    found = _sets(_plain_set(got), _plain_set(want), tolerance)
    return found if found.outcome == "equal" else UNKNOWN


def _plain_set(answer: Value) -> Value:
    return Value("set", answer.text, members=answer.members)


def _single_and_many(got: Value, want: Value, tolerance: float) -> Comparison:
    """One number against a set of several: incomplete or too much, unless the set is a bare list that may be anything."""
    many = want if want.kind in ("set", "system", "tuple") else got
    single = got if many is want else want
    if many.kind == "system":
        return _single_and_system(got, want, single, many, tolerance)
    if many.kind != "set":
        return replace(UNKNOWN, note="kind")
    found = [compare(single, member, tolerance=tolerance) for member in many.members]
    if not many.ordered and all(comparison.outcome == "equal" for comparison in found):
        return found[0]
    if many.ordered or any(comparison.outcome == "unknown" for comparison in found):
        return replace(UNKNOWN, note="incomplete" if many is want else "extra")
    if any(comparison.outcome == "equal" for comparison in found):
        return replace(DIFFERENT, note="incomplete" if many is want else "extra")
    return DIFFERENT


def _single_and_system(got: Value, want: Value, single: Value, many: Value, tolerance: float) -> Comparison:
    if many is want or not single.label:
        return replace(UNKNOWN, note="incomplete" if many is want else "extra")
    member = next((member for member in many.members if member.label == single.label), None)
    if member is None:
        return replace(UNKNOWN, note="variable")
    found = compare(member, single, tolerance=tolerance)
    return replace(found, note="extra") if found.outcome == "equal" else found


def _system_and_list(got: Value, want: Value, tolerance: float) -> Comparison:
    """``x = 1, y = 5`` and ``(1, 5)``: in the order written, and in that of the alphabet."""
    system, plain = (got, want) if got.kind == "system" else (want, got)
    labelled = plain.kind == "set" and bool(plain.label)
    if labelled or len(system.members) != len(plain.members) or any(not member.label for member in system.members):
        return replace(UNKNOWN, note="form")
    written = tuple(replace(member, label="") for member in system.members)
    in_alphabet = tuple(replace(member, label="") for member in sorted(system.members, key=lambda member: member.label))
    order = in_alphabet if plain.kind == "tuple" else written
    found = _tuples(order, tuple(replace(member, label="") for member in plain.members), tolerance)
    if found.outcome == "equal":
        return replace(found, note="form")
    return replace(found, note="form") if plain.kind == "tuple" and found.outcome == "different" else replace(UNKNOWN, note="form")


# --- matrices ------------------------------------------------------------------------------------


def _matrices(got: Value, want: Value) -> Comparison:
    if [len(row) for row in got.rows] != [len(row) for row in want.rows]:
        return DIFFERENT
    pairs = [(a, b) for one, other in zip(got.rows, want.rows, strict=True) for a, b in zip(one, other, strict=True)]
    return _worst(_bare(Value("number", tree=a), Value("number", tree=b), TOLERANCE) for a, b in pairs)


def _matrix_and_tuple(got: Value, want: Value) -> Comparison:
    """A column or row against its members."""
    matrix, plain = (got, want) if got.kind == "matrix" else (want, got)
    cells = [cell for row in matrix.rows for cell in row]
    if 1 not in (len(matrix.rows), len(matrix.rows[0])) or len(cells) != len(plain.members):
        return replace(UNKNOWN, note="kind")
    members = [Value("number" if not names_of(cell) else "expression", tree=cell) for cell in cells]
    found = _tuples(members, plain.members, TOLERANCE)
    return replace(found, note=found.note or "form")
