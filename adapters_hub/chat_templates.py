"""Conversations -> text, token ids and what of them is learned: the one rendering that training, chat and checks share.

Works on a `tokenizers.Tokenizer` and a Jinja chat template: the tokenizer's own, a file's, or `FALLBACK_TEMPLATE` for bases that
ship none. Three promises hold for every template:

- a prompt is cut out of the very text that is trained, so the ids of a prompt are the first ids of prompt plus answer;
- what an assistant says is supervised together with the token that ends its turn, and nothing else is;
- no text of a message becomes a control token: only the template writes those.

Outer white space of a message is not part of it. Deliberately knows no framework, no model and no file but those of a tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import Message, Role

if TYPE_CHECKING:
    from jinja2 import Template
    from tokenizers import Encoding, Tokenizer

FALLBACK_TEMPLATE = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
"""For bases without a template. The role marks are ordinary text, but a turn ends with the real eos, which no message can spell."""

TEMPLATE_DAY = date(2024, 7, 26)
"""What `strftime_now` answers: a template that prints the date must give the same ids on the day of training and on any later day."""

TEMPLATE_HINT = "write a template that fits this base to a file and name it in hub.toml: [base] chat_template"

SHORTEST_MARKER = 5
"""Characters: `USER:` is a mark, `A:` may stand in any answer."""

Origin = Literal["tokenizer", "file", "fallback"]


# --- what the others see -------------------------------------------------------------------------


@dataclass(frozen=True)
class Rendered:
    """A conversation as the model reads it."""

    text: str
    ids: list[int]
    supervised: bytes
    """1 for each of `ids` that the assistant has to say, its end-of-turn token included, else 0."""


@dataclass(frozen=True, eq=False)
class ChatFormat:
    """A tokenizer with the chat template in force. Make it with `load_chat_format` or `chat_format_from`."""

    tokenizer: Tokenizer
    template: str
    origin: Origin
    bos_token: str | None = None
    eos_token: str | None = None
    pad_token: str | None = None
    unk_token: str | None = None
    other_tokens: Mapping[str, str] = field(default_factory=dict)
    """Further named tokens that the template may print, such as `sep_token`."""
    generation_stops: tuple[int, ...] = ()
    """Stop ids from the base's generation settings."""

    @cached_property
    def template_sha256(self) -> str:
        """SHA-256 of the template's text, in hexadecimal."""
        return hashlib.sha256(self.template.encode("utf-8")).hexdigest()

    @cached_property
    def stop_token_ids(self) -> tuple[int, ...]:
        """Ids that end an answer: the template's end-of-turn token first, then eos, then those of the generation settings.

        Raises HubError when the template puts no end token behind an assistant turn."""
        ends = [turn.end_id for turn in _skeleton(self, ("user", "assistant")).turns]
        ends += () if self.eos_id is None else (self.eos_id,)
        return tuple(dict.fromkeys((*ends, *self.generation_stops)))

    @cached_property
    def eos_id(self) -> int | None:
        """Id of the tokenizer's end of sequence, or None."""
        return None if self.eos_token is None else self.tokenizer.token_to_id(self.eos_token)

    @cached_property
    def pad_id(self) -> int:
        """Id to fill batches with; masked everywhere, so any id in the vocabulary does when there is no pad token."""
        pad = None if self.pad_token is None else self.tokenizer.token_to_id(self.pad_token)
        return next((token for token in (pad, self.eos_id) if token is not None), 0)

    @cached_property
    def merges_system(self) -> bool:
        """The template refuses or ignores a system turn, so `render` puts it in front of the first user turn."""
        try:
            _locate(self, ("system", "user", "assistant"), generation_prompt=False)
        except HubError:
            return True
        return False

    @cached_property
    def rewrites_history(self) -> bool:
        """The template shows an earlier turn differently once more turns follow (Qwen3 takes its empty thoughts out, for example).

        Then only the last answer of a rendering is preceded by exactly what a chat would have shown at that point."""
        first: tuple[Role, ...] = ("user", "assistant") if self.merges_system else ("system", "user", "assistant")
        try:
            short, long = _skeleton(self, first), _skeleton(self, (*first, "user", "assistant"))
        except HubError:
            return True
        answered = _said_so_far(short)
        return _said_so_far(long)[: len(answered)] != answered

    @cached_property
    def control_tokens(self) -> Mapping[str, int]:
        """Token -> id of all that only the template may write: special tokens, and ordinary added tokens that it uses as marks.

        White space that a tokenizer keeps as added tokens (indentation, for instance) is text, not control."""
        added = [token for token in self.tokenizer.get_added_tokens_decoder().items() if token[1].content.strip()]
        written = [self.template, *_probe_texts(self)]
        return {token.content: identity for identity, token in added if token.special or any(token.content in text for text in written)}

    @cached_property
    def control_token_ids(self) -> tuple[int, ...]:
        """Ids of the tokens that the template writes around turns: a model that says one has ended its answer.

        Of added tokens that are not special only those that open or close a turn count, not marks inside of one (`<think>`)."""
        special = {identity for identity, token in self.tokenizer.get_added_tokens_decoder().items() if token.special}
        ids: dict[int, None] = {}
        for skeleton in _trial_skeletons(self):
            ids.update(dict.fromkeys(token for token in skeleton.control_ids if token in special))
            answered = {turn.slot + 1 for turn in skeleton.turns}
            for slot, literal in enumerate(skeleton.literals):
                found = [self.control_tokens[match.group()] for match in _find_control(self, literal)]
                ids.update(dict.fromkeys(found if slot in answered else found[:1]))
        return tuple(ids)

    @cached_property
    def turn_markers(self) -> tuple[str, ...]:
        """What opens a turn where the template uses ordinary text for it, such as `USER:` or the fallback's `<|user|>`.

        A model may write these by itself, so whoever shows answers looks for them. Empty where control tokens open the turns, and
        without marks so short that they occur in any text."""
        markers: dict[str, None] = {}
        for skeleton in _trial_skeletons(self):
            ends = {self.tokenizer.id_to_token(turn.end_id) for turn in skeleton.turns}
            closing = ends | {self.bos_token, self.eos_token}
            for literal in skeleton.literals[:-1]:
                if all(found.group() in closing for found in _find_control(self, literal)):
                    written = _without(literal, closing).strip()
                    markers.update({line: None for line in written.splitlines()[-1:] if len(line) >= SHORTEST_MARKER})
        return tuple(markers)

    @cached_property
    def _control_ids(self) -> frozenset[int]:
        """Control ids that no plain text yields: all but the unknown token."""
        return frozenset(identity for token, identity in self.control_tokens.items() if token not in self._unknown)

    @cached_property
    def _unknown(self) -> frozenset[str]:
        """Control tokens that stand for unknown letters: what the tokenizer makes of one that no vocabulary holds."""
        ids = self.tokenizer.encode("\U0010fffd", add_special_tokens=False).ids
        return frozenset(token for token, identity in self.control_tokens.items() if identity in ids) - {self.bos_token, self.eos_token}

    @cached_property
    def _text_tokenizer(self) -> Tokenizer:
        """A copy that reads control tokens as ordinary text."""
        from tokenizers import Tokenizer

        description = json.loads(self.tokenizer.to_str())
        for token in description["added_tokens"]:
            token["special"] = token["content"] in self.control_tokens
        copy = Tokenizer.from_str(json.dumps(description))
        copy.encode_special_tokens = True
        return copy

    @cached_property
    def _compiled(self) -> Template:
        return _compile(self.template)

    @cached_property
    def _skeletons(self) -> dict[tuple[tuple[Role, ...], bool], _Skeleton]:
        return {}


