"""One sitting at the terminal: questions go to the tutor who has the word, lines that begin with a slash are commands.

Knows the room, the conversation and who answers next; what each command does is written in ``_orders``, how things look in ``_screen``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from gettext import gettext as _
from typing import Any

import click

from adapters_hub.answers import Answer, ChatEvent, Piece, Retrying, badge
from adapters_hub.chatting import BARE, ChatRoom, Conversation, Seat, chosen_adapter
from adapters_hub.cli._auto import Auto, Chosen
from adapters_hub.cli._house import House
from adapters_hub.cli._paper import harmless
from adapters_hub.cli._screen import Screen
from adapters_hub.cli._speakers import tutor_called
from adapters_hub.cli._typing import Keyboard, silent_keys
from adapters_hub.contracts import Request
from adapters_hub.errors import HubError, Interrupted, NotFoundError, UsageError
from adapters_hub.router import AUTO
from adapters_hub.transcripts import Record, here
from adapters_hub.types import Message, Tutor

SEED = "seed"
"""The one setting of ``/set`` that is no setting of a tutor."""
LONGEST_SHOWN = 60
"""Characters of a question that a note repeats."""


@dataclass
class Talk:
    """The state of a sitting."""

    house: House
    screen: Screen
    room: ChatRoom
    conversation: Conversation
    seat: Seat | None = None
    """Who has the word; None: nobody yet, ``auto`` decides."""
    auto: Auto | None = None
    """Set while each question finds its own tutor."""
    bare: bool = False
    """Whether the base answers without adapters."""
    keep_history: bool = False
    """With ``auto``: the history goes along from tutor to tutor."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What ``/set`` changed, for every tutor of this sitting."""
    statistics: bool = False
    over: bool = False
    exit_code: int = 0
    """Of the first thing that went wrong; what a script ends with."""
    last: tuple[Seat, Answer] | None = None
    """The last answer and who gave it."""
    obey: Callable[[str], None] = lambda line: None
    """Carries out a command; set by ``_orders``."""
    keyboard: Keyboard | None = None
    _forgotten: int = 0

    # --- the loop --------------------------------------------------------------------------------

    def run(self, keyboard: Keyboard) -> None:
        """Until the student leaves."""
        self.keyboard = keyboard
        interrupts = 0
        while not self.over:
            try:
                try:
                    line = keyboard.message(self.prompt)
                except EOFError:
                    return
                interrupts = 0
                self._take(line)
            except (KeyboardInterrupt, click.Abort):  # wherever it was: it clears the line or ends the command, as in a shell
                if not self.screen.interactive:
                    raise
                self.screen.arrived()
                interrupts += 1
                if interrupts == 2:
                    self.screen.note(_("Ctrl-D or /salir leaves"))

    def _take(self, line: str) -> None:
        """A command or a question."""
        try:
            if line.startswith("/") and not line.startswith("//"):
                self.obey(line)
            elif line:
                self.ask(line[1:] if line.startswith("//") else line)
        except (Interrupted, BrokenPipeError, click.Abort):
            raise
        except HubError as error:  # a mistake ends neither the chat nor the tutor in force
            self._complain(error)
        except Exception as error:  # nor does a fault of ours while somebody sits there: the conversation would be lost with it
            if not self.screen.interactive:
                raise
            said = _("unexpected {name}: {text}").format(name=type(error).__name__, text=str(error).strip())
            self._complain(HubError(said, hint=_("this is a bug: run with --debug for the traceback")).with_traceback(error.__traceback__))

    def _complain(self, error: HubError) -> None:
        self.exit_code = self.exit_code or error.exit_code
        self.screen.complain(error)

    @property
    def prompt(self) -> str:
        """Who speaks."""
        speaker = self.seat.speaker if self.seat is not None else ""
        if self.auto is None:
            return f"{speaker}> "
        return f"{AUTO}({speaker})> " if speaker else f"{AUTO}> "

    # --- who answers -----------------------------------------------------------------------------

    def seat_of(self, name: str) -> Seat:
        """A seat for that tutor; raises when anything about it is wrong."""
        return self._seated(tutor_called(self.house, name))

    def _seated(self, tutor: Tutor) -> Seat:
        adapter = None if self.bare or tutor.name == BARE else chosen_adapter(tutor)
        self.screen.waiting(_("{name} is coming ...").format(name=tutor.name))
        try:
            return self.room.seat(tutor, adapter)
        finally:
            self.screen.arrived()

    def switch(self, name: str, *, keep: bool = False) -> None:
        """Talk with ``name`` from now on. When anything is wrong with it, tutor, history and system prompt stay as they are."""
        if name == AUTO:
            if self.bare:
                raise UsageError(_("auto chooses among trained tutors, and this chat is with the bare base"), hint="hub chat auto")
            self.auto, self.keep_history = Auto(self.house, self.screen), keep  # anew: a tutor may have been trained meanwhile
            return
        seat = self.seat_of(name)
        self.take_over(seat, keep=keep)
        self.auto = None

    def take_over(self, seat: Seat, *, keep: bool) -> None:
        """Give the word to ``seat``, with the history or with a fresh one."""
        if keep:
            self.conversation.handed_over(seat)
        elif self.seat is not None:
            self.start_afresh()
        self.seat = seat

    def start_afresh(self) -> None:
        """A new conversation with whoever has the word."""
        self.conversation.fresh()
        self.last, self._forgotten = None, 0

    def resume(self, record: Record, seat: Seat, notes: Sequence[str], *, logged: bool) -> None:
        """Go on with a kept conversation; ``logged``: under its id in the log, else as a copy that goes there on its own."""
        former = self.conversation
        self.start_afresh()
        self.conversation = Conversation.resumed(record if logged else replace(record, id=""), log=former.log, warn=former.warn)
        self.seat = seat
        if record.binding.tutor != seat.tutor.name:
            self.conversation.handed_over(seat)
        for note in notes:
            self.screen.note(note)
        turns = self.conversation.turns
        self.screen.note(_("going on after {turns} turns, the last one of {when}").format(turns=len(turns), when=here(record.changed)))
        if self.screen.interactive and len(turns) >= 2:
            self.screen.line(harmless(f"{turns[-1].tutor}> {turns[-2].content}"))
            with self.screen.answer() as writer:
                writer.feed(turns[-1].content)
            self.screen.end_turn()
        if question := self.conversation.unanswered:
            self.screen.note(_("without an answer: {question} (/reintentar asks it again)").format(question=shortened(question)))

    def _route(self, question: str) -> Chosen | None:
        """With ``auto``: who answers, who has the word then; None when nobody does."""
        assert self.auto is not None and self.keyboard is not None
        present = self.seat.tutor.name if self.seat is not None else None
        chosen = self.auto.choose(question, present, self.keyboard.choice)
        if chosen is None:
            return None
        fresh = ""
        if chosen.tutor != present:
            kept = bool(self.conversation.turns)
            self.take_over(self._seated(self.auto.tutors[chosen.tutor]), keep=self.keep_history)
            fresh = _(" (new conversation)") if kept and not self.keep_history else ""
        self.screen.note(f"→ {chosen.tutor}{fresh}: {chosen.why}")
        return chosen

    def tuned(self, seat: Seat) -> Seat:
        """The seat with what ``/set`` changed."""
        known = {key: value for key, value in self.changes.items() if key not in ("style", SEED)}
        sampling = replace(seat.sampling, **known, **({"seed": self.changes[SEED]} if SEED in self.changes else {}))
        tutor = replace(seat.tutor, chat=replace(seat.tutor.chat, **{k: v for k, v in self.changes.items() if k != SEED}))
        return replace(seat, sampling=sampling, tutor=tutor)

    # --- answers ---------------------------------------------------------------------------------

    def ask(self, question: str, *, revised: bool = False) -> None:
        """Put the question to whoever it is for, and show the answer. ``revised``: in place of the last one."""
        chosen = None
        if self.auto is not None:
            chosen = self._route(question)
            if chosen is None:
                self.exit_code = self.exit_code or UsageError.exit_code
                if self.screen.interactive:
                    self.screen.note(_("(nobody was chosen: the question was not asked)"))
                self.house.emit({"schema": 1, "tutor": None, "question": question, "answer": None, "skipped": True})
                return
        if self.seat is None:
            raise NotFoundError(_("nobody has the word"), hint="/tutor NAME")
        seat = self.tuned(self.seat)
        revised = revised and bool(self.conversation.turns)  # with auto it may have gone elsewhere, to a new conversation
        put = self.conversation.revise if revised else self.conversation.ask
        self._follow(seat, question, lambda stopped: put(self.room, seat, question, stopped=stopped), chosen, instead=revised)

    def ask_again(self) -> None:
        """Another answer to the last question, or the first one where it never came."""
        if self.conversation.unanswered:
            self.ask(self.conversation.unanswered)
            return
        if self.seat is None or not self.conversation.turns:
            raise UsageError(_("there is no answer to try again"), hint=_("ask something first"))
        seat = self.tuned(self.seat)
        question = next(turn.content for turn in reversed(self.conversation.turns) if turn.role == "user")
        self._follow(seat, question, lambda stopped: self.conversation.retry(self.room, seat, stopped=stopped), None, instead=True)

    def _follow(
        self,
        seat: Seat,
        question: str,
        begin: Callable[[Callable[[], bool]], Iterator[ChatEvent]],
        chosen: Chosen | None,
        *,
        instead: bool = False,
    ) -> None:
        """Show the answer as it comes, then what is known about it. ``instead``: a former answer stays where none comes."""
        answer: Answer | None = None
        with self.screen.stoppable() as stopped, silent_keys():
            events = begin(stopped)
            try:
                with self.screen.answer() as writer:
                    self.screen.waiting(_("thinking ..."))
                    for event in events:
                        if isinstance(event, Piece):
                            writer.feed(event.text)
                        elif isinstance(event, Retrying):
                            self.screen.waiting(_("revising ..."))
                        else:
                            answer = event.answer
            except KeyboardInterrupt:
                if not self.screen.interactive:
                    raise Interrupted(_("interrupted")) from None
            finally:
                with suppress(AttributeError):
                    events.close()  # type: ignore[attr-defined]
        if answer is None:
            self.screen.note(_("(stopped)"))
        else:
            self.last = (seat, answer) if answer.text else self.last
            self._show_facts(seat, answer, instead=instead)
            self.house.emit(document_of(seat, question, answer, chosen))
        self.screen.end_turn()

    def _show_facts(self, seat: Seat, answer: Answer, *, instead: bool) -> None:
        if not answer.text and instead:
            self.screen.note(_("(stopped: the former answer stays)") if answer.stopped else _("(no answer came: the former one stays)"))
        elif answer.stopped:
            self.screen.note(_("(stopped)") if answer.text else _("(stopped before the first word: the question is forgotten)"))
        elif not answer.text:
            self.screen.note(_("(no answer came, and the question is forgotten: ask it in other words)"))
        elif answer.finish == "length":
            most = seat.sampling.max_new_tokens
            cure = _("/set max_new_tokens={more}, then /reintentar").format(more=2 * most)
            self.screen.note(_("(cut off at {most} tokens: {cure})").format(most=most, cure=cure))
        if said := badge(answer.verdict):
            if len(answer.tries) > 1:
                revised = answer.text != answer.tries[0].text
                said += _(" (revised)") if revised else _(" (asked again, and no answer was better)")
            self.screen.badge(said)
        if answer.forgotten > self._forgotten:
            self.screen.note(_("(the oldest {count} turns have no room any more)").format(count=answer.forgotten))
            self._forgotten = answer.forgotten
        if self.statistics and answer.text:
            self.screen.note(self.figures(seat, answer))

    def figures(self, seat: Seat, answer: Answer) -> str:
        """Tokens, speed and room in one line."""
        said, took = answer.completion_tokens, answer.seconds - answer.first_token_seconds
        run = f"{seat.tutor.name}@{seat.adapter.folder.name}" if seat.adapter is not None else seat.speaker
        parts = [_("{said} tokens in {seconds:.1f} s").format(said=said, seconds=answer.seconds)]
        if said > 1 and took > 0:
            parts.append(_("{speed:.1f} tok/s").format(speed=(said - 1) / took))
        parts.append(_("first after {seconds:.2f} s").format(seconds=answer.first_token_seconds))
        if answer.retries:
            parts.append(_("retries: {count}").format(count=answer.retries))
        parts.append(run)
        used = answer.prompt_tokens + said
        left = self._tokens_left(seat, answer)
        parts.append(_("context: {used} of {all} tokens").format(used=used, all=used + left))
        return " · ".join(parts)

    def _tokens_left(self, seat: Seat, answer: Answer) -> int:
        """Room for what comes next, in tokens."""
        turns = [Message("system", seat.system_prompt)] if seat.system_prompt else []
        turns += [turn.message for turn in self.conversation.turns[answer.forgotten : -1]]
        request = Request(tuple(turns), None if seat.adapter is None else seat.tutor.name, seat.sampling)
        return max(0, self.room.engine.tokens_left(request) - answer.completion_tokens)


def shortened(text: str) -> str:
    """The beginning of a question, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…"


def document_of(seat: Seat, question: str, answer: Answer, chosen: Chosen | None) -> Mapping[str, Any]:
    """One turn as a line of NDJSON."""
    return {
        "schema": 1,
        "tutor": seat.tutor.name,
        "run": seat.adapter.folder.name if seat.adapter is not None else None,
        "question": question,
        **answer.document(),
        **({"route": {"tutor": chosen.tutor, "why": chosen.why}} if chosen is not None else {}),
    }
