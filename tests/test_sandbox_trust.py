"""What a guest says is its own word only: it cannot break the parent, falsify another guest's answer, or leave anything behind."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters_hub.sandbox import Failure, Limits, describe, locked, seccomp, syscalls


@pytest.fixture(scope="module")
def linux() -> Iterator[locked.LockedSandbox]:
    """The Linux tier."""
    report = next(report for report in describe() if report.name == "landlock+seccomp")
    if not report.works:
        pytest.skip(f"{report.name}: {report.detail}")
    made = locked.LockedSandbox()
    yield made
    made.close()


def test_nothing_a_guest_writes_to_its_line_is_taken_for_more_than_its_own_word(linux: locked.LockedSandbox) -> None:
    forged = "import os\nfor n in range(3, 60):\n    try:\n        os.write(n, {message!r})\n    except OSError:\n        pass"
    for message in (b"\x00\x00\x00\x01N", b"\xff" * 64, b"\x00" * 64, os.urandom(5000), b"\x00\x00\x00\x05PASSED"):
        with linux.start() as guest:
            with pytest.raises(Failure) as caught:
                guest.run(forged.format(message=message))
                guest.evaluate("1")
            assert caught.value.kind in ("result", "timeout")
            with pytest.raises(Failure):
                guest.evaluate("1")


def test_a_guest_that_floods_its_line_is_ended(linux: locked.LockedSandbox) -> None:
    with linux.start() as guest, pytest.raises(Failure) as caught:
        guest.run("import os\nwhile True:\n    os.write(3, b'\\xff' * 60000)")
    assert caught.value.kind == "result"


def test_a_guest_that_closes_its_line_is_ended(linux: locked.LockedSandbox) -> None:
    with linux.start() as guest, pytest.raises(Failure) as caught:
        guest.run("import os\nos.closerange(3, 64)\nwhile True:\n    pass")
    assert caught.value.kind == "died"


def test_a_well_formed_answer_written_by_hand_is_only_the_guest_s_own_answer(linux: locked.LockedSandbox) -> None:
    source = """
import gc, os, struct
def forge(*_):
    runtime = next(one for one in gc.get_objects() if type(one).__name__ == "Runtime")
    runtime._send = lambda message: os.write(3, struct.pack("!I", 5) + b"l\\0\\0\\0\\0")
"""
    with linux.start() as honest, linux.start() as forger:
        honest.run("def f():\n    return 1")
        forger.run(source)
        with pytest.raises(Failure) as caught:
            forger.call("forge", [])
        assert caught.value.kind == "result"
        assert honest.call("f", []).value == 1


@pytest.mark.parametrize("ending", ["import sys\nsys.exit(0)", "raise SystemExit(0)", "exit()", "quit(0)"])
def test_leaving_by_exit_is_a_failure(ending: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as guest:
        with pytest.raises(Failure) as caught:
            guest.run(f"print('PASSED')\n{ending}")
        assert caught.value.kind == "exit"


def test_ending_the_process_is_a_failure(linux: locked.LockedSandbox) -> None:
    with linux.start() as guest:
        with pytest.raises(Failure) as caught:
            guest.run("import os\nprint('PASSED', flush=True)\nos._exit(0)")
        assert caught.value.kind == "exit"
        assert guest.ended


@pytest.mark.parametrize(
    "ending",
    ["import os\nos.abort()", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "import ctypes\nctypes.string_at(1)"],
)
def test_a_crash_is_a_failure(ending: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as guest, pytest.raises(Failure) as caught:
        guest.run(ending)
    assert caught.value.kind == "died"


EQUAL = """
class Igual:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __hash__(self): return 5
class Cinco(int):
    def __eq__(self, other): return True
    def __hash__(self): return 5
def f(*_): return Igual()
def g(*_): return Cinco(3)
def h(*_): return [Igual()]
def k(*_): return {Igual(): 1}
"""


@pytest.mark.parametrize("name", "fgh")
def test_an_object_that_equals_everything_gains_nothing_in_the_parent(name: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as guest:
        guest.run(EQUAL)
        value = guest.call(name, []).value
        expected: object = [5] if name == "h" else 5
        with pytest.raises(Failure):
            assert value == expected
        with pytest.raises(Failure):
            assert expected == value


@pytest.mark.parametrize(
    "test", ["assert f() == 5", "assert 5 == f()", "assert f() != 6", "assert f() < 6", "assert g() == 5", "assert h() == [5]"]
)
def test_an_object_that_equals_everything_gains_nothing_in_a_test(test: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as answer, linux.start() as tests:
        answer.run(EQUAL)
        for name in "fgh":
            tests.bind(name, lambda args, kwargs, name=name: answer.call(name, args, kwargs).value)
        with pytest.raises(Failure) as caught:
            tests.run(test)
        assert caught.value.kind == "result"


STANDING_IN = ("g.__class__", "g.__getattribute__", "g.__reduce_ex__")
LOOKING = """
def f(g, expected="?"):
    {look}
    return 5
