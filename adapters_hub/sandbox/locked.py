"""The Linux tier: guests forked by a warm process, each locked in by Landlock, a seccomp filter and limits, without any rights.

Knows nothing of what a guest is asked; it moves messages, enforces the clock and the caps, kills and cleans up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path

from adapters_hub.sandbox import folders, landlock, syscalls
from adapters_hub.sandbox.failure import Failure
from adapters_hub.sandbox.guest import Guest
from adapters_hub.sandbox.interpreter import command, environment
from adapters_hub.sandbox.limits import Limits, failure_of

HEADER = struct.Struct("!I")
STATUS = struct.Struct("!iid")
READ_SIZE = 1 << 16
START_SECONDS = 20.0
"""For a guest to be ready, on the busiest machine."""
DEATH_SECONDS = 10.0
ASK, ANSWER = 0xC0502100, 0xC0182101
"""SECCOMP_IOCTL_NOTIF_RECV and SECCOMP_IOCTL_NOTIF_SEND."""
NOTIFICATION_SIZE, CONTINUE = 80, 1
QUOTA_EXCEEDED = 122


class LockedSandbox:
    """Starts guests from one warm process, which is started when it is needed and again when it died."""

    tier = "landlock+seccomp"
    faithful = True

    def __init__(self) -> None:
        self.not_stopped = not_stopped()
        self._guard = threading.Lock()
        self._zygote: Zygote | None = None

    def start(self, limits: Limits | None = None) -> Guest:
        """A fresh guest; from any thread. Raises Failure of kind ``died`` when the system cannot give one."""
        limits = limits or Limits()
        problem: Exception | None = None
        for _ in range(3):
            try:
                return Guest(LockedLine(self._living(), limits), limits, self.tier)
            except (OSError, EOFError) as error:  # the warm process has died, or the system lacks something for a moment
                problem = error
                time.sleep(0.05)
        raise Failure("died", f"no guest could be started: {problem}")

    def close(self) -> None:
        """End the warm process and all guests; another ``start`` begins anew."""
        with self._guard:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def _living(self) -> Zygote:
        with self._guard:
            if self._zygote is None or not self._zygote.alive:
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = Zygote()
            return self._zygote


class Zygote:
    """The warm process, and the folder that holds those of the guests."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.base = Path(tempfile.mkdtemp(prefix="hub-sandbox-")).resolve()
        self._numbers = itertools.count(1)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command("zygote", str(theirs.fileno()), str(self._owner), str(self.base)),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=environment(),
                    cwd="/",
                    start_new_session=True,  # a Ctrl-C at the terminal is ours to handle
                )
        except BaseException:
            self.control.close()
            folders.remove(self.base)
            raise
        self.close = weakref.finalize(self, _end_zygote, self._process, self.control, self.base, self._owner)
        try:
            self.control.settimeout(START_SECONDS)
            if self.control.recv(16) != b"ready":
                raise EOFError("the warm process did not start")
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can fork guests for this process: a copy of this object in a forked process cannot."""
        return self._owner == os.getpid() and self.close.alive and self._process.poll() is None

    def new_folder(self) -> Path:
        """An empty folder, for this user only."""
        folder = self.base / str(next(self._numbers))
        folder.mkdir(mode=0o700)
        return folder


def _end_zygote(process: subprocess.Popen[bytes], control: socket.socket, base: Path, owner: int) -> None:
    """It ends by itself when the line closes, and kills its guests."""
    if os.getpid() != owner:
        control.close()
        return
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)  # closing would not be enough while a fork of this program holds a copy
    control.close()
    try:
        process.wait(DEATH_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    folders.remove(base)


class LockedLine:
    """One guest: its process, its line, what it prints, and how many files it made."""

    def __init__(self, zygote: Zygote, limits: Limits) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self._limits = limits
        self._inbox = bytearray()
        self._created = 0
        self._open: dict[str, int] = {}
        self._folder: Path | None = zygote.new_folder()
        self._owner = os.getpid()
        self._closing = threading.Lock()
        try:
            self._start(zygote)
        except BaseException:
            self.close()
            raise

    def send(self, message: bytes, deadline: float) -> None:
        """Send one message; raises Failure."""
        rest = memoryview(HEADER.pack(len(message)) + message)
        while rest:
            if self._wait(select.POLLOUT, deadline):
                try:
                    rest = rest[os.write(self._open["line"], rest) :]
                except BlockingIOError:
                    continue
                except OSError:
                    raise self._death() from None

    def receive(self, most: int, deadline: float) -> bytes:
        """The next message, ``most`` bytes at most; raises Failure."""
        (size,) = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if size > most:
            raise Failure("result", f"a message of {size} bytes")
        message = self._exactly(size, deadline)
        self._read_output()
        return message

    def kill(self) -> None:
        """End the guest at once, from any thread."""
        with self._closing:
            if "process" in self._open and os.getpid() == self._owner:
                _kill(self._open["process"])

    def close(self) -> None:
        """Kill the guest, wait for its end, close what belongs to it and remove its folder. Calling it twice is fine."""
        with self._closing:
            descriptors, self._open, folder, self._folder = self._open, {}, self._folder, None
            process = descriptors.get("process")
            ours = os.getpid() == self._owner  # a process that was forked from this one has only copies of the descriptors
            if process is not None and ours:
                _kill(process)
                _readable(process, DEATH_SECONDS)
            for descriptor in descriptors.values():
                os.close(descriptor)
            if folder is not None and ours:
                folders.remove(folder)

    def _start(self, zygote: Zygote) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        status, their_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs, status, their_status:
            request = {"folder": str(self._folder), "limits": dataclasses.asdict(self._limits)}
            with contextlib.ExitStack() as theirs_only:
                pipes = []
                for name in ("out", "error"):
                    self._open[name], end = os.pipe2(os.O_CLOEXEC)
                    theirs_only.callback(os.close, end)
                    pipes.append(end)
                descriptors = [theirs.fileno(), *pipes, their_status.fileno()]
                socket.send_fds(zygote.control, [json.dumps(request).encode()], descriptors)
            theirs.close()
            their_status.close()
            for one in (status, ours):
                one.settimeout(START_SECONDS)
            _, found, _, _ = socket.recv_fds(status, STATUS.size, 1, socket.MSG_CMSG_CLOEXEC)
            if not found:
                raise EOFError("the warm process gave no guest")
            self._open["process"] = found[0]
            said, found, _, _ = socket.recv_fds(ours, 1, 1, socket.MSG_CMSG_CLOEXEC)
            if found:
                self._open["listener"] = found[0]
            if not said or ours.recv(1) != b"!":
                raise EOFError(f"the guest could not lock itself: {self._complaint()}")
            self._open["line"] = ours.detach()
            self._open["status"] = status.detach()
        for name in ("line", "out", "error"):
            os.set_blocking(self._open[name], False)

    def _complaint(self) -> str:
        """What a guest that failed to start wrote before it ended."""
        return os.read(self._open["error"], 1000).decode("utf-8", "replace").strip()

    def _exactly(self, size: int, deadline: float) -> bytes:
        while len(self._inbox) < size:
            if self._wait(select.POLLIN, deadline):
                try:
                    piece = os.read(self._open["line"], min(READ_SIZE, size - len(self._inbox)))
                except BlockingIOError:
                    continue
                except OSError:
                    piece = b""
                if not piece:
                    raise self._death()
                self._inbox += piece
        found = bytes(self._inbox[:size])
        del self._inbox[:size]
        return found

    def _wait(self, event: int, deadline: float) -> bool:
        """Wait for something to happen and see to it; True when the line is ready for ``event``, or broken. Raises Failure."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("timeout", f"not finished within {self._limits.seconds:g} s")
        poll = select.poll()
        for name, wanted in (("line", event), ("out", select.POLLIN), ("error", select.POLLIN), ("listener", select.POLLIN)):
            if name in self._open:
                poll.register(self._open[name], wanted)
        ready = {descriptor for descriptor, _ in poll.poll(left * 1000)}
        self._read_output(ready)
        if self._open.get("listener") in ready:
            self._count_creation()
        return self._open["line"] in ready

    def _read_output(self, ready: set[int] | None = None) -> None:
        """Take what was printed; raises Failure when it is too much."""
        for name, text in (("out", self.stdout), ("error", self.stderr)):
            while name in self._open and (ready is None or self._open[name] in ready):
                try:
                    piece = os.read(self._open[name], READ_SIZE)
                except BlockingIOError:
                    break
                if not piece:
                    os.close(self._open.pop(name))
                    break
                text += piece[: self._limits.output_bytes - len(self.stdout) - len(self.stderr) + 1]
                if len(self.stdout) + len(self.stderr) > self._limits.output_bytes:
                    del text[-1:]
                    raise Failure("output", f"printed more than {self._limits.output_bytes} bytes")

    def _count_creation(self) -> None:
        """Allow what the guest's kernel asks about, until it was often enough."""
        import fcntl  # Unix only, as this class; the module is imported everywhere

        asked = bytearray(NOTIFICATION_SIZE)
        try:
            fcntl.ioctl(self._open["listener"], ASK, asked)
            self._created += 1
            allowed = self._created <= self._limits.files
            number = int.from_bytes(asked[:8], sys.byteorder)
            reply = struct.pack("=QqiI", number, 0, 0 if allowed else -QUOTA_EXCEEDED, CONTINUE if allowed else 0)
            fcntl.ioctl(self._open["listener"], ANSWER, reply)
        except FileNotFoundError:
            pass  # the guest was killed while it waited
        except OSError:
            os.close(self._open.pop("listener"))  # the guest is gone

    def _death(self) -> Failure:
        """Why the line broke."""
        if not _readable(self._open["status"], 0.5):
            _kill(self._open["process"])
            return Failure("died", "closed its line")
        with socket.socket(fileno=os.dup(self._open["status"])) as status:
            told = status.recv(STATUS.size)
        with contextlib.suppress(Failure):
            self._read_output()
        if len(told) != STATUS.size:
            return Failure("died", "the warm process ended")
        _, code, cpu_seconds = STATUS.unpack(told)
        return failure_of(os.waitstatus_to_exitcode(code), self._limits, cpu_seconds)


def why_not() -> str:
    """Why this tier cannot work here at all, in one line; empty where it may."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if not sys.executable:
        return "the path of the Python interpreter is unknown"
    if syscalls.machine() is None:
        return "needs a 64-bit x86 or ARM processor and a 64-bit Python"
    if landlock.abi() < 1:
        return (
            "this kernel (or container) offers no Landlock; it needs Linux 5.13 or later, with landlock among the active security modules"
        )
    return ""


def not_stopped() -> tuple[str, ...]:
    """What this tier does not stop on this machine."""
    return (
        "using the processor until its limit, and so slowing others down",
        "measuring time, and so learning a little about other work on the machine",
        "reading the files of Python's own standard library and the time zones",
        "learning whether a path or a process exists, a file's size and times, where a link points (no file's content), the machine's name",
        "mistakes in the kernel, in Landlock or in seccomp themselves",
        "falsifying its own answers: the results of a program are whatever that program says",
    )


def _kill(process: int) -> None:
    with contextlib.suppress(OSError):
        syscalls.call("pidfd_send_signal", process, signal.SIGKILL, None, 0)


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
