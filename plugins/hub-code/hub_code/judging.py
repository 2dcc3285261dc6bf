"""From an answer to a verdict: read it, run the row's tests away from it, hold its own demonstrations against what it says of them.

In doubt the verdict is ``unverified``: a wrong certain one is worse than none. All words for learners are here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from adapters_hub import Attempt, Verdict
from adapters_hub.errors import HubError
from adapters_hub.plugins import NOT_MINE
from adapters_hub.sandbox import Failure, Sandbox, Unavailable, choose_sandbox
from adapters_hub.workers import WorkerDiedError, Workers, WorkerTimeoutError, available_cores
from hub_code.blocks import looks_like_python
from hub_code.claims import Agreement
from hub_code.costs import Measured, contradicts, shortest
from hub_code.demos import Performance, Printed, perform
from hub_code.exam import make_exam
from hub_code.growth import measure, place_of_n
from hub_code.inputs import Domain, Input, domain_of, domain_of_annotations, generate
from hub_code.preparing import Piece, Preparation, Version, definitions
from hub_code.promise import Promise, promise_of
from hub_code.running import (
    OWN_OBJECT,
    Budget,
    Candidate,
    Company,
    Fault,
    Mishap,
    Sitting,
    Wanted,
    ask_reference,
    sit_cases,
    sit_program,
    sit_property,
    sit_reference,
)

HARD_SECONDS = 10.0
"""No verdict takes longer."""
READ_SECONDS = 4.0
GROW_SECONDS = 1.0
MOST_INPUTS = 60
MOST_DEMOS = 6
FEW_PIECES = 4
"""In an answer of more blocks, what one of them builds on cannot be told for sure."""
LONGEST = 1_000_000
"""Characters of an answer that are read."""
CLEAR_FAULTS = frozenset(
    [
        "AssertionError",
        "TypeError",
        "IndexError",
        "KeyError",
        "ValueError",
        "AttributeError",
        "ZeroDivisionError",
        "UnboundLocalError",
        "RecursionError",
    ]
)
"""Exceptions that a demonstration which was meant to run can only have by mistake."""
LINTS = {
    "top_level_input": "lint_input",
    "network_import": "lint_network",
    "file_access": "lint_files",
    "dynamic_code": "lint_dynamic_code",
    "mutable_default": "lint_mutable_default",
    "bare_except": "lint_bare_except",
}


@dataclass(frozen=True)
class Settings:
    """What the options say."""

    seconds: float = 2.0
    demos: bool = True
    complexity: bool = True
    unsafe_exec: bool = False


def judge(attempt: Attempt, settings: Settings) -> Verdict:
    """The verdict on an answer."""
    deadline = time.monotonic() + HARD_SECONDS
    promise = promise_of(attempt.expected)
    if len(attempt.answer) > LONGEST * 2:
        return _unverified("too_long", "La respuesta es demasiado larga para comprobarla.")
    prepared = _prepared(attempt, promise)
    if isinstance(prepared, Verdict):
        return prepared
    promise = prepared.promise or promise
    verdict = _certain_without_running(attempt, promise, prepared)
    if verdict is None:
        verdict = _executed(attempt, promise, prepared, settings, deadline)
    lints = {LINTS[lint]: None for piece in prepared.pieces if not piece.quoted for lint in piece.reading.lints}
    return replace(verdict, warnings=tuple(dict.fromkeys((*verdict.warnings, *lints))))


# --- reading -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _workers(pid: int) -> Workers:
    """The reading children of this process, shared by all validators: one pool, or each would start its own."""
    return Workers("hub_code.preparing:work", count=available_cores(), memory=512 << 20)


def _prepared(attempt: Attempt, promise: Promise | None) -> Preparation | Verdict:
    usable = promise if promise and not promise.problem else None
    try:
        found = _workers(os.getpid()).call(("prepare", (attempt.answer, attempt.question, usable)), seconds=READ_SECONDS)
    except (WorkerTimeoutError, WorkerDiedError):
        return _unverified("too_complex", "El código es demasiado grande o enredado para leerlo.")
    assert isinstance(found, Preparation)
    if found.too_much:
        return _unverified("too_long", "La respuesta tiene demasiado código para comprobarlo.")
    return found


def _agreements(printed: Sequence[Printed]) -> list[Agreement]:
    try:
        found = _workers(os.getpid()).call(("agree", [(entry.claim, entry.output) for entry in printed]), seconds=READ_SECONDS)
    except HubError:  # an output that cannot be read agrees with nothing
        return ["unclear"] * len(printed)
    return list(found)


# --- without running -----------------------------------------------------------------------------


def _certain_without_running(attempt: Attempt, promise: Promise | None, prepared: Preparation) -> Verdict | None:
    """A verdict that needs no execution, None where it does."""
    if promise is not None and promise.problem:
        return _unverified("row", _DOUBT_WORDS["row"], promise.problem)
    tested = promise is not None and promise.testable
    if promise is not None and tested and not promise.name:
        return _unverified("row", _DOUBT_WORDS["row"], "entry_point is missing")
    if not prepared.pieces:
        if tested and prepared.somewhere:
            return _unverified("unreadable", "No se pudo distinguir el código del resto de la respuesta.")
        if tested:
            name = f" «{promise.name}»" if promise and promise.name else ""
            return _incorrect(
                "no_code",
                f"La respuesta no contiene el código que se pide{name}.",
                "Escribe el código Python completo en un bloque ```python.",
            )
        return Verdict("unverified", code=NOT_MINE, reason="La respuesta no contiene código Python.")
    if promise is not None and tested:
        found = _promised(promise, prepared)
        if found is not None:
            return found
        if prepared.exam is not None and prepared.exam.problem:
            return _unverified("row", _DOUBT_WORDS["row"], prepared.exam.problem)
        return None
    broken = next((piece for piece in prepared.pieces if piece.reading.error), None)
    if broken is not None:
        return _broken(broken)
    return None


def _promised(promise: Promise, prepared: Preparation) -> Verdict | None:
    """Is the promised function there, and can it be called as the tests do?"""
    if not prepared.versions:
        broken = [piece for piece in prepared.pieces if piece.reading.error]
        holding = [piece for piece in broken if promise.name in piece.reading.inner] or broken
        if holding:
            return _broken(holding[-1], needed=True)
        if prepared.somewhere or any(promise.name in piece.reading.inner or piece.reading.star for piece in prepared.pieces):
            return _unverified("nested_function", f"«{promise.name}» está dentro de otra definición y no se pudo probar.")
        if promise.name not in prepared.spoken and any(piece.reading.functions or piece.reading.classes for piece in prepared.pieces):
            return _unverified("other_name", "El código no se pudo probar: la función tiene otro nombre.")
        return _incorrect(
            "missing_function",
            f"El código no define «{promise.name}».",
            f"Define «{promise.name}» exactamente con ese nombre, en un bloque ```python completo.",
            piece=prepared.pieces[-1],
        )
    version = prepared.versions[0]
    signature = prepared.pieces[version.piece].reading.functions.get(version.name)
    counts = prepared.exam.counts if prepared.exam is not None else frozenset()
    if signature is not None and counts and not any(signature.takes(count) for count in counts) and len(prepared.versions) == 1:
        if version.name != promise.name:
            return _unverified("other_name", "El código no se pudo probar: la función tiene otro nombre y otros parámetros.")
        wanted = " o ".join(map(str, sorted(counts)))
        return _incorrect(
            "parameters",
            f"«{promise.name}» recibe {_count(len(signature.names), 'parámetro')}, pero debe poder llamarse con {wanted}.",
            f"Define «{promise.name}» con {_count(max(counts), 'parámetro')}.",
            piece=prepared.pieces[version.piece],
            extracted=f"{version.name}({', '.join(signature.names)})",
        )
    return None


def _broken(piece: Piece, needed: bool = False) -> Verdict:
    """A block that does not parse: wrong, unless it may be meant so. ``needed``: whatever it was meant for, it holds no function."""
    reading = piece.reading
    if reading.fragment in ("deep", "newer"):
        if reading.fragment == "deep":
            return _unverified("too_complex", "El código es demasiado grande o enredado para leerlo.", reading.error)
        return _unverified("newer_syntax", "El código no se pudo leer con esta versión de Python.", reading.error)
    truncated = not piece.block.closed and reading.at_end
    excused = bool(reading.fragment) or piece.demonstrates_error or piece.quoted or piece.block.session or not piece.block.marked
    if not needed and (truncated or excused):
        code = "truncated" if truncated else "fragment"
        return _unverified(code, "El código es un fragmento y no se comprobó.", reading.fragment)
    line = piece.block.source.split("\n")[reading.error_line - 1].strip() if reading.error_line else ""
    where = f"error en la línea {reading.error_line} del bloque"
    return _incorrect(
        "syntax",
        f"El código Python no se puede leer: {where} ({_in_spanish(reading.error)}).",
        f"Corrige el código: {where}{f' («{line[:80]}»)' if line else ''}. Escríbelo completo.",
        piece=piece,
        extracted=line[:200],
        evidence="parsed",
    )


_PARSER_WORDS = (
    ("expected ':'", "falta «:»"),
    ("was never closed", "falta cerrar un paréntesis, corchete o llave"),
    ("does not match opening", "un paréntesis o corchete se cierra con otro"),
    ("unmatched", "sobra un paréntesis, corchete o llave"),
    ("unterminated", "falta cerrar una cadena de texto"),
    ("unexpected indent", "sangría inesperada"),
    ("unindent", "la sangría no coincide"),
    ("expected an indented block", "falta el bloque con sangría"),
    ("inconsistent use of tabs", "se mezclan tabuladores y espacios"),
    ("Missing parentheses", "faltan los paréntesis de la llamada"),
    ("cannot assign", "no se puede asignar ahí"),
    ("perhaps you forgot a comma", "quizá falta una coma"),
    ("null byte", "contiene un carácter nulo"),
    ("invalid character", "carácter no válido"),
    ("invalid non-printable", "carácter invisible no válido"),
    ("unexpected EOF", "el código termina antes de tiempo"),
)


def _in_spanish(message: str) -> str:
    return next((spanish for words, spanish in _PARSER_WORDS if words in message), "sintaxis no válida")


# --- running -------------------------------------------------------------------------------------


def _executed(attempt: Attempt, promise: Promise | None, prepared: Preparation, settings: Settings, deadline: float) -> Verdict:
    tested = promise is not None and promise.testable
    runnable = [piece for piece in prepared.pieces if not piece.quoted and not piece.reading.error]
    if not tested and not runnable:
        return _unverified("quoted", "La respuesta solo repite el código de la pregunta.")
    try:
        sandbox = choose_sandbox(unsafe_exec=settings.unsafe_exec)
        trouble = _self_test(os.getpid(), settings.unsafe_exec)
    except Unavailable as error:
        return _unverified(
            "no_sandbox",
            "El código no se ejecutó: aquí no hay un entorno aislado donde hacerlo.",
            error.message,
            evidence="parsed",
            score=0.5,
        )
    if trouble:
        return _unverified(
            "self_test", "El código no se ejecutó: el entorno aislado no pasó su propia prueba.", trouble, evidence="parsed", score=0.5
        )
    budget = Budget(settings.seconds, deadline - 0.3)
    try:
        verdict = _tested(promise, prepared, sandbox, budget) if tested and promise is not None else None
        if verdict is not None and (verdict.outcome != "correct" or verdict.warnings):
            return _careful(verdict, sandbox)
        shown = _demonstrated(attempt, prepared, sandbox, budget, settings)
        if verdict is None:
            return _careful(shown, sandbox)
        return _careful(shown, sandbox) if shown.outcome == "incorrect" else verdict
    except Failure as failure:  # the sandbox itself gave way: no guest could be started
        return _unverified("sandbox_failed", "El código no se pudo ejecutar.", str(failure))


def _careful(verdict: Verdict, sandbox: Sandbox) -> Verdict:
    """An interpreter that is not Python itself may fail where Python does not."""
    if verdict.outcome == "incorrect" and not sandbox.faithful and verdict.evidence.startswith("executed"):
        return _unverified(
            "partial_interpreter",
            "El código falló en un intérprete reducido; no se pudo confirmar.",
            verdict.reason,
            evidence=verdict.evidence,
        )
    return verdict


def _self_test(pid: int, unsafe_exec: bool) -> str:
    """A right and a wrong answer must get their verdicts before any other gets one; returns what went wrong.

    A machine where this fails would call every answer wrong. What went wrong for a moment is tried again with the next answer."""
    try:
        _tested_itself(pid, unsafe_exec)
    except _NotTrusted as problem:
        return str(problem)
    return ""


class _NotTrusted(Exception):
    """The sandbox or this judge does not do what it should."""


@lru_cache(maxsize=4)  # once per process and sandbox; exceptions are not kept
def _tested_itself(pid: int, unsafe_exec: bool) -> None:
    problem = _trial(unsafe_exec)
    if problem:
        raise _NotTrusted(problem)


def _trial(unsafe_exec: bool) -> str:
    """What goes wrong with answers of our own; empty: nothing."""
    sandbox = choose_sandbox(unsafe_exec=unsafe_exec)
    cases = make_exam(Promise("suma", "assert suma(1, 2) == 3\nassert suma(-1, 1) == 0"))
    program = make_exam(Promise("suma", "for n in (1, 2):\n    assert sorted([suma(n, n), 0]) == [0, 2 * n]"))
    for code, passing in (("def suma(a, b):\n    return a + b\n", True), ("def suma(a, b):\n    return a - b\n", False)):
        for exam in (cases, program):
            budget = Budget(2.0, time.monotonic() + HARD_SECONDS)
            try:
                with Candidate(sandbox, [code], budget) as candidate:
                    if candidate.problem is not None:
                        return f"a sound program does not run: {candidate.problem.kind} {candidate.problem.message}"
                    if exam is cases:
                        sitting = sit_cases(candidate, "suma", exam.cases, exam.texts)
                    else:
                        sitting = sit_program(sandbox, candidate, "suma", "suma", exam, Company(), budget)
            except Failure as failure:
                return str(failure)
            if sitting.doubt and exam is program and not sandbox.faithful:
                continue  # tests that are programs stay unverified there
            if (sitting.fault is None) != passing or sitting.doubt:
                return f"a {'right' if passing else 'wrong'} answer passed {sitting.passed} of {sitting.total} tests {sitting.doubt}"
    return ""


# --- the row's tests -----------------------------------------------------------------------------


def _tested(promise: Promise, prepared: Preparation, sandbox: Sandbox, budget: Budget) -> Verdict:
    """The verdict of the tests on the last version of the promised function; earlier versions may only raise doubts."""
    first = prepared.versions[0]
    verdict = _sat(promise, prepared, first, sandbox, budget)
    if verdict.outcome != "incorrect":
        return verdict
    parameters = prepared.pieces[first.piece].reading.functions.get(first.name)
    if first.name != promise.name and (parameters is None or len(parameters.names) != 1):
        return _unverified(
            "other_name", "El código no se pudo probar: la función tiene otro nombre y quizá otros parámetros.", verdict.reason
        )
    if prepared.pieces[first.piece].reading.skeleton:
        return _unverified("fragment", "El código es un esqueleto por completar.", verdict.reason)
    if first.quoted:
        return _unverified("quoted", "La respuesta solo repite el código de la pregunta.", verdict.reason)
    if first.missing and verdict.code == "raises" and "NameError" in verdict.reason:
        imported = first.missing <= frozenset(("List", "Dict", "Tuple", "Set", "Optional", "Any"))
        if not imported:
            return _unverified("incomplete", f"El código usa «{min(first.missing)}», que no se define en la respuesta.", verdict.reason)
    for version in prepared.versions[1:]:
        if not version.quoted and _sat(promise, prepared, version, sandbox, budget).outcome == "correct":
            return _unverified(
                "several_versions", "La respuesta trae varias versiones de la función y no todas pasan las pruebas.", verdict.reason
            )
    return verdict


def _sat(promise: Promise, prepared: Preparation, version: Version, sandbox: Sandbox, budget: Budget) -> Verdict:
    """All parts of the row on one version of the function, up to the first that fails."""
    piece = prepared.pieces[version.piece]
    evidence = f"executed: {sandbox.tier}"
    inputs = _inputs(promise, prepared) if promise.reference or promise.rule else []
    wanted: list[Wanted] = []
    if promise.reference:
        with Candidate(sandbox, [promise.reference], budget) as right:
            problem = _unfit(promise, prepared, right, sandbox, budget)
            if problem:
                return _doubtful(Sitting(doubt="row", detail=problem), 0.0, evidence)
            told = ask_reference(right, promise.name, inputs)
            if told is None:
                return _doubtful(Sitting(doubt="slow_tests"), 0.0, evidence)
            wanted = told
            budget = replace(budget, seconds=min(max(budget.seconds, 10 * right.guest.seconds), HARD_SECONDS))
    sittings: list[Sitting] = []
    warnings: tuple[str, ...] = ()
    parts = {"exam": prepared.exam is not None, "reference": bool(promise.reference), "rule": bool(promise.rule)}
    for part in (part for part, present in parts.items() if present):
        with Candidate(sandbox, version.sources, budget) as candidate:
            if candidate.problem is not None:
                return _not_loaded(candidate.problem, piece, evidence)
            if version.name not in candidate.names:
                return _unverified("other_name", f"«{version.name}» no quedó definida al ejecutar el código.", evidence=evidence)
            if part == "exam":
                sitting = _examined(promise, prepared, version.name, candidate, sandbox, budget)
                if sitting.detail == OWN_OBJECT and prepared.other_exam is not None:
                    sitting = _with_their_classes(promise, prepared, version, sandbox, budget)
            elif part == "reference":
                sitting = sit_reference(candidate, version.name, wanted)
            else:
                sitting = sit_property(sandbox, candidate, version.name, promise.rule, inputs, budget)
            if candidate.unfinished is not None:
                warnings = (f"demo_{candidate.unfinished.kind}",)
        sittings.append(sitting)
        if sitting.fault is not None or sitting.doubt:
            break
    passed, total = sum(entry.passed for entry in sittings), sum(entry.total for entry in sittings)
    score = round(passed / total, 4) if total else 0.0
    last = sittings[-1]
    if last.fault is not None:
        return _failed(last.fault, passed, total, min(score, 0.99), piece, evidence)
    if last.doubt:
        return _doubtful(last, score, evidence)
    reason = "Pasa la prueba." if total == 1 else f"Pasa las {total} pruebas."
    return Verdict(
        "correct", 1.0, "ok", reason, "", piece.block.source[:2000].strip(), piece.block.span, evidence=evidence, warnings=warnings
    )


def _with_their_classes(promise: Promise, prepared: Preparation, version: Version, sandbox: Sandbox, budget: Budget) -> Sitting:
    """The tests pass objects of their own classes, which cannot travel: define those classes beside the answer instead."""
    exam = prepared.other_exam
    assert exam is not None
    company = _company(prepared)
    company = replace(company, classes=company.classes | exam.classes)
    with Candidate(sandbox, [f"{exam.supply}\n\n{source}" for source in version.sources], budget) as candidate:
        if candidate.problem is not None:
            return Sitting(doubt="opaque_value", detail=candidate.problem.message)
        return sit_program(sandbox, candidate, promise.name, version.name, exam, company, budget)


def _unfit(promise: Promise, prepared: Preparation, right: Candidate, sandbox: Sandbox, budget: Budget) -> str:
    """Why the reference cannot be one."""
    if right.problem is not None or promise.name not in right.names:
        return f"the reference does not define {promise.name}: {right.problem.message if right.problem else ''}"
    if prepared.exam is not None:
        sitting = _examined(promise, prepared, promise.name, right, sandbox, budget)
        if sitting.fault is not None:
            return f"the reference fails the row's own tests: {sitting.fault.test}"
    return ""


def _examined(promise: Promise, prepared: Preparation, real: str, candidate: Candidate, sandbox: Sandbox, budget: Budget) -> Sitting:
    exam = prepared.exam
    assert exam is not None
    if exam.cases:
        return sit_cases(candidate, real, exam.cases, exam.texts)
    return sit_program(sandbox, candidate, promise.name, real, exam, _company(prepared), budget)


def _company(prepared: Preparation) -> Company:
    readings = [piece.reading for piece in prepared.pieces]
    return Company(
        {name: source for reading in readings for name, source in reading.imported.items()},
        dict(prepared.helpers),
        prepared.mentioned,
        prepared.spoken,
        frozenset().union(*(reading.classes for reading in readings)),
    )


def _inputs(promise: Promise, prepared: Preparation) -> list[Input]:
    """Given inputs first, then those made after them, after the tests' calls, or after annotations."""
    examples = [*promise.inputs, *(prepared.exam.calls if prepared.exam else ())]
    domain: Domain | None = domain_of(examples)
    if domain is None and not examples and prepared.reference is not None:
        domain = domain_of_annotations(prepared.reference.annotations.get(promise.name, ()))
    if domain is None:
        return [Input(tuple(arguments)) for arguments in promise.inputs]
    return generate(domain, max(MOST_INPUTS, len(domain.examples)))


