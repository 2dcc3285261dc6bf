"""``hub chat`` over the echo engine: every command, every mistake, as a script and with somebody at the terminal."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Hub, Outcome, load_test_plugins, make_tutor_folder, write

from adapters_hub import store
from adapters_hub.builtin.echo import EchoEngine
from adapters_hub.chatting import ChatRoom
from adapters_hub.cli import chat
from adapters_hub.cli._typing import HISTORY_FILE, Keyboard
from adapters_hub.contracts import Request
from adapters_hub.conversations import ConversationLog
from adapters_hub.errors import HubError
from adapters_hub.log_file import log_path
from adapters_hub.training import train_tutors
from adapters_hub.transcripts import Turn
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import find_workspace

JUDGE = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Judge:
    def judge(self, attempt):
        if "mal" in attempt.answer.split():
            return Verdict("incorrect", code="wrong", reason="Falta la unidad.", hint="Pon la unidad: bien")
        return Verdict("correct", 1.0, code="ok", reason="Está la unidad.", extracted="3 m", expected="3 m", evidence="computed")

@hookimpl
def hub_validators():
    return [ValidatorSpec("unidades", "wants a unit", lambda options: Judge())]
"""

Chat = Callable[..., Outcome]


def tutor_of(workspace: Path, name: str) -> Tutor:
    return read_tutor(workspace / "tutors" / name, find_workspace(workspace))


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two trained tutors, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    write(folder / "tutors/hub.toml", '[base]\nengine = "echo"\n\n[defaults.train]\nmax_steps = 2\n')
    for name in ("sumas", "restas"):
        make_tutor_folder(folder / "tutors" / name)
    list(train_tutors([tutor_of(folder, "sumas"), tutor_of(folder, "restas")], load_test_plugins()))
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of its own with both tutors trained, the current folder."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def script(trained: Path, hub: Hub) -> Chat:
    """``script("hola", "/salir", "--plain")`` pipes the lines without dashes in front into ``hub chat sumas``."""

    def run(*lines: str, options: Sequence[str] = ("sumas",)) -> Outcome:
        return hub("chat", *options, input="".join(f"{line}\n" for line in lines))

    return run


