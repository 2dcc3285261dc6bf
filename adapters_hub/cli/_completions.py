"""Kinds of arguments that the shell completes beyond a tutor's name: its runs, kept conversations, the first word of a question.

What completes answers within a keystroke: it lists folders and reads no more than names. Whoever cannot be asked stays silent.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from adapters_hub.cli._house import TutorName, workspace_of
from adapters_hub.errors import HubError
from adapters_hub.workspace import read_state, tutor_names

AUTO = "auto"
"""As in the router, which takes longer to import."""
PLAIN = re.compile(r"[\w.-]+")
"""A word that no shell takes apart: a folder that somebody renamed otherwise is not offered."""
MOST = 50
"""Ids that are offered at once: the newest."""


class TutorRun(TutorName):
    """``NAME`` or ``NAME@RUN``; completes names, and after the @ the runs of that tutor."""

    name = "tutor"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """As for a name until an @ was typed, then its runs and ``newest``."""
        from click.shell_completion import CompletionItem

        name, at, begun = incomplete.partition("@")
        if not at:
            return super().shell_complete(ctx, param, incomplete)
        known = [item.value for item in super().shell_complete(ctx, param, name)]
        ids = ["newest", *_runs(ctx, name)] if name in known else []
        return [CompletionItem(f"{name}@{run}") for run in ids if run.startswith(begun)]


class TutorOrAuto(TutorName):
    """A tutor's name or folder, or ``auto``: each question finds its own."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """As for a name, and ``auto``."""
        from click.shell_completion import CompletionItem

        auto = [CompletionItem(AUTO)] if AUTO.startswith(incomplete) else []
        return [*super().shell_complete(ctx, param, incomplete), *auto]


class RunId(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The id of a run of the tutor that is named before it, or of the default one."""

    name = "run"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Whole runs, the newest first."""
        from click.shell_completion import CompletionItem

        words = [ctx.params.get("name"), ctx.params.get("tutor"), *ctx.args]  # click keeps arguments apart while an option lacks its value
        named = next((word for word in words if isinstance(word, str) and not word.startswith("-")), "")
        return [CompletionItem(run) for run in _runs(ctx, named) if run.startswith(incomplete)]


class ConversationId(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The id of a kept conversation."""

    name = "conversation"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The latest ones; their first question is shown where the shell shows help."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(key, help=about) for key, about in _conversations() if key.startswith(incomplete.lower())]


TUTOR_RUN, TUTOR_OR_AUTO, RUN, CONVERSATION = TutorRun(), TutorOrAuto(), RunId(), ConversationId()


def first_word_is_a_tutor(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """For ``[NAME] QUESTION``: the first word may be a tutor, the others are free text."""
    return [] if ctx.params.get(str(param.name)) else TUTOR_OR_AUTO.shell_complete(ctx, param, incomplete)


def _runs(ctx: click.Context, name: str) -> list[str]:
    """Ids of the whole runs of that tutor (empty: of the default one), newest first; whether they can be used is not looked into."""
    try:
        workspace = workspace_of(ctx)
        folder = Path(os.path.expanduser(name)) if "/" in name else workspace.folder / (name or _default(ctx))
        found = [entry.name for entry in (folder / "runs").iterdir() if PLAIN.fullmatch(entry.name) and (entry / "manifest.json").is_file()]
    except (HubError, OSError):  # a completion has nobody to tell
        return []
    return sorted(found, reverse=True)[:MOST]


def _default(ctx: click.Context) -> str:
    workspace = workspace_of(ctx)
    names = tutor_names(workspace)
    return read_state(workspace.folder).tutor or (names[0] if len(names) == 1 else "")


def _conversations() -> list[tuple[str, str]]:
    """Id and first question of the latest conversations, read without touching the log."""
    import sqlite3
    from contextlib import closing

    from adapters_hub.conversations import log_path

    first = "SELECT substr(content, 1, 40) FROM turns WHERE conversation = conversations.number ORDER BY position LIMIT 1"
    asked = f"SELECT id, coalesce(({first}), '') FROM conversations ORDER BY changed DESC LIMIT ?"
    try:
        address = f"{log_path().resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as log:
            return [(str(key), " ".join(str(about).split())) for key, about in log.execute(asked, (MOST,))]
    except (sqlite3.Error, OSError, ValueError):  # no log yet, or one in use
        return []
