"""Real solutions, the tutor's own rows, hostile and generated answers."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import hub_code
import pytest
from code_strategies import answers, rows
from hypothesis import HealthCheck, given, settings
from test_hub_code_rows import needs_sandbox

from adapters_hub import Attempt, Message, Verdict

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "code"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The benchmark script, whose cases these tests take samples of."""
    spec = importlib.util.spec_from_file_location("judges_code", ROOT / "benchmarks" / "judges_code.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["judges_code"] = module
    spec.loader.exec_module(module)
    return module


@needs_sandbox
@needs_data
def test_right_solutions_of_humaneval_pass_and_buggy_ones_do_not(script: ModuleType) -> None:
    found = script.rows("humanevalpack_python_even.jsonl")
    right = [script.humaneval_trial(row, row["canonical_solution"]) for row in found[::6]]
    wrong = [script.humaneval_trial(row, row["buggy_solution"]) for row in found[1::9]]
    assert [verdict.outcome for verdict in script.judged(right)] == ["correct"] * len(right)
    told = script.judged(wrong, seconds=1)
    assert all(verdict.outcome == "incorrect" or verdict.code == "slow" for verdict in told)  # slow: a loop on a busy machine
    assert sum(verdict.outcome == "incorrect" for verdict in told) >= len(wrong) - 2


@needs_sandbox
@needs_data
def test_solutions_of_mbpp_pass(script: ModuleType) -> None:
    trials = [script.mbpp_trial(row) for row in script.rows("mbpp_even.jsonl")[::15]]
    wrong = [(trial.name, verdict) for trial, verdict in zip(trials, script.judged(trials), strict=True) if verdict.outcome != "correct"]
    assert len(trials) > 30 and not wrong


@needs_sandbox
@needs_data
def test_most_mutants_fail(script: ModuleType) -> None:
    outcomes = Counter(verdict.outcome for verdict in script.judged(script.mutant_trials(14, seed=3), seconds=1))
    assert outcomes["incorrect"] >= 10


@needs_sandbox
def test_no_answer_of_the_tutors_rows_is_called_wrong_and_their_tests_pass() -> None:
    validator = hub_code.make({})
    codes: Counter[str] = Counter()
    for number, (question, answer, expected) in enumerate(_tutor_answers()):
        tested = isinstance(expected, dict) and "tests" in expected
        if number % 6 or (not tested and "```" not in answer):  # the benchmark judges them all
            continue
        verdict = validator.judge(Attempt((Message("user", question),), answer, expected))
        assert verdict.outcome == ("correct" if tested else "unverified"), (question, verdict)
        codes[verdict.code] += 1
    assert codes["ok"] >= 3 and codes.total() > 15 and set(codes) <= {"ok", "examples_hold", "runs", "form_ok"}


def _tutor_answers() -> list[tuple[str, str, Any]]:
    found = []
    for part in ("eval", "train"):
        file = ROOT / "tutors" / "algoritmos" / "data" / f"{part}.jsonl"
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            question, answer = row["messages"][-2:]
            found.append((question["content"], answer["content"], row.get("expected")))
    return found


QUICK = ["parentheses", "brackets", "lambda", "elif", "digits", "null", "surrogate", "memory", "huge constant", "fork", "comment"]


@pytest.mark.parametrize(
    "name", [*QUICK, "megabyte of fences", "megabyte of prompts", "megabyte of defs", "megabyte of claims", "cost after code"]
)
def test_hostile_answers_get_a_verdict_in_time_and_are_never_right(name: str, script: ModuleType) -> None:
    text = script.hostile_answers()[name]
    started = time.monotonic()
    for expected in ({"entry_point": "f", "tests": ["assert f(1) == 'never'"]}, None):
        verdict = hub_code.make({"seconds": 0.5}).judge(Attempt((Message("user", text),), text, expected))
        assert verdict.outcome != "correct"
    assert time.monotonic() - started < 20


@settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(answers(), rows())
def test_no_answer_and_no_row_makes_the_judge_fail_or_a_wrong_answer_right(answer: str, expected: Any) -> None:
    verdict = hub_code.make({"seconds": 0.5}).judge(Attempt((Message("user", answer[:200]),), answer, expected))
    assert isinstance(verdict, Verdict) and verdict.outcome in ("incorrect", "unverified")
    assert verdict.span is None or 0 <= verdict.span[0] <= verdict.span[1] <= len(answer)
    assert json.dumps([verdict.reason, verdict.hint, verdict.extracted, verdict.expected, verdict.evidence]).isascii()
    assert len(verdict.reason) < 1200 and "\x1b" not in verdict.reason + verdict.hint + verdict.extracted


@needs_sandbox
def test_the_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "plugins" / "hub-code" / "README.md").read_text(encoding="utf-8")
    source = text.split("```python\n", 1)[1].split("\n```\n", 1)[0]
    exec(compile(source, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == source.rsplit("# ", 1)[1]
