"""How well ``hub-code`` judges: real right and wrong solutions, mutants, the tutor's rows, hostile answers, and how fast.

Prints one line for each figure and one JSON line. The real data lies beside the repository (``../shared/data/code``).
Run from the repository: ``python benchmarks/judges_code.py [--only NAME] [--mutants COUNT] [--fuzz SECONDS]``.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import resource
import sys
import time
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hub_code import CodeValidator, make

from adapters_hub import Attempt, Message, Verdict
from adapters_hub.sandbox import choose_sandbox

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "code"
THREADS = 2


@dataclass(frozen=True)
class Trial:
    """One answer to judge."""

    name: str
    question: str
    answer: str
    expected: Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="humaneval, mbpp, mutants, tutor, prose, hostile, speed or fuzz")
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--fuzz", type=float, default=0.0, help="seconds of generated answers")
    given = parser.parse_args()
    figures: dict[str, Any] = {"tier": choose_sandbox().tier}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "humaneval": humaneval,
        "mbpp": mbpp,
        "mutants": lambda: mutants(given.mutants),
        "tutor": tutor,
        "prose": prose,
        "hostile": hostile,
        "speed": speed,
        "fuzz": lambda: fuzz(given.fuzz or 60.0),
    }
    for name, part in parts.items():
        if (given.only or name) == name and (name != "fuzz" or given.fuzz or given.only == "fuzz"):
            started = time.perf_counter()
            figures[name] = part()
            print(f"{name:10} {time.perf_counter() - started:7.1f} s  {json.dumps(figures[name], ensure_ascii=False)}", flush=True)
    print(json.dumps(figures, ensure_ascii=False))


# --- judging many --------------------------------------------------------------------------------


def judged(trials: Sequence[Trial], threads: int = THREADS, **options: Any) -> list[Verdict]:
    """Their verdicts, order kept; each verdict knows its seconds."""
    validator = make(options)

    def one(trial: Trial) -> Verdict:
        started = time.perf_counter()
        verdict = validator.judge(Attempt((Message("user", trial.question),), trial.answer, trial.expected))
        return _timed(verdict, time.perf_counter() - started)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, trials))


def _timed(verdict: Verdict, seconds: float) -> Verdict:
    return replace(verdict, seconds=seconds)


def summary(trials: Sequence[Trial], verdicts: Sequence[Verdict], unexpected: Callable[[Verdict], bool]) -> dict[str, Any]:
    """Outcomes, codes, the slowest, and whatever should not be."""
    for trial, verdict in zip(trials, verdicts, strict=True):
        if unexpected(verdict):
            print(f"  {trial.name}: {verdict.outcome} {verdict.code}: {verdict.reason} [{verdict.evidence}]")
    codes = Counter(f"{verdict.outcome}/{verdict.code}" for verdict in verdicts)
    return {"count": len(verdicts), **dict(codes.most_common()), "slowest": round(max(verdict.seconds for verdict in verdicts), 2)}


def rows(name: str) -> list[dict[str, Any]]:
    """One file of the shared data."""
    file = DATA / name
    if not file.is_file():
        raise SystemExit(f"{file} is not here")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def fenced(code: str) -> str:
    """An answer as models write it."""
    return f"Aquí está el código:\n\n```python\n{code.rstrip()}\n```\n"


# --- real solutions ------------------------------------------------------------------------------


def humaneval_trial(row: dict[str, Any], solution: str, name: str = "") -> Trial:
    """A solution of a HumanEval task in its own words; the prompt may give helper functions."""
    expected = {"entry_point": row["entry_point"], "check": row["test"]}
    return Trial(name or row["task_id"], row["prompt"], fenced(row["prompt"] + solution), expected)


def humaneval() -> dict[str, Any]:
    """Every canonical solution is right and every buggy one is not."""
    found = rows("humanevalpack_python_even.jsonl")
    right = [humaneval_trial(row, row["canonical_solution"]) for row in found]
    wrong = [humaneval_trial(row, row["buggy_solution"]) for row in found]
    return {
        "canonical": summary(right, judged(right), lambda verdict: verdict.outcome != "correct"),
        "buggy": summary(wrong, judged(wrong), lambda verdict: verdict.outcome != "incorrect"),
    }


def mbpp_trial(row: dict[str, Any], code: str = "") -> Trial:
    """A solution of an MBPP task; its tests name a function that the question does not."""
    tests = [*row["test_list"], *row["challenge_test_list"]]
    name = tests[0].split("assert", 1)[1]
    called = _called(name, row["code"])
    expected = {"entry_point": called, "tests": tests, "setup": row["test_setup_code"]}
    return Trial(f"MBPP/{row['task_id']}", row["text"], fenced(code or row["code"]), expected)


def _called(test: str, code: str) -> str:
    """The function of the solution that the test calls."""
    return next(word for word in re.findall(r"[A-Za-z_]\w*", test) if f"def {word}" in code or f"class {word}" in code)


def mbpp() -> dict[str, Any]:
    """Every solution is right."""
    trials = [mbpp_trial(row) for row in rows("mbpp_even.jsonl")]
    return summary(trials, judged(trials), lambda verdict: verdict.outcome != "correct")


# --- mutants -------------------------------------------------------------------------------------

SWAPS = {
    "<": ("<=", ">"),
    "<=": ("<",),
    ">": (">=", "<"),
    ">=": (">",),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("+",),
    "//": ("*",),
    "/": ("*",),
    "%": ("//",),
    "and": ("or",),
    "or": ("and",),
    "True": ("False",),
    "False": ("True",),
    "+=": ("-=",),
    "-=": ("+=",),
    "break": ("continue",),
    "min": ("max",),
    "max": ("min",),
}


def mutants_of(code: str, first: int) -> Iterator[str]:
    """The code with one token exchanged, from line ``first`` on."""
    lines = code.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.start[0] < first or token.start[0] != token.end[0] or (token.string not in SWAPS and token.type != tokenize.NUMBER):
            continue
        others = SWAPS.get(token.string, ())
        if token.type == tokenize.NUMBER and token.string.isdecimal():
            others = (str(int(token.string) + 1),)
        for other in others:
            line = lines[token.start[0] - 1]
            changed = line[: token.start[1]] + other + line[token.end[1] :]
            yield "\n".join([*lines[: token.start[0] - 1], changed, *lines[token.start[0] :]])


def mutant_trials(count: int, seed: int = 7) -> list[Trial]:
    """One-token mutants of HumanEval's canonical solutions."""
    made: list[Trial] = []
    for row in rows("humanevalpack_python_even.jsonl"):
        code = row["prompt"] + row["canonical_solution"]
        first = row["prompt"].count("\n") + 1
        for number, mutant in enumerate(mutants_of(code, first)):
            trial = humaneval_trial(row, "", f"{row['task_id']}#{number}")
            made.append(Trial(trial.name, trial.question, fenced(mutant), trial.expected))
    random.Random(seed).shuffle(made)
    return made[:count]


