"""Write docs/quickstart.ipynb: the cells below, executed from top to bottom with the embedded base, outputs included.

    python tools/quickstart_notebook.py            # needs nbformat, nbclient and ipykernel; a minute on two CPU cores
    python tools/quickstart_notebook.py --sources  # only say whether the notebook holds these cells; exit code 1 where it does not

Nothing of this machine may stand in the outputs: what looks like a path of it is an error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
NOTEBOOK = REPOSITORY / "docs" / "quickstart.ipynb"
MOST = 100_000
"""Bytes."""
PATHS = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|usr|opt|Users|var|private)/")

TEXT, CODE = "markdown", "code"
CELLS: tuple[tuple[str, str], ...] = (
    (
        TEXT,
        """# adapters_hub desde Python

Un modelo de lenguaje en memoria, muchos tutores. Todo lo que hace la orden `hub` se puede hacer desde un cuaderno o un programa.
Este cuaderno usa el modelo incluido, `mini`: es de juguete, no necesita red ni tarjeta gráfica, y sus respuestas suelen estar mal.
Para clases de verdad, escribe otro modelo en `tutors/hub.toml`.""",
    ),
    (
        CODE,
        """import shutil
import tempfile
from pathlib import Path

import adapters_hub

# Una copia de los tutores, para no dejar entrenamientos de prueba en los de verdad.
raiz = next(carpeta for carpeta in (Path.cwd(), *Path.cwd().parents) if (carpeta / "tutors" / "hub.toml").is_file())
prueba = Path(tempfile.mkdtemp())
shutil.copytree(raiz / "tutors", prueba / "tutors", ignore=shutil.ignore_patterns("runs", ".hub"))

hub = adapters_hub.open_workspace(prueba / "tutors")
hub.tutors()""",
    ),
    (
        TEXT,
        """En un programa se escribe `with adapters_hub.open_workspace("tutors") as hub:`, y al final se cierra todo.
En un cuaderno es más cómodo abrir aquí y llamar a `hub.close()` en la última celda.

## Corregir una respuesta

El validador de cada tutor dice si una respuesta es correcta, incorrecta o si no lo puede comprobar, y por qué. No hace falta ningún modelo.""",
    ),
    (
        CODE,
        """pregunta = "¿Cuánto es 3/4 + 1/4?"
for respuesta in ("3/4 + 1/4 = 4/4. Resultado: 1.", "3/4 + 1/4 = 4/8. Resultado: 4/8."):
    veredicto = hub.judge("matematicas", pregunta, respuesta, expected="1")
    print(veredicto.outcome, "·", veredicto.reason)""",
    ),
    (
        TEXT,
        """## Entrenar

Unos pocos pasos bastan para ver cómo funciona. Dos tutores aprenden a la vez sobre el mismo modelo; `hub.train("sql")` entrena uno solo.
Las pérdidas están en nats por token: cuanto más bajas, mejor.""",
    ),
    (
        CODE,
        """sql, matematicas = hub.train_together(["sql", "matematicas"], max_steps=8, options={"dataset.validation": 0.03, "train.score_rows": 0})
for tutor in (sql, matematicas):
    antes, luego = tutor.held_out[0], tutor.held_out[tutor.best_step]
    print(f"{tutor.tutor}: pérdida {tutor.losses[0]:.2f} → {tutor.losses[-1]:.2f}; en filas apartadas {antes:.2f} → {luego:.2f}")""",
    ),
    (
        TEXT,
        """## Preguntar

La primera pregunta abre el modelo; las demás lo encuentran abierto. Cada pregunta nombra a su tutor, así que varios hilos pueden
preguntar a varios tutores a la vez.""",
    ),
    (
        CODE,
        """respuesta = hub.ask("sql", "¿Cómo cuento los estudiantes de cada ciudad?", temperature=0, max_new_tokens=80)
print(respuesta.text)
print()
print(respuesta.verdict.outcome, "·", respuesta.verdict.reason)""",
    ),
    (TEXT, "Palabra por palabra, y con la respuesta entera y su veredicto al final:"),
    (
        CODE,
        """corriente = hub.stream("matematicas", "¿Cuánto es 12 + 30?", temperature=0, max_new_tokens=60)
for trozo in corriente:
    print(trozo, end="", flush=True)
print(f"\\n\\n{corriente.answer.verdict.outcome} · {corriente.answer.verdict.reason}")""",
    ),
    (TEXT, "Dentro de un bucle de eventos, como el de este cuaderno, sin detenerlo:"),
    (
        CODE,
        """async for trozo in hub.astream("sql", "¿Qué es una clave primaria?", temperature=0, max_new_tokens=40):
    print(trozo, end="")""",
    ),
    (
        TEXT,
        """## Conversar y cambiar de tutor