"""


@pytest.mark.parametrize(
    "look",
    [
        "g.__globals__['expected']",
        "g.__globals__.update(expected=5)",
        "g.__code__",
        "g.__setattr__('__code__', (lambda: 5).__code__)",
        "g.__code__ = (lambda: 5).__code__",
        "g.__class__.__base__.__subclasses__()",
        "g.__getattribute__('__globals__')",
        "g.__builtins__",
        "g.gi_frame",
        "g.f_globals",
        "g.__reduce_ex__(2)",
    ],
)
def test_an_answer_cannot_get_into_its_tests_by_what_they_give_it(look: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as answer, linux.start() as tests:
        answer.run(LOOKING.format(look=look))
        tests.bind("f", lambda args, kwargs: answer.call("f", args, kwargs).value)
        with pytest.raises(Failure) as caught:
            tests.run("expected = 6\nassert f(lambda: expected) == expected", "tests")
        # "raised": what it found were its own stand-ins for the function, and the assertion failed
        assert caught.value.kind in (("raised", "blocked") if look.startswith(STANDING_IN) else ("blocked",))


def test_tests_may_look_into_what_the_answer_gives_them(linux: locked.LockedSandbox) -> None:
    with linux.start() as answer, linux.start() as tests:
        answer.run("class Pila:\n    def __init__(self):\n        self._datos, self.__oculto = [1], 2\n    def _m(self):\n        return 3")
        tests.bind("Pila", lambda args, kwargs: answer.call("Pila", args, kwargs).value)
        tests.run("p = Pila()\nassert p._datos == [1] and p._Pila__oculto == 2 and p._m() == 3")


RUNTIME = """
import gc
runtime = next(one for one in gc.get_objects() if type(one).__name__ == "Runtime")
class Thing: pass
"""


@pytest.mark.parametrize("kind", ["call", "attribute", "method", "bound", "nothing"])
def test_a_guest_cannot_have_the_parent_ask_it_for_ever(kind: str, linux: locked.LockedSandbox) -> None:
    started = time.monotonic()
    with linux.start(Limits(seconds=1)) as guest, pytest.raises(Failure) as caught:
        guest.run(f"{RUNTIME}\nwhile True:\n    runtime.ask({kind!r}, Thing(), ('__class__',), {{}})")
    assert caught.value.kind == "result"
    assert time.monotonic() - started < 5


def test_reading_large_messages_counts_as_the_guest_s_time(linux: locked.LockedSandbox) -> None:
    started = time.monotonic()
    with linux.start(Limits(seconds=1)) as guest:
        guest.bind("f", lambda args, kwargs: None)
        with pytest.raises(Failure) as caught:
            guest.run("x = [[]] * 90_000\nwhile True:\n    f(x)")
        assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 4


def test_only_the_guest_s_own_four_descriptors_are_open(linux: locked.LockedSandbox) -> None:
    source = """
import os
found = []
for number in range(1024):
    try:
        os.fstat(number)
        found.append(number)
    except OSError:
        pass
"""
    with linux.start(), linux.start() as guest:
        guest.run(source)
        assert guest.evaluate("found") == [0, 1, 2, 3]
        guest.run("import select\nready = select.select([3], [], [], 0)[0]")
        assert guest.evaluate("ready") == []


def test_this_very_kernel_refuses_every_call_that_is_not_on_the_list(linux: locked.LockedSandbox) -> None:
    own = syscalls.machine()
    assert own is not None
    sparing = {
        *seccomp.ALLOWED,
        "open",
        "openat",
        "mmap",
        "mprotect",
        "kill",
        "tgkill",
        "prlimit64",
        "setrlimit",
        "ioctl",
        "fcntl",
        "futex",
    }
    probes = {335, 336}  # the kernel's own traps on x86-64, which filters do not see; called by anybody else they end the process
    numbers = sorted({*range(480)} - probes - {syscalls.number_of(name, own) for name in {*sparing, *seccomp.CREATING}})
    source = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
open_calls = []
for number in numbers:
    library.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
    if ctypes.get_errno() not in (1, 38):
        open_calls.append(number)
    ctypes.set_errno(0)
"""
    with linux.start() as guest:
        guest.run(f"numbers = {numbers}\n{source}")
        assert len(numbers) > 300 and guest.evaluate("open_calls") == []


