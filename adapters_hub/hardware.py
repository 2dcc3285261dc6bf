"""What this machine offers: processors, memory, disk, installed packages, and the device and number format that suit a model.

The plain facts need no torch; functions about devices get the torch module as an argument. Knows nothing of models.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from torch import device as TorchDevice
    from torch import dtype as TorchDtype

GIB = 1 << 30


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


def usable_threads() -> int:
    """Processors this process may use: containers and affinity masks give fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such call
        return os.cpu_count() or 1


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
    except ImportError:
        return _memory_by_sysconf()
    figures = psutil.virtual_memory()
    return int(figures.total), int(figures.available)


def _memory_by_sysconf() -> tuple[int, int]:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf; macOS lacks the second name
        return 0, 0


def _disk_free(folder: Path) -> int:
    folder = folder.resolve()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
