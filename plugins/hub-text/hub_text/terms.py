"""The validator ``terms``: whether an answer names the words that a row expects.

It can say "right", never "wrong": who says it in other words is not mistaken. Compares words, so it knows nothing of what they mean, and a
question without a place for explanations is better judged by a validator of its subject.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters_hub import Attempt, Verdict
from adapters_hub.plugins import NOT_MINE

LONGEST = 20_000
"""Characters of an answer that are looked at."""
MOST_TERMS, MOST_WAYS, LONGEST_TERM = 12, 12, 200


@dataclass(frozen=True)
class TermsValidator:
    """Looks for the expected words. Holds no state, so any number of threads may call it."""

    def judge(self, attempt: Attempt) -> Verdict:
        """``correct`` when every term is said and not denied; else ``unverified`` with what is missing."""
        expected = attempt.expected
        if not isinstance(expected, Mapping) or "terms" not in expected:
            return Verdict("unverified", code=NOT_MINE, reason="No hay palabras esperadas.")
        terms = read_terms(expected["terms"])
        if not terms:
            reason = "No se pudo comprobar: las palabras esperadas de esta pregunta están mal escritas."
            return Verdict("unverified", code="bad_terms", reason=reason, evidence="parsed")
        found = [_found(ways, attempt.answer) for ways in terms]
        wanted = ", ".join(ways[0] for ways in terms)
        score = sum(place == "said" for place in found) / len(terms)
        missing = [f"«{ways[0]}»" for ways, place in zip(terms, found, strict=True) if place == "absent"]
        denied = [f"«{ways[0]}»" for ways, place in zip(terms, found, strict=True) if place == "denied"]
        if missing or denied:
            absent = f"no se encontró {_listed(missing, 'ni')}" if missing else ""
            doubtful = f"se niega o solo se pregunta {_listed(denied)}" if denied else ""
            reason = f"Puede ser correcta, pero {' y '.join(filter(None, (absent, doubtful)))}."
            hint = f"Explica también {_listed([*missing, *denied])}."
            return Verdict("unverified", score, "terms_missing", reason, hint, expected=wanted, evidence="parsed")
        if set(expected) - {"terms", "db"}:  # another validator knows what else is expected
            return Verdict("unverified", 1.0, "terms_present", "Están las palabras esperadas.", expected=wanted, evidence="parsed")
        reason = f"La respuesta dice lo que se esperaba: {wanted}."
        return Verdict("correct", 1.0, "terms_present", reason, expected=wanted, evidence="parsed")


def read_terms(value: Any) -> tuple[tuple[str, ...], ...]:
    """The ways of saying each term: ``["pila", ["O(n)", "lineal"]]`` are two terms, the second with two ways. Empty for any other shape."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not 0 < len(items) <= MOST_TERMS:
        return ()
    terms = []
    for item in items:
        ways = [item] if isinstance(item, str) else item
        if not isinstance(ways, Sequence) or not 0 < len(ways) <= MOST_WAYS:
            return ()
        if not all(isinstance(way, str) and len(way) <= LONGEST_TERM and _tokens(way) for way in ways):
            return ()
        terms.append(tuple(ways))
    return tuple(terms)


def _found(ways: Sequence[str], answer: str) -> str:
    """``said``; ``denied`` where it only stands in a denial or in a question; ``absent``."""
    text = answer[:LONGEST]
    asked = [question.span() for question in _QUESTION.finditer(text)]
    tokens = list(_placed(text))
    places: dict[str, int] = {}
    for place, (token, _) in enumerate(tokens):
        places[token] = places.get(token, 0) | 1 << place
    found = "absent"
    for way in ways:
        wanted = _tokens(way)
        for start in _starts(wanted, places):
            at, before = tokens[start][1], [token for token, _ in tokens[max(start - REACH - 1, 0) : start]]
            if _is_negative_number(wanted, before):
                continue
            if not _is_denied(before) and not any(begin <= at < end for begin, end in asked):
                return "said"
            found = "denied"
    return found


