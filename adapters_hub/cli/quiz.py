"""``hub quiz NAME``: the tutor's questions to a student, one by one; no model is loaded.

What the student reads is Spanish, as the tutors speak.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from gettext import gettext as _
from textwrap import indent

import click

from adapters_hub.cli._house import TUTOR, House, pass_house
from adapters_hub.cli._verdicts import BADGES, COLORS
from adapters_hub.errors import printable
from adapters_hub.quiz import QUESTIONS, Card, Ending, Quiz, Result, Sheet, Try, quiz_of
from adapters_hub.types import Message, Verdict

HINT, GIVE_UP, BLOCK = "?", "!", '"""'
TRIES = 2
LEVELS = {1: "fácil", 2: "media", 3: "difícil"}
SPEAKERS = {"user": "Estudiante", "assistant": "Tutor"}
CONTINUED = "¿Cuál es la respuesta correcta a lo que se trata aquí?"
LONGEST = 72
"""Characters of a question in the list of what to repeat."""

Line = Callable[[str], str]
"""Reads a line after a prompt; raises EOFError at the end of the input. A pasted text may come as one line with breaks."""


@click.command("quiz")
@click.argument("name", type=TUTOR, required=False, metavar="[NAME]")
@click.option(
    "-n", "--count", type=click.IntRange(0), default=QUESTIONS, show_default=True, metavar="N", help=_("So many questions; 0: all.")
)
@click.option("--topic", metavar="T", help=_("Only questions about this topic."))
@click.option("--difficulty", type=click.IntRange(1, 3), help=_("1 easy, 2 medium, 3 hard."))
@click.option("--seed", type=click.IntRange(0), metavar="N", help=_("The same seed asks the same questions."))
@pass_house
def command(house: House, name: str | None, count: int, topic: str | None, difficulty: int | None, seed: int | None) -> None:
    """Answer a tutor's questions; its validator keeps the score.

    The held-out questions, one by one, each with a second try. ? shows a hint, ! the model answer, Ctrl-D ends.
    Answers in code take several lines: an empty line ends them, or everything between two lines of \"\"\".
    No model is loaded.
    """
    with house.open_tutor(name) as tutor:
        validator = house.plugins.judge_of(tutor)
        quiz = quiz_of(tutor, house.plugins, validator, count=count, topic=topic, difficulty=difficulty, seed=seed)
    sheet = Sheet()
    try:
        _Lesson(house, quiz, _line_reader(house)).hold(sheet)
    finally:  # also after Ctrl-C
        _show_sheet(house, quiz, sheet)
    house.emit(
        {"schema": 1, "tutor": tutor.name, "seed": seed, "questions": len(quiz.cards), "left_out": quiz.left_out, **sheet.document()}
    )


def _line_reader(house: House) -> Line:
    """From the terminal with its editing keys, else from stdin as it is."""
    if sys.stdin.isatty() and sys.stdout.isatty() and not house.json:
        from prompt_toolkit import PromptSession

        return PromptSession[str]().prompt

    def read(prompt: str) -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    return read


def _say(house: House, text: str = "", color: str | None = None) -> None:
    """A line for the student: to stdout, or to stderr where stdout is for the document."""
    click.echo(click.style(printable(text), fg=color) if color else printable(text), err=house.json, color=house.color and None)


