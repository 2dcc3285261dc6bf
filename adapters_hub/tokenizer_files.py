"""The tokenizer of a base and the chat template in force, from the base's folder or from a tokenizer in memory.

Knows which files a tokenizer consists of and which of their settings win. Deliberately knows no framework (a tokenizer of
transformers is only asked for its parts), and of a template nothing but that a small conversation must go through it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters_hub.chat_templates import FALLBACK_TEMPLATE, TEMPLATE_HINT, ChatFormat, Origin
from adapters_hub.errors import HubError, NotFoundError, UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


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
