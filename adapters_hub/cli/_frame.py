"""The ``hub`` command: its verbs loaded when needed, and the one place where errors become text and exit codes.

Knows the verbs only as files beside it. It is no part of ``cli/__init__`` because the verb ``list`` would hide the built-in there.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path
from typing import Any, NoReturn

import click

from adapters_hub import __version__
from adapters_hub.cli._house import House, global_options, with_global_options
from adapters_hub.errors import HubError, Interrupted, ResourceError, UsageError, from_os_error, tellable
from adapters_hub.plugins import Plugins, load_plugins
from adapters_hub.workspace import nearest

PACKAGE = "adapters_hub.cli"
VERBS = {
    "new": "Make a new tutor folder.",
    "check": "Check a tutor's dataset and settings.",
    "stats": "Show what a tutor's dataset is made of.",
    "train": "Train tutors: one, or several together over the same base.",
    "eval": "Ask base and adapter the held-out questions and compare them.",
    "judge": "Judge answers with a tutor's validators; no model is loaded.",
    "ask": "Ask a tutor one question; without NAME the default tutor answers.",
    "chat": "Talk with a tutor; without NAME with the default one.",
    "quiz": "Answer a tutor's questions; its validator keeps the score.",
    "route": "Say which tutor a question is for.",
    "publish": "Publish a tutor's adapter on the Hugging Face Hub (alias: push).",
    "export": "Write a tutor's adapter as other programs want it.",
    "pull": "Fetch a published tutor from the Hugging Face Hub.",
    "search": "Search the Hugging Face Hub for published tutors.",
    "import": "Make a tutor of an adapter on this machine.",
    "list": "List the tutors.",
    "show": "Show a tutor and its runs.",
    "switch": "Choose the default tutor, or one of its runs.",
    "rm": "Delete a tutor of this workspace, or one of its runs.",
    "logs": "Show, search and remove kept conversations.",
    "base": "Show, list or change the base that all tutors share.",
    "config": "Show settings and where they come from.",
    "plugins": "List the plugins.",
    "doctor": "Check this machine, the workspace and the plugins.",
    "completion": "Print the shell completion script.",
}
"""Verb -> its one-line help, in the order of ``hub --help``, so that the list needs no import of any verb."""
ALIASES = {"push": "publish"}
"""Another name -> verb; what the help lists is the verb."""


def main() -> NoReturn:
    """The console script ``hub``."""
    _open_streams()
    make_cli(load_plugins()).main(prog_name="hub")
    sys.exit(0)


def _open_streams() -> None:
    """A closed stream swallows what is written and has nothing to read; a character that a terminal cannot show becomes "?"."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open until the process ends
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def make_cli(plugins: Plugins) -> click.Group:
    """The whole command line over these plugins."""
    cli = HubGroup(
        name="hub",
        help=_("One quantized language model, many tutors."),
        params=[*global_options(), _version_option()],
        callback=_welcome,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    cli.plugins = plugins
    plugins.register_commands(cli)
    return cli


def _version_option() -> click.Option:
    def print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"hub {__version__}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=print_version, help=_("Print the version.")
    )


@click.pass_context
def _welcome(ctx: click.Context) -> None:
    """Warn about broken plugins; without a verb, print the help."""
    house = ctx.ensure_object(House)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        return
    for info in house.plugins.describe():
        if info.problem and not info.problem.startswith("blocked") and ctx.invoked_subcommand != "plugins":
            house.warn(_("plugin '{name}' is left out: {problem}").format(name=info.name, problem=info.problem))


