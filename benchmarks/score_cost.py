"""What choosing checkpoints by score costs: the same training on the embedded base with and without it, as whole processes.

Every answer is judged by a validator that calls long ones correct: only the time counts here, and CPU time, since wall time on a busy
machine says little. Prints a table and one JSON line. Run: ``python benchmarks/score_cost.py [TUTOR ...]``, by default both demo tutors.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

VALIDATOR = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Judge:
    def judge(self, attempt):
        return Verdict("correct" if len(attempt.answer.split()) >= 15 else "incorrect")

@hookimpl
def hub_validators():
    return [ValidatorSpec("long_NAME", "answers of some length", lambda options: Judge())]
"""


def main() -> None:
    tutors = sys.argv[1:] or ["algoritmos", "sql"]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "tutors"
        shutil.copytree(ROOT / "tutors", workspace, ignore=shutil.ignore_patterns("runs", ".hub"))
        for name in tutors:
            (workspace / name / "validator.py").write_text(VALIDATOR.replace("NAME", name), encoding="utf-8")
            (workspace / name / "tutor.toml").write_text(f'[validator]\nuse = ["long_{name}"]\n', encoding="utf-8")
        without, scored = (train(workspace, tutors, rows) for rows in (0, 16))
        scores = {}
        for name in tutors:
            newest = max((workspace / name / "runs").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
            metrics = json.loads(newest.read_text(encoding="utf-8"))["metrics"]
            scores[name] = [metrics["score_rows"], metrics["score_first"], metrics["score_last"]]
    for title, (wall, processor) in (("without", without), ("with", scored)):
        print(f"{title:>8}: {processor:6.1f} CPU s, {wall:6.1f} s on the clock")
    figures = {
        "benchmark": "score_cost",
        "tutors": tutors,
        "cpu_seconds": [round(without[1], 1), round(scored[1], 1)],
        "wall_seconds": [round(without[0], 1), round(scored[0], 1)],
        "cpu_overhead": round(scored[1] / without[1] - 1, 3),
        "rows_first_last": scores,
    }
    print(f"scoring adds {figures['cpu_overhead']:.0%} of CPU time")
    print(json.dumps(figures))


def train(workspace: Path, tutors: list[str], score_rows: int) -> tuple[float, float]:
    """Seconds on the clock and of processor time."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "adapters_hub", "train", *(str(workspace / name) for name in tutors)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HUB_TRAIN_SCORE_ROWS": str(score_rows), "HUB_YES": "1"},
        cwd=workspace.parent,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
