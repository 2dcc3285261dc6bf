"""A candidate on trial: loaded in a guest of its own, called from outside, while everything that judges it runs elsewhere.

The parent compares plain data itself; tests that are programs run in a second guest, which sees of the candidate nothing but what
it returned. Knows nothing of answers and of the words of a verdict.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from adapters_hub.sandbox import Called, Failure, Guest, Handle, Iterated, Limits, Sandbox
from hub_code.exam import CANDIDATE, Case, Exam
from hub_code.in_place import MUTABLE, nearly
from hub_code.inputs import Input

MOST_RECORDS = 5000
MOST_DIGITS = 100_000
"""Of a whole number: exercises like large factorials."""
OWN_OBJECT = "the tests pass an object of their own"
SLOW_START = 0.3
"""Seconds that loading may take before the demonstrations are left out."""
CALLABLE = frozenset(
    ("function", "builtin_function_or_method", "method", "type", "partial", "method-wrapper", "wrapper_descriptor", "method_descriptor")
)
MISSING = frozenset(("ModuleNotFoundError", "ImportError"))
METHOD = "un método"
"""Stands for the call of something that has no name on this side."""
ROW_FAULTS = frozenset(("NameError", "ModuleNotFoundError", "ImportError", "SyntaxError", "UnboundLocalError"))
"""Exceptions in a test's own code that no answer can be blamed for."""


@dataclass(frozen=True)
class Budget:
    """What one verdict may take."""

    seconds: float = 2.0
    """Processor time of each guest."""
    deadline: float = 0.0
    """Reading of ``time.monotonic`` when everything has to be over."""

    def limits(self) -> Limits:
        """For the next guest."""
        left = self.deadline - time.monotonic()
        return Limits(seconds=max(0.05, min(left, 4 * self.seconds)), cpu_seconds=self.seconds, integer_digits=MOST_DIGITS)


@dataclass(frozen=True)
class Mishap:
    """Why something did not come to a plain end."""

    kind: str
    """As in ``Failure``, but ``slow`` where the machine may be to blame, ``missing_module``, and ``opaque_value`` for ``result``."""
    sure: bool
    """It is the code's own fault, whatever machine it runs on."""
    type_name: str = ""
    message: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Fault:
    """A test that did not hold."""

    kind: str
    """``differs``, ``raised``, or the kind of a mishap."""
    test: str
    """The assert, or the call."""
    call: str = ""
    """``f([5, 5])``, when it is one call of the candidate that decided."""
    got: str = ""
    expected: str = ""
    operator: str = "=="
    message: str = ""
    prints: bool = False
    """It printed what it should have returned."""


@dataclass(frozen=True)
class Sitting:
    """How the candidate did in an exam."""

    passed: int = 0
    total: int = 0
    fault: Fault | None = None
    """The first sure one."""
    doubt: str = ""
    """Code of why there is no verdict; empty: there is one."""
    detail: str = ""


def mishap(failure: Failure, guest: Guest) -> Mishap:
    """What a failure of the candidate's guest means."""
    kind, sure = failure.kind, True
    if kind == "timeout":
        in_time = guest.seconds < guest.limits.seconds - 0.01  # so it was the processor time that ran out
        kind, sure = ("timeout", True) if in_time else ("slow", False)
    elif kind in ("blocked", "died", "unsupported", "output"):
        sure = False
    elif kind == "result":
        kind, sure = "opaque_value", False
    elif kind == "raised" and (failure.type_name in MISSING or failure.builtin in MISSING):
        kind, sure = "missing_module", False
    return Mishap(kind, sure, failure.type_name, failure.message, failure.line)


# --- the candidate -------------------------------------------------------------------------------


