"""Python functions made to order: the name and the parameters are those of the question, the body is known to be right.

Knows Python and many everyday pretexts for the same few loops. Deliberately knows nothing of chat formats. Every pattern carries
checks: a test runs all of them under drawn names.
"""

from dataclasses import dataclass
from random import Random

from .exchange import Exchange, ask


@dataclass(frozen=True)
class Pattern:
    """A function whose name `F` and parameters `P`, `Q` are free."""

    wishes: tuple[str, ...]
    """ends of 'una función que ...'"""
    names: tuple[str, ...]
    """names that somebody could give it"""
    parameters: tuple[tuple[str, ...], ...]
    """names for its parameters, one tuple a parameter"""
    bodies: tuple[str, ...]
    """interchangeable bodies over F, P, Q and K"""
    why: str
    """one sentence without full stop"""
    checks: tuple[tuple[str, str], ...]
    """arguments and the result, both over K = 3"""
    cost: str = "O(n)"
    """time"""


LISTS = (
    "lista",
    "numeros",
    "datos",
    "valores",
    "notas",
    "precios",
    "edades",
    "puntos",
    "ventas",
    "temperaturas",
    "medidas",
    "xs",
    "nums",
    "montos",
)
TEXTS = ("texto", "palabra", "frase", "cadena", "s", "t", "nombre", "mensaje")
NUMBERS = ("n", "x", "numero", "k", "valor", "cantidad", "total")
WORD_LISTS = ("palabras", "nombres", "lista", "textos", "ciudades", "frutas")

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        ("sume los elementos mayores que K", "sume solo los valores que pasan de K"),
        ("sumar_mayores", "suma_grandes", "total_altos"),
        (LISTS,),
        (
            "    total = 0\n    for x in P:\n        if x > K:\n            total += x\n    return total",
            "    return sum(x for x in P if x > K)",
        ),
        "Se suma cada elemento que es mayor que K",
        (("[1, 5, 9]", "14"), ("[]", "0")),
    ),
    Pattern(
        ("cuente los elementos mayores que K", "diga cuántos valores pasan de K"),
        ("contar_mayores", "cuantos_mayores", "cuenta_altos"),
        (LISTS,),
        (
            "    total = 0\n    for x in P:\n        if x > K:\n            total += 1\n    return total",
            "    return sum(1 for x in P if x > K)",
        ),
        "Se cuenta uno por cada elemento mayor que K",
        (("[1, 5, 9]", "2"), ("[]", "0")),
    ),
    Pattern(
        ("devuelva los elementos menores que K", "deje solo los valores por debajo de K"),
        ("filtrar_menores", "menores", "solo_bajos"),
        (LISTS,),
        (
            "    resultado = []\n    for x in P:\n        if x < K:\n            resultado.append(x)\n    return resultado",
            "    return [x for x in P if x < K]",
        ),
        "Se guarda cada elemento que cumple la condición",
        (("[1, 5, 2]", "[1, 2]"), ("[]", "[]")),
    ),
    Pattern(
        ("multiplique cada elemento por K", "devuelva una lista con cada valor por K"),
        ("multiplicar", "escalar", "por_factor"),
        (LISTS,),
        ("    resultado = []\n    for x in P:\n        resultado.append(x * K)\n    return resultado", "    return [x * K for x in P]"),
        "Cada elemento se multiplica por K en una lista nueva",
        (("[1, 2]", "[3, 6]"),),
    ),
    Pattern(
        ("sume K a cada elemento", "aumente en K cada valor de la lista"),
        ("aumentar", "sumar_a_todos", "subir"),
        (LISTS,),
        ("    return [x + K for x in P]", "    resultado = []\n    for x in P:\n        resultado.append(x + K)\n    return resultado"),
        "Se arma otra lista con cada elemento más K",
        (("[1, 2]", "[4, 5]"),),
    ),
    Pattern(
        ("diga si un número es múltiplo de K", "devuelva True si el número se puede dividir exacto entre K"),
        ("es_multiplo", "divide_exacto", "multiplo"),
        (NUMBERS,),
        ("    return P % K == 0",),
        "Es múltiplo cuando el resto de dividir entre K es 0",
        (("9", "True"), ("10", "False")),
        "O(1)",
    ),
    Pattern(
        ("sume los elementos de una lista", "calcule el total de una lista"),
        ("sumar_todo", "total", "suma", "acumular"),
        (LISTS,),
        ("    total = 0\n    for x in P:\n        total += x\n    return total", "    return sum(P)"),
        "Se recorre la lista y se acumula cada valor",
        (("[1, 2, 3]", "6"), ("[]", "0")),
    ),
    Pattern(
        ("sume los números pares de una lista", "devuelva la suma de los pares"),
        ("suma_pares", "sumar_pares", "total_pares"),
        (LISTS,),
        (
            "    total = 0\n    for x in P:\n        if x % 2 == 0:\n            total += x\n    return total",
            "    return sum(x for x in P if x % 2 == 0)",
        ),
        "Un número es par si el resto entre 2 es 0",
        (("[1, 2, 4]", "6"),),
    ),
    Pattern(
        ("cuente los impares de una lista", "diga cuántos impares hay"),
        ("contar_impares", "cuantos_impares"),
        (LISTS,),
        ("    total = 0\n    for x in P:\n        if x % 2 != 0:\n            total += 1\n    return total",),
        "Un número es impar si el resto entre 2 no es 0",
        (("[1, 2, 3]", "2"),),
    ),
    Pattern(
        ("devuelva el mayor elemento sin usar max", "encuentre el valor más grande"),
        ("mayor", "maximo", "el_mas_grande"),
        (LISTS,),
        ("    mejor = P[0]\n    for x in P:\n        if x > mejor:\n            mejor = x\n    return mejor",),
        "Se guarda el mayor valor visto hasta el momento",
        (("[2, 9, 4]", "9"),),
    ),
    Pattern(
        ("devuelva el menor elemento sin usar min", "encuentre el valor más chico"),
        ("menor", "minimo", "el_mas_chico"),
        (LISTS,),
        ("    mejor = P[0]\n    for x in P:\n        if x < mejor:\n            mejor = x\n    return mejor",),
        "Se guarda el menor valor visto hasta el momento",
        (("[4, 2, 9]", "2"),),
    ),
    Pattern(
        ("devuelva la posición del mayor elemento", "diga en qué índice está el máximo"),
        ("posicion_mayor", "indice_maximo"),
        (LISTS,),
        ("    mejor = 0\n    for i in range(len(P)):\n        if P[i] > P[mejor]:\n            mejor = i\n    return mejor",),
        "Se recuerda el índice del mayor valor visto",
        (("[2, 9, 4]", "1"),),
    ),
    Pattern(
        ("devuelva la diferencia entre el mayor y el menor",),
        ("rango", "amplitud", "diferencia"),
        (LISTS,),
        ("    return max(P) - min(P)",),
        "Se resta el mínimo al máximo",
        (("[2, 9, 4]", "7"),),
    ),
    Pattern(
        ("calcule el promedio y devuelva 0 si la lista no tiene elementos",),
        ("media", "promedio_seguro", "promediar"),
        (LISTS,),
        ("    if not P:\n        return 0\n    return sum(P) / len(P)",),
        "Se divide la suma entre la cantidad, salvo que no haya datos",
        (("[2, 4]", "3.0"), ("[]", "0")),
    ),
    Pattern(
        ("devuelva la lista al revés", "invierta una lista sin usar reverse"),
        ("invertir", "al_reves", "voltear"),
        (LISTS,),
        ("    return P[::-1]", "    resultado = []\n    for x in P:\n        resultado.insert(0, x)\n    return resultado"),
        "El orden queda del último al primero",
        (("[1, 2, 3]", "[3, 2, 1]"),),
    ),
    Pattern(
        ("diga si una lista está ordenada", "devuelva True si los valores van de menor a mayor"),
        ("esta_ordenada", "ordenada", "crece"),
        (LISTS,),
        ("    for i in range(len(P) - 1):\n        if P[i] > P[i + 1]:\n            return False\n    return True",),
        "Se compara cada elemento con el siguiente",
        (("[1, 2, 2]", "True"), ("[2, 1]", "False")),
    ),
    Pattern(
        ("diga si un elemento está en la lista", "devuelva True si encuentra el valor"),
        ("contiene", "esta", "existe"),
        (LISTS, ("x", "valor", "buscado")),
        ("    for y in P:\n        if y == Q:\n            return True\n    return False", "    return Q in P"),
        "Se compara cada elemento con el buscado",
        (("[1, 2], 2", "True"), ("[], 1", "False")),
    ),
    Pattern(
        ("cuente cuántas veces aparece un elemento",),
        ("contar", "apariciones", "veces"),
        (LISTS, ("x", "valor", "buscado")),
        ("    total = 0\n    for y in P:\n        if y == Q:\n            total += 1\n    return total",),
        "Se suma uno en cada coincidencia",
        (("[1, 2, 1], 1", "2"),),
    ),
    Pattern(
        ("cuente cada elemento y devuelva un diccionario", "devuelva un diccionario con la frecuencia de cada valor"),
        ("frecuencias", "contar_todo", "conteo"),
        (LISTS,),
        ("    cuenta = {}\n    for x in P:\n        cuenta[x] = cuenta.get(x, 0) + 1\n    return cuenta",),
        "La clave es el elemento y el valor es cuántas veces apareció",
        (("[1, 2, 1]", "{1: 2, 2: 1}"),),
    ),
    Pattern(
        ("diga si hay elementos repetidos", "devuelva True si algún valor aparece dos veces"),
        ("hay_repetidos", "tiene_duplicados", "repite"),
        (LISTS,),
        (
            "    vistos = set()\n    for x in P:\n        if x in vistos:\n            return True\n"
            "        vistos.add(x)\n    return False",
            "    return len(set(P)) != len(P)",
        ),
        "Un conjunto recuerda lo que ya se vio",
        (("[1, 2, 1]", "True"), ("[1, 2]", "False")),
    ),
    Pattern(
        ("sume los elementos de las posiciones pares",),
        ("suma_alterna", "sumar_indices_pares"),
        (LISTS,),
        ("    total = 0\n    for i in range(0, len(P), 2):\n        total += P[i]\n    return total",),
        "El índice avanza de dos en dos",
        (("[1, 2, 3]", "4"),),
    ),
    Pattern(
        ("devuelva las sumas acumuladas", "calcule la suma parcial en cada posición"),
        ("acumuladas", "sumas_parciales", "prefijos"),
        (LISTS,),
        ("    resultado = []\n    total = 0\n    for x in P:\n        total += x\n        resultado.append(total)\n    return resultado",),
        "Se guarda el total después de cada elemento",
        (("[1, 2, 3]", "[1, 3, 6]"),),
    ),
    Pattern(
        ("devuelva la suma de dos listas elemento por elemento",),
        ("sumar_listas", "suma_pareada"),
        (("a", "xs"), ("b", "ys")),
        ("    return [x + y for x, y in zip(P, Q)]",),
        "zip junta los elementos de la misma posición",
        (("[1, 2], [3, 4]", "[4, 6]"),),
    ),
    Pattern(
        ("devuelva los elementos comunes a dos listas",),
        ("comunes", "interseccion", "en_ambas"),
        (("a", "lista1"), ("b", "lista2")),
        (
            "    otros = set(Q)\n    return [x for x in P if x in otros]",
            "    resultado = []\n    for x in P:\n        if x in Q:\n            resultado.append(x)\n    return resultado",
        ),
        "Se deja cada elemento de la primera que está en la segunda",
        (("[1, 2, 3], [3, 1]", "[1, 3]"),),
    ),
    Pattern(
        ("devuelva los elementos de la primera lista que no están en la segunda",),
        ("diferencia", "solo_primera", "faltan"),
        (("a", "lista1"), ("b", "lista2")),
        ("    return [x for x in P if x not in Q]",),
        "Se descarta lo que aparece en la segunda lista",
        (("[1, 2, 3], [3]", "[1, 2]"),),
    ),
    Pattern(
        ("calcule el producto de los elementos", "multiplique todos los valores"),
        ("producto", "multiplicar_todo"),
        (LISTS,),
        ("    resultado = 1\n    for x in P:\n        resultado *= x\n    return resultado",),
        "El producto empieza en 1",
        (("[2, 3, 4]", "24"), ("[]", "1")),
    ),
    Pattern(
        ("cuente las letras de un texto sin los espacios",),
        ("contar_letras", "letras"),
        (TEXTS,),
        (
            "    total = 0\n    for c in P:\n        if c != ' ':\n            total += 1\n    return total",
            "    return len(P.replace(' ', ''))",
        ),
        "El espacio no se cuenta",
        (("'a bc'", "3"),),
    ),
    Pattern(
        ("cuente las palabras de un texto", "diga cuántas palabras hay"),
        ("contar_palabras", "cuantas_palabras"),
        (TEXTS,),
        ("    return len(P.split())",),
        "split corta el texto en los espacios",
        (("'hola que tal'", "3"),),
    ),
    Pattern(
        ("devuelva las iniciales de cada palabra",),
        ("iniciales", "siglas"),
        (TEXTS,),
        ("    return ''.join(p[0] for p in P.split())",),
        "Se toma la primera letra de cada palabra",
        (("'sol mar'", "'sm'"),),
    ),
    Pattern(
        ("quite los espacios de un texto",),
        ("sin_espacios", "compactar"),
        (TEXTS,),
        (
            "    return P.replace(' ', '')",
            "    resultado = ''\n    for c in P:\n        if c != ' ':\n            resultado += c\n    return resultado",
        ),
        "Se copian los caracteres que no son espacio",
        (("'a b'", "'ab'"),),
    ),
    Pattern(
        ("repita un texto varias veces",),
        ("repetir", "copias"),
        (TEXTS, ("veces", "n", "k")),
        ("    return P * Q",),
        "El operador * repite una cadena",
        (("'ab', 2", "'abab'"),),
    ),
    Pattern(
        ("cuente las veces que aparece una letra",),
        ("contar_letra", "veces_letra"),
        (TEXTS, ("letra", "c")),
        ("    total = 0\n    for x in P:\n        if x == Q:\n            total += 1\n    return total", "    return P.count(Q)"),
        "Se compara cada carácter con la letra",
        (("'banana', 'a'", "3"),),
    ),
    Pattern(
        ("diga si dos palabras tienen las mismas letras", "diga si dos palabras son anagramas"),
        ("son_anagramas", "mismas_letras"),
        (("a", "palabra1"), ("b", "palabra2")),
        ("    return sorted(P) == sorted(Q)",),
        "Al ordenar las letras, dos anagramas quedan iguales",
        (("'amor', 'roma'", "True"), ("'sol', 'mar'", "False")),
        "O(n log n)",
    ),
    Pattern(
        ("devuelva la palabra más larga",),
        ("mas_larga", "palabra_larga"),
        (WORD_LISTS,),
        (
            "    mejor = P[0]\n    for p in P:\n        if len(p) > len(mejor):\n            mejor = p\n    return mejor",
            "    return max(P, key=len)",
        ),
        "Se compara el largo de cada palabra",
        (("['sol', 'camino', 'mar']", "'camino'"),),
    ),
    Pattern(
        ("devuelva las palabras con más de K letras",),
        ("palabras_largas", "largas"),
        (WORD_LISTS,),
        ("    return [p for p in P if len(p) > K]",),
        "len da la cantidad de letras",
        (("['sol', 'camino']", "['camino']"),),
    ),
    Pattern(
        ("una las palabras con un guion",),
        ("unir", "con_guiones"),
        (WORD_LISTS,),
        ("    return '-'.join(P)",),
        "join pone el guion entre las palabras",
        (("['a', 'b']", "'a-b'"),),
    ),
    Pattern(
        ("devuelva un diccionario con el largo de cada palabra",),
        ("largos", "largo_por_palabra"),
        (WORD_LISTS,),
        ("    return {p: len(p) for p in P}",),
        "La clave es la palabra y el valor es su largo",
        (("['sol']", "{'sol': 3}"),),
    ),
    Pattern(
        ("agrupe las palabras por su primera letra",),
        ("agrupar", "por_inicial"),
        (WORD_LISTS,),
        ("    grupos = {}\n    for p in P:\n        grupos.setdefault(p[0], []).append(p)\n    return grupos",),
        "Cada letra tiene su lista de palabras",
        (("['sol', 'mar', 'sal']", "{'s': ['sol', 'sal'], 'm': ['mar']}"),),
    ),
    Pattern(
        ("sume los números de 1 a n",),
        ("sumar_hasta", "suma_n", "triangular"),
        (NUMBERS,),
        ("    return P * (P + 1) // 2", "    total = 0\n    for i in range(1, P + 1):\n        total += i\n    return total"),
        "Se suman todos los enteros desde 1",
        (("4", "10"),),
    ),
    Pattern(
        ("devuelva los múltiplos de K hasta n",),
        ("multiplos", "lista_multiplos"),
        (NUMBERS,),
        ("    return list(range(K, P + 1, K))",),
        "range avanza de K en K",
        (("10", "[3, 6, 9]"),),
    ),
    Pattern(
        ("cuente las cifras de un número",),
        ("contar_cifras", "cantidad_digitos", "cifras"),
        (NUMBERS,),
        ("    return len(str(P))",),
        "Se cuentan los caracteres del número escrito",
        (("345", "3"),),
        "O(log n)",
    ),
    Pattern(
        ("calcule el factorial de forma recursiva",),
        ("fact", "factorial_rec", "factorial"),
        (NUMBERS,),
        ("    if P <= 1:\n        return 1\n    return P * F(P - 1)",),
        "El caso base es 1 y cada llamada multiplica por el anterior",
        (("5", "120"),),
    ),
    Pattern(
        ("sume una lista de forma recursiva",),
        ("suma_rec", "suma_recursiva"),
        (LISTS,),
        ("    if not P:\n        return 0\n    return P[0] + F(P[1:])",),
        "El caso base es la lista sin elementos",
        (("[1, 2, 3]", "6"),),
    ),
    Pattern(
        ("cuente hacia atrás desde n y devuelva la lista",),
        ("cuenta_atras", "descender"),
        (NUMBERS,),
        (
            "    return list(range(P, 0, -1))",
            "    resultado = []\n    while P > 0:\n        resultado.append(P)\n        P -= 1\n    return resultado",
        ),
        "El contador baja de uno en uno",
        (("3", "[3, 2, 1]"),),
    ),
    Pattern(
        ("devuelva el valor absoluto",),
        ("absoluto", "sin_signo", "distancia_a_cero"),
        (NUMBERS,),
        ("    if P < 0:\n        return -P\n    return P",),
        "Si el número es negativo se cambia el signo",
        (("-4", "4"),),
        "O(1)",
    ),
    Pattern(
        ("devuelva el mayor de dos números",),
        ("mayor_de_dos", "el_mayor"),
        (("a", "x"), ("b", "y")),
        ("    if P > Q:\n        return P\n    return Q",),
        "Se comparan los dos valores",
        (("3, 8", "8"),),
        "O(1)",
    ),
    Pattern(
        ("diga si un número está entre 0 y K",),
        ("en_rango", "es_valido"),
        (NUMBERS,),
        ("    return 0 <= P <= K",),
        "Python permite encadenar comparaciones",
        (("2", "True"), ("9", "False")),
        "O(1)",
    ),
    Pattern(
        ("aplique un descuento de K por ciento",),
        ("con_descuento", "rebajar", "precio_final"),
        (("precio", "monto", "total"),),
        ("    return P - P * K / 100",),
        "Se resta al precio el K por ciento",
        (("200", "194.0"),),
        "O(1)",
    ),
    Pattern(
        ("convierta horas a minutos",),
        ("a_minutos", "minutos"),
        (("horas", "h"),),
        ("    return P * 60",),
        "Cada hora tiene 60 minutos",
        (("2", "120"),),
        "O(1)",
    ),
    Pattern(
        ("devuelva 'aprobado' si la nota es al menos K y 'reprobado' si no",),
        ("resultado", "estado", "calificar"),
        (("nota", "puntos"),),
        ("    if P >= K:\n        return 'aprobado'\n    return 'reprobado'",),
        "Un if elige entre los dos textos",
        (("5", "'aprobado'"), ("1", "'reprobado'")),
        "O(1)",
    ),
    Pattern(
        ("sume todos los números de una matriz",),
        ("suma_matriz", "total_matriz"),
        (("matriz", "m", "tabla"),),
        (
            "    total = 0\n    for fila in P:\n        for x in fila:\n            total += x\n    return total",
            "    return sum(sum(fila) for fila in P)",
        ),
        "Un ciclo recorre las filas y otro sus elementos",
        (("[[1, 2], [3, 4]]", "10"),),
        "O(filas · columnas)",
    ),
    Pattern(
        ("devuelva la diagonal de una matriz cuadrada",),
        ("diagonal", "sacar_diagonal"),
        (("matriz", "m"),),
        ("    return [P[i][i] for i in range(len(P))]",),
        "En la diagonal la fila y la columna son iguales",
        (("[[1, 2], [3, 4]]", "[1, 4]"),),
    ),
    Pattern(
        ("devuelva la suma de cada fila",),
        ("sumas_por_fila", "total_filas"),
        (("matriz", "m", "tabla"),),
        ("    return [sum(fila) for fila in P]",),
        "Se suma cada fila por separado",
        (("[[1, 2], [3, 4]]", "[3, 7]"),),
        "O(filas · columnas)",
    ),
    Pattern(
        ("aplane una lista de listas",),
        ("aplanar", "juntar"),
        (("listas", "grupos"),),
        ("    resultado = []\n    for grupo in P:\n        for x in grupo:\n            resultado.append(x)\n    return resultado",),
        "Se copian los elementos de cada lista interna",
        (("[[1], [2, 3]]", "[1, 2, 3]"),),
    ),
    Pattern(
        ("ordene una lista de mayor a menor",),
        ("ordenar_desc", "de_mayor_a_menor"),
        (LISTS,),
        ("    return sorted(P, reverse=True)",),
        "sorted con reverse=True ordena al revés",
        (("[1, 3, 2]", "[3, 2, 1]"),),
        "O(n log n)",
    ),
    Pattern(
        ("devuelva los K valores más grandes", "dé los K mayores de la lista"),
        ("los_mejores", "top", "primeros_mayores"),
        (LISTS,),
        ("    return sorted(P, reverse=True)[:K]",),
        "Se ordena de mayor a menor y se cortan los primeros K",
        (("[4, 1, 9, 7]", "[9, 7, 4]"),),
        "O(n log n)",
    ),
    Pattern(
        ("desapile todos los elementos de una pila y los devuelva en orden de salida",),
        ("vaciar_pila", "desapilar_todo"),
        (("pila", "p"),),
        ("    salida = []\n    while P:\n        salida.append(P.pop())\n    return salida",),
        "pop saca siempre el último que entró",
        (("[1, 2, 3]", "[3, 2, 1]"),),
    ),
    Pattern(
        ("atienda una cola y devuelva el orden de atención",),
        ("atender", "vaciar_cola"),
        (("cola", "fila"),),
        ("    orden = []\n    while P:\n        orden.append(P.pop(0))\n    return orden",),
        "pop(0) saca siempre el primero que entró",
        (("[1, 2, 3]", "[1, 2, 3]"),),
        "O(n²)",
    ),
    Pattern(
        ("recorra un grafo en anchura desde un nodo",),
        ("anchura", "bfs", "recorrer_anchura"),
        (("grafo", "g"), ("inicio", "origen")),
        (
            "    visitados = [Q]\n    cola = [Q]\n    while cola:\n        nodo = cola.pop(0)\n"
            "        for vecino in P[nodo]:\n            if vecino not in visitados:\n"
            "                visitados.append(vecino)\n                cola.append(vecino)\n    return visitados",
        ),
        "Una cola guarda los nodos que faltan y los visitados no se repiten",
        (("{1: [2, 3], 2: [4], 3: [], 4: []}, 1", "[1, 2, 3, 4]"),),
        "O(nodos + aristas)",
    ),
    Pattern(
        ("recorra un grafo en profundidad desde un nodo",),
        ("profundidad", "dfs", "recorrer_profundidad"),
        (("grafo", "g"), ("inicio", "origen")),
        (
            "    visitados = []\n    pila = [Q]\n    while pila:\n        nodo = pila.pop()\n"
            "        if nodo not in visitados:\n            visitados.append(nodo)\n"
            "            for vecino in P[nodo]:\n                pila.append(vecino)\n    return visitados",
        ),
        "Una pila hace que se avance por el último vecino",
        (("{1: [2, 3], 2: [4], 3: [], 4: []}, 1", "[1, 3, 2, 4]"),),
        "O(nodos + aristas)",
    ),
    Pattern(
        ("sume los valores de un árbol de tuplas (izquierdo, valor, derecho)",),
        ("suma_arbol", "total_arbol"),
        (("nodo", "arbol"),),
        ("    if P is None:\n        return 0\n    izq, valor, der = P\n    return F(izq) + valor + F(der)",),
        "El árbol vacío suma 0 y cada nodo suma sus dos lados",
        (("((None, 2, None), 1, (None, 3, None))", "6"),),
    ),
    Pattern(
        ("calcule la altura de un árbol de tuplas (izquierdo, valor, derecho)",),
        ("altura", "alto_arbol"),
        (("nodo", "arbol"),),
        ("    if P is None:\n        return 0\n    return 1 + max(F(P[0]), F(P[2]))",),
        "La altura es uno más que la del lado más alto",
        (("((None, 2, None), 1, None)", "2"),),
    ),
    Pattern(
        ("recorra un árbol de tuplas (izquierdo, valor, derecho) en orden",),
        ("en_orden", "inorden"),
        (("nodo", "arbol"),),
        ("    if P is None:\n        return []\n    return F(P[0]) + [P[1]] + F(P[2])",),
        "Primero el lado izquierdo, después el valor y al final el derecho",
        (("((None, 2, None), 1, (None, 3, None))", "[2, 1, 3]"),),
    ),
    Pattern(
        ("ordene una lista con quicksort",),
        ("quicksort", "ordenar_rapido"),
        (LISTS,),
        (
            "    if len(P) <= 1:\n        return P\n    pivote = P[0]\n"
            "    menores = [x for x in P[1:] if x < pivote]\n    mayores = [x for x in P[1:] if x >= pivote]\n"
            "    return F(menores) + [pivote] + F(mayores)",
        ),
        "El pivote separa los menores de los mayores",
        (("[3, 1, 2]", "[1, 2, 3]"),),
        "O(n log n) en promedio",
    ),
    Pattern(
        ("calcule Fibonacci guardando lo ya calculado",),
        ("fib", "fibonacci_memo"),
        (NUMBERS, ("memo", "guardado")),
        ("    if P < 2:\n        return P\n    if P not in Q:\n        Q[P] = F(P - 1, Q) + F(P - 2, Q)\n    return Q[P]",),
        "El diccionario evita repetir cálculos",
        (("10, {}", "55"),),
    ),
    Pattern(
        ("diga si dos números de una lista ordenada suman un objetivo",),
        ("hay_par", "dos_suman"),
        (LISTS, ("objetivo", "meta")),
        (
            "    i, j = 0, len(P) - 1\n    while i < j:\n        suma = P[i] + P[j]\n        if suma == Q:\n"
            "            return True\n        if suma < Q:\n            i += 1\n        else:\n"
            "            j -= 1\n    return False",
        ),
        "Un índice avanza desde el inicio y otro retrocede desde el final",
        (("[1, 3, 5], 8", "True"), ("[1, 3], 9", "False")),
    ),
    Pattern(
        ("devuelva el segundo valor más grande",),
        ("segundo_mayor", "segundo"),
        (LISTS,),
        ("    return sorted(set(P))[-2]",),
        "set quita los repetidos y sorted ordena",
        (("[4, 9, 9, 1]", "4"),),
        "O(n log n)",
    ),
    Pattern(
        ("parta una lista en dos mitades",),
        ("partir", "mitades", "dividir"),
        (LISTS,),
        ("    medio = len(P) // 2\n    return P[:medio], P[medio:]",),
        "El corte separa en la posición del medio",
        (("[1, 2, 3, 4]", "([1, 2], [3, 4])"),),
    ),
    Pattern(
        ("cambie de lugar el primero y el último",),
        ("intercambiar_extremos", "cambiar_extremos"),
        (LISTS,),
        ("    P[0], P[-1] = P[-1], P[0]\n    return P",),
        "La asignación doble intercambia los dos valores",
        (("[1, 2, 3]", "[3, 2, 1]"),),
        "O(1)",
    ),
    Pattern(
        ("devuelva las claves con valor mayor que K de un diccionario",),
        ("claves_altas", "filtrar_claves"),
        (("d", "diccionario", "puntajes"),),
        ("    return [clave for clave, valor in P.items() if valor > K]",),
        "items da cada clave con su valor",
        (("{'a': 1, 'b': 9}", "['b']"),),
    ),
    Pattern(
        ("sume los valores de un diccionario",),
        ("suma_valores", "total_valores"),
        (("d", "diccionario", "precios"),),
        ("    return sum(P.values())",),
        "values da los valores sin las claves",
        (("{'a': 1, 'b': 2}", "3"),),
    ),
)


