"""Errors for people: what went wrong, where, and what to type next, each kind with its exit code.

Knows nothing of the terminal: raise anywhere, only ``cli`` prints. A mistake of a programmer stays an ordinary traceback.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What steers a terminal: control characters other than line feed and tab, and marks that turn the direction of writing."""

TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")
"""A token of the Hugging Face Hub: a server may repeat it in what it says."""


class HubError(Exception):
    """A failure the user can act on.

    ``message`` says what and where, ``hint`` what to type or change next, ``details`` lists every single
    finding when one error stands for many (all bad rows of a file, all bad keys of a settings file).
    """

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        self.message = tellable(message)
        super().__init__(self.message)
        self.hint = tellable(hint)
        self.details = tuple(tellable(detail) for detail in details)
        if hint or details:  # what a traceback shows below the message, from Python 3.11 on: a notebook's only way to tell it
            self.__notes__ = [*(f"  {detail}" for detail in self.details), *([f"hint: {self.hint}"] if hint else [])]


class UsageError(HubError):
    """The command line, a settings file or a dataset says something that cannot be meant."""

    exit_code = 2
    code = "usage"


class DataError(UsageError):
    """A dataset holds rows that cannot be used; ``details`` has one ``file:line: reason`` for each."""

    code = "data"


class NotFoundError(HubError):
    """A tutor, run, file or plugin of that name does not exist."""

    exit_code = 3
    code = "not_found"


class NetworkError(HubError):
    """The Hub cannot be reached, answered with an error, or offline mode forbids asking it."""

    exit_code = 4
    code = "network"


class RightsError(HubError):
    """Not allowed: a gated model, a read-only token, a folder that cannot be written."""

    exit_code = 5
    code = "rights"


class ResourceError(HubError):
    """The machine has too little: GPU memory, RAM or disk."""

    exit_code = 6
    code = "resources"


class BusyError(ResourceError):
    """More questions are waiting than the queue holds."""

    code = "busy"


class BelowThresholdError(HubError):
    """An answer or a score is below what was asked for."""

    exit_code = 7
    code = "below_threshold"


class Interrupted(HubError):
    """The user pressed Ctrl-C; whatever could be kept was kept."""

    exit_code = 130
    code = "interrupted"


def printable(text: str) -> str:
    """``text`` with whatever steers a terminal spelt out, as in ``\\x1b``."""
    return CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)


def tellable(text: str) -> str:
    """``text`` printable, and without tokens, as whoever asks for help shows it to others."""
    return printable(TOKEN.sub("hf_...", text))


def from_os_error(error: OSError, doing: str) -> HubError:
    """Say what a failure of the operating system means; ``doing`` completes "cannot ...", e.g. ``write runs/x``."""
    cause = error.strerror or str(error) or type(error).__name__
    message = f"cannot {doing}: {cause}"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ResourceError(message, hint="free some disk space, then repeat the command")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        if error.errno != errno.EROFS and doing.startswith("read "):
            return RightsError(message, hint="make it readable for your user")
        if error.errno != errno.EROFS and doing.startswith("use "):  # nobody knows what for
            return RightsError(message, hint="give your user the right to read and write it")
        return RightsError(message, hint="make the folder writable for your user, or work in another one")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFoundError(message)
    return HubError(message)