_QUESTION = re.compile(r"¿[^?\n]{0,400}\?|(?:^|(?<=[.!?:\n]))[^.!?:¿\n]{1,400}\?")
"""What the learner is asked is not said, also where the opening mark is missing."""


def _starts(wanted: Sequence[str], places: Mapping[str, int]) -> Iterator[int]:
    """Where the words stand one after another. ``places``: the bits of a number say at which places a token stands."""
    left = -1
    for offset, word in enumerate(wanted):
        here = 0
        for form in _forms(word):
            here |= places.get(form, 0)
        left &= here >> offset
        if not left:
            return
    while left:
        lowest = left & -left
        yield lowest.bit_length() - 1
        left ^= lowest


# --- words ---------------------------------------------------------------------------------------


def _tokens(text: str) -> list[str]:
    return [token for token, _ in _placed(text)]


def _placed(text: str) -> Iterator[tuple[str, int]]:
    """Words, numbers and signs without case, accents and emphasis, and where each of them stands."""
    for found in _TOKEN.finditer(text):
        token = _SUPERSCRIPTS.get(found.group())
        if token is not None:
            yield "^", found.start()
            yield token, found.start()
        elif found.group() not in _EMPHASIS:
            yield _SIGNS.get(found.group()) or _plain(found.group()), found.start()


_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_²³]+|_+|\*\*|[²³]|\n|[^\s\w]")
_EMPHASIS = ("**", "`", '"', "«", "»", "“", "”", "$", "_", "__")
_SUPERSCRIPTS = {"²": "2", "³": "3"}
_SIGNS = {"·": "*", "×": "*", "−": "-", "–": "-", "\n": ";"}


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold())
    return folded if folded.isascii() else "".join(sign for sign in folded if not unicodedata.combining(sign))


def _forms(word: str) -> set[str]:
    """The word and what may be its plural or singular. Short names of variables have no plural."""
    found = {word}
    if not word.isalpha():
        return found
    if len(word) >= 3:
        found |= {f"{word}s", f"{word}es"}
        if word.endswith("z"):
            found.add(f"{word[:-1]}ces")
    for ending, other in (("s", ""), ("es", ""), ("ces", "z")):
        single = word.removesuffix(ending) + other
        if word.endswith(ending) and len(single) >= 3:
            found.add(single)
    return found


# --- denials -------------------------------------------------------------------------------------


def _is_denied(before: Sequence[str]) -> bool:
    """A denial among the last words of the clause: "no es una pila", but not "no solo es una pila" nor "no: es una pila"."""
    words: list[str] = []
    for token in reversed(before):
        if token in _ENDS:
            break
        words.append(token)
    for place, word in enumerate(words[:REACH]):
        if word in _DENIALS and not (word == "no" and place and words[place - 1] in ("solo", "solamente", "dudes", "olvides")):
            return True
        if place < NEAR and (word in _WITHOUT or tuple(words[place : place + 2]) in _INSTEAD):
            return True
    return False


REACH, NEAR = 8, 3
"""So many words before a term may deny it: "no creo que sea la estructura llamada pila". Who denies something else is not called wrong."""
_DENIALS = frozenset(
    ("no", "ni", "nunca", "jamas", "tampoco", "nadie", "falso", "falsa", "incorrecto", "incorrecta", "mentira", "not", "never")
)
_WITHOUT = frozenset(("sin", "without"))
_INSTEAD = frozenset((("vez", "en"), ("lugar", "en"), ("menos", "todo")))
"""Pairs of words, the second first."""
_ENDS = frozenset([*".,;:?!()", "sino", "pero", "but"])


def _is_negative_number(wanted: Sequence[str], before: Sequence[str]) -> bool:
    """The 5 of "-5", which is another number, but not that of "9 - 5"."""
    if not wanted[0][0].isdigit() or before[-1:] != ["-"]:
        return False
    return len(before) < 2 or not (before[-2][0].isdigit() or before[-2] == ")" or (len(before[-2]) == 1 and before[-2].isalpha()))


def _listed(words: Sequence[str], joint: str = "y") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"
