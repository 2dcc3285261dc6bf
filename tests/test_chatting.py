"""The chat room over the echo engine: who is asked, what is remembered, what ask and chat print."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REPOSITORY, Hub, load_test_plugins, run_hub, write

from adapters_hub import store
from adapters_hub.chatting import ChatRoom, Conversation, chosen_adapter, sampling_of
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.training import train_tutors
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Message, Tutor
from adapters_hub.workspace import find_workspace

REJECTING = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Severe:
    def judge(self, attempt):
        return Verdict("incorrect", code="no", reason="Falta la unidad.")

@hookimpl
def hub_validators():
    return [ValidatorSpec("severo", "rejects all", lambda options: Severe())]
"""


@pytest.fixture
def trained(workspace: Path) -> Path:
    """The workspace with both tutors trained."""
    list(train_tutors([tutor_of(workspace, "sumas"), tutor_of(workspace, "restas")], load_test_plugins()))
    return workspace


def tutor_of(workspace: Path, name: str) -> Tutor:
    return read_tutor(workspace / "tutors" / name, find_workspace(workspace))


def reject_everything(workspace: Path, name: str) -> None:
    folder = workspace / "tutors" / name
    write(folder / "validator.py", REJECTING)
    write(folder / "tutor.toml", (folder / "tutor.toml").read_text().replace("use = []", 'use = ["severo"]'))


def test_each_question_names_its_tutor(trained: Path) -> None:
    first, second = tutor_of(trained, "sumas"), tutor_of(trained, "restas")
    room = ChatRoom(first.base, load_test_plugins())
    for tutor in (first, second):
        room.seat(tutor, chosen_adapter(tutor))
    question = [Message("user", "¿2 y 2?")]
    assert "".join(room.answer(first, question)) == "[sumas] ¿2 y 2?"
    assert "".join(room.answer(second, question)) == "[restas] ¿2 y 2?"
    assert "".join(room.answer(first, question, bare=True)) == "[base] ¿2 y 2?"


