"""What the pre-training may not see: formulas, sums and queries of evaluation questions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from mini.corpus import HeldOutQuestions, formulas, queries_in, read_held_out_questions  # noqa: E402


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Deriva f(x) = 3x^2.", {"3x^2"}),
        ("como factorizo y resuelvo x^2 - 8x + 12 = 0", {"x^2-8x+12"}),
        ("$x^2 - 5x + 6 = 0$", {"x^2-5x+6"}),
        ("como simplifico 30/36", {"30/36"}),
        ("cuanto es 60% de 70", {"60%·70"}),
        ("60 % de 70: 70/10 = 7; 6 * 7 = 42", {"60%·70", "70/10", "6·7=42"}),
        ("despejar x de x - 9 = 12", {"x-9=12"}),
        ("resuelve -4x > 20 porfa", {"-4x=20"}),
        ("cuanto vale x en 10x = 70", {"10x=70"}),
        ("Saca factor común en 12x + 30. Yo puse 2(6x + 15) y dicen que falta", {"12x+30", "2(6x+15)"}),
        ("calcula 9^2 porfa", {"9^2"}),
        ("¿Cuál es mayor, 5/8 o 7/12?", {"7/12"}),
        ("tengo 7 pelotas verdes y 8 rojas en una caja", set()),
        ("¿Qué hora es a las 3 y 15?", set()),
        ("for i in range(3): a = b[i]", set()),
    ],
)
def test_formulas_are_found_and_plain_words_are_none(text: str, found: set[str]) -> None:
    assert formulas(text) == found


@pytest.mark.parametrize(
    "line",
    [
        "x^2 - 5x + 6 = 0: (x - 2)(x - 3) = 0, x = 2 o x = 3",
        "∫ 16x^3 dx = 4x^4 + C",
        "primitiva de 16x^3: 4x^4 + C",
        "30/36 = (30/6)/(36/6) = 5/6",
        "f(x) = 3x^2, f'(x) = 6x",
        "x - 9 = 12; x = 12 + 9; x = 21",
    ],
)
def test_a_line_that_solves_a_question_of_mathematics_is_kept_out(line: str, tmp_path: Path) -> None:
    questions = (
        "¿Soluciones de x^2 - 5x + 6 = 0?",
        "¿Una primitiva de 16x^3?",
        "reduce 30/36",
        "Deriva f(x) = 3x^2.",
        "despeja x - 9 = 12",
    )
    rows = [{"messages": [{"role": "user", "content": one}], "expected": {"answer": "1"}} for one in questions]
    (tmp_path / "eval.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    held_out = read_held_out_questions(tmp_path)
    assert held_out.are_answered_by(f"Hoja\n2 + 2 = 4\n{line}\n")
    assert held_out.are_asked_by(line)
    assert not held_out.are_answered_by("x^2 - 5x + 4 = 0: (x - 1)(x - 4) = 0\n13x^2\n31/36\nx - 9 = 11")


@pytest.mark.parametrize(
    "text",
    [
        "```sql\nSELECT nombre FROM clientes;\n```",
        "Los nombres:\nSELECT nombre FROM clientes;\n\nOtra cosa.",
        "```sql\nCREATE TABLE clientes (nombre TEXT);\n-- los nombres\nSELECT nombre\nFROM clientes;\nSELECT 1;\n```",
        "  select nombre from clientes".upper(),
    ],
)
def test_a_wanted_query_is_found_wherever_it_stands(text: str) -> None:
    held_out = HeldOutQuestions(frozenset(), frozenset(), 1, 1, queries=frozenset({"select nombre from clientes"}))
    assert held_out.are_answered_by(text)
    assert not held_out.are_answered_by(text.replace("nombre", "apellido").replace("NOMBRE", "APELLIDO"))


def test_statements_end_where_the_next_begins() -> None:
    assert queries_in("SELECT 1; SELECT 2\n-- fin\n```sql\nWITH a AS (SELECT 3) SELECT 4\n```") == [
        "SELECT 1",
        "SELECT 2",
        "WITH a AS (SELECT 3) SELECT 4",
    ]
