"""How long a user waits for ``hub --help`` and ``hub list``: medians of whole processes, interpreter included.

Prints a table and one JSON line. Limits of the project: 150 ms and 250 ms.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 21
LIMITS_MS = {"--help": 150, "list": 250}
REPOSITORY = Path(__file__).parent.parent


def main() -> None:
    """Interleave the commands, so that a busy moment of the machine falls on all of them."""
    commands = {"python": ["-c", "pass"], "--help": ["-m", "adapters_hub", "--help"], "list": ["-m", "adapters_hub", "list"]}
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder))
        milliseconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, arguments in commands.items():
                milliseconds[name].append(time_of(arguments, workspace))
    medians = {name: statistics.median(values[1:]) for name, values in milliseconds.items()}
    for name, median in medians.items():
        limit = f"(limit {LIMITS_MS[name]})" if name in LIMITS_MS else ""
        print(f"{name:<8} {median:6.0f} ms median, {min(milliseconds[name]):6.0f} fastest {limit}")
    print(
        json.dumps({"benchmark": "startup", "rounds": ROUNDS - 1, "median_ms": {name: round(value, 1) for name, value in medians.items()}})
    )


def make_workspace(folder: Path) -> Path:
    """Ten tutors, as a teacher may have."""
    sys.path.insert(0, str(REPOSITORY))
    from adapters_hub.scaffolding import make_tutor, make_workspace

    workspace = make_workspace(folder)
    for number in range(10):
        make_tutor(workspace.folder, f"tutor_{number}")
    return folder


def time_of(arguments: list[str], folder: Path) -> float:
    """Wall time of one process, in milliseconds. Byte code is kept, as on any user's machine, but in ``folder``."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
