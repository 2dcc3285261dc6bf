"""engine/batches.py: rows, their order in an epoch, and the arithmetic of padded batches."""

from __future__ import annotations

import pytest
import torch
from template_zoo import ZOO, Format, tokenizer_for

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.engine.batches import Row, collate, epoch_order, tokenize
from adapters_hub.errors import DataError
from adapters_hub.rendering import render
from adapters_hub.tokenizer_files import chat_format_from
from adapters_hub.types import Example, Message

FORMATS = {form.name: form for form in ZOO}


def chat_for(name: str, kind: str = "qwen") -> ChatFormat:
    form: Format = FORMATS[name]
    return ChatFormat(tokenizer_for(form, kind), form.template, "tokenizer", bos_token=form.bos, eos_token=form.eos)


def talk(*contents: str, system: str = "", where: str = "train.jsonl:1") -> Example:
    turns = [Message("user" if index % 2 == 0 else "assistant", content) for index, content in enumerate(contents)]
    return Example(tuple(([Message("system", system)] if system else []) + turns), where=where)


def learned(chat: ChatFormat, row: Row) -> list[str]:
    """The supervised stretches of a row as text."""
    runs: list[list[int]] = []
    for index, token in enumerate(row.ids):
        if row.supervised[index]:
            if index == 0 or not row.supervised[index - 1]:
                runs.append([])
            runs[-1].append(token)
    return [chat.tokenizer.decode(run, skip_special_tokens=False) for run in runs]


def rows_of_lengths(*lengths: int, slot: int = 0) -> list[Row]:
    return [Row(list(range(1, length + 1)), bytes([0] + [1] * (length - 1)), f"f:{index}", slot) for index, length in enumerate(lengths, 1)]


# --- tokenize ------------------------------------------------------------------------------------


def test_a_row_is_what_render_gives() -> None:
    chat = chat_for("chatml")
    example = talk("¿2 + 2?", "Son 4.", "¿Y 3?", "Son 3.", system="Eres un tutor.")
    (row,) = tokenize(chat, [example], max_tokens=1024, long_rows="skip").rows
    expected = render(chat, example.messages)
    assert (row.ids, row.supervised, row.where, row.slot) == (expected.ids, expected.supervised, "train.jsonl:1", 0)


def test_rows_carry_the_slot_of_their_job() -> None:
    assert tokenize(chat_for("chatml"), [talk("a", "b")], max_tokens=1024, slot=3).rows[0].slot == 3


def test_supervised_tokens_count_answers_with_their_ends() -> None:
    chat = chat_for("chatml")
    answers = [chat.tokenizer.encode(text).ids for text in ("Son 4.", "Son 3.")]
    result = tokenize(chat, [talk("¿2 + 2?", "Son 4.", "¿Y 3?", "Son 3.")], max_tokens=1024)
    assert result.supervised_tokens == sum(map(len, answers)) + 2


def test_every_row_without_an_answer_is_named() -> None:
    examples = [talk("sola", where="t.jsonl:3"), talk("a", "b", where="t.jsonl:4"), talk("otra", where="t.jsonl:9")]
    with pytest.raises(DataError) as error:
        tokenize(chat_for("chatml"), examples, max_tokens=1024)
    assert [line.split(": ")[0] for line in error.value.details] == ["t.jsonl:3", "t.jsonl:9"]


def test_every_row_that_the_template_refuses_is_named() -> None:
    wrong = Example((Message("assistant", "yo primero"), Message("user", "a"), Message("assistant", "b")), where="t.jsonl:7")
    with pytest.raises(DataError) as error:
        tokenize(chat_for("mistral"), [talk("a", "b"), wrong], max_tokens=1024)
    assert len(error.value.details) == 1
    assert error.value.details[0].startswith("t.jsonl:7: ")


def test_too_long_rows_are_skipped_and_named_with_their_length() -> None:
    chat = chat_for("chatml")
    long = talk("a", "palabra " * 100, where="t.jsonl:2")
    length = len(render(chat, long.messages).ids)
    result = tokenize(chat, [talk("a", "b"), long], max_tokens=length - 1, long_rows="skip")
    assert len(result.rows) == 1
    assert result.skipped == (f"t.jsonl:2: {length} tokens, limit {length - 1}",)


def test_a_row_of_exactly_the_limit_is_kept() -> None:
    chat = chat_for("chatml")
    example = talk("a", "b")
    assert not tokenize(chat, [example], max_tokens=len(render(chat, example.messages).ids)).skipped


