"""Worksheets of small Python functions: name and parameters are those of the request, the body is put together from its wording.

Knows Python, conditions, actions, maps and a catalogue of classroom functions; every result comes from running the code.
Deliberately knows nothing of chat formats, tokens or tutors.
"""

import builtins
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from .corpus import plain
from .sheets import Lexicon, Part, Sheet

LIMIT = 1290
"""characters of a sheet"""
EXERCISE_LIMIT = 560
"""characters of one exercise, so that two always fit"""

FORBIDDEN = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins)) | {"deque", "collections"}

# 1. Words.

VERBS = {
    verb: forms
    for verb, *forms in (
        line.split("/")
        for line in """contar/cuente/cuenta/cuenta
sumar/sume/suma/suma
decir/diga/dice/di
devolver/devuelva/devuelve/devuelve
calcular/calcule/calcula/calcula
filtrar/filtre/filtra/filtra
quedarse/se quede/se queda/quédate
quitar/quite/quita/quita
eliminar/elimine/elimina/elimina
buscar/busque/busca/busca
obtener/obtenga/obtiene/obtén
indicar/indique/indica/indica
comprobar/compruebe/comprueba/comprueba
multiplicar/multiplique/multiplica/multiplica
hallar/halle/halla/halla
armar/arme/arma/arma
guardar/guarde/guarda/guarda
separar/separe/separa/separa
cambiar/cambie/cambia/cambia
ordenar/ordene/ordena/ordena
invertir/invierta/invierte/invierte
unir/una/une/une
rotar/rote/rota/rota
dividir/divida/divide/divide
promediar/promedie/promedia/promedia""".splitlines()
    )
}
"""infinitive: subjunctive, indicative, imperative"""

NOUNS = {
    "nums": (("números", "número"), ("elementos", "elemento"), ("valores", "valor"), ("datos", "dato")),
    "words": (("palabras", "palabra"), ("textos", "texto"), ("nombres", "nombre")),
}
KINDS = {
    "nums": ("una lista", "la lista", "una lista de números", "los números"),
    "words": ("una lista", "la lista", "una lista de palabras", "las palabras"),
    "n": ("un número", "un entero", "el número"),
    "text": ("un texto", "una cadena", "el texto", "una palabra"),
    "matrix": ("una matriz", "la matriz", "una lista de listas"),
    "graph": ("un grafo", "el grafo", "un diccionario de vecinos"),
    "any": ("", "el dato"),
}
TYPICAL = {
    "nums": ("lista", "numeros", "datos", "valores", "nums", "xs", "edades", "precios"),
    "words": ("palabras", "lista", "nombres", "textos"),
    "n": ("n", "k", "numero", "x", "limite", "m"),
    "text": ("texto", "palabra", "cadena", "s", "frase"),
    "matrix": ("matriz", "m", "tabla", "filas"),
    "graph": ("grafo", "g", "vecinos", "red"),
    "any": ("x", "dato", "valor", "inicio"),
}
ELEMENTS = {"nums": ("n", "x", "v", "num", "e", "dato"), "words": ("p", "t", "w", "item", "s")}
TOTALS = ("total", "suma", "acum", "res")
COUNTS = ("total", "cuenta", "contador", "c")
LISTS = ("resultado", "nueva", "salida", "res")
WORDS = [
    "sol",
    "luna",
    "casa",
    "mesa",
    "pan",
    "gato",
    "perro",
    "rio",
    "flor",
    "mar",
    "nube",
    "tren",
    "lapiz",
    "cielo",
    "arbol",
    "cama",
    "rana",
    "papel",
    "queso",
    "radar",
    "oso",
    "ana",
    "oro",
    "limon",
    "pera",
    "uva",
    "mango",
    "silla",
    "puente",
    "calle",
    "libro",
    "barco",
    "viento",
    "arena",
    "piedra",
    "hoja",
    "tinta",
    "copa",
    "taza",
]

# 2. Conditions.


@dataclass(frozen=True)
class Condition:
    """A test of the element V, with figures K and J."""

    phrases: tuple[str, ...]
    """'plural/singular', to stand after a noun"""
    test: str
    """the expression over V, K, J"""
    opposite: str
    """the expression for what does not meet it"""
    slug: str
    """what names call it"""


def _conditions(lines: str) -> tuple[Condition, ...]:
    found = []
    for line in lines.strip().split("\n"):
        test, opposite, slug, phrases = (field.strip() for field in line.split("|"))
        found.append(Condition(tuple(phrases.split("; ")), test, opposite, slug))
    return tuple(found)


NUMBER_CONDITIONS = _conditions("""
V > K | V <= K | mayores | mayores que {K}/mayor que {K}; que pasan de {K}/que pasa de {K}; por encima de {K}; que superan {K}/que supera {K}
V >= K | V < K | desde | de {K} o más; mayores o iguales que {K}/mayor o igual que {K}; de al menos {K}; que llegan a {K}/que llega a {K}
V < K | V >= K | menores | menores que {K}/menor que {K}; por debajo de {K}; de menos de {K}; que no llegan a {K}/que no llega a {K}
V <= K | V > K | hasta | de {K} o menos; menores o iguales que {K}/menor o igual que {K}; de {K} como máximo; que no pasan de {K}/que no pasa de {K}
V != K | V == K | distintos | distintos de {K}/distinto de {K}; diferentes de {K}/diferente de {K}; que no son {K}/que no es {K}
V == K | V != K | iguales | iguales a {K}/igual a {K}; que valen {K}/que vale {K}; que son {K}/que es {K}
V % K == 0 | V % K != 0 | multiplos | múltiplos de {K}/múltiplo de {K}; divisibles entre {K}/divisible entre {K}; divisibles por {K}/divisible por {K}
V % K != 0 | V % K == 0 | no_multiplos | que no son múltiplos de {K}/que no es múltiplo de {K}; no divisibles entre {K}/no divisible entre {K}
V % 2 == 0 | V % 2 != 0 | pares | pares/par; que son pares/que es par
V % 2 != 0 | V % 2 == 0 | impares | impares/impar; que son impares/que es impar
V > 0 | V <= 0 | positivos | positivos/positivo; mayores que cero/mayor que cero; sobre cero
V < 0 | V >= 0 | negativos | negativos/negativo; menores que cero/menor que cero; bajo cero
K <= V <= J | V < K or V > J | entre | entre {K} y {J}; que van de {K} a {J}/que va de {K} a {J}; que están entre {K} y {J}/que está entre {K} y {J}
V < K or V > J | K <= V <= J | fuera | que no están entre {K} y {J}/que no está entre {K} y {J}; fuera del rango {K} a {J}
V % 10 == K | V % 10 != K | terminados | que terminan en {K}/que termina en {K}; con última cifra {K}; acabados en {K}/acabado en {K}
10 <= V <= 99 | V < 10 or V > 99 | de_dos_cifras | de dos cifras; de dos dígitos
V % 2 == 0 and V > K | V % 2 != 0 or V <= K | pares_mayores | pares mayores que {K}/par mayor que {K}; pares y mayores que {K}/par y mayor que {K}
V % 2 != 0 and V < K | V % 2 == 0 or V >= K | impares_menores | impares menores que {K}/impar menor que {K}; impares por debajo de {K}/impar por debajo de {K}
V % K == 0 and V > J | V % K != 0 or V <= J | multiplos_altos | múltiplos de {K} y mayores que {J}/múltiplo de {K} y mayor que {J}
""")

WORD_CONDITIONS = _conditions("""
V.startswith("L") | not V.startswith("L") | con_inicial | que empiezan con "{L}"/que empieza con "{L}"; que comienzan por "{L}"/que comienza por "{L}"; con inicial "{L}"
V.endswith("L") | not V.endswith("L") | terminadas | que terminan en "{L}"/que termina en "{L}"; que acaban en "{L}"/que acaba en "{L}"; con "{L}" al final
"L" in V | "L" not in V | con_letra | que contienen la letra "{L}"/que contiene la letra "{L}"; que tienen "{L}"/que tiene "{L}"; con la letra "{L}"
"L" not in V | "L" in V | sin_letra | que no contienen la letra "{L}"/que no contiene la letra "{L}"; sin la letra "{L}"; que no tienen "{L}"/que no tiene "{L}"
len(V) > K | len(V) <= K | largas | de más de {K} letras; con largo mayor que {K}; que pasan de {K} letras/que pasa de {K} letras
len(V) >= K | len(V) < K | de_largo_minimo | de {K} letras o más; de al menos {K} letras; con {K} o más letras
len(V) < K | len(V) >= K | cortas | de menos de {K} letras; con largo menor que {K}; que no llegan a {K} letras/que no llega a {K} letras
len(V) <= K | len(V) > K | de_largo_maximo | de {K} letras o menos; de {K} letras como máximo; que no pasan de {K} letras/que no pasa de {K} letras
len(V) == K | len(V) != K | de_largo_justo | de {K} letras; con exactamente {K} letras; de largo {K}
""")

# 3. Maps of an element.

NUMBER_MAPS = (
    ("V * 2", "el doble", "dobles"),
    ("V * 3", "el triple", "triples"),
    ("V ** 2", "el cuadrado", "cuadrados"),
    ("V ** 3", "el cubo", "cubos"),
    ("V // 2", "la mitad entera", "mitades"),
    ("abs(V)", "el valor absoluto", "absolutos"),
    ("-V", "el opuesto", "opuestos"),
    ("V % 10", "la última cifra", "ultimas_cifras"),
    ("V % K", "el resto entre {K}", "restos"),
    ("V + K", "la suma con {K}", "sumados"),
    ("V * K", "el producto por {K}", "por_factor"),
    ("V - K", "la diferencia con {K}", "restados"),
)
WORD_MAPS = (
    ("len(V)", "el largo", "largos"),
    ("V.upper()", "la versión en mayúsculas", "en_mayusculas"),
    ("V[0]", "la primera letra", "iniciales"),
    ("V[-1]", "la última letra", "finales"),
    ("V[::-1]", "el reverso", "reversos"),
    ("V.capitalize()", "la versión con mayúscula inicial", "con_mayuscula"),
    ("V * 2", "la repetición doble", "repetidas"),
)

# 4. Actions on the elements that meet a condition: C the condition, D its opposite, V the element, A a total, B a list, I a position.


@dataclass(frozen=True)
class Action:
    """What is done with the elements that meet a condition."""

    wishes: tuple[str, ...]
    """'infinitive|rest'; {los} {NP} and its kin stand for the noun with its condition"""
    bodies: tuple[str, ...]
    """the first is the plain one"""
    why: str
    names: tuple[str, ...]
    trace: str = "which"
    numbers_only: bool = False


