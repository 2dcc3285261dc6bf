"""Catalogue of classroom functions: factorial, palindromes, matrices, searches.

Knows what each function is asked for with, its bodies and the arguments that suit it. Deliberately knows nothing of conditions, names or
sheets.
"""

from dataclasses import dataclass

from .function_arguments import Arguments, arguments
from .function_tables import entries
from .list_functions import LISTS


@dataclass(frozen=True)
class Known:
    """A classroom function over F (itself), P and Q."""

    wishes: tuple[str, ...]
    """'infinitive|rest'"""
    kinds: tuple[str, ...]
    """of its parameters"""
    names: tuple[str, ...]
    bodies: tuple[str, ...]
    draw: Arguments
    why: str
    before: str
    """an import that stands over the function"""


NUMBERS = """
calcular|el factorial de {P} con recursión; devolver|{P}! de forma recursiva
n | factorial fact | int 1..6 | El caso base es 0
    if P == 0: return 1
    return P * F(P - 1)

calcular|el factorial de {P} con un for; devolver|el factorial de {P} sin recursión
n | factorial fact | int 1..6 | Se multiplica de 2 a {P}
    A = 1
    for I in range(2, P + 1): A *= I
    return A

sumar|los números de 1 a {P}; devolver|la suma 1 + 2 + ... + {P}
n | suma_hasta sumar_hasta | int 3..10 | Se suma cada número hasta {P}
    A = 0
    for I in range(1, P + 1): A += I
    return A
or
    return sum(range(1, P + 1))

sumar|los números de 1 a {P} con recursión; calcular|de forma recursiva la suma de 1 hasta {P}
n | suma_hasta sumatoria | int 3..8 | El caso base es 0
    if P == 0: return 0
    return P + F(P - 1)

calcular|la potencia de {P} elevado a {Q} con un for; devolver|{P} elevado a {Q} sin usar **
n n | potencia elevar | int 2..5, int 2..4 | Se multiplica {Q} veces por {P}
    A = 1
    for I in range(Q): A *= P
    return A

calcular|{P} elevado a {Q} con recursión; devolver|la potencia de {P} a la {Q} recursivamente
n n | potencia elevar | int 2..5, int 2..4 | Elevado a 0 da 1
    if Q == 0: return 1
    return P * F(P, Q - 1)

contar|las cifras de {P}; decir|cuántos dígitos tiene {P}
n | contar_cifras cifras | int 10..99999 | Cada división entre 10 quita una cifra
    A = 0
    while P > 0: A += 1; P //= 10
    return A
or
    return len(str(P))

sumar|las cifras de {P}; devolver|la suma de los dígitos de {P}
n | suma_cifras sumar_digitos | int 10..9999 | P % 10 es la última cifra
    A = 0
    while P > 0: A += P % 10; P //= 10
    return A

sumar|las cifras de {P} con recursión; calcular|recursivamente la suma de dígitos de {P}
n | suma_cifras digitos | int 10..9999 | Una sola cifra se suma a sí misma
    if P < 10: return P
    return P % 10 + F(P // 10)

devolver|los divisores de {P}; obtener|la lista de divisores de {P}
n | divisores lista_divisores | int 4..30 | Un divisor deja resto 0
    B = []
    for I in range(1, P + 1):
        if P % I == 0: B.append(I)
    return B
or
    return [I for I in range(1, P + 1) if P % I == 0]

contar|los divisores de {P}; decir|cuántos divisores tiene {P}
n | contar_divisores cuantos_divisores | int 4..30 | Un divisor deja resto 0
    A = 0
    for I in range(1, P + 1):
        if P % I == 0: A += 1
    return A

calcular|el mcd de {P} y {Q} con Euclides; devolver|el máximo común divisor de {P} y {Q}
n n | mcd euclides | int 6..60, int 4..40 | Se repite con el resto hasta llegar a 0
    while Q != 0: P, Q = Q, P % Q
    return P
or
    if Q == 0: return P
    return F(Q, P % Q)

decir|si {P} es primo; comprobar|que {P} sea un número primo
n | es_primo primo | int 2..60 | Un divisor entre 2 y la raíz lo descarta
    if P < 2: return False
    I = 2
    while I * I <= P:
        if P % I == 0: return False
        I += 1
    return True
or
    if P < 2: return False
    for I in range(2, P):
        if P % I == 0: return False
    return True

devolver|los primos hasta {P}; obtener|la lista de primos de 2 a {P}
n | primos primos_hasta | int 5..25 | Primo: sin divisores menores
    B = []
    for x in range(2, P + 1):
        if all(x % d != 0 for d in range(2, x)): B.append(x)
    return B

calcular|el término {P} de Fibonacci; devolver|el número {P} de la serie de Fibonacci
n | fibonacci fib | int 3..11 | Cada término es la suma de los dos anteriores
    a, b = 0, 1
    for I in range(P): a, b = b, a + b
    return a

calcular|Fibonacci de {P} con recursión; devolver|recursivamente el término {P} de Fibonacci
n | fibonacci fib | int 3..9 | Los casos base son 0 y 1
    if P < 2: return P
    return F(P - 1) + F(P - 2)

devolver|los primeros {P} términos de Fibonacci; armar|la lista de los {P} primeros números de Fibonacci
n | serie lista_fib | int 3..8 | Cada término es la suma de los dos anteriores
    B = []
    a, b = 0, 1
    for I in range(P): B.append(a); a, b = b, a + b
    return B

devolver|la tabla de multiplicar de {P} hasta {Q}; armar|la lista {P} por 1, {P} por 2, ... hasta {P} por {Q}
n n | tabla tabla_de | int 2..9, int 3..5 | Se multiplica por 1, 2, ... {Q}
    B = []
    for I in range(1, Q + 1): B.append(P * I)
    return B

devolver|la cuenta regresiva de {P} a 1; armar|la lista de {P} bajando hasta 1
n | cuenta_regresiva bajada | int 3..7 | Se resta uno cada vez
    B = []
    while P > 0: B.append(P); P -= 1
    return B

devolver|{P} en binario como texto; calcular|los bits de {P} como texto
n | binario a_binario | int 2..30 | Los restos entre 2 son los bits
    A = ""
    while P > 0: A = str(P % 2) + A; P //= 2
    return A

devolver|el mayor de {P} y {Q}; decir|cuál es mayor, {P} o {Q}
n n | mayor maximo | int 1..40, int 1..40 | Se comparan los dos
    if P > Q: return P
    return Q

devolver|el menor de {P} y {Q}; decir|cuál es menor, {P} o {Q}
n n | menor minimo | int 1..40, int 1..40 | Se comparan los dos
    if P < Q: return P
    return Q

decir|si {P} es par; comprobar|que {P} sea par
n | es_par par | int 1..99 | Un par deja resto 0 entre 2
    return P % 2 == 0

decir|si {P} es múltiplo de {Q}; comprobar|que {P} sea divisible entre {Q}
n n | es_multiplo divisible | int 6..40, int 2..6 | El resto debe ser 0
    return P % Q == 0

devolver|'positivo', 'negativo' o 'cero' según {P}; decir|con un texto si {P} es positivo, negativo o cero
n | signo clasificar | int -9..9 | Se compara con 0
    if P > 0: return "positivo"
    if P < 0: return "negativo"
    return "cero"
"""
TEXTS = """
invertir|el texto {P}; devolver|{P} al revés
text | invertir al_reves | text | Se recorre desde el final
    return P[::-1]
or
    A = ""
    for c in P: A = c + A
    return A

invertir|{P} con recursión; devolver|recursivamente el texto {P} al revés
text | invertir reverso | text | El primero pasa al final
    if P == "": return ""
    return F(P[1:]) + P[0]

decir|si {P} es palíndromo; comprobar|que {P} se lea igual al revés
text | es_palindromo palindromo | palindrome | Se compara con su reverso
    return P == P[::-1]
or
    i, j = 0, len(P) - 1
    while i < j:
        if P[i] != P[j]: return False
        i += 1
        j -= 1
    return True

decir|si {P} es palíndromo con recursión; comprobar|recursivamente si {P} es palíndromo
text | palindromo capicua | palindrome | Se comparan los extremos
    if len(P) < 2: return True
    if P[0] != P[-1]: return False
    return F(P[1:-1])

contar|las vocales de {P}; decir|cuántas vocales tiene {P}
text | contar_vocales vocales | text | Se cuenta cada letra de aeiou
    A = 0
    for c in P:
        if c in "aeiou": A += 1
    return A

quitar|las vocales de {P}; devolver|{P} sin vocales
text | sin_vocales quitar_vocales | text | Quedan las que no son aeiou
    A = ""
    for c in P:
        if c not in "aeiou": A += c
    return A

contar|las veces que {Q} aparece en {P}; decir|cuántas letras {Q} hay en {P}
text text | contar_letra veces_letra | word, letter | Se cuenta cada letra igual
    A = 0
    for c in P:
        if c == Q: A += 1
    return A
or
    return P.count(Q)

contar|cada letra de {P} en un diccionario; devolver|las frecuencias de las letras de {P}
text | frecuencias letras | short_word | Cada letra suma 1 a su clave
    B = {}
    for c in P: B[c] = B.get(c, 0) + 1
    return B

contar|las palabras de {P}; decir|cuántas palabras tiene {P}
text | contar_palabras palabras | phrase | split corta por los espacios
    return len(P.split())

decir|si {P} y {Q} son anagramas; comprobar|si {P} y {Q} tienen las mismas letras
text text | son_anagramas anagramas | anagrams | Ordenadas deben ser iguales
    return sorted(P) == sorted(Q)

ordenar|las palabras por su largo; ordenar|{P} de la más corta a la más larga
words | ordenar_por_largo por_largo | words | key=len ordena por el largo
    return sorted(P, key=len)

ordenar|{P} por la última letra; ordenar|las palabras según su última letra
words | por_ultima ordenar_por_final | words | key mira la última letra
    return sorted(P, key=lambda V: V[-1])

ordenar|las palabras por orden alfabético; ordenar|{P} de la a a la z
words | alfabetico ordenar | words | sorted compara letra a letra
    return sorted(P)

devolver|la palabra más larga de {P}; hallar|la más larga de las palabras
words | mas_larga larga | words | Se guarda la más larga vista
    A = P[0]
    for V in P:
        if len(V) > len(A): A = V
    return A
or
    return max(P, key=len)

unir|las palabras con un guion; devolver|{P} en un solo texto con guiones
words | unir con_guiones | words | join pone el guion entre palabras
    return "-".join(P)

devolver|un diccionario con el largo de cada palabra; armar|un diccionario palabra: largo
words | largos mapa_largos | words | La clave es la palabra
    B = {}
    for V in P: B[V] = len(V)
    return B
or
    return {V: len(V) for V in P}
"""
MATRICES_AND_GRAPHS = """
sumar|la fila {Q} de {P}; devolver|la suma de la fila {Q}
matrix n | suma_fila sumar_fila | matrix, int 0..1 | La fila {Q} es una lista
    A = 0
    for V in P[Q]: A += V
    return A
or
    return sum(P[Q])

sumar|la columna {Q} de {P}; devolver|la suma de la columna {Q}
matrix n | suma_columna sumar_columna | matrix, int 0..1 | De cada fila se toma la posición {Q}
    A = 0
    for fila in P: A += fila[Q]
    return A

sumar|la diagonal principal de {P}; calcular|la suma de la diagonal
matrix | suma_diagonal diagonal | square | En la diagonal fila y columna coinciden
    A = 0
    for I in range(len(P)): A += P[I][I]
    return A

devolver|la traspuesta de {P}; cambiar|filas por columnas en {P}
matrix | traspuesta trasponer | matrix | La columna j pasa a ser fila
    B = []
    for j in range(len(P[0])): B.append([fila[j] for fila in P])
    return B

sumar|todos los números de la matriz {P}; calcular|el total de la matriz
matrix | suma_matriz total_matriz | matrix | Un for por filas y otro por elementos
    A = 0
    for fila in P:
        for V in fila: A += V
    return A

devolver|la suma de cada fila de {P}; obtener|una lista con el total de cada fila
matrix | sumas_filas totales_filas | matrix | Una suma por fila
    B = []
    for fila in P: B.append(sum(fila))
    return B

obtener|una sola lista con todo lo de la matriz {P}; devolver|{P} aplanada
matrix | aplanar extender | matrix | Se agrega elemento por elemento
    B = []
    for fila in P:
        for V in fila: B.append(V)
    return B

devolver|el recorrido BFS de {P} desde {Q}; obtener|los nodos de {P} en anchura desde {Q}
graph any | bfs anchura | rooted | La cola atiende por niveles
    vistos = [Q]
    cola = [Q]
    while cola:
        u = cola.pop(0)
        for v in P[u]:
            if v not in vistos: vistos.append(v); cola.append(v)
    return vistos

devolver|el recorrido DFS de {P} desde {Q}; obtener|los nodos de {P} en profundidad desde {Q}
graph any | dfs profundidad | rooted | La pila sigue por el último nodo
    vistos = []
    pila = [Q]
    while pila:
        u = pila.pop()
        if u not in vistos: vistos.append(u); pila.extend(P[u])
    return vistos

contar|los vecinos de {Q} en {P}; decir|cuántos vecinos tiene {Q}
graph any | grado contar_vecinos | rooted | Los vecinos son una lista
    return len(P[Q])

contar|las aristas de {P}; decir|cuántas flechas tiene el grafo
graph | aristas contar_aristas | graph | Se suman los vecinos de cada nodo
    A = 0
    for u in P: A += len(P[u])
    return A
"""


def _read(table: str) -> list[Known]:
    """Each row of fields holds kinds, names, notation of the arguments and why."""
    found = []
    for wishes, (kinds, names, notation, why), bodies in entries(table):
        before = "from collections import deque\n\n" if "deque(" in bodies[0] else ""
        found.append(Known(wishes, tuple(kinds.split()), tuple(names.split()), bodies, arguments(notation), why, before))
    return found


CATALOGUE = tuple(known for table in (NUMBERS, LISTS, TEXTS, MATRICES_AND_GRAPHS) for known in _read(table))
