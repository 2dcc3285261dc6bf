"""What in an answer is not mathematics, blanked out character for character, so that positions stay.

Code, addresses, dates, times and versions become ``HIDDEN``: no expression reaches across them. Marks that only decorate become
spaces: calculator marks (``<<2+3=5>>``), ``\\boxed{}``, emphasis. Dollar signs that enclose a formula become ``FENCE``; those of money
stay. Knows nothing of numbers and equalities.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

HIDDEN = "\ufffc"
"""Stands for a character that must not be read, and that nothing may be read across."""
FENCE = "\ue000"
"""Stands for a dollar sign that begins or ends a formula."""


@dataclass(frozen=True)
class Masked:
    """A text as the extraction reads it, of the length of the original."""

    answer: str
    """The original."""
    text: str
    marks: tuple[tuple[int, int], ...]
    """What stands within calculator marks ``<<...>>``: positions of the contents."""
    boxes: tuple[tuple[int, int], ...]
    """The contents of each ``\\boxed{...}`` that is closed, in order of their ends."""


def masked(answer: str) -> Masked:
    """Blank out what is not mathematics."""
    text = answer
    for character in (HIDDEN, FENCE):
        text = text.replace(character, "?")
    text = _NEWLINE.sub(lambda found: "\n" * len(found.group()), text)
    text = _FENCED.sub(_hide, text)
    text = _INLINE.sub(_inline, text)
    for pattern in (_ADDRESS, _MOMENT, _BIDIRECTIONAL, _INVISIBLE):
        text = pattern.sub(_hide, text)
    text = _TAG.sub(_tag, text)
    marks = tuple(found.span(1) for found in _MARK.finditer(text))
    text = _MARK.sub(_blank, text)
    text, boxes = _unboxed(text)
    text = _fenced_dollars(text)
    text = _EMPHASIS.sub(_blank, text)
    return Masked(answer, text, marks, boxes)


def _hide(found: re.Match[str]) -> str:
    return "".join("\n" if character == "\n" else HIDDEN for character in found.group())


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _inline(found: re.Match[str]) -> str:
    """Code between backticks is hidden, unless it is bare arithmetic."""
    return " " + found[1] + " " if _ARITHMETIC.fullmatch(found[1]) else _hide(found)


def _tag(found: re.Match[str]) -> str:
    name = found[1].lower()
    if name in ("br", "p", "div", "li"):
        return "\n" * len(found.group())
    return (HIDDEN if name in ("sup", "sub") else " ") * len(found.group())


_NEWLINE = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_FENCED = re.compile(r"^[ \t>]{0,8}(```|~~~)(?:(?!\1).)*(?:\1[^\n]*|\Z)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(?!`)([^`\n]{1,400})`(?!`)")
_ARITHMETIC = re.compile(r"[0-9\s+\-−*·×÷/^()=≈.,%√²³xyn]+")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]{1,2000}|\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")
_MOMENT = re.compile(
    r"(?<![\d.,/:])(?:"
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:[ ]?[ap]\.?[ ]?m\b\.?)?"  # a time
    r"|\d{1,2}/\d{1,2}/\d{4}|\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[-.]\d{1,2}[-.]\d{4}"  # a date
    r"|[vV]?\d{1,3}\.\d{1,2}\.\d{1,2}(?:\.\d{1,3})?"  # a version
    r")(?![\d:/])(?![.,]\d)"
)
_BIDIRECTIONAL = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200d\u2060-\u2064\ufeff]")
_TAG = re.compile(r"</?(b|i|u|em|strong|br|p|div|li|ul|ol|span|sup|sub|code|table|tr|td|th)(?:[ ][^<>\n]{0,200})?/?>", re.IGNORECASE)
_MARK = re.compile(r"<<([^<>\n]{0,400})>>")
_EMPHASIS = re.compile(
    r"(?<![\d)\w])\*\*(?=\S)|(?<=[.:;,!?»”])\*\*|(?<=\S)\*\*(?![\d(])|(?<=[\s(])__(?=\S)|(?<=[^\s_])__(?=[\s.,;:)]|$)", re.MULTILINE
)


# --- boxes ---------------------------------------------------------------------------------------


def _unboxed(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text without ``\\boxed{`` and its closing brace, and where the contents lie."""
    opened: list[int] = []  # positions of the open braces; a box is noted as the negative of where its contents begin
    boxes: list[tuple[int, int]] = []
    blanks: list[tuple[int, int]] = []
    position = 0
    for found in _BRACE.finditer(text):
        position = found.end()
        if found["box"]:
            opened.append(-position)
            start = found.start()
        elif found["open"]:
            opened.append(position)
        elif found["close"] and opened:
            begin = opened.pop()
            if begin < 0:
                boxes.append((-begin, found.start()))
                blanks += [(text.rfind("\\", 0, -begin), -begin), found.span()]
        elif found["paragraph"]:
            opened.clear()
    pieces = list(text)
    for start, end in blanks:
        pieces[start:end] = " " * (end - start)
    return "".join(pieces), tuple(boxes)


_BRACE = re.compile(r"\\(?P<escaped>[{}\\])|(?P<box>\\(?:boxed|fbox)[ ]{0,3}\{)|(?P<open>\{)|(?P<close>\})|(?P<paragraph>\n[ \t]*\n)")


# --- dollar signs --------------------------------------------------------------------------------


def _fenced_dollars(text: str) -> str:
    """Tell the dollar signs around formulas from those of money.

    A pair on one line encloses a formula when nothing but a formula stands between them, no space follows the first or precedes the
    second, and no digit follows the second; ``$$`` always encloses one."""
    pieces = list(text)
    for found in _DISPLAY.finditer(text):
        for place in (found.start(), found.start() + 1, found.end() - 2, found.end() - 1):
            pieces[place] = FENCE
    places = [found.start() for found in _DOLLAR.finditer("".join(pieces))]
    lines = _line_of(text)
    index = 0
    while index + 1 < len(places):
        first, second = places[index], places[index + 1]
        if lines(first) == lines(second) and second - first <= 600 and _is_formula(text, first, second):
            pieces[first] = pieces[second] = FENCE
            index += 1
        index += 1
    return "".join(pieces)


def _is_formula(text: str, first: int, second: int) -> bool:
    content = text[first + 1 : second]
    if not content.strip() or text[second + 1 : second + 2].isdigit():
        return False
    if "\\" in content:  # money holds no commands
        return True
    if content[0].isspace() or content[-1].isspace():
        return bool(_SPACED_FORMULA.fullmatch(content))
    return not _WORDS.search(content) and content[-1] not in "+-*/=·×÷(<>"


def _line_of(text: str) -> Callable[[int], int]:
    """Number of the line a position is in."""
    breaks = [found.start() for found in re.finditer("\n", text)]
    return lambda position: bisect_right(breaks, position)


_DISPLAY = re.compile(r"(?<![\\$])\$\$(?!\$)[^$]{1,4000}\$\$(?!\$)")
_DOLLAR = re.compile(r"(?<!\\)\$")
_WORDS = re.compile(r"[^\W\d_]{3,}[ ]|[ ][^\W\d_]{3,}")
_SPACED_FORMULA = re.compile(r"[ ][^\W\d_][ ]?[=<>≤≥≈][ ][^$]{1,80}[ ]|[ ][0-9.,]{1,20}[ ]|[ ][^\W\d_][ ]")
