"""Which subject a question belongs to, learned from questions of each subject; "cannot tell" is a result.

Naive Bayes over words, pairs of words, beginnings of words and shapes (a list, a call, an equation). It sets its own limits: each
question it learned from is judged as if it had not been there, and those verdicts say how sure "sure" must be. Pure: knows nothing
of tutors, files and models; builds in a fraction of a second, needs no library.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeVar

from adapters_hub.languages import STOP_WORDS
from adapters_hub.near_duplicates import folded

T = TypeVar("T")
Reason = Literal["sure", "close", "unknown", "stays", "alone"]

SMOOTHING = 0.25
"""Weight of what all subjects say together beside what one says, as a share of the mean subject's size."""

WEIGHTS = {"w": 1.0, "s": 1.0, "b": 0.5, "c": 0.3}
"""What a word, a shape, a pair of words and a piece of a word count: pairs and pieces repeat what their words said."""

STRANGENESS = 2.5
"""What a question of nothing but unknown words loses, in units of the logarithm of its evidence."""

STRANGE = 0.02
"""Share of the known questions that may count as of no subject: the limit of evidence follows from it, ..."""
ENOUGH = 0.4
"""... but this much is enough, even where all known questions are alike: a telling word or two, not half of the words unknown."""

WRONG = 0.01
"""Share of wrong answers that is aimed at ..."""
CLOSE = 0.02
"""... as long as not more than this share of the known questions is left open for it."""
EVEN = 0.6
"""Two subjects are too close to choose where the likelier has less than this share of the two, however few mistakes that makes."""
DOUBT = 0.02
"""Share of the verdicts on known questions that is taken to be wrong whatever they are: new questions are less like them than they
are like each other."""

STAYS = 0.98
"""Share of the later turns of known conversations that must stay with whom they were addressed to."""

FAR = 0.05
"""A present subject with less than this share has nothing to do with the question."""

MOST_ROWS = 12_000
"""So many questions are learned from, shared evenly by the subjects."""

CALIBRATED_BY = 1200
"""So many known questions, evenly spread, set the limits."""

LONGEST = 4000
"""Characters of a question that are looked at."""

TELLING = 3
"""Words that a guess names."""


@dataclass(frozen=True)
class Subject:
    """What is known of one subject."""

    name: str
    questions: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    """Later turns of conversations about it: they say how follow-ups sound."""
    about: tuple[str, ...] = ()
    """Its title, its description: few words, but its own."""
    language: str = "es"
    """Whose function words say nothing."""


@dataclass(frozen=True)
class Guess:
    """What a question seems to be about."""

    subject: str | None
    """None: cannot tell."""
    reason: Reason
    """``sure``; ``close`` between the first two; ``unknown``: of none of them; ``stays`` with the present one; ``alone``: no other."""
    shares: tuple[tuple[str, float], ...]
    """Every subject with its probability, likeliest first."""
    telling: tuple[tuple[str, tuple[str, ...]], ...]
    """The words, as they were written, that speak most for each of the first two subjects."""


