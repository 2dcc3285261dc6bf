"""The tier for people who said so: a plain child process, with limits where the system has them. Not a boundary.

Never chosen by itself. It bounds accidents (endless loops, too much memory or output), not a program that means harm.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from adapters_hub.sandbox import folders, guest_program
from adapters_hub.sandbox.failure import Failure
from adapters_hub.sandbox.guest import Guest
from adapters_hub.sandbox.interpreter import command, environment
from adapters_hub.sandbox.limits import Limits, failure_of, impose

HEADER = struct.Struct("!cI")
"""A letter and the length of what follows."""
MESSAGE, OUTPUT, ERROR = b"M", b"O", b"E"
START_SECONDS = 30.0
MOST_WAITING = 16
"""Messages that nobody asked for."""


class UnsafeSandbox:
    """Starts a fresh interpreter for each guest."""

    tier = "unsafe"
    faithful = True

    def __init__(self) -> None:
        self.not_stopped = not_stopped()

    def start(self, limits: Limits | None = None) -> Guest:
        """A fresh guest; from any thread. Raises Failure of kind ``died`` when the system cannot give one."""
        limits = limits or Limits()
        try:
            return Guest(PlainLine(limits), limits, self.tier)
        except OSError as error:
            raise Failure("died", f"no guest could be started: {error}") from None

    def close(self) -> None:
        """Nothing is kept between guests."""


class PlainLine:
    """A child process: requests on its stdin, answers and what it prints on its stdout. With threads, so as to work on every system."""

    def __init__(self, limits: Limits) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self._limits = limits
        self._folder = Path(tempfile.mkdtemp(prefix="hub-unsafe-"))
        self._closed = threading.Lock()
        self._owner = os.getpid()
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes | Failure] = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                command("unsafe", json.dumps(dataclasses.asdict(limits))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                cwd=self._folder,
                start_new_session=True,
            )
        except OSError:
            folders.remove(self._folder)
            raise
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read)]
        for thread in self._threads:
            thread.start()
        try:
            self.receive(0, time.monotonic() + START_SECONDS)
        except Failure as failure:
            self.close()
            raise OSError(str(failure)) from None

    def send(self, message: bytes, deadline: float) -> None:
        """Send one message, at some time."""
        self._requests.put(guest_program.HEADER.pack(len(message)) + message)

    def receive(self, most: int, deadline: float) -> bytes:
        """The next message, ``most`` bytes at most; raises Failure."""
        try:
            answer = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Failure("timeout", f"not finished within {self._limits.seconds:g} s") from None
        if isinstance(answer, Failure):
            raise answer
        if len(answer) > most:
            raise Failure("result", f"a message of {len(answer)} bytes")
        return answer

    def kill(self) -> None:
        """End the child at once, with its process group where there is one."""
        if os.getpid() != self._owner or self._process.poll() is not None:
            return
        if os.name != "nt":
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Kill the child and remove its folder. Calling it twice is fine."""
        if not self._closed.acquire(blocking=False) or os.getpid() != self._owner:
            return
        self.kill()
        self._process.wait()
        self._requests.put(None)
        for thread in self._threads:
            thread.join(2)  # a process that it left behind may hold the pipe open
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not any(thread.is_alive() for thread in self._threads):
                with contextlib.suppress(OSError):
                    pipe.close()
        folders.remove(self._folder)

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        while (message := self._requests.get()) is not None:
            try:
                pipe.write(message)
                pipe.flush()
            except (OSError, ValueError):
                return

    def _read(self) -> None:
        """Sort what the child sends, until it ends or sends more than it may."""
        pipe = self._process.stdout
        assert pipe is not None
        try:
            while (head := _exactly(pipe, HEADER.size)) is not None:
                kind, size = HEADER.unpack(head)
                if size > max(self._limits.result_bytes, self._limits.output_bytes) + (1 << 20) or self._answers.qsize() > MOST_WAITING:
                    self._answers.put(Failure("result", f"a message of {size} bytes"))
                    return
                content = _exactly(pipe, size)
                if content is None:
                    break
                if kind == MESSAGE:
                    self._answers.put(content)
                elif not self._keep(content, self.stdout if kind == OUTPUT else self.stderr):
                    return
        except (OSError, ValueError):
            pass
        self._answers.put(self._death())

    def _keep(self, printed: bytes, text: bytearray) -> bool:
        most = self._limits.output_bytes
        text += printed[: most - len(self.stdout) - len(self.stderr) + 1]
        if len(self.stdout) + len(self.stderr) <= most:
            return True
        del text[-1:]
        self._answers.put(Failure("output", f"printed more than {most} bytes"))
        self._process.kill()
        return False

    def _death(self) -> Failure:
        try:
            return failure_of(self._process.wait(1), self._limits)
        except subprocess.TimeoutExpired:
            return Failure("died", "closed its line")


def not_stopped() -> tuple[str, ...]:
    """What this tier does not stop: nearly everything."""
    limited = ("using much memory (this system cannot limit it)",) if not sys.platform.startswith("linux") else ()
    return (
        "reading every file that you can read",
        "writing and deleting every file that you can",
        "opening network connections",
        "starting other programs, which may go on afterwards",
        "stopping this program, or reading its memory and its settings",
        "filling the disk",
        *limited,
    )


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    found = pipe.read(size)
    return found if len(found) == size else None


# --- in the child --------------------------------------------------------------------------------


def serve() -> None:
    """The child's side: prints become messages; what is written to the descriptors themselves goes nowhere."""
    settings = json.loads(sys.argv[1])
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    impose(Limits(**settings))
    send_all = guest_program.sender(answers)

    def send(kind: bytes, content: bytes) -> None:
        send_all(HEADER.pack(kind, len(content)) + content)

    sys.stdout, sys.stderr = (_printer(lambda content, kind=kind: send(kind, content)) for kind in (OUTPUT, ERROR))  # type: ignore[misc]
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc]
    receive = guest_program.receiver(requests)
    guest_program.prepare_interpreter()
    send(MESSAGE, b"")
    guest_program.Runtime(receive, lambda message: send(MESSAGE, message), settings).serve()
    os._exit(0)


class _Messages(io.RawIOBase):
    """A file whose content goes to the parent, piece by piece."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._send(bytes(content))
        return len(content)


def _printer(send: Callable[[bytes], None]) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(_Messages(send)), encoding="utf-8", errors="backslashreplace")
