"""Measure finished `mini` folders side by side: held-out loss, answers to fresh prompts, speed, contamination.

    python tools/measure_mini.py --model adapters_hub/bases/mini --against OLDER --work .mini-work

Knows the measures of `tools/mini` and prints a table and one JSON line. Deliberately trains nothing. Answers are decoded by the
engine of adapters_hub, greedily.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import click
import torch
from mini.accuracy import share_right
from mini.conversations import asks_held_out, generate_conversations
from mini.corpus import HeldOutQuestions
from mini.preparation import (
    SHEET_MAKERS,
    PreparationError,
    generate_sheets,
    held_out_questions,
    read_origin,
    read_training_texts,
    weighted_sheets,
)
from mini.probes import conversation_prompts, is_spanish, probes
from mini.publication import held_out_loss
from mini.sheet_arithmetic import LINES, one_kind
from mini.sheets import Lexicon, Sheet, lexicon
from pretrain_mini import held_out_folder, held_out_options
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adapters_hub.contracts import Completion, Request, Sampling
from adapters_hub.engine.session import TorchEngine
from adapters_hub.types import BaseModel, Message

PROMPT_SEED, PROBE_SEED, SHEET_SEED = 977_001, 977_002, 977_003
BATCH = 20
QUESTIONS = (
    "Hola, me llamo Irene y quiero aprender.",
    "¿Cuánto es 58 + 67?",
    "Tengo 4 cajas con 9 lápices cada una, ¿cuántos lápices son?",
    "Resuelve 5x - 3 = 22 paso a paso.",
    "¿Qué diferencia hay entre una pila y una cola?",
    "¿Para qué sirve un diccionario en Python?",
    "Escribe la función contar_ceros(lista) que cuente los ceros de una lista.",
    "¿Cómo selecciono los clientes mayores de 30 años en SQL?",
    "¿Cuánto es 3/4 - 1/6?",
    "¿Quién ganó el mundial de fútbol?",
)


AS_TRAINED = "what the last --work was made from"


@click.command(help=__doc__)
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True), default=Path("adapters_hub/bases/mini"), show_default=True)
@click.option("--against", type=click.Path(path_type=Path, exists=True), default=None, help="folder of an older version to compare with")
@click.option(
    "--work",
    "works",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    default=[Path(".mini-work")],
    show_default=True,
    help="work folders whose held-out texts are measured; of a second one only the conversations",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="as in training: count its documents and the worksheets made with its words in the contamination too",
)
@held_out_options
@click.option("--conversations", type=click.IntRange(0), default=None, show_default=AS_TRAINED, help="for the contamination count")
@click.option("--worksheets", type=click.IntRange(0), default=None, show_default=AS_TRAINED, help="so too; needs --corpus")
@click.option("--seed", type=click.IntRange(0), default=None, show_default=AS_TRAINED, help="for the contamination count")
@click.option("--windows", type=click.IntRange(1), default=100, show_default=True, help="windows of 512 tokens for each kind of text")
@click.option("--prompts", type=click.IntRange(0), default=200, show_default=True, help="fresh prompts whose answers must end, in Spanish")
@click.option("--each", type=click.IntRange(1), default=25, show_default=True, help="problems of every kind")
@click.option("--sheets", type=click.IntRange(1), default=40, show_default=True, help="fresh worksheets of every kind")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
def main(
    folder: Path,
    against: Path | None,
    works: tuple[Path, ...],
    corpus: Path | None,
    held_out: Path | None,
    no_held_out: bool,
    conversations: int | None,
    worksheets: int | None,
    seed: int | None,
    windows: int,
    prompts: int,
    each: int,
    sheets: int,
    threads: int,
) -> None:
    torch.set_num_threads(threads)
    if worksheets and not corpus:
        raise click.UsageError(f"--worksheets {worksheets} needs --corpus: worksheets are made with its words")
    texts = _held_out_texts(works)
    try:
        questions = held_out_questions(held_out_folder(held_out, no_held_out))
        conversations, worksheets, seed = _as_trained(works[-1], conversations, worksheets, seed)
    except PreparationError as error:
        raise click.UsageError(str(error)) from error
    report: dict[str, Any] = {}
    for name, path in {"new": folder, "old": against}.items():
        if path:
            losses = _losses(path, texts, windows, ("bfloat16", "float32", "nf4") if name == "new" else ("bfloat16", "nf4"))
            report[name] = {
                "folder_bytes": sum(f.stat().st_size for f in path.iterdir()),
                "loss": losses,
                **_answers(path, questions, prompts, each),
                "sheets": _sheets(
                    path, lexicon(text for kind, held in texts.items() if not kind.startswith("charla") for text in held), sheets
                ),
            }
            click.echo(f"{name}: {json.dumps(report[name], ensure_ascii=False)}")
    report["speed"] = {quantization: _speed(folder, quantization) for quantization in ("nf4", "int8", "none")}
    report["contamination"] = _contamination(questions, corpus, conversations, worksheets, seed)
    click.echo(json.dumps(report, ensure_ascii=False))


def _as_trained(work: Path, conversations: int | None, worksheets: int | None, seed: int | None) -> tuple[int, int, int]:
    """The counts and the seed that were given, the rest as the work folder tells them."""
    if conversations is not None and worksheets is not None and seed is not None:
        return conversations, worksheets, seed
    try:
        origin = read_origin(work)
    except PreparationError as error:
        raise PreparationError(f"{error}; or give --conversations, --worksheets and --seed as they were in training") from error
    return (
        origin.conversations if conversations is None else conversations,
        origin.sheets if worksheets is None else worksheets,
        origin.seed if seed is None else seed,
    )


def _held_out_texts(works: tuple[Path, ...]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = json.loads((works[0] / "held_out.json").read_text(encoding="utf-8"))
    for number, work in enumerate(works[1:], 2):
        texts[f"charla {number}"] = json.loads((work / "held_out.json").read_text(encoding="utf-8"))["charla"]
    return texts


def _losses(folder: Path, texts: dict[str, list[str]], windows: int, formats: tuple[str, ...]) -> dict[str, dict[str, dict[str, float]]]:
    """format -> kind of text -> figures."""
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )
    options: dict[str, dict[str, Any]] = {
        "float32": {"dtype": torch.float32},
        "bfloat16": {"dtype": torch.bfloat16},
        "nf4": {"dtype": torch.bfloat16, "quantization_config": nf4},
    }
    tokenizer = AutoTokenizer.from_pretrained(folder)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name in formats:
        model = AutoModelForCausalLM.from_pretrained(folder, **options[name])
        measured = {kind: held_out_loss(model, tokenizer, held, 512, windows) for kind, held in texts.items()}
        figures[name] = {kind: {key: round(value, 4) for key, value in asdict(loss).items()} for kind, loss in measured.items()}
    return figures


def _sheets(folder: Path, words: Lexicon, count: int) -> dict[str, dict[str, float]]:
    """Kind of worksheet -> shares of the stretches and of the tokens that follow and are told right, in float32. Fresh seeds, other words."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)
    makers: dict[str, Callable[[Random], Sheet]] = {maker.__name__: partial(_with_words, maker, words) for maker in SHEET_MAKERS}
    makers |= {f"lines of {maker.__name__}": partial(one_kind, maker) for maker, _ in LINES}
    figures: dict[str, dict[str, float]] = {}
    for name, make in makers.items():
        whole, tokens = share_right(model, lambda made: list(weighted_sheets(tokenizer, made)), make, count, SHEET_SEED)
        figures[name] = {"stretches": round(whole, 4), "tokens": round(tokens, 4)}
    return figures


