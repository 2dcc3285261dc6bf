"""Where a tutor comes from that was not made here: ``source.json`` in its folder, and in each run that came along.

Knows no network and no tutor; what cannot be read counts as made here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters_hub.errors import printable
from adapters_hub.workspace import write_json

SOURCE = "source.json"
SCHEMA = 1
HUB, FILE = "hub", "file"


@dataclass(frozen=True)
class Source:
    """The contents of a ``source.json``; field names are its keys."""

    kind: str
    """``hub``: pulled from a repository; ``file``: imported from a folder or an archive."""
    place: str
    """``USER/REPO``, or the path."""
    revision: str = ""
    """Commit of the repository."""
    version: str = ""
    """``X.Y.Z`` by its author's count; empty for a plain adapter."""
    run: str = ""
    """Id of the run where it was trained."""
    base: str = ""
    """The base as its author names it."""
    license: str = ""
    endpoint: str = ""
    """The Hub's address."""
    when: str = ""
    """When it came, ISO 8601, UTC."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """File -> SHA-256 as it came: another hash means that somebody edited it here."""

    @property
    def shown(self) -> str:
        """For people, e.g. ``ana/sumas v0.1.0``."""
        return f"{self.place} v{self.version}" if self.version else f"{self.place} {self.revision[:8]}".strip()

    def is_of(self, repository: str) -> bool:
        """Whether it was pulled from that repository."""
        return self.kind == HUB and self.place.lower() == repository.lower()


def read_source(folder: Path) -> Source | None:
    """What ``source.json`` in a tutor's or a run's folder says; None where there is none that can be read."""
    try:
        document: dict[str, Any] = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
        values = {one.name: document[one.name] for one in dataclasses.fields(Source) if one.name in document}
        texts = values.pop("texts", {})
        if document["schema"] > SCHEMA or values["kind"] not in (HUB, FILE):
            return None
        kept = {name: printable(str(value)) for name, value in values.items()}
        return Source(**kept, texts={str(name): str(value) for name, value in texts.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_source(folder: Path, source: Source) -> None:
    """Write ``source.json`` in one step."""
    write_json(folder / SOURCE, {"schema": SCHEMA, **dataclasses.asdict(source)})
