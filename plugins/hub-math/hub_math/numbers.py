"""Numbers as people write them, by locale: one string of digits and marks to exact fractions.

Spanish has not one number format. CLDR gives a decimal comma to es (Spain), AR, BO, CL, CO, CR, EC, GQ, PY, UY and VE, with point or
space for thousands; and a decimal point to 419, MX, US and the rest (GT, HN, NI, PA, SV, DO, PR, CU), with comma for thousands. Peru
has the point in CLDR and the comma in its schoolbooks: it counts as undecided. The norm for all of them (BIPM, RAE) is either mark for
decimals and a narrow space for thousands. So the rules are:

1. A number is read in full or not at all.
2. Two different marks: the last one is the decimal mark (``1.234,56``, ``1,234.56``), whatever the locale.
3. The same mark more than once: thousands, if every group has three digits (``1.000.000``); else it is no number.
4. One mark: decimals, unless exactly three digits follow and one to three stand before that do not begin with 0 (``0,125`` has decimals).
5. What is left (``1.234``, ``12,345``) is ambiguous: first the reading of the declared locale, then the other one. Without a locale
   neither is known to be meant; the order is that of a decimal comma.
6. Spaces of any width in groups of three are thousands (``80 000``, ``1 234,5``). An apostrophe is for thousands before three digits
   (``1'234``, and millions in Mexico: ``1'234,567``), for decimals elsewhere (``3'5``, an old Spanish habit).
7. ``e5``, ``·10^5`` and ``×10⁵`` scale by a power of ten.

Ordinals (``1.º``), clock times, dates and Roman numerals are no numbers here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from hub_math import limits
from hub_math.values import Number

COMMA, POINT = ",", "."
CONVENTIONS = (COMMA, POINT)
SPACES = " \u00a0\u2000-\u200a\u202f\u205f\u3000"
DECIMAL_POINT_REGIONS = frozenset(
    ("419", "MX", "US", "GT", "HN", "NI", "PA", "SV", "DO", "PR", "CU", "BZ", "PH", "GB", "IE", "AU", "NZ", "CA", "IN")
)
UNDECIDED_REGIONS = frozenset(("PE",))
DECIMAL_POINT_LANGUAGES = frozenset(("en", "c", "posix", "zh", "ja", "ko", "he", "th"))


def number_readings(text: str, locale: str = "") -> tuple[Fraction, ...]:
    """Every admissible reading of a whole number text, the declared locale's first; () where it is no number.

    A sign before and a power of ten after the digits belong to it; units, percent signs and arithmetic do not."""
    if len(text) > limits.TEXT:
        return ()
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return ()
    power = int((found["power"] or found["times"] or "0").translate(_SUPERSCRIPTS))
    sign = -1 if found["sign"] in ("-", "−", "–") else 1
    readings = []
    own = convention_of(locale) or COMMA
    for convention in (own, POINT if own == COMMA else COMMA):
        number = numeral(found["digits"], convention, own=convention == own)
        if number is not None and abs(power) <= limits.DIGITS:
            value = sign * number.value * Fraction(10) ** power
            if value not in readings:
                readings.append(value)
    return tuple(readings)


def convention_of(locale: str) -> str:
    """The decimal mark of a locale such as ``es_AR`` or ``es-419``, ``,`` or ``.``; empty where it is not known."""
    parts = [part for part in re.split(r"[_\-.@]", locale.strip()) if part]
    if not parts:
        return ""
    language, regions = parts[0].lower(), [part.upper() for part in parts[1:] if len(part) in (2, 3)]
    if any(region in UNDECIDED_REGIONS for region in regions):
        return ""
    if language in DECIMAL_POINT_LANGUAGES:
        return POINT
    if language in ("es", "fr") and any(region in DECIMAL_POINT_REGIONS - {"CA"} for region in regions):
        return POINT
    return COMMA if language in ("es", "ca", "gl", "eu", "pt", "fr", "it", "de", "nl", "pl", "ru", "sv", "da", "nb", "fi") else ""


@dataclass(frozen=True)
class Numeral:
    """The digits of a number split at their marks."""

    whole: str
    decimals: str


def numeral(digits: str, convention: str, *, own: bool = True) -> Number | None:
    """One reading of digits with marks (``1.234,5``), without sign. None where they are no number.

    ``convention`` is the decimal mark that decides ambiguous ones; ``own`` is False for the reading that is not the writer's."""
    if digits.isdecimal():
        return Number(Fraction(int(digits))) if digits.isascii() and len(digits) <= limits.DIGITS else None
    split = _split(_ONE_SPACE.sub(" ", digits.replace("’", "'")), convention, own)
    if split is None or not (split.whole + split.decimals).isascii() or len(split.whole) + len(split.decimals) > limits.DIGITS:
        return None
    if not split.decimals:
        return Number(Fraction(int(split.whole)))
    together = (split.whole + split.decimals).lstrip("0")
    value = Fraction(int(together or "0"), 10 ** len(split.decimals))
    return Number(value, len(split.decimals), len(together))


def _split(digits: str, convention: str, own: bool) -> Numeral | None:
    groups = _MARK.split(digits)
    marks = _MARK.findall(digits)
    if not marks or not groups[-1]:
        return None
    last = marks[-1]
    if len(marks) == 1:
        whole, rest = groups
        if last == " ":
            return Numeral(whole + rest, "") if _grouped(groups) else None
        grouping = len(rest) == 3 and _grouped(groups) and (own if last == "'" else convention != last)
        return Numeral(whole + rest, "") if grouping else Numeral(whole or "0", rest)
    thousands = set(marks[:-1])
    if last in thousands or last == " " or (last == "'" and thousands != {" "}):  # one mark throughout, or groups up to the end
        return Numeral("".join(groups), "") if _one_grouping(marks) and _grouped(groups) else None
    if not (_one_grouping(marks[:-1]) and _grouped(groups[:-1])):
        return None
    if "'" in thousands and len(groups[-1]) == 3 and last != convention:  # 1'234,567 with a comma for thousands
        return Numeral("".join(groups), "")
    return Numeral("".join(groups[:-1]), groups[-1])


def _one_grouping(marks: list[str]) -> bool:
    """One mark for all groups, or apostrophes for millions and commas for thousands."""
    return len(set(marks)) == 1 or (marks[0] == "'" and set(marks[1:]) in ({","}, {"."}))


def _grouped(groups: list[str]) -> bool:
    """``1``, ``234``, ``567``: three digits in each group but the first, which does not begin with 0."""
    return 1 <= len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(group) == 3 for group in groups[1:])


_ONE_SPACE = re.compile(f"[{SPACES}]")
_MARK = re.compile(r"[.,' ]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−⁺", "0123456789--+", "{}()^")
GROUPED_BY_SPACE = rf"[0-9]{{1,3}}(?:[{SPACES}][0-9]{{3}})+(?![0-9])(?:[.,][0-9]+(?![.,]?[0-9]))?"
DIGITS = rf"(?:{GROUPED_BY_SPACE}|[0-9]+(?:[.,'’][0-9]+)*)"
_NUMBER = re.compile(
    rf"(?P<sign>[-−–+])?[{SPACES}]?(?P<digits>{DIGITS}|[.,][0-9]+)"
    r"(?:[eE](?P<power>[-−+]?[0-9]{1,4})"
    rf"|[{SPACES}]?[·×*x∙⋅][{SPACES}]?10(?P<times>\^[{{(]?[-−+]?[0-9]{{1,4}}[)}}]?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}}))?"
)
