"""The score that chooses among the checkpoints of a tutor: questions kept aside from its training, its answers judged by its validator.

Only rows whose own answer the validator calls correct are asked: where it cannot tell, every answer would look the same. Knows nothing
of engines (it is handed somebody who answers), of training, and of how a validator judges.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from itertools import islice, zip_longest

from adapters_hub.contracts import Answerer, Validator, never
from adapters_hub.conveyor import Hands
from adapters_hub.datasets import conversation_sha256
from adapters_hub.errors import Interrupted
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Attempt, Example, Outcome, Tutor, Verdict
from adapters_hub.workers import available_cores

TRIES = 8
"""So many rows are looked at for each that is wanted, before it is taken as certain that there are no more."""

PATIENCE = 60.0
"""Seconds without any verdict after which the rest of the answers count as not judged: validators promise ten seconds at the most."""

GLANCE = 0.1
"""Seconds between two looks at whether somebody wants to stop."""


@dataclass(frozen=True)
class CheckpointScore:
    """Questions to a tutor, and who judges the answers."""

    tutor: Tutor
    rows: tuple[Example, ...]
    """At least one; the last turn of each is a right answer."""
    validator: Validator

    def score(self, answer: Answerer, stopped: Callable[[], bool] = never) -> float:
        """Share of the rows that are answered correctly, 0 to 1: an answer that nobody can judge earns nothing.

        Raises Interrupted as soon as ``stopped`` says so, and nothing else."""
        questions = [row.messages[:-1] for row in self.rows]
        references = [row.messages[-1].content for row in self.rows]
        texts = answer(questions, max_new_tokens=self.tutor.chat.max_new_tokens, references=references)
        attempts = [_attempt(self.tutor, row, text) for row, text in zip(self.rows, texts, strict=True)]
        verdicts = judge_patiently(self.validator, attempts, stopped)
        return sum(verdict is not None and verdict.outcome == "correct" for verdict in verdicts) / len(self.rows)


@dataclass(frozen=True)
class NoScore:
    """The held-out loss alone chooses."""

    reason: str
    """Why, in half a sentence; empty where nobody asked for one."""


def checkpoint_score_of(tutor: Tutor, rows: Sequence[Example], validator: Validator) -> CheckpointScore | NoScore:
    """A score over at most ``[train] score_rows`` of the rows, spread over their topics; the same rows whenever it is called.

    ``rows`` have their system turn in place and end with an answer."""
    most = tutor.recipe.train.score_rows
    chosen: list[Example] = []
    outcomes: Counter[Outcome] = Counter()
    candidates = islice(_in_order(rows, tutor.recipe.train.seed), TRIES * most)
    while len(chosen) < most and (batch := list(islice(candidates, most))):
        verdicts = judge_patiently(validator, [_attempt(tutor, row, row.messages[-1].content) for row in batch])
        outcomes.update("unverified" if verdict is None else verdict.outcome for verdict in verdicts)
        chosen += [row for row, verdict in zip(batch, verdicts, strict=True) if verdict is not None and verdict.outcome == "correct"]
    if not chosen:
        found = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        names = ", ".join(tutor.validator.use)
        return NoScore(f"of the answers kept aside, none is known to be correct by {names} ({found})")
    return CheckpointScore(tutor, tuple(chosen[:most]), validator)


def _in_order(rows: Sequence[Example], seed: int) -> Iterator[Example]:
    """Rows that say what is expected first, each topic in turn, within a topic by a seeded hash of what they say."""
    for wanted in (True, False):
        topics: dict[str, list[tuple[str, Example]]] = {}
        for row in rows:
            if (row.expected is not None) == wanted:
                topic = row.tags[0] if row.tags else ""
                topics.setdefault(topic, []).append((_shuffled(f"{seed} {conversation_sha256(row)}"), row))
        for members in topics.values():
            members.sort(key=lambda member: member[0])
        in_turn = [topics[topic] for topic in sorted(topics, key=lambda topic: _shuffled(f"{seed} {topic}"))]
        for round_of_topics in zip_longest(*in_turn):
            yield from (member[1] for member in round_of_topics if member is not None)


def _shuffled(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _attempt(tutor: Tutor, row: Example, answer: str) -> Attempt:
    return attempt_of(tutor, [turn for turn in row.messages[:-1] if turn.role != "system"], answer, row.expected)


def judge_patiently(validator: Validator, attempts: Sequence[Attempt], stopped: Callable[[], bool] = never) -> list[Verdict | None]:
    """A verdict on each attempt, on all cores; None for those that a validator which hangs never comes to. Raises Interrupted."""
    hands: Hands[Attempt, Verdict] = Hands(validator.judge, min(available_cores(), max(1, len(attempts))))
    try:
        futures = [hands.give(attempt) for attempt in attempts]
        verdicts: list[Verdict | None] = []
        patient_until = time.monotonic() + PATIENCE
        for future in futures:
            while not future.done() and time.monotonic() < patient_until:
                if stopped():
                    raise Interrupted("the evaluation was cut short")
                wait([future], timeout=GLANCE)
            done = future.done()
            verdicts.append(future.result() if done else None)
            if done and time.monotonic() < patient_until:
                patient_until = time.monotonic() + PATIENCE
        return verdicts
    finally:
        hands.close()
