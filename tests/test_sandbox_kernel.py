"""The kernel's filters and rules, tried on a small imitation of the kernel's filter machine: on both machines, whatever runs the tests."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters_hub.sandbox import landlock, limits, seccomp, syscalls
from adapters_hub.sandbox.failure import Failure
from adapters_hub.sandbox.interpreter import command, environment
from adapters_hub.sandbox.seccomp import ALLOW, KILL, NOTIFY
from adapters_hub.sandbox.syscalls import AARCH64, X86_64

OWN = 4321
BOTH = pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=["x86-64", "aarch64"])
EPERM, ENOSYS, ENOTTY = (0x00050000 | number for number in (errno.EPERM, errno.ENOSYS, errno.ENOTTY))


def answer(program: seccomp.Program, machine: int, number: int, *arguments: int) -> int:
    """What the kernel does with a call, as its manual describes the filter machine."""
    data = number.to_bytes(4, "little") + machine.to_bytes(4, "little") + bytes(8)
    data += b"".join((argument & (1 << 64) - 1).to_bytes(8, "little") for argument in (*arguments, *[0] * 6)[:6])
    accumulator, position = 0, 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == 0x20:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif code == 0x54:
            accumulator &= value
        elif code == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            position += if_true if holds else if_false


def gate_answer(machine: int, name: str, *arguments: int, creating: bool = True) -> int:
    """What the guest's filter answers to a call by name."""
    number = syscalls.number_of(name, machine)
    assert number is not None
    return answer(seccomp.gate(machine, OWN, creating=creating), machine, number, *arguments)


def names_on(machine: int) -> list[str]:
    return [name for name in syscalls.NUMBERS if syscalls.number_of(name, machine) is not None]


@BOTH
def test_every_call_of_another_machine_ends_the_guest(machine: int) -> None:
    other = X86_64 if machine == AARCH64 else AARCH64
    for wrong in (other, 0x40000003, 0x40000028):  # 32-bit x86 and ARM
        assert answer(seccomp.gate(machine, OWN, creating=True), wrong, 0) == KILL
        assert answer(seccomp.counter(machine), wrong, 0) == KILL


def test_the_second_numbering_of_x86_is_shut() -> None:
    program = seccomp.gate(X86_64, OWN, creating=True)
    for number in (0, 1, 59, 520, 0x3FFFFFFF):
        assert answer(program, X86_64, seccomp.X32_BIT | number) == ENOSYS


@BOTH
def test_exactly_the_listed_calls_are_open(machine: int) -> None:
    numbers = {syscalls.number_of(name, machine): name for name in names_on(machine)}
    conditional = {"open", "openat", "mmap", "mprotect", "kill", "tgkill", "prlimit64", "setrlimit", "ioctl", "fcntl", "futex"}
    program = seccomp.gate(machine, OWN, creating=False)
    for number in range(600):
        name = numbers.get(number, "")
        if name not in conditional:
            expected = ALLOW if name in seccomp.ALLOWED else EPERM if name in (*seccomp.REFUSED, *seccomp.CREATING) else ENOSYS
            assert answer(program, machine, number) == expected, (number, name)


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        "clone",
        "execve",
        "execveat",
        "socket",
        "socketpair",
        "ptrace",
        "bpf",
        "io_uring_setup",
        "unshare",
        "mount",
        "memfd_create",
        "keyctl",
    ],
)
def test_what_must_never_be_open_is_not(machine: int, name: str) -> None:
    assert gate_answer(machine, name) == EPERM


@BOTH
def test_clone3_is_unknown_so_that_libraries_fall_back_to_clone_which_is_refused(machine: int) -> None:
    assert gate_answer(machine, "clone3") == ENOSYS


@BOTH
def test_signals_reach_the_guest_itself_only(machine: int) -> None:
    for name in ("kill", "tgkill"):
        assert gate_answer(machine, name, OWN) == ALLOW
        for other in (0, -1, 1, -OWN, OWN + 1):
            assert gate_answer(machine, name, other) == EPERM


@BOTH
def test_memory_does_not_become_executable(machine: int) -> None:
    for name in ("mmap", "mprotect"):
        assert gate_answer(machine, name, 0, 4096, 3) == ALLOW
        for protection in (4, 5, 7, 0x1000004):
            assert gate_answer(machine, name, 0, 4096, protection) == EPERM


@BOTH
@pytest.mark.parametrize("name, position", [("open", 1), ("openat", 2)])
def test_opening_is_left_to_landlock_but_for_what_it_overlooks(machine: int, name: str, position: int) -> None:
    if syscalls.number_of(name, machine) is None:
        pytest.skip("this machine has no such call")
    before = [0] * position
    for flags, expected in {
        os.O_RDONLY: ALLOW,
        os.O_WRONLY | os.O_TRUNC: ALLOW,
        os.O_RDWR | os.O_TRUNC: ALLOW,
        os.O_RDONLY | 0o1000: EPERM,
        3: EPERM,
        3 | 0o1000: EPERM,
    }.items():
        assert gate_answer(machine, name, *before, flags) == expected, oct(flags)


@BOTH
def test_files_are_made_only_where_they_are_counted(machine: int) -> None:
    counter = seccomp.counter(machine)
    for name in (*seccomp.CREATING, "open", "openat"):
        number = syscalls.number_of(name, machine)
        if number is None:
            continue
        arguments = {"open": (0, 0o101), "openat": (0, 0, 0o101)}.get(name, ())
        assert answer(counter, machine, number, *arguments) == NOTIFY
        assert gate_answer(machine, name, *arguments, creating=False) == EPERM
        assert gate_answer(machine, name, *arguments, creating=True) == ALLOW
    openat = syscalls.number_of("openat", machine) or 0
    assert answer(counter, machine, openat, 0, 0, 0o20200002) == NOTIFY  # a file without a name
    assert answer(counter, machine, openat, 0, 0, 0) == ALLOW
    assert answer(counter, machine, syscalls.number_of("read", machine) or 0) == ALLOW


