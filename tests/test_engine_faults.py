"""What must never leave anybody waiting, take a slot for good, or reach a neighbour: faults outside of the forwards."""

from __future__ import annotations

import gc
import math
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import random_adapter, save_tiny_base, tiny_model

from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.generation import Prompt, Row, choose
from adapters_hub.engine.model_thread import ModelThread
from adapters_hub.engine.session import TorchEngine
from adapters_hub.engine.tickets import AnswerTicket
from adapters_hub.errors import HubError, UsageError
from adapters_hub.types import Adapter, BaseModel, Message

TUTORS = ("sql", "mates")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, model = tmp_path_factory.mktemp("adapters"), tiny_model()
    return {name: random_adapter(model, folder / name, seed=seed, strength=3.0) for seed, name in enumerate(TUTORS, 1)}


def opened(base: Path, adapters: dict[str, Path], **settings: Any) -> TorchEngine:
    engine = TorchEngine(BaseModel(model=str(base), quantization="none"), **settings)
    for name, folder in adapters.items():
        engine.attach(Adapter(name, folder))
    return engine


@pytest.fixture
def engine(base: Path, adapters: dict[str, Path]) -> Iterator[TorchEngine]:
    engine = opened(base, adapters)
    yield engine
    engine.close()


def ask(text: str, adapter: str | None = None, *, tokens: int = 12, **sampling: Any) -> Request:
    return Request((Message("system", "Eres un tutor."), Message("user", text)), adapter, Sampling(max_new_tokens=tokens, **sampling))


def leases(engine: TorchEngine) -> int:
    return sum(resident.leases for resident in engine.registry.residents())


# --- faults of ours ------------------------------------------------------------------------------


