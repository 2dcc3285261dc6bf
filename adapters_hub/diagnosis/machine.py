"""Looks at the program and the machine: packages, memory, disk, folders, processor, graphics card, torch and bitsandbytes.

Imports no framework; with ``full`` a process of its own does, because a broken library may end it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from gettext import gettext as _
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapters_hub import __version__
from adapters_hub.base_files import model_cache
from adapters_hub.diagnosis.case import Case, Found, existing
from adapters_hub.errors import HubError, printable
from adapters_hub.hardware import (
    GIB,
    Card,
    Obstacle,
    TorchBuild,
    computes_in_16_bits,
    driver_problem,
    installed_versions,
    obstacle,
    read_machine,
)
from adapters_hub.trust import state_folder
from adapters_hub.workspace import shown

OLDEST, TOO_NEW = (3, 10), (3, 14)
LITTLE_DISK = 5 * GIB
LITTLE_MEMORY = 2 * GIB
FULL_SECONDS = 180.0
"""How long importing torch and computing one tiny layer may take on a slow disk."""
LOAD_SECONDS = 20.0

PACKAGES = (
    *("torch", "transformers", "bitsandbytes", "accelerate", "tokenizers", "safetensors", "datasets", "huggingface_hub"),
    *("click", "pluggy", "rich", "prompt_toolkit", "jinja2", "filelock", "matplotlib", "psutil", "platformdirs"),
)
SELECTOR = "pytorch.org/get-started"


def program(case: Case) -> Iterator[Found]:
    """Versions of this program, of Python and of what it stands on."""
    version = ".".join(map(str, sys.version_info[:3]))
    supported = OLDEST <= sys.version_info[:2] < TOO_NEW
    wanted = f"{OLDEST[0]}.{OLDEST[1]} to {TOO_NEW[0]}.{TOO_NEW[1] - 1}"
    hint = "" if supported else _("make an environment with Python {wanted}").format(wanted=wanted)
    yield "adapters-hub", "ok", __version__, ""
    yield "Python", "ok" if supported else "problem", f"{version}, {sys.executable}", hint
    versions = installed_versions(PACKAGES)
    missing = [name for name in PACKAGES if name not in versions]
    off = _outside_their_range(versions)
    shown_versions = ", ".join(f"{name} {version}" for name, version in list(versions.items())[: None if case.verbose else 6])
    yield "packages", "ok", shown_versions, ""
    if missing:
        yield "packages", "problem", _("not installed: {names}").format(names=", ".join(missing)), f"pip install {' '.join(missing)}"
    for text, wish in off:
        yield "packages", "warning", text, f'pip install "{wish}"'


def _outside_their_range(versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
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


def machine(case: Case) -> Iterator[Found]:
    """System, processor, memory, disk and the folders that must be writable."""
    facts = case.machine
    libc = f", {kind}" if (kind := _libc()) else ""
    yield "system", "ok", _("{system}{libc}, {cores} cores").format(system=facts.system, libc=libc, cores=facts.threads), ""
    yield _processor(case)
    yield _memory(case)
    yield _disk("disk", case.folder, facts.disk_free)
    cache = model_cache(case.environ)
    if os.stat(existing(cache)).st_dev != os.stat(existing(case.folder)).st_dev:
        yield _disk("disk of models", cache, read_machine(cache).disk_free)
    yield from _folders(case, cache)


def _libc() -> str:
    """``musl`` where Python was built against that C library: many wheels do not exist for it."""
    return "musl" if "musl" in str(sysconfig.get_config_var("SOABI") or "") else ""


def _processor(case: Case) -> Found:
    features, kind = case.features, platform.machine().lower()
    names = ", ".join(sorted(features)) or _("its features are unknown")
    speed = _("computes in bf16") if computes_in_16_bits(features) else _("computes in 32 bits")
    if kind in ("x86_64", "amd64") and features and "avx2" not in features:
        text = _("{names}: without avx2 torch is very slow, or stops").format(names=names)
        return "processor", "warning", text, _("hub base use mini, or work on a newer machine")
    return "processor", "ok", f"{names}; {speed}", ""


def _memory(case: Case) -> Found:
    facts = case.machine
    if not facts.memory:
        return "memory", "warning", _("unknown"), "pip install psutil"
    text = _("{free:.1f} of {all:.1f} GB free").format(free=facts.memory_free / GIB, all=facts.memory / GIB)
    if facts.memory_free < LITTLE_MEMORY:
        return "memory", "warning", text, _("close other programs, or take a smaller base: hub base list")
    return "memory", "ok", text, ""


def _disk(name: str, folder: Path, free: int) -> Found:
    text = _("{free:.1f} GB free at {folder}").format(free=free / GIB, folder=shown(existing(folder)))
    if free < LITTLE_DISK:
        return (
            name,
            "warning",
            text,
            _("free some disk space: a base of 1.5 billion parameters takes 3 GB; hf cache prune removes old ones"),
        )
    return name, "ok", text, ""


def _folders(case: Case, cache: Path) -> Iterator[Found]:
    """Whether runs, models and this user's own files can be written."""
    try:
        case.library.workspace  # noqa: B018 - only whether there is one
        places = [(_("tutors"), case.folder, _("chmod u+rwx {folder}, or work in another folder").format(folder=shown(case.folder)))]
    except HubError:
        places = []
    places += [
        (_("models"), cache, _("export HF_HOME to a folder of yours")),
        (_("state"), state_folder(case.environ), _("export HUB_HOME to a folder of yours")),
    ]
    for name, folder, remedy in places:
        there = existing(folder)
        if os.access(there, os.W_OK | os.X_OK) and there.is_dir():
            yield f"folder of {name}", "ok", shown(folder), ""
        else:
            yield f"folder of {name}", "problem", _("{folder} cannot be written").format(folder=shown(there)), remedy


