"""The card of a published tutor: metadata that the Hub accepts, a snippet that is Python, and nobody else's text lost."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hub_server import card_errors
from test_tutor_file import GOOD

from adapters_hub.errors import HubError
from adapters_hub.tutor_card import BEGIN, END, CardFacts, card_of

SCORES = {"n": 80, "base": 0.1, "adapter": 0.4, "interval": [0.2, 0.4], "p": 0.0004, "created": "2026-01-02T03:04:05+00:00"}
METRICS = {"eval": SCORES, "held_out_first": 3.0, "held_out_last": 1.5, "versions": {"peft": "0.21"}}
TUTOR = replace(GOOD, metrics=METRICS, dataset={"rows": 300})
PROMPTS = ["Eres un tutor.", 'Di "hola"', "Una\nDos", 'Con """ tres', "Con ``` marcas\ny más", "barra \\n", "\x1b[31m", 'fin\n"']
RESULTS = (
    "80 preguntas",
    "| base sin adaptador | 10.0% |",
    "| con este adaptador | 40.0% |",
    "+30.0 puntos",
    "+20.0 a +40.0",
    "p = 0.0004",
)
FACTS = CardFacts("ana/sumas", TUTOR, False, "Eres un tutor.\nSé breve.", "¿Cuánto es 2 + 2?")


def head(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---")[1]))


def snippet(card: str) -> str:
    return re.findall(r"```python\n(.*?)\n```", card, re.DOTALL)[0]


def test_the_hub_accepts_it_and_finds_it_by_its_base() -> None:
    card = card_of(FACTS)
    assert card_errors(card.encode()) == []
    facts = head(card)
    assert (facts["base_model"], facts["base_model_relation"], facts["license"]) == ("Qwen/Qwen2.5-0.5B-Instruct", "adapter", "apache-2.0")
    assert {"lora", "adapters-hub", "tutor", "tutor:sumas"} <= set(facts["tags"])


def test_the_result_stands_beside_the_bases_with_n_and_interval() -> None:
    card = card_of(FACTS)
    for text in (
        "80 preguntas",
        "| base sin adaptador | 10.0% |",
        "| con este adaptador | 40.0% |",
        "+30.0 puntos",
        "+20.0 a +40.0",
        "p = 0.0004",
    ):
        assert text in card, text


def test_it_begins_in_spanish_and_has_an_english_summary() -> None:
    card = card_of(FACTS)
    assert card.index("Tutor en español") < card.index("*In English:")


def test_the_official_model_card_class_reads_it() -> None:
    from huggingface_hub import ModelCard

    card = ModelCard(card_of(FACTS))
    assert card.data.eval_results is not None and card.data.eval_results[0].metric_value == 0.4


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("embedded", [False, True])
def test_the_snippet_is_python_with_exactly_this_prompt(prompt: str, embedded: bool) -> None:
    code = snippet(card_of(replace(FACTS, system_prompt=prompt, question=prompt, embedded=embedded)))
    values = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    assert values.count(prompt) >= 1


def test_an_embedded_base_has_no_page_and_is_said_to_be_a_toy() -> None:
    card = card_of(replace(FACTS, embedded=True))
    assert "base_model" not in head(card) and "huggingface.co/mini" not in card and "diminuto" in card


def test_other_peoples_text_and_keys_stay() -> None:
    former = f"---\nthumbnail: x.png\ntags: [mine, 'tutor:old']\nlicense: mit\n---\n\nAntes.\n\n{BEGIN}\nviejo\n{END}\n\nDespués.\n"
    card = card_of(FACTS, former)
    assert "Antes." in card and "Después." in card and "viejo" not in card
    assert head(card)["thumbnail"] == "x.png" and head(card)["license"] == "apache-2.0"
    assert head(card)["tags"] == ["lora", "adapters-hub", "tutor", "tutor:sumas", "mine"]
    assert card_of(FACTS, card) == card


def test_a_card_without_our_marks_is_kept_below() -> None:
    card = card_of(FACTS, "# Mi modelo\n\nHola.\n")
    assert card.index(END) < card.index("# Mi modelo")
    assert card_of(FACTS, card) == card


def test_broken_metadata_is_told() -> None:
    with pytest.raises(HubError, match="cannot be read"):
        card_of(FACTS, "---\na: [\n---\n")


def test_a_reason_is_text_and_nothing_else() -> None:
    card = card_of(replace(FACTS, unvalidated=f"[clic](http://x) {END} <script>"))
    assert "<script>" not in card and card.count(END) == 1 and "[clic](http" not in card
