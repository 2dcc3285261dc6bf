"""Settings: built-in < ``hub.toml`` < ``tutor.toml`` < ``HUB_*`` variables < command-line options, each value with its origin.

Every key is a field of a dataclass in ``types``; its metadata carries the help, the limits and the choices, so a new
setting is one line there. Knows no tutor and no workspace, only files, variables and options it is handed.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapters_hub.errors import NotFoundError, UsageError, from_os_error
from adapters_hub.types import BaseModel, ChatSettings, DatasetSettings, LoraSettings, TrainSettings, ValidatorSettings, setting
from adapters_hub.workspace import nearest, shown

Section = TypeVar("Section")


@dataclass(frozen=True)
class TutorCard:
    """``[tutor]``: who the tutor is."""

    title: str = setting("", "name for people; empty: the folder's name")
    language: str = setting("es", "language of the answers, ISO 639-1")
    locale: str = setting("", "how numbers are written, e.g. es_ES; empty: the usual one of the language")
    description: str = setting("", "one sentence on what it teaches")


SECTIONS: Mapping[str, type] = {
    "base": BaseModel,
    "tutor": TutorCard,
    "dataset": DatasetSettings,
    "validator": ValidatorSettings,
    "lora": LoraSettings,
    "train": TrainSettings,
    "chat": ChatSettings,
}
SHARED_SECTIONS = ("dataset", "validator", "lora", "train", "chat")
"""May stand in ``tutor.toml`` and, below ``[defaults]``, in ``hub.toml``."""
VARIABLE_SECTIONS = ("base", *SHARED_SECTIONS)
"""May be set by ``HUB_SECTION_KEY`` and by options."""


@dataclass(frozen=True)
class Entry:
    """One value and where it came from."""

    value: Any
    origin: str
    """``built-in``, a file, a variable's name, or an option."""


@dataclass(frozen=True)
class Settings:
    """The outcome of the cascade."""

    entries: Mapping[str, Entry]
    """``section.key`` -> value and origin, in the order of the documentation."""

    def section(self, kind: type[Section]) -> Section:
        """One section as its dataclass."""
        name = next(name for name, known in SECTIONS.items() if known is kind)
        values: dict[str, Any] = {}
        for key in _keys(name):
            if key.kind is Mapping:
                prefix = f"{name}.{key.name}."
                values[key.name] = {path[len(prefix) :]: entry.value for path, entry in self.entries.items() if path.startswith(prefix)}
            else:
                values[key.name] = self.entries[f"{name}.{key.name}"].value
        return kind(**values)


