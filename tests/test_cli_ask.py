"""``hub ask``: one answer on stdout and nothing else there; verdicts, retries, the log and ``auto``."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import REPOSITORY, Hub, load_test_plugins, make_tutor_folder, run_hub, write

from adapters_hub import router, store
from adapters_hub.cli import make_cli
from adapters_hub.conversations import ConversationLog, log_path
from adapters_hub.errors import HubError
from adapters_hub.plugins import Plugins
from adapters_hub.router import Route
from adapters_hub.training import train_tutors
from adapters_hub.tutors import read_tutor
from adapters_hub.workspace import workspace_in

OPINIONS = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Opinions:
    def judge(self, attempt):
        if attempt.expected is not None:
            right = attempt.expected in attempt.answer
            return Verdict("correct" if right else "incorrect", code="x", reason="Se comparó.")
        if "bien" in attempt.answer:
            return Verdict("correct", code="ok", extracted="2 + 2 = 4")
        if "explota" in attempt.answer:
            raise RuntimeError("boom")
        return Verdict("incorrect", code="no", reason="Falta la unidad.", hint=HINT)

@hookimpl
def hub_validators():
    return [ValidatorSpec("opina", "has opinions", lambda options: Opinions())]
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tutor -> a run of its."""
    home = tmp_path_factory.mktemp("trained")
    write(home / "tutors/hub.toml", '[base]\nengine = "echo"\n\n[defaults.train]\nmax_steps = 2\n')
    folders = [make_tutor_folder(home / "tutors" / name) for name in ("sumas", "restas")]
    found = workspace_in(home)
    assert found is not None
    list(train_tutors([read_tutor(folder, found) for folder in folders], load_test_plugins()))
    return {folder.name: store.list_runs(folder)[0].folder for folder in folders}


@pytest.fixture
def trained(workspace: Path, runs: dict[str, Path]) -> Path:
    """The workspace with both tutors trained."""
    for name, folder in runs.items():
        shutil.copytree(folder, workspace / "tutors" / name / "runs" / folder.name)
    return workspace


def judge_by_opinion(workspace: Path, name: str = "sumas", *, hint: str = "di bien", settings: str = "") -> None:
    folder = workspace / "tutors" / name
    write(folder / "validator.py", OPINIONS.replace("HINT", repr(hint)))
    write(folder / "tutor.toml", (folder / "tutor.toml").read_text().replace("use = []", f'use = ["opina"]\n{settings}'))


RETRY = 'on_fail = "retry"\nretries = 2\n'


def kept() -> list[list[str]]:
    """Texts of every conversation of the log, the newest one first."""
    log = ConversationLog(log_path())
    try:
        return [[turn.content for turn in log.show(row.id).turns] for row in log.list()]
    finally:
        log.close()


# --- the answer ----------------------------------------------------------------------------------


def test_only_the_answer_goes_to_stdout(trained: Path, hub: Hub) -> None:
    done = hub("ask", "sumas", "¿Cuánto es 1 y 1?")
    assert (done.code, done.out) == (0, "[sumas] ¿Cuánto es 1 y 1?\n")


