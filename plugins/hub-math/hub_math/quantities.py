"""Units of measurement, currencies and counted nouns in Spanish: a text such as ``km/h`` or ``manzanas`` to a unit.

Knows names and scales, no values. A noun that is no unit counts things: ``3 manzanas``. Two nouns are certainly different only where
both are in the little dictionary of everyday things below; Spanish has too many words for one thing (auto, coche, carro) to guess.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from hub_math.values import Unit

Agreement = Literal["same", "different", "unknown"]


@lru_cache(maxsize=512)
def unit(text: str) -> Unit | None:
    """The unit that a whole text names, or None. Singular, plural, symbols, powers (``m^2``, ``m2``, ``metros cuadrados``), products and
    quotients (``km/h``, ``kilómetros por hora``), then nouns (``manzanas rojas``)."""
    text = text.strip().strip(".").strip()
    if not text or len(text) > 80:
        return None
    return _currency(text) or _measured(text) or _noun(text)


def agree(one: Unit, other: Unit) -> Agreement:
    """Do two units count or measure the same kind of thing? Says nothing about scale."""
    if "noun" in dict(one.dimensions) or "noun" in dict(other.dimensions):
        return _same_noun(one, other)
    if dict(one.dimensions).keys() == dict(other.dimensions).keys() == {"currency"}:
        if one.noun == other.noun:
            return "same"
        return "unknown" if _GENERIC_CURRENCY[one.noun] & _GENERIC_CURRENCY[other.noun] else "different"
    bases = {*dict(one.dimensions), *dict(other.dimensions)}
    if any(bases <= unclear for unclear in _UNCLEAR) and one.dimensions != other.dimensions:
        return "unknown"
    return "same" if one.dimensions == other.dimensions else "different"


def scale_word(text: str) -> tuple[int, str]:
    """The power of ten that a text begins with, and the rest: ``millones de pesos`` is 6, ``pesos``. 0 where there is none."""
    found = _SCALE_WORD.match(text)
    if found is None:
        return 0, text
    return (3 if found["word"] == "mil" else 6), text[found.end() :]


_SCALE_WORD = re.compile(r"(?P<word>mil(?:lón|lones)?|millon)(?:$|\s+(?:de\s+)?)", re.IGNORECASE)


_UNCLEAR = (
    frozenset(("currency", "cent")),  # of which currency?
    frozenset(("month", "time")),  # a month has 28 to 31 days
    frozenset(("pound", "mass")),  # a libra has 453.6, 460 or 500 g
    TEMPERATURES := frozenset(("celsius", "fahrenheit", "kelvin")),  # their zeros differ
)
"""Base quantities that one of another is or is not, depending on what is meant."""


# --- measurement ---------------------------------------------------------------------------------

_PREFIXES = {
    "n": ("nano", -9),
    "μ": ("micro", -6),
    "m": ("mili", -3),
    "c": ("centi", -2),
    "d": ("deci", -1),
    "da": ("deca", 1),
    "h": ("hecto", 2),
    "k": ("kilo", 3),
    "M": ("mega", 6),
    "G": ("giga", 9),
    "T": ("tera", 12),
}
_SCALABLE = {
    # symbol: names, base quantity, scale in base units (metre, gram, second, ...), prefixes in use
    "m": ("metro metros meter meters", {"length": 1}, Fraction(1), "nμmcdhk"),
    "g": ("gramo gramos gram grams", {"mass": 1}, Fraction(1), "μmcdhkM"),
    "L": ("litro litros liter liters", {"length": 3}, Fraction(1, 1000), "μmcdhk"),
    "s": ("segundo segundos second seconds", {"time": 1}, Fraction(1), "nμm"),
    "A": ("amperio amperios ampere amperes", {"current": 1}, Fraction(1), "μmk"),
    "N": ("newton newtons", {"length": 1, "mass": 1, "time": -2}, Fraction(1000), "mkM"),
    "J": ("julio julios joule joules", {"length": 2, "mass": 1, "time": -2}, Fraction(1000), "mkMG"),
    "W": ("vatio vatios watt watts", {"length": 2, "mass": 1, "time": -3}, Fraction(1000), "mkMG"),
    "V": ("voltio voltios volt volts", {"current": -1, "length": 2, "mass": 1, "time": -3}, Fraction(1000), "mkM"),
    "Pa": ("pascal pascales", {"length": -1, "mass": 1, "time": -2}, Fraction(1000), "hkMG"),
    "Hz": ("hercio hercios hertz", {"time": -1}, Fraction(1), "kMG"),
    "Ω": ("ohmio ohmios ohm ohms", {"current": -2, "length": 2, "mass": 1, "time": -3}, Fraction(1000), "mkM"),
    "mol": ("mol moles", {"amount": 1}, Fraction(1), "m"),
    "B": ("byte bytes", {"information": 1}, Fraction(8), "kMGT"),
    "bit": ("bit bits", {"information": 1}, Fraction(1), "kMG"),
    "cal": ("caloría calorías", {"length": 2, "mass": 1, "time": -2}, Fraction(4184), "k"),
}
_FIXED = {
    "h hs hr hrs hora horas hour hours": ({"time": 1}, Fraction(3600)),
    "min mins minuto minutos minute minutes": ({"time": 1}, Fraction(60)),
    "seg segs sec": ({"time": 1}, Fraction(1)),
    "día días dia dias day days": ({"time": 1}, Fraction(86400)),
    "semana semanas week weeks": ({"time": 1}, Fraction(7 * 86400)),
    "mes meses month months": ({"month": 1}, Fraction(1)),
    "año años year years": ({"month": 1}, Fraction(12)),
    "siglo siglos": ({"month": 1}, Fraction(1200)),
    "década décadas": ({"month": 1}, Fraction(120)),
    "t tonelada toneladas": ({"mass": 1}, Fraction(1_000_000)),
    "kilo kilos kgs": ({"mass": 1}, Fraction(1000)),
    "l lt lts": ({"length": 3}, Fraction(1, 1000)),
    "ml": ({"length": 3}, Fraction(1, 1_000_000)),
    "cl": ({"length": 3}, Fraction(1, 100_000)),
    "dl": ({"length": 3}, Fraction(1, 10_000)),
    "hl": ({"length": 3}, Fraction(1, 10)),
    "kl": ({"length": 3}, Fraction(1)),
    "cc": ({"length": 3}, Fraction(1, 1_000_000)),
    "ha hectárea hectáreas": ({"length": 2}, Fraction(10_000)),
    "mts mt": ({"length": 1}, Fraction(1)),
    "cms": ({"length": 1}, Fraction(1, 100)),
    "kms Km KM": ({"length": 1}, Fraction(1000)),
    "Kg KG": ({"mass": 1}, Fraction(1000)),
    "gr grs": ({"mass": 1}, Fraction(1)),
    "pulgada pulgadas inch inches": ({"length": 1}, Fraction(254, 10_000)),
    "pie pies foot feet ft": ({"length": 1}, Fraction(3048, 10_000)),
    "yarda yardas": ({"length": 1}, Fraction(9144, 10_000)),
    "milla millas mile miles": ({"length": 1}, Fraction(1_609_344, 1000)),
    "libra libras lb lbs": ({"pound": 1}, Fraction(1)),
    "onza onzas oz": ({"pound": 1}, Fraction(1, 16)),
    "rad radián radianes radian radians": ({"angle": 1}, Fraction(1)),
    "K kelvin": ({"kelvin": 1}, Fraction(1)),
    "kmh": ({"length": 1, "time": -1}, Fraction(1000, 3600)),
    "mph": ({"length": 1, "time": -1}, Fraction(1_609_344, 3_600_000)),
    "kWh": ({"length": 2, "mass": 1, "time": -2}, Fraction(3_600_000_000)),
    "atm": ({"length": -1, "mass": 1, "time": -2}, Fraction(101_325_000)),
    "docena docenas": ({"dozen": 1}, Fraction(1)),
}


def _table() -> dict[str, tuple[dict[str, int], Fraction]]:
    table: dict[str, tuple[dict[str, int], Fraction]] = {}
    for symbol, (names, dimensions, scale, prefixes) in _SCALABLE.items():
        for spelling in (symbol, *names.split()):
            table[spelling] = (dimensions, scale)
        for prefix in prefixes:
            word, power = _PREFIXES[prefix]
            table[prefix + symbol] = (dimensions, scale * Fraction(10) ** power)
            for name in names.split():
                table[word + name] = (dimensions, scale * Fraction(10) ** power)
    for spellings, (dimensions, scale) in _FIXED.items():
        for spelling in spellings.split():
            table[spelling] = (dimensions, scale)
    for accented in [name for name in table if "metro" in name or "litro" in name or "gramo" in name]:
        if len(accented) > 7:
            for plain, written in (
                ("kilom", "kilóm"),
                ("centím", "centím"),
                ("centim", "centím"),
                ("milim", "milím"),
                ("decim", "decím"),
                ("hectom", "hectóm"),
                ("decam", "decám"),
                ("nanom", "nanóm"),
                ("microm", "micróm"),
            ):
                table[accented.replace(plain, written)] = table[accented]
    table["dam"] = ({"length": 1}, Fraction(10))
    table["dag"] = ({"mass": 1}, Fraction(10))
    return table


_UNITS = _table()
_BY_LOWER = {name.lower(): name for name in _UNITS if len(name) > 2}
_ANGLES = {
    **dict.fromkeys(("°", "grado", "grados", "degree", "degrees"), Fraction(1, 180)),
    **dict.fromkeys(("vuelta", "vueltas", "revolución", "revoluciones"), Fraction(2)),
}
"""Name -> multiples of π."""
_TEMPERATURES = {
    "°c": "celsius",
    "grados celsius": "celsius",
    "grados centígrados": "celsius",
    "grado centígrado": "celsius",
    "°f": "fahrenheit",
    "grados fahrenheit": "fahrenheit",
}
_POWER_WORDS = {
    "cuadrado": 2,
    "cuadrados": 2,
    "cuadrada": 2,
    "cuadradas": 2,
    "cúbico": 3,
    "cúbicos": 3,
    "cúbica": 3,
    "cúbicas": 3,
    "square": 2,
}
_FACTOR = re.compile(
    r"(?P<name>[^\W\d_]+|°)(?:\^?\(?(?P<sign>-)?(?P<power>[1-4])\)?)?(?: (?P<word>cuadrad[oa]s?|cúbic[oa]s?))?"
    r"(?: al (?P<al>cuadrado|cubo))?"
)


def _measured(text: str) -> Unit | None:
    lower = re.sub(r"° +", "°", text.lower())
    if lower in _TEMPERATURES:
        return Unit(text, ((_TEMPERATURES[lower], 1),))
    if lower in _ANGLES:
        return Unit(text, (("angle", 1),), _ANGLES[lower], 1)
    if _UNITS_OF_LENGTH.fullmatch(lower):
        return Unit(text, (("noun", 1),), noun="unidad")
    written = re.sub(r"\s+(?:por|al|a la|per)\s+(?!cuadrado|cubo)|\s*/\s*", "/", text)
    written = re.sub(r"\s*\*\s*", "*", written)
    written = re.sub(r"\bde lado\b|\bde largo\b|\bde ancho\b|\bde alto\b|\bde altura\b|\bde longitud\b", "", written).strip()
    dimensions: dict[str, int] = {}
    scale = Fraction(1)
    for index, group in enumerate(written.split("/")):
        group = group.strip()
        if len(group) > 2 and group[0] == "(" and group[-1] == ")":
            group = group[1:-1]
        factors = re.split(r"[*](?!\s*$)", group) if "*" in group else _spaced_factors(group)
        for factor in factors:
            found = _FACTOR.fullmatch(factor.strip())
            if found is None:
                return None
            known = _lookup(found["name"])
            if known is None:
                return None
            power = int(found["power"] or 1) * (-1 if found["sign"] else 1)
            if found["word"]:
                power *= _POWER_WORDS[found["word"]]
            elif found["al"]:
                power *= 2 if found["al"] == "cuadrado" else 3
            if index:
                power = -power
            for base, exponent in known[0].items():
                dimensions[base] = dimensions.get(base, 0) + exponent * power
            scale *= known[1] ** power
    left = tuple(sorted((base, exponent) for base, exponent in dimensions.items() if exponent))
    return Unit(text, left, scale) if left else None


_UNITS_OF_LENGTH = re.compile(r"u\^?[23]?|u\.?d?s?\.?|unidades?(?: cuadradas| cúbicas)?|units?|square units|ul|uds?")


def _spaced_factors(group: str) -> list[str]:
    """``N m`` and ``m s^-1`` are products; ``metros cuadrados`` is one factor."""
    words = group.split()
    if len(words) > 1 and all(len(word) <= 4 for word in words) and "al" not in words:
        return words
    return [group]


def _lookup(name: str) -> tuple[dict[str, int], Fraction] | None:
    known = _UNITS.get(name)
    if known is None and len(name) > 2:
        known = _UNITS.get(_BY_LOWER.get(name.lower(), ""))
    if known is None and len(name) == 2 and name.isupper() and name.lower() in ("cm", "mm", "km", "kg", "ml"):
        known = _UNITS[name.lower()]
    return known


# --- currencies ----------------------------------------------------------------------------------

_CURRENCIES = {
    "$": "$",
    "us$": "dólar",
    "u$s": "dólar",
    "usd": "dólar",
    "dólar": "dólar",
    "dólares": "dólar",
    "dolares": "dólar",
    "dollars": "dólar",
    "dollar": "dólar",
    "€": "euro",
    "eur": "euro",
    "euro": "euro",
    "euros": "euro",
    "£": "libra esterlina",
    "libras esterlinas": "libra esterlina",
    "¥": "yen",
    "yen": "yen",
    "yenes": "yen",
    "yuan": "yuan",
    "peso": "peso",
    "pesos": "peso",
    "ars": "peso argentino",
    "pesos argentinos": "peso argentino",
    "mxn": "peso mexicano",
    "pesos mexicanos": "peso mexicano",
    "clp": "peso chileno",
    "pesos chilenos": "peso chileno",
    "cop": "peso colombiano",
    "pesos colombianos": "peso colombiano",
    "uyu": "peso uruguayo",
    "sol": "sol",
    "soles": "sol",
    "pen": "sol",
    "s/": "sol",
    "s/.": "sol",
    "bolívares": "bolívar",
    "bolivianos": "boliviano",
    "guaraníes": "guaraní",
    "quetzales": "quetzal",
    "lempiras": "lempira",
    "colones": "colón",
    "crc": "colón",
    "balboas": "balboa",
    "córdobas": "córdoba",
    "centavo": "centavo",
    "centavos": "centavo",
    "céntimo": "céntimo",
    "céntimos": "céntimo",
    "¢": "centavo",
    "cents": "centavo",
}
_PESOS = frozenset(("peso argentino", "peso mexicano", "peso chileno", "peso colombiano", "peso uruguayo"))
_GENERIC_CURRENCY = {
    name: frozenset(
        {"dólar", "peso", "cent", *_PESOS}
        if name == "$"
        else {"peso", *_PESOS}
        if name == "peso"
        else {"cent"}
        if name in ("centavo", "céntimo")
        else {name}
    )
    for name in _CURRENCIES.values()
}
"""What a currency's name may stand for."""