def load_chat_format(folder: Path, *, template_file: Path | None = None) -> ChatFormat:
    """Read the tokenizer and the chat template of a base from its `folder`; `template_file` replaces the template.

    Reads tokenizer.json, tokenizer_config.json, special_tokens_map.json, chat_template.jinja and the eos ids of
    generation_config.json and config.json. Raises NotFoundError for missing files, UsageError for unreadable ones and
    HubError for a template that cannot be used."""
    settings = {**_read_json(folder / "special_tokens_map.json"), **_read_json(folder / "tokenizer_config.json")}
    tokenizer = _read_tokenizer(folder / "tokenizer.json")
    named = _named_tokens(settings)
    _declare_added_tokens(tokenizer, settings, named)
    template, origin = _choose_template(folder, settings, template_file)
    stops: list[int] = []
    for name in ("generation_config.json", "config.json"):
        eos = _read_json(folder / name).get("eos_token_id")
        stops += [token for token in (eos if isinstance(eos, list) else [eos]) if isinstance(token, int)]
    return _checked(tokenizer, template, origin, named, tuple(dict.fromkeys(stops)), where=str(template_file or folder))


def chat_format_from(tokenizer: Any, *, template: str | None = None) -> ChatFormat:
    """The same from a fast tokenizer of transformers that is already in memory; it is copied, never changed.

    For bases without a tokenizer.json: GGUF files and tokenizers that transformers converts. Raises HubError."""
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise HubError("this base has only a slow tokenizer", hint="choose a base with a tokenizer.json, or convert its tokenizer")
    settings = {name: getattr(tokenizer, name, None) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
    settings = {**getattr(tokenizer, "special_tokens_map", {}), **settings}
    own = _default_template(getattr(tokenizer, "chat_template", None))
    origin: Origin = "file" if template else "tokenizer" if own else "fallback"
    named = _named_tokens(settings)
    copy = Tokenizer.from_str(backend.to_str())
    _declare_added_tokens(copy, {}, named)
    return _checked(copy, template or own or FALLBACK_TEMPLATE, origin, named, (), where="the tokenizer")


def render(chat: ChatFormat, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> Rendered:
    """Turn a conversation into text and ids; with `add_generation_prompt`, up to where the assistant's next answer begins.

    The roles alternate, with an optional system turn first. Raises HubError when the template refuses or garbles the turns."""
    draft = _draft(chat, messages, add_generation_prompt)
    return _finish(chat, draft, _encode(chat, [draft])[0])


def render_many(chat: ChatFormat, conversations: Sequence[Sequence[Message]]) -> list[Rendered]:
    """`render` of each conversation, encoded together and a common system turn only once."""
    drafts = [_draft(chat, messages, False) for messages in conversations]
    return [_finish(chat, draft, segments) for draft, segments in zip(drafts, _encode(chat, drafts), strict=True)]


# --- the skeleton: what the template writes around the messages ----------------------------------


@dataclass(frozen=True)
class _Turn:
    """Where an assistant turn lies in a skeleton."""

    slot: int
    """Its content stands between `literals[slot]` and `literals[slot + 1]`."""
    lead: int
    """So many last characters of `literals[slot]`, all white space, are said by the assistant, not by the prompt."""
    tail: int
    """The end token begins so many characters after the content."""
    end_id: int


@dataclass(frozen=True)
class _Skeleton:
    """A sequence of roles as the template frames it: literals[0], content, literals[1], content, ... literals[-1]."""

    literals: tuple[str, ...]
    order: tuple[int, ...]
    """Index of the message in each slot."""
    turns: tuple[_Turn, ...]
    cut_turns: frozenset[int]
    """Slots whose prompt has to be encoded on its own: the tokenizer groups its end differently when text follows."""
    control_ids: tuple[int, ...]
    """The control tokens of the literals, in order."""
    opening: int | None
    """Characters of `literals[1]` that can be encoded together with the system turn and apart from the rest, None if not so."""


def _skeleton(chat: ChatFormat, roles: tuple[Role, ...], *, generation_prompt: bool = False) -> _Skeleton:
    """Skeleton of `roles`, or of `roles` up to where the next answer begins. Raises HubError."""
    key = (roles, generation_prompt)
    if key not in chat._skeletons:
        chat._skeletons[key] = _build_prompt_skeleton(chat, roles) if generation_prompt else _build_skeleton(chat, roles)
    return chat._skeletons[key]


def _build_skeleton(chat: ChatFormat, roles: tuple[Role, ...]) -> _Skeleton:
    literals, order = _locate(chat, roles, generation_prompt=False)
    turns = []
    for slot, message in enumerate(order):
        if roles[message] == "assistant":
            tail, end_id = _end_of_turn(chat, literals[slot + 1])
            turns.append(_Turn(slot, _lead(chat, roles, literals, order, slot), tail, end_id))
    return _probed(chat, _Skeleton(literals, order, tuple(turns), frozenset(), (), _opening(chat, roles, literals, order)))


def _build_prompt_skeleton(chat: ChatFormat, roles: tuple[Role, ...]) -> _Skeleton:
    """The skeleton with the answer in place, cut where the answer begins: so a prompt can never differ from what was trained."""
    whole = _skeleton(chat, (*roles, "assistant"))
    last = whole.turns[-1]
    if last.slot != len(whole.order) - 1:
        raise HubError("the chat template puts another message behind the answer", hint=TEMPLATE_HINT)
    opening = whole.literals[last.slot]
    literals = (*whole.literals[: last.slot], opening[: len(opening) - last.lead])
    return _probed(chat, replace(whole, literals=literals, order=whole.order[:-1], turns=whole.turns[:-1]))


def _opening(chat: ChatFormat, roles: tuple[Role, ...], literals: tuple[str, ...], order: tuple[int, ...]) -> int | None:
    """Where the last control token before the first question begins: text in front of it is encoded independently of what follows."""
    if not order or roles[order[0]] != "system":
        return None
    begins = [match.start() for match in _find_control(chat, literals[1])]
    return begins[-1] if begins else None


def _locate(chat: ChatFormat, roles: tuple[Role, ...], *, generation_prompt: bool) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Literals and order of the messages, found with a stand-in for each content. Raises HubError."""
    text = _jinja(chat, [Message(role, _stand_in(index)) for index, role in enumerate(roles)], generation_prompt)
    for index, role in enumerate(roles):
        count = text.count(_stand_in(index))
        if count != 1:
            fault = "leaves out or edits" if count == 0 else "repeats"
            raise HubError(f"the chat template {fault} turn {index + 1} ({role}) of {' / '.join(roles)}", hint=TEMPLATE_HINT)
    order = tuple(sorted(range(len(roles)), key=lambda index: text.index(_stand_in(index))))
    return tuple(re.split("|".join(re.escape(_stand_in(index)) for index in order), text)) if order else (text,), order


def _stand_in(index: int) -> str:
    """No message holds this (private-use characters), and a template that quotes, escapes or splits text does not leave it whole."""
    return f"\ue0f0{index}\"<&'\\\n\ue0f1"


def _end_of_turn(chat: ChatFormat, behind: str) -> tuple[int, int]:
    """Where the end token begins in the literal behind an answer, and its id. Raises HubError."""
    found = next(_find_control(chat, behind), None)
    if found is None or behind[: found.start()].strip():
        raise HubError(
            f"the chat template puts no end-of-turn token behind an assistant turn but {behind[:40]!r}, so no model could learn to stop",
            hint=TEMPLATE_HINT,
        )
    return found.start(), chat.control_tokens[found.group()]


def _find_control(chat: ChatFormat, literal: str) -> Iterator[re.Match[str]]:
    """Control tokens in what the template wrote, from left to right."""
    longest_first = sorted(chat.control_tokens, key=len, reverse=True)
    return re.finditer("|".join(map(re.escape, longest_first)), literal) if longest_first else iter(())


def _without(literal: str, tokens: Iterable[str | None]) -> str:
    for token in tokens:
        literal = literal.replace(token, "\n") if token else literal
    return literal


def _control_ids_in(chat: ChatFormat, literal: str) -> list[int]:
    return [chat.control_tokens[match[0]] for match in _find_control(chat, literal)]


def _lead(chat: ChatFormat, roles: tuple[Role, ...], literals: tuple[str, ...], order: tuple[int, ...], slot: int) -> int:
    """How much of the literal before an answer is not prompt but already answer.

    The template's own generation prompt decides, as long as only white space separates it from the answer; marks that it would
    leave to the model (a channel, an empty thought) stay in the prompt. A blank before a word is the answer's in any case:
    tokenizers join it to the word."""
    before = literals[slot]
    prompt = before
    message = order[slot]
    if slot == message:
        try:
            own_literals, own_order = _locate(chat, roles[:message], generation_prompt=True)
        except HubError:
            own_literals, own_order = (), ()
        own = own_literals[-1] if own_order == order[:slot] and own_literals[:-1] == literals[:slot] else ""
        if own and before.startswith(own) and not before[len(own) :].strip():
            prompt = own
    return len(before) - len(prompt.rstrip(" "))


def _probed(chat: ChatFormat, skeleton: _Skeleton) -> _Skeleton:
    """Add what only the tokenizer can tell, with an "x" for each content."""
    draft = _Draft(skeleton, tuple("x" for _ in skeleton.order))

    def encoded(text: str) -> list[int]:
        return list(chat.tokenizer.encode(text, add_special_tokens=False).ids)

    whole = encoded(draft.text)
    cut = set()
    for turn, start in zip(skeleton.turns, draft.answer_starts, strict=True):
        prompt = encoded(draft.text[:start])
        if whole[: len(prompt)] != prompt:
            cut.add(turn.slot)
    control = tuple(token for token in whole if token in chat._control_ids)
    opening = draft.opening
    independent = opening > 0 and encoded(draft.text[:opening]) + encoded(draft.text[opening:]) == whole
    return replace(skeleton, cut_turns=frozenset(cut), control_ids=control, opening=skeleton.opening if independent else None)


def _said_so_far(skeleton: _Skeleton) -> list[str]:
    """The literals up to and including the whole first answer's end token, for comparing two skeletons."""
    if not skeleton.turns:
        return list(skeleton.literals)
    turn = skeleton.turns[0]
    opening = skeleton.literals[turn.slot]
    prompt = opening[: len(opening) - turn.lead]
    return [*skeleton.literals[: turn.slot], prompt, str(turn.lead), str(turn.tail), str(turn.end_id)]


def _trial_skeletons(chat: ChatFormat) -> list[_Skeleton]:
    """Skeletons that show every kind of border between turns."""
    trials: list[tuple[Role, ...]] = [("user", "assistant", "user", "assistant")]
    if not chat.merges_system:
        trials.append(("system", "user", "assistant"))
    skeletons = []
    for roles in trials:
        try:
            skeletons.append(_skeleton(chat, roles))
        except HubError:
            continue  # a refusal is reported where such a conversation is rendered
    return skeletons


def _probe_texts(chat: ChatFormat) -> list[str]:
    """What the template writes in small conversations, to see the marks that it builds from parts."""
    texts = []
    trials: tuple[tuple[Role, ...], ...] = (("user", "assistant"), ("system", "user", "assistant"), ("user", "assistant", "user"))
    for roles in trials:
        try:
            texts.append(_jinja(chat, [Message(role, _stand_in(0)) for role in roles], True))
        except HubError:
            continue  # a template may refuse any of these; the refusal is reported where such a conversation is rendered
    return texts


# --- from messages to text -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Draft:
    """A conversation in its skeleton, as text that is not yet encoded."""

    skeleton: _Skeleton
    contents: tuple[str, ...]
    """In the order of the slots."""

    @cached_property
    def text(self) -> str:
        literals = self.skeleton.literals
        return literals[0] + "".join([content + literals[slot] for slot, content in enumerate(self.contents, 1)])

    @cached_property
    def content_starts(self) -> list[int]:
        """Character where each content begins."""
        starts, position = [], 0
        for literal, content in zip(self.skeleton.literals, self.contents, strict=False):
            position += len(literal)
            starts.append(position)
            position += len(content)
        return starts

    @property
    def opening(self) -> int:
        """Characters that can be encoded apart from the rest because of a system turn, or 0."""
        opening = self.skeleton.opening
        return 0 if opening is None else len(self.skeleton.literals[0]) + len(self.contents[0]) + opening

    @property
    def answer_starts(self) -> list[int]:
        """Character where each assistant turn begins: the end of its prompt."""
        return [self.content_starts[turn.slot] - turn.lead for turn in self.skeleton.turns]

    @property
    def end_starts(self) -> list[int]:
        """Character where the end token of each assistant turn begins."""
        return [self.content_starts[turn.slot] + len(self.contents[turn.slot]) + turn.tail for turn in self.skeleton.turns]


def _draft(chat: ChatFormat, messages: Sequence[Message], generation_prompt: bool) -> _Draft:
    """Fit the messages into their skeleton and make sure the template itself would have written the same. Raises HubError."""
    if generation_prompt and (not messages or messages[-1].role == "assistant"):
        raise ValueError("a generation prompt follows a user turn")
    turns = [(message.role, message.content.strip()) for message in messages]
    if turns and turns[0][0] == "system" and chat.merges_system:
        turns = _with_system_in_user(turns)
    skeleton = _skeleton(chat, tuple([role for role, _ in turns]), generation_prompt=generation_prompt)
    draft = _Draft(skeleton, tuple([turns[message][1] for message in skeleton.order]))
    direct = _direct(chat, turns, generation_prompt)
    if draft.text != direct:
        draft = _Draft(skeleton, _edited_contents(chat, turns, generation_prompt, skeleton, direct))
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
        return _jinja(chat, [Message(role, content) for role, content in turns], False)
    answer = _stand_in(len(turns))
    text = _jinja(chat, [*(Message(role, content) for role, content in turns), Message("assistant", answer)], False)
    whole = _skeleton(chat, (*[role for role, _ in turns], "assistant"))
    position = text.find(answer)
    return text if position < 0 else text[: position - whole.turns[-1].lead]


def _edited_contents(
    chat: ChatFormat, turns: Sequence[tuple[Role, str]], generation_prompt: bool, skeleton: _Skeleton, direct: str
) -> tuple[str, ...]:
    """The contents as the template rewrote them: what stands in `direct` where a stand-in would stand."""
    contents = []
    for message in skeleton.order:
        marked = [(role, _stand_in(message) if index == message else content) for index, (role, content) in enumerate(turns)]
        before, _, after = _direct(chat, marked, generation_prompt).partition(_stand_in(message))
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


def _encode(chat: ChatFormat, drafts: Sequence[_Draft]) -> list[list[_Segment]]:
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


def _finish(chat: ChatFormat, draft: _Draft, segments: list[_Segment]) -> Rendered:
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


def _only_the_template_wrote_control(chat: ChatFormat, draft: _Draft, ids: list[int]) -> bool:
    control = chat._control_ids
    if tuple([token for token in ids if token in control]) != draft.skeleton.control_ids:
        return False
    return not any(token in content for token in chat._unknown for content in draft.contents)


def _hostile_slots(chat: ChatFormat, draft: _Draft) -> frozenset[int]:
    """Contents that spell a control token; all of them when none does alone, but only next to what the template writes."""
    slots = frozenset(
        slot
        for slot, content in enumerate(draft.contents)
        if any(token in content for token in chat.control_tokens)
        or not chat._control_ids.isdisjoint(chat.tokenizer.encode(content, add_special_tokens=False).ids)
    )
    return slots or frozenset(range(len(draft.contents)))


def _encode_in_pieces(chat: ChatFormat, draft: _Draft, cuts: set[int], hostile: frozenset[int]) -> list[_Segment]:
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
    if tuple([token for token in _ids_of(segments) if token in chat._control_ids]) != draft.skeleton.control_ids:
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
    ids = _encode_continuation(chat._text_tokenizer, text, 0, 0).ids
    if chat._control_ids.isdisjoint(ids):
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


def _straddled_start(draft: _Draft, segments: list[_Segment]) -> int | None:
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


# --- Jinja ---------------------------------------------------------------------------------------


def _jinja(chat: ChatFormat, messages: Sequence[Message], generation_prompt: bool) -> str:
    """Render the template. Raises HubError when it refuses."""
    from jinja2 import TemplateError

    named = {"bos_token": chat.bos_token, "eos_token": chat.eos_token, "pad_token": chat.pad_token, "unk_token": chat.unk_token}
    try:
        return chat._compiled.render(
            {**chat.other_tokens, **{name: token for name, token in named.items() if token is not None}},
            messages=[{"role": message.role, "content": message.content} for message in messages],
            tools=None,
            documents=None,
            add_generation_prompt=generation_prompt,
            enable_thinking=False,
        )
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        # whatever a template computes can go wrong in these ways; all of them mean that it does not accept the conversation
        raise HubError(f"the chat template refuses this conversation: {error}", hint=TEMPLATE_HINT) from error


def _compile(template: str) -> Template:
    """Compile in the sandbox, with the names that chat templates expect. Raises HubError."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` ... `{% endgeneration %}`: marks that some templates set around answers. They print nothing."""

        tags = {"generation"}  # noqa: RUF012 - an instance variable in the base class

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True)).set_lineno(line)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = TEMPLATE_DAY.strftime
    try:
        return environment.from_string(template)
    except TemplateError as error:
        raise HubError(f"the chat template is not valid Jinja: {error}", hint=TEMPLATE_HINT) from error


