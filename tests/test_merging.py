"""Merging: the same numbers as PEFT's own, compared before anything is written, and a folder that plain transformers loads."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import FAMILIES, TEMPLATE, random_adapter, save_tiny_base, tiny_model

from adapters_hub.engine.merging import TOLERANCE, FullBase, load_full_base, merge, probes_of, same_choices, write_folder
from adapters_hub.engine.peft_files import AdapterWeights, read_adapter
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import BaseModel, Message

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]
PROBE = [torch.tensor([[5, 40, 90, 200, 7, 300, 11, 64, 2]])]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_tiny_base(tmp_path / "base")


@pytest.fixture
def full(base: Path) -> FullBase:
    return load_full_base(BaseModel(str(base)))


def adapter_for(model: Any, folder: Path, **settings: Any) -> AdapterWeights:
    return read_adapter(random_adapter(model, folder, seed=2, **settings), model=model)


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=PROBE[0]).logits
    return found.float()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_merged_model_computes_what_peft_computes(tmp_path: Path, family: str) -> None:
    from peft import PeftModel

    model = tiny_model(family)
    weights = adapter_for(model, tmp_path / "adapter")
    wanted = logits(PeftModel.from_pretrained(tiny_model(family), tmp_path / "adapter"))
    agreement = merge(model, weights, PROBE)
    torch.testing.assert_close(logits(model), wanted, rtol=1e-5, atol=1e-5)
    assert agreement.difference <= TOLERANCE < agreement.effect and agreement.tokens == 9


def test_the_base_is_held_in_32_bits_whatever_its_files_hold(tmp_path: Path) -> None:
    folder = save_tiny_base(tmp_path / "base")
    tiny_model(dtype=torch.bfloat16).save_pretrained(folder)
    full = load_full_base(BaseModel(str(folder), quantization="nf4"))
    assert {parameter.dtype for parameter in full.model.parameters()} == {torch.float32}
    assert full.stored == torch.bfloat16 and not full.dequantized


def test_a_base_that_lies_quantized_on_disk_is_dequantized(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    folder = save_tiny_base(tmp_path / "base")
    settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    held = AutoModelForCausalLM.from_pretrained(folder, quantization_config=settings, device_map={"": "cpu"})
    held.save_pretrained(folder)
    full = load_full_base(BaseModel(str(folder)))
    assert full.dequantized == "bitsandbytes" and not hasattr(full.model.config, "quantization_config")
    assert {parameter.dtype for parameter in full.model.parameters()} == {torch.float32}
    merge(full.model, adapter_for(tiny_model(), tmp_path / "adapter"), PROBE)
    write_folder(full, tmp_path / "out", sampling={}, shard="5GB")
    assert "quantization_config" not in json.loads((tmp_path / "out/config.json").read_text())
    torch.testing.assert_close(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), logits(full.model))


def test_a_merge_that_does_not_compute_the_same_is_refused(full: FullBase, tmp_path: Path) -> None:
    weights = adapter_for(full.model, tmp_path / "adapter")
    layer = full.model.model.layers[0].mlp.up_proj
    layer.register_forward_hook(lambda module, inputs, output: output.clamp(-0.05, 0.05))  # so that W + BA is not W plus BA
    with pytest.raises(HubError, match="differs from base"):
        merge(full.model, weights, PROBE)


def test_numbers_beyond_all_measure_are_no_agreement(full: FullBase, tmp_path: Path) -> None:
    weights = adapter_for(full.model, tmp_path / "adapter")
    huge = {path: (a * 1e30, b * 1e30, scale) for path, (a, b, scale) in weights.pairs.items()}
    with pytest.raises(HubError, match="differs from base"):
        merge(full.model, replace(weights, pairs=huge), PROBE)


def test_a_layer_that_shares_its_weights_with_the_embedding_is_refused(tmp_path: Path) -> None:
    model = tiny_model("qwen2")
    a, b = torch.randn(2, 64), torch.randn(model.config.vocab_size, 2)
    with pytest.raises(UsageError, match="shares its weights with the embedding"):
        merge(model, AdapterWeights({"lm_head": (a, b, 1.0)}), PROBE)


def test_an_adapter_of_another_base_is_refused(full: FullBase, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="made for another base"):
        merge(full.model, adapter_for(tiny_model(width=128), tmp_path / "adapter"), PROBE)


def test_rounding_says_how_many_choices_stay(full: FullBase) -> None:
    probes = probes_of(full, ["¿Cuánto es 2 + 2?"])
    assert same_choices(copy.deepcopy(full.model), probes, torch.float32) == 1.0
    rounded = copy.deepcopy(full.model)
    assert 0 < same_choices(rounded, probes, torch.bfloat16) <= 1
    assert {parameter.dtype for parameter in rounded.parameters()} == {torch.bfloat16}


def test_the_folder_loads_in_plain_transformers_in_shards_with_template_and_stops(full: FullBase, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    merge(full.model, adapter_for(full.model, tmp_path / "adapter"), PROBE)
    write_folder(full, tmp_path / "out", sampling={"max_new_tokens": 50, "do_sample": True, "temperature": 0.5}, shard="200KB")
    assert len(list((tmp_path / "out").glob("model-*.safetensors"))) > 1 and (tmp_path / "out/model.safetensors.index.json").is_file()
    torch.testing.assert_close(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), logits(full.model))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.chat_template == TEMPLATE
    chat = [{"role": "user", "content": "Hola, ¿qué tal?"}]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    from adapters_hub.rendering import render

    assert ids == list(render(full.chat, [Message("user", "Hola, ¿qué tal?")], add_generation_prompt=True).ids)
    settings = GenerationConfig.from_pretrained(tmp_path / "out")
    assert settings.eos_token_id == list(full.chat.stop_token_ids) and settings.max_new_tokens == 50
    assert math.isclose(settings.temperature, 0.5)


def test_no_file_names_a_path_of_this_machine(full: FullBase, tmp_path: Path) -> None:
    write_folder(full, tmp_path / "out", sampling={}, shard="5GB")
    texts = [file.read_text(encoding="utf-8") for file in (tmp_path / "out").glob("*.json*")]
    assert not any(str(tmp_path) in text for text in texts)
    assert "local_files_only" not in (tmp_path / "out/tokenizer_config.json").read_text()


def test_a_template_of_the_workspace_replaces_the_tokenizers_own(base: Path, tmp_path: Path) -> None:
    own = TEMPLATE.replace("<|user|>", "<|user|>") + "{# ours #}"
    (tmp_path / "own.jinja").write_text(own)
    full = load_full_base(BaseModel(str(base), chat_template=str(tmp_path / "own.jinja")))
    assert full.tokenizer.chat_template == own
    with pytest.raises(NotFoundError):
        load_full_base(BaseModel(str(base), chat_template=str(tmp_path / "none.jinja")))


def test_a_base_quantized_in_a_way_that_cannot_be_undone_is_refused(base: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq", "bits": 4}}))
    with pytest.raises(UsageError, match="quantized with gptq"):
        load_full_base(BaseModel(str(base)))
