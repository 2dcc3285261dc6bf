"""The ``torch`` engine's card: transformers models with our LoRA bank. Torch is imported only when it is opened or trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters_hub.contracts import Engine, EngineSpec, TrainEvent, TrainJob
from adapters_hub.hookspecs import hookimpl
from adapters_hub.types import BaseModel


@hookimpl
def hub_engines() -> list[EngineSpec]:
    return [EngineSpec("torch", "transformers models with quantized weights, on CUDA or CPU", _open, _train)]


def _open(base: BaseModel) -> Engine:
    from adapters_hub.engine.session import TorchEngine

    return TorchEngine(base)


def _train(jobs: Sequence[TrainJob]) -> Iterator[TrainEvent]:
    from adapters_hub.engine.training import train

    yield from train(jobs)
