"""The workshop of the embedded base model: its conversations are right, its runs resume, its folders load."""

import itertools
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "adapters_hub" / "bases" / "mini"
sys.path.insert(0, str(ROOT / "tools"))

import measure_mini  # noqa: E402
import numpy as np  # noqa: E402
import pretrain_mini  # noqa: E402
from click.testing import CliRunner, Result  # noqa: E402
from mini import algorithms, functions, glossary, mathematics, python_tasks, retrieval, schemas, sql_tasks, steps  # noqa: E402
from mini.conversations import generate_conversations, make_conversation, rendered  # noqa: E402
from mini.corpus import Document, HeldOutQuestions, normalised_query, read_held_out_questions, repetitions  # noqa: E402
from mini.growth import grown  # noqa: E402
from mini.packing import batch_rows, fitting, pack_text, pack_whole  # noqa: E402
from mini.preparation import PreparationError, Prepared, prepare, told_by_assistant  # noqa: E402
from mini.tokenizer import ASSISTANT, END, MARKERS, SYSTEM, USER  # noqa: E402
from mini.training import Plan, TrainStep, new_model, rows_a_step, train  # noqa: E402
from pretrain_mini import main  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

NO_QUESTIONS = HeldOutQuestions(frozenset(), frozenset(), 0, 0)
SPANISH = (
    "¿Qué pasará mañana, niño? ¡Ojalá llueva!",
    "def f(x):\n    if x > 10:\n        return 'sí'\n\n\treturn x\n",
    " empieza con espacio",
    "dos  espacios y 2024 pingüinos 🐧",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    texts = [
        f"Lección {n}. La pila guarda el dato número {n} y la cola lo atiende después, con paciencia. {SPANISH[n % 4]}" for n in range(40)
    ]
    rows = [json.dumps({"text": text, "source": f"prueba/textos/{n}", "licence": "CC0-1.0", "lang": "es"}) for n, text in enumerate(texts)]
    (folder / "es_prose.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def prepared(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(corpus, tmp_path_factory.mktemp("work"), length=64, conversations=60, seed=0, held_out=None)


def test_markers_are_single_tokens_and_text_survives_the_tokenizer(prepared: Prepared) -> None:
    tokenizer = prepared.tokenizer
    assert [tokenizer(marker)["input_ids"] for marker in MARKERS] == [[n] for n in range(5)]
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == ("<|end|>", "<|pad|>", None)
    for text in SPANISH:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert [tokenizer.decode([i]) for i in tokenizer("2024")["input_ids"]] == ["2", "0", "2", "4"]


def test_the_chat_template_marks_what_the_assistant_says(prepared: Prepared) -> None:
    tokenizer = prepared.tokenizer
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "¿Qué?"}, {"role": "assistant", "content": "Nada."}]
    assert (
        tokenizer.apply_chat_template(messages, tokenize=False)
        == "<|system|>\nS<|end|>\n<|user|>\n¿Qué?<|end|>\n<|assistant|>\nNada.<|end|>\n"
    )
    assert tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True).endswith("<|end|>\n<|assistant|>\n")
    encoded = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    said = [i for i, mine in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mine]
    assert tokenizer.decode(said) == "Nada.<|end|>"


