"""adapters_hub: one quantized language model in memory, many tutors.

This page is what plugin and tutor authors import, and the door to the Python API: ``with adapters_hub.open_workspace("tutors") as hub``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters_hub.contracts import EngineSpec, ExporterSpec, ExportJob, ExportOption, ExportResult, ValidatorSpec
from adapters_hub.errors import DataError, HubError
from adapters_hub.hookspecs import hookimpl
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict

if TYPE_CHECKING:
    from adapters_hub.hub import Hub, open_workspace

__version__ = "0.1.0"

__all__ = [
    "Attempt",
    "DataError",
    "EngineSpec",
    "Example",
    "ExportJob",
    "ExportOption",
    "ExportResult",
    "ExporterSpec",
    "Hub",
    "HubError",
    "Message",
    "Tutor",
    "ValidatorSpec",
    "Verdict",
    "hookimpl",
    "open_workspace",
]


def __getattr__(name: str) -> Any:
    """``open_workspace`` and ``Hub`` bring every room with them: imported when they are asked for."""
    if name in ("Hub", "open_workspace"):
        from adapters_hub import hub

        return getattr(hub, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
