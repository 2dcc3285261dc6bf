"""Numbers by locale."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hub_math.numbers import convention_of, number_readings
from hub_math_strategies import Written, written_number
from hypothesis import given, settings


@pytest.mark.parametrize(
    "locale", ["es_ES", "es_AR", "es_CL", "es_CO", "es_BO", "es_CR", "es_EC", "es_PY", "es_UY", "es_VE", "es", "es-AR"]
)
def test_countries_with_a_decimal_comma(locale: str) -> None:
    assert convention_of(locale) == ","
    assert number_readings("1.234", locale) == (Fraction(1234), Fraction(1234, 1000))


@pytest.mark.parametrize("locale", ["es_MX", "es_US", "es_419", "es_GT", "es_PA", "es_DO", "en_US", "C"])
def test_countries_with_a_decimal_point(locale: str) -> None:
    assert convention_of(locale) == "."
    assert number_readings("1.234", locale) == (Fraction(1234, 1000), Fraction(1234))


@pytest.mark.parametrize("locale", ["", "es_PE", "xx_YY"])
def test_without_a_known_convention_both_readings_are_given(locale: str) -> None:
    assert convention_of(locale) == ""
    assert set(number_readings("12.345", locale)) == {Fraction(12345), Fraction(12345, 1000)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,56", Fraction(123456, 100)),
        ("1,234.56", Fraction(123456, 100)),
        ("1.000.000", Fraction(1000000)),
        ("1,000,000", Fraction(1000000)),
        ("1 234,5", Fraction(12345, 10)),
        ("80 000", Fraction(80000)),
        ("80\u202f000", Fraction(80000)),
        ("0,125", Fraction(1, 8)),
        ("0.125", Fraction(1, 8)),
        ("1234.567", Fraction(1234567, 1000)),
        ("2,5", Fraction(5, 2)),
        ("2.50", Fraction(5, 2)),
        (",5", Fraction(1, 2)),
        ("3'5", Fraction(7, 2)),
        ("1'234,567.89", Fraction(123456789, 100)),
        ("−7", Fraction(-7)),
        ("3,2·10^5", Fraction(320000)),
        ("3,2 × 10⁵", Fraction(320000)),
        ("3,2·10^{-2}", Fraction(32, 1000)),
        ("3.2e5", Fraction(320000)),
        ("007", Fraction(7)),
    ],
)
@pytest.mark.parametrize("locale", ["es_AR", "es_MX", ""])
def test_numbers_that_mean_the_same_everywhere(text: str, value: Fraction, locale: str) -> None:
    assert number_readings(text, locale) == (value,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.2.3",
        "1,2,3",
        "1.23.456",
        "12 34",
        "1  234",
        "5 cm",
        "10 %",
        "1.º",
        "12:30",
        "XIV",
        "1/2",
        "--5",
        "5.",
        "٣",
        "²",
        "1" * 500,
    ],
)
def test_what_is_no_number_has_no_reading(text: str) -> None:
    assert number_readings(text, "es_AR") == ()


def test_a_mexican_apostrophe_stands_for_millions() -> None:
    assert number_readings("1'234,567", "es_MX")[0] == 1234567


def test_an_apostrophe_before_three_digits_is_ambiguous() -> None:
    assert set(number_readings("1'234", "es_ES")) == {Fraction(1234), Fraction(1234, 1000)}


@settings(max_examples=300, deadline=None)
@given(written_number())
def test_a_number_written_in_a_locale_is_read_back_in_that_locale(written: Written) -> None:
    assert number_readings(written.text, written.locale)[0] == written.value
