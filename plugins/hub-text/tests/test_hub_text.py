"""The validator ``text``."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hub_text
import pytest

from adapters_hub import Attempt, HubError, Message, Verdict

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def judge(answer: str, language: str = "es", **options: object) -> Verdict:
    return hub_text.make(options).judge(Attempt((Message("user", "¿Qué es una pila?"),), answer, language=language))


def test_the_plugin_offers_a_validator_of_form_and_one_of_words() -> None:
    spec, other = hub_text.hub_validators()
    assert (spec.name, other.name) == ("text", "terms") and spec.make({}).judge(Attempt((), "Es una lista.")).code == "form_ok"


def test_a_sound_answer_is_not_called_right() -> None:
    verdict = judge("Una pila es una lista en la que solo se agrega y se saca por un extremo.")
    assert (verdict.outcome, verdict.code, verdict.score) == ("unverified", "form_ok", 1.0)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", "empty"),
        (" \n\t\u200b", "empty"),
        ("```\n```", "empty"),
        ("...", "empty"),
        ("Es 11.<|user|>", "template_token"),
        ("Es 11. <|im_end|>", "template_token"),
        ("Es 11.</s>", "template_token"),
        ("[INST] Es 11", "template_token"),
        ("Es 11 <end_of_turn>", "template_token"),
        ("Es 11 <｜end▁of▁sentence｜>", "template_token"),
        ("Es 11\n### Instruction:\nOtra", "template_token"),
        ("```\n<|user|> sin cerrar", "template_token"),
        ("Es 11.\nuser\n¿Y 12 más 3?", "runaway_dialogue"),
        ("Es 11.\n\nUsuario: ¿y 12 más 3?\nAsistente: 15", "runaway_dialogue"),
        ("Es 11.\n**Estudiante:** ¿y ahora?\n**Tutor:** ahora 15", "runaway_dialogue"),
        ("Es 11.\n\nUser:", "runaway_dialogue"),
        ("la respuesta es la misma " * 20, "repetition"),
        ("Muy bien" + "!" * 40, "repetition"),
        ("a" * 80, "repetition"),
        ("The answer is eleven because you have to add the units and then the tens.", "language"),
        ("答案是十一，因为你必须先加个位数，然后再加十位数。", "language"),
    ],
)
def test_a_broken_answer_is_wrong_and_says_why_in_spanish(answer: str, code: str) -> None:
    verdict = judge(answer)
    assert (verdict.outcome, verdict.code, verdict.score) == ("incorrect", code, 0.0)
    assert verdict.reason.endswith(".") and verdict.hint.endswith(".")


@pytest.mark.parametrize(
    "answer",
    [
        "42",
        "x = 3",
        "∞",
        "😀",
        "1, 1, 2, 3, 5, 8, 13",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "```python\nfor the_user in users:\n    print(the_user)\n```",
        "def user(a):\n    return a",
        "SELECT name FROM users ORDER BY name;",
        "Cada turno empieza con una marca como `<|user|>` o `<s>`, y el modelo la lee como un solo token.",
        "Así se ve:\n```\n<|user|>\nhola\n```\nEso es todo.",
        "En HTML, `<s>` tacha el texto.",
        "Un archivo de ejemplo:\nUsuario: ana\nClave: 1234",
        "Pregunta: ¿cuánto es 2 + 2?\nRespuesta: 4",
        "Un googol es 1" + "0" * 100,
        "El método append agrega al final y pop saca el último: append, pop, append, pop.",
    ],
)
def test_unusual_but_sound_answers_pass(answer: str) -> None:
    assert judge(answer).code == "form_ok"


def test_the_span_shows_where_the_token_stands() -> None:
    answer = "Usa `<|x|>` así. Es 11.<|user|> ¿y?"
    verdict = judge(answer)
    assert verdict.span is not None and answer[slice(*verdict.span)] == verdict.extracted == "<|user|>"


def test_length_limits_are_options() -> None:
    assert judge("uno dos tres", max_words=2).code == "too_long"
    assert judge("uno dos tres", min_words=4).code == "too_short"
    assert judge("palabra " + " ".join(f"número{n}" for n in range(700))).code == "too_long"


def test_the_language_option_overrules_the_tutors() -> None:
    assert judge("The answer is eleven because you have to add the units and then the tens.", language="en").code == "form_ok"
    assert (
        hub_text.make({"language": "en"}).judge(Attempt((), "Es once porque primero se suman las unidades y después las decenas.")).code
        == "language"
    )


def test_repeats_are_an_option() -> None:
    answer = "la pila es una lista. " * 5
    assert judge(answer, max_repeats=4).code == "repetition"
    assert judge(answer, max_repeats=9).code == "form_ok"


@pytest.mark.parametrize(
    "options", [{"max_word": 3}, {"max_words": "3"}, {"max_words": -1}, {"min_words": True}, {"language": "xx"}, {"max_words": 0}]
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(HubError):
        hub_text.make(options)


def test_options_of_other_validators_are_let_pass() -> None:
    assert hub_text.make({"tolerance": 0.1}).options == hub_text.Options()


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "```",
        "``` ` ",
        "<|",
        "<",
        "user\n",
        "Usuario: ",
        "Usuario: x\n",
        "\n",
        "* ",
        " ",
        ".",
        "a",
        "ab ",
        "\u0301",
        "的",
        "### ",
        "a`",
        "`a\n",
        "```a``b`",
        "($",
        "|>",
    ],
)
def test_a_hostile_megabyte_gets_a_verdict_and_never_a_right_one(unit: str) -> None:
    """A pattern that backtracks would not come to an end here."""
    assert judge(unit * (1_000_000 // len(unit))).outcome in ("incorrect", "unverified")


def test_threads_get_the_verdicts_that_one_thread_gets() -> None:
    validator = hub_text.make({})
    attempts = [Attempt((), text) for text in ("Es 11.", "", "Es 11.<|user|>", "la respuesta es la misma " * 20)] * 25
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(validator.judge, attempts)) == [validator.judge(attempt) for attempt in attempts]


@pytest.mark.parametrize("path", sorted((ROOT / "tutors").glob("*/data/*.jsonl")), ids=lambda path: "/".join(path.parts[-3:]))
def test_no_answer_of_the_tutors_is_misjudged(path: Path) -> None:
    answers = [
        turn["content"]
        for line in path.read_text(encoding="utf-8").splitlines()
        for turn in json.loads(line)["messages"]
        if turn["role"] == "assistant"
    ]
    assert len(answers) >= 12
    assert Counter(judge(answer).code for answer in answers) == {"form_ok": len(answers)}


@needs_data
def test_right_answers_of_real_models_pass() -> None:
    lines = (SHARED / "math" / "gsm8k_model_solutions_even.jsonl").read_text(encoding="utf-8").splitlines()
    solutions = [
        entry["solution"] for line in lines for entry in json.loads(line).values() if isinstance(entry, dict) and entry["is_correct"]
    ]
    wrong = [answer for answer in solutions if judge(answer, "en").outcome == "incorrect"]
    assert len(solutions) > 500 and len(wrong) <= 1
