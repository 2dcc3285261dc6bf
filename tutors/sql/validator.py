"""Every SQL block of an answer must be valid SQLite. It is compiled (EXPLAIN) in an empty database, never run."""

import re
import sqlite3
from collections.abc import Iterator

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl

BLOCK = re.compile(r"^```sql[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LONGEST = 5000
"""Characters of a block that are compiled."""
WRONG = ("syntax error", "incomplete input", "unrecognized token")
"""Other complaints (no such table, no such column) depend on a database that is not here."""


class SqliteSyntax:
    def judge(self, attempt: Attempt) -> Verdict:
        blocks = [block for block in BLOCK.finditer(attempt.answer) if len(block[1]) <= LONGEST]
        for block in blocks:
            problem = next(filter(None, map(problem_of, statements(block[1]))), "")
            if problem:
                return Verdict(
                    "incorrect",
                    code="sql_syntax",
                    reason=f"SQLite no entiende la consulta: {problem}.",
                    hint=f"Corrige la consulta SQL: SQLite dice «{problem}».",
                    extracted=block[1],
                    span=block.span(1),
                    evidence="compiled by SQLite",
                )
        if blocks:
            return Verdict("unverified", score=1.0, code="form_ok", evidence="compiled by SQLite")
        return Verdict("unverified", code="no_code")


def statements(text: str) -> Iterator[str]:
    """The text cut after each semicolon that ends a statement; a rest without semicolon counts as one."""
    pending = ""
    for part in re.split(r"(?<=;)", text):
        pending += part
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if re.sub(r"--.*|\s", "", pending):
        yield pending


def problem_of(statement: str) -> str:
    """SQLite's own words about a statement that no database could run, or an empty string."""
    database = sqlite3.connect(":memory:")
    try:
        database.execute(f"EXPLAIN {statement}")
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error) if any(wrong in str(error) for wrong in WRONG) else ""
    finally:
        database.close()
    return ""


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("sql", "SQL blocks must be valid SQLite", lambda options: SqliteSyntax())]
