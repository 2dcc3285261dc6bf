"""Conversations -> text, token ids and what of them is learned: the one rendering that training, chat and checks share.

Three promises hold for every template:

- a prompt is cut out of the very text that is trained, so the ids of a prompt are the first ids of prompt plus answer;
- what an assistant says is supervised together with the token that ends its turn, and nothing else is;
- no text of a message becomes a control token: only the template writes those.

Outer white space of a message is not part of it. Deliberately knows no framework, no model and no file, and of a template only
its skeleton.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from adapters_hub.chat_templates import TEMPLATE_HINT, ChatFormat, Draft, Skeleton, jinja_text, skeleton_of, stand_in
from adapters_hub.errors import HubError
from adapters_hub.types import Message, Role

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


@dataclass(frozen=True)
class Rendered:
    """A conversation as the model reads it."""

    text: str
    ids: list[int]
    supervised: bytes
    """1 for each of `ids` that the assistant has to say, its end-of-turn token included, else 0."""


def render(chat: ChatFormat, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> Rendered:
    """Turn a conversation into text and ids; with `add_generation_prompt`, up to where the assistant's next answer begins.

    The roles alternate, with an optional system turn first. Raises HubError when the template refuses or garbles the turns."""
    draft = _draft(chat, messages, add_generation_prompt)
    return _finish(chat, draft, _encode(chat, [draft])[0])


def render_many(chat: ChatFormat, conversations: Sequence[Sequence[Message]]) -> list[Rendered]:
    """`render` of each conversation, encoded together and a common system turn only once."""
    drafts = [_draft(chat, messages, False) for messages in conversations]
    return [_finish(chat, draft, segments) for draft, segments in zip(drafts, _encode(chat, drafts), strict=True)]


# --- from messages to text -----------------------------------------------------------------------


def _draft(chat: ChatFormat, messages: Sequence[Message], generation_prompt: bool) -> Draft:
    """Fit the messages into their skeleton and make sure the template itself would have written the same. Raises HubError."""
    if generation_prompt and (not messages or messages[-1].role == "assistant"):
        raise ValueError("a generation prompt follows a user turn")
    turns = [(message.role, message.content.strip()) for message in messages]
    if turns and turns[0][0] == "system" and chat.merges_system:
        turns = _with_system_in_user(turns)
    skeleton = skeleton_of(chat, tuple([role for role, _ in turns]), generation_prompt=generation_prompt)
    draft = Draft(skeleton, tuple([turns[message][1] for message in skeleton.order]))
    direct = _direct(chat, turns, generation_prompt)
    if draft.text != direct:
        draft = Draft(skeleton, _edited_contents(chat, turns, generation_prompt, skeleton, direct))
        if draft.text != direct:
            raise HubError("the chat template changes its frame for this text, so the answer cannot be told from it", hint=TEMPLATE_HINT)
    return draft


def _with_system_in_user(turns: list[tuple[Role, str]]) -> list[tuple[Role, str]]:
    system = turns[0][1]
    if len(turns) == 1:
        return [("user", system)]
    return [(turns[1][0], f"{system}\n\n{turns[1][1]}".strip()), *turns[2:]]


def _direct(chat: ChatFormat, turns: Sequence[tuple[Role, str]], generation_prompt: bool) -> str:
    """What Jinja writes for these very messages; a prompt is what it writes before a stand-in for the answer."""
    if not generation_prompt:
        return jinja_text(chat, [Message(role, content) for role, content in turns], False)
    answer = stand_in(len(turns))
    text = jinja_text(chat, [*(Message(role, content) for role, content in turns), Message("assistant", answer)], False)
    whole = skeleton_of(chat, (*[role for role, _ in turns], "assistant"))
    position = text.find(answer)
    return text if position < 0 else text[: position - whole.turns[-1].lead]


def _edited_contents(
    chat: ChatFormat, turns: Sequence[tuple[Role, str]], generation_prompt: bool, skeleton: Skeleton, direct: str
) -> tuple[str, ...]:
    """The contents as the template rewrote them: what stands in `direct` where a stand-in would stand."""
    contents = []
    for message in skeleton.order:
        marked = [(role, stand_in(message) if index == message else content) for index, (role, content) in enumerate(turns)]
        before, _, after = _direct(chat, marked, generation_prompt).partition(stand_in(message))
        whole = direct.startswith(before) and direct.endswith(after) and len(before) + len(after) <= len(direct)
        contents.append(direct[len(before) : len(direct) - len(after)] if whole else turns[message][1])
    return tuple(contents)


# --- from text to ids ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Segment:
    """A stretch of a draft that was encoded on its own."""

    start: int
    """Its first character in the draft."""
    first: int
    """Index of its first token among all ids."""
    ids: list[int]
    encoding: Encoding | None
    """None for a message encoded as mere text: nobody asks where a token lies inside of it."""
    skipped_characters: int = 0
    skipped_tokens: int = 0
    """What `encoding` holds in front of the stretch, there only to give it a left neighbour."""

    def token_at(self, character: int) -> int | None:
        """Index among all ids of the first token that covers a character of the draft, None for trimmed white space."""
        if self.encoding is None:
            return self.first + len(self.ids) - 1
        token = self.encoding.char_to_token(character - self.start + self.skipped_characters)
        return None if token is None else self.first + token - self.skipped_tokens

    def characters_of(self, token: int) -> tuple[int, int] | None:
        """Start and end in the draft of a token given by its index among all ids."""
        if self.encoding is None:
            return None
        span = self.encoding.token_to_chars(token - self.first + self.skipped_tokens)
        shift = self.start - self.skipped_characters
        return None if span is None else (span[0] + shift, span[1] + shift)


def _encode(chat: ChatFormat, drafts: Sequence[Draft]) -> list[list[_Segment]]:
    """Plain encodings of the texts; openings that occur again and again are encoded once."""
    openings = dict.fromkeys(draft.text[: draft.opening] for draft in drafts if draft.opening)
    encoded = chat.tokenizer.encode_batch(list(openings), add_special_tokens=False)
    first = {text: _Segment(0, 0, encoding.ids, encoding) for text, encoding in zip(openings, encoded, strict=True)}
    rest = chat.tokenizer.encode_batch([draft.text[draft.opening :] for draft in drafts], add_special_tokens=False)
    segments = []
    for draft, encoding in zip(drafts, rest, strict=True):
        before = [first[draft.text[: draft.opening]]] if draft.opening else []
        segments.append([*before, _Segment(draft.opening, len(before[0].ids) if before else 0, encoding.ids, encoding)])
    return segments


def _ids_of(segments: Sequence[_Segment]) -> list[int]:
    return [token for segment in segments for token in segment.ids]


def _finish(chat: ChatFormat, draft: Draft, segments: list[_Segment]) -> Rendered:
    """Check the ids, encode again in pieces where a plain encoding will not do, and mark what is supervised. Raises HubError."""
    skeleton = draft.skeleton
    ids = _ids_of(segments)
    clean = _only_the_template_wrote_control(chat, draft, ids)
    hostile = frozenset() if clean else _hostile_slots(chat, draft)
    if skeleton.cut_turns or hostile:
        cuts = {start for turn, start in zip(skeleton.turns, draft.answer_starts, strict=True) if turn.slot in skeleton.cut_turns}
        segments = _encode_in_pieces(chat, draft, cuts, hostile)
    while (straddled := _straddled_start(draft, segments)) is not None:
        segments = _encode_in_pieces(chat, draft, {segment.start for segment in segments} | {straddled}, hostile)
    ids = _ids_of(segments)
    supervised = bytearray(len(ids))
    for turn, start, end in zip(skeleton.turns, draft.answer_starts, draft.end_starts, strict=True):
        first, last = _first_token(segments, start), _segment_of(segments, end).token_at(end)
        if last is None or ids[last] != turn.end_id or first > last:
            raise HubError("an end-of-turn token of the chat template is lost in the text around it", hint=TEMPLATE_HINT)
        supervised[first : last + 1] = b"\1" * (last + 1 - first)
    return Rendered(draft.text, ids, bytes(supervised))


def _only_the_template_wrote_control(chat: ChatFormat, draft: Draft, ids: list[int]) -> bool:
    control = chat.reserved_ids
    if tuple([token for token in ids if token in control]) != draft.skeleton.control_ids:
        return False
    return not any(token in content for token in chat.unknown_tokens for content in draft.contents)


def _hostile_slots(chat: ChatFormat, draft: Draft) -> frozenset[int]:
    """Contents that spell a control token; all of them when none does alone, but only next to what the template writes."""
    slots = frozenset(
        slot
        for slot, content in enumerate(draft.contents)
        if any(token in content for token in chat.control_tokens)
        or not chat.reserved_ids.isdisjoint(chat.tokenizer.encode(content, add_special_tokens=False).ids)
    )
    return slots or frozenset(range(len(draft.contents)))


def _encode_in_pieces(chat: ChatFormat, draft: Draft, cuts: set[int], hostile: frozenset[int]) -> list[_Segment]:
    """Encode with a border at each of `cuts` (characters), and the hostile contents as mere text.

    A border depends only on what lies to its left and right, so a prompt and its continuation get the same ones."""
    leads = {turn.slot: turn.lead for turn in draft.skeleton.turns}
    as_text: dict[int, int] = {}
    for slot in hostile:
        start = draft.content_starts[slot]
        as_text[start - leads.get(slot, 0)] = start + len(draft.contents[slot])
    borders = sorted({0, len(draft.text), *cuts, *as_text, *as_text.values()})
    segments: list[_Segment] = []
    first = 0
    for start, end in pairwise(borders):
        piece = draft.text[start:end]
        if start in as_text:
            segment = _Segment(start, first, _spell(chat, piece), None)
        elif start == 0 or any(piece.startswith(token) for token in chat.control_tokens):
            encoding = chat.tokenizer.encode(piece, add_special_tokens=False)
            segment = _Segment(start, first, encoding.ids, encoding)
        else:
            segment = _encode_continuation(chat.tokenizer, piece, start, first)
        segments.append(segment)
        first += len(segment.ids)
    if tuple([token for token in _ids_of(segments) if token in chat.reserved_ids]) != draft.skeleton.control_ids:
        raise HubError("the tokenizer turns the text of a message into control tokens", hint=TEMPLATE_HINT)
    return segments


def _encode_continuation(tokenizer: Tokenizer, piece: str, start: int, first: int) -> _Segment:
    """Encode a stretch that follows other text: some tokenizers put a blank before whatever they take for a beginning."""
    for neighbour in ("\n", "x", "."):
        alone = tokenizer.encode(neighbour, add_special_tokens=False).ids
        encoding = tokenizer.encode(neighbour + piece, add_special_tokens=False)
        span = encoding.token_to_chars(len(alone))
        if encoding.ids[: len(alone)] == alone and (span is None or span[0] >= len(neighbour)):
            return _Segment(start, first, encoding.ids[len(alone) :], encoding, len(neighbour), len(alone))
    encoding = tokenizer.encode(piece, add_special_tokens=False)
    return _Segment(start, first, encoding.ids, encoding)


def _spell(chat: ChatFormat, text: str) -> list[int]:
    """Ids of `text` as mere text. Halves it where a vocabulary holds the whole spelling of a control token. Raises HubError."""
    ids = _encode_continuation(chat.text_tokenizer, text, 0, 0).ids
    if chat.reserved_ids.isdisjoint(ids):
        return ids
    if len(text) == 1:
        raise HubError(f"the tokenizer has no way to write {text!r} but as a control token", hint="take that character out of the text")
    middle = len(text) // 2
    return _spell(chat, text[:middle]) + _spell(chat, text[middle:])


def _segment_of(segments: list[_Segment], character: int) -> _Segment:
    return next(segment for segment in reversed(segments) if segment.start <= character)


def _first_token(segments: list[_Segment], start: int) -> int:
    """Index of the first token behind a prompt that ends at character `start`: the one after the prompt's last token."""
    segment = _segment_of(segments, start)
    if segment.start == start:
        return segment.first
    character = start - 1
    last = segment.token_at(character)
    while last is None and character > segment.start:
        character -= 1
        last = segment.token_at(character)
    if last is None:
        return segment.first
    after, end = last + 1, segment.first + len(segment.ids)
    while after < end and (span := segment.characters_of(after)) and span[0] < start and span[1] <= start:
        after += 1  # further tokens of one character that takes several
    return after


def _straddled_start(draft: Draft, segments: list[_Segment]) -> int | None:
    """The first character where an answer begins in the middle of a token, or None."""
    for start in draft.answer_starts:
        segment = _segment_of(segments, start)
        if segment.start == start:
            continue
        token = _first_token(segments, start) - 1
        span = segment.characters_of(token) if token >= segment.first else None
        if span is not None and span[1] > start and draft.text[start : span[1]].strip():
            return start
    return None
