"""Worksheets: plain documents dense in what a tutor's answer is made of, in which what is given counts less than what follows.

Knows parts of a text and words for identifiers. Deliberately knows no subject, no chat format and no tokens.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from .corpus import plain


@dataclass(frozen=True)
class Part:
    """A stretch of a worksheet."""

    text: str
    """as it stands in the document, with its line ends"""
    follows: bool
    """whether it can be told from what stands before it: then it weighs 1 in the loss, otherwise as little as a question"""


Sheet = list[Part]


@dataclass(frozen=True)
class Lexicon:
    """Words for names of functions, parameters, tables and columns."""

    words: tuple[str, ...]
    """lower case ASCII, the more frequent in the corpus the earlier"""

    def word(self, rng: Random) -> str:
        """One word; frequent ones come more often."""
        return self.words[int(len(self.words) * rng.random() ** 1.5)]

    def name(self, rng: Random) -> str:
        """An identifier of one to three words, now and then with a figure or an invented word."""
        parts = [self.word(rng) for _ in range(rng.choice((1, 2, 2, 2, 2, 3)))]
        if rng.random() < 0.15:
            parts[rng.randrange(len(parts))] = invented(rng)
        if rng.random() < 0.12:
            parts.append(str(rng.randrange(2, 30)))
        return "_".join(parts)


def lexicon(texts: Iterable[str], size: int = 4000) -> Lexicon:
    """The words of three to ten letters that occur most in the texts, without accents."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(re.findall(r"(?<![a-z])[a-z]{3,10}(?![a-z])", plain(text)))
    return Lexicon(tuple(word for word, _ in counts.most_common(size + len(RESERVED)) if word not in RESERVED)[:size])


def invented(rng: Random) -> str:
    """A word that no text knows: two or three syllables."""
    return "".join(rng.choice("bcdfgjlmnprstvz") + rng.choice("aeiou") for _ in range(rng.choice((2, 3)))) + rng.choice(
        ("", "", "s", "r", "n")
    )


RESERVED = frozenset(
    [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "none",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "true",
        "false",
        "try",
        "while",
        "with",
        "yield",
        "select",
        "where",
        "order",
        "group",
        "having",
        "join",
        "left",
        "inner",
        "outer",
        "union",
        "case",
        "when",
        "then",
        "end",
        "limit",
        "offset",
        "distinct",
        "null",
        "like",
        "between",
        "exists",
        "insert",
        "into",
        "values",
        "update",
        "set",
        "delete",
        "create",
        "table",
        "primary",
        "key",
        "integer",
        "text",
        "real",
        "foreign",
        "references",
        "index",
        "desc",
        "asc",
        "using",
        "natural",
        "cross",
        "full",
        "right",
        "all",
        "any",
        "max",
        "min",
        "sum",
        "avg",
        "count",
        "len",
        "int",
        "str",
        "list",
        "dict",
        "tuple",
        "range",
        "abs",
        "sorted",
        "print",
        "float",
        "bool",
        "zip",
        "map",
        "filter",
        "type",
        "input",
        "open",
        "round",
        "reversed",
        "enumerate",
        "default",
        "check",
        "unique",
        "transaction",
        "commit",
        "add",
        "alter",
        "drop",
        "view",
        "temp",
        "over",
        "partition",
        "window",
        "rows",
        "the",
    ]
)
"""what Python and SQL keep for themselves"""
