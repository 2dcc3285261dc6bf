"""The maths validator beside real answers: how often it agrees, what it calls wrong, what it overlooks, how fast it is.

Suites, all of them real data in ``../shared/data/math`` and ``tutors``: released model answers to GSM8K and their verdicts; Qwen's
MATH chains and their grader's verdicts; gold answers of GSM8K and of the tutors, in which nothing may be called wrong; the same with one
number changed in each true equality, of which as many as possible are to be caught; Math-Verify's cases; MGSM in Spanish; hostile texts.
Prints a table, every disagreement, and one JSON line. Run: ``python benchmarks/judges_math.py [--only gsm8k,qwen] [--fuzz 60]``.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "math"
sys.path[:0] = [str(ROOT), str(ROOT / "plugins" / "hub-math")]

from hub_math import MathValidator, make  # noqa: E402

from adapters_hub import Attempt, Message, Verdict  # noqa: E402

SEED = 7


@dataclass(frozen=True)
class Row:
    """One answer and what is known about it."""

    name: str
    question: str
    answer: str
    expected: Any = None
    right: bool | None = None
    """What the data set says of the result; None: nothing."""
    locale: str = "en"
    turns: tuple[Message, ...] = ()
    """The conversation before the answer; none: the question alone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="suites, separated by commas")
    parser.add_argument("--fuzz", type=float, default=0.0, metavar="SECONDS", help="hypothesis fuzzing for so long")
    parser.add_argument("--list", action="store_true", help="print every case, not only the first twenty")
    options = parser.parse_args()
    chosen = {name for name in options.only.split(",") if name}
    suites: dict[str, Callable[[], dict[str, Any]]] = {
        "gsm8k": gsm8k,
        "unmarked": unmarked,
        "qwen": qwen,
        "false_alarms": false_alarms,
        "mutants": mutants,
        "mathverify": mathverify,
        "mgsm": mgsm,
        "hostile": hostile,
        "speed": speed,
    }
    results: dict[str, Any] = {"benchmark": "judges_math"}
    global SHOWN
    SHOWN = 10_000 if options.list else 20
    for name, suite in suites.items():
        if not chosen or name in chosen:
            print(f"\n== {name}")
            results[name] = suite()
            for key, value in results[name].items():
                print(f"   {key:32} {value}")
    if options.fuzz:
        results["fuzz"] = fuzz(options.fuzz)
    print(json.dumps(results, ensure_ascii=False))


SHOWN = 20


# --- judging -------------------------------------------------------------------------------------


def judged(rows: Sequence[Row], **options: Any) -> list[Verdict]:
    """Verdicts from two threads, order kept."""
    validator = make({"seconds": 10, **options})
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda row: judge(validator, row), rows))


def judge(validator: MathValidator, row: Row) -> Verdict:
    language = row.locale[:2]
    turns = row.turns or (Message("user", row.question),)
    return validator.judge(Attempt(turns, row.answer, row.expected, language, locale=row.locale))


def show(title: str, found: Sequence[tuple[Row, Verdict]]) -> None:
    """The cases a person has to look at."""
    if found:
        print(f"   -- {title}: {len(found)}")
    for row, verdict in found[:SHOWN]:
        said = f"{verdict.outcome}/{verdict.code} {verdict.extracted!r} expected {row.expected!r}"
        print(f"      {row.name}: {said}; {verdict.reason} [{verdict.evidence}]")


