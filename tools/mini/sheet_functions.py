"""Worksheets of small Python functions: name and parameters are those of the request, the body is put together from its wording.

Knows how exercises are stated and solved, and how a sheet lays them out. Deliberately knows nothing of chat formats, tokens or tutors.
"""

import re
from dataclasses import dataclass
from random import Random

from .corpus import plain
from .function_tasks import FORBIDDEN, Task, draw_task
from .sheets import Lexicon, Part, Sheet

LIMIT = 1290
"""characters of a sheet"""
EXERCISE_LIMIT = 560
"""characters of one exercise, so that two always fit"""

VERB_TEXT = """
contar/cuente/cuenta/cuenta, sumar/sume/suma/suma, decir/diga/dice/di, devolver/devuelva/devuelve/devuelve
calcular/calcule/calcula/calcula, filtrar/filtre/filtra/filtra, quedarse/se quede/se queda/quédate, quitar/quite/quita/quita
eliminar/elimine/elimina/elimina, buscar/busque/busca/busca, obtener/obtenga/obtiene/obtén, indicar/indique/indica/indica
comprobar/compruebe/comprueba/comprueba, multiplicar/multiplique/multiplica/multiplica, hallar/halle/halla/halla, armar/arme/arma/arma
guardar/guarde/guarda/guarda, separar/separe/separa/separa, cambiar/cambie/cambia/cambia, ordenar/ordene/ordena/ordena
invertir/invierta/invierte/invierte, unir/una/une/une, rotar/rote/rota/rota, dividir/divida/divide/divide
promediar/promedie/promedia/promedia
"""
VERBS = {verb: forms for verb, *forms in (item.split("/") for item in re.split(r",\s|\n", VERB_TEXT.strip()))}
"""infinitive: subjunctive, indicative, imperative"""
KINDS = {
    "nums": ("una lista", "la lista", "una lista de números", "los números"),
    "words": ("una lista", "la lista", "una lista de palabras", "las palabras"),
    "n": ("un número", "un entero", "el número"),
    "text": ("un texto", "una cadena", "el texto", "una palabra"),
    "matrix": ("una matriz", "la matriz", "una lista de listas"),
    "graph": ("un grafo", "el grafo", "un diccionario de vecinos"),
    "any": ("", "el dato"),
}
"""how a parameter is spoken of"""

FRAMES = (
    "Escribe una función llamada {name} que reciba {described} y {subj}.",
    "Escribe la función {sig} que {subj}.",
    "Haz una función {sig} que {subj}.",
    "Define {sig}, que {ind}.",
    "{sig}: {inf}.",
    "{sig}: {ind}",
    "{sig} -> {ind}",
    "Necesito {sig} para {inf}.",
    "¿Cómo escribo {sig} para {inf}?",
    "¿Cómo se hace una función {name} que recibe {described} y {ind}?",
    "Función {name}. Parámetros: {bare}. {Imp}.",
    "{Imp}. La función se llama {name} y recibe {described}.",
    "{Imp}: función {name}, parámetros {bare}.",
    "Quiero {inf} con una función {sig}.",
    "Me piden {sig}, que {subj}.",
    "Programa {name}, que recibe {described} y {ind}.",
    "Con def, crea {name}({bare}) para {inf}.",
    "Una función llamada {name} que recibe {described} y {ind}.",
    "Se pide {name}; recibe {described}. Debe {inf}.",
    "¿Me ayudas con {sig}? Tiene que {inf}.",
    "| {sig} | {inf} |",
    "# {sig}: {ind}",
)
SAMPLES = ("Pruébala con {}.", "Úsala con {}.", "Muestra el resultado para {}.", "Ejemplo: {}.")
QUESTIONS = ("¿Qué muestra este código?", "¿Qué imprime?", "Di la salida:", "¿Cuál es el resultado?", "¿Qué sale por pantalla?")
RENAMINGS = (
    "Cambia el nombre a {}",
    "Llámala {}",
    "La misma función, con el nombre {}",
    "Renombra la función: ahora se llama {}",
    "Quiero que se llame {}",
)
SWAPS = ("Cambia el parámetro {} por {}", "En vez de {}, que el parámetro sea {}", "Renombra {} a {}")
HEADS = (
    "Solo la cabecera de {0}, con parámetros {1}.",
    "Empieza la función {0}({1}), con pass.",
    "Cabecera: {0}, recibe {1}",
    "Deja vacía {0}({1}).",
)
CALLS = (
    "Llama a {0} con {1} y muestra lo que da.",
    "Imprime {0} para {1}.",
    "¿Cómo muestro {0} con {1}?",
    "Muestra el resultado de {0} con {1}.",
)
RESULT_FORMS = ("Muestra {}", "Imprime {}", "Da {}", "Salida: {}", "Resultado: {}", "da {}", "-> {}", "# {}")


