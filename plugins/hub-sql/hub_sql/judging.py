"""Judges one answer; runs in a worker process, never in the program itself.

With an accepted query the rows decide, on the tutor's database and on copies of it. Without one a query can only be wrong: when SQLite
cannot bind it. Whatever is not certain is ``unverified``.
"""

from __future__ import annotations

import gc
import re
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

from adapters_hub.plugins import NOT_MINE
from adapters_hub.types import Verdict
from hub_sql import finding
from hub_sql.binding import Fault, explain, fault, is_syntax, quoted_texts
from hub_sql.database import UNSTABLE_FUNCTIONS, DatabaseError, Deadline, Result, Trouble, scratch
from hub_sql.finding import Statement
from hub_sql.lints import is_unstable, lint
from hub_sql.ordering import ending, ordered
from hub_sql.stages import Base, Bases, Stage, Stages
from hub_sql.stated import stated_tables, table_made
from hub_sql.tokens import code, normal
from hub_sql.trial import Trial
from hub_sql.wording import verdict

MOST_CANDIDATES = 4
"""So many queries of an answer are tried, the last ones."""
NEUTRAL = frozenset(("sql_syntax", "skeleton", "newer_sqlite", "limits"))
"""Faults that show without any database."""


@dataclass(frozen=True)
class Task:
    """What the program sends: plain data."""

    answer: str
    conversation: tuple[str, ...] = ()
    """What was said before the answer, oldest first."""
    user_words: str = ""
    """All that the learner said: names in it may belong to tables of their own."""
    references: tuple[str, ...] = ()
    """Accepted queries; empty: none is known."""
    foreign: bool = False
    """Something is expected, but not in a shape of ours."""
    database: str = ""
    """Absolute path of a database file or script; empty: none."""
    seconds: float = 2.0
    max_rows: int = 10_000
    copies: int = 8


def judge(task: Task) -> Verdict:
    """The verdict; raises nothing that an answer could cause."""
    started = time.perf_counter()
    try:
        found = _Judgement(task).judged()
    except DatabaseError as error:
        found = Verdict("unverified", code="bad_database", reason=f"No se pudo comprobar la consulta: {error}.", evidence="parsed")
    except Trouble as trouble:
        told = explain(trouble, "", None)
        found = Verdict("unverified", code=told.code, reason=told.reason, hint=told.hint, evidence="parsed")
    except (MemoryError, RecursionError, sqlite3.Error) as error:
        _forget()
        reason = "La consulta necesita demasiada memoria y no se ha comprobado."
        found = Verdict("unverified", code="too_much", reason=reason, evidence=type(error).__name__)
    return replace(found, seconds=time.perf_counter() - started)


_bases = Bases()
_stages = Stages()
"""What this worker process has open. It answers one call at a time, and starting anew for each would cost more than the judging."""


def _forget() -> None:
    _stages.clear()
    _bases.clear()
    gc.collect()


