"""What rows are made of: turns, topics by difficulty, lengths, sources."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from adapters_hub.composition import lengths_of, parts_of, topic_table
from adapters_hub.dataset_statistics import FileReport, TokenCount, file_report
from adapters_hub.types import Example, Message


def example(*turns: str, **more: Any) -> Example:
    roles = ("user", "assistant")
    return Example(tuple(Message(roles[place % 2], text) for place, text in enumerate(turns)), **more)  # type: ignore[arg-type]


def report(rows: list[Example], use: Any = "train") -> FileReport:
    tokens = TokenCount(counted=len(rows), learned=7, lengths=tuple(10 + place for place in range(len(rows))))
    return file_report(use, f"{use}.jsonl", rows, "es", duplicates=0, near_duplicates=0, languages=Counter(es=len(rows)), tokens=tokens)


TRAIN = [
    example("uno dos", "tres", tags=("a", "b"), difficulty=1, id="gen-x-1"),
    example("uno", "dos", "tres cuatro cinco", "seis", tags=("a",), difficulty=3),
    example("uno", "dos", tags=("generada",)),
    example("uno", "dos"),
]
HELD_OUT = [example("uno", "dos", tags=("b",), difficulty=2), example("uno", tags=("b",), difficulty=2, expected="dos")]


def test_each_file_gets_its_own_rows() -> None:
    train, held_out = parts_of([report(TRAIN), report(HELD_OUT, "eval")], [*TRAIN, *HELD_OUT])
    assert (train.rows, train.answers, train.multi_turn) == (4, 5, 1)
    assert (held_out.rows, held_out.answers, held_out.multi_turn) == (2, 1, 0)


def test_rows_of_a_program_are_known_by_id_or_tag() -> None:
    (train,) = parts_of([report(TRAIN)], TRAIN)
    assert train.made == 2


def test_topics_are_counted_by_difficulty_and_each_tag_counts() -> None:
    train, held_out = parts_of([report(TRAIN), report(HELD_OUT, "eval")], [*TRAIN, *HELD_OUT])
    assert train.topics["a"] == {1: 1, 2: 0, 3: 1, None: 0}
    assert list(train.topics)[-1] == "" and train.topics[""] == {1: 0, 2: 0, 3: 0, None: 1}
    table = topic_table([train, held_out])
    assert next(iter(table)) == "b" and list(table)[-1] == ""
    assert [sum(side.values()) for side in table["b"]] == [1, 2]
    assert train.difficulty == {1: 1, 2: 0, 3: 1, None: 2}


def test_lengths_are_of_questions_answers_and_whole_rows() -> None:
    (train,) = parts_of([report(TRAIN)], TRAIN)
    assert train.questions is not None and (train.questions.count, train.questions.high) == (5, 3)
    assert train.replies is not None and train.replies.mean == 1
    assert train.tokens is not None and (train.tokens.low, train.tokens.high) == (10, 13)
    assert train.all_tokens == 46


def test_without_a_tokenizer_tokens_are_unknown() -> None:
    bare = file_report("train", "t", TRAIN, "es", duplicates=0, near_duplicates=0, languages=Counter(), tokens=TokenCount())
    (part,) = parts_of([bare], TRAIN)
    assert part.tokens is None and part.all_tokens is None and part.verified is None


@pytest.mark.parametrize(
    ("numbers", "quantiles"),
    [([5], (5, 5, 5, 5, 5)), (list(range(1, 101)), (5, 25, 50, 75, 95)), ([3, 1, 2], (1, 1, 2, 3, 3))],
)
def test_quantiles_are_values_that_occur(numbers: list[int], quantiles: tuple[int, ...]) -> None:
    lengths = lengths_of(numbers)
    assert lengths is not None
    assert (lengths.p5, lengths.p25, lengths.median, lengths.p75, lengths.p95) == quantiles


@pytest.mark.parametrize("numbers", [[5], [1, 1, 1], list(range(7)), [1, 1000], list(range(100, 900, 7))])
def test_a_histogram_counts_every_value_once(numbers: list[int]) -> None:
    lengths = lengths_of(numbers)
    assert lengths is not None
    bars = lengths.histogram(12)
    assert sum(count for _, count in bars) == len(numbers) and len(bars) <= 12
    assert bars[0][0] == min(numbers) and bars[-1][1] > 0


def test_no_numbers_have_no_lengths() -> None:
    assert lengths_of([]) is None
