"""Loading the one base: quantization, number formats, silence, and errors for people."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import TEMPLATE, save_tiny_base, tiny_model

from adapters_hub import hardware
from adapters_hub.engine import base as base_module
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import fingerprint, keep_gradients, load_base
from adapters_hub.errors import HubError, NotFoundError, ResourceError, UsageError
from adapters_hub.types import BaseModel, LoraSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # raised by torch's own import

HAS_AVX512_BF16 = torch.cpu._is_avx512_bf16_supported()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(5, 14)[None]).logits.float()


def linear(loaded: Any) -> Any:
    return loaded.model.get_submodule("model.layers.0.mlp.up_proj")


# --- what is loaded ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "layer", "tolerance"),
    [("none", "Linear", 0.02), ("nf4", "Linear4bit", 0.15), ("int8", "Linear8bitLt", 0.05), ("auto", "Linear4bit", 0.15)],
)
def test_each_quantization_answers_like_the_saved_model(folder: Path, wanted: Any, layer: str, tolerance: float) -> None:
    loaded = load_base(BaseModel(model=str(folder), quantization=wanted))
    assert type(linear(loaded)).__name__ == layer
    assert type(loaded.model.get_output_embeddings()).__name__ == "Linear"
    assert loaded.quantization == {"auto": "nf4"}.get(wanted, wanted)
    expected, found = logits(tiny_model("llama")), logits(loaded.model)
    assert (found - expected).norm() / expected.norm() < tolerance


def test_an_architecture_without_fused_attention_is_opened_all_the_same(tmp_path: Path) -> None:
    from tiny_models import tiny_tokenizer
    from transformers import AutoModelForCausalLM, Gemma2Config, PreTrainedTokenizerFast

    config = Gemma2Config(
        vocab_size=384,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(tmp_path)
    loaded = load_base(BaseModel(model=str(tmp_path), quantization="none"))
    assert loaded.model.config._attn_implementation == "eager"
    assert any("attention is computed in plain steps" in note for note in loaded.notes)
    assert logits(loaded.model).isfinite().all()


def test_where_long_positions_change_the_short_ones_the_context_ends_before() -> None:
    from transformers import LlamaConfig, Phi3Config

    long = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 64}
    long |= {"short_factor": [1.0] * 8, "long_factor": [4.0] * 8}
    shape = {"hidden_size": 64, "num_attention_heads": 4, "max_position_embeddings": 256}
    assert base_module._context(Phi3Config(**shape, original_max_position_embeddings=64, rope_parameters=long, pad_token_id=0)) == 64
    assert base_module._context(LlamaConfig(**shape)) == 256


def test_nf4_is_double_quantized_in_the_compute_dtype(folder: Path) -> None:
    loaded = load_base(BaseModel(model=str(folder), quantization="nf4"))
    layer = linear(loaded)
    assert layer.weight.quant_type == "nf4"
    assert layer.weight.quant_state.nested
    assert layer.compute_dtype == loaded.compute_dtype == hardware.compute_dtype(torch, loaded.device)


def test_a_base_is_frozen_and_in_eval_mode(folder: Path) -> None:
    loaded = load_base(BaseModel(model=str(folder)))
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert not any(module.training for module in loaded.model.modules())


def test_the_identity_is_the_same_however_the_base_is_held(folder: Path) -> None:
    loaded = [load_base(BaseModel(model=str(folder), quantization=q)) for q in ("none", "nf4", "int8")]  # type: ignore[arg-type]
    assert len({one.identity for one in loaded}) == 1
    assert len({one.parameter_count for one in loaded}) == 1
    identity = loaded[0].identity
    assert (identity.architecture, identity.revision) == ("llama", "")
    assert identity.fingerprint == fingerprint(tiny_model("llama"))
    assert loaded[1].memory_bytes < loaded[2].memory_bytes < loaded[0].memory_bytes


def test_parameters_are_counted_once_when_tied(tmp_path: Path) -> None:
    tied = load_base(BaseModel(model=str(save_tiny_base(tmp_path, "qwen2"))))
    assert tied.parameter_count == sum(parameter.numel() for parameter in tiny_model("qwen2").parameters())


def test_two_bases_of_one_shape_differ_in_their_weights(folder: Path, tmp_path: Path) -> None:
    one = load_base(BaseModel(model=str(folder))).identity
    two = load_base(BaseModel(model=str(save_tiny_base(tmp_path, seed=1)))).identity
    assert one.fingerprint == two.fingerprint
    assert one.weights != two.weights


def test_a_relative_path_starts_at_the_workspace(folder: Path) -> None:
    assert load_base(BaseModel(model="tiny"), workspace=folder.parent).identity.model == "tiny"


def test_chat_format_and_padding_come_with_the_base(folder: Path) -> None:
    loaded = load_base(BaseModel(model=str(folder)))
    assert loaded.chat.template == TEMPLATE
    assert loaded.pad_id == 4
    assert loaded.chat.stop_token_ids


def test_a_chat_template_of_the_workspace_replaces_the_models(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text(TEMPLATE.replace("\n", " "))
    base = BaseModel(model=str(folder), chat_template="mine.jinja")
    assert load_base(base, workspace=tmp_path).chat.template == TEMPLATE.replace("\n", " ")
    with pytest.raises(NotFoundError, match="chat_template"):
        load_base(base, workspace=tmp_path / "elsewhere")


def test_the_embedded_base_loads_and_answers() -> None:
    from adapters_hub.base_files import EMBEDDED

    if not (EMBEDDED["mini"] / "model.safetensors").is_file():
        pytest.skip("the embedded base has not been trained yet")
    loaded = load_base(BaseModel())
    assert torch.isfinite(logits(loaded.model)).all()


def test_stages_are_told(folder: Path) -> None:
    stages: list[str] = []
    load_base(BaseModel(model=str(folder)), progress=stages.append)
    assert "loading weights" in stages


def test_loading_prints_nothing_and_warns_of_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    for quantization in ("nf4", "int8"):
        logits(load_base(BaseModel(model=str(folder), quantization=quantization)).model)  # type: ignore[arg-type]
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not recwarn.list
    assert logging.getLogger("transformers").level != logging.ERROR


# --- training ------------------------------------------------------------------------------------


def test_a_base_for_training_keeps_exact_gradients_over_evaluations(folder: Path) -> None:
    gradients = []
    for evaluate in (False, True):
        loaded = load_base(BaseModel(model=str(folder), quantization="nf4"), training=True)
        bank = Bank(loaded.model, dtype=torch.float32)
        slot = bank.add_trainable(LoraSettings(rank=4, dropout=0.0), seed=0)
        ids = torch.arange(5, 14)[None]
        for _ in range(2):
            if evaluate:
                with torch.no_grad(), bank.routing([slot]):
                    loaded.model(ids)
            for parameter in bank.parameters_of(slot):
                parameter.grad = None
            with bank.routing([slot]):
                loaded.model(ids).logits.float().logsumexp(-1).sum().backward()
        gradients.append([parameter.grad for parameter in bank.parameters_of(slot)])
    for a, b in zip(*gradients, strict=True):
        assert torch.equal(a, b)
    assert any(gradient.any() for gradient in gradients[1])


@pytest.mark.skipif(not HAS_AVX512_BF16, reason="bitsandbytes repacks weights only on processors with AVX512-BF16")
def test_a_base_for_answers_keeps_the_fast_layout(folder: Path) -> None:
    loaded = load_base(BaseModel(model=str(folder), quantization="nf4"))
    logits(loaded.model)
    assert linear(loaded).weight.quant_state.packing_format_for_cpu
    with pytest.raises(RuntimeError, match="load the base again"):
        keep_gradients(loaded.model)
    with pytest.raises(RuntimeError, match="training=True"):
        Bank(loaded.model, dtype=torch.float32).add_trainable(LoraSettings(), seed=0)


# --- decisions -----------------------------------------------------------------------------------


def test_auto_without_bitsandbytes_is_unquantized_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = base_module.find_spec
    monkeypatch.setattr(base_module, "find_spec", lambda name: None if name == "bitsandbytes" else original(name))
    loaded = load_base(BaseModel(model=str(folder)))
    assert loaded.quantization == "none"
    assert any("bitsandbytes is not installed" in note for note in loaded.notes)
    with pytest.raises(UsageError, match="not installed"):
        load_base(BaseModel(model=str(folder), quantization="nf4"))


def test_a_broken_bitsandbytes_is_noticed_before_the_model_is_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("undefined symbol: cquantize")

    monkeypatch.setattr(base_module, "_quantized_linear", broken)
    assert any("undefined symbol" in note for note in load_base(BaseModel(model=str(folder))).notes)


@pytest.mark.parametrize(
    ("cuda_bf16", "cpu_bf16", "device", "expected"),
    [
        (True, False, "cuda", torch.bfloat16),
        (False, True, "cuda", torch.float16),
        (False, True, "cpu", torch.bfloat16),
        (True, False, "cpu", torch.float32),
    ],
)
def test_the_number_format_is_what_the_hardware_computes_in(
    monkeypatch: pytest.MonkeyPatch, cuda_bf16: bool, cpu_bf16: bool, device: str, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: cuda_bf16 or including_emulation)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: cpu_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert hardware.compute_dtype(torch, torch.device(device)) == expected


def test_an_old_cpu_computes_in_fp32(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "compute_dtype", lambda *_: torch.float32)
    loaded = load_base(BaseModel(model=str(folder), quantization="none"))
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert torch.equal(logits(loaded.model), logits(tiny_model("llama")))


# --- errors --------------------------------------------------------------------------------------


def test_model_code_is_not_run_unless_trusted(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "homemade", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "code.py").write_text("raise SystemExit('the code of the model was run')")
    with pytest.raises(UsageError, match="brings its own code"):
        load_base(BaseModel(model=str(tmp_path), quantization="none"))


def test_an_unknown_architecture_is_one_clear_error(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "never_heard_of"}')
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_base(BaseModel(model=str(tmp_path)))


def test_damaged_weights_are_one_clear_error(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(HubError, match="are damaged"):
        load_base(BaseModel(model=str(tmp_path)))


def test_too_little_memory_is_a_resource_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(base_module.AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(ResourceError, match="too little memory"):
        load_base(BaseModel(model=str(folder)))


def test_a_gguf_base_without_the_package_names_the_extra(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(base_module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="gguf") as caught:
        load_base(BaseModel(model="small.gguf", quantization="none"), workspace=tmp_path)
    assert "[gguf]" in caught.value.hint


def test_a_file_that_is_no_gguf_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "small.gguf").write_bytes(b"not a model")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_base(BaseModel(model="small.gguf"), workspace=tmp_path)


# --- .gguf ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny Llama as a .gguf file, unquantized."""
    gguf = pytest.importorskip("gguf")
    file = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(gguf, file)
    return file