def _not_loaded(problem: Mishap, piece: Piece, evidence: str) -> Verdict:
    if (problem.kind == "raised" and problem.type_name in ("NameError", "EOFError")) or not problem.sure:
        return _unverified(
            _DOUBTS.get(problem.kind, "incomplete"),
            "El código no se pudo ejecutar completo.",
            f"{problem.type_name} {problem.message}",
            evidence=evidence,
        )
    fault = Fault(problem.kind, "", "", problem.type_name, message=problem.message)
    return _failed(fault, 0, 0, 0.0, piece, evidence)


_DOUBTS = {
    "slow": "slow",
    "blocked": "blocked",
    "missing_module": "missing_module",
    "opaque_value": "opaque_value",
    "unsupported": "unsupported",
    "died": "died",
    "output": "prints_too_much",
}
_DOUBT_WORDS = {
    "slow": "El código no terminó a tiempo en esta máquina ocupada.",
    "slow_tests": "Las pruebas no terminaron a tiempo.",
    "blocked": "El código usa archivos, red u otros recursos que aquí no se permiten.",
    "missing_module": "El código usa un módulo que aquí no está instalado.",
    "opaque_value": "El código devuelve un objeto propio que no se puede comparar.",
    "unsupported": "El intérprete disponible no entiende todo el código.",
    "died": "El código terminó de forma inesperada.",
    "output": "El código imprime demasiado.",
    "row": "Esta pregunta no se puede comprobar: sus pruebas están mal escritas.",
    "edge_differs": "Pasa los casos normales, pero difiere en un caso borde que la pregunta no aclara.",
    "no_inputs": "No hay datos con los que probar la función.",
    "rounding": "Difiere de lo esperado solo en el redondeo de los decimales.",
    "other_shape": "Da los valores correctos, pero de otra forma que la referencia; la pregunta no aclara cuál se pide.",
    "own_word": "El resultado no se pudo comprobar: el código interfiere con lo que se compara.",
    "leans": "Las pruebas dependen de otras definiciones de la propia respuesta.",
}


