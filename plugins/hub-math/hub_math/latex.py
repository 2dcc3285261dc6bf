"""LaTeX to plain notation, by an own reader of the commands that answers use.

``\\frac{1}{2}x^{3}`` becomes ``((1)/(2))x^(3)``. A command that is not known makes the whole text unreadable: nothing is skipped.
"""

from __future__ import annotations

import re

from hub_math import limits
from hub_math.limits import Unreadable
from hub_math.notation import FUNCTIONS, GREEK, WORD_MARK, plain


def is_latex(text: str) -> bool:
    """Does the text hold LaTeX: a command, an escaped brace, braces after ``^`` or ``_``, or a pair of dollar signs?"""
    return _SIGNS_OF_LATEX.search(text) is not None or (text.count("$") > 1 and text.count("$") % 2 == 0)


_SIGNS_OF_LATEX = re.compile(r"\\[A-Za-z{}\[\]()%,!;:$|\\]|[\^_]\s*\{|\{,\}")


def to_plain(text: str) -> str:
    """LaTeX, with or without its delimiters, in plain notation. Raises Unreadable."""
    if "\\begin" not in text:
        text = text.replace("\\\\", "\\")  # text that was escaped twice
    text = _THOUSANDS.sub(r"\1,", text)
    out = plain(_Reader(text).everything())
    if len(out) > 4 * limits.TEXT:
        raise Unreadable("too long")
    return out


_THOUSANDS = re.compile(r"([0-9])(?:\{,\}|,\s*\\!|\\!\s*,)\s*")


