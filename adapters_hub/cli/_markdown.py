"""A streamed answer as it appears on a terminal: Markdown in, styled lines out, and nothing that was printed is ever touched again.

A word is printed once it is whole, a bold phrase once its end has come, a line of code once its line has; so there is nothing to
redraw, whatever the terminal does. Knows nothing of models and chats; the text is untrusted: no control character passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters_hub.cli._marks import spans_of
from adapters_hub.cli._paper import ACCENT, DIM, ITALIC, UNDERLINE, Paper, Style, harmless, styled

MOST_COLOURED = 200_000
"""Characters that are read to colour one code block; each new line is read together with those above it."""
LONGEST_COLOURED = 300
"""Characters of the longest line that is coloured; a longer one does not wait for its end either."""
LONGEST_HEAD = 600
"""Characters after which a line is text like any other, whatever it could still have become."""
RULE = 40
"""Columns of a horizontal line."""


class AnswerWriter(Protocol):
    """Takes an answer piece by piece."""

    def feed(self, text: str) -> None:
        """Print as much of what has come as may be printed."""

    def close(self) -> None:
        """The answer is over or was stopped: print the rest, and end the line."""


class PlainWriter:
    """The text as the model wrote it, for pipes, files and ``--plain``."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write, self._ended = write, True

    def feed(self, text: str) -> None:
        if shown := harmless(text):
            self._write(shown)
            self._ended = shown.endswith("\n")

    def close(self) -> None:
        if not self._ended:
            self._write("\n")
        self._ended = True


@dataclass(frozen=True)
class _Block:
    """What a line begins with."""

    first: str = ""
    """Shown before its text."""
    further: str = ""
    """Shown before the lines that it is broken into."""
    style: Style = ()
    rest: int = 0
    """Characters of the line that are used up by the mark."""
    literal: bool = False
    """Its text has no marks and is not broken: a row of a table, mathematics."""


class MarkdownWriter:
    """Markdown with styles, long lines broken at blanks."""

    def __init__(self, write: Callable[[str], None], width: Callable[[], int]) -> None:
        """``write`` prints text without changing it, ``width`` gives the columns of the terminal now."""
        self._write, self._paper = write, Paper(write, width)
        self._head: str | None = ""
        """The beginning of a line as long as its kind is unknown; None: the kind is known."""
        self._block = _Block()
        self._marked = ""
        """Text of the line that waits for the end of a mark."""
        self._before = " "
        """The character before ``_marked``."""
        self._blank_lines, self._begun = 0, False
        self._fence: _Fence | None = None
        self._in_math = False

    def feed(self, text: str) -> None:
        for part in re.split("(\n)", harmless(text).replace("\t", "    ")):
            if part == "\n":
                self._end_line()
            elif part:
                self._continue_line(part)

    def close(self) -> None:
        if self._head or self._head is None:
            self._end_line()
        if self._fence is not None:
            self._say(styled("─" * RULE, DIM) + "\n")
        self._head, self._fence, self._blank_lines, self._begun, self._in_math = "", None, 0, False, False

    # --- lines -----------------------------------------------------------------------------------

    def _continue_line(self, text: str) -> None:
        if self._head is None:
            self._inline(text)
            return
        self._head += text
        if self._fence is not None:
            if len(self._head) > LONGEST_COLOURED:
                self._fence.language = ""  # what is not read any more cannot be coloured
                self._begin(_Block(literal=True, rest=self._fence.indent_of(self._head)))
            return  # a line of code is shown when it is whole
        block = _block_of(self._head, self._in_math, whole=False)
        if block is not None:
            self._begin(block)

    def _end_line(self) -> None:
        if self._head is not None:
            if self._fence is not None:
                self._code_line(self._head)
                return
            line = self._head
            if not line.strip():
                self._head = ""
                self._blank_lines += 1
                return
            if fence := _Fence.opened_by(line):
                self._fence, self._head = fence, ""
                self._say(styled(f"─── {fence.language} ".ljust(RULE, "─") if fence.language else "─" * RULE, DIM) + "\n")
                return
            if re.fullmatch(r" {0,3}([-*_])( *\1){2,} *", line):
                self._head = ""
                self._say(styled("─" * RULE, DIM) + "\n")
                return
            if line.strip() in ("$$", "\\[", "\\]"):
                self._in_math = not self._in_math if line.strip() == "$$" else line.strip() == "\\["
                self._begin(_Block(literal=True, style=DIM))
            else:
                self._begin(_block_of(line, self._in_math, whole=True) or _Block())
        self._inline("", whole=True)
        self._paper.end_line()
        self._head, self._before = "", " "

    def _begin(self, block: _Block) -> None:
        """The kind of the line is known: show its mark, then go on with its text."""
        text, self._head, self._block = (self._head or "")[block.rest :], None, block
        self._say("")
        self._paper.begin_line(block.first, block.further, breaks=not block.literal)
        self._inline(text)

    def _say(self, line: str) -> None:
        """Blank lines are shown before what follows them: none at the beginning, none at the end, never two."""
        if self._blank_lines and self._begun:
            self._write("\n")
        self._blank_lines, self._begun = 0, True
        if line:
            self._write(line)

    def _code_line(self, line: str) -> None:
        fence = self._fence
        assert fence is not None
        self._head = ""
        if fence.closed_by(line):
            self._fence = None
            self._say(styled("─" * RULE, DIM) + "\n")
            return
        self._begun, self._blank_lines = True, 0
        self._write(fence.coloured(line) + "\n")

    # --- within a line ---------------------------------------------------------------------------

    def _inline(self, text: str, *, whole: bool = False) -> None:
        """Print what is certain; an opening mark waits for its end until the line is ``whole``."""
        if self._block.literal:
            self._paper.put(text, self._block.style)
            return
        self._marked += text
        certain = 0
        for span in spans_of(self._marked, self._before, whole=whole):
            self._paper.put(span.text, (*self._block.style, *span.style))
            certain += span.length
        if certain:
            self._before, self._marked = self._marked[certain - 1], self._marked[certain:]


