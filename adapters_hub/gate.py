"""The gate: whether a run has earned to be published, and if not, every reason and what to type next.

Looks at what lies in the run's folder, at the tutor as it is now, and at the findings of ``hub check`` that it is handed. Runs no model
and judges nothing itself: ``hub eval`` has done both and left its document in ``eval.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters_hub import store
from adapters_hub.datasets import dataset_sha256
from adapters_hub.errors import BelowThresholdError, HubError, from_os_error
from adapters_hub.plugins import LOCAL_FILE, Plugins
from adapters_hub.types import Tutor
from adapters_hub.workspace import shown

EVALUATION = "eval.json"
SCHEMA = 1

ENOUGH = 200
"""Rows that a sample must have to speak for a larger file: its score is known to 7 points then, with 95 % confidence."""

BASE, ADAPTER = "base", "adapter"
"""Names of the two sides in every evaluation that counts."""


@dataclass(frozen=True)
class Condition:
    """One thing that a run must fulfil."""

    code: str
    """``evaluated``, ``adapter``, ``dataset``, ``prompt``, ``validator``, ``answers``, ``sandbox``, ``rows``, ``base``, ``better``,
    ``incorrect``, ``crash`` or ``check``."""
    passed: bool
    text: str
    """What is the case, with the figures."""
    hint: str = ""
    """What to type next; empty where it is fulfilled."""


@dataclass(frozen=True)
class GateReport:
    """What the gate says about one run."""

    tutor: str
    run: str
    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """The run may be published."""
        return not self.failed

    @property
    def failed(self) -> tuple[Condition, ...]:
        """What keeps it from being published."""
        return tuple(condition for condition in self.conditions if not condition.passed)

    def document(self) -> dict[str, Any]:
        """The report as plain data."""
        return {"run": self.run, "passed": self.passed, "conditions": [asdict(condition) for condition in self.conditions]}


def gate(run: store.Run, tutor: Tutor, plugins: Plugins, findings: Sequence[str] | None) -> GateReport:
    """Everything that a published run must fulfil. ``findings``: the errors of ``hub check``, one line each; None: it was not run.

    Never raises for what lies on disk: whatever cannot be read is a condition that is not fulfilled."""
    document, problem = _evaluation(run)
    if document is None:
        hint = f"hub eval {tutor.name} --run {run.id}" if run.whole else f"hub train {tutor.name}"
        conditions = [Condition("evaluated", False, problem, hint)]
    else:
        conditions = [Condition("evaluated", True, f"evaluated {document.get('created', '')}".rstrip())]
        try:
            conditions += [*provenance(document, run, tutor, plugins), *_results(document, tutor)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"{shown(run.folder / EVALUATION)} is damaged ({type(error).__name__}: {error})"
            conditions = [Condition("evaluated", False, text, f"hub eval {tutor.name} --run {run.id}")]
    return GateReport(tutor.name, run.id, (*conditions, _check(tutor, findings)))


def require_pass(report: GateReport) -> None:
    """Raises BelowThresholdError with every condition that is not fulfilled."""
    if report.passed:
        return
    details = [condition.text + (f" ({condition.hint})" if condition.hint else "") for condition in report.failed]
    raise BelowThresholdError(
        f"run {report.tutor}@{report.run} may not be published", hint=report.failed[0].hint or f"hub eval {report.tutor}", details=details
    )


# --- what lies there -----------------------------------------------------------------------------


def read_evaluation(folder: Path) -> dict[str, Any] | None:
    """The document in ``eval.json`` of a run's folder; None where there is none. Raises HubError when it cannot be read."""
    file = folder / EVALUATION
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    except (ValueError, RecursionError) as error:
        raise HubError(f"{shown(file)} is damaged ({type(error).__name__}: {error})", hint="evaluate again") from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise HubError(f"{shown(file)} is damaged: it has no schema number", hint="evaluate again")
    if document["schema"] > SCHEMA:
        raise HubError(f"{shown(file)} was written by a newer adapters_hub", hint="upgrade adapters-hub")
    return document


def scores_of(folder: Path) -> dict[str, float]:
    """Side -> score of the evaluation in a run's folder, for lists; empty where there is none that can be read."""
    try:
        document = read_evaluation(folder)
        return {str(name): float(side["score"]) for name, side in document["sides"].items()} if document else {}
    except (HubError, KeyError, TypeError, ValueError, AttributeError):  # whoever needs it is told by the gate
        return {}


def _evaluation(run: store.Run) -> tuple[dict[str, Any] | None, str]:
    """The document, or why there is none that counts."""
    if not run.whole:
        return None, f"run {run.id} is not whole: {run.problem}"
    try:
        document = read_evaluation(run.folder)
    except HubError as error:
        return None, error.message
    return document, "" if document is not None else f"run {run.id} has not been evaluated"


def judge_identity(tutor: Tutor, plugins: Plugins) -> dict[str, Any]:
    """Who judges this tutor's answers, as plain data: equal identities give equal verdicts.

    Names and options from the settings, versions of the plugins that offer them, a hash of the tutor's own ``validator.py``."""
    offered = {
        offer.removeprefix("validator "): f"{info.name} {info.version}".strip()
        for info in plugins.describe()
        for offer in info.offers
        if offer.startswith("validator ") and info.origin != "tutor"
    }
    file = tutor.folder / LOCAL_FILE
    try:
        code = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:  # it has none, or it may not be read and so not be run either
        code = ""
    identity = {
        "use": tutor.validator.use,
        "options": dict(tutor.validator.options or {}),
        "plugins": {name: offered[name] for name in tutor.validator.use if name in offered},
        "code_sha256": code,
        "language": tutor.language,
        "locale": tutor.locale,
        "style": tutor.chat.style,
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity, default=str))
    return plain