class HubGroup(click.Group):
    """A group whose verbs are files, imported one at a time, and whose ``main`` is the error funnel."""

    plugins: Plugins

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order of ``VERBS``, then other files, then the commands of plugins."""
        files = _verb_files()
        listed = [verb for verb in VERBS if verb in files]
        return [*listed, *sorted(files - set(listed)), *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's file, or take the plugin's command."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        if cmd_name not in _verb_files():
            return None
        command: click.Command = importlib.import_module(f"{PACKAGE}.{cmd_name}").command
        return with_global_options(command)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, but an unknown verb names the nearest one."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            guess = nearest(name, self.list_commands(ctx))
            hint = _("did you mean 'hub {verb}'?").format(verb=guess) if guess else _("hub --help lists the commands")
            raise UsageError(_("no such command: {name}").format(name=name), hint=hint)
        return super().resolve_command(ctx, args)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """For plugins; refuses the name of a verb or of another plugin's command."""
        called = name or cmd.name or ""
        if called in _verb_files() or called in ALIASES or called in self.commands:
            raise HubError(f"its command '{called}' has the name of one that exists already")
        super().add_command(with_global_options(cmd), name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """As in click, but with the help of ``VERBS``: importing every verb would make the shell wait."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        visible = [name for name in names if name not in self.commands or not self.commands[name].hidden]
        items = [CompletionItem(name, help=_(VERBS[name]) if name in VERBS else None) for name in visible]
        return [*items, *super(click.Group, self).shell_complete(ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from ``VERBS`` where possible."""
        rows = []
        for verb in self.list_commands(ctx):
            if verb in VERBS and verb not in self.commands:
                rows.append((verb, _(VERBS[verb])))
            elif (command := self.get_command(ctx, verb)) is not None and not command.hidden:
                rows.append((verb, command.get_short_help_str(70)))
        with formatter.section(_("Commands")):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """As in click, but whoever reads our output may leave early: that ends the command in silence."""
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
            return outcome
        except BrokenPipeError as error:
            if _reader_has_left():
                raise click.exceptions.Exit(0) from error
            raise HubError(_("the other side closed a connection")) from error  # else click ends without a word

    # --- the error funnel ------------------------------------------------------------------------

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, print what went wrong, exit with the documented code."""
        if not extra.pop("standalone_mode", True):
            return super().main(args, prog_name, standalone_mode=False, **extra)
        words = list(sys.argv[1:] if args is None else args)
        house = extra.setdefault("obj", House(self.plugins))
        options = words[: words.index("--")] if "--" in words else words
        try:
            outcome = super().main(words, prog_name, standalone_mode=False, **extra)
        except (Exception, KeyboardInterrupt) as error:  # the one place where any fault becomes a line and an exit code
            house.json, house.debug = "--json" in options, "--debug" in options  # also when the words could not be parsed
            sys.exit(_report(house, error))
        sys.exit(outcome if isinstance(outcome, int) else 0)


def _report(house: House, cause: BaseException) -> int:
    """Print what went wrong; returns the exit code."""
    error = _for_people(cause)
    if house.debug:
        import traceback

        click.echo(tellable("".join(traceback.format_exception(type(cause), cause, cause.__traceback__))), err=True, nl=False)
    if house.json:
        document = {"code": error.code, "message": error.message, "hint": error.hint, "details": list(error.details)}
        house.emit({"error": document})
        return error.exit_code
    click.echo(_("error: {message}").format(message=error.message), err=True)
    for detail in error.details:
        click.echo(f"  {detail}", err=True)
    if error.hint:
        click.echo(_("hint: {hint}").format(hint=error.hint), err=True)
    return error.exit_code


def _for_people(error: BaseException) -> HubError:
    """Any fault as one of ours."""
    if isinstance(error, HubError):
        return error
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return Interrupted(_("interrupted"))
    if isinstance(error, click.UsageError):
        return _usage_error(error)
    if isinstance(error, click.ClickException):
        return HubError(error.format_message())
    return _unexpected(error)


def _reader_has_left() -> bool:
    """Whether stdout is a pipe that nobody reads; it then leads nowhere, so that Python's own last flush is silent too."""
    import select

    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # no real file, as in tests
        return False
    if hasattr(select, "poll"):  # not on Windows
        poll = select.poll()
        poll.register(output, select.POLLOUT)
        if not any(event & select.POLLERR for _, event in poll.poll(0)):
            return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


def _usage_error(error: click.UsageError) -> UsageError:
    """Click's own complaint in our shape."""
    verb = error.ctx.command_path if error.ctx is not None else "hub"
    hint = _("{verb} --help shows how").format(verb=verb)
    if isinstance(error, click.NoSuchOption):
        message = _("no such option: {name}").format(name=error.option_name)
        guess = nearest(error.option_name, error.possibilities or ())
        if guess:
            hint = _("did you mean {name}?").format(name=guess)
        return UsageError(message, hint=hint)
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _unexpected(error: BaseException) -> HubError:
    """What an exception that nobody foresaw means to a person."""
    name, text = type(error).__name__, (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, OSError):
        return from_os_error(error, _("use {file}").format(file=error.filename) if error.filename else _("go on"))
    if name == "OperationalError" and "full" in text:
        return ResourceError(text, hint=_("free some disk space, then repeat the command"))
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return ResourceError(_("out of memory: {text}").format(text=text), hint=_("close other programs, or use a smaller max_tokens"))
    return HubError(
        _("unexpected {name}: {text}").format(name=name, text=text), hint=_("this is a bug: run with --debug for the traceback")
    )


def _verb_files() -> set[str]:
    return {file.stem for file in Path(__file__).parent.glob("[!_]*.py")}
