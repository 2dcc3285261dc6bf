"""``hub judge NAME``: what a tutor's validators say about answers from anywhere: one typed here, or a stream of rows."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._verdicts import BADGES, COLORS, WORDS, cropped, gist, one_line, show_verdict
from adapters_hub.errors import BelowThresholdError, DataError, UsageError, from_os_error
from adapters_hub.judging import (
    SHAPE,
    BadSubmission,
    Bench,
    Judgement,
    Readable,
    Submission,
    Tally,
    bench_of,
    bench_without_tutor,
    judge_rows,
    read_submissions,
)
from adapters_hub.types import Message, Outcome


@click.command("judge")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--question", metavar="TEXT", help=_("The question that was asked."))
@click.option("--answer", metavar="TEXT", help=_("The answer to judge; - reads it from stdin."))
@click.option("--expected", metavar="TEXT", help=_("What a right answer says, as in a dataset: a text, or JSON for an object."))
@click.option("--jsonl", metavar="FILE", help=_("Judge the rows of a file, one JSON object a line; - reads stdin."))
@click.option("--validator", "validators", multiple=True, metavar="NAME", help=_("Judge by this one instead; may be repeated."))
@click.option("--language", metavar="CODE", help=_("Language of the answers, e.g. es."))
@click.option("--locale", metavar="CODE", help=_("How their numbers are written, e.g. es_MX."))
@click.option("--check", "--fail-on-incorrect", "check", is_flag=True, help=_("Exit with 7 when an answer is incorrect."))
@click.option("--unsafe-exec", is_flag=True, help=_("Run code in answers without a sandbox: only for answers that you trust."))
@pass_house
def command(
    house: House,
    name: str | None,
    question: str | None,
    answer: str | None,
    expected: str | None,
    jsonl: str | None,
    validators: tuple[str, ...],
    language: str | None,
    locale: str | None,
    check: bool,
    unsafe_exec: bool,
) -> None:
    """Judge answers with a tutor's validators; no model is loaded.

    One answer: hub judge NAME --question "..." --answer "...". Many: hub judge NAME --jsonl FILE, one row a line with
    question, answer and optionally expected and history, or with messages. Verdicts come in the order of the rows.
    """
    if (jsonl is None) == (answer is None):
        hint = _('hub judge NAME --question "..." --answer "...", or hub judge NAME --jsonl FILE')
        raise UsageError(_("what is to be judged: one --answer, or the rows of --jsonl?"), hint=hint)
    if jsonl is not None and (question is not None or expected is not None):
        raise UsageError(_("--question and --expected belong to --answer: the rows of --jsonl bring their own"))
    with _bench(house, name, validators, unsafe_exec=unsafe_exec) as bench:
        bench = replace(bench, language=language or bench.language, locale=locale or bench.locale)
        if answer is not None:
            text = _stdin_text() if answer == "-" else answer
            _judge_one(house, bench, question, text, expected, check=check)
        else:
            assert jsonl is not None
            _judge_many(house, bench, jsonl, check=check)


@contextmanager
def _bench(house: House, name: str | None, validators: tuple[str, ...], *, unsafe_exec: bool) -> Iterator[Bench]:
    """The named tutor's validators, or those of the options; with neither, those of the default tutor."""
    if unsafe_exec:
        house.warn(_("--unsafe-exec: code in answers runs with all rights of your user"))
    if name is None and validators:
        yield bench_without_tutor(house.plugins, validators, Path.cwd(), unsafe_exec=unsafe_exec)
        return
    with house.open_tutor(name) as tutor:
        yield bench_of(tutor, house.plugins, validators=validators, unsafe_exec=unsafe_exec)


# --- one answer ----------------------------------------------------------------------------------


def _judge_one(house: House, bench: Bench, question: str | None, answer: str, expected: str | None, *, check: bool) -> None:
    messages = (Message("user", question),) if question else ()
    judgement = bench.judge(Submission(1, "", messages, answer, _expected(expected)))
    house.emit(judgement.document())
    if not house.json:
        show_verdict(house, judgement.verdict, answer)
    verdict = judgement.verdict
    if check and verdict.outcome == "incorrect":
        text = _("the validator '{name}' rejects the answer: {reason}").format(name=verdict.validator, reason=verdict.reason)
        raise BelowThresholdError(text)