def mutants(count: int) -> dict[str, Any]:
    """Most mutants fail; a survivor is the tests' weakness or means the same."""
    trials = mutant_trials(count)
    verdicts = judged(trials)
    found = summary(trials, verdicts, lambda verdict: verdict.outcome == "unverified")
    survivors = [trial.name for trial, verdict in zip(trials, verdicts, strict=True) if verdict.outcome == "correct"]
    return {**found, "survivors": len(survivors), "share": round(len(survivors) / len(trials), 3)}


# --- the tutor's rows ----------------------------------------------------------------------------


def tutor() -> dict[str, Any]:
    """No answer of the tutor's rows is called wrong; all rows with tests pass them."""
    trials, told = [], []
    for part in ("train", "eval"):
        file = ROOT / "tutors" / "algoritmos" / "data" / f"{part}.jsonl"
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            row = json.loads(line)
            question = ""
            for turn, message in enumerate(row["messages"]):
                if message["role"] == "user":
                    question = message["content"]
                elif message["role"] == "assistant":
                    last = turn == len(row["messages"]) - 1
                    trials.append(Trial(f"{part}:{number}", question, message["content"], row.get("expected") if last else None))
                    told.append(last and "tests" in (row.get("expected") or {}))
    verdicts = judged(trials)
    tested = [verdict for verdict, has_tests in zip(verdicts, told, strict=True) if has_tests]
    passed = sum(verdict.outcome == "correct" for verdict in tested)
    return {**summary(trials, verdicts, lambda verdict: verdict.outcome == "incorrect"), "tests": f"{passed} of {len(tested)}"}


# --- lessons that others wrote -------------------------------------------------------------------


def prose() -> dict[str, Any]:
    """Sections of real lessons with Python in them: what is called wrong is printed, to be looked at."""
    trials = []
    for name in ("es_prose", "en_prose"):
        file = DATA.parent / "corpus" / f"{name}.jsonl.gz"
        for line in gzip.decompress(file.read_bytes()).decode("utf-8").splitlines() if file.is_file() else ():
            document = json.loads(line)
            for number, part in enumerate(re.split(r"\n(?=#{1,4} )", document["text"])):
                if ("```py" in part or ">>> " in part) and len(part) < 8000:
                    trials.append(Trial(f"{document['source']}#{number}", "Explica.", part, None))
    if not trials:
        return {"count": 0}
    return summary(trials, judged(trials, seconds=1), lambda verdict: verdict.outcome == "incorrect")


# --- hostile answers -----------------------------------------------------------------------------


