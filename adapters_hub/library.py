"""The library: the tutors of one workspace, found by name and opened together with what they need.

The command line and the Python API both stand on it. Knows nothing of engines, of what is done with an open tutor, and of terminals:
whoever has somebody to warn or to ask says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.plugins import Plugins
from adapters_hub.types import BaseModel, Tutor
from adapters_hub.workspace import State, Workspace, find_tutor, find_workspace, read_state, tutor_names, workspace_in

WANTED = "name the folder that holds hub.toml or tutors/hub.toml"


class Library:
    """The tutors of a workspace. Nothing is read from disk before it is asked for."""

    def __init__(self, plugins: Plugins, environ: Mapping[str, str] = os.environ) -> None:
        """``environ``: where ``HUB_WORKSPACE`` and the settings ``HUB_*`` are looked up."""
        self.environ = environ
        self.plugins = plugins
        self.workspace_option: str | None = None
        """The folder that was named, instead of ``HUB_WORKSPACE`` and the nearest one upward."""
        self._workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """The workspace of ``workspace_option``, ``HUB_WORKSPACE`` or the current folder; raises NotFoundError."""
        if self._workspace is None:
            environ = {"HUB_WORKSPACE": self.workspace_option} if self.workspace_option else self.environ
            try:
                self._workspace = find_workspace(environ=environ)
            except NotFoundError as error:
                if self.workspace_option:
                    raise self.no_workspace(self.workspace_option) from error
                raise
            self._enter(self._workspace)
        return self._workspace

    def no_workspace(self, named: str) -> NotFoundError:
        """What to say when the folder that was named is no workspace."""
        return NotFoundError(f"{named}: no hub.toml and no tutors/hub.toml there", hint=WANTED)

    def _enter(self, workspace: Workspace) -> None:
        """Work in ``workspace`` from now on: its tutors are the user's own."""
        self._workspace = workspace
        self.plugins.own_folder = workspace.folder
        if problem := self.state.problem:
            self.warn(problem)

    def warn(self, text: str) -> None:
        """Something worth a line that stops nobody; said to nobody unless somebody listens."""

    @property
    def state(self) -> State:
        """What ``hub switch`` chose in this workspace."""
        return read_state(self.workspace.folder)

    # --- tutors ----------------------------------------------------------------------------------

    def load_tutor(self, name: str | None = None, options: Mapping[str, Any] | None = None) -> Tutor:
        """The tutor of that name or folder, or the default one of the workspace for None.

        ``options`` maps ``section.key`` to values that overrule the files; None values are left out."""
        from adapters_hub.tutors import read_tutor  # not needed by `hub --help`, which counts milliseconds

        folder = self.find_tutor(name)
        return read_tutor(folder, self.home_of(folder), environ=self.environ, options=options)

    def load_tutors(self, names: Iterable[str | None], options: Mapping[str, Any] | None = None) -> list[Tutor]:
        """``load_tutor`` for each name; raises UsageError where there is none, or one twice."""
        tutors = [self.load_tutor(name, options) for name in names]
        if not tutors:
            raise UsageError("which tutor?")
        if len({tutor.name for tutor in tutors}) < len(tutors):
            raise UsageError("a tutor is named twice")
        return tutors

    def readable_tutors(self, options: Mapping[str, Any] | None = None) -> Sequence[Tutor]:
        """Every tutor of the workspace that can be read; the broken ones are left out."""
        found = []
        for name in tutor_names(self.workspace):
            try:
                found.append(self.load_tutor(name, options))
            except HubError:  # whoever opens that one is told
                continue
        return found

    def find_tutor(self, name: str | None = None) -> Path:
        """The folder of that tutor; raises NotFoundError with the nearest name, UsageError when None and nothing was chosen."""
        if name:
            return find_tutor(self._workspace_for(name), name)
        names = tutor_names(self.workspace)
        chosen = self.state.tutor
        if chosen in names:
            return self.workspace.folder / chosen
        if len(names) == 1:
            return self.workspace.folder / names[0]
        if chosen:
            raise NotFoundError(f"the default tutor '{chosen}' is gone", hint=f"hub switch NAME chooses another: {', '.join(names)}")
        if names:
            raise UsageError("which tutor?", hint=f"name one ({', '.join(names)}), or hub switch NAME makes one the default")
        raise UsageError("no tutor to use", hint="hub new NAME makes one")

    def load_base(self, options: Mapping[str, Any] | None = None) -> BaseModel:
        """The base of the workspace."""
        from adapters_hub.tutors import read_base

        return read_base(self.workspace, environ=self.environ, options=options)

    @contextmanager
    def open_tutor(self, name: str | None = None, options: Mapping[str, Any] | None = None) -> Iterator[Tutor]:
        """``load_tutor`` with the tutor's own ``validator.py`` registered within the block. One thread at a time."""
        tutor = self.load_tutor(name, options)
        with self.plugins.tutor_local(tutor):
            yield tutor

    def _workspace_for(self, name: str) -> Workspace:
        """A tutor folder elsewhere brings its own workspace, which is the one in use then, when there is none here."""
        try:
            return self.workspace
        except NotFoundError:
            folder = Path(os.path.expanduser(name))
            if self.workspace_option or not os.path.isdir(folder):
                raise
            self._enter(find_workspace(folder, environ={}))
            return self.workspace

    def home_of(self, folder: Path) -> Workspace:
        """The workspace whose base and defaults rule ``folder``: its own if it lies in one, else the current one."""
        parent = folder.parent
        own = workspace_in(parent) or workspace_in(parent.parent)
        return own if own is not None and own.folder == parent else self.workspace
