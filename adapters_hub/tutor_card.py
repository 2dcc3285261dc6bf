"""The card of a published tutor: ``README.md`` with metadata for the Hub and text for people, in Spanish with an English summary.

Writes only between its own marks: what somebody has written around them, and other keys of the metadata, stay. Knows no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters_hub.errors import HubError
from adapters_hub.tutor_file import TutorFile

BEGIN, END = "<!-- adapters-hub: begin -->", "<!-- adapters-hub: end -->"
HEAD = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_SPANISH = {"es": "Tutor en español", "en": "Tutor en inglés"}
_ENGLISH = {"es": "Spanish", "en": "English"}
OURS = ("lora", "adapters-hub", "tutor")
"""Tags that every tutor has; `hub search` looks for the second."""


@dataclass(frozen=True)
class CardFacts:
    """What a card tells beyond ``tutor.json``."""

    repository: str
    tutor: TutorFile
    embedded: bool
    """The base ships inside adapters_hub and has no page on the Hub."""
    system_prompt: str
    question: str
    """An example, from the held-out questions."""
    unvalidated: str = ""
    """Why it was published although the gate said no; empty where it passed."""
    data_included: bool = False


def card_of(facts: CardFacts, former: str = "") -> str:
    """The whole card; ``former`` is the one on the Hub, whose other parts are kept.

    Raises HubError when the former card's metadata cannot be read."""
    metadata, body = _split(former)
    text = f"{BEGIN}\n{_text(facts)}\n{END}"
    before, mark, rest = body.partition(BEGIN)
    _, closing, after = rest.partition(END)
    if mark and closing:
        body = f"{before}{text}{after}"
    else:
        body = text + ("\n\n" + body.strip() + "\n" if body.strip() else "\n")
    return f"---\n{_yaml({**metadata, **_metadata(facts, metadata)})}---\n\n{body.lstrip()}"


def _split(card: str) -> tuple[dict[str, Any], str]:
    import yaml

    found = HEAD.match(card)
    if not found:
        return {}, card
    try:
        metadata = yaml.safe_load(found[1]) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none, brackets without end
        raise HubError(
            "the card on the Hub has metadata that cannot be read", hint="correct the head of its README.md on the Hub"
        ) from error
    return (metadata if isinstance(metadata, dict) else {}), card[found.end() :]


def _yaml(metadata: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(metadata), sort_keys=False, allow_unicode=True, width=1000))


# --- metadata ------------------------------------------------------------------------------------


def _metadata(facts: CardFacts, former: Mapping[str, Any]) -> dict[str, Any]:
    tutor = facts.tutor
    own = {*OURS, f"tutor:{tutor.name}"}
    others = [tag for tag in former.get("tags") or [] if isinstance(tag, str) and tag not in own and not tag.startswith("tutor:")]
    metadata: dict[str, Any] = {} if facts.embedded else {"base_model": tutor.base.model, "base_model_relation": "adapter"}
    metadata |= {
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "license": tutor.license,
        "language": [tutor.language],
        "tags": [*OURS, f"tutor:{tutor.name}", *others],
    }
    if "eval" in tutor.metrics:
        metadata["model-index"] = [_index(facts)]
    return metadata


def _index(facts: CardFacts) -> dict[str, Any]:
    scores = facts.tutor.metrics["eval"]
    metrics = [
        {"type": "accuracy", "name": "answers judged correct", "value": round(float(scores["adapter"]), 4)},
        {"type": "accuracy", "name": "the same questions to the base without adapter", "value": round(float(scores["base"]), 4)},
    ]
    dataset = {"type": "held-out", "name": f"{scores['n']} held-out questions of {facts.tutor.name}"}
    return {
        "name": facts.repository.rpartition("/")[2],
        "results": [{"task": {"type": "text-generation"}, "dataset": dataset, "metrics": metrics}],
    }


# --- text ----------------------------------------------------------------------------------------


def _text(facts: CardFacts) -> str:
    parts = (_about(facts), _use(facts), _results(facts), _training(facts), _limits(facts))
    return "\n\n".join(part.strip() for part in parts)


def _about(facts: CardFacts) -> str:
    tutor = facts.tutor
    base, la_base = _names_of_base(facts)
    described = f"\n{tutor.description}\n" if tutor.description else ""
    measured = " It was measured against its base, see below." if "eval" in tutor.metrics else ""
    return f"""
# {tutor.title}
{described}
{_SPANISH.get(tutor.language, "Tutor")} para estudiantes y docentes: un adaptador LoRA (formato PEFT) sobre {la_base}, hecho con
adapters_hub. Versión {tutor.version}, entrenamiento `{tutor.run}`.

*In English: a LoRA adapter (PEFT format) that makes {base} a tutor: {tutor.title}. It answers in
{_ENGLISH.get(tutor.language, f"the language '{tutor.language}'")}.{measured}*"""


def _names_of_base(facts: CardFacts) -> tuple[str, str]:
    """In English and in Spanish."""
    model = facts.tutor.base.model
    if facts.embedded:
        return f"`{model}`, the model embedded in adapters_hub,", f"`{model}`, el modelo incluido en adapters_hub"
    return (f"[{model}](https://huggingface.co/{model})",) * 2


def _use(facts: CardFacts) -> str:
    tutor = facts.tutor
    return f"""
## Uso

Con adapters_hub, también sin conexión después de la primera vez:

```
hub pull {facts.repository}
hub chat {tutor.name}
```

Con `transformers` y `peft`:

```python
{_snippet(facts)}
```"""


