"""The optimisation loop against its oracles: Trainer's losses, PEFT's gradients, itself interrupted and continued."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_models import save_tiny_base, tiny_model

from adapters_hub import hardware
from adapters_hub.contracts import Answerer, TrainEnd, TrainJob, TrainStart, TrainStep
from adapters_hub.engine import checkpoints
from adapters_hub.engine.batches import Batch, Row, collate, tokenize
from adapters_hub.engine.fused_step import FusedStep
from adapters_hub.engine.loss import SupervisedLoss
from adapters_hub.engine.training import train
from adapters_hub.errors import HubError, Interrupted, ResourceError, UsageError
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import BaseModel, Example, LoraSettings, Message, Recipe, TrainSettings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32, so that only real differences show."""
    monkeypatch.setattr(hardware, "compute_dtype", lambda torch_module, device: torch.float32)


def examples(count: int, word: str = "más") -> tuple[Example, ...]:
    return tuple(
        Example(
            (
                Message("system", "Eres un tutor."),
                Message("user", f"¿Cuánto es {i} {word} 1?" + " Por favor." * (i % 3)),
                Message("assistant", f"Es {i + 1}." + " ¿Y el siguiente?" * (i % 4)),
            ),
            where=f"train.jsonl:{i + 1}",
        )
        for i in range(count)
    )


def job_of(
    base: Path, run_dir: Path, rows: Sequence[Example], held_out: Sequence[Example] = (), *, name: str = "uno", **settings: Any
) -> TrainJob:
    run_dir.mkdir(parents=True, exist_ok=True)
    dropout = settings.pop("dropout", 0.0)
    more = {key: settings.pop(key) for key in ("resume", "tracker", "score", "stopped") if key in settings}
    chosen = {"epochs": 2.0, "learning_rate": 5e-3, "batch_size": 4, "checkpoint_every": 3, "warmup": 0.0} | settings
    recipe = Recipe(LoraSettings(rank=4, alpha=8.0, dropout=dropout), TrainSettings(**chosen))
    return TrainJob(name, BaseModel(model=str(base), quantization="none"), tuple(rows), tuple(held_out), recipe, run_dir, **more)


def losses(events: Sequence[Any], name: str = "uno") -> list[float]:
    return [event.loss for event in events if isinstance(event, TrainStep) and event.job == name]


def first(events: Sequence[Any], kind: type) -> Any:
    return next(event for event in events if isinstance(event, kind))


# --- oracles -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("exact")
def test_the_loss_sequence_is_that_of_the_transformers_trainer_over_peft(base_folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    rows = examples(6)
    ours = list(train([job_of(base_folder, tmp_path / "run", rows, batch_size=6, epochs=100.0, max_steps=5, seed=3)]))
    start = first(ours, TrainStart)

    tokenized = tokenize(load_chat_format(base_folder), rows, max_tokens=512).rows
    length = max(len(row.ids) for row in tokenized)
    dataset = [
        {
            "input_ids": torch.tensor(row.ids + [4] * (length - len(row.ids))),
            "attention_mask": torch.tensor([1] * len(row.ids) + [0] * (length - len(row.ids))),
            "labels": torch.tensor(
                [i if s else -100 for i, s in zip(row.ids, row.supervised, strict=True)] + [-100] * (length - len(row.ids))
            ),
        }
        for row in tokenized
    ]
    model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM"))
    _copy_initial_a(model, base_folder, seed=3)
    seen: list[float] = []

    class Recording(Trainer):
        def training_step(self, *arguments: Any, **named: Any) -> torch.Tensor:
            loss = super().training_step(*arguments, **named)
            seen.append(float(loss))
            return loss

    arguments = TrainingArguments(
        output_dir=str(tmp_path / "trainer"),
        max_steps=5,
        per_device_train_batch_size=6,
        learning_rate=5e-3,
        lr_scheduler_type="cosine",
        weight_decay=0.0,
        max_grad_norm=1.0,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        optim="adamw_torch",
        logging_steps=10**6,
        dataloader_pin_memory=False,
    )
    Recording(model=model, args=arguments, train_dataset=dataset).train()

    assert start.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert losses(ours) == pytest.approx(seen, rel=2e-5)
    assert seen[-1] < seen[0]


def _copy_initial_a(model: Any, base_folder: Path, seed: int) -> None:
    """Give PEFT the random A that our bank starts from."""
    from transformers import AutoModelForCausalLM

    from adapters_hub.engine.bank import Bank

    bank = Bank(AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32), dtype=torch.float32)
    weights = bank.weights_of(bank.add_trainable(LoraSettings(rank=4, alpha=8.0, dropout=0.0), seed))
    for path, (a, _b, _scale) in weights.pairs.items():
        model.get_submodule(f"base_model.model.{path}.lora_A.default").weight.data.copy_(a)


