"""Which subject a question is of: learned from a few questions, sure only where it may be."""

from __future__ import annotations

import time

import pytest

from adapters_hub.question_classifier import QuestionClassifier, Subject, features

ANIMALS = ("gato", "perro", "caballo", "vaca", "oveja", "gallina", "pato", "conejo", "tigre", "mono")
METALS = ("hierro", "cobre", "plomo", "estaño", "níquel", "zinc", "titanio", "cromo", "cobalto", "litio")
FRAMES = ("¿Qué come el {}?", "¿Dónde vive un {}?", "explícame cómo duerme el {}", "¿El {} tiene crías?")
FORGES = ("¿A qué temperatura se funde el {}?", "¿Con qué se alea el {}?", "explícame si se oxida el {}", "¿El {} conduce la corriente?")


def zoo(**more: object) -> Subject:
    questions = tuple(frame.format(animal) for animal in ANIMALS for frame in FRAMES)
    return Subject("animales", questions, later=("¿y de noche?", "¿y el otro?", "no entendí", "¿y las crías?"), about=("Animales",), **more)  # type: ignore[arg-type]


def forge() -> Subject:
    questions = tuple(frame.format(metal) for metal in METALS for frame in FORGES)
    return Subject("metales", questions, later=("¿y en frío?", "¿y el otro?", "otra vez"), about=("Metales",))


@pytest.fixture(scope="module")
def classifier() -> QuestionClassifier:
    return QuestionClassifier([zoo(), forge()])


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("¿qué come una oveja por la mañana?", "animales"),
        ("DÓNDE VIVE EL TIGRE", "animales"),
        ("a que temperatura se funde el niquel", "metales"),
        ("¿se oxidan el cobalto y el zinc?", "metales"),
    ],
)
def test_a_question_goes_to_the_subject_that_uses_its_words(classifier: QuestionClassifier, question: str, subject: str) -> None:
    guess = classifier.classify(question)
    assert (guess.subject, guess.reason) == (subject, "sure")
    assert guess.shares[0][0] == subject


def test_shares_of_all_subjects_add_up_to_one_likeliest_first(classifier: QuestionClassifier) -> None:
    shares = [share for _, share in classifier.classify("¿Qué come el gato?").shares]
    assert sum(shares) == pytest.approx(1) and shares == sorted(shares, reverse=True) and len(shares) == 2


@pytest.mark.parametrize("question", ["¿Quién escribió la Odisea?", "traduce este párrafo al portugués", "xyzzy", "", "   \n", "🙂🙂"])
def test_a_question_of_unknown_words_is_nobodys(classifier: QuestionClassifier, question: str) -> None:
    guess = classifier.classify(question)
    assert guess.subject is None
    assert guess.reason in ("unknown", "close")


def test_between_two_subjects_it_does_not_choose(classifier: QuestionClassifier) -> None:
    guess = classifier.classify("gato hierro")
    assert guess.subject is None and guess.reason == "close"


def test_the_telling_words_are_named_as_they_were_written(classifier: QuestionClassifier) -> None:
    guess = classifier.classify("¿A qué TEMPERATURA se funde el Estaño?")
    subject, words = guess.telling[0]
    assert subject == "metales"
    assert {"TEMPERATURA", "Estaño"} & set(words)
    assert not {"A", "qué", "se", "el"} & set(words)


def test_a_follow_up_without_words_of_its_own_stays_with_the_present_subject(classifier: QuestionClassifier) -> None:
    for present in ("animales", "metales"):
        guess = classifier.classify("¿y con tres?", present)
        assert (guess.subject, guess.reason) == (present, "stays")
    assert classifier.classify("¿y con tres?").subject is None


def test_a_clear_question_leaves_the_present_subject(classifier: QuestionClassifier) -> None:
    guess = classifier.classify("¿A qué temperatura se funde el cobre?", "animales")
    assert (guess.subject, guess.reason) == ("metales", "sure")