def _snippet(facts: CardFacts) -> str:
    tutor = facts.tutor
    revision = f", revision={tutor.base.revision!r}" if tutor.base.revision else ""
    if facts.embedded:
        load = f"""from adapters_hub.base_files import EMBEDDED  # pip install adapters-hub

folder = EMBEDDED[{tutor.base.model!r}]
tokenizer = AutoTokenizer.from_pretrained(folder)
base = AutoModelForCausalLM.from_pretrained(folder)"""
    else:
        load = f"""
name = {tutor.base.model!r}
tokenizer = AutoTokenizer.from_pretrained(name{revision})
base = AutoModelForCausalLM.from_pretrained(name{revision}, dtype="auto", device_map="auto")"""
    stops = f", eos_token_id={list(tutor.stop_token_ids)}" if tutor.stop_token_ids else ""
    penalty = float(tutor.chat.get("repetition_penalty", 1.0))
    settings = (f", repetition_penalty={penalty}" if penalty != 1.0 else "") + stops
    return f"""from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
{load}
model = PeftModel.from_pretrained(base, {facts.repository!r}, revision={"v" + tutor.version!r})
system = {_literal(facts.system_prompt)}
chat = [{{"role": "system", "content": system}}, {{"role": "user", "content": {_literal(facts.question)}}}]
prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True).to(model.device)
answer = model.generate(**prompt, max_new_tokens={int(tutor.chat.get("max_new_tokens", 256))}, do_sample=False{settings})
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))"""


def _literal(text: str) -> str:
    """A Python string that reads as it is written where that is possible, and never ends the block of code around it."""
    plain = text.isprintable() or all(character.isprintable() or character == "\n" for character in text)
    if plain and "\n" in text and '"""' not in text and "\\" not in text and "```" not in text and not text.endswith('"'):
        return f'"""{text}"""'
    return repr(text).replace("```", "\\x60\\x60\\x60")


def _results(facts: CardFacts) -> str:
    scores = facts.tutor.metrics.get("eval")
    lines = ["## Resultados", ""]
    if scores:
        judges = ", ".join(facts.tutor.validator.get("use", [])) or "ninguno"
        base, adapter = float(scores["base"]), float(scores["adapter"])
        low, high = (100 * float(end) for end in scores["interval"])
        lines += [
            f"Las mismas {scores['n']} preguntas, que no están en los datos de entrenamiento, a la base sola y con el adaptador.",
            f"Las respuestas las juzga un validador ({judges}), {str(scores.get('created', ''))[:10]}.",
            "",
            "| | respuestas correctas |",
            "|---|---|",
            f"| base sin adaptador | {base:.1%} |",
            f"| con este adaptador | {adapter:.1%} |",
            "",
            f"Diferencia: {100 * (adapter - base):+.1f} puntos (intervalo del 95 %: {low:+.1f} a {high:+.1f};",
            f"p = {float(scores['p']):.3g}).",
        ]
    else:
        lines.append("Este adaptador no fue evaluado contra su base.")
    metrics = facts.tutor.metrics
    if "held_out_first" in metrics and "held_out_last" in metrics:
        first, last = float(metrics["held_out_first"]), float(metrics["held_out_last"])
        lines += ["", f"Pérdida en filas apartadas del entrenamiento: {first:.2f} → {last:.2f} nats por token."]
    if facts.unvalidated:
        quoted = " ".join(facts.unvalidated.split())
        lines += ["", f"**Publicado sin superar la validación.** Motivo que dio quien lo publica: {_escaped(quoted)}"]
    return "\n".join(lines)


def _training(facts: CardFacts) -> str:
    tutor = facts.tutor
    lora, train = tutor.recipe.get("lora", {}), tutor.recipe.get("train", {})
    dataset = tutor.dataset
    rows = f"{dataset['rows']} conversaciones" if dataset.get("rows") else "conversaciones"
    where = "incluidas en `data/`" if facts.data_included else "no se publican aquí"
    license = f", licencia {dataset['license']}" if dataset.get("license") else ""
    targets = ", ".join(map(str, lora.get("targets", [])))
    judges = ", ".join(tutor.validator.get("use", [])) or "ninguno"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(tutor.metrics.get("versions", {}).items()))
    recipe = (
        ("LoRA de rango {}", lora.get("rank")),
        ("alfa {}", lora.get("alpha")),
        ("sobre {}", targets),
        ("base en {}", "" if tutor.quantization == "none" else tutor.quantization),
        ("{} épocas", train.get("epochs")),
        ("tasa de aprendizaje {}", train.get("learning_rate")),
        ("semilla {}", train.get("seed")),
    )
    known = ", ".join(text.format(value) for text, value in recipe if value not in (None, ""))
    return f"""
## Entrenamiento

Datos: {rows} ({where}{license}).
{known[:1].upper()}{known[1:]}{"." if known else "No se sabe cómo fue entrenado."}
Validador declarado: {judges} (no se descarga código: se usa el que esté instalado).
{f"Versiones: {versions}." if versions else ""}"""


def _limits(facts: CardFacts) -> str:
    toy = " La base es un modelo diminuto para probar el programa: su contenido no es confiable." if facts.embedded else ""
    return f"""
## Límites

Puede equivocarse: revisa sus respuestas, sobre todo cálculos y código.{toy} Fuera de su materia no ha sido evaluado.
Solo sirve con la base para la que fue entrenado."""


def _escaped(text: str) -> str:
    """Text of a person that must not become markup or end our marks."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text).replace("-->", "--\\>")
