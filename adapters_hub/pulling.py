"""Pulling a published adapter: one revision, resolved once, becomes a tutor of the workspace, or the next run of the one it already is.

Five files at most are fetched, each compared with what the Hub says of it and with ``tutor.json``; nothing is visible before all of them
are whole. Nothing that came is run. Knows no terminal; how the Hub is spoken to is the client's business.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adapters_hub import store
from adapters_hub.adapter_files import CONFIG, WEIGHTS
from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.hub_client import REPOSITORY_ID, HubClient, RemoteState
from adapters_hub.hub_transfer import Progress
from adapters_hub.newcomers import CARD, LIMITS, Wishes, check_weights, look_at, require_adapter, require_sizes
from adapters_hub.plugins import Plugins
from adapters_hub.settling import Settled, free_name, incoming, refresh, require_room, settle, source_of
from adapters_hub.sources import HUB, read_source
from adapters_hub.tutor_file import SYSTEM_FILE, TUTOR_FILE
from adapters_hub.types import BaseModel
from adapters_hub.workspace import Workspace, shown, tutor_names

REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9][\w./-]{0,99}(?<![./])")
COMMIT = re.compile(r"[0-9a-f]{40}")
PAGE = "https://huggingface.co/"


@dataclass(frozen=True)
class Step:
    """Something that is being done, for people."""

    code: Literal["found", "fetching", "checked"]
    text: str


@dataclass(frozen=True)
class Pulled:
    """The end."""

    tutor: str
    folder: Path
    run: str
    repository: str
    revision: str
    version: str
    """Empty for a plain adapter."""
    outcome: Literal["new", "newer", "chosen", "unchanged"]
    """``newer``: one more run of a tutor; ``chosen``: a run that was there was put into use."""
    validators: tuple[str, ...]
    notes: tuple[str, ...]


def parse_reference(reference: str, endpoint: str = PAGE) -> tuple[str, str]:
    """``USER/REPO[@REV]``, or the address of its page, as repository and revision (empty: the newest). Raises UsageError."""
    text = reference.strip()
    for page in (endpoint.rstrip("/") + "/", PAGE):
        text = text.removeprefix(page)
    repository, at, revision = text.rstrip("/").partition("@")
    if not REPOSITORY_ID.fullmatch(repository):
        raise UsageError(f"'{reference[:100]}' names no repository", hint="hub pull USER/REPO, or USER/REPO@v1.0.0; hub search finds some")
    if at and not REVISION.fullmatch(revision):
        raise UsageError(f"'{revision[:100]}' cannot be a revision", hint="a tag such as v1.0.0, a branch, or a commit")
    return repository, revision


def pull(
    repository: str,
    revision: str,
    wishes: Wishes,
    workspace: Workspace,
    base: BaseModel,
    plugins: Plugins,
    client: HubClient,
    progress: Progress = lambda done, total: None,
) -> Iterator[Step | Pulled]:
    """Do it; ends with Pulled. Safe to repeat after any interruption. ``progress`` is told how many bytes of the weights are here.

    Raises NotFoundError, RightsError, NetworkError, ResourceError, UsageError (another base, a taken name), HubError (hostile or
    damaged files); the workspace is as before then."""
    state = _state(client, repository, revision)
    home = _home(workspace, repository, wishes)
    known = _known(home, state.sha) if home is not None else None
    if home is not None and known is not None and not _asked_for_more(wishes) and _in_use(home, known, state.sha):
        source = read_source(home)
        yield Pulled(home.name, home, known.id, repository, state.sha, source.version if source else "", "unchanged", (), ())
        return
    require_adapter(tuple(state.files), repository)
    require_sizes({name: file.size for name, file in state.files.items()}, repository)
    yield Step("found", f"{repository} @ {state.sha[:8]}, {_size(state):,} bytes")
    with incoming(workspace) as folder:
        for name in (CONFIG, SYSTEM_FILE, TUTOR_FILE, CARD):
            _fetch(client, state, name, folder)
        newcomer = look_at(folder, repository, wishes, base, plugins, proposal=repository.rpartition("/")[2])
        name = home.name if home is not None else free_name(newcomer, wishes, workspace)
        source = source_of(newcomer, HUB, repository, revision=state.sha, endpoint=client.endpoint)
        if home is not None and known is not None:
            settled = refresh(newcomer, folder, source, home=home, run=known.id)
        else:
            weights = state.files[WEIGHTS]
            require_room(workspace.folder, 2 * weights.size)  # once more in the client's cache
            yield Step("fetching", f"{WEIGHTS}, {weights.size:,} bytes")
            _fetch(client, state, WEIGHTS, folder, progress)
            check_weights(newcomer, folder, base, wishes)
            yield Step("checked", "sizes, SHA-256, header and layers")
            settled = settle(newcomer, folder, source, workspace, name=name, home=home)
    yield _pulled(settled, "chosen" if known is not None else "newer" if home is not None else "new")


# --- what is there -------------------------------------------------------------------------------


def _state(client: HubClient, repository: str, revision: str) -> RemoteState:
    try:
        state = client.state(repository, revision or None)
    except NotFoundError as error:  # the repository is there
        tags = sorted(client.tags(repository), key=_in_order, reverse=True)
        hint = f"its tags: {', '.join(tags[:8])}" if tags else "it has no tags: without @REV the newest is fetched"
        raise NotFoundError(f"{repository} has no revision '{revision}'", hint=hint) from error
    if state is None:
        raise NotFoundError(
            f"there is no repository {repository}, or this token may not see it",
            hint="check the spelling (hub search TEXT); for a private one log in with: hf auth login",
        )
    if not COMMIT.fullmatch(state.sha):
        raise HubError(f"the Hub names no commit of {repository}", hint="try again later")
    return state


def _in_order(tag: str) -> tuple[list[int], str]:
    return [int(number) for number in re.findall(r"\d{1,9}", tag)], tag


def _home(workspace: Workspace, repository: str, wishes: Wishes) -> Path | None:
    """The tutor that was pulled from there already: the one of the name that was asked for, else the only one.

    Raises UsageError where several were."""
    found = []
    for name in tutor_names(workspace):
        folder = workspace.folder / name
        source = None if folder.is_symlink() else read_source(folder)
        if source is not None and source.is_of(repository):
            found.append(folder)
    if wishes.name:
        return next((folder for folder in found if folder.name == wishes.name), None)
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise UsageError(f"several tutors come from {repository}: {names}", hint="say which one: --as NAME")
    return found[0] if found else None


def _known(home: Path, sha: str) -> store.Run | None:
    """The newest run that came from that commit and is as it came."""
    for run in store.list_runs(home):
        source = read_source(run.folder)
        if run.whole and source is not None and source.revision == sha:
            try:
                store.adapter_of(home.name, run)
            except HubError:  # damaged here: fetch it again
                continue
            return run
    return None


def _in_use(home: Path, known: store.Run, sha: str) -> bool:
    source = read_source(home)
    try:
        used = store.chosen_run(home)
    except HubError:  # the chosen one is gone or damaged
        return False
    return used is not None and used.id == known.id and source is not None and source.revision == sha


def _asked_for_more(wishes: Wishes) -> bool:
    return wishes.system is not None or bool(wishes.validators)


def _size(state: RemoteState) -> int:
    return sum(file.size for name, file in state.files.items() if name in LIMITS)


# --- fetching ------------------------------------------------------------------------------------


def _fetch(client: HubClient, state: RemoteState, name: str, folder: Path, progress: Progress | None = None) -> None:
    """Put the file of that name into ``folder``, its bytes compared with the Hub's hash; one that is not there is left out."""
    if name not in state.files:
        return
    remote = state.files[name]
    told = (lambda done: progress(done, remote.size)) if progress is not None else None
    file = client.download(state.id, state.sha, name, remote, progress=told)
    try:
        shutil.copyfile(file, folder / name)
    except OSError as error:
        raise from_os_error(error, f"write {shown(folder / name)}") from error


def _pulled(settled: Settled, outcome: Literal["new", "newer", "chosen"]) -> Pulled:
    source = settled.source
    return Pulled(
        settled.tutor,
        settled.folder,
        settled.run,
        source.place,
        source.revision,
        source.version,
        outcome,
        settled.validators,
        settled.notes,
    )
