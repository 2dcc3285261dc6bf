"""The line of progress: rewritten on a terminal and in a notebook, now and then elsewhere, never where nobody wants it."""

from __future__ import annotations

import io
import sys
import types
from typing import Any

import pytest

from adapters_hub import progress_line
from adapters_hub.progress_line import ProgressLine, in_notebook


class Screen(io.StringIO):
    """What a terminal gets."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What a notebook is told to display, while it lasts."""
    said: list[tuple[str, dict[str, Any]]] = []
    package, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    package.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display.display = lambda data, **options: said.append((data["text/plain"], options))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return said


def go(wanted: bool = True) -> None:
    with ProgressLine(wanted) as line:
        for step in range(101):
            line.show(f"step {step}/100", step / 100)


def test_a_terminal_sees_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    go()
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().rstrip("\n").rpartition("\r")[2].endswith("step 100/100")
    assert screen.getvalue().count("\r") < 20, "not every step is drawn"


def test_a_notebook_keeps_the_last_state_only(shown: list[tuple[str, dict[str, Any]]]) -> None:
    go()
    assert {options["display_id"] for _, options in shown} == {shown[0][1]["display_id"]}
    assert [options.get("update", False) for _, options in shown] == [False, *[True] * (len(shown) - 1)]
    assert shown[-1][0] == "step 100/100"


def test_two_lines_in_a_notebook_are_two_displays(shown: list[tuple[str, dict[str, Any]]]) -> None:
    go()
    go()
    assert len({options["display_id"] for _, options in shown}) == 2


def test_a_file_gets_a_line_for_each_tenth_once_it_takes_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    go()
    assert capsys.readouterr().err == "", "it took no time"
    monkeypatch.setattr(progress_line, "QUIET", 0.0)
    go()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [f"step {tenth}/100" for tenth in range(10, 101, 10)]


def test_where_nobody_wants_it_nothing_is_said(shown: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]) -> None:
    go(wanted=False)
    assert (shown, capsys.readouterr().err) == ([], "")


def test_what_is_shown_does_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressLine() as line:
        line.show("a\x1b[2Jb\nc")
    assert "a\\x1b[2Jb c" in screen.getvalue()


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch, shown: object) -> None:
    assert in_notebook()
    sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace()  # type: ignore[attr-defined]
    assert not in_notebook()
    sys.modules["IPython"].get_ipython = lambda: None  # type: ignore[attr-defined]
    assert not in_notebook()


@pytest.mark.parametrize(
    ("done", "total", "said"), [(500, 2000, "25% 0.5 / 2.0 kB"), (3, 3_000_000, "0% 0.0 / 3.0 MB"), (0, 0, "100% 0.0 / 0.0 kB")]
)
def test_bytes_are_told_in_a_unit_that_fits(monkeypatch: pytest.MonkeyPatch, done: int, total: int, said: str) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressLine() as line:
        line.show_bytes(done, total)
    assert screen.getvalue().rstrip("\n").endswith(said)
