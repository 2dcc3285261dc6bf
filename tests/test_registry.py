"""The registry: names, digests, leases and budgets; whatever happens, nobody gets the weights of another."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import random_adapter, save_tiny_base, tiny_model

from adapters_hub.engine.bank import Bank
from adapters_hub.engine.bank_linear import BankLinear
from adapters_hub.engine.base import LoadedBase, load_base
from adapters_hub.engine.registry import Lease, NoRoomError, Registry
from adapters_hub.errors import HubError, NotFoundError, ResourceError, UsageError
from adapters_hub.types import Adapter, BaseModel, RunManifest

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),  # PEFT reads a transformers name that is going away
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # raised by torch's own import
]
T = TypeVar("T")
IDS = torch.arange(5, 17).unsqueeze(0)


class OneThread:
    """Runs work one piece at a time and proves that nothing else touches the bank."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runs = 0

    def __call__(self, work: Callable[[], T], /) -> T:
        with self.lock:
            self.runs += 1
            return work()


class Bench:
    """A registry over a tiny base, and what its slots say."""

    def __init__(self, loaded: LoadedBase) -> None:
        self.loaded = loaded
        self.run = OneThread()
        self.bank = Bank(loaded.model)
        self.registry = self.with_budget(1 << 30)

    def with_budget(self, slot_bytes: int, ram_bytes: int = 0) -> Registry:
        self.registry = Registry(self.loaded, self.bank, self.run, slot_bytes=slot_bytes, ram_bytes=ram_bytes)
        return self.registry

    @torch.inference_mode()
    def said(self, slot: int) -> torch.Tensor:
        def forward() -> torch.Tensor:
            with self.bank.routing([slot]):
                return self.loaded.model(input_ids=IDS, use_cache=False).logits

        return self.run(forward)

    def ask(self, name: str | None) -> torch.Tensor:
        with self.registry.leased(name) as lease:
            return self.said(lease.slot)

    def where(self) -> dict[tuple[str, ...], str]:
        return {resident.names: resident.where for resident in self.registry.residents()}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    folder = save_tiny_base(tmp_path_factory.mktemp("registry") / "base")
    return load_base(BaseModel(model=str(folder), quantization="none"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six adapters of equal size by PEFT."""
    root = tmp_path_factory.mktemp("adapters")
    return [random_adapter(tiny_model(), root / str(seed), seed=seed) for seed in range(6)]


@pytest.fixture
def folders(saved: list[Path], tmp_path: Path) -> list[Path]:
    """Copies that a test may change."""
    return [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in saved]


@pytest.fixture
def bench(loaded: LoadedBase) -> Iterator[Bench]:
    bench = Bench(loaded)
    yield bench
    bench.bank.close()


def size_of(bench: Bench) -> int:
    return bench.registry.residents()[0].bytes


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> Path:
    file = folder / "adapter_model.safetensors"
    tensors = {key: tensor.clone() for key, tensor in load_file(file).items()}
    change(tensors)
    save_file(tensors, file)
    return folder


def manifest_of(loaded: LoadedBase, folder: Path, **changes: Any) -> RunManifest:
    names = ("adapter_config.json", "adapter_model.safetensors")
    whole = RunManifest(
        schema=1,
        run_id="r1",
        tutor="sql",
        created="2026-01-01T00:00:00Z",
        base=loaded.identity,
        quantization="none",
        template_sha256=loaded.chat.template_sha256,
        system_prompt_sha256="",
        stop_token_ids=(3, 7),
        dataset_sha256="",
        recipe={},
        metrics={},
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
        versions={},
    )
    return replace(whole, **changes)


# --- names and digests ---------------------------------------------------------------------------


def test_an_attached_adapter_answers_under_its_name_and_no_longer_after_it_is_detached(bench: Bench, folders: list[Path]) -> None:
    bare = bench.ask(None)
    bench.registry.attach(Adapter("sql", folders[0]))
    assert bench.registry.names() == ("sql",)
    assert not torch.equal(bench.ask("sql"), bare)
    bench.registry.detach("sql")
    assert bench.registry.names() == bench.registry.residents() == bench.bank.slots() == ()
    assert torch.equal(bench.ask(None), bare)
    for use in (bench.registry.lease, bench.registry.detach, bench.registry.pin, bench.registry.unpin):
        with pytest.raises(NotFoundError):
            use("sql")


def test_similar_names_are_different_tutors(bench: Bench, folders: list[Path]) -> None:
    for name, folder in zip(("sql", "sql2", "sq", "SQL"), folders, strict=False):
        bench.registry.attach(Adapter(name, folder))
    said = {name: bench.ask(name) for name in bench.registry.names()}
    bench.registry.detach("sql")
    bench.registry.attach(Adapter("sq", folders[4]))
    assert torch.equal(bench.ask("sql2"), said["sql2"])
    assert torch.equal(bench.ask("SQL"), said["SQL"])
    assert not torch.equal(bench.ask("sq"), said["sq"])


def test_equal_weights_under_two_names_share_one_slot(bench: Bench, folders: list[Path]) -> None:
    copied = Path(shutil.copytree(folders[0], folders[0].parent / "copied"))
    bench.registry.attach(Adapter("uno", folders[0]))
    bench.registry.attach(Adapter("dos", copied))
    (resident,) = bench.registry.residents()
    assert resident.names == ("uno", "dos")
    assert len(bench.bank.slots()) == 1
    with bench.registry.leased("uno") as one, bench.registry.leased("dos") as two:
        assert (one.slot, one.digest) == (two.slot, two.digest)
    bench.registry.detach("uno")
    assert bench.ask("dos").isfinite().all()
    bench.registry.detach("dos")
    assert bench.bank.slots() == ()


def test_the_digest_is_made_of_both_files(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    config = folders[0] / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lora_alpha": 80}))
    bench.registry.attach(Adapter("dos", folders[0]))
    one, two = bench.registry.residents()
    assert one.digest != two.digest
    assert not torch.equal(bench.ask("uno"), bench.ask("dos"))


def test_changed_weights_at_the_same_path_are_another_version(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    with bench.registry.leased("uno") as lease:
        before, slot, digest = bench.said(lease.slot), lease.slot, lease.digest
    rewrite(folders[0], lambda tensors: [tensor.mul_(1.5) for tensor in tensors.values()])
    assert torch.equal(bench.ask("uno"), before)
    bench.registry.attach(Adapter("uno", folders[0]))
    with bench.registry.leased("uno") as lease:
        assert lease.slot != slot
        assert lease.digest != digest
        assert not torch.equal(bench.said(lease.slot), before)


def test_a_file_overwritten_in_place_changes_nothing_in_memory(bench: Bench, folders: list[Path]) -> None:
    bench.with_budget(1 << 30, ram_bytes=1 << 30)
    bench.registry.attach(Adapter("uno", folders[0]))
    before = bench.ask("uno")
    file = folders[0] / "adapter_model.safetensors"
    with file.open("r+b") as stream:
        stream.seek(-4000, 2)
        stream.write(b"\x11" * 4000)
    bench.registry.limit(slot_bytes=size_of(bench))
    bench.registry.attach(Adapter("dos", folders[1]))
    assert bench.where() == {("uno",): "ram", ("dos",): "slot"}
    assert torch.equal(bench.ask("uno"), before)


def test_replacing_a_name_keeps_the_former_weights_for_answers_under_way(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    lease = bench.registry.lease("uno")
    before = bench.said(lease.slot)
    bench.registry.attach(Adapter("uno", folders[1]))
    assert bench.registry.names() == ("uno",)
    assert [resident.names for resident in bench.registry.residents()] == [(), ("uno",)]
    assert torch.equal(bench.said(lease.slot), before)
    assert not torch.equal(bench.ask("uno"), before)
    bench.registry.release(lease)
    assert len(bench.bank.slots()) == 1
    with pytest.raises(NotFoundError):
        bench.said(lease.slot)


def test_a_manifest_is_checked_against_the_base_the_template_and_the_files(bench: Bench, folders: list[Path]) -> None:
    whole = manifest_of(bench.loaded, folders[0])
    bench.registry.attach(Adapter("uno", folders[0], whole))
    assert bench.registry.residents()[0].version == "r1"
    with bench.registry.leased("uno") as lease:
        assert lease.stop_ids == {3, 7}
    identity = bench.loaded.identity
    for bad, reason in (
        (replace(whole, base=replace(identity, fingerprint="0" * 64)), "was trained on the base"),
        (replace(whole, base=replace(identity, weights="0" * 64)), "was trained on the base"),
        (replace(whole, template_sha256="0" * 64), "chat template"),
        (replace(whole, files={"adapter_model.safetensors": "0" * 64}), "SHA-256 differs"),
    ):
        with pytest.raises(HubError, match=reason):
            bench.registry.attach(Adapter("dos", folders[0], bad))
    assert bench.registry.names() == ("uno",)


# --- loading -------------------------------------------------------------------------------------


def zero_b(tensors: dict[str, torch.Tensor]) -> None:
    for key, tensor in tensors.items():
        if "lora_B" in key:
            tensor.zero_()


def tiny_a(tensors: dict[str, torch.Tensor]) -> None:
    for tensor in tensors.values():
        tensor.mul_(1e-20)


def huge(tensors: dict[str, torch.Tensor]) -> None:
    for tensor in tensors.values():
        tensor.mul_(1e37)


def nan(tensors: dict[str, torch.Tensor]) -> None:
    next(iter(tensors.values())).view(-1)[0] = float("nan")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(zero_b, "learned nothing"), (tiny_a, "no effect"), (huge, "NaN or infinite|do not fit"), (nan, "NaN")],
    ids=["B is zero", "no effect", "overflows", "NaN"],
)
def test_an_adapter_that_is_no_use_is_refused_with_its_reason(change: Any, reason: str, bench: Bench, folders: list[Path]) -> None:
    with pytest.raises(HubError, match=reason):
        bench.registry.attach(Adapter("uno", rewrite(folders[0], change)))
    assert bench.registry.residents() == bench.bank.slots() == ()
    assert bench.bank.held_bytes == 0


def test_every_failed_load_leaves_the_former_state_bit_for_bit(
    bench: Bench, folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    bench.registry.attach(Adapter("dos", folders[1]))
    bench.registry.pin("dos")
    before = {name: bench.ask(name) for name in ("uno", "dos", None)}
    residents, held = bench.registry.residents(), bench.bank.held_bytes

    def refuse(folder: Path, error: type[BaseException]) -> None:
        with pytest.raises(error):
            bench.registry.attach(Adapter("uno", folder))

    other_base = random_adapter(tiny_model(width=128), tmp_path / "wide", seed=9)
    one_layer = random_adapter(tiny_model(layers=3), tmp_path / "deep", seed=9)
    for folder, error in (
        (tmp_path / "nothing", NotFoundError),
        (rewrite(folders[2], zero_b), HubError),
        (rewrite(folders[3], nan), HubError),
        (other_base, UsageError),
        (one_layer, UsageError),
    ):
        refuse(folder, error)
    with monkeypatch.context() as patched:
        patched.setattr(BankLinear, "rows_at", raising_after(BankLinear.rows_at, 9, MemoryError()))
        refuse(folders[4], MemoryError)
    with monkeypatch.context() as patched:
        patched.setattr("adapters_hub.engine.probe.Probe.check", raising_after(None, 0, KeyboardInterrupt()))
        refuse(folders[4], KeyboardInterrupt)
    assert bench.registry.residents() == residents
    assert bench.bank.held_bytes == held
    assert all(torch.equal(bench.ask(name), said) for name, said in before.items())


def raising_after(original: Any, calls: int, error: BaseException) -> Any:
    """``original``, but the call after so many raises once."""
    left = [calls]

    def call(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == -1:
            raise error
        return original(*arguments, **named)

    return call


def test_an_adapter_larger_than_the_budget_is_refused_before_it_is_read(bench: Bench, folders: list[Path]) -> None:
    bench.with_budget(1000)
    with pytest.raises(ResourceError, match="more than there is memory for"):
        bench.registry.attach(Adapter("uno", folders[0]))


def test_the_probe_asks_the_base_only_once(bench: Bench, folders: list[Path]) -> None:
    asked: list[Any] = []
    hook = bench.loaded.model.register_forward_hook(lambda *_: asked.append(1))
    try:
        for i in range(3):
            bench.registry.attach(Adapter(f"t{i}", folders[i]))
    finally:
        hook.remove()
    assert len(asked) == 4


def test_the_fiftieth_load_costs_what_the_first_did(bench: Bench, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: layouts made, spans looked at and memory set aside by each load."""
    from adapters_hub.engine.routing import Layout

    made: list[int] = []
    original = Layout.__post_init__
    monkeypatch.setattr(Layout, "__post_init__", lambda self: (made.append(len(self.spans)), original(self))[1])
    blocks: list[int] = []
    new_block = BankLinear.new_block
    monkeypatch.setattr(BankLinear, "new_block", lambda self, rows: (blocks.append(rows), new_block(self, rows))[1])
    counts = []
    for i in range(50):
        made.clear(), blocks.clear()
        folder = rewrite(folders[0], lambda tensors: [tensor.mul_(1.01) for tensor in tensors.values()])
        bench.registry.attach(Adapter(f"t{i}", folder))
        counts.append((len(made), sum(blocks)))
    assert counts[0] == (15, 14 * 128)
    assert counts[1] == counts[30] == counts[31] == counts[49] == (1, 0)
    assert counts[32] == (1, 14 * 128)
    assert sum(total for _, total in counts) == 2 * 14 * 128


# --- leases --------------------------------------------------------------------------------------


def test_the_base_needs_neither_slot_nor_release(bench: Bench) -> None:
    lease = bench.registry.lease(None)
    assert lease.slot == -1
    assert lease.digest == ""
    assert lease.stop_ids == frozenset()
    bench.registry.release(lease)


def test_releasing_twice_counts_once(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    one, two = bench.registry.lease("uno"), bench.registry.lease("uno")
    bench.registry.release(one)
    bench.registry.release(one)
    bench.registry.detach("uno")
    assert bench.registry.residents()[0].leases == 1
    assert bench.said(two.slot).isfinite().all()
    bench.registry.release(two)
    assert bench.bank.slots() == ()


def test_an_exception_inside_the_block_gives_the_lease_back(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), bench.registry.leased("uno"):
            raise ZeroDivisionError
    assert bench.registry.residents()[0].leases == 0


def test_detaching_under_use_waits_for_the_last_lease_and_then_zeroes(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    bench.registry.attach(Adapter("dos", folders[1]))
    lease = bench.registry.lease("uno")
    layer: Any = bench.loaded.model.get_submodule("model.layers.0.mlp.up_proj")
    rows = layer.stored(lease.slot)
    before = bench.said(lease.slot)
    bench.registry.detach("uno")
    assert torch.equal(bench.said(lease.slot), before)
    bench.registry.release(lease)
    assert not any(part.any() for part in rows)


def test_detached_weights_that_are_attached_again_in_time_stay(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    lease = bench.registry.lease("uno")
    bench.registry.detach("uno")
    bench.registry.attach(Adapter("otro", folders[0]))
    bench.registry.release(lease)
    with bench.registry.leased("otro") as again:
        assert again.slot == lease.slot


def test_a_lease_fetched_by_an_interrupted_thread_is_given_back(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    bench.registry.attach(Adapter("dos", folders[1]))
    bench.registry.limit(slot_bytes=size_of(bench))
    bench.registry.attach(Adapter("tres", folders[2]))
    inner = bench.registry._run
    for name, after in (("uno", True), ("dos", False)):

        def interrupted(work: Callable[[], T], /, after: bool = after) -> T:
            if after:
                inner(work)
            raise KeyboardInterrupt

        bench.registry._run = interrupted
        with pytest.raises(KeyboardInterrupt):
            bench.registry.lease(name)
        bench.registry._run = inner
        assert all(resident.leases == 0 for resident in bench.registry.residents())


# --- budgets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ram", [0, 1 << 30], ids=["disk", "ram"])
def test_eviction_and_back_is_bit_exact(ram: int, bench: Bench, folders: list[Path]) -> None:
    bench.with_budget(1 << 30, ram)
    for i in range(4):
        bench.registry.attach(Adapter(f"t{i}", folders[i]))
    before = [bench.ask(f"t{i}") for i in range(4)]
    slots = set(bench.bank.slots())
    bench.registry.limit(slot_bytes=2 * size_of(bench))
    for turn in (3, 1, 0, 2, 1, 3, 0, 2):
        assert torch.equal(bench.ask(f"t{turn}"), before[turn])
        assert sum(place == "slot" for place in bench.where().values()) == 2
    assert set(bench.where().values()) == {"slot", "ram" if ram else "disk"}
    assert not slots & set(bench.bank.slots())


def test_the_least_recently_used_goes_first(bench: Bench, folders: list[Path]) -> None:
    for i in range(3):
        bench.registry.attach(Adapter(f"t{i}", folders[i]))
    bench.registry.limit(slot_bytes=3 * size_of(bench))
    bench.ask("t0")
    bench.registry.attach(Adapter("t3", folders[3]))
    assert bench.where() == {("t0",): "slot", ("t1",): "disk", ("t2",): "slot", ("t3",): "slot"}


def test_the_cpus_budget_sends_the_oldest_to_disk(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("t0", folders[0]))
    size = size_of(bench)
    bench.registry.detach("t0")
    bench.with_budget(size, ram_bytes=2 * size)
    for i in range(4):
        bench.registry.attach(Adapter(f"t{i}", folders[i]))
    assert bench.where() == {("t0",): "disk", ("t1",): "ram", ("t2",): "ram", ("t3",): "slot"}


def test_pinned_and_leased_adapters_are_never_evicted(bench: Bench, folders: list[Path]) -> None:
    for i in range(3):
        bench.registry.attach(Adapter(f"t{i}", folders[i]))
    bench.registry.limit(slot_bytes=2 * size_of(bench))
    bench.registry.detach("t2")
    bench.registry.pin("t0")
    with bench.registry.leased("t1") as lease:
        bench.registry.attach(Adapter("t2", folders[2]))
        assert bench.where() == {("t0",): "slot", ("t1",): "slot", ("t2",): "disk"}
        with pytest.raises(NoRoomError):
            bench.registry.lease("t2")
        assert bench.said(lease.slot).isfinite().all()
    bench.ask("t2")
    assert bench.where() == {("t0",): "slot", ("t1",): "disk", ("t2",): "slot"}
    bench.registry.unpin("t0")
    bench.ask("t1")
    assert bench.where()[("t0",)] == "disk"


def test_a_pin_brings_it_back_into_a_slot_and_outlives_a_new_version(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    bench.registry.limit(slot_bytes=size_of(bench))
    bench.registry.attach(Adapter("dos", folders[1]))
    bench.registry.pin("uno")
    assert bench.where() == {("uno",): "slot", ("dos",): "disk"}
    bench.registry.attach(Adapter("uno", folders[2]))
    assert [(r.names, r.pinned, r.where) for r in bench.registry.residents()] == [(("dos",), False, "disk"), (("uno",), True, "slot")]


def test_a_file_that_changed_while_it_was_evicted_is_an_error(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    before = bench.ask("uno")
    bench.registry.limit(slot_bytes=size_of(bench))
    bench.registry.attach(Adapter("dos", folders[1]))
    kept = (folders[0] / "adapter_model.safetensors").read_bytes()
    rewrite(folders[0], lambda tensors: [tensor.mul_(1.5) for tensor in tensors.values()])
    with pytest.raises(HubError, match="have changed since it was attached"):
        bench.registry.lease("uno")
    shutil.rmtree(folders[0])
    with pytest.raises(NotFoundError):
        bench.registry.lease("uno")
    assert bench.ask("dos").isfinite().all()
    shutil.copytree(folders[1], folders[0])
    (folders[0] / "adapter_model.safetensors").write_bytes(kept)
    assert torch.equal(bench.ask("uno"), before)


def test_a_full_card_evicts_the_idle_and_says_so_when_none_is_left(
    bench: Bench, folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    original = Bank.attach

    def full_while_two(self: Bank, weights: Any) -> int:
        if len(self.slots()) >= 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, weights)

    monkeypatch.setattr(Bank, "attach", full_while_two)
    bench.registry.attach(Adapter("dos", folders[1]))
    assert bench.where() == {("uno",): "disk", ("dos",): "slot"}
    with bench.registry.leased("dos"), pytest.raises(ResourceError, match="no memory left"):
        bench.registry.attach(Adapter("tres", folders[2]))
    assert bench.registry.names() == ("uno", "dos")


def test_budgets_come_from_the_machine(bench: Bench) -> None:
    registry = Registry(bench.loaded, bench.bank, bench.run)
    assert 1 << 20 < registry.slot_bytes < 1 << 42
    assert registry.ram_bytes == 0


def test_hundreds_of_attachments_and_evictions_leave_no_memory_behind(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("fijo", folders[0]))
    held, before = bench.bank.held_bytes, bench.ask("fijo")
    bench.registry.limit(slot_bytes=2 * size_of(bench))
    for round_ in range(200):
        bench.registry.attach(Adapter(f"t{round_ % 3}", folders[1 + round_ % 4]))
        if round_ % 2:
            bench.registry.detach(f"t{round_ % 3}")
    for name in bench.registry.names():
        if name != "fijo":
            bench.registry.detach(name)
    assert torch.equal(bench.ask("fijo"), before)
    assert bench.bank.held_bytes == held
    assert len(bench.registry.residents()) == len(bench.bank.slots()) == 1
    assert bench.registry._out == {}
    assert len(bench.bank._layouts) <= 2


# --- threads -------------------------------------------------------------------------------------


def test_a_storm_of_threads_never_gets_another_tutors_answer(bench: Bench, folders: list[Path]) -> None:
    names = ["sql", "sql2", "sq", "mate", "mates"]
    truth = {}
    for name, folder in zip(names, folders, strict=False):
        bench.registry.attach(Adapter(name, folder))
        truth[name] = bench.ask(name)
    bench.registry.limit(slot_bytes=3 * size_of(bench))
    wrong: list[str] = []
    crashed: list[BaseException] = []
    until = time.monotonic() + 1.5

    def asks(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while time.monotonic() < until:
                name = chance.choice(names)
                with suppress(NoRoomError, NotFoundError), bench.registry.leased(name) as lease:
                    if not torch.equal(bench.said(lease.slot), truth[name]):
                        wrong.append(name)
        except BaseException as error:  # whatever kills a thread must fail the test
            crashed.append(error)

    def changes(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while time.monotonic() < until:
                index = chance.randrange(len(names))
                with suppress(NotFoundError, NoRoomError):
                    match chance.randrange(4):
                        case 0:
                            bench.registry.detach(names[index])
                        case 1:
                            bench.registry.pin(names[index])
                            bench.registry.unpin(names[index])
                        case _:
                            bench.registry.attach(Adapter(names[index], folders[index]))
        except BaseException as error:  # likewise
            crashed.append(error)

    threads = [threading.Thread(target=target, args=(seed,)) for seed, target in enumerate([asks] * 4 + [changes] * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert crashed == []
    assert wrong == []
    assert all(resident.leases == 0 for resident in bench.registry.residents())
    for name in bench.registry.names():
        bench.registry.detach(name)
    assert bench.bank.slots() == ()


def test_the_bank_changes_and_computes_inside_run_alone(bench: Bench, folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    inner = bench.run
    running = [False]

    def run(work: Callable[[], T], /) -> T:
        running[0] = True
        try:
            return inner(work)
        finally:
            running[0] = False

    for name in ("attach", "detach", "restore", "stored", "routing"):
        original = getattr(Bank, name)
        monkeypatch.setattr(
            Bank, name, lambda self, *arguments, original=original: (inside.append(running[0]), original(self, *arguments))[1]
        )
    registry = Registry(bench.loaded, bench.bank, run, slot_bytes=1 << 30, ram_bytes=1 << 30)
    registry.attach(Adapter("uno", folders[0]))
    registry.limit(slot_bytes=registry.residents()[0].bytes)
    registry.attach(Adapter("dos", folders[1]))
    with registry.leased("uno"):
        registry.detach("uno")
    registry.detach("dos")
    assert len(inside) >= 8
    assert all(inside)


def test_a_closed_registry_refuses_and_still_takes_leases_back(bench: Bench, folders: list[Path]) -> None:
    bench.registry.attach(Adapter("uno", folders[0]))
    lease: Lease = bench.registry.lease("uno")
    bench.registry.close()
    bench.registry.release(lease)
    for use in (lambda: bench.registry.lease("uno"), lambda: bench.registry.attach(Adapter("uno", folders[0]))):
        with pytest.raises(HubError, match="closed"):
            use()
