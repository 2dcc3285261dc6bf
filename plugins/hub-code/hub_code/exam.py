"""A row's tests made into a program that runs away from the candidate and reports on every ``assert``.

The tests' names for the answer's functions and classes stay free: whoever runs the program supplies stand-ins (``examiner``). Tests
that only compare calls on plain data with plain data are also given as data, since they need no program at all.
Runs in a worker. Knows nothing of answers and sandboxes.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub_code.promise import Promise
from hub_code.reading import FILENAME, KNOWN, examples_in

CANDIDATE = "_hub_candidate"
"""Name of what is passed to ``check``."""
OPERATORS: dict[type[ast.cmpop], str] = {
    **{ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"},
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="},
}


@dataclass(frozen=True)
class Case:
    """``assert f(arguments) == expected`` on plain data."""

    number: int
    arguments: tuple[Any, ...]
    operator: str
    """``==``, ``!=``, ``is``, ``is not``, ``true`` or ``false``."""
    expected: Any = None


@dataclass(frozen=True)
class Exam:
    """The tests of one row."""

    program: str = ""
    """Source to run beside the stand-ins."""
    texts: tuple[str, ...] = ()
    """Every assert in the author's words."""
    cases: tuple[Case, ...] = ()
    """The same as data; empty when one of them is more than that."""
    needs: frozenset[str] = frozenset()
    """Names that the tests use and do not define."""
    calls: tuple[tuple[Any, ...], ...] = ()
    """Plain arguments of calls of the tested function, with or without an expected value."""
    counts: frozenset[int] = frozenset()
    """Numbers of positional arguments it is called with; empty where one call cannot be counted."""
    asks_type: bool = False
    classes: frozenset[str] = frozenset()
    """Classes that were taken out of the program ..."""
    told: frozenset[str] = frozenset()
    """Names of functions and classes that are called with what the tested function gave."""
    supply: str = ""
    """... and the source that defines them."""
    problem: str = ""
    """Why these tests cannot be used."""


def make_exam(promise: Promise, *, move_classes: bool = False) -> Exam:
    """The exam of a promise with tests or a check. Problems are told, not raised.

    ``move_classes``: the classes that the tests define are to be defined beside the answer, since their objects cannot travel."""
    try:
        sources = [promise.setup, _without_prompts(promise.tests), promise.check]
        trees = [ast.parse(source, FILENAME) for source in sources]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Exam(problem=f"the tests cannot be read: {error}")
    setup, tests, check = trees
    if promise.check and not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in check.body):
        return Exam(problem="the check defines no function check(candidate)")
    called = any(_calls(node, "check") for node in check.body)
    body = [*setup.body, *tests.body, *check.body]
    moved = [node for node in body if isinstance(node, ast.ClassDef)] if move_classes else []
    needed = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)] if moved else []
    body = [node for node in body if node not in moved]
    if promise.check and not called:
        body.append(ast.parse(f"check({CANDIDATE})").body[0])
    problem, calls = _uncalled(body)
    if problem:
        return Exam(problem=problem)
    body += calls
    if not any(isinstance(node, ast.Assert | ast.Raise) for part in body for node in ast.walk(part)):
        return Exam(problem="the tests hold no assert")
    whole = ast.Module(body, [])
    try:
        made = _exam(promise, whole, setup, tests, check)
        supply = "\n".join(ast.unparse(node) for node in [*needed, *moved])
        return replace(made, classes=frozenset(node.name for node in moved), supply=supply)
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        return Exam(problem=f"the tests cannot be read: {error}")


def _uncalled(body: list[ast.stmt]) -> tuple[str, list[ast.stmt]]:
    """Calls of the functions ``test_...`` that nobody calls, as pytest would; or why the tests are for a tool that is not here."""
    read = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    calls: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.ClassDef) and any("TestCase" in ast.unparse(base) for base in node.bases):
            return "tests of unittest are not run", []
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test") and node.name not in read:
            if node.args.args or node.args.kwonlyargs or node.decorator_list:
                return f"{node.name} is called by nobody", []
            calls += ast.parse(f"{node.name}()").body
    return "", calls


def _exam(promise: Promise, whole: ast.Module, setup: ast.Module, tests: ast.Module, check: ast.Module) -> Exam:
    origins = _origins(whole, {promise.name, "candidate"})
    texts = _Texts(promise.name if promise.check else "", origins)
    told = frozenset(_told(whole, {promise.name, "candidate"}, set(origins)))
    plain = None if setup.body else _only_asserts(tests, check)
    cases = [_case(number, node, name or promise.name) for number, (node, name) in enumerate(plain or ())]
    cases = cases if None not in cases and promise.name else []
    arguments, counts = _arguments(whole, promise)
    program = ast.unparse(ast.fix_missing_locations(texts.visit(whole)))
    return Exam(
        program,
        tuple(texts.texts),
        tuple(case for case in cases if case is not None),
        frozenset(_needs(program) | ({promise.name} if promise.name and promise.check else set())),
        arguments,
        counts,
        any(isinstance(node, ast.Name) and node.id == "type" for node in ast.walk(whole)),
        told=told,
    )