def read_settings(
    hub_file: Path | None = None,
    tutor_file: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """Run the cascade. ``options`` maps ``section.key`` to a value; text is read like a variable's, None is left out.

    Raises one UsageError whose details name every bad key, type and limit of all sources."""
    findings: list[str] = []
    entries = {f"{name}.{key.name}": Entry(key.default, "built-in") for name in SECTIONS for key in _keys(name) if key.kind is not Mapping}
    if hub_file is not None:
        entries.update(_from_hub_file(hub_file, findings))
    if tutor_file is not None:
        entries.update(_from_tutor_file(tutor_file, findings))
    entries.update(_from_environment(environ, findings))
    entries.update(_from_options(options or {}, findings))
    if findings:
        many = "one setting" if len(findings) == 1 else f"{len(findings)} settings"
        raise UsageError(f"{many} cannot be used", hint="correct what is listed above; hub config shows every key", details=findings)
    order = {section: place for place, section in enumerate(SECTIONS)}
    return Settings(dict(sorted(entries.items(), key=lambda item: order[item[0].partition(".")[0]])))


# --- the sources ---------------------------------------------------------------------------------


def _from_hub_file(file: Path, findings: list[str]) -> Iterator[tuple[str, Entry]]:
    place = shown(file)
    for name, table in _tables(read_toml(file), place, ("base", "defaults"), findings):
        if name == "base":
            yield from _checked(table, "base", f"{place}: [base]", place, findings)
            continue
        for inner, inner_table in _tables(table, place, SHARED_SECTIONS, findings, above="defaults."):
            yield from _checked(inner_table, inner, f"{place}: [defaults.{inner}]", place, findings)


def _from_tutor_file(file: Path, findings: list[str]) -> Iterator[tuple[str, Entry]]:
    place = shown(file)
    document = read_toml(file)
    if document.pop("base", None) is not None:
        findings.append(f"{place}: [base]: the base belongs in hub.toml, all tutors share it")
    for name, table in _tables(document, place, ("tutor", *SHARED_SECTIONS), findings):
        yield from _checked(table, name, f"{place}: [{name}]", place, findings)


def _from_environment(environ: Mapping[str, str], findings: list[str]) -> Iterator[tuple[str, Entry]]:
    for variable in sorted(environ):
        parts = variable.split("_", 2)
        if len(parts) < 3 or parts[0] != "HUB" or parts[1].lower() not in VARIABLE_SECTIONS or not environ[variable]:
            continue
        section, name = parts[1].lower(), parts[2].lower()
        known = {key.name: key for key in _keys(section)}
        if name not in known:
            findings.append(f"{variable}: unknown{_did_you_mean(name, known, f'HUB_{parts[1]}_', upper=True)}")
            continue
        yield from _value(known[name], section, environ[variable], variable, variable, findings)


def _from_options(options: Mapping[str, Any], findings: list[str]) -> Iterator[tuple[str, Entry]]:
    for path, raw in options.items():
        if raw is None:
            continue
        section, _, name = path.partition(".")
        known = {key.name: key for key in _keys(section)} if section in VARIABLE_SECTIONS else {}
        if name not in known:
            every = [f"{s}.{key.name}" for s in VARIABLE_SECTIONS for key in _keys(s)]
            findings.append(f"option {path}: unknown{_did_you_mean(path, every)}")
            continue
        yield from _value(known[name], section, raw, f"option {path}", "option", findings)


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file as a dictionary; raises UsageError with file, line and column, NotFoundError when it is missing."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: dict[str, Any] = tomllib.loads(file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
        return document
    except FileNotFoundError as error:
        raise NotFoundError(f"{shown(file)} is missing") from error
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(file)} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    except RecursionError as error:
        raise UsageError(f"{shown(file)} is not usable TOML: nested too deeply", hint="a list or table needs no such depth") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown(file)} is not valid TOML: {error}", hint='text stands in quotes: title = "Algoritmos"') from error


def _tables(
    document: Mapping[str, Any], place: str, known: tuple[str, ...], findings: list[str], *, above: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in document.items():
        if name not in known:
            findings.append(f"{place}: [{above}{name}]: unknown section{_did_you_mean(name, known, f'{above}')}")
        elif not isinstance(table, Mapping):
            findings.append(f"{place}: [{above}{name}]: must be a section, not a single value")
        else:
            yield name, table


def _checked(table: Mapping[str, Any], section: str, where: str, origin: str, findings: list[str]) -> Iterator[tuple[str, Entry]]:
    known = {key.name: key for key in _keys(section)}
    for name, raw in table.items():
        if name not in known:
            findings.append(f"{where} {name}: unknown key{_did_you_mean(name, known)}{_home_of(name, section)}")
        else:
            yield from _value(known[name], section, raw, f"{where} {name}", origin, findings)


def _value(key: _Key, section: str, raw: Any, where: str, origin: str, findings: list[str]) -> Iterator[tuple[str, Entry]]:
    """The entry of one key, or for a table (``[validator.options]``) one entry for each of its keys."""
    textual = where.startswith(("HUB_", "option ")) and isinstance(raw, str)
    try:
        value = _converted(key, _from_text(key, raw) if textual else raw)
    except ValueError as error:
        findings.append(f"{where}: {error}")
        return
    if key.kind is Mapping:
        for name, inner in value.items():
            yield f"{section}.{key.name}.{name}", Entry(inner, origin)
    else:
        yield f"{section}.{key.name}", Entry(value, origin)


def _did_you_mean(word: str, known: typing.Iterable[str], before: str = "", *, upper: bool = False) -> str:
    guess = nearest(word, known)
    return f", did you mean '{before}{guess.upper() if upper else guess}'?" if guess else ""


def _home_of(name: str, section: str) -> str:
    homes = [other for other in SHARED_SECTIONS if other != section and any(key.name == name for key in _keys(other))]
    return f" (it belongs in [{homes[0]}])" if homes else ""


# --- one key -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Key:
    """What the field of a settings dataclass promises."""

    name: str
    kind: Any
    """str, bool, int, float, tuple or Mapping."""
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]


