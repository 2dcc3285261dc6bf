"""Answers that are words."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hub_math.words import number_word, word_value


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("No existe", "no existe"),
        ("la ecuación no tiene solución real", "sin solución"),
        ("sin solución", "sin solución"),
        ("Verdadero.", "verdadero"),
        ("es falsa", "falso"),
        ("Sí", "sí"),
        ("impar", "impar"),
        ("(C)", "opción C"),
        ("b)", "opción B"),
        ("opción D", "opción D"),
        ("XIV", "XIV"),
    ],
)
def test_fixed_phrases_are_known(text: str, word: str) -> None:
    value = word_value(text)
    assert value is not None and (value.kind, value.word) == ("word", word)


@pytest.mark.parametrize("text", ["", "hola", "no lo sé", "x", "5", "ninguna", "verdadero o falso", "c", "IIX"])
def test_other_words_are_not_read(text: str) -> None:
    assert word_value(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("cero", Fraction(0)),
        ("veintidós", Fraction(22)),
        ("treinta y uno", Fraction(31)),
        ("cien", Fraction(100)),
        ("ciento cinco", Fraction(105)),
        ("quinientas doce", Fraction(512)),
        ("mil", Fraction(1000)),
        ("dos mil veinticuatro", Fraction(2024)),
        ("menos ocho", Fraction(-8)),
        ("un medio", Fraction(1, 2)),
        ("tres cuartos", Fraction(3, 4)),
    ],
)
def test_numbers_in_words(text: str, number: Fraction) -> None:
    assert number_word(text) == number


@pytest.mark.parametrize("text", ["", "y", "treinta y", "treinta y diez", "cien cien", "mil mil", "uno dos", "veinte tres casas"])
def test_what_is_no_number_in_words(text: str) -> None:
    assert number_word(text) is None
