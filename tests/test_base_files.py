"""Finding a base's files: embedded, local, .gguf and Hub, with the network replaced by its errors."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters_hub import base_files
from adapters_hub.base_files import EMBEDDED, locate_base, weights_digest
from adapters_hub.errors import HubError, NetworkError, NotFoundError, ResourceError, RightsError, UsageError
from adapters_hub.types import BaseModel

SHA = "0123456789abcdef0123456789abcdef01234567"


def fake_model(folder: Path, *, shards: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    names = [f"model-{i:05d}-of-{shards:05d}.safetensors" for i in range(1, shards + 1)] or ["model.safetensors"]
    for name in names:
        (folder / name).write_bytes((2).to_bytes(8, "little") + b"{}" + bytes(range(256)) * 4000)
    if shards:
        index = {"weight_map": {f"layer{i}": name for i, name in enumerate(names)}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


class FakeHub:
    """Stands in for snapshot_download: a cached folder or nothing, and one answer from the network."""

    def __init__(self, cached: Path | None, answer: Path | Exception) -> None:
        self.cached, self.answer = cached, answer
        self.calls: list[dict[str, Any]] = []

    def __call__(self, name: str, **arguments: Any) -> str:
        self.calls.append({"name": name, **arguments})
        if arguments["local_files_only"]:
            if self.cached is None:
                from huggingface_hub.errors import LocalEntryNotFoundError

                raise LocalEntryNotFoundError("not cached")
            return str(self.cached)
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    import huggingface_hub

    def install(cached: Path | None = None, answer: Path | Exception | None = None) -> FakeHub:
        fake = FakeHub(cached, answer or AssertionError("the network was asked"))
        monkeypatch.setattr(huggingface_hub, "snapshot_download", fake)
        return fake

    return install


def http_library() -> Any:
    """The HTTP library under huggingface_hub, whichever it is in the installed version."""
    from huggingface_hub import errors

    return importlib.import_module(errors.HfHubHTTPError.__mro__[1].__module__.split(".")[0])


def http_error(kind: str, status: int) -> Exception:
    from huggingface_hub import errors

    http = http_library()
    response = http.Response(status, request=http.Request("GET", "https://huggingface.co"))
    return getattr(errors, kind)("refused", response=response)


# --- local ---------------------------------------------------------------------------------------


def test_a_relative_path_starts_at_the_workspace(tmp_path: Path) -> None:
    folder = fake_model(tmp_path / "bases" / "mine")
    found = locate_base(BaseModel(model="bases/mine"), workspace=tmp_path)
    assert (found.path, found.kind, found.revision, found.origin) == (folder.resolve(), "folder", "", "local")


def test_a_gguf_file_is_recognised_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    found = locate_base(BaseModel(model="small.gguf"), workspace=tmp_path)
    assert (found.kind, found.origin) == ("gguf", "local")


def test_mini_is_the_embedded_model_even_where_a_folder_has_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_model(tmp_path / "mini")
    monkeypatch.setitem(EMBEDDED, "mini", fake_model(tmp_path / "package"))
    found = locate_base(BaseModel(), workspace=tmp_path)
    assert (found.path, found.origin) == (tmp_path / "package", "embedded")


def test_a_missing_embedded_model_says_reinstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMBEDDED, "mini", tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match="missing from this installation"):
        locate_base(BaseModel())


@pytest.mark.parametrize("name", ["./nothing", "/nothing/at/all", "model.gguf", "no spaces allowed", "nothing"])
def test_a_path_that_does_not_exist_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        locate_base(BaseModel(model=name), workspace=tmp_path)


def test_an_empty_name_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names nothing"):
        locate_base(BaseModel(model=" "), workspace=tmp_path)


def test_a_revision_of_a_local_model_is_refused(tmp_path: Path) -> None:
    fake_model(tmp_path / "mine")
    with pytest.raises(UsageError, match="revision"):
        locate_base(BaseModel(model="mine", revision="v1"), workspace=tmp_path)


def test_an_adapter_folder_is_recognised_and_its_base_offered(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/real-base"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="is an adapter") as caught:
        locate_base(BaseModel(model=str(tmp_path)))
    assert "org/real-base" in caught.value.hint


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UsageError, match="no safetensors"):
        locate_base(BaseModel(model=str(tmp_path)))


def test_a_folder_without_config_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(NotFoundError, match=r"config\.json"):
        locate_base(BaseModel(model=str(tmp_path)))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    fake_model(tmp_path, shards=3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(NotFoundError) as caught:
        locate_base(BaseModel(model=str(tmp_path)))
    assert caught.value.details == ("model-00002-of-00003.safetensors",)


def test_a_damaged_index_is_one_clear_error(tmp_path: Path) -> None:
    fake_model(tmp_path, shards=2)
    (tmp_path / "model.safetensors.index.json").write_text("{oops")
    with pytest.raises(HubError, match="cannot be read"):
        locate_base(BaseModel(model=str(tmp_path)))


# --- the Hub -------------------------------------------------------------------------------------


def test_a_cached_hub_model_asks_no_network(tmp_path: Path, hub: Any) -> None:
    fake = hub(cached=fake_model(tmp_path / SHA))
    found = locate_base(BaseModel(model="org/model"), workspace=tmp_path)
    assert (found.origin, found.revision) == ("hub", SHA)
    assert [call["local_files_only"] for call in fake.calls] == [True]


def test_a_half_cached_hub_model_is_completed(tmp_path: Path, hub: Any) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "config.json").write_text("{}")
    fake = hub(cached=tmp_path / "part", answer=fake_model(tmp_path / SHA))
    assert locate_base(BaseModel(model="org/model", revision="v1"), workspace=tmp_path).revision == SHA
    assert [call["revision"] for call in fake.calls] == ["v1", "v1"]


def test_only_safe_files_are_downloaded(tmp_path: Path, hub: Any) -> None:
    fake = hub(answer=fake_model(tmp_path / SHA))
    locate_base(BaseModel(model="org/model"), workspace=tmp_path)
    wanted = fake.calls[-1]["allow_patterns"]
    assert "*.safetensors" in wanted
    assert not any(pattern.endswith((".bin", ".py", ".pt", ".h5")) for pattern in wanted)


def test_model_code_is_downloaded_only_when_trusted(tmp_path: Path, hub: Any) -> None:
    fake = hub(answer=fake_model(tmp_path / SHA))
    locate_base(BaseModel(model="org/model", trust_remote_code=True), workspace=tmp_path)
    assert "*.py" in fake.calls[-1]["allow_patterns"]


def test_a_gated_model_says_where_to_ask_and_how_to_log_in(tmp_path: Path, hub: Any) -> None:
    hub(answer=http_error("GatedRepoError", 403))
    with pytest.raises(RightsError, match="gated") as caught:
        locate_base(BaseModel(model="org/model"), workspace=tmp_path)
    assert "huggingface.co/org/model" in caught.value.hint
    assert "hf auth login" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("RepositoryNotFoundError", 404, NotFoundError),
        ("RevisionNotFoundError", 404, NotFoundError),
        ("HfHubHTTPError", 401, RightsError),
        ("HfHubHTTPError", 503, NetworkError),
    ],
)
def test_hub_answers_become_errors_for_people(tmp_path: Path, hub: Any, kind: str, status: int, expected: type[HubError]) -> None:
    hub(answer=http_error(kind, status))
    with pytest.raises(expected) as caught:
        locate_base(BaseModel(model="org/model", revision="v1"), workspace=tmp_path)
    assert caught.value.hint


def test_no_network_is_a_network_error(tmp_path: Path, hub: Any) -> None:
    for error in (http_library().ConnectError("no route"), ConnectionResetError(), TimeoutError()):
        hub(answer=error)
        with pytest.raises(NetworkError, match="cannot be reached"):
            locate_base(BaseModel(model="org/model"), workspace=tmp_path)


def test_offline_mode_names_the_variable(tmp_path: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants, errors

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub(answer=errors.LocalEntryNotFoundError("offline"))
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        locate_base(BaseModel(model="org/model"), workspace=tmp_path)


def test_a_full_disk_is_a_resource_error(tmp_path: Path, hub: Any) -> None:
    hub(answer=OSError(28, "No space left on device"))
    with pytest.raises(ResourceError, match="no space"):
        locate_base(BaseModel(model="org/model"), workspace=tmp_path)


def test_a_mistake_in_the_library_stays_a_traceback(tmp_path: Path, hub: Any) -> None:
    hub(answer=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        locate_base(BaseModel(model="org/model"), workspace=tmp_path)


def test_offline_mode_reaches_no_socket(tmp_path: Path) -> None:
    """The real library in a child process whose sockets refuse: an uncached model is an error, not a hang."""
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise SystemExit('a socket was opened')\n"
        "socket.socket.connect = refuse\n"
        "from adapters_hub.base_files import locate_base\n"
        "from adapters_hub.errors import NetworkError\n"
        "from adapters_hub.types import BaseModel\n"
        "try: locate_base(BaseModel(model='org/never-downloaded'))\n"
        "except NetworkError as error: print('refused:', error)\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": str(Path(base_files.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert "refused:" in done.stdout, done.stderr


# --- digest --------------------------------------------------------------------------------------


def test_the_digest_tells_files_of_equal_size_apart(tmp_path: Path) -> None:
    one, two = fake_model(tmp_path / "one"), fake_model(tmp_path / "two")
    assert weights_digest(one) == weights_digest(two)
    content = bytearray((two / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (two / "model.safetensors").write_bytes(content)
    assert weights_digest(one) != weights_digest(two)


def test_the_digest_of_a_file_smaller_than_a_sample_works(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    (tmp_path / "other.gguf").write_bytes(b"GGUX")
    assert weights_digest(tmp_path / "tiny.gguf") != weights_digest(tmp_path / "other.gguf")


def test_the_digest_covers_every_shard(tmp_path: Path) -> None:
    folder = fake_model(tmp_path, shards=2)
    before = weights_digest(folder)
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    assert weights_digest(folder) != before
