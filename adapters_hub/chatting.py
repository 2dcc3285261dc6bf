"""The chat room: one open engine, tutors taking turns, conversations that fit the context and are kept.

Knows tutors, runs, validators and the log of conversations; knows neither terminals nor tensors. The engine keeps no "current" tutor: each
question names the adapter it is for, so changing tutor costs nothing but naming another one.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.answers import Answer, Answered, Asking, ChatEvent, Piece, Retrying, Said, badge
from adapters_hub.contracts import Engine, Request, Sampling, Validator, never
from adapters_hub.conversations import ConversationLog, Diverged, new_id
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.plugins import GuardedValidator, JointValidator, Plugins
from adapters_hub.transcripts import Binding, Record, Try, Turn, now
from adapters_hub.tutors import attempt_of
from adapters_hub.types import Adapter, BaseModel, Message, Tutor, Verdict

__all__ = [
    "Answer",
    "Answered",
    "ChatEvent",
    "ChatRoom",
    "Conversation",
    "ConversationLog",
    "Piece",
    "Resumption",
    "Retrying",
    "Seat",
    "Try",
]
__all__ += ["Turn", "adapter_to_resume", "badge", "binding_of", "chosen_adapter", "sampling_of", "validator_of"]

LEAST_ROOM = 48
"""Tokens that must be left for an answer before older turns are forgotten."""
BARE = "base"
"""Who answers where no tutor's adapter does; no tutor can be called so."""
BORDER = (
    "Los turnos anteriores de esta conversación los respondió otro tutor ({others}), no tú: sirven de contexto. Sigue tus instrucciones."
)
"""What a tutor is told, at the end of its system prompt, in a conversation that others began."""


@dataclass(frozen=True)
class Seat:
    """A tutor ready to answer, and how. Changing a field with ``dataclasses.replace`` changes the next answer."""

    tutor: Tutor
    adapter: Adapter | None
    """None: the bare base under the tutor's system prompt."""
    validator: Validator
    sampling: Sampling
    system_prompt: str

    @property
    def speaker(self) -> str:
        """Whose words its answers are."""
        return BARE if self.adapter is None else self.tutor.name


class ChatRoom:
    """One base in memory and the tutors that were asked so far. Any number of threads may ask at once."""

    def __init__(self, base: BaseModel, plugins: Plugins) -> None:
        """Open the engine: the only slow moment."""
        self.base, self.plugins = base, plugins
        self.engine: Engine = plugins.engine(base.engine).open(base)
        self._attached: dict[str, Path] = {}
        """Name -> folder of the run that answers under it."""
        self._attaching = threading.Lock()

    def seat(self, tutor: Tutor, adapter: Adapter | None, *, validator: Validator | None = None) -> Seat:
        """A seat for the tutor, its adapter attached unless this very run is already. None asks the bare base.

        Without ``validator`` the tutor's own are made. Raises UsageError for another base and whatever the validators or the engine
        refuse; former seats stay usable."""
        if tutor.base != self.base:
            raise UsageError(f"tutor '{tutor.name}' wants the base '{tutor.base.model}', this room has '{self.base.model}'")
        judge = validator_of(tutor, self.plugins) if validator is None else validator
        if not isinstance(judge, (GuardedValidator, JointValidator)):
            judge = JointValidator((judge,))
        seat = Seat(tutor, adapter, judge, sampling_of(tutor), tutor.system_prompt)
        with self._attaching:
            self._attach(seat)
        return seat

    def say(self, seat: Seat, turns: Sequence[Turn], hidden: Sequence[Message] = ()) -> Said:
        """Ask for an answer to the last of ``turns`` (user and assistant in turn), or to the last of the ``hidden`` ones after them.

        The oldest turns are left out when the context is full. Raises what the engine raises."""
        forgotten = 0
        request = self._request(seat, turns, hidden)
        if self._tight(request):
            low, high = 1, (len(turns) - 1) // 2
            while low < high:  # each pair of turns makes room: look for the fewest that make enough
                middle = (low + high) // 2
                if self._tight(self._request(seat, turns[2 * middle :], hidden)):
                    low = middle + 1
                else:
                    high = middle
            forgotten = 2 * high
            request = self._request(seat, turns[forgotten:], hidden)
        with self._attaching:  # another seat may hold the name meanwhile: two folders, two runs, one name
            self._attach(seat)
            return Said(self.engine.submit(request), forgotten)

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()

    def _attach(self, seat: Seat) -> None:
        if seat.adapter is None:
            return
        name = seat.tutor.name
        if self._attached.get(name) != seat.adapter.folder or name not in self.engine.attached():
            self.engine.attach(replace(seat.adapter, name=name))
            self._attached[name] = seat.adapter.folder

    def _tight(self, request: Request) -> bool:
        return self.engine.tokens_left(request) < LEAST_ROOM

    @staticmethod
    def _request(seat: Seat, turns: Sequence[Turn], hidden: Sequence[Message]) -> Request:
        others = list(dict.fromkeys(turn.tutor for turn in turns if turn.role == "assistant" and turn.tutor != seat.speaker))
        border = BORDER.format(others=", ".join(others)) if others else ""
        system = "\n\n".join(filter(None, (seat.system_prompt, border)))
        messages = (*((Message("system", system),) if system else ()), *(turn.message for turn in turns), *hidden)
        return Request(messages, None if seat.adapter is None else seat.tutor.name, seat.sampling)


