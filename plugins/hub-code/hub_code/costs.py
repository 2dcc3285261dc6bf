"""What an answer says a function costs, and what costs were measured: "Tarda O(n)", "el tiempo es cuadrático".

Only plain claims about the time of the answer's own code in one size n are read; the best, average, worst and amortized case,
memory, other versions and other sizes are passed over. A claim is an upper bound, so it is contradicted by faster growth only.
Knows nothing of how a cost is measured.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

LIMIT = 0.6
"""So far the slope in a log-log plot may lie above the claimed one."""
NOISE = 0.15
"""So much more where the slope is one of times: large lists do not fit into the processor's nearest memory, least of all a shared one."""
DOUBLINGS = 4
"""Fewer sizes show nothing."""


SHORTEST = 3e-6
"""Seconds below which calling takes longer than what is called."""


@dataclass(frozen=True)
class Cost:
    """A claim about time."""

    name: str
    """As a learner would write it: ``O(n log n)``."""
    degree: float
    """Power of n."""
    logarithms: int = 0
    exponential: bool = False
    text: str = ""
    span: tuple[int, int] = (0, 0)


CLASSES = {
    "1": Cost("O(1)", 0),
    "log": Cost("O(log n)", 0, 1),
    "n": Cost("O(n)", 1),
    "nlog": Cost("O(n log n)", 1, 1),
    "n2": Cost("O(n²)", 2),
    "n3": Cost("O(n³)", 3),
    "2n": Cost("O(2ⁿ)", 0, exponential=True),
}

_BIG_O = re.compile(
    r"(?:\$\s*)?(?:\\(?:mathcal|mathrm|text|operatorname)\s*\{\s*O\s*\}|\\?Theta|[OΘ])\s*(?:\\left|\\big|\\bigl)?\s*\((?P<inner>[^()$\n]{1,40}(?:\([^()\n]{1,20}\)[^()\n]{0,10})?)\)(?:\s*\$)?"
)
_WORDS = {
    r"tiempo constante|costo constante|coste constante": "1",
    r"(?:tiempo|costo|coste|complejidad) logar[ií]tmic[oa]": "log",
    r"(?:tiempo|costo|coste|complejidad|crecimiento) lineal": "n",
    r"(?:tiempo|costo|coste|complejidad|crecimiento) cuadr[aá]tic[oa]": "n2",
    r"(?:tiempo|costo|coste|complejidad|crecimiento) c[uú]bic[oa]": "n3",
    r"(?:tiempo|costo|coste|complejidad|crecimiento) exponencial": "2n",
}
_INNER = [
    (r"1|k|c", "1"),
    (r"log(?:_?\{?(?:2|10)\}?)?\(?n\)?|lg\(?n\)?|ln\(?n\)?", "log"),
    (r"n", "n"),
    (r"n[*·]?(?:log|lg|ln)(?:_?\{?2\}?)?\(?n\)?", "nlog"),
    (r"n\^\{?2\}?|n²|n\*\*2|n[*·]n", "n2"),
    (r"n\^\{?3\}?|n³|n\*\*3", "n3"),
    (r"2\^\{?n\}?|2ⁿ|2\*\*n", "2n"),
]
_SAID = re.compile(
    r"(?:^|[,;:]\s*|\b(?:as[ií] que|por eso|por lo que|por lo tanto|de modo que|en total|entonces)\s+)"
    r"(?:(?:as[ií] que|por eso|por lo que|por lo tanto|ahora|en total|entonces|luego|y|todo|as[ií])[ ,]+){0,3}"
    r"(?:(?:la |el |esta |este )?(?:función|solución|versión|implementación|algoritmo|código|programa|método)\s+)?"
    r"(?:(?:el|su) (?:costo|coste|total|tiempo|trabajo)(?: total| de ejecución)?\s+"
    r"|(?:la|su) complejidad(?: temporal| total| de tiempo| en tiempo)?\s+)?"
    r"(?:(?:sigue siendo|es|son|tarda|cuesta|corre en|se ejecuta en|funciona en|tiene|queda en|toma)\s+|:\s*)?"
    r"(?:(?:un |una )?(?:costo|coste|complejidad|tiempo)(?: temporal| total)?(?: es)?\s*(?:de|:)?\s*)?"
    r"(?:de )?(?:orden )?(?:en )?\**\s*$",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:es|son|tarda|cuesta|corre|ejecuta|funciona|tiene|queda|toma|complejidad|costo|coste|tiempo|total)\b|^\s*$", re.IGNORECASE
)
_NEAR_HEDGES = re.compile(
    r"memoria|espaci|mejor|peor|promedio|amortiza|esperad|\bcasos?\b|cada|operaci[oó]n|"
    r"por (?:operaci|consulta|llamada|elemento|mezcla|pase|paso)|append|\bpop\b|\bin\b|\bsort|\bset\b|\bdict|conjunto|\bsin\b|"
    r"con [a-z]\b|casi|ordenar (?:cuesta|es)|donde|siendo|comparad|respecto|adicional|extra|auxiliar",
    re.IGNORECASE,
)
"""Words in the clause of the claim that make it a claim about something else."""
_FAR_HEDGES = re.compile(
    r"\bmejor (?:de los )?casos?|\bpeor|promedio|amortiza|\bcasos? (?:medio|promedio)|en lugar|en vez|ser[ií]a|podr[ií]a|podía|\bpuede|"
    r"costar[ií]a|tardar[ií]a|versi[oó]n(?:es)? (?:original|anterior|simple|ingenua|recursiva|iterativa|con|sin|que)|\botr[oa]s?\b|"
    r"existe|anterior|original|tu (?:c[oó]digo|funci|soluci|idea|versi)|\bsi\b|cuando|aunque|mientras|antes|\bno\b|binaria|amb[oa]s|"
    r"l[oa]s dos|suele|parece|ser[aá]\b|bajar?|respecto|supon|siempre que|\bcon k\b|fuerza bruta|ingenu|\?|¿",
    re.IGNORECASE,
)
"""Words anywhere in its sentence that do."""


