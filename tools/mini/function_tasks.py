"""Functions to write: a name and parameters, a wish in Spanish, the code, arguments and the result that running gives.

Knows how conditions, maps and the catalogue turn into a function with names of its own. Deliberately knows nothing of statements, solutions
or sheets.
"""

import builtins
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from .conditions import ACTIONS, CONDITIONS, MAP_WISHES, MAPS
from .function_arguments import numbers, words
from .function_catalogue import CATALOGUE
from .sheets import Lexicon

LONGEST_CODE = 380
LONGEST_RESULT = 60
FORBIDDEN = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins)) | {"deque", "collections"}
"""what no function and no variable is called"""

NOUNS = {
    "nums": (("números", "número"), ("elementos", "elemento"), ("valores", "valor"), ("datos", "dato")),
    "words": (("palabras", "palabra"), ("textos", "texto"), ("nombres", "nombre")),
}
GENDERED = """
los/los/las, el/el/la, del/del/de la, un/un/una, Un/Un/Una, algun/algún/alguna, ningun/ningún/ninguna, todos/todos/todas
cuantos/cuántos/cuántas, primer/primer/primera, ultimo/último/última
"""
GENDERS = [tuple(word.split("/")) for word in GENDERED.strip().replace("\n", ", ").split(", ")]
"""placeholder, masculine, feminine"""
PARAMETERS = {
    "nums": ["lista", "numeros", "datos", "valores", "nums", "xs", "edades", "precios"],
    "words": ["palabras", "lista", "nombres", "textos"],
    "n": ["n", "k", "numero", "x", "limite", "m"],
    "text": ["texto", "palabra", "cadena", "s", "frase"],
    "matrix": ["matriz", "m", "tabla", "filas"],
    "graph": ["grafo", "g", "vecinos", "red"],
    "any": ["x", "dato", "valor", "inicio"],
}
"""usual names by kind"""
ELEMENTS = {"nums": ["n", "x", "v", "num", "e", "dato"], "words": ["p", "t", "w", "item", "s"]}
TOTALS = ["total", "suma", "acum", "res"]
COUNTS = ["total", "cuenta", "contador", "c"]
FINDS = ["res", "hallado", "mejor"]
RESULTS = ["resultado", "nueva", "salida", "res"]
MAPPINGS = ["conteo", "cuenta", "mapa"]
POSITIONS = ["i", "k", "pos"]


@dataclass(frozen=True)
class Task:
    """A function to write, with everything that is said about it."""

    name: str
    parameters: tuple[str, ...]
    kinds: tuple[str, ...]
    wish: str
    """'infinitive|rest'"""
    code: str
    """its definition"""
    pattern: str
    """its definition over placeholders and figures"""
    arguments: tuple[str, ...]
    """literals"""
    result: Any
    trace: str
    """how the result comes about; may be empty"""
    why: str

    @property
    def signature(self) -> str:
        """name(parameters)"""
        return f"{self.name}({', '.join(self.parameters)})"

    @property
    def call(self) -> str:
        """print(name(arguments))"""
        return f"print({self.name}({', '.join(self.arguments)}))"


def draw_task(rng: Random, lexicon: Lexicon, taken: frozenset[str] = frozenset()) -> Task:
    """A function to write whose name is none of the taken ones."""
    sort = rng.random()
    draw = _conditional if sort < 0.5 else _mapped if sort < 0.62 else _catalogued
    while True:
        task = draw(rng, lexicon, taken)
        if len(str(task.result)) <= LONGEST_RESULT and len(task.code) <= LONGEST_CODE:
            return task


# 1. The three sorts of tasks


