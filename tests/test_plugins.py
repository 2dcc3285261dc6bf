"""The switchboard."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import load_test_plugins, row, write

from adapters_hub.contracts import EngineSpec, ValidatorSpec
from adapters_hub.errors import HubError, NotFoundError, RightsError, UsageError
from adapters_hub.hookspecs import hookimpl
from adapters_hub.plugins import GuardedValidator, JointValidator, PluginInfo, Plugins, judge_with, load_plugins
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace

ATTEMPT = Attempt((Message("user", "¿2 + 2?"),), "4")


class Says:
    """A validator with a fixed verdict, or a fault."""

    def __init__(self, verdict: Any) -> None:
        self.verdict = verdict

    def judge(self, attempt: Attempt) -> Verdict:
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict  # type: ignore[no-any-return]


def offering(**validators: Any) -> types.SimpleNamespace:
    """A plugin that offers these validators: name to verdict."""

    @hookimpl
    def hub_validators() -> list[ValidatorSpec]:
        return [ValidatorSpec(name, "", lambda options, v=verdict: Says(v)) for name, verdict in validators.items()]  # type: ignore[misc]

    return types.SimpleNamespace(hub_validators=hub_validators)


class Point:
    """An entry point without a distribution."""

    dist = None

    def __init__(self, name: str, load: Callable[[], Any]) -> None:
        self.name, self.value, self.load = name, f"{name}_module", load


def fails(error: BaseException) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


def info_of(plugins: Plugins, name: str) -> PluginInfo:
    return next(info for info in plugins.describe() if info.name == name)


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    folder = workspace / "tutors" / "sumas"
    return read_tutor(folder, find_workspace(environ={}), environ={})


# --- loading -------------------------------------------------------------------------------------


def test_the_built_in_engines_are_there_and_described(plugins: Plugins) -> None:
    assert {"echo", "torch"} <= {spec.name for spec in plugins.engines()}
    info = info_of(plugins, "echo")
    assert (info.origin, info.hooks, info.offers) == ("built-in", ("hub_engines",), ("engine echo",))
    assert info.version and not info.problem


def test_every_built_in_plugin_works(plugins: Plugins) -> None:
    assert [info for info in plugins.describe() if info.problem] == []


@pytest.mark.parametrize("error", [ImportError("no module named x"), RuntimeError("boom"), SystemExit(3)])
def test_a_plugin_that_cannot_be_loaded_is_kept_with_its_cause(error: BaseException) -> None:
    plugins = load_plugins(entry_points=[Point("bad", fails(error)), Point("good", lambda: offering(fine=Verdict("correct")))])
    assert type(error).__name__ in info_of(plugins, "bad").problem
    assert plugins.validator("fine").judge(ATTEMPT).outcome == "correct"


def test_the_strict_mode_raises_instead() -> None:
    with pytest.raises(RuntimeError, match="boom"):
        load_plugins(environ={"HUB_STRICT_PLUGINS": "1"}, entry_points=[Point("bad", fails(RuntimeError("boom")))])


@pytest.mark.parametrize("blocked", ["one", "ONE", "x, one ,y"])
def test_a_blocked_plugin_is_not_even_loaded(blocked: str) -> None:
    plugins = load_plugins(environ={"HUB_BLOCK_PLUGINS": blocked}, entry_points=[Point("one", fails(AssertionError()))])
    assert info_of(plugins, "one").problem == "blocked by HUB_BLOCK_PLUGINS"


def test_two_validators_of_one_name_are_refused_naming_both() -> None:
    points = [
        Point("one", lambda: offering(same=Verdict("correct"))),
        Point("two", lambda: offering(same=Verdict("incorrect"), extra=None)),
    ]
    plugins = load_plugins(entry_points=points)
    problem = info_of(plugins, "two").problem
    assert "'same'" in problem and "'one'" in problem
    assert plugins.validator("same").judge(ATTEMPT).outcome == "correct"
    with pytest.raises(NotFoundError):
        plugins.validator("extra")


def test_two_plugins_of_one_name_are_refused_naming_both() -> None:
    plugins = load_plugins(entry_points=[Point("echo", lambda: offering(a=None))])
    assert "taken by adapters_hub.builtin.echo, this one is echo_module" in plugins.describe()[-1].problem
    assert plugins.engine("echo").name == "echo"


def test_a_misspelt_hook_is_found() -> None:
    @hookimpl
    def hub_validator() -> list[ValidatorSpec]:
        return []

    plugins = load_plugins(entry_points=[Point("typo", lambda: types.SimpleNamespace(hub_validator=hub_validator))])
    assert info_of(plugins, "typo").problem == "there is no hook 'hub_validator', did you mean 'hub_validators'?"


def test_a_reader_written_as_a_generator_is_refused(tmp_path: Path) -> None:
    @hookimpl
    def hub_read_dataset(path: Path) -> Iterator[Example]:
        yield from ()

    plugins = load_plugins(entry_points=[Point("lazy", lambda: types.SimpleNamespace(hub_read_dataset=hub_read_dataset))])
    assert "generator" in info_of(plugins, "lazy").problem
    assert len(plugins.read_dataset(write(tmp_path / "a.jsonl", row("¿a?", "b")))) == 1


def test_a_hook_with_an_argument_that_does_not_exist_is_refused() -> None:
    @hookimpl
    def hub_read_dataset(file: Path) -> None:
        return None

    plugins = load_plugins(entry_points=[Point("odd", lambda: types.SimpleNamespace(hub_read_dataset=hub_read_dataset))])
    assert "file" in info_of(plugins, "odd").problem
    assert not info_of(plugins, "odd").hooks


@pytest.mark.parametrize("answer", [["text"], [EngineSpec("x", "", open=lambda base: None)], None])  # type: ignore[arg-type,return-value]
def test_a_hook_that_returns_something_else_is_refused(answer: Any) -> None:
    @hookimpl
    def hub_validators() -> Any:
        return answer

    plugins = load_plugins(entry_points=[Point("odd", lambda: types.SimpleNamespace(hub_validators=hub_validators))])
    assert info_of(plugins, "odd").problem


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    plugins = load_plugins(entry_points=[])
    with pytest.raises(NotFoundError) as caught:
        plugins.engine("ecco")
    assert caught.value.hint == "did you mean 'echo'?"


def test_an_unknown_name_of_a_broken_plugin_is_told_with_the_cause() -> None:
    plugins = load_plugins(entry_points=[Point("text", fails(RuntimeError("boom")))])
    with pytest.raises(NotFoundError) as caught:
        plugins.validator("text")
    assert "RuntimeError: boom" in caught.value.hint


# --- datasets ------------------------------------------------------------------------------------


def test_a_reader_that_was_installed_goes_before_the_built_in_ones(tmp_path: Path) -> None:
    @hookimpl
    def hub_read_dataset(path: Path) -> list[Example] | None:
        return [Example((Message("user", "mine"),))] if path.suffix == ".jsonl" else None

    plugins = load_plugins(entry_points=[Point("mine", lambda: types.SimpleNamespace(hub_read_dataset=hub_read_dataset))])
    (example,) = plugins.read_dataset(write(tmp_path / "a.jsonl", row("¿a?", "b")))
    assert example.messages[0].content == "mine"


def test_a_format_that_nobody_reads_is_told(plugins: Plugins, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no reader knows this format"):
        plugins.read_dataset(write(tmp_path / "a.xyz", "hola"))


def test_a_missing_dataset_is_not_found(plugins: Plugins, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        plugins.read_dataset(tmp_path / "a.jsonl")


# --- a tutor's own -------------------------------------------------------------------------------

LOCAL = """
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Own:
    def judge(self, attempt):
        return Verdict("correct", 1.0, reason=__file__)

