"""Stretches of a text that read as mathematics: expressions, cut at the relations between them.

``Tengo 3 cajas · 12 lápices = 36 lápices y listo`` holds one stretch with two sides. Each side comes with the ways it may be read and with
the reasons to doubt that it is whole: ``la mitad de 8 = 4`` begins before its symbols. Decides where an expression begins and ends, never
what it is worth.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub_math import vocabulary
from hub_math.borders import COLON, Borders
from hub_math.lexemes import RELATIONS, Lexemes, lexemes
from hub_math.masks import HIDDEN

LONGEST_SIDE = 600
"""Characters of one side."""


@dataclass(frozen=True)
class Side:
    """One expression."""

    start: int
    end: int
    """Where it lies in the text; equal where nothing stands on this side of the relation."""
    readings: tuple[str, ...] = ()
    """The ways to read it, the literal one first, then without nouns and currency signs."""
    operation: bool = False
    """It has an operation or a function: it is more than a number, a letter or a quantity."""
    doubt: str = ""
    """Why it may not be what it seems; empty when there is no reason."""
    units: tuple[str, ...] = ()
    """The units of measurement it names."""
    noun: bool = False
    """A noun stands after one of its numbers."""
    parts: tuple[tuple[str, str], ...] = ()
    """Its tokens: the part each plays (number, letter, operator, noun ...) and its text, with a space before it where there was one."""


@dataclass(frozen=True)
class Relation:
    """What stands between two sides."""

    symbol: str
    """``=``, ``≈``, ``≠``, ``<``, ``>``, ``≤`` or ``≥``."""
    start: int
    end: int


@dataclass(frozen=True)
class Stretch:
    """Sides and the relations between them, one less."""

    sides: tuple[Side, ...]
    relations: tuple[Relation, ...]
    left: str = ""
    """Why the first side may begin earlier than it seems; empty when there is no reason."""
    right: str = ""
    """Why the last side may end later than it seems."""
    bare: bool = False
    """A word stands right before the first side."""
    start: int = 0
    end: int = 0
    """Where it lies in the text."""


def stretches(text: str, start: int = 0, end: int | None = None) -> list[Stretch]:
    """All stretches of a masked text, or of a part of it, in their order."""
    found = lexemes(text, start, len(text) if end is None else end)
    return sorted(_Scan(found, Borders(found)).run(), key=lambda stretch: stretch.start)


# --- items ---------------------------------------------------------------------------------------


@dataclass
class _Item:
    """A token within a stretch, with the part it plays there."""

    role: str
    """number, letter, function, operator, relation, open, close, comma, noun, money, percent, of, times, opaque, symbol."""
    start: int
    end: int
    text: str
    """As it is read, which is not always as it is written."""
    doubt: str = ""


@dataclass
class _Scan:
    """One pass over the tokens of a text."""

    lexemes: Lexemes
    borders: Borders
    groups: dict[int, list[_Item] | None] = field(default_factory=dict)
    """Bracketed groups that were read already, by the index of their opening bracket; None: not mathematics."""
    found: list[Stretch] = field(default_factory=list)

    def run(self) -> list[Stretch]:
        """The stretches, inner ones after the outer ones they stand in."""
        regions = [(0, len(self.lexemes.tokens))]
        while regions:
            low, high = regions.pop()
            regions += self._region(low, high)
        return self.found

    def _region(self, low: int, high: int) -> list[tuple[int, int]]:
        """Read the tokens from ``low`` to ``high``; the bracketed groups among them that are prose are returned, to be read next."""
        inner: list[tuple[int, int]] = []
        items: list[_Item] = []
        index = begin = low
        while index < high:
            step = self._step(index, high, items, top=True)
            if step is None:
                self._close(items, begin, index)
                partner = self.lexemes.partner.get(index)
                if partner is not None and partner < high:
                    inner.append((index + 1, partner))
                    index = partner
                items = []
                index = begin = index + 1
            else:
                if not items:
                    begin = index
                items += step[0]
                opaque = step[0][0] if step[0] and step[0][0].role == "opaque" and index in self.lexemes.partner else None
                if opaque is not None:
                    inner.append((index + 1, self.lexemes.partner[index]))
                index = step[1]
                if not items:
                    begin = index
        self._close(items, begin, high)
        return inner

    # --- one token ---------------------------------------------------------------------------

    def _step(self, index: int, high: int, items: list[_Item], *, top: bool) -> tuple[list[_Item], int] | None:
        """The items that begin at a token and the index after them; None where the stretch ends."""
        token = self.lexemes.tokens[index]
        kind = token.kind
        if kind == "space":
            return [], index + 1
        if kind in ("number", "percent", "power", "command", "money", "relation"):
            return self._simple(index, high, items)
        if kind == "operator":
            return self._operator(index, high, items)
        if kind == "word":
            return self._word(index, high, items)
        if kind == "text":
            return self._text(index, high, items)
        if kind == "open":
            return self._group(index, high, items)
        if kind == "hidden":
            return [_Item("opaque", token.start, token.end, token.text)], index + 1
        if kind in ("fence", "break", "row"):
            return self._passage(index, high, items)
        if not top and token.text in (",", ";"):
            return [_Item("comma", token.start, token.end, token.text)], index + 1
        if (
            token.text == ":"
            and items
            and (items[-1].role in ("number", "power", "percent", "close") or items[-1].text in ("°", "!"))
            and self.lexemes.spaced(index)
            and (self.lexemes.next_is(index, high, "number", "open") or self.lexemes.next_text(index, high) in _BEGINNINGS)
        ):
            return [_Item("operator", token.start, token.end, "/", "a colon may divide or separate")], index + 1
        return None

    def _simple(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        token = self.lexemes.tokens[index]
        if token.kind == "number":
            return self._number(index, high, items)
        if token.kind == "percent":
            doubt = "a percent sign before a number may be a remainder" if self.lexemes.next_is(index, high, "number") else ""
            return [_Item("percent", token.start, token.end, "%", doubt)], index + 1
        if token.kind == "command":
            if token.text in _SPACING:
                return None
            if token.text in ("\\dots", "\\ldots", "\\cdots"):
                return [_Item("opaque", token.start, token.end, token.text)], index + 1
            if token.text in ("\\cdot", "\\times", "\\div", "\\pm", "\\mp"):
                return [_Item("operator", token.start, token.end, token.text)], index + 1
            role = "function" if token.text in _FUNCTION_COMMANDS else "symbol"
            return [_Item(role, token.start, token.end, token.text)], index + 1
        if token.kind == "relation":
            if token.text in ("<", ">") and not self.lexemes.spaced(index):  # a tag, an arrow, a quotation in mail
                before, after = self.lexemes.beside(index)
                if not (before.isdigit() or before in ")xyzabn") or not (after.isdigit() or after in "(-xyzabn\\"):
                    return None
            if token.text == "~" and not items:
                return [], index + 1
            return [_Item("relation", token.start, token.end, RELATIONS[token.text])], index + 1
        if token.kind == "money":
            if items and items[-1].role == "number" and not self.lexemes.next_is(index, high, "number"):
                return [_Item("money", token.start, token.end, token.text)], index + 1
            if self.lexemes.next_is(index, high, "number", "open") or self.lexemes.next_text(index, high) in ("-", "−"):
                return [_Item("money", token.start, token.end, token.text)], index + 1
            return None
        return [_Item("power", token.start, token.end, token.text)], index + 1  # a power

    def _number(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        token = self.lexemes.tokens[index]
        if (
            items
            and items[-1].role in ("number", "noun", "percent")
            and not _MIXED.fullmatch(f"{items[-1].text} {token.text}{self.lexemes.two_after(index)}")
        ):
            return None  # two numbers side by side are two things
        following = self.lexemes.tokens[index + 1] if index + 1 < high else None
        if following is not None and following.kind == "word" and following.start == token.end and following.text.lower() in _ORDINALS:
            return [_Item("opaque", token.start, following.end, HIDDEN)], index + 2
        if following is not None and (following.kind == "hidden" or (following.start == token.end and following.text[0] in "₀₁₂₃₄₅₆₇₈₉₍")):
            return [_Item("opaque", token.start, following.end, HIDDEN)], index + 2
        if following is not None and following.text == "-" and following.start == token.end and index + 2 < high:
            after = self.lexemes.tokens[index + 2]
            if after.kind == "word" and after.start == following.end and len(after.text) >= 3 and after.text.isalpha():
                return None  # a 24-hour day
        doubt = "an odd number" if _ODD_NUMBER.search(token.text) else ""
        return [_Item("number", token.start, token.end, token.text, doubt)], index + 1

    def _operator(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        token = self.lexemes.tokens[index]
        if token.text in "*∗" and not (self._follows_value(items) and self._starts_value(index, high)):
            if self._follows_value(items) and self.lexemes.multiplies(index) and self.lexemes.next_is(index, high, "word"):
                return [_Item("opaque", token.start, token.end, HIDDEN)], index + 1  # "0.75 * precio"
            return [], index + 1  # emphasis, or a bullet
        if token.text == "·" and not items and not self.lexemes.spaced(index):
            return None
        if token.text in "-−–*•+" and not items and self.lexemes.space_after(index):
            return None  # a bullet, or a dash: "Peras - 6 · 2 = 12"
        if token.text == "/" and items and items[-1].role in ("noun", "number"):
            after = self.lexemes.after_spaces(index, high)
            if after < high and self._is_noun_below(after, items):
                word = self.lexemes.tokens[after]
                return [_Item("noun", token.start, word.end, self.lexemes.text[token.start : word.end])], after + 1
        if token.text == "!" and (not items or items[-1].role not in ("number", "close", "letter")):
            return None
        if token.text == "°" and items and items[-1].role in ("number", "close"):
            after = index + 1
            if (
                after < high
                and self.lexemes.tokens[after].kind == "word"
                and self.lexemes.tokens[after].text in ("C", "F")
                and self.lexemes.tokens[after].start == token.end
            ):
                return [_Item("noun", token.start, self.lexemes.tokens[after].end, "°" + self.lexemes.tokens[after].text)], after + 1
        return [_Item("operator", token.start, token.end, token.text)], index + 1

    def _is_noun_below(self, index: int, items: Sequence[_Item]) -> bool:
        """Whether what stands under a fraction bar is a noun: "0.05/package", "5 km/h"."""
        token = self.lexemes.tokens[index]
        word = token.text.lower()
        if token.kind == "text" or (token.kind == "word" and items[-1].role == "noun"):
            return True
        return token.kind == "word" and len(word) >= 3 and word.isalpha() and word not in vocabulary.FUNCTIONS | vocabulary.NUMBER_WORDS

    def _word(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        token = self.lexemes.tokens[index]
        word = token.text.lower()
        base = re.sub(r"(?:_?[\d₀-₉]+|_.*)$", "", word)
        glued = bool(items) and items[-1].end == token.start and items[-1].role == "number"
        if items and items[-1].role == "relation":
            skipped = self._rough_words(index, high)
            if skipped > index:
                items[-1].text = "≈" if items[-1].text == "=" else items[-1].text
                return [], skipped
        copula = _COPULA.match(self.lexemes.text, token.start) if word in _COPULAS and self._is_calculation(items) else None
        if copula is not None and copula.end() <= self.lexemes.tokens[high - 1].end:
            while index < high and self.lexemes.tokens[index].start < copula.end():
                index += 1
            return [_Item("relation", copula.start(), copula.end(), "=")], index
        if word in ("x", "х") and self._is_times(index, high, items):
            return [_Item("operator", token.start, token.end, "·")], index + 1
        if (
            word in vocabulary.PARTITIVES
            and items
            and self._takes_of(items)
            and self.lexemes.next_is(index, high, "number", "money", "open")
        ):
            return [_Item("of", token.start, token.end, token.text)], index + 1
        if (
            base in vocabulary.FUNCTIONS
            and self._starts_argument(index, high)
            and (base != "min" or self.lexemes.next_text(index, high) == "(")
        ):
            return [_Item("function", token.start, token.end, token.text)], index + 1
        if word == "mod" and self._follows_value(items):
            return [_Item("operator", token.start, token.end, token.text, "a remainder")], index + 1
        if self._after_number(items):
            noun = self._noun(index, high, items)
            if noun is not None:
                return noun
        if self._is_letters(index, high, items, base, glued):
            return [_Item("letter", token.start, token.end, token.text)], index + 1
        if word != base and len(base) > 1:
            return [_Item("opaque", token.start, token.end, token.text)], index + 1
        return None

    @staticmethod
    def _is_calculation(items: Sequence[_Item]) -> bool:
        """Whether the side that was read last computes something with numbers only, so that "es" may state its value.

        A fraction alone does not: "2/5 es 12" speaks of a part of something."""
        side: list[_Item] = []
        for item in reversed(items):
            if item.role == "relation":
                break
            side.append(item)
        if (
            not side
            or side[0].role not in ("number", "close", "percent", "power")
            or {"letter", "opaque", "symbol"} & {item.role for item in side}
        ):
            return False
        return any(item.role in ("of", "power") or (item.role == "operator" and item.text not in "/⁄∕°!") for item in side[:-1])

    def _text(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        """``\\text{...}`` within a formula."""
        token = self.lexemes.tokens[index]
        content = token.text[token.text.index("{") + 1 : -1].strip(" \u00a0~")
        word = content.lower()
        if token.text.startswith("\\operatorname") or word in vocabulary.FUNCTIONS:
            return [_Item("function", token.start, token.end, token.text)], index + 1
        if not content:
            return [], index + 1
        if word == "x" and self._is_times(index, high, items):
            return [_Item("operator", token.start, token.end, "·")], index + 1
        if word in vocabulary.PARTITIVES and items and self._takes_of(items):
            return [_Item("of", token.start, token.end, "de")], index + 1
        if len(content) == 1 and content.isalpha() and not self._after_number(items):
            return [_Item("letter", token.start, token.end, token.text)], index + 1
        if self._after_number(items) and re.fullmatch(r"[^\W\d_]+\.?(?:[ ][^\W\d_]+){0,3}", content):
            parts = word.split()
            if not any(part in vocabulary.CONJUNCTIONS or part in vocabulary.OPERATION_WORDS for part in parts):
                doubt = "a word that multiplies" if any(part in vocabulary.SCALES for part in parts) else ""
                return [_Item("noun", token.start, token.end, content, doubt)], index + 1
            return None
        if word in vocabulary.CONJUNCTIONS or word in (
            "si",
            "if",
            "para",
            "for",
            "con",
            "with",
            "entonces",
            "so",
            "then",
            "donde",
            "where",
        ):
            return None
        return [_Item("opaque", token.start, token.end, HIDDEN)], index + 1

    def _group(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        partner = self.lexemes.partner.get(index)
        if partner is None or partner >= high:
            return None
        content = self._grouped(index, partner)
        if content is None or (
            items
            and items[-1].role in ("number", "close", "noun")
            and any(item.role in ("noun", "percent") for item in content)
            and items[-1].end < self.lexemes.tokens[index].start
        ):
            if items:  # a remark
                return [_Item("opaque", self.lexemes.tokens[index].start, self.lexemes.tokens[partner].end, HIDDEN)], partner + 1
            return None
        opening, closing = self.lexemes.tokens[index], self.lexemes.tokens[partner]
        return [
            _Item("open", opening.start, opening.end, opening.text),
            *content,
            _Item("close", closing.start, closing.end, closing.text),
        ], partner + 1

    def _grouped(self, index: int, partner: int) -> list[_Item] | None:
        """The items between two brackets, None where they are prose or hold a relation."""
        if index not in self.groups:
            self.groups[index] = None  # what a group within itself would see
            self.groups[index] = self._read_group(index, partner)
        return self.groups[index]

    def _read_group(self, index: int, partner: int) -> list[_Item] | None:
        items: list[_Item] = []
        place = index + 1
        while place < partner:
            step = self._step(place, partner, items, top=False)
            if step is None:
                return None
            items += step[0]
            place = step[1]
        if any(item.role == "relation" for item in items):
            return None
        return items

    def _passage(self, index: int, high: int, items: list[_Item]) -> tuple[list[_Item], int] | None:
        """A line break, a row of a table of formulas, or the border of a formula: passed over when the expression goes on beyond."""
        if not items:
            return None
        after = index + 1
        breaks = self.lexemes.tokens[index].kind == "break"
        while after < high and (
            self.lexemes.tokens[after].kind in ("space", "fence", "row") or (self.lexemes.tokens[after].kind == "break" and not breaks)
        ):
            breaks = breaks or self.lexemes.tokens[after].kind == "break"
            after += 1
        if after >= high:
            return None
        following = self.lexemes.tokens[after]
        if following.kind == "relation":
            return [], after
        if items[-1].role == "relation" and self.lexemes.tokens[index].kind != "row":
            return [], after
        if self.lexemes.tokens[index].kind == "fence" and not breaks:
            if items[-1].role == "operator" or (following.kind == "operator" and following.text in "+-−·*×÷/"):
                return [], after
            if following.kind == "percent":
                return [], after
        if items[-1].role == "operator" and self.lexemes.tokens[index].kind == "break" and not self.lexemes.line_begins(after - 1):
            return [], after
        return None

    # --- what stands around -------------------------------------------------------------------

    @staticmethod
    def _follows_value(items: Sequence[_Item]) -> bool:
        return bool(items) and items[-1].role in _VALUE_ENDS

    def _starts_value(self, index: int, high: int) -> bool:
        after = self.lexemes.after_spaces(index, high)
        if after >= high:
            return False
        token = self.lexemes.tokens[after]
        if token.kind == "word":
            return len(token.text) == 1 or token.text.lower() in vocabulary.FUNCTIONS
        return token.kind in ("number", "open", "money", "command", "text") or token.text in ("-", "−", "√", "+")

    def _starts_argument(self, index: int, high: int) -> bool:
        after = self.lexemes.after_spaces(index, high)
        if after >= high:
            return False
        token = self.lexemes.tokens[after]
        if token.kind == "word":
            return len(token.text) == 1 and token.text not in "yoeua"
        return token.kind in ("number", "open", "power", "command") or token.text in ("²", "^", "√", "-", "−")

    @staticmethod
    def _after_number(items: Sequence[_Item]) -> bool:
        """Whether a noun or a unit may follow."""
        if not items:
            return False
        last = items[-1]
        return last.role in ("number", "noun", "close") or (
            last.role == "power" and len(items) > 1 and items[-2].role in ("noun", "number")
        )

    def _takes_of(self, items: Sequence[_Item]) -> bool:
        """Whether "de" or "of" multiplies: after a percentage or a fraction."""
        last = items[-1]
        if last.role == "percent":
            return True
        if last.role == "number":
            return last.text in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞" or (len(items) >= 3 and items[-2].text in ("/", "⁄", "∕") and items[-3].role == "number")
        return False

    def _is_times(self, index: int, high: int, items: Sequence[_Item]) -> bool:
        """Whether an x is the sign of multiplication: values stand on both sides, and the spaces are even."""
        if not items or items[-1].role not in ("number", "close", "percent", "noun", "money"):
            return False
        token, after = self.lexemes.tokens[index], self.lexemes.after_spaces(index, high)
        if after >= high or not (self.lexemes.tokens[after].kind in ("number", "money") or self.lexemes.tokens[after].text == "("):
            return False
        before_space, after_space = items[-1].end < token.start, self.lexemes.tokens[after].start > token.end
        if self.lexemes.tokens[after].text == "(":
            return before_space and after_space and items[-1].role in ("number", "percent", "close", "noun")
        return before_space == after_space or before_space

    def _rough_words(self, index: int, high: int) -> int:
        """The index after words such as "aproximadamente" that stand between a relation and its right side; ``index`` if there are none."""
        place = index
        while place < high and (
            self.lexemes.tokens[place].kind == "space" or self.lexemes.tokens[place].text.lower().rstrip(".") in _ROUGH_SIDE
        ):
            place += 1
        if place < high and self.lexemes.tokens[place].text == "." and place > index:  # "aprox."
            place += 1
        return place if any(self.lexemes.tokens[spot].text.lower() in vocabulary.APPROXIMATIONS for spot in range(index, place)) else index

    def _noun(self, index: int, high: int, items: Sequence[_Item]) -> tuple[list[_Item], int] | None:
        """The noun or unit that begins here, after a number. None: this word is no noun.

        Within an expression up to three words count; at its end only a unit of measurement does."""
        first = self.lexemes.tokens[index]
        if first.text.lower() in vocabulary.CONJUNCTIONS | vocabulary.OPERATION_WORDS | vocabulary.PARTITIVES or (
            len(first.text) == 1 and first.text not in _LETTER_UNITS
        ):
            return None
        glued = items[-1].end == first.start
        if glued and len(first.text) == 1:
            return None  # 6L, 9s: a unit or a variable; read as a variable, both come to the same
        if first.text not in vocabulary.UNITS and (len(first.text) == 2 or "π" in first.text or (glued and items[-1].role == "close")):
            return None  # a product of variables
        place, count, plain = index, 0, True
        last = index
        while place < high and count <= 4:
            token = self.lexemes.tokens[place]
            if token.kind == "space":
                place += 1
                continue
            if token.kind != "word" or not token.text.replace("'", "").replace("’", "").replace("-", "").isalpha():
                break
            lowered = token.text.lower()
            if lowered in vocabulary.CONJUNCTIONS | vocabulary.OPERATION_WORDS | vocabulary.PARTITIVES | vocabulary.CONNECTIVES:
                plain = False
                break
            if lowered in ("x",) and count:
                break
            count += 1
            last = place
            place += 1
        follows = self.lexemes.tokens[place] if place < high else None
        doubt = (
            "a word that multiplies"
            if any(token.text.lower() in vocabulary.SCALES for token in self.lexemes.tokens[index : last + 1])
            else ""
        )
        goes_on = (
            plain
            and follows is not None
            and (follows.kind == "relation" or self.lexemes.is_binary(place, high) or follows.text.lower() == "x")
        )
        if goes_on and count <= 4:
            said = {token.text.lower() for token in self.lexemes.tokens[index : last + 1] if token.kind == "word"}
            if not doubt and (count > 2 or said & vocabulary.SMALL_WORDS or (count > 1 and any(len(word) == 1 for word in said))):
                doubt = "several words stand after a number"
            end = self.lexemes.tokens[last].end
            return [_Item("noun", first.start, end, self.lexemes.text[first.start : end], doubt)], last + 1
        if first.text in vocabulary.UNITS or first.text.lower() in vocabulary.UNITS:
            return [_Item("noun", first.start, first.end, first.text)], index + 1
        return None

    def _is_letters(self, index: int, high: int, items: Sequence[_Item], base: str, glued: bool) -> bool:
        """Whether a word is a variable, or a product of variables."""
        token = self.lexemes.tokens[index]
        if not base or not token.text[0].isalpha():
            return False
        before = items[-1].role if items else ""
        after = self.lexemes.after_spaces(index, high)
        following = self.lexemes.tokens[after] if after < high else None
        tight = following is not None and following.start == token.end
        math_after = following is not None and (
            following.kind in ("relation", "power")
            or (following.kind == "operator" and following.text in "+-−–·*×⋅÷/!°")
            or (following.kind == "open" and tight and following.text != "{")
            or (following.kind == "command" and following.text in ("\\cdot", "\\times", "\\div"))
        )
        if (
            following is not None
            and following.kind == "operator"
            and following.text in "-−–+"
            and not tight
            and not self.lexemes.space_after(after)
        ):
            math_after = False  # "y -15": a sign, not an operation
        math_before = (
            before in ("operator", "relation", "open", "function", "power", "comma", "letter")
            or glued
            or (before == "close" and items[-1].end == token.start)
        )
        if len(base) == 1 and base not in "yeoua":
            if token.text in ("I", "A", "Y", "O", "E") and not (math_after or math_before):
                return False
            return math_after or math_before or before in ("number", "symbol", "close") or not items
        if len(base) == 1:
            if glued or before in ("operator", "open", "function", "power", "comma"):
                return True
            if before == "relation":
                return following is None or following.kind != "word"
            return math_after and not (base in "yeou" and before in ("number", "close", "letter", "noun", "percent") and not glued)
        if len(base) <= 3 and "π" in base:
            return True
        if (
            len(base) <= 3
            and token.text.islower()
            and token.text.isascii()
            and base not in vocabulary.SMALL_WORDS
            and base not in vocabulary.UNITS
        ):
            return glued or (
                math_before and (math_after or following is None or following.kind in ("stop", "break", "fence", "close", "row"))
            )
        return False

    # --- closing a stretch -------------------------------------------------------------------------

    def _close(self, items: list[_Item], begin: int, stop: int) -> None:
        """Keep what was read up to the token ``stop`` as a stretch."""
        while items and items[-1].role in ("comma",):
            items.pop()
        if not items or not any(item.role in ("number", "letter", "symbol", "relation", "function") for item in items):
            return
        sides: list[list[_Item]] = [[]]
        relations: list[Relation] = []
        for item in items:
            if item.role == "relation":
                relations.append(Relation(item.text, item.start, item.end))
                sides.append([])
            else:
                sides[-1].append(item)
        first = self._index_of(begin, items[0])
        last = self._index_before(stop, items[-1])
        left, bare = self.borders.left_doubt(first)
        right = self.borders.right_doubt(last)
        made = [self._side(side, relations, number) for number, side in enumerate(sides)]
        if left == COLON and (made[0].operation or not made[0].readings or re.search(r"[^\W\d_]", made[0].readings[-1])):
            left = ""
        start, end = min(side.start for side in made), max(side.end for side in made)
        self.found.append(Stretch(tuple(made), tuple(relations), left, right, bare, start, end))
        if relations:
            self.borders.chain_ends.append(end)

    def _index_of(self, begin: int, item: _Item) -> int:
        while begin < len(self.lexemes.tokens) and self.lexemes.tokens[begin].start < item.start:
            begin += 1
        return begin

    def _index_before(self, stop: int, item: _Item) -> int:
        stop = min(stop, len(self.lexemes.tokens)) - 1
        while stop > 0 and self.lexemes.tokens[stop].end > item.end:
            stop -= 1
        return stop

    def _side(self, items: list[_Item], relations: Sequence[Relation], number: int) -> Side:
        if not items:
            place = relations[number - 1].end if number else relations[0].start
            return Side(place, place)
        start, end = items[0].start, items[-1].end
        operation = any(
            item.role in ("function", "of")
            or (item.role == "power" and items[place - 1].role != "noun")
            or (item.role == "operator" and not (place == 0 and item.text in "-−–+"))
            or item.text in _COMPUTING
            or (item.role == "open" and place > 0 and items[place - 1].role in ("number", "close"))
            for place, item in enumerate(items)
        )
        doubt = next((item.doubt for item in items if item.doubt), "")
        units = tuple(
            _CURRENCY.get(item.text.lower(), item.text)
            for item in items
            if item.role == "money" or (item.role == "noun" and _is_unit(item.text))
        )
        noun = any(item.role in ("noun", "money") for item in items)
        if end - start > LONGEST_SIDE or any(item.role == "opaque" for item in items):
            return Side(start, end, (), operation, doubt or "it cannot be read", units, noun)
        literal = _joined(items)
        bare = _joined(_without_nouns(items))
        readings = (literal,) if bare == literal or not bare else (literal, bare)
        parts = tuple(
            (item.role, (" " if place and items[place - 1].end < item.start else "") + item.text) for place, item in enumerate(items)
        )
        return Side(start, end, readings, operation, doubt, units, noun, parts)

    # --- is it whole? -------------------------------------------------------------------------------


def _joined(items: Sequence[_Item]) -> str:
    """The items as one text with the spaces that stood between them."""
    parts: list[str] = []
    for place, item in enumerate(items):
        if place and items[place - 1].end < item.start:
            parts.append(" ")
        parts.append(item.text)
    return "".join(parts).strip()


def _without_nouns(items: Sequence[_Item]) -> list[_Item]:
    """The items without nouns, their exponents, and currency signs; "de" becomes a product."""
    kept: list[_Item] = []
    dropped = False
    skip = 0
    for place, item in enumerate(items):
        if skip:
            skip -= 1
            continue
        if item.role in ("noun", "money"):
            dropped = item.role == "noun"
            continue
        if dropped and item.role == "power":  # cm^2
            skip = 1 if item.text in ("^", "**") and place + 1 < len(items) and items[place + 1].role == "number" else 0
            continue
        dropped = False
        if item.role == "of" and kept and kept[-1].role != "percent":
            item = _Item("operator", item.start, item.end, "·")
        kept.append(item)
    return kept


def _is_unit(noun: str) -> bool:
    return any(part in vocabulary.UNITS or part.lower() in vocabulary.UNITS for part in re.split(r"[/ ^]", noun))


_VALUE_ENDS = ("number", "close", "letter", "percent", "noun", "money", "power", "symbol")
_SPACING = frozenset(("\\quad", "\\qquad", "\\hline", "\\item"))
_BEGINNINGS = frozenset(("\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "\\left", "√", "∛"))

_FUNCTION_COMMANDS = frozenset(
    f"\\{name}"
    for name in [
        "frac",
        "dfrac",
        "tfrac",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "sen",
        "tg",
        "log",
        "ln",
        "exp",
        "binom",
        "dbinom",
        "gcd",
        "max",
        "min",
        "lim",
        "det",
    ]
)
_COMPUTING = frozenset(("\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "\\binom", "√", "∛"))
_ORDINALS = vocabulary.word_set("st nd rd th er ero ra ro do da to ta vo va no na mo ma º ª")
_LETTER_UNITS = frozenset("mghslLkKCFt")
MONEY = "$"
_CURRENCY = {
    **dict.fromkeys(
        ("$", "us$", "\\$", "€", "£", "dollar", "dollars", "dólar", "dólares", "dolares", "peso", "pesos", "euro", "euros"), MONEY
    ),
    **dict.fromkeys(("cent", "cents", "centavo", "centavos", "céntimo", "céntimos"), "¢"),
}
"""Names of money by what they are for the question whether two of them may be added: all main units are one."""
_ROUGH_SIDE = vocabulary.APPROXIMATIONS | vocabulary.word_set("de a los las el la is to of")
_ODD_NUMBER = re.compile(r"^[0-9]{2,3},[0-9]{4}$|,[0-9]{1,2},|,[0-9]{4,},")
_COPULAS = frozenset(("es", "son", "da", "dan", "is", "equals", "gives"))
_COPULA = re.compile(
    r"(?:es|son|dan?|is|equals|gives)[ ](?:igual(?:es)?[ ]a[ ]|equal[ ]to[ ])?(?=[-−]?[$]?[0-9][0-9.,]*[ ]?%?(?:[.,;:)]?(?:\s|$)))"
    r"(?=[^ ]+(?:[ ]%)?(?:(?<=[.,;:)])|[ ]?$|\n|[ ](?:y|and|que|porque|because|so)[ ]))",
    re.MULTILINE,
)
"""A verb that states a value, and nothing after it that could make the number part of something else."""
_MIXED = re.compile(r"[0-9]+ [0-9]+[/⁄∕][0-9]+|[0-9]+ [½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞].*")
