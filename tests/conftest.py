"""What all tests share: a workspace of their own with the ``echo`` engine, and two ways to call the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hub_site import site  # noqa: F401 - a fixture for all

from adapters_hub.cli import make_cli
from adapters_hub.plugins import PluginInfo, Plugins, load_plugins

REPOSITORY = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip GPU tests where there is no GPU; torch is imported only when such a test was selected."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked:
        import torch

        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the developer's shell, and a state folder of its own, for every test."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_HOME", str(tmp_path_factory.mktemp("hub_home")))


def load_test_plugins(**options: Any) -> Plugins:
    """All plugins; those of the checkout come from there where they are not installed."""
    plugins = load_plugins(**options)
    known = {spec.name for spec in plugins.validators()}
    for name in ("text", "math", "code", "sql"):
        if name not in known:
            plugins.add(PluginInfo(f"hub-{name}", "installed", source="checkout"), partial(import_module, f"hub_{name}"))
    return plugins


@pytest.fixture
def plugins() -> Plugins:
    """All plugins, none of them blocked."""
    return load_test_plugins()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project folder with two tutors, ``sumas`` and ``restas``, on the echo engine; the current folder while the test runs. Yields it."""
    tutors = tmp_path / "tutors"
    write(tutors / "hub.toml", '[base]\nengine = "echo"\n\n[defaults.train]\nmax_steps = 6\ncheckpoint_every = 2\n')
    for name in ("sumas", "restas"):
        make_tutor_folder(tutors / name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def make_tutor_folder(folder: Path, *, settings: str = "", rows: int = 12) -> Path:
    """A small tutor without validator."""
    write(folder / "tutor.toml", f'[tutor]\ntitle = "{folder.name.capitalize()}"\n\n[validator]\nuse = []\n{settings}')
    write(folder / "system.md", f"Eres el tutor de {folder.name}.\n")
    write(
        folder / "data/train.jsonl", "".join(row(f"¿Cuánto es {n} y {n + 1} en {folder.name}?", f"Son {2 * n + 1}.") for n in range(rows))
    )
    write(folder / "data/eval.jsonl", row("¿Cuánto es 100 y 1?", "Son 101."))
    return folder


def row(question: str, answer: str, **more: Any) -> str:
    """One line of a dataset."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages, **more}, ensure_ascii=False) + "\n"


def write(file: Path, text: str) -> Path:
    """A text file, its folders made where needed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@dataclass(frozen=True)
class Outcome:
    """How a call of ``hub`` ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


class Hub:
    """Calls the command line within this process."""

    def __call__(self, *words: str | Path, input: str = "", plugins: Plugins | None = None) -> Outcome:
        result = CliRunner().invoke(make_cli(plugins or load_test_plugins()), [str(word) for word in words], input=input, prog_name="hub")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def hub() -> Hub:
    """``hub("list", "--json")`` runs it in this process, quickly."""
    return Hub()


def run_hub(*words: str, cwd: Path | None = None, **variables: str) -> Outcome:
    """``hub`` as a child process, as in a terminal."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "adapters_hub", *words],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
