"""The one thread that owns the model: work from any thread is done there, one piece after the other, between two decode steps.

Knows nothing of models, adapters and questions: it calls what it is given.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, TimeoutError
from typing import Any, TypeVar

from adapters_hub.errors import HubError

T = TypeVar("T")
GLANCE = 0.2
"""Seconds after which a waiting thread looks up, so that Ctrl-C gets through where a lock alone would not let it."""
PATIENCE = 10.0
"""Seconds that closing waits for the step under way."""


class ModelThread:
    """Runs pieces of work in the order they come, and ``turn`` over and over in between while it says that there is more to do."""

    def __init__(self, name: str = "adapters_hub model") -> None:
        self._turn: Callable[[], bool] | None = None
        self._mourn: Callable[[BaseException], None] | None = None
        self._work: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._awake = threading.Condition()
        self._due = False
        self._closed = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a daemon thread inside native code while the interpreter is torn down may crash the process

    def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises, run on this thread; inline when called from it. Raises HubError once it is closed."""
        if threading.current_thread() is self._thread:
            return work()
        future: Future[T] = Future()
        self.require_open()
        with self._awake:
            self.require_open()
            self._work.append((work, future))
            self._awake.notify()
        try:
            while True:
                try:
                    return future.result(GLANCE)
                except TimeoutError:
                    if future.done():  # the work itself ran into one
                        return future.result()
        except CancelledError:
            raise closed() from None
        except KeyboardInterrupt:
            future.cancel()  # work that has begun goes on to its end
            raise
        finally:
            del future  # it holds the error, whose frames hold it: what the work held would stay until the next collection

    def take_turns(self, turn: Callable[[], bool], mourn: Callable[[BaseException], None] | None = None) -> None:
        """From now on call ``turn`` while it returns True, and again after each ``wake``.

        Should it raise nevertheless, the thread is closed and ``mourn`` told why: nobody shall wait for a thread that is dead."""
        with self._awake:
            self._turn, self._mourn = turn, mourn
            self._due = True
            self._awake.notify()

    def wake(self) -> None:
        """There is something to do for ``turn``. Never blocks for long; callable from any thread."""
        with self._awake:
            self._due = True
            self._awake.notify()

    @property
    def closed(self) -> bool:
        return self._closed or self.foreign

    @property
    def foreign(self) -> bool:
        """Whether this is a forked process: the thread was left behind, and its locks are as they happened to be."""
        return self._process != os.getpid()

    def inside(self) -> bool:
        """Whether the caller is on this thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End after the step under way; work that has not begun raises HubError in those who wait for it. Twice is fine."""
        if self.foreign:
            return
        with self._awake:
            self._closed = True
            left, self._work = self._work, deque()
            self._awake.notify()
        for _, future in left:
            future.cancel()
        if not self.inside():
            self._thread.join(PATIENCE)
        self._turn = self._mourn = None  # a thread that is held must not hold a model
        atexit.unregister(self.close)

    def require_open(self) -> None:
        """Raise HubError when no work can be done any more."""
        if self.foreign:
            raise HubError("this engine belongs to another process", hint="open an engine in each process of your own")
        if self._closed:
            raise closed()

    def _live(self) -> None:
        while True:
            with self._awake:
                while not (self._work or self._due or self._closed):
                    self._awake.wait()
                if self._closed:
                    return
                todo = self._work.popleft() if self._work else None
                due, self._due = self._due, False
            if todo is not None:
                _do(*todo)
                del todo  # waiting for more must not keep alive what the work holds
            turn = self._turn if due else None
            try:
                if turn is not None and turn():
                    with self._awake:
                        self._due = True
            except BaseException as error:  # not even SystemExit may leave others waiting for ever
                self._die(error)
                return
            del turn

    def _die(self, error: BaseException) -> None:
        mourn = self._mourn
        self.close()
        if mourn is not None:
            mourn(error)


def _do(work: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # whatever it is, it belongs to the one who waits for it
        future.set_exception(error)
    finally:
        del future, work  # the error's frames must not hold what holds the error


def closed() -> HubError:
    """What everybody hears who still waits for an answer."""
    return HubError("the engine is closed", hint="open it again before asking")
