"""The characters of a masked text as lexemes, and what stands around each of them.

Knows what looks like a number, a word, a relation or a bracket; not what is a mathematical expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub_math.masks import FENCE, HIDDEN

NESTING = 40
"""Brackets within one another; what lies deeper is not read."""


@dataclass(frozen=True)
class Lexeme:
    """A piece of text of one kind."""

    kind: str
    """break, row, fence, space, arrow, relation, number, text, command, word, money, percent, power, operator, open, close, stop, hidden,
    other."""
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Lexemes:
    """The lexemes of a text in their order."""

    text: str
    tokens: list[Lexeme]
    partner: dict[int, int]
    """Index of each bracket that is closed -> index of the bracket that closes it."""

    def after_spaces(self, index: int, high: int) -> int:
        """Index of the next lexeme that is no space."""
        index += 1
        while index < high and self.tokens[index].kind == "space":
            index += 1
        return index

    def next_is(self, index: int, high: int, *kinds: str) -> bool:
        """Whether the next lexeme that is no space is of one of these kinds."""
        after = self.after_spaces(index, high)
        return after < high and self.tokens[after].kind in kinds

    def next_text(self, index: int, high: int) -> str:
        """The text of the next lexeme that is no space."""
        after = self.after_spaces(index, high)
        return self.tokens[after].text if after < high else ""

    def two_after(self, index: int) -> str:
        """The text of the two lexemes that follow."""
        return "".join(token.text for token in self.tokens[index + 1 : index + 3])

    def beside(self, index: int) -> tuple[str, str]:
        """The characters right before and after a lexeme; a space at the ends of the text."""
        token = self.tokens[index]
        return self.text[token.start - 1 : token.start] or " ", self.text[token.end : token.end + 1] or " "

    def spaced(self, index: int) -> bool:
        """Whether a lexeme has space on both sides."""
        before, after = self.beside(index)
        return before.isspace() and after.isspace()

    def space_after(self, index: int) -> bool:
        """Whether space follows a lexeme."""
        return self.beside(index)[1].isspace()

    def line_begins(self, index: int) -> bool:
        """Whether only white space stands before a token on its line."""
        place = index - 1
        while place >= 0 and (self.tokens[place].kind == "space" or self.tokens[place].text in ("|", ">")):
            place -= 1
        return place < 0 or self.tokens[place].kind == "break"

    def before(self, index: int, *, across_fences: bool = False) -> int:
        """Index of the last lexeme before that is neither space nor emphasis; -1 where there is none."""
        place = index - 1
        kinds = ("space", "fence") if across_fences else ("space",)
        while place >= 0 and (self.tokens[place].kind in kinds or self.is_emphasis(place)):
            place -= 1
        return place

    def is_emphasis(self, index: int) -> bool:
        """Whether a token is an asterisk that emphasizes what follows or precedes it."""
        if self.tokens[index].kind != "operator" or self.tokens[index].text not in "*∗" or self.line_begins(index):
            return False
        before, after = self.beside(index)
        return before.isspace() != after.isspace()

    def multiplies(self, place: int) -> bool:
        """Whether an asterisk after an expression is no emphasis that ends: something is glued to it, or space is on both sides."""
        before, after = self.beside(place)
        return not after.isspace() and (after.isalnum() or after == "(") if not before.isspace() else after.isspace()

    def is_binary(self, index: int, high: int) -> bool:
        """Whether a token is an operator with something on its right."""
        token = self.tokens[index]
        if token.kind == "power":
            return True
        if token.kind == "command":
            return token.text in ("\\cdot", "\\times", "\\div")
        if token.kind != "operator" or token.text not in "+-−–·*×⋅∙÷/":
            return False
        if token.text in "-−–" and not self.space_after(index) and self.beside(index)[0].isspace():
            return False  # "las 3 casas -2 son viejas- ..."
        after = self.after_spaces(index, high)
        if after >= high:
            return False
        following = self.tokens[after]
        return following.kind in ("number", "open", "money", "command") or (
            following.kind == "word" and (len(following.text) == 1 or token.text == "/")
        )

    def is_after_number(self, place: int) -> bool:
        """Whether a number stands right before."""
        earlier = self.before(place)
        return earlier >= 0 and self.tokens[earlier].kind in ("number", "percent")


def lexemes(text: str, start: int, end: int) -> Lexemes:
    """The lexemes of a part of a masked text."""
    tokens = [Lexeme(found.lastgroup or "other", *found.span(), found.group()) for found in _LEXEME.finditer(text, start, end)]
    tokens = _with_bars(text, tokens)
    return Lexemes(text, tokens, _match_brackets(tokens))


def _match_brackets(tokens: list[Lexeme]) -> dict[int, int]:
    """Index of each bracket that is closed -> index of the bracket that closes it."""
    partner: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "open":
            opened.append(index)
        elif token.kind == "close" and opened and _closes(tokens[opened[-1]].text, token.text):
            if len(opened) <= NESTING:
                partner[opened[-1]] = index
            opened.pop()
        elif token.kind == "break":  # only braces reach over lines
            opened = [place for place in opened if tokens[place].text in ("{", "\\{")]
        elif token.kind == "fence":
            opened = []
    return partner


def _closes(opening: str, closing: str) -> bool:
    """An interval may be [a, b): any closing bracket but a brace closes a round or square one."""
    return _OPENING[opening] == closing or (opening in "([" and closing in ")]")


def _with_bars(text: str, tokens: list[Lexeme]) -> list[Lexeme]:
    """The tokens with the bars of absolute values as brackets; those of tables stay."""
    line: list[int] = []
    for index, token in enumerate([*tokens, Lexeme("break", 0, 0, "\n")]):
        if token.kind == "break":
            if (
                line
                and len(line) % 2 == 0
                and len(line) <= 8
                and all(
                    tokens[second].start - tokens[first].end <= 40 and text[tokens[first].end : tokens[second].start].strip()
                    for first, second in zip(line[::2], line[1::2], strict=True)
                )
                and not _is_table_row(text, tokens[line[0]].start)
            ):
                for place, number in enumerate(line):
                    bar = tokens[number]
                    tokens[number] = Lexeme("close" if place % 2 else "open", bar.start, bar.end, "|")
            line = []
        elif token.text in ("|", "\\vert", "\\lvert", "\\rvert") and token.kind != "relation":
            line.append(index)
    return tokens


def _is_table_row(text: str, place: int) -> bool:
    """Whether the line of a place is a row of a table: it begins and ends with a bar, and so does a line beside it."""
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    end = len(text) if end < 0 else end
    line = text[start:end].strip()
    if not (line.startswith("|") and line.endswith("|") and line.count("|") >= 2):
        return False
    before = text[text.rfind("\n", 0, max(0, start - 1)) + 1 : max(0, start - 1)].strip()
    after = text[end + 1 : (text.find("\n", end + 1) if text.find("\n", end + 1) >= 0 else len(text))].strip()
    return line.count("|") > 2 or before.startswith("|") or after.startswith("|")


RELATIONS = {
    "=": "=",
    "≈": "≈",
    "≃": "≈",
    "≅": "≈",
    "≐": "≈",
    "~": "≈",
    "~=": "≈",
    "=~": "≈",
    "≠": "≠",
    "!=": "≠",
    "<>": "≠",
    "<": "<",
    ">": ">",
    "≤": "≤",
    "≥": "≥",
    "⩽": "≤",
    "⩾": "≥",
    "<=": "≤",
    ">=": "≥",
    "\\approx": "≈",
    "\\simeq": "≈",
    "\\cong": "≈",
    "\\sim": "≈",
    "\\neq": "≠",
    "\\ne": "≠",
    "\\lt": "<",
    "\\gt": ">",
    "\\le": "≤",
    "\\leq": "≤",
    "\\leqslant": "≤",
    "\\ge": "≥",
    "\\geq": "≥",
    "\\geqslant": "≥",
}
_LETTER = "[^\\W\\d_⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞ºª]"
_LEXEME = re.compile(
    rf"(?P<break>\n)"
    r"|(?P<row>\\\\(?:\[[^\]\n]{0,12}\])?)"
    rf"|(?P<fence>{FENCE}+|\\[\[\]()]|\\(?:begin|end)\{{[^{{}}\n]{{0,30}}\}}(?:\{{[lcr|]{{1,9}}\}})?)"
    r"|(?P<space>[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+|&|\\[,;:!> ]"
    r"|\\(?:left|right|displaystyle|textstyle|[bB]igg?[lr]?|limits|nonumber|notag)(?![a-zA-Z]))"
    r"|(?P<arrow><?[=\-]{2,40}>|<[=\-]{2,40}|[=\-]>|={2,}|-{3,}|[→⇒⟹⟶⇔⟺↔⇐←∴∵↦≡≔∝∈∼]|:=|=:"
    r"|\\(?:implies|iff|Rightarrow|Leftrightarrow|Longrightarrow|rightarrow|longrightarrow|Leftarrow|leftarrow|to|therefore"
    r"|because|mapsto"
    r"|quad|qquad|equiv|in|pmod|bmod|mod|hspace|vspace|propto)(?![a-zA-Z]))"
    r"|(?P<relation>~=|=~|!=|<>|<=|>=|[=≈≃≅≐~≠<>≤≥⩽⩾]|\\(?:approx|simeq|cong|sim|neq|ne|lt|gt|leqslant|leq|le|geqslant|geq"
    r"|ge)(?![a-zA-Z]))"
    r"|(?P<number>(?:[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3})+(?![0-9])(?:[.,][0-9]+)?"
    r"|[0-9]+(?:\{,\}[0-9]{3})+(?:\.[0-9]+)?|[0-9]+\{,\}[0-9]+|[0-9]{1,3}(?:,\\![ ]?[0-9]{3})+"
    r"|[0-9]+(?:[.,'’][0-9]+)*|(?<![0-9\w)])[.,][0-9]+)(?:(?<=[.,][0-9])\.{3}|(?<=[.,][0-9][0-9])\.{3}|(?<=[0-9]{3})\.{3}|…)?"
    r"|[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])"
    r"|(?P<text>\\(?:text|mathrm|mbox|textrm|textbf|textit|mathbf|mathit|operatorname\*?|rm)[ ]?\{[^{}\n]{0,120}\})"
    r"|(?P<command>\\[a-zA-Z]+)"
    rf"|(?P<word>{_LETTER}+(?:['’´]{_LETTER}+|-(?={_LETTER}{{3,}}){_LETTER}+|_\{{[^{{}}\n]{{1,12}}\}}|_?[0-9]+|_[a-zA-Z])?[´′'’]{{0,3}})"
    r"|(?P<money>US\$|\\\$|[$€£¥₡₲]|S/\.?(?=[ ]?[0-9]))"
    r"|(?P<percent>\\%|[%‰])"
    r"|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+|\*\*|\^)"
    r"|(?P<operator>[+\-−–±∓·*×⋅∙∗÷/√∛!°∞^⁄∕])"
    r"|(?P<open>\\\{|[(\[{])"
    r"|(?P<close>\\\}|[)\]}])"
    r"|(?P<stop>[.,;:?¿¡\"«»“”‘’'`—|…])"
    rf"|(?P<hidden>{HIDDEN}+|_+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_OPENING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "|": "|"}
