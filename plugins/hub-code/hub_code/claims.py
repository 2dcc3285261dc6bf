"""What an answer says its code prints, and whether that agrees with what it printed.

A claim is a comment behind a ``print``, a sentence right after the block ("Imprime [7, 7, -1, -1].") or a block of output. Only
literals can contradict: numbers, quoted texts, lists and the like of the same kind and number. Everything else can at most agree.
Works on hostile text within a worker. Knows nothing of how code is run.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Agreement = Literal["holds", "differs", "unclear"]
LONGEST = 2000
"""Characters of a claim or an output that are compared."""


@dataclass(frozen=True)
class Claim:
    """What should be printed, as the answer words it."""

    text: str
    """Literals and what follows them up to the end of the claim."""
    span: tuple[int, int] = (0, 0)
    """Where it stands in the answer."""
    explicit: bool = False
    """Said to be output ("imprime", "->"), not just a comment."""
    whole: bool = False
    """The complete output, as in a block of its own."""


# --- finding -------------------------------------------------------------------------------------

_MARK = re.compile(
    r"^(?:(?:se )?(?:imprime|imprimirá|muestra|mostrará|devuelve|retorna|regresa|salida(?: esperada)?|resultado|output|prints?|returns?"
    r"|sale|da)\b[ \t]*:?|-+>|=+>|→|⇒|⟶|➜|>>>?)[ \t]*:?[ \t]*",
    re.IGNORECASE,
)


def comment_claim(comment: str) -> Claim | None:
    """The claim of a comment behind a statement; None when it does not begin like one."""
    comment = comment.strip()[:LONGEST]
    explicit = False
    while found := _MARK.match(comment):
        comment, explicit = comment[found.end() :], True
    return Claim(comment, explicit=explicit) if comment else None


_SAYS = re.compile(
    r"(?:(?:y |ahora|aquí|así|esto|eso|entonces|el programa|el código|este código|este programa|la función|al ejecutarlo|al correrlo)"
    r"[, ]+){0,2}(?:(?:se )?(?:imprime|imprimen|imprimirá|muestra|mostrará)|salida(?: esperada)?|la salida (?:es|será)"
    r"|el resultado (?:es|será)|resultado|salen?)[ \t]*:?[ \t]*",
    re.IGNORECASE,
)
_OUTPUT_FENCE = re.compile(r"\s*(?P<lead>[^\n`]{0,100}\n\s*)?```[ \t]*(?P<info>\w*)[^\n]*\n(?P<text>[^`]{0,2000}?)\n?[ \t]*```")
_ANNOUNCES = re.compile(r"salida|imprime|resultado|muestra|output|consola", re.IGNORECASE)


def prose_claim(answer: str, begin: int, end: int) -> Claim | None:
    """The claim right behind a block: ``answer[begin:end]`` reaches to the next block of code.

    Only the first sentence counts: a later one may speak of another version."""
    text = answer[begin : min(end, begin + LONGEST)]
    skip = len(text) - len(text.lstrip(" \t\n`*_~>"))
    found = _SAYS.match(text, skip)
    if found:
        stop = text.find("\n\n", found.end())
        rest = text[found.end() : stop if stop >= 0 else len(text)]
        return Claim(rest, (begin + found.end(), begin + found.end() + len(rest)), explicit=True)
    return None


def output_claim(answer: str, begin: int) -> Claim | None:
    """A block of output right behind a block of code, announced as such."""
    found = _OUTPUT_FENCE.match(answer[begin : begin + 2 * LONGEST])
    if found is None:
        return None
    named = found["info"].lower() in ("output", "salida", "console", "stdout")
    if not named and not (found["info"].lower() in ("", "text", "txt") and _ANNOUNCES.search(found["lead"] or "")):
        return None
    return Claim(found["text"], (begin + found.start("text"), begin + found.end("text")), explicit=True, whole=True)


# --- comparing -----------------------------------------------------------------------------------


def agreement(claim: Claim, output: str) -> Agreement:
    """Does the output bear the claim out? ``differs`` only when both are literals of the same kinds and not the same."""
    output = output.strip()
    if len(output) > LONGEST or len(claim.text) > LONGEST:
        return "unclear"
    if "\\" in claim.text and _folded(claim.text) != _folded(output):
        return "unclear"  # escapes: what is shown depends on who shows it
    if claim.whole:
        if _folded(claim.text) == _folded(output):
            return "holds"
        claimed, rest = literals(claim.text)
        printed, left = literals(output)
        return _compare(claimed, printed) if not rest.strip() and not left.strip() else "unclear"
    claimed, rest = literals(claim.text)
    printed, left = literals(output)
    complete = not left.strip() and bool(printed)
    if claimed and _ends(rest, claim.explicit):
        if complete:
            verdict = _compare(claimed, printed)
            if verdict != "differs":
                return verdict if verdict == "holds" or not _inside(claimed, printed) else "holds"
            head = claim.text[: len(claim.text) - len(rest) + 12]
            return "unclear" if _open_ended(head) or _ambiguous(head) else "differs"
        return "holds" if _inside(claimed, printed) and printed else "unclear"
    first = re.split(r"[.,;:]\s|\.$|\n", claim.text + " ", maxsplit=1)[0]
    return "holds" if output and _folded(output) in (_folded(claim.text), _folded(first)) else "unclear"


def literals(text: str) -> tuple[list[Any], str]:
    """The Python literals that ``text`` begins with, and what follows them. "6, 7 y 19" is three."""
    values: list[Any] = []
    at = 0
    while len(values) < 200:
        gap = (_SEPARATOR if values else _SPACE).match(text, at)
        piece = _literal(text, gap.end()) if gap else None
        if piece is None:
            break
        value, at = piece
        values.append(value)
    return values, text[at:]


_SPACE = re.compile(r"[\s`*]*")
_SEPARATOR = re.compile(
    r"[`*]*(?:\s*[,;]\s*|\s+|\s*$)"
    r"(?:(?:y después|y luego|y al final|y por último|y finalmente|y|e|luego|después|then|and)\s+)?[`*]*"
)
_NUMBER = re.compile(r"[-−]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_NAME = re.compile(r"(?:True|False|None|nan|inf|-inf)\b")
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_NAMES: dict[str, Any] = {"True": True, "False": False, "None": None, "nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _literal(text: str, at: int) -> tuple[Any, int] | None:
    if found := _NAME.match(text, at):
        return _NAMES[found.group()], found.end()
    if found := _NUMBER.match(text, at):
        return _evaluated(found.group().replace("−", "-"), found.end())
    if found := _QUOTED.match(text, at):
        return _evaluated(found.group(), found.end())
    for opening in ("set()", "deque(", "Counter(", "OrderedDict(", "defaultdict("):
        if text.startswith(opening, at):
            return None if opening != "set()" else (set(), at + len(opening))
    if at < len(text) and text[at] in "([{":
        end = _closing(text, at)
        return _evaluated(text[at:end].replace("−", "-"), end) if end else None
    return None


def _evaluated(text: str, end: int) -> tuple[Any, int] | None:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value, end


def _closing(text: str, at: int) -> int:
    """Position after the bracket that closes the one at ``at``; 0 when there is none."""
    depth, quote = 0, ""
    position = at
    while position < min(len(text), at + LONGEST):
        sign = text[position]
        if quote:
            if sign == "\\":
                position += 1
            elif sign == quote:
                quote = ""
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
            if depth > 20:
                return 0
        elif sign in ")]}":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return 0


_END = re.compile(r"[`*]*\s*(?:$|[.,;:)](?:\s|$)|[—–(]|porque\b|ya que\b|pues\b|dado que\b)")
_BARE_END = re.compile(r"[`*]*\s*(?:$|\(|\.$)")


def _ends(rest: str, explicit: bool) -> bool:
    """The claim is over after its literals, rather than going on with "veces" or "elementos"."""
    return (_END if explicit else _BARE_END).match(rest) is not None


def _compare(claimed: Sequence[Any], printed: Sequence[Any]) -> Agreement:
    if len(claimed) != len(printed) or not claimed:
        return "unclear"
    if all(same(one, other) for one, other in zip(claimed, printed, strict=True)):
        return "holds"
    if not all(_kind(one) == _kind(other) for one, other in zip(claimed, printed, strict=True)):
        return "unclear"
    if _scrambled(claimed, printed):
        return "unclear"  # the order of a set, perhaps
    return "differs"


def _inside(claimed: Sequence[Any], printed: Sequence[Any]) -> bool:
    """The claimed values come in this order among those printed."""
    rest = iter(printed)
    return all(any(same(value, other) for other in rest) for value in claimed)


def same(claimed: Any, actual: Any) -> bool:
    """Equal as far as the claim goes: it may round."""
    if _kind(claimed) != _kind(actual):
        return False
    if isinstance(claimed, int | float | complex) and not isinstance(claimed, bool):
        return _rounds_to(claimed, actual)
    if isinstance(claimed, list | tuple):
        return len(claimed) == len(actual) and all(same(one, other) for one, other in zip(claimed, actual, strict=True))
    if isinstance(claimed, dict):
        return claimed.keys() == actual.keys() and all(same(value, actual[key]) for key, value in claimed.items())
    return bool(claimed == actual)


def _rounds_to(claimed: Any, actual: Any) -> bool:
    if claimed == actual or (claimed != claimed and actual != actual):
        return True
    if isinstance(claimed, float) and isinstance(actual, int | float) and not 1e-3 < abs(claimed) < 1e6:  # 1.27e30
        try:
            return math.isclose(claimed, actual, rel_tol=6e-3)
        except OverflowError:
            return False
    if isinstance(actual, float) and isinstance(claimed, int | float) and math.isfinite(actual) and math.isfinite(claimed):
        digits = len(repr(float(claimed)).partition(".")[2]) if "e" not in repr(float(claimed)) else 15
        return abs(claimed - actual) <= 10.0**-digits * (1 + 1e-9) and not (isinstance(claimed, int) and abs(claimed - actual) > 0.5)
    return False


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | complex):
        return "number"
    return type(value).__name__


def _scrambled(claimed: Sequence[Any], printed: Sequence[Any]) -> bool:
    """The same values in another order, also within one list."""
    if sorted(map(repr, claimed)) == sorted(map(repr, printed)):
        return True
    return all(
        repr(one) == repr(other) or (isinstance(one, list | tuple) and sorted(map(repr, one)) == sorted(map(repr, other)))
        for one, other in zip(claimed, printed, strict=True)
    )


def _open_ended(text: str) -> bool:
    return "..." in text or "…" in text or "≈" in text or re.search(r"\betc\b|\baprox|\bo\b|\bor\b", text) is not None


def _ambiguous(text: str) -> bool:
    """A number that may have a decimal comma or spaces between its thousands."""
    return re.search(r"\d,\d|\d \d{3}\b|\d'\d{3}\b|\d\.\d{3}\b(?!\d)", text) is not None


def _folded(text: str) -> str:
    """Without quotes, marks and differences of white space."""
    return " ".join(re.sub(r"[`*'\"]", "", text).split()).rstrip(".").casefold()
