"""Tables that a conversation makes: the CREATE TABLE and INSERT that stand in what was said before the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub_sql.tokens import code

MOST_TEXT = 200_000
LONGEST = 20_000
MOST = 100
"""Characters of a turn, characters of a statement and statements that are looked at."""
_BEGIN = re.compile(r"\b(?:create\s+table|insert\s+into)\b", re.IGNORECASE)


def stated_tables(turns: Iterable[str]) -> list[str]:
    """The statements, in the order in which they were said; empty unless a table is made."""
    found: list[str] = []
    looked = 0
    for turn in turns:
        text = turn[:MOST_TEXT]
        position = 0
        while looked < MOST and (begin := _BEGIN.search(text, position)) is not None:
            looked += 1
            piece = text[begin.start() : begin.start() + LONGEST]
            length = _length(piece)
            if length:
                found.append(piece[:length])
            position = begin.start() + max(length, len(begin.group()))
    return found if any(table_made(statement) for statement in found) else []


def table_made(statement: str) -> str:
    """The table that a CREATE TABLE makes, in small letters; empty for anything else."""
    words = code(statement[:300])
    if len(words) < 3 or words[0].upper != "CREATE":
        return ""
    names = [word for word in words if word.is_name and word.upper not in ("CREATE", "TABLE", "IF", "NOT", "EXISTS")]
    return names[0].name.lower() if names else ""


def _length(piece: str) -> int:
    """Where the statement ends: a CREATE TABLE at its closing bracket, an INSERT at its semicolon or its last bracket."""
    makes = piece[:6].upper() == "CREATE"
    depth = last = 0
    for token in code(piece):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                last = token.end
                if makes:
                    return last
        elif token.text == ";" and depth == 0:
            return token.start
        elif depth == 0 and last and token.text != "," and token.upper != "VALUES":
            return last  # prose after the last row
        if depth < 0:
            break
    return last
