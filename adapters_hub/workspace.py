"""The workspace: the folder with ``hub.toml`` and one folder per tutor, the names in it, and what the user chose last.

Knows nothing of what a tutor folder holds beyond ``tutor.toml``, and nothing of runs beyond their ids.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapters_hub.errors import NotFoundError, UsageError, from_os_error

HUB_FILE = "hub.toml"
TUTOR_FILE = "tutor.toml"
STATE_FILE = ".hub/state.json"

NAME_RULE = re.compile(r"[a-z][a-z0-9_]{1,30}")
RESERVED_NAMES = frozenset({"auto", "base", "all", "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3"})
"""``auto`` means "whichever tutor the question is for", ``base`` "no adapter"; others are not file names on Windows."""

LONGEST_SHOWN = 100
"""Characters of an unknown name that a message repeats."""


@dataclass(frozen=True)
class Workspace:
    """Where the tutors are."""

    folder: Path
    """Holds one folder per tutor, and ``.hub/``."""
    settings_file: Path
    """``hub.toml``; local paths in it are relative to its folder."""


def find_workspace(start: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Workspace:
    """The workspace named by ``HUB_WORKSPACE``, else the nearest one from ``start`` (default: the current folder) upward.

    Raises NotFoundError when there is none."""
    named = environ.get("HUB_WORKSPACE", "")
    if named:
        found = workspace_in(Path(os.path.expanduser(named)).absolute())
        if found is None:
            raise NotFoundError(
                f"HUB_WORKSPACE={named}: there is no {HUB_FILE} and no tutors/{HUB_FILE}", hint="correct or unset HUB_WORKSPACE"
            )
        return found
    begin = (start or Path.cwd()).absolute()
    for folder in (begin, *begin.parents):
        found = workspace_in(folder)
        if found is not None:
            return found
    raise NotFoundError(
        f"no workspace: neither {HUB_FILE} nor tutors/{HUB_FILE} in {begin} or any folder above it",
        hint="hub new NAME starts one here; or go to your project, or name it with --workspace DIR",
    )


def workspace_in(folder: Path) -> Workspace | None:
    """The workspace that ``folder`` itself is or holds in ``tutors/``; None when it is none."""
    inner = folder / "tutors"
    if os.path.isfile(inner / HUB_FILE):  # unlike Path.is_file, False also for what may not be looked at
        return Workspace(inner, inner / HUB_FILE)
    if os.path.isfile(folder / HUB_FILE):
        return Workspace(inner if inner.is_dir() else folder, folder / HUB_FILE)
    return None


# --- names ---------------------------------------------------------------------------------------


def check_name(name: str) -> str:
    """Return ``name`` when it may name a tutor, an adapter or a plugin alike; raises UsageError saying why not.

    Torch's module keys cannot hold a dot, and PEFT strips or swallows names that overlap with its own ``lora_`` prefix."""
    if not NAME_RULE.fullmatch(name):
        suggestion = proposed_name(name)
        raise UsageError(
            f"{name!r} cannot name a tutor: 2 to 31 small letters a-z, digits and _, starting with a letter",
            hint=f"try {suggestion!r}" if suggestion else "",
        )
    if name in RESERVED_NAMES:
        raise UsageError(f"{name!r} is a reserved name", hint="choose another name")
    if name in "lora_" or name.startswith("lora_"):
        raise UsageError(f"{name!r} overlaps with the prefix 'lora_' of the adapter files", hint="choose a name that does not")
    return name


