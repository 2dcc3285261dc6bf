"""The bank against PEFT as oracle: same logits, same gradients, nothing shared between slots, nothing left behind."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import FAMILIES, random_adapter, tiny_model
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.bank_linear import BankLinear
from adapters_hub.engine.base import fingerprint, keep_gradients
from adapters_hub.engine.peft_files import AdapterWeights, PeftConfigFacts, read_adapter, write_adapter
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import LoraSettings

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]

ADAPTERS: tuple[dict[str, Any], ...] = (
    {"rank": 4},
    {"rank": 8, "use_rslora": True},
    {"rank": 3, "lora_alpha": 7, "target_modules": ["q_proj", "v_proj"]},
    {"rank": 16, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}},
)
"""Four tutors that share neither rank, scale, rule nor targets."""


def nf4(model: Any) -> Any:
    """``model`` with every linear but the head in NF4, gradients kept."""
    from adapters_hub.engine.base import _quantize_in_place

    model = _quantize_in_place(model, torch.float32).to("cpu")
    keep_gradients(model)
    return model


def fresh(family: str, quantized: bool = False) -> Any:
    model = tiny_model(family)
    return nf4(model) if quantized else model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Four PEFT folders for each family, saved by PEFT."""
    root = tmp_path_factory.mktemp("adapters")
    return {
        family: [random_adapter(tiny_model(family), root / family / str(i), seed=i, **settings) for i, settings in enumerate(ADAPTERS)]
        for family in FAMILIES
    }