def silent(text: str) -> None:
    """Nobody is there to be warned."""


@dataclass
class Conversation:
    """Turns of one student with one tutor, or with several one after the other. One thread at a time may use it."""

    turns: list[Turn] = field(default_factory=list)
    id: str | None = None
    """Its name in the log, once something was written there."""
    log: ConversationLog | None = None
    warn: Callable[[str], None] = silent
    """Told when the log fails; the conversation then goes on unlogged."""
    unanswered: str = ""
    """The last question of a resumed conversation, where a crash or a fault kept it from being answered; it is not among the turns."""
    _expected: Any = None
    _bound: Binding | None = None

    def ask(
        self,
        room: ChatRoom,
        seat: Seat,
        question: str,
        *,
        expected: Any = None,
        judged: bool = True,
        stopped: Callable[[], bool] = never,
    ) -> Iterator[ChatEvent]:
        """Stream the answer and remember both turns; the last event is ``Answered``.

        ``stopped`` is asked twenty times a second: True ends the answer, which keeps what there is. Ctrl-C is raised here at once, and
        leaving the loop in the middle is fine: both keep what there is in ``turns``, but there is no last event then. An empty answer
        forgets the question. With ``[validator] on_fail = "retry"`` nothing is shown before it was judged."""
        self._expected, self.unanswered = expected, ""
        self._remember(Turn("user", question, when=now()), seat)
        yield from self._answered(room, seat, judged, stopped)

    def retry(self, room: ChatRoom, seat: Seat, *, judged: bool = True, stopped: Callable[[], bool] = never) -> Iterator[ChatEvent]:
        """Ask the last question again in place of its answer, which stays when nothing comes. Raises UsageError without a question."""
        if len(self.turns) < 2:
            raise UsageError("there is no answer to try again")
        former = self.turns[-1:]
        del self.turns[-1:]
        yield from self._answered(room, seat, judged, stopped, former, len(self.turns))

    def revise(
        self, room: ChatRoom, seat: Seat, question: str, *, judged: bool = True, stopped: Callable[[], bool] = never
    ) -> Iterator[ChatEvent]:
        """Ask ``question`` in place of the last one, which stays with its answer when nothing comes. Raises UsageError without one."""
        if len(self.turns) < 2:
            raise UsageError("there is no question to write anew")
        former = self.turns[-2:]
        self.turns[-2:] = [Turn("user", question, when=now())]
        yield from self._answered(room, seat, judged, stopped, former, len(self.turns) - 1)

    def undo(self) -> str | None:
        """Take back the last question and its answer; returns the question, None when there is none."""
        if len(self.turns) < 2:
            return None
        question = self.turns[-2].content
        self._cut(len(self.turns) - 2)
        return question

    def fresh(self) -> None:
        """Begin anew; what was said stays in the log under its own id."""
        self.turns, self.id, self.unanswered, self._expected, self._bound = [], None, "", None, None

    def handed_over(self, seat: Seat) -> None:
        """Let another tutor, or another run, go on with what was said: it is told that earlier turns were another's."""
        former, binding = self._bound, binding_of(seat)
        self._bound = binding
        if self.id is not None and binding != former:
            self._write(lambda log: log.rebind(str(self.id), binding))

    def record(self) -> Record:
        """The conversation as it is now, e.g. to write it to a file. Raises UsageError before the first question."""
        if self._bound is None or not self.turns:
            raise UsageError("nothing was said yet")
        return Record(self.id or new_id(), self.turns[0].when, self.turns[-1].when, self._bound, tuple(self.turns))

    @classmethod
    def resumed(cls, record: Record, *, log: ConversationLog | None = None, warn: Callable[[str], None] = silent) -> Conversation:
        """Go on with a conversation, in ``log`` under its id (under a new one where ``record.id`` is empty). See ``adapter_to_resume``."""
        conversation = cls(list(record.turns), (record.id or None) if log is not None else None, log, warn, _bound=record.binding)
        if record.turns and record.turns[-1].role == "user":
            conversation.unanswered = record.turns[-1].content
            conversation._cut(len(record.turns) - 1)
        return conversation

    # --- remembering ---

    def _answered(
        self,
        room: ChatRoom,
        seat: Seat,
        judged: bool,
        stopped: Callable[[], bool],
        former: Sequence[Turn] = (),
        begin: int = 0,
    ) -> Iterator[ChatEvent]:
        """The answer to the last turn, the user's. ``former``: what stood from ``begin`` on until an answer takes its place; without
        one it stays, and in the log it does as long as there is none."""
        settings = seat.tutor.validator
        asked = [turn.message for turn in self.turns]

        def judge(text: str) -> Verdict:
            return seat.validator.judge(attempt_of(seat.tutor, asked, text, self._expected))

        asking = Asking(
            lambda hidden: room.say(seat, self.turns, hidden),
            judge if judged else None,
            retries=settings.retries if settings.on_fail == "retry" and settings.use else 0,
            stopped=stopped,
        )
        try:
            yield from asking.run()
        finally:
            answer = asking.answer()
            if answer.text:
                self._remember(_turn_of(answer, seat), seat, begin, len(former))
            elif former:
                self.turns[begin:] = former
            else:
                self._cut(len(self.turns) - 1)
        yield Answered(answer)

    def _remember(self, turn: Turn, seat: Seat, begin: int = 0, replaced: int = 0) -> None:
        """One turn more; in the log the turns from ``begin`` on take the place of ``replaced`` ones, if any."""
        self.turns.append(turn)
        former, binding = self._bound, binding_of(seat)
        self._bound = binding

        def write(log: ConversationLog) -> None:
            if self.id is None:
                self.id = log.begin(binding, self.turns)
                return
            if binding != former:
                log.rebind(self.id, binding)
            if replaced:
                log.replace(self.id, begin, self.turns[begin:], present=begin + replaced)
            else:
                log.append(self.id, len(self.turns) - 1, turn)

        self._write(write)

    def _cut(self, length: int) -> None:
        present = len(self.turns)
        del self.turns[length:]

        def write(log: ConversationLog) -> None:
            if self.id is not None:
                log.cut(self.id, length, present=present)
                self.id = self.id if length else None

        self._write(write)

    def _write(self, write: Callable[[ConversationLog], None]) -> None:
        """What cannot be written stops the log, never the conversation. Where another process went on with it, this one is kept apart."""
        if self.log is None:
            return
        try:
            try:
                write(self.log)
            except Diverged as error:
                self.id = self.log.begin(self._bound, self.turns) if self._bound is not None and self.turns else None
                self.warn(f"{error.message}: from here on this one is kept apart" + (f", as {self.id}" if self.id else ""))
        except HubError as error:
            self.log = None
            self.warn(f"this conversation is not kept any more: {error.message}")


