"""What every verb gets as ``ctx.obj``: the workspace, the plugins, the global options, and the ways to print.

Knows no verb. Results go to stdout (one JSON document with ``--json``); progress, notes and warnings go to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from adapters_hub.errors import HubError, NotFoundError, UsageError, printable
from adapters_hub.plugins import Plugins
from adapters_hub.types import BaseModel, Tutor
from adapters_hub.workspace import State, Workspace, find_tutor, find_workspace, read_state, tutor_names, workspace_in

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Command = TypeVar("Command", bound=click.Command)


class House:
    """One call of ``hub``. Global options may still arrive after the verb, so verbs read them when they run."""

    def __init__(self, plugins: Plugins, environ: Mapping[str, str] = os.environ) -> None:
        """Nothing is read from disk before it is asked for."""
        self.environ = environ
        self.json = self.quiet = self.verbose = self.debug = False
        self.color = not environ.get("NO_COLOR")
        self.assume_yes = environ.get("HUB_YES", "") not in ("", "0")
        self.workspace_option: str | None = None
        self.plugins = plugins
        plugins.ask = self.confirm
        self._workspace: Workspace | None = None

    # --- tutors ----------------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        """The workspace of ``--workspace``, ``HUB_WORKSPACE`` or the current folder; raises NotFoundError."""
        if self._workspace is None:
            environ = {"HUB_WORKSPACE": self.workspace_option} if self.workspace_option else self.environ
            try:
                self._workspace = find_workspace(environ=environ)
            except NotFoundError as error:
                if self.workspace_option:
                    message = f"--workspace {self.workspace_option}: no hub.toml and no tutors/hub.toml there"
                    raise NotFoundError(message, hint="name the folder that holds hub.toml or tutors/hub.toml") from error
                raise
            self._enter(self._workspace)
        return self._workspace

    def _enter(self, workspace: Workspace) -> None:
        """Work in ``workspace`` from now on: its tutors are the user's own."""
        self._workspace = workspace
        self.plugins.own_folder = workspace.folder
        if problem := self.state.problem:
            self.warn(problem)

    @property
    def state(self) -> State:
        """What ``hub switch`` chose in this workspace."""
        return read_state(self.workspace.folder)

    def load_tutor(self, name: str | None = None, options: Mapping[str, Any] | None = None) -> Tutor:
        """The tutor of that name or folder, or the default one of the workspace for None.

        ``options`` maps ``section.key`` to the values of command-line options; None values are left out."""
        from adapters_hub.tutors import read_tutor  # not needed by `hub --help`, which counts milliseconds

        folder = self.find_tutor(name)
        return read_tutor(folder, self.home_of(folder), environ=self.environ, options=options)

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
        """``load_tutor`` with the tutor's own ``validator.py`` registered within the block."""
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

    # --- printing --------------------------------------------------------------------------------

    def show(self, text: str = "") -> None:
        """A line of the result, to stdout; nothing with ``--json``."""
        if not self.json:
            click.echo(printable(text), color=self.color and None)

    def emit(self, document: Any) -> None:
        """The result as one JSON document (one line of NDJSON for streams), to stdout; nothing without ``--json``."""
        if self.json:
            click.echo(json.dumps(document, ensure_ascii=False, default=_plain))

    def note(self, text: str) -> None:
        """Progress or a hint, to stderr; nothing with ``--quiet``."""
        if not self.quiet:
            click.echo(printable(text), err=True, color=self.color and None)

    def warn(self, text: str) -> None:
        """One warning line, to stderr."""
        click.echo(_("warning: {text}").format(text=printable(text)), err=True)

    def console(self, *, stderr: bool = False) -> Console:
        """A rich console on stdout or stderr; plain where that is no terminal or colour is unwanted."""
        from rich.console import Console

        return Console(stderr=stderr, no_color=not self.color, highlight=False, soft_wrap=False)

    def show_table(self, table: Table) -> None:
        """A rich table, to stdout; where that is no terminal, without the blanks that fill its columns."""
        console = self.console()
        if console.is_terminal:
            console.print(table)
            return
        with console.capture() as captured:
            console.print(table)
        for line in captured.get().splitlines():
            console.print(line.rstrip(), markup=False, soft_wrap=True)

    def confirm(self, question: str) -> bool:
        """Yes with ``--yes``; no where nobody can answer; else ask."""
        if self.assume_yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        return click.confirm(question, default=False, err=True)


def _plain(value: Any) -> Any:
    """Dataclasses as objects, anything else JSON does not know as text."""
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


pass_house: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(House)
"""Hands the House to a verb as its first argument."""


# --- arguments -----------------------------------------------------------------------------------


class TutorName(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A tutor's name or folder; completes names in the shell."""

    name = "tutor"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Names that begin with what was typed; folders when it looks like a path."""
        from click.shell_completion import CompletionItem

        if "/" in incomplete or incomplete.startswith("."):
            return [CompletionItem(incomplete, type="dir")]
        try:
            workspace = find_workspace()
            return [CompletionItem(name) for name in tutor_names(workspace) if name.startswith(incomplete)]
        except HubError:  # a completion has nobody to tell
            return []


TUTOR = TutorName()


# --- global options ------------------------------------------------------------------------------


def global_options() -> list[click.Option]:
    """The options that every verb takes too, so that they may stand before or after it."""
    return [
        _flag("json", ["--json"], _("Print one JSON document.")),
        _flag("quiet", ["-q", "--quiet"], _("Print no progress and no hints.")),
        _flag("verbose", ["-v", "--verbose"], _("Print more.")),
        _flag("debug", ["--debug"], _("Show the traceback of an error.")),
        _flag("no_color", ["--no-color"], _("Print without colours.")),
        _flag("assume_yes", ["-y", "--yes"], _("Answer yes to every question.")),
        click.Option(["--workspace"], metavar="DIR", expose_value=False, callback=_keep_workspace, help=_("Use the tutors in DIR.")),
    ]


def with_global_options(command: Command) -> Command:
    """Add the global options that ``command`` does not define itself; all but ``--json`` stay out of its help."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for option in global_options():
        free = [name for name in option.opts if name not in taken]
        if len(free) < len(option.opts) and not any(name.startswith("--") for name in free):
            continue
        option.opts = free
        option.hidden = option.name != "json"
        command.params.append(option)
    return command


def _flag(name: str, declarations: list[str], help: str) -> click.Option:
    return click.Option([*declarations, name], is_flag=True, expose_value=False, callback=_keep_flag, help=help)


def _keep_flag(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    house = ctx.find_object(House)
    if house is None or not value:
        return
    if param.name == "no_color":
        house.color = False
    else:
        setattr(house, str(param.name), True)


def _keep_workspace(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    house = ctx.find_object(House)
    if house is not None and value:
        house.workspace_option = value
