"""Dataset readers that ship inside: JSON in four shapes of row, CSV and Parquet. Each is a plugin with one hook.

A file is recognised by its suffix and the keys of its first readable row. JSON that no reader recognises is read as
``messages``, so that a misspelt key is named with its line. Knows nothing of what makes a row good: see ``datasets``.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters_hub.datasets import FORBIDDEN, KEYS, BadRow, Flaw, Row, first_keys, json_rows, unknown_keys, usable, utf16_fault, wrong_kind
from adapters_hub.errors import DataError, HubError, from_os_error
from adapters_hub.hookspecs import hookimpl
from adapters_hub.types import Example
from adapters_hub.workspace import shown

JSON_SUFFIXES = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".json.gz")
CSV_SUFFIXES = (".csv", ".tsv")
EXTRAS = KEYS[1:]
"""Keys that rows of every shape may carry."""


@dataclass(frozen=True)
class Shape:
    """One way to write a conversation as an object."""

    name: str
    claims: Callable[[frozenset[str]], bool]
    """Whether a row with these keys has this shape."""
    native: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Makes a row of this shape one with the keys of ``datasets.KEYS``; raises BadRow."""


# --- the shapes ----------------------------------------------------------------------------------


def _from_messages(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return row


PAIRS = (("instruction", "response"), ("question", "answer"), ("prompt", "completion"), ("prompt", "response"), ("pregunta", "respuesta"))
"""Names of question and answer, as public datasets have them."""


def _is_pair(keys: frozenset[str]) -> bool:
    return any(asked in keys and (answered in keys or "expected" in keys) for asked, answered in PAIRS) and "output" not in keys


def _from_pair(row: Mapping[str, Any]) -> Mapping[str, Any]:
    asked, answered = max(PAIRS, key=lambda pair: (pair[0] in row) + (pair[1] in row))
    faults = unknown_keys(row, (asked, answered, "system", *EXTRAS))
    return _conversation(row, [("user", asked, row.get(asked)), ("assistant", answered, row.get(answered))], faults)


def _is_alpaca(keys: frozenset[str]) -> bool:
    return {"instruction", "output"} <= keys


def _from_alpaca(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """``input`` is what the instruction is about; ``history`` has earlier pairs; ``text``, where present, repeats the others."""
    faults = unknown_keys(row, ("instruction", "input", "output", "system", "history", "text", *EXTRAS))
    question, about = row.get("instruction"), row.get("input")
    if about is not None and not isinstance(about, str):
        faults.append(wrong_kind("input", "a text", about))
    elif isinstance(question, str) and about and about.strip():
        question = f"{question}\n\n{about}"
    earlier: list[tuple[str, str, Any]] = []
    for number, pair in enumerate(_list("history", row.get("history"), faults), start=1):
        if isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2:
            earlier += [("user", f"history {number}", pair[0]), ("assistant", f"history {number}", pair[1])]
        else:
            faults.append(f"history {number} must be a question and an answer")
    return _conversation(row, [*earlier, ("user", "instruction", question), ("assistant", "output", row.get("output"))], faults)


def _is_sharegpt(keys: frozenset[str]) -> bool:
    return "conversations" in keys


SPEAKERS = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
}
"""Names that ShareGPT files give to those who speak -> roles."""


def _from_sharegpt(row: Mapping[str, Any]) -> Mapping[str, Any]:
    faults = unknown_keys(row, ("conversations", "system", *EXTRAS))
    turns: list[tuple[str, str, Any]] = []
    for number, turn in enumerate(_list("conversations", row.get("conversations"), faults), start=1):
        if not isinstance(turn, Mapping):
            faults.append(wrong_kind(f"turn {number}", "an object with from and value", turn))
            continue
        faults += [f"turn {number}: {fault}" for fault in unknown_keys(turn, ("from", "value"))]
        speaker = turn.get("from")
        role = SPEAKERS.get(speaker.strip().lower(), "") if isinstance(speaker, str) else ""
        if not role:
            fault = "from is missing" if speaker is None else f"nobody knows who {json.dumps(str(speaker)[:40])} is"
            faults.append(f"turn {number}: {fault}")
        turns.append((role, f"turn {number}", turn.get("value")))
    return _conversation(row, turns, faults)


def _conversation(row: Mapping[str, Any], turns: Iterable[tuple[str, str, Any]], faults: list[str]) -> Mapping[str, Any]:
    """A native row of (role, name in the file, text); faults speak of the names in the file. Raises BadRow."""
    messages = []
    system = row.get("system")
    spoken = [*([("system", "system", system)] if system not in (None, "") else []), *turns]
    for place, (role, name, content) in enumerate(spoken):
        last_answer = role == "assistant" and place == len(spoken) - 1
        if last_answer and row.get("expected") is not None and (content is None or content == ""):
            continue  # a question that can be asked but not learned
        if content is None:
            faults.append(f"{name} is missing")
        elif not isinstance(content, str):
            faults.append(wrong_kind(name, "a text", content))
        elif not content.strip():
            faults.append(f"{name} is empty")
        messages.append({"role": role, "content": content})
    if faults:
        raise BadRow(*faults)
    return {"messages": messages, **{key: row[key] for key in EXTRAS if key in row}}


def _list(name: str, value: Any, faults: list[str]) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        faults.append(wrong_kind(name, "a list", value))
        return ()
    return value


MESSAGES = Shape("messages", lambda keys: "messages" in keys, _from_messages)
PAIR = Shape("pairs", _is_pair, _from_pair)
ALPACA = Shape("alpaca", _is_alpaca, _from_alpaca)
SHAREGPT = Shape("sharegpt", _is_sharegpt, _from_sharegpt)
SHAPES = (MESSAGES, SHAREGPT, ALPACA, PAIR)


# --- the readers ---------------------------------------------------------------------------------


class JsonReader:
    """JSON Lines, or one JSON list, of rows in one shape."""

    def __init__(self, shape: Shape, *, last_resort: bool = False) -> None:
        """A reader of ``last_resort`` takes every JSON file: it must be registered first, so that it is asked last."""
        self.shape, self.last_resort = shape, last_resort

    @hookimpl
    def hub_read_dataset(self, path: Path) -> list[Example] | None:
        """The rows, or None for other files. Raises DataError with all bad rows."""
        if not path.name.lower().endswith(JSON_SUFFIXES):
            return None
        data, name = _read(path), shown(path)
        keys = first_keys(data, name)
        if not self.last_resort and (keys is None or not self.shape.claims(keys)):
            return None
        return usable(json_rows(data, name), name, self.shape.native)


class CsvReader:
    """Comma-, semicolon- or tab-separated text with the column names of any shape that has no lists.

    A cell of ``expected`` that begins like a JSON object, list or text is read as JSON; ``tags`` are separated by ``;`` or ``,``."""

    @hookimpl
    def hub_read_dataset(self, path: Path) -> list[Example] | None:
        """The rows, or None for other files. Raises DataError with all bad rows."""
        if path.suffix.lower() not in CSV_SUFFIXES:
            return None
        data, name = _read(path), shown(path)
        if fault := utf16_fault(data):
            raise DataError(f"{name}:1: {fault}", details=[f"{name}:1: {fault}"])
        # a byte that is not UTF-8 becomes a surrogate, for which its row is refused
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")
        columns, rows = _csv_table(text, name)
        return _tabular(columns, rows, name)


class ParquetReader:
    """Parquet with the columns of any shape."""

    @hookimpl
    def hub_read_dataset(self, path: Path) -> list[Example] | None:
        """The rows, or None for other files; ``file:N`` is the N-th row. Raises DataError with all bad rows."""
        if path.suffix.lower() != ".parquet":
            return None
        name = shown(path)
        rows = [Row(f"{name}:{number}", value) for number, value in enumerate(_parquet_rows(path), start=1)]
        return _tabular(list(rows[0].value) if rows else [], rows, name)


def _tabular(columns: Sequence[str], rows: Sequence[Row | Flaw], name: str) -> list[Example]:
    """Rows that all have the same columns."""
    shape = next((shape for shape in SHAPES if shape.claims(frozenset(columns))), None)
    if shape is None and columns:
        known = ", ".join(f"{asked}/{answered}" for asked, answered in PAIRS)
        among = ", ".join(ascii(column[:40]) if FORBIDDEN.search(column) else column[:40] for column in columns[:12])
        fault = f"the header is missing, or names no columns for question and answer: {among}"
        hint = f"name two columns {known}, or instruction/input/output"
        raise DataError(f"{name}:1: {fault}", hint=hint, details=[f"{name}:1: {fault}"])
    return usable(rows, name, shape.native if shape else None)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"read {shown(path)}") from error
    if path.suffix.lower() != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{shown(path)} is no whole gzip file: {error}", hint="compress it again") from error


