"""A base's chat template: what it writes around the messages of a conversation, and what follows from that.

Works on a `tokenizers.Tokenizer` and a Jinja template: the tokenizer's own, a file's, or `FALLBACK_TEMPLATE` for bases that ship
none. With a stand-in for each message the template shows its skeleton: the text around the turns, where an answer begins and which
token ends it. Deliberately knows no framework, no model, no file, and not how the text of a message becomes token ids.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from adapters_hub.errors import HubError
from adapters_hub.types import Message, Role

if TYPE_CHECKING:
    from jinja2 import Template
    from tokenizers import Tokenizer

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


@dataclass(frozen=True, eq=False)
class ChatFormat:
    """A tokenizer with the chat template in force. Made by `tokenizer_files`."""

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
        ends = [turn.end_id for turn in skeleton_of(self, ("user", "assistant")).turns]
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
            short, long = skeleton_of(self, first), skeleton_of(self, (*first, "user", "assistant"))
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
    def reserved_ids(self) -> frozenset[int]:
        """Control ids that no plain text yields: all but the unknown token."""
        return frozenset(identity for token, identity in self.control_tokens.items() if token not in self.unknown_tokens)

    @cached_property
    def unknown_tokens(self) -> frozenset[str]:
        """Control tokens that stand for unknown letters: what the tokenizer makes of one that no vocabulary holds."""
        ids = self.tokenizer.encode("\U0010fffd", add_special_tokens=False).ids
        return frozenset(token for token, identity in self.control_tokens.items() if identity in ids) - {self.bos_token, self.eos_token}

    @cached_property
    def text_tokenizer(self) -> Tokenizer:
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
    def _skeletons(self) -> dict[tuple[tuple[Role, ...], bool], Skeleton]:
        return {}


# --- the skeleton: what the template writes around the messages ----------------------------------


@dataclass(frozen=True)
class Turn:
    """Where an assistant turn lies in a skeleton."""

    slot: int
    """Its content stands between `literals[slot]` and `literals[slot + 1]`."""
    lead: int
    """So many last characters of `literals[slot]`, all white space, are said by the assistant, not by the prompt."""
    tail: int
    """The end token begins so many characters after the content."""
    end_id: int


@dataclass(frozen=True)
class Skeleton:
    """A sequence of roles as the template frames it: literals[0], content, literals[1], content, ... literals[-1]."""

    literals: tuple[str, ...]
    order: tuple[int, ...]
    """Index of the message in each slot."""
    turns: tuple[Turn, ...]
    cut_turns: frozenset[int]
    """Slots whose prompt has to be encoded on its own: the tokenizer groups its end differently when text follows."""
    control_ids: tuple[int, ...]
    """The control tokens of the literals, in order."""
    opening: int | None
    """Characters of `literals[1]` that can be encoded together with the system turn and apart from the rest, None if not so."""


def skeleton_of(chat: ChatFormat, roles: tuple[Role, ...], *, generation_prompt: bool = False) -> Skeleton:
    """Skeleton of `roles`, or of `roles` up to where the next answer begins. Raises HubError."""
    key = (roles, generation_prompt)
    if key not in chat._skeletons:
        chat._skeletons[key] = _build_prompt_skeleton(chat, roles) if generation_prompt else _build_skeleton(chat, roles)
    return chat._skeletons[key]


def _build_skeleton(chat: ChatFormat, roles: tuple[Role, ...]) -> Skeleton:
    literals, order = _locate(chat, roles, generation_prompt=False)
    turns = []
    for slot, message in enumerate(order):
        if roles[message] == "assistant":
            tail, end_id = _end_of_turn(chat, literals[slot + 1])
            turns.append(Turn(slot, _lead(chat, roles, literals, order, slot), tail, end_id))
    return _probed(chat, Skeleton(literals, order, tuple(turns), frozenset(), (), _opening(chat, roles, literals, order)))


def _build_prompt_skeleton(chat: ChatFormat, roles: tuple[Role, ...]) -> Skeleton:
    """The skeleton with the answer in place, cut where the answer begins: so a prompt can never differ from what was trained."""
    whole = skeleton_of(chat, (*roles, "assistant"))
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
    text = jinja_text(chat, [Message(role, stand_in(index)) for index, role in enumerate(roles)], generation_prompt)
    for index, role in enumerate(roles):
        count = text.count(stand_in(index))
        if count != 1:
            fault = "leaves out or edits" if count == 0 else "repeats"
            raise HubError(f"the chat template {fault} turn {index + 1} ({role}) of {' / '.join(roles)}", hint=TEMPLATE_HINT)
    order = tuple(sorted(range(len(roles)), key=lambda index: text.index(stand_in(index))))
    return tuple(re.split("|".join(re.escape(stand_in(index)) for index in order), text)) if order else (text,), order


def stand_in(index: int) -> str:
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


def _probed(chat: ChatFormat, skeleton: Skeleton) -> Skeleton:
    """Add what only the tokenizer can tell, with an "x" for each content."""
    draft = Draft(skeleton, tuple("x" for _ in skeleton.order))

    def encoded(text: str) -> list[int]:
        return list(chat.tokenizer.encode(text, add_special_tokens=False).ids)

    whole = encoded(draft.text)
    cut = set()
    for turn, start in zip(skeleton.turns, draft.answer_starts, strict=True):
        prompt = encoded(draft.text[:start])
        if whole[: len(prompt)] != prompt:
            cut.add(turn.slot)
    control = tuple(token for token in whole if token in chat.reserved_ids)
    opening = draft.opening
    independent = opening > 0 and encoded(draft.text[:opening]) + encoded(draft.text[opening:]) == whole
    return replace(skeleton, cut_turns=frozenset(cut), control_ids=control, opening=skeleton.opening if independent else None)


def _said_so_far(skeleton: Skeleton) -> list[str]:
    """The literals up to and including the whole first answer's end token, for comparing two skeletons."""
    if not skeleton.turns:
        return list(skeleton.literals)
    turn = skeleton.turns[0]
    opening = skeleton.literals[turn.slot]
    prompt = opening[: len(opening) - turn.lead]
    return [*skeleton.literals[: turn.slot], prompt, str(turn.lead), str(turn.tail), str(turn.end_id)]


def _trial_skeletons(chat: ChatFormat) -> list[Skeleton]:
    """Skeletons that show every kind of border between turns."""
    trials: list[tuple[Role, ...]] = [("user", "assistant", "user", "assistant")]
    if not chat.merges_system:
        trials.append(("system", "user", "assistant"))
    skeletons = []
    for roles in trials:
        try:
            skeletons.append(skeleton_of(chat, roles))
        except HubError:
            continue  # a refusal is reported where such a conversation is rendered
    return skeletons


def _probe_texts(chat: ChatFormat) -> list[str]:
    """What the template writes in small conversations, to see the marks that it builds from parts."""
    texts = []
    trials: tuple[tuple[Role, ...], ...] = (("user", "assistant"), ("system", "user", "assistant"), ("user", "assistant", "user"))
    for roles in trials:
        try:
            texts.append(jinja_text(chat, [Message(role, stand_in(0)) for role in roles], True))
        except HubError:
            continue  # a template may refuse any of these; the refusal is reported where such a conversation is rendered
    return texts


# --- a skeleton with its contents ----------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """A conversation in its skeleton, as text that is not yet encoded."""

    skeleton: Skeleton
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


# --- Jinja ---------------------------------------------------------------------------------------


def jinja_text(chat: ChatFormat, messages: Sequence[Message], generation_prompt: bool) -> str:
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