class QuestionClassifier:
    """Tells the subject of questions; of any number of subjects, also of those that are known by their description alone."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        """Learns from the subjects; raises ValueError without any, or when two have one name."""
        self.names = tuple(subject.name for subject in subjects)
        if not subjects or len(set(self.names)) < len(self.names):
            raise ValueError("there must be subjects, each with a name of its own")
        self._stop = frozenset().union(*(STOP_WORDS.get(subject.language, frozenset()) for subject in subjects))
        most = max(100, MOST_ROWS // len(subjects))
        known = [(place, features(text)) for place, subject in enumerate(subjects) for text in _spread(subject.questions, most)]
        about = [(place, features(text)) for place, subject in enumerate(subjects) for text in subject.about]
        self._count(known + about)
        self._calibrate(_spread(known, CALIBRATED_BY))
        later = [(place, turn) for place, subject in enumerate(subjects) for turn in _spread(subject.later, most)]
        self._listen([(place, features(turn)) for place, turn in _spread(later, CALIBRATED_BY)])

    def classify(self, question: str, present: str | None = None) -> Guess:
        """The subject of ``question``; a follow-up that could be anybody's stays with the ``present`` one."""
        if len(self.names) == 1:
            return Guess(self.names[0], "alone", ((self.names[0], 1.0),), ())
        found = features(question)
        scores = self._scores(found)
        if present in self.names:
            scores[self.names.index(present)] += self._loyalty * self._temperature
        shares = self._shares(scores)
        order = sorted(range(len(shares)), key=lambda place: -shares[place])
        best, second = order[:2]
        familiar = self._evidence(found, best) >= self._least_evidence
        sure = _lead(shares) >= self._least_lead
        telling = tuple((self.names[one], self._telling(question, found, one, other)) for one, other in ((best, second), (second, best)))
        ranked = tuple((self.names[place], shares[place]) for place in order)
        if present not in self.names:
            reason: Reason = "unknown" if not familiar else "sure" if sure else "close"
            return Guess(self.names[best] if reason == "sure" else None, reason, ranked, telling)
        if self.names[best] != present and familiar and sure:
            return Guess(self.names[best], "sure", ranked, telling)
        if self.names[best] != present and familiar and shares[self.names.index(present)] < FAR:
            return Guess(None, "close", ranked, telling)
        return Guess(present, "sure" if self.names[best] == present and familiar and sure else "stays", ranked, telling)

    # --- learning --------------------------------------------------------------------------------

    def _count(self, rows: Sequence[tuple[int, frozenset[str]]]) -> None:
        """How many rows of each subject hold each feature."""
        subjects = len(self.names)
        self._rows = [0] * subjects
        self._mass = [0.0] * subjects
        self._holders: dict[str, dict[int, int]] = defaultdict(dict)
        for place, found in rows:
            self._rows[place] += 1
            self._mass[place] += len(found)
            for feature in found:
                holders = self._holders[feature]
                holders[place] = holders.get(place, 0) + 1
        self._holders.default_factory = None
        self._whole = max(1.0, sum(self._mass))
        self._smooth = SMOOTHING * self._whole / subjects
        self._total = {feature: sum(holders.values()) for feature, holders in self._holders.items()}

    def _calibrate(self, rows: Sequence[tuple[int, frozenset[str]]]) -> None:
        """Set how sharp the probabilities are, and the limits of "sure" and "familiar", by judging each row as if it were not there."""
        self._temperature, self._least_lead, self._least_evidence = 1.0, EVEN, 0.0
        if len(self.names) == 1 or not rows:
            return
        judged = [(place, self._scores(found, without=place)) for place, found in rows]
        self._temperature = min((2 ** (step / 2) for step in range(12)), key=lambda value: _surprise(judged, value))
        best = [max(range(len(scores)), key=scores.__getitem__) for _, scores in judged]
        evidence = sorted(self._evidence(found, guess, without=place) for (place, found), guess in zip(rows, best, strict=True))
        self._least_evidence = min(ENOUGH, evidence[int(STRANGE * len(evidence))])
        certain = sorted((_lead(self._shares(scores)), guess == place) for (place, scores), guess in zip(judged, best, strict=True))
        self._least_lead = max(EVEN, _limit(certain))

    def _listen(self, later: Sequence[tuple[int, frozenset[str]]]) -> None:
        """How much more a present subject counts: later turns, which often name nothing, have to stay."""
        self._loyalty = 1.0
        if len(self.names) == 1 or not later:
            return
        behind = []
        for place, found in later:
            scores = self._scores(found)
            behind.append((max(score for other, score in enumerate(scores) if other != place) - scores[place]) / self._temperature)
        self._loyalty = max(self._loyalty, sorted(behind)[min(len(behind) - 1, int(STAYS * len(behind)))])

    # --- judging ---------------------------------------------------------------------------------

    def _scores(self, found: Iterable[str], without: int | None = None) -> list[float]:
        """Log-likelihood of the features in each subject, up to what all have in common; ``without`` one row of that subject that has
        just these features. Features that nobody knows say nothing."""
        smooth, whole = self._smooth, self._whole
        scores = [0.0] * len(self.names)
        known = 0.0
        for feature in found:
            holders = self._holders.get(feature)
            if holders is None:
                continue
            total = self._total[feature]
            if without is not None:
                total -= 1
                if not total:
                    continue
            weight = WEIGHTS[feature[0]]
            known += weight
            expected = smooth * total / whole
            for place, count in holders.items():
                scores[place] += weight * math.log1p((count - (place == without)) / expected)
        return [score - known * math.log(mass + smooth) for score, mass in zip(scores, self._mass, strict=True)]

    def _shares(self, scores: Sequence[float]) -> list[float]:
        """Probabilities."""
        most = max(scores)
        odds = [math.exp((score - most) / self._temperature) for score in scores]
        whole = sum(odds)
        return [odd / whole for odd in odds]

    def _evidence(self, found: Iterable[str], place: int, without: int | None = None) -> float:
        """How much of the question is known to be of that subject, less what of it is known to nobody."""
        evidence = 0.0
        words = strange = 0
        for feature in found:
            kind = feature[0]
            if kind == "c" or (kind == "w" and not self._is_content(feature)):
                continue
            is_word = kind == "w" and feature[2:].isalpha()
            words += is_word
            total = self._total.get(feature, 0) - (without is not None)
            if total <= 0:
                strange += is_word
                continue
            count = self._holders[feature].get(place, 0) - (place == without)
            evidence += WEIGHTS[kind] * _strength(count, total, self._rows[place] / sum(self._rows))
        return math.log1p(evidence) - STRANGENESS * strange / max(1, words)

    def _is_content(self, feature: str) -> bool:
        word = feature[2:]
        return not word.isalpha() or (len(word) > 3 and word not in self._stop)

    def _telling(self, question: str, found: Iterable[str], place: int, rival: int) -> tuple[str, ...]:
        """The words and shapes, as written, that speak most for one subject against another."""
        weights = {}
        for feature in found:
            holders = self._holders.get(feature)
            if holders is None or feature[0] not in "ws" or feature == "w:0":
                continue
            expected = self._smooth * self._total[feature] / self._whole
            ours, theirs = (
                math.log(holders.get(each, 0) + expected) - math.log(self._mass[each] + self._smooth) for each in (place, rival)
            )
            if ours - theirs > 0.3:
                weights[feature] = ours - theirs
        words: dict[str, None] = {}
        for feature in sorted(weights, key=lambda feature: (-weights[feature], feature)):
            written = _as_written(question, feature)
            small = feature[0] == "w" and not self._is_content(feature) and not (len(written) > 1 and written.isupper())
            if written and not small and not any(written in other or other in written for other in words):
                words[written] = None
        return tuple(words)[:TELLING]


