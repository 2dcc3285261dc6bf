"""Spanish and Unicode to plain notation."""

from __future__ import annotations

import time

import pytest
from hub_math.notation import plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3x²", "3x^(2)"),
        ("x⁻¹", "x^(-1)"),
        ("x₁", "x_(1)"),
        ("2·3×4 ÷ 5", "2*3*4 ÷ 5"),
        ("−5", "-5"),
        ("a ≤ b ≠ c ≥ d", "a <= b != c >= d"),
        ("π ≈ 3,14", "π ~ 3,14"),
        ("x = 3 e y = 2", "x = 3 y y = 2"),
        ("80\u202f000", "80 000"),
        ("x**2", "x^2"),
        ("**5**", "5"),
        ("0,1⟳6⟳", "(15/90)"),
        ("0,3\u0305", "(3/9)"),
        ("90º", "90°"),
        ("𝑥²", "x^(2)"),
    ],
)
def test_signs_become_plain_ones(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 por ciento", "5  % "),
        ("raíz cuadrada de 16", " √  16"),
        ("x al cuadrado", "x  ^2 "),
        ("6 dividido entre 2", "6  ÷  2"),
        ("5 por 3", "5  *  3"),
        ("menos infinito", " -oo "),
        ("x es mayor o igual que 3", "x  >=  3"),
        ("aproximadamente 5", " ~  5"),
    ],
)
def test_spanish_words_become_signs(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize("word", ["porque", "porción", "entrega", "menosprecio", "infinitamente", "remás"])
def test_words_that_only_begin_like_a_sign_stay(word: str) -> None:
    assert plain(word) == word


@pytest.mark.parametrize("text", ["es " * 30_000, "más " * 30_000, "¹" * 100_000, "0,1" * 30_000, "aproximadamente igual " * 5_000])
def test_long_texts_take_little_time(text: str) -> None:
    before = time.process_time()
    plain(text)
    assert time.process_time() - before < 1.0
