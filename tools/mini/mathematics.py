"""School mathematics with steps: every figure is computed, so every answer is right by construction.

Knows numbers and how to explain them in Spanish. Deliberately knows nothing of chat formats or programming.
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, isqrt, lcm
from random import Random

from .exchange import NAMES, Exchange, ask, close, listed

THINGS = (
    "manzanas",
    "lápices",
    "cuadernos",
    "canicas",
    "galletas",
    "naranjas",
    "libros",
    "globos",
    "boletos",
    "figuritas",
    "flores",
    "panes",
    "tarjetas",
    "botones",
    "dulces",
    "hojas",
    "plátanos",
    "huevos",
)
BOXES = ("cajas", "bolsas", "paquetes", "canastas", "bandejas", "estantes")


def _times(rng: Random) -> str:
    return rng.choice(("×", "×", "*", "por", "x"))


def addition(rng: Random) -> Exchange:
    """a + b, broken into hundreds, tens and units."""
    top = rng.choice((20, 100, 1000, 10000))
    a, b = rng.randrange(2, top), rng.randrange(2, top)
    question = rng.choice(
        (
            f"¿Cuánto es {a} + {b}?",
            f"Suma {a} y {b}.",
            f"¿Cuál es el resultado de {a} + {b}?",
            f"Calcula {a} + {b}.",
            f"{a} + {b}",
            f"¿Cuánto da {a} más {b}?",
            f"Necesito sumar {a} y {b}, ¿cómo lo hago?",
        )
    )
    if a < 20 and b < 20:
        answer = rng.choice((f"{a} + {b} = {a + b}.", f"La suma es {a + b}.", f"{a} más {b} es {a + b}."))
    else:
        steps, running = [], a
        for place in (1000, 100, 10, 1):
            part = b // place % 10 * place
            if part:
                steps.append(f"{running} + {part} = {running + part}")
                running += part
        answer = rng.choice(
            (
                f"Sumamos por partes: {'; '.join(steps)}. El resultado es {a + b}.",
                f"Vamos paso a paso. {'. '.join(steps)}. Entonces, {a} + {b} = {a + b}.",
                f"Separamos {b} y sumamos: {', '.join(steps)}. Respuesta: {a + b}.",
                f"{a} + {b} = {a + b}.",
            )
        )
    return Exchange(ask(rng, question), close(rng, answer))


def subtraction(rng: Random) -> Exchange:
    """a − b with a ≥ b, or a negative result now and then."""
    top = rng.choice((20, 100, 1000))
    a, b = rng.randrange(2, top), rng.randrange(2, top)
    if a < b and rng.random() < 0.8:
        a, b = b, a
    question = rng.choice(
        (
            f"¿Cuánto es {a} - {b}?",
            f"Resta {b} de {a}.",
            f"Calcula {a} - {b}.",
            f"{a} - {b}",
            f"¿Cuánto da {a} menos {b}?",
            f"A {a} le quito {b}, ¿cuánto queda?",
        )
    )
    if a < b:
        answer = f"Como {b} es mayor que {a}, el resultado es negativo: {b} - {a} = {b - a}, así que {a} - {b} = {a - b}."
    elif b < 20:
        answer = rng.choice((f"{a} - {b} = {a - b}.", f"El resultado es {a - b}, porque {a - b} + {b} = {a}."))
    else:
        steps, running = [], a
        for place in (100, 10, 1):
            part = b // place % 10 * place
            if part:
                steps.append(f"{running} - {part} = {running - part}")
                running -= part
        answer = rng.choice(
            (
                f"Restamos por partes: {'; '.join(steps)}. El resultado es {a - b}.",
                f"{'. '.join(steps)}. Entonces {a} - {b} = {a - b}. Comprobación: {a - b} + {b} = {a}.",
            )
        )
    return Exchange(ask(rng, question), close(rng, answer))


def multiplication(rng: Random) -> Exchange:
    """a × b by the distributive law."""
    a, b = rng.randrange(2, rng.choice((10, 100, 200))), rng.randrange(2, 13)
    sign = _times(rng)
    question = rng.choice(
        (
            f"¿Cuánto es {a} {sign} {b}?",
            f"Multiplica {a} por {b}.",
            f"Calcula {a} {sign} {b}.",
            f"{a} {sign} {b}",
            f"¿Cuál es el producto de {a} y {b}?",
            f"¿Cómo calculo {a} × {b} de memoria?",
        )
    )
    tens, units = a // 10 * 10, a % 10
    if a < 10 or not units:
        answer = rng.choice((f"{a} × {b} = {a * b}.", f"El producto es {a * b}.", f"{a} por {b} es {a * b}."))
    else:
        answer = rng.choice(
            (
                f"Separamos {a} en {tens} + {units}. {tens} × {b} = {tens * b} y {units} × {b} = {units * b}. "
                f"Sumamos: {tens * b} + {units * b} = {a * b}.",
                f"{a} × {b} = {tens} × {b} + {units} × {b} = {tens * b} + {units * b} = {a * b}.",
                f"Primero {tens} × {b} = {tens * b}. Después {units} × {b} = {units * b}. El total es {a * b}.",
            )
        )
    return Exchange(ask(rng, question), close(rng, answer))


def long_multiplication(rng: Random) -> Exchange:
    """Two numbers of two digits."""
    a, b = rng.randrange(11, 99), rng.randrange(11, 99)
    tens, units = b // 10 * 10, b % 10
    question = rng.choice(
        (f"¿Cuánto es {a} × {b}?", f"Multiplica {a} por {b} paso a paso.", f"Calcula {a} * {b}.", f"¿Me ayudas con {a} por {b}?")
    )
    parts = f"{a} × {tens} = {a * tens}" + (f" y {a} × {units} = {a * units}" if units else "")
    total = f" La suma da {a * b}." if units else ""
    return Exchange(
        ask(rng, question),
        close(rng, f"Separamos {b}{f' en {tens} + {units}' if units else ''}: {parts}.{total} Resultado: {a} × {b} = {a * b}."),
    )


def division(rng: Random) -> Exchange:
    """Division with its remainder."""
    b = rng.randrange(2, 13)
    q, r = rng.randrange(2, 60), rng.choice((0, 0, rng.randrange(b)))
    a = b * q + r
    question = rng.choice(
        (
            f"¿Cuánto es {a} ÷ {b}?",
            f"Divide {a} entre {b}.",
            f"Calcula {a} / {b}.",
            f"¿Cuántas veces cabe {b} en {a}?",
            f"¿Cuál es el cociente y el resto de {a} entre {b}?",
            f"{a} dividido {b}",
        )
    )
    if r:
        answer = rng.choice(
            (
                f"{b} × {q} = {b * q} y sobran {a} - {b * q} = {r}. El cociente es {q} y el resto es {r}.",
                f"Buscamos el múltiplo de {b} más cercano sin pasarnos: {b} × {q} = {b * q}. Cociente {q}, resto {r}.",
            )
        )
    else:
        answer = rng.choice(
            (
                f"{a} ÷ {b} = {q}, porque {b} × {q} = {a}.",
                f"El resultado es {q} y la división es exacta: {q} × {b} = {a}.",
                f"Cabe {q} veces: {b} × {q} = {a}. El resto es 0.",
            )
        )
    return Exchange(ask(rng, question), close(rng, answer))


def percentage(rng: Random) -> Exchange:
    """p % of n, a discount or an increase."""
    p = rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80))
    n = rng.randrange(1, 60) * 20
    value = p * n // 100
    sort = rng.randrange(3)
    if sort == 0:
        question = rng.choice(
            (f"¿Cuánto es el {p} % de {n}?", f"Calcula el {p}% de {n}.", f"¿Cómo saco el {p} % de {n}?", f"el {p}% de {n}")
        )
        answer = rng.choice(
            (
                f"El {p} % es {p}/100. Multiplicamos: {n} × {p} = {n * p}, y dividimos entre 100: {value}.",
                f"El 1 % de {n} es {decimal(Fraction(n, 100))}. Por {p}: {value}. Entonces el {p} % de {n} es {value}.",
            )
        )
    elif sort == 1:
        thing = rng.choice(("una camisa", "un libro", "una mochila", "un par de zapatos", "una bicicleta", "un juego"))
        question = rng.choice(
            (
                f"{thing.capitalize()} cuesta {n} pesos y tiene {p} % de descuento. ¿Cuánto se paga?",
                f"¿Cuánto pago por {thing} de {n} pesos con un {p}% de descuento?",
            )
        )
        answer = f"El descuento es el {p} % de {n}: {n} × {p} / 100 = {value}. Se paga {n} - {value} = {n - value} pesos."
    else:
        question = rng.choice((f"Un salario de {n} aumenta un {p} %. ¿Cuánto queda?", f"Si {n} sube un {p}%, ¿a cuánto llega?"))
        answer = f"El aumento es {n} × {p} / 100 = {value}. El nuevo valor es {n} + {value} = {n + value}."
    return Exchange(ask(rng, question), close(rng, answer))


def fraction_sum(rng: Random) -> Exchange:
    """Addition or subtraction of fractions through the common denominator."""
    b, d = rng.randrange(2, 13), rng.randrange(2, 13)
    a, c = rng.randrange(1, b), rng.randrange(1, d)
    minus = rng.random() < 0.4
    if minus and Fraction(a, b) < Fraction(c, d):
        a, b, c, d = c, d, a, b
    sign = "-" if minus else "+"
    common = lcm(b, d)
    left, right = a * common // b, c * common // d
    top = left - right if minus else left + right
    result = Fraction(top, common)
    verb = "Resta" if minus else "Suma"
    question = rng.choice(
        (
            f"¿Cuánto es {a}/{b} {sign} {c}/{d}?",
            f"Calcula {a}/{b} {sign} {c}/{d}.",
            f"{a}/{b} {sign} {c}/{d}",
            f"{verb} las fracciones {a}/{b} y {c}/{d}.",
            f"¿Cómo hago {a}/{b} {sign} {c}/{d}?",
        )
    )
    if b == d:
        answer = f"Tienen el mismo denominador, así que operamos los numeradores: {a} {sign} {c} = {top}. Queda {top}/{b}."
    else:
        answer = rng.choice(
            (
                f"El denominador común es {common}. {a}/{b} = {left}/{common} y {c}/{d} = {right}/{common}. "
                f"Entonces {left}/{common} {sign} {right}/{common} = {top}/{common}.",
                f"Buscamos el mínimo común múltiplo de {b} y {d}: es {common}. Convertimos: {left}/{common} "
                f"{sign} {right}/{common} = {top}/{common}.",
            )
        )
    if str(result) != f"{top}/{common}":
        answer += rng.choice((f" Simplificado: {result}.", f" Al simplificar queda {result}."))
    return Exchange(ask(rng, question), close(rng, answer))


def fraction_product(rng: Random) -> Exchange:
    """Product or quotient of fractions."""
    a, b, c, d = (rng.randrange(1, 10) for _ in range(4))
    b, d = b + 1, d + 1
    if rng.random() < 0.5:
        question = rng.choice((f"¿Cuánto es {a}/{b} × {c}/{d}?", f"Multiplica {a}/{b} por {c}/{d}.", f"Calcula {a}/{b} * {c}/{d}."))
        raw, result = f"{a * c}/{b * d}", Fraction(a * c, b * d)
        answer = f"Multiplicamos numeradores y denominadores: ({a} × {c})/({b} × {d}) = {raw}."
    else:
        question = rng.choice((f"¿Cuánto es {a}/{b} ÷ {c}/{d}?", f"Divide {a}/{b} entre {c}/{d}.", f"Calcula {a}/{b} : {c}/{d}."))
        raw, result = f"{a * d}/{b * c}", Fraction(a * d, b * c)
        answer = f"Dividir es multiplicar por la fracción invertida: {a}/{b} × {d}/{c} = {raw}."
    if str(result) != raw:
        answer += f" Simplificado: {result}."
    return Exchange(ask(rng, question), close(rng, answer))


def simplify(rng: Random) -> Exchange:
    """A fraction to its lowest terms, or the comparison of two fractions."""
    if rng.random() < 0.5:
        p, q, k = rng.randrange(1, 12), rng.randrange(2, 13), rng.randrange(2, 9)
        a, b = p * k, q * k
        g = gcd(a, b)
        question = rng.choice((f"Simplifica {a}/{b}.", f"¿Cómo simplifico la fracción {a}/{b}?", f"Reduce {a}/{b} a su mínima expresión."))
        answer = f"El máximo común divisor de {a} y {b} es {g}. Dividimos arriba y abajo entre {g}: {a}/{b} = {Fraction(a, b)}."
    else:
        b, d = rng.randrange(2, 11), rng.randrange(2, 11)
        a, c = rng.randrange(1, b + 2), rng.randrange(1, d + 2)
        left, right = a * d, c * b
        sign = "<" if left < right else ">" if left > right else "="
        word = {"<": f"{c}/{d} es mayor", ">": f"{a}/{b} es mayor", "=": "son iguales"}[sign]
        question = rng.choice(
            (f"¿Cuál es mayor, {a}/{b} o {c}/{d}?", f"Compara {a}/{b} y {c}/{d}.", f"¿Qué fracción es más grande: {a}/{b} o {c}/{d}?")
        )
        answer = f"Multiplicamos en cruz: {a} × {d} = {left} y {c} × {b} = {right}. Como {left} {sign} {right}, {word}."
    return Exchange(ask(rng, question), close(rng, answer))


def linear_equation(rng: Random) -> Exchange:
    """ax + b = c, a(x + b) = c or ax + b = cx + d with a whole solution."""
    x, a, b = rng.randrange(-9, 13), rng.randrange(2, 10), rng.randrange(-12, 13) or 3
    letter = rng.choice("xxxxyn")
    sort = rng.randrange(4)
    opposite = "restamos" if b > 0 else "sumamos"
    if sort <= 1:
        c = a * x + b
        text = f"{a}{letter} {signed(b)} = {c}"
        answer = rng.choice(
            (
                f"{opposite.capitalize()} {abs(b)} en ambos lados: {a}{letter} = {c - b}. Dividimos entre {a}: {letter} = {x}.",
                f"Paso 1: {opposite} {abs(b)} y queda {a}{letter} = {c - b}. Paso 2: dividimos entre {a} y obtenemos {letter} = {x}. "
                f"Comprobación: {a} · {par(x)} {signed(b)} = {c}.",
            )
        )
    elif sort == 2:
        c = a * (x + b)
        text = f"{a}({letter} {signed(b)}) = {c}"
        answer = f"Dividimos ambos lados entre {a}: {letter} {signed(b)} = {x + b}. Luego {opposite} {abs(b)}: {letter} = {x}."
    else:
        k = rng.randrange(1, a)
        d = a * x + b - k * x
        text = (
            f"{a}{letter} {signed(b)} = {k if k > 1 else ''}{letter} {signed(d)}"
            if d
            else f"{a}{letter} {signed(b)} = {k if k > 1 else ''}{letter}"
        )
        side = f"{a - k if a - k > 1 else ''}{letter}"
        answer = f"Restamos {k if k > 1 else ''}{letter} en ambos lados: {side} {signed(b)} = {d}. "
        answer += f"{opposite.capitalize()} {abs(b)}: {side} = {d - b}."
        answer += f" Dividimos entre {a - k}: {letter} = {x}." if a - k > 1 else f" La solución es {letter} = {x}."
    question = rng.choice(
        (
            f"Resuelve {text}.",
            f"¿Cuánto vale {letter} en {text}?",
            f"Resuelve la ecuación {text} paso a paso.",
            f"{text}, ¿cuánto es {letter}?",
            f"Encuentra {letter}: {text}",
            f"¿Cómo despejo {letter} en {text}?",
        )
    )
    return Exchange(ask(rng, question), close(rng, answer))


def quadratic(rng: Random) -> Exchange:
    """x² + bx + c with whole roots, by factors or by the formula."""
    p, q = rng.randrange(-8, 9), rng.randrange(-8, 9)
    b, c = -(p + q), p * q
    middle = "" if not b else f" {signed(b)}x" if abs(b) > 1 else " + x" if b > 0 else " - x"
    text = f"x^2{middle}{f' {signed(c)}' if c else ''} = 0"
    disc = b * b - 4 * c
    low, high = sorted((p, q))
    roots = f"x = {low} (raíz doble)" if p == q else f"x = {low} y x = {high}"
    question = rng.choice(
        (f"Resuelve {text}.", f"¿Cuáles son las raíces de {text}?", f"Encuentra las soluciones de {text}.", f"¿Cómo resuelvo {text}?")
    )
    if rng.random() < 0.5:
        answer = f"Buscamos dos números que sumen {-b} y multiplicados den {c}: son {low} y {high}. Las soluciones son {roots}."
    else:
        answer = f"El discriminante es b^2 - 4ac = {b * b} {signed(-4 * c)} = {disc}, y su raíz es {isqrt(disc)}. Entonces {roots}."
    return Exchange(ask(rng, question), close(rng, answer))


def system_of_two(rng: Random) -> Exchange:
    """x + y = s, x − y = d."""
    x, y = rng.randrange(1, 20), rng.randrange(1, 20)
    s, d = x + y, x - y
    question = rng.choice(
        (
            f"Resuelve el sistema x + y = {s}, x - y = {d}.",
            f"Dos números suman {s} y su diferencia es {d}. ¿Cuáles son?",
            f"Si x + y = {s} y x - y = {d}, ¿cuánto valen x e y?",
        )
    )
    return Exchange(
        ask(rng, question), close(rng, f"Sumamos las dos ecuaciones: 2x = {s + d}, así que x = {x}. Luego y = {s} - {x} = {y}.")
    )


def word_problem(rng: Random) -> Exchange:
    """A short story of one or two operations."""
    who, other = rng.sample(NAMES, 2)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    a, b, c = rng.randrange(3, 50), rng.randrange(2, 12), rng.randrange(2, 9)
    stories: tuple[tuple[str, str], ...] = (
        (
            f"{who} tiene {a} {thing} y {other} le da {b} más. ¿Cuántas tiene ahora?".replace("Cuántas", many(thing)),
            f"{who} tenía {a} y recibe {b}: {a} + {b} = {a + b}. Ahora tiene {a + b} {thing}.",
        ),
        (
            f"{who} tenía {a + b} {thing} y regaló {b}. ¿Cuántas le quedan?".replace("Cuántas", many(thing)),
            f"Restamos lo que regaló: {a + b} - {b} = {a}. Le quedan {a} {thing}.",
        ),
        (
            f"Hay {b} {box} con {c} {thing} en cada una. ¿Cuántas {thing} hay en total?".replace("Cuántas", many(thing)).replace(
                "cada una", each(box)
            ),
            f"Multiplicamos: {b} × {c} = {b * c}. Hay {b * c} {thing} en total.",
        ),
        (
            f"{who} reparte {b * c} {thing} entre {b} personas por igual. ¿Cuántas le tocan a cada persona?".replace(
                "Cuántas", many(thing)
            ),
            f"Dividimos: {b * c} ÷ {b} = {c}. A cada persona le tocan {c} {thing}.",
        ),
        (
            f"{who} compra {b} {thing} a {c} pesos cada pieza y paga con {b * c + a} pesos. ¿Cuánto recibe de vuelto?",
            f"El gasto es {b} × {c} = {b * c} pesos. El vuelto es {b * c + a} - {b * c} = {a} pesos.",
        ),
        (
            f"{who} tiene {b} {box} con {c} {thing} cada una y además {a} {thing} sueltas. ¿Cuántas tiene?".replace("Cuántas", many(thing))
            .replace("cada una", each(box))
            .replace("sueltas", loose(thing)),
            f"En {'los' if each(box) == 'cada uno' else 'las'} {box} hay {b} × {c} = {b * c}. "
            f"Sumamos lo que está aparte: {b * c} + {a} = {b * c + a}. Tiene {b * c + a} {thing}.",
        ),
        (
            f"Un tren recorre {b * 10} km por hora. ¿Cuántos kilómetros recorre en {c} horas?",
            f"Distancia = velocidad × tiempo = {b * 10} × {c} = {b * 10 * c} km.",
        ),
        (
            f"{who} lee {b} páginas por día. ¿En cuántos días termina un libro de {b * a} páginas?",
            f"Dividimos las páginas entre lo que lee por día: {b * a} ÷ {b} = {a} días.",
        ),
        (
            f"{who} tiene {a} años y {other} tiene {b} años más. ¿Cuántos años suman entre los dos?",
            f"{other} tiene {a} + {b} = {a + b} años. Juntos suman {a} + {a + b} = {2 * a + b} años.",
        ),
        (
            f"Si {b} {thing} cuestan {b * c} pesos, ¿cuánto cuestan {a} {thing}?",
            f"Cada pieza cuesta {b * c} ÷ {b} = {c} pesos. Entonces {a} cuestan {a} × {c} = {a * c} pesos.",
        ),
    )
    question, answer = rng.choice(stories)
    return Exchange(ask(rng, question), close(rng, answer))


def divisors(rng: Random) -> Exchange:
    """Greatest common divisor, least common multiple, primes, parity, divisors."""
    a, b = rng.randrange(4, 61), rng.randrange(4, 61)
    sort = rng.randrange(5)
    if sort == 0:
        steps, p, q = [], max(a, b), min(a, b)
        while q:
            steps.append(f"{p} mod {q} = {p % q}")
            p, q = q, p % q
        question = rng.choice((f"¿Cuál es el máximo común divisor de {a} y {b}?", f"Calcula el MCD de {a} y {b}.", f"mcd({a}, {b})"))
        answer = f"Usamos el algoritmo de Euclides: {', '.join(steps)}. El MCD es {gcd(a, b)}."
    elif sort == 1:
        question = rng.choice((f"¿Cuál es el mínimo común múltiplo de {a} y {b}?", f"Calcula el MCM de {a} y {b}.", f"mcm de {a} y {b}"))
        answer = f"El MCD de {a} y {b} es {gcd(a, b)}. El MCM es {a} × {b} / {gcd(a, b)} = {lcm(a, b)}."
    elif sort == 2:
        n = rng.randrange(2, 150)
        factor = next((d for d in range(2, isqrt(n) + 1) if n % d == 0), None)
        question = rng.choice((f"¿{n} es primo?", f"¿El número {n} es un número primo?", f"¿Cómo sé si {n} es primo?"))
        answer = (
            f"No, {n} no es primo, porque {n} = {factor} × {n // factor}."
            if factor
            else (f"Sí, {n} es primo: solo se puede dividir exactamente entre 1 y {n}.")
        )
    elif sort == 3:
        n = rng.randrange(2, 500)
        question = rng.choice((f"¿{n} es par o impar?", f"¿El número {n} es par?"))
        answer = (
            f"{n} {'es par' if n % 2 == 0 else 'es impar'}, porque termina en {n % 10}{f' y {n} = 2 × {n // 2}' if n % 2 == 0 else ''}."
        )
    else:
        n = rng.randrange(6, 80)
        found = [d for d in range(1, n + 1) if n % d == 0]
        question = rng.choice((f"¿Cuáles son los divisores de {n}?", f"Dime los divisores de {n}."))
        answer = f"Los divisores de {n} son {listed(found)}. En total son {len(found)}."
    return Exchange(ask(rng, question), close(rng, answer))


def powers(rng: Random) -> Exchange:
    """Powers and exact square roots."""
    if rng.random() < 0.55:
        a, n = rng.randrange(2, 13), rng.choice((2, 2, 3, 4))
        question = rng.choice((f"¿Cuánto es {a}^{n}?", f"Calcula {a} elevado a {n}.", f"¿Cuánto es {a} a la {n}?", f"{a}^{n}"))
        answer = f"{a}^{n} = {' × '.join([str(a)] * n)} = {a**n}."
    else:
        a = rng.randrange(2, 31)
        question = rng.choice((f"¿Cuál es la raíz cuadrada de {a * a}?", f"¿Cuánto es √{a * a}?", f"Calcula la raíz de {a * a}."))
        answer = f"La raíz cuadrada de {a * a} es {a}, porque {a} × {a} = {a * a}."
    return Exchange(ask(rng, question), close(rng, answer))


def order_of_operations(rng: Random) -> Exchange:
    """Multiplications before sums, parentheses first."""
    a, b, c = rng.randrange(1, 30), rng.randrange(2, 10), rng.randrange(2, 10)
    text, answer = rng.choice(
        (
            (f"{a} + {b} × {c}", f"Primero la multiplicación: {b} × {c} = {b * c}. Después la suma: {a} + {b * c} = {a + b * c}."),
            (f"({a} + {b}) × {c}", f"Primero el paréntesis: {a} + {b} = {a + b}. Después multiplicamos: {a + b} × {c} = {(a + b) * c}."),
            (f"{b * c + a} - {b} × {c}", f"Primero la multiplicación: {b} × {c} = {b * c}. Después la resta: {b * c + a} - {b * c} = {a}."),
            (f"{b * c} ÷ {b} + {a}", f"Primero la división: {b * c} ÷ {b} = {c}. Después la suma: {c} + {a} = {c + a}."),
            (
                f"{b}^2 + {c} × {a}",
                f"Primero la potencia: {b}^2 = {b * b}. Luego el producto: {c} × {a} = {c * a}. Al "
                f"final la suma: {b * b} + {c * a} = {b * b + c * a}.",
            ),
        )
    )
    question = rng.choice((f"¿Cuánto es {text}?", f"Calcula {text}.", f"¿En qué orden resuelvo {text}?", f"{text}"))
    return Exchange(ask(rng, question), close(rng, answer))


def geometry(rng: Random) -> Exchange:
    """Areas, perimeters, angles and Pythagoras."""
    a, b = rng.randrange(2, 25), rng.randrange(2, 25)
    k = rng.randrange(1, 8)
    p, q, r = rng.choice(((3, 4, 5), (5, 12, 13), (8, 15, 17), (6, 8, 10)))
    one, two = rng.randrange(20, 90), rng.randrange(20, 90)
    question, answer = rng.choice(
        (
            (f"¿Cuál es el área de un rectángulo de {a} cm por {b} cm?", f"El área es base por altura: {a} × {b} = {a * b} cm²."),
            (
                f"Calcula el perímetro de un rectángulo de lados {a} y {b}.",
                f"El perímetro es 2 × ({a} + {b}) = 2 × {a + b} = {2 * (a + b)}.",
            ),
            (
                f"¿Cuánto mide el área de un triángulo de base {2 * a} y altura {b}?",
                f"Área = base × altura / 2 = {2 * a} × {b} / 2 = {a * b}.",
            ),
            (f"¿Cuál es el área de un cuadrado de lado {a}?", f"El área de un cuadrado es lado por lado: {a} × {a} = {a * a}."),
            (f"¿Cuál es el perímetro de un cuadrado de lado {a}?", f"Tiene cuatro lados iguales: 4 × {a} = {4 * a}."),
            (
                f"Un triángulo rectángulo tiene catetos {p * k} y {q * k}. ¿Cuánto mide la hipotenusa?",
                f"Por Pitágoras, h^2 = {p * k}^2 + {q * k}^2 = {(p * k) ** 2} + {(q * k) ** 2} = {(r * k) ** 2}. "
                f"La hipotenusa mide {r * k}.",
            ),
            (
                f"Dos ángulos de un triángulo miden {one}° y {two}°. ¿Cuánto mide el tercero?",
                f"Los ángulos de un triángulo suman 180°. 180 - {one} - {two} = {180 - one - two}, así que mide {180 - one - two}°.",
            ),
        )
    )
    return Exchange(ask(rng, question), close(rng, answer))


def statistics(rng: Random) -> Exchange:
    """Mean, median, mode or range of a few numbers."""
    n = rng.choice((3, 4, 5))
    numbers = [rng.randrange(1, 20) for _ in range(n)]
    if rng.random() < 0.5:
        numbers[-1] += -sum(numbers) % n
        total = sum(numbers)
        question = rng.choice(
            (
                f"¿Cuál es el promedio de {listed(numbers)}?",
                f"Calcula la media de {listed(numbers)}.",
                f"Saca el promedio de {listed(numbers)}.",
            )
        )
        answer = f"Sumamos: {' + '.join(map(str, numbers))} = {total}. "
        answer += f"Dividimos entre {n}: {total} ÷ {n} = {total // n}. El promedio es {total // n}."
    elif rng.random() < 0.6:
        numbers = [rng.randrange(1, 40) for _ in range(rng.choice((3, 5)))]
        ordered = sorted(numbers)
        question = rng.choice((f"¿Cuál es la mediana de {listed(numbers)}?", f"Encuentra la mediana: {listed(numbers)}."))
        answer = f"Ordenamos los datos: {listed(ordered)}. El valor del centro es {ordered[len(ordered) // 2]}, esa es la mediana."
    else:
        question = f"¿Cuál es el rango de {listed(numbers)}?"
        high, low = max(numbers), min(numbers)
        answer = f"El mayor es {high} y el menor es {low}. El rango es {high} - {low} = {high - low}."
    return Exchange(ask(rng, question), close(rng, answer))


def functions(rng: Random) -> Exchange:
    """Value, slope or derivative of a simple function; next term of a sequence."""
    a, b, x = rng.randrange(2, 10), rng.randrange(1, 15), rng.randrange(0, 10)
    n = rng.randrange(2, 7)
    question, answer = rng.choice(
        (
            (
                f"Si f(x) = {a}x + {b}, ¿cuánto vale f({x})?",
                f"Reemplazamos x por {x}: f({x}) = {a} × {x} + {b} = {a * x} + {b} = {a * x + b}.",
            ),
            (f"Si f(x) = x^2 + {b}, calcula f({x}).", f"f({x}) = {x}^2 + {b} = {x * x} + {b} = {x * x + b}."),
            (
                f"¿Cuál es la pendiente de y = {a}x + {b}?",
                f"En y = mx + b, la pendiente es m. Aquí m = {a} y la ordenada al origen es {b}.",
            ),
            (
                f"¿Cuál es la derivada de {a}x^{n}?",
                f"Bajamos el exponente y restamos uno: {a} × {n} = {a * n}, así que la derivada es {a * n}x{f'^{n - 1}' if n > 2 else ''}.",
            ),
            (
                f"¿Qué número sigue en {b}, {b + a}, {b + 2 * a}, {b + 3 * a}?",
                f"Cada término suma {a} al anterior: {b + 3 * a} + {a} = {b + 4 * a}.",
            ),
            (f"¿Qué número sigue: {b}, {2 * b}, {4 * b}, {8 * b}?", f"Cada término es el doble del anterior: {8 * b} × 2 = {16 * b}."),
            (
                f"¿Cuánto suman los números del 1 al {a * 10}?",
                f"La fórmula es n(n + 1)/2: {a * 10} × {a * 10 + 1} / 2 = {a * 10 * (a * 10 + 1) // 2}.",
            ),
            (f"¿Cuánto es {x + 3}! (factorial)?" if x < 5 else "¿Cuánto es 5! (factorial)?", factorial_answer(x + 3 if x < 5 else 5)),
        )
    )
    return Exchange(ask(rng, question), close(rng, answer))


def conversions(rng: Random) -> Exchange:
    """Units, fractions to decimals, and simple probability."""
    n = rng.randrange(2, 40)
    d = rng.choice((2, 4, 5, 8, 10, 20))
    a = rng.randrange(1, d)
    red, blue = rng.randrange(1, 9), rng.randrange(1, 9)
    chance = Fraction(red, red + blue)
    raw = f"{red}/{red + blue}"
    question, answer = rng.choice(
        (
            (f"¿Cuántos minutos son {n} horas?", f"Una hora tiene 60 minutos: {n} × 60 = {n * 60} minutos."),
            (f"Convierte {n} km a metros.", f"Un kilómetro tiene 1000 metros, así que {n} km = {n * 1000} m."),
            (f"¿Cuántos centímetros son {n} metros?", f"Cada metro tiene 100 centímetros: {n} × 100 = {n * 100} cm."),
            (f"¿Cuántos días son {n} semanas?", f"Una semana tiene 7 días: {n} × 7 = {n * 7} días."),
            (f"Pasa {a}/{d} a decimal.", f"Dividimos {a} entre {d}: {a}/{d} = {decimal(Fraction(a, d))}."),
            (f"¿Cuánto es {a}/{d} en porcentaje?", f"{a}/{d} = {decimal(Fraction(a, d))}, y por 100 da {decimal(Fraction(100 * a, d))} %."),
            (
                f"En una bolsa hay {red} bolas rojas y {blue} azules. ¿Qué probabilidad hay de sacar una roja?",
                f"Hay {red} casos favorables de {red + blue} posibles. "
                f"La probabilidad es {raw}{f' = {chance}' if str(chance) != raw else ''}.",
            ),
            (
                "¿Qué probabilidad hay de sacar un número par al tirar un dado?",
                "Los pares son 2, 4 y 6: hay 3 casos favorables de 6. La probabilidad es 3/6 = 1/2.",
            ),
        )
    )
    return Exchange(ask(rng, question), close(rng, answer))


def check_my_answer(rng: Random) -> Exchange:
    """The learner proposes a result, right or wrong, and hears which."""
    a, b = rng.randrange(3, 40), rng.randrange(3, 13)
    text, value = rng.choice(((f"{a} + {b}", a + b), (f"{a} × {b}", a * b), (f"{a + b} - {b}", a)))
    said = value if rng.random() < 0.45 else value + rng.choice((-10, -2, -1, 1, 2, 10))
    question = rng.choice(
        (
            f"¿Está bien que {text} = {said}?",
            f"Me dio {said} en {text}, ¿es correcto?",
            f"Yo digo que {text} es {said}.",
            f"¿{text} es {said}?",
        )
    )
    if said == value:
        answer = rng.choice((f"Sí, es correcto: {text} = {value}.", f"¡Muy bien! {text} = {value}.", f"Correcto, {text} da {value}."))
    else:
        answer = rng.choice(
            (
                f"No del todo: {text} = {value}, no {said}. Revisa el cálculo.",
                f"Casi. El resultado de {text} es {value}.",
                f"Hay un error: {text} da {value}. Tu respuesta difiere en {abs(said - value)}.",
            )
        )
    return Exchange(ask(rng, question), answer)


def signed(number: int) -> str:
    """'+ 3' or '- 3'"""
    return f"+ {number}" if number >= 0 else f"- {-number}"


def par(number: int) -> str:
    """A negative number between parentheses."""
    return f"({number})" if number < 0 else str(number)


def decimal(value: Fraction) -> str:
    """A terminating fraction as a decimal with a point."""
    return f"{float(value):g}"


def factorial_answer(n: int) -> str:
    """'4! = 4 × 3 × 2 × 1 = 24.'"""
    product = 1
    for k in range(2, n + 1):
        product *= k
    return f"{n}! = {' × '.join(str(k) for k in range(n, 0, -1))} = {product}."


def many(thing: str) -> str:
    """'Cuántos' or 'Cuántas', as the noun asks."""
    return (
        "Cuántos"
        if thing in {"lápices", "cuadernos", "libros", "globos", "boletos", "panes", "botones", "dulces", "plátanos", "huevos"}
        else "Cuántas"
    )


def loose(thing: str) -> str:
    """'sueltos' or 'sueltas', as the noun asks."""
    return "sueltos" if many(thing) == "Cuántos" else "sueltas"


def each(box: str) -> str:
    """'cada uno' or 'cada una', as the noun asks."""
    return "cada uno" if box in {"paquetes", "estantes"} else "cada una"


MAKERS: tuple[Callable[[Random], Exchange], ...] = (
    addition,
    subtraction,
    multiplication,
    multiplication,
    long_multiplication,
    division,
    percentage,
    fraction_sum,
    fraction_sum,
    fraction_product,
    simplify,
    linear_equation,
    linear_equation,
    quadratic,
    system_of_two,
    word_problem,
    word_problem,
    divisors,
    powers,
    order_of_operations,
    geometry,
    statistics,
    functions,
    conversions,
    check_my_answer,
)
