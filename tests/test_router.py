"""Each question to the tutor whose subject it is, on small tutors and on those that ship."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, load_test_plugins, make_tutor_folder, row, write

from adapters_hub.errors import NotFoundError
from adapters_hub.plugins import Plugins
from adapters_hub.router import AUTO, Router, held_out_questions, score_router
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Example, Tutor
from adapters_hub.workspace import RESERVED_NAMES, Workspace, find_workspace

SHIPPED = ("algoritmos", "matematicas", "sql")
FOREIGN = (
    "¿Cuál es la capital de Francia?",
    "hazme un poema sobre la luna",
    "recomiéndame una película de terror",
    "¿Cuántos huesos tiene el cuerpo humano?",
    "¿Quién pintó La última cena?",
    "cuéntame un chiste",
    "¿Qué vitaminas tiene la naranja?",
    "¿Cómo cuido una planta de interior?",
    "¿Qué países forman Centroamérica?",
    "¿Por qué el cielo es azul?",
)
"""Questions of nobody's subject."""


@pytest.fixture
def garden(workspace: Path) -> Path:
    """Two tutors more in the workspace, ``plantas`` and ``estrellas``, each with words of its own."""
    for name, things in (("plantas", ("rosa", "helecho", "cactus", "pino")), ("estrellas", ("cometa", "planeta", "galaxia", "eclipse"))):
        folder = make_tutor_folder(workspace / "tutors" / name)
        verbs = ("riega", "poda", "florece") if name == "plantas" else ("orbita", "brilla", "observa")
        rows = [row(f"¿Cómo se {verb} {thing} número {n}?", "Así.") for thing in things for verb in verbs for n in (1, 2)]
        write(folder / "data/train.jsonl", "".join(rows))
    return workspace / "tutors"


def tutor_in(tutors: Path, name: str) -> Tutor:
    return read_tutor(tutors / name, Workspace(tutors, tutors / "hub.toml"), environ={})


def router_in(tutors: Path, plugins: Plugins, *names: str) -> Router:
    return Router.of([tutor_in(tutors, name) for name in names or ("plantas", "estrellas")], plugins)


def test_a_question_goes_to_its_tutor_and_the_sentence_names_the_words(garden: Path, plugins: Plugins) -> None:
    route = router_in(garden, plugins).route("¿cada cuánto se riega un helecho?")
    assert route.tutor == "plantas"
    assert route.why.startswith("suena a Plantas: ") and '"helecho"' in route.why
    assert [name for name, _ in route.candidates] == ["plantas", "estrellas"]


def test_a_question_of_neither_is_left_to_the_person_with_a_whole_sentence(garden: Path, plugins: Plugins) -> None:
    route = router_in(garden, plugins).route("¿quién ganó el mundial de fútbol?")
    assert route.tutor is None
    assert route.why.endswith(".")


def test_a_question_of_both_names_both(garden: Path, plugins: Plugins) -> None:
    route = router_in(garden, plugins).route("helecho galaxia")
    assert route.tutor is None
    assert route.why.startswith("Puede ser de ") and route.why.endswith(".")
    assert 'Plantas ("helecho")' in route.why and 'Estrellas ("galaxia")' in route.why


def test_a_short_follow_up_stays_with_the_present_tutor(garden: Path, plugins: Plugins) -> None:
    router = router_in(garden, plugins)
    route = router.route("¿y con tres?", "estrellas")
    assert (route.tutor, route.why) == ("estrellas", "sigue con Estrellas")
    assert router.route("¿cómo se poda un pino y un cactus?", "estrellas").tutor == "plantas"


def test_one_tutor_alone_gets_everything(garden: Path, plugins: Plugins) -> None:
    route = router_in(garden, plugins, "plantas").route("¿quién ganó el mundial?")
    assert (route.tutor, route.why) == ("plantas", "Plantas es el único tutor")


def test_without_tutors_there_is_nobody_to_choose(plugins: Plugins) -> None:
    with pytest.raises(NotFoundError):
        Router.of([], plugins)


@pytest.mark.parametrize("told", ["by tag", "by answer"])
def test_rows_that_a_tutor_declines_teach_nothing(garden: Path, plugins: Plugins, told: str) -> None:
    """Twelve questions about tides that ``plantas`` sends to the tutor of stars must not make tides its subject."""
    file = garden / "plantas/data/train.jsonl"
    answer = "Eso no es lo mío." if told == "by tag" else "Eso lo sabe el tutor de Estrellas, pregúntale."
    tags = {"tags": ["fuera_de_tema"]} if told == "by tag" else {}
    declined = "".join(row(f"¿Por qué sube la marea del océano {n}?", answer, **tags) for n in range(12))
    write(file, file.read_text(encoding="utf-8") + declined)
    router = router_in(garden, plugins)
    assert router.route("¿por qué sube la marea del océano?").tutor is None
    write(file, file.read_text(encoding="utf-8").replace(answer, "Por la luna.").replace("fuera_de_tema", "mareas"))
    assert router_in(garden, plugins).route("¿por qué sube la marea del océano?").tutor == "plantas"


def test_a_tutor_whose_rows_cannot_be_read_takes_part_by_its_description_and_is_named(garden: Path, plugins: Plugins) -> None:
    write(garden / "sumas/data/train.jsonl", "{broken\n")
    write(garden / "sumas/tutor.toml", '[tutor]\ntitle = "Sumas"\ndescription = "Sumandos, llevadas y totales"\n[validator]\nuse = []\n')
    (garden / "restas/data/train.jsonl").unlink()
    router = router_in(garden, plugins, "plantas", "estrellas", "sumas", "restas")
    assert set(router.problems) == {"sumas"}
    assert router.route("las llevadas y los sumandos").tutor == "sumas"


def test_auto_is_nobodys_name() -> None:
    assert AUTO in RESERVED_NAMES


# --- the tutors that ship ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> tuple[list[Tutor], Plugins, Router]:
    plugins = load_test_plugins()
    folders = [REPOSITORY / "tutors" / name for name in SHIPPED]
    tutors = [read_tutor(folder, find_workspace(folder, environ={}), environ={}) for folder in folders]
    return tutors, plugins, Router.of(tutors, plugins)


def test_held_out_questions_of_the_shipped_tutors_find_their_tutor(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    tutors, plugins, router = shipped
    rows, problems = held_out_questions(tutors, plugins)
    assert not problems and len(rows) > 250
    score = score_router(router.route, router.names, rows)
    assert score.accuracy >= 0.96, score.misses
    assert score.abstention <= 0.06
    assert score.milliseconds <= 5


def test_questions_of_other_subjects_are_mostly_left_open(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    _, _, router = shipped
    assert sum(router.route(question).tutor is None for question in FOREIGN) >= 8


def test_later_turns_of_held_out_conversations_stay(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    tutors, plugins, router = shipped
    rows, _ = held_out_questions(tutors, plugins)
    turns = [(name, turn.content) for name, example in rows for turn in example.messages[1:] if turn.role == "user"]
    assert turns
    assert sum(router.route(text, name).tutor == name for name, text in turns) >= 0.95 * len(turns)


def test_a_clear_question_changes_the_tutor_in_a_conversation(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    tutors, plugins, router = shipped
    rows, _ = held_out_questions(tutors, plugins, limit=90)
    moves = [(name, other, example.messages[0].content) for name, example in rows for other in SHIPPED if other != name]
    assert sum(router.route(question, other).tutor == name for name, other, question in moves) >= 0.88 * len(moves)


def test_the_held_out_questions_are_not_learned_from(shipped: tuple[list[Tutor], Plugins, Router], monkeypatch: pytest.MonkeyPatch) -> None:
    tutors, plugins, _ = shipped
    read = []
    original = plugins.read_dataset

    def noted(path: Path) -> list[Example]:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(plugins, "read_dataset", noted)
    Router.of(tutors, plugins)
    assert read == ["train.jsonl"] * 3


def test_a_router_of_three_tutors_is_built_quickly(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    """About 0.2 s alone; the limit leaves room for a busy machine."""
    tutors, plugins, _ = shipped
    begun = time.process_time()
    Router.of(tutors, plugins)
    assert time.process_time() - begun < 1.0


def test_a_score_counts_who_was_taken_for_whom(shipped: tuple[list[Tutor], Plugins, Router]) -> None:
    tutors, plugins, router = shipped
    rows, _ = held_out_questions(tutors, plugins, limit=30)
    score = score_router(router.route, router.names, rows)
    assert len(rows) == score.questions == 30
    assert sum(sum(chosen.values()) for chosen in score.confusion.values()) == 30
    assert score.right == sum(chosen[tutor] for tutor, chosen in score.confusion.items())
    assert score.answered - score.right == len(score.misses)