def _doubtful(sitting: Sitting, score: float, evidence: str) -> Verdict:
    code = {"leans": "leans_on_answer", "output": "prints_too_much"}.get(sitting.doubt, sitting.doubt)
    return _unverified(
        code, _DOUBT_WORDS.get(sitting.doubt, "El código no se pudo comprobar."), sitting.detail, evidence=evidence, score=score
    )


def _failed(fault: Fault, passed: int, total: int, score: float, piece: Piece, evidence: str) -> Verdict:
    """An incorrect verdict in words: what was called, what came out, what should have."""
    what = fault.call or (f"la prueba «{_short(fault.test)}»" if fault.test else "el código")
    share = f" Pasa {passed} de {total} pruebas." if total > 1 else ""
    code, got = fault.kind, fault.got
    if fault.kind == "differs":
        code, reason, hint = _difference(fault)
    elif fault.kind == "changes":
        code, reason = "test_failed", f"{what} deja {_short(fault.got)}; se esperaba {_short(fault.expected)}."
        hint = f"Corrige el código: {what} debe dejar {_short(fault.expected)}, pero deja {_short(fault.got)}."
    elif fault.kind == "broke":
        code, reason = "test_failed", f"No se cumple «{_short(fault.test)}»: {_short(fault.message)}."
        hint = f"Corrige el código para que se cumpla: {_short(fault.test)}."
    elif fault.kind in ("raised", "asserts"):
        error = f"{fault.got}: {fault.message}" if fault.message else fault.got
        code = "raises"
        reason = f"{_opening(what, fault)} falló con {_short(error)}."
        hint = f"Corrige el código: {what} no debe fallar con {fault.got}."
        if fault.kind == "asserts":
            code, reason, hint = (
                "test_failed",
                f"No se cumple la prueba: {_short(fault.message or what)}.",
                f"Corrige el código: falló en {what}.",
            )
        got = error
    elif fault.kind == "property":
        code, reason = "test_failed", f"{what} devolvió {_short(fault.got)}, que no cumple lo que se pide."
        hint = f"Corrige el código: {what} no cumple lo que se pide."
    elif fault.kind == "syntax":
        reason = f"El código no se puede ejecutar: {_in_spanish(fault.message)}."
        hint = "Corrige el código y escríbelo completo."
    else:
        code, words = _ENDINGS.get(fault.kind, ("raises", "falló"))
        reason, hint = f"{_opening(what, fault)} {words}.", f"Corrige el código: {what} {words}."
    return _incorrect(
        code, reason + share, hint, piece=piece, extracted=got[:300], expected=fault.expected[:300], evidence=evidence, score=score
    )