def test_a_present_subject_that_is_not_known_does_not_count(classifier: QuestionClassifier) -> None:
    assert classifier.classify("¿y con tres?", "nadie").subject is None


def test_a_subject_without_questions_takes_part_by_its_description() -> None:
    history = Subject("historia", about=("Historia", "Explica guerras, revoluciones e imperios de América"))
    classifier = QuestionClassifier([zoo(), forge(), history])
    assert classifier.classify("háblame de las revoluciones de América").subject == "historia"
    assert classifier.classify("¿Qué come el caballo?").subject == "animales"


def test_subjects_of_descriptions_alone_are_told_apart_and_strangers_refused() -> None:
    classifier = QuestionClassifier(
        [Subject("historia", about=("guerras e imperios",)), Subject("cocina", about=("recetas de sopas y postres",))]
    )
    assert classifier.classify("una receta de sopas y postres").subject == "cocina"
    assert classifier.classify("¿quién gana el partido?").subject is None


def test_a_large_subject_does_not_swallow_a_small_one() -> None:
    small = Subject("metales", tuple(frame.format(metal) for metal in METALS[:2] for frame in FORGES))
    many = tuple(f"{frame.format(animal)} {number}" for number in range(20) for animal in ANIMALS for frame in FRAMES)
    classifier = QuestionClassifier([Subject("animales", many), small])
    assert classifier.classify("¿A qué temperatura se funde el cobre?").subject == "metales"


def test_a_single_subject_gets_every_question() -> None:
    guess = QuestionClassifier([zoo()]).classify("¿Quién escribió la Odisea?")
    assert (guess.subject, guess.reason, guess.shares) == ("animales", "alone", (("animales", 1.0),))


def test_subjects_must_be_there_and_have_names_of_their_own() -> None:
    for subjects in ([], [zoo(), zoo()]):
        with pytest.raises(ValueError, match="subjects"):
            QuestionClassifier(subjects)


def test_fifty_subjects_are_told_apart_quickly() -> None:
    subjects = [
        Subject(
            f"s{place}", tuple(f"¿cómo se hace {word}{place} con paso {step}?" for step in range(8) for word in ("muro", "tela", "pan"))
        )
        for place in map(_letters, range(50))
    ]
    classifier = QuestionClassifier(subjects)
    begun = time.perf_counter()
    right = sum(
        classifier.classify(f"dime cómo hago un muro{place} y tela{place}").subject == f"s{place}" for place in map(_letters, range(50))
    )
    assert right == 50
    assert (time.perf_counter() - begun) / 50 < 0.02


def _letters(number: int) -> str:
    """A number in letters only."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)) + "q"


def test_the_same_rows_give_the_same_guesses() -> None:
    one, other = (QuestionClassifier([zoo(), forge()]).classify("¿Se oxida el gato?") for _ in range(2))
    assert one == other


def test_numbers_accents_and_case_do_not_count() -> None:
    assert features("¿Cuánto es 12 MÁS 7?") - {"s:capitals"} == features("¿cuanto es 3 mas 450?")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("ordena [3, 1, 2]", "list"),
        ("escribe suma(a, b)", "call"),
        ("f(x) = 3", "equation"),
        ("2x + 1", "coefficient"),
        ("x^2", "power"),
        ("3/4", "fraction"),
        ("el 20 % de 50", "percent"),
        ("un SELECT", "capitals"),
        ("es O(n log n)", "order"),
        ("def f():\n    return 1", "code_block"),
        ("es_primo", "name_of_code"),
    ],
)
def test_shapes_are_seen(text: str, shape: str) -> None:
    assert f"s:{shape}" in features(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "a(" * 50_000, "'" * 100_000, "x" * 200_000, ":\n" + " " * 100_000, "a_" * 50_000])
def test_hostile_texts_take_no_time(classifier: QuestionClassifier, text: str) -> None:
    begun = time.perf_counter()
    classifier.classify(text)
    assert time.perf_counter() - begun < 0.5
