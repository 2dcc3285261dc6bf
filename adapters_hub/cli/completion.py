"""``hub completion SHELL``: the script that makes the shell complete commands, options, tutors, runs and bases."""

from __future__ import annotations

from gettext import gettext as _

import click

from adapters_hub.cli._house import House, pass_house

FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/hub.fish"}

BASH = r"""
_hub_completion() {
    # bash breaks words at @, : and = too: count the words ourselves, and give back only what follows the last such character;
    # the @ itself belongs to what bash replaces
    local line="${COMP_LINE:0:COMP_POINT}" typed="" kept="" sign type value response
    local -a parts
    IFS=$' \t\n' read -r -a parts <<< "$line"
    local count=${#parts[@]}
    if [[ "$line" != *[[:space:]] ]]; then
        count=$((count - 1))
        typed="${parts[count]}"
    fi
    for sign in : = @; do
        if [[ "$COMP_WORDBREAKS" == *"$sign"* && "${typed#"$kept"}" == *"$sign"* ]]; then
            kept="${typed%"${typed##*"$sign"}"}"
            [[ "$sign" != @ ]] || kept="${kept%@}"
        fi
    done
    response=$(env COMP_WORDS="$line" COMP_CWORD="$count" _HUB_COMPLETE=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS=, read -r type value; do
        case "$type" in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain) COMPREPLY+=("${value#"$kept"}") ;;
        esac
    done <<< "$response"
    return 0
}
complete -o nosort -F _hub_completion hub 2>/dev/null || complete -F _hub_completion hub
"""
"""Speaks click's protocol, ``type,value`` a line. Bash before 4.4, as on macOS, sorts what is offered and offers no files."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, shell: str) -> None:
    """Print the shell completion script.

    For bash: hub completion bash >> ~/.bashrc; for zsh: ~/.zshrc; for fish: ~/.config/fish/completions/hub.fish.
    It completes commands, options, tutors, their runs (hub switch NAME@...), bases (hub base use ...) and kept conversations.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click completes bash, zsh and fish"
    script = BASH.strip() if shell == "bash" else kind(ctx.find_root().command, {}, "hub", "_HUB_COMPLETE").source()
    house.emit({"schema": 1, "shell": shell, "file": FILES[shell], "script": script})
    house.show(script)
    house.note(_("hint: hub completion {shell} >> {file}, then open a new terminal").format(shell=shell, file=FILES[shell]))
