"""Worksheets for the embedded base model: figures are right, copies stand above, weights follow the parts."""

import math
import re
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("transformers")
pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from mini import sheet_arithmetic, sheet_copies  # noqa: E402
from mini.accuracy import share_right  # noqa: E402
from mini.corpus import HeldOutQuestions, expressions, normalised_words, read_held_out_questions  # noqa: E402
from mini.packing import Pools, pack_whole  # noqa: E402
from mini.preparation import SHEET_MAKERS, SHEET_SHARES, generate_sheets, weighted_sheets  # noqa: E402
from mini.sheets import Lexicon, Part, Sheet, lexicon  # noqa: E402
from mini.training import Plan, _batch, flops_per_token  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM  # noqa: E402

WORDS = Lexicon(
    (
        "casa",
        "mesa",
        "rio",
        "nube",
        "tren",
        "flor",
        "pan",
        "sol",
        "luna",
        "mar",
        "silla",
        "puerta",
        "campo",
        "papel",
        "reloj",
        "gato",
        "queso",
    )
)
EQUALITIES = r"(?<![\w^√.,)/(])(?<![a-z)] [+\-·×*/] )(?<!÷ )(?<! : )[\d(][\d+\-·×*/^(). ]*(?:= [\d(√][\d+\-·×*/^(). ]*)+(?![\w√(])"
ANSWERS: dict[str, dict[str, Callable[..., object]]] = {
    "sums": {"# + # = ": lambda a, b: a + b, "# + # + # = ": lambda a, b, c: a + b + c},
    "differences": {"# - # = ": lambda a, b: a - b},
    "products": {"# · # = ": lambda a, b: a * b},
    "quotients": {
        "# entre #: ": lambda a, b: f"= {a - a % b}, cociente {a // b}, resto {a % b}",
        "#/# = |# / # = |# ÷ # = |# : # = ": Fraction,
    },
    "powers": {"#^# = ": pow, "√# = |raíz de # = |raíz cuadrada de #: ": lambda a: _root(a)},
    "phrases": {
        "# más #: |Suma # y #: ": lambda a, b: a + b,
        "# menos #: |A # le quito #: ": lambda a, b: a - b,
        "Resta # de #: |De # a # hay |Cuánto le falta a # para llegar a #: ": lambda a, b: b - a,
        "# por #: |Multiplica # y #: ": lambda a, b: a * b,
        "# veces # @: ": lambda a, b, unit: f"{a * b} {unit}",
        "El doble de # es ": lambda a: 2 * a,
        "El triple de # es ": lambda a: 3 * a,
        "La mitad de # es ": lambda a: Fraction(a, 2),
        "La tercera parte de # es ": lambda a: Fraction(a, 3),
        "Reparte # entre #: |Divide # entre #: ": Fraction,
        "# @ entre #: ": lambda a, unit, b: f"{Fraction(a, b)} {unit}",
        "Cuántas veces cabe # en #: ": lambda a, b: Fraction(b, a),
        "Separa #: ": lambda a: (f"{a} = {a - a % 10} + {a % 10}",),
    },
    "stories": {
        "@ tiene # @ y @ le da #. ": lambda who, a, thing, other, b: f"{a + b} {thing}",
        "@ tenía # @ y usó #. ": lambda who, a, thing, b: f"{a - b} {thing}",
        "Hay # cajas con # @ cada una. ": lambda a, b, thing: f"{a * b} {thing}",
        "@ reparte # @ entre # personas. ": lambda who, a, thing, b: f"{Fraction(a, b)} {thing}",
        "Cuesta # pesos y subió #. ": lambda a, b: f"{a + b} pesos",
        "Cuesta # soles y subió #. ": lambda a, b: f"{a + b} soles",
        "Cuesta # dólares y subió #. ": lambda a, b: f"{a + b} dólares",
        "Pago # @ a # pesos. ": lambda a, thing, b: f"{a * b} pesos",
        "# @ cuestan # pesos. Cada @: ": lambda a, thing, b, one: f"{Fraction(b, a)} pesos",
        "# @ cuestan # pesos, ¿y #? ": lambda a, thing, b, c: f"{Fraction(b * c, a)} pesos",
        "Pago # con un billete de #. Vuelto: ": lambda a, b: b - a,
        "Si # cm del mapa son # km, # cm son ": lambda a, b, c: f"{Fraction(b * c, a)} km",
    },
    "percentages": {
        "# % de #: ": lambda p, a: Fraction(p * a, 100),
        "# con # % de descuento: ": lambda a, p: Fraction(a * (100 - p), 100),
        "# más el # %: ": lambda a, p: Fraction(a * (100 + p), 100),
    },
    "fractions": {
        "#/# - #/# = ": lambda a, b, c, d: _over(Fraction(a, b) - Fraction(c, d), math.lcm(b, d)),
        "#/# + #/# = ": lambda a, b, c, d: _over(Fraction(a, b) + Fraction(c, d), math.lcm(b, d)),
        "#/# · #/# = ": lambda a, b, c, d: Fraction(a * c, b * d),
        "#/# entre #/# = ": lambda a, b, c, d: Fraction(a * d, b * c),
        "#/# = ": lambda a, b: (
            f"{Fraction(a, b)}",
            f"({a}/{math.gcd(a, b)})/({b}/{math.gcd(a, b)}) = {a // math.gcd(a, b)}/{b // math.gcd(a, b)}",
        ),
    },
    "polynomials": {
        "derivada de #x^#: |f(x) = #x^#, f'(x) = |d/dx #x^# = ": lambda a, n: _possibly_after(
            f"{n} · {a}x^({n} - 1) =", _term(a * n, n - 1)
        ),
        "primitiva de #x^#: |∫ #x^# dx = ": lambda a, n: _possibly_after(
            f"{a}/{n + 1} = {Fraction(a, n + 1)}, queda", f"{_term(Fraction(a, n + 1), n + 1)} + C"
        ),
        "f(x) = #x + #, f(#) = ": lambda a, b, x: a * x + b,
        "f(x) = x^2 + #, f(#) = ": lambda b, x: x**2 + b,
        "f(x) = x^2 - #, f(#) = ": lambda b, x: x**2 - b,
        "suman # y multiplican #: ": lambda s, m: tuple(
            f"{p} y {s - p}, porque {p} + {s - p} = {s} y {p} · {s - p} = {m}" for p in range(s) if p * (s - p) == m
        ),
        "x^2 - #x + # = 0: ": lambda s, m: tuple(
            f"(x - {p})(x - {s - p}) = 0, x = {p} o x = {s - p}" for p in range(s) if p * (s - p) == m
        ),
        "x^2 + #x + # = 0: ": lambda s, m: tuple(
            f"(x + {p})(x + {s - p}) = 0, x = {p - s} o x = {-p}" for p in range(s) if p * (s - p) == m
        ),
    },
    "shapes": {
        "Rectángulo de # por #, perímetro: ": lambda a, b: 2 * (a + b),
        "Rectángulo de # @ por # @, perímetro: ": lambda a, unit, b, _: f"{2 * (a + b)} {unit}",
        "Rectángulo de # por #, área: ": lambda a, b: a * b,
        "Cuadrado de lado #, área: ": lambda a: a * a,
        "Cuadrado de lado #, perímetro: ": lambda a: 4 * a,
        "Cuadrado de lado # @, perímetro: ": lambda a, unit: f"{4 * a} {unit}",
        "Triángulo de base # y altura #, área: ": lambda a, b: Fraction(a * b, 2),
        "Catetos # y #, hipotenusa: ": lambda a, b: _root(a * a + b * b),
        "Catetos # @ y # @, hipotenusa: ": lambda a, unit, b, _: f"{_root(a * a + b * b)} {unit}",
        "Hipotenusa #, cateto #, el otro: ": lambda a, b: _root(a * a - b * b),
        "Hipotenusa # @, cateto # @, el otro: ": lambda a, unit, b, _: f"{_root(a * a - b * b)} {unit}",
        "Ángulos de # y # grados, el tercero: ": lambda a, b: 180 - a - b,
        "Opuesto #, adyacente #, hipotenusa #: seno ": lambda a, b, c: (f"{a}/{c}, coseno {b}/{c}, tangente {a}/{b}",),
    },
    "data": {
        "media de &: ": lambda listed: statistics.mean(map(Fraction, listed.split(", "))),
        "mediana de &: ": lambda listed: (
            f"{', '.join(sorted(listed.split(', '), key=int))}; {statistics.median(map(int, listed.split(', ')))}",
        ),
        "# @ y # @, P(@): ": lambda a, first, b, second, asked: f"{ {first: a, second: b}[asked] }/{a + b}",
        "P = #/#, lo contrario: ": lambda a, b: f"{b - a}/{b}",
    },
    "decimals": {
        "#/# = ": lambda a, b: Decimal(a) / b,
        "~ + ~ = ": lambda a, b: f"{(Decimal(a) + Decimal(b)).normalize():f}",
    },
}
"""per maker and question what its answer ends with, or the whole answers that will do; # a number, @ a word, & numbers, ~ a decimal"""
NO_QUESTIONS = HeldOutQuestions(frozenset(), frozenset(), 0, 0)