class _Reader:
    """Goes through the text once; each method returns plain notation."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.out: list[str] = []

    def everything(self) -> str:
        out = self.until(None)
        if self.at < len(self.text):
            raise Unreadable("brace")
        return out

    def until(self, end: str | None) -> str:
        """Up to a closing brace, ``\\end`` or the end of the text."""
        self.depth += 1
        if self.depth > limits.NESTING:
            raise Unreadable("nesting")
        out: list[str] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "}":
                if end != "}":
                    raise Unreadable("brace")
                self.at += 1
                self.depth -= 1
                return "".join(out)
            if sign == "\\" and end == "end" and self.text.startswith("\\end", self.at):
                self.depth -= 1
                return "".join(out)
            out.append(self.piece(out))
        if end is not None:
            raise Unreadable("brace")
        self.depth -= 1
        return "".join(out)

    def piece(self, before: list[str]) -> str:
        """One character, group or command."""
        sign = self.text[self.at]
        self.at += 1
        if sign == "\\":
            return self.command(before)
        if sign == "{":
            inner = self.until("}")
            following = self.following()
            return f"({inner})" if following in ("^", "!") else inner
        if sign == "$":
            return " "
        if sign == "~":
            return " "
        if sign == "&":
            return "&"
        if sign in "^_":
            inner = self.argument()
            if sign == "^" and inner.strip() in ("°", "'", "''"):
                return inner.strip()
            return f"{sign}({inner})"
        if sign == "%":
            return "%"
        return sign

    def following(self) -> str:
        index = self.at
        while index < len(self.text) and self.text[index].isspace():
            index += 1
        return self.text[index] if index < len(self.text) else ""

    def argument(self) -> str:
        """A group, or the single character or command that stands for one."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.at >= len(self.text) or self.text[self.at] == "}":
            raise Unreadable("argument expected")
        if self.text[self.at] == "{":
            self.at += 1
            return self.until("}")
        if self.text[self.at] == "\\":
            return self.piece([])
        self.at += 1
        return self.text[self.at - 1]

    def optional(self) -> str | None:
        """The argument in square brackets, if one follows."""
        if self.following() != "[":
            return None
        start = self.text.index("[", self.at) + 1
        end = self.text.find("]", start)
        if end < 0:
            raise Unreadable("bracket")
        inner = _Reader(self.text[start:end])
        inner.depth = self.depth
        self.at = end + 1
        return inner.everything()

    def command(self, before: list[str]) -> str:
        found = _COMMAND.match(self.text, self.at)
        if found is None:
            raise Unreadable("command")
        self.at = found.end()
        name = found.group()
        if name in _SIMPLE:
            return _SIMPLE[name]
        if name in ("frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"):
            top, bottom = self.argument(), self.argument()
            differential = re.fullmatch(r"\s*d\s*([a-zA-Z])\s*", bottom)
            if differential is not None and top.strip() == "d":
                return f" derivof({differential[1]}) "
            mixed = top.strip().isdigit() and bottom.strip().isdigit() and _WHOLE_BEFORE.search("".join(before[-24:])) is not None
            return f"{'⊞' if mixed else ''}(({top})/({bottom}))"
        if name == "sqrt":
            order = self.optional()
            inner = self.argument()
            return f" sqrt({inner})" if order is None else f" root({inner};{order})"
        if name in ("binom", "dbinom", "tbinom"):
            return f" binom({self.argument()};{self.argument()})"
        if name in (
            "boxed",
            "fbox",
            "mathbf",
            "boldsymbol",
            "bm",
            "vec",
            "overrightarrow",
            "mathit",
            "mathsf",
            "bf",
            "displaystyle",
            "ensuremath",
            "hat",
        ):
            return self.boxed() if name in ("boxed", "fbox") else "" if name == "displaystyle" else self.argument()
        if name in (
            "text",
            "textbf",
            "textit",
            "mathrm",
            "mbox",
            "operatorname",
            "mathop",
            "textrm",
            "texttt",
            "emph",
            "textnormal",
            "operatorname*",
            "rm",
        ):
            inner = self.argument()
            if inner.strip() in ("lim", "lím"):
                return self.over(inner.strip())
            return f" {_LETTERS.sub(lambda letters: WORD_MARK + letters.group(), inner)} "
        if name in ("overline", "bar", "widehat", "underline", "overarc"):
            inner = self.argument()
            if name == "overline" and inner.strip().isdigit():
                return self.repeating(inner.strip(), before)
            return inner
        if name == "mathbb":
            letter = self.argument().strip()
            if letter not in "RNZQC" or len(letter) != 1:
                raise Unreadable("blackboard letter")
            return {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ"}[letter]
        if name in ("left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "middle", "biggl", "biggr"):
            if self.following() == ".":
                raise Unreadable("invisible bracket")
            return ""
        if name == "begin":
            return self.environment()
        if name in ("hspace", "vspace", "hspace*"):
            self.argument()
            return " "
        if name in _OVER:
            return self.over(name)
        if name in FUNCTIONS:
            return f" {name} "
        if name in GREEK:
            return f" {GREEK[name]} " if name != "pi" else " π "
        if name[0].isupper() and name.lower() in GREEK:
            return f" {GREEK[name.lower()].upper()} "
        if name in ("varphi", "varepsilon", "vartheta", "varrho"):
            return f" {GREEK[name[3:]]} "
        if name.startswith(("quad", "qquad")):  # \\quadx
            self.at -= len(name) - name.index("quad") - 4
            return " "
        raise Unreadable(f"command {name[:20]}")

    def over(self, name: str) -> str:
        """``\\sum_{k=1}^{n}``, ``\\int_0^1``, ``\\lim_{x \\to 0}``: the bounds in brackets; what they work on follows."""
        bounds: dict[str, str] = {}
        while self.following() in ("_", "^") or self.text.startswith("\\limits", self.at):
            if self.text.startswith("\\limits", self.at):
                self.at += len("\\limits")
                continue
            sign = self.following()
            self.at = self.text.index(sign, self.at) + 1
            bounds[sign] = self.argument()
        low, high = bounds.get("_"), bounds.get("^")
        if name == "int":
            if (low is None) != (high is None):
                raise Unreadable("bounds")
            return " intof() " if low is None else f" intof({low};{high}) "
        if low is None:
            raise Unreadable("bounds")
        parts = re.split("→|=", low)
        if len(parts) != 2 or (high is None) != (name not in ("sum", "prod")):
            raise Unreadable("bounds")
        return f" {_OVER[name]}({parts[0].strip()};{parts[1].strip()}{'' if high is None else ';' + high}) "

    def boxed(self) -> str:
        inner = self.argument()
        following = self.text[self.at :].lstrip()
        return f" {inner} " + (";" if following.startswith("\\boxed") else "")

    def repeating(self, period: str, before: list[str]) -> str:
        """``0,\\overline{3}``: the period as a fraction behind the digits, ``⟳`` between them."""
        if not before or not re.search(r"[0-9][.,][0-9]*$", "".join(before[-48:])):
            raise Unreadable("overline")
        return f"⟳{period}⟳"

    def environment(self) -> str:
        name = self.argument()
        if name in ("array", "tabular"):
            self.argument()
        body = self.until("end")
        self.at += len("\\end")
        if self.argument() != name:
            raise Unreadable("environment")
        rows = [row for row in body.split(_ROW) if row.strip()]
        if name in ("pmatrix", "bmatrix", "matrix", "smallmatrix", "Bmatrix", "array"):
            cells = [row.split("&") for row in rows]
            return "[" + ";".join("[" + ";".join(cell.strip() or "?" for cell in row) + "]" for row in cells) + "]"
        if name == "vmatrix":
            cells = [row.split("&") for row in rows]
            return " det([" + ";".join("[" + ";".join(row) + "]" for row in cells) + "])"
        if name == "cases":
            return ";".join(row.replace("&", "").strip().rstrip(",;") for row in rows)
        raise Unreadable(f"environment {name[:20]}")


_OVER = {"sum": "sumof", "prod": "prodof", "int": "intof", "lim": "limof", "lím": "limof"}
_ROW = "\x1e"
_LETTERS = re.compile(r"(?<![^\W\d_])(?<!\ue000)[^\W\d_]{2,}")
_COMMAND = re.compile(r"[A-Za-zÁÉÍÓÚáéíóúñÑ]+\*?|.", re.DOTALL)
_WHOLE_BEFORE = re.compile(r"(?:^|[^0-9.,A-Za-z_^)])[0-9]{1,4}\s*$")
_SIMPLE = {
    "(": " ", ")": " ", "[": " ", "]": " ", ",": " ", ";": " ", ":": " ", "!": "", " ": " ", "quad": " ", "qquad": " ",
    "thinspace": " ", "enspace": " ", "{": "{", "}": "}", "lbrace": "{", "rbrace": "}", "%": "%", "$": "$", "&": " ", "_": "_",
    "|": "|", "\\": _ROW, "#": "#", "cdot": "*", "times": "*", "ast": "*", "cdotp": "*", "div": "÷", "pm": "±", "mp": "∓", "slash": "/",
    "cup": "∪", "cap": "∩", "in": "∈", "setminus": "\\ ", "backslash": "\\ ", "emptyset": "∅", "varnothing": "∅", "infty": " oo ",
    "circ": "°", "degree": "°", "textdegree": "°", "grado": "°", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "lfloor": "⌊",
    "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "langle": "(", "rangle": ")", "prime": "'", "le": "<=", "leq": "<=", "leqslant": "<=",
    "leqq": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "~", "simeq": "~",
    "sim": "~", "cong": "~", "thickapprox": "~", "ldots": "…", "dots": "…", "cdots": "…", "euro": "€", "pounds": "£", "lor": " o ",
    "vee": " o ", "land": " y ", "wedge": " y ", "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]", "colon": ":", "imath": "i",
    "ell": "ℓ", "to": "→", "rightarrow": "→", "longrightarrow": "→", "R": "ℝ", "Reals": "ℝ", "limits": "", "pi": " π ",
    "angle": " ángulo ", "measuredangle": " ángulo ", "triangle": " triángulo ", "tg": " tan ", "ctg": " cot ", "cotg": " cot ",
    "textquotesingle": "'", "dollar": "$", "nolimits": "", "/": "",
}  # fmt: skip
