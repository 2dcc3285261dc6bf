"""Draws what a dataset is made of as a PNG: topics by difficulty, lengths, and how much of it is verified. Knows nothing else of it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters_hub.composition import DIFFICULTIES, WITHOUT_TOPIC, Lengths, Part, topic_table

LEVELS: dict[int | None, str] = {1: "#bcd0e5", 2: "#6f9bc8", 3: "#1f4e79", None: "#d9d9d9"}
NAMES: dict[int | None, str] = {1: "easy", 2: "medium", 3: "hard", None: "not said"}
SIDES = {"train": "#8aa4c8", "eval": "#c2512f"}
TITLES = {"train": "training", "eval": "held-out"}
OUTCOMES = {"correct": "#4c9a62", "unverified": "#d9d9d9", "incorrect": "#c2512f"}
TOPICS = 20
LONGEST_TOPIC = 22
BINS = 24
FEWEST_BARS = 8
"""There is room for so many topics: a few have bars of the same height as many."""


def draw_composition(parts: Sequence[Part], path: Path, *, title: str, max_tokens: int = 0) -> None:
    """Write the picture to ``path``, replacing it whole. ``max_tokens``: where training cuts; 0: nowhere."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    topics = list(topic_table(parts).items())
    shown = topics[:TOPICS]
    figure = Figure(figsize=(12, max(5.2, 1.9 + 0.27 * len(shown))), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12, parse_math=False)
    judged = [part for part in parts if part.judged is not None and part.judged.judged]
    ratios = [1.6, 1.6, 1, 1] if judged else [1.6, 1.6, 1]
    grid = figure.add_gridspec(len(ratios), len(parts) + 1, width_ratios=[*([1.6, 1.0][: len(parts)]), 1.9], height_ratios=ratios)
    first: Any = None
    for place, part in enumerate(parts):
        axes = figure.add_subplot(grid[:, place], sharey=first)
        _draw_topics(axes, part, place, shown, left_out=len(topics) - len(shown))
        first = first or axes
    _draw_lengths(figure.add_subplot(grid[0, -1]), parts, max_tokens)
    _draw_words(figure.add_subplot(grid[1, -1]), parts)
    levels = {NAMES[level]: [part.difficulty[level] / part.rows for part in parts] for level in NAMES}
    colors = {NAMES[level]: color for level, color in LEVELS.items()}
    _draw_shares(figure.add_subplot(grid[2, -1]), "difficulty", parts, levels, colors)
    if judged:
        outcomes = {name: [_share_of(part, name) for part in judged] for name in OUTCOMES}
        _draw_shares(figure.add_subplot(grid[3, -1]), "the rows' own answers, by the tutor's validator", judged, outcomes, OUTCOMES)
    draft = path.with_name(f".{path.name}.tmp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a topic in letters that the font lacks is no concern of whoever counts
        figure.savefig(draft, format="png")
    os.replace(draft, path)


def _draw_topics(axes: Any, part: Part, place: int, topics: Sequence[Any], *, left_out: int) -> None:
    """One bar a topic, its difficulties side by side in it."""
    places = range(len(topics))
    begun = [0] * len(topics)
    for level in (*DIFFICULTIES, None):
        counts = [sides[place].get(level, 0) for _, sides in topics]
        if not any(counts):
            continue
        axes.barh(places, counts, left=begun, color=LEVELS[level], height=0.75, label=NAMES[level])
        begun = [left + count for left, count in zip(begun, counts, strict=True)]
    for row, whole in enumerate(begun):
        if whole:
            axes.annotate(f"{whole:,}", (whole, row), textcoords="offset points", xytext=(3, 0), va="center", fontsize=7, color="#555555")
    names = ["no topic" if topic == WITHOUT_TOPIC else _cut(topic) for topic, _ in topics]
    axes.set_yticks(places, names, fontsize=8, parse_math=False)
    axes.set_title(f"{TITLES[part.file.use]}: {part.rows:,} rows by topic", fontsize=10)
    more = f" ({left_out} topics more)" if left_out and place == 0 else ""
    axes.set_xlabel("rows; one with several topics counts for each" + more if place == 0 else "rows", fontsize=8)
    axes.margins(x=0.1)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelleft=place == 0)
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if place == 0:
        axes.set_ylim(max(len(topics), FEWEST_BARS) - 0.4, -0.6)
        if part.difficulty[None] < part.rows:
            axes.legend(frameon=False, fontsize=8, loc="lower right", title="difficulty", title_fontsize=8)


