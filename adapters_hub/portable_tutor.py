"""A trained run as strangers can use it: ``tutor.json`` and ``adapter_config.json`` without anything of this machine.

Both leave this house by several doors (the Hub, exports); here is the one place that writes them. Knows no network and no formats.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.base_files import HUB_ID
from adapters_hub.errors import HubError, from_os_error
from adapters_hub.gate import ADAPTER, BASE, judge_identity, read_evaluation
from adapters_hub.plugins import Plugins
from adapters_hub.tutor_file import TutorFile
from adapters_hub.types import BaseIdentity, RunManifest, Tutor
from adapters_hub.workspace import shown

FIRST_VERSION = "0.1.0"


def tutor_file_of(
    tutor: Tutor, run: store.Run, manifest: RunManifest, plugins: Plugins, *, base: str, license: str, data_license: str = ""
) -> TutorFile:
    """What ``tutor.json`` says of a run, in its first version and without hashes; ``base``: its name anywhere else than here."""
    chat = {name: getattr(tutor.chat, name) for name in ("temperature", "top_p", "repetition_penalty", "max_new_tokens", "style")}
    kept = ("held_out_first", "held_out_last", "steps", "trainable", "total")
    metrics: dict[str, Any] = {name: manifest.metrics[name] for name in kept if name in manifest.metrics}
    return TutorFile(
        name=tutor.name,
        version=FIRST_VERSION,
        title=tutor.title,
        language=tutor.language,
        locale=tutor.locale,
        description=tutor.description,
        license=license,
        base=_base_elsewhere(manifest.base, base),
        quantization=manifest.quantization,
        template_sha256=manifest.template_sha256,
        stop_token_ids=manifest.stop_token_ids,
        created=manifest.created,
        run=run.id,
        files={},
        validator={"use": list(tutor.validator.use), "plugins": judge_identity(tutor, plugins)["plugins"]},
        chat=chat,
        metrics=metrics | {"versions": dict(manifest.versions)} | _evaluation(run),
        dataset={"rows": manifest.metrics.get("rows", 0), "sha256": manifest.dataset_sha256, "license": data_license},
        recipe=dict(manifest.recipe),
    )


def _base_elsewhere(base: BaseIdentity, name: str) -> BaseIdentity:
    """Another repository's commit and file hashes say nothing of the one that is named instead; the shapes are the same."""
    if name != base.model and HUB_ID.fullmatch(name):
        return replace(base, model=name, revision="", weights="")
    return replace(base, model=name)


def portable_config(file: Path, base: str, revision: str) -> bytes:
    """``adapter_config.json`` as strangers need it: the base by its Hub id and commit, ready to answer; equal input gives equal bytes.

    Raises HubError when ``file`` cannot be read."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    config |= {"base_model_name_or_path": base or None, "revision": revision or None, "inference_mode": True}
    return (json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _evaluation(run: store.Run) -> dict[str, Any]:
    """The scores of ``eval.json``, where there is one that can be read: a forced publication may have none."""
    try:
        document = read_evaluation(run.folder)
        if document is None:
            return {}
        sides, files = document["sides"], document["adapter"]["files"]
        between = next(one for one in document["differences"] if (one["side"], one["other"]) == (ADAPTER, BASE))
        if run.manifest is None or files != dict(run.manifest.files):
            return {}  # of another adapter
        interval = [float(between["interval"]["low"]), float(between["interval"]["high"])]
        scores = {"n": int(sides[ADAPTER]["rows"]), "base": float(sides[BASE]["score"]), "adapter": float(sides[ADAPTER]["score"])}
        return {"eval": {**scores, "interval": interval, "p": float(between["p"]), "created": str(document["created"])}}
    except (HubError, KeyError, TypeError, ValueError, StopIteration):
        return {}
