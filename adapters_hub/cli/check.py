"""``hub check NAME``: everything about a tutor's rows that can be known without loading a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters_hub.base_files import locate_base
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.checking import CheckReport, FileReport, Finding, Judged, Preview, check, judge_answers, preview
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.contracts import Validator
from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import Tutor

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 5
"""Warnings of one kind that are printed; --verbose prints all."""


@click.command("check")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--preview", "rows", type=click.IntRange(1), metavar="N", help=_("Show the first N rows as the model reads them."))
@click.option("--no-judge", is_flag=True, help=_("Leave out the validator's pass over the answers."))
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, name: str | None, rows: int | None, no_judge: bool) -> None:
    """Check a tutor's dataset and settings.

    Names every bad row, duplicates, leaks, language, token lengths; loads no model. Afterwards the tutor's
    validator judges the answers that the rows give themselves.
    Exit code 1 when something must be corrected; warnings alone are fine.
    """
    with house.open_tutor(name) as tutor:
        notes: list[str] = []
        chat = _chat_format(tutor, notes)
        report = check(tutor, chat, house.plugins.read_dataset)
        previews = preview(tutor, chat, report.examples, rows) if rows and chat is not None and _can_preview(report) else []
        validator = None if no_judge or not report.examples else _validator(house, tutor, notes)
        if not house.json:
            _print_report(house, report, previews)
        judged = _judge(house, tutor, report, validator) if validator is not None else []
    wrong = [verdict for verdict in judged if verdict.verdict.outcome == "incorrect"]
    passed = not report.errors and not wrong
    if house.json:
        house.emit(_document(report, previews, judged, notes, passed, was_judged=validator is not None))
    else:
        _print_verdict(house, tutor, report, judged, wrong, notes, was_judged=validator is not None)
    ctx.exit(0 if passed else 1)


# --- what is needed ------------------------------------------------------------------------------


def _chat_format(tutor: Tutor, notes: list[str]) -> ChatFormat | None:
    """The tokenizer of the tutor's base, or None with a note why not. Of a Hub model only the tokenizer is fetched."""
    template = Path(tutor.base.chat_template) if tutor.base.chat_template else None
    try:
        files = _tokenizer_files(tutor)
        if files is not None:
            return load_chat_format(files, template_file=template)
        notes.append(_("tokens were not counted: the tokenizer of a .gguf base is read only when it is loaded"))
    except HubError as error:
        notes.append(_("tokens were not counted: {reason}").format(reason=error.message))
    return None


def _tokenizer_files(tutor: Tutor) -> Path | None:
    """The folder with the tokenizer; None for a base that has it in its weight file. Raises HubError."""
    from adapters_hub.base_files import HUB_ID

    name = tutor.base.model
    if Path(name).expanduser().exists() or not HUB_ID.fullmatch(name):
        files = locate_base(tutor.base)
        return files.path if files.kind == "folder" else None
    from huggingface_hub import snapshot_download

    wanted = ["tokenizer*.json", "special_tokens_map.json", "chat_template.jinja", "config.json", "generation_config.json"]
    revision = tutor.base.revision or None
    for cached in (True, False):
        try:
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=cached))
        except Exception as error:  # whatever the Hub or the network says: the check goes on without tokens
            if not cached:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise HubError(_("the tokenizer of '{name}' is not on this machine: {reason}").format(name=name, reason=reason)) from error
            continue
        if (folder / "tokenizer.json").is_file():
            return folder
    raise NotFoundError(_("'{name}' ships no tokenizer.json").format(name=name))


def _validator(house: House, tutor: Tutor, notes: list[str]) -> Validator | None:
    try:
        return house.plugins.judge_of(tutor)
    except NotFoundError as error:
        notes.append(_("the answers were not judged: {reason}").format(reason=error.message))
        return None


def _judge(house: House, tutor: Tutor, report: CheckReport, validator: Validator) -> list[Judged]:
    """All verdicts, with a progress bar where there is a terminal."""
    console = house.console(stderr=True)
    total = sum(turn.role == "assistant" for example in report.examples for turn in example.messages)
    verdicts = judge_answers(tutor, report.examples, validator)
    if house.quiet or house.json or not console.is_terminal:
        return list(verdicts)
    from rich.progress import track

    return list(track(verdicts, description=_("judging the answers"), total=total, console=console, transient=True))


def _can_preview(report: CheckReport) -> bool:
    """The training rows could be read, and the template refuses none."""
    return any(file.use == "train" for file in report.files) and not any(finding.code == "template" for finding in report.errors)


# --- JSON ----------------------------------------------------------------------------------------


def _document(
    report: CheckReport, previews: Sequence[Preview], judged: Sequence[Judged], notes: Sequence[str], passed: bool, *, was_judged: bool
) -> Mapping[str, object]:
    answers = None
    if was_judged:
        wrong = [
            {"where": entry.where, "turn": entry.turn, **asdict(entry.verdict)} for entry in judged if entry.verdict.outcome == "incorrect"
        ]
        answers = {"outcomes": _outcomes(judged), "codes": dict(Counter(entry.verdict.code for entry in judged)), "incorrect": wrong}
    return {**report.document(), "passed": passed, "answers": answers, "preview": [asdict(row) for row in previews], "notes": list(notes)}


def _outcomes(judged: Sequence[Judged]) -> dict[str, int]:
    counted = Counter(entry.verdict.outcome for entry in judged)
    return {outcome: counted[outcome] for outcome in ("correct", "incorrect", "unverified")}


# --- for people ----------------------------------------------------------------------------------


