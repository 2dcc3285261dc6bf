"""The torch engine: answers as text, each request under its own adapter, never another's."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_models import random_adapter, save_tiny_base
from tokenizers import Tokenizer, decoders, models

from adapters_hub import hardware
from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.answer_text import AnswerText
from adapters_hub.engine.generation import Decoded, Prompt, Row, choose
from adapters_hub.engine.session import TorchEngine
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.rendering import render
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import Adapter, BaseModel, Message, RunManifest

GREEDY = Sampling(max_new_tokens=12)


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapters(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    folder = tmp_path_factory.mktemp("adapters")
    return {
        name: random_adapter(model, folder / name, seed=seed, strength=3.0) for seed, name in enumerate(("algoritmos", "sql", "sql2"), 1)
    }


@pytest.fixture(scope="module")
def engine(base_folder: Path, adapters: dict[str, Path]) -> Any:
    former = hardware.compute_dtype
    hardware.compute_dtype = lambda torch_module, device: torch.float32
    try:
        engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    finally:
        hardware.compute_dtype = former
    for name, folder in adapters.items():
        engine.attach(Adapter(name, folder))
    yield engine
    engine.close()


def asking(text: str, adapter: str | None = None, sampling: Sampling = GREEDY) -> Request:
    return Request((Message("system", "Eres un tutor."), Message("user", text)), adapter, sampling)


def tokens_by_peft(base_folder: Path, adapter: Path | None, request: Request) -> list[int]:
    """The oracle: transformers' own greedy search over a plain PEFT model."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
    ids = render(load_chat_format(base_folder), request.messages, add_generation_prompt=True).ids
    with torch.no_grad():
        out = model.generate(
            input_ids=torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=request.sampling.max_new_tokens,
            eos_token_id=[0, 1, 2, 3],
            pad_token_id=4,
        )
    answer = out[0, len(ids) :].tolist()
    return [token for token in answer if token > 4]


@pytest.mark.parametrize("name", [None, "algoritmos", "sql"])
def test_a_greedy_answer_is_that_of_plain_peft(engine: TorchEngine, base_folder: Path, adapters: dict[str, Path], name: str | None) -> None:
    request = asking("¿Cuánto es 2 + 2?", name)
    expected = engine.loaded.chat.tokenizer.decode(tokens_by_peft(base_folder, adapters.get(name or ""), request), skip_special_tokens=True)
    (completion,) = engine.generate([request])
    assert completion.text == expected.strip().rstrip("\ufffd"), "all but a character whose bytes were cut off by the limit"
    assert completion.completion_tokens > 3


def test_a_mixed_batch_answers_as_each_would_alone(engine: TorchEngine) -> None:
    requests = [
        asking("Hola", "sql"),
        asking("¿Qué es un algoritmo de ordenación?", "algoritmos"),
        asking("SELECT nombre", None, replace(GREEDY, max_new_tokens=3)),
        asking("¿Cuánto es 2 + 2?", "sql2"),
        asking("Hola", "sql2"),
    ]
    together = [completion.text for completion in engine.generate(requests)]
    alone = [engine.generate([request])[0].text for request in requests]
    assert together == alone
    assert len(set(together)) > 3, "the adapters must differ for this to say anything"


def test_the_stream_is_the_completion_in_pieces_of_whole_characters(engine: TorchEngine) -> None:
    request = asking("¿Qué tal?", "algoritmos", Sampling(max_new_tokens=40))
    pieces = list(engine.stream(request))
    assert "".join(pieces) == engine.generate([request])[0].text
    assert all(pieces)


def test_a_seed_repeats_an_answer_and_another_seed_does_not(engine: TorchEngine) -> None:
    sampling = Sampling(temperature=1.5, top_p=0.95, max_new_tokens=30, seed=5)
    first, again, other = (engine.generate([asking("Hola", "sql", s)])[0].text for s in (sampling, sampling, replace(sampling, seed=6)))
    assert first == again != other


def test_the_first_token_obeys_temperature_and_top_p_under_a_penalty_too() -> None:
    logits = torch.tensor([4.0, 3.5, 3.0, 2.0])
    for penalty in (1.0, 1.3):
        prompts = [Prompt((1,), -1, Sampling(0.05, 0.5, penalty, 5, seed), frozenset(), 5) for seed in range(50)]
        rows = [Row(0, prompt, torch.device("cpu")) for prompt in prompts]
        assert set(choose(rows, logits.expand(50, -1))) == {0}


