"""A storm of 100,000 questions: how many were answered by the wrong tutor, or with a wrong token.

The right answers come from a plain decode loop that asks one question at a time; see ``tests/chaos_storm.py`` for what the storm does
to the engine. Prints a table and one JSON line, and ends with 1 if anything was wrong. Took nine and a half minutes on two processors that
several other programs shared.
Run: ``python benchmarks/chaos.py [--count 100000] [--threads 6] [--seed 0]``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from chaos_storm import World, storm  # noqa: E402  (it lies among the tests)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        tally, seconds = storm(world, count=options.count, threads=options.threads, seed=options.seed)
        world.close()
    rows = {
        "questions": tally.asked,
        "right": tally.right,
        "cancelled, text so far right": tally.cancelled,
        "failed as they had to": tally.failed,
        "WRONG": len(tally.wrong),
        "adapters changed meanwhile": tally.changes,
        "adapters of another base refused": tally.refused,
        **{f"injected: {name}": count for name, count in sorted(tally.faults.items())},
    }
    for name, count in rows.items():
        print(f"{name:34}  {count:>8,}")
    for line in tally.wrong[:20]:
        print(line, file=sys.stderr)
    print(json.dumps({"benchmark": "chaos", **vars(options), "seconds": seconds, "per_second": tally.asked / seconds, **rows}))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