def function_exchange(rng: Random) -> list[Exchange]:
    """A function to order, perhaps followed by a call, a cost, a change of name or an explanation."""
    pattern = rng.choice(PATTERNS)
    k = rng.randrange(2, 60)
    name, parameters, code = written(rng, pattern, k)
    wish = rng.choice(pattern.wishes).replace("K", str(k))
    signature = f"{name}({', '.join(parameters)})"
    question = rng.choice(
        (
            f"Escribe la función {signature} que {wish}.",
            f"Escribe {signature}: una función que {wish}.",
            f"Haz una función {signature} que {wish}.",
            f"Necesito {signature} que {wish}.",
            f"Programa {signature}, que {wish}.",
            f"¿Cómo escribo {signature} para que {wish}?",
            f"Escribe una función llamada {name} que {wish}.",
            f"Quiero una función de Python que {wish}. Llámala {name}.",
            f"Me piden {signature}: que {wish}.",
            f"Ayúdame con {signature}, tiene que ser una función que {wish}.",
            f"como hago {signature} que {wish}",
            f"Dame el código de {name}, una función que {wish}.",
        )
    )
    why = pattern.why.replace("K", str(k))
    closing = rng.choice((f"{why}.", f"{why}.", f"{why}. Cuesta {pattern.cost}.", f"{why}. El tiempo es {pattern.cost}."))
    block = f"```python\n{code}\n```"
    answer = rng.choice((f"{block}\n{closing}", f"{block}\n\n{closing}", f"{closing}\n\n{block}", f"{why}:\n{block}"))
    exchanges = [Exchange(ask(rng, question), answer)]
    draw = rng.random()
    if draw < 0.08:
        exchanges.append(
            Exchange(
                rng.choice(("¿Cuál es su complejidad?", "¿Cuánto tarda?", "¿Qué costo tiene?")), f"El tiempo de {name} es {pattern.cost}."
            )
        )
    elif draw < 0.16:
        other = rng.choice([n for n in (*pattern.names, "mi_funcion", "calcular", "resolver") if n != name])
        changed = written(rng, pattern, k, other, parameters)[2]
        exchanges.append(Exchange(f"Cámbiale el nombre a {other}.", f"```python\n{changed}\n```"))
    elif draw < 0.22:
        call, result = rng.choice(pattern.checks)
        if "K" not in f"{pattern.bodies}":
            exchanges.append(
                Exchange(rng.choice(("¿Cómo la pruebo?", "Dame un ejemplo.")), f"```python\nprint({name}({call}))\n```\nMuestra {result}.")
            )
    return exchanges


