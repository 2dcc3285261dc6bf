"""One question on its way to an answer worth showing: streamed, judged, and asked again with the verdict's hint where the tutor wants that.

Knows tickets and verdicts; knows neither tutors nor what was said before, neither logs nor terminals.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from adapters_hub.contracts import Completion, Ticket
from adapters_hub.errors import CONTROL, HubError, printable
from adapters_hub.plugins import NOT_MINE
from adapters_hub.transcripts import Try
from adapters_hub.types import Message, Outcome, Verdict

Item = TypeVar("Item")

PATIENCE = 0.05
"""Seconds between two looks at whether the user wants to stop, while nothing else happens."""
LAST_WORDS = 0.5
"""Seconds that a stopped answer may take to say how many tokens it had."""
RANKS: dict[Outcome | None, int] = {"incorrect": 0, None: 1, "unverified": 1, "correct": 2}
NO_HINT = "La respuesta no es correcta. Revísala y responde de nuevo."
"""What the model is told on a retry by a verdict that gives neither hint nor reason."""
BADGES: Mapping[Outcome, str] = {"correct": "✓", "incorrect": "✗", "unverified": "?"}
"""One mark for one outcome, wherever a verdict is shown."""
UNSAID = (NOT_MINE, "no_validator", "form_ok")
"""Codes of verdicts on answers in which there was nothing to check."""
LONGEST_EXTRACT = 80
"""Characters of what was judged that a badge shows; of longer ones it gives the reason."""
LONGEST_BADGE = 200


@dataclass(frozen=True)
class Piece:
    """The next words of the answer."""

    text: str


@dataclass(frozen=True)
class Retrying:
    """The answer was wrong and is being asked for again; nothing of it was shown."""

    verdict: Verdict
    number: int
    """1 for the first retry."""


@dataclass(frozen=True)
class Answer:
    """What came of a question."""

    text: str
    """Without white space around it; empty: the model had nothing to say, and the question is forgotten."""
    verdict: Verdict | None
    """None: it was not judged, or the user did not wait for the verdict."""
    retries: int = 0
    """Hidden retries that were begun."""
    finish: str = "stop"
    """``stop``, ``length``, ``cancelled``, or ``failed`` when the engine gave up in the middle."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Tokens of the answer that is shown; so are the seconds."""
    seconds: float = 0.0
    first_token_seconds: float = 0.0
    reused_tokens: int = 0
    stopped: bool = False
    """The user stopped it: ``text`` is what there was. During a retry that is the first answer, whole."""
    waited: float = 0.0
    """Seconds from the question to the end, retries and verdicts included."""
    forgotten: int = 0
    """Turns that the context had no room for: the model did not see them."""
    tries: tuple[Try, ...] = ()
    """Every try with its verdict, the first one first."""

    def document(self) -> dict[str, Any]:
        """As plain data: what a script wants to know."""
        return {
            "answer": self.text,
            "verdict": self.verdict,
            "retries": self.retries,
            "finish": self.finish,
            "stopped": self.stopped,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": round(self.seconds, 4),
            "first_token_seconds": round(self.first_token_seconds, 4),
        }


@dataclass(frozen=True)
class Answered:
    """Last event of a question."""

    answer: Answer


ChatEvent = Piece | Retrying | Answered


@dataclass(frozen=True)
class Said:
    """What asking the engine began."""

    ticket: Ticket
    forgotten: int
    """Turns that were left out."""