@pytest.mark.usefixtures("exact")
def test_small_pieces_add_up_to_the_whole_batch(base_folder: Path, tmp_path: Path) -> None:
    whole = list(train([job_of(base_folder, tmp_path / "a", examples(8), batch_size=8)]))
    pieces = list(train([job_of(base_folder, tmp_path / "b", examples(8), batch_size=8, micro_batch=3)]))
    assert losses(pieces) == pytest.approx(losses(whole), rel=1e-5)


@pytest.mark.usefixtures("exact")
def test_recomputing_activations_changes_nothing(base_folder: Path, tmp_path: Path) -> None:
    plain = list(train([job_of(base_folder, tmp_path / "a", examples(8), activation_checkpointing="off")]))
    recomputed = list(train([job_of(base_folder, tmp_path / "b", examples(8), activation_checkpointing="on")]))
    assert losses(recomputed) == pytest.approx(losses(plain), rel=1e-5)


@pytest.mark.usefixtures("exact")
def test_tutors_trained_together_learn_what_each_learns_alone(base_folder: Path, tmp_path: Path) -> None:
    short, long = examples(6, "más"), examples(10, "menos")
    together = list(
        train(
            [
                job_of(base_folder, tmp_path / "a", short, short[:2], name="uno", seed=1),
                job_of(base_folder, tmp_path / "b", long, long[:2], name="dos", seed=2, learning_rate=2e-3),
            ]
        )
    )
    alone = [
        *train([job_of(base_folder, tmp_path / "c", short, short[:2], name="uno", seed=1)]),
        *train([job_of(base_folder, tmp_path / "d", long, long[:2], name="dos", seed=2, learning_rate=2e-3)]),
    ]
    for name in ("uno", "dos"):
        assert losses(together, name) == pytest.approx(losses(alone, name), rel=1e-4)
        ends = [next(e for e in events if isinstance(e, TrainEnd) and e.job == name) for events in (together, alone)]
        assert ends[0].held_out_last == pytest.approx(ends[1].held_out_last, rel=1e-4)