# --- what computes -------------------------------------------------------------------------------


def graphics(case: Case) -> Iterator[Found]:
    """Cards, torch and bitsandbytes: do they belong together?"""
    build = case.torch
    for card in case.cards:
        capability = f", compute {card.capability[0]}.{card.capability[1]}" if card.capability else ""
        yield "graphics card", "ok", f"{printable(card.name)}, {card.memory / GIB:.1f} GB, driver {printable(card.driver)}{capability}", ""
    if not case.cards and (problem := driver_problem()):
        remedy = _("restart the machine, or install NVIDIA's driver again; then: nvidia-smi")
        yield "graphics card", "warning", _("the driver names none: {problem}").format(problem=printable(problem)), remedy
    elif not case.cards:
        yield "graphics card", "ok", _("none of NVIDIA: everything runs on the processor"), ""
    yield from _torch(case, build)
    yield from _bitsandbytes(case, build)
    if case.full:
        yield from _tried_out(case)


def _torch(case: Case, build: TorchBuild | None) -> Iterator[Found]:
    if build is None:
        yield "torch", "problem", _("not installed"), 'pip install "torch>=2.8,<3"'
        return
    kind = _("built for CUDA {version}").format(version=build.cuda) if build.cuda else _("the CPU build")
    if not case.cards:
        yield "torch", "ok", f"{build.version}, {kind}", ""
        return
    card = case.cards[0]
    found = obstacle(card, build, case.environ)
    text, hint = _said(found, card, build)
    yield "torch", "warning" if found else "ok", text or f"{build.version}, {kind}", hint
    if not found and card.capability is not None and card.capability < (8, 0):
        yield "torch", "ok", _("{card} computes in 16 bits as fp16: it has no bf16").format(card=printable(card.name)), ""


