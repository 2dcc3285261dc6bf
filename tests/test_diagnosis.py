"""The examination behind ``hub doctor``, on machines that are simulated: what it finds, and that it says what to type."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import sqlite3
import subprocess
import sys
import sysconfig
import time
import types
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, write
from dictated import trained_run
from hub_server import Asked, HubServer, hub_server

from adapters_hub import hardware, store
from adapters_hub.base_files import EMBEDDED
from adapters_hub.diagnosis import SECTIONS, examine, holdings, machine, reach, surroundings
from adapters_hub.diagnosis.case import Case, Line
from adapters_hub.hardware import Card, TorchBuild
from adapters_hub.hookspecs import hookimpl
from adapters_hub.known_bases import CATALOGUE
from adapters_hub.library import Library
from adapters_hub.plugins import PluginInfo

GIB = 1 << 30
RTX = Card("NVIDIA GeForce RTX 3050 Laptop GPU", 4 * GIB, "580.65", (8, 6))
CPU_BUILD, CUDA_BUILD = TorchBuild("2.13.0+cpu", ""), TorchBuild("2.13.0", "13.0")


@pytest.fixture(autouse=True)
def no_variable_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor a model cache, a token or a network."""
    for name in (*surroundings.VARIABLES, "NO_COLOR", "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def look(
    section: str, *, cards: list[Card] | None = None, build: TorchBuild | None = CPU_BUILD, features: str = "avx2", **options: Any
) -> list[Line]:
    """One examination of a machine with these parts."""
    plugins, environ = options.pop("plugins", None), options.pop("environ", os.environ)
    case = Case(Library(plugins or load_test_plugins(), environ), **options)
    parts: dict[str, Any] = {"cards": cards or [], "torch": build, "features": frozenset(features.split())}
    case.__dict__.update(parts)
    return list(examine(case, {section: SECTIONS[section]}, strict=True))


def named(lines: list[Line], name: str) -> Line:
    """The last line of that name."""
    return [line for line in lines if line.name == name][-1]


# --- the report ----------------------------------------------------------------------------------


def test_an_examination_that_stumbles_is_a_finding_and_the_others_go_on(workspace: Path) -> None:
    def stumble(case: Case) -> Iterator[Any]:
        yield "first", "ok", "done", ""
        raise ZeroDivisionError("oops")

    case = Case(Library(load_test_plugins()))
    sections: Mapping[str, Any] = {"odd": stumble, "terminal": SECTIONS["terminal"]}
    lines = list(examine(case, sections))
    assert [(line.name, line.text) for line in lines[:2]] == [("first", "done"), ("odd", "ZeroDivisionError: oops")]
    assert lines[1].level == "problem" and lines[1].hint and lines[2].section == "terminal"
    with pytest.raises(ZeroDivisionError):
        list(examine(case, sections, strict=True))


@pytest.mark.parametrize("build", [None, CPU_BUILD, CUDA_BUILD], ids=["no torch", "cpu", "cuda"])
@pytest.mark.parametrize(
    "cards", [[], [RTX], [replace(RTX, driver="470.1")], [replace(RTX, capability=(6, 1))]], ids=["none", "new", "driver", "card"]
)
def test_whatever_is_not_well_ends_in_something_to_type(
    workspace: Path, cards: list[Card], build: TorchBuild | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace / "tutors/hub.toml", '[base]\nengine = "ecco"\nmodel = "./nowhere"\n')
    write(workspace / "tutors/restas/tutor.toml", "[tutor]\ntitel = 'x'\n")
    monkeypatch.setattr(machine, "PACKAGES", ("click", "nowhere-to-be-found"))
    monkeypatch.setattr(machine, "LITTLE_DISK", 1 << 60)
    monkeypatch.setattr(machine, "LITTLE_MEMORY", 1 << 60)
    lines = [line for section in SECTIONS for line in look(section, cards=cards, build=build, online=False)]
    bad = [line for line in lines if line.level != "ok"]
    assert len(bad) >= 5 and all(line.hint for line in bad), [line for line in bad if not line.hint]


