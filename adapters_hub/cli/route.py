"""``hub route "pregunta"``: which tutor a question is for, and ``--eval``: how often that is right."""

from __future__ import annotations

import sys
import time
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._verdicts import cropped, one_line
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.router import Route, Router, RouterScore, held_out_questions, score_router
from adapters_hub.workspace import tutor_names

if TYPE_CHECKING:
    from adapters_hub.types import Tutor

SHOWN = 5
"""Mistakes that are printed; --verbose prints all."""
LONGEST_QUESTION = 160


@click.command("route")
@click.argument("words", nargs=-1, metavar="[QUESTION]")
@click.option("--present", type=TUTOR, metavar="NAME", help=_("The tutor who has the word: a follow-up stays there."))
@click.option("--eval", "evaluate", is_flag=True, help=_("Route the tutors' held-out questions and say how often that is right."))
@click.option("--limit", type=click.IntRange(0), default=0, metavar="N", help=_("With --eval: N questions only, evenly spread; 0: all."))
@pass_house
def command(house: House, words: tuple[str, ...], present: str | None, evaluate: bool, limit: int) -> None:
    """Say which tutor a question is for.

    Learned from the tutors' own training questions, in a fraction of a second and without a model; it says so where
    it cannot tell. This is what `hub ask auto` and `hub chat auto` go by.
    """
    question = _question(words)
    if evaluate == bool(question):
        raise UsageError(_("either a question or --eval"), hint=_('hub route "..."'))
    tutors = _tutors(house)
    begun = time.perf_counter()
    router = Router.of(tutors, house.plugins)
    seconds = time.perf_counter() - begun
    for name, problem in router.problems.items():
        house.warn(_("{name} takes part by its description only: {problem}").format(name=name, problem=problem))
    if question:
        present_name = house.find_tutor(present).name if present else None
        route = router.route(question, present_name)
        house.emit({"schema": 1, "tutor": route.tutor, "why": route.why, "candidates": dict(route.candidates), "problems": router.problems})
        _print_route(house, route)
        return
    rows, problems = held_out_questions(tutors, house.plugins, limit)
    for name, problem in problems.items():
        house.warn(_("no held-out questions of {name}: {problem}").format(name=name, problem=problem))
    if not rows:
        raise NotFoundError(_("there are no held-out questions"), hint=_("write some into a tutor's data/eval.jsonl"))
    score = score_router(router.route, router.names, rows)
    house.emit({"schema": 1, **score.document(), "build_seconds": seconds, "problems": {**router.problems, **problems}})
    if not house.json:
        _print_score(house, router, score, seconds)


def _question(words: tuple[str, ...]) -> str:
    """What was typed, or for ``-`` what is piped in."""
    if words == ("-",) and sys.stdin is not None:
        return sys.stdin.buffer.read().decode("utf-8", errors="replace").strip()
    return " ".join(words).strip()


def _tutors(house: House) -> list[Tutor]:
    """The tutors of the workspace; one that cannot be read is named and left out."""
    tutors = []
    for name in tutor_names(house.workspace):
        try:
            tutors.append(house.load_tutor(name))
        except HubError as error:
            house.warn(_("{name} is left out: {problem}").format(name=name, problem="; ".join((error.message, *error.details))))
    return tutors


def _print_route(house: House, route: Route) -> None:
    house.show(f"{route.tutor or _('unsure')} · {route.why}")
    width = max(len(name) for name, _share in route.candidates)
    for name, share in route.candidates[:SHOWN]:
        house.show(f"  {name:<{width}}  {_percent(share):>6}")
    if len(route.candidates) > SHOWN:
        house.show("  " + _("and {count} more").format(count=len(route.candidates) - SHOWN))
    if route.tutor is None:
        house.note(_('next: hub ask NAME "..." asks one of them'))


def _print_score(house: House, router: Router, score: RouterScore, seconds: float) -> None:
    """One line that sums up, who was taken for whom, the worst mistakes."""
    from rich.table import Table
    from rich.text import Text

    line = _("{questions:,} held-out questions: {answered:,} answered, {accuracy} of them right; {abstention} left open").format(
        questions=score.questions, answered=score.answered, accuracy=_percent(score.accuracy), abstention=_percent(score.abstention)
    )
    house.show(line)
    house.show(
        _("{median:.2f} ms a question (95 % within {p95:.2f} ms), built from {count} tutors in {seconds:.2f} s").format(
            median=score.milliseconds, p95=score.slowest, count=len(router.names), seconds=seconds
        )
    )
    house.show()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(_("question of"), no_wrap=True)
    chosen = [name for name in (*router.names, "") if any(row[name] for row in score.confusion.values()) or name in score.confusion]
    for name in chosen:
        table.add_column(name or _("unsure"), justify="right", no_wrap=True)
    for tutor, row in score.confusion.items():
        table.add_row(
            tutor, *(Text(f"{row[name]:,}", "green" if name == tutor else "red" if name and row[name] else "") for name in chosen)
        )
    house.show_table(table)
    shown = score.misses if house.verbose else score.misses[:SHOWN]
    if shown:
        house.show()
        house.show(_("worst mistakes:"))
    for miss in shown:
        text = cropped(one_line(miss.question), LONGEST_QUESTION)
        share = _percent(miss.route.candidates[0][1])
        house.show(f"  {miss.where}  {miss.tutor} -> {miss.route.tutor} {share}  {text}")
        house.show(f"    {miss.route.why}")
    if len(shown) < len(score.misses):
        house.show("  " + _("and {count} more (--verbose shows them)").format(count=len(score.misses) - len(shown)))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
