"""Conversations as JSON: what is written can be read back, and what anybody else wrote cannot do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters_hub import transcripts
from adapters_hub.errors import DataError
from adapters_hub.transcripts import KIND, Binding, Record, Try, Turn, document_of, records_of
from adapters_hub.types import Verdict

VERDICT = Verdict("incorrect", 0.5, "no", "Mal.", "Prueba otra vez.", "4", (1, 2), "5", "parsed", 0.25, "math", ("long",))
RECORD = Record(
    "k7m2qd",
    "2026-11-21T17:30:00Z",
    "2026-11-21T17:31:00Z",
    Binding("sql", "run", "adapter", "mini", "shape", "/home/ana"),
    (
        Turn("user", "¿Cuánto?", when="2026-11-21T17:30:00Z"),
        Turn(
            "assistant", "5", "sql", None, False, "run", "2026-11-21T17:30:05Z", (Try("4", VERDICT, "stop", 1.0), Try("5", None, "length"))
        ),
        Turn("user", "¿Y?"),
        Turn("assistant", "6", "base", VERDICT, True),
    ),
)


def data_of(document: Any) -> bytes:
    return json.dumps(document).encode()


def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document_of([RECORD])))
    return made


def test_what_is_written_is_read_back() -> None:
    (read,) = records_of(data_of(document()), "x.json")
    assert read.turns == RECORD.turns
    assert read.binding == Binding("sql", "run", "adapter", "mini", "shape")
    assert (read.id, read.created, read.changed) == (RECORD.id, RECORD.created, RECORD.changed)


def test_no_path_is_written_and_unknown_keys_are_let_pass() -> None:
    made = document()
    assert "/home/ana" not in json.dumps(made)
    made["conversations"][0]["title"] = "algo"
    made["conversations"][0]["turns"][0]["mood"] = {"x": [1]}
    assert records_of(b"\xef\xbb\xbf" + data_of(made), "x.json")[0].turns == RECORD.turns


def refused(change: Any) -> DataError:
    made = document()
    change(made, made["conversations"][0], made["conversations"][0]["turns"])
    with pytest.raises(DataError) as caught:
        records_of(data_of(made), "x.json")
    return caught.value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d, c, t: c.update(id="../etc"), "id must be"),
        (lambda d, c, t: c.update(id=None), "id must be"),
        (lambda d, c, t: c.update(tutor=""), "tutor is missing"),
        (lambda d, c, t: c.update(tutor=["sql"]), "tutor must be a text"),
        (lambda d, c, t: c.update(tutor="x" * 501), "501 characters"),
        (lambda d, c, t: c.update(created="yesterday"), "created must be a time"),
        (lambda d, c, t: c.update(turns={"0": 1}), "turns must be a list"),
        (lambda d, c, t: t.insert(0, "hola"), "turn 1 must be an object"),
        (lambda d, c, t: t.pop(0), "turns must alternate"),
        (lambda d, c, t: t.clear(), "turns is empty"),
        (lambda d, c, t: c.update(tutor="../../elsewhere/sql"), "tutor must be a name like sql"),
        (lambda d, c, t: t[1].update(tutor="/tmp/sql"), "tutor must be a name like sql"),
        (lambda d, c, t: c.update(tutor="sql\n✓ verificado"), "tutor must be one line"),
        (lambda d, c, t: c.update(changed="9999-99-99T99:99:99Z"), "changed must be a time"),
        (lambda d, c, t: t[0].update(role="system"), "role must be user or assistant"),
        (lambda d, c, t: t[0].update(content=5), "content must be a text"),
        (lambda d, c, t: t[0].update(content="a\x1b[2J"), "a control character"),
        (lambda d, c, t: t[0].update(content="\ud800"), "half of a surrogate pair"),
        (lambda d, c, t: t[1].update(stopped="yes"), "stopped must be true or false"),
        (lambda d, c, t: t[1].update(tries=[{}] * 17), "tries has 17 entries"),
        (lambda d, c, t: t[1]["tries"][0].update(finish="boom"), "finish must be one of"),
        (lambda d, c, t: t[3]["verdict"].update(outcome="maybe"), "outcome must be one of"),
        (lambda d, c, t: t[3].update(verdict=[1]), "verdict must be an object"),
        (lambda d, c, t: t[3]["verdict"].update(reason=7), "reason must be a text"),
    ],
)
def test_what_is_wrong_is_said_where(change: Any, said: str) -> None:
    assert said in "\n".join(refused(change).details)


def test_all_faults_are_told_at_once_but_not_endlessly() -> None:
    error = refused(lambda d, c, t: [c.update(id="X"), t[0].update(content=None), t[3]["verdict"].update(outcome="x")])
    assert len(error.details) == 3
    error = refused(lambda d, c, t: d.update(conversations=[5] * 5000))
    assert len(error.details) == transcripts.MOST_FAULTS


def test_figures_that_mean_nothing_are_taken_as_zero() -> None:
    made = document()
    made["conversations"][0]["turns"][3]["verdict"] |= {"score": 10**400, "seconds": "fast", "span": [-1, 3], "warnings": "no"}
    verdict = records_of(data_of(made), "x.json")[0].turns[3].verdict
    assert verdict is not None
    assert (verdict.score, verdict.seconds, verdict.span, verdict.warnings) == (0.0, 0.0, None, ())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "x.json"),
        (b"{", "truncated"),
        (b"[]", "holds no conversations"),
        (b"null", "holds no conversations"),
        (b'{"schema": 1}', "holds no conversations"),
        (data_of({"kind": KIND, "schema": 2, "conversations": []}), "has the schema 2"),
        (data_of({"kind": KIND, "schema": True, "conversations": []}), "has the schema True"),
        (data_of({"kind": KIND, "schema": "1" * 900, "conversations": []}), "has the schema"),
        (data_of({"kind": KIND, "schema": 1}), "cannot be imported"),
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b'{"kind": "\xff"}', "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"kind": ' + b"9" * 5000 + b"}", "x.json"),
        (data_of(document()) + b"{}", "something follows"),
    ],
)
def test_what_is_no_such_document_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(DataError) as caught:
        records_of(data, "x.json")
    assert said in "\n".join((caught.value.message, *caught.value.details))
    assert len(caught.value.message) < 300


def test_hostile_sizes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "LARGEST_DOCUMENT", 1000)
    with pytest.raises(DataError, match="too large"):
        records_of(b" " * 1001, "x.json")
    monkeypatch.undo()
    monkeypatch.setattr(transcripts, "MOST_TURNS", 3)
    assert "turns has 4 entries" in "\n".join(refused(lambda d, c, t: None).details)
    monkeypatch.setattr(transcripts, "MOST_CONVERSATIONS", 0)
    assert "conversations has 1 entries" in "\n".join(refused(lambda d, c, t: None).details)
    monkeypatch.setattr(transcripts, "LONGEST_TEXT", 3)
    monkeypatch.setattr(transcripts, "MOST_CONVERSATIONS", 5)
    assert "characters, where" in "\n".join(refused(lambda d, c, t: t.pop()).details)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
KEYS = [
    "id",
    "created",
    "changed",
    "tutor",
    "run",
    "turns",
    "role",
    "content",
    "when",
    "stopped",
    "verdict",
    "tries",
    "outcome",
    "span",
    "score",
]


@settings(deadline=None)
@given(path=st.lists(st.sampled_from([0, 1, 3, "turns", "verdict", "tries"]), max_size=4), key=st.sampled_from(KEYS), value=JSON)
def test_nothing_in_a_document_ends_in_a_crash(path: list[Any], key: str, value: Any) -> None:
    made = document()
    place: Any = made["conversations"][0]
    for step in path:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            break
    if isinstance(place, dict):
        place[key] = value
    elif isinstance(place, list):
        place.append(value)
    try:
        records = records_of(json.dumps(made).encode(), "x.json")
    except DataError as error:
        assert error.details or error.message
    else:
        json.dumps(document_of(records), allow_nan=False).encode()
