"""The torch engine: one loaded base, a bank of attached adapters, answers as text.

Maps names to slots and text to tokens. A request names its adapter; nothing here remembers a "current" one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from tokenizers.decoders import DecodeStream

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.contracts import Completion, Request
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.generation import Decoded, Prompt, decode
from adapters_hub.engine.peft_files import read_adapter
from adapters_hub.engine.routing import BASE
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.rendering import render
from adapters_hub.types import Adapter, BaseIdentity, BaseModel


@dataclass
class Attached:
    """An adapter in the bank under its public name."""

    slot: int
    stop_ids: frozenset[int]
    answers: int = 0
    """Answers under way: the slot is freed after the last of them."""
    retired: bool = False
    """Nobody can ask it any more."""


class TorchEngine:
    """Engine over transformers models; see ``contracts.Engine`` for the promises."""

    def __init__(self, base: BaseModel) -> None:
        """Load the base once. Raises what ``load_base`` raises."""
        self.loaded: LoadedBase = load_base(base)
        self.bank = Bank(self.loaded.model)
        self.context = self.loaded.context
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
            self._retire(former)

    def detach(self, name: str) -> None:
        with self._lock:
            if name not in self._attached:
                raise NotFoundError(f"no adapter '{name}' is attached")
            gone = self._attached.pop(name)
        self._retire(gone)

    def attached(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._attached)

    def tokens_left(self, request: Request) -> int:
        return self.context - len(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)

    def stream(self, request: Request) -> Iterator[str]:
        text = AnswerText(self.loaded)
        with self._prompts([request]) as prompts:
            for step in decode(self.loaded.model, self.bank, prompts, pad_id=self.loaded.pad_id):
                if piece := text.add(step[0]):
                    yield piece
                if text.ended:
                    return

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        if not requests:
            return []
        begun = time.perf_counter()
        texts = [AnswerText(self.loaded) for _ in requests]
        seconds = [0.0] * len(requests)
        ended: set[int] = set()
        with self._prompts(requests) as prompts:
            for step in decode(self.loaded.model, self.bank, prompts, pad_id=self.loaded.pad_id, ended=ended):
                for decoded in step:
                    text = texts[decoded.row]
                    text.add(decoded)
                    if text.ended:
                        ended.add(decoded.row)
                        seconds[decoded.row] = time.perf_counter() - begun
        return [
            Completion(text.whole, text.finish, len(prompt.ids), text.tokens, spent)
            for text, prompt, spent in zip(texts, prompts, seconds, strict=True)
        ]

    def close(self) -> None:
        self._attached.clear()
        if hasattr(self, "loaded"):
            del self.bank, self.loaded
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextmanager
    def _prompts(self, requests: Sequence[Request]) -> Iterator[list[Prompt]]:
        """The requests as prompts; their adapters stay in the bank inside the block, also when they are replaced meanwhile."""
        bare = Attached(BASE, self._stop_ids(()))
        with self._lock:
            for request in requests:
                if request.adapter is not None and request.adapter not in self._attached:
                    raise NotFoundError(f"no adapter '{request.adapter}' is attached", hint="attach it before asking")
            targets = [self._attached[request.adapter] if request.adapter is not None else bare for request in requests]
            for target in targets:
                target.answers += 1
        try:
            yield [self._prompt(request, target) for request, target in zip(requests, targets, strict=True)]
        finally:
            for target in targets:
                with self._lock:
                    target.answers -= 1
                self._free(target)

    def _retire(self, attached: Attached) -> None:
        attached.retired = True
        self._free(attached)

    def _free(self, attached: Attached) -> None:
        """Give the slot back once nobody can ask for it and nobody is being answered from it."""
        with self._lock:
            due = attached.retired and attached.answers == 0 and attached.slot != BASE
            slot, attached.slot = attached.slot, BASE if due else attached.slot
        if due and hasattr(self, "bank"):
            self.bank.detach(slot)

    def _prompt(self, request: Request, target: Attached) -> Prompt:
        ids = tuple(render(self.loaded.chat, request.messages, add_generation_prompt=True).ids)
        room = self.context - len(ids)
        if room < 1:
            raise UsageError(
                f"the conversation has {len(ids)} tokens and the base holds {self.context}",
                hint="start a new conversation or ask a shorter question",
            )
        return Prompt(ids, target.slot, request.sampling, target.stop_ids, min(request.sampling.max_new_tokens, room))

    def _stop_ids(self, recorded: Sequence[int]) -> frozenset[int]:
        return frozenset(recorded) | stop_ids(self.loaded.chat)


def stop_ids(chat: ChatFormat) -> frozenset[int]:
    """What ends turns while training, plus every control token of the template: none of them is ever an answer."""
    return frozenset(chat.stop_token_ids) | frozenset(chat.control_token_ids)


class AnswerText:
    """Tokens to text, piece by piece: whole characters only, no outer whitespace, and never a turn marker of the template."""

    def __init__(self, loaded: LoadedBase) -> None:
        self.tokenizer = loaded.chat.tokenizer
        self.markers = loaded.chat.turn_markers
        self.marks = frozenset(loaded.chat.control_tokens.values())
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
            self.held += self._text_of(decoded.token)
        if decoded.finish is not None:
            self.ended, self.finish = True, decoded.finish
        if (place := self._first_marker()) >= 0:
            self.held, self.ended, self.finish = self.held[:place], True, "stop"
        return self._release()

    def _text_of(self, token: int) -> str:
        if token in self.marks:
            return ""
        try:
            return self.stream.step(self.tokenizer, token) or ""
        except Exception:  # tokenizers raises just this when the bytes of a broken character are followed by a whole token
            self.stream = DecodeStream(skip_special_tokens=True)
            return "\ufffd" + (self.stream.step(self.tokenizer, token) or "")

    def _first_marker(self) -> int:
        """Where the first line begins that a marker opens, or -1."""
        before = 0 if self.whole else 1
        opening = "\n" * before + self.held
        places = [opening.find(f"\n{marker}") for marker in self.markers]
        return min((max(place - before, 0) for place in places if place >= 0), default=-1)

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
