"""Writes the drills of this course: the rows with an id "gen-..." in data/train.jsonl and data/eval.jsonl, after the written ones.

    python generate.py            replace all drills by new ones; the same program always writes the same bytes
    python generate.py --check    change nothing; exit code 1 when the files hold something else

Every result and every test comes from running the function that the answer shows. Neither the name nor the body of a held-out function
is trained, not even with other names in it, and no question is nearly another one. To add a kind, write a function that draws a ``Task``
and name it in ``KINDS``.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
import random
import re
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
SEED = 2026


class Task(NamedTuple):
    """One function that a student is asked to write."""

    name: str
    params: str
    goal: str  # what it does, as an infinitive: "contar los pares"
    wish: str  # the same after "que": "cuente los pares"
    body: tuple  # lines of the function
    calls: tuple  # arguments; the answer shows the first call, the tests make all of them
    ideas: tuple  # ways to begin the explanation
    trace: str  # the first call explained; {result} is what it returns
    questions: tuple  # to think about
    wrong: tuple  # lines of a usual wrong try
    remedy: str  # what is wrong there
    imports: str = ""


# --- lists of numbers ----------------------------------------------------------------------------

LISTS = ("numeros", "lista", "valores", "datos", "notas", "edades", "precios", "puntos", "metas", "pasos")


def condition(rng):
    """A property of numbers: (in words, in names, in Python)."""
    k = rng.randint(2, 8)
    return rng.choice(
        (
            *PLAIN,
            (f"los mayores que {k}", "mayores", f"n > {k}"),
            (f"los menores que {k}", "menores", f"n < {k}"),
            (f"los múltiplos de {k + 1}", "multiplos", f"n % {k + 1} == 0"),
            (f"los distintos de {k}", "distintos", f"n != {k}"),
            (f"los iguales a {k}", "iguales", f"n == {k}"),
            (f"los que están entre 1 y {k + 1}", f"hasta_{k + 1}", f"1 <= n <= {k + 1}"),
            (f"los que valen {k} o más", f"desde_{k}", f"n >= {k}"),
        )
    )


PLAIN = (
    ("los números pares", "pares", "n % 2 == 0"),
    ("los números impares", "impares", "n % 2 == 1"),
    ("los positivos", "positivos", "n > 0"),
    ("los negativos", "negativos", "n < 0"),
)
"""What everybody meets first: always trained, never held out."""


def meeting(rng, test, count=4):
    """A list of small numbers of which some meet the condition and some do not."""
    k = int(re.findall(r"\d+", test)[-1])
    while True:
        numbers = [rng.choice((rng.randint(-4, 12), rng.randint(1, 9), k)) for _ in range(count)]
        good = [n for n in numbers if eval(test, {"n": n})]
        if 0 < len(good) < count and len(set(numbers)) == count:
            return numbers, good


def contar(rng):
    words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    return Task(
        name=f"{rng.choice(('contar', 'cuantos', 'cantidad', 'cuenta', 'numero_de'))}_{tail}",
        params=p,
        goal=f"contar {words} de una lista",
        wish=f"cuente {words} de una lista",
        body=("total = 0", f"for n in {p}:", f"    if {test}:", "        total += 1", "return total"),
        calls=((numbers,), (meeting(rng, test, 6)[0],), ([],), (meeting(rng, test, 3)[0],)),
        ideas=(
            f"Contar es llevar un total que sube de a 1: recorre la lista y suma 1 por cada elemento con {test}.",
            f"Usa un contador que empieza en 0 y crece solo cuando se cumple {test}.",
            f"Es como marcar una rayita en el cuaderno cada vez que se cumple {test}.",
        ),
        trace=f"{met(good)}: el contador llega a {{result}}.",
        questions=("qué devuelve con una lista vacía y por qué", "qué línea cambiarías para sumar los valores en lugar de contarlos"),
        wrong=("total = 0", f"for n in {p}:", f"    if {test}:", "        total += n", "return total"),
        remedy="sumabas el valor de cada elemento; para contar se agrega 1.",
    )


def sumar(rng):
    words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    return Task(
        name=f"{rng.choice(('sumar', 'suma', 'total', 'acumular', 'juntar'))}_{tail}",
        params=p,
        goal=f"sumar {words} de una lista",
        wish=f"sume {words} de una lista",
        body=("total = 0", f"for n in {p}:", f"    if {test}:", "        total += n", "return total"),
        calls=((numbers,), (meeting(rng, test, 6)[0],), ([],), (meeting(rng, test, 3)[0],)),
        ideas=(
            f"Lleva un total que empieza en 0 y agrégale cada elemento con {test}.",
            f"Como en la caja de una tienda: el total crece con cada elemento que cumple {test}.",
            f"Recorre la lista una vez y acumula solo cuando se cumple {test}.",
        ),
        trace=f"{met(good)}: el total es {{result}}.",
        questions=("por qué el total debe empezar en 0", "qué línea cambiarías para contar en lugar de sumar"),
        wrong=("total = 0", f"for n in {p}:", f"    if {test}:", "        total = n", "return total"),
        remedy="con = guardabas solo el último valor; con += se acumulan todos.",
    )


def filtrar(rng):
    words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    return Task(
        name=f"{rng.choice(('filtrar', 'solo', 'elegir', 'separar', 'dejar'))}_{tail}",
        params=p,
        goal=f"obtener una lista con {words}",
        wish=f"devuelva una lista con {words}",
        body=("nueva = []", f"for n in {p}:", f"    if {test}:", "        nueva.append(n)", "return nueva"),
        calls=((numbers,), (meeting(rng, test, 6)[0],), ([],), (meeting(rng, test, 3)[0],)),
        ideas=(
            f"Filtrar es llenar una lista nueva solo con los elementos que cumplen {test}.",
            f"Es como un colador: recorre todo y deja pasar lo que cumple {test}.",
            f"Empieza con una lista vacía y agrega cada elemento con {test}.",
        ),
        trace=f"{met(good)}, y la lista nueva conserva el orden.",
        questions=("por qué conviene no cambiar la lista original", "cómo quedaría escrita con una lista por comprensión"),
        wrong=("nueva = []", f"for n in {p}:", f"    if {test}:", "        nueva.append(n)", "    return nueva"),
        remedy="el return está dentro del ciclo y termina en la primera vuelta; va al final, fuera del for.",
    )


def existe(rng):
    words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    one = re.sub("^los números |^los ", "números ", words)
    return Task(
        name=f"{rng.choice(('hay', 'existen', 'tiene', 'aparecen'))}_{tail}",
        params=p,
        goal=f"decir con True o False si hay {one} en una lista",
        wish=f"diga con True o False si hay {one} en una lista",
        body=(f"for n in {p}:", f"    if {test}:", "        return True", "return False"),
        calls=((numbers,), ([n for n in numbers if n not in good],), ([],), (good,)),
        ideas=(
            f"Basta encontrar uno: en cuanto se cumple {test} la respuesta es True.",
            f"Busca un ejemplo con {test}; solo si terminas sin hallarlo respondes False.",
            "Es como buscar una llave: al encontrarla paras, y solo dices que no está después de mirar todo.",
        ),
        trace=f"El primero que cumple es {good[0]}, así que el resultado es {{result}}.",
        questions=("por qué el return False va fuera del ciclo", "qué responde con una lista vacía"),
        wrong=(f"for n in {p}:", f"    if {test}:", "        return True", "    return False"),
        remedy="el return False dentro del ciclo se rinde en el primer elemento; va después del for.",
    )


def todos(rng):
    words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    bad = next(n for n in numbers if n not in good)
    what = re.sub("^(los que|los números|los) ", lambda found: "" if found[1] == "los que" else "son ", words)
    what = f"si todos los elementos de una lista {what}"
    return Task(
        name=f"{rng.choice(('todos', 'son_todos', 'solo_hay', 'revisar'))}_{tail}",
        params=p,
        goal=f"decir con True o False {what}",
        wish=f"diga con True o False {what}",
        body=(f"for n in {p}:", f"    if not {test}:", "        return False", "return True"),
        calls=((numbers,), (good,), ([],), ([*good, bad],)),
        ideas=(
            f"Un solo elemento que no cumpla {test} basta para responder False.",
            f"Busca uno que falle: si nadie rompe {test}, la respuesta es True.",
            "Como al revisar las firmas de una lista: si falta una, ya no está completa.",
        ),
        trace=f"El {bad} no cumple, así que el resultado es {{result}}.",
        questions=("por qué con una lista vacía la respuesta es True", "qué contraejemplo corto probarías"),
        wrong=(f"for n in {p}:", f"    if {test}:", "        return True", "return False"),
        remedy="con el primero que cumple ya decías True; hay que mirar a todos y parar solo ante uno que falle.",
    )


def primero(rng):
    words, tail, test = condition(rng)
    while tail == "iguales":  # the answer would stand in the question
        words, tail, test = condition(rng)
    numbers, good = meeting(rng, test)
    p = rng.choice(LISTS)
    one = {"mayores": "mayor_que", "menores": "menor_que", "distintos": "distinto_de"}.get(tail, re.sub("(?<=[aou])s$|es$", "", tail))
    return Task(
        name=f"{rng.choice(('primer', 'buscar', 'encontrar', 'hallar'))}_{one}",
        params=p,
        goal=f"buscar el primero de {words} en una lista, o None si no hay",
        wish=f"devuelva el primero de {words} de una lista, o None si no hay",
        body=(f"for n in {p}:", f"    if {test}:", "        return n", "return None"),
        calls=((numbers,), (numbers[::-1],), ([],), ([n for n in numbers if n not in good],)),
        ideas=(
            f"Es una búsqueda lineal: mira en orden y entrega el primero con {test}.",
            f"Revisa uno por uno y detente en cuanto se cumpla {test}.",
            "Como quien busca en una fila desde adelante: se queda con el primero que sirve.",
        ),
        trace="El primero que cumple es {result}.",
        questions=("cómo devolverías el último en lugar del primero", "cuántos elementos mira si ninguno cumple"),
        wrong=(f"for n in {p}:", f"    if {test}:", "        return n", "    return None"),
        remedy="el return None dentro del ciclo abandona en el primer elemento; va después del for.",
    )


def mapear(rng):
    k, b = rng.randint(2, 9), rng.randint(1, 9)
    words, tail, value = rng.choice(
        (
            ("el doble de cada elemento", "dobles", "n * 2"),
            ("el triple de cada elemento", "triples", "n * 3"),
            ("el cuadrado de cada elemento", "cuadrados", "n * n"),
            (f"cada elemento más {k}", f"mas_{k}", f"n + {k}"),
            (f"cada elemento menos {k}", f"menos_{k}", f"n - {k}"),
            (f"cada elemento multiplicado por {k}", f"por_{k}", f"n * {k}"),
            ("el opuesto de cada elemento", "opuestos", "-n"),
            (f"cada elemento por {k} y más {b}", f"por_{k}_mas_{b}", f"n * {k} + {b}"),
            (f"lo que le falta a cada elemento para llegar a {k}", f"falta_{k}", f"{k} - n"),
        )
    )
    numbers = rng.sample(range(1, 10), 3)
    p = rng.choice(LISTS)
    return Task(
        name=f"{rng.choice(('lista', 'calcular', 'hacer', 'sacar', 'obtener'))}_{tail}",
        params=p,
        goal=f"obtener una lista con {words}",
        wish=f"devuelva una lista con {words}",
        body=("nueva = []", f"for n in {p}:", f"    nueva.append({value})", "return nueva"),
        calls=((numbers,), (rng.sample(range(-5, 10), 4),), ([],), ([0, 1],)),
        ideas=(
            f"A cada elemento le corresponde otro: recorre la lista y agrega {value} a una nueva.",
            f"Es una fábrica: entra n y sale {value}, uno por uno y en el mismo orden.",
            f"Empieza con una lista vacía y agrega {value} en cada vuelta.",
        ),
        trace=f"Cada n se cambia por {value}, y queda {{result}}.",
        questions=("cómo la escribirías con una lista por comprensión", "por qué la lista nueva tiene el mismo largo que la original"),
        wrong=("nueva = []", f"for n in {p}:", f"    nueva = [{value}]", "return nueva"),
        remedy="en cada vuelta creabas otra lista y solo quedaba el último; usa append.",
    )


def extremo(rng):
    word, sign = rng.choice((("mayor", ">"), ("menor", "<")))
    k, p = rng.randint(3, 9), rng.choice(LISTS)
    what, tail, key = rng.choice(
        (
            (f"el {word} elemento de una lista sin usar {'max' if word == 'mayor' else 'min'}", "", "{}"),
            (f"el elemento de {word} resto al dividir por {k} (si empatan, el primero)", f"_resto_{k}", f"{{}} % {k}"),
            (f"el elemento de {word} distancia a {k} (si empatan, el primero)", f"_distancia_{k}", f"abs({{}} - {k})"),
        )
    )
    names = {"mayor": ("maximo", "el_mayor", "mas_alto", "mas_grande"), "menor": ("minimo", "el_menor", "mas_bajo", "mas_chico")}
    numbers = rng.sample(range(1, 20), 4)
    negative = [-n for n in rng.sample(range(1, 9), 3)]
    return Task(
        name=rng.choice(names[word]) + (tail or rng.choice(("", f"_de_{p}", "_lista"))),
        params=p,
        goal=f"hallar {what}",
        wish=f"devuelva {what}",
        body=(
            f"mejor = {p}[0]",
            f"for n in {p}:",
            f"    if {key.format('n')} {sign} {key.format('mejor')}:",
            "        mejor = n",
            "return mejor",
        ),
        calls=((numbers,), (negative,), ([7],), (rng.sample(range(1, 20), 5),)),
        ideas=(
            "Guarda el mejor visto hasta ahora y compáralo con cada elemento.",
            "Como en un torneo: el que va ganando se queda hasta que llega uno mejor.",
            "Empieza con el primero y cámbialo cada vez que aparezca uno mejor.",
        ),
        trace=f"Empieza en {numbers[0]} y termina en {{result}}.",
        questions=("por qué empezamos con el primer elemento y no con 0", "qué pasa si la lista está vacía"),
        wrong=(
            "mejor = 0",
            f"for n in {p}:",
            f"    if {key.format('n')} {sign} {key.format('mejor')}:",
            "        mejor = n",
            "return mejor",
        ),
        remedy="el 0 puede no estar en la lista y ganarles a todos; empieza con el primer elemento.",
    )


def posicion(rng):
    p, x = rng.choice(("lista", "numeros", "codigos", "turnos")), rng.choice(("x", "buscado", "meta", "valor"))
    things = rng.sample(range(1, 20), 4)
    sign, said = rng.choice((("==", "igual a"), ("==", "igual a"), (">", "mayor que"), ("<", "menor que"), ("!=", "distinto de")))
    first = rng.random() < 0.7
    target = things[rng.choice((1, 2))]
    what = f"la posición del {'primer' if first else 'último'} elemento {said} {x}, o -1 si no hay"
    places = f"range(len({p}))" if first else f"range(len({p}) - 1, -1, -1)"
    tail = {"==": ("", "_de", f"_{p}"), ">": ("_mayor",), "<": ("_menor",), "!=": ("_distinto",)}[sign]
    return Task(
        name=rng.choice(("posicion", "indice", "donde_esta", "ubicar", "lugar", "localizar"))
        + rng.choice(tail)
        + ("" if first else "_final"),
        params=f"{p}, {x}",
        goal=f"devolver {what}",
        wish=f"devuelva {what}",
        body=(f"for i in {places}:", f"    if {p}[i] {sign} {x}:", "        return i", "return -1"),
        calls=((things, target), (things, things[0]), ([5, 5, 5], 5), ([4, 9, 4, 9], 4), ([4, 9, 4, 9], 9), ([], 1)),
        ideas=(
            f"Es la búsqueda lineal: revisa cada posición {'desde la 0' if first else 'desde la última'} y para al encontrarlo.",
            "Mira casilla por casilla; solo al terminar puedes decir que no está.",
            "Como buscar un salón por el pasillo: lees cada puerta en orden.",
        ),
        trace="Las posiciones se cuentan desde 0, y el resultado es {result}.",
        questions=("cuántas comparaciones hace si ninguno cumple", "qué ganarías si la lista estuviera ordenada"),
        wrong=(f"for i in {places}:", f"    if {p}[i] {sign} {x}:", "        return i", "    return -1"),
        remedy="el return -1 dentro del ciclo se rinde en la primera casilla; va después del for.",
    )


def ordenar(rng):
    p, down = rng.choice(LISTS), rng.choice((True, False))
    order, sign = ("de mayor a menor", ">") if down else ("de menor a mayor", "<")
    way, key = rng.choice(("selección", "inserción", "burbuja")), rng.choice(("{}", "{}", "abs({})"))
    by = "" if key == "{}" else " según su valor absoluto"
    numbers = rng.sample(range(1, 15), 4)
    lines = {
        "selección": (
            "for i in range(len(copia)):",
            "    m = i",
            "    for j in range(i + 1, len(copia)):",
            f"        if {key.format('copia[j]')} {sign} {key.format('copia[m]')}:",
            "            m = j",
            "    copia[i], copia[m] = copia[m], copia[i]",
        ),
        "inserción": (
            "for i in range(1, len(copia)):",
            "    j = i",
            f"    while j > 0 and {key.format('copia[j]')} {sign} {key.format('copia[j - 1]')}:",
            "        copia[j], copia[j - 1] = copia[j - 1], copia[j]",
            "        j -= 1",
        ),
        "burbuja": (
            "for vuelta in range(len(copia)):",
            "    for j in range(len(copia) - 1):",
            f"        if {key.format('copia[j + 1]')} {sign} {key.format('copia[j]')}:",
            "            copia[j], copia[j + 1] = copia[j + 1], copia[j]",
        ),
    }[way]
    ideas = {
        "selección": (
            f"Lugar por lugar: busca entre los que faltan quién debe ir ahí, {order}, y haz un solo intercambio.",
            f"Como formar una fila {order}: el primer lugar se decide mirando a todos, luego el segundo.",
        ),
        "inserción": (
            "La parte izquierda siempre está ordenada; cada elemento nuevo retrocede hasta su lugar.",
            "Como las cartas en la mano: tomas una y la corres a la izquierda hasta donde le toca.",
        ),
        "burbuja": (
            "Compara vecinos y cámbialos si están al revés; repite tantas vueltas como elementos.",
            "Como burbujas que suben: en cada vuelta un elemento llega a su lugar del final.",
        ),
    }[way]
    spread = rng.sample((-9, 7, -5, 4, -3, 8, 1), 5)  # no two of the same absolute value: ties would leave the order open
    return Task(
        name=rng.choice(("ordenar", "acomodar", "poner_en_orden", "clasificar", "formar"))
        + rng.choice(("", f"_{p}", "_bajando" if down else "_subiendo"))
        + ("_abs" if by else ""),
        params=p,
        goal=f"ordenar una lista {order}{by} por {way}",
        wish=f"devuelva la lista ordenada {order}{by} por {way}",
        body=(f"copia = {p}[:]", *lines, "return copia"),
        calls=((numbers,), (spread,), ([],), ([3, 1, 3],)),
        ideas=ideas,
        trace="Al terminar la lista queda {result}.",
        questions=("por qué trabajamos sobre una copia", "cuántas comparaciones hace con 4 elementos"),
        wrong=(f"copia = {p}[:]", f"return copia.sort({'reverse=True' if down else ''})"),
        remedy=f"sort() ordena la lista en su lugar y devuelve None; además se pide hacerlo por {way}.",
    )


# --- texts ---------------------------------------------------------------------------------------

WORDS = (
    "casa",
    "mango",
    "luna",
    "perro",
    "tortilla",
    "arepa",
    "piedra",
    "sopa",
    "ventana",
    "camino",
    "lago",
    "cometa",
    "maracuya",
    "tambor",
)
TEXTS = ("texto", "palabra", "cadena", "frase", "nombre")


def invertir(rng):
    p, word = rng.choice(TEXTS), rng.choice(WORDS)
    one, k = "una" if p in ("palabra", "cadena", "frase") else "un", rng.randint(2, 4)
    mark, skipped = rng.choice("-*.+"), rng.choice("aeors")
    what, tail, step, guard = rng.choice(
        (
            (f"{one} {p} al revés sin usar [::-1]", "", "letra + {}", ""),
            (f"{one} {p} al revés con cada letra {k} veces", f"_por_{k}", f"letra * {k} + {{}}", ""),
            (f"{one} {p} al revés con un {mark} después de cada letra", "_marca", f'letra + "{mark}" + {{}}', ""),
            (f"{one} {p} al revés sin las letras {skipped}", f"_sin_{skipped}", "letra + {}", f'if letra != "{skipped}":'),
        )
    )
    inner = (f"    {guard}", f"        nuevo = {step.format('nuevo')}") if guard else (f"    nuevo = {step.format('nuevo')}",)
    wrong = "letra".join(step.split("letra")).replace("{}", "nuevo")
    turned = "nuevo + " + wrong.replace(" + nuevo", "")
    bad = (f"    {guard}", f"        nuevo = {turned}") if guard else (f"    nuevo = {turned}",)
    return Task(
        name=rng.choice(("invertir", "al_reves", "voltear", "reves", "dar_vuelta", "espejo"))
        + (tail or rng.choice(("", f"_{p}", "_letras"))),
        params=p,
        goal=f"escribir {what}",
        wish=f"escriba {what}",
        body=('nuevo = ""', f"for letra in {p}:", *inner, "return nuevo"),
        calls=((word,), (rng.choice(WORDS),), ("",), ("ab",), ("rosa",)),
        ideas=(
            "Cada letra nueva va delante de las anteriores, y así el texto se da vuelta.",
            "Como apilar platos: la última letra que llega queda primera.",
            "Empieza con un texto vacío y pon cada letra al principio.",
        ),
        trace=f"Lo último de {word} queda primero: {{result}}.",
        questions=("qué pasaría si pusieras la letra al final", "cómo lo harías con una pila"),
        wrong=('nuevo = ""', f"for letra in {p}:", *bad, "return nuevo"),
        remedy="al agregar por el final el orden no cambia; la letra debe ir delante de nuevo.",
    )


def palindromo(rng):
    k = rng.randint(7, 13)
    what, names, test, good, bad = rng.choice(
        (
            ("se lee igual al revés", ("es_palindromo", "es_capicua", "se_lee_igual", "simetrica"), "!=", [2, 5, 2], [2, 5, 3]),
            ("se lee igual al revés", ("es_palindromo", "es_capicua", "se_lee_igual", "simetrica"), "!=", [4, 1, 1, 4], [4, 1, 2, 4]),
            (
                f"tiene parejas de los extremos que suman {k}",
                (f"suman_{k}", f"parejas_{k}", f"extremos_{k}"),
                f"+ != {k}",
                [1, 3, k - 3, k - 1],
                [1, 3, k - 2, k - 1],
            ),
            (
                "tiene dos valores distintos en cada pareja de los extremos",
                ("sin_espejo", "parejas_distintas"),
                "==",
                [1, 2, 3, 4],
                [1, 2, 2, 4],
            ),
            (
                "tiene en cada pareja de los extremos el menor a la izquierda",
                ("menor_a_la_izquierda", "parejas_crecen"),
                ">=",
                [1, 2, 5, 9],
                [1, 5, 2, 9],
            ),
            (
                "tiene en cada pareja de los extremos el mayor a la izquierda",
                ("mayor_a_la_izquierda", "parejas_bajan"),
                "<=",
                [9, 5, 2, 1],
                [9, 2, 5, 1],
            ),
        )
    )
    p = rng.choice(LISTS)
    left, right = f"{p}[i]", f"{p}[j]"
    fails = f"{left} + {right} {test[2:]}" if test.startswith("+") else f"{left} {test} {right}"
    return Task(
        name=rng.choice(names) + rng.choice(("", f"_{p}")),
        params=p,
        goal=f"decir si una lista {what}",
        wish=f"diga si una lista {what}",
        body=(
            f"i, j = 0, len({p}) - 1",
            "while i < j:",
            f"    if {fails}:",
            "        return False",
            "    i, j = i + 1, j - 1",
            "return True",
        ),
        calls=((good,), (bad,), ([],), (rng.sample(range(1, 9), 5),)),
        ideas=(
            "Compara el primero con el último y avanza hacia el centro con dos índices.",
            "Dos dedos parten de los extremos; si alguna pareja no cumple, la respuesta es False.",
            "Mira las parejas: primero con último, segundo con penúltimo, y así.",
        ),
        trace="Todas las parejas de los extremos cumplen, por eso el resultado es {result}.",
        questions=("por qué la condición es i < j y no i <= j", "cuántas parejas se miran si hay 7 elementos"),
        wrong=(
            f"i, j = 0, len({p}) - 1",
            "while i < j:",
            f"    if {fails}:",
            "        return False",
            "    return True",
        ),
        remedy="con return True dentro del while solo miras la primera pareja; hay que mover i y j y responder al final.",
    )


def letras(rng):
    p, letter = rng.choice(TEXTS), rng.choice("aoeisrnlc")
    words, tail, test = rng.choice(
        (
            ("las vocales", "vocales", 'letra in "aeiou"'),
            ("los espacios", "espacios", 'letra == " "'),
            (f"las letras {letter}", f"letras_{letter}", f'letra == "{letter}"'),
            (f"las letras {letter}", f"letras_{letter}", f'letra == "{letter}"'),
            (f"las letras {letter}", f"letras_{letter}", f'letra == "{letter}"'),
            ("las cifras", "cifras", 'letra in "0123456789"'),
        )
    )
    texts = ("casa roja", "hola luna", "el 3 de mayo", "son 10 perros", "la ola", "pan con queso", "cine y cena", "risas")
    text = rng.choice([one for one in texts if any(eval(test, {"letra": letra}) for letra in one)])
    count = rng.choice((True, False))
    if count:
        body = ("total = 0", f"for letra in {p}:", f"    if {test}:", "        total += 1", "return total")
        wrong, remedy = (*body[:-1], "print(total)"), "imprimías el total sin devolverlo; la función debe terminar con return."
        name, goal, wish = rng.choice(("contar", "numero_de", "total_de")), f"contar {words} de un texto", f"cuente {words} de un texto"
        ideas = (f"Recorre el texto letra por letra y suma 1 cuando {test}.", f"Un contador empieza en 0 y sube cada vez que {test}.")
        trace, questions = f'En "{text}" hay {{result}}.', ("cuántas letras revisa en total", "qué devuelve con el texto vacío")
    else:
        body = ('nuevo = ""', f"for letra in {p}:", f"    if not {test}:", "        nuevo += letra", "return nuevo")
        wrong = ('nuevo = ""', f"for letra in {p}:", f"    if {test}:", "        nuevo += letra", "return nuevo")
        remedy = "la condición está al revés: guardabas justo lo que se quita."
        name, goal, wish = rng.choice(("quitar", "borrar", "sin")), f"quitar {words} de un texto", f"quite {words} de un texto"
        ideas = (f"Arma un texto nuevo sin las letras que cumplen {test}.", f"Recorre el texto y copia solo lo que no cumple {test}.")
        trace = f'De "{text}" queda "{{result}}".'
        questions = ("por qué no se puede borrar dentro del mismo texto", "qué devuelve con el texto vacío")
    calls = ((text,), (rng.choice(texts),), ("",), ("xyz",))
    return Task(f"{name}_{tail}", p, goal, wish, body, calls, ideas, trace, questions, wrong, remedy)


# --- structures ----------------------------------------------------------------------------------


SIGNS = ((">", "mayor que", "mayores"), ("<", "menor que", "menores"), (">=", "de al menos", "desde"), ("!=", "distinto de", "distintos"))


def pila(rng):
    p, things = rng.choice(("platos", "cartas", "libros", "cajas", "pila", "hojas")), rng.sample(range(1, 10), 4)
    sign, said, tail = rng.choice(SIGNS)
    way = rng.choice(("k", "mientras", "mientras", "quedan"))
    x = rng.randint(2, 8)
    if way == "k":
        param, value, loop = "k", rng.randint(2, 3), "for i in range(k):"
        what, tail, others = (
            "{} k elementos de la cima de una pila y {} en el orden en que salen",
            "",
            (([5, 8], 1), ([1, 2], 2), ([4], 0)),
        )
    elif way == "mientras":
        param, value, loop = "x", x, f"while {p} and {p}[-1] {sign} x:"
        what = f"{{}} de la pila mientras la cima sea {said.replace('distinto', 'distinta')} x y {{}} en el orden en que salen"
        tail, others = f"_{tail}", (([5, 8, 5], 5), ([1, 9, 9, 8], 7), ([2, 2], 2), ([], 3))
    else:
        param, value, loop = "k", rng.randint(1, 2), f"while len({p}) > k:"
        what, tail = "{} de la pila hasta que queden k elementos y {} en el orden en que salen", "_dejando"
        others = (([5, 8], 1), ([1, 2, 3], 0), ([4], 2))
    return Task(
        name=rng.choice(("sacar", "desapilar", "tomar", "retirar", "bajar")) + f"_{p}{tail}",
        params=f"{p}, {param}",
        goal=what.format("sacar", "devolver los que salen"),
        wish=what.format("saque", "devuelva los que salen"),
        body=("salen = []", loop, f"    salen.append({p}.pop())", "return salen"),
        calls=((things, value), *others),
        ideas=(
            "En una pila sale primero el último que entró: pop() sin argumento toma la cima.",
            "La cima de la pila es el final de la lista; de ahí se saca con pop().",
            "Como con los platos: siempre tomas el de arriba.",
        ),
        trace=f"La cima es {things[-1]}, el último de la lista, y salen {{result}}.",
        questions=("qué cambiarías si fuera una cola", "cuántos quedan en la pila al terminar"),
        wrong=("salen = []", loop, f"    salen.append({p}.pop(0))", "return salen"),
        remedy="pop(0) saca el más viejo, como en una cola; en la pila se usa pop().",
    )


def cola(rng):
    p, things = rng.choice(("fila", "turnos", "clientes", "pacientes", "autos")), rng.sample(range(1, 10), 4)
    sign, said, tail = rng.choice(SIGNS)
    way = rng.choice(("k", "mientras", "mientras", "quedan", "gira"))
    x = rng.randint(2, 8)
    inner, last = "salen.append(cola.popleft())", "return salen"
    if way == "k":
        param, value, loop = "k", 2, "for i in range(k):"
        goal, wish, tail = "atender a los primeros k de una cola y devolver quiénes salen", "", ""
        others = ((["Sol", "Luz"], 1), ([1, 2, 3], 3), ([4], 0))
        things = rng.sample(("Ana", "Beto", "Caro", "Dani", "Eli", "Flor", "Gabo", "Hugo"), 3)
    elif way == "mientras":
        param, value, loop = "x", x, f"while cola and cola[0] {sign} x:"
        goal, tail = f"atender una cola mientras el del frente sea {said} x y devolver quiénes salen", f"_{tail}"
        others = (([5, 8, 5], 5), ([9, 9, 1, 8], 7), ([2, 2], 2), ([], 3))
    elif way == "quedan":
        param, value, loop = "k", rng.randint(1, 2), "while len(cola) > k:"
        goal, tail = "atender una cola hasta que queden k esperando y devolver quiénes salen", "_dejando"
        others = (([5, 8], 1), ([1, 2, 3], 0), ([4], 2))
    else:
        param, value, loop, inner, last = "k", rng.randint(1, 3), "for i in range(k):", "cola.append(cola.popleft())", "return list(cola)"
        goal, tail = "pasar k veces al primero de una cola al final y devolver cómo queda", "_girando"
        others = (([5, 8], 1), ([1, 2, 3], 2), ([4], 0))
    wish = goal.replace("atender", "atienda").replace("pasar", "pase").replace("devolver", "devuelva")
    body = (f"cola = deque({p})", *(["salen = []"] if way != "gira" else []), loop, f"    {inner}", last)
    return Task(
        name=rng.choice(("atender", "despachar", "llamar", "avanzar", "servir")) + f"_{p}{tail}",
        params=f"{p}, {param}",
        goal=goal,
        wish=wish,
        body=body,
        calls=((things, value), *others),
        ideas=(
            "En una cola sale primero quien llegó primero: popleft() saca del frente.",
            "Como en el banco: se atiende desde adelante, y deque lo hace rápido.",
            "Usa deque: popleft() saca al que lleva más tiempo esperando.",
        ),
        trace=f"El frente es {things[0]}, y el resultado es {{result}}.",
        questions=("qué cambiarías si fuera una pila", "por qué deque es mejor que lista.pop(0)"),
        wrong=tuple(line.replace("popleft()", "pop()") for line in body),
        remedy="pop() saca al último que llegó; en la cola se usa popleft().",
        imports="from collections import deque",
    )


def frecuencias(rng):
    p, kinds = rng.choice(
        (
            ("frutas", ("uva", "pera", "kiwi")),
            ("compras", ("pan", "leche", "arroz")),
            ("votos", ("Ana", "Beto", "Caro")),
            ("colores", ("rojo", "azul", "gris")),
            ("animales", ("gato", "perro", "loro")),
        )
    )
    k = rng.randint(2, 9)
    what, tail, key, step, numeric = rng.choice(
        (
            ("cuántas veces aparece cada elemento", "", "x", 1, False),
            ("cuántas palabras hay de cada largo", "_por_largo", "len(x)", 1, False),
            ("cuántas palabras empiezan con cada letra", "_por_inicio", "x[0]", 1, False),
            ("cuántas palabras terminan en cada letra", "_por_final", "x[-1]", 1, False),
            (f"cuántos puntos junta cada elemento si cada vez vale {k}", f"_puntos_{k}", "x", k, False),
            (f"cuántos números hay de cada resto al dividir por {k}", f"_resto_{k}", f"x % {k}", 1, True),
        )
    )
    first, second = rng.sample(kinds, 2)
    things = [first, second, first, *rng.sample(kinds, 1)]
    calls = ((things,), (["ab", "a", "ab"],), ([],), (["sol", "sol", "sol"],))
    if numeric:
        p = rng.choice(("numeros", "valores", "datos"))
        calls = ((rng.sample(range(1, 20), 4),), ([1, 1, 2],), ([],), ([7, 7, 7],))
    return Task(
        name=rng.choice(("frecuencias", "contar", "conteo", "resumen", "repeticiones")) + f"_{p}{tail}",
        params=p,
        goal=f"contar en un diccionario {what}",
        wish=f"cuente en un diccionario {what}",
        body=("cuenta = {}", f"for x in {p}:", f"    cuenta[{key}] = cuenta.get({key}, 0) + {step}", "return cuenta"),
        calls=calls,
        ideas=(
            f"Usa un diccionario: la clave es {key} y el valor, lo que llevas contado.",
            "Como un pizarrón de votos: cada vez que sale una clave le sumas a su raya.",
            f"get({key}, 0) da lo que llevas de esa clave, o 0 si es la primera vez; súmale {step}.",
        ),
        trace="Cada clave queda con su cuenta: {result}.",
        questions=(f"qué error saldría con cuenta[{key}] += {step} la primera vez", "cómo hallarías la clave con la cuenta más alta"),
        wrong=("cuenta = {}", f"for x in {p}:", f"    cuenta[{key}] = {step}", "return cuenta"),
        remedy=f"siempre guardabas {step}; hay que sumar {step} a lo que ya llevaba.",
    )


def sin_repetir(rng):
    k = rng.randint(3, 9)
    what, tail, key = rng.choice(
        (
            ("los repetidos de una lista sin cambiar el orden", "", "x"),
            (f"de una lista los que repiten el resto al dividir por {k}, sin cambiar el orden", f"_resto_{k}", f"x % {k}"),
            (f"de una lista los que repiten el resto al dividir por {k}, sin cambiar el orden", f"_resto_{k}", f"x % {k}"),
            ("de una lista los que repiten el valor absoluto, sin cambiar el orden", "_abs", "abs(x)"),
        )
    )
    p = rng.choice(("lista", "numeros", "codigos", "placas", "valores"))
    numbers = rng.sample(range(1, 10), 3)
    demo = [numbers[0], numbers[1], numbers[0], numbers[2]]
    return Task(
        name=rng.choice(("sin_repetir", "unicos", "quitar_dobles", "no_repetidos", "una_vez")) + (tail or rng.choice(("", f"_{p}"))),
        params=p,
        goal=f"quitar {what}",
        wish=f"quite {what}",
        body=(
            "vistos = set()",
            "nueva = []",
            f"for x in {p}:",
            f"    if {key} not in vistos:",
            f"        vistos.add({key})",
            "        nueva.append(x)",
            "return nueva",
        ),
        calls=((demo,), ([2, -2, 2],), ([],), ([1, k + 1, 2 * k + 1, 2],)),
        ideas=(
            "Recuerda en un conjunto lo que ya viste y agrega solo lo nuevo.",
            "Como la lista de invitados: si ya está marcado, no se anota otra vez.",
            f"El conjunto responde rápido si {key} ya apareció; la lista guarda el orden.",
        ),
        trace="Lo que ya fue visto se salta, y queda {result}.",
        questions=("por qué usamos un conjunto y no solo la lista nueva", "qué orden podrías perder con list(set(...))"),
        wrong=("nueva = []", f"for x in {p}:", "    nueva.append(x)", "return nueva"),
        remedy="agregabas todos; antes hay que preguntar si ya fue visto.",
    )


def grafo(rng):
    g = rng.choice(("grafo", "amigos", "red", "mapa"))
    a, b, c = rng.sample("ABCDEF", 3)
    demo = {a: [b, c], b: [a], c: [a]}
    star = {"X": ["Y", "W", "Z"], "Y": ["X"], "W": ["X"], "Z": ["X"], "Q": []}
    if rng.random() < 0.3:
        v = rng.choice(("nodo", "persona", "ciudad", "u"))
        return Task(
            name=rng.choice(("grado", "vecinos", "contar_vecinos", "conexiones", "enlaces")) + rng.choice(("", f"_{v}", f"_{g}")),
            params=f"{g}, {v}",
            goal=f"contar los vecinos de {v} en un grafo guardado como diccionario de listas",
            wish=f"cuente los vecinos de {v} en un grafo guardado como diccionario de listas",
            body=("total = 0", f"for vecino in {g}[{v}]:", "    total += 1", "return total"),
            calls=((demo, a), (demo, b), ({"Z": []}, "Z"), (star, "X")),
            ideas=(
                "El diccionario guarda los vecinos de cada vértice: recórrelos y cuéntalos.",
                f"{g}[{v}] es la lista de vecinos; su cantidad se llama grado.",
                "Como contar los contactos de una persona en su agenda.",
            ),
            trace=f"{a} está unido con {b} y {c}: el resultado es {{result}}.",
            questions=("cómo lo escribirías con len en una línea", "qué pasa si el vértice no está en el diccionario"),
            wrong=("total = 0", f"for vecino in {g}:", "    total += 1", "return total"),
            remedy=f"recorrías todos los vértices del grafo; los vecinos están en {g}[{v}].",
        )
    k, (sign, said, tail) = (
        rng.randint(1, 2),
        rng.choice(((">", "más de", "mas"), ("<", "menos de", "menos"), ("==", "exactamente", "justo"))),
    )
    kept = rng.choice((True, False))
    many = f"{k} vecino{'s' if k > 1 else ''}"
    what = f"los vértices con {said} {many} en un grafo guardado como diccionario de listas"
    step, start, end = ("lista.append(u)", "lista = []", "return lista") if kept else ("total += 1", "total = 0", "return total")
    return Task(
        name=rng.choice(("vertices", "nodos", "puntos")) + f"_{tail}_{k}" + ("_lista" if kept else rng.choice(("", f"_{g}"))),
        params=g,
        goal=f"{'listar' if kept else 'contar'} {what}",
        wish=f"{'liste' if kept else 'cuente'} {what}",
        body=(start, f"for u in {g}:", f"    if len({g}[u]) {sign} {k}:", f"        {step}", end),
        calls=((demo,), ({"Z": []},), (star,), ({},)),
        ideas=(
            "Recorre los vértices y mira cuántos vecinos tiene cada uno con len.",
            f"El grado de u es len({g}[u]): compáralo con {k} en cada vértice.",
            "Como revisar agendas: miras cuántos contactos tiene cada persona.",
        ),
        trace=f"{a} tiene 2 vecinos; {b} y {c}, uno cada uno: el resultado es {{result}}.",
        questions=("cómo se llama la cantidad de vecinos de un vértice", "qué devuelve con un grafo vacío"),
        wrong=(start, f"for u in {g}:", f"    if len({g}) {sign} {k}:", f"        {step}", end),
        remedy=f"len({g}) cuenta todos los vértices; los vecinos de u son {g}[u].",
    )


def alcanzar(rng):
    g, s = rng.choice(("grafo", "mapa", "red", "rutas")), rng.choice(("inicio", "origen", "salida", "partida"))
    a, b, c, d = rng.sample("ABCDEF", 4)
    demo = {a: [b], b: [a, c], c: [b], d: []}
    other = {1: [2, 3], 2: [4], 3: [4], 4: []}
    way = rng.choice(("lista", "cuenta", "meta", "cuenta_dfs", "meta_dfs"))
    deep = way.endswith("dfs")
    end = {"l": "visitados", "c": "len(visitados)", "m": "meta in visitados"}[way[0]]
    what = {
        "l": f"en orden BFS los vértices a los que se llega desde {s}",
        "c": f"a cuántos vértices se llega desde {s}, contándolo, con {'DFS y una pila' if deep else 'BFS y una cola'}",
        "m": f"si desde {s} se llega a meta, con {'DFS y una pila' if deep else 'BFS y una cola'}",
    }[way[0]]
    store, take = ("pila", "pop") if deep else ("cola", "popleft")
    more = [(demo, a), (demo, b), (demo, d), (other, 1), (other, 2)]
    if way[0] == "m":
        more = [(demo, a, c), (demo, a, d), (demo, d, d), (other, 1, 4), (other, 4, 1)]
    verbs = {"l": ("listar", "liste"), "c": ("calcular", "calcule"), "m": ("decir", "diga")}[way[0]]
    return Task(
        name=rng.choice(
            {"l": ("alcanzables", "visitar", "recorrer"), "c": ("cuantos_llega", "alcance"), "m": ("se_llega", "hay_camino")}[way[0]]
        )
        + rng.choice(("", f"_{g}", f"_desde_{s}"))
        + ("_dfs" if deep else ""),
        params=f"{g}, {s}" + (", meta" if way[0] == "m" else ""),
        goal=f"{verbs[0]} {what}",
        wish=f"{verbs[1]} {what}",
        body=(
            f"visitados = [{s}]",
            f"{store} = [{s}]" if deep else f"{store} = deque([{s}])",
            f"while {store}:",
            f"    u = {store}.{take}()",
            f"    for v in {g}[u]:",
            "        if v not in visitados:",
            "            visitados.append(v)",
            f"            {store}.append(v)",
            f"return {end}",
        ),
        calls=tuple(more),
        ideas=(
            "DFS va tan lejos como puede: una pila guarda por dónde seguir y una lista, a quién ya viste.",
            "Como en un laberinto: sigues un pasillo hasta el final y vuelves al último desvío, que está en la cima de la pila.",
        )
        if deep
        else (
            "BFS avanza por capas con una cola y recuerda a quién ya visitó.",
            "Como una onda en el agua: primero los vecinos, después los vecinos de ellos.",
            "Saca un vértice del frente de la cola y agrega los vecinos que aún no viste.",
        ),
        trace=f"A {d} no se llega desde {a}; el resultado es {{result}}.",
        questions=("qué pasaría sin la lista de visitados", "qué diferencia hay entre usar una cola y usar una pila"),
        wrong=(f"visitados = [{s}]", f"for v in {g}[{s}]:", "    visitados.append(v)", f"return {end}"),
        remedy=f"solo mirabas a los vecinos directos; la {store} permite seguir con los vecinos de ellos.",
        imports="" if deep else "from collections import deque",
    )


def matriz(rng):
    m = rng.choice(("matriz", "tabla", "tablero", "notas", "ventas"))
    size, k = 2, rng.randint(1, 5)
    demo = [rng.sample(range(1, 7), size) for _ in range(2)]
    kind = rng.choice(("suma", "suma_si", "contar_si", "diagonal", "filas", "columna"))
    square = ((demo,), ([[1, 2, 3], [4, 5, 6], [7, 8, 9]],), ([],), ([[6]],))
    if kind.startswith(("suma", "contar")):
        counts = kind == "contar_si"
        guard = "" if kind == "suma" else f" mayores que {k}"
        goal = f"{'contar' if counts else 'sumar'} {'todos los números' if not guard else 'los números'}{guard} de una matriz"
        wish = goal.replace("contar", "cuente").replace("sumar", "sume")
        step = "total += 1" if counts else "total += n"
        inner = (f"        {step}",) if not guard else (f"        if n > {k}:", f"            {step}")
        body = ("total = 0", f"for fila in {m}:", "    for n in fila:", *inner, "return total")
        wrong = ("total = 0", f"for fila in {m}:", "    total += 1" if counts else "    total += fila", "return total")
        remedy = "fila es una lista; hace falta otro ciclo para sus números."
        idea, trace = "Un ciclo recorre las filas y otro, dentro, los números de cada fila.", "Al terminar, el total es {result}."
        names = ("contar", "cuantos") if counts else ("sumar", "suma_de", "total", "total_de")
        names = tuple(f"{name}_mas_de_{k}" for name in names) if guard else names
        calls = ((demo,), ([[1, 2, 3]],), ([],), ([[4], [5]],))
    elif kind == "diagonal":
        other = rng.random() < 0.5
        which = "secundaria" if other else "principal"
        goal, wish = f"sumar la diagonal {which} de una matriz cuadrada", f"sume la diagonal {which} de una matriz cuadrada"
        place = f"{m}[i][-1 - i]" if other else f"{m}[i][i]"
        body = ("total = 0", f"for i in range(len({m})):", f"    total += {place}", "return total")
        wrong = ("total = 0", f"for i in range(len({m})):", f"    total += {m}[0][i]", "return total")
        remedy = "sumabas la primera fila; en la diagonal cambian la fila y la columna."
        idea = "En la diagonal principal la fila y la columna tienen el mismo número: [0][0], [1][1] y así."
        if other:
            idea = "La diagonal secundaria empieza arriba a la derecha: la fila baja y la columna retrocede, -1, -2 y así."
        trace = f"Son {demo[0][-1 if other else 0]} y {demo[1][0 if other else 1]}: el total es {{result}}."
        names = ("diagonal_2", "suma_diagonal_2") if other else ("diagonal", "suma_diagonal", "diagonal_de", "traza")
        calls = square
    elif kind == "filas":
        said, function, name = rng.choice((("la suma", "sum", "sumas"), ("el mayor", "max", "mayores"), ("el menor", "min", "menores")))
        goal = f"devolver una lista con {said} de cada fila de una matriz"
        wish = goal.replace("devolver", "devuelva")
        body = (f"{name} = []", f"for fila in {m}:", f"    {name}.append({function}(fila))", f"return {name}")
        wrong = (f"{name} = 0", f"for fila in {m}:", f"    {name} += {function}(fila)", f"return {name}")
        remedy = "juntabas todo en un número; se pide un valor por fila, en una lista."
        idea, trace = f"Recorre las filas y agrega {said} de cada una a una lista.", "Hay un valor por fila: {result}."
        names = (f"{name}_por_fila", f"{name}_fila", f"lista_{name}")
        calls = ((demo,), ([[1, 2, 3]],), ([],), ([[4], [5]],))
    else:
        goal = "sumar la columna j de una matriz"
        wish = "sume la columna j de una matriz"
        body = ("total = 0", f"for fila in {m}:", "    total += fila[j]", "return total")
        wrong = ("total = 0", f"for n in {m}[j]:", "    total += n", "return total")
        remedy = f"{m}[j] es la fila j; para la columna se toma fila[j] en cada fila."
        idea, trace = "De cada fila se toma la casilla j: todas juntas forman la columna.", "El total de la columna es {result}."
        names = ("columna", "suma_columna", "total_columna")
        calls = ((demo, 1), (demo, 0), ([[1, 2, 3]], 2), ([[4], [5]], 0))
    return Task(
        name=f"{rng.choice(names)}_{m}",
        params=f"{m}, j" if kind == "columna" else m,
        goal=goal,
        wish=wish,
        body=body,
        calls=calls,
        ideas=(idea, f"{idea} Piensa en una tabla: primero la fila, luego la columna."),
        trace=trace,
        questions=("cómo cambiaría si la matriz tuviera más filas", "qué devuelve con una matriz de un solo número"),
        wrong=wrong,
        remedy=remedy,
    )


# --- numbers, recursion, dynamic programming -----------------------------------------------------


def recursiva(rng):
    n, k, a = rng.randint(3, 5), rng.randint(2, 9), rng.randint(1, 9)
    down = range(n, 0, -1)
    words, names, value, step, trace = rng.choice(
        (
            ("la suma de 1 hasta n", ("suma_hasta", "sumar_hasta", "triangular"), "0", "n + {f}(n - 1)", " + ".join(map(str, down))),
            ("el producto de 1 hasta n", ("factorial", "producto_hasta", "ordenes"), "1", "n * {f}(n - 1)", " · ".join(map(str, down))),
            (f"{k} elevado a n", (f"{k}_a_la", f"potencia_de_{k}"), "1", f"{k} * {{f}}(n - 1)", " · ".join([str(k)] * n)),
            (
                f"la suma de los primeros n múltiplos de {k}",
                (f"suma_multiplos_{k}", f"multiplos_{k}_hasta"),
                "0",
                f"{k} * n + {{f}}(n - 1)",
                " + ".join(str(k * i) for i in down),
            ),
            (
                "la suma de los cuadrados de 1 hasta n",
                ("suma_cuadrados", "cuadrados_hasta", "sumar_cuadrados"),
                "0",
                "n * n + {f}(n - 1)",
                " + ".join(str(i * i) for i in down),
            ),
            (
                f"lo ahorrado en n semanas si empiezas con {a} y guardas {k} por semana",
                (f"ahorro_{a}_{k}", f"alcancia_{a}_{k}"),
                str(a),
                f"{k} + {{f}}(n - 1)",
                " + ".join([*[str(k)] * n, str(a)]),
            ),
        )
    )
    name = rng.choice(names) + rng.choice(("", "_rec", "_n"))
    if name[0].isdigit():
        name = f"p{name}"
    call = step.format(f=name)
    return Task(
        name=name,
        params="n",
        goal=f"calcular con recursión {words}",
        wish=f"calcule con recursión {words}",
        body=("if n == 0:", f"    return {value}", f"return {call}"),
        calls=((n,), (0,), (1,), (6,)),
        ideas=(
            f"El caso base es n = 0, que vale {value}; los demás usan la respuesta de n - 1.",
            f"Confía en que la función ya resuelve n - 1, y frena en n = 0 con {value}.",
            f"Como una escalera hacia abajo: cada llamada baja un peldaño hasta n = 0, que responde {value}.",
        ),
        trace=f"Se forma {trace} y el resultado es {{result}}.",
        questions=("qué pasaría sin el caso base", "cuántas llamadas se hacen en total con n = 4"),
        wrong=(f"return {call}",),
        remedy=f"falta el caso base y las llamadas no terminan; cuando n es 0 devuelve {value}.",
    )


def lista_recursiva(rng):
    p, k = rng.choice(LISTS), rng.randint(2, 7)
    numbers = rng.sample(range(1, 8), 3)
    words, names, value, step, trace = rng.choice(
        (
            (
                "sumar|sume| los elementos de una lista",
                ("sumar", "suma_rec", "suma_todo", "total"),
                "0",
                "{p}[0] + {f}({p}[1:])",
                " + ".join(map(str, numbers)),
            ),
            ("contar|cuente| los elementos de una lista", ("contar", "largo", "tamano", "cuantos"), "0", "1 + {f}({p}[1:])", "1 + 1 + 1"),
            (
                "multiplicar|multiplique| los elementos de una lista",
                ("multiplicar", "producto", "producto_rec"),
                "1",
                "{p}[0] * {f}({p}[1:])",
                " · ".join(map(str, numbers)),
            ),
            (
                "sumar|sume| los cuadrados de los elementos de una lista",
                ("suma_cuadrados", "cuadrados"),
                "0",
                "{p}[0] ** 2 + {f}({p}[1:])",
                " + ".join(str(n * n) for n in numbers),
            ),
            (
                f"sumar|sume| los elementos de una lista multiplicados por {k}",
                (f"suma_por_{k}", f"total_por_{k}"),
                "0",
                f"{k} * {{p}}[0] + {{f}}({{p}}[1:])",
                " + ".join(str(k * n) for n in numbers),
            ),
            (
                f"sumar|sume| los elementos de una lista y {k} más por cada uno",
                (f"suma_con_{k}", f"total_con_{k}"),
                "0",
                f"{{p}}[0] + {k} + {{f}}({{p}}[1:])",
                " + ".join(str(n + k) for n in numbers),
            ),
        )
    )
    infinitive, subjunctive, rest = words.split("|")
    name = rng.choice(names) + rng.choice(("", f"_{p}", "_recursivo"))
    call = step.format(p=p, f=name)
    return Task(
        name=name,
        params=p,
        goal=f"{infinitive}{rest} con recursión",
        wish=f"{subjunctive}{rest} con recursión",
        body=(f"if not {p}:", f"    return {value}", f"return {call}"),
        calls=((numbers,), (rng.sample(range(1, 9), 4),), ([],), ([5],)),
        ideas=(
            f"Una lista es su primer elemento y el resto; la lista vacía es el caso base y vale {value}.",
            f"Atiende solo al primero y deja el resto a otra llamada; la lista vacía responde {value}.",
            f"Como pelar una cebolla: quitas una capa en cada llamada hasta llegar a la lista vacía, que vale {value}.",
        ),
        trace=f"Se forma {trace} y el resultado es {{result}}.",
        questions=("por qué el caso base es la lista vacía", "qué parte de la lista recibe la tercera llamada"),
        wrong=(f"return {call}",),
        remedy=f"falta el caso base: con la lista vacía hay que devolver {value}.",
    )


def divisores(rng):
    n, k = rng.choice((6, 8, 9, 10, 12, 14, 15, 18, 20)), rng.choice((1, 1, 2, 3, 4, 5))
    way = rng.choice(("contar", "listar", "sumar"))
    what = f"{way} los divisores de n" + (f" que valen {k} o más" if k > 1 else "")
    start, step, end = {
        "contar": ("total = 0", "total += 1", "return total"),
        "listar": ("nueva = []", "nueva.append(d)", "return nueva"),
        "sumar": ("total = 0", "total += d", "return total"),
    }[way]
    verbs = {"contar": ("contar", "cuantos", "numero_de"), "listar": ("listar", "hallar", "mostrar"), "sumar": ("sumar", "suma_de")}
    return Task(
        name=rng.choice(verbs[way]) + rng.choice(("_divisores", "_factores", "_div")) + (f"_desde_{k}" if k > 1 else ""),
        params="n",
        goal=what,
        wish=what.replace("contar", "cuente").replace("listar", "liste").replace("sumar", "sume"),
        body=(start, f"for d in range({k}, n + 1):", "    if n % d == 0:", f"        {step}", end),
        calls=((n,), (1,), (7,), (16,)),
        ideas=(
            f"Un número d divide a n cuando el resto n % d es 0: prueba todos desde {k} hasta n.",
            f"Prueba cada d de {k} a n; si n % d == 0, la división es exacta.",
            "Como repartir n dulces en d bolsas iguales: sirve cuando no sobra ninguno.",
        ),
        trace=f"Para {n} el resultado es {{result}}.",
        questions=("por qué el range llega hasta n + 1", "cómo lo harías probando solo hasta la raíz de n"),
        wrong=(start, f"for d in range({k}, n):", "    if n % d == 0:", f"        {step}", end),
        remedy=f"range({k}, n) no incluye a n, que también es divisor; usa n + 1.",
    )


def cifras(rng):
    n, k = rng.randint(12, 98) * 10 + rng.randint(1, 9), rng.randint(1, 8)
    digits = [int(digit) for digit in str(n)]
    words, names, start, step, trace = rng.choice(
        (
            (
                "sumar|sume| las cifras de n",
                ("suma_cifras", "sumar_digitos", "suma_de_cifras"),
                0,
                ("total += n % 10",),
                " + ".join(map(str, digits)),
            ),
            ("contar|cuente| las cifras de n", ("contar_cifras", "cuantas_cifras"), 0, ("total += 1",), " + ".join("1" * len(digits))),
            (
                "multiplicar|multiplique| las cifras de n",
                ("producto_cifras", "multiplicar_cifras"),
                1,
                ("total *= n % 10",),
                " · ".join(map(str, digits)),
            ),
            (
                f"contar|cuente| las cifras de n mayores que {k}",
                (f"cifras_mayores_{k}", f"contar_sobre_{k}"),
                0,
                (f"if n % 10 > {k}:", "    total += 1"),
                " + ".join("1" if digit > k else "0" for digit in digits),
            ),
            (
                f"sumar|sume| las cifras de n menores que {k + 1}",
                (f"suma_menores_{k + 1}", f"cifras_bajo_{k + 1}"),
                0,
                (f"if n % 10 < {k + 1}:", "    total += n % 10"),
                " + ".join(str(digit) if digit < k + 1 else "0" for digit in digits),
            ),
        )
    )
    infinitive, subjunctive, rest = words.split("|")
    return Task(
        name=rng.choice(names) + rng.choice(("", "_de_n", "_enteras")),
        params="n",
        goal=f"{infinitive}{rest} sin convertir a texto",
        wish=f"{subjunctive}{rest} sin convertir a texto",
        body=(f"total = {start}", "while n > 0:", *(f"    {line}" for line in step), "    n = n // 10", "return total"),
        calls=((n,), (7,), (1000,), (909,), (12345,)),
        ideas=(
            "n % 10 da la última cifra y n // 10 la quita; repite hasta llegar a 0.",
            "Corta el número desde el final: // 10 le quita una cifra en cada vuelta.",
            "Como arrancar hojas de un calendario: en cada vuelta se va la última cifra.",
        ),
        trace=f"Con {n} se forma {trace} y el resultado es {{result}}.",
        questions=("qué pasaría si olvidas n = n // 10", "qué devuelve con n = 0"),
        wrong=(f"total = {start}", "while n > 9:", *(f"    {line}" for line in step), "    n = n // 10", "return total"),
        remedy="con n > 9 paras antes de la primera cifra; la condición es n > 0.",
    )


def sucesion(rng):
    a, b = rng.randint(0, 3), rng.randint(1, 4)
    n = rng.randint(4, 6)
    terms = [a, b]
    while len(terms) <= n:
        terms.append(terms[-1] + terms[-2])
    return Task(
        name=rng.choice(("sucesion", "termino", "conejos", "escalera", "serie", "formas", "crecimiento"))
        + rng.choice(("", f"_{a}_{b}", "_n")),
        params="n",
        goal=f"calcular con tabulación el término n (desde 0) de la sucesión que empieza {a}, {b} y suma los dos anteriores",
        wish=f"calcule con tabulación el término n (desde 0) de la sucesión que empieza {a}, {b} y suma los dos anteriores",
        body=(f"tabla = [{a}, {b}]", "for i in range(2, n + 1):", "    tabla.append(tabla[i - 1] + tabla[i - 2])", "return tabla[n]"),
        calls=((n,), (0,), (1,), (8,)),
        ideas=(
            "Programación dinámica: guarda en una tabla lo ya calculado y úsalo para el siguiente.",
            "Llena una tabla de izquierda a derecha; cada casilla suma las dos anteriores.",
            "Como anotar en una libreta: no repites cuentas que ya hiciste.",
        ),
        trace=f"La tabla es {terms} y el resultado es {{result}}.",
        questions=("cómo lo harías guardando solo dos números", "por qué la versión recursiva sin memoria es más lenta"),
        wrong=(f"tabla = [{a}, {b}]", "for i in range(2, n):", "    tabla.append(tabla[i - 1] + tabla[i - 2])", "return tabla[n]"),
        remedy="range(2, n) deja sin llenar la casilla n; debe llegar hasta n + 1.",
    )


KINDS = {  # drill: (tags, difficulty, training rows, held-out rows)
    contar: (("listas",), 1, 12, 4),
    sumar: (("listas",), 1, 11, 4),
    filtrar: (("listas",), 1, 10, 4),
    existe: (("busqueda", "listas"), 1, 8, 3),
    todos: (("busqueda", "listas"), 2, 6, 2),
    primero: (("busqueda",), 1, 6, 2),
    posicion: (("busqueda",), 1, 6, 2),
    mapear: (("listas",), 1, 8, 3),
    extremo: (("listas",), 1, 7, 2),
    ordenar: (("ordenamiento",), 2, 5, 2),
    invertir: (("cadenas",), 1, 5, 2),
    palindromo: (("dos_punteros", "listas"), 2, 5, 3),
    letras: (("cadenas",), 1, 8, 3),
    pila: (("pilas",), 1, 5, 2),
    cola: (("colas",), 1, 5, 3),
    frecuencias: (("hash",), 2, 5, 2),
    sin_repetir: (("conjuntos",), 2, 4, 3),
    grafo: (("grafos",), 2, 4, 2),
    alcanzar: (("grafos", "colas"), 3, 4, 1),
    matriz: (("matrices",), 2, 5, 3),
    recursiva: (("recursion",), 2, 8, 4),
    lista_recursiva: (("recursion", "listas"), 2, 4, 2),
    divisores: (("numeros",), 2, 4, 2),
    cifras: (("numeros",), 2, 4, 2),
    sucesion: (("dinamica",), 3, 4, 1),
}

FOLLOWING = {
    pila: cola,
    cola: pila,
    frecuencias: sin_repetir,
    sin_repetir: frecuencias,
    grafo: alcanzar,
    alcanzar: grafo,
    palindromo: invertir,
    invertir: palindromo,
    posicion: primero,
    ordenar: extremo,
    extremo: posicion,
    sucesion: recursiva,
}
"""Where the second function of a conversation is of another kind."""

# --- words ---------------------------------------------------------------------------------------

ASK = (
    "Escribe una función {call} que {wish}.",
    "Necesito {call} para {goal}. ¿Cómo la hago?",
    "como hago una función {call} que {wish}?",
    "En la guía me piden {call}: tiene que {goal}. Ayúdame.",
    "{who} quiere {goal} con {call}. ¿Cómo se programa?",
    "¿Me ayudas con {call}? La idea es {goal}.",
    "profe, explíqueme {call}, debe {goal}",
    "Quiero entender paso a paso cómo {goal} en Python con {call}.",
    "mi tarea es programar {call} y que {wish}",
    "Muéstrame {call}, una función que {wish}.",
)
NAMES = (
    "Ximena",
    "Mateo",
    "Lupita",
    "Thiago",
    "Camila",
    "Yamila",
    "Joaquín",
    "Renata",
    "Nayeli",
    "Facundo",
    "Itzel",
    "Wilmer",
    "Dayana",
    "Gael",
)
NEXT = ("cómo escribirías {call} para {goal}", "cómo sería {call} si debe {goal}", "te animas con {call}, que debe {goal}")
RIGHT = (
    "¡Muy bien, tu función es correcta!",
    "¡Exacto! Tu código hace lo que se pide.",
    "¡Eso es! Así queda completa.",
    "Correcto, y bien ordenado.",
)
WRONG = ("Casi:", "Vas cerca:", "Buen intento, pero", "Revisemos un detalle:")
LOST = ("No pasa nada, vamos juntos.", "Calma, se arma de a poco.", "Está bien no saberlo todavía.", "Respira: la idea es corta.")
UNKNOWN = ("no sé", "no se cómo empezar con {name}", "ni idea de {name}", "no sé, ¿me ayudas con {name}?", "no me sale {name}")
PREDICT = (
    "Antes de correrlo, predice qué imprime.",
    "Predice qué imprime y luego córrelo para comprobarlo.",
    "Sigue la llamada a mano, paso por paso, y compárala con lo que imprime.",
    "Escribe en tu cuaderno qué imprime y después córrelo.",
)
TRIED = ("así?\n\n{code}", "Hice esto:\n\n{code}", "mi intento:\n\n{code}", "Creo que es\n\n{code}")


def spoken(numbers):
    """1, 2 y 3."""
    parts = [str(number) for number in numbers]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " y " + parts[-1]


def met(good):
    """Which elements meet the condition."""
    return f"Cumplen {spoken(good)}" if len(good) > 1 else f"Solo cumple {good[0]}"


def plain(text):
    """Without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