class Asking:
    """One question. ``run`` streams; ``answer`` is the best there is at any moment, also after ``run`` was left in the middle."""

    def __init__(
        self,
        say: Callable[[tuple[Message, ...]], Said],
        judge: Callable[[str], Verdict] | None,
        *,
        retries: int,
        stopped: Callable[[], bool],
    ) -> None:
        """``say`` asks the engine, the hidden turns of a retry after those of the conversation. With ``retries`` pieces are held back."""
        self._say, self._judge, self._stop = say, judge, stopped
        self._retries = retries if judge is not None else 0
        self._tries: list[tuple[Try, Completion]] = []
        self._pieces: list[str] = []
        self._begun = time.perf_counter()
        self._asked = self._forgotten = 0
        self._stopped = False

    def run(self) -> Iterator[Piece | Retrying]:
        """The answer piece by piece. Raises what the engine raises; a fault in a retry only ends the retries."""
        held = self._retries > 0
        try:
            yield from self._attempt((), held=held)
            hidden: tuple[Message, ...] = ()
            while (verdict := self._wrong()) is not None and self._asked <= self._retries:
                yield Retrying(verdict, self._asked)
                hidden = (*hidden, *_correction(self._tries[-1][0].text, verdict))
                try:
                    yield from self._attempt(hidden, held=True)
                except HubError:  # no room left, queue full, out of memory: the first answer stands
                    break
        except _StopAsked:
            self._stopped = True
        except (GeneratorExit, KeyboardInterrupt):  # not a fault: whoever reads wants no more
            self._stopped = True
            raise
        if held and (text := self.answer().text):
            yield Piece(text)

    def answer(self) -> Answer:
        """The best try, of equals the first; what was said so far where no try is whole. ``tries`` holds all of them."""
        tries = self._tries
        if self._pieces or not tries:
            cut = Try(self._text(), None, "cancelled" if self._stopped or not self._pieces else "failed")
            tries = [*tries, (cut, Completion("", "cancelled", 0, len(self._pieces), 0.0))]
        whole = [one for one in tries if one[0].finish in ("stop", "length")] or tries
        shown, facts = max(whole, key=lambda one: RANKS[one[0].verdict.outcome if one[0].verdict else None])
        return Answer(
            text=shown.text,
            verdict=shown.verdict,
            retries=max(0, self._asked - 1),
            finish=shown.finish,
            prompt_tokens=facts.prompt_tokens,
            completion_tokens=facts.completion_tokens,
            seconds=facts.seconds,
            first_token_seconds=facts.first_token_seconds,
            reused_tokens=facts.reused_tokens,
            stopped=self._stopped,
            waited=time.perf_counter() - self._begun,
            forgotten=self._forgotten,
            tries=tuple(one for one, _facts in tries),
        )

    def _attempt(self, hidden: tuple[Message, ...], *, held: bool) -> Iterator[Piece]:
        """One try, from the question to its verdict."""
        said = self._say(hidden)
        self._asked += 1
        self._forgotten = max(self._forgotten, said.forgotten)
        try:
            for piece in apart(said.ticket, self._stop):
                if shown := CONTROL.sub("", piece):  # an answer is untrusted text and must not steer a terminal
                    self._pieces.append(shown)
                    if not held:
                        yield Piece(shown)
            completion = said.ticket.result()
        except _StopAsked:
            self._stopped = True
            said.ticket.cancel()
            self._keep("cancelled", _facts_of(said.ticket))
            raise
        finally:
            said.ticket.cancel()
        self._keep(completion.finish, completion)
        if self._judge is not None and completion.finish != "cancelled":  # else the engine was closed: half an answer is not judged
            made, facts = self._tries[-1]
            for verdict in apart(map(self._judge, (made.text,)), self._stop):
                self._tries[-1] = (replace(made, verdict=verdict), facts)

    def _keep(self, finish: str, facts: Completion) -> None:
        if self._pieces or finish != "cancelled":
            self._tries.append((Try(self._text(), None, finish, facts.seconds), facts))
        self._pieces = []

    def _text(self) -> str:
        return "".join(self._pieces).strip()

    def _wrong(self) -> Verdict | None:
        """The verdict that asks for a retry; a validator that crashed or is not sure asks for none."""
        verdict = self._tries[-1][0].verdict if self._tries else None
        return verdict if verdict is not None and verdict.outcome == "incorrect" else None


def _facts_of(ticket: Ticket) -> Completion:
    """Figures of an answer that was stopped, where the engine tells them soon."""
    try:
        return ticket.result(LAST_WORDS)
    except Exception:  # too slow, or any fault of the engine: it is about the figures only, the text is here
        return Completion("", "cancelled", 0, 0, 0.0)


def _correction(wrong: str, verdict: Verdict) -> tuple[Message, Message]:
    """The hidden turns that a retry adds; an empty answer still takes its turn, since templates want the roles to alternate."""
    return Message("assistant", wrong or "..."), Message("user", verdict.hint.strip() or verdict.reason.strip() or NO_HINT)


# --- waiting without being deaf ------------------------------------------------------------------


class _StopAsked(Exception):
    """The user wants to stop."""


def apart(source: Iterable[Item], stopped: Callable[[], bool]) -> Iterator[Item]:
    """The items of ``source``, which is read on a thread of its own: whoever waits here hears Ctrl-C at once and looks at ``stopped``.

    Raises what reading raises, and ``_StopAsked``; the thread then ends by itself as soon as ``source`` does."""
    items: SimpleQueue[tuple[Item | None, BaseException | None]] = SimpleQueue()

    def read() -> None:
        try:
            for item in source:
                items.put((item, None))
            items.put((None, StopIteration()))
        except BaseException as error:  # whatever it is: whoever waits raises it again
            items.put((None, error))

    threading.Thread(target=read, name="hub-answer", daemon=True).start()
    stopping = False
    while not stopping or not items.empty():  # what has arrived already is not lost
        stopping = stopping or stopped()
        try:
            item, error = items.get(timeout=0 if stopping else PATIENCE)
        except Empty:
            continue
        if isinstance(error, StopIteration):
            return
        if error is not None:
            raise error
        yield item  # type: ignore[misc]
    raise _StopAsked


# --- for people ----------------------------------------------------------------------------------


def badge(verdict: Verdict | None) -> str:
    """A verdict as one quiet line in the tutor's words; empty where there was nothing to judge."""
    if verdict is None or verdict.code in UNSAID:
        return ""
    reason, mark = _one_line(verdict.reason), BADGES[verdict.outcome]
    if verdict.outcome == "incorrect":
        text = f"{mark} {reason or 'incorrecto'}"
    elif verdict.outcome == "correct":
        extract = verdict.extracted.strip()
        detail = extract if extract and len(extract) <= LONGEST_EXTRACT and "\n" not in extract else reason
        text = f"{mark} verificado: {_one_line(detail)}" if detail else f"{mark} verificado"
    else:
        text = f"{mark} sin verificar: {reason}" if reason else f"{mark} sin verificar"
    return text if len(text) <= LONGEST_BADGE else f"{text[: LONGEST_BADGE - 1].rstrip()}…"


def _one_line(text: str) -> str:
    return printable(" ".join(text[:4000].split()))