def test_split_learns_each_answer_once_and_repeats_the_system_turn() -> None:
    chat = chat_for("chatml")
    answers = [f"respuesta número {index}" for index in range(6)]
    example = talk(*[text for answer in answers for text in ("¿y ahora?", answer)], system="Eres un tutor.")
    limit = len(render(chat, example.messages).ids) // 2
    result = tokenize(chat, [example], max_tokens=limit, long_rows="split")
    assert result.skipped == ()
    assert len(result.rows) > 1
    assert [text for row in result.rows for text in learned(chat, row)] == [f"{answer}<|im_end|>" for answer in answers]
    system = render(chat, [Message("system", "Eres un tutor.")]).ids
    assert all(len(row.ids) <= limit and row.ids[: len(system)] == system and row.where == "train.jsonl:1" for row in result.rows)


def test_split_leaves_out_only_the_exchange_that_is_too_long_alone() -> None:
    chat = chat_for("chatml")
    example = talk("a", "uno", "b", "palabra " * 100, "c", "tres")
    result = tokenize(chat, [example], max_tokens=40, long_rows="split")
    assert [text for row in result.rows for text in learned(chat, row)] == ["uno<|im_end|>", "tres<|im_end|>"]
    (line,) = result.skipped
    assert line.startswith("train.jsonl:1, answer 2: ")
    assert line.endswith("tokens, limit 40")


def test_split_of_a_single_exchange_skips_it_by_its_plain_name() -> None:
    (line,) = tokenize(chat_for("chatml"), [talk("a", "palabra " * 100)], max_tokens=40, long_rows="split").skipped
    assert line.startswith("train.jsonl:1: ")


@pytest.mark.parametrize("name", ["qwen3", "harmony", "mistral-nemo"])
def test_a_template_that_rewrites_history_gives_one_row_per_answer_as_the_chat_shows_it(name: str) -> None:
    chat = chat_for(name)
    example = talk("¿2 + 2?", "Son 4.", "¿Y 3?", "Son 3.", system="Eres un tutor.")
    rows = tokenize(chat, [example], max_tokens=1024).rows
    assert len(rows) == 2
    for row, asked in zip(rows, (2, 4), strict=True):
        prompt = render(chat, example.messages[:asked], add_generation_prompt=True).ids
        assert row.ids[: len(prompt)] == prompt
        assert row.supervised.index(1) == len(prompt)
        assert [text.startswith("Son") for text in learned(chat, row)] == [True]


def test_split_keeps_what_fits_of_the_history_that_a_template_rewrites() -> None:
    chat = chat_for("qwen3")
    example = talk("¿2 + 2?", "Son 4.", "¿Y 3?", "Son 3.", "¿Y 5?", "Son 5.")
    limit = len(render(chat, example.messages).ids) - 1
    rows = tokenize(chat, [example], max_tokens=limit, long_rows="split").rows
    assert [learned(chat, row)[-1] for row in rows] == ["Son 4.<|im_end|>", "Son 3.<|im_end|>", "Son 5.<|im_end|>"]
    assert rows[2].ids == render(chat, example.messages[2:]).ids


def test_no_examples_give_no_rows() -> None:
    assert tokenize(chat_for("chatml"), [], max_tokens=1024).rows == ()


# --- the order of an epoch -----------------------------------------------------------------------


def test_every_row_comes_once_in_an_epoch() -> None:
    order = epoch_order(rows_of_lengths(*range(2, 105)), batch_size=8, seed=1, epoch=0)
    assert sorted(index for batch in order for index in batch) == list(range(103))
    assert sorted(map(len, order)) == [7] + [8] * 12


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    rows = rows_of_lengths(*range(2, 105))
    first = epoch_order(rows, batch_size=8, seed=1, epoch=2)
    assert first == epoch_order(rows, batch_size=8, seed=1, epoch=2)
    assert first != epoch_order(rows, batch_size=8, seed=1, epoch=3)
    assert first != epoch_order(rows, batch_size=8, seed=2, epoch=2)


