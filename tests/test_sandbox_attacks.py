"""Attacks on the sandbox: none succeeds in any tier that works here, and each does where the barrier is missing.

An attack is source that sets ``loot`` to something true when it succeeded. Run by the unsafe tier the same source does succeed, so a test
here can fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY

from adapters_hub.sandbox import Failure, Limits, Sandbox, describe, locked, monty, unsafe

LIMITS = Limits(seconds=3.0)
SAFE = {"landlock+seccomp": locked.LockedSandbox, "monty": monty.MontySandbox}
POSIX = os.name == "posix"


@pytest.fixture(scope="module", params=[*SAFE])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each safe tier that works here."""
    report = next(report for report in describe() if report.name == request.param)
    if not report.works:
        pytest.skip(f"{report.name}: {report.detail}")
    made: Sandbox = SAFE[request.param]()
    yield made
    made.close()


@pytest.fixture(scope="module")
def linux() -> Iterator[Sandbox]:
    """The Linux tier."""
    report = next(report for report in describe() if report.name == "landlock+seccomp")
    if not report.works:
        pytest.skip(f"{report.name}: {report.detail}")
    made = locked.LockedSandbox()
    yield made
    made.close()


@dataclass(frozen=True)
class Surroundings:
    """What the attacks are after."""

    folder: Path
    tcp: int
    udp: int
    sockets: tuple[socket.socket, ...]

    def fill(self, source: str) -> str:
        """The source of an attack with the names of these surroundings."""
        names = {
            "SECRET": str(self.folder / "secret"),
            "TARGET": str(self.folder / "target"),
            "UNIX": str(self.folder / "unix"),
            "FOLDER": str(self.folder),
            "REPOSITORY": str(REPOSITORY),
            "TCP": self.tcp,
            "UDP": self.udp,
            "PID": os.getpid(),
        }
        return "".join(f"{name} = {value!r}\n" for name, value in names.items()) + "loot = None\n" + source

    def touched(self) -> bool:
        """Whether an attack left a mark outside of its guest."""
        if (self.folder / "target").exists() or (self.folder / "secret").read_text() != "secret":
            return True
        for server in self.sockets:
            with contextlib.suppress(BlockingIOError):
                server.accept() if server.type == socket.SOCK_STREAM else server.recv(100)
                return True
        return False


