"""Writes the drills of this course: the rows with an id "gen-..." in data/train.jsonl and data/eval.jsonl, after the written ones.

    python generate.py            replace all drills by new ones; the same program always writes the same bytes
    python generate.py --check    change nothing; exit code 1 when the files hold something else

Every number is computed here. A held-out drill never has the numbers of a training drill of its kind, and no question is nearly another
one. To add a kind, write a function that draws an ``Exercise`` and name it in ``KINDS``.
"""

from __future__ import annotations

import json
import math
import random
import re
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
SEED = 2026


class Exercise(NamedTuple):
    """One drill and its solution."""

    key: tuple  # its numbers: no other drill of the kind has them
    questions: tuple  # ways in which students ask it
    task: str  # the same in few words, after "Te toca:"
    ideas: tuple  # ways to begin the explanation
    steps: tuple
    result: str
    check: str
    expected: str
    wrong: str  # a usual wrong answer
    remedy: str  # what went wrong there


# --- numbers -------------------------------------------------------------------------------------


def suma(rng):
    tens, units, b = rng.randint(2, 8) * 10, rng.randint(4, 9), rng.randint(4, 9)
    a = tens + units
    return Exercise(
        key=(a, b),
        questions=(
            f"¿Cuánto es {a} + {b}?",
            f"cuanto da {a} + {b}",
            f"Calcula {a} + {b}.",
            f"ayúdame a sumar {a} y {b} de cabeza",
            f"{name(rng)} tenía {a} {thing(rng)} y le dieron {b} más. ¿Cuántas tiene ahora?",
        ),
        task=f"calcula {a} + {b}.",
        ideas=(
            "Es más fácil si separas las decenas de las unidades.",
            "Suma primero las unidades y después las decenas.",
            "Para sumar de cabeza, parte el número grande en decenas y unidades.",
        ),
        steps=(
            f"Separa el número grande: {a} = {tens} + {units}.",
            f"Suma las unidades: {units} + {b} = {units + b}.",
            f"Agrega las decenas: {tens} + {units + b} = {a + b}.",
        ),
        result=f"{a} + {b} = {a + b}",
        check=f"{a + b} - {b} = {a}, el número del principio.",
        expected=f"{a + b}",
        wrong=f"{a + b - 10}" if units + b >= 10 else f"{a + b + 1}",
        remedy="te faltó agregar la decena que se formó con las unidades." if units + b >= 10 else "contaste uno de más en las unidades.",
    )


def resta(rng):
    tens, units = rng.randint(2, 8) * 10, rng.randint(1, 6)
    a, b = tens + units, rng.randint(units + 1, 9)
    rest = b - units
    return Exercise(
        key=(a, b),
        questions=(
            f"¿Cuánto es {a} - {b}?",
            f"cuanto queda si a {a} le quito {b}",
            f"Resuelve la resta {a} - {b}.",
            f"no me sale {a} - {b}, como se hace?",
            f"{name(rng)} llevaba {a} {thing(rng)} y repartió {b}. ¿Cuántas le quedan?",
        ),
        task=f"calcula {a} - {b}.",
        ideas=(
            "Resta en dos saltos: primero hasta la decena y después lo que falta.",
            "Conviene bajar hasta la decena y de ahí seguir.",
            "Un truco: quita en dos partes y pasa por la decena.",
        ),
        steps=(
            f"Separa lo que vas a quitar: {b} = {units} + {rest}.",
            f"Baja hasta la decena: {a} - {units} = {tens}.",
            f"Quita lo que falta: {tens} - {rest} = {a - b}.",
        ),
        result=f"{a} - {b} = {a - b}",
        check=f"{a - b} + {b} = {a}, el número del principio.",
        expected=f"{a - b}",
        wrong=f"{a - b + 10}",
        remedy="te quedaste en la misma decena, pero al quitar esas unidades pasas a la de abajo.",
    )


def producto(rng):
    a, units = rng.randint(3, 9), rng.randint(2, 9)
    b = 10 + units
    return Exercise(
        key=(a, b),
        questions=(
            f"¿Cuánto es {a} · {b}?",
            f"cuanto es {a} por {b} sin calculadora",
            f"Multiplica {a} · {b}.",
            f"{name(rng)} compró {a} cajas con {b} {thing(rng)} cada una. ¿Cuántas hay en total?",
            f"me cuesta multiplicar {a} por {b}",
        ),
        task=f"calcula {a} · {b}.",
        ideas=(
            "Parte el número de dos cifras en decena y unidades, y multiplica cada parte.",
            "Multiplica por partes: primero la decena, luego las unidades.",
            "La propiedad distributiva permite multiplicar por pedazos.",
        ),
        steps=(
            f"Separa {b} = 10 + {units}.",
            f"Multiplica cada parte: {a} · 10 = {a * 10} y {a} · {units} = {a * units}.",
            f"Suma los dos resultados: {a * 10} + {a * units} = {a * b}.",
        ),
        result=f"{a} · {b} = {a * b}",
        check=f"{a * b}/{a} = {b}, el otro factor.",
        expected=f"{a * b}",
        wrong=f"{a * 10 + units}",
        remedy="multiplicaste la decena, pero no las unidades.",
    )


def potencia(rng):
    base, exponent = rng.choice([(n, 2) for n in range(3, 16)] + [(n, 3) for n in range(2, 10)])
    factors = " · ".join([str(base)] * exponent)
    steps = [f"El exponente {exponent} dice cuántas veces aparece el {base} como factor: {factors}."]
    if exponent == 3:
        steps.append(f"Multiplica los dos primeros: {base} · {base} = {base**2}.")
    steps.append(f"Multiplica: {base ** (exponent - 1)} · {base} = {base**exponent}.")
    return Exercise(
        key=(base, exponent),
        questions=(
            f"¿Cuánto es {base}^{exponent}?",
            f"calcula {base}^{exponent} porfa",
            f"Necesito el valor de {base}^{exponent}.",
            f"como saco {base} elevado a la {exponent}",
        ),
        task=f"calcula {base}^{exponent}.",
        ideas=(
            "Una potencia es una multiplicación repetida.",
            "La base se multiplica por sí misma tantas veces como dice el exponente.",
            "Elevar no es multiplicar por el exponente, es repetir el factor.",
        ),
        steps=tuple(steps),
        result=f"{base}^{exponent} = {base**exponent}",
        check=f"{base**exponent}/{base} = {base ** (exponent - 1)}, que es la potencia anterior.",
        expected=f"{base**exponent}",
        wrong=f"{base * exponent}" if base * exponent != base**exponent else f"{base + exponent}",
        remedy="el exponente no multiplica a la base, cuenta los factores.",
    )