_ENDINGS = {
    "timeout": ("timeout", "no termina o tarda demasiado"),
    "memory": ("memory", "gasta demasiada memoria"),
    "exit": ("exits", "termina el programa en lugar de devolver un resultado"),
}


def _difference(fault: Fault) -> tuple[str, str, str]:
    got, expected = _short(fault.got), _short(fault.expected)
    if fault.prints:
        reason = f"{fault.call} imprime {expected} en lugar de devolverlo con return."
        return "prints_instead", reason, "Devuelve el resultado con return en lugar de imprimirlo."
    if fault.call and fault.operator in ("==", "is", "true", "false"):
        reason = f"{fault.call} devolvió {got}; se esperaba {expected}."
        return "test_failed", reason, f"Corrige el código: {fault.call} debe dar {expected}, pero da {got}."
    if fault.operator == "fail":
        return (
            "test_failed",
            f"No se cumple la prueba: {_short(fault.test)}.",
            f"Corrige el código para que se cumpla: {_short(fault.test)}.",
        )
    seen = f" ({_short(fault.message)})" if fault.message else ""
    wanted = f"; se esperaba {expected}" if fault.operator == "==" else ""
    reason = f"No se cumple «{_short(fault.test)}»: dio {got}{wanted}{seen}."
    return "test_failed", reason, f"Corrige el código para que se cumpla: {_short(fault.test)}."