def _loop(*inside: str, before: str = "", after: str = "", head: str = "for V in P:") -> str:
    lines = [*([before] if before else []), head, *("    " + line for line in inside), *([after] if after else [])]
    return "\n".join("    " + line for line in lines)


ACTIONS = (
    Action(
        (
            "contar|{cuantos} {NP} hay",
            "contar|{los} {NP}",
            "decir|{cuantos} {NP} hay",
            "devolver|la cantidad de {NP}",
            "calcular|el número de {NP}",
        ),
        (
            _loop("if C:", "    A += 1", before="A = 0", after="return A"),
            "    return sum(1 for V in P if C)",
            "    return len([V for V in P if C])",
        ),
        "Se cuenta uno por cada {NS}",
        ("contar", "cuantos", "cantidad"),
        "count",
    ),
    Action(
        (
            "sumar|{los} {NP}",
            "devolver|la suma de {los} {NP}",
            "calcular|cuánto suman {los} {NP}",
            "obtener|el total de {los} {NP}",
            "sumar|solo {los} {NP}",
        ),
        (_loop("if C:", "    A += V", before="A = 0", after="return A"), "    return sum(V for V in P if C)"),
        "Se suma cada {NS}",
        ("sumar", "suma", "total"),
        "sum",
        True,
    ),
    Action(
        ("multiplicar|{los} {NP}", "devolver|el producto de {los} {NP}", "calcular|el producto de {los} {NP}"),
        (_loop("if C:", "    A *= V", before="A = 1", after="return A"),),
        "Se multiplica cada {NS}",
        ("multiplicar", "producto"),
        "product",
        True,
    ),
    Action(
        (
            "quedarse|con {los} {NP}",
            "filtrar|{los} {NP}",
            "devolver|una lista con {los} {NP}",
            "guardar|en una lista nueva {los} {NP}",
            "devolver|solo {los} {NP}",
            "obtener|{los} {NP}",
        ),
        (_loop("if C:", "    B.append(V)", before="B = []", after="return B"), "    return [V for V in P if C]"),
        "Se agrega a la lista cada {NS}",
        ("filtrar", "solo", "elegir"),
    ),
    Action(
        ("quitar|{los} {NP}", "eliminar|{los} {NP}", "devolver|la lista sin {los} {NP}", "quitar|de la lista {los} {NP}"),
        (_loop("if D:", "    B.append(V)", before="B = []", after="return B"), "    return [V for V in P if D]"),
        "Se deja fuera cada {NS}",
        ("quitar", "sin", "eliminar"),
        "removed",
    ),
    Action(
        (
            "decir|si hay {algun} {NS}",
            "comprobar|si existe {algun} {NS}",
            "indicar|si aparece {algun} {NS}",
            "devolver|True si hay al menos {un} {NS}",
        ),
        (_loop("if C:", "    return True", after="return False"), "    return any(C for V in P)"),
        "Basta con {un} {NS}",
        ("hay", "existe", "alguno_de"),
        "first",
    ),
    Action(
        ("decir|si no hay {ningun} {NS}", "comprobar|que no haya {ningun} {NS}", "devolver|True si no aparece {ningun} {NS}"),
        (_loop("if C:", "    return False", after="return True"), "    return not any(C for V in P)"),
        "Con {un} solo {NS} ya es False",
        ("no_hay", "ninguno_de"),
        "first",
    ),
    Action(
        (
            "decir|si {todos} {los} {N} {ARE}",
            "comprobar|que {todos} {los} {N} {ARE}",
            "devolver|True si {todos} {los} {N} {ARE}",
            "indicar|si {todos} {ARE}",
        ),
        (_loop("if D:", "    return False", after="return True"), "    return all(C for V in P)"),
        "{Un} {n} que no cumple ya da False",
        ("todos", "son_todos", "todo"),
        "fails",
    ),
    Action(
        ("devolver|{el} {primer} {NS} o None", "buscar|{el} {primer} {NS}, None si no hay", "hallar|{el} {primer} {NS} (si falta, None)"),
        (_loop("if C:", "    return V", after="return None"),),
        "Se devuelve {el} {primer} {NS}",
        ("primero", "primer", "buscar"),
        "first",
    ),
    Action(
        (
            "devolver|la posición {del} {primer} {NS} o -1",
            "buscar|el índice {del} {primer} {NS}, -1 si no hay",
            "decir|en qué posición está {el} {primer} {NS} (-1 si falta)",
        ),
        (
            _loop("if C:", "    return I", after="return -1", head="for I, V in enumerate(P):"),
            _loop("V = P[I]", "if C:", "    return I", after="return -1", head="for I in range(len(P)):"),
        ),
        "Se devuelve el índice {del} {primer} {NS}",
        ("posicion", "indice", "donde"),
        "position",
    ),
    Action(
        ("devolver|las posiciones de {los} {NP}", "obtener|los índices de {los} {NP}", "guardar|en qué posiciones están {los} {NP}"),
        (
            _loop("if C:", "    B.append(I)", before="B = []", after="return B", head="for I, V in enumerate(P):"),
            "    return [I for I, V in enumerate(P) if C]",
        ),
        "Se guarda el índice de cada {NS}",
        ("posiciones", "indices"),
    ),
    Action(
        ("devolver|{el} {ultimo} {NS} o None", "buscar|{el} {ultimo} {NS}, None si no hay", "hallar|{el} {ultimo} {NS} (si falta, None)"),
        (_loop("if C:", "    A = V", before="A = None", after="return A"),),
        "Queda {el} {ultimo} {NS}",
        ("ultimo", "ultimo_de"),
        "last",
    ),
    Action(
        (
            "devolver|el mayor de {los} {NP} o None",
            "hallar|el máximo de {los} {NP}, None si no hay",
            "buscar|el más grande de {los} {NP} (o None)",
        ),
        (_loop("if C and (A is None or V > A):", "    A = V", before="A = None", after="return A"),),
        "Se guarda el mayor de {los} {NP}",
        ("mayor", "maximo"),
        "max",
        True,
    ),
    Action(
        (
            "devolver|el menor de {los} {NP} o None",
            "hallar|el mínimo de {los} {NP}, None si no hay",
            "buscar|el más chico de {los} {NP} (o None)",
        ),
        (_loop("if C and (A is None or V < A):", "    A = V", before="A = None", after="return A"),),
        "Se guarda el menor de {los} {NP}",
        ("menor", "minimo"),
        "min",
        True,
    ),
    Action(
        ("promediar|{los} {NP} (0 si no hay)", "calcular|el promedio de {los} {NP}, 0 si no hay", "devolver|la media de {los} {NP} o 0"),
        ("    B = [V for V in P if C]\n    if not B:\n        return 0\n    return sum(B) / len(B)",),
        "Suma y cantidad se toman de {los} {NP}",
        ("promedio", "media"),
        "mean",
        True,
    ),
    Action(
        ("separar|{los} {NP} del resto, en dos listas", "dividir|la lista en dos: {los} {NP} y el resto"),
        ("    si = []\n    no = []\n" + _loop("if C:", "    si.append(V)", "else:", "    no.append(V)", after="return si, no"),),
        "Cada {NS} va a la primera lista",
        ("separar", "partir"),
    ),
    Action(
        ("cambiar|{los} {NP} por 0", "devolver|la lista con 0 en lugar de {los} {NP}"),
        (
            _loop("if C:", "    B.append(0)", "else:", "    B.append(V)", before="B = []", after="return B"),
            "    return [0 if C else V for V in P]",
        ),
        "Se pone 0 por cada {NS}",
        ("anular", "borrar"),
        "which",
        True,
    ),
)

MAP_WISHES = {
    "list": (
        "devolver|una lista con {M} de cada {NS}",
        "calcular|{M} de cada {NS}",
        "obtener|{M} de cada {NS}",
        "armar|la lista con {M} de cada {NS}",
    ),
    "sum": ("sumar|{M} de cada {NS}", "devolver|la suma de {M} de cada {NS}", "calcular|el total de {M} de cada {NS}"),
}

# 5. Catalogue of other functions: wishes; kinds of the parameters; names; body; how arguments are drawn.


@dataclass(frozen=True)
class Known:
    """A classroom function over F (itself), P and Q."""

    wishes: tuple[str, ...]
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    bodies: tuple[str, ...]
    draw: Callable[[Random], tuple[Any, ...]]
    why: str
    before: str = ""
    """an import that stands over the function"""


def _nums(rng: Random, low: int = 1, high: int = 12, sizes: tuple[int, ...] = (3, 4, 4, 5, 6)) -> list[int]:
    return [rng.randint(low, high) for _ in range(rng.choice(sizes))]


def _distinct(rng: Random, sizes: tuple[int, ...] = (3, 4, 4, 5)) -> list[int]:
    return rng.sample(range(1, 20), rng.choice(sizes))


def _words(rng: Random) -> list[str]:
    return rng.sample(WORDS, rng.choice((2, 3, 3, 4)))


def _matrix(rng: Random, square: bool = False) -> list[list[int]]:
    rows = rng.choice((2, 2, 3))
    columns = rows if square else rng.choice((2, 3))
    return [[rng.randint(0, 9) for _ in range(columns)] for _ in range(rows)]


def _graph(rng: Random) -> dict[str, list[str]]:
    letters = rng.sample("ABCDEFGH", rng.choice((3, 4)))
    graph: dict[str, list[str]] = {letter: [] for letter in letters}
    for place, letter in enumerate(letters[1:], 1):
        graph[letters[rng.randrange(place)]].append(letter)
    return graph


def _rooted(rng: Random) -> tuple[Any, ...]:
    graph = _graph(rng)
    return graph, next(iter(graph)) if rng.random() < 0.7 else rng.choice(list(graph))


def _sought(rng: Random, numbers: list[int]) -> tuple[Any, ...]:
    return numbers, rng.choice(numbers) if rng.random() < 0.75 else rng.randint(1, 20)


def _one(drawn: Callable[[Random], Any]) -> Callable[[Random], tuple[Any, ...]]:
    return lambda rng: (drawn(rng),)


def _number(low: int, high: int) -> Callable[[Random], tuple[Any, ...]]:
    return lambda rng: (rng.randint(low, high),)


def _text(rng: Random) -> tuple[Any, ...]:
    return (rng.choice(WORDS) if rng.random() < 0.75 else " ".join(rng.sample(WORDS, 2)),)


def _palindrome(rng: Random) -> tuple[Any, ...]:
    half = rng.choice(WORDS)[:3]
    return (half + half[::-1] if rng.random() < 0.45 else rng.choice(WORDS),)


