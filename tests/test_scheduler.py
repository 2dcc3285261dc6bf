"""Continuous batching: rows come and go, and what happens to one of them is no business of the others."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from chaos_storm import exact_numbers
from tiny_models import SPECIALS, TEMPLATE, random_adapter, save_tiny_base, tiny_model, tiny_tokenizer

from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.answer_batch import GrowingBatch, StaticBatch
from adapters_hub.engine.fair_queue import FairQueue
from adapters_hub.engine.model_thread import ModelThread
from adapters_hub.engine.session import TorchEngine
from adapters_hub.errors import BusyError, HubError, NotFoundError, ResourceError, UsageError
from adapters_hub.types import Adapter, BaseModel, Message

TUTORS = ("sql", "sql2", "mates")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, model = tmp_path_factory.mktemp("adapters"), tiny_model()
    return {name: random_adapter(model, folder / name, seed=seed, strength=3.0) for seed, name in enumerate(TUTORS, 1)}


def opened(base: Path, adapters: dict[str, Path], **settings: Any) -> TorchEngine:
    with exact_numbers():
        engine = TorchEngine(BaseModel(model=str(base), quantization="none"), **settings)
    for name, folder in adapters.items():
        engine.attach(Adapter(name, folder))
    return engine


@pytest.fixture
def engine(base: Path, adapters: dict[str, Path]) -> Iterator[TorchEngine]:
    engine = opened(base, adapters)
    yield engine
    engine.close()


def ask(text: str, adapter: str | None = None, *, tokens: int = 12, user: str = "", **sampling: Any) -> Request:
    return Request((Message("system", "Eres un tutor."), Message("user", text)), adapter, Sampling(max_new_tokens=tokens, **sampling), user)


MIXED = [
    ask("Hola", "sql", tokens=30),
    ask("¿Qué es un algoritmo de ordenación? " * 4, "mates", tokens=5),
    ask("SELECT", None, tokens=2),
    ask("¿Cuánto es 2 + 2?", "sql2", tokens=20, temperature=1.2, top_p=0.9, seed=4),
    ask("Hola", "sql2", tokens=40, repetition_penalty=1.3),
    ask("nota >= 5 " * 10, "sql", tokens=25),
    ask("Hola", "mates", tokens=1),
]


@contextmanager
def forwards(engine: TorchEngine, before: Callable[[Any], None]) -> Iterator[None]:
    """``before`` sees the token ids of each forward, and may raise in its place."""
    model = engine.loaded.model
    original = model.forward

    def watched(*args: Any, **kwargs: Any) -> Any:
        before(kwargs["input_ids"])
        return original(*args, **kwargs)

    model.forward = watched
    try:
        yield
    finally:
        del model.forward


def alone(engine: TorchEngine, requests: list[Request]) -> list[str]:
    return [engine.generate([request])[0].text for request in requests]


# --- exactness -----------------------------------------------------------------------------------


def test_rows_that_join_while_others_decode_get_their_own_answers(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)
    for gap in (0.0, 0.003):
        tickets = []
        for request in MIXED:
            tickets.append(engine.submit(request))
            time.sleep(gap)
        assert [ticket.result(60).text for ticket in tickets] == expected
    assert len(set(expected)) == len(MIXED), "the answers must differ for this to say anything"


def test_more_requests_than_the_queue_holds_are_all_answered(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=3, queue=4)
    expected = alone(engine, MIXED)
    assert [completion.text for completion in engine.generate(MIXED * 4)] == expected * 4
    engine.close()


def windowed(family: str, folder: Path) -> Path:
    """A base with a cache of its own: sliding windows shorter than the conversation, or states that fold tokens into one."""
    from transformers import AutoModelForCausalLM, Gemma3TextConfig, JambaConfig, MistralConfig, PreTrainedTokenizerFast

    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": 384,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 4,
    }
    kinds: dict[str, Callable[[], Any]] = {
        "mistral": lambda: MistralConfig(**shape, sliding_window=8),
        "gemma3": lambda: Gemma3TextConfig(**shape, sliding_window=8, head_dim=16, layer_types=["sliding_attention", "full_attention"]),
        "jamba": lambda: JambaConfig(
            **shape,
            attn_layer_period=2,
            attn_layer_offset=1,
            expert_layer_period=8,
            expert_layer_offset=5,
            num_experts=1,
            use_mamba_kernels=False,
            mamba_d_state=4,
        ),
    }
    AutoModelForCausalLM.from_config(kinds[family](), attn_implementation="sdpa").save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), eos_token=SPECIALS[0], pad_token=SPECIALS[-1])
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("family", "kind"), [("mistral", GrowingBatch), ("gemma3", GrowingBatch), ("jamba", StaticBatch)])
def test_models_with_other_caches_answer_as_they_do_alone(family: str, kind: type, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from adapters_hub.rendering import render

    engine = opened(windowed(family, tmp_path), {}, rows=4)
    assert isinstance(engine.scheduler.batch, kind)
    asked = (("Hola ", 20), ("SELECT nombre ", 6), ("¿Cuánto es? ", 14), ("a", 9), ("b", 3))
    requests = [ask(text * 3, None, tokens=tokens) for text, tokens in asked]
    tickets = []
    for request in requests:
        tickets.append(engine.submit(request))
        time.sleep(0.005)
    found = [ticket.result(60).text for ticket in tickets]
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float64)
    for request, text in zip(requests, found, strict=True):
        ids = render(engine.loaded.chat, request.messages, add_generation_prompt=True).ids
        out = model.generate(
            input_ids=torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=request.sampling.max_new_tokens,
            eos_token_id=[0, 1, 2, 3],
            pad_token_id=4,
        )
        expected = engine.loaded.chat.tokenizer.decode(out[0, len(ids) :].tolist(), skip_special_tokens=True)
        assert text == expected.strip().rstrip("\ufffd")
    engine.close()


# --- cancelling ----------------------------------------------------------------------------------


def test_at_most_one_token_is_computed_after_a_cancel(engine: TorchEngine) -> None:
    computed: list[int] = []
    with forwards(engine, lambda ids: computed.append(len(ids))):
        ticket = engine.submit(ask("Hola", "sql", tokens=400))
        next(iter(ticket))
        ticket.cancel()
        seen = len(computed)
        completion = ticket.result(10)
        time.sleep(0.05)
        assert len(computed) <= seen + 1
    assert completion.finish == "cancelled"
    assert completion.text == "".join(ticket), "the text so far stays"
    assert engine.facts().running == 0


def test_a_question_that_waits_is_cancelled_at_once(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=1)
    long = engine.submit(ask("Hola", "sql", tokens=300))
    waiting = engine.submit(ask("Hola", "mates"))
    waiting.cancel()
    assert waiting.result(0.05).finish == "cancelled"
    assert list(waiting) == []
    long.cancel()
    engine.close()


def test_closing_a_stream_cancels_and_leaving_a_ticket_does_not(engine: TorchEngine) -> None:
    stream = engine.stream(ask("Hola", "sql", tokens=400))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    ticket = engine.submit(ask("Hola", "sql", tokens=30))
    for _ in ticket:
        break
    assert ticket.result(10).finish != "cancelled"
    assert engine.facts().running == 0


def test_a_cancel_beside_others_leaves_them_as_they_are(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)
    tickets = [engine.submit(request) for request in MIXED]
    given_up = [engine.submit(ask(f"otra {number}", "sql", tokens=200)) for number in range(6)]
    for ticket in given_up:
        ticket.cancel()
    assert [ticket.result(60).text for ticket in tickets] == expected
    assert {ticket.result(10).finish for ticket in given_up} == {"cancelled"}


# --- failing -------------------------------------------------------------------------------------


def test_a_row_that_breaks_the_forward_fails_alone(engine: TorchEngine) -> None:
    bad = ask("zz", "sql2", tokens=30)
    expected = alone(engine, MIXED)
    poison = engine.loaded.chat.tokenizer.encode("zz", add_special_tokens=False).ids

    def break_down(ids: torch.Tensor) -> None:
        if any(row[place : place + len(poison)] == poison for row in ids.tolist() for place in range(len(row))):
            raise RuntimeError("this row breaks the model")

    with forwards(engine, break_down):
        tickets = [engine.submit(request) for request in (*MIXED[:3], bad, *MIXED[3:])]
        with pytest.raises(RuntimeError, match="this row breaks") as caught:
            tickets[3].result(60)
        assert [ticket.result(60).text for ticket in (*tickets[:3], *tickets[4:])] == expected
    assert "break_down" in str(caught.value.__cause__), "where it happened is told, without keeping the frames and their tensors"
    assert engine.generate([MIXED[0]])[0].text == expected[0]


def test_a_failure_in_the_middle_of_a_decode_costs_the_others_nothing(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)
    count = 0

    def now_and_then(ids: torch.Tensor) -> None:
        nonlocal count
        count += len(ids) > 1
        if len(ids) > 1 and count % 5 == 0:
            raise RuntimeError("now and then")

    with forwards(engine, now_and_then):
        assert [completion.text for completion in engine.generate(MIXED)] == expected
    assert count > 10


def test_numbers_that_are_none_fail_their_own_row(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)
    model = engine.loaded.model
    original = model.forward

    def with_nan(*args: Any, **kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        if len(kwargs["input_ids"]) == len(MIXED) + 1:
            output.logits[-1] = torch.nan
        return output

    model.forward = with_nan
    try:
        tickets = [engine.submit(request) for request in (*MIXED, ask("Hola " * 3, "sql", tokens=90))]
        results = []
        for ticket in tickets:
            try:
                results.append(ticket.result(60).text)
            except HubError as error:
                results.append(error.message)
    finally:
        del model.forward
    assert sum("no valid numbers" in result for result in results) <= len(results) - len(MIXED)
    assert [result for result, right in zip(results, expected, strict=False) if result != right and "no valid" not in result] == []


def test_where_memory_is_short_fewer_rows_go_on_and_all_are_answered(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)
    largest = 0

    def small(ids: torch.Tensor) -> None:
        nonlocal largest
        if len(ids) > 2:
            raise torch.OutOfMemoryError("too many rows")
        largest = max(largest, len(ids))

    with forwards(engine, small):
        assert [completion.text for completion in engine.generate(MIXED)] == expected
    assert largest == 2


def test_an_answer_for_which_there_is_no_memory_at_all_says_so(engine: TorchEngine) -> None:
    def none(ids: torch.Tensor) -> None:
        raise torch.OutOfMemoryError("none at all")

    with forwards(engine, none), pytest.raises(ResourceError, match="too little memory"):
        engine.submit(ask("Hola")).result(10)
    assert engine.submit(ask("Hola")).result(10).text


def test_a_static_batch_isolates_a_failing_row_too(tmp_path: Path) -> None:
    engine = opened(windowed("jamba", tmp_path), {}, rows=4)
    requests = [ask("Hola", tokens=12), ask("SELECT nombre", tokens=5), ask("¿Cuánto es?", tokens=9)]
    expected = alone(engine, requests)
    count = 0

    def now_and_then(ids: torch.Tensor) -> None:
        nonlocal count
        count += len(ids) > 1
        if len(ids) > 1 and count % 3 == 0:
            raise RuntimeError("now and then")

    with forwards(engine, now_and_then):
        assert [completion.text for completion in engine.generate(requests)] == expected
    assert count
    engine.close()


# --- the queue -----------------------------------------------------------------------------------


def test_a_full_queue_refuses_and_says_how_many_wait(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=1, queue=2)
    running = engine.submit(ask("Hola", "sql", tokens=400))
    next(iter(running))
    engine.submit(ask("uno")), engine.submit(ask("dos"))
    assert engine.facts().waiting == 2
    with pytest.raises(BusyError, match="2 questions are waiting"):
        engine.submit(ask("tres"))
    running.cancel()
    engine.close()


def test_adapters_take_turns_and_users_within_them() -> None:
    queue: FairQueue[Any] = FairQueue(100)
    for number in range(4):
        queue.add(Question("sql", "ana", number))
    queue.add(Question("sql", "luis", 0))
    queue.add(Question("mates", "eva", 0))
    order = []
    while (question := queue.next()) is not None:
        order.append((question.adapter, question.user, question.number))
    assert order == [("sql", "ana", 0), ("mates", "eva", 0), ("sql", "luis", 0), ("sql", "ana", 1), ("sql", "ana", 2), ("sql", "ana", 3)]
    assert len(queue) == 0


def test_who_cannot_go_now_is_passed_over_without_losing_the_turn() -> None:
    queue: FairQueue[Any] = FairQueue(100)
    first, second = Question("sql", "", 0), Question("mates", "", 0)
    queue.add(first)
    queue.add(second)
    assert queue.next(lambda item: item is not first) is second
    assert queue.next() is first
    assert not queue.remove(first)


class Question:
    def __init__(self, adapter: str | None, user: str, number: int) -> None:
        self.adapter, self.user, self.number = adapter, user, number


def test_one_users_heap_does_not_delay_another(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=2)
    heap = [engine.submit(ask(f"pregunta {number}", "sql", user="ana", tokens=20)) for number in range(30)]
    other = engine.submit(ask("Hola", "sql", user="luis", tokens=3))
    other.result(30)
    assert sum(ticket.done for ticket in heap) < 15
    for ticket in heap:
        ticket.cancel()
    engine.close()


def test_a_tutor_without_a_slot_waits_for_one_and_is_not_starved(base: Path, adapters: dict[str, Path]) -> None:
    probe = opened(base, {"sql": adapters["sql"]})
    one = probe.facts().adapter_bytes
    probe.close()
    engine = opened(base, adapters, rows=4, slot_bytes=one)
    expected = {name: engine.generate([ask("Hola", name)])[0].text for name in TUTORS}
    tickets = [(name, engine.submit(ask("Hola", name, user=str(number)))) for number in range(20) for name in TUTORS]
    assert all(ticket.result(60).text == expected[name] for name, ticket in tickets)
    assert engine.facts().adapter_bytes <= one
    engine.close()


# --- tickets -------------------------------------------------------------------------------------


def test_event_loops_read_without_being_blocked(engine: TorchEngine) -> None:
    expected = alone(engine, MIXED)

    async def read(request: Request) -> str:
        return "".join([piece async for piece in engine.submit(request)])

    async def all_together() -> tuple[list[str], int]:
        beats = 0

        async def heart() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.001)

        heart_task = asyncio.create_task(heart())
        found = await asyncio.gather(*map(read, MIXED))
        heart_task.cancel()
        return found, beats

    found, beats = asyncio.run(all_together())
    assert found == expected
    assert beats > 3


def test_a_ticket_may_be_read_by_many_and_late(engine: TorchEngine) -> None:
    ticket = engine.submit(ask("Hola", "sql"))
    whole = ticket.result(10).text
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: "".join(ticket), range(4))) == {whole}


def test_waiting_for_a_result_has_an_end(engine: TorchEngine) -> None:
    ticket = engine.submit(ask("Hola", "sql", tokens=400))
    with pytest.raises(TimeoutError):
        ticket.result(0.0)
    ticket.cancel()


def test_a_completion_tells_its_times(engine: TorchEngine) -> None:
    completion = engine.generate([ask("Hola", "sql")])[0]
    assert 0 < completion.first_token_seconds <= completion.seconds


def test_a_request_that_cannot_be_answered_is_refused_when_it_comes(engine: TorchEngine) -> None:
    with pytest.raises(NotFoundError):
        engine.submit(ask("Hola", "nadie"))
    with pytest.raises(UsageError, match="tokens and the base holds 512"):
        engine.submit(ask("hola " * 600))


def test_a_tutor_that_is_detached_before_its_turn_is_missed_by_its_question_alone(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=1)
    running = engine.submit(ask("Hola", "sql", tokens=60))
    late, other = engine.submit(ask("Hola", "mates")), engine.submit(ask("Hola", "sql2"))
    engine.detach("mates")
    running.cancel()
    with pytest.raises(NotFoundError):
        late.result(10)
    assert other.result(10).text
    engine.close()


def test_ctrl_c_while_waiting_leaves_the_engine_usable(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters_hub.engine import tickets

    expected = engine.generate([ask("Hola", "sql")])[0].text

    def interrupted(self: Any, timeout: float | None = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(tickets.AnswerTicket, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.generate([ask("Hola", "mates", tokens=400)] * 5)
    monkeypatch.undo()
    assert engine.generate([ask("Hola", "sql")])[0].text == expected
    assert (engine.facts().running, engine.facts().waiting) == (0, 0)


# --- closing -------------------------------------------------------------------------------------


def test_closing_ends_those_who_wait_with_a_clear_error(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters, rows=1)
    tickets = [engine.submit(ask("Hola", name, tokens=400)) for name in TUTORS]
    next(iter(tickets[0]))
    engine.close()
    for ticket in tickets:
        with pytest.raises(HubError, match="closed"):
            ticket.result(5)
    with pytest.raises(HubError, match="closed"):
        engine.submit(ask("Hola"))
    with pytest.raises(HubError, match="closed"):
        engine.generate([ask("Hola")])


def test_an_engine_that_nobody_holds_any_more_goes_away(base: Path, adapters: dict[str, Path]) -> None:
    engine = opened(base, adapters)
    engine.generate([ask("Hola", "sql")])
    thread, model = engine.thread, weakref.ref(engine.loaded.model)
    del engine
    gc.collect()
    assert thread.closed
    thread.close()
    gc.collect()
    assert model() is None


def test_the_interpreter_ends_while_an_answer_is_under_way(base: Path) -> None:
    program = f"""
