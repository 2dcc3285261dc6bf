"""Publishing a run: what will stand on the Hub is put together, compared with what stands there, and sent in one commit.

First a plan, which only looks; then the carrying out, step by step. Knows no terminal. What may be published is the gate's decision, of
which the report is handed in; how the Hub is spoken to is the client's business.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from adapters_hub import store
from adapters_hub.base_files import EMBEDDED, HUB_ID, QUANTIZED
from adapters_hub.errors import BelowThresholdError, HubError, NotFoundError, RightsError, UsageError, from_os_error
from adapters_hub.gate import GateReport, require_pass
from adapters_hub.hub_client import REPOSITORY_ID, HubClient, Person, RemoteState
from adapters_hub.hub_transfer import Progress
from adapters_hub.plugins import Plugins
from adapters_hub.portable_tutor import FIRST_VERSION, portable_config, tutor_file_of
from adapters_hub.tutor_card import CardFacts, card_of
from adapters_hub.tutor_file import SYSTEM_FILE, TUTOR_FILE, VERSION, TutorFile, read_tutor_file, text_of
from adapters_hub.types import Tutor
from adapters_hub.workspace import shown

CONFIG, WEIGHTS = store.ADAPTER_FILES
CARD = "README.md"
SECRET = re.compile(r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,})")
"""What looks like a token: nothing that holds one leaves this machine."""
SHORTEST_REASON = 10


@dataclass(frozen=True)
class Wishes:
    """What whoever publishes has asked for."""

    repository: str = ""
    """``USER/REPO``, or ``REPO`` under one's own name; empty: the tutor's name there."""
    public: bool = False
    version: str = ""
    """Empty: the one after the newest."""
    license: str = ""
    """Empty: the base's, where it is known."""
    base_id: str = ""
    """Hub id of the unquantized base, where the workspace names a folder."""
    force_reason: str = ""
    """Why it is published although the gate says no."""
    gated: Literal["", "auto", "manual"] = ""
    with_data: bool = False
    data_license: str = ""
    collection: str = ""


@dataclass(frozen=True)
class Planned:
    """One file that will stand in the repository."""

    name: str
    path: Path
    """In the staging folder."""
    size: int
    sha256: str
    changed: bool
    """It differs from what stands there, or is new."""


@dataclass(frozen=True)
class Plan:
    """What publishing will do; nothing has been sent yet."""

    repository: str
    private: bool
    exists: bool
    parent: str
    """Commit on the Hub that it builds on; empty for a new repository."""
    version: str
    files: tuple[Planned, ...]
    card: str
    forced: str
    """The reason given for publishing what the gate refuses; empty where it passes."""
    notes: tuple[str, ...] = ()
    gated: str = ""
    collection: str = ""

    @property
    def tag(self) -> str:
        return f"v{self.version}"

    @property
    def changed(self) -> tuple[Planned, ...]:
        return tuple(file for file in self.files if file.changed)


@dataclass(frozen=True)
class Step:
    """Something that has just been done; ``text`` for people."""

    code: Literal["created", "committed", "unchanged", "tagged", "settings", "collection", "proven"]
    text: str


@dataclass(frozen=True)
class Published:
    """The end: it is there, and has been looked at."""

    repository: str
    sha: str
    tag: str
    url: str
    committed: bool
    notes: tuple[str, ...]


# --- the plan ------------------------------------------------------------------------------------


