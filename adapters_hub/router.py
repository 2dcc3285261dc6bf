"""Which tutor a question is for: the tutors' own training questions are asked.

Knows what of a tutor's rows can teach that (rows in which it declines a question of another subject cannot) and says why in a Spanish
sentence. Knows nothing of terminals, engines and conversations.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.near_duplicates import folded
from adapters_hub.plugins import Plugins
from adapters_hub.question_classifier import Guess, QuestionClassifier, Subject
from adapters_hub.types import Example, Tutor

AUTO = "auto"
"""Stands for "whichever tutor the question is for" where a tutor's name is asked for; no tutor can have it."""

DECLINED = frozenset({"fuera_de_tema", "otra_materia", "off_topic", "other_subject"})
"""Tags of rows in which the tutor declines a question."""

NO_TOPICS = DECLINED | {"sin_comprobar", "no_se", "respuesta_directa"}
"""Tags that say something about a row, and nothing about its subject."""


@dataclass(frozen=True)
class Route:
    """Who should answer a question, and what made it so."""

    tutor: str | None
    """None: unsure, ask the person."""
    why: str
    """One short sentence in Spanish that names the telling words."""
    candidates: tuple[tuple[str, float], ...]
    """Every tutor with its share, 0 to 1, likeliest first."""


class Router:
    """Sends each question to the tutor whose subject it is, or says that it cannot tell."""

    def __init__(self, subjects: Sequence[Subject], titles: Mapping[str, str], problems: Mapping[str, str]) -> None:
        """Prefer ``Router.of``."""
        self.names = tuple(subject.name for subject in subjects)
        self.problems = dict(problems)
        """Name of each tutor whose rows cannot be read -> why; its description stands for them."""
        self._titles = dict(titles)
        self._classifier = QuestionClassifier(subjects)

    @classmethod
    def of(cls, tutors: Sequence[Tutor], plugins: Plugins) -> Router:
        """A router among these tutors, from their training rows. Raises NotFoundError when there are none.

        A tutor without rows, or with rows that cannot be read, takes part by its title and description."""
        if not tutors:
            raise NotFoundError("there is no tutor to choose from", hint="hub new NAME makes one")
        subjects, problems = [], {}
        for tutor in tutors:
            rows: Sequence[Example] = ()
            if (file := tutor.folder / tutor.dataset.train).is_file():
                try:
                    rows = plugins.read_dataset(file)
                except HubError as error:
                    problems[tutor.name] = error.message
            subjects.append(_subject(tutor, rows, tutors))
        return cls(subjects, {tutor.name: tutor.title for tutor in tutors}, problems)

    def route(self, question: str, present: str | None = None) -> Route:
        """Who should answer ``question``; ``present`` is the tutor who has the word, if any: a follow-up that could be anybody's
        ("¿y con tres?") stays there, and only a question that clearly is another's goes to another."""
        guess = self._classifier.classify(question, present)
        return Route(guess.subject, self._why(guess), guess.shares)

    def _why(self, guess: Guess) -> str:
        titles = [self._titles[name] for name, _ in guess.shares[:2]]
        if guess.reason == "alone":
            return f"{titles[0]} es el único tutor"
        if guess.reason == "stays":
            return f"sigue con {self._titles[guess.subject or '']}"
        words = [", ".join(f'"{word}"' for word in telling) for _, telling in guess.telling]
        if guess.reason == "sure":
            return f"suena a {titles[0]}: {words[0]}" if words[0] else f"se parece a las preguntas de {titles[0]}"
        if guess.reason == "unknown":
            return "No sé de qué materia es: casi nada de la pregunta se parece a lo que enseñan los tutores."
        one, other = (f"{title} ({said})" if said else title for title, said in zip(titles, words, strict=True))
        return f"Puede ser de {one} o de {other}."


# --- what of a tutor teaches its subject ---------------------------------------------------------


def _subject(tutor: Tutor, rows: Sequence[Example], tutors: Sequence[Tutor]) -> Subject:
    """First questions of the rows that the tutor does not decline, later ones apart; topics, title and description."""
    taught = _taught(rows, tutor, tutors)
    asked = [[turn.content for turn in row.messages if turn.role == "user"] for row in taught]
    topics = sorted({tag.replace("_", " ") for row in taught for tag in row.tags if tag not in NO_TOPICS})
    about = (tutor.name.replace("_", " "), tutor.title, tutor.description, *topics)
    return Subject(
        name=tutor.name,
        questions=tuple(turns[0] for turns in asked if turns),
        later=tuple(turn for turns in asked for turn in turns[1:]),
        about=tuple(text for text in dict.fromkeys(about) if text),
        language=tutor.language,
    )


