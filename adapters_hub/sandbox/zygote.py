"""The warm process that forks guests: a clean interpreter with the usual modules imported, which never runs untrusted code itself.

Runs as a program of its own (see ``locked``), with nothing of the hub but this package's own files. Each request brings the
descriptors of a guest; the guest locks itself before it reads the first byte from anyone. Knows nothing of answers or verdicts.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from adapters_hub.sandbox import folders, guest_program, landlock, syscalls
from adapters_hub.sandbox.limits import Limits
from adapters_hub.sandbox.lock import die_with_parent, lock

LINE = 3
"""The descriptor on which a guest talks to the parent."""
STATUS = struct.Struct("!iid")
"""What is told of a guest: process number, wait status (-1: it began), processor seconds."""
MOST_DESCRIPTORS = 4096
"""Of this process: two for each guest that lives."""
BROKEN = 70
"""Exit status of a guest that could not lock itself."""
PRELOADED = """
abc argparse array ast base64 binascii bisect calendar cmath codecs collections collections.abc colorsys configparser contextlib contextvars
copy csv ctypes dataclasses datetime decimal difflib dis doctest enum errno fnmatch fractions functools gc glob graphlib hashlib heapq hmac
html inspect io itertools json keyword linecache locale logging math mmap numbers operator os os.path pathlib pickle platform pprint queue
random re reprlib resource secrets select selectors shlex shutil signal socket stat statistics string struct subprocess tempfile textwrap
threading time timeit token tokenize traceback types typing unicodedata unittest urllib.parse uuid warnings weakref zlib zoneinfo bz2 lzma
audioop pyexpat sqlite3 wave xml.etree.ElementTree _asyncio _lsprof _multiprocessing _posixshmem _queue _zoneinfo
encodings.idna encodings.ascii encodings.latin_1 encodings.utf_16 encodings.utf_8_sig encodings.cp1252
""".split()  # noqa: SIM905 (a list of that length is read as words)


def serve() -> None:
    """Fork a guest for each request, tell when it ends, and end when the parent does."""
    _, control, parent, base = sys.argv
    preload()
    guest_program.prepare_interpreter()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MOST_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    nursery = Nursery(socket.socket(fileno=int(control)), int(parent), Path(base))
    gc.collect()
    gc.freeze()  # what is shared with the guests stays shared
    try:
        nursery.serve()
    finally:
        nursery.end_all()
        folders.remove(Path(base))


def preload() -> None:
    """Import the usual modules, those that this build of Python has."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            import_module(name)


def libraries() -> list[Path]:
    """The folders (or archives) of the standard library, and the time zones."""
    paths = {Path(path).resolve() for path in (*sys.path, os.path.dirname(os.__file__), "/usr/share/zoneinfo") if path}
    return sorted(path for path in paths if path.exists())


def parts(library: Path) -> list[Path]:
    """What lies in a folder of the standard library, without the packages that somebody installed there."""
    if library.is_file() or library.name in ("lib-dynload", "zoneinfo"):
        return [library]
    return [part for part in sorted(library.iterdir()) if part.name not in ("site-packages", "dist-packages")]


class Nursery:
    """The guests that live, and what all of them may read."""

    def __init__(self, control: socket.socket, parent: int, base: Path) -> None:
        self._control, self._parent = control, parent
        self._libraries = libraries()
        self._ruleset = landlock.new_ruleset()
        landlock.allow(self._ruleset, [part for library in self._libraries for part in parts(library)], landlock.READ)
        landlock.allow(self._ruleset, [base], landlock.USE)
        self._guests: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> None:
        """Until the parent closes the line, or is gone: a copy of the line may live on in a process that it forked."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        patience = None
        try:
            poll.register(syscalls.call("pidfd_open", self._parent, 0), select.POLLIN)
        except OSError:  # where this is forbidden, look now and then whether it has another parent
            patience = 1000
        self._control.send(b"ready")
        while os.getppid() == self._parent:
            for descriptor, _ in poll.poll(patience):
                if descriptor in self._guests:
                    poll.unregister(descriptor)
                    self._bury(descriptor)
                elif descriptor == self._control.fileno():
                    message, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 8)
                    if not message:
                        return
                    process = self._start(json.loads(message), descriptors)
                    if process is not None:
                        poll.register(process, select.POLLIN)

    def end_all(self) -> None:
        """Kill every guest."""
        for process, (pid, _) in list(self._guests.items()):
            os.kill(pid, signal.SIGKILL)
            self._bury(process)

    def _start(self, request: dict[str, Any], descriptors: list[int]) -> int | None:
        """Fork a guest; gives the descriptor of its process, None when the system has no room for one."""
        if len(descriptors) != 4:  # some were lost, as there are too many open
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        line, out, error, status_descriptor = descriptors
        status = socket.socket(fileno=status_descriptor)
        own = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            status.close()
            return None
        finally:
            if os.getpid() == own:
                for descriptor in (line, out, error):
                    os.close(descriptor)
        if pid == 0:
            status.detach()
            self._be_guest(request, own, line, out, error)
        process = syscalls.call("pidfd_open", pid, 0)
        self._guests[process] = pid, status
        with contextlib.suppress(OSError):  # the parent may have given it up already
            socket.send_fds(status, [STATUS.pack(pid, -1, 0.0)], [process])
        return process

    def _bury(self, process: int) -> None:
        pid, status = self._guests.pop(process)
        _, code, usage = os.wait4(pid, 0)
        with contextlib.suppress(OSError):
            status.send(STATUS.pack(pid, code, usage.ru_utime + usage.ru_stime))
        status.close()
        os.close(process)

    def _be_guest(self, request: dict[str, Any], zygote: int, line: int, out: int, error: int) -> None:
        """Lock this process and serve; never returns."""
        try:
            die_with_parent(zygote)
            ruleset = self._keep_only(line, out, error)
            limits = Limits(**request["limits"])
            with socket.socket(fileno=os.dup(LINE)) as speaker:
                lock(Path(request["folder"]), limits, self._libraries, rulesets=[ruleset], announce=lambda found: _announce(speaker, found))
            os.write(LINE, b"!")
            guest_program.serve_descriptor(LINE, request["limits"])
        except BaseException as problem:  # whatever it is, this process must not go on as if it were the zygote
            with contextlib.suppress(BaseException):
                os.write(2, f"{type(problem).__name__}: {problem}\n".encode())
            os._exit(BROKEN)
        os._exit(0)

    def _keep_only(self, line: int, out: int, error: int) -> int:
        """Close every descriptor but the guest's own three, empty input, and the ruleset, whose descriptor is given back."""
        self._control.detach()
        for _, status in self._guests.values():
            status.detach()
        line, out, error, ruleset = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in (line, out, error, self._ruleset))
        for descriptor, number in ((out, 1), (error, 2), (line, LINE), (ruleset, LINE + 1)):
            os.dup2(descriptor, number, inheritable=False)
        os.closerange(LINE + 2, MOST_DESCRIPTORS)
        return LINE + 1


def _announce(line: socket.socket, listener: int) -> None:
    """Pass on the descriptor that counts created files: a plain message says that there is none."""
    if listener >= 0:
        socket.send_fds(line, [b"+"], [listener])
    else:
        line.send(b"-")
