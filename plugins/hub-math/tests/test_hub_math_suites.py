"""Samples of the suites that ``benchmarks/judges_math.py`` runs in full: real answers with known verdicts."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import sys
import types
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hub_math.judge import Case, Reference, case_of, judge

from adapters_hub import Attempt, HubError, Message, Verdict

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "math"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / name).read_text(encoding="utf-8").splitlines()]


def verdict(answer: str, expected: str | None, locale: str = "en", **options: Any) -> Verdict:
    references = (Reference(expected),) if expected is not None else ()
    return judge(Case(answer, references=references, locale=locale, **options))


def model_answers(step: int) -> Iterator[tuple[str, str, bool]]:
    """Answer, gold result and the data set's verdict."""
    for entry in rows("gsm8k_model_solutions_even.jsonl")[::step]:
        gold = entry["ground_truth"].rpartition("\nA: ")[2]
        for value in entry.values():
            if isinstance(value, dict):
                yield value["solution"], gold, value["is_correct"]


@needs_data
def test_released_model_answers_to_gsm8k_get_the_verdicts_they_came_with() -> None:
    found = [(verdict(answer, gold, equalities="report").outcome == "correct", right) for answer, gold, right in model_answers(12)]
    assert len(found) == 220 and all(ours == theirs for ours, theirs in found)


@needs_data
def test_without_the_line_that_marks_the_result_nothing_right_is_called_wrong() -> None:
    wrong = called = 0
    for answer, gold, right in model_answers(10):
        body = answer.rpartition("\nA: ")[0]
        outcome = verdict(body, gold, equalities="report").outcome
        called += outcome != "unverified"
        wrong += outcome == ("incorrect" if right else "correct")
    assert wrong == 0 and called > 100


@needs_data
def test_qwen_chains_get_the_graders_verdicts() -> None:
    differs = [
        (entry["id"], response["extracted"])
        for entry in rows("qwen_math_cot_even.jsonl")
        for response in entry["responses"][::3]
        if (verdict(response["text"], entry["gold"], equalities="report").outcome == "correct") != response["qwen_grader"]
    ]
    assert [one for one in differs if one != ("qwen-math-72", "10000")] == []  # 10000 is 10{,}000: the grader erred


FALSE_GOLD = {
    "gsm8k-train-168": "6*2.5 = $ 18.00",
    "gsm8k-train-198": "6/3 = .5 hour",
    "gsm8k-train-3334": "$4200+$3000 = $8600",
    "gsm8k-train-6700": "2 / 12 = .125",
    "gsm8k-train-6812": "50-8 = 44",
    "gsm8k-train-7444": "14*20 = 140 minutes",
}
"""Equalities in gold answers that are false: slips of the people who wrote them."""


@needs_data
def test_gold_answers_are_not_called_wrong_except_where_they_are() -> None:
    for number, entry in enumerate(rows("gsm8k_train_sample.jsonl")):
        if number % 3 and entry["id"] not in FALSE_GOLD:
            continue
        found = verdict(entry["answer"], None)
        assert (found.extracted if found.outcome == "incorrect" else None) == FALSE_GOLD.get(entry["id"]), (entry["id"], found)


@needs_data
def test_a_changed_number_is_noticed() -> None:
    source = random.Random(7)
    caught = total = 0
    for entry in rows("gsm8k_train_sample.jsonl")[::5]:
        answer = re.sub(r"<<[^<>]*>>", "", entry["answer"])
        for found in re.finditer(r"\d ?= ?\$?(\d+)(?![\d.,/^·*%+=-]| ?[=+*/x-])", answer):
            mutant = answer[: found.start(1)] + str(int(found[1]) + source.choice((1, 2, 10))) + answer[found.end(1) :]
            total += 1
            caught += verdict(mutant, None).outcome == "incorrect"
    assert total > 250 and caught / total > 0.94


