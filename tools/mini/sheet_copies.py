"""Worksheets of copying: names and figures that come back letter by letter, beside other signs and far from where they stood.

Knows words and punctuation. Deliberately has no meaning: only what stands above decides what follows.
"""

from collections.abc import Callable
from random import Random

from .sheets import Lexicon, Part, Sheet, invented

FRAMES = (("(", ")"), ("", "():"), ('"', '"'), ("'", "'"), ("[", "]"), ("t.", ""), ("print(", ")"), ("", " = 0"), ("«", "»"), ("for x in ", ":"),
          ("SELECT ", ""), ("def ", "():"), ("", ","), ("- ", ""), ("<", ">"), ("return ", ""), ("FROM ", ";"), ("", "[0]"))  # fmt: skip


def copy_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """One or two exercises of copying."""
    sheet: Sheet = []
    for _ in range(rng.choice((1, 1, 2))):
        sheet += rng.choice(MAKERS)(rng, lexicon)
    return [part for part in sheet if part.text]


def item(rng: Random, lexicon: Lexicon) -> str:
    """A word, an identifier, an invented word or a number."""
    draw = rng.random()
    if draw < 0.35:
        return lexicon.word(rng)
    if draw < 0.7:
        return lexicon.name(rng)
    return invented(rng) if draw < 0.85 else str(rng.randrange(10 ** rng.randrange(1, 5)))


def _items(rng: Random, lexicon: Lexicon, fewest: int, most: int) -> list[str]:
    return list(dict.fromkeys(item(rng, lexicon) for _ in range(rng.randrange(fewest, most + 1))))


def framed(rng: Random, lexicon: Lexicon) -> Sheet:
    """Each name again beside other signs: after a bracket, a blank, a quotation mark."""
    names = _items(rng, lexicon, 4, 9)
    (a, b), (c, d) = rng.sample(FRAMES, 2)
    sheet: Sheet = []
    for name in names:
        sheet += [Part(f"{a}{name}{b}", False), Part(f" -> {c}{name}{d}\n", True)]
    return sheet


def twice(rng: Random, lexicon: Lexicon) -> Sheet:
    """A list, then the same list in another punctuation."""
    names = _items(rng, lexicon, 4, 12)
    first, second = rng.sample((", ", "; ", "\n", " | ", " ", ",", " - "), 2)
    head = rng.choice(("Copia", "Otra vez", "Repite", "Igual"))
    return [Part(f"{first.join(names)}\n{head}:\n", False), Part(f"{second.join(names)}\n", True)]


def looked_up(rng: Random, lexicon: Lexicon) -> Sheet:
    """Keys with values, then some keys asked for in another order."""
    keys, values = _items(rng, lexicon, 4, 9), _items(rng, lexicon, 12, 14)
    sign, end = rng.choice(((": ", "\n"), (" = ", "\n"), (" -> ", "; "), (" es ", ". "), ("(", ")\n")))
    table = list(zip(keys, values, strict=False))
    sheet: Sheet = [Part("".join(f"{key}{sign}{value}{end}" for key, value in table) + "\n", False)]
    for key, value in rng.sample(table, len(table)):
        sheet += [Part(f"¿{key}? ", False), Part(f"{value}\n", True)]
    return sheet


def numbered(rng: Random, lexicon: Lexicon) -> Sheet:
    """A numbered list, then entries by number."""
    names = _items(rng, lexicon, 3, 8)
    sheet: Sheet = [Part("".join(f"{k}. {name}\n" for k, name in enumerate(names, 1)) + "\n", False)]
    for k in rng.sample(range(len(names)), len(names)):
        sheet += [Part(f"{rng.choice(('el', 'número', 'n.º'))} {k + 1}: ", False), Part(f"{names[k]}\n", True)]
    return sheet


def chosen(rng: Random, lexicon: Lexicon) -> Sheet:
    """A record of columns, then some of them in the order in which they are named."""
    table, columns = lexicon.word(rng), _items(rng, lexicon, 3, 7)
    sheet: Sheet = [Part(f"{table}({', '.join(columns)})\n", False)]
    for _ in range(rng.choice((2, 3, 4))):
        some = rng.sample(columns, rng.randrange(1, min(4, len(columns)) + 1))
        asked = some[0] if len(some) == 1 else f"{', '.join(some[:-1])} y {some[-1]}"
        sheet += [Part(f"{asked} de {table}: ", False), Part(f"{', '.join(some)} FROM {table}\n", True)]
    return sheet


