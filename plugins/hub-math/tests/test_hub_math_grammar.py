"""From text to values."""

from __future__ import annotations

import threading
import time

import pytest
from hub_math.grammar import read, readings
from hub_math.values import Call, Name, Number
from hub_math_strategies import broken_text, mutated_text
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5", "number"),
        ("2 + 3·4", "number"),
        ("√2/2", "number"),
        ("3x²", "expression"),
        ("y = 2x + 1", "expression"),
        ("2x + y = 1", "equation"),
        ("x² = 4", "equation"),
        ("x > 3", "inequality"),
        ("-2 ≤ x ≤ 7", "inequality"),
        ("x = 2 o x = 3", "set"),
        ("2 y 3", "set"),
        ("{2, 3}", "set"),
        ("±2", "set"),
        ("x = 2, y = 3", "system"),
        ("(1; 5)", "tuple"),
        ("[0, 1)", "interval"),
        ("]0, 1]", "interval"),
        ("(-∞, 2) ∪ (3, ∞)", "interval"),
        ("ℝ \\ {3}", "interval"),
        ("[[1, 2], [3, 4]]", "matrix"),
        ("x²/2 + C", "antiderivative"),
        ("no tiene solución", "word"),
        ("verdadero", "word"),
        ("cinco", "number"),
        ("5 cm", "number"),
        ("10 %", "number"),
    ],
)
def test_each_kind_of_answer_is_read_as_such(text: str, kind: str) -> None:
    assert read(text, "es_AR")[0].kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "5 +",
        "(5",
        "5)",
        "3 4",
        "hola mundo",
        "1.2.3",
        "x²+",
        "* 5",
        "5 cm y algo más",
        "El resultado no es 5",
        "\\foo{3}",
        "=",
        "?",
        "2 ** ",
        "a b c d = e = f <",
    ],
)
def test_the_whole_text_is_consumed_or_nothing_is_read(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "().__class__.__base__.__subclasses__()",
        "open('f').read()",
        "lambda: 0",
        "eval(1)",
        "x.__class__",
        "f'{x}'",
    ],
)
def test_code_is_not_mathematics(text: str) -> None:
    assert all(value.kind in ("expression", "word") and "__" not in repr(value.tree) for value in read(text))


def test_names_keep_their_case_and_subscript() -> None:
    tree = read("A_{1} + a_1", latex=True)[0].tree
    assert tree == Call("+", (Name("A_1"), Name("a_1")))


def test_a_label_is_told_apart_from_the_answer() -> None:
    value = read("f(x) = 2x")[0]
    assert (value.label, value.kind) == ("f(x)", "expression")
    assert read("área = 25 cm²")[0].label == "área"
    assert read("no x = 5") == ()


def test_the_declared_locale_comes_first_and_the_other_reading_counts_less() -> None:
    first, second = readings("1.234", "es_AR")
    assert (first.value.tree, first.status) == (Number(1234), "force")  # type: ignore[arg-type]
    assert second.status == "other"
    assert [reading.status for reading in readings("1.234", "")] == ["force", "force"]


def test_a_mixed_number_is_one_number() -> None:
    assert read("2 1/2")[0].tree == Number(5 / 2)  # type: ignore[arg-type]
    assert read("x 1/2") == ()


@pytest.mark.parametrize("text", ["1/2x", "sen x/2", "8^1/3", "√2x", "e^2x"])
def test_contested_precedence_is_marked_as_doubtful(text: str) -> None:
    assert any(reading.status == "doubt" for reading in readings(text))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000,
        "-" * 4000 + "1",
        "2^" * 2000 + "2",
        "√" * 3000 + "2",
        "1+" * 2000 + "1",
        "|" * 4000,
        "x" * 4096,
        "{" * 4000,
        "[1," * 1300,
        "\\frac{" * 700,
        "\\sqrt" * 800,
        "9" * 4000,
        "1,2" * 1300,
        "sen " * 1000 + "x",
        "x!" * 2000,
        "5 cm" * 1000,
        "a_" * 2000,
        "y " * 2000,
        "1." * 2000,
        "'" * 4000,
        "5" * 100_000,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_takes_little_time(text: str) -> None:
    before = time.process_time()
    read(text)
    assert time.process_time() - before < 1.0


def test_reading_works_from_many_threads() -> None:
    texts = ["x = 2 o x = 3", "1.234,5", "\\frac{1}{2}", "sen²x + cos²x"] * 5
    found: dict[int, object] = {}
    threads = [
        threading.Thread(target=lambda index=index, text=text: found.__setitem__(index, read(text, "es_AR")))
        for index, text in enumerate(texts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[index] == read(text, "es_AR") != () for index, text in enumerate(texts))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(broken_text, mutated_text()), st.sampled_from(["", "es_AR", "es_MX"]))
@example("∞" * 500, "")
@example("\\int_0^1 x", "")
@example("\\", "")
def test_reading_never_raises(text: str, locale: str) -> None:
    assert isinstance(read(text, locale), tuple)
