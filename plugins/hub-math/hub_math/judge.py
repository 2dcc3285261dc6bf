"""Judges one answer: its equalities, and its result against the expected one.

Pure and single-threaded: data in, verdict out. Knows nothing of processes and time limits beyond the deadline it is given.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

from adapters_hub import Attempt, Verdict
from hub_math import negation, vocabulary
from hub_math.candidates import Candidate, candidates
from hub_math.compare import Comparison, same
from hub_math.equalities import Checked, Checker, claims_of
from hub_math.grammar import read
from hub_math.masks import FENCE, Masked, masked
from hub_math.numbers import POINT, convention_of, number_readings
from hub_math.questions import Task, task_of
from hub_math.stretches import Stretch, stretches

LONGEST_PART = 12_000
"""Characters of the beginning and of the end of a longer answer that are judged."""
LONGEST_REFERENCE = 2_000
MOST_REFERENCES = 32
MOST_PLACES = 16
"""Boxes or marks of one answer that are compared, the last ones."""
NOTHING = "nothing_to_judge"


@dataclass(frozen=True)
class Reference:
    """An accepted result."""

    text: str
    locale: str = ""
    """How its numbers are written; empty: as those of the answer."""


@dataclass(frozen=True)
class Case:
    """What is judged, as plain data that travels between processes."""

    answer: str
    """At most twice LONGEST_PART characters; see ``case_of``."""
    question: str = ""
    first: bool = True
    """The question is the first turn of the conversation."""
    references: tuple[Reference, ...] = ()
    """Accepted results, any one of them; empty: there is none."""
    locale: str = ""
    style: str = ""
    """``guiado``: the answer need not state the result."""
    equalities: Literal["strict", "report"] = "strict"
    """strict: a false equality makes the answer incorrect. report: it is a warning when the result can be compared."""
    seconds: float = 1.5
    """Time after which no further equality is computed."""
    cut: int = 0
    """Where the left-out middle of a long answer was; 0: nothing is left out."""
    left_out: int = 0
    """Characters left out there, less those that stand in for them."""


def case_of(attempt: Attempt, *, locale: str = "", equalities: Literal["strict", "report"] = "strict") -> Case:
    """A case out of an attempt: of a long answer the beginning and the end, the result being at the end."""
    answer, cut, left_out = attempt.answer, 0, 0
    if len(answer) > 2 * LONGEST_PART:
        bridge = "\n\n"
        cut, left_out = LONGEST_PART, len(answer) - 2 * LONGEST_PART - len(bridge)
        answer = answer[:LONGEST_PART] + bridge + answer[-LONGEST_PART:]
    locale = locale or attempt.locale or ("en" if attempt.language == "en" else "")
    question = attempt.question[:LONGEST_REFERENCE]
    first = all(turn.role != "assistant" for turn in attempt.messages)
    references = references_of(attempt.expected)
    return Case(answer, question, first, references, locale, attempt.style, equalities, cut=cut, left_out=left_out)


def references_of(expected: Any) -> tuple[Reference, ...]:
    """Accepted results out of ``expected``: a string, a number, a list of them, or ``{"answer": ..., "locale": ...}``.

    Empty for other shapes, which are not ours."""
    if isinstance(expected, Mapping):
        answer, locale = expected.get("answer"), expected.get("locale")
        found = references_of(answer) if not isinstance(answer, Mapping) else ()
        return tuple(replace(one, locale=locale) for one in found) if isinstance(locale, str) and locale else found
    if isinstance(expected, str):
        text = expected.strip()[:LONGEST_REFERENCE]
        return (Reference(text),) if text else ()
    if isinstance(expected, bool) or expected is None:
        return ()
    if isinstance(expected, int):
        return (Reference(str(expected), "en"),) if abs(expected) < 10**400 else ()
    if isinstance(expected, float):
        return (Reference(_plain(expected), "en"),) if math.isfinite(expected) else ()
    if isinstance(expected, Sequence):
        parts = [part for part in expected[:MOST_REFERENCES] if isinstance(part, (str, int, float))]
        return tuple(one for part in parts for one in references_of(part))
    return ()


def _plain(number: float) -> str:
    """A float without exponent: a reference is written as a learner would write it."""
    text = repr(number)
    return text if "e" not in text else f"{number:.15f}".rstrip("0").rstrip(".")


def judge(case: Case) -> Verdict:
    """The verdict on one answer."""
    deadline = time.monotonic() + case.seconds
    case = replace(case, references=tuple(replace(one, text=_boxed_text(one.text)) for one in case.references))
    view = masked(case.answer)
    found = stretches(view.text)
    checks = _checked(case, view, found, deadline)
    result = _result(case, view, found) if case.references else _task_result(case, view, found)
    verdict = _decided(case, checks, result)
    return _placed(verdict, case)


def _boxed_text(text: str) -> str:
    """A reference that is a whole solution is what its boxes hold: the last one, or all of a short text."""
    boxes = masked(text).boxes if "\\boxed" in text else ()
    contents = [text[start:end].strip() for start, end in boxes]
    return (", ".join(contents) if len(text) <= 40 + sum(map(len, contents)) * 4 else contents[-1]) if contents else text


def _placed(verdict: Verdict, case: Case) -> Verdict:
    """The verdict with positions in the whole answer."""
    if not case.left_out:
        return verdict
    span = verdict.span
    if span is not None:
        start, end = (place + case.left_out if place > case.cut else place for place in span)
        span = (start, end)
    note = f"first and last {LONGEST_PART} of {len(case.answer) + case.left_out} characters"
    return replace(verdict, span=span, evidence=f"{verdict.evidence}; {note}" if verdict.evidence else note)


# --- equalities ----------------------------------------------------------------------------------


def _checked(case: Case, view: Masked, found: Sequence[Stretch], deadline: float) -> list[Checked]:
    checker = Checker(view.text, case.locale, case.question, deadline)
    checks = [checker.check(claim) for claim in claims_of(view, found)]
    for place, (check, following) in enumerate(pairwise(checks)):
        beside = following.claim.start - check.claim.end <= 120 and following.claim.left.operation
        if check.truth == "false" and following.truth == "true" and beside and _letters(check) == _letters(following):
            checks[place] = replace(check, truth="unknown", note="put right at once")
    return checks


def _letters(check: Checked) -> str:
    return re.sub(r"\s", "", check.claim.left.readings[0])


# --- the result ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Result:
    """How the stated result compares with the expected one."""

    outcome: Literal["equal", "different", "unknown", "missing"]
    candidate: Candidate | None = None
    got: str = ""
    how: str = ""
    note: str = ""


def _result(case: Case, view: Masked, found: Sequence[Stretch]) -> _Result:
    places = candidates(view, found)
    boxed = [place for place in places if place.tier == "boxed"][-MOST_PLACES:]
    marked = [place for place in places if place.tier == "marked"][-MOST_PLACES:]
    if boxed:
        result = _boxed_result(case, view.text, boxed)
        later = [_compared(case, place) for place in marked if place.start > boxed[-1].end]
        if result.outcome == "equal" or not later or later[-1].outcome == "different":
            return result
        return later[-1] if later[-1].outcome == "equal" else replace(result, outcome="unknown", note="another result is marked")
    if marked:
        return _marked_result(case, marked)
    for place in (place for place in places if place.tier == "whole"):
        return _compared(case, place)
    for place in (place for place in places if place.tier == "concluded"):
        return _concluded_result(case, view.text, found, place)
    return _Result("missing")


def _boxed_result(case: Case, text: str, boxed: Sequence[Candidate]) -> _Result:
    """The last box decides; boxes beside it may belong to it, and an earlier one that is right forbids to say "wrong"."""
    last = _compared(case, boxed[-1])
    if last.outcome == "equal" or len(boxed) == 1:
        return last
    beside = [boxed[-1]]
    for box in reversed(boxed[:-1]):
        between = re.sub(r"\\[a-zA-Z]+|[\W_]", " ", text[box.end : beside[0].start]).split()
        if len(between) > 4 or not {word.lower() for word in between} <= _JOINING:
            break
        beside.insert(0, box)
    if len(beside) > 1:
        together = Candidate("boxed", beside[0].start, beside[-1].end, (", ".join(box.texts[0] for box in beside),))
        compared = _compared(case, together)
        if compared.outcome == "equal":
            return compared
        return replace(last, outcome="unknown", note="several boxes")
    if any(_compared(case, box).outcome == "equal" for box in boxed[:-1]):
        return replace(last, outcome="unknown", note="an earlier box holds the expected result")
    return last


_JOINING = vocabulary.word_set("y o e u and or text mbox quad part parte a b c for para")


def _marked_result(case: Case, marked: Sequence[Candidate]) -> _Result:
    """The last mark decides, unless another one says something else."""
    last = _compared(case, marked[-1])
    if last.outcome == "equal":
        if any(_compared(case, place).outcome == "different" for place in marked[:-1]):
            return replace(last, note="an earlier mark differs")
        return last
    if any(_compared(case, place).outcome != "different" for place in marked[:-1]):
        return replace(last, outcome="unknown", note="several results are marked")
    return last


def _concluded_result(case: Case, text: str, found: Sequence[Stretch], place: Candidate) -> _Result:
    """An unmarked conclusion is right when its last value is the expected one and the question did not already hold it; wrong only when
    the expected value is nowhere, the sentence holds one value, and the tutor has not declared that it keeps results back."""
    compared = _compared(case, place)
    verbatim = any(_contains(place.sentence, wanted.text) for wanted in case.references if not re.fullmatch(r"[\W\d]*|\w", wanted.text))
    if compared.outcome == "equal" or verbatim:
        if any(_contains(case.question, wanted.text) for wanted in case.references):
            return replace(compared, outcome="unknown", note="the expected result stands in the question, too")
        return replace(compared, outcome="equal", how=compared.how or "verbatim", got=compared.got or place.sentence)
    if compared.outcome != "different":
        return compared
    if (
        case.style == "guiado"
        or _GUIDES.search(text)
        or _may_be_rounded(case, compared.got)
        or not (place.sole and place.clean)
        or negation.doubt_about(text, place.start, place.end)
        or _is_elsewhere(case, text, found)
    ):
        return replace(compared, outcome="unknown", note="the result is not marked")
    return compared


_GUIDES = re.compile(
    r"\?|(?<!\w)(?:pista|empieza|empecemos|comienza|piensa|intenta|prueba|recuerda|ayuda|f[ií]jate|ver[aá]s|dime|sigue|contin[uú]a|falta|"
    r"hint|start|try|think|remember|consider|next|your turn)(?!\w)",
    re.IGNORECASE,
)
"""An answer with one of these may guide towards the result without stating it."""


def _may_be_rounded(case: Case, got: str) -> bool:
    """Whether a whole number is expected and the value beside it has a fraction: 5.27 bags are 5 or 6 bags."""
    values = [value for value in map(_number, (got.rpartition("=")[2], *(wanted.text for wanted in case.references))) if value is not None]
    return len(values) == 2 and values[0].denominator != 1 == values[1].denominator and abs(values[0] - values[1]) < 1


def _number(text: str) -> Fraction | None:
    """The first number of a text, roughly read."""
    found = re.search(r"-?\d+(?:[.,]\d+)*", text)
    readings = number_readings(found.group(), "en") if found else ()
    return readings[0] if readings else None


def _is_elsewhere(case: Case, text: str, found: Sequence[Stretch]) -> bool:
    """Whether the expected result may stand anywhere in the answer, in digits or in words."""
    if any(word.lower() in vocabulary.NUMBER_WORDS for word in re.findall(r"[^\W\d_]+", text)):
        return True
    sides = [side for stretch in found for side in stretch.sides if side.readings]
    parts = [replace(one, text=part) for one in case.references for part in _SEVERAL.split(one.text) if part != one.text]
    if parts:  # "3 y 2" may be told in several sentences
        case = replace(case, references=(*case.references, *parts))
    return any(_same(case, reading).outcome != "different" for side in sides[-120:] for reading in side.readings)


def _compared(case: Case, place: Candidate) -> _Result:
    """A candidate beside the accepted results: its full text if that can be read, else the value within, if no word around changes it."""
    outcomes: list[_Result] = []
    for number, text in enumerate(place.texts):
        compared = _same(case, text)
        outcomes.append(_Result(compared.outcome, place, text, compared.how, compared.note))
        if compared.outcome == "equal" and (number == 0 or place.clean):
            against = next((result for result in outcomes[:-1] if result.note in _DECIDING or _differs(result, text)), None)
            return outcomes[-1] if against is None else replace(against, outcome="unknown")
    readable = place.texts if place.clean else place.texts[:1]
    if any(_as_words(text) == _as_words(wanted.text) for text in readable for wanted in case.references):
        return _Result("equal", place, place.texts[0], "verbatim")
    different = next((result for result in outcomes if result.outcome == "different"), None)
    if different is None:
        return outcomes[0] if outcomes else _Result("missing", place)
    fuller = outcomes[: outcomes.index(different)]
    if any(read(result.got, case.locale) for result in fuller) or (fuller and not place.clean):
        return fuller[0]
    if _SEVERAL.search(different.got) and any(_same(case, part).outcome == "equal" for part in _SEVERAL.split(different.got)):
        return replace(different, outcome="unknown", note="one of several values")
    return different


_DECIDING = frozenset(("unit", "variable"))
"""What a fuller text differs in that must not be left out of it: ``5¢`` is not $5, ``y = 2`` is not x = 2."""


def _differs(fuller: _Result, text: str) -> bool:
    """Whether signs were left out of a fuller text that is another value: ``7!`` beside ``7``."""
    return fuller.outcome == "different" and re.search(r"[^\W\d_]{2}", fuller.got) is None and "=" not in fuller.got and text in fuller.got


_SEVERAL = re.compile(r",[ ]|;[ ]?|[ ](?:y|o|e|u|and|or)[ ]")


def _same(case: Case, text: str) -> Comparison:
    """Equal to one of the accepted results, or different from all of them."""
    compared = [same(text, wanted.text, case.locale, wanted.locale or case.locale) for wanted in case.references]
    order = ("equal", "unknown", "different")
    return min(compared, key=lambda comparison: order.index(comparison.outcome))


def _as_words(text: str) -> str:
    """For answers that are words: without what only decorates. Every sign that may mean something stays: ``x = ±3`` is not ``x = 3``."""
    text = re.sub(r"\\(?:text|mathrm|mbox|textbf|operatorname)\s*\{([^{}]*)\}", r"\1", text)
    words = " ".join(re.sub(rf"[{FENCE}$`\"'«»“”]|\*\*|__", " ", text).split()).strip(" .,;:¡¿?*_").casefold()
    words = words.removesuffix("!") if "¡" in text else words
    return words if re.search(r"[^\W\d_]", words) else f"\0{text}"


def _contains(text: str, wanted: str) -> bool:
    """Whether a text holds the expected result to the letter, not as a part of a longer number or word."""
    return bool(wanted) and re.search(rf"(?<![\w.,/]){re.escape(wanted)}(?![\w/]|[.,]\d)", text[:20_000], re.IGNORECASE) is not None


def _task_result(case: Case, view: Masked, found: Sequence[Stretch]) -> _Result | None:
    """The result beside the one that the question itself demands, where it leaves no doubt; None where nothing is certain."""
    task = task_of(case.question, case.locale, first=case.first)
    if task is None:
        return None
    asked = replace(case, references=(Reference(str(task.value), "en"),), question="")
    result = _result(asked, view, found)
    place = result.candidate
    if place is not None and place.tier == "concluded":
        result = _compared(asked, place)
        if result.outcome == "different" and not _is_solution(task, view.text, found, place):
            return None
    if result.outcome not in ("equal", "different") or not _is_worked_out(result.got):
        return None
    if result.outcome == "different" and not task.finite and not re.fullmatch(r".*\d\s*/\s*\d+\W*", result.got):
        return None  # it may be rounded
    return replace(result, note="computed from the question")


def _is_solution(task: Task, text: str, found: Sequence[Stretch], place: Candidate) -> bool:
    """Whether an unmarked conclusion states the unknown of the equation as its solution, and not as a number to try."""
    last = [stretch for stretch in found if stretch.start <= place.end <= stretch.end]
    if not task.unknown or not last or not re.match(rf"\s*{task.unknown}\s*=", text[last[-1].start : place.end]):
        return False
    if negation.doubt_about(text, last[-1].start, place.end):
        return False
    clause = negation.surroundings(text, last[-1].start, place.end).clause
    return (
        not clause.strip(" *")
        or re.search(r"(?<!\w)(?:luego|entonces|as[ií] que|por (?:lo )?tanto|queda|obtienes|obtenemos|so|therefore|then|get)\W*$", clause)
        is not None
    )


def _is_worked_out(text: str) -> bool:
    """Whether a text is a value and no calculation that is left to do."""
    value = text.rpartition("=")[2]
    return len(re.findall(r"(?<=[\w)}])\s*(?:[+\-−·*×^]|\*\*|\\cdot|\\times)\s*(?=[\w({\\])", value)) == 0


# --- the verdict ---------------------------------------------------------------------------------


def _decided(case: Case, checks: Sequence[Checked], result: _Result | None) -> Verdict:
    """Result and equalities together."""
    false = [checked for checked in checks if checked.truth == "false"]
    warnings = ("false_equality",) if false else ()
    if result is not None and result.outcome in ("equal", "different"):
        verdict = _result_verdict(case, result)
        if false and case.equalities == "strict" and result.outcome == "equal":
            wrong = _false_equality(case, false[0])
            return replace(wrong, score=0.5, expected=verdict.expected, warnings=("right_result",))
        if false and result.outcome == "different":
            hint = (
                f"Revisa la cuenta «{_shown(false[0])}»: no es correcta. Corrige los pasos que dependen de ella y da de nuevo el resultado."
            )
            verdict = replace(verdict, hint=hint)
        return replace(verdict, warnings=warnings)
    if false and (case.equalities == "strict" or result is None):
        return _false_equality(case, false[0])
    return replace(_open_verdict(case, checks, result), warnings=warnings)


def _result_verdict(case: Case, result: _Result) -> Verdict:
    assert result.candidate is not None
    place = result.candidate
    expected = case.references[0].text if case.references else ""
    evidence = f"computed: {result.how or 'exact'}; result {place.tier}{'' if case.references else '; from the question'}"
    span = (place.start, place.end)
    if result.outcome == "equal":
        return Verdict(
            "correct", 1.0, "right_answer", f"El resultado es correcto: {_line(result.got)}.", "", result.got, span, expected, evidence
        )
    return Verdict(
        "incorrect",
        0.0,
        "wrong_answer",
        f"El resultado no es correcto: la respuesta dice {_line(result.got)}{f' y se esperaba {_line(expected)}' if expected else ''}.",
        f"El resultado {_line(result.got)} no es correcto. Revisa el planteamiento y cada cuenta, paso a paso, y da de nuevo el resultado.",
        result.got,
        span,
        expected,
        evidence,
    )


def _false_equality(case: Case, checked: Checked) -> Verdict:
    claim = checked.claim
    shown = _shown(checked)
    worth = _worth_text(checked, case.locale)
    return Verdict(
        "incorrect",
        0.0,
        "false_equality",
        f"Esta cuenta no es correcta: {shown}{worth}.",
        f"Revisa la cuenta «{shown}»: no es correcta. Corrige también los pasos que dependen de ella.",
        shown,
        (claim.start, claim.end),
        evidence=f"computed: {checked.how or 'exact'}",
    )


def _open_verdict(case: Case, checks: Sequence[Checked], result: _Result | None) -> Verdict:
    """Neither right nor wrong."""
    true = [checked for checked in checks if checked.truth == "true"]
    evidence = f"computed: {len(true)} of {len(checks)} equalities" if checks else ""
    expected = case.references[0].text if case.references else ""
    if result is not None and result.outcome == "unknown" and result.candidate is not None:
        return Verdict(
            "unverified",
            0.5,
            "cannot_compare",
            f"No se pudo comprobar si el resultado «{_line(result.got)}» es el esperado.",
            "Escribe al final una línea con el resultado: «Respuesta: ...».",
            result.got,
            (result.candidate.start, result.candidate.end),
            expected,
            "; ".join(filter(None, (evidence, result.note))) or "parsed",
        )
    if true:
        reason = "Las cuentas que se pudieron comprobar son correctas."
        if result is not None:
            reason = "Las cuentas son correctas, pero no se encontró un resultado que comparar."
        return Verdict(
            "unverified",
            1.0,
            "equalities_hold",
            reason,
            extracted=_shown(true[0]),
            span=(true[0].claim.start, true[0].claim.end),
            expected=expected,
            evidence=evidence,
        )
    if result is not None:
        return Verdict(
            "unverified",
            0.5,
            "no_result",
            "No se encontró en la respuesta un resultado que comparar.",
            "Escribe al final una línea con el resultado: «Respuesta: ...».",
            expected=expected,
            evidence=evidence or "parsed",
        )
    if checks:
        return Verdict("unverified", 0.5, "equalities_unknown", "Hay cuentas o ecuaciones que no se pudieron comprobar.", evidence=evidence)
    return Verdict("unverified", 0.0, NOTHING, "No hay cuentas que comprobar.")


def _shown(checked: Checked) -> str:
    return _line(checked.claim.shown, 160)


def _line(text: str, longest: int = 120) -> str:
    """One line of bounded length, with a minus sign for a lonely hyphen."""
    line = re.sub(r"\s+", " ", text).strip()
    line = re.sub(r"(?<=[\d)a-z] )-(?= [\d(a-z])", "−", line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _worth_text(checked: Checked, locale: str) -> str:
    if checked.worth is None or checked.claim.relation not in ("=", "≈"):
        return ""
    left = checked.claim.left.operation or not checked.claim.right.operation
    value = number_text(checked.worth, locale)
    if not value:
        return ""
    return f"; el resultado es {value}" if left else f"; el lado derecho vale {value}"


def number_text(value: Fraction, locale: str = "") -> str:
    """A fraction as a learner writes it: a whole number, a short decimal, else a fraction; empty where it would be too long."""
    if value.denominator == 1:
        text = str(value.numerator) if abs(value.numerator) < 10**15 else ""
        return text.replace("-", "−")
    for decimals in range(1, 7):
        if (value * 10**decimals).denominator == 1:
            text = f"{value.numerator / value.denominator:.{decimals}f}" if abs(value) < 10**9 else ""
            mark = "." if convention_of(locale) in ("", POINT) else ","
            return text.replace(".", mark).replace("-", "−")
    if abs(value.numerator) < 10**6 and value.denominator < 10**6:
        return f"{value.numerator}/{value.denominator}".replace("-", "−")
    return ""