TAMPERING = {
    "builtins": "import builtins\nfor n in ('len', 'type', 'isinstance', 'tuple', 'print'):\n    setattr(builtins, n, lambda *a, **k: 5)",
    "modules": "import os, json, struct, sys\nos.write = os.read = json.dumps = struct.pack = lambda *a: b'5'\nsys.modules.clear()",
    "the standard streams": "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = None",
    "garbage": "class Z:\n    def __del__(self):\n        import os\n        print('PASSED')\nz = Z()\nz.me = z",
    "the end": "import atexit\natexit.register(lambda: print('PASSED'))",
    "exceptions": "import sys\nsys.excepthook = lambda *a: None\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
}


@pytest.mark.parametrize("what", [*TAMPERING])
def test_tampering_reaches_no_other_guest(what: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as tamperer, contextlib.suppress(Failure):
        tamperer.run(TAMPERING[what])
        tamperer.evaluate("1")
    with linux.start() as other:
        other.run("def f(n):\n    return n + 1")
        assert other.call("f", [1]).value == 2
        assert other.stdout == ""


def test_an_exception_that_misbehaves_is_told_all_the_same(linux: locked.LockedSandbox) -> None:
    source = "class E(Exception):\n    def __str__(self): raise E\n    __repr__ = __str__\nraise E(E(1))"
    with linux.start() as guest, pytest.raises(Failure) as caught:
        guest.run(source)
    assert (caught.value.kind, caught.value.type_name, caught.value.builtin) == ("raised", "E", "Exception")


@pytest.mark.parametrize(
    "expression",
    [
        "10 ** 10 ** 6",
        "'x' * 2_000_000",
        "[[]] * 300_000",
        "(lambda f: f(f, 150))(lambda f, n: [f(f, n - 1)] if n else [])",
        "(lambda x: x.append(x) or x)([])",
        "__import__('decimal').Decimal('1e999999')",
        "__import__('collections').deque(range(500_000))",
    ],
)
def test_a_value_that_cannot_travel_is_a_failure_of_its_own_kind(expression: str, linux: locked.LockedSandbox) -> None:
    with linux.start() as guest:
        with pytest.raises(Failure) as caught:
            guest.evaluate(expression)
        assert caught.value.kind == "result"
        assert guest.evaluate("1") == 1


def test_keys_that_all_hash_alike_do_not_slow_the_parent_down(linux: locked.LockedSandbox) -> None:
    with linux.start(Limits(seconds=20)) as guest:
        guest.run("p = 2 ** 61 - 1\ndef f():\n    return {n * p: None for n in range(3000)}")
        started = time.process_time()
        with pytest.raises(Failure) as caught:
            guest.call("f", [])
        assert caught.value.kind == "result"
        assert time.process_time() - started < 1


# --- what is left --------------------------------------------------------------------------------


def zygote_of(sandbox: locked.LockedSandbox) -> locked.Zygote:
    """The warm process."""
    assert sandbox._zygote is not None
    return sandbox._zygote


def children() -> set[int]:
    """Processes that descend from this one."""
    found, wave = set(), {os.getpid()}
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    while wave:
        wave = {pid for pid, parent in parents.items() if parent in wave} - found
        found |= wave
    return found


def test_nothing_is_left_of_a_guest(linux: locked.LockedSandbox) -> None:
    linux.start().close()
    before = children()
    base = zygote_of(linux).base
    with linux.start() as guest:
        guest.run(
            "import os\nos.makedirs('a/b/c')\nopen('a/b/c/d', 'w').write('x')\nos.mkdir('shut', 0)\n"
            "os.symlink('/', 'root')\nopen('-rf', 'w').close()"
        )
        assert len(children() - before) == 1
        assert len(list(base.iterdir())) == 1
    assert children() <= before
    assert list(base.iterdir()) == []


def test_a_folder_deeper_than_any_path_is_removed(linux: locked.LockedSandbox) -> None:
    with linux.start() as guest:
        with pytest.raises(Failure):
            guest.run("import os\nn = 0\nwhile True:\n    os.mkdir('x' * 250, 0o300)\n    os.chdir('x' * 250)\n    n += 1")
        assert guest.evaluate("n") > 100
    assert list(zygote_of(linux).base.iterdir()) == []


def test_no_descriptor_is_left_after_many_guests(linux: locked.LockedSandbox) -> None:
    def one() -> None:
        with linux.start() as guest:
            guest.run("import os\nopen('x', 'w')")

    def settled() -> list[int]:
        time.sleep(0.5)  # the warm process learns of an end a little later
        return [len(os.listdir(f"/proc/{process}/fd")) for process in ("self", zygote_of(linux)._process.pid)]

    one()
    before = settled()
    for _ in range(300 if os.environ.get("CI") else 60):
        one()
    assert settled() == before