def test_every_conversation_alternates_and_ends_with_the_end_marker() -> None:
    for conversation in generate_conversations(500, 3, NO_QUESTIONS):
        roles = [message["role"] for message in conversation if message["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) and roles
        assert all(message["content"].strip() for message in conversation)
        assert rendered(conversation).endswith(f"{END}\n")


def test_a_seed_gives_the_same_conversations() -> None:
    assert list(generate_conversations(50, 7, NO_QUESTIONS)) == list(generate_conversations(50, 7, NO_QUESTIONS))
    assert list(generate_conversations(50, 7, NO_QUESTIONS)) != list(generate_conversations(50, 8, NO_QUESTIONS))


def test_every_equality_in_a_mathematics_answer_holds() -> None:
    rng, checked = Random(11), 0
    for maker, _ in itertools.product(mathematics.MAKERS, range(60)):
        exchange = maker(rng)
        if exchange.answer.startswith(("No", "Casi", "Hay un error")):  # it quotes what the learner said
            continue
        for sides in _equalities(exchange.answer):
            checked += 1
            assert len(set(sides)) == 1, exchange
    assert checked > 1500


def test_every_equality_in_numbered_steps_holds() -> None:
    rng, checked = Random(21), 0
    for _ in range(1500):
        for exchange in rng.choice((steps.steps_exchange, steps.drill))(rng):
            for sides in _equalities(re.sub(r"[xyzn]/\d+", "u", exchange.answer).replace(", ", "\n")):
                checked += 1
                assert len(set(sides)) == 1, exchange
    assert checked > 1500


def test_numbered_steps_take_their_numbers_from_the_question() -> None:
    rng = Random(22)
    for maker in (steps.add_or_take, steps.groups, steps.shopping, steps.column_sum, steps.table_product):
        for _ in range(50):
            solved = maker(rng)
            for question in solved.questions:
                used = re.findall(r"\d+", " ".join((*solved.steps, solved.result)))
                assert set(re.findall(r"\d+", question)) <= set(used), solved


def test_what_is_asked_for_stands_in_the_text() -> None:
    rng = Random(23)
    for _ in range(300):
        (exchange,) = retrieval.repeat(rng)
        assert exchange.answer in exchange.question
        exchanges = rng.choice((retrieval.people, retrieval.where_is_it, retrieval.pairs))(rng)
        told = exchanges[0].question.lower()
        for exchange in exchanges:
            assert all(
                word.lower() in told
                for word in re.findall(r"\b[A-ZÁÉÍÓÚ]\w+|\d+", exchange.answer)[1:]
                if word not in {"El", "La", "En", "Hablas"}
            ), exchange
            assert set(re.findall(r"\d+", exchange.answer)) <= set(re.findall(r"\d+", told)), exchange


def test_functions_to_order_are_right_under_every_name() -> None:
    rng = Random(24)
    for pattern in functions.PATTERNS:
        for _ in range(12):
            name, parameters, code = functions.written(rng, pattern, 3)
            assert len(parameters) == len(set(parameters)) == len(pattern.parameters)
            space: dict[str, object] = {}
            exec(code, space)
            for call, result in pattern.checks:
                assert repr(eval(f"{name}({call})", space)) == result, code


def test_functions_to_order_carry_the_name_that_was_asked_for() -> None:
    rng = Random(25)
    for _ in range(300):
        exchange = functions.function_exchange(rng)[0]
        name = re.search(r"def (\w+)\(", exchange.answer)
        assert name and name[1] in exchange.question


def test_every_query_over_a_schema_runs_in_sqlite() -> None:
    rng = Random(26)
    for _ in range(600):
        schema = rng.choice(schemas.SCHEMAS)
        wish = rng.choice((schemas.one_table, schemas.joined))(rng, schema)
        database = sqlite3.connect(":memory:")
        if not wish.query.startswith("CREATE"):
            for statement in schema.statements():
                database.execute(statement)
        database.execute(wish.query)
        database.close()


def test_solved_equations_satisfy_the_question() -> None:
    rng = Random(12)
    for _ in range(200):
        exchange = mathematics.linear_equation(rng)
        left, right = re.search(r"(\d+\(?[xyn][^=]*) = ([-\d][^.,?]*?|[xyn][^.,?]*?)(?= paso a paso|[.,?]|$)", exchange.question).groups()
        value = re.findall(r"([xyn]) = (-?\d+)", exchange.answer)[-1][1]
        assert _with_unknown(left, value) == _with_unknown(right, value), exchange


def test_every_function_returns_what_its_example_says() -> None:
    for task in python_tasks.TASKS:
        for body in task.bodies:
            space: dict[str, object] = {}
            exec(f"def {task.name}({task.parameters}):\n{body}", space)
            assert repr(eval(f"{task.name}({task.call})", space)) == task.result, task.name


def test_corrected_snippets_compile() -> None:
    for _, fixed, _ in python_tasks.BUGS:
        compile(fixed, "fixed", "exec")


def test_every_query_runs_in_sqlite() -> None:
    rng = Random(13)
    for _ in range(400):
        maker = rng.choice((sql_tasks.one_table, sql_tasks.two_tables))
        answer = maker(rng)[0].answer
        query = re.search(r"```sql\n(.*?)\n```", answer, re.DOTALL).group(1)
        database = sqlite3.connect(":memory:")
        if not query.startswith("CREATE"):
            for name, columns in _tables().items():
                database.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {', '.join(sorted(columns))})")
        database.execute(query)
        database.close()


def test_sorting_traces_end_sorted() -> None:
    rng = Random(14)
    for maker in (algorithms.bubble_sort, algorithms.insertion_sort, algorithms.selection_sort):
        for _ in range(40):
            final = json.loads(re.findall(r"\[[\d, ]+\]", maker(rng).answer)[-1])
            assert final == sorted(final)


def test_every_term_speaks_in_full_sentences() -> None:
    for term in glossary.TERMS:
        assert all(text.rstrip("`")[-1] in ".;?" for text in (*term.meanings, term.use, term.example)), term.name


def test_texts_that_share_eight_words_with_a_question_are_dropped(corpus: Path, tmp_path: Path) -> None:
    data = tmp_path / "tutors" / "uno" / "data"
    data.mkdir(parents=True)
    copied = next(
        m["content"] for c in generate_conversations(60, 0, NO_QUESTIONS) for m in c if m["role"] == "user" and "```" not in m["content"]
    )
    questions = ["¿Es cierto que LA PILA guarda el dato número 7 y la cola, lo atiende?", copied]
    rows = [json.dumps({"messages": [{"role": "user", "content": question}]}) for question in questions]
    (data / "eval.jsonl").write_text("\n".join(rows), encoding="utf-8")
    held_out = read_held_out_questions(tmp_path / "tutors")
    assert held_out.questions == 2
    assert held_out.touch("Hoy la pila guarda el dato numero 7 y la cola espera") and not held_out.touch("la pila guarda el dato número 8")
    assert held_out.are_asked_by(copied)
    report = prepare(corpus, tmp_path / "work", 64, 60, 0, tmp_path / "tutors").report
    assert report.documents_dropped == 1 and report.conversations_dropped >= 1


def test_near_duplicates_and_wanted_answers_are_recognised(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "¿Cuál es mayor, 5/8 o 7/12?"}], "expected": {"answer": "5/8"}},
        {"messages": [{"role": "user", "content": "Escribe girar(lista)."}], "expected": {"function": "girar", "tests": []}},
        {"messages": [{"role": "user", "content": "nombres"}], "expected": {"sql": ["SELECT c.nombre FROM cursos c WHERE c.horas > 3;"]}},
    ]
    (tmp_path / "eval.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    held_out = read_held_out_questions(tmp_path)
    assert held_out.are_asked_by("dime cuál es mayor: 5/8 o 7/12") and not held_out.are_asked_by("¿Cuál es mayor, 2/9 o 3/4?")
    assert held_out.are_answered_by("```python\ndef girar(xs):\n    return xs\n```") and not held_out.are_answered_by("def otra(xs): ...")
    assert held_out.are_answered_by("```sql\nSELECT nombre\nFROM cursos\nWHERE horas > 3\n```")
    assert not held_out.are_answered_by("```sql\nSELECT nombre FROM cursos WHERE horas > 4;\n```")
    assert normalised_query("SELECT c.nombre, COUNT(*) AS n FROM cursos AS c;") == normalised_query(
        "select nombre , count( * ) from cursos c"
    )


def test_sources_are_weighted() -> None:
    rng = Random(0)
    draws = [rng.random() for _ in range(1000)]
    assert 350 < sum(repetitions(Document("", "MicrosoftDocs/sql", "prosa"), draw) for draw in draws) < 450
    assert {repetitions(Document("", "sdelquin/aprendepython/x", "prosa"), draw) for draw in draws} == {2}


def test_rows_hold_whole_conversations_and_all_the_text() -> None:
    rows = pack_whole([([n] * size, [n == 3] * size) for n, size in ((1, 5), (2, 3), (3, 9), (4, 6), (5, 20))], 9)
    kept = [rows.tokens[r][rows.documents[r] == d].tolist() for r in range(len(rows)) for d in range(1, rows.documents[r].max() + 1)]
    assert sorted(kept) == [[1] * 5, [2] * 3, [3] * 9, [4] * 6]
    assert (rows.follows == (rows.tokens == 3))[rows.documents > 0].all()
    text = pack_text([[7] * 4, [8] * 13], 9)
    assert text.tokens[text.documents > 0].tolist() == [7] * 4 + [8] * 13
    assert text.documents[0].tolist() == [1] * 4 + [2] * 6 and text.documents[1].tolist() == [1] * 7 + [0] * 3


def test_the_order_of_rows_is_a_permutation_in_every_pass() -> None:
    assert sorted(batch_rows(10, 0, 10, 0)) == sorted(batch_rows(10, 10, 10, 0)) == list(range(10))
    assert list(batch_rows(10, 4, 3, 0)) == list(batch_rows(10, 0, 10, 0))[4:7]


def test_a_killed_run_resumes_with_the_same_losses(prepared: Prepared, tmp_path: Path) -> None:
    plan = Plan(minutes=None, steps=3, batch=2, chat=1, warm_up=1, compile=False)
    whole = [step.loss for step in _run(prepared, plan, tmp_path / "whole.pt")]
    first = [step.loss for step in itertools.islice(_run(prepared, plan, tmp_path / "killed.pt"), 2)]
    then = [(step.step, step.loss) for step in _run(prepared, plan, tmp_path / "killed.pt")]
    assert first == whole[:2]
    assert then == [(3, whole[2])]


def test_a_killed_run_with_muon_resumes_with_the_same_losses(prepared: Prepared, tmp_path: Path) -> None:
    plan = Plan(minutes=None, steps=3, batch=2, chat=1, warm_up=1, compile=False, muon=True)
    whole = [step.loss for step in _run(prepared, plan, tmp_path / "whole.pt")]
    list(itertools.islice(_run(prepared, plan, tmp_path / "killed.pt"), 2))
    assert [step.loss for step in _run(prepared, plan, tmp_path / "killed.pt")] == whole[2:]


def test_only_what_the_assistant_says_is_learnt_fully() -> None:
    system, user, assistant, end = (MARKERS.index(marker) for marker in (SYSTEM, USER, ASSISTANT, END))
    row = [system, 90, end, 91, user, 92, end, 91, assistant, 93, end, 91, user, 94]
    assert told_by_assistant(row) == [False] * 8 + [True] * 4 + [False] * 2
    assert all(told_by_assistant([90] * 5))


def test_a_grown_model_computes_what_the_small_one_did(prepared: Prepared) -> None:
    small = new_model(prepared.tokenizer, seed=3, hidden=64, layers=3)
    large = grown(small, layers=5, feed_forward=320)
    tokens = torch.arange(5, 45)[None]
    assert torch.allclose(small(tokens).logits, large(tokens).logits, atol=1e-5)
    assert (large.config.num_hidden_layers, large.config.intermediate_size) == (5, 320)
    assert sum(p.numel() for p in large.parameters()) > sum(p.numel() for p in small.parameters())
    large(tokens, labels=tokens).loss.backward()
    assert all(layer.self_attn.o_proj.weight.grad.abs().sum() > 0 for layer in large.model.layers)


def test_a_model_never_shrinks(prepared: Prepared) -> None:
    with pytest.raises(ValueError, match="only grows"):
        grown(new_model(prepared.tokenizer, seed=3, hidden=64, layers=2), layers=1, feed_forward=192)


def test_one_command_makes_a_folder_that_transformers_loads(corpus: Path, tmp_path: Path) -> None:
    result = _pretrain(corpus, tmp_path / "work", "--steps", "3")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "work-mini"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16 and model.generation_config.eos_token_id == tokenizer.eos_token_id == model.config.eos_token_id
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hola"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert model.generate(**prompt, max_new_tokens=3).shape[1] > prompt["input_ids"].shape[1]
    assert {"log.jsonl", "loss.png", "samples.txt", "summary.json"} <= {path.name for path in (tmp_path / "work").iterdir()}
    again = _pretrain(corpus, tmp_path / "work", "--steps", "3")
    assert again.exit_code == 2 and "--resume" in again.output

    larger = ("--grow-from", str(folder), "--layers", "2", "--feed-forward", "256", "--muon")
    result = _pretrain(corpus, tmp_path / "grown", *larger, "--steps", "1")
    assert result.exit_code == 0, result.output
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "grown-mini").config.num_hidden_layers == 2
    assert (tmp_path / "grown-mini" / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
    result = _pretrain(corpus, tmp_path / "grown", *larger, "--steps", "2", "--resume")
    assert result.exit_code == 0 and len(_logged(tmp_path / "grown")) == 2, result.output


def test_a_run_that_is_cut_short_and_resumed_ends_as_an_uncut_one(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = (
        "--batch",
        "3",
        "--sheets",
        "20",
        "--sheet-rows",
        "1",
        "--length",
        "256",
        "--hold",
        "0.9",
    )  # so high that two steps fit into it
    whole = _pretrain(corpus, tmp_path / "whole", *options, "--steps", "4")
    with monkeypatch.context() as patched:  # a checkpoint as a GPU writes it
        patched.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        cut = _pretrain(corpus, tmp_path / "cut", *options, "--steps", "2")
    report = json.loads((tmp_path / "cut" / "prepared.json").read_text(encoding="utf-8"))["report"]
    assert report["sheets"] > 10 and report["sheets"] + report["sheets_dropped"] + report["sheets_too_long"] == 20
    before = {name: (tmp_path / "cut" / name).stat().st_mtime_ns for name in ("prepared.json", "sheets.npz")}
    log = tmp_path / "cut" / "log.jsonl"
    log.write_text(log.read_text(encoding="utf-8") + '{"step": 3, "lo', encoding="utf-8")  # killed while it wrote

    found: list[int] = []

    def watched(*arguments: object) -> Iterator[TrainStep]:
        for step in train(*arguments):
            found.append(len(_logged(tmp_path / "cut")))  # what a kill at this very moment would leave
            yield step

    monkeypatch.setattr(pretrain_mini, "train", watched)
    resumed = _pretrain(corpus, tmp_path / "cut", *options, "--steps", "4", "--resume")
    assert (whole.exit_code, cut.exit_code, resumed.exit_code) == (0, 0, 0), resumed.output
    assert found == [2, 3]
    assert [(step.step, step.loss) for step in _logged(tmp_path / "cut")] == [(s.step, s.loss) for s in _logged(tmp_path / "whole")]
    weights = [(tmp_path / f"{name}-mini" / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]
    assert before == {name: (tmp_path / "cut" / name).stat().st_mtime_ns for name in before}, "the rows were read back, not made again"


def test_evaluation_questions_are_kept_out_unless_told_otherwise(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path | None] = []

    def watched(folder: Path, work: Path, length: int, conversations: int, seed: int, held_out: Path | None, *_: object) -> Prepared:
        seen.append(held_out)
        raise PreparationError("stop")

    monkeypatch.setattr(pretrain_mini, "prepare", watched)
    monkeypatch.chdir(tmp_path)
    for options in ((), ("--held-out", str(corpus)), ("--no-held-out",)):
        CliRunner().invoke(main, ["--corpus", str(corpus), "--work", str(tmp_path / "work"), *options])
    assert seen == [ROOT / "tutors", corpus, None]
    both = CliRunner().invoke(main, ["--corpus", str(corpus), "--held-out", str(corpus), "--no-held-out"])
    assert both.exit_code == 2 and "contradict" in both.output


def test_a_folder_without_evaluation_questions_is_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "eval.jsonl").write_text("\n", encoding="utf-8")
    for folder, told in ((corpus, "--no-held-out"), (tmp_path / "blank", "--no-held-out"), (tmp_path / "tutorz", "does not exist")):
        result = _pretrain(corpus, tmp_path / "work", "--steps", "1", held_out=folder)
        assert result.exit_code == 2 and told in result.output and isinstance(result.exception, SystemExit), result.output
        (tmp_path / "work").mkdir(exist_ok=True)
        arguments = ["--work", str(tmp_path / "work"), "--held-out", str(folder), "--model", str(SHIPPED)]
        (tmp_path / "work" / "held_out.json").write_text("{}", encoding="utf-8")
        measured = CliRunner().invoke(measure_mini.main, arguments)
        assert measured.exit_code == 2 and told in measured.output and isinstance(measured.exception, SystemExit), measured.output


def test_rows_are_read_back_as_they_were_made(corpus: Path, tmp_path: Path) -> None:
    made, read = (prepare(corpus, tmp_path, 256, 30, 0, None, sheets=10) for _ in range(2))
    assert read.report == made.report and read.held_out == made.held_out and read.pools.figures == made.pools.figures
    for name in ("text", "chat", "sheets"):
        ours, theirs = getattr(made.pools, name), getattr(read.pools, name)
        assert len(ours)
        for part in ("tokens", "documents", "follows"):
            assert np.array_equal(getattr(ours, part), getattr(theirs, part))


def test_rows_made_from_something_else_are_refused(corpus: Path, tmp_path: Path) -> None:
    work, tutors = tmp_path / "work", tmp_path / "tutors"
    tutors.mkdir()
    (tutors / "eval.jsonl").write_text(json.dumps({"question": "¿Cuánto es 7 × 19?"}), encoding="utf-8")
    assert _pretrain(corpus, work, "--steps", "1").exit_code == 0
    (work / "checkpoint.pt").unlink()
    other = tmp_path / "corpus"
    other.mkdir()
    (other / "es_prose.jsonl").write_text(json.dumps({"text": "otra cosa"}), encoding="utf-8")
    for options, told in (
        (("--sheets", "5", "--sheet-rows", "1"), "--sheets: 0, now 5"),
        (("--length", "32"), "--length: 64, now 32"),
        (("--conversations", "61", "--seed", "9"), "--conversations: 60, now 61; --seed: 0, now 9"),
        (("--grow-from", str(tmp_path / "work-mini")), "--grow-from: none, now"),
    ):
        result = _pretrain(corpus, work, "--steps", "1", *options)
        assert result.exit_code == 2 and told in _unwrapped(result) and "another --work" in _unwrapped(result), result.output
    result = _pretrain(corpus, work, "--steps", "1", held_out=tutors)
    assert result.exit_code == 2 and "--held-out: none, now" in _unwrapped(result), result.output
    result = _pretrain(other, work, "--steps", "1")
    assert result.exit_code == 2 and "--corpus: " in _unwrapped(result), result.output
    assert _pretrain(corpus, work, "--steps", "1").exit_code == 0


def test_a_work_folder_of_before_is_refused(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path, 64, 30, 0, None)
    whole = (tmp_path / "prepared.json").read_text(encoding="utf-8")
    for text in (json.dumps(json.loads(whole)["report"]), json.dumps({"origin": {}, "report": {}}), whole[:40]):
        (tmp_path / "prepared.json").write_text(text, encoding="utf-8")
        with pytest.raises(PreparationError, match="another --work"):
            prepare(corpus, tmp_path, 64, 30, 0, None)
    (tmp_path / "prepared.json").write_text(whole, encoding="utf-8")
    (tmp_path / "sheets.npz").unlink()
    with pytest.raises(PreparationError, match=r"sheets\.npz.*another --work"):
        prepare(corpus, tmp_path, 64, 30, 0, None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--sheets", "5"), "--sheet-rows 0"),
        (("--sheet-rows", "1"), "--sheets 0"),
        (("--sheets", "5", "--sheet-rows", "2"), "--batch 2"),
        (("--chat-rows", "3"), "--batch 2"),
        (("--conversations", "0"), "--chat-rows 0"),
        (("--steps", "0"), "--steps"),
        (("--minutes", "0"), "--minutes"),
        (("--batch", "0"), "--batch"),
        (("--length", "0"), "--length"),
        (("--seed", "-1"), "--seed"),
        (("--length", "4"), "raise --length"),  # every conversation is longer than that
    ],
)
def test_options_that_cannot_be_served_are_refused(corpus: Path, tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    result = _pretrain(corpus, tmp_path / "work", "--steps", "1", *options)
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit), result.output
    assert told in _unwrapped(result)


def test_a_corpus_folder_without_documents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = _pretrain(tmp_path / "empty", tmp_path / "work", "--steps", "1")
    assert result.exit_code == 2 and "no .jsonl" in _unwrapped(result)


def test_a_model_is_trained_without_conversations(corpus: Path, tmp_path: Path) -> None:
    result = _pretrain(corpus, tmp_path / "work", "--steps", "1", "--conversations", "0", "--chat-rows", "0")
    assert result.exit_code == 0, result.output


def test_a_step_is_filled_as_planned(prepared: Prepared) -> None:
    pools = prepared.pools
    assert [count for _, count in rows_a_step(pools, Plan(batch=4, chat=3))] == [1, 3, 0]
    for plan, told in ((Plan(batch=4, chat=3, sheets=3), "do not fit"), (Plan(batch=4, chat=3, sheets=1), "worksheets")):
        with pytest.raises(ValueError, match=told):
            rows_a_step(pools, plan)


def test_what_no_row_can_hold_is_counted(corpus: Path, prepared: Prepared, tmp_path: Path) -> None:
    report, rows = prepared.report, prepared.pools.chat
    assert report.conversations_too_long > 0 and report.conversations + report.conversations_too_long == 60
    assert report.chat_tokens == (rows.documents > 0).sum()
    assert report.conversations == sum(int(row.max()) for row in rows.documents)
    report = prepare(corpus, tmp_path, 100, 0, 0, None, prepared.tokenizer, sheets=12).report
    assert report.sheets_too_long > 0 and report.sheets + report.sheets_too_long + report.sheets_dropped == 12
    assert fitting([([1] * 9, [True] * 9), ([1] * 10, [True] * 10)], 8) == [([1] * 9, [True] * 9)]


def test_worksheets_that_an_evaluation_asks_for_are_counted(corpus: Path, tmp_path: Path) -> None:
    texts = measure_mini.read_training_texts(corpus, 3, NO_QUESTIONS)[0]
    sheets = list(measure_mini.generate_sheets(30, 3, measure_mini.lexicon(texts), NO_QUESTIONS))
    asked = next(line for sheet in sheets for line in "".join(part.text for part in sheet).splitlines() if len(set(line.split())) > 5)
    (tmp_path / "eval.jsonl").write_text(json.dumps({"question": asked}), encoding="utf-8")
    questions = read_held_out_questions(tmp_path)
    counts = measure_mini._contamination(questions, corpus, 20, 30, 3)
    assert counts["worksheets_made"] == 30 and counts["worksheets_left_out"] >= 1 and counts["worksheets_in_training"] == 0
    assert any(measure_mini._wants("".join(part.text for part in sheet), questions) for sheet in sheets)
    report = prepare(corpus, tmp_path / "work", 256, 20, 3, tmp_path, sheets=30).report
    assert (report.sheets_dropped, report.conversations_dropped, report.documents_dropped) == tuple(
        counts[f"{name}_left_out"] for name in ("worksheets", "conversations", "documents")
    )


def test_lines_of_documents_that_hold_a_formula_of_a_question_are_left_out(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Deriva f(x) = 3x^2."}], "expected": {"answer": "6x"}}
    (tmp_path / "tutor").mkdir()
    (tmp_path / "tutor" / "eval.jsonl").write_text(json.dumps(row), encoding="utf-8")
    texts = ["Una parábola.\nSea g(x) = 3x^2 + 1\ny f(x)=3x^2.\nFin.", "3x^2 = 12", "Sea g(x) = 4x^2."]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    questions = read_held_out_questions(tmp_path)
    kept, _, counts = measure_mini.read_training_texts(tmp_path, 0, questions)
    whole, _, none = measure_mini.read_training_texts(tmp_path, 0, NO_QUESTIONS)
    assert sorted(whole) == sorted(texts) and none == {"documents": 3, "lines_dropped": 0}
    assert sorted(kept) == sorted(["Una parábola.\nSea g(x) = 3x^2 + 1\nFin.", "Sea g(x) = 4x^2."])
    assert counts == {"documents": 2, "dropped": 1, "lines_dropped": 1}


def test_contamination_is_counted_for_what_the_rows_were_made_from(corpus: Path, tmp_path: Path) -> None:
    prepare(corpus, tmp_path / "work", 64, 20, 7, None, sheets=3)
    assert measure_mini._as_trained(tmp_path / "work", None, None, None) == (20, 3, 7)
    assert measure_mini._as_trained(tmp_path / "work", 5, None, 1) == (5, 3, 1)
    assert measure_mini._as_trained(tmp_path, 5, 6, 1) == (5, 6, 1)
    with pytest.raises(PreparationError, match="--conversations, --worksheets and --seed"):
        measure_mini._as_trained(tmp_path, None, 6, 1)
    result = CliRunner().invoke(measure_mini.main, ["--work", str(tmp_path / "work"), "--worksheets", "6"])
    assert result.exit_code == 2 and "needs --corpus" in _unwrapped(result)


def test_the_shipped_folder_is_small_and_its_markers_are_single_tokens() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= {
        path.name for path in files
    }
    assert sum(path.stat().st_size for path in files) < 50_000_000
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    assert [tokenizer(marker)["input_ids"] for marker in MARKERS] == [[n] for n in range(5)]
    assert len(tokenizer) == json.loads((SHIPPED / "config.json").read_text())["vocab_size"] == 8192


def test_the_shipped_model_ends_its_answers() -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(SHIPPED), AutoModelForCausalLM.from_pretrained(SHIPPED).float()
    ended = 0
    for question in ("Hola", "¿Cuánto es 3 + 4?", "¿Qué es una pila?"):
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ended += model.generate(**prompt, max_new_tokens=100)[0, -1].item() == tokenizer.eos_token_id
    assert ended >= 2


def test_conversations_use_no_unknown_role() -> None:
    rng = Random(1)
    assert {m["role"] for _ in range(200) for m in make_conversation(rng)} == {"system", "user", "assistant"}


def _run(prepared: Prepared, plan: Plan, checkpoint: Path) -> Iterator:
    model = new_model(prepared.tokenizer, seed=0, hidden=64, layers=1)
    return train(model, prepared.pools, plan, checkpoint, save_every=0.0)


def _pretrain(corpus: Path, work: Path, *options: str, held_out: Path | None = None) -> Result:
    """The command with a tiny model; the finished folder lies beside `work`. Later options replace earlier ones."""
    folders = ["--corpus", str(corpus), "--out", f"{work}-mini", "--work", str(work)]
    sizes = ["--length", "64", "--batch", "2", "--chat-rows", "1", "--conversations", "60", "--no-compile", "--threads", "1"]
    new = [] if "--grow-from" in options else ["--hidden", "64", "--layers", "1"]
    checked = ["--held-out", str(held_out)] if held_out else ["--no-held-out"]
    return CliRunner().invoke(main, [*folders, *sizes, *new, *checked, *options])


def _logged(work: Path) -> list[TrainStep]:
    return [TrainStep(**json.loads(line)) for line in (work / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def _unwrapped(result: Result) -> str:
    return " ".join(result.output.split())


def _equalities(text: str) -> Iterator[list[Fraction]]:
    """The chains of numeric expressions joined by '=' in a text, each as the list of its values."""
    for sentence in re.split(r"[.;:,] |\n|\.$", text):
        if " mod " in sentence:
            continue
        for run in re.findall(r"(?<![\w^√])(?<![a-z)] [+\-×·÷/] )[(\d][\d\s+\-×·÷/*().^=]*(?!\w)", sentence):
            sides = [side.strip() for side in run.split("=")]
            try:
                yield [_value(side) for side in sides if side]
            except SyntaxError:
                continue


def _value(expression: str) -> Fraction:
    plain = expression.replace("×", "*").replace("·", "*").replace("÷", "/").replace("^", "**").strip(". ")
    return Fraction(eval(re.sub(r"\d+(\.\d+)?", r"Fraction('\g<0>')", plain), {"Fraction": Fraction}))


def _with_unknown(side: str, value: str) -> int:
    spread = re.sub(r"(\d)([xyn(])", r"\1*\2", side.strip())
    return eval(re.sub(r"[xyn]", f"({value})", spread), {})


def _tables() -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for table in sql_tasks.TABLES:
        tables.setdefault(table.name, set()).update((table.label, table.number, table.group))
    for child, parent, key, label, column in sql_tasks.PAIRS:
        tables.setdefault(child, set()).update((key, column))
        tables.setdefault(parent, set()).add(label)
    return tables
