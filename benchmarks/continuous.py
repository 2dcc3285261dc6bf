"""Many questions with prompts and answers of every length: our scheduler beside transformers' continuous batching and static batches.

All sides answer the same token prompts with the same random model and the same bank, each row under its own tutor, and must give the
same tokens before anything is counted. transformers gets a table of slots for each packed token, derived from its own batch; static
batches are filled in order of arrival and end with their longest answer. All requests are there from the beginning.
Prints a table and one JSON line. Run: ``python benchmarks/continuous.py [--requests 48] [--rows 8] [--width 256] [--rounds 3]``.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from transformers import AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig, Qwen2Config

from adapters_hub.contracts import Sampling
from adapters_hub.engine.admission import Limits
from adapters_hub.engine.answer_batch import batch_for
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.generation import Decoded, Prompt, decode_in_training
from adapters_hub.engine.linears import linears, resolve_targets
from adapters_hub.engine.model_thread import ModelThread
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts
from adapters_hub.engine.prefixes import Prefixes
from adapters_hub.engine.registry import Lease
from adapters_hub.engine.scheduler import Scheduler

TUTORS = 8
LAYERS = 12
RANK = 8


@dataclass
class Side:
    """Seconds of one round."""

    whole: float
    first_tokens: list[float]
    """Of each request, where the side tells."""
    answers: list[list[int]]


@dataclass(eq=False)
class TokenTicket:
    """A ticket for tokens rather than text: all that the scheduler looks at."""

    ids: tuple[int, ...]
    limit: int
    adapter: str | None
    user: str = ""
    opening: int = 0
    reused: int = 0
    cancelled: bool = False
    request: Any = field(default_factory=lambda: SimpleNamespace(sampling=Sampling()))
    answer: list[int] = field(default_factory=list)
    begun: float = 0.0
    done: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def take(self, decoded: Decoded) -> bool:
        self.begun = self.begun or time.perf_counter()
        if decoded.token is not None:
            self.answer.append(decoded.token)
        return decoded.finish is not None

    def end(self) -> None:
        self.done = True
        self.over.set()

    def fail(self, error: BaseException) -> None:
        raise error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("requests", 48), ("rows", 8), ("width", 256), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
    model = random_model(options.width).requires_grad_(False)
    bank = Bank(model)
    slots = [bank.attach(random_weights(model, seed)) for seed in range(TUTORS)]
    chance = random.Random(0)
    workload = [
        (tuple(chance.randrange(5, 1000) for _ in range(chance.randint(16, 160))), slots[chance.randrange(TUTORS)], chance.randint(8, 96))
        for _ in range(options.requests)
    ]
    sides: dict[str, Callable[[], Side]] = {
        "ours": lambda: ours(model, bank, workload, options.rows),
        "transformers": lambda: theirs(model, bank, workload, options.rows),
        "static batches": lambda: static(model, bank, workload, options.rows),
    }
    rounds: dict[str, list[Side]] = {name: [] for name in sides}
    for _ in range(options.rounds + 1):  # the first warms up
        for name, side in sides.items():
            rounds[name].append(side())
    expected = rounds["static batches"][0].answers
    tokens = sum(limit for _, _, limit in workload)
    results: dict[str, Any] = {"benchmark": "continuous", **vars(options), "threads": torch.get_num_threads(), "tokens": tokens}
    print(f"{'side':16}  {'tokens/s':>9}  {'seconds':>8}  {'first token, median s':>22}  {'like static':>11}")
    for name, found in rounds.items():
        whole = statistics.median(side.whole for side in found[1:])
        first = statistics.median(seconds for side in found[1:] for seconds in side.first_tokens)
        same = sum(answer == right for answer, right in zip(found[-1].answers, expected, strict=True))
        print(f"{name:16}  {tokens / whole:9.1f}  {whole:8.2f}  {first:22.2f}  {same:>7}/{len(expected)}")
        results[name.replace(" ", "_")] = {"tokens_per_second": tokens / whole, "first_token_s": first, "same_answers": same}
    print(json.dumps(results))


Work = list[tuple[tuple[int, ...], int, int]]


def ours(model: Any, bank: Bank, workload: Work, rows: int) -> Side:
    thread = ModelThread()
    leases = SimpleNamespace(lease=lambda name: Lease(int(name), f"d{name}", frozenset()), release=lambda lease: None)
    scheduler = Scheduler(
        batch_for(model, bank, 0),
        thread,
        leases,
        Prefixes(0),
        template="",
        stop_ids=frozenset(),
        device=torch.device("cpu"),
        limits=Limits(rows=rows),
    )
    begun = time.perf_counter()
    tickets: list[Any] = [TokenTicket(ids, limit, str(slot)) for ids, slot, limit in workload]
    for ticket in tickets:
        scheduler.submit(ticket)
    for ticket in tickets:
        ticket.over.wait()
    whole = time.perf_counter() - begun
    scheduler.close()
    return Side(whole, [ticket.begun - begun for ticket in tickets], [ticket.answer for ticket in tickets])


def theirs(model: Any, bank: Bank, workload: Work, rows: int) -> Side:
    """Sharing of blocks is off: transformers' prefix cache looks at tokens alone and would mix adapters."""
    slots = {f"r{number}": slot for number, (_, slot, _) in enumerate(workload)}
    settings = ContinuousBatchingConfig(
        allow_block_sharing=False, use_async_batching=False, max_requests_per_batch=rows, max_batch_tokens=512, num_blocks=256, page_size=32
    )
    forward, implementation = model.forward, model.config._attn_implementation
    begun, answers, firsts = 0.0, {}, {}
    with model.continuous_batching_context_manager(
        GenerationConfig(do_sample=False, eos_token_id=-1, max_new_tokens=96), continuous_batching_config=settings, warmup=False
    ) as manager:

        def routed(*args: Any, **kwargs: Any) -> Any:
            bounds = kwargs["cu_seq_lens_q"].tolist()
            requests = manager.batch_processor.inputs_and_outputs.requests_in_batch
            table = torch.full((1, kwargs["input_ids"].shape[1]), -1)
            for entry, first, last in zip(requests, bounds, bounds[1:], strict=False):
                table[0, first:last] = slots[entry.state.request_id]
            with bank.routing(table):
                return forward(*args, **kwargs)

        model.forward = routed
        try:
            begun = time.perf_counter()
            for number, (ids, _, limit) in enumerate(workload):
                manager.add_request(list(ids), f"r{number}", max_new_tokens=limit, record_timestamps=True, eos_token_id=-1)
            while len(answers) < len(workload):
                found = manager.get_result(timeout=60)
                if found is None or found.error:
                    raise SystemExit(f"transformers' continuous batching failed: {found.error if found else 'nothing came'}")
                answers[found.request_id] = found.generated_tokens
                firsts[found.request_id] = found.timestamps[0] - begun
            whole = time.perf_counter() - begun
        finally:
            del model.forward
    model.set_attn_implementation(implementation)
    names = [f"r{number}" for number in range(len(workload))]
    return Side(whole, [firsts[name] for name in names], [answers[name] for name in names])


