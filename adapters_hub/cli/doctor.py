"""``hub doctor``: what on this machine and in this workspace works, what does not, and what to type next.

Imports no framework unless ``--full`` asks for it, and asks no network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Literal

import click

from adapters_hub import __version__, store
from adapters_hub.base_files import EMBEDDED, HUB_ID, locate_base
from adapters_hub.cli._house import House, pass_house
from adapters_hub.errors import HubError, NotFoundError, printable
from adapters_hub.hardware import GIB, Machine, compute_dtype, describe_device, installed_versions, pick_device, read_machine
from adapters_hub.tutors import read_base
from adapters_hub.types import BaseModel
from adapters_hub.workspace import shown, tutor_names

Level = Literal["ok", "warning", "problem"]

OLDEST, TOO_NEW = (3, 10), (3, 14)
LITTLE_DISK = 5 * GIB
LITTLE_MEMORY = 2 * GIB
ASKING = 3.0
"""Seconds that a program of the system may take to answer."""

PACKAGES = (
    *("torch", "transformers", "bitsandbytes", "accelerate", "tokenizers", "safetensors", "datasets", "huggingface_hub"),
    *("click", "pluggy", "rich", "prompt_toolkit", "jinja2", "filelock", "matplotlib", "psutil", "platformdirs"),
)
VARIABLES = (
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_DISABLE_XET",
    "CUDA_VISIBLE_DEVICES",
)
"""What changes where models come from and what runs them; nothing secret is among them."""
LEAST_CHARACTERS = "áñ¿✓✗→"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    section: str
    name: str
    level: Level
    text: str
    hint: str = ""
    """What to type, where something is to be done."""


@click.command("doctor")
@click.option("--full", is_flag=True, help=_("Also import torch and ask it for the graphics card; takes seconds."))
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, full: bool) -> None:
    """Check this machine, the workspace and the plugins.

    Each line says what there is and, where something is missing, what to type. Exit code 1 when something is broken;
    warnings alone are fine.
    """
    lines: list[Line] = []
    for section, examine in SECTIONS.items():
        try:
            lines += [Line(section, *found) for found in examine(house, full)]
        except Exception as error:  # a doctor who faints is of no use: whatever fails is a finding
            lines.append(Line(section, section, "problem", f"{type(error).__name__}: {error}", _("this is a bug: run with --debug")))
            if house.debug:
                raise
    counts = {level: sum(line.level == level for line in lines) for level in ("ok", "warning", "problem")}
    house.emit({"schema": 1, "version": __version__, "lines": [asdict(line) for line in lines], "counts": counts})
    if not house.json:
        _print(house, lines)
    ctx.exit(1 if counts["problem"] else 0)


Found = tuple[str, Level, str, str]
"""Name, level, text, hint."""


# --- the machine ---------------------------------------------------------------------------------


def _program(house: House, full: bool) -> Iterator[Found]:
    version = ".".join(map(str, sys.version_info[:3]))
    supported = OLDEST <= sys.version_info[:2] < TOO_NEW
    wanted = f"{OLDEST[0]}.{OLDEST[1]} to {TOO_NEW[0]}.{TOO_NEW[1] - 1}"
    hint = "" if supported else _("make an environment with Python {wanted}").format(wanted=wanted)
    yield "adapters-hub", "ok", __version__, ""
    yield "Python", "ok" if supported else "problem", f"{version}, {sys.executable}", hint
    versions = installed_versions(PACKAGES)
    missing = [name for name in PACKAGES if name not in versions]
    off = _outside_their_range(versions)
    shown_versions = ", ".join(f"{name} {version}" for name, version in list(versions.items())[: None if house.verbose else 6])
    yield "packages", "ok", shown_versions, ""
    if missing:
        yield "packages", "problem", _("not installed: {names}").format(names=", ".join(missing)), f"pip install {' '.join(missing)}"
    for text, wish in off:
        yield "packages", "warning", text, f'pip install "{wish}"'


def _outside_their_range(versions: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Packages of another version than this program asks for, where both can be known."""
    import importlib.metadata

    try:
        from packaging.requirements import Requirement

        wishes = importlib.metadata.requires("adapters-hub") or []
    except (ImportError, importlib.metadata.PackageNotFoundError):  # run from a checkout, or without packaging
        return
    for text in wishes:
        wish = Requirement(text)
        version = versions.get(wish.name)
        if version and (wish.marker is None or wish.marker.evaluate({"extra": ""})) and not wish.specifier.contains(version, True):
            yield _("{name} {version} is outside {range}").format(name=wish.name, version=version, range=wish.specifier), str(wish)


