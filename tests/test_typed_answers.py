"""What a student types at a prompt, read as it is meant: other ways to write it, and what is odd about a right number."""

from __future__ import annotations

import pytest

from adapters_hub.typed_answers import LONGEST, doubt, readings


@pytest.mark.parametrize(
    ("typed", "expected", "meant"),
    [
        ("85", "85 %", "85 %"),
        ("el 85 por ciento", "85 %", "el 85 %"),
        ("87,5 %", "7/8", "87,5/100"),
        ("3 de 10", "3/10", "3/10"),
        ("x2+5x-14", "x^2 + 5x - 14", "x^2+5x-14"),
        ("32*x**3", "32x^3", "32*x^3"),
        ("3 raíz de 3", "3√3", "3√3"),
        ("3*sqrt(3)", "3√3", "3√3"),
        ("x menor que 7", "x < 7", "x < 7"),
        ("menos 6", "-6", "-6"),
        ("6 bajo cero", "-6", "-6"),
        ("1 y 1/12", "13/12", "1 1/12"),
        ("x1=2, x2=6", "x = 2 o x = 6", "x =2, x =6"),
        ("x=4 y=2", "x = 4, y = 2", "x=4, y=2"),
        ("23 24 25", "23, 24 y 25", "23, 24, 25"),
        ("10x10", "10 m por 10 m", "10 m por 10 m"),
        ("10 m x 10 m", "10 m por 10 m", "10 m por 10 m"),
        ("tengo 14", "14", "14"),
        ("no, x=-2", "x = -2", "x=-2"),
        ("5, porque 2^5=32", "5", "5"),
    ],
)
def test_what_is_typed_is_also_read_as_the_model_answer_is_written(typed: str, expected: str, meant: str) -> None:
    assert meant in readings(typed, expected, "¿Cuánto es?")


@pytest.mark.parametrize(
    ("typed", "expected", "never"),
    [
        ("85 pesos", "85 %", "85 pesos %"),
        ("no es 4", "4", "4"),
        ("casi 4", "4", "4"),
        ("10 cm por 10 cm", "10 m por 10 m", "10 m por 10 m"),
        ("10 + 10", "10 m por 10 m", "10 m por 10 m"),
        ("x2=4", "x = 4", "x =4"),
        ("87 %", "87 %", "87/100"),
        ("942.48", "942", "942"),
    ],
)
def test_another_answer_is_never_read_as_the_right_one(typed: str, expected: str, never: str) -> None:
    assert never not in readings(typed, expected, "¿Cuánto es?")


@pytest.mark.parametrize(
    ("typed", "rounded"), [("942.48", "942"), ("942,48 litros", "942 litros"), ("300π litros", "942 litros"), ("941.4", "941")]
)
def test_a_more_exact_figure_is_rounded_where_an_approximate_one_is_asked_for(typed: str, rounded: str) -> None:
    assert rounded in readings(typed, "942 litros", "¿Cuántos litros le caben, aproximadamente?")


def test_who_is_greater_counts_only_where_that_was_asked() -> None:
    assert "5/8" in readings("5/8 es mayor", "5/8", "¿Cuál es mayor, 5/8 o 7/12?")
    assert "5/8" not in readings("5/8 es menor", "5/8", "¿Cuál es mayor, 5/8 o 7/12?")


@pytest.mark.parametrize("written", ["", "  ", "uno\ndos", "x" * (LONGEST + 1), "4"])
def test_what_was_written_at_length_and_what_is_plain_is_read_once(written: str) -> None:
    assert readings(written, "4", "¿Cuánto es?") == ()


@pytest.mark.parametrize("typed", ["60 min", "60 minutos", "60", "60 Minutos.", "son 60 minutos", "60 alarmas"])
def test_the_unit_of_the_model_answer_is_never_odd(typed: str) -> None:
    assert doubt(typed, "Suenan juntas a los 60 minutos.", "¿En cuántos minutos?") == ""


@pytest.mark.parametrize(
    ("typed", "reference"),
    [("60 horas", "60 minutos"), ("12 m²", "Son 12 m."), ("12 m2", "Son 12 m."), ("27 m", "27 m²"), ("120 cm cúbicos", "120 dm³")],
)
def test_a_right_number_of_another_unit_is_odd(typed: str, reference: str) -> None:
    assert "unidad" in doubt(typed, reference, "¿Cuánto?")


def test_the_opposite_of_what_is_asked_is_odd() -> None:
    assert "menor" in doubt("el menor es 5/8", "5/8", "¿Cuál es mayor, 5/8 o 7/12?")
    assert doubt("5/8 es mayor, 7/12 es menor", "5/8", "¿Cuál es mayor, 5/8 o 7/12?") == ""