# --- fractions and percentages -------------------------------------------------------------------


def simplificar(rng):
    low, high = rng.choice([(p, q) for q in range(2, 10) for p in range(1, q) if math.gcd(p, q) == 1])
    factor = rng.randint(2, 6)
    a, b = low * factor, high * factor
    return Exercise(
        key=(a, b),
        questions=(
            f"Simplifica {a}/{b}.",
            f"como simplifico {a}/{b}",
            f"¿Cuál es la forma más simple de {a}/{b}?",
            f"reducir la fracción {a}/{b} a su mínima expresión",
        ),
        task=f"simplifica {a}/{b}.",
        ideas=(
            "Simplificar es dividir arriba y abajo entre el mismo número, el mayor que se pueda.",
            "Busca el máximo común divisor y divide con él los dos números.",
            "La fracción no cambia si divides numerador y denominador entre lo mismo.",
        ),
        steps=(
            f"El mayor número que divide a {a} y a {b} es {factor}.",
            f"Divide el numerador: {a}/{factor} = {low}.",
            f"Divide el denominador: {b}/{factor} = {high}.",
        ),
        result=f"{a}/{b} = {low}/{high}",
        check=f"los productos cruzados coinciden: {a} · {high} = {a * high} y {b} · {low} = {a * high}.",
        expected=f"{low}/{high}",
        wrong=f"{a - 1}/{b - 1}",
        remedy="restaste lo mismo arriba y abajo; hay que dividir.",
    )


def fracciones_iguales(rng):
    whole = rng.randint(5, 13)
    a, b = rng.randint(1, whole - 2), rng.randint(1, whole - 2)
    while a + b >= whole or math.gcd(a + b, whole) > 1:
        a, b = rng.randint(1, whole - 2), rng.randint(1, whole - 2)
    return Exercise(
        key=(whole, *sorted((a, b))),
        questions=(
            f"¿Cuánto es {a}/{whole} + {b}/{whole}?",
            f"sumar {a}/{whole} + {b}/{whole}",
            f"Calcula {a}/{whole} + {b}/{whole}.",
            f"{name(rng)} comió {a}/{whole} de {dish(rng)} y su hermana {b}/{whole}. ¿Qué fracción comieron en total?",
            f"si sumo {a}/{whole} + {b}/{whole} también sumo los de abajo?",
        ),
        task=f"calcula {a}/{whole} + {b}/{whole}.",
        ideas=(
            "Los pedazos son del mismo tamaño, así que solo cuentas cuántos hay.",
            "Con el mismo denominador se suman los numeradores y el denominador no cambia.",
            "El denominador dice el tamaño del pedazo, y ese tamaño no cambia al sumar.",
        ),
        steps=(
            f"Revisa los denominadores: los dos son {whole}.",
            f"Suma los numeradores: {a} + {b} = {a + b}.",
            f"Conserva el denominador {whole}.",
        ),
        result=f"{a}/{whole} + {b}/{whole} = {a + b}/{whole}",
        check=f"{a + b}/{whole} - {b}/{whole} = {a}/{whole}, la primera fracción.",
        expected=f"{a + b}/{whole}",
        wrong=f"{a + b}/{2 * whole}",
        remedy="sumaste también los denominadores, y el tamaño del pedazo no cambia.",
    )