def _code(text: str) -> str:
    """A body written without the indentation of a function."""
    return "\n".join("    " + line for line in text.strip("\n").split("\n"))


def _known(
    wishes: str, kinds: str, names: str, why: str, draw: Callable[[Random], tuple[Any, ...]], *bodies: str, before: str = ""
) -> Known:
    return Known(tuple(wishes.split("; ")), tuple(kinds.split()), tuple(names.split()), tuple(map(_code, bodies)), draw, why, before)


CATALOGUE = (
    # 5.1 Numbers
    _known(
        "calcular|el factorial de {P} con recursión; devolver|{P}! de forma recursiva",
        "n",
        "factorial fact",
        "El caso base es 0",
        _number(1, 6),
        "if P == 0:\n    return 1\nreturn P * F(P - 1)",
    ),
    _known(
        "calcular|el factorial de {P} con un for; devolver|el factorial de {P} sin recursión",
        "n",
        "factorial fact",
        "Se multiplica de 2 a {P}",
        _number(1, 6),
        "A = 1\nfor I in range(2, P + 1):\n    A *= I\nreturn A",
    ),
    _known(
        "sumar|los números de 1 a {P}; devolver|la suma 1 + 2 + ... + {P}",
        "n",
        "suma_hasta sumar_hasta",
        "Se suma cada número hasta {P}",
        _number(3, 10),
        "A = 0\nfor I in range(1, P + 1):\n    A += I\nreturn A",
        "return sum(range(1, P + 1))",
    ),
    _known(
        "sumar|los números de 1 a {P} con recursión; calcular|de forma recursiva la suma de 1 hasta {P}",
        "n",
        "suma_hasta sumatoria",
        "El caso base es 0",
        _number(3, 8),
        "if P == 0:\n    return 0\nreturn P + F(P - 1)",
    ),
    _known(
        "calcular|la potencia de {P} elevado a {Q} con un for; devolver|{P} elevado a {Q} sin usar **",
        "n n",
        "potencia elevar",
        "Se multiplica {Q} veces por {P}",
        lambda r: (r.randint(2, 5), r.randint(2, 4)),
        "A = 1\nfor I in range(Q):\n    A *= P\nreturn A",
    ),
    _known(
        "calcular|{P} elevado a {Q} con recursión; devolver|la potencia de {P} a la {Q} recursivamente",
        "n n",
        "potencia elevar",
        "Elevado a 0 da 1",
        lambda r: (r.randint(2, 5), r.randint(2, 4)),
        "if Q == 0:\n    return 1\nreturn P * F(P, Q - 1)",
    ),
    _known(
        "contar|las cifras de {P}; decir|cuántos dígitos tiene {P}",
        "n",
        "contar_cifras cifras",
        "Cada división entre 10 quita una cifra",
        _number(10, 99999),
        "A = 0\nwhile P > 0:\n    A += 1\n    P //= 10\nreturn A",
        "return len(str(P))",
    ),
    _known(
        "sumar|las cifras de {P}; devolver|la suma de los dígitos de {P}",
        "n",
        "suma_cifras sumar_digitos",
        "P % 10 es la última cifra",
        _number(10, 9999),
        "A = 0\nwhile P > 0:\n    A += P % 10\n    P //= 10\nreturn A",
    ),
    _known(
        "sumar|las cifras de {P} con recursión; calcular|recursivamente la suma de dígitos de {P}",
        "n",
        "suma_cifras digitos",
        "Una sola cifra se suma a sí misma",
        _number(10, 9999),
        "if P < 10:\n    return P\nreturn P % 10 + F(P // 10)",
    ),
    _known(
        "devolver|los divisores de {P}; obtener|la lista de divisores de {P}",
        "n",
        "divisores lista_divisores",
        "Un divisor deja resto 0",
        _number(4, 30),
        "B = []\nfor I in range(1, P + 1):\n    if P % I == 0:\n        B.append(I)\nreturn B",
        "return [I for I in range(1, P + 1) if P % I == 0]",
    ),
    _known(
        "contar|los divisores de {P}; decir|cuántos divisores tiene {P}",
        "n",
        "contar_divisores cuantos_divisores",
        "Un divisor deja resto 0",
        _number(4, 30),
        "A = 0\nfor I in range(1, P + 1):\n    if P % I == 0:\n        A += 1\nreturn A",
    ),
    _known(
        "calcular|el mcd de {P} y {Q} con Euclides; devolver|el máximo común divisor de {P} y {Q}",
        "n n",
        "mcd euclides",
        "Se repite con el resto hasta llegar a 0",
        lambda r: (r.randint(6, 60), r.randint(4, 40)),
        "while Q != 0:\n    P, Q = Q, P % Q\nreturn P",
        "if Q == 0:\n    return P\nreturn F(Q, P % Q)",
    ),
    _known(
        "decir|si {P} es primo; comprobar|que {P} sea un número primo",
        "n",
        "es_primo primo",
        "Un divisor entre 2 y la raíz lo descarta",
        _number(2, 60),
        "if P < 2:\n    return False\nI = 2\nwhile I * I <= P:\n    if P % I == 0:\n        return False\n    I += 1\nreturn True",
        "if P < 2:\n    return False\nfor I in range(2, P):\n    if P % I == 0:\n        return False\nreturn True",
    ),
    _known(
        "devolver|los primos hasta {P}; obtener|la lista de primos de 2 a {P}",
        "n",
        "primos primos_hasta",
        "Primo: sin divisores menores",
        _number(5, 25),
        "B = []\nfor x in range(2, P + 1):\n    if all(x % d != 0 for d in range(2, x)):\n        B.append(x)\nreturn B",
    ),
    _known(
        "calcular|el término {P} de Fibonacci; devolver|el número {P} de la serie de Fibonacci",
        "n",
        "fibonacci fib",
        "Cada término es la suma de los dos anteriores",
        _number(3, 11),
        "a, b = 0, 1\nfor I in range(P):\n    a, b = b, a + b\nreturn a",
    ),
    _known(
        "calcular|Fibonacci de {P} con recursión; devolver|recursivamente el término {P} de Fibonacci",
        "n",
        "fibonacci fib",
        "Los casos base son 0 y 1",
        _number(3, 9),
        "if P < 2:\n    return P\nreturn F(P - 1) + F(P - 2)",
    ),
    _known(
        "devolver|los primeros {P} términos de Fibonacci; armar|la lista de los {P} primeros números de Fibonacci",
        "n",
        "serie lista_fib",
        "Cada término es la suma de los dos anteriores",
        _number(3, 8),
        "B = []\na, b = 0, 1\nfor I in range(P):\n    B.append(a)\n    a, b = b, a + b\nreturn B",
    ),
    _known(
        "devolver|la tabla de multiplicar de {P} hasta {Q}; armar|la lista {P} por 1, {P} por 2, ... hasta {P} por {Q}",
        "n n",
        "tabla tabla_de",
        "Se multiplica por 1, 2, ... {Q}",
        lambda r: (r.randint(2, 9), r.randint(3, 5)),
        "B = []\nfor I in range(1, Q + 1):\n    B.append(P * I)\nreturn B",
    ),
    _known(
        "devolver|la cuenta regresiva de {P} a 1; armar|la lista de {P} bajando hasta 1",
        "n",
        "cuenta_regresiva bajada",
        "Se resta uno cada vez",
        _number(3, 7),
        "B = []\nwhile P > 0:\n    B.append(P)\n    P -= 1\nreturn B",
    ),
    _known(
        "devolver|{P} en binario como texto; calcular|los bits de {P} como texto",
        "n",
        "binario a_binario",
        "Los restos entre 2 son los bits",
        _number(2, 30),
        'A = ""\nwhile P > 0:\n    A = str(P % 2) + A\n    P //= 2\nreturn A',
    ),
    _known(
        "devolver|el mayor de {P} y {Q}; decir|cuál es mayor, {P} o {Q}",
        "n n",
        "mayor maximo",
        "Se comparan los dos",
        lambda r: (r.randint(1, 40), r.randint(1, 40)),
        "if P > Q:\n    return P\nreturn Q",
    ),
    _known(
        "devolver|el menor de {P} y {Q}; decir|cuál es menor, {P} o {Q}",
        "n n",
        "menor minimo",
        "Se comparan los dos",
        lambda r: (r.randint(1, 40), r.randint(1, 40)),
        "if P < Q:\n    return P\nreturn Q",
    ),
    _known(
        "decir|si {P} es par; comprobar|que {P} sea par",
        "n",
        "es_par par",
        "Un par deja resto 0 entre 2",
        _number(1, 99),
        "return P % 2 == 0",
    ),
    _known(
        "decir|si {P} es múltiplo de {Q}; comprobar|que {P} sea divisible entre {Q}",
        "n n",
        "es_multiplo divisible",
        "El resto debe ser 0",
        lambda r: (r.randint(6, 40), r.randint(2, 6)),
        "return P % Q == 0",
    ),
    _known(
        "devolver|'positivo', 'negativo' o 'cero' según {P}; decir|con un texto si {P} es positivo, negativo o cero",
        "n",
        "signo clasificar",
        "Se compara con 0",
        _number(-9, 9),
        'if P > 0:\n    return "positivo"\nif P < 0:\n    return "negativo"\nreturn "cero"',
    ),
    # 5.2 Lists of numbers
    _known(
        "sumar|la lista con recursión; calcular|recursivamente la suma de {P}",
        "nums",
        "suma_recursiva sumar",
        "La lista vacía suma 0",
        _one(_nums),
        "if not P:\n    return 0\nreturn P[0] + F(P[1:])",
    ),
    _known(
        "sumar|todos los números de {P}; devolver|la suma de la lista",
        "nums",
        "sumar suma_total",
        "Se suma cada elemento",
        _one(_nums),
        "A = 0\nfor V in P:\n    A += V\nreturn A",
    ),
    _known(
        "calcular|el promedio de {P}; devolver|la media de la lista",
        "nums",
        "promedio media",
        "La suma se divide entre la cantidad",
        lambda r: (_nums(r, sizes=(2, 4, 4, 5)),),
        "return sum(P) / len(P)",
        "A = 0\nfor V in P:\n    A += V\nreturn A / len(P)",
    ),
    _known(
        "devolver|el mayor de {P} sin usar max; hallar|el máximo de la lista con un for",
        "nums",
        "mayor maximo",
        "Se guarda el mayor visto",
        _one(_distinct),
        "A = P[0]\nfor V in P:\n    if V > A:\n        A = V\nreturn A",
    ),
    _known(
        "devolver|el menor de {P} sin usar min; hallar|el mínimo de la lista con un for",
        "nums",
        "menor minimo",
        "Se guarda el menor visto",
        _one(_distinct),
        "A = P[0]\nfor V in P:\n    if V < A:\n        A = V\nreturn A",
    ),
    _known(
        "devolver|la posición del mayor de {P}; hallar|el índice del máximo",
        "nums",
        "indice_mayor donde_maximo",
        "Se guarda el índice, no el valor",
        _one(_distinct),
        "A = 0\nfor I in range(len(P)):\n    if P[I] > P[A]:\n        A = I\nreturn A",
    ),
    _known(
        "devolver|la posición del menor de {P}; hallar|el índice del mínimo",
        "nums",
        "indice_menor donde_minimo",
        "Se guarda el índice, no el valor",
        _one(_distinct),
        "A = 0\nfor I in range(len(P)):\n    if P[I] < P[A]:\n        A = I\nreturn A",
    ),
    _known(
        "devolver|el mayor de {P} y su índice; obtener|el máximo con su posición",
        "nums",
        "mayor_con_indice maximo_y_lugar",
        "Se guarda dónde está el mayor",
        _one(_distinct),
        "A = 0\nfor I in range(len(P)):\n    if P[I] > P[A]:\n        A = I\nreturn P[A], A",
    ),
    _known(
        "calcular|la diferencia entre el mayor y el menor de {P}; devolver|el rango de {P}: máximo menos mínimo",
        "nums",
        "rango amplitud",
        "Máximo menos mínimo",
        _one(_distinct),
        "return max(P) - min(P)",
    ),
    _known(
        "devolver|el segundo mayor de {P}; buscar|el segundo más grande de {P}",
        "nums",
        "segundo_mayor segundo",
        "Tras ordenar está en la posición -2",
        _one(_distinct),
        "return sorted(P)[-2]",
    ),
    _known(
        "quitar|los repetidos sin cambiar el orden; devolver|{P} sin repetidos, en el mismo orden",
        "nums",
        "sin_repetidos unicos",
        "Solo entra lo que aún no está",
        lambda r: (_nums(r, 1, 5, (4, 5, 6)),),
        "B = []\nfor V in P:\n    if V not in B:\n        B.append(V)\nreturn B",
        "vistos = set()\nB = []\nfor V in P:\n    if V not in vistos:\n        vistos.add(V)\n        B.append(V)\nreturn B",
    ),
    _known(
        "decir|si hay repetidos en {P}; comprobar|si algún elemento se repite",
        "nums",
        "hay_repetidos tiene_repetidos",
        "Un elemento ya visto es repetido",
        lambda r: (_nums(r, 1, 9, (3, 4, 5)),),
        "vistos = set()\nfor V in P:\n    if V in vistos:\n        return True\n    vistos.add(V)\nreturn False",
        "return len(set(P)) < len(P)",
    ),
    _known(
        "contar|cuántas veces aparece cada elemento, en un diccionario; devolver|un diccionario con las frecuencias de {P}",
        "nums",
        "frecuencias conteo",
        "Cada aparición suma 1 a su clave",
        lambda r: (_nums(r, 1, 4, (4, 5)),),
        "B = {}\nfor V in P:\n    B[V] = B.get(V, 0) + 1\nreturn B",
        "B = {}\nfor V in P:\n    if V in B:\n        B[V] += 1\n    else:\n        B[V] = 1\nreturn B",
    ),
    _known(
        "contar|cuántas veces aparece {Q} en {P}; decir|cuántas veces está {Q}",
        "nums any",
        "veces apariciones",
        "Se cuenta cada igual",
        lambda r: _sought(r, _nums(r, 1, 5)),
        "A = 0\nfor V in P:\n    if V == Q:\n        A += 1\nreturn A",
    ),
    _known(
        "ordenar|{P} de menor a mayor; devolver|una copia ordenada de {P}",
        "nums",
        "ordenar ordenada",
        "sorted devuelve una lista nueva",
        _one(_distinct),
        "return sorted(P)",
    ),
    _known(
        "ordenar|{P} de mayor a menor; devolver|{P} en orden descendente",
        "nums",
        "ordenar_bajando de_mayor_a_menor",
        "reverse=True da el orden contrario",
        _one(_distinct),
        "return sorted(P, reverse=True)",
    ),
    _known(
        "invertir|la lista; devolver|{P} al revés",
        "nums",
        "invertir al_reves",
        "Se recorre desde el final",
        _one(_distinct),
        "return P[::-1]",
        "B = []\nfor I in range(len(P) - 1, -1, -1):\n    B.append(P[I])\nreturn B",
        "B = []\nfor V in P:\n    B.insert(0, V)\nreturn B",
    ),
    _known(
        "invertir|la lista con una pila; devolver|{P} al revés usando una pila",
        "nums",
        "invertir_con_pila desapilar",
        "Lo último que entra sale primero",
        _one(_distinct),
        "pila = []\nfor V in P:\n    pila.append(V)\nB = []\nwhile pila:\n    B.append(pila.pop())\nreturn B",
    ),
    _known(
        "obtener|el orden en que una cola atiende a {P}; devolver|{P} en orden de salida de una cola",
        "nums",
        "atender vaciar_cola",
        "Lo primero que entra sale primero",
        _one(_distinct),
        "cola = deque(P)\nB = []\nwhile cola:\n    B.append(cola.popleft())\nreturn B",
        before="from collections import deque\n\n",
    ),
    _known(
        "comprobar|si los paréntesis de {P} están balanceados con una pila; decir|si cada paréntesis de {P} cierra bien",
        "text",
        "balanceado parentesis",
        "Cada cierre desapila una apertura",
        _one(lambda r: r.choice(("(())", "()()", "(()", "())", ")(", "(a)(b)", "((a)", "(x(y))", "())("))),
        'pila = []\nfor c in P:\n    if c == "(":\n        pila.append(c)\n    elif c == ")":\n        if not pila:\n            return False\n'
        "        pila.pop()\nreturn not pila",
    ),
    _known(
        "buscar|{Q} en {P} uno por uno y devolver su índice o -1; devolver|el índice de {Q} con búsqueda lineal o -1",
        "nums any",
        "busqueda_lineal buscar",
        "Se compara elemento por elemento",
        lambda r: _sought(r, _distinct(r)),
        "for I in range(len(P)):\n    if P[I] == Q:\n        return I\nreturn -1",
    ),
    _known(
        "buscar|{Q} en {P} ordenada con búsqueda binaria; devolver|el índice de {Q} con búsqueda binaria o -1",
        "nums any",
        "busqueda_binaria binaria",
        "Cada paso descarta una mitad",
        lambda r: _sought(r, sorted(_distinct(r, (4, 5, 6)))),
        "a, b = 0, len(P) - 1\nwhile a <= b:\n    m = (a + b) // 2\n    if P[m] == Q:\n        return m\n    if P[m] < Q:\n        a = m + 1\n    else:\n"
        "        b = m - 1\nreturn -1",
    ),
    _known(
        "ordenar|{P} con burbuja; ordenar|la lista por el método de la burbuja",
        "nums",
        "burbuja ordenar_burbuja",
        "Se intercambian vecinos desordenados",
        _one(_distinct),
        "for i in range(len(P)):\n    for j in range(len(P) - 1 - i):\n        if P[j] > P[j + 1]:\n"
        "            P[j], P[j + 1] = P[j + 1], P[j]\nreturn P",
    ),
    _known(
        "ordenar|{P} por selección; ordenar|la lista buscando cada vez el menor",
        "nums",
        "seleccion ordenar_seleccion",
        "El menor del resto pasa adelante",
        _one(_distinct),
        "for i in range(len(P)):\n    m = i\n    for j in range(i + 1, len(P)):\n        if P[j] < P[m]:\n            m = j\n"
        "    P[i], P[m] = P[m], P[i]\nreturn P",
    ),
    _known(
        "ordenar|{P} por inserción; ordenar|la lista insertando cada elemento en su lugar",
        "nums",
        "insercion ordenar_insercion",
        "Cada elemento retrocede hasta su lugar",
        _one(_distinct),
        "for i in range(1, len(P)):\n    j = i\n    while j > 0 and P[j - 1] > P[j]:\n        P[j - 1], P[j] = P[j], P[j - 1]\n        j -= 1\nreturn P",
    ),
    _known(
        "decir|si {P} está ordenada; comprobar|que {P} vaya de menor a mayor",
        "nums",
        "esta_ordenada ordenada",
        "Ningún vecino puede bajar",
        lambda r: (sorted(_distinct(r)) if r.random() < 0.5 else _distinct(r),),
        "for I in range(len(P) - 1):\n    if P[I] > P[I + 1]:\n        return False\nreturn True",
    ),
    _known(
        "unir|{P} y {Q} alternando sus elementos; devolver|una lista que alterna {P} y {Q}",
        "nums nums",
        "alternar intercalar",
        "Se toma uno de cada lista",
        lambda r: ([r.randint(1, 9) for _ in range(3)], [r.randint(1, 9) for _ in range(3)]),
        "B = []\nfor a, b in zip(P, Q):\n    B.append(a)\n    B.append(b)\nreturn B",
    ),
    _known(
        "unir|las listas {P} y {Q}; devolver|{P} seguida de {Q}",
        "nums nums",
        "unir juntar",
        "El + pone una lista tras otra",
        lambda r: (_nums(r, sizes=(2, 3)), _nums(r, sizes=(2, 3))),
        "return P + Q",
        "B = []\nfor V in P:\n    B.append(V)\nfor V in Q:\n    B.append(V)\nreturn B",
    ),
    _known(
        "unir|dos listas ordenadas {P} y {Q} en una ordenada; devolver|la mezcla ordenada de {P} y {Q}",
        "nums nums",
        "mezclar fusionar",
        "Se toma el menor de los dos frentes",
        lambda r: (sorted(_nums(r, sizes=(2, 3))), sorted(_nums(r, sizes=(2, 3)))),
        "B = []\ni = j = 0\nwhile i < len(P) and j < len(Q):\n    if P[i] <= Q[j]:\n        B.append(P[i])\n        i += 1\n    else:\n"
        "        B.append(Q[j])\n        j += 1\nreturn B + P[i:] + Q[j:]",
    ),
    _known(
        "devolver|los pares de {P} y {Q} posición a posición; armar|tuplas con un elemento de {P} y otro de {Q}",
        "nums nums",
        "parejas emparejar",
        "zip junta posición a posición",
        lambda r: ([r.randint(1, 9) for _ in range(3)], [r.randint(1, 9) for _ in range(3)]),
        "return list(zip(P, Q))",
        "B = []\nfor I in range(len(P)):\n    B.append((P[I], Q[I]))\nreturn B",
    ),
    _known(
        "sumar|{P} y {Q} posición a posición; devolver|la lista de sumas de {P} con {Q}",
        "nums nums",
        "sumar_listas suma_vectores",
        "Se suma posición a posición",
        lambda r: ([r.randint(1, 9) for _ in range(3)], [r.randint(1, 9) for _ in range(3)]),
        "B = []\nfor a, b in zip(P, Q):\n    B.append(a + b)\nreturn B",
    ),
    _known(
        "devolver|lo que tienen en común {P} y {Q}; obtener|los elementos de {P} que también están en {Q}",
        "nums nums",
        "comunes interseccion",
        "Queda lo que está en las dos",
        lambda r: (_distinct(r, (3, 4)), r.sample(range(1, 9), 4)),
        "B = []\nfor V in P:\n    if V in Q:\n        B.append(V)\nreturn B",
        "return [V for V in P if V in Q]",
    ),
    _known(
        "devolver|lo que está en {P} pero no en {Q}; obtener|los elementos de {P} que faltan en {Q}",
        "nums nums",
        "diferencia faltantes",
        "Queda lo que no está en la segunda",
        lambda r: (_distinct(r, (3, 4)), r.sample(range(1, 9), 4)),
        "B = []\nfor V in P:\n    if V not in Q:\n        B.append(V)\nreturn B",
        "return [V for V in P if V not in Q]",
    ),
    _known(
        "dividir|{P} en dos mitades; devolver|la primera y la segunda mitad de {P}",
        "nums",
        "mitades partir",
        "Se corta en len // 2",
        _one(_nums),
        "m = len(P) // 2\nreturn P[:m], P[m:]",
    ),
    _known(
        "rotar|{P} {Q} lugares a la izquierda; devolver|{P} rotada {Q} posiciones hacia la izquierda",
        "nums n",
        "rotar rotar_izquierda",
        "Los primeros pasan al final",
        lambda r: (_distinct(r, (4, 5)), r.randint(1, 3)),
        "return P[Q:] + P[:Q]",
    ),
    _known(
        "rotar|{P} un lugar a la derecha; devolver|{P} con el último al principio",
        "nums",
        "rotar_derecha girar",
        "El último pasa al frente",
        _one(_distinct),
        "return [P[-1]] + P[:-1]",
    ),
    _known(
        "devolver|las sumas acumuladas de {P}; calcular|el acumulado de la lista",
        "nums",
        "acumulado sumas_parciales",
        "Cada lugar guarda lo sumado hasta allí",
        _one(_nums),
        "B = []\nA = 0\nfor V in P:\n    A += V\n    B.append(A)\nreturn B",
    ),
    _known(
        "devolver|las ventanas de {Q} elementos seguidos de {P}; obtener|cada tramo de {Q} vecinos de {P}",
        "nums n",
        "ventanas tramos",
        "Cada ventana empieza en I",
        lambda r: (_nums(r, sizes=(4,)), r.choice((2, 3))),
        "B = []\nfor I in range(len(P) - Q + 1):\n    B.append(P[I:I + Q])\nreturn B",
    ),
    _known(
        "hallar|la mayor suma de {Q} vecinos de {P}; devolver|la suma máxima de una ventana de {Q}",
        "nums n",
        "mejor_ventana suma_ventana",
        "Se compara la suma de cada ventana",
        lambda r: (_nums(r, sizes=(4, 5)), 2),
        "A = sum(P[:Q])\nfor I in range(1, len(P) - Q + 1):\n    A = max(A, sum(P[I:I + Q]))\nreturn A",
    ),
    _known(
        "devolver|las diferencias entre vecinos de {P}; calcular|cuánto cambia {P} de un elemento al siguiente",
        "nums",
        "diferencias cambios",
        "Se resta cada uno al siguiente",
        _one(_nums),
        "B = []\nfor I in range(1, len(P)):\n    B.append(P[I] - P[I - 1])\nreturn B",
    ),
    _known(
        "dividir|{P} en grupos de {Q}; devolver|{P} en trozos de {Q} elementos",
        "nums n",
        "grupos trozos",
        "Se avanza de {Q} en {Q}",
        lambda r: (_nums(r, sizes=(4, 5, 6)), r.choice((2, 3))),
        "B = []\nfor I in range(0, len(P), Q):\n    B.append(P[I:I + Q])\nreturn B",
    ),
    _known(
        "obtener|dos números de {P} que sumen {Q} o None; buscar|un par de {P} cuya suma sea {Q} (o None)",
        "nums n",
        "dos_que_suman par_con_suma",
        "Se busca lo que falta entre los vistos",
        lambda r: (_distinct(r), r.randint(6, 24)),
        "vistos = set()\nfor V in P:\n    if Q - V in vistos:\n        return Q - V, V\n    vistos.add(V)\nreturn None",
    ),
    _known(
        "contar|los elementos de {P} con recursión; calcular|recursivamente el largo de {P}",
        "nums",
        "largo contar",
        "La lista vacía mide 0",
        _one(_nums),
        "if not P:\n    return 0\nreturn 1 + F(P[1:])",
    ),
    _known(
        "hallar|el mayor de {P} con recursión; devolver|recursivamente el máximo de {P}",
        "nums",
        "mayor maximo_recursivo",
        "Con un solo elemento, ese es el mayor",
        _one(_distinct),
        "if len(P) == 1:\n    return P[0]\nA = F(P[1:])\nif P[0] > A:\n    return P[0]\nreturn A",
    ),
    _known(
        "ordenar|{P} con quicksort; ordenar|la lista por pivote, de forma recursiva",
        "nums",
        "quicksort rapido",
        "Menores, pivote, mayores",
        _one(_distinct),
        "if len(P) < 2:\n    return P\na = P[0]\nmenores = [V for V in P[1:] if V < a]\nmayores = [V for V in P[1:] if V >= a]\n"
        "return F(menores) + [a] + F(mayores)",
    ),
    # 5.3 Texts and words
    _known(
        "invertir|el texto {P}; devolver|{P} al revés",
        "text",
        "invertir al_reves",
        "Se recorre desde el final",
        _text,
        "return P[::-1]",
        'A = ""\nfor c in P:\n    A = c + A\nreturn A',
    ),
    _known(
        "invertir|{P} con recursión; devolver|recursivamente el texto {P} al revés",
        "text",
        "invertir reverso",
        "El primero pasa al final",
        _text,
        'if P == "":\n    return ""\nreturn F(P[1:]) + P[0]',
    ),
    _known(
        "decir|si {P} es palíndromo; comprobar|que {P} se lea igual al revés",
        "text",
        "es_palindromo palindromo",
        "Se compara con su reverso",
        _palindrome,
        "return P == P[::-1]",
        "i, j = 0, len(P) - 1\nwhile i < j:\n    if P[i] != P[j]:\n        return False\n    i += 1\n    j -= 1\nreturn True",
    ),
    _known(
        "decir|si {P} es palíndromo con recursión; comprobar|recursivamente si {P} es palíndromo",
        "text",
        "palindromo capicua",
        "Se comparan los extremos",
        _palindrome,
        "if len(P) < 2:\n    return True\nif P[0] != P[-1]:\n    return False\nreturn F(P[1:-1])",
    ),
    _known(
        "contar|las vocales de {P}; decir|cuántas vocales tiene {P}",
        "text",
        "contar_vocales vocales",
        "Se cuenta cada letra de aeiou",
        _text,
        'A = 0\nfor c in P:\n    if c in "aeiou":\n        A += 1\nreturn A',
    ),
    _known(
        "quitar|las vocales de {P}; devolver|{P} sin vocales",
        "text",
        "sin_vocales quitar_vocales",
        "Quedan las que no son aeiou",
        _text,
        'A = ""\nfor c in P:\n    if c not in "aeiou":\n        A += c\nreturn A',
    ),
    _known(
        "contar|las veces que {Q} aparece en {P}; decir|cuántas letras {Q} hay en {P}",
        "text text",
        "contar_letra veces_letra",
        "Se cuenta cada letra igual",
        lambda r: (r.choice(WORDS), r.choice("aeiorl")),
        "A = 0\nfor c in P:\n    if c == Q:\n        A += 1\nreturn A",
        "return P.count(Q)",
    ),
    _known(
        "contar|cada letra de {P} en un diccionario; devolver|las frecuencias de las letras de {P}",
        "text",
        "frecuencias letras",
        "Cada letra suma 1 a su clave",
        lambda r: (r.choice([w for w in WORDS if len(w) < 5]),),
        "B = {}\nfor c in P:\n    B[c] = B.get(c, 0) + 1\nreturn B",
    ),
    _known(
        "contar|las palabras de {P}; decir|cuántas palabras tiene {P}",
        "text",
        "contar_palabras palabras",
        "split corta por los espacios",
        lambda r: (" ".join(_words(r)),),
        "return len(P.split())",
    ),
    _known(
        "decir|si {P} y {Q} son anagramas; comprobar|si {P} y {Q} tienen las mismas letras",
        "text text",
        "son_anagramas anagramas",
        "Ordenadas deben ser iguales",
        lambda r: r.choice((("roma", "amor"), ("mora", "ramo"), ("lapiz", "papel"), ("sol", "los"), ("pan", "pera"), ("nave", "vena"))),
        "return sorted(P) == sorted(Q)",
    ),
    _known(
        "ordenar|las palabras por su largo; ordenar|{P} de la más corta a la más larga",
        "words",
        "ordenar_por_largo por_largo",
        "key=len ordena por el largo",
        _one(_words),
        "return sorted(P, key=len)",
    ),
    _known(
        "ordenar|{P} por la última letra; ordenar|las palabras según su última letra",
        "words",
        "por_ultima ordenar_por_final",
        "key mira la última letra",
        _one(_words),
        "return sorted(P, key=lambda V: V[-1])",
    ),
    _known(
        "ordenar|las palabras por orden alfabético; ordenar|{P} de la a a la z",
        "words",
        "alfabetico ordenar",
        "sorted compara letra a letra",
        _one(_words),
        "return sorted(P)",
    ),
    _known(
        "devolver|la palabra más larga de {P}; hallar|la más larga de las palabras",
        "words",
        "mas_larga larga",
        "Se guarda la más larga vista",
        _one(_words),
        "A = P[0]\nfor V in P:\n    if len(V) > len(A):\n        A = V\nreturn A",
        "return max(P, key=len)",
    ),
    _known(
        "unir|las palabras con un guion; devolver|{P} en un solo texto con guiones",
        "words",
        "unir con_guiones",
        "join pone el guion entre palabras",
        _one(_words),
        'return "-".join(P)',
    ),
    _known(
        "devolver|un diccionario con el largo de cada palabra; armar|un diccionario palabra: largo",
        "words",
        "largos mapa_largos",
        "La clave es la palabra",
        _one(_words),
        "B = {}\nfor V in P:\n    B[V] = len(V)\nreturn B",
        "return {V: len(V) for V in P}",
    ),
    # 5.4 Matrices and graphs
    _known(
        "sumar|la fila {Q} de {P}; devolver|la suma de la fila {Q}",
        "matrix n",
        "suma_fila sumar_fila",
        "La fila {Q} es una lista",
        lambda r: (_matrix(r), r.randint(0, 1)),
        "A = 0\nfor V in P[Q]:\n    A += V\nreturn A",
        "return sum(P[Q])",
    ),
    _known(
        "sumar|la columna {Q} de {P}; devolver|la suma de la columna {Q}",
        "matrix n",
        "suma_columna sumar_columna",
        "De cada fila se toma la posición {Q}",
        lambda r: (_matrix(r), r.randint(0, 1)),
        "A = 0\nfor fila in P:\n    A += fila[Q]\nreturn A",
    ),
    _known(
        "sumar|la diagonal principal de {P}; calcular|la suma de la diagonal",
        "matrix",
        "suma_diagonal diagonal",
        "En la diagonal fila y columna coinciden",
        lambda r: (_matrix(r, True),),
        "A = 0\nfor I in range(len(P)):\n    A += P[I][I]\nreturn A",
    ),
    _known(
        "devolver|la traspuesta de {P}; cambiar|filas por columnas en {P}",
        "matrix",
        "traspuesta trasponer",
        "La columna j pasa a ser fila",
        lambda r: (_matrix(r),),
        "B = []\nfor j in range(len(P[0])):\n    B.append([fila[j] for fila in P])\nreturn B",
    ),
    _known(
        "sumar|todos los números de la matriz {P}; calcular|el total de la matriz",
        "matrix",
        "suma_matriz total_matriz",
        "Un for por filas y otro por elementos",
        lambda r: (_matrix(r),),
        "A = 0\nfor fila in P:\n    for V in fila:\n        A += V\nreturn A",
    ),
    _known(
        "devolver|la suma de cada fila de {P}; obtener|una lista con el total de cada fila",
        "matrix",
        "sumas_filas totales_filas",
        "Una suma por fila",
        lambda r: (_matrix(r),),
        "B = []\nfor fila in P:\n    B.append(sum(fila))\nreturn B",
    ),
    _known(
        "obtener|una sola lista con todo lo de la matriz {P}; devolver|{P} aplanada",
        "matrix",
        "aplanar extender",
        "Se agrega elemento por elemento",
        lambda r: (_matrix(r),),
        "B = []\nfor fila in P:\n    for V in fila:\n        B.append(V)\nreturn B",
    ),
    _known(
        "devolver|el recorrido BFS de {P} desde {Q}; obtener|los nodos de {P} en anchura desde {Q}",
        "graph any",
        "bfs anchura",
        "La cola atiende por niveles",
        _rooted,
        "vistos = [Q]\ncola = [Q]\nwhile cola:\n    u = cola.pop(0)\n    for v in P[u]:\n        if v not in vistos:\n            vistos.append(v)\n"
        "            cola.append(v)\nreturn vistos",
    ),
    _known(
        "devolver|el recorrido DFS de {P} desde {Q}; obtener|los nodos de {P} en profundidad desde {Q}",
        "graph any",
        "dfs profundidad",
        "La pila sigue por el último nodo",
        _rooted,
        "vistos = []\npila = [Q]\nwhile pila:\n    u = pila.pop()\n    if u not in vistos:\n        vistos.append(u)\n        pila.extend(P[u])\nreturn vistos",
    ),
    _known(
        "contar|los vecinos de {Q} en {P}; decir|cuántos vecinos tiene {Q}",
        "graph any",
        "grado contar_vecinos",
        "Los vecinos son una lista",
        _rooted,
        "return len(P[Q])",
    ),
    _known(
        "contar|las aristas de {P}; decir|cuántas flechas tiene el grafo",
        "graph",
        "aristas contar_aristas",
        "Se suman los vecinos de cada nodo",
        _one(_graph),
        "A = 0\nfor u in P:\n    A += len(P[u])\nreturn A",
    ),
)

