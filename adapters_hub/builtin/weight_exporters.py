"""Export formats made of the base's weights: a merged model, GGUF files, a folder for Ollama.

Each writes to the place it is given and says what to type next. Torch and the GGUF package are imported only when one of them runs.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters_hub.base_files import HUB_ID, BaseFiles, base_on_this_machine, locate_base, weights_digest
from adapters_hub.base_memory import PROCESS_OVERHEAD, count_parameters, read_shape
from adapters_hub.contracts import ExportJob, ExportNeeds, ExportResult, needs_little
from adapters_hub.errors import HubError, UsageError
from adapters_hub.known_bases import known_base

if TYPE_CHECKING:
    from adapters_hub.engine.gguf_files import GgufReport
    from adapters_hub.engine.merging import FullBase

NUMBER_BYTES = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    **dict.fromkeys(("q8_0", "q5_1", "q5_0", "q4_1", "q4_0"), 34 / 32),
    "float32": 4.0,
    "float16": 2.0,
    "bfloat16": 2.0,
    "auto": 4.0,
}
"""Of one number on disk, at most."""


# --- merged --------------------------------------------------------------------------------------


def write_merged(job: ExportJob) -> ExportResult:
    """The base with the adapter merged in, as transformers reads it."""
    from adapters_hub.engine.merging import DTYPES, probes_of, same_choices, write_folder

    shard = _shard(job.options["shard"])
    full, notes = _merged_base(job)
    wanted = job.options["dtype"]
    dtype = full.stored if wanted == "auto" else DTYPES[wanted]
    name = str(dtype).removeprefix("torch.")
    job.tell(f"rounding to {name}")
    same = same_choices(full.model, probes_of(full, _texts(job)), dtype)
    if same < 1:
        notes.append(f"rounded to {name}, {same:.1%} of the likeliest next tokens are those of 32 bits")
    job.tell("writing")
    try:
        write_folder(full, job.out, sampling=_sampling(job), shard=shard)
    except ValueError as error:
        raise UsageError(f"the model cannot be written: {str(error)[:200]}", hint="hub export --list shows the options") from error
    (job.out / "system.md").write_bytes(job.trained[0].beside["system.md"])
    notes.append("the system prompt is no part of a model: send system.md as the first message")
    asked = "[{'role': 'user', 'content': 'Hola'}]"
    said = "[0]['generated_text'][-1]['content']"
    code = f"from transformers import pipeline; print(pipeline('text-generation', '{{out}}')({asked}){said})"
    return ExportResult(f'python -c "{code}"', tuple(notes))


def _merged_base(job: ExportJob) -> tuple[FullBase, list[str]]:
    """The base in 32 bits with the adapter merged in, and what to say about it."""
    from adapters_hub.engine.merging import TOLERANCE, load_full_base, merge, probes_of
    from adapters_hub.engine.peft_files import read_adapter

    _require_same_base(job)
    job.tell(f"loading {job.base.model} in 32 bits")
    full = load_full_base(job.base)
    weights = read_adapter(job.adapter.folder, model=full.model)
    job.tell("merging and comparing")
    agreement = merge(full.model, weights, probes_of(full, _texts(job)))
    notes = [
        f"merged in 32 bits; largest difference of a logit to base + adapter: {agreement.difference:.1e} of the largest "
        f"({TOLERANCE:.0e} allowed), the adapter itself changes {agreement.effect:.2g}"
    ]
    if full.dequantized:
        notes.append(f"the base lies quantized on disk ({full.dequantized}) and was dequantized first")
    if job.adapter.manifest is not None and job.adapter.manifest.quantization != "none":
        notes.append(
            f"it was trained over a base held in {job.adapter.manifest.quantization}: answers may differ a little from those of hub ask"
        )
    return full, notes


def _require_same_base(job: ExportJob) -> BaseFiles:
    """The base's files, if they are those that the adapter was trained on."""
    files = locate_base(job.base)
    manifest = job.adapter.manifest
    known = manifest.base.weights if manifest is not None else ""
    if manifest is not None and known and known != weights_digest(files.path):
        raise UsageError(
            f"{job.tutor.name} was trained on other weights than those of the base '{job.base.model}'",
            hint=f"set [base] model to {manifest.base.model}, or train again",
        )
    return files


