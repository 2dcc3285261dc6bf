"""Make the embedded base model `mini`: one command from a corpus folder to a finished model folder.

    python tools/pretrain_mini.py --corpus CORPUS --out adapters_hub/bases/mini --minutes 65
    python tools/pretrain_mini.py --corpus CORPUS --out NEW --grow-from adapters_hub/bases/mini --layers 8 --feed-forward 1088

The second form keeps the tokenizer and the weights of a finished model, makes it larger without changing what it computes,
and trains it on. Tokens and tokens a second of the printed lines and of the log count the padding of the rows; those of the
preparation do not.

Knows the order of the steps and prints. Deliberately holds no recipe of its own: see the modules of `tools/mini`.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import torch
from mini.growth import grown
from mini.preparation import PreparationError, Prepared, prepare
from mini.publication import PROMPTS, held_out_loss, publish, reply
from mini.tokenizer import CONTEXT, load_tokenizer
from mini.training import Plan, TrainStep, flops_per_token, new_model, rows_a_step, train
from transformers import LlamaForCausalLM

TUTORS = Path(__file__).resolve().parents[1] / "tutors"
POSITIVE = click.FloatRange(0, min_open=True)


def held_out_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--held-out` and `--no-held-out`; `held_out_folder` reads them."""
    command = click.option(
        "--no-held-out", is_flag=True, help="keep nothing out: for a corpus of your own whose evaluation lies elsewhere or nowhere"
    )(command)
    return click.option(
        "--held-out",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        default=None,
        show_default="tutors of this checkout",
        help="folder below which every eval.jsonl is kept out of the training text",
    )(command)


def held_out_folder(held_out: Path | None, no_held_out: bool) -> Path | None:
    """The folder whose evaluation files are kept out of training, None where that was refused on purpose."""
    if held_out and no_held_out:
        raise click.UsageError("--held-out and --no-held-out contradict each other: leave one away")
    return None if no_held_out else held_out or TUTORS


