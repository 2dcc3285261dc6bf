"""Making one container equal to another without replacing it. Needs nothing but the language: it also runs in guests."""

from __future__ import annotations

from typing import Any

MUTABLE = (list, dict, set, bytearray)


def update(old: Any, new: Any) -> None:
    """Make ``old`` equal to ``new`` in place, containers within it included."""
    if isinstance(old, list):
        for place, value in enumerate(new):
            if place < len(old) and _same_kind(old[place], value):
                update(old[place], value)
                new[place] = old[place]
        old[:] = new
    elif isinstance(old, dict):
        for key, value in new.items():
            if key in old and _same_kind(old[key], value):
                update(old[key], value)
                new[key] = old[key]
        old.clear()
        old.update(new)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif hasattr(old, "extend") and hasattr(old, "clear"):  # a deque
        old.clear()
        old.extend(new)


def _same_kind(one: Any, other: Any) -> bool:
    return type(one) is type(other) and isinstance(other, MUTABLE) and one is not other


def differs(one: Any, other: Any) -> bool:
    """Is there any difference in type or value? Anything but plain containers is compared by identity or, of one plain type, by value."""
    if one is other:
        return False
    if type(one) is not type(other):
        return True
    if isinstance(one, (list, tuple)):
        return len(one) != len(other) or any(differs(a, b) for a, b in zip(one, other))  # noqa: B905
    if isinstance(one, dict):
        return len(one) != len(other) or any(key not in other or differs(value, other[key]) for key, value in one.items())
    if type(one) in (int, float, str, bool, bytes, bytearray, complex):
        return bool(one != other)
    if isinstance(one, (set, frozenset)):
        return {(type(item), hash(item)) for item in one} != {(type(item), hash(item)) for item in other}
    return hash(one) != hash(other)


def copied(value: Any) -> Any:
    """A copy of containers within containers, the rest shared."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(copied(item) for item in value)
    return type(value)(value) if isinstance(value, (set, bytearray)) else value


def nearly(one: Any, other: Any) -> bool:
    """Equal but for the last digits of floats, of which there is one at least: ``0.1 + 0.2`` and ``0.3``."""
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        same = [_close(a, b) for a, b in zip(one, other)]  # noqa: B905
        return len(one) == len(other) and all(same) and any(map(nearly, one, other))
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and nearly(list(one.values()), [other[key] for key in one])
    if not (type(one) is float and type(other) in (int, float)) and not (type(one) is int and type(other) is float):
        return False
    try:
        return bool(one != other) and abs(one - other) <= max(1e-12, 1e-9 * max(abs(one), abs(other))) < 1e300
    except OverflowError:
        return False


def _close(one: Any, other: Any) -> bool:
    if type(one) in (int, float, str, bool, bytes, type(None)) and type(one) is type(other) and one == other:
        return True
    return nearly(one, other) or (type(one) is type(other) and isinstance(one, (list, tuple, dict)) and not differs(one, other))
