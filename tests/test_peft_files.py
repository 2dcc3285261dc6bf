"""PEFT folders: exact in both directions with PEFT itself, and everything unsafe or unsuitable refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import random_adapter, tiny_model

from adapters_hub.engine.linears import linears, resolve_targets, shapes_of
from adapters_hub.engine.peft_files import (
    REFUSALS,
    AdapterFile,
    AdapterWeights,
    PeftConfigFacts,
    read_adapter,
    read_verified,
    write_adapter,
)
from adapters_hub.errors import HubError, NotFoundError, ResourceError, UsageError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model("llama")


@pytest.fixture(scope="module")
def saved_by_peft(tmp_path_factory: pytest.TempPathFactory, model: Any) -> Path:
    return random_adapter(model, tmp_path_factory.mktemp("peft") / "adapter", seed=1, rank=4)


@pytest.fixture
def adapter(tmp_path: Path, saved_by_peft: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved_by_peft, tmp_path / "adapter"))


def change_config(folder: Path, **changes: Any) -> Path:
    file = folder / "adapter_config.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps(settings | changes))
    return folder


def change_weights(folder: Path, change: Any) -> Path:
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    return folder


def some_weights(**facts: Any) -> AdapterWeights:
    torch.manual_seed(0)
    pairs = {
        f"model.layers.{i}.self_attn.{name}": (torch.randn(4, 64), torch.randn(out, 4), 2.0)
        for i in range(2)
        for name, out in (("q_proj", 64), ("v_proj", 32))
    }
    return AdapterWeights(pairs, PeftConfigFacts(target_modules=("q_proj", "v_proj"), **facts))


# --- round trips ---------------------------------------------------------------------------------


def test_what_is_written_is_read_back_bit_for_bit(tmp_path: Path, model: Any) -> None:
    weights = some_weights(dropout=0.05)
    write_adapter(tmp_path, weights, base_model_name="org/base", revision="abc")
    back = read_adapter(tmp_path, model=model)
    assert back.pairs.keys() == weights.pairs.keys()
    for path, (a, b, scale) in weights.pairs.items():
        assert torch.equal(back.pairs[path][0], a)
        assert torch.equal(back.pairs[path][1], b)
        assert back.pairs[path][2] == scale
    assert back.config == replace(weights.config, base_model_name="org/base", revision="abc", rank=4)


def test_equal_adapters_give_equal_bytes(tmp_path: Path) -> None:
    weights = some_weights()
    shuffled = AdapterWeights(dict(reversed(weights.pairs.items())), weights.config)
    for name, one in (("a", weights), ("b", shuffled)):
        write_adapter(tmp_path / name, one, base_model_name="x", revision="")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_folder_holds_two_files_and_no_drafts(tmp_path: Path) -> None:
    write_adapter(tmp_path, some_weights(), base_model_name="x", revision="")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]


def test_a_failed_write_leaves_the_former_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_adapter(tmp_path, some_weights(), base_model_name="former", revision="")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full_disk(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adapters_hub.engine.peft_files.save_file", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_adapter(tmp_path, some_weights(), base_model_name="new", revision="")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_dtype_narrows_the_stored_weights(tmp_path: Path) -> None:
    write_adapter(tmp_path, some_weights(), base_model_name="x", revision="", dtype=torch.bfloat16)
    assert all(tensor.dtype == torch.bfloat16 for tensor in load_file(tmp_path / "adapter_model.safetensors").values())


@pytest.mark.parametrize("rslora", [False, True])
def test_mixed_ranks_and_scales_survive_and_peft_agrees(tmp_path: Path, model: Any, rslora: bool) -> None:
    from peft import PeftModel

    torch.manual_seed(3)
    pairs = {
        "model.layers.0.self_attn.q_proj": (torch.randn(4, 64), torch.randn(64, 4), 2.0),
        "model.layers.1.self_attn.q_proj": (torch.randn(3, 64), torch.randn(64, 3), 10 / 3),
        "model.layers.1.mlp.down_proj": (torch.randn(4, 128), torch.randn(64, 4), 0.5),
    }
    weights = AdapterWeights(pairs, PeftConfigFacts(rslora=rslora))
    write_adapter(tmp_path, weights, base_model_name="", revision="")
    back = read_adapter(tmp_path)
    wrapped = PeftModel.from_pretrained(tiny_model("llama"), tmp_path, autocast_adapter_dtype=False)
    for path, (a, b, scale) in pairs.items():
        assert back.pairs[path][2] == pytest.approx(scale, rel=1e-12)
        layer = wrapped.base_model.model.get_submodule(path)
        assert layer.scaling["default"] == pytest.approx(scale, rel=1e-12)
        assert torch.equal(layer.lora_A["default"].weight, a)
        assert torch.equal(layer.lora_B["default"].weight, b)


def test_patterns_are_read_by_pefts_rules(tmp_path: Path, model: Any) -> None:
    from peft import PeftModel

    folder = random_adapter(
        model,
        tmp_path,
        seed=5,
        rank=4,
        rank_pattern={"model.layers.1.self_attn.q_proj": 2, "down_proj": 6, r".*layers\.\d+\.mlp\.up_proj": 3},
        alpha_pattern={"^model.layers.0.self_attn.q_proj": 5, "layers.1.mlp.up_proj": 7},
    )
    wrapped = PeftModel.from_pretrained(tiny_model("llama"), folder, autocast_adapter_dtype=False)
    for path, (a, _, scale) in read_adapter(folder, model=model).pairs.items():
        layer = wrapped.base_model.model.get_submodule(path)
        assert (a.shape[0], scale) == (layer.r["default"], pytest.approx(layer.scaling["default"]))


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "replaces whole modules"),
        ({"trainable_token_indices": [1, 2]}, "tokens of the embedding"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "lora_bias"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"init_lora_weights": "pissa_niter_4"}, "pissa_niter_4"),
        ({"init_lora_weights": "olora"}, "olora"),
        ({"layer_replication": [[0, 2], [1, 2]]}, "replicates"),
        ({"alora_invocation_tokens": [5]}, "aLoRA"),
        ({"target_parameters": ["experts.weight"]}, "bare parameters"),
        ({"fan_in_fan_out": True}, "transposed"),
    ],
)
def test_each_unsuitable_kind_has_its_own_message(adapter: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_adapter(change_config(adapter, **changes))
    assert caught.value.hint


def test_every_refusal_is_reported_at_once(adapter: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_adapter(change_config(adapter, use_dora=True, bias="all", lora_bias=True))
    assert len(caught.value.details) == 2


def test_every_setting_of_the_refusal_table_exists_in_peft() -> None:
    from peft import LoraConfig

    known = set(LoraConfig().to_dict())
    assert {rule.key for rule in REFUSALS} <= known


def test_a_plain_peft_adapter_trips_no_refusal(saved_by_peft: Path) -> None:
    assert len(read_adapter(saved_by_peft).pairs) == 14


def test_a_real_dora_folder_is_refused(tmp_path: Path, model: Any) -> None:
    folder = random_adapter(model, tmp_path, seed=1, use_dora=True)
    with pytest.raises(UsageError, match="DoRA"):
        read_adapter(folder)
    with pytest.raises(UsageError, match="no LoRA matrices"):
        read_adapter(change_config(folder, use_dora=False))


def test_a_pickle_is_never_opened(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(UsageError, match="pickle"):
        read_adapter(adapter)


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_missing_file_is_named(adapter: Path, file: str) -> None:
    (adapter / file).unlink()
    with pytest.raises(NotFoundError, match=file.replace(".", r"\.")):
        read_adapter(adapter)


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_adapter(tmp_path / "nothing")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(adapter: Path, value: float) -> None:
    change_weights(adapter, lambda tensors: next(iter(tensors.values())).view(-1)[:1].fill_(value))
    with pytest.raises(HubError, match="NaN"):
        read_adapter(adapter)


def test_half_a_pair_is_damage(adapter: Path) -> None:
    change_weights(adapter, lambda tensors: tensors.pop(next(key for key in tensors if "lora_B" in key)))
    with pytest.raises(HubError, match="only lora_A"):
        read_adapter(adapter)


def test_a_rank_that_contradicts_the_config_is_damage(adapter: Path) -> None:
    with pytest.raises(HubError, match="rank 8"):
        read_adapter(change_config(adapter, r=8))


def test_an_adapter_without_weights_is_refused(adapter: Path) -> None:
    save_file({}, adapter / "adapter_model.safetensors")
    with pytest.raises(HubError):
        read_adapter(adapter)


@pytest.mark.parametrize("r", [0, -1, "many", None, 10**9])
def test_a_senseless_rank_is_refused(adapter: Path, r: Any) -> None:
    with pytest.raises(HubError):
        read_adapter(change_config(adapter, r=r))


@pytest.mark.parametrize("key", ["(a+)+b", ".*.*.*.*.*b", "(unclosed"])
def test_a_pattern_that_could_take_forever_is_refused(adapter: Path, key: str) -> None:
    with pytest.raises(HubError, match="pattern"):
        read_adapter(change_config(adapter, alpha_pattern={key: 3}))


@pytest.mark.parametrize("content", ["{", "[]", "nul", '{"a":' * 5000])
def test_a_config_that_is_no_json_table_is_one_clear_error(adapter: Path, content: str) -> None:
    (adapter / "adapter_config.json").write_text(content)
    with pytest.raises(HubError, match="adapter_config"):
        read_adapter(adapter)


def raw_file(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


KEY = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        raw_file(b"not json"),
        raw_file([]),
        raw_file({KEY: 5}),
        raw_file({KEY: {"dtype": "F32", "shape": [4, 64], "data_offsets": [0, 1024]}}, b"short"),
        raw_file({KEY: {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}, b"12345678"),
        raw_file({KEY: {"dtype": "F32", "shape": [-1, 2], "data_offsets": [0, 8]}}, b"12345678"),
        raw_file({KEY: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"12345678"),
        raw_file({KEY: {"dtype": "I8", "shape": [2, 4], "data_offsets": [0, 8]}}, b"12345678"),
        raw_file({KEY: {"dtype": "F32", "shape": [1, 2], "data_offsets": [8, 0]}}, b"12345678"),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_hostile_weight_file_is_damage(adapter: Path, content: bytes) -> None:
    (adapter / "adapter_model.safetensors").write_bytes(content)
    with pytest.raises(HubError, match="damaged or not a safetensors"):
        read_adapter(adapter)


def test_a_truncated_weight_file_is_damage(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(HubError, match="damaged"):
        read_adapter(adapter)


def test_tensors_that_are_no_lora_matrices_are_named(adapter: Path) -> None:
    change_weights(adapter, lambda tensors: tensors.update({"base_model.model.lm_head.weight": torch.zeros(2, 2)}))
    with pytest.raises(UsageError) as caught:
        read_adapter(adapter)
    assert caught.value.details == ("base_model.model.lm_head.weight",)


# --- verified by content ---


def verified(folder: Path, model: Any, **changes: Any) -> AdapterFile:
    return read_verified(folder, **({"shapes": shapes_of(model), "expected": {}, "most_elements": 1 << 30} | changes))


def test_the_digest_tells_contents_apart_and_nothing_else(adapter: Path, model: Any, tmp_path: Path) -> None:
    first = verified(adapter, model)
    assert verified(Path(shutil.copytree(adapter, tmp_path / "elsewhere")), model).digest == first.digest
    change_weights(adapter, lambda tensors: next(iter(tensors.values())).view(-1)[:1].add_(1e-3))
    changed = verified(adapter, model)
    assert changed.digest != first.digest
    assert verified(change_config(adapter, lora_alpha=9), model).digest != changed.digest


def test_a_file_that_is_not_the_recorded_one_is_refused(adapter: Path, model: Any) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        right = hashlib.sha256((adapter / name).read_bytes()).hexdigest()
        verified(adapter, model, expected={name: right})
        with pytest.raises(HubError, match=f"{name} is not the file that was trained"):
            verified(adapter, model, expected={name: "0" * 64})


def test_too_many_numbers_are_refused_by_the_header_alone(adapter: Path, model: Any) -> None:
    elements = sum(a.numel() + b.numel() for a, b, _ in read_adapter(adapter).pairs.values())
    verified(adapter, model, most_elements=elements)
    with pytest.raises(ResourceError):
        verified(adapter, model, most_elements=elements - 1)


def test_a_file_written_over_later_changes_no_weight(adapter: Path, model: Any) -> None:
    weights = verified(adapter, model).weights
    before = {path: (a.clone(), b.clone()) for path, (a, b, _) in weights.pairs.items()}
    with (adapter / "adapter_model.safetensors").open("r+b") as stream:
        stream.seek(-2000, 2)
        stream.write(bytes(2000))
    assert all(torch.equal(a, before[path][0]) and torch.equal(b, before[path][1]) for path, (a, b, _) in weights.pairs.items())


def test_bytes_that_belong_to_no_matrix_are_damage(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes() + bytes(8))
    with pytest.raises(HubError, match="damaged"):
        read_adapter(adapter)


def test_the_largest_number_is_known_after_reading(adapter: Path) -> None:
    change_weights(adapter, lambda tensors: next(iter(tensors.values())).view(-1)[:1].fill_(-77.0))
    assert read_adapter(adapter).largest == 77.0


# --- the base it fits ----------------------------------------------------------------------------


def test_an_adapter_of_a_base_with_other_shapes_is_refused(saved_by_peft: Path) -> None:
    with pytest.raises(UsageError, match="made for another base"):
        read_adapter(saved_by_peft, model=tiny_model("llama", width=128))


def test_an_adapter_with_too_many_layers_is_refused(saved_by_peft: Path) -> None:
    with pytest.raises(UsageError, match="7 modules differ"):
        read_adapter(saved_by_peft, model=tiny_model("llama", layers=1))


def test_an_adapter_that_matches_no_module_is_refused(saved_by_peft: Path) -> None:
    with pytest.raises(UsageError, match="none of its 14 modules"):
        read_adapter(saved_by_peft, model=torch.nn.Sequential(torch.nn.Linear(4, 4)))


def test_the_right_base_is_named_where_it_is_known(adapter: Path) -> None:
    change_config(adapter, base_model_name_or_path="org/right")
    with pytest.raises(UsageError) as caught:
        read_adapter(adapter, model=tiny_model("llama", width=128))
    assert "org/right" in caught.value.hint


# --- targets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "qwen2", "phi", "mistral"])
def test_all_linear_means_what_it_means_in_peft(family: str) -> None:
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer

    wrapped = get_peft_model(tiny_model(family), LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear"))
    theirs = {name for name, module in wrapped.base_model.model.named_modules() if isinstance(module, LoraLayer)}
    assert set(resolve_targets(tiny_model(family), ["all-linear"])) == theirs


def test_a_target_is_an_ending_of_whole_names(model: Any) -> None:
    assert resolve_targets(model, ["q_proj", "1.mlp.up_proj"]) == [
        "model.layers.0.self_attn.q_proj",
        "model.layers.1.self_attn.q_proj",
        "model.layers.1.mlp.up_proj",
    ]
    with pytest.raises(UsageError):
        resolve_targets(model, ["proj"])


def test_a_target_that_matches_nothing_lists_the_names_there_are(model: Any) -> None:
    with pytest.raises(UsageError, match="'query'") as caught:
        resolve_targets(model, ["q_proj", "query"])
    assert "q_proj" in caught.value.hint
    assert "lm_head" not in caught.value.hint


@pytest.mark.parametrize(("target", "what"), [("lm_head", "head"), ("embed_tokens", "embedding")])
def test_head_and_embeddings_are_refused(model: Any, target: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        resolve_targets(model, [target])


def test_transposed_layers_are_refused_with_their_type() -> None:
    from transformers import AutoModelForCausalLM, GPT2Config

    gpt2 = AutoModelForCausalLM.from_config(GPT2Config(n_layer=1, n_embd=64, n_head=2, vocab_size=100, n_positions=32))
    for target in ("all-linear", "c_attn"):
        with pytest.raises(UsageError, match="Conv1D"):
            resolve_targets(gpt2, [target])


def test_linears_of_a_plain_model_are_its_linear_layers(model: Any) -> None:
    assert all(isinstance(module, torch.nn.Linear) for module in linears(model).values())
    assert len(linears(model)) == 15
