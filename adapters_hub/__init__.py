"""adapters_hub: one quantized language model in memory, many tutors. This page is what plugin and tutor authors import."""

from adapters_hub.contracts import EngineSpec, ExporterSpec, ValidatorSpec
from adapters_hub.errors import DataError, HubError
from adapters_hub.hookspecs import hookimpl
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict

__version__ = "0.1.0"

__all__ = [
    "Attempt",
    "DataError",
    "EngineSpec",
    "Example",
    "ExporterSpec",
    "HubError",
    "Message",
    "Tutor",
    "ValidatorSpec",
    "Verdict",
    "hookimpl",
]
