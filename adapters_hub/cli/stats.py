"""``hub stats NAME``: what a tutor's dataset is made of; without NAME, all tutors in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Any, Literal

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._verdicts import one_line
from adapters_hub.composition import DIFFICULTIES, WITHOUT_TOPIC, Lengths, Part, parts_of, rows_of, topic_table
from adapters_hub.errors import HubError, Interrupted, UsageError, from_os_error
from adapters_hub.inspection import Inspection, inspect_rows, judge_own_answers
from adapters_hub.own_answers import AnswersJudged, answer_count
from adapters_hub.progress_line import ProgressLine
from adapters_hub.types import Tutor
from adapters_hub.workspace import shown, tutor_names

TOPICS = 20
"""Topics that are printed; --verbose prints all."""
PROBLEMS = 5
LONGEST_TOPIC = 24
BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Stats:
    """What is said of one tutor."""

    name: str
    tutor: Tutor | None
    parts: tuple[Part, ...] = ()
    problems: tuple[str, ...] = ()
    """What must be corrected, ``place: message`` each."""
    warnings: tuple[str, ...] = ()
    """What is worth a look, and what could not be counted."""

    def part(self, use: Literal["train", "eval"]) -> Part | None:
        """The part of that file, where it could be read."""
        return next((part for part in self.parts if part.file.use == use), None)

    def document(self) -> dict[str, Any]:
        """As plain data."""
        tutor = self.tutor
        about = {"title": tutor.title, "language": tutor.language, "base": tutor.base.model} if tutor else {}
        files = [part.document() for part in self.parts]
        return {"tutor": self.name, **about, "files": files, "problems": list(self.problems), "warnings": list(self.warnings)}


@click.command("stats")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=_("Draw it into FILE."))
@click.option(
    "--judge/--no-judge",
    default=None,
    help=_("Let the tutor's validator judge the rows' own answers: with NAME it does, without NAME it does not."),
)
@pass_house
@click.pass_context
def command(ctx: click.Context, house: House, name: str | None, png: Path | None, judge: bool | None) -> None:
    """Show what a tutor's dataset is made of.

    Rows, turns, lengths, topics by difficulty, where the rows come from, and how much of their answers the tutor's
    validator calls correct. Loads no model. Without NAME, all tutors in one table.
    """
    if name is None:
        if png is not None:
            raise UsageError(_("--png draws one tutor"), hint=_("hub stats NAME --png FILE"))
        found = [_stats_or_problem(house, tutor, judge=bool(judge)) for tutor in tutor_names(house.workspace)]
        house.emit({"schema": 1, "tutors": [stats.document() for stats in found]})
        if not house.json:
            _print_table(house, found)
        ctx.exit(_exit_code(found))
    stats = _stats(house, house.load_tutor(name), judge=judge is not False)
    house.emit({"schema": 1, **stats.document(), "picture": str(png) if png else None})
    if not house.json:
        _print_stats(house, stats)
    if png is not None:
        _draw(house, stats, png)
    ctx.exit(_exit_code([stats]))


def _exit_code(found: Sequence[Stats]) -> int:
    """Problems are what was asked for; only Ctrl-C leaves the work undone."""
    whole = all(part.judged is None or part.judged.complete for stats in found for part in stats.parts)
    return 0 if whole else Interrupted.exit_code


# --- counting ------------------------------------------------------------------------------------


def _stats_or_problem(house: House, name: str, *, judge: bool) -> Stats:
    try:
        return _stats(house, house.load_tutor(name), judge=judge)
    except HubError as error:
        return Stats(name, None, problems=("; ".join((error.message, *error.details)),))


def _stats(house: House, tutor: Tutor, *, judge: bool) -> Stats:
    """Counts whatever can be read; what cannot is a problem."""
    problems: list[str] = []
    with ExitStack() as open_tutor:
        try:
            open_tutor.enter_context(house.plugins.tutor_local(tutor))
        except HubError as error:  # its validator cannot be loaded: everything but the verdicts can still be counted
            problems.append(error.message)
            judge = False
        inspection = inspect_rows(tutor, house.plugins)
        judged = _judged(house, inspection) if judge and inspection.validator is not None else {}
    errors = [
        f"{finding.where}: {finding.message}" for finding in inspection.report.errors if not (problems and finding.code == "validator")
    ]
    wrong = [f"{finding.where}: {finding.message}" for answers in judged.values() for finding in answers.findings()]
    warnings = [*inspection.notes, *(f"{finding.where}: {finding.message}" for finding in inspection.report.warnings)]
    parts = parts_of(inspection.report.files, inspection.report.examples, judged)
    return Stats(tutor.name, tutor, parts, (*problems, *errors, *wrong), tuple(warnings))


def _judged(house: House, inspection: Inspection) -> dict[Literal["train", "eval"], AnswersJudged]:
    """The verdicts on each file's own answers; after Ctrl-C those that there are."""
    report = inspection.report
    judged = {file.use: AnswersJudged(answer_count(rows)) for file, rows in rows_of(report.files, report.examples)}
    total, done = sum(answers.total for answers in judged.values()), 0
    queue = [answers for answers in judged.values() if answers.total]
    with ProgressLine(not (house.quiet or house.json)) as line, closing(judge_own_answers(inspection)) as verdicts:  # type: ignore[type-var]
        try:
            for entry in verdicts:
                while queue[0].complete:
                    queue.pop(0)
                queue[0].add(entry)
                done += 1
                line.show(_("{name}: judging the answers, {done:,} of {total:,}").format(
                    name=inspection.tutor.name, done=done, total=total), done / total)  # fmt: skip
        except KeyboardInterrupt:
            house.warn(_("stopped: {done:,} of {total:,} answers were judged").format(done=done, total=total))
    return judged