# --- rows ----------------------------------------------------------------------------------------


def function(task, body):
    """The source of the function with these lines."""
    lines = [f"def {task.name}({task.params}):", *(f"    {line}" for line in body)]
    return "\n".join([*([task.imports, ""] if task.imports else []), *lines])


def results(task, body):
    """What the function returns in every call, or the name of the error."""
    space: dict = {}
    exec(function(task, body), space)
    found = []
    for arguments in task.calls:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found.append(space[task.name](*copy.deepcopy(arguments)))
        except (IndexError, TypeError, RecursionError) as error:
            found.append(type(error).__name__)
    return found


def call(task, arguments):
    return f"{task.name}({', '.join(map(shown, arguments))})"


def shown(value):
    """As source with double quotes, like the rest of the course; no text here holds a quote."""
    return repr(value).replace("'", '"')


def answer(asked, opening, task, closing):
    """What the tutor says: the idea, the function with one call, and a question.

    What the call prints is for the student to predict; whoever asked for the steps is shown them, and the result after them."""
    code = f"{function(task, task.body)}\n\nprint({call(task, task.calls[0])})"
    if "paso a paso" in asked:
        result = results(task, task.body)[0]
        after = f"{task.trace.format(result=result)} Imprime {result}."
    else:
        after = random.Random(f"{SEED}-{code}").choice(PREDICT)  # not the drawing one: the questions stay as they are
    return f"{opening}\n\n```python\n{code}\n```\n\n{after}\n\nPara pensar: ¿{closing}?"


