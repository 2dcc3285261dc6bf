"""Plain notation to tokens: numbers, names, functions, words, signs and brackets, each with its place in the text.

Knows what a run of letters may be and which bracket opens; knows no precedence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from hub_math import limits
from hub_math.limits import Unreadable
from hub_math.notation import CONSTANT_WORDS, FUNCTIONS, GREEK, OVER, WORD_MARK
from hub_math.numbers import DIGITS, POINT, numeral
from hub_math.values import CONSTANTS, Number


class Token(NamedTuple):
    """One token; ``start`` and ``end`` are positions in the plain text."""

    kind: str
    """num, frac (½), name, func, word, op, rel, sep, open, close, end."""
    value: Number | Fraction | str
    spaced: bool
    """White space before it."""
    start: int
    end: int


VULGAR = {
    sign: Fraction(int(top), int(bottom))
    for sign, top, bottom in (
        entry.split()
        for entry in [
            "½ 1 2",
            "⅓ 1 3",
            "⅔ 2 3",
            "¼ 1 4",
            "¾ 3 4",
            "⅕ 1 5",
            "⅖ 2 5",
            "⅗ 3 5",
            "⅘ 4 5",
            "⅙ 1 6",
            "⅚ 5 6",
            "⅐ 1 7",
            "⅛ 1 8",
            "⅜ 3 8",
            "⅝ 5 8",
            "⅞ 7 8",
            "⅑ 1 9",
            "⅒ 1 10",
        ]
    )
}
_TOKEN = re.compile(
    rf"(?P<space>\s+)|(?P<num>{DIGITS}|(?<![0-9])[.,][0-9]+)(?P<power>[eE][-+]?[0-9]{{1,3}}(?![0-9.,]*[A-Za-z0-9]))?(?P<dots>\.\.\.|…)?"
    r"|(?P<vulgar>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒])"
    r"|(?P<letters>\ue000?[^\W\d_]+)|(?P<rel><=|>=|!=|[=<>~])|(?P<op>[-+*/÷^_!%°|'√∛∜±∓∪∩∈∅\\&:⊞$€£¥])|(?P<sep>[,;])|(?P<bracket>[()\[\]{}⌊⌋⌈⌉])"
)
JOINING = {"y": "y", "and": "y", "e": "", "o": "o", "ó": "o", "u": "o", "or": "o", "ni": ""}


@lru_cache(maxsize=256)
def tokens_of(source: str, convention: str, lists: bool, *, own: bool) -> tuple[Token, ...]:
    """The whole text as tokens. ``lists``: a comma between digits separates. Raises Unreadable."""
    tokens: list[Token] = []
    position, spaced = 0, False
    while position < len(source):
        found = _TOKEN.match(source, position)
        if found is None:
            raise Unreadable(f"no token at {position}")
        start, position = position, found.end()
        kind = found.lastgroup
        if found["space"]:
            spaced = True
            continue
        if found["num"] and found["num"][0] in ".," and tokens and ends_operand(tokens[-1]):
            if found["num"][0] == ".":
                raise Unreadable("point")
            tokens.append(Token("sep", ",", spaced, start, start + 1))
            position = start + 1
        elif found["num"]:
            tokens.extend(_number_tokens(found, convention, lists, own, spaced))
        elif found["vulgar"]:
            tokens.append(Token("frac", VULGAR[found["vulgar"]], spaced, start, position))
        elif found["letters"]:
            tokens.extend(_letter_tokens(found["letters"], spaced, start))
        else:
            tokens.append(Token("open" if kind == "bracket" else str(kind), found.group(), spaced, start, position))
        spaced = False
        if len(tokens) > limits.TOKENS:
            raise Unreadable("too many tokens")
    return tuple(_brackets(_joined(tokens)))


def _number_tokens(found: re.Match[str], convention: str, lists: bool, own: bool, spaced: bool) -> Iterator[Token]:
    digits, start = found["num"], found.start()
    power = int(found["power"][1:]) if found["power"] else 0
    number = _with_dots(digits) if found["dots"] else None if lists and "," in digits else numeral(digits, convention, own=own)
    if number is not None:
        if power:
            decimals = None if number.decimals is None else number.decimals - power
            number = Number(number.value * Fraction(10) ** power, decimals, number.digits)
        yield Token("num", number, spaced, start, found.end())
        return
    if "," not in digits or digits.startswith(","):
        raise Unreadable(f"no number: {digits[:20]}")
    for index, part in enumerate(digits.split(",")):
        number = numeral(part, POINT, own=own)
        if number is None or (power and index):
            raise Unreadable(f"no number: {part[:20]}")
        if index:
            yield Token("sep", ",", False, start - 1, start)
        yield Token("num", number, spaced and not index, start, start + len(part))
        start += len(part) + 1


def _with_dots(digits: str) -> Number:
    """``0,333...``: the period that its digits repeat, three times at least. Raises Unreadable."""
    found = re.fullmatch(r"([0-9]{1,40})[.,]([0-9]{0,20}?)([0-9]{1,20}?)\3{2,20}", digits)
    if found is None:
        raise Unreadable("dots after a number")
    whole, fixed, period = found.groups()
    return Number(Fraction(int(whole + fixed + period) - int(whole + fixed), 10 ** len(fixed) * (10 ** len(period) - 1)))


def _letter_tokens(letters: str, spaced: bool, start: int) -> Iterator[Token]:
    """A run of letters: a function, a constant, variables side by side (``xy``), or a word."""
    end = start + len(letters)
    marked = letters.startswith(WORD_MARK)
    letters = letters.removeprefix(WORD_MARK)
    lower = letters.lower()
    if len(letters) == 1:
        yield Token("name", "pi" if letters == "π" else letters, spaced, start, end)
    elif letters in OVER:
        yield Token("func", letters, spaced, start, end)
    elif lower in CONSTANT_WORDS:
        yield Token("name", CONSTANT_WORDS[lower], spaced, start, end)
    elif lower in FUNCTIONS and (len(lower) > 2 or letters == lower):
        yield Token("func", FUNCTIONS[lower], spaced, start, end)
    elif lower in GREEK:
        yield Token("name", "pi" if lower == "pi" else GREEK[lower] if letters[0].islower() else GREEK[lower].upper(), spaced, start, end)
    elif marked and not letters.isupper():
        yield Token("word", letters, spaced, start, end)
    else:
        parts = _WITHIN.fullmatch(letters)
        if parts is not None and lower not in SHORT_WORDS:
            for name in parts["before"] or "":
                yield Token("name", "pi" if name == "π" else name, spaced, start, start + 1)
                spaced, start = False, start + 1
            inner_end = start + len(parts["function"])
            yield Token("func", FUNCTIONS[parts["function"]], spaced, start, inner_end)
            for name in parts["after"] or "":
                yield Token("name", "pi" if name == "π" else name, False, inner_end, inner_end + 1)
                inner_end += 1
        elif _side_by_side(letters):
            for name in letters:
                yield Token("name", "pi" if name == "π" else name, spaced, start, start + 1)
                spaced, start = False, start + 1
        else:
            yield Token("word", letters, spaced, start, end)


def _side_by_side(letters: str) -> bool:
    """Are these letters variables that are multiplied, rather than a word?"""
    if letters.isupper():
        return len(letters) <= 6
    if "π" in letters:
        return len(letters) <= 4
    lower = letters.lower()
    word = lower in SHORT_WORDS or not letters.isascii() or (len(letters) == 3 and set(lower) & set("eiou") and not set(lower) & set("xyz"))
    return len(letters) <= 3 and not word


_SHORT = """
    de la el los las un una uno en es no si sí por con al del que más son hay ni mi su sus lo le se ya día mes año luz sol mar pie and
    or the of is to ley vez vía día hoy así fue era sea dos tres mil cien seis diez euro peso kg cm mm km ml dl cl min seg hs hrs hr hz
    rad usd eur oz lb ft in pi odd even yes yen soles sol clp mxn cop pen ars uds ud par gr lts lt kw kwh mph kmh atm pa kpa mg hg dm hm
    dam mol cal bit gb mb tb kb ha ali ana eva leo er ro do ra vo va mo ma da ta no ok mod eq etc vs ej ver mal id pts ptos hab