def _text(sheet: Sheet) -> str:
    return "".join(part.text for part in sheet)


def test_every_equality_of_the_arithmetic_sheets_holds() -> None:
    rng, checked = Random(5), 0
    for maker in set(sheet_arithmetic.MAKERS) - {sheet_arithmetic.checks}:
        for _ in range(150):
            line = re.sub(r"^(\S+) entre (\S+) = ", r"(\1)/(\2) = ", _text(maker(rng)))
            for chain in re.findall(EQUALITIES, re.sub(r"^raíz de .*", "", line)):
                try:
                    values = [_value(side) for side in chain.split("=")]
                except (SyntaxError, AttributeError, TypeError):  # a stretch of an expression with a letter
                    continue
                checked += 1
                assert len(set(values)) == 1, line
    assert checked > 1500


def test_every_maker_of_sums_has_its_answers_checked() -> None:
    apart = {"checks", "equations"}  # tests of their own
    assert {maker.__name__ for maker in sheet_arithmetic.MAKERS} == set(ANSWERS) | apart


@pytest.mark.parametrize("name", ANSWERS)
def test_every_result_is_the_one_that_is_asked_for(name: str) -> None:
    rng, asked = Random(11), set()
    for _ in range(400):
        question, told = (re.sub(r" [×*] ", " · ", part.text) for part in getattr(sheet_arithmetic, name)(rng))
        fits = [(form, found) for form in ANSWERS[name] if (found := re.fullmatch(_pattern(form), question))]
        assert len(fits) == 1, question
        form, found = fits[0]
        figures = (int(group) if group.isdigit() else group for group in found.groups() if group is not None)
        wanted = ANSWERS[name][form](*figures)
        assert told in wanted if isinstance(wanted, tuple) else f" {told}".endswith(f" {wanted}"), (question, told, wanted)
        asked.add(form)
    assert asked == set(ANSWERS[name])


