"""Killable workers: child processes that each run one call of one function at a time, and die when a call takes too long.

For code of ours that works on hostile text and cannot be stopped from within (a regular expression, a symbolic simplification).
Not a sandbox: what runs in a worker has all rights of this program. Knows nothing of validators.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import select
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from importlib import import_module
from typing import IO, Any

from adapters_hub.errors import HubError
from adapters_hub.hardware import usable_threads

HEADER = struct.Struct("!Q")
READ_SIZE = 1 << 16


class WorkerTimeoutError(HubError):
    """The call outlived its deadline; its process was killed."""

    code = "timeout"


class WorkerDiedError(HubError):
    """The process ended in the middle of a call: out of memory, a crash in C code, a signal."""

    code = "worker_died"


class Workers:
    """A few child processes, started when they are needed and used by any number of threads."""

    def __init__(self, function: str, *, count: int | None = None, memory: int = 1 << 30, start_seconds: float = 60.0) -> None:
        """``function`` is ``module:name``, imported in the child; it takes and returns one picklable value.

        ``count`` processes at most (None: one for each core), each with ``memory`` bytes of address space where the system can
        limit it (0: no limit), ready within ``start_seconds``."""
        self.function, self.memory, self.start_seconds = function, memory, start_seconds
        self.count = count or available_cores()
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()  # None: a place for a child that is yet to be started
        for _ in range(self.count):
            self._idle.put(None)
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._children: weakref.WeakSet[_Child] = weakref.WeakSet()

    def call(self, argument: Any, *, seconds: float) -> Any:
        """What the function returns for ``argument``; waits for a free child, then at most ``seconds`` for the answer.

        Raises WorkerTimeoutError, WorkerDiedError, and whatever the function raises (as HubError when it cannot be pickled)."""
        if os.getpid() != self._pid:
            raise HubError("workers do not survive a fork", hint="make them in the process that uses them")
        child = self._idle.get()
        try:
            if self._closed:
                raise HubError("the workers are closed")
            if child is None or not child.alive:
                child = None
                child = self._started()
            return child.call(argument, seconds)
        finally:
            self._idle.put(child if child is not None and child.alive else None)

    def close(self) -> None:
        """End all children; calls under way end with WorkerDiedError. Calling it twice is fine."""
        self._closed = True
        for child in list(self._children):
            child.kill()

    def _started(self) -> _Child:
        child = _Child(self.function, self.memory)
        with self._lock:
            self._children.add(child)
        child.wait_until_ready(self.start_seconds)
        return child


def available_cores() -> int:
    """Cores this process may use."""
    return usable_threads()


class _Child:
    """One process and the two pipes to it."""

    def __init__(self, function: str, memory: int) -> None:
        command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [*command, function, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to handle
        )
        weakref.finalize(self, _end, self._process)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, seconds: float) -> None:
        """The first message of a child says that its function is imported, or why not."""
        self._result(time.monotonic() + seconds)

    def call(self, argument: Any, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        message = pickle.dumps(argument)
        assert self._process.stdin is not None
        try:
            _send(self._process.stdin, message)
        except OSError:
            self.kill()
            raise WorkerDiedError("the worker had ended") from None
        return self._result(deadline)

    def _result(self, deadline: float) -> Any:
        try:
            kind, value = pickle.loads(self._read(deadline))
        except BaseException:
            self.kill()  # also after Ctrl-C: a late answer must not be taken for that of the next call
            raise
        if kind == "returned":
            return value
        raise value

    def _read(self, deadline: float) -> bytes:
        size = HEADER.unpack(self._exactly(HEADER.size, deadline))[0]
        return self._exactly(size, deadline)

    def _exactly(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        received = bytearray()
        descriptor = self._process.stdout.fileno()
        while len(received) < size:
            if not _readable(descriptor, deadline):
                raise WorkerTimeoutError("the call took too long and was ended")
            piece = os.read(descriptor, min(READ_SIZE, size - len(received)))
            if not piece:
                raise WorkerDiedError(f"the worker ended in the middle of a call (exit status {self._process.wait()})")
            received += piece
        return bytes(received)

    def kill(self) -> None:
        _end(self._process)


def _readable(descriptor: int, deadline: float) -> bool:
    if os.name == "nt":  # Windows cannot select on pipes: ask how much lies in it
        return _readable_on_windows(descriptor, deadline)
    poll = select.poll()  # unlike select, not limited to descriptors below 1024
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _readable_on_windows(descriptor: int, deadline: float) -> bool:
    import ctypes
    import importlib

    handle = importlib.import_module("msvcrt").get_osfhandle(descriptor)
    kernel: Any = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    waiting = ctypes.c_ulong(0)
    while time.monotonic() < deadline:
        if not kernel.PeekNamedPipe(ctypes.c_void_p(handle), None, 0, None, ctypes.byref(waiting), None) or waiting.value:
            return True  # something to read, or the other end is closed
        time.sleep(0.002)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        process.wait(timeout=5)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(HEADER.pack(len(message)))
    pipe.write(message)
    pipe.flush()


# --- in the child --------------------------------------------------------------------------------


def serve(arguments: Sequence[str] | None = None) -> None:
    """The child's side: answer calls until the pipe closes."""
    function, memory = arguments if arguments is not None else sys.argv[1:]
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)  # what the function prints must not be taken for an answer
    with _reported(answers) as failed:
        module, _, name = function.partition(":")
        callee = getattr(import_module(module), name)
        _limit_memory(int(memory))
        _send(answers, pickle.dumps(("returned", None)))
    if failed:
        return
    while header := requests.read(HEADER.size):
        message = requests.read(HEADER.unpack(header)[0])
        with _reported(answers):
            result = pickle.dumps(("returned", callee(pickle.loads(message))))
            _send(answers, result)


@contextlib.contextmanager
def _reported(answers: IO[bytes]) -> Any:
    """Send what is raised within to the parent instead of raising it; the list given out is filled then."""
    failed: list[BaseException] = []
    try:
        yield failed
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except BaseException as error:  # the parent decides what it means, a MemoryError or RecursionError too
        failed.append(error)
        try:
            message = pickle.dumps(("raised", error))
            pickle.loads(message)
        except Exception:  # an exception that cannot travel is told in words
            message = pickle.dumps(("raised", HubError(f"{type(error).__name__}: {error}"[:2000])))
        _send(answers, message)


def _limit_memory(size: int) -> None:
    """Bound what the function may add to the address space that its imports took; without effect on Windows and macOS."""
    if size <= 0 or not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = taken + size
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
