"""Languages by stop words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters_hub.languages import LONGEST, guess_language, is_language, prose

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SHARED / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "La pila es una lista en la que solo se agrega y se saca por un extremo, como los platos de la cocina."),
        ("en", "A stack is a list where you only add and remove at one end, just like the plates in your kitchen."),
        ("fr", "Une pile est une liste dans laquelle on ajoute et on retire par une seule extrémité, comme les assiettes."),
        ("de", "Ein Stapel ist eine Liste, bei der man nur an einem Ende etwas hinzufügt oder wegnimmt, wie bei den Tellern."),
        ("pt", "Uma pilha é uma lista em que só se adiciona e se retira por uma ponta, como os pratos da sua cozinha."),
        ("it", "Una pila è una lista in cui si aggiunge e si toglie solo da un'estremità, come i piatti della cucina."),
        ("ru", "Стек это список, в котором элементы добавляют и удаляют только с одного конца."),
        ("zh", "栈是一种只能在一端添加和删除元素的列表，就像厨房里的盘子。"),
    ],
)
def test_a_sentence_is_recognised(language: str, text: str) -> None:
    assert guess_language(text).language == language
    assert (is_language(text, "es") is True) is (language == "es")


@needs_data
def test_human_translations_are_never_taken_for_the_other_language() -> None:
    found = rows("math/mgsm_es_even.jsonl")
    spanish = [is_language(row["es"], "es") for row in found]
    english = [is_language(row["en"], "es") for row in found]
    assert False not in spanish and spanish.count(True) >= 123
    assert True not in english and english.count(False) >= 120


@needs_data
def test_code_without_fences_is_in_no_language() -> None:
    code = [row["code"] for row in rows("code/mbpp_even.jsonl")] + [
        row["canonical_solution"] for row in rows("code/humanevalpack_python_even.jsonl")
    ]
    queries = [row["gold_alternatives"][0] for row in rows("sql/defog_questions.jsonl")]
    assert len(code) > 500 and len(queries) > 70
    assert not [text for text in code + queries if is_language(text, "es") is False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "x = 3",
        "no sé",
        "```python\nfor the_user in users: return the(that, of, to, you)\n```",
        "SELECT name FROM users WHERE id IN (1)",
        "😀 😀",
    ],
)
def test_what_has_no_language_is_not_guessed(text: str) -> None:
    assert guess_language(text).language == ""
    assert is_language(text, "es") is None


def test_spanish_with_english_identifiers_stays_spanish() -> None:
    text = (
        "Usa `the_list.append(value)` para agregar: el método append pone el elemento al final, y pop saca el último. Es un stack, o pila."
    )
    assert is_language(text, "es") is True


def test_spanish_without_accents_is_spanish() -> None:
    assert is_language("que es una pila y para que sirve en programacion? no entiendo como se usa", "es") is True


def test_prices_are_not_formulas() -> None:
    assert "recibe" in prose("Cuesta $0,10. ¿Cuánto cambio recibe con $10?")
    assert "frac" not in prose("Es $\\frac{1}{2}$ de todo.")


def test_an_unknown_language_cannot_be_told() -> None:
    assert is_language("Kaixo, zer moduz zaude gaur eta bihar?", "eu") is None


@pytest.mark.parametrize("unit", ["```", "$", "\\[", "\\(", "`a", "<|", "a ", "的", "$$a", "http://", "=", "\n", "A", "¿"])
def test_of_a_hostile_megabyte_only_the_beginning_is_looked_at(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert guess_language(text) == guess_language(text[:LONGEST])