@dataclass(frozen=True)
class Look:
    """What all exercises of a sheet have in common."""

    fences: bool
    ticks: bool
    typed: bool
    """as students type"""
    frame: str
    """empty: each statement has its own"""
    result: str
    comment: bool
    """whether the result stands beside the call"""
    explain: float
    """share of solutions with a line that says why"""
    calls: float
    """share of solutions with a call"""


@dataclass(frozen=True)
class Exercise:
    """A statement and what answers it."""

    statement: str
    solution: tuple[Part, ...]
    names: tuple[str, ...]
    """identifiers that the statement gives and the solution must have"""
    task: Task

    @property
    def size(self) -> int:
        """Characters of both."""
        return len(self.statement) + sum(len(part.text) for part in self.solution)


def draw_look(rng: Random) -> Look:
    """The common look of a sheet's exercises."""
    return Look(
        fences=rng.random() < 0.5,
        ticks=rng.random() < 0.35,
        typed=rng.random() < 0.25,
        frame=rng.choice(FRAMES) if rng.random() < 0.4 else "",
        result=rng.choice(RESULT_FORMS),
        comment=rng.random() < 0.35,
        explain=rng.choice((0.0, 0.0, 0.3, 0.8)),
        calls=rng.choice((0.3, 0.6, 0.9)),
    )


# 1. Statements


def _statement(rng: Random, task: Task, look: Look, frame: str, tested: bool) -> str:
    verb, _, rest = task.wish.partition("|")
    subjunctive, indicative, imperative = VERBS[verb]
    quote = "`" if look.ticks else ""
    described = []
    for parameter, kind in zip(task.parameters, task.kinds, strict=True):
        noun = rng.choice(KINDS[kind]) if rng.random() < 0.6 else ""
        described.append(f"{noun} {quote}{parameter}{quote}".strip())
    text = frame.format(
        name=f"{quote}{task.name}{quote}",
        sig=f"{quote}{task.signature}{quote}",
        bare=", ".join(task.parameters),
        described=" y ".join(described),
        subj=f"{subjunctive} {rest}",
        ind=f"{indicative} {rest}",
        inf=f"{verb} {rest}",
        Imp=f"{imperative[0].upper()}{imperative[1:]} {rest}",
    )
    if tested:
        text = f"{text} {rng.choice(SAMPLES).format(' y '.join(task.arguments))}"
    text = text.replace("Quiero quedarse", "Quiero quedarme")
    return _as_typed(rng, text) if look.typed else text


def _as_typed(rng: Random, text: str) -> str:
    """As students type: without opening marks, capitals or accents."""
    text = text.replace("¿", "")
    if rng.random() < 0.7:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.7:
        text = "".join(letter if letter.isascii() or letter == "ñ" or not letter.isalpha() else plain(letter) for letter in text)
    return text.rstrip(".") if rng.random() < 0.5 else text


def _with_code(look: Look, heading: str, code: str) -> str:
    """A statement that shows some code."""
    return f"{heading}\n```python\n{code}```" if look.fences else f"{heading}\n{code.rstrip()}"


# 2. Exercises


def draw_exercise(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str] = frozenset()) -> Exercise:
    """An exercise whose function has none of the taken names."""
    while True:
        task = draw_task(rng, lexicon, taken)
        form = rng.random()
        if form < 0.12:
            exercise = _foretold(rng, look, task)
        elif form < 0.18 and len(task.code) < 220:
            exercise = _renamed(rng, lexicon, look, taken, task)
        elif form < 0.24:
            exercise = _fragment(rng, lexicon, look, taken, task)
        else:
            exercise = _written(rng, look, task)
        if exercise.size <= EXERCISE_LIMIT:
            return exercise


def _foretold(rng: Random, look: Look, task: Task) -> Exercise:
    """What does this code show?"""
    given = _with_code(look, rng.choice(QUESTIONS), f"{task.code}\n{task.call}\n")
    return Exercise(given, (Part(_result_lines(rng, look, task), True),), (), task)


def _renamed(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str], task: Task) -> Exercise:
    """The same code with another name for the function or a parameter."""
    used = taken | frozenset(re.findall(r"\w+", task.code))
    swap = rng.random() < 0.4
    old = task.parameters[0] if swap else task.name
    new = _fresh(rng, lexicon, used, word=swap)
    heading = rng.choice(SWAPS).format(old, new) if swap else rng.choice(RENAMINGS).format(new)
    code = re.sub(rf"\b{re.escape(old)}\b", new, task.code)
    return Exercise(_with_code(look, f"{heading}:", task.code), _fenced(look, Part(code, True)), (new,), task)


def _fragment(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str], task: Task) -> Exercise:
    """The head alone, or the call alone."""
    name = _fresh(rng, lexicon, taken | {task.name})
    if rng.random() < 0.5:
        parameters: list[str] = []
        for _ in range(rng.choice((1, 2, 2, 3, 3, 4))):
            parameters.append(_fresh(rng, lexicon, {*parameters, name}, word=True))
        listed = ", ".join(parameters)
        statement = rng.choice(HEADS).format(name, listed)
        return Exercise(statement, _fenced(look, Part(f"def {name}({listed}):\n    pass\n", True)), (name, *parameters), task)
    arguments = ", ".join(task.arguments)
    statement = rng.choice(CALLS).format(name, arguments)
    return Exercise(statement, _fenced(look, Part(f"print({name}({arguments}))\n", True)), (name,), task)


