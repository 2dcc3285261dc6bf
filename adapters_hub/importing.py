"""Importing an adapter that lies on this machine: a folder as PEFT saves it, or a ZIP archive of one, becomes a tutor.

Only the files that an adapter consists of are taken; from an archive they are read one by one under names of ours, so nothing that it
says can lead anywhere. Knows no network and no terminal.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from adapters_hub.adapter_files import CONFIG, WEIGHTS
from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.newcomers import LIMITS, Wishes, check_weights, look_at, require_adapter, require_sizes
from adapters_hub.plugins import Plugins
from adapters_hub.settling import Settled, free_name, incoming, require_room, settle, source_of
from adapters_hub.sources import FILE
from adapters_hub.types import BaseModel
from adapters_hub.workspace import TUTOR_FILE as SETTINGS_FILE
from adapters_hub.workspace import Workspace, shown

MOST_MEMBERS = 10_000
"""Entries of an archive."""
DENSE = 1 << 20
SUSPICIOUS = 200
"""Times that something larger than ``DENSE`` may shrink: weights hardly do."""
BLOCK = 1 << 20


def import_adapter(path: Path, wishes: Wishes, workspace: Workspace, base: BaseModel, plugins: Plugins) -> Iterator[str | Settled]:
    """Do it: yields what is worth a line, ends with Settled.

    Raises NotFoundError, UsageError (no adapter, a pickle, GGUF, another base, a taken name), HubError (hostile or damaged files),
    RightsError, ResourceError; the workspace is as before then."""
    with incoming(workspace) as folder:
        yield from _take(path, folder, workspace)
        newcomer = look_at(folder, shown(path), wishes, base, plugins, proposal=path.stem if path.is_file() else path.resolve().name)
        name = free_name(newcomer, wishes, workspace)
        check_weights(newcomer, folder, base, wishes)
        place = str(path.resolve()).encode("utf-8", "backslashreplace").decode()
        source = source_of(newcomer, FILE, place)
        yield settle(newcomer, folder, source, workspace, name=name, home=None)


def _take(path: Path, folder: Path, workspace: Workspace) -> Iterator[str]:
    """Put the adapter's files into ``folder``."""
    try:
        if path.is_dir():
            yield from _from_folder(path, folder, workspace)
        elif not path.exists():
            raise NotFoundError(f"{shown(path)} does not exist", hint="name a folder with an adapter, or a .zip of one")
        elif _is_gguf(path):
            raise _gguf(path)
        elif zipfile.is_zipfile(path):
            yield from _from_archive(path, folder, workspace)
        else:
            raise UsageError(f"{shown(path)} is neither a folder nor a ZIP archive", hint=f"name the folder that holds {CONFIG}")
    except OSError as error:
        raise from_os_error(error, f"read {shown(path)}") from error


# --- a folder ------------------------------------------------------------------------------------


def _from_folder(path: Path, folder: Path, workspace: Workspace) -> Iterator[str]:
    if (path / SETTINGS_FILE).is_file():
        hint = f"copy it into {shown(workspace.folder)}, or import one of its runs: {shown(path)}/runs/ID"
        raise UsageError(f"{shown(path)} is a tutor already, not an adapter", hint=hint)
    names = sorted(entry.name for entry in path.iterdir())
    _require(names, path)
    sizes = {name: (path / name).stat().st_size for name in LIMITS if (path / name).is_file()}
    require_sizes(sizes, shown(path))
    require_room(workspace.folder, sizes.get(WEIGHTS, 0))
    for name in sizes:  # links are followed: the client's own cache is made of them
        shutil.copyfile(path / name, folder / name)
    yield from _left_out(names)


def _require(names: Sequence[str], path: Path) -> None:
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    if ggufs and CONFIG not in names:
        raise _gguf(path / ggufs[0])
    require_adapter(names, shown(path))


def _left_out(names: Sequence[str]) -> Iterator[str]:
    others = [name for name in names if name not in LIMITS]
    if others:
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        yield f"not taken: {', '.join(name[:60] for name in others[:8])}{more}"


# --- an archive ----------------------------------------------------------------------------------


def _from_archive(path: Path, folder: Path, workspace: Workspace) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            inner = _inner_folder(members, path)
            found = {PurePosixPath(member.filename).name: member for member in members if _parent(member) == inner}
            _require(sorted(found), path)
            wanted = {name: member for name, member in found.items() if name in LIMITS}
            _require_harmless(wanted.values(), path)
            require_sizes({name: member.file_size for name, member in wanted.items()}, shown(path))
            require_room(workspace.folder, sum(member.file_size for member in wanted.values()))
            for name, member in wanted.items():
                _copy(archive, member, folder / name)
            yield from _left_out([member.filename for member in members if member not in wanted.values()])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, ValueError) as error:
        raise HubError(f"{shown(path)} is a damaged archive ({error})", hint="get it again") from error


def _inner_folder(members: Sequence[zipfile.ZipInfo], path: Path) -> str:
    """The folder within the archive that holds the adapter. Raises HubError for an archive that leads outside, UsageError."""
    if len(members) > MOST_MEMBERS:
        raise HubError(f"{shown(path)} has {len(members):,} entries, more than any adapter", hint="pack the adapter's files alone")
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:3]:
            raise HubError(f"{shown(path)} has an entry that leads outside ({name[:80]})", hint="do not trust it; ask its author")
    folders = [_parent(member) for member in members if PurePosixPath(member.filename).name == CONFIG]
    if len(folders) > 1:
        inner = sorted(folders, key=lambda one: one.count("/"))
        if len({one.count("/") for one in folders}) == 1 or inner[0] not in ("", "."):
            raise UsageError(f"{shown(path)} holds several adapters: {', '.join(inner[:5])}", hint="unpack it and name one folder")
        return inner[0]
    return folders[0] if folders else "."


def _parent(member: zipfile.ZipInfo) -> str:
    return str(PurePosixPath(member.filename).parent)


def _require_harmless(members: Iterable[zipfile.ZipInfo], path: Path) -> None:
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise HubError(f"{shown(path)}: {member.filename[:80]} is a link or no file", hint="do not trust it; ask its author")
        if member.flag_bits & 1:
            raise UsageError(f"{shown(path)} is encrypted", hint="unpack it and name the folder")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UsageError(f"{shown(path)} is packed in an unusual way", hint="unpack it and name the folder")
        if member.file_size > DENSE and member.file_size > SUSPICIOUS * max(1, member.compress_size):
            raise HubError(f"{shown(path)}: {member.filename[:80]} grows {SUSPICIOUS} times and more", hint="it is no usual adapter")


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """The library stops at the size that the entry declares, and compares its check sum."""
    with archive.open(member) as stream, target.open("wb") as copy:
        shutil.copyfileobj(stream, copy, BLOCK)


# --- GGUF ----------------------------------------------------------------------------------------


def _is_gguf(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"GGUF"


def _gguf(path: Path) -> UsageError:
    """A base is used in place; an adapter in that format has lost what training on needs."""
    with path.open("rb") as stream:
        start = stream.read(BLOCK)
    key = b"general.type"
    place = start.find(key) + len(key)
    length = int.from_bytes(start[place + 4 : place + 12], "little") if key in start else 0
    kind = start[place + 12 : place + 12 + min(length, 40)]
    if kind == b"adapter":
        hint = f"import the folder with {CONFIG} that it was made from"
        return UsageError(f"{shown(path)} is a LoRA in GGUF format, which cannot be turned into a tutor", hint=hint)
    return UsageError(f"{shown(path)} is a model in GGUF format, not an adapter", hint=f"hub base use {shown(path)} makes it the base")
