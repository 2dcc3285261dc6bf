"""The optimisation loop of `mini`: rows in, a trained Llama out, resumable at any checkpoint.

Knows torch and rows. Deliberately knows nothing of where the rows come from or where the model is published.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .packing import Pools, Rows, batch_rows
from .tokenizer import CONTEXT


@dataclass(frozen=True)
class Plan:
    """The hyper-parameters of a run."""

    minutes: float | None = 65.0
    """time budget over which the learning rate decays; None: `steps` rules"""
    steps: int | None = None
    """number of steps when there is no time budget"""
    batch: int = 8
    """rows a step"""
    chat: int = 2
    """how many of them are conversations"""
    sheets: int = 0
    """how many of them are worksheets"""
    learning_rate: float = 2e-3
    """peak"""
    hold: float = 0.0
    """share of the run before the learning rate begins its straight decline to zero"""
    warm_up: int = 100
    """steps of linear rise"""
    weight_decay: float = 0.1
    """on matrices only"""
    clip: float = 1.0
    """largest gradient norm"""
    prompt_weight: float = 0.1
    """weight in the loss of what is given (system, user, the statement of an exercise); what follows from it and plain text weigh 1"""
    figure_weight: float = 1.0
    """how many times more a digit weighs where it follows from what is given, in conversations and worksheets"""
    text_weight: float = 1.0
    """weight of the tokens of plain text"""
    muon: bool = False
    """orthogonalise the updates of the matrices inside the layers (torch.optim.Muon) instead of AdamW"""
    seed: int = 0
    """of the initial weights and of the order of the rows"""
    compile: bool = True
    """let torch compile the step (a fifth faster, half a minute to start)"""
    bfloat16: bool = True
    """autocast the matrix products"""


@dataclass(frozen=True)
class TrainStep:
    """One step of the loop."""

    step: int
    """from 1"""
    loss: float
    """mean nats a token of this batch"""
    learning_rate: float
    """that was used"""
    tokens: int
    """positions seen since the first step: whole rows, their padding counted"""
    seconds: float
    """training time since the first step, over all resumptions"""


def new_model(
    tokenizer: PreTrainedTokenizerFast, seed: int, hidden: int = 256, layers: int = 6, feed_forward: int | None = None
) -> LlamaForCausalLM:
    """A Llama with random weights; every linear dimension is a multiple of 64, the NF4 block."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=feed_forward or 3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            num_key_value_heads=max(1, hidden // 128),
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def train(model: LlamaForCausalLM, pools: Pools, plan: Plan, checkpoint: Path, save_every: float = 240.0) -> Iterator[TrainStep]:
    """Train `model` in place, where it lies (processor or GPU), a step at a time, from `checkpoint` on if that file exists.

    The checkpoint is rewritten every `save_every` seconds of training and at the end. With a time budget the learning rate
    follows the share of the budget that has gone by, so a slow machine makes fewer steps of the same schedule.
    """
    # 1. optimiser and state
    device = next(model.parameters()).device
    optimizers = _optimizers(model, plan)
    step, tokens, seconds = _restore(checkpoint, model, optimizers)
    compute_loss = torch.compile(_loss) if plan.compile else _loss
    model.train()
    saved = seconds

    # 2. the loop: the clock starts after the first, compiling, step
    clock: float | None = None
    while (progress := _progress(plan, step, seconds)) < 1.0:
        # 3. the learning rate of this step
        rate = plan.learning_rate * min(1.0, (step + 1) / max(1, plan.warm_up))
        rate *= min(1.0, (1 - progress) / (1 - plan.hold))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        # 4. forward, backward, update
        inputs, labels, weights, mask = _batch(pools, step, plan, device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=plan.bfloat16):
            loss = compute_loss(model, inputs, labels, weights, mask)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        # 5. accounts
        now = time.monotonic()
        seconds += 0.0 if clock is None else now - clock
        clock = now
        step += 1
        tokens += inputs.numel()
        if seconds - saved >= save_every or _progress(plan, step, seconds) >= 1.0:
            _save(checkpoint, model, optimizers, step, tokens, seconds)
            saved = seconds
        yield TrainStep(step, loss.item(), rate, tokens, seconds)


