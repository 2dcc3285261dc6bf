"""Facts about the machine, read from what drivers and files say; other machines are simulated by what theirs would say."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import write

from adapters_hub import hardware
from adapters_hub.hardware import Card, TorchBuild, computes_in_16_bits, obstacle, processor_features, read_cards, torch_build

RTX = Card("NVIDIA GeForce RTX 3050 Laptop GPU", 4 << 30, "550.54.14", (8, 6))


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name, alone on the search path with the system's own."""
    program = write(folder / "bin/nvidia-smi", f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_the_cards_of_the_driver_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(
        tmp_path, monkeypatch, "echo 'NVIDIA GeForce RTX 3050 Laptop GPU, 4096, 550.54.14, 8.6'; echo 'NVIDIA T4, 15360, 550.54.14, 7.5'"
    )
    assert read_cards() == [RTX, Card("NVIDIA T4", 15360 << 20, "550.54.14", (7, 5))]


def test_a_driver_that_knows_no_compute_capability_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = 'case "$*" in *compute_cap*) echo "Field compute_cap is not a valid field to query."; exit 2;; esac'
    script = f'{refusal}; echo "GeForce GTX 960, 2048, 390.157"'
    nvidia_smi(tmp_path, monkeypatch, script)
    assert read_cards() == [Card("GeForce GTX 960", 2048 << 20, "390.157", None)]


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9",
        "echo 'No devices were found'",
        ":",
    ],
)
def test_a_driver_without_cards_or_with_an_error_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    nvidia_smi(tmp_path, monkeypatch, script)
    assert read_cards() == []


def test_a_card_that_does_not_tell_its_memory_is_a_card_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo 'Orin (nvgpu), [N/A], 540.4.0, [N/A]'")
    assert read_cards() == [Card("Orin (nvgpu)", 0, "540.4.0", None)]


def test_a_driver_that_hangs_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr(hardware, "ASKING", 0.2)
    assert read_cards() == []


def test_no_driver_no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_cards() == []


@pytest.mark.parametrize(
    ("text", "build"),
    [
        (
            "from typing import Optional\n__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n",
            TorchBuild("2.13.0+cpu", ""),
        ),
        ("__version__ = '2.13.0+cu130'\ndebug = False\ncuda: Optional[str] = '13.0'\n", TorchBuild("2.13.0+cu130", "13.0")),
        ('__version__ = "2.8.0"\ncuda = "12.8"\n', TorchBuild("2.8.0", "12.8")),
        ("nothing of the kind\n", None),
    ],
)
def test_the_build_of_torch_is_read_from_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, build: TorchBuild | None
) -> None:
    write(tmp_path / "torch/version.py", text)
    spec = types.SimpleNamespace(origin=str(tmp_path / "torch/__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert torch_build() == build


def test_without_torch_there_is_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert torch_build() is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: types.SimpleNamespace(origin=str(tmp_path / "gone.py")))
    assert torch_build() is None


def test_the_build_that_is_installed_is_the_one_that_torch_names() -> None:
    torch = pytest.importorskip("torch")
    build = torch_build()
    assert build is not None and (build.version, build.cuda) == (torch.__version__, torch.version.cuda or "")


@pytest.mark.parametrize(
    ("card", "build", "environ", "found"),
    [
        (RTX, TorchBuild("2.13.0", "12.6"), {}, ""),
        (RTX, TorchBuild("2.13.0+cpu", ""), {}, "no_cuda"),
        (RTX, None, {}, "no_torch"),
        (RTX, TorchBuild("2.13.0", "13.0"), {}, "old_driver"),
        (Card("x", 1, "470.1", (8, 6)), TorchBuild("2.8.0", "12.8"), {}, "old_driver"),
        (Card("GTX 1050 Ti", 1, "580.1", (6, 1)), TorchBuild("2.13.0", "13.0"), {}, "old_card"),
        (Card("GTX 1050 Ti", 1, "550.1", (6, 1)), TorchBuild("2.8.0", "12.6"), {}, ""),
        (Card("V100", 1, "550.1", (7, 0)), TorchBuild("2.8.0", "12.8"), {}, ""),
        (Card("V100", 1, "550.1", (7, 0)), TorchBuild("2.11.0+cu128", "12.8"), {}, "old_card"),
        (Card("RTX 5060", 1, "580.1", (12, 0)), TorchBuild("2.8.0+cu126", "12.6"), {}, "old_build"),
        (Card("RTX 5060", 1, "580.1", (12, 0)), TorchBuild("2.13.0", "13.0"), {}, ""),
        (Card("unknown", 1, "580.1", None), TorchBuild("2.13.0", "13.0"), {}, ""),
        (Card("odd", 1, "[N/A]", (8, 6)), TorchBuild("2.13.0", "13.0"), {}, "old_driver"),
        (RTX, TorchBuild("2.13.0", "12.6"), {"CUDA_VISIBLE_DEVICES": ""}, "hidden"),
        (RTX, TorchBuild("2.13.0", "12.6"), {"CUDA_VISIBLE_DEVICES": "-1"}, "hidden"),
        (RTX, TorchBuild("2.13.0", "12.6"), {"CUDA_VISIBLE_DEVICES": "0"}, ""),
    ],
)
def test_what_keeps_torch_from_a_card(card: Card, build: TorchBuild | None, environ: dict[str, str], found: str) -> None:
    assert obstacle(card, build, environ) == found


@pytest.mark.parametrize(
    ("cpuinfo", "features", "bf16"),
    [
        ("flags\t\t: fpu sse2 avx2 avx512f avx512_bf16 amx_tile\n", {"avx2", "avx512f", "avx512_bf16", "amx_tile"}, True),
        ("flags : fpu sse2 avx avx2\n", {"avx2"}, False),
        ("flags : fpu sse2\n", set(), False),
        ("Features\t: fp asimd sve bf16\n", {"neon", "sve", "bf16"}, False),
        ("", set(), False),
    ],
)
def test_the_processor_is_read_as_linux_describes_it(monkeypatch: pytest.MonkeyPatch, cpuinfo: str, features: set[str], bf16: bool) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: cpuinfo)
    assert processor_features() == features and computes_in_16_bits(processor_features()) is bf16


