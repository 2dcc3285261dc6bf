"""The switchboard: every plugin in one place, looked up by the name of what it offers.

Three doors: built-in (``adapters_hub/builtin``), installed (entry points of the group ``adapters_hub``) and tutor-local (a
tutor's ``validator.py``, only while that tutor is open). A plugin that fails is left out with its cause and never ends the
program, unless ``HUB_STRICT_PLUGINS=1`` asks for the traceback. ``HUB_BLOCK_PLUGINS=a,b`` leaves plugins out by name.
What plugin code prints goes to stderr: stdout belongs to the program's results.
Knows nothing of what engines and validators do.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import threading
import time
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pluggy

from adapters_hub import hookspecs
from adapters_hub.contracts import EngineSpec, ExporterSpec, Validator, ValidatorSpec
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.stray_prints import stray_prints_to_stderr
from adapters_hub.trust import Ask, read_trusted
from adapters_hub.types import Attempt, Example, Outcome, Tutor, Verdict
from adapters_hub.workspace import nearest, shown

BUILTIN_MODULES = ("adapters_hub.builtin.echo", "adapters_hub.builtin.torch_engine", "adapters_hub.builtin.exporters")
READERS_MODULE = "adapters_hub.builtin.readers"
LOCAL_FILE = "validator.py"
NOT_MINE = "nothing_to_judge"
"""Code of an ``unverified`` verdict of a validator that found nothing of its subject in the answer."""
UNSAFE = "unsafe_exec"
"""The option that lets validators run answers outside a sandbox; only a person at the command line may give it."""
OFFERS: Mapping[str, type[ValidatorSpec] | type[EngineSpec] | type[ExporterSpec]] = {
    "hub_validators": ValidatorSpec,
    "hub_engines": EngineSpec,
    "hub_exporters": ExporterSpec,
}
"""Hooks that return lists of descriptors, and which."""


@dataclass(frozen=True)
class PluginInfo:
    """One line of ``hub plugins``."""

    name: str
    origin: str
    """``built-in``, ``installed``, or ``tutor`` for a tutor's own."""
    version: str = ""
    source: str = ""
    """Distribution, module or file it came from."""
    hooks: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    """E.g. ``validator text``, ``engine torch``."""
    problem: str = ""
    """Why it is left out; empty when it works."""


def load_plugins(
    *, environ: Mapping[str, str] = os.environ, entry_points: Iterable[Any] | None = None, own_folder: Path | None = None
) -> Plugins:
    """All built-in and installed plugins; ``entry_points`` replaces the installed ones in tests, ``own_folder`` see ``Plugins``."""
    from adapters_hub import __version__

    plugins = Plugins(environ, own_folder=own_folder)
    for name, source, load in _builtins():
        plugins.add(PluginInfo(name, "built-in", __version__, source), load)
    for point in _installed() if entry_points is None else entry_points:
        distribution = getattr(point, "dist", None)
        source, version = (distribution.name, distribution.version) if distribution else (point.value, "")
        plugins.add(PluginInfo(point.name, "installed", version, source), point.load)
    return plugins


