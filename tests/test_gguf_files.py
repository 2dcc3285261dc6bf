"""GGUF files, against three oracles: the package's own reader, transformers' loader, and llama.cpp itself where it is at hand."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from tiny_models import FAMILIES as TINY
from tiny_models import random_adapter, save_tiny_base, tiny_model, tiny_tokenizer

from adapters_hub.chat_templates import ChatFormat, jinja_text
from adapters_hub.engine.gguf_files import FAMILIES, plain_template, write_lora, write_model
from adapters_hub.engine.merging import load_full_base, merge, probes_of
from adapters_hub.engine.peft_files import AdapterWeights, read_adapter
from adapters_hub.errors import HubError, UsageError
from adapters_hub.rendering import render
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import BaseModel, Message

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]
MESSAGES = (Message("system", "Eres un tutor paciente."), Message("user", "¿Cuánto es 2 + 2?\n\n  'dos' y dos"))


@dataclass(frozen=True)
class Sample:
    """A tiny base and an adapter for it, on disk."""

    family: str
    base: Path
    weights: AdapterWeights
    model: Any

    @property
    def chat(self) -> ChatFormat:
        return load_chat_format(self.base)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    made = {}
    for family in TINY:
        folder = tmp_path_factory.mktemp(family)
        base = save_tiny_base(folder / "base", family)
        model = tiny_model(family)
        adapter = random_adapter(model, folder / "adapter", seed=3, rank=4)
        made[family] = Sample(family, base, read_adapter(adapter, model=model), model)
    return made


def tensors_of(file: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(file)
    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}


def value_of(file: Path, key: str) -> Any:
    field = gguf.GGUFReader(file).get_field(key)
    return None if field is None else field.contents()


def by_pairs(rows: Any, heads: int) -> Any:
    """Rows of rotated halves as rows of rotated pairs, written down a second time and differently."""
    half = rows.shape[0] // heads // 2
    order = [head * 2 * half + side * half + pair for head in range(heads) for pair in range(half) for side in (0, 1)]
    return rows[order]


# --- an adapter ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", TINY)
def test_an_adapter_file_holds_the_same_updates_under_the_runtimes_names(samples: dict[str, Sample], tmp_path: Path, family: str) -> None:
    sample = samples[family]
    file = tmp_path / "lora.gguf"
    write_lora(file, sample.weights, sample.model.config, kind="f32", name="sumas", base_id="owner/base")
    found, alpha = tensors_of(file), value_of(file, "adapter.lora.alpha")
    assert value_of(file, "general.type") == "adapter" and value_of(file, "adapter.type") == "lora" and alpha == 8.0
    assert value_of(file, "general.architecture") == FAMILIES[family].name
    names = gguf.get_tensor_name_map(
        next(number for number, text in gguf.MODEL_ARCH_NAMES.items() if text == FAMILIES[family].name),
        sample.model.config.num_hidden_layers,
    )
    assert len(found) == 2 * len(sample.weights.pairs)
    for path, (a, b, scale) in sample.weights.pairs.items():
        name = names.get_name(path)
        ours_a, ours_b = found[f"{name}.weight.lora_a"], found[f"{name}.weight.lora_b"]
        wanted = (scale * b @ a).numpy()
        if FAMILIES[family].permuted and path.endswith(("q_proj", "k_proj")):
            wanted = by_pairs(wanted, 4 if path.endswith("q_proj") else 2)
        np.testing.assert_allclose(alpha / a.shape[0] * (ours_b @ ours_a), wanted, rtol=1e-5, atol=1e-6)


def test_scales_of_their_own_are_carried_by_the_second_matrix(samples: dict[str, Sample], tmp_path: Path) -> None:
    sample = samples["qwen2"]
    adapter = random_adapter(
        tiny_model("qwen2"),
        tmp_path / "adapter",
        seed=4,
        rank=4,
        use_rslora=True,
        rank_pattern={"q_proj": 8},
        alpha_pattern={"v_proj": 3},
        target_modules=["q_proj", "v_proj", "o_proj"],
    )
    weights = read_adapter(adapter, model=sample.model)
    write_lora(tmp_path / "lora.gguf", weights, sample.model.config, kind="f32", name="x")
    found, alpha = tensors_of(tmp_path / "lora.gguf"), value_of(tmp_path / "lora.gguf", "adapter.lora.alpha")
    for layer, name in (("q_proj", "attn_q"), ("v_proj", "attn_v"), ("o_proj", "attn_output")):
        a, b, scale = weights.pairs[f"model.layers.1.self_attn.{layer}"]
        ours = found[f"blk.1.{name}.weight.lora_b"] @ found[f"blk.1.{name}.weight.lora_a"]
        np.testing.assert_allclose(alpha / a.shape[0] * ours, (scale * b @ a).numpy(), rtol=1e-5, atol=1e-6)


def test_an_architecture_or_a_module_that_runtimes_do_not_know_is_refused(samples: dict[str, Sample], tmp_path: Path) -> None:
    from transformers import GPT2Config

    sample = samples["llama"]
    with pytest.raises(UsageError, match="'gpt2' cannot be written"):
        write_lora(tmp_path / "x.gguf", sample.weights, GPT2Config(), kind="f32", name="x")
    odd = replace(sample.weights, pairs={"model.layers.0.mystery": next(iter(sample.weights.pairs.values()))})
    with pytest.raises(UsageError) as raised:
        write_lora(tmp_path / "x.gguf", odd, sample.model.config, kind="f32", name="x")
    assert raised.value.details == ("model.layers.0.mystery",)


# --- a model -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [family for family in TINY if family != "phi"])  # which transformers cannot read from GGUF
def test_transformers_reads_a_model_file_with_the_same_logits_and_tokens(samples: dict[str, Sample], tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    sample = samples[family]
    report = write_model(tmp_path / "m.gguf", sample.model, sample.chat, kind="f32", name="tiny")
    assert (report.splitting, report.alike) == ("gpt-2", 1.0)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32)
    ids = torch.tensor([[5, 40, 90, 200, 7, 300, 11]])
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids=ids).logits, sample.model(input_ids=ids).logits, rtol=1e-4, atol=1e-4)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file="m.gguf")
    text = jinja_text(sample.chat, MESSAGES, True)
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == sample.chat.tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.eos_token == "<|end|>" and tokenizer.chat_template == sample.chat.template


@pytest.mark.parametrize(
    ("kind", "error"), [("f16", 1e-3), ("bf16", 1e-2), ("q8_0", 2e-2), ("q5_1", 5e-2), ("q5_0", 5e-2), ("q4_1", 8e-2), ("q4_0", 8e-2)]
)
def test_each_number_format_keeps_what_it_can(samples: dict[str, Sample], tmp_path: Path, kind: str, error: float) -> None:
    sample = samples["qwen2"]
    write_model(tmp_path / "m.gguf", sample.model, sample.chat, kind=kind, name="tiny")
    found = tensors_of(tmp_path / "m.gguf")
    wanted = dict(sample.model.named_parameters())["model.layers.0.mlp.up_proj.weight"].detach().numpy()
    assert 0 < np.abs(found["blk.0.ffn_up.weight"] - wanted).max() <= error * np.abs(wanted).max()
    types = {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    assert types["blk.0.ffn_up.weight"].name.lower() == kind and types["blk.0.attn_norm.weight"].name == "F32"
    assert types["token_embd.weight"].name.lower() == ("q8_0" if kind.startswith("q") else kind)


def test_a_head_that_is_the_embedding_is_not_written_twice(samples: dict[str, Sample], tmp_path: Path) -> None:
    for family, written in (("qwen2", False), ("llama", True)):
        write_model(tmp_path / f"{family}.gguf", samples[family].model, samples[family].chat, kind="f16", name="tiny")
        assert ("output.weight" in tensors_of(tmp_path / f"{family}.gguf")) == written


def test_numbers_that_half_precision_cannot_hold_stay_in_32_bits_and_nan_is_refused(samples: dict[str, Sample], tmp_path: Path) -> None:
    model = tiny_model("llama")
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = 1e5
    write_model(tmp_path / "m.gguf", model, samples["llama"].chat, kind="f16", name="tiny")
    assert tensors_of(tmp_path / "m.gguf")["blk.0.ffn_up.weight"][0, 0] == 1e5
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = float("nan")
    with pytest.raises(HubError, match=r"blk\.0\.ffn_up\.weight holds NaN"):
        write_model(tmp_path / "n.gguf", model, samples["llama"].chat, kind="f16", name="tiny")


def test_llama_3s_scaled_positions_are_written_as_divisors(samples: dict[str, Sample], tmp_path: Path) -> None:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    model = tiny_model("llama")
    model.config.rope_parameters = {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    write_model(tmp_path / "m.gguf", model, samples["llama"].chat, kind="f32", name="tiny")
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](model.config, "cpu")
    plain = 10000.0 ** (-torch.arange(0, 16, 2) / 16)
    np.testing.assert_allclose(tensors_of(tmp_path / "m.gguf")["rope_freqs.weight"], (plain / scaled).numpy(), rtol=1e-5)
    model.config.rope_parameters = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 2.0}
    with pytest.raises(UsageError, match="scaled by 'yarn'"):
        write_model(tmp_path / "y.gguf", model, samples["llama"].chat, kind="f32", name="tiny")


def test_a_base_with_a_sliding_window_is_offered_no_further_than_that(samples: dict[str, Sample], tmp_path: Path) -> None:
    model = tiny_model("mistral")
    for window, context in ((128, 128), (4096, 512), (None, 512)):
        model.config.sliding_window = window
        write_model(tmp_path / "m.gguf", model, samples["mistral"].chat, kind="f16", name="tiny")
        assert value_of(tmp_path / "m.gguf", "llama.context_length") == context


def test_qwen_3s_norms_of_queries_and_keys_are_written_too(samples: dict[str, Sample], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, Qwen3Config

    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    model = AutoModelForCausalLM.from_config(Qwen3Config(vocab_size=384, head_dim=128, max_position_embeddings=512, **shape)).eval()
    chat = samples["llama"].chat
    write_model(tmp_path / "m.gguf", model, chat, kind="f32", name="tiny")
    assert {"blk.0.attn_q_norm.weight", "blk.1.attn_k_norm.weight"} <= set(tensors_of(tmp_path / "m.gguf"))
    again = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32)
    ids = list(render(chat, MESSAGES, add_generation_prompt=True).ids)
    wanted, logits = greedy(model, chat, ids)
    torch.testing.assert_close(greedy(again, chat, ids)[1], logits, rtol=1e-4, atol=1e-4)
    if os.environ.get("LLAMA_ORACLE"):
        assert llama_cpp(tmp_path / "m.gguf", None, jinja_text(chat, MESSAGES, True), tmp_path)["tokens"] == wanted


def test_tags_that_only_mark_answers_leave_the_template_and_change_nothing() -> None:
    template = "{%- for m in messages -%} {{- m.content -}} {%- generation -%} x {% endgeneration %} y{%- endfor -%}"
    chat = ChatFormat(tiny_tokenizer(), template, "tokenizer", eos_token="<|end|>")
    plain = plain_template(template)
    assert "generation" not in plain
    assert jinja_text(replace(chat, template=plain), MESSAGES, False) == jinja_text(chat, MESSAGES, False)


# --- llama.cpp itself ----------------------------------------------------------------------------


def llama_cpp(model: Path, adapter: Path | None, text: str, folder: Path) -> Any:
    """What llama.cpp says: its tokens of ``text``, 32 greedy tokens after it, and the logits behind it."""
    program = os.environ.get("LLAMA_ORACLE", "")
    if not program:
        pytest.skip("no llama.cpp here: LLAMA_ORACLE must name a program built from tests/llama_oracle.cpp")
    (folder / "prompt.txt").write_text(text, encoding="utf-8", newline="\n")
    words = [program, str(model), str(adapter or "-"), str(folder / "prompt.txt"), "32", str(folder / "said.json")]
    subprocess.run(words, check=True, timeout=120)
    return json.loads((folder / "said.json").read_text())


@torch.no_grad()
def greedy(model: Any, chat: ChatFormat, ids: list[int]) -> tuple[list[int], torch.Tensor]:
    said: list[int] = []
    first: torch.Tensor | None = None
    while len(said) < 32 and (not said or said[-1] not in chat.stop_token_ids):
        logits = model(input_ids=torch.tensor([ids + said])).logits[0, -1]
        first = logits if first is None else first
        said.append(int(logits.argmax()))
    assert first is not None
    return said, first


@pytest.mark.parametrize("family", ["mini", *TINY])
def test_llama_cpp_says_the_same_32_tokens_with_adapter_and_merged(samples: dict[str, Sample], tmp_path: Path, family: str) -> None:
    full = load_full_base(BaseModel("mini" if family == "mini" else str(samples[family].base)))
    if family == "mini":
        random_adapter(full.model, tmp_path / "adapter", seed=5, strength=0.1)
        weights = read_adapter(tmp_path / "adapter", model=full.model)
    else:
        weights = samples[family].weights
    write_model(tmp_path / "base.gguf", full.model, full.chat, kind="f32", name="base")
    write_lora(tmp_path / "lora.gguf", weights, full.model.config, kind="f32", name="lora")
    ids = list(render(full.chat, MESSAGES, add_generation_prompt=True).ids)
    merge(full.model, weights, probes_of(full, ["¿Cuánto es 2 + 2?"]))
    write_model(tmp_path / "merged.gguf", full.model, full.chat, kind="f32", name="merged")
    wanted, logits = greedy(full.model, full.chat, ids)
    for model, adapter in ((tmp_path / "base.gguf", tmp_path / "lora.gguf"), (tmp_path / "merged.gguf", None)):
        said = llama_cpp(model, adapter, jinja_text(full.chat, MESSAGES, True), tmp_path)
        assert said["prompt"] == ids
        torch.testing.assert_close(torch.tensor(said["logits"]), logits, rtol=0, atol=1e-2 * float(logits.abs().max()))
        assert said["tokens"] == wanted