def fracciones_distintas(rng):
    pairs = [(p, a, q, b) for p in range(2, 6) for q in range(p + 1, 7) for a in range(1, p) for b in range(1, q)]
    p, a, q, b = rng.choice(pairs)
    common = math.lcm(p, q)
    while math.gcd(a, p) > 1 or math.gcd(b, q) > 1 or math.gcd(a * common // p + b * common // q, common) > 1:
        p, a, q, b = rng.choice(pairs)
        common = math.lcm(p, q)
    one, other = a * (common // p), b * (common // q)
    first = f"{a}/{p} = {one}/{common}" if p != common else f"{a}/{p} ya está en {common} partes"
    second = f"{b}/{q} = {other}/{common}" if q != common else f"{b}/{q} ya tiene ese denominador"
    return Exercise(
        key=(p, a, q, b),
        questions=(
            f"¿Cuánto es {a}/{p} + {b}/{q}?",
            f"como sumo {a}/{p} + {b}/{q} si los de abajo son distintos",
            f"Calcula {a}/{p} + {b}/{q}.",
            f"{name(rng)} usó {a}/{p} de taza de leche y luego {b}/{q} de taza. ¿Cuánta leche usó?",
        ),
        task=f"calcula {a}/{p} + {b}/{q}.",
        ideas=(
            "Los pedazos tienen distinto tamaño: primero córtalos iguales.",
            "Antes de sumar hace falta un denominador común.",
            "Solo se suman partes del mismo tamaño, así que buscamos un múltiplo común.",
        ),
        steps=(
            f"El mínimo común múltiplo de {p} y {q} es {common}.",
            f"Convierte: {first} y {second}.",
            f"Suma: {one}/{common} + {other}/{common} = {one + other}/{common}.",
        ),
        result=f"{a}/{p} + {b}/{q} = {one + other}/{common}",
        check=f"{one + other}/{common} - {b}/{q} = {a}/{p}, la primera fracción.",
        expected=f"{one + other}/{common}",
        wrong=f"{a + b}/{p + q}",
        remedy="sumaste arriba con arriba y abajo con abajo, sin denominador común.",
    )


def porcentaje(rng):
    tenths, n = rng.choice([2, 3, 4, 6, 7, 8, 9]), rng.randint(2, 30) * 10
    p, part = tenths * 10, n // 10
    return Exercise(
        key=tuple(sorted((p, n))),  # 60 % of 70 is 70 % of 60
        questions=(
            f"¿Cuánto es el {p} % de {n}?",
            f"cuanto es {p}% de {n}",
            f"Calcula el {p} % de {n}.",
            f"el {p}% de los {n} alumnos de mi escuela va en bus, cuántos son?",
            f"{name(rng)} ya leyó el {p} % de un libro de {n} páginas. ¿Cuántas páginas leyó?",
        ),
        task=f"calcula el {p} % de {n}.",
        ideas=(
            "El 10 % es la décima parte; desde ahí llegas a cualquier decena.",
            "Empieza por el 10 %, que es muy fácil de hallar.",
            "Usa el 10 % como escalón: divide entre 10 y luego multiplica.",
        ),
        steps=(
            f"Halla el 10 %: {n}/10 = {part}.",
            f"Cuenta cuántas veces cabe el 10 % en {p} %: {p}/10 = {tenths}.",
            f"Multiplica: {tenths} · {part} = {tenths * part}.",
        ),
        result=f"{tenths * part}",
        check=f"{tenths * part}/{n} = 0.{tenths}, que es el {p} %.",
        expected=f"{tenths * part}",
        wrong=f"{n - p}" if n - p > 0 and n - p != tenths * part else f"{part}",
        remedy="el porcentaje no se resta, es una parte de la cantidad."
        if n - p > 0 and n - p != tenths * part
        else "ese es solo el 10 %.",
    )


def descuento(rng):
    tenths, price = rng.choice([1, 2, 3, 4]), rng.randint(3, 40) * 10
    p, part = tenths * 10, price // 10
    what = rng.choice(
        (
            "una camisa",
            "una mochila",
            "unos tenis",
            "un balón",
            "una gorra",
            "unos audífonos",
            "una lámpara",
            "un cuaderno grande",
            "una chamarra",
            "un juego de mesa",
        )
    )
    return Exercise(
        key=(p, price),
        questions=(
            f"{what} de {price} pesos tiene {p}% de descuento, cuanto pago",
            f"Hay {p} % de rebaja en {what} que vale {price} pesos. ¿Cuál es el precio final?",
            f"en oferta rebajan {p}% y yo quiero {what} de {price} pesos. cuánto pagaría?",
            f"{name(rng)} quiere comprar {what} de {price} pesos con {p} % de descuento. ¿Cuánto debe pagar?",
        ),
        task=f"una compra de {price} pesos tiene {p} % de descuento. ¿Cuánto pagas?",
        ideas=(
            "Calcula primero lo que te rebajan y después réstalo.",
            "El descuento es una parte del precio: hállala y quítala.",
            "Son dos cuentas: el descuento y la resta.",
        ),
        steps=(
            f"Halla el 10 %: {price}/10 = {part}.",
            f"El descuento es el {p} %: {tenths} · {part} = {tenths * part}.",
            f"Réstalo del precio: {price} - {tenths * part} = {price - tenths * part}.",
        ),
        result=f"{price - tenths * part} pesos",
        check=f"{price - tenths * part} + {tenths * part} = {price}, el precio sin rebaja.",
        expected=f"{price - tenths * part}",
        wrong=f"{tenths * part}",
        remedy="ese es el descuento, todavía falta restarlo del precio.",
    )


def regla_de_tres(rng):
    many, unit, wanted = rng.randint(2, 6), rng.randint(3, 12), rng.randint(3, 9)
    wanted += wanted == many
    what = rng.choice(("cuadernos", "tacos", "arepas", "lápices", "empanadas", "boletos", "jugos", "tamales", "pulseras", "marcadores"))
    return Exercise(
        key=(many, unit * many, wanted),
        questions=(
            f"Si {many} {what} cuestan {many * unit} pesos, ¿cuánto cuestan {wanted}?",
            f"pague {many * unit} pesos por {many} {what}, cuanto pagaria por {wanted}?",
            f"{name(rng)} compra {many} {what} por {many * unit} pesos. ¿Cuánto gastaría en {wanted}?",
            f"En la tienda dan {many} {what} a {many * unit} pesos. ¿Cuál es el precio de {wanted}?",
        ),
        task=f"si {many} {what} cuestan {many * unit} pesos, ¿cuánto cuestan {wanted}?",
        ideas=(
            "Averigua cuánto cuesta uno solo y después multiplica.",
            "El precio de uno es la llave de este problema.",
            "Reduce a la unidad: primero uno, luego los que quieres.",
        ),
        steps=(f"Precio de uno: {many * unit}/{many} = {unit}.", f"Precio de {wanted}: {wanted} · {unit} = {wanted * unit}."),
        result=f"{wanted * unit} pesos",
        check=f"{wanted * unit}/{wanted} = {unit}, el mismo precio por unidad.",
        expected=f"{wanted * unit}",
        wrong=f"{many * unit + wanted}",
        remedy="sumaste la cantidad al precio; hay que multiplicar por el precio de uno.",
    )


# --- equations and functions ---------------------------------------------------------------------


def un_paso(rng):
    x, a, sort = rng.randint(2, 15), rng.randint(2, 12), rng.choice("+-·")
    x += a if sort == "-" else 0  # the right side stays positive
    if sort == "+":
        equation, undo, move, wrong, right = f"x + {a} = {x + a}", f"{x + a} - {a} = {x}", f"resta {a}", x + 2 * a, x + a
        check = f"{x} + {a} = {x + a}"
    elif sort == "-":
        equation, undo, move, wrong, right = f"x - {a} = {x - a}", f"{x - a} + {a} = {x}", f"suma {a}", x - 2 * a, x - a
        check = f"{x} - {a} = {x - a}"
    else:
        equation, undo, move, wrong, right = f"{a}x = {a * x}", f"{a * x}/{a} = {x}", f"divide entre {a}", a * x - a, a * x
        check = f"{a} · {x} = {a * x}"
    done = {"+": f"suma {a} a la x", "-": f"resta {a} a la x", "·": f"multiplica la x por {a}"}[sort]
    return Exercise(
        key=(sort, a, right),
        questions=(
            f"Resuelve {equation}.",
            f"cuanto vale x en {equation}",
            f"¿Qué número es x si {equation}?",
            f"despejar x de {equation}",
            f"ayuda con la ecuacion {equation}",
        ),
        task=f"resuelve {equation}.",
        ideas=(
            "Deja sola la x con la operación contraria en los dos lados.",
            "Una ecuación es una balanza: lo que haces de un lado, lo haces del otro.",
            "Para despejar, deshaz lo que le pasa a la x.",
        ),
        steps=(f"La ecuación {done}.", f"Haz lo contrario en los dos lados: {move}.", f"Calcula el lado derecho: {undo}."),
        result=f"x = {x}",
        check=f"{check}, como pide la ecuación.",
        expected=f"x = {x}",
        wrong=f"x = {wrong}",
        remedy=f"no deshiciste la operación; {move} en los dos lados.",
    )


def dos_pasos(rng):
    x, a, b, sign = rng.randint(2, 9), rng.randint(2, 6), rng.randint(1, 9), rng.choice("+-")
    b = min(b, a * x - 1)
    right = a * x + b if sign == "+" else a * x - b
    back, verb = ("-", "Resta") if sign == "+" else ("+", "Suma")
    return Exercise(
        key=(a, sign, b, right),
        questions=(
            f"Resuelve {a}x {sign} {b} = {right}.",
            f"como despejo x en {a}x {sign} {b} = {right}",
            f"¿Cuál es la solución de {a}x {sign} {b} = {right}?",
            f"no entiendo cómo resolver {a}x {sign} {b} = {right}",
            f"{'El doble' if a == 2 else 'El triple'} de un número {'más' if sign == '+' else 'menos'} {b} es {right}. ¿Qué número es?"
            if a < 4
            else f"Halla x: {a}x {sign} {b} = {right}",
        ),
        task=f"resuelve {a}x {sign} {b} = {right}.",
        ideas=(
            "Primero quita el número suelto y después el que multiplica a la x.",
            "Se deshace en orden contrario: antes la suma o resta, luego la multiplicación.",
            "Son dos movimientos, y cada uno se hace en los dos lados.",
        ),
        steps=(
            f"{verb} {b} en los dos lados: {right} {back} {b} = {a * x}, y queda {a}x = {a * x}.",
            f"Divide entre {a}: {a * x}/{a} = {x}.",
        ),
        result=f"x = {x}",
        check=f"{a} · {x} {sign} {b} = {right}, como pide la ecuación.",
        expected=f"x = {x}",
        wrong=f"x = {a * x - a}",
        remedy=f"la última operación es dividir entre {a}, no restar {a}.",
    )


def sistema(rng):
    x, y = rng.randint(3, 12), rng.randint(1, 9)
    x, y = (x, y) if x > y else (y + 1, x)
    return Exercise(
        key=(x + y, x - y),
        questions=(
            f"Resuelve el sistema x + y = {x + y}, x - y = {x - y}.",
            f"tengo x + y = {x + y} y x - y = {x - y}, como saco x y y",
            f"La suma de dos números es {x + y} y su diferencia es {x - y}. ¿Cuáles son?",
            f"¿Qué valores cumplen a la vez x + y = {x + y} y x - y = {x - y}?",
        ),
        task=f"resuelve x + y = {x + y}, x - y = {x - y}.",
        ideas=(
            "Si sumas las dos ecuaciones, la y se cancela.",
            "Una tiene +y y la otra -y: al sumarlas queda solo la x.",
            "El método de reducción aquí pide sumar.",
        ),
        steps=(
            f"Suma lado con lado: 2x = {2 * x}, porque {x + y} + {x - y} = {2 * x}.",
            f"Divide entre 2: {2 * x}/2 = {x}, el valor de x.",
            f"Halla y con la primera: {x + y} - {x} = {y}.",
        ),
        result=f"x = {x}, y = {y}",
        check=f"{x} + {y} = {x + y} y {x} - {y} = {x - y}.",
        expected=f"x = {x}, y = {y}",
        wrong=f"x = {2 * x}, y = {y}",
        remedy="olvidaste dividir entre 2 después de sumar las ecuaciones.",
    )


def cuadratica(rng):
    a, b = sorted(rng.sample(range(1, 10), 2))
    equation = f"x^2 - {a + b}x + {a * b} = 0"
    return Exercise(
        key=(a, b),
        questions=(
            f"Resuelve {equation}.",
            f"como factorizo y resuelvo {equation}",
            f"¿Cuáles son las soluciones de {equation}?",
            f"halla las raices de {equation}",
        ),
        task=f"resuelve {equation}.",
        ideas=(
            "Busca dos números que sumados y multiplicados den los coeficientes.",
            "Si se puede factorizar, cada factor da una solución.",
            "Un producto es cero cuando uno de sus factores es cero.",
        ),
        steps=(
            f"Dos números que suman {a + b} y cuyo producto es {a * b}: {a} + {b} = {a + b} y {a} · {b} = {a * b}.",
            f"Factoriza: (x - {a})(x - {b}) = 0.",
            "Iguala cada factor a cero.",
        ),
        result=f"x = {a} o x = {b}",
        check=f"con x = {a}, {a}^2 - {a + b} · {a} + {a * b} = 0; con x = {b}, {b}^2 - {a + b} · {b} + {a * b} = 0.",
        expected=f"x = {a} o x = {b}",
        wrong=f"x = -{a} o x = -{b}",
        remedy=f"el factor x - {a} se anula con un número positivo; revisa los signos.",
    )


def evaluar(rng):
    a, b, x, letter = rng.randint(2, 9), rng.randint(1, 9), rng.randint(2, 9), rng.choice("fgh")
    return Exercise(
        key=(a, b, x),
        questions=(
            f"Si {letter}(x) = {a}x + {b}, ¿cuánto vale {letter}({x})?",
            f"evaluar {letter}(x) = {a}x + {b} en x = {x}",
            f"Calcula {letter}({x}) para la función {letter}(x) = {a}x + {b}.",
            f"que significa {letter}({x}) si {letter}(x) = {a}x + {b}? cuanto da",
        ),
        task=f"si {letter}(x) = {a}x + {b}, halla {letter}({x}).",
        ideas=(
            "Evaluar es poner el número en el lugar de la x.",
            "La función es una máquina: entra un número y sale otro.",
            f"Cambia la x por {x} y sigue el orden de las operaciones.",
        ),
        steps=(f"Multiplica: {a} · {x} = {a * x}.", f"Suma: {a * x} + {b} = {a * x + b}."),
        result=f"{letter}({x}) = {a * x + b}",
        check=f"de regreso, {a * x + b} - {b} = {a * x} y {a * x}/{a} = {x}.",
        expected=f"{a * x + b}",
        wrong=f"{a * (x + b)}",
        remedy=f"sumaste {b} antes de multiplicar; primero va la multiplicación.",
    )


# --- geometry ------------------------------------------------------------------------------------


def perimetro(rng):
    a, b = sorted(rng.sample(range(2, 15), 2), reverse=True)
    what = rng.choice(("un jardín", "un corral", "un patio", "un huerto", "un terreno", "un parque"))
    return Exercise(
        key=(a, b),
        questions=(
            f"¿Cuál es el perímetro de un rectángulo de {a} m por {b} m?",
            f"{what} mide {a} m por {b} m, cual es su perimetro",
            f"Halla el perímetro de un rectángulo con lados de {a} m y {b} m.",
            f"{name(rng)} quiere cercar {what} rectangular de {a} m de largo y {b} m de ancho. ¿Cuántos metros de cerca necesita?",
        ),
        task=f"halla el perímetro de un rectángulo de {a} m por {b} m.",
        ideas=(
            "El perímetro es lo que mide todo el borde.",
            "Imagina que caminas por la orilla: recorres los cuatro lados.",
            "Un rectángulo tiene dos largos y dos anchos.",
        ),
        steps=(f"Suma un largo y un ancho: {a} + {b} = {a + b}.", f"Multiplica por 2: 2 · {a + b} = {2 * (a + b)}."),
        result=f"{2 * (a + b)} m",
        check=f"lado por lado, {a} + {b} + {a} + {b} = {2 * (a + b)}.",
        expected=f"{2 * (a + b)}",
        wrong=f"{a * b}" if a * b != 2 * (a + b) else f"{a + b}",
        remedy="esa es el área; el perímetro suma los lados." if a * b != 2 * (a + b) else "sumaste solo dos lados, y son cuatro.",
    )


def area(rng):
    a, b, triangle = 2 * rng.randint(2, 8), rng.randint(3, 12), rng.random() < 0.5
    shape, half = ("triángulo", 2) if triangle else ("rectángulo", 1)
    steps = [f"Multiplica base por altura: {a} · {b} = {a * b}."]
    steps.append(f"El triángulo es la mitad: {a * b}/2 = {a * b // 2}." if triangle else "En el rectángulo ese producto ya es el área.")
    return Exercise(
        key=(shape, a, b),
        questions=(
            f"¿Cuál es el área de un {shape} de base {a} m y altura {b} m?",
            f"area de un {shape} con base {a} m y altura {b} m",
            f"Calcula el área de un {shape}: base {a} m, altura {b} m.",
            f"{name(rng)} pinta un {shape} de {a} m de base y {b} m de altura. ¿Cuántos metros cuadrados pinta?",
        ),
        task=f"halla el área de un {shape} de base {a} m y altura {b} m.",
        ideas=(
            "El área cuenta cuántos cuadritos caben en la figura.",
            "Base por altura da el área de un rectángulo; el triángulo es su mitad.",
            "Piensa en filas de cuadritos: tantos por fila y tantas filas.",
        ),
        steps=tuple(steps),
        result=f"{a * b // half} m^2",
        check=f"{half} · {a * b // half}/{a} = {b}, que es la altura." if triangle else f"{a * b}/{a} = {b}, que es la altura.",
        expected=f"{a * b // half}",
        wrong=f"{a * b}" if triangle else f"{2 * (a + b)}",
        remedy="te faltó la mitad: el triángulo ocupa medio rectángulo."
        if triangle
        else "ese es el perímetro; para el área se multiplica.",
    )


def pitagoras(rng):
    a, b, c = rng.choice(
        (
            (3, 4, 5),
            (6, 8, 10),
            (9, 12, 15),
            (12, 16, 20),
            (15, 20, 25),
            (5, 12, 13),
            (10, 24, 26),
            (8, 15, 17),
            (20, 21, 29),
            (7, 24, 25),
            (18, 24, 30),
            (16, 30, 34),
        )
    )
    return Exercise(
        key=(a, b),
        questions=(
            f"Los catetos de un triángulo rectángulo miden {a} y {b}. ¿Cuánto mide la hipotenusa?",
            f"hipotenusa si los catetos son {a} y {b}",
            f"Una rampa avanza {b} m y sube {a} m. ¿Cuánto mide la rampa?",
            f"camine {a} cuadras al norte y {b} al este, a que distancia en linea recta quede?",
        ),
        task=f"halla la hipotenusa si los catetos miden {a} y {b}.",
        ideas=(
            "El teorema de Pitágoras une los tres lados: c^2 = a^2 + b^2.",
            "El cuadrado de la hipotenusa es la suma de los cuadrados de los catetos.",
            "Hay un ángulo recto, así que sirve Pitágoras.",
        ),
        steps=(
            f"Cuadrados de los catetos: {a}^2 = {a * a} y {b}^2 = {b * b}.",
            f"Súmalos: {a * a} + {b * b} = {c * c}.",
            f"Saca la raíz: √({c * c}) = {c}.",
        ),
        result=f"{c}",
        check=f"{c}^2 = {c * c}, y la hipotenusa es el lado mayor.",
        expected=f"{c}",
        wrong=f"{a + b}",
        remedy="sumaste los catetos; hay que sumar sus cuadrados y sacar la raíz.",
    )


TRIANGLES = (
    (3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (12, 35, 37), (9, 40, 41),
    (28, 45, 53), (11, 60, 61), (16, 63, 65), (33, 56, 65), (48, 55, 73), (13, 84, 85), (36, 77, 85),
)  # fmt: skip


def razon(rng):
    a, b, c = rng.choice(TRIANGLES)
    a, b = rng.sample((a, b), 2)
    ratio, top, bottom, rule = rng.choice(
        (
            ("seno", a, c, "opuesto entre hipotenusa"),
            ("coseno", b, c, "adyacente entre hipotenusa"),
            ("tangente", a, b, "opuesto entre adyacente"),
        )
    )
    triangle = f"cateto opuesto {a}, cateto adyacente {b} e hipotenusa {c}"
    wrong = f"{bottom}/{top}"
    return Exercise(
        key=(a, b),
        questions=(
            f"En un triángulo rectángulo con {triangle}, ¿cuánto vale el {ratio}?"
            if ratio != "tangente"
            else f"En un triángulo rectángulo con {triangle}, ¿cuánto vale la tangente?",
            f"cual es {'la' if ratio == 'tangente' else 'el'} {ratio} si tengo {triangle}",
            f"Escribe como fracción {'la' if ratio == 'tangente' else 'el'} {ratio} de un ángulo con {triangle}.",
            f"no recuerdo cómo se saca {'la' if ratio == 'tangente' else 'el'} {ratio}; mi triángulo tiene {triangle}",
        ),
        task=f"halla {'la' if ratio == 'tangente' else 'el'} {ratio} con {triangle}.",
        ideas=(
            "Cada razón trigonométrica es una división entre dos lados.",
            "Elige los dos lados que pide la razón.",
            "Recuerda qué lados compara cada razón.",
        ),
        steps=(f"La regla: {ratio} es {rule}.", f"Los lados que necesitas son {top} y {bottom}.", f"Escribe la fracción {top}/{bottom}."),
        result=f"{top}/{bottom}",
        check=f"{a}^2 + {b}^2 = {c}^2, así que el triángulo es rectángulo.",
        expected=f"{top}/{bottom}",
        wrong=wrong,
        remedy=f"volteaste la fracción: {ratio} es {rule}.",
    )


# --- statistics and probability ------------------------------------------------------------------


def media(rng):
    count, mean = rng.choice((3, 4)), rng.randint(4, 12)
    data = [
        mean + step
        for step in rng.choice(
            ((-2, 0, 2), (-1, 0, 1), (-3, 1, 2), (-2, -1, 3))
            if count == 3
            else ((-2, -1, 1, 2), (-3, 0, 1, 2), (-1, -1, 0, 2), (-3, -1, 2, 2))
        )
    ]
    rng.shuffle(data)
    listed, total = " + ".join(map(str, data)), sum(data)
    spoken = ", ".join(map(str, data[:-1])) + f" y {data[-1]}"
    return Exercise(
        key=tuple(sorted(data)),
        questions=(
            f"¿Cuál es la media de {spoken}?",
            f"promedio de {spoken}",
            f"Calcula el promedio de estos datos: {spoken}.",
            f"{name(rng)} sacó {spoken} puntos en sus partidas. ¿Cuál es su promedio?",
            f"como saco la media de {spoken}",
        ),
        task=f"halla la media de {spoken}.",
        ideas=(
            "La media reparte el total en partes iguales.",
            "Promediar es sumar todo y dividir entre cuántos datos hay.",
            "Imagina que juntas todo y lo repartes por igual.",
        ),
        steps=(f"Suma los datos: {listed} = {total}.", f"Cuenta los datos: son {count}.", f"Divide: {total}/{count} = {mean}."),
        result=f"{mean}",
        check=f"{count} · {mean} = {total}, la suma de los datos.",
        expected=f"{mean}",
        wrong=f"{total}",
        remedy=f"esa es la suma; falta dividirla entre {count}.",
    )


def bolsa(rng):
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    while math.gcd(a, b) > 1 or a == b:
        a, b = rng.randint(1, 9), rng.randint(1, 9)
    total = a + b
    things = rng.choice(("canicas", "fichas", "pelotas", "tarjetas", "bolitas"))
    first, second = rng.sample(("rojas", "azules", "verdes", "blancas", "negras", "amarillas"), 2)
    one = alone(first)
    balls = f"{a} {things} {first}" if a > 1 else f"1 {alone(things)} {one}"
    others = f"{b} {second if b > 1 else alone(second)}"
    return Exercise(
        key=(a, b),
        questions=(
            f"Una bolsa tiene {balls} y {others}. ¿Cuál es la probabilidad de sacar una {one}?",
            f"tengo {balls} y {others} en una caja, que probabilidad hay de que salga {one}",
            f"De {balls} y {others} se elige una al azar. Halla la probabilidad de que sea {one}.",
            f"{name(rng)} mete en un frasco {balls} y {others} y saca una sin mirar. ¿Probabilidad de {one}?",
        ),
        task=f"en una caja hay {balls} y {others}. ¿Qué probabilidad hay de sacar una {one}?",
        ideas=(
            "La probabilidad compara los casos favorables con todos los casos.",
            "Cuenta las que te sirven y divide entre el total.",
            "Favorables entre posibles: esa es la regla.",
        ),
        steps=(
            f"Casos favorables: hay {a} {first if a > 1 else one}.",
            f"Casos posibles: {a} + {b} = {total}.",
            f"Divide los favorables entre los posibles: {a}/{total}.",
        ),
        result=f"{a}/{total}",
        check=f"{a}/{total} + {b}/{total} = 1, todas las opciones juntas.",
        expected=f"{a}/{total}",
        wrong=f"{a}/{b}",
        remedy="comparaste un color con el otro; abajo va el total.",
    )


# --- calculus ------------------------------------------------------------------------------------


def derivada(rng):
    a, n = rng.randint(1, 9), rng.randint(2, 7)
    f, d = power(a, n), power(a * n, n - 1)
    return Exercise(
        key=(a, n),
        questions=(
            f"Deriva f(x) = {f}.",
            f"cual es la derivada de {f}",
            f"¿Cuál es f'(x) si f(x) = {f}?",
            f"como derivo {f} con la regla de la potencia",
        ),
        task=f"deriva f(x) = {f}.",
        ideas=(
            "La regla de la potencia: el exponente baja a multiplicar y se reduce en uno.",
            "Baja el exponente y luego réstale uno.",
            "Aquí basta la regla de la potencia.",
        ),
        steps=(
            f"Baja el exponente a multiplicar: {n} · {a} = {a * n}.",
            f"Resta uno al exponente: {n} - 1 = {n - 1}.",
            f"Junta las dos partes: {d}.",
        ),
        result=f"f'(x) = {d}",
        check=f"de regreso, {a * n}/{n} = {a} y el exponente vuelve a ser {n}.",
        expected=d,
        wrong=power(a * n, n),
        remedy="bajaste bien el exponente, pero falta restarle uno.",
    )


def integral(rng):
    n, c = rng.randint(1, 5), rng.randint(1, 6)
    a = c * (n + 1)
    f, whole = power(a, n), power(c, n + 1)
    return Exercise(
        key=(a, n),
        questions=(
            f"Calcula la integral de {f}.",
            f"integral indefinida de {f}",
            f"¿Cuál es una primitiva de {f}? Pon la constante.",
            f"como integro {f}",
        ),
        task=f"integra {f}.",
        ideas=(
            "Integrar es el camino inverso de derivar.",
            "Busca qué función tiene esa derivada.",
            "El exponente sube uno y se divide entre el exponente nuevo.",
        ),
        steps=(
            f"Suma uno al exponente: {n} + 1 = {n + 1}.",
            f"Divide entre el exponente nuevo: {a}/{n + 1} = {c}.",
            "Agrega la constante C.",
        ),
        result=f"{whole} + C",
        check=f"al derivar, {n + 1} · {c} = {a} y el exponente baja a {n}.",
        expected=f"{whole} + C",
        wrong=f"{power(a, n + 1)} + C",
        remedy=f"subiste el exponente, pero falta dividir entre {n + 1}.",
    )


def limite(rng):
    a, b, point = rng.randint(2, 6), rng.randint(1, 9), rng.randint(2, 6)
    return Exercise(
        key=(a, b, point),
        questions=(
            f"¿Cuál es el límite de {a}x + {b} cuando x tiende a {point}?",
            f"limite de {a}x + {b} si x tiende a {point}",
            f"Calcula el límite de f(x) = {a}x + {b} cuando x se acerca a {point}.",
            f"a que valor se acerca {a}x + {b} cuando x se acerca a {point}",
        ),
        task=f"halla el límite de {a}x + {b} cuando x tiende a {point}.",
        ideas=(
            "Es un polinomio, no tiene saltos: basta sustituir.",
            "En una recta el límite es el valor de la función en ese punto.",
            "Mira a qué valor llega la función cuando x se acerca.",
        ),
        steps=(f"Sustituye x por {point}: {a} · {point} = {a * point}.", f"Suma: {a * point} + {b} = {a * point + b}."),
        result=f"{a * point + b}",
        check=f"cerca de {point}, con x = {point}.1, {a} · {point}.1 + {b} = {a * point + b}.{a}, muy próximo.",
        expected=f"{a * point + b}",
        wrong=f"{a * point}",
        remedy=f"te faltó sumar {b}.",
    )


KINDS = {  # drill: (tags, difficulty, training rows, held-out rows)
    suma: (("numeros",), 1, 10, 3),
    resta: (("numeros",), 1, 10, 3),
    producto: (("numeros",), 1, 8, 2),
    potencia: (("numeros", "potencias"), 1, 7, 2),
    simplificar: (("fracciones",), 1, 8, 2),
    fracciones_iguales: (("fracciones",), 1, 22, 4),
    fracciones_distintas: (("fracciones",), 2, 8, 2),
    porcentaje: (("porcentajes",), 1, 15, 3),
    descuento: (("porcentajes",), 2, 7, 2),
    regla_de_tres: (("proporciones",), 2, 7, 2),
    un_paso: (("ecuaciones",), 1, 20, 4),
    dos_pasos: (("ecuaciones",), 2, 17, 3),
    sistema: (("ecuaciones", "sistemas"), 3, 7, 2),
    cuadratica: (("ecuaciones", "cuadraticas"), 3, 6, 2),
    evaluar: (("funciones",), 2, 12, 2),
    perimetro: (("geometria",), 1, 12, 3),
    area: (("geometria", "areas"), 1, 8, 2),
    pitagoras: (("geometria", "pitagoras"), 2, 5, 2),
    razon: (("trigonometria",), 2, 14, 2),
    media: (("estadistica",), 2, 11, 2),
    bolsa: (("probabilidad",), 1, 22, 4),
    derivada: (("derivadas",), 2, 20, 4),
    integral: (("integrales",), 3, 7, 2),
    limite: (("limites",), 3, 5, 1),
}

TAUGHT = {
    "potencia": {(8, 2)},
    "dos_pasos": {(2, "+", 1, 7)},
    "derivada": {(1, 2), (1, 3), (7, 3)},
    "integral": {(2, 1), (3, 2), (6, 1)},
    "sistema": {(10, 4), (9, 5)},
}
"""Numbers that a written training row works out: they are not held out."""

# --- words ---------------------------------------------------------------------------------------

NAMES = (
    "Ximena",
    "Mateo",
    "Lupita",
    "Thiago",
    "Camila",
    "Santiago",
    "Valentina",
    "Benjamín",
    "Yamila",
    "Joaquín",
    "Renata",
    "Emiliano",
    "Nayeli",
    "Facundo",
    "Itzel",
    "Bruno",
    "Antonella",
    "Wilmer",
    "Dayana",
    "Gael",
)
THINGS = ("estampas", "canicas", "galletas", "fichas", "naranjas", "monedas", "tarjetas", "semillas", "pulseras", "mandarinas")
DISHES = ("una pizza", "un pastel", "una tarta", "una sandía", "un queso", "una barra de chocolate")
RIGHT = (
    "¡Exacto! Vamos a ver por qué funciona.",
    "¡Muy bien! Así queda ordenado.",
    "Correcto, y estos son los pasos.",
    "¡Eso es! Repasemos el camino.",
)
WRONG = ("Casi:", "Vas cerca:", "Revisemos:", "Buen intento, pero")
LOST = (
    "No pasa nada, lo hacemos juntos.",
    "Calma, vamos de a poco.",
    "Está bien no saberlo todavía; mira.",
    "Para eso estamos: paso a paso.",
)
SAID = ("me da {}", "{}", "creo que es {}", "sale {}", "{}?", "Mi resultado es {}.")
UNKNOWN = ("no sé", "no se cómo empezar", "no me sale", "ni idea", "no sé, ¿me ayudas?")


def name(rng):
    return rng.choice(NAMES)


def thing(rng):
    return rng.choice(THINGS)


def alone(plural):
    """The word for one of them."""
    return {"azules": "azul", "verdes": "verde"}.get(plural, plural[:-1])


def dish(rng):
    return rng.choice(DISHES)


def power(a, n):
    """a·x^n as it is written."""
    return ("" if a == 1 else str(a)) + ("x" if n == 1 else f"x^{n}")


# --- rows ----------------------------------------------------------------------------------------


def answer(opening, exercise, task):
    """What the tutor says: why, steps, result, check, and a similar exercise."""
    steps = [f"Paso {number}: {step}" for number, step in enumerate(exercise.steps, 1)]
    return "\n".join([opening, *steps, f"Resultado: {exercise.result}.", f"Comprobación: {exercise.check}", f"Te toca: {task}"])


def conversation(rng, draw, follow):
    """Question and answer; with ``follow`` the student's try at the exercise and the tutor's answer to it. No exercise comes twice."""
    asked, second, third = draw(rng), draw(rng), draw(rng)
    spare = random.Random(f"{SEED}-{asked.key}-{second.key}")  # its own: one drill that is drawn again must not change all that follow
    while second.key == asked.key:
        second = draw(spare)
    while third.key in (asked.key, second.key):
        third = draw(spare)
    turns = [rng.choice(asked.questions), answer(rng.choice(asked.ideas), asked, second.task)]
    if not follow:
        return asked, asked, turns
    if follow == "wrong":
        said, opening = rng.choice(SAID).format(second.wrong), f"{rng.choice(WRONG)} {second.remedy}"
    elif follow == "lost":
        said, opening = rng.choice(UNKNOWN), f"{rng.choice(LOST)} {rng.choice(second.ideas)}"
    else:
        said, opening = rng.choice(SAID).format(second.expected), rng.choice(RIGHT)
    return asked, second, [*turns, said, answer(opening, second, third.task)]


def drills():
    """The rows of both files: {"train": [...], "eval": [...]}. The held-out ones are drawn first, so that nothing trains on them."""
    rows, asked_before = {"train": [], "eval": []}, []
    for place, (kind, (tags, difficulty, *counts)) in enumerate(KINDS.items()):
        rng = random.Random(f"{SEED}-{kind.__name__}")
        held_out, used = set(), set()

        def draw(source):
            while True:
                exercise = kind(source)  # noqa: B023
                if exercise.key not in held_out and exercise.expected != exercise.wrong:  # noqa: B023
                    return exercise

        for file, count in (("eval", counts[1]), ("train", counts[0])):
            for number in range(count):
                ways = ("wrong", "lost", "right") if file == "train" else ("wrong", "lost")  # a right try gives the result away
                second_turn = number % 5 in (2, 4) if file == "train" else number == 2
                follow = ways[(place + number // 2) % len(ways)] if second_turn else ""
                while True:
                    asked, last, turns = conversation(rng, draw, follow)
                    words = frozenset(words_of(" ".join(turns[::2])))
                    taken = used | TAUGHT.get(kind.__name__, set()) if file == "eval" else used
                    if not {asked.key, last.key} & taken and all(len(words & other) * 5 < len(words | other) * 4 for other in asked_before):
                        break
                used |= {asked.key, last.key}
                asked_before.append(words)
                rows[file].append(row(f"gen-{kind.__name__}-{file}-{number + 1:02d}", turns, tags, difficulty, last.expected))
                if file == "eval":
                    held_out |= {asked.key, last.key}
    return rows


def row(identifier, turns, tags, difficulty, expected):
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)]
    return {"messages": messages, "expected": {"answer": expected}, "tags": list(tags), "difficulty": difficulty, "id": identifier}


def words_of(text):
    """Words, numbers and operators without case and accents, as the hub compares questions."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return re.findall(r"\w+|[-+*/^=<>%√×÷·]", plain)


def main():
    changed = []
    for file, made in drills().items():
        path = DATA / f"{file}.jsonl"
        before = path.read_text(encoding="utf-8")
        written = [line for line in before.splitlines() if not json.loads(line).get("id", "").startswith("gen-")]
        after = "\n".join([*written, *(json.dumps(one, ensure_ascii=False) for one in made)]) + "\n"
        if after != before:
            changed.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(after, encoding="utf-8", newline="\n")
        print(f"{path.name}: {len(written)} written, {len(made)} drills")
    if "--check" in sys.argv and changed:
        sys.exit(f"these files hold something else: {', '.join(changed)}")


if __name__ == "__main__":
    main()