def _texts(job: ExportJob) -> tuple[str, ...]:
    """What models and tokenizers are tried on."""
    return (job.tutor.system_prompt, "¿Cuánto es 12 + 30?\n\nExplica cada paso.", "SELECT nombre FROM alumnos;\n    return total")


def _sampling(job: ExportJob) -> dict[str, Any]:
    chat = job.tutor.chat
    settings: dict[str, Any] = {"max_new_tokens": chat.max_new_tokens, "repetition_penalty": chat.repetition_penalty, "do_sample": False}
    if chat.temperature > 0:
        settings |= {"do_sample": True, "temperature": chat.temperature, "top_p": chat.top_p, "top_k": 0}
    return settings


def _shard(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,5}(KB|MB|GB)", text):
        raise UsageError(f"--option shard={text} is no size", hint="a number and KB, MB or GB, e.g. shard=2GB")
    return text


def _parameters(job: ExportJob) -> int:
    """How many numbers the base has; 0 where that is not known before it is there."""
    files = base_on_this_machine(job.base)
    if files is None:
        base = known_base(job.base.model)
        return base.shape.parameters if base else 0
    if files.kind == "gguf":
        from gguf import GGUFReader

        return sum(int(tensor.n_elements) for tensor in GGUFReader(files.path).tensors)
    try:
        shape = read_shape(files.path)
    except HubError:
        return count_parameters(files.path)
    return max(shape.parameters, count_parameters(files.path))


def _loading(parameters: int) -> int:
    """Bytes of RAM for a model in 32 bits, and a largest tensor or two beside it."""
    return int(parameters * 4 * 1.15) + PROCESS_OVERHEAD


def merged_needs(job: ExportJob) -> ExportNeeds:
    """Room for a merged model."""
    parameters = _parameters(job)
    return ExportNeeds(int(parameters * NUMBER_BYTES[job.options["dtype"]]), _loading(parameters))


# --- gguf ----------------------------------------------------------------------------------------


def write_gguf(job: ExportJob) -> ExportResult:
    """GGUF files of the adapter, of the model with it, or of the base."""
    content = job.options["content"]
    alone = job.out.suffix == ".gguf"
    if alone and content == "both":
        raise UsageError("content=both writes two files", hint="name a folder: --out FOLDER")
    if not alone:
        job.out.mkdir(parents=True)
    names: dict[str, str] = {}
    notes: list[str] = []
    for kind in ("base", "lora") if content == "both" else (content,):
        file = job.out if alone else job.out / _file_name(job, kind)
        names[kind] = file.name
        notes += _write_gguf(job, kind, file)
    system = ""
    if not alone:
        (job.out / "system.md").write_bytes(job.trained[0].beside["system.md"])
        system = " -sysf {out}/system.md"
    place = {kind: "{out}" if alone else f"{{out}}/{name}" for kind, name in names.items()}
    if content == "lora":
        notes.append("the file of the base is missing: any GGUF of the same base, or --option content=both")
    model = place.get("base") or place.get("merged") or "BASE.gguf"
    adapter = f" --lora {place['lora']}" if "lora" in place else ""
    return ExportResult(f"llama-cli -m {model}{adapter}{system}", tuple(notes))


def _type(job: ExportJob, kind: str) -> str:
    """The number format asked for; unasked, an adapter keeps all its bits and a model has half of them. Adapters are not quantized."""
    wanted = job.options["type"] or ("f32" if kind == "lora" else "f16")
    return "f16" if kind == "lora" and wanted.startswith("q") else wanted


def _file_name(job: ExportJob, kind: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(job.base.model).stem if kind == "base" else job.tutor.name)
    return f"{stem}-{kind}-{_type(job, kind)}.gguf" if kind != "base" else f"{stem}-{_type(job, kind)}.gguf"


def _write_gguf(job: ExportJob, kind: str, file: Path) -> list[str]:
    """Write one file; returns what to say about it."""
    _require_package()
    if kind == "lora":
        return _write_lora(job, file)
    from adapters_hub.engine.gguf_files import write_model
    from adapters_hub.engine.merging import load_full_base

    notes: list[str] = []
    if kind == "merged":
        full, notes = _merged_base(job)
    else:
        files = _require_same_base(job)
        if files.kind == "gguf" and not job.options["type"]:
            shutil.copyfile(files.path, file)
            return notes
        job.tell(f"loading {job.base.model} in 32 bits")
        full = load_full_base(job.base)
    job.tell(f"writing {file.name}")
    name = job.tutor.title if kind == "merged" else Path(job.base.model).stem
    report = write_model(file, full.model, full.chat, kind=_type(job, kind), name=name, texts=_texts(job), tell=job.tell)
    return notes + _about_tokens(report)


