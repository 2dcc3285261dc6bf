"""The places of an answer that may hold its result, with how sure it is that they do.

``boxed``     ``\\boxed{12}``
``marked``    ``Respuesta: 12``, ``La respuesta es 12``, ``#### 12``
``whole``     the answer is nothing but a value: ``12``, ``Son 12 manzanas.``
``concluded`` the last value of the last sentence that states one, checks and exercises left aside
Knows nothing of the expected answer and reads no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hub_math import negation, vocabulary
from hub_math.masks import FENCE, HIDDEN, Masked
from hub_math.stretches import Stretch

Tier = Literal["boxed", "marked", "whole", "concluded"]
LONGEST = 400
"""Characters of a candidate."""


@dataclass(frozen=True)
class Candidate:
    """One place."""

    tier: Tier
    start: int
    end: int
    """Positions in the answer."""
    texts: tuple[str, ...]
    """What may be compared, the fullest first: ``x = 2 o x = 3``, ``12 manzanas``, ``12``."""
    sentence: str = ""
    """The words around it, for answers that are words themselves."""
    sole: bool = True
    """No other value stands in its sentence."""
    clean: bool = True
    """No words around the value change what it says ("la mitad de 22", "mayor que 10")."""


def candidates(masked: Masked, found: Sequence[Stretch]) -> list[Candidate]:
    """All places that may hold the result, in the order of the text within each tier: boxes, marks, the whole answer, the conclusion.

    Denied ones ("el resultado no es 5") and those of an exercise for the learner are left out."""
    text = masked.text
    made = [*_boxed(masked), *_marked(text, found), *_whole(text, masked.answer, found), *_concluded(text, found)]
    return [candidate for candidate in made if not _is_excluded(text, candidate)]


def _is_excluded(text: str, candidate: Candidate) -> bool:
    if candidate.tier == "boxed":
        return False
    if candidate.tier != "whole" and negation.is_asked(text, candidate.start, candidate.end):
        return True
    return negation.is_denied(text, candidate.start, candidate.end) or negation.in_exercise(text, candidate.start)


# --- boxes and marks -----------------------------------------------------------------------------


def _boxed(masked: Masked) -> Iterator[Candidate]:
    for start, end in masked.boxes:
        content = masked.text[start:end].strip()
        if content and len(content) <= LONGEST:
            yield Candidate("boxed", start, end, (_tidy(content),))


def _marked(text: str, found: Sequence[Stretch]) -> Iterator[Candidate]:
    last_end = -1
    for mark in _MARK.finditer(text):
        if mark.start() < last_end:
            continue
        start, end = _content(text, mark)
        content = text[start:end]
        if not content.strip() or len(content) > LONGEST:
            continue
        weak = mark["weak"] is not None
        inside = [stretch for stretch in found if start <= stretch.start and stretch.end <= end]
        if mark["hashes"] and not re.match(r"[ \t$€+\-−(\\√π.]*[0-9\\√π½]", content):
            continue  # a heading
        if weak and not (inside and _is_bare(text, start, end, inside)):
            continue  # "Solución:" often begins an explanation
        last_end = end
        yield _candidate("marked", text, start, end, inside)


def _content(text: str, mark: re.Match[str]) -> tuple[int, int]:
    """Where what a mark announces begins and ends: the rest of the sentence, or the next line that is not empty."""
    start = mark.end()
    rest = re.compile(r"[ \t*:_]*").match(text, start)
    assert rest is not None
    if rest.end() >= len(text) or text[rest.end()] == "\n":
        blank = re.compile(r"\s*").match(text, rest.end())
        assert blank is not None
        start = blank.end()
    else:
        start = rest.end()
    stop = _SENTENCE.search(text, start)
    while stop is not None and stop.group() == ";" and _in_brackets(text, start, stop.start()):
        stop = _SENTENCE.search(text, stop.end())
    end = stop.start() if stop else len(text)
    because = _BECAUSE.search(text, start, end)
    end = because.start() if because else end
    copulas = list(_COPULA.finditer(text, start, end))
    if copulas and re.search(r"[0-9]", text[copulas[-1].end() : end]):  # "Resultado: el 20 % de 40 es 8"
        start = copulas[-1].end()
    return start, len(text[:end].rstrip(" \t.*_"))


_MARK = re.compile(
    r"(?:"
    r"^[ \t]*(?P<hashes>\#{3,5})[ \t]+(?=[^\n]*[0-9\\√π½])"
    r"|^[ \t>*_\#]{0,12}(?:"
    r"(?:a|r|rta|resp|res|ans)[.]?[ ]?[:/]"
    r"|(?:(?:la|el|the|mi|my)[ ]+)?(?:(?:respuesta|resultado|answer|result)(?:[ ](?:final|correct[ao]))?|(?:final|correct)[ "
    r"](?:answer|result))[ \t*_]*[:=]"
    r"|(?:respuesta|resultado)[ ]final[ \t*_]*$|(?:final[ ])?answer[ \t*_]*$|respuesta[ \t*_]*$"
    r"|(?P<weak>(?:solución|soluciones|solucion|solution|conclusión|conclusion)[ \t*_]*:)"
    r")"
    r"|(?<!\w)(?:"
    r"(?:la|las|el|tu|nuestra|the|our|final)[ ]+(?:respuestas?|resultado|answers?|result|solución|solution)(?:[ ](?:final"
    r"|correct[ao]|correct|buscad[ao]|pedid[ao]))?"
    r"(?:[ ](?:de|del|of|to|for|a)[ ][^.:=\n]{1,60}?)?[ ]*(?:(?:es|son|sería|será|is|are|would[ ]be|will[ ]be)(?!\w)(?:[ ]*:)?|:)"
    r"|(?:respuesta|resultado|answer|result)(?:[ ]final)?[ \t*_]*:"
    r"|da[ ]como[ ]resultado|(?:se[ ])?obtiene[ ]como[ ]resultado"
    r")"
    r")",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_COPULA = re.compile(
    r"(?<!\w)(?:es|son|vale|valen|mide|miden|cuesta|cuestan|is|are|equals)[ ]+(?:igual(?:es)?[ ]a[ ]+|de[ ]+|equal[ ]to[ ]+)?",
    re.IGNORECASE,
)
_BECAUSE = re.compile(r",?[ ](?:porque|ya que|pues|puesto que|dado que|because|since|as)(?!\w)", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:[.?;]|!(?![ \t]*[=≈]))(?=[)\"»”*]{0,3}(?:[ \t\n]|$))|\n")


def _is_bare(text: str, start: int, end: int, inside: Sequence[Stretch]) -> bool:
    """Whether little but a value stands between two positions."""
    words = re.findall(r"[^\W\d_]{2,}", _without(text, start, end, inside))
    return len(words) <= 3 and len(inside) <= 4


def _without(text: str, start: int, end: int, inside: Sequence[Stretch]) -> str:
    pieces = []
    place = start
    for stretch in inside:
        pieces.append(text[place : max(place, stretch.start)])
        place = max(place, stretch.end)
    pieces.append(text[place:end])
    return " ".join(pieces)


# --- the whole answer, and its conclusion ----------------------------------------------------------


def _whole(text: str, answer: str, found: Sequence[Stretch]) -> Iterator[Candidate]:
    """An answer of one short line that states one value."""
    stripped = text.strip(" \t\n*.")
    if not stripped or len(stripped) > 120 or "\n" in stripped or "?" in stripped:
        return
    start = text.index(stripped)
    end = start + len(stripped)
    if len(stripped) <= 60 and (not found or HIDDEN in stripped):  # an answer in words
        yield Candidate("whole", start, end, (_tidy(answer[start:end]),), stripped)
        return
    if not found:
        return
    rest = [word.lower() for word in re.findall(r"[^\W\d_]+", _without(text, start, end, found))]
    joined = _listed(text, found)
    before = [word.lower() for word in re.findall(r"[^\W\d_]+", text[start : found[0].start])]
    if joined is None or len(rest) > 6 or set(rest) & (vocabulary.NUMBER_WORDS | vocabulary.OPERATION_WORDS | vocabulary.SCALES):
        return
    if _PRIMED.fullmatch(text, start, found[0].start) is not None:  # f'(x) = 2x
        yield _candidate("whole", text, start, end, joined)
    elif not before or (len(before) <= 4 and set(before) & _STATING):
        yield _candidate("whole", text, joined[0].start, end, joined)


def _concluded(text: str, found: Sequence[Stretch]) -> Iterator[Candidate]:
    """The last value of the last sentence that states one."""
    end = negation.exercise_begins(text)
    kept = [
        (start, stop)
        for start, stop in _sentences(text, end)
        if not _CHECK.match(text, start) and not text[start:stop].rstrip(" \n*").endswith("?") and HIDDEN not in text[start:stop]
    ]
    for start, stop in reversed(kept[-4:]):
        inside = [
            stretch
            for stretch in found
            if start <= stretch.start
            and stretch.end <= stop
            and _has_value(text, stretch)
            and not _COUNTS.search(text, start, stretch.start)
        ]
        if not inside:
            continue
        label = _LABEL.match(text, start)
        if label is not None:
            inside = [stretch for stretch in inside if stretch.start >= label.end()] or []
            if not inside:
                continue
        tail = _listed(text, inside, last=True) or inside[-1:]
        sentence = text[start:stop]
        words = {word.lower() for word in re.findall(r"[^\W\d_]+", sentence)}
        sole = len(tail) == len(inside) and not words & vocabulary.NUMBER_WORDS
        yield _candidate("concluded", text, tail[0].start, tail[-1].end, tail, sentence.strip(), sole)
        return


def _sentences(text: str, end: int) -> Iterator[tuple[int, int]]:
    place = max(0, end - 6000)
    line_check = False
    for stop in _SENTENCE_BREAK.finditer(text, place, end):
        if stop.group().startswith(";") and _in_brackets(text, place, stop.start()):
            continue
        if stop.start() > place:
            if text[place - 1 : place] in ("\n", "") or place == 0:
                line_check = _CHECK.match(text, place) is not None
            if not line_check and text[place : stop.end()].strip():
                yield place, stop.end()
        place = stop.end()
    if place < end and text[place:end].strip():
        if text[place - 1 : place] in ("\n", ""):
            line_check = _CHECK.match(text, place) is not None
        if not line_check:
            yield place, end


def _in_brackets(text: str, start: int, place: int) -> bool:
    """Whether a semicolon separates coordinates, members or bounds: ``(2; −1)``, ``{−3; 3}``."""
    line = text[max(start, text.rfind("\n", 0, place) + 1, place - 120) : place]
    closing = re.match(r"[^\n()\[\]{}]{0,60}[)\]}]", text[place + 1 : place + 80])
    return closing is not None and sum(line.count(sign) for sign in "([{") > sum(line.count(sign) for sign in ")]}")


def _has_value(text: str, stretch: Stretch) -> bool:
    return bool(re.search(r"[0-9½⅓⅔¼¾π√\\]|[=]", text[stretch.start : stretch.end]))


def _listed(text: str, found: Sequence[Stretch], *, last: bool = False) -> list[Stretch] | None:
    """The stretches that make up one list ("23, 24 y 25"): all of them, or with ``last`` those at the end. None where there are others."""
    group = [found[-1]]
    for stretch in reversed(found[:-1]):
        if stretch.end > group[0].start or not _SEPARATOR.fullmatch(text[stretch.end : group[0].start]):
            break
        group.insert(0, stretch)
    return group if last or len(group) == len(found) else None


def _candidate(tier: Tier, text: str, start: int, end: int, inside: Sequence[Stretch], sentence: str = "", sole: bool = True) -> Candidate:
    """What stands between two positions, and the value within it."""
    full = _tidy(text[start:end])
    texts = [full] if full else []
    if inside:
        group = _listed(text, inside, last=tier == "concluded")
        if group is not None and len(group) > 1:
            texts.append(_tidy(text[group[0].start : group[-1].end]))
        elif len(inside) == 1 or tier == "concluded":
            stretch = inside[-1]
            stop = min(len(text), stretch.end + 40)
            noun = re.compile(r"[ ]?[^\W\d_]+").match(text, stretch.end, stop)
            side = stretch.sides[-1]
            if side.end > side.start:
                if noun is not None:
                    texts.append(_tidy(text[side.start : noun.end()]))
                texts.append(_tidy(text[side.start : side.end]))
            if stretch.relations:
                texts.append(_tidy(text[stretch.start : stretch.end]))
    if tier == "concluded":
        formula = _formula_around(text, start)
        if formula:
            texts.insert(0, formula)
    clean = _is_clean(text, start, end, inside) if tier != "concluded" else _is_clean(text, _clause(text, start), end, inside)
    return Candidate(tier, start, end, tuple(dict.fromkeys(texts)), sentence or full, sole, clean)


def _clause(text: str, place: int) -> int:
    """Where the words begin that may belong to a value: at most four of them, after the last mark of punctuation or number."""
    found = re.compile(r"(?:[^\W\d_]+[ ]+){0,4}$").search(text, max(0, place - 60), place)
    return found.start() if found else place


def _is_clean(text: str, start: int, end: int, inside: Sequence[Stretch]) -> bool:
    """Whether no word between two positions changes the value: half, between, greater than, in words."""
    without = _without(text, start, end, inside)
    said = {word.lower() for word in re.findall(r"[^\W\d_]+", without)}
    return not said & _CHANGING and _BOUNDING.search(without) is None and not any(stretch.left for stretch in inside[:1])


def _formula_around(text: str, place: int) -> str:
    """The whole formula between borders that a place stands in, for matrices, intervals and sets; empty where there is none."""
    begin = max(text.rfind(border, max(0, place - LONGEST), place) for border in (FENCE, "\\[", "\\("))
    if begin < 0:
        return ""
    closing = {"\\[": "\\]", "\\(": "\\)"}.get(text[begin : begin + 2], FENCE)
    end = text.find(closing, place, place + LONGEST)
    inside = text[begin + (1 if closing == FENCE else 2) : end] if end >= 0 else ""
    return "" if FENCE in inside or "\n\n" in inside else _tidy(inside)


def _tidy(text: str) -> str:
    """One line without the borders of formulas, emphasis and a full stop at the end."""
    text = re.sub(r"(?<!\\)\\[,;:> ]", " ", re.sub(r"\\!\s*", "", text)) if "\\" in text else text
    line = re.sub(r"\s+", " ", re.sub(rf"[{FENCE}]|\\[\[\]()]|\*\*", " ", text)).strip()
    return line if line.endswith("...") else line.strip(" *_").rstrip(".,;: ")


_CHANGING = (
    vocabulary.NUMBER_WORDS
    | vocabulary.OPERATION_WORDS
    | vocabulary.SCALES
    | vocabulary.word_set(
        "mayor menor mayores menores mínimo máximo múltiplo divisor antes después hasta que greater less than between more "
        "fewer before after below above until"
    )
) - {"más", "mas"}
"""Next to a value each of these makes it another one."""
_PRIMED = re.compile(r"[$\ue000]?[^\W\d_]['′’´]{1,3}[ ]?")
_BOUNDING = re.compile(
    r"(?<!\w)(?:m[aá]s|menos) (?:de|que)(?!\w)|(?<!\w)(?:al menos|por lo menos|a lo sumo|como (?:mucho|m[aá]ximo|m[ií]nimo)|casi|"
    r"more than|at (?:least|most)"
    r"|up to|almost)(?!\w)",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"(?:paso|pasos|ejercicio|problema|parte|caso|step|part|exercise|case)[ ]+$", re.IGNORECASE)
_STATING = vocabulary.word_set(
    "es son da dan queda quedan hay tiene tienen vale valen sería serían obtengo obtienes obtenemos resulta total respuesta "
    "resultado igual "
    "gana gasta paga cuesta cuestan recibe necesita sale salen fue is are gives equals has have there total it's they're costs cost gets "
    "makes earns left remain remains leaves"
)
_CHECK = re.compile(
    r"[ \t>*_#-]{0,8}(?:comprobaci[oó]n|comprobamos|comprueba|verificaci[oó]n|verifica|verificamos|prueba|check|checking"
    r"|verification|verify|nota|note|observaci[oó]n|i hope)(?!\w)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[ \t>*_#-]{0,8}(?:(?:paso|step|ejercicio|problema|caso|parte)[ ]*)?[0-9]{1,2}[ ]?[.):][ \t*]*", re.IGNORECASE)
_SENTENCE_BREAK = re.compile(r"(?:[.?;]|!(?![ \t]*[=≈]))[)\"»”*]{0,3}(?:[ \t]+|(?=\n)|$)|\n")
_SEPARATOR = re.compile(r"[ ]*(?:[,;]|,?[ ]*(?:y|o|e|u|and|or)(?=[ ]))[ ]*(?:(?:y|o|and|or)[ ]+)?", re.IGNORECASE)
