"""The validator ``terms``."""

from __future__ import annotations

import time
from typing import Any

import hub_text
import pytest

from adapters_hub import Attempt, Message, Verdict
from adapters_hub.plugins import NOT_MINE, judge_with

QUESTION = (Message("user", "¿Qué estructura usa el botón de atrás?"),)


def judge(terms: Any, said: str, **more: Any) -> Verdict:
    _, spec = hub_text.hub_validators()
    return spec.make({}).judge(Attempt(QUESTION, said, {"terms": terms, **more}, language="es"))


@pytest.mark.parametrize(
    ("terms", "answer"),
    [
        (["pila"], "Usa una pila."),
        (["pila", "LIFO"], "Es LIFO: la PILA entrega lo último."),
        (["vacía"], "El error sale con listas vacias."),
        (["veces"], "Se mira una vez."),
        (["índice"], "Guarda **índices** ordenados."),
        ([["O(n)", "lineal"], "memoria"], "Es lineal y usa poca memoria."),
        ([["O(n)", "lineal"]], "Cuesta `O( n )` en total."),
        (["O(n^2)"], "Es O(n²)."),
        (["n * n log n"], "Son n · n log n pasos."),
        (["BEGIN", "COMMIT"], "```sql\nBEGIN;\nUPDATE t SET a = 1;\nCOMMIT;\n```"),
        (["dos divisores"], "Tiene solo dos divisores."),
        (["[3, 5, 8, 1]"], "Queda [3, 5, 8, 1]."),
        (["5"], "Queda 9 - 5 = 4."),
        (["no basta"], "No basta con eso."),
        (["luces", "gas"], "La luz y los gases."),
        (["pila"], "Fue una pila, ¿verdad? Piénsalo una vez."),
        ("pila", "Una pila."),
    ],
)
def test_an_answer_that_names_every_term_is_right(terms: Any, answer: str) -> None:
    verdict = judge(terms, answer)
    assert (verdict.outcome, verdict.score, verdict.code) == ("correct", 1.0, "terms_present"), verdict


@pytest.mark.parametrize(
    ("terms", "answer", "score"),
    [
        (["pila"], "Usa una cola.", 0.0),
        (["pila", "LIFO"], "Usa una pila.", 0.5),
        (["O(n)"], "Es O(n log n).", 0.0),
        (["O(n)"], "Es O(ns).", 0.0),
        (["16"], "Son 16.5 pasos.", 0.0),
        (["16"], "Son 160 pasos.", 0.0),
        (["5"], "Vale -5.", 0.0),
        (["pila"], "Se apilan.", 0.0),
        (["mayor"], "", 0.0),
    ],
)
def test_an_answer_without_a_term_is_open_and_never_wrong(terms: Any, answer: str, score: float) -> None:
    verdict = judge(terms, answer)
    assert (verdict.outcome, verdict.score, verdict.code) == ("unverified", score, "terms_missing"), verdict


def test_the_reason_names_what_is_missing_with_its_first_way() -> None:
    verdict = judge(["pila", ["O(n)", "lineal"], "cima"], "Una pila.")
    assert verdict.reason == "Puede ser correcta, pero no se encontró «O(n)» ni «cima»."
    assert verdict.hint == "Explica también «O(n)» y «cima»." and verdict.expected == "pila, O(n), cima"


@pytest.mark.parametrize(
    "answer",
    [
        "No es una pila.",
        "Eso no usa ninguna pila.",
        "Se hace sin pila.",
        "No es una cola ni una pila.",
        "Nunca es una pila.",
        "¿Será una pila?",
        "Será una pila?",
        "No hay una pila.",
        "No creo que sea la estructura llamada pila.",
        "Es falso que use una pila.",
        "Nadie diría que es una pila.",
        "En lugar de una pila usa otra cosa.",
        "Es todo menos una pila.",
    ],
)
def test_a_term_that_is_denied_or_asked_is_not_said(answer: str) -> None:
    verdict = judge(["pila"], answer)
    assert verdict.code == "terms_missing" and verdict.reason == "Puede ser correcta, pero se niega o solo se pregunta «pila»."


@pytest.mark.parametrize(
    "answer",
    [
        "No: es una pila.",
        "No es una cola, sino una pila.",
        "No solo es una pila.",
        "No se trata de una cola; es una pila.",
        "No es una pila de libros. Es una pila de páginas.",
        "¿Una cola? No: usa una pila.",
    ],
)
def test_a_denial_of_something_else_does_not_count(answer: str) -> None:
    assert judge(["pila"], answer).outcome == "correct"


@pytest.mark.parametrize("terms", [[], [[]], [""], ["pila", 3], None, {"a": 1}, ["**"], ["x"] * 13, "", [["x"] * 13]])
def test_terms_of_another_shape_decide_nothing(terms: Any) -> None:
    verdict = judge(terms, "Una pila.")
    assert (verdict.outcome, verdict.code) == ("unverified", "bad_terms")


@pytest.mark.parametrize("expected", [None, "pila", 7, {"answer": "3"}, ["pila"]])
def test_a_row_without_terms_is_not_its_business(expected: Any) -> None:
    verdict = hub_text.make_terms({}).judge(Attempt(QUESTION, "Una pila.", expected))
    assert (verdict.outcome, verdict.code) == ("unverified", NOT_MINE)


def test_what_another_validator_knows_is_left_to_it() -> None:
    assert judge(["pila"], "Una pila.", answer="3").outcome == "unverified"
    assert judge(["pila"], "Una pila.", db="data/escuela.sql").outcome == "correct"


def test_a_fault_of_form_is_found_before_the_words() -> None:
    validators = [spec.make({}) for spec in hub_text.hub_validators()]
    attempt = Attempt(QUESTION, "Usa una pila.<|user|>", {"terms": ["pila"]}, language="es")
    assert judge_with(validators, attempt).code == "template_token"
    sound = Attempt(QUESTION, "Usa una pila.", {"terms": ["pila"]}, language="es")
    assert judge_with(validators, sound).outcome == "correct"


def test_a_long_answer_takes_little_time() -> None:
    started = time.process_time()
    judge([["pila de platos", "cola de gente"], "LIFO"], "una pila de " * 100_000)
    assert time.process_time() - started < 1.0


def test_long_terms_and_a_long_answer_take_little_time() -> None:
    started = time.process_time()
    judge([["a " * 60 + "b"] * 12] * 12, "a " * 10_000)
    assert time.process_time() - started < 3.0
