"""Answers that are words: ``no existe``, ``verdadero``, ``infinitas soluciones``, option letters, small numbers in words.

Knows fixed phrases only; anything else is not read.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from hub_math.values import Call, Name, Number, Value

_FAMILIES: dict[str, dict[str, str]] = {
    "truth": {
        "verdadero": r"verdader[oa]|es verdader[oa]|cierto|es cierto|correcto|true|v",
        "falso": r"fals[oa]|es fals[oa]|incorrecto|false",
        "sí": r"sí|si|yes",
        "no": r"no",
    },
    "solutions": {
        "sin solución": r"(?:la ecuación |el sistema )?no (?:tiene|hay|existen?) (?:ninguna )?soluci(?:ón|ones)(?: reale?s?)?"
        r"|sin soluci(?:ón|ones)(?: reale?s?)?|ninguna solución|no solution|(?:el )?conjunto vacío|vacío"
        r"|(?:es un )?(?:sistema )?incompatible",
        "infinitas soluciones": r"(?:tiene |hay |existen )?infinitas soluciones|(?:sistema )?compatible indeterminado",
        "solución única": r"(?:tiene )?(?:una )?(?:única solución|solución única)|(?:sistema )?compatible determinado",
    },
    "existence": {
        "no existe": r"(?:el límite |la derivada |la inversa )?no existe|does not exist|dne",
        "no definido": r"(?:no está |in)definid[oa]|no definid[oa]|undefined|indeterminad[oa]|no se puede dividir (?:por|entre) (?:0|cero)",
    },
    "parity": {"par": r"(?:es )?par|even", "impar": r"(?:es )?impar|odd"},
    "primality": {"primo": r"(?:es )?primo", "compuesto": r"(?:es )?compuesto"},
    "growth": {"creciente": r"(?:es )?creciente", "decreciente": r"(?:es )?decreciente", "constante": r"(?:es )?constante"},
    "convergence": {"converge": r"(?:la serie )?converge|(?:es )?convergente", "diverge": r"(?:la serie )?diverge|(?:es )?divergente"},
    "dependence": {"independientes": r"(?:linealmente |son )?independientes", "dependientes": r"(?:linealmente |son )?dependientes"},
    "triangle": {"equilátero": r"(?:es )?equilátero", "isósceles": r"(?:es )?isósceles", "escaleno": r"(?:es )?escaleno"},
    "angle": {
        "agudo": r"(?:es )?(?:agudo|acutángulo)",
        "recto": r"(?:es )?(?:recto|rectángulo)",
        "obtuso": r"(?:es )?(?:obtuso|obtusángulo)",
    },
    "lines": {
        "paralelas": r"(?:son )?paralelas",
        "perpendiculares": r"(?:son )?perpendiculares",
        "secantes": r"(?:son )?secantes",
    },
}
"""Family -> canonical word -> how it may be said. Words of one family exclude one another, unless named in COMPATIBLE."""
COMPATIBLE = frozenset(
    (
        frozenset(("verdadero", "sí")),
        frozenset(("falso", "no")),
        frozenset(("no existe", "no definido")),
        frozenset(("equilátero", "isósceles")),
        frozenset(("perpendiculares", "secantes")),
    )
)
_MEANINGS = [(re.compile(pattern), family, word) for family, words in _FAMILIES.items() for word, pattern in words.items()]
FAMILY_OF = {word: family for family, words in _FAMILIES.items() for word in words}
_REALS = re.compile(r"(?:todos los (?:números )?reales|los reales|todo r|cualquier (?:número )?real|todos los números)")
_ROMAN = re.compile(r"(?=[IVXLCDM]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_OPTION = re.compile(r"(?:opción |respuesta |option |alternativa )?(?:\(([a-fA-F])\)|([a-fA-F])\)|\b([A-F]))")


def word_value(text: str) -> Value | None:
    """The answer that a whole text of words stands for, or None."""
    lower = " ".join(text.lower().split()).strip(" .!¡¿?\"'")
    if not lower or len(lower) > 80:
        return None
    if lower == "si":
        lower = "sí"
    for pattern, _, word in _MEANINGS:
        if pattern.fullmatch(lower) and len(lower) > 1:
            return Value("word", text=text, word=word)
    if _REALS.fullmatch(lower):
        return Value("interval", text=text, tree=Call("reals", ()))
    number = number_word(lower)
    if number is not None:
        return Value("number", text=text, tree=Number(number))
    if re.fullmatch(r"(?:diverge a |tiende a |es )?(?:\+ ?|más )?(?:infinito|oo)(?: positivo)?", lower):
        return Value("number", text=text, tree=Name("oo"))
    if re.fullmatch(r"(?:diverge a |tiende a |es )?(?:- ?|menos )(?:infinito|oo)|infinito negativo|oo negativo", lower):
        return Value("number", text=text, tree=Call("neg", (Name("oo"),)))
    if _ROMAN.fullmatch(text.strip()):
        return Value("word", text=text, word=text.strip())
    option = _OPTION.fullmatch(text.strip(" ."))
    if option is not None:
        return Value("word", text=text, word=f"opción {(option[1] or option[2] or option[3]).upper()}")
    return None


# --- numbers in words ----------------------------------------------------------------------------

_SMALL_WORDS = (
    "cero|uno una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince"
    "|dieciseis|diecisiete|dieciocho|diecinueve|veinte|veintiuno veintiuna veintiun|veintidos|veintitres"
    "|veinticuatro|veinticinco|veintiseis|veintisiete|veintiocho|veintinueve"
)
_SMALL = {word: number for number, words in enumerate(_SMALL_WORDS.split("|")) for word in words.split()}
_TENS = {"treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90}
_HUNDREDS = {
    "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500, "seiscientos": 600,
    "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_PARTS = {"medio": 2, "tercio": 3, "cuarto": 4, "quinto": 5, "sexto": 6, "septimo": 7, "octavo": 8, "noveno": 9, "decimo": 10}


def number_word(text: str) -> Fraction | None:
    """``cuarenta y dos``, ``menos siete``, ``dos tercios``, ``mil doscientos``: up to 999 999; None for anything else."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))
    words = plain.split()
    if not words or len(words) > 12:
        return None
    if words[0] == "menos":
        rest = number_word(" ".join(words[1:])) if len(words) > 1 else None
        return None if rest is None else -rest
    if len(words) >= 2 and words[-1].rstrip("s") in _PARTS:
        top = 1 if words[0] == "un" and len(words) == 2 else _whole(words[:-1])
        return None if top is None else Fraction(top, _PARTS[words[-1].rstrip("s")])
    whole = _whole(words)
    return None if whole is None else Fraction(whole)


def _whole(words: list[str]) -> int | None:
    if "mil" in words:
        at = words.index("mil")
        before = _hundreds(words[:at]) if at else 1
        after = _hundreds(words[at + 1 :]) if at + 1 < len(words) else 0
        return None if before is None or after is None or (at and before < 2) else 1000 * before + after
    return _hundreds(words)


def _hundreds(words: list[str]) -> int | None:
    if not words:
        return None
    total = 0
    if words[0].replace("as", "os") in _HUNDREDS:
        total = _HUNDREDS[words[0].replace("as", "os")]
        words = words[1:]
        if not words:
            return total if total != 100 else 100
    if len(words) == 1 and words[0] in _SMALL:
        return total + _SMALL[words[0]] if total == 0 or _SMALL[words[0]] else None
    if words[0] in _TENS:
        if len(words) == 1:
            return total + _TENS[words[0]]
        if len(words) == 3 and words[1] == "y" and 1 <= _SMALL.get(words[2], 0) <= 9:
            return total + _TENS[words[0]] + _SMALL[words[2]]
    return None