@hookimpl
def hub_validators():
    return [ValidatorSpec("own", "", lambda options: Own())]
"""


def test_a_tutors_own_validator_is_there_while_the_tutor_is_open(tutor: Tutor, workspace: Path) -> None:
    plugins = load_test_plugins(own_folder=workspace / "tutors")
    file = write(tutor.folder / "validator.py", LOCAL)
    before = plugins.describe()
    with plugins.tutor_local(tutor):
        validator = plugins.validator("own")
        assert info_of(plugins, "tutor sumas").offers == ("validator own",)
    assert validator.judge(ATTEMPT).reason == str(file)
    assert plugins.describe() == before
    with pytest.raises(NotFoundError):
        plugins.validator("own")


def test_a_tutor_can_be_opened_again_and_after_a_fault(tutor: Tutor, workspace: Path) -> None:
    plugins = load_test_plugins(own_folder=workspace / "tutors")
    write(tutor.folder / "validator.py", LOCAL)
    with pytest.raises(KeyError), plugins.tutor_local(tutor):
        raise KeyError
    with plugins.tutor_local(tutor):
        plugins.validator("own")


def test_a_tutor_without_validator_file_opens_too(tutor: Tutor) -> None:
    with load_test_plugins().tutor_local(tutor):
        pass


def test_a_validator_from_elsewhere_is_refused_where_nobody_can_be_asked(tutor: Tutor, tmp_path: Path) -> None:
    trace = tmp_path / "it_ran"
    write(tutor.folder / "validator.py", f"open({str(trace)!r}, 'w')")
    with pytest.raises(RightsError), load_test_plugins(own_folder=tmp_path / "other").tutor_local(tutor):
        pass
    assert not trace.exists()


@pytest.mark.parametrize(
    "code", ["def (", "import nothing_of_that_name", "raise SystemExit(0)", LOCAL.replace("hub_validators", "hub_validatos")]
)
def test_a_broken_validator_file_is_one_clear_error(tutor: Tutor, workspace: Path, code: str) -> None:
    write(tutor.folder / "validator.py", code)
    plugins = load_test_plugins(own_folder=workspace / "tutors")
    with pytest.raises(HubError, match=r"validator\.py cannot be loaded"), plugins.tutor_local(tutor):
        pass
    assert not any(info.origin == "tutor" for info in plugins.describe())


def test_a_validator_file_with_a_name_that_is_taken_is_refused_naming_both(tutor: Tutor, workspace: Path) -> None:
    plugins = load_plugins(entry_points=[Point("other", lambda: offering(own=Verdict("correct")))], own_folder=workspace / "tutors")
    write(tutor.folder / "validator.py", LOCAL)
    with pytest.raises(HubError, match=r"'own'.*'other'"), plugins.tutor_local(tutor):
        pass


# --- judging -------------------------------------------------------------------------------------


def test_the_first_certain_verdict_decides() -> None:
    validators = [Says(Verdict("unverified", code="form_ok")), Says(Verdict("incorrect", code="wrong")), Says(Verdict("correct"))]
    assert judge_with(validators, ATTEMPT).code == "wrong"


def test_a_crash_does_not_keep_others_from_deciding() -> None:
    assert judge_with([Says(ValueError("x")), Says(Verdict("correct"))], ATTEMPT).outcome == "correct"


def test_a_crash_is_not_hidden_by_others_that_cannot_judge() -> None:
    verdict = judge_with([Says(Verdict("unverified", code="form_ok")), Says(ValueError("x"))], ATTEMPT)
    assert (verdict.outcome, verdict.code, verdict.evidence) == ("unverified", "crash", "ValueError: x")
    assert verdict.reason


def test_without_certainty_the_last_validator_that_found_something_of_its_subject_speaks() -> None:
    form, content, foreign = (Says(Verdict("unverified", code=code)) for code in ("form_ok", "no_result", "nothing_to_judge"))
    assert judge_with([form, content, foreign], ATTEMPT).code == "no_result"
    assert judge_with([foreign, foreign], ATTEMPT).code == "nothing_to_judge"


def test_warnings_of_all_validators_are_kept_whoever_decides() -> None:
    form = Says(Verdict("unverified", warnings=("long", "asks_nothing")))
    content = Says(Verdict("correct", warnings=("long", "column_order")))
    assert judge_with([form, content], ATTEMPT).warnings == ("long", "asks_nothing", "column_order")


@pytest.mark.parametrize("options", [{"unsafe_exec": True}, {"one": {"unsafe_exec": False}}])
def test_no_file_lets_answers_run_outside_a_sandbox(tutor: Tutor, options: Any) -> None:
    plugins = load_plugins(entry_points=[])
    with pytest.raises(UsageError, match="unsafe_exec cannot be set in a file"):
        plugins.judge_of(replace(tutor, validator=replace(tutor.validator, options=options)))


def test_without_validators_nothing_is_judged() -> None:
    assert judge_with([], ATTEMPT).code == "no_validator"


@pytest.mark.parametrize("answer", [None, True, "correct"])
def test_an_answer_that_is_no_verdict_counts_as_a_crash(answer: Any) -> None:
    assert judge_with([Says(answer)], ATTEMPT).code == "crash"


def test_a_verdict_says_who_judged_and_how_long() -> None:
    verdict = GuardedValidator("mine", Says(Verdict("correct"))).judge(ATTEMPT)
    assert verdict.validator == "mine"
    assert verdict.seconds > 0


def test_ctrl_c_within_a_validator_is_no_crash() -> None:
    with pytest.raises(KeyboardInterrupt):
        judge_with([Says(KeyboardInterrupt())], ATTEMPT)


def test_a_tutors_validators_get_the_shared_options_and_their_own(tutor: Tutor) -> None:
    seen: dict[str, Any] = {}

    def plugin(name: str) -> types.SimpleNamespace:
        def make(options: Any) -> Says:
            seen[name] = options
            return Says(Verdict("unverified", code=name))

        @hookimpl
        def hub_validators() -> list[ValidatorSpec]:
            return [ValidatorSpec(name, "", make)]

        return types.SimpleNamespace(hub_validators=hub_validators)

    plugins = load_plugins(entry_points=[Point("p1", lambda: plugin("one")), Point("p2", lambda: plugin("two"))])
    settings = replace(tutor.validator, use=("one", "two"), options={"limit": 3, "two": {"limit": 4}})
    judge = plugins.judge_of(replace(tutor, validator=settings))
    assert seen == {"one": {"limit": 3}, "two": {"limit": 4}}
    assert isinstance(judge, JointValidator)
    assert judge.judge(ATTEMPT).code == "two"
    plugins.judge_of(replace(tutor, validator=settings), unsafe_exec=True)
    assert seen == {"one": {"limit": 3, "unsafe_exec": True}, "two": {"limit": 4, "unsafe_exec": True}}


@pytest.mark.parametrize(
    ("error", "kind"), [(ValueError("max_words"), UsageError), (ImportError("x"), HubError), (NotFoundError("y"), NotFoundError)]
)
def test_a_validator_that_cannot_be_made_is_told(error: Exception, kind: type[HubError]) -> None:
    @hookimpl
    def hub_validators() -> list[ValidatorSpec]:
        return [ValidatorSpec("odd", "", lambda options: fails(error)())]

    plugins = load_plugins(entry_points=[Point("odd", lambda: types.SimpleNamespace(hub_validators=hub_validators))])
    with pytest.raises(kind, match=str(error)):
        plugins.validator("odd")


@pytest.mark.parametrize("fault", [SystemExit(4), GeneratorExit(), Verdict("bogus")], ids=["exit", "generator", "outcome"])  # type: ignore[arg-type]
def test_a_judge_that_ends_the_program_or_makes_up_an_outcome_has_crashed(fault: Any) -> None:
    verdict = GuardedValidator("x", Says(fault)).judge(ATTEMPT)
    assert (verdict.outcome, verdict.code) == ("unverified", "crash")


def test_ctrl_c_while_judging_still_ends_the_program() -> None:
    with pytest.raises(KeyboardInterrupt):
        GuardedValidator("x", Says(KeyboardInterrupt())).judge(ATTEMPT)


def test_what_plugin_code_prints_goes_to_stderr(plugins: Plugins, tutor: Tutor, capsys: pytest.CaptureFixture[str]) -> None:
    class Loud:
        def judge(self, attempt: Attempt) -> Verdict:
            print("while judging")
            return Verdict("correct")

    def make(options: Any) -> Loud:
        print("while made")
        return Loud()

    @hookimpl
    def hub_validators() -> list[ValidatorSpec]:
        print("while asked")
        return [ValidatorSpec("loud", "", make)]

    def load() -> types.SimpleNamespace:
        print("while loaded")
        return types.SimpleNamespace(hub_validators=hub_validators)

    write(tutor.folder / "validator.py", "print('while imported')\n")
    plugins.own_folder = tutor.folder.parent
    plugins.add(PluginInfo("loud", "installed"), load)
    with plugins.tutor_local(tutor):
        assert plugins.validator("loud").judge(ATTEMPT).outcome == "correct"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split("\n")[:-1] == ["while loaded", "while asked", "while imported", "while made", "while judging"]


def test_a_plugin_that_stops_in_any_way_is_left_out(plugins: Plugins) -> None:
    plugins.add(PluginInfo("bad", "installed"), fails(GeneratorExit("bye")))
    assert info_of(plugins, "bad").problem == "GeneratorExit: bye"