# --- the answer's own demonstrations -------------------------------------------------------------


def _demonstrated(attempt: Attempt, prepared: Preparation, sandbox: Sandbox, budget: Budget, settings: Settings) -> Verdict:
    """Nothing here makes an answer correct; a clear contradiction makes it incorrect."""
    evidence = f"executed: {sandbox.tier}"
    pieces = [piece for piece in prepared.pieces if not piece.quoted and not piece.reading.error][:MOST_DEMOS]
    held = ran = 0
    doubt: Verdict | None = None
    for piece in pieces if settings.demos else ():
        alone = not piece.before.strip() or len(prepared.pieces) <= FEW_PIECES
        performance = perform(sandbox, piece.before, piece, budget)
        if performance.problem is not None:
            problem = _demo_problem(attempt, piece, performance, evidence, alone)
            if problem.outcome == "incorrect":
                return problem
            doubt = doubt or problem
        ran += performance.ran
        for entry, agreement in zip(performance.printed, _agreements(performance.printed), strict=True):
            held += agreement == "holds"
            given = entry.line > 0 and entry.source in attempt.question  # an example that the question gives is not the answer's claim
            if (
                agreement == "differs"
                and not given
                and not piece.demonstrates_error
                and not piece.changing
                and alone
                and _ordered(entry, piece)
            ):
                return _contradicted(entry, piece, evidence)
    if settings.complexity:
        for piece in pieces:
            found = _too_costly(piece, prepared, sandbox, budget, evidence)
            if found is not None:
                return found
    if doubt is not None:
        return doubt
    if held:
        return _unverified("examples_hold", "El código hace lo que la respuesta dice; no hay otras pruebas.", evidence=evidence, score=1.0)
    if ran:
        return _unverified("runs", "El código se ejecuta sin errores; no hay pruebas de que sea correcto.", evidence=evidence, score=0.5)
    return _unverified("form_ok", "El código se puede leer; no hay pruebas de que sea correcto.", evidence="parsed", score=0.5)