def _turn_of(answer: Answer, seat: Seat) -> Turn:
    return Turn(
        "assistant",
        answer.text,
        seat.speaker,
        answer.verdict,
        stopped=answer.finish in ("cancelled", "failed"),
        run=seat.adapter.folder.name if seat.adapter is not None else "",
        when=now(),
        tries=answer.tries if len(answer.tries) > 1 else (),
    )


# --- a tutor's things ----------------------------------------------------------------------------


def chosen_adapter(tutor: Tutor, run_id: str | None = None) -> Adapter:
    """The adapter of the tutor's run in force (or of ``run_id``), its files verified.

    Raises NotFoundError when the tutor has not been trained."""
    run = store.chosen_run(tutor.folder, run_id)
    if run is None:
        raise NotFoundError(f"tutor '{tutor.name}' has not been trained yet", hint=f"hub train {tutor.name}")
    return store.adapter_of(tutor.name, run)


def validator_of(tutor: Tutor, plugins: Plugins) -> Validator:
    """The tutor's validators as one, its own ``validator.py`` included; call it outside ``Plugins.tutor_local``."""
    with plugins.tutor_local(tutor):
        return plugins.judge_of(tutor)


def sampling_of(tutor: Tutor) -> Sampling:
    """The tutor's ``[chat]`` settings as the engine wants them."""
    chat = tutor.chat
    return Sampling(chat.temperature, chat.top_p, chat.repetition_penalty, chat.max_new_tokens)


