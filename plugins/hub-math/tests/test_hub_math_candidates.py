"""Where an answer states its result."""

from __future__ import annotations

import pytest
from hub_math.candidates import Candidate, candidates
from hub_math.judge import Case, Reference, judge
from hub_math.masks import masked
from hub_math.stretches import stretches


def found(answer: str) -> list[Candidate]:
    view = masked(answer)
    return candidates(view, stretches(view.text))


def best(answer: str) -> tuple[str, str]:
    place = found(answer)[0]
    return place.tier, place.texts[0]


@pytest.mark.parametrize(
    ("answer", "tier", "text"),
    [
        (r"Entonces \boxed{\frac{3}{4}}.", "boxed", r"\frac{3}{4}"),
        ("Respuesta: 11 manzanas.", "marked", "11 manzanas"),
        ("**Respuesta:** 11", "marked", "11"),
        ("**Respuesta: 11**", "marked", "11"),
        ("### Respuesta\n\n11", "marked", "11"),
        ("La respuesta final es $x = 4$.", "marked", "x = 4"),
        ("El resultado es 3.", "marked", "3"),
        ("El resultado de 22 - 11 es 3.", "marked", "3"),
        ("La solución es x = 2 o x = 3.", "marked", "x = 2 o x = 3"),
        ("Resultado: el 20 % de 40 es 8.", "marked", "8"),
        ("La respuesta es 11 porque 22 - 11 = 11.", "marked", "11"),
        ("Hacemos cuentas.\n#### 1,234", "marked", "1,234"),
        ("She has 3.\nA: 18", "marked", "18"),
        ("The answer is 11.", "marked", "11"),
        ("El resultado no es 5. El resultado es 6.", "marked", "6"),
        ("11", "whole", "11"),
        ("Son 11 manzanas.", "whole", "11 manzanas"),
        ("x = 2 o x = 3", "whole", "x = 2 o x = 3"),
        ("once", "whole", "once"),
        ("Paso 1: 5 + 6 = 11.\nComprobación: 11 - 6 = 5.\nTe toca: calcula 3 + 4.", "concluded", "5 + 6 = 11"),
        ("Sumamos todo. Los números son 23, 24 y 25. Fin.", "concluded", "23, 24 y 25"),
    ],
)
def test_the_result_is_found_where_a_reader_would_look(answer: str, tier: str, text: str) -> None:
    assert best(answer)[0] == tier
    assert text in found(answer)[0].texts


@pytest.mark.parametrize(
    "answer",
    ["El resultado no es 5.", "¿La respuesta es 11?", "Te toca: 22 - 11 = 11", "¿Qué operación harías primero?", "#### Paso 3", ""],
)
def test_what_is_denied_asked_or_left_to_do_is_no_result(answer: str) -> None:
    assert [place.tier for place in found(answer)] in ([], ["whole"])


def test_positions_are_those_of_the_answer() -> None:
    answer = "Hola.\n**Respuesta:** $\\frac{1}{2}$ kg\nAdiós."
    place = found(answer)[0]
    assert answer[place.start : place.end] == r"$\frac{1}{2}$ kg"


@pytest.mark.parametrize(
    ("answer", "expected", "outcome"),
    [
        ("La respuesta es 11.", "11", "correct"),
        ("La respuesta es 12.", "11", "incorrect"),
        ("El resultado no es 5, sino 6.", "6", "correct"),
        ("El resultado no es 5, sino 6.", "5", "unverified"),
        ("La respuesta no es 5.", "5", "unverified"),
        ("La respuesta es la mitad de 22.", "11", "unverified"),
        ("La respuesta es la mitad de 11.", "11", "unverified"),
        ("La respuesta está entre 10 y 12.", "11", "unverified"),
        ("La respuesta es mayor que 11.", "11", "unverified"),
        ("La respuesta es que Juan tiene 11 manzanas y 3 peras.", "11", "unverified"),
        ("Respuesta: 5\nRespuesta: 6", "5", "unverified"),
        ("x = 2 o x = 3", "{2, 3}", "correct"),
        ("x = 2 o x = 3", "x = 3", "unverified"),
        ("Las soluciones son 2 y 4.", "2 y 3", "incorrect"),
        ("Creo que la respuesta es 12, pero no: es 11.", "11", "correct"),
        ("Creo que la respuesta es 11, pero no: es 12.", "11", "incorrect"),
        (r"\boxed{2}, \boxed{3}", "{2, 3}", "correct"),
        (r"Primero \boxed{5}. Luego, tras revisar, \boxed{6}.", "5", "unverified"),
        (r"\boxed{\text{C}}", "C", "correct"),
        ("Respuesta: sí", "sí", "correct"),
        ("El terreno es un cuadrado de 10 m por 10 m.", "10 m por 10 m", "correct"),
        ("El área es 12 m².", "12 cm^2", "incorrect"),
        ("Le caben unos 942 litros.", "942 litros", "correct"),
        ("Tenía 22 y di 11, así que quedan 3.", "11", "unverified"),
        ("Empieza por restar 10.", "11", "unverified"),
        ("Te doy una pista: 22 - 10 = 12.", "11", "unverified"),
        ("Piensa cuánto es 22 menos 10 y quita 1 más.", "11", "unverified"),
    ],
)
def test_only_a_stated_result_is_compared(answer: str, expected: str, outcome: str) -> None:
    assert judge(Case(answer, references=(Reference(expected),), locale="es_MX")).outcome == outcome
