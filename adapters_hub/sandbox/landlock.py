"""Which files a process may touch: the kernel's Landlock rules, for good and without rights. Linux only; knows nothing of guests."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from adapters_hub.sandbox import syscalls

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG = (1 << bit for bit in range(9))
MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << bit for bit in range(9, 16))
READ = READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that a rule about a single file may name."""
USE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER | TRUNCATE
"""All that a folder of one's own is good for: no running, no devices, pipes or sockets."""
RIGHTS_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
NET_BIND_TCP, NET_CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1, 2
RULE_PATH_BENEATH = 1
CREATE_RULESET_VERSION = 1
LOG_SAME_EXEC_OFF = 1
"""From ABI 7 on: what is denied does not fill the system's audit log."""


def abi() -> int:
    """The version of Landlock this kernel speaks; 0 where it has none or it is switched off."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


def new_ruleset() -> int:
    """A descriptor of a ruleset that denies all files, all of TCP and, on newer kernels, signals and abstract sockets of others."""
    version = abi()
    attributes = struct.pack("=Q", known_rights(version))
    if version >= 4:
        attributes += struct.pack("=Q", NET_BIND_TCP | NET_CONNECT_TCP)
    if version >= 6:
        attributes += struct.pack("=Q", SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return syscalls.call("landlock_create_ruleset", buffer, len(attributes), 0)


def known_rights(version: int) -> int:
    """The rights about files that a version of Landlock knows, as far as this module does."""
    return RIGHTS_OF_ABI[max(1, min(version, max(RIGHTS_OF_ABI)))]


def allow(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    """Allow ``rights`` on each path and all below it; a path that does not exist is passed over."""
    rights &= known_rights(abi())
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            granted = rights if path.is_dir() else rights & OF_FILES
            rule = ctypes.create_string_buffer(struct.pack("=Qi", granted, descriptor), 12)
            syscalls.call("landlock_add_rule", ruleset, RULE_PATH_BENEATH, rule, 0)
        finally:
            os.close(descriptor)


def restrict(ruleset: int) -> None:
    """Put this process under a ruleset, in addition to those it is under. It must have given up new privileges before."""
    flags = LOG_SAME_EXEC_OFF if abi() >= 7 else 0
    with contextlib.suppress(OSError):
        syscalls.call("landlock_restrict_self", ruleset, flags)
        return
    syscalls.call("landlock_restrict_self", ruleset, 0)
