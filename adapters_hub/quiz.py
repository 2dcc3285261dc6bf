"""The quiz room: a tutor's held-out questions go to a student, the tutor's validator judges the answers, and a sheet keeps the score.

Only questions whose model answer the validator calls correct are asked: of the others nobody could say whether an answer is right.
Knows nothing of terminals and loads no model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal

from adapters_hub.contracts import Validator
from adapters_hub.conveyor import in_order
from adapters_hub.errors import DataError, NotFoundError, UsageError
from adapters_hub.plugins import Plugins
from adapters_hub.tutors import attempt_of
from adapters_hub.typed_answers import LONGEST, doubt, readings
from adapters_hub.types import Example, Message, Tutor, Verdict
from adapters_hub.workers import available_cores
from adapters_hub.workspace import nearest, shown

QUESTIONS = 10
"""How many are asked where nobody says otherwise."""

FENCE = re.compile(r"^```([\w+-]*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
"""A block of code, and its language."""

SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-ZÁÉÍÓÚÑ¿¡])")
"""Between two sentences."""
LOOKED_AT = 6
"""So many sentences at the beginning of a model answer may serve as hints."""

WITHOUT_TOPIC = "otros"
REPEATS = "Eso ya lo dice la pregunta: falta resolverlo."

Ending = Literal["correct", "incorrect", "unverified", "given_up"]
"""How a question ended: by the last verdict, or because the student wanted to see the answer."""


@dataclass(frozen=True)
class Card:
    """A question with its model answer."""

    question: str
    reference: str
    earlier: tuple[Message, ...] = ()
    """The conversation before the question, no system turn."""
    expected: Any = None
    topics: tuple[str, ...] = (WITHOUT_TOPIC,)
    difficulty: int | None = None
    where: str = ""
    """``file:line``"""
    code: str = ""
    """The language of the code that a right answer consists of, e.g. ``python``; empty where an answer is said in words."""


@dataclass(frozen=True)
class Try:
    """An answer of the student and what the validator says to it."""

    answer: str
    verdict: Verdict


@dataclass(frozen=True)
class Result:
    """A question that was asked."""

    card: Card
    tries: tuple[Try, ...]
    ending: Ending
    hints: int = 0
    """Hints that were asked for."""

    @property
    def first_try(self) -> bool:
        """Right at once."""
        return self.ending == "correct" and len(self.tries) == 1


@dataclass(frozen=True)
class TopicScore:
    """The questions of one topic."""

    topic: str
    asked: int
    correct: int


@dataclass
class Sheet:
    """What was asked so far, and how it went."""

    results: list[Result] = field(default_factory=list)

    @property
    def correct(self) -> int:
        """Questions that were answered correctly, at the first try or a later one."""
        return sum(result.ending == "correct" for result in self.results)

    @property
    def first_try(self) -> int:
        """Questions that were answered correctly at once."""
        return sum(result.first_try for result in self.results)

    @property
    def topics(self) -> tuple[TopicScore, ...]:
        """A score for each topic, the weakest first; a question counts in each of its topics."""
        names = dict.fromkeys(topic for result in self.results for topic in result.card.topics)
        scores = []
        for name in names:
            endings = [result.ending for result in self.results if name in result.card.topics]
            scores.append(TopicScore(name, len(endings), endings.count("correct")))
        return tuple(sorted(scores, key=lambda score: (score.correct / score.asked, -score.asked, score.topic)))

    @property
    def repeat(self) -> tuple[Card, ...]:
        """Questions that are worth another look: whatever was not right."""
        return tuple(result.card for result in self.results if result.ending != "correct")

    def document(self) -> dict[str, Any]:
        """The sheet as plain data."""
        endings = [result.ending for result in self.results]
        return {
            "asked": len(endings),
            **{ending: endings.count(ending) for ending in ("correct", "incorrect", "unverified", "given_up")},
            "first_try": self.first_try,
            "topics": [vars(score) for score in self.topics],
            "repeat": [card.where for card in self.repeat],
            "questions": [
                {
                    "where": result.card.where,
                    "question": result.card.question,
                    "topics": list(result.card.topics),
                    "difficulty": result.card.difficulty,
                    "ending": result.ending,
                    "hints": result.hints,
                    "tries": [
                        {"answer": one.answer, "outcome": one.verdict.outcome, "code": one.verdict.code, "reason": one.verdict.reason}
                        for one in result.tries
                    ],
                }
                for result in self.results
            ],
        }


@dataclass(frozen=True)
class Quiz:
    """Questions to a student, and who judges the answers."""

    tutor: Tutor
    validator: Validator
    cards: tuple[Card, ...]
    left_out: int = 0
    """Questions that would have been asked, were there anybody who could judge the answers."""

    def judge(self, card: Card, answer: str) -> Verdict:
        """A fair verdict on what a student types: bare code counts as if it stood in a block, ``85`` as per cent where these are asked for,
        and the question's own words are no answer.

        Never raises."""
        verdict = self._verdict(card, answer)
        if verdict.outcome != "correct" and not card.code:
            verdict = next((other for other in self._read_otherwise(card, answer) if other.outcome == "correct"), verdict)
        if verdict.outcome == "correct" and not card.code and _repeats_question(card, answer, verdict):
            return replace(verdict, outcome="unverified", score=0.0, code="repeats", reason=REPEATS, hint="")
        typed = verdict.outcome == "correct" and not card.code and len(answer) <= LONGEST
        if typed and (odd := doubt(answer, card.reference, card.question)):
            return replace(verdict, outcome="unverified", score=0.0, code="doubt", reason=odd, hint="")
        if verdict.outcome == "correct" or not card.code or "```" in answer or not answer.strip():
            return verdict
        fenced = self._verdict(card, f"```{card.code}\n{answer.strip()}\n```")
        unseen = verdict.outcome == "unverified" or not verdict.extracted
        if fenced.outcome == "correct" or (unseen and _looks_like_code(answer, card)):
            return replace(fenced, span=None)  # which would lie in the block, not in what was typed
        return verdict

    def _read_otherwise(self, card: Card, answer: str) -> Iterator[Verdict]:
        """Verdicts on what the answer may mean, too."""
        for expected in _accepted(card):
            for reading in readings(answer, expected, card.question):
                yield replace(self._verdict(card, reading), extracted=answer.strip(), span=None)

    def without_spoiler(self, card: Card, verdict: Verdict) -> Verdict:
        """The verdict for somebody who tries again: its reason and hint do not say what the right answer is."""
        told = verdict.expected.strip()
        parts = [part for part in told.split(", ") if part not in verdict.extracted]
        if not any(_says(f"{verdict.reason} {verdict.hint}", part) for part in (told, *parts)):
            return verdict
        if self._verdict(card, told).outcome != "correct":  # a figure of a test, say, which is no answer
            return verdict
        clause = re.compile(rf",?\s*(?:(?:y|pero)\s+)?se\s+esperaban?\s+(?<!\w){re.escape(told)}(?!\w)")
        reason, hint = (clause.sub("", text) for text in (verdict.reason, verdict.hint))
        for part in (told, *parts):
            reason, hint = (re.sub(_word(part), "…", text) for text in (reason, hint))
        return replace(verdict, reason=reason, hint=hint)

    def hints(self, card: Card) -> tuple[str, ...]:
        """At most three things that may be told one after the other: what the model answer says first, save what gives it away."""
        prose, *more = FENCE.split(card.reference, maxsplit=1)
        sentences = [part.strip() for line in prose.splitlines() for part in SENTENCE.split(line) if part.strip()]
        code = [line.strip() for line in (more[1] if card.code and more else "").splitlines() if line.strip()]
        found = [sentence for sentence in sentences[:LOOKED_AT] if not self._gives_away(card, sentence)]
        if len(code) > 1 and not self._gives_away(card, code[0]):
            return (*found[:2], f"Empieza así: {code[0]}")
        return tuple(found[:3])

    def _gives_away(self, card: Card, hint: str) -> bool:
        if any(_says(hint, expected) for expected in _accepted(card)):
            return True
        return self.judge(card, hint).outcome == "correct"

    def _verdict(self, card: Card, answer: str) -> Verdict:
        return self.validator.judge(attempt_of(self.tutor, (*card.earlier, Message("user", card.question)), answer, card.expected))


def quiz_of(
    tutor: Tutor,
    plugins: Plugins,
    validator: Validator,
    *,
    count: int = QUESTIONS,
    topic: str | None = None,
    difficulty: int | None = None,
    seed: int | None = None,
) -> Quiz:
    """At most ``count`` (0: all) of the held-out questions of a topic and a difficulty (1 to 3), every topic in turn, easy ones first.

    The same ``seed`` gives the same questions; None gives others each time. Raises NotFoundError for a topic that there is not,
    UsageError where nobody can judge a single answer, and what reading the questions raises."""
    path = tutor.folder / tutor.dataset.eval
    cards = [card for row in plugins.read_dataset(path) if (card := card_of(row)) is not None]
    if not cards:
        raise DataError(f"{shown(path)} holds no question with an answer", hint="add conversations, one JSON object a line")
    wanted = _mixed(_chosen(cards, topic, difficulty), random.Random(seed))
    found, left_out = _judgeable(Quiz(tutor, validator, ()), wanted, count)
    if not found:
        names = ", ".join(tutor.validator.use) or "nobody"
        raise UsageError(
            f"none of the {left_out} questions can be judged by {names}", hint=f"hub check {tutor.name} says what the validator can judge"
        )
    return Quiz(tutor, validator, tuple(sorted(found, key=lambda card: card.difficulty or 2)), left_out)


def card_of(row: Example) -> Card | None:
    """The last question of a row and its answer; None for a row that does not end with an answer."""
    spoken = [turn for turn in row.messages if turn.role != "system"]
    if len(spoken) < 2 or spoken[-1].role != "assistant" or spoken[-2].role != "user":
        return None
    topics = row.tags or (WITHOUT_TOPIC,)
    return Card(spoken[-2].content, spoken[-1].content, tuple(spoken[:-2]), row.expected, topics, row.difficulty, row.where)


# --- which questions -----------------------------------------------------------------------------


def _chosen(cards: Sequence[Card], topic: str | None, difficulty: int | None) -> list[Card]:
    """Those of the topic and the difficulty."""
    topics = sorted({name for card in cards for name in card.topics})
    if topic is not None and topic not in topics:
        guess = nearest(topic, topics)
        raise NotFoundError(f"no question about '{topic}'", hint=f"did you mean '{guess}'?" if guess else f"topics: {', '.join(topics)}")
    found = [card for card in cards if topic is None or topic in card.topics]
    levels = sorted({card.difficulty for card in found if card.difficulty is not None})
    if difficulty is not None and difficulty not in levels:
        there = f"there are questions of difficulty {', '.join(map(str, levels))}" if levels else "its questions have no difficulty"
        raise NotFoundError(f"no question of difficulty {difficulty}" + (f" about '{topic}'" if topic else ""), hint=there)
    return [card for card in found if difficulty is None or card.difficulty == difficulty]


def _mixed(cards: Sequence[Card], chance: random.Random) -> list[Card]:
    """By chance, but each topic in turn, so that a few questions are about many things."""
    groups: dict[str, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.topics[0], []).append(card)
    members = [chance.sample(group, len(group)) for group in groups.values()]
    chance.shuffle(members)
    return [card for round_of_topics in zip_longest(*members) for card in round_of_topics if card is not None]


def _judgeable(quiz: Quiz, cards: Sequence[Card], count: int) -> tuple[list[Card], int]:
    """The first ``count`` cards whose model answer is called correct, and how many others were looked at on the way."""
    found: list[Card] = []
    left_out = 0
    wanted = count or len(cards)
    for card, judgeable in _judged(quiz, cards, ahead=wanted):
        if judgeable:
            found.append(card)
        else:
            left_out += 1
        if len(found) == wanted:
            break
    return found, left_out


def _judged(quiz: Quiz, cards: Sequence[Card], *, ahead: int) -> Iterator[tuple[Card, bool]]:
    """Each card with whether its own answer is right, on all cores; hardly more are judged than are taken."""

    def judge(card: Card) -> tuple[Card, bool]:
        right = quiz._verdict(card, card.reference).outcome == "correct"
        block = FENCE.search(card.reference)
        if right and block and quiz._verdict(card, block[0]).outcome == "correct":  # else the code is there to explain something
            card = replace(card, code=block[1] or "text")
        return card, right

    hands = available_cores()
    with closing(in_order(judge, cards, hands=hands, ahead=max(1, min(hands, ahead)))) as judged:  # type: ignore[type-var]
        yield from judged


# --- what a student types ------------------------------------------------------------------------


def _repeats_question(card: Card, answer: str, verdict: Verdict) -> bool:
    """Whether what was judged stands in the question as it is and not in the expected answer: equal to it, but nothing was done."""
    asked, expected = _bare(card.question), _bare(verdict.expected)
    judged = _bare(verdict.extracted) or _bare(answer)
    return judged in asked and judged not in expected and expected not in judged


def _accepted(card: Card) -> tuple[str, ...]:
    """The results that count as right, where they are plain texts or numbers."""
    expected = card.expected.get("answer") if isinstance(card.expected, dict) else card.expected
    several = expected if isinstance(expected, list) else [expected]
    return tuple(str(one) for one in several if isinstance(one, (str, int, float)))


def _says(text: str, words: str) -> bool:
    return bool(words) and re.search(_word(words), text) is not None


def _word(words: str) -> str:
    """A pattern for ``words`` where they stand for themselves, not within others."""
    return rf"(?<!\w){re.escape(words)}(?!\w)"


def _bare(text: str) -> str:
    """Without what two ways to write the same may differ in."""
    return re.sub(r"\s+", "", text.translate(str.maketrans("−–·×", "--**"))).lower().rstrip(".")


def _looks_like_code(answer: str, card: Card) -> bool:
    """Whether it begins as a line of the model answer's code begins, give or take a typing error: prose is no faulty code."""
    block = FENCE.search(card.reference)
    openings = {word.lower() for word in re.findall(r"^\s*(\w+)", block[2] if block else "", re.MULTILINE)}
    first = re.match(r"\w+", answer.strip())
    return first is not None and len(first[0]) > 2 and bool(nearest(first[0], openings))
