"""How fast answers can be judged in the sandbox: guests started, asked one thing and ended, a second.

Warm (forks of a warm process, locked in) against a cold, clean interpreter for each answer with no lock at all. Rounds alternate, so that
a busy moment of the machine falls on all of them; the ratio is what travels to other machines. Prints a table and one JSON line.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
ROUNDS = 5
GUESTS = 40
SOURCE = "def f(n):\n    return sum(range(n))\n"


def main() -> None:
    """Measure each way in turns."""
    sys.path.insert(0, str(REPOSITORY))
    from adapters_hub.sandbox import Sandbox, choose_sandbox, unsafe

    sandbox = choose_sandbox()
    plain = unsafe.UnsafeSandbox()

    def one_guest(of: Sandbox) -> None:
        with of.start() as guest:
            guest.run(SOURCE)
            assert guest.call("f", [10]).value == 45

    def warm(number: int) -> None:
        one_guest(sandbox)

    def two_guests(number: int) -> None:
        with sandbox.start() as guest, sandbox.start() as tests:
            guest.run(SOURCE)
            tests.bind("f", lambda args, kwargs: guest.call("f", args, kwargs).value)
            tests.run("assert f(10) == 45")

    warm(0)
    ways: dict[str, Callable[[], float]] = {
        "cold interpreter": lambda: rate(cold, GUESTS // 4, 1),
        "cold guest, no lock": lambda: rate(lambda number: one_guest(plain), GUESTS // 4, 1),
        "guest, 1 thread": lambda: rate(warm, GUESTS, 1),
        "guest, 2 threads": lambda: rate(warm, GUESTS, 2),
        "answer + tests, 2 threads": lambda: rate(two_guests, GUESTS // 2, 2),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, measure in ways.items():
            rates[name].append(measure())
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"tier {sandbox.tier}, medians of {ROUNDS} rounds")
    for name, median in medians.items():
        print(f"{name:<26} {median:7.1f} a second   {median / medians['cold interpreter']:5.1f} x cold")
    print(
        json.dumps({"benchmark": "sandbox", "tier": sandbox.tier, "per_second": {name: round(value, 1) for name, value in medians.items()}})
    )


def rate(work: Callable[[int], None], count: int, threads: int) -> float:
    """Calls of ``work`` a second."""
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(count)))
    return count / (time.perf_counter() - started)


def cold(number: int) -> None:
    """A fresh interpreter that runs the same program."""
    program = f"{SOURCE}assert f(10) == 45"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-I", "-S", "-c", program], cwd=folder, env={}, check=True)


if __name__ == "__main__":
    main()
