"""Time to the first token of a tutor with a long system prompt: warm, its keys and values kept, beside cold, nothing kept.

Two engines over the same base in this process, rounds alternate. Both must say the same. Every question is new, so that no conversation
is reused, and the first warm question, which computes the system prompt, does not count. Also how many tokens are computed after a
cancel. Prints a table and one JSON line. Run: ``python benchmarks/first_token.py [--base mini] [--rounds 20] [--tokens 300]``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import torch

from adapters_hub.contracts import Completion, Request, Sampling
from adapters_hub.engine.session import TorchEngine
from adapters_hub.types import BaseModel, Message

TEXT = (
    "Eres un tutor de bases de datos y de algoritmos. Guías a la persona hacia la respuesta sin darla, preguntas una cosa cada vez, "
    "corriges con calma y muestras ejemplos pequeños que se pueden comprobar a mano. "
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini")
    parser.add_argument("--quantization", default="auto")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=300, help="length of the system prompt")
    options = parser.parse_args()
    base = BaseModel(model=options.base, quantization=options.quantization)
    warm, cold = TorchEngine(base), TorchEngine(base, prefix_bytes=0)
    system = system_prompt(warm, options.tokens)
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    whole: dict[str, list[float]] = {"cold": [], "warm": []}
    differing = reused = 0
    for number in range(options.rounds + 2):
        request = asking(system, f"¿Cuánto es {number} y {number + 1}?", 24)
        answers = {name: ask(engine, request) for name, engine in (("cold", cold), ("warm", warm))}
        differing += answers["cold"].text != answers["warm"].text
        reused = answers["warm"].reused_tokens
        if number >= 2:  # the first fills what is kept, the second warms up
            for name, answer in answers.items():
                seconds[name].append(answer.first_token_seconds)
                whole[name].append(answer.seconds)
    ratio = statistics.median(seconds["warm"]) / statistics.median(seconds["cold"])
    print(f"{'side':6}  {'first token ms':>14}  {'whole answer ms':>15}  {'reused tokens':>13}")
    for name in ("cold", "warm"):
        first, answer = (1e3 * statistics.median(found[name]) for found in (seconds, whole))
        print(f"{name:6}  {first:14.1f}  {answer:15.1f}  {reused if name == 'warm' else 0:>13}")
    computed = after_cancel(warm, asking(system, "Cuenta algo largo.", 200), options.rounds)
    print(f"warm / cold: {100 * ratio:.1f} %, answers that differ: {differing}, tokens computed after a cancel: {max(computed)} at most")
    results: dict[str, Any] = {
        "benchmark": "first_token",
        **vars(options),
        "threads": torch.get_num_threads(),
        "first_token_ms": {name: 1e3 * statistics.median(found) for name, found in seconds.items()},
        "warm_to_cold": ratio,
        "differing": differing,
        "tokens_after_cancel": max(computed),
    }
    warm.close(), cold.close()
    print(json.dumps(results))


def system_prompt(engine: TorchEngine, tokens: int) -> str:
    """As many words as make a prompt of about ``tokens`` tokens."""
    words, used = (TEXT * 40).split(" "), 0
    while engine.context - engine.tokens_left(asking(" ".join(words[:used]), "", 1)) < tokens:
        used += 1
    return " ".join(words[:used])


def asking(system: str, question: str, tokens: int) -> Request:
    return Request((Message("system", system), Message("user", question)), None, Sampling(max_new_tokens=tokens))


def ask(engine: TorchEngine, request: Request) -> Completion:
    return engine.submit(request).result()


def after_cancel(engine: TorchEngine, request: Request, rounds: int) -> list[int]:
    """Forwards that begin after ``cancel`` has returned, in each of ``rounds`` answers."""
    model, count = engine.loaded.model, 0
    forward = model.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return forward(*args, **kwargs)

    model.forward = counted
    found = []
    try:
        for _ in range(rounds):
            ticket = engine.submit(request)
            next(iter(ticket), "")
            ticket.cancel()
            before = count
            ticket.result()
            time.sleep(0.02)
            found.append(count - before)
    finally:
        del model.forward
    return found


if __name__ == "__main__":
    main()
