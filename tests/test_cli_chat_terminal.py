"""``hub chat`` in a child process on a real pseudo terminal: what a person sees, and Ctrl-C in the middle of an answer."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY, load_test_plugins, make_tutor_folder, write

from adapters_hub.training import train_tutors
from adapters_hub.tutors import read_tutor
from adapters_hub.workspace import find_workspace

if sys.platform == "win32":
    pytest.skip("no pseudo terminals on Windows", allow_module_level=True)

import pty

PROGRAM = """
import sys, time, types
from adapters_hub.builtin.echo import EchoEngine
from adapters_hub.cli import make_cli
from adapters_hub.contracts import Completion, EngineSpec
from adapters_hub.hookspecs import hookimpl
from adapters_hub.plugins import PluginInfo, load_plugins

class SlowTicket:
    def __init__(self, request):
        question = request.messages[-1].content
        self.words = [f"{word} " for word in question.split()] * (50 if "mucho" in question else 1)
        self.said, self.cancelled = 0, False

    def __iter__(self):
        for word in self.words:
            time.sleep(0.05)
            if self.cancelled:
                return
            self.said += 1
            yield word

    def cancel(self):
        self.cancelled = True

    def result(self, timeout=None):
        return Completion("".join(self.words[: self.said]), "cancelled" if self.cancelled else "stop", 5, self.said, 1.0, 0.1)

class SlowEngine(EchoEngine):
    def submit(self, request):
        return SlowTicket(request)

@hookimpl
def hub_engines():
    return [EngineSpec("slow", "repeats the question slowly", SlowEngine)]

plugins = load_plugins()
plugins.add(PluginInfo("slow", "installed"), lambda: types.SimpleNamespace(hub_engines=hub_engines))
make_cli(plugins).main(prog_name="hub")
"""
JUDGE = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Judge:
    def judge(self, attempt):
        if "mal" in attempt.answer:
            return Verdict("incorrect", code="wrong", reason="Falta la unidad.", hint="muy bien")
        return Verdict("correct", 1.0, reason="Está la unidad.", extracted="3 m")

@hookimpl
def hub_validators():
    return [ValidatorSpec("unidades", "wants a unit", lambda options: Judge())]
"""
ENTER, CTRL_C, CTRL_D = "\r", "\x03", "\x04"
PROMPT = "sumas>"


def without_styles(text: str) -> str:
    """What a person reads: escape sequences left out."""
    return re.sub("\x1b(\\[[0-9;?]*[a-zA-Z]|[=>]|\\][^\x07]*\x07)", "", text)


