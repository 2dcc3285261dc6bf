"""Real questions: defog's golds, Chinook, mutants, and authored pairs. The whole of it is ``benchmarks/judges_sql.py``."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hub_sql_cases as cases
import pytest
from hub_sql.agreement import compare
from hub_sql.database import Deadline, Trouble
from hub_sql.judging import Task, judge
from hub_sql.stages import Bases, Stage

from adapters_hub import Verdict

needs_data = pytest.mark.skipif(not cases.SHARED.is_dir(), reason="the shared data is not here")


def asked(query: str, references: tuple[str, ...], database: str) -> Verdict:
    return judge(Task(f"```sql\n{query}\n```", references=references, database=str(cases.DATABASES[database]), seconds=8.0))


def questions() -> list[dict[str, Any]]:
    with (cases.SHARED / "defog_questions.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("database", sorted(cases.DATABASES))
@pytest.mark.parametrize(("pairs", "outcome"), [(cases.EQUAL, "correct"), (cases.DIFFERENT, "incorrect")], ids=["equal", "different"])
def test_pairs_of_queries_are_told_apart(pairs: list[tuple[str, str, str]], outcome: str, database: str) -> None:
    if not cases.DATABASES[database].is_file():
        pytest.skip("the shared data is not here")
    mine = [(reference, query) for name, reference, query in pairs if name == database]
    for reference, query in mine[:: 4 if len(mine) > 30 else 2 if database == "chinook" else 1]:
        verdict = asked(query, (reference,), database)
        assert verdict.outcome == outcome, (reference, query, verdict)


def test_there_are_enough_pairs() -> None:
    assert len(cases.EQUAL) >= 40 and len(cases.DIFFERENT) >= 20


@needs_data
@pytest.mark.parametrize(("database", "reference", "query"), cases.NEARLY)
def test_what_differs_only_where_the_data_show_no_sign_of_it_is_no_fault(database: str, reference: str, query: str) -> None:
    assert asked(query, (reference,), database).outcome != "incorrect"


@needs_data
def test_golds_in_other_words_match_themselves_and_stand_among_their_alternatives() -> None:
    for question in questions()[::11]:
        alternatives = tuple(question["gold_alternatives"])
        for gold in alternatives[:2]:
            for references in ((gold,), alternatives):
                verdict = asked(cases.in_other_words(gold), references, question["db"])
                assert verdict.outcome == "correct", (question["id"], gold, verdict)


@needs_data
def test_mutants_that_change_the_rows_are_caught() -> None:
    """Every mutant of some golds that changes the rows on the given database; the benchmark counts the others too."""
    bases = Bases()
    outcomes: Counter[str] = Counter()
    for database, gold in [(question["db"], question["gold_alternatives"][0]) for question in questions()[::12]] + [
        ("chinook", cases.CHINOOK[2])
    ]:
        base = bases.of_file(cases.DATABASES[database], Deadline(30))
        columns = {name: [column.name for column in table.columns] for name, table in base.schema.tables.items()}
        stage = Stage(base, [gold], 0)
        expectation = stage.expectation(stage.given, 0, Deadline(10), 10_000)
        assert expectation is not None
        for mutant in list(cases.mutants(gold, columns))[:16]:
            try:
                forward, turned = (one.run(mutant, Deadline(5)) for one in (base.pair.forward, base.pair.turned))
            except Trouble:
                continue
            changed = compare(expectation, forward, turned, None, limited="LIMIT" in mutant).state == "different"
            verdict = asked(mutant, (gold,), database)
            outcomes["changed" if changed else "same", verdict.outcome] += 1  # type: ignore[index]
            assert not changed or verdict.outcome == "incorrect", (gold, mutant, verdict)
    assert outcomes["changed", "incorrect"] >= 50  # type: ignore[index]