def _builtins() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Name, module and loader of each plugin that ships inside."""
    for module in BUILTIN_MODULES:
        yield module.rpartition(".")[2].removesuffix("_engine"), module, partial(importlib.import_module, module)
    if importlib.util.find_spec(READERS_MODULE) is not None:
        for name, plugin in importlib.import_module(READERS_MODULE).BUILTIN_READERS:
            yield name, READERS_MODULE, partial(_same, plugin)


def _same(plugin: Any) -> Any:
    return plugin


def _installed() -> Iterable[Any]:
    from importlib.metadata import entry_points

    return entry_points(group=hookspecs.PROJECT)


class Plugins:
    """The plugins that were found, and what they offer."""

    def __init__(self, environ: Mapping[str, str] = os.environ, *, own_folder: Path | None = None) -> None:
        """An empty set. ``own_folder`` and ``ask`` decide, as in ``trust.read_trusted``, whether a tutor's ``validator.py`` may run."""
        self.own_folder = own_folder
        self.ask: Ask = lambda question: False
        self._strict = environ.get("HUB_STRICT_PLUGINS", "") not in ("", "0")
        self._blocked = {_folded(name) for name in environ.get("HUB_BLOCK_PLUGINS", "").split(",") if name.strip()}
        self._environ = environ
        self._infos: list[PluginInfo] = []
        self._offers: dict[tuple[str, str], tuple[Any, str]] = {}
        """(hook, name) -> descriptor and the plugin it came from."""
        self._local = threading.RLock()
        """Held while a tutor's own plugin is registered: names are taken for that long."""
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    # --- looking up ------------------------------------------------------------------------------

    def describe(self) -> tuple[PluginInfo, ...]:
        """All plugins in loading order, broken and blocked ones with their problem."""
        return tuple(self._infos)

    def engine(self, name: str) -> EngineSpec:
        """The engine of that name; raises NotFoundError."""
        return self._offer("hub_engines", "engine", name)  # type: ignore[no-any-return]

    def engines(self) -> tuple[EngineSpec, ...]:
        """Every engine on offer."""
        return tuple(spec for (hook, _), (spec, _) in self._offers.items() if hook == "hub_engines")

    def exporter(self, name: str) -> ExporterSpec:
        """The export format of that name; raises NotFoundError."""
        return self._offer("hub_exporters", "exporter", name)  # type: ignore[no-any-return]

    def exporters(self) -> tuple[ExporterSpec, ...]:
        """Every export format on offer."""
        return tuple(spec for (hook, _), (spec, _) in self._offers.items() if hook == "hub_exporters")

    def validators(self) -> tuple[ValidatorSpec, ...]:
        """Every validator on offer."""
        return tuple(spec for (hook, _), (spec, _) in self._offers.items() if hook == "hub_validators")

    def validator(self, name: str, options: Mapping[str, Any] | None = None) -> Validator:
        """The validator of that name, made with these options; its ``judge`` never raises.

        Raises NotFoundError, and UsageError when it refuses the options."""
        spec: ValidatorSpec = self._offer("hub_validators", "validator", name)
        try:
            with redirect_stdout(sys.stderr):
                return GuardedValidator(name, spec.make(dict(options or {})))
        except (HubError, KeyboardInterrupt):
            raise
        except (TypeError, ValueError, KeyError) as error:
            raise UsageError(f"validator '{name}' refuses its options: {error}", hint="see [validator.options] in tutor.toml") from error
        except BaseException as error:  # a plugin's fault, also if it calls sys.exit, told as such
            raise HubError(f"validator '{name}' cannot be made: {_cause(error)}", hint="hub plugins shows where it comes from") from error

    def judge_of(self, tutor: Tutor, *, unsafe_exec: bool = False) -> Validator:
        """The validators that ``tutor`` names, as one; it stays usable after ``tutor_local`` has ended.

        ``[validator.options]`` goes to each of them, its table ``[validator.options.NAME]`` to the validator NAME only.
        ``unsafe_exec`` lets answers run outside a sandbox: never from a file, so UsageError where a file asks for it."""
        shared = dict(tutor.validator.options or {})
        if any(UNSAFE in table for table in (shared, *(value for value in shared.values() if isinstance(value, Mapping)))):
            message = f"tutor '{tutor.name}': {UNSAFE} cannot be set in a file"
            raise UsageError(message, hint="remove it from [validator.options]; --unsafe-exec on the command line is the only way")
        names = {spec.name for spec in self.validators()} | set(tutor.validator.use)
        own = {name: shared.pop(name) for name in tuple(shared) if name in names and isinstance(shared[name], Mapping)}
        if unsafe_exec:
            shared[UNSAFE] = True
        return JointValidator(tuple(self.validator(name, {**shared, **own.get(name, {})}) for name in tutor.validator.use))

    def read_dataset(self, path: Path) -> list[Example]:
        """The rows of a dataset file by the first reader that knows it.

        Raises DataError with all bad rows, NotFoundError for a missing file, UsageError when no reader knows the format."""
        if not path.is_file():
            raise NotFoundError(f"{shown(path)} does not exist", hint="see [dataset] in tutor.toml")
        try:
            with redirect_stdout(sys.stderr):
                rows = self._manager.hook.hub_read_dataset(path=path)
        except SystemExit as error:
            raise HubError(f"{shown(path)}: a reader ends with {_cause(error)}", hint="hub plugins lists the readers") from error
        if rows is None:
            raise UsageError(
                f"{shown(path)}: no reader knows this format",
                hint='use .jsonl with one {"messages": [...]} a line, or install a plugin that reads it (hub plugins)',
            )
        return list(rows)

    def register_commands(self, cli: Any) -> None:
        """Let every plugin add its commands to the group; one that fails is left out."""
        for implementation in list(self._manager.hook.hub_register_commands.get_hookimpls()):
            try:
                with redirect_stdout(sys.stderr):
                    implementation.function(*(cli for _ in implementation.argnames))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a plugin does must not end the program
                if self._strict:
                    raise
                self._drop(implementation.plugin_name, _cause(error))

    def _offer(self, hook: str, kind: str, name: str) -> Any:
        found = self._offers.get((hook, name))
        if found is not None:
            return found[0]
        known = [offered for offering, offered in self._offers if offering == hook]
        guess = nearest(name, known)
        broken = next((info for info in self._infos if info.problem and name in (info.name, info.source)), None)
        if broken is not None:
            hint = f"plugin '{broken.name}' is left out: {broken.problem}"
        else:
            hint = f"did you mean '{guess}'?" if guess else f"there is: {', '.join(known) or 'none'}; hub plugins lists them all"
        raise NotFoundError(f"{kind} '{name}' not found", hint=hint)

    # --- adding ----------------------------------------------------------------------------------

    def add(self, info: PluginInfo, load: Callable[[], Any]) -> None:
        """Load one plugin and register it; on failure keep the cause instead."""
        if self._blocked & {_folded(info.name), _folded(info.source)}:
            self._infos.append(replace(info, problem="blocked by HUB_BLOCK_PLUGINS"))
            return
        try:
            with redirect_stdout(sys.stderr):
                self._infos.append(self._register(info, load()))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin does must not end the program
            if self._strict:
                raise
            self._infos.append(replace(info, problem=_cause(error)))

    @contextmanager
    def tutor_local(self, tutor: Tutor) -> Iterator[None]:
        """The tutor's own ``validator.py``, if it has one, is a plugin within this block; other threads wait for its end.

        Raises RightsError when it may not run, HubError when it cannot be loaded."""
        file = tutor.folder / LOCAL_FILE
        if not file.is_file():
            yield
            return
        with self._local:
            code = read_trusted(file, self.own_folder, self.ask, environ=self._environ)
            info = PluginInfo(f"tutor {tutor.name}", "tutor", source=shown(file))
            try:
                with redirect_stdout(sys.stderr):
                    info = self._register(info, _module_of(tutor.name, file, code))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the author reads one clear line; --debug shows the rest
                hint = "correct it, or remove it and its name in [validator] use"
                raise HubError(f"{shown(file)} cannot be loaded: {_cause(error)}", hint=hint) from error
            self._infos.append(info)
            try:
                yield
            finally:
                self._unregister(info.name)
                self._infos.remove(info)

    def _register(self, info: PluginInfo, plugin: Any) -> PluginInfo:
        """Register a loaded plugin and take note of its offers; leaves nothing behind when it raises."""
        holder = next((other for other in self._infos if other.name == info.name and not other.problem), None)
        if holder is not None:
            raise HubError(f"the plugin name '{info.name}' is taken by {holder.source}, this one is {info.source}")
        try:
            self._manager.register(plugin, name=info.name)
            implementations = self._implementations(info.name)
            self._check(implementations)
            offers = self._collect(info.name, implementations)
        except BaseException:
            self._unregister(info.name)
            raise
        self._offers.update(offers)
        labels = tuple(f"{hook[4:-1]} {name}" for hook, name in offers)
        return replace(info, hooks=tuple(sorted(implementations)), offers=labels)

    def _implementations(self, name: str) -> dict[str, pluggy.HookImpl]:
        callers = self._manager.get_hookcallers(self._manager.get_plugin(name)) or []
        return {caller.name: impl for caller in callers for impl in caller.get_hookimpls() if impl.plugin_name == name}

    def _check(self, implementations: Mapping[str, pluggy.HookImpl]) -> None:
        known = [name for name in vars(hookspecs) if name.startswith("hub_")]
        for name, implementation in implementations.items():
            if name not in known and not implementation.optionalhook:
                guess = nearest(name, known)
                raise HubError(f"there is no hook '{name}'" + (f", did you mean '{guess}'?" if guess else f", only {', '.join(known)}"))
            wrapper = implementation.wrapper or implementation.hookwrapper
            if name == "hub_read_dataset" and not wrapper and inspect.isgeneratorfunction(implementation.function):
                raise HubError("its hub_read_dataset is a generator and would hide all other readers: return a list or None")

    def _collect(self, name: str, implementations: Mapping[str, pluggy.HookImpl]) -> dict[tuple[str, str], tuple[Any, str]]:
        offers: dict[tuple[str, str], tuple[Any, str]] = {}
        for hook, kind in OFFERS.items():
            if hook not in implementations:
                continue
            specs: Any = implementations[hook].function()
            for spec in specs:
                if not isinstance(spec, kind):
                    raise HubError(f"its {hook} must return a list of {kind.__name__}, not {type(spec).__name__}")
                key = (hook, spec.name)
                if key in offers or key in self._offers:
                    other = name if key in offers else self._offers[key][1]
                    raise HubError(f"its {hook[4:-1]} '{key[1]}' has the name of one that plugin '{other}' offers already")
                offers[key] = (spec, name)
        return offers

    def _unregister(self, name: str) -> None:
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        self._offers = {key: offer for key, offer in self._offers.items() if offer[1] != name}

    def _drop(self, name: str, problem: str) -> None:
        self._unregister(name)
        self._infos = [replace(info, hooks=(), offers=(), problem=problem) if info.name == name else info for info in self._infos]