# --- how the evaluation was made -----------------------------------------------------------------


def provenance(document: Mapping[str, Any], run: store.Run, tutor: Tutor, plugins: Plugins) -> Iterator[Condition]:
    """Whether the evaluation is of this very adapter, by the tutor's present questions, prompt and validator, and complete.

    Raises KeyError, TypeError and the like for a damaged document."""
    again = f"hub eval {tutor.name} --run {run.id}"
    yield _condition("adapter", _same_adapter(document, run, tutor), "of this run's adapter", again)
    yield _condition("dataset", _same_questions(document, tutor, plugins), "by the present held-out questions", again)
    prompt = hashlib.sha256(tutor.system_prompt.encode()).hexdigest()
    changed = "" if document["system_prompt_sha256"] == prompt else "the system prompt has changed since the evaluation"
    yield _condition("prompt", changed, "with the present system prompt", again)
    yield _condition("validator", _same_judge(document["validator"], judge_identity(tutor, plugins)), "by the tutor's validator", again)
    allowed, usual = document["sampling"]["max_new_tokens"], tutor.chat.max_new_tokens
    short = f"answers were cut at {allowed} tokens, the tutor's may have {usual}" if allowed < usual else ""
    yield _condition("answers", short, f"answers of up to {allowed} tokens", again)
    unsafe = "" if document["unsafe_exec"] is False else "code in the answers ran without a sandbox: --unsafe-exec"
    yield _condition("sandbox", unsafe, "without --unsafe-exec", again)
    asked, rows = document["dataset"]["evaluated"], document["dataset"]["rows"]
    few = f"only {asked} of {rows} held-out questions were asked, {min(rows, ENOUGH)} are needed" if asked < min(rows, ENOUGH) else ""
    few = few or ("there were no held-out questions" if not asked else "")
    yield _condition("rows", few, f"{asked} of {rows} held-out questions", again)
    alone = "" if {BASE, ADAPTER} <= set(document["sides"]) else "the adapter was not compared with its base"
    yield _condition("base", alone, "beside the base without adapter", again)


def _condition(code: str, problem: str, fulfilled: str, hint: str) -> Condition:
    return Condition(code, False, problem, hint) if problem else Condition(code, True, fulfilled)


def _same_adapter(document: Mapping[str, Any], run: store.Run, tutor: Tutor) -> str:
    if run.manifest is None or not run.manifest.files or document["adapter"]["files"] != dict(run.manifest.files):
        return f"the evaluation in {shown(run.folder / EVALUATION)} is of other adapter files"
    try:
        store.adapter_of(tutor.name, run)
    except HubError as error:
        return error.message
    return ""


def _same_questions(document: Mapping[str, Any], tutor: Tutor, plugins: Plugins) -> str:
    path = tutor.folder / tutor.dataset.eval
    try:
        now = dataset_sha256(plugins.read_dataset(path))
    except HubError as error:
        return f"the held-out questions cannot be read: {error.message}"
    return "" if document["dataset"]["sha256"] == now else f"{shown(path)} has changed since the evaluation"


def _same_judge(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if list(then["use"]) != now["use"]:
        return f"judged by {_names(then['use'])}, the tutor's validator is {_names(now['use'])}"
    for key, what in (("options", "its options"), ("plugins", "its version"), ("code_sha256", LOCAL_FILE)):
        if then[key] != now[key]:
            return f"the validator has changed since the evaluation ({what})"
    for key in ("language", "locale", "style"):
        if then[key] != now[key]:
            return f"the answers were judged for {key} '{then[key]}', the tutor has '{now[key]}'"
    return ""


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"


# --- what came out -------------------------------------------------------------------------------


def _results(document: Mapping[str, Any], tutor: Tutor) -> Iterator[Condition]:
    sides = document["sides"]
    if not {BASE, ADAPTER} <= set(sides):
        return  # told already
    adapter, base = sides[ADAPTER], sides[BASE]
    figures = f"{_figures('the adapter scores', adapter)}, {_figures('its base', base)}"
    better = float(adapter["score"]) > float(base["score"])
    again = f"improve the rows of {tutor.name}, then hub train {tutor.name}"
    yield Condition("better", better, figures if better else f"not better than its base: {figures}", "" if better else again)
    share, most = float(adapter["incorrect"]) / max(1, int(adapter["answers"])), tutor.validator.max_incorrect
    text = f"{share:.1%} of the adapter's answers are incorrect, {most:.1%} are allowed ([validator] max_incorrect)"
    yield Condition("incorrect", share <= most, text, "" if share <= most else again)
    crashes = sum(int(side["codes"].get("crash", 0)) for side in (adapter, base))
    hint = f"correct the validator (hub check {tutor.name} names the fault), then hub eval {tutor.name}"
    yield Condition("crash", not crashes, f"the validator failed on {crashes} answers", hint if crashes else "")


def _figures(who: str, side: Mapping[str, Any]) -> str:
    return f"{who} {float(side['score']):.1%} ({side['correct']} of {side['answers']})"


def _check(tutor: Tutor, findings: Sequence[str] | None) -> Condition:
    hint = f"hub check {tutor.name}"
    if findings is None:
        return Condition("check", False, "the dataset was not checked", hint)
    if findings:
        many = "an error" if len(findings) == 1 else f"{len(findings)} errors, the first"
        return Condition("check", False, f"hub check finds {many}: {findings[0]}", hint)
    return Condition("check", True, "hub check finds no error")
