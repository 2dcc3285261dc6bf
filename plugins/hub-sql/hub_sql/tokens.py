"""Words of SQL: cuts a text into tokens and statements, the way SQLite does, in time proportional to its length.

Knows no grammar: what is valid, SQLite decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["space", "comment", "word", "quoted", "bracket", "string", "blob", "number", "parameter", "operator", "bad"]


@dataclass(frozen=True)
class Token:
    """A piece of SQL and where it lies."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Position after the last character."""
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        """The text in capitals, to compare keywords."""
        return self.text.upper()

    @property
    def name(self) -> str:
        """What an identifier names: without its quotes."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        if self.kind == "bracket":
            return self.text[1:-1].replace("``", "`")
        return self.text

    @property
    def value(self) -> str:
        """What a string says: without its quotes."""
        return self.text[1:-1].replace("''", "'")

    @property
    def is_name(self) -> bool:
        """Whether it can name a table or a column; keywords are words too."""
        return self.kind in ("word", "quoted", "bracket")


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|\Z))"
    r"|(?P<blob>[xX]'[0-9a-fA-F]*')"
    r"|(?P<string>'[^']*(?:''[^']*)*')"
    r'|(?P<quoted>"[^"]*(?:""[^"]*)*")'
    r"|(?P<bracket>\[[^\]]*\]|`[^`]*(?:``[^`]*)*`)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)"
    r"|(?P<parameter>\?[0-9]*|[:@$#][A-Za-z_\u0080-\U0010ffff]\w*)"
    r"|(?P<bad>['\"`\[][\s\S]*)"  # a quote that nothing closes takes the rest
    r"|(?P<operator>\|\||->>|->|<>|<=|>=|==|!=|<<|>>|[\s\S])"
)


def words(*lines: str) -> tuple[str, ...]:
    """The words of these lines: for lists of keywords that stay readable."""
    return tuple(" ".join(lines).split())


def tokens(text: str) -> list[Token]:
    """All tokens, white space and comments too: joined they are the text again."""
    return [Token(found.lastgroup, found.group(), found.start()) for found in _TOKEN.finditer(text)]  # type: ignore[arg-type]


def code(text: str) -> list[Token]:
    """The tokens without white space and comments."""
    return [token for token in tokens(text) if token.kind not in ("space", "comment")]


def statements(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement lies, its semicolon left out; a rest without semicolon counts as one, comments alone do not.

    The body of a trigger belongs to its statement."""
    start: int | None = None
    end = 0
    trigger = False
    seen: list[str] = []
    for token in code(text):
        if token.text == ";" and not (trigger and (not seen or seen[-1] != "END")):
            if start is not None:
                yield start, end
            start, trigger, seen = None, False, []
            continue
        if start is None:
            start = token.start
        end = token.end
        seen.append(token.upper)
        if len(seen) <= 3 and seen[0] == "CREATE" and token.upper == "TRIGGER":
            trigger = True
    if start is not None:
        yield start, end


def normal(text: str) -> tuple[str, ...]:
    """The statement as words without spelling: white space, comments, case and closing semicolons do not count."""
    result = [token.text if token.kind in ("string", "quoted") else token.text.lower() for token in code(text)]
    while result and result[-1] == ";":
        result.pop()
    return tuple(result)


def depths(found: Sequence[Token]) -> list[int]:
    """For each token how many brackets are open around it; an opening and its closing bracket have the outer depth."""
    result: list[int] = []
    depth = 0
    for token in found:
        if token.text == ")":
            depth -= 1
        result.append(depth)
        if token.text == "(":
            depth += 1
    return result
