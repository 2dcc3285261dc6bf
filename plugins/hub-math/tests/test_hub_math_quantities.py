"""Units, currencies and counted nouns."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hub_math.quantities import agree, compound, scale_word, singular, unit


def scale(text: str) -> Fraction:
    found = unit(text)
    assert found is not None
    return found.scale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cm", Fraction(1, 100)),
        ("centímetros", Fraction(1, 100)),
        ("km", Fraction(1000)),
        ("kilómetros", Fraction(1000)),
        ("km/h", Fraction(1000, 3600)),
        ("kilómetros por hora", Fraction(1000, 3600)),
        ("m/s^2", Fraction(1)),
        ("cm^2", Fraction(1, 10_000)),
        ("cm2", Fraction(1, 10_000)),
        ("centímetros cuadrados", Fraction(1, 10_000)),
        ("metros cúbicos", Fraction(1)),
        ("L", Fraction(1, 1000)),
        ("ml", Fraction(1, 10**6)),
        ("dm^3", Fraction(1, 1000)),
        ("hectáreas", Fraction(10_000)),
        ("minutos", Fraction(60)),
        ("g/cm^3", Fraction(10**6)),
        ("N*m", Fraction(1000)),
        ("kWh", Fraction(36 * 10**8)),
    ],
)
def test_the_scale_of_units(text: str, expected: Fraction) -> None:
    assert scale(text) == expected


@pytest.mark.parametrize("text", ["", "x", "xyz+1", "no", "y", "que no", "5", "m^", "cm/", "a" * 100, "más", "sen"])
def test_what_is_no_unit(text: str) -> None:
    assert unit(text) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("cm", "m", "same"),
        ("m", "m^2", "different"),
        ("m", "kg", "different"),
        ("litros", "dm^3", "same"),
        ("€", "dólares", "different"),
        ("$", "pesos", "unknown"),
        ("pesos", "pesos mexicanos", "unknown"),
        ("centavos", "dólares", "unknown"),
        ("manzanas", "manzana", "same"),
        ("manzanas", "peras", "different"),
        ("colectivos", "autobuses", "unknown"),
        ("niños", "alumnos", "unknown"),
        ("kg", "manzanas", "unknown"),
        ("meses", "días", "unknown"),
        ("vueltas", "grados", "same"),
    ],
)
def test_whether_units_measure_the_same(one: str, other: str, expected: str) -> None:
    first, second = unit(one), unit(other)
    assert first is not None and second is not None
    assert agree(first, second) == agree(second, first) == expected


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("manzanas", "manzana"),
        ("lápices", "lápiz"),
        ("árboles", "árbol"),
        ("peces", "pez"),
        ("camiones", "camión"),
        ("limones", "limón"),
        ("niños", "niño"),
        ("reyes", "rey"),
    ],
)
def test_singular_and_plural_meet(plural: str, word: str) -> None:
    assert singular(plural) == singular(word)


def test_quantities_of_several_parts_add_up() -> None:
    found = compound("2 h 30 min")
    assert found is not None and (found[0], found[1].scale) == (Fraction(150), Fraction(60))
    assert compound("2 h 90 min") is None
    assert compound("2 h 30 kg") is None


def test_scale_words() -> None:
    assert scale_word("millones de pesos") == (6, "pesos")
    assert scale_word("mil") == (3, "")
    assert scale_word("milímetros") == (0, "milímetros")
