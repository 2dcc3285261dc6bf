"""How a process gives up, for good, all that running a stranger's program must not have. Linux only; needs no rights.

Knows nothing of guests and pipes; the order of the steps matters, since each takes something away that an earlier one needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters_hub.sandbox import landlock, seccomp, syscalls
from adapters_hub.sandbox.limits import Limits, impose

PARENT_DEATH_SIGNAL, DUMPABLE, NO_NEW_PRIVILEGES = 1, 4, 38
"""Options of prctl."""
CAPABILITIES_VERSION = 0x20080522


def lock(folder: Path, limits: Limits, readable: Sequence[Path], *, rulesets: Sequence[int] = (), announce: Callable[[int], None]) -> None:
    """Lock this process into ``folder``; it may read below ``readable`` too, as far as all ``rulesets`` allow it.

    ``announce`` gets the descriptor on which the kernel asks before a file is created, to pass it on; -1 where the kernel cannot
    ask: then no file may be created. The process cannot send it anywhere afterwards. Raises OSError when any step fails."""
    os.chdir(folder)
    os.umask(0o077)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(b"1000")  # when the machine runs out of memory, this goes first
    impose(limits)
    _give_up_privileges()
    own = landlock.new_ruleset()
    landlock.allow(own, readable, landlock.READ)
    landlock.allow(own, [folder], landlock.USE)
    for ruleset in (*rulesets, own):
        landlock.restrict(ruleset)
        os.close(ruleset)
    machine = syscalls.machine()
    if machine is None:
        raise OSError("no filter for this machine")
    try:
        listener = seccomp.install(seccomp.counter(machine), listener=True)
    except OSError:  # one listener a process: a container's runtime may have taken it
        listener = -1
    announce(listener)
    if listener >= 0:
        os.close(listener)
    seccomp.install(seccomp.gate(machine, os.getpid(), creating=listener >= 0))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends; at once if it has ended already."""
    syscalls.call("prctl", PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _give_up_privileges() -> None:
    """No capabilities, even for root; no new ones by running a program; closed to other processes of the same user, no core file."""
    syscalls.call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITIES_VERSION, 0), 8)
    syscalls.call("capset", header, ctypes.create_string_buffer(bytes(24), 24))
    syscalls.call("prctl", DUMPABLE, 0, 0, 0, 0)
