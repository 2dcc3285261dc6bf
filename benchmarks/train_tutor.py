"""What a student's first training costs: `hub train tutors/algoritmos` on the embedded base, as a whole process.

Both sides of the claim come from one run: the untouched base's held-out loss and the trained tutor's. Prints wall and CPU
seconds, peak resident memory, the fall of the held-out loss, and one JSON line. Run: ``python benchmarks/train_tutor.py [TUTOR]``.
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


def main() -> None:
    tutor = sys.argv[1] if len(sys.argv) > 1 else "algoritmos"
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "tutors"
        shutil.copytree(ROOT / "tutors", workspace, ignore=shutil.ignore_patterns("runs", ".hub"))
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "adapters_hub", "train", str(workspace / tutor)],
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
            cwd=folder,
        )
        wall = time.perf_counter() - begun
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        (manifest,) = (workspace / tutor / "runs").glob("*/manifest.json")
        metrics = json.loads(manifest.read_text(encoding="utf-8"))["metrics"]
    fall = 1 - metrics["held_out_last"] / metrics["held_out_first"]
    figures = {
        "benchmark": "train_tutor",
        "tutor": tutor,
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_resident_mb": round(usage.ru_maxrss * 1024 / 1e6),
        "held_out_first": round(metrics["held_out_first"], 3),
        "held_out_last": round(metrics["held_out_last"], 3),
        "held_out_fall": round(fall, 3),
        "steps": metrics["steps"],
        "tokens_per_second": round(metrics["tokens"] / metrics["seconds"]),
    }
    losses = f"{figures['held_out_first']} -> {figures['held_out_last']} (-{fall:.0%})"
    print(f"\n{tutor}: {wall:.0f} s, {figures['peak_resident_mb']} MB, held-out loss {losses}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
