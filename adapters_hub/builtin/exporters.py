"""The built-in export formats, and those of them that copy adapters: PEFT's folder or archive, and a folder to serve tutors with vLLM.

Each writes to the place it is given and says what to type next. Torch and the GGUF package are imported only when one of them runs.
"""

from __future__ import annotations

import json
import shlex
import shutil
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from adapters_hub.base_files import EMBEDDED, HUB_ID, locate_base
from adapters_hub.contracts import ExporterSpec, ExportJob, ExportNeeds, ExportOption, ExportResult, TrainedTutor
from adapters_hub.errors import UsageError
from adapters_hub.hookspecs import hookimpl

WEIGHTS = "adapter_model.safetensors"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Equal contents give equal archives."""
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes for --max-lora-rank."""

BASE_ID = ExportOption("base-id", "Hub id of the base, OWNER/NAME, where the workspace names a folder")
GGUF_TYPE = ExportOption(
    "type",
    "number format, unasked f16 (the adapter alone: f32). The K-quants (Q4_K_M ...) are made from the f16 file: "
    "llama-quantize IN.gguf OUT.gguf Q4_K_M",
    choices=("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"),
)


@hookimpl
def hub_exporters() -> list[ExporterSpec]:
    """Everything that ships inside."""
    return [
        ExporterSpec("peft", "the adapter as PEFT saves it: a folder, or an archive where OUT ends in .zip", _peft, (BASE_ID,)),
        ExporterSpec(
            "merged",
            "the base with the adapter merged in, as a folder for transformers",
            partial(_written, "write_merged"),
            (
                ExportOption(
                    "dtype", "number format of the weights; auto: the base's own", "auto", ("auto", "float32", "float16", "bfloat16")
                ),
                ExportOption("shard", "largest size of a weight file, e.g. 5GB", "5GB"),
            ),
            needs=partial(_needed, "merged_needs"),
        ),
        ExporterSpec(
            "gguf",
            "GGUF files for llama.cpp and its relatives",
            partial(_written, "write_gguf"),
            (
                ExportOption(
                    "content",
                    "lora: the adapter alone; merged: the model with it; base: the model without; both: base and adapter",
                    "lora",
                    ("lora", "merged", "base", "both"),
                ),
                GGUF_TYPE,
            ),
            needs=partial(_needed, "gguf_needs"),
        ),
        ExporterSpec(
            "ollama",
            "a folder for ollama create: Modelfile and GGUF files",
            partial(_written, "write_ollama"),
            (
                ExportOption("from", "base: base and adapter as files; merged: one file; or the name of a model that Ollama has", "base"),
                GGUF_TYPE,
            ),
            needs=partial(_needed, "ollama_needs"),
        ),
        ExporterSpec(
            "vllm",
            "a folder to serve tutors with vLLM: adapters, lora_modules.json, serve.sh",
            _vllm,
            (BASE_ID, ExportOption("port", "where it listens", "8000")),
            many=True,
        ),
    ]


def _written(name: str, job: ExportJob) -> ExportResult:
    from adapters_hub.builtin import weight_exporters

    result: ExportResult = getattr(weight_exporters, name)(job)
    return result


def _needed(name: str, job: ExportJob) -> ExportNeeds:
    from adapters_hub.builtin import weight_exporters

    needs: ExportNeeds = getattr(weight_exporters, name)(job)
    return needs


# --- peft ----------------------------------------------------------------------------------------


def _peft(job: ExportJob) -> ExportResult:
    one = job.trained[0]
    files: dict[str, bytes | Path] = {**one.beside, WEIGHTS: one.adapter.folder / WEIGHTS}
    if job.out.suffix == ".zip":
        _write_archive(job.out, files)
    else:
        _write_folder(job.out, files)
    base_id = _base_of(one)
    notes = []
    if not base_id or base_id in EMBEDDED:
        notes.append(_no_hub_id(one, base_id))
    else:
        notes.append(f'in Python: PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base_id}"), FOLDER)')
    return ExportResult(f"hub import {{out}} --as {job.tutor.name}_2", tuple(notes))


def _base_of(one: TrainedTutor) -> str:
    """The base that the exported ``adapter_config.json`` names; empty for a folder of this machine."""
    return str(json.loads(one.beside["adapter_config.json"]).get("base_model_name_or_path") or "")


def _no_hub_id(one: TrainedTutor, base_id: str) -> str:
    if base_id:
        return (
            f"the base '{base_id}' ships inside adapters_hub and has no page on the Hub: in Python load it from "
            f"adapters_hub.base_files.EMBEDDED['{base_id}'], then PeftModel.from_pretrained(base, FOLDER)"
        )
    return "adapter_config.json names no base: it was trained on a local folder; --option base-id=OWNER/NAME names it"


