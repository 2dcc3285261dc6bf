"""cli/_markdown, _marks and _paper: a streamed answer on a terminal, printed once and never touched again."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable

import pytest

from adapters_hub.cli._markdown import MarkdownWriter, PlainWriter
from adapters_hub.cli._paper import columns_of, harmless

LESSON = """

# Sumar fracciones

Para sumar **3/4 + 1/4** basta con *sumar los numeradores*, porque el `denominador` es el mismo; y 2**3 no es negrita, ni a*b*c, ni
snake_case_name. Cuesta $5 y $6. Con $a_1 * b_2$ y \\(x_1\\) hay fórmulas, y \\*esto\\* es literal.

1. Primero, **suma** los numeradores con calma, sin prisa y sin saltarte ninguno de los que aparecen en la lista.
   - anidado con `código` y **negrita *y cursiva* dentro**
* otro

> Una cita que también es muy larga y que se rompe en algún lugar de la línea, quizá aquí o quizá allá.

```python
def suma(a, b):
    \"\"\"Dos
    líneas\"\"\"

    return a + b  # total
```

| a | b |
|---|---|
| **1** | 2 |

---
***todo*** y `` a`b `` y sin cerrar **abierto
"""


def shown(*pieces: str, width: int = 60) -> str:
    """What the terminal got."""
    out: list[str] = []
    writer = MarkdownWriter(out.append, lambda: width)
    for piece in pieces:
        writer.feed(piece)
    writer.close()
    return "".join(out)


def plain(text: str) -> str:
    return re.sub("\x1b\\[[\\d;]*m", "", text)


def pieces_of(text: str, sizes: Iterable[int]) -> list[str]:
    found, place = [], 0
    for size in sizes:
        found.append(text[place : place + size])
        place += size
        if place >= len(text):
            break
    return found


# --- streaming -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_what_is_shown_does_not_depend_on_how_the_answer_was_cut_into_pieces(seed: int) -> None:
    chance = random.Random(seed)
    pieces = pieces_of(LESSON, iter(lambda: chance.randint(1, 7), 0))
    assert shown(*pieces) == shown(LESSON)


def test_what_was_printed_is_never_taken_back() -> None:
    text = shown(*LESSON)
    assert not re.search("\x1b\\[(?![\\d;]*m)", text), "styles only: nothing moves the cursor or clears a line"
    assert "\r" not in text and "\b" not in text


def test_a_word_is_on_the_terminal_as_soon_as_it_is_whole() -> None:
    out: list[str] = []
    writer = MarkdownWriter(out.append, lambda: 60)
    writer.feed("Suma los ")
    assert "".join(out) == "Suma los"
    writer.feed("nume")
    assert "".join(out) == "Suma los"
    writer.feed("radores.\n")
    assert "".join(out) == "Suma los numeradores.\n"


def test_a_mark_without_end_holds_the_text_back_for_a_while_only() -> None:
    out: list[str] = []
    writer = MarkdownWriter(out.append, lambda: 60)
    writer.feed("uno **dos ")
    assert plain("".join(out)) == "uno"
    writer.feed("palabra " * 40)
    assert plain("".join(out)).startswith("uno **dos palabra")


def test_a_stopped_answer_shows_what_there_is() -> None:
    assert plain(shown("Es **tres")) == "Es **tres\n"
    assert plain(shown("```sql\nSELECT 1")).splitlines()[1] == "SELECT 1"


def test_no_blank_lines_at_the_ends_and_never_two_between() -> None:
    assert shown("\n\nuno\n\n\n\ndos\n\n") == "uno\n\ndos\n"


def test_blank_lines_of_code_stay() -> None:
    assert "\nx\n\n\ny\n" in plain(shown("```\nx\n\n\ny\n```\n"))


# --- lines ---------------------------------------------------------------------------------------


def test_long_lines_break_at_blanks_and_items_hang() -> None:
    lines = plain(shown("- " + "palabra " * 20, width=30)).splitlines()
    assert len(lines) > 3
    assert lines[0].startswith("• palabra")
    assert all(line.startswith("  palabra") for line in lines[1:])
    assert all(columns_of(line) < 30 for line in lines)


def test_wide_characters_take_two_columns() -> None:
    lines = shown("漢字 " * 12, width=20).splitlines()
    assert all(columns_of(line) < 20 for line in lines)


def test_a_word_longer_than_the_terminal_stays_whole() -> None:
    assert "x" * 100 in shown("ver " + "x" * 100, width=30)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("## Pasos", "Pasos"),
        ("#hashtag", "#hashtag"),
        ("- uno", "• uno"),
        ("-5 grados", "-5 grados"),
        ("2) dos", "2) dos"),
        ("3.5 metros", "3.5 metros"),
        ("> cita", "│ cita"),
        ("*", "*"),
        ("|a|b|", "|a|b|"),
        ("**negrita** y más", "negrita y más"),
    ],
)
def test_kinds_of_lines(source: str, seen: str) -> None:
    assert plain(shown(source)) == f"{seen}\n"