def _currency(text: str) -> Unit | None:
    lower = text.lower()
    name = _CURRENCIES.get(lower)
    if name is None:
        per = re.fullmatch(r"(.+?)\s*(?:/|por|al|a la|cada|per|de)\s+.+", lower)  # dólares por día, euros de ganancia
        name = _CURRENCIES.get(per[1]) if per else None
        if name is None:
            return None
    return Unit(text, (("cent" if name in ("centavo", "céntimo") else "currency", 1),), noun=name)


# --- counted nouns -------------------------------------------------------------------------------

_NOUN = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+){0,7}")
_NOT_NOUNS = """
    y o u e es son no si sí pero porque que mas más menos por entre o igual solución soluciones existe hay ni and or is are not then
    sen cos tan log ln infinito infinitas mod módulo periódico millones millón mil cientos miles billones tercio tercios medio medios
    media cuarto cuartos quinto quintos décimos centésimos to if for
"""
_NO_NOUNS = frozenset(_NOT_NOUNS.split())


def _noun(text: str) -> Unit | None:
    lower = text.lower()
    if _NOUN.fullmatch(text) is None:
        return None
    words = lower.split()
    if words[0] in ("de", "del", "of") and len(words) > 1:
        words = words[1:]
    if words[0] in _NO_NOUNS or len(words[0]) < 3 or any(word in _STOPPERS for word in words):
        return None
    return Unit(text, (("noun", 1),), noun=singular(words[0]))