def plan(
    tutor: Tutor,
    run: store.Run,
    report: GateReport,
    plugins: Plugins,
    wishes: Wishes,
    staging: Path,
    *,
    client: HubClient | None,
    person: Person | None,
    base_license: str = "",
) -> Plan:
    """Put together in ``staging`` (an empty folder) what will stand on the Hub. Looks at the Hub through ``client``; None plans without it.

    Raises BelowThresholdError (the gate), UsageError, RightsError, NetworkError, HubError; nothing is written outside ``staging``."""
    forced = through_the_gate(report, wishes)
    adapter = store.adapter_of(tutor.name, run)
    if adapter.manifest is None:
        raise HubError(f"run {tutor.name}@{run.id} has no manifest", hint=f"hub train {tutor.name}")
    repository = _target(tutor, wishes, person)
    state = _look(client, repository, person)
    base_id, embedded = _base_id(adapter.manifest.base.model, wishes)
    former = _former(client, state)
    license = _license(wishes, base_license, base_id)
    draft = tutor_file_of(tutor, run, adapter.manifest, plugins, base=base_id, license=license, data_license=wishes.data_license)
    tags = client.tags(repository) if client and state else {}
    versions = _versions(former, tags, wishes)
    for version in versions:
        file = replace(draft, version=version)
        contents = _contents(tutor, run, file, wishes, former, repository, embedded, forced)
        planned = tuple(_planned(staging, name, content, state) for name, content in contents.items())
        if not any(one.changed for one in planned):
            break  # exactly this stands there already, under that version
    if f"v{version}" in tags and any(one.changed for one in planned):  # before anything is sent
        raise HubError(f"the tag v{version} exists already and is never moved", hint="--version X.Y.Z names another, or none at all")
    _require_no_secret(planned)
    card = next(file for file in planned if file.name == CARD).path.read_text(encoding="utf-8")
    private = state.private if state else not wishes.public
    notes = [*_notes(state, wishes, planned)]
    return Plan(
        repository,
        private,
        state is not None,
        state.sha if state else "",
        version,
        planned,
        card,
        forced,
        tuple(notes),
        wishes.gated,
        wishes.collection,
    )


def through_the_gate(report: GateReport, wishes: Wishes) -> str:
    """The reason that goes into the card, or an empty text where none is needed. Raises BelowThresholdError."""
    if report.passed:
        return ""
    reason = " ".join(wishes.force_reason.split())
    if not reason:
        try:
            require_pass(report)
        except BelowThresholdError as error:
            hint = f'{error.hint}; or --force-unvalidated "REASON", which the card will show'
            raise BelowThresholdError(error.message, hint=hint, details=error.details) from None
    if len(reason) < SHORTEST_REASON:
        raise UsageError("--force-unvalidated wants a reason that others can understand", hint=f"at least {SHORTEST_REASON} characters")
    absolute = {"adapter"}
    for condition in report.failed:
        if condition.code in absolute:
            raise BelowThresholdError(f"run {report.tutor}@{report.run}: {condition.text}", hint=condition.hint)
    return reason


def _target(tutor: Tutor, wishes: Wishes, person: Person | None) -> str:
    own = person.name if person else "USER"
    wanted = wishes.repository or tutor.name.replace("_", "-")
    repository = wanted if "/" in wanted else f"{own}/{wanted}"
    if not REPOSITORY_ID.fullmatch(repository):
        raise UsageError(f"'{wanted}' cannot be the name of a repository", hint=f"USER/REPO, e.g. {own}/{tutor.name.replace('_', '-')}")
    namespace = repository.partition("/")[0]
    if person is None:
        return repository
    if person.role == "read":
        raise RightsError("the token in use may only read", hint="make one with the role 'write', then: hf auth login")
    if namespace.lower() not in {name.lower() for name in (person.name, *person.organizations)}:
        yours = ", ".join((person.name, *person.organizations))
        raise RightsError(f"'{namespace}' is not yours to publish under", hint=f"your namespaces: {yours}")
    return repository


def _look(client: HubClient | None, repository: str, person: Person | None) -> RemoteState | None:
    if client is None:
        return None
    state = client.state(repository)
    if state is not None and person is not None and not client.may_write(repository):
        raise RightsError(f"this token may not write to {repository}", hint="make one with the role 'write' for it, then: hf auth login")
    return state


def _base_id(model: str, wishes: Wishes) -> tuple[str, bool]:
    """The name of the base that a stranger can use, and whether it is an embedded one. Raises UsageError for a path."""
    if model in EMBEDDED:
        return model, True
    wanted = wishes.base_id or model
    if not HUB_ID.fullmatch(wanted) or Path(wanted).exists():
        raise UsageError(
            f"the base '{model}' lies on this machine only: nobody else could load it",
            hint="name the Hub model that it is a copy of: --base-id OWNER/NAME",
        )
    if QUANTIZED.search(wanted.rpartition("/")[2]):
        raise UsageError(f"'{wanted}' is a quantized copy of a base", hint="name the unquantized one: --base-id OWNER/NAME")
    return wanted, False


