"""One candidate against the accepted queries, database after database.

The tutor's own database decides at once. A plausible copy decides as well, unless it may be unfair: the candidate reads other data than
the accepted query (columns may belong together without a declaration), or two accepted queries disagree there (then the author has left
the case open). What shows only on an extreme copy is a doubt. A candidate has to agree with one and the same accepted query everywhere.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from adapters_hub.types import Verdict
from hub_sql import copies
from hub_sql.agreement import Expectation, Told, compare, results_agree
from hub_sql.binding import explain
from hub_sql.comparing import Difference, Order, only_nothing, shown
from hub_sql.copies import Rows
from hub_sql.database import Deadline, Result, Trouble, Uses
from hub_sql.finding import Statement
from hub_sql.ordering import ending
from hub_sql.stages import Database, Pair, Stage
from hub_sql.tokens import code
from hub_sql.wording import advice, executed, verdict

ENOUGH = 3
"""So many copies have to agree where the given database cannot tell."""
SHRINK_STEPS, SHRINK_SECONDS = 200, 2.0
"""Databases that are tried to make a telling case small, and the time for it if that much is left."""
SHOWN_ROWS = 4
"""Rows of a telling case that fit into a reason."""
DOUBTS = {
    "rounding": "El resultado es el esperado salvo por el redondeo.",
    "types": "Los valores son los esperados, pero unos son números y otros textos.",
    "nulls_order": "Las filas son las esperadas, pero los NULL quedan en otro lugar.",
    "unknown_order": "Las filas son las esperadas, pero no se pudo comprobar su orden.",
    "unstable_rows": "El resultado de la consulta depende de cómo SQLite lea la tabla: algo queda abierto.",
    "other_data": "La consulta da lo esperado en la base de datos, pero lo toma de otras columnas, que no siempre tienen que coincidir.",
    "open_case": "La consulta da lo esperado en la base de datos; con otros datos las consultas aceptadas tampoco coinciden entre sí.",
    "fails_on_copy": "La consulta da lo esperado en la base de datos, pero falla con otros datos.",
    "ties_included": "La consulta esperada corta un empate con LIMIT y la tuya lo muestra entero.",
    "spare_limit": "La consulta da lo esperado, pero su LIMIT cortaría un resultado más largo.",
}
"""Code of a doubt -> what the learner is told."""
HINTS = {
    "columns": "Selecciona solo las columnas que se piden",
    "order": "Revisa el ORDER BY: las columnas, ASC o DESC y los empates",
    "duplicates": "Revisa las filas repetidas: quizá falta o sobra DISTINCT, o un JOIN multiplica las filas",
    "rows": "Revisa las condiciones, los JOIN y la agrupación",
}


@dataclass
class _Standing:
    """How the candidate stands against one accepted query."""

    number: int
    state: Literal["same", "doubt", "different"] = "same"
    orders: tuple[Order, ...] | None = None
    """Orders of the columns that have held so far; None: not looked at yet."""
    doubt: str = ""
    difference: Difference | None = None
    database: Database | None = None
    """Where the doubt or the difference showed."""
    judged: int = 0
    """Databases that agreed."""
    given: bool = False
    """Whether the given database is among them."""
    copies: int = 0
    """Plausible copies among them."""
    informative: bool = False
    """Whether the accepted query said something other than nothing there."""
    longest: int = 0
    """Most rows of the accepted query there."""


class Trial:
    """The candidate, the stage, and what is known so far."""

    def __init__(
        self, candidate: Statement, uses: Uses, stage: Stage, warnings: Callable[[], tuple[str, ...]], deadline: Deadline, max_rows: int
    ) -> None:
        self.candidate, self.uses, self.stage, self.warnings = candidate, uses, stage, warnings
        self.deadline, self.max_rows = deadline, max_rows
        self.limited = any(token.upper == "LIMIT" for token in code(candidate.text))
        self.standings = [_Standing(number) for number in range(len(stage.references))]
        self.seen = 0
        self.speaks_of_nothing = False
        """On a copy both gave nothing, but not in the same words: a sum of nothing is NULL, a count 0, a group no row."""

    def verdict(self) -> Verdict:
        """First the given database, then plausible copies, then extreme ones for whoever still agrees."""
        trouble = self._look(self.stage.given)
        if trouble is not None:
            return self._stopped(trouble)
        late = False
        for extreme in (False, True):
            try:
                for database in self.stage.copies(self.candidate.text, self.uses, extreme=extreme):
                    if not self._undecided(extreme):
                        break
                    if self.deadline.left < 0.1:
                        late = late or not extreme
                        break
                    if self._look(database) is not None:
                        late = True
                        break
            except sqlite3.Error:  # a schema of which no copy can be made
                break
        return self._decided(late)

    # --- database after database -----------------------------------------------------------------

    def _undecided(self, extreme: bool) -> bool:
        return any(one.state == "same" or (one.state == "doubt" and not extreme) for one in self.standings)

    def _look(self, database: Database) -> Trouble | None:
        """Compare on one database; the trouble when the candidate does not come to an end there and that ends the trial."""
        results: tuple[Result, Result] | None = None
        for standing in self.standings:
            if standing.state == "different" or (standing.state == "doubt" and database.extreme):
                continue
            try:
                expectation = self.stage.expectation(database, standing.number, self.deadline, self.max_rows)
            except Trouble as trouble:
                return trouble
            if expectation is None:
                continue
            if results is None:
                try:
                    results = self._run(database.pair, len(expectation.result.rows))
                except Trouble as trouble:
                    if database.given or trouble.kind not in ("rows", "error"):
                        return trouble
                    self._failed(database, trouble)
                    return None
            self._note(standing, database, expectation, compare(expectation, *results, standing.orders, limited=self.limited), results[0])
        self.seen += 1
        return None

    def _run(self, pair: Pair, expected_rows: int) -> tuple[Result, Result]:
        limit = max(self.max_rows, 2 * expected_rows)
        first = pair.forward.run(self.candidate.text, self.deadline, max_rows=limit)
        return first, pair.turned.run(self.candidate.text, self.deadline, max_rows=limit)

    def _failed(self, database: Database, trouble: Trouble) -> None:
        """On a copy SQLite gives up in the middle of the query: a doubt about everything that still agrees."""
        for standing in self.standings:
            if trouble.kind == "error" or database.extreme:
                self._doubt(standing, "fails_on_copy", database)
            elif standing.state != "different":
                standing.state, standing.database = "different", database
                standing.difference = Difference("rows", "devuelve muchas más filas de las esperadas")

    def _note(self, standing: _Standing, database: Database, expectation: Expectation, told: Told, got: Result) -> None:
        """Put what one database says into the standing."""
        if told.state == "same":
            standing.orders = told.orders
            standing.judged += 1
            if not database.extreme:
                standing.copies += not database.given
                standing.given |= database.given
                standing.informative |= any(value not in (None, 0) for row in expectation.result.rows for value in row)
            standing.longest = max(standing.longest, len(expectation.result.rows))
        elif told.state == "doubt":
            self._doubt(standing, told.code, database)
        elif told.state == "different":
            if (
                not database.given
                and told.difference
                and told.difference.kind == "rows"
                and only_nothing(expectation.result.rows, got.rows)
            ):
                self.speaks_of_nothing = True
            elif not (why := self._unfair(standing, database)):
                standing.state, standing.difference, standing.database = "different", told.difference, database
            else:
                self._doubt(standing, why, database)

    def _doubt(self, standing: _Standing, why: str, database: Database) -> None:
        if standing.state == "same":
            standing.state, standing.doubt, standing.database = "doubt", why, database

    # --- fairness --------------------------------------------------------------------------------

    def _unfair(self, standing: _Standing, database: Database) -> str:
        """Why a difference there need not be the candidate's fault; empty where it surely is."""
        if database.given:
            return ""
        if database.extreme:
            return "edge_case"
        if self._reads_more(standing):
            return "other_data"
        return "open_case" if self._is_contested(standing, database) else ""

    def _reads_more(self, standing: _Standing) -> bool:
        """Whether the candidate reads data that the accepted query does not; keys and links are kept whole and may be read by anybody."""
        theirs = self.stage.references[standing.number].uses.columns
        for name, column in self.uses.columns - theirs:
            table = self.stage.base.schema.tables.get(name)
            position = table.column(column) if table is not None and column else None
            if table is not None and position is not None and position not in table.identifying:
                return True
        return False

    def _is_contested(self, standing: _Standing, database: Database) -> bool:
        """Whether another accepted query that agrees with this one on the given database contradicts it here."""
        for other in range(len(self.stage.references)):
            places = ((self.stage.given, standing.number), (self.stage.given, other), (database, standing.number), (database, other))
            if other == standing.number:
                continue
            found = [self.stage.expectation(place, number, self.deadline, self.max_rows) for place, number in places]
            given, given_other, here, here_other = found
            if given is None or given_other is None or here is None or here_other is None:
                continue
            if results_agree(given.result, given_other.result) and not results_agree(here.result, here_other.result):
                return True
        return False

    # --- the end ---------------------------------------------------------------------------------

    def _stopped(self, trouble: Trouble) -> Verdict:
        """The candidate does not come to an end on the given database."""
        reference = self.stage.references[0].text
        if trouble.kind == "rows":
            expectation = self.stage.expectation(self.stage.given, 0, self.deadline, self.max_rows)
            if expectation is not None:
                reason = f"Tu consulta devuelve más de {self.max_rows} filas y se esperaban {len(expectation.result.rows)}."
                hint = "Revisa que cada JOIN tenga su condición y que el WHERE filtre lo que se pide."
                return verdict("incorrect", "rows", reason, hint, self.candidate, expected=reference)
        found = explain(trouble, self.candidate.text, self.stage.base.schema)
        if trouble.kind == "error":
            return verdict("incorrect", "sql_runtime", found.reason, found.hint, self.candidate, expected=reference)
        return verdict("unverified", found.code, found.reason, found.hint, self.candidate, expected=reference)

    def _decided(self, late: bool) -> Verdict:
        verdicts = [self._same(standing, late) for standing in self.standings if standing.state == "same"]
        for found in verdicts:
            if found.outcome == "correct":
                return found
        if verdicts:
            return verdicts[0]
        doubts = [standing for standing in self.standings if standing.state == "doubt"]
        return self._doubtful(doubts[0]) if doubts else self._different()

    def _same(self, standing: _Standing, late: bool) -> Verdict:
        """Nothing speaks against the candidate; whether that is enough."""
        reference = self.stage.references[standing.number]
        warnings = self.warnings()
        if standing.orders and tuple(range(len(reference.columns))) not in standing.orders:
            warnings = ("column_order", *warnings)
        if self.speaks_of_nothing:
            warnings = (*warnings, "empty_result")

        def unsure(why: str, reason: str, score: float = 0.5) -> Verdict:
            return verdict(
                "unverified",
                why,
                reason,
                "",
                self.candidate,
                score=score,
                expected=reference.text,
                evidence=executed(standing.judged),
                warnings=warnings,
            )

        if not standing.given and standing.copies < ENOUGH:
            return unsure("open_reference", "La consulta esperada deja abierto su resultado o es muy larga, y no se puede comparar.", 0.0)
        if not standing.informative:
            return unsure("no_evidence", "La consulta esperada no devuelve nada, y así no se distingue una consulta de otra.")
        if late or (standing.copies == 0 and self.stage.count > 0):
            why = "no hubo tiempo" if late else "no hubo con qué"
            return unsure(
                "one_database", f"La consulta da lo esperado en la base de datos, pero {why} de probarla en otras.".replace("qué de", "qué")
            )
        if standing.longest > 1 and not reference.end.limited and ending(self.candidate.text, reference.columns).limited:
            return unsure("spare_limit", DOUBTS["spare_limit"])
        return verdict(
            "correct",
            "ok",
            "La consulta devuelve lo que se pide.",
            "",
            self.candidate,
            score=1.0,
            expected=reference.text,
            evidence=executed(standing.judged),
            warnings=warnings,
        )

    def _doubtful(self, standing: _Standing) -> Verdict:
        reason = DOUBTS.get(standing.doubt, "")
        if not reason:
            which = standing.database.profile.name if standing.database and standing.database.profile else "otros datos"
            reason = f"La consulta da lo esperado en la base de datos; solo se aparta con {which}."
        warnings = self.warnings()
        hint = "" if warnings else "Comprueba qué hace la consulta con empates, NULL y nombres repetidos."
        text = self.stage.references[standing.number].text
        return verdict(
            "unverified",
            standing.doubt,
            reason,
            hint,
            self.candidate,
            score=0.5,
            expected=text,
            evidence=executed(self.seen),
            warnings=warnings,
        )

    def _different(self) -> Verdict:
        """Told against the accepted query that it comes nearest to."""
        ranks = {"order": 0, "duplicates": 1, "rows": 2, "columns": 3}

        def nearness(one: _Standing) -> tuple[bool, int, int]:
            return one.database is not None and one.database.given, ranks[one.difference.kind] if one.difference else 9, one.number

        nearest = min(self.standings, key=nearness)
        difference, database = nearest.difference, nearest.database
        assert difference is not None and database is not None
        reference = self.stage.references[nearest.number]
        kind = difference.kind if database.given else f"{difference.kind}_on_copy"
        reason = f"Tu consulta {difference.text}."
        if not database.given:
            told = self._telling_case(nearest, database) or difference.text
            reason = f"En la base de datos tu consulta da lo esperado, pero con otros datos no: {told}."
        more = f" ({', '.join(reference.columns[:6])})" if difference.kind == "columns" else ""
        warnings = self.warnings()
        hint = f"{reason} {HINTS[difference.kind]}{more}. {advice(warnings)}".rstrip()
        return verdict(
            "incorrect",
            kind,
            reason,
            hint,
            self.candidate,
            expected=reference.text,
            evidence=executed(max(self.seen, 1)),
            warnings=warnings,
        )

    # --- a telling case --------------------------------------------------------------------------

    def _telling_case(self, standing: _Standing, database: Database) -> str:
        """The fewest rows on which the difference still shows, in words; empty where it cannot be made small enough to show."""
        schema = self.stage.base.schema
        reference = self.stage.references[standing.number]
        limit = self.deadline.within(SHRINK_SECONDS)
        steps = itertools.count()

        def differs(fewer: Rows) -> bool:
            return next(steps) < SHRINK_STEPS and self._still_differs(standing, fewer, limit) is not None

        rows = _shrunk(database.rows, differs, self.uses.tables | reference.uses.tables)
        left = [(schema.tables[name], row) for name, lines in rows.items() for row in lines]
        difference = self._still_differs(standing, rows, Deadline(0.2)) if 0 < len(left) <= SHOWN_ROWS else None
        if difference is None:
            return ""
        words = ", ".join(f"{table.name} {shown(row)}" for table, row in left)
        said = difference.text
        for now, then in (("devuelve", "devolvería"), ("muestra", "mostraría"), ("esperaba", "esperaría")):
            said = said.replace(now, then, 1)
        return f"si solo hubiera {words}, {said}"

    def _still_differs(self, standing: _Standing, rows: Rows, limit: Deadline) -> Difference | None:
        """The difference on a database with these rows; None where there is none, or where it would not be fair."""
        if limit.left <= 0 or not copies.are_whole(self.stage.base.schema, rows):
            return None
        pair = self.stage.pair_of(rows)
        try:
            expectation = self.stage.expectation(Database(None, pair, rows), standing.number, limit, self.max_rows)
            if expectation is None:
                return None
            results = [one.run(self.candidate.text, limit, max_rows=self.max_rows) for one in (pair.forward, pair.turned)]
            told = compare(expectation, results[0], results[1], standing.orders, limited=self.limited)
            if told.state != "different" or only_nothing(expectation.result.rows, results[0].rows):
                return None
            return told.difference
        except (Trouble, sqlite3.Error):
            return None
        finally:
            pair.close()


def _shrunk(rows: Rows, differs: Callable[[Rows], bool], tables: set[str]) -> Rows:
    """Leave rows out, many at once first, as long as the difference shows."""
    for name in [name for name in rows if name not in tables and rows[name]]:
        fewer = {**rows, name: []}
        if differs(fewer):
            rows = fewer
    for name in reversed(list(rows)):  # tables that link to others come last and go first
        size = len(rows[name])
        while size >= 1:
            start = 0
            while start < len(rows[name]):
                fewer = copies.without(rows, name, set(range(start, start + size)))
                if differs(fewer):
                    rows = fewer
                else:
                    start += size
            size //= 2
    return rows
