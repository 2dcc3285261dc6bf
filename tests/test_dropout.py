"""Our dropout does what torch's does, from torch's seed."""

from __future__ import annotations

import pytest
import torch

from adapters_hub.engine.dropout import LEVELS, dropout


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.9])
def test_the_share_of_zeros_and_the_mean_are_those_of_dropout(probability: float) -> None:
    torch.manual_seed(1)
    dropped = dropout(torch.ones(400, 500), probability)
    kept = dropped[dropped != 0]
    assert 1 - len(kept) / dropped.numel() == pytest.approx(probability, abs=0.005)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)
    assert len(kept.unique()) == 1
    assert float(kept[0]) == pytest.approx(1 / (1 - probability), rel=10 / LEVELS)
    rows, columns = (dropped == 0).float().mean(1), (dropped == 0).float().mean(0)
    assert max(float(rows.std()), float(columns.std())) < 1.5 * (probability * (1 - probability) / 400) ** 0.5, "elements are independent"


def test_the_seed_of_torch_decides_and_every_call_differs() -> None:
    x = torch.randn(3, 64)
    torch.manual_seed(5)
    first, second = dropout(x, 0.5), dropout(x, 0.5)
    torch.manual_seed(5)
    assert torch.equal(dropout(x, 0.5), first)
    assert not torch.equal(first, second)


def test_a_forward_that_is_computed_again_draws_the_same_elements() -> None:
    from torch.utils.checkpoint import checkpoint

    gradients = []
    for again in (False, True):
        torch.manual_seed(9)
        x = torch.linspace(1, 2, 640).view(10, 64).requires_grad_(True)
        out = checkpoint(lambda x: dropout(x, 0.5).square(), x, use_reentrant=False) if again else dropout(x, 0.5).square()
        out.sum().backward()
        gradients.append(x.grad)
    assert torch.equal(*gradients)


def test_a_probability_close_to_one_leaves_finite_numbers() -> None:
    assert dropout(torch.ones(100), 0.9999999).isfinite().all()


def test_gradients_pass_where_the_elements_did() -> None:
    x = torch.randn(8, 64, requires_grad=True)
    out = dropout(x, 0.25)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, (out != 0) / 0.75)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_number_format_stays(dtype: torch.dtype) -> None:
    assert dropout(torch.ones(4, 4, dtype=dtype), 0.05).dtype == dtype
