"""The row's tests, run away from the candidate: right answers pass, wrong ones fail, and no answer judges itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hub_code
import pytest
from hub_code import judging

from adapters_hub import Attempt, HubError, Message, Verdict
from adapters_hub.sandbox import Unavailable, choose_sandbox

try:
    FAITHFUL = choose_sandbox().faithful
except Unavailable:
    FAITHFUL = False
needs_sandbox = pytest.mark.skipif(not FAITHFUL, reason="no sandbox that runs real Python works here")


def judge(code: str, expected: Any, question: str = "Escribe f(n).", **options: Any) -> Verdict:
    answer = code if "```" in code else f"Así:\n\n```python\n{code}\n```\n"
    return hub_code.make(options).judge(Attempt((Message("user", question),), answer, expected))


AS_DATA: Mapping[str, Any] = {"entry_point": "f", "tests": ["assert f(1) == 11", "assert f(2) == 22"]}
AS_PROGRAM: Mapping[str, Any] = {"entry_point": "f", "tests": ["for n in (1, 2):\n    assert abs(f(n) - 11 * n) < 1e-9"]}
AS_CHECK: Mapping[str, Any] = {
    "entry_point": "f",
    "check": "def check(candidate):\n    assert candidate(1) == 11\n    assert sorted([candidate(2)]) == [22]\n",
}
SHAPES = pytest.mark.parametrize("expected", [AS_DATA, AS_PROGRAM, AS_CHECK], ids=["data", "program", "check"])


# --- verdicts ------------------------------------------------------------------------------------


@needs_sandbox
@SHAPES
def test_right_answers_are_correct(expected: Any) -> None:
    verdict = judge("def f(n):\n    return n * 11", expected)
    assert (verdict.outcome, verdict.score, verdict.code) == ("correct", 1.0, "ok")
    assert verdict.evidence.startswith("executed: ") and "prueba" in verdict.reason


@needs_sandbox
@SHAPES
def test_wrong_answers_are_incorrect(expected: Any) -> None:
    verdict = judge("def f(n):\n    return n + 10", expected)
    assert (verdict.outcome, verdict.code) == ("incorrect", "test_failed") and verdict.score < 1


@needs_sandbox
def test_the_reason_names_the_call_what_came_out_and_what_was_expected() -> None:
    code = "def siguiente_mayor(precios):\n    return [p if p > 4 else -1 for p in precios]"
    expected = {"function": "siguiente_mayor", "tests": ["assert siguiente_mayor([]) == []", "assert siguiente_mayor([5, 5]) == [-1, -1]"]}
    verdict = judge(code, expected)
    assert verdict.reason == "siguiente_mayor([5, 5]) devolvió [5, 5]; se esperaba [-1, -1]. Pasa 1 de 2 pruebas."
    assert (verdict.extracted, verdict.expected, verdict.score) == ("[5, 5]", "[-1, -1]", 0.5)
    assert "siguiente_mayor([5, 5])" in verdict.hint
    assert verdict.span is not None


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(n):\n    return [][n]", "raises"),
        ("def f(n):\n    while True:\n        pass", "timeout"),
        ("def f(n):\n    return [0] * 10**12", "memory"),
        ("def f(n):\n    return f(n)", "raises"),
        ("def f(n):\n    print(n * 11)", "prints_instead"),
        ("def f():\n    return 11", "parameters"),
        ("def g(n):\n    return n * 11", "missing_function"),
        ("def f(n)\n    return n * 11", "syntax"),
        ("return 3", "missing_function"),
        ("Te falta multiplicar por 11. ```text\nnada\n```", "no_code"),
    ],
)
def test_every_way_to_be_wrong_has_its_code(code: str, found: str) -> None:
    verdict = judge(code, AS_DATA, seconds=1)
    if found == "timeout" and verdict.code == "slow":
        pytest.skip("this machine is too busy to give the loop its processor time")
    assert (verdict.outcome, verdict.code) == ("incorrect", found), verdict
    assert verdict.reason.endswith(".") and verdict.hint.endswith(".")


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(n):\n    while True:\n        print('a' * 1000)", "prints_too_much"),
        ("import numpy as np\ndef f(n):\n    return np.array(n)", "missing_module"),
        ("def f(n):\n    return open('/etc/hostname').read()", "blocked"),
        ("import time\ndef f(n):\n    time.sleep(60)", "slow"),
        ("class S:\n    def f(self, n):\n        return n * 11", "nested_function"),
        ("def f(n):\n    return n * FACTOR", "incomplete"),
        ("class P:\n    pass\ndef f(n):\n    return P()", "opaque_value"),
    ],
)
def test_what_may_not_be_the_answers_fault_is_unverified(code: str, found: str) -> None:
    verdict = judge(code, AS_DATA, seconds=0.3)
    assert (verdict.outcome, verdict.code) == ("unverified", found), verdict


def test_a_question_that_does_not_name_the_function_lets_the_answer_choose() -> None:
    if FAITHFUL:
        assert judge("def once(n):\n    return n * 11", AS_DATA, "Multiplica por once.").outcome == "correct"
    assert judge("def a(n):\n    return 1\ndef b(n):\n    return n * 11", AS_DATA, "Multiplica por once.").code == "other_name"


@needs_sandbox
def test_the_name_is_taken_from_the_tests_where_the_row_gives_none() -> None:
    assert judge("def f(n):\n    return n", {"tests": ["assert f(1) == 1"]}).outcome == "correct"
    assert judge("def f(n):\n    return n", {"tests": ["assert f(1) == g(1)"]}).code == "row"


@needs_sandbox
def test_demonstrations_do_not_stand_in_the_way_of_the_tests() -> None:
    for demonstration in (
        "n = int(input())\nprint(f(n))",
        "import sys\nsys.exit(1)",
        "while True:\n    pass",
        "if __name__ == '__main__':\n    print(f(int(input())))",
    ):
        assert judge(f"def f(n):\n    return n * 11\n{demonstration}", AS_DATA, seconds=1).outcome == "correct", demonstration


@needs_sandbox
def test_the_last_version_counts_and_versions_that_disagree_are_unverified() -> None:
    wrong, right = "```python\ndef f(n):\n    return 0\n```\n", "```python\ndef f(n):\n    return 11 * n\n```\n"
    assert judge(wrong + "Mejor:\n" + right, AS_DATA).outcome == "correct"
    assert judge(right + "Error común:\n" + wrong, AS_DATA).code == "several_versions"
    assert judge(wrong + wrong, AS_DATA).outcome == "incorrect"


@needs_sandbox
def test_repeating_the_learners_code_is_not_judged_wrong() -> None:
    question = "Mi f(n) falla:\n\n```python\ndef f(n):\n    return n + 11\n```"
    assert judge("def f(n):\n    return n + 11", AS_DATA, question).code == "quoted"


@needs_sandbox
def test_helpers_may_stand_in_other_blocks() -> None:
    answer = "```python\nONCE = 11\ndef por_once(n):\n    return n * ONCE\n```\ny\n```python\ndef f(n):\n    return por_once(n)\n```"
    assert judge(answer, AS_DATA).outcome == "correct"


# --- no answer judges itself ---------------------------------------------------------------------

EQUAL = "class A:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    __hash__ = None\n"
NUMBER = "class A(int):\n    def __eq__(s, o): return True\n    def __sub__(s, o): return 0\n"
TOLD = "class A:\n    def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\n    def __lt__(s, o): return True\n"
CHAINED = "class A:\n    def __abs__(s): return s\n    def __lt__(s, o): return True\n    def __sub__(s, o): return s\n"
BUILTINS = "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.sorted = lambda x: [22]\nbuiltins.AssertionError = ValueError\n"
FRAMES = (
    "import sys\ndef f(n):\n    frame = sys._getframe()\n    while frame:\n        frame.f_locals.clear()\n        frame = frame.f_back\n"
)
OBJECTS = "import gc\nfor thing in gc.get_objects():\n    if isinstance(thing, dict) and 'outcomes' in thing: thing.clear()\n"
FORGERIES = {
    "always equal": EQUAL + "def f(n): return A()",
    "equal number": NUMBER + "def f(n): return A()",
    "told the answer": TOLD + "def f(n): return A()",
    "chained": CHAINED + "def f(n): return A()",
    "in a list": EQUAL + "def f(n): return [A()]",
    "sys.exit": "import sys\ndef f(n): sys.exit(0)",
    "sys.exit at once": "import sys\ndef f(n): return 0\nsys.exit(0)",
    "os._exit": "import os\ndef f(n): os._exit(0)",
    "os._exit at once": "import os\ndef f(n): return 0\nos._exit(0)",
    "printed": "print('PASSED')\nprint('2 passed')\ndef f(n):\n    print('ok')",
    "AssertionError": "class AssertionError(Exception): pass\ndef f(n): raise AssertionError('ok')",
    "Stop": "class Stop(BaseException): pass\ndef f(n): raise Stop",
    "builtins": BUILTINS + "def f(n): return 0",
    "frames": FRAMES + "    return 0",
    "objects": OBJECTS + "def f(n): return 0",
    "protocol": "import os\ndef f(n):\n    os.write(3, b'\\0\\0\\0\\5abcde')\n    return 0",
    "closed line": "import os\ndef f(n):\n    os.dup2(3, 4)\n    os.close(3)\n    return 0",
    "endless": "def f(n):\n    while True: yield 11",
    "truth": "class A:\n    def __bool__(s): return True\ndef f(n): return A()",
    "trace": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(n): return 0",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(n): return 0",
    "code": EQUAL + "def f(n): return 0\nf.__code__ = (lambda n: A()).__code__",
}


@needs_sandbox
@SHAPES
@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_never_correct(name: str, expected: Any) -> None:
    verdict = judge(FORGERIES[name], expected, seconds=1)
    assert verdict.outcome != "correct" and verdict.score < 1, verdict


@needs_sandbox
@pytest.mark.parametrize(
    "helper",
    [
        "class math:\n    isclose = staticmethod(lambda *a, **k: True)",
        "import math\nmath.isclose = lambda *a, **k: True",
        "import sys\nclass M:\n    isclose = lambda *a: True\nsys.modules['math'] = M",
    ],
)
def test_the_tests_take_modules_from_the_library_and_not_from_the_answer(helper: str) -> None:
    expected = {"entry_point": "f", "tests": ["assert math.isclose(f(2), 1.5)"]}
    assert judge(f"{helper}\ndef f(n): return 0", expected).outcome == "incorrect"


@needs_sandbox
@pytest.mark.parametrize(
    "helper", ["def casi(a, b): return True", "class Casi:\n    def __init__(s, *a): pass\ncasi = Casi", "casi = lambda *a: True"]
)
def test_a_helper_that_only_the_answer_defines_proves_nothing(helper: str) -> None:
    expected = {"entry_point": "f", "tests": ["assert casi(f(2), 1.5)"]}
    assert judge(f"{helper}\ndef f(n): return 0", expected).outcome == "unverified"


@needs_sandbox
def test_a_function_lent_to_the_answer_is_no_way_into_the_tests() -> None:
    code = "def f(g, x):\n    try:\n        g.__globals__['_hub'].outcomes.clear()\n    except Exception:\n        pass\n    return 0"
    expected = {"entry_point": "f", "tests": ["assert f(lambda x: x * 2, 3) == 12"]}
    assert judge(code, expected, "Escribe f(g, x).").outcome == "incorrect"
    assert judge("def f(g, x):\n    return g(g(x))", expected, "Escribe f(g, x).").outcome == "correct"


# --- what tests may do ---------------------------------------------------------------------------

PILA = """
class PilaVacia(Exception):
    pass

