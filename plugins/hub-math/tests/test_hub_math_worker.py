"""The validator ``math`` from outside: options, threads, hostile texts, children that are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hub_math
import pytest
from hub_math import worker
from hub_math.judge import case_of, judge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters_hub import Attempt, HubError, Message, Verdict
from adapters_hub.workers import WorkerDiedError, Workers, WorkerTimeoutError

ROOT = Path(__file__).parents[3]


def attempt(answer: str, expected: Any = None, question: str = "") -> Attempt:
    return Attempt((Message("user", question),), answer, expected, locale="es_MX")


def test_the_plugin_offers_one_validator() -> None:
    (spec,) = hub_math.hub_validators()
    assert spec.name == "math"
    assert spec.make({}).judge(attempt("22 - 11 = 3")).code == "false_equality"


@pytest.mark.parametrize(
    "options",
    [
        {"equality": "strict"},
        {"equalities": "lax"},
        {"second": 2},
        {"seconds": 0},
        {"seconds": 11},
        {"seconds": True},
        {"locale": "español"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(HubError):
        hub_math.make(options)


def test_options_of_other_validators_are_let_pass() -> None:
    assert hub_math.make({"max_words": 9, "unsafe_exec": True}).options == hub_math.Options()


def test_the_locale_option_overrules_the_tutors() -> None:
    validator = hub_math.make({"locale": "es_AR"})
    assert validator.judge(attempt("1,5 + 1,25 = 2,75")).code == "equalities_hold"
    assert validator.judge(attempt("Respuesta: 1.500", "1500")).outcome == "correct"


def test_words_alone_start_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "judge_in_worker", lambda case, seconds: pytest.fail("a child was asked"))
    assert hub_math.make({}).judge(attempt("Es una pregunta muy buena. ¿Qué harías tú?")).code == "nothing_to_judge"


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    code = "import hub_math, sys; assert not {'sympy', 'hub_math.judge', 'torch'} & set(sys.modules); hub_math.make({})"
    path = [str(ROOT), str(ROOT / "plugins" / "hub-math")]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=True)


def test_threads_get_the_verdicts_that_one_thread_gets() -> None:
    validator = hub_math.make({"seconds": 10})
    attempts = [attempt(text, "11") for text in ("22 - 11 = 3", "Respuesta: 11", "Respuesta: 12", "", "x = 4", "1" * 9999)] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(validator.judge, attempts)) == [judge(case_of(one)) for one in attempts]


@pytest.mark.parametrize(
    ("error", "code"), [(WorkerTimeoutError("late"), "timeout"), (WorkerDiedError("gone"), "crash"), (RecursionError("deep"), "crash")]
)
def test_a_child_that_fails_leaves_the_answer_unverified(error: Exception, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(Workers, "call", fails)
    found = hub_math.make({}).judge(attempt("2 + 2 = 5"))
    assert (found.outcome, found.code) == ("unverified", code)


def test_a_child_that_takes_too_long_is_killed_and_the_next_verdict_is_given() -> None:
    validator = hub_math.make({"seconds": 10})
    validator.judge(attempt("2 + 2 = 4"))  # the child is there
    impatient = hub_math.make({"seconds": 1e-5})
    assert impatient.judge(attempt("La suma: x + 2 = 5 y 3 · 4 = 12.\n" * 700)).code == "timeout"
    assert validator.judge(attempt("2 + 2 = 5")).code == "false_equality"


HOSTILE = {
    "digits": "1" * 1_000_000,
    "parentheses": "(" * 100_000 + "1" + ")" * 100_000 + " = 1",
    "tower": "9**9**9 = 1",
    "tower of carets": "9^9^9^9^9 = 9^9^9^9^8",
    "factorial": "1000000! = 1",
    "unclosed fraction": r"\frac{" * 50_000 + "1 = 2",
    "null bytes": "\x00" * 100_000 + "2 + 2 = 4",
    "right to left": "\u202e5 = 2 + 2\u202c",
    "equals signs": "=" * 100_000,
    "spaced equals signs": "= " * 100_000,
    "chain": "1 = " * 100_000 + "1",
    "import": "__import__('os').system('echo x') = 2",
    "classes": "().__class__.__base__.__subclasses__() = 1",
    "lines": "\n" * 1_000_000,
    "sum": "1 + " * 250_000 + "1 = 3",
    "dollars": "$" * 1_000_000,
    "boxes": r"\boxed{" * 140_000,
    "closed boxes": r"\boxed{1}" * 110_000,
    "marks": "<<1+1=2>>" * 110_000,
    "answers": "Respuesta: 5\n" * 80_000,
    "nouns": "3 manzanas " * 90_000 + "= 3",
    "sines": "sin(" * 100_000 + "1" + ")" * 100_000 + " = 1",
    "digits and equals": "1=" * 500_000,
    "polynomial": "(x+y+z+w)^400 = (x+y+z+w)^400 + x",
    "integral": r"\int_0^{\infty} e^{-x^2} \sin(x^3) \log(x) dx = 7",
    "surrogates": "\ud800 2 + 2 = 4",
    "bars": "|" * 1_000_000,
    "fences": "```" * 300_000,
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_texts_get_a_verdict_in_time(name: str) -> None:
    text = HOSTILE[name]
    for one in (attempt(text), attempt(text, "7", text[:5000]), attempt("3 + 4 = 7", text[:5000], text)):
        began = time.process_time()
        found = judge(case_of(one))
        assert found.outcome in ("correct", "incorrect", "unverified") and found.code != "crash"
        assert time.process_time() - began < 20.0  # our own time, and a hundred times what it takes: only a text without end fails


def test_a_hostile_megabyte_goes_through_the_pool() -> None:
    validator = hub_math.make({"seconds": 10})
    assert validator.judge(attempt(HOSTILE["parentheses"])).outcome == "unverified"
    assert validator.judge(attempt(HOSTILE["chain"], HOSTILE["digits"])).outcome == "unverified"
    assert validator.judge(attempt(HOSTILE["surrogates"])).code == "equalities_hold"


# --- fuzzing -------------------------------------------------------------------------------------

PIECES = [
    *"0123456789+-*/^=()[]{}.,:;!?%$|<>≈≠√·×²³½π°&~_'\"\\ \n\t",
    *("22 - 11 = 11", "3 m + 20 cm", "1.234,5", "x", "y", "2x", "f(x)", "sen", "log", "mcm(", "Respuesta: ", "La respuesta es ", "#### "),
    *(
        r"\frac{1}{2}",
        r"\frac{",
        r"\boxed{",
        "}",
        r"\sqrt",
        r"\text{ cm}",
        r"\begin{align}",
        r"\\",
        r"\(",
        r"\]",
        "$$",
        "<<1+1=2>>",
        "**",
        "```",
    ),
    *(
        "Paso 1: ",
        "Te toca: ",
        "no es ",
        "si ",
        "¿",
        "manzanas",
        " de ",
        " y ",
        " o ",
        " es ",
        "aproximadamente",
        "🙂",
        "\u202e",
        "\x00",
        "\ud800",
    ),
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=60).map("".join)
references = st.one_of(
    st.none(), texts, st.integers(), st.floats(), st.lists(texts, max_size=3), st.dictionaries(st.text(max_size=6), texts)
)


def must_be_judged(answer: str, question: str, expected: Any, locale: str) -> Verdict:
    """No crash, no wrong shape, no long wait, and the same again."""
    one = Attempt((Message("user", question),), answer, expected, locale=locale)
    began = time.process_time()
    found = judge(case_of(one))
    assert time.process_time() - began < 20.0, (answer, question, expected)
    assert found.outcome in ("correct", "incorrect", "unverified") and 0.0 <= found.score <= 1.0 and found.code
    assert found.span is None or 0 <= found.span[0] <= found.span[1] <= len(answer)
    assert found.outcome != "correct" or found.extracted
    return found


given_attempts = given(texts, texts, references, st.sampled_from(["", "es_MX", "es_AR", "en"]))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given_attempts
def test_whatever_is_written_gets_a_verdict(answer: str, question: str, expected: Any, locale: str) -> None:
    must_be_judged(answer, question, expected, locale)


def fuzz_for(seconds: float) -> int:
    """The same strategies for so long; for the benchmark. Returns the number of examples."""
    end, count = time.monotonic() + seconds, 0

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=False)
    @given_attempts
    def batch(answer: str, question: str, expected: Any, locale: str) -> None:
        nonlocal count
        count += 1
        if time.monotonic() < end:
            must_be_judged(answer, question, expected, locale)

    while time.monotonic() < end:
        batch()
    return count
