"""Worksheets of SQL: one to three tables, some requests in Spanish, and the query that each one asks for.

Knows how often each family of tasks comes and how a sheet is laid out. Deliberately knows nothing of chat formats, tokens or tutors.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from .query_changes import create, delete, insert, update
from .query_domains import UNACCENT, Table
from .query_joins import join, join_group, three, union, without
from .query_phrases import Task, names
from .query_tables import draw_tables
from .query_tasks import aggregate, case, coalesce, count, distinct, expression, group, having_groups, rows, subquery, top, window
from .sheets import Lexicon, Part, Sheet

LONGEST = 1300
"""characters of a sheet at most"""
SHORTEST = 150
"""characters of a sheet at least"""

FAMILIES: tuple[tuple[Callable[[Random, Sequence[Table], Lexicon], Task | None], int], ...] = (
    (rows, 66), (top, 10), (distinct, 4), (count, 13), (aggregate, 8), (group, 15), (having_groups, 6), (subquery, 4),
    (case, 4), (coalesce, 3), (expression, 4), (window, 5), (join, 12), (join_group, 7), (three, 6), (without, 7), (union, 4),
    (insert, 3), (update, 4), (delete, 3), (create, 2),
)  # fmt: skip
"""families and how often each one comes"""
MAKERS = [family for family, _ in FAMILIES]
WEIGHTS = [weight for _, weight in FAMILIES]


@dataclass(frozen=True)
class Layout:
    """How a sheet is laid out."""

    order: str
    """'alternate', 'first' (all requests, then all queries) or 'script'"""
    fence: bool
    one_line: bool
    label: str
    answer: str
    lower: bool
    accents: bool
    marks: bool
    end: str
    schema: str
    title: str
    indent: bool


FIRST_LABELS = ("{n}. ", "{n}) ", "{n}.- ")
FIRST_ANSWERS = ("{n}. ", "{n}) ", "Consulta {n}: ", "-- {n}\n", "({n})\n", "### {n}\n")
"""where all requests come first"""
LABELS = ("{n}. ", "{n}) ", "", "- ", "### ", "Pedido: ", "P{n}: ", "**", "> ", "Se pide: ", "| {n} | ", "-- ")
ANSWERS = ("", "", "", "", "Consulta: ", "SQL: ", "→ ", "R: ")
SCHEMAS = ("{}", "{}", "{}", "{}", "- {}", "Tabla {}", "* {}", "`{}`", "Tabla: {}")
TITLES = ("", "", "", "", "Esquema:\n", "Tablas:\n", "Con estas tablas:\n", "Base de datos\n", "# Consultas\n", "Datos:\n")


def _layout(rng: Random) -> Layout:
    order = rng.choices(("alternate", "first", "script"), (58, 27, 15))[0]
    lazy = rng.random() < 0.3
    return Layout(
        order=order,
        fence=rng.random() < 0.5,
        one_line=rng.random() < 0.22,
        label=rng.choice(FIRST_LABELS if order == "first" else LABELS),
        answer=rng.choice(FIRST_ANSWERS if order == "first" else ANSWERS),
        lower=lazy or rng.random() < 0.2,
        accents=not lazy or rng.random() < 0.4,
        marks=not lazy,
        end="" if lazy else rng.choice(("", ".", ".", ":")),
        schema=rng.choice(SCHEMAS),
        title=rng.choice(TITLES),
        indent=rng.random() < 0.12,
    )


def _request(text: str, layout: Layout, identifiers: frozenset[str]) -> str:
    """The request as the sheet writes it."""
    if not layout.marks:
        text = text.replace("¿", "")
    if not layout.accents:
        text = text.translate(UNACCENT)
    first = re.split(r"[ ,:;?]", text.lstrip("¿"))[0]
    if not layout.lower and first not in identifiers:
        at = 1 if text.startswith("¿") else 0
        text = text[:at] + text[at : at + 1].upper() + text[at + 1 :]
    return text if text.endswith(("?", ".", ":")) else text + layout.end


def _query(made: Task, layout: Layout) -> str:
    if not layout.accents:
        made = replace(made, clauses=tuple(clause.translate(UNACCENT) for clause in made.clauses))
    if layout.one_line:
        return re.sub(r"\( +", "(", " ".join(clause.strip() for clause in made.clauses)).replace(" )", ")") + ";"
    return "\n".join(f"    {c}" if layout.indent and re.match(r"(LEFT )?JOIN\b", c) else c for c in made.clauses) + ";"


def _sheet(tables: Sequence[Table], tasks: Sequence[Task], notes: Sequence[str], answers: Sequence[int], layout: Layout) -> Sheet:
    """The parts of a sheet."""
    schema = [f"{t.name}({names(t.columns)})" for t in tables]
    script = layout.order == "script"
    identifiers = frozenset(c.name for t in tables for c in t.columns) | {t.name for t in tables}
    lines = [("-- " + line) if script else layout.schema.format(line) for line in schema]
    opening = ("```sql\n" if layout.fence else "") if script else layout.title
    parts = [Part(f"{opening}{chr(10).join(lines)}\n\n", False)]
    texts = [_request(made.text, layout, identifiers) for made in tasks]

    def solution(n: int, fence: bool) -> None:
        query = _query(tasks[n], layout)
        parts.append(Part(f"```sql\n{query}\n```\n" if fence else f"{query}\n", True))
        if notes[n]:
            note = notes[n] if layout.accents else notes[n].translate(UNACCENT)
            parts.append(Part(f"-- {note}\n" if script else f"{note}\n", True))

    if layout.order == "first":
        for n, text in enumerate(texts):
            parts.append(Part(f"{layout.label.format(n=n + 1)}{text}\n", False))
        parts.append(Part("\n", False))
        in_turn = list(answers) == sorted(answers)
        for n in answers:
            label = layout.answer.format(n=n + 1)
            parts.append(Part(label if not layout.fence or label.endswith("\n") else label.rstrip() + "\n", in_turn))
            solution(n, layout.fence)
            parts.append(Part("\n", True))
    else:
        for n, text in enumerate(texts):
            if script:
                parts.append(Part(f"-- {text}\n", False))
                solution(n, False)
            else:
                label = layout.label.format(n=n + 1)
                closing = {"**": "**", "| ": " |"}.get(label[:2], "")
                parts.append(Part(f"{label}{text}{closing}\n", False))
                if layout.answer and not layout.fence:
                    parts.append(Part(layout.answer, True))
                solution(n, layout.fence)
            parts.append(Part("\n", True))
        if script and layout.fence:
            parts[-1] = Part("```\n", True)
    if parts[-1].text == "\n":
        parts.pop()
    return parts


def query_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """Tables, requests about them, and the queries."""
    tables = draw_tables(rng, lexicon)
    layout = _layout(rng)
    if not all(v.isascii() for t in tables for c in t.columns for v in c.values):
        layout = replace(layout, accents=True)
    noted = rng.choice((0.0, 0.0, 0.3, 0.6, 1.0))
    goal = rng.randrange(3, 8)
    tasks: list[Task] = []
    notes: list[str] = []

    def add() -> None:
        made = None
        while made is None or made.text in {known.text for known in tasks}:
            made = rng.choices(MAKERS, WEIGHTS)[0](rng, tables, lexicon)
        tasks.append(made)
        notes.append(rng.choice(made.notes) if made.notes and rng.random() < noted else "")

    for _ in range(goal):
        add()
    shuffled = rng.random() < 0.3
    while True:
        answers = list(range(len(tasks)))
        if shuffled:
            rng.shuffle(answers)
        sheet = _sheet(tables, tasks, notes, answers, layout)
        length = sum(len(part.text) for part in sheet)
        if length > LONGEST:
            tasks.pop()
            notes.pop()
        elif length < SHORTEST:
            add()
        else:
            return sheet