class Candidate:
    """An answer's code, loaded in a guest."""

    def __init__(self, sandbox: Sandbox, sources: Sequence[str], budget: Budget) -> None:
        """Load the first of the sources that runs: the whole code, then its definitions alone."""
        self.problem: Mishap | None = None
        """Why none of them runs."""
        self.unfinished: Mishap | None = None
        """Why only its definitions were loaded, where a demonstration took too much: no use in running it again."""
        for source in sources:
            self.guest = sandbox.start(budget.limits())
            try:
                self.guest.run(source)
                self.names = self.guest.names()
            except Failure as failure:
                self.problem = self.problem or mishap(failure, self.guest)
                self.guest.close()
                continue
            if self.problem is not None and self.problem.kind in ("timeout", "slow", "memory", "output"):
                self.unfinished = self.problem
            self.problem = None
            if self.guest.seconds > SLOW_START and source is not sources[-1]:
                self._leave_out_demonstrations(sandbox, sources[-1], budget)
            return
        self.names = {}

    def _leave_out_demonstrations(self, sandbox: Sandbox, source: str, budget: Budget) -> None:
        """What they took of the time must not be missing when the tests are run."""
        guest = sandbox.start(budget.limits())
        try:
            guest.run(source)
            names = guest.names()
        except Failure:
            guest.close()
            return
        self.guest.close()
        self.guest, self.names = guest, names

    def __enter__(self) -> Candidate:
        return self

    def __exit__(self, *_: object) -> None:
        self.guest.close()


# --- tests on plain data -------------------------------------------------------------------------


def sit_cases(candidate: Candidate, name: str, cases: Sequence[Case], texts: Sequence[str]) -> Sitting:
    """Every case, one call each; the parent compares."""
    passed, fault, doubt = 0, None, ""
    guest = candidate.guest
    for case in cases:
        call = words_of_call(name, case.arguments)
        printed = len(guest.stdout)
        try:
            value = guest.call(name, case.arguments).value
        except Failure as failure:
            what = mishap(failure, guest)
            if not what.sure:
                doubt = doubt or what.kind
                if guest.ended:
                    break
                continue
            fault = fault or Fault(what.kind, texts[case.number], call, what.type_name, _expected(case), message=what.message)
            if guest.ended:
                break
            continue
        outcome = holds(value, case)
        if outcome is None:
            doubt = doubt or "opaque_value"
        elif outcome:
            passed += 1
        elif case.operator == "==" and nearly(value, case.expected):
            doubt = doubt or "rounding"
        elif fault is None:
            prints = value is None and guest.stdout[printed:].strip() in (repr(case.expected), str(case.expected)) and case.operator == "=="
            fault = Fault("differs", texts[case.number], call, shown(value), _expected(case), case.operator, prints=prints)
    return Sitting(passed, len(cases), fault, doubt if fault is None else "")


def holds(value: Any, case: Case) -> bool | None:
    """Does the comparison hold? None: only the candidate's own object could say."""
    if opaque(value):
        return None
    if case.operator in ("==", "!="):
        return equal(value, case.expected) == (case.operator == "==")
    if case.operator in ("is", "is not"):
        return (value is case.expected) == (case.operator == "is")
    return (bool(value) if not isinstance(value, Iterated) else True) == (case.operator == "true")


def equal(value: Any, expected: Any) -> bool:
    """``==`` on plain data; an iterator equals nothing."""
    if _holds_any(value, Iterated):
        return False
    try:
        return bool(value == expected)
    except (ArithmeticError, RecursionError, TypeError, ValueError):
        return False


def opaque(value: Any) -> bool:
    """It is, or holds, an object that stayed with the candidate."""
    return _holds_any(value, Handle)


def _holds_any(value: Any, kind: type) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, kind):
            return True
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)) or type(one).__name__ == "deque":
            waiting += one
    return False


def _expected(case: Case) -> str:
    return {"true": "un valor verdadero", "false": "un valor falso"}.get(case.operator) or shown(case.expected)


def shown(value: Any) -> str:
    """A value as a learner reads it, in bounds."""
    if isinstance(value, Handle):
        return "un objeto"
    if isinstance(value, Iterated):
        return "un iterador"
    try:
        text = repr(value)
    except (Failure, ValueError, RecursionError):  # an integer of too many digits, perhaps
        return "un valor muy largo"
    return text if len(text) <= 200 else text[:199] + "…"


