"""How well hub_math reads and compares short answers: agreement with real suites, authored cases, speed; prints a table and one JSON line.

Run from the repository: ``python benchmarks/judges_math_compare.py [--data DIR] [--fuzz SECONDS] [-v]``. The data lies in
``../shared/data/math`` unless told otherwise. Long model answers need extraction, which is not measured here: of those the last box, the
last sentence that names the final answer, the last formula or the last number stands for the answer.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [str(REPOSITORY / "plugins" / "hub-math"), str(REPOSITORY / "plugins" / "hub-math" / "tests"), str(REPOSITORY)]

from hub_math.compare import Comparison, is_true, same  # noqa: E402
from hub_math.grammar import read  # noqa: E402


@dataclass
class Result:
    """One suite's figures."""

    name: str
    rows: int = 0
    agreed: int = 0
    unknown: int = 0
    seconds: float = 0.0
    wrong_certain: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    @property
    def agreement(self) -> float:
        """Share of rows with the expected verdict."""
        return self.agreed / self.rows if self.rows else 0.0

    def add(self, comparison: Comparison, expected: str, what: str, *, disputed: str = "") -> None:
        """Count one row. ``expected`` is an outcome, or "not equal"."""
        self.rows += 1
        outcome = comparison.outcome
        agreed = outcome == expected or (expected == "not equal" and outcome != "equal")
        self.agreed += agreed
        self.unknown += outcome == "unknown"
        if not agreed:
            self.disagreements.append(f"{what}: {outcome} {comparison.note}, expected {expected}{disputed and ' (' + disputed + ')'}")
            if outcome != "unknown" and not disputed:
                self.wrong_certain.append(what)


def load(data: Path, name: str, every: int) -> list[dict[str, Any]]:
    """Every n-th row of a file of JSON lines."""
    return [json.loads(line) for line in (data / name).read_text(encoding="utf-8").splitlines()][::every]


# --- suites --------------------------------------------------------------------------------------

DISPUTED = {
    "math-verify-264": "upstream expects true, mathematically false",
    "math-verify-32": "upstream does not look into \\( \\) with line breaks; 9 is 9",
}


def math_verify(data: Path, every: int = 1) -> Result:
    """Math-Verify's own cases, gold against prediction."""
    result = Result("math_verify")
    for row in load(data, "math_verify_cases_even.jsonl", every):
        gold, pred = extract(row["gold"]), extract(row["pred"])
        started = time.process_time()
        found = same(pred, gold, "en", "en")
        result.seconds += time.process_time() - started
        result.add(
            found, "equal" if row["expected"] else "not equal", f"{row['id']} {pred!r} | {gold!r}", disputed=DISPUTED.get(row["id"], "")
        )
    return result


def qwen(data: Path, every: int = 1) -> Result:
    """Extracted answers of Qwen's chains against the gold, with its grader's verdict."""
    result = Result("qwen")
    for row in load(data, "qwen_math_cot_even.jsonl", every):
        for response in row["responses"]:
            got, gold = response["extracted"], row["gold"]
            disputed = "the grader does not read {,}" if "{,}" in gold else ""
            started = time.process_time()
            found = same(got, gold, "en", "en")
            result.seconds += time.process_time() - started
            result.add(found, "equal" if response["qwen_grader"] else "different", f"{got!r} | {gold!r}", disputed=disputed)
    return result


def gsm8k(data: Path, every: int = 1) -> Result:
    """Last lines of released model answers against the truth, those that have one."""
    result = Result("gsm8k")
    for row in load(data, "gsm8k_model_solutions_even.jsonl", every):
        gold = row["ground_truth"].split("A:")[-1].strip()
        for answer in row.values():
            if isinstance(answer, dict) and answer["solution"].split("A:")[1:]:
                got = answer["solution"].split("A:")[-1].strip()
                started = time.process_time()
                found = same(got, gold, "en", "en") if got else None
                result.seconds += time.process_time() - started
                if found is not None:
                    result.add(found, "equal" if answer["is_correct"] else "different", f"{got!r} | {gold!r}")
    return result


def mgsm(data: Path, every: int = 1) -> Result:
    """Gold answers in English notation against the same number, and the next one, as Argentina and Mexico write it."""
    result = Result("mgsm")
    for row in load(data, "mgsm_es_even.jsonl", every):
        number = int(row["answer"].replace(",", ""))
        for locale, mark in (("es_AR", "."), ("es_MX", ","), ("es_ES", " ")):
            for value, expected in ((number, "equal"), (number + 1, "different")):
                text = f"{value:,}".replace(",", mark)
                started = time.process_time()
                found = same(text, row["answer"], locale, "en_US")
                result.seconds += time.process_time() - started
                result.add(found, expected, f"{text!r} | {row['answer']!r} {locale}")
    return result


