"""Runs in the guest of the candidate: does what the tests ask for and keeps the containers that it hands out.

A list that leaves a guest is a copy. So that tests may change what they were given, as in ``nodo.hijos.append(x)``, and see what the
answer changes later, the original is kept under a number. A hostile candidate may tamper with all of this and gains nothing: it
could return anything in the first place.
"""

from __future__ import annotations

from typing import Any

from hub_code.in_place import MUTABLE, update

MOST = 64


class Keeper:
    """What was handed out, by number."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._kept: dict[int, Any] = {}
        self._count = 0

    def perform(self, kind: str, target: Any, arguments: list[Any], keywords: dict[str, Any]) -> tuple[Any, int, int]:
        """The value; which argument it is, else -1; and the number it is kept under, else -1."""
        if kind == "attribute":
            return self._keep(getattr(target, arguments[0]))
        if kind == "item":
            return self._keep(target[arguments[0]])
        function = self._namespace[target] if kind == "name" else getattr(target, arguments.pop(0)) if kind == "method" else target
        value = function(*arguments, **keywords)
        if isinstance(value, MUTABLE):
            for place, argument in enumerate(arguments):
                if argument is value:
                    return None, place, -1
        return self._keep(value)

    def tangled(self, number: int) -> bool:
        """Does it hold one container in two places, as ``[[0] * 2] * 2`` does? Copies of it do not."""
        waiting = [self._kept.get(number)]
        seen: set[int] = set()
        while waiting and len(seen) < 1000:
            one = waiting.pop()
            if isinstance(one, (*MUTABLE, tuple)):
                if id(one) in seen and isinstance(one, MUTABLE):
                    return True
                seen.add(id(one))
                waiting += one.values() if isinstance(one, dict) else one
        return False

    def push(self, number: int, content: Any) -> None:
        """The tests have changed what they were given."""
        if number in self._kept:
            update(self._kept[number], content)

    def pull(self, numbers: list[int]) -> list[Any]:
        """What became of some of it meanwhile."""
        return [self._kept.get(number) for number in numbers]

    def _keep(self, value: Any) -> tuple[Any, int, int]:
        if type(value) not in MUTABLE:
            return value, -1, -1
        for number, other in self._kept.items():
            if other is value:
                return value, -1, number
        self._count += 1
        self._kept[self._count] = value
        if len(self._kept) > MOST:
            del self._kept[min(self._kept)]
        return value, -1, self._count
