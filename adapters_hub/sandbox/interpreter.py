"""A clean interpreter: how to start one that serves a module of this package, without the hub, its settings and its installed packages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

BOOTSTRAP = """
import sys, types
for name, path in (("adapters_hub", []), ("adapters_hub.sandbox", [{folder!r}])):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = path
from adapters_hub.sandbox.{module} import serve
serve()
"""
"""Starts a module of this package without the hub around it, whose imports a clean interpreter lacks."""
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Some builds of Python do not start without; the new process forgets them."""


def command(module: str, *arguments: str) -> list[str]:
    """The command line of a clean interpreter that serves a module of this package."""
    program = BOOTSTRAP.format(folder=str(Path(__file__).parent), module=module)
    return [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", program, *arguments]


def environment() -> dict[str, str]:
    """Of a clean interpreter."""
    return {"TZ": "UTC", **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}}