class _Lesson:
    """Asks, listens and answers."""

    def __init__(self, house: House, quiz: Quiz, line: Line) -> None:
        self.house, self.quiz, self.line = house, quiz, line

    def hold(self, sheet: Sheet) -> None:
        """Go through the questions until they or the student come to an end."""
        quiz, count = self.quiz, len(self.quiz.cards)
        self.say(f"{quiz.tutor.title}: {count} {'pregunta' if count == 1 else 'preguntas'}.")
        if quiz.left_out:
            self.say(f"Preguntas que quedan fuera, porque nadie puede comprobar su respuesta: {quiz.left_out}.")
        self.say(f"{HINT} da una pista, {GIVE_UP} muestra la solución, Ctrl-D termina.")
        if any(card.code for card in quiz.cards):
            self.say(f"El código ocupa varias líneas: una línea vacía lo termina. Entre {BLOCK} y {BLOCK} puede llevar líneas vacías.")
        for number, card in enumerate(quiz.cards, start=1):
            self.say()
            level = LEVELS.get(card.difficulty or 0, "")
            self.say(" · ".join(part for part in (f"Pregunta {number} de {count}", ", ".join(card.topics), level) if part), "cyan")
            self.question(card)
            try:
                sheet.results.append(self.ask(card))
            except EOFError:
                self.say()
                return

    def question(self, card: Card) -> None:
        """The question; one that ends a conversation ("sale 48") is told with it, and what is wanted then."""
        if not card.earlier:
            self.say(card.question)
            return
        for turn in (*card.earlier, Message("user", card.question)):
            self.say(f"  {SPEAKERS[turn.role]}: " + indent(turn.content, "  ").strip())
        self.say(CONTINUED)

    def ask(self, card: Card) -> Result:
        """One question, with its hints and its second try. Raises EOFError when the student leaves before an answer."""
        tries: list[Try] = []
        hints = 0
        while True:
            try:
                answer = self.read(card)
            except EOFError:
                if tries:  # left during the second try: the first one counts
                    return Result(card, tuple(tries), tries[-1].verdict.outcome, hints)
                raise
            if answer == HINT:
                self.hint(card, hints)
                hints += 1
            elif answer == GIVE_UP:
                self.show_reference(card)
                return Result(card, tuple(tries), "given_up", hints)
            else:
                verdict = self.quiz.judge(card, answer)
                tries.append(Try(answer, verdict))
                if self.respond(card, verdict, last=len(tries) == TRIES):
                    return Result(card, tuple(tries), verdict.outcome, hints)

    def read(self, card: Card) -> str:
        """An answer without the blanks around it, or ``?`` or ``!``; an end of the input ends an answer too."""
        prompt = f"{card.code}> " if card.code else "> "
        lines: list[str] = []
        block = False
        while True:
            try:
                line = self.line(prompt)
            except EOFError:
                if not any(line.strip() for line in lines):
                    raise
                break
            bare = line.strip()
            if not lines and not block:
                if not bare:
                    continue
                if bare in (HINT, GIVE_UP):
                    return bare
                if bare.startswith(BLOCK):
                    block, line = True, bare.removeprefix(BLOCK)
                    bare = line.strip()
            if block and bare.endswith(BLOCK):
                lines.append(line.rstrip().removesuffix(BLOCK))
                break
            if not block and not bare:
                break
            lines.append(line)
            if not block and (not card.code or "\n" in line):
                break
            prompt = "... "
        return "\n".join(lines).strip("\n").rstrip()

    def respond(self, card: Card, verdict: Verdict, *, last: bool) -> bool:
        """Say how an answer was; whether that was it."""
        told = verdict if last or verdict.outcome == "correct" else self.quiz.without_spoiler(card, verdict)
        reason = (
            told.reason or {"correct": "Correcto.", "incorrect": "No es correcto.", "unverified": "No se pudo comprobar."}[told.outcome]
        )
        self.say(f"{BADGES[told.outcome]} {reason}", COLORS[told.outcome])
        if told.outcome == "correct":
            return True
        if last:
            if told.outcome == "unverified":
                self.say("No cuenta como error: compara tu respuesta con la solución.")
            self.show_reference(card)
            return True
        if advice := told.hint.removeprefix(told.reason).strip():
            self.say(f"Pista: {advice}")
        self.say(f"Otro intento ({HINT} otra pista, {GIVE_UP} la solución):")
        return False

    def hint(self, card: Card, number: int) -> None:
        """The next hint, while there are any."""
        hints = self.quiz.hints(card)
        self.say(f"Pista: {hints[number]}" if number < len(hints) else f"No hay más pistas. {GIVE_UP} muestra la solución.", "yellow")

    def show_reference(self, card: Card) -> None:
        """The model answer."""
        self.say("Solución:")
        self.say(indent(card.reference, "  "))

    def say(self, text: str = "", color: str | None = None) -> None:
        """A line for the student."""
        _say(self.house, text, color)


# --- the end -------------------------------------------------------------------------------------

MARKS: dict[Ending, str] = {"correct": "✓", "incorrect": "✗", "unverified": "?", "given_up": "!"}


def _show_sheet(house: House, quiz: Quiz, sheet: Sheet) -> None:
    """The score by topic, and what to repeat."""
    asked = len(sheet.results)
    _say(house)
    if not asked:
        _say(house, "No contestaste ninguna pregunta.")
        return
    score = f"Resultado: {sheet.correct} de {asked} ({100 * sheet.correct / asked:.0f} %), {sheet.first_try} a la primera."
    if asked < len(quiz.cards):
        score += f" Sin contestar: {len(quiz.cards) - asked}."
    _say(house, score)
    width = max(len(topic.topic) for topic in sheet.topics)
    for topic in sheet.topics:
        _say(house, f"  {topic.topic:<{width}}  {topic.correct} de {topic.asked}", "green" if topic.correct == topic.asked else None)
    weak = [topic.topic for topic in sheet.topics if topic.correct < topic.asked]
    if not sheet.repeat:
        return
    _say(house, "Para repetir:")
    for result in sheet.results:
        if result.ending != "correct":
            _say(house, f"  {MARKS[result.ending]} {_cropped(_topic_of(result.card))}")
    _say(house, f"  hub quiz {quiz.tutor.name} --topic {weak[0]}")


def _topic_of(card: Card) -> str:
    """What the question is about: of a conversation, how it began."""
    return card.earlier[0].content if card.earlier else card.question


def _cropped(question: str) -> str:
    text = " ".join(question.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
