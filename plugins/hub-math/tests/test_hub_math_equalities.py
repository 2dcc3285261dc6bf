"""Equalities in prose: which are found, which are claimed, which are false."""

from __future__ import annotations

import time

import pytest
from hub_math.equalities import Checker, claims_of
from hub_math.judge import Case, judge
from hub_math.masks import masked
from hub_math.stretches import stretches

MEANT_WELL = r"""
El resultado no es 5: 2 + 2 = 4.
No es cierto que 2 + 2 = 5.
Un error común es escribir 2 + 3 = 6.
¿Es 2 + 2 = 5?
¿2 + 2 = 5? No: 2 + 2 = 4.
2 + 2 = 5, ¿verdad?
Falso: 2 + 2 = 5
2 + 2 = 5 es falso.
Muchos escriben (a + b)^2 = a^2 + b^2, pero eso es incorrecto.
Si fuera 2 + 2 = 5, todo sería posible.
En lugar de 3 + 4 = 8, escribe 3 + 4 = 7.
Supón que 2 + 2 = 5; llegamos a una contradicción.
2 + 2 = 5 ❌
~~2 + 2 = 5~~
Hiciste 1/2 + 1/3 = 2/5.
Quizá pensaste que 1/2 + 1/3 = 2/5.
Sumar así, 1/2 + 1/3 = 2/5, está mal.
"2 + 2 = 5" es lo que escribiste.
Sumar 30 % a 126 daría 126 + 37.8 = 160, que no es correcto.
Te toca: corrige 3 + 4 = 8.
Verdadero o falso: 3 + 4 = 8.
La ecuación x + 1 = x + 2 no tiene solución.
Resolvemos x + 1 = x + 2 y llegamos a 1 = 2, un absurdo.
x = x + 1
7/2 = 3 con resto 1
17 ÷ 5 = 3, resto 2
17 ÷ 5 = 3 R 2
7/2 = 3 y medio
140/60 = 2 minutos completos
La mitad de 8 = 4
La suma de 3 y 4 = 7
El doble de 3 + 4 = 14
El producto de 2 y 3 + 4 = 14
raíz de 9 + 7 = 4
tres al cuadrado = 9
5 por 3 = 15
25 alumnos + su 1 maestra + 1 invitado = 27
9 + 4 = 1 (mod 12)
9 + 4 = 1 módulo 12
1 + 1 = 10 en binario
101 (base 2) = 5
17 % 5 = 2
11 + 3 = 2 p. m.
Son las 11:00 + 3:00 = 14:00
3 : 4 = 6 : 8
En total 10: 2 = 5
100 - 30 % = 70
1.000 + 500 = 1.500
2 docenas + 3 = 27
2 millones + 3 millones = 5 millones
1 h 30 min = 90 min
0 °C = 32 °F
1 USD = 20 MXN
$1 / 2 = 50 centavos
4 semanas = 1 mes
0.85 · 100 = 85 %
33 % = 1/3
10/3 = 3.33
2/3 = 0.66
1/3 = 0.333...
√2 = 1.41
√50 ≈ 7
347 ≈ 300
100/3 = 33.33, y 33.33 · 3 = 100
1/3 + 1/3 + 1/3 = 0.33 + 0.33 + 0.33 = 1
0.1 + 0.2 = 0.30000000000000004
sen 30 = 0.5
log 100 = 2
-3^2 = 9
6L = 24
9s + 13 = 130
3 + 4 = 7 + 2 = 9
f(x) = 2x + 1 = 7
(x^2)' = 2x
∫ 2x dx = x^2 + C
x = (5 ± 1)/2 = 3 o 2
1 + 2 + ... + 10 = 55
5/0 = indefinido
Día 1 = 5 km
Lunes = 3, martes = 4
Paso 2 = multiplicar por 3 = 12
3 + __ = 7
3 + ? = 7
Peras - 6 · 2 = 12
de 40 a 50 = 10
3 de 12 = 1/4
2/5 es 12.8 litros
3 · 4 es 3 veces 4
2 manzanas y 3 peras = 5 frutas
70 (70%) - 60 (60%) = 10
0.75 * precio original = 19.50
9 porque Ana + 1 = 9
$5 \equiv 2 \pmod{3}$
$2\,000 + 500 = 2\,500$
"""
"""Nothing here is surely wrong. Some are true, some are denied, some begin or go on in words."""