def test_the_question_may_be_piped_in_alone_or_after_words(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", input="¿1 y 1?\n").out == "[sumas] ¿1 y 1?\n"
    assert hub("ask", "sumas", "explica:", "-", input="x = 1\n").out == "[sumas] explica:\n\nx = 1\n"


def test_a_question_leaves_the_lines_of_a_loop_alone(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", "uno", input="dos\ntres\n").out == "[sumas] uno\n"


def test_no_question_is_a_usage_error(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas").code == 2


def test_without_a_name_the_chosen_tutor_answers(trained: Path, hub: Hub) -> None:
    hub("switch", "restas")
    assert hub("ask", "¿Cuánto es 3 menos 1?").out.startswith("[restas]")


def test_an_older_run_answers_after_rolling_back(trained: Path, hub: Hub) -> None:
    oldest = store.list_runs(trained / "tutors/sumas")[0].id
    hub("train", "sumas")
    assert hub("ask", "sumas", "hola", "--json").document["run"] != oldest
    assert hub("switch", f"sumas@{oldest}").code == 0
    assert hub("ask", "sumas", "hola", "--json").document["run"] == oldest


def test_bare_asks_the_base_of_an_untrained_tutor(workspace: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", "hola tú", "--bare").out == "[base] hola tú\n"
    assert hub("ask", "sumas", "hola tú").code == 3


def test_a_damaged_adapter_is_refused(trained: Path, hub: Hub) -> None:
    run = store.list_runs(trained / "tutors/sumas")[0].folder
    data = bytearray((run / "adapter_model.safetensors").read_bytes())
    data[-1] ^= 1
    (run / "adapter_model.safetensors").write_bytes(data)
    done = hub("ask", "sumas", "hola")
    assert done.code == 1
    assert "SHA-256" in done.err


def test_ask_as_a_process_without_input(trained: Path) -> None:
    done = run_hub("ask", "sumas", "hola", cwd=trained)
    assert (done.code, done.out) == (0, "[sumas] hola\n")


def test_an_answer_cannot_steer_the_terminal(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", input="hola \033]0;título\007 x\ty").out == "[sumas] hola ]0;título x\ty\n"


def test_the_document_says_all_about_the_answer(trained: Path, hub: Hub) -> None:
    document = hub("ask", "sumas", "hola", "--json").document
    assert (document["schema"], document["tutor"], document["answer"], document["retries"]) == (1, "sumas", "[sumas] hola", 0)
    assert document["finish"] == "stop"
    assert document["completion_tokens"] == 2
    assert document["verdict"]["code"] == "no_validator"


def test_an_answer_that_was_cut_off_is_said(trained: Path, hub: Hub) -> None:
    file = trained / "tutors/sumas/tutor.toml"
    write(file, file.read_text() + "\n[chat]\nmax_new_tokens = 2\n")
    done = hub("ask", "sumas", "uno dos tres")
    assert done.out == "[sumas] uno\n"
    assert "cut off at 2 tokens" in done.err


# --- verdicts and retries ------------------------------------------------------------------------


def test_a_wrong_answer_is_marked_and_check_makes_it_the_exit_code(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    done = hub("ask", "sumas", "¿Cuánto mide?")
    assert (done.code, done.out) == (0, "[sumas] ¿Cuánto mide?\n")
    assert "✗ Falta la unidad." in done.err.splitlines()
    done = hub("ask", "sumas", "¿Cuánto mide?", "--check")
    assert (done.code, done.out) == (7, "[sumas] ¿Cuánto mide?\n")
    document = hub("ask", "sumas", "¿Cuánto mide?", "--json").document
    assert (document["answer"], document["verdict"]["outcome"]) == ("[sumas] ¿Cuánto mide?", "incorrect")


def test_a_right_answer_is_marked_too_and_an_unverified_one_is_no_fault(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    done = hub("ask", "sumas", "¿va bien?", "--check")
    assert done.code == 0
    assert "✓ verificado: 2 + 2 = 4" in done.err.splitlines()
    done = hub("ask", "sumas", "explota ya", "--check")
    assert done.code == 0
    assert "? sin verificar" in done.err


def test_quiet_prints_no_badge(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    assert "✗" not in hub("ask", "sumas", "¿Cuánto mide?", "-q").err


def test_with_retry_only_the_better_answer_is_seen(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained, settings=RETRY)
    done = hub("ask", "sumas", "¿Cuánto mide?", "--check")
    assert (done.code, done.out) == (0, "[sumas] di bien\n")
    assert "✓ verificado" in done.err
    document = hub("ask", "sumas", "¿Cuánto mide?", "--json").document
    assert (document["answer"], document["retries"]) == ("[sumas] di bien", 1)


def test_with_retries_exhausted_the_first_answer_stays_and_counts_as_wrong(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained, hint="di otra cosa", settings=RETRY)
    done = hub("ask", "sumas", "¿Cuánto mide?", "--check")
    assert (done.code, done.out) == (7, "[sumas] ¿Cuánto mide?\n")
    log = ConversationLog(log_path())
    tries = log.show(log.list()[0].id).turns[-1].tries
    log.close()
    assert [made.text for made in tries] == ["[sumas] ¿Cuánto mide?", *["[sumas] di otra cosa"] * 2]


def test_what_is_expected_is_for_the_validator(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    assert hub("ask", "sumas", "di 4", "--expected", "4", "--check").code == 0
    done = hub("ask", "sumas", "di 4", "--expected", "5", "--check")
    assert (done.code, done.out) == (7, "[sumas] di 4\n")


# --- the log -------------------------------------------------------------------------------------


def test_questions_are_kept_and_the_first_one_says_where(trained: Path, hub: Hub) -> None:
    done = hub("ask", "sumas", "uno")
    assert str(log_path()) in done.err
    done = hub("ask", "sumas", "dos")
    assert str(log_path()) not in done.err
    assert kept() == [["dos", "[sumas] dos"], ["uno", "[sumas] uno"]]


def test_nothing_is_kept_where_that_is_wanted(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", "uno", "--no-log", "--json").document["conversation"] is None
    hub("logs", "off")
    hub("ask", "sumas", "dos")
    assert not log_path().exists()


def test_the_last_conversation_goes_on_without_naming_its_tutor(trained: Path, hub: Hub) -> None:
    hub("switch", "restas")
    first = hub("ask", "sumas", "uno", "--json").document["conversation"]
    for words in (("¿y dos?",), ("dos", "y", "tres")):
        done = hub("ask", "-c", *words, "--json").document
        assert (done["conversation"], done["tutor"]) == (first, "sumas")
    assert kept() == [["uno", "[sumas] uno", "¿y dos?", "[sumas] ¿y dos?", "dos y tres", "[sumas] dos y tres"]]


def test_the_last_conversation_with_a_tutor_or_one_by_its_id_goes_on(trained: Path, hub: Hub) -> None:
    first = hub("ask", "sumas", "uno", "--json").document["conversation"]
    second = hub("ask", "restas", "dos", "--json").document["conversation"]
    assert hub("ask", "-c", "sumas", "más", "--json").document["conversation"] == first
    assert hub("ask", "--id", second[:4], "¿y más?", "--json").document["conversation"] == second
    done = hub("ask", "--id", second, "sumas", "ahora tú", "--json").document
    assert (done["conversation"], done["tutor"]) == (second, "sumas")
    assert hub("logs", "show", second, "--json").document["tutor"] == "sumas"


def test_no_conversation_to_go_on_with_is_said(trained: Path, hub: Hub) -> None:
    assert hub("ask", "-c", "¿y?").code == 3
    hub("ask", "sumas", "uno")
    assert hub("ask", "-c", "restas", "¿y?").code == 3
    assert hub("ask", "--id", "zzzzz", "¿y?").code == 3


def test_a_conversation_whose_run_is_gone_goes_on_with_the_present_one_and_says_so(trained: Path, hub: Hub) -> None:
    run = hub("ask", "sumas", "uno", "--json").document["run"]
    hub("train", "sumas")
    done = hub("ask", "-c", "¿y?", "--json")
    assert done.document["run"] == run, "its own run, though there is a newer one"
    shutil.rmtree(trained / "tutors/sumas/runs" / run)
    done = hub("ask", "-c", "¿y?", "--json")
    assert done.document["run"] != run
    assert f"run {run} of this conversation is gone" in done.err


@pytest.mark.parametrize("content", [b"no database " * 200, None], ids=["damaged", "a folder"])
def test_a_log_that_cannot_be_opened_is_one_warning(trained: Path, hub: Hub, content: bytes | None) -> None:
    if content is None:
        log_path().mkdir(parents=True)
    else:
        log_path().parent.mkdir(parents=True)
        log_path().write_bytes(content)
    done = hub("ask", "sumas", "uno")
    assert (done.code, done.out) == (0, "[sumas] uno\n")
    assert len(done.err.splitlines()) == 1


# --- auto ----------------------------------------------------------------------------------------


class Signpost:
    """A router that goes by the first word of the question."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.problems: dict[str, str] = {}

    @classmethod
    def of(cls, tutors: Iterable[object], plugins: object) -> Signpost:
        return cls(tuple(tutor.name for tutor in tutors))  # type: ignore[attr-defined]

    def route(self, question: str, present: str | None = None) -> Route:
        name = question.split()[0]
        shares = tuple((other, 0.5) for other in self.names)
        if name == "sigue":
            return Route(present, "Sigue el mismo.", shares)
        return Route(name if name in self.names else None, "Por la primera palabra.", shares)


@pytest.fixture
def signpost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters_hub.cli._speakers.Router", Signpost)
    assert router.AUTO == "auto"


@pytest.mark.usefixtures("signpost")
def test_auto_says_whom_it_chose_and_why(trained: Path, hub: Hub) -> None:
    done = hub("ask", "auto", "restas 3 y 1")
    assert done.out == "[restas] restas 3 y 1\n"
    assert "→ restas: Por la primera palabra." in done.err
    assert hub("ask", "auto", "sumas ya", "--json").document["route"] == {"tutor": "sumas", "why": "Por la primera palabra."}


@pytest.mark.usefixtures("signpost")
def test_auto_that_is_unsure_asks_for_the_tutor(trained: Path, hub: Hub) -> None:
    done = hub("ask", "auto", "¿qué tal?")
    assert (done.code, done.out) == (2, "")
    assert "sumas 50%" in done.err


@pytest.mark.usefixtures("signpost")
def test_auto_knows_who_has_the_word(trained: Path, hub: Hub) -> None:
    hub("ask", "restas", "uno")
    assert hub("ask", "-c", "auto", "sigue así").out == "[restas] sigue así\n"
    assert hub("ask", "-c", "auto", "sumas ahora").out == "[sumas] sumas ahora\n"
    assert kept()[0][-1] == "[sumas] sumas ahora"


@pytest.mark.usefixtures("signpost")
def test_auto_leaves_out_tutors_that_cannot_answer(trained: Path, hub: Hub) -> None:
    shutil.rmtree(trained / "tutors/restas/runs")
    write(trained / "tutors/rota/tutor.toml", "[tutor\n")
    done = hub("ask", "auto", "restas ya")
    assert done.code == 2
    assert "auto leaves out rota" in done.err
    assert "restas 50%" not in done.err
    shutil.rmtree(trained / "tutors/sumas/runs")
    assert hub("ask", "auto", "sumas ya").code == 3


def test_auto_says_whose_rows_it_could_not_read(trained: Path, hub: Hub) -> None:
    write(trained / "tutors/restas/data/train.jsonl", "{nada\n")
    assert "auto knows restas by its description only" in hub("ask", "auto", "¿Cuánto es 2 y 3 en sumas?").err


def test_the_base_alone_is_asked_by_its_name(trained: Path, hub: Hub) -> None:
    assert hub("ask", "base", "hola a todos").out == "[base] hola a todos\n"


def test_a_conversation_with_the_base_goes_on_with_the_base(trained: Path, hub: Hub) -> None:
    hub("chat", "base", input="uno\n")
    assert hub("ask", "-c", "y dos").out == "[base] y dos\n"
    assert kept()[0] == ["uno", "[base] uno", "y dos", "[base] y dos"]


def test_a_log_that_fails_is_told_when_the_line_of_the_answer_has_ended(
    trained: Path, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*told: object) -> None:
        raise HubError("the disk is full")

    monkeypatch.setattr(ConversationLog, "append", full)
    for words, typed in ((["ask", "sumas", "hola"], ""), (["chat", "sumas"], "hola\n")):
        output = CliRunner().invoke(make_cli(plugins), words, input=typed).output
        assert "[sumas] hola\n" in output and "not kept any more: the disk is full" in output


def test_auto_and_bare_go_ill_together(trained: Path, hub: Hub) -> None:
    assert hub("ask", "auto", "hola a todos", "--bare").code == 2


def test_json_is_one_document_also_when_it_fails(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    done = hub("ask", "sumas", "¿Cuánto?", "--check", "--json")
    assert done.code == 7
    answer, error = (json.loads(line) for line in done.out.splitlines())
    assert answer["verdict"]["outcome"] == "incorrect"
    assert error["error"]["code"] == "below_threshold"


# --- as a process --------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="closing a stream of a child process needs a POSIX shell")
def test_closed_streams_and_narrow_encodings_end_no_command(trained: Path) -> None:
    hub = f"{shlex.quote(sys.executable)} -m adapters_hub"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    for line in (f"{hub} list >&-", f"{hub} ask sumas hola <&-", f"{hub} ask sumas ñandú", f"{hub} chat sumas <&-"):
        done = subprocess.run(line, shell=True, cwd=trained, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_gets_through_a_validator_that_takes_long_and_the_answer_is_kept(trained: Path, hub: Hub) -> None:
    judge_by_opinion(trained)
    file = trained / "tutors/sumas/validator.py"
    write(file, file.read_text().replace("def judge(self, attempt):", "def judge(self, attempt):\n        __import__('time').sleep(60)"))
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "adapters_hub", "ask", "sumas", "hola"]
    with subprocess.Popen(words, cwd=trained, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(len("[sumas] hola")) == b"[sumas] hola"
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert time.perf_counter() - began < 10
    assert kept() == [["hola", "[sumas] hola"]]