def test_no_line_names_the_host_of_a_package_registry() -> None:
    for module in (machine, reach, holdings, surroundings):
        assert module.__file__ is not None
        text = Path(module.__file__).read_text(encoding="utf-8")
        assert not re.search(r"pypi\.org|download\.pytorch|pythonhosted", text)


# --- program -------------------------------------------------------------------------------------


def test_missing_packages_and_wrong_versions_are_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("click", "nowhere-to-be-found"))
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["click>=99", 'rich>=99; extra == "dev"'])
    found = [line for line in look("program") if line.name == "packages"]
    assert [(line.level, line.hint) for line in found[1:]] == [
        ("problem", "pip install nowhere-to-be-found"),
        ("warning", 'pip install "click>=99"'),
    ]


@pytest.mark.parametrize("version", [(3, 9, 1), (3, 15, 0)])
def test_a_python_out_of_range_is_a_problem(workspace: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(machine, "sys", types.SimpleNamespace(version_info=version, executable="python"))
    assert named(look("program"), "Python").level == "problem"


# --- machine -------------------------------------------------------------------------------------


def test_the_processor_says_what_it_computes_in(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert named(look("machine", features="avx2 avx512f avx512_bf16"), "processor").text == "avx2, avx512_bf16, avx512f; computes in bf16"
    assert "computes in 32 bits" in named(look("machine", features="avx2"), "processor").text
    old = named(look("machine", features="avx512f"), "processor")
    assert old.level == "warning" and "without avx2" in old.text and "hub base use mini" in old.hint
    assert named(look("machine", features=""), "processor").level == "ok", "an unknown processor is no complaint"


def test_musl_is_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "cpython-312-x86_64-linux-musl")
    assert ", musl" in named(look("machine"), "system").text


def test_little_memory_and_little_disk_are_warnings(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = hardware.read_machine()
    poor = replace(here, memory=4 * GIB, memory_free=GIB, disk_free=GIB)
    monkeypatch.setattr(hardware, "read_machine", lambda *_: poor)
    lines = look("machine")
    assert (named(lines, "memory").level, named(lines, "memory").text) == ("warning", "1.0 of 4.0 GB free")
    assert named(lines, "disk").level == "warning" and "hf cache prune" in named(lines, "disk").hint
    monkeypatch.setattr(hardware, "read_machine", lambda *_: replace(here, memory=0))
    assert named(look("machine"), "memory").hint == "pip install psutil"


@pytest.mark.parametrize(
    ("which", "name", "told"),
    [("tutors", "folder of tutors", "another folder"), ("hf", "folder of models", "HF_HOME"), ("hub_home", "folder of state", "HUB_HOME")],
)
def test_a_folder_that_cannot_be_written_is_a_problem(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, name: str, told: str
) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hub_home").mkdir()
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "hub_home"))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: False if Path(path).name == which else real(path, mode))
    found = named(look("machine"), name)
    assert found.level == "problem" and "cannot be written" in found.text and told in found.hint


def test_outside_a_workspace_no_folder_of_tutors_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "folder of tutors" not in {line.name for line in look("machine")}


# --- graphics ------------------------------------------------------------------------------------