def _license(wishes: Wishes, base_license: str, base_id: str) -> str:
    if license := wishes.license or ("apache-2.0" if base_id in EMBEDDED else base_license):
        return license
    raise UsageError(
        f"the licence of the base '{base_id}' is not known here", hint="name the adapter's licence: --license ID (e.g. apache-2.0)"
    )


@dataclass(frozen=True)
class _Former:
    """What was published before."""

    tutor: TutorFile | None = None
    card: str = ""


def _former(client: HubClient | None, state: RemoteState | None) -> _Former:
    if client is None or state is None:
        return _Former()
    card = tutor = None
    if CARD in state.files:
        card = client.download(state.id, state.sha, CARD, state.files[CARD]).read_text(encoding="utf-8", errors="replace")
    if TUTOR_FILE in state.files:
        content = client.download(state.id, state.sha, TUTOR_FILE, state.files[TUTOR_FILE]).read_bytes()
        try:
            tutor = read_tutor_file(content, TUTOR_FILE)
        except HubError:
            tutor = None  # somebody has broken it: it is written anew
    return _Former(tutor, card or "")


def _versions(former: _Former, tags: Mapping[str, str], wishes: Wishes) -> tuple[str, ...]:
    """Versions to try: the former one, in case nothing has changed, then the new one."""
    known = [tag[1:] for tag in tags if tag.startswith("v") and VERSION.fullmatch(tag[1:])]
    if former.tutor is not None:
        known.append(former.tutor.version)
    newest = max(known, key=lambda text: tuple(map(int, text.split("."))), default="")
    following = _after(newest) if newest else FIRST_VERSION
    if not wishes.version:
        return (former.tutor.version, following) if former.tutor is not None else (following,)
    if not VERSION.fullmatch(wishes.version):
        raise UsageError(f"'{wishes.version}' is no version", hint=f"three numbers, e.g. {following}")
    if former.tutor is not None and former.tutor.version == wishes.version:
        return (wishes.version,)
    if f"v{wishes.version}" in tags:
        raise HubError(f"the tag v{wishes.version} exists already and is never moved", hint=f"--version {following}, or none at all")
    return (former.tutor.version, wishes.version) if former.tutor is not None else (wishes.version,)


def _after(version: str) -> str:
    major, minor, patch = map(int, version.split("."))
    return f"{major}.{minor}.{patch + 1}"


# --- what stands in the files --------------------------------------------------------------------


def _contents(
    tutor: Tutor, run: store.Run, file: TutorFile, wishes: Wishes, former: _Former, repository: str, embedded: bool, forced: str
) -> dict[str, bytes | Path]:
    """Name in the repository -> its bytes, or the file that holds them."""
    config = portable_config(run.folder / CONFIG, file.base.model, file.base.revision)
    contents: dict[str, bytes | Path] = {CONFIG: config, WEIGHTS: run.folder / WEIGHTS, SYSTEM_FILE: _system(tutor)}
    weights_hash = run.manifest.files[WEIGHTS] if run.manifest else ""
    hashes = {CONFIG: hashlib.sha256(config).hexdigest(), WEIGHTS: weights_hash, SYSTEM_FILE: hashlib.sha256(_system(tutor)).hexdigest()}
    file = replace(file, files=hashes)
    contents[TUTOR_FILE] = text_of(file).encode()
    if wishes.with_data:
        contents |= _data(tutor)
    facts = CardFacts(repository, file, embedded, tutor.system_prompt, _question(tutor), forced, wishes.with_data)
    contents[CARD] = card_of(facts, former.card).encode()
    return contents


def _system(tutor: Tutor) -> bytes:
    return (tutor.system_prompt.strip() + "\n").encode()


def _data(tutor: Tutor) -> dict[str, bytes | Path]:
    files = {"data/train.jsonl": tutor.folder / tutor.dataset.train, "data/eval.jsonl": tutor.folder / tutor.dataset.eval}
    missing = [shown(path) for path in files.values() if not path.is_file()]
    if missing:
        raise NotFoundError(f"--with-data: {', '.join(missing)} does not exist")
    return dict(files)


def _question(tutor: Tutor) -> str:
    """The first question that the tutor is measured with, to try it."""
    try:
        with (tutor.folder / tutor.dataset.eval).open(encoding="utf-8") as stream:
            messages = json.loads(stream.readline())["messages"]
            return str(next(turn["content"] for turn in messages if turn["role"] == "user"))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return "¿Con qué tema empezamos?"


