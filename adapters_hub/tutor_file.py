"""``tutor.json``: what a published adapter says about itself, so that a stranger's machine can make a tutor of it.

Data only, read with suspicion: whoever published it may have written anything. Knows no network, runs and commands.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters_hub.errors import HubError
from adapters_hub.types import BaseIdentity, ChatSettings

TUTOR_FILE = "tutor.json"
SYSTEM_FILE = "system.md"
SCHEMA = 1
LARGEST = 1 << 20
"""Bytes of a tutor.json or system.md that are read."""
SHA256 = re.compile(r"[0-9a-f]{64}")
SLUG = re.compile(r"[a-z][a-z0-9_]{1,30}")
VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


@dataclass(frozen=True)
class TutorFile:
    """The contents of a ``tutor.json``; field names are its keys."""

    name: str
    """Slug of the tutor where it was made."""
    version: str
    """``X.Y.Z``, the tag without its v."""
    title: str
    language: str
    locale: str
    description: str
    license: str
    base: BaseIdentity
    """``model``: Hub id of the unquantized base, or the name of an embedded one; never a path."""
    quantization: str
    """What the base was held in while training."""
    template_sha256: str
    stop_token_ids: tuple[int, ...]
    created: str
    """When the run ended, ISO 8601."""
    run: str
    files: Mapping[str, str]
    """Adapter file -> SHA-256."""
    validator: Mapping[str, Any] = field(default_factory=dict)
    """``use``: names; ``plugins``: name -> plugin and version. Never code."""
    chat: Mapping[str, Any] = field(default_factory=dict)
    """The ``[chat]`` settings."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    system_prompt: str = SYSTEM_FILE
    """Name of the file beside this one that holds it."""
    schema: int = SCHEMA

    @property
    def number(self) -> tuple[int, ...]:
        """The version as numbers, to compare."""
        return tuple(int(part) for part in self.version.split("."))


def text_of(file: TutorFile) -> str:
    """The file's text; equal contents give equal bytes."""
    return json.dumps(dataclasses.asdict(file), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_tutor_file(content: bytes, where: str) -> TutorFile:
    """The contents of a ``tutor.json`` from anybody; ``where`` names it in errors.

    Raises HubError for whatever cannot be meant: all findings at once, none of its text is obeyed."""
    hint = "ask its author to publish again, or treat it as a plain adapter: --plain"
    if len(content) > LARGEST:
        raise HubError(f"{where} is larger than {LARGEST >> 20} MiB", hint=hint)
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise HubError(f"{where} is no JSON ({type(error).__name__})", hint=hint) from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise HubError(f"{where} has no schema number", hint=hint)
    if document["schema"] > SCHEMA:
        raise HubError(f"{where} was written by a newer adapters_hub", hint="upgrade adapters-hub")
    if findings := [*_findings(document)]:
        raise HubError(f"{where} cannot be used", hint=hint, details=findings)
    values = {name: document[name] for name in _kinds() if name in document}
    values["base"] = BaseIdentity(**{name: document["base"].get(name, "") for name in _names(BaseIdentity)})
    values["stop_token_ids"] = tuple(document["stop_token_ids"])
    return TutorFile(**values)


def _names(kind: Any) -> list[str]:
    return [one.name for one in dataclasses.fields(kind)]


def _kinds() -> dict[str, type]:
    texts = "name version title language locale description license quantization template_sha256 created run system_prompt"
    tables = "base files validator chat metrics dataset recipe"
    return {**dict.fromkeys(texts.split(), str), **dict.fromkeys(tables.split(), dict), "stop_token_ids": list, "schema": int}


def _findings(document: Mapping[str, Any]) -> list[str]:
    required = {one.name for one in dataclasses.fields(TutorFile) if _needed(one)}
    found = [f"{name} is missing" for name in sorted(required - document.keys())]
    for name, kind in _kinds().items():
        if name in document and not isinstance(document[name], kind):
            found.append(f"{name} must be of type {kind.__name__}, not {type(document[name]).__name__}")
    if found:
        return found
    checks = {
        f"name '{document['name'][:40]}' is no tutor's name": SLUG.fullmatch(document["name"]),
        f"version '{document['version'][:40]}' does not read X.Y.Z": VERSION.fullmatch(document["version"]),
        f"system_prompt must be '{SYSTEM_FILE}'": document.get("system_prompt", SYSTEM_FILE) == SYSTEM_FILE,
        "files must map names to SHA-256": all(_is_hash(name, value) for name, value in document["files"].items()),
        "stop_token_ids must be numbers": all(type(token) is int and 0 <= token < 1 << 24 for token in document["stop_token_ids"]),
        "base must hold texts": all(isinstance(document["base"].get(name, ""), str) for name in _names(BaseIdentity)),
        "base has no model": bool(document["base"].get("model")),
        "validator use must be a list of names": _are_names(document.get("validator", {}).get("use", [])),
    }
    found += [text for text, fulfilled in checks.items() if not fulfilled]
    return found + _chat_findings(document.get("chat", {}))


def _needed(one: Any) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _is_hash(name: Any, value: Any) -> bool:
    return isinstance(name, str) and "/" not in name and "\\" not in name and isinstance(value, str) and bool(SHA256.fullmatch(value))


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", name) for name in names)


def _chat_findings(chat: Mapping[str, Any]) -> list[str]:
    found = []
    for one in dataclasses.fields(ChatSettings):
        value = chat.get(one.name, one.default)
        if isinstance(one.default, str):
            wrong = value not in one.metadata["choices"]
        else:
            low, high = one.metadata["low"], one.metadata["high"]
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            number = number and (not isinstance(one.default, int) or value == int(value))
            wrong = not number or (low is not None and value < low) or (high is not None and value > high)
        if wrong:
            found.append(f"chat.{one.name} cannot be {str(value)[:40]!r}")
    return found