def _ordered(entry: Printed, piece: Piece) -> bool:
    """What is claimed does not hang on the order of a set."""
    return not piece.unordered or entry.claim.text.lstrip()[:1] in "0123456789-{TFN"


def _demo_problem(attempt: Attempt, piece: Piece, performance: Performance, evidence: str, alone: bool) -> Verdict:
    """An example that ended early: incorrect when nothing else can be to blame. ``alone``: it hangs on little that came before."""
    problem = performance.problem
    assert problem is not None
    clear = problem.kind == "raised" and problem.type_name in CLEAR_FAULTS and problem.sure and not _of_this_python(problem.message)
    announced = piece.demonstrates_error or problem.type_name in attempt.answer
    program = looks_like_python(piece.block.source) and "..." not in piece.block.source and alone
    if not clear or announced or not program or performance.context or piece.missing or piece.reading.star or piece.changing:
        code = {"raised": "incomplete", "syntax": "fragment", "output": "prints_too_much"}.get(problem.kind, problem.kind)
        return _unverified(
            code,
            _DOUBT_WORDS.get(problem.kind, "El código de la respuesta no se pudo ejecutar completo."),
            f"{problem.type_name} {problem.message}",
            evidence=evidence,
        )
    where = _short(performance.statement.split("\n")[-1].strip())
    error = f"{problem.type_name}: {problem.message}" if problem.message else problem.type_name
    return _incorrect(
        "raises",
        f"El propio ejemplo de la respuesta falla con {_short(error)}.",
        f"Corrige el código: al ejecutarlo falla con {_short(error)} (en «{where}»).",
        piece=piece,
        extracted=error[:300],
        evidence=evidence,
    )


def _of_this_python(message: str) -> bool:
    """Another version of Python may not complain."""
    return message.startswith("module ") or "__format__" in message or "unexpected keyword argument" in message


def _contradicted(entry: Printed, piece: Piece, evidence: str) -> Verdict:
    claim = _short(entry.claim.text if entry.claim.whole else entry.claim.text.split("\n")[0]).rstrip(" .")
    output = _short(entry.output)
    what = f"«{_short(entry.source)}»" if entry.source else "el código"
    return _incorrect(
        "output_differs",
        f"La respuesta dice que {what} da {claim}, pero da {output}.",
        f"Corrige el código o lo que dices de él: {what} da {output}, no {claim}.",
        piece=piece,
        extracted=claim,
        expected=output,
        evidence=evidence,
    )


def _too_costly(piece: Piece, prepared: Preparation, sandbox: Sandbox, budget: Budget, evidence: str) -> Verdict | None:
    """A claim about the cost that the measured growth contradicts beyond doubt."""
    claims = [claim for claim in piece.costs if not claim.exponential]
    if not claims or len({claim.name for claim in claims}) != 1 or len(piece.reading.functions) != 1 or piece.missing:
        return None
    name = next(iter(piece.reading.functions))
    calls = piece.reading.calls.get(name, ())
    tested = prepared.versions and prepared.versions[0].name == name
    examples = [*calls, *(prepared.exam.calls if tested and prepared.exam else ())]
    domain = domain_of(examples)
    place = place_of_n(domain) if domain is not None else None
    left = budget.deadline - time.monotonic()
    if domain is None or place is None or left < GROW_SECONDS + 0.5:
        return None
    source = piece.before + definitions(piece.block.source, piece.reading)
    measured = measure(sandbox, source, name, domain, place, GROW_SECONDS)
    by_time = piece.reading.hidden and domain.shapes[place].kind != "int"  # whole numbers that grow take time of their own
    if not contradicts(claims[0], measured, by_time):
        return None
    if not contradicts(claims[0], measured, False):  # time is noisy: the shortest of three measurements must say the same
        if budget.deadline - time.monotonic() < 2 * GROW_SECONDS + 0.5:
            return None
        for _ in range(2):
            measured = shortest(measured, measure(sandbox, source, name, domain, place, GROW_SECONDS))
        if not contradicts(claims[0], measured, True):
            return None
    growth = ", ".join(_grown(entry) for entry in measured[-3:])
    return _incorrect(
        "complexity_differs",
        f"La respuesta dice que «{name}» cuesta {claims[0].name}, pero al medirla crece más rápido.",
        f"Revisa el costo: «{name}» no es {claims[0].name} (medido: {growth}).",
        piece=piece,
        extracted=claims[0].name,
        expected=f"más que {claims[0].name} ({growth})",
        evidence=evidence,
        score=0.5,
    )


def _grown(entry: Measured) -> str:
    return f"n={entry.size}: {entry.lines} líneas, {1000 * entry.seconds:.2g} ms"


# --- words ---------------------------------------------------------------------------------------


def _incorrect(
    code: str,
    reason: str,
    hint: str,
    *,
    piece: Piece | None = None,
    extracted: str = "",
    expected: str = "",
    evidence: str = "parsed",
    score: float = 0.0,
) -> Verdict:
    span = piece.block.span if piece is not None else None
    return Verdict(
        "incorrect", score, code, _clean(reason), _clean(hint), _clean(extracted), span, evidence=evidence, expected=_clean(expected)
    )


def _unverified(code: str, reason: str, detail: str = "", *, evidence: str = "", score: float = 0.0) -> Verdict:
    shown = f"{evidence} ({_clean(detail)[:200]})" if detail else evidence
    return Verdict("unverified", score, code, _clean(reason), evidence=shown.strip())


def _clean(text: str) -> str:
    """Without what steers a terminal or cannot be stored: the text comes from strangers."""
    plain = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text[:1000])
    return plain.encode("utf-8", "replace").decode("utf-8")


def _short(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= 160 else one[:159] + "…"


def _opening(what: str, fault: Fault) -> str:
    """At the beginning of a sentence; a call keeps its letters."""
    return what if fault.call else what[:1].upper() + what[1:]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
