"""What is examined, and what one look at it says. Knows no single examination."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from adapters_hub import hardware
from adapters_hub.base_memory import Room, room_of
from adapters_hub.errors import HubError
from adapters_hub.hardware import Card, Machine, TorchBuild
from adapters_hub.library import Library

Level = Literal["ok", "warning", "problem"]
Found = tuple[str, Level, str, str]
"""Name, level, text, and what to type where something is to be done."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    section: str
    name: str
    level: Level
    text: str
    hint: str = ""
    """What to type, where something is to be done."""


class Case:
    """One machine, one workspace. What is asked twice is looked up once."""

    def __init__(self, library: Library, *, full: bool = False, online: bool | None = None, verbose: bool = False) -> None:
        """``full``: also import torch, in a process of its own. ``online``: ask the Hub; None: unless HF_HUB_OFFLINE is set."""
        self.library = library
        self.full = full
        self.online = online
        self.verbose = verbose

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables in force."""
        return self.library.environ

    @property
    def offline(self) -> bool:
        """Whether ``HF_HUB_OFFLINE`` forbids the network, read as the client library does."""
        return any(self.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))

    @cached_property
    def folder(self) -> Path:
        """The tutors' folder, or the current one where there is no workspace."""
        try:
            return self.library.workspace.folder
        except HubError:
            return Path.cwd()

    @cached_property
    def machine(self) -> Machine:
        """Processors, memory, disk."""
        return hardware.read_machine(self.folder)

    @cached_property
    def cards(self) -> list[Card]:
        """The graphics cards that the driver names."""
        return hardware.read_cards()

    @cached_property
    def torch(self) -> TorchBuild | None:
        """The installed torch; None when there is none."""
        return hardware.torch_build()

    @cached_property
    def features(self) -> frozenset[str]:
        """What the processor can do."""
        return hardware.processor_features()

    @cached_property
    def room(self) -> Room:
        """Where a base would be held."""
        return room_of(self.machine, self.cards, self.torch, self.features, self.environ)


Examination = Callable[[Case], Iterator[Found]]


def existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists as far as may be seen."""
    return hardware.existing_folder(folder.absolute())