def _write_folder(folder: Path, files: Mapping[str, bytes | Path]) -> None:
    folder.mkdir(parents=True)
    for name, content in sorted(files.items()):
        if isinstance(content, Path):
            shutil.copyfile(content, folder / name)
        else:
            (folder / name).write_bytes(content)


def _write_archive(file: Path, files: Mapping[str, bytes | Path]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as stream:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, stream, 1 << 20)
                else:
                    stream.write(content)


# --- vllm ----------------------------------------------------------------------------------------


def _vllm(job: ExportJob) -> ExportResult:
    port = job.options["port"]
    if not (port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"--option port={port} is no port", hint="a number from 1 to 65535")
    notes: list[str] = []
    rank = max(_rank(one, notes) for one in job.trained)
    allowed = next((number for number in VLLM_RANKS if number >= rank), 0)
    if not allowed:
        raise UsageError(f"rank {rank} is more than vLLM serves ({VLLM_RANKS[-1]})", hint="export it merged: --to merged")
    job.out.mkdir(parents=True)
    base, served = _served_base(job, notes)
    modules = []
    for one in job.trained:
        _write_folder(job.out / "adapters" / one.tutor.name, {**one.beside, WEIGHTS: one.adapter.folder / WEIGHTS})
        modules.append({"name": one.tutor.name, "path": f"adapters/{one.tutor.name}", "base_model_name": served})
    (job.out / "lora_modules.json").write_text(json.dumps(modules, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    template = _write_template(job)
    manifest = job.adapter.manifest
    pinned = ["--revision", manifest.base.revision] if manifest and manifest.base.revision and manifest.base.model == base else []
    switches = [["vllm", "serve", base, *pinned], ["--served-model-name", served, "--port", port, "--enable-lora"]]
    switches += [["--max-lora-rank", str(allowed), "--max-loras", str(len(modules)), "--chat-template", template], ["--lora-modules"]]
    switches += [[json.dumps(module, ensure_ascii=False)] for module in modules]
    lines = " \\\n  ".join(shlex.join(words) for words in switches)
    script = '#!/bin/sh\n# One base, all its tutors: a request names its tutor as "model". The system prompts lie beside the adapters.\n'
    (job.out / "serve.sh").write_text(f'{script}cd "$(dirname "$0")" || exit 1\nexec {lines} "$@"\n', encoding="utf-8", newline="\n")
    (job.out / "serve.sh").chmod(0o755)
    quantized = {one.adapter.manifest.quantization for one in job.trained if one.adapter.manifest is not None} - {"none", ""}
    if quantized:
        notes.append(
            f"trained over a base held in {', '.join(sorted(quantized))} (QLoRA): vLLM serves the unquantized one, answers may differ a "
            "little; with --quantization bitsandbytes after serve.sh it holds it in 4 bits too"
        )
    notes.append("vLLM puts no system prompt in front by itself: send adapters/NAME/system.md as the first message")
    return ExportResult("sh {out}/serve.sh", tuple(dict.fromkeys(notes)))


def _rank(one: TrainedTutor, notes: list[str]) -> int:
    config = json.loads(one.beside["adapter_config.json"])
    own = [int(value) for value in (config.get("rank_pattern") or {}).values()]
    if own or config.get("alpha_pattern"):
        notes.append(f"{one.tutor.name} has modules with a rank or alpha of their own, which vLLM may not honour: compare answers first")
    return max([int(config["r"]), *own])


def _served_base(job: ExportJob, notes: list[str]) -> tuple[str, str]:
    """What vLLM loads, and the name that requests know it by."""
    base_id = _base_of(job.trained[0])
    if HUB_ID.fullmatch(base_id):
        return base_id, base_id
    files = locate_base(job.base)
    if files.kind == "gguf":
        raise UsageError("vLLM does not serve adapters over a GGUF base", hint="--option base-id=OWNER/NAME names the model on the Hub")
    if files.origin == "embedded":
        shutil.copytree(files.path, job.out / "base", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        return "./base", job.base.model
    notes.append(f"serve.sh names the base by its path on this machine, {files.path}; --option base-id=OWNER/NAME makes it portable")
    return str(files.path), files.path.name


def _write_template(job: ExportJob) -> str:
    """The chat template in force, as a file; returns its path for the command line."""
    from adapters_hub.engine.merging import read_chat

    (job.out / "chat_template.jinja").write_text(read_chat(job.base).template, encoding="utf-8", newline="\n")
    return "./chat_template.jinja"
