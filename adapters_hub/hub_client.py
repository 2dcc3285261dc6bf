"""The Hugging Face Hub through its own client: with patience that ends, few retries, and errors in words.

The one place that writes to the Hub or reads a published adapter from it. Tokens are those of ``hf auth login`` or ``HF_TOKEN``; none is
kept, printed or logged. Knows nothing of tutors, cards and runs: repositories, files and commits only.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from adapters_hub import __version__
from adapters_hub.errors import HubError, NetworkError, NotFoundError, RightsError, from_os_error
from adapters_hub.hub_errors import gated, in_words, offline
from adapters_hub.hub_transfer import Patience, Progress, additions, byte_counter, quiet, transfer_by
from adapters_hub.store import sha256_of

T = TypeVar("T")

READING = 16.0
"""Seconds that a server may take for the next byte."""
PATIENCE = 48.0
"""Seconds without any sign of life after which nothing is waited for any more: a stalled server ends within a minute."""
TRIES = 3
PAUSES = (0.5, 2.0)
REPOSITORY_ID = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(?<![.-])")


@dataclass(frozen=True)
class Person:
    """Whose token is in use."""

    name: str
    organizations: tuple[str, ...]
    role: str
    """``read``, ``write`` or ``fineGrained``; empty where the Hub does not say."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository."""

    size: int
    sha256: str
    """Of an LFS file; empty for a small one, which has a git hash only."""
    blob: str
    """Git's SHA-1 of the content of a small file."""

    def is_like(self, content: bytes) -> bool:
        """Whether it holds exactly these bytes."""
        if self.size != len(content):
            return False
        if self.sha256:
            return self.sha256 == hashlib.sha256(content).hexdigest()
        return self.blob == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class RemoteState:
    """A repository at one commit."""

    id: str
    sha: str
    private: bool
    files: Mapping[str, RemoteFile]
    tags: tuple[str, ...] = ()
    """Of the card."""


@dataclass(frozen=True)
class Listed:
    """One hit of a search."""

    id: str
    tags: tuple[str, ...]
    downloads: int
    modified: str


