"""Several hands at one belt: pieces of work done by threads, handed out in the order in which they came, with bounded memory.

For work that waits on other processes or on C code. The threads are daemons: whoever presses Ctrl-C waits for none of them.
Knows nothing of what is worked on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 8
"""Pieces on the belt for each hand, at most: one slow piece keeps the others busy for a while, and memory stays bounded."""

SPELL = 1.0
"""Seconds of one wait."""


class Hands(Generic[Item, Result]):
    """A few threads that each do one piece of work at a time."""

    def __init__(self, work: Callable[[Item], Result], count: int) -> None:
        """Start ``count`` threads; they end with ``close`` or with the program."""
        self._work, self._count = work, count
        self._waiting: queue.SimpleQueue[tuple[Item, Future[Result]] | None] = queue.SimpleQueue()
        for _ in range(count):
            threading.Thread(target=self._toil, daemon=True).start()

    def give(self, item: Item) -> Future[Result]:
        """Put a piece on the belt; its result, or what the work raised, will be in the future."""
        future: Future[Result] = Future()
        self._waiting.put((item, future))
        return future

    def close(self) -> None:
        """Forget what nobody has begun, its futures being cancelled; what is under way is finished in its own time."""
        while True:
            try:
                piece = self._waiting.get_nowait()
            except queue.Empty:
                break
            if piece is not None:
                piece[1].cancel()
        for _ in range(self._count):
            self._waiting.put(None)

    def _toil(self) -> None:
        while (piece := self._waiting.get()) is not None:
            item, future = piece
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._work(item))
            except BaseException as error:  # raised again where the result is read
                future.set_exception(error)
            del piece, item, future  # a thread that waits for work holds no result


def in_order(work: Callable[[Item], Result], items: Iterable[Item], *, hands: int, ahead: int = 0) -> Iterator[Result]:
    """``work(item)`` for each item, in the order of the items, each as soon as it and all before it are done.

    ``items`` is read by a thread of its own, so that a source that is slow to speak holds back no result; at most ``ahead`` pieces
    (0: ``AHEAD`` for each hand) are read but not yet handed out. What ``items`` or ``work`` raises is raised at its place.
    Closing the iterator stops reading after the item that is being read."""
    places = threading.Semaphore(ahead or AHEAD * hands)
    belt: queue.SimpleQueue[Future[Result] | BaseException | None] = queue.SimpleQueue()
    closed = threading.Event()
    team = Hands(work, hands)

    def feed() -> None:
        try:
            for item in items:
                places.acquire()
                if closed.is_set():
                    return
                belt.put(team.give(item))
            belt.put(None)
        except BaseException as error:  # raised again where the results are read
            belt.put(error)

    threading.Thread(target=feed, daemon=True).start()
    try:
        while (piece := _next(belt)) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield result_of(piece)
            places.release()
    finally:
        closed.set()
        places.release()
        team.close()


def result_of(future: Future[Result]) -> Result:
    """The future's result, or what it raises. Waits in short spells: on Windows Ctrl-C cannot end a wait without end."""
    while not future.done():
        wait([future], timeout=SPELL)
    return future.result()


def _next(belt: queue.SimpleQueue[Item]) -> Item:
    while True:
        try:
            return belt.get(timeout=SPELL)
        except queue.Empty:
            continue
