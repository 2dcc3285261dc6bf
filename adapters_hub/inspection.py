"""The inspection of a tutor before it is trained or published: its settings, its rows, and the answers that the rows give themselves.

``hub check``, the gate of ``hub eval`` and the Python API all look here. Loads no model; knows nothing of terminals.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from adapters_hub.base_files import HUB_ID, TOKENIZERS, locate_base
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.checking import CheckReport, check
from adapters_hub.contracts import Validator
from adapters_hub.dataset_statistics import Finding
from adapters_hub.errors import HubError, NetworkError, NotFoundError
from adapters_hub.own_answers import AnswersJudged, Judged, answer_count, judge_answers
from adapters_hub.plugins import Plugins
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.types import BaseModel, Tutor


@dataclass(frozen=True)
class Inspection:
    """What is known about a tutor without a model."""

    tutor: Tutor
    report: CheckReport
    """Settings and rows."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    chat: ChatFormat | None = None
    """How the base reads the rows; None where its tokenizer is not at hand."""
    validator: Validator | None = None
    """Who judges the rows' own answers; None where one who is named cannot be had."""
    answers: AnswersJudged | None = None
    """The verdicts on them; None where nobody judged."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, errors first."""
        found = (*self.report.findings, *(self.answers.findings() if self.answers is not None else ()))
        return tuple(sorted(found, key=lambda finding: finding.level != "error"))

    @property
    def errors(self) -> tuple[str, ...]:
        """What must be corrected, ``place: message`` each."""
        return tuple(f"{finding.where}: {finding.message}" for finding in self.findings if finding.level == "error")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth a look, ``place: message`` each."""
        return tuple(f"{finding.where}: {finding.message}" for finding in self.findings if finding.level == "warning")

    @property
    def passed(self) -> bool:
        """Nothing must be corrected, as far as it was looked at."""
        return not self.errors and (self.answers is None or self.answers.complete)


def inspect_rows(tutor: Tutor, plugins: Plugins, *, unsafe_exec: bool = False) -> Inspection:
    """Settings and rows; the answers are left to ``judge_own_answers``. Call it while the tutor is open, or its validators are not found.

    Raises nothing for what stands in the tutor's files."""
    notes: list[str] = []
    findings = _engine_findings(tutor, plugins)
    chat = _chat_format(tutor, notes, findings)
    report = check(tutor, chat, plugins.read_dataset)
    validator = _validator(tutor, plugins, findings, unsafe_exec=unsafe_exec)
    return Inspection(tutor, replace(report, findings=(*findings, *report.findings)), tuple(notes), chat, validator)


def judge_own_answers(inspection: Inspection) -> Iterator[Judged]:
    """The validator's verdict on each answer of the rows, in order; none where there is no validator."""
    if inspection.validator is not None:
        yield from judge_answers(inspection.tutor, inspection.report.examples, inspection.validator)


def inspect_tutor(tutor: Tutor, plugins: Plugins) -> Iterator[Inspection]:
    """``inspect_rows``, then the same with one verdict more each time; the last one is whole. ``answers`` is one and the same object."""
    inspection = inspect_rows(tutor, plugins)
    total = answer_count(inspection.report.examples)
    if inspection.validator is None or not total:
        yield inspection
        return
    judged = AnswersJudged(total)
    inspection = replace(inspection, answers=judged)
    yield inspection
    for entry in judge_own_answers(inspection):
        judged.add(entry)
        yield inspection


def errors_of(tutor: Tutor, plugins: Plugins) -> tuple[str, ...]:
    """What ``hub check`` calls an error, ``place: message`` each. Call it while the tutor is open."""
    *_, inspection = inspect_tutor(tutor, plugins)
    return inspection.errors


# --- what is needed ------------------------------------------------------------------------------


def _engine_findings(tutor: Tutor, plugins: Plugins) -> list[Finding]:
    """An engine that nobody offers keeps the tutor from being trained."""
    try:
        plugins.engine(tutor.base.engine)
    except NotFoundError as error:
        return [_fault("engine", "[base] engine", error)]
    return []


def _fault(code: str, where: str, error: HubError) -> Finding:
    return Finding("error", code, where, error.message + (f" ({error.hint})" if error.hint else ""))


def _chat_format(tutor: Tutor, notes: list[str], findings: list[Finding]) -> ChatFormat | None:
    """The tokenizer of the tutor's base, or None: with a finding where the base cannot be opened, with a note where that is not certain.

    Of a Hub model only the tokenizer is fetched. Engines other than the default one may mean something else by a base's name."""
    template = Path(tutor.base.chat_template) if tutor.base.chat_template else None
    try:
        files = _tokenizer_files(tutor)
        if files is not None:
            return load_chat_format(files, template_file=template)
        notes.append("tokens were not counted: the tokenizer of this base is read only when it is loaded")
    except HubError as error:
        if isinstance(error, NetworkError) or tutor.base.engine != BaseModel().engine:
            notes.append(f"tokens were not counted: {error.message}")
        else:
            findings.append(_fault("base", f"[base] model = {tutor.base.model!r}", error))
    return None


def _tokenizer_files(tutor: Tutor) -> Path | None:
    """The folder with the tokenizer; None for a base that has it in its weight file, or in files that only its engine can convert.

    Raises NetworkError when a Hub model's tokenizer cannot be had now, other HubErrors for a base that cannot be opened."""
    name = tutor.base.model
    if os.path.exists(os.path.expanduser(name)) or not HUB_ID.fullmatch(name):
        files = locate_base(tutor.base)
        slow = not (files.path / "tokenizer.json").is_file() and any((files.path / file).is_file() for file in TOKENIZERS)
        return files.path if files.kind == "folder" and not slow else None
    from huggingface_hub import snapshot_download

    wanted = ["tokenizer*.json", "special_tokens_map.json", "chat_template.jinja", "config.json", "generation_config.json"]
    revision = tutor.base.revision or None
    for cached in (True, False):
        try:
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=cached))
        except Exception as error:  # whatever the Hub or the network says: the check goes on without tokens
            if not cached:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise NetworkError(f"the tokenizer of '{name}' is not on this machine: {reason}") from error
            continue
        if (folder / "tokenizer.json").is_file():
            return folder
    return None


def _validator(tutor: Tutor, plugins: Plugins, findings: list[Finding], *, unsafe_exec: bool) -> Validator | None:
    """Who judges the answers; None with a finding when one who is named cannot be had."""
    try:
        return plugins.judge_of(tutor, unsafe_exec=unsafe_exec)
    except HubError as error:
        findings.append(_fault("validator", "[validator] use", error))
        return None
