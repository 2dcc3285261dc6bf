"""The picture of an evaluation: any number of sides, with topics or without."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_scores import answers

from adapters_hub.score_plot import draw_scores
from adapters_hub.scores import groups_of, score_of


@pytest.mark.parametrize("sides", [("base",), ("base", "adapter"), ("base", "20260101T000000Z-aaaa", "adapter")])
@pytest.mark.parametrize("tagged", [True, False])
def test_a_picture_is_drawn_for_any_number_of_sides(tmp_path: Path, sides: tuple[str, ...], tagged: bool) -> None:
    rows = {side: answers("c", "i", "u") for side in sides}
    groups = groups_of([("$a$ \\frac{", "$x_", "数学 🐍")] * 3, rows) if tagged else ()
    picture = tmp_path / "eval.png"
    draw_scores({side: score_of(said) for side, said in rows.items()}, groups, picture, title="Álgebra $x$ \\q · run")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["eval.png"]


def test_an_evaluation_without_answers_is_drawn_too(tmp_path: Path) -> None:
    draw_scores({"base": score_of([])}, (), tmp_path / "eval.png", title="")
    assert (tmp_path / "eval.png").is_file()
