"""The catalogue of bases: its figures agree with each other, and its advice is such that one can follow it."""

from __future__ import annotations

import pytest

from adapters_hub.base_files import HUB_ID
from adapters_hub.base_memory import fits, room_in_ram, room_on_card
from adapters_hub.known_bases import CATALOGUE, KnownBase, best_for, known_base, nearest_open, similar_ids, why_best

GIB = 1 << 30
PUBLISHED = {
    "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2.5-1.5B-Instruct": 1_543_714_304,
    "Qwen/Qwen2.5-3B-Instruct": 3_085_938_688,
    "Qwen/Qwen2.5-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-4B-Instruct-2507": 4_022_468_096,
    "microsoft/phi-2": 2_779_683_840,
    "microsoft/Phi-3.5-mini-instruct": 3_821_079_552,
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1_100_048_384,
    "HuggingFaceTB/SmolLM2-360M-Instruct": 361_821_120,
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": 1_711_376_384,
    "HuggingFaceTB/SmolLM3-3B": 3_075_098_624,
    "google/gemma-2-2b-it": 2_614_341_888,
    "google/gemma-3-1b-it": 999_885_952,
    "meta-llama/Llama-3.2-1B-Instruct": 1_235_814_400,
    "meta-llama/Llama-3.2-3B-Instruct": 3_212_749_824,
    "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "BSC-LT/salamandra-2b-instruct": 2_253_490_176,
}
"""Exact parameter counts as the models' pages give them."""
HEAD_STORED_TWICE = {"Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"}
"""Their files hold the tied head once more."""


@pytest.mark.parametrize("base", CATALOGUE, ids=lambda base: base.id)
def test_the_figures_of_a_base_agree_with_each_other(base: KnownBase) -> None:
    assert HUB_ID.fullmatch(base.id)
    if base.id in PUBLISHED:
        assert base.parameters == pytest.approx(PUBLISHED[base.id], rel=1e-3)
    copies = base.shape.embedding_parameters if base.id in HEAD_STORED_TWICE else 0
    assert base.download == pytest.approx(2 * (base.parameters + copies), rel=0.01), "its files hold two bytes a weight"
    assert base.shape.heads % base.shape.kv_heads == 0 and base.licence


def test_no_base_is_listed_twice_and_the_promised_ones_are_there() -> None:
    ids = [base.id for base in CATALOGUE]
    assert len(set(ids)) == len(ids) and set(PUBLISHED) <= set(ids)


def test_terms_that_forbid_some_use_are_marked() -> None:
    assert {base.id for base in CATALOGUE if not base.free} == {
        "Qwen/Qwen2.5-3B-Instruct",
        "meta-llama/Llama-3.2-1B-Instruct",
        "meta-llama/Llama-3.2-3B-Instruct",
        "google/gemma-2-2b-it",
        "google/gemma-3-1b-it",
    }
    assert all(base.free == (base.licence in ("apache-2.0", "mit")) for base in CATALOGUE)
    assert all(base.gated for base in CATALOGUE if base.licence in ("gemma", "llama3.2"))


def test_a_base_is_found_whatever_the_case() -> None:
    found = known_base("qwen/qwen2.5-1.5b-instruct")
    assert found is not None and found.id == "Qwen/Qwen2.5-1.5B-Instruct"
    assert known_base("nobody/nothing") is None and known_base("") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("phi-2", "microsoft/phi-2"),
        ("Qwen/Qwen2.5-1.5B-Instuct", "Qwen/Qwen2.5-1.5B-Instruct"),
        ("meta/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct"),
    ],
)
def test_a_misspelt_base_is_recognised(typed: str, meant: str) -> None:
    assert similar_ids(typed)[0] == meant


def test_nothing_is_recognised_in_noise() -> None:
    assert similar_ids("zzzzzzzzzzzz") == ()


@pytest.mark.parametrize(
    ("gigabytes", "best"), [(4, "HuggingFaceTB/SmolLM3-3B"), (6, "Qwen/Qwen3-4B-Instruct-2507"), (8, "Qwen/Qwen2.5-7B-Instruct")]
)
def test_the_best_base_grows_with_the_card(gigabytes: int, best: str) -> None:
    found = best_for(room_on_card("card", gigabytes * GIB))
    assert found is not None and found.id == best


def test_what_is_recommended_is_free_open_speaks_spanish_and_fits() -> None:
    for memory in range(1, 40):
        for room in (room_on_card("card", memory * GIB), room_in_ram(memory * GIB, sixteen_bits=memory % 2 == 0)):
            found = best_for(room)
            if found is not None:
                assert found.free and not found.gated and found.spanish and found.chat_template
                assert fits(found.shape, room).verdict != "no"


def test_a_processor_is_not_burdened_with_the_largest() -> None:
    found = best_for(room_in_ram(256 * GIB, sixteen_bits=True))
    assert found is not None and found.parameters < 2e9


def test_a_machine_without_room_gets_no_advice() -> None:
    assert best_for(room_on_card("card", GIB)) is None
    assert nearest_open(10**9, room_on_card("card", 0)) == ()


def test_the_advice_is_one_sentence_with_the_figures() -> None:
    room = room_on_card("NVIDIA GeForce RTX 3050", 4 * GIB)
    found = best_for(room)
    assert found is not None
    why = why_best(found, fits(found.shape, room), room)
    assert found.id in why and "RTX 3050, 4.0 GB" in why and "7 conversations" in why and "\n" not in why


def test_the_nearest_open_ones_are_near_open_and_fit() -> None:
    room = room_on_card("card", 4 * GIB)
    found = nearest_open(1_236_000_000, room)
    assert [base.id for base in found][:2] == ["TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Qwen/Qwen2.5-1.5B-Instruct"]
    assert all(not base.gated and fits(base.shape, room).verdict != "no" for base in found)
