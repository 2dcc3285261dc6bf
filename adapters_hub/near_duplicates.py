"""Which questions ask nearly the same: their word sets, groups of them, and rows of one file near to those of another.

Exact, and fast for any distribution of words. Knows nothing of answers, of files and of what is done about a near-duplicate.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters_hub.types import Example

NEAR = (4, 5)
"""Questions whose word sets have at least this Jaccard similarity, 4/5, are near-duplicates."""

BLOCK = 1 << 14
"""Sets compared at once: bounds the memory that a large dataset takes."""

FEW = 64
"""So many candidates are compared one by one, more of them all at once."""

_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORDS = re.compile(r"\w+|[-+*/^=<>%√×÷·≤≥≠∑∫]")


def near_duplicates(examples: Sequence[Example]) -> list[list[int]]:
    """Groups of indices of examples that ask nearly the same, singletons included, in order of their first members.

    The word sets of two questions (all user turns; case and accents folded, digits and operators kept) have a Jaccard
    similarity of at least 4/5, or there is a chain of such pairs. Exact, and fast for any distribution of words."""
    alike: dict[frozenset[str] | str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        words = frozenset(question_words(example))
        alike[words or "\0".join(turn.content.strip() for turn in example.messages if turn.role == "user")].append(index)
    questions = [key for key in alike if isinstance(key, frozenset)]
    groups = [[index for key in group for index in alike[questions[key]]] for group in _near_sets(questions)]
    groups += [group for key, group in alike.items() if isinstance(key, str)]
    return sorted(sorted(group) for group in groups)


def near_rows(examples: Sequence[Example], others: Sequence[Example]) -> list[list[int]]:
    """For each example the indices of those of ``others`` that ask nearly the same, in the sense of ``near_duplicates``."""
    asked = [frozenset(question_words(example)) for example in examples]
    known = [frozenset(question_words(other)) for other in others]
    rarity = _rarity([*asked, *known])
    near: list[list[int]] = [[] for _ in examples]
    for start in range(0, len(known), BLOCK):
        shelf = _Shelf(rarity, known[start : start + BLOCK])
        for words, found in zip(asked, near, strict=True):
            found += [start + bit for bit in _bits(shelf.near(words))] if words else []
    return near


def question_words(example: Example) -> list[str]:
    """Words and operators of the user's turns, without case and accents, in order."""
    return words_of("\n".join([turn.content for turn in example.messages if turn.role == "user"]))


def words_of(text: str) -> list[str]:
    """Words, numbers and operators of a text, without case and accents, in order."""
    return _WORDS.findall(folded(text))


def folded(text: str) -> str:
    """Without case and accents: ``Ángulo`` and ``angulo`` are the same word."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def _near_sets(questions: Sequence[frozenset[str]]) -> list[list[int]]:
    """Groups of different sets, none empty, linked by Jaccard similarities of at least ``NEAR``: each is compared with those before it."""
    rarity = _rarity(questions)
    groups = [_Group([index]) for index in range(len(questions))]
    for start in range(0, len(questions), BLOCK):
        shelf = _Shelf(rarity)
        for group in groups:
            group.bits = sum(1 << index - start for index in group.members if start <= index < start + BLOCK)
        for index in range(start, len(questions)):
            near = shelf.near(questions[index], without=groups[index].bits)
            while near:
                _merge(groups, index, start + next(_bits(near)))
                near &= ~groups[index].bits
            if index < start + BLOCK:
                shelf.add(questions[index])
    return [group.members for group in {id(group): group for group in groups}.values()]


@dataclass(eq=False)
class _Group:
    """Sets found to belong together."""

    members: list[int]
    bits: int = 0
    """Those of them in the block at hand."""


def _merge(groups: list[_Group], one: int, other: int) -> None:
    large, small = groups[one], groups[other]
    if len(large.members) < len(small.members):
        large, small = small, large
    large.members += small.members
    large.bits |= small.bits
    for member in small.members:
        groups[member] = large


def _rarity(sets: Iterable[frozenset[str]]) -> dict[str, int]:
    """Each word's place in the order from the rarest to the most frequent; equally frequent words by the alphabet."""
    frequency = Counter(word for words in sets for word in words)
    return {word: place for place, word in enumerate(sorted(frequency, key=lambda word: (frequency[word], word)))}


class _Shelf:
    """Sets of words that can be asked which of them are near to another set.

    A word is an integer with one bit for each set that holds it, so the words that one set shares with thousands of others are
    counted in a few hundred operations. Two near sets of n and m words share at least 4(n + m)/9, so also one of the n - 4n/5 + 1
    rarest words of either (prefix filtering, Chaudhuri et al. 2006): often that alone leaves nobody."""

    def __init__(self, rarity: Mapping[str, int], sets: Iterable[frozenset[str]] = ()) -> None:
        """``rarity``: the place of each word, on and off the shelf, in one order of all words, rarest first."""
        self.rarity = rarity
        self.sets: list[frozenset[str]] = []
        self.holders: dict[str, int] = defaultdict(int)
        self.sizes: dict[int, int] = defaultdict(int)
        for words in sets:
            self.add(words)

    def add(self, words: frozenset[str]) -> None:
        bit = 1 << len(self.sets)
        self.sets.append(words)
        self.sizes[len(words)] |= bit
        for word in words:
            self.holders[word] |= bit

    def near(self, words: frozenset[str], without: int = 0) -> int:
        """The sets near to ``words``, a bit each, save those in ``without``."""
        above, below = NEAR
        size = len(words)
        shortest = -(-above * size // below)
        rarest = sorted(words, key=self.rarity.__getitem__)[: size - shortest + 1]
        candidates = 0
        for word in rarest:
            candidates |= self.holders.get(word, 0)
        candidates &= ~without
        if candidates.bit_count() <= FEW:
            return sum(1 << bit for bit in _bits(candidates) if _are_near(words, self.sets[bit]))
        planes = _counted([self.holders[word] for word in words if word in self.holders])
        near = 0
        for other_size in range(shortest, size * below // above + 1):
            if same := self.sizes.get(other_size, 0) & candidates:
                near |= same & _at_least(planes, -(-above * (size + other_size) // (above + below)))
        return near


def _are_near(one: frozenset[str], other: frozenset[str]) -> bool:
    above, below = NEAR
    return (above + below) * len(one & other) >= above * (len(one) + len(other))


def _bits(mask: int) -> Iterator[int]:
    """Places of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _counted(masks: list[int]) -> list[int]:
    """How many of the masks have each bit set, as binary digits: bit i of ``result[k]`` counts 2**k for place i."""
    planes = []
    while masks:
        carries = []
        while len(masks) > 2:
            one, two, three = masks.pop(), masks.pop(), masks.pop()
            either = one ^ two
            masks.append(either ^ three)
            carries.append(one & two | either & three)
        if len(masks) == 2:
            one, two = masks.pop(), masks.pop()
            masks.append(one ^ two)
            carries.append(one & two)
        planes.append(masks[0])
        masks = carries
    return planes


def _at_least(planes: list[int], needed: int) -> int:
    """The places whose count is ``needed`` (at least 1) or more."""
    if needed >> len(planes):
        return 0
    equal, more = -1, 0
    for plane in range(len(planes) - 1, -1, -1):
        if needed >> plane & 1:
            equal &= planes[plane]
        else:
            more |= equal & planes[plane]
            equal &= ~planes[plane]
    return more | equal
