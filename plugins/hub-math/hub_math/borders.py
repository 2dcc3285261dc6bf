"""Where an expression ends in prose, and why it may go on in words: ``la mitad de 8 = 4`` begins before its symbols.

Gives reasons to doubt; knows nothing of what an expression holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hub_math import vocabulary
from hub_math.lexemes import Lexemes


@dataclass(frozen=True)
class Borders:
    """Looks at what stands before and after the expressions of one text."""

    lexemes: Lexemes
    chain_ends: list[int] = field(default_factory=list)
    """Where the equalities end that were read so far: what stands after one of them begins anew."""

    def left_doubt(self, first: int) -> tuple[str, bool]:
        """Why an expression that begins at a token may begin earlier, and whether a word stands right before."""
        place = self.lexemes.before(first)
        if place < 0:
            return "", False
        token = self.lexemes.tokens[place]
        word = token.text.lower()
        if token.kind == "fence":
            earlier = self.lexemes.before(place, across_fences=True)
            if earlier < 0 or self.lexemes.tokens[earlier].kind not in ("word", "operator"):
                return "", False
            token, place, word = self.lexemes.tokens[earlier], earlier, self.lexemes.tokens[earlier].text.lower()
            if token.kind == "operator":
                return "an operator stands before", False
            return self._word_before(place, word), False
        if token.kind == "word" or token.kind == "text":
            if self.lexemes.tokens[first].text in "-−–" and not self.lexemes.space_after(first) and word not in _BEFORE_SIGN:
                return "a sign or an operation", True
            if self.lexemes.tokens[first].kind == "open" and token.end == self.lexemes.tokens[first].start:
                return "a name stands before its bracket", True
            return self._word_before(place, word), True
        if token.kind in ("break", "row", "arrow", "open", "relation"):
            return "", False
        if token.kind == "stop":
            return self._stop_before(place, first), False
        if token.kind == "close":
            return ("" if self._is_marker(place) else "a bracket stands before"), False
        if token.kind in ("number", "hidden", "percent", "money", "power"):
            return "something stands before that may belong to it", False
        if token.text in "´`′" and token.end == self.lexemes.tokens[first].start:
            return "a mark of decimals may stand before", False
        if token.kind == "operator":
            if token.text == "!" or (self.lexemes.line_begins(place) and token.text in "-−–*•+·"):
                return "", False
            return "an operator stands before", False
        return "", False

    def _word_before(self, place: int, word: str) -> str:
        doubt = self._belongs(place, word)
        return doubt or ("an operator stands before the words" if self._operator_before(place) else "")

    def _operator_before(self, place: int) -> bool:
        """Whether an operator stands before the last words: "25 alumnos + su 1 maestra"."""
        for _ in range(3):
            earlier = self.lexemes.before(place)
            if earlier < 0:
                return False
            token = self.lexemes.tokens[earlier]
            if token.kind in ("operator", "command") and not self.lexemes.line_begins(earlier):
                return token.text in _BINARY and (token.kind == "command" or self.lexemes.spaced(earlier))
            if token.kind != "word":
                return False
            place = earlier
        return False

    def _belongs(self, place: int, word: str) -> str:
        """Why a word right before an expression may be a piece of it."""
        if word in _PREPOSITIONS:  # "divide entre 8 - 5": an operation only after a number or a verb that computes
            earlier = self.lexemes.before(place)
            number = self.lexemes.tokens[earlier] if earlier >= 0 else None
            computes = number is not None and (
                number.kind in ("number", "close", "percent", "power", "hidden")
                or number.text.lower() in vocabulary.NUMBER_WORDS
                or re.match(r"(?:divid|multiplic|elev|part|divis)", number.text.lower()) is not None
                or len(number.text) == 1
            )
            return "a word that belongs to it stands before" if computes else ""
        if word in vocabulary.OPERATION_WORDS or word in vocabulary.NUMBER_WORDS or word in vocabulary.SCALES:
            return "a word that belongs to it stands before"
        if word in ("arc", "arco", "entero", "enteros"):
            return "a word that belongs to it stands before"
        if re.sub(r"_?[\d₀-₉ₐ-ₜ]*$|_.*$", "", word) in vocabulary.FUNCTIONS and word not in vocabulary.UNITS:
            return "a function's name stands before"
        if word in vocabulary.PARTITIVES:
            earlier = self.lexemes.before(place)
            while earlier >= 0 and self.lexemes.tokens[earlier].text.lower() in ("el", "la", "los", "las", "the", "un", "una"):
                earlier = self.lexemes.before(earlier)
            if earlier < 0:
                return 'it follows "de"'
            token, before = self.lexemes.tokens[earlier], self.lexemes.tokens[earlier].text.lower()
            if token.kind == "word" and self.lexemes.is_after_number(earlier):
                return 'it follows a quantity and "de"'
            if token.kind != "word" or before in vocabulary.BEFORE_OF or before in vocabulary.NUMBER_WORDS or before in vocabulary.SCALES:
                return 'it follows "de"'
            return ""
        if word in vocabulary.CONJUNCTIONS:
            earlier = self.lexemes.before(place)
            if earlier < 0:
                return ""
            token = self.lexemes.tokens[earlier]
            if token.kind in ("number", "close", "percent", "power", "hidden") or (token.kind == "word" and len(token.text) == 1):
                return "" if self._ends_chain(earlier) else "a number and a conjunction stand before"
            if token.kind == "word" and self.lexemes.is_after_number(earlier):
                return "" if self._ends_chain(earlier) else "a quantity and a conjunction stand before"
        return ""

    def _ends_chain(self, place: int) -> bool:
        """Whether the expression that ends here is the last side of an equality that was just read."""
        end = self.lexemes.tokens[place].end
        for chain_end in reversed(self.chain_ends[-3:]):
            if chain_end <= end <= chain_end + 30:
                return not re.search(r"[\d=]|[.;:]", self.lexemes.text[chain_end:end])
        return False

    def _stop_before(self, place: int, first: int) -> str:
        token = self.lexemes.tokens[place]
        earlier = self.lexemes.before(place)
        before = self.lexemes.tokens[earlier] if earlier >= 0 else None
        if token.text == "," and before is not None:
            letter = before.kind == "word" and len(before.text) == 1 and before.text not in "yoeuYOEU"
            ends_value = letter or before.kind in ("number", "percent", "close", "hidden")
            return "a list may stand before" if ends_value and not self._ends_chain(earlier) else ""
        if token.text == ":" and before is not None and self._ends_value(earlier):
            around = self.lexemes.beside(place)
            if not around[1].isspace() or (around[0].isspace() and before.kind != "number"):
                return "a colon may divide"
            if not (self._labels(earlier) if before.kind == "number" else self._is_marker(earlier)):
                return COLON
        if token.text == "|":
            return "" if self._is_table(place) else "a bar stands before"
        if token.text in "'’":
            return "a quotation mark stands before"
        return ""

    def _ends_value(self, place: int) -> bool:
        """Whether a number or a calculation may end with a token."""
        token = self.lexemes.tokens[place]
        return token.kind in ("number", "close", "power", "percent") or (token.kind == "operator" and token.text in "°!")

    def _labels(self, place: int) -> bool:
        """Whether a number before a colon only counts: "Paso 3:"."""
        earlier = self.lexemes.before(place)
        while earlier >= 0 and self.lexemes.tokens[earlier].text in ("*", "#"):
            earlier = self.lexemes.before(earlier)
        if earlier < 0 or self.lexemes.tokens[earlier].kind == "break":
            return True
        token = self.lexemes.tokens[earlier]
        return token.kind == "word" and (token.text.lower() in _LABELS or self.lexemes.line_begins(earlier))

    def _is_marker(self, place: int) -> bool:
        """Whether a closing bracket belongs to the marker of a list: "1)", "b)"."""
        before = place - 1
        if before >= 0 and self.lexemes.tokens[before].kind in ("number", "word") and len(self.lexemes.tokens[before].text) <= 3:
            if before - 1 >= 0 and self.lexemes.tokens[before - 1].kind == "open":
                before -= 1
            return self.lexemes.line_begins(before) or (before - 1 >= 0 and self.lexemes.tokens[before - 1].kind == "space")
        return False

    def _is_table(self, place: int) -> bool:
        """Whether a bar separates the cells of a table."""
        token = self.lexemes.tokens[place]
        start = self.lexemes.text.rfind("\n", 0, token.start) + 1
        end = self.lexemes.text.find("\n", token.end)
        line = self.lexemes.text[start : end if end >= 0 else len(self.lexemes.text)][:2000]
        return line.count("|") >= 2 and line.strip().startswith("|")

    def right_doubt(self, last: int) -> str:
        """Why an expression that ends at a token may end later."""
        place = last + 1
        seen = 0
        while place < len(self.lexemes.tokens) and seen < 8:
            token = self.lexemes.tokens[place]
            place += 1
            if token.text in "*∗" and token.kind == "operator" and seen == 0 and self.lexemes.multiplies(place - 1):
                return "an operator follows"
            if token.kind in ("space", "fence") or token.text in "*∗":
                continue
            seen += 1
            word = token.text.lower().rstrip(".")
            if token.kind in ("hidden", "number", "money") and seen == 1:
                return "something follows that may belong to it"
            if (
                token.kind in ("operator", "power", "percent")
                and (seen == 1 or (seen == 2 and self.lexemes.is_binary(place - 1, len(self.lexemes.tokens))))
                and token.text != "!"
            ):
                return "" if self.lexemes.line_begins(place - 1) else "an operator follows"
            if token.kind == "arrow" and (token.text in ("≡", "\\equiv") or "mod" in token.text):
                return "a congruence"
            if token.kind in ("break", "row"):
                return self._next_line_doubt(place)
            if token.kind in ("arrow", "relation", "close"):
                return ""
            if token.kind == "open":
                return self._bracket_doubt(place)
            if token.text in "'’′´″" and seen == 1 and token.start == self.lexemes.tokens[last].end:
                return "a sign of minutes or feet may follow"
            if token.kind == "stop":
                if token.text in ",;" and self._remainder(place):
                    return "a remainder follows"
                if (
                    token.text == ","
                    and place < len(self.lexemes.tokens)
                    and self.lexemes.tokens[place].kind == "space"
                    and self._three_digits(place + 1)
                ):
                    return "the number may go on"
                if token.text == "…":
                    return "it goes on"
                if token.text == "." and self._rest_is_dots(place):
                    return "it goes on"
                return ""
            if token.kind == "word":
                if word in vocabulary.SCALES and seen <= 2:
                    return "a word that multiplies follows"
                if word in vocabulary.CLOCK:
                    return "a time of day"
                if word in ("base", "mod", "módulo", "modulo", "resto", "residuo", "remainder", "r"):
                    return "a remainder or another base"
                if seen <= 2 and (word in vocabulary.CONJUNCTIONS or word in ("con", "with") or word in _MORE):
                    if self._quantity_follows(place):
                        return "a part of it may follow in words"
                    if word in vocabulary.CONJUNCTIONS:
                        return ""
                elif (word in vocabulary.OPERATION_WORDS and self._quantity_follows(place)) or (
                    seen == 1 and word in vocabulary.NUMBER_WORDS
                ):
                    return "a word that belongs to it follows"
                elif (
                    word in vocabulary.PARTITIVES
                    and seen == 1
                    and self.lexemes.tokens[last].kind in ("number", "percent")
                    and self._quantity_follows(place)
                ):
                    return 'it goes on with "de"'
        return ""

    def _next_line_doubt(self, place: int) -> str:
        while place < len(self.lexemes.tokens) and self.lexemes.tokens[place].kind in ("space", "fence"):
            place += 1
        if place < len(self.lexemes.tokens):
            token = self.lexemes.tokens[place]
            if (token.kind == "operator" and token.text in "+·×÷/") or (token.kind == "command" and token.text in ("\\cdot", "\\times")):
                return "an operator follows on the next line"
            if token.kind == "operator" and token.text in "-−" and not self.lexemes.space_after(place):
                return "an operator follows on the next line"
        return ""

    def _bracket_doubt(self, place: int) -> str:
        content = " ".join(token.text.lower() for token in self.lexemes.tokens[place : place + 6])
        return (
            "a remark in brackets changes it"
            if re.search(r"\b(?:mod|base|módulo|modulo|bin|hex|oct|resto|residuo|remainder|rem)", content)
            else ""
        )

    def _remainder(self, place: int) -> bool:
        content = " ".join(token.text.lower() for token in self.lexemes.tokens[place : place + 8])
        return bool(
            re.match(r"[ ]*(?:y |con |and |with )?[ ]*(?:un |el |a |the )?[ ]*(?:resto|residuo|sobra|remainder|left ?over|r )", content)
        )

    def _three_digits(self, place: int) -> bool:
        return place < len(self.lexemes.tokens) and bool(re.fullmatch(r"[0-9]{3}", self.lexemes.tokens[place].text))

    def _rest_is_dots(self, place: int) -> bool:
        return (
            place + 1 < len(self.lexemes.tokens) and self.lexemes.tokens[place].text == "." and self.lexemes.tokens[place + 1].text == "."
        )

    def _quantity_follows(self, place: int) -> bool:
        """Whether a number, in digits or words, or a remainder comes next without an equality of its own: "3 y 1/2", "3 y sobra 1"."""
        seen = 0
        while place < len(self.lexemes.tokens) and seen < 3:
            token = self.lexemes.tokens[place]
            place += 1
            if token.kind in ("space", "fence") or token.text.lower() in ("un", "una", "a", "an", "el", "la", "los", "las", "the"):
                continue
            seen += 1
            word = token.text.lower()
            if token.kind in ("number", "money", "hidden"):
                tail = "".join(other.text for other in self.lexemes.tokens[place - 1 : place + 13] if other.kind != "space")
                return seen <= 1 and not re.match(r"[^;:\n]{0,24}?[=≈+*·×]", tail)
            if (word in vocabulary.NUMBER_WORDS and seen <= 1) or word in _REMAINDERS:
                return True
            if token.kind != "word":
                return False
        return False


_LABELS = vocabulary.word_set(
    "paso pasos ejercicio problema caso parte ejemplo pregunta opción opcion inciso punto apartado día dia etapa fase método metodo step "
    "part "
    "case problem exercise example question option method day way línea linea line figura figure nota note tip"
)

_BINARY = frozenset(("+", "-", "−", "–", "·", "*", "×", "⋅", "∙", "÷", "/", "\\cdot", "\\times", "\\div"))

COLON = "a number and a colon stand before"

_BEFORE_SIGN = vocabulary.word_set(
    "y e o u es son de como vale valen da dan queda quedan a al con en que resulta obtienes obtenemos sale tenemos entonces porque "
    "luego is are of and or to as "
    "equals gives get because so then that has have"
)
"""Words after which a hyphen glued to a number is its sign."""

_PREPOSITIONS = vocabulary.word_set("por entre sobre over by")

_REMAINDERS = vocabulary.word_set("resto residuo sobra sobran queda quedan sobrante remainder")

_MORE = vocabulary.word_set("más mas menos more less fewer left")