def agreement(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Where the verdict on the result and the data set's agree; "unverified" counts as "not right"."""
    pairs = list(zip(rows, verdicts, strict=True))
    wrong = [(row, verdict) for row, verdict in pairs if (verdict.outcome == "correct") != row.right]
    certain = [(row, verdict) for row, verdict in wrong if verdict.outcome != "unverified"]
    show("differs", wrong)
    return {
        "answers": len(rows),
        "agree": len(rows) - len(wrong),
        "agreement": round(1 - len(wrong) / len(rows), 5),
        "certain_and_different": len(certain),
        "outcomes": dict(Counter(verdict.outcome for verdict in verdicts)),
    }


# --- suites --------------------------------------------------------------------------------------


def lines(name: str) -> Iterator[dict[str, Any]]:
    with open(DATA / name, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def gsm8k_rows() -> list[Row]:
    rows = []
    for entry in lines("gsm8k_model_solutions_even.jsonl"):
        gold = entry["ground_truth"].rpartition("\nA: ")[2]
        for key, value in entry.items():
            if isinstance(value, dict):
                rows.append(Row(f"{entry['id']}/{key}", entry["question"], value["solution"], gold, value["is_correct"]))
    return rows


def gsm8k() -> dict[str, Any]:
    rows = gsm8k_rows()
    report = judged(rows, equalities="report")
    print("   the result decides (equalities = report)")
    figures = agreement(rows, report)
    strict = judged(rows)
    downgraded = [(row, verdict) for row, verdict in zip(rows, strict, strict=True) if row.right and verdict.outcome != "correct"]
    show("right result with a false equality (strict)", downgraded)
    figures["strict_agreement"] = round(
        sum((verdict.outcome == "correct") == row.right for row, verdict in zip(rows, strict, strict=True)) / len(rows), 5
    )
    figures["right_result_false_equality"] = len(downgraded)
    return figures


def unmarked() -> dict[str, Any]:
    """The same answers without their last line "A: 18": nothing marks the result."""
    rows = [
        Row(row.name, row.question, row.answer.rpartition("\nA: ")[0], row.expected, row.right)
        for row in gsm8k_rows()
        if "\nA: " in row.answer
    ]
    verdicts = judged(rows, equalities="report")
    pairs = list(zip(rows, verdicts, strict=True))
    called_wrong = [(row, verdict) for row, verdict in pairs if verdict.outcome == "incorrect"]
    called_right = [(row, verdict) for row, verdict in pairs if verdict.outcome == "correct"]
    show("right answers called wrong", [(row, verdict) for row, verdict in called_wrong if row.right])
    show("wrong answers called right", [(row, verdict) for row, verdict in called_right if not row.right])
    return {
        "answers": len(rows),
        "called_right": len(called_right),
        "of_these_wrong": sum(not row.right for row, _ in called_right),
        "called_wrong": len(called_wrong),
        "of_these_right": sum(bool(row.right) for row, _ in called_wrong),
        "unverified": sum(verdict.outcome == "unverified" for verdict in verdicts),
    }


def qwen() -> dict[str, Any]:
    rows = [
        Row(f"{entry['id']}/{number}", entry["question"], response["text"], entry["gold"], response["qwen_grader"])
        for entry in lines("qwen_math_cot_even.jsonl")
        for number, response in enumerate(entry["responses"])
    ]
    figures = agreement(rows, judged(rows, equalities="report"))
    strict = judged(rows)
    show(
        "right result with a false equality (strict)",
        [(row, verdict) for row, verdict in zip(rows, strict, strict=True) if row.right and verdict.outcome != "correct"],
    )
    figures["strict_agreement"] = round(
        sum((verdict.outcome == "correct") == row.right for row, verdict in zip(rows, strict, strict=True)) / len(rows), 5
    )
    return figures


def gold_rows() -> list[Row]:
    """Answers in which every equality is meant to be true."""
    rows = []
    for entry in lines("gsm8k_train_sample.jsonl"):
        body, _, result = entry["answer"].rpartition("\n#### ")
        rows.append(Row(entry["id"], entry["question"], entry["answer"], result))
        assert body
    for entry in lines("gsm8k_model_solutions_even.jsonl"):
        rows.append(Row(entry["id"], entry["question"], entry["ground_truth"], entry["ground_truth"].rpartition("\nA: ")[2]))
    return rows + tutor_rows()


def tutor_rows() -> list[Row]:
    rows = []
    for path in sorted((ROOT / "tutors").glob("*/data/*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            entry = json.loads(line)
            turns = tuple(Message(turn["role"], turn["content"]) for turn in entry["messages"])
            for place, turn in enumerate(turns):
                if turn.role == "assistant":
                    expected = entry.get("expected") if place == len(turns) - 1 else None
                    name = f"{path.parts[-3]}/{path.stem}:{number}.{place}"
                    rows.append(Row(name, "", turn.content, expected, locale="es_MX", turns=turns[:place]))
    return rows


def false_alarms() -> dict[str, Any]:
    rows = gold_rows()
    verdicts = judged(rows)
    pairs = list(zip(rows, verdicts, strict=True))
    show("called wrong", [(row, verdict) for row, verdict in pairs if verdict.outcome == "incorrect"])
    show(
        "result not found right", [(row, verdict) for row, verdict in pairs if verdict.outcome == "unverified" and row.expected is not None]
    )
    return {
        "answers": len(rows),
        "called_wrong": sum(verdict.outcome == "incorrect" for verdict in verdicts),
        "codes": dict(Counter(verdict.code for verdict in verdicts)),
    }


def mutants() -> dict[str, Any]:
    """One number changed in one true equality of each gold answer, shown without the expected result and without calculator marks."""
    random_source = random.Random(SEED)
    figures: dict[str, Any] = {}
    for label, rows in (("gsm8k", gold_rows()[:1460]), ("tutors", tutor_rows())):
        made: list[Row] = []
        for row in rows:
            answer = re.sub(r"<<[^<>]*>>", "", row.answer)
            made += [
                Row(f"{row.name}#{place}", "", mutant, locale=row.locale) for place, mutant in enumerate(mutated(answer, random_source))
            ]
        verdicts = judged(made)
        missed = [(row, verdict) for row, verdict in zip(made, verdicts, strict=True) if verdict.outcome != "incorrect"]
        show(f"missed ({label})", [(Row(row.name, "", "", row.answer[-60:]), verdict) for row, verdict in missed])
        figures[f"{label}_mutants"] = len(made)
        figures[f"{label}_caught"] = round(1 - len(missed) / max(1, len(made)), 4)
    return figures


def mutated(answer: str, random_source: random.Random) -> Iterator[str]:
    """The answer with the result of one plain numeric equality changed, once for each."""
    for found in re.finditer(r"\d[ )%]*[=≈][ ]?\$?(-?\d+(?:\.\d+)?)(?![\d/^·*%,]|\.\d| ?[=+*/·x])", answer):
        number = found[1]
        change = random_source.choice((1, -1, 10, 3))
        decimals = len(number.partition(".")[2])
        value = float(number) + change * (1 if not decimals else 10 ** -(max(0, decimals - 2)))
        yield answer[: found.start(1)] + (f"{value:.{decimals}f}") + answer[found.end(1) :]


def mathverify() -> dict[str, Any]:
    rows = [
        Row(entry["id"], "", entry["pred"], entry["gold"], entry["expected"])
        for entry in lines("math_verify_cases_even.jsonl")
        if "disputed" not in entry
    ]
    return agreement(rows, judged(rows, equalities="report"))


def mgsm() -> dict[str, Any]:
    """Gold of MGSM (English thousands) beside Spanish answers in the formats of Spanish-speaking countries, right and wrong ones."""
    rows = []
    for entry in lines("mgsm_es_even.jsonl"):
        gold = int(entry["answer"].replace(",", ""))
        for locale, thousands in (("es_MX", ","), ("es_AR", "."), ("es_ES", "\u00a0"), ("es_CL", "")):
            for value, right in ((gold, True), (gold + 1, False), (gold * 10, False)):
                written = f"{value:,}".replace(",", thousands)
                expected = {"answer": entry["answer"], "locale": "en"}
                rows.append(
                    Row(
                        f"{entry['id']}/{locale}/{written}",
                        entry["es"],
                        f"Hacemos las cuentas.\nRespuesta: {written}",
                        expected,
                        right,
                        locale,
                    )
                )
    return agreement(rows, judged(rows))


HOSTILE: dict[str, str] = {
    "digits": "1" * 1_000_000,
    "parentheses": "(" * 100_000 + "1" + ")" * 100_000 + " = 1",
    "open parentheses": "(" * 1_000_000,
    "tower": "9**9**9 = 1",
    "tower of carets": "9^9^9^9^9^9^9^9 = 9^9^9^9^9^9^9^8",
    "factorial": "1000000! = 1",
    "nested factorials": "3!!!!!!!!!!!!!! = 7",
    "unclosed fraction": r"\frac{" * 50_000 + "1 = 2",
    "fractions": r"\frac{1}{" * 5_000 + "1" + "}" * 5_000 + " = 1",
    "null bytes": "\x00" * 100_000 + "2 + 2 = 5",
    "right to left": "\u202e5 = 2 + 2\u202c",
    "equals signs": "=" * 100_000,
    "spaced equals signs": "= " * 100_000,
    "chain": "1 = " * 100_000 + "1",
    "import": "__import__('os').system('echo x') = 2",
    "class": "().__class__.__base__.__subclasses__() = 1",
    "lines": "\n" * 1_000_000,
    "sums": "1 + " * 250_000 + "1 = 3",
    "claims": "2 + 2 = 5\n" * 100_000,
    "true claims": "2 + 2 = 4\n" * 100_000,
    "dollars": "$" * 1_000_000,
    "dollar pairs": "$1$ " * 250_000,
    "fences": "```" * 300_000,
    "backticks": "`a" * 500_000,
    "boxes": r"\boxed{" * 140_000,
    "closed boxes": r"\boxed{1}" * 110_000,
    "marks": "<<1+1=2>>" * 110_000,
    "answers": "Respuesta: 5\n" * 80_000,
    "nouns": "3 manzanas " * 90_000 + "= 3",
    "words": "palabra " * 120_000 + "= 3",
    "sines": "sin(" * 100_000 + "1" + ")" * 100_000 + " = 1",
    "roots": "√" * 100_000 + "4 = 2",
    "hard integral": r"\int_0^{\infty} e^{-x^2} \sin(x^3) \log(x) dx = 7",
    "polynomial": "(x+y+z+w)^400 = (x+y+z+w)^400 + x",
    "huge sum": r"\sum_{n=1}^{100000000} n^3 = 5",
    "digits and equals": "1=" * 500_000,
    "percent": "%1" * 400_000 + " = 1",
    "tabs": "\t1\t=\t2" * 100_000,
    "surrogates": "\ud800 2 + 2 = 5",
    "bars": "|" * 1_000_000,
}


def hostile() -> dict[str, Any]:
    """No text may take longer than the limit, crash, or be called right."""
    validator = make({})
    slowest, worst, outcomes = 0.0, "", Counter[str]()
    for name, text in HOSTILE.items():
        for answer, question, expected in ((text, "", None), (text, text[:2000], "5"), ("2 + 2 = 4", text, text[:5000])):
            began = time.perf_counter()
            verdict = validator.judge(Attempt((Message("user", question),), answer, expected))
            seconds = time.perf_counter() - began
            outcomes[f"{verdict.outcome}/{verdict.code}"] += 1
            if seconds > slowest:
                slowest, worst = seconds, name
            if verdict.code in ("crash", "timeout") or seconds > 2:
                print(f"      {name}: {verdict.code} in {seconds:.2f} s {verdict.evidence}")
    return {"texts": 3 * len(HOSTILE), "slowest_s": round(slowest, 2), "slowest": worst, "outcomes": dict(outcomes)}


def speed() -> dict[str, Any]:
    """Verdicts a second on GSM8K answers through the pool, from threads."""
    rows = gsm8k_rows()
    validator = make({"equalities": "report"})
    for row in rows[:8]:
        judge(validator, row)  # the children start
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda row: judge(validator, row), rows))
    seconds = time.perf_counter() - began
    return {
        "verdicts": len(rows),
        "seconds": round(seconds, 1),
        "per_second": round(len(rows) / seconds, 1),
        "timeouts": sum(v.code == "timeout" for v in verdicts),
    }


def fuzz(seconds: float) -> dict[str, Any]:
    """The tests' strategies for longer."""
    sys.path.insert(0, str(ROOT / "plugins" / "hub-math" / "tests"))
    from test_hub_math_worker import fuzz_for

    count = fuzz_for(seconds)
    print(f"\n== fuzz\n   examples {count}")
    return {"examples": count}


if __name__ == "__main__":
    main()