# 6. Running.


@lru_cache(maxsize=30000)
def _compiled(source: str) -> Any:
    """The function F of a source over placeholders."""
    space: dict[str, Any] = {}
    exec(compile(source, "<sheet>", "exec"), space)
    return space["F"]


@lru_cache(maxsize=4000)
def _test(expression: str) -> Callable[[Any], bool]:
    return eval(f"lambda V: {expression}")  # type: ignore[no-any-return]


# 7. A task: names, source, wish and arguments.


@dataclass(frozen=True)
class Task:
    """A function to write, with everything that is said about it."""

    name: str
    parameters: tuple[str, ...]
    kinds: tuple[str, ...]
    wish: str
    """'infinitive|rest'"""
    code: str
    """its definition"""
    pattern: str
    """its definition over placeholders and figures"""
    arguments: tuple[str, ...]
    """literals"""
    result: Any
    trace: str
    """how the result comes about; may be empty"""
    why: str

    @property
    def signature(self) -> str:
        """name(parameters)"""
        return f"{self.name}({', '.join(self.parameters)})"


def draw_task(rng: Random, lexicon: Lexicon, taken: frozenset[str] = frozenset()) -> Task:
    """A function to write whose name is none of the taken ones."""
    kind = rng.random()
    while True:
        task = (
            _conditional(rng, lexicon, taken)
            if kind < 0.5
            else _mapped(rng, lexicon, taken)
            if kind < 0.62
            else _catalogued(rng, lexicon, taken)
        )
        if len(str(task.result)) <= 60 and len(task.code) <= 380:
            return task