def cost_claims(answer: str, begin: int, end: int) -> list[Cost]:
    """Claims in the prose ``answer[begin:end]`` that follows the code, certain ones only."""
    found: list[Cost] = []
    before, ended = "", begin
    for start, sentence in _sentences(answer, begin, min(end, begin + 4000)):
        mentions = _mentions(sentence)
        gap = answer[ended:start]
        if "\n\n" in gap and gap[:1] in ".;!?":
            before = ""  # what another paragraph speaks of is another matter; a title is not
        for at, stop, cost in mentions:
            earlier = max((until for _, until, _ in mentions if until <= at), default=0)
            segment = sentence[earlier:at]
            strayed = _OTHER_SUBJECT.search(segment) or _TURNS_AWAY.search(segment) or (not earlier and ("?" in gap or _turns_away(before)))
            if cost is not None and not strayed and _is_about_time(sentence, at, stop, mentions):
                found.append(replace(cost, text=sentence[:200], span=(start + at, start + stop)))
        before, ended = sentence, start + len(sentence)
    return found


_OTHER_SUBJECT = re.compile(
    r"memoria|espaci|auxiliar|almacen|casi\b|mejor|peor|primer|luego|despu[eé]s|paso\b|parte\b|copia|interno|interior|externo|exterior|bucle"
    r"|pasada|iteraci|tama[nñ]o|salida|entrada|intercambi|profundidad|pila\b|para (?:list|entrad|dat|arregl|array|text|cadena)"
    r"|alternativ|[oó]ptim|\b\w*sort\b|sorted|quick|timsort|cota|construir|crear|leer|imprimir|inserta|consult",
    re.IGNORECASE,
)
"""Words between the last mention, or the beginning of the sentence, and this one: the claim is about a part, or about something else."""
_TURNS_AWAY = re.compile(
    r"alternativ|\botr[oa]s?\b|mejorar|optimiz|m[aá]s r[aá]pid|en (?:lugar|vez)|versi[oó]n|\b\w*sort\b|sorted|timsort|mont[ií]culo|heap"
    r"|memoria|espaci|recursi[oó]n de|podr|puede|\bsi\b|cuando|\?"
    r"|ingenu|fuerza bruta|binaria|tambi[eé]n|existe|por (?:conteo|mezcla)|paso\b",
    re.IGNORECASE,
)
"""Words of the sentence before that change the subject."""


def _turns_away(before: str) -> bool:
    return before.rstrip("* ").endswith(":") or _TURNS_AWAY.search(before) is not None


def _is_about_time(sentence: str, at: int, stop: int, mentions: Sequence[tuple[int, int, Cost | None]]) -> bool:
    """The mention at ``at`` says, without hedging, what the code costs; others in the sentence are about memory."""
    first, last = _clause(sentence, at, stop)
    if sum(first <= other < last for other, _, _ in mentions) != 1:
        return False
    others = [sentence[max(0, other - 40) : until + 20] for other, until, _ in mentions if other != at]
    if not all(re.search(r"memoria|espacio", text) for text in others):
        return False
    near = sentence[first:at] + " " + sentence[stop:last]
    if not _AFTER.match(sentence, stop):  # "O(n) comparaciones" counts something else than time
        return False
    return not _NEAR_HEDGES.search(near) and not _FAR_HEDGES.search(sentence) and _said(sentence, at)


_AFTER = re.compile(r"[\s*`]*(?:$|[.,;:)]|en (?:tiempo|total)\b|de tiempo\b|por ordenar|porque\b|ya que\b|pues\b|y\b)", re.IGNORECASE)
_DELIMITER = re.compile(r"[,;:](?=\s|$)|\s(?:y|pero|mientras que)\s|\b(?:as[ií] que|por eso|por lo que|por lo tanto|de modo que)\b")


