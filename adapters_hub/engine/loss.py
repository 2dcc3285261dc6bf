"""Supervised loss of a token batch, with the output head applied only where a token is learned.

Scoring every position with a vocabulary of 150k costs more than the layers of a small model; a tutor's row supervises
about a third of its tokens. Knows nothing of tutors, optimizers or files.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from adapters_hub.engine.batches import Batch

CHUNK = 2**22
"""Largest number of logits (positions x vocabulary) held at once; larger batches are scored in recomputed chunks."""


class SupervisedLoss:
    """Next-token cross-entropy on the labelled positions of a batch, summed by slot."""

    def __init__(self, model: Any) -> None:
        """``model`` is a transformers causal language model; tiny probes decide how its head is reached and whether it needs a mask."""
        self.model = model
        self.vocabulary = int(model.get_output_embeddings().weight.shape[0])
        self.decoder_only = self._head_is_plain()
        self.masked = self._sees_padding()

    def __call__(self, batch: Batch, slots: int) -> torch.Tensor:
        """Sum of the token losses of each slot: shape [slots], float32, nats. Differentiable."""
        device = next(self.model.parameters()).device
        batch = batch.to(device)
        inputs = {"input_ids": batch.input_ids, "use_cache": False}
        if self.masked:
            inputs["attention_mask"] = batch.attention_mask
        if self.decoder_only:
            hidden = self.model.base_model(**inputs).last_hidden_state
            losses = self._score(hidden.flatten(0, 1)[batch.positions], batch.targets)
        else:
            logits = self.model(**inputs).logits
            losses = functional.cross_entropy(logits.flatten(0, 1)[batch.positions].float(), batch.targets, reduction="none")
        return torch.zeros(slots, device=device).index_add(0, batch.label_slots, losses)

    def _score(self, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss of each row of ``hidden`` [K, width] against ``targets`` [K]."""
        rows = max(1, CHUNK // self.vocabulary)
        if len(targets) <= rows:
            return self._cross_entropy(hidden, targets)
        pieces = [
            checkpoint(self._cross_entropy, h, t, use_reentrant=False) for h, t in zip(hidden.split(rows), targets.split(rows), strict=True)
        ]
        return torch.cat(pieces)

    def _cross_entropy(self, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logits = self.model.get_output_embeddings()(hidden)
        return functional.cross_entropy(logits.float(), targets, reduction="none")

    @torch.no_grad()
    def _head_is_plain(self) -> bool:
        """Whether head(decoder(x)) are the model's logits: some families cap or scale them, and then the slow way is the right one."""
        device = next(self.model.parameters()).device
        probe = torch.arange(4, device=device).unsqueeze(0) % self.vocabulary
        try:
            hidden = self.model.base_model(input_ids=probe, use_cache=False).last_hidden_state
            plain = self.model.get_output_embeddings()(hidden)
        except (AttributeError, TypeError, RuntimeError):  # an unusual model class: its own forward still works
            return False
        logits = self.model(input_ids=probe, use_cache=False).logits
        return plain.shape == logits.shape and torch.allclose(plain.float(), logits.float(), rtol=1e-3, atol=1e-3)

    @torch.no_grad()
    def _sees_padding(self) -> bool:
        """Whether other padding on the right changes what stands to its left: in a causal model it does not, and attention without a mask
        has half the work."""
        device = next(self.model.parameters()).device
        left, one, other = (torch.arange(first, first + 8, device=device) % self.vocabulary for first in (1, 9, 17))
        try:
            first, second = (
                self.model(input_ids=torch.cat([left, right]).unsqueeze(0), use_cache=False).logits[:, :8].float() for right in (one, other)
            )
        except (TypeError, RuntimeError, ValueError):  # an unusual model class: the mask is right for all
            return True
        return not torch.allclose(first, second, rtol=0, atol=1e-4 * float(first.abs().max()))