def _keys(section: str) -> tuple[_Key, ...]:
    kind = SECTIONS[section]
    types = typing.get_type_hints(kind)
    keys = []
    for field in dataclasses.fields(kind):
        annotation = types[field.name]
        origin = typing.get_origin(annotation)
        plain = str if origin is typing.Literal else tuple if origin is tuple else annotation if origin is None else Mapping
        data = field.metadata
        keys.append(_Key(field.name, plain, field.default, data["help"], data["low"], data["high"], data["choices"]))
    return tuple(keys)


def _from_text(key: _Key, text: str) -> Any:
    """A variable's text as the value that a TOML file would hold; the checks come afterwards."""
    text = text.strip()
    if key.kind is bool:
        if text.lower() not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
            raise ValueError(f"must be true or false, not {text!r}")
        return text.lower() in ("1", "true", "yes", "on")
    if key.kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        if key.kind is int:
            return int(text)
        if key.kind is float:
            return float(text)
        if key.kind is Mapping:
            return json.loads(text)
    except ValueError as error:
        kinds = {int: "a whole number", float: "a number", Mapping: "a JSON object"}
        raise ValueError(f"must be {kinds[key.kind]}, not {text!r}") from error
    return text


WANTED: Mapping[Any, str] = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list of texts",
    Mapping: "a table",
}


def _converted(key: _Key, raw: Any) -> Any:
    """The value in the type of its field, or ValueError with what is wrong about it."""
    value = _typed(key, raw)
    if key.choices and value not in key.choices:
        guess = nearest(str(value), key.choices)
        raise ValueError(f"must be one of {', '.join(key.choices)}, not {value!r}" + (f": did you mean '{guess}'?" if guess else ""))
    if key.low is not None and value < key.low:
        raise ValueError(f"{value} is below {key.low:g}, the least allowed")
    if key.high is not None and value > key.high:
        raise ValueError(f"{value} is above {key.high:g}, the most allowed")
    return value


def _typed(key: _Key, raw: Any) -> Any:
    number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    if key.kind is float and number:
        if not math.isfinite(raw):
            raise ValueError(f"must be a finite number, not {raw}")
        return float(raw)
    if key.kind is int and number and isinstance(raw, int):
        return raw
    if key.kind is bool and isinstance(raw, bool):
        return raw
    if key.kind is str and isinstance(raw, str):
        return _without_control(raw)
    if key.kind is tuple:
        texts = [raw] if isinstance(raw, str) else raw
        if isinstance(texts, (list, tuple)) and all(isinstance(text, str) and text for text in texts):
            return tuple(_without_control(text) for text in texts)
    if key.kind is Mapping and isinstance(raw, Mapping):
        return raw
    raise ValueError(f"must be {WANTED[key.kind]}, not {json.dumps(raw, ensure_ascii=False, default=str)}")


def _without_control(text: str) -> str:
    """The text as it is; raises ValueError where it would steer the terminal on which it is shown one day."""
    for position, character in enumerate(text, start=1):
        if (character < " " or "\x7f" <= character <= "\x9f") and character not in "\n\t":
            raise ValueError(f"holds the control character U+{ord(character):04X} at position {position}")
    return text


# --- documentation -------------------------------------------------------------------------------


def settings_table() -> str:
    """All keys as Markdown, one table for each section; ``docs/settings.md`` holds its outcome."""
    lines: list[str] = []
    for section in SECTIONS:
        file = "hub.toml" if section == "base" else "tutor.toml" if section == "tutor" else "tutor.toml, or as [defaults.…] in hub.toml"
        lines += [f"## [{section}]", "", f"In {file}.", "", "| key | default | allowed | meaning |", "|---|---|---|---|"]
        for key in _keys(section):
            lines.append(f"| `{key.name}` | {_default_text(key)} | {_allowed_text(key)} | {key.help} |")
        lines.append("")
    return "\n".join(lines)


def _default_text(key: _Key) -> str:
    value = {} if key.kind is Mapping else list(key.default) if key.kind is tuple else key.default
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _allowed_text(key: _Key) -> str:
    if key.choices:
        return ", ".join(f"`{choice}`" for choice in key.choices)
    if key.low is not None and key.high is not None:
        return f"{key.low:g} to {key.high:g}"
    return f"from {key.low:g}" if key.low is not None else "true, false" if key.kind is bool else ""
