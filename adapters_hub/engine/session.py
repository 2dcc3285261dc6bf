"""The torch engine: one loaded base, a bank of attached adapters, answers as text.

Maps names to slots and text to tokens. A request names its adapter; nothing here remembers a "current" one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from tokenizers.decoders import DecodeStream

from adapters_hub.contracts import Completion, Request
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.generation import Decoded, Prompt, decode
from adapters_hub.engine.peft_files import read_adapter
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.rendering import render
from adapters_hub.types import Adapter, BaseIdentity, BaseModel

DEFAULT_CONTEXT = 2048
"""Tokens assumed when a base's config names no limit."""


@dataclass(frozen=True)
class Attached:
    """An adapter in the bank under its public name."""

    slot: int
    stop_ids: frozenset[int]


class TorchEngine:
    """Engine over transformers models; see ``contracts.Engine`` for the promises."""

    def __init__(self, base: BaseModel) -> None:
        """Load the base once. Raises what ``load_base`` raises."""
        self.loaded: LoadedBase = load_base(base)
        self.bank = Bank(self.loaded.model)
        self.context = int(getattr(self.loaded.model.config, "max_position_embeddings", 0) or DEFAULT_CONTEXT)
        self._attached: dict[str, Attached] = {}
        self._lock = threading.Lock()

    def attach(self, adapter: Adapter) -> None:
        if adapter.manifest is not None:
            _require_same_base(adapter, self.loaded.identity, self.loaded.chat.template_sha256)
        slot = self.bank.attach(read_adapter(adapter.folder, model=self.loaded.model))
        stops = adapter.manifest.stop_token_ids if adapter.manifest is not None else ()
        with self._lock:
            former = self._attached.get(adapter.name)
            self._attached[adapter.name] = Attached(slot, self._stop_ids(stops))
        if former is not None:
            self.bank.detach(former.slot)

    def detach(self, name: str) -> None:
        with self._lock:
            if name not in self._attached:
                raise NotFoundError(f"no adapter '{name}' is attached")
            gone = self._attached.pop(name)
        self.bank.detach(gone.slot)

    def attached(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._attached)

    def tokens_left(self, request: Request) -> int:
        return self.context - len(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)

    def stream(self, request: Request) -> Iterator[str]:
        text = AnswerText(self.loaded)
        prompt = self._prompt(request)
        for step in decode(self.loaded.model, self.bank, [prompt], pad_id=self.loaded.pad_id):
            if piece := text.add(step[0]):
                yield piece
            if text.ended:
                return

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        if not requests:
            return []
        begun = time.perf_counter()
        prompts = [self._prompt(request) for request in requests]
        texts = [AnswerText(self.loaded) for _ in requests]
        seconds = [0.0] * len(requests)
        for step in decode(self.loaded.model, self.bank, prompts, pad_id=self.loaded.pad_id):
            for decoded in step:
                text = texts[decoded.row]
                if not text.ended:
                    text.add(decoded)
                    seconds[decoded.row] = time.perf_counter() - begun
            if all(text.ended for text in texts):
                break
        return [
            Completion(text.whole, text.finish, len(prompt.ids), text.tokens, spent)
            for text, prompt, spent in zip(texts, prompts, seconds, strict=True)
        ]

    def close(self) -> None:
        self._attached.clear()
        del self.bank, self.loaded
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _prompt(self, request: Request) -> Prompt:
        with self._lock:
            if request.adapter is not None and request.adapter not in self._attached:
                raise NotFoundError(f"no adapter '{request.adapter}' is attached", hint="attach it before asking")
            target = self._attached[request.adapter] if request.adapter is not None else Attached(-1, self._stop_ids(()))
        ids = tuple(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)
        room = self.context - len(ids)
        if room < 1:
            raise UsageError(
                f"the conversation has {len(ids)} tokens and the base holds {self.context}",
                hint="start a new conversation or ask a shorter question",
            )
        return Prompt(ids, target.slot, request.sampling, target.stop_ids, min(request.sampling.max_new_tokens, room))

    def _stop_ids(self, recorded: Sequence[int]) -> frozenset[int]:
        """What ended turns while training, plus every control token of the template: none of them is ever an answer."""
        return frozenset(recorded) | frozenset(self.loaded.chat.stop_token_ids) | frozenset(self.loaded.chat.control_token_ids)


class AnswerText:
    """Tokens to text, piece by piece: whole characters only, no outer whitespace, and never a turn marker of the template."""

    def __init__(self, loaded: LoadedBase) -> None:
        self.tokenizer = loaded.chat.tokenizer
        self.markers = loaded.chat.turn_markers
        self.stream = DecodeStream(skip_special_tokens=True)
        self.whole = ""
        self.held = ""
        self.tokens = 0
        self.ended = False
        self.finish: Literal["stop", "length"] = "stop"

    def add(self, decoded: Decoded) -> str:
        """Take one decoded step and return the text that may be shown now."""
        if decoded.token is not None:
            self.tokens += 1
            self.held += self.stream.step(self.tokenizer, decoded.token) or ""
        if decoded.finish is not None:
            self.ended, self.finish = True, decoded.finish
        if (place := self._first_marker()) >= 0:
            self.held, self.ended, self.finish = self.held[:place], True, "stop"
        return self._release()

    def _first_marker(self) -> int:
        places = [place for marker in self.markers if (place := self.held.find(marker)) >= 0]
        return min(places, default=-1)

    def _release(self) -> str:
        """Text that can no longer turn out to be outer whitespace or the beginning of a marker."""
        if not self.whole:
            self.held = self.held.lstrip()
        shown = self.held.rstrip()
        if not self.ended:
            longest = max((len(marker) for marker in self.markers), default=1) - 1
            for size in range(min(longest, len(shown)), 0, -1):
                if any(marker.startswith(shown[-size:]) for marker in self.markers):
                    shown = shown[:-size].rstrip()
                    break
        self.held = self.held[len(shown) :]
        self.whole += shown
        return shown


def _require_same_base(adapter: Adapter, base: BaseIdentity, template_sha256: str) -> None:
    manifest = adapter.manifest
    if manifest is None:
        return
    trained = manifest.base
    same_weights = not trained.weights or not base.weights or trained.weights == base.weights
    if trained.fingerprint != base.fingerprint or not same_weights:
        raise HubError(
            f"adapter '{adapter.name}' (run {manifest.run_id}) was trained on the base '{trained.model}', not on '{base.model}'",
            hint=f"set [base] model back to '{trained.model}', or train again: hub train {adapter.name}",
        )
    if manifest.template_sha256 != template_sha256:
        raise HubError(
            f"adapter '{adapter.name}' (run {manifest.run_id}) was trained with another chat template than the one in force",
            hint=f"restore the template, or train again: hub train {adapter.name}",
        )
