"""An answer on its way, seen from both ends: the model's thread writes it, any thread or event loop reads it.

Knows nothing of how answers are computed; see ``contracts.Ticket`` for the promises.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Literal

from adapters_hub.contracts import Completion, Request
from adapters_hub.engine.answer_text import AnswerText
from adapters_hub.engine.generation import Decoded

GLANCE = 0.2
"""Seconds after which a waiting thread looks up, so that Ctrl-C gets through where a lock alone would not let it."""


class AnswerTicket:
    """One request, its prompt in tokens, and its answer as far as it has come."""

    def __init__(
        self, request: Request, ids: tuple[int, ...], text: AnswerText, *, limit: int, opening: int, cancel: Callable[[AnswerTicket], None]
    ) -> None:
        """``limit``: tokens of the answer at most. ``opening``: how many first tokens of ``ids`` come before what the user says.
        ``cancel`` is told that nobody wants the answer any more."""
        self.request, self.ids, self.limit, self.opening = request, ids, limit, opening
        self.adapter, self.user = request.adapter, request.user
        self.cancelled = False
        self.reused = 0
        """Tokens of the prompt that were kept from before."""
        self._cancel = cancel
        self._text = text
        self._arrived = time.perf_counter()
        self._first_token = 0.0
        self._last_piece = ""
        self._pieces: list[str] = []
        self._completion: Completion | None = None
        self._error: BaseException | None = None
        self._listeners: list[Callable[[], None]] = []
        self._change = threading.Condition()

    # --- reading ---

    def __iter__(self) -> Iterator[str]:
        place = 0
        while True:
            with self._change:
                while place == len(self._pieces) and not self.done:
                    self._change.wait(GLANCE)
                new, place, done = self._pieces[place:], len(self._pieces), self.done
            yield from new
            if done:
                return self._raise_error()

    async def __aiter__(self) -> AsyncIterator[str]:
        loop, news, place = asyncio.get_running_loop(), asyncio.Event(), 0

        def listen() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        with self._change:
            self._listeners.append(listen)
        try:
            while True:
                news.clear()
                with self._change:
                    new, place, done = self._pieces[place:], len(self._pieces), self.done
                for piece in new:
                    yield piece
                if done:
                    self._raise_error()
                    return
                await news.wait()
        finally:
            with self._change:
                self._listeners.remove(listen)

    def cancel(self) -> None:
        if not self.cancelled and not self.done:
            self.cancelled = True
            self._cancel(self)

    def result(self, timeout: float | None = None) -> Completion:
        deadline = None if timeout is None else time.perf_counter() + timeout
        with self._change:
            while not self.done:
                left = GLANCE if deadline is None else min(GLANCE, deadline - time.perf_counter())
                if left <= 0:
                    raise TimeoutError(f"no answer within {timeout} seconds")
                self._change.wait(left)
        self._raise_error()
        assert self._completion is not None
        return self._completion

    @property
    def done(self) -> bool:
        return self._completion is not None or self._error is not None

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    # --- writing: the model's thread ---

    def take(self, decoded: Decoded) -> bool:
        """Add one step of the row; True when the answer has ended with it, which readers hear from ``end``."""
        if not self._first_token:
            self._first_token = time.perf_counter() - self._arrived
        piece = self._text.add(decoded)
        if self._text.ended:
            self._last_piece = piece
        elif piece:
            self._publish(piece)
        return self._text.ended

    def end(self) -> None:
        """Tell the readers: the answer is complete, or ends as far as it has come, since nobody wants more of it."""
        text, seconds = self._text, time.perf_counter() - self._arrived
        finish: Literal["stop", "length", "cancelled"] = text.finish if text.ended else "cancelled"
        piece = self._last_piece if text.ended else text.cut()
        self._publish(piece, Completion(text.whole, finish, len(self.ids), text.tokens, seconds, self._first_token or seconds, self.reused))

    def fail(self, error: BaseException) -> None:
        """There will be no answer; once it has ended, nothing changes that."""
        with self._change:
            if not self.done:
                self._error = without_frames(error)
            self._tell()

    def _publish(self, piece: str, completion: Completion | None = None) -> None:
        with self._change:
            if self.done:
                return
            if piece:
                self._pieces.append(piece)
            self._completion = completion
            self._tell()

    def _tell(self) -> None:
        self._change.notify_all()
        for listen in self._listeners:
            try:
                listen()
            except RuntimeError:  # its event loop was closed just now: nobody listens there any more
                continue


class Origin(Exception):
    """Where an error comes from, in text."""


def without_frames(error: BaseException) -> BaseException:
    """``error`` without the frames of the model's thread, which would keep its tensors alive; what they would have told, as a cause."""
    if error.__traceback__ is not None:
        told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        error.__cause__ = Origin(f"\n{told}")
        error = error.with_traceback(None)
    return error