def _written(rng: Random, look: Look, task: Task) -> Exercise:
    """Write the function, perhaps with a call, its result and why it is so."""
    called = rng.random() < look.calls
    tested = called and rng.random() < 0.3
    statement = _statement(rng, task, look, look.frame or rng.choice(FRAMES), tested)
    why = [Part(f"{task.why}.\n", True)] if rng.random() < look.explain else []
    why_first = rng.random() < 0.5
    code, after = [Part(task.code, True)], []
    if called:
        code += [Part(f"\nprint({task.name}(", True), Part(", ".join(task.arguments), tested)]
        shown = _result_lines(rng, look, task)
        code.append(Part(f"))  # {task.result}\n" if look.comment else "))\n", True))
        after = [] if look.comment else [Part(shown, True)]
    solution = [*(why if why_first else []), *_fenced(look, *code), *after, *([] if why_first else why)]
    return Exercise(statement, tuple(solution), (task.name, *task.parameters), task)


def _fenced(look: Look, *parts: Part) -> tuple[Part, ...]:
    return (Part("```python\n", True), *parts, Part("```\n", True)) if look.fences else parts


def _result_lines(rng: Random, look: Look, task: Task) -> str:
    """The result, most times under the line that says how it comes about."""
    traced = rng.random() < 0.7 and task.trace
    line = look.result.format(task.result)
    return f"{task.trace[0].upper()}{task.trace[1:]}\n{line}\n" if traced and line[0] != "#" else f"{line}\n"


def _fresh(rng: Random, lexicon: Lexicon, used: set[str] | frozenset[str], word: bool = False) -> str:
    """A name that is not in use: of one word, or as functions have."""
    while True:
        name = lexicon.word(rng) if word else lexicon.name(rng)
        if name not in used and name not in FORBIDDEN:
            return name


# 3. Sheets


def function_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """A worksheet of two to five exercises on Python functions."""
    # 3.1 Exercises, as many as there is room for
    look = draw_look(rng)
    exercises: list[Exercise] = []
    room = LIMIT - 60
    taken: frozenset[str] = frozenset()
    wanted = rng.choice((2, 3, 3, 4, 4, 5))
    while len(exercises) < wanted or LIMIT - room < 260:
        exercise = draw_exercise(rng, lexicon, look, taken)
        size = exercise.size + 30
        if size > room:
            break
        room -= size
        exercises.append(exercise)
        taken |= {exercise.task.name, *exercise.names}
    # 3.2 Layout
    heading = rng.choice(("", "", "", "Ejercicios\n\n", "# Funciones\n\n", "## Práctica de Python\n\n"))
    layout = _gathered if rng.random() < 0.35 else _alternating
    parts = layout(rng, exercises)
    return _merged([Part(heading, False), *parts] if heading else parts)


def _alternating(rng: Random, exercises: list[Exercise]) -> list[Part]:
    """Each statement with its solution."""
    mark = rng.choice(("", "", "{}. ", "{}) ", "Ejercicio {}. ", "### ", "# ", "- "))
    answer = rng.choice(("", "", "", "Solución:\n", "R:\n"))
    parts: list[Part] = []
    for number, exercise in enumerate(exercises, 1):
        statement = exercise.statement
        crowded = mark in ("# ", "### ", "- ") and ("\n" in statement or statement[0] in "#|")
        opening = "" if crowded else mark.format(number)
        parts += [Part(f"{opening}{statement}\n", False), *([Part(answer, True)] if answer else []), *exercise.solution]
        if number < len(exercises):
            parts.append(Part("\n", True))
    return parts


def _gathered(rng: Random, exercises: list[Exercise]) -> list[Part]:
    """All the statements first, then the solutions by number."""
    mark = rng.choice(("{}. ", "{}) ", "({}) ", "Ejercicio {}: "))
    order = list(enumerate(exercises, 1))
    parts = [Part(f"{mark.format(number)}{exercise.statement}\n", False) for number, exercise in order]
    parts.append(Part(rng.choice(("\n", "\nSoluciones\n\n", "\nRespuestas:\n\n")), False))
    shuffled = rng.random() < 0.25
    if shuffled:
        rng.shuffle(order)
    for place, (number, exercise) in enumerate(order):
        parts += [Part(f"{mark.format(number).rstrip()}\n", not shuffled), *exercise.solution]
        if place < len(order) - 1:
            parts.append(Part("\n", True))
    return parts


def _merged(parts: list[Part]) -> Sheet:
    """The same text with neighbours of one sort in one part."""
    sheet: Sheet = []
    for part in parts:
        if sheet and sheet[-1].follows == part.follows:
            sheet[-1] = Part(sheet[-1].text + part.text, part.follows)
        else:
            sheet.append(part)
    return sheet