def written(rng: Random, pattern: Pattern, k: int, name: str = "", parameters: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...], str]:
    """Name, parameters and code of a pattern under drawn (or given) names."""
    name = name or rng.choice(pattern.names) + rng.choice(("", "", "", "_2", f"_{rng.choice('abcxyz')}", f"_{rng.choice(LISTS)}"))
    while not parameters or len(set(parameters)) < len(parameters):
        parameters = tuple(rng.choice(names) for names in pattern.parameters)
    body = rng.choice(pattern.bodies)
    # names that the bodies use themselves must not be parameters; single capitals are never words of a body
    clash = {"x": "e", "y": "e", "total": "suma", "k": "k", "c": "letra_actual", "p": "q", "resultado": "salida"}
    for used, other in clash.items():
        if used in parameters and used in pattern_words(body):
            body = _renamed(body, used, other)
    for letter, new in zip("PQ", parameters, strict=False):
        body = _renamed(body, letter, new)
    body = _renamed(_renamed(body, "F", name), "K", str(k))
    return name, parameters, f"def {name}({', '.join(parameters)}):\n{body}"


def pattern_words(body: str) -> set[str]:
    """The identifiers of a body."""
    return set("".join(c if c.isalnum() or c == "_" else " " for c in body).split())


def complexity_exchange(rng: Random) -> list[Exchange]:
    """The order of growth of a loop, with its reason."""
    n, i, j = rng.choice(("n", "m")), rng.choice(("i", "a")), rng.choice(("j", "b"))
    k = rng.randrange(2, 20)
    code, cost, why = rng.choice(
        (
            (f"for {i} in range({n}):\n    print({i})", "O(n)", f"el ciclo da {n} vueltas y cada vuelta cuesta lo mismo"),
            (
                f"for {i} in range({n}):\n    for {j} in range({n}):\n        print({i}, {j})",
                "O(n²)",
                f"por cada una de las {n} vueltas de afuera hay {n} de adentro",
            ),
            (f"{i} = {n}\nwhile {i} > 1:\n    {i} = {i} // 2", "O(log n)", f"{i} se parte a la mitad en cada vuelta"),
            (f"for {i} in range({k}):\n    print({i})", "O(1)", f"siempre da {k} vueltas, sin importar {n}"),
            (
                f"for {i} in range({n}):\n    print({i})\nfor {j} in range({n}):\n    print({j})",
                "O(n)",
                "los dos ciclos van uno después del otro y se suman",
            ),
            (
                f"for {i} in range({n}):\n    for {j} in range({k}):\n        print({j})",
                "O(n)",
                f"el ciclo de adentro siempre da {k} vueltas",
            ),
            (f"lista.sort()\nfor {i} in lista:\n    print({i})", "O(n log n)", "ordenar cuesta O(n log n) y recorrer solo O(n)"),
            (f"for {i} in lista:\n    if {i} == {k}:\n        break", "O(n)", "en el peor caso se recorre toda la lista"),
            (f"print(lista[{k}])", "O(1)", "el acceso por índice no depende del tamaño"),
            (f"if {k} in conjunto:\n    print('sí')", "O(1) en promedio", "un conjunto busca por su tabla hash"),
        )
    )
    question = rng.choice(
        (
            "¿Qué complejidad tiene este código?",
            "¿Cuál es el orden de este código?",
            "¿Cuánto cuesta en notación O?",
            "complejidad de esto:",
        )
    )
    return [
        Exchange(
            f"{question}\n```python\n{code}\n```",
            rng.choice(
                (f"Es {cost}, porque {why}.", f"La complejidad es {cost}: {why}.", f"{why[0].upper()}{why[1:]}. Por eso es {cost}.")
            ),
        )
    ]


def _renamed(body: str, old: str, new: str) -> str:
    """Replace whole identifiers only."""
    parts, word = [], ""
    for c in body + "\0":
        if c.isalnum() or c == "_":
            word += c
        else:
            parts.append(new if word == old else word)
            parts.append(c)
            word = ""
    return "".join(parts)[:-1]
