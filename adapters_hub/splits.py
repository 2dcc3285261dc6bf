"""Which rows a tutor learns from and which are kept aside, chosen by what they say.

Knows nothing of files, tokens and tutors, nor of what makes two questions nearly the same: see ``near_duplicates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters_hub.datasets import conversation_sha256
from adapters_hub.errors import DataError
from adapters_hub.near_duplicates import near_duplicates
from adapters_hub.types import Example


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows to measure the held-out loss on; both in file order."""

    train: list[Example]
    validation: list[Example]


def split(examples: Sequence[Example], share: float, groups: Sequence[Sequence[int]] | None = None) -> Split:
    """Keep about ``share`` (0 to 0.5) of the rows aside, chosen by what they say: a row stays on its side when others are added.

    Near-duplicates go to the same side: the smallest hash of their group decides. With two groups or more neither side is empty
    (for a share above 0), and a group of more than half of all rows is always learned from. ``groups`` are the near-duplicates
    of ``examples`` where they are known already.
    Raises DataError for rows without a last answer, since there is nothing to learn from them."""
    unanswered = [example.where for example in examples if example.messages[-1].role != "assistant"]
    if unanswered:
        raise DataError(
            f"{len(unanswered)} rows end with the user's turn: there is no answer to learn",
            hint="questions without an answer belong into the file of [dataset] eval",
            details=[f"{where}: the last turn is the user's" for where in unanswered],
        )
    if share <= 0 or not examples:
        return Split(list(examples), [])
    hashes = [conversation_sha256(example) for example in examples]
    members = {min(hashes[index] for index in group): group for group in (near_duplicates(examples) if groups is None else groups)}
    chosen = {key for key, group in members.items() if _fraction(key) < share and 2 * len(group) <= len(examples)}
    if len(members) > 1:
        in_turn = sorted(members, key=_fraction)
        if not chosen:
            chosen = {next(key for key in in_turn if 2 * len(members[key]) <= len(examples))}
        elif len(chosen) == len(members):
            chosen.remove(in_turn[-1])
    held_out = {index for key in chosen for index in members[key]}
    return Split(
        [example for index, example in enumerate(examples) if index not in held_out],
        [example for index, example in enumerate(examples) if index in held_out],
    )


def _fraction(digest: str) -> float:
    """0 to 1 from the last digits of a hash: the first ones already decided which member of a group is the smallest."""
    return int(digest[-13:], 16) / 16**13
