"""The echo engine keeps the promises of an engine."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters_hub.builtin import echo
from adapters_hub.contracts import Request, Sampling, TrainEnd, TrainEvent, TrainJob, TrainStart, TrainStep
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import Adapter, BaseModel, Example, LoraSettings, Message, Recipe, TrainSettings

BASE = BaseModel(engine="echo")


def example(number: int) -> Example:
    return Example((Message("user", f"pregunta {number}"), Message("assistant", f"respuesta {number}")))


def job(run_dir: Path, *, resume: bool = False, **train: Any) -> TrainJob:
    recipe = Recipe(LoraSettings(rank=2), TrainSettings(**{"batch_size": 2, "epochs": 2, "checkpoint_every": 2, **train}))
    return TrainJob("sumas", BASE, tuple(map(example, range(6))), (example(9),), recipe, run_dir, resume=resume)


def ask(text: str, adapter: str | None = None, **sampling: Any) -> Request:
    return Request((Message("system", "Eres..."), Message("user", text)), adapter, Sampling(**sampling))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    echo.write_adapter(tmp_path, "mini", 2, 4.0)
    engine = echo.hub_engines()[0].open(BASE)
    engine.attach(Adapter("sumas", tmp_path))
    yield engine
    engine.close()


def test_the_answer_is_the_question_and_who_answers(engine: Any) -> None:
    assert "".join(engine.stream(ask("¿Cuánto es dos  y dos?", "sumas"))) == "[sumas] ¿Cuánto es dos  y dos?"
    assert "".join(engine.stream(ask("hola"))) == "[base] hola"


def test_a_mixed_batch_keeps_order_and_tutors_apart(engine: Any) -> None:
    completions = engine.generate([ask("a", "sumas"), ask("b"), ask("c", "sumas")])
    assert [completion.text for completion in completions] == ["[sumas] a", "[base] b", "[sumas] c"]
    assert {completion.finish for completion in completions} == {"stop"}


def test_a_long_answer_is_cut_and_says_so(engine: Any) -> None:
    (completion,) = engine.generate([ask("uno dos tres", max_new_tokens=2)])
    assert (completion.text, completion.finish, completion.completion_tokens) == ("[base] uno", "length", 2)


def test_the_context_is_finite(engine: Any) -> None:
    assert engine.tokens_left(ask("a")) == echo.CONTEXT - 2
    assert engine.tokens_left(ask("a " * 3000)) < 0


def test_a_conversation_beyond_the_context_is_refused(engine: Any) -> None:
    with pytest.raises(UsageError):
        engine.submit(ask("a " * 3000))


def test_a_ticket_is_read_word_by_word_from_a_thread_or_an_event_loop(engine: Any) -> None:
    async def read() -> list[str]:
        return [word async for word in engine.submit(ask("uno dos", "sumas"))]

    assert list(engine.submit(ask("uno dos", "sumas"))) == asyncio.run(read()) == ["[sumas]", " uno", " dos"]


def test_a_cancelled_ticket_keeps_what_was_read_of_it(engine: Any) -> None:
    ticket = engine.submit(ask("uno dos tres"))
    words = iter(ticket)
    assert next(words) + next(words) == "[base] uno"
    ticket.cancel()
    ticket.cancel()
    assert list(words) == []
    completion = ticket.result(timeout=1)
    assert (completion.text, completion.finish, completion.completion_tokens) == ("[base] uno", "cancelled", 2)


def test_cancelling_a_ticket_that_was_read_to_its_end_changes_nothing(engine: Any) -> None:
    ticket = engine.submit(ask("uno"))
    assert ticket.result().finish == "stop"
    ticket.cancel()
    assert ticket.result().finish == "stop"


def test_the_facts_name_who_is_attached(engine: Any) -> None:
    facts = engine.facts()
    assert (facts.attached, facts.running, facts.waiting) == (("sumas",), 0, 0)
    assert facts.adapter_bytes > 0


def test_an_adapter_that_is_not_attached_cannot_be_asked(engine: Any) -> None:
    with pytest.raises(NotFoundError):
        list(engine.stream(ask("a", "sql")))
    engine.detach("sumas")
    assert engine.attached() == ()
    with pytest.raises(NotFoundError):
        engine.detach("sumas")


def test_a_folder_without_adapter_is_refused_and_the_former_stays(engine: Any, tmp_path: Path) -> None:
    with pytest.raises(HubError):
        engine.attach(Adapter("sumas", tmp_path / "nothing"))
    assert engine.attached() == ("sumas",)


def test_a_closed_engine_answers_no_more(engine: Any) -> None:
    engine.close()
    engine.close()
    with pytest.raises(HubError):
        list(engine.stream(ask("a")))


def test_a_training_tells_its_story_with_falling_losses(tmp_path: Path) -> None:
    events = list(echo.train([job(tmp_path)]))
    assert isinstance(events[0], TrainStart) and isinstance(events[-1], TrainEnd)
    steps = [event for event in events if isinstance(event, TrainStep)]
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert all(before.loss > after.loss for before, after in itertools.pairwise(steps))
    assert [step.step for step in steps if step.held_out_loss is not None] == [3, 6]
    assert events[-1].held_out_last is not None and events[0].held_out_loss is not None
    assert events[-1].held_out_last < events[0].held_out_loss


def test_an_interrupted_training_goes_on_after_its_checkpoint(tmp_path: Path) -> None:
    events: Iterator[TrainEvent] = echo.train([job(tmp_path)])
    for event in events:
        if isinstance(event, TrainStep) and event.step == 5:
            break
    events.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "adapter_config.json").exists()
    start, first, *_ = echo.train([job(tmp_path, resume=True)])
    assert isinstance(start, TrainStart) and start.first_step == 5, "closing it keeps the step under way"
    assert isinstance(first, TrainStep) and first.step == 6


def test_a_finished_training_leaves_the_adapter_files_only(tmp_path: Path) -> None:
    list(echo.train([job(tmp_path)]))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]


def test_several_tutors_are_trained_in_turn(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    ends = [event for event in echo.train([job(folder) for folder in folders]) if isinstance(event, TrainEnd)]
    assert len(ends) == 2


def test_the_adapter_files_are_valid(tmp_path: Path) -> None:
    from safetensors import safe_open

    echo.write_adapter(tmp_path, "mini", 3, 6.0)
    with safe_open(tmp_path / "adapter_model.safetensors", framework="np") as file:
        shapes = {name.rsplit(".", 2)[1]: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118  (not a dict)
    assert shapes == {"lora_A": [3, echo.WIDTH], "lora_B": [echo.WIDTH, 3]}
    assert json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))["r"] == 3


def test_peft_reads_the_adapter_config(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    echo.write_adapter(tmp_path, "mini", 3, 6.0)
    config = peft.PeftConfig.from_pretrained(str(tmp_path))
    assert (config.r, config.lora_alpha, config.peft_type) == (3, 6.0, "LORA")
