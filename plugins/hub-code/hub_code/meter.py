"""Runs in a guest with the answer's code: what a call costs, in executed lines and in seconds of processor time.

Executed there as source, needing nothing but the language. A candidate could tamper with it, and would gain a cost that is not its
own: nobody is called right for it.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from typing import Any

SHORT = 0.005


class Enough(BaseException):
    """More lines than were asked for."""


def cost(function: Callable[..., Any], arguments: tuple[Any, ...], most: int) -> tuple[int, float] | None:
    """Lines and seconds of one call; None when it takes more lines than ``most``.

    Processor time, by the finest clock of it: on a busy machine long calls wait for their turn and short ones do not, which would look
    like growth."""
    lines = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines > most:
                raise Enough
        return trace

    given = copy.deepcopy(arguments)
    sys.settrace(trace)
    try:
        function(*given)
    except Enough:
        return None
    finally:
        sys.settrace(None)
    best, spent, rounds = float("inf"), 0.0, 0
    while rounds < 3 or (spent < SHORT and rounds < 20):  # the shortest of some: others were disturbed
        given = copy.deepcopy(arguments)
        start = time.thread_time()
        function(*given)
        taken = time.thread_time() - start
        best, spent, rounds = min(best, taken), spent + taken, rounds + 1
    return lines, best