def static(model: Any, bank: Bank, workload: Work, rows: int) -> Side:
    begun, firsts, answers = time.perf_counter(), [], []
    for place in range(0, len(workload), rows):
        part = workload[place : place + rows]
        found: list[list[int]] = [[] for _ in part]
        prompts = [Prompt(ids, slot, Sampling(), frozenset(), limit) for ids, slot, limit in part]
        for number, step in enumerate(decode_in_training(model, bank, prompts, pad_id=0)):
            for decoded in step:
                if decoded.token is not None:
                    found[decoded.row].append(decoded.token)
            if not number:
                firsts += [time.perf_counter() - begun] * len(part)
        answers += found
    return Side(time.perf_counter() - begun, firsts, answers)


def random_model(width: int) -> Any:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1024,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 256),
    )
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()


def random_weights(model: Any, seed: int) -> AdapterWeights:
    generator, modules, pairs = torch.Generator().manual_seed(seed), linears(model), {}
    for path in resolve_targets(model, ["all-linear"]):
        layer: Any = modules[path]
        a = torch.randn(RANK, layer.in_features, generator=generator) / layer.in_features**0.5
        pairs[path] = (a, 0.1 * torch.randn(layer.out_features, RANK, generator=generator), 2.0)
    return AdapterWeights(pairs, PeftConfigFacts(rank=RANK))


if __name__ == "__main__":
    main()
