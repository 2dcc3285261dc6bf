"""Answers made up by hypothesis: Spanish prose, code that is sound, broken or spiteful, fences that open, close and do not."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

LINES = [
    "def f(n):",
    "def f(n, m=2):",
    "    return n",
    "    return n * m",
    "    return f(n - 1)",
    "    yield n",
    "    print(n)",
    "    raise ValueError(n)",
    "    pass",
    "    ...",
    "class A:",
    "class A(int):",
    "    def __eq__(self, other): return True",
    "    x: int = 3",
    "f = lambda n: A()",
    "x = [1, 2, {3: 'a'}]",
    "for i in range(3):",
    "    x = i",
    "while False:",
    "if x:",
    "else:",
    "try:",
    "except Exception as e:",
    "with open('a') as g:",
    "import os, sys, math",
    "from math import *",
    "import numpy as np",
    "sys.exit(0)",
    "os._exit(0)",
    "print(f(1))  # 6",
    "print(f(2))  # -> [1, 2]",
    "f(3)  # 'a'",
    "assert f(1) == 1",
    "@property",
    "global x",
    "async def g(): await f(1)",
    "return 3",
    "n = int(input())",
    ">>> f(1)",
    "1",
    "'''",
    '"""doc',
    "#",
    "# Imprime 3",
    "\\",
    "(",
    ")",
    "x = (1,",
    "\t\tx",
    "é = 'ñ'",
    "print('a' * 10)",
    "print(10**30, 1e400, float('nan'), {1, 2}, b'x')",
    "del f",
    "f.__code__ = None",
    "import builtins; builtins.print = None",
    "__name__ = 'x'",
    "match x:",
    "    case 1: pass",
    "type X = int",
]
PROSE = [
    "Imprime 6.",
    "Imprime [1, 2].",
    "Imprime True y False.",
    "Imprime [[1, 2",
    "Salida:",
    "Tarda O(n).",
    "Tarda O(1) y usa memoria O(n).",
    "Su complejidad es $O(n \\log n)$.",
    "El costo es O(2^n).",
    "Esto lanza ValueError.",
    "Así queda:",
    "",
    "`f(1)`",
    "Usa f(n) y listo.",
    "def f es una función",
    "- uno",
    "    x = 3",
]


def answers() -> SearchStrategy[str]:
    """Whole answers."""
    code = st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)
    noise = st.text(st.characters(exclude_categories=()), max_size=30)
    fence = st.sampled_from(["```python\n", "```py\n", "```\n", "~~~python\n", "```sql\n", "````python\n", "   ```python\n", ""])
    end = st.sampled_from(["\n```\n", "```", "\n~~~\n", "\n", "\n````\n", ""])
    block = st.tuples(fence, code | noise, end).map("".join)
    prose = st.lists(st.sampled_from(PROSE), max_size=4).map("\n".join)
    return st.lists(block | prose | noise, max_size=5).map("\n".join)


def rows() -> SearchStrategy[object]:
    """What ``expected`` may hold, meant for code or not."""
    tests = st.lists(
        st.sampled_from(["assert f(1) == 'never'", "assert f(2) is f", "x = f(1)", "assert sorted(f(3)) == ['never']", "assert (", "for"])
    )
    plain = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    entry = st.fixed_dictionaries({"entry_point": st.sampled_from(["f", "A", "", "1x"]), "tests": tests})
    junk = st.dictionaries(
        st.sampled_from(["entry_point", "tests", "check", "setup", "reference", "inputs", "property", "terms"]), plain, max_size=4
    )
    return entry | junk | plain
