"""The readers that ship inside, asked the way the house asks them: through pluggy."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pluggy
import pytest

from adapters_hub import hookspecs
from adapters_hub.builtin.readers import BUILTIN_READERS, CsvReader
from adapters_hub.errors import DataError
from adapters_hub.plugins import Plugins
from adapters_hub.types import Example

SHARED = Path(__file__).parents[2] / "shared" / "data"


def read(path: Path) -> list[Example] | None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for name, plugin in BUILTIN_READERS:
        manager.register(plugin, name=name)
    return manager.hook.hub_read_dataset(path=path)


def written(folder: Path, name: str, *rows: Any) -> Path:
    path = folder / name
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(json.dumps(rows, ensure_ascii=False) if name.endswith(".json") else text, encoding="utf-8")
    return path


def spoken(example: Example) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in example.messages]


MESSAGES = {"messages": [{"role": "user", "content": "¿2+2?"}, {"role": "assistant", "content": "4"}]}
SAME = {
    "messages": MESSAGES,
    "instruction and response": {"instruction": "¿2+2?", "response": "4"},
    "question and answer": {"question": "¿2+2?", "answer": "4"},
    "prompt and completion": {"prompt": "¿2+2?", "completion": "4"},
    "pregunta y respuesta": {"pregunta": "¿2+2?", "respuesta": "4"},
    "alpaca": {"instruction": "¿2+2?", "input": "", "output": "4"},
    "sharegpt": {"conversations": [{"from": "human", "value": "¿2+2?"}, {"from": "gpt", "value": "4"}]},
}


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize("shape", SAME)
def test_every_shape_gives_the_same_conversation(tmp_path: Path, shape: str, suffix: str) -> None:
    examples = read(
        written(tmp_path, f"d{suffix}", SAME[shape], SAME[shape] | {"tags": ["sumas"], "expected": 4, "difficulty": 2, "id": "a"})
    )
    assert examples is not None
    assert [spoken(example) for example in examples] == [[("user", "¿2+2?"), ("assistant", "4")]] * 2
    assert (examples[1].tags, examples[1].expected, examples[1].difficulty) == (("sumas",), 4, 2)


@pytest.mark.parametrize("shape", [shape for shape in SAME if shape != "messages"])
def test_shapes_with_a_system_column_bring_their_own_system_turn(tmp_path: Path, shape: str) -> None:
    (example,) = read(written(tmp_path, "d.jsonl", SAME[shape] | {"system": "Sé breve."})) or ()
    assert spoken(example)[0] == ("system", "Sé breve.")


def test_alpaca_joins_input_and_history(tmp_path: Path) -> None:
    row = {"instruction": "Resume", "input": "un texto", "output": "ya", "history": [["hola", "buenas"]], "text": "todo junto"}
    (example,) = read(written(tmp_path, "d.json", row)) or ()
    assert [content for _, content in spoken(example)] == ["hola", "buenas", "Resume\n\nun texto", "ya"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "a", "answer": ""}, "answer is empty"),
        ({"question": "a", "answer": None}, "answer is missing"),
        ({"question": 3, "answer": "b"}, "question must be a text, not a number"),
        ({"question": "a", "answer": "b", "anwser": "c"}, "unknown key 'anwser' (did you mean 'answer'?)"),
        ({"instruction": "a", "output": "b", "input": 3}, "input must be a text"),
        ({"instruction": "a", "output": "b", "history": [["a"]]}, "history 1 must be a question and an answer"),
        ({"conversations": [{"from": "gpt", "value": "a"}]}, "wrong role order"),
        ({"conversations": [{"from": "tool", "value": "a"}]}, 'nobody knows who "tool" is'),
        ({"conversations": [{"from": "human", "value": "a"}]}, "no assistant turn"),
        ({"conversations": "a"}, "conversations must be a list, not a text"),
        ({"mesages": []}, "unknown key 'mesages' (did you mean 'messages'?)"),
    ],
)
def test_a_bad_row_of_any_shape_is_named_in_the_words_of_the_file(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    path = written(tmp_path, "d.jsonl", row)
    with pytest.raises(DataError) as error:
        read(path)
    assert reason in error.value.details[0] and error.value.details[0].partition(": ")[0].endswith("d.jsonl:1")


def test_all_bad_rows_are_listed_together(tmp_path: Path) -> None:
    path = written(
        tmp_path, "d.jsonl", SAME["alpaca"], {"instruction": "a", "output": ""}, SAME["alpaca"], {"instruction": "", "output": "b"}
    )
    with pytest.raises(DataError) as error:
        read(path)
    assert "2 of 4 rows" in error.value.message
    assert [detail.split(": ")[0].rpartition(":")[2] for detail in error.value.details] == ["2", "4"]


def test_a_broken_first_line_does_not_hide_the_format(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text('{"question": \n' + json.dumps(SAME["question and answer"]), encoding="utf-8")
    with pytest.raises(DataError) as error:
        read(path)
    assert len(error.value.details) == 1 and "truncated JSON" in error.value.details[0]


def test_a_file_with_no_readable_row_is_an_error_not_an_unknown_format(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(DataError):
        read(path)


def test_an_empty_file_holds_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"")
    assert read(path) == []


def test_other_suffixes_are_left_to_others(tmp_path: Path) -> None:
    path = tmp_path / "d.xml"
    path.write_text(json.dumps(MESSAGES))
    assert read(path) is None


def test_a_held_out_question_needs_no_answer(tmp_path: Path) -> None:
    (example,) = read(written(tmp_path, "eval.jsonl", {"question": "¿2+2?", "expected": {"answer": "4"}})) or ()
    assert spoken(example) == [("user", "¿2+2?")]


def test_gzip_is_read_and_half_of_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.gz"
    packed = gzip.compress(json.dumps(MESSAGES).encode())
    path.write_bytes(packed)
    assert len(read(path) or ()) == 1
    path.write_bytes(packed[:-12])
    with pytest.raises(DataError, match="no whole gzip file"):
        read(path)


# --- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_is_read_whatever_the_spreadsheet_wrote(tmp_path: Path, delimiter: str, begin: str, newline: str) -> None:
    lines = [delimiter.join(["Question", "answer"]), delimiter.join(['"¿Qué es\nuna pila?"', '"Una ""lista"", con cima; nada más"'])]
    (tmp_path / "d.csv").write_bytes((begin + newline.join(lines) + newline).encode())
    (example,) = read(tmp_path / "d.csv") or ()
    assert spoken(example) == [("user", "¿Qué es\nuna pila?"), ("assistant", 'Una "lista", con cima; nada más')]


def test_csv_cells_carry_tags_difficulty_and_expected(tmp_path: Path) -> None:
    lines = ["question,answer,tags,difficulty,expected", 'a,b,"x; y",3,"{""answer"": 4}"', "c,d,,,4", 'e,f,,,"[1"']
    (tmp_path / "d.csv").write_text("\n".join(lines[:3]), encoding="utf-8")
    first, second = read(tmp_path / "d.csv") or ()
    assert (first.tags, first.difficulty, first.expected) == (("x", "y"), 3, {"answer": 4})
    assert (second.tags, second.difficulty, second.expected) == ((), None, "4")
    (tmp_path / "d.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="1 of 3 rows"):
        read(tmp_path / "d.csv")


def test_bad_csv_rows_are_named_by_the_line_they_begin_on(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b'question,answer\n"a\nb",c\nd\ne,\nf,g,h\n' + b"i,\xf3\n" + b'"j')
    with pytest.raises(DataError) as error:
        read(tmp_path / "d.csv")
    found = {int(detail.split(": ")[0].rpartition(":")[2]): detail for detail in error.value.details}
    assert sorted(found) == [4, 5, 6, 7, 8]
    assert "not UTF-8" in found[7] and "not valid CSV" in found[8]


def test_csv_without_question_and_answer_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("foo,bar\n1,2\n")
    with pytest.raises(DataError, match="foo, bar"):
        read(tmp_path / "d.csv")


# --- Parquet -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pyarrow's and datasets' own
@pytest.mark.parametrize("shape", ["messages", "question and answer", "alpaca", "sharegpt"])
def test_parquet_is_read_through_datasets(tmp_path: Path, shape: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [SAME[shape] | {"tags": ["x"]}, SAME[shape]]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "d.parquet")
    examples = read(tmp_path / "d.parquet") or []
    assert [spoken(example) for example in examples] == [[("user", "¿2+2?"), ("assistant", "4")]] * 2
    assert examples[0].tags == ("x",) and examples[1].where.endswith("d.parquet:2")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pyarrow's and datasets' own
def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="no readable Parquet"):
        read(tmp_path / "d.parquet")


# --- real files ----------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")
def test_a_public_question_and_answer_file_is_read_as_it_is() -> None:
    assert len(read(SHARED / "math" / "gsm8k_train_sample.jsonl") or ()) == 800


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "tutors").glob("*/data/*.jsonl")), ids=lambda path: "/".join(path.parts[-3:])
)
def test_the_tutors_own_rows_are_read(path: Path) -> None:
    assert len(read(path) or ()) >= 12


def test_csv_with_one_column_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("question,question,answer\na,b,c\n")
    with pytest.raises(DataError, match="'question' appears twice"):
        CsvReader().hub_read_dataset(tmp_path / "d.csv")


def test_csv_cells_may_be_long_and_the_limit_of_others_stays(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    (tmp_path / "d.csv").write_text("question,answer\na," + "b" * 200_000 + "\n")
    (row,) = CsvReader().hub_read_dataset(tmp_path / "d.csv") or []
    assert len(row.messages[-1].content) == 200_000 and csv.field_size_limit() == before


def test_csv_of_one_line_without_header_says_so(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("2 y 2?,Son 4.\n")
    with pytest.raises(DataError, match="the header is missing"):
        CsvReader().hub_read_dataset(tmp_path / "d.csv")


@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.csv"])
def test_utf_16_without_a_mark_is_told_once(plugins: Plugins, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes('{"question": "a",\n"answer": "b"}\n'.encode("utf-16-le") * 9)
    with pytest.raises(DataError) as caught:
        plugins.read_dataset(tmp_path / name)
    (fault,) = caught.value.details
    assert fault.endswith(f"{name}:1: looks like UTF-16: save it as UTF-8")