def _loss(model: LlamaForCausalLM, inputs: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Weighted mean cross entropy in nats; inputs, labels and weights (batch, length), mask (batch, 1, length, length)."""
    hidden = model.model(input_ids=inputs, attention_mask=mask, use_cache=False).last_hidden_state
    losses = cross_entropy(model.lm_head(hidden).flatten(0, 1).float(), labels.flatten(), ignore_index=-100, reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def flops_per_token(model: LlamaForCausalLM, length: int) -> int:
    """Floating-point operations of forward and backward: six per weight of a product, and attention over whole rows of `length`."""
    weights = sum(int(p.numel()) for p in model.parameters() if p.dim() == 2)  # the tied embedding counts once, as the output product
    return 6 * weights + 12 * int(model.config.num_hidden_layers) * int(model.config.hidden_size) * length


def rows_a_step(pools: Pools, plan: Plan) -> tuple[tuple[Rows, int], tuple[Rows, int], tuple[Rows, int]]:
    """How many rows of text, conversations and worksheets a step takes; conversations stand in for text where there is none.

    Raises ValueError where a step cannot be filled.
    """
    texts = plan.batch - plan.chat - plan.sheets
    if texts < 0:
        raise ValueError(f"{plan.chat} rows of conversations and {plan.sheets} of worksheets do not fit into a step of {plan.batch}")
    texts = texts if len(pools.text) else 0
    counts = ((pools.text, texts), (pools.chat, plan.batch - texts - plan.sheets), (pools.sheets, plan.sheets))
    for name, (pool, count) in zip(("text", "conversations", "worksheets"), counts, strict=True):
        if count and not len(pool):
            raise ValueError(f"a step wants {count} rows of {name}, but there is not one: none was made, or all are longer than a row")
    return counts


def _batch(pools: Pools, step: int, plan: Plan, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, labels, weights of the labels and the block-diagonal causal mask of a step, on `device`."""
    # 1. the rows
    counts = rows_a_step(pools, plan)
    texts = counts[0][1]
    chosen = [(pool, row) for pool, count in counts if count for row in batch_rows(len(pool), step * count, count, plan.seed)]
    tokens = torch.from_numpy(np.stack([pool.tokens[row] for pool, row in chosen]).astype(np.int64)).to(device)
    documents = torch.from_numpy(np.stack([pool.documents[row] for pool, row in chosen]).astype(np.int64)).to(device)
    follows = torch.from_numpy(np.stack([pool.follows[row] for pool, row in chosen])).to(device)

    # 2. labels and weights, nothing across documents
    same = (documents[:, 1:] == documents[:, :-1]) & (documents[:, 1:] > 0)
    labels = torch.where(same, tokens[:, 1:], -100)
    owners = documents[:, :-1]
    causal = torch.ones(owners.shape[1], owners.shape[1], dtype=torch.bool, device=device).tril()
    mask = (owners[:, None, :, None] == owners[:, None, None, :]) & causal
    weights = torch.where(follows[:, 1:], 1.0, plan.prompt_weight)
    figures = follows[:, 1:] & torch.isin(tokens[:, 1:], torch.tensor(pools.figures, dtype=torch.int64, device=device))
    weights[figures] *= plan.figure_weight
    weights[:texts] = plan.text_weight
    weights *= same
    return tokens[:, :-1], labels, weights, mask


def _optimizers(model: LlamaForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest."""
    inside = [p for p in model.model.layers.parameters() if p.dim() == 2] if plan.muon else []
    taken = {id(p) for p in inside}
    matrices = [p for p in model.parameters() if p.dim() >= 2 and id(p) not in taken]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    made: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.95), fused=True)]
    if inside:
        # updates of the size that AdamW would make, so that one learning rate serves both
        made.append(torch.optim.Muon(inside, lr=plan.learning_rate, weight_decay=plan.weight_decay, adjust_lr_fn="match_rms_adamw"))
    return made


def _progress(plan: Plan, step: int, seconds: float) -> float:
    """Share of the run that has gone by, from 0 to 1."""
    if plan.steps is not None:
        return step / plan.steps
    if plan.minutes is None:
        raise ValueError("a plan needs minutes or steps")
    return seconds / (60 * plan.minutes)


def _save(path: Path, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], step: int, tokens: int, seconds: float) -> None:
    inner = [optimizer.state_dict() for optimizer in optimizers]
    state = {"model": model.state_dict(), "optimizers": inner, "step": step, "tokens": tokens, "seconds": seconds}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def _restore(path: Path, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer]) -> tuple[int, int, float]:
    if not path.is_file():
        return 0, 0, 0.0
    state = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    for optimizer, inner in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(inner)
    return state["step"], state["tokens"], state["seconds"]