Una conversación recuerda sus turnos. Cambiar de tutor no cuesta nada y empieza de nuevo; con `keep=True` sigue con lo dicho.""",
    ),
    (
        CODE,
        """charla = hub.conversation("sql", temperature=0, max_new_tokens=40)
charla.ask("¿Cómo veo todos los cursos?")
charla.ask("¿Y solo los de 5 créditos?")
print(len(charla.turns), "turnos con", charla.name)

charla.switch("matematicas")
charla.ask("¿Cuánto es 7 · 8?")
print(len(charla.turns), "turnos con", charla.name)""",
    ),
    (TEXT, '## ¿A quién le pregunto?\n\n`route` dice de qué tutor es una pregunta; `hub.ask("auto", ...)` la envía sin más.'),
    (
        CODE,
        """for pregunta in ("¿Cómo ordeno las filas por edad con ORDER BY?", "¿Cuánto es el 20 % de 150?", "¿Qué es una pila en Python?", "Hola"):
    ruta = hub.route(pregunta)
    print(f"{pregunta} → {ruta.tutor}: {ruta.why}")""",
    ),
    (
        TEXT,
        """## Medir

`evaluate` hace al modelo solo y al tutor las mismas preguntas apartadas y compara. Aquí, una muestra pequeña con respuestas cortas;
`hub.evaluate("sql")` las hace todas.""",
    ),
    (
        CODE,
        """medida = hub.evaluate("sql", sample=6, limit_tokens=60)
for lado, nota in medida.scores.items():
    print(f"{lado}: {nota.correct} correctas, {nota.incorrect} incorrectas, {nota.unverified} sin comprobar, de {nota.answers}")""",
    ),
    (TEXT, "## Estudiar\n\nLas mismas preguntas sirven para practicar. En la terminal: `hub quiz matematicas`."),
    (
        CODE,
        """cuestionario = hub.quiz("matematicas", 3, topic="ecuaciones", seed=1)
for ficha in cuestionario.cards:
    print(ficha.question)
    print("   pista:", cuestionario.hints(ficha)[0])
    print("   «x = 4»:", cuestionario.judge(ficha, "x = 4").outcome)""",
    ),
    (TEXT, "Al final se cierra, y se libera la memoria:"),
    (
        CODE,
        """hub.close()
shutil.rmtree(prueba)""",
    ),
)
"""Kind and text of each cell."""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", action="store_true", help="write nothing, compare the cells only")
    if parser.parse_args().sources:
        same = NOTEBOOK.is_file() and sources(json.loads(NOTEBOOK.read_text(encoding="utf-8"))) == list(CELLS)
        print("docs/quickstart.ipynb holds these cells" if same else "docs/quickstart.ipynb is not up to date")
        return 0 if same else 1
    notebook = executed()
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    if found := PATHS.search(text):
        print(f"a path of this machine stands in the notebook: {text[max(0, found.start() - 60) : found.end() + 60]!r}", file=sys.stderr)
        return 1
    if len(text.encode()) > MOST:
        print(f"the notebook has {len(text.encode()):,} bytes, {MOST:,} are allowed", file=sys.stderr)
        return 1
    NOTEBOOK.parent.mkdir(exist_ok=True)
    NOTEBOOK.write_text(text, encoding="utf-8")
    print(f"{NOTEBOOK.relative_to(REPOSITORY)}: {len(CELLS)} cells, {len(text.encode()):,} bytes")
    return 0


def executed() -> dict[str, Any]:
    """The notebook after a run, without what changes from run to run."""
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as error:
        sys.exit(f"{error.name} is missing: pip install nbformat nbclient ipykernel")
    notebook = nbformat.from_dict(blank())
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    plain: dict[str, Any] = json.loads(nbformat.writes(notebook))
    return tidied(plain)


def tidied(notebook: dict[str, Any]) -> dict[str, Any]:
    """Without times of day, versions and names of displays; what was printed piece by piece is one text."""
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        kept: list[dict[str, Any]] = []
        for output in cell.get("outputs", ()):
            output.pop("transient", None)
            if "metadata" in output:
                output["metadata"] = {}
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
                if kept and kept[-1].get("name") == output["name"]:
                    kept[-1]["text"] += output["text"]
                    continue
            kept.append(output)
        for output in kept:
            if "text" in output:
                output["text"] = output["text"].splitlines(keepends=True)
        if "outputs" in cell:
            cell["outputs"] = kept
    notebook["metadata"] = blank()["metadata"] | {"language_info": {"name": "python"}}
    return notebook


def blank() -> dict[str, Any]:
    """The notebook before its first run."""
    cells: list[dict[str, Any]] = []
    for number, (kind, text) in enumerate(CELLS):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number:02}", "metadata": {}, "source": text}
        cells.append(cell | ({"execution_count": None, "outputs": []} if kind == CODE else {}))
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def sources(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and text of the cells of a notebook."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


if __name__ == "__main__":
    sys.exit(main())