@click.command(help=__doc__)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="folder of .jsonl or .jsonl.gz files with a `text` field",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("adapters_hub/bases/mini"),
    show_default=True,
    help="folder of the finished model",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path(".mini-work"),
    show_default=True,
    help="folder for rows, checkpoints, log and samples",
)
@held_out_options
@click.option("--minutes", type=POSITIVE, default=65.0, show_default=True, help="time budget of the training loop")
@click.option("--steps", type=click.IntRange(1), default=None, help="number of steps instead of a time budget")
@click.option("--resume", is_flag=True, help="go on from the checkpoint of the work folder")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True, help="auto: one GPU where there is one"
)
@click.option(
    "--peak", type=POSITIVE, default=None, help="TFLOP/s that the device can do in bfloat16; the lines then tell the share that is used"
)
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option("--length", type=click.IntRange(1, CONTEXT), default=512, show_default=True, help="tokens a row")
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="rows a step")
@click.option("--chat-rows", type=click.IntRange(0), default=2, show_default=True, help="rows of a step that are conversations")
@click.option("--conversations", type=click.IntRange(0), default=40_000, show_default=True, help="conversations to generate")
@click.option("--sheets", type=click.IntRange(0), default=0, show_default=True, help="worksheets to generate; needs --sheet-rows")
@click.option(
    "--sheet-rows", type=click.IntRange(0), default=0, show_default=True, help="rows of a step that are worksheets; needs --sheets"
)
@click.option(
    "--hidden", type=click.IntRange(64), default=256, show_default=True, help="features of a new model; a grown one keeps its own"
)
@click.option("--layers", type=click.IntRange(1), default=None, help="default: 6, or what the grown model has")
@click.option(
    "--feed-forward",
    type=click.IntRange(1),
    default=None,
    help="inner features; default: three times --hidden, or what the grown model has",
)
@click.option(
    "--grow-from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="folder of a finished model to go on from",
)
@click.option("--learning-rate", type=POSITIVE, default=2e-3, show_default=True, help="peak")
@click.option(
    "--hold",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="share of the run before the learning rate falls",
)
@click.option(
    "--figure-weight",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="weight of digits that follow, in conversations and worksheets",
)
@click.option("--text-weight", type=click.FloatRange(0), default=1.0, show_default=True, help="weight of plain text")
@click.option("--muon/--adamw", "muon", default=False, show_default=True, help="optimiser of the matrices inside the layers")
@click.option(
    "--snapshot-minutes",
    type=click.FloatRange(0),
    default=8.0,
    show_default=True,
    help="publish an early version after this long; 0: never",
)
@click.option("--save-seconds", type=click.FloatRange(0), default=240.0, show_default=True, help="time between checkpoints")
@click.option("--compile/--no-compile", "compiled", default=True, show_default=True)
def main(
    corpus: Path,
    out: Path,
    work: Path,
    held_out: Path | None,
    no_held_out: bool,
    minutes: float,
    steps: int | None,
    resume: bool,
    seed: int,
    device: str,
    peak: float | None,
    threads: int,
    length: int,
    batch: int,
    chat_rows: int,
    conversations: int,
    sheets: int,
    sheet_rows: int,
    hidden: int,
    layers: int | None,
    feed_forward: int | None,
    grow_from: Path | None,
    learning_rate: float,
    hold: float,
    figure_weight: float,
    text_weight: float,
    muon: bool,
    snapshot_minutes: float,
    save_seconds: float,
    compiled: bool,
) -> None:
    torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    checkpoint, log = work / "checkpoint.pt", work / "log.jsonl"
    if checkpoint.is_file() and not resume:
        raise click.UsageError(f"{checkpoint} exists: add --resume to go on from it, or choose another --work")
    if chat_rows + sheet_rows > batch:
        raise click.UsageError(
            f"--chat-rows {chat_rows} and --sheet-rows {sheet_rows} do not fit into --batch {batch}: raise --batch or lower one of them"
        )
    if bool(sheets) != bool(sheet_rows):
        raise click.UsageError(f"--sheets {sheets} and --sheet-rows {sheet_rows}: give both, or neither to train without worksheets")
    if chat_rows and not conversations:
        raise click.UsageError(f"--chat-rows {chat_rows} with --conversations 0: raise --conversations, or add --chat-rows 0")

    # 1. tokenizer and rows
    started = time.monotonic()
    tokenizer = load_tokenizer(grow_from) if grow_from else None
    try:
        prepared = prepare(corpus, work, length, conversations, seed, held_out_folder(held_out, no_held_out), tokenizer, sheets)
    except (PreparationError, FileNotFoundError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"prepared in {time.monotonic() - started:.0f} s: {json.dumps(asdict(prepared.report))}")

    # 2. the loop
    if grow_from:
        small = LlamaForCausalLM.from_pretrained(grow_from, dtype=torch.float32)
        model = grown(small, layers or small.config.num_hidden_layers, feed_forward or small.config.intermediate_size, seed)
    else:
        model = new_model(prepared.tokenizer, seed, hidden, layers or 6, feed_forward)
    model.to(device)
    cost = flops_per_token(model, length)
    click.echo(f"{sum(p.numel() for p in model.parameters()):,} parameters on {device}, {cost / 1e6:.0f} MFLOP a token")
    plan = Plan(
        minutes=None if steps else minutes,
        steps=steps,
        batch=batch,
        chat=chat_rows,
        sheets=sheet_rows,
        learning_rate=learning_rate,
        hold=hold,
        figure_weight=figure_weight,
        text_weight=text_weight,
        muon=muon,
        seed=seed,
        compile=compiled,
    )
    try:
        rows_a_step(prepared.pools, plan)
    except ValueError as error:
        raise click.UsageError(f"{error}; choose another --work and raise --length or what is to be made") from error
    steps_done = _known_steps(log, checkpoint) if resume else []
    _rewrite_log(log, steps_done)
    with log.open("a", encoding="utf-8", buffering=1) as lines:  # a line at a time: a kill loses none
        next_sample = steps_done[-1].seconds if steps_done else 0.0
        published = not snapshot_minutes or bool(steps_done and steps_done[-1].seconds >= 60 * snapshot_minutes)
        for step in train(model, prepared.pools, plan, checkpoint, save_seconds):
            lines.write(json.dumps(asdict(step)) + "\n")
            steps_done.append(step)
            if step.step % 25 == 0:
                click.echo(_line(steps_done, cost, peak))
            if step.seconds >= next_sample + save_seconds:
                next_sample = step.seconds
                _write_samples(work, step, model, prepared)
            if not published and step.seconds >= 60 * snapshot_minutes:
                publish(model, prepared.tokenizer, out)
                published = True
                click.echo(f"early version published in {out}")

    # 3. the finished model and its measures
    publish(model, prepared.tokenizer, out)
    measures = {kind: asdict(held_out_loss(model, prepared.tokenizer, texts, length)) for kind, texts in prepared.held_out.items()}
    if steps_done:
        _write_samples(work, steps_done[-1], model, prepared)
        draw_loss(steps_done, work / "loss.png")
    summary = {"final": asdict(steps_done[-1]) if steps_done else None, "mean_loss_last_100": _mean_loss(steps_done), "held_out": measures}
    (work / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False), encoding="utf-8")
    click.echo(json.dumps(summary, ensure_ascii=False))