def test_macos_and_windows_are_asked_in_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    said = types.SimpleNamespace(stdout="hw.optional.arm.FEAT_BF16: 1\nhw.optional.avx2_0: 0\n")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)
    assert processor_features() == {"bf16", "neon"}
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    assert processor_features() == set(), "on another system Windows' question cannot be asked"


def test_what_is_computed_in_16_bits_here_is_what_torch_says() -> None:
    torch: Any = pytest.importorskip("torch")
    dtype = hardware.compute_dtype(torch, torch.device("cpu"))
    assert computes_in_16_bits(processor_features()) is (dtype == torch.bfloat16)


# --- containers and odd systems ------------------------------------------------------------------


def in_group(folder: Path, monkeypatch: pytest.MonkeyPatch, membership: str, **files: str) -> None:
    """A system whose control groups say so; ``__`` in a name stands for the slash, ``_`` of ``memory_max`` for the dot."""
    monkeypatch.setattr(hardware, "CGROUPS", folder / "cgroup")
    monkeypatch.setattr(hardware, "MEMBERSHIP", write(folder / "membership", membership))
    for name, text in files.items():
        *folders, file = name.split("__")
        write(folder.joinpath("cgroup", *folders, file.replace("_", ".", 1)), text)


def test_a_container_has_the_memory_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"memory_max": f"{2 << 30}\n", "memory_current": f"{1 << 30}\n", "memory_stat": f"anon 5\ninactive_file {256 << 20}\n"}
    in_group(tmp_path, monkeypatch, "0::/\n", **usage)
    machine = hardware.read_machine()
    assert machine.memory == 2 << 30
    assert machine.memory_free == min(machine.memory_free, (2 << 30) - (1 << 30) + (256 << 20))


def test_the_narrowest_group_counts_and_the_old_layout_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_group(
        tmp_path,
        monkeypatch,
        "4:memory:/a/b\n1:cpu,cpuacct:/a\n0::/\n",
        memory__a__b__memory_limit_in_bytes=f"{2 << 30}",
        memory__a__b__memory_usage_in_bytes="0",
        memory__a__memory_limit_in_bytes=f"{1 << 30}",
        memory__memory_limit_in_bytes="9223372036854771712",
    )
    assert hardware.read_machine().memory == 1 << 30


@pytest.mark.parametrize(("quota", "threads"), [("50000 100000", 1), ("max 100000", 64), ("250000 100000", 3), ("nonsense", 64)])
def test_a_container_has_the_processors_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, threads: int) -> None:
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    in_group(tmp_path, monkeypatch, "0::/slice/task\n", slice__cpu_max=quota)
    assert hardware.usable_threads() == threads


def test_a_system_without_proc_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    def refuse() -> Any:
        raise FileNotFoundError("/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    monkeypatch.setattr(hardware, "MEMBERSHIP", tmp_path / "none")
    assert hardware.read_machine().memory >= 0


def test_a_memory_in_odd_digits_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo 'NVIDIA RTX, ²⁴, 550.54, [No compatible]'")
    assert read_cards() == [Card("NVIDIA RTX", 0, "550.54", None)]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'NVIDIA-SMI ha fallado: no se pudo comunicar con el controlador.'; exit 9", "nvidia-smi: NVIDIA-SMI ha fallado: no se"),
        ("exit 6", "nvidia-smi: no card"),
        ("sleep 9", "nvidia-smi does not answer"),
        ("echo 'GPU 0: NVIDIA T4'", ""),
    ],
)
def test_why_the_driver_names_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str) -> None:
    monkeypatch.setattr(hardware, "ASKING", 0.5)
    nvidia_smi(tmp_path, monkeypatch, script)
    found = hardware.driver_problem()
    assert found.startswith(words) and bool(found) == bool(words)


def test_a_folder_that_may_not_be_entered_is_as_far_as_one_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def closed(path: Any, *words: Any, **more: Any) -> Any:
        if str(path).startswith(f"{tmp_path}/closed/"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *words, **more)

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(os, "stat", closed)
    assert hardware.existing_folder(tmp_path / "closed/models/hub") == tmp_path / "closed"
    assert hardware.read_machine(tmp_path / "closed/models/hub").disk_free > 0
