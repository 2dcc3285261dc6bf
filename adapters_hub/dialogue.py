"""A conversation with a tutor from Python: asked and answered at once, piece by piece, or piece by piece within an event loop.

Stands on the chat room's conversations, as ``hub chat`` does. Knows nothing of how a base gets into memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from adapters_hub.answers import Answer, Answered, ChatEvent, Piece
from adapters_hub.chatting import ChatRoom, Conversation, Seat
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.router import AUTO, Route
from adapters_hub.shared_room import SharedRoom, check_sampling
from adapters_hub.transcripts import Turn
from adapters_hub.types import Adapter, Tutor

Begin = Callable[[ChatRoom, Seat, Callable[[], bool]], Iterator[ChatEvent]]
"""Asks a question in a room, given somebody who says whether to stop."""
Pick = Callable[[str, str | None], Route]
"""Which tutor a question is for; the second argument is the one who has the word."""


class AnswerStream(Iterator[str]):
    """An answer on its way: iterate for its pieces; ``answer`` is the whole of it, with the verdict, once they are all read."""

    def __init__(self, events: Iterator[ChatEvent], stop: Callable[[], None] = lambda: None) -> None:
        self._events, self._stop = events, stop
        self.answer: Answer | None = None

    def __next__(self) -> str:
        for event in self._events:
            if isinstance(event, Piece):
                return event.text
            if isinstance(event, Answered):
                self.answer = event.answer
        raise StopIteration

    def whole(self) -> Answer:
        """Read what is left; the whole answer."""
        for _ in self:
            pass
        if self.answer is None:
            raise UsageError("the stream was closed before the answer was whole")
        return self.answer

    def close(self) -> None:
        """Stop: the engine ends within one token, and a conversation keeps what there is."""
        self._stop()
        close = getattr(self._events, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class AsyncAnswerStream:
    """The same for an event loop, which is never blocked: ``async for piece in stream``, once. Leaving the loop stops the answer."""

    def __init__(self, begin: Callable[[Callable[[], bool]], Iterator[ChatEvent]]) -> None:
        self._begin = begin
        self.answer: Answer | None = None

    def __aiter__(self) -> AsyncIterator[str]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[ChatEvent | BaseException | None] = asyncio.Queue()
        stopped = threading.Event()

        def tell(news: ChatEvent | BaseException | None) -> None:
            with suppress(RuntimeError):  # a loop that was closed meanwhile: nobody listens any more
                loop.call_soon_threadsafe(arrived.put_nowait, news)

        def work() -> None:
            try:
                for event in self._begin(stopped.is_set):
                    tell(event)
                tell(None)
            except BaseException as error:  # raised again in the loop
                tell(error)

        threading.Thread(target=work, name="hub-astream", daemon=True).start()
        try:
            while (news := await arrived.get()) is not None:
                if isinstance(news, BaseException):
                    raise news
                if isinstance(news, Piece):
                    yield news.text
                elif isinstance(news, Answered):
                    self.answer = news.answer
        finally:
            stopped.set()


class Dialogue:
    """A conversation that remembers its turns. One question at a time; several dialogues may be held at once from several threads."""

    def __init__(self, shared: SharedRoom, pick: Pick, name: str, *, bare: bool = False, sampling: Mapping[str, Any] | None = None) -> None:
        """``name``: a tutor's, or ``auto`` to let each question find its own. ``bare`` asks the base without adapters.

        ``sampling`` overrules ``[chat]``: temperature, top_p, repetition_penalty, max_new_tokens, seed.
        Raises NotFoundError for a tutor that there is not or that has not been trained, UsageError for a bad setting."""
        self._shared, self._pick = shared, pick
        self._sampling = check_sampling(sampling or {})
        self._held = Conversation()
        self._speaker: str | None = None
        """Which tutor was asked last."""
        self._busy = threading.Lock()
        """Held while an answer is under way."""
        self.bare = bare
        self.name = name
        if name != AUTO:
            self._ready(name)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said, questions and answers in turn; an answer's turn says which tutor gave it and what the verdict was."""
        return tuple(self._held.turns)

    def ask(self, question: str, *, expected: Any = None, judged: bool = True) -> Answer:
        """The whole answer, judged by the tutor's validator (``answer.verdict``) unless ``judged`` is False.

        ``expected``: what a right answer says, for the validator. Raises HubError: what keeps the tutor from answering, what mends it."""
        return self.stream(question, expected=expected, judged=judged).whole()

    def stream(self, question: str, *, expected: Any = None, judged: bool = True) -> AnswerStream:
        """The answer piece by piece; ``stream.answer`` has the verdict at the end. A tutor that retries shows nothing before it is done."""
        stopped = threading.Event()
        return AnswerStream(self._begun(question, expected, judged, stopped.is_set), stopped.set)

    def astream(self, question: str, *, expected: Any = None, judged: bool = True) -> AsyncAnswerStream:
        """``stream`` for ``async for``, in any event loop, a notebook's included."""
        return AsyncAnswerStream(lambda stopped: self._begun(question, expected, judged, stopped))

    def retry(self) -> Answer:
        """Ask the last question again; the new answer takes the place of the old one. Raises UsageError where there is none."""
        self._check_free()
        if not self.turns:
            raise UsageError("there is no answer to try again")
        tutor, adapter = self._ready(self._speaker or self.name)
        return AnswerStream(
            self._in_room(tutor, adapter, lambda room, seat, stopped: self._held.retry(room, seat, stopped=stopped))
        ).whole()

    def undo(self) -> str | None:
        """Take back the last question and its answer; returns the question, None where there is none."""
        self._check_free()
        return self._held.undo()

    def fresh(self) -> None:
        """Forget everything that was said."""
        self._check_free()
        self._held.fresh()
        self._speaker = None

    def switch(self, name: str, *, keep: bool = False) -> None:
        """Go on with another tutor: with a fresh history, or with ``keep`` with the same, and then it is told who spoke before.

        Raises NotFoundError, and then the former tutor stays."""
        self._check_free()
        if name != AUTO:
            self._ready(name)
        if not keep and name != self.name:
            self.fresh()
        self.name = name

    def _begun(self, question: str, expected: Any, judged: bool, stopped: Callable[[], bool]) -> Iterator[ChatEvent]:
        """The tutor is found at once, so that what is wrong with it is raised where the question is asked."""
        if not isinstance(question, str) or not question.strip():
            raise UsageError("what is the question?")
        self._check_free()
        name = self._addressee(question)
        tutor, adapter = self._ready(name)
        if self.name == AUTO and self._speaker not in (None, name):
            self.fresh()
        self._speaker = name
        return self._in_room(tutor, adapter, partial(self._ask, question, expected, judged), stopped)

    def _ask(
        self, question: str, expected: Any, judged: bool, room: ChatRoom, seat: Seat, stopped: Callable[[], bool]
    ) -> Iterator[ChatEvent]:
        return self._held.ask(room, seat, question, expected=expected, judged=judged, stopped=stopped)

    def _in_room(
        self, tutor: Tutor, adapter: Adapter | None, begin: Begin, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[ChatEvent]:
        if not self._busy.acquire(blocking=False):
            raise _under_way()
        try:
            with self._shared.guest() as room:
                yield from begin(room, self._shared.seat(room, tutor, adapter, self._sampling), stopped)
        finally:
            self._busy.release()

    def _check_free(self) -> None:
        """Raises UsageError in the middle of an answer, whose question nobody may take away."""
        if self._busy.locked():
            raise _under_way()

    def _ready(self, name: str) -> tuple[Tutor, Adapter | None]:
        """The tutor and the adapter that answer under the name, as they are on disk now."""
        tutor = self._shared.tutor(name)
        return tutor, None if self.bare else self._shared.adapter(tutor)

    def _addressee(self, question: str) -> str:
        """The tutor, or the one that the question finds."""
        if self.name != AUTO:
            return self.name
        route = self._pick(question, self._speaker)
        if route.tutor is None:
            names = ", ".join(name for name, _ in route.candidates)
            raise NotFoundError(f"no tutor was found for the question: {route.why}", hint=f"name one of {names}")
        return route.tutor


def _under_way() -> UsageError:
    return UsageError("the answer before is still under way", hint="read it to its end, or close() the stream")