_STOPPERS = frozenset(
    ["es", "son", "no", "pero", "porque", "si", "que", "igual", "y", "o", "and", "or", "is", "are", "not", "menos", "más"]
)


def singular(word: str) -> str:
    """A rough stem: the singular of a Spanish or English noun without accents, so that plural and singular meet."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", word.lower().replace("ñ", "\0")) if not unicodedata.combining(sign))
    if plain.endswith("ces") and len(plain) > 4:
        plain = plain[:-3] + "z"
    elif plain.endswith("es") and len(plain) > 4 and plain[-3] in "rlndjzy":
        plain = plain[:-2]
    elif plain.endswith("s") and len(plain) > 3 and not plain.endswith("is"):
        plain = plain[:-1]
    return plain.replace("\0", "ñ")


def _same_noun(one: Unit, other: Unit) -> Agreement:
    if one.noun == other.noun:
        return "same"
    if "noun" not in dict(one.dimensions) or "noun" not in dict(other.dimensions):
        return "unknown"  # 3 kg and 3 manzanas: perhaps 3 kg de manzanas
    first, second = _THINGS.get(one.noun), _THINGS.get(other.noun)
    return "different" if first is not None and second is not None and first != second else "unknown"


_THING_WORDS = """
    manzana | pera | naranja mandarina | limón lima | plátano banana banano guineo cambur | uva | fresa frutilla | sandía patilla
    | durazno melocotón | cereza guinda | melón | piña ananá | mango | coco | tomate jitomate | papa patata | cebolla | zanahoria | lechuga
    | huevo blanquillo | pan | galleta galletita | pizza | perro perrito cachorro can | gato gatito | vaca toro res ternero
    | caballo yegua potro | oveja cordero | cerdo chancho cochino puerco | gallina pollo gallo | pato | conejo | pez pescado | pájaro ave
    | abeja | hormiga | araña | mosca | león | tigre | elefante | auto coche carro automóvil | bicicleta bici | avión | barco bote | tren
    | libro | cuaderno libreta | lápiz lapicero | silla | mesa | puerta | ventana | casa | árbol | flor rosa | globo | muñeca | moneda
    | camisa | zapato | pantalón | sombrero | botella | cuchara | reloj