def _figures(rng: Random, test: str) -> dict[str, str]:
    """Values of K, J and L for a condition or a map."""
    if "len(" in test:
        low = rng.randint(3, 5)
    elif "% K" in test:
        low = rng.randint(3, 7)
    elif "% 10 == K" in test:
        low = rng.randint(0, 9)
    else:
        low = rng.randint(2, 15) if rng.random() < 0.8 else rng.randint(16, 60)
    return {"K": str(low), "J": str(low + rng.randint(2, 9)), "L": rng.choice("aeoslrcmp")}


def _settled(text: str, figures: dict[str, str]) -> str:
    """An expression with its figures."""
    settled = re.sub(r"\b[KJ]\b", lambda found: figures[found.group()], text)
    return settled.replace('"L"', f'"{figures["L"]}"')


def _elements(rng: Random, kind: str, test: str, figures: dict[str, str]) -> list[Any]:
    """Elements of which some meet the condition and some do not, as a rule."""
    meets = _test(test)
    for _ in range(4):
        if kind == "words":
            drawn: list[Any] = _words(rng)
        elif " 0" in test and "%" not in test:
            drawn = _nums(rng, -9, 9)
        elif "10 <=" in test:
            drawn = [rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randint(100, 300))) for _ in range(4)]
        elif "%" in test:
            drawn = _nums(rng, 1, 30)
        else:
            middle = int(figures["K"])
            drawn = [
                rng.randint(max(0, middle - 6), middle + 8) if rng.random() < 0.85 else middle for _ in range(rng.choice((3, 4, 4, 5)))
            ]
        met = sum(map(meets, drawn))
        if 0 < met < len(drawn):
            break
    return drawn


