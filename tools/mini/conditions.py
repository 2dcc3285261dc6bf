"""Conditions on numbers and words, maps of them, and what is done with the elements of a list that meet a condition.

Knows the Python and the Spanish of each. Deliberately knows nothing of names, arguments or sheets.
"""

from dataclasses import dataclass

from .function_tables import entries, rows


@dataclass(frozen=True)
class Condition:
    """A test of the element V, with figures K and J and a letter L."""

    test: str
    """the expression over V, K, J"""
    opposite: str
    """the expression for what does not meet it"""
    slug: str
    """what names call it"""
    phrases: tuple[str, ...]
    """'plural/singular', to stand after a noun"""


@dataclass(frozen=True)
class Action:
    """What is done with the elements that meet a condition: C in its bodies; D stands for the opposite."""

    wishes: tuple[str, ...]
    """'infinitive|rest'; {los} {NP} and its kin stand for the noun with its condition"""
    bodies: tuple[str, ...]
    """the first is the plain one"""
    kinds: tuple[str, ...]
    """of elements: 'nums', 'words'"""
    trace: str
    """how the result comes about"""
    names: tuple[str, ...]
    why: str


NUMBER_CONDITIONS = """
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
"""
WORD_CONDITIONS = """
V.startswith("L") | not V.startswith("L") | con_inicial | que empiezan con "{L}"/que empieza con "{L}"; que comienzan por "{L}"/que comienza por "{L}"; con inicial "{L}"
V.endswith("L") | not V.endswith("L") | terminadas | que terminan en "{L}"/que termina en "{L}"; que acaban en "{L}"/que acaba en "{L}"; con "{L}" al final
"L" in V | "L" not in V | con_letra | que contienen la letra "{L}"/que contiene la letra "{L}"; que tienen "{L}"/que tiene "{L}"; con la letra "{L}"
"L" not in V | "L" in V | sin_letra | que no contienen la letra "{L}"/que no contiene la letra "{L}"; sin la letra "{L}"; que no tienen "{L}"/que no tiene "{L}"
len(V) > K | len(V) <= K | largas | de más de {K} letras; con largo mayor que {K}; que pasan de {K} letras/que pasa de {K} letras
len(V) >= K | len(V) < K | de_largo_minimo | de {K} letras o más; de al menos {K} letras; con {K} o más letras
len(V) < K | len(V) >= K | cortas | de menos de {K} letras; con largo menor que {K}; que no llegan a {K} letras/que no llega a {K} letras
len(V) <= K | len(V) > K | de_largo_maximo | de {K} letras o menos; de {K} letras como máximo; que no pasan de {K} letras/que no pasa de {K} letras
len(V) == K | len(V) != K | de_largo_justo | de {K} letras; con exactamente {K} letras; de largo {K}
"""
NUMBER_MAPS = """
V * 2 | el doble | dobles
V * 3 | el triple | triples
V ** 2 | el cuadrado | cuadrados
V ** 3 | el cubo | cubos
V // 2 | la mitad entera | mitades
abs(V) | el valor absoluto | absolutos
-V | el opuesto | opuestos
V % 10 | la última cifra | ultimas_cifras
V % K | el resto entre {K} | restos
V + K | la suma con {K} | sumados
V * K | el producto por {K} | por_factor
V - K | la diferencia con {K} | restados
"""
WORD_MAPS = """
len(V) | el largo | largos
V.upper() | la versión en mayúsculas | en_mayusculas
V[0] | la primera letra | iniciales
V[-1] | la última letra | finales
V[::-1] | el reverso | reversos
V.capitalize() | la versión con mayúscula inicial | con_mayuscula
V * 2 | la repetición doble | repetidas
"""
MAP_WISH_TEXT = """
list | devolver|una lista con {M} de cada {NS}; calcular|{M} de cada {NS}; obtener|{M} de cada {NS}; armar|la lista con {M} de cada {NS}
sum | sumar|{M} de cada {NS}; devolver|la suma de {M} de cada {NS}; calcular|el total de {M} de cada {NS}
"""
ACTION_TEXT = """
contar|{cuantos} {NP} hay; contar|{los} {NP}; decir|{cuantos} {NP} hay; devolver|la cantidad de {NP}; calcular|el número de {NP}
nums words | count | contar cuantos cantidad | Se cuenta uno por cada {NS}
    A = 0
    for V in P:
        if C: A += 1
    return A
or
    return sum(1 for V in P if C)
or
    return len([V for V in P if C])

sumar|{los} {NP}; devolver|la suma de {los} {NP}; calcular|cuánto suman {los} {NP}; obtener|el total de {los} {NP}; sumar|solo {los} {NP}
nums | sum | sumar suma total | Se suma cada {NS}
    A = 0
    for V in P:
        if C: A += V
    return A
or
    return sum(V for V in P if C)

multiplicar|{los} {NP}; devolver|el producto de {los} {NP}; calcular|el producto de {los} {NP}
nums | product | multiplicar producto | Se multiplica cada {NS}
    A = 1
    for V in P:
        if C: A *= V
    return A

quedarse|con {los} {NP}; filtrar|{los} {NP}; devolver|una lista con {los} {NP}; guardar|en una lista nueva {los} {NP}; devolver|solo {los} {NP}; obtener|{los} {NP}
nums words | which | filtrar solo elegir | Se agrega a la lista cada {NS}
    B = []
    for V in P:
        if C: B.append(V)
    return B
or
    return [V for V in P if C]

quitar|{los} {NP}; eliminar|{los} {NP}; devolver|la lista sin {los} {NP}; quitar|de la lista {los} {NP}
nums words | removed | quitar sin eliminar | Se deja fuera cada {NS}
    B = []
    for V in P:
        if D: B.append(V)
    return B
or
    return [V for V in P if D]

decir|si hay {algun} {NS}; comprobar|si existe {algun} {NS}; indicar|si aparece {algun} {NS}; devolver|True si hay al menos {un} {NS}
nums words | first | hay existe alguno_de | Basta con {un} {NS}
    for V in P:
        if C: return True
    return False
or
    return any(C for V in P)

decir|si no hay {ningun} {NS}; comprobar|que no haya {ningun} {NS}; devolver|True si no aparece {ningun} {NS}
nums words | first | no_hay ninguno_de | Con {un} solo {NS} ya es False
    for V in P:
        if C: return False
    return True
or
    return not any(C for V in P)

decir|si {todos} {los} {N} {ARE}; comprobar|que {todos} {los} {N} {ARE}; devolver|True si {todos} {los} {N} {ARE}; indicar|si {todos} {ARE}
nums words | fails | todos son_todos todo | {Un} {n} que no cumple ya da False
    for V in P:
        if D: return False
    return True
or
    return all(C for V in P)

devolver|{el} {primer} {NS} o None; buscar|{el} {primer} {NS}, None si no hay; hallar|{el} {primer} {NS} (si falta, None)
nums words | first | primero primer buscar | Se devuelve {el} {primer} {NS}
    for V in P:
        if C: return V
    return None

devolver|la posición {del} {primer} {NS} o -1; buscar|el índice {del} {primer} {NS}, -1 si no hay; decir|en qué posición está {el} {primer} {NS} (-1 si falta)
nums words | position | posicion indice donde | Se devuelve el índice {del} {primer} {NS}
    for I, V in enumerate(P):
        if C: return I
    return -1
or
    for I in range(len(P)):
        V = P[I]
        if C: return I
    return -1

devolver|las posiciones de {los} {NP}; obtener|los índices de {los} {NP}; guardar|en qué posiciones están {los} {NP}
nums words | which | posiciones indices | Se guarda el índice de cada {NS}
    B = []
    for I, V in enumerate(P):
        if C: B.append(I)
    return B
or
    return [I for I, V in enumerate(P) if C]

devolver|{el} {ultimo} {NS} o None; buscar|{el} {ultimo} {NS}, None si no hay; hallar|{el} {ultimo} {NS} (si falta, None)
nums words | last | ultimo ultimo_de | Queda {el} {ultimo} {NS}
    A = None
    for V in P:
        if C: A = V
    return A

devolver|el mayor de {los} {NP} o None; hallar|el máximo de {los} {NP}, None si no hay; buscar|el más grande de {los} {NP} (o None)
nums | which | mayor maximo | Se guarda el mayor de {los} {NP}
    A = None
    for V in P:
        if C and (A is None or V > A): A = V
    return A

devolver|el menor de {los} {NP} o None; hallar|el mínimo de {los} {NP}, None si no hay; buscar|el más chico de {los} {NP} (o None)
nums | which | menor minimo | Se guarda el menor de {los} {NP}
    A = None
    for V in P:
        if C and (A is None or V < A): A = V
    return A

promediar|{los} {NP} (0 si no hay); calcular|el promedio de {los} {NP}, 0 si no hay; devolver|la media de {los} {NP} o 0
nums | mean | promedio media | Suma y cantidad se toman de {los} {NP}
    B = [V for V in P if C]
    if not B: return 0
    return sum(B) / len(B)

separar|{los} {NP} del resto, en dos listas; dividir|la lista en dos: {los} {NP} y el resto
nums words | which | separar partir | Cada {NS} va a la primera lista
    si = []
    no = []
    for V in P:
        if C: si.append(V)
        else: no.append(V)
    return si, no

cambiar|{los} {NP} por 0; devolver|la lista con 0 en lugar de {los} {NP}
nums | which | anular borrar | Se pone 0 por cada {NS}
    B = []
    for V in P:
        if C: B.append(0)
        else: B.append(V)
    return B
or
    return [0 if C else V for V in P]
"""


def _conditions(table: str) -> tuple[Condition, ...]:
    return tuple(Condition(test, opposite, slug, tuple(phrases.split("; "))) for test, opposite, slug, phrases in rows(table))


CONDITIONS = {"nums": _conditions(NUMBER_CONDITIONS), "words": _conditions(WORD_CONDITIONS)}
MAPS = {"nums": rows(NUMBER_MAPS), "words": rows(WORD_MAPS)}
"""expression over V and K, how it is said, what names call it"""
MAP_WISHES = {into: tuple(wishes.split("; ")) for into, wishes in rows(MAP_WISH_TEXT)}
ACTIONS = tuple(
    Action(wishes, bodies, tuple(kinds.split()), trace, tuple(names.split()), why)
    for wishes, (kinds, trace, names, why), bodies in entries(ACTION_TEXT)
)
