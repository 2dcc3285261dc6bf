"""What this machine offers: processors, graphics cards, memory, disk, packages, and the device and number format that suit a model.

The plain facts need no torch; functions about devices get the torch module as an argument. Knows nothing of models.
"""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import ModuleType

    from torch import device as TorchDevice
    from torch import dtype as TorchDtype

GIB = 1 << 30
ASKING = 3.0
"""Seconds that a program of the system may take to answer."""
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "neon", "bf16", "sve")
"""What of a processor decides how fast a model computes on it, in Linux's words."""
LEAST_DRIVER = {11: 450, 12: 525, 13: 580}
"""Major version of CUDA -> oldest driver that runs it."""


@dataclass(frozen=True)
class Machine:
    """Facts that can be read in a millisecond."""

    system: str
    """For people, e.g. ``Linux x86_64``."""
    python: str
    threads: int
    """Processors this process may use."""
    memory: int
    """Bytes of RAM; 0 when unknown."""
    memory_free: int
    """Bytes of RAM that can be had without swapping; 0 when unknown."""
    disk_free: int
    """Bytes free where ``folder`` lies."""


def read_machine(folder: Path | None = None) -> Machine:
    """Facts about this machine; ``folder`` (or its nearest existing parent) says which disk is meant."""
    total, free = _memory()
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        threads=usable_threads(),
        memory=total,
        memory_free=free,
        disk_free=_disk_free(folder or Path.cwd()),
    )


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version of those that are installed, without importing any."""
    import importlib.metadata

    found = {}
    for name in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


@dataclass(frozen=True)
class Card:
    """A graphics card of NVIDIA, as its driver describes it."""

    name: str
    memory: int
    """Bytes; 0 when unknown."""
    driver: str
    """Version of the driver, e.g. ``550.54.14``."""
    capability: tuple[int, int] | None
    """Compute capability, e.g. (8, 6); None when the driver is too old to tell."""


@dataclass(frozen=True)
class TorchBuild:
    """The installed torch, read from its files without importing it."""

    version: str
    cuda: str
    """Version of CUDA it was built for, e.g. ``12.8``; empty for a build without."""


Obstacle = Literal["", "hidden", "no_torch", "no_cuda", "old_driver", "old_card", "old_build"]


def obstacle(card: Card, build: TorchBuild | None, environ: Mapping[str, str] = os.environ) -> Obstacle:
    """What keeps torch from using ``card``, as far as versions tell; empty: nothing known.

    Drivers: NVIDIA's table of minor version compatibility. Cards: the release matrix of torch, whose builds for CUDA 12.8
    and later hold no code for compute capabilities below 7.5 (7.0 before torch 2.11), and those before it none for 10.0 and above."""
    if environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return "hidden"
    if build is None:
        return "no_torch"
    if not build.cuda:
        return "no_cuda"
    cuda = _numbers(build.cuda)
    if _numbers(card.driver)[:1] < (LEAST_DRIVER.get(cuda[0], 0),):
        return "old_driver"
    if card.capability is not None:
        least = (7, 0) if cuda < (13,) and _numbers(build.version) < (2, 11) else (7, 5)
        if cuda >= (12, 8) and card.capability < least:
            return "old_card"
        if cuda < (12, 8) and card.capability >= (10, 0):
            return "old_build"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)) or (0,)


def read_cards() -> list[Card]:
    """The cards that ``nvidia-smi`` names; none where there is no driver or it does not answer in time."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    for fields in ("name,memory.total,driver_version,compute_cap", "name,memory.total,driver_version"):  # old drivers know no compute_cap
        try:
            asked = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=ASKING, errors="replace")
        except (OSError, subprocess.SubprocessError):  # a driver that hangs: then no card can be used
            return []
        if done.returncode == 0:
            return [_card(line) for line in done.stdout.splitlines() if line.count(",") >= 2]
    return []


def driver_problem() -> str:
    """Why ``nvidia-smi`` names no card although it is there, in its own words; empty where it is not, or names one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, timeout=ASKING, errors="replace")
    except subprocess.TimeoutExpired:
        return f"nvidia-smi does not answer within {ASKING:.0f} s"
    except OSError as error:
        return f"nvidia-smi: {error.strerror or type(error).__name__}"
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return f"nvidia-smi: {lines[0] if lines else 'no card'}"[:200] if done.returncode else ""


def _card(line: str) -> Card:
    name, memory, driver, *more = (part.strip() for part in line.split(","))
    capability = re.fullmatch(r"(\d+)\.(\d+)", more[0]) if more else None
    return Card(
        name=name,
        memory=int(memory) << 20 if memory.isdecimal() else 0,
        driver=driver,
        capability=(int(capability[1]), int(capability[2])) if capability else None,
    )


def torch_build() -> TorchBuild | None:
    """Version and CUDA of the installed torch; None when there is none or its files are not as expected."""
    from importlib.util import find_spec

    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    version = re.search(r"""^__version__\s*(?::[^=]*)?=\s*['"]([^'"]+)""", text, re.M)
    cuda = re.search(r"""^cuda\s*(?::[^=]*)?=\s*['"]([^'"]+)""", text, re.M)
    return TorchBuild(version[1], cuda[1] if cuda else "") if version else None


def processor_features() -> frozenset[str]:
    """Those of ``FEATURES`` that the processor has; empty also when the system does not say."""
    system, machine = platform.system(), platform.machine().lower()
    found: set[str] = set()
    if system == "Linux":
        with suppress(OSError):
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
            flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M)
            found = set(flags[1].split()) if flags else set()
    elif system == "Darwin":
        found = _features_of_macos()
    elif system == "Windows":
        found = _features_of_windows()
    if "asimd" in found or machine in ("arm64", "aarch64"):  # every 64-bit Arm processor
        found.add("neon")
    return frozenset(found & set(FEATURES))


def _features_of_macos() -> set[str]:
    try:
        done = subprocess.run(["sysctl", "-a"], capture_output=True, text=True, timeout=ASKING, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return set()
    names = {"hw.optional.avx2_0": "avx2", "hw.optional.avx512f": "avx512f", "hw.optional.arm.FEAT_BF16": "bf16"}
    return {feature for name, feature in names.items() if re.search(rf"^{re.escape(name)}: 1$", done.stdout, re.M)}


def _features_of_windows() -> set[str]:
    """By the system's own question; the numbers are Windows' names of the features."""
    if sys.platform != "win32":
        return set()
    import ctypes

    has = ctypes.windll.kernel32.IsProcessorFeaturePresent
    return {feature for number, feature in ((40, "avx2"), (41, "avx512f")) if has(number)}


def computes_in_16_bits(features: frozenset[str]) -> bool:
    """Whether torch multiplies bf16 in hardware on such a processor, as ``compute_dtype`` will find once torch is imported."""
    return bool(features & {"avx512_bf16", "amx_tile"})


def usable_threads() -> int:
    """Processors this process may use: containers and affinity masks give fewer than the machine has."""
    try:
        count = len(os.sched_getaffinity(0)) or 1
    except (AttributeError, OSError):  # macOS and Windows have no such call
        count = os.cpu_count() or 1
    share = _share_of_processors()
    return min(count, max(1, math.ceil(share))) if share else count


def pick_device(torch: ModuleType) -> TorchDevice:
    """CUDA where torch sees a card, else the CPU."""
    device: TorchDevice = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    return device


def compute_dtype(torch: ModuleType, device: TorchDevice) -> TorchDtype:
    """bf16 where the hardware computes in it, fp16 on older GPUs, fp32 on older CPUs."""
    has_bf16, otherwise = _cpu_has_bf16(torch), torch.float32
    if device.type == "cuda":
        has_bf16, otherwise = torch.cuda.is_bf16_supported(including_emulation=False), torch.float16
    dtype: TorchDtype = torch.bfloat16 if has_bf16 else otherwise
    return dtype


def describe_device(torch: ModuleType, device: TorchDevice) -> str:
    """For people: ``NVIDIA GeForce RTX 3050 Laptop GPU, 4.0 GB`` or ``CPU, 2 threads, 23.4 GB``."""
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        return f"{card.name}, {card.total_memory / GIB:.1f} GB"
    memory, _ = _memory()
    size = f", {memory / GIB:.1f} GB" if memory else ""
    return f"CPU, {torch.get_num_threads()} threads{size}"


def free_memory(torch: ModuleType, device: TorchDevice) -> int:
    """Bytes still to be had on ``device``; 0 when unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return _memory()[1]


def _cpu_has_bf16(torch: ModuleType) -> bool:
    """Whether bf16 products are computed in hardware (AVX512-BF16 or AMX); emulated ones are slower than fp32."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(probe()) for name in probes if (probe := getattr(torch.cpu, name, None)) is not None)


def _memory() -> tuple[int, int]:
    """Total and available RAM in bytes; zeros when it cannot be known."""
    try:
        import psutil

        figures = psutil.virtual_memory()
        total, free = int(figures.total), int(figures.available)
    except (ImportError, OSError, RuntimeError, ValueError):  # also where /proc cannot be read
        total, free = _memory_by_sysconf()
    for limit, used in _memory_limits():
        if not total or limit < total:
            total, free = limit, min(free or limit, limit)
        free = min(free, max(0, limit - used))
    return total, free


def _memory_by_sysconf() -> tuple[int, int]:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf; macOS lacks the second name
        return 0, 0


# --- containers ----------------------------------------------------------------------------------

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def _memory_limits() -> Iterator[tuple[int, int]]:
    """Bytes that the groups of this process may use, and bytes they use that cannot be dropped; none where nothing is limited.

    As the kernel documents it: ``memory.max`` of version 2, ``memory.limit_in_bytes`` of version 1; inactive file pages can be dropped."""
    for folder in _groups("memory"):
        for most, now, inactive in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _figures(folder / most), _figures(folder / now)
            if limit and limit[0] < 1 << 60:  # version 1 writes a huge number for "no limit"
                dropped = re.search(rf"^{inactive} (\d+)$", _text(folder / "memory.stat"), re.M)
                yield limit[0], max(0, (used[0] if used else 0) - int(dropped[1] if dropped else 0))


def _share_of_processors() -> float:
    """How many processors' time the groups of this process may use; 0: nothing is limited."""
    shares = []
    for folder in _groups("cpu"):
        quota = _figures(folder / "cpu.max") or [*_figures(folder / "cpu.cfs_quota_us"), *_figures(folder / "cpu.cfs_period_us")]
        if len(quota) == 2 and quota[0] > 0 < quota[1]:
            shares.append(quota[0] / quota[1])
    return min(shares, default=0.0)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the control groups that this process is in, and of those above them."""
    for line in _text(MEMBERSHIP).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = CGROUPS / controllers if controllers else CGROUPS
        folder = top / path.strip("/")
        yield from (parent for parent in (folder, *folder.parents) if parent == top or top in parent.parents)


def _figures(file: Path) -> list[int]:
    return [int(word) for word in _text(file).split() if word.isascii() and word.lstrip("-").isdecimal()]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except (OSError, ValueError):  # not Linux, or not to be read here
        return ""


def existing_folder(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists; what lies in a folder that may not be entered counts as missing."""
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _disk_free(folder: Path) -> int:
    try:
        return shutil.disk_usage(existing_folder(folder.resolve())).free
    except OSError:  # a disk that went away, or a folder that may not be followed
        return 0