class Pila:
    def __init__(self, datos=()):
        self.datos = list(datos)
    def apilar(self, x):
        self.datos.append(x)
        return self
    def desapilar(self):
        if not self.datos:
            raise PilaVacia("vacía")
        return self.datos.pop()
    def __len__(self): return len(self.datos)
    def __iter__(self): return iter(self.datos)
    def __contains__(self, x): return x in self.datos
    def __getitem__(self, i): return self.datos[i]
    def __repr__(self): return f"Pila({self.datos})"
    def __lt__(self, otra): return len(self) < len(otra)
    def __add__(self, otra): return Pila(self.datos + otra.datos)
    def __enter__(self): return self
    def __exit__(self, *args): self.datos.clear()
    @property
    def tamano(self): return len(self.datos)
    @classmethod
    def vacia(cls): return cls()
"""
USES = """
p = Pila()
assert not p
p.apilar(3)
assert p.apilar(4) is p
assert p.desapilar() == 4
assert len(p) == 1 and list(p) == [3] and p[0] == 3
assert 3 in p and 9 not in p
assert str(p) == 'Pila([3])' and f'{p!r}' == 'Pila([3])'
assert Pila() < p
assert (p + Pila([1])).datos == [3, 1]
assert p.tamano == 1 and Pila.vacia().tamano == 0
p.datos = [7]
assert p.tamano == 1
assert isinstance(p, Pila) and type(p) is Pila and type(p) is not PilaVacia and hasattr(p, 'datos') and not hasattr(p, 'nada')
assert [q.tamano for q in sorted([Pila([1, 2]), Pila()])] == [0, 2]
with Pila([1]) as q:
    assert q.tamano == 1
