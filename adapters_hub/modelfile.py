"""Ollama's Modelfile: where the weights are, the system prompt, a chat template in Go's template language, parameters and stop texts.

The Go template is put together from the texts that the base's own template writes around turns, and compared with it; a template that
cannot be said so is left to the runtime. Knows no tensors and opens no files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from adapters_hub.chat_templates import ChatFormat, skeleton_of
from adapters_hub.errors import HubError, UsageError
from adapters_hub.types import ChatSettings, Role

LARGEST_CONTEXT = 8192
"""Tokens of context that are asked for at most: runtimes reserve memory for all of them."""
SYSTEM_GAP = "\n\n"
"""What stands between the system prompt and the first question where a template has no system turn."""


@dataclass(frozen=True)
class TurnTexts:
    """What a chat template writes around turns, where that depends on nothing but whose turn it is."""

    opening: str
    """Before the first turn."""
    before_system: str
    after_system: str
    before_user: str
    after_user: str
    """Up to where the answer begins."""
    before_answer: str
    """White space that the assistant says itself."""
    after_answer: str
    merges_system: bool
    """There is no system turn: its text goes in front of the first question."""


@dataclass(frozen=True)
class Weights:
    """What a Modelfile runs."""

    source: str
    """FROM: a file beside it, or the name of a model that Ollama has."""
    adapter: str = ""
    """ADAPTER: a file beside it; empty: none."""


def modelfile(weights: Weights, chat: ChatFormat, system: str, settings: ChatSettings, *, context: int, adds_bos: bool) -> tuple[str, bool]:
    """The Modelfile's text, and whether it holds a TEMPLATE: without one the runtime guesses from the weights' own.

    ``context``: tokens that the base can take; ``adds_bos``: the runtime itself puts the beginning token in front."""
    if '"""' in system:
        raise UsageError("the system prompt holds three quotation marks in a row, which a Modelfile cannot", hint="change system.md")
    template = go_template(chat, adds_bos=adds_bos)
    lines = [f"FROM {weights.source}"]
    if weights.adapter:
        lines.append(f"ADAPTER {weights.adapter}")
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    if system:
        lines.append(f'SYSTEM """{system}"""')
    parameters = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": 0,
        "repeat_penalty": settings.repetition_penalty,
        "repeat_last_n": -1,
        "num_predict": settings.max_new_tokens,
        "num_ctx": min(context, LARGEST_CONTEXT),
    }
    lines += [f"PARAMETER {name} {value}" for name, value in parameters.items()]
    lines += [f"PARAMETER stop {json.dumps(text, ensure_ascii=False)}" for text in stop_texts(chat)]
    return "\n".join(lines) + "\n", bool(template)


def stop_texts(chat: ChatFormat) -> tuple[str, ...]:
    """What ends an answer, as text: the stop tokens, other tokens that the template puts around turns, and its plain marks."""
    tokens = [chat.tokenizer.id_to_token(token) for token in (*chat.stop_token_ids, *chat.control_token_ids)]
    return tuple(dict.fromkeys(text for text in (*tokens, *chat.turn_markers) if text and text.strip()))


# --- the template --------------------------------------------------------------------------------


def go_template(chat: ChatFormat, *, adds_bos: bool) -> str:
    """The chat template in Go's language; empty where it cannot be said so."""
    texts = turn_texts(chat)
    if texts is None:
        return ""
    opening = texts.opening
    if adds_bos and chat.bos_token:
        opening = opening.removeprefix(chat.bos_token)
    answer = f"{_go(texts.before_answer)}{{{{ .Content }}}}{_go(texts.after_answer)}"
    if texts.merges_system:
        held = f'{{{{ if $system }}}}{{{{ $system }}}}{_go(SYSTEM_GAP)}{{{{ $system = "" }}}}{{{{ end }}}}'
        begin, system = '{{ $system := "" }}', "{{ $system = .Content }}"
    else:
        held, begin, system = "", "", f"{_go(texts.before_system)}{{{{ .Content }}}}{_go(texts.after_system)}"
    user = f"{_go(texts.before_user)}{held}{{{{ .Content }}}}{_go(texts.after_user)}"
    return (
        f"{begin}{_go(opening)}{{{{ range .Messages }}}}"
        f'{{{{ if eq .Role "system" }}}}{system}{{{{ else if eq .Role "user" }}}}{user}'
        f'{{{{ else if eq .Role "assistant" }}}}{answer}{{{{ end }}}}{{{{ end }}}}'
    )


