"""One question with its answer, and the small pieces of Spanish that every subject shares.

Knows words. Deliberately knows no subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Exchange:
    """A user turn and the assistant turn that answers it."""

    question: str
    """what the user writes"""
    answer: str
    """what the assistant answers, complete"""


NAMES = ("Ana", "Luis", "Marta", "Diego", "Sofía", "Juan", "Lucía", "Pedro", "Camila", "Andrés", "Valentina", "Mateo", "Rosa", "Carlos",
         "Elena", "Tomás", "Julia", "Miguel", "Paula", "Javier", "Inés", "Bruno", "Carla", "Nicolás")  # fmt: skip
ASK = ("", "", "", "", "Hola, ", "Una pregunta: ", "Por favor, ", "Oye, ", "Tengo una duda: ", "Ayúdame con esto: ", "Buenas, ")
CLOSE = (
    "",
    "",
    "",
    "",
    "",
    " ¿Quieres probar con otro?",
    " ¿Se entiende?",
    " ¿Te animas con otro?",
    " Si algo no queda claro, dime.",
    " ¿Lo intentas tú ahora?",
)


def ask(rng: Random, question: str) -> str:
    """The question as some people would type it: with or without a greeting, opening signs and capital letters."""
    opening = rng.choice(ASK)
    if opening:
        start = 1 if question[0] in "¿¡" else 0
        if question[start + 1 : start + 2].islower() and not question.startswith(NAMES):  # not SELECT, not BFS
            question = question[:start] + question[start].lower() + question[start + 1 :]
        question = opening + question
    if rng.random() < 0.15:
        question = question.replace("¿", "").replace("¡", "")
    if rng.random() < 0.1:
        question = question.rstrip("?.!")
    if rng.random() < 0.1 and not question.startswith(NAMES):
        question = question[0].lower() + question[1:]
    return question


def close(rng: Random, answer: str) -> str:
    """The answer, sometimes as numbered lines, sometimes with a closing question."""
    sentences = answer.rstrip(".").split(". ")
    if len(sentences) > 1 and not answer.startswith("Paso") and rng.random() < 0.25:
        last = rng.choice(("Resultado: ", "Respuesta: ", "")) if len(sentences) > 2 and ":" not in sentences[-1].split(" ")[0] else ""
        lines = [f"Paso {k}: {sentence}." for k, sentence in enumerate(sentences, 1)]
        if last:
            lines[-1] = f"{last}{sentences[-1]}."
        answer = "\n".join(lines)
    return answer + rng.choice(CLOSE)


def listed(items: Sequence[object], last: str = "y") -> str:
    """'1, 2 y 3'"""
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def python_list(items: Sequence[object]) -> str:
    """'[1, 2, 3]'"""
    return "[" + ", ".join(str(item) for item in items) + "]"