def _with_words(maker: Callable[[Random, Lexicon], Sheet], words: Lexicon, rng: Random) -> Sheet:
    return maker(rng, words)


def _answers(folder: Path, questions: HeldOutQuestions, prompts: int, each: int) -> dict[str, Any]:
    """Shares of answers that end, that are Spanish, that are right; and a few to read."""
    engine = TorchEngine(BaseModel(model=str(folder.resolve())))
    try:
        fresh = _ask(engine, conversation_prompts(prompts, PROMPT_SEED, questions))
        problems = probes(each, PROBE_SEED)
        solved: Counter[str] = Counter()
        for probe, completion in zip(problems, _ask(engine, [probe.messages for probe in problems]), strict=True):
            solved[probe.kind] += probe.right(completion.text, probe.reference)
        shown = _ask(engine, [[{"role": "user", "content": question}] for question in QUESTIONS])
    finally:
        engine.close()
    for question, completion in zip(QUESTIONS, shown, strict=True):
        click.echo(f"> {question}\n{completion.text}\n")
    return {
        "prompts": len(fresh),
        "end_by_themselves": sum(completion.finish == "stop" for completion in fresh) / max(1, len(fresh)),
        "in_spanish": sum(is_spanish(completion.text) for completion in fresh) / max(1, len(fresh)),
        "right": {kind: round(solved[kind] / each, 3) for kind in dict.fromkeys(probe.kind for probe in problems)},
    }


