"""What the engine takes for granted of transformers: where a release breaks one of these, the failing test names the cause.

The rest of transformers is used as documented. All of this is read in ``growing_cache``, ``answer_batch`` and ``base``.
"""

from __future__ import annotations

import inspect

import pytest
import torch
import transformers
from tiny_models import FAMILIES, tiny_config, tiny_model
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

from adapters_hub.engine.growing_cache import GrowingCache, GrowingLayer, can_grow

IDS = torch.arange(5, 13)[None]


def test_the_version_is_one_that_these_promises_were_read_in() -> None:
    assert transformers.__version__.startswith("5."), "read growing_cache and answer_batch against the new major version"


def test_a_layer_of_a_cache_has_no_duties_that_ours_does_not_fulfil() -> None:
    missing = set(getattr(CacheLayerMixin, "__abstractmethods__", ())) - set(vars(GrowingLayer))
    assert not missing, "transformers asks more of a cache layer: implement it in GrowingLayer"


def test_a_cache_takes_layers_that_are_ready() -> None:
    assert "layers" in inspect.signature(Cache.__init__).parameters
    assert [type(layer) for layer in GrowingCache(tiny_config()).layers] == [GrowingLayer, GrowingLayer]


def test_the_dynamic_cache_names_the_kind_of_each_layer() -> None:
    assert len(DynamicCache(config=tiny_config()).layers) == 2, "can_grow reads the kinds of layers from DynamicCache(config=...)"
    assert all(can_grow(tiny_config(family)) for family in FAMILIES)


def test_rows_of_a_dynamic_cache_can_be_chosen() -> None:
    cache = DynamicCache(config=tiny_config())
    cache.update(torch.randn(3, 2, 4, 16), torch.randn(3, 2, 4, 16), 0)
    kept = cache.layers[0].keys[[2, 0]].clone()
    cache.reorder_cache(torch.tensor([2, 0]))  # static batches
    assert torch.equal(cache.layers[0].keys, kept)
    cache.batch_select_indices(torch.tensor([1]))  # answers in the middle of a training
    assert torch.equal(cache.layers[0].keys, kept[1:])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_computes_with_our_cache_what_it_computes_without(family: str) -> None:
    model = tiny_model(family, dtype=torch.float64)
    cache = GrowingCache(model.config)
    found = []
    with torch.inference_mode():
        for first, last in ((0, 5), (5, 6), (6, 8)):
            cache.extent.rows = 1
            cache.begin(slice(0, 1))
            mask = torch.ones(1, last, dtype=torch.bool)
            positions = torch.arange(first, last)[None]
            output = model(
                input_ids=IDS[:, first:last],
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=torch.arange(last - first),
            )
            cache.advance(last - first)
            found.append(output.logits)
        expected = model(input_ids=IDS, use_cache=False).logits
    torch.testing.assert_close(torch.cat(found, 1), expected, msg="masks, positions or logits_to_keep mean something else now")


def test_one_number_says_how_many_last_logits_are_wanted() -> None:
    model = tiny_model()
    with torch.inference_mode():
        assert model(input_ids=IDS, logits_to_keep=1, use_cache=False).logits.shape[1] == 1
