"""``hub eval NAME``: the held-out questions to the bare base and to the adapter, side by side, and whether the run may be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters_hub.cli._completions import RUN
from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._verdicts import BADGES, COLORS, cropped, gist, one_line
from adapters_hub.errors import BelowThresholdError, Interrupted, UsageError
from adapters_hub.evaluating import Begun, Evaluation, Event, Progress, Saved, evaluate
from adapters_hub.exams import Exam, Wishes, exam_of
from adapters_hub.gate import ADAPTER, BASE, EVALUATION, GateReport, gate
from adapters_hub.inspection import errors_of
from adapters_hub.judging import validator_name
from adapters_hub.scores import Answer, Difference, Group
from adapters_hub.workspace import shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.text import Text

SHOWN = 3
"""Wrong answers that are printed, and lost rows; --verbose prints more."""
SHOWN_VERBOSE = 12
TOPICS = 12
LONGEST_NAME = 15
"""Columns that a side's name may take: the figures beside it have to fit into 80."""
LONGEST_QUESTION = 160
LONGEST_ANSWER = 240


@click.command("eval")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option("--run", type=RUN, metavar="ID", help=_("Evaluate this run instead of the one in use."))
@click.option("--compare", type=RUN, metavar="ID", help=_("Let another run of the tutor answer too."))
@click.option("--no-base", "without_base", is_flag=True, help=_("With --compare: leave out the base."))
@click.option("--bare", is_flag=True, help=_("Evaluate the base alone."))
@click.option("--sample", type=click.IntRange(0), default=0, metavar="N", help=_("Ask N questions only, spread over the topics; 0: all."))
@click.option("--k", "samples", type=click.IntRange(1, 1000), default=1, metavar="K", help=_("K answers to each question, for pass@k."))
@click.option("--temperature", type=click.FloatRange(0, 5), default=0.0, metavar="T", help=_("Draw the answers; 0: the likeliest ones."))
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, metavar="N", help=_("Seed of --sample and --temperature."))
@click.option("--limit-tokens", type=click.IntRange(0), default=0, metavar="N", help=_("Longest answer in tokens; 0: the tutor's."))
@click.option("--batch", type=click.IntRange(0), default=0, metavar="N", help=_("Answers decoded at once; 0: as many as fit."))
@click.option("--validator", "validators", multiple=True, metavar="NAME", help=_("Judge by this one instead; may be repeated."))
@click.option("--questions", type=click.Path(path_type=Path), metavar="FILE", help=_("Ask the questions of FILE: .txt or .jsonl."))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help=_("Write the document there."))
@click.option("--rejudge", is_flag=True, help=_("Judge the answers of the last evaluation again; asks nothing."))
@click.option("--check", is_flag=True, help=_("Exit with 7 when the run may not be published."))
@click.option("--unsafe-exec", is_flag=True, help=_("Run code in answers without a sandbox: such an evaluation never counts."))
@pass_house
def command(house: House, name: str | None, rejudge: bool, check: bool, validators: tuple[str, ...], **wishes: Any) -> None:
    """Ask base and adapter the held-out questions and compare them.

    Both answer the same prompts, the likeliest words, and the tutor's validator judges them; nothing but a certain
    "correct" counts. All answers go into eval.json in the run's folder. Ctrl-C keeps what was answered: the same
    command goes on there. At the end the gate says whether the run may be published.
    """
    if wishes["unsafe_exec"]:
        house.warn(_("--unsafe-exec: code in answers runs with all rights of your user"))
    with house.open_tutor(name) as tutor:
        names = tuple(validator_name(house.plugins, validator) for validator in validators)
        judged = replace(tutor, validator=replace(tutor.validator, use=names)) if names else tutor
        validator = house.plugins.judge_of(judged, unsafe_exec=wishes["unsafe_exec"])
        exam = exam_of(tutor, house.plugins, Wishes(**wishes, validators=names))
        if exam.run is None and (check or rejudge):
            raise UsageError(_("tutor '{name}' has no run to speak of").format(name=tutor.name), hint=f"hub train {tutor.name}")
        saved = _follow(house, exam, evaluate(exam, house.plugins, validator, rejudge=rejudge))
        report = None
        if exam.run is not None and not exam.listed:
            if not house.json:
                house.note(_("checking the dataset ..."))
            report = gate(exam.run, tutor, house.plugins, errors_of(tutor, house.plugins))
    if house.json:
        house.emit(_document(saved, report))
    else:
        _Report(house, saved.evaluation).show(saved, report)
    if check and (report is None or not report.passed):
        text = _("run {name}@{run} may not be published").format(name=tutor.name, run=exam.run.id if exam.run else "")
        raise BelowThresholdError(text, details=[condition.text for condition in report.failed] if report else ())


