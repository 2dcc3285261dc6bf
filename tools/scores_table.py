"""Write the table of scores between its marks in README.md from what `hub eval` left in the tutors' runs: the end of `make scores`.

    python tools/scores_table.py tutors matematicas algoritmos sql

Reads files only; whatever they say is what the table says.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- scores: begin -->", "<!-- scores: end -->"
HEAD = """\
| tutor | questions | base right | tutor right | difference, 95 % interval | p | held-out loss |
|---|---|---|---|---|---|---|
"""


def table_of(documents: Sequence[Mapping[str, Any]], manifests: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown, one row for each evaluation and the manifest of its run."""
    return HEAD + "".join(_row(document, manifest) for document, manifest in zip(documents, manifests, strict=True))


def _row(document: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    base, tutor = document["sides"]["base"], document["sides"]["adapter"]
    difference = next(entry for entry in document["differences"] if (entry["side"], entry["other"]) == ("adapter", "base"))
    low, high = (100 * difference["interval"][end] for end in ("low", "high"))
    p = "< 0.001" if difference["p"] < 0.001 else f"{difference['p']:.3f}"
    metrics = manifest["metrics"]
    losses = f"{metrics['held_out_first']:.2f} → {metrics['held_out_last']:.2f}"
    cells = (
        document["tutor"],
        tutor["rows"],
        _share(base),
        _share(tutor),
        f"{100 * difference['points']:+.0f} points ({low:+.0f} to {high:+.0f})",
        p,
        losses,
    )
    return "| " + " | ".join(map(str, cells)) + " |\n"


def _share(side: Mapping[str, Any]) -> str:
    return f"{side['correct']} ({side['score']:.0%})"


def with_table(text: str, table: str) -> str:
    """``text`` with ``table`` between the marks. Raises ValueError where there are none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} ... {END}")
    return f"{before}{begin}\n{table}{end}{after}"


def newest_evaluation(tutor: Path) -> Path:
    """``eval.json`` of the tutor's newest run that has one. Raises SystemExit with what to type."""
    found = sorted(tutor.glob("runs/*/eval.json"))
    if not found:
        raise SystemExit(f"{tutor} has no evaluation: hub eval {tutor.name}")
    return found[-1]


def main(arguments: Sequence[str]) -> None:
    """Read, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workspace", type=Path, help="folder of the tutors")
    parser.add_argument("tutors", nargs="+")
    parser.add_argument("--readme", type=Path, default=README)
    options = parser.parse_args(arguments)
    evaluations = [newest_evaluation(options.workspace / name) for name in options.tutors]
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in evaluations]
    manifests = [json.loads((file.parent / "manifest.json").read_text(encoding="utf-8")) for file in evaluations]
    table = table_of(documents, manifests)
    print(table, end="")
    options.readme.write_text(with_table(options.readme.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