assert q.tamano == 0
try:
    Pila().desapilar()
    falla = False
except PilaVacia as error:
    falla = str(error) == 'vacía'
assert falla
"""


@needs_sandbox
def test_tests_may_build_objects_of_the_answer_and_use_them() -> None:
    expected = {"entry_point": "Pila", "tests": USES}
    assert judge(PILA, expected, "Escribe la clase Pila.").outcome == "correct"
    wrong = judge(PILA.replace("self.datos.pop()", "self.datos.pop(0)"), expected, "Escribe la clase Pila.")
    assert (wrong.outcome, wrong.reason.split(":")[0]) == ("incorrect", "No se cumple «p.desapilar() == 4»")


@needs_sandbox
def test_what_an_object_says_of_its_own_equality_is_no_verdict() -> None:
    code = PILA + "    def __eq__(self, otra): return True\n"
    assert judge(code, {"entry_point": "Pila", "tests": ["assert Pila([1]) == Pila([2])"]}, "Escribe la clase Pila.").code == "opaque_value"


ARBOL = """
class Nodo:
    def __init__(self, x):
        self.x, self.hijos, self.d = x, [], {"a": []}

def f(n):
    return n.x + sum(map(f, n.hijos)) + sum(n.d["a"])
"""
NODO = "class Nodo:\n    def __init__(self, dato, sig=None):\n        self.dato, self.sig = dato, sig\n"
LARGO = "def largo(nodo):\n    n = 0\n    while nodo is not None:\n        n, nodo = n + 1, nodo.sig\n    return n\n"


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            NODO + LARGO,
            {
                "entry_point": "largo",
                "setup": "a = Nodo(1)\na.sig = Nodo(2)",
                "tests": ["assert largo(a) == 2", "assert largo(a.sig) == 1"],
            },
        ),
        (LARGO, {"entry_point": "largo", "setup": NODO, "tests": ["assert largo(Nodo(1, Nodo(2))) == 2", "assert largo(None) == 0"]}),
        (
            "class Par:\n    def __init__(s, a, b): s.a, s.b = a, b\ndef f(pares): return max(p.b - p.a for p in pares)",
            {"entry_point": "f", "tests": ["assert f([Par(5, 24), Par(15, 25)]) == 19"]},
        ),
        (
            "def f(xs):\n    xs.sort()",
            {"entry_point": "f", "tests": ["xs = [3, 1, 2]\nys = xs", "assert f(xs) is None", "assert ys == [1, 2, 3]"]},
        ),
        (
            "def f(m):\n    for fila in m:\n        fila[0] = 0",
            {"entry_point": "f", "tests": ["fila = [1, 2]\nm = [fila, [3]]\nf(m)", "assert fila == [0, 2] and m == [[0, 2], [0]]"]},
        ),
        (
            "def f(d, s):\n    d['a'] = 1\n    s.add(2)",
            {"entry_point": "f", "tests": ["d, s = {}, set()\nf(d, s)", "assert d == {'a': 1} and s == {2}"]},
        ),
        (
            "def f(n):\n    def g():\n        nonlocal n\n        n += 1\n        return n\n    return g",
            {"entry_point": "f", "tests": ["c = f(5)", "assert c() == 6", "assert c() == 7"]},
        ),
        (
            "def f(n):\n    for i in range(n):\n        yield i",
            {"entry_point": "f", "tests": ["assert list(f(3)) == [0, 1, 2]", "assert next(f(2)) == 0"]},
        ),
        ("def f(a, *, b=2):\n    return a * b", {"entry_point": "f", "tests": ["assert f(2) == 4", "assert f(2, b=3) == 6"]}),
        (
            "def f(n):\n    if n < 0:\n        raise ValueError('no')\n    return n",
            {
                "entry_point": "f",
                "tests": ["try:\n    f(-1)\n    assert False, 'no lanza'\nexcept ValueError:\n    pass", "assert f(4) == 4"],
            },
        ),
        (
            ARBOL,
            {
                "entry_point": "f",
                "tests": ["r = Nodo(1)\nr.hijos.append(Nodo(2))\nr.hijos[0].hijos.append(Nodo(3))\nr.d['a'] += [4]", "assert f(r) == 10"],
            },
        ),
        (
            "class P:\n    def __init__(s): s.xs = []\n    def pon(s, x): s.xs.append(x)\n    def dame(s): return s.xs",
            {
                "entry_point": "P",
                "tests": ["p = P()\nxs = p.xs\np.pon(1)", "assert xs == [1]", "p.dame().append(2)", "assert p.xs == [1, 2] == xs"],
            },
        ),
        (
            "def f(xs):\n    xs.sort()\n    return xs",
            {
                "entry_point": "f",
                "tests": ["xs = [2, 1]", "assert f(xs) is xs", "assert xs == [1, 2]", "ys = f(xs)\nys.append(0)\nassert xs == [1, 2, 0]"],
            },
        ),
        ("def f(n):\n    return n / 3", {"entry_point": "f", "tests": ["assert round(f(1), 2) == 0.33", "assert math.isclose(f(3), 1)"]}),
        (
            "def f(n):\n    return {n, n + 1}",
            {"entry_point": "f", "tests": ["assert f(1) == {2, 1}", "assert set(f(1)) == {1, 2} and len(f(3)) == 2"]},
        ),
        (
            "from math import factorial as f",
            {"entry_point": "f", "tests": ["assert f(5) == 120", "assert f(2000) % 10 == 0 and f(2000) > 0"]},
        ),
        ("import functools\n@functools.lru_cache\ndef f(n):\n    return n", {"entry_point": "f", "tests": ["assert f(1) == 1"]}),
        ("def f(n):\n    return [n]", {"entry_point": "f", "tests": ">>> f(2)\n[2]\n>>> x = f(3)\n>>> x[0]\n3\n"}),
        (
            "def f(n):\n    return not n",
            {"entry_point": "f", "tests": ["assert f(0)", "assert not f(1)", "assert f(1) is False", "assert f(2) != True"]},
        ),
    ],
)
def test_tests_may_be_written_as_people_write_them(code: str, expected: Any) -> None:
    verdict = judge(code, expected, f"Escribe {expected['entry_point']}.")
    assert verdict.outcome == "correct", verdict


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("def f(x, xs=[]):\n    xs.append(x)\n    return xs", "a = f(1)\nf(2)\nassert a == [1]"),
        ("def f(xs):\n    return xs", "xs = [1]\nys = f(xs)\nys.append(2)\nassert xs == [1]"),
        ("def f(xs):\n    return xs", "xs = [1]\nassert f(xs) is not xs"),
    ],
)
def test_lists_that_are_shared_by_mistake_are_found(code: str, test: str) -> None:
    assert judge(code, {"entry_point": "f", "tests": [test]}).outcome == "incorrect"


@needs_sandbox
def test_the_code_runs_before_the_setup_and_the_setup_before_the_tests() -> None:
    code = "class Nodo:\n    def __init__(self, x):\n        self.x = x\ndef f(nodo):\n    return nodo.x"
    assert judge(code, {"entry_point": "f", "setup": "raiz = Nodo(7)", "tests": ["assert f(raiz) == 7"]}).outcome == "correct"


@needs_sandbox
@pytest.mark.parametrize(
    "expected",
    [
        {"entry_point": "f", "tests": ["assert f(1) == ("]},
        {"entry_point": "f", "tests": ["assert f(1) == nada_de_esto"]},
        {"entry_point": "f", "check": "def comprueba(c): pass"},
        {"entry_point": "f", "tests": 7},
        {"entry_point": "1f", "tests": ["assert f(1) == 1"]},
        {"entry_point": "f", "tests": ["import requests", "assert f(1) == 1"]},
        {"entry_point": "f", "reference": "def g(n): return n", "inputs": [[1]]},
        {"entry_point": "f", "reference": "def f(n): return 0", "tests": ["assert f(1) == 11"]},
        {"entry_point": "f", "property": "def property(args, result): return nada", "inputs": [[1]]},
    ],
)
def test_a_row_that_cannot_be_used_makes_nobody_wrong(expected: Any) -> None:
    assert judge("def f(n):\n    return n", expected).code == "row"


# --- references, properties ----------------------------------------------------------------------

SUMA = "def suma(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total"


@needs_sandbox
def test_a_reference_is_asked_the_same_on_given_and_generated_inputs() -> None:
    expected = {"entry_point": "suma", "reference": SUMA, "inputs": [[[1, 2]], [[5, 3, 4]]]}
    right = judge("def suma(xs):\n    return sum(xs)", expected, "Escribe suma(xs).")
    assert right.outcome == "correct" and int(right.reason.split()[2]) >= 30
    wrong = judge("def suma(xs):\n    return sum(xs[:3])", expected, "Escribe suma(xs).")  # right on the given inputs
    assert wrong.code == "edge_differs"  # no given list is longer
    wrong = judge("def suma(xs):\n    return sum(xs) + (xs[0] == 3)", expected, "Escribe suma(xs).")
    assert (wrong.outcome, wrong.code) == ("incorrect", "test_failed")
    assert judge("def suma(xs):\n    return sum(set(xs))", expected, "Escribe suma(xs).").code == "edge_differs"


@needs_sandbox
def test_beyond_what_the_examples_cover_a_difference_is_only_a_doubt() -> None:
    expected = {
        "entry_point": "mayor",
        "reference": "def mayor(xs):\n    return max(xs) if xs else None",
        "inputs": [[[1, 2]], [[5, -3, 4]]],
    }
    verdict = judge("def mayor(xs):\n    return max(xs)", expected, "Escribe mayor(xs).")
    assert (verdict.outcome, verdict.code) == ("unverified", "edge_differs") and verdict.score > 0.9


@needs_sandbox
def test_changes_in_place_are_compared_where_the_reference_makes_them() -> None:
    expected = {"entry_point": "f", "reference": "def f(xs):\n    xs.sort()", "inputs": [[[2, 1]]]}
    assert judge("def f(xs):\n    xs[:] = sorted(xs)", expected).outcome == "correct"
    assert judge("def f(xs):\n    xs.reverse()\n    xs.sort(reverse=True)", expected).reason.startswith(
        "f([2, 1]) deja [2, 1]; se esperaba [1, 2]"
    )


@needs_sandbox
def test_annotations_tell_what_inputs_to_make() -> None:
    expected = {"entry_point": "f", "reference": "def f(a: int, b: int) -> int:\n    return a + b"}
    assert judge("def f(a, b):\n    return b + a", expected).outcome == "correct"
    assert judge("def f(a, b):\n    return a + b if a != b else 0", expected).outcome == "incorrect"


@needs_sandbox
def test_a_property_judges_every_result() -> None:
    source = "def property(args, result):\n    return sorted(args[0]) == list(result)"
    expected = {"entry_point": "ordena", "property": source, "inputs": [[[3, 1, 2]], [[1, 1]]]}
    assert judge("def ordena(xs):\n    return sorted(xs)", expected, "Escribe ordena(xs).").outcome == "correct"
    assert judge("def ordena(xs):\n    return sorted(set(xs))", expected, "Escribe ordena(xs).").outcome == "incorrect"


# --- without a sandbox ---------------------------------------------------------------------------


def test_without_a_sandbox_only_reading_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*, unsafe_exec: bool = False) -> Any:
        if unsafe_exec:
            return choose_sandbox()
        raise Unavailable("nothing works here")

    monkeypatch.setattr(judging, "choose_sandbox", unavailable)
    judging._tested_itself.cache_clear()
    verdict = judge("def f(n):\n    return n * 11", AS_DATA)
    assert (verdict.outcome, verdict.code) == ("unverified", "no_sandbox") and "nothing works here" in verdict.evidence
    assert judge("def f(n)\n    return n", AS_DATA).code == "syntax"
    assert judge("def g(n):\n    return n", AS_DATA).code == "missing_function"
    assert judge("def f():\n    return 1", AS_DATA).code == "parameters"
    if FAITHFUL:
        assert judge("def f(n):\n    return n * 11", AS_DATA, unsafe_exec=True).outcome == "correct"
    judging._tested_itself.cache_clear()


def test_a_sandbox_that_fails_its_own_test_judges_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    if not FAITHFUL:
        pytest.skip("no sandbox works here")
    monkeypatch.setattr(judging, "_self_test", lambda pid, unsafe: "a right answer passed 0 of 2 tests")
    verdict = judge("def f(n):\n    return n * 11", AS_DATA)
    assert (verdict.outcome, verdict.code) == ("unverified", "self_test") and "0 of 2" in verdict.evidence


# --- options, threads ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"second": 3}, {"seconds": "3"}, {"seconds": 0}, {"seconds": 60}, {"seconds": True}, {"demos": 1}, {"complexities": True}]
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(HubError):
        hub_code.make(options)


def test_options_of_other_validators_are_let_pass() -> None:
    assert hub_code.make({"max_words": 3}).options == hub_code.Options()


def test_the_plugin_offers_one_validator() -> None:
    (spec,) = hub_code.hub_validators()
    assert spec.name == "code" and spec.make({}).judge(Attempt((), "Hola.")).code == "nothing_to_judge"


@pytest.mark.parametrize("expected", [{"terms": ["pila"]}, {"answer": "16"}, "16", ["a"], 3, {}, {"sql": "SELECT 1"}])
def test_rows_of_other_subjects_are_nothing_to_judge(expected: Any) -> None:
    assert hub_code.make({}).judge(Attempt((), "Una pila.", expected)).code == "nothing_to_judge"


@needs_sandbox
def test_threads_get_the_verdicts_that_one_thread_gets() -> None:
    validator = hub_code.make({})
    codes = ["def f(n):\n    return n * 11", "def f(n):\n    return 11", "def f(n)", FORGERIES["always equal"]]
    attempts = [Attempt((), f"```python\n{code}\n```", expected) for code in codes for expected in (AS_DATA, AS_CHECK)] * 3
    alone = [validator.judge(attempt) for attempt in attempts[: len(codes) * 2]] * 3
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(validator.judge, attempts))
    assert [(one.outcome, one.code, one.reason) for one in together] == [(one.outcome, one.code, one.reason) for one in alone]
    assert threading.active_count() < 50


# --- found by a hostile reviewer -----------------------------------------------------------------

SORTED = ["xs = [3, 1, 2]\nassert f(xs) == sorted(xs)"]
VECTORS = ["assert Vec(1, 2) + Vec(3, 4) == Vec(4, 6)"]
CLEARS = "def f(xs):\n    xs.clear()\n    return []"


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "expected", "question"),
    [
        ("def f(n):\n    raise StopIteration", {"tests": ["assert all(map(lambda n: f(n) == n, (1, 2)))"]}, ""),
        (CLEARS, {"tests": SORTED}, ""),
        (CLEARS, {"tests": ["xs = [3, 1, 2]\nr = f(xs)\nassert r == sorted(xs)"]}, ""),
        ("class Vec:\n    def __new__(c, *a): return c\n    def __add__(s, o): return s", {"entry_point": "Vec", "tests": VECTORS}, ""),
        (
            "class Vec:\n    uno = None\n    def __new__(c, *a):\n        c.uno = c.uno or object.__new__(c)\n        return c.uno\n"
            "    def __add__(s, o): return s",
            {"entry_point": "Vec", "tests": VECTORS},
            "",
        ),
        ("def igual(a, b): return True\ndef f(n): return 0", {"tests": ["assert igual(f(2), 22)"]}, "Haz f(n) igual a 11 n."),
        ("class Igual:\n    def __init__(s, *a): pass\ndef f(n): return 0", {"tests": ["assert Igual(f(2), 22)"]}, ""),
        ("def f(n): return 0", {"tests": ["f(2)"]}, ""),
        ("def f(n): return 0", {"tests": ["def test_uno():\n    assert f(2) == 22", "assert f(5) is not None"]}, ""),
        (
            "def f(n): return 0",
            {"tests": ["import unittest\nclass T(unittest.TestCase):\n    def test_a(s):\n        s.assertEqual(f(2), 22)"]},
            "",
        ),
        ("def f(n): return [[0] * n] * n", {"tests": ["m = f(2)\nm[0][0] = 1\nassert m[1][0] == 0"]}, ""),
        ("def f(n): return bien(n)", {"setup": "def bien(n): return 11 * n", "tests": ["assert f(2) == bien(2)"]}, ""),
    ],
)
def test_weak_tests_cannot_be_cheated_to_a_certain_verdict(code: str, expected: Any, question: str) -> None:
    verdict = judge(code, {"entry_point": "f", **expected}, question or "Escribe f(n).")
    assert verdict.outcome != "correct", verdict


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "expected", "outcome"),
    [
        ("def f(xs):\n    return sorted(xs)", {"tests": SORTED}, "correct"),
        ("def f(n): return 11 * n", {"tests": ["def test_uno():\n    assert f(2) == 22"]}, "correct"),
        ("def f(n): return [[0] * n for _ in range(n)]", {"tests": ["m = f(2)\nm[0][0] = 1\nassert m[1][0] == 0"]}, "correct"),
        ("def f(n): return [[0] * n] * n", {"tests": ["m = f(2)\nassert m == [[0, 0], [0, 0]]"]}, "correct"),
        ("def f(a, b): return a + b", {"tests": ["assert f(0.1, 0.2) == 0.3"]}, "unverified"),
        ("def f(a, b): return [a + b]", {"tests": ["for x in [0.1]:\n    assert f(x, 0.2) == [0.3]"]}, "unverified"),
        (
            "def f(n):\n    for i in range(n):\n        yield i",
            {"reference": "def f(n): return list(range(n))", "inputs": [[3]]},
            "unverified",
        ),
        ("def f(n): return tuple(range(n))", {"reference": "def f(n): return list(range(n))", "inputs": [[3]]}, "unverified"),
        ("def f(n): return tuple(range(n + 1))", {"reference": "def f(n): return list(range(n))", "inputs": [[3]]}, "incorrect"),
        ("def f(xs):\n    xs.sort()\n    return xs", {"reference": "def f(xs): xs.sort()", "inputs": [[[3, 1]]]}, "unverified"),
        ("def f(xs):\n    return 5", {"reference": "def f(xs): xs.sort()", "inputs": [[[3, 1]]]}, "incorrect"),
        ("def f(n):\n    # completa tu código\n    pass", {"tests": ["assert f(1) == 11"]}, "unverified"),
        ("def f(n):\n    pass", {"tests": ["assert f(1) == 11"]}, "incorrect"),
        ("\ufeffdef f(n): return 11 * n", {"tests": ["assert f(1) == 11"]}, "correct"),
    ],
)
def test_what_is_right_in_another_way_is_not_called_wrong(code: str, expected: Any, outcome: str) -> None:
    verdict = judge(f"```python\n{code}\n```", {"entry_point": "f", **expected})
    assert verdict.outcome == outcome, verdict


def test_what_went_wrong_once_in_the_self_test_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter(["no guest could be started", ""])
    monkeypatch.setattr(judging, "_trial", lambda unsafe: next(found))
    judging._tested_itself.cache_clear()
    assert [judging._self_test(-1, False) for _ in range(3)] == ["no guest could be started", "", ""]
    judging._tested_itself.cache_clear()