def calculator(data: Path, every: int = 1) -> Result:
    """``<<48/2=24>>`` of GSM8K's solutions: true as written, false with the last digit changed."""
    result = Result("calculator")
    generator = random.Random(5)
    for row in load(data, "gsm8k_train_sample.jsonl", every):
        for mark in re.findall(r"<<([^<>=]+)=([^<>=]+)>>", row["answer"]):
            left, right = mark
            wrong = right[:-1] + str((int(right[-1]) + generator.randrange(1, 10)) % 10) if right[-1].isdigit() else ""
            for side, expected in ((right, "equal"), (wrong, "different")):
                if side:
                    started = time.process_time()
                    found = is_true(left, "=", side, "en")
                    result.seconds += time.process_time() - started
                    result.add(found, expected, f"{left} = {side}")
    return result


def model_calculator(data: Path, every: int = 1) -> Result:
    """The same marks in model answers, true and false ones, against floating point arithmetic."""
    result = Result("model_calculator")
    for row in load(data, "gsm8k_model_solutions_even.jsonl", every):
        for answer in row.values():
            for left, right in re.findall(r"<<([-+*/(). 0-9]+)=([-. 0-9]+)>>", answer["solution"]) if isinstance(answer, dict) else ():
                truth = arithmetic(left)
                if truth is None or not re.fullmatch(r" *-?[0-9]+(?:\.[0-9]+)? *", right):
                    continue
                started = time.process_time()
                found = is_true(left, "=", right, "en")
                result.seconds += time.process_time() - started
                result.add(found, "equal" if truth == Fraction(right.strip()) else "not equal", f"{left} = {right}")
    return result


def authored(_: Path, every: int = 1) -> Result:
    """The authored Spanish pairs."""
    from hub_math_strategies import rows

    result = Result("authored_pairs")
    for row in rows("spanish_numbers.jsonl")[::every]:
        started = time.process_time()
        found = same(row["got"], row["want"], row["locale"], row.get("want_locale", ""))
        result.seconds += time.process_time() - started
        result.add(found, row["verdict"], f"{row['got']!r} | {row['want']!r} {row['locale']}")
    return result


def statements(_: Path, every: int = 1) -> Result:
    """The authored Spanish statements."""
    from hub_math_strategies import rows

    result = Result("authored_statements")
    for row in rows("spanish_statements.jsonl")[::every]:
        started = time.process_time()
        found = is_true(row["left"], row["relation"], row["right"], row["locale"])
        result.seconds += time.process_time() - started
        result.add(found, row["verdict"], f"{row['left']} {row['relation']} {row['right']} {row['locale']}")
    return result


SUITES: dict[str, Callable[..., Result]] = {
    "math_verify": math_verify,
    "qwen": qwen,
    "gsm8k": gsm8k,
    "mgsm": mgsm,
    "calculator": calculator,
    "model_calculator": model_calculator,
    "authored_pairs": authored,
    "authored_statements": statements,
}


def arithmetic(text: str) -> Fraction | None:
    """The value of digits, points, brackets and the four operations, by a reader of its own; None where it is anything else."""
    tokens = re.findall(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[-+*/()]", text.replace(" ", ""))
    if "".join(tokens) != text.replace(" ", ""):
        return None

    def total() -> Fraction:
        value = product()
        while tokens and tokens[0] in "+-":
            value = value + product() if tokens.pop(0) == "+" else value - product()
        return value

    def product() -> Fraction:
        value = single()
        while tokens and tokens[0] in "*/":
            value = value * single() if tokens.pop(0) == "*" else value / single()
        return value

    def single() -> Fraction:
        token = tokens.pop(0)
        if token == "(":
            value = total()
            if tokens.pop(0) != ")":
                raise ValueError(text)
            return value
        return -single() if token == "-" else single() if token == "+" else Fraction(token)

    try:
        value = total()
    except (IndexError, ValueError, ZeroDivisionError):
        return None
    return None if tokens else value


# --- extraction, for Math-Verify's long texts only ---------------------------------------------------


def extract(text: str) -> str:
    """The answer in a text, or the text itself where it can be read as a whole."""
    if len(text) < 160 and read(text):
        return text
    boxes = list(_boxes(text))
    final = [found for found in _FINAL.finditer(text) if not boxes or found.start() > boxes[-1][1]]
    if final:
        named = re.sub(r'^\\?"|\\?"$', "", final[-1][1])
        formulas = [next(group for group in groups if group) for groups in _FORMULA.findall(named)]
        return named if read(named) else formulas[-1] if formulas else _last_number(named)
    if boxes:
        first = len(boxes) - 1
        while first and _near(text[boxes[first - 1][1] : boxes[first][0]]):
            first -= 1
        percent = re.match(r"\$? ?(?:percent|pct|%)", text[boxes[-1][1] :])
        return "; ".join(text[start + 7 : end - 1] for start, end in boxes[first:]) + (" %" if percent else "")
    found = [next(group for group in groups if group) for groups in _FORMULA.findall(text)]
    return found[-1] if found and not text.endswith("user") else _last_number(text)


def _near(between: str) -> bool:
    """Little enough, or an "and", stands between two boxes."""
    return len(between.strip(" ,$\\")) <= 12 or ("and" in between and len(between) < 60)


def _last_number(text: str) -> str:
    numbers = re.findall(r"(?<![\w.])[-+]?[0-9](?:[0-9.,]*[0-9])?", text)
    return numbers[-1] if numbers else text


_FINAL = re.compile(r"[Ff]inal [Aa]nswer:? (?:[Tt]he final answer is|is)?:? ?(.+?)(?:\. |\.$|$)")
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)