def _print_report(house: House, report: CheckReport, previews: Sequence[Preview]) -> None:
    console = house.console()
    _print_findings(house, console, report.errors, _("error"), "red")
    for file in report.files:
        _print_file(console, file)
    if report.train_rows:
        line = _("{train:,} rows to learn from, {validation:,} kept aside for the held-out loss")
        console.print("  " + line.format(train=report.train_rows, validation=report.validation_rows), markup=False)
    _print_findings(house, console, report.warnings, _("warning"), "yellow")
    for row in previews:
        _print_preview(console, row)


def _print_findings(house: House, console: Console, findings: Sequence[Finding], title: str, color: str) -> None:
    """Errors all of them; of each kind of warning the first few."""
    from rich.text import Text

    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    for group in by_code.values():
        whole = house.verbose or group[0].level == "error" or len(group) <= SHOWN + 1
        for finding in group if whole else group[:SHOWN]:
            console.print(Text.assemble((f"{title}: ", color), (finding.where, "bold"), f": {_printable(finding.message)}"), soft_wrap=True)
        if not whole:
            more = _("... and {count:,} more of this kind (--verbose shows them)").format(count=len(group) - SHOWN)
            console.print(Text(f"{title}: {more}", color), soft_wrap=True)


def _print_file(console: Console, file: FileReport) -> None:
    """A title line and the figures, one line each."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text.assemble((file.path, "bold"), " · ", _("{rows:,} rows, {turns:,} turns").format(rows=file.rows, turns=file.turns)))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "  " + _("repeated"), _("{same:,} duplicates, {near:,} near-duplicates").format(same=file.duplicates, near=file.near_duplicates)
    )
    table.add_row(
        "  " + _("language"),
        ", ".join(f"{language or _('cannot tell')} {_share(count, file.rows)}" for language, count in file.languages.items()),
    )
    for title, spread in ((_("question"), file.question_words), (_("answer"), file.answer_words), (_("row"), file.tokens)):
        if spread is not None:
            unit = _("tokens") if spread is file.tokens else _("words")
            text = _("median {median:,}, 95 % up to {p95:,}, longest {high:,} {unit}").format(**asdict(spread), unit=unit)
            table.add_row("  " + title, text)
    if file.learned_tokens is not None and file.over_max_tokens is not None:
        text = _("{learned:,} tokens; {over:,} rows over max_tokens").format(learned=file.learned_tokens, over=file.over_max_tokens)
        if file.counted_rows < file.rows:
            text += _(" (estimated from {count:,} rows)").format(count=file.counted_rows)
        table.add_row("  " + _("learned"), text)
    if file.own_system:
        table.add_row("  " + _("system"), _("{count:,} rows bring their own system turn").format(count=file.own_system))
    if file.with_expected:
        table.add_row("  " + _("expected"), _("{count:,} rows say what a right answer must contain").format(count=file.with_expected))
    for title, counted in ((_("topics"), file.topics), (_("tags"), file.tags), (_("difficulty"), file.difficulty)):
        if counted:
            table.add_row("  " + title, Text(_listed(counted)))
    console.print(table)


def _listed(counted: Mapping[str, int], most: int = 12) -> str:
    shown = ", ".join(f"{_printable(word)} {count:,}" for word, count in list(counted.items())[:most])
    return shown + (_(", {count:,} more").format(count=len(counted) - most) if len(counted) > most else "")


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if count == total or count * 100 >= total else "<1%"


def _print_preview(console: Console, row: Preview) -> None:
    """The row's text, what is learned in green; without colours it stands between « and »."""
    from rich.text import Text

    text = Text()
    for piece in row.pieces:
        shown = _printable(piece.text)
        if piece.trained:
            text.append(shown if console.color_system and not console.no_color else f"«{shown}»", "green")
        else:
            text.append(shown, "dim")
    title = _("{where}: {tokens:,} tokens, {learned:,} of them learned (marked)").format(
        where=row.where, tokens=row.tokens, learned=row.learned
    )
    console.print(Text("\n" + title, "bold"), soft_wrap=True)
    console.print(text, soft_wrap=True)


def _printable(text: str) -> str:
    """Nothing in a dataset steers the terminal."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\ufffd", text)


def _print_verdict(
    house: House,
    tutor: Tutor,
    report: CheckReport,
    judged: Sequence[Judged],
    wrong: Sequence[Judged],
    notes: Sequence[str],
    *,
    was_judged: bool,
) -> None:
    """What the validator says, then one line that sums up, then what to type next."""
    from rich.text import Text

    console = house.console()
    if was_judged:
        by = ", ".join(tutor.validator.use)
        outcomes = _("{correct:,} correct, {incorrect:,} incorrect, {unverified:,} unverified").format(**_outcomes(judged))
        console.print(Text(_("answers judged by {by}: {outcomes}").format(by=by, outcomes=outcomes)), soft_wrap=True)
        crashed = sum(entry.verdict.code == "crash" for entry in judged)
        if crashed:
            house.warn(_("the validator failed on {count:,} answers").format(count=crashed))
        for entry in wrong:
            reason = f"{_printable(entry.verdict.reason)} [{entry.verdict.code}]"
            console.print(Text.assemble((_("error") + ": ", "red"), (entry.where, "bold"), f": {reason}"), soft_wrap=True)
    for note in notes:
        house.warn(note)
    errors = len(report.errors) + len(wrong)
    if errors:
        text = _("{name}: errors: {errors:,}, warnings: {warnings:,}").format(name=tutor.name, errors=errors, warnings=len(report.warnings))
        console.print(Text(text, "bold red"))
        house.note(_("next: correct the lines above, then hub check {name}").format(name=tutor.name))
        return
    text = _("{name}: ready to train, warnings: {warnings:,}").format(name=tutor.name, warnings=len(report.warnings))
    console.print(Text(text, "bold green"))
    house.note(_("next: hub train {name}").format(name=tutor.name))
