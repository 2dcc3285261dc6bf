"""A tutor folder read into a ``Tutor``: ``tutor.toml`` through the cascade of settings, and ``system.md``.

Knows nothing of datasets, runs and validators beyond their names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters_hub.errors import NotFoundError, UsageError, from_os_error
from adapters_hub.settings import Settings, TutorCard, read_settings
from adapters_hub.types import (
    Attempt,
    BaseModel,
    ChatSettings,
    DatasetSettings,
    LoraSettings,
    Message,
    Recipe,
    TrainSettings,
    Tutor,
    ValidatorSettings,
)
from adapters_hub.workspace import TUTOR_FILE, Workspace, check_name, shown

SYSTEM_FILE = "system.md"
LOCALES = {"es": "es_ES", "en": "en_US", "pt": "pt_PT", "fr": "fr_FR", "de": "de_DE", "it": "it_IT", "ca": "ca_ES", "gl": "gl_ES"}


def read_tutor(
    folder: Path, workspace: Workspace, *, environ: Mapping[str, str] = os.environ, options: Mapping[str, Any] | None = None
) -> Tutor:
    """The tutor in ``folder``, its settings being the outcome of the whole cascade.

    Raises UsageError with every bad key, NotFoundError when the folder or its system prompt is missing."""
    settings = tutor_settings(folder, workspace, environ=environ, options=options)
    name = check_name(folder.name)
    card = settings.section(TutorCard)
    return Tutor(
        name=name,
        folder=folder,
        title=card.title or name.replace("_", " ").capitalize(),
        description=card.description,
        language=card.language,
        locale=card.locale or LOCALES.get(card.language, card.language),
        system_prompt=read_system_prompt(folder),
        base=_base(settings, workspace),
        dataset=settings.section(DatasetSettings),
        validator=settings.section(ValidatorSettings),
        recipe=Recipe(lora=settings.section(LoraSettings), train=settings.section(TrainSettings)),
        chat=settings.section(ChatSettings),
    )


def read_base(workspace: Workspace, *, environ: Mapping[str, str] = os.environ, options: Mapping[str, Any] | None = None) -> BaseModel:
    """The one base of the workspace, for commands that open it without a tutor."""
    return _base(read_settings(workspace.settings_file, environ=environ, options=options), workspace)


def tutor_settings(
    folder: Path, workspace: Workspace, *, environ: Mapping[str, str] = os.environ, options: Mapping[str, Any] | None = None
) -> Settings:
    """All settings of the tutor in ``folder``, each with its origin."""
    return read_settings(workspace.settings_file, folder / TUTOR_FILE, environ=environ, options=options)


def read_system_prompt(folder: Path) -> str:
    """The text of ``system.md`` without the white space around it; an empty file means no system prompt."""
    file = folder / SYSTEM_FILE
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").strip()
    except FileNotFoundError as error:
        raise NotFoundError(f"{shown(file)} is missing", hint="write into it how the tutor should behave, in its own language") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(file)} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error


def _base(settings: Settings, workspace: Workspace) -> BaseModel:
    """Local paths in ``hub.toml`` are relative to its folder: make them absolute, so that no engine needs to know the workspace."""
    base = settings.section(BaseModel)
    home = workspace.settings_file.parent
    changes: dict[str, Any] = {}
    for key in ("model", "chat_template"):
        text = getattr(base, key)
        if not text or text == "mini":
            continue
        path = home / os.path.expanduser(text)
        from_file = settings.entries[f"base.{key}"].origin == shown(workspace.settings_file)
        if os.path.exists(path) or (from_file and (key == "chat_template" or _looks_like_path(text))):
            changes[key] = str(path.absolute())
    return replace(base, **changes)


def _looks_like_path(text: str) -> bool:
    """Whether ``[base] model`` can mean nothing but a path, there or not: a Hub id reads ``owner/name``."""
    return text.startswith((".", "/", "~", "\\")) or text.lower().endswith(".gguf") or Path(text).is_absolute()


def attempt_of(tutor: Tutor, turns: Sequence[Message], answer: str, expected: Any = None) -> Attempt:
    """``answer`` to the last of ``turns``, as the tutor's validators want it."""
    return Attempt(tuple(turns), answer, expected, tutor.language, tutor.folder, tutor.locale, tutor.chat.style)
