"""Resumable checkpoints of one training job: adapter, optimizer, schedule, random state, progress; written whole or not at all.

A checkpoint is a folder that appears by rename, so a killed process leaves either the former one or the new one.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters_hub.engine.peft_files import AdapterWeights, read_adapter, write_adapter
from adapters_hub.errors import HubError, ResourceError, RightsError, UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

FOLDER = "checkpoints"


@dataclass
class Progress:
    """Where a job stands; everything besides tensors that a resumed run needs."""

    fingerprint: str
    """Hash of rows and recipe: a checkpoint continues only what it was made from."""
    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    evaluations_without_gain: int = 0
    first_loss: float = 0.0
    last_loss: float = 0.0
    held_out_first: float | None = None
    tokens: int = 0
    seconds: float = 0.0
    score_first: float | None = None
    """Score of the untouched base; None: this run is not scored."""
    best_score: float | None = None
    score_rows: int = 0
    """Setting that the scores were made with."""
    overdue: dict[str, Any] | None = None
    """A ``TrainStep`` whose evaluation was cut short; a resumed run makes up for it."""


def save(run_dir: Path, progress: Progress, weights: AdapterWeights, accelerator: Accelerator) -> None:
    """Write the checkpoint of ``progress.step`` and drop the older ones.

    Raises ResourceError (disk full) or RightsError (read-only); the former checkpoint then stays."""
    final = run_dir / FOLDER / f"step-{progress.step:06d}"
    if final.is_dir():
        return
    draft = final.with_name(f".{final.name}.tmp")
    with clear_disk_errors(run_dir):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        write_adapter(draft / "adapter", weights, base_model_name="", revision="")
        accelerator.save_state(str(draft / "state"))
        (draft / "progress.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")
        os.replace(draft, final)
    for older in _folders(run_dir)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def latest(run_dir: Path) -> Path | None:
    """Newest whole checkpoint of the run, or None."""
    return next(reversed(_folders(run_dir)), None)


def restore(folder: Path, fingerprint: str, accelerator: Accelerator) -> tuple[Progress, AdapterWeights]:
    """Read a checkpoint back and set optimizer, schedule and random state.

    Raises UsageError when rows or recipe changed since it was written."""
    try:
        progress = Progress(**json.loads((folder / "progress.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise HubError(f"{folder}: this checkpoint cannot be read ({error})", hint="delete the folder and train again") from error
    if progress.fingerprint != fingerprint:
        raise UsageError(
            f"{folder.parent.parent.name}: rows, base or settings changed since this run was interrupted",
            hint="undo the change, or start a new run without --resume",
        )
    weights = read_adapter(folder / "adapter")
    accelerator.load_state(str(folder / "state"))
    return progress, weights


def remove_all(run_dir: Path) -> None:
    """Drop every checkpoint of a finished run."""
    shutil.rmtree(run_dir / FOLDER, ignore_errors=True)


@contextmanager
def clear_disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder into one clear error, whatever library noticed it."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:  # torch and safetensors report a full disk as their own exception types
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise RightsError(f"cannot write in {folder}", hint="check the folder's owner and rights") from error
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or "No space left" in str(error) or _free_bytes(folder) < 1 << 20:
            raise ResourceError(
                f"no space left on the disk of {folder}", hint="free some space, then run the same command with --resume"
            ) from error
        raise


def _folders(run_dir: Path) -> list[Path]:
    return sorted((run_dir / FOLDER).glob("step-*"))


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 1 << 62
