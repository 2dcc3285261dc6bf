"""Who is next: adapters take turns, and users take turns within each adapter, so that nobody waits behind another's heap of questions.

Bounded; safe to call from any thread. Knows nothing of what it queues but its adapter and its user.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from adapters_hub.errors import BusyError


class Asked(Protocol):
    """What the queue looks at."""

    @property
    def adapter(self) -> str | None: ...

    @property
    def user(self) -> str: ...


T = TypeVar("T", bound=Asked)


class FairQueue(Generic[T]):
    """Round robin over adapters, then over users; first come, first served for each user."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._lines: OrderedDict[str | None, OrderedDict[str, deque[T]]] = OrderedDict()
        self._waiting = 0
        self._change = threading.Condition()

    def __len__(self) -> int:
        return self._waiting

    def add(self, item: T, *, patience: Callable[[], bool] | None = None) -> None:
        """Append ``item``. Where the queue is full: BusyError, or wait while ``patience()`` says so."""
        with self._change:
            while self._waiting >= self.bound:
                if patience is None or not patience():
                    raise BusyError(f"{self._waiting} questions are waiting already", hint="ask again in a moment")
                self._change.wait(0.2)
            users = self._lines.setdefault(item.adapter, OrderedDict())
            users.setdefault(item.user, deque()).append(item)
            self._waiting += 1

    def next(self, wanted: Callable[[T], bool] = lambda item: True) -> T | None:
        """Take the first item in turn that is ``wanted``, asking about one item of each adapter at most; its adapter and its user then go
        to the end of the line. ``wanted`` may take its time: nobody waits for it."""
        with self._change:
            heads = [next(iter(users.values()))[0] for users in self._lines.values()]
        for item in heads:
            if wanted(item):
                self._take(item)
                return item
        return None

    def remove(self, item: T) -> bool:
        """Take ``item`` out of turn; False when it is not waiting any more."""
        with self._change:
            users = self._lines.get(item.adapter, OrderedDict())
            line: deque[T] = users.get(item.user, deque())
            for place, waiting in enumerate(line):
                if waiting is item:
                    del line[place]
                    break
            else:
                return False
            if not line:
                del users[item.user]
            if not users:
                del self._lines[item.adapter]
            self._waiting -= 1
            self._change.notify()
            return True

    def clear(self) -> list[T]:
        """Everything that waits, taken out."""
        with self._change:
            items = [item for users in self._lines.values() for line in users.values() for item in line]
            self._lines.clear()
            self._waiting = 0
            self._change.notify_all()
            return items

    def _take(self, item: T) -> None:
        with self._change:
            users = self._lines.get(item.adapter)
            line = users.get(item.user) if users is not None else None
            if users is None or line is None or line[0] is not item:
                return  # it was taken out while it was being looked at
            line.popleft()
            self._waiting -= 1
            if line:
                users.move_to_end(item.user)
            else:
                del users[item.user]
            if users:
                self._lines.move_to_end(item.adapter)
            else:
                del self._lines[item.adapter]
            self._change.notify()