@pytest.fixture
def sitting(trained: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """The same with somebody at the terminal, who answers the short questions with ``choices``; KeyboardInterrupt presses Ctrl-C."""

    def run(*lines: str | type[BaseException], options: Sequence[str] = ("sumas",), choices: Sequence[str] = ()) -> Outcome:
        prompts: list[str] = []

        def reading(things: Sequence[str | type[BaseException]]) -> Callable[[str], str]:
            left: Iterator[str | type[BaseException]] = iter(things)

            def read(prompt: str) -> str:
                prompts.append(prompt)
                thing = next(left, EOFError)
                if isinstance(thing, str):
                    return thing
                raise thing

            return read

        monkeypatch.setattr(chat, "at_terminal", lambda: True)
        monkeypatch.setattr(chat, "keyboard", lambda desk: Keyboard(reading(lines), reading(choices)))
        done = hub("chat", *options)
        run.prompts = prompts  # type: ignore[attr-defined]
        return done

    return run


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that reaches the engine."""
    seen: list[Request] = []
    submit = EchoEngine.submit

    def watched(engine: EchoEngine, request: Request) -> object:
        seen.append(request)
        return submit(engine, request)

    monkeypatch.setattr(EchoEngine, "submit", watched)
    return seen


def judged(workspace: Path, name: str, *, on_fail: str = "show") -> None:
    folder = workspace / "tutors" / name
    write(folder / "validator.py", JUDGE)
    settings = (folder / "tutor.toml").read_text().replace("use = []", f'use = ["unidades"]\non_fail = "{on_fail}"')
    write(folder / "tutor.toml", settings)


def documents(outcome: Outcome) -> list[dict[str, object]]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def said(request: Request) -> list[str]:
    return [message.content for message in request.messages]


# --- scripts -------------------------------------------------------------------------------------


def test_answers_go_to_stdout_and_all_else_to_stderr(script: Chat) -> None:
    done = script("hola", "", "adiós")
    assert (done.code, done.out) == (0, "[sumas] hola\n[sumas] adiós\n")
    assert "> " not in done.err, "no prompt in a script"


def test_a_block_is_one_question(script: Chat) -> None:
    assert script('"""uno', "dos", '"""', "tres").out == "[sumas] uno\ndos\n[sumas] tres\n"


def test_a_mistake_does_not_end_a_script_but_is_its_exit_code(script: Chat) -> None:
    done = script("/tutor nadie", "hola", "/xyz")
    assert done.out == "[sumas] hola\n"
    assert done.code == 3, "that of the first mistake"
    assert "error: tutor 'nadie' not found" in done.err and "error: there is no command /xyz" in done.err


def test_leaving_ends_at_once(script: Chat) -> None:
    for word in ("/salir", "/exit", "/quit", "/bye"):
        assert script(word, "nunca").out == ""


def test_json_gives_a_document_for_each_turn_and_for_each_mistake(script: Chat) -> None:
    first, second, third = documents(script("hola", "/tutro", "adiós", options=("sumas", "--json")))
    assert (first["tutor"], first["question"], first["answer"]) == ("sumas", "hola", "[sumas] hola")
    assert first["run"] and first["finish"] == "stop" and first["stopped"] is False and first["completion_tokens"] == 2
    assert second["error"]["code"] == "usage" and "/tutor" in second["error"]["hint"]  # type: ignore[index]
    assert third["answer"] == "[sumas] adiós"


def test_commands_in_json_say_what_they_did(script: Chat) -> None:
    lines = ("hola", "/tutores", "/tutor restas", "/set top_p=0.5", "/sistema", "/verificar", "/guardar x.json", "/abrir x.json")
    found = documents(script(*lines, options=("sumas", "--json")))
    assert [line.get("command") for line in found] == [None, "tutors", "tutor", "set", "system", None, None, None]
    assert all("error" in line for line in found[-3:]), "nothing to judge and to save in a fresh conversation, so nothing to open"


def test_an_untrained_tutor_says_what_to_type(workspace: Path, hub: Hub) -> None:
    done = hub("chat", "sumas", input="hola\n")
    assert done.code == 3
    assert "hub train sumas" in done.err


def test_quiet_leaves_the_answers_only(script: Chat) -> None:
    done = script("hola", options=("sumas", "-q"))
    assert (done.out, done.err) == ("[sumas] hola\n", "")


def test_an_answer_cannot_steer_the_terminal(script: Chat) -> None:
    assert script("hola \033]0;título\007 x\u202ey").out == "[sumas] hola ]0;título xy\n"


# --- commands: who answers -----------------------------------------------------------------------


def test_a_switch_acts_at_once_with_its_system_prompt_and_a_fresh_history(script: Chat, requests: list[Request]) -> None:
    done = script("uno", "/tutor restas", "dos")
    assert done.out == "[sumas] uno\n[restas] dos\n"
    assert "sumas -> restas · Restas" in done.err
    assert said(requests[-1]) == ["Eres el tutor de restas.", "dos"]


def test_a_switch_may_keep_the_history_and_then_the_new_tutor_is_told(script: Chat, requests: list[Request]) -> None:
    for option in ("--mantener", "--keep"):
        done = script("uno", f"/tutor restas {option}", "dos")
        system, *turns = said(requests[-1])
        assert system.startswith("Eres el tutor de restas.") and "sumas" in system
        assert turns == ["uno", "[sumas] uno", "dos"]
        assert "── from here on restas" in done.err


def test_a_failed_switch_keeps_tutor_history_and_system_prompt(trained: Path, script: Chat, requests: list[Request]) -> None:
    run = store.list_runs(trained / "tutors/restas")[0].folder
    (run / "adapter_model.safetensors").write_bytes(b"broken")
    done = script("uno", "/sistema Sé breve.", "/tutor restas", "/tutor rastas", "/tutor sumas --mantenr", "dos")
    assert done.out == "[sumas] uno\n[sumas] dos\n"
    assert "did you mean 'restas'?" in done.err and "--mantenr" in done.err
    assert said(requests[-1]) == ["Sé breve.", "uno", "[sumas] uno", "dos"]


def test_without_a_name_it_says_who_has_the_word(script: Chat) -> None:
    assert script("/tutor").out.startswith("sumas · Sumas · run 2")


def test_the_tutors_are_listed_with_what_they_need(trained: Path, script: Chat) -> None:
    for file in (trained / "tutors/restas/runs").rglob("manifest.json"):
        file.unlink()
    out = script("/tutores").out
    assert "* sumas" in out
    assert "hub train restas" in out


def test_the_prompt_shows_who_speaks(sitting: Chat) -> None:
    sitting("hola", "/tutor restas", "/tutor auto", "¿Cuánto es 2 y 3 en sumas?")
    assert sitting.prompts[:3] == ["sumas> ", "sumas> ", "restas> "]  # type: ignore[attr-defined]
    assert sitting.prompts[3] == "auto(restas)> "  # type: ignore[attr-defined]


# --- commands: the conversation ------------------------------------------------------------------


def test_a_new_conversation_forgets(script: Chat, requests: list[Request]) -> None:
    script("uno", "/nuevo", "dos")
    assert said(requests[-1]) == ["Eres el tutor de sumas.", "dos"]


def test_retry_asks_the_same_question_again(script: Chat, requests: list[Request]) -> None:
    done = script("uno", "/reintentar")
    assert done.out == "[sumas] uno\n[sumas] uno\n"
    assert said(requests[0]) == said(requests[1])


def test_retry_at_temperature_zero_says_what_to_change(script: Chat) -> None:
    assert "/set temperature=" in script("uno", "/set temperature=0", "/reintentar").err


def test_undo_takes_back_question_and_answer(script: Chat, requests: list[Request]) -> None:
    done = script("uno", "dos", "/deshacer", "tres")
    assert "taken back: dos" in done.err
    assert said(requests[-1]) == ["Eres el tutor de sumas.", "uno", "[sumas] uno", "tres"]


@pytest.mark.parametrize("line", ["/reintentar", "/deshacer", "/verificar", "/estadisticas", "/guardar"])
def test_what_needs_an_answer_says_so(script: Chat, line: str) -> None:
    done = script(line)
    assert done.code == 2
    assert done.err.count("error:") == 1


def test_edit_asks_what_the_editor_leaves_in_place_of_the_last_question(
    sitting: Chat, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = []

    def edit(text: str, **options: object) -> str:
        offered.append(text)
        return "dos\n"

    monkeypatch.setattr("click.edit", edit)
    sitting("uno", "/editar")
    assert offered == ["uno"]
    assert said(requests[-1]) == ["Eres el tutor de sumas.", "dos"]


def test_an_edited_question_that_is_not_answered_leaves_the_last_one(
    sitting: Chat, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.edit", lambda text, **options: "palabra " * 3000)
    done = sitting("uno", "/editar", "dos")
    assert done.err.count("error:") == 1
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "dos"]


@pytest.mark.parametrize("left", [None, "", "uno\n"])
def test_an_edit_that_changes_nothing_asks_nothing(
    sitting: Chat, requests: list[Request], monkeypatch: pytest.MonkeyPatch, left: str | None
) -> None:
    monkeypatch.setattr("click.edit", lambda text, **options: left)
    done = sitting("uno", "/editar")
    assert len(requests) == 1
    assert "nothing was changed" in done.err


def test_the_editor_of_the_user_is_called(sitting: Chat, requests: list[Request], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("a shell script as editor")
    editor = write(tmp_path / "editor.sh", '#!/bin/sh\nprintf "escrito" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    sitting("/editar")
    assert said(requests[-1])[-1] == "escrito"


def test_a_missing_editor_and_a_script_are_told_what_to_do(sitting: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    assert "EDITOR" in sitting("uno", "/editar").err


def test_an_editor_needs_a_terminal(script: Chat) -> None:
    assert "needs a terminal" in script("uno", "/editar").err


# --- commands: how it answers --------------------------------------------------------------------


def test_settings_change_the_next_answer_also_of_the_next_tutor(script: Chat, requests: list[Request]) -> None:
    script("/set temperature=0.2 top_p = 0.5", "/set max_new_tokens 7", "/set seed=5", "uno", "/tutor restas", "dos", "/set seed=", "tres")
    sampling = requests[0].sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_new_tokens, sampling.seed) == (0.2, 0.5, 7, 5)
    assert requests[1].sampling == sampling
    assert requests[2].sampling.seed is None


def test_the_style_reaches_the_validator(trained: Path, script: Chat) -> None:
    judged(trained, "sumas")
    file = trained / "tutors/sumas/validator.py"
    write(file, JUDGE.replace('extracted="3 m"', "extracted=attempt.style"))
    assert "guiado" in script("uno").err
    assert "resuelto" in script("/set style=resuelto", "uno").err


def test_all_settings_are_shown(script: Chat) -> None:
    out = script("/set temperature=0.75", "/set").out
    for key in ("temperature = 0.75 *", "top_p = 0.9", "repetition_penalty =", "max_new_tokens =", "style = guiado", "seed ="):
        assert key in out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/set temperature=9", "above 5"),
        ("/set temperature=-1", "below 0"),
        ("/set temperature=hot", "must be a number"),
        ("/set temperature=nan", "finite"),
        ("/set max_new_tokens=0", "below 1"),
        ("/set max_new_tokens=1.5", "whole number"),
        ("/set style=breve", "guiado"),
        ("/set tempratura=1", "did you mean temperature?"),
        ("/set seed=-4", "whole number"),
        ("/set top_p", "what is its value?"),
        ("/set top_p=0.5 temperature=9", "above 5"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed_and_changes_nothing(script: Chat, requests: list[Request], line: str, words: str) -> None:
    done = script("antes", line, "después")
    assert words in done.err
    assert done.code == 2
    assert requests[0].sampling == requests[1].sampling


def test_the_system_prompt_is_shown_replaced_and_brought_back(script: Chat, requests: list[Request]) -> None:
    done = script("/sistema show", "/system Sé breve.", "uno", "/sistema", "/sistema reset", "dos")
    assert done.out.splitlines() == ["Eres el tutor de sumas.", "[sumas] uno", "Sé breve.", "[sumas] dos"]
    assert [said(request)[0] for request in requests] == ["Sé breve.", "Eres el tutor de sumas."]


def test_a_replaced_system_prompt_goes_with_the_tutor(script: Chat, requests: list[Request]) -> None:
    script("/sistema Sé breve.", "/tutor restas", "uno", "/tutor sumas", "dos")
    assert [said(request)[0] for request in requests] == ["Eres el tutor de restas.", "Eres el tutor de sumas."]


def test_statistics_of_one_answer_and_of_all(script: Chat) -> None:
    done = script("uno", "/estadisticas", "/stats on", "dos", "/stats off", "tres", "/stats maybe")
    assert "tokens in" in done.out and "sumas@2" in done.out and "context:" in done.out
    assert done.err.count("tokens in") == 1
    assert "takes on or off" in done.err


# --- verdicts ------------------------------------------------------------------------------------


def test_a_badge_follows_an_answer_that_can_be_checked(trained: Path, script: Chat) -> None:
    judged(trained, "sumas")
    done = script("está bien", "está mal")
    assert done.out == "[sumas] está bien\n[sumas] está mal\n"
    assert [line[0] for line in done.err.splitlines() if line[:1] in "✓✗?"] == ["✓", "✗"]
    assert "✗ Falta la unidad." in done.err


def test_where_nothing_can_be_checked_there_is_no_badge(script: Chat) -> None:
    assert not [line for line in script("hola").err.splitlines() if line[:1] in "✓✗?"]


def test_the_whole_verdict_is_shown_on_demand(trained: Path, script: Chat) -> None:
    judged(trained, "sumas")
    out = script("está bien", "/verificar").out
    for word in ("correct", "Está la unidad.", "3 m", "computed"):
        assert word in out


def test_with_retries_the_better_answer_is_shown_alone(trained: Path, script: Chat) -> None:
    judged(trained, "sumas", on_fail="retry")
    done = script("está mal", options=("sumas", "--json"))
    (document,) = documents(done)
    assert document["answer"] == "[sumas] Pon la unidad: bien"
    assert (document["retries"], document["verdict"]["outcome"]) == (1, "correct")  # type: ignore[index]


def test_a_cut_off_answer_says_how_to_get_more(script: Chat) -> None:
    done = script("/set max_new_tokens=2", "uno dos tres")
    assert done.out.splitlines()[-1] == "[sumas] uno"
    assert "/set max_new_tokens=4" in done.err


def test_a_question_that_a_crash_left_unanswered_is_asked_again_by_retry(script: Chat, requests: list[Request], hub: Hub) -> None:
    script("uno")
    log = ConversationLog(log_path())
    log.append(log.list()[0].id, 2, Turn("user", "dos", when="2026-11-21T10:00:00Z"))
    log.close()
    done = script("/reintentar", "/reintentar", "tres", "/reintentar", options=("-c",))
    assert "without an answer: dos (/reintentar asks it again)" in done.err
    assert [said(request)[-1] for request in requests[1:]] == ["dos", "dos", "tres", "tres"]


def test_an_unanswered_question_is_what_the_editor_offers(
    script: Chat, sitting: Chat, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    script("uno")
    log = ConversationLog(log_path())
    log.append(log.list()[0].id, 2, Turn("user", "dos", when="2026-11-21T10:00:00Z"))
    log.close()
    monkeypatch.setattr("click.edit", lambda text, **options: f"{text} y medio")
    sitting("/editar", options=("-c",))
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "dos y medio"]


# --- auto ----------------------------------------------------------------------------------------


def test_auto_routes_each_question_and_says_why(script: Chat) -> None:
    done = script("¿Cuánto es 2 y 3 en sumas?", "¿Cuánto es 4 y 5 en restas?", options=("auto",))
    assert done.out.splitlines() == ["[sumas] ¿Cuánto es 2 y 3 en sumas?", "[restas] ¿Cuánto es 4 y 5 en restas?"]
    assert "→ sumas" in done.err and "→ restas" in done.err


def test_auto_in_json_names_the_route(script: Chat) -> None:
    (document,) = documents(script("¿Cuánto es 4 y 5 en restas?", options=("auto", "--json")))
    assert document["tutor"] == document["route"]["tutor"] == "restas"  # type: ignore[index]


def test_an_unsure_auto_skips_in_a_script_and_says_so(script: Chat) -> None:
    done = script("zzz qqq", options=("auto",))
    assert done.out == ""
    assert "skipped" in done.err and "/tutor NAME" in done.err
    assert done.code == 2, "a question without an answer is no success"
    (document,) = documents(script("zzz qqq", options=("auto", "--json")))
    assert document["answer"] is None and document["skipped"] is True


@pytest.mark.parametrize(("choice", "tutor"), [("1", None), ("restas", "restas"), ("sumas", "sumas")])
def test_an_unsure_auto_asks_whoever_sits_there(sitting: Chat, choice: str, tutor: str | None) -> None:
    done = sitting("zzz qqq", options=("auto",), choices=("nadie", "9", choice))
    assert "1  " in done.out and "2  " in done.out
    assert (f"[{tutor}] zzz qqq" if tutor else "] zzz qqq") in done.out


def test_nobody_may_be_chosen(sitting: Chat) -> None:
    for choices in (("",), (), ("7", "")):
        done = sitting("zzz qqq", options=("auto",), choices=choices)
        assert "] zzz" not in done.out
        assert "the question was not asked" in done.err


def test_auto_leaves_untrained_tutors_out(trained: Path, script: Chat, hub: Hub) -> None:
    for file in (trained / "tutors/restas/runs").rglob("manifest.json"):
        file.unlink()
    done = script("¿Cuánto es 2 y 3 en sumas?", options=("auto",))
    assert "auto leaves out restas" in done.err and "hub train restas" in done.err
    for file in (trained / "tutors/sumas/runs").rglob("manifest.json"):
        file.unlink()
    none = hub("chat", "auto")
    assert none.code == 3 and "hub train" in none.err


def test_auto_called_again_knows_who_was_trained_meanwhile(trained: Path, sitting: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, away = trained / "tutors/restas/runs", trained / "away"
    runs.rename(away)
    monkeypatch.setattr("click.edit", lambda text, **options: away.rename(runs) and None)
    done = sitting("/editar", "/tutor auto", "¿Cuánto es 4 y 5 en restas?", options=("auto",))
    assert "[restas] ¿Cuánto es 4 y 5 en restas?" in done.out


def test_auto_starts_afresh_with_another_tutor_unless_told_otherwise(script: Chat, requests: list[Request]) -> None:
    first, second = "¿Cuánto es 2 y 3 en sumas?", "¿Cuánto es 4 y 5 en restas?"
    script(first, second, options=("auto",))
    assert said(requests[-1]) == ["Eres el tutor de restas.", second]
    script("/tutor auto --mantener", first, second)
    assert said(requests[-1])[1:] == [first, f"[sumas] {first}", second]


def test_a_name_ends_auto(sitting: Chat) -> None:
    sitting("/tutor restas", "hola", options=("auto",))
    assert sitting.prompts == ["auto> ", "restas> ", "restas> "]  # type: ignore[attr-defined]


# --- the bare base -------------------------------------------------------------------------------


def test_bare_talks_with_the_base_under_the_tutors_prompt(script: Chat, requests: list[Request]) -> None:
    assert script("hola", options=("sumas", "--bare")).out == "[base] hola\n"
    assert said(requests[0])[0] == "Eres el tutor de sumas."


def test_bare_needs_neither_training_nor_a_chosen_tutor(workspace: Path, hub: Hub, requests: list[Request]) -> None:
    assert hub("chat", "sumas", "--bare", input="hola\n").out == "[base] hola\n"
    assert hub("chat", "--bare", input="hola\n").out == "[base] hola\n"
    assert said(requests[-1]) == ["hola"], "nobody's system prompt"


def test_the_base_alone_is_called_base(script: Chat, requests: list[Request]) -> None:
    assert script("hola", options=("base",)).out == "[base] hola\n"
    assert said(requests[-1]) == ["hola"]
    script("uno", options=("-c",))
    assert said(requests[-1]) == ["hola", "[base] hola", "uno"]
    done = script("/tutor base", "hola", "/guardar x", "/tutor sumas", "/abrir x", "dos")
    assert done.out == "[base] hola\n[base] dos\n"
    assert said(requests[-1]) == ["hola", "[base] hola", "dos"]


def test_bare_and_auto_exclude_each_other(script: Chat) -> None:
    assert script(options=("auto", "--bare")).code == 2
    done = script("/tutor auto", "hola", options=("sumas", "--bare"))
    assert done.out == "[base] hola\n" and done.code == 2


# --- what stays ----------------------------------------------------------------------------------


def test_a_chat_goes_on_where_the_last_one_ended(script: Chat, requests: list[Request]) -> None:
    script("uno")
    done = script("dos", options=("-c",))
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "dos"]
    assert "going on after 2 turns" in done.err


def test_the_last_chat_with_a_tutor_and_a_chat_by_its_id(script: Chat, hub: Hub, requests: list[Request], trained: Path) -> None:
    script("uno")
    script("dos", options=("restas",))
    script("tres", options=("sumas", "--continue"))
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "tres"]
    from adapters_hub.conversations import ConversationLog

    log = ConversationLog(log_path())
    id = log.list(tutor="restas")[0].id
    log.close()
    script("cuatro", options=("--id", id))
    assert said(requests[-1])[1:] == ["dos", "[restas] dos", "cuatro"]


def test_another_tutor_may_go_on_with_a_chat_and_is_told(script: Chat, requests: list[Request]) -> None:
    from adapters_hub.conversations import ConversationLog

    script("uno")
    log = ConversationLog(log_path())
    id = log.list()[0].id
    log.close()
    done = script("dos", options=("restas", "--id", id))
    assert done.out == "[restas] dos\n"
    assert "sumas" in said(requests[-1])[0] and said(requests[-1])[1:3] == ["uno", "[sumas] uno"]


def test_nothing_to_go_on_with_is_an_error_before_the_base_is_loaded(script: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatRoom, "__init__", lambda *_: pytest.fail("the base was opened"))
    for options in (("-c",), ("sumas", "-c"), ("--id", "k7m2qd")):
        assert script(options=options).code == 3


def test_without_log_nothing_stays(script: Chat) -> None:
    script("secreto", options=("sumas", "--no-log"))
    assert not log_path().exists()
    assert script(options=("-c",)).code == 3


def test_the_first_chat_says_where_conversations_are_kept(script: Chat) -> None:
    assert str(log_path()) in script("uno").err
    assert str(log_path()) not in script("dos").err


def test_a_log_that_cannot_be_written_costs_the_log_only(script: Chat) -> None:
    log_path().parent.mkdir(parents=True)
    log_path().write_text("no database at all, but long enough to be looked at " * 20)
    done = script("uno")
    assert done.out == "[sumas] uno\n" and done.code == 0
    assert "not kept" in done.err


def test_a_conversation_is_saved_and_opened_again(script: Chat, requests: list[Request], trained: Path) -> None:
    done = script("uno", "/guardar charla", "/nuevo", "/tutor restas", "/abrir charla", "dos")
    assert "saved 2 turns in charla.json" in done.err
    assert done.out.splitlines()[-1] == "[sumas] dos"
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "dos"]
    assert json.loads((trained / "charla.json").read_text())["schema"] == 1


def test_a_file_has_a_name_of_its_own_and_is_never_overwritten(script: Chat, trained: Path) -> None:
    done = script("uno", "/guardar", "/guardar x.json", "/guardar x.json", "/guardar tutors")
    assert len(list(trained.glob("chat-sumas-*.json"))) == 1
    assert "x.json is there already" in done.err
    assert "is a folder" in done.err and not (trained / "tutors.json").exists()


@pytest.mark.parametrize("content", ["", "{}", "[1", '{"schema": 1, "kind": "adapters_hub conversations", "conversations": []}'])
def test_a_file_that_is_no_conversation_leaves_everything_as_it_is(
    script: Chat, requests: list[Request], trained: Path, content: str
) -> None:
    write(trained / "x.json", content)
    done = script("uno", "/abrir x.json", "/abrir nada.json", "/abrir", "dos")
    assert done.err.count("error:") == 3
    assert said(requests[-1])[1:] == ["uno", "[sumas] uno", "dos"]


# --- at the terminal -----------------------------------------------------------------------------


def test_ctrl_c_twice_at_the_prompt_says_how_to_leave(sitting: Chat) -> None:
    once, twice = sitting(KeyboardInterrupt, "hola"), sitting(KeyboardInterrupt, KeyboardInterrupt, "hola")
    assert "Ctrl-D or /salir leaves" not in once.err
    assert "Ctrl-D or /salir leaves" in twice.err
    assert "[sumas] hola" in twice.out


def test_a_mistake_at_the_terminal_is_not_the_exit_code(sitting: Chat) -> None:
    assert sitting("/xyz").code == 0


def test_the_help_lists_every_command_in_both_languages(script: Chat) -> None:
    from adapters_hub.cli._slash import names

    out = script("/ayuda").out
    assert all(name in out for name in names())
    assert "Ctrl-C" in out and '"""' in out
    assert script("/help").out == script("/?").out == out


def test_what_follows_a_command_that_takes_nothing_is_refused(script: Chat) -> None:
    done = script("/nuevo ya", "/salir ya", "hola")
    assert done.err.count("takes nothing after it") == 2
    assert done.out == "[sumas] hola\n"


def test_an_engine_that_gives_up_ends_the_answer_and_not_the_chat(script: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = EchoEngine.submit

    def failing(engine: EchoEngine, request: Request) -> object:
        if "falla" in request.messages[-1].content:
            raise HubError("out of memory", hint="ask something shorter")
        return submit(engine, request)

    monkeypatch.setattr(EchoEngine, "submit", failing)
    done = script("uno", "falla", "dos")
    assert done.out.split("\n") == ["[sumas] uno", "[sumas] dos", ""]
    assert "error: out of memory" in done.err and done.code == 1


def test_a_fault_of_the_program_is_told_and_the_sitting_goes_on(sitting: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EchoEngine, "tokens_left", lambda engine, request: 1 // 0 if len(request.messages) == 4 else 1000)
    done = sitting("uno", "dos", "/nuevo", "tres")
    assert "error: unexpected ZeroDivisionError" in done.err
    assert done.out.split("\n") == ["[sumas] uno", "[sumas] tres", ""]


def test_ctrl_c_ends_a_script_with_the_line_that_was_begun(script: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("adapters_hub.cli._talk.badge", interrupted)
    done = script("uno", "dos")
    assert (done.code, done.out) == (130, "[sumas] uno\n")


def test_the_history_of_what_was_typed_belongs_to_the_terminal(script: Chat) -> None:
    script("uno")
    assert not (Path(os.environ["HUB_HOME"]) / HISTORY_FILE).exists()
