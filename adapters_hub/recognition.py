"""Whether an adapter from elsewhere was made for the base of this workspace: by its weights where both are known, else by name and layers.

Opens no model. Where it was, the base gets the name that it has here; where it was not, whoever asked is told which base it wants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from adapters_hub.adapter_files import Layers, compare_layers, read_base_layers
from adapters_hub.base_files import EMBEDDED, HUB_ID, QUANTIZED, BaseFiles, base_on_this_machine, weights_digest
from adapters_hub.errors import HubError, UsageError
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import BaseIdentity, BaseModel

REAL_ENGINE = "torch"
"""Other engines only pretend to hold a base: the layers of its files say nothing about what they want."""


@dataclass(frozen=True)
class Recognised:
    """The base that an adapter was made for, as this workspace knows it."""

    identity: BaseIdentity
    note: str = ""
    """What was taken on trust; empty where nothing was."""
    certain: bool = True
    """False: only the layers can tell."""


def recognise(trained: BaseIdentity, base: BaseModel, where: str) -> Recognised:
    """The base that a ``tutor.json`` names, if it is ``base``. Raises UsageError with the way to the one that is wanted."""
    files = _here(base)
    named_alike = trained.model.lower() == base.model.lower()
    if trained.weights and files is not None and base.engine == REAL_ENGINE:
        if trained.weights == weights_digest(files.path):
            return Recognised(replace(trained, model=base.model, revision=files.revision))
        if named_alike:
            raise _other_version(trained, where)
    if named_alike:
        note = ""
        if trained.revision and base.revision and trained.revision != base.revision:
            note = f"it was trained on revision {trained.revision[:12]} of the base, here is {base.revision[:12]}"
        return Recognised(replace(trained, model=base.model), note)
    raise _another(trained.model, base, where)


def recognise_by_name(named: str, base: BaseModel, where: str) -> Recognised:
    """The same for a plain adapter, of which only the name of its base is known, as somebody else's machine had it.

    Raises UsageError when that name means another base."""
    unknown = BaseIdentity(base.model, "", "", "", "")
    if named and named.lower() == base.model.lower():
        return Recognised(unknown)
    if named and _last(named) != _last(base.model):
        raise _another(named, base, where)
    told = f"it names its base '{named}'" if named else "it does not say for which base it was made"
    return Recognised(unknown, f"{told}: taken for {base.model} because the layers fit", certain=False)


def require_layers(layers: Layers, base: BaseModel, where: str, *, certain: bool) -> None:
    """Compare with the layers of the base, where its files are here. Raises UsageError when they differ, or when nothing else is known."""
    files = _here(base)
    fit = "unknown"
    if files is not None and files.kind == "folder" and base.engine == REAL_ENGINE:
        try:
            fit = compare_layers(layers, read_base_layers(files.path), where)
        except UsageError as error:
            raise UsageError(error.message, hint=_otherwise(f"the base here is {base.model}"), details=error.details) from error
    if fit == "unknown" and not certain:
        raise UsageError(f"{where} cannot be told to be made for the base {base.model}", hint=_otherwise("if you know that it was"))


def other_template(template_sha256: str, base: BaseModel) -> bool:
    """Whether the chat template in force is known to be another one."""
    files = _here(base)
    if files is None or base.engine != REAL_ENGINE or not (files.path / "tokenizer.json").is_file():
        return False
    try:
        chat = load_chat_format(files.path, template_file=Path(base.chat_template) if base.chat_template else None)
    except HubError:  # told by whoever opens the base
        return False
    return chat.template_sha256 != template_sha256


def _here(base: BaseModel) -> BaseFiles | None:
    try:
        return base_on_this_machine(base)
    except HubError:  # a base that cannot be opened is told of by whoever opens it
        return None


def _last(name: str) -> str:
    return QUANTIZED.sub("", name.replace("\\", "/").rstrip("/").rpartition("/")[2]).lower()


def _other_version(trained: BaseIdentity, where: str) -> UsageError:
    if trained.model in EMBEDDED:
        return UsageError(
            f"{where} was made for another version of the embedded base '{trained.model}' than this adapters_hub has",
            hint=_otherwise("upgrade adapters-hub, or ask its author to train it again"),
        )
    wanted = f" --revision {trained.revision}" if re.fullmatch(r"[0-9a-f]{40}", trained.revision) else ""
    return UsageError(
        f"{where} was made for other weights of '{trained.model}' than those here",
        hint=_otherwise(f"hub base use {trained.model}{wanted}" if wanted else "ask its author which ones"),
    )


def _another(named: str, base: BaseModel, where: str) -> UsageError:
    can_be_used = named in EMBEDDED or bool(HUB_ID.fullmatch(named))
    hint = f"hub base use {named} makes it the base of all tutors" if can_be_used else "hub base use ID takes another base"
    return UsageError(f"{where} was made for the base '{named}', the one here is '{base.model}'", hint=_otherwise(hint))


def _otherwise(hint: str) -> str:
    return f"{hint}; --any-base keeps it anyway"
