"""``hub check NAME``: everything about a tutor's rows that can be known without loading a model."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters_hub.base_files import HUB_ID, TOKENIZERS, locate_base
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.checking import CheckReport, FileReport, Finding, Judged, Preview, check, judge_answers, preview
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.contracts import Validator
from adapters_hub.errors import HubError, NetworkError, NotFoundError
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import BaseModel, Tutor

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
        findings = _engine_findings(house, tutor)
        chat = _chat_format(tutor, notes, findings)
        report = check(tutor, chat, house.plugins.read_dataset)
        previews = preview(tutor, chat, report.examples, rows) if rows and chat is not None and _can_preview(report) else []
        validator = _validator(house, tutor, findings)
        if no_judge or not report.examples:
            validator = None
        report = replace(report, findings=(*findings, *report.findings))
        if not house.json:
            _print_report(house, report, previews)
        judged = _judge(house, tutor, report, validator) if validator is not None else []
    report = replace(report, findings=(*report.findings, *_crashes(judged)))
    wrong = [verdict for verdict in judged if verdict.verdict.outcome == "incorrect"]
    passed = not report.errors and not wrong
    if house.json:
        house.emit(_document(report, previews, judged, notes, passed, was_judged=validator is not None))
    else:
        _print_verdict(house, tutor, report, judged, wrong, notes, was_judged=validator is not None)
    ctx.exit(0 if passed else 1)


# --- what is needed ------------------------------------------------------------------------------


def _engine_findings(house: House, tutor: Tutor) -> list[Finding]:
    """An engine that nobody offers keeps the tutor from being trained."""
    try:
        house.plugins.engine(tutor.base.engine)
    except NotFoundError as error:
        return [_fault("engine", "[base] engine", error)]
    return []


def _fault(code: str, where: str, error: HubError) -> Finding:
    return Finding("error", code, where, error.message + (f" ({error.hint})" if error.hint else ""))


def _chat_format(tutor: Tutor, notes: list[str], findings: list[Finding]) -> ChatFormat | None:
    """The tokenizer of the tutor's base, or None: with a finding where the base cannot be opened, with a note where that is not certain.

    Of a Hub model only the tokenizer is fetched. Engines other than the default one may mean something else by a base's name."""
    template = Path(tutor.base.chat_template) if tutor.base.chat_template else None
    try:
        files = _tokenizer_files(tutor)
        if files is not None:
            return load_chat_format(files, template_file=template)
        notes.append(_("tokens were not counted: the tokenizer of this base is read only when it is loaded"))
    except HubError as error:
        if isinstance(error, NetworkError) or tutor.base.engine != BaseModel().engine:
            notes.append(_("tokens were not counted: {reason}").format(reason=error.message))
        else:
            findings.append(_fault("base", f"[base] model = {tutor.base.model!r}", error))
    return None


def _tokenizer_files(tutor: Tutor) -> Path | None:
    """The folder with the tokenizer; None for a base that has it in its weight file, or in files that only its engine can convert.

    Raises NetworkError when a Hub model's tokenizer cannot be had now, other HubErrors for a base that cannot be opened."""
    name = tutor.base.model
    if os.path.exists(os.path.expanduser(name)) or not HUB_ID.fullmatch(name):
        files = locate_base(tutor.base)
        slow = not (files.path / "tokenizer.json").is_file() and any((files.path / file).is_file() for file in TOKENIZERS)
        return files.path if files.kind == "folder" and not slow else None
    from huggingface_hub import snapshot_download

    wanted = ["tokenizer*.json", "special_tokens_map.json", "chat_template.jinja", "config.json", "generation_config.json"]
    revision = tutor.base.revision or None
    for cached in (True, False):
        try:
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=cached))
        except Exception as error:  # whatever the Hub or the network says: the check goes on without tokens
            if not cached:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise NetworkError(
                    _("the tokenizer of '{name}' is not on this machine: {reason}").format(name=name, reason=reason)
                ) from error
            continue
        if (folder / "tokenizer.json").is_file():
            return folder
    return None


def _validator(house: House, tutor: Tutor, findings: list[Finding]) -> Validator | None:
    """Who judges the answers; None with a finding when one who is named cannot be had."""
    try:
        return house.plugins.judge_of(tutor)
    except HubError as error:
        findings.append(_fault("validator", "[validator] use", error))
        return None


def _crashes(judged: Sequence[Judged]) -> list[Finding]:
    """A warning when the validator failed on answers."""
    crashed = [entry for entry in judged if entry.verdict.code == "crash"]
    if not crashed:
        return []
    text = _("the validator failed on {count:,} of {total:,} answers, first here: {evidence}")
    message = text.format(count=len(crashed), total=len(judged), evidence=crashed[0].verdict.evidence)
    return [Finding("warning", "crash", crashed[0].where, message)]


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
        _print_findings(house, console, [finding for finding in report.warnings if finding.code == "crash"], _("warning"), "yellow")
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