def _boxes(text: str) -> Iterable[tuple[int, int]]:
    at = text.find("\\boxed{")
    while at >= 0:
        depth = 0
        for index in range(at + 6, len(text)):
            depth += (text[index] == "{") - (text[index] == "}")
            if not depth:
                yield at, index + 1
                break
        at = text.find("\\boxed{", at + 7)


# --- fuzzing -------------------------------------------------------------------------------------


def fuzz(seconds: float) -> dict[str, Any]:
    """Broken and mutated text for crashes and slow calls, random expressions for wrong verdicts, numbers for the way back."""
    import hub_math_strategies as texts
    from hub_math.numbers import number_readings
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    counts: Counter[str] = Counter()
    slowest = (0.0, "")
    options = settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    end = time.monotonic() + seconds
    start = time.time_ns() % 10**6
    while time.monotonic() < end:

        @seed(start + counts["rounds"])
        @options
        @given(st.one_of(texts.broken_text, texts.mutated_text()), st.one_of(texts.mutated_text(), texts.broken_text))
        def never_raises(got: str, want: str) -> None:
            nonlocal slowest
            before = time.process_time()
            same(got, want, "es_AR")
            is_true(got, "=", want, "es_MX")
            slowest = max(slowest, (time.process_time() - before, f"{got[:80]!r} | {want[:80]!r}"))
            counts["texts"] += 1

        @seed(start + counts["rounds"])
        @options
        @given(texts.expression_pair())
        def is_never_wrong(pair: Any) -> None:
            found = same(pair.got, pair.want, pair.locale)
            counts[f"pairs_{found.outcome}"] += 1
            counts["undecided"] += found.outcome == "unknown" and pair.truth is not None
            assert (found.outcome, pair.truth) not in (("equal", False), ("different", True)), (pair, found)

        @seed(start + counts["rounds"])
        @options
        @given(texts.written_number())
        def comes_back(written: Any) -> None:
            counts["numbers"] += 1
            assert number_readings(written.text, written.locale)[0] == written.value, written

        never_raises()
        is_never_wrong()
        comes_back()
        counts["rounds"] += 1
    return {**counts, "slowest_cpu_seconds": round(slowest[0], 3), "slowest": slowest[1]}


def main() -> None:
    """Prints the table, with ``-v`` each disagreement, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data" / "math")
    parser.add_argument("--fuzz", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    print(f"{'suite':20}{'rows':>7}{'agree':>9}{'unknown':>9}{'wrong':>7}{'compares/s':>12}")
    for name, suite in SUITES.items():
        if name.startswith("authored") or options.data.is_dir():
            result = suite(options.data)
            rate = result.rows / result.seconds if result.seconds else 0.0
            print(f"{name:20}{result.rows:7}{result.agreement:9.2%}{result.unknown:9}{len(result.wrong_certain):7}{rate:12.0f}")
            if options.verbose:
                for line in result.disagreements:
                    print(f"    {line}")
            figures[name] = {
                "rows": result.rows,
                "agreement": round(result.agreement, 4),
                "unknown": result.unknown,
                "wrong_certain": len(result.wrong_certain),
                "per_second": round(rate),
            }
    if options.fuzz:
        figures["fuzz"] = fuzz(options.fuzz)
        print(f"fuzz: {figures['fuzz']}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
