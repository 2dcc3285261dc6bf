"""A byte-level BPE tokenizer in GGUF's words: vocabulary, token types, merges, and the name of the way text is split before merging.

Runtimes of llama.cpp know ways of splitting by name only. Which name gives a tokenizer's own ids is found by trying: the same vocabulary
behind each of the known ways, on texts with everything that splits differently. Knows no tensors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""GGUF's token types."""

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SMALL, _LARGE = r"[\p{L}&&[^A-Z]]", r"[\p{L}&&[^a-z]]"
_FIRST = rf"[^\r\n\p{{L}}\p{{N}}]?{_LARGE}*{_SMALL}+"
_SECOND = rf"[^\r\n\p{{L}}\p{{N}}]?{_LARGE}+{_SMALL}*"
_CASE_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Splitting:
    """A way to split text that runtimes know by name."""

    name: str
    patterns: tuple[str, ...]
    """Applied one after the other; each cuts out what it matches."""
    whole_words: bool = False
    """A piece that is a token as it stands is taken without merging."""


SPLITTINGS = (
    Splitting("gpt-2", (_GPT2,)),
    Splitting("qwen2", (rf"{_WORDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{_TAIL}",)),
    Splitting("llama-bpe", (rf"{_WORDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{_TAIL}",), whole_words=True),
    Splitting("dbrx", (rf"{_WORDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{_TAIL}",)),
    Splitting("smollm", (r"\p{N}", _GPT2)),
    Splitting("tekken", (rf"{_FIRST}|{_SECOND}|\p{{N}}{_CASE_TAIL}",), whole_words=True),
    Splitting("gpt-4o", (rf"{_FIRST}{_WORDS}?|{_SECOND}{_WORDS}?|\p{{N}}{{1,3}}{_CASE_TAIL}",)),
)

TRIALS = (
    "¿Cuánto es 2 + 2? La respuesta es 4, ¡claro!",
    "Si 3x + 5 = 20, entonces x = (20 - 5) / 3 = 5.\n\nPista: despeja x.\n",
    "El área mide 1234,56 m² y cuesta 12 345 678 €; el 7,5 % son 92,59 €.",
    "SELECT nombre, COUNT(*) FROM alumnos\nWHERE ciudad = 'Mérida' AND nota >= 5.0\nGROUP BY nombre;",
    "def suma(lista):\n    total = 0\n    for valor in lista:\n        total += valor  # acumula\n    return total\n",
    'if (a[i] != b[j]) { return "diferente"; }\n\n\n\tfin',
    "Escribe 'dos', 'tres' y 'mil' entre comillas; también «así» o “así”.",
    "ListaEnlazada, buscarPorNombre, HTTPServer, camelCase y snake_case_2",
    "it's, we'll, DON'T, I'm; l'eau d'été\r\nfin de línea  \n  sangría   doble",
    "🙂 ñandú über naïve 数学 Ω≈ç√ — … 1/2 x² a//b /ruta/archivo.txt",
    "- uno\n- dos\n  - tres\n\n| a | b |\n|---|---|\n| 1 | 2 |",
)
"""Texts in which the known ways to split differ: quotes, figures, indentation, blank lines, capitals within words, other scripts."""


@dataclass(frozen=True)
class GgufVocabulary:
    """What a GGUF file says about its tokenizer."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    splitting: str
    """Name of the way text is split: ``tokenizer.ggml.pre``."""
    alike: float
    """Share of the trial texts that this way turns into the tokenizer's own ids."""
    adds_bos: bool


def vocabulary_of(chat: ChatFormat, size: int, *, texts: Sequence[str] = ()) -> GgufVocabulary:
    """The tokenizer for a model with ``size`` embeddings; ``texts`` join the trials.

    Raises UsageError for tokenizers that are no byte-level BPE."""
    description = json.loads(chat.tokenizer.to_str())
    model = description["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback") or not _is_byte_level(description):
        raise UsageError(
            f"the base's tokenizer ({model.get('type')}{', SentencePiece' if model.get('byte_fallback') else ''}) is no byte-level BPE",
            hint="export the merged model (--to merged) and let llama.cpp's own converter read it; --to gguf without merging works",
        )
    added = {token["content"]: bool(token["special"]) for token in description["added_tokens"]}
    names = {identity: token for token, identity in chat.tokenizer.get_vocab(with_added_tokens=True).items()}
    if names and max(names) >= size:
        raise UsageError(f"the tokenizer has {max(names) + 1} tokens, the model {size}", hint="fetch the base again")
    tokens, kinds = [], []
    for identity in range(size):
        token = names.get(identity)
        tokens.append(f"[PAD{identity}]" if token is None else token)
        kinds.append(UNUSED if token is None else _kind(added.get(token)))
    merges = tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"])
    splitting, alike = _splitting_of(chat.tokenizer, description, (*TRIALS, *texts))
    return GgufVocabulary(tuple(tokens), tuple(kinds), merges, splitting.name, alike, adds_bos(chat))


def _kind(special: bool | None) -> int:
    return NORMAL if special is None else CONTROL if special else USER_DEFINED


def _is_byte_level(description: Any) -> bool:
    return '"ByteLevel"' in json.dumps(description.get("pre_tokenizer"))


def adds_bos(chat: ChatFormat) -> bool:
    """Whether the tokenizer itself puts the beginning token in front of any text."""
    bos = chat.tokenizer.token_to_id(chat.bos_token) if chat.bos_token else None
    return bos is not None and chat.tokenizer.encode("a", add_special_tokens=True).ids[:1] == [bos]


def _splitting_of(tokenizer: Tokenizer, description: Any, texts: Sequence[str]) -> tuple[Splitting, float]:
    """The way with the tokenizer's own ids on the largest share of ``texts``; of equals, the first."""
    wanted = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    best, most = SPLITTINGS[0], -1
    for splitting in SPLITTINGS:
        trial = _with_splitting(description, splitting)
        same = sum(trial.encode(text, add_special_tokens=False).ids == ids for text, ids in zip(texts, wanted, strict=True))
        if same > most:
            best, most = splitting, same
    return best, most / len(texts)


def _with_splitting(description: Any, splitting: Splitting) -> Tokenizer:
    """The tokenizer as a runtime would rebuild it: its vocabulary and merges, no normalizer, that way to split."""
    from tokenizers import Tokenizer

    splits = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in splitting.patterns]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    model = {**description["model"], "ignore_merges": splitting.whole_words}
    rebuilt = {**description, "model": model, "normalizer": None, "post_processor": None}
    rebuilt["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [*splits, level]}
    return Tokenizer.from_str(json.dumps(rebuilt))