def _conditional(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    # 1.1 A condition, its figures (one of them perhaps a parameter) and an action
    kind = "nums" if rng.random() < 0.72 else "words"
    condition = rng.choice(CONDITIONS[kind])
    action = rng.choice(ACTIONS)
    while kind not in action.kinds:
        action = rng.choice(ACTIONS)
    figures = _figures(rng, condition.test)
    settled = _settled(condition.test, figures)
    free = bool(re.search(r"\bK\b", condition.test)) and "J" not in condition.test and rng.random() < 0.25
    symbols = {**figures, "K": "Q"} if free else figures
    test, opposite = _settled(condition.test, symbols), _settled(condition.opposite, symbols)
    body = action.bodies[0] if rng.random() < 0.75 else rng.choice(action.bodies)
    # 1.2 With `or` inside, a condition that stands beside `and` needs brackets
    first = f"({test})" if "C and" in body and " or " in test else test
    body = re.sub(r"\bC\b", lambda _: first, body)
    body = re.sub(r"\bD\b", lambda _: opposite, body)
    kinds = (kind, "n") if free else (kind,)
    names = _identifiers(rng, lexicon, taken, body, kinds, f"{rng.choice(action.names)}_{condition.slug}")
    # 1.3 Wording
    said = {**figures, "K": names["Q"]} if free else figures
    phrase = rng.choice(condition.phrases).format(**said)
    grammar = _grammar(rng, kind, phrase, rng.choice(("", "", f" de {names['P']}", " de la lista")))
    wish = rng.choice(action.wishes).format(P=names["P"], **grammar)
    # 1.4 Arguments, result and how it comes about
    elements = _elements(rng, kind, settled, figures)
    met = [element for element in elements if _evaluated(settled)(element)]
    values = (elements, int(figures["K"])) if free else (elements,)
    trace = _trace(rng, action.trace, elements, met)
    return _made(names, kinds, wish, action.why.format(**grammar), body, values, trace)


def _mapped(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    # 1.1 A map, perhaps of some elements only, into a list or a sum
    kind = "nums" if rng.random() < 0.7 else "words"
    change, said, slug = rng.choice(MAPS[kind])
    adds = kind == "nums" and rng.random() < 0.35
    free = "{K}" in said and rng.random() < 0.35
    factor = rng.randint(2, 9)
    change = re.sub(r"\bK\b", "Q" if free else str(factor), change)
    # Python's // and % of a negative number are not the half and the last figure that people mean
    selectable = [c for c in CONDITIONS[kind] if c.slug != "negativos"] if re.search("//|%", change) else CONDITIONS[kind]
    condition = rng.choice(selectable) if rng.random() < 0.4 else None
    figures = _figures(rng, condition.test if condition else "")
    test = _settled(condition.test, figures) if condition else ""
    # 1.2 Body
    if rng.random() < 0.3:
        short = f"{change} for V in P" + (f" if {test}" if condition else "")
        body = f"    return sum({short})" if adds else f"    return [{short}]"
    else:
        start, gather, end = ("A = 0", f"A += {change}", "return A") if adds else ("B = []", f"B.append({change})", "return B")
        inside = f"        if {test}:\n            {gather}" if condition else f"        {gather}"
        body = f"    {start}\n    for V in P:\n{inside}\n    {end}"
    kinds = (kind, "n") if free else (kind,)
    names = _identifiers(rng, lexicon, taken, body, kinds, f"suma_{slug}" if adds else slug)
    # 1.3 Wording
    phrase = rng.choice(condition.phrases).format(**figures) if condition else ""
    grammar = _grammar(rng, kind, phrase, rng.choice(("", f" de {names['P']}", " de la lista")))
    said = said.format(K=names["Q"] if free else factor)
    wish = rng.choice(MAP_WISHES["sum" if adds else "list"]).format(M=said, **grammar).replace("de el ", "del ")
    # 1.4 Arguments and steps
    if condition:
        elements = _elements(rng, kind, test, figures)
    else:
        elements = numbers(rng, -4 if "abs" in change else 1) if kind == "nums" else words(rng)
    met = [element for element in elements if not condition or _evaluated(test)(element)]
    images = [_evaluated(change)(element, factor) for element in met]
    if adds and len(images) > 1:
        trace = f"{_chained(images)} = {sum(images)}"
    else:
        trace = ", ".join(f"{element}: {image}" for element, image in zip(met, images, strict=True))
    values = (elements, factor) if free else (elements,)
    return _made(names, kinds, wish, f"De cada {grammar['NS']} se toma {said}", body, values, trace)


def _catalogued(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    known = rng.choice(CATALOGUE)
    body = known.bodies[0] if rng.random() < 0.7 else rng.choice(known.bodies)
    names = _identifiers(rng, lexicon, taken, body, known.kinds, rng.choice(known.names))
    why = re.sub(r"\bP\b", names["P"], known.why.format(**names))
    wish = rng.choice(known.wishes).format(**names)
    return _made(names, known.kinds, wish, why, body, known.draw(rng), before=known.before)


def _made(
    names: dict[str, str],
    kinds: tuple[str, ...],
    wish: str,
    why: str,
    body: str,
    values: tuple[Any, ...],
    trace: str = "",
    before: str = "",
) -> Task:
    placeholders = "PQ"[: len(kinds)]
    pattern = f"{before}def F({', '.join(placeholders)}):\n{body}\n"
    code = re.sub(r"\b[FPQVABI]\b", lambda found: names.get(found.group(), found.group()), pattern)
    literals = tuple(repr(value).replace("'", '"') for value in values)
    parameters = tuple(names[placeholder] for placeholder in placeholders)
    return Task(names["F"], parameters, kinds, wish, code, pattern, literals, _compiled(pattern)(*values), trace, why)


# 2. Running


@lru_cache(maxsize=30000)
def _compiled(source: str) -> Any:
    """The function F of a source over placeholders."""
    space: dict[str, Any] = {}
    exec(compile(source, "<sheet>", "exec"), space)
    return space["F"]


@lru_cache(maxsize=5000)
def _evaluated(expression: str) -> Callable[..., Any]:
    """An expression over V, and perhaps Q."""
    return eval(f"lambda V, Q=0: {expression}")  # type: ignore[no-any-return]


# 3. Figures and elements


def _figures(rng: Random, test: str) -> dict[str, str]:
    """Values of K, J and L for a condition or a map."""
    if "len(" in test:
        low = rng.randint(3, 5)
    elif "% K" in test:
        low = rng.randint(3, 7)
    elif "% 10 == K" in test:
        low = rng.randint(0, 9)
    else:
        low = rng.randint(2, 15) if rng.random() < 0.8 else rng.randint(16, 60)
    return {"K": str(low), "J": str(low + rng.randint(2, 9)), "L": rng.choice("aeoslrcmp")}


def _settled(text: str, figures: dict[str, str]) -> str:
    """An expression with its figures."""
    settled = re.sub(r"\b[KJ]\b", lambda found: figures[found.group()], text)
    return settled.replace('"L"', f'"{figures["L"]}"')


def _elements(rng: Random, kind: str, test: str, figures: dict[str, str]) -> list[Any]:
    """Elements of which some meet the condition and some do not, as a rule."""
    for _ in range(4):
        if kind == "words":
            drawn: list[Any] = words(rng)
        elif " 0" in test and "%" not in test:
            drawn = numbers(rng, -9, 9)
        elif "10 <=" in test:
            drawn = [rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randint(100, 300))) for _ in range(4)]
        elif "%" in test:
            drawn = numbers(rng, 1, 30)
        else:
            middle, size = int(figures["K"]), rng.choice((3, 4, 4, 5))
            drawn = [rng.randint(max(0, middle - 6), middle + 8) if rng.random() < 0.85 else middle for _ in range(size)]
        if 0 < sum(map(_evaluated(test), drawn)) < len(drawn):
            break
    return drawn


# 4. Names


def _identifiers(rng: Random, lexicon: Lexicon, taken: frozenset[str], body: str, kinds: tuple[str, ...], typical: str) -> dict[str, str]:
    """Names for F, for the parameters and for a body's placeholders, all different from each other and from what the body uses."""
    used = set(re.findall(r"[A-Za-z_]\w*", body)) | FORBIDDEN
    names: dict[str, str] = {}

    def settle(placeholder: str, draw: Callable[[], str]) -> None:
        name = draw()
        while name in used or (placeholder == "F" and name in taken):
            name = draw() if rng.random() < 0.7 else lexicon.word(rng)
        used.add(name)
        names[placeholder] = name

    def habitual(choices: list[str]) -> Callable[[], str]:
        return lambda: choices[0] if rng.random() < 0.6 else rng.choice(choices)

    # 4.1 What the request gives
    settle("F", lambda: lexicon.name(rng) if rng.random() < 0.75 else typical)
    for placeholder, kind in zip("PQ", kinds, strict=False):
        settle(placeholder, lambda kind=kind: lexicon.word(rng) if rng.random() < 0.7 else rng.choice(PARAMETERS[kind]))  # type: ignore[misc]
    # 4.2 What the body chooses
    placeholders = set(re.findall(r"\b[VABI]\b", body))
    if "V" in placeholders:
        if rng.random() < 0.2 and (single := _singular(names["P"])) and single not in used:
            used.add(single)
            names["V"] = single
        else:
            settle("V", habitual(ELEMENTS["words" if kinds[0] == "words" else "nums"]))
    if "A" in placeholders:
        settle("A", habitual(FINDS if re.search(r"A = (None|P\[0\])", body) else COUNTS if "A += 1" in body else TOTALS))
    if "B" in placeholders:
        settle("B", habitual(MAPPINGS if "B = {}" in body else RESULTS))
    if "I" in placeholders:
        settle("I", habitual(POSITIONS))
    return names


def _singular(word: str) -> str:
    """A guess at the singular of a plural: 'edades' -> 'edad'."""
    if re.search(r"[dlnr]es$", word) and len(word) > 5:
        return word[:-2]
    return word[:-1] if re.search(r"[ao]s$", word) and len(word) > 4 else ""


# 5. Wording


def _grammar(rng: Random, kind: str, phrase: str, tail: str) -> dict[str, str]:
    """Noun phrases for a condition; an empty phrase means every element."""
    plural, singular = rng.choice(NOUNS[kind])
    many, _, one = phrase.partition("/")
    feminine = plural == "palabras"

    def joined(noun: str, condition: str) -> str:
        if condition.startswith("que "):
            return f"{noun}{tail} {condition}"
        return f"{noun} {condition}{tail}" if condition else f"{noun}{tail}"

    verbs = {"que ": "", "con ": "tienen ", "sin ": "no tienen ", "no ": "no son "}
    verbs |= {start: f"están {start}" for start in ("por ", "entre ", "fuera ", "sobre ", "bajo ", "acabados ")}
    are = next((verb + many[len(start) :] for start, verb in verbs.items() if many.startswith(start)), f"son {many}")
    articles = {key: her if feminine else his for key, his, her in GENDERS}
    return {"NP": joined(plural, many), "NS": joined(singular, one or many), "N": plural, "n": singular, "ARE": are, **articles}


def _trace(rng: Random, form: str, elements: list[Any], met: list[Any]) -> str:
    """The way to the result in a line."""
    several = "n" if len(met) > 1 else ""
    if form == "fails":
        others = [element for element in elements if element not in met]
        return f"{others[0]} no cumple" if others else "todos cumplen"
    if not met:
        return "ninguno cumple"
    if form == "first":
        return f"{met[0]} cumple"
    if form == "position":
        return f"{met[0]} es el primero que cumple"
    if form == "last":
        return f"{met[-1]} es el último que cumple"
    if form in ("sum", "mean") and several:
        total = f"{_chained(met)} = {sum(met)}"
        return f"{total}, {sum(met)} / {len(met)} = {sum(met) / len(met)}" if form == "mean" else total
    if form == "product" and several:
        steps, product = [], met[0]
        for factor in met[1:]:
            steps.append(f"{product} * {factor} = {product * factor}")
            product *= factor
        return ", ".join(steps)
    if form == "removed":
        return f"sale{several} {_listed(met)}"
    if rng.random() < 0.35:
        return ", ".join(f"{element} {'sí' if element in met else 'no'}" for element in elements)
    return f"cumple{several} {_listed(met)}" + (f": {len(met)}" if form == "count" else "")


def _chained(terms: list[int]) -> str:
    """A sum: '3 + (-2)'."""
    return " + ".join(f"({term})" if term < 0 and place else str(term) for place, term in enumerate(terms))


def _listed(items: list[Any]) -> str:
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    joint = "e" if texts[-1].startswith(("i", "hi")) else "y"
    return f"{', '.join(texts[:-1])} {joint} {texts[-1]}"