def _csv_table(text: str, name: str) -> tuple[list[str], list[Row | Flaw]]:
    """The names of the columns, none in an empty file, and the rows. Raises DataError when two columns have one name."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    former = csv.field_size_limit(min(len(text) + 1, 2**31 - 1))  # csv keeps one limit for the whole process
    try:
        lines = _csv_lines(text, name, delimiter)
        head = next(lines, None)
        if head is None or isinstance(head, Flaw):
            return [], [head] if head else []
        columns = [cell.strip().lower() for cell in head.value]
        for column in columns:
            if column and columns.count(column) > 1:
                fault = f"the column {column[:40]!a} appears twice"
                raise DataError(f"{head.where}: {fault}", hint="name each column once", details=[f"{head.where}: {fault}"])
        return columns, [line if isinstance(line, Flaw) else _csv_row(line.where, columns, line.value) for line in lines]
    finally:
        csv.field_size_limit(former)


def _csv_lines(text: str, name: str, delimiter: str) -> Iterator[Row | Flaw]:
    """The cells of each line that has any, up to the first that cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        where = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Flaw(where, f"not valid CSV: {error}; later rows were not read")
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield Row(where, cells)


def _csv_row(where: str, columns: Sequence[str], cells: Sequence[str]) -> Row | Flaw:
    if len(cells) != len(columns):
        return Flaw(where, f"{len(cells)} cells, but the first line names {len(columns)} columns")
    row: dict[str, Any] = {column: cell for column, cell in zip(columns, cells, strict=True) if column}
    for key in EXTRAS:
        cell = row.pop(key, "").strip()
        if not cell:
            row[key] = None
        elif key == "tags":
            row[key] = [tag.strip() for tag in cell.replace(";", ",").split(",") if tag.strip()]
        elif key == "difficulty":
            row[key] = int(cell) if cell in ("1", "2", "3") else cell
        elif key == "expected" and cell[0] in '{["':
            parsed = json_rows(b"[" + cell.encode("utf-8", errors="surrogatepass") + b"]", "expected")
            if len(parsed) != 1 or isinstance(parsed[0], Flaw):
                return Flaw(where, "the cell of expected begins like JSON but is not")
            row[key] = parsed[0].value
        else:
            row[key] = cell
    return Row(where, {key: value for key, value in row.items() if value is not None})