def _expected(text: str | None) -> Any:
    """A text, save where it can only be meant as JSON: an object, or a list of texts. ``[1, 2]`` may be an interval."""
    import json

    if text is None or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) or (value and all(isinstance(entry, str) for entry in value)) else text


def _stdin_text() -> str:
    return sys.stdin.buffer.read().decode("utf-8", errors="replace")


# --- many answers --------------------------------------------------------------------------------


def _judge_many(house: House, bench: Bench, source: str, *, check: bool) -> None:
    begun = time.perf_counter()
    tally = Tally()
    with _opened(source) as (stream, name):
        rows = judge_rows(read_submissions(stream, name), bench)
        with closing(rows):  # type: ignore[type-var]
            try:
                for row in rows:
                    tally.add(row)
                    _print_row(house, row)
            except OSError as error:
                if isinstance(error, BrokenPipeError):
                    raise
                raise from_os_error(error, f"read {name}") from error
    if not house.json:
        _print_summary(house, tally, time.perf_counter() - begun)
    if tally.bad:
        raise DataError(_("{name}: {bad:,} rows cannot be judged").format(name=name, bad=tally.bad), hint=SHAPE)
    if check and (wrong := tally.outcomes["incorrect"]):
        raise BelowThresholdError(_("{wrong:,} of {judged:,} answers are incorrect").format(wrong=wrong, judged=tally.judged))


@contextmanager
def _opened(source: str) -> Iterator[tuple[Readable, str]]:
    """The file, or stdin for ``-``, unbuffered: a row is judged when it is there, not when a block is full."""
    if source != "-":
        try:
            stream = open(os.path.expanduser(source), "rb", buffering=0)  # noqa: SIM115 - closed below
        except (OSError, ValueError) as error:
            raise from_os_error(error if isinstance(error, OSError) else OSError(str(error)), f"read {source}") from error
        with stream:
            yield stream, source
        return
    try:
        # of our own, not sys.stdin's: a thread that still waits for input at the end of the program must not hold a lock of Python's
        stream = open(os.dup(sys.stdin.fileno()), "rb", buffering=0)  # noqa: SIM115 - that thread may still be reading: the end closes it
    except (OSError, ValueError):  # no real file, as in tests
        yield sys.stdin.buffer, "stdin"
        return
    yield stream, "stdin"


def _print_row(house: House, row: Judgement | BadSubmission) -> None:
    if isinstance(row, BadSubmission):
        house.warn(f"{row.where}: {row.reason}")
        house.emit({"row": row.row, "error": {"code": DataError.code, "message": f"{row.where}: {row.reason}"}})
        return
    if house.json:
        house.emit(row.document())
        return
    outcome, code = row.verdict.outcome, one_line(row.verdict.code)
    head = f"{row.submission.row:>6}  {BADGES[outcome]} {_(WORDS[outcome]):<11} {code:<16} "
    notes = f" ({', '.join(row.verdict.warnings)})" if row.verdict.warnings else ""
    text = head + gist(row.verdict) + one_line(notes)
    if sys.stdout.isatty():
        text = cropped(text, shutil.get_terminal_size().columns)
    place = head.index(BADGES[outcome])
    colored = place + 2 + len(_(WORDS[outcome]))
    text = text[:place] + click.style(text[place:colored], fg=COLORS[outcome]) + text[colored:]
    click.echo(text.rstrip(), color=house.color and None)


def _print_summary(house: House, tally: Tally, seconds: float) -> None:
    rows = tally.judged
    house.show()
    outcomes: tuple[Outcome, ...] = ("correct", "incorrect", "unverified")
    counts = ", ".join(f"{tally.outcomes[outcome]:,} {_(WORDS[outcome])} ({_share(tally.outcomes[outcome], rows)})" for outcome in outcomes)
    house.show(_("{rows:,} answers in {seconds:.1f} s: {counts}").format(rows=rows, seconds=seconds, counts=counts))
    for title, counted in ((_("codes"), tally.codes), (_("warnings"), tally.warnings)):
        if counted:
            shares = ", ".join(f"{one_line(code)} {count:,} ({_share(count, rows)})" for code, count in counted.most_common(12))
            house.show(f"{title}: {shares}")


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "0%"
