"""What an evaluation costs: `hub eval` of base and adapter in common batches beside the same questions asked one at a time.

Both ways answer the held-out questions of a tutor on the embedded base, with an adapter of a few steps, and are judged by its
validator; the answers of a batch are judged while the next one is decoded. Prints seconds, tokens per second, what judging added
to the wall clock, and one JSON line. Run: ``python benchmarks/eval.py [TUTOR] [--rows N] [--tokens N]``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from adapters_hub.evaluating import Progress, Saved, evaluate
from adapters_hub.exams import Wishes, exam_of
from adapters_hub.plugins import Plugins, load_plugins
from adapters_hub.training import train_tutors
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import find_workspace

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """One way to evaluate."""

    batch: int
    answers: int
    tokens: int
    decode_seconds: float
    judging_seconds: float
    """From the last decoded token to the last verdict: what judging adds to the wall clock."""
    verdict_seconds: float
    """What all verdicts took together."""

    @property
    def speed(self) -> float:
        """Tokens per second."""
        return self.tokens / self.decode_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tutor", nargs="?", default="sql")
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "tutors"
        shutil.copytree(ROOT / "tutors", workspace, ignore=shutil.ignore_patterns("runs", ".hub"))
        plugins = load_plugins(own_folder=workspace)
        tutor = read_tutor(workspace / options.tutor, find_workspace(workspace), options={"train.max_steps": 4, "train.score_rows": 0})
        list(train_tutors([tutor], plugins))
        costs = {label: cost_of(tutor, plugins, batch, options) for label, batch in (("one at a time", 1), ("in batches", 0))}
    print(f"{'':14} {'answers':>7} {'tokens':>7} {'decoding s':>10} {'tok/s':>7} {'judging s':>9}")
    for label, cost in costs.items():
        row = f"{label:14} {cost.answers:7} {cost.tokens:7} {cost.decode_seconds:10.1f} {cost.speed:7.0f} {cost.judging_seconds:9.2f}"
        print(row)
    ratio = costs["in batches"].speed / costs["one at a time"].speed
    print(f"in batches {ratio:.1f} times the tokens per second")
    print(json.dumps({"benchmark": "eval", "tutor": options.tutor, "ratio": ratio, **{key: asdict(cost) for key, cost in costs.items()}}))


def cost_of(tutor: Tutor, plugins: Plugins, batch: int, options: argparse.Namespace) -> Cost:
    wishes = Wishes(batch=batch, sample=options.rows, limit_tokens=options.tokens)
    decoded: float | None = None
    judged = 0.0
    with plugins.tutor_local(tutor):
        exam, validator = exam_of(tutor, plugins, wishes), plugins.judge_of(tutor)
        for event in evaluate(exam, plugins, validator):
            if isinstance(event, Progress) and event.answered == len(exam.keys):
                judged = time.perf_counter()
                decoded = decoded or judged
            if isinstance(event, Saved):
                evaluation = event.evaluation
    answers = [answer for rows in evaluation.answers.values() for row in rows for answer in row]
    return Cost(
        batch=batch,
        answers=len(answers),
        tokens=evaluation.tokens,
        decode_seconds=evaluation.seconds,
        judging_seconds=judged - (decoded or judged),
        verdict_seconds=sum(answer.verdict.seconds for answer in answers),
    )


if __name__ == "__main__":
    main()
