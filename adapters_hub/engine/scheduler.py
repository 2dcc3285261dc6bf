"""Whose token is computed next: questions leave the queue, join the batch, and leave it when their answer ends, is cancelled or fails.

One turn is at most one piece of prompt and one token for everybody. A failure is a matter of the row that caused it: the others are
computed again, alone; where memory is short, fewer rows go on and the rest wait. Knows nothing of text, files and adapter names' meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch

from adapters_hub.engine.admission import LEAST, Admission, Answer, Leases, Limits, answer_of, ticket_of
from adapters_hub.engine.answer_batch import Batch, Prefill
from adapters_hub.engine.base import memory_is_full
from adapters_hub.engine.generation import choose
from adapters_hub.engine.growing_cache import States
from adapters_hub.engine.model_thread import ModelThread, closed
from adapters_hub.engine.prefixes import Owner, Prefixes
from adapters_hub.engine.tickets import AnswerTicket, without_frames
from adapters_hub.errors import HubError, ResourceError

PIECE, WHOLE = 512, 4096
"""Tokens of prompts computed in one turn, while others wait for their next token and while nobody does."""


class Scheduler:
    """Answers tickets until it is closed; everything but ``submit``, ``cancel``, ``close`` and the counts runs on the model's thread."""

    def __init__(
        self,
        batch: Batch,
        thread: ModelThread,
        leases: Leases,
        prefixes: Prefixes,
        *,
        template: str,
        stop_ids: frozenset[int],
        device: torch.device,
        limits: Limits,
    ) -> None:
        """``template``: SHA-256 of the chat template. ``stop_ids`` end every answer, beside those of its adapter."""
        if batch.patient:
            prefixes.budget = 0  # such a batch can neither give nor take the beginnings of its rows
        self.batch, self.thread, self.leases, self.prefixes, self.device = batch, thread, leases, prefixes, device
        self.admission = Admission(leases, prefixes, template=template, stop_ids=stop_ids, device=device, limits=limits, wake=thread.wake)
        self.begun: Prefill | None = None
        self.under_way: dict[AnswerTicket, Answer] = {}
        """Everybody who has left the queue and is still to hear an end, wherever among the batch, the begun and those set aside."""
        self.live: set[str] = {""}
        """Digests that can still be asked: what others have computed is not kept."""
        thread.take_turns(self.turn, self._broken)

    # --- any thread ---

    def submit(self, ticket: AnswerTicket, *, patience: Callable[[], bool] | None = None) -> None:
        """Queue ``ticket``; see ``FairQueue.add`` for a full queue. Raises HubError when closed."""
        self.thread.require_open()
        self.admission.queue.add(ticket, patience=patience)
        self.thread.wake()
        if self.thread.closed and self.admission.queue.remove(ticket):
            raise closed()

    def cancel(self, ticket: AnswerTicket) -> None:
        """``ticket`` says that it is cancelled: at once while it waits, within one token when it is being answered."""
        if self.admission.queue.remove(ticket):
            ticket.end()
        self.thread.wake()

    def keep_only(self, digests: Callable[[], Iterable[str]]) -> None:
        """Only these adapters can be asked from now on, and the base: forget what is kept of others.

        ``digests`` is called on the model's thread, so that of two who call this the later one does not lose."""

        def work() -> None:
            self.live = {"", *digests()}
            for digest in self.prefixes.digests() - self.live:
                self.prefixes.drop(digest)

        self.thread.run(work)

    @property
    def running(self) -> int:
        return len(self.under_way)

    @property
    def waiting(self) -> int:
        return len(self.admission.queue)

    def close(self) -> None:
        """Stop after the step under way; whoever still waits hears HubError."""
        if self.thread.foreign:
            return  # a forked child has no business with the tickets of its parent
        self.thread.close()
        for ticket in list(self.under_way):
            ticket.fail(closed())
        for ticket in self.admission.queue.clear():
            ticket.fail(closed())

    # --- one turn ---

    def turn(self) -> bool:
        """A piece of prompt for newcomers, a token for everybody else; False when there is nothing to do."""
        try:
            with torch.inference_mode():
                self._step()
        except Exception as error:  # a mistake of ours: those under way hear of it, the engine goes on with the next
            self._fail_all(error)
        if self.thread.closed:  # ``close`` may not have waited for a long step
            self._fail_all(closed())
        return bool(self.running or (self.waiting and not self.admission.reads))

    def _step(self) -> None:
        self._let_go()
        open_to_newcomers = self.begun is None and not (self.batch.patient and self.batch.rows)
        if open_to_newcomers and (newcomers := self.admission.newcomers(self._rows())):
            self._begin(newcomers)
        if self.begun is not None:
            self._advance(self.begun)
        if self.batch.rows:
            self._decode()

    def _let_go(self) -> None:
        """Rows that nobody wants any more leave before anything is computed for them."""
        for place in reversed(range(len(self.batch.rows))):
            if ticket_of(self.batch.rows[place]).cancelled:
                self._leave(place)
        for answer in [answer for answer in self.admission.aside if ticket_of(answer).cancelled]:
            self.admission.aside.remove(answer)
            self._finish(answer)
        if self.begun is not None and all(ticket_of(answer).cancelled for answer in self.begun.rows):
            for running in self.begun.rows:
                self._finish(answer_of(running))
            self.begun = None

    # --- newcomers ---

    def _begin(self, newcomers: Sequence[Answer]) -> None:
        for answer in newcomers:
            self.under_way[ticket_of(answer)] = answer
            ticket_of(answer).reused = answer.reused
        try:
            self.begun = self.batch.prefill(newcomers)
        except Exception as error:  # memory for what is kept, or a mistake; told apart there
            self._begin_otherwise(newcomers, error)

    def _advance(self, begun: Prefill) -> None:
        answers = [answer_of(running) for running in begun.rows]
        try:
            if not begun.advance(PIECE if self.batch.rows else WHOLE):
                return
            logits = begun.logits()
        except Exception as error:  # anything that a forward can raise; whose fault it is will be seen
            self.begun = None
            self._begin_otherwise(answers, error)
            return
        self.begun = None
        for place, answer in enumerate(answers):
            self._keep_opening(answer, begun.states(place))
        ended = self._tell(answers, logits)
        staying = [place for place in range(len(answers)) if place not in ended]
        try:
            if staying:
                self.batch.join(begun, staying)
        except Exception as error:  # no memory: those who are in go on, the others begin again
            self._begin_otherwise([answers[place] for place in staying if answers[place] not in self.batch.rows], error)
        for place in ended:
            self._finish(answers[place], ended[place])

    def _begin_otherwise(self, answers: Sequence[Answer], error: Exception) -> None:
        """A prompt could not be computed: each alone; where memory is short, with fewer beside it."""
        if not _memory_is_full(error):
            if len(answers) == 1:
                self._finish(answers[0], error)
            else:
                self.admission.set_aside(answers, alone=True)
        elif len(answers) > 1:
            self._free_memory()
            self.admission.set_aside(answers, alone=True)
        elif self.batch.rows:
            self._free_memory()
            self.admission.rows = len(self.batch.rows)
            self.admission.set_aside(answers)
        elif self._free_memory():
            self.admission.set_aside(answers)
        else:
            self._finish(answers[0], _too_little(error))

    # --- the next token ---

    def _decode(self) -> None:
        answers = self._rows()
        try:
            logits = self.batch.logits()
        except Exception as error:  # anything that a forward can raise; whose fault it is will be seen
            self._decode_otherwise(answers, error)
            return
        self.batch.advance()
        ended = self._tell(answers, logits)
        for place in sorted(ended, reverse=True):
            self._leave(place, ended[place])

    def _decode_otherwise(self, answers: Sequence[Answer], error: Exception) -> None:
        """A token could not be computed: each row alone, so that only the one whose fault it is fails."""
        if _memory_is_full(error):
            self._make_room(error)
        elif len(answers) == 1:
            self._drop_all(error)
        elif self.batch.patient:
            self.batch.clear()
            self.admission.set_aside(answers, alone=True)
        else:
            failed: dict[int, Exception | None] = {}
            found: dict[int, torch.Tensor] = {}
            for place in range(len(answers)):
                try:
                    found[place] = self.batch.logits_alone(place)[0]
                except Exception as own:  # now it is known whose fault it was
                    failed[place] = own
            self.batch.advance()
            if found:
                ended = self._tell([answers[place] for place in found], torch.stack(list(found.values())))
                failed |= {list(found)[place]: own for place, own in ended.items()}
            for place in sorted(failed, reverse=True):
                self._leave(place, failed[place])

    def _tell(self, answers: Sequence[Answer], logits: torch.Tensor) -> dict[int, Exception | None]:
        """Hand each row its next token; returns the places of those that end with it, and with which error."""
        ended: dict[int, Exception | None] = {}
        for place, (answer, token) in enumerate(zip(answers, choose([answer.row for answer in answers], logits), strict=True)):
            ticket = ticket_of(answer)
            if ticket.cancelled:
                ended[place] = None
            elif isinstance(token, Exception):
                ended[place] = token
            else:
                try:
                    if ticket.take(answer.row.step(token)):
                        ended[place] = None
                except Exception as error:  # a token that cannot be told as text is no business of the others either
                    ended[place] = error
        return ended

    def _rows(self) -> list[Answer]:
        return [answer_of(running) for running in self.batch.rows]

    # --- leaving ---

    def _leave(self, place: int, error: Exception | None = None) -> None:
        """A row leaves the batch; what it has computed is kept for the conversation's next turn."""
        answer = answer_of(self.batch.rows[place])
        if error is None:
            self._keep_conversation(answer, self.batch.states(place))
        self.batch.leave(place)
        self._finish(answer, error)

    def _finish(self, answer: Answer, error: BaseException | None = None) -> None:
        """Give the slot back and tell the reader, in this order: who has the answer may count on the slot."""
        ticket, lease, answer.lease = ticket_of(answer), answer.lease, None
        try:
            if lease is not None:
                self.leases.release(lease)
        finally:
            self.under_way.pop(ticket, None)
            if error is not None:
                ticket.fail(error)
            else:
                ticket.end()

    def _drop_all(self, error: Exception) -> None:
        answers = self._rows()
        self.batch.clear()
        for answer in answers:
            self._finish(answer, error)

    def _fail_all(self, error: BaseException) -> None:
        """Everybody under way hears of it, whatever else goes wrong; those in the queue too when there is no thread any more."""
        self.begun = None
        self.admission.aside.clear()
        self.batch.clear()
        for answer in list(self.under_way.values()):
            try:
                self._finish(answer, error)
            except Exception:  # the slot could not be given back: its ticket has heard, the others must hear as well
                continue
        if self.thread.closed:
            for ticket in self.admission.queue.clear():
                ticket.fail(error)

    def _broken(self, error: BaseException) -> None:
        """The model's thread is dead."""
        failure = HubError("the engine has broken down", hint="open it again before asking")
        failure.__cause__ = without_frames(error)
        self._fail_all(failure)

    # --- memory ---

    def _make_room(self, error: Exception) -> None:
        """Too little memory for one token more: forget what was kept, else let half of the rows wait, else the last one fails."""
        if not _memory_is_full(error):
            raise error
        if self._free_memory():
            if self.batch.patient:
                self._set_aside_rows(0)
        elif len(self.batch.rows) > 1:
            self.admission.rows = len(self.batch.rows) // 2
            self._set_aside_rows(0 if self.batch.patient else self.admission.rows)
        else:
            self._drop_all(_too_little(error))

    def _free_memory(self) -> bool:
        """Forget kept keys and values; False when there were none."""
        had = self.prefixes.bytes > 0
        self.prefixes.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return had

    def _set_aside_rows(self, staying: int) -> None:
        """All rows but ``staying`` wait; those that have said least begin again."""
        said = sorted(range(len(self.batch.rows)), key=lambda place: len(self.batch.rows[place].row.answer))
        leaving = said[: len(said) - staying]
        answers = [answer_of(self.batch.rows[place]) for place in leaving]
        if staying:
            for place in sorted(leaving, reverse=True):
                self.batch.leave(place)
        else:
            self.batch.clear()
        self.admission.set_aside(answers)

    # --- what is kept ---

    def _keep_opening(self, answer: Answer, states: States | None) -> None:
        ticket, lease = ticket_of(answer), answer.lease
        if states is None or lease is None or ticket.opening < LEAST:
            return
        owner, opening = self.admission.owner(lease), ticket.ids[: ticket.opening]
        if not self.prefixes.holds(owner, opening):
            self._keep(owner, opening, tuple((keys[:, : len(opening)], values[:, : len(opening)]) for keys, values in states))

    def _keep_conversation(self, answer: Answer, states: States | None) -> None:
        ticket, lease = ticket_of(answer), answer.lease
        if states is not None and lease is not None and answer.held >= LEAST:
            self._keep(self.admission.owner(lease, ticket.user), answer.tokens[: answer.held], states, known_by=len(ticket.ids))

    def _keep(self, owner: Owner, tokens: tuple[int, ...], states: States, *, known_by: int | None = None) -> None:
        if owner.digest not in self.live:
            return
        try:
            self.prefixes.keep(owner, tokens, states, known_by=known_by)
        except RuntimeError as error:  # no answer fails for want of memory that only saves time
            if not _memory_is_full(error):
                raise
            self._free_memory()


def _memory_is_full(error: Exception) -> bool:
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return True
    return isinstance(error, RuntimeError) and memory_is_full(error)


def _too_little(error: Exception) -> ResourceError:
    failure = ResourceError("too little memory for one answer", hint="start a new conversation, or lower [chat] max_new_tokens")
    failure.__cause__ = error
    return failure