def _said(found: Obstacle, card: Card, build: TorchBuild) -> tuple[str, str]:
    """What an obstacle means and what to type."""
    name = printable(card.name)
    if found == "no_cuda":
        text = _("PyTorch {version} is the CPU build; this machine has an {card}").format(version=build.version, card=name)
        if platform.system() == "Linux" and platform.machine().lower() in ("x86_64", "amd64"):
            plain = build.version.partition("+")[0]
            return text, f"pip uninstall -y torch && pip install torch=={plain}"
        return text, _("pip uninstall -y torch, then type the line that {selector} shows for CUDA").format(selector=SELECTOR)
    if found == "old_driver":
        text = _("the driver {driver} is too old for PyTorch {version}, built for CUDA {cuda}")
        hint = _("update NVIDIA's driver, or take a build for an older CUDA: {selector}").format(selector=SELECTOR)
        return text.format(driver=printable(card.driver), version=build.version, cuda=build.cuda), hint
    if found == "old_card":
        text = _("PyTorch {version}, built for CUDA {cuda}, holds no code for the {card}")
        hint = _("pip uninstall -y torch, then type the line that {selector} shows for CUDA 12.6").format(selector=SELECTOR)
        return text.format(version=build.version, cuda=build.cuda, card=name), hint
    if found == "old_build":
        text = _("PyTorch {version}, built for CUDA {cuda}, is older than the {card}")
        return text.format(version=build.version, cuda=build.cuda, card=name), "pip install --upgrade --force-reinstall torch"
    if found == "hidden":
        return _("CUDA_VISIBLE_DEVICES hides the {card}").format(card=name), "unset CUDA_VISIBLE_DEVICES"
    return "", ""


def _bitsandbytes(case: Case, build: TorchBuild | None) -> Iterator[Found]:
    """Which native library the quantization would load, and whether the one for processors loads."""
    spec = find_spec("bitsandbytes")
    if spec is None or spec.origin is None:
        yield "bitsandbytes", "warning", _("not installed: weights cannot be held in 4 bits"), 'pip install "bitsandbytes>=0.50,<1"'
        return
    folder = Path(spec.origin).parent
    on_card = bool(build and build.cuda and case.cards and not obstacle(case.cards[0], build, case.environ))
    library = _native_library(folder, build.cuda if on_card and build else "")
    if library is None:
        wanted = f"CUDA {build.cuda}" if on_card and build else platform.system()
        text = _("{folder} holds no library for {wanted}: weights cannot be held in 4 bits").format(folder=shown(folder), wanted=wanted)
        yield "bitsandbytes", "warning", text, "pip install --force-reinstall --no-deps bitsandbytes"
    elif not on_card and (problem := _load_problem(library)):
        text = _("{library} does not load: {problem}").format(library=shown(library), problem=problem)
        yield "bitsandbytes", "warning", text, _("hub base use NAME --quantization none does without it")
    else:
        yield "bitsandbytes", "ok", shown(library), ""


def _native_library(folder: Path, cuda: str) -> Path | None:
    """As bitsandbytes chooses it: of the same major version of CUDA, the newest that is not newer, else the oldest newer one."""
    suffix = {"Windows": ".dll", "Darwin": ".dylib"}.get(platform.system(), ".so")
    if not cuda:
        library = folder / f"libbitsandbytes_cpu{suffix}"
        return library if library.is_file() else None
    major, minor = (int(part) for part in [*cuda.split("."), "0"][:2])
    versions = {}
    for file in folder.glob(f"libbitsandbytes_cuda*{suffix}"):
        if found := re.fullmatch(r"libbitsandbytes_cuda(\d\d)(\d+)", file.stem):
            versions[int(found[1]), int(found[2])] = file
    same = {version: file for version, file in versions.items() if version[0] == major}
    lower = [version for version in same if version[1] <= minor]
    best = max(lower) if lower else min(same, default=None)
    return same[best] if best is not None else None


