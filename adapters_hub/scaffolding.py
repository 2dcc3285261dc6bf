"""``hub new``: a tutor folder to start from, complete enough to be checked and trained as it stands.

Knows the files of a tutor folder and what stands in them at first; knows no terminal.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters_hub.errors import UsageError, from_os_error
from adapters_hub.workspace import HUB_FILE, Workspace, check_name, shown


@dataclass(frozen=True)
class Starter:
    """The texts of a new tutor in one language."""

    description: str
    system: str
    rows: tuple[tuple[str, str], ...]
    """Question and answer, for training."""
    held_out: tuple[tuple[str, str], ...]
    """The same for the held-out questions."""
    reason: str
    """What the sample validator says to the learner."""
    hint: str


def make_tutor(tutors_folder: Path, name: str, *, title: str = "", language: str = "es") -> Path:
    """Write the folder of a new tutor and return it.

    Raises UsageError for a bad name or a folder that exists, RightsError or ResourceError when it cannot be written."""
    folder = tutors_folder / check_name(name)
    if folder.exists():
        raise UsageError(f"{shown(folder)} exists already", hint=f"hub show {name}; or choose another name")
    fresh = tutors_folder / f".{name}.{secrets.token_hex(4)}"
    try:
        for path, text in _files(name, title or name.replace("_", " ").capitalize(), language).items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_text(text, encoding="utf-8", newline="\n")
        fresh.rename(folder)
    except OSError as error:
        raise from_os_error(error, f"write {shown(folder)}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # there is something only when it failed: no half tutors
    return folder


def make_workspace(folder: Path) -> Workspace:
    """Start a workspace: ``tutors/hub.toml`` in ``folder``."""
    file = folder / "tutors" / HUB_FILE
    fresh = file.parent / f".{HUB_FILE}.{secrets.token_hex(4)}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(HUB_TOML, encoding="utf-8", newline="\n")
        os.replace(fresh, file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise from_os_error(error, f"write {shown(file)}") from error
    return Workspace(file.parent, file)


def _files(name: str, title: str, language: str) -> Mapping[str, str]:
    starter = STARTERS[language]
    return {
        "tutor.toml": TUTOR_TOML.format(title=_quoted(title), language=language, description=_quoted(starter.description), name=name),
        "system.md": starter.system.format(title=title) + "\n",
        "data/train.jsonl": _jsonl(starter.rows),
        "data/eval.jsonl": _jsonl(starter.held_out),
        "validator.py": VALIDATOR.format(name=name, reason=_quoted(starter.reason), hint=_quoted(starter.hint)),
        "README.md": README.format(title=title, name=name),
    }


def _jsonl(rows: tuple[tuple[str, str], ...]) -> str:
    lines = []
    for question, answer in rows:
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return "".join(lines)


def _quoted(text: str) -> str:
    """A text as TOML and Python both write it."""
    return json.dumps(text, ensure_ascii=False)


# --- the texts -----------------------------------------------------------------------------------

HUB_TOML = """\
# The one base that all tutors share, and defaults for all of them. `hub config` shows every key.
[base]
model = "mini"    # or a Hub id, e.g. "Qwen/Qwen2.5-0.5B-Instruct", a folder, a .gguf file

[defaults.train]
learning_rate = 5e-3    # the small embedded base learns slowly; 2e-4 for a base of a billion parameters
batch_size = 4          # rows per step: with few rows, more steps teach more than larger ones
"""

TUTOR_TOML = """\
# Only what differs from hub.toml and the built-in values; `hub config {name} --origin` shows everything.
[tutor]
title = {title}
language = "{language}"
description = {description}

[validator]
use = ["text", "{name}"]    # the first that is certain decides; "{name}" is in validator.py

# [lora]
# rank = 16                 # larger: learns more, needs more memory

# [train]
# epochs = 3.0

# [chat]
# temperature = 0.3         # 0: always the likeliest answer
"""

VALIDATOR = '''\
"""Judges this tutor's answers. Written like any plugin: move it to a package of its own when other tutors need it."""

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl


class Expected:
    """Right when the answer holds the row's "expected" text; cannot tell without one."""

    def judge(self, attempt: Attempt) -> Verdict:
        if attempt.expected is None:
            return Verdict("unverified", code="no_expected")
        if str(attempt.expected).casefold() in attempt.answer.casefold():
            return Verdict("correct", 1.0)
        return Verdict("incorrect", code="not_found", reason={reason}, hint={hint})


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("{name}", "the answer holds what the row expects", lambda options: Expected())]
'''

README = """\
# {title}

What it teaches, for whom, and in which language.

- `system.md`: how the tutor behaves.
- `data/train.jsonl`: one conversation a line. Say here where the rows come from and under which licence.
- `data/eval.jsonl`: questions it is measured with and never trained on; an `"expected"` text lets the validator judge.
- `validator.py`: judges answers.

```
hub check {name}
hub train {name}
hub chat {name}
```
"""

SPANISH = Starter(
    description="Un tutor que explica paso a paso.",
    system=(
        "Eres {title}, un tutor paciente que enseña en español. Explica paso a paso, con palabras sencillas y un ejemplo corto. "
        "Si no sabes algo, dilo. Termina con una pregunta que ayude a seguir."
    ),
    rows=(
        ("¿Quién eres?", "Soy tu tutor. Explico los temas paso a paso y con ejemplos cortos. ¿Por dónde quieres empezar?"),
        (
            "¿Qué es una fracción?",
            "Una fracción dice cuántas partes iguales tomamos de un todo. En 3/4 el todo tiene 4 partes y tomamos 3. ¿Qué parte queda?",
        ),
        (
            "¿Cómo se calcula el área de un rectángulo?",
            "Se multiplica la base por la altura. Con base 5 y altura 3, el área es 5 · 3 = 15. ¿Y si la altura fuera 4?",
        ),
        ("¿Qué es un número primo?", "Es un número mayor que 1 que solo se divide por 1 y por sí mismo, como 7. ¿Es primo el 9?"),
        (
            "¿Para qué sirve una variable?",
            "Una variable guarda un valor con un nombre para usarlo después, como una caja con etiqueta. ¿Qué nombre le darías a tu edad?",
        ),
        (
            "¿Qué es un verbo?",
            "Es la palabra que dice qué se hace o qué pasa: en «Ana corre», el verbo es «corre». ¿Cuál es el verbo en «Luis lee»?",
        ),
        (
            "¿Por qué llueve?",
            "El agua se evapora, sube, se enfría y forma nubes; cuando las gotas pesan demasiado, caen. ¿Qué pasa si hace mucho frío?",
        ),
        (
            "¿Cómo estudio para un examen?",
            "Divide el tema en partes, explica cada una con tus palabras y resuelve un ejercicio de cada parte. ¿Cuál te cuesta más?",
        ),
        (
            "No entiendo los porcentajes.",
            "Un porcentaje son partes de cada cien: el 20 % de 50 son 20 de cada 100, es decir, 10. ¿Cuánto es el 10 % de 80?",
        ),
        (
            "¿Puedes darme solo la respuesta?",
            "Prefiero ayudarte a encontrarla: dime qué has probado y seguimos desde ahí. ¿Cuál fue tu primer paso?",
        ),
        (
            "¿Qué es la fotosíntesis?",
            "Es la forma en que las plantas fabrican su alimento con luz, agua y aire, y devuelven oxígeno. ¿De dónde sale la luz?",
        ),
        ("Gracias por tu ayuda.", "De nada. Repasar mañana lo de hoy ayuda mucho a recordarlo. ¿Qué tema quieres ver la próxima vez?"),
    ),
    held_out=(
        ("¿Qué es un número par?", "Es un número que se divide entre 2 sin que sobre nada, como 8. ¿Es par el 11?"),
        (
            "¿Cómo se calcula el perímetro de un cuadrado?",
            "Se suman sus cuatro lados iguales: con lado 3, el perímetro es 4 · 3 = 12. ¿Y con lado 5?",
        ),
        (
            "¿Qué es un sinónimo?",
            "Es una palabra que significa casi lo mismo que otra, como «bonito» y «lindo». ¿Qué sinónimo conoces de «rápido»?",
        ),
    ),
    reason="La respuesta no contiene lo que se esperaba.",
    hint="Revisa el resultado y responde de nuevo.",
)

ENGLISH = Starter(
    description="A tutor that explains step by step.",
    system=(
        "You are {title}, a patient tutor who teaches in English. Explain step by step, in simple words and with a short example. "
        "Say so when you do not know. End with a question that helps to go on."
    ),
    rows=(
        ("Who are you?", "I am your tutor. I explain things step by step, with short examples. Where would you like to start?"),
        (
            "What is a fraction?",
            "A fraction says how many equal parts of a whole we take. In 3/4 the whole has 4 parts and we take 3. How much is left?",
        ),
        (
            "How do I find the area of a rectangle?",
            "Multiply the base by the height. With base 5 and height 3 the area is 5 · 3 = 15. What if the height were 4?",
        ),
        ("What is a prime number?", "It is a number above 1 that only 1 and the number itself divide, such as 7. Is 9 a prime?"),
        (
            "What is a variable for?",
            "A variable keeps a value under a name so that you can use it later, like a box with a label. What would you call your age?",
        ),
        (
            "What is a verb?",
            "It is the word that says what somebody does: in 'Ana runs' the verb is 'runs'. Which one is it in 'Luis reads'?",
        ),
        (
            "Why does it rain?",
            "Water evaporates, rises, cools and makes clouds; when the drops are too heavy they fall. What happens when it is very cold?",
        ),
        (
            "How do I study for an exam?",
            "Split the subject into parts, explain each in your own words and solve one exercise of each. Which one is the hardest?",
        ),
        (
            "I do not understand percentages.",
            "A percentage counts parts of a hundred: 20 % of 50 is 20 in every 100, which is 10. How much is 10 % of 80?",
        ),
        (
            "Can you just tell me the answer?",
            "I would rather help you to find it: tell me what you tried and we go on from there. What was your first step?",
        ),
        (
            "What is photosynthesis?",
            "It is how plants make their food from light, water and air, and give back oxygen. Where does the light come from?",
        ),
        (
            "Thank you for your help.",
            "You are welcome. Going over it again tomorrow helps you to remember. What shall we look at next time?",
        ),
    ),
    held_out=(
        ("What is an even number?", "It is a number that 2 divides with nothing left over, such as 8. Is 11 even?"),
        ("How do I find the perimeter of a square?", "Add its four equal sides: with side 3 the perimeter is 4 · 3 = 12. And with side 5?"),
        (
            "What is a synonym?",
            "It is a word that means nearly the same as another, like 'pretty' and 'lovely'. Do you know one for 'fast'?",
        ),
    ),
    reason="The answer does not hold what was expected.",
    hint="Check the result and answer again.",
)

STARTERS: Mapping[str, Starter] = {"es": SPANISH, "en": ENGLISH}
LANGUAGES = tuple(STARTERS)