def _clause(sentence: str, at: int, stop: int) -> tuple[int, int]:
    first = max((match.end() for match in _DELIMITER.finditer(sentence, 0, at)), default=0)
    found = _DELIMITER.search(sentence, stop)
    return first, found.start() if found else len(sentence)


def _said(sentence: str, at: int) -> bool:
    """The words before the mention say that the code takes this time."""
    found = _SAID.search(sentence[:at])
    if found is None:
        return False
    if _VERB.search(found.group()):
        return True
    before = sentence[: found.start()]
    return (
        found.group().strip() == ":"
        and re.search(r"\brecorre|una (?:sola )?vez|complejidad|costo|coste|tiempo", before, re.IGNORECASE) is not None
    )


def _sentences(text: str, begin: int, end: int) -> list[tuple[int, str]]:
    pieces: list[tuple[int, str]] = []
    at = begin
    for stop in re.finditer(r"(?<=[^\s])[.;!?](?=\s|$)|\n", text[begin:end]):
        pieces.append((at, text[at : begin + stop.start()]))
        at = begin + stop.end()
    pieces.append((at, text[at:end]))
    return [(start + len(piece) - len(piece.lstrip()), piece.strip()) for start, piece in pieces if piece.strip()]


def _mentions(sentence: str) -> list[tuple[int, int, Cost | None]]:
    found: list[tuple[int, int, Cost | None]] = []
    for match in _BIG_O.finditer(sentence):
        inner = re.sub(r"\\[,;:! ]|\\left|\\right|\\cdot|\\times|\\|\s", "", match["inner"]).replace("·", "").replace("{n}", "n")
        named = next((name for pattern, name in _INNER if re.fullmatch(pattern, inner)), None)
        found.append((match.start(), match.end(), CLASSES[named] if named else None))
    for pattern, named in _WORDS.items():
        found += [(match.start(), match.end(), CLASSES[named]) for match in re.finditer(pattern, sentence, re.IGNORECASE)]
    return found


# --- measured ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """Cost of calls of growing size."""

    size: int
    lines: int
    """Lines of Python executed."""
    seconds: float
    """Of processor time."""


def contradicts(claim: Cost, measured: Sequence[Measured], hidden: bool) -> bool:
    """Does the measured growth exceed the claim beyond doubt?

    ``hidden``: the code calls built-in operations whose cost grows with the size, so that time may tell more than lines."""
    if claim.exponential:
        return False
    if explodes(measured, claim.degree):
        return True
    by_lines = slope([(entry.size, entry.lines) for entry in measured])
    allowed = claim.degree + LIMIT + _logarithm(claim, measured)
    if by_lines is not None and by_lines >= allowed:
        return True
    if not hidden:
        return False
    slow = [(entry.size, entry.seconds) for entry in measured if entry.seconds > SHORTEST]
    by_time = slope(slow)
    return by_time is not None and by_time >= allowed + NOISE


def shortest(one: Sequence[Measured], other: Sequence[Measured]) -> list[Measured]:
    """The shorter time of two measurements at every size that both have: whatever disturbs a measurement makes it longer."""
    return [Measured(a.size, a.lines, min(a.seconds, b.seconds)) for a, b in zip(one, other, strict=False) if a.size == b.size]


def explodes(measured: Sequence[Measured], degree: float) -> bool:
    """Each further step multiplies the cost, by more than any power up to ``degree`` would, over at least five steps."""
    tail = measured[-6:]
    if len(tail) < 6 or tail[-1].size - tail[0].size > 40:
        return False
    steps = [(other.size - one.size, other.size / one.size, other.lines / max(1, one.lines)) for one, other in itertools.pairwise(tail)]
    return all(growth ** (1 / step) >= 1.25 and growth >= ratio ** (degree + LIMIT) for step, ratio, growth in steps)


def _logarithm(claim: Cost, measured: Sequence[Measured]) -> float:
    """What a factor log n adds to the slope at these sizes."""
    if not claim.logarithms or not measured:
        return 0.0
    first, last = max(2, measured[max(0, len(measured) - DOUBLINGS)].size), max(4, measured[-1].size)
    return math.log(math.log(last) / math.log(first)) / math.log(last / first) if last > first else 0.3


def slope(points: Sequence[tuple[int, float]]) -> float | None:
    """Slope of the line of least squares through the last points of a log-log plot, at least ``DOUBLINGS`` doublings; None: too few."""
    points = [(size, cost) for size, cost in points if size > 0 and cost > 0]
    if len(points) < DOUBLINGS or points[-1][0] < points[0][0] * 2 ** (DOUBLINGS - 1):
        return None
    tail = points[-DOUBLINGS:]
    xs = [math.log(size) for size, _ in tail]
    ys = [math.log(cost) for _, cost in tail]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((one - x) ** 2 for one in xs)
    return sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / spread if spread else None