def _module_of(tutor: str, file: Path, code: bytes) -> types.ModuleType:
    """Run exactly these bytes as a module; siblings of the file cannot be imported, it has to stand alone."""
    module = types.ModuleType(f"hub_tutor_{tutor}")
    module.__file__ = str(file)
    exec(compile(code, str(file), "exec"), module.__dict__)
    return module


def _folded(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _cause(error: BaseException) -> str:
    """A fault in one line."""
    if isinstance(error, HubError):
        return error.message
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


# --- judging -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GuardedValidator:
    """A validator whose ``judge`` never raises and always says who judged and how long it took."""

    name: str
    inner: Validator

    def judge(self, attempt: Attempt) -> Verdict:
        """The inner verdict; a crash is ``unverified`` with code ``crash``, its cause in ``evidence``."""
        started = time.perf_counter()
        try:
            with stray_prints_to_stderr():
                verdict = self.inner.judge(attempt)
            if not isinstance(verdict, Verdict):
                raise TypeError(f"judge returned {type(verdict).__name__}, not Verdict")
            if verdict.outcome not in typing.get_args(Outcome):
                raise ValueError(f"the outcome {verdict.outcome!r} is none of {', '.join(typing.get_args(Outcome))}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # untrusted text in, plugin code in between: anything may come out, sys.exit included
            verdict = Verdict(
                "unverified", code="crash", reason="La respuesta no se pudo comprobar: el validador falló.", evidence=_cause(error)
            )
        return replace(verdict, seconds=verdict.seconds or time.perf_counter() - started, validator=verdict.validator or self.name)


@dataclass(frozen=True)
class JointValidator:
    """Several validators as one."""

    validators: tuple[Validator, ...] = field(default=())

    def judge(self, attempt: Attempt) -> Verdict:
        """See ``judge_with``."""
        return judge_with(self.validators, attempt)


def judge_with(validators: Sequence[Validator], attempt: Attempt) -> Verdict:
    """The first certain verdict (correct or incorrect) decides. With none, a crash is reported before a mere "cannot judge".

    Warnings of every validator that was asked are kept."""
    warnings: tuple[str, ...] = ()
    doubtful: list[Verdict] = []
    for validator in validators:
        guarded = validator if isinstance(validator, GuardedValidator) else GuardedValidator(type(validator).__name__, validator)
        verdict = guarded.judge(attempt)
        warnings = tuple(dict.fromkeys((*warnings, *verdict.warnings)))
        if verdict.outcome != "unverified":
            return replace(verdict, warnings=warnings)
        doubtful.append(verdict)
    crash = next((verdict for verdict in doubtful if verdict.code == "crash"), None)
    if crash is not None:
        return replace(crash, warnings=warnings)
    # a validator that looked at the content knows more than one that looked at the form: the last of them speaks
    chosen = next((verdict for verdict in reversed(doubtful) if verdict.code != NOT_MINE), doubtful[0] if doubtful else None)
    if chosen is None:
        return Verdict("unverified", code="no_validator", reason="Este tutor no tiene validador.")
    return replace(chosen, warnings=warnings)
