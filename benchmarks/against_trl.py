"""Training speed and peak memory of adapters_hub beside TRL's SFTTrainer: same rows, base, adapter, threads and step count.

Each side trains in its own process; rounds alternate so that a noisy machine hurts both. Prints a table and one JSON line.
Needs the ``dev`` extra (trl). Run: ``python benchmarks/against_trl.py [--base DIR] [--steps 12] [--rounds 3]``.

What is equal: rows of tutors/algoritmos with their system prompt, batch of 8 rows, rank 16 on all linear layers, NF4 base with
double quantization where bitsandbytes runs, bf16 compute where the processor has it, loss on assistant turns only,
AdamW 2e-4, dropout 0.05.
What differs: TRL is run with its defaults (activation checkpointing on) and, as ``trl_tuned``, with checkpointing off.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDES = ("hub", "trl", "trl_tuned")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="mini")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help="internal: run one side in this process")
    options = parser.parse_args()
    if options.side:
        print(json.dumps({"hub": run_hub, "trl": run_trl, "trl_tuned": run_trl}[options.side](options)))
        return
    results: dict[str, list[dict]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side in SIDES:
            results[side].append(_child(side, options))
    _report(results, options)


def run_hub(options: argparse.Namespace) -> dict:
    from adapters_hub.contracts import TrainEnd, TrainJob, TrainStep
    from adapters_hub.engine.training import train
    from adapters_hub.types import BaseModel, LoraSettings, Recipe, TrainSettings

    recipe = Recipe(
        LoraSettings(dropout=0.05), TrainSettings(max_steps=options.steps, epochs=100, batch_size=8, patience=0, checkpoint_every=10**6)
    )
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob("algoritmos", BaseModel(model=options.base), rows(), (), recipe, Path(folder))
        events = list(train([job]))
    steps = [event for event in events if isinstance(event, TrainStep)][1:]
    end = next(event for event in events if isinstance(event, TrainEnd))
    return _figures(sum(s.tokens for s in steps), sum(s.seconds for s in steps), end.last_loss)


def run_trl(options: argparse.Namespace) -> dict:
    warnings.simplefilter("ignore")
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    from adapters_hub.base_files import locate_base
    from adapters_hub.engine.base import load_base
    from adapters_hub.types import BaseModel

    ours = load_base(BaseModel(model=options.base), training=True)  # only to use the same dtype and quantization
    dtype, quantization = ours.compute_dtype, ours.quantization
    del ours
    folder = str(locate_base(BaseModel(model=options.base)).path)
    config = None
    if quantization == "nf4":
        config = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, quantization_config=config)
    conversations = [{"messages": [{"role": m.role, "content": m.content} for m in row.messages]} for row in rows()]
    clock = _Clock()

    class Counting(SFTTrainer):
        def training_step(self, model, inputs, *args, **kwargs):  # type: ignore[no-untyped-def]
            begun = time.perf_counter()
            tokens = int(inputs["attention_mask"].sum())
            loss = super().training_step(model, inputs, *args, **kwargs)
            clock.add(tokens, time.perf_counter() - begun, float(loss))
            return loss

    with tempfile.TemporaryDirectory() as out:
        trainer = Counting(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(conversations),
            peft_config=LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM"),
            args=SFTConfig(
                output_dir=out,
                max_steps=options.steps,
                per_device_train_batch_size=8,
                learning_rate=2e-4,
                lr_scheduler_type="cosine",
                assistant_only_loss=True,
                max_length=1024,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                logging_steps=10**6,
                bf16=dtype == torch.bfloat16,
                use_cpu=not torch.cuda.is_available(),
                seed=7,
                dataloader_num_workers=0,
                gradient_checkpointing=options.side == "trl",
            ),
        )
        begun = time.perf_counter()
        trainer.train()
        whole = time.perf_counter() - begun
    # the optimizer step lies outside training_step: charge the loop's whole time, less its first step
    first = clock.steps[0]
    seconds = whole - first[1]
    return _figures(sum(tokens for tokens, _, _ in clock.steps[1:]), seconds, clock.steps[-1][2])


class _Clock:
    def __init__(self) -> None:
        self.steps: list[tuple[int, float, float]] = []

    def add(self, tokens: int, seconds: float, loss: float) -> None:
        self.steps.append((tokens, seconds, loss))


def rows() -> tuple:
    """Rows of tutors/algoritmos with the system prompt in place."""
    from adapters_hub.types import Example, Message

    folder = ROOT / "tutors" / "algoritmos"
    system = Message("system", (folder / "system.md").read_text(encoding="utf-8").strip())
    examples = []
    for line in (folder / "data" / "train.jsonl").read_text(encoding="utf-8").splitlines():
        turns = tuple(Message(m["role"], m["content"]) for m in json.loads(line)["messages"])
        examples.append(Example((system, *turns)))
    return tuple(examples)


def _figures(tokens: int, seconds: float, loss: float) -> dict:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"tokens_per_second": tokens / seconds, "peak_bytes": peak, "last_loss": loss}


def _child(side: str, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--side", side, "--base", options.base, "--steps", str(options.steps)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _report(results: dict[str, list[dict]], options: argparse.Namespace) -> None:
    medians = {
        side: {key: statistics.median(run[key] for run in runs) for key in ("tokens_per_second", "peak_bytes", "last_loss")}
        for side, runs in results.items()
    }
    print(f"{'side':<12}{'tokens/s':>10}{'peak MB':>10}{'last loss':>11}")
    for side, figures in medians.items():
        print(f"{side:<12}{figures['tokens_per_second']:>10.0f}{figures['peak_bytes'] / 1e6:>10.0f}{figures['last_loss']:>11.3f}")
    ratios = {
        f"speed_vs_{side}": medians["hub"]["tokens_per_second"] / medians[side]["tokens_per_second"] for side in ("trl", "trl_tuned")
    } | {f"memory_vs_{side}": medians["hub"]["peak_bytes"] / medians[side]["peak_bytes"] for side in ("trl", "trl_tuned")}
    print("  ".join(f"{name} {value:.2f}x" for name, value in ratios.items()))
    print(json.dumps({"benchmark": "against_trl", "base": options.base, "steps": options.steps, **medians, **ratios}))


if __name__ == "__main__":
    main()