def test_the_cpu_build_beside_a_card_says_what_to_type(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    lines = look("graphics", cards=[RTX])
    found = named(lines, "torch")
    assert named(lines, "graphics card").text == "NVIDIA GeForce RTX 3050 Laptop GPU, 4.0 GB, driver 580.65, compute 8.6"
    assert found.level == "warning"
    assert found.text == "PyTorch 2.13.0+cpu is the CPU build; this machine has an NVIDIA GeForce RTX 3050 Laptop GPU"
    assert found.hint == "pip uninstall -y torch && pip install torch==2.13.0"
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert "pytorch.org/get-started shows for CUDA" in named(look("graphics", cards=[RTX]), "torch").hint


@pytest.mark.parametrize(
    ("card", "build", "told", "hint"),
    [
        (
            replace(RTX, driver="470.223"),
            CUDA_BUILD,
            "the driver 470.223 is too old for PyTorch 2.13.0, built for CUDA 13.0",
            "update NVIDIA's driver",
        ),
        (
            Card("NVIDIA GeForce GTX 1050 Ti", 4 * GIB, "580.65", (6, 1)),
            CUDA_BUILD,
            "holds no code for the NVIDIA GeForce GTX 1050 Ti",
            "CUDA 12.6",
        ),
        (RTX, None, "not installed", "pip install"),
        (replace(RTX, capability=(12, 0)), TorchBuild("2.8.0", "12.6"), "is older than the NVIDIA", "pip install --upgrade"),
    ],
)
def test_driver_card_and_build_that_do_not_belong_together(
    workspace: Path, card: Card, build: TorchBuild | None, told: str, hint: str
) -> None:
    found = named(look("graphics", cards=[card], build=build), "torch")
    assert found.level in ("warning", "problem") and told in found.text and hint in found.hint


def test_an_old_card_with_a_build_that_knows_it_computes_without_bf16(workspace: Path) -> None:
    card = Card("NVIDIA GeForce GTX 1050 Ti", 4 * GIB, "550.54", (6, 1))
    found = named(look("graphics", cards=[card], build=TorchBuild("2.13.0+cu126", "12.6")), "torch")
    assert found.level == "ok" and "no bf16" in found.text


def test_a_driver_that_does_not_work_is_not_taken_for_a_machine_without_card(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "driver_problem", lambda: "nvidia-smi: Driver/library version mismatch")
    found = named(look("graphics"), "graphics card")
    assert found.level == "warning" and "version mismatch" in found.text and "nvidia-smi" in found.hint
    monkeypatch.setattr(machine, "driver_problem", lambda: "")
    assert named(look("graphics"), "graphics card").level == "ok"


def test_a_card_that_is_hidden_is_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    found = named(look("graphics", cards=[RTX], build=CUDA_BUILD), "torch")
    assert found.text.startswith("CUDA_VISIBLE_DEVICES hides the NVIDIA") and found.hint == "unset CUDA_VISIBLE_DEVICES"


def bitsandbytes_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    for library in libraries:
        write(folder / "bitsandbytes" / library, "no library")
    spec = types.SimpleNamespace(origin=str(folder / "bitsandbytes/__init__.py")) if libraries else None
    real = importlib.util.find_spec
    monkeypatch.setattr(machine, "find_spec", lambda name: spec if name == "bitsandbytes" else real(name))


@pytest.mark.parametrize(
    ("system", "cuda", "chosen"),
    [
        ("Linux", "12.8", "libbitsandbytes_cuda128.so"),
        ("Linux", "12.9", "libbitsandbytes_cuda128.so"),
        ("Linux", "12.0", "libbitsandbytes_cuda126.so"),
        ("Windows", "13.0", "libbitsandbytes_cuda130.dll"),
    ],
)
def test_the_native_library_of_the_cuda_build_is_named(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, cuda: str, chosen: str
) -> None:
    names = ["libbitsandbytes_cuda126.so", "libbitsandbytes_cuda128.so", "libbitsandbytes_cuda130.so", "libbitsandbytes_cuda130.dll"]
    bitsandbytes_in(tmp_path, monkeypatch, *names)
    monkeypatch.setattr(platform, "system", lambda: system)
    found = named(look("graphics", cards=[RTX], build=TorchBuild("2.13.0", cuda)), "bitsandbytes")
    assert (found.level, Path(found.text).name) == ("ok", chosen)


def test_a_missing_native_library_means_no_four_bits(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bitsandbytes_in(tmp_path, monkeypatch, "libbitsandbytes_cuda118.so")
    found = named(look("graphics", cards=[RTX], build=CUDA_BUILD), "bitsandbytes")
    assert found.level == "warning" and "no library for CUDA 13.0" in found.text and found.hint.startswith("pip install --force-reinstall")
    bitsandbytes_in(tmp_path, monkeypatch)
    assert named(look("graphics"), "bitsandbytes").text.startswith("not installed")


def test_a_native_library_that_does_not_load_is_told_with_its_reason(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = {"Windows": ".dll", "Darwin": ".dylib"}.get(platform.system(), ".so")
    bitsandbytes_in(tmp_path, monkeypatch, f"libbitsandbytes_cpu{suffix}")
    found = named(look("graphics"), "bitsandbytes")
    assert found.level == "warning" and "does not load: OSError" in found.text and "--quantization none" in found.hint


def test_the_installed_native_library_loads(workspace: Path) -> None:
    pytest.importorskip("bitsandbytes")
    assert named(look("graphics"), "bitsandbytes").level == "ok"


def test_a_full_examination_computes_with_torch(workspace: Path) -> None:
    lines = [
        line for line in look("graphics", cards=hardware.read_cards(), build=hardware.torch_build(), full=True) if line.name == "tried out"
    ]
    assert [line.level for line in lines] == ["ok", "ok"]
    assert re.search(r"torch: .* GB, (bfloat16|float32|float16)", lines[0].text) and "4 bits computes" in lines[1].text


def torch_that(monkeypatch: pytest.MonkeyPatch, told: str, code: int, error: str = "") -> None:
    monkeypatch.setattr(machine, "_bitsandbytes", lambda case, build: iter(()))
    done = subprocess.CompletedProcess([], code, told, error)
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: done)


@pytest.mark.parametrize(
    ("told", "code", "error", "levels", "words"),
    [
        ("", -4, "", ["problem"], "illegal instruction: this processor is too old"),
        ("", -9, "", ["problem"], "want of memory"),
        ("", 1, "Traceback\nImportError: libcudart.so.13: cannot open\n", ["problem"], "ImportError: libcudart.so.13"),
        (
            'FACTS {"device": "RTX 3050, 4.0 GB", "kind": "cuda", "dtype": "bfloat16"}\n',
            1,
            "RuntimeError: no kernel image\n",
            ["ok", "problem"],
            "no kernel image",
        ),
        (
            'FACTS {"device": "CPU", "kind": "cpu", "dtype": "float32", "computes": true, "nf4": false, "nf4_problem": "OSError: x"}\n',
            *(0, "", ["warning", "warning"], "OSError: x"),
        ),
        ('FACTS {"device": "CPU", "kind": "cpu", "dtype": "float32", "computes": true}\n', -11, "", ["warning", "warning"], "crash"),
    ],
)
def test_a_torch_that_dies_is_a_finding_not_the_end(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, told: str, code: int, error: str, levels: list[str], words: str
) -> None:
    torch_that(monkeypatch, told, code, error)
    lines = [line for line in look("graphics", cards=[RTX], build=CUDA_BUILD, full=True) if line.name == "tried out"]
    assert [line.level for line in lines] == levels and words in lines[-1].text and lines[-1].hint


def test_a_torch_that_never_comes_back_is_left_behind(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TRY_OUT", "import time; time.sleep(30)")
    monkeypatch.setattr(machine, "FULL_SECONDS", 0.5)
    assert "it took more than" in named(look("graphics", full=True), "tried out").text


# --- base and bases ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "level", "words", "hint"),
    [
        ("mini", "ok", "embedded", ""),
        ("./nowhere", "problem", "not found", "check [base] model"),
        ("owner/model", "warning", "not on this machine yet", "hub base use owner/model --download"),
    ],
)
def test_the_base_is_looked_for_without_asking_the_network(workspace: Path, model: str, level: str, words: str, hint: str) -> None:
    write(workspace / "tutors/hub.toml", f'[base]\nengine = "echo"\nmodel = "{model}"\n')
    found = named(look("base"), "base")
    assert found.level == level and words in found.text and hint in found.hint


def test_a_base_in_the_cache_is_found_and_a_missing_one_is_a_problem_offline(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    write(workspace / "tutors/hub.toml", '[base]\nengine = "echo"\nmodel = "owner/model"\n')
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = named(look("base"), "base")
    assert found.level == "problem" and "hub base list" in found.hint
    folder = tmp_path / "hf/hub/models--owner--model"
    shutil.copytree(EMBEDDED["mini"], folder / "snapshots/abc")
    write(folder / "refs/main", "abc")
    assert named(look("base"), "base").text == "owner/model (21 MB)"
    (folder / "snapshots/abc/model.safetensors").unlink()
    assert named(look("base"), "base").level == "problem", "half a model is none"


def test_an_engine_that_nobody_offers_is_a_problem(workspace: Path) -> None:
    write(workspace / "tutors/hub.toml", '[base]\nengine = "ecco"\n')
    found = named(look("base"), "engine")
    assert found.level == "problem" and found.hint == "did you mean 'echo'?"


def test_the_bases_that_fit_are_told_with_tutors_context_and_memory_of_a_token(workspace: Path) -> None:
    lines = look("bases", cards=[RTX], build=CUDA_BUILD)
    assert lines[0].text.startswith("best for this machine: HuggingFaceTB/SmolLM3-3B")
    assert named(lines, "microsoft/phi-2").text == "2.0 GB with 3 tutors, 320 KiB per token, context 2,048, 2 chats, training fits"
    assert "28 KiB per token, context 32,768, 35 chats" in named(lines, "Qwen/Qwen2.5-1.5B-Instruct").text
    assert "Qwen/Qwen2.5-7B-Instruct" not in {line.name for line in lines}
    every = look("bases", cards=[RTX], build=CUDA_BUILD, verbose=True)
    assert len(every) == 1 + len(CATALOGUE) and "does not fit: it needs 5.8 GB" in named(every, "Qwen/Qwen2.5-7B-Instruct").text


def test_a_card_that_torch_cannot_use_gives_no_room(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = replace(hardware.read_machine(), memory=GIB)
    monkeypatch.setattr(hardware, "read_machine", lambda *_: poor)
    assert named(look("bases", cards=[RTX], build=CPU_BUILD), "bases").level == "warning"
    monkeypatch.setattr(hardware, "read_machine", lambda *_: replace(poor, memory=GIB // 2))
    assert named(look("bases"), "bases").hint == "hub base use mini"


# --- sandbox and plugins -------------------------------------------------------------------------


def with_sandbox(monkeypatch: pytest.MonkeyPatch, *tiers: Any) -> None:
    monkeypatch.setitem(sys.modules, "adapters_hub.sandbox", types.SimpleNamespace(describe=lambda: list(tiers)))  # type: ignore[arg-type]


def tier(name: str, works: bool, *not_stopped: str) -> Any:
    return types.SimpleNamespace(name=name, works=works, detail=f"{name} detail", not_stopped=not_stopped)


def test_the_sandbox_that_works_says_what_it_does_not_stop(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sandbox(monkeypatch, tier("landlock+seccomp", True, "reading the clock"), tier("monty", False))
    lines = look("sandbox", verbose=True)
    assert (lines[0].name, lines[0].level) == ("landlock+seccomp", "ok")
    assert lines[0].text == "landlock+seccomp detail; does not stop: reading the clock"
    assert [line.name for line in look("sandbox")] == ["landlock+seccomp"]


def test_without_any_sandbox_it_says_what_that_means(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sandbox(monkeypatch, tier("landlock+seccomp", False), tier("monty", False))
    lines = look("sandbox")
    assert named(lines, "monty").level == "warning" and "pip install pydantic-monty" in named(lines, "sandbox").hint


def test_an_installation_without_sandbox_is_survived(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adapters_hub.sandbox", None)
    assert named(look("sandbox"), "sandbox").level == "warning"


def test_a_broken_plugin_is_a_problem_and_a_blocked_one_a_warning(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise RuntimeError("boom")

    class Offer:
        @hookimpl
        def hub_validators(self) -> list[Any]:
            return []

    monkeypatch.setenv("HUB_BLOCK_PLUGINS", "unwanted")
    plugins = load_test_plugins()
    plugins.add(PluginInfo("bad", "installed", "1.2", "hub-bad"), broken)
    plugins.add(PluginInfo("unwanted", "installed"), Offer)
    lines = look("plugins", plugins=plugins)
    assert (named(lines, "bad").level, named(lines, "bad").hint) == ("problem", "mend or uninstall it: pip uninstall hub-bad")
    assert named(lines, "unwanted").level == "warning"


# --- the Hub -------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub on this machine, named by HF_ENDPOINT."""
    with hub_server() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def seen(asked: list[Asked]) -> list[tuple[str, str, str]]:
    return [(one.method, one.path, one.authorization) for one in asked]


def test_a_hub_that_answers_is_fine_without_a_token(workspace: Path, server: HubServer) -> None:
    lines = look("hub")
    assert named(lines, "Hub").text == f"{server.url} answers" and "open models need none" in named(lines, "token").text
    assert all(line.level == "ok" for line in lines) and seen(server.asked) == [("GET", "/api/whoami-v2", "")]


@pytest.mark.parametrize(
    ("role", "told"), [("read", "may read"), ("write", "may read and publish"), ("fineGrained", "fine-grained rights")]
)
def test_the_token_says_who_it_is_and_what_it_may(
    workspace: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch, role: str, told: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", server.account("hf_secret", "ana", role))
    lines = look("hub")
    assert named(lines, "token").text == f"ana, {told} (from HF_TOKEN)"
    assert seen(server.asked) == [("GET", "/api/whoami-v2", "Bearer hf_secret")] and "hf_secret" not in str(lines)


def test_the_token_of_a_login_is_found_and_a_refused_one_is_told(workspace: Path, server: HubServer, tmp_path: Path) -> None:
    write(tmp_path / "hf/token", "hf_old\n")
    found = named(look("hub"), "token")
    assert found.level == "warning" and "the file of hf auth login is not valid" in found.text and found.hint == "hf auth login"


def test_a_refused_token_of_the_environment_says_which_variable(
    workspace: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    assert named(look("hub"), "token").hint == "unset HF_TOKEN, or hf auth login"


def test_a_redirect_is_not_followed_with_the_token(workspace: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server() as stranger:
        server.redirect = f"{stranger.url}/api/whoami-v2"
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        look("hub")
        assert stranger.asked == []


def test_the_token_is_not_sent_without_encryption(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def ask(address: str, token: str) -> reach.Answer:
        sent.append(token)
        return reach.Answer(401)

    monkeypatch.setattr(reach, "ask", ask)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = named(look("hub"), "token")
    assert sent == [""] and found.level == "warning" and "not encrypted" in found.text


def test_a_hub_that_cannot_be_reached_is_never_a_problem(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    found = named(look("hub"), "Hub")
    assert found.level == "warning" and "cannot be reached" in found.text and found.hint


def test_a_hub_that_hangs_is_left_behind_in_time() -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        answer = reach.ask(f"http://127.0.0.1:{silent.getsockname()[1]}", "", seconds=0.3)
    assert answer.status == 0 and time.monotonic() - began < 3


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_the_hub_is_not_asked_unless_that_is_wanted(
    workspace: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert "not asked" in named(look("hub"), "Hub").text and server.asked == []
    assert "answers" in named(look("hub", online=True), "Hub").text
    monkeypatch.delenv(variable)
    assert named(look("hub", online=False), "Hub").text == "not asked"


def test_a_server_error_and_nonsense_are_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach.ask("no address at all", "").problem == "ValueError"
    monkeypatch.setattr(reach, "ask", lambda *_: reach.Answer(503))
    assert "HTTP 503" in named(look("hub"), "Hub").text


def test_a_password_in_the_endpoint_is_not_shown(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ask", lambda *_: reach.Answer(401))
    monkeypatch.setenv("HF_ENDPOINT", "https://user:secret@example.org")
    assert "secret" not in str(look("hub")) and "https://***@example.org" in str(look("hub"))


def test_xet_is_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    assert named(look("hub", online=False), "Xet").text == "off (HF_HUB_DISABLE_XET)"


# --- settings and terminal -----------------------------------------------------------------------


def test_nothing_confidential_is_printed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HUB_SERVE_TOKEN", "secret-too")
    monkeypatch.setenv("HF_ENDPOINT", "https://user:secret@example.org/x")
    lines = look("settings")
    assert "secret" not in str(lines) and named(lines, "HF_ENDPOINT").text == "https://***@example.org/x"


def test_a_terminal_that_cannot_show_spanish_is_a_warning(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(encoding="ascii", isatty=lambda: False))
    found = list(SECTIONS["terminal"](Case(Library(load_test_plugins()))))
    assert found[0][1] == "warning" and "PYTHONUTF8" in found[0][3]


# --- tutors --------------------------------------------------------------------------------------


def test_a_broken_tutor_is_a_problem(workspace: Path) -> None:
    write(workspace / "tutors/restas/tutor.toml", "[tutor]\ntitel = 'x'\n")
    found = named(look("workspace"), "restas")
    assert found.level == "problem" and "did you mean 'title'?" in found.text and found.hint


def test_work_that_waits_to_be_continued_is_told_with_the_command(workspace: Path) -> None:
    store.start_run(workspace / "tutors/restas")
    run = trained_run(workspace / "tutors/sumas")
    write(run.folder / "eval.partial.jsonl", "{}\n")
    lines = look("workspace")
    assert (named(lines, "restas").level, named(lines, "restas").hint) == ("warning", "hub train restas --resume")
    assert (named(lines, "sumas").level, named(lines, "sumas").hint) == ("warning", f"hub eval sumas --run {run.id}")


def test_a_run_that_is_being_trained_now_is_no_complaint(workspace: Path) -> None:
    run = store.start_run(workspace / "tutors/restas")
    lock = store.hold(run)
    try:
        found = named(look("workspace"), "restas")
        assert found.level == "ok" and "being trained right now" in found.text
    finally:
        lock.release()
    assert named(look("workspace"), "restas").level == "warning", "a lock that nobody holds is no training"


def test_a_run_on_another_base_and_a_damaged_one_are_warnings(workspace: Path) -> None:
    trained_run(workspace / "tutors/sumas")
    (trained_run(workspace / "tutors/restas").folder / "adapter_model.safetensors").write_bytes(b"short")
    write(workspace / "tutors/hub.toml", '[base]\nengine = "echo"\nmodel = "otra/base"\n')
    lines = look("workspace")
    assert "was trained on mini" in named(lines, "sumas").text and named(lines, "sumas").hint == "hub train sumas"
    assert "cannot be used" in named(lines, "restas").text


def test_a_run_on_older_weights_of_the_base_is_a_warning(workspace: Path) -> None:
    run = trained_run(workspace / "tutors/sumas")
    manifest = (run.folder / store.MANIFEST).read_text().replace('"weights": ""', f'"weights": "{"0" * 64}"')
    write(run.folder / store.MANIFEST, manifest)
    assert "was trained on other weights of mini" in named(look("workspace"), "sumas").text


def test_outside_a_workspace_the_way_in_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = named(look("workspace"), "workspace")
    assert found.level == "warning" and "hub new NAME" in found.hint


def test_a_default_tutor_that_is_gone_and_a_broken_state_are_warnings(workspace: Path) -> None:
    write(workspace / "tutors/.hub/state.json", '{"schema": 1, "tutor": "gone", "runs": {}}')
    assert named(look("workspace"), "workspace").text == "the default tutor 'gone' is gone"
    write(workspace / "tutors/.hub/state.json", "{")
    assert "cannot be read" in named(look("workspace"), "workspace").text


# --- conversations -------------------------------------------------------------------------------


def log_in(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUB_HOME", str(workspace / "home"))
    return workspace / "home/conversations/log.db"


def test_conversations_are_fine_before_there_are_any(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = log_in(workspace, monkeypatch)
    assert look("conversations")[0].level == "ok" and not file.exists(), "looking makes no file"


def test_a_log_that_others_may_read_is_a_warning_and_a_damaged_one_a_problem(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = log_in(workspace, monkeypatch)
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as log:
        log.execute("CREATE TABLE x (y)")
    log.close()
    file.chmod(0o600)
    assert look("conversations")[0].level == "ok"
    file.chmod(0o644)
    if os.name != "nt":
        assert look("conversations")[0].hint.startswith("chmod 600 ")
    file.write_bytes(b"this is no database" * 100)
    found = look("conversations")[0]
    assert found.level == "problem" and "damaged" in found.text and found.hint.startswith("mv ")


def test_a_folder_of_conversations_that_cannot_be_written_is_a_problem(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = log_in(workspace, monkeypatch)
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = look("conversations")[0]
    assert found.level == "problem" and "hub logs off" in found.hint