def test_rows_of_similar_length_meet() -> None:
    rows = rows_of_lengths(*[2 + (index * 37) % 300 for index in range(512)])

    def padded(batches: list[list[int]]) -> int:
        return sum(len(batch) * max(len(rows[index].ids) for index in batch) for batch in batches)

    in_file_order = [list(range(start, start + 8)) for start in range(0, 512, 8)]
    tokens = sum(len(row.ids) for row in rows)
    assert padded(epoch_order(rows, batch_size=8, seed=1, epoch=0)) < 1.15 * tokens < padded(in_file_order)


def test_short_batches_do_not_always_come_first() -> None:
    rows = rows_of_lengths(*[2 + index for index in range(128)])
    lengths = [len(rows[batch[0]].ids) for batch in epoch_order(rows, batch_size=8, seed=1, epoch=0)]
    assert lengths != sorted(lengths)


# --- collate -------------------------------------------------------------------------------------


def test_rows_are_padded_on_the_right_to_a_multiple() -> None:
    batch = collate(rows_of_lengths(3, 9), pad_id=99, multiple=8)
    assert batch.input_ids.shape == (2, 16)
    assert batch.input_ids[0].tolist() == [1, 2, 3] + [99] * 13
    assert batch.input_ids[1].tolist() == list(range(1, 10)) + [99] * 7
    assert batch.attention_mask.sum(1).tolist() == [3, 9]


def test_padding_stays_inside_the_models_positions() -> None:
    assert collate(rows_of_lengths(3, 9), pad_id=99, context=10).input_ids.shape == (2, 10)
    assert collate(rows_of_lengths(3, 9), pad_id=99, context=64).input_ids.shape == (2, 16)


def test_labelled_positions_equal_the_usual_shifted_labels() -> None:
    source = torch.Generator().manual_seed(3)
    rows = []
    for length in (5, 17, 24, 2):
        ids = torch.randint(0, 50, (length,), generator=source).tolist()
        rows.append(Row(ids, bytes(torch.randint(0, 2, (length,), generator=source).tolist()), "f:1"))
    batch = collate(rows, pad_id=0)
    labels = torch.full(batch.input_ids.shape, -100)
    for index, row in enumerate(rows):
        labels[index, : len(row.ids)] = torch.tensor([token if kept else -100 for token, kept in zip(row.ids, row.supervised, strict=True)])
    logits = torch.randn((*batch.input_ids.shape, 50), generator=source)
    naive = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 50), labels[:, 1:].reshape(-1), ignore_index=-100, reduction="sum")
    ours = torch.nn.functional.cross_entropy(logits.reshape(-1, 50)[batch.positions], batch.targets, reduction="sum")
    assert len(batch.targets) == int((labels[:, 1:] != -100).sum())
    torch.testing.assert_close(ours, naive)


def test_a_pad_token_equal_to_eos_does_not_hide_the_end_of_turn() -> None:
    rows = [Row([5, 6, 7], bytes([0, 1, 1]), "f:1"), Row([5, 6, 8, 7], bytes([0, 0, 1, 1]), "f:2")]
    batch = collate(rows, pad_id=7, multiple=4)
    assert batch.targets.tolist() == [6, 7, 8, 7]


def test_rows_are_sorted_by_slot_and_labels_know_theirs() -> None:
    rows = [*rows_of_lengths(3, slot=1), *rows_of_lengths(4, slot=0), *rows_of_lengths(2, slot=1)]
    batch = collate(rows, pad_id=0)
    assert batch.slots.tolist() == [0, 1, 1]
    assert (batch.input_ids != 0).sum(1).tolist() == [4, 3, 2]
    assert batch.label_slots.tolist() == [0] * 3 + [1] * 2 + [1]


def test_a_batch_moves_as_a_whole() -> None:
    moved = collate(rows_of_lengths(3), pad_id=0).to("meta")
    assert {getattr(moved, name).device.type for name in ("input_ids", "attention_mask", "positions", "targets", "slots")} == {"meta"}


def test_the_pad_id_of_a_format_falls_back_to_eos() -> None:
    chat = chat_for("gemma")
    assert chat.pad_id == chat.eos_id


def test_a_format_from_a_transformers_tokenizer_gives_the_same_rows() -> None:
    transformers = pytest.importorskip("transformers")
    form = FORMATS["chatml"]
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer_for(form, "qwen"), eos_token=form.eos)
    wrapped.chat_template = form.template
    example = talk("¿2 + 2?", "Son 4.")
    assert tokenize(chat_format_from(wrapped), [example], max_tokens=64).rows == tokenize(chat_for("chatml"), [example], max_tokens=64).rows