def proposed_name(text: str) -> str:
    """The nearest text that obeys the name rule, or an empty string."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).lstrip("0123456789_").rstrip("_")[:31]
    return slug if NAME_RULE.fullmatch(slug) else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that ``word`` was probably meant to be, or an empty string."""
    import difflib

    matches = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def tutor_names(workspace: Workspace) -> tuple[str, ...]:
    """Names of all folders with a ``tutor.toml``, sorted; hidden ones are no tutors."""
    try:
        entries = [entry for entry in workspace.folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise from_os_error(error, f"read {shown(workspace.folder)}") from error
    return tuple(sorted(entry.name for entry in entries if _holds_tutor(entry)))


def _holds_tutor(folder: Path) -> bool:
    """Whether there is a ``tutor.toml``. A folder that may not be looked into counts if named like a tutor: who reads it says why not."""
    try:
        return stat.S_ISREG((folder / TUTOR_FILE).stat().st_mode)
    except PermissionError:
        return NAME_RULE.fullmatch(folder.name) is not None
    except (OSError, ValueError):  # nothing there, or nothing that a file could be called
        return False


def find_tutor(workspace: Workspace, name_or_folder: str) -> Path:
    """The folder of the tutor with that name, or that folder itself.

    Raises NotFoundError with the nearest name, UsageError when the folder of that name may not be called so."""
    by_name = workspace.folder / name_or_folder
    if NAME_RULE.fullmatch(name_or_folder) and _holds_tutor(by_name):
        if name_or_folder in RESERVED_NAMES:
            _check_folder_name(by_name)
        return by_name
    folder = Path(os.path.expanduser(name_or_folder))
    if name_or_folder and _holds_tutor(folder):
        return folder.absolute()
    names = tutor_names(workspace)
    if name_or_folder in names:
        _check_folder_name(by_name)
    guess = nearest(folder.name, names)
    if name_or_folder == "auto":
        hint = "auto is no tutor but whichever one a question is for: hub ask auto and hub chat auto take it"
    elif guess:
        hint = f"did you mean '{guess}'?"
    elif names:
        hint = f"tutors here: {', '.join(names)}"
    else:
        hint = f"no tutors yet in {shown(workspace.folder)}: hub new NAME makes one"
    if os.path.isdir(folder):
        raise NotFoundError(f"{shown(folder)} is no tutor folder: it has no {TUTOR_FILE}", hint=hint)
    called = name_or_folder if len(name_or_folder) <= LONGEST_SHOWN else f"{name_or_folder[:LONGEST_SHOWN]}..."
    raise NotFoundError(f"tutor '{called}' not found in {shown(workspace.folder)}", hint=hint)


def _check_folder_name(folder: Path) -> None:
    """Raises UsageError when no tutor may be called like ``folder``."""
    try:
        check_name(folder.name)
    except UsageError as error:
        suggestion = proposed_name(folder.name)
        hint = f"rename the folder, e.g. to {suggestion!r}" if suggestion not in ("", folder.name) else "rename the folder"
        raise UsageError(f"the name of the folder {shown(folder)} is not allowed: {error.message}", hint=hint) from error


def shown(path: Path) -> str:
    """The path as a person would type it here: relative where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return str(path)
    return relative if len(relative) < len(str(path)) else str(path)


# --- what the user chose -------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """The content of ``.hub/state.json``."""

    tutor: str = ""
    """Default tutor of ``ask`` and ``chat``; empty: none chosen."""
    runs: Mapping[str, str] = field(default_factory=dict)
    """Tutor name -> id of the run in use; a tutor that is not in it uses its newest whole run."""
    problem: str = ""
    """Why the file could not be read; the state is then empty."""


def read_state(tutors_folder: Path) -> State:
    """What was chosen among the tutors of that folder. A broken file counts as empty and says so in ``problem``."""
    file = tutors_folder / STATE_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        tutor, runs = document.get("tutor", ""), document.get("runs", {})
        if not isinstance(tutor, str) or not all(isinstance(k, str) and isinstance(v, str) for k, v in runs.items()):
            raise TypeError("names and runs must be text")
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return State(problem=f"{shown(file)} cannot be read ({error}): nothing counts as chosen until the next hub switch")
    return State(tutor, dict(runs))


def write_state(tutors_folder: Path, state: State) -> None:
    """Replace the state file in one step."""
    write_json(tutors_folder / STATE_FILE, {"schema": 1, "tutor": state.tutor, "runs": dict(state.runs)})


def use_run(tutors_folder: Path, tutor: str, run: str) -> None:
    """Use that run of ``tutor`` from now on; an empty ``run`` means its newest whole one, whichever that is."""
    state = read_state(tutors_folder)
    runs = {name: chosen for name, chosen in state.runs.items() if name != tutor} | ({tutor: run} if run else {})
    if runs != state.runs:
        write_state(tutors_folder, State(state.tutor, runs))


def use_tutor(tutors_folder: Path, tutor: str) -> None:
    """Make ``tutor`` the default of commands that are given none."""
    write_state(tutors_folder, replace(read_state(tutors_folder), tutor=tutor))


def write_json(file: Path, document: Any) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half; raises HubError on a full or read-only disk."""
    import tempfile

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(document, stream, ensure_ascii=False, indent=1)
                stream.write("\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:  # also on Ctrl-C: no litter
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(file.parent)
    except OSError as error:
        raise from_os_error(error, f"write {shown(file)}") from error


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut, where the system can (Windows cannot open folders)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
