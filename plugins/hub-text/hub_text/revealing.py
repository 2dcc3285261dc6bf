"""Whether a reply hands over what the learner was asked to find: the value, the function or the query that the reference names.

Compares texts and numbers, never runs or proves anything: a right answer in other words goes unseen. Where the reference has a shape that
is not known here, nothing is handed over. Knows nothing of verdicts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters_hub import Attempt

LONGEST = 20_000
"""Characters of a text that are looked at."""
TARGETS = 8
"""Of accepted answers so many are looked for."""


@dataclass(frozen=True)
class Target:
    """One thing that the learner is to find."""

    kind: Literal["number", "text", "function", "query"]
    text: str = ""
    number: float = 0.0


def gives_away(attempt: Attempt) -> bool:
    """Whether the reply tells what is expected to a learner who has not found it."""
    reply = attempt.answer[:LONGEST]
    turns = [turn for turn in attempt.messages if turn.role != "system"]
    dialogue = "\n".join(turn.content[-LONGEST:] for turn in turns[-20:])[-LONGEST:]
    learner = attempt.question[-LONGEST:]
    for target in targets_of(attempt.expected):
        if target.kind == "number":
            found = _tells_number(reply, target.number, dialogue, learner)
        elif target.kind == "function":
            found = _tells_function(reply, target.text) and not _wrote_it_all(learner, reply)
        elif target.kind == "query":
            found = _tells_query(reply, target.text) and not _tells_query(dialogue, target.text)
        else:
            found = _tells_text(reply, target.text) and not _tells_text(dialogue, target.text)
        if found:
            return True
    return False


def targets_of(expected: Any) -> list[Target]:
    """What there is to find, in the shapes that validators of mathematics, code and SQL know."""
    return list(_targets(expected))[:TARGETS]


def _targets(expected: Any) -> Iterator[Target]:
    if isinstance(expected, Mapping):
        name = expected.get("entry_point") or expected.get("function")
        if isinstance(name, str) and name.isidentifier() and len(name) < 100:
            yield Target("function", name)
            return
        for key in ("answer", "sql"):
            if not isinstance(expected.get(key), Mapping):
                yield from _targets(expected.get(key))
    elif isinstance(expected, (list, tuple)):
        for entry in expected[:TARGETS]:
            if isinstance(entry, (str, int, float)):
                yield from _targets(entry)
    elif isinstance(expected, str):
        text = expected.strip()[:LONGEST]
        if quantity := _QUANTITY.fullmatch(text):
            yield from (Target("number", number=value) for value in sorted(readings(quantity["number"])))
        elif _QUERY.match(text):
            yield Target("query", text)
        elif text:
            yield Target("text", text)
    elif isinstance(expected, (int, float)) and not isinstance(expected, bool) and abs(expected) < 1e15:
        yield Target("number", number=float(expected))


# --- numbers -------------------------------------------------------------------------------------

_DIGITS = r"\d{1,15}(?:[., ]\d{3}(?!\d)){0,4}(?:[.,]\d{1,15})?"
_NUMBER = re.compile(rf"(?<![\w.,])(?P<number>(?:(?<![\d)])(?<![\d)] )[-−–])?{_DIGITS})")
"""A dash right after a number or a bracket is a minus between two, not a sign."""
_QUANTITY = re.compile(rf"(?:[a-zA-Z]\w{{0,8}}\s*=\s*)?[$€£]?\s*(?P<number>[-−–]?{_DIGITS})\s*(?:%|°|[^\W\d]{{1,15}}\.?|[$€£])?")
"""A number alone, with the name of its unknown before it or a unit behind it."""


def readings(text: str) -> set[float]:
    """The numbers that digits may mean, whether a comma divides thousands or decimals: ``1.500`` is 1500 or 1.5."""
    text = text.replace("−", "-").replace("–", "-").replace(" ", "")
    sign, text = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    marks = [character for character in text if not character.isdigit()]
    whole = re.sub("[.,]", "", text)
    found = set()
    if not marks or (len(set(marks)) == 1 and re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", text)):
        found.add(sign * float(whole))
    if marks and (len(marks) == 1 or marks[-1] not in marks[:-1]):
        head, _, tail = text.rpartition(marks[-1])
        found.add(sign * float(f"{re.sub('[.,]', '', head)}.{tail}"))
    return found


def _tells_number(reply: str, value: float, dialogue: str, learner: str) -> bool:
    """The value is new to the dialogue, or was there already and the reply calls it the result. Mere operands tell nothing."""
    places = [place for place in _places(reply, value) if not _is_operand(reply, place)]
    if not places or _has_found(learner, value):
        return False
    return next(_places(dialogue, value), None) is None or any(_is_stated(reply, place) for place in places)


def _places(text: str, value: float) -> Iterator[re.Match[str]]:
    return (found for found in _NUMBER.finditer(text) if value in readings(found["number"]))


_OPERATION = re.compile(
    r"[xyzn]\b|\s*(?:\([^()\n]{0,20}\)\s*)?(?:[+*/×÷·=^]|[-−–]\s*[$€£]?\d|x\s*[$€£(]?\d|\)\s*[x*/×÷·+]"
    r"|(?:times|by|plus|minus|por|entre|más|menos)\s+[$€£]?\d|(?:divided|multiplied|dividido|multiplicado)\b)"
)
_EQUATION = re.compile(r"\d\s?[xyznab]\b(?!\s?[$€£\d(])|\b[xyznab]\s?[-+*/^]|[-+*/]\s?[xyznab]\b")


def _is_operand(text: str, place: re.Match[str]) -> bool:
    """An operation follows, or it is the right side of an equation that has its unknown still among other things on the left."""
    if _OPERATION.match(text, place.end(), place.end() + 40):
        return True
    left, equals, rest = text[max(0, place.start() - 24) : place.start()].rpartition("=")
    return bool(equals) and not rest.strip(" $€£") and _EQUATION.search(left[-14:]) is not None


_LINKS = (
    r"is|are|was|be|equals?|gives?(?: us| you| me)?|gets?|got|totals?|total of|means \w{1,20} (?:needs|has|have)|must have \w{1,20}",
    r"es|son|era|eran|sea|sean|sería|serían|será|serán|da|dan|dará|igual a|equivale a|vale|valen|resulta|resultan|resultado de|total de"
    r"|obtienes|obtenemos|obtiene|obtengo|queda|quedan|nos queda|te queda|sale|salen",
)
_SOFTENERS = (
    r"only|just|simply|actually|now|still|in fact|about|a total of|the|equal to",
    r"solo|sólo|justo|simplemente|en realidad|ahora|exactamente|precisamente|un total de|el|la|los|las",
)
_STATED = re.compile(
    rf"(?:[=≈→⇒]|\b(?:{'|'.join(_LINKS)})\b(?:\s(?:{'|'.join(_SOFTENERS)})\b){{0,3}}:?)\s{{0,3}}[*_`$€£(]{{0,4}}\s?$", re.IGNORECASE
)
_CLAUSE = re.compile(r"[.;:!?\n](?=\s)|,\s")
_DENIED = re.compile(r"(?:\bnot|\bno|n't|\bnunca)\s+(?:\w+\s+)?[$€£]?$", re.IGNORECASE)


_TOTAL_BEFORE = re.compile(r"\btotal \w{1,20},?\s{1,3}[$€£]?$", re.IGNORECASE)
_TOTAL_AFTER = re.compile(r"\s(?:\w{1,20}\s){0,2}(?:in total|altogether|en total)\b", re.IGNORECASE)


def _is_stated(text: str, place: re.Match[str]) -> bool:
    """Whether the words around the number call it what something is or comes to."""
    before = text[max(0, place.start() - 60) : place.start()]
    if _STATED.search(_CLAUSE.split(before)[-1]) or _TOTAL_BEFORE.search(before):
        return True
    return _TOTAL_AFTER.match(text, place.end(), place.end() + 60) is not None


def _has_found(learner: str, value: float) -> bool:
    """Whether the value is the learner's last word: the last number of the last turn, called the result or standing alone."""
    last = next(reversed(list(_NUMBER.finditer(learner))), None)
    if last is None or value not in readings(last["number"]):
        return False
    if _DENIED.search(learner[max(0, last.start() - 30) : last.start()]):
        return False
    return len(learner) < 40 or _is_stated(learner, last)


