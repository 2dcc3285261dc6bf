"""One base in memory for all questions of a process: opened at the first one, asked from any thread, put away while something else needs
the memory.

Knows the library and the chat room; knows nothing of conversations and of what is asked.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from adapters_hub import store
from adapters_hub.chatting import ChatRoom, Seat, validator_of
from adapters_hub.contracts import Validator
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.library import Library
from adapters_hub.plugins import LOCAL_FILE
from adapters_hub.types import Adapter, ChatSettings, RunManifest, Tutor
from adapters_hub.workspace import nearest

SAMPLING = ("temperature", "top_p", "repetition_penalty", "max_new_tokens", "seed")
"""What a single question may want otherwise than ``[chat]`` says."""
WHOLE = ("max_new_tokens", "seed")
LIMITS = {field.name: (field.metadata["low"], field.metadata["high"]) for field in fields(ChatSettings) if field.name in SAMPLING}
LIMITS |= {"seed": (0, None)}

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class _Kept:
    """Something made once, and for what: made again when that changes."""

    made_for: Any
    thing: Any


class SharedRoom:
    """The chat room of a library. Safe to use from any thread."""

    def __init__(self, library: Library, options: Mapping[str, Any] | None = None) -> None:
        """Opens nothing yet. ``options``: ``section.key`` -> value, overruling the files for every tutor."""
        self.library = library
        self.options = dict(options or {})
        self._state = threading.Condition()
        self._guests: Counter[int] = Counter()
        """Thread -> answers that it has under way."""
        self._taken = False
        """Somebody needs the memory alone."""
        self._closed = False
        self._process = os.getpid()
        """A copy of this process, made by ``fork``, has neither the engine's threads nor the holders of the locks."""
        self._opening = threading.Lock()
        self._room: ChatRoom | None = None
        self._kept: dict[tuple[str, Path], _Kept] = {}
        self._keeping = threading.RLock()

    # --- the room --------------------------------------------------------------------------------

    @contextmanager
    def guest(self) -> Iterator[ChatRoom]:
        """The open room, for as long as an answer takes. Waits while somebody has the memory alone. Raises UsageError once closed.

        A thread that is inside already does not wait: whoever wants to be alone waits for it."""
        self.check_open()
        thread = threading.get_ident()
        with self._state:
            self._state.wait_for(lambda: self._closed or not self._taken or self._guests[thread] > 0)
            self.check_open()
            self._guests[thread] += 1
        try:
            yield self._opened()
        finally:
            with self._state:
                self._guests[thread] -= 1
                self._guests += Counter()  # drops what is at zero
                self._state.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The memory without the room, e.g. to train: waits for the answers under way, and lets new questions wait.

        Raises UsageError when this very thread has an unfinished answer, which would never be finished."""
        self.check_open()
        with self._state:
            if self._guests[threading.get_ident()]:
                hint = "read it to its end, or close() the stream"
                raise UsageError("this thread is still in the middle of an answer", hint=hint)
            self._state.wait_for(lambda: self._closed or not self._taken)
            self.check_open()
            self._taken = True
        try:  # from here on: Ctrl-C while waiting lets the others in again
            with self._state:
                self._state.wait_for(lambda: self._closed or not self._guests)
            self._put_away()
            self.check_open()
            yield
        finally:
            with self._state:
                self._taken = False
                self._state.notify_all()

    def close(self) -> None:
        """Free the memory; answers under way end with an error. Twice is fine."""
        if os.getpid() != self._process:  # what is in memory belongs to the process that opened it
            self._closed = True
            return
        with self._state:
            self._closed = True
            self._state.notify_all()
        self._put_away()

    def check_open(self) -> None:
        """Raises UsageError once closed, and in a copy of the process that opened it."""
        if os.getpid() != self._process:
            raise UsageError("this workspace was opened by another process", hint="call open_workspace() in each process")
        if self._closed:
            raise UsageError("the workspace is closed", hint="open_workspace() opens it again")

    def _opened(self) -> ChatRoom:
        with self._opening:
            self.check_open()
            if self._room is None:
                self._room = ChatRoom(self.library.load_base(self.options), self.library.plugins)
            return self._room

    def _put_away(self) -> None:
        with self._opening:
            room, self._room = self._room, None
            if room is not None:
                room.close()

    # --- who sits in it --------------------------------------------------------------------------

    def tutor(self, name: str | None = None, options: Mapping[str, Any] | None = None) -> Tutor:
        """The tutor as its files are now."""
        self.check_open()
        return self.library.load_tutor(name, {**self.options, **(options or {})})

    def validator(self, tutor: Tutor) -> Validator:
        """The tutor's validators as one, made anew only when its settings or its ``validator.py`` have changed."""
        return self._keep(
            "validator", tutor.folder, (tutor, _stamp(tutor.folder / LOCAL_FILE)), lambda: validator_of(tutor, self.library.plugins)
        )

    def adapter(self, tutor: Tutor, run_id: str | None = None) -> Adapter:
        """The adapter of the run in force (or of ``run_id``), its files verified when it was not in force before.

        Raises NotFoundError when the tutor has not been trained."""
        run = store.chosen_run(tutor.folder, run_id)
        if run is None:
            raise NotFoundError(f"tutor '{tutor.name}' has not been trained yet", hint=f'hub.train("{tutor.name}")')
        manifest: RunManifest | None = run.manifest
        return self._keep("adapter", run.folder, manifest, lambda: store.adapter_of(tutor.name, run))

    def seat(self, room: ChatRoom, tutor: Tutor, adapter: Adapter | None, sampling: Mapping[str, Any]) -> Seat:
        """The tutor ready to answer; ``sampling`` overrules its ``[chat]``. Raises UsageError when hub.toml names another base by now."""
        if tutor.base != room.base:
            message = f"the base is '{tutor.base.model}' now, '{room.base.model}' is in memory"
            if tutor.base.model == room.base.model:
                message = f"the settings of the base '{tutor.base.model}' have changed since it was opened"
            raise UsageError(message, hint="close the workspace, then open_workspace() again")
        seat = room.seat(tutor, adapter, validator=self.validator(tutor))
        return replace(seat, sampling=replace(seat.sampling, **sampling)) if sampling else seat

    def _keep(self, what: str, folder: Path, made_for: Any, make: Callable[[], Thing]) -> Thing:
        with self._keeping:
            kept = self._kept.get((what, folder))
            if kept is None or kept.made_for != made_for:
                kept = self._kept[what, folder] = _Kept(made_for, make())
            thing: Thing = kept.thing
            return thing


