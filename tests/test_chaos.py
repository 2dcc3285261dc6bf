"""Under chaos every answer is that of its own tutor, and a wrong one would be noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chaos_storm import Storm, World, storm

from adapters_hub.engine.registry import Lease, Registry

COUNT = 10_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.close()


def test_of_ten_thousand_answers_none_is_wrong(world: World) -> None:
    tally, _ = storm(world, count=COUNT)
    assert tally.wrong == []
    assert tally.asked == COUNT
    assert tally.left == 0, "every claim on a slot comes back"
    assert tally.right > 0.7 * COUNT
    assert tally.cancelled > 0.02 * COUNT, "the storm must have its cancels"
    assert tally.failed > 0.002 * COUNT, "poisoned questions fail"
    assert tally.changes > 20 and tally.refused > 1
    assert {"poisoned prompts", "before", "after", "memory"} <= set(tally.faults)


def test_one_slot_taken_for_another_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = Registry.lease
    wrong: dict[str, Lease] = {}

    def confused(self: Registry, name: str | None) -> Lease:
        """A registry that knows ``sql2`` by the slot of ``sql``, the mistake that names with a common beginning invite."""
        found = lease(self, name)
        if name == "sql":
            wrong[name] = found
        return replace(found, slot=wrong["sql"].slot) if name == "sql2" and "sql" in wrong else found

    monkeypatch.setattr(Registry, "lease", confused)
    tally = _calm_storm(world)
    assert tally.wrong
    assert all("sql2" in line for line in tally.wrong)


def test_keys_and_values_shared_between_adapters_are_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters_hub.engine.admission import Admission
    from adapters_hub.engine.prefixes import Owner

    monkeypatch.setattr(Admission, "owner", lambda self, lease, user="": Owner("", self.template, user))
    assert _calm_storm(world).wrong


def _calm_storm(world: World) -> Any:
    """No faults and no changes, and room for everybody."""
    engine = world.open(rows=16)
    try:
        calm = Storm(world, engine, count=300, threads=2, meddling=False, faults=False)
        return calm.run()
    finally:
        engine.close()