def _only_asserts(tests: ast.Module, check: ast.Module) -> list[tuple[ast.Assert, str]] | None:
    """Every assert with the name it calls the tested function by (empty: its own), where there is nothing else; None where there is."""
    found: list[tuple[ast.Assert, str]] = []
    for node in [*tests.body, *check.body]:
        if isinstance(node, ast.FunctionDef) and node.name == "check" and node in check.body and len(node.args.args) == 1:
            found += [(inner, node.args.args[0].arg) for inner in node.body if isinstance(inner, ast.Assert)]
            if not all(isinstance(inner, ast.Assert | ast.Pass) or _is_text(inner) for inner in node.body):
                return None
        elif isinstance(node, ast.Assert):
            found.append((node, ""))
        elif not _calls(node, "check"):
            return None
    return [(node, name) for node, name in found if not _holds_anyway(node)]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _holds_anyway(node: ast.Assert) -> bool:
    return isinstance(node.test, ast.Constant) and bool(node.test.value)


def _without_prompts(tests: str) -> str:
    """Tests written as an interactive session are asserts in other words."""
    if ">>>" not in tests:
        return tests
    lines = []
    for example in examples_in(tests):
        want = example.want.strip()
        if not want:
            lines.append(example.source)
            continue
        try:
            ast.literal_eval(want)
            lines.append(f"assert ({example.source.strip()}) == ({want})")
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            lines.append(f"assert repr({example.source.strip()}) == {want!r}")
    return "\n".join(lines)


def _calls(node: ast.stmt, name: str) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name


def _needs(program: str) -> set[str]:
    """Global names that the program reads and nowhere binds."""
    bound: set[str] = set()
    used: set[str] = set()
    waiting = [symtable.symtable(program, FILENAME, "exec")]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        for symbol in scope.get_symbols():
            if scope.get_type() == "module" or symbol.is_global():
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    bound.add(symbol.get_name())
                if symbol.is_referenced():
                    used.add(symbol.get_name())
    return {name for name in used - bound - KNOWN if not name.startswith("_hub")}


# --- every assert reports ------------------------------------------------------------------------


class _Texts(ast.NodeTransformer):
    """Replaces each assert by statements that report its outcome, and remembers what it said."""

    def __init__(self, name: str, origins: Mapping[str, frozenset[str]]) -> None:
        """``origins``: names that hold what a call of the answer gave, and the names of what it was given."""
        self.texts: list[str] = []
        self._origins = origins
        self._name = name
        self._swallowed = 0

    def _made_of(self, side: ast.expr) -> frozenset[str]:
        names = _read(side)
        return names.union(*(self._origins.get(name, frozenset()) for name in names))

    def visit_Try(self, node: ast.Try) -> ast.AST:
        caught = [handler.type for handler in node.handlers]
        names = {name.id for kind in caught if kind is not None for name in ast.walk(kind) if isinstance(name, ast.Name)}
        swallows = None in caught or bool(names & _SWALLOW)
        self._swallowed += swallows
        node.body = self._all(node.body)
        self._swallowed -= swallows
        for handler in node.handlers:
            handler.body = self._all(handler.body)
        node.orelse, node.finalbody = self._all(node.orelse), self._all(node.finalbody)
        return node

    def _all(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in statements:
            found = self.visit(statement)
            made += found if isinstance(found, list) else [found]
        return made

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """``is`` between two things that may be stand-ins of one object."""
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Is | ast.IsNot) or any(isinstance(side, ast.Constant) for side in sides):
            return node
        same = ast.Call(ast.Attribute(ast.Name("_hub", ast.Load()), "same", ast.Load()), sides, [])
        return same if isinstance(node.ops[0], ast.Is) else ast.UnaryOp(ast.Not(), same)

    def visit_Assert(self, node: ast.Assert) -> Any:
        if _holds_anyway(node):
            return node
        number = len(self.texts)
        constant = isinstance(node.test, ast.Constant)
        told = node.msg.value if constant and isinstance(node.msg, ast.Constant) else None
        text = ast.unparse(node.test)[:500] if not isinstance(told, str) else told[:500]
        self.texts.append(re.sub(r"\bcandidate\(", f"{self._name}(", text) if self._name else text)
        if self._swallowed:  # the test itself decides what a failure means
            return self.generic_visit(node)
        test = node.test
        self.generic_visit(test)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            operator = OPERATORS[type(test.ops[0])]
            compared = ast.unparse(ast.Compare(ast.Name("_hub_left"), test.ops, [ast.Name("_hub_right")]))
            if operator in ("is", "is not"):
                compared = f"_hub.same(_hub_left, _hub_right) is {operator == 'is'}"
            shared = sorted(self._made_of(test.left) & self._made_of(test.comparators[0])) if operator not in ("is", "is not") else []
            body = [
                ast.Assign([ast.Name("_hub_left", ast.Store())], test.left),
                ast.Assign([ast.Name("_hub_right", ast.Store())], test.comparators[0]),
                *(ast.parse(f"_hub.shared(lambda: ({', '.join(shared)},))").body if shared else ()),
                *ast.parse(f"_hub.note({number}, {operator!r}, _hub_left, _hub_right, {compared})").body,
            ]
        else:
            negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
            inner = test.operand if isinstance(test, ast.UnaryOp) and negated else test
            kind = "'fail'" if constant else "'false'" if negated else "'true'"
            outcome = "not _hub_left" if negated else "_hub_left"
            body = [
                ast.Assign([ast.Name("_hub_left", ast.Store())], inner),
                *ast.parse(f"_hub.note({number}, {kind}, _hub_left, None, {outcome})").body,
            ]
        before = ast.parse(f"_hub.begin({number})").body
        failed = ast.parse(f"_hub.failed({number}, _hub_error)").body
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), "_hub_error", list(failed))
        return [*before, ast.Try([*body], [handler], [], [])]


_SWALLOW = frozenset(("AssertionError", "Exception", "BaseException"))


def _read(side: ast.expr) -> frozenset[str]:
    """Variables that an expression reads, those of its own loops and what it calls left out."""
    own = {node.id for node in ast.walk(side) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(side) if isinstance(node, ast.arg)}
    own |= {node.func.id for node in ast.walk(side) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return frozenset(node.id for node in ast.walk(side) if isinstance(node, ast.Name)) - own - KNOWN


def _told(whole: ast.Module, called: set[str], given: set[str]) -> Iterator[str]:
    """What is called by its name with a result of the tested function."""
    for node in ast.walk(whole):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                names = {name.id for name in ast.walk(argument) if isinstance(name, ast.Name)}
                if names & (called | given):
                    yield node.func.id


def _origins(whole: ast.Module, called: set[str]) -> dict[str, frozenset[str]]:
    """Variable -> the variables that were passed to the tested function to get its value."""
    found: dict[str, frozenset[str]] = {}
    for node in ast.walk(whole):
        if isinstance(node, ast.Assign) and any(
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in called for call in ast.walk(node.value)
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = found.get(target.id, frozenset()) | _read(node.value)
    return found


# --- plain data ----------------------------------------------------------------------------------


def _case(number: int, node: ast.Assert, name: str) -> Case | None:
    """The assert as data; None when it is more than one call on plain data compared with plain data."""
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        operator = OPERATORS[type(test.ops[0])]
        if operator not in ("==", "!=", "is", "is not"):
            return None
        call, expected = test.left, test.comparators[0]
        if not _is_call(call, name):
            call, expected = expected, call
            if operator in ("is", "is not"):
                return None
        found, value = _plain(expected)
        if operator in ("is", "is not") and not (value is None or isinstance(value, bool)):
            return None
    else:
        negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        call = test.operand if isinstance(test, ast.UnaryOp) and negated else test
        operator, found, value = "false" if negated else "true", True, None
    arguments = _call_arguments(call, name) if _is_call(call, name) else None
    return Case(number, arguments, operator, value) if found and arguments is not None else None


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _call_arguments(node: ast.expr, name: str) -> tuple[Any, ...] | None:
    """The arguments of a call on plain data, in the order of their places."""
    if not isinstance(node, ast.Call) or node.keywords:
        return None
    values = []
    for argument in node.args:
        found, value = _plain(argument)
        if not found:
            return None
        values.append(value)
    return tuple(values)


def _plain(node: ast.expr) -> tuple[bool, Any]:
    """Whether the expression is plain data, and its value. Sums of numbers and the like are left to the program."""
    try:
        return True, ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False, None


def _arguments(whole: ast.Module, promise: Promise) -> tuple[tuple[tuple[Any, ...], ...], frozenset[int]]:
    """Plain arguments of all calls of the tested function, and with how many it is called."""
    names = {promise.name, "candidate"} if promise.check else {promise.name}
    found: list[tuple[Any, ...]] = []
    counts: set[int] = set()
    countable = True
    for node in _walk(whole):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            starred = any(isinstance(argument, ast.Starred) for argument in node.args) or bool(node.keywords)
            countable = countable and not starred
            counts.add(len(node.args))
            arguments = _call_arguments(node, node.func.id)
            if arguments is not None:
                found.append(arguments)
    return tuple(found[:500]), frozenset(counts) if countable else frozenset()


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """In the order of the source, unlike ``ast.walk``."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(ast.iter_child_nodes(node)))