# --- features ------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[-+*/^=<>%√×÷·≤≥≠∑∫!|&]")
_SHAPES = {
    "list": re.compile(r"\[[^\[\]\n]{0,200}[,\]]"),
    "call": re.compile(r"\w\([^()\n]{0,60}\)"),
    "name_of_code": re.compile(r"[^\W\d_]_[^\W\d_]\w*"),
    "code_block": re.compile(r"```|\bdef \w|\breturn\b|\bprint\(|:\n +\w"),
    "equation": re.compile(r"[a-z0-9)]\s*=\s*-?\d", re.IGNORECASE),
    "power": re.compile(r"\w\^[\w(]|[²³]|\w\*\*\w"),
    "fraction": re.compile(r"\d ?/ ?\d"),
    "percent": re.compile(r"\d ?%"),
    "coefficient": re.compile(r"\b\d+[a-z]\b"),
    "capitals": re.compile(r"\b[A-Z]{3,}\b"),
    "order": re.compile(r"\bO\([^)\n]{1,20}\)"),
    "quoted": re.compile(r"'[^'\n]{1,30}'"),
    "arithmetic": re.compile(r"\d ?[-+*·×÷] ?\d"),
}
PIECE = 5
"""Characters of a piece of a word, its borders counted."""
LONGEST_WORD = 40


