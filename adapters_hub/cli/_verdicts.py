"""Verdicts as people see them: the same badge and colour wherever one is printed."""

from __future__ import annotations

from collections.abc import Mapping
from gettext import gettext as _
from textwrap import indent
from typing import TYPE_CHECKING

from adapters_hub.answers import BADGES as BADGES
from adapters_hub.cli._house import House
from adapters_hub.errors import printable
from adapters_hub.types import Outcome, Verdict

if TYPE_CHECKING:
    from rich.text import Text

COLORS: Mapping[Outcome, str] = {"correct": "green", "incorrect": "red", "unverified": "yellow"}
WORDS: Mapping[Outcome, str] = {"correct": "correct", "incorrect": "incorrect", "unverified": "unverified"}
AROUND = 300
"""Characters of an answer that are shown on either side of what was judged."""
LONGEST = 1500
"""Characters of what was judged that are shown."""


def one_line(text: str) -> str:
    """Untrusted text for one line of a terminal."""
    return printable(" ".join(text[:4000].split()))


def cropped(text: str, width: int) -> str:
    """``text`` cut to so many columns, with an ellipsis where something is left out."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def gist(verdict: Verdict) -> str:
    """What a verdict says, for a list: its reason, else what was judged."""
    return one_line(verdict.reason or verdict.extracted)


def show_verdict(house: House, verdict: Verdict, answer: str) -> None:
    """A verdict on its own, to stdout: badge, reason, what was judged and where, what would have been right."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = house.console()
    color = COLORS[verdict.outcome]
    facts = [verdict.code, verdict.validator, _time(verdict.seconds)]
    badge = f" {BADGES[verdict.outcome]} {_(WORDS[verdict.outcome])} "
    head = Text.assemble((badge, f"bold {color} reverse") if console.is_terminal else badge.strip())
    console.print(Text.assemble(head, "  ", (" · ".join(fact for fact in facts if fact), "dim")))
    if verdict.reason:
        console.print(Text(one_line(verdict.reason), "bold"))
    if verdict.span is not None:
        console.print()
        marked = _marked(answer, verdict.span, color, plain=console.color_system is None or console.no_color)
        if console.is_terminal:
            console.print(Padding(marked, (0, 0, 0, 2), expand=False))
        else:
            console.print(Text(indent(marked.plain, "  ")), soft_wrap=True)
        console.print()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in (
        (_("got"), verdict.extracted if verdict.expected or verdict.span is None else ""),
        (_("expected"), verdict.expected),
        (_("hint"), verdict.hint),
        (_("evidence"), verdict.evidence),
        (_("warnings"), ", ".join(verdict.warnings)),
    ):
        if text:
            table.add_row(label, Text(_shortened(text)))
    if table.row_count:
        house.show_table(table)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _shortened(text: str) -> str:
    text = printable(text.strip())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _marked(answer: str, span: tuple[int, int], color: str, *, plain: bool) -> Text:
    """The answer around ``span``; what was judged in colour, or between « and » where there is none."""
    from rich.text import Text

    start, end = max(0, min(span[0], len(answer))), max(0, min(span[1], len(answer)))
    before, judged, after = answer[max(0, start - AROUND) : start], _shortened_inside(answer[start:end]), answer[end : end + AROUND]
    before = ("…" if start > AROUND else "") + before.lstrip("\n")
    after = after.rstrip() + ("…" if end + AROUND < len(answer) else "")
    if plain:
        return Text(printable(f"{before}«{judged}»{after}"))
    return Text.assemble((printable(before), "dim"), (printable(judged), f"bold {color} underline"), (printable(after), "dim"))


def _shortened_inside(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