@BOTH
def test_only_harmless_controls_of_a_descriptor_are_open(machine: int) -> None:
    assert gate_answer(machine, "ioctl", 1, 0x5401) == ALLOW
    for request in (0x5412, 0x541C, 0x8901, 0x8902, 0x4004667F):  # typing into a terminal, selections, owners of signals
        assert gate_answer(machine, "ioctl", 1, request) == ENOTTY
    assert gate_answer(machine, "fcntl", 1, 3) == ALLOW
    for request in (8, 10, 15, 1031, 1033, 1026):  # owners and numbers of signals, sizes of pipes, seals, leases
        assert gate_answer(machine, "fcntl", 1, request) == EPERM
    assert gate_answer(machine, "futex", 0, 0x80) == ALLOW
    assert gate_answer(machine, "futex", 0, 6) == ENOSYS


@BOTH
def test_limits_of_others_cannot_be_changed(machine: int) -> None:
    assert gate_answer(machine, "prlimit64", 0) == ALLOW
    assert gate_answer(machine, "prlimit64", OWN + 1) == EPERM


@BOTH
def test_every_jump_stays_within_the_program(machine: int) -> None:
    for program in (seccomp.gate(machine, OWN, creating=False), seccomp.gate(machine, OWN, creating=True), seccomp.counter(machine)):
        assert len(program) < 4096
        for place, (code, if_true, if_false, value) in enumerate(program):
            assert max(if_true, if_false) < 256 and (code == 0x06 or place + 1 + max(if_true, if_false) < len(program))
            assert 0 <= value < 1 << 32
            assert code in (0x06, 0x15, 0x20, 0x35, 0x45, 0x54)
        assert program[-1][0] == 0x06


@BOTH
def test_no_number_stands_for_two_names(machine: int) -> None:
    numbers = [syscalls.number_of(name, machine) for name in names_on(machine)]
    assert len(numbers) == len(set(numbers))


def test_every_name_in_the_lists_has_a_number() -> None:
    assert {*seccomp.ALLOWED, *seccomp.CREATING, *seccomp.REFUSED} <= {*syscalls.NUMBERS}
    assert not {*seccomp.ALLOWED} & {*seccomp.REFUSED, *seccomp.CREATING}


@pytest.mark.parametrize(
    "column, header",
    [(0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), (1, "/usr/include/asm-generic/unistd.h")],
    ids=["x86-64", "aarch64"],
)
def test_numbers_are_those_of_the_kernel_s_headers(column: int, header: str) -> None:
    if not Path(header).is_file():
        pytest.skip(f"no {header} on this machine")
    text = Path(header).read_text()
    defined = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    defined.setdefault("newfstatat", defined.get("fstatat", -1))
    known = max(defined.values())
    for name, numbers in syscalls.NUMBERS.items():
        number = numbers[column]
        if number is not None and number <= known:
            assert defined.get(name) == number, name
        elif number is None:
            assert name not in defined or name in ("fork", "vfork", "setpgid"), name


def test_each_version_of_landlock_denies_all_it_knows() -> None:
    assert [landlock.known_rights(version).bit_length() for version in range(1, 10)] == [13, 14, 15, 15, 16, 16, 16, 16, 16]
    assert landlock.known_rights(0) == landlock.known_rights(1)


def test_a_folder_of_one_s_own_allows_no_running_and_no_devices() -> None:
    refused = landlock.EXECUTE | landlock.MAKE_CHAR | landlock.MAKE_BLOCK | landlock.MAKE_SOCK | landlock.MAKE_FIFO | landlock.IOCTL_DEV
    assert not landlock.USE & refused
    assert not landlock.READ & ~(landlock.READ_FILE | landlock.READ_DIR)


def test_a_machine_that_is_not_known_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls.platform, "machine", lambda: "riscv64")
    assert syscalls.machine() is None
    with pytest.raises(OSError):
        syscalls.call("getpid")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux")
def test_limits_hold_in_a_process(tmp_path: Path) -> None:
    program = command("zygote")[-1].partition("from adapters_hub")[0]
    program += "from adapters_hub.sandbox.limits import Limits, impose\nimport resource\nprint(impose(Limits(seconds=3)))\n"
    program += "for n in ('CORE', 'CPU', 'FSIZE', 'NOFILE', 'NPROC'): print(resource.getrlimit(getattr(resource, 'RLIMIT_' + n)))\n"
    program += "try:\n    bytearray(1 << 30)\nexcept MemoryError:\n    print('full')"
    done = subprocess.run([*command("zygote")[:-1], program], capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert done.stdout.split("\n")[:-1] == ["()", "(0, 0)", "(4, 5)", "(1048576, 1048576)", "(64, 64)", "(0, 0)", "full"], done.stderr


@pytest.mark.parametrize(
    "exit_code, cpu, kind",
    [
        (0, 0, "exit"),
        (3, 0, "exit"),
        (-24, 0, "timeout"),
        (-9, 0, "died"),
        (-9, 99, "timeout"),
        (-25, 0, "blocked"),
        (-31, 0, "blocked"),
        (-11, 0, "died"),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the numbers of signals are those of Linux")
def test_the_end_of_a_guest_is_told_by_its_status(exit_code: int, cpu: float, kind: str) -> None:
    found = limits.failure_of(exit_code, limits.Limits(), cpu)
    assert isinstance(found, Failure)
    assert found.kind == kind
