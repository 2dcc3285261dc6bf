"""Random answers and random pairs of queries: nothing raises, spans are true, equal queries are never wrong, different ones never right."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import hub_sql_cases as cases
from hub_sql.binding import fault, is_syntax
from hub_sql.database import Deadline, built, scratch
from hub_sql.finding import find
from hub_sql.judging import Task, judge
from hub_sql.tokens import normal, statements, tokens, words
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SYNTAX = scratch(())
SCHOOL = str(cases.SCHOOL)
ADULTS = "SELECT nombre, edad FROM estudiantes WHERE edad > 17"
EXAMPLES = Counter[str]()
modest = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
few = settings(modest, max_examples=20)

# --- text ----------------------------------------------------------------------------------------

PIECES = words(
    "SELECT select FROM WHERE nombre edad ciudad estudiantes inscripciones nota cursos , ; * ( ) = > 17 'Lima' \"Lima\" ORDER GROUP BY",
    "LIMIT COUNT(*) JOIN ON AS WITH x NULL IS NOT AND UNION ` -- /* */ ' \" [ ... VALUES :p ? DROP TABLE PRAGMA CASE END",
    "1e5 .5 ñ « » . \x00 \ud800",
)
pieces = st.sampled_from([*PIECES, "```sql\n", "```\n", "\n", "\n\n", "La consulta es:", "Prueba tú:", "INSERT INTO"])
soup = st.lists(st.one_of(pieces, st.text(max_size=6)), max_size=40).map(" ".join)


@given(soup)
@modest
def test_every_text_is_cut_into_tokens_and_statements_that_are_in_it(text: str) -> None:
    EXAMPLES["tokens"] += 1
    assert "".join(token.text for token in tokens(text)) == text
    before = 0
    for begin, end in statements(text):
        assert before <= begin < end <= len(text)
        before = end


@given(soup, soup, st.sampled_from(["```sql\n{}\n```", "```\n{};\n```", "~~~sqlite\n{}\n~~~"]))
@modest
def test_a_query_in_a_block_is_found_whatever_stands_around_it(before: str, after: str, block: str) -> None:
    EXAMPLES["finding"] += 1
    before, after = (text.replace("`", "").replace("~", "") for text in (before, after))
    answer = f"{before}\n{block.format(ADULTS)}\n{after}"
    found = find(answer, lambda text: not is_syntax(fault(SYNTAX, text, None)))
    for one in found:
        assert answer[slice(*one.span)] == one.text
    assert [normal(one.text) for one in found if one.place == "fence"] == [normal(ADULTS)]


@given(soup, st.booleans())
@modest
def test_any_answer_gets_a_verdict_that_can_be_sent(answer: str, with_reference: bool) -> None:
    EXAMPLES["soup"] += 1
    verdict = judge(Task(answer, references=(ADULTS,) if with_reference else (), database=SCHOOL, seconds=8.0))
    assert verdict.outcome in ("correct", "incorrect", "unverified") and verdict.code not in ("crash", "bad_database")
    if not with_reference:
        assert verdict.outcome != "correct"
    if verdict.span is not None:
        assert answer[slice(*verdict.span)].startswith(verdict.extracted[:1000])
    if verdict.outcome == "correct":
        assert rows_agree(ADULTS, verdict.extracted)


# --- pairs of queries ----------------------------------------------------------------------------

Pair = tuple[str, str]
"""The same expression said in two ways."""
numbers = {"edad": st.integers(14, 23), "nota": st.sampled_from([2, 5, 5.5, 6, 8, 9, 9.5, 10]), "creditos": st.integers(1, 6)}
towns = st.sampled_from(["Lima", "Quito", "Cusco", "Nada", "lima"])
OTHER = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "=": "<>", "<>": "="}


@st.composite
def atoms(draw: Callable[..., Any], column: str, integral: bool) -> Pair:
    """A condition on a column of numbers."""
    number, operator = draw(numbers[column]), draw(st.sampled_from(list(OTHER)))
    plain = f"{column} {operator} {number}"
    said = [
        plain,
        f"NOT ({column} {OTHER[operator]} {number})",
        f"({plain})",
        f"{number} {operator.translate(str.maketrans('<>', '><')) if operator != '<>' else '<>'} {column}",
    ]
    if integral and operator == ">":
        said.append(f"{column} >= {number + 1}")
    return plain, draw(st.sampled_from(said))


@st.composite
def town_atoms(draw: Callable[..., Any]) -> Pair:
    """A condition on the town."""
    one, two = draw(towns), draw(towns)
    return draw(
        st.sampled_from(
            [
                (f"ciudad = '{one}'", f"ciudad IN ('{one}')"),
                (f"ciudad IN ('{one}', '{two}')", f"(ciudad = '{two}' OR ciudad = '{one}')"),
                (f"ciudad NOT IN ('{one}', '{two}')", f"(ciudad <> '{one}' AND NOT ciudad = '{two}')"),
                ("ciudad IS NULL", "NOT (ciudad IS NOT NULL)"),
                (f"ciudad <> '{one}'", f"ciudad != '{one}'"),
            ]
        )
    )


@st.composite
def conditions(draw: Callable[..., Any]) -> Pair:
    """Up to three atoms joined, in any order."""
    said = draw(st.lists(st.one_of(atoms("edad", True), town_atoms()), min_size=1, max_size=3))
    joiner = draw(st.sampled_from([" AND ", " OR "]))
    turned = draw(st.permutations(said))
    return joiner.join(f"({one})" for one, _ in said), joiner.join(f"({other})" for _, other in turned)


@st.composite
def pairs(draw: Callable[..., Any]) -> Pair:
    """Two queries that say the same."""
    one, other = draw(conditions())
    source = draw(
        st.sampled_from(["estudiantes", "(SELECT * FROM estudiantes)", "(SELECT nombre, ciudad, edad, id FROM estudiantes WHERE 1)"])
    )
    shape = draw(st.sampled_from(["rows", "ordered", "count", "group", "join", "best"]))
    if shape == "rows":
        return f"SELECT nombre, edad FROM estudiantes WHERE {one}", f"SELECT edad AS e, nombre FROM {source} AS t WHERE {other}"
    if shape == "ordered":
        way = draw(st.sampled_from(["ASC", "DESC"]))
        return (
            f"SELECT id, nombre, edad FROM estudiantes WHERE {one} ORDER BY edad {way}, id",
            f"WITH t AS (SELECT * FROM {source}) SELECT id, nombre, edad FROM t WHERE {other} ORDER BY 3 {way}, 1 ASC",
        )
    if shape == "count":
        return f"SELECT COUNT(*) FROM estudiantes WHERE {one}", f"SELECT COUNT(1) AS n FROM {source} WHERE {other}"
    if shape == "group":
        least = draw(st.integers(1, 4))
        return (
            f"SELECT ciudad, COUNT(*), AVG(edad) FROM estudiantes WHERE {one} GROUP BY ciudad HAVING COUNT(*) >= {least}",
            "SELECT c, n, m FROM (SELECT ciudad AS c, COUNT(id) AS n, SUM(edad) * 1.0 / COUNT(edad) AS m"
            f" FROM {source} WHERE {other} GROUP BY 1) WHERE n > {least} - 1",
        )
    if shape == "join":
        mark, same_mark = draw(atoms("nota", False))
        return (
            f"SELECT e.nombre, i.nota FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id WHERE ({one}) AND {mark}",
            f"SELECT nombre, nota FROM inscripciones, {source} AS x WHERE estudiante_id = x.id AND ({other}) AND {same_mark}",
        )
    return (
        f"SELECT nombre FROM estudiantes WHERE edad = (SELECT MAX(edad) FROM estudiantes WHERE {one})",
        f"SELECT x.nombre FROM {source} x JOIN (SELECT MAX(edad) AS m FROM estudiantes WHERE {other}) y ON x.edad = y.m",
    )


@given(pairs())
@few
def test_queries_that_say_the_same_are_never_called_wrong(pair: Pair) -> None:
    EXAMPLES["equal"] += 1
    reference, candidate = pair
    verdict = judge(Task(f"```sql\n{candidate}\n```", references=(reference,), database=SCHOOL, seconds=8.0))
    assert verdict.outcome != "incorrect", (reference, candidate, verdict)
    assert verdict.outcome == "correct" or verdict.code in ("no_evidence", "edge_case"), (reference, candidate, verdict)


@given(pairs(), pairs())
@few
def test_queries_with_other_rows_are_never_called_right(one: Pair, other: Pair) -> None:
    EXAMPLES["different"] += 1
    reference, candidate = one[0], other[1]
    verdict = judge(Task(f"```sql\n{candidate}\n```", references=(reference,), database=SCHOOL, seconds=8.0))
    if verdict.outcome == "correct":
        assert rows_agree(reference, candidate), (reference, candidate)
    elif verdict.outcome == "incorrect" and verdict.code in ("rows", "duplicates", "columns", "order"):
        assert not rows_agree(reference, candidate) or verdict.code == "order", (reference, candidate, verdict)


def rows_agree(reference: str, candidate: str) -> bool:
    """Whether both give the same rows on the school database, by plain SQLite and all orders of the columns."""
    connection = built(cases.SCHOOL.read_text(encoding="utf-8"), Deadline(10))
    try:
        cursors = [connection.execute(query) for query in (reference, candidate)]
        widths = {len(cursor.description) for cursor in cursors}
        first, second = (cursor.fetchall() for cursor in cursors)
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    if len(widths) > 1 or not first or not second:
        return len(widths) == 1 and not first and not second

    def rounded(rows: list[Any], order: tuple[int, ...]) -> Counter[Any]:
        return Counter(tuple(round(row[place], 9) if isinstance(row[place], float) else row[place] for place in order) for row in rows)

    straight = rounded(first, tuple(range(len(first[0]))))
    return any(rounded(second, order) == straight for order in permutations(range(len(second[0]))))


def run_for(seconds: float) -> int:
    """All of the above again and again; the number of examples."""
    end = time.monotonic() + seconds
    EXAMPLES.clear()
    while time.monotonic() < end:
        for name, test in list(globals().items()):
            if name.startswith("test_") and time.monotonic() < end:
                test()
    return sum(EXAMPLES.values())