def question(rng, task):
    asked = rng.choice(ASK).format(call=f"{task.name}({task.params})", wish=task.wish, goal=task.goal, who=rng.choice(NAMES))
    return plain(asked).lower().rstrip(".") if rng.random() < 0.2 and task.name == task.name.lower() else asked


def conversation(rng, kind, draw, follow):
    """Question and answer; with ``follow`` the student's try at a second function and the tutor's answer to it."""
    first = draw(kind)
    turns = [question(rng, first)]
    if not follow:
        return [first], [*turns, answer(turns[0], rng.choice(first.ideas), first, rng.choice(first.questions))]
    second = draw(FOLLOWING.get(kind, kind))
    while second.name == first.name or second.goal == first.goal:
        second = draw(FOLLOWING.get(kind, kind))
    onward = rng.choice(NEXT).format(call=f"{second.name}({second.params})", goal=second.goal)
    turns.append(answer(turns[0], rng.choice(first.ideas), first, onward))
    if follow == "lost":
        said, opening = rng.choice(UNKNOWN).format(name=second.name), f"{rng.choice(LOST)} {rng.choice(second.ideas)}"
    elif follow == "wrong":
        said, opening = rng.choice(TRIED).format(code=function(second, second.wrong)), f"{rng.choice(WRONG)} {second.remedy}"
    else:
        said, opening = rng.choice(TRIED).format(code=function(second, second.body)), f"{rng.choice(RIGHT)} {rng.choice(second.ideas)}"
    turns += [said, answer(said, opening, second, rng.choice(second.questions))]
    return [first, second], turns