@pytest.fixture
def surroundings() -> Iterator[Surroundings]:
    """A secret file, a place for a file, and three sockets that nobody should reach."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attacked-")))
        (folder / "secret").write_text("secret")
        os.environ["HUB_TEST_SECRET"] = "in the environment"
        stack.callback(os.environ.pop, "HUB_TEST_SECRET")
        tcp, udp = (stack.enter_context(socket.socket(socket.AF_INET, kind)) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
        servers = [tcp, udp]
        for server in servers:
            server.bind(("127.0.0.1", 0))
        if hasattr(socket, "AF_UNIX"):
            servers.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
            servers[-1].bind(str(folder / "unix"))
        for server in servers:
            server.setblocking(False)
            if server.type == socket.SOCK_STREAM:
                server.listen()
        yield Surroundings(folder, tcp.getsockname()[1], udp.getsockname()[1], tuple(servers))


CTYPES = """
import ctypes, ctypes.util
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
import platform
ARM = platform.machine() == 'aarch64'
def call(on_x86, on_arm, *arguments):
    return libc.syscall(ctypes.c_long(on_arm if ARM else on_x86), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
"""
ATTACKS = {
    # the network
    "connects by TCP": "import socket\ns = socket.create_connection(('127.0.0.1', TCP), 1)\nloot = True",
    "sends a datagram": "import socket\nloot = socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))",
    "listens": "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\nloot = True",
    "opens IPv6": "import socket\nloot = socket.socket(socket.AF_INET6, socket.SOCK_STREAM).fileno()",
    "connects to a Unix socket": "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect(UNIX)\nloot = True",
    "makes a pair of sockets": "import socket\nloot = len(socket.socketpair())",
    "asks the kernel by netlink": "import socket\nloot = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).fileno()",
    "asks for a name": "import socket\nloot = socket.getaddrinfo('localhost', 80, proto=socket.IPPROTO_TCP)",
    # files
    "reads the password file": "loot = open('/etc/passwd').read()",
    "reads a file of its user": "loot = open(SECRET).read()",
    "reads the workspace": "loot = open(REPOSITORY + '/README.md').read()",
    "lists the workspace": "import os\nloot = os.listdir(REPOSITORY)",
    "lists the root": "import os\nloot = os.listdir('/')",
    "reads the parent's environment": "loot = b'HUB_TEST_SECRET' in open(f'/proc/{PID}/environ', 'rb').read()",
    "reads the parent's memory map": "loot = open(f'/proc/{PID}/maps').read()",
    "looks at its own process": "loot = open('/proc/self/status').read()",
    "finds the environment": "import os\nloot = os.environ.get('HUB_TEST_SECRET') or os.environ.get('PATH') or os.environ.get('HOME')",
    "writes outside": "open(TARGET, 'w').write('x')\nloot = True",
    "writes to the shared memory": "import os\nopen('/dev/shm/hub-attack', 'w').write('x')\nos.remove('/dev/shm/hub-attack')\nloot = True",
    "writes by a link": "import os\nos.symlink(SECRET, 'link')\nopen('link', 'a').write('')\nloot = True",
    "reads by a link": "import os\nos.symlink(SECRET, 'link')\nloot = open('link').read()",
    "reads by a hard link": "import os\nos.link(SECRET, 'hard')\nloot = open('hard').read()",
    "moves a file out": "import os\nopen('mine', 'w').write('x')\nos.rename('mine', TARGET)\nloot = True",
    "moves a file in": "import os\nos.rename(SECRET, 'mine')\nopen('mine').read()\nos.rename('mine', SECRET)\nloot = True",
    "climbs by a relative path": "import os\nloot = open('../' * 20 + 'etc/passwd').read()",
    "reads after changing its folder": "import os\nos.chdir(FOLDER)\nloot = open('secret').read()",
    "changes the rights of a file": "import os\nos.chmod(SECRET, 0o600)\nloot = True",
    "changes the times of a file": "import os\nos.utime(SECRET, (1, 1))\nloot = True",
    "changes an attribute of a file": "import os\nos.setxattr(SECRET, 'user.hub', b'x')\nos.removexattr(SECRET, 'user.hub')\nloot = True",
    "empties a file by path": "import os\nos.truncate(SECRET, 6)\nloot = True",
    "empties a file by opening": "import os\nf = os.open(SECRET, os.O_RDWR)\nos.ftruncate(f, 6)\nloot = True",
    "opens with the odd access mode": "import os\nloot = os.open(SECRET, 3) + 1",
    "deletes a file": "import os\nos.rename(SECRET, SECRET + '2')\nos.rename(SECRET + '2', SECRET)\nloot = True",
    "makes a pipe file": "import os\nos.mkfifo('fifo')\nloot = True",
    "opens the tty or a device": "loot = open('/dev/zero', 'rb').read(1)",
    # processes
    "forks": "import os\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)\nloot = True",
    "runs a program": "import subprocess\nloot = subprocess.run(['/bin/echo', 'x'], capture_output=True).stdout",
    "runs a shell": "import os\nloot = os.system('true') == 0",
    "spawns": "import os\nloot = os.posix_spawn('/bin/true', ['true'], {})",
    "replaces itself": "import os\nos.execv('/bin/true', ['true'])",
    "uses multiprocessing": (
        "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print)\np.start()\np.join()\nloot = p.exitcode == 0"
    ),
    "starts a thread": "import threading\nt = threading.Thread(target=lambda: None)\nt.start()\nt.join()\nloot = True",
    "starts many threads": (
        "import threading\nthreading.stack_size(1 << 18)\nevent = threading.Event()\n"
        "for _ in range(50):\n    threading.Thread(target=event.wait).start()\n"
        "loot = threading.active_count() > 50\nevent.set()"
    ),
    "signals the parent": "import os\nos.kill(PID, 0)\nloot = True",
    "signals its group": "import os, signal\nsignal.signal(signal.SIGURG, signal.SIG_IGN)\nos.kill(0, signal.SIGURG)\nloot = True",
    "signals by the kernel": (
        "import fcntl, os, signal\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, PID)\nloot = fcntl.fcntl(r, fcntl.F_GETOWN) == PID"
    ),
    "takes higher priority or leaves its session": "import os\nos.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})\nloot = True",
    # the kernel by hand
    "loads ctypes for its own calls": CTYPES + "loot = call(41, 198, 2, 1, 0) > 0",
    "clones by hand": CTYPES + "import os\np = call(56, 220, 17, 0, 0, 0, 0)\nos._exit(0) if p == 0 else None\nloot = p > 0",
    "clones by clone3": (
        CTYPES + "import os, struct\nbuffer = ctypes.create_string_buffer(struct.pack('=8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64)\n"
        "p = call(435, 435, buffer, 64)\nos._exit(0) if p == 0 else None\nloot = p > 0"
    ),
    "traces the parent": CTYPES + "loot = call(101, 117, 0x4206, PID, 0, 0) == 0\nif loot: call(101, 117, 17, PID, 0, 0)",
    "has itself traced": CTYPES + "loot = call(101, 117, 0, 0, 0, 0) == 0",
    "opens a handle of the parent": CTYPES + "loot = call(434, 434, PID, 0) > 0",
    "makes a file in memory": CTYPES + "loot = call(319, 279, b'x', 0) > 0",
    "makes a ring for I/O": CTYPES + "loot = call(425, 425, 4, ctypes.create_string_buffer(120)) > 0",
    "leaves its namespace": CTYPES + "loot = call(272, 97, 0) == 0",
    "keeps keys": CTYPES + "loot = call(250, 219, 0, -3, 1) > 0",
    "watches performance": CTYPES + "loot = call(317, 277, 2, 0, ctypes.byref(ctypes.c_uint32(0x7fff0000))) == 0",
    "shares memory": CTYPES + "import os\ni = call(29, 194, 0, 4096, 0o1600)\nloot = i >= 0\nif loot: call(31, 195, i, 0, 0)",
    "opens by a newer call": CTYPES + "import struct\nloot = call(437, 437, -100, b'/etc/passwd', ctypes.create_string_buffer(24), 24) > 0",
    "makes memory executable": CTYPES + "loot = call(9, 222, 0, 4096, 7, 0x22, -1, 0) > 0",
    "changes its own death": CTYPES + "loot = call(157, 167, 1, 0, 0, 0, 0) == 0",
    "raises its limits": (
        "import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))\nloot = True"
    ),
}
"""Name -> source."""
NOT_TRIED = {
    "replaces itself": "ends the guest in the unsafe tier too",
    "opens by a newer call": "needs the right structure, which is beside the point",
    "reads the parent's environment": "a process without rights may be kept from its parent by the system's own settings",
    "reads the parent's memory map": "likewise",
    "traces the parent": "would stop the tests",
    "has itself traced": "would stop the guest",
    "finds the environment": "the unsafe tier gives none either",
    "asks for a name": "needs a file of names, which not every machine has",
    "opens IPv6": "not every machine has it",
    "keeps keys": "not every kernel has them",
    "makes a ring for I/O": "many systems switch it off",
    "changes an attribute of a file": "not every file system has them",
    "raises its limits": "succeeds for root only",
}
"""Attacks whose success without a barrier is not shown, and why."""
NO_ROOT = ("forks", "runs a program", "runs a shell", "spawns", "uses multiprocessing", "starts a thread", "starts many threads", "clones")
"""Stopped by the limit on processes, which the unsafe tier sets too, but which root does not feel."""


@pytest.mark.parametrize("name", [*ATTACKS])
def test_an_attack_fails(name: str, sandbox: Sandbox, surroundings: Surroundings) -> None:
    loot = None
    with sandbox.start(LIMITS) as guest, contextlib.suppress(Failure):
        with contextlib.suppress(Failure):  # what it had got before it failed counts
            guest.run(surroundings.fill(ATTACKS[name]), "attack")
        loot = guest.evaluate("loot")
    assert not loot, f"the guest got {str(loot)[:100]}"
    assert not surroundings.touched()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the attacks are written for Linux")
@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in NOT_TRIED])
def test_the_same_attack_succeeds_without_a_barrier(name: str, surroundings: Surroundings) -> None:
    if os.geteuid() != 0 and name.startswith(NO_ROOT):
        pytest.skip("the limit on processes, which the unsafe tier has as well, stops this for an ordinary user")
    with unsafe.UnsafeSandbox().start(LIMITS) as guest:
        guest.run(surroundings.fill(ATTACKS[name]), "attack")
        assert guest.evaluate("bool(loot)")


PLAIN = "import subprocess, sys; assert sys.version_info >= (3, 10); subprocess.run([sys.executable, '-c', ''], check=True)"
ORDINARY = """
import json, os, sys, types
for name, path in (("adapters_hub", []), ("adapters_hub.sandbox", [{folder!r}])):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = path
from adapters_hub.sandbox import failure, limits, locked, probe
sandbox = locked.LockedSandbox()
won = probe.findings(sandbox)
for name, source in json.load(sys.stdin).items():
    loot = None
    try:
        with sandbox.start() as guest:
            try:
                guest.run(source)
            except failure.Failure:
                pass
            loot = guest.evaluate("loot")
    except failure.Failure:
        pass
    if loot:
        won.append(name)
print(os.getuid(), won)
"""


@pytest.fixture
def readable() -> Iterator[str]:
    """A copy of the sandbox's modules that every user may read: the checkout may lie where only its owner may look."""
    with tempfile.TemporaryDirectory(prefix="readable-") as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(Path(locked.__file__).parent, Path(folder, "sandbox"), ignore=shutil.ignore_patterns("__pycache__"))
        for path in (Path(folder, "sandbox"), *Path(folder, "sandbox").iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield str(Path(folder, "sandbox"))


def test_the_linux_tier_needs_no_rights_and_gives_an_ordinary_user_no_less(
    linux: Sandbox, surroundings: Surroundings, readable: str
) -> None:
    drop = [
        shutil.which("setpriv") or "",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--",
    ]
    if os.geteuid() != 0 or not drop[0]:
        pytest.skip("this user has no rights to give up, so all other tests show it")
    surroundings.folder.chmod(0o777)
    sources = json.dumps({name: surroundings.fill(source) for name, source in ATTACKS.items()})
    program = ORDINARY.format(folder=readable)
    for interpreter in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([*drop, interpreter, "-c", PLAIN], capture_output=True).returncode == 0:
            command = [*drop, interpreter, "-c", program]
            done = subprocess.run(command, input=sources, capture_output=True, text=True, timeout=60, cwd="/", env={})
            assert done.stdout == "65534 []\n", done.stderr
            assert not surroundings.touched()
            return
    pytest.skip("no interpreter that an ordinary user may run")


# --- taking too much -----------------------------------------------------------------------------

HOGS = {
    "loops for ever": ("while True:\n    pass", {"timeout"}),
    "sleeps for ever": ("import time\nwhile True:\n    time.sleep(100)", {"timeout"}),
    "ignores signals and goes on": (
        "import signal\nfor n in range(1, 65):\n    try:\n        signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n        pass\n"
        "while True:\n    pass",
        {"timeout", "unsupported"},
    ),
    "goes on in spite of exceptions": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        {"timeout"},
    ),
    "computes in one step": ("9 ** 9 ** 9 ** 9", {"timeout", "memory"}),
    "takes two gigabytes": ("taken = [0] * (1 << 28)", {"memory"}),
    "takes memory bit by bit": ("taken = []\nwhile True:\n    taken.append('x' * 1000000)", {"memory", "timeout"}),
    "takes memory as text": ("taken = 'x' * (1 << 31)", {"memory"}),
    "prints for ever": ("while True:\n    print('x' * 1000)", {"output"}),
    "prints one long line": ("print('x' * 10_000_000)", {"output", "memory"}),
    "complains for ever": ("import sys\nwhile True:\n    print('x' * 1000, file=sys.stderr)", {"output"}),
    "calls itself for ever": ("def f(n):\n    return f(n + 1) + 1\nf(0)", {"raised", "died", "memory"}),
    "calls itself as deep as it may": (
        "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(n):\n    return f(n + 1) + 1\nf(0)",
        {"raised", "died", "memory", "unsupported", "timeout"},
    ),
    "nests its source": ("x = " + "(" * 50_000 + ")" * 50_000, {"syntax", "raised", "memory", "died", "unsupported"}),
    "sends a source of a megabyte": ("x = [" + "1," * 500_000 + "]", {"", "memory", "unsupported", "timeout", "syntax"}),
    "sends bytes that are no source": ("x = 1\0", {"syntax", "raised", "unsupported"}),
}
"""Name -> source, and how it may end."""


@pytest.mark.parametrize("name", [*HOGS])
def test_a_hog_is_ended(name: str, sandbox: Sandbox) -> None:
    source, kinds = HOGS[name]
    started = time.monotonic()
    with sandbox.start(Limits(seconds=0.4)) as guest:
        try:
            guest.run(source)
        except Failure as failure:
            assert failure.kind in kinds, failure
        else:
            assert "" in kinds
    assert time.monotonic() - started < 6.0


def test_output_past_the_runtime_is_bounded_too(linux: Sandbox) -> None:
    with linux.start() as guest, pytest.raises(Failure) as caught:
        guest.run("import os\nwhile True:\n    os.write(1, b'x' * 60000)")
    assert caught.value.kind == "output"


def test_a_file_cannot_grow_past_its_limit(linux: Sandbox) -> None:
    with linux.start(Limits(file_bytes=1000)) as guest:
        with pytest.raises(Failure) as caught:
            guest.run("f = open('big', 'wb', buffering=0)\nn = 0\nwhile True:\n    n += f.write(b'x' * 600)")
        assert caught.value.kind == "blocked"
        assert guest.evaluate("__import__('os').stat('big').st_size") == 1000


@pytest.mark.parametrize(
    "step",
    ["open(f'file{n}', 'w').close()", "os.mkdir(f'folder{n}')", "os.symlink('x', f'link{n}')", "os.mkdir('deep'); os.chdir('deep')"],
)
def test_files_are_counted(step: str, linux: Sandbox) -> None:
    with linux.start(Limits(files=50)) as guest:
        with pytest.raises(Failure) as caught:
            guest.run(f"import os\nn = 0\nwhile True:\n    {step}\n    n += 1")
        assert caught.value.kind == "blocked"
        assert guest.evaluate("n") == 50


def test_processor_time_is_bounded_even_when_nobody_asks(linux: Sandbox) -> None:
    with linux.start(Limits(seconds=30, cpu_seconds=1)) as guest, pytest.raises(Failure) as caught:
        guest.run("while True:\n    pass")
    assert caught.value.kind == "timeout"


def test_the_clock_counts_all_requests_of_a_guest_together(linux: Sandbox) -> None:
    with linux.start(Limits(seconds=0.5)) as guest, pytest.raises(Failure) as caught:
        for _ in range(50):
            guest.run("import time\ntime.sleep(0.1)")
    assert caught.value.kind == "timeout"
    assert guest.seconds < 1.5
