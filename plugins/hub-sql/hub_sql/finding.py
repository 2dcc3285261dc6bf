"""Finds the SQL of an answer: in fenced blocks first, else in lines, inline code and sentences. Judges nothing.

Which statement is the answer? The last query. A lesson goes from a first step to the whole, and whoever corrects themselves writes the
better version below; a fenced block counts more than what a sentence mentions in passing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from hub_sql.tokens import code, depths, statements, words

Place = Literal["fence", "line", "inline", "prose"]
Kind = Literal["query", "change", "other", "fragment", "unknown"]
"""``query`` asks, ``change`` is INSERT, CREATE and their like, ``other`` PRAGMA and its like, ``fragment`` a clause alone, ``unknown`` a
verb that is nearly one of SQL's."""


@dataclass(frozen=True)
class Statement:
    """One statement and where it lies in the answer."""

    text: str
    start: int
    place: Place
    kind: Kind

    @property
    def span(self) -> tuple[int, int]:
        """Begin and end in characters."""
        return self.start, self.start + len(self.text)


QUERY = ("SELECT", "WITH", "VALUES")
CHANGE = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER")
OTHER = words(
    "PRAGMA ATTACH DETACH VACUUM BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE EXPLAIN ANALYZE REINDEX TRUNCATE MERGE USE SHOW DESCRIBE DESC",
    "SET GRANT REVOKE CALL DECLARE START",
)
CLAUSES = frozenset(
    words(
        "FROM WHERE GROUP ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT INNER CROSS FULL OUTER NATURAL ON USING AND OR NOT UNION EXCEPT",
        "INTERSECT CASE WHEN THEN ELSE COUNT SUM AVG MIN MAX IN LIKE BETWEEN EXISTS DISTINCT AS OVER PARTITION PRIMARY FOREIGN REFERENCES",
        "CHECK COALESCE",
    )
)
SQL_LANGUAGES = frozenset(words("sql sqlite sqlite3 mysql postgresql postgres psql pgsql tsql plsql mariadb ansi"))
MOST_TEXT = 300_000
"""Characters of an answer that are searched; the rest of a longer one is left out in the middle."""
MOST_STATEMENTS = 60
LONGEST_PROSE = 3000
"""Characters after SELECT that may belong to a query outside a block."""
TRIES = 400
"""So often SQLite is asked whether a piece of prose is a query ..."""
COST = 4
"""... and a SELECT in prose counts as so many questions, even if none is asked about it."""

IsValid = Callable[[str], bool]
"""Whether SQLite can parse a text."""


def mentions_sql(answer: str) -> bool:
    """Whether an answer can hold a statement at all: a quick look without SQLite."""
    return _VERB.search(answer) is not None or _FENCE_WORD.search(answer) is not None


_VERB = re.compile(r"\b(?:select|with|values|insert|update|delete|replace|create|drop|alter)\b", re.IGNORECASE)
_FENCE_WORD = re.compile(r"(?:```|~~~)[ \t]*(?:sql|sqlite|mysql|postgres)", re.IGNORECASE)


def find(answer: str, is_valid: IsValid) -> list[Statement]:
    """All statements of the answer in the order of reading; outside of blocks only queries that SQLite can parse."""
    shift = 0
    text = answer
    if len(text) > MOST_TEXT:  # what decides stands at the end
        shift = len(text) - MOST_TEXT
        text = text[shift:]
    blocks = list(_blocks(text))
    found: list[Statement] = []
    for block in blocks:
        if block.is_sql:
            found += _in_block(text, block)
    rest = _blanked(text, blocks)
    budget = [TRIES]
    inline = list(_in_code_spans(rest, is_valid, budget))
    rest = _cover(rest, [(statement.start, statement.start + len(statement.text)) for statement in inline])
    found += inline
    found += _in_prose(rest, is_valid, budget)
    found.sort(key=lambda statement: statement.start)
    return [Statement(one.text, one.start + shift, one.place, one.kind) for one in found[-MOST_STATEMENTS:]]