from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.session import TorchEngine
from adapters_hub.types import BaseModel, Message
engine = TorchEngine(BaseModel(model={str(base)!r}, quantization="none"))
ticket = engine.submit(Request((Message("user", "Hola"),), None, Sampling(max_new_tokens=450, temperature=1.0, seed=2)))
next(iter(ticket))
print("bye")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "bye\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_told_so_and_ends_in_peace(base: Path) -> None:
    program = f"""
import os, sys
from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.session import TorchEngine
from adapters_hub.errors import HubError
from adapters_hub.types import BaseModel, Message
engine = TorchEngine(BaseModel(model={str(base)!r}, quantization="none"))
request = Request((Message("user", "Hola"),), None, Sampling(max_new_tokens=450, temperature=1.0, seed=2))
ticket = engine.submit(request)
next(iter(ticket))
child = os.fork()
if not child:
    try:
        engine.submit(request)
    except HubError as error:
        sys.exit(17 if "another process" in error.message else 1)
    sys.exit(2)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), ticket.result(30).finish in ("stop", "length"))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stdout) == (0, "17 True\n"), done.stderr


# --- the model's thread --------------------------------------------------------------------------


def test_work_runs_on_the_models_thread_in_order_and_brings_back_its_error() -> None:
    thread = ModelThread()
    assert thread.run(threading.current_thread) is not threading.current_thread()
    assert thread.run(lambda: thread.run(threading.current_thread)) is thread.run(threading.current_thread), "inline from within"
    with pytest.raises(ZeroDivisionError):
        thread.run(lambda: 1 / 0)
    with pytest.raises(TimeoutError, match="its own"):
        thread.run(lambda: _raise(TimeoutError("its own")))
    thread.close()
    thread.close()
    with pytest.raises(HubError, match="closed"):
        thread.run(lambda: 1)


def test_work_gets_its_turn_between_two_steps() -> None:
    thread = ModelThread()
    turns: list[int] = []

    def turn() -> bool:
        turns.append(len(turns))
        time.sleep(0.001)
        return True

    thread.take_turns(turn)
    before = thread.run(lambda: len(turns))
    time.sleep(0.05)
    assert thread.run(lambda: len(turns)) > before + 3
    thread.close()


def _raise(error: Exception) -> None:
    raise error


def test_an_engine_belongs_to_its_process(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own + 1)
    with pytest.raises(HubError, match="another process"):
        engine.submit(ask("Hola"))
    monkeypatch.undo()
    assert engine.generate([ask("Hola")])[0].text