@dataclass(frozen=True)
class Resumption:
    """Who goes on with a kept conversation."""

    adapter: Adapter | None
    """None: the bare base, as before."""
    notes: tuple[str, ...] = ()
    """What is not as it was, for people."""


def adapter_to_resume(record: Record, tutor: Tutor) -> Resumption:
    """The run that the conversation is bound to, while it is there and fits the base; else the tutor's run in force.

    Raises NotFoundError when the tutor has no run at all."""
    bound = record.binding
    if bound.tutor == tutor.name and not bound.run:
        return Resumption(None, _change_of_base(bound, tutor, None))
    if bound.tutor != tutor.name:
        return Resumption(chosen_adapter(tutor))
    if changed := _change_of_base(bound, tutor, None):
        adapter = chosen_adapter(tutor)
        return Resumption(adapter, (*changed, f"run {adapter.folder.name} goes on"))
    try:
        adapter = chosen_adapter(tutor, bound.run)
    except HubError as error:
        adapter = chosen_adapter(tutor)
        gone = "is gone" if isinstance(error, NotFoundError) else f"cannot be used ({error.message})"
        return Resumption(adapter, (f"run {bound.run} of this conversation {gone}; run {adapter.folder.name} goes on",))
    changed = _change_of_base(bound, tutor, adapter)
    if not changed and bound.adapter and adapter_digest(adapter) != bound.adapter:
        changed = (f"run {bound.run} has other weights than when this conversation was held",)
    return Resumption(adapter, changed)


def _change_of_base(bound: Binding, tutor: Tutor, adapter: Adapter | None) -> tuple[str, ...]:
    if bound.base and bound.base != tutor.base.model:
        return (f"this conversation was held over the base {bound.base}, which is {tutor.base.model} now",)
    manifest = adapter.manifest if adapter is not None else None
    if bound.fingerprint and manifest is not None and manifest.base.fingerprint != bound.fingerprint:
        return (f"the base {tutor.base.model} has another shape than when this conversation was held",)
    return ()


def binding_of(seat: Seat) -> Binding:
    """With whom a conversation at this seat is held, and over what."""
    manifest = seat.adapter.manifest if seat.adapter is not None else None
    return Binding(
        tutor=seat.tutor.name,
        run=seat.adapter.folder.name if seat.adapter is not None else "",
        adapter=adapter_digest(seat.adapter),
        base=seat.tutor.base.model,
        fingerprint=manifest.base.fingerprint if manifest is not None else "",
        folder=str(seat.tutor.folder.absolute()),
    )


def adapter_digest(adapter: Adapter | None) -> str:
    """SHA-256 over the manifest's hashes of the adapter's files; empty where there is no manifest."""
    if adapter is None or adapter.manifest is None:
        return ""
    return hashlib.sha256(json.dumps(dict(adapter.manifest.files), sort_keys=True).encode()).hexdigest()
