"""What a guest may use, and how the operating system is told so. Runs on both sides of the wall; knows nothing of pipes."""

from __future__ import annotations

import math
import os
import signal
import sys
from dataclasses import dataclass

from adapters_hub.sandbox.failure import Failure

STACK = 64 << 20
"""Bytes of C stack: deep recursion of an honest program is not a crash."""


@dataclass(frozen=True)
class Limits:
    """What one guest may use in its whole life; the defaults suit an exercise."""

    seconds: float = 2.0
    """Wall clock while it is asked something; waiting for a callback does not count."""
    cpu_seconds: float | None = None
    """Processor time, rounded up to whole seconds; None: as ``seconds``, and one more."""
    memory: int = 512 << 20
    """Bytes of address space beyond what the interpreter takes."""
    file_bytes: int = 1 << 20
    """Size of each file it writes."""
    output_bytes: int = 64 << 10
    """Bytes on stdout and stderr together; more end it."""
    result_bytes: int = 1 << 20
    """Bytes of each value that it sends."""
    files: int = 128
    """How often it may create a file, folder or link."""
    integer_digits: int = 4300
    """Decimal digits of an integer that it sends. Python itself refuses to print more; 0: any, use ``shown`` then."""

    @property
    def whole_cpu_seconds(self) -> int:
        """Processor time as the system counts it."""
        return max(1, math.ceil(self.seconds) + 1 if self.cpu_seconds is None else math.ceil(self.cpu_seconds))


OPEN_FILES = 64


def impose(limits: Limits) -> tuple[str, ...]:
    """Bound this process for good, as far as the system can; returns what it cannot bound."""
    if os.name == "nt":
        return ("memory", "processor time", "size of files")
    import resource

    cpu = limits.whole_cpu_seconds
    wanted = {
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_CPU": (cpu, cpu + 1),  # the soft one ends it with a signal of its own, which tells it from a kill
        "RLIMIT_FSIZE": (limits.file_bytes, limits.file_bytes),
        "RLIMIT_NOFILE": (OPEN_FILES, OPEN_FILES),
        "RLIMIT_NPROC": (0, 0),
        "RLIMIT_STACK": (STACK, STACK),
        "RLIMIT_MEMLOCK": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
    }
    if sys.platform.startswith("linux"):  # macOS has the limit and refuses to set it
        wanted["RLIMIT_AS"] = (memory_taken() + limits.memory,) * 2
    failed = []
    for name, (soft, hard) in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        allowed = resource.getrlimit(number)[1]
        if allowed != resource.RLIM_INFINITY:
            soft, hard = min(soft, allowed), min(hard, allowed)
        try:
            resource.setrlimit(number, (soft, hard))
        except (ValueError, OSError):  # some systems refuse some
            failed.append(name)
    return tuple(failed)


def failure_of(exit_code: int, limits: Limits, cpu_seconds: float = 0.0) -> Failure:
    """What it means that a guest ended by itself: ``exit_code`` is minus the signal's number where a signal ended it."""
    if exit_code >= 0:
        return Failure("exit", f"ended itself with exit status {exit_code}", type_name="SystemExit")
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-exit_code, f"signal {-exit_code}")
    if name == "SIGXCPU" or (name == "SIGKILL" and cpu_seconds >= limits.whole_cpu_seconds):
        return Failure("timeout", f"used more than {limits.whole_cpu_seconds} s of processor time")
    if name == "SIGKILL":  # its own limit on memory would have been a MemoryError, so somebody else took too much, or it killed itself
        return Failure("died", "killed, perhaps by the system for want of memory")
    if name == "SIGXFSZ":
        return Failure("blocked", f"wrote more than {limits.file_bytes} bytes to a file")
    if name == "SIGSYS":
        return Failure("blocked", "made a forbidden system call")
    return Failure("died", f"ended by {name}")


def memory_taken() -> int:
    """Bytes of address space this process has. Linux only."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