# --- the kinds of lines --------------------------------------------------------------------------


def _block_of(head: str, in_math: bool, *, whole: bool) -> _Block | None:
    """The kind of a line that begins like that; None: it takes more of the line, or all of it, to know."""
    if in_math:
        return _Block(style=DIM, literal=True) if whole else None
    text = head.lstrip(" ")
    indent = head[: len(head) - len(text)]
    if not whole and len(text) < LONGEST_HEAD and _undecided(text):
        return None
    if found := re.match(r"#{1,6} +", text):
        return _Block(style=(*ACCENT, *UNDERLINE) if found.group().count("#") == 1 else ACCENT, rest=len(indent) + found.end())
    if found := re.match(r"[-*+] +", text):
        return _Block(f"{indent}• ", f"{indent}  ", rest=len(indent) + found.end())
    if found := re.match(r"\d{1,9}[.)] +", text):
        return _Block(indent + found.group(), indent + " " * found.end(), rest=len(indent) + found.end())
    if found := re.match(r"(> ?)+", text):
        bar = styled("│", DIM) + " "
        return _Block(bar, bar, ITALIC, len(indent) + found.end())
    if text.startswith("|"):
        return _Block(indent, literal=True, style=DIM if re.fullmatch(r"[|:\- ]+", text) and "-" in text else (), rest=len(indent))
    return _Block(indent, indent, rest=len(indent))


def _undecided(text: str) -> bool:
    """Whether the beginning of a line could still become one of several kinds."""
    if not text or text.startswith(("```", "~~~", "|", "$$", "\\[", "\\]")):
        return True  # these are known when their line is whole
    return re.fullmatch(r"#{1,6} *|`{1,2}|~{1,2}|[-*+] *|([-*_])( *\1)+ *|_|\$|\\|\d{1,9}[.)]?|\d{1,9}[.)] +|(> ?)+", text) is not None


@dataclass
class _Fence:
    """An open block of code."""

    marks: str
    indent: int
    language: str
    text: str = ""
    read: int = 0
    """Characters that were read to colour it so far."""

    @classmethod
    def opened_by(cls, line: str) -> _Fence | None:
        """The block that begins with ``line``, if any does."""
        found = re.fullmatch(r"( *)(`{3,}|~{3,})\s*([^`]*)", line)
        if found is None:
            return None
        return cls(found.group(2), len(found.group(1)), (found.group(3).split() or [""])[0][:20])

    def indent_of(self, line: str) -> int:
        """Blanks before ``line`` that belong to the block, not to the code."""
        return min(self.indent, len(line) - len(line.lstrip(" ")))

    def closed_by(self, line: str) -> bool:
        mark = line.strip()
        return len(mark) >= len(self.marks) and set(mark) == {self.marks[0]}

    def coloured(self, line: str) -> str:
        """The next line of the block, coloured as its language wants where that is known and cheap."""
        line = line[self.indent_of(line) :]
        self.text += f"{line}\n"
        self.read += len(self.text)
        if not self.language or len(line) > LONGEST_COLOURED or self.read > MOST_COLOURED:
            return line
        return "".join(styled(text, style) for text, style in _last_line(self.text, self.language)) or line


def _last_line(text: str, language: str) -> list[tuple[str, Style]]:
    """The last line of some code in pieces with their styles; nothing when the language is unknown."""
    from pygments import lexers  # type: ignore[import-untyped,unused-ignore]
    from pygments.token import Comment, Keyword, Name, Number, Operator, String  # type: ignore[import-untyped,unused-ignore]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped,unused-ignore]

    colors = (
        (Comment, DIM),
        (Keyword, ("35",)),
        (Operator.Word, ("35",)),
        (String, ("32",)),
        (Number, ("36",)),
        (Name.Function, ("34",)),
        (Name.Class, ("34",)),
        (Name.Builtin, ("36",)),
    )
    try:
        lexer = lexers.get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return []
    begin = text[:-1].rfind("\n") + 1
    pieces: list[tuple[str, Style]] = []
    for place, kind, value in lexer.get_tokens_unprocessed(text):
        value = value[max(0, begin - place) :].rstrip("\n")
        if value:
            pieces.append((value, next((style for family, style in colors if kind in family), ())))
    return pieces
