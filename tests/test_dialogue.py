"""Conversations from Python: what is remembered, what a switch keeps, how an answer is stopped."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, make_tutor_folder

from adapters_hub import training
from adapters_hub.chatting import ChatRoom
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.hub import Hub, open_workspace


@pytest.fixture
def hub(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(training, "draw_loss", lambda *words, **more: None)  # half a second each
    with open_workspace(workspace, plugins=load_test_plugins(), progress=False) as hub:
        hub.train_together(["sumas", "restas"], max_steps=1)
        yield hub


def said(talk: Any) -> list[str]:
    return [turn.content for turn in talk.turns]


def test_turns_are_remembered_and_say_who_spoke(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    talk.ask("uno")
    talk.ask("dos")
    assert said(talk) == ["uno", "[sumas] uno", "dos", "[sumas] dos"]
    assert [turn.tutor for turn in talk.turns] == ["", "sumas", "", "sumas"]


def test_two_conversations_know_nothing_of_each_other(hub: Hub) -> None:
    one, other = hub.conversation("sumas"), hub.conversation("sumas")
    one.ask("uno")
    other.ask("dos")
    assert (said(one), said(other)) == (["uno", "[sumas] uno"], ["dos", "[sumas] dos"])


def test_a_switch_acts_at_once_and_begins_anew(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    talk.ask("uno")
    talk.switch("restas")
    assert talk.turns == ()
    talk.ask("dos")
    assert said(talk) == ["dos", "[restas] dos"]


def test_a_switch_may_keep_what_was_said(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    talk.ask("uno")
    talk.switch("restas", keep=True)
    talk.ask("dos")
    assert [turn.tutor for turn in talk.turns] == ["", "sumas", "", "restas"]


def test_a_failed_switch_keeps_the_former_tutor_and_its_turns(workspace: Path, hub: Hub) -> None:
    make_tutor_folder(workspace / "tutors/nuevo")
    talk = hub.conversation("sumas")
    talk.ask("uno")
    for name in ("nadie", "nuevo"):
        with pytest.raises(NotFoundError):
            talk.switch(name)
    assert (talk.name, len(talk.turns)) == ("sumas", 2)


def test_a_question_can_be_taken_back_and_asked_again(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    with pytest.raises(UsageError):
        talk.retry()
    talk.ask("uno")
    assert talk.retry().text == "[sumas] uno"
    assert len(talk.turns) == 2
    assert talk.undo() == "uno"
    assert (talk.turns, talk.undo()) == ((), None)


def test_an_empty_question_is_refused_where_it_is_asked(hub: Hub) -> None:
    with pytest.raises(UsageError, match="question"):
        hub.conversation("sumas").stream(" \n")


def test_a_stream_that_is_closed_keeps_what_there_is(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    with talk.stream("uno dos tres cuatro") as stream:
        next(stream)
    assert said(talk) == ["uno dos tres cuatro", "[sumas]"]
    assert talk.turns[-1].stopped or talk.turns[-1].content == "[sumas]"
    with pytest.raises(UsageError, match="closed"):
        stream.whole()
    assert talk.ask("cinco").text == "[sumas] cinco"


def test_a_second_question_in_the_middle_of_an_answer_is_refused(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    stream = talk.stream("uno dos")
    next(stream)
    with pytest.raises(UsageError, match="under way"):
        talk.ask("tres")
    assert stream.whole().text == "[sumas] uno dos"
    assert len(talk.turns) == 2


@pytest.mark.parametrize("act", ["undo", "fresh", "retry", "switch"])
def test_nothing_is_taken_away_from_under_an_answer(hub: Hub, act: str) -> None:
    talk = hub.conversation("sumas")
    talk.ask("hola")
    stream = talk.stream("uno dos")
    next(stream)
    with pytest.raises(UsageError, match="under way"):
        talk.switch("restas") if act == "switch" else getattr(talk, act)()
    assert stream.whole().text == "[sumas] uno dos"
    assert said(talk) == ["hola", "[sumas] hola", "uno dos", "[sumas] uno dos"]


def test_a_stream_that_is_never_begun_holds_nothing_up(hub: Hub) -> None:
    talk = hub.conversation("sumas")
    talk.stream("uno")
    assert talk.ask("dos").text == "[sumas] dos"
    hub.train("sumas", max_steps=1)


def test_auto_finds_a_tutor_for_each_question_and_a_new_one_begins_anew(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters_hub.router import Route, Router

    monkeypatch.setattr(Router, "route", lambda self, question, present=None: Route(question.split()[0], "", ()))
    talk = hub.conversation("auto")
    talk.ask("sumas uno")
    talk.ask("sumas dos")
    assert len(talk.turns) == 4
    talk.ask("restas tres")
    assert said(talk) == ["restas tres", "[restas] restas tres"]
    assert talk.retry().text == "[restas] restas tres"


def test_leaving_an_asynchronous_loop_stops_the_answer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    slow = ChatRoom.say

    def say(self: ChatRoom, seat: Any, turns: Any, hidden: Any = ()) -> Any:
        found = slow(self, seat, turns, hidden)

        class Slow:
            def __iter__(self) -> Iterator[str]:
                try:
                    for piece in found.ticket:
                        yield piece
                        time.sleep(0.2)
                finally:
                    ended.set()

            def __getattr__(self, name: str) -> Any:
                return getattr(found.ticket, name)

        return type(found)(Slow(), found.forgotten)

    monkeypatch.setattr(ChatRoom, "say", say)
    talk = hub.conversation("sumas")

    async def lesson() -> None:
        async for _ in talk.astream(" ".join(map(str, range(100)))):
            break
        gc.collect()
        await asyncio.sleep(0)

    begun = time.perf_counter()
    asyncio.run(lesson())
    while not talk.turns or talk.turns[-1].role != "assistant":
        assert time.perf_counter() - begun < 10
        time.sleep(0.01)
    assert len(said(talk)[-1]) < 100, "it was stopped long before its end"
    hub.train("sumas", max_steps=1)


def test_a_fault_of_the_engine_reaches_whoever_asked_and_forgets_the_question(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: Any, **more: Any) -> Any:
        raise HubError("no more paper")

    talk = hub.conversation("sumas")
    monkeypatch.setattr(ChatRoom, "say", fail)
    with pytest.raises(HubError, match="paper"):
        talk.ask("uno")
    monkeypatch.undo()
    assert talk.turns == ()
    assert talk.ask("dos").text == "[sumas] dos"
