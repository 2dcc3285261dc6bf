"""Bytes on their way to and from the Hub: counted for whoever shows progress, and watched, so that a silent server ends.

Gives the Hub's client timeouts that it does not have and an end to its retries. Knows no repositories and no terminal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from adapters_hub.errors import NetworkError

Progress = Callable[[int, int], None]
"""Is told how many bytes are across, and of how many."""


class Patience:
    """Timeouts for every request of huggingface_hub, those that it asks without one included, and an end to its retries.

    Silence is counted from the first request that nothing has answered, over all retries, and ends with an answer or with bytes."""

    def __init__(self, reading: float, silence: float) -> None:
        """``reading``: seconds that a server may take for the next byte; ``silence``: those in which nothing at all may come."""
        self.reading, self.longest = reading, silence
        self.by_bytes = False
        """A file is on its way: an answer that brings none of its bytes is none."""
        self._since: float | None = None

    @property
    def silence(self) -> float:
        """Seconds since the first request that is still not answered; 0 where nothing is waited for."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def moved(self) -> None:
        """Bytes have come or gone."""
        self._since = time.monotonic()

    def rest(self) -> None:
        """Nothing is waited for."""
        self._since = None

    def install(self) -> None:
        """All requests of huggingface_hub are watched from now on."""
        from huggingface_hub import set_client_factory

        set_client_factory(self._client)

    def remove(self) -> None:
        """The client's own ways are back."""
        from huggingface_hub import set_client_factory
        from huggingface_hub.utils._http import default_client_factory

        set_client_factory(default_client_factory)

    def _client(self) -> Any:
        from huggingface_hub.utils._http import default_client_factory

        client: Any = default_client_factory()
        hooks = client.event_hooks
        hooks["request"] = [*hooks.get("request", []), self._asked]
        hooks["response"] = [*hooks.get("response", []), self._answered]
        client.event_hooks = hooks
        return client

    def _asked(self, request: Any) -> None:
        if self._since is None:
            self.moved()
        left = self.longest - self.silence
        if left <= 0:
            raise NetworkError(f"{request.url.host} does not answer", hint="try again later (HF_ENDPOINT names the server)")
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), min(self.reading, left))

    def _answered(self, response: Any) -> None:
        if response.status_code < 500 and not self.by_bytes:
            self.rest()


# --- counting ------------------------------------------------------------------------------------


def byte_counter(progress: Callable[[int], None]) -> Any:
    """A progress bar's class as the client wants one for a download; shows nothing, tells the bytes that are here, those of an earlier
    try included."""
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Counter(tqdm):  # type: ignore[misc,unused-ignore]
        def __init__(self, *arguments: Any, initial: int = 0, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})
            self.here = initial

        def update(self, n: float | None = 1) -> None:
            """``n`` more bytes have come."""
            self.here += int(n or 0)
            progress(self.here)

        def update_transfer(self, n: float | None = 1) -> None:
            """What came over the network is counted when it is written: else the client would make a second bar of this class."""

        def set_transfer_postfix_str(self, *arguments: Any, **options: Any) -> None:
            """Belongs to ``update_transfer``."""

    return Counter


def additions(files: Mapping[str, Path], moved: Callable[[], None], progress: Progress) -> list[Any]:
    """``files`` (name in the repository -> local file) as the client's operations, which tell how far their uploads are."""
    from huggingface_hub import CommitOperationAdd

    total, lock, sent = sum(file.stat().st_size for file in files.values()), threading.Lock(), dict.fromkeys(files, 0)

    class Addition(CommitOperationAdd):  # type: ignore[misc,unused-ignore]
        @contextmanager
        def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
            """``with_tqdm``: it is read to be sent, by one of several threads."""
            with Path(self.path_or_fileobj).open("rb") as stream:  # type: ignore[arg-type]
                if with_tqdm:
                    _count_reading(stream, self._tell)
                yield stream

        def _tell(self, position: int) -> None:
            with lock:
                moved()
                sent[self.path_in_repo] = position
                progress(sum(sent.values()), total)

    return [Addition(path_in_repo=name, path_or_fileobj=str(file)) for name, file in files.items()]


def _count_reading(stream: BinaryIO, tell: Callable[[int], None]) -> None:
    read = stream.read

    def counted(size: int = -1, /) -> bytes:
        block = read(size)
        tell(stream.tell())  # where it is: a retry begins anew
        return block

    stream.read = counted  # type: ignore[method-assign]


# --- the client's ways ---------------------------------------------------------------------------


@contextmanager
def transfer_by(*, lfs: bool) -> Iterator[None]:
    """Inside the block files go by LFS, if asked for."""
    from huggingface_hub import constants

    former = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = former or lfs
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = former


@contextmanager
def quiet(*, bars: bool = False) -> Iterator[None]:
    """Without the client's warnings about each retry, and without its own bars unless wanted: ours is the only voice."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    log = logging.getLogger("huggingface_hub")
    level, hide = log.level, not (bars or are_progress_bars_disabled())
    log.setLevel(logging.ERROR)
    if hide:
        disable_progress_bars()
    try:
        yield
    finally:
        log.setLevel(level)
        if hide:
            enable_progress_bars()
