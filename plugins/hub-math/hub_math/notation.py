"""Spanish words and Unicode signs to one plain notation that the grammar reads: ``3x² ÷ 2`` becomes ``3x^(2) / 2``.

Works on characters only; knows neither numbers' locales nor what an expression means. Every step takes time proportional to the text.
"""

from __future__ import annotations

import re
import unicodedata


def plain(text: str) -> str:
    """The text in plain notation: ``+ - * / ^ _ = != < <= > >= ~``, ``√ ∛ ∜``, ``∪ ∩ ∈``, superscripts as powers."""
    text = unicodedata.normalize("NFC", text)
    if not text.isascii():
        text = _LETTERLIKE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
        text = text.translate(_SIGNS)
        text = _SUPERSCRIPT.sub(lambda found: f"^({found.group().translate(_RAISED)})", text)
        text = _SUBSCRIPT.sub(lambda found: f"_({found.group().translate(_LOWERED)})", text)
        text = _REPEATING.sub(_repeating, text)
    text = text.translate(_SPACES)
    if "*" in text:
        text = _bare(text).replace("**", "^")
    for pattern, replacement in _DIGRAPHS:
        text = text.replace(pattern, replacement)
    text = _AND_Y.sub(" y ", text)
    return _WORDS.sub(_sign_of, text) if _HAS_WORD.search(text) else text


_AND_Y = re.compile(r"(?<=[0-9)])[ ]+e[ ]+(?=y[ ]*=)")
"""``x = 3 e y = 2``: the Spanish "and" before a y."""


def _bare(text: str) -> str:
    """Without the stars of bold or slanted print around the whole."""
    stripped = text.strip()
    for mark in ("***", "**", "*"):
        inner = stripped[len(mark) : -len(mark)]
        if len(stripped) > 2 * len(mark) and stripped.startswith(mark) and stripped.endswith(mark) and mark not in inner:
            return inner
    return text


def _repeating(found: re.Match[str]) -> str:
    """A decimal with a period (``0,3̅``, ``0,1⟳6⟳``) as a fraction."""
    whole, fixed = found["whole"], found["fixed"]
    period = "".join(sign for sign in found["period"] or found["marked"] if sign.isdecimal())
    denominator = 10 ** len(fixed) * (10 ** len(period) - 1)
    numerator = int(whole + fixed + period) - int(whole + fixed)
    return f"({numerator}/{denominator})"


_REPEATING = re.compile(
    "(?P<whole>[0-9]{1,40})[.,](?P<fixed>[0-9]{0,40}?)(?:⟳(?P<period>[0-9]{1,40})⟳|(?P<marked>(?:[0-9][\u0302\u0304\u0305\u0311]){1,40}))"
)
_LETTERLIKE = re.compile("[\U0001d400-\U0001d7ff\uff01-\uff5e\u210e\u2113\u212f]")
_SIGNS = {
    **{ord(sign): "-" for sign in "−‐‑‒–﹣－"},
    **{ord(sign): "*" for sign in "×✕✖⨯·⋅∙•∗"},
    **{ord(sign): "/" for sign in "∕⁄"},
    ord("➗"): "÷",
    **{ord(sign): "<=" for sign in "≤⩽≦"},
    **{ord(sign): ">=" for sign in "≥⩾≧"},
    **{ord(sign): "~" for sign in "≈≃≅≐≒∼"},
    **{ord(sign): None for sign in "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f\u200e\u200f\u2061\u2062"},
    **{ord(sign): "'" for sign in "′’‘ʹ´"},
    ord("≠"): "!=",
    ord("″"): "''",
    ord("º"): "°",
    ord("˚"): "°",
    ord("∞"): " oo ",
    ord("µ"): "μ",
    ord("ϕ"): "φ",
    ord("ϵ"): "ε",
    ord("∨"): " o ",
    ord("∧"): " y ",
    ord("∖"): " \\ ",
    ord("₡"): "CRC ",
    ord("¢"): " centavos",
}
_SPACES = {
    ord(space): " " for space in "\t\n\r\x0b\x0c\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
}
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵏᵐᵃᵇᵗ]+")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵏᵐᵃᵇᵗ", "0123456789+-()nixykmabt")
_SUBSCRIPT = re.compile("[₀₁₂₃₄₅₆₇₈₉ₙₖᵢⱼₐₑₓₘ₊₋]+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₙₖᵢⱼₐₑₓₘ₊₋", "0123456789nkijaexm+-")
_DIGRAPHS = (("==", "="), ("=<", "<="), ("~=", "~"), ("=~", "~"))


# --- words that stand for a sign -----------------------------------------------------------------

