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
    for text in RESULTS:
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


@pytest.mark.parametrize("text", ["a: [", "date: 2026-13-45", "[" * 5000, "!!python/object/apply:os.system [ls]"])
def test_broken_metadata_is_told(text: str) -> None:
    with pytest.raises(HubError, match="cannot be read"):
        card_of(FACTS, f"---\n{text}\n---\n")


def test_aliases_that_grow_without_end_stay_as_small_as_they_are() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(card_of(FACTS, f"---\n{bomb}---\n")) < 10_000


def test_what_is_not_known_is_left_out() -> None:
    tutor = replace(
        TUTOR, description="", quantization="none", recipe={"lora": {"rank": 8, "alpha": 16.0}}, metrics={}, dataset={"rows": 0}
    )
    card = card_of(replace(FACTS, tutor=tutor))
    assert "None" not in card and "none" not in card and " ," not in card and "Versiones" not in card and "\n\n\n" not in card
    assert "LoRA de rango 8, alfa 16.0." in card
    assert "measured against" not in card, "it was not"
    assert "measured against its base" in card_of(FACTS)


def test_another_language_than_spanish_is_named() -> None:
    card = card_of(replace(FACTS, tutor=replace(TUTOR, language="qu")))
    assert "Tutor en español" not in card and "the language 'qu'" in card and head(card)["language"] == ["qu"]


def test_a_penalty_of_the_tutor_is_part_of_the_snippet() -> None:
    assert "repetition_penalty=1.3" in snippet(card_of(replace(FACTS, tutor=replace(TUTOR, chat={"repetition_penalty": 1.3}))))


def test_a_reason_is_text_and_nothing_else() -> None:
    card = card_of(replace(FACTS, unvalidated=f"[clic](http://x) {END} <script>"))
    assert "<script>" not in card and card.count(END) == 1 and "[clic](http" not in card
