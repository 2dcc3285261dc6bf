"""How long ``hub check`` takes over 10,000 rows, the validator's pass left out: prints seconds and one JSON line.

The rows are made up of Spanish sentence parts and numbers with a fixed seed, about 25 words a question and 60 an answer;
the tokenizer is the embedded base's. Run from the repository: ``python benchmarks/check_speed.py [ROWS]``.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

SUBJECTS = (
    "la lista",
    "el árbol",
    "la pila",
    "el grafo",
    "la cola",
    "el arreglo",
    "la tabla",
    "el montículo",
    "la cadena",
    "el diccionario",
)
ACTIONS = ("ordenar", "recorrer", "buscar en", "invertir", "dividir", "copiar", "contar", "vaciar", "fusionar", "imprimir")
PLACES = ("una tienda", "un colegio", "un hospital", "una biblioteca", "un banco", "una granja", "un taller", "una imprenta", "un museo")
WORDS = [
    "primero",
    "después",
    "entonces",
    "porque",
    "cuando",
    "siempre",
    "nunca",
    "cada",
    "elemento",
    "índice",
    "valor",
    "paso",
    "caso",
    "base",
    "función",
    "bucle",
    "nodo",
    "hijo",
    "padre",
    "rama",
    "costo",
    "tiempo",
    "memoria",
    "par",
    "impar",
    "mayor",
    "menor",
    "igual",
    "distinto",
    "mitad",
    "doble",
    "resto",
    "suma",
    "producto",
    "clave",
    "orden",
    "nivel",
    "altura",
    "peso",
    "camino",
    "vecino",
    "visita",
    "marca",
]


def made_up_rows(count: int) -> list[dict[str, object]]:
    """Rows with a fixed seed; a few of them repeat, as in real files."""
    chance = random.Random(20240607)
    rows: list[dict[str, object]] = []
    for _ in range(count):
        if rows and chance.random() < 0.01:
            rows.append(chance.choice(rows))
            continue
        numbers = [str(chance.randint(2, 999)) for _ in range(3)]
        question = (
            f"En {chance.choice(PLACES)} hay {numbers[0]} datos y quiero {chance.choice(ACTIONS)} {chance.choice(SUBJECTS)}"
            f" de {numbers[1]} en {numbers[2]}: ¿cómo lo hago si {' '.join(chance.choices(WORDS, k=8))}?"
        )
        answer = "La idea es sencilla. " + ". ".join(" ".join(chance.choices(WORDS, k=9)) + " con lo que ya tienes" for _ in range(4)) + "."
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        rows.append({"messages": messages, "tags": [chance.choice(ACTIONS)], "difficulty": chance.randint(1, 3)})
    return rows


def main() -> None:
    """Time it as a user meets it: import, read, check."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tutors" / "prueba"
        (folder / "data").mkdir(parents=True)
        (folder.parent / "hub.toml").write_text("")
        (folder / "tutor.toml").write_text("")
        (folder / "system.md").write_text("Eres un tutor paciente. Hablas de «tú» y explicas paso a paso.", encoding="utf-8")
        rows = made_up_rows(count + count // 10)
        for file, part in (("train.jsonl", rows[:count]), ("eval.jsonl", rows[count:])):
            lines = [json.dumps(row, ensure_ascii=False) for row in part]
            (folder / "data" / file).write_text("\n".join(lines), encoding="utf-8")

        begin, used = time.perf_counter(), time.process_time()
        from adapters_hub.base_files import locate_base
        from adapters_hub.checking import check
        from adapters_hub.plugins import load_plugins
        from adapters_hub.tokenizer_files import load_chat_format
        from adapters_hub.tutors import read_tutor
        from adapters_hub.workspace import find_workspace

        plugins = load_plugins()
        tutor = read_tutor(folder, find_workspace(folder))
        chat = load_chat_format(locate_base(tutor.base).path)
        ready = time.perf_counter()
        report = check(tutor, chat, plugins.read_dataset)
        wall, processor = time.perf_counter() - begin, time.process_time() - used
    figures = {
        "benchmark": "check_speed",
        "train_rows": report.files[0].rows,
        "eval_rows": report.files[1].rows,
        "seconds": round(wall, 3),
        "check_seconds": round(wall - (ready - begin), 3),
        "processor_seconds": round(processor, 3),
        "findings": len(report.findings),
        "torch_imported": "torch" in sys.modules,
    }
    print(f"{figures['train_rows']:,} training and {figures['eval_rows']:,} held-out rows checked in {wall:.2f} s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