def hostile_answers() -> dict[str, str]:
    """Texts made to hang, crash or fool the judge."""
    million = 1_000_000
    code = {
        "parentheses": "(" * 100_000,
        "brackets": "x = " + "[" * 100_000 + "]" * 100_000,
        "unary": "x = " + "-" * 40_000 + "1",
        "not": "x = " + "not " * 12_000 + "1",
        "lambda": "x = " + "lambda: " * 6_000 + "1",
        "power": "x = 1" + "**1" * 16_000,
        "sum": "x = 1" + "+1" * 24_000,
        "attributes": "x" + ".a" * 24_000,
        "elif": "if a:\n pass\n" + "elif a:\n pass\n" * 3_000,
        "indents": "\n".join(" " * depth + "if a:" for depth in range(300)),
        "fstring": "x = " + "f'{" * 200 + "1" + "}'" * 200,
        "strings": "x = " + "'a' " * 12_000,
        "huge integer": "def f(n):\n    return 2**10**9\nprint(f(1))",
        "huge constant": "x = 'a' * 10**10\ndef f(n):\n    return n",
        "folded": "def f(n):\n    return 2**(2**40)\n",
        "digits": "x = " + "9" * 45_000,
        "null": "def f(n):\n    return n\0",
        "surrogate": "x = '\ud800'",
        "decorators": "@a\n" * 10_000 + "def f(): pass",
        "loop": "while True: pass",
        "memory": "x = [0] * 10**11",
        "output": "while True: print('a' * 1000)",
        "recursion": "def f(n):\n    return f(n + 1)\nf(1)",
        "fork": "import os\nwhile True:\n    os.fork()",
        "threads": "import threading\nwhile True:\n    threading.Thread(target=lambda: None).start()",
        "sleep": "import time\ntime.sleep(100)",
    }
    texts = {name: f"```python\n{source}\n```" for name, source in code.items()}
    for name, unit in {
        "fences": "```python\nx = 1\n```\n",
        "open fences": "```python\n",
        "backticks": "`",
        "tildes": "~~~\n",
        "prompts": ">>> 1\n",
        "defs": "def f(x):\n",
        "imports": "import os\n",
        "nulls": "\0",
        "O": "O(n) ",
        "costs": "tarda O(",
        "claims": "Imprime [",
        "spaces": " ",
        "newlines": "\n",
        "letters": "a",
        "dollars": "$O(",
    }.items():
        texts[f"megabyte of {name}"] = unit * (million // len(unit))
    texts["claim after code"] = "```python\nprint(1)\n```\n\nImprime " + "[" * 500_000
    texts["comment"] = "```python\nprint(1)  # " + "[1, " * 10_000 + "\n```"
    texts["cost after code"] = "```python\ndef f(n):\n    return n\n```\n" + "Tarda O(n" * 60_000
    return texts


def hostile() -> dict[str, Any]:
    """Each gets a verdict within the hard limit, none is called right, and the judge survives."""
    expected = {"entry_point": "f", "tests": ["assert f(1) == 1"]}
    trials = [Trial(name, "Escribe f(n).", text, expected) for name, text in hostile_answers().items()]
    trials += [Trial(f"{name} (no tests)", "Explica.", text, None) for name, text in hostile_answers().items()]
    trials += [Trial(f"question: {name}", text, fenced("def f(n):\n    return n"), expected) for name, text in hostile_answers().items()]
    verdicts = judged(trials, threads=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = summary(trials, verdicts, lambda verdict: verdict.seconds > 10.5)
    return {**found, "peak_megabytes": before // 1024}


# --- speed ---------------------------------------------------------------------------------------


def speed() -> dict[str, Any]:
    """Verdicts a second: tests as data, tests as programs, demonstrations."""
    simple = [mbpp_trial(row) for row in rows("mbpp_even.jsonl")[:200]]
    programs = [humaneval_trial(row, row["canonical_solution"]) for row in rows("humanevalpack_python_even.jsonl")]
    judged(simple[:4])
    figures: dict[str, Any] = {}
    for threads in (1, 2, 8):
        for name, trials in (("mbpp", simple), ("humaneval", programs)):
            started = time.perf_counter()
            judged(trials, threads)
            figures[f"{name}_per_second_{threads}_threads"] = round(len(trials) / (time.perf_counter() - started), 1)
    return figures


# --- fuzzing -------------------------------------------------------------------------------------


def fuzz(seconds: float) -> dict[str, Any]:
    """The strategies of the tests for as long as asked: no exception, no right verdict for code that does not return what it should."""
    sys.path.insert(0, str(ROOT / "plugins" / "hub-code" / "tests"))
    from code_strategies import answers  # type: ignore[import-not-found]
    from hypothesis import HealthCheck, given, settings

    deadline = time.monotonic() + seconds
    codes: Counter[str] = Counter()
    slowest = 0.0
    validator = CodeValidator()

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(answers())
    def once(answer: str) -> None:
        nonlocal slowest
        if time.monotonic() > deadline:
            return
        started = time.perf_counter()
        expected = {"entry_point": "f", "tests": ["assert f(1) == 'never'"]}
        verdict = validator.judge(Attempt((Message("user", "Escribe f(n)"),), answer, expected))
        slowest = max(slowest, time.perf_counter() - started)
        codes[f"{verdict.outcome}/{verdict.code}"] += 1
        assert verdict.outcome != "correct"
        validator.judge(Attempt((Message("user", answer),), answer))

    while time.monotonic() < deadline:
        once()
    return {"examples": codes.total(), **dict(codes.most_common()), "slowest": round(slowest, 2)}


if __name__ == "__main__":
    main()