class Terminal:
    """``hub`` on a pseudo terminal."""

    def __init__(self, *words: str, **variables: str) -> None:
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        environ = (
            {key: value for key, value in environ.items() if key not in ("NO_COLOR", "LANGUAGE")}
            | {"PYTHONIOENCODING": "utf-8"}
            | variables
        )
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, "-c", PROGRAM, *words], environ)
        self.text = ""
        self._place = 0

    def press(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def wait_for(self, words: str, seconds: float = 60) -> str:
        """What was shown since the last time, up to ``words``."""
        deadline = time.monotonic() + seconds
        while True:
            shown = without_styles(self.text)[self._place :]
            if words in shown:
                length = shown.index(words) + len(words)
                self._place += length
                return shown[:length]
            assert time.monotonic() < deadline, f"no {words!r} in {shown!r}"
            if select.select([self.end], [], [], 0.1)[0]:
                try:
                    data = os.read(self.end, 65536)
                except OSError:  # the child has closed its side
                    data = b""
                assert data, f"the end without {words!r}: {shown!r}"
                self.text += data.decode(errors="replace")

    def leave(self) -> int:
        """The exit code, whatever is still to be read."""
        try:
            while select.select([self.end], [], [], 60)[0] and os.read(self.end, 65536):
                pass
        except OSError:  # the child has closed its side
            pass
        os.close(self.end)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a trained tutor whose engine takes its time."""
    folder = tmp_path_factory.mktemp("slow")
    settings = write(folder / "tutors/hub.toml", '[base]\nengine = "echo"\n\n[defaults.train]\nmax_steps = 2\n')
    for name in ("sumas", "restas", "medidas"):
        make_tutor_folder(folder / "tutors" / name)
    write(folder / "tutors/medidas/validator.py", JUDGE)
    write(folder / "tutors/medidas/tutor.toml", '[validator]\nuse = ["unidades"]\non_fail = "retry"\n')
    tutors = [read_tutor(folder / "tutors" / name, find_workspace(folder)) for name in ("sumas", "medidas")]
    list(train_tutors(tutors, load_test_plugins()))
    write(settings, settings.read_text().replace("echo", "slow"))
    return folder


@pytest.fixture
def terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A chat with ``sumas`` that waits for the first question."""
    monkeypatch.chdir(folder)
    terminal = Terminal("chat", "sumas")
    terminal.wait_for(PROMPT)
    yield terminal


def test_a_sitting_from_the_first_question_to_ctrl_d(terminal: Terminal) -> None:
    terminal.press(f"esto es **importante** \x1b[200~y\notra línea\x1b[201~{ENTER}")
    shown = terminal.wait_for("otra línea\r\n\r\n" + PROMPT)
    assert re.search(r"loading base \S+ \.\.\.\x1b\[0m\r\x1b\[2K.*conversations are kept in", terminal.text), "nothing is glued to it"
    assert "esto es importante y otra línea" in shown, "marks are styles here, and a paste is one message"
    assert "\x1b[1mimportante\x1b[0m" in terminal.text
    terminal.press("/tut")
    terminal.wait_for("talk with another tutor")
    terminal.press(f"ores{ENTER}")
    terminal.wait_for("not trained yet: hub train restas")
    terminal.wait_for(PROMPT)
    terminal.press(CTRL_D)
    assert terminal.leave() == 0


def test_ctrl_c_stops_the_answer_keeps_its_text_and_the_chat(terminal: Terminal) -> None:
    terminal.press(f"mucho texto{ENTER}")
    terminal.wait_for("mucho texto mucho texto")
    terminal.press("después")  # typed while the answer comes: not shown in it
    time.sleep(0.2)
    terminal.press(CTRL_C)
    shown = terminal.wait_for("(stopped)")
    assert "después" not in shown and shown.count("mucho") < 40
    terminal.wait_for(PROMPT)
    terminal.press(f"/guardar parado.json{ENTER}")
    terminal.wait_for("saved 2 turns")
    turns = Path("parado.json").read_text()
    assert '"stopped": true' in turns and "mucho texto mucho" in turns
    for _ in range(2):
        time.sleep(0.3)  # a person's pace: between two prompts nobody counts
        terminal.press(CTRL_C)
    terminal.wait_for("Ctrl-D or /salir leaves")
    terminal.press(f"/salir{ENTER}")
    assert terminal.leave() == 0


def test_a_wrong_answer_is_asked_again_unseen_and_the_waiting_shows(terminal: Terminal) -> None:
    terminal.press(f"/tutor medidas{ENTER}")
    terminal.wait_for("medidas>")
    terminal.press(f"mide mal{ENTER}")
    terminal.wait_for("thinking ...")
    shown = terminal.wait_for("revising ...")
    assert "mal" not in shown
    shown = terminal.wait_for("✓ verificado: 3 m (revised)")
    assert "muy bien" in shown and "mal" not in shown
    assert "revising ...\x1b[0m\r\x1b[2K" in terminal.text, "the waiting disappears"
    terminal.wait_for("medidas>")
    terminal.press(f"/salir{ENTER}")
    assert terminal.leave() == 0


def test_without_colours_the_answer_is_as_the_model_wrote_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for words, variables in ((("chat", "sumas", "--plain"), {}), (("chat", "sumas"), {"NO_COLOR": "1"})):
        terminal = Terminal(*words, **variables)
        terminal.wait_for(PROMPT)
        terminal.press(f"esto es **importante**{ENTER}")
        terminal.wait_for("\nesto es")
        terminal.press(CTRL_D)  # in the middle of the answer: it is for the next prompt
        terminal.wait_for(" **importante**")
        assert terminal.leave() == 0