def _draw_lengths(axes: Any, parts: Sequence[Part], max_tokens: int) -> None:
    """Tokens of whole rows, each side as shares of its own."""
    known = [(part, part.tokens) for part in parts if part.tokens is not None]
    axes.set_title("tokens of a row, system turn included" if known else "tokens of a row: not counted", fontsize=10)
    _histograms(axes, known)
    longest = max((lengths.high for _, lengths in known), default=0)
    if max_tokens and longest > 0.8 * max_tokens:
        axes.axvline(max_tokens, color="#222222", linewidth=1, linestyle=":")
        axes.annotate(f"max_tokens {max_tokens}", (max_tokens, 1), xycoords=("data", "axes fraction"), xytext=(-4, -4),
                      textcoords="offset points", ha="right", va="top", fontsize=7)  # fmt: skip


def _draw_words(axes: Any, parts: Sequence[Part]) -> None:
    """Words of questions and answers, as boxes: the middle half, the median, 5 % to 95 %."""
    rows = [(f"{kind}, {TITLES[part.file.use]}", part, lengths) for kind, part, lengths in _spoken(parts) if lengths is not None]
    for place, (_, part, lengths) in enumerate(rows):
        axes.plot([lengths.p5, lengths.p95], [place, place], color="#999999", linewidth=1.2)
        axes.barh(place, lengths.p75 - lengths.p25, left=lengths.p25, color=SIDES[part.file.use], height=0.55)
        axes.plot([lengths.median] * 2, [place - 0.27, place + 0.27], color="#222222", linewidth=1.5)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=8)
    axes.tick_params(axis="y", length=0)
    if rows:
        axes.invert_yaxis()
    axes.set_title("words: median, middle half, 5 % to 95 %", fontsize=10)
    axes.set_xlim(left=0)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _spoken(parts: Sequence[Part]) -> list[tuple[str, Part, Lengths | None]]:
    return [("question", part, part.questions) for part in parts] + [("answer", part, part.replies) for part in parts]


def _draw_shares(axes: Any, title: str, parts: Sequence[Part], bars: Mapping[str, Sequence[float]], colors: Mapping[str, str]) -> None:
    """One bar a file, divided: ``bars`` has the share of each kind in each file."""
    places = range(len(parts))
    begun = [0.0] * len(parts)
    for name, shares in bars.items():
        if any(shares):
            drawn = axes.barh(places, shares, left=begun, color=colors[name], height=0.6, label=name)
            dark = colors[name] in (LEVELS[3], OUTCOMES["correct"], OUTCOMES["incorrect"])
            labels = [f"{share:.0%}" if share >= 0.06 else "" for share in shares]
            axes.bar_label(drawn, labels, label_type="center", fontsize=8, color="white" if dark else "#222222")
        begun = [left + share for left, share in zip(begun, shares, strict=True)]
    axes.set_yticks(places, [TITLES[part.file.use] for part in parts], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_title(title, fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 0.02))


def _share_of(part: Part, outcome: str) -> float:
    assert part.judged is not None
    return part.judged.outcomes[outcome] / part.judged.judged  # type: ignore[index]


def _histograms(axes: Any, known: Sequence[tuple[Part, Lengths]]) -> None:
    if known:
        low, high = min(lengths.low for _, lengths in known), max(lengths.high for _, lengths in known)
        bins = min(BINS, 4 + max(lengths.count for _, lengths in known) // 4)
        width = max(1.0, (high - low) / bins)
        edges = [low + width * step for step in range(bins + 1)]
        for part, lengths in known:
            weights = [1 / lengths.count] * lengths.count
            side = part.file.use
            label = f"{TITLES[side]}, median {lengths.median:,}"
            filled = side == "train"
            axes.hist(lengths.values, bins=edges, weights=weights, color=SIDES[side], label=label, linewidth=1.6,
                      histtype="stepfilled" if filled else "step", alpha=0.7 if filled else 1.0)  # fmt: skip
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.legend(frameon=False, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("share of the rows", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TOPIC else f"{text[: LONGEST_TOPIC - 1]}…"
