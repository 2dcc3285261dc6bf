"""A published adapter for real: pulled elsewhere it gives the same answer, and plain PEFT loads it by its id and gives our logits."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Hub, make_tutor_folder, write
from hub_server import HubServer
from hub_site import ANA

from adapters_hub import store
from adapters_hub.adapter_files import read_adapter_layers, read_base_layers
from adapters_hub.base_files import EMBEDDED, weights_digest
from adapters_hub.errors import UsageError
from adapters_hub.pulling import parse_reference
from adapters_hub.recognition import other_template, recognise, recognise_by_name, require_layers
from adapters_hub.types import BaseIdentity, BaseModel, RunManifest

MINI = EMBEDDED["mini"]
REPO = "ana/sumas"
QUESTION = "¿Cuánto es 12 más 30?"
here = pytest.mark.skipif(not (MINI / "model.safetensors").is_file(), reason="the embedded base is not in this checkout")
torch_warnings = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]

PLAIN_PEFT = """
import sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
base = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
model = PeftModel.from_pretrained(base, sys.argv[2], revision=sys.argv[3]).eval()
with torch.no_grad():
    torch.save(model(torch.tensor([[int(token) for token in sys.argv[4].split(",")]])).logits, sys.argv[5])
"""


@pytest.fixture
def published(workspace: Path, hub: Hub, site: HubServer) -> Path:
    """A tutor of ``mini`` with weights that change every answer, published; returns its run."""
    from tiny_models import random_adapter

    from adapters_hub.engine.base import load_base

    write(workspace / "tutors/hub.toml", '[base]\nmodel = "mini"\nquantization = "none"\n')
    folder = make_tutor_folder(
        workspace / "tutors/sumas", settings="[chat]\ntemperature = 0.0\nrepetition_penalty = 1.0\nmax_new_tokens = 24\n"
    )
    loaded = load_base(BaseModel(quantization="none"))
    run = store.start_run(folder)
    random_adapter(loaded.model.float(), run, seed=3, rank=4, strength=12.0)
    (run / "README.md").unlink()
    chat, created = loaded.chat, "2026-01-02T03:04:05+00:00"
    facts = (loaded.identity, "none", chat.template_sha256, "", chat.stop_token_ids)
    manifest = RunManifest(1, "", "sumas", created, *facts, "", {}, {}, {}, {})
    store.finish_run(run, manifest)
    done = hub("publish", "sumas", "--force-unvalidated", "para la prueba")
    assert done.code == 0, done.err
    return run


@here
@pytest.mark.filterwarnings(*(mark.args[0] for mark in torch_warnings))
def test_pulled_elsewhere_it_gives_the_same_greedy_answer_and_plain_peft_our_logits(
    published: Path, hub: Hub, site: HubServer, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home = hub("ask", "sumas", QUESTION, "--json").document["answer"]
    bare = hub("ask", "sumas", QUESTION, "--json", "--bare").document["answer"]
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "tutors/hub.toml", '[base]\nmodel = "mini"\nquantization = "none"\n')
    monkeypatch.chdir(elsewhere)
    done = hub("pull", REPO)
    assert done.code == 0, done.err
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pulled = hub("ask", "sumas", QUESTION, "--json").document["answer"]
    assert pulled == at_home != bare and pulled
    monkeypatch.delenv("HF_HUB_OFFLINE")

    ids = [5, 17, 42, 99, 7, 300]
    theirs, said = plain_peft(site, ids, tmp_path)
    ours = our_logits(store.chosen_run(elsewhere / "tutors/sumas"), ids)
    import torch

    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert said.strip() == hub("ask", "sumas", "¿Cuánto es 100 y 1?", "--json", "--no-log").document["answer"].strip() != ""


def plain_peft(site: HubServer, ids: list[int], tmp_path: Path) -> tuple[Any, str]:
    """In a fresh process: the logits of the base from its folder with the adapter by its id on the Hub, which knows nothing of us; then
    what the snippet of the card prints when it is pasted."""
    import torch

    card = site.repositories[REPO].head.files["README.md"][0].decode()
    pasted = card.partition("```python\n")[2].partition("\n```")[0]
    own = {"HF_ENDPOINT": site.url, "HF_TOKEN": ANA, "HF_HOME": str(tmp_path / "fresh"), "HF_HUB_DISABLE_XET": "1"}
    words = [str(MINI), REPO, "v0.1.0", ",".join(map(str, ids)), str(tmp_path / "logits.pt")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{PLAIN_PEFT}\n{pasted}", *words],
        env={**os.environ, **own, "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        check=True,
        timeout=180,
        stdout=subprocess.PIPE,
        text=True,
    )
    return torch.load(tmp_path / "logits.pt"), done.stdout


def our_logits(run: store.Run | None, ids: list[int]) -> Any:
    import torch

    from adapters_hub.engine.bank import Bank
    from adapters_hub.engine.base import load_base
    from adapters_hub.engine.peft_files import read_adapter

    assert run is not None
    model = load_base(BaseModel(quantization="none")).model.float()
    bank = Bank(model)
    slot = bank.attach(read_adapter(run.folder, model=model))
    with torch.no_grad(), bank.routing([slot]):
        return model(torch.tensor([ids])).logits


@here
@pytest.mark.filterwarnings(*(mark.args[0] for mark in torch_warnings))
def test_a_plain_adapter_of_mini_answers_after_its_import(workspace: Path, hub: Hub, tmp_path: Path) -> None:
    from tiny_models import random_adapter
    from transformers import AutoModelForCausalLM

    write(workspace / "tutors/hub.toml", '[base]\nmodel = "mini"\nquantization = "none"\n')
    adapter = random_adapter(AutoModelForCausalLM.from_pretrained(MINI), tmp_path / "mi-adaptador", seed=1, rank=2)
    done = hub("import", adapter)  # PEFT has written the folder of mini as the base's name
    assert done.code == 0, done.err
    assert hub("ask", "mi_adaptador", QUESTION, "--json").document["answer"]


# --- recognising the base ------------------------------------------------------------------------


def identity(model: str = "mini", weights: str = "", revision: str = "") -> BaseIdentity:
    return BaseIdentity(model, revision, "llama", "f" * 64, weights)


@here
def test_the_embedded_base_is_recognised_by_its_weights_whatever_it_is_called() -> None:
    digest = weights_digest(MINI)
    found = recognise(identity("somebody/copy-of-mini", digest, "a" * 40), BaseModel(), "x")
    assert (found.identity.model, found.identity.revision, found.identity.fingerprint) == ("mini", "", "f" * 64)
    with pytest.raises(UsageError, match="another version of the embedded base"):
        recognise(identity("mini", "0" * 64), BaseModel(), "x")


def test_a_base_that_is_not_here_is_recognised_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    base = BaseModel(model="Qwen/Qwen2.5-0.5B-Instruct")
    assert recognise(identity("qwen/qwen2.5-0.5b-instruct", "0" * 64), base, "x").identity.model == base.model
    revised = recognise(identity(base.model, "", "a" * 40), replace(base, revision="b" * 40), "x")
    assert "revision aaaaaaaaaaaa" in revised.note
    with pytest.raises(UsageError) as caught:
        recognise(identity("mini"), base, "x")
    assert "hub base use mini" in caught.value.hint


@pytest.mark.parametrize(
    "named", ["Qwen/Qwen2.5-0.5B-Instruct", "unsloth/qwen2.5-0.5b-instruct-unsloth-bnb-4bit", "/content/Qwen2.5-0.5B-Instruct/", ""]
)
def test_a_plain_adapters_base_is_recognised_by_what_it_may_have_been_called(named: str) -> None:
    found = recognise_by_name(named, BaseModel(model="Qwen/Qwen2.5-0.5B-Instruct"), "x")
    assert found.identity.model == "Qwen/Qwen2.5-0.5B-Instruct" and found.identity.fingerprint == ""
    assert found.certain is (named == "Qwen/Qwen2.5-0.5B-Instruct")


@here
def test_another_chat_template_is_noticed(tmp_path: Path) -> None:
    from adapters_hub.tokenizer_files import load_chat_format

    in_force = load_chat_format(MINI).template_sha256
    assert not other_template(in_force, BaseModel()) and other_template("0" * 64, BaseModel())
    assert not other_template("0" * 64, BaseModel(engine="echo")), "another engine has no template"
    template = write(tmp_path / "own.jinja", "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}")
    assert other_template(in_force, BaseModel(chat_template=str(template)))


@here
def test_layers_decide_where_a_name_does_not() -> None:
    layers = read_base_layers(MINI)
    some = {path: size for path, size in layers.items() if path.endswith("q_proj")}
    assert some
    require_layers(some, BaseModel(), "x", certain=False)
    with pytest.raises(UsageError, match="its layers differ"):
        require_layers({path: (inner + 1, outer) for path, (inner, outer) in some.items()}, BaseModel(), "x", certain=True)
    with pytest.raises(UsageError, match="its layers differ"):
        require_layers({**some, "model.layers.99.self_attn.q_proj": (256, 256)}, BaseModel(), "x", certain=True)
    with pytest.raises(UsageError, match="cannot be told"):
        require_layers({"h.0.attn": (8, 8)}, BaseModel(), "x", certain=False)


@here
@pytest.mark.filterwarnings(*(mark.args[0] for mark in torch_warnings))
def test_the_layers_of_an_adapter_are_read_as_peft_writes_them(tmp_path: Path) -> None:
    from tiny_models import random_adapter, save_tiny_base, tiny_model

    for family in ("llama", "qwen2", "phi", "mistral"):
        adapter = random_adapter(tiny_model(family), tmp_path / family / "adapter", seed=0)
        wanted = read_adapter_layers(adapter / "adapter_model.safetensors", "x")
        base = read_base_layers(save_tiny_base(tmp_path / family / "base", family))
        assert wanted and all(base[path] == size for path, size in wanted.items()), family


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("ana/sumas", ("ana/sumas", "")),
        ("ana/sumas@v0.1.0", ("ana/sumas", "v0.1.0")),
        ("ana/sumas@refs/pr/1", ("ana/sumas", "refs/pr/1")),
        ("https://huggingface.co/ana/sumas/", ("ana/sumas", "")),
    ],
)
def test_a_reference_is_a_repository_and_perhaps_a_revision(reference: str, expected: tuple[str, str]) -> None:
    assert parse_reference(reference) == expected
