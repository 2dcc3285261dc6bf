"""The real client of the Hub over HTTP against a server that keeps the Hub's rules and breaks what we ask it to break."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY, write
from hub_server import Fault, HubServer
from hub_site import LUIS, READER

from adapters_hub import hub_client
from adapters_hub.errors import HubError, NetworkError, NotFoundError, RightsError, UsageError
from adapters_hub.hub_client import HubClient, Person, RemoteFile
from adapters_hub.hub_transfer import byte_counter

CARD = "---\nlicense: apache-2.0\n---\nHola.\n"
REPO = "ana/sql"
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def client(site: HubServer) -> Iterator[HubClient]:
    with HubClient() as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    weights = tmp_path / "weights"
    weights.write_bytes(bytes(range(256)) * 4000)
    return {"README.md": write(tmp_path / "card.md", CARD), WEIGHTS: weights}


@pytest.fixture
def parent(client: HubClient) -> str:
    client.create(REPO, private=True)
    state = client.state(REPO)
    assert state is not None and state.private
    return state.sha


def held(site: HubServer) -> dict[str, bytes]:
    return {name: content for name, (content, _) in site.repositories[REPO].head.files.items()}


# --- what works ----------------------------------------------------------------------------------


def test_it_knows_who_is_logged_in(client: HubClient) -> None:
    assert client.person() == Person("ana", ("facultad",), "write")


def test_all_files_go_in_one_commit_and_are_read_back_with_their_hashes(
    client: HubClient,
    site: HubServer,
    files: dict[str, Path],
    parent: str,
) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert site.commits_of(REPO) == 1
    assert held(site) == {name: path.read_bytes() for name, path in files.items()}
    state = client.state(REPO)
    assert state is not None and state.sha == sha
    assert all(state.files[name].is_like(path.read_bytes()) for name, path in files.items())
    assert not state.files[WEIGHTS].is_like(b"something else")


def test_a_repository_that_is_not_there_is_none(client: HubClient) -> None:
    assert client.state("ana/nothing") is None


def test_a_private_repository_of_somebody_else_looks_like_none(client: HubClient, site: HubServer) -> None:
    site.repository("luis/secret", private=True)
    assert client.state("luis/secret") is None


def test_creating_what_exists_changes_nothing(client: HubClient, site: HubServer, parent: str) -> None:
    client.create(REPO, private=False)
    assert site.repositories[REPO].private


def test_a_tag_is_made_once_and_never_moved(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    first = client.commit(REPO, files, message="one", parent=parent)
    client.tag(REPO, "v0.1.0", first, message="one")
    client.tag(REPO, "v0.1.0", first, message="one")
    with pytest.raises(HubError, match=r"has a tag v0\.1\.0 already"):
        client.tag(REPO, "v0.1.0", parent, message="one")
    assert site.repositories[REPO].tags == {"v0.1.0": first}


def test_search_finds_public_adapters_by_their_tags(client: HubClient, site: HubServer) -> None:
    site.repository("luis/a", {"README.md": b"---\ntags: [adapters-hub, tutor]\n---\n"})
    site.repository("luis/b", {"README.md": b"---\ntags: [other]\n---\n"})
    site.repository("luis/c", {"README.md": b"---\ntags: [adapters-hub]\n---\n"}, private=True)
    assert [hit.id for hit in client.search(filters=["adapters-hub"])] == ["luis/a"]


# --- what breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "method"), [("/commit/", "POST"), ("/objects/", "PUT"), ("/preupload/", "POST"), ("/lfs/objects/batch", "POST")]
)
@pytest.mark.parametrize("kind", ["status", "drop", "lost"])
def test_one_failure_anywhere_is_survived_with_one_commit(
    client: HubClient,
    site: HubServer,
    files: dict[str, Path],
    parent: str,
    where: str,
    method: str,
    kind: str,
) -> None:
    fault = site.fault(where, kind, method=method)
    client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert fault.times == 0, "the fault never happened"
    assert site.commits_of(REPO) == 1
    assert held(site)[WEIGHTS] == files[WEIGHTS].read_bytes()


def test_two_errors_in_a_row_are_survived(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    site.fault("/commit/", "status", times=2)
    client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert site.commits_of(REPO) == 1


def test_a_lost_answer_is_told(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    site.fault("/commit/", "lost")
    client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert "the Hub's answer was lost, the commit was not" in client.notes


def test_a_server_that_fails_for_good_is_told_with_what_to_do(
    client: HubClient,
    site: HubServer,
    files: dict[str, Path],
    parent: str,
) -> None:
    site.fault("/commit/", "status", times=99, status=503)
    with pytest.raises(NetworkError, match="HTTP 503") as caught:
        client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert caught.value.exit_code == 4 and "try again" in caught.value.hint
    assert site.commits_of(REPO) == 0


def test_somebody_elses_commit_in_between_is_never_overwritten(
    client: HubClient,
    site: HubServer,
    files: dict[str, Path],
    parent: str,
) -> None:
    site.commit(site.repositories[REPO], {"other.txt": (b"theirs", False)}, "theirs")
    with pytest.raises(HubError, match="somebody else has committed"):
        client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert held(site) == {"other.txt": b"theirs"}


def test_an_endpoint_without_xet_gets_the_files_by_lfs(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert any(asked.method == "PUT" for asked in site.asked)


@pytest.mark.parametrize("where", ["/whoami", "/api/models/ana/sql"])
def test_a_stalled_server_ends_with_exit_code_4(client: HubClient, site: HubServer, parent: str, where: str) -> None:
    client._clock.reading, client._clock.longest = 0.2, 0.5
    site.fault(where, "delay", times=99)
    with pytest.raises(NetworkError) as caught:
        client.person() if "whoami" in where else client.state(REPO)
    assert caught.value.exit_code == 4
    site.faults.clear()


@pytest.mark.parametrize("where", ["/commit/", "/objects/"])
def test_a_stalled_upload_ends_too(client: HubClient, site: HubServer, files: dict[str, Path], parent: str, where: str) -> None:
    client._clock.reading, client._clock.longest = 0.2, 0.5
    site.fault(where, "delay", times=99)
    with pytest.raises(NetworkError):
        client.commit(REPO, files, message="v0.1.0", parent=parent)
    assert len([one for one in site.asked if where in one.path]) <= 4, "it is not asked for ever"
    site.faults.clear()


def test_whatever_is_tried_again_a_silent_server_ends_within_a_minute() -> None:
    assert hub_client.PATIENCE + sum(hub_client.PAUSES) * 1.5 <= 60 and hub_client.READING < hub_client.PATIENCE / 2


@pytest.mark.parametrize("where", ["/preupload/", "/lfs/objects/batch", "/objects/", "/commit/", "/tag/"])
def test_silence_is_counted_over_retries_and_over_what_is_asked_afterwards(
    client: HubClient, site: HubServer, files: dict[str, Path], parent: str, where: str
) -> None:
    client._clock.reading, client._clock.longest = 0.3, 0.8
    begun: list[float] = []
    due = site._due

    def stalled_from_there_on(method: str, path: str) -> Fault | None:
        if where in path and not begun:
            begun.append(time.monotonic())
            site.fault("", "delay", times=99)
        return due(method, path)

    site._due = stalled_from_there_on  # type: ignore[method-assign]
    with pytest.raises(NetworkError):
        client.tag(REPO, "v1.0.0", client.commit(REPO, files, message="v1.0.0", parent=parent), message="x")
    assert time.monotonic() - begun[0] < 0.8 + 0.9, "a little more than the longest silence"


@pytest.mark.parametrize("times", [1, 99])
def test_a_download_that_falls_silent_after_its_first_bytes_is_resumed_or_ends(
    client: HubClient, site: HubServer, files: dict[str, Path], parent: str, times: int
) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    state = client.state(REPO)
    assert state is not None
    client._clock.reading, client._clock.longest = 0.3, 0.8
    fault, begun = site.fault("/objects/", "stall", method="GET", times=times), time.monotonic()
    if times == 1:
        assert client.download(REPO, sha, WEIGHTS, state.files[WEIGHTS]).read_bytes() == files[WEIGHTS].read_bytes()
        assert fault.times == 0
    else:
        with pytest.raises(NetworkError):
            client.download(REPO, sha, WEIGHTS, state.files[WEIGHTS])
        assert time.monotonic() - begun < 0.8 + 1.2


def test_a_download_that_takes_longer_than_any_silence_is_resumed_too(
    client: HubClient, site: HubServer, files: dict[str, Path], parent: str
) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    state = client.state(REPO)
    assert state is not None
    client._clock.longest = 0.2
    fault = site.fault("/objects/", "cut", method="GET")

    def slow(done: int) -> None:
        if fault.times == 0 and done < state.files[WEIGHTS].size:
            Event().wait(0.3)

    client.download(REPO, sha, WEIGHTS, state.files[WEIGHTS], progress=slow)
    assert fault.times == 0


def test_bytes_that_are_sent_are_counted(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    told: list[tuple[int, int]] = []
    site.fault("/objects/", "status", method="PUT")
    client.commit(REPO, files, message="v0.1.0", parent=parent, progress=lambda done, total: told.append((done, total)))
    size = files[WEIGHTS].stat().st_size
    assert len(told) > 2 and max(done for done, _ in told) == size and {total for _, total in told} == {size + len(CARD)}


def test_a_download_by_xet_is_counted_once() -> None:
    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    told: list[int] = []
    report = SimpleNamespace(total_bytes=10, total_bytes_completed=4, total_transfer_bytes=7, total_transfer_bytes_completed=3)
    rates = {"total_bytes_completion_rate": 1.0, "total_transfer_bytes_completion_rate": 1.0}
    with XetDownloadProgressReporter(reconstruction_desc="x", total=10, log_level=0, tqdm_class=byte_counter(told.append)) as reporter:
        for done in (4, 10):
            report.total_bytes_completed = report.total_transfer_bytes_completed = done
            reporter.update_progress(SimpleNamespace(**vars(report), **rates))
    assert [number for number in told if number] == [4, 10]


def test_too_many_requests_say_how_long_to_wait(client: HubClient, site: HubServer) -> None:
    site.fault("/whoami", "status", status=429, times=99)
    with pytest.raises(NetworkError) as caught:
        client.person()
    assert "wait 1 s" in caught.value.hint


@pytest.mark.parametrize("kind", ["cut", "short", "flip"])
def test_a_download_that_breaks_once_arrives_whole(
    client: HubClient,
    site: HubServer,
    files: dict[str, Path],
    parent: str,
    kind: str,
) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    state = client.state(REPO)
    assert state is not None
    fault = site.fault("/objects/", kind, method="GET")
    assert client.download(REPO, sha, WEIGHTS, state.files[WEIGHTS]).read_bytes() == files[WEIGHTS].read_bytes()
    assert fault.times == 0


def test_bytes_that_are_always_wrong_are_refused(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    state = client.state(REPO)
    assert state is not None
    site.fault("/objects/", "flip", method="GET", times=99)
    with pytest.raises(HubError, match="arrives damaged"):
        client.download(REPO, sha, WEIGHTS, state.files[WEIGHTS])


def test_a_small_file_is_compared_by_gits_hash(client: HubClient, site: HubServer, files: dict[str, Path], parent: str) -> None:
    sha = client.commit(REPO, files, message="v0.1.0", parent=parent)
    site.fault("/resolve/", "flip", method="GET", times=99)
    state = client.state(REPO)
    assert state is not None and not state.files["README.md"].sha256
    with pytest.raises(HubError, match="arrives damaged"):
        client.download(REPO, sha, "README.md", state.files["README.md"])


# --- rights --------------------------------------------------------------------------------------


def nobody(site: HubServer, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("HF_TOKEN")


def stranger(site: HubServer, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HF_TOKEN", "hf_not_a_token")


@pytest.mark.parametrize(("who", "said"), [(nobody, "nobody is logged in"), (stranger, "the token from HF_TOKEN is not valid")])
def test_without_a_valid_token_the_way_to_log_in_is_told(
    client: HubClient,
    site: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    who: Callable[..., None],
    said: str,
) -> None:
    who(site, monkeypatch)
    with pytest.raises(RightsError, match=said) as caught:
        client.person()
    assert caught.value.exit_code == 5 and "hf auth login" in caught.value.hint


def test_a_token_that_the_server_repeats_is_not_repeated_by_us(client: HubClient, site: HubServer) -> None:
    token = "hf_" + "a1B2" * 9
    site.fault("/repos/create", "status", status=403, text=f"the token {token} may not\x1b[2J")
    with pytest.raises(RightsError) as caught:
        client.create(REPO, private=True)
    assert "the token hf_... may not\\x1b" in caught.value.message and token not in str(caught.value)


def test_a_token_is_never_part_of_an_error(client: HubClient, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(RightsError) as caught:
        client.create(REPO, private=True)
    error = caught.value
    assert READER not in " ".join((error.message, error.hint, *error.details))


def test_a_reading_token_may_not_write(client: HubClient, parent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.may_write(REPO)
    monkeypatch.setenv("HF_TOKEN", READER)
    assert not client.may_write(REPO)


def test_another_ones_namespace_is_refused(client: HubClient, files: dict[str, Path], parent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", LUIS)
    with pytest.raises(RightsError, match="rights to create"):
        client.create("ana/other", private=True)


def test_a_refused_card_names_the_key(client: HubClient, site: HubServer, tmp_path: Path, parent: str) -> None:
    card = write(tmp_path / "bad.md", "---\nbase_model: /home/ana/phi\n---\n")
    with pytest.raises(UsageError) as caught:
        client.commit(REPO, {"README.md": card}, message="x", parent=parent)
    assert any("base_model" in detail for detail in caught.value.details)
    assert site.commits_of(REPO) == 0


def test_a_gated_repository_says_where_to_ask(client: HubClient, site: HubServer) -> None:
    repository = site.repository("luis/closed", {"tutor.json": b"{}"}, gated="manual")
    entry = RemoteFile(2, "", "")
    with pytest.raises(RightsError, match="gated"):
        client.download("luis/closed", repository.head.sha, "tutor.json", entry)


def test_a_missing_revision_is_not_found(client: HubClient, parent: str) -> None:
    with pytest.raises(NotFoundError, match="no such revision"):
        client.state(REPO, "v9.9.9")


def test_offline_asks_nobody(client: HubClient, site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    site.asked.clear()
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE"):
        client.state(REPO)
    assert site.asked == []


def test_nobody_there_names_the_endpoint(site: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with HubClient() as client, pytest.raises(NetworkError, match=r"http://127\.0\.0\.1:9 does not answer"):
        client.person()


def test_the_clients_own_settings_are_back_afterwards(site: HubServer) -> None:
    from huggingface_hub.utils import get_session

    with HubClient():
        assert len(get_session().event_hooks["response"]) == 1
    assert get_session().event_hooks["response"] == []


def test_the_oldest_supported_client_passes_the_same_tests() -> None:
    folder = os.environ.get("HF_OLDEST", "")
    if not folder:
        pytest.skip("HF_OLDEST names no folder with huggingface_hub 1.31 (pip install --target FOLDER huggingface_hub==1.31.0)")
    environ = {name: value for name, value in os.environ.items() if name != "HF_OLDEST"}
    files = [str(Path(__file__).with_name(f"test_{name}.py")) for name in ("hub_client", "cli_publish", "cli_pull", "cli_search")]
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    paths = os.pathsep.join((folder, str(REPOSITORY)))
    done = subprocess.run(words, env={**environ, "PYTHONPATH": paths}, cwd=REPOSITORY, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
