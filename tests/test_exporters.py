"""The built-in formats, each opened again by whoever reads it: PEFT, transformers, the GGUF reader, our own engine, a shell."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from conftest import Hub, write
from exported import add_run, chosen_in, exported, named_base, tiny_workspace
from tiny_models import TEMPLATE, save_tiny_base, tiny_model

from adapters_hub import exporting
from adapters_hub.contracts import Request, Sampling
from adapters_hub.engine.peft_files import read_adapter
from adapters_hub.engine.session import TorchEngine
from adapters_hub.errors import UsageError
from adapters_hub.tutor_file import read_tutor_file
from adapters_hub.types import Adapter, BaseModel, Message

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]
IDS = torch.tensor([[5, 40, 90, 200, 7, 300, 11]])
QUESTION = (Message("system", "Eres el tutor de sumas."), Message("user", "¿Cuánto es 2 + 2?"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tiny_workspace(tmp_path)


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=IDS).logits
    return found.float()


def with_peft(folder: Path) -> torch.Tensor:
    from peft import PeftModel

    return logits(PeftModel.from_pretrained(tiny_model(), folder))


def answer(base: Path, adapter: Path | None = None) -> str:
    """What our engine says, greedily."""
    engine = TorchEngine(BaseModel(str(base), quantization="none"))
    try:
        if adapter is not None:
            engine.attach(Adapter("sumas", adapter))
        return engine.generate([Request(QUESTION, "sumas" if adapter else None, Sampling(max_new_tokens=24))])[0].text
    finally:
        engine.close()


# --- peft ----------------------------------------------------------------------------------------


def test_plain_peft_loads_the_folder_with_the_same_logits(place: Path) -> None:
    run = chosen_in(place)[0].run.folder
    exported(place, "peft", place / "out")
    assert torch.equal(with_peft(place / "out"), with_peft(run))
    assert {file.name for file in (place / "out").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "tutor.json",
        "system.md",
        "export.json",
    }


def test_no_path_of_this_machine_leaves_it(place: Path) -> None:
    done = exported(place, "peft", place / "out")
    assert all(str(place).encode() not in file.read_bytes() for file in (place / "out").iterdir())
    config = json.loads((place / "out/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] is None and config["inference_mode"] is True
    assert any("names no base" in note for note in done.notes)


def test_the_bases_id_on_the_hub_is_named_where_it_is_known_or_given(place: Path) -> None:
    exported(place, "peft", place / "given", base_id="owner/tiny")
    config = json.loads((place / "given/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "owner/tiny"
    assert read_tutor_file((place / "given/tutor.json").read_bytes(), "tutor.json").base.model == "owner/tiny"
    with pytest.raises(UsageError, match="cannot be a Hub id"):
        exported(place, "peft", place / "bad", base_id="/tmp/x")


def test_tutor_json_names_prompt_sampling_and_the_hashes_of_its_neighbours(place: Path) -> None:
    import hashlib

    exported(place, "peft", place / "out")
    document = read_tutor_file((place / "out/tutor.json").read_bytes(), "tutor.json")
    assert (document.name, document.chat["max_new_tokens"], document.stop_token_ids) == ("sumas", 40, (0,))
    for name, wanted in document.files.items():
        assert hashlib.sha256((place / "out" / name).read_bytes()).hexdigest() == wanted
    assert (place / "out/system.md").read_text(encoding="utf-8") == "Eres el tutor de sumas.\n"


def test_an_archive_holds_the_same_and_is_the_same_every_time(place: Path) -> None:
    exported(place, "peft", place / "out")
    for name in ("a.zip", "b.zip"):
        exported(place, "peft", place / name)
    assert (place / "a.zip").read_bytes() == (place / "b.zip").read_bytes()
    with zipfile.ZipFile(place / "a.zip") as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert archive.read(name) == (place / "out" / name).read_bytes()
        assert "adapter_model.safetensors" in archive.namelist()


# --- merged --------------------------------------------------------------------------------------


def test_the_merged_folder_answers_in_plain_transformers_as_base_and_adapter_do(place: Path) -> None:
    from transformers import AutoModelForCausalLM, GenerationConfig

    run = chosen_in(place)[0].run.folder
    done = exported(place, "merged", place / "out", shard="200KB")
    torch.testing.assert_close(logits(AutoModelForCausalLM.from_pretrained(place / "out")), with_peft(run), rtol=1e-5, atol=1e-5)
    assert len(list((place / "out").glob("model-*.safetensors"))) > 1
    assert answer(place / "out") == answer(place / "base", run)
    settings = GenerationConfig.from_pretrained(place / "out")
    assert settings.max_new_tokens == 40 and settings.do_sample is False and settings.eos_token_id
    assert (place / "out/chat_template.jinja").read_text() == TEMPLATE and (place / "out/system.md").is_file()
    assert any("largest difference" in note for note in done.notes) and any("nf4" in note for note in done.notes)


def test_the_number_format_is_the_one_asked_for(place: Path) -> None:
    done = exported(place, "merged", place / "out", dtype="bfloat16")
    assert json.loads((place / "out/config.json").read_text())["dtype"] == "bfloat16"
    assert (place / "out/model.safetensors").stat().st_size < done.size
    with pytest.raises(UsageError, match="is no size"):
        exported(place, "merged", place / "x", shard="huge")


def test_an_adapter_of_other_weights_of_the_same_shape_is_not_merged(place: Path) -> None:
    shutil.rmtree(place / "base")
    save_tiny_base(place / "base", seed=9)
    with pytest.raises(UsageError, match="trained on other weights"):
        exported(place, "merged", place / "out")
    assert not (place / "out").exists()


# --- gguf ----------------------------------------------------------------------------------------


def test_the_adapter_alone_is_one_file_that_names_its_base_on_the_hub(place: Path) -> None:
    done = exported(place, "gguf", place / "out")
    file = place / "out/sumas-lora-f32.gguf"
    reader = gguf.GGUFReader(file)
    weights = read_adapter(chosen_in(place)[0].run.folder)
    assert len(reader.tensors) == 2 * len(weights.pairs) and reader.get_field("general.name").contents() == "Sumas"
    assert "--lora out/sumas-lora-f32.gguf -sysf out/system.md" in done.next
    assert str(place).encode() not in file.read_bytes()
    assert exporting._is_earlier(file), "--force may replace it"


def test_a_merged_file_is_a_base_for_our_own_engine_with_the_same_answer(place: Path) -> None:
    run = chosen_in(place)[0].run.folder
    exported(place, "gguf", place / "m.gguf", content="merged", type="f32")
    assert answer(place / "m.gguf") == answer(place / "base", run) != answer(place / "base")


def test_hub_ask_answers_over_a_gguf_base(hub: Hub, place: Path) -> None:
    exported(place, "gguf", place / "m.gguf", content="merged", type="f32")
    write(place / "tutors/hub.toml", '[base]\nmodel = "../m.gguf"\nquantization = "none"\n')
    asked = hub("ask", "sumas", "¿Cuánto es 2 + 2?", "--bare", "--no-log", "--json")
    assert asked.code == 0, asked.err
    assert asked.document["completion_tokens"] > 0 and asked.document["run"] is None


def test_base_and_adapter_come_together_or_alone(place: Path) -> None:
    exported(place, "gguf", place / "both", content="both", type="q8_0")
    assert {file.name for file in (place / "both").glob("*.gguf")} == {"base-q8_0.gguf", "sumas-lora-f16.gguf"}
    kinds = {tensor.tensor_type.name for tensor in gguf.GGUFReader(place / "both/sumas-lora-f16.gguf").tensors}
    assert kinds == {"F16"}, "an adapter is not quantized"
    with pytest.raises(UsageError, match="two files"):
        exported(place, "gguf", place / "x.gguf", content="both")


def test_quantizations_that_are_not_made_here_say_who_makes_them(place: Path) -> None:
    with pytest.raises(UsageError) as raised:
        exported(place, "gguf", place / "out", type="Q4_K_M")
    assert "llama-quantize" in raised.value.hint


def test_a_base_that_is_a_gguf_file_can_be_merged_into_again(place: Path, tmp_path: Path) -> None:
    exported(place, "gguf", place / "m.gguf", content="base", type="f32")
    other = tiny_workspace(tmp_path / "other", base=place / "m.gguf")
    exported(other, "merged", place / "again")
    run = chosen_in(other)[0].run.folder
    assert answer(place / "again") == answer(place / "base", run)


# --- ollama --------------------------------------------------------------------------------------


def test_the_folder_for_ollama_holds_every_file_its_modelfile_names(place: Path) -> None:
    done = exported(place, "ollama", place / "out", type="f32")
    lines = (place / "out/Modelfile").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["FROM ./base-f32.gguf", "ADAPTER ./sumas-lora-f32.gguf"]
    for line in lines[:2]:
        assert (place / "out" / line.split()[1]).is_file()
    assert 'SYSTEM """Eres el tutor de sumas."""' in lines
    for line in ("temperature 0.0", "top_p 0.8", "repeat_penalty 1.2", "num_predict 40", "num_ctx 512", 'stop "<|end|>"'):
        assert f"PARAMETER {line}" in lines
    assert done.next == "ollama create sumas -f out/Modelfile && ollama run sumas"


def test_ollama_may_run_the_merged_file_or_a_model_that_it_has(place: Path) -> None:
    exported(place, "ollama", place / "merged", from_="merged")
    assert (place / "merged/Modelfile").read_text().startswith("FROM ./sumas-merged-f16.gguf\nTEMPLATE")
    done = exported(place, "ollama", place / "named", from_="qwen2.5:1.5b")
    assert (place / "named/Modelfile").read_text().startswith("FROM qwen2.5:1.5b\nADAPTER ./sumas-lora-f32.gguf\n")
    assert any("must be the very base" in note for note in done.notes)
    with pytest.raises(UsageError, match="no model of Ollama"):
        exported(place, "ollama", place / "bad", from_="a\nRUN x")


# --- vllm ----------------------------------------------------------------------------------------


def test_vllm_gets_one_base_and_all_tutors_in_a_command_that_a_shell_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = tiny_workspace(tmp_path, names=("sumas", "restas"))
    add_run(place / "tutors/restas", place / "base", rank=20, seed=8)
    done = exported(place, "vllm", place / "out", "sumas", "restas", base_id="owner/tiny", port="9000")
    seen = '#!/bin/sh\nfor word in "$@"; do printf \'%s\\n\' "$word"; done\n'
    (place / "bin").mkdir()
    (place / "bin/vllm").write_text(seen)
    (place / "bin/vllm").chmod(0o755)
    ran = subprocess.run(
        ["sh", "out/serve.sh", "--extra"], cwd=place, env={"PATH": f"{place}/bin:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    words = ran.stdout.splitlines()
    assert words[:2] == ["serve", "owner/tiny"] and words[-1] == "--extra"
    assert words[words.index("--max-lora-rank") + 1] == "32", "the next size that vLLM knows above 20"
    assert words[words.index("--port") + 1] == "9000"
    modules = [json.loads(word) for word in words if word.startswith("{")]
    assert modules == json.loads((place / "out/lora_modules.json").read_text())
    assert [module["name"] for module in modules] == ["sumas", "restas"]
    for module in modules:
        assert read_adapter(place / "out" / module["path"]).pairs
    assert (place / "out" / words[words.index("--chat-template") + 1]).read_text() == TEMPLATE
    assert any("QLoRA" in note for note in done.notes) and shlex.split(done.next) == ["sh", "out/serve.sh"]


def test_a_base_on_this_machine_is_named_by_its_path_with_a_warning(place: Path) -> None:
    done = exported(place, "vllm", place / "out")
    assert str(place / "base") in (place / "out/serve.sh").read_text()
    assert any("base-id=OWNER/NAME makes it portable" in note for note in done.notes)
    with pytest.raises(UsageError, match="is no port"):
        exported(place, "vllm", place / "bad", port="0")


def test_a_run_whose_base_is_not_the_workspaces_is_refused(place: Path) -> None:
    named_base(chosen_in(place)[0].run, "mini")
    (place / "tutors/hub.toml").write_text('[base]\nmodel = "owner/other"\n')
    with pytest.raises(UsageError, match="trained on 'mini'"):
        exported(place, "vllm", place / "out")