WRONG = r"""
22 - 11 = 3
Paso 1: 22 - 11 = 3.
Por lo tanto, 22 - 11 = 3.
22 - 11 es 3.
El 20 % de 40 es 9.
2 + 3 · 4 = 20
2 + 3 · 4 es igual a 20.
El total es 3 + 4 = 8 manzanas.
Le quedan 22 - 11 = 3 manzanas
$5 + $3 = $9
\(2 + 2 = 5\)
$3 \cdot 4 = 13$
\[ \frac{1}{2} + \frac{1}{3} = \frac{2}{5} \]
\begin{align} a &= 2 + 3 \\ &= 6 \end{align}
35 % de 240 = 87
√(16) = 5
2³ = 6
|−5| = -5
5! = 100
mcm(4, 6) = 24
5/0 = 5
3(2x - 5) = 6x - 10
3 m + 20 cm = 23 m
90 minutos + 2 horas = 92 minutos
2 h = 100 min
10/3 = 3.4
2/3 ≈ 0.58
√2 = 1.42
3 cajas · 12 lápices = 38 lápices
1,5 + 1,5 = 4
12 x 3 = 37
1. 2 + 3 = 6
- 2 + 3 = 6
**2 + 3 = 6**
* 2 + 3 = 6
5 + 3 = 8, y 8 · 2 = 18.
5 + 3 = 8 y 8 · 2 = 18
Sumamos: 5 + 3 = 8 → 8 · 2 = 18
c = √(3² + 4²) = √25 = 6
x = 6/2 = 4
Sí, 22 - 11 = 3.
No: 2 + 2 = 5.
She has 16 - 3 = 12 eggs left.
Therefore, \(60 \cdot 7 = 430\).
"""

SOLUTIONS = [
    r"""### Paso 1: Identificar los coeficientes
La ecuación es $2x^2 - 4x - 6 = 0$, con $a = 2$, $b = -4$ y $c = -6$.
$$\Delta = b^2 - 4ac = (-4)^2 - 4(2)(-6) = 16 + 48 = 64$$
$$x = \frac{-b \pm \sqrt{\Delta}}{2a} = \frac{4 \pm 8}{4}$$
- Con el signo $+$: $x_1 = \frac{4 + 8}{4} = \frac{12}{4} = 3$
- Con el signo $-$: $x_2 = \frac{4 - 8}{4} = \frac{-4}{4} = -1$

**Comprobación:** $2(3)^2 - 4(3) - 6 = 18 - 12 - 6 = 0$ ✓""",
    r"""**Datos:** capital $C = \$5,000$, tasa $r = 8\%$ anual, tiempo $t = 3$ años.
Interés simple: $I = C \cdot r \cdot t = 5000 \cdot 0.08 \cdot 3 = \$1,200$. Monto: $M = 5000 + 1200 = \$6,200$.
Interés compuesto: $M = 5000(1 + 0.08)^3 = 5000 \cdot 1.259712 = \$6,298.56$.""",
    """El triángulo tiene lados 3, 4 y 5: 3² + 4² = 9 + 16 = 25 = 5². Su área es (3 · 4)/2 = 6 u².
sen(α) = 3/5 = 0.6, así que α = arcsen(0.6) ≈ 36.87°. También tan α = 3/4 = 0.75.
El volumen de la esfera: V = (4/3)πr³ = (4/3)π(3)³ = 36π ≈ 113.1 cm³.""",
    """Convertimos: 72 km/h = 72 · 1000 m / 3600 s = 20 m/s. 3.5 h = 3 h 30 min = 210 min. 1 m² = 10 000 cm².
20 °C = 68 °F, porque F = 9/5 · 20 + 32 = 36 + 32 = 68.""",
    """15 ÷ 4 = 3 con residuo 3, pues 4 · 3 = 12 y 15 − 12 = 3. En decimales, 15/4 = 3.75.
60 = 2² · 3 · 5, 84 = 2² · 3 · 7, así que mcd(60, 84) = 2² · 3 = 12 y mcm = 2² · 3 · 5 · 7 = 420.
Si el reloj marca las 10 y pasan 5 horas, 10 + 5 = 15 = 3 de la tarde. 1011 + 1 = 1100 en base 2.""",
    """So we have 3/4 + 1/6 = 9/12 + 2/12 = 11/12. Each of the 4 friends pays $50/4 = $12.50. With a 20% tip that's $12.50 × 1.2 = $15.
She drove 150 miles at 60 mph: 150/60 = 2.5 hours = 2 hours 30 minutes. 5 ft 3 in = 5 × 12 + 3 = 63 in. 3.2 million / 4 = 800,000.""",
]
"""Right from beginning to end."""

CODE = """Mira el programa:
```python
x = 5
assert 2 + 2 == 5
total = 3 + 4 = 8
```
Y `2 + 2 == 5`, https://x.org/?a=1=2, versión 3.11.2 = 3, 12/05/2024 = hoy, 10:30 + 1:00 = 11:30."""


def cases(block: str) -> list[str]:
    return block.strip().splitlines()


def checked(answer: str, locale: str = "es_MX") -> list[tuple[str, str]]:
    view = masked(answer)
    checker = Checker(view.text, locale, deadline=time.monotonic() + 60)
    return [(found.claim.shown, found.truth) for found in map(checker.check, claims_of(view, stretches(view.text)))]


