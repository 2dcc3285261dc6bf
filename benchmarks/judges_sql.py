"""How good the validator ``sql`` is: prints tables and one JSON line.

On defog's 75 questions (three databases, up to six accepted queries each), Chinook and the school database of the tutor ``sql``:
golds against themselves and their alternatives, one-word mutants of golds, pairs of queries that mean the same or do not, hostile
statements, the tutors' own rows, and how many verdicts a second come out. The real data lies beside the checkout in
``shared/data/sql``. Run from the repository: ``python benchmarks/judges_sql.py [--only PART] [--fuzz SECONDS]``.

How mutants are counted: a mutant *changes the rows* when its rows, or their order where the gold orders, differ from the gold's on the
given database or on one of 24 copies that are drawn with other seeds than the validator's. Differences between nothing and nothing (NULL,
0, no row) on a copy do not count. It is *caught* when the validator, who knows only the gold, says "incorrect".
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins" / "hub-sql"), str(ROOT / "plugins" / "hub-sql" / "tests")]

import hub_sql  # noqa: E402
import hub_sql_cases as cases  # noqa: E402
from hub_sql import copies  # noqa: E402
from hub_sql.agreement import compare  # noqa: E402
from hub_sql.comparing import only_nothing  # noqa: E402
from hub_sql.database import Deadline, Trouble  # noqa: E402
from hub_sql.judging import Task, judge  # noqa: E402
from hub_sql.stages import Bases, Database, Stage  # noqa: E402
from hub_sql.tokens import code  # noqa: E402

from adapters_hub import Attempt, Message, Verdict  # noqa: E402

ORACLES = 24
Figures = dict[str, Any]


def main() -> None:
    """All parts, or one of them."""
    parts: dict[str, Callable[[], Figures]] = {
        "golds": golds,
        "pairs": pairs,
        "tutors": tutors,
        "hostile": hostile,
        "speed": speed,
        "mutants": mutants,
    }
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--only", choices=list(parts))
    reader.add_argument("--fuzz", type=float, default=0.0, metavar="SECONDS")
    reader.add_argument("--show", action="store_true", help="print mutants that are not caught and what may be a false alarm")
    options = reader.parse_args()
    figures: Figures = {"benchmark": "judges_sql"}
    for name, part in parts.items():
        if options.only in (None, name) and not (options.fuzz and options.only is None):
            started = time.perf_counter()
            figures |= part()
            print(f"  ({name}: {time.perf_counter() - started:.0f} s)\n")
    if options.fuzz:
        figures |= fuzz(options.fuzz)
    for key in [key for key in figures if key.startswith("_")]:
        lines = figures.pop(key)
        if options.show:
            print(key[1:], *lines, sep="\n")
    print(json.dumps(figures, ensure_ascii=False))


def asked(query: str, references: tuple[str, ...], database: str) -> Verdict:
    """The verdict on a query, in this process."""
    return judge(Task(f"```sql\n{query}\n```", references=references, database=str(cases.DATABASES[database]), seconds=8.0))


def questions() -> list[dict[str, Any]]:
    """defog's questions."""
    with (cases.SHARED / "defog_questions.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


# --- golds and pairs -----------------------------------------------------------------------------


def golds() -> Figures:
    """Every gold in other words (so that the same text cannot decide) against itself and among its alternatives."""
    outcomes: Counter[str] = Counter()
    lines: list[str] = []
    for question in questions():
        alternatives = tuple(question["gold_alternatives"])
        for gold in alternatives:
            outcomes[f"as it is: {asked(gold, alternatives, question['db']).outcome}"] += 1
            for name, references in (("alone", (gold,)), ("among its alternatives", alternatives)):
                verdict = asked(cases.in_other_words(gold), references, question["db"])
                outcomes[f"{name}: {verdict.outcome}"] += 1
                if verdict.outcome != "correct":
                    lines.append(f"{question['id']} {name} {verdict.outcome} {verdict.code}: {verdict.reason}\n    {gold}")
    for gold in cases.CHINOOK:
        outcomes[f"Chinook: {asked(cases.in_other_words(gold), (gold,), 'chinook').outcome}"] += 1
    table("golds", outcomes)
    return {"golds": dict(outcomes), "_golds not called right": lines}


def pairs() -> Figures:
    """Authored pairs."""
    result: Figures = {}
    lines = []
    for name, rows in (("equal", cases.EQUAL), ("different", cases.DIFFERENT), ("nearly", cases.NEARLY)):
        outcomes: Counter[str] = Counter()
        for database, reference, query in rows:
            verdict = asked(query, (reference,), database)
            outcomes[verdict.outcome] += 1
            if verdict.outcome != {"equal": "correct", "different": "incorrect"}.get(name, verdict.outcome):
                lines.append(f"{name}: {verdict.outcome} {verdict.code} {verdict.reason}\n    {reference}\n    {query}")
        table(f"pairs, {name}", outcomes)
        result[f"pairs_{name}"] = dict(outcomes)
    return {**result, "_pairs": lines}


def tutors() -> Figures:
    """Every answer of every tutor's rows, judged as ``hub check`` does, with the school database."""
    validator = hub_sql.make({"db": "data/escuela.sql"})
    outcomes: Counter[str] = Counter()
    lines = []
    for file in sorted((ROOT / "tutors").glob("*/data/*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            row = json.loads(line)
            turns = tuple(Message(turn["role"], turn["content"]) for turn in row["messages"])
            for place, turn in enumerate(turns):
                if turn.role == "assistant":
                    expected = row.get("expected") if place == len(turns) - 1 else None
                    verdict = validator.judge(Attempt(turns[:place], turn.content, expected, folder=ROOT / "tutors" / "sql"))
                    outcomes[f"{file.parts[-3]}: {verdict.outcome} {verdict.code}"] += 1
                    if verdict.outcome == "incorrect":
                        lines.append(f"{file}:{number} {verdict.code} {verdict.reason}")
    table("answers of the tutors' rows", outcomes)
    return {"tutor_rows": dict(outcomes), "tutor_false_alarms": len(lines), "_false alarms": lines}


# --- mutants -------------------------------------------------------------------------------------


def mutants() -> Figures:
    """One-word mutants of golds, judged against the gold alone."""
    sources = [(question["db"], question["gold_alternatives"][0]) for question in questions()]
    sources += [("chinook", query) for query in cases.CHINOOK] + [("school", query) for query in cases.SCHOOL_QUERIES]
    outcomes: Counter[tuple[str, str, str]] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    lines: list[str] = []
    alarms: list[str] = []
    bases = Bases()
    unbound = 0
    for database, gold in sources:
        base = bases.of_file(cases.DATABASES[database], Deadline(30))
        columns = {name: [column.name for column in table.columns] for name, table in base.schema.tables.items()}
        stage = Stage(base, [gold], 0)
        oracles: list[Database] = []
        for mutant, kind in cases.mutants(gold, columns).items():
            try:
                uses = base.pair.forward.compile(mutant)
            except Trouble:
                unbound += 1
                continue
            oracles = oracles or list(_oracles(stage, uses.tables))
            if changes(stage, stage.given, mutant):
                shows = "given"
            else:
                shows = "copies" if any(changes(stage, oracle, mutant) for oracle in oracles) else "never"
            verdict = asked(mutant, (gold,), database)
            group = "school" if database == "school" else "chinook" if database == "chinook" else "defog"
            outcomes[group, shows, verdict.outcome] += 1
            if shows != "never":
                kinds[kind, "caught" if verdict.outcome == "incorrect" else "missed"] += 1
            if shows != "never" and verdict.outcome != "incorrect":
                lines.append(f"{database} {kind} ({shows}) {verdict.outcome} {verdict.code}\n    {gold}\n    {mutant}")
            if shows == "never" and verdict.outcome == "incorrect":
                alarms.append(f"{database} {kind} {verdict.code} {verdict.reason}\n    {gold}\n    {mutant}")
        for oracle in oracles:
            oracle.pair.close()
    figures: Figures = {"mutants_unbound": unbound}
    for group in ("defog", "chinook", "school", "all"):
        counts = Counter({key: count for key, count in outcomes.items() if group in (key[0], "all")})
        figures[f"mutants_{group}"] = _summary(group, counts)
    for kind in sorted({kind for kind, _ in kinds}):
        print(f"  {kind:10} caught {kinds[kind, 'caught']:4} missed {kinds[kind, 'missed']:3}")
    print(f"  called incorrect although no database of ours shows a change: {len(alarms)}")
    return {**figures, "mutants_unexplained_incorrect": len(alarms), "_missed mutants": lines, "_unexplained": alarms}


def _summary(group: str, outcomes: Counter[tuple[str, str, str]]) -> Figures:
    def count(shows: str, outcome: str = "") -> int:
        return sum(number for (_, where, what), number in outcomes.items() if where == shows and outcome in ("", what))

    total = count("given") + count("copies")
    caught = count("given", "incorrect") + count("copies", "incorrect")
    called_right = count("given", "correct") + count("copies", "correct")
    figures = {
        "mutants": total + count("never"),
        "change_rows": total,
        "caught": caught,
        "caught_share": round(caught / max(1, total), 4),
        "caught_only_by_copies": count("copies", "incorrect"),
        "only_by_copies_share": round(count("copies", "incorrect") / max(1, caught), 4),
        "left_unverified": total - caught - called_right,
        "called_correct": called_right,
        "never_shown": {outcome: count("never", outcome) for outcome in ("correct", "unverified", "incorrect")},
    }
    print(f"mutants of {group}: {figures}")
    return figures


def _oracles(stage: Stage, tables: set[str]) -> Iterator[Database]:
    """Plausible copies with other seeds than the validator's."""
    schema = stage.base.schema
    names = (stage.references[0].uses.tables | tables) & set(schema.tables)
    hints = copies.hints_for(schema, stage.constants, trusted=True, outside=False)
    for number in range(ORACLES):
        profile = replace(copies.PLAUSIBLE[number % len(copies.PLAUSIBLE)], name=f"oracle {number}")
        rows = copies.draw(schema, schema.with_parents(names), profile, hints, "oracles of the benchmark")
        yield Database(profile, stage.pair_of(rows), rows)


def changes(stage: Stage, database: Database, mutant: str) -> bool:
    """Whether the mutant's rows differ there from the gold's."""
    expectation = stage.expectation(database, 0, Deadline(5), 10_000)
    if expectation is None:
        return False
    try:
        forward, turned = (one.run(mutant, Deadline(5)) for one in (database.pair.forward, database.pair.turned))
    except Trouble as trouble:
        return trouble.kind == "rows"
    if not database.given and only_nothing(expectation.result.rows, forward.rows):
        return False
    limited = any(token.upper == "LIMIT" for token in code(mutant))
    return compare(expectation, forward, turned, None, limited=limited).state == "different"


# --- hostile text, speed, fuzzing ----------------------------------------------------------------


def hostile() -> Figures:
    """Each hostile statement as an answer; the slowest one."""
    validator = hub_sql.make({"db": str(cases.SCHOOL), "seconds": 1.0})
    outcomes: Counter[str] = Counter()
    slowest = (0.0, "")
    for statement in cases.HOSTILE:
        started = time.perf_counter()
        verdict = validator.judge(
            Attempt((Message("user", "¿?"),), f"```sql\n{statement}\n```", {"sql": "SELECT nombre FROM estudiantes WHERE edad > 17"})
        )
        slowest = max(slowest, (time.perf_counter() - started, statement[:60]))
        outcomes[f"{verdict.outcome} {verdict.code}"] += 1
    table(f"{len(cases.HOSTILE)} hostile statements", outcomes)
    print(f"  slowest: {slowest[0]:.2f} s, {slowest[1]!r}")
    return {"hostile": dict(outcomes), "hostile_slowest_seconds": round(slowest[0], 2)}


def speed() -> Figures:
    """Verdicts a second through the worker, one caller: a question's first answer, then more answers to known questions."""
    validator = hub_sql.make({"db": str(cases.SCHOOL)})
    rows = [(reference, query) for name, reference, query in cases.EQUAL + cases.DIFFERENT if name == "school"]
    attempts = [Attempt((), f"```sql\n{query}\n```", {"sql": reference}) for reference, query in rows]
    validator.judge(attempts[0])
    started = time.perf_counter()
    for attempt in attempts:
        validator.judge(attempt)
    first = len(attempts) / (time.perf_counter() - started)
    few = [attempt for attempt in attempts if attempt.expected == attempts[0].expected] * 20
    started = time.perf_counter()
    for attempt in few:
        validator.judge(attempt)
    again = len(few) / (time.perf_counter() - started)
    alone = [Attempt((), f"```sql\n{query}\n```") for _, query in rows] * 3
    started = time.perf_counter()
    for attempt in alone:
        validator.judge(attempt)
    bound = len(alone) / (time.perf_counter() - started)
    print(f"verdicts a second: {first:.0f} on new questions, {again:.0f} on a known question, {bound:.0f} without accepted query")
    started = time.process_time()
    for reference, query in rows:
        asked(query, (reference,), "school")
    cost = (time.process_time() - started) / len(rows)
    started = time.process_time()
    for _ in range(100):
        asked(rows[0][1], (rows[0][0],), "school")
    cost_again = (time.process_time() - started) / 100
    print(f"processor time of a verdict: {1000 * cost:.0f} ms on mixed questions, {1000 * cost_again:.1f} ms on a known one")
    return {
        "verdicts_per_second": {"new_question": round(first, 1), "known_question": round(again, 1), "no_reference": round(bound, 1)},
        "processor_ms": {"mixed_questions": round(1000 * cost, 1), "known_question": round(1000 * cost_again, 2)},
    }


def fuzz(seconds: float) -> Figures:
    """The strategies of the tests for as long as asked for."""
    import test_hub_sql_fuzz

    started = time.perf_counter()
    count = test_hub_sql_fuzz.run_for(seconds)
    print(f"fuzzing: {count} examples in {time.perf_counter() - started:.0f} s, no crash, no certain verdict without ground")
    return {"fuzz_examples": count, "fuzz_seconds": seconds}


def table(title: str, outcomes: Counter[str]) -> None:
    """One line for each outcome."""
    print(title)
    for name, count in sorted(outcomes.items()):
        print(f"  {name:50} {count:5}")


if __name__ == "__main__":
    main()
