"""``hub.toml`` changed in place: single values are replaced or added, every comment and every other line stays as it is.

Knows TOML's lines but no setting; what it wrote is read back and compared before it counts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters_hub.errors import HubError, UsageError, from_os_error
from adapters_hub.settings import read_toml
from adapters_hub.workspace import shown, sync_folder

Value = str | float | int | bool
MARK = "\ufeff"
"""What Windows' editors put before UTF-8 text."""
HEADER = re.compile(r"\s*\[(?!\[)([^\]]*)\]\s*(?:#.*)?$")
VALUE = re.compile(r"""("{3}[^"\\]*"{3}|'{3}[^']*'{3}|"(?:[^"\\\n]|\\.)*"(?!")|'[^'\n]*'(?!')|[^\s#"'\[{][^\s#]*)(\s*(?:#.*)?)$""")


def change_settings(file: Path, changes: Mapping[str, Value]) -> None:
    """Write ``changes`` (``section.key`` -> value) into ``file`` in one step: a reader sees the old file or the new one.

    Raises UsageError when the file is written in a way that cannot be changed by lines, RightsError or ResourceError when writing fails."""
    if not changes:
        return
    before = read_toml(file)
    real = file.resolve()  # through a link, so that the link stays one
    try:
        text = real.read_bytes().decode("utf-8")
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".toml")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(changed_text(text, changes).encode())
                stream.flush()
                os.fsync(stream.fileno())
            shutil.copymode(real, temporary)
            _compare(file, before, Path(temporary), changes)
            os.replace(temporary, real)
        except BaseException:  # also on Ctrl-C: no litter
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(real.parent)
    except OSError as error:
        raise from_os_error(error, f"write {shown(file)}") from error


def changed_text(text: str, changes: Mapping[str, Value]) -> str:
    """``text`` with each value of ``changes`` replaced where it stands, or added to its section."""
    mark = MARK if text.startswith(MARK) else ""
    end = "\r" if "\r\n" in text else ""  # the rest of a line's end; each line keeps its own
    lines = text[len(mark) :].removesuffix("\n").split("\n") if text[len(mark) :] else []  # TOML knows no other end of a line
    if lines and not text.endswith("\n"):
        lines[-1] += end
    for path, value in changes.items():
        section, _, key = path.rpartition(".")
        _change(lines, section, key, _written(value), end)
    return mark + "\n".join(lines) + "\n"


def _change(lines: list[str], section: str, key: str, value: str, end: str) -> None:
    first = next((number for number, line in enumerate(lines) if _section_of(line) == section), None)
    if first is None:
        lines += [*([end] if lines else []), f"[{section}]{end}", f"{key} = {value}{end}"]
        return
    after = next((number for number in range(first + 1, len(lines)) if _section_of(lines[number]) is not None), len(lines))
    name = re.compile(rf"""(\s*(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')\s*=\s*)(.*)$""")
    last = first
    for number in range(first + 1, after):
        if found := name.match(lines[number]):
            old = VALUE.match(found[2])
            lines[number] = found[1] + value + (old[2] if old else "\r" if found[2].endswith("\r") else "")
            return
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            last = number
    lines.insert(last + 1, f"{key} = {value}{end}")


def _section_of(line: str) -> str | None:
    """``defaults.train`` for ``[defaults.train]  # ...``; None for a line that opens no section."""
    found = HEADER.match(line)
    if found is None:
        return "" if line.lstrip().startswith("[[") else None
    return ".".join(part.strip().strip("\"'") for part in found[1].split("."))


def _written(value: Value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, float):
        mantissa, _, exponent = f"{value:e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}" if 0 < abs(value) < 1e-2 else repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _compare(file: Path, before: dict[str, Any], written: Path, changes: Mapping[str, Value]) -> None:
    """Raises UsageError unless ``written`` holds ``before`` with exactly ``changes``."""
    wanted: dict[str, Any] = json.loads(json.dumps(before, default=str))
    for path, value in changes.items():
        table = wanted
        *sections, key = path.split(".")
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
    try:
        holds = json.loads(json.dumps(read_toml(written), default=str)) == wanted
    except HubError:
        holds = False
    if not holds:
        lines = [f"[{path.rpartition('.')[0]}] {path.rpartition('.')[2]} = {_written(value)}" for path, value in changes.items()]
        raise UsageError(f"{shown(file)} is written in a way that cannot be changed here", hint="write these values by hand", details=lines)