def check_sampling(sampling: Mapping[str, Any]) -> Mapping[str, Any]:
    """``sampling`` without what is None; raises UsageError for a name that there is not, and for a value that ``[chat]`` would refuse."""
    for name, value in sampling.items():
        if name not in SAMPLING:
            guess = nearest(name, SAMPLING)
            raise UsageError(f"no such option: {name}", hint=f"did you mean {guess}?" if guess else f"there is: {', '.join(SAMPLING)}")
        if value is not None:
            _check_number(name, value)
    return {name: value for name, value in sampling.items() if value is not None}


def _check_number(name: str, value: Any) -> None:
    low, high = LIMITS[name]
    wanted = "a whole number" if name in WHOLE else "a number"
    if isinstance(value, bool) or not isinstance(value, Integral if name in WHOLE else Real):
        raise UsageError(f"{name} must be {wanted}, not {value!r}")
    if not (low <= value and (high is None or value <= high)):  # no comparison holds for NaN
        raise UsageError(f"{name} must be {wanted} {f'from {low} on' if high is None else f'from {low} to {high}'}, not {value!r}")


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes when the file does."""
    try:
        found = file.stat()
    except OSError:  # none there, or not to be had: whoever reads it says why
        return None
    return found.st_mtime_ns, found.st_size