def test_a_token_that_cannot_be_told_fails_its_own_row(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [engine.generate([ask("Hola", name)])[0].text for name in TUTORS]
    take = AnswerTicket.take

    def broken(self: AnswerTicket, decoded: Any) -> bool:
        if self.request.messages[-1].content == "zz":
            raise ValueError("no such character")
        return take(self, decoded)

    monkeypatch.setattr(AnswerTicket, "take", broken)
    tickets = [engine.submit(ask("Hola", "sql")), engine.submit(ask("zz", "sql")), engine.submit(ask("Hola", "mates"))]
    with pytest.raises(ValueError, match="no such character"):
        tickets[1].result(20)
    assert [tickets[0].result(20).text, tickets[2].result(20).text] == expected
    assert leases(engine) == 0


@pytest.mark.parametrize("where", ["_keep_opening", "_tell", "_begin_otherwise"])
def test_whatever_goes_wrong_between_prompt_and_batch_is_heard(where: str, engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(engine.scheduler, where, broken)
    if where == "_begin_otherwise":
        monkeypatch.setattr(engine.scheduler.batch, "prefill", broken)
    tickets = [engine.submit(ask("Hola", name)) for name in TUTORS]
    for ticket in tickets:
        with pytest.raises(ValueError, match="a mistake of ours"):
            ticket.result(10)
    monkeypatch.undo()
    assert (leases(engine), engine.facts().running) == (0, 0)
    assert engine.generate([ask("Hola", "sql")])[0].text


def test_an_answer_is_told_although_its_slot_cannot_be_given_back(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = engine.generate([ask("Hola", "sql")])[0].text

    def broken(lease: Any) -> None:
        raise RuntimeError("the card is gone")

    monkeypatch.setattr(engine.registry, "release", broken)
    assert engine.submit(ask("Hola", "sql")).result(10).text == expected
    monkeypatch.undo()
    assert engine.generate([ask("Hola", "mates")])[0].text


@pytest.mark.parametrize("death", [SystemExit, KeyboardInterrupt])
def test_nobody_waits_for_a_dead_thread(death: type[BaseException], base: Path) -> None:
    engine = opened(base, {}, rows=1)

    def die(*args: Any, **kwargs: Any) -> None:
        raise death

    engine.loaded.model.forward = die
    tickets = []
    for _ in range(3):
        try:
            tickets.append(engine.submit(ask("Hola")))
        except HubError:
            break
    for ticket in tickets:
        with pytest.raises(HubError, match=r"broken down|closed"):
            ticket.result(10)
    with pytest.raises(HubError, match="closed"):
        engine.generate([ask("Hola")])
    engine.close()


def test_a_thread_that_dies_hands_back_the_work_that_waits() -> None:
    told: list[BaseException] = []
    thread = ModelThread()
    inside, begun = threading.Event(), threading.Event()

    def turn() -> bool:
        inside.set()
        begun.wait(10)
        raise SystemExit

    thread.take_turns(turn, told.append)
    assert inside.wait(10)  # work that came before would be done
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(thread.run, lambda: 1)
        time.sleep(0.05)
        begun.set()
        with pytest.raises(HubError, match="closed"):
            waiting.result(10)
    assert [type(error) for error in told] == [SystemExit]
    assert thread.closed


def test_the_error_of_a_piece_of_work_does_not_keep_what_the_work_held() -> None:
    class Large:
        """Stands for an adapter's file."""

    thread = ModelThread()
    held = Large()
    left = weakref.ref(held)

    def work(large: Large = held) -> None:
        raise ValueError(f"{large!r} is no good")

    del held
    gc.collect()
    gc.disable()
    try:
        try:
            thread.run(work)
        except ValueError:
            del work
        thread.run(lambda: None)
        assert left() is None
    finally:
        gc.enable()
        thread.close()


# --- closing -------------------------------------------------------------------------------------


def test_who_is_in_the_middle_of_something_when_the_engine_closes_hears_so(base: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    engine = opened(base, adapters)
    ticket = engine.submit(ask("Hola", "sql", tokens=300))
    engine.close()
    engine.thread.require_open = lambda: None  # type: ignore[method-assign]  # they had asked just before
    for action in (
        lambda: engine.submit(ask("Hola", "sql")),
        lambda: engine.generate([ask("Hola")]),
        lambda: engine.tokens_left(ask("Hola")),
        lambda: engine.attach(Adapter("sql", adapters["sql"])),
        lambda: engine.detach("sql"),
        engine.facts,
    ):
        with pytest.raises(HubError, match="closed"):
            action()
    ticket.cancel()
    with pytest.raises(HubError, match="closed"):
        ticket.result(1)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        engine.nonsense  # noqa: B018


def test_a_forked_child_closes_without_its_parents_locks(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.thread, "_process", -1)
    with engine.registry._lock, ThreadPoolExecutor(1) as pool:  # as another thread of the parent held it when it forked
        pool.submit(engine._shut.peek()[1], *engine._shut.peek()[2]).result(5)  # type: ignore[index]
    monkeypatch.undo()
    assert engine.generate([ask("Hola", "sql")])[0].text


def test_a_question_that_was_overtaken_and_cancelled_does_not_hold_the_engine(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=1)
    long = engine.submit(ask("Hola", "sql", tokens=300))
    next(iter(long))
    engine.scheduler.admission._overtaken = given_up = engine.submit(ask("Hola", "mates"))  # type: ignore[assignment]
    long.cancel()
    given_up.cancel()
    engine.thread.run(lambda: None)
    left, thread = weakref.ref(engine), engine.thread
    for _ in range(100):
        thread.run(lambda: None)
    del long, given_up, engine
    gc.collect()
    assert left() is None and thread.closed


# --- asking --------------------------------------------------------------------------------------


def test_another_thread_may_forget_the_lengths_of_openings_at_any_time(engine: TorchEngine) -> None:
    class Forgetful(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            """Cleared by somebody else at once."""

    engine._openings = Forgetful()
    assert engine.generate([ask("Hola", "sql")])[0].text


@pytest.mark.parametrize("request_", [Request((), None), Request((Message("system", "Eres."),), None), ask("Hola", tokens=0)])
def test_what_cannot_be_answered_is_refused_in_words(request_: Request, engine: TorchEngine) -> None:
    with pytest.raises(UsageError):
        engine.submit(request_)


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({"temperature": 1e-300}, {0}),
        ({"temperature": 1e-45}, {0}),
        ({"temperature": 5e-324, "top_p": 0.5}, {0}),
        ({"temperature": math.inf}, {0, 1, 2}),
        ({"temperature": 1e300, "top_p": 0.999}, {0, 1, 2}),
        ({"temperature": 1.0, "top_p": 0.0}, {0}),
        ({"temperature": 1.0, "top_p": 1e-30}, {0}),
    ],
)
def test_extreme_sampling_stays_within_what_it_means(settings: dict[str, float], tokens: set[int]) -> None:
    logits = torch.tensor([4.0, 3.5, 3.0, -math.inf])
    prompts = [Prompt((1,), -1, Sampling(max_new_tokens=5, seed=seed, **settings), frozenset(), 5) for seed in range(60)]
    rows = [Row(0, prompt, torch.device("cpu")) for prompt in prompts]
    assert set(choose(rows, logits.expand(60, -1))) == tokens


# --- slots ---------------------------------------------------------------------------------------


def test_a_tutor_comes_back_from_its_own_folder_when_its_twins_is_gone(base: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    engine = opened(base, {"sql": adapters["sql"]}, ram_bytes=0)
    expected = engine.generate([ask("Hola", "sql")])[0].text
    twin = Path(shutil.copytree(adapters["sql"], tmp_path / "twin"))
    engine.attach(Adapter("twin", twin))
    engine.detach("twin")
    shutil.rmtree(twin)
    engine.registry.limit(slot_bytes=engine.registry.residents()[0].bytes)
    engine.attach(Adapter("mates", adapters["mates"]))
    assert next((resident.names, resident.where) for resident in engine.registry.residents()) == (("sql",), "disk")
    assert engine.generate([ask("Hola", "sql")])[0].text == expected
    engine.close()


def test_no_memory_for_a_copy_loses_no_slot(base: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(base, {"sql": adapters["sql"]}, ram_bytes=1 << 30)
    expected = engine.generate([ask("Hola", "sql")])[0].text

    def full(slot: int) -> None:
        raise MemoryError

    monkeypatch.setattr(engine.bank, "stored", full)
    engine.registry.limit(slot_bytes=engine.registry.residents()[0].bytes)
    engine.attach(Adapter("mates", adapters["mates"]))
    assert len(engine.bank.slots()) == 1, "the evicted one's slot is free"
    assert engine.generate([ask("Hola", "sql")])[0].text == expected
    engine.close()


def test_nobody_waits_while_an_evicted_adapter_is_read(base: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(base, adapters, ram_bytes=0)
    expected = engine.generate([ask("Hola", "sql")])[0].text
    engine.registry.limit(slot_bytes=engine.registry.residents()[0].bytes)
    assert engine.registry.residents()[0].where == "disk" or engine.generate([ask("Hola", "mates")])
    assert engine.registry.residents()[0].where == "disk"
    read, readers, go_on = engine.registry._read, [], threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        readers.append(threading.current_thread().name)
        assert go_on.wait(20)
        return read(*args, **kwargs)

    monkeypatch.setattr(engine.registry, "_read", slow)
    waiting = engine.submit(ask("Hola", "sql"))
    beside = [engine.generate([ask("Hola")])[0] for _ in range(3)]
    assert all(completion.text for completion in beside), "the base answers meanwhile"
    given_up = engine.submit(ask("Hola", "sql"))
    given_up.cancel()
    assert given_up.result(5).finish == "cancelled"
    go_on.set()
    assert waiting.result(20).text == expected
    assert readers == ["adapters_hub reader"]
    assert engine.registry._ahead is None, "what was read ahead is not kept twice"
    engine.close()


def test_what_is_wrong_with_an_evicted_adapters_files_reaches_its_own_question(
    base: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(adapters["sql"], tmp_path / "sql"))
    engine = opened(base, {"sql": folder, "mates": adapters["mates"]}, ram_bytes=0)
    engine.registry.limit(slot_bytes=engine.registry.residents()[0].bytes)
    engine.generate([ask("Hola", "mates")])
    shutil.rmtree(folder)
    lost, beside = engine.submit(ask("Hola", "sql")), engine.submit(ask("Hola", "mates"))
    with pytest.raises(HubError, match="no adapter folder"):
        lost.result(20)
    assert beside.result(20).text
    shutil.copytree(adapters["sql"], folder)
    assert engine.submit(ask("Hola", "sql")).result(20).text
    engine.close()


def test_of_two_changes_at_once_the_later_one_says_what_is_kept(engine: TorchEngine) -> None:
    """The list is made on the model's thread: one made before could arrive after a newer one."""
    places: list[bool] = []

    def digests() -> list[str]:
        places.append(engine.thread.inside())
        return []

    engine.scheduler.keep_only(digests)
    assert places == [True]
