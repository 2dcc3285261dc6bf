"""The checking room, with the embedded base's tokenizer, and ``hub check``."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Hub, row, write

from adapters_hub import dataset_statistics
from adapters_hub.base_files import EMBEDDED
from adapters_hub.chat_templates import ChatFormat
from adapters_hub.checking import CheckReport, check, preview
from adapters_hub.datasets import with_system
from adapters_hub.own_answers import judge_answers
from adapters_hub.plugins import Plugins
from adapters_hub.rendering import Rendered, render
from adapters_hub.splits import split
from adapters_hub.tokenizer_files import load_chat_format
from adapters_hub.tutors import read_tutor
from adapters_hub.types import Attempt, Example, Message, Tutor, Verdict
from adapters_hub.workspace import find_workspace

THINGS = ["manzanas", "peras", "gatos", "perros", "libros", "lápices", "sillas", "mesas", "casas", "barcos", "trenes", "aviones"]


@pytest.fixture(scope="module")
def chat() -> ChatFormat:
    return load_chat_format(EMBEDDED["mini"])


@pytest.fixture
def tutor(workspace: Path) -> Tutor:
    lines = [
        row(f"¿Cuántas {thing} hay si tengo {n} y compro {n * n} más hoy {thing[::-1]}?", answer(thing, n))
        for n, thing in enumerate(THINGS, 2)
    ]
    write(workspace / "tutors/sumas/data/train.jsonl", "".join(lines))
    return read_tutor(workspace / "tutors/sumas", find_workspace(workspace))


def answer(thing: str, n: int) -> str:
    return f"Para saber cuántas {thing} hay, se suman las que ya tienes y las que compras: son {n + n * n}."


def checked(tutor: Tutor, plugins: Plugins, chat: ChatFormat | None = None) -> CheckReport:
    return check(tutor, chat, plugins.read_dataset)


def codes(report: CheckReport, level: str = "warning") -> dict[str, str]:
    """Code -> where, without the folder and the few-rows warning of every small test file."""
    return {
        entry.code: Path(entry.where).name
        for entry in report.findings
        if entry.level == level and entry.code not in ("few_rows", "no_tokens")
    }


def extend(tutor: Tutor, *lines: str, file: str = "train") -> None:
    path = tutor.folder / f"data/{file}.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + "".join(lines), encoding="utf-8")


# --- findings ------------------------------------------------------------------------------------


def test_a_sound_dataset_has_no_findings(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    report = checked(tutor, plugins, chat)
    assert codes(report) == codes(report, "error") == {}
    train, held_out = report.files
    assert (train.rows, train.turns, held_out.rows, train.duplicates, train.near_duplicates) == (12, 24, 1, 0, 0)
    assert train.languages == {"es": 12}


def test_bad_rows_are_errors_with_their_lines(tutor: Tutor, plugins: Plugins) -> None:
    extend(tutor, '{"messages": []}\n', "{oops\n")
    report = checked(tutor, plugins)
    assert [Path(entry.where).name for entry in report.errors] == ["train.jsonl:13", "train.jsonl:14"]
    assert [file.use for file in report.files] == ["eval"]


def test_a_missing_or_empty_training_file_is_an_error(tutor: Tutor, plugins: Plugins) -> None:
    path = tutor.folder / "data/train.jsonl"
    path.write_text("")
    assert codes(checked(tutor, plugins), "error") == {"empty": "train.jsonl"}
    path.unlink()
    assert codes(checked(tutor, plugins), "error") == {"missing": "train.jsonl"}


def test_a_missing_held_out_file_is_a_warning(tutor: Tutor, plugins: Plugins) -> None:
    (tutor.folder / "data/eval.jsonl").unlink()
    assert codes(checked(tutor, plugins)) == {"no_eval": "eval.jsonl"}


def test_an_unknown_format_is_an_error(tutor: Tutor, plugins: Plugins) -> None:
    write(tutor.folder / "data/train.xml", "<rows/>")
    other = replace(tutor, dataset=replace(tutor.dataset, train="data/train.xml"))
    assert codes(checked(other, plugins), "error") == {"unreadable": "train.xml"}


def test_a_question_without_answer_can_be_asked_but_not_learned(tutor: Tutor, plugins: Plugins) -> None:
    question = json.dumps({"messages": [{"role": "user", "content": "¿Qué hora marca el reloj?"}], "expected": "12"}) + "\n"
    extend(tutor, question, file="eval")
    assert not checked(tutor, plugins).errors
    extend(tutor, question.replace("reloj", "calendario"))
    assert codes(checked(tutor, plugins), "error") == {"no_answer": "train.jsonl:13"}


def test_repeated_rows_are_told_apart_from_similar_ones(tutor: Tutor, plugins: Plugins) -> None:
    first = (tutor.folder / "data/train.jsonl").read_text(encoding="utf-8").splitlines()[0] + "\n"
    extend(tutor, first, first.replace("¿Cuántas", "cuantas").replace("Para saber", "Si quieres saber"))
    report = checked(tutor, plugins)
    assert codes(report) == {"duplicate": "train.jsonl:13", "near_duplicate": "train.jsonl:14"}
    assert (report.files[0].duplicates, report.files[0].near_duplicates) == (1, 1)


def test_a_held_out_question_that_is_trained_on_is_an_error(tutor: Tutor, plugins: Plugins) -> None:
    first = (tutor.folder / "data/train.jsonl").read_text(encoding="utf-8").splitlines()[0] + "\n"
    extend(tutor, first, file="eval")
    assert codes(checked(tutor, plugins), "error") == {"leak": "eval.jsonl:2"}


def test_a_held_out_question_that_is_nearly_trained_on_is_a_warning(tutor: Tutor, plugins: Plugins) -> None:
    first = (tutor.folder / "data/train.jsonl").read_text(encoding="utf-8").splitlines()[0] + "\n"
    extend(tutor, first.replace("más hoy", "más aquí hoy"), file="eval")
    report = checked(tutor, plugins)
    assert codes(report) == {"near_leak": "eval.jsonl:2"} and not report.errors


def test_answers_in_another_language_are_named(tutor: Tutor, plugins: Plugins) -> None:
    extend(
        tutor,
        row(
            "¿Y en inglés cómo se dice esto?",
            "You have to add the numbers that you have and the ones that you buy, because they are the same.",
        ),
    )
    report = checked(tutor, plugins)
    assert codes(report) == {"language": "train.jsonl:13"} and report.files[0].languages["en"] == 1


def test_accents_that_got_lost_are_named(tutor: Tutor, plugins: Plugins) -> None:
    extend(tutor, row("¿Qué significa la raíz cuadrada?", "Es el nÃºmero que multiplicado por sÃ­ mismo da el otro."))
    assert codes(checked(tutor, plugins))["lost_characters"] == "train.jsonl:13"


def test_control_tokens_in_texts_are_named(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    token = next(iter(chat.control_tokens))
    extend(tutor, row("¿Qué significa esa marca de los modelos?", f"La marca {token} termina un turno de la conversación."))
    assert codes(checked(tutor, plugins, chat)) == {"control_token": "train.jsonl:13"}


def test_one_answer_for_many_questions_is_named(tutor: Tutor, plugins: Plugins) -> None:
    extend(tutor, *(row(f"¿Qué me dices de {thing} {thing[::-1]}?", "De eso no sé nada, lo siento.") for thing in THINGS[:4]))
    assert codes(checked(tutor, plugins)) == {"same_answer": "train.jsonl:13"}


# --- tokens --------------------------------------------------------------------------------------


def test_tokens_are_those_of_training(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    report = checked(tutor, plugins, chat)
    rendered = [render(chat, example.messages) for example in with_system(report.examples[:12], tutor.system_prompt)]
    tokens = report.files[0].tokens
    assert tokens is not None and tokens.high == max(len(entry.ids) for entry in rendered)
    assert report.files[0].learned_tokens == sum(entry.supervised.count(1) for entry in rendered)


def test_long_rows_are_named_and_only_long_rows_are_an_error(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    extend(tutor, row("¿Me cuentas una historia larga?", "Había una vez un número que quería crecer. " * 120))
    assert codes(checked(tutor, plugins, chat)) == {"long_row": "train.jsonl:13"}
    tight = replace(tutor, recipe=replace(tutor.recipe, train=replace(tutor.recipe.train, max_tokens=16)))
    assert "all_long" in codes(checked(tight, plugins, chat), "error")


def test_large_files_are_sampled_but_every_long_row_is_found(
    tutor: Tutor, plugins: Plugins, chat: ChatFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "Había una vez un número que quería crecer. " * 120
    extend(tutor, *(row(f"¿Historia {thing} {thing[::-1]}?", long if n in (3, 7) else "Es muy corta.") for n, thing in enumerate(THINGS)))
    whole = checked(tutor, plugins, chat)
    monkeypatch.setattr(dataset_statistics, "SAMPLE", 5)
    sampled = checked(tutor, plugins, chat)
    assert [entry for entry in sampled.findings if entry.code == "long_row"] == [
        entry for entry in whole.findings if entry.code == "long_row"
    ]
    assert sampled.files[0].over_max_tokens == 2
    assert sampled.files[0].counted_rows < sampled.files[0].rows == whole.files[0].counted_rows


def test_without_tokenizer_tokens_are_unknown_not_zero(tutor: Tutor, plugins: Plugins) -> None:
    report = checked(tutor, plugins)
    assert report.files[0].tokens is None and report.files[0].learned_tokens is None
    assert [entry.code for entry in report.warnings if entry.code == "no_tokens"]


# --- statistics ----------------------------------------------------------------------------------


def test_the_sides_are_those_of_training(tutor: Tutor, plugins: Plugins) -> None:
    report = checked(tutor, plugins)
    parts = split(report.examples[:12], tutor.dataset.validation)
    assert (report.train_rows, report.validation_rows) == (len(parts.train), len(parts.validation))


def test_topics_are_shared_words_without_stop_words(tutor: Tutor, plugins: Plugins) -> None:
    extend(
        tutor,
        *(
            row(f"¿Cómo se resta una fracción {thing} de {thing[::-1]}?", f"Con cuidado, {thing}: se busca un denominador.")
            for thing in THINGS[:5]
        ),
    )
    topics = checked(tutor, plugins).files[0].topics
    assert topics["fracción"] == 5 and "cómo" not in topics and "cuántas" not in topics


def test_the_report_survives_json(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    document = json.loads(json.dumps(checked(tutor, plugins, chat).document()))
    assert document["schema"] == 1 and document["files"][0]["rows"] == 12 and "examples" not in document


# --- preview and judging -------------------------------------------------------------------------


def test_the_preview_marks_the_answer_and_its_end_and_nothing_else(tutor: Tutor, plugins: Plugins, chat: ChatFormat) -> None:
    report = checked(tutor, plugins, chat)
    (shown,) = preview(tutor, chat, report.examples, 1)
    whole = render(chat, with_system(report.examples[:1], tutor.system_prompt)[0].messages)
    assert "".join(piece.text for piece in shown.pieces) == whole.text
    assert [piece.text.startswith(answer(THINGS[0], 2)) for piece in shown.pieces if piece.trained] == [True]
    assert any(tutor.system_prompt in piece.text for piece in shown.pieces if not piece.trained)


def test_every_answer_is_judged_with_what_is_expected_of_the_last(tutor: Tutor) -> None:
    turns = [{"role": role, "content": text} for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))]
    write(tutor.folder / "data/train.jsonl", json.dumps({"messages": turns, "expected": 7}) + "\n")
    seen: list[Attempt] = []

    class Recorder:
        def judge(self, attempt: Attempt) -> Verdict:
            seen.append(attempt)
            return Verdict("correct")

    from adapters_hub.builtin.readers import MESSAGES, JsonReader

    rows = JsonReader(MESSAGES).hub_read_dataset(tutor.folder / "data/train.jsonl") or []
    judged = list(judge_answers(tutor, rows, Recorder()))
    assert [(entry.turn, attempt.question, attempt.answer, attempt.expected) for entry, attempt in zip(judged, seen, strict=True)] == [
        (1, "a", "b", None),
        (2, "c", "d", 7),
    ]


# --- the command ---------------------------------------------------------------------------------


def test_the_command_passes_a_sound_tutor_and_says_what_next(hub: Hub, tutor: Tutor) -> None:
    outcome = hub("check", "sumas")
    assert outcome.code == 0 and "sumas: ready to train" in outcome.out and "next: hub train sumas" in outcome.err


def test_the_command_fails_on_bad_rows_and_names_each(hub: Hub, tutor: Tutor) -> None:
    extend(tutor, '{"messages": []}\n', "{oops\n")
    outcome = hub("check", "sumas")
    assert outcome.code == 1 and "train.jsonl:13: messages is empty" in outcome.out and "train.jsonl:14: " in outcome.out


def test_answers_that_the_validator_calls_wrong_fail_the_check(hub: Hub, tutor: Tutor) -> None:
    write(tutor.folder / "tutor.toml", '[validator]\nuse = ["text"]\n')
    extend(tutor, row("¿Qué es una marca de turno?", "Es esto: <|assistant|>"))
    outcome = hub("check", "sumas", "--json")
    assert outcome.code == 1 and not outcome.document["passed"]
    assert [entry["code"] for entry in outcome.document["answers"]["incorrect"]] == ["template_token"]
    assert hub("check", "sumas", "--no-judge").code == 0


def errors_of(hub: Hub) -> list[str]:
    outcome = hub("check", "sumas", "--json")
    assert outcome.code == (1 if outcome.document["passed"] is False else 0)
    return [finding["code"] for finding in outcome.document["findings"] if finding["level"] == "error"]


def test_a_validator_that_is_not_there_is_an_error(hub: Hub, tutor: Tutor) -> None:
    write(tutor.folder / "tutor.toml", '[validator]\nuse = ["nadie"]\n')
    assert errors_of(hub) == ["validator"]
    assert "validator 'nadie' not found" in hub("check", "sumas", "--no-judge").out


@pytest.mark.parametrize("kind", ["missing", "adapter", "without tokenizer", "damaged tokenizer"])
def test_a_base_that_cannot_be_opened_is_an_error(hub: Hub, workspace: Path, tutor: Tutor, kind: str) -> None:
    base = workspace / "base"
    if kind != "missing":
        write(base / ("adapter_config.json" if kind == "adapter" else "config.json"), "{}")
        write(base / ("adapter_model.safetensors" if kind == "adapter" else "model.safetensors"), "")
    if kind == "damaged tokenizer":
        write(base / "tokenizer.json", "{")
    write(workspace / "tutors/hub.toml", '[base]\nmodel = "../base"\n')
    assert errors_of(hub) == ["base"]


def test_an_engine_that_nobody_offers_is_an_error(hub: Hub, workspace: Path, tutor: Tutor) -> None:
    write(workspace / "tutors/hub.toml", '[base]\nengine = "turbo"\n')
    assert errors_of(hub) == ["engine"]


def test_a_base_that_is_only_not_here_yet_is_a_note(hub: Hub, workspace: Path, tutor: Tutor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    for model in ("owner/name", "../base.gguf"):
        write(workspace / "base.gguf", "")
        write(workspace / "tutors/hub.toml", f'[base]\nmodel = "{model}"\n')
        assert errors_of(hub) == []
        assert "tokens were not counted" in hub("check", "sumas").err


def test_a_judge_that_crashes_is_a_warning_with_its_cause(hub: Hub, tutor: Tutor) -> None:
    write(tutor.folder / "tutor.toml", '[validator]\nuse = ["roto"]\n')
    write(
        tutor.folder / "validator.py",
        "from adapters_hub import ValidatorSpec, hookimpl\n"
        "print('noise')\n\n"
        "class Roto:\n"
        "    def judge(self, attempt):\n"
        "        print('noise')\n"
        "        raise SystemExit(4) if 'peras' in attempt.question else ValueError('boom')\n\n"
        "@hookimpl\n"
        "def hub_validators():\n"
        "    print('noise')\n"
        "    return [ValidatorSpec('roto', '', lambda options: print('noise') or Roto())]\n",
    )
    outcome = hub("check", "sumas", "--json")
    (crash,) = [finding for finding in outcome.document["findings"] if finding["code"] == "crash"]
    assert (outcome.code, crash["level"], outcome.document["answers"]["codes"]) == (0, "warning", {"crash": 13})
    assert "13 of 13 answers" in crash["message"] and "ValueError: boom" in crash["message"]
    assert "boom" in hub("check", "sumas").out


def test_a_row_of_very_many_turns_is_called_too_long_without_rendering_it(
    tutor: Tutor, plugins: Plugins, chat: ChatFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [{"role": role, "content": f"hola {n}"} for n in range(2000) for role in ("user", "assistant")]
    extend(tutor, json.dumps({"messages": turns}) + "\n")
    rendered: list[int] = []
    render_many = dataset_statistics.render_many

    def counting(chat: ChatFormat, conversations: list[list[Message]]) -> list[Rendered]:
        rendered.extend(len(conversation) for conversation in conversations)
        return render_many(chat, conversations)

    monkeypatch.setattr(dataset_statistics, "render_many", counting)
    report = checked(tutor, plugins, chat)
    assert codes(report)["long_row"] == "train.jsonl:13" and max(rendered) < 100


def test_the_estimate_of_a_row_of_many_turns_is_near_its_tokens(chat: ChatFormat) -> None:
    messages = tuple(Message(role, f"hola {n}") for n in range(40) for role in ("user", "assistant"))  # type: ignore[arg-type]
    whole = render(chat, messages)
    estimate = dataset_statistics._far_too_long(chat, [Example(messages)], limit=16)[0]
    assert estimate.tokens == pytest.approx(len(whole.ids), rel=0.1)
    assert estimate.learned == pytest.approx(whole.supervised.count(1), rel=0.1)


def test_a_huge_word_is_cut_in_the_topics(hub: Hub, tutor: Tutor) -> None:
    extend(tutor, row("¿Qué es " + "a" * 50_000 + "?", "No lo sé."), row("¿Y qué es " + "a" * 50_000 + "?", "Tampoco lo sé."))
    outcome = hub("check", "sumas", "--no-judge")
    assert "a" * 20 in outcome.out and "a" * 21 not in outcome.out


def test_a_pipe_gets_no_trailing_blanks(hub: Hub, tutor: Tutor) -> None:
    lines = hub("check", "sumas").out.splitlines()
    assert any("median" in line for line in lines) and [line for line in lines if line != line.rstrip()] == []


def test_many_warnings_of_a_kind_are_cut_short(hub: Hub, tutor: Tutor) -> None:
    first = (tutor.folder / "data/train.jsonl").read_text(encoding="utf-8").splitlines()[0] + "\n"
    extend(tutor, *[first] * 20)
    brief, full = hub("check", "sumas").out, hub("check", "sumas", "--verbose").out
    assert "and 15 more of this kind" in brief and brief.count("says the same") == 5 and full.count("says the same") == 20


def test_the_preview_is_marked_without_colours_too(hub: Hub, tutor: Tutor) -> None:
    outcome = hub("check", "sumas", "--preview", "1")
    assert "«" + answer(THINGS[0], 2) in outcome.out


def test_nothing_in_a_row_steers_the_terminal(hub: Hub, tutor: Tutor) -> None:
    extend(tutor, '{"messages": [], "\\u001b[2J": 1}\n', '{"\\u202eabc": 1}\n')
    outcome = hub("check", "sumas")
    assert outcome.code == 1 and "\x1b[2J" not in outcome.out and "\u202e" not in outcome.out


def test_the_check_imports_no_torch(workspace: Path, tutor: Tutor) -> None:
    code = (
        "import sys; from adapters_hub.cli import main\n"
        "try: main()\nfinally: print('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    repository = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "sumas"],
        cwd=workspace,
        env={"PYTHONPATH": str(repository), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr
