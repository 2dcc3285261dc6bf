"""The log of conversations: kept turn by turn, found again, carried elsewhere, gone for good."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters_hub.conversations import ConversationLog, Diverged, Removed
from adapters_hub.errors import NotFoundError, UsageError
from adapters_hub.transcripts import ID, Binding, Try, Turn, cleaned, document_of, now, records_of
from adapters_hub.types import Verdict

BOUND = Binding("sql", "20261121T101500Z-3f2a", "abc", "mini", "def", "/home/ana/tutors/sql")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations" / "log.db"


@pytest.fixture(params=[True, False], ids=["fts5", "like"])
def log(request: pytest.FixtureRequest, file: Path) -> Iterator[ConversationLog]:
    """With the full-text index, and as it is where SQLite lacks it."""
    opened = ConversationLog(file, full_text=request.param)
    yield opened
    opened.close()


def user(text: str, when: str = "2026-11-21T10:00:00Z") -> Turn:
    return Turn("user", text, when=when)


def tutor(text: str, when: str = "2026-11-21T10:00:05Z") -> Turn:
    verdict = Verdict("correct", 1.0, "ok", "Bien.", "", text[:3], (0, 3), "", "parsed", 0.1, "sql", ("long",))
    return Turn("assistant", text, "sql", verdict, False, BOUND.run, when)


def talk(log: ConversationLog, *texts: str, bound: Binding = BOUND, when: str = "2026-11-21T10:00:00Z") -> str:
    turns = [user(text, when) if number % 2 == 0 else tutor(text, when) for number, text in enumerate(texts)]
    return log.begin(bound, turns)


# --- keeping and reading -------------------------------------------------------------------------


def test_a_conversation_reads_as_it_was_written(log: ConversationLog) -> None:
    id = log.begin(BOUND, [user("¿Cómo?")])
    answer = tutor("Así.\n\n```sql\nSELECT 1;\n```")
    tried = Turn("assistant", "b", "sql", None, True, BOUND.run, tries=(Try("a", answer.verdict, "stop", 1.5), Try("b", None, "cancelled")))
    log.append(id, 1, answer)
    log.append(id, 2, user("¿Y?"))
    log.append(id, 3, tried)
    record = log.show(id)
    assert record.turns == (user("¿Cómo?"), answer, user("¿Y?"), tried)
    assert (record.id, record.binding, record.created) == (id, BOUND, "2026-11-21T10:00:00Z")


def test_ids_are_short_and_typeable_and_a_unique_beginning_is_enough(log: ConversationLog) -> None:
    ids = [talk(log, "hola") for _ in range(30)]
    assert len(set(ids)) == 30
    assert all(ID.fullmatch(id) and len(id) == 6 for id in ids)
    one = log.take_in([log.show(ids[0]).__class__("zebra2", "", "", BOUND, (user("a"),))]).added[0]
    log.take_in([log.show(ids[0]).__class__("zebra3", "", "", BOUND, (user("b"),))])
    assert log.show("zebra2").id == one == log.show("ZEBRA2").id
    with pytest.raises(UsageError, match="zebra2, zebra3"):
        log.show("zebr")
    for unknown in ("", "qqqqqqqq", "%", "_"):
        with pytest.raises(NotFoundError):
            log.show(unknown)


def test_the_list_begins_with_the_conversation_that_has_the_newest_turn(log: ConversationLog) -> None:
    first, second = talk(log, "primera pregunta", "r"), talk(log, "segunda", "r")
    assert [row.id for row in log.list()] == [second, first]
    log.append(first, 2, user("y más"))
    row = log.list(most=1)[0]
    assert (row.id, row.turns, row.question, row.tutor, row.run) == (first, 3, "primera pregunta", "sql", BOUND.run)
    assert log.list(tutor="math") == ()


def test_conversations_without_a_turn_since_a_moment_can_be_listed(log: ConversationLog) -> None:
    old, _new = talk(log, "a", when="2026-01-01T00:00:00Z"), talk(log, "b", when="2026-06-01T00:00:00Z")
    assert [row.id for row in log.list(before="2026-03-01T00:00:00Z")] == [old]


def test_the_last_conversation_may_be_one_of_a_workspace_or_of_a_tutor(log: ConversationLog) -> None:
    here = talk(log, "a")
    there = talk(log, "b", bound=Binding("math", folder="/home/ana/tutors_b/math"))
    assert [record and record.id for record in (log.latest(), log.latest(tutor="sql"), log.latest(tutor="x"))] == [there, here, None]
    found = log.latest(home=Path("/home/ana/tutors"))
    assert found is not None
    assert found.id == here


def test_a_conversation_can_go_on_with_another_tutor(log: ConversationLog) -> None:
    id = talk(log, "a", "b")
    log.rebind(id, Binding("math", "r2"))
    assert log.show(id).binding == Binding("math", "r2")
    assert log.show(id).turns[1].run == BOUND.run


def test_turns_can_be_taken_back(log: ConversationLog) -> None:
    id = talk(log, "manzana", "pera", "uva", "kiwi")
    log.cut(id, 2, present=4)
    assert [turn.content for turn in log.show(id).turns] == ["manzana", "pera"]
    assert log.search("uva") == ()
    log.append(id, 2, user("melón"))
    assert log.search("melon")[0].position == 2
    log.cut(id, 0)
    assert log.list() == ()
    assert log.search("manzana") == ()


def test_a_turn_is_never_written_over_anothers(log: ConversationLog) -> None:
    id = talk(log, "a", "b")
    for position in (0, 1, 3):
        with pytest.raises(Diverged):
            log.append(id, position, user("x"))
    with pytest.raises(Diverged):
        log.cut(id, 0, present=4)
    log.remove([id])
    with pytest.raises(Removed):
        log.append(id, 2, user("x"))
    with pytest.raises(Removed):
        log.cut(id, 0)


def test_texts_that_no_database_can_hold_are_kept_as_far_as_they_go(log: ConversationLog) -> None:
    id = talk(log, "uno\x00dos\udcff\x1b[31m", "x" * (1 << 22) + "y")
    question, answer = log.show(id).turns
    assert question.content == "uno\ufffddos\ufffd\ufffd[31m"
    assert len(answer.content) == 1 << 22


LENIENT = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@LENIENT
@given(text=st.text(max_size=60), sought=st.text(max_size=30))
def test_any_text_can_be_kept_and_looked_for(log: ConversationLog, text: str, sought: str) -> None:
    id = log.begin(BOUND, [user(text)])
    assert log.show(id).turns[0].content == cleaned(text)
    for wanted in (sought, text):
        try:
            log.search(wanted)
        except UsageError:
            assert not wanted.replace('"', "").strip()


@LENIENT
@given(words=st.lists(st.text("aáÀbñÑüç1_ß€", min_size=1, max_size=8), min_size=1, max_size=10), which=st.data())
def test_every_word_of_a_text_finds_it(log: ConversationLog, words: list[str], which: st.DataObject) -> None:
    id = log.begin(BOUND, [user(" ".join(words))])
    assert id in {hit.id for hit in log.search(which.draw(st.sampled_from(words)), most=10_000)}


# --- searching -----------------------------------------------------------------------------------


def test_accents_capitals_and_endings_make_no_difference(log: ConversationLog) -> None:
    id = talk(log, "¿Cómo sumo FRACCIONES?", "El año de la cigüeña: ñandú")
    for sought in ("fraccion", "FRACCIÓN", "como sumo", "ano ciguena", "Ñandu", "nandú"):
        assert [hit.id for hit in log.search(sought)] == [id], sought
    assert log.search("restas") == ()
    assert log.search("sumo ñandú") == (), "both words in one turn"


def test_what_stands_in_quotes_is_looked_for_as_a_whole(log: ConversationLog) -> None:
    first, _second = talk(log, "la primera ley de Newton"), talk(log, "la ley primera de Newton")
    assert [hit.id for hit in log.search('"primera ley" newton')] == [first]
    assert len(log.search("primera ley newton")) == 2


@pytest.mark.parametrize(
    "sought", ["a OR b", 'x" OR "y', "NEAR(a b)", "col:a", "-a", "a*", "(", '"', "^a", "a AND", "{a b}:c", "%", "_", "\\", "';--"]
)
def test_nothing_that_is_typed_is_syntax(log: ConversationLog, sought: str) -> None:
    talk(log, "nada de esto")
    try:
        assert log.search(sought) == ()
    except UsageError:
        assert not sought.strip('"')


def test_marks_are_found_too(log: ConversationLog) -> None:
    first, second = talk(log, "SELECT a == b"), talk(log, "100 %")
    assert [hit.id for hit in log.search("==")] == [first]
    assert [hit.id for hit in log.search("%")] == [second]


def test_a_hit_says_where_and_shows_what_stands_around(log: ConversationLog) -> None:
    id = talk(log, "a", "antes " * 40 + "\nla AGUJA está aquí " + "después " * 40)
    hit = log.search("aguja")[0]
    assert (hit.id, hit.position, hit.role, hit.tutor, hit.when) == (id, 1, "assistant", "sql", "2026-11-21T10:00:00Z")
    assert hit.excerpt.startswith("…")
    assert "la AGUJA está aquí" in hit.excerpt
    assert len(hit.excerpt) < 200
    assert "\n" not in hit.excerpt


def test_the_newest_hits_come_first_and_may_be_those_of_one_tutor(log: ConversationLog) -> None:
    first = talk(log, "hola")
    second = talk(log, "hola", bound=Binding("math"))
    assert [hit.id for hit in log.search("hola")] == [second, first]
    assert [hit.id for hit in log.search("hola", most=1)] == [second]
    assert [hit.id for hit in log.search("hola", tutor="sql")] == [first]


def test_what_a_process_without_index_wrote_is_found_by_one_that_has_it(file: Path) -> None:
    ConversationLog(file).close()
    plain = ConversationLog(file, full_text=False)
    kept, removed = talk(plain, "aguja"), talk(plain, "aguja")
    plain.remove([removed])
    plain.close()
    indexed = ConversationLog(file)
    assert [hit.id for hit in indexed.search("aguj")] == [kept]
    indexed.close()


# --- removing ------------------------------------------------------------------------------------


def test_what_is_removed_is_gone_from_the_disk(log: ConversationLog) -> None:
    secret = "secretísimo" + "abcdefgh" * 700
    doomed, kept = talk(log, "hola", secret), talk(log, "queda", "esto")
    beside = ConversationLog(log.path, full_text=log._indexed)  # a chat in another window
    assert len(beside.list()) == 2
    assert any(b"secret" in part.read_bytes() for part in log.path.parent.iterdir())
    assert log.remove([doomed, "nobody"]) == 1
    assert [row.id for row in log.list()] == [kept]
    assert log.search("secretisimo") == ()
    for part in log.path.parent.iterdir():
        data = part.read_bytes()
        assert b"secret" not in data, part.name
        assert b"abcdefghabcdefgh" not in data, part.name
    assert [row.id for row in beside.list()] == [kept]
    beside.close()


# --- carrying elsewhere --------------------------------------------------------------------------


def test_an_import_from_the_future_is_not_the_last_conversation_for_ever(log: ConversationLog) -> None:
    document = document_of([log.show(talk(log, "a", "b"))])
    document["conversations"][0] |= {"id": "future", "changed": "9999-01-01T00:00:00Z"}
    log.take_in(records_of(json.dumps(document).encode(), "x.json"))
    later = talk(log, "c", "d", when=now())
    latest = log.latest()
    assert latest is not None and latest.id == later


def test_an_export_is_imported_elsewhere_as_it_was(log: ConversationLog, tmp_path: Path) -> None:
    ids = [talk(log, "a", "b"), talk(log, "c")]
    document = json.dumps(document_of([log.show(id) for id in ids]))
    assert "/home/ana" not in document, "no path of this machine leaves it"
    other = ConversationLog(tmp_path / "other/log.db")
    done = other.take_in(records_of(document.encode(), "x.json"))
    assert (done.added, done.known) == (tuple(ids), ())
    for id in ids:
        assert other.show(id).turns == log.show(id).turns
        assert other.show(id).changed == log.show(id).changed
    assert other.take_in(records_of(document.encode(), "x.json")).known == tuple(ids)
    assert other.search("b")[0].id == ids[0]
    other.close()


def test_another_conversation_with_the_same_id_gets_a_new_one(log: ConversationLog) -> None:
    id = talk(log, "a", "b")
    record = log.show(id)
    done = log.take_in([record.__class__(id, record.created, record.changed, BOUND, (user("otra"),))])
    assert done.added[0] != id
    assert log.show(done.added[0]).turns[0].content == "otra"
    assert log.show(id) == record


# --- several at once, and crashes ----------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from adapters_hub.conversations import ConversationLog
from adapters_hub.transcripts import Binding, Turn
log = ConversationLog(Path(sys.argv[1]))
id = log.begin(Binding(sys.argv[2]), [Turn("user", "turno 0")])
for number in range(1, int(sys.argv[3])):
    log.append(id, number, Turn("user" if number % 2 == 0 else "assistant", f"turno {number}", sys.argv[2]))
    print(number, flush=True)
print(id, flush=True)
"""


def writer(file: Path, name: str, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name, str(turns)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_loses_the_turn_in_flight_at_most(file: Path) -> None:
    process = writer(file, "sql", 1_000_000)
    assert process.stdout is not None
    told = 0
    while told < 20:
        told = int(process.stdout.readline())
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    rest = process.stdout.read().split()
    process.stdout.close()
    process.wait()
    told = int(rest[-1]) if rest else told
    log = ConversationLog(file)
    turns = log.show(log.list()[0].id).turns
    assert [turn.content for turn in turns] == [f"turno {number}" for number in range(len(turns))]
    assert len(turns) >= told + 1, "every turn that was reported as written is there"
    assert log.search("turno")
    log.close()


def test_several_processes_write_at_once(file: Path) -> None:
    processes = [writer(file, name, 40) for name in ("sql", "math", "code")]
    outputs = [process.communicate(timeout=60)[0].split() for process in processes]
    log = ConversationLog(file)
    assert {row.id for row in log.list()} == {output[-1] for output in outputs}
    assert all(row.turns == 40 for row in log.list())
    assert len(log.search("turno", most=1000)) == 120
    log.close()


def test_any_thread_may_use_the_log(log: ConversationLog) -> None:
    faults: list[Exception] = []

    def work() -> None:
        try:
            id = talk(log, "a", "b")
            for number in range(10):
                log.append(id, 2 + number, user("c") if number % 2 == 0 else tutor("d"))
                log.search("c")
        except Exception as error:  # told to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [row.turns for row in log.list()] == [12] * 4


def test_a_turn_waits_for_another_process_that_is_writing(log: ConversationLog) -> None:
    id = talk(log, "a")
    other = sqlite3.connect(log.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    began = time.perf_counter()
    log.append(id, 1, tutor("b"))
    assert time.perf_counter() - began > 0.2
    timer.join()
    other.close()


def test_thousands_of_turns_stay_quick_to_find(file: Path) -> None:
    log = ConversationLog(file)
    many = [user(f"pregunta {number} sobre fracciones") if number % 2 == 0 else tutor(f"respuesta {number}") for number in range(4000)]
    id = log.begin(BOUND, many)
    began = time.perf_counter()
    assert log.search("pregunta 3998")[0].position == 3998
    assert log.list()[0].turns == 4000
    log.append(id, 4000, user("una más"))
    assert time.perf_counter() - began < 1
    log.close()