def _document(saved: Saved, report: GateReport | None) -> Mapping[str, Any]:
    """The document without the answers, which lie in the file."""
    document = {key: value for key, value in saved.document.items() if key != "answers"}
    picture = str(saved.picture) if saved.picture else None
    return {**document, "file": str(saved.file), "picture": picture, "gate": report.document() if report else None}


# --- while it goes on ----------------------------------------------------------------------------


def _follow(house: House, exam: Exam, events: Iterator[Event]) -> Saved:
    """Show how far it is; Ctrl-C says how to go on."""
    total = len(exam.keys)
    answered = 0
    model = exam.tutor.base.model
    asked = _("{count} questions to {sides}").format(count=len(exam.questions), sides=_(" and ").join(_names(exam).values()))
    say = house.note if not house.json else lambda text: None
    say(_("loading base {model}: {asked} ...").format(model=model, asked=asked))
    try:
        with _meter(house, total) as show:
            for event in events:
                if isinstance(event, Begun):
                    answered = event.kept
                    if event.kept:
                        text = _("going on where the last evaluation stopped: {kept:,} of {total:,} answers are there")
                        say(text.format(kept=event.kept, total=total))
                elif isinstance(event, Progress):
                    answered = event.answered
                    show(event)
                else:
                    return event
    except KeyboardInterrupt:
        text = _("the evaluation was interrupted; {answered:,} of {total:,} answers are kept").format(answered=answered, total=total)
        raise Interrupted(text, hint=_("repeat the command to go on there") if answered else "") from None
    raise AssertionError("an evaluation ends with what it saved")


@contextmanager
def _meter(house: House, total: int) -> Iterator[Any]:
    """What is called with each ``Progress``: a bar on a terminal, else a line for each tenth."""
    console = house.console(stderr=True)
    if house.quiet or house.json:
        yield lambda progress: None
        return
    if not console.is_terminal:
        tenth = 0

        def line(progress: Progress) -> None:
            nonlocal tenth
            reached = 10 * (progress.answered + progress.judged) // (2 * total)
            if reached > tenth:
                tenth = reached
                house.note(f"{progress.answered}/{total} {_figures(progress)}")

        yield line
        return
    with ExitStack() as stack:
        bars = stack.enter_context(_bars(console))
        task = bars.add_task(_("asking"), total=2 * total, figures="", answered=0, of=total)

        def bar(progress: Progress) -> None:
            title = _("judging") if progress.answered == total else _("asking")
            done = progress.answered + progress.judged
            bars.update(task, description=title, completed=done, answered=progress.answered, figures=_figures(progress))

        yield bar


def _bars(console: Any) -> Bars:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[answered]}/{task.fields[of]}"),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _figures(progress: Progress) -> str:
    speed = progress.tokens / progress.seconds if progress.seconds else 0.0
    return _("judged {judged} · {speed:,.0f} tok/s").format(judged=progress.judged, speed=speed)


def _names(exam: Exam) -> dict[str, str]:
    """Side -> what people call it."""
    title = exam.tutor.name
    named = {BASE: _("base"), ADAPTER: cropped(title, LONGEST_NAME)}
    return {side.name: named.get(side.name, f"{cropped(title, LONGEST_NAME - 5)}@{side.name[-4:]}") for side in exam.sides}


# --- the report ----------------------------------------------------------------------------------


