"""``hub train NAME...``: teach tutors their rows, and say at each moment how it goes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from gettext import gettext as _
from typing import TYPE_CHECKING, Any

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.contracts import TrainEnd, TrainEvent, TrainStart, TrainStep
from adapters_hub.training import RunSaved, event_line, options_of, train_tutors
from adapters_hub.types import Tutor
from adapters_hub.workspace import shown

if TYPE_CHECKING:
    from rich.progress import Progress

MANY = 20
"""Rows from which a score is shown as a share alone."""


@click.command("train")
@click.argument("names", type=TUTOR, nargs=-1, metavar="NAME...")
@click.option("--resume", is_flag=True, help=_("Continue the newest interrupted run."))
@click.option("--max-steps", type=click.IntRange(1), help=_("Stop after so many optimizer steps."))
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help=_("Passes over the rows."))
@click.option("--seed", type=click.IntRange(0), help=_("Seed of weights, row order and dropout."))
@click.option("--base", metavar="MODEL", help=_("Train on another base than hub.toml's."))
@click.option("--quantization", type=click.Choice(["auto", "nf4", "int8", "none"]), help=_("How the base is held in memory."))
@click.option("--track", metavar="TRACKER", help=_("Also log to an experiment tracker, e.g. tensorboard."))
@pass_house
def command(
    house: House,
    names: tuple[str, ...],
    resume: bool,
    track: str | None,
    base: str | None,
    quantization: str | None,
    **recipe: Any,
) -> None:
    """Train tutors: one, or several together over the same base.

    The adapter, its log, a picture of the loss and a manifest go into tutors/NAME/runs/. Ctrl-C keeps
    what was learned so far; --resume continues there, also after a crash.
    """
    settings = {"base.model": base, "base.quantization": quantization, **{f"train.{key}": value for key, value in recipe.items()}}
    options = {key: value for key, value in settings.items() if value is not None}
    if resume:  # as it began, unless told otherwise
        options = {**options_of(house.find_tutor((names or (None,))[0])), **options}
    tutors = house.load_tutors(names or (None,), options)
    events = train_tutors(tutors, house.plugins, resume=resume, tracker=track or "", options=options)
    if house.json:
        for event in events:
            house.emit(event_line(event))
        return
    names_now = " ".join(tutor.name for tutor in tutors)
    house.note(_("loading base {model} to train {names} ...").format(model=tutors[0].base.model, names=names_now))
    _Report(house, tutors).follow(events)


class _Report:
    """Prints a training as it happens: facts, a progress bar for each tutor (plain lines where there is no terminal), a summary."""

    def __init__(self, house: House, tutors: list[Tutor]) -> None:
        self.house = house
        self.tutors = {tutor.name: tutor for tutor in tutors}
        self.several = len(tutors) > 1
        self.console = house.console(stderr=True)
        self.bars: Progress | None = None
        self.tasks: dict[str, Any] = {}
        self.starts: dict[str, TrainStart] = {}
        self.ends: dict[str, TrainEnd] = {}
        self.saved: list[RunSaved] = []

    def follow(self, events: Iterable[TrainEvent | RunSaved]) -> None:
        with ExitStack() as stack:
            if self.console.is_terminal and not self.house.quiet:
                self.bars = stack.enter_context(_progress(self.console))
            for event in events:
                if isinstance(event, TrainStart):
                    self.start(event)
                elif isinstance(event, TrainStep):
                    self.step(event)
                elif isinstance(event, TrainEnd):
                    self.ends[event.job] = event
                else:
                    self.saved.append(event)
        for run in self.saved:
            self.summary(run)

    def start(self, event: TrainStart) -> None:
        self.starts[event.job] = event
        share = event.trainable / event.total
        facts = [
            event.device,
            event.dtype,
            _("base in {quantization}").format(quantization=event.quantization),
            _("trains {trainable:,} of {total:,} parameters ({share:.2%})").format(
                trainable=event.trainable, total=event.total, share=share
            ),
        ]
        self.say(" · ".join([event.job, *facts] if self.several else facts))
        if self.house.verbose:
            for note in event.notes:
                self.say(f"  {note}")
        rows = _("{rows} rows, {tokens:,} tokens to learn, {steps} steps").format(
            rows=event.rows, tokens=event.supervised_tokens, steps=event.total_steps
        )
        if event.held_out_loss is not None:
            rows += _("; held-out loss of the base {loss:.2f}").format(loss=event.held_out_loss)
        if event.score is not None and event.score_rows:
            rows += _(", its score {score:.0%} of {rows} rows").format(score=event.score, rows=event.score_rows)
        self.say(rows)
        if event.score_note:
            self.say(_("no score, the held-out loss alone chooses the adapter: {reason}").format(reason=event.score_note), event.job)
        for line in event.skipped:
            self.house.warn(_("left out, too long: {line}").format(line=line))
        if event.first_step:
            self.say(_("continuing after step {step}").format(step=event.first_step))
        if self.bars is not None:
            self.tasks[event.job] = self.bars.add_task(event.job, total=event.total_steps, completed=event.first_step, figures="")

    def step(self, event: TrainStep) -> None:
        speed = event.tokens / event.seconds if event.seconds else 0.0
        figures = _("loss {loss:.3f} · lr {rate:.1e} · {speed:,.0f} tok/s").format(loss=event.loss, rate=event.learning_rate, speed=speed)
        if event.held_out_loss is not None:
            found = _("step {step}: held-out loss {loss:.3f}").format(step=event.step, loss=event.held_out_loss)
            if event.score is not None:
                found += _(", score {score:.0%}").format(score=event.score)
            self.say(found + (" ✓" if event.best else ""), event.job)
        if self.bars is not None:
            self.bars.update(self.tasks[event.job], completed=event.step, figures=figures)
        elif event.step % max(1, event.total_steps // 10) == 0 or event.step == 1:
            self.say(f"{event.step}/{event.total_steps} {figures}", event.job)

    def summary(self, run: RunSaved) -> None:
        start, end, house = self.starts[run.job], self.ends[run.job], self.house
        if run.problem:
            house.warn(run.problem)
        house.show()
        house.show(_("{name} is trained: {folder}").format(name=run.job, folder=shown(run.folder)))
        rows = [(_("loss"), f"{end.first_loss:.2f} → {end.last_loss:.2f}")]
        if end.held_out_first and end.held_out_last is not None:
            change = end.held_out_last / end.held_out_first - 1
            best = _("best at step {step}").format(step=end.best_step)
            rows.append((_("held-out loss"), f"{end.held_out_first:.2f} → {end.held_out_last:.2f} ({change:+.0%}, {best})"))
        scored = start.score_rows > 0 and end.score_first is not None and end.score_last is not None
        if scored:
            rows.append((_("score"), _score(end.score_first or 0.0, end.score_last or 0.0, start.score_rows)))
        stopped = _(", stopped early: no more gain") if end.reason == "early_stop" else ""
        rows.append((_("time"), _("{time}, {steps} steps{stopped}").format(time=_duration(end.seconds), steps=end.steps, stopped=stopped)))
        rows.append((_("memory"), _("{size} at the most").format(size=_size(end.peak_memory))))
        share = f"{start.trainable / start.total:.2%}"
        rows.append(
            (
                _("adapter"),
                _("{size}, {count:,} parameters ({share} of all)").format(
                    size=_size(end.adapter_bytes), count=start.trainable, share=share
                ),
            )
        )
        for label, text in rows:
            house.show(f"  {label:<14} {text}")
        if end.held_out_first and end.held_out_last is not None and end.held_out_last >= end.held_out_first:
            house.warn(_("{name} learned nothing that holds on unseen rows: it is no better than its base").format(name=run.job))
        if scored and (end.score_last or 0.0) < (end.score_first or 0.0):
            house.warn(_("{name} answers fewer of the rows kept aside correctly than its base").format(name=run.job))
        house.show(_('next: hub ask {name} "{question}"').format(name=run.job, question=self.question(run.job)))
        house.show(_("      hub chat {name}").format(name=run.job))

    def question(self, name: str) -> str:
        """A held-out question to try, short enough for the line."""
        tutor = self.tutors[name]
        path = tutor.folder / tutor.dataset.eval
        rows = self.house.plugins.read_dataset(path) if path.is_file() else []
        asked = [row.messages[0].content for row in rows if row.messages and row.messages[0].role == "user"]
        short = [text for text in asked if "\n" not in text and not set(text) & set('"`$\\')]
        return min(short, key=len, default="...")

    def say(self, text: str, job: str = "") -> None:
        if self.house.quiet:
            return
        text = f"{job} {text}" if job and self.several else text
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _score(first: float, last: float, rows: int) -> str:
    """Shares of the rows kept aside; of few rows the numbers too, since a share of five says little."""
    shares = _("base {first:.0%} → tutor {last:.0%}").format(first=first, last=last)
    if rows >= MANY:
        return _("{shares} of {rows} rows kept aside").format(shares=shares, rows=rows)
    return _("{shares} ({before} → {after} of {rows} rows: few, a hint rather than a measure)").format(
        shares=shares, before=round(first * rows), after=round(last * rows), rows=rows
    )


def _progress(console: Any) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True),
        console=console,
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
