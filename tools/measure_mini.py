"""Measure a finished `mini` folder: held-out loss in bfloat16, float32 and NF4, greedy answers, contamination.

    python tools/measure_mini.py --model adapters_hub/bases/mini --work .mini-work --held-out tutors

Knows the measures of `tools/mini/publication.py` and prints one JSON line. Deliberately trains nothing.
"""

import json
from collections import Counter
from pathlib import Path

import click
import torch
from mini.conversations import asks_held_out, generate_conversations
from mini.corpus import HeldOutQuestions, read_corpus, read_held_out_questions
from mini.publication import held_out_loss, reply
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

QUESTIONS = (
    "Hola, me llamo Irene y quiero aprender.", "¿Cuánto es 58 + 67?", "Tengo 4 cajas con 9 lápices cada una, ¿cuántos lápices son?", "Resuelve 5x - 3 = 22 paso a paso.",
    "¿Qué diferencia hay entre una pila y una cola?", "¿Para qué sirve un diccionario en Python?", "Escribe una función que cuente las vocales de una palabra.",
    "¿Cómo selecciono los clientes mayores de 30 años en SQL?", "¿Cuánto es 3/4 - 1/6?", "¿Quién ganó el mundial de fútbol?",
)  # fmt: skip


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), default=Path("adapters_hub/bases/mini"), show_default=True)
@click.option(
    "--work",
    type=click.Path(path_type=Path, exists=True),
    default=Path(".mini-work"),
    show_default=True,
    help="the work folder of the run, for its held-out texts",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True),
    default=None,
    help="with --held-out: count the corpus documents that share a run of words with a question",
)
@click.option("--held-out", type=click.Path(path_type=Path), default=None, help="folder below which every eval.jsonl is looked at")
@click.option("--windows", type=int, default=150, show_default=True, help="windows of 512 tokens for each kind of text")
@click.option("--threads", type=int, default=2, show_default=True)
def main(folder: Path, work: Path, corpus: Path | None, held_out: Path | None, windows: int, threads: int) -> None:
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts: dict[str, list[str]] = json.loads((work / "held_out.json").read_text(encoding="utf-8"))
    settings = {
        "float32": {"dtype": torch.float32},
        "bfloat16": {"dtype": torch.bfloat16},
        "nf4": {"dtype": torch.bfloat16, "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16)},
    }  # fmt: skip
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, options in settings.items():
        model = AutoModelForCausalLM.from_pretrained(folder, **options)
        figures[name] = {}
        for kind, held in texts.items():
            loss = held_out_loss(model, tokenizer, held, 512, windows)
            figures[name][kind] = {
                "nats_per_token": round(loss.nats_per_token, 4),
                "bits_per_byte": round(loss.bits_per_byte, 4),
                "tokens": loss.tokens,
            }
        if name != "bfloat16":
            answers = [reply(model, tokenizer, question) for question in QUESTIONS]
            for question, answer in zip(QUESTIONS, answers, strict=True):
                click.echo(f"[{name}] > {question}\n{answer}\n")
            click.echo(f"[{name}] {sum(answer.endswith('<|end|>') for answer in answers)} of {len(answers)} answers end by themselves")
    questions = read_held_out_questions(held_out)
    click.echo(json.dumps({"held_out_loss": figures, "contamination": _contamination(questions, corpus, texts)}, ensure_ascii=False))


def _contamination(questions: HeldOutQuestions, corpus: Path | None, texts: dict[str, list[str]]) -> dict[str, int]:
    """How much training text shares a run of words with the evaluation questions as they are now."""
    counts: Counter[str] = Counter(eval_questions=questions.questions, held_out_conversations=len(texts.get("charla", [])))
    counts["conversations"] = sum(
        asks_held_out(chat, questions) for chat in generate_conversations(42_000, 0, HeldOutQuestions(frozenset(), frozenset(), 0, 0))
    )
    if corpus:
        counts["documents"] = sum(questions.touch(document.text) for document in read_corpus(corpus))
    return dict(counts)


if __name__ == "__main__":
    main()
