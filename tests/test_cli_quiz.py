"""``hub quiz``: what a student types, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Hub, row, run_hub, write

VALIDATOR = """
import re
from adapters_hub import ValidatorSpec, Verdict, hookimpl

class Sums:
    def judge(self, attempt):
        expected = attempt.expected
        if expected is None:
            return Verdict("unverified", code="no_expected")
        if expected == "code":
            found = re.search(r"```python\\n(.*?)```", attempt.answer, re.DOTALL)
            if not found:
                return Verdict("incorrect", code="no_code", reason="No hay código.")
            right = "return 1\\n\\nprint" in found[1] or found[1].strip() == "def f():\\n    return 1"
            return Verdict("correct" if right else "incorrect", extracted=found[1], reason="Bien." if right else "No devuelve 1.")
        numbers = re.findall(r"\\d+", attempt.answer)
        if not numbers:
            return Verdict("unverified", code="no_number", reason="No hay número.")
        if numbers[-1] == expected:
            return Verdict("correct", 1.0, reason="Bien.", expected=expected)
        return Verdict("incorrect", reason=f"No es {numbers[-1]}, se esperaba {expected}.", hint="Cuenta con los dedos.", expected=expected)

@hookimpl
def hub_validators():
    return [ValidatorSpec("cuentas", "knows the sums", lambda options: Sums())]