def _load_problem(library: Path) -> str:
    """Why the system cannot load ``library``, tried in a process of its own; empty when it can."""
    asked = [sys.executable, "-S", "-E", "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", str(library)]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=LOAD_SECONDS, errors="replace")
    except (OSError, subprocess.SubprocessError) as error:
        return type(error).__name__
    return _last_line(done.stderr) if done.returncode > 0 else _signal(done.returncode)


# --- tried out -----------------------------------------------------------------------------------

TRY_OUT = """
import json, warnings
warnings.simplefilter("ignore")
import torch
from adapters_hub import hardware
device = hardware.pick_device(torch)
facts = {"device": hardware.describe_device(torch, device), "kind": device.type, "architectures": []}
facts["dtype"] = str(hardware.compute_dtype(torch, device)).removeprefix("torch.")
facts["free"] = hardware.free_memory(torch, device)
print("FACTS", json.dumps(facts), flush=True)
ones = torch.ones(8, 8, device=device, dtype=hardware.compute_dtype(torch, device))
facts["sum"] = float((ones @ ones).sum())
facts["computes"] = True
print("FACTS", json.dumps(facts), flush=True)
try:
    import bitsandbytes as bnb
    layer = bnb.nn.Linear4bit(64, 64, bias=False, compute_dtype=torch.float32, quant_type="nf4").to(device)
    facts["nf4"] = bool(torch.isfinite(layer(torch.ones(1, 64, device=device))).all())
    facts["nf4_problem"] = "" if facts["nf4"] else "it computes nonsense"
except Exception as error:
    facts["nf4"], facts["nf4_problem"] = False, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
print("FACTS", json.dumps(facts), flush=True)
"""


def _tried_out(case: Case) -> Iterator[Found]:
    """Import torch, multiply two small matrices and compute one 4-bit layer, in a process that may die of it."""
    facts, problem = _facts_of_torch(case.environ)
    if not facts:
        yield (
            "tried out",
            "problem",
            _("torch cannot be imported: {problem}").format(problem=problem),
            "pip install --force-reinstall torch",
        )
        return
    usable = facts.get("kind") == "cuda" or not case.cards or bool(obstacle(case.cards[0], case.torch, case.environ))
    hint = "" if usable else _("check the driver: nvidia-smi")
    yield "tried out", "ok" if usable else "warning", f"torch: {facts['device']}, {facts['dtype']}", hint
    if not facts.get("computes"):
        yield "tried out", "problem", _("torch does not compute: {problem}").format(problem=problem), _("update NVIDIA's driver, or torch")
    elif facts.get("nf4"):
        yield "tried out", "ok", _("bitsandbytes: a layer in 4 bits computes"), ""
    else:
        text = _("bitsandbytes: no layer in 4 bits computes here ({problem})").format(problem=facts.get("nf4_problem") or problem)
        yield "tried out", "warning", text, _("hub base use NAME --quantization none does without it")


def _facts_of_torch(environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """What the process told before it ended, and how it ended if badly."""
    package = str(Path(__file__).parent.parent.parent)
    paths = os.pathsep.join(filter(None, [package, environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRY_OUT],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FULL_SECONDS,
            env={**environ, "PYTHONPATH": paths},
        )
        told, problem = done.stdout, _last_line(done.stderr) if done.returncode > 0 else _signal(done.returncode)
    except subprocess.TimeoutExpired:
        told, problem = "", _("it took more than {seconds:.0f} s").format(seconds=FULL_SECONDS)
    facts = [line.removeprefix("FACTS ") for line in told.splitlines() if line.startswith("FACTS ")]
    return (json.loads(facts[-1]) if facts else {}), problem


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return printable(lines[-1][:200]) if lines else ""


def _signal(code: int) -> str:
    """How a process was ended by the system; empty for a good end."""
    if code >= 0:
        return ""
    names = {-4: _("illegal instruction: this processor is too old for it"), -9: _("killed, probably for want of memory"), -11: _("crash")}
    return names.get(code, _("ended by signal {number}").format(number=-code))