# --- the files of a tokenizer --------------------------------------------------------------------


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a file, or an empty one when there is no such file. Raises UsageError."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="fetch the base again") from error
    if not isinstance(value, dict):
        raise UsageError(f"{path} holds no object", hint="fetch the base again")
    return value


def _read_tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    if not path.is_file():
        raise NotFoundError(f"no tokenizer.json in {path.parent}", hint="choose a base that ships one, or fetch the base again")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for whatever is wrong with the file
        raise UsageError(f"{path} cannot be read: {error}", hint="fetch the base again") from error


def _named_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """`eos_token` and the like: a string each, or an object that describes the token."""
    named = {}
    for name, value in settings.items():
        content = value.get("content") if isinstance(value, Mapping) else getattr(value, "content", value)
        if name.endswith("_token") and isinstance(content, str) and content:
            named[name] = content
    return named


def _declare_added_tokens(tokenizer: Tokenizer, settings: Mapping[str, Any], named: Mapping[str, str]) -> None:
    """Make `tokenizer` know the tokens that only the settings declare, as transformers would, and never cut or pad.

    A named token without an id in the vocabulary is left alone: an id behind the embeddings would crash the model."""
    from tokenizers import AddedToken

    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = False
    declared = settings.get("added_tokens_decoder")
    for _, token in sorted(declared.items(), key=lambda item: int(item[0])) if isinstance(declared, Mapping) else ():
        if tokenizer.token_to_id(token["content"]) is None:
            flags = {flag: bool(token.get(flag)) for flag in ("single_word", "lstrip", "rstrip", "normalized", "special")}
            tokenizer.add_tokens([AddedToken(token["content"], **flags)])
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    missing = [token for token in named.values() if token not in added and tokenizer.token_to_id(token) is not None]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in dict.fromkeys(missing)])