def _planned(staging: Path, name: str, content: bytes | Path, state: RemoteState | None) -> Planned:
    path = staging / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
        body = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"write {shown(path)}") from error
    remote = state.files.get(name) if state else None
    return Planned(name, path, len(body), hashlib.sha256(body).hexdigest(), remote is None or not remote.is_like(body))


def _require_no_secret(files: Sequence[Planned]) -> None:
    found = []
    for file in files:
        if file.name.endswith((".json", ".md", ".jsonl")):
            text = file.path.read_text(encoding="utf-8", errors="replace")
            found += [f"{file.name}:{number}" for number, line in enumerate(text.splitlines(), 1) if SECRET.search(line)]
    if found:
        raise HubError("something that looks like a token would be published", hint="remove it where it comes from", details=found)


def _notes(state: RemoteState | None, wishes: Wishes, files: Sequence[Planned]) -> Iterator[str]:
    if state is None:
        return
    if wishes.public and state.private:
        yield f"{state.id} is private and stays so: its visibility is changed on its settings page"
    ours = {file.name for file in files} | {".gitattributes"}
    if others := sorted(set(state.files) - ours):
        yield f"left as they are: {', '.join(others[:5])}" + (f" and {len(others) - 5} more" if len(others) > 5 else "")


# --- carrying out --------------------------------------------------------------------------------


def carry_out(plan: Plan, client: HubClient, progress: Progress = lambda done, total: None) -> Iterator[Step | Published]:
    """Do what the plan says; safe to repeat after any interruption. Ends with Published. ``progress`` is told how many bytes are sent.

    Raises what the client raises, and HubError where somebody else was faster."""
    parent, sha = plan.parent, plan.parent
    if not plan.exists:
        client.create(plan.repository, private=plan.private)
        state = client.state(plan.repository)
        if state is None:
            raise NotFoundError(f"{plan.repository} was created but cannot be seen", hint="repeat the command")
        _require_fresh(state, plan)
        parent = state.sha
        yield Step("created", f"{plan.repository} ({'private' if plan.private else 'public'})")
    if plan.changed:
        files = {file.name: file.path for file in plan.changed}
        sha = client.commit(plan.repository, files, message=f"adapters_hub: {plan.tag}", parent=parent, progress=progress)
        yield Step("committed", f"{len(files)} files, {sum(file.size for file in plan.changed):,} bytes, one commit {sha[:8]}")
    else:
        yield Step("unchanged", "exactly this stands there already: no commit")
    tags = client.tags(plan.repository)
    if plan.changed or plan.tag not in tags:  # an unchanged repository may be tagged at an older commit of the same files
        client.tag(plan.repository, plan.tag, sha, message=f"adapters_hub {plan.tag}")
        yield Step("tagged", plan.tag)
    if plan.gated:
        client.set_gated(plan.repository, plan.gated)
        yield Step("settings", f"readers have to ask ({plan.gated})")
    if plan.collection:
        client.add_to_collection(plan.collection, plan.repository.partition("/")[0], plan.repository)
        yield Step("collection", plan.collection)
    _prove(plan, sha, client)
    yield Step("proven", "sizes and SHA-256 read back")
    url = f"{client.endpoint}/{plan.repository}"
    yield Published(plan.repository, sha, plan.tag, url, bool(plan.changed), tuple(client.notes))


def _require_fresh(state: RemoteState, plan: Plan) -> None:
    """What was created is empty and as hidden as planned: an answer "exists already" is no fault, so another one may be meant."""
    if set(state.files) - {".gitattributes"} or (plan.private and not state.private):
        raise HubError(f"{plan.repository} has appeared meanwhile, made by somebody else", hint="repeat the command: it looks at it first")


def _prove(plan: Plan, sha: str, client: HubClient) -> None:
    """What the Hub says it holds at that commit is what was planned."""
    state = client.state(plan.repository, sha)
    if state is None:
        raise HubError(f"{plan.repository} has vanished after the commit", hint="look at its page")
    wrong = [file.name for file in plan.files if file.name not in state.files or not state.files[file.name].is_like(file.path.read_bytes())]
    if wrong:
        raise HubError(
            f"{plan.repository}@{sha[:8]} does not hold what was sent: {', '.join(wrong)}",
            hint="repeat the command; somebody may have committed too",
        )
