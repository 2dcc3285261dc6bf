"""Worksheets of functions: their code compiles, their results are what the code gives, their names are those asked for."""

import contextlib
import io
import re
import sys
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from mini.conditions import ACTIONS, MAP_WISHES  # noqa: E402
from mini.function_catalogue import CATALOGUE  # noqa: E402
from mini.function_tasks import FORBIDDEN, draw_task  # noqa: E402
from mini.sheet_functions import RESULT_FORMS, draw_exercise, draw_look, function_sheet  # noqa: E402
from mini.sheets import Lexicon, Sheet  # noqa: E402

STEMS = ("edad", "precio", "nota", "punto", "color", "venta", "hora", "total", "suma", "lista", "dato", "barco", "fila", "vistos", "cola")
LEXICON = Lexicon(tuple(f"{stem}{end}" for end in ("", "s", "dor", "nes") for stem in STEMS))
SEEDS = range(300)
RESULT = re.compile("(?:" + "|".join(re.escape(form.format("")) for form in RESULT_FORMS) + ")(.*)")


def written(sheet: Sheet) -> str:
    return "".join(part.text for part in sheet)


def definitions(text: str) -> list[str]:
    """Every function in a text, with the import over it."""
    return re.findall(
        r"(?:from collections import deque\n\n)?^def .*\n(?:(?:    .*)?\n)*?(?:    .*(?:\n|$))(?!\n?    )", text, re.MULTILINE
    )


def shown(code: str, call: str) -> str:
    space: dict[str, object] = {}
    exec(code, space)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(call, space)
    return output.getvalue().rstrip("\n")


@pytest.fixture(scope="module")
def sheets() -> list[Sheet]:
    return [function_sheet(Random(seed), LEXICON) for seed in SEEDS]


def test_every_function_of_a_sheet_compiles(sheets: list[Sheet]) -> None:
    for text in map(written, sheets):
        found = definitions(text)
        assert len(found) == len(re.findall(r"^def ", text, re.MULTILINE))
        for code in found:
            compile(code, "<sheet>", "exec")


def test_every_printed_result_is_what_running_gives(sheets: list[Sheet]) -> None:
    checked = 0
    for text in map(written, sheets):
        bodies = {re.search(r"def (\w+)", code).group(1): code for code in definitions(text)}  # type: ignore[union-attr]
        for call, name, comment in re.findall(r"^(print\((\w+)\(.*?\)\))(?:  # (.*))?$", text, re.MULTILINE):
            if comment:
                assert shown(bodies[name], call) == comment
                checked += 1
    assert checked > 60


def test_results_of_exercises_are_what_running_gives() -> None:
    checked = 0
    for seed in SEEDS:
        rng = Random(seed)
        look = draw_look(rng)
        exercise = draw_exercise(rng, LEXICON, look)
        task = exercise.task
        call = f"print({task.name}({', '.join(task.arguments)}))"
        assert shown(task.code, call) == str(task.result)
        solution = "".join(part.text for part in exercise.solution)
        for line in solution.splitlines():
            if (found := RESULT.fullmatch(line)) and (call in solution or call in exercise.statement):
                assert found.group(1) == str(task.result)
                checked += 1
    assert checked > 60


def test_sums_in_traces_are_right(sheets: list[Sheet]) -> None:
    checked = 0
    for text in map(written, sheets):
        for left, right in re.findall(r"^(?:.*, )?((?:\(?-?\d+\)?)(?: [+*] \(?-?\d+\)?)+) = (-?\d+)", text, re.MULTILINE):
            assert eval(left) == int(right)
            checked += 1
    assert checked > 10


def test_the_names_asked_for_are_those_of_the_solution() -> None:
    for seed in SEEDS:
        rng = Random(seed)
        exercise = draw_exercise(rng, LEXICON, draw_look(rng))
        solution = "".join(part.text for part in exercise.solution)
        for name in exercise.names:
            assert re.search(rf"\b{name}\b", exercise.statement), (name, exercise.statement)
            assert re.search(rf"\b{name}\b", solution), (name, solution)


def test_names_never_hide_what_the_code_uses() -> None:
    for seed in range(1000):
        task = draw_task(Random(seed), LEXICON)
        names = [task.name, *task.parameters]
        assert len(set(names)) == len(names)
        assert not set(names) & FORBIDDEN


def test_every_function_of_the_catalogue_runs_and_its_bodies_agree() -> None:
    for known in CATALOGUE:
        for seed in range(10):
            results = []
            for body in known.bodies:
                space: dict[str, object] = {}
                exec(f"{known.before}def F({', '.join('PQ'[: len(known.kinds)])}):\n{body}\n", space)
                results.append(space["F"](*known.draw(Random(seed))))  # type: ignore[operator]
            assert all(result == results[0] for result in results), known.wishes


def test_halves_remainders_and_last_figures_are_not_asked_for_of_negative_numbers() -> None:
    checked = 0
    for seed in (*range(3000), 7372):
        wish = draw_task(Random(seed), LEXICON).wish
        if re.search("última cifra de cada|mitad entera|resto entre", wish):
            assert not re.search("negativ|menor que cero|bajo cero", wish), wish
            checked += 1
    assert checked > 50


def test_all_elements_have_a_verb_that_suits_their_condition() -> None:
    wishes = {draw_task(Random(seed), LEXICON).wish for seed in range(6000)}
    assert [wish for wish in wishes if re.search(r"\b(?:son|están) (?:con|sin|no)\b", wish)] == []
    assert any(re.search(r"todas las palabras tienen (?:inicial|la letra)", wish) for wish in wishes)
    assert any(re.search(r"todas las palabras no tienen la letra", wish) for wish in wishes)


def test_a_wish_has_no_second_verb_that_nobody_conjugates() -> None:
    tables = [known.wishes for known in CATALOGUE] + [action.wishes for action in ACTIONS] + list(MAP_WISHES.values())
    assert [wish for wishes in tables for wish in wishes if re.search(r" (?:y|e|o) \w+(?:ar|er|ir)\b", wish)] == []


def test_sheets_keep_their_length_and_have_both_sorts_of_parts(sheets: list[Sheet]) -> None:
    for sheet in sheets:
        assert 150 <= len(written(sheet)) <= 1300
        assert {part.follows for part in sheet} == {True, False}
        assert all(part.text for part in sheet)


def test_the_same_seed_gives_the_same_sheet(sheets: list[Sheet]) -> None:
    assert [function_sheet(Random(seed), LEXICON) for seed in SEEDS] == sheets
    assert len({written(sheet) for sheet in sheets}) == len(sheets)


def test_bodies_are_many() -> None:
    bodies = {re.sub(r"\d+", "0", draw_task(Random(seed), LEXICON).pattern) for seed in SEEDS}
    assert len(bodies) >= 60


def test_drawn_arguments_do_not_weigh_like_what_follows(sheets: list[Sheet]) -> None:
    cut = sum(
        not after.follows and (after.text[0] in '["{' or after.text[0].isdigit())
        for sheet in sheets
        for before, after in pairwise(sheet)
        if before.follows and before.text.endswith("(")
    )
    assert cut > 100
