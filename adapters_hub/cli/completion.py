"""``hub completion SHELL``: the script that makes the shell complete commands, options and tutor names."""

from __future__ import annotations

from gettext import gettext as _

import click

from adapters_hub.cli._house import House, pass_house


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, shell: str) -> None:
    """Print the shell completion script.

    For bash: hub completion bash >> ~/.bashrc; for zsh: ~/.zshrc; for fish: ~/.config/fish/completions/hub.fish.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click completes bash, zsh and fish"
    script = kind(ctx.find_root().command, {}, "hub", "_HUB_COMPLETE").source()
    house.emit({"schema": 1, "shell": shell, "script": script})
    house.show(script)
    house.note(_("hint: append this to your shell's start-up file, then open a new terminal"))