def _grammar(rng: Random, kind: str, phrase: str, tail: str) -> dict[str, str]:
    """Noun phrases for a condition; an empty phrase means every element."""
    plural, singular = rng.choice(NOUNS[kind])
    many, _, one = phrase.partition("/")
    one = one or many
    feminine = plural == "palabras"

    def joined(noun: str, condition: str) -> str:
        if condition.startswith("que "):
            return f"{noun}{tail} {condition}"
        return f"{noun} {condition}{tail}" if condition else f"{noun}{tail}"

    if many.startswith("que "):
        are = many[4:]
    else:
        are = ("están " if many.startswith(("por ", "entre ", "fuera ", "sobre ", "bajo ")) else "son ") + many
    return {
        "NP": joined(plural, many),
        "NS": joined(singular, one),
        "N": plural,
        "n": singular,
        "ARE": are,
        "los": "las" if feminine else "los",
        "el": "la" if feminine else "el",
        "del": "de la" if feminine else "del",
        "un": "una" if feminine else "un",
        "Un": "Una" if feminine else "Un",
        "algun": "alguna" if feminine else "algún",
        "ningun": "ninguna" if feminine else "ningún",
        "todos": "todas" if feminine else "todos",
        "cuantos": "cuántas" if feminine else "cuántos",
        "primer": "primera" if feminine else "primer",
        "ultimo": "última" if feminine else "último",
    }


