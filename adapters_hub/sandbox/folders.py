"""Folders that guests work in: made for one guest, and removed whatever it left there. Runs on both sides of the wall."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

BY_DESCRIPTOR = os.unlink in os.supports_dir_fd and os.scandir in os.supports_fd and os.chmod in os.supports_dir_fd


def remove(folder: Path) -> None:
    """Remove a folder and all in it, through folders without rights and paths longer than the system takes, never through a link."""
    if not BY_DESCRIPTOR:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _empty(descriptor)
        finally:
            os.close(descriptor)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _empty(folder: int) -> None:
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        with contextlib.suppress(OSError):
            if not is_folder:
                os.unlink(name, dir_fd=folder)
                continue
            os.chmod(name, 0o700, dir_fd=folder)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                _empty(inner)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