def write_gguf(gguf: Any, file: Path) -> None:
    from tiny_models import tiny_tokenizer

    model = tiny_model("llama")
    config = model.config
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    tokenizer = tiny_tokenizer()
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([token for token, _ in by_id])
    writer.add_token_types([3 if token.startswith("<|") else 1 for token, _ in by_id])
    writer.add_token_merges([" ".join(pair) if isinstance(pair, list) else pair for pair in merges])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)
    writer.add_pad_token_id(4)
    writer.add_chat_template(TEMPLATE)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    for key, tensor in model.state_dict().items():
        path = key.removesuffix(".weight")
        if path in names:
            name = names[path]
        else:
            _, _, layer, part = path.split(".", 3)
            name = f"blk.{layer}.{parts[part]}"
            if part.endswith(("q_proj", "k_proj")):  # llama.cpp stores the two halves of each rotary pair interleaved
                heads = config.num_attention_heads if part.endswith("q_proj") else config.num_key_value_heads
                tensor = tensor.view(heads, 2, -1, tensor.shape[1]).swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(f"{name}.weight", tensor.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("wanted", "layer", "tolerance"), [("none", "Linear", 0.02), ("nf4", "Linear4bit", 0.15), ("auto", "Linear4bit", 0.15)]
)
def test_a_gguf_base_loads_like_the_model_it_was_made_from(gguf_file: Path, wanted: Any, layer: str, tolerance: float) -> None:
    loaded = load_base(BaseModel(model=str(gguf_file), quantization=wanted), training=True)
    assert type(linear(loaded)).__name__ == layer
    assert type(loaded.model.get_output_embeddings()).__name__ == "Linear"
    expected = logits(tiny_model("llama"))
    assert (logits(loaded.model) - expected).norm() / expected.norm() < tolerance
    assert loaded.identity.fingerprint == fingerprint(tiny_model("llama"))
    assert loaded.chat.template == TEMPLATE


def test_a_gguf_base_in_int8_is_refused(gguf_file: Path) -> None:
    with pytest.raises(UsageError, match="int8"):
        load_base(BaseModel(model=str(gguf_file), quantization="int8"))


# --- hardware ------------------------------------------------------------------------------------


def test_facts_about_the_machine_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from adapters_hub.hardware import read_machine; m = read_machine(); print(m.threads, m.disk_free)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(hardware.__file__).parents[1])
    assert done.returncode == 0, done.stderr


def test_disk_space_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    machine = hardware.read_machine(tmp_path / "not" / "yet")
    assert machine.disk_free > 0
    assert machine.threads >= 1
    assert machine.memory >= machine.memory_free > 0


def test_a_device_is_described_for_people() -> None:
    assert hardware.describe_device(torch, torch.device("cpu")).startswith("CPU, ")
    assert hardware.free_memory(torch, torch.device("cpu")) > 0