"""
SHORT_WORDS = frozenset(_SHORT.split())
"""Short runs of letters that are words or units, never variables side by side."""
_WITHIN = re.compile(
    r"(?P<before>[a-zπ]?)(?P<function>"
    + "|".join(sorted((key for key in FUNCTIONS if len(key) > 1), key=len, reverse=True))
    + r")(?P<after>[a-zπθαβφω])"
)


def _joined(tokens: list[Token]) -> list[Token]:
    """``y``, ``o``, ``u`` between two operands join; ``x1`` and ``x_(n-1)`` become one name; primes go to their name."""
    out: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        before, following = out[-1] if out else None, tokens[index + 1] if index + 1 < len(tokens) else None
        joins = _joins(before, tokens, index)
        if joins and before is not None and before.kind == "sep":
            out[-1] = before._replace(value=joins)  # "1, 2, y 3": one separator
        elif joins:
            out.append(token._replace(kind="sep", value=joins))
        elif _is_union(before, token, following):
            out.append(token._replace(kind="op", value="∪"))
        elif _is_times(before, token, following, tokens):
            out.append(token._replace(kind="op", value="*"))
        elif _is_reals(tokens, index):
            out.append(token._replace(value="ℝ"))
        elif token.kind == "name" and token.value not in CONSTANTS and following is not None:
            token, index = _subscripted(tokens, index)
            out.append(token)
            continue
        else:
            out.append(token)
        index += 1
    return out


def _joins(before: Token | None, tokens: list[Token], index: int) -> str:
    """``y`` or ``o`` where the word at ``index`` joins two operands, empty elsewhere (``y`` may be a variable)."""
    token = tokens[index]
    word = str(token.value) if token.kind in ("name", "word") else ""
    joins = JOINING.get(word.lower(), "") if word.islower() or len(word) > 1 else ""
    if not joins or before is None or index + 1 >= len(tokens) or not starts_operand(tokens[index + 1]):
        return ""
    following = tokens[index + 1]
    if before.kind == "sep":
        return joins if before.value in (",", ";") and following.spaced else ""
    apart = (token.spaced or before.value in (")", "]", "}")) and (following.spaced or following.value in ("(", "[", "{"))
    last = index + 2 >= len(tokens) and following.value == "y"
    return joins if apart and ends_operand(before) and not last else ""


def _is_union(before: Token | None, token: Token, following: Token | None) -> bool:
    """The letter U between two intervals."""
    if token.value not in ("U", "u") or before is None or following is None:
        return False
    return before.value in (")", "]", "[") and following.value in ("(", "[", "]")


def _is_times(before: Token | None, token: Token, following: Token | None, tokens: list[Token]) -> bool:
    """The letter x between two numbers: ``3 x 4``, and ``3x4`` where there is no other x."""
    if token.value not in ("x", "X") or before is None or following is None or before.kind != "num" or following.kind != "num":
        return False
    return token.spaced == following.spaced and (token.spaced or sum(part.value in ("x", "X") for part in tokens) == 1)


def _is_reals(tokens: list[Token], index: int) -> bool:
    """The letter R of ``R - {3}``."""
    return tokens[index].value in ("R", "ℝ") and [part.value for part in tokens[index + 1 : index + 3]] in (["-", "{"], ["\\", "{"])


def _subscripted(tokens: list[Token], index: int) -> tuple[Token, int]:
    """The name at ``index`` with its subscript and primes, and the index behind them."""
    token = tokens[index]
    name, end, index = str(token.value), token.end, index + 1
    if index < len(tokens) and tokens[index].kind == "num" and not tokens[index].spaced:
        number = tokens[index].value
        if isinstance(number, Number) and number.decimals is None and number.value < 100:
            return Token("name", f"{name}_{number.value}", token.spaced, token.start, tokens[index].end), index + 1
    if index + 1 < len(tokens) and tokens[index].value == "_" and tokens[index].kind == "op":
        index += 1
        inner: list[str] = []
        depth = 0
        while index < len(tokens):
            part = tokens[index]
            if part.value == "(":
                depth += 1
            elif part.value == ")":
                depth -= 1
                if depth < 0:
                    break
            elif isinstance(part.value, Number):
                inner.append(str(part.value.value))
            else:
                inner.append(str(part.value))
            end, index = part.end, index + 1
            if depth == 0:
                break
        if depth or not inner:
            raise Unreadable("subscript")
        name = f"{name}_{''.join(inner)}"
    while index < len(tokens) and tokens[index].value == "'" and not tokens[index].spaced:
        name, end, index = name + "'", tokens[index].end, index + 1
    return Token("name", name, token.spaced, token.start, end), index


def ends_operand(token: Token) -> bool:
    return (
        token.kind in ("num", "frac", "name", "word", "close")
        or (token.kind == "op" and token.value in ("!", "%", "°", "|", "'", "∅", "€", "$"))
        or (token.kind == "open" and token.value in (")", "]", "}", "["))
    )


def starts_operand(token: Token) -> bool:
    return token.kind in ("num", "frac", "name", "func", "word", "open") or (token.kind == "op" and token.value in tuple("-+√∛∜±|∅$€"))


def _brackets(tokens: list[Token]) -> Iterator[Token]:
    """Mark each bracket as opening or closing: ``]0, 1]`` opens with a closing one."""
    stack: list[str] = []
    before: Token | None = None
    for token in tokens:
        if token.kind == "open":
            sign = str(token.value)
            operand = before is not None and (ends_operand(before) if before.kind != "open" else False)
            if sign in "({⌊⌈":
                closes = False
            elif sign in ")}⌋⌉":
                closes = True
            elif sign == "]":
                closes = operand or (before is not None and before.kind == "open" and before.value == "[")
            else:
                closes = operand and bool(stack) and stack[-1] in "[]("
                if closes and stack[-1] == "[" and before is not None and before.kind == "close":
                    closes = False
            if closes:
                if not stack:
                    raise Unreadable("bracket")
                opened = stack.pop()
                if sign in ")}⌋⌉" and not (opened in "[](" if sign == ")" else opened == {"}": "{", "⌋": "⌊", "⌉": "⌈"}[sign]):
                    raise Unreadable("bracket")
                if sign in "[]" and opened in "{⌊⌈":
                    raise Unreadable("bracket")
            else:
                stack.append(sign)
                if len(stack) > limits.NESTING:
                    raise Unreadable("nesting")
            token = token._replace(kind="close" if closes else "open")
        yield token
        before = token
    if stack:
        raise Unreadable("bracket")
