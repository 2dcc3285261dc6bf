"""Why a guest gave no value. Runs on both sides of the wall, so it needs nothing but the language; knows nothing of processes."""

from __future__ import annotations

import builtins
import re
from typing import Any

KINDS = ("timeout", "memory", "output", "exit", "died", "raised", "syntax", "result", "blocked", "unsupported")
MESSAGE_LENGTH = 2000
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters other than line feed and tab, and marks that turn the direction of writing."""


class Failure(Exception):
    """What happened instead of a value.

    ``kind``: ``timeout`` (wall clock or processor time), ``memory``, ``output`` (printed too much), ``exit`` (ended itself),
    ``died`` (a crash, or somebody killed it), ``raised`` (an exception of the program), ``syntax``, ``result`` (a value that
    cannot travel, or an opaque object was compared), ``blocked`` (the program wanted what the sandbox refuses), ``unsupported``
    (this tier lacks a feature of the language: says nothing about the program)."""

    def __init__(
        self,
        kind: str,
        message: str = "",
        *,
        type_name: str = "",
        builtin: str = "Exception",
        values: tuple[Any, ...] = (),
        line: int | None = None,
        source: str = "",
    ) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = clean(message)
        self.type_name = clean(type_name, 200)
        """Of ``raised``: the name of the exception's class, as the program calls it."""
        self.builtin = builtin
        """Of ``raised``: the nearest class of the exception's ancestors that belongs to the language."""
        self.values = values
        """Of ``raised``: the exception's arguments, where they are plain data."""
        self.line = line
        """Line of the source where it happened, from 1; None where unknown."""
        self.source = clean(source, 200)
        """Name of the source that ``line`` counts in, as given to ``run``."""

    def __str__(self) -> str:
        name = f" {self.type_name}" if self.type_name else ""
        place = f" (line {self.line})" if self.line is not None else ""
        return f"{self.kind}:{name} {self.message}{place}".replace(": :", ":").rstrip(": ")


def clean(text: str, length: int = MESSAGE_LENGTH) -> str:
    """``text`` cut to ``length``, with lone surrogates and whatever steers a terminal spelt out: it can be printed and stored anywhere."""
    printable = STEERING.sub(lambda found: ascii(found.group())[1:-1], text[:length])
    return printable.encode("utf-8", "backslashreplace").decode("utf-8")


def builtin_exception(name: str) -> type[BaseException]:
    """The language's exception of that name, ``Exception`` where there is none."""
    found = vars(builtins).get(name)
    return found if isinstance(found, type) and issubclass(found, BaseException) else Exception
