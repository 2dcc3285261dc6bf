"""Where the Python of an answer stands: fenced blocks, interactive sessions and code without a fence.

Works line by line in time proportional to the text. Knows no grammar beyond the look of a line; whether a block *is* Python, the
parser says later.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace

PYTHON = frozenset(("python", "py", "python3", "py3", "python2", "pycon", "ipython", "pyodide", "cpython"))
LONGEST = 50_000
"""Characters of a block that is looked at."""
MOST = 64
"""Blocks of one answer that are looked at."""


@dataclass(frozen=True)
class Block:
    """A piece of the answer that is, or may be, Python."""

    source: str
    """The code, with as many lines as ``span`` covers; prompts and output of a session are blanked."""
    span: tuple[int, int]
    """Where it lies in the answer, fences left out."""
    marked: bool
    """Its fence says Python."""
    fenced: bool = True
    closed: bool = True
    """False: the answer ends before the fence does."""
    session: bool = False
    """Lines of an interactive interpreter, ``>>> f(2)`` followed by what it shows."""


def find_blocks(answer: str, *, whole: bool = True) -> tuple[Block, ...]:
    """All pieces in order. A bare fence counts when its content looks like Python, code without a fence only where nothing is fenced.

    ``whole``: an answer that begins like code may be one piece from its first character to its last."""
    blocks: list[Block] = []
    outside: list[tuple[int, int]] = []
    position = 0
    for fence in _fences(answer):
        outside.append((position, fence.start))
        position = fence.after
        language = fence.language
        if language not in PYTHON and language:
            continue
        source = _dedented(answer[fence.begin : fence.end].removeprefix("\ufeff"), fence.indent)  # some editors begin a file with it
        block = Block(source, (fence.begin, fence.end), bool(language), closed=fence.closed)
        if language or looks_like_python(source):
            blocks.append(_as_session(block))
    outside.append((position, len(answer)))
    if whole and not blocks and position == 0 and len(answer) <= LONGEST and _BEGINS.match(answer.lstrip("\n")[:1000]):
        blocks.append(Block(answer.replace("\r\n", "\n"), (0, len(answer)), marked=False, fenced=False))
    elif not blocks:
        for begin, end in outside:
            blocks += _loose(answer, begin, end)
    return tuple(block for block in blocks if block.source.strip())


# --- fences --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fence:
    start: int
    begin: int
    end: int
    after: int
    language: str
    indent: int
    closed: bool


_OPEN = re.compile(r"^(?P<indent>[ \t]{0,16})(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]{0,200})$")
_WORD = re.compile(r"[\w+#-]+(?:\.\d+)?")


def _fences(text: str) -> Iterator[_Fence]:
    opened: re.Match[str] | None = None
    start = begin = 0
    tail = -1  # end of code where a line ends in backticks: many models close that way
    for at, line in _lines(text):
        bare = line.rstrip("\r\n")
        if opened is None:
            opened = _OPEN.match(bare)
            start, begin, tail = at, at + len(line), -1
            continue
        mark = opened["mark"]
        stripped = bare.strip()
        if len(stripped) >= len(mark) and not stripped.strip(mark[0]):
            yield _fence(opened, start, begin, at, at + len(line), True)
            opened = None
        elif tail < 0 and bare.rstrip().endswith(mark) and bare.count(mark) == 1:
            tail = at + bare.rindex(mark)
    if opened is not None and tail >= 0:
        yield _fence(opened, start, begin, tail, tail + len(opened["mark"]), True)
    elif opened is not None:
        yield _fence(opened, start, min(begin, len(text)), len(text), len(text), False)


def _fence(opened: re.Match[str], start: int, begin: int, end: int, after: int, closed: bool) -> _Fence:
    word = _WORD.search(opened["info"])
    language = re.sub(r"[.\d]*$", "", word.group().lower()) if word else ""
    return _Fence(start, begin, max(begin, end), after, language or ("" if not word else word.group()), len(opened["indent"]), closed)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their position; only a line feed ends a line, as positions must hold for every text."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield at, text[at:end]
        at = end


def _dedented(source: str, indent: int) -> str:
    """Code of a fence that stands indented, in a list item for example."""
    source = source.replace("\r\n", "\n")
    if not indent:
        return textwrap.dedent(source) if source.lstrip("\n")[:1] in (" ", "\t") else source
    return "\n".join(line[min(indent, len(line) - len(line.lstrip(" \t"))) :] for line in source.split("\n"))


# --- looks ---------------------------------------------------------------------------------------

_TELLING = re.compile(
    r"^[ \t]*(?:def \w+[ \t]*\(|class \w+[ \t]*[:(]|import \w+|from [\w.]+ import |print\b"
    r"|for \w[^\n]{0,200} in [^\n]{0,200}:|while [^\n]{1,200}:|if [^\n]{1,200}:[ \t]*(?:#|$)|return\b|assert |@\w+|>>> "
    r"|[A-Za-z_]\w*[ \t]*(?:[-+*/%|&]|//)?=(?!=)|with [^\n]{1,200}:|try:|\w+(?:\.\w+)*\([^\n]*\)[ \t]*$)",
    re.MULTILINE,
)
_CODE_LINE = re.compile(
    r"(?:async |def \w|class \w+[ \t]*[:(]|import \w|from [\w.]+ import |@\w|for \w[^\n]* in [^\n]*:|while [^\n]*:|if [^\n]*:"
    r"|elif [^\n]*:|else:|try:|except\b[^\n]*:|finally:|with [^\n]*:|return\b|raise\b|assert\b|del \w|global \w|pass$|print\(|#|[)\]}]"
    r"|[A-Za-z_][\w.]*(?:\[[^\n]*\])?(?:[ \t]*,[ \t]*[A-Za-z_]\w*)*[ \t]*(?::[^\n=]+)?(?:[-+*/%|&^]|//|\*\*|<<|>>)?=(?!=)"
    r"|[A-Za-z_][\w.]*\([^\n]*\)[ \t]*(?:#[^\n]*)?$)"
)
_BEGINS = re.compile(r"(?:async def |def \w+[ \t]*\(|class \w+[ \t]*[:(]|import \w+(?:[ \t]|,|\.|$)|from [\w.]+ import |@\w)")


def looks_like_python(source: str) -> bool:
    """Something in it is written so in Python and hardly ever in prose, in a table or in a terminal."""
    return _TELLING.search(source[:LONGEST]) is not None


def _as_session(block: Block) -> Block:
    """The same block with prompts removed and output blanked, if it is a session."""
    lines = block.source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if not first.lstrip().startswith(">>>"):
        return block
    kept: list[str] = []
    open_ended = False  # some write the lines of a block without a prompt
    for line in lines:
        code = line.strip()
        prompt = code[:3] in (">>>", "...") and code[3:4] in ("", " ")
        if prompt or (open_ended and line[:1] in (" ", "\t")):
            kept.append(line.lstrip()[4:] if prompt else line)
            if prompt and code[:3] == ">>>":
                open_ended = code.split("#")[0].rstrip()[-1:] in (":", "(", "[", "{", ",", "\\")
        else:
            kept.append("")
            open_ended = False
    return replace(block, source="\n".join(kept), session=True)


def _loose(answer: str, begin: int, end: int) -> Iterator[Block]:
    """Runs of lines that look like code and begin with a definition, an import or a prompt; they may be indented as a whole."""
    run: list[tuple[int, str]] = []
    indent = 0
    for at, line in _lines(answer[begin:end]):
        text = line.strip("\r\n")
        bare = text.lstrip(" ")
        starts = len(text) - len(bare) <= 12 and (bare[:3] == ">>>" or _BEGINS.match(bare[:1000]) is not None)
        if run and _goes_on(run[0][1].lstrip()[:3] == ">>>", text, indent):
            run.append((begin + at, line))
            continue
        if run:
            yield _run(run, indent)
            run = []
        if starts:
            run, indent = [(begin + at, line)], len(text) - len(bare)
    if run:
        yield _run(run, indent)


def _goes_on(in_session: bool, text: str, indent: int) -> bool:
    """Does a line belong to the code before it?"""
    if in_session or not text.strip():
        return not in_session or bool(text.strip())
    own = len(text) - len(text.lstrip(" \t"))
    return own > indent or (own == indent and _CODE_LINE.match(text.lstrip()[:1000]) is not None)


def _run(run: list[tuple[int, str]], indent: int) -> Block:
    while run and not run[-1][1].strip():
        run.pop()
    source = "".join(line for _, line in run)
    start = run[0][0]
    return _as_session(Block(_dedented(source, indent), (start, start + len(source)), marked=False, fenced=False))
