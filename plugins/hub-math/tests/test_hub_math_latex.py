"""LaTeX to plain notation."""

from __future__ import annotations

import pytest
from hub_math.grammar import read
from hub_math.latex import is_latex, to_plain
from hub_math.limits import Unreadable


@pytest.mark.parametrize("text", ["\\frac12", "$x$", "x^{2}", "0{,}5", "\\(5\\)", "10\\%", "$1.000.000$", "\\{2\\}"])
def test_latex_is_recognised(text: str) -> None:
    assert is_latex(text)


@pytest.mark.parametrize("text", ["5", "$5", "{2, 3}", "x^2", "x_1", "5 $", "a | b"])
def test_plain_text_is_not_latex(text: str) -> None:
    assert not is_latex(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\frac{1}{2}", "((1)/(2))"),
        ("\\frac12", "((1)/(2))"),
        ("2\\frac{1}{2}", "2⊞((1)/(2))"),
        ("x^{10}", "x^(10)"),
        ("0{,}5", "0,5"),
        ("12,\\!345", "12,345"),
        ("\\sqrt[3]{8}", " root(8;3)"),
        ("90^\\circ", "90°"),
        ("\\left(x\\right)", "(x)"),
        ("\\boxed{5}", " 5 "),
        ("\\boxed{1}\\boxed{2}", " 1 ; 2 "),
        ("\\begin{pmatrix}1 & 2\\\\3 & 4\\end{pmatrix}", "[[1;2];[3;4]]"),
        ("\\frac{d}{dx} x", " derivof(x)  x"),
        ("\\int_0^1 x dx", " intof(0;1)  x dx"),
    ],
)
def test_commands_become_plain_notation(text: str, expected: str) -> None:
    assert to_plain(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\\foo",
        "\\frac{1}",
        "{",
        "}",
        "x^",
        "\\begin{tikzpicture}\\end{tikzpicture}",
        "\\begin{pmatrix}1",
        "\\left.",
        "\\mathbb{X}",
        "\\sqrt[3",
        "\\",
    ],
)
def test_what_is_not_known_makes_the_whole_text_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        to_plain(text)


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        ("\\sen x", "\\sin x"),
        ("\\tg x", "\\tan x"),
        ("\\operatorname{sen} x", "\\sin x"),
        ("\\mathrm{arctg}\\, x", "\\arctan x"),
        ("\\ctg x", "\\cot x"),
    ],
)
def test_spanish_names_of_functions_are_known(spanish: str, english: str) -> None:
    assert read(spanish)[0].tree == read(english)[0].tree is not None


def test_words_in_text_are_no_variables_side_by_side() -> None:
    assert read("\\frac{1}{2}\\text{leg}") == () or read("\\frac{1}{2}\\text{leg}")[0].unit is not None


def test_the_number_before_a_cut_command_is_not_taken_for_the_whole() -> None:
    assert read("1 - \\frac{1}{\\foo{e}}") == ()
    assert read("1 - \\frac{1}{\\mathrm{e}}")[0].tree != read("1")[0].tree
