"""Worksheets of sums: equalities, chains, fractions, equations and the short phrases that ask for an operation.

Knows numbers. Deliberately keeps to one or two steps a line: what is to be learnt is to take the figures that stand there and to operate
them rightly. Every result is computed.
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, lcm
from random import Random

from .exchange import NAMES
from .mathematics import decimal, signed
from .sheets import Lexicon, Part, Sheet

MEASURES = ("pesos", "soles", "km", "m", "cm", "kg", "litros", "horas", "minutos", "días", "puntos", "páginas", "g", "dólares", "años")
THINGS = ("lápices", "manzanas", "panes", "libros", "fichas", "flores", "huevos", "boletos", "canicas", "cuadernos", "naranjas", "tazas",
          "sillas", "hojas", "vasos", "botones", "gallinas", "árboles", "mesas", "pelotas", "estampas", "tornillos")  # fmt: skip
CURRENCIES = ("pesos", "soles", "dólares")
FEMININE = ("manzanas", "fichas", "flores", "canicas", "naranjas", "tazas", "sillas", "hojas", "gallinas", "mesas", "pelotas", "estampas")
"""those of the things of which each one is «cada una»"""
COLOURS = ("rojas", "azules", "verdes", "negras", "blancas", "amarillas", "moradas", "grises", "rosas", "cafés")


def arithmetic_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """Five to fifteen lines, of one kind or of several."""
    few = rng.random() < 0.6
    makers = rng.sample(MAKERS, rng.choice((1, 2, 3))) if few else MAKERS
    sheet = [Part(rng.choice(("", "", "Cuentas\n", "Ejercicios resueltos\n", "Práctica\n", "## Cálculo\n", "Repaso:\n")), False)]
    size = 0
    while size < 260:
        line = rng.choice(makers)(rng)
        size += sum(len(part.text) for part in line) + 1
        sheet += [*line, Part("\n", True)]
        if size > 60 and rng.random() < 0.04:
            break
    return [part for part in sheet if part.text]


def one_kind(maker: Callable[[Random], list[Part]], rng: Random) -> Sheet:
    """Ten lines of one kind, for measuring."""
    return [part for _ in range(10) for part in (*maker(rng), Part("\n", True))]


def number(rng: Random) -> int:
    """Half of them of one figure: longer sums are made of these."""
    return rng.randrange(rng.choice((10, 10, 10, 10, 20, 20, 20, 50, 100, 100, 300)))


def _dot(rng: Random) -> str:
    return rng.choice(("·", "·", "·", "·", "·", "·", "×", "*"))


def _given(text: str, told: str) -> list[Part]:
    return [Part(text, False), Part(told, True)]


def sums(rng: Random) -> list[Part]:
    """a + b or a + b + c."""
    a, b = number(rng), number(rng)
    if rng.random() < 0.15:
        c = rng.randrange(1, 20)
        if rng.random() < 0.5:
            return _given(f"{a} + {b} + {c} = ", f"{a + b} + {c} = {a + b + c}")
        return _given(f"{a} + {b} + {c} = ", f"{a + b + c}")
    return _given(f"{a} + {b} = ", f"{a + b}")


def differences(rng: Random) -> list[Part]:
    """a - b, rarely below zero."""
    a, b = number(rng), number(rng)
    if a < b and rng.random() < 0.85:
        a, b = b, a
    return _given(f"{a} - {b} = ", f"{a - b}")


def products(rng: Random) -> list[Part]:
    """Tables, and two figures by one, directly or by tens and units."""
    dot = _dot(rng)
    a, b = rng.randrange(2, 13), rng.randrange(2, 13)
    draw = rng.random()
    if draw < 0.55:
        return _given(f"{a} {dot} {b} = ", f"{a * b}")
    if draw < 0.65:
        b = rng.choice((10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 1000))
        a, b = rng.choice(((a, b), (b, a)))
        return _given(f"{a} {dot} {b} = ", f"{a * b}")
    a, b = rng.randrange(2, 10), rng.randrange(11, 100)
    tens, units = b // 10 * 10, b % 10
    if draw < 0.85 and units:
        return _given(f"{a} {dot} {b} = ", f"{a} {dot} {tens} + {a} {dot} {units} = {a * tens} + {a * units} = {a * b}")
    a, b = rng.choice(((a, b), (b, a)))
    return _given(f"{a} {dot} {b} = ", f"{a * b}")


def quotients(rng: Random) -> list[Part]:
    """Exact divisions, now and then with remainder."""
    b, q = rng.randrange(2, 13), rng.randrange(1, rng.choice((10, 13, 40)))
    if rng.random() < 0.12:
        r = rng.randrange(b)
        return _given(f"{b * q + r} entre {b}: ", f"{b} {_dot(rng)} {q} = {b * q}, cociente {q}, resto {r}")
    if rng.random() < 0.12:
        b, q = 10 ** rng.randrange(1, 3), rng.randrange(1, 100)
    return _given(f"{b * q}{rng.choice(('/', '/', ' / ', ' ÷ ', ' : '))}{b} = ", f"{q}")


def powers(rng: Random) -> list[Part]:
    """Powers, written out, and exact roots."""
    draw = rng.random()
    if draw < 0.4:
        a = rng.randrange(2, 21)
        return _given(f"{a}^2 = ", rng.choice((f"{a * a}", f"{a} {_dot(rng)} {a} = {a * a}")))
    if draw < 0.7:
        a, n = rng.choice(
            ((2, 3), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8), (3, 3), (3, 4), (4, 3), (5, 3), (10, 3), (10, 2), (6, 3), (1, 5))
        )
        dot = _dot(rng)
        return _given(f"{a}^{n} = ", rng.choice((f"{a**n}", f" {dot} ".join([str(a)] * n) + f" = {a**n}")))
    a = rng.randrange(2, 21)
    return _given(rng.choice((f"√{a * a} = ", f"raíz de {a * a} = ", f"raíz cuadrada de {a * a}: ")), f"{a}")


def phrases(rng: Random) -> list[Part]:
    """The operation in words."""
    a, b = sorted((number(rng), number(rng)))
    small, factor = rng.randrange(2, 30), rng.randrange(2, 11)
    unit = rng.choice(MEASURES)
    dot = _dot(rng)
    question, told = rng.choice(
        (
            (f"{a} más {b}: ", f"{a} + {b} = {a + b}"),
            (f"{b} menos {a}: ", f"{b} - {a} = {b - a}"),
            (f"A {b} le quito {a}: ", f"{b} - {a} = {b - a}"),
            (f"Resta {a} de {b}: ", f"{b} - {a} = {b - a}"),
            (f"De {a} a {b} hay ", f"{b} - {a} = {b - a}"),
            (f"Cuánto le falta a {a} para llegar a {b}: ", f"{b} - {a} = {b - a}"),
            (f"{factor} por {small}: ", f"{factor} {dot} {small} = {factor * small}"),
            (f"{factor} veces {small} {unit}: ", f"{factor} {dot} {small} = {factor * small} {unit}"),
            (f"El doble de {small} es ", f"2 {dot} {small} = {2 * small}"),
            (f"El triple de {small} es ", f"3 {dot} {small} = {3 * small}"),
            (f"La mitad de {2 * small} es ", f"{2 * small}/2 = {small}"),
            (f"La tercera parte de {3 * small} es ", f"{3 * small}/3 = {small}"),
            (f"Reparte {factor * small} entre {factor}: ", f"{factor * small}/{factor} = {small}"),
            (f"{factor * small} {unit} entre {factor}: ", f"{factor * small}/{factor} = {small} {unit}"),
            (f"Cuántas veces cabe {factor} en {factor * small}: ", f"{factor * small}/{factor} = {small}"),
            (f"Separa {b}: ", f"{b} = {b // 10 * 10} + {b % 10}"),
            (f"Suma {a} y {b}: ", f"{a} + {b} = {a + b}"),
            (f"Multiplica {factor} y {small}: ", f"{factor} {dot} {small} = {factor * small}"),
            (f"Divide {factor * small} entre {factor}: ", f"{factor * small}/{factor} = {small}"),
        )
    )
    return _given(question, told)


def stories(rng: Random) -> list[Part]:
    """A story of one line, its operation and its result."""
    who, other = rng.sample(NAMES, 2)
    thing, currency = rng.choice(THINGS), rng.choice(CURRENCIES)
    each = "Cada una" if thing in FEMININE else "Cada uno"
    a, b = number(rng) + 2, number(rng) + 2
    k, m = rng.randrange(2, 13), rng.randrange(2, 13)
    high = max(a, b) + rng.randrange(2, 10)
    low = min(a, b)
    dot = _dot(rng)
    question, told = rng.choice(
        (
            (f"{who} tiene {a} {thing} y {other} le da {b}. ", f"{a} + {b} = {a + b} {thing}"),
            (f"{who} tenía {high} {thing} y usó {low}. ", f"{high} - {low} = {high - low} {thing}"),
            (f"Hay {k} cajas con {m} {thing} cada una. ", f"{k} {dot} {m} = {k * m} {thing}"),
            (f"{who} reparte {k * m} {thing} entre {k} personas. ", f"{k * m}/{k} = {m} {thing}"),
            (f"Cuesta {a} {currency} y subió {b}. ", f"{a} + {b} = {a + b} {currency}"),
            (f"Pago {k} {thing} a {m} pesos. ", f"{k} {dot} {m} = {k * m} pesos"),
            (f"{k} {thing} cuestan {k * m} pesos. {each}: ", f"{k * m}/{k} = {m} pesos"),
            (f"{k} {thing} cuestan {k * m} pesos, ¿y {a}? ", f"{k * m}/{k} = {m}; {a} {dot} {m} = {a * m} pesos"),
            (f"Pago {low} con un billete de {high}. Vuelto: ", f"{high} - {low} = {high - low}"),
            (f"Si {m} cm del mapa son {m * k} km, {b} cm son ", f"{m * k}/{m} = {k}; {b} {dot} {k} = {b * k} km"),
        )
    )
    return _given(question, told)


def percentages(rng: Random) -> list[Part]:
    """p % of n through the tenth part; discounts."""
    p, n = rng.randrange(1, 10) * 10, rng.randrange(1, 50) * 10
    dot = _dot(rng)
    tenth, times = n // 10, p // 10
    part = tenth * times
    draw = rng.random()
    if draw < 0.25:
        return _given(f"10 % de {n}: ", f"{n}/10 = {tenth}")
    if draw < 0.6:
        return _given(f"{p} % de {n}: ", f"{n}/10 = {tenth}; {times} {dot} {tenth} = {part}")
    if draw < 0.7:
        p, part = rng.choice(((50, n // 2), (25, n // 4), (20, n // 5), (100, n)))
        n = part * 100 // p
        return _given(f"{p} % de {n}: ", f"{n}/{100 // p} = {part}" if p < 100 else f"{n}")
    if draw < 0.85:
        return _given(f"{n} con {p} % de descuento: ", f"{n}/10 = {tenth}; {times} {dot} {tenth} = {part}; {n} - {part} = {n - part}")
    return _given(f"{n} más el {p} %: ", f"{n}/10 = {tenth}; {times} {dot} {tenth} = {part}; {n} + {part} = {n + part}")


def fractions(rng: Random) -> list[Part]:
    """Sums with equal and different denominators, products, quotients, lowest terms."""
    draw = rng.random()
    b = rng.randrange(2, 13)
    a, c = rng.randrange(1, b + 1), rng.randrange(1, b + 1)
    if draw < 0.3:
        if rng.random() < 0.35:
            a, c = max(a, c), min(a, c)
            return _given(f"{a}/{b} - {c}/{b} = ", rng.choice((f"{a - c}/{b}", f"({a} - {c})/{b} = {a - c}/{b}")))
        return _given(f"{a}/{b} + {c}/{b} = ", rng.choice((f"{a + c}/{b}", f"({a} + {c})/{b} = {a + c}/{b}")))
    if draw < 0.5:
        p, q, k = rng.randrange(1, 10), rng.randrange(2, 11), rng.randrange(2, 7)
        p, q = p // gcd(p, q), q // gcd(p, q)
        return _given(f"{p * k}/{q * k} = ", rng.choice((f"{Fraction(p, q)}", f"({p * k}/{k})/({q * k}/{k}) = {p}/{q}")))
    d = rng.randrange(2, 9)
    b = rng.randrange(2, 9)
    a, c = rng.randrange(1, b + 1), rng.randrange(1, d + 1)
    if draw < 0.75:
        m = lcm(b, d)
        left, right = a * m // b, c * m // d
        return _given(f"{a}/{b} + {c}/{d} = ", f"{left}/{m} + {right}/{m} = {left + right}/{m}")
    dot = _dot(rng)
    if draw < 0.9:
        raw = f"{a * c}/{b * d}"
        low = str(Fraction(a * c, b * d))
        return _given(f"{a}/{b} {dot} {c}/{d} = ", raw if low == raw else f"{raw} = {low}")
    raw, low = f"{a * d}/{b * c}", str(Fraction(a * d, b * c))
    return _given(f"{a}/{b} entre {c}/{d} = ", f"{a}/{b} {dot} {d}/{c} = {raw}" + ("" if low == raw else f" = {low}"))


def equations(rng: Random) -> list[Part]:
    """x + a = b, ax = b, ax + b = c; inequalities with the same steps."""
    x, a, b = rng.randrange(1, 15), rng.randrange(2, 10), rng.randrange(1, 20)
    letter = rng.choice("xxxxny")
    sign = rng.choice(("=", "=", "=", "=", "<", ">", "<=", ">="))
    arrow = rng.choice((" -> ", "; ", "\n  ", " ⇒ "))
    sort = rng.randrange(5)
    if sort == 0:
        return _given(f"{letter} + {b} {sign} {x + b}{arrow}", f"{letter} {sign} {x + b} - {b}{arrow}{letter} {sign} {x}")
    if sort == 1:
        return _given(f"{letter} - {b} {sign} {x}{arrow}", f"{letter} {sign} {x} + {b}{arrow}{letter} {sign} {x + b}")
    if sort == 2:
        return _given(f"{a}{letter} {sign} {a * x}{arrow}", f"{letter} {sign} {a * x}/{a}{arrow}{letter} {sign} {x}")
    c = a * x + b
    if sort == 3:
        return _given(
            f"{a}{letter} + {b} {sign} {c}{arrow}",
            f"{a}{letter} {sign} {c} - {b} = {a * x}{arrow}{letter} {sign} {a * x}/{a} = {x}" if sign == "=" else
            f"{a}{letter} {sign} {a * x}{arrow}{letter} {sign} {x}",
        )  # fmt: skip
    c = a * x - b
    return _given(f"{a}{letter} - {b} {sign} {c}{arrow}", f"{a}{letter} {sign} {c + b}{arrow}{letter} {sign} {x}")


def polynomials(rng: Random) -> list[Part]:
    """Derivatives, primitives, values, two numbers with sum and product."""
    a, n, x, b = rng.randrange(2, 10), rng.randrange(2, 8), rng.randrange(0, 7), rng.randrange(1, 12)
    dot = _dot(rng)
    sort = rng.randrange(6)
    if sort == 0:
        down = f"^{n - 1}" if n > 2 else ""
        return _given(
            rng.choice((f"derivada de {a}x^{n}: ", f"f(x) = {a}x^{n}, f'(x) = ", f"d/dx {a}x^{n} = ")),
            rng.choice((f"{a * n}x{down}", f"{n} {dot} {a}x^({n} - 1) = {a * n}x{down}")),
        )
    if sort == 1:
        return _given(
            rng.choice((f"primitiva de {a * (n + 1)}x^{n}: ", f"∫ {a * (n + 1)}x^{n} dx = ")),
            rng.choice((f"{a}x^{n + 1} + C", f"{a * (n + 1)}/{n + 1} = {a}, queda {a}x^{n + 1} + C")),
        )
    if sort == 2:
        return _given(f"f(x) = {a}x + {b}, f({x}) = ", f"{a} {dot} {x} + {b} = {a * x} + {b} = {a * x + b}")
    if sort == 3:
        return _given(f"f(x) = x^2 {signed(b - 6)}, f({x}) = ", f"{x}^2 {signed(b - 6)} = {x * x} {signed(b - 6)} = {x * x + b - 6}")
    p, q = rng.randrange(1, 10), rng.randrange(1, 10)
    p, q = sorted((p, q))
    if sort == 4:
        return _given(f"suman {p + q} y multiplican {p * q}: ", f"{p} y {q}, porque {p} + {q} = {p + q} y {p} {dot} {q} = {p * q}")
    minus = rng.random() < 0.6
    text = f"x^2 - {p + q}x + {p * q}" if minus else f"x^2 + {p + q}x + {p * q}"
    sign = "-" if minus else "+"
    roots = f"x = {p} o x = {q}" if minus else f"x = {-q} o x = {-p}"
    return _given(f"{text} = 0: ", f"(x {sign} {p})(x {sign} {q}) = 0, {roots}")


def shapes(rng: Random) -> list[Part]:
    """Perimeters, areas, angles, right triangles."""
    a, b = rng.randrange(2, 20), rng.randrange(2, 20)
    unit = rng.choice(("m", "cm", "km", ""))
    tail = f" {unit}" if unit else ""
    dot = _dot(rng)
    k = rng.randrange(1, 7)
    p, q, r = rng.choice(((3, 4, 5), (5, 12, 13), (8, 15, 17), (6, 8, 10), (9, 12, 15), (7, 24, 25)))
    p, q, r = p * k, q * k, r * k
    angle, second = rng.randrange(20, 90), rng.randrange(20, 90)
    question, told = rng.choice(
        (
            (f"Rectángulo de {a}{tail} por {b}{tail}, perímetro: ", f"{a} + {b} = {a + b}; 2 {dot} {a + b} = {2 * (a + b)}{tail}"),
            (f"Rectángulo de {a} por {b}, área: ", f"{a} {dot} {b} = {a * b}"),
            (f"Cuadrado de lado {a}, área: ", f"{a} {dot} {a} = {a * a}"),
            (f"Cuadrado de lado {a}{tail}, perímetro: ", f"4 {dot} {a} = {4 * a}{tail}"),
            (f"Triángulo de base {2 * a} y altura {b}, área: ", f"{2 * a} {dot} {b} = {2 * a * b}; {2 * a * b}/2 = {a * b}"),
            (f"Catetos {p}{tail} y {q}{tail}, hipotenusa: ", f"{p}^2 + {q}^2 = {p * p} + {q * q} = {r * r}; √{r * r} = {r}{tail}"),
            (f"Hipotenusa {r}{tail}, cateto {p}{tail}, el otro: ", f"{r}^2 - {p}^2 = {r * r} - {p * p} = {q * q}; √{q * q} = {q}{tail}"),
            (f"Ángulos de {angle} y {second} grados, el tercero: ", f"180 - {angle} - {second} = {180 - angle - second}"),
            (f"Opuesto {p}, adyacente {q}, hipotenusa {r}: seno ", f"{p}/{r}, coseno {q}/{r}, tangente {p}/{q}"),
        )
    )
    return _given(question, told)


def data(rng: Random) -> list[Part]:
    """Means, medians, chances."""
    sort = rng.randrange(4)
    if sort == 0:
        n = rng.choice((2, 3, 3, 4, 5))
        values = [rng.randrange(1, 15) for _ in range(n)]
        values[-1] += -sum(values) % n
        total = sum(values)
        shown = ", ".join(map(str, values))
        return _given(f"media de {shown}: ", f"{' + '.join(map(str, values))} = {total}; {total}/{n} = {total // n}")
    if sort == 1:
        values = [rng.randrange(1, 40) for _ in range(rng.choice((3, 5)))]
        ordered = sorted(values)
        shown = ", ".join(map(str, values))
        return _given(f"mediana de {shown}: ", f"{', '.join(map(str, ordered))}; {ordered[len(ordered) // 2]}")
    first, second = rng.sample(COLOURS, 2)
    a, b = rng.randrange(1, 13), rng.randrange(1, 13)
    wanted, chosen = rng.choice(((first, a), (second, b)))
    if sort == 2:
        return _given(f"{a} {first} y {b} {second}, P({wanted}): ", f"{a} + {b} = {a + b}; {chosen}/{a + b}")
    k = rng.randrange(1, 10)
    return _given(f"P = {k}/{k + a}, lo contrario: ", f"1 - {k}/{k + a} = {a}/{k + a}")


def decimals(rng: Random) -> list[Part]:
    """Fractions as decimals, sums of decimals."""
    d = rng.choice((2, 4, 5, 10, 20))
    a = rng.randrange(1, d)
    if rng.random() < 0.5:
        return _given(f"{a}/{d} = ", decimal(Fraction(a, d)))
    p, q = rng.randrange(1, 100), rng.randrange(1, 100)
    return _given(f"{p / 10:g} + {q / 10:g} = ", f"{(p + q) / 10:g}")


def checks(rng: Random) -> list[Part]:
    """Is it so?"""
    a, b = rng.randrange(2, 40), rng.randrange(2, 13)
    text, value = rng.choice(((f"{a} + {b}", a + b), (f"{a} {_dot(rng)} {b}", a * b), (f"{a + b} - {b}", a)))
    said = value if rng.random() < 0.5 else value + rng.choice((-10, -2, -1, 1, 2, 10))
    return _given(f"¿{text} = {said}? ", f"Sí, {text} = {value}" if said == value else f"No, {text} = {value}")


LINES: tuple[tuple[Callable[[Random], list[Part]], int], ...] = (
    (sums, 4),
    (differences, 4),
    (products, 3),
    (quotients, 3),
    (powers, 1),
    (phrases, 3),
    (stories, 2),
    (percentages, 2),
    (fractions, 4),
    (equations, 3),
    (polynomials, 3),
    (shapes, 1),
    (data, 2),
    (decimals, 1),
    (checks, 1),
)
"""kinds of line and how often they come"""
MAKERS = tuple(maker for maker, times in LINES for _ in range(times))
