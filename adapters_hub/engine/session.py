"""The torch engine: one loaded base, a registry of adapters, a scheduler, and answers as text.

Turns requests into prompts and puts the parts together. A request names its adapter; nothing here remembers a "current" one.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import NoReturn

import torch

from adapters_hub import hardware
from adapters_hub.contracts import Completion, EngineFacts, Request
from adapters_hub.engine.admission import QUEUE, ROWS, Limits
from adapters_hub.engine.answer_batch import batch_for
from adapters_hub.engine.answer_text import AnswerText, stop_ids
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.growing_cache import token_bytes
from adapters_hub.engine.model_thread import ModelThread, closed
from adapters_hub.engine.prefixes import Prefixes, common_beginning, default_budget
from adapters_hub.engine.registry import Registry
from adapters_hub.engine.scheduler import Scheduler
from adapters_hub.engine.small_bases import stay_quick_if_small
from adapters_hub.engine.tickets import AnswerTicket
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.rendering import render
from adapters_hub.types import Adapter, BaseModel, Message

SHARE = 0.5
"""Part of the free memory that keys and values of answers under way may take."""
OPENINGS = 256
"""System prompts whose length in tokens is remembered."""
PARTS = ("bank", "loaded", "registry", "scheduler")
"""What an engine has until it is closed."""


class TorchEngine:
    """Engine over transformers models; see ``contracts.Engine`` for the promises."""

    def __init__(
        self,
        base: BaseModel,
        *,
        rows: int = ROWS,
        queue: int = QUEUE,
        slot_bytes: int | None = None,
        ram_bytes: int | None = None,
        prefix_bytes: int | None = None,
    ) -> None:
        """Load the base once. Raises what ``load_base`` raises.

        ``rows`` answers are computed at once, ``queue`` questions may wait. The bytes bound what adapters may take ready to answer
        and on the CPU, and what kept keys and values may take; None: a share of the free memory."""
        self.loaded: LoadedBase = load_base(base)
        self.bank = Bank(self.loaded.model)
        self.context = self.loaded.context
        self.thread = ModelThread()
        self.thread.run(lambda loaded=self.loaded: stay_quick_if_small(loaded))  # type: ignore[misc]
        self.registry = Registry(self.loaded, self.bank, self.thread.run, slot_bytes=slot_bytes, ram_bytes=ram_bytes)
        free = hardware.free_memory(torch, self.loaded.device)
        self.prefixes = Prefixes(default_budget(free, self.loaded.device) if prefix_bytes is None else prefix_bytes)
        self.scheduler = Scheduler(
            batch_for(self.loaded.model, self.bank, self.loaded.pad_id),
            self.thread,
            self.registry,
            self.prefixes,
            template=self.loaded.chat.template_sha256,
            stop_ids=stop_ids(self.loaded.chat),
            device=self.loaded.device,
            limits=Limits(
                rows, queue, int(SHARE * free) or 1 << 62, token_bytes(self.loaded.model.config, self.loaded.compute_dtype.itemsize)
            ),
        )
        self._openings: dict[tuple[Message, ...], tuple[int, ...]] = {}
        self._shut = weakref.finalize(self, _shut, self.scheduler, self.registry)

    # --- adapters ---

    def attach(self, adapter: Adapter) -> None:
        self.thread.require_open()
        self.registry.attach(adapter)
        self._forget_others()

    def detach(self, name: str) -> None:
        self.thread.require_open()
        self.registry.detach(name)
        self._forget_others()

    def attached(self) -> tuple[str, ...]:
        return () if self.thread.closed else self.registry.names()

    # --- questions ---

    def tokens_left(self, request: Request) -> int:
        self.thread.require_open()
        return self.context - len(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)

    def stream(self, request: Request) -> Iterator[str]:
        ticket = self.submit(request)
        try:
            yield from ticket
        finally:
            ticket.cancel()

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        tickets = [self._ticket(request) for request in requests]
        try:
            for ticket in tickets:
                self.scheduler.submit(ticket, patience=lambda: not self.thread.closed)
            return [ticket.result() for ticket in tickets]
        finally:
            for ticket in tickets:
                ticket.cancel()  # where one has failed or the caller has been interrupted

    def submit(self, request: Request) -> AnswerTicket:
        ticket = self._ticket(request)
        self.scheduler.submit(ticket)
        return ticket

    def facts(self) -> EngineFacts:
        self.thread.require_open()
        return EngineFacts(
            self.registry.names(),
            self.scheduler.running,
            self.scheduler.waiting,
            sum(resident.bytes for resident in self.registry.residents() if resident.where == "slot"),
            self.prefixes.bytes,
        )

    def close(self) -> None:
        self._shut()
        for part in PARTS:
            self.__dict__.pop(part, None)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def __getattr__(self, name: str) -> NoReturn:
        """Who was in the middle of asking when another thread closed the engine misses its parts."""
        if name in PARTS:
            raise closed()
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'", name=name, obj=self)

    # --- how ---

    def _ticket(self, request: Request) -> AnswerTicket:
        self.thread.require_open()
        if request.adapter is not None and request.adapter not in self.registry.names():
            raise NotFoundError(f"no adapter '{request.adapter}' is attached", hint="attach it before asking")
        if not request.messages or request.messages[-1].role != "user":
            raise UsageError("the conversation does not end with a question", hint="its last turn must be the user's")
        ids = tuple(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)
        room = self.context - len(ids)
        if room < 1:
            raise UsageError(
                f"the conversation has {len(ids)} tokens and the base holds {self.context}",
                hint="start a new conversation or ask a shorter question",
            )
        if request.sampling.max_new_tokens < 1:
            raise UsageError("max_new_tokens must be at least 1", hint="an answer of no tokens needs no question")
        return AnswerTicket(
            request,
            ids,
            AnswerText(self.loaded.chat),
            limit=min(request.sampling.max_new_tokens, room),
            opening=self._opening(request.messages, ids),
            cancel=self._cancel,
        )

    def _cancel(self, ticket: AnswerTicket) -> None:
        """Bound to the engine, so that it lives as long as somebody holds a ticket of it."""
        try:
            self.thread.require_open()
            self.scheduler.cancel(ticket)
        except HubError as error:
            ticket.fail(error)

    def _opening(self, messages: Sequence[Message], ids: tuple[int, ...]) -> int:
        """Number of first tokens of ``ids`` that do not depend on what the user says: what two other first questions share with it."""
        head = tuple(messages[: next((place for place, message in enumerate(messages) if message.role == "user"), 0)])
        opening = self._openings.get(head)
        if opening is None:
            one, other = (self._rendered(*head, Message("user", text)) for text in ("0", "¿a"))
            opening = one[: common_beginning(one, other)]
            if len(self._openings) >= OPENINGS:
                self._openings.clear()  # by any thread at any time
            self._openings[head] = opening
        return common_beginning(opening, ids)

    def _rendered(self, *messages: Message) -> tuple[int, ...]:
        return tuple(render(self.loaded.chat, messages, add_generation_prompt=True).ids)

    def _forget_others(self) -> None:
        registry = self.registry
        self.scheduler.keep_only(lambda: [resident.digest for resident in registry.residents() if resident.names])


def _shut(scheduler: Scheduler, registry: Registry) -> None:
    if scheduler.thread.foreign:
        return  # in a forked child another thread may hold the locks for ever
    scheduler.close()
    registry.close()
    scheduler.prefixes.clear()