_PHRASES = (
    ("es mayor o igual (?:que|a)", ">="),
    ("es menor o igual (?:que|a)", "<="),
    ("mayor o igual (?:que|a)", ">="),
    ("menor o igual (?:que|a)", "<="),
    ("es (?:aproximadamente|casi) igual a", "~"),
    ("es aproximadamente", "~"),
    ("aproximadamente(?: igual a)?", "~"),
    (r"aprox\.?", "~"),
    ("es (?:mayor|más grande) que", ">"),
    ("es (?:menor|más pequeño) que", "<"),
    ("mayor que", ">"),
    ("menor que", "<"),
    ("es distinto (?:de|a)", "!="),
    ("(?:distinto|diferente) (?:de|a)", "!="),
    ("es igual a", "="),
    ("igual a", "="),
    ("por ciento", "%"),
    ("por cien", "%"),
    ("pct", "%"),
    ("percent", "%"),
    ("al cuadrado", "^2"),
    ("al cubo", "^3"),
    ("elevado a(?: la)?", "^"),
    ("raíz cuadrada de", "√"),
    ("raíz cúbica de", "∛"),
    ("raíz de", "√"),
    ("dividido (?:por|entre|para)", "÷"),
    ("multiplicado por", "*"),
    ("entre(?= *[0-9(])", "/"),
    ("por(?= *[-0-9(])", "*"),
    ("más(?= *[0-9(a-z] )", "+"),
    ("menos infinito", "-oo"),
    ("más infinito", "+oo"),
    ("infinito", "oo"),
    ("menos(?= *[0-9(])", "-"),
    ("más(?= *[0-9(])", "+"),
    ("unión", "∪"),
    ("pertenece a", "∈"),
)
_WORDS = re.compile(
    "|".join(rf"(?<![^\W\d_])(?P<w{number}>{phrase})(?![^\W\d_])" for number, (phrase, _) in enumerate(_PHRASES)), re.IGNORECASE
)
_HAS_WORD = re.compile(r"[^\W\d_]{3}")


def _sign_of(found: re.Match[str]) -> str:
    return f" {_PHRASES[int(str(found.lastgroup)[1:])][1]} "


WORD_MARK = "\ue000"
"""Stands before letters that are a word and no variables side by side: those of ``\\text{...}``."""

# --- names ---------------------------------------------------------------------------------------

FUNCTIONS = {
    spelling: name
    for name, spellings in {
        "sin": "sin sen seno",
        "cos": "cos coseno",
        "tan": "tan tg tang tangente",
        "cot": "cot ctg cotg cotan cotangente",
        "sec": "sec secante",
        "csc": "csc cosec cosecante",
        "asin": "asin asen arcsin arcsen arcoseno",
        "acos": "acos arccos arccoseno arcocoseno",
        "atan": "atan atg arctan arctg arcotangente",
        "acot": "acot arccot arcctg",
        "asec": "asec arcsec",
        "acsc": "acsc arccsc arccosec",
        "sinh": "sinh senh sh",
        "cosh": "cosh ch",
        "tanh": "tanh tgh th",
        "asinh": "asinh arcsinh arcsenh argsenh arsinh",
        "acosh": "acosh arccosh argcosh arcosh",
        "atanh": "atanh arctanh arctgh argtgh artanh",
        "exp": "exp",
        "ln": "ln",
        "log": "log lg",
        "sqrt": "sqrt raíz raiz",
        "cbrt": "cbrt",
        "root": "root",
        "abs": "abs",
        "gcd": "gcd mcd",
        "lcm": "lcm mcm",
        "max": "max máx",
        "min": "min mín",
        "sign": "sgn sign signo",
        "floor": "floor piso",
        "ceil": "ceil ceiling techo",
        "binom": "binom comb",
        "det": "det",
    }.items()
    for spelling in spellings.split()
}
"""Spelling in Spanish and English -> name of the function."""
MANY_ARGUMENTS = frozenset(("gcd", "lcm", "max", "min"))
TWO_ARGUMENTS = frozenset(("root", "binom"))
OVER = {"sumof": "sum", "prodof": "product", "intof": "integral", "limof": "limit", "derivof": "derivative"}
"""What the LaTeX reader writes for signs that work on all that follows -> name of the operation."""
_GREEK_NAMES = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega
"""
GREEK = {name: unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if name == 'lambda' else name.upper()}") for name in _GREEK_NAMES.split()}
"""Name of a Greek letter -> the letter."""
CONSTANT_WORDS = {"pi": "pi", "π": "pi", "oo": "oo", "inf": "oo", "infinity": "oo", "infinito": "oo"}