def _default_template(value: Any) -> str:
    """The template among what a tokenizer may hold: a text, or several with names of which `default` is meant."""
    if isinstance(value, Mapping):
        value = value.get("default")
    elif isinstance(value, list):
        value = next((entry.get("template") for entry in value if isinstance(entry, Mapping) and entry.get("name") == "default"), None)
    return value if isinstance(value, str) else ""


def _choose_template(folder: Path, settings: Mapping[str, Any], template_file: Path | None) -> tuple[str, Origin]:
    beside = folder / "chat_template.jinja"
    path = template_file or (beside if beside.is_file() else None)
    if path is None:
        own = _default_template(settings.get("chat_template"))
        return (own, "tokenizer") if own else (FALLBACK_TEMPLATE, "fallback")
    if not path.is_file():
        raise NotFoundError(f"chat template {path} not found", hint="correct [base] chat_template in hub.toml")
    try:
        return path.read_text(encoding="utf-8"), "file" if template_file else "tokenizer"
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="save it as UTF-8 text") from error


def _checked(
    tokenizer: Tokenizer, template: str, origin: Origin, named: dict[str, str], stops: tuple[int, ...], *, where: str
) -> ChatFormat:
    """The format, tried on a small conversation. Raises HubError."""
    known = {name: token for name, token in named.items() if tokenizer.token_to_id(token) is not None}
    first = {name: known.pop(name, None) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
    if origin == "fallback" and first["eos_token"] is None:
        raise HubError(f"{where} has neither a chat template nor an eos token, so no turn could end", hint=TEMPLATE_HINT)
    chat = ChatFormat(tokenizer, template, origin, **first, other_tokens=known, generation_stops=stops)
    try:
        chat.stop_token_ids  # noqa: B018 - asking is the test
    except HubError as error:
        raise HubError(f"{where}: {error.message}", hint=error.hint) from error
    return chat