class _Report:
    """Prints an evaluation, to stdout."""

    def __init__(self, house: House, evaluation: Evaluation) -> None:
        self.house, self.evaluation, self.exam = house, evaluation, evaluation.exam
        self.names = _names(self.exam)
        self.console = house.console()
        self.most = SHOWN_VERBOSE if house.verbose else SHOWN

    def show(self, saved: Saved, report: GateReport | None) -> None:
        self.title()
        self.outcomes()
        self.facts()
        if not self.exam.listed:
            self.groups(_("topic"), self.evaluation.topics)
            self.groups(_("difficulty"), self.evaluation.difficulties)
        if self.exam.listed:
            self.rows(range(len(self.exam.questions)), _("answers: {shown} of {count:,}"))
        else:
            self.wrong()
            self.lost()
        self.saved(saved)
        if report is not None:
            self.gate(report)
        elif self.exam.run is None and not self.exam.listed:
            self.house.note(_("only the base was asked: hub train {name} makes an adapter").format(name=self.exam.tutor.name))

    def title(self) -> None:
        exam = self.exam
        parts = [exam.run.id if exam.run is not None else exam.tutor.base.model]
        count = len(exam.questions)
        if exam.listed:
            parts.append(_("{count:,} questions of {file}").format(count=count, file=exam.source))
        elif count < exam.rows:
            parts.append(_("a sample of {count:,} of {rows:,} held-out questions, seed {seed}").format(
                count=count, rows=exam.rows, seed=exam.seed))  # fmt: skip
        else:
            parts.append(_("{count:,} held-out questions").format(count=count))
        if exam.samples > 1:
            parts.append(_("{count} answers to each at temperature {value:g}").format(count=exam.samples, value=exam.sampling.temperature))
        parts.append(_("judged by {names}").format(names=", ".join(exam.identity["use"]) or _("nobody")))
        from rich.text import Text

        self.console.print(Text.assemble((exam.tutor.name, "bold"), " · ", " · ".join(parts)), soft_wrap=True)
        self.house.show()

    def outcomes(self) -> None:
        """One line a side."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True, overflow="ellipsis")
        titles = [_("correct"), _("incorrect"), _("unverified")]
        if not self.exam.listed:
            titles += [_("score"), _("95 %"), _("certain")]
        for title in (*titles, _("cut off")):
            table.add_column(title, justify="right", no_wrap=True, min_width=len(title))
        for side, score in self.evaluation.scores.items():
            cells = [
                Text(f"{count:,}", color if count else "dim")
                for count, color in zip((score.correct, score.incorrect, score.unverified), COLORS.values(), strict=True)
            ]
            if not self.exam.listed:
                interval = f"{_percent(score.interval.low)[:-1]}–{_percent(score.interval.high)}"
                certain = _percent(score.certain) if score.certain is not None else "–"
                cells += [Text(_percent(score.score), "bold"), Text(interval, "dim"), Text(certain)]
            table.add_row(self.names[side], *cells, _percent(score.cut))
        self.house.show_table(table)

    def difference(self, difference: Difference) -> Text:
        """In colour where it is no chance."""
        from rich.text import Text

        low, high = difference.interval.low, difference.interval.high
        text = _("{points} points (95 %: {low} to {high}), {gained} rows gained, {lost} lost").format(
            points=_points(difference.points), low=_points(low), high=_points(high), gained=difference.gained, lost=difference.lost
        )
        if difference.p is not None:
            text += f", p={difference.p:.2g}"
        if not (low > 0 or high < 0):
            return Text(text + _("; may be chance"))
        return Text(text, "green" if difference.points > 0 else "red")

    def facts(self) -> None:
        """The difference, codes, warnings, speed."""
        from rich.table import Table
        from rich.text import Text

        evaluation = self.evaluation
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for difference in () if self.exam.listed else evaluation.differences:
            table.add_row(_("against {side}").format(side=self.names[difference.other]), self.difference(difference))
        for side, score in evaluation.scores.items():
            codes = ", ".join(f"{one_line(code)} {count:,}" for code, count in list(score.codes.items())[:6])
            table.add_row(_("codes, {side}").format(side=self.names[side]), Text(codes))
        for side, score in evaluation.scores.items():
            if score.pass_at:
                chances = ", ".join(f"pass@{k} {_percent(chance)}" for k, chance in score.pass_at.items())
                table.add_row(_("chances, {side}").format(side=self.names[side]), Text(chances))
        warned = dict.fromkeys(code for score in evaluation.scores.values() for code in score.warnings)
        if warned:
            rates = [
                f"{one_line(code)} " + " → ".join(_percent(score.warnings.get(code, 0.0)) for score in evaluation.scores.values())
                for code in warned
            ]
            table.add_row(_("warnings"), Text(", ".join(rates)))
        if not self.exam.listed:
            table.add_row(_("mean of scores"), " → ".join(f"{score.mean:.2f}" for score in evaluation.scores.values()))
        speed = evaluation.tokens / evaluation.seconds if evaluation.seconds else 0.0
        time = _("{seconds:,.0f} s, {tokens:,} tokens, {speed:,.0f} tok/s")
        table.add_row(_("decoding"), time.format(seconds=evaluation.seconds, tokens=evaluation.tokens, speed=speed))
        self.house.show()
        self.house.show_table(table)

    def groups(self, title: str, groups: Sequence[Group]) -> None:
        """Scores by topic or difficulty; the last side in green where it is the best, in red where it is not."""
        from rich.table import Table
        from rich.text import Text

        if not groups:
            return
        shown = groups if self.house.verbose else [group for group in groups if group.rows > 1][:TOPICS] or groups[:TOPICS]
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column(title, no_wrap=True, overflow="ellipsis", max_width=28)
        for name in (_("rows"), *self.names.values()):
            table.add_column(name, justify="right", no_wrap=True)
        for group in shown:
            values = list(group.scores.values())
            others = max(values[:-1], default=values[-1])
            color = "green" if values[-1] > others else "red" if values[-1] < others else ""
            table.add_row(one_line(group.name), f"{group.rows:,}", *(_percent(v) for v in values[:-1]), Text(_percent(values[-1]), color))
        self.house.show()
        self.house.show_table(table)
        if len(shown) < len(groups):
            self.house.show(_("... and {count:,} more (--verbose shows them)").format(count=len(groups) - len(shown)))

    def wrong(self) -> None:
        """What the adapter got wrong, beside what the others said."""
        self.rows(self.evaluation.wrong, _("wrong: {shown} of {count:,} incorrect answers"))

    def lost(self) -> None:
        """Rows on which the adapter is worse than its base."""
        told = set(self.evaluation.wrong[: self.most])
        lost = [place for place in self.evaluation.lost if place not in told]
        self.rows(lost, _("lost: {shown} of {count:,} rows that the base has right"), brief=True)

    def rows(self, places: Sequence[int], title: str, *, brief: bool = False) -> None:
        """Questions and what each side made of them; ``brief`` leaves out the answers themselves."""
        from rich.table import Table
        from rich.text import Text

        if not places:
            return
        self.house.show()
        self.console.print(Text(title.format(shown=min(self.most, len(places)), count=len(places)), "bold"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=24)
        table.add_column(overflow="fold")
        for place in places[: self.most]:
            question = self.exam.questions[place]
            asked = next((turn.content for turn in reversed(question.messages) if turn.role == "user"), "")
            table.add_row(Text(question.where.rpartition("/")[2], "dim"), Text(cropped(one_line(asked), LONGEST_QUESTION)))
            for side, answers in self.evaluation.answers.items():
                table.add_row(Text(f"  {self.names[side]}"), self.said(answers[place][0], brief=brief))
        self.house.show_table(table)

    def said(self, answer: Answer, *, brief: bool) -> Text:
        from rich.text import Text

        outcome = answer.verdict.outcome
        reason = gist(answer.verdict) or one_line(answer.verdict.code)
        text = "" if brief else cropped(one_line(answer.text), LONGEST_ANSWER)
        return Text.assemble((f"{BADGES[outcome]} {reason}", COLORS[outcome]), ("\n" + text if text else "", "dim"))

    def saved(self, saved: Saved) -> None:
        house = self.house
        house.show()
        beside = _(" (and {name})").format(name=saved.picture.name) if saved.picture is not None else ""
        house.show(_("saved: {file}").format(file=shown(saved.file)) + beside)
        if saved.problem:
            house.warn(saved.problem)
        if self.exam.run is not None and not self.exam.listed and saved.file.name != EVALUATION and saved.file != self.exam.out:
            house.note(_("{file} keeps the complete evaluation that the gate looks at").format(file=EVALUATION))

    def gate(self, report: GateReport) -> None:
        """Yes, or every reason why not and what to type next."""
        from rich.table import Table
        from rich.text import Text

        answer = (_("yes"), "bold green") if report.passed else (_("no, because"), "bold red")
        self.console.print(Text.assemble((_("ready to publish: "), "bold"), answer))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for condition in report.conditions if self.house.verbose else report.failed:
            mark = ("  ✓", "green") if condition.passed else ("  ✗", "red")
            table.add_row(Text(*mark), Text(one_line(condition.text)))
        if table.row_count:
            self.house.show_table(table)
        for hint in dict.fromkeys(condition.hint for condition in report.failed if condition.hint):
            self.house.note(_("next: {hint}").format(hint=hint))


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f}"