def test_the_penalty_is_on_what_was_said_already() -> None:
    row = Row(0, Prompt((1,), -1, Sampling(0.0, 1.0, 2.0, 5), frozenset(), 5), torch.device("cpu"))
    logits = torch.tensor([4.0, 3.5, 3.0])
    said = []
    for _ in range(3):
        (token,) = choose([row], logits[None])
        assert isinstance(token, int)
        said.append(token)
        row.step(said[-1])
    assert said == [0, 1, 2]


def test_the_seed_of_a_row_is_its_own_whatever_is_beside_it(engine: TorchEngine) -> None:
    sampling = Sampling(temperature=1.2, max_new_tokens=15, seed=5)
    alone = engine.generate([asking("Hola", "sql", sampling)])[0].text
    beside = engine.generate([asking("Buenas tardes a todos", "algoritmos", replace(sampling, seed=9)), asking("Hola", "sql", sampling)])[
        1
    ].text
    assert alone == beside


def test_threads_get_their_own_tutors_answers(engine: TorchEngine) -> None:
    names = ["algoritmos", "sql", "sql2", None] * 2
    expected = {name: engine.generate([asking("Hola", name)])[0].text for name in set(names)}
    found: list[tuple[str | None, str]] = []

    def work(name: str | None) -> None:
        for _ in range(3):
            found.append((name, "".join(engine.stream(asking("Hola", name)))))

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 24
    assert all(text == expected[name] for name, text in found)


