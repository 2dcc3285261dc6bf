"""What a row expects of the code: the name that the tests use, the tests, a reference, a property, inputs.

Reads ``expected`` as data sets give it and says what is wrong with it. Knows nothing of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS = frozenset(("entry_point", "function", "tests", "check", "setup", "reference", "inputs", "property"))
TELLING = frozenset(("entry_point", "function", "tests", "check", "reference", "property"))
"""One of these makes ``expected`` a matter of code."""
LONGEST = 200_000


@dataclass(frozen=True)
class Promise:
    """The row's side of the bargain, as source text and plain data."""

    name: str = ""
    """Function or class that is tested."""
    tests: str = ""
    """Statements, mostly ``assert``."""
    check: str = ""
    """Source that defines ``check(candidate)``."""
    setup: str = ""
    """Runs after the answer and before the tests, on the tests' side."""
    reference: str = ""
    """Source of a right function of the same name."""
    rule: str = ""
    """Source of ``property(args, result)``."""
    inputs: tuple[tuple[Any, ...], ...] = ()
    problem: str = ""
    """What is wrong with the row; empty: nothing."""

    @property
    def testable(self) -> bool:
        """There is something to run."""
        return bool(self.tests or self.check or self.reference or self.rule)


def promise_of(expected: Any) -> Promise | None:
    """The promise in ``expected``; None when it speaks of something else than code."""
    if not isinstance(expected, Mapping) or not TELLING & set(expected):
        return None
    if not all(isinstance(key, str) for key in expected):
        return Promise(problem="expected has keys that are no text")
    name = expected.get("entry_point", expected.get("function", ""))
    if not isinstance(name, str) or (name and not name.isidentifier()):
        return Promise(problem="entry_point is not the name of a function")
    tests = expected.get("tests", "")
    if isinstance(tests, (list, tuple)) and all(isinstance(line, str) for line in tests):
        tests = "\n".join(tests)
    sources = {
        "tests": tests,
        **{key: expected.get(key, "") for key in ("check", "setup", "reference")},
        "rule": expected.get("property", ""),
    }
    wrong = [key for key, value in sources.items() if not isinstance(value, str)]
    if wrong:
        return Promise(name, problem=f"{wrong[0]} is not source text")
    if sum(map(len, sources.values())) > LONGEST:
        return Promise(name, problem="the tests are too long")
    inputs = expected.get("inputs", [])
    if not isinstance(inputs, (list, tuple)) or not all(isinstance(entry, (list, tuple)) for entry in inputs):
        return Promise(name, problem="inputs is not a list of argument lists")
    return Promise(name, **sources, inputs=tuple(tuple(entry) for entry in inputs[:1000]))
