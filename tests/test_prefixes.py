"""Kept keys and values: exact, each adapter's and version's own, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from chaos_storm import exact_numbers
from tiny_models import random_adapter, save_tiny_base, tiny_model

from adapters_hub import hardware
from adapters_hub.contracts import Completion, Request, Sampling
from adapters_hub.engine.growing_cache import GrowingCache, States
from adapters_hub.engine.prefixes import Owner, Prefixes
from adapters_hub.engine.session import TorchEngine
from adapters_hub.types import Adapter, BaseModel, Message

SYSTEM = "Eres un tutor de algoritmos. Un algoritmo de ordenación compara elementos y los cambia de lugar."
TUTORS = ("sql", "sql2")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, model = tmp_path_factory.mktemp("adapters"), tiny_model()
    return {name: random_adapter(model, folder / name, seed=seed, strength=3.0) for seed, name in enumerate((*TUTORS, "other"), 1)}


def opened(base: Path, adapters: dict[str, Path], **settings: Any) -> TorchEngine:
    engine = TorchEngine(BaseModel(model=str(base), quantization="none"), **settings)
    for name in TUTORS:
        engine.attach(Adapter(name, adapters[name]))
    return engine


@pytest.fixture
def warm(base: Path, adapters: dict[str, Path]) -> Iterator[TorchEngine]:
    with exact_numbers():
        engine = opened(base, adapters)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cold(base: Path, adapters: dict[str, Path]) -> Iterator[TorchEngine]:
    """Keeps nothing: the oracle."""
    with exact_numbers():
        engine = opened(base, adapters, prefix_bytes=0)
    yield engine
    engine.close()


def ask(*turns: str, adapter: str | None = "sql", user: str = "", tokens: int = 12, system: str = SYSTEM) -> Request:
    """A conversation: questions and answers in turn."""
    messages = [Message("system", system)] if system else []
    messages += [Message("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(turns)]
    return Request(tuple(messages), adapter, Sampling(max_new_tokens=tokens), user)


def one(engine: TorchEngine, request: Request) -> Completion:
    return engine.generate([request])[0]


def test_the_second_question_reuses_the_system_prompt_and_gets_the_very_same_answer(warm: TorchEngine, cold: TorchEngine) -> None:
    first, second = one(warm, ask("Hola")), one(warm, ask("¿Qué es un algoritmo?"))
    opening = warm._ticket(ask("Hola")).opening
    assert first.reused_tokens == 0
    assert second.reused_tokens == opening > 16
    expected = one(cold, ask("¿Qué es un algoritmo?"))
    assert expected.reused_tokens == 0
    assert (second.text, second.completion_tokens) == (expected.text, expected.completion_tokens)


def test_in_single_precision_too(base: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "compute_dtype", lambda torch_module, device: torch.float32)
    warm, cold = opened(base, adapters), opened(base, adapters, prefix_bytes=0)
    questions = [ask(text, adapter=name) for name in (*TUTORS, None) for text in ("Hola", "SELECT", "¿Cuánto es 2 + 2?", "nota")]
    expected = [completion.text for completion in cold.generate(questions)]
    assert [one(warm, question).text for question in questions] == expected
    again = [one(warm, question) for question in questions]
    assert [completion.text for completion in again] == expected
    assert all(completion.reused_tokens for completion in again)
    warm.close(), cold.close()


def test_the_opening_ends_before_the_users_text_whatever_it_begins_with(warm: TorchEngine) -> None:
    openings = set()
    for text in ("0", "¿a", "Hola", "\n\nhola", " ", "ñ", "{", "0 y ¿a"):
        ticket = warm._ticket(ask(text))
        other = warm._ticket(ask("otra cosa"))
        assert ticket.ids[: ticket.opening] == other.ids[: ticket.opening]
        openings.add(ticket.opening)
    assert len(openings) == 1


def test_two_adapters_never_share_although_their_prompts_are_equal(warm: TorchEngine, cold: TorchEngine) -> None:
    for name in (*TUTORS, None):
        found = one(warm, ask("Hola", adapter=name))
        assert found.reused_tokens == 0
        assert found.text == one(cold, ask("Hola", adapter=name)).text


def test_a_new_version_of_a_tutor_reuses_nothing_of_the_former(warm: TorchEngine, adapters: dict[str, Path]) -> None:
    former = one(warm, ask("Hola"))
    kept = warm.facts().prefix_bytes
    warm.attach(Adapter("sql", adapters["other"]))
    assert warm.facts().prefix_bytes < kept, "what was kept of the former version is forgotten"
    renewed = one(warm, ask("Hola"))
    assert renewed.reused_tokens == 0
    assert renewed.text != former.text


def test_detaching_forgets_and_what_ends_later_is_not_kept(warm: TorchEngine) -> None:
    ticket = warm.submit(ask("Hola", tokens=200))
    next(iter(ticket))
    warm.detach("sql")
    ticket.result(20)
    assert warm.thread.run(warm.prefixes.digests) <= {""}
    assert warm.facts().prefix_bytes == 0


def test_one_adapter_under_two_names_shares_since_it_is_the_same(warm: TorchEngine, adapters: dict[str, Path]) -> None:
    warm.attach(Adapter("gemelo", adapters["sql"]))
    one(warm, ask("Hola", adapter="sql"))
    assert one(warm, ask("¿Y ahora?", adapter="gemelo")).reused_tokens > 0
    warm.detach("gemelo")
    assert one(warm, ask("¿Y qué?", adapter="sql")).reused_tokens > 0, "one name is left"


def test_a_conversation_reuses_its_earlier_turns(warm: TorchEngine, cold: TorchEngine) -> None:
    turns: list[str] = []
    previous = 0
    for question in ("Hola", "¿Qué es SELECT?", "¿Y WHERE?"):
        turns.append(question)
        found, expected = one(warm, ask(*turns, user="ana")), one(cold, ask(*turns, user="ana"))
        assert found.text == expected.text
        assert found.reused_tokens >= previous, "all of the last prompt at least"
        previous = found.prompt_tokens
        turns.append(found.text)


def test_another_users_conversation_is_not_reused_beyond_the_system_prompt(warm: TorchEngine) -> None:
    first = one(warm, ask("Hola", user="ana"))
    turns = ("Hola", first.text, "¿Y WHERE?")
    opening = warm._ticket(ask("Hola")).opening
    assert one(warm, ask(*turns, user="luis")).reused_tokens == opening
    assert one(warm, ask(*turns, user="ana")).reused_tokens > opening


def test_asking_the_same_again_reuses_all_but_the_last_token(warm: TorchEngine) -> None:
    first, again = one(warm, ask("Hola")), one(warm, ask("Hola"))
    assert again.reused_tokens == first.prompt_tokens - 1
    assert again.text == first.text


def test_many_at_once_compute_their_common_system_prompt_once(warm: TorchEngine, cold: TorchEngine) -> None:
    questions = [ask(f"pregunta número {number}", user=str(number)) for number in range(12)]
    found = warm.generate(questions)
    assert [completion.text for completion in found] == [completion.text for completion in cold.generate(questions)]
    assert sum(completion.reused_tokens == 0 for completion in found) == 1


def test_rows_that_reuse_and_rows_that_do_not_are_computed_together(warm: TorchEngine, cold: TorchEngine) -> None:
    one(warm, ask("Hola"))
    questions = [
        ask("SELECT", adapter="sql"),
        ask("nota >= 5", adapter="sql2", system=""),
        ask("¿Cuánto es 2 + 2?", adapter="sql"),
        ask("Hola", adapter=None, system="Eres otro."),
    ]
    assert [completion.text for completion in warm.generate(questions)] == [completion.text for completion in cold.generate(questions)]


def test_windows_that_slide_do_not_disturb_reuse(tmp_path: Path) -> None:
    from test_scheduler import windowed

    with exact_numbers():
        warm = TorchEngine(BaseModel(model=str(windowed("mistral", tmp_path)), quantization="none"))
        cold = TorchEngine(BaseModel(model=str(tmp_path), quantization="none"), prefix_bytes=0)
    questions = [ask(text, adapter=None) for text in ("Hola", "¿Cuánto es 2 + 2?", "a", "SELECT nombre FROM alumnos")]
    assert [one(warm, question).text for question in questions] == [one(cold, question).text for question in questions]
    assert all(one(warm, question).reused_tokens for question in questions)
    warm.close(), cold.close()


# --- the store -----------------------------------------------------------------------------------


def states(tokens: int) -> States:
    return ((torch.ones(1, tokens, 2), torch.ones(1, tokens, 2)),)


OWNER = Owner("d", "t")
BYTES = 16
"""Of one token in ``states``."""


def test_the_budget_is_kept_and_the_least_recently_used_goes_first() -> None:
    kept = Prefixes(40 * BYTES)
    for number in range(4):
        kept.keep(OWNER, (number,) * 10, states(10))
    assert kept.find([OWNER], (0,) * 11) is not None
    kept.keep(OWNER, (9,) * 10, states(10))
    assert kept.bytes == 40 * BYTES
    assert kept.find([OWNER], (1,) * 11) is None
    assert kept.find([OWNER], (0,) * 11) is not None


def test_what_is_larger_than_half_the_budget_is_not_kept() -> None:
    kept = Prefixes(40 * BYTES)
    kept.keep(OWNER, (1,) * 21, states(21))
    assert (len(kept), kept.bytes) == (0, 0)


def test_keeping_again_replaces_and_counts_once() -> None:
    kept = Prefixes(100 * BYTES)
    kept.keep(OWNER, (1, 2, 3, 4), states(4), known_by=2)
    kept.keep(OWNER, (1, 2, 9), states(3), known_by=2)
    assert (len(kept), kept.bytes) == (1, 3 * BYTES)
    found = kept.find([OWNER], (1, 2, 9, 9))
    assert found is not None and found.tokens == 3
    found = kept.find([OWNER], (1, 2, 3, 4))
    assert found is not None and found.tokens == 2, "as far as they agree"


def test_another_owner_finds_nothing() -> None:
    kept = Prefixes(100 * BYTES)
    kept.keep(OWNER, (1, 2, 3), states(3))
    for other in (Owner("e", "t"), Owner("d", "u"), Owner("d", "t", "ana")):
        assert kept.find([other], (1, 2, 3, 4)) is None
    kept.drop("d")
    assert kept.find([OWNER], (1, 2, 3, 4)) is None
    assert (kept.bytes, kept.digests()) == (0, set())


def test_the_last_token_is_always_computed() -> None:
    kept = Prefixes(100 * BYTES)
    kept.keep(OWNER, (1, 2, 3), states(3))
    found = kept.find([OWNER], (1, 2, 3))
    assert found is not None and found.tokens == 2
    assert kept.find([OWNER], (1,)) is None


def test_what_is_kept_is_a_copy() -> None:
    kept, source = Prefixes(100 * BYTES), states(3)
    kept.keep(OWNER, (1, 2, 3), source)
    source[0][0].zero_()
    found = kept.find([OWNER], (1, 2, 3, 4))
    assert found is not None and bool(found.states[0][0].all())


# --- the growing cache ---------------------------------------------------------------------------


def test_rows_of_the_cache_come_go_and_move_without_changing() -> None:
    torch.manual_seed(0)
    model = tiny_model(dtype=torch.float64)
    cache = GrowingCache(model.config)
    rows: list[tuple[torch.Tensor, int]] = []
    for number in range(200):
        if rows and (number % 3 == 2 or len(rows) > 6):
            place = number % len(rows)
            last = rows.pop()
            if place < len(rows):
                rows[place] = last
            if rows:
                cache.leave(place, max(tokens for _, tokens in rows))
            else:
                cache.clear()
        else:
            tokens = 1 + (number * 37) % 90
            marks = torch.randn(2, tokens, 16, dtype=torch.float64)
            cache.join(tuple((marks.clone(), -marks.clone()) for _ in cache.layers), more=3)
            rows.append((marks, tokens))
        if rows:
            cache.reserve(1)
            cache.begin(slice(0, len(rows)))
            new = torch.randn(len(rows), 2, 1, 16, dtype=torch.float64)
            for layer in cache.layers:
                layer.update(new, -new)
            cache.advance(1)
            rows = [(torch.cat([marks, new[place]], dim=1), tokens + 1) for place, (marks, tokens) in enumerate(rows)]
        assert cache.rows == len(rows)
        for place, (marks, tokens) in enumerate(rows):
            for keys, values in cache.of_row(place, tokens):
                assert torch.equal(keys, marks) and torch.equal(values, -marks)
            left = cache.states(place, 0, cache.extent.stop - tokens)
            assert not any(bool(keys.any()) for keys, _ in left), "what a mask hides must be zero: NaN times zero is NaN"
    assert number == 199