def _draw(house: House, stats: Stats, png: Path) -> None:
    from adapters_hub.composition_plot import draw_composition

    tutor = stats.tutor
    if tutor is None or not stats.parts:
        raise UsageError(_("there are no rows to draw"), hint=f"hub check {stats.name}")
    try:
        draw_composition(stats.parts, png, title=f"{tutor.name} · {tutor.title}", max_tokens=tutor.recipe.train.max_tokens)
    except OSError as error:
        raise from_os_error(error, f"write {shown(png)}") from error
    house.note(_("drawn: {file}").format(file=shown(png)))


# --- one tutor -----------------------------------------------------------------------------------

TITLES = {"train": _("training"), "eval": _("held-out")}


def _print_stats(house: House, stats: Stats) -> None:
    from rich.text import Text

    console = house.console()
    tutor = stats.tutor
    if tutor is not None:
        console.print(Text.assemble((tutor.name, "bold"), f" · {tutor.title} · {shown(tutor.folder)} · {tutor.base.model}"), soft_wrap=True)
    if stats.parts:
        house.show()
        _print_figures(house, stats.parts)
        house.show()
        _print_topics(house, stats.parts)
    _print_problems(house, stats)


def _print_figures(house: House, parts: Sequence[Part]) -> None:
    """One line a figure, one column a file."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("", style="dim", no_wrap=True)
    for part in parts:
        table.add_column(_(TITLES[part.file.use]), overflow="fold")
    lines: tuple[tuple[str, Callable[[Part], str]], ...] = (
        (_("rows"), lambda part: f"{part.rows:,}"),
        (_("several turns"), lambda part: _share(part.multi_turn, part.rows)),
        (_("by a program"), lambda part: _share(part.made, part.rows)),
        (_("with expected"), lambda part: _share(part.file.with_expected, part.rows)),
        (_("difficulty"), _difficulty),
        (_("language"), _languages),
        (_("repeated"), _repeated),
        (_("tokens"), _tokens),
        (_("row, tokens"), _row_tokens),
        (_("question, words"), lambda part: _lengths(part.questions)),
        (_("answer, words"), lambda part: _lengths(part.replies)),
        (_("verified"), _verified),
    )
    for title, cell in lines:
        cells = [cell(part) for part in parts]
        if any(cells):
            table.add_row(title, *(Text(text) for text in cells))
    house.show_table(table)


def _difficulty(part: Part) -> str:
    known = " · ".join(f"{level}: {part.difficulty[level]:,}" for level in DIFFICULTIES)
    rest = part.difficulty[None]
    return known + (f" · ?: {rest:,}" if rest else "") if rest < part.rows else ""


def _languages(part: Part) -> str:
    return ", ".join(f"{language or _('cannot tell')} {count / part.rows:.0%}" for language, count in part.file.languages.items())


def _repeated(part: Part) -> str:
    return _("{same:,} duplicates, {near:,} near").format(same=part.file.duplicates, near=part.file.near_duplicates)


def _tokens(part: Part) -> str:
    if part.all_tokens is None:
        return ""
    text = _("{tokens:,}, learned {learned:,}") if part.file.use == "train" else "{tokens:,}"
    about = "~" if part.file.counted_rows < part.rows else ""
    return about + text.format(tokens=part.all_tokens, learned=part.file.learned_tokens or 0)


def _lengths(lengths: Lengths | None) -> str:
    """Median, where nine of ten lie, the longest."""
    if lengths is None:
        return ""
    return _("{median:,} ({p5:,}–{p95:,}), longest {high:,}").format(
        median=lengths.median, p5=lengths.p5, p95=lengths.p95, high=lengths.high
    )


def _row_tokens(part: Part) -> str:
    return f"{_lengths(part.tokens)}\n{sparkline(part.tokens, min(24, 4 + part.tokens.count // 4))}" if part.tokens is not None else ""


def sparkline(lengths: Lengths, bins: int) -> str:
    """The histogram as a row of small bars."""
    counts = [count for _low, count in lengths.histogram(bins)]
    top = max(counts)
    return "".join(BARS[0 if not count else max(1, round(count / top * (len(BARS) - 1)))] for count in counts)


def _verified(part: Part) -> str:
    judged = part.judged
    if judged is None or part.verified is None:
        return ""
    counts = {name: judged.outcomes[name] for name in ("correct", "unverified", "incorrect")}  # type: ignore[index]
    text = _("{share:.1%}: {correct:,} correct,\n{unverified:,} unverified, {incorrect:,} incorrect").format(share=part.verified, **counts)
    return text if judged.complete else text + _(" (of {total:,})").format(total=judged.total)


def _print_topics(house: House, parts: Sequence[Part]) -> None:
    """Topics by difficulty, the files side by side."""
    from rich.table import Table
    from rich.text import Text

    topics = topic_table(parts)
    if set(topics) <= {WITHOUT_TOPIC}:
        words = parts[0].file.topics
        house.show(_("no topics: rows have no tags; frequent words: {words}").format(words=", ".join(map(one_line, words)) or "–"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(_("topic"), no_wrap=True)
    levels: tuple[int | None, ...] = DIFFICULTIES
    if any(part.difficulty[None] for part in parts):
        levels = (*DIFFICULTIES, None)
    for part in parts:
        table.add_column(_(TITLES[part.file.use]), justify="right", no_wrap=True)
        for level in levels:
            table.add_column("?" if level is None else str(level), justify="right", no_wrap=True, style="dim")
    rows = list(topics.items())
    for topic, sides in rows if house.verbose else rows[:TOPICS]:
        cells = []
        for counts in sides:
            cells += [f"{sum(counts.values()) or '–':,}" if any(counts.values()) else "–"]
            cells += [f"{counts[level]:,}" if counts[level] else "" for level in levels]
        table.add_row(Text(one_line(topic)[:LONGEST_TOPIC] or _("(no topic)")), *cells)
    house.show_table(table)
    if not house.verbose and len(rows) > TOPICS:
        house.show(_("and {count:,} topics more (--verbose shows them)").format(count=len(rows) - TOPICS))


def _print_problems(house: House, stats: Stats) -> None:
    for problem in stats.problems if house.verbose else stats.problems[:PROBLEMS]:
        house.warn(problem)
    if not house.verbose and len(stats.problems) > PROBLEMS:
        house.warn(_("{count:,} problems more: hub check {name}").format(count=len(stats.problems) - PROBLEMS, name=stats.name))
    elif stats.warnings:
        house.note(_("worth a look: {count:,} (hub check {name})").format(count=len(stats.warnings), name=stats.name))


# --- all tutors ----------------------------------------------------------------------------------


def _print_table(house: House, found: Sequence[Stats]) -> None:
    """A line a tutor."""
    from rich.table import Table
    from rich.text import Text

    if not found:
        house.show(_("no tutors yet in {folder}").format(folder=shown(house.workspace.folder)))
        house.note(_("hint: hub new NAME makes one"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(_("tutor"), no_wrap=True)
    judged = any(part.verified is not None for stats in found for part in stats.parts)
    titles = [_("rows"), _("held-out"), _("multi"), _("made"), _("topics"), _("difficulty"), _("tokens")]
    for title in [*titles, _("verified") if judged else _("lang")]:
        table.add_column(title, justify="right", no_wrap=True, min_width=len(title))
    for stats in found:
        table.add_row(Text(stats.name, "bold"), *_cells(stats, judged=judged))
    house.show_table(table)
    for stats in found:
        for problem in stats.problems[:1]:
            more = _(" (and {count:,} more)").format(count=len(stats.problems) - 1) if len(stats.problems) > 1 else ""
            house.warn(f"{stats.name}: {problem}{more}")
    house.note(_("multi: rows of several turns; made: by a program; difficulty: easy/medium/hard; hub stats NAME shows one tutor in full"))


def _cells(stats: Stats, *, judged: bool) -> list[str]:
    """Figures of the training rows, and of the held-out ones their number; "–" where a file could not be read."""
    train, held_out = stats.part("train"), stats.part("eval")
    last = next(iter(train.file.languages), "") or "?" if train is not None else "–"
    if judged:
        outcomes = [part.judged for part in stats.parts if part.judged is not None]
        total = sum(answers.judged for answers in outcomes)
        last = f"{sum(answers.outcomes['correct'] for answers in outcomes) / total:.1%}" if total else "–"
    held_out_rows = f"{held_out.rows:,}" if held_out else "–"
    if train is None:
        return ["–", held_out_rows, *["–"] * 5, last]
    return [
        f"{train.rows:,}",
        held_out_rows,
        f"{train.multi_turn / train.rows:.0%}",
        f"{train.made / train.rows:.0%}",
        f"{len([topic for topic in train.topics if topic != WITHOUT_TOPIC]):,}",
        "/".join(f"{train.difficulty[level]:,}" for level in DIFFICULTIES) if train.difficulty[None] < train.rows else "–",
        f"{train.all_tokens:,}" if train.all_tokens is not None else "–",
        last,
    ]


def _share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.0%})" if count else "0"