def kind_of(statement: str) -> Kind:
    """What a statement does, by its first words."""
    found = code(statement[:4000])
    if not found:
        return "fragment"
    first = found[0].upper
    if first == "(" and len(found) > 1:
        first = found[1].upper
    if first == "WITH":
        for token, depth in zip(found, depths(found), strict=True):
            if depth == 0 and token.upper in ("INSERT", "UPDATE", "DELETE", "REPLACE"):
                return "change"
        return "query"
    if first in QUERY:
        return "query"
    if first in CHANGE:
        return "change" if len(found) > 1 and found[1].text != "(" else "fragment"
    if first in OTHER:
        return "other"
    if first in CLAUSES:
        return "fragment"
    return "unknown" if difflib.get_close_matches(first[:20], (*QUERY, *CHANGE), n=1, cutoff=0.75) else "fragment"


# --- fenced blocks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    start: int
    """Where the opening fence begins."""
    inner: int
    inner_end: int
    end: int
    is_sql: bool


_FENCE = re.compile(r"^[ \t>]{0,12}(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+.#-]*)(?P<rest>[^\n]*)$", re.MULTILINE)


def _blocks(text: str) -> Iterator[_Block]:
    """Fenced blocks; one that is never closed goes on to the end."""
    opening: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        if opening is None:
            if found["fence"][0] == "~" or "`" not in found["rest"]:
                opening = found
        elif (
            found["fence"][0] == opening["fence"][0]
            and len(found["fence"]) >= len(opening["fence"])
            and not found["language"]
            and not found["rest"].strip()
        ):
            yield _block(text, opening, found.start(), found.end())
            opening = None
    if opening is not None:
        yield _block(text, opening, len(text), len(text))


def _block(text: str, opening: re.Match[str], inner_end: int, end: int) -> _Block:
    inner = min(opening.end() + 1, inner_end)
    language = opening["language"].lower()
    is_sql = language in SQL_LANGUAGES
    if not language:
        first = next(statements(text[inner : min(inner_end, inner + 4000)]), None)
        is_sql = first is not None and kind_of(text[inner + first[0] : inner + first[1]]) in ("query", "change", "unknown")
        if is_sql and kind_of(text[inner + first[0] : inner + first[1]]) == "unknown":  # type: ignore[index]
            is_sql = re.search(r"\b(?:from|into|set)\b", text[inner:inner_end], re.IGNORECASE) is not None
    return _Block(opening.start(), inner, inner_end, end, is_sql)


_PROMPT = re.compile(r"^[ \t]*(?:sqlite>|mysql>|\.\.\.>|\w{1,30}=[#>])(?= )", re.MULTILINE)
"""What a terminal writes before a statement."""


def _in_block(text: str, block: _Block) -> list[Statement]:
    """Every statement of a block; after the first, what begins like no statement is output or prose and passed over."""
    inner = _PROMPT.sub(lambda found: " " * len(found.group()), text[block.inner : block.inner_end])
    found: list[Statement] = []
    for start, end in statements(inner):
        statement = inner[start:end]
        kind = kind_of(statement)
        if kind == "fragment" and found:
            continue
        found.append(Statement(statement, block.inner + start, "fence", kind))
        if len(found) == MOST_STATEMENTS:
            break
    return found


def _blanked(text: str, blocks: list[_Block]) -> str:
    return _cover(text, [(block.start, block.end) for block in blocks])


