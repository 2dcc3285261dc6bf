"""The quiz room: which questions a student gets, how fair the verdicts are, what hints tell, what the sheet says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import load_test_plugins, row, write
from test_shipped_tutors import NAMES, TUTORS, judge_of, tutor_of

from adapters_hub.errors import DataError, NotFoundError, UsageError
from adapters_hub.plugins import Plugins
from adapters_hub.quiz import FENCE, Card, Quiz, Result, Sheet, Try, card_of, quiz_of
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace


class Sums:
    """Knows the expected number; an answer without any number is nothing to it, and code counts only in a block."""

    def judge(self, attempt: Attempt) -> Verdict:
        if attempt.expected is None:
            return Verdict("unverified", code="no_expected")
        text = attempt.answer
        if attempt.expected == "code":
            found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
            if found is None:
                return Verdict("unverified", code="no_code")
            right = found[1].strip() == "def f():\n    return 1"
            return Verdict("correct" if right else "incorrect", extracted=found[1], span=found.span(1), reason="" if right else "syntax")
        numbers = re.findall(r"\d+", text)
        if not numbers:
            return Verdict("unverified", code="no_number", reason="No hay número.")
        said, expected = numbers[-1], str(attempt.expected)
        if said == expected:
            return Verdict("correct", 1.0, extracted=said, expected=expected, reason="Bien.")
        reason = f"La respuesta dice {said} y se esperaba {expected}."
        return Verdict("incorrect", extracted=said, expected=expected, reason=reason, hint=f"Revisa: no es {said}, es {expected}.")


CODE = Card("Escribe f.", "Empieza por def.\n\n```python\ndef f():\n    return 1\n```\n\nListo.", expected="code", code="python")


def rows_of(*more: str) -> str:
    rows = [row(f"¿Cuánto es {n} y 1?", f"Suma uno.\nSon {n + 1}.", expected=str(n + 1), tags=["sumas"], difficulty=1) for n in range(4)]
    rows += [row(f"¿Cuánto es {n} por 2?", f"Son {2 * n}.", expected=str(2 * n), tags=["productos"], difficulty=2) for n in range(20, 24)]
    return "".join((*rows, *more))


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    folder = workspace / "tutors/sumas"
    write(folder / "data/eval.jsonl", rows_of())
    return read_tutor(folder, find_workspace(workspace))


def quiz_for(tutor: Tutor, *cards: Card) -> Quiz:
    return Quiz(tutor, Sums(), cards)


# --- which questions -----------------------------------------------------------------------------


def test_a_few_questions_are_about_every_topic_and_the_easy_ones_come_first(tutor: Tutor, plugins: Plugins) -> None:
    quiz = quiz_of(tutor, plugins, Sums(), count=4, seed=1)
    assert [card.topics for card in quiz.cards] == [("sumas",), ("sumas",), ("productos",), ("productos",)]


def test_the_same_seed_asks_the_same_questions(tutor: Tutor, plugins: Plugins) -> None:
    def asked(seed: int) -> list[str]:
        return [card.question for card in quiz_of(tutor, plugins, Sums(), count=4, seed=seed).cards]

    assert asked(1) == asked(1)
    assert len({tuple(asked(seed)) for seed in range(8)}) > 1


def test_zero_asks_everything(tutor: Tutor, plugins: Plugins) -> None:
    assert len(quiz_of(tutor, plugins, Sums(), count=0).cards) == 8


def test_questions_can_be_chosen_by_topic_and_difficulty(tutor: Tutor, plugins: Plugins) -> None:
    assert all(card.topics == ("productos",) for card in quiz_of(tutor, plugins, Sums(), topic="productos").cards)
    assert all(card.difficulty == 1 for card in quiz_of(tutor, plugins, Sums(), difficulty=1).cards)


def test_an_unknown_topic_names_the_nearest_and_a_difficulty_that_is_not_there_says_what_is(tutor: Tutor, plugins: Plugins) -> None:
    with pytest.raises(NotFoundError) as topic:
        quiz_of(tutor, plugins, Sums(), topic="producto")
    assert "productos" in topic.value.hint
    with pytest.raises(NotFoundError) as level:
        quiz_of(tutor, plugins, Sums(), difficulty=3)
    assert "1, 2" in level.value.hint


def test_questions_whose_own_answer_nobody_can_judge_are_left_out_and_counted(tutor: Tutor, plugins: Plugins) -> None:
    write(tutor.folder / "data/eval.jsonl", rows_of(row("¿Por qué?", "Porque sí."), row("¿Y 2 y 2?", "Son 5.", expected="4")))
    quiz = quiz_of(tutor, plugins, Sums(), count=0)
    assert (len(quiz.cards), quiz.left_out) == (8, 2)


def test_where_nobody_can_judge_anything_there_is_no_quiz(tutor: Tutor, plugins: Plugins) -> None:
    write(tutor.folder / "data/eval.jsonl", row("¿Por qué?", "Porque sí."))
    with pytest.raises(UsageError, match="none of the 1 questions"):
        quiz_of(tutor, plugins, Sums())


def test_rows_without_an_answer_are_no_questions(tutor: Tutor, plugins: Plugins) -> None:
    assert card_of(Example((Message("user", "¿Y?"),))) is None
    write(tutor.folder / "data/eval.jsonl", '{"messages": [{"role": "user", "content": "¿Y?"}], "expected": "4"}\n')
    with pytest.raises(DataError):
        quiz_of(tutor, plugins, Sums())


def test_the_conversation_before_the_question_is_kept_and_told_to_the_judge(tutor: Tutor) -> None:
    turns = (Message("system", "S"), Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", "d"))
    card = card_of(Example(turns))
    assert card is not None
    assert ([turn.content for turn in card.earlier], card.question, card.reference) == (["a", "b"], "c", "d")
    seen: list[Attempt] = []

    class Listener:
        def judge(self, attempt: Attempt) -> Verdict:
            seen.append(attempt)
            return Verdict("correct")

    Quiz(tutor, Listener(), (card,)).judge(card, "d")
    assert [turn.content for turn in seen[0].messages] == ["a", "b", "c"]


# --- verdicts ------------------------------------------------------------------------------------


def test_bare_code_counts_as_if_it_stood_in_a_block(tutor: Tutor) -> None:
    verdict = quiz_for(tutor, CODE).judge(CODE, "def f():\n    return 1\n")
    assert verdict.outcome == "correct"
    assert verdict.span is None, "it would lie in the block, not in what was typed"


def test_faulty_bare_code_is_told_what_is_wrong_with_the_code(tutor: Tutor) -> None:
    assert quiz_for(tutor, CODE).judge(CODE, "deff f():").reason == "syntax"


def test_bare_code_that_nobody_can_compare_is_not_told_to_be_missing(tutor: Tutor) -> None:
    class Careful:
        def judge(self, attempt: Attempt) -> Verdict:
            fenced = "```" in attempt.answer
            return Verdict("unverified", code="not_run") if fenced else Verdict("incorrect", code="no_code", reason="No hay código.")

    assert Quiz(tutor, Careful(), ()).judge(CODE, "def f():\n    return 2").code == "not_run"
    assert Quiz(tutor, Careful(), ()).judge(CODE, "no sé").code == "no_code"


def test_prose_where_code_is_asked_for_is_no_faulty_code(tutor: Tutor) -> None:
    assert quiz_for(tutor, CODE).judge(CODE, "una función que devuelve uno").code == "no_code"


def test_the_question_again_is_no_answer_even_where_it_is_equal_to_it(tutor: Tutor) -> None:
    class Equal:
        def judge(self, attempt: Attempt) -> Verdict:
            return Verdict("correct", 1.0, extracted=attempt.answer.removeprefix("Es "), expected="3/4")

    card = Card("Simplifica 6 / 8, ¿o es 3/4?", "Es 3/4.", expected="3/4")
    quiz = Quiz(tutor, Equal(), (card,))
    assert (quiz.judge(card, "Es 6/8").outcome, quiz.judge(card, "6 / 8").code) == ("unverified", "repeats")
    assert quiz.judge(card, "3/4").outcome == quiz.judge(card, "12/16").outcome == "correct"


def test_an_answer_with_a_block_of_its_own_is_judged_as_it_is(tutor: Tutor) -> None:
    assert quiz_for(tutor, CODE).judge(CODE, "```\ndef f():\n    return 1\n```").code == "no_code"


def test_who_may_try_again_does_not_read_the_answer_in_the_verdict(tutor: Tutor) -> None:
    card = Card("¿Cuánto es 3 y 1?", "Son 4.", expected="4")
    quiz = quiz_for(tutor, card)
    told = quiz.without_spoiler(card, quiz.judge(card, "14"))
    assert told.reason == "La respuesta dice 14."
    assert told.hint == "Revisa: no es 14, es …."


def test_nor_any_part_of_the_answer_that_is_still_missing(tutor: Tutor) -> None:
    class Terms:
        def judge(self, attempt: Attempt) -> Verdict:
            missing = [term for term in ("pila", "cola") if term not in attempt.answer]
            reason = f"No se encontró {' ni '.join(missing)}."
            return Verdict("unverified" if missing else "correct", reason=reason, expected="pila, cola", extracted=attempt.answer)

    card = Card("¿Qué dos hay?", "Una pila y una cola.")
    quiz = Quiz(tutor, Terms(), (card,))
    assert quiz.without_spoiler(card, quiz.judge(card, "no sé")).reason == "No se encontró … ni …."
    assert quiz.without_spoiler(card, quiz.judge(card, "una pila")).reason == "No se encontró …."


def test_a_figure_that_is_not_the_answer_stays_in_the_verdict(tutor: Tutor) -> None:
    verdict = Verdict("incorrect", reason="f(2) dio 3; se esperaba 5.", expected="5")
    card = Card("Escribe f.", "```python\nx\n```", expected="code")
    assert quiz_for(tutor, card).without_spoiler(card, verdict) is verdict


# --- hints ---------------------------------------------------------------------------------------


def test_hints_begin_as_the_model_answer_does_and_leave_out_the_result(tutor: Tutor) -> None:
    card = Card("¿Cuánto es 3 y 1?", "Suma uno.\nCuenta desde 3.\nSon 4.\nFin.", expected={"answer": "4"})
    assert quiz_for(tutor, card).hints(card) == ("Suma uno.", "Cuenta desde 3.", "Fin.")


def test_code_is_asked_for_only_where_it_alone_is_a_right_answer(tutor: Tutor, plugins: Plugins) -> None:
    asks = row("Escribe f.", "Así:\n\n```python\ndef f():\n    return 1\n```\n", expected="code", tags=["a"])
    shows = row("¿2 y 2?", "Son 4, como dice Python:\n\n```python\nprint(2 + 2)\n```\n\nSon 4.", expected="4", tags=["b"])
    write(tutor.folder / "data/eval.jsonl", asks + shows)
    assert {card.topics[0]: card.code for card in quiz_of(tutor, plugins, Sums()).cards} == {"a": "python", "b": ""}


def test_the_last_hint_for_code_is_its_first_line(tutor: Tutor) -> None:
    assert quiz_for(tutor, CODE).hints(CODE) == ("Empieza por def.", "Empieza así: def f():")


# --- the sheet -----------------------------------------------------------------------------------


def result(ending: str, *topics: str, tries: int = 1) -> Result:
    card = Card(f"¿{ending}?", "Sí.", topics=topics, where=f"eval.jsonl:{len(topics)}")
    return Result(card, tuple(Try("x", Verdict("unverified")) for _ in range(tries)), ending)  # type: ignore[arg-type]


def test_the_sheet_counts_by_topic_the_weakest_first() -> None:
    sheet = Sheet([result("correct", "a", "b"), result("given_up", "b"), result("correct", "c", tries=2), result("unverified", "c")])
    assert (sheet.correct, sheet.first_try) == (2, 1)
    assert [(score.topic, score.correct, score.asked) for score in sheet.topics] == [("b", 1, 2), ("c", 1, 2), ("a", 1, 1)]
    assert [card.question for card in sheet.repeat] == ["¿given_up?", "¿unverified?"]


def test_the_document_of_a_sheet_holds_every_try() -> None:
    document = Sheet([result("incorrect", "a", tries=2)]).document()
    assert (document["asked"], document["incorrect"], document["first_try"]) == (1, 1, 0)
    assert len(document["questions"][0]["tries"]) == 2
    assert document["topics"] == [{"topic": "a", "asked": 1, "correct": 0}]


# --- the tutors that ship ------------------------------------------------------------------------


@pytest.fixture(scope="module", params=NAMES)
def shipped(request: pytest.FixtureRequest) -> Iterator[Quiz]:
    tutor = tutor_of(request.param)
    yield quiz_of(tutor, load_test_plugins(own_folder=TUTORS), judge_of(tutor), count=12, seed=5)


def code_of(card: Card) -> str:
    """The code of the model answer."""
    block = FENCE.search(card.reference)
    assert block is not None
    return block[2]


def short_answer(card: Card) -> str:
    """What a student in a hurry types: the code alone, or the result."""
    if card.code:
        return code_of(card)
    if "terms" in card.expected:
        return ", ".join(term if isinstance(term, str) else term[0] for term in card.expected["terms"])
    answer = card.expected["answer"]
    return str(answer[0] if isinstance(answer, list) else answer)


def test_the_answers_that_ship_are_correct_whole_and_bare(shipped: Quiz) -> None:
    assert len(shipped.cards) == 12
    for card in shipped.cards:
        assert shipped.judge(card, card.reference).outcome == "correct", card
        assert shipped.judge(card, short_answer(card)).outcome == "correct", card


def test_wrong_answers_to_the_questions_that_ship_are_never_correct(shipped: Quiz) -> None:
    for card in shipped.cards:
        broken = [card.question, "no sé", "123456", "SELECT 1", "def f(x):\n    return x"]
        if card.code:
            broken.append("\n".join(code_of(card).splitlines()[1:]))
        elif "terms" not in card.expected:
            broken += [f"{short_answer(card)}7", f"Resultado: {short_answer(card)}7"]
        for answer in broken:
            assert shipped.judge(card, answer).outcome != "correct", (card, answer)


@pytest.fixture(scope="module")
def mathematics() -> Quiz:
    tutor = tutor_of("matematicas")
    return Quiz(tutor, judge_of(tutor), ())


AS_TYPED = (
    ("de 40 preguntas contesté bien 34, qué porcentaje acerté", "85 %", "85", "el 85 por ciento"),
    ("Un tanque: ¿cuántos litros le caben, aproximadamente?", "942 litros", "942.48", "942,48 litros", "300π litros"),
    ("Con 40 m de malla, ¿qué medidas?", "10 m por 10 m", "10x10", "10 por 10", "10 m x 10 m"),
    ("Multiplica (x + 7)(x - 2)", "x^2 + 5x - 14", "x2+5x-14", "x**2+5*x-14"),
    ("¿Cuánta leche usó?", "13/12", "1 y 1/12", "1 1/12"),
    ("¿Probabilidad de al menos una cara?", "7/8", "87.5%", "87,5 %"),
)


@pytest.mark.parametrize(("question", "expected", "answers"), [(ask, expected, typed) for ask, expected, *typed in AS_TYPED])
def test_right_answers_count_as_a_student_types_them(mathematics: Quiz, question: str, expected: str, answers: list[str]) -> None:
    card = Card(question, f"El resultado es {expected}.", expected={"answer": expected})
    assert {answer: mathematics.judge(card, answer).outcome for answer in answers} == dict.fromkeys(answers, "correct")


def test_a_right_number_of_another_unit_is_not_counted_as_right(mathematics: Quiz) -> None:
    card = Card("¿En cuántos minutos suenan juntas?", "En 60 minutos.", expected={"answer": "60"})
    assert mathematics.judge(card, "60 min").outcome == "correct"
    assert mathematics.judge(card, "60 horas").code == "doubt"


def test_no_hint_that_ships_is_already_the_answer(shipped: Quiz) -> None:
    with_hints = 0
    for card in shipped.cards:
        hints = shipped.hints(card)
        with_hints += bool(hints)
        assert all(shipped.judge(card, hint).outcome != "correct" for hint in hints), card
    assert with_hints >= 10


def test_a_wrong_result_is_told_without_the_right_one() -> None:
    tutor = tutor_of("matematicas")
    quiz = quiz_of(tutor, load_test_plugins(own_folder=TUTORS), judge_of(tutor), count=12, seed=5)
    told = 0
    for card in quiz.cards:
        verdict = quiz.judge(card, "123456")
        kept = quiz.without_spoiler(card, verdict)
        if verdict.outcome == "incorrect":
            told += 1
            assert not re.search(rf"(?<!\w){re.escape(verdict.expected)}(?!\w)", kept.reason.replace("123456", "")), kept
            assert replace(kept, reason="", hint="") == replace(verdict, reason="", hint="")
    assert told >= 8
