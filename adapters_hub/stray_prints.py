"""What plugin code prints while it works goes to stderr: stdout belongs to the program's results.

``contextlib.redirect_stdout`` exchanges ``sys.stdout`` for all threads at once, so that what the program prints meanwhile is lost, and two
threads that leave in another order than they came in leave it exchanged for ever. Here only the thread inside the block is led elsewhere.
Knows nothing of plugins.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_ENTERING = threading.Lock()
"""Held while ``sys.stdout`` is exchanged: the stream itself is the one thing that all threads share."""


class _Divided:
    """Stands in for ``sys.stdout``: stderr to the threads inside a block, the stream that it replaces to all others."""

    def __init__(self, inner: TextIO) -> None:
        self.inner = inner
        self.inside = 0
        """Threads inside a block, nested ones counted again."""
        self.mine = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if getattr(self.mine, "depth", 0) else self.inner, name)


@contextmanager
def stray_prints_to_stderr() -> Iterator[None]:
    """Within the block, what this thread prints goes to stderr; other threads print as before. Any number of threads, nested at will."""
    with _ENTERING:
        divided = sys.stdout if isinstance(sys.stdout, _Divided) else _Divided(sys.stdout)
        divided.inside += 1
        sys.stdout = divided  # type: ignore[assignment]
    divided.mine.depth = getattr(divided.mine, "depth", 0) + 1
    try:
        yield
    finally:
        divided.mine.depth -= 1
        with _ENTERING:
            divided.inside -= 1
            if not divided.inside and sys.stdout is divided:  # else somebody has replaced it since
                sys.stdout = divided.inner