def tokens(rows: int = 5, length: int = 9, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, 300, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def answer(model: Any, bank: Bank, ids: torch.Tensor, slots: Any) -> torch.Tensor:
    with bank.routing(slots):
        return model(ids).logits


def with_adapters(folders: list[Path], model: Any) -> tuple[Bank, list[int]]:
    bank = Bank(model)
    return bank, [bank.attach(read_adapter(folder, model=model)) for folder in folders]


@torch.no_grad()
def peft_logits(model: Any, folders: list[Path], ids: torch.Tensor) -> list[torch.Tensor]:
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(model, folders[0], adapter_name="t0", autocast_adapter_dtype=False)
    for i, folder in enumerate(folders[1:], 1):
        wrapped.load_adapter(folder, f"t{i}", autocast_adapter_dtype=False)
    found = []
    for i in range(len(folders)):
        wrapped.set_adapter(f"t{i}")
        found.append(wrapped(ids).logits)
    return found


# --- answering: PEFT is the oracle ---------------------------------------------------------------


@pytest.mark.parametrize("quantized", [False, True], ids=["fp32", "nf4"])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_pefts(family: str, quantized: bool, folders: dict[str, list[Path]]) -> None:
    ids = tokens()
    theirs = peft_logits(fresh(family, quantized), folders[family], ids)
    model = fresh(family, quantized)
    bank, slots = with_adapters(folders[family], model)
    for slot, expected in zip(slots, theirs, strict=True):
        ours = answer(model, bank, ids, [slot] * 5)
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(ours, answer(model, bank, ids, [-1] * 5), atol=1e-3)


def test_bf16_logits_are_as_close_to_fp32_as_pefts(folders: dict[str, list[Path]]) -> None:
    """In bf16 two right results differ by rounding; ours may be no further from the fp32 truth than 1.5 times PEFT's distance."""
    ids = tokens()
    truth = peft_logits(tiny_model("llama"), folders["llama"], ids)
    theirs = peft_logits(tiny_model("llama").bfloat16(), folders["llama"], ids)
    model = tiny_model("llama").bfloat16()
    bank, slots = with_adapters(folders["llama"], model)
    for slot, right, peft in zip(slots, truth, theirs, strict=True):
        ours = answer(model, bank, ids, [slot] * 5).float()
        assert (ours - right).norm() < 1.5 * (peft.float() - right).norm() + 1e-3
        torch.testing.assert_close(ours, peft.float(), rtol=0, atol=0.05)


@pytest.mark.parametrize("quantized", [False, True], ids=["fp32", "nf4"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_mixed_batch_of_four_tutors_and_the_base_equals_single_runs(family: str, quantized: bool, folders: dict[str, list[Path]]) -> None:
    model = fresh(family, quantized)
    bank, slots = with_adapters(folders[family], model)
    ids, table = tokens(), [slots[2], slots[0], -1, slots[3], slots[1]]
    mixed = answer(model, bank, ids, table)
    for row, slot in enumerate(table):
        torch.testing.assert_close(mixed[row : row + 1], answer(model, bank, ids[row : row + 1], [slot]), rtol=1e-5, atol=1e-5)


def test_without_an_adapter_the_base_answers_bit_for_bit(folders: dict[str, list[Path]]) -> None:
    ids = tokens()
    for quantized in (False, True):
        untouched = fresh("llama", quantized)
        with torch.no_grad():
            expected = untouched(ids).logits
        model = fresh("llama", quantized)
        bank, slots = with_adapters(folders["llama"], model)
        assert torch.equal(answer(model, bank, ids, [-1] * 5), expected)
        with torch.no_grad():
            assert torch.equal(model(ids).logits, expected)
        for slot in slots:
            bank.detach(slot)
        assert torch.equal(answer(model, bank, ids, [-1] * 5), expected)
        bank.close()
        with torch.no_grad():
            assert torch.equal(model(ids).logits, expected)
        assert not any(isinstance(module, BankLinear) for module in model.modules())


def test_switching_there_and_back_is_bit_identical(folders: dict[str, list[Path]]) -> None:
    model = fresh("llama", quantized=True)
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    ids = tokens()
    first = answer(model, bank, ids, [a] * 5)
    answer(model, bank, ids, [b] * 5)
    answer(model, bank, ids, [a, b, -1, b, a])
    assert torch.equal(answer(model, bank, ids, [a] * 5), first)


def test_each_token_may_have_its_own_slot(folders: dict[str, list[Path]]) -> None:
    """Checked on one layer: across layers attention mixes tokens, so a whole model has no per-token oracle."""
    model = tiny_model("llama")
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    layer = model.get_submodule("model.layers.0.self_attn.q_proj")
    x = torch.randn(2, 3, 64)
    table = torch.tensor([[a, b, -1], [b, b, a]])
    with torch.no_grad():
        with bank.routing(table):
            mixed, flattened = layer(x), layer(x.flatten(0, 1))
        assert torch.equal(mixed.flatten(0, 1), flattened)
        for i in range(2):
            for j in range(3):
                with bank.routing([int(table[i, j])]):
                    torch.testing.assert_close(mixed[i, j], layer(x[i, j][None])[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("by_token", [False, True])
def test_a_neighbour_that_overflows_does_not_disturb(by_token: bool) -> None:
    """fp16 cards: another tutor's A times this row may be infinite, and a mask that multiplies would make it NaN."""
    model = nn.Sequential(nn.Linear(8, 8)).half().eval()
    bank = Bank(model, dtype=torch.float16)
    huge = bank.attach(AdapterWeights({"0": (torch.full((2, 8), 6e4), torch.ones(8, 2), 1.0)}))
    small = bank.attach(AdapterWeights({"0": (torch.ones(2, 8), torch.ones(8, 2), 1.0)}))
    x = torch.ones(2, 8, dtype=torch.float16)
    with torch.no_grad(), bank.routing(torch.tensor([[small], [huge]]) if by_token else [small, huge]):
        mixed = model(x)
    with torch.no_grad(), bank.routing([small]):
        alone = model(x[:1])
    assert torch.equal(mixed[:1], alone)
    assert torch.isfinite(mixed[0]).all()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 1, 0, 2, -1, 1), (0, -1), (3, 0, 3), (3, 1, 2, 0, -1, -1, 0)], ids=str)
def test_rows_in_any_order_and_number_get_their_own_tutor(order: tuple[int, ...], folders: dict[str, list[Path]]) -> None:
    """Three tutors of one rank side by side and one of another: products over groups, padded, sorted and split."""
    model = tiny_model("llama")
    bank = Bank(model)
    base = read_adapter(folders["llama"][0]).pairs
    torch.manual_seed(3)
    slots = [
        bank.attach(
            AdapterWeights({p: (torch.randn(rank, a.shape[1]), 0.1 * torch.randn(b.shape[0], rank), 0.5) for p, (a, b, _) in base.items()})
        )
        for rank in (4, 4, 4, 6)
    ]
    ids, table = tokens(len(order)), [slots[i] if i >= 0 else -1 for i in order]
    mixed = answer(model, bank, ids, table)
    for row, slot in enumerate(table):
        torch.testing.assert_close(mixed[row : row + 1], answer(model, bank, ids[row : row + 1], [slot]), rtol=1e-5, atol=1e-5)
    with bank.routing(torch.tensor(table).unsqueeze(1).expand(-1, 9)), torch.no_grad():  # the other way: masked columns
        torch.testing.assert_close(model(ids).logits, mixed, rtol=1e-5, atol=1e-5)


# --- slots ---------------------------------------------------------------------------------------


def test_a_detached_slot_is_zeroed_refused_and_its_place_used_again(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    layer: Any = model.get_submodule("model.layers.0.mlp.up_proj")
    size, rows = bank.held_bytes, layer.stored(a)
    assert all(part.any() for part in rows)
    bank.detach(a)
    assert not any(part.any() for part in rows)
    for use in (lambda: answer(model, bank, tokens(1), [a]), lambda: bank.detach(a), lambda: bank.weights_of(a)):
        with pytest.raises(NotFoundError):
            use()
    again = bank.attach(read_adapter(folders["llama"][0]))
    assert again not in (a, b)
    assert bank.held_bytes == size
    assert layer.layout.by_slot[again].place == (0, 0)


def test_a_thousand_attachments_leave_no_memory_behind() -> None:
    model = nn.Sequential(nn.Linear(8, 8)).eval()
    bank = Bank(model)
    weights = {rank: AdapterWeights({"0": (torch.ones(rank, 8), torch.ones(8, rank), 1.0)}) for rank in (1, 2, 3, 5)}
    kept: list[int] = []
    for round_ in range(1000):
        kept.append(bank.attach(weights[(1, 2, 3, 5)[round_ % 4]]))
        if len(kept) > 3:
            bank.detach(kept.pop(round_ % 3))
    layer: Any = model[0]
    assert sum(layer.layout.blocks.values()) <= 128
    for slot in kept:
        bank.detach(slot)
    assert bank.held_bytes == 0
    assert layer._blocks == layer._views == layer.parameters_of == {}
    assert bank.slots() == ()


def test_an_adapter_that_does_not_fit_leaves_the_bank_as_it_was(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama", dtype=torch.float16)
    bank = Bank(model, dtype=torch.float16)
    before = [name for name, _ in model.named_modules()]
    good = read_adapter(folders["llama"][0]).pairs
    last = list(good)[-1]
    a, b, scale = good[last]
    for bad, error in (
        ({**good, last: (a, b * 1e6, scale)}, HubError),
        ({**good, last: (a[:, :-1], b, scale)}, UsageError),
        ({**good, "model.nothing": (a, b, scale)}, UsageError),
    ):
        with pytest.raises(error):
            bank.attach(AdapterWeights(bad))
    assert [name for name, _ in model.named_modules()] == before
    assert bank.slots() == ()


@pytest.mark.parametrize("step", ["new_block", "rows_at"])
def test_running_out_of_memory_half_way_leaves_the_bank_as_it_was(
    step: str, folders: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model("llama")
    bank, (a, *_) = with_adapters(folders["llama"], model)
    ids = tokens()
    before = answer(model, bank, ids, [a] * 5)
    wide = {
        path: (torch.ones(200, one.shape[1]), torch.ones(b.shape[0], 200), 1.0) for path, (one, b, _) in bank.weights_of(a).pairs.items()
    }
    original, calls = getattr(BankLinear, step), []

    def fails_at_the_fifth(self: BankLinear, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, *arguments)

    monkeypatch.setattr(BankLinear, step, fails_at_the_fifth)
    held = bank.held_bytes
    with pytest.raises(torch.OutOfMemoryError):
        bank.attach(AdapterWeights(wide))
    assert bank.held_bytes == held
    monkeypatch.undo()
    assert torch.equal(answer(model, bank, ids, [a] * 5), before)
    assert len(bank.slots()) == 4
    again = bank.attach(read_adapter(folders["llama"][0]))
    assert torch.equal(answer(model, bank, ids, [again] * 5), before)


def test_attached_weights_come_back_unfolded(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, slots = with_adapters(folders["llama"], model)
    for slot, folder in zip(slots, folders["llama"], strict=True):
        saved = read_adapter(folder)
        back = bank.weights_of(slot)
        assert back.config == saved.config
        for path, (a, b, scale) in saved.pairs.items():
            assert torch.equal(back.pairs[path][0], a)
            torch.testing.assert_close(back.pairs[path][1], b, rtol=1e-6, atol=1e-7)
            assert back.pairs[path][2] == scale


def test_the_layer_shows_what_other_code_reads_from_a_linear(folders: dict[str, list[Path]]) -> None:
    plain, model = tiny_model("phi"), tiny_model("phi")
    with_adapters(folders["phi"], model)
    layer, original = (m.get_submodule("model.layers.0.mlp.fc1") for m in (model, plain))
    assert (layer.in_features, layer.out_features) == (original.in_features, original.out_features)
    assert torch.equal(layer.weight, original.weight)
    assert torch.equal(layer.bias, original.bias)


def test_a_second_bank_on_one_model_is_a_mistake(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    with_adapters(folders["llama"], model)
    with pytest.raises(RuntimeError, match="already has a bank"):
        Bank(model)


# --- routing never leaks -------------------------------------------------------------------------


def test_routing_is_gone_after_an_exception(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, *_) = with_adapters(folders["llama"], model)
    ids = tokens(2)
    with torch.no_grad():
        expected = model(ids).logits
    with pytest.raises(ZeroDivisionError), bank.routing([a, a]):
        raise ZeroDivisionError
    with torch.no_grad():
        assert torch.equal(model(ids).logits, expected)
    assert bank.attach(read_adapter(folders["llama"][0])) > a


def test_an_exception_inside_a_layer_leaves_nothing_behind(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    ids = tokens(2)
    expected = answer(model, bank, ids, [b, b])
    handle = model.model.layers[1].register_forward_hook(lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("full")))
    with pytest.raises(torch.OutOfMemoryError):
        answer(model, bank, ids, [a, a])
    handle.remove()
    assert torch.equal(answer(model, bank, ids, [b, b]), expected)


def test_routing_blocks_do_not_nest(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    with bank.routing([a]):
        for use in (lambda: bank.routing([b]).__enter__(), lambda: bank.detach(a), lambda: bank.attach(read_adapter(folders["llama"][0]))):
            with pytest.raises(RuntimeError, match="in use"):
                use()
    assert len(bank.slots()) == 4


def test_an_unknown_slot_is_refused_and_the_bank_stays_usable(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, *_) = with_adapters(folders["llama"], model)
    with pytest.raises(NotFoundError, match="99"):
        answer(model, bank, tokens(2), [a, 99])
    answer(model, bank, tokens(2), [a, a])


def test_a_table_of_another_batch_is_refused(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, (a, b, *_) = with_adapters(folders["llama"], model)
    with pytest.raises(RuntimeError, match="routing names slots"):
        answer(model, bank, tokens(3), [a, b])


def test_threads_take_turns_and_every_answer_is_from_its_own_tutor(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama")
    bank, slots = with_adapters(folders["llama"], model)
    ids = tokens(1)
    expected = {slot: answer(model, bank, ids, [slot]) for slot in (*slots, -1)}
    wrong: list[int] = []

    def ask(slot: int) -> None:
        for _ in range(10):
            if not torch.equal(answer(model, bank, ids, [slot]), expected[slot]):
                wrong.append(slot)

    threads = [threading.Thread(target=ask, args=(slot,)) for slot in expected]
    for thread in threads:
        thread.start()
    for _ in range(5):
        bank.detach(bank.attach(read_adapter(folders["llama"][0])))
    for thread in threads:
        thread.join()
    assert wrong == []


# --- learning ------------------------------------------------------------------------------------

LORAS = (
    LoraSettings(rank=4, alpha=8, dropout=0.0),
    LoraSettings(rank=8, alpha=16, dropout=0.0, rslora=True),
    LoraSettings(rank=2, alpha=6, dropout=0.0, targets=("q_proj", "v_proj")),
)


def shaken(bank: Bank, slots: list[int]) -> None:
    """Move B away from zero: gradients of A vanish there."""
    torch.manual_seed(9)
    with torch.no_grad():
        for slot in slots:
            for parameter in bank.parameters_of(slot):
                parameter.add_(0.05 * torch.randn_like(parameter))


def row_losses(model: Any, ids: torch.Tensor) -> torch.Tensor:
    logits = model(ids).logits.float()
    return functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none").mean(1)


def peft_gradients(model: Any, folder: Path, ids: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    from peft import PeftModel

    wrapped = PeftModel.from_pretrained(model, folder, is_trainable=True, autocast_adapter_dtype=False)
    row_losses(wrapped, ids).sum().backward()
    return {
        name: (module.lora_A["default"].weight.grad, module.lora_B["default"].weight.grad)
        for name, module in wrapped.base_model.model.named_modules()
        if hasattr(module, "lora_A")
    }


def our_gradients(bank: Bank, slot: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    parameters = iter(bank.parameters_of(slot))
    return {path: (next(parameters).grad, next(parameters).grad.T) for path in bank.weights_of(slot).pairs}  # type: ignore[misc,union-attr]


@pytest.mark.parametrize("order", [[0, 0, 1, 2, -1], [2, 0, -1, 1, 0]], ids=["sorted", "scattered"])
@pytest.mark.parametrize("quantized", [False, True], ids=["fp32", "nf4"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_a_mixed_batch_equal_separate_peft_runs(family: str, quantized: bool, order: list[int], tmp_path: Path) -> None:
    model = fresh(family, quantized).requires_grad_(False)
    bank = Bank(model, dtype=torch.float32)
    slots = [bank.add_trainable(lora, seed=i) for i, lora in enumerate(LORAS)]
    shaken(bank, slots)
    ids, table = tokens(), [slots[i] if i >= 0 else -1 for i in order]
    with bank.routing(table):
        row_losses(model, ids).sum().backward()
    for i, slot in enumerate(slots):
        write_adapter(tmp_path / str(i), bank.weights_of(slot), base_model_name="", revision="")
        theirs = peft_gradients(fresh(family, quantized), tmp_path / str(i), ids[[row for row, j in enumerate(order) if j == i]])
        ours = our_gradients(bank, slot)
        assert ours.keys() == theirs.keys()
        for path in ours:
            for mine, other in zip(ours[path], theirs[path], strict=True):
                torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6, msg=lambda m, path=path: f"{path}: {m}")
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_token_table_learns_like_the_same_rows(folders: dict[str, list[Path]]) -> None:
    gradients = []
    for table in ([0, 1], torch.tensor([[0] * 9, [1] * 9]), torch.tensor([[1] * 9, [0] * 9])):
        model = tiny_model("llama").requires_grad_(False)
        bank = Bank(model)
        slots = [bank.add_trainable(lora, seed=i) for i, lora in enumerate(LORAS[:2])]
        shaken(bank, slots)
        ids = tokens(2) if len(gradients) < 2 else tokens(2).flip(0)
        with bank.routing(table):
            row_losses(model, ids).sum().backward()
        gradients.append([p.grad for slot in slots for p in bank.parameters_of(slot)])
    for other in gradients[1:]:
        for a, b in zip(gradients[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_a_new_slot_starts_as_the_base_and_answers_what_it_has_learned(tmp_path: Path) -> None:
    model = tiny_model("llama").requires_grad_(False)
    bank = Bank(model)
    ids = tokens(2)
    with torch.no_grad():
        base = model(ids).logits
    slot = bank.add_trainable(LORAS[1], seed=0)
    assert torch.equal(answer(model, bank, ids, [slot, slot]), base)
    optimizer = torch.optim.AdamW(bank.parameters_of(slot), lr=0.01)
    for _ in range(3):
        with bank.routing([slot, slot]):
            row_losses(model, ids).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    learned = answer(model, bank, ids, [slot, slot])
    assert not torch.allclose(learned, base, atol=1e-3)
    write_adapter(tmp_path, bank.weights_of(slot), base_model_name="", revision="")
    torch.testing.assert_close(peft_logits(tiny_model("llama"), [tmp_path], ids)[0], learned, rtol=1e-5, atol=1e-5)
    other = tiny_model("llama")
    folded, (attached,) = with_adapters([tmp_path], other)
    torch.testing.assert_close(answer(other, folded, ids, [attached, attached]), learned, rtol=1e-5, atol=1e-5)


def test_learning_and_answering_slots_share_a_batch(folders: dict[str, list[Path]]) -> None:
    model = tiny_model("llama").requires_grad_(False)
    bank, slots = with_adapters(folders["llama"][:2], model)
    learner = bank.add_trainable(LORAS[1], seed=0)
    shaken(bank, [learner])
    ids, table = tokens(4), [slots[0], learner, -1, slots[1]]
    quiet = answer(model, bank, ids, table)
    with bank.routing(table):
        learning = model(ids).logits
    torch.testing.assert_close(learning.detach(), quiet, rtol=1e-5, atol=1e-5)
    for row, slot in enumerate(table):
        torch.testing.assert_close(quiet[row : row + 1], answer(model, bank, ids[row : row + 1], [slot]), rtol=1e-5, atol=1e-5)


def test_parameters_stay_themselves_when_the_bank_grows() -> None:
    model = tiny_model("llama").requires_grad_(False)
    bank = Bank(model)
    slot = bank.add_trainable(LORAS[0], seed=0)
    before = bank.parameters_of(slot)
    values = [parameter.clone() for parameter in before]
    for seed in range(4):
        bank.add_trainable(LORAS[1], seed)
    for mine, old, value in zip(bank.parameters_of(slot), before, values, strict=True):
        assert mine is old
        assert torch.equal(mine, value)
    with torch.no_grad():
        before[0].fill_(3.0)
    assert (next(iter(bank.weights_of(slot).pairs.values()))[0] == 3.0).all()


def test_the_seed_alone_decides_where_learning_starts() -> None:
    starts = []
    for noise, seed in ((1, 7), (2, 7), (1, 8)):
        torch.manual_seed(noise)
        bank = Bank(tiny_model("llama"))
        starts.append(bank.weights_of(bank.add_trainable(LORAS[0], seed)).pairs)
    path = next(iter(starts[0]))
    assert torch.equal(starts[0][path][0], starts[1][path][0])
    assert not torch.equal(starts[0][path][0], starts[2][path][0])
    bound = 1 / starts[0][path][0].shape[1] ** 0.5
    assert bound * 0.9 < starts[0][path][0].abs().max() <= bound


def test_an_interrupted_run_continues_from_its_weights(tmp_path: Path) -> None:
    bank = Bank(tiny_model("llama"))
    slot = bank.add_trainable(LORAS[1], seed=0)
    shaken(bank, [slot])
    write_adapter(tmp_path, bank.weights_of(slot), base_model_name="", revision="")
    resumed = Bank(tiny_model("llama"))
    again = resumed.add_trainable(LORAS[1], seed=5)
    resumed.load_trainable(again, read_adapter(tmp_path))
    for a, b in zip(bank.parameters_of(slot), resumed.parameters_of(again), strict=True):
        assert torch.equal(a, b)
    for other in (LORAS[0], LORAS[2], LoraSettings(rank=8, alpha=17, dropout=0.0, rslora=True)):
        with pytest.raises(UsageError, match="another rank, scale or targets"):
            resumed.load_trainable(resumed.add_trainable(other, seed=0), read_adapter(tmp_path))


def test_dropout_acts_while_learning_and_never_while_answering() -> None:
    model = tiny_model("llama").requires_grad_(False)
    bank = Bank(model)
    slot = bank.add_trainable(LoraSettings(rank=4, alpha=8, dropout=0.5), seed=0)
    shaken(bank, [slot])
    ids = tokens(1)
    assert torch.equal(answer(model, bank, ids, [slot]), answer(model, bank, ids, [slot]))
    with bank.routing([slot]):
        assert not torch.equal(model(ids).logits, model(ids).logits)


@pytest.mark.parametrize("reentrant", [False, True])
def test_activation_checkpointing_gives_the_same_gradients(reentrant: bool) -> None:
    gradients = []
    for checkpointing in (False, True):
        model = tiny_model("llama").requires_grad_(False)
        bank = Bank(model)
        slots = [bank.add_trainable(lora, seed=i) for i, lora in enumerate(LORAS[:2])]
        shaken(bank, slots)
        if checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
            for layer in model.model.layers:
                layer.training = True
        with bank.routing([slots[0], slots[1]]):
            row_losses(model, tokens(2)).sum().backward()
        gradients.append([p.grad for slot in slots for p in bank.parameters_of(slot)])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_autocast_learns_in_bf16_without_an_fp32_copy_of_the_input() -> None:
    class Fp32Copies(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor) and out.dtype == torch.float32 and out.shape == x.shape:
                self.count += 1
            return out

    model = tiny_model("llama", dtype=torch.bfloat16).requires_grad_(False)
    bank = Bank(model, dtype=torch.float32)
    slot = bank.add_trainable(LoraSettings(rank=4, dropout=0.1), seed=0)
    layer = model.get_submodule("model.layers.0.mlp.up_proj")
    x = torch.randn(2, 3, 64, dtype=torch.bfloat16)
    with bank.routing([slot, slot]), torch.autocast("cpu", torch.bfloat16), Fp32Copies() as seen:
        out = layer(x)
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16
    assert seen.count == 0
    assert all(parameter.grad.dtype == torch.float32 for parameter in layer.parameters_of[slot])


def test_training_needs_float32() -> None:
    with pytest.raises(RuntimeError, match="float32"):
        Bank(tiny_model("llama"), dtype=torch.bfloat16).add_trainable(LORAS[0], seed=0)


def test_a_slot_that_answers_has_no_parameters(folders: dict[str, list[Path]]) -> None:
    bank, slots = with_adapters(folders["llama"][:1], tiny_model("llama"))
    with pytest.raises(RuntimeError, match="does not learn"):
        bank.parameters_of(slots[0])


# --- 4 bits on the CPU ---------------------------------------------------------------------------


def test_evaluating_between_training_steps_keeps_the_gradients() -> None:
    """bitsandbytes repacks weights in a forward without gradients on AVX512-BF16 processors, and would train on nothing from then on."""
    gradients = []
    for evaluate in (False, True):
        model = fresh("llama", quantized=True).requires_grad_(False)
        bank = Bank(model)
        slot = bank.add_trainable(LORAS[0], seed=0)
        shaken(bank, [slot])
        ids = tokens(2)
        for _ in range(2):
            if evaluate:
                answer(model, bank, ids, [slot, slot])
            for parameter in bank.parameters_of(slot):
                parameter.grad = None
            with bank.routing([slot, slot]):
                row_losses(model, ids).sum().backward()
        gradients.append([parameter.grad for parameter in bank.parameters_of(slot)])
    for a, b in zip(*gradients, strict=True):
        assert b is not None
        assert torch.equal(a, b)
        assert a.any()


def test_a_base_loaded_for_answers_refuses_to_learn() -> None:
    model = fresh("llama", quantized=True)
    layer = model.get_submodule("model.layers.0.mlp.up_proj")
    layer.support_avx512bf16_for_cpu = True
    with pytest.raises(RuntimeError, match="training=True"):
        Bank(model).add_trainable(LORAS[0], seed=0)


@pytest.mark.parametrize("kind", ["int8"])
def test_8_bit_layers_answer_and_learn(kind: str) -> None:
    from adapters_hub.engine.base import _quantized_linear

    torch.manual_seed(0)
    plain = nn.Linear(64, 64, bias=False)
    model = nn.Sequential(_quantized_linear(copy.deepcopy(plain), torch.float32, kind).to("cpu")).eval()
    bank = Bank(model, dtype=torch.float32)
    slot = bank.add_trainable(LoraSettings(rank=4, alpha=8, dropout=0.0), seed=0)
    shaken(bank, [slot])
    x = torch.randn(3, 64, dtype=torch.float16)
    a, b, scale = bank.weights_of(slot).pairs["0"]
    with bank.routing([slot] * 3):
        out = model(x)
        out.float().pow(2).sum().backward()
    expected = plain(x.float()) + x.float() @ a.T @ b.T * scale
    torch.testing.assert_close(out.float(), expected, rtol=0.05, atol=0.05)
    assert all(parameter.grad.abs().sum() > 0 for parameter in bank.parameters_of(slot))


def test_the_fingerprint_sees_shapes_and_not_quantization() -> None:
    assert fingerprint(tiny_model("llama")) == fingerprint(fresh("llama", quantized=True))
    assert fingerprint(tiny_model("llama")) == fingerprint(tiny_model("llama", seed=5))
    others = [tiny_model("llama", width=128), tiny_model("llama", layers=3), tiny_model("mistral")]
    assert len({fingerprint(model) for model in (tiny_model("llama"), *others)}) == 4


def test_short_names_are_written_where_they_mean_the_same_modules() -> None:
    bank = Bank(tiny_model("llama"))
    everything = bank.weights_of(bank.add_trainable(LORAS[0], seed=0)).config
    some = bank.weights_of(bank.add_trainable(LoraSettings(rank=2, targets=("0.mlp.up_proj",)), seed=0)).config
    assert everything.target_modules == ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
    assert some.target_modules == ("model.layers.0.mlp.up_proj",)
    assert isinstance(everything, PeftConfigFacts)