def drills():
    """The rows of both files: {"train": [...], "eval": [...]}. The held-out ones are drawn first, so that nothing trains on them."""
    rows, (asked_before, taught), held_out = {"train": [], "eval": []}, written(), set()
    for file in ("eval", "train"):
        for place, (kind, (tags, difficulty, *counts)) in enumerate(KINDS.items()):
            rng = random.Random(f"{SEED}-{kind.__name__}-{file}")

            refused = taught if file == "eval" else held_out

            def draw(kind, rng=rng, refused=refused):
                while True:
                    task = kind(rng)
                    shapes = shapes_of(function(task, task.body))
                    if refused is held_out:
                        shapes |= shapes_of(function(task, task.wrong))
                    elif any(line.strip() in (f"if {test}:", f"if not {test}:") for line in task.body for *_, test in PLAIN):
                        continue
                    if not refused & {task.name, *shapes} and results(task, task.body) != results(task, task.wrong):
                        return task

            for number in range(counts[file == "eval"]):
                ways = ("wrong", "lost", "right") if file == "train" else ("wrong", "lost")  # a right try gives the function away
                second_turn = number % 3 == 1 if file == "train" else number == 2
                follow = ways[(place + number // 3) % len(ways)] if second_turn else ""
                while True:
                    tasks, turns = conversation(rng, kind, draw, follow)
                    words = frozenset(words_of(" ".join(turns[::2])))
                    if all(len(words & other) * 5 < len(words | other) * 4 for other in asked_before):
                        break
                asked_before.append(words)
                rows[file].append(row(f"gen-{kind.__name__}-{file}-{number + 1:02d}", turns, tags, difficulty, tasks[-1]))
                if file == "eval":
                    held_out.update(task.name for task in tasks)
                    held_out.update(shape for task in tasks for shape in shapes_of(function(task, task.body)))
    return rows


def row(identifier, turns, tags, difficulty, task):
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)]
    tests = [
        f"assert {call(task, arguments)} == {shown(result)}" for arguments, result in zip(task.calls, results(task, task.body), strict=True)
    ]
    expected = {"entry_point": task.name, "tests": list(dict.fromkeys(tests))}
    return {"messages": messages, "expected": expected, "tags": list(tags), "difficulty": difficulty, "id": identifier}


