"""The inspection of a tutor: what is found without a model, and what the rows' own answers are worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import row, write
from dictated import VALIDATOR

from adapters_hub.inspection import Inspection, errors_of, inspect_rows, inspect_tutor
from adapters_hub.plugins import Plugins
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import find_workspace


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    folder = workspace / "tutors/sumas"
    write(folder / "tutor.toml", '[tutor]\ntitle = "Sumas"\n[validator]\nuse = ["dictado"]\n')
    write(folder / "validator.py", VALIDATOR)
    lines = [row(f"¿Cuánto es {n} y 1?", f"Son {n + 1}.", expected={"adapter": "correct"}) for n in range(30)]
    write(folder / "data/train.jsonl", "".join(lines))
    return read_tutor(folder, find_workspace(workspace))


def whole(tutor: Tutor, plugins: Plugins) -> Inspection:
    plugins.own_folder = tutor.folder.parent
    with plugins.tutor_local(tutor):
        *_, inspection = inspect_tutor(tutor, plugins)
    return inspection


def test_a_sound_tutor_passes_and_every_answer_was_judged(tutor: Tutor, plugins: Plugins) -> None:
    inspection = whole(tutor, plugins)
    assert (inspection.passed, inspection.errors) == (True, ())
    assert inspection.answers is not None
    assert (inspection.answers.judged, inspection.answers.complete) == (31, True)


def test_an_answer_that_the_validator_calls_wrong_is_an_error_with_its_place(tutor: Tutor, plugins: Plugins) -> None:
    write(tutor.folder / "data/eval.jsonl", row("¿Cuánto es 100 y 1?", "Son 102.", expected={"adapter": "incorrect"}))
    inspection = whole(tutor, plugins)
    assert not inspection.passed
    assert len(inspection.errors) == 1
    assert "eval.jsonl:1" in inspection.errors[0]
    with plugins.tutor_local(tutor):
        assert errors_of(tutor, plugins) == inspection.errors


def test_a_validator_that_nobody_offers_is_an_error_and_the_rows_are_looked_at_all_the_same(tutor: Tutor, plugins: Plugins) -> None:
    unknown = replace(tutor, validator=replace(tutor.validator, use=("nadie",)))
    inspection = inspect_rows(unknown, plugins)
    assert inspection.validator is None
    assert inspection.report.train_rows > 0
    assert any("nadie" in error for error in inspection.errors)


def test_an_engine_that_nobody_offers_is_an_error(tutor: Tutor, plugins: Plugins) -> None:
    plugins.own_folder = tutor.folder.parent
    with plugins.tutor_local(tutor):
        inspection = inspect_rows(replace(tutor, base=replace(tutor.base, engine="vapor")), plugins)
    assert any("vapor" in error for error in inspection.errors)


def test_progress_can_be_followed_one_verdict_at_a_time(tutor: Tutor, plugins: Plugins) -> None:
    plugins.own_folder = tutor.folder.parent
    with plugins.tutor_local(tutor):
        seen = [inspection.answers.judged for inspection in inspect_tutor(tutor, plugins) if inspection.answers is not None]
    assert seen == list(range(32))