@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_the_loss_on_labelled_positions_is_the_models_own(family: str, base_folder: Path) -> None:
    model = _gemma2() if family == "gemma2" else tiny_model("llama")
    rows = tokenize(load_chat_format(base_folder), examples(3), max_tokens=512).rows
    batch = collate(rows, pad_id=4)
    with torch.no_grad():
        expected = _own_loss(model, batch)
        loss = SupervisedLoss(model)
        found = loss(batch, 1)[0] / len(batch.targets)
    assert loss.decoder_only is (family == "llama"), "gemma2 caps its logits: the head alone would be wrong"
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("family", "attention"),
    [
        *itertools.product(("llama", "mistral", "gpt2", "opt", "falcon", "gpt_neox"), ("sdpa", "eager")),
        *itertools.product(("bloom", "mpt"), ("eager",)),
    ],
)
def test_padding_on_the_right_changes_nothing_although_there_is_no_mask(family: str, attention: str) -> None:
    """Windows of attention, learned positions counted from the mask, and ALiBi: what a family could read from a mask."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 384, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "pad_token_id": 4}
    sizes |= {"bos_token_id": 0, "eos_token_id": 0}
    sizes |= {"mistral": {"sliding_window": 8, "num_key_value_heads": 2}, "falcon": {"alibi": True}, "opt": {"ffn_dim": 128}}.get(
        family, {}
    )
    sizes |= {} if family in ("bloom", "mpt", "falcon") else {"max_position_embeddings": 64}
    config = AutoConfig.for_model(family, **sizes)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention).eval()
    rows = [Row([(7 * i + n) % 380 for i in range(n)], bytes([1] * n), "f:1") for n in (5, 14, 31)]
    batch = collate(rows, pad_id=4)
    with torch.no_grad():
        expected = _own_loss(model, batch)
        loss = SupervisedLoss(model)
        found = loss(batch, 1)[0] / len(batch.targets)
    assert not loss.masked
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_a_model_that_looks_to_the_right_gets_the_mask() -> None:
    from transformers import AutoModelForCausalLM, XLNetConfig

    torch.manual_seed(0)
    config = XLNetConfig(vocab_size=384, d_model=64, n_layer=2, n_head=4, d_inner=128, attn_type="bi")
    loss = SupervisedLoss(AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval())
    assert loss.masked


def test_a_head_scored_in_chunks_gives_the_same_loss_and_gradients(base_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("llama").requires_grad_(True)
    batch = collate(tokenize(load_chat_format(base_folder), examples(3), max_tokens=512).rows, pad_id=4)
    results = []
    for chunk in (2**24, 384 * 5):
        monkeypatch.setattr("adapters_hub.engine.loss.CHUNK", chunk)
        model.zero_grad()
        total = SupervisedLoss(model)(batch, 1).sum()
        total.backward()
        results.append((float(total.detach()), model.lm_head.weight.grad.clone()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    assert torch.allclose(results[0][1], results[1][1], atol=1e-5)


def _own_loss(model: Any, batch: Batch) -> torch.Tensor:
    """What transformers computes from labels and a mask."""
    labels = torch.full_like(batch.input_ids, -100)
    labels.view(-1)[batch.positions + 1] = batch.targets
    loss: torch.Tensor = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=labels).loss
    return loss


def _gemma2() -> Any:
    from transformers import AutoModelForCausalLM, Gemma2Config

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=384,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        final_logit_softcapping=0.5,
        max_position_embeddings=512,
        pad_token_id=4,
        bos_token_id=0,
        eos_token_id=0,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()


# --- interruption --------------------------------------------------------------------------------

CHILD = """
import sys, json
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from test_engine_training import examples, job_of
from adapters_hub.contracts import TrainStep
from adapters_hub.engine.training import train
for event in train([job_of(Path({base!r}), Path({run!r}), examples(10), examples(3, "por"), dropout=0.2, epochs=4.0, resume={resume})]):
    if isinstance(event, TrainStep):
        print(json.dumps([event.step, event.loss, event.held_out_loss]), flush=True)
        if {slow}:
            import time; time.sleep(0.3)
