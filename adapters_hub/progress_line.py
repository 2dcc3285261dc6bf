"""One line that says how far something is: rewritten in place in a notebook and on a terminal, a line now and then anywhere else.

Knows nothing of what goes on. Needs neither widgets nor an event loop: a notebook's own display is updated, and only the last state is
kept in the file.
"""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from typing import Any

from adapters_hub.errors import printable

PAUSE = 0.1
"""Seconds between two changes that somebody is meant to see."""
QUIET = 1.0
"""Seconds before the first line where lines cannot be rewritten: what is done by then needs no progress."""


class ProgressLine:
    """A line under way. Belongs to one thread."""

    def __init__(self, wanted: bool = True) -> None:
        """``wanted`` False: nothing is ever shown."""
        self._wanted = wanted
        self._display: str | None = None
        """Its name in the notebook, once it stands there."""
        self._shown = ""
        self._when = 0.0
        self._begun = time.monotonic()
        self._tenth = 0

    def show(self, text: str, share: float = 0.0) -> None:
        """Say ``text``; ``share``, 0 to 1, is how much is done. Where a line cannot be rewritten, only every tenth is printed."""
        if not self._wanted:
            return
        text = printable(" ".join(text.split()))
        whole, now = share >= 1.0, time.monotonic()
        if in_notebook() or sys.stderr.isatty():
            if whole or not self._shown or now - self._when >= PAUSE:
                self._rewrite(text)
                self._when = now
        elif int(10 * share) > self._tenth and now - self._begun >= QUIET:
            self._tenth = int(10 * share)
            if text == self._shown:
                return
            print(text, file=sys.stderr, flush=True)
        self._shown = text

    def show_bytes(self, done: int, total: int) -> None:
        """Say how much of a file is across."""
        share = done / total if total else 1.0
        unit, name = (1e6, "MB") if total >= 1e6 else (1e3, "kB")
        self.show(f"{share:.0%} {done / unit:.1f} / {total / unit:.1f} {name}", share)

    def close(self) -> None:
        """Leave the last state where it stands."""
        if self._wanted and self._shown:
            if in_notebook():
                self._rewrite(self._shown)
            elif sys.stderr.isatty():
                self._rewrite(self._shown)
                print(file=sys.stderr, flush=True)
        self._wanted = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _rewrite(self, text: str) -> None:
        if not in_notebook():
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[2K{text[:width]}", end="", file=sys.stderr, flush=True)
            return
        display = sys.modules["IPython.display"].display
        if self._display is None:
            self._display = f"adapters-hub-{uuid.uuid4().hex}"
            display({"text/plain": text}, raw=True, display_id=self._display)
        else:
            display({"text/plain": text}, raw=True, display_id=self._display, update=True)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, whatever shows it. Imports nothing."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and "IPython.display" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