@pytest.mark.parametrize("answer", cases(MEANT_WELL))
@pytest.mark.parametrize("locale", ["es_MX", "es_AR", ""])
def test_what_is_true_denied_or_not_whole_is_never_called_wrong(answer: str, locale: str) -> None:
    assert judge(Case(answer, locale=locale)).outcome == "unverified"


@pytest.mark.parametrize("answer", SOLUTIONS)
@pytest.mark.parametrize("locale", ["es_MX", ""])
def test_right_solutions_are_not_called_wrong_and_most_of_their_calculations_are_checked(answer: str, locale: str) -> None:
    truths = [truth for _, truth in checked(answer, locale)]
    assert "false" not in truths and truths.count("true") >= 4


@pytest.mark.parametrize("answer", cases(WRONG))
def test_a_false_equality_is_found(answer: str) -> None:
    verdict = judge(Case(answer, locale="es_MX"))
    assert (verdict.outcome, verdict.code) == ("incorrect", "false_equality")
    assert verdict.span is not None and verdict.span[0] < verdict.span[1] <= len(answer)


def test_code_addresses_dates_and_times_are_no_mathematics() -> None:
    assert judge(Case(CODE)).outcome == "unverified"
    assert ("2 + 2", "5") not in [tuple(shown.split(" = ")) for shown, _ in checked(CODE)]


def test_each_link_of_a_chain_is_a_claim() -> None:
    assert checked("(4 + 5 + 6)/3 = 15/3 = 5") == [("(4 + 5 + 6)/3 = 15/3", "true"), ("15/3 = 5", "true")]


def test_a_chain_goes_on_over_lines_and_rows() -> None:
    assert checked("Área = 5 · 3\n= 15") == [("5 · 3 = 15", "true")]
    assert checked(r"\begin{align} a &= 2 + 3 \\ &= 5 \end{align}") == [("a = 2 + 3", "unknown"), ("2 + 3 = 5", "true")]


def test_calculator_marks_are_claims_of_their_own_and_no_part_of_the_text() -> None:
    assert checked("He pays 3 * 4 = $<<3*4=12>>12 a day", "en") == [("3 * 4 = $ 12", "true"), ("3*4 = 12", "true")]
    assert checked("a total of 48 = <<40+2=42>>48", "en")[-1] == ("40+2 = 42", "true")


def test_commas_and_conjunctions_part_what_letters_join() -> None:
    assert checked("con x = 1, 3 · (-3) - 2 · (-3) = -3, y 4 · 1 - 7 = -3.") == [
        ("x = 1", "unknown"),
        ("3 · (-3) - 2 · (-3) = -3", "true"),
        ("4 · 1 - 7 = -3", "true"),
    ]
    assert checked("4x, y -15 + 8 = -7.") == [("-15 + 8 = -7", "true")]


@pytest.mark.parametrize(
    ("answer", "locale", "truth"),
    [
        ("1,5 + 1,5 = 3", "es_AR", "true"),
        ("80,000 + 50,000 = 130,000", "es_MX", "true"),
        ("80.000 + 50.000 = 130.000", "es_AR", "true"),
        ("80 000 + 50 000 = 130 000", "", "true"),
        ("1.234 + 1 = 2.234", "es_MX", "true"),
        ("1.234 + 1 = 1.235", "es_AR", "true"),
        ("1.234 + 1 = 1.235", "es_MX", "unknown"),  # true in another country
        ("1.234 + 1 = 1.236", "es_MX", "false"),
    ],
)
def test_numbers_are_read_in_the_format_of_the_locale(answer: str, locale: str, truth: str) -> None:
    assert [found for _, found in checked(answer, locale)] == [truth]


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("3 m + 20 cm = 3,2 m", "true"),
        ("2 h = 120 min", "true"),
        ("60 km/h · 2 h = 120 km", "true"),
        ("5 € · 3 = 15 €", "true"),
        ("20 personas * $155 = $3100", "true"),
        ("8 rojas + 10 verdes + 9 azules = 27 bolas", "true"),
        ("0.7854 · 1.2 ≈ 0.9425 m^3", "true"),
        ("1/2 de 10 = 5", "true"),
    ],
)
def test_units_and_nouns_are_no_obstacle(answer: str, truth: str) -> None:
    assert [found for _, found in checked(answer)] == [truth]


def test_a_false_equality_of_the_question_is_a_quotation_unless_the_answer_agrees() -> None:
    question = "22 - 11 = 3, ¿no?"
    assert judge(Case("En 22 - 11 = 3 falta la decena.", question)).outcome == "unverified"
    assert judge(Case("Sí, 22 - 11 = 3.", question)).outcome == "incorrect"


def test_the_deadline_stops_the_checks_and_nothing_is_called_wrong() -> None:
    view = masked("2 + 2 = 5")
    (claim,) = claims_of(view, stretches(view.text))
    assert Checker(view.text, deadline=0.0).check(claim).truth == "unknown"
