"""Judging in a child process that can be killed: no text, however hostile, holds up who asked.

Only this module knows of processes.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import replace
from functools import lru_cache

from adapters_hub import Verdict
from adapters_hub.workers import Workers, WorkerTimeoutError, available_cores
from hub_math.judge import Case

HARD_LIMIT = 10.0
"""Seconds that no verdict may take longer than."""
MOST_CHILDREN = 8
MEMORY = 512 << 20
"""Bytes that a child may add to what its imports take."""
_MAKING = threading.Lock()


def judge_in_worker(case: Case, seconds: float) -> Verdict:
    """The verdict on a case within ``seconds`` of work, or why there is none.

    Raises WorkerDiedError when the child ended (out of memory), and what the judging itself raises."""
    seconds = min(seconds, HARD_LIMIT)
    try:
        with _MAKING:  # two threads must not make two pools
            workers = _workers(os.getpid())
        verdict = workers.call(replace(case, seconds=0.6 * seconds), seconds=seconds)
    except WorkerTimeoutError:
        reason = "La respuesta no se pudo comprobar en el tiempo previsto."
        return Verdict("unverified", 0.0, "timeout", reason, evidence=f"stopped after {seconds:g} s")
    assert isinstance(verdict, Verdict)
    return verdict


@lru_cache(maxsize=1)
def _workers(pid: int) -> Workers:
    """The children of this process, shared by all validators: each costs the memory of its imports. Keyed by process, since
    children do not survive a fork; made when the first text needs them, ended with the program."""
    workers = Workers("hub_math.child:work", count=min(MOST_CHILDREN, available_cores()), memory=MEMORY)
    atexit.register(_close, workers, pid)
    return workers


def _close(workers: Workers, pid: int) -> None:
    if os.getpid() == pid:
        workers.close()
