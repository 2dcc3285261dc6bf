"""Commands that need no model import no framework: a student with a slow disk gets the list at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

HEAVY = ("torch", "transformers", "peft", "datasets", "huggingface_hub", "bitsandbytes", "accelerate", "matplotlib", "pandas", "pyarrow")
LIST_LOADED = """
import sys
from adapters_hub.cli import main
try:
    main()
finally:
    print("loaded:", *(name for name in sys.modules if name in {heavy!r} or name in {extra!r}), file=sys.stderr)
"""


def loaded(*words: str, cwd: Path, extra: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """Exit code of a command in a fresh process, and which heavy modules it had imported at its end."""
    code = LIST_LOADED.format(heavy=HEAVY, extra=extra)
    paths = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'plugins' / 'hub-text'}"}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, env={**os.environ, **paths}, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr.rpartition("loaded:")[2].split()


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("list",),
        ("show", "sumas"),
        ("plugins",),
        ("new", "otro"),
        ("check", "sumas"),
        ("config", "sumas"),
        ("train", "--help"),
        ("doctor", "--offline"),
        ("base", "list"),
        ("base", "show"),
        ("judge", "sumas", "--question", "¿2 + 2?", "--answer", "Son 4."),
    ],
    ids=" ".join,
)
def test_a_command_without_model_imports_no_framework(words: tuple[str, ...], workspace: Path) -> None:
    if words[0] == "check" and not (REPOSITORY / "adapters_hub" / "bases" / "mini" / "tokenizer.json").is_file():
        pytest.skip("the embedded base is not in this checkout")
    code, modules = loaded(*words, cwd=workspace)
    assert modules == []
    assert code == 0


def test_help_imports_nothing_that_only_some_verbs_need(workspace: Path) -> None:
    assert loaded("--help", cwd=workspace, extra=("asyncio", "rich", "prompt_toolkit", "tokenizers", "jinja2")) == (0, [])
