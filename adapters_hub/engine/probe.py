"""Whether a freshly loaded adapter does anything: it must change what the base says to one short prompt, in finite numbers.

Knows slots and weights, neither names nor files. Loading counts as done only after this.
"""

from __future__ import annotations

from typing import Any

import torch

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.peft_files import AdapterWeights
from adapters_hub.engine.routing import BASE
from adapters_hub.errors import HubError

TOKENS = 4
"""Length of the prompt: long enough for attention to mix, short enough to cost no more than a token of an answer."""


class Probe:
    """Asks the same few tokens of every newcomer; what the base says to them is computed once."""

    def __init__(self, model: Any, bank: Bank) -> None:
        """``model`` is the transformers causal language model that ``bank`` sits in."""
        self._model, self._bank = model, bank
        vocabulary = int(model.get_input_embeddings().num_embeddings)
        device = next(model.parameters()).device
        self._ids = torch.tensor([[vocabulary * (2 * i + 1) // (2 * TOKENS) for i in range(TOKENS)]], device=device)
        self._base: torch.Tensor | None = None

    def check(self, slot: int, weights: AdapterWeights, *, what: str) -> None:
        """Raise HubError unless ``slot`` holds all of ``weights`` and answers otherwise than the base; ``what`` names it for people."""
        if not any(bool(b.any()) for _, b, _ in weights.pairs.values()):
            raise HubError(
                f"{what} has learned nothing: all its B matrices are zero", hint="train it, or attach the folder of a finished training"
            )
        held = self._bank.modules_of(slot)
        if missing := [path for path in weights.pairs if path not in held]:
            raise HubError(f"{what}: {len(missing)} of its {len(weights.pairs)} modules were not matched", details=missing[:20])
        if self._base is None:
            self._base = self._logits(BASE)
        said = self._logits(slot)
        if not bool(torch.isfinite(said).all()):
            raise HubError(
                f"{what} makes the base answer with NaN or infinite numbers",
                hint="train it again with a lower learning rate or [lora] alpha",
            )
        if torch.equal(said, self._base):
            raise HubError(
                f"{what} has no effect: with it the base says exactly what it says without",
                hint="its weights are too small for this base's number format, or its alpha is 0: train it longer",
            )

    def forget(self) -> None:
        """Free what was kept."""
        self._base = None

    @torch.inference_mode()
    def _logits(self, slot: int) -> torch.Tensor:
        with self._bank.routing([slot]):
            logits: torch.Tensor = self._model(input_ids=self._ids, use_cache=False).logits
        return logits
