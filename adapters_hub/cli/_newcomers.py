"""What ``pull`` and ``import`` share: their options, a workspace to put a tutor into, and what is said at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from gettext import gettext as _
from pathlib import Path
from typing import Any, TypeVar

import click

from adapters_hub.cli._house import House
from adapters_hub.errors import HubError, NotFoundError, UsageError, from_os_error
from adapters_hub.newcomers import Wishes
from adapters_hub.scaffolding import make_workspace
from adapters_hub.tutor_file import LARGEST
from adapters_hub.workspace import Workspace, shown

Function = TypeVar("Function", bound=Callable[..., Any])


def newcomer_options(function: Function) -> Function:
    """The options by which somebody says what a plain adapter does not."""
    for option in (
        click.option("--plain", is_flag=True, help=_("Ignore its tutor.json: take it as a plain adapter.")),
        click.option("--any-base", is_flag=True, help=_("Keep it although it was made for another base.")),
        click.option("--validator", "validators", multiple=True, metavar="NAME", help=_("Who judges its answers; may be repeated.")),
        click.option("--system", metavar="FILE|TEXT", help=_("Its system prompt, instead of the one that comes along.")),
        click.option("--as", "name", default="", metavar="NAME", help=_("What it is called here.")),
    ):
        function = option(function)
    return function


def wishes_of(name: str, system: str | None, validators: Sequence[str], any_base: bool, plain: bool) -> Wishes:
    """The options as data; ``system`` may name a file."""
    return Wishes(name, _prompt(system), tuple(validators), any_base, plain)


def _prompt(text: str | None) -> str | None:
    if not text or "\n" in text or len(text) > 255 or not os.path.isfile(text):
        if text is not None and "\n" not in text and " " not in text and text.endswith((".md", ".txt")):
            raise NotFoundError(_("{file} does not exist").format(file=text), hint=_("--system names a file, or is the prompt itself"))
        return text
    try:
        content = Path(text).read_bytes()
        if len(content) > LARGEST:
            raise UsageError(_("{file} is too long for a system prompt").format(file=text))
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(_("{file} is not UTF-8 text (byte {byte})").format(file=text, byte=error.start)) from error
    except OSError as error:
        raise from_os_error(error, f"read {text}") from error


@contextmanager
def workspace_for(house: House) -> Iterator[Workspace]:
    """The workspace; where there is none, one is started in the current folder, and is gone again when the block fails."""
    started, had_folder = None, (Path.cwd() / "tutors").is_dir()
    try:
        workspace = house.workspace
    except NotFoundError:
        if house.workspace_option or house.environ.get("HUB_WORKSPACE"):
            raise
        started = make_workspace(Path.cwd())
        workspace = house.workspace
    try:
        yield workspace
    except BaseException:
        if started is not None:
            _take_back(started, keep_folder=had_folder)
        raise
    if started is not None:
        house.note(_("started a workspace: {file}").format(file=shown(started.settings_file)))


def _take_back(started: Workspace, *, keep_folder: bool) -> None:
    with suppress(OSError):
        if set(started.folder.iterdir()) > {started.settings_file}:  # somebody else is at work here too
            return
        started.settings_file.unlink()
        if not keep_folder:
            started.folder.rmdir()


def tell(house: House, tutor: str, folder: Path, run: str, validators: Sequence[str], notes: Sequence[str]) -> None:
    """What is worth knowing of a tutor that has just moved in, and what to type next."""
    for text in notes:
        house.warn(text)
    house.show(f"{shown(folder)} · {_('run')} {run}")
    if not validators:
        house.note(_("nobody judges its answers: [validator] use in {file}").format(file=shown(folder / "tutor.toml")))
    house.note(_("next: hub chat {name}").format(name=tutor))


def require(done: Any) -> Any:
    """The outcome that the last event of a job must have been."""
    if done is None:
        raise HubError(_("it ended without a result"))
    return done
