"""What README and CHANGELOG say about commands, options, exit codes and settings is what the program does."""

from __future__ import annotations

import importlib.util
import re
import runpy
from pathlib import Path

import click
import pytest
from conftest import REPOSITORY, load_test_plugins

from adapters_hub import errors
from adapters_hub.cli import make_cli
from adapters_hub.cli._frame import VERBS

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"\bhub ([a-z]+)((?: +(?:\"[^\"]*\"|[^\s`|,;:()]+))*)")


@pytest.fixture
def cli() -> click.Group:
    return make_cli(load_test_plugins())


def code_pieces(text: str) -> list[str]:
    """Code blocks line by line, and everything between backticks."""
    lines = [line for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def named_commands(text: str) -> list[tuple[str, list[str]]]:
    """Verb and options of each ``hub ...`` in code."""
    found = []
    for piece in code_pieces(text):
        for verb, rest in COMMAND.findall(piece):
            found.append((verb, re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)))
    return found


@pytest.mark.parametrize(("name", "text"), [("README", README), ("CHANGELOG", CHANGELOG)])
def test_every_command_and_option_that_is_named_exists(cli: click.Group, name: str, text: str) -> None:
    context = click.Context(cli)
    commands = named_commands(text)
    assert len(commands) >= 5, "no commands found: the pattern reads nothing"
    for verb, options in commands:
        command = cli.get_command(context, verb)
        assert command is not None, f"{name} names 'hub {verb}'"
        parts = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
        parameters = [parameter for part in parts for parameter in part.get_params(context)]
        known = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(options) <= known, f"{name}: hub {verb} {options}"


def test_the_readme_lists_every_command_in_the_order_of_the_help(cli: click.Group) -> None:
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `hub ([a-z]+)", table, re.MULTILINE)
    assert rows == [verb for verb in cli.list_commands(click.Context(cli)) if verb in VERBS]


def test_every_global_option_stands_in_the_readme(cli: click.Group) -> None:
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    everywhere = table.partition("Everywhere:")[2]
    for option in cli.params:
        if option.name not in ("version", "verbose"):
            assert any(f"`{name}" in everywhere for name in option.opts), option.opts


def test_the_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    table = README.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    raised = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HubError)}
    assert documented == raised | {0}


def test_the_help_line_of_each_verb_is_its_own(cli: click.Group) -> None:
    context = click.Context(cli)
    for verb, line in VERBS.items():
        command = cli.get_command(context, verb)
        assert command is not None, f"cli/{verb}.py is missing"
        assert command.get_short_help_str(100) == line, verb


def test_every_variable_of_the_readme_is_read_somewhere() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "adapters_hub").rglob("*.py"))
    table = README.partition("| variable |")[2].partition("\n\n")[0]
    variables = re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE)
    assert len(variables) >= 5
    for variable in variables:
        assert variable in sources


def test_the_settings_page_is_up_to_date() -> None:
    page = runpy.run_path(str(REPOSITORY / "tools" / "settings_page.py"))["page"]()
    assert (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8") == page, "run: make docs"


def test_the_plugin_of_the_readme_works(tmp_path: Path) -> None:
    code = next(block for block in re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL) if "hookimpl" in block)
    file = tmp_path / "hub_example.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("hub_example", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    from adapters_hub.plugins import PluginInfo, Plugins
    from adapters_hub.types import Attempt

    plugins = Plugins()
    plugins.add(PluginInfo("hub-example", "installed"), lambda: module)
    assert plugins.validator("short").judge(Attempt((), "breve")).outcome == "correct"