def _write_lora(job: ExportJob, file: Path) -> list[str]:
    from adapters_hub.engine.gguf_files import write_lora
    from adapters_hub.engine.merging import read_config
    from adapters_hub.engine.peft_files import read_adapter

    kind = _type(job, "lora")
    job.tell(f"writing {file.name}")
    base_id = str(json.loads(job.trained[0].beside["adapter_config.json"]).get("base_model_name_or_path") or "")
    write_lora(
        file,
        read_adapter(job.adapter.folder),
        read_config(job.base, _require_same_base(job)),
        kind=kind,
        name=job.tutor.title,
        base_id=base_id if HUB_ID.fullmatch(base_id) else "",
    )
    return ["an adapter's matrices are not quantized: written as f16"] if kind != (job.options["type"] or kind) else []


def _about_tokens(report: GgufReport) -> list[str]:
    if report.alike == 1:
        return []
    return [
        f"no way of splitting text that llama.cpp knows is the base's own: '{report.splitting}' gives its tokens for {report.alike:.0%} "
        "of the texts tried, in the others answers will differ a little"
    ]


def _require_package() -> None:
    from importlib.util import find_spec

    if find_spec("gguf") is None:
        raise UsageError("writing GGUF files needs the package 'gguf'", hint='install it: pip install "adapters-hub[gguf]"')


def gguf_needs(job: ExportJob) -> ExportNeeds:
    """Room for GGUF files."""
    content = job.options["content"]
    adapter = needs_little(job).disk * 2
    if content == "lora":
        return ExportNeeds(adapter)
    parameters = _parameters(job)
    return ExportNeeds(int(parameters * NUMBER_BYTES[_type(job, content)]) + adapter, _loading(parameters))


# --- ollama --------------------------------------------------------------------------------------


def write_ollama(job: ExportJob) -> ExportResult:
    """A folder for ``ollama create``."""
    from adapters_hub.engine.gguf_tokenizer import adds_bos
    from adapters_hub.engine.merging import read_chat, read_config
    from adapters_hub.modelfile import Weights, modelfile

    source = job.options["from"]
    if not re.fullmatch(r"[\w][\w./:-]{0,200}", source):
        raise UsageError(f"--option from={source} can be no model of Ollama", hint="base, merged, or a name such as qwen2.5:1.5b")
    job.out.mkdir(parents=True)
    notes: list[str] = []
    names = {kind: _file_name(job, kind) for kind in ("base", "merged", "lora")}
    for kind in {"base": ("base", "lora"), "merged": ("merged",)}.get(source, ("lora",)):
        notes += _write_gguf(job, kind, job.out / names[kind])
    if source == "merged":
        weights = Weights(f"./{names['merged']}")
    else:
        weights = Weights(f"./{names['base']}" if source == "base" else source, f"./{names['lora']}")
    files = locate_base(job.base)
    chat, config = read_chat(job.base, files), read_config(job.base, files)
    context = int(getattr(config, "max_position_embeddings", 0) or 2048)
    text, templated = modelfile(weights, chat, job.tutor.system_prompt.strip(), job.tutor.chat, context=context, adds_bos=adds_bos(chat))
    (job.out / "Modelfile").write_text(text, encoding="utf-8", newline="\n")
    if not templated:
        notes.append(
            "the base's chat template cannot be said in Ollama's language: Ollama will guess one from the weights, look at it first"
        )
    if source not in ("base", "merged"):
        notes.append(f"'{source}' must be the very base that the adapter was trained on ({job.base.model})")
    return ExportResult(f"ollama create {job.tutor.name} -f {{out}}/Modelfile && ollama run {job.tutor.name}", tuple(dict.fromkeys(notes)))


def ollama_needs(job: ExportJob) -> ExportNeeds:
    """Room for what a Modelfile names."""
    adapter = needs_little(job).disk * 2
    if job.options["from"] not in ("base", "merged"):
        return ExportNeeds(adapter)
    parameters = _parameters(job)
    return ExportNeeds(int(parameters * NUMBER_BYTES[_type(job, "base")]) + adapter, _loading(parameters))