def _parquet_rows(path: Path) -> list[Mapping[str, Any]]:
    """All rows, through ``datasets`` so that its own column types come out as it means them; nothing is cached on disk."""
    try:
        from datasets import Dataset
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise HubError(f"{shown(path)}: reading Parquet needs the package datasets", hint="pip install datasets") from error
    try:
        with path.open("rb") as stream:
            return list(Dataset(parquet.read_table(stream)))
    except OSError as error:
        if error.errno is not None:
            raise from_os_error(error, f"read {shown(path)}") from error
        raise _no_parquet(path, error) from error  # pyarrow says so of what it cannot decode
    except (ArrowException, ValueError, TypeError) as error:
        raise _no_parquet(path, error) from error


def _no_parquet(path: Path, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    message = f"{shown(path)} is no readable Parquet file: {reason}"
    return DataError(message, hint="write it again", details=[f"{shown(path)}:1: no readable Parquet file"])


BUILTIN_READERS: tuple[tuple[str, Any], ...] = (
    ("read_messages", JsonReader(MESSAGES, last_resort=True)),
    ("read_pairs", JsonReader(PAIR)),
    ("read_alpaca", JsonReader(ALPACA)),
    ("read_sharegpt", JsonReader(SHAREGPT)),
    ("read_csv", CsvReader()),
    ("read_parquet", ParquetReader()),
)
"""Name and plugin, in the order to register them: pluggy asks the last one first."""
