"""How the cost of a function grows with the size of its argument, measured in a guest of its own.

Sizes double until the budget is spent; what cannot be measured stays unknown. Knows nothing of claims.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

from adapters_hub.sandbox import Failure, Guest, Limits, Sandbox
from hub_code.costs import Measured
from hub_code.inputs import Domain, scalable, scaled

MOST_LINES = 150_000
"""Of one call: tracing them takes about a tenth of a second."""
SIZES = tuple(8 * 2**power for power in range(13))
STEPS = tuple(range(6, 19, 2))
"""Sizes for functions that explode when the size doubles."""
FAR = 512
"""Sizes that the clock cut short before this one show how busy the machine is, not how the function grows: what is bounded still grows."""


def place_of_n(domain: Domain) -> int | None:
    """The one argument whose size, or value, is what everybody would call n; None where there is a choice."""
    places = scalable(domain)
    sized = [place for place in places if domain.shapes[place].kind != "int"]
    if len(sized) > 1 or any(shape.kind in ("dict", "set", "frozenset", "pick", "row") for shape in domain.shapes):
        return None
    if sized:
        shape = domain.shapes[sized[0]]
        nested = shape.items and shape.items[0].kind not in ("int", "float", "str", "bool")
        return None if nested else sized[0]
    return places[0] if len(domain.shapes) == 1 and places else None


def measure(sandbox: Sandbox, source: str, name: str, domain: Domain, place: int, seconds: float) -> list[Measured]:
    """Costs at growing sizes; an empty list when it cannot be measured."""
    deadline = time.monotonic() + seconds
    with sandbox.start(Limits(seconds=seconds, cpu_seconds=max(1.0, seconds))) as guest:
        try:
            guest.run(source)
            guest.run(_meter(), "meter")
        except Failure:
            return []
        found = _along(guest, name, domain, place, SIZES, deadline)
        if len(found) < 4 and time.monotonic() < deadline and domain.shapes[place].kind in ("int", "list") and not guest.ended:
            found = _along(guest, name, domain, place, STEPS, deadline)
    return found


def _along(guest: Guest, name: str, domain: Domain, place: int, sizes: tuple[int, ...], deadline: float) -> list[Measured]:
    found: list[Measured] = []
    for size in sizes:
        started = time.monotonic()
        try:
            arguments = scaled(domain, place, size)
            cost = guest.call("_hub_cost", [name, arguments, MOST_LINES]).value
        except (Failure, ValueError, TypeError, IndexError):
            break
        if not (isinstance(cost, tuple) and len(cost) == 2 and isinstance(cost[0], int) and isinstance(cost[1], float)):
            break
        found.append(Measured(size, cost[0], cost[1]))
        now = time.monotonic()
        if now + 3 * (now - started) > deadline:
            return found if size >= FAR or sizes is STEPS else []
    return found


@lru_cache(maxsize=1)
def _meter() -> str:
    source = Path(__file__).with_name("meter.py").read_text(encoding="utf-8")
    return (
        "import types as _hub_types\n"
        "_hub_module = _hub_types.ModuleType('meter')\n"
        f"exec(compile({source!r}, '<meter>', 'exec', dont_inherit=True), vars(_hub_module))\n"
        "def _hub_cost(name, arguments, most): return _hub_module.cost(globals()[name], arguments, most)\n"
    )
