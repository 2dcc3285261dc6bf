"""What a child process imports, all at once: the symbolic part takes a second to load, which must not count against a verdict."""

from __future__ import annotations

import sympy  # type: ignore[import-untyped]  # noqa: F401  (used by what judge imports later)

from adapters_hub import Verdict
from hub_math.judge import Case, judge


def work(case: Case) -> Verdict:
    """One verdict."""
    return judge(case)
