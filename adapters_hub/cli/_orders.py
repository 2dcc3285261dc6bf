"""What each slash command does to a sitting.

Knows the sitting; how a command is written, named and completed is in ``_slash``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from gettext import gettext as _
from typing import Any

import click

from adapters_hub import store
from adapters_hub.chatting import adapter_to_resume
from adapters_hub.cli import _slash
from adapters_hub.cli._keeping import read_conversation, write_conversation
from adapters_hub.cli._paper import harmless
from adapters_hub.cli._speakers import tutor_called
from adapters_hub.cli._talk import SEED, Talk, shortened
from adapters_hub.cli._verdicts import show_verdict
from adapters_hub.errors import HubError, UsageError
from adapters_hub.router import AUTO
from adapters_hub.settings import read_settings
from adapters_hub.tutors import attempt_of
from adapters_hub.types import ChatSettings
from adapters_hub.workspace import nearest, shown, tutor_names

EDITED_SUFFIX = ".md"


class Orders:
    """The slash commands of one sitting."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self._screen, self._house = talk, talk.screen, talk.house
        self._known: Mapping[str, Callable[[str], None]] = {
            "/tutor": self.tutor,
            "/tutores": self.tutors,
            "/nuevo": self.start_afresh,
            "/reintentar": self.retry,
            "/deshacer": self.undo,
            "/editar": self.edit,
            "/set": self.set,
            "/sistema": self.system,
            "/verificar": self.check,
            "/estadisticas": self.statistics,
            "/guardar": self.save,
            "/abrir": self.load,
            "/ayuda": self.help,
            "/salir": self.leave,
        }

    def obey(self, line: str) -> None:
        """Carry out one line; raises HubError with what to type instead."""
        word, argument = _slash.split(line)
        command = _slash.find_command(word)
        if argument and not command.usage:
            raise UsageError(_("{name} takes nothing after it").format(name=command.name), hint=command.name)
        self._known[command.name](argument)

    # --- who answers -----------------------------------------------------------------------------

    def tutor(self, argument: str) -> None:
        """Change the tutor, or say who has the word."""
        words = argument.split()
        flags = [word for word in words if word.startswith("-")]
        names = [word for word in words if not word.startswith("-")]
        if wrong := [flag for flag in flags if flag not in (_slash.KEEP_HISTORY, *_slash.KEEP_HISTORY_ALIASES)]:
            raise UsageError(_("no such option: {name}").format(name=wrong[0]), hint=f"/tutor NAME {_slash.KEEP_HISTORY}")
        if len(names) > 1:
            raise UsageError(_("one tutor at a time"), hint=f"/tutor {names[0]}")
        talk = self._talk
        if not names:
            self._screen.line(self.introduction())
            return
        former = talk.seat.speaker if talk.seat is not None else AUTO
        turns = len(talk.conversation.turns)
        talk.switch(names[0], keep=bool(flags))
        now = AUTO if talk.auto is not None or talk.seat is None else talk.seat.tutor.name
        self._house.emit({"schema": 1, "command": "tutor", "tutor": now, "history_kept": bool(flags)})
        if talk.auto is not None:
            self._screen.note(_("{former} -> auto: each question finds its tutor").format(former=former))
            return
        assert talk.seat is not None
        self._screen.note(f"{former} -> {talk.seat.speaker} · {talk.seat.tutor.title}")
        if turns and flags and former == talk.seat.speaker:
            self._screen.note(_("the history goes on"))
        elif turns and flags:
            self._screen.note(
                _("── from here on {name}; it knows that the {turns} turns above were another's ──").format(name=names[0], turns=turns)
            )
        elif turns:
            self._screen.note(_("new conversation ({option} would have kept the history)").format(option=_slash.KEEP_HISTORY))

    def introduction(self) -> str:
        """Who has the word, in one line."""
        talk = self._talk
        if talk.seat is None:
            return _("auto: each question finds its tutor among {names}").format(names=", ".join(talk.auto.tutors) if talk.auto else "")
        seat = talk.seat
        parts = [seat.speaker, seat.tutor.title] if seat.adapter is not None else [seat.tutor.title]
        parts.append(_("run {id}").format(id=seat.adapter.folder.name) if seat.adapter is not None else _("without an adapter"))
        parts.append(_("base {model}").format(model=seat.tutor.base.model))
        if talk.auto is not None:
            parts.insert(0, AUTO)
        return " · ".join(parts)

    def tutors(self, argument: str) -> None:
        """The tutors of the workspace, the present one marked, each with what it needs."""
        present = self._talk.seat.speaker if self._talk.seat is not None else ""
        documents, rows = [], []
        for name in tutor_names(self._house.workspace):
            try:
                tutor = self._house.load_tutor(name)
                title, ready = tutor.title, store.chosen_run(tutor.folder) is not None
                problem = "" if ready else _("not trained yet: hub train {name}").format(name=name)
            except HubError as error:
                title, ready, problem = "", False, error.message
            documents.append({"name": name, "title": title, "trained": ready, "problem": problem or None, "present": name == present})
            rows.append((name, title, problem))
        self._house.emit({"schema": 1, "command": "tutors", "tutors": documents})
        width, wide = (max((len(row[place]) for row in rows), default=0) for place in (0, 1))
        for name, title, problem in rows:
            line = f"{'*' if name == present else ' '} {name.ljust(width)}  {title.ljust(wide)}  {problem}"
            self._screen.line(line.rstrip())
        if not rows:
            self._screen.line(_("no tutors yet: hub new NAME"))

    # --- the conversation ------------------------------------------------------------------------

    def start_afresh(self, argument: str) -> None:
        """Forget the history."""
        self._talk.start_afresh()
        self._screen.note(_("new conversation"))

    def retry(self, argument: str) -> None:
        """Ask for another answer."""
        talk = self._talk
        if talk.seat is not None and talk.tuned(talk.seat).sampling.temperature == 0 and talk.conversation.turns:
            self._screen.note(_("(temperature is 0, so the answer will hardly differ: /set temperature=0.7)"))
        talk.ask_again()

    def undo(self, argument: str) -> None:
        """Take back the last question."""
        question = self._talk.conversation.undo()
        if question is None:
            raise UsageError(_("there is nothing to take back"))
        self._talk.last = None
        self._screen.note(_("taken back: {question}").format(question=shortened(question)))

    def edit(self, argument: str) -> None:
        """Write the last question anew; what the editor leaves is asked in its place."""
        if not self._screen.interactive:
            raise UsageError(_("an editor needs a terminal"), hint=_("write the question anew"))
        talk = self._talk
        unanswered = talk.conversation.unanswered
        former = unanswered or next((turn.content for turn in reversed(talk.conversation.turns) if turn.role == "user"), "")
        try:
            text = click.edit(former, extension=EDITED_SUFFIX, require_save=False)
        except click.ClickException as error:
            raise HubError(error.format_message(), hint=_("name your editor in the variable EDITOR, e.g. EDITOR=nano")) from error
        question = (text or "").strip()
        if not question or question == former.strip():
            self._screen.note(_("nothing was changed"))
            return
        self._screen.line(f"{talk.prompt}{harmless(question)}")
        talk.ask(question, revised=not unanswered)

    # --- how it answers --------------------------------------------------------------------------

    def set(self, argument: str) -> None:
        """Show all settings, or change some for the rest of this sitting; an empty value goes back to the tutor's own."""
        pairs = _pairs(argument)
        changed: dict[str, Any] = {}
        for key, text in pairs:
            _check_key(key)
            changed[key] = _value_of(key, text) if text else None
        for key, value in changed.items():  # all of them, or none
            self._talk.changes.pop(key, None)
            if value is not None:
                self._talk.changes[key] = value
        rows = self.settings()
        self._house.emit({"schema": 1, "command": "set", "settings": {row.key: row.value for row in rows}})
        shown = [row for row in rows if not pairs or row.key in changed]
        self._screen.rows([(f"{row.key} = {row.shown}", row.help) for row in shown])

    def settings(self) -> Sequence[_Setting]:
        """Every setting as it is in force."""
        talk = self._talk
        chat = (
            talk.tuned(talk.seat).tutor.chat
            if talk.seat is not None
            else ChatSettings(**{k: v for k, v in talk.changes.items() if k != SEED})
        )
        rows = []
        for field in dataclasses.fields(ChatSettings):
            rows.append(_Setting(field.name, getattr(chat, field.name), _meaning(field.metadata), field.name in talk.changes))
        help = _("a whole number: the same question gets the same answer again; empty: chance decides")
        rows.append(_Setting(SEED, talk.changes.get(SEED), help, SEED in talk.changes))
        return rows

    def system(self, argument: str) -> None:
        """Show the system prompt in force, or replace it until the tutor changes."""
        talk = self._talk
        if talk.seat is None:
            raise UsageError(_("nobody has the word yet, so there is no system prompt"), hint="/tutor NAME")
        if argument.lower() in ("", "show"):
            self._house.emit({"schema": 1, "command": "system", "system_prompt": talk.seat.system_prompt})
            self._screen.line(talk.seat.system_prompt or _("(no system prompt)"))
            return
        own = argument.lower() == "reset"
        talk.seat = dataclasses.replace(talk.seat, system_prompt=talk.seat.tutor.system_prompt if own else argument)
        self._house.emit({"schema": 1, "command": "system", "system_prompt": talk.seat.system_prompt})
        self._screen.note(
            _("back to the tutor's own system prompt")
            if own
            else _("the system prompt is replaced until the tutor changes; /sistema reset brings the tutor's own back")
        )

    # --- what was answered -----------------------------------------------------------------------

    def check(self, argument: str) -> None:
        """Judge the last answer again and show everything that is known."""
        turns = self._talk.conversation.turns
        if not turns or turns[-1].role != "assistant":
            raise UsageError(_("there is no answer to judge"), hint=_("ask something first"))
        last = turns[-1]
        if self._talk.last is not None and self._talk.last[1].text == last.content:
            seat = self._talk.last[0]
        elif self._talk.seat is not None and self._talk.seat.speaker == last.tutor:
            seat = self._talk.seat
        else:
            seat = self._talk.seat_of(last.tutor)
        verdict = seat.validator.judge(attempt_of(seat.tutor, [turn.message for turn in turns[:-1]], last.content))
        self._house.emit({"schema": 1, "command": "check", "tutor": seat.tutor.name, "answer": last.content, "verdict": verdict})
        if not self._house.json:
            show_verdict(self._house, verdict, last.content)

    def statistics(self, argument: str) -> None:
        """Figures of the last answer; ``on`` shows them after every one."""
        talk = self._talk
        if argument.lower() in ("on", "off"):
            talk.statistics = argument.lower() == "on"
            self._screen.note(_("figures after every answer") if talk.statistics else _("no figures after answers"))
            return
        if argument:
            raise UsageError(_("/estadisticas takes on or off, not {word}").format(word=argument))
        if talk.last is None:
            raise UsageError(_("there is no answer yet"), hint=_("/estadisticas on shows the figures after every answer"))
        self._screen.line(talk.figures(*talk.last))

    # --- files -----------------------------------------------------------------------------------

    def save(self, argument: str) -> None:
        """Write the conversation to a JSON file."""
        talk = self._talk
        file = write_conversation(talk.conversation, argument)
        self._house.emit({"schema": 1, "command": "save", "file": str(file), "turns": len(talk.conversation.turns)})
        self._screen.note(
            _("saved {turns} turns in {file}; /abrir goes on with them").format(turns=len(talk.conversation.turns), file=shown(file))
        )

    def load(self, argument: str) -> None:
        """Go on with a conversation from a JSON file."""
        record = read_conversation(argument)
        talk = self._talk
        tutor = tutor_called(self._house, record.binding.tutor)
        resumption = adapter_to_resume(record, tutor)
        seat = talk.room.seat(tutor, None if talk.bare else resumption.adapter)
        talk.resume(record, seat, resumption.notes, logged=False)
        self._house.emit({"schema": 1, "command": "load", "tutor": tutor.name, "turns": len(talk.conversation.turns)})

    # --- the rest --------------------------------------------------------------------------------

    def help(self, argument: str) -> None:
        """What can be typed."""
        self._screen.rows(list(_slash.help_lines()))

    def leave(self, argument: str) -> None:
        """End the sitting."""
        self._talk.over = True


