"""A tutor that comes from elsewhere, looked at with suspicion: an adapter's two files, and the texts that describe it.

Whoever published it may have written anything: sizes, hashes, texts, the base and the header of the weights are checked, nothing is run
or imported. Knows neither where the files came from nor where they will live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters_hub.adapter_files import CONFIG, WEIGHTS, AdapterSettings, read_adapter_layers, read_adapter_settings
from adapters_hub.errors import CONTROL, HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.plugins import Plugins
from adapters_hub.recognition import Recognised, other_template, recognise, recognise_by_name, require_layers
from adapters_hub.store import sha256_of
from adapters_hub.tutor_file import LARGEST, SYSTEM_FILE, TUTOR_FILE, TutorFile, read_tutor_file
from adapters_hub.types import BaseIdentity, BaseModel
from adapters_hub.workspace import TUTOR_FILE as SETTINGS_FILE
from adapters_hub.workspace import proposed_name

CARD = "README.md"
LIMITS: Mapping[str, int] = {CONFIG: 4 << 20, TUTOR_FILE: LARGEST, SYSTEM_FILE: LARGEST, CARD: 4 << 20, WEIGHTS: 8 << 30}
"""The files that may come, and how large each may be, in bytes."""
LONGEST = {"title": 200, "description": 2000, "locale": 20}
BASE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
"""A Hub id, an embedded base, or what remains of a folder's path in an export; fit to be shown in a hint."""
USUAL_JUDGE = "text"
MOST_TOKENS = 1 << 20


@dataclass(frozen=True)
class Wishes:
    """What whoever takes it in has asked for."""

    name: str = ""
    """Empty: the one that its author gave it."""
    system: str | None = None
    """System prompt; None: the one that comes along."""
    validators: tuple[str, ...] = ()
    """Empty: those that its author used, as far as they are installed here."""
    any_base: bool = False
    """Keep it although the workspace has another base."""
    plain: bool = False
    """Do not read ``tutor.json``: a plain adapter."""


@dataclass(frozen=True)
class Newcomer:
    """What is known of a tutor before its weights are here."""

    where: str
    """What it is called in messages: its repository or its path."""
    published: TutorFile | None
    """None for a plain adapter."""
    settings: AdapterSettings
    base: Recognised
    proposal: str
    """The name that its author gave it, or that its repository suggests; may be empty."""
    system_prompt: str
    validators: tuple[str, ...]
    own: frozenset[str]
    """Texts that hold what was asked for here, not what came."""
    notes: tuple[str, ...]


def require_sizes(sizes: Mapping[str, int], where: str) -> None:
    """Refuse before anything is fetched what is too large. Raises HubError."""
    for name, limit in LIMITS.items():
        if sizes.get(name, 0) > limit:
            size = f"{sizes[name]:,} bytes, more than the {limit:,} that are taken"
            raise HubError(f"{where}: {name} has {size}", hint="it is no usual adapter: ask its author")


def require_adapter(names: Sequence[str], where: str) -> None:
    """Refuse what has not the two files. Raises UsageError for a pickle or another kind of thing, NotFoundError."""
    if CONFIG in names and WEIGHTS in names:
        return
    if CONFIG in names:
        pickles = sorted(name for name in names if name.endswith((".bin", ".pt", ".pth")))
        if pickles:
            raise UsageError(
                f"{where} has its weights only as a pickle ({pickles[0]}), which can run code and is never opened",
                hint="load it with PEFT where you trust it and save it again: safe_serialization=True",
            )
        raise NotFoundError(f"{where} has no {WEIGHTS}", hint="the adapter is incomplete: ask its author")
    if "config.json" in names:
        raise UsageError(f"{where} is a model, not an adapter", hint=f"hub base use {where} makes it the base of all tutors")
    raise UsageError(f"{where} is no adapter: it has no {CONFIG}", hint="an adapter as PEFT saves it has one")


# --- looking -------------------------------------------------------------------------------------


def look_at(folder: Path, where: str, wishes: Wishes, base: BaseModel, plugins: Plugins, *, proposal: str) -> Newcomer:
    """Everything but the weights, from the files in ``folder``; ``proposal`` names a plain adapter.

    Raises HubError (hostile or damaged files), UsageError (another base, no LoRA), NotFoundError (a validator that was asked for)."""
    settings = read_adapter_settings(folder / CONFIG, f"{where}: {CONFIG}")
    published = None if wishes.plain else _published(folder / TUTOR_FILE, where)
    if published is not None:
        _require_hashes(folder, published, where, (CONFIG, SYSTEM_FILE))
    validators, missing = _validators(published, wishes, plugins)
    system = _system_prompt(folder, where, wishes, published is not None)
    notes = [f"validator '{name}' is not installed here: it does not judge" for name in missing]
    try:
        if published is not None:
            recognised = recognise(published.base, base, where)
        else:
            recognised = recognise_by_name(settings.base_model, base, where)
    except UsageError as error:
        if not wishes.any_base:
            raise
        recognised = Recognised(published.base if published else BaseIdentity(settings.base_model, "", "", "", ""))
        notes.append(f"{error.message}: it can be asked once that is the base")
    if recognised.note:
        notes.append(recognised.note)
    if published is not None and published.template_sha256 and other_template(published.template_sha256, base):
        notes.append("it was trained with another chat template than the one of the base here, and will not answer before that is restored")
    name = published.name if published is not None else proposed_name(proposal)
    own = {SYSTEM_FILE: wishes.system is not None, SETTINGS_FILE: bool(wishes.validators)}
    asked_for = frozenset(file for file, wanted in own.items() if wanted)
    return Newcomer(where, published, settings, recognised, name, system, validators, asked_for, tuple(notes))