def _identifiers(
    rng: Random, lexicon: Lexicon, taken: frozenset[str], body: str, kinds: tuple[str, ...], typical: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Names for the placeholders of a body, all different from each other and from what the body uses, and the parameters alone."""
    used = set(re.findall(r"[A-Za-z_]\w*", body)) | FORBIDDEN
    names: dict[str, str] = {}

    def settle(placeholder: str, draw: Callable[[], str]) -> str:
        name = draw()
        while name in used or (placeholder == "F" and name in taken):
            name = draw() if rng.random() < 0.7 else lexicon.word(rng)
        used.add(name)
        names[placeholder] = name
        return name

    def habitual(choices: tuple[str, ...]) -> Callable[[], str]:
        return lambda: choices[0] if rng.random() < 0.6 else rng.choice(choices)

    # 7.1 What the request gives
    settle("F", lambda: lexicon.name(rng) if rng.random() < 0.75 else typical)
    parameters = tuple(
        settle(placeholder, lambda kind=kind: lexicon.word(rng) if rng.random() < 0.7 else rng.choice(TYPICAL[kind]))  # type: ignore[misc]
        for placeholder, kind in zip("PQ", kinds, strict=False)
    )
    # 7.2 What the body chooses
    placeholders = set(re.findall(r"\b[VABI]\b", body))
    if "V" in placeholders:
        if rng.random() < 0.2 and (single := _singular(parameters[0])) and single not in used:
            used.add(single)
            names["V"] = single
        else:
            settle("V", habitual(ELEMENTS["words" if kinds[0] == "words" else "nums"]))
    if "A" in placeholders:
        settle(
            "A",
            habitual(("res", "hallado", "mejor") if "A = None" in body or "A = P[0]" in body else COUNTS if "A += 1" in body else TOTALS),
        )
    if "B" in placeholders:
        settle("B", habitual(("conteo", "cuenta", "mapa") if "B = {}" in body else LISTS))
    if "I" in placeholders:
        settle("I", habitual(("i", "k", "pos")))
    return names, parameters


def _singular(word: str) -> str:
    """A guess at the singular of a plural: 'edades' -> 'edad'."""
    if re.search(r"[dlnr]es$", word) and len(word) > 5:
        return word[:-2]
    return word[:-1] if re.search(r"[ao]s$", word) and len(word) > 4 else ""


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\b[FPQVABI]\b", lambda found: names.get(found.group(), found.group()), text)


def _made(
    names: dict[str, str],
    parameters: tuple[str, ...],
    kinds: tuple[str, ...],
    wish: str,
    why: str,
    body: str,
    values: tuple[Any, ...],
    trace: str,
    before: str = "",
) -> Task:
    pattern = f"{before}def F({', '.join('PQ'[: len(parameters)])}):\n{body}\n"
    literals = tuple(repr(value).replace("'", '"') for value in values)
    result = _compiled(pattern)(*values)
    return Task(names["F"], parameters, kinds, wish, _named(pattern, names), pattern, literals, result, trace, why)


def _conditional(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    # 1. A condition, its figures (one of them perhaps a parameter) and an action
    kind = "nums" if rng.random() < 0.72 else "words"
    condition = rng.choice(NUMBER_CONDITIONS if kind == "nums" else WORD_CONDITIONS)
    action = rng.choice(ACTIONS)
    while action.numbers_only and kind == "words":
        action = rng.choice(ACTIONS)
    figures = _figures(rng, condition.test)
    settled = _settled(condition.test, figures)
    free = bool(re.search(r"\bK\b", condition.test)) and "J" not in condition.test and rng.random() < 0.25
    symbols = {**figures, "K": "Q"} if free else figures
    test, opposite = _settled(condition.test, symbols), _settled(condition.opposite, symbols)
    body = action.bodies[0] if rng.random() < 0.75 else rng.choice(action.bodies)
    # 2. With `or` inside, a condition that stands beside `and` needs brackets
    first = f"({test})" if "C and" in body and " or " in test else test
    body = re.sub(r"\bC\b", lambda _: first, body)
    body = re.sub(r"\bD\b", lambda _: opposite, body)
    kinds = (kind, "n") if free else (kind,)
    names, parameters = _identifiers(rng, lexicon, taken, body, kinds, f"{rng.choice(action.names)}_{condition.slug}")
    # 3. Wording
    said = {**figures, "K": parameters[1]} if free else figures
    phrase = rng.choice(condition.phrases).format(**said)
    tail = rng.choice(("", "", f" de {parameters[0]}", " de la lista"))
    grammar = _grammar(rng, kind, phrase, tail)
    wish = rng.choice(action.wishes).format(P=parameters[0], **grammar)
    # 4. Arguments, result and how it comes about
    elements = _elements(rng, kind, settled, figures)
    met = [element for element in elements if _test(settled)(element)]
    values = (elements, int(figures["K"])) if free else (elements,)
    why = action.why.format(**grammar)
    return _made(names, parameters, kinds, wish, why, body, values, _trace(rng, action.trace, elements, met))


def _trace(rng: Random, form: str, elements: list[Any], met: list[Any]) -> str:
    """The way to the result in a line."""
    shown = _listed(met)
    marks = ", ".join(f"{element} {'sí' if element in met else 'no'}" for element in elements)
    if form == "first":
        return f"{met[0]} cumple" if met else "ninguno cumple"
    if form == "fails":
        others = [element for element in elements if element not in met]
        return f"{others[0]} no cumple" if others else "todos cumplen"
    if not met:
        return "ninguno cumple"
    if form == "position":
        return f"{met[0]} es el primero que cumple"
    if form == "last":
        return f"{met[-1]} es el último que cumple"
    if form in ("sum", "mean") and len(met) > 1:
        total = f"{_chained(met, ' + ')} = {sum(met)}"
        return f"{total}, {sum(met)} / {len(met)} = {sum(met) / len(met)}" if form == "mean" else total
    if form == "product" and len(met) > 1:
        steps, product = [], met[0]
        for factor in met[1:]:
            steps.append(f"{product} * {factor} = {product * factor}")
            product *= factor
        return ", ".join(steps)
    if form == "removed":
        return f"sale{'n' if len(met) > 1 else ''} {shown}"
    plain_form = f"cumple{'n' if len(met) > 1 else ''} {shown}"
    if form == "count":
        plain_form += f": {len(met)}"
    return marks if rng.random() < 0.35 else plain_form


def _chained(numbers: list[int], sign: str) -> str:
    return sign.join(f"({number})" if number < 0 and place else str(number) for place, number in enumerate(numbers))


def _listed(items: list[Any]) -> str:
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    joint = "e" if texts[-1].startswith(("i", "hi")) else "y"
    return f"{', '.join(texts[:-1])} {joint} {texts[-1]}"


def _mapped(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    # 1. A map, perhaps of some elements only, into a list or a sum
    kind = "nums" if rng.random() < 0.7 else "words"
    change, said, slug = rng.choice(NUMBER_MAPS if kind == "nums" else WORD_MAPS)
    into = "sum" if kind == "nums" and rng.random() < 0.35 else "list"
    free = "{K}" in said and rng.random() < 0.35
    factor = rng.randint(2, 9)
    change = re.sub(r"\bK\b", "Q" if free else str(factor), change)
    condition = rng.choice(NUMBER_CONDITIONS if kind == "nums" else WORD_CONDITIONS) if rng.random() < 0.4 else None
    figures = _figures(rng, condition.test if condition else "")
    test = _settled(condition.test, figures) if condition else ""
    # 2. Body
    gather = f"A += {change}" if into == "sum" else f"B.append({change})"
    inside = (f"if {test}:", f"    {gather}") if condition else (gather,)
    body = _loop(*inside, before="A = 0" if into == "sum" else "B = []", after="return A" if into == "sum" else "return B")
    if rng.random() < 0.3:
        short = f"{change} for V in P" + (f" if {test}" if condition else "")
        body = f"    return sum({short})" if into == "sum" else f"    return [{short}]"
    kinds = (kind, "n") if free else (kind,)
    names, parameters = _identifiers(rng, lexicon, taken, body, kinds, slug if into == "list" else f"suma_{slug}")
    # 3. Wording, arguments and steps
    phrase = rng.choice(condition.phrases).format(**figures) if condition else ""
    grammar = _grammar(rng, kind, phrase, rng.choice(("", f" de {parameters[0]}", " de la lista")))
    said = said.format(K=parameters[1] if free else factor)
    wish = rng.choice(MAP_WISHES[into]).format(M=said, **grammar).replace("de el ", "del ")
    elements = (
        _elements(rng, kind, test, figures) if condition else _nums(rng, -4 if "abs" in change else 1) if kind == "nums" else _words(rng)
    )
    met = [element for element in elements if not condition or _test(test)(element)]
    images = [_image(change)(element, factor) for element in met]
    trace = ", ".join(f"{element}: {image}" for element, image in zip(met, images, strict=True))
    if into == "sum" and len(images) > 1:
        trace = f"{_chained(images, ' + ')} = {sum(images)}"
    values = (elements, factor) if free else (elements,)
    why = f"De cada {grammar['NS']} se toma {said}"
    return _made(names, parameters, kinds, wish, why, body, values, trace)


@lru_cache(maxsize=1000)
def _image(expression: str) -> Callable[[Any, int], Any]:
    return eval(f"lambda V, Q: {expression}")  # type: ignore[no-any-return]


def _catalogued(rng: Random, lexicon: Lexicon, taken: frozenset[str]) -> Task:
    known = rng.choice(CATALOGUE)
    body = known.bodies[0] if rng.random() < 0.7 else rng.choice(known.bodies)
    names, parameters = _identifiers(rng, lexicon, taken, body, known.kinds, rng.choice(known.names))
    said = dict(zip("PQ", parameters, strict=False))
    why = re.sub(r"\bP\b", parameters[0], known.why.format(**said))
    wish = rng.choice(known.wishes).format(**said)
    return _made(names, parameters, known.kinds, wish, why, body, known.draw(rng), "", known.before)


# 8. Statements.

FRAMES = (
    "Escribe una función llamada {name} que reciba {with} y {subj}.",
    "Escribe la función {sig} que {subj}.",
    "Haz una función {sig} que {subj}.",
    "Define {sig}, que {ind}.",
    "{sig}: {inf}.",
    "{sig}: {ind}",
    "{sig} -> {ind}",
    "Necesito {sig} para {inf}.",
    "¿Cómo escribo {sig} para {inf}?",
    "¿Cómo se hace una función {name} que recibe {with} y {ind}?",
    "Función {name}. Parámetros: {bare}. {Imp}.",
    "{Imp}. La función se llama {name} y recibe {with}.",
    "{Imp}: función {name}, parámetros {bare}.",
    "Quiero {inf} con una función {sig}.",
    "Me piden {sig}, que {subj}.",
    "Programa {name}, que recibe {with} y {ind}.",
    "Con def, crea {name}({bare}) para {inf}.",
    "Una función llamada {name} que recibe {with} y {ind}.",
    "Se pide {name}; recibe {with}. Debe {inf}.",
    "¿Me ayudas con {sig}? Tiene que {inf}.",
    "| {sig} | {inf} |",
    "# {sig}: {ind}",
)


def _statement(rng: Random, task: Task, frame: str, ticks: bool, typed: bool, tested: bool) -> str:
    verb, _, rest = task.wish.partition("|")
    subjunctive, indicative, imperative = VERBS[verb]
    quote = "`" if ticks else ""
    described = []
    for parameter, kind in zip(task.parameters, task.kinds, strict=True):
        noun = rng.choice(KINDS[kind]) if rng.random() < 0.6 else ""
        described.append(f"{noun} {quote}{parameter}{quote}".strip())
    imperative = f"{imperative} {rest}"
    text = frame.format(
        name=f"{quote}{task.name}{quote}",
        sig=f"{quote}{task.signature}{quote}",
        bare=", ".join(task.parameters),
        subj=f"{subjunctive} {rest}",
        ind=f"{indicative} {rest}",
        inf=f"{verb} {rest}",
        Imp=imperative[0].upper() + imperative[1:],
        **{"with": " y ".join(described)},
    )
    if tested:
        values = " y ".join(task.arguments)
        sample = rng.choice(("Pruébala con {0}.", "Úsala con {0}.", "Muestra el resultado para {0}.", "Ejemplo: {0}.")).format(values)
        text = f"{text} {sample}"
    text = text.replace("Quiero quedarse", "Quiero quedarme")
    return _as_typed(rng, text) if typed else text


def _as_typed(rng: Random, text: str) -> str:
    """As students type: without opening marks, capitals or accents."""
    text = text.replace("¿", "")
    if rng.random() < 0.7:
        text = text[0].lower() + text[1:]
    if rng.random() < 0.7:
        text = "".join(letter if letter.isascii() or letter == "ñ" or not letter.isalpha() else plain(letter) for letter in text)
    return text.rstrip(".") if rng.random() < 0.5 else text


# 9. Solutions.

RESULT_FORMS = ("Muestra {}", "Imprime {}", "Da {}", "Salida: {}", "Resultado: {}", "da {}", "-> {}", "# {}")
PURPOSES = (
    "Cambia el nombre a {}",
    "Llámala {}",
    "La misma función, con el nombre {}",
    "Renombra la función: ahora se llama {}",
    "Quiero que se llame {}",
)
SWAPS = ("Cambia el parámetro {} por {}", "En vez de {}, que el parámetro sea {}", "Renombra {} a {}")
QUESTIONS = ("¿Qué muestra este código?", "¿Qué imprime?", "Di la salida:", "¿Cuál es el resultado?", "¿Qué sale por pantalla?")


@dataclass(frozen=True)
class Look:
    """What all exercises of a sheet have in common."""

    fences: bool
    ticks: bool
    typed: bool
    frame: str
    """empty: each statement has its own"""
    result: str
    comment: bool
    """whether the result stands beside the call"""
    explain: float
    """share of solutions with a line that says why"""
    calls: float
    """share of solutions with a call"""


@dataclass(frozen=True)
class Exercise:
    """A statement and what answers it."""

    statement: str
    solution: tuple[Part, ...]
    names: tuple[str, ...]
    """identifiers that the statement gives and the solution must have"""
    task: Task


def _fenced(look: Look, parts: list[Part]) -> list[Part]:
    return [Part("```python\n", True), *parts, Part("```\n", True)] if look.fences else parts


def _result_lines(look: Look, task: Task, trace: bool) -> str:
    line = look.result.format(task.result)
    return f"{task.trace[0].upper()}{task.trace[1:]}\n{line}\n" if trace and task.trace and line[0] != "#" else f"{line}\n"


def _call(look: Look, task: Task, foreseen: bool, trace: bool) -> tuple[list[Part], str]:
    """`print(name(arguments))`, and what stands after the code."""
    parts = [Part(f"print({task.name}(", True), Part(", ".join(task.arguments), foreseen)]
    if look.comment:
        return [*parts, Part(f"))  # {task.result}\n", True)], ""
    return [*parts, Part("))\n", True)], _result_lines(look, task, trace)


def draw_exercise(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str] = frozenset()) -> Exercise:
    """An exercise whose function has none of the taken names."""
    while True:
        exercise = _exercise(rng, lexicon, look, taken)
        if len(exercise.statement) + sum(len(part.text) for part in exercise.solution) <= EXERCISE_LIMIT:
            return exercise


def _exercise(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str]) -> Exercise:
    task = draw_task(rng, lexicon, taken)
    form = rng.random()
    # 1. What does this code show?
    if form < 0.12:
        call = f"print({task.name}({', '.join(task.arguments)}))"
        shown = f"{task.code}\n{call}\n"
        question = rng.choice(QUESTIONS)
        given = f"{question}\n```python\n{shown}```" if look.fences else f"{question}\n{shown.rstrip()}"
        return Exercise(given, (Part(_result_lines(look, task, rng.random() < 0.7), True),), (), task)
    # 2. The same code under another name
    if form < 0.18 and len(task.code) < 220:
        return _renamed(rng, lexicon, look, taken, task)
    # 3. The head alone, or the call alone
    if form < 0.24:
        return _fragment(rng, lexicon, look, taken, task)
    # 4. Write the function
    called = rng.random() < look.calls
    tested = called and rng.random() < 0.3
    statement = _statement(rng, task, look.frame or rng.choice(FRAMES), look.ticks, look.typed, tested)
    why = f"{task.why}.\n" if rng.random() < look.explain else ""
    before = rng.random() < 0.5
    code = [Part(task.code, True)]
    after = ""
    if called:
        call_parts, after = _call(look, task, tested, rng.random() < 0.7)
        code += [Part("\n", True), *call_parts]
    solution = [*([Part(why, True)] if why and before else []), *_fenced(look, code)]
    if after:
        solution.append(Part(after, True))
    if why and not before:
        solution.append(Part(why, True))
    return Exercise(statement, tuple(solution), (task.name, *task.parameters), task)


def _fresh(rng: Random, lexicon: Lexicon, used: set[str] | frozenset[str], word: bool = False) -> str:
    name = lexicon.word(rng) if word else lexicon.name(rng)
    while name in used or name in FORBIDDEN:
        name = lexicon.word(rng) if word else lexicon.name(rng)
    return name


def _renamed(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str], task: Task) -> Exercise:
    used = taken | frozenset(re.findall(r"\w+", task.code))
    swap = rng.random() < 0.4
    old = task.parameters[0] if swap else task.name
    new = _fresh(rng, lexicon, used, word=swap)
    purpose = rng.choice(SWAPS).format(old, new) if swap else rng.choice(PURPOSES).format(new)
    given = f"{purpose}:\n```python\n{task.code}```" if look.fences else f"{purpose}:\n{task.code.rstrip()}"
    # Placeholders, not the text, are renamed, so that texts within the code stay as they are.
    code = re.sub(rf"\b{re.escape(old)}\b", new, task.code)
    return Exercise(given, tuple(_fenced(look, [Part(code, True)])), (new,), task)


def _fragment(rng: Random, lexicon: Lexicon, look: Look, taken: frozenset[str], task: Task) -> Exercise:
    name = _fresh(rng, lexicon, taken | {task.name})
    if rng.random() < 0.5:
        parameters: list[str] = []
        for _ in range(rng.choice((1, 2, 2, 3, 3, 4))):
            parameters.append(_fresh(rng, lexicon, {*parameters, name}, word=True))
        statement = rng.choice(
            (
                "Solo la cabecera de {0}, con parámetros {1}.",
                "Empieza la función {0}({1}), con pass.",
                "Cabecera: {0}, recibe {1}",
                "Deja vacía {0}({1}).",
            )
        ).format(name, ", ".join(parameters))
        code = [Part(f"def {name}({', '.join(parameters)}):\n    pass\n", True)]
        return Exercise(statement, tuple(_fenced(look, code)), (name, *parameters), task)
    arguments = ", ".join(task.arguments)
    statement = rng.choice(
        (
            "Llama a {0} con {1} y muestra lo que da.",
            "Imprime {0} para {1}.",
            "¿Cómo muestro {0} con {1}?",
            "Muestra el resultado de {0} con {1}.",
        )
    ).format(name, arguments)
    return Exercise(statement, tuple(_fenced(look, [Part(f"print({name}({arguments}))\n", True)])), (name,), task)


# 10. Sheets.


def draw_look(rng: Random) -> Look:
    """The common look of a sheet's exercises."""
    return Look(
        fences=rng.random() < 0.5,
        ticks=rng.random() < 0.35,
        typed=rng.random() < 0.25,
        frame=rng.choice(FRAMES) if rng.random() < 0.4 else "",
        result=rng.choice(RESULT_FORMS),
        comment=rng.random() < 0.35,
        explain=rng.choice((0.0, 0.0, 0.3, 0.8)),
        calls=rng.choice((0.3, 0.6, 0.9)),
    )


def function_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """A worksheet of two to five exercises on Python functions."""
    # 1. Exercises, as many as there is room for
    look = draw_look(rng)
    exercises: list[Exercise] = []
    room = LIMIT - 60
    taken: frozenset[str] = frozenset()
    wanted = rng.choice((2, 3, 3, 4, 4, 5))
    while len(exercises) < wanted or LIMIT - room < 260:
        exercise = draw_exercise(rng, lexicon, look, taken)
        size = len(exercise.statement) + sum(len(part.text) for part in exercise.solution) + 30
        if size > room:
            break
        room -= size
        exercises.append(exercise)
        taken |= {exercise.task.name, *exercise.names}
    # 2. Layout
    heading = rng.choice(("", "", "", "Ejercicios\n\n", "# Funciones\n\n", "## Práctica de Python\n\n"))
    parts = [Part(heading, False)] if heading else []
    if rng.random() < 0.35:
        return _gathered(rng, exercises, parts)
    mark = rng.choice(("", "", "{}. ", "{}) ", "Ejercicio {}. ", "### ", "# ", "- "))
    answer = rng.choice(("", "", "", "Solución:\n", "R:\n"))
    for number, exercise in enumerate(exercises, 1):
        opening = mark.format(number)
        statement = exercise.statement
        if mark in ("# ", "### ", "- ") and ("\n" in statement or statement[0] in "#|"):
            opening = ""
        parts += [Part(f"{opening}{statement}\n", False), *([Part(answer, True)] if answer else []), *exercise.solution]
        if number < len(exercises):
            parts.append(Part("\n", True))
    return _merged(parts)


def _gathered(rng: Random, exercises: list[Exercise], parts: list[Part]) -> Sheet:
    """All the statements first, then the solutions by number."""
    mark = rng.choice(("{}. ", "{}) ", "({}) ", "Ejercicio {}: "))
    order = list(enumerate(exercises, 1))
    parts = [*parts, *(Part(f"{mark.format(number)}{exercise.statement}\n", False) for number, exercise in order)]
    parts.append(Part(rng.choice(("\n", "\nSoluciones\n\n", "\nRespuestas:\n\n")), False))
    shuffled = rng.random() < 0.25
    if shuffled:
        rng.shuffle(order)
    for place, (number, exercise) in enumerate(order):
        parts += [Part(f"{mark.format(number).rstrip()}\n", not shuffled), *exercise.solution]
        if place < len(order) - 1:
            parts.append(Part("\n", True))
    return _merged(parts)


def _merged(parts: list[Part]) -> Sheet:
    """The same text with neighbours of one sort in one part."""
    sheet: Sheet = []
    for part in parts:
        if sheet and sheet[-1].follows == part.follows:
            sheet[-1] = Part(sheet[-1].text + part.text, part.follows)
        else:
            sheet.append(part)
    return sheet