def test_every_step_of_an_equation_keeps_its_solution() -> None:
    rng, step = Random(12), r"(\d*)([a-z])(?: ([+-]) (\d+))? (<=|>=|=|<|>) (.+)"
    for _ in range(400):
        given, told = (part.text for part in sheet_arithmetic.equations(rng))
        steps = [re.fullmatch(step, text) for text in re.split(r" -> |; |\n  | ⇒ ", given + told)]
        factor, letter, sign, term, relation, right = steps[0].groups()  # type: ignore[union-attr]
        x = (int(right) - int(f"{sign}{term}" if term else 0)) / Fraction(factor or 1)
        for found in steps[1:]:
            factor, its_letter, sign, _, its_relation, right = found.groups()  # type: ignore[union-attr]
            assert (its_letter, sign, its_relation) == (letter, None, relation), told
            assert {_value(side) for side in right.split(" = ")} == {int(factor or 1) * x}, told
        assert told.endswith(f"{'' if ' = ' in right else letter + ' '}{relation} {x}"), told


def test_prices_are_in_money_and_each_thing_has_its_gender() -> None:
    rng, genders = Random(13), set()
    for _ in range(400):
        given = sheet_arithmetic.stories(rng)[0].text
        if found := re.search(r"\d+ (\S+) cuestan .* Cad(a un[ao]):", given):
            assert found[2][-1] == ("a" if found[1].endswith("as") or found[1] == "flores" else "o"), given
            genders.add(found[2])
        assert not given.startswith("Cuesta") or re.search(r"\d (?:pesos|soles|dólares) y", given), given
    assert len(genders) == 2