def check_weights(newcomer: Newcomer, folder: Path, base: BaseModel, wishes: Wishes) -> None:
    """The weights in ``folder``: their hash, their header, their layers beside those of the base. Raises HubError, UsageError."""
    if newcomer.published is not None:
        _require_hashes(folder, newcomer.published, newcomer.where, (WEIGHTS,))
    layers = read_adapter_layers(folder / WEIGHTS, f"{newcomer.where}: {WEIGHTS}")
    if not wishes.any_base:
        require_layers(layers, base, newcomer.where, certain=newcomer.base.certain)


def _published(file: Path, where: str) -> TutorFile | None:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise from_os_error(error, f"read {where}: {TUTOR_FILE}") from error
    named = f"{where}: {TUTOR_FILE}"
    try:
        published = read_tutor_file(content, named)
    except (ValueError, TypeError, OverflowError) as error:  # numbers that are none
        raise HubError(f"{named} cannot be used ({type(error).__name__})", hint="--plain takes it as a plain adapter") from error
    if findings := [*_strange(published)]:
        raise HubError(f"{named} cannot be used", hint="--plain takes it as a plain adapter", details=findings)
    return published


def _strange(published: TutorFile) -> Iterator[str]:
    """What no ``tutor.json`` that was made by publishing holds."""
    for name in ("title", "description", "locale"):
        text = getattr(published, name)
        if len(text) > LONGEST[name] or steers(text) or (name != "description" and "\n" in text):
            yield f"{name} is too long or holds control characters"
    if not re.fullmatch(r"[a-z]{2,3}", published.language):
        yield "language is no code such as es"
    if not BASE_NAME.fullmatch(published.base.model):
        yield "base.model is no name of a base"
    if any(steers(text) or len(text) > 200 for text in vars(published.base).values()):
        yield "base holds texts that are too long or control characters"
    if not {CONFIG, WEIGHTS} <= published.files.keys():
        yield f"files has no hashes of {CONFIG} and {WEIGHTS}"
    if published.chat.get("max_new_tokens", 1) > MOST_TOKENS:
        yield f"chat.max_new_tokens is above {MOST_TOKENS:,}"
    if any(steers(text) or len(text) > 100 for text in (published.created, published.license, published.run, published.template_sha256)):
        yield "created, license, run or template_sha256 is too long or holds control characters"


def steers(text: str) -> bool:
    """Whether it holds what steers a terminal, or is no text at all (half of a character pair)."""
    return bool(CONTROL.search(text)) or any("\ud800" <= character <= "\udfff" for character in text)


def _require_hashes(folder: Path, published: TutorFile, where: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in published.files:
            continue
        try:
            same = sha256_of(folder / name) == published.files[name]
        except OSError as error:
            raise from_os_error(error, f"read {where}: {name}") from error
        if not same:
            raise HubError(
                f"{where}: {name} is not the file that {TUTOR_FILE} describes: its SHA-256 differs",
                hint="ask its author to publish again; --plain takes it as a plain adapter",
            )


def _validators(published: TutorFile | None, wishes: Wishes, plugins: Plugins) -> tuple[tuple[str, ...], list[str]]:
    """Those that are installed, and those that are not."""
    for name in wishes.validators:
        plugins.validator(name)  # raises where there is none
    installed = {spec.name for spec in plugins.validators()}
    wanted = wishes.validators or (tuple(published.validator.get("use", ())) if published is not None else ())
    if not wanted and published is None and USUAL_JUDGE in installed:
        wanted = (USUAL_JUDGE,)
    wanted = tuple(dict.fromkeys(wanted))
    return tuple(name for name in wanted if name in installed), [name for name in wanted if name not in installed]


def _system_prompt(folder: Path, where: str, wishes: Wishes, published: bool) -> str:
    if wishes.system is not None:
        return _checked_prompt(wishes.system, "--system")
    file = folder / SYSTEM_FILE
    if not file.is_file():
        if published:
            raise HubError(f"{where} has no {SYSTEM_FILE} beside its {TUTOR_FILE}", hint="--system FILE names one, or --plain")
        return ""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HubError(f"{where}: {SYSTEM_FILE} is no UTF-8 text (byte {error.start})", hint="--system FILE names another") from error
    except OSError as error:
        raise from_os_error(error, f"read {where}: {SYSTEM_FILE}") from error
    return _checked_prompt(text, f"{where}: {SYSTEM_FILE}")


def _checked_prompt(text: str, where: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if steers(text) or len(text) > LARGEST:
        raise HubError(f"{where} holds control characters or is too long", hint="--system FILE names another prompt")
    return text
