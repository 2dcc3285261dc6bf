"""Writes the drills of this course: the rows with an id "gen-..." in data/train.jsonl and data/eval.jsonl, after the written ones.

    python generate.py            replace all drills by new ones; the same program always writes the same bytes
    python generate.py --check    change nothing; exit code 1 when the files hold something else

Every result and every test comes from running the function that the answer shows. No name of a held-out function is trained, and no
question is nearly another one. To add a kind, write a function that draws a ``Task`` and name it in ``KINDS``.
"""

from __future__ import annotations

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
            ("los números pares", "pares", "n % 2 == 0"),
            ("los números impares", "impares", "n % 2 == 1"),
            ("los positivos", "positivos", "n > 0"),
            ("los negativos", "negativos", "n < 0"),
            (f"los mayores que {k}", "mayores", f"n > {k}"),
            (f"los menores que {k}", "menores", f"n < {k}"),
            (f"los múltiplos de {k + 1}", "multiplos", f"n % {k + 1} == 0"),
            (f"los distintos de {k}", "distintos", f"n != {k}"),
            (f"los iguales a {k}", "iguales", f"n == {k}"),
        )
    )


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
    one = words.replace("los números ", "números ").replace("los ", "números ", 1) if "números" not in words else words[4:]
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
    adjective = re.sub("los números |los ", "", words)
    bad = next(n for n in numbers if n not in good)
    return Task(
        name=f"{rng.choice(('todos', 'son_todos', 'solo_hay', 'revisar'))}_{tail}",
        params=p,
        goal=f"decir con True o False si todos los elementos son {adjective}",
        wish=f"diga con True o False si todos los elementos son {adjective}",
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
    k = rng.randint(2, 9)
    words, tail, value = rng.choice(
        (
            ("el doble de cada elemento", "dobles", "n * 2"),
            ("el triple de cada elemento", "triples", "n * 3"),
            ("el cuadrado de cada elemento", "cuadrados", "n * n"),
            (f"cada elemento más {k}", f"mas_{k}", f"n + {k}"),
            (f"cada elemento menos {k}", f"menos_{k}", f"n - {k}"),
            (f"cada elemento multiplicado por {k}", f"por_{k}", f"n * {k}"),
            ("el opuesto de cada elemento", "opuestos", "-n"),
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
    word, sign, start = rng.choice((("mayor", ">", "0"), ("menor", "<", "0")))
    names = {
        "mayor": ("maximo", "el_mayor", "mas_alto", "mas_grande", "record"),
        "menor": ("minimo", "el_menor", "mas_bajo", "menor_valor", "mas_chico"),
    }
    p = rng.choice(LISTS)
    numbers = rng.sample(range(1, 20), 4)
    negative = [-n for n in rng.sample(range(1, 9), 3)]
    return Task(
        name=rng.choice(names[word]) + rng.choice(("", f"_de_{p}", "_lista")),
        params=p,
        goal=f"hallar el {word} elemento de una lista sin usar {'max' if word == 'mayor' else 'min'}",
        wish=f"devuelva el {word} elemento de una lista sin usar {'max' if word == 'mayor' else 'min'}",
        body=(f"mejor = {p}[0]", f"for n in {p}:", f"    if n {sign} mejor:", "        mejor = n", "return mejor"),
        calls=((numbers,), (negative,), ([7],), (rng.sample(range(1, 20), 5),)),
        ideas=(
            "Guarda el mejor visto hasta ahora y compáralo con cada elemento.",
            "Como en un torneo: el que va ganando se queda hasta que llega uno mejor.",
            f"Empieza con el primero y cámbialo cada vez que aparezca uno {word}.",
        ),
        trace=f"Empieza en {numbers[0]} y termina en {{result}}.",
        questions=("por qué empezamos con el primer elemento y no con 0", "qué pasa si la lista está vacía"),
        wrong=(f"mejor = {start}", f"for n in {p}:", f"    if n {sign} mejor:", "        mejor = n", "return mejor"),
        remedy=f"si empiezas en 0 falla cuando todos son {'negativos' if word == 'mayor' else 'positivos'}; empieza con el primero.",
    )


def posicion(rng):
    p, x = rng.choice(("lista", "numeros", "nombres", "codigos", "turnos")), rng.choice(("x", "buscado", "meta", "valor"))
    things = (
        rng.sample(range(1, 20), 4)
        if p in ("lista", "numeros", "codigos", "turnos")
        else rng.sample(("Ana", "Beto", "Caro", "Dani", "Eli", "Flor"), 4)
    )
    target = rng.choice(things[1:])
    return Task(
        name=rng.choice(("posicion", "indice", "donde_esta", "ubicar", "lugar", "buscar_en", "localizar"))
        + rng.choice(("", "_de", f"_{p}")),
        params=f"{p}, {x}",
        goal=f"devolver la posición de {x} en la lista, o -1 si no está",
        wish=f"devuelva la posición de {x} en la lista, o -1 si no está",
        body=(f"for i in range(len({p})):", f"    if {p}[i] == {x}:", "        return i", "return -1"),
        calls=((things, target), (things, things[0]), (things, 99), ([], 1)),
        ideas=(
            "Es la búsqueda lineal: revisa cada posición desde la 0 y para al encontrarlo.",
            "Mira casilla por casilla; solo al terminar puedes decir que no está.",
            "Como buscar un salón por el pasillo: lees cada puerta en orden.",
        ),
        trace=f"Las posiciones se cuentan desde 0, y {shown(target)} está en la {{result}}.",
        questions=("cuántas comparaciones hace si el valor no está", "qué ganarías si la lista estuviera ordenada"),
        wrong=(f"for i in range(len({p})):", f"    if {p}[i] == {x}:", "        return i", "    return -1"),
        remedy="el return -1 dentro del ciclo se rinde en la primera casilla; va después del for.",
    )


def ordenar(rng):
    p = rng.choice(LISTS)
    down = rng.choice((True, False))
    numbers = rng.sample(range(1, 15), 4)
    order = "de mayor a menor" if down else "de menor a mayor"
    sign = ">" if down else "<"
    return Task(
        name=rng.choice(("ordenar", "acomodar", "ordenadas", "poner_en_orden", "clasificar", "formar"))
        + rng.choice(("", f"_{p}", "_bajando" if down else "_subiendo")),
        params=p,
        goal=f"ordenar una lista {order} por selección",
        wish=f"devuelva la lista ordenada {order} por selección",
        body=(
            f"copia = {p}[:]",
            "for i in range(len(copia)):",
            "    m = i",
            "    for j in range(i + 1, len(copia)):",
            f"        if copia[j] {sign} copia[m]:",
            "            m = j",
            "    copia[i], copia[m] = copia[m], copia[i]",
            "return copia",
        ),
        calls=((numbers,), (rng.sample(range(-5, 9), 5),), ([],), ([3, 1, 3],)),
        ideas=(
            f"Para cada lugar busca quién debe ir ahí: el {'mayor' if down else 'menor'} de los que faltan.",
            f"Lugar por lugar: halla la posición m del {'mayor' if down else 'menor'} que falta y haz un solo intercambio.",
            f"Como formar una fila {order}: el primer lugar se decide mirando a todos, luego el segundo.",
        ),
        trace="Al terminar la lista queda {result}.",
        questions=("por qué trabajamos sobre una copia", "cuántas comparaciones hace con 4 elementos"),
        wrong=(f"copia = {p}[:]", f"return copia.sort({'reverse=True' if down else ''})"),
        remedy="sort() ordena la lista en su lugar y devuelve None; además se pide hacerlo por selección.",
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
    return Task(
        name=rng.choice(("invertir", "al_reves", "voltear", "reves", "dar_vuelta", "espejo")) + rng.choice(("", f"_{p}", "_letras")),
        params=p,
        goal=f"escribir {'una' if p in ('palabra', 'cadena', 'frase') else 'un'} {p} al revés sin usar [::-1]",
        wish=f"escriba {'una' if p in ('palabra', 'cadena', 'frase') else 'un'} {p} al revés sin usar [::-1]",
        body=('nuevo = ""', f"for letra in {p}:", "    nuevo = letra + nuevo", "return nuevo"),
        calls=((word,), (rng.choice(WORDS),), ("",), ("ab",)),
        ideas=(
            "Cada letra nueva va delante de las anteriores, y así el texto se da vuelta.",
            "Como apilar platos: la última letra que llega queda primera.",
            "Empieza con un texto vacío y pon cada letra al principio.",
        ),
        trace=f"La última letra de {word} queda primera: {{result}}.",
        questions=("qué pasaría si escribieras nuevo + letra", "cómo lo harías con una pila"),
        wrong=('nuevo = ""', f"for letra in {p}:", "    nuevo = nuevo + letra", "return nuevo"),
        remedy="con nuevo + letra el texto queda igual; la letra debe ir delante.",
    )


def palindromo(rng):
    p = rng.choice(TEXTS)
    word = rng.choice(("ana", "oso", "radar", "reconocer", "somos", "ojo", "anilina", "rotor"))
    return Task(
        name=rng.choice(("es_palindromo", "es_capicua", "se_lee_igual", "igual_al_reves", "simetrica", "palindromo"))
        + rng.choice(("", f"_{p}")),
        params=p,
        goal=f"decir si {'la' if p in ('palabra', 'cadena', 'frase') else 'el'} {p} se lee igual al revés",
        wish=f"diga si {'la' if p in ('palabra', 'cadena', 'frase') else 'el'} {p} se lee igual al revés",
        body=(
            f"i, j = 0, len({p}) - 1",
            "while i < j:",
            f"    if {p}[i] != {p}[j]:",
            "        return False",
            "    i, j = i + 1, j - 1",
            "return True",
        ),
        calls=((word,), (rng.choice(WORDS),), ("",), ("oro" + "s",)),
        ideas=(
            "Compara la primera letra con la última y avanza hacia el centro con dos índices.",
            "Dos dedos parten de los extremos; si alguna pareja de letras difiere, no es palíndromo.",
            "Basta comparar parejas: primera con última, segunda con penúltima.",
        ),
        trace=f"En {word} todas las parejas coinciden, por eso el resultado es {{result}}.",
        questions=("por qué la condición es i < j y no i <= j", "qué harías para ignorar los espacios"),
        wrong=(f"return {p}[::-1]",),
        remedy="devuelves el texto al revés; falta compararlo y responder True o False.",
    )


def letras(rng):
    p = rng.choice(TEXTS)
    words, tail, test = rng.choice(
        (
            ("las vocales", "vocales", 'letra in "aeiou"'),
            ("los espacios", "espacios", 'letra == " "'),
            ("las letras a", "letras_a", 'letra == "a"'),
            ("las letras o", "letras_o", 'letra == "o"'),
            ("las letras e", "letras_e", 'letra == "e"'),
            ("las cifras", "cifras", 'letra in "0123456789"'),
        )
    )
    texts = ("casa roja", "hola luna", "el 3 de mayo", "son 10 perros", "la ola", "pan con queso")
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
    return Task(
        f"{name}_{tail}", p, goal, wish, body, ((text,), (rng.choice(texts),), ("",), ("xyz",)), ideas, trace, questions, wrong, remedy
    )


# --- structures ----------------------------------------------------------------------------------


def pila(rng):
    p, k = rng.choice(("platos", "cartas", "libros", "cajas", "pila", "hojas")), rng.randint(2, 3)
    things = rng.sample(range(1, 10), 4)
    return Task(
        name=rng.choice(("sacar", "desapilar", "tomar", "quitar_arriba", "retirar", "bajar")) + f"_{p}",
        params=f"{p}, k",
        goal="sacar k elementos de la cima de una pila y devolverlos en el orden en que salen",
        wish="saque k elementos de la cima de una pila y los devuelva en el orden en que salen",
        body=("salen = []", "for i in range(k):", f"    salen.append({p}.pop())", "return salen"),
        calls=((things, k), ([5, 8], 1), ([1, 2, 3], 3), ([4], 0)),
        ideas=(
            "En una pila sale primero el último que entró: pop() sin argumento toma la cima.",
            "La cima de la pila es el final de la lista; de ahí se saca con pop().",
            "Como con los platos: siempre tomas el de arriba.",
        ),
        trace=f"La cima es {things[-1]}, el último de la lista, y salen {{result}}.",
        questions=("qué cambiarías si fuera una cola", "qué error aparece si k es mayor que la cantidad de elementos"),
        wrong=("salen = []", "for i in range(k):", f"    salen.append({p}.pop(0))", "return salen"),
        remedy="pop(0) saca el más viejo, como en una cola; en la pila se usa pop().",
    )


def cola(rng):
    p, k = rng.choice(("fila", "turnos", "clientes", "pacientes", "cola", "autos")), 2
    things = rng.sample(("Ana", "Beto", "Caro", "Dani", "Eli", "Flor", "Gabo", "Hugo"), 3)
    return Task(
        name=rng.choice(("atender", "despachar", "llamar", "pasar", "avanzar", "servir")) + f"_{p}",
        params=f"{p}, k",
        goal="atender a los primeros k de una cola y devolver quiénes salen",
        wish="atienda a los primeros k de una cola y devuelva quiénes salen",
        body=(f"cola = deque({p})", "salen = []", "for i in range(k):", "    salen.append(cola.popleft())", "return salen")
        if p != "cola"
        else ("espera = deque(cola)", "salen = []", "for i in range(k):", "    salen.append(espera.popleft())", "return salen"),
        calls=((things, k), (["Sol", "Luz"], 1), ([1, 2, 3], 3), ([4], 0)),
        ideas=(
            "En una cola sale primero quien llegó primero: popleft() saca del frente.",
            "Como en el banco: se atiende desde adelante, y deque lo hace rápido.",
            "Usa deque: popleft() saca al que lleva más tiempo esperando.",
        ),
        trace=f"El frente es {things[0]}, y salen {{result}}.",
        questions=("qué cambiarías si fuera una pila", "por qué deque es mejor que lista.pop(0)"),
        wrong=(f"cola = deque({p})", "salen = []", "for i in range(k):", "    salen.append(cola.pop())", "return salen"),
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
    first, second = rng.sample(kinds, 2)
    things = [first, second, first, *rng.sample(kinds, 1)]
    return Task(
        name=rng.choice(("frecuencias", "contar", "conteo", "cuantas_veces", "resumen", "repeticiones")) + f"_{p}",
        params=p,
        goal="contar en un diccionario cuántas veces aparece cada elemento",
        wish="cuente en un diccionario cuántas veces aparece cada elemento",
        body=("cuenta = {}", f"for x in {p}:", "    cuenta[x] = cuenta.get(x, 0) + 1", "return cuenta"),
        calls=((things,), (["a", "b", "a"],), ([],), ([7, 7, 7],)),
        ideas=(
            "Usa un diccionario: la clave es el elemento y el valor, cuántas veces salió.",
            "Como un pizarrón de votos: cada vez que sale un nombre le pones una raya más.",
            "get(x, 0) da lo que llevas de x, o 0 si es la primera vez; súmale 1.",
        ),
        trace="Cada elemento queda con su cuenta: {result}.",
        questions=("qué error saldría con cuenta[x] += 1 la primera vez", "cómo hallarías el elemento que más se repite"),
        wrong=("cuenta = {}", f"for x in {p}:", "    cuenta[x] = 1", "return cuenta"),
        remedy="siempre guardabas 1; hay que sumar 1 a lo que ya llevaba.",
    )


def sin_repetir(rng):
    p = rng.choice(("lista", "nombres", "numeros", "correos", "codigos", "placas"))
    numbers = rng.sample(range(1, 10), 3)
    demo = [numbers[0], numbers[1], numbers[0], numbers[2]]
    return Task(
        name=rng.choice(("sin_repetir", "unicos", "quitar_dobles", "no_repetidos", "una_vez")) + rng.choice(("", f"_{p}")),
        params=p,
        goal="quitar los repetidos de una lista sin cambiar el orden",
        wish="quite los repetidos de una lista sin cambiar el orden",
        body=(
            "vistos = set()",
            "nueva = []",
            f"for x in {p}:",
            "    if x not in vistos:",
            "        vistos.add(x)",
            "        nueva.append(x)",
            "return nueva",
        ),
        calls=((demo,), (["b", "a", "b"],), ([],), ([1, 1, 1],)),
        ideas=(
            "Recuerda en un conjunto lo que ya viste y agrega solo lo nuevo.",
            "Como la lista de invitados: si el nombre ya está marcado, no se anota otra vez.",
            "El conjunto responde rápido si x ya apareció; la lista guarda el orden.",
        ),
        trace=f"El segundo {numbers[0]} se salta y queda {{result}}.",
        questions=("por qué usamos un conjunto y no solo la lista nueva", "qué orden podrías perder con list(set(...))"),
        wrong=("nueva = []", f"for x in {p}:", "    nueva.append(x)", "return nueva"),
        remedy="agregabas todos; antes hay que preguntar si x ya fue visto.",
    )


def grafo(rng):
    g, v = rng.choice(("grafo", "amigos", "red", "mapa")), rng.choice(("nodo", "persona", "ciudad", "u"))
    a, b, c = rng.sample("ABCDEF", 3)
    demo = {a: [b, c], b: [a], c: [a]}
    return Task(
        name=rng.choice(("grado", "vecinos", "contar_vecinos", "conexiones", "cuantos_amigos", "enlaces"))
        + rng.choice(("", f"_{v}", f"_{g}")),
        params=f"{g}, {v}",
        goal=f"contar los vecinos de {v} en un grafo guardado como diccionario de listas",
        wish=f"cuente los vecinos de {v} en un grafo guardado como diccionario de listas",
        body=("total = 0", f"for vecino in {g}[{v}]:", "    total += 1", "return total"),
        calls=((demo, a), (demo, b), ({"Z": []}, "Z"), ({"X": ["Y", "W", "Z"], "Y": ["X"], "W": ["X"], "Z": ["X"]}, "X")),
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


def alcanzar(rng):
    g, s = rng.choice(("grafo", "mapa", "red", "rutas")), rng.choice(("inicio", "origen", "salida", "partida"))
    a, b, c, d = rng.sample("ABCDEF", 4)
    demo = {a: [b], b: [a, c], c: [b], d: []}
    return Task(
        name=rng.choice(("alcanzables", "visitar", "recorrer", "explorar", "llegar_a", "bfs")) + rng.choice(("", f"_{g}", f"_desde_{s}")),
        params=f"{g}, {s}",
        goal=f"listar en orden BFS los vértices a los que se llega desde {s}",
        wish=f"liste en orden BFS los vértices a los que se llega desde {s}",
        body=(
            f"visitados = [{s}]",
            f"cola = deque([{s}])",
            "while cola:",
            "    u = cola.popleft()",
            f"    for v in {g}[u]:",
            "        if v not in visitados:",
            "            visitados.append(v)",
            "            cola.append(v)",
            "return visitados",
        ),
        calls=((demo, a), (demo, b), (demo, d), ({1: [2, 3], 2: [4], 3: [4], 4: []}, 1)),
        ideas=(
            "BFS avanza por capas con una cola y recuerda a quién ya visitó.",
            "Como una onda en el agua: primero los vecinos, después los vecinos de ellos.",
            "Saca un vértice del frente de la cola y agrega los vecinos que aún no viste.",
        ),
        trace=f"A {d} no se llega desde {a}; el recorrido es {{result}}.",
        questions=("qué pasaría sin la lista de visitados", "qué recorrido sale si cambias la cola por una pila"),
        wrong=(f"visitados = [{s}]", f"for v in {g}[{s}]:", "    visitados.append(v)", "return visitados"),
        remedy="solo mirabas a los vecinos directos; la cola permite seguir con los vecinos de ellos.",
        imports="from collections import deque",
    )


def matriz(rng):
    m = rng.choice(("matriz", "tabla", "tablero", "notas", "ventas"))
    size = 2
    demo = [rng.sample(range(1, 7), size) for _ in range(2)]
    kind = rng.choice(("suma", "diagonal", "filas"))
    if kind == "suma":
        goal, wish = "sumar todos los números de una matriz", "sume todos los números de una matriz"
        body = ("total = 0", f"for fila in {m}:", "    for n in fila:", "        total += n", "return total")
        wrong = ("total = 0", f"for fila in {m}:", "    total += fila", "return total")
        remedy = "fila es una lista; hace falta otro ciclo para sus números."
        idea, trace = "Un ciclo recorre las filas y otro, dentro, los números de cada fila.", "Los cuatro números suman {result}."
        names = ("sumar", "suma_de", "total", "total_de")
        calls = ((demo,), ([[1, 2, 3]],), ([],), ([[4], [5]],))
    elif kind == "diagonal":
        goal, wish = "sumar la diagonal principal de una matriz cuadrada", "sume la diagonal principal de una matriz cuadrada"
        body = ("total = 0", f"for i in range(len({m})):", f"    total += {m}[i][i]", "return total")
        wrong = ("total = 0", f"for i in range(len({m})):", f"    total += {m}[0][i]", "return total")
        remedy = "sumabas la primera fila; en la diagonal la fila y la columna son iguales."
        idea = "En la diagonal la fila y la columna tienen el mismo número: [0][0], [1][1] y así."
        trace = f"Son {demo[0][0]} y {demo[1][1]}: el total es {{result}}."
        names = ("diagonal", "suma_diagonal", "diagonal_de", "traza")
        calls = ((demo,), ([[1, 2, 3], [4, 5, 6], [7, 8, 9]],), ([],), ([[6]],))
    else:
        goal = "devolver una lista con la suma de cada fila de una matriz"
        wish = goal.replace("devolver", "devuelva")
        body = ("sumas = []", f"for fila in {m}:", "    sumas.append(sum(fila))", "return sumas")
        wrong = ("sumas = 0", f"for fila in {m}:", "    sumas += sum(fila)", "return sumas")
        remedy = "juntabas todo en un número; se pide una suma por fila, en una lista."
        idea, trace = "Recorre las filas y agrega la suma de cada una a una lista.", "Hay una suma por fila: {result}."
        names = ("por_fila", "sumas_fila", "filas", "total_filas")
        calls = ((demo,), ([[1, 2, 3]],), ([],), ([[4], [5]],))
    return Task(
        name=f"{rng.choice(names)}_{m}",
        params=m,
        goal=goal,
        wish=wish,
        body=body,
        calls=calls,
        ideas=(idea, f"{idea} Piensa en una tabla: primero la fila, luego la columna."),
        trace=trace,
        questions=("cómo la cambiarías para trabajar con columnas", "qué devuelve con una matriz vacía"),
        wrong=wrong,
        remedy=remedy,
    )


# --- numbers, recursion, dynamic programming -----------------------------------------------------


def recursiva(rng):
    n = rng.randint(3, 5)
    words, names, base, value, step, trace = rng.choice(
        (
            (
                "la suma de 1 hasta n",
                ("suma_hasta", "sumar_hasta", "triangular", "acumulado"),
                "n == 0",
                "0",
                "n + {f}(n - 1)",
                " + ".join(map(str, range(n, 0, -1))),
            ),
            (
                "el producto de 1 hasta n",
                ("factorial", "producto_hasta", "multiplicar_hasta", "ordenes"),
                "n == 0",
                "1",
                "n * {f}(n - 1)",
                " · ".join(map(str, range(n, 0, -1))),
            ),
            (
                "2 elevado a n",
                ("dos_a_la", "potencia_dos", "duplicar", "potencia_de_2"),
                "n == 0",
                "1",
                "2 * {f}(n - 1)",
                " · ".join(["2"] * n),
            ),
            ("3 elevado a n", ("tres_a_la", "potencia_tres", "triplicar"), "n == 0", "1", "3 * {f}(n - 1)", " · ".join(["3"] * n)),
            (
                "la suma de los pares de 2 hasta 2n",
                ("suma_pares_hasta", "pares_acumulados", "sumar_dobles"),
                "n == 0",
                "0",
                "2 * n + {f}(n - 1)",
                " + ".join(str(2 * i) for i in range(n, 0, -1)),
            ),
            (
                "la suma de los cuadrados de 1 hasta n",
                ("suma_cuadrados", "cuadrados_hasta", "sumar_cuadrados"),
                "n == 0",
                "0",
                "n * n + {f}(n - 1)",
                " + ".join(str(i * i) for i in range(n, 0, -1)),
            ),
        )
    )
    name = rng.choice(names) + rng.choice(("", "_rec", "_n"))
    call = step.format(f=name)
    return Task(
        name=name,
        params="n",
        goal=f"calcular con recursión {words}",
        wish=f"calcule con recursión {words}",
        body=(f"if {base}:", f"    return {value}", f"return {call}"),
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
    p = rng.choice(LISTS)
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
    n = rng.choice((6, 8, 9, 10, 12, 14, 15, 18, 20))
    count = rng.choice((True, False))
    what = "contar los divisores de n" if count else "listar los divisores de n"
    return Task(
        name=(rng.choice(("contar", "cuantos", "numero_de", "total")) if count else rng.choice(("listar", "buscar", "hallar", "mostrar")))
        + rng.choice(("_divisores", "_factores", "_div")),
        params="n",
        goal=what,
        wish=what.replace("contar", "cuente").replace("listar", "liste"),
        body=("total = 0", "for d in range(1, n + 1):", "    if n % d == 0:", "        total += 1", "return total")
        if count
        else ("nueva = []", "for d in range(1, n + 1):", "    if n % d == 0:", "        nueva.append(d)", "return nueva"),
        calls=((n,), (1,), (7,), (16,)),
        ideas=(
            "Un número d divide a n cuando el resto n % d es 0: prueba todos desde 1 hasta n.",
            "Prueba cada d de 1 a n; si n % d == 0, la división es exacta.",
            "Como repartir n dulces en d bolsas iguales: sirve cuando no sobra ninguno.",
        ),
        trace=f"Para {n} el resultado es {{result}}.",
        questions=("por qué el range llega hasta n + 1", "cómo lo harías probando solo hasta la raíz de n"),
        wrong=("total = 0", "for d in range(1, n):", "    if n % d == 0:", "        total += 1", "return total")
        if count
        else ("nueva = []", "for d in range(1, n):", "    if n % d == 0:", "        nueva.append(d)", "return nueva"),
        remedy="range(1, n) no incluye a n, que también es divisor; usa n + 1.",
    )


def cifras(rng):
    n = rng.randint(12, 98) * 10 + rng.randint(1, 9)
    words, names, step, trace = rng.choice(
        (
            (
                "sumar|sume| las cifras de n",
                ("suma_cifras", "sumar_digitos", "cifras_sumadas", "suma_de_cifras"),
                "total += n % 10",
                " + ".join(str(n)),
            ),
            (
                "contar|cuente| las cifras de n",
                ("contar_cifras", "cuantas_cifras", "largo_numero", "numero_cifras"),
                "total += 1",
                " + ".join("1" * len(str(n))),
            ),
        )
    )
    infinitive, subjunctive, rest = words.split("|")
    return Task(
        name=rng.choice(names) + rng.choice(("", "_de_n", "_enteras")),
        params="n",
        goal=f"{infinitive}{rest} sin convertir a texto",
        wish=f"{subjunctive}{rest} sin convertir a texto",
        body=("total = 0", "while n > 0:", f"    {step}", "    n = n // 10", "return total"),
        calls=((n,), (7,), (1000,), (909,)),
        ideas=(
            "n % 10 da la última cifra y n // 10 la quita; repite hasta llegar a 0.",
            "Corta el número desde el final: // 10 le quita una cifra en cada vuelta.",
            "Como arrancar hojas de un calendario: en cada vuelta se va la última cifra.",
        ),
        trace=f"Con {n} se forma {trace} y el resultado es {{result}}.",
        questions=("qué pasaría si olvidas n = n // 10", "qué devuelve con n = 0"),
        wrong=("total = 0", "while n > 9:", f"    {step}", "    n = n // 10", "return total"),
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
    palindromo: (("cadenas", "dos_punteros"), 2, 5, 3),
    letras: (("cadenas",), 1, 8, 3),
    pila: (("pilas",), 1, 5, 2),
    cola: (("colas",), 1, 5, 2),
    frecuencias: (("hash",), 2, 5, 2),
    sin_repetir: (("conjuntos",), 2, 4, 2),
    grafo: (("grafos",), 2, 4, 2),
    alcanzar: (("grafos", "colas"), 3, 4, 1),
    matriz: (("matrices",), 2, 5, 2),
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


def answer(rng, opening, task, closing):
    """What the tutor says: the idea, the function with one call, what happens there, and a question."""
    result = results(task, task.body)[0]
    code = f"{function(task, task.body)}\n\nprint({call(task, task.calls[0])})"
    trace = task.trace.format(result=result)
    return f"{opening}\n\n```python\n{code}\n```\n\nImprime {result}. {trace}\n\nPara pensar: ¿{closing}?"


def question(rng, task):
    asked = rng.choice(ASK).format(call=f"{task.name}({task.params})", wish=task.wish, goal=task.goal, who=rng.choice(NAMES))
    return plain(asked).lower().rstrip(".") if rng.random() < 0.2 and task.name == task.name.lower() else asked


def conversation(rng, kind, draw, follow):
    """Question and answer; with ``follow`` the student's try at a second function and the tutor's answer to it."""
    first = draw(kind)
    turns = [question(rng, first)]
    if not follow:
        return [first], [*turns, answer(rng, rng.choice(first.ideas), first, rng.choice(first.questions))]
    second = draw(FOLLOWING.get(kind, kind))
    while second.name == first.name or second.goal == first.goal:
        second = draw(FOLLOWING.get(kind, kind))
    onward = rng.choice(NEXT).format(call=f"{second.name}({second.params})", goal=second.goal)
    turns.append(answer(rng, rng.choice(first.ideas), first, onward))
    if follow == "lost":
        said, opening = rng.choice(UNKNOWN).format(name=second.name), f"{rng.choice(LOST)} {rng.choice(second.ideas)}"
    elif follow == "wrong":
        said, opening = rng.choice(TRIED).format(code=function(second, second.wrong)), f"{rng.choice(WRONG)} {second.remedy}"
    else:
        said, opening = rng.choice(TRIED).format(code=function(second, second.body)), f"{rng.choice(RIGHT)} {rng.choice(second.ideas)}"
    turns += [said, answer(rng, opening, second, rng.choice(second.questions))]
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
                    if task.name not in refused and results(task, task.body) != results(task, task.wrong):
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
    return rows


def row(identifier, turns, tags, difficulty, task):
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)]
    tests = [
        f"assert {call(task, arguments)} == {shown(result)}" for arguments, result in zip(task.calls, results(task, task.body), strict=True)
    ]
    expected = {"entry_point": task.name, "tests": list(dict.fromkeys(tests))}
    return {"messages": messages, "expected": expected, "tags": list(tags), "difficulty": difficulty, "id": identifier}


def written():
    """The words of the questions that people wrote and the functions they train on; a drill must not be nearly one, a held-out one none."""
    questions, functions = [], set()
    for file in ("train", "eval"):
        for line in (DATA / f"{file}.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            if not one.get("id", "").startswith("gen-"):
                questions.append(frozenset(words_of(" ".join(turn["content"] for turn in one["messages"] if turn["role"] == "user"))))
                if file == "train":
                    functions.add(one.get("expected", {}).get("entry_point"))
    return questions, functions


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