def test_code_keeps_its_characters_and_is_coloured_when_its_language_is_known() -> None:
    code = 'def f(x):\n    return x * 2  # **no** es "negrita"\n'
    known, unknown = shown(f"```python\n{code}```"), shown(f"```klingon\n{code}```")
    assert code in plain(known) and code in unknown
    assert "\x1b[35mdef\x1b[0m" in known


def test_a_string_over_several_lines_is_coloured_to_its_end() -> None:
    assert shown('```python\nx = """uno\ndos"""\n```').count("\x1b[32m") >= 2


def test_a_fence_is_closed_by_one_that_is_long_enough() -> None:
    assert plain(shown("````\n```\nx\n````\nfin")).splitlines()[1:3] == ["```", "x"]


def test_tables_are_left_as_text() -> None:
    table = "| a | b |\n|---|---|\n| **1** | x_y_z |\n"
    assert plain(shown(table)) == table


# --- marks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2**3 + 4**5",
        "a*b*c",
        "un_nombre_largo y otro_mas",
        "2 * 3 * 4",
        "cuesta $5 y $6",
        "$a_1 * b_2 * c_3$",
        "\\(x_1 * y_1 * z\\)",
        "__init__",
        "**sin cerrar",
        "`sin cerrar",
        "f(*args, **kwargs)",
        "C:\\dir\\otro",
    ],
)
def test_what_subjects_write_is_no_emphasis(text: str) -> None:
    assert shown(text) == f"{text}\n"


@pytest.mark.parametrize(
    ("source", "codes"),
    [("**x y**", "1"), ("*x*", "3"), ("_x_", "3"), ("***x***", "1;3"), ("`x`", "36"), ("**a *b* c**", "1;3")],
)
def test_emphasis_and_code(source: str, codes: str) -> None:
    text = shown(source)
    assert f"\x1b[{codes}m" in text
    assert "*" not in text and "_" not in text


def test_marks_within_code_are_literal() -> None:
    assert plain(shown("usa `**kwargs` y `a*b`, **no `x**y`**")) == "usa **kwargs y a*b, no x**y\n"


# --- hostile text --------------------------------------------------------------------------------

HOSTILE = "a\x1b[31mb\x1b]0;título\x07c\x9b2Jd\x08e\x7ff\u202eg\u2066h\ri"


def test_nothing_steers_the_terminal() -> None:
    for text in (HOSTILE, f"`{HOSTILE}`", f"```\x1b[2J\n{HOSTILE}\n```", f"| {HOSTILE} |", f"# {HOSTILE}", f"**{HOSTILE}**"):
        for pieces in ((text,), tuple(text)):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain(shown(*pieces)))


@pytest.mark.parametrize(
    "text", ["*a " * 20_000, "`" * 50_000, "[" * 50_000, "**" * 30_000, "$x" * 20_000, "> " * 20_000, "- " * 20_000, "`a``b" * 9_000]
)
def test_nothing_takes_long(text: str) -> None:
    begun = time.perf_counter()
    shown(text)
    shown(*pieces_of(text[:4000], iter(lambda: 3, 0)))
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    "text",
    [
        *("- " * 40_000, "> " * 40_000, "_" * 80_000, "|" + "a" * 300_000, "x" * 300_000),
        *("```\n" + "x" * 300_000, "```python\n" + "x = 'a\n" * 5000),
    ],
    ids=["rule", "quote", "underlines", "row", "word", "line of code", "open string"],
)
def test_a_line_that_never_becomes_anything_arrives_quickly_however_small_the_pieces(text: str) -> None:
    begun = time.process_time()
    shown(*pieces_of(text, iter(lambda: 4, 0)))
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("before", ["", "```python\n", "    ```\n    ", "| "])
def test_what_never_ends_is_shown_before_its_end(before: str) -> None:
    out: list[str] = []
    writer = MarkdownWriter(out.append, lambda: 40)
    for _ in range(500):
        writer.feed(before + "abc" if not out else "abc")
        before = ""
    assert "abcabc" in plain("".join(out))
    writer.close()
    assert plain("".join(out)).count("abc") == 500


def test_a_very_long_word_is_not_broken_where_the_pieces_of_it_meet() -> None:
    word = "x" * 5000
    assert word in shown(f"ver {word} fin", width=30)
    assert shown(*pieces_of(f"ver {word} fin", iter(lambda: 7, 0)), width=30) == shown(f"ver {word} fin", width=30)


def test_a_plain_writer_passes_the_text_on_and_ends_the_line() -> None:
    out: list[str] = []
    writer = PlainWriter(out.append)
    for piece in ("**uno** ", "dos\x1b[31m"):
        writer.feed(piece)
    writer.close()
    assert "".join(out) == "**uno** dos[31m\n"
    writer.close()
    assert "".join(out).count("\n") == 1


def test_harmless_text_stays_as_it_is() -> None:
    assert harmless("áé ñ\t漢 😀\n") == "áé ñ\t漢 😀\n"
