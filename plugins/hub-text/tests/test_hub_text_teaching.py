"""The warnings of the validator ``text``: how a reply teaches. They decide nothing."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_text
import pytest
from hub_text.revealing import readings

from adapters_hub import Attempt, Message

ROOT = Path(__file__).parents[3]
MRBENCH = ROOT.parent / "shared" / "data" / "pedagogy" / "mrbench_v2_even.jsonl"
QUESTION = "Una caja tiene 12 huevos. ¿Cuántos huevos hay en 11 cajas y media?"


def warnings(
    answer: str, expected: Any = None, *, asked: str = QUESTION, before: tuple[str, ...] = (), style: str = "guiado", **options: Any
) -> set[str]:
    turns = [Message("user" if number % 2 == 0 else "assistant", text) for number, text in enumerate((*before, asked))]
    verdict = hub_text.make(options).judge(Attempt(tuple(turns), answer, expected, style=style))
    assert (verdict.outcome, verdict.code) == ("unverified", "form_ok"), "warnings never decide"
    return set(verdict.warnings)


# --- giving the answer away ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (138, "Multiplica por 12 la docena que falta: son 138 huevos."),
        ("138", "El total es 138."),
        ("138 huevos", "12 · 11,5 = 138."),
        ({"answer": "138", "locale": "es_AR"}, "Da exactamente 138."),
        (["137", "138"], "Quedan 138 huevos."),
        ("x = 138", "Despejando, x = 138."),
        (1500, "Hay 1.500 huevos en total."),
        (1500, "Hay 1 500 huevos en total."),
        ("2,5", "Cada uno recibe 2.5 litros."),
        (-4, "La temperatura será −4 grados."),
        ("3x^2 + 2", "La derivada es $3x^2+2$."),
    ],
)
def test_a_value_that_is_told_is_given_away(expected: Any, answer: str) -> None:
    assert "gives_answer_away" in warnings(answer, expected)
    assert "gives_answer_away" not in warnings(answer + " ¿Cómo lo comprobarías?", expected), "it asks the learner"
    assert "gives_answer_away" not in warnings(answer, expected, style="resuelto"), "a worked solution has to tell it"
    assert "gives_answer_away" not in warnings(answer, expected, style="")


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (138, "Piensa cuántos huevos caben en media caja y súmalos."),
        (138, "Calcula 138 / 12 y compara con las cajas."),
        (11, "Primero cuenta las 11 cajas enteras."),
        (12, "Recuerda que cada caja tiene 12 huevos."),
        (150, "Vuelve a la ecuación 3x/2 = 150 y despeja x."),
        ("sí", "Sí, claro. Sigue así con el paso 2."),
        ("n", "El ciclo va de 1 a n, paso por paso."),
        ({"terms": ["pila"]}, "Una pila guarda platos."),
        (None, "Son 138."),
        (True, "Son 1."),
        (float("nan"), "Son 0."),
        (10**400, "Son 0."),
    ],
)
def test_what_only_mentions_a_number_gives_nothing_away(expected: Any, answer: str) -> None:
    assert "gives_answer_away" not in warnings(answer, expected)


def test_what_the_learner_has_found_cannot_be_given_away() -> None:
    assert "gives_answer_away" not in warnings("¡Muy bien! El resultado es 138.", 138, asked="Me dio 138.")
    assert "gives_answer_away" in warnings("No: el resultado es 138.", 138, asked="Creo que no es 138, así que pongo otra cosa y ya está.")
    assert "gives_answer_away" in warnings("El resultado es 138.", 138, asked="Tengo 138 y 15, y ahora me da 153.")


SUMA = '```python\ndef suma(a, b):\n    """Suma."""\n    return a + b\n```'


def test_a_whole_function_is_given_away_and_a_skeleton_is_not() -> None:
    expected = {"entry_point": "suma", "tests": ["assert suma(1, 2) == 3"]}
    assert "gives_answer_away" in warnings(f"Así queda:\n{SUMA}", expected)
    assert "gives_answer_away" in warnings("```\ndef suma(a, b): return a + b\n```", {"function": "suma"})
    for body in ("    # completa aquí\n    pass", "    ...", "    total = ____\n    return total"):
        assert "gives_answer_away" not in warnings(f"Completa:\n```python\ndef suma(a, b):\n{body}\n```", expected)
    assert "gives_answer_away" not in warnings("```python\ndef resta(a, b):\n    return a - b\n```", expected)
    assert "gives_answer_away" not in warnings(f"Está perfecto:\n{SUMA}", expected, asked=f"¿Está bien?\n{SUMA}")


def test_the_query_is_given_away_however_it_is_laid_out() -> None:
    expected = {"sql": ["SELECT nombre FROM estudiantes WHERE ciudad = 'Lima' ORDER BY nombre"], "db": "escuela.sqlite"}
    answer = "Usa WHERE:\n```sql\nselect nombre\nfrom   estudiantes\nwhere ciudad = 'Lima'\norder by nombre;\n```"
    assert "gives_answer_away" in warnings(answer, expected)
    assert "gives_answer_away" not in warnings("Empieza por SELECT nombre FROM estudiantes y añade la condición.", expected)
    assert "gives_answer_away" not in warnings(answer, expected, asked=f"Escribí esto: {expected['sql'][0]}")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1.500", {1500.0, 1.5}),
        ("1,5", {1.5}),
        ("1.234.567", {1234567.0}),
        ("1.234,56", {1234.56}),
        ("-2", {-2.0}),
        ("80 000", {80000.0}),
    ],
)
def test_digits_are_read_both_ways_round(text: str, numbers: set[float]) -> None:
    assert readings(text) == numbers


def replies() -> Iterator[tuple[Attempt, str, str]]:
    """Tutor replies of MRBench V2 to problems with a number for an answer: the attempt, two human labels."""
    for line in MRBENCH.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        expected = row["Ground_Truth_Solution"].strip().split("\n")[-1].strip()
        if not re.fullmatch(r"[\d,.]+", expected):
            continue
        parts = re.split(r"\b(Tutor|Student):", row["conversation_history"])
        turns = [
            Message("user" if who == "Student" else "assistant", said.strip()) for who, said in zip(parts[1::2], parts[2::2], strict=True)
        ]
        for reply in row["anno_llm_responses"].values():
            labels = reply["annotation"]
            attempt = Attempt(tuple(turns), reply["response"], expected.replace(",", ""), "en", style="guiado")
            yield attempt, labels["Revealing_of_the_Answer"], labels["Actionability"]


@pytest.mark.skipif(not MRBENCH.is_file(), reason="the labelled replies of MRBench are not here")
def test_giving_away_agrees_with_human_labels() -> None:
    judge = hub_text.make({}).judge
    counts: Counter[tuple[bool, bool]] = Counter()
    for attempt, revealing, _ in replies():
        counts[revealing == "Yes (and the answer is correct)", "gives_answer_away" in judge(attempt).warnings] += 1
    total = sum(counts.values())
    precision = counts[True, True] / (counts[True, True] + counts[False, True])
    recall = counts[True, True] / (counts[True, True] + counts[True, False])
    assert total == 600
    assert (counts[True, True] + counts[False, False]) / total >= 0.97
    assert precision >= 0.85
    assert recall >= 0.81


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "¿Qué pasa si sumas las unidades?",
        "Te toca: si sen(x) = 3/5, cos(x) = ...",
        "Revisa el segundo paso.",
        "Vas bien. Ahora calcula el doble.",
        "Probá con otro número, pero fijate en el signo.",
        "Puedes empezar por las unidades.",
        "Calculate the second step again.",
        "Mira la fórmula:\n```\na = b\n```",
        "1. Escribe la suma.\n2. Lleva uno.",
    ],
)
def test_a_question_or_an_instruction_asks_something(answer: str) -> None:
    assert "asks_nothing" not in warnings(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Una pila es una lista con un solo extremo.",
        "Muy bien, es correcto.",
        "El programa usa una cola.\n```python\nx = 1 if y else 2  # ¿seguro?\n```",
    ],
)
def test_a_statement_asks_nothing_and_only_a_guided_tutor_should(answer: str) -> None:
    assert "asks_nothing" in warnings(answer)
    assert "asks_nothing" not in warnings(answer, style="resuelto")


# --- budget, language, tone, subject -------------------------------------------------------------


def test_the_budget_counts_prose_and_is_off_by_default() -> None:
    answer = "Sigue así con calma. " * 3 + "```python\n" + "x = 1\n" * 50 + "```"
    assert "long" in warnings(answer, budget_words=11)
    assert "long" not in warnings(answer, budget_words=12)
    assert "long" not in warnings(answer)


def test_a_paragraph_in_another_language_is_mixed() -> None:
    spanish = "La pila guarda los elementos uno encima del otro y siempre se saca el último que entró."
    english = "The stack keeps the elements that you have pushed and it gives you the last one of them first."
    assert "mixed_language" in warnings(f"{spanish}\n{spanish}\n\n{english}\n\n{spanish}")
    assert "mixed_language" not in warnings(f"{spanish}\n\n{spanish}")
    assert "mixed_language" not in warnings(f"{spanish}\n```python\n# {english}\n```\n{spanish}")


@pytest.mark.parametrize(
    "answer",
    ["Es obvio que son 138.", "Eso es muy fácil, sigue.", "Obviamente falta uno.", "No seas burro y repite la cuenta.", "Ya te lo dije."],
)
def test_words_that_hurt_are_tone(answer: str) -> None:
    assert "tone" in warnings(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "No es fácil al principio.",
        "Es fácil confundirse con el signo.",
        "No es obvio por qué.",
        "Prueba con fuerza bruta.",
        "El peso bruto es 5.",
        "El burro lleva 3 sacos, ¿y los otros?",
        "Así es más fácil de leer.",
        "El ciclo es más lento.",
    ],
)
def test_sympathy_and_plain_words_are_not(answer: str) -> None:
    assert "tone" not in warnings(answer)


def test_a_reply_about_something_else_is_off_topic() -> None:
    asked = "¿Cómo ordeno una lista de palabras por su longitud en Python?"
    assert "off_topic" in warnings(
        "El mol es la cantidad de sustancia que contiene tantas partículas como átomos hay en doce gramos de carbono.", asked=asked
    )
    assert "off_topic" not in warnings(
        "Usa sorted y dale len como clave, y así cada palabra se compara por su tamaño y no por su letra inicial.", asked=asked
    )
    assert "off_topic" not in warnings("El mol es otra cosa.", asked=asked), "too short to tell"
    assert "off_topic" not in warnings(
        "Porque cada molécula tiene la misma masa y entonces basta con contar cuántas de ellas caben en el frasco.", asked="¿y eso?"
    )


@pytest.mark.parametrize("tutor", ["algoritmos", "sql"])
def test_the_tutors_own_rows_give_hardly_any_warning(tutor: str) -> None:
    counted: Counter[str] = Counter()
    rows = [json.loads(line) for line in (ROOT / "tutors" / tutor / "data/train.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        turns = tuple(Message(turn["role"], turn["content"]) for turn in row["messages"])
        verdict = hub_text.make({}).judge(Attempt(turns[:-1], turns[-1].content, row.get("expected"), style="guiado"))
        counted.update(verdict.warnings)
    assert all(count <= max(1, 0.03 * len(rows)) for count in counted.values()), counted


# --- hostile texts -------------------------------------------------------------------------------

HOSTILE = [
    "```",
    "\n",
    " ",
    "1",
    "1,",
    "- 5 ",
    "= 5 ",
    "es = 5 ",
    "select ",
    "select a;",
    "def f(x):\n",
    "es   ",
    "y  ",
    "que la ",
    "the of to ",
    "¿",
    ", y ",
    "5 x ",
]


@pytest.mark.parametrize(
    "expected", [5, "x+1", {"entry_point": "f"}, {"sql": "select a from b"}, ["5"] * 50, "y" * 10**6, {"answer": {"answer": 5}}]
)
def test_a_megabyte_is_looked_at_in_bounded_time(expected: Any) -> None:
    judge = hub_text.make({"max_words": 10**7, "max_repeats": 10**7, "budget_words": 9}).judge
    for unit in random.Random(len(str(expected))).sample(HOSTILE, 4):
        text = (unit * (10**6 // len(unit) + 1))[: 10**6]
        turns = (Message("user", text), Message("assistant", text), Message("user", text))
        begun = time.process_time()
        judge(Attempt(turns, text, expected, style="guiado"))
        assert time.process_time() - begun < 20.0, f"{unit!r}: a pattern that goes back over the text again and again takes minutes"