def test_leaving_a_stream_half_way_leaves_the_engine_as_it_was(engine: TorchEngine) -> None:
    expected = engine.generate([asking("Hola", "sql")])[0].text
    stream = engine.stream(asking("Hola", "algoritmos"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert engine.generate([asking("Hola", "sql")])[0].text == expected


def test_attaching_again_replaces_and_a_failed_attach_changes_nothing(base_folder: Path, adapters: dict[str, Path], tmp_path: Path) -> None:
    engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    bare = engine.generate([asking("Hola")])[0].text
    engine.attach(Adapter("uno", adapters["sql"]))
    before = engine.generate([asking("Hola", "uno")])[0].text
    with pytest.raises(HubError):
        engine.attach(Adapter("uno", tmp_path))
    assert engine.generate([asking("Hola", "uno")])[0].text == before
    engine.attach(Adapter("uno", adapters["algoritmos"]))
    assert engine.attached() == ("uno",)
    assert engine.generate([asking("Hola", "uno")])[0].text != before
    engine.detach("uno")
    assert engine.generate([asking("Hola")])[0].text == bare
    with pytest.raises(NotFoundError):
        engine.generate([asking("Hola", "uno")])


def test_an_answer_under_way_survives_a_change_of_its_adapter(base_folder: Path, adapters: dict[str, Path]) -> None:
    engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    engine.attach(Adapter("uno", adapters["sql"]))
    request = asking("Hola", "uno", Sampling(max_new_tokens=20))
    expected = "".join(engine.stream(request))
    stream = engine.stream(request)
    begun = next(stream)
    engine.attach(Adapter("uno", adapters["algoritmos"]))
    assert len(engine.bank.slots()) == 2
    assert begun + "".join(stream) == expected
    assert len(engine.bank.slots()) == 1
    assert "".join(engine.stream(request)) != expected


def test_closing_twice_is_fine(base_folder: Path) -> None:
    engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    engine.close()
    engine.close()


def manifest_of(engine: TorchEngine, **changes: Any) -> RunManifest:
    whole = RunManifest(
        schema=1,
        run_id="r1",
        tutor="sql",
        created="2026-01-01T00:00:00Z",
        base=engine.loaded.identity,
        quantization="none",
        template_sha256=engine.loaded.chat.template_sha256,
        system_prompt_sha256="",
        stop_token_ids=(0,),
        dataset_sha256="",
        recipe={},
        metrics={},
        files={},
        versions={},
    )
    return replace(whole, **changes)


def test_an_adapter_of_another_base_or_template_is_refused_by_its_manifest(engine: TorchEngine, adapters: dict[str, Path]) -> None:
    identity = engine.loaded.identity
    for base in (replace(identity, fingerprint="0" * 64), replace(identity, weights="0" * 64)):
        with pytest.raises(HubError, match="was trained on the base"):
            engine.attach(Adapter("nuevo", adapters["sql"], manifest_of(engine, base=base)))
    with pytest.raises(HubError, match="chat template"):
        engine.attach(Adapter("nuevo", adapters["sql"], manifest_of(engine, template_sha256="0" * 64)))
    assert "nuevo" not in engine.attached()


def test_the_stop_tokens_of_the_manifest_end_an_answer(base_folder: Path, adapters: dict[str, Path]) -> None:
    engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    engine.attach(Adapter("libre", adapters["sql"]))
    engine.loaded.model.float()
    prompt = asking("Hola", "libre")
    said = tokens_by_peft(base_folder, adapters["sql"], prompt)
    engine.attach(Adapter("corto", adapters["sql"], manifest_of(engine, stop_token_ids=(said[1],))))
    completion = engine.generate([replace(prompt, adapter="corto")])[0]
    assert completion.finish == "stop"
    assert completion.completion_tokens < 12


def test_a_conversation_longer_than_the_context_is_refused_and_a_long_answer_is_cut(engine: TorchEngine) -> None:
    with pytest.raises(UsageError, match="tokens and the base holds 512"):
        engine.generate([asking("hola " * 600)])
    long = asking("a" * 200, None, Sampling(max_new_tokens=10_000, temperature=1.0, seed=1))
    left = engine.tokens_left(long)
    completion = engine.generate([long])[0]
    assert completion.completion_tokens <= left
    assert completion.prompt_tokens + left == 512


# --- text ----------------------------------------------------------------------------------------


class _FakeBase:
    """Only what AnswerText looks at, with role headers in plain text as in Vicuna's or Alpaca's format."""

    def __init__(self, chat: Any, markers: tuple[str, ...]) -> None:
        self.tokenizer, self.turn_markers, self.control_tokens = chat.tokenizer, markers, dict[str, int]()


def say(base_folder: Path, text: str, markers: tuple[str, ...]) -> tuple[list[str], AnswerText]:
    chat = load_chat_format(base_folder)
    answer = AnswerText(_FakeBase(chat, markers))  # type: ignore[arg-type]
    pieces = []
    for token in chat.tokenizer.encode(text, add_special_tokens=False).ids:
        pieces.append(answer.add(Decoded(0, token)))
        if answer.ended:
            break
    else:
        pieces.append(answer.add(Decoded(0, None, "stop")))
    return pieces, answer


def test_a_turn_marker_in_plain_text_ends_the_answer_and_is_never_shown(base_folder: Path) -> None:
    pieces, answer = say(base_folder, "Es 4.\n\n### Instruction:\nOtra pregunta", ("### Instruction:", "### Response:"))
    assert answer.whole == "".join(pieces) == "Es 4."
    assert answer.ended


def test_broken_bytes_before_a_whole_token_end_no_answer() -> None:
    tokenizer = Tokenizer(models.BPE({"<0x0A>": 0, "<0xC3>": 1, "hola": 2, "<unk>": 3}, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    answer = AnswerText(_FakeBase(SimpleNamespace(tokenizer=tokenizer), ()))  # type: ignore[arg-type]
    shown = "".join(answer.add(Decoded(0, token)) for token in (2, 0, 1, 2, 2)) + answer.add(Decoded(0, None, "stop"))
    assert shown.startswith("hola")
    assert shown.endswith("hola")


def test_what_only_looks_like_a_marker_is_shown_in_the_end(base_folder: Path) -> None:
    pieces, answer = say(base_folder, "Título\n### Instalar\nfin ###", ("### Instruction:",))
    assert answer.whole == "".join(pieces) == "Título\n### Instalar\nfin ###"


def test_outer_white_space_is_not_part_of_an_answer_and_inner_is(base_folder: Path) -> None:
    _pieces, answer = say(base_folder, "\n  hola\n\n    ñandú ¿sí?  \n", ())
    assert answer.whole == "hola\n\n    ñandú ¿sí?"