def _taught(rows: Sequence[Example], tutor: Tutor, tutors: Sequence[Tutor]) -> list[Example]:
    """The rows whose question the tutor answers. It declines where a row is tagged so, or where its first answer names another's tutor."""
    others = {folded(name) for other in tutors if other.name != tutor.name for name in (other.name.replace("_", " "), other.title) if name}
    names = "|".join(map(re.escape, sorted(others))) or "(?!)"
    elsewhere = re.compile(rf"\btutor(?:a|es|as)? (?:del? |of |for )[^.\n]{{0,60}}?\b(?:{names})\b")
    taught = []
    for row in rows:
        answer = next((turn.content for turn in row.messages if turn.role == "assistant"), "")
        sent_elsewhere = "tutor" in answer.lower() and elsewhere.search(folded(answer))
        if DECLINED.isdisjoint(row.tags) and not sent_elsewhere:
            taught.append(row)
    return taught


# --- how well it does ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Miss:
    """A question that went to the wrong tutor."""

    where: str
    question: str
    tutor: str
    """Whose question it is."""
    route: Route


@dataclass(frozen=True)
class RouterScore:
    """A router's answers to questions whose tutor is known."""

    questions: int
    answered: int
    right: int
    confusion: Mapping[str, Mapping[str, int]]
    """Whose question -> who was chosen -> questions; an empty string: unsure."""
    misses: tuple[Miss, ...]
    """Wrong answers, the surest first."""
    milliseconds: float
    """Median time a question."""
    slowest: float
    """95 % took not more milliseconds."""

    @property
    def accuracy(self) -> float:
        """Share of right ones among the answered questions; 0 where none was answered."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def abstention(self) -> float:
        """Share of the questions that were left to the person."""
        return 1 - self.answered / self.questions if self.questions else 0.0

    def document(self) -> dict[str, Any]:
        """As plain data."""
        misses = [
            {"where": miss.where, "question": miss.question, "tutor": miss.tutor, "chosen": miss.route.tutor, "why": miss.route.why}
            | {"share": miss.route.candidates[0][1]}
            for miss in self.misses
        ]
        figures: dict[str, float] = {"questions": self.questions, "answered": self.answered, "right": self.right}
        figures |= {"accuracy": self.accuracy, "abstention": self.abstention}
        return {
            **figures,
            "milliseconds": {"median": self.milliseconds, "p95": self.slowest},
            "confusion": {tutor: {name or "unsure": count for name, count in chosen.items()} for tutor, chosen in self.confusion.items()},
            "mistakes": misses,
        }


def held_out_questions(tutors: Sequence[Tutor], plugins: Plugins, limit: int = 0) -> tuple[list[tuple[str, Example]], dict[str, str]]:
    """Rows of the tutors' held-out files with the name of the tutor who teaches them, and why a tutor has none.

    Declined rows are nobody's. ``limit`` takes so many of them, evenly spread; 0: all."""
    rows: list[tuple[str, Example]] = []
    problems = {}
    for tutor in tutors:
        try:
            own = _taught(plugins.read_dataset(tutor.folder / tutor.dataset.eval), tutor, tutors)
        except HubError as error:
            problems[tutor.name] = error.message
            continue
        rows += [(tutor.name, row) for row in own]
    if limit and len(rows) > limit:
        rows = [rows[place * len(rows) // limit] for place in range(limit)]
    return rows, problems


def score_router(route: Callable[[str], Route], names: Sequence[str], rows: Sequence[tuple[str, Example]]) -> RouterScore:
    """Route the first question of every row. ``names``: the tutors who may be chosen."""
    confusion = {tutor: dict.fromkeys((*names, ""), 0) for tutor in dict.fromkeys(name for name, _ in rows)}
    misses, seconds = [], []
    for tutor, row in rows:
        question = next(turn.content for turn in row.messages if turn.role == "user")
        begun = time.perf_counter()
        found = route(question)
        seconds.append(time.perf_counter() - begun)
        confusion[tutor][found.tutor or ""] += 1
        if found.tutor not in (tutor, None):
            misses.append(Miss(row.where, question, tutor, found))
    unsure = sum(chosen[""] for chosen in confusion.values())
    times = sorted(seconds) or [0.0]
    return RouterScore(
        questions=len(rows),
        answered=len(rows) - unsure,
        right=len(rows) - unsure - len(misses),
        confusion=confusion,
        misses=tuple(sorted(misses, key=lambda miss: -miss.route.candidates[0][1])),
        milliseconds=1000 * times[len(times) // 2],
        slowest=1000 * times[min(len(times) - 1, int(0.95 * len(times)))],
    )