"""


def _child(base: Path, run: Path, *, resume: bool = False, slow: bool = False) -> subprocess.Popen[str]:
    code = CHILD.format(root=str(ROOT), tests=str(ROOT / "tests"), base=str(base), run=str(run), resume=resume, slow=slow)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_a_killed_run_continues_with_the_same_losses(base_folder: Path, tmp_path: Path) -> None:
    whole_run = _child(base_folder, tmp_path / "whole")
    killed = _child(base_folder, tmp_path / "killed", slow=True)
    assert killed.stdout is not None
    for line in killed.stdout:
        if json.loads(line)[0] == 5:
            killed.send_signal(signal.SIGKILL)
            break
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    whole, complaint = whole_run.communicate(timeout=120)
    assert whole_run.returncode == 0, complaint
    resumed, complaint = _child(base_folder, tmp_path / "killed", resume=True).communicate(timeout=120)
    expected = [json.loads(line) for line in whole.splitlines()]
    found = [json.loads(line) for line in resumed.splitlines()]
    assert len(expected) == 12
    assert found == expected[3:], f"continues after the checkpoint of step 3, bit for bit {complaint}"


def test_closing_the_iterator_keeps_the_steps_so_far(base_folder: Path, tmp_path: Path) -> None:
    whole = list(train([job_of(base_folder, tmp_path / "a", examples(8), dropout=0.1)]))
    events = train([job_of(base_folder, tmp_path / "b", examples(8), dropout=0.1)])
    begun = list(itertools.islice(events, 3))
    events.close()  # type: ignore[attr-defined]
    rest = list(train([job_of(base_folder, tmp_path / "b", examples(8), dropout=0.1, resume=True)]))
    assert losses(begun) + losses(rest) == losses(whole)
    assert first(rest, TrainStart).first_step == 2


def test_a_checkpoint_of_other_rows_is_refused(base_folder: Path, tmp_path: Path) -> None:
    events = train([job_of(base_folder, tmp_path, examples(8))])
    list(itertools.islice(events, 3))
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="changed since"):
        list(train([job_of(base_folder, tmp_path, examples(9), resume=True)]))


def test_a_full_disk_is_one_clear_error_and_the_former_checkpoint_stays(
    base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = train([job_of(base_folder, tmp_path, examples(16), checkpoint_every=2)])
    for event in events:
        if isinstance(event, TrainStep) and event.step == 3:
            break

    def no_space(*arguments: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("accelerate.Accelerator.save_state", no_space)
    with pytest.raises(ResourceError, match="no space left"):
        list(events)
    assert [folder.name for folder in (tmp_path / checkpoints.FOLDER).glob("step-*")] == ["step-000002"]


def test_two_runs_with_one_seed_are_the_same(base_folder: Path, tmp_path: Path) -> None:
    runs = [list(train([job_of(base_folder, tmp_path / str(i), examples(8), dropout=0.3)])) for i in range(2)]
    assert losses(runs[0]) == losses(runs[1])
    files = [(tmp_path / str(i) / "adapter_model.safetensors").read_bytes() for i in range(2)]
    assert files[0] == files[1]


def test_a_run_interrupted_at_its_last_step_ends_at_once_when_resumed(base_folder: Path, tmp_path: Path) -> None:
    held_out = examples(2, "por")
    events = train([job_of(base_folder, tmp_path, examples(8), held_out, checkpoint_every=100)])
    last = [event for event in itertools.islice(events, 5) if isinstance(event, TrainStep)][-1]
    assert last.step == last.total_steps
    events.close()  # type: ignore[attr-defined]
    start, end = train([job_of(base_folder, tmp_path, examples(8), held_out, checkpoint_every=100, resume=True)])
    assert isinstance(start, TrainStart)
    assert isinstance(end, TrainEnd)
    assert (end.steps, end.held_out_last) == (last.step, last.held_out_loss)


def test_what_nobody_took_note_of_is_still_there_to_resume(base_folder: Path, tmp_path: Path) -> None:
    events = train([job_of(base_folder, tmp_path, examples(4))])
    for event in events:
        if isinstance(event, TrainEnd):
            break
    assert checkpoints.latest(tmp_path) is not None, "whoever took the end may fail to write the manifest"
    assert list(events) == []
    assert checkpoints.latest(tmp_path) is None


def test_tutors_interrupted_together_go_on_together(base_folder: Path, tmp_path: Path) -> None:
    def jobs(place: str, *, resume: bool = False) -> list[TrainJob]:
        return [
            job_of(base_folder, tmp_path / place / name, rows, rows[:2], name=name, seed=seed, dropout=0.3, resume=resume)
            for seed, (name, rows) in enumerate((("uno", examples(8, "más")), ("dos", examples(12, "menos"))))
        ]

    whole = list(train(jobs("whole")))
    events = train(jobs("cut"))
    begun = list(itertools.islice(events, 5))
    events.close()  # type: ignore[attr-defined]
    assert isinstance(begun[-1], TrainStep)
    assert (begun[-1].job, begun[-1].step) == ("uno", 2), "cut between the events of one step"
    rest = list(train(jobs("cut", resume=True)))
    assert losses(begun, "uno") + losses(rest, "uno") == losses(whole, "uno")
    assert losses(whole, "dos")[2:] == losses(rest, "dos")
    ends = [{e.job: e.held_out_last for e in events if isinstance(e, TrainEnd)} for events in (whole, rest)]
    assert ends[0] == ends[1]


# --- scores --------------------------------------------------------------------------------------

ASKED = [(Message("system", "Eres un tutor."), Message("user", f"¿Cuánto es {i} más 1?")) for i in range(3)]


def scores(*values: float) -> Any:
    """A score that asks, and then gives these values in turn."""
    left = iter(values)

    def score(answer: Answerer) -> float:
        assert all(isinstance(text, str) for text in answer(ASKED, max_new_tokens=8))
        return next(left)

    return score


@pytest.mark.parametrize(("quantization", "checkpointing"), [("none", "off"), ("none", "on"), ("nf4", "off")])
def test_scoring_changes_no_step_and_no_adapter(base_folder: Path, tmp_path: Path, quantization: str, checkpointing: str) -> None:
    base = BaseModel(model=str(base_folder), quantization=quantization)  # type: ignore[arg-type]

    def run(name: str, score: Any) -> tuple[Any, ...]:
        settings = {"dropout": 0.3, "epochs": 3.0, "activation_checkpointing": checkpointing}
        job = job_of(base_folder, tmp_path / name, examples(8), examples(3, "por"), score=score, **settings)
        events = list(train([replace(job, base=base)]))
        steps = [(event.loss, event.gradient_norm, event.held_out_loss, event.best) for event in events if isinstance(event, TrainStep)]
        return steps, (tmp_path / name / "adapter_model.safetensors").read_bytes()

    assert run("scored", scores(0.5, 0.5, 0.5, 0.5)) == run("plain", None), "bit for bit"


@pytest.mark.usefixtures("exact")
def test_the_answers_that_are_scored_are_those_of_the_adapter_as_it_is(base_folder: Path, tmp_path: Path) -> None:
    from adapters_hub.contracts import Request, Sampling
    from adapters_hub.engine.session import TorchEngine
    from adapters_hub.types import Adapter

    said: list[list[str]] = []

    def score(answer: Answerer) -> float:
        said.append(answer(ASKED, max_new_tokens=12))
        return len(said) / 100

    rows = examples(8)
    list(train([job_of(base_folder, tmp_path, rows, rows[:2], epochs=15.0, score=score, learning_rate=2e-2, patience=0)]))
    engine = TorchEngine(BaseModel(model=str(base_folder), quantization="none"))
    engine.attach(Adapter("uno", tmp_path))
    for texts, name in ((said[0], None), (said[-1], "uno")):
        requests = [Request(conversation, name, Sampling(max_new_tokens=12)) for conversation in ASKED]
        assert texts == [completion.text for completion in engine.generate(requests)]
    assert said[0] != said[-1]
    assert any(said[-1])


def test_the_highest_score_wins_and_the_loss_breaks_ties(base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = iter([5.0, 4.0, 4.5, 4.4, 3.0, 2.0])
    monkeypatch.setattr("adapters_hub.engine.fused_step.FusedStep.evaluate", lambda self, learner: next(marks))
    score = scores(0.0, 0.2, 0.6, 0.6, 0.4, 0.4)
    events = list(train([job_of(base_folder, tmp_path, examples(8), examples(2), epochs=10.0, patience=2, score=score)]))
    evaluated = [event for event in events if isinstance(event, TrainStep) and event.held_out_loss is not None]
    assert [(event.score, event.best) for event in evaluated] == [(0.2, True), (0.6, True), (0.6, True), (0.4, False), (0.4, False)]
    end = first(events, TrainEnd)
    assert (end.reason, end.best_step, end.held_out_last, end.score_first, end.score_last) == ("early_stop", 6, 4.4, 0.0, 0.6)
    assert first(events, TrainStart).score == 0.0


def test_tutors_trained_together_are_scored_each_by_its_own(base_folder: Path, tmp_path: Path) -> None:
    jobs = [
        job_of(base_folder, tmp_path / name, examples(8, word), examples(2), name=name, score=scores(*values), epochs=2.0)
        for name, word, values in (("uno", "más", (0.0, 0.1, 0.2)), ("dos", "menos", (0.5, 0.9, 0.7)))
    ]
    ends = {event.job: event for event in train(jobs) if isinstance(event, TrainEnd)}
    assert (ends["uno"].score_first, ends["uno"].score_last, ends["uno"].best_step) == (0.0, 0.2, 4)
    assert (ends["dos"].score_first, ends["dos"].score_last, ends["dos"].best_step) == (0.5, 0.9, 2)


def test_a_resumed_run_remembers_its_best_score(base_folder: Path, tmp_path: Path) -> None:
    def job(place: str, score: Any, *, resume: bool = False) -> TrainJob:
        return job_of(base_folder, tmp_path / place, examples(8), examples(2), epochs=3.0, score=score, resume=resume)

    whole = list(train([job("whole", scores(0.0, 0.8, 0.4, 0.6))]))
    events = train([job("cut", scores(0.0, 0.8))])
    for event in events:
        if isinstance(event, TrainStep) and event.step == 3:
            break
    events.close()  # type: ignore[attr-defined]
    rest = list(train([job("cut", scores(0.4, 0.6), resume=True)]))
    assert first(rest, TrainStart).score == 0.0
    ends = [replace(first(events, TrainEnd), seconds=0.0, peak_memory=0) for events in (whole, rest)]
    assert ends[0] == ends[1]
    assert (ends[1].best_step, ends[1].score_last) == (2, 0.8)


def test_an_evaluation_that_is_cut_short_is_made_up_for(base_folder: Path, tmp_path: Path) -> None:
    stop: list[bool] = []

    def job(place: str, score: Any, *, resume: bool = False) -> TrainJob:
        rows = examples(8), examples(2)
        settings = {"epochs": 2.0, "score": score, "resume": resume, "dropout": 0.2, "checkpoint_every": 2}
        return job_of(base_folder, tmp_path / place, *rows, stopped=lambda: bool(stop), **settings)

    def impatient(answer: Answerer) -> float:
        if not (tmp_path / "cut" / "adapter_config.json").exists() and calls:
            stop.append(True)
        calls.append(1)
        answer(ASKED, max_new_tokens=8)
        return 0.0

    calls: list[int] = []
    whole = list(train([job("whole", scores(0.0, 0.8, 0.4))]))
    events = train([job("cut", impatient)])
    begun = []
    for event in events:
        begun.append(event)
        if stop:
            break
    events.close()  # type: ignore[attr-defined]
    assert isinstance(begun[-1], TrainStep)
    assert (begun[-1].step, begun[-1].held_out_loss, begun[-1].score) == (2, None, None)
    stop.clear()
    rest = list(train([job("cut", scores(0.8, 0.4), resume=True)]))
    assert first(rest, TrainStart).first_step == 1
    steps = [[replace(e, seconds=0.0) for e in events if isinstance(e, TrainStep)] for events in (whole, [*begun[:-1], *rest])]
    assert steps[0] == steps[1], "the step under way comes again, whole; nothing else differs"
    assert (first(rest, TrainEnd).best_step, first(rest, TrainEnd).score_last) == (2, 0.8)


def test_scoring_the_untouched_base_can_be_interrupted(base_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        list(train([job_of(base_folder, tmp_path, examples(8), examples(2), score=scores(0.0), stopped=lambda: True)]))
    assert checkpoints.latest(tmp_path) is None


def test_a_checkpoint_from_before_there_were_scores_goes_on_by_its_loss(base_folder: Path, tmp_path: Path) -> None:
    def job(score: Any = None, *, resume: bool = False) -> TrainJob:
        return job_of(base_folder, tmp_path, examples(8), examples(2), epochs=2.0, score=score, resume=resume)

    events = train([job()])
    list(itertools.islice(events, 4))
    events.close()  # type: ignore[attr-defined]
    folder = checkpoints.latest(tmp_path)
    assert folder is not None
    progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    for name in ("score_first", "best_score", "score_rows", "overdue"):
        del progress[name]
    (folder / "progress.json").write_text(json.dumps(progress), encoding="utf-8")
    end = first(list(train([job(scores(), resume=True)])), TrainEnd)
    assert (end.steps, end.score_first, end.score_last) == (4, None, None)


def test_scores_over_other_rows_are_not_compared(base_folder: Path, tmp_path: Path) -> None:
    events = train([job_of(base_folder, tmp_path, examples(8), examples(2), score=scores(0.0, 0.5), score_rows=5)])
    list(itertools.islice(events, 3))
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="score_rows = 5, now it is 9"):
        list(train([job_of(base_folder, tmp_path, examples(8), examples(2), score=scores(0.0), score_rows=9, resume=True)]))


def test_answers_while_training_end_with_their_reference_or_the_context_and_fit_into_memory(
    base_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters_hub.engine import answering
    from adapters_hub.engine.bank import Bank
    from adapters_hub.engine.base import load_base

    loaded = load_base(BaseModel(model=str(base_folder), quantization="none"), training=True)
    bank = Bank(loaded.model, dtype=torch.float32)
    slot = bank.add_trainable(LoraSettings(rank=2), 1)
    sizes: list[list[int]] = []
    decode = answering.decode_in_training

    def spying(model: Any, bank: Any, prompts: Any, **named: Any) -> Any:
        sizes.append([prompt.limit for prompt in prompts])
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(model, bank, prompts, **named)

    monkeypatch.setattr(answering, "decode_in_training", spying)
    monkeypatch.setattr(answering, "EXTRA", 3)
    answer = answering.Answers(loaded, bank).of(slot, lambda: False)
    long = (Message("user", "hola " * 400),)
    texts = answer([*ASKED, long], max_new_tokens=9, references=["a", "ab cd ef gh", "", "x"])
    assert texts[3] == "", "no room in the context"
    assert sizes == [[3, 5, 9], [3], [5], [9]], "less than the limit for short references; fewer at once where memory is short"
    assert answer([]) == []


def test_unpacking_the_weights_of_a_small_base_changes_no_answer(base_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters_hub.engine import answering, small_bases
    from adapters_hub.engine.bank import Bank
    from adapters_hub.engine.base import load_base

    loaded = load_base(BaseModel(model=str(base_folder), quantization="nf4"), training=True)
    bank = Bank(loaded.model, dtype=torch.float32)
    slot = bank.add_trainable(LoraSettings(rank=2, alpha=64.0), 1)
    with torch.no_grad():
        for number, parameter in enumerate(bank.parameters_of(slot)):
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    threads, answers = torch.get_num_threads(), []
    for small in (small_bases.SMALL, 0):
        monkeypatch.setattr(small_bases, "SMALL", small)
        answers.append(answering.Answers(loaded, bank).of(slot, lambda: False)(ASKED, max_new_tokens=20))
    assert answers[0] == answers[1]
    assert any(answers[0])
    assert torch.get_num_threads() == threads
    assert not any("forward" in vars(module) for module in loaded.model.modules())


# --- decisions -----------------------------------------------------------------------------------


def test_the_best_evaluation_is_kept_and_a_run_without_gain_stops(
    base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: Iterator[float] = iter([5.0, 4.0, 3.0, 3.5, 3.6, 3.7])
    monkeypatch.setattr("adapters_hub.engine.fused_step.FusedStep.evaluate", lambda self, learner: next(marks))
    events = list(train([job_of(base_folder, tmp_path, examples(8), examples(2), epochs=10.0, patience=2)]))
    end = first(events, TrainEnd)
    assert (end.reason, end.best_step, end.steps) == ("early_stop", 4, 8)
    assert (end.held_out_first, end.held_out_last) == (5.0, 3.0)
    assert [e.step for e in events if isinstance(e, TrainStep) and e.best] == [2, 4]


def test_the_kept_adapter_is_the_one_that_was_measured(base_folder: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    held_out = examples(3, "por")
    events = list(train([job_of(base_folder, tmp_path, examples(8), held_out, epochs=3.0)]))
    end = first(events, TrainEnd)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32), tmp_path)
    rows = tokenize(load_chat_format(base_folder), held_out, max_tokens=512).rows
    batch = collate(rows, pad_id=4)
    with torch.no_grad():
        loss = _own_loss(model, batch)
    assert float(loss) == pytest.approx(end.held_out_last, rel=0.02), "bf16 here and there, the same adapter"
    assert end.held_out_last < end.held_out_first
    assert not (tmp_path / checkpoints.FOLDER).exists()


def test_a_diverging_run_stops_with_a_hint(base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters_hub.engine.fused_step.FusedStep.backward", lambda self, batches: dict.fromkeys(batches, math.nan))
    with pytest.raises(HubError, match="diverged at step 1") as caught:
        list(train([job_of(base_folder, tmp_path, examples(8))]))
    assert "learning_rate" in caught.value.hint


def test_a_gradient_that_is_not_finite_stops_before_anything_is_updated(base_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="diverged at step"):
        list(train([job_of(base_folder, tmp_path, examples(8), learning_rate=1.0, clip=0.0, epochs=200.0, weight_decay=100.0)]))


def test_a_held_out_loss_that_is_not_finite_is_never_the_best(base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks: Iterator[float] = iter([3.0, math.nan])
    monkeypatch.setattr("adapters_hub.engine.fused_step.FusedStep.evaluate", lambda self, learner: next(marks))
    with pytest.raises(HubError, match="held-out loss nan"):
        list(train([job_of(base_folder, tmp_path, examples(8), examples(2))]))


@pytest.mark.usefixtures("exact")
def test_a_full_gpu_means_smaller_pieces_and_the_same_losses(base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = losses(list(train([job_of(base_folder, tmp_path / "a", examples(8), batch_size=8)])))
    compute = FusedStep._backward
    sizes: list[int] = []

    def small_gpu(self: FusedStep, batches: Any) -> Any:
        rows = self.most_rows or 8
        sizes.append(rows)
        if rows > 2:
            self.largest = 8
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(self, batches)

    monkeypatch.setattr(FusedStep, "_backward", small_gpu)
    found = losses(list(train([job_of(base_folder, tmp_path / "b", examples(8), batch_size=8)])))
    assert found == pytest.approx(expected, rel=1e-5)
    assert sizes[:4] == [8, 8, 4, 2], "first recompute activations, then halve"


def test_a_gpu_too_small_for_one_row_is_one_clear_error(base_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FusedStep, batches: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(FusedStep, "_backward", full)
    with pytest.raises(ResourceError, match="one row"):
        list(train([job_of(base_folder, tmp_path, examples(8))]))


def test_recomputing_does_not_turn_the_bases_own_dropout_on() -> None:
    from transformers import AutoModelForCausalLM, OPTConfig

    torch.manual_seed(0)
    config = OPTConfig(
        vocab_size=384, hidden_size=64, ffn_dim=128, num_hidden_layers=2, num_attention_heads=4, dropout=0.5, word_embed_proj_dim=64
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    ids = torch.arange(12).unsqueeze(0)
    expected = model(input_ids=ids).logits
    loaded = SimpleNamespace(model=model, device=torch.device("cpu"), pad_id=0)
    FusedStep(loaded, None, [TrainSettings(activation_checkpointing="on")])  # type: ignore[arg-type]
    assert torch.equal(model(input_ids=ids).logits, expected)


def test_held_out_rows_that_are_too_long_are_named(base_folder: Path, tmp_path: Path) -> None:
    long = Example((Message("user", "hola " * 200), Message("assistant", "hola")), where="train.jsonl:9")
    start = first(list(train([job_of(base_folder, tmp_path, examples(8), [long], max_tokens=160, max_steps=1)])), TrainStart)
    assert start.skipped[0].startswith("train.jsonl:9")
    assert any("no held-out rows" in note for note in start.notes)


def test_long_rows_are_named_and_a_set_of_only_long_rows_is_refused(base_folder: Path, tmp_path: Path) -> None:
    long = Example((Message("user", "hola " * 200), Message("assistant", "hola")), where="train.jsonl:9")
    events = list(train([job_of(base_folder, tmp_path / "a", (*examples(8), long), max_tokens=160, max_steps=1)]))
    assert first(events, TrainStart).skipped[0].startswith("train.jsonl:9")
    with pytest.raises(UsageError, match="no training row is left") as caught:
        list(train([job_of(base_folder, tmp_path / "b", [long], max_tokens=160)]))
    assert caught.value.details


def test_tutors_of_different_bases_are_refused(base_folder: Path, tmp_path: Path) -> None:
    job = job_of(base_folder, tmp_path, examples(4))
    with pytest.raises(UsageError, match="different bases"):
        list(train([job, replace(job, base=BaseModel(model="other"))]))


def test_a_tracker_gets_the_losses(base_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the tensorboard extra")
    list(train([job_of(base_folder, tmp_path, examples(4), tracker="tensorboard", max_steps=2)]))
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_an_unknown_tracker_is_refused(base_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no tracker 'tensorbord'"):
        list(train([job_of(base_folder, tmp_path, examples(4), tracker="tensorbord")]))


def test_stopping_early_in_a_long_run_keeps_the_step_under_way_and_no_more(base_folder: Path, tmp_path: Path) -> None:
    events = train([job_of(base_folder, tmp_path, examples(8), epochs=1000.0)])
    list(itertools.islice(events, 2))
    events.close()  # type: ignore[attr-defined]
    folder = checkpoints.latest(tmp_path)
    assert folder is not None
    assert folder.name == "step-000001"