"""


@pytest.fixture
def asked(workspace: Path) -> Path:
    """A tutor with two sums and a piece of code, in this order of difficulty."""
    folder = workspace / "tutors/sumas"
    write(folder / "validator.py", VALIDATOR)
    write(folder / "tutor.toml", '[tutor]\ntitle = "Sumas"\n[validator]\nuse = ["cuentas"]\n')
    code = "Devuelve uno.\n\n```python\ndef f():\n    return 1\n```"
    rows = [
        row("¿Cuánto es 1 y 1?", "Suma.\nSon 2.", expected="2", tags=["sumas"], difficulty=1),
        row("¿Cuánto es 3 y 3?", "Suma.\nSon 6.", expected="6", tags=["dobles", "sumas"], difficulty=2),
        row("Escribe f, que devuelva 1.", code, expected="code", tags=["funciones"], difficulty=3),
        row("¿Por qué?", "Porque sí.", tags=["otros"]),
    ]
    write(folder / "data/eval.jsonl", "".join(rows))
    return folder


def test_right_answers_earn_the_whole_score(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "-n", "0", input="2\nSon 6\ndef f():\n    return 1\n\n")
    assert done.code == 0
    assert "Resultado: 3 de 3 (100 %), 3 a la primera." in done.out
    assert "Para repetir" not in done.out


def test_questions_that_nobody_can_judge_are_left_out_and_said_so(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "-n", "0")
    assert "quedan fuera, porque nadie puede comprobar su respuesta: 1." in done.out
    assert "¿Por qué?" not in done.out


def test_a_wrong_answer_gets_a_reason_without_the_result_a_hint_and_a_second_try(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "-n", "0", "--difficulty", "1", input="5\n2\n")
    assert "✗ No es 5." in done.out
    assert "se esperaba 2" not in done.out
    assert "Pista: Cuenta con los dedos." in done.out
    assert "Otro intento" in done.out
    assert "Resultado: 1 de 1 (100 %), 0 a la primera." in done.out


def test_after_the_second_wrong_answer_the_model_answer_is_shown(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "1", input="5\n7\n")
    assert "No es 7, se esperaba 2." in done.out
    assert "Solución:\n  Suma.\n  Son 2." in done.out
    assert "Resultado: 0 de 1" in done.out
    assert "✗ ¿Cuánto es 1 y 1?" in done.out
    assert "hub quiz sumas --topic sumas" in done.out


def test_a_question_mark_shows_hints_until_there_are_no_more(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "1", "--json", input="?\n?\n2\n")
    assert "Pista: Suma." in done.err
    assert "No hay más pistas." in done.err
    assert done.document["questions"][0]["hints"] == 2


def test_an_exclamation_mark_gives_up_and_shows_the_model_answer(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "1", input="!\n")
    assert "Solución:" in done.out
    assert "! ¿Cuánto es 1 y 1?" in done.out


def test_a_question_that_ends_a_conversation_is_told_with_it(asked: Path, hub: Hub) -> None:
    turns = [("user", "¿Cuánto es 4 y 4?"), ("assistant", "¿Cuánto te sale?"), ("user", "sale 9"), ("assistant", "Son 8.")]
    messages = [{"role": role, "content": text} for role, text in turns]
    write(asked / "data/eval.jsonl", json.dumps({"messages": messages, "expected": "8", "tags": ["sumas"]}) + "\n")
    out = hub("quiz", "sumas", input="!\n").out
    assert "  Tutor: ¿Cuánto te sale?\n  Estudiante: sale 9\n¿Cuál es la respuesta correcta a lo que se trata aquí?\n" in out
    assert "! ¿Cuánto es 4 y 4?" in out and "! sale 9" not in out


def test_an_answer_that_cannot_be_judged_is_no_mistake(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "1", "--json", input="dos\ndos\n")
    assert "? No hay número." in done.err
    assert "No cuenta como error" in done.err
    assert (done.document["unverified"], done.document["incorrect"]) == (1, 0)


def test_the_end_of_the_input_ends_early_with_the_score_so_far(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "-n", "0", input="2\n")
    assert done.code == 0
    assert "Resultado: 1 de 1 (100 %), 1 a la primera. Sin contestar: 2." in done.out


def test_leaving_at_once_is_fine(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", input="")
    assert (done.code, "No contestaste ninguna pregunta." in done.out) == (0, True)


def test_leaving_in_the_second_try_counts_the_first(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "1", "--json", input="5\n")
    assert done.document["incorrect"] == 1


def test_code_in_a_block_may_hold_empty_lines(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--difficulty", "3", "--json", input='"""\ndef f():\n    return 1\n\nprint(f())\n"""\n')
    assert done.document["questions"][0]["tries"][0]["answer"] == "def f():\n    return 1\n\nprint(f())"
    assert done.document["correct"] == 1


def test_an_empty_line_ends_code_and_the_end_of_the_input_does_too(asked: Path, hub: Hub) -> None:
    for end in ("\n\n!\n", "\n", ""):
        done = hub("quiz", "sumas", "--difficulty", "3", "--json", input="def f():\n    return 1" + end)
        assert done.document["questions"][0]["tries"][0]["answer"] == "def f():\n    return 1", repr(end)
        assert done.document["correct"] == 1


def test_empty_lines_before_an_answer_are_no_answer(asked: Path, hub: Hub) -> None:
    assert hub("quiz", "sumas", "--difficulty", "1", "--json", input="\n\n  \n2\n").document["first_try"] == 1


def test_the_json_is_one_document_and_the_lesson_goes_to_stderr(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "-n", "0", "--seed", "3", "--json", input="2\n9\n9\n!\n")
    assert {key: done.document[key] for key in ("schema", "tutor", "seed", "asked", "correct", "incorrect", "given_up", "left_out")} == {
        "schema": 1,
        "tutor": "sumas",
        "seed": 3,
        "asked": 3,
        "correct": 1,
        "incorrect": 1,
        "given_up": 1,
        "left_out": 1,
    }
    assert done.document["topics"][-1] == {"topic": "sumas", "asked": 2, "correct": 1}
    assert len(done.document["repeat"]) == 2
    assert "Pregunta 1 de 3" in done.err


def test_an_unknown_topic_is_an_error_that_names_the_nearest(asked: Path, hub: Hub) -> None:
    done = hub("quiz", "sumas", "--topic", "suma")
    assert (done.code, "did you mean 'sumas'?" in done.err) == (3, True)


def test_what_a_dataset_holds_does_not_steer_the_terminal(asked: Path, hub: Hub) -> None:
    write(asked / "data/eval.jsonl", row("¿1 y 1? \x1b[2J", "Son 2.", expected="2"))
    assert "\x1b[2J" not in hub("quiz", "sumas", input="2\n").out


def test_no_framework_is_imported(asked: Path) -> None:
    from test_light import loaded

    code, modules = loaded("quiz", "sumas", cwd=asked.parent.parent)
    assert (code, modules) == (0, [])


def test_it_works_in_a_pipe(asked: Path) -> None:
    done = run_hub("quiz", "sumas", "-n", "1", "--seed", "1", cwd=asked.parent.parent)
    assert (done.code, "Pregunta 1 de 1" in done.out) == (0, True)