def test_a_checked_sum_is_told_right() -> None:
    rng, said = Random(6), set()
    for _ in range(200):
        given, told = (part.text for part in sheet_arithmetic.checks(rng))
        claim = given.strip("¿? ").split(" = ")
        assert told.startswith("Sí") == (_value(claim[0]) == int(claim[1])), given
        sides = told.split(", ")[1].split(" = ")
        assert _value(sides[0]) == int(sides[1])
        said.add(told[:2])
    assert said == {"Sí", "No"}


def test_what_is_copied_stands_above() -> None:
    rng = Random(7)
    for maker in set(sheet_copies.MAKERS) - {sheet_copies.sequence}:
        for _ in range(60):
            above = ""
            for part in maker(rng, WORDS):
                if part.follows:
                    for word in re.findall(r"[a-z_0-9]{2,}", part.text):
                        assert word in above or word in {"for", "in", "def", "print", "return", "if", "not", "len", "total", "python"}, (
                            word,
                            above,
                        )
                above += part.text


def test_functions_that_are_asked_for_by_name_run() -> None:
    rng, calls = Random(9), 0
    for _ in range(100):
        code = ""
        for part in [*sheet_copies.headers(rng, WORDS), Part("\n", False)]:
            if part.follows or not part.text.endswith("\n"):
                code += part.text
                continue
            code, functions = re.sub(r"^```(?:python)?\n", "", code, flags=re.MULTILINE), {"print": lambda *_: None}
            exec(compile(code, "<sheet>", "exec"), functions)
            calls += bool(re.search(r"^(?!def ).+\(", code, re.MULTILINE))
            code = ""
    assert calls > 100


def test_lists_are_told_right() -> None:
    rng = Random(8)
    for _ in range(100):
        values: list[int] = []
        asked = ""
        for part in sheet_copies.sequence(rng, WORDS):
            if not part.follows and " = [" in part.text:
                values = eval(part.text.split(" = ")[1])
            elif not part.follows:
                asked = part.text.rstrip(": ")
            elif asked in ("mayor", "menor", "cuántos", "al revés", "en orden"):
                rule = {"mayor": max, "menor": min, "cuántos": len, "al revés": lambda v: v[::-1], "en orden": sorted}[asked]
                assert part.text.strip() == str(rule(values))


def test_sheets_repeat_with_the_seed_and_leave_out_what_an_evaluation_wants() -> None:
    def made(questions: HeldOutQuestions) -> list[str]:
        return [_text(sheet) for sheet in generate_sheets(200, 3, WORDS, questions)]

    whole = made(NO_QUESTIONS)
    assert (
        whole == made(NO_QUESTIONS) and len(whole) == 200 and abs(sum(SHEET_SHARES) - 1) < 1e-9 and len(SHEET_MAKERS) == len(SHEET_SHARES)
    )
    names = frozenset(re.findall(r"def (\w+)\(", whole[next(n for n, text in enumerate(whole) if "def " in text)]))
    without = made(HeldOutQuestions(frozenset(), frozenset(), 1, 1, functions=names))
    assert len(without) < 200 and not any(f"def {name}(" in text for text in without for name in names)
    line = next(line for text in whole for line in text.splitlines() if len(set(normalised_words(line))) > 7)
    bag = frozenset(normalised_words(line)) | {"nuevo"}  # nearly, not word for word
    without = made(HeldOutQuestions(frozenset(), frozenset(), 1, 1, bags=(bag,)))
    assert len(without) < 200 and not any(line in text for text in without)


def test_a_token_weighs_as_the_part_in_which_it_ends() -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "adapters_hub" / "bases" / "mini")
    sheet = [Part("7 + 8 = ", False), Part("15\n", True), Part("señal: ", False), Part("ñandú\n", True)]
    ((ids, follows),) = weighted_sheets(tokenizer, [sheet])
    assert tokenizer.decode([i for i, mine in zip(ids, follows, strict=True) if mine]).replace(" ", "") == "15\nñandú\n<|end|>"
    assert len(ids) == len(follows)


def test_what_an_evaluation_wants_written_or_worked_out_is_known(tmp_path: Path) -> None:
    rows = (
        '{"messages": [{"role": "user", "content": "¿Cuánto es 3 × 17?"}], "expected": {"answer": "51"}}',
        '{"messages": [{"role": "user", "content": "Haz sumar_todo(xs)"}], "expected": {"entry_point": "sumar_todo", "tests": []}}',
    )
    (tmp_path / "eval.jsonl").write_text("\n".join(rows), encoding="utf-8")
    questions = read_held_out_questions(tmp_path)
    assert questions.sums == {"3·17"} and questions.functions == {"sumar_todo"}
    assert questions.are_answered_by("3*17 = 51") and questions.are_answered_by("def sumar_todo(a):\n    return sum(a)")
    assert not questions.are_answered_by("3 · 170 = 510; 13 · 17 = 221; def sumar(a)")


def test_expressions_are_written_one_way() -> None:
    assert expressions("3 × 17, 1/8 + 4/8 = 5/8; 2^5. En 3x + 2 y f(4) no hay.") == {"3·17", "1/8+4/8", "2^5"}


def test_figures_that_follow_weigh_more_and_plain_text_as_told() -> None:
    torch = pytest.importorskip("torch")
    sheets = pack_whole([([7, 8, 9, 7, 6], [False, False, True, True, True])], 5)
    text = pack_whole([([7, 7, 7, 7, 7, 7], [True] * 6)], 5)
    empty = pack_whole([], 5)
    plan = Plan(batch=2, chat=0, sheets=1, prompt_weight=0.1, figure_weight=3.0, text_weight=0.5)
    weights = _batch(Pools(text, empty, sheets, figures=(7,)), 0, plan, torch.device("cpu"))[2]
    assert weights.tolist() == [[0.5] * 5, pytest.approx([0.1, 1.0, 3.0, 1.0, 0.0])]


def test_the_share_that_is_told_right_agrees_with_greedy_decoding() -> None:
    torch = pytest.importorskip("torch")
    folder = ROOT / "adapters_hub" / "bases" / "mini"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    given = "4 + 5 = 9\n3 + 3 = 6\n2 + 6 = "
    prompt = tokenizer(given, add_special_tokens=False, return_tensors="pt")
    told = tokenizer.decode(model.generate(**prompt, max_new_tokens=3, do_sample=False)[0, prompt["input_ids"].shape[1] :])

    def share(end: str) -> tuple[float, float]:
        return share_right(
            model, lambda made: list(weighted_sheets(tokenizer, made)), lambda _: [Part(given, False), Part(end, True)], 1, 0
        )

    ids = tokenizer(told, add_special_tokens=False)["input_ids"]
    assert share(told)[1] >= len(ids) / (len(ids) + 1)  # the end marker is judged too
    assert share("@@@@")[0] == 0.0


def test_the_cost_of_a_token_counts_every_product_and_attention() -> None:
    config = LlamaConfig(
        vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=1, num_key_value_heads=1,
        tie_word_embeddings=True,
    )  # fmt: skip
    weights = 100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128)
    assert flops_per_token(LlamaForCausalLM(config), 10) == 6 * weights + 12 * 2 * 64 * 10


def test_the_lexicon_has_the_frequent_words_and_no_keywords() -> None:
    words = lexicon(["La canción y la canción de select from casa casas casa", "camión while"], size=5).words
    assert words[:2] == ("cancion", "casa") and not {"select", "from", "while"} & set(words)


def _value(side: str) -> Fraction:
    plain = side.strip(" .").replace("·", "*").replace("×", "*").replace("^", "**")
    return Fraction(eval(re.sub(r"\d+(\.\d+)?", r"Fraction('\g<0>')", plain), {"Fraction": Fraction}))


def _pattern(form: str) -> str:
    """A question's form as a regular expression."""
    marks = {"#": r"(\d+)", "@": r"([^\s\d,)]+)", "&": r"(\d+(?:, \d+)+)", "~": r"(\d+(?:\.\d)?)", "|": "|"}
    return "".join(marks.get(sign) or re.escape(sign) for sign in form)


def _root(square: int) -> int:
    return next(root for root in range(square + 1) if root * root == square)


def _over(value: Fraction, denominator: int) -> str:
    """A fraction with a given denominator."""
    return f"{value * denominator}/{denominator}"


def _term(factor: int | Fraction, exponent: int) -> str:
    return f"{factor}x" + (f"^{exponent}" if exponent > 1 else "")


def _possibly_after(step: str, result: str) -> tuple[str, ...]:
    return result, f"{step} {result}"
