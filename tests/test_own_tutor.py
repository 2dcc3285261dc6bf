"""``tutors/README.md``, "make your own tutor in ten minutes", is followed step by step: its files are written, its commands typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY

from adapters_hub.plugins import load_plugins

README = (REPOSITORY / "tutors" / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXACT = ("new", "check", "stats")
"""What these print is the same everywhere; of the others the numbers are their own."""


@dataclass(frozen=True)
class Step:
    """One thing that the reader does: writes a file, or types a command."""

    file: str = ""
    text: str = ""
    command: str = ""
    printed: tuple[str, ...] = ()
    """Lines that the README shows of what the command prints."""


def steps() -> list[Step]:
    """The code blocks in order; a file is the last one that the text before its block names."""
    found, before = [], 0
    for block in BLOCK.finditer(README):
        kind, text = block.groups()
        if kind == "console":
            command, *printed = text.splitlines()
            assert command.startswith("$ "), command
            found.append(Step(command=command[2:], printed=tuple(line for line in printed if line != "...")))
        else:
            file = re.findall(r"`(tutors/historia/[\w./]+)`", README[before : block.start()])[-1]
            found.append(Step(file=file, text=text))
        before = block.end()
    return found


def test_the_readme_leads_from_a_new_folder_to_a_conversation() -> None:
    commands = [step.command for step in steps() if step.command]
    verbs = [found[1] for command in commands if (found := re.search(r"\bhub ([a-z]+)", command))]
    assert verbs == ["new", "check", "stats", "train", "eval", "chat"]
    files = [step.file.partition("historia/")[2] for step in steps() if step.file]
    assert files == ["system.md", "tutor.toml", "data/train.jsonl", "data/eval.jsonl"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="the commands are typed into a POSIX shell")
def test_whoever_follows_the_readme_gets_what_it_shows(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if not any(spec.name == "terms" for spec in load_plugins().validators()):
        pytest.skip("hub-text is not installed")
    environ = environment(tmp_path)
    folder = tmp_path / "clase"
    folder.mkdir()
    for step in steps():
        if step.file:
            assert (folder / step.file).is_file(), f"{step.file} is to be replaced, and there is none"
            (folder / step.file).write_text(step.text, encoding="utf-8")
            continue
        done = subprocess.run(
            ["sh", "-c", step.command],
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=400,
        )
        assert done.returncode == 0, f"{step.command}\n{done.stdout}"
        exact = re.findall(r"\bhub ([a-z]+)", step.command)[0] in EXACT
        lines = {plainly(line, exact) for line in done.stdout.splitlines()}
        assert [line for line in step.printed if plainly(line, exact) not in lines] == [], f"{step.command}\n{done.stdout}"


def environment(folder: Path) -> dict[str, str]:
    """A shell in which ``hub`` is that of the checkout, and nothing is written outside ``folder``."""
    command = folder / "bin" / "hub"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m adapters_hub "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    parts = [str(REPOSITORY), *(str(REPOSITORY / "plugins" / name) for name in ("hub-text", "hub-math", "hub-code", "hub-sql"))]
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(command.parent), os.environ.get("PATH", ""))),
        "PYTHONPATH": os.pathsep.join(parts),
        "PYTHONIOENCODING": "utf-8",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "share"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


def plainly(line: str, exact: bool) -> str:
    """A line without what differs from one machine to another."""
    if not exact:
        line = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]+", "RUN", line)
        line = re.sub(r"\d[\d.,]*%?|(?<=\s)–(?=\s)", "#", line)
    return " ".join(line.split())
