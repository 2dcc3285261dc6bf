"""``hub check NAME``: everything about a tutor's rows that can be known without loading a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from adapters_hub.checking import CheckReport, Preview, preview
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.dataset_statistics import FileReport, Finding
from adapters_hub.errors import Interrupted
from adapters_hub.inspection import Inspection, inspect_rows, judge_own_answers
from adapters_hub.own_answers import AnswersJudged, answer_count
from adapters_hub.types import Tutor

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 5
"""Warnings of one kind that are printed; --verbose prints all."""

LONGEST_WORD = 20
"""Characters of a topic or tag that are printed."""


@click.command("check")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--preview", "rows", type=click.IntRange(1), metavar="N", help=_("Show the first N rows as the model reads them."))
@click.option("--no-judge", is_flag=True, help=_("Leave out the validator's pass over the answers."))
@click.option("--unsafe-exec", is_flag=True, help=_("Run code in answers without a sandbox: only for rows that you trust."))
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, name: str | None, rows: int | None, no_judge: bool, unsafe_exec: bool) -> None:
    """Check a tutor's dataset and settings.

    Names every bad row, duplicates, leaks, language, token lengths; loads no model. Afterwards the tutor's
    validator judges the answers that the rows give themselves, and every wrong one is an error.
    Exit code 1 when something must be corrected; warnings alone are fine.
    """
    if unsafe_exec:
        house.warn(_("--unsafe-exec: code in answers runs with all rights of your user"))
    with house.open_tutor(name) as tutor:
        inspection = inspect_rows(tutor, house.plugins, unsafe_exec=unsafe_exec)
        report, chat = inspection.report, inspection.chat
        previews = preview(tutor, chat, report.examples, rows) if rows and chat is not None and _can_preview(report) else []
        if not house.json:
            _print_report(house, report, previews)
        judged = None if inspection.validator is None or no_judge else _judge(house, inspection)
    if judged is not None:
        report = replace(report, findings=(*report.findings, *judged.findings()))
    passed = not report.errors and (judged is None or judged.complete)
    if house.json:
        answers = judged.document() if judged is not None else None
        house.emit({**report.document(), "passed": passed, "answers": answers, "preview": previews, "notes": inspection.notes})
    else:
        if judged is not None:
            _print_judged(house, tutor, judged)
        _print_verdict(house, tutor, report, inspection.notes, stopped=judged is not None and not judged.complete)
    ctx.exit(Interrupted.exit_code if judged is not None and not judged.complete else 0 if passed else 1)


def _judge(house: House, inspection: Inspection) -> AnswersJudged | None:
    """All verdicts, with a progress bar where there is a terminal; after Ctrl-C those that there are. None where there are no answers."""
    judged = AnswersJudged(answer_count(inspection.report.examples), keep_unverified=house.verbose)
    if not judged.total:
        return None
    with _progress(house, judged.total) as show, closing(judge_own_answers(inspection)) as verdicts:  # type: ignore[type-var]
        try:
            for entry in verdicts:
                judged.add(entry)
                show(judged.judged)
        except KeyboardInterrupt:
            house.note("")
    return judged


@contextmanager
def _progress(house: House, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how many answers are judged, how fast, and how long the rest will take; nothing where nobody is looking."""
    console = house.console(stderr=True)
    if house.quiet or house.json or not console.is_terminal:
        yield lambda done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(_("{rate:,.0f} answers/s").format(rate=speed) if speed else "")

    columns = TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), Rate(), TimeRemainingColumn(compact=True)
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(_("judging the answers"), total=total)
        yield lambda done: bars.update(task, completed=done)


def _can_preview(report: CheckReport) -> bool:
    """The training rows could be read, and the template refuses none."""
    return any(file.use == "train" for file in report.files) and not any(finding.code == "template" for finding in report.errors)


# --- for people ----------------------------------------------------------------------------------


def _print_report(house: House, report: CheckReport, previews: Sequence[Preview]) -> None:
    console = house.console()
    _print_findings(house, console, report.errors, _("error"), "red")
    for file in report.files:
        _print_file(house, console, file)
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


def _print_file(house: House, console: Console, file: FileReport) -> None:
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
    house.show_table(table)


def _listed(counted: Mapping[str, int], most: int = 12) -> str:
    shown = ", ".join(f"{_printable(word[:LONGEST_WORD])} {count:,}" for word, count in list(counted.items())[:most])
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


def _print_judged(house: House, tutor: Tutor, judged: AnswersJudged) -> None:
    """What the validator says: one line that sums up, then every wrong answer."""
    from rich.text import Text

    console = house.console()
    by = ", ".join(tutor.validator.use) or _("nobody")
    outcomes = {outcome: judged.outcomes[outcome] for outcome in ("correct", "incorrect", "unverified")}  # type: ignore[index]
    line = _("answers judged by {by}: {correct:,} correct, {incorrect:,} incorrect, {unverified:,} unverified").format(by=by, **outcomes)
    if not judged.complete:
        line += _("; stopped after {judged:,} of {total:,}").format(judged=judged.judged, total=judged.total)
    console.print(Text(line), soft_wrap=True)
    if judged.warnings:
        rates = ", ".join(f"{_printable(code)} {count:,} ({_share(count, judged.judged)})" for code, count in judged.warnings.most_common())
        console.print(Text(_("answers with warnings: {rates}").format(rates=rates)), soft_wrap=True)
    for entry in judged.unverified:
        console.print(Text.assemble((_("unverified") + ": ", "dim"), entry.where, f": {_printable(entry.message)}"), soft_wrap=True)
    findings = judged.findings()
    _print_findings(house, console, [finding for finding in findings if finding.level == "warning"], _("warning"), "yellow")
    _print_findings(house, console, [finding for finding in findings if finding.level == "error"], _("error"), "red")


def _print_verdict(house: House, tutor: Tutor, report: CheckReport, notes: Sequence[str], *, stopped: bool) -> None:
    """One line that sums up, then what to type next."""
    from rich.text import Text

    console = house.console()
    for note in notes:
        house.warn(note)
    errors, warnings = len(report.errors), len(report.warnings)
    if errors:
        text = _("{name}: errors: {errors:,}, warnings: {warnings:,}").format(name=tutor.name, errors=errors, warnings=warnings)
        console.print(Text(text, "bold red"))
        house.note(_("next: correct the lines above, then hub check {name}").format(name=tutor.name))
    elif stopped:
        console.print(Text(_("{name}: not all answers were judged, warnings: {warnings:,}").format(name=tutor.name, warnings=warnings)))
        house.note(_("next: hub check {name}").format(name=tutor.name))
    else:
        text = _("{name}: ready to train, warnings: {warnings:,}").format(name=tutor.name, warnings=warnings)
        console.print(Text(text, "bold green"))
        house.note(_("next: hub train {name}").format(name=tutor.name))
