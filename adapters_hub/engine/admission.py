"""Who comes into the batch next: turns, places, memory, slots, and what of a prompt need not be computed.

Those who had to be set aside come first, then whoever is next in the queue and fits. Knows nothing of forwards and tokens to come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from adapters_hub.engine.answer_batch import Running
from adapters_hub.engine.fair_queue import FairQueue
from adapters_hub.engine.generation import Prompt, Row
from adapters_hub.engine.prefixes import Owner, Prefixes
from adapters_hub.engine.registry import Lease, NoRoomError
from adapters_hub.engine.tickets import AnswerTicket

ROWS = 32
"""Answers computed at once."""
QUEUE = 1000
"""Questions that may wait."""
TOGETHER = 4096
"""Tokens of prompts that are computed together, unless a single one is longer."""
LEAST = 16
"""An opening of fewer tokens is not worth keeping."""
MERCY = 64
"""So many others may overtake a question that does not fit at the moment; then they wait until it does."""


class Leases(Protocol):
    """What the scheduler asks of a registry."""

    def lease(self, name: str | None) -> Lease: ...

    def ready(self, name: str | None, tell: Callable[[], None]) -> bool: ...

    def release(self, lease: Lease) -> None: ...


@dataclass(frozen=True)
class Limits:
    """How much at once."""

    rows: int = ROWS
    queue: int = QUEUE
    cache_bytes: int = 1 << 62
    """Memory for keys and values of answers under way."""
    token_bytes: int = 0
    """Keys and values of one token, in all layers."""


@dataclass(eq=False)
class Answer(Running):
    """A row of the batch, its ticket and its claim on a slot."""

    ticket: AnswerTicket | None = None
    lease: Lease | None = None
    alone: bool = False
    """Computed by itself, after it was part of something that failed."""

    @property
    def most(self) -> int:
        """Tokens that it may come to hold."""
        return len(self.row.prompt.ids) + self.row.prompt.limit


def answer_of(running: Running) -> Answer:
    assert isinstance(running, Answer)
    return running


def ticket_of(running: Running) -> AnswerTicket:
    ticket = answer_of(running).ticket
    assert ticket is not None
    return ticket


class Admission:
    """The queue, and those who have begun and have to begin again."""

    def __init__(
        self,
        leases: Leases,
        prefixes: Prefixes,
        *,
        template: str,
        stop_ids: frozenset[int],
        device: torch.device,
        limits: Limits,
        wake: Callable[[], None],
    ) -> None:
        """``template``: SHA-256 of the chat template. ``stop_ids`` end every answer, beside those of its adapter. ``wake`` is called when
        an adapter has been read for which questions wait."""
        self.leases, self.prefixes, self.wake = leases, prefixes, wake
        self.template, self.stop_ids, self.device, self.limits = template, stop_ids, device, limits
        self.queue: FairQueue[AnswerTicket] = FairQueue(limits.queue)
        self.aside: deque[Answer] = deque()
        """Begun, and to be begun again with what they have said so far."""
        self.rows = limits.rows
        """Answers at once; fewer than ``limits.rows`` after memory was short."""
        self.reads = False
        """Whether somebody who could come otherwise waits for the disk."""
        self._overtaken: AnswerTicket | None = None
        self._overtakers = 0

    def owner(self, lease: Lease, user: str = "") -> Owner:
        """Whom keys and values belong to that were computed under ``lease``."""
        return Owner(lease.digest, self.template, user)

    def set_aside(self, answers: Sequence[Answer], *, alone: bool = False) -> None:
        """They begin again, as soon as they fit; ``alone``: each by itself."""
        for answer in answers:
            answer.alone = answer.alone or alone
            answer.prefix, answer.held, answer.reused = None, 0, 0
        self.aside.extend(answers)

    def newcomers(self, rows: Sequence[Answer]) -> list[Answer]:
        """Whoever is next and fits beside ``rows``, prompts of like length together."""
        self.reads = False
        if self._overtaken is not None and (self._overtaken.done or self._overtaken.cancelled):
            self._overtaken = None
        if not rows and not self.aside:
            self.rows = self.limits.rows
        group: list[Answer] = []
        while self.aside and self._fits(self.aside[0].most, [*rows, *group]):
            if self.aside[0].alone:
                return group or [self.aside.popleft()]
            group.append(self.aside.popleft())
        if self.aside:
            return group
        failed: dict[AnswerTicket, Exception] = {}

        def wanted(ticket: AnswerTicket) -> bool:
            try:
                if (answer := self._fitting(ticket, rows, group)) is not None:
                    group.append(answer)
                return answer is not None
            except Exception as error:  # whatever keeps this very question from being asked: its own ticket tells
                failed[ticket] = error
                return True

        while len(rows) + len(group) < self.rows and (ticket := self.queue.next(wanted)) is not None:
            if ticket in failed:
                ticket.fail(failed.pop(ticket))
        return group

    def _fitting(self, ticket: AnswerTicket, rows: Sequence[Answer], group: Sequence[Answer]) -> Answer | None:
        """``ticket`` as a row with a slot; None while it has to wait. Raises what the registry raises."""
        if self._overtaken not in (None, ticket) and self._overtakers >= MERCY:
            return None
        if not self._fits(len(ticket.ids) + ticket.limit, [*rows, *group]):
            self._overtake(ticket)
            return None
        if not self.leases.ready(ticket.adapter, self.wake):
            self.reads = True
            return None
        try:
            lease = self.leases.lease(ticket.adapter)
        except NoRoomError:
            if not rows and not group:
                raise
            self._overtake(ticket)
            return None
        answer = None
        try:
            answer = self._row(ticket, lease, group)
        finally:
            if answer is None:
                self.leases.release(lease)
        if answer is not None and ticket is self._overtaken:
            self._overtaken = None
        elif answer is not None and self._overtaken is not None:
            self._overtakers += 1
        return answer

    def _row(self, ticket: AnswerTicket, lease: Lease, group: Sequence[Answer]) -> Answer | None:
        """None where it is better computed one turn later."""
        if self._opening_is_coming(ticket, lease, group):
            return None
        prompt = Prompt(ticket.ids, lease.slot, ticket.request.sampling, lease.stop_ids | self.stop_ids, ticket.limit)
        answer = Answer(Row(0, prompt, self.device), ticket=ticket, lease=lease)
        found = self.prefixes.find((self.owner(lease, ticket.user), self.owner(lease)), ticket.ids)
        if found is not None:
            answer.prefix, answer.reused = found.states, found.tokens
        lengths = [len(one.tokens) - one.reused for one in (*group, answer)]
        alike = len(lengths) * max(lengths) <= 2 * sum(lengths) and sum(lengths) <= max(TOGETHER, lengths[-1])
        return answer if alike else None

    def _overtake(self, ticket: AnswerTicket) -> None:
        """Others may go first, for a while."""
        if self._overtaken is None:
            self._overtaken, self._overtakers = ticket, 0

    def _fits(self, tokens: int, others: Sequence[Answer]) -> bool:
        """Whether the batch has a place and memory for one more that may come to ``tokens``; the first always fits."""
        if not others:
            return True
        width = max(tokens, *(one.most for one in others))
        return len(others) < self.rows and (len(others) + 1) * width * self.limits.token_bytes <= self.limits.cache_bytes

    def _opening_is_coming(self, ticket: AnswerTicket, lease: Lease, group: Sequence[Answer]) -> bool:
        """Whether somebody in ``group`` computes the very opening that ``ticket`` begins with: one turn later it can be reused."""
        opening = ticket.ids[: ticket.opening]
        if len(opening) < LEAST or not self.prefixes.budget or 2 * len(opening) * self.limits.token_bytes > self.prefixes.budget:
            return False
        if self.prefixes.holds(self.owner(lease), opening):
            return False
        return any(
            one.lease is not None and one.lease.digest == lease.digest and ticket_of(one).ids[: ticket.opening] == opening for one in group
        )
