"""A tokenizer in GGUF's words: every token at its place, and the way to split found that gives the base's own ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_models import SPECIALS, TEMPLATE, VOCABULARY, tiny_tokenizer
from tokenizers import AddedToken, Tokenizer, models
from zoo_chats import chat_for

from adapters_hub.base_files import EMBEDDED
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.engine.gguf_tokenizer import CONTROL, NORMAL, UNUSED, USER_DEFINED, adds_bos, vocabulary_of
from adapters_hub.errors import UsageError
from adapters_hub.tokenizer_files import load_chat_format

DATA = Path(__file__).parent.parent / "tutors/matematicas/data/eval.jsonl"


def tiny_chat(tokenizer: Tokenizer | None = None) -> ChatFormat:
    return ChatFormat(tokenizer or tiny_tokenizer(), TEMPLATE, "tokenizer", eos_token="<|end|>", pad_token="<|pad|>")


def test_every_token_stands_at_its_id_and_the_rest_is_marked_as_unused() -> None:
    chat = tiny_chat()
    known = chat.tokenizer.get_vocab_size()
    vocabulary = vocabulary_of(chat, VOCABULARY + 8)
    assert len(vocabulary.tokens) == len(vocabulary.kinds) == VOCABULARY + 8
    assert all(chat.tokenizer.token_to_id(token) == identity for identity, token in enumerate(vocabulary.tokens[:known]))
    assert set(vocabulary.kinds[known:]) == {UNUSED} and len(set(vocabulary.tokens)) == len(vocabulary.tokens)


def test_special_tokens_are_control_and_other_added_tokens_are_the_users() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("<idea>", special=False, normalized=False)])
    vocabulary = vocabulary_of(tiny_chat(tokenizer), VOCABULARY + 1)
    kinds = dict(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
    assert {kinds[token] for token in SPECIALS} == {CONTROL} and kinds["<idea>"] == USER_DEFINED and kinds["a"] == NORMAL


def test_the_merges_are_those_of_the_tokenizer_in_order() -> None:
    chat = tiny_chat()
    merges = json.loads(chat.tokenizer.to_str())["model"]["merges"]
    assert vocabulary_of(chat, VOCABULARY).merges == tuple(" ".join(pair) for pair in merges)


def test_a_known_way_of_splitting_is_recognised_by_its_ids() -> None:
    assert vocabulary_of(tiny_chat(), VOCABULARY).splitting == "gpt-2"
    chat = chat_for("qwen2.5", "qwen")
    found = vocabulary_of(chat, chat.tokenizer.get_vocab_size())
    assert (found.splitting, found.alike) == ("qwen2", 1.0)


def test_minis_own_way_of_splitting_has_a_name_that_gives_its_ids_on_every_question() -> None:
    chat = load_chat_format(EMBEDDED["mini"])
    questions = [json.loads(line)["messages"][0]["content"] for line in DATA.read_text(encoding="utf-8").splitlines()]
    found = vocabulary_of(chat, 8192, texts=questions)
    assert (found.splitting, found.alike) == ("qwen2", 1.0) and not found.adds_bos


def test_where_no_way_fits_the_share_of_texts_says_so() -> None:
    description = json.loads(tiny_tokenizer().to_str())
    description["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "[aeiou]"}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        ],
    }
    found = vocabulary_of(tiny_chat(Tokenizer.from_str(json.dumps(description))), VOCABULARY)
    assert found.alike < 1


def test_a_tokenizer_that_is_no_byte_level_bpe_is_refused() -> None:
    with pytest.raises(UsageError, match="no byte-level BPE"):
        vocabulary_of(chat_for("llama-2", "metaspace"), 4000)
    with pytest.raises(UsageError, match="no byte-level BPE"):
        vocabulary_of(tiny_chat(Tokenizer(models.WordLevel({"<|end|>": 0, "<|pad|>": 1}, unk_token="<|pad|>"))), 2)


def test_more_tokens_than_the_model_has_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="the model 100"):
        vocabulary_of(tiny_chat(), 100)


def test_whether_a_beginning_token_comes_by_itself_is_seen() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer()
    chat = ChatFormat(tokenizer, TEMPLATE, "tokenizer", bos_token="<|system|>", eos_token="<|end|>")
    assert not adds_bos(chat)
    tokenizer.post_processor = TemplateProcessing(
        single="<|system|> $A", special_tokens=[("<|system|>", tokenizer.token_to_id("<|system|>"))]
    )
    assert adds_bos(chat)