class HubClient:
    """One endpoint, one token; every method raises HubError children only.

    Use it as a context manager: inside, all requests of huggingface_hub have our timeouts."""

    def __init__(self, *, reading: float | None = None, patience: float | None = None, bars: bool = False) -> None:
        """``bars``: huggingface_hub may draw its own where bytes cannot be counted, which are uploads by Xet."""
        from huggingface_hub import HfApi, constants

        self.endpoint = (os.environ.get("HF_ENDPOINT") or str(constants.ENDPOINT)).rstrip("/")
        self.api = HfApi(endpoint=self.endpoint, library_name="adapters_hub", library_version=__version__)
        self.notes: list[str] = []
        """What was decided on the way and is worth a line."""
        self._bars = bars
        self._clock = Patience(reading or READING, patience or PATIENCE)

    def __enter__(self) -> HubClient:
        self._clock.install()
        return self

    def __exit__(self, *exception: object) -> None:
        self._clock.remove()

    # --- who and where ---

    def person(self) -> Person:
        """Who is logged in. Raises RightsError when nobody is."""
        found = self._ask(lambda: self.api.whoami(token=True), "ask who is logged in")
        token = (found.get("auth") or {}).get("accessToken") or {}
        return Person(str(found["name"]), tuple(str(one["name"]) for one in found.get("orgs") or ()), str(token.get("role") or ""))

    def state(self, id: str, revision: str | None = None) -> RemoteState | None:
        """The repository at a revision (default: its newest); None when there is none that this token may see.

        Raises NotFoundError for a missing revision of one that is there."""
        from huggingface_hub import errors

        try:
            found = self._ask(
                lambda: self.api.model_info(id, revision=revision, files_metadata=True, timeout=self._clock.reading),
                f"look at {id}",
                through=(errors.RepositoryNotFoundError,),
            )
        except errors.GatedRepoError as error:
            raise gated(id, self.endpoint) from error
        except errors.RepositoryNotFoundError:
            return None
        files = {}
        for entry in found.siblings or ():
            lfs: Any = entry.lfs
            files[str(entry.rfilename)] = RemoteFile(int(entry.size or 0), str(lfs.sha256) if lfs else "", str(entry.blob_id or ""))
        return RemoteState(id, str(found.sha), bool(found.private), files, tuple(found.tags or ()))

    def may_write(self, id: str) -> bool:
        """Whether this token may write to a repository that exists."""
        try:
            self._ask(lambda: self.api.auth_check(id, write=True), f"ask for the right to write to {id}")
        except (RightsError, NotFoundError):
            return False
        return True

    def tags(self, id: str) -> dict[str, str]:
        """Tag -> commit."""
        refs = self._ask(lambda: self.api.list_repo_refs(id), f"list the tags of {id}")
        return {str(tag.name): str(tag.target_commit) for tag in refs.tags}

    def search(self, *, filters: Sequence[str], text: str = "", author: str = "", limit: int = 50) -> list[Listed]:
        """Models with all of these tags."""
        found = self._ask(
            lambda: list(
                self.api.list_models(filter=list(filters), search=text or None, author=author or None, limit=limit, sort="downloads")
            ),
            "search the Hub",
        )
        return [Listed(str(one.id), tuple(one.tags or ()), int(one.downloads or 0), str(one.last_modified or "")[:10]) for one in found]

    # --- writing ---

    def create(self, id: str, *, private: bool) -> None:
        """Make an empty repository; one that exists already is left as it is."""
        self._ask(lambda: self.api.create_repo(id, private=private, exist_ok=True), f"create {id}")

    def commit(
        self, id: str, files: Mapping[str, Path], *, message: str, parent: str, progress: Progress = lambda done, total: None
    ) -> str:
        """Put all ``files`` (name in the repository -> local file) into one commit on top of ``parent``; returns its id.

        ``progress`` is told, perhaps by another thread, how many bytes are sent, again and again while large files go.
        Where an answer is lost, the repository is looked at before anything is sent again: never two commits.
        Raises HubError when somebody else has committed meanwhile."""
        for attempt in range(TRIES):
            try:
                return self._commit_once(id, files, message, parent, progress)
            except NetworkError:
                stalled = self._clock.silence >= self._clock.reading
                head = self._look_again(id)  # only the answer may have been lost
                if head is not None and head.sha != parent:
                    return self._landed(head, files)
                if stalled or attempt == TRIES - 1:
                    raise
                _pause(attempt)
        raise AssertionError("the last try returns or raises")

    def _commit_once(self, id: str, files: Mapping[str, Path], message: str, parent: str, progress: Progress) -> str:
        def send() -> str:
            operations = additions(files, self._clock.moved, progress)
            return str(self.api.create_commit(id, operations, commit_message=message, parent_commit=parent).oid)

        xet = self._has_xet(id)
        with transfer_by(lfs=not xet):
            return self._ask(send, f"commit to {id}", tries=1, bars=xet and self._bars)

    def _look_again(self, id: str) -> RemoteState | None:
        try:
            return self.state(id)
        except NetworkError:
            return None

    def _landed(self, head: RemoteState, files: Mapping[str, Path]) -> str:
        if all(name in head.files and head.files[name].is_like(file.read_bytes()) for name, file in files.items()):
            self.notes.append("the Hub's answer was lost, the commit was not")
            return head.sha
        raise HubError(f"somebody else has committed to {head.id} meanwhile", hint="repeat the command: it starts from the new state")

    def _has_xet(self, id: str) -> bool:
        """Whether the endpoint takes files by Xet; where it does not, or the package is missing, they go by LFS."""
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers, get_session  # type: ignore[attr-defined]

        if constants.HF_HUB_DISABLE_XET or find_spec("hf_xet") is None:
            return False
        try:
            headers = build_hf_headers(library_name="adapters_hub", library_version=__version__)
            answer = get_session().get(f"{self.endpoint}/api/models/{id}/xet-write-token/main", headers=headers)
            has = answer.status_code == 200 and "X-Xet-Cas-Url" in answer.headers
        except Exception:  # whatever it is: LFS is understood everywhere
            has = False
        if not has:
            self.notes.append("this Hub has no Xet storage: the files went by LFS")
        return has

    def tag(self, id: str, name: str, sha: str, *, message: str) -> None:
        """Tag a commit. A tag that is there already and means it is fine; one that means another commit is never moved (HubError)."""
        held = self.tags(id).get(name)
        if held is None:
            try:
                self._ask(lambda: self.api.create_tag(id, tag=name, revision=sha, tag_message=message), f"tag {id} as {name}")
            except HubError:
                held = self.tags(id).get(name)  # the answer was lost, or somebody was faster
                if held is None:
                    raise
            else:
                return
        if held != sha:
            raise HubError(
                f"{id} has a tag {name} already, at another commit ({held[:8]})",
                hint="choose another version: hub publish ... --version X.Y.Z",
            )

    def set_gated(self, id: str, mode: str) -> None:
        """``auto`` or ``manual``: readers have to ask; empty: nobody has to."""
        self._ask(lambda: self.api.update_repo_settings(id, gated=mode or False), f"change the settings of {id}")  # type: ignore[arg-type]

    def add_to_collection(self, title: str, namespace: str, id: str) -> str:
        """Put the repository into the collection of that title, which is made when there is none; returns its slug."""

        def put() -> str:
            collection = self.api.create_collection(title=title, namespace=namespace, private=False, exists_ok=True)
            self.api.add_collection_item(collection.slug, item_id=id, item_type="model", exists_ok=True)
            return str(collection.slug)

        return self._ask(put, f"put {id} into the collection '{title}'")

    # --- reading ---

    def download(self, id: str, sha: str, name: str, remote: RemoteFile, *, progress: Callable[[int], None] | None = None) -> Path:
        """One file at one commit, through the local cache, its bytes compared with what the Hub says of them.

        ``progress`` is told the bytes that are here, again and again; never where the cache has the file.
        Raises HubError when they differ twice, NetworkError, ResourceError."""
        for again in (False, True):
            fetch = partial(
                self.api.hf_hub_download, id, name, revision=sha, force_download=again, tqdm_class=byte_counter(self._told(progress))
            )
            self._clock.by_bytes = True
            try:
                file = Path(self._ask(fetch, f"download {id}/{name}"))
            finally:
                self._clock.by_bytes = False
            if _matches(file, remote):
                return file
        raise HubError(
            f"{id}/{name} arrives damaged: its SHA-256 is not the Hub's", hint="repeat the command; a proxy may change the bytes"
        )

    def _told(self, progress: Callable[[int], None] | None) -> Callable[[int], None]:
        def tell(done: int) -> None:
            self._clock.moved()
            if progress is not None:
                progress(done)

        return tell

    # --- asking ---

    def _ask(
        self, call: Callable[[], T], doing: str, *, through: tuple[type[Exception], ...] = (), tries: int = TRIES, bars: bool = False
    ) -> T:
        """``call`` with a few tries where trying again can help; whatever it raises becomes an error in words, except ``through``."""
        told: HubError | None = None
        for attempt in range(tries):
            try:
                with quiet(bars=bars):
                    found = call()
            except HubError as error:  # there is no patience left: the try before says more
                raise told or NetworkError(f"cannot {doing}: {error.message}", hint=error.hint) from error
            except through:
                self._clock.rest()
                raise
            except Exception as error:  # every kind that the client may raise is told apart in one place
                told = in_words(error, doing, self.endpoint)
                if not isinstance(told, NetworkError):
                    self._clock.rest()
                if attempt == tries - 1 or not isinstance(told, NetworkError) or offline():
                    raise told from error
                _pause(attempt)
            else:
                self._clock.rest()
                return found
        raise AssertionError("the last try returns or raises")


def _pause(attempt: int) -> None:
    time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)] * (0.5 + random.random()))


def _matches(file: Path, remote: RemoteFile) -> bool:
    try:
        if file.stat().st_size != remote.size:
            return False
        if not remote.sha256:
            return remote.is_like(file.read_bytes())
        return sha256_of(file) == remote.sha256
    except OSError as error:
        raise from_os_error(error, f"read {file}") from error