def test_an_untrained_tutor_says_how_to_train_it(workspace: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        chosen_adapter(tutor_of(workspace, "sumas"))
    assert caught.value.hint == "hub train sumas"


def test_a_tutor_of_another_base_is_not_seated(trained: Path) -> None:
    tutor = tutor_of(trained, "sumas")
    room = ChatRoom(tutor.base, load_test_plugins())
    with pytest.raises(UsageError):
        room.seat(replace(tutor, base=replace(tutor.base, model="other")), None)


def test_the_oldest_turns_are_forgotten_when_the_context_is_full(trained: Path) -> None:
    tutor = tutor_of(trained, "sumas")
    room = ChatRoom(tutor.base, load_test_plugins())
    seen: list[int] = []
    room.engine.stream = lambda request: seen.append(len(request.messages)) or iter(["sí"])  # type: ignore[method-assign,assignment,func-returns-value]
    turns = [Message("user" if i % 2 == 0 else "assistant", "palabra " * 500) for i in range(9)]
    assert list(room.answer(tutor, turns)) == ["sí"]
    assert seen == [4], "system, and the last exchanges that fit into 2048 words"


def test_a_stopped_answer_keeps_what_was_shown_and_an_empty_one_forgets_the_question(trained: Path) -> None:
    tutor = tutor_of(trained, "sumas")
    room = ChatRoom(tutor.base, load_test_plugins())
    room.seat(tutor, chosen_adapter(tutor))
    talk = Conversation()
    answer = talk.ask(room, tutor, "uno dos tres")
    next(answer)
    answer.close()  # type: ignore[attr-defined]
    assert [turn.content for turn in talk.turns] == ["uno dos tres", "[sumas]"]
    talk.ask(room, tutor, "otra").close()  # type: ignore[attr-defined]
    assert len(talk.turns) == 2


def test_sampling_is_the_tutors(trained: Path) -> None:
    tutor = tutor_of(trained, "sumas")
    assert sampling_of(replace(tutor, chat=replace(tutor.chat, max_new_tokens=7))).max_new_tokens == 7


# --- hub ask -------------------------------------------------------------------------------------


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
    folder = trained / "tutors/sumas"
    oldest = store.list_runs(folder)[0].id
    hub("train", "sumas")
    assert hub("ask", "sumas", "hola", "--json").document["run"] != oldest
    assert hub("switch", f"sumas@{oldest}").code == 0
    assert hub("ask", "sumas", "hola", "--json").document["run"] == oldest


def test_a_wrong_answer_is_marked_and_check_makes_it_the_exit_code(trained: Path, hub: Hub) -> None:
    reject_everything(trained, "sumas")
    done = hub("ask", "sumas", "¿Cuánto mide?")
    assert done.code == 0
    assert done.out == "[sumas] ¿Cuánto mide?\n"
    assert "✗ Falta la unidad." in done.err
    assert hub("ask", "sumas", "¿Cuánto mide?", "--check").code == 7
    document = hub("ask", "sumas", "¿Cuánto mide?", "--json").document
    assert (document["answer"], document["verdict"]["outcome"]) == ("[sumas] ¿Cuánto mide?", "incorrect")


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


# --- hub chat ------------------------------------------------------------------------------------


def test_a_chat_changes_tutor_at_once_and_leaves(trained: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="hola\n/tutor restas\n\nhola\n/salir\nnunca\n")
    assert done.code == 0
    assert done.out.splitlines() == ["[sumas] hola", "[restas] hola"]
    assert "sumas -> restas" in done.err


def test_a_failed_change_keeps_the_former_tutor(trained: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="/tutor resta\nhola\n")
    assert "did you mean 'restas'?" in done.err
    assert done.out.splitlines() == ["[sumas] hola"]


def test_an_unknown_command_is_never_sent_and_two_slashes_send_one(trained: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="/tutro restas\n//salir\n")
    assert "/tutor" in done.err
    assert done.out.splitlines() == ["[sumas] /salir"]


def test_help_tutors_and_a_new_conversation(trained: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="/ayuda\n/tutores\n/nuevo\n/tutor\n/exit\n")
    assert "/tutor NAME" in done.out
    assert "* sumas" in done.out
    assert "  restas" in done.out
    assert done.code == 0


def test_a_rejected_answer_is_marked_in_the_chat(trained: Path, hub: Hub) -> None:
    reject_everything(trained, "sumas")
    assert "✗ Falta la unidad." in hub("chat", "sumas", input="¿Cuánto mide?\n").err


def test_chat_with_an_untrained_tutor_says_what_to_type(workspace: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="hola\n")
    assert done.code == 3
    assert "hub train sumas" in done.err


def test_ask_as_a_process_without_input(trained: Path) -> None:
    done = run_hub("ask", "sumas", "hola", cwd=trained)
    assert (done.code, done.out) == (0, "[sumas] hola\n")


def test_an_answer_cannot_steer_the_terminal(trained: Path, hub: Hub) -> None:
    assert hub("ask", "sumas", input="hola \033]0;título\007 x\ty").out == "[sumas] hola ]0;título x\ty\n"


def test_a_chat_in_json_is_one_object_for_each_answer(trained: Path, hub: Hub) -> None:
    lines = [json.loads(line) for line in hub("chat", "sumas", "--json", input="hola\nadiós\n").out.splitlines()]
    assert [(line["question"], line["answer"]) for line in lines] == [("hola", "[sumas] hola"), ("adiós", "[sumas] adiós")]


@pytest.mark.skipif(os.name == "nt", reason="closing a stream of a child process needs a POSIX shell")
def test_closed_streams_and_narrow_encodings_end_no_command(trained: Path) -> None:
    hub = f"{shlex.quote(sys.executable)} -m adapters_hub"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    for line in (f"{hub} list >&-", f"{hub} ask sumas hola <&-", f"{hub} ask sumas ñandú", f"{hub} chat sumas <&-"):
        done = subprocess.run(line, shell=True, cwd=trained, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)
