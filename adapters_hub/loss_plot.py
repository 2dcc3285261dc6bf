"""Draws the loss curve of a run as a PNG from its log lines. Knows the log's field names and nothing else of training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def draw_loss(log: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Write training and held-out loss (nats per supervised token) over steps to ``path``, replacing it whole."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [line for line in log if line.get("event") == "step"]
    held_out = [(line["step"], line["held_out_loss"]) for line in steps if line.get("held_out_loss") is not None]
    first = next((line.get("held_out_loss") for line in log if line.get("event") == "start"), None)
    if first is not None:
        held_out.insert(0, (0, first))
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([line["step"] for line in steps], [line["loss"] for line in steps], color="#8aa4c8", linewidth=1.2, label="training")
    if held_out:
        axes.plot(*zip(*held_out, strict=True), color="#c2512f", marker="o", markersize=4, linewidth=1.8, label="held out")
        step, loss = min(held_out, key=lambda point: point[1])
        axes.annotate(f"{loss:.2f}", (step, loss), textcoords="offset points", xytext=(0, 8), ha="center", color="#c2512f")
    axes.set(xlabel="optimizer step", ylabel="loss (nats per token)", title=title)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    draft = path.with_name(f".{path.name}.tmp")
    figure.savefig(draft, format="png")
    os.replace(draft, path)
