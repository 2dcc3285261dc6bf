"""Answers in the middle of a training: what a learner would say now, in the shared base, leaving no trace in what it learns.

Greedy and together, as many conversations at once as the memory for their keys and values allows. Nothing random is drawn, no
gradient is made, and the memory is free again when the answers are there. Knows nothing of tutors and of what answers are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from adapters_hub.contracts import Answerer, Sampling
from adapters_hub.engine.answer_text import AnswerText, stop_ids
from adapters_hub.engine.bank import Bank
from adapters_hub.engine.base import LoadedBase, memory_is_full
from adapters_hub.engine.generation import Prompt, decode_in_training
from adapters_hub.engine.growing_cache import token_bytes
from adapters_hub.engine.small_bases import quick_if_small
from adapters_hub.errors import Interrupted, ResourceError
from adapters_hub.rendering import render
from adapters_hub.types import Message

CACHE = 2**30
"""Bytes of keys and values that the answers of one batch may need."""
MORE, EXTRA = 2, 32
"""An answer may have so many times the tokens of its reference, and so many more, before it is cut off."""


class Answers:
    """Answers of the learners over one base. How many at once fit into memory is found out once and kept."""

    def __init__(self, loaded: LoadedBase, bank: Bank) -> None:
        self.loaded, self.bank = loaded, bank
        self.most = 0
        """Answers at once, found to fit after more did not; 0: ``CACHE`` decides."""

    def of(self, slot: int, stopped: Callable[[], bool]) -> Answerer:
        """The answers of one slot; ``stopped`` is asked before each token."""

        def answer(conversations: Sequence[tuple[Message, ...]], *, max_new_tokens: int = 256, references: Sequence[str] = ()) -> list[str]:
            limits = [max_new_tokens] * len(conversations)
            if references:
                limits = [min(max_new_tokens, MORE * self._tokens(text) + EXTRA) for text in references]
            prompts = [self._prompt(turns, slot, limit) for turns, limit in zip(conversations, limits, strict=True)]
            return self._answer(prompts, stopped)

        return answer

    def _tokens(self, text: str) -> int:
        return len(self.loaded.chat.tokenizer.encode(text, add_special_tokens=False).ids)

    def _prompt(self, conversation: Sequence[Message], slot: int, limit: int) -> Prompt:
        ids = tuple(render(self.loaded.chat, conversation, add_generation_prompt=True).ids)
        return Prompt(ids, slot, Sampling(), stop_ids(self.loaded.chat), min(limit, self.loaded.context - len(ids)))

    def _answer(self, prompts: Sequence[Prompt], stopped: Callable[[], bool]) -> list[str]:
        """Rows of like length together, so that little is padding; rows without room stay without an answer."""
        texts = [""] * len(prompts)
        waiting = sorted((i for i, prompt in enumerate(prompts) if prompt.limit > 0), key=lambda i: len(prompts[i].ids) + prompts[i].limit)
        with quick_if_small(self.loaded):
            while waiting:
                batch = self._first(waiting, prompts)
                try:
                    found = self._decoded([prompts[i] for i in batch], stopped)
                except RuntimeError as error:
                    if not memory_is_full(error):
                        raise
                    found = None
                if found is None:  # not above: the error still holds the tensors that fill the memory
                    self._ask_fewer(len(batch))
                    continue
                for index, text in zip(batch, found, strict=True):
                    texts[index] = text
                waiting = waiting[len(batch) :]
        if self.loaded.device.type == "cuda":
            torch.cuda.empty_cache()  # the training that goes on needs blocks of other sizes
        return texts

    def _first(self, waiting: Sequence[int], prompts: Sequence[Prompt]) -> list[int]:
        """As many as fit together, one at least."""
        room = CACHE // token_bytes(self.loaded.model.config, self.loaded.compute_dtype.itemsize)
        batch: list[int] = []
        for index in waiting:
            needed = (len(batch) + 1) * (len(prompts[index].ids) + prompts[index].limit)
            if batch and (needed > room or len(batch) == self.most):
                break
            batch.append(index)
        return batch

    def _ask_fewer(self, tried: int) -> None:
        torch.cuda.empty_cache()
        if tried == 1:
            hint = "lower [chat] max_new_tokens, or set [train] score_rows = 0: then the held-out loss alone chooses"
            raise ResourceError("the GPU has too little memory for one answer while training", hint=hint)
        self.most = tried // 2

    def _decoded(self, prompts: Sequence[Prompt], stopped: Callable[[], bool]) -> list[str]:
        texts = [AnswerText(self.loaded.chat) for _ in prompts]
        ended: set[int] = set()
        for step in decode_in_training(self.loaded.model, self.bank, prompts, pad_id=self.loaded.pad_id, ended=ended):
            if stopped():
                raise Interrupted("the evaluation was cut short")
            for decoded in step:
                texts[decoded.row].add(decoded)
                if texts[decoded.row].ended:
                    ended.add(decoded.row)
        return [text.whole for text in texts]