def _machine(house: House, full: bool) -> Iterator[Found]:
    folder = _folder(house)
    machine = read_machine(folder)
    yield "system", "ok", f"{machine.system}, {machine.threads} cores", ""
    yield _memory(machine)
    yield _disk("disk", folder, machine.disk_free)
    cache = _model_cache(house)
    if os.stat(_existing(cache)).st_dev != os.stat(_existing(folder)).st_dev:
        yield _disk("disk of models", cache, read_machine(cache).disk_free)
    yield from _graphics(full)


def _memory(machine: Machine) -> Found:
    if not machine.memory:
        return "memory", "warning", _("unknown"), ""
    text = _("{free:.1f} of {all:.1f} GB free").format(free=machine.memory_free / GIB, all=machine.memory / GIB)
    if machine.memory_free < LITTLE_MEMORY:
        return "memory", "warning", text, _("close other programs, or use a small base")
    return "memory", "ok", text, ""


def _disk(name: str, folder: Path, free: int) -> Found:
    text = _("{free:.1f} GB free at {folder}").format(free=free / GIB, folder=shown(_existing(folder)))
    writable = os.access(_existing(folder), os.W_OK)
    if not writable:
        return name, "problem", text + _(", not writable"), _("make it writable for your user, or work in another folder")
    if free < LITTLE_DISK:
        return name, "warning", text, _("free some disk space: a base of 1.5 billion parameters takes 3 GB")
    return name, "ok", text, ""


def _graphics(full: bool) -> Iterator[Found]:
    """What the system says about cards and, with ``full``, what torch says."""
    cards = _cards()
    build = installed_versions(["torch"]).get("torch", "")
    for card in cards:
        yield "graphics card", "ok", card, ""
    if not cards:
        yield "graphics card", "ok", _("none: everything runs on the processor"), ""
    elif build.endswith("+cpu"):
        yield "torch", "warning", _("torch {version} cannot use the card").format(version=build), _("install torch for CUDA: pytorch.org")
    if not full:
        return
    try:
        import torch
    except Exception as error:  # a broken installation may raise anything
        yield "torch", "problem", f"{type(error).__name__}: {error}", _("install torch again")
        return
    device = pick_device(torch)
    dtype = str(compute_dtype(torch, device)).removeprefix("torch.")
    usable = device.type == "cuda" or not cards or build.endswith("+cpu")
    hint = "" if usable else _("check the driver: nvidia-smi")
    yield "torch", "ok" if usable else "warning", f"{describe_device(torch, device)}, {dtype}", hint


def _cards() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        asked = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=ASKING, check=True)
    except (OSError, subprocess.SubprocessError):  # no driver, or one that hangs: then no card can be used
        return []
    return [printable(line.strip()) for line in done.stdout.splitlines() if line.strip()]


# --- what it works with --------------------------------------------------------------------------


def _base(house: House, full: bool) -> Iterator[Found]:
    """Whether the base of the workspace is here; nothing is downloaded."""
    try:
        base = read_base(house.workspace, environ=house.environ)
    except NotFoundError:
        base = BaseModel()
    except HubError as error:
        yield "base", "problem", "; ".join((error.message, *error.details)), error.hint
        return
    try:
        house.plugins.engine(base.engine)
    except HubError as error:
        yield "engine", "problem", error.message, error.hint
    if base.model in EMBEDDED or os.path.exists(os.path.expanduser(base.model)) or not HUB_ID.fullmatch(base.model):
        try:
            files = locate_base(base)
        except HubError as error:
            yield "base", "problem", error.message, error.hint
            return
        yield "base", "ok", f"{base.model} ({files.origin}, {_size(files.path)})", ""
        return
    yield _cached(house, base)


def _cached(house: House, base: BaseModel) -> Found:
    """A Hub model in the local cache, found by the cache's layout: the client library takes half a second to import."""
    folder = _model_cache(house) / f"models--{base.model.replace('/', '--')}" / "snapshots"
    snapshots = [entry for entry in folder.iterdir() if any(entry.glob("*.safetensors"))] if folder.is_dir() else []
    if snapshots:
        return "base", "ok", f"{base.model} ({_size(snapshots[0])})", ""
    text = _("{name} is not on this machine yet").format(name=base.model)
    if house.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        return "base", "problem", text + _(", and HF_HUB_OFFLINE forbids to fetch it"), _("unset HF_HUB_OFFLINE once, or name another base")
    return "base", "warning", text, _("the first hub train or hub ask fetches it")


def _sandbox(house: House, full: bool) -> Iterator[Found]:
    """The ways to run code of answers, best first."""
    try:
        from adapters_hub.sandbox import describe
    except ImportError:
        yield "sandbox", "warning", _("there is none in this installation: code in answers is not run"), ""
        return
    tiers = list(describe())
    working = [tier for tier in tiers if tier.works]
    for tier in tiers:
        tell = tier.works and bool(tier.not_stopped) and (house.verbose or house.json)
        open_doors = _("; does not stop: {doors}").format(doors="; ".join(tier.not_stopped)) if tell else ""
        if tier.works or house.verbose or not working:
            yield tier.name, "ok" if tier.works or working else "warning", f"{tier.detail}{open_doors}".strip("; "), ""
    if not working:
        text = _("no sandbox works here: code in answers is not run, such answers stay unverified")
        yield "sandbox", "warning", text, _("pip install pydantic-monty works on every system")


def _plugins(house: House, full: bool) -> Iterator[Found]:
    infos = house.plugins.describe()
    working = [info.name for info in infos if not info.problem]
    yield "plugins", "ok", ", ".join(working), ""
    for info in infos:
        if info.problem.startswith("blocked"):
            yield info.name, "warning", info.problem, _("unset HUB_BLOCK_PLUGINS")
        elif info.problem:
            remedy = _("mend or uninstall it: pip uninstall {name}").format(name=info.source) if info.origin == "installed" else ""
            yield info.name, "problem", _("left out: {problem}").format(problem=info.problem), remedy


def _terminal(house: House, full: bool) -> Iterator[Found]:
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    size = shutil.get_terminal_size()
    facts = [encoding]
    if sys.stdout is not None and sys.stdout.isatty():
        facts.append(_("{columns} columns").format(columns=size.columns))
    facts.append(_("colours off (NO_COLOR)") if house.environ.get("NO_COLOR") else house.environ.get("TERM", ""))
    try:
        LEAST_CHARACTERS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        yield "terminal", "warning", ", ".join(filter(None, facts)), _("export PYTHONUTF8=1, or a UTF-8 locale")
        return
    yield "terminal", "ok", ", ".join(filter(None, facts)), ""


def _settings(house: House, full: bool) -> Iterator[Found]:
    """Variables in force that explain surprises."""
    named = [name for name in VARIABLES if house.environ.get(name)]
    ours = sorted(name for name in house.environ if name.startswith("HUB_") and house.environ[name])
    for name in (*named, *ours):
        yield name, "ok", _harmless(name, house.environ[name]), ""
    if not named and not ours:
        yield "variables", "ok", _("none that matter are set"), ""


def _harmless(name: str, value: str) -> str:
    """A value that may be shown to whoever is asked for help: no secret, and no password within an address."""
    if any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "KEY")):
        return _("(set)")
    return re.sub(r"//[^/@\s]*@", "//***@", value)


