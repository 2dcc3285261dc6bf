"""Words on the lines of a terminal: styles, columns, and lines broken at blanks while they are being written.

Knows nothing of Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adapters_hub.errors import CONTROL

Style = tuple[str, ...]
"""SGR parameters, e.g. ``("1", "36")``."""
BOLD, DIM, ITALIC, UNDERLINE, CODE, ACCENT = ("1",), ("2",), ("3",), ("4",), ("36",), ("1", "34")

LINE_ENDS = re.compile("[\u2028\u2029]")
"""Line ends that some terminals obey and no column counts."""


LONGEST_WORD = 1000
"""Characters of a word after which it does not wait for its end any more."""


def harmless(text: str) -> str:
    """``text`` without what steers a terminal."""
    return LINE_ENDS.sub("", CONTROL.sub("", text))


def styled(text: str, style: Style) -> str:
    """``text`` between the codes that begin and end a style."""
    return f"\x1b[{';'.join(style)}m{text}\x1b[0m" if style and text else text


def columns_of(text: str) -> int:
    """How many columns a terminal gives to ``text``, styles left out."""
    from rich.cells import cell_len

    return cell_len(re.sub("\x1b\\[[\\d;]*m", "", text))


class Paper:
    """Puts words on lines: knows the column, breaks at blanks."""

    def __init__(self, write: Callable[[str], None], width: Callable[[], int]) -> None:
        self._write, self._width = write, width
        self._word: list[tuple[str, Style]] = []
        self._length = 0
        """Characters of the word."""
        self._within = False
        """The beginning of the word is on the line already."""
        self._gap = 0
        self._column, self._further, self._breaks = 0, "", True

    def begin_line(self, first: str, further: str, *, breaks: bool) -> None:
        """``first`` before the text of the line, ``further`` before each part that it is broken into."""
        self._further, self._breaks, self._gap = further, breaks, 0
        self._write(first)
        self._column = columns_of(first)

    def put(self, text: str, style: Style) -> None:
        """More text of the line."""
        if not self._breaks:
            self._write(styled(text, style))
            return
        for part in re.split("( +)", text):
            if part.startswith(" "):
                self._put_word()
                self._within = False
                self._gap += len(part)
            elif part:
                self._length += len(part)
                if self._word and self._word[-1][1] == style:
                    part = self._word.pop()[0] + part
                self._word.append((part, style))
                if self._length > LONGEST_WORD:
                    self._put_word()
                    self._within = True

    def end_line(self) -> None:
        self._put_word()
        self._gap, self._within = 0, False
        self._write("\n")

    def _put_word(self) -> None:
        if not self._word:
            return
        columns = sum(columns_of(text) for text, _ in self._word)
        room = self._column + self._gap + columns < self._width()
        if not room and not self._within and self._column > columns_of(self._further):
            self._write("\n" + self._further)
            self._column = columns_of(self._further)
        else:
            self._write(" " * self._gap)
            self._column += self._gap
        self._write("".join(styled(text, style) for text, style in self._word))
        self._column += columns
        self._word, self._length, self._gap = [], 0, 0