def sequence(rng: Random, lexicon: Lexicon) -> Sheet:
    """A list of numbers: its first, its last, its length, its order."""
    sheet: Sheet = []
    for _ in range(rng.choice((2, 3, 4))):
        values = [rng.randrange(rng.choice((10, 20, 100))) for _ in range(rng.randrange(3, 7))]
        limit = rng.choice(values)
        divisor = rng.choice((2, 2, 3, 4, 5))
        name = lexicon.word(rng)
        asked: list[tuple[str, object]] = [
            ("primero", values[0]),
            ("último", values[-1]),
            ("mayor", max(values)),
            ("menor", min(values)),
            ("cuántos", len(values)),
            ("al revés", values[::-1]),
            ("en orden", sorted(values)),
            (f"mayores que {limit}", [v for v in values if v > limit]),
            (f"menores que {limit}", [v for v in values if v < limit]),
            (f"múltiplos de {divisor}", [v for v in values if v % divisor == 0]),
            ("el doble de cada uno", [2 * v for v in values]),
            (f"posición de {limit}", values.index(limit)),
            ("suma", f"{' + '.join(map(str, values))} = {sum(values)}"),
        ]
        sheet.append(Part(f"{name} = {values}\n", False))
        for question, answer in rng.sample(asked, rng.choice((2, 3, 4))):
            sheet += [Part(f"{question}: ", False), Part(f"{answer}\n", True)]
    return sheet


def headers(rng: Random, lexicon: Lexicon) -> Sheet:
    """Functions asked for by name and parameters, with a body of one kind for the whole sheet, sometimes with a call."""
    sheet: Sheet = []
    fence, called = rng.random() < 0.3, rng.random() < 0.6
    body, before, after = rng.choice(BODIES)
    frame = rng.choice(HEADERS) if rng.random() < 0.5 else ""
    for _ in range(rng.randrange(3, 6)):
        name = lexicon.name(rng) if rng.random() < 0.85 else lexicon.word(rng)
        first, second = lexicon.word(rng), lexicon.word(rng)
        parameters = first if rng.random() < 0.7 or first == second else f"{first}, {second}"
        signature = f"{name}({parameters})"
        asked = (frame or rng.choice(HEADERS)).format(signature=signature, name=name, parameters=parameters)
        opening, closing = ("```python\n", "```\n") if fence else ("", "")
        told = f"{opening}def {signature}:\n{body.format(first)}\n"
        sheet.append(Part(f"{asked}\n", False))
        if called:
            values = ", ".join(str([rng.randrange(20) for _ in range(rng.randrange(1, 4))]) for _ in parameters.split(", "))
            sheet += [Part(f"{told}\n{before.format(name)}", True), Part(values, False), Part(f"{after}\n{closing}", True)]
        else:
            sheet.append(Part(f"{told}{closing}", True))
    return sheet


HEADERS = (
    "Escribe {signature}.",
    "Define {signature}",
    "Necesito una función {signature}.",
    "una función {name} que recibe {parameters}",
    "cómo hago {signature}",
    "Se llama {name} y recibe {parameters}.",
    "# {signature}",
    "Programa {name}({parameters}):",
    "quiero {signature} en python",
    "función: {name}; parámetros: {parameters}",
)
"""ways to ask for a function"""
BODIES = (
    ("    return {0}", "print({0}(", "))"),
    ("    return len({0})", "print({0}(", "))"),
    ("    total = len({0})\n    return total", "print({0}(", "))"),
    ("    if not {0}:\n        return 0\n    return {0}[0]", "print({0}(", "))"),
    ("    for x in {0}:\n        print(x)", "{0}(", ")"),
    ("    for n in {0}:\n        print(n)", "{0}(", ")"),
)
"""bodies over the first parameter, and what stands before and after the arguments of a call"""
MAKERS: tuple[Callable[[Random, Lexicon], Sheet], ...] = (
    framed, framed, twice, looked_up, numbered, chosen, sequence, sequence, headers, headers, headers, headers, headers,
)  # fmt: skip
