"""Arithmetic, algebra and word problems solved in numbered steps; every figure is computed.

Knows numbers and many wordings of the same few ideas. Deliberately keeps the figures small: what is to be learnt is to take the
numbers of the question, to choose the operation and to write one step after another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from random import Random

from .exchange import NAMES, Exchange, ask, listed
from .mathematics import decimal, par, signed


@dataclass(frozen=True)
class Solved:
    """A problem with its solution, before it is put into words."""

    questions: tuple[str, ...]
    """interchangeable wordings"""
    steps: tuple[str, ...]
    """sentences without full stop"""
    result: str
    """a sentence without full stop"""
    check: str = ""
    """an optional verification, without full stop"""


def steps_exchange(rng: Random) -> list[Exchange]:
    """One problem in one of the ways to write a solution, now and then followed by a second of the same kind."""
    maker = rng.choice(MAKERS)
    exchanges = [_exchange(rng, maker(rng))]
    if rng.random() < 0.15:
        exchanges.append(_exchange(rng, maker(rng), rng.choice(("¿Y esto? ", "Otro: ", "Ahora este: ", "Y también: "))))
    return exchanges


def drill(rng: Random) -> list[Exchange]:
    """Several short sums in one turn: the densest way to learn the tables."""
    sums = [_short_sum(rng) for _ in range(rng.randrange(3, 9))]
    question = rng.choice(("Calcula: ", "Resuelve: ", "¿Cuánto es ", "Haz estas cuentas: "))
    closing = "?" if question.startswith("¿") else "."
    joiner = rng.choice((", ", "; "))
    return [Exchange(f"{question}{joiner.join(s for s, _ in sums)}{closing}", rng.choice(("\n", ", ")).join(f"{s} = {v}" for s, v in sums))]


def _short_sum(rng: Random) -> tuple[str, int]:
    sort = rng.randrange(6)
    if sort == 0:
        a, b = rng.randrange(1, 20), rng.randrange(1, 20)
        return f"{a} + {b}", a + b
    if sort == 1:
        a, b = rng.randrange(10, 100), rng.randrange(1, 60)
        return f"{a} + {b}", a + b
    if sort == 2:
        a, b = rng.randrange(1, 100), rng.randrange(1, 60)
        return f"{max(a, b)} - {min(a, b)}", max(a, b) - min(a, b)
    if sort == 5:
        a, b = rng.randrange(2, 13), rng.randrange(2, 13)
        return rng.choice(((f"{a * b} / {b}", a), (f"{a * b} ÷ {b}", a)))
    a, b = rng.randrange(2, 13), rng.randrange(2, 13)
    return f"{a} {rng.choice('··×*')} {b}", a * b


def _exchange(rng: Random, solved: Solved, lead: str = "") -> Exchange:
    question = rng.choice(solved.questions)
    draw = rng.random()
    if draw < 0.08:  # only the result is wanted
        asked = rng.choice(("Solo el resultado: ", "Dime solo la respuesta: ", "Sin explicación: ", "Responde corto: "))
        return Exchange(asked + question, f"{_capital(solved.result)}.")
    question = lead + question if lead else ask(rng, question)
    steps = list(solved.steps)
    if draw < 0.65:
        lines = [f"Paso {k}: {_capital(s)}." for k, s in enumerate(steps, 1)]
        end = rng.choice(("Respuesta: ", "Resultado: ", ""))
        lines.append(f"{end}{solved.result if end else _capital(solved.result)}.")
        if solved.check and rng.random() < 0.6:
            lines.append(f"Comprobación: {solved.check}.")
        return Exchange(question, "\n".join(lines))
    if draw < 0.8:
        lines = [f"{k}. {_capital(s)}." for k, s in enumerate(steps, 1)]
        return Exchange(question, "\n".join([*lines, f"{_capital(solved.result)}."]))
    text = " ".join(f"{_capital(s)}." for s in (*steps, solved.result))
    if solved.check and rng.random() < 0.4:
        text += f" Se comprueba: {solved.check}."
    return Exchange(question, text)


def add_or_take(rng: Random) -> Solved:
    """One sum or one subtraction in a story."""
    who, other = rng.sample(NAMES, 2)
    thing = rng.choice(MANY)
    a, b = rng.randrange(12, 90), rng.randrange(2, 60)
    if rng.random() < 0.5:
        return Solved(
            (
                f"{who} tiene {a} {thing} y compra {b} más. ¿Cuánto tiene en total?",
                f"{who} juntó {a} {thing} y {other} juntó {b}. ¿Cuánto juntaron entre los dos?",
                f"En una caja hay {a} {thing} y en otra hay {b}. ¿Cuánto hay en total?",
                f"Ayer conté {a} {thing} y hoy conté {b}. ¿Cuánto conté en los dos días?",
                f"{who} lleva {a} {thing} y encuentra {b}. ¿Con cuánto termina?",
                f"si tengo {a} {thing} y me regalan {b} cuántos tengo",
            ),
            (f"los datos son {a} y {b}", f"hay que sumar: {a} + {b} = {a + b}"),
            f"son {a + b} {thing}",
            f"{a + b} - {b} = {a}",
        )
    a = max(a, b) + rng.randrange(1, 9)
    return Solved(
        (
            f"{who} tenía {a} {thing} y perdió {b}. ¿Cuánto le queda?",
            f"De {a} {thing} se vendieron {b}. ¿Cuánto queda?",
            f"{who} tiene {a} {thing} y le da {b} a {other}. ¿Con cuánto se queda?",
            f"Había {a} {thing} y gastamos {b}. ¿Cuánto sobra?",
            f"{who} necesita {a} {thing} y ya tiene {b}. ¿Cuánto le falta?",
            f"{who} tiene {a} {thing} y {other} tiene {b}. ¿Cuánto más tiene {who}?",
            f"tenia {a} {thing} y use {b} cuantos quedan",
        ),
        (f"los datos son {a} y {b}", f"hay que restar: {a} - {b} = {a - b}"),
        f"son {a - b} {thing}",
        f"{a - b} + {b} = {a}",
    )


def groups(rng: Random) -> Solved:
    """Equal groups: multiply or share out."""
    who = rng.choice(NAMES)
    thing = rng.choice(MANY)
    a, b = rng.randrange(2, 13), rng.randrange(2, 13)
    dot = rng.choice(("·", "×"))
    if rng.random() < 0.5:
        return Solved(
            (
                f"{who} tiene {a} grupos de {b} {thing}. ¿Cuánto tiene en total?",
                f"Hay {a} cajas con {b} {thing} en cada caja. ¿Cuánto hay en total?",
                f"Si cada niño recibe {b} {thing} y hay {a} niños, ¿cuánto se necesita?",
                f"{who} compra {a} bolsas de {b} {thing}. ¿Cuánto compra?",
                f"Se ordenan {a} filas de {b} {thing}. ¿Cuánto hay?",
                f"{a} amigos traen {b} {thing} cada uno. ¿Cuánto juntan?",
            ),
            (f"son {a} grupos de {b}", f"multiplicamos: {a} {dot} {b} = {a * b}"),
            f"son {a * b} {thing}",
            f"{a * b} / {a} = {b}",
        )
    return Solved(
        (
            f"Se reparten {a * b} {thing} entre {a} personas por igual. ¿Cuánto recibe cada una?",
            f"{who} guarda {a * b} {thing} en {a} cajas iguales. ¿Cuánto va en cada caja?",
            f"Tengo {a * b} {thing} para {a} equipos. ¿Cuánto le toca a cada equipo?",
            f"Si {a} paquetes iguales traen {a * b} {thing}, ¿cuánto trae cada paquete?",
        ),
        (f"repartimos {a * b} entre {a}", f"dividimos: {a * b} / {a} = {b}"),
        f"son {b} {thing} para cada grupo",
        f"{a} {dot} {b} = {a * b}",
    )


def shopping(rng: Random) -> Solved:
    """Price times amount, then a total, a change or a saving."""
    who = rng.choice(NAMES)
    good, other = rng.sample(GOODS, 2)
    n, p, m, q = rng.randrange(2, 10), rng.randrange(2, 13), rng.randrange(2, 7), rng.randrange(2, 13)
    first, second = n * p, m * q
    total = first + second
    dot = rng.choice(("·", "×"))
    if rng.random() < 0.5:
        return Solved(
            (
                f"{who} compra {n} {good} a {p} pesos cada uno y {m} {other} a {q} pesos cada uno. ¿Cuánto gasta?",
                f"Cada uno de los {good} vale {p} pesos y cada uno de los {other} vale {q}. ¿Cuánto cuestan {n} {good} y {m} {other}?",
                f"Compré {n} {good} de {p} pesos y {m} {other} de {q} pesos, ¿cuánto pagué en total?",
            ),
            (
                f"los {good} cuestan {n} {dot} {p} = {first}",
                f"los {other} cuestan {m} {dot} {q} = {second}",
                f"sumamos: {first} + {second} = {total}",
            ),
            f"el total es {total} pesos",
        )
    paid = (first // 10 + 1 + rng.randrange(4)) * 10
    return Solved(
        (
            f"{who} compra {n} {good} a {p} pesos y paga con {paid} pesos. ¿Cuánto le devuelven?",
            f"Pago con {paid} pesos {n} {good} de {p} pesos cada uno. ¿Cuánto es el vuelto?",
            f"¿Cuánto le sobra a {who} si tiene {paid} pesos y compra {n} {good} a {p} pesos cada uno?",
        ),
        (f"el gasto es {n} {dot} {p} = {first}", f"restamos: {paid} - {first} = {paid - first}"),
        f"sobran {paid - first} pesos",
        f"{first} + {paid - first} = {paid}",
    )


def rate(rng: Random) -> Solved:
    """So much an hour, a day, a litre; the rule of three."""
    who = rng.choice(NAMES)
    per, n, m = rng.randrange(2, 13), rng.randrange(2, 10), rng.randrange(2, 10)
    sort = rng.randrange(3)
    dot = rng.choice(("·", "×"))
    if sort == 0:
        return Solved(
            (
                f"{who} gana {per} pesos por hora. ¿Cuánto gana en {n} horas?",
                f"Una llave llena {per} litros por minuto. ¿Cuántos litros llena en {n} minutos?",
                f"{who} lee {per} páginas por día. ¿Cuántas lee en {n} días?",
                f"Un auto gasta {per} litros por viaje. ¿Cuánto gasta en {n} viajes?",
            ),
            (f"en 1 son {per}", f"en {n} son {n} {dot} {per} = {n * per}"),
            f"son {n * per}",
        )
    if sort == 1:
        return Solved(
            (
                f"{who} ahorra {per} pesos por semana. ¿En cuántas semanas junta {n * per} pesos?",
                f"Una máquina hace {per} piezas por hora. ¿Cuántas horas tarda en hacer {n * per} piezas?",
                f"{who} camina {per} km por hora. ¿En cuántas horas recorre {n * per} km?",
            ),
            (f"cada vez son {per} y hacen falta {n * per}", f"dividimos: {n * per} / {per} = {n}"),
            f"son {n}",
            f"{n} {dot} {per} = {n * per}",
        )
    return Solved(
        (
            f"Si {n} {rng.choice(GOODS)} cuestan {n * per} pesos, ¿cuánto cuestan {m}?",
            f"{n} obreros hacen {n * per} metros. Al mismo ritmo, ¿cuántos metros hacen {m} obreros?",
            f"Con {n * per} gramos salen {n} panes. ¿Cuántos gramos necesito para {m} panes?",
            f"Una receta para {n} personas lleva {n * per} gramos. ¿Cuánto lleva para {m} personas?",
        ),
        (f"para 1 son {n * per} / {n} = {per}", f"para {m} son {m} {dot} {per} = {m * per}"),
        f"son {m * per}",
    )


def two_step(rng: Random) -> Solved:
    """Ages, twice as many, so many more, and what both have."""
    who, other = rng.sample(NAMES, 2)
    a, b = rng.randrange(3, 30), rng.randrange(2, 15)
    k = rng.randrange(2, 5)
    word = {2: "el doble", 3: "el triple", 4: "cuatro veces"}[k]
    sort = rng.randrange(3)
    if sort == 0:
        return Solved(
            (
                f"{who} tiene {a} años y {other} tiene {word}. ¿Cuánto suman sus edades?",
                f"{other} tiene {word} de la edad de {who}, que tiene {a}. ¿Cuántos años tienen juntos?",
            ),
            (f"{other} tiene {k} · {a} = {k * a} años", f"sumamos: {a} + {k * a} = {a + k * a}"),
            f"juntos tienen {a + k * a} años",
        )
    if sort == 1:
        return Solved(
            (
                f"{who} tiene {a} pesos y {other} tiene {b} pesos más. ¿Cuánto tienen entre los dos?",
                f"{other} tiene {b} pesos más que {who}, que tiene {a}. ¿Cuánto juntan?",
            ),
            (f"{other} tiene {a} + {b} = {a + b}", f"juntos: {a} + {a + b} = {2 * a + b}"),
            f"tienen {2 * a + b} pesos",
        )
    c = rng.randrange(2, 10)
    return Solved(
        (
            f"{who} pensó un número, lo multiplicó por {c} y le sumó {b}. Obtuvo {a * c + b}. ¿Qué número pensó?",
            f"Un número por {c}, más {b}, da {a * c + b}. ¿Cuál es?",
        ),
        (f"planteamos {c}x + {b} = {a * c + b}", f"restamos {b}: {c}x = {a * c}", f"dividimos entre {c}: x = {a}"),
        f"el número es {a}",
        f"{c} · {a} + {b} = {a * c + b}",
    )


def equation(rng: Random) -> Solved:
    """ax + b = c, ax + b = cx + d, a(x + b) = c, x/a + b = c."""
    x, a, b = rng.randrange(1, 13) * rng.choice((1, 1, 1, -1)), rng.randrange(2, 10), rng.randrange(1, 13) * rng.choice((1, 1, -1))
    letter = rng.choice("xxxxxyzn")
    verb = "restamos" if b > 0 else "sumamos"
    sort = rng.randrange(4)
    if sort == 0:
        c = a * x + b
        text, steps = (
            f"{a}{letter} {signed(b)} = {c}",
            (f"{verb} {abs(b)} en los dos lados: {a}{letter} = {c - b}", f"dividimos entre {a}: {letter} = {x}"),
        )
        check = f"{a} · {par(x)} {signed(b)} = {c}"
    elif sort == 1:
        k = rng.randrange(1, a)
        d = a * x + b - k * x
        right = f"{k if k > 1 else ''}{letter}" + (f" {signed(d)}" if d else "")
        left = f"{a - k if a - k > 1 else ''}{letter}"
        text = f"{a}{letter} {signed(b)} = {right}"
        steps = (f"restamos {k if k > 1 else ''}{letter} en los dos lados: {left} {signed(b)} = {d}", f"{verb} {abs(b)}: {left} = {d - b}")
        steps += (f"dividimos entre {a - k}: {letter} = {x}",) if a - k > 1 else ()
        check = f"{a} · {par(x)} {signed(b)} = {a * x + b}"
    elif sort == 2:
        c = a * (x + b)
        text = f"{a}({letter} {signed(b)}) = {c}"
        steps = (
            f"quitamos el paréntesis: {a}{letter} {signed(a * b)} = {c}",
            f"{verb} {abs(a * b)}: {a}{letter} = {c - a * b}",
            f"dividimos entre {a}: {letter} = {x}",
        )
        check = f"{a} · ({x} {signed(b)}) = {a} · {par(x + b)} = {c}"
    else:
        c = x + b
        text = f"{letter}/{a} {signed(b)} = {c}"
        steps = (f"{verb} {abs(b)}: {letter}/{a} = {c - b}", f"multiplicamos por {a}: {letter} = {a * x}")
        x = a * x
        check = f"{par(x)} / {a} {signed(b)} = {c}"
    return Solved(
        (
            f"Resuelve {text}.",
            f"Resuelve la ecuación {text}.",
            f"¿Cuánto vale {letter} si {text}?",
            f"Halla {letter}: {text}",
            f"Despeja {letter} en {text}.",
            f"como se resuelve {text}",
            f"{text}",
            f"No entiendo cómo resolver {text}.",
        ),
        steps,
        f"{letter} = {x}",
        check,
    )


def percent(rng: Random) -> Solved:
    """A percentage of a number, a part as a percentage, a rise or a discount."""
    p, n = rng.choice((5, 10, 20, 25, 30, 40, 50, 60, 75, 80, 90)), rng.randrange(1, 20) * 20
    value = p * n // 100
    who = rng.choice(NAMES)
    sort = rng.randrange(4)
    if sort == 0:
        return Solved(
            (
                f"¿Cuánto es el {p} % de {n}?",
                f"Calcula el {p}% de {n}.",
                f"En una escuela de {n} personas, el {p} % usa lentes. ¿Cuántas son?",
                f"{who} gastó el {p} % de {n} pesos. ¿Cuánto gastó?",
            ),
            (f"el {p} % es {p}/100", f"multiplicamos: {n} · {p} = {n * p}", f"dividimos entre 100: {n * p} / 100 = {value}"),
            f"el {p} % de {n} es {value}",
        )
    if sort == 1:
        return Solved(
            (
                f"¿Qué porcentaje es {value} de {n}?",
                f"{who} acertó {value} de {n} tiros. ¿Qué porcentaje acertó?",
                f"De {n} alumnos aprobaron {value}. ¿Qué porcentaje aprobó?",
            ),
            (
                f"escribimos la parte sobre el total: {value}/{n}",
                f"dividimos: {value} / {n} = {decimal(Fraction(value, n))}",
                f"multiplicamos por 100: {decimal(Fraction(value, n))} · 100 = {p}",
            ),
            f"es el {p} %",
        )
    if sort == 2:
        return Solved(
            (
                f"Algo cuesta {n} pesos y baja un {p} %. ¿Cuánto cuesta ahora?",
                f"¿Cuál es el precio final de {n} pesos con {p}% de descuento?",
            ),
            (f"el descuento es {n} · {p} / 100 = {value}", f"restamos: {n} - {value} = {n - value}"),
            f"el precio final es {n - value} pesos",
        )
    return Solved(
        (f"Un precio de {n} sube un {p} %. ¿Cuál es el precio nuevo?", f"{who} gana {n} y le aumentan el {p} %. ¿Cuánto gana ahora?"),
        (f"el aumento es {n} · {p} / 100 = {value}", f"sumamos: {n} + {value} = {n + value}"),
        f"el valor nuevo es {n + value}",
    )


def fraction(rng: Random) -> Solved:
    """Sum, difference, product, quotient, comparison or part of a whole, with small denominators."""
    b, d = rng.randrange(2, 10), rng.randrange(2, 10)
    a, c = rng.randrange(1, b + 1), rng.randrange(1, d + 1)
    sort = rng.randrange(6)
    if sort <= 1:
        if sort == 1 and Fraction(a, b) < Fraction(c, d):
            a, b, c, d = c, d, a, b
        sign = "+-"[sort]
        common = lcm(b, d)
        left, right = a * common // b, c * common // d
        top = left + right if sort == 0 else left - right
        steps = [
            f"el denominador común de {b} y {d} es {common}",
            f"convertimos: {a}/{b} = {left}/{common} y {c}/{d} = {right}/{common}",
            f"operamos arriba: {left} {sign} {right} = {top}, queda {top}/{common}",
        ]
        shown = _lowest(steps, top, common)
        verb = "Suma" if sort == 0 else "Resta"
        return Solved(
            (
                f"¿Cuánto es {a}/{b} {sign} {c}/{d}?",
                f"Calcula {a}/{b} {sign} {c}/{d}.",
                f"{a}/{b} {sign} {c}/{d}",
                f"{verb}: {a}/{b} {sign} {c}/{d}",
                f"ayudame con {a}/{b} {sign} {c}/{d}",
            ),
            tuple(steps),
            f"{a}/{b} {sign} {c}/{d} = {shown}",
        )
    if sort == 2:
        steps = [f"multiplicamos arriba: {a} · {c} = {a * c}", f"multiplicamos abajo: {b} · {d} = {b * d}, queda {a * c}/{b * d}"]
        return Solved(
            (f"¿Cuánto es {a}/{b} por {c}/{d}?", f"Multiplica {a}/{b} · {c}/{d}.", f"{a}/{b} × {c}/{d}"),
            tuple(steps),
            f"el producto es {_lowest(steps, a * c, b * d)}",
        )
    if sort == 3:
        steps = [f"invertimos la segunda: {d}/{c}", f"multiplicamos: {a} · {d} = {a * d} y {b} · {c} = {b * c}, queda {a * d}/{b * c}"]
        return Solved(
            (f"¿Cuánto es {a}/{b} entre {c}/{d}?", f"Divide {a}/{b} ÷ {c}/{d}."),
            tuple(steps),
            f"el cociente es {_lowest(steps, a * d, b * c)}",
        )
    if sort == 4 and Fraction(a, b) != Fraction(c, d):
        big = f"{a}/{b}" if Fraction(a, b) > Fraction(c, d) else f"{c}/{d}"
        sign = ">" if Fraction(a, b) > Fraction(c, d) else "<"
        return Solved(
            (f"¿Qué es más, {a}/{b} o {c}/{d}?", f"Compara {a}/{b} con {c}/{d}.", f"cual fraccion es mas grande {a}/{b} o {c}/{d}"),
            (f"multiplicamos en cruz: {a} · {d} = {a * d} y {c} · {b} = {c * b}", f"comparamos: {a * d} {sign} {c * b}"),
            f"la mayor es {big}",
        )
    k = rng.randrange(2, 11)
    a = min(a, b)
    return Solved(
        (
            f"¿Cuánto es {a}/{b} de {b * k}?",
            f"Calcula {a}/{b} de {b * k}.",
            f"{rng.choice(NAMES)} usó {a}/{b} de {b * k} hojas. ¿Cuántas usó?",
        ),
        (f"dividimos: {b * k} / {b} = {k}", f"multiplicamos: {k} · {a} = {k * a}"),
        f"{a}/{b} de {b * k} es {k * a}",
    )


def average(rng: Random) -> Solved:
    """The mean of three to five numbers."""
    n = rng.choice((3, 4, 5))
    numbers = [rng.randrange(2, 20) for _ in range(n)]
    numbers[-1] += -sum(numbers) % n
    total = sum(numbers)
    return Solved(
        (
            f"¿Cuál es el promedio de {listed(numbers)}?",
            f"Mis notas son {listed(numbers)}. ¿Qué promedio tengo?",
            f"Calcula la media de {', '.join(map(str, numbers))}.",
            f"{rng.choice(NAMES)} corrió {listed(numbers)} km. ¿Cuál fue su promedio?",
        ),
        (f"sumamos: {' + '.join(map(str, numbers))} = {total}", f"son {n} datos", f"dividimos: {total} / {n} = {total // n}"),
        f"el promedio es {total // n}",
    )


def shape(rng: Random) -> Solved:
    """Perimeter, area, volume."""
    a, b, c = rng.randrange(2, 15), rng.randrange(2, 15), rng.randrange(2, 8)
    return rng.choice(
        (
            Solved(
                (
                    f"¿Cuál es el área de un rectángulo de {a} por {b}?",
                    f"Un jardín mide {a} m de largo y {b} m de ancho. ¿Cuál es su área?",
                ),
                ("área = largo · ancho", f"{a} · {b} = {a * b}"),
                f"el área es {a * b}",
            ),
            Solved(
                (f"¿Cuál es el perímetro de un rectángulo de {a} por {b}?", f"Una cancha mide {a} m por {b} m. ¿Cuánto mide su borde?"),
                (f"sumamos largo y ancho: {a} + {b} = {a + b}", f"multiplicamos por 2: 2 · {a + b} = {2 * (a + b)}"),
                f"el perímetro es {2 * (a + b)}",
            ),
            Solved(
                (
                    f"¿Cuál es el área de un triángulo de base {2 * a} y altura {b}?",
                    f"Un triángulo tiene base {2 * a} y altura {b}. Halla su área.",
                ),
                (f"multiplicamos: {2 * a} · {b} = {2 * a * b}", f"dividimos entre 2: {2 * a * b} / 2 = {a * b}"),
                f"el área es {a * b}",
            ),
            Solved(
                (f"¿Cuál es el volumen de una caja de {a} por {b} por {c}?", f"Una caja mide {a} cm, {b} cm y {c} cm. ¿Qué volumen tiene?"),
                (f"{a} · {b} = {a * b}", f"{a * b} · {c} = {a * b * c}"),
                f"el volumen es {a * b * c}",
            ),
            Solved(
                (
                    f"¿Cuánto mide el lado de un cuadrado de perímetro {4 * a}?",
                    f"Un cuadrado tiene perímetro {4 * a}. ¿Cuánto mide cada lado?",
                ),
                ("los cuatro lados son iguales", f"{4 * a} / 4 = {a}"),
                f"el lado mide {a}",
            ),
            Solved(
                (f"¿Cuánto mide el lado de un cuadrado de área {a * a}?", f"El área de un cuadrado es {a * a}. ¿Cuánto mide su lado?"),
                ("buscamos el número que multiplicado por sí mismo da el área", f"{a} · {a} = {a * a}"),
                f"el lado mide {a}",
            ),
        )
    )


def algebra(rng: Random) -> Solved:
    """Collect terms, expand, factorise, evaluate."""
    a, b, c, d, x = rng.randrange(2, 10), rng.randrange(1, 10), rng.randrange(2, 10), rng.randrange(1, 10), rng.randrange(0, 7)
    g = gcd(a, c)
    return rng.choice(
        (
            Solved(
                (
                    f"Reduce {a}x + {b} + {c}x + {d}.",
                    f"Simplifica {a}x + {b} + {c}x + {d}.",
                    f"Suma los términos semejantes: {a}x + {b} + {c}x + {d}",
                ),
                (f"con x: {a}x + {c}x = {a + c}x", f"sin x: {b} + {d} = {b + d}"),
                f"queda {a + c}x + {b + d}",
            ),
            Solved(
                (f"Desarrolla {a}(x + {b}).", f"Quita el paréntesis: {a}(x + {b})", f"¿Cuánto es {a}(x + {b})?"),
                (f"{a} · x = {a}x", f"{a} · {b} = {a * b}"),
                f"queda {a}x + {a * b}",
            ),
            Solved(
                (f"Multiplica (x + {b})(x + {d}).", f"Desarrolla (x + {b})(x + {d})."),
                ("x · x = x^2", f"los términos con x: {b}x + {d}x = {b + d}x", f"{b} · {d} = {b * d}"),
                f"queda x^2 + {b + d}x + {b * d}",
            ),
            Solved(
                (f"Si f(x) = {a}x + {b}, ¿cuánto vale f({x})?", f"Evalúa f(x) = {a}x + {b} en x = {x}."),
                (f"cambiamos x por {x}: {a} · {x} + {b}", f"{a} · {x} = {a * x}", f"{a * x} + {b} = {a * x + b}"),
                f"f({x}) = {a * x + b}",
            ),
            Solved(
                (f"Si f(x) = x^2 + {b}x, ¿cuánto vale f({x})?", f"Calcula f({x}) para f(x) = x^2 + {b}x."),
                (f"{x}^2 = {x * x}", f"{b} · {x} = {b * x}", f"{x * x} + {b * x} = {x * x + b * x}"),
                f"f({x}) = {x * x + b * x}",
            ),
            Solved(
                (f"Saca factor común en {a}x + {c}y.", f"Factoriza {a}x + {c}y."),
                (f"el máximo común divisor de {a} y {c} es {g}", f"{a} / {g} = {a // g} y {c} / {g} = {c // g}"),
                f"queda {g if g > 1 else ''}({a // g if a // g > 1 else ''}x + {c // g if c // g > 1 else ''}y)"
                if g > 1
                else "no hay factor común mayor que 1",
            ),
        )
    )


def order(rng: Random) -> Solved:
    """Which operation goes first."""
    a, b, c = rng.randrange(1, 20), rng.randrange(2, 10), rng.randrange(2, 10)
    return rng.choice(
        (
            Solved(
                (f"¿Cuánto es {a} + {b} · {c}?", f"Calcula {a} + {b} · {c}."),
                (f"primero la multiplicación: {b} · {c} = {b * c}", f"luego la suma: {a} + {b * c} = {a + b * c}"),
                f"el resultado es {a + b * c}",
            ),
            Solved(
                (f"¿Cuánto es ({a} + {b}) · {c}?", f"Calcula ({a} + {b}) · {c}."),
                (f"primero el paréntesis: {a} + {b} = {a + b}", f"luego: {a + b} · {c} = {(a + b) * c}"),
                f"el resultado es {(a + b) * c}",
            ),
            Solved(
                (f"¿Cuánto es {b * c + a} - {b} · {c}?", f"{b * c + a} - {b} · {c}"),
                (f"primero la multiplicación: {b} · {c} = {b * c}", f"luego la resta: {b * c + a} - {b * c} = {a}"),
                f"el resultado es {a}",
            ),
            Solved(
                (f"¿Cuánto es {b}^2 + {a}?", f"Calcula {b}^2 + {a}."),
                (f"primero la potencia: {b}^2 = {b} · {b} = {b * b}", f"luego la suma: {b * b} + {a} = {b * b + a}"),
                f"el resultado es {b * b + a}",
            ),
            Solved(
                (f"Calcula {b * c} / {b} + {a}.", f"¿Cuánto es {b * c} / {b} + {a}?"),
                (f"primero la división: {b * c} / {b} = {c}", f"luego la suma: {c} + {a} = {c + a}"),
                f"el resultado es {c + a}",
            ),
        )
    )


def sequence_or_chance(rng: Random) -> Solved:
    """Next term, probability of a draw, units."""
    a, k = rng.randrange(1, 20), rng.randrange(2, 10)
    red, blue = rng.randrange(1, 9), rng.randrange(1, 9)
    terms = [a + k * i for i in range(4)]
    return rng.choice(
        (
            Solved(
                (f"¿Qué número sigue en {', '.join(map(str, terms))}?", f"Sigue la serie: {', '.join(map(str, terms))}"),
                (f"la diferencia es {terms[1]} - {terms[0]} = {k}", f"sumamos: {terms[3]} + {k} = {terms[3] + k}"),
                f"sigue {terms[3] + k}",
            ),
            Solved(
                (
                    f"Una bolsa tiene {red} fichas rojas y {blue} azules. ¿Qué probabilidad hay de sacar una azul?",
                    f"Hay {red} fichas rojas y {blue} azules; saco una sin mirar. ¿Probabilidad de azul?",
                ),
                (f"en total hay {red} + {blue} = {red + blue}", f"las azules son {blue}"),
                f"la probabilidad es {blue}/{red + blue}",
            ),
            Solved(
                (f"¿Cuántos minutos son {k} horas y {a} minutos?", f"Pasa {k} h {a} min a minutos."),
                (f"{k} · 60 = {k * 60}", f"{k * 60} + {a} = {k * 60 + a}"),
                f"son {k * 60 + a} minutos",
            ),
            Solved(
                (f"¿Cuántos centímetros son {k} metros y {a} centímetros?",),
                (f"{k} · 100 = {k * 100}", f"{k * 100} + {a} = {k * 100 + a}"),
                f"son {k * 100 + a} cm",
            ),
        )
    )


def column_sum(rng: Random) -> Solved:
    """Two numbers of two digits, tens and units apart."""
    a, b = rng.randrange(11, 100), rng.randrange(11, 100)
    tens, units = a // 10 * 10 + b // 10 * 10, a % 10 + b % 10
    return Solved(
        (f"¿Cuánto es {a} + {b}?", f"Suma {a} y {b}.", f"{a} + {b}", f"Calcula {a} + {b} por partes.", f"¿Cómo sumo {a} y {b}?"),
        (
            f"decenas: {a // 10 * 10} + {b // 10 * 10} = {tens}",
            f"unidades: {a % 10} + {b % 10} = {units}",
            f"juntas: {tens} + {units} = {a + b}",
        ),
        f"{a} + {b} = {a + b}",
    )


def table_product(rng: Random) -> Solved:
    """A number of two digits by one digit."""
    a, b = rng.randrange(11, 100), rng.randrange(2, 10)
    tens, units = a // 10 * 10, a % 10
    return Solved(
        (
            f"¿Cuánto es {a} · {b}?",
            f"Multiplica {a} por {b}.",
            f"{a} × {b}",
            f"Calcula {a} · {b} por partes.",
            f"¿Cómo multiplico {a} por {b}?",
        ),
        (f"{tens} · {b} = {tens * b}", f"{units} · {b} = {units * b}", f"{tens * b} + {units * b} = {a * b}"),
        f"{a} · {b} = {a * b}",
    )


def _lowest(steps: list[str], top: int, bottom: int) -> str:
    """The fraction in lowest terms; adds the step that shows it when there is one."""
    g = gcd(top, bottom)
    value = Fraction(top, bottom)
    if g > 1:
        steps.append(f"simplificamos entre {g}: {top}/{bottom} = {value}")
    return str(value)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:] if len(text) > 1 and text[1] not in "=/ (^" else text


MANY = (
    "manzanas",
    "lápices",
    "cuadernos",
    "canicas",
    "galletas",
    "naranjas",
    "libros",
    "globos",
    "boletos",
    "flores",
    "panes",
    "tarjetas",
    "botones",
    "dulces",
    "hojas",
    "huevos",
    "monedas",
    "sillas",
    "tazas",
    "fotos",
    "sellos",
    "piedras",
    "velas",
    "cintas",
)
GOODS = (
    "lápices",
    "cuadernos",
    "panes",
    "jugos",
    "libros",
    "globos",
    "vasos",
    "platos",
    "lentes",
    "relojes",
    "boletos",
    "helados",
    "sobres",
    "clavos",
)
MAKERS: tuple[Callable[[Random], Solved], ...] = (
    add_or_take,
    add_or_take,
    groups,
    groups,
    shopping,
    rate,
    rate,
    two_step,
    equation,
    equation,
    equation,
    percent,
    percent,
    fraction,
    fraction,
    average,
    shape,
    algebra,
    algebra,
    order,
    sequence_or_chance,
    column_sum,
    column_sum,
    table_product,
)
