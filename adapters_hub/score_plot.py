"""Draws the scores of an evaluation as a PNG: what became of each side's answers, and the scores by topic. Knows nothing else of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters_hub.scores import Group, Score

COLORS = {"correct": "#4c9a62", "unverified": "#d9d9d9", "incorrect": "#c2512f"}
SIDES = ("#a9bcd6", "#c9a24a", "#1f4e79")
"""Colours of the base, of what stands between, and of the side that it is about."""
TOPICS = 12


def draw_scores(scores: Mapping[str, Score], topics: Sequence[Group], path: Path, *, title: str) -> None:
    """Write outcomes (share of the answers, with the 95 % interval of the score) and topics to ``path``, replacing it whole."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [group for group in topics if group.rows > 1][:TOPICS] or list(topics[:TOPICS])
    figure = Figure(figsize=(10 if shown else 6, 1.6 + 0.42 * max(len(scores) + 1, len(shown))), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if shown else 1, squeeze=False)[0]
    figure.suptitle(title, fontsize=10, parse_math=False)
    _draw_outcomes(panels[0], scores)
    if shown:
        _draw_topics(panels[1], list(scores), shown)
    draft = path.with_name(f".{path.name}.tmp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a topic in letters that the font lacks is no concern of whoever evaluates
        figure.savefig(draft, format="png")
    os.replace(draft, path)


def _draw_outcomes(axes: Any, scores: Mapping[str, Score]) -> None:
    places = range(len(scores))
    begun = [0.0] * len(scores)
    for outcome, color in COLORS.items():
        shares = [getattr(score, outcome) / max(1, score.answers) for score in scores.values()]
        axes.barh(places, shares, left=begun, color=color, height=0.6, label=outcome)
        begun = [left + share for left, share in zip(begun, shares, strict=True)]
    values = [score.score for score in scores.values()]
    below = [max(0.0, score.score - score.interval.low) for score in scores.values()]
    above = [max(0.0, score.interval.high - score.score) for score in scores.values()]
    axes.errorbar(values, places, xerr=(below, above), fmt="none", ecolor="#222222", elinewidth=1.2, capsize=3)
    axes.set_yticks(places, list(scores))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the answers")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _draw_topics(axes: Any, sides: Sequence[str], groups: Sequence[Group]) -> None:
    """One line a topic, from the lowest side to the highest."""
    places = range(len(groups))
    axes.hlines(places, [min(g.scores.values()) for g in groups], [max(g.scores.values()) for g in groups], color="#d9d9d9", linewidth=2)
    for side, color in zip(sides, (*SIDES[: len(sides) - 1], SIDES[-1]), strict=True):
        axes.plot([group.scores[side] for group in groups], places, "o", color=color, markersize=6, label=side)
    axes.set_yticks(places, [f"{group.name[:24]} ({group.rows})" for group in groups], fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.set(xlim=(-0.03, 1.03), xlabel="score by topic")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
