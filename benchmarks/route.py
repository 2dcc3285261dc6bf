"""How often the router finds the right tutor, beside three simpler ways, on the same questions in one run.

Questions: the held-out rows of the shipped tutors (none of the four ways looks at them before), later turns of the held-out
conversations with their tutor at hand, word problems in Spanish that somebody else wrote (MGSM, where ``../shared/data`` has them),
and questions of nobody's subject, which are to be left open. Ways: the most frequent tutor; the tutor whose title, description and
topics share most words with the question; the tutor of the most similar training question (Jaccard similarity of words); the router.
The first and the third always answer. Prints a table and one JSON line. Run: ``python benchmarks/route.py``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters_hub.languages import STOP_WORDS
from adapters_hub.near_duplicates import words_of
from adapters_hub.plugins import Plugins, load_plugins
from adapters_hub.router import Router, held_out_questions
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Tutor
from adapters_hub.workspace import find_workspace

ROOT = Path(__file__).resolve().parent.parent
TUTORS = ("algoritmos", "matematicas", "sql")
WORD_PROBLEMS = ROOT.parent / "shared/data/math/mgsm_es_even.jsonl"
NOBODYS = """\
¿Cuál es la capital de Francia?
¿Quién escribió Cien años de soledad?
explícame la fotosíntesis para mi tarea de biología
¿Cómo se conjuga el verbo ir en pretérito?
hazme un poema sobre la luna
¿Qué comieron los aztecas?
recomiéndame una película de terror
me siento solo y no sé con quién hablar
¿Por qué el cielo es azul?
¿Qué pasó en la guerra de Vietnam?
cómo hago arroz con pollo
¿Cuántos huesos tiene el cuerpo humano?
traduce esta frase al francés: me gusta el café
¿Cuál es la diferencia entre mitosis y meiosis?
quién es el presidente de Argentina
¿Cómo le pido a mi jefe un aumento?
dame ideas para el cumpleaños de mi hermana
¿Qué significa el nombre Valentina?
¿Me ayudas con un resumen de Don Quijote?
¿Cuáles son los planetas del sistema solar?
¿Qué es la inflación y por qué suben los precios?
¿Cuál es el mejor celular para tomar fotos?
tengo dolor de cabeza, ¿qué tomo?
¿Cómo llego al aeropuerto desde el centro?
¿Quién pintó La última cena?
cuéntame un chiste
¿Cómo funciona el motor de un carro?
¿Qué es el ADN?
necesito redactar una carta de renuncia
¿A qué hora juega la selección mañana?
¿Cuál es la tercera ley de Newton?
¿Qué es un sustantivo propio?
¿Qué países forman Centroamérica?
¿Cómo se dice 'gracias' en japonés?
¿Es verdad que los gatos tienen siete vidas?
¿Qué es una metáfora? dame ejemplos
¿cuándo fue la Revolución francesa y qué consecuencias tuvo?
hazme un plan de entrenamiento para correr 10 km
¿Cómo cuido una planta de interior?
¿Qué vitaminas tiene la naranja?"""

Question = tuple[str | None, str, str | None]
"""Whose it is, what is asked, who has the word."""
Way = Callable[[str, str | None], str | None]


@dataclass(frozen=True)
class Figures:
    """How one way did on one set of questions."""

    right: float
    """Share of the answered questions that went to the right tutor."""
    left_open: float
    milliseconds: float


def main() -> None:
    folder = find_workspace(ROOT, environ={})
    tutors = [read_tutor(folder.folder / name, folder, environ={}) for name in TUTORS]
    plugins = load_plugins()
    sets = questions(tutors, plugins)
    begun = time.perf_counter()
    router = Router.of(tutors, plugins)
    seconds = time.perf_counter() - begun
    ways: dict[str, Way] = {
        "most frequent tutor": most_frequent(tutors, plugins),
        "words of the description": by_description(tutors, plugins),
        "nearest training question": by_nearest(tutors, plugins),
        "router": lambda question, present: router.route(question, present).tutor,
    }
    results = {way: {name: measured(route, rows) for name, rows in sets.items()} for way, route in ways.items()}
    report(results, sets, seconds)


def questions(tutors: Sequence[Tutor], plugins: Plugins) -> dict[str, list[Question]]:
    """Every set of questions by its name."""
    rows, _ = held_out_questions(tutors, plugins)
    asked = [(name, [turn.content for turn in row.messages if turn.role == "user"]) for name, row in rows]
    sets: dict[str, list[Question]] = {
        "held-out": [(name, turns[0], None) for name, turns in asked],
        "later turns": [(name, turn, name) for name, turns in asked for turn in turns[1:]],
        "nobody's": [(None, line, None) for line in NOBODYS.splitlines()],
    }
    if WORD_PROBLEMS.is_file():
        lines = WORD_PROBLEMS.read_text(encoding="utf-8").splitlines()
        sets["word problems"] = [("matematicas", json.loads(line)["es"], None) for line in lines]
    return sets


def measured(route: Way, rows: Sequence[Question]) -> Figures:
    right = left_open = 0
    seconds = []
    for tutor, question, present in rows:
        begun = time.perf_counter()
        found = route(question, present)
        seconds.append(time.perf_counter() - begun)
        left_open += found is None
        right += found is not None and found == tutor
    answered = len(rows) - left_open
    return Figures(right / answered if answered else 0.0, left_open / len(rows), 1000 * statistics.median(seconds))


# --- the simpler ways ----------------------------------------------------------------------------


def most_frequent(tutors: Sequence[Tutor], plugins: Plugins) -> Way:
    largest = max(tutors, key=lambda tutor: len(plugins.read_dataset(tutor.folder / tutor.dataset.train)))
    return lambda question, present: largest.name


def by_description(tutors: Sequence[Tutor], plugins: Plugins) -> Way:
    """Shared words with title, description and topics; open where two share as many."""
    known = {}
    for tutor in tutors:
        topics = {tag for row in plugins.read_dataset(tutor.folder / tutor.dataset.train) for tag in row.tags}
        words = words_of(" ".join((tutor.name, tutor.title, tutor.description, *topics)).replace("_", " "))
        known[tutor.name] = frozenset(words) - STOP_WORDS["es"]

    def route(question: str, present: str | None) -> str | None:
        asked = frozenset(words_of(question))
        shared = Counter({name: len(asked & words) for name, words in known.items()}).most_common(2)
        return shared[0][0] if shared[0][1] > shared[1][1] else present

    return route


def by_nearest(tutors: Sequence[Tutor], plugins: Plugins) -> Way:
    """The tutor of the training question with the most similar words."""
    rows = []
    for tutor in tutors:
        for row in plugins.read_dataset(tutor.folder / tutor.dataset.train):
            question = next(turn.content for turn in row.messages if turn.role == "user")
            rows.append((frozenset(words_of(question)), tutor.name))

    def route(question: str, present: str | None) -> str | None:
        asked = frozenset(words_of(question))
        return max(rows, key=lambda row: len(asked & row[0]) / max(1, len(asked | row[0])))[1]

    return route


# --- the report ----------------------------------------------------------------------------------


def report(results: dict[str, dict[str, Figures]], sets: dict[str, list[Question]], seconds: float) -> None:
    print(f"{'':27}" + "".join(f"{f'{name} ({len(rows)})':>24}" for name, rows in sets.items()) + f"{'ms':>8}")
    print(f"{'':27}" + "".join(f"{'right / left open':>24}" for _ in sets))
    for way, figures in results.items():
        cells = [f"{f'{100 * each.right:.1f} % / {100 * each.left_open:.1f} %':>24}" for each in figures.values()]
        print(f"{way:27}" + "".join(cells) + f"{figures['held-out'].milliseconds:>8.2f}")
    print(f"\nthe router was built in {seconds:.2f} s; of nobody's questions the best that can be done is to leave them all open")
    document = {way: {name: vars(each) for name, each in figures.items()} for way, figures in results.items()}
    print(json.dumps({"benchmark": "route", "build_seconds": seconds, "ways": document}))


if __name__ == "__main__":
    main()