"""
_THINGS = {singular(word): number for number, words in enumerate(_THING_WORDS.split("|")) for word in words.split()}
"""Everyday things by their stem -> number of the thing. Only things that nobody mistakes for one another."""


# --- quantities of several parts -----------------------------------------------------------------

COMPOUND = re.compile(
    r"(?P<n1>[0-9]+) ?(?P<u1>h|hs|hr|hrs|horas?|min|minutos?|días?|°|m|metros?|km|kg|semanas?|años?)[ ,]*(?:y )?"
    r"(?P<n2>[0-9]+(?:[.,][0-9]+)?) ?(?P<u2>min|minutos?|s|seg|segundos?|horas?|h|cm|centímetros?|m|g|gramos?|días?|mes|meses|')"
    r"(?:[ ,]*(?:y )?(?P<n3>[0-9]+(?:[.,][0-9]+)?) ?(?P<u3>s|seg|segundos?|min|minutos?|''))?"
)


def compound(text: str) -> tuple[Fraction, Unit] | None:
    """``2 h 30 min`` as 150 of its smallest unit; None for anything else."""
    found = COMPOUND.fullmatch(text.strip())
    if found is None:
        return None
    parts: list[tuple[Fraction, Unit]] = []
    for number, name in ((found["n1"], found["u1"]), (found["n2"], found["u2"]), (found["n3"], found["u3"])):
        if number is None:
            continue
        if name in ("'", "''"):
            part: Unit | None = Unit(name, (("angle", 1),), Fraction(1, 180 * 60 ** len(name)), 1)
        else:
            part = unit(name)
        if part is None:
            return None
        parts.append((Fraction(number.replace(",", ".")), part))
    return _added(parts)


def _added(parts: list[tuple[Fraction, Unit]]) -> tuple[Fraction, Unit] | None:
    """The sum in the last unit, where each part is smaller than one of the part before."""
    total, last = parts[0]
    for amount, smaller in parts[1:]:
        if smaller.dimensions != last.dimensions or smaller.scale >= last.scale or amount >= last.scale / smaller.scale:
            return None
        total = total * last.scale / smaller.scale + amount
        last = smaller
    return total, last


def add_parts(parts: list[tuple[Fraction, Unit]]) -> tuple[Fraction, Unit] | None:
    """``2 horas`` and ``30 minutos`` as one quantity; None where they are two."""
    if len(parts) not in (2, 3) or parts[0][1].dimensions not in ((("time", 1),), (("angle", 1),), (("length", 1),), (("mass", 1),)):
        return None
    return _added(parts)
