"""Finding and reading the Python of an answer, without running it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hub_code import judging
from hub_code.blocks import find_blocks
from hub_code.preparing import Preparation
from hub_code.reading import SourceReading


def reading(source: str) -> SourceReading:
    """Read in a worker, as validators do: hostile source must not reach this process."""
    prepared = prepare(f"```python\n{source}\n```")
    return prepared.pieces[0].reading


def prepare(answer: str, question: str = "") -> Preparation:
    found = judging._workers(os.getpid()).call(("prepare", (answer, question, None)), seconds=20)
    assert isinstance(found, Preparation)
    return found


def sources(answer: str) -> list[str]:
    return [block.source.strip() for block in find_blocks(answer)]


# --- blocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "Mira:\n\n```python\nx = f(1)\n```\nListo.",
        "```py\nx = f(1)\n```",
        "```Python3\nx = f(1)\n```",
        "```{.python}\nx = f(1)\n```",
        "~~~python\nx = f(1)\n~~~",
        "````python\nx = f(1)\n````",
        "1. Así:\n\n   ```python\n   x = f(1)\n   ```",
        "```python\nx = f(1)",
        "```python\nx = f(1)```",
        "```\nx = f(1)\n```",
        "```python\r\nx = f(1)\r\n```\r\n",
        "```python\n>>> x = f(1)\n```",
    ],
)
def test_code_is_found_however_it_is_fenced(answer: str) -> None:
    assert sources(answer) == ["x = f(1)"]


@pytest.mark.parametrize(
    "answer", ["", "Hola.", "```sql\nSELECT 1\n```", "```\n+---+\n| a |\n```", "`x = 1`", "Usa la función import de tu país."]
)
def test_what_is_not_python_is_no_block(answer: str) -> None:
    assert sources(answer) == []


def test_code_without_a_fence_is_found_between_prose() -> None:
    answer = "Así se hace:\n\ndef f(n):\n    return n\n\nprint(f(2))\nY con eso basta.\n"
    assert sources(answer) == ["def f(n):\n    return n\n\nprint(f(2))"]


def test_code_indented_as_a_whole_is_found() -> None:
    assert sources("Así:\n\n    def f(n):\n        return n\n\nListo.") == ["def f(n):\n    return n"]


def test_spans_lie_in_the_answer() -> None:
    answer = "Uno:\n```python\na = 1\n```\ny dos:\n```python\nb = 2\n```\n"
    assert [answer[slice(*block.span)] for block in find_blocks(answer)] == ["a = 1\n", "b = 2\n"]


def test_a_session_gives_its_code_without_prompts_and_output() -> None:
    (block,) = find_blocks("```python\n>>> def f(n):\n...     return n\n...\n>>> f(3)\n3\n```")
    assert block.session and block.source.split("\n")[:2] == ["def f(n):", "    return n"] and "3\n" not in block.source[30:]


def test_a_fence_of_another_language_is_left_alone() -> None:
    assert sources("```text\ndef f(n):\n    return n\n```\n\n```python\nx = f(1)\n```") == ["x = f(1)"]


# --- source --------------------------------------------------------------------------------------


def test_names_signatures_and_imports_are_read() -> None:
    found = reading(
        "import heapq as hq\nfrom math import sqrt\ndef f(a, b=1, *, c=2):\n    return g(a) + LIMIT + sqrt(b) + hq.x\nf2 = lambda x: x"
    )
    assert {"hq", "sqrt", "f", "f2"} <= found.bound and found.free == {"g", "LIMIT"}
    assert found.imported == {"hq": ("heapq", ""), "sqrt": ("math", "sqrt")}
    assert [found.functions["f"].takes(count) for count in (0, 1, 2, 3)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f(n)\n    return n", 1),
        ("x = 1\ny = (2,\nz = 3", 2),
        ("print 'hola'", 1),
        ("x = 1\n  y = 2", 2),
        ("for i in range(3):\nprint(i)", 2),
        ("if x == 3\n    y = 1", 1),
        ("x = 'a", 1),
        ("x = 1\0", 1),
    ],
)
def test_an_error_names_its_line(source: str, line: int) -> None:
    found = reading(source)
    assert found.error and found.error_line == line and not found.fragment


@pytest.mark.parametrize(
    "source",
    [
        "def f(n):\n    # completa aquí",
        "def f(n)\n    ...",
        "x = ___ +",
        "for x in xs:\n    # instrucciones",
        "if x:\n    # sí\nelse:\n    # no",
        "def saluda(nombre):",
        "Hola Mundo",
        "'a': f(1),\n'b': g(2),",
        "x = 1\nel código va acá",
        "lista = [1]\nSalida:\n[1]",
        "print(1)\n-> 1",
        "es_par(2) -> True",
        "!pip install x",
        "%matplotlib inline\nimport x",
        "for i = 0 to n:\n    x = 1",
        "else:\n    x = 1",
        "si n > 3 entonces\n  x ← 1",
        "$ python programa.py",
        "x << n     desplaza a la izquierda",
    ],
)
def test_what_may_be_meant_so_has_an_excuse(source: str) -> None:
    found = reading(source)
    assert found.error and found.fragment not in ("", "deep", "newer")


@pytest.mark.parametrize(
    "source", ["x = " + "(" * 3000 + ")" * 3000, "x = " + "-" * 30_000 + "1", "x = " + "9" * 10_000, "x" + ".a" * 20_000]
)
def test_what_exhausts_the_parser_is_told_apart_from_a_mistake(source: str) -> None:
    assert reading(source).fragment == "deep"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it")
def test_newer_syntax_is_no_mistake() -> None:
    assert reading("def primero[T](xs: list[T]) -> T:\n    return xs[0]").fragment == "newer"


def test_lints_tell_what_does_not_belong_in_an_answer() -> None:
    found = reading("import socket, os\nn = int(input())\ndef f(xs=[]):\n    try:\n        return eval('1')\n    except:\n        pass")
    assert set(found.lints) == {"top_level_input", "network_import", "file_access", "dynamic_code", "mutable_default", "bare_except"}
    assert reading("def f():\n    return input()").lints == ()


def test_source_that_warns_about_itself_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    assert not reading("x = '\\d'\nprint(x is 3)").error
    assert not recwarn.list


def test_blocks_that_build_on_each_other_are_put_together() -> None:
    answer = "```python\nimport math\ndef doble(n):\n    return 2 * n\n```\nLuego:\n```python\nprint(doble(math.floor(2.5)))\n```"
    first, second = prepare(answer).pieces
    assert second.before.strip() == first.block.source.strip() and not second.missing
    assert prepare("```python\nprint(doble(2))\n```").pieces[0].missing == {"doble"}


def test_code_of_the_question_is_used_and_its_repetition_is_a_quotation() -> None:
    question = "¿Qué hace?\n\n```python\ndef f(n):\n    return n - 1\n```"
    quoted, own = prepare(
        "Tu código:\n\n```python\ndef f(n):\n    return n - 1\n```\nPruébalo:\n```python\nprint(f(3))\n```", question
    ).pieces
    assert quoted.quoted and not own.quoted and not own.missing


def test_the_function_that_is_asked_for_is_found_in_the_question() -> None:
    prepared = prepare("x", "Escribe una función siguiente_mayor(precios) que haga algo.")
    assert (prepared.asked, prepared.asked_count) == ("siguiente_mayor", 1)
    assert prepare("x", "Tengo una duda sobre print(x).").asked == ""


def test_importing_the_plugin_loads_nothing_that_judges() -> None:
    program = "import sys, hub_code; print([name for name in sys.modules if name.startswith(('hub_code.', 'adapters_hub.sandbox'))])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


def test_a_session_may_leave_out_the_prompts_of_a_block() -> None:
    (block,) = find_blocks("```python\n>>> for i in range(2):\n        print(i)\n\n0\n1\n>>> x = [\n        1]\n>>> x\n[1]\n```")
    assert "        print(i)" in block.source and "\n0\n" not in block.source


def test_blocks_in_between_that_change_a_value_belong_to_the_program() -> None:
    answer = "```python\nxs = []\n```\nAhora:\n```python\nxs.append(1)\n```\nY:\n```python\nprint(xs)\n```"
    assert prepare(answer).pieces[2].before.split() == ["xs", "=", "[]", "xs.append(1)"]


def test_an_excerpt_that_is_indented_as_a_whole_is_read() -> None:
    assert prepare("```python\n    for x in xs:\n        s += x\n```").pieces[0].reading.free == {"xs"}
