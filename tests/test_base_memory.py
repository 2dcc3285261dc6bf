"""The arithmetic of memory: against the figures of the design, against the embedded model's own files, and against a loaded model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_hub.base_files import EMBEDDED
from adapters_hub.base_memory import (
    CARD_OVERHEAD,
    Shape,
    adapter_bytes,
    adapter_parameters,
    count_parameters,
    fits,
    kv_bytes_per_token,
    minutes_to_download,
    read_shape,
    room_in_ram,
    room_on_card,
    shape_of,
    training_bytes,
    weights_bytes,
)
from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.known_bases import CATALOGUE, known_base

GIB = 1 << 30
MINI = EMBEDDED["mini"]


def shape(name: str) -> Shape:
    found = known_base(name)
    assert found is not None
    return found.shape


PHI, QWEN, MISTRAL = "microsoft/phi-2", "Qwen/Qwen2.5-1.5B-Instruct", "mistralai/Mistral-7B-Instruct-v0.3"


@pytest.mark.parametrize(
    ("name", "kib"),
    [(PHI, 320), (QWEN, 28), ("Qwen/Qwen2.5-3B-Instruct", 36), (MISTRAL, 128), ("Qwen/Qwen2.5-7B-Instruct", 56)],
)
def test_a_token_of_conversation_takes_what_the_design_says(name: str, kib: int) -> None:
    assert kv_bytes_per_token(shape(name)) == kib * 1024


def test_phi_takes_327680_bytes_per_token_and_qwen_28672() -> None:
    assert (kv_bytes_per_token(shape(PHI)), kv_bytes_per_token(shape(QWEN))) == (327_680, 28_672)


@pytest.mark.parametrize(
    ("name", "megabytes"), [(QWEN, 37), ("Qwen/Qwen2.5-3B-Instruct", 60), (PHI, 47), (MISTRAL, 84), ("Qwen/Qwen2.5-7B-Instruct", 81)]
)
def test_an_adapter_of_rank_16_takes_what_the_design_says(name: str, megabytes: int) -> None:
    assert round(adapter_bytes(shape(name), 16) / 1e6) == megabytes


@pytest.mark.parametrize(
    ("name", "on_4_gb", "on_8_gb"), [(QWEN, 35, None), ("Qwen/Qwen2.5-3B-Instruct", 14, 71), (PHI, 2, 8), (MISTRAL, 0, 12)]
)
def test_conversations_side_by_side_are_those_of_the_design(name: str, on_4_gb: int, on_8_gb: int | None) -> None:
    assert fits(shape(name), room_on_card("card", 4 * GIB)).conversations == on_4_gb
    if on_8_gb is not None:
        assert fits(shape(name), room_on_card("card", 8 * GIB)).conversations == on_8_gb


def test_training_phi_takes_about_what_was_planned() -> None:
    allocated = training_bytes(shape(PHI), "nf4", rank=16, tokens=512)
    assert 2.1 * GIB < allocated < 2.5 * GIB, "the plan says about 2.2 GiB, with optimizer states in 8 bits"


def test_the_shape_of_mini_is_read_from_its_config_and_counts_its_weights() -> None:
    found = read_shape(MINI)
    assert (found.layers, found.kv_heads, found.head_dim, found.context, found.tied) == (8, 2, 64, 1024, True)
    stored = count_parameters(MINI)
    assert stored == sum(file.stat().st_size for file in MINI.glob("*.safetensors")) // 2 - stored_header() // 2
    assert found.parameters == pytest.approx(stored, rel=1e-3), "only norms are left out"


def stored_header() -> int:
    """Bytes of mini's weight file that are no weights."""
    with (MINI / "model.safetensors").open("rb") as stream:
        return 8 + int.from_bytes(stream.read(8), "little")


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_loaded_mini_takes_the_computed_bytes_and_so_does_its_cache(quantization: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("bitsandbytes")
    from adapters_hub.engine.base import load_base
    from adapters_hub.types import BaseModel

    loaded = load_base(BaseModel(model="mini", quantization=quantization))  # type: ignore[arg-type]
    found, each = read_shape(MINI), loaded.compute_dtype.itemsize
    assert loaded.quantization == quantization
    states = [
        state for module in loaded.model.modules() if (state := getattr(getattr(module, "weight", None), "quant_state", None)) is not None
    ]
    scales = sum(state.absmax.nbytes + state.state2.absmax.nbytes for state in states)  # transformers' footprint leaves them out
    assert weights_bytes(found, quantization, each) == pytest.approx(loaded.memory_bytes + scales, rel=0.01)
    tokens = 40
    with torch.no_grad():
        cache = loaded.model(torch.ones(1, tokens, dtype=torch.long), use_cache=True).past_key_values
    held = sum(tensor.nbytes for layer in cache.layers for tensor in (layer.keys, layer.values))
    assert held == tokens * kv_bytes_per_token(found, each)


def test_adapter_parameters_are_those_that_peft_would_train() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft")
    config = transformers.AutoConfig.from_pretrained(MINI)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
        model = peft.get_peft_model(model, peft.LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert adapter_parameters(read_shape(MINI), 16) == model.get_nb_trainable_parameters()[0]


def test_a_config_without_head_dim_or_key_heads_is_completed_as_transformers_does() -> None:
    found = shape_of({"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100, "model_type": "llama"})
    assert (found.kv_heads, found.head_dim, found.intermediate, found.context, found.tied) == (4, 16, 256, 2048, False)


def test_gpt2_and_phi_are_known_by_their_own_habits() -> None:
    old = shape_of({"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024, "model_type": "gpt2"})
    assert (old.hidden, old.intermediate, old.context, old.mlp_matrices, old.tied) == (768, 3072, 1024, 2, True)
    assert old.parameters == pytest.approx(124e6, rel=0.01)
    sizes = {"hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 51200, "intermediate_size": 10240}
    limits = {"max_position_embeddings": 2048, "tie_word_embeddings": False}
    assert shape_of({**sizes, **limits, "model_type": "phi"}) == shape(PHI)


def test_the_text_part_of_a_picture_model_counts() -> None:
    inner = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100}
    assert shape_of({"text_config": inner, "model_type": "gemma3"}).hidden == 64


@pytest.mark.parametrize("text", ["{}", "[]", "null", "not json", '{"hidden_size": 0, "num_attention_heads": 0}', '{"hidden_size": "x"}'])
def test_a_config_that_tells_too_little_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(HubError, match=r"config.json does not tell"):
        read_shape(tmp_path)


def test_a_folder_without_config_is_not_found_and_broken_weights_count_as_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_shape(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    assert count_parameters(tmp_path) == 0
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert count_parameters(tmp_path) == 0
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "F16", "shape": [3, 4], "data_offsets": [0, 24]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 24)
    assert count_parameters(tmp_path) == 12


def test_what_does_not_fit_says_what_it_needs() -> None:
    fit = fits(shape("Qwen/Qwen2.5-7B-Instruct"), room_on_card("card", 4 * GIB))
    assert (fit.verdict, fit.tokens, fit.context, fit.conversations, fit.trainable) == ("no", 0, 0, 0, False)
    assert fit.why == "it needs 5.8 GB, 3.3 GB can be had"


def test_a_base_that_answers_but_cannot_be_trained_is_tight() -> None:
    found = shape("Qwen/Qwen2.5-0.5B-Instruct")
    needed = weights_bytes(found, "nf4") + 3 * adapter_bytes(found, 16) + 5000 * kv_bytes_per_token(found)
    fit = fits(found, room_on_card("card", needed + CARD_OVERHEAD))
    assert (fit.verdict, fit.trainable, fit.tokens) == ("tight", False, 5000)
    assert "training" in fit.why


def test_more_tutors_leave_less_room_and_many_leave_none() -> None:
    room = room_on_card("card", 4 * GIB)
    few, many, far_too_many = (fits(shape(PHI), room, tutors=count) for count in (0, 20, 60))
    assert few.tokens > many.tokens >= 0 and many.adapters == 20 * adapter_bytes(shape(PHI), 16)
    assert far_too_many.verdict == "no"


def test_a_processor_without_bf16_takes_twice_the_memory_for_what_is_not_quantized() -> None:
    slow, fast = (room_in_ram(8 * GIB, sixteen_bits=bits) for bits in (False, True))
    found = shape(QWEN)
    assert fits(found, slow, quantization="none").weights == 2 * fits(found, fast, quantization="none").weights
    assert fits(found, slow).kv_per_token == 2 * 28_672


def test_a_tiny_machine_has_no_room_at_all() -> None:
    assert room_in_ram(0, sixteen_bits=True).usable < 0
    assert all(fits(base.shape, room_in_ram(0, sixteen_bits=True)).verdict == "no" for base in CATALOGUE)


def test_a_download_of_three_gigabytes_takes_four_minutes_at_100_megabits() -> None:
    assert minutes_to_download(3_000_000_000) == pytest.approx(4.0)


@given(memory=st.integers(0, 64 * GIB), tutors=st.integers(0, 40), number=st.integers(0, len(CATALOGUE) - 1))
def test_what_fits_never_takes_more_than_there_is(memory: int, tutors: int, number: int) -> None:
    found, room = CATALOGUE[number].shape, room_on_card("card", memory)
    fit = fits(found, room, tutors=tutors)
    if fit.verdict != "no":
        assert fit.weights + fit.adapters + fit.tokens * fit.kv_per_token <= room.usable
    more = fits(found, replace(room, usable=room.usable + GIB), tutors=tutors)
    assert ("no", "tight", "comfortable").index(more.verdict) >= ("no", "tight", "comfortable").index(fit.verdict)