def _ask(engine: TorchEngine, prompts: list[list[dict[str, str]]]) -> list[Completion]:
    sampling = Sampling(temperature=0.0, max_new_tokens=200)
    turns = [tuple(Message(m["role"], m["content"]) for m in prompt) for prompt in prompts]  # type: ignore[arg-type]
    requests = [Request(messages, sampling=sampling) for messages in turns]
    order = sorted(range(len(requests)), key=lambda n: sum(len(m.content) for m in requests[n].messages))
    answers: dict[int, Completion] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        answers.update(zip(batch, engine.generate([requests[n] for n in batch]), strict=True))
    return [answers[n] for n in range(len(requests))]


def _speed(folder: Path, quantization: str) -> dict[str, float]:
    """Seconds to load, seconds to the first token and tokens a second of one conversation, the best of three."""
    begun = time.perf_counter()
    engine = TorchEngine(BaseModel(model=str(folder.resolve()), quantization=quantization))  # type: ignore[arg-type]
    loaded = time.perf_counter() - begun
    request = Request(
        (Message("user", "Explica qué es una lista enlazada y escribe un ejemplo en Python."),),
        sampling=Sampling(max_new_tokens=120, temperature=1.0, seed=1),
    )
    rates = []
    for _ in range(3):
        completion = engine.generate([request])[0]
        rates.append(completion.completion_tokens / completion.seconds)
    engine.close()
    return {"load_seconds": round(loaded, 2), "tokens_per_second": round(max(rates), 1)}


def _contamination(questions: HeldOutQuestions, corpus: Path | None, conversations: int, worksheets: int, seed: int) -> dict[str, int]:
    """Of all that the generators and the corpus offer, how much asks or answers an evaluation question; training leaves it out.

    Worksheets are made with words of the corpus, so they are counted only where the corpus is at hand.
    """
    counts: Counter[str] = Counter(eval_questions=questions.questions, conversations_made=conversations)
    everything = generate_conversations(conversations, seed, HeldOutQuestions(frozenset(), frozenset(), 0, 0))
    counts["conversations_left_out"] = sum(asks_held_out(chat, questions) for chat in everything)
    counts["conversations_in_training"] = sum(
        asks_held_out(chat, questions) for chat in generate_conversations(conversations, seed, questions)
    )
    if corpus:
        texts, _, documents = read_training_texts(corpus, seed, questions)
        counts["documents_left_out"] = documents["dropped"]
        counts["document_lines_left_out"] = documents["lines_dropped"]
        kept = list(generate_sheets(worksheets, seed, lexicon(texts), questions))
        counts["worksheets_made"] = worksheets
        counts["worksheets_left_out"] = worksheets - len(kept)
        counts["worksheets_in_training"] = sum(_wants("".join(part.text for part in sheet), questions) for sheet in kept)
    return dict(counts)


def _wants(text: str, questions: HeldOutQuestions) -> bool:
    """Whether a worksheet answers an evaluation question, or a line of it asks one."""
    return questions.are_answered_by(text) or any(map(questions.are_asked_by, text.splitlines()))


if __name__ == "__main__":
    main()
