"""A storm of questions over one engine, and how many of the answers were wrong; for ``test_chaos`` and ``benchmarks/chaos.py``.

Everything happens at once: many threads ask tutors with similar names, give up at any moment, forwards fail at random or for certain
rows, memory seems to run out, adapters are replaced, detached, evicted and loaded again. Each answer is compared with that of the
same weights asked alone by a plain decode loop: no scheduler, no kept keys and values, one row. Everything is float64, so that one
right answer exists.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tiny_models import random_adapter, save_tiny_base, tiny_model

from adapters_hub import hardware
from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.answer_text import AnswerText, stop_ids
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.generation import Prompt, decode_in_training
from adapters_hub.engine.peft_files import read_adapter
from adapters_hub.engine.session import TorchEngine
from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.rendering import render
from adapters_hub.types import Adapter, BaseModel, Message, RunManifest

STEADY = ("sql", "sql2", "sq", "sqls")
"""Tutors that nobody touches; small budgets evict them."""
CHANGING = ("mates", "mates2")
"""Tutors that are replaced and detached all the time, each between two versions."""
QUESTIONS = (
    "Hola",
    "SELECT nombre",
    "¿Cuánto es 2 + 2?",
    "La respuesta",
    "Un algoritmo",
    "nota >= 5",
    "¿Y ahora?",
    "fox",
    "¿Qué tal?",
    "dog",
)
SYSTEM = "Eres un tutor. La respuesta es 4. Un algoritmo de ordenación compara elementos."
SAMPLINGS = (
    Sampling(max_new_tokens=3),
    Sampling(max_new_tokens=5, repetition_penalty=1.3),
    Sampling(temperature=1.1, top_p=0.9, max_new_tokens=3, seed=3),
)
POISON = "zz"
"""A question with this text always fails, and it alone."""
WINDOW = 96
"""Questions that a thread has under way at once."""


@dataclass
class Tally:
    """What became of the questions."""

    right: int = 0
    cancelled: int = 0
    failed: int = 0
    """Failed as they had to: poisoned, or their tutor was gone."""
    refused: int = 0
    """Adapters of another base that were turned away."""
    changes: int = 0
    """Adapters attached, replaced and detached meanwhile."""
    faults: Counter[str] = field(default_factory=Counter)
    """Failures that were injected."""
    wrong: list[str] = field(default_factory=list)
    left: int = 0
    """Claims on slots that nobody gave back, and answers still said to be under way."""

    @property
    def asked(self) -> int:
        return self.right + self.cancelled + self.failed + len(self.wrong)


class Injected(RuntimeError):
    """A fault put into a forward."""


@contextmanager
def exact_numbers() -> Iterator[None]:
    """Bases opened inside the block compute in float64."""
    former = hardware.compute_dtype
    hardware.compute_dtype = lambda torch_module, device: torch.float64
    try:
        yield
    finally:
        hardware.compute_dtype = former


class World:
    """A tiny base and adapters for it on disk, and the right answers, worked out once each."""

    def __init__(self, folder: Path) -> None:
        self.base = save_tiny_base(folder / "base", layers=1)
        plain = tiny_model(layers=1, dtype=torch.float32)
        self.folders = {
            name: random_adapter(plain, folder / name, seed=seed, strength=3.0)
            for seed, name in enumerate((*STEADY, *(f"{name}_{version}" for name in CHANGING for version in "ab")), 1)
        }
        self._answers: dict[tuple[str | None, str, Sampling], tuple[str, str]] = {}
        self._oracle: TorchEngine | None = None
        self._lock = threading.Lock()

    def open(self, **settings: Any) -> TorchEngine:
        with exact_numbers():
            return TorchEngine(BaseModel(model=str(self.base), quantization="none"), **settings)

    def right_answer(self, folder: str | None, question: str, sampling: Sampling) -> tuple[str, str]:
        """Text and finish of the bare base, or of the adapter in ``folders[folder]``, asked alone."""
        key = (folder, question, sampling)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self._alone(*key)
            return self._answers[key]

    def _alone(self, folder: str | None, question: str, sampling: Sampling) -> tuple[str, str]:
        if self._oracle is None:
            self._oracle = self.open()
        loaded = self._oracle.loaded
        bank = Bank(loaded.model)
        try:
            slot = -1 if folder is None else bank.attach(read_adapter(self.folders[folder], model=loaded.model))
            ids = tuple(render(loaded.chat, asking(question, None, sampling).messages, add_generation_prompt=True).ids)
            text = AnswerText(loaded.chat)
            prompt = Prompt(ids, slot, sampling, stop_ids(loaded.chat), sampling.max_new_tokens)
            for step in decode_in_training(loaded.model, bank, [prompt], pad_id=loaded.pad_id):
                text.add(step[0])
                if text.ended:
                    break
            return text.whole, text.finish
        finally:
            bank.close()

    def close(self) -> None:
        if self._oracle is not None:
            self._oracle.close()


def asking(question: str, adapter: str | None, sampling: Sampling, user: str = "") -> Request:
    return Request((Message("system", SYSTEM), Message("user", question)), adapter, sampling, user)


class Storm:
    """``count`` questions from ``threads`` threads over ``engine``."""

    def __init__(
        self, world: World, engine: TorchEngine, *, count: int, threads: int = 6, seed: int = 0, meddling: bool = True, faults: bool = True
    ) -> None:
        self.world, self.engine, self.count, self.threads, self.seed = world, engine, count, threads, seed
        self.meddling, self.faults = meddling, faults
        self.tally = Tally()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.versions: dict[str, list[str | None]] = {name: [f"{name}_a"] for name in CHANGING}
        """Folders that a changing name has had, None while detached; the last may not have arrived yet."""
        self.settled = dict.fromkeys(CHANGING, 0)
        """Place in ``versions`` of what is certainly in force."""

    def run(self) -> Tally:
        for name in STEADY:
            self.engine.attach(Adapter(name, self.world.folders[name]))
        for name in CHANGING:
            self.engine.attach(Adapter(name, self.world.folders[f"{name}_a"]))
        workers = [threading.Thread(target=self._guarded, args=(self._ask_many, number)) for number in range(self.threads)]
        meddler = threading.Thread(target=self._guarded, args=(self._meddle, -1))
        with self._faults() if self.faults else nullcontext():
            for worker in workers:
                worker.start()
            if self.meddling:
                meddler.start()
            for worker in workers:
                worker.join()
            self.over.set()
            if self.meddling:
                meddler.join()
        return self.tally

    def _guarded(self, work: Any, number: int) -> None:
        try:
            work(random.Random(1000 * self.seed + number), number)
        except BaseException as error:
            self._wrong(f"thread {number} died: {error!r}")
            raise

    # --- asking ---

    def _ask_many(self, chance: random.Random, number: int) -> None:
        left = self.count // self.threads + (number < self.count % self.threads)
        while left:
            if chance.random() < 0.02 and left >= 20:
                self._storm_of_threads(chance, 20)
                left -= 20
                continue
            window = [self._submit(chance) for _ in range(min(left, WINDOW))]
            left -= len(window)
            for asked in window:
                if chance.random() < 0.05:
                    asked[-1].cancel()
            for asked in window:
                self._check(*asked)

    def _submit(self, chance: random.Random) -> tuple[Request, int, Any]:
        name = chance.choice((*STEADY, *STEADY, *CHANGING, None))
        question = chance.choice(QUESTIONS) + (POISON if chance.random() < 0.005 else "")
        request = asking(question, name, chance.choice(SAMPLINGS), f"u{chance.randrange(5)}")
        since = self.settled.get(name or "", 0)
        try:
            ticket: Any = self.engine.submit(request)
        except HubError as error:
            ticket = Refused(error)
        if chance.random() < 0.02:
            ticket.cancel()
        return request, since, ticket

    def _storm_of_threads(self, chance: random.Random, count: int) -> None:
        """As many threads, each with a stream; some leave it half way."""

        def work(own: random.Random) -> None:
            name, question, sampling = own.choice(STEADY), own.choice(QUESTIONS), own.choice(SAMPLINGS)
            stream = self.engine.stream(asking(question, name, sampling))
            right, _ = self.world.right_answer(name, question, sampling)
            if own.random() < 0.2:
                begun = next(stream, "")
                stream.close()  # type: ignore[attr-defined]
                self._count("cancelled") if right.startswith(begun) else self._wrong(f"{name} {question!r}: {begun!r} begins no {right!r}")
            else:
                text = "".join(stream)
                self._count("right") if text == right else self._wrong(f"{name} {question!r}: {text!r} instead of {right!r}")

        threads = [threading.Thread(target=work, args=(random.Random(chance.random()),)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _check(self, request: Request, since: int, ticket: Any) -> None:
        question = request.messages[-1].content
        try:
            found = ticket.result(timeout=120)
        except NotFoundError as error:
            gone = None in self.versions.get(request.adapter or "", [""])[since:]
            self._count("failed") if gone else self._wrong(f"{request.adapter}: {error!r}")
            return
        except Injected as error:
            expected = POISON in question and "poison" in str(error)
            self._count("failed") if expected else self._wrong(f"{request.adapter} {question!r} heard of another row's fault: {error!r}")
            return
        except Exception as error:
            self._wrong(f"{request.adapter} {question!r}: {error!r}")
            return
        folders = self.versions[request.adapter][since:] if request.adapter in CHANGING else [request.adapter]
        rights = [self.world.right_answer(folder, question, request.sampling) for folder in folders if folder or request.adapter is None]
        if found.finish == "cancelled":
            same = any(text.startswith(found.text) for text, _ in rights)
        else:
            same = (found.text, found.finish) in rights
        if not same:
            self._wrong(f"{request.adapter} {question!r}: {found.text!r} ({found.finish}), not {rights}")
        else:
            self._count("cancelled" if found.finish == "cancelled" else "right")

    def _count(self, what: str) -> None:
        with self.lock:
            setattr(self.tally, what, getattr(self.tally, what) + 1)

    def _wrong(self, what: str) -> None:
        with self.lock:
            self.tally.wrong.append(what)

    # --- meddling ---

    def _meddle(self, chance: random.Random, number: int) -> None:
        while not self.over.wait(0.03):
            name = chance.choice(CHANGING)
            version = chance.choice((f"{name}_a", f"{name}_b", None))
            if version is None and name not in self.engine.attached():
                continue
            self.versions[name].append(version)
            if version is None:
                self.engine.detach(name)
            else:
                self.engine.attach(Adapter(name, self.world.folders[version]))
            self.settled[name] = len(self.versions[name]) - 1
            self.tally.changes += 1
            if chance.random() < 0.2:
                try:
                    self.engine.attach(Adapter(chance.choice(STEADY), self.world.folders["sql"], self._of_another_base()))
                except HubError:
                    self.tally.refused += 1
                else:
                    self._wrong("an adapter of another base was let in")

    def _of_another_base(self) -> RunManifest:
        base = replace(self.engine.loaded.identity, weights="0" * 64)
        template = self.engine.loaded.chat.template_sha256
        return RunManifest(1, "r1", "sql", "2026-01-01T00:00:00Z", base, "none", template, "", (0,), "", {}, {}, {}, {})

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Forwards of several rows fail now and then, as they do in real life; those with a poisoned row always."""
        model, chance, tally = self.engine.loaded.model, random.Random(self.seed), self.tally
        tokenizer = self.engine.loaded.chat.tokenizer
        poison = tokenizer.encode(POISON, add_special_tokens=False).ids
        forward = model.forward

        def faulty(*args: Any, **kwargs: Any) -> Any:
            ids = kwargs.get("input_ids")
            if ids is not None and ids.shape[1] > 1:
                joined = ids.tolist()
                if any(row[place : place + len(poison)] == poison for row in joined for place in range(len(row))):
                    tally.faults["poisoned prompts"] += 1
                    raise Injected("poisoned row")
            if ids is not None and ids.shape[0] > 1:
                drawn = chance.random()
                if drawn < 0.003:
                    tally.faults["before"] += 1
                    raise Injected("before the forward")
                if drawn < 0.005:
                    tally.faults["memory"] += 1
                    raise torch.OutOfMemoryError("injected")
                if drawn < 0.008:
                    forward(*args, **kwargs)
                    tally.faults["after"] += 1
                    raise Injected("after every layer has written its keys and values")
            return forward(*args, **kwargs)

        model.forward = faulty
        try:
            yield
        finally:
            del model.forward


class Refused:
    """A request that was turned down at once, in the shape of a ticket."""

    def __init__(self, error: HubError) -> None:
        self.error = error

    def cancel(self) -> None:
        """Nothing is under way."""

    def result(self, timeout: float | None = None) -> Any:
        raise self.error


def storm(world: World, *, count: int, threads: int = 6, seed: int = 0, **settings: Any) -> tuple[Tally, float]:
    """One storm over a fresh engine with room for four adapters; returns what became of it, and its seconds."""
    one = world.open()
    one.attach(Adapter("sql", world.folders["sql"]))
    size = one.facts().adapter_bytes
    one.close()
    engine = world.open(**{"rows": 64, "slot_bytes": 4 * size, "prefix_bytes": 1 << 22} | settings)
    begun = time.perf_counter()
    try:
        tally, seconds = Storm(world, engine, count=count, threads=threads, seed=seed).run(), time.perf_counter() - begun
        tally.left = sum(resident.leases for resident in engine.registry.residents()) + engine.facts().running
        return tally, seconds
    finally:
        engine.close()
