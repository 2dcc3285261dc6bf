"""What every verb gets as ``ctx.obj``: the workspace, the plugins, the global options, and the ways to print.

Knows no verb. Results go to stdout (one JSON document with ``--json``); progress, notes and warnings go to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, TypeVar

import click

from adapters_hub.errors import HubError, NotFoundError, printable
from adapters_hub.library import Library
from adapters_hub.plugins import Plugins
from adapters_hub.workspace import Workspace, find_workspace, tutor_names

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Command = TypeVar("Command", bound=click.Command)


class House(Library):
    """One call of ``hub``: the library of tutors, and somebody to talk to.

    Global options may still arrive after the verb, so verbs read them when they run."""

    def __init__(self, plugins: Plugins, environ: Mapping[str, str] = os.environ) -> None:
        """Nothing is read from disk before it is asked for."""
        super().__init__(plugins, environ)
        self.json = self.quiet = self.verbose = self.debug = False
        self.color = not environ.get("NO_COLOR")
        self.assume_yes = environ.get("HUB_YES", "") not in ("", "0")
        plugins.ask = self.confirm

    def no_workspace(self, named: str) -> NotFoundError:
        """As the option is called here."""
        error = super().no_workspace(named)
        return NotFoundError(f"--workspace {error.message}", hint=error.hint)

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
            return [CompletionItem(name) for name in tutor_names(workspace_of(ctx)) if name.startswith(incomplete)]
        except HubError:  # a completion has nobody to tell
            return []


def workspace_of(ctx: click.Context) -> Workspace:
    """The workspace of the command line that is being completed; raises NotFoundError."""
    house = ctx.find_object(House)
    return house.workspace if house is not None else find_workspace()


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
