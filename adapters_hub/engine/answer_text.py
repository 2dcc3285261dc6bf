"""Tokens of an answer to the text that people see, and the tokens that end it.

Knows the chat format and nothing of models, adapters and queues.
"""

from __future__ import annotations

from typing import Literal

from tokenizers.decoders import DecodeStream

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.engine.generation import Decoded


def stop_ids(chat: ChatFormat) -> frozenset[int]:
    """What ends turns while training, plus every control token of the template: none of them is ever an answer."""
    return frozenset(chat.stop_token_ids) | frozenset(chat.control_token_ids)


class AnswerText:
    """Tokens to text, piece by piece: whole characters only, no outer whitespace, and never a turn marker of the template."""

    def __init__(self, chat: ChatFormat) -> None:
        self.tokenizer = chat.tokenizer
        self.markers = chat.turn_markers
        self.marks = frozenset(chat.control_tokens.values())
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

    def cut(self) -> str:
        """End the answer here; returns what may be shown of it now."""
        self.ended = True
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