def written():
    """The words of the questions that people wrote, and names and bodies of the functions they train on.

    A drill must not be nearly one of those questions, a held-out one have none of those functions."""
    questions, functions = [], set()
    for file in ("train", "eval"):
        for line in (DATA / f"{file}.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            if not one.get("id", "").startswith("gen-"):
                questions.append(frozenset(words_of(" ".join(turn["content"] for turn in one["messages"] if turn["role"] == "user"))))
                if file == "train":
                    functions.add(one.get("expected", {}).get("entry_point"))
                    functions.update(shape for turn in one["messages"] for shape in shapes_of(turn["content"]))
    return questions, functions


def shapes_of(text):
    """The functions of a text, as source or in a lesson, with the names that they give away replaced by numbers."""
    found = set()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) or [text[max(text.find("def "), 0) :]]:
        with contextlib.suppress(SyntaxError):
            found |= {shape_of(one) for one in ast.parse(block).body if isinstance(one, ast.FunctionDef)}
    return found


def shape_of(tree):
    own = {tree.name, *(one.arg for one in ast.walk(tree) if isinstance(one, ast.arg))}
    own |= {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    numbers: dict = {}
    for one in ast.walk(tree):
        for field in ("name", "arg", "id"):
            if getattr(one, field, None) in own:
                setattr(one, field, f"_{numbers.setdefault(getattr(one, field), len(numbers))}")
    return ast.dump(tree)


def words_of(text):
    """Words, numbers and operators without case and accents, as the hub compares questions."""
    return re.findall(r"\w+|[-+*/^=<>%√×÷·]", plain(text.casefold()))


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