# --- settings ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Setting:
    """One line of ``/set``."""

    key: str
    value: Any
    help: str
    changed: bool

    @property
    def shown(self) -> str:
        """The value, with a star where ``/set`` changed it."""
        text = "" if self.value is None else str(self.value)
        return f"{text} *" if self.changed else text


def _pairs(argument: str) -> list[tuple[str, str]]:
    """``k=v k=v``, or ``k v`` for a single one."""
    words = re.sub(r"\s*=\s*", "=", argument).split()
    if len(words) == 2 and not any("=" in word for word in words):
        words = [f"{words[0]}={words[1]}"]
    if loose := [word for word in words if "=" not in word]:
        raise UsageError(_("{word}: what is its value?").format(word=loose[0]), hint=f"/set {loose[0]}=...")
    return [(word.partition("=")[0].lower(), word.partition("=")[2]) for word in words]


def _check_key(key: str) -> None:
    known = [*(field.name for field in dataclasses.fields(ChatSettings)), SEED]
    if key not in known:
        guess = nearest(key, known)
        hint = _("did you mean {guess}?").format(guess=guess) if guess else _("there are {names}").format(names=", ".join(known))
        raise UsageError(_("there is no setting {key}").format(key=key[:40]), hint=hint)


def _value_of(key: str, text: str) -> Any:
    """The value within its limits; raises UsageError with them."""
    if key == SEED:
        if text.isdecimal() and len(text) < 10:
            return int(text)
        raise UsageError(_("seed: must be a whole number from 0 to 999999999, not {text}").format(text=text[:40]))
    try:
        return read_settings(environ={}, options={f"chat.{key}": text}).entries[f"chat.{key}"].value
    except UsageError as error:
        findings = "; ".join(detail.removeprefix("option chat.") for detail in error.details)
        raise UsageError(findings or error.message, hint=_("/set shows what is allowed")) from error


def _meaning(metadata: Mapping[str, Any]) -> str:
    """What a setting is for and what it may be."""
    low, high, choices = metadata["low"], metadata["high"], metadata["choices"]
    if choices:
        return str(metadata["help"])
    limits = f"{low:g} - {high:g}" if high is not None else _("from {low:g}").format(low=low)
    return f"{metadata['help']} ({limits})"


def setting_completions(orders: Orders) -> list[tuple[str, str]]:
    """What ``/set`` may be followed by."""
    found = []
    for row in orders.settings():
        choices = next((f.metadata["choices"] for f in dataclasses.fields(ChatSettings) if f.name == row.key), ())
        found += [(f"{row.key}={choice}", row.help) for choice in choices] or [(f"{row.key}=", f"{row.shown}  {row.help}".strip())]
    return found