def words_of_call(name: str, arguments: Iterable[Any], keywords: Mapping[str, Any] | None = None) -> str:
    """``f([5, 5], k=2)``."""
    parts = [shown(argument) for argument in arguments] + [f"{key}={shown(value)}" for key, value in (keywords or {}).items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= 300 else text[:299] + "…"


# --- tests that are programs ---------------------------------------------------------------------


@lru_cache(maxsize=4)
def guest_source(module: str, *lines: str) -> str:
    """Source that makes a module of this package known in a guest, as ``_hub_module``, and then runs the lines."""
    parts = {name: (Path(__file__).with_name(f"{name}.py")).read_text(encoding="utf-8") for name in ("in_place", module)}
    made = ["import sys as _hub_sys, types as _hub_types"]
    for name, source in parts.items():
        made.append(f"_hub_module = _hub_sys.modules['hub_code.{name}'] = _hub_types.ModuleType('hub_code.{name}')")
        made.append(f"exec(compile({source!r}, '<{name}>', 'exec', dont_inherit=True), vars(_hub_module))")
    return "\n".join([*made, *lines]) + "\n"


def examiner_source() -> str:
    """The examiner, ready to run in the guest of the tests."""
    return guest_source(
        "examiner",
        "_hub = _hub_module.Examiner(_hub_ask)",
        "_hub_learn = _hub.learn",
        "def _hub_put(name): globals()[name] = _hub.function(name)",
        "def _hub_catch(name, builtin): globals()[name] = _hub.define_exception(name, builtin)",
        "def _hub_value(name, value): globals()[name] = value",
        "def _hub_class(name, value): globals()[name] = _hub.learn_class(value)",
    )


def keeper_source() -> str:
    """The keeper, ready to run in the guest of the candidate."""
    lines = ("_hub_keeper = _hub_module.Keeper(globals())", "_hub_perform = _hub_keeper.perform")
    return guest_source("keeper", *lines, "_hub_push, _hub_pull, _hub_tangled = _hub_keeper.push, _hub_keeper.pull, _hub_keeper.tangled")


@dataclass
class Relay:
    """Between the guest of the tests and that of the candidate: passes calls on and remembers them."""

    candidate: Guest
    tests: Guest
    records: list[tuple[str, str]] = field(default_factory=list)
    """Call and what came of it, in words."""
    fatal: Mishap | None = None
    raised: str = ""
    """The exception of the last call, if it raised."""
    lent: int = 0

    def ask(self, given: Sequence[Any], _: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the examiner asks for: how it came out, the value, which argument it is, its number, and the changed arguments."""
        kind, target, arguments, keywords = given
        if self.fatal is not None:
            return "stop", None, -1, -1, None
        try:
            if kind == "pull":
                return "value", self.candidate.call("_hub_pull", arguments).value, -1, -1, None
            sent = [self._lend(argument) for argument in arguments]
            named = {str(key): self._lend(value) for key, value in keywords.items()}
            if kind == "push":
                self.candidate.call("_hub_push", sent)
                return "value", None, -1, -1, None
        except Failure as failure:
            return "opaque", failure.message, -1, -1, None
        counted = kind in ("name", "call", "method")
        call = words_of_call(target, arguments, keywords) if isinstance(target, str) else METHOD
        self.raised = ""
        try:
            if kind == "name" and target in ("isinstance", "type"):
                kind, target = "call", self.candidate.evaluate(target)
            called = self.candidate.call("_hub_perform", [kind, target, sent, named])
            value, place, number = called.value
            after = called.args_after[2] if called.args_after is not None else None
            nested = number >= 0 and any(isinstance(item, MUTABLE) for item in (value.values() if isinstance(value, dict) else value))
            tangled = nested and self.candidate.call("_hub_tangled", [number]).value is not False
        except Failure as failure:
            return self._failed(failure, call, counted)
        except (TypeError, ValueError, IndexError):
            return "opaque", "the answer of a call has another shape", -1, -1, None
        if counted:
            self._record(call, shown(value if place == -1 else arguments[place]))
        changed = (
            [_change(old, new) for old, new in zip(sent, after, strict=True)] if after is not None and len(after) == len(sent) else None
        )
        return "tangled" if tangled else "value", value, place, number, changed if changed and any(changed) else None

    def _failed(self, failure: Failure, call: str, counted: bool) -> tuple[Any, ...]:
        what = mishap(failure, self.candidate)
        if what.kind == "raised" and not self.candidate.ended:
            self.raised = failure.type_name
            if counted:
                self._record(call, f"{failure.type_name}: {failure.message}")
            return "raise", (failure.type_name, failure.builtin, tuple(failure.values) or (failure.message,)), -1, -1, None
        if what.kind == "opaque_value" and not self.candidate.ended:
            return "opaque", failure.message, -1, -1, None
        self.fatal = what
        if counted:
            self._record(call, what.kind)
        return "stop", None, -1, -1, None

    def _record(self, call: str, outcome: str) -> None:
        if len(self.records) < MOST_RECORDS:
            self.records.append((call, outcome))

    def _lend(self, value: Any) -> Any:
        """A value of the tests for the candidate: functions travel as names that call back and allow nothing else.

        With the object itself the candidate could reach into the guest of the tests."""
        if isinstance(value, Handle):
            if value.guest is not self.tests:
                return value
            if value.type_name not in CALLABLE:
                raise Failure("result", OWN_OBJECT)
            self.lent += 1
            name = f"_hub_lent_{self.lent}"
            self.candidate.bind(name, self._callback(value))
            return self.candidate.evaluate(name)
        if type(value) in (list, tuple, set, frozenset):
            return type(value)(self._lend(item) for item in value) if _holds_any(value, Handle) else value
        if isinstance(value, dict) and _holds_any(value, Handle):
            return {key: self._lend(item) for key, item in value.items()}
        return value

    def _callback(self, function: Handle) -> Callable[[Sequence[Any], Mapping[str, Any]], Any]:
        return lambda arguments, keywords: self._lend(self.tests.call(function, arguments, keywords).value)


def _change(old: Any, new: Any) -> list[Any] | None:
    """``[new]`` where an argument was changed in place, else None."""
    if not isinstance(old, (list, dict, set, bytearray)) and type(old).__name__ != "deque":
        return None
    return None if alike(old, new) else [new]


def alike(one: Any, other: Any) -> bool:
    """Equal in type and value, objects by identity."""
    if isinstance(one, Handle) or isinstance(other, Handle):
        return one is other
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one.items(), other.items(), strict=True))
    if isinstance(one, (list, tuple)) or type(one).__name__ == "deque":
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, (set, frozenset)) and _holds_any(one, Handle):
        return False
    return bool(one == other) or (one != one and other != other)


@dataclass(frozen=True)
class Company:
    """Where the tests may find names that they use and do not define."""

    imported: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Names that the answer imports -> module and what is taken from it: taken from the module itself, never from the answer."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Names that the question defines -> the source that does."""
    mentioned: frozenset[str] = frozenset()
    """Names that the question uses as code: part of what is asked for."""
    spoken: frozenset[str] = frozenset()
    """All words of the question."""
    classes: frozenset[str] = frozenset()
    """Classes that the answer defines."""


def sit_program(sandbox: Sandbox, candidate: Candidate, name: str, real: str, exam: Exam, company: Company, budget: Budget) -> Sitting:
    """Run the instrumented tests beside the candidate, whose function is called ``real`` there."""
    with sandbox.start(budget.limits()) as tests:
        relay = Relay(candidate.guest, tests)
        escaped: Failure | None = None
        try:
            lacking = _prepare(tests, relay, candidate, name, real, exam, company)
            if lacking.missing:
                return Sitting(total=len(exam.texts), doubt="row", detail=f"the tests need {', '.join(lacking.missing[:5])}")
            try:
                tests.run(exam.program, "tests")
            except Failure as failure:
                escaped = failure
            if tests.ended:
                return _cut_off(exam, relay, escaped)
            outcomes, refused = tests.evaluate("_hub.outcomes"), tests.evaluate("_hub.opaque")
            current = tests.evaluate("_hub.current")
        except Failure as failure:
            return _cut_off(exam, relay, failure)
    sitting = _marked(exam, relay, outcomes, refused, current, escaped)
    if lacking.borrowed and sitting.fault is None and not sitting.doubt:
        return replace(sitting, doubt="leans", detail=f"the tests use {', '.join(lacking.borrowed[:5])} of the answer")
    return sitting


@dataclass(frozen=True)
class Lacking:
    """Names that the tests need and the row does not give."""

    missing: tuple[str, ...]
    borrowed: tuple[str, ...]
    """Taken from the answer although nobody asked for them: it could say anything with them."""


def _prepare(tests: Guest, relay: Relay, candidate: Candidate, name: str, real: str, exam: Exam, company: Company) -> Lacking:
    """Everything the program needs, put in its place."""
    candidate.guest.run(keeper_source(), "keeper")
    tests.bind("_hub_ask", relay.ask)
    tests.run(examiner_source(), "examiner")
    tests.call("_hub_learn", [candidate.guest.evaluate("object()"), candidate.names.get(real) != "class"])
    if exam.asks_type:
        tests.run("type = _hub.type_of", "examiner")
    missing: list[str] = []
    borrowed: list[str] = []
    for needed in sorted(exam.needs - {name}, key=lambda needed: (needed not in company.given, needed)):
        if needed in sys.stdlib_module_names and _import(tests, needed, needed, ""):
            continue
        if needed in company.imported and _import(tests, needed, *company.imported[needed]):
            continue
        if needed in company.given and _given(tests, needed, company.given[needed]):
            continue
        if needed not in candidate.names:
            missing.append(needed)
        elif needed in company.classes and needed[:1].isupper():
            if needed not in company.spoken and needed in exam.told:
                borrowed.append(needed)
            _put_class(tests, candidate.guest, needed)
        else:
            if needed not in company.mentioned:
                borrowed.append(needed)
            if candidate.names[needed] in RELAYED:
                tests.call("_hub_put", [needed])
            else:
                tests.call("_hub_value", [needed, candidate.guest.evaluate(needed)])
    if candidate.names.get(real) == "class":
        _put_class(tests, candidate.guest, real)
        tests.run(f"{name} = {real}", "examiner")
    else:
        tests.run(f"{name} = _hub.function({real!r})", "examiner")
    tests.run(f"{CANDIDATE} = {name}", "examiner")
    return Lacking(tuple(missing), tuple(borrowed))


RELAYED = CALLABLE | {"imported", "class"}


def _given(tests: Guest, name: str, source: str) -> bool:
    """A function that the question itself defines."""
    try:
        tests.run(source, "question")
        return name in tests.names()
    except Failure:
        return False


def _import(tests: Guest, name: str, module: str, taken: str) -> bool:
    """The tests lean on a module of the standard library."""
    if not module.replace(".", "").isidentifier() or not name.isidentifier() or (taken and not taken.isidentifier()):
        return False
    try:
        tests.run(f"from {module} import {taken} as {name}" if taken else f"import {module} as {name}", "imports")
    except Failure:
        return False
    return True


def _put_class(tests: Guest, candidate: Guest, name: str) -> None:
    """A class of the answer: an exception that the tests can catch, or the class itself at arm's length."""
    try:
        bases = candidate.evaluate(f"[base.__name__ for base in {name}.__mro__ if base.__module__ == 'builtins']")
    except Failure:
        bases = []
    if isinstance(bases, list) and "BaseException" in bases and isinstance(bases[0], str):
        tests.call("_hub_catch", [name, bases[0]])
    else:
        value = candidate.evaluate(name)
        tests.call("_hub_class" if isinstance(value, Handle) else "_hub_value", [name, value])


def _cut_off(exam: Exam, relay: Relay, failure: Failure | None) -> Sitting:
    """The guest of the tests is gone, so what it had noted is lost."""
    total = max(1, len(exam.texts))
    if relay.fatal is None and relay.candidate.ended and failure is not None:
        relay.fatal = mishap(failure, relay.candidate)
    if relay.fatal is not None:
        return _fatal(relay, exam, 0, total, "")
    if failure is not None and failure.kind == "unsupported":
        return Sitting(0, total, doubt="unsupported", detail=failure.message)
    return Sitting(0, total, doubt="slow_tests" if failure is not None and failure.kind == "timeout" else "row", detail=str(failure or ""))


def _fatal(relay: Relay, exam: Exam, passed: int, total: int, text: str) -> Sitting:
    what = relay.fatal
    assert what is not None
    if not what.sure:
        return Sitting(passed, total, doubt=what.kind, detail=what.message)
    call = relay.records[-1][0] if relay.records and relay.records[-1][0] != METHOD else ""
    return Sitting(passed, total, Fault(what.kind, text or call, call, what.type_name, message=what.message))


def _marked(exam: Exam, relay: Relay, outcomes: Any, refused: Any, current: Any, escaped: Failure | None) -> Sitting:
    """The notes as a result."""
    if not isinstance(outcomes, dict):
        return Sitting(0, max(1, len(exam.texts)), doubt="row", detail="the tests tampered with their notes")
    reached = {number: entry for number, entry in sorted(outcomes.items()) if 0 <= number < len(exam.texts)}
    passed = sum(1 for entry in reached.values() if entry[1] is None and entry[0])
    ended = escaped is not None or relay.fatal is not None
    total = max(1, len(exam.texts) if ended else len(reached))
    fault, doubt, detail = None, "", ""
    for number, (_, entry) in reached.items():
        if entry is None:
            continue
        found = _fault(exam.texts[number], relay, *entry)
        if isinstance(found, Fault):
            fault = fault or found
        else:
            doubt, detail = doubt or found, detail or str(entry[2])
    if fault is None and relay.fatal is not None:
        text = exam.texts[current] if isinstance(current, int) and 0 <= current < len(exam.texts) else ""
        return _fatal(relay, exam, passed, total, text)
    if fault is None and escaped is not None:
        fault, doubt, detail = _escaped(escaped, relay)
    if fault is None and not doubt and refused:
        doubt, detail = "own_word" if str(refused[0]).startswith(("raises", "changed")) else "opaque_value", str(refused[0])
    if fault is None and not doubt and not reached and exam.texts:
        doubt, detail = "row", "no assert was reached"
    if not exam.texts and fault is None and not doubt:
        passed = 1
    return Sitting(passed, total, fault, "" if fault else doubt, detail)


def _fault(text: str, relay: Relay, kind: str, operator: str, left: str, right: str, first: int, last: int) -> Fault | str:
    """A note on an assert that did not hold; text: only a doubt."""
    if kind == "opaque":
        return "opaque_value"
    if operator == "nearly":
        return "rounding"
    calls = relay.records[first:last]
    call, outcome = calls[0] if len(calls) == 1 else ("", "")
    if kind == "differs":
        direct = call not in ("", METHOD) and outcome == left[:200]
        expected = {"true": "un valor verdadero", "false": "un valor falso"}.get(operator, right)
        return Fault(
            "differs",
            text,
            call if direct else "",
            left,
            expected,
            operator,
            message="" if direct else _told(calls),
        )
    if kind == "broke":
        told = f"{_told(calls)} ({operator}: {left})".strip()
        return "row" if operator in ROW_FAULTS or not calls else Fault("broke", text, "", operator, message=told)
    named = calls[-1][0] if calls and calls[-1][0] != METHOD else ""
    return Fault("raised", text, named, operator, right, message=left)


def _told(calls: Sequence[tuple[str, str]]) -> str:
    """What was called and what it gave."""
    return "; ".join(f"{call} → {outcome}" for call, outcome in calls[:3] if call != METHOD)


def _escaped(failure: Failure, relay: Relay) -> tuple[Fault | None, str, str]:
    """An exception ended the tests outside of their asserts."""
    if failure.kind == "result" or failure.type_name in ("Opaque", "Incomparable"):
        return None, "opaque_value", failure.message
    call = relay.records[-1][0] if relay.records and relay.records[-1][0] != METHOD else ""
    if failure.kind == "raised" and relay.raised and relay.raised == failure.type_name:
        return Fault("raised", call, call, failure.type_name, message=failure.message), "", ""
    if failure.kind == "raised" and failure.type_name == "AssertionError" and relay.records:
        return Fault("asserts", failure.message or "assert", call, "AssertionError", message=failure.message), "", ""
    if failure.kind == "raised" and failure.type_name not in ROW_FAULTS and relay.records:
        told = " → ".join(relay.records[-1])
        return Fault("broke", call, "", failure.type_name, message=f"{told} ({failure.type_name}: {failure.message})"), "", ""
    return None, "row", str(failure)


# --- a reference, a property ---------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What a right function gave."""

    entry: Input
    value: Any
    args_after: tuple[Any, ...] | None
    seconds: float


def ask_reference(reference: Candidate, name: str, inputs: Sequence[Input]) -> list[Wanted] | None:
    """Every input that the right function accepts, with what it gave; None where the machine is too slow for it to get through."""
    found: list[Wanted] = []
    for entry in inputs:
        before = reference.guest.seconds
        try:
            called = reference.guest.call(name, entry.arguments)
        except Failure as failure:
            if reference.guest.ended:
                if mishap(failure, reference.guest).kind == "slow":
                    return None
                break
            continue
        found.append(Wanted(entry, called.value, called.args_after, reference.guest.seconds - before))
    return found


def sit_reference(candidate: Candidate, real: str, wanted: Sequence[Wanted]) -> Sitting:
    """The same calls to the candidate."""
    passed, doubt = 0, ""
    for one in wanted:
        call = words_of_call(real, one.entry.arguments)
        try:
            got = candidate.guest.call(real, one.entry.arguments)
        except Failure as failure:
            what = mishap(failure, candidate.guest)
            if what.sure and one.entry.usual:
                return Sitting(passed, len(wanted), Fault(what.kind, call, call, what.type_name, shown(one.value), message=what.message))
            doubt = doubt or (what.kind if not what.sure else "edge_differs")
            if candidate.guest.ended:
                break
            continue
        verdict = _as_wanted(got.value, one.value)
        if verdict is False and _otherwise(got, one):
            doubt = doubt or "other_shape"
            continue
        fault = Fault("differs", call, call, shown(got.value), shown(one.value))
        if verdict and one.value is None and one.args_after is not None and not alike(one.args_after, tuple(one.entry.arguments)):
            verdict = got.args_after is not None and close(list(got.args_after), list(one.args_after))
            fault = Fault("changes", call, call, _changed(got.args_after), _changed(one.args_after))
        if verdict:
            passed += 1
        elif verdict is None:
            doubt = doubt or "opaque_value"
        elif one.entry.usual:
            return Sitting(passed, len(wanted), fault)
        else:
            doubt = doubt or "edge_differs"
    return Sitting(passed, len(wanted), doubt=doubt or ("" if wanted else "no_inputs"))


def _otherwise(got: Called, one: Wanted) -> bool:
    """The right values in another kind of sequence or number, or returned where the reference changes its argument."""
    if one.value is None and one.args_after is not None and got.value is not None and not opaque(got.value):
        given = tuple(one.entry.arguments)
        in_place = got.args_after is not None and close(list(got.args_after), list(one.args_after))
        returned = any(alike(got.value, new) and isinstance(new, MUTABLE) for new in one.args_after)
        return returned and (in_place or not alike(one.args_after, given) or alike(got.args_after, given))
    return type(got.value) is not type(one.value) and not opaque(got.value) and close(_plainer(got.value), _plainer(one.value))


def _plainer(value: Any) -> Any:
    """Sequences as lists and exact numbers as floats, so far as nothing else is lost by it."""
    if isinstance(value, (list, tuple, range)) or type(value).__name__ == "deque":
        return [_plainer(item) for item in value]
    if isinstance(value, (Decimal, Fraction)):
        try:
            return float(value)
        except (OverflowError, ValueError):
            return value
    return value


def _changed(arguments: tuple[Any, ...] | None) -> str:
    """Arguments after a call, one alone without its tuple."""
    return shown(arguments[0] if arguments is not None and len(arguments) == 1 else arguments)


def _as_wanted(value: Any, wanted: Any) -> bool | None:
    if opaque(value) or opaque(wanted):
        return None
    if isinstance(value, Iterated) and isinstance(wanted, Iterated):
        if value.complete and wanted.complete:
            return close(list(value), list(wanted))
        shared = min(len(value), len(wanted))  # cut off by time or by number: what did not come yet is unknown
        return None if close(list(value[:shared]), list(wanted[:shared])) else False
    return False if isinstance(value, Iterated) != isinstance(wanted, Iterated) else close(value, wanted)


def close(value: Any, wanted: Any) -> bool:
    """Equal, floats nearly."""
    if (isinstance(value, float) and isinstance(wanted, (int, float))) or (isinstance(wanted, float) and isinstance(value, (int, float))):
        return value == wanted or abs(value - wanted) <= 1e-9 * max(1.0, abs(value), abs(wanted)) or (value != value and wanted != wanted)
    if type(value) is not type(wanted) and not (isinstance(value, dict) and isinstance(wanted, dict)):
        return bool(value == wanted) if isinstance(value, (int, float)) and isinstance(wanted, (int, float)) else equal(value, wanted)
    if isinstance(value, dict):
        return value.keys() == wanted.keys() and all(close(item, wanted[key]) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return len(value) == len(wanted) and all(close(one, other) for one, other in zip(value, wanted, strict=True))
    return equal(value, wanted)


def sit_property(sandbox: Sandbox, candidate: Candidate, real: str, source: str, inputs: Sequence[Input], budget: Budget) -> Sitting:
    """``property(args, result)`` of every input that the candidate answers."""
    passed = total = 0
    doubt = ""
    asserts = "assert" in source
    with sandbox.start(budget.limits()) as judge:
        try:
            judge.run(source, "property")
        except Failure as failure:
            return Sitting(doubt="row", detail=f"the property does not run: {failure}")
        for entry in inputs:
            call = words_of_call(real, entry.arguments)
            total += 1
            try:
                got = candidate.guest.call(real, entry.arguments).value
            except Failure as failure:
                what = mishap(failure, candidate.guest)
                if what.sure and entry.usual:
                    return Sitting(passed, total, Fault(what.kind, call, call, what.type_name, message=what.message))
                doubt = doubt or (what.kind if not what.sure else "edge_differs")
                if candidate.guest.ended:
                    break
                continue
            if opaque(got):
                doubt = doubt or "opaque_value"
                continue
            try:
                held = judge.call("property", [list(entry.arguments), got]).value
            except Failure as failure:
                if failure.kind != "raised" or failure.type_name != "AssertionError":
                    return Sitting(passed, total, doubt="row", detail=f"the property fails: {failure}")
                held = False
            if held is True or (held is None and asserts):
                passed += 1
            elif held is not False:
                return Sitting(passed, total, doubt="row", detail=f"the property says {shown(held)}, neither True nor False")
            elif entry.usual:
                return Sitting(passed, total, Fault("property", call, call, shown(got)))
            else:
                doubt = doubt or "edge_differs"
    return Sitting(passed, total, doubt=doubt or ("" if total else "no_inputs"))