def features(text: str) -> frozenset[str]:
    """What is looked at in a question: ``w:`` words, numbers as 0 and signs, ``b:`` pairs of them, ``c:`` pieces of longer words,
    ``s:`` shapes. Case and accents do not count."""
    text = text[:LONGEST]
    words = ["0" if word[0].isdigit() else word for word in _WORD.findall(folded(text))]
    found = {f"w:{word}" for word in words}
    found |= {f"b:{one} {other}" for one, other in pairwise(words)}
    for word in words:
        found.update(_pieces(word[:LONGEST_WORD]))
    found.update(f"s:{name}" for name, shape in _SHAPES.items() if shape.search(text))
    return frozenset(found)


@lru_cache(maxsize=1 << 14)
def _pieces(word: str) -> tuple[str, ...]:
    """Pieces of a word of at least four letters."""
    if len(word) < 4:
        return ()
    edged = f"^{word}$"
    return tuple(f"c:{edged[start : start + PIECE]}" for start in range(len(edged) - PIECE + 1))


def _as_written(question: str, feature: str) -> str:
    """Where a word or shape stands in the question."""
    question = question[:LONGEST]
    if feature[0] == "s":
        shape = _SHAPES[feature[2:]].search(question)
        return " ".join(shape.group().split()) if shape and len(shape.group()) <= 24 else ""
    return next((found.group() for found in _WORD.finditer(question) if folded(found.group()) == feature[2:]), "")


# --- figures -------------------------------------------------------------------------------------


def _strength(count: int, total: int, share: float) -> float:
    """How far beyond chance it is that ``count`` of ``total`` rows with a feature are of a subject that has ``share`` of all rows: the
    signed root of the likelihood ratio G² (Dunning 1993), 0 where it is below chance."""
    expected = total * share
    if count <= expected:
        return 0.0
    rest = total - count
    statistic = count * math.log(count / expected) + (rest * math.log(rest / (total - expected)) if rest else 0.0)
    return math.sqrt(max(0.0, 2 * statistic))


def _surprise(judged: Sequence[tuple[int, Sequence[float]]], temperature: float) -> float:
    """Negative log-likelihood of the right subjects, a little of the others' in it."""
    lost = 0.0
    for place, scores in judged:
        most = max(scores)
        whole = math.log(sum([math.exp((score - most) / temperature) for score in scores]))
        right = whole - (scores[place] - most) / temperature
        mean = whole - (sum(scores) / len(scores) - most) / temperature
        lost += (1 - DOUBT) * right + DOUBT * mean
    return lost


def _lead(shares: Sequence[float]) -> float:
    """What the likeliest subject has of its share and the next one's together: 1/2 to 1."""
    second, best = sorted(shares)[-2:]
    return best / (best + second)


def _limit(certain: Sequence[tuple[float, bool]]) -> float:
    """The least lead with which not more than ``WRONG`` of the answers are wrong, leaving at most ``CLOSE`` of the questions open; 0
    where nothing need be left open. ``certain``: lead and rightness, ascending."""
    wrong = sum(not right for _, right in certain)
    limit = 0.0
    for left_open, (_, right) in enumerate(certain[: int(CLOSE * len(certain))]):
        if wrong <= WRONG * (len(certain) - left_open):
            break
        wrong -= not right
        limit = certain[left_open + 1][0]
    return limit


def _spread(rows: Sequence[T], most: int) -> Sequence[T]:
    """At most ``most`` of the rows, evenly spread."""
    return rows[:: -(-len(rows) // most)] if len(rows) > most else rows
