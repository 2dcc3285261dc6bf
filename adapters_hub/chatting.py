"""The chat room: one open engine, tutors taking turns, conversations that fit the context.

Knows tutors, runs and validators; knows neither terminals nor tensors. The engine keeps no "current" tutor: each question
names the adapter it is for, so changing tutor costs nothing but naming another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters_hub import store
from adapters_hub.contracts import Engine, Request, Sampling
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.plugins import Plugins
from adapters_hub.types import Adapter, BaseModel, Message, Tutor

INVISIBLE = dict.fromkeys({*range(32), *range(127, 160)} - {9, 10})
"""Control characters: an answer is untrusted text and must not steer a terminal."""
LEAST_ROOM = 48
"""Tokens that must be left for an answer before older turns are forgotten."""


class ChatRoom:
    """One base in memory and the tutors that were asked so far."""

    def __init__(self, base: BaseModel, plugins: Plugins) -> None:
        """Open the engine: the only slow moment."""
        self.base, self.plugins = base, plugins
        self.engine: Engine = plugins.engine(base.engine).open(base)
        self._seated: dict[str, Path] = {}

    def seat(self, tutor: Tutor, adapter: Adapter | None) -> None:
        """Attach the tutor's adapter unless this very run is attached already. None leaves the bare base.

        Raises UsageError for another base and whatever the engine refuses; the former tutor stays usable."""
        if tutor.base != self.base:
            raise UsageError(f"tutor '{tutor.name}' wants the base '{tutor.base.model}', this room has '{self.base.model}'")
        if adapter is not None and self._seated.get(tutor.name) != adapter.folder:
            self.engine.attach(replace(adapter, name=tutor.name))
            self._seated[tutor.name] = adapter.folder

    def answer(self, tutor: Tutor, turns: Sequence[Message], *, bare: bool = False, sampling: Sampling | None = None) -> Iterator[str]:
        """Stream the answer to the last of ``turns`` (user and assistant in turn, no system turn).

        The oldest turns are forgotten when the context is full. ``bare`` asks the base without the adapter."""
        adapter = None if bare else tutor.name
        request = Request(self._messages(tutor, turns), adapter, sampling or sampling_of(tutor))
        while self.engine.tokens_left(request) < LEAST_ROOM and len(turns) > 2:
            turns = turns[2:]
            request = replace(request, messages=self._messages(tutor, turns))
        for piece in self.engine.stream(request):
            if shown := piece.translate(INVISIBLE):
                yield shown

    def close(self) -> None:
        self.engine.close()

    @staticmethod
    def _messages(tutor: Tutor, turns: Sequence[Message]) -> tuple[Message, ...]:
        system = (Message("system", tutor.system_prompt),) if tutor.system_prompt else ()
        return (*system, *turns)


@dataclass
class Conversation:
    """Turns of one student with one tutor."""

    turns: list[Message] = field(default_factory=list)

    def ask(self, room: ChatRoom, tutor: Tutor, question: str, *, bare: bool = False) -> Iterator[str]:
        """Stream the answer and remember both turns; an answer cut short keeps what was shown, an empty one forgets the question."""
        self.turns.append(Message("user", question))
        pieces: list[str] = []
        try:
            for piece in room.answer(tutor, self.turns, bare=bare):
                pieces.append(piece)
                yield piece
        finally:
            text = "".join(pieces).strip()
            if text:
                self.turns.append(Message("assistant", text))
            else:
                self.turns.pop()


def chosen_adapter(tutor: Tutor, run_id: str | None = None) -> Adapter:
    """The adapter of the tutor's run in force (or of ``run_id``), its files verified.

    Raises NotFoundError when the tutor has not been trained."""
    run = store.chosen_run(tutor.folder, run_id)
    if run is None:
        raise NotFoundError(f"tutor '{tutor.name}' has not been trained yet", hint=f"hub train {tutor.name}")
    return store.adapter_of(tutor.name, run)


def sampling_of(tutor: Tutor) -> Sampling:
    """The tutor's ``[chat]`` settings as the engine wants them."""
    chat = tutor.chat
    return Sampling(chat.temperature, chat.top_p, chat.repetition_penalty, chat.max_new_tokens)