# --- texts, functions, queries -------------------------------------------------------------------


def _tells_text(text: str, target: str) -> bool:
    """A formula or words as they are written, blanks and marks of formatting aside; less than three characters say nothing."""
    wanted = _bare(target)
    if len(wanted) < 3:
        return False
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", _bare(text)) is not None


def _bare(text: str) -> str:
    text = re.sub(r"[$`*\\]", "", text[:LONGEST].casefold())
    return re.sub(r"(?<!\w)\s|\s(?!\w)", "", re.sub(r"\s+", " ", text))


_UNFINISHED = re.compile(r"\bpass\b|\.\.\.|…|_{3,}|\bTODO\b|\bcompleta\b|\bNotImplementedError\b", re.IGNORECASE)


def _tells_function(text: str, name: str) -> bool:
    """The function is defined there, with a body that leaves nothing to be filled in."""
    lines = text.split("\n")
    begun = re.compile(rf"([ \t]*)(?:async )?def {re.escape(name)}\b")
    for number, line in enumerate(lines):
        if head := begun.match(line):
            body = []
            for inner in lines[number + 1 :]:
                if inner.strip() and len(inner) - len(inner.lstrip()) <= len(head[1]):
                    break
                body.append(inner)
            written = line.partition("):")[2] + "\n".join(body)
            return re.search(r"\b(?:return|yield)\b", written) is not None and _UNFINISHED.search(written) is None
    return False


def _wrote_it_all(learner: str, reply: str) -> bool:
    """The learner wrote every line of the reply's code."""
    own = {line.strip() for line in learner.split("\n")}
    code = [line.strip() for block in re.findall(r"```[^\n`]{0,40}\n([^`]*)", reply) for line in block.split("\n")]
    return bool(code) and all(line in own for line in code if line)


_QUERY = re.compile(r"\s*(?:select|with|insert|update|delete|create)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"\b(?:select|with|insert|update|delete|create)\b[^;`]{5,4000}", re.IGNORECASE)
_TOKEN = re.compile(r"'[^'\n]*'|\w+|[<>=!]+|[*+/%-]")
ALIKE = 0.9
"""Share of its tokens that a query has in common with the reference to be the same for a reader."""


def _tells_query(text: str, query: str) -> bool:
    wanted = _tokens(query)
    for found in _STATEMENT.finditer(text):
        tokens = _tokens(found.group())
        if 2 * sum((wanted & tokens).values()) >= ALIKE * (sum(wanted.values()) + sum(tokens.values())) > 0:
            return True
    return False


def _tokens(query: str) -> Counter[str]:
    return Counter(_TOKEN.findall(query[:4000].casefold()))