@needs_data
@pytest.mark.parametrize(("locale", "mark"), [("es_MX", ","), ("es_AR", "."), ("es_ES", "\u00a0"), ("es_CL", "")])
def test_results_of_mgsm_are_read_in_every_spanish_format(locale: str, mark: str) -> None:
    for entry in rows("mgsm_es_even.jsonl"):
        gold = int(entry["answer"].replace(",", ""))
        reference = (Reference(entry["answer"], "en"),)
        for value in (gold, gold + 1, gold * 10):
            answer = "Respuesta: " + f"{value:,}".replace(",", mark)
            outcome = judge(Case(answer, references=reference, locale=locale)).outcome
            assert outcome == ("correct" if value == gold else "incorrect"), (entry["id"], answer)


# --- the tutors ----------------------------------------------------------------------------------


def tutor_answers() -> Iterator[tuple[str, Attempt]]:
    """Where it stands, and the attempt, of every answer of the three tutors."""
    for path in sorted((ROOT / "tutors").glob("*/data/*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            entry = json.loads(line)
            turns = tuple(Message(turn["role"], turn["content"]) for turn in entry["messages"])
            for place, turn in enumerate(turns):
                if turn.role == "assistant":
                    expected = entry.get("expected") if place == len(turns) - 1 else None
                    where = f"{path.parts[-3]}/{path.name}:{number}.{place}"
                    yield where, Attempt(turns[:place], turn.content, expected, locale="es_MX", style="guiado")


@lru_cache(maxsize=1)
def tutor_verdicts() -> dict[str, tuple[Attempt, Verdict]]:
    return {where: (attempt, judge(case_of(attempt))) for where, attempt in tutor_answers()}


def test_no_answer_of_the_tutors_is_called_wrong() -> None:
    wrong = {where: found for where, (_, found) in tutor_verdicts().items() if found.outcome == "incorrect"}
    assert wrong == {}
    assert sum(found.code != "nothing_to_judge" for _, found in tutor_verdicts().values()) > 50


def test_the_results_of_the_maths_tutor_are_found_right() -> None:
    expected = {
        where: (attempt, found)
        for where, (attempt, found) in tutor_verdicts().items()
        if where.startswith("matematicas/") and isinstance(attempt.expected, dict) and "answer" in attempt.expected
    }
    assert len(expected) >= 10
    # which of two fractions is greater: both stand in the question, so that naming one without a mark proves nothing
    undecided = {where for where, (attempt, _) in expected.items() if str(attempt.expected["answer"]) in attempt.question}
    assert {where for where, (_, found) in expected.items() if found.outcome != "correct"} <= undecided


# --- the tutor's own validator -------------------------------------------------------------------


@pytest.fixture
def tutors_validator() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("matematicas_validator", ROOT / "tutors" / "matematicas" / "validator.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWER = "Paso 1: 22 - 11 = {}.\nComprobación: 11 + 11 = 22.\nTe toca: calcula 30 - 12."


def test_the_maths_tutor_judges_with_this_plugin(tutors_validator: types.ModuleType) -> None:
    (spec,) = tutors_validator.hub_validators()
    validator = spec.make({"equalities": "strict"})
    question = (Message("user", "¿Cuánto es 22 - 11?"),)
    assert spec.name == "matematicas"
    assert validator.judge(Attempt(question, ANSWER.format(3))).code == "false_equality"
    assert validator.judge(Attempt((), ANSWER.format(11))).code == "equalities_hold"
    assert validator.judge(Attempt((), "22 - 11 = 11")).warnings == ("no_steps", "no_check", "no_exercise")
    assert validator.judge(Attempt((), ANSWER.format(11))).warnings == ()
    with pytest.raises(HubError, match="no option"):
        spec.make({"equality": "strict"})


def test_without_this_plugin_the_tutor_says_what_to_install(tutors_validator: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hub_math", None)
    (spec,) = tutors_validator.hub_validators()
    with pytest.raises(HubError, match="hub-math") as caught:
        spec.make({})
    assert "pip install" in (caught.value.hint or "")


def test_the_examples_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    promised = re.findall(r"# (.+)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised
