"""What can be known about Python source without running it: does it parse, what it defines, needs, imports and claims to print.

``read`` is meant to run in a killable worker (hostile nesting exhausts the parser's stack, hostile text its time), so that all it
takes and returns can be pickled and nothing here holds a syntax tree. Knows nothing of answers, verdicts and sandboxes.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import io
import re
import symtable
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hub_code.blocks import looks_like_python

NETWORK = frozenset(
    [
        "socket",
        "ssl",
        "http",
        "urllib",
        "requests",
        "httpx",
        "aiohttp",
        "ftplib",
        "smtplib",
        "telnetlib",
        "poplib",
        "imaplib",
        "socketserver",
        "xmlrpc",
        "webbrowser",
        "asyncio",
    ]
)
FILES = frozenset(
    [
        "os",
        "subprocess",
        "shutil",
        "pathlib",
        "tempfile",
        "glob",
        "multiprocessing",
        "ctypes",
        "sqlite3",
        "pickle",
        "shelve",
        "signal",
        "pty",
        "fcntl",
        "mmap",
    ]
)
CHANGING = frozenset(
    ("random", "time", "datetime", "secrets", "uuid", "os", "platform", "sys", "threading", "asyncio", "timeit", "gc", "getpass")
)
MOMENTARY = frozenset(("id", "hash", "input", "dir", "globals", "locals", "vars", "object"))
"""Builtins that give other results in another run."""
RISKY_CALLS = frozenset(("eval", "exec", "compile", "__import__", "open", "breakpoint"))


@dataclass(frozen=True)
class Signature:
    """How many positional arguments a function takes."""

    least: int
    most: int | None
    """None: any number."""
    names: tuple[str, ...] = ()
    exact: bool = True
    """False: a decorator or a required keyword may change what can be passed."""

    def takes(self, count: int) -> bool:
        """Can it be called with ``count`` positional arguments?"""
        return not self.exact or (self.least <= count and (self.most is None or count <= self.most))


@dataclass(frozen=True)
class Statement:
    """A statement at top level."""

    first: int
    last: int
    """Lines, 1-based and inclusive; decorators included."""
    kind: str
    """``define`` (definitions, imports, constants), ``print``, ``assert``, ``main`` (``if __name__ ...``) or ``do``."""
    comment: str = ""
    """What is written behind it on its last line, without the #."""
    single: bool = False
    """One call of ``print`` or another expression, alone on its lines."""


@dataclass(frozen=True)
class DocExample:
    """One ``>>>`` example."""

    source: str
    want: str
    line: int
    """In the block, 1-based."""


@dataclass(frozen=True)
class SourceReading:
    """What ``read_source`` found."""

    error: str = ""
    """Why it does not parse, in the parser's words; empty: it does."""
    error_line: int = 0
    at_end: bool = False
    """The error is that the source stops too early."""
    fragment: str = ""
    """Why a source that does not parse may be meant so: a placeholder, an excerpt, newer syntax; empty: no excuse."""
    bound: frozenset[str] = frozenset()
    """Names bound at top level."""
    inner: frozenset[str] = frozenset()
    """Names of functions defined anywhere."""
    free: frozenset[str] = frozenset()
    """Global names that are used but bound nowhere in the source, builtins left out."""
    functions: dict[str, Signature] = field(default_factory=dict)
    """Top-level ``def`` and ``lambda``, the last of each name."""
    classes: frozenset[str] = frozenset()
    statements: tuple[Statement, ...] = ()
    imports: frozenset[str] = frozenset()
    """Modules by their first name."""
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name bound by a top-level import -> module and what is taken from it; empty: the module itself."""
    star: bool = False
    """It imports everything from somewhere: ``free`` cannot be trusted."""
    examples: tuple[DocExample, ...] = ()
    """From docstrings."""
    calls: dict[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    """Function -> arguments of its calls on plain data."""
    annotations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Function -> annotations of its parameters, where all have one."""
    hidden: bool = False
    """Calls built-in operations whose cost grows with the size."""
    lints: tuple[str, ...] = ()
    comments: str = ""
    """All comments and strings, for words that announce an error on purpose."""
    unordered: bool = False
    """It makes sets, whose order may differ from run to run."""
    changing: bool = False
    """It imports what gives other results in another run or on another machine."""
    lines: int = 0
    skeleton: bool = False
    """It leaves a body to be filled in: nothing but ``...`` or ``pass``, with a comment that says so."""


def read_source(source: str) -> SourceReading:
    """Read one block. Never raises for what is in the source, but may run out of stack or memory."""
    try:
        tree = ast.parse(source, FILENAME)
    except SyntaxError as error:
        return _unreadable(source, error)
    except ValueError as error:  # null bytes before 3.12, lone surrogates
        if "\0" not in source:
            return SourceReading(error=str(error)[:200], error_line=1, fragment="deep")
        return SourceReading(error="null byte", error_line=source[: source.find("\0")].count("\n") + 1, comments=source[:20_000])
    except (RecursionError, MemoryError):
        return SourceReading(error="too deep", error_line=1, fragment="deep")
    try:
        return _readable(source, tree)
    except (RecursionError, MemoryError):
        return SourceReading(error="too deep", error_line=1, fragment="deep")


FILENAME = "<respuesta>"


# --- source that parses --------------------------------------------------------------------------


def _readable(source: str, tree: ast.Module) -> SourceReading:
    comments = _comments(source)
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    imports, star = _imports(tree)
    bound, free, inner = _names(source, tree)
    statements = tuple(_statements(tree, comments))
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return SourceReading(
        bound=bound,
        inner=inner,
        free=frozenset() if star else free,
        functions=dict(_functions(tree)),
        classes=frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef)),
        statements=statements,
        imports=imports,
        imported=dict(_imported(tree)),
        star=star,
        examples=tuple(_doc_examples(tree)),
        calls=_plain_calls(tree),
        annotations=dict(_annotations(tree)),
        hidden=_hides_cost(tree),
        lints=tuple(_lints(tree, calls, imports)),
        comments="\n".join([*comments.values(), *strings])[:20_000],
        unordered=any(isinstance(node, ast.Set | ast.SetComp) for node in ast.walk(tree)) or bool(calls & {"set", "frozenset"}),
        changing=bool(imports & CHANGING or calls & MOMENTARY),
        lines=source.count("\n") + 1,
        skeleton=any(map(_unfilled, ast.walk(tree))) and any(_TO_FILL.search(comment) for comment in comments.values()),
    )


_TO_FILL = re.compile(
    r"\.\.\.|…|_{3,}|\bTODO\b|\bFIXME\b|\b(?:complet[aeá]\w*|rellen[ae]\w*|escrib[ae]\w*|contin[uú]a|agrega|añade|falta)\b"
    r"|\b(?:tu c[oó]digo|your code)\b",
    re.IGNORECASE,
)


def _unfilled(node: ast.AST) -> bool:
    """A function whose body does nothing."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    return not body or (len(body) == 1 and isinstance(body[0], ast.Pass))


def _names(source: str, tree: ast.Module) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Bound at top level, free, and functions anywhere."""
    inner = frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    try:
        table = symtable.symtable(source, FILENAME, "exec")
    except (SyntaxError, ValueError):  # e.g. a duplicate argument: running it will tell
        names = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        return frozenset(names) | inner, frozenset(), inner
    bound: set[str] = set()
    used: set[str] = set()
    waiting = [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        top = scope.get_type() == "module"
        for symbol in scope.get_symbols():
            written = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if top or symbol.is_global():
                if written:
                    bound.add(symbol.get_name())
                if symbol.is_referenced():
                    used.add(symbol.get_name())
    return frozenset(bound), frozenset(used - bound - KNOWN), inner


KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__builtins__", "__annotations__"}


def _functions(tree: ast.Module) -> Iterator[tuple[str, Signature]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, _signature(node.args, exact=not node.decorator_list)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, _signature(node.value.args, exact=True)


def _signature(arguments: ast.arguments, exact: bool) -> Signature:
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    required_keywords = any(default is None for default in arguments.kw_defaults)
    most = None if arguments.vararg else len(names)
    return Signature(len(names) - len(arguments.defaults), most, tuple(names), exact and not required_keywords)


def _imports(tree: ast.Module) -> tuple[frozenset[str], bool]:
    modules: set[str] = set()
    star = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
            star = star or any(alias.name == "*" for alias in node.names)
    return frozenset(modules), star


def _imported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    yield alias.asname or alias.name, (alias.name, "")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)


def _lints(tree: ast.Module, calls: set[str], imports: frozenset[str]) -> Iterator[str]:
    if any(_calls_input(node) for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)):
        yield "top_level_input"
    if imports & NETWORK:
        yield "network_import"
    if imports & FILES or "open" in calls:
        yield "file_access"
    if calls & (RISKY_CALLS - {"open"}):
        yield "dynamic_code"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]
            if any(isinstance(default, ast.List | ast.Dict | ast.Set) for default in defaults):
                yield "mutable_default"
                break
    if any(isinstance(node, ast.ExceptHandler) and node.type is None for node in ast.walk(tree)):
        yield "bare_except"


def _calls_input(statement: ast.stmt) -> bool:
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input":
            return True
        waiting += ast.iter_child_nodes(node)
    return False


def _statements(tree: ast.Module, comments: dict[int, str]) -> Iterator[Statement]:
    rows: dict[int, int] = {}
    for node in tree.body:
        for row in {node.lineno, node.end_lineno or node.lineno}:
            rows[row] = rows.get(row, 0) + 1
    for node in tree.body:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        last = node.end_lineno or node.lineno
        alone = rows[node.lineno] == 1 and rows[last] == 1
        yield Statement(first, last, _kind(node), comments.get(last, "") if alone else "", alone and isinstance(node, ast.Expr))


def _kind(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return "define"
    if isinstance(node, ast.Assign | ast.AnnAssign) and (node.value is None or isinstance(node.value, ast.Lambda) or _constant(node.value)):
        return "define"
    if isinstance(node, ast.Assert):
        return "assert"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return "define"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
        return "print" if node.value.func.id == "print" else "do"
    if isinstance(node, ast.If) and any(isinstance(name, ast.Name) and name.id == "__name__" for name in ast.walk(node.test)):
        return "main"
    return "do"


def _constant(node: ast.expr) -> bool:
    """Plain data, and calls of builtins on them: nothing that a definition could not be followed by."""
    allowed = (
        *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Attribute, ast.Name, ast.Load, ast.operator),
        *(ast.unaryop, ast.keyword),
    )
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if not (isinstance(inner.func, ast.Name) and inner.func.id != "input") and not isinstance(inner.func, ast.Attribute):
                return False
        elif not isinstance(inner, allowed):
            return False
    return True


def _plain_calls(tree: ast.Module) -> dict[str, tuple[tuple[Any, ...], ...]]:
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: dict[str, list[tuple[Any, ...]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and not node.keywords:
            try:
                arguments = tuple(ast.literal_eval(argument) for argument in node.args)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
            if len(repr(arguments)) < 5000 and len(found.setdefault(node.func.id, [])) < 50:
                found[node.func.id].append(arguments)
    return {name: tuple(calls) for name, calls in found.items()}


def _annotations(tree: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.args.args and all(argument.annotation for argument in node.args.args):
            yield node.name, tuple(ast.unparse(argument.annotation) for argument in node.args.args if argument.annotation)


_COSTLY = frozenset(("index", "count", "insert", "remove", "pop", "copy", "join", "extend", "find", "replace", "startswith"))
_COSTLY_BUILTINS = frozenset(("sum", "min", "max", "sorted", "list", "tuple", "set", "any", "all", "reversed"))


def _hides_cost(tree: ast.Module) -> bool:
    """There is an operation of the language that takes time in proportion to a size, which counting lines cannot see."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            method = isinstance(node.func, ast.Attribute)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            if name in (_COSTLY if method else _COSTLY_BUILTINS):
                return True
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return True
        if isinstance(node, ast.Compare) and any(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops):
            return True
    return False


def _comments(source: str) -> dict[int, str]:
    """Line -> comment."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, SyntaxError, IndentationError):
        pass  # what parses and cannot be tokenized has no comments that we could trust
    return found


def _doc_examples(tree: ast.Module) -> Iterator[DocExample]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node, clean=True)
            if text and ">>>" in text:
                first = node.body[0].lineno if node.body else 1
                yield from examples_in(text, first)


def examples_in(text: str, line: int = 1) -> Iterator[DocExample]:
    """``>>>`` examples of a text; a malformed one hides the others of its text."""
    try:
        parsed = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return
    for example in parsed:
        if example.exc_msg is None and not example.options:
            yield DocExample(example.source, example.want, line + example.lineno)


# --- source that does not parse ------------------------------------------------------------------

_PLACEHOLDER = re.compile(
    r"\.\.\.|…|\[[^\W\d_]+(?: [^\W\d_]+)+\]|_{3,}|\?{2,}|¿[^\n]*\?|<[A-Za-zÁÉÍÓÚÑáéíóúñ_][^<>\n=]{2,40}>|\[\.\.\.\]|\bTODO\b|\bFIXME\b"
    r"|\b(?:completa|complétal[ao]|rellena|escribe|continúa|pon|agrega|añade|falta|aquí|aqui|tu código|tu codigo|your code|resto del?)\b",
    re.MULTILINE | re.IGNORECASE,
)
_CONTINUES = re.compile(r"^[ \t]*(?:else|elif\b[^\n]*|except\b[^\n]*|finally|case\b[^\n]*):")
_TERMINAL = re.compile(
    r"^[ \t]*(?:\$ |[%!]|C:\\|Traceback \(most recent|[A-Z]\w*Error: |pip install|python3? [\w./]+\.py|>>>|In \[\d+\]|Out\[\d+\]"
    r"|->|=>|→|⇒|[├└│─═|+])|^(?![ \t]*(?:async|def)\b)[^\n#]*\)[ \t]*(?:->|=>|→|⇒|=+>)",
    re.MULTILINE,
)
"""Commands of a shell or a notebook, and output between the lines."""
_PSEUDO = re.compile(
    r"^[ \t]*(?:función|funcion|procedimiento|algoritmo|si\b[^\n]*(?:entonces|:)|sino\b|mientras\b|para\b|repetir|hasta\b|fin\b|leer\b"
    r"|escribir\b|devolver\b|retornar\b|mostrar\b|function\b|then\b|end\b|begin\b|foreach\b|for \w+ ?= ?[^\n]* to\b)|[←→⟵≤≥≠∞]"
    r"|:=[ \t]*\w+[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)


def _unreadable(source: str, error: SyntaxError) -> SourceReading:
    line = max(1, min(error.lineno or 1, source.count("\n") + 1))
    return SourceReading(
        error=str(error.msg),
        error_line=line,
        at_end=_stops_early(source, error, line),
        fragment=_excuse(source, line, str(error.msg)),
        comments=source[:20_000],
        inner=frozenset(re.findall(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", source, re.MULTILINE)),
        lines=source.count("\n") + 1,
    )


def _stops_early(source: str, error: SyntaxError, line: int) -> bool:
    last = len(source.rstrip().split("\n"))
    words = ("was never closed", "unexpected EOF", "unterminated", "expected an indented block", "EOF while scanning", "invalid syntax")
    return line >= last or (any(word in str(error.msg) for word in words[:3]) and "unterminated string" not in str(error.msg))


def _excuse(source: str, line: int, message: str) -> str:
    """Why this may not be meant as a whole program."""
    if "Exceeds the limit" in message or "too many" in message:
        return "deep"
    lines = source.split("\n")
    text = lines[line - 1] if line <= len(lines) else ""
    near = "\n".join(lines[max(0, line - 2) : line + 1])
    if _TERMINAL.search(source):
        return "terminal"
    if not looks_like_python(source) or _NO_CODE.match(text) or _is_output(source):
        return "text"
    if _PLACEHOLDER.search(source) or ("expected an indented block" in message and _empty_bodies(source)):
        return "placeholder"
    if _PSEUDO.search(source):
        return "pseudocode"
    wrapped = (_shifted(source), f"{{\n{source}\n}}", f"f(\n{source}\n)")
    if _CONTINUES.match(source.lstrip("\n")) or any(map(_parses, wrapped)):
        return "excerpt"
    return "newer" if _newer(text, near) else ""


_NO_CODE = re.compile(
    r"[ \t]*(?:(?!(?:if|elif|else|while|for|return|import|from|def|class|not|print|with|try|del|raise|assert|lambda|yield|and|or|in|is)\b)"
    r"[^\W\d_]+(?: [^\W\d_]+){2,}[.!?]?|(?!(?:else|try|finally)\b)[^\W\d_]+:|[^#'\"\n]*\w {3,}[\w(-][^\n]*)[ \t]*$"
)
"""A line of words, a label, or columns of a table."""


def _is_output(source: str) -> bool:
    """One line that no program would begin with."""
    (first, *rest) = source.strip().split("\n")
    return not rest and re.match(r"(?:print|import|from|def|class|for|while|if|return|with|try|@|[^\W\d]\w*[ \t]*=)", first) is None


def _empty_bodies(source: str) -> bool:
    """Where a body is missing there is a comment in its place, or the end of the source."""
    lines = source.split("\n")
    patched: list[str] = []
    for number, line in enumerate(lines):
        patched.append(line)
        if not line.split("#")[0].rstrip().endswith(":"):
            continue
        indent = len(line) - len(line.lstrip())
        following = next((other for other in lines[number + 1 :] if other.strip() and not other.lstrip().startswith("#")), "")
        comment = number + 1 < len(lines) and lines[number + 1].lstrip().startswith("#")
        if (comment or not following) and len(following) - len(following.lstrip()) <= indent:
            patched.append(" " * (indent + 1) + "pass")
    return _parses("\n".join(patched))


def _shifted(source: str) -> str:
    """An indented excerpt, as the body of something."""
    lines = source.split("\n")
    return "if True:\n" + "\n".join(lines) if any(line[:1] in (" ", "\t") for line in lines if line.strip()) else ""


def _parses(source: str) -> bool:
    if not source:
        return False
    try:
        ast.parse(source, FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _newer(text: str, near: str) -> bool:
    """Could a later Python than this one read the line?"""
    later = [
        ((3, 11), r"except[ \t]*\*"),
        ((3, 12), r"(?m)^[ \t]*type[ \t]+\w+|(?:def|class)[ \t]+\w+[ \t]*\[|\b[rRbB]?[fF][\"']"),
        ((3, 14), r"\b[rR]?[tT][\"']|except[ \t]+\w+[ \t]*,"),
    ]
    return any(sys.version_info < version and re.search(pattern, text if version != (3, 12) else near) for version, pattern in later)
