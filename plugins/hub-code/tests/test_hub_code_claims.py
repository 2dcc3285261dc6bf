"""An answer's own examples, held against what it says about them, and its claims about cost."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import hub_code
import pytest
from hub_code import growth, meter
from hub_code.claims import Claim, agreement, comment_claim, literals
from hub_code.costs import Measured, contradicts, cost_claims, shortest, slope
from hub_code.growth import measure
from hub_code.inputs import Input, domain_of
from hub_code.running import _as_wanted, ask_reference
from test_hub_code_rows import needs_sandbox

from adapters_hub import Attempt, Message, Verdict
from adapters_hub.sandbox import Failure, Iterated, Limits, choose_sandbox

F = "def f(n):\n    return n * 2\n"


def judge(answer: str, question: str = "Explica.", **options: object) -> Verdict:
    return hub_code.make(options).judge(Attempt((Message("user", question),), answer))


def block(code: str, text: str = "") -> str:
    return f"Mira:\n\n```python\n{code}\n```\n\n{text}\n"


@needs_sandbox
@pytest.mark.parametrize(
    "answer",
    [
        block(F + "print(f(3))", "Imprime 6."),
        block(F + "print(f(3))", "Imprime 6: el doble de 3."),
        block(F + "print(f(3))  # 6"),
        block(F + "print(f(3))  # -> 6"),
        block(F + "f(3)  # 6"),
        block(F + "print(f(3), f(4))  # 6 8"),
        block("for n in [64, 128]:\n    print(n, n // 10)", "Imprime 6 y 12."),
        block("print('hola')", "Se imprime hola, porque sí."),
        block("print('hola')  # hola"),
        block("print({'b', 'a'})", "Imprime {'a', 'b'}."),
        block("print(10 / 3)", "Imprime 3.33."),
        block("print(0.1 + 0.2)  # 0.3"),
        block("print(1)\nprint(2)", "Salida:\n\n```\n1\n2\n```"),
        block(">>> 2 + 2\n4\n>>> [1, 2][0]\n1"),
        block('def f(n):\n    """Doble.\n\n    >>> f(2)\n    4\n    """\n    return 2 * n'),
        block("def doble(n):\n    return 2 * n", "Y ahora:\n\n" + block("print(doble(4))", "Imprime 8.")),
        block("def f():\n    return 3\nif __name__ == '__main__':\n    print(f())", "Imprime 3."),
    ],
)
def test_examples_that_hold_are_unverified_with_full_score(answer: str) -> None:
    verdict = judge(answer)
    assert (verdict.outcome, verdict.code, verdict.score) == ("unverified", "examples_hold", 1.0), verdict


@needs_sandbox
@pytest.mark.parametrize(
    "answer",
    [
        block(F + "print(f(3))", "Imprime 7."),
        block(F + "print(f(3))  # 7"),
        block(F + "f(3)  # -> 7"),
        block("print([1, 2])", "Imprime [2, 1, 3]."),
        block("print(3 > 2)\nprint(1)", "Imprime True y 2."),
        block("print(1)\nprint(2)", "Salida:\n\n```\n1\n3\n```"),
        block(">>> 2 + 2\n5"),
        block('def f(n):\n    """Doble.\n\n    >>> f(2)\n    5\n    """\n    return 2 * n'),
        block("def doble(n):\n    return 2 * n", "Y ahora:\n\n" + block("print(doble(4))", "Imprime 9.")),
        "def f(n):\n    return n\n\nprint(f(2))  # 3\n",
    ],
)
def test_a_clear_contradiction_is_incorrect(answer: str) -> None:
    verdict = judge(answer)
    assert (verdict.outcome, verdict.code) == ("incorrect", "output_differs"), verdict
    assert verdict.extracted and verdict.expected and verdict.span is not None


@needs_sandbox
@pytest.mark.parametrize(
    "answer",
    [
        block(F + "x = f(1)  # 1\nprint(x)  # 2\nprint(x)  # 3"),  # numbered lines
        block(F + "print(f(3))  # 3 veces 2"),
        block(F + "print(f(3))  # 7 elementos"),
        block("print('hola')", "Imprime adiós."),
        block("print([1, 2])", "Imprime [2, 1]."),  # an order, perhaps of a set
        block("import random\nprint(random.random())", "Imprime 3."),
        block("print(list(range(100)))", "Imprime [0, 1, 2, ...]."),
        block("print(3.5)", "Imprime 3,5."),
        block("print(10000)", "Imprime 10 000."),
        block("print(len('abc'))", "Con n letras. Imprime 3 en la consola."),
        block("print(5)", "Tu versión imprime 6."),
        block("print(5)", "Imprime 6 o 5 según el caso."),
        block("flores = {'rosa', 'lirio', 'clavel'}\nprint(list(flores))  # ['tulipán']"),
        block(">>> import sys\n>>> sys.version_info[0]\n2"),
        block("xs = []", block("xs.append(1)", block("print(xs)", "Imprime [1]."))),
        block("print(repr('ë'.encode()))  # b'\\xff'"),
    ],
)
def test_what_is_not_clearly_a_claim_contradicts_nothing(answer: str) -> None:
    assert judge(answer).outcome == "unverified"


@needs_sandbox
@pytest.mark.parametrize(
    "code", ["x = [1]\nprint(x[5])", "assert 1 + 1 == 3", "print('a' + 1)", "def f(n):\n    return f(n)\nf(1)", "print(1 / 0)"]
)
def test_an_example_that_fails_by_itself_is_incorrect(code: str) -> None:
    verdict = judge(block(code, "Listo."))
    assert (verdict.outcome, verdict.code) == ("incorrect", "raises"), verdict
    assert judge(block(code, "Esto lanza un error.")).outcome == "unverified"


@needs_sandbox
@pytest.mark.parametrize(
    "code",
    [
        "print(algo)",
        "n = int(input())\nprint(n)",
        "import numpy\nprint(numpy.zeros(3))",
        "print(open('datos.txt').read())",
        "while True:\n    pass",
        "import time\ntime.sleep(99)",
        "return 3",
        "import urllib.request\nurllib.request.urlopen('http://example.org')",
        "class MiError(Exception):\n    pass\nraise MiError('a propósito')",
        "x = [1]\nprint(x[5])  # IndexError",
        "import sys\nsys.exit(1)",
        "print('a' * 10**6)",
    ],
)
def test_an_example_that_cannot_run_here_is_unverified(code: str) -> None:
    assert judge(block(code, "Así se hace."), seconds=0.3).outcome == "unverified"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (block("def f(n)\n    return n", "Listo."), "incorrect"),
        (block("def f(n):\n    # completa aquí", "Te toca."), "unverified"),
        (block("def f(n)\n    return n", "Esto da SyntaxError porque faltan los dos puntos."), "unverified"),
        ("```python\ndef f(n):\n    return (n +", "unverified"),
        ("```python\ndef f(n)\n    return n\nprint(f(1))", "incorrect"),
        ("```\nesto no es código: if x\n```", "unverified"),
    ],
)
def test_broken_code_is_wrong_unless_it_may_be_meant_so(answer: str, outcome: str) -> None:
    assert judge(answer).outcome == outcome


def test_demos_can_be_switched_off() -> None:
    assert judge(block("print(1)", "Imprime 2."), demos=False).outcome == "unverified"


# --- claims on their own -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "rest"),
    [
        ("6, 7 y 19. Fíjate", [6, 7, 19], ". Fíjate"),
        ("[1, 2] [3]", [[1, 2], [3]], ""),
        ("{'a': 1} y luego None", [{"a": 1}, None], ""),
        ("(1, 'x'), -2.5e3", [(1, "x"), -2500.0], ""),
        ("hola", [], "hola"),
        ("[1, 2", [], "[1, 2"),
        ("3 veces", [3], " veces"),
        ("True False", [True, False], ""),
    ],
)
def test_literals_are_read_from_prose(text: str, values: list[object], rest: str) -> None:
    assert literals(text) == (values, rest)


@pytest.mark.parametrize(
    ("comment", "output", "expected"),
    [
        ("-> 6", "6", "holds"),
        ("imprime: 6", "7", "differs"),
        ("6 (seis)", "7", "differs"),
        ("6 seis", "7", "unclear"),
        ("'a'", "b", "unclear"),
        ("True", "False", "differs"),
        ("True", "1", "unclear"),
        ("3.14", "3.14159", "holds"),
        ("3.15", "3.14159", "holds"),
        ("3.2", "3.14159", "holds"),
        ("3.3", "3.14159", "differs"),
        ("[1, 2]", "[1, 3]", "differs"),
        ("≈ 3", "4", "unclear"),
        ("1.000", "1000", "unclear"),
    ],
)
def test_claims_and_outputs_are_compared_with_care(comment: str, output: str, expected: str) -> None:
    claim = comment_claim(comment)
    assert claim is not None and agreement(claim, output) == expected


def test_an_endless_claim_is_unclear() -> None:
    assert agreement(Claim("[" * 100_000, explicit=True), "1") == "unclear"


# --- costs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Tarda O(n).", ["O(n)"]),
        ("Tarda O(n) y usa memoria O(1).", ["O(n)"]),
        ("La complejidad temporal es $O(n \\log n)$.", ["O(n log n)"]),
        ("Tiene complejidad O(n²).", ["O(n²)"]),
        ("Es $\\mathcal{O}(n^{2})$.", ["O(n²)"]),
        ("Cuesta O(2^n).", ["O(2ⁿ)"]),
        ("Corre en tiempo lineal.", ["O(n)"]),
        ("El algoritmo es de tiempo cuadrático.", ["O(n²)"]),
        ("Recorre la lista una vez, así que el total es O(n).", ["O(n)"]),
        ("Visita cada dato una vez: O(n).", ["O(n)"]),
        ("Esta función tarda O(1).", ["O(1)"]),
        ("La búsqueda binaria sería O(log n).", []),
        ("En el mejor caso es O(n).", []),
        ("En promedio cuesta O(n log n).", []),
        ("Usa memoria O(n).", []),
        ("Es O(1) amortizado.", []),
        ("Tu versión era O(n²).", []),
        ("Es O(n) en lugar de O(n²).", []),
        ("Si la lista está ordenada, es O(n).", []),
        ("Hace O(n) comparaciones.", []),
        ("Son O(n log n) comparaciones.", []),
        ("Cuesta O(n k), con k el ancho.", []),
        ("pop() es O(1).", []),
        ("Cada búsqueda es O(1).", []),
        ("¿Es O(n)?", []),
        ("No es O(n).", []),
        ("Existe otra solución en O(n).", []),
        ("Ordenar cuesta O(n log n).", []),
    ],
)
def test_only_plain_claims_about_the_time_of_the_code_are_read(text: str, names: list[str]) -> None:
    assert [claim.name for claim in cost_claims(text, 0, len(text))] == names


SUM = "def suma(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\nprint(suma([1, 2, 3]))"
PAIRS = SUM.replace("suma", "pares").replace("        total += x", "        for y in xs:\n            total += x < y")
FIB = "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\nprint(fib(10))"
UNIQUE = (
    "def unicos(xs):\n    r = []\n    for x in xs:\n        if x not in r:\n            r.append(x)\n    return r\nprint(unicos([1, 2, 3]))"
)
FACTORIAL = "def fact(n):\n    r = 1\n    for i in range(2, n + 1):\n        r *= i\n    return r\nprint(fact(5))"


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "claim", "contradicted"),
    [
        (SUM, "Tarda O(n).", False),
        (SUM, "Tarda O(n²).", False),  # an upper bound, and true
        (SUM, "El costo es O(log n).", True),
        (PAIRS, "Tarda O(n).", True),
        (PAIRS, "Su complejidad es O(n log n).", True),
        (PAIRS, "Tarda O(n²).", False),
        (PAIRS, "La búsqueda binaria sería O(log n).", False),
        (FIB, "Tarda O(n).", True),
        (FIB, "Su complejidad es O(2^n).", False),
        (FACTORIAL, "Tarda O(n).", False),  # long multiplications are not what is meant
    ],
)
def test_a_claim_about_cost_is_contradicted_only_beyond_doubt(code: str, claim: str, contradicted: bool) -> None:
    verdict = judge(block(code, f"Listo. {claim}"))
    assert (verdict.code == "complexity_differs") == contradicted, verdict
    assert not contradicted or (verdict.outcome, verdict.score) == ("incorrect", 0.5)


@needs_sandbox
def test_cost_that_hides_in_built_in_operations_shows_in_time() -> None:
    domain = domain_of([([1, 2, 3],)])
    assert domain is not None
    one, two, three = (measure(choose_sandbox(), UNIQUE, "unicos", domain, 0, 1.0) for _ in range(3))
    measured = shortest(one, shortest(two, three))  # as the judge does, since time is noisy
    (linear,), (square,) = cost_claims("Tarda O(n).", 0, 11), cost_claims("Tarda O(n²).", 0, 12)
    assert contradicts(linear, measured, True) and not contradicts(linear, measured, False) and not contradicts(square, measured, True)


def test_waiting_for_the_processor_is_no_cost() -> None:
    """On a busy machine only long calls have to wait, and a linear function would seem to grow faster."""
    found = meter.cost(lambda xs: time.sleep(0.01 * len(xs)), ([1, 2, 3],), 100)
    assert found is not None and found[1] < 0.01


class _Slow:
    """A guest each of whose calls takes a second of a clock of its own."""

    ended = False

    def __init__(self) -> None:
        self.now = 0.0

    def call(self, name: str, arguments: list[Any]) -> SimpleNamespace:
        self.now += 1.0
        return SimpleNamespace(value=(len(arguments[1][0]), 1e-4))


@pytest.mark.parametrize(("seconds", "last"), [(6.0, None), (12.0, 4096)])
def test_sizes_that_the_clock_cut_short_early_show_nothing(monkeypatch: pytest.MonkeyPatch, seconds: float, last: int | None) -> None:
    """What looks at 26 letters at most grows up to there."""
    domain, guest = domain_of([([1, 2, 3],)]), _Slow()
    assert domain is not None
    monkeypatch.setattr(growth, "time", SimpleNamespace(monotonic=lambda: guest.now))
    found = growth._along(cast(Any, guest), "f", domain, 0, growth.SIZES, seconds)
    assert (found[-1].size if found else None) == last


def test_an_iterator_that_was_cut_off_is_not_said_to_differ() -> None:
    cut, whole = Iterated.of([1, 2], complete=False), Iterated.of([1, 2, 3], complete=True)
    assert _as_wanted(cut, whole) is None and _as_wanted(whole, cut) is None
    assert _as_wanted(Iterated.of([1, 5], complete=False), whole) is False
    assert _as_wanted(Iterated.of([1, 2], complete=True), whole) is False


class _Late(_Slow):
    """A guest that the wall clock ended."""

    ended, seconds, limits = True, 8.0, Limits(seconds=8.0)

    def call(self, name: str, arguments: list[Any]) -> SimpleNamespace:
        raise Failure("timeout", "not finished")


def test_a_reference_that_a_busy_machine_cuts_off_makes_nothing_right() -> None:
    assert ask_reference(cast(Any, SimpleNamespace(guest=_Late())), "f", [Input((1,))]) is None


def test_measuring_can_be_switched_off() -> None:
    assert judge(block(PAIRS, "Tarda O(n)."), complexity=False).outcome == "unverified"


def test_slopes_need_four_doublings() -> None:
    square = [(size, float(size**2)) for size in (8, 16, 32, 64)]
    assert slope(square) == pytest.approx(2.0) and slope(square[:3]) is None
    (claim,) = cost_claims("Tarda O(n).", 0, 11)
    assert contradicts(claim, [Measured(size, size**2, 0.0) for size in (8, 16, 32, 64)], False)
    assert not contradicts(claim, [Measured(size, int(size**1.5), 0.0) for size in (8, 16, 32, 64)], False)
    assert not contradicts(claim, [Measured(size, size, size**2 * 1e-5) for size in (8, 16, 32, 64)], False)
    assert contradicts(claim, [Measured(size, size, size**2 * 1e-5) for size in (8, 16, 32, 64)], True)


@pytest.mark.parametrize(
    "text",
    [
        "Complejidad espacial: O(n)",
        "### Espacio\n\nEs O(n).",
        "### Alternativa\n\nTarda O(n log n).",
        "En cuanto a la memoria, es O(n).",
        "Una alternativa es contar. Es O(n).",
        "¿Se puede mejorar? Sí: merge sort. Tarda O(n log n).",
        "Con Timsort:\n\nEs O(n log n).",
        "Para listas casi ordenadas, el tiempo es O(n).",
        "Primero copia la lista: cuesta O(n).",
        "Usando un montículo, tarda O(n log n).",
    ],
)
def test_a_cost_of_something_else_is_no_claim_about_the_code(text: str) -> None:
    assert cost_claims(text, 0, len(text)) == []


@pytest.mark.parametrize(
    "line",
    ["print(2**100)  # 1.27e30", "print(id(print))  # 140234", "print(hash('a'))  # 123", "print(1, 2)  # 1\nprint(3)  # 2"],
)
def test_what_no_run_can_contradict_is_not_contradicted(line: str) -> None:
    assert judge(block(line, "Listo.")).outcome == "unverified"