def _workspace(house: House, full: bool) -> Iterator[Found]:
    """Every tutor: can it be read, are its runs whole, does one wait to be continued."""
    try:
        workspace = house.workspace
    except NotFoundError as error:
        yield "workspace", "warning", error.message, error.hint
        return
    names = tutor_names(workspace)
    state = house.state
    yield "workspace", "ok", _("{folder}, {count} tutors").format(folder=shown(workspace.folder), count=len(names)), ""
    if state.problem:
        yield "workspace", "warning", state.problem, _("hub switch NAME writes it again")
    if state.tutor and state.tutor not in names:
        yield "workspace", "warning", _("the default tutor '{name}' is gone").format(name=state.tutor), "hub switch NAME"
    for name in names:
        yield from _tutor(house, name)


def _tutor(house: House, name: str) -> Iterator[Found]:
    folder = house.workspace.folder / name
    try:
        tutor = house.load_tutor(str(folder))
        run = store.chosen_run(folder)
        runs = store.list_runs(folder)
    except HubError as error:
        yield name, "problem", "; ".join((error.message, *error.details)), error.hint or f"hub show {name}"
        return
    if damage := store.damage(runs, run):
        yield name, "warning", damage, _("hub show {name}, then remove the damaged run").format(name=name)
    for left in (found for found in runs if found.unfinished):
        if _is_held(left.folder / store.LOCK):
            yield name, "ok", _("run {run} is being trained right now").format(run=left.id), ""
        else:
            yield name, "warning", _("run {run} was never finished").format(run=left.id), f"hub train {name} --resume"
    for found in runs:
        if any(found.folder.glob("eval.partial*.jsonl")) and not _is_held(found.folder / ".eval.lock"):
            hint = f"hub eval {name} --run {found.id}"
            yield name, "warning", _("the evaluation of run {run} was interrupted").format(run=found.id), hint
    if run is not None and run.manifest is not None and run.manifest.base.model != tutor.base.model:
        text = _("run {run} was trained on {model}").format(run=run.id, model=run.manifest.base.model)
        yield name, "warning", text, f"hub train {name}"


def _is_held(lock_file: Path) -> bool:
    """Whether another process works there now: a lock whose holder was killed is free."""
    if not lock_file.is_file():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock_file, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that may not be written: nobody works there
        return False


SECTIONS: dict[str, Callable[[House, bool], Iterator[Found]]] = {
    "program": _program,
    "machine": _machine,
    "base": _base,
    "sandbox": _sandbox,
    "plugins": _plugins,
    "terminal": _terminal,
    "settings": _settings,
    "workspace": _workspace,
}


# --- where things are ----------------------------------------------------------------------------


def _folder(house: House) -> Path:
    try:
        return house.workspace.folder
    except HubError:
        return Path.cwd()


def _model_cache(house: House) -> Path:
    """Where models from the Hub are kept, as the client library decides it."""
    environ = house.environ
    if environ.get("HF_HUB_CACHE"):
        return Path(os.path.expanduser(environ["HF_HUB_CACHE"]))
    home = environ.get("HF_HOME") or os.path.join(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.path.expanduser(home)) / "hub"


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _size(path: Path) -> str:
    files = [path] if path.is_file() else path.glob("*")
    megabytes = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


# --- for people ----------------------------------------------------------------------------------

MARKS: dict[Level, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def _print(house: House, lines: Sequence[Line]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for line in lines:
        said = Text(printable(line.text), "" if line.level == "ok" else MARKS[line.level][1])
        if line.hint:
            said.append(f"\n→ {printable(line.hint)}", "bold")
        table.add_row(Text(*MARKS[line.level]), line.name, said)
    house.show_table(table)
    problems, warnings = (sum(line.level == level for line in lines) for level in ("problem", "warning"))
    house.show()
    if problems:
        text = _("{problems} problems, {warnings} warnings").format(problems=problems, warnings=warnings)
        house.console().print(Text(text, "bold red"))
    elif warnings:
        house.console().print(Text(_("works, {warnings} warnings").format(warnings=warnings), "bold yellow"))
    else:
        house.console().print(Text(_("all well"), "bold green"))
