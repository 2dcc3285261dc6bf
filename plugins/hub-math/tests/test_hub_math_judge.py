"""The verdict on one answer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hub_math.judge import LONGEST_PART, NOTHING, Case, Reference, case_of, judge, number_text, references_of

from adapters_hub import Attempt, Message, Verdict


def verdict(answer: str, expected: Any = None, question: str = "", **options: Any) -> Verdict:
    attempt = Attempt((Message("user", question),), answer, expected, locale=options.pop("locale", "es_MX"), style=options.pop("style", ""))
    return judge(replace(case_of(attempt, **options), seconds=60.0))  # a busy machine changes no verdict here


def test_a_false_equality_is_told_with_what_is_right() -> None:
    found = verdict("Paso 1: 22 - 11 = 3.")
    assert (found.outcome, found.code, found.score) == ("incorrect", "false_equality", 0.0)
    assert found.reason == "Esta cuenta no es correcta: 22 − 11 = 3; el resultado es 11."
    assert found.hint.startswith("Revisa la cuenta «22 − 11 = 3»")
    assert (found.extracted, found.span, found.evidence) == ("22 − 11 = 3", (8, 19), "computed: exact")


@pytest.mark.parametrize(
    ("answer", "code", "score"),
    [
        ("Es una suma.", NOTHING, 0.0),
        ("Hay 3 manzanas.", NOTHING, 0.0),
        ("3 + 4 = 7", "equalities_hold", 1.0),
        ("2x + 3 = 11", "equalities_unknown", 0.5),
        ("2x + 3 = 11 y 3 + 4 = 7", "equalities_hold", 1.0),
    ],
)
def test_without_a_reference_only_wrong_can_be_said(answer: str, code: str, score: float) -> None:
    found = verdict(answer)
    assert (found.outcome, found.code, found.score) == ("unverified", code, score)


def test_the_result_beside_the_reference() -> None:
    right, wrong = verdict("Respuesta: 11", "11"), verdict("Respuesta: 3", "11")
    assert (right.outcome, right.score, right.extracted, right.expected, right.span) == ("correct", 1.0, "11", "11", (11, 13))
    assert (wrong.outcome, wrong.code, wrong.extracted, wrong.expected) == ("incorrect", "wrong_answer", "3", "11")
    assert right.evidence == "computed: exact; result marked"


@pytest.mark.parametrize("length", [10, 60, 61, 120, 121, 400])
def test_an_answer_in_words_alone_states_no_number(length: int) -> None:
    answer = ("En una pila sale primero el último que entró " * 9)[:length]
    found = verdict(answer, "11")
    assert (found.outcome, found.code) == ("unverified", "no_result" if length > 60 else "cannot_compare")


def test_the_hint_for_a_retry_never_gives_the_answer_away() -> None:
    assert "11" not in verdict("Respuesta: 3", "11").hint
    assert "11" in verdict("Respuesta: 3", "11").reason


@pytest.mark.parametrize(
    ("expected", "references"),
    [
        ("85 %", [("85 %", "")]),
        (11, [("11", "en")]),
        (0.5, [("0.5", "en")]),
        (1e-7, [("0.0000001", "en")]),
        (["3/4", 0.75], [("3/4", ""), ("0.75", "en")]),
        ({"answer": "x = 3"}, [("x = 3", "")]),
        ({"answer": ["3", "tres"], "locale": "es_AR"}, [("3", "es_AR"), ("tres", "es_AR")]),
        ({"terms": ["pila"]}, []),
        ({"function": "f", "tests": []}, []),
        ({"answer": {"answer": "3"}}, []),
        (None, []),
        (True, []),
        ("", []),
        ([], []),
        ([["3"]], []),
        (float("nan"), []),
        (10**500, []),
        (object(), []),
    ],
)
def test_what_may_be_expected(expected: Any, references: list[tuple[str, str]]) -> None:
    assert references_of(expected) == tuple(Reference(*one) for one in references)


def test_any_accepted_result_will_do() -> None:
    assert verdict("Respuesta: 0.75", ["3/4", "75 %"]).outcome == "correct"
    assert verdict("Respuesta: 0.9", ["3/4", 0.75]).outcome == "incorrect"


def test_a_reference_of_another_locale_is_read_in_its_own() -> None:
    expected = {"answer": "2,125", "locale": "en"}
    assert verdict("Respuesta: 2.125", expected, locale="es_AR").outcome == "correct"
    assert verdict("Respuesta: 2125", expected, locale="es_AR").outcome == "correct"


def test_with_terms_only_the_equalities_are_judged() -> None:
    assert verdict("Es una pila: 2 + 2 = 5.", {"terms": ["pila"]}).code == "false_equality"
    assert verdict("Es una pila.", {"terms": ["pila"]}).code == NOTHING


def test_a_right_result_with_a_false_equality_is_wrong_when_strict_and_a_warning_when_reported() -> None:
    answer = "3 + 4 = 8, y quito 1.\nRespuesta: 7"
    strict, report = verdict(answer, "7"), verdict(answer, "7", equalities="report")
    assert (strict.outcome, strict.code, strict.score, strict.warnings) == ("incorrect", "false_equality", 0.5, ("right_result",))
    assert (report.outcome, report.code, report.warnings) == ("correct", "right_answer", ("false_equality",))


def test_a_report_without_a_result_to_compare_still_calls_a_false_equality_wrong() -> None:
    assert verdict("3 + 4 = 8", equalities="report").outcome == "incorrect"
    assert verdict("3 + 4 = 8, ¿y luego?", "7", equalities="report").warnings == ("false_equality",)


def test_a_wrong_result_points_to_the_false_equality() -> None:
    found = verdict("22 - 11 = 3\nRespuesta: 3", "11")
    assert found.code == "wrong_answer" and "22 − 11 = 3" in found.hint and found.warnings == ("false_equality",)


def test_an_unmarked_conclusion_of_a_guiding_tutor_is_never_wrong() -> None:
    answer = "Paso 1: Suma 5 + 6 = 11.\nPaso 2: Quedan 10 manzanas."
    assert verdict(answer, "12").outcome == "incorrect"
    assert verdict(answer, "12", style="resuelto").outcome == "incorrect"
    assert verdict(answer, "12", style="guiado").outcome == "unverified"
    assert verdict(answer, "10", style="guiado").outcome == "correct"


def test_an_unmarked_conclusion_is_not_right_when_the_question_holds_it() -> None:
    assert verdict("Así que 5/8 es mayor.", "5/8", "¿Cuál es mayor, 5/8 o 7/12?").outcome == "unverified"
    assert verdict("Respuesta: 5/8", "5/8", "¿Cuál es mayor, 5/8 o 7/12?").outcome == "correct"


def test_a_rounded_unmarked_result_is_not_wrong() -> None:
    assert verdict("Suma 360 + 220 = 580.\nEn total usa 580/110 = 5.27 bolsas.", "5").outcome == "unverified"


@pytest.mark.parametrize(
    ("question", "answer", "outcome"),
    [
        ("¿Cuánto es 22 - 11?", "22 - 11 = 11", "correct"),
        ("¿Cuánto es 22 - 11?", "Son 3.", "incorrect"),
        ("¿Cuánto es 22 - 11?", "22 - 11", "unverified"),
        ("¿Cuánto es 22 - 11?", "El resultado no es 3. Son 11.", "correct"),
        ("¿Cuánto es 35 % de 240?", "Resultado: 84", "correct"),
        ("¿Cuánto es 2/3 + 1/4?", "3/7", "incorrect"),
        ("¿Cuánto es 10/3?", "3.33", "unverified"),
        ("Resuelve 2x + 3 = 11", "Paso 1: 2x = 8.\nPaso 2: x = 4.\nTe toca: resuelve 3x = 9.", "correct"),
        ("Resuelve 2x + 3 = 11", "Paso 1: 2x = 8.\nPaso 2: x = 5.\nTe toca: resuelve 3x = 9.", "incorrect"),
        ("Resuelve 2x + 3 = 11", "x = 5", "incorrect"),
        ("Resuelve 2x + 3 = 11", "Ahora prueba con x = 3.", "unverified"),
        ("Resuelve 2x + 3 = 11", "Te toca: x = 3", "unverified"),
        ("Resuelve x^2 = 4", "x = 2", "unverified"),
        ("Juan tiene 2x + 3 = 11 canicas rojas y 4 azules", "x = 5", "unverified"),
        ("¿Por qué 2 + 2 = 4?", "Son 5.", "unverified"),
    ],
)
def test_a_question_that_holds_its_own_answer_is_a_reference(question: str, answer: str, outcome: str) -> None:
    assert verdict(answer, None, question).outcome == outcome


def test_a_result_of_the_learner_is_no_question() -> None:
    turns = (Message("user", "Suma 1/5 + 5/6"), Message("assistant", "¿Cuánto te da?"), Message("user", "6/11"))
    assert judge(case_of(Attempt(turns, "Casi.\nResultado: 31/30."))).outcome == "unverified"
    for question in ("me da 13/15", "13/15", "13/15?"):
        assert verdict("Casi.\nResultado: 7/8.", None, question).outcome == "unverified"


def test_of_a_long_answer_the_beginning_and_the_end_are_judged_and_it_says_so() -> None:
    filler = "Seguimos. " * 5000
    found = verdict(f"{filler}2 + 2 = 5. {filler}")
    assert found.outcome == "unverified"
    for answer in (f"2 + 2 = 5. {filler}", f"{filler}2 + 2 = 5."):
        found = verdict(answer)
        assert found.outcome == "incorrect" and found.span is not None
        assert answer[slice(*found.span)] == "2 + 2 = 5"
        assert found.evidence.endswith(f"first and last {LONGEST_PART} of {len(answer)} characters")
    assert verdict(f"{filler}\nRespuesta: 11", "11").outcome == "correct"


def test_the_deadline_leaves_equalities_unknown() -> None:
    assert judge(Case("2 + 2 = 5", seconds=-1.0)).code == "equalities_unknown"


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        (Fraction(11), "", "11"),
        (Fraction(-3), "", "−3"),
        (Fraction(5, 2), "es_MX", "2.5"),
        (Fraction(5, 2), "es_AR", "2,5"),
        (Fraction(1, 3), "", "1/3"),
        (Fraction(10**20), "", ""),
        (Fraction(1, 10**9 + 7), "", ""),
    ],
)
def test_numbers_are_written_as_learners_write_them(value: Fraction, locale: str, text: str) -> None:
    assert number_text(value, locale) == text


@pytest.mark.parametrize(
    ("answer", "outcome"), [("Resultado: 4! = 24.", "correct"), ("Resultado: 4! = 23.", "incorrect"), ("Resultado: 24! Bien.", "correct")]
)
def test_the_mark_of_a_factorial_ends_no_sentence(answer: str, outcome: str) -> None:
    assert verdict(answer, "24").outcome == outcome
