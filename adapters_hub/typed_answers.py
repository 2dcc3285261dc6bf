"""Other ways to write what a student typed: as a model answer would write it, without changing what it says.

A person at a prompt types ``85`` where per cent were asked for, ``x2`` for a power and ``10x10`` for two sides. Whether a reading is right
is for the validator to say. Knows no validator and no question's topic; learners write Spanish.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

LONGEST = 120
"""Characters of an answer that is read in other ways: a longer one was written, not just typed."""

_NUMBER = r"[-−]?\d+(?:[.,]\d+)?"
_AROUND = re.compile(
    r"^(?:(?:no|s[ií])\s*[,;:.]\s*|(?:creo que|yo digo|pues|entonces)\s+)?"
    r"(?:(?:me\s+)?(?:da|sale|queda|sali[oó])|son|es|ser[ií]an?|tengo|tiene)?\s*:?\s+(?=[-−(√\d]|[a-z]\s*=)",
    re.IGNORECASE,
)
_REASON = re.compile(r"[,;]?\s+(?:porque|ya que|pues|puesto que|pq)\s.*$", re.IGNORECASE | re.DOTALL)
_COMPARED = re.compile(
    rf"({_NUMBER}(?:/\d+)?)\s+es\s+(?:(?:el|la)\s+)?((?:m[aá]s\s+)?(?:mayor|menor|grande|chic[oa]|peque[nñ][oa]))", re.IGNORECASE
)
_ABOUT = re.compile(r"aproximad|redonde|m[aá]s o menos|\baprox\b|cerca de cu[aá]nt", re.IGNORECASE)
_UNITS = {
    **dict.fromkeys(("mm", "milímetro", "milimetro"), "mm"),
    **dict.fromkeys(("cm", "centímetro", "centimetro"), "cm"),
    **dict.fromkeys(("dm", "decímetro", "decimetro"), "dm"),
    **dict.fromkeys(("m", "mt", "metro"), "m"),
    **dict.fromkeys(("km", "kilómetro", "kilometro"), "km"),
    **dict.fromkeys(("s", "seg", "segundo"), "s"),
    **dict.fromkeys(("min", "minuto"), "min"),
    **dict.fromkeys(("h", "hr", "hora"), "h"),
    **dict.fromkeys(("día", "dia"), "d"),
    **dict.fromkeys(("g", "gramo"), "g"),
    **dict.fromkeys(("kg", "kilo", "kilogramo"), "kg"),
    **dict.fromkeys(("ml", "mililitro"), "ml"),
    **dict.fromkeys(("l", "litro"), "l"),
}
"""A unit as it may be written -> the unit."""
_QUANTITY = re.compile(
    rf"(?<![\w.,])({_NUMBER})\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})s?\s*(\^?[23²³]|cuadrados?|c[uú]bicos?)?(?!\w)",
    re.IGNORECASE,
)
_POWERS = {"2": 2, "²": 2, "c": 2, "3": 3, "³": 3}
_OPPOSITES = ({"mayor", "menor"}, {"máximo", "mínimo"}, {"máxima", "mínima"}, {"sube", "baja"}, {"par", "impar"})
_ALIKE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\*\*", "^"),
        (r"\s*\bpor\s*ciento\b", " %"),
        (r"\b(?:ra[ií]z(?:\s+cuadrada)?(?:\s+de)?|sqrt)\s*\(?\s*(\d+)\s*\)?", r"√\1"),
        (r"(?<=\d)\s*[*·]?\s*√", "√"),
        (r"\s+menor\s+o\s+igual\s+(?:que|a)\s+", " ≤ "),
        (r"\s+mayor\s+o\s+igual\s+(?:que|a)\s+", " ≥ "),
        (r"\s+menor\s+(?:que|a)\s+", " < "),
        (r"\s+mayor\s+(?:que|a)\s+", " > "),
        (r"^menos\s+(?=\d)", "-"),
        (r"^(\d+(?:[.,]\d+)?)\s*(?:grados\s+|°\s*)?bajo\s+cero$", r"-\1"),
        (r"\b(\d+)\s+y\s+(\d+/\d+)", r"\1 \2"),
        (r"^([a-z])_?1\s*=(.*)\b\1_?2\s*=", r"\1 =\2\1 ="),
        (r"(?<=\d)\s+(?=[a-z]\s*=)", ", "),
    )
)
"""Two ways to write the same, whatever was expected."""


def readings(answer: str, expected: str, question: str) -> tuple[str, ...]:
    """``answer`` written in other ways, the likeliest first; empty where there is but one way to read it.

    ``expected`` shows how a right answer is written, ``question`` whether a rounded one was asked for."""
    text = " ".join(answer.split()).rstrip(".!")
    if not text or len(text) > LONGEST or "\n" in answer.strip():
        return ()
    found = dict.fromkeys(_rewritten(text, expected, question))
    return tuple(reading for reading in found if reading and reading != answer)


def doubt(answer: str, reference: str, question: str) -> str:
    """What is odd about an answer whose result is right, one sentence for the learner; empty: nothing.

    A unit that is not the one of the model answer ``reference``, or the opposite of what ``question`` asks for."""
    given = _QUANTITY.search(answer)
    if given is not None:
        wanted = {_unit(found) for found in _QUANTITY.finditer(reference) if found[1] == given[1]}
        if wanted and _unit(given) not in wanted:
            return f"El número es el esperado, pero revisa la unidad: {given[0].strip()}."
    asked, said = (set(re.findall(r"\w+", text.lower())) for text in (question, answer))
    for pair in _OPPOSITES:
        if len(pair & asked) == 1 == len(pair & said) and pair & asked != pair & said:
            return f"El resultado está bien, pero la pregunta dice «{min(pair & asked)}» y tu respuesta «{min(pair & said)}»."
    return ""


def _unit(quantity: re.Match[str]) -> tuple[str, int]:
    """Its unit and the power of it."""
    power = (quantity[3] or "").lstrip("^").lower()
    return _UNITS[quantity[2].lower()], 3 if power.startswith(("cub", "cúb")) else _POWERS.get(power[:1], 1)


def _rewritten(text: str, expected: str, question: str) -> Iterator[str]:
    for pattern, instead in _ALIKE:
        text = pattern.sub(instead, text)
    yield text
    text = _AROUND.sub("", _REASON.sub("", text))
    if (compared := _COMPARED.fullmatch(text)) and compared[2].lower() in question.lower():
        text = compared[1]
    yield text
    for rewrite in (_with_power, _with_percent, _of_percent, _as_fraction, _as_sides, _as_list):
        yield rewrite(text, expected)
    if _ABOUT.search(question):
        yield _rounded(text, expected)


def _with_power(text: str, expected: str) -> str:
    """``x2`` where powers are written ``x^2``."""
    return re.sub(r"([a-z])(\d+)", r"\1^\2", text) if re.search(r"\^|[²³⁴-⁹]", expected) and "^" not in text else ""


def _with_percent(text: str, expected: str) -> str:
    """``85`` where per cent are meant."""
    return f"{text} %" if expected.rstrip().endswith("%") and re.fullmatch(_NUMBER, text) else ""


def _of_percent(text: str, expected: str) -> str:
    """``87.5 %`` where a share is meant."""
    found = re.fullmatch(rf"({_NUMBER})\s*%", text)
    return f"{found[1]}/100" if found and "%" not in expected else ""


def _as_fraction(text: str, expected: str) -> str:
    """``3 de 10`` where a fraction is meant."""
    found = re.fullmatch(r"(\d+)\s+de\s+(?:cada\s+)?(\d+)", text)
    return f"{found[1]}/{found[2]}" if found and "/" in expected else ""


def _as_sides(text: str, expected: str) -> str:
    """``10x10`` where ``10 m por 10 m`` is meant; of another unit it is another answer."""
    sides = rf"({_NUMBER})\s*([a-z]*)\s*(?:x|×|\*|por|y)\s*({_NUMBER})\s*([a-z]*)"
    wanted, found = (re.fullmatch(sides, side.strip(), re.IGNORECASE) for side in (expected, text))
    if wanted is None or found is None or not re.search(r"x|×|\*|por", expected):
        return ""
    first, second = wanted[2], wanted[4]
    fits = found[2].lower() in ("", first.lower(), _in_full(first)) and found[4].lower() in ("", second.lower(), _in_full(second))
    between = expected.strip()[wanted.end(2) : wanted.start(3)]
    return f"{found[1]}{' ' if first else ''}{first}{between}{found[3]}{' ' if second else ''}{second}" if fits else ""


def _in_full(unit: str) -> str:
    return {"m": "metros", "cm": "centímetros", "km": "kilómetros", "dm": "decímetros", "mm": "milímetros"}.get(unit.lower(), unit)


def _as_list(text: str, expected: str) -> str:
    """``23 24 25`` where several numbers are meant."""
    found = re.findall(_NUMBER, text)
    several = len(found) > 1 and len(found) == len(re.findall(_NUMBER, expected)) and re.search(r",\s|\sy\s", expected)
    return ", ".join(found) if several and re.fullmatch(rf"(?:{_NUMBER}\s+)+{_NUMBER}", text) else ""


def _rounded(text: str, expected: str) -> str:
    """A figure of more places, rounded as the expected one is."""
    wanted = re.fullmatch(rf"({_NUMBER})(\s*\D*)", expected.strip())
    found = re.fullmatch(rf"({_NUMBER})(?:\s*[*·]?\s*(π|pi\b))?(\s*[^\d^/*+]*)", text, re.IGNORECASE)
    if wanted is None or found is None:
        return ""
    places = len(re.split(r"[.,]", wanted[1])[1]) if re.search(r"[.,]", wanted[1]) else 0
    value = float(found[1].replace(",", ".").replace("−", "-")) * (math.pi if found[2] else 1)
    return f"{value:.{places}f}{found[3]}"