def draw_loss(steps: list[TrainStep], path: Path) -> None:
    """The loss of every step and its moving mean, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    tokens = [step.tokens / 1e6 for step in steps]
    smooth: list[float] = []
    for step in steps:
        smooth.append(step.loss if not smooth else 0.97 * smooth[-1] + 0.03 * step.loss)
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    axes.plot(tokens, [step.loss for step in steps], color="lightgray", linewidth=0.6)
    axes.plot(tokens, smooth, color="tab:blue")
    axes.set(xlabel="million tokens", ylabel="loss (nats per token)", title="mini")
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def _known_steps(log: Path, checkpoint: Path) -> list[TrainStep]:
    """The logged steps up to the checkpoint; later ones will be made again."""
    if not (log.is_file() and checkpoint.is_file()):
        return []
    last = torch.load(checkpoint, weights_only=True, map_location="cpu")["step"]
    steps: list[TrainStep] = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            steps.append(TrainStep(**json.loads(line)))
        except json.JSONDecodeError:  # the line that was being written when the run was killed
            break
    return [step for step in steps if step.step <= last]


def _rewrite_log(log: Path, steps: list[TrainStep]) -> None:
    """Put a log of these steps in the place of the old one, which stays whole until then."""
    partial = log.with_suffix(".partial")
    partial.write_text("".join(json.dumps(asdict(step)) + "\n" for step in steps), encoding="utf-8")
    os.replace(partial, log)


def _line(steps: list[TrainStep], cost: int, peak: float | None) -> str:
    last, before = steps[-1], steps[max(0, len(steps) - 26)]
    speed = (last.tokens - before.tokens) / max(1e-9, last.seconds - before.seconds)
    figures = f"loss {_mean_loss(steps[-25:]):.3f} lr {last.learning_rate:.2e} tokens {last.tokens / 1e6:.2f}M"
    done = speed * cost / 1e12
    share = f" = {100 * done / peak:.0f} % of the peak" if peak else ""
    return f"step {last.step} {figures} {last.seconds / 60:.1f} min {speed:,.0f} tok/s {done:.2f} TFLOP/s{share}"


def _mean_loss(steps: list[TrainStep]) -> float:
    recent = steps[-100:]
    return sum(step.loss for step in recent) / max(1, len(recent))


def _write_samples(work: Path, step: TrainStep, model: torch.nn.Module, prepared: Prepared) -> None:
    with (work / "samples.txt").open("a", encoding="utf-8") as file:
        file.write(f"===== step {step.step}\n")
        for prompt in PROMPTS:
            file.write(f"> {prompt}\n{reply(model, prepared.tokenizer, prompt, 80)}\n\n")


if __name__ == "__main__":
    main()
