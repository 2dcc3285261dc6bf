"""Which system calls a process may make: a filter program for the kernel, for good and without rights. Linux only.

A list of what is allowed rather than of what is not: a call that a later kernel brings stays shut until somebody thinks about it.
What is on the list is what CPython 3.10-3.13 needs to compute and to use files, on glibc and on musl; what glibc tries first and can do
without (clone3, rseq, openat2) answers "no such call", the plainly refused answers "not permitted", which Python tells as PermissionError.
New processes and new threads are both refused: a filter cannot count, so a bound on their number would not hold.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Sequence

from adapters_hub.sandbox import syscalls
from adapters_hub.sandbox.syscalls import number_of

ALLOWED = """
access brk alarm chdir clock_getres clock_gettime clock_nanosleep close close_range dup dup2 dup3 exit exit_group faccessat faccessat2
fadvise64 fchdir fdatasync fstat fstatfs fsync ftruncate getcpu getcwd getdents64 getegid geteuid getgid getgroups getitimer
getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid gettimeofday getuid lseek lstat
madvise mremap munmap nanosleep newfstatat pause poll ppoll pread64 preadv pselect6 pwrite64 pwritev read readlink
readlinkat readv rename renameat renameat2 restart_syscall rmdir rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend
rt_sigtimedwait sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_yield select
set_robust_list set_tid_address setitimer sigaltstack stat statfs statx sysinfo time times umask uname unlink unlinkat write writev
""".split()  # noqa: SIM905 (a list of that length is read as words)
CREATING = "creat link linkat mkdir mkdirat symlink symlinkat".split()  # noqa: SIM905
"""Each makes one file, folder or link; allowed where somebody counts them."""
REFUSED = """
add_key bind bpf capset chmod chown chroot clone connect execve execveat fchmod fchmodat fchown fchownat fork io_uring_enter
io_uring_register io_uring_setup keyctl lchown memfd_create mknod mknodat mount name_to_handle_at open_by_handle_at perf_event_open
personality pidfd_getfd pidfd_open pidfd_send_signal pivot_root pkey_mprotect prctl process_madvise process_vm_readv process_vm_writev
epoll_create1 eventfd2 flock pipe pipe2 ptrace request_key rt_sigqueueinfo rt_tgsigqueueinfo sched_setaffinity seccomp sendmsg setns
setpgid setpriority setsid setuid shmget socket socketpair tkill truncate umount2 unshare userfaultfd utimensat vfork wait4 waitid
""".split()  # noqa: SIM905 (a list of that length is read as words)
"""Answered with "not permitted"; whatever stands in no list, with "no such call"."""

O_TRUNC, O_ACCESS, O_CREATING = 0o1000, 0o3, 0o100 | 0o20000000
"""Flags of open: empty the file, the mask of the access mode, O_CREAT or O_TMPFILE. The same on both machines."""
PROT_EXEC = 4
IOCTL_ALLOWED = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what opening a file in Python asks."""
FCNTL_ALLOWED = (0, 1, 2, 3, 4, 5, 6, 7, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC.
Not F_SETOWN: with it the kernel sends signals on one's behalf."""
FUTEX_ALLOWED = (0, 1, 3, 4, 9, 10)
"""Wait, wake and requeue, but none of the kind that inherits priorities, which the kernel has often got wrong."""

ALLOW, KILL, NOTIFY = 0x7FFF0000, 0x80000000, 0x7FC00000
X32_BIT = 0x40000000
SET_MODE_FILTER, NEW_LISTENER = 1, 8
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Where the kernel's ``struct seccomp_data`` has them."""

Instruction = tuple[int, int, int, int]
Program = list[Instruction]


def gate(machine: int, own_pid: int, *, creating: bool) -> Program:
    """The filter of a guest; ``creating`` allows it to make files, which ``counter`` should count."""
    program = _head(machine, mismatch=KILL)
    for name in ALLOWED:
        program += _when(machine, name, [_give(ALLOW)])
    for name in CREATING:
        program += _when(machine, name, [_give(ALLOW) if creating else _refuse(errno.EPERM)])
    for name, position in (("open", 1), ("openat", 2)):
        program += _when(machine, name, _opening(position, creating))
    for name in ("mmap", "mprotect"):
        program += _when(machine, name, [_load(2), _jump_unless_bits(PROT_EXEC, 1), _refuse(errno.EPERM), _give(ALLOW)])
    for name in ("kill", "tgkill"):
        program += _when(machine, name, _one_of(0, (own_pid,), errno.EPERM))
    program += _when(machine, "prlimit64", _one_of(0, (0, own_pid), errno.EPERM))  # its own limits: the hard ones hold
    program += _when(machine, "setrlimit", [_give(ALLOW)])
    program += _when(machine, "futex", _one_of(1, FUTEX_ALLOWED, errno.ENOSYS, mask=0x7F))
    program += _when(machine, "ioctl", _one_of(1, IOCTL_ALLOWED, errno.ENOTTY))
    program += _when(machine, "fcntl", _one_of(1, FCNTL_ALLOWED, errno.EPERM))
    for name in REFUSED:
        program += _when(machine, name, [_refuse(errno.EPERM)])
    return [*program, _refuse(errno.ENOSYS)]


def counter(machine: int) -> Program:
    """A filter that allows everything, but asks the listener about each creation of a file."""
    program = _head(machine, mismatch=KILL)
    for name in CREATING:
        program += _when(machine, name, [_give(NOTIFY)])
    for name, position in (("open", 1), ("openat", 2)):
        program += _when(machine, name, [_load(position), _jump_unless_bits(O_CREATING, 1), _give(NOTIFY), _give(ALLOW)])
    return [*program, _give(ALLOW)]


def install(program: Program, *, listener: bool = False) -> int:
    """Put this process under a filter for good; with ``listener`` the descriptor that is asked, else 0. Raises OSError.

    The process must have given up new privileges before."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    return syscalls.call("seccomp", SET_MODE_FILTER, NEW_LISTENER if listener else 0, ctypes.create_string_buffer(header, len(header)))


def _head(machine: int, mismatch: int) -> Program:
    """End a call made for another machine (32 bits) at once; then have the number of the call in the accumulator."""
    program: Program = [(0x20, 0, 0, ARCHITECTURE), (0x15, 1, 0, machine), _give(mismatch), (0x20, 0, 0, NUMBER)]
    if machine == syscalls.X86_64:
        program += [(0x35, 0, 1, X32_BIT), _refuse(errno.ENOSYS)]  # x32: the same machine, other numbers
    return program


def _when(machine: int, name: str, then: Program) -> Program:
    """``then``, which must end in an answer, for the call of that name."""
    number = number_of(name, machine)
    return [] if number is None else [(0x15, 0, len(then), number), *then]


def _opening(position: int, creating: bool) -> Program:
    """Which file is left to Landlock, but Landlock looks away for the access mode 3, and older ones when a file is emptied."""
    create: Program = [] if creating else [_jump_unless_bits(O_CREATING, 1), _refuse(errno.EPERM)]
    return [
        _load(position),
        *create,
        (0x54, 0, 0, O_ACCESS),
        (0x15, 0, 1, 3),
        _refuse(errno.EPERM),
        (0x15, 0, 3, 0),
        _load(position),
        _jump_unless_bits(O_TRUNC, 1),
        _refuse(errno.EPERM),  # to read and yet to empty
        _give(ALLOW),
    ]


def _one_of(position: int, values: Sequence[int], error: int, mask: int = 0xFFFFFFFF) -> Program:
    """Allow the call when the lower half of an argument is one of ``values``: the kernel takes these arguments as 32 bits."""
    tests: Program = [(0x15, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_load(position), (0x54, 0, 0, mask), *tests, _refuse(error), _give(ALLOW)]


def _load(position: int) -> Instruction:
    return (0x20, 0, 0, ARGUMENTS + 8 * position)  # both machines are little-endian: the lower half comes first


def _jump_unless_bits(bits: int, over: int) -> Instruction:
    return (0x45, 0, over, bits)


def _give(answer: int) -> Instruction:
    return (0x06, 0, 0, answer)


def _refuse(error: int) -> Instruction:
    return _give(0x00050000 | error)
