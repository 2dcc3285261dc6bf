"""Draws the loss curve of a run as a PNG from its log lines, and its scores where there are any. Knows the log's field names and nothing
else of training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def draw_loss(log: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Write training and held-out loss (nats per supervised token) and score over steps to ``path``, replacing it whole."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [line for line in log if line.get("event") == "step"]
    held_out, scores = _evaluations(log, "held_out_loss"), _evaluations(log, "score")
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([line["step"] for line in steps], [line["loss"] for line in steps], color="#8aa4c8", linewidth=1.2, label="training")
    if held_out:
        axes.plot(*zip(*held_out, strict=True), color="#c2512f", marker="o", markersize=4, linewidth=1.8, label="held out")
        kept = next((line["step"] for line in reversed(steps) if line.get("best")), None)
        step, loss = next((point for point in held_out if point[0] == kept), min(held_out, key=lambda point: point[1]))
        axes.annotate(f"{loss:.2f}", (step, loss), textcoords="offset points", xytext=(0, 8), ha="center", color="#c2512f")
    axes.set(xlabel="optimizer step", ylabel="loss (nats per token)", title=title)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    lines = list(axes.get_lines())
    if scores:
        right = axes.twinx()
        lines += right.plot(*zip(*scores, strict=True), color="#3f8f4f", marker="s", markersize=4, linewidth=1.4, label="score")
        right.set(ylabel="score", ylim=(0, 1.05))
        right.yaxis.set_major_formatter("{x:.0%}")
        right.spines[["top"]].set_visible(False)
    axes.legend(handles=lines, frameon=False)
    draft = path.with_name(f".{path.name}.tmp")
    figure.savefig(draft, format="png")
    os.replace(draft, path)


def _evaluations(log: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    """Step and value of each evaluation that has one; step 0 is the untouched base."""
    marks = [(0, line) for line in log if line.get("event") == "start"][:1]
    marks += [(line["step"], line) for line in log if line.get("event") == "step"]
    return [(step, line[name]) for step, line in marks if line.get(name) is not None]
