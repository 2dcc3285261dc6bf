"""docs/quickstart.ipynb: its cells run, it is what the tool writes, and nothing of a machine stands in it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

TOOL = runpy.run_path(str(REPOSITORY / "tools" / "quickstart_notebook.py"))
NOTEBOOK = json.loads((REPOSITORY / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_holds_the_cells_of_the_tool() -> None:
    assert TOOL["sources"](NOTEBOOK) == list(TOOL["CELLS"]), "run: python tools/quickstart_notebook.py"


def test_it_was_executed_from_top_to_bottom_without_an_error() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output["output_type"] for cell in cells for output in cell["outputs"]}
    assert "error" not in kinds
    assert sum(bool(cell["outputs"]) for cell in cells) >= len(cells) - 1, "all but the last say something"


def test_it_is_small_and_says_nothing_of_the_machine_it_ran_on() -> None:
    text = (REPOSITORY / "docs" / "quickstart.ipynb").read_text(encoding="utf-8")
    assert len(text.encode()) < 100_000
    assert TOOL["PATHS"].search(text) is None
    assert "\x1b" not in json.dumps([cell.get("outputs") for cell in NOTEBOOK["cells"]]).replace("\\u001b", "\x1b")


def test_its_outputs_show_a_training_that_learned_and_judges_that_tell_right_from_wrong() -> None:
    said = "".join(
        "".join(output.get("text", ""))
        for cell in NOTEBOOK["cells"]
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    )
    assert "correct ·" in said
    assert "incorrect ·" in said
    assert "pérdida" in said


def test_its_cells_run_with_another_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The same code, with the engine that repeats the question: seconds instead of minutes."""
    shutil.copytree(REPOSITORY / "tutors", tmp_path / "tutors", ignore=shutil.ignore_patterns("runs", ".hub"))
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    monkeypatch.setenv("HUB_BASE_ENGINE", "echo")
    names: dict[str, Any] = {"__name__": "__main__"}

    async def run() -> None:
        for number, source in enumerate(CODE, start=1):
            code = compile(source, f"cell {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            outcome = eval(code, names)
            if inspect.isawaitable(outcome):
                await outcome

    asyncio.run(run())
    assert "[sql] ¿Qué es una clave primaria?" in capsys.readouterr().out
    assert not names["prueba"].exists(), "the copy is removed at the end"