def _go(text: str) -> str:
    """``text`` as Go's template writes it: as it is where that is harmless, else as a quoted string."""
    if not text:
        return ""
    harmless = "{{" not in text and "}}" not in text and '"' not in text and "\\" not in text and "\r" not in text
    return text if harmless else f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}"


def turn_texts(chat: ChatFormat) -> TurnTexts | None:
    """The texts around turns, proven on conversations of several shapes; None where the template does more than that."""
    try:
        texts = _taken_apart(chat)
        proven = texts is not None and all(_literals(texts, roles) == _prompt(chat, roles) for roles in _shapes(chat))
    except HubError:  # a template that refuses such a conversation cannot be told by it
        return None
    return texts if proven else None


def _taken_apart(chat: ChatFormat) -> TurnTexts | None:
    merges = chat.merges_system
    bare = skeleton_of(chat, ("user", "assistant", "user", "assistant"))
    if bare.order != (0, 1, 2, 3):
        return None
    first, into_answer, between, again, end = bare.literals
    lead = bare.turns[-1].lead
    if into_answer != again:
        return None
    if not between.startswith(end):  # the very last turn ends otherwise: what opens a question is what also opens the first one
        end = between[: len(between) - len(_common_end(first, between))]
    before_user = between[len(end) :]
    after_user, before_answer = into_answer[: len(into_answer) - lead], into_answer[len(into_answer) - lead :]
    opening = first.removesuffix(before_user) if before_user else first
    before_system = after_system = ""
    if not merges:
        spoken = skeleton_of(chat, ("system", "user", "assistant"))
        if spoken.order != (0, 1, 2) or not spoken.literals[1].endswith(before_user):
            return None
        after_system = spoken.literals[1].removesuffix(before_user) if before_user else spoken.literals[1]
        if not spoken.literals[0].startswith(opening):  # a system turn of its own where none is given: ours replaces it
            opening = chat.bos_token if chat.bos_token and spoken.literals[0].startswith(chat.bos_token) else ""
        before_system = spoken.literals[0].removeprefix(opening)
    return TurnTexts(opening, before_system, after_system, before_user, after_user, before_answer, end, merges)


def _common_end(one: str, other: str) -> str:
    same = 0
    while same < min(len(one), len(other)) and one[-1 - same] == other[-1 - same]:
        same += 1
    return one[len(one) - same :]


def _shapes(chat: ChatFormat) -> list[tuple[Role, ...]]:
    """Conversations up to a question, with the system turn that a tutor always has."""
    if chat.merges_system:
        return [("user",), ("user", "assistant", "user"), ("user", "assistant", "user", "assistant", "user")]
    return [("system", "user"), ("system", "user", "assistant", "user"), ("system", "user", "assistant", "user", "assistant", "user")]


def _prompt(chat: ChatFormat, roles: tuple[Role, ...]) -> str:
    skeleton = skeleton_of(chat, roles, generation_prompt=True)
    return skeleton.literals[0] + "".join("\0" + literal for literal in skeleton.literals[1:])


def _literals(texts: TurnTexts, roles: Sequence[Role]) -> str:
    around = {
        "system": (texts.before_system, texts.after_system),
        "user": (texts.before_user, texts.after_user),
        "assistant": (texts.before_answer, texts.after_answer),
    }
    return texts.opening + "".join(f"{around[role][0]}\0{around[role][1]}" for role in roles)
