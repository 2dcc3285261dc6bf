"""Evaluations with a known outcome: each held-out row dictates the verdict on what each side of the echo engine answers to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import load_test_plugins, row, write

from adapters_hub import store
from adapters_hub.builtin.echo import identity_of, write_adapter
from adapters_hub.contracts import Validator
from adapters_hub.evaluating import Event, Saved, evaluate
from adapters_hub.exams import Exam, Wishes, exam_of
from adapters_hub.plugins import Plugins
from adapters_hub.tutors import read_tutor
from adapters_hub.types import BaseModel, RunManifest, Tutor
from adapters_hub.workspace import find_workspace

OUTCOMES = {"c": "correct", "i": "incorrect", "u": "unverified"}

VALIDATOR = '''
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Dictated:
    """The verdict that the row dictates for "base" or "adapter"; echo begins its answers with who speaks."""

    def judge(self, attempt):
        side = "base" if attempt.answer.startswith("[base]") else "adapter"
        outcome = (attempt.expected or {}).get(side, "unverified")
        if outcome == "crash":
            raise RuntimeError("boom")
        code = {"correct": "ok", "incorrect": "wrong_result", "unverified": "no_number"}[outcome]
        reason = {"correct": "Bien.", "incorrect": "No es el resultado.", "unverified": ""}[outcome]
        warnings = ("gives_answer_away",) if side == "adapter" else ()
        return Verdict(outcome, float(outcome == "correct"), code, reason, "Revisa la cuenta.", attempt.answer[:4], warnings=warnings)

@hookimpl
def hub_validators():
    return [ValidatorSpec("dictado", "what the row says", lambda options: Dictated())]
'''


def dictate(folder: Path, outcomes: list[tuple[str, str]], *, settings: str = "", **more: Any) -> None:
    """Held-out rows of the tutor in ``folder``: for each the outcome of the base and of the adapter, as letters of ``OUTCOMES``."""
    lines = []
    for number, (base, adapter) in enumerate(outcomes):
        expected = {"base": OUTCOMES.get(base, base), "adapter": OUTCOMES.get(adapter, adapter)}
        tags = ["pares" if number % 2 == 0 else "impares"]
        lines.append(
            row(f"¿Cuánto es {number} y {1000 + number}?", "Son.", expected=expected, tags=tags, difficulty=1 + number % 3, **more)
        )
    write(folder / "data/eval.jsonl", "".join(lines))
    write(folder / "tutor.toml", f'[tutor]\ntitle = "Sumas"\n[validator]\nuse = ["dictado"]\n{settings}')
    write(folder / "validator.py", VALIDATOR)


def trained_run(folder: Path, *, strength: float = 4.0) -> store.Run:
    """A whole run of the tutor, without training it; another ``strength`` makes other files."""
    run = store.start_run(folder)
    write_adapter(run, "mini", 2, strength)
    identity = identity_of(BaseModel())
    store.finish_run(run, RunManifest(1, "", folder.name, "2026-01-02T03:04:05+00:00", identity, "none", "", "", (), "", {}, {}, {}, {}))
    return store.read_run(run)


def tutor_of(workspace: Path, name: str = "sumas", **options: Any) -> Tutor:
    return read_tutor(workspace / "tutors" / name, find_workspace(workspace), options=options)


def sit(workspace: Path, wishes: Wishes | None = None, *, plugins: Plugins | None = None, rejudge: bool = False) -> Saved:
    """Evaluate the tutor ``sumas`` to the end."""
    saved = events_of(workspace, wishes, plugins=plugins, rejudge=rejudge)[-1]
    assert isinstance(saved, Saved)
    return saved


def events_of(workspace: Path, wishes: Wishes | None = None, *, plugins: Plugins | None = None, rejudge: bool = False) -> list[Event]:
    exam, plugins, validator = prepared(workspace, wishes, plugins)
    return list(evaluate(exam, plugins, validator, rejudge=rejudge))


def prepared(workspace: Path, wishes: Wishes | None = None, plugins: Plugins | None = None) -> tuple[Exam, Plugins, Validator]:
    """What ``evaluate`` wants."""
    plugins = plugins or load_test_plugins()
    plugins.own_folder = workspace / "tutors"
    tutor = tutor_of(workspace)
    with plugins.tutor_local(tutor):
        return exam_of(tutor, plugins, wishes or Wishes()), plugins, plugins.judge_of(tutor)