def _cover(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with these spans as line feeds, so that positions stay and nothing runs across them."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spans):
        pieces += [text[position:start], "\n" * (end - start)]
        position = end
    return "".join([*pieces, text[position:]])


# --- outside of blocks ---------------------------------------------------------------------------

_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)(?P<inner>[^`\n]{6,1000}(?:\n[^`\n]{1,500}){0,20})(?P=ticks)(?!`)")
_START = re.compile(r"\b(?:SELECT|WITH(?=\s+(?:RECURSIVE\s+)?[\w\"]+\s*(?:\([^()]{0,200}\)\s*)?AS\b))(?=[\s(*'\"])", re.IGNORECASE)
_LINE_START = re.compile(r"[ \t>*_«\"“'-]*(?:\d{1,2}[.)]\s*)?(?:[^\n.;:]{1,60}:[ \t*_]*)?[«\"“'*_(]*\Z")
_CLOSING = " \t\r\n.,:!?»”\"'*_)"


def _in_code_spans(text: str, is_valid: IsValid, budget: list[int]) -> Iterator[Statement]:
    """Queries in inline code."""
    for found in _SPAN.finditer(text):
        inner = found["inner"]
        lead = len(inner) - len(inner.lstrip())
        statement = inner.strip().rstrip("; \t\n")
        if kind_of(statement) == "query" and _looks_whole(statement) and _ask(statement, is_valid, budget):
            yield Statement(statement, found.start("inner") + lead, "inline", "query")


def _in_prose(text: str, is_valid: IsValid, budget: list[int]) -> Iterator[Statement]:
    """Queries in running text: from SELECT to a semicolon, or to the end of a line or sentence that leaves something SQLite can parse."""
    position = 0
    while budget[0] > 0 and (found := _START.search(text, position)) is not None:
        budget[0] -= COST
        start = found.start()
        line_begin = text.rfind("\n", max(0, start - 200), start) + 1
        place: Place = "line" if _LINE_START.match(text[max(line_begin, start - 200) : start]) else "prose"
        whole_answer = not text[:start].strip()
        statement = _longest_valid(text[start : start + LONGEST_PROSE], is_valid, budget)
        if statement:
            yield Statement(statement, start, place, "query")
            position = start + len(statement)
            continue
        broken = _paragraph(text[start : start + LONGEST_PROSE])
        ended = place == "line" and broken.rstrip().endswith(";") and re.search(r"\bfrom\b", broken, re.IGNORECASE) is not None
        if ended or whole_answer:  # without a semicolon it may as well be a sentence about SELECT
            yield Statement(broken.strip().rstrip(";").rstrip(), start, "line" if ended else "prose", "query")
            position = start + len(broken)
            continue
        position = found.end()


def _paragraph(text: str) -> str:
    """Up to and with the first semicolon, or to the next empty line."""
    cut = re.search(r"\n[ \t]*\n", text)
    piece = text[: cut.start()] if cut else text
    first = next(statements(piece), None)
    return piece[: first[1] + 1] if first else piece


def _longest_valid(text: str, is_valid: IsValid, budget: list[int]) -> str:
    """The longest beginning that SQLite can parse and that ends where a reader would end it; empty where there is none."""
    piece = _paragraph(text)
    stripped = piece.rstrip().rstrip(";").rstrip()
    if piece.rstrip().endswith(";"):
        return stripped if _looks_whole(stripped) and _ask(stripped, is_valid, budget) else ""
    lines = piece.split("\n")
    for count in range(len(lines), max(0, len(lines) - 30), -1):
        if count < len(lines) and not _is_prose(lines[count]):
            continue
        candidate = "\n".join(lines[:count])
        ends = [len(candidate), *(found.start() for found in _SENTENCE_END.finditer(candidate, len(candidate) - len(lines[count - 1])))]
        for end in sorted(ends[:12], reverse=True):
            shortened = candidate[:end]
            forms = (shortened.rstrip(" \t\r\n.,:!?»”"), shortened.rstrip(_CLOSING), shortened.rstrip())
            for form in dict.fromkeys(forms):
                if _looks_whole(form) and _ask(form, is_valid, budget):
                    return form
    return ""


_SENTENCE_END = re.compile(r"[.:,;](?=\s)|[»”]| \(|\s[—–-]\s")


def _is_prose(line: str) -> bool:
    """Whether a line cannot go on a query: it begins like a sentence, not with a word of SQL, a sign or a bracket."""
    said = line.split()
    if not said:
        return True
    first = said[0].strip("*_-•")
    return (
        first.upper() not in CLAUSES
        and first.upper() not in QUERY
        and len(said) >= 2
        and first[:1].isalpha()
        and not first.isupper()
        and "," not in first
        and "." not in first
    )


def _looks_whole(statement: str) -> bool:
    """Whether prose would hardly look like this: a query from a table, or of constants."""
    return re.search(r"\bfrom\b|\bvalues\b|\d|\(", statement, re.IGNORECASE) is not None and len(statement) > 7


def _ask(statement: str, is_valid: IsValid, budget: list[int]) -> bool:
    if budget[0] <= 0:
        return False
    budget[0] -= 1
    return is_valid(statement)
