"""Verdicts in the shape that the program wants: short codes, sentences for the learner, where the query stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from adapters_hub.types import Outcome, Verdict
from hub_sql.finding import Statement
from hub_sql.lints import SENTENCES

LONGEST_SHOWN = 2000
"""Characters of a query that a verdict repeats."""


def verdict(
    outcome: Outcome,
    code: str,
    reason: str,
    hint: str,
    statement: Statement,
    *,
    score: float = 0.0,
    expected: str = "",
    evidence: str = "",
    warnings: Sequence[str] = (),
) -> Verdict:
    """A verdict on one statement; without a hint of its own it gives advice on the first warning."""
    return Verdict(
        outcome,
        score,
        code,
        reason,
        hint or advice(warnings),
        statement.text[:LONGEST_SHOWN],
        statement.span,
        expected[:LONGEST_SHOWN],
        evidence or executed(),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def advice(warnings: Sequence[str]) -> str:
    """The first warning as a sentence."""
    return next((SENTENCES[warning] for warning in warnings if warning in SENTENCES), "")


def executed(databases: int = 1) -> str:
    """The evidence of a query that was run."""
    return f"executed: sqlite {sqlite3.sqlite_version}, {databases} database" + ("" if databases == 1 else "s")