class _Judgement:
    """One answer on its way to a verdict."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.syntax = scratch(())
        self.found = finding.find(task.answer, self._is_valid)
        self.base = self._base()
        self.deadline = Deadline(task.seconds)  # opening a database for the first time does not count

    def judged(self) -> Verdict:
        """Find the query, bind it, compare it."""
        if self.task.references:
            return self._with_references(self.base)
        return self._alone(self.base)

    def _is_valid(self, text: str) -> bool:
        return not is_syntax(fault(self.syntax, text, None))

    def _base(self) -> Base | None:
        """The database in force: the named one, unless a question without accepted query brings tables of its own."""
        base = _bases.of_file(Path(self.task.database), Deadline(3.0)) if self.task.database else None
        if base is not None and self.task.references:
            return base
        stated = stated_tables(self.task.conversation)
        made = {table_made(statement) for statement in stated} - {""}
        if not made or (base is not None and made <= set(base.schema.tables)):
            return base
        try:
            return _bases.of_statements(";\n".join(stated), Deadline(1.0))
        except DatabaseError:  # what was said in passing need not be a whole database
            return base

    # --- without an accepted query ---------------------------------------------------------------

    def _alone(self, base: Base | None) -> Verdict:
        mine = [one for one in self.found if one.place in ("fence", "line") and one.kind != "fragment"]
        if not mine:
            return Verdict("unverified", code=NOT_MINE, reason="La respuesta no trae ninguna consulta.")
        doubt: Verdict | None = None
        for one in reversed(mine):  # a faulty query above a sound one may be shown as a mistake
            problem = self._problem(one, base)
            if problem is None:
                continue
            certain = one is mine[-1] and problem.certain and not self._is_excused(problem, one)
            if self.task.foreign and problem.code != "sql_syntax":
                continue
            found = verdict("incorrect" if certain else "unverified", problem.code, problem.reason, problem.hint, one, evidence="parsed")
            if certain:
                return found
            doubt = doubt or found
        if self.task.foreign:
            return Verdict("unverified", code=NOT_MINE, reason="Lo esperado no es una consulta.")
        if doubt is not None:
            return doubt
        queries = [one for one in mine if one.kind == "query"]
        if base is None:
            reason = "Está bien escrito; no hay una base de datos en la que probarlo."
            return verdict("unverified", "form_ok", reason, "", (queries or mine)[-1], score=1.0, evidence="parsed")
        if not queries:
            reason = "La instrucción está bien escrita; como no es una consulta, no se ejecuta."
            return verdict("unverified", "not_run", reason, "", mine[-1], score=1.0, evidence="parsed")
        return self._ran(queries[-1], base)

    def _ran(self, one: Statement, base: Base) -> Verdict:
        """Run a query about which nothing is expected."""
        if _has_parameters(one.text):
            reason = "La consulta lleva parámetros; está bien escrita, pero no se ejecuta."
            return verdict("unverified", "not_run", reason, "", one, score=1.0, evidence="parsed")
        try:
            result = base.pair.forward.run(one.text, self.deadline, max_rows=self.task.max_rows)
        except Trouble as trouble:
            found = explain(trouble, one.text, base.schema)
            return verdict("unverified", found.code, found.reason, found.hint, one)
        rows = f"{len(result.rows)} fila" + ("" if len(result.rows) == 1 else "s")
        reason = f"La consulta funciona en la base de datos y devuelve {rows}; no hay con qué comparar el resultado."
        return verdict("unverified", "runs", reason, "", one, score=1.0, warnings=self._warnings(one.text, base, result))

    def _problem(self, one: Statement, base: Base | None) -> Fault | None:
        """What keeps a statement from running; None where nothing does, or where it is not looked at."""
        if one.kind == "other":
            return None
        text = _without_parameters(one.text)
        if base is None:
            found = fault(self.syntax, text, None)
            return found if isinstance(found, Fault) and found.code in NEUTRAL else None
        found = fault(base.scratch if one.kind == "change" else base.pair.forward, text, base.schema)
        if isinstance(found, Fault):
            teaches_definition = one.kind == "change" and "already exists" in found.reason
            return None if teaches_definition else found
        return self._misspelt(text, base) if one.kind == "query" else None

    def _misspelt(self, query: str, base: Base) -> Fault | None:
        """A column in double quotes with a slip of the pen, which SQLite takes for a text without a word."""
        for quoted in quoted_texts(base.pair.forward, query, base.schema):
            if quoted.misspelt:
                reason = f'No existe la columna "{quoted.text}" y SQLite la toma por un texto. ¿Querías decir {quoted.misspelt}?'
                return Fault("quoted_column", True, reason, f'Escribe {quoted.misspelt} en lugar de "{quoted.text}".', quoted.text)
        return None

    def _is_excused(self, problem: Fault, one: Statement) -> bool:
        """Whether a name that is not in the database belongs to tables that the learner or the answer speaks of."""
        if problem.code not in ("unknown_table", "unknown_column", "ambiguous_column"):
            return False
        before = [other for other in self.found if other.start < one.start and other.kind == "change"]
        if any(code(other.text[:60])[0].upper in ("CREATE", "ALTER", "DROP") for other in before):
            return True
        return re.search(rf"(?<!\w){re.escape(problem.name)}(?!\w)", self.task.user_words, re.IGNORECASE) is not None

    # --- with accepted queries -------------------------------------------------------------------

    def _with_references(self, base: Base | None) -> Verdict:
        queries = self._candidates()
        if not queries:
            return self._no_query()
        last = queries[-1]
        asked = [text for text in self.task.references if finding.kind_of(text) == "query"]
        if base is None or not asked:
            return self._by_text(last, base)
        stage = _stages.of(base, asked, self.task.copies)
        found = self._compared(last, stage)
        if found.outcome != "incorrect":
            return found
        for earlier in reversed(queries[-MOST_CANDIDATES:-1]):
            if normal(earlier.text) != normal(last.text) and self._compared(earlier, stage).outcome == "correct":
                reason = "La respuesta trae varias consultas: la última no da lo esperado, pero una anterior sí."
                hint = "Deja una sola consulta, la definitiva."
                return replace(found, outcome="unverified", score=0.0, code="several_queries", reason=reason, hint=hint)
        return found

    def _candidates(self) -> list[Statement]:
        """The queries that may be the answer: those of the best place that has any."""
        wanted = {"query", "unknown"}
        if all(finding.kind_of(text) == "change" for text in self.task.references):
            wanted.add("change")
        for place in ("fence", "line", "inline", "prose"):
            found = [one for one in self.found if one.place == place and one.kind in wanted]
            if found:
                return found
        return []

    def _no_query(self) -> Verdict:
        expected = self.task.references[0]
        parts = [one for one in self.found if one.kind in ("fragment", "other")]
        if parts:
            reason = "La respuesta no trae una consulta completa."
            hint = "Escribe la consulta completa, desde SELECT."
            return verdict("unverified", "fragment", reason, hint, parts[-1], expected=expected, evidence="parsed")
        reason = "La respuesta no trae ninguna consulta."
        hint = "Escribe la consulta completa en un bloque sql."
        return Verdict("incorrect", code="no_query", reason=reason, hint=hint, expected=expected, evidence="parsed")

    def _by_text(self, one: Statement, base: Base | None) -> Verdict:
        """Without a database, or where a change is expected, only the text can be compared."""
        expected = self.task.references[0]
        if normal(one.text) in {normal(text) for text in self.task.references}:
            return verdict("correct", "same_text", "Es lo que se pide.", "", one, score=1.0, expected=expected, evidence="parsed")
        problem = self._problem(one, base)
        if problem is not None and problem.certain:
            return verdict("incorrect", problem.code, problem.reason, problem.hint, one, expected=expected, evidence="parsed")
        if base is None:
            code_, reason = "no_database", "No hay una base de datos en la que comparar la consulta con la esperada."
        else:
            code_, reason = "not_run", "La instrucción está bien escrita; como cambia datos, no se ejecuta ni se compara."
        return verdict("unverified", code_, reason, "", one, score=0.5, expected=expected, evidence="parsed")

    def _compared(self, one: Statement, stage: Stage) -> Verdict:
        """One candidate against all accepted queries."""
        base = stage.base
        expected = stage.references[0].text
        problem = self._problem(one, base)
        if problem is not None:
            outcome = "incorrect" if problem.certain else "unverified"
            return verdict(outcome, problem.code, problem.reason, problem.hint, one, expected=expected, evidence="parsed")  # type: ignore[arg-type]
        if _has_parameters(one.text):
            reason = "La consulta lleva parámetros y no se puede ejecutar."
            return verdict("unverified", "parameters", reason, "Escribe los valores en la consulta.", one, expected=expected)
        same = next((other.text for other in stage.references if normal(other.text) == normal(one.text)), "")
        if same:
            warnings = self._warnings(one.text, base, None)
            reason = "La consulta devuelve lo que se pide."
            return verdict("correct", "ok", reason, "", one, score=1.0, expected=same, evidence="parsed", warnings=warnings)
        uses = base.pair.forward.compile(one.text)
        if uses.functions & UNSTABLE_FUNCTIONS or is_unstable(one.text) or any(other.unstable for other in stage.references):
            reason = "El resultado depende del día o del azar y no se puede comparar."
            return verdict("unverified", "unstable", reason, "", one, expected=expected, warnings=("now",))
        inner = {table for table in uses.tables if table.startswith("sqlite_")}
        if inner - set().union(*(other.uses.tables for other in stage.references)):
            reason = "La consulta lee las tablas internas de SQLite y no se ha comparado."
            return verdict("unverified", "forbidden", reason, "Usa solo las tablas de la base.", one, expected=expected)
        trial = Trial(one, uses, stage, lambda: self._warnings(one.text, base, None), self.deadline, self.task.max_rows)
        return trial.verdict()

    # --- warnings --------------------------------------------------------------------------------

    def _warnings(self, query: str, base: Base, result: Result | None) -> tuple[str, ...]:
        """What the query may have wrong besides its rows."""
        quoted = ["double_quoted_text"] if quoted_texts(base.pair.forward, query, base.schema) else []
        return (*quoted, *lint(query, base.schema), *self._of_ending(query, base, result))

    def _of_ending(self, query: str, base: Base, result: Result | None) -> list[str]:
        """Ties that LIMIT cuts and NULL that comes first, as they show on the tutor's database."""
        try:
            if result is None:
                result = base.pair.forward.run(query, self.deadline, max_rows=self.task.max_rows)
            order = ordered(ending(query, result.columns), result, base.pair.forward, self.deadline, max_rows=self.task.max_rows)
        except Trouble:
            return []
        if order is None:
            return []
        return (["limit_ties"] if order.cuts_a_tie else []) + (["nulls_first"] if order.begins_with_null else [])


def _has_parameters(statement: str) -> bool:
    return any(token.kind == "parameter" for token in code(statement))


def _without_parameters(statement: str) -> str:
    """The statement with NULL for every parameter, so that it can be compiled."""
    pieces: list[str] = []
    position = 0
    for token in code(statement):
        if token.kind == "parameter":
            pieces += [statement[position : token.start], "NULL"]
            position = token.end
    return "".join([*pieces, statement[position:]])
