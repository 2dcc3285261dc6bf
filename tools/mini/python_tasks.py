"""Small Python functions with an explanation, and snippets whose output is computed by running them.

Knows Python. Deliberately knows nothing of chat formats. Every function carries a call and its result: a test runs them.
"""

import contextlib
import io
from dataclasses import dataclass
from random import Random

from .exchange import Exchange, ask


@dataclass(frozen=True)
class Task:
    """A function to write."""

    wish: str
    """what the function does, as the end of 'una función que ...'"""
    name: str
    """its name"""
    parameters: str
    """its parameters"""
    bodies: tuple[str, ...]
    """interchangeable bodies, each indented by four spaces"""
    explanation: str
    """how it works, one or two sentences"""
    call: str
    """arguments of an example call"""
    result: str
    """repr of what the example call returns"""


TASKS: tuple[Task, ...] = (
    Task("sume dos números", "sumar", "a, b", ("    return a + b",), "Recibe dos números y devuelve su suma.", "2, 3", "5"),
    Task(
        "devuelva el doble de un número",
        "doble",
        "n",
        ("    return 2 * n", "    return n * 2", "    return n + n"),
        "Multiplica el número por 2.",
        "7",
        "14",
    ),
    Task(
        "diga si un número es par",
        "es_par",
        "n",
        ("    return n % 2 == 0", "    if n % 2 == 0:\n        return True\n    return False"),
        "Un número es par cuando el resto de dividirlo entre 2 es 0.",
        "8",
        "True",
    ),
    Task(
        "diga si un número es impar",
        "es_impar",
        "n",
        ("    return n % 2 != 0", "    return n % 2 == 1"),
        "El operador % da el resto: si no es 0, el número es impar.",
        "8",
        "False",
    ),
    Task(
        "calcule el factorial de un número",
        "factorial",
        "n",
        (
            "    resultado = 1\n    for i in range(2, n + 1):\n        resultado *= i\n    return resultado",
            "    if n == 0:\n        return 1\n    return n * factorial(n - 1)",
        ),
        "Multiplica todos los enteros desde 1 hasta n.",
        "5",
        "120",
    ),
    Task(
        "calcule el n-ésimo número de Fibonacci",
        "fibonacci",
        "n",
        (
            "    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
            "    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)",
        ),
        "Cada número es la suma de los dos anteriores, empezando por 0 y 1.",
        "7",
        "13",
    ),
    Task(
        "diga si un número es primo",
        "es_primo",
        "n",
        (
            "    if n < 2:\n        return False\n    for d in range(2, int(n ** 0.5) + 1):\n    "
            "    if n % d == 0:\n            return False\n    return True",
        ),
        "Prueba divisores hasta la raíz cuadrada; si alguno divide exacto, no es primo.",
        "13",
        "True",
    ),
    Task(
        "sume los elementos de una lista",
        "suma_lista",
        "numeros",
        ("    total = 0\n    for n in numeros:\n        total += n\n    return total", "    return sum(numeros)"),
        "Recorre la lista y acumula cada valor en total.",
        "[1, 2, 3]",
        "6",
    ),
    Task(
        "devuelva el mayor de una lista",
        "maximo",
        "numeros",
        (
            "    mayor = numeros[0]\n    for n in numeros:\n        if n > mayor:\n            mayor = n\n    return mayor",
            "    return max(numeros)",
        ),
        "Guarda el mayor valor visto hasta el momento.",
        "[4, 9, 2]",
        "9",
    ),
    Task(
        "devuelva el menor de una lista",
        "minimo",
        "numeros",
        (
            "    menor = numeros[0]\n    for n in numeros:\n        if n < menor:\n            menor = n\n    return menor",
            "    return min(numeros)",
        ),
        "Compara cada elemento con el menor encontrado.",
        "[4, 9, 2]",
        "2",
    ),
    Task(
        "calcule el promedio de una lista",
        "promedio",
        "numeros",
        (
            "    return sum(numeros) / len(numeros)",
            "    total = 0\n    for n in numeros:\n        total += n\n    return total / len(numeros)",
        ),
        "Divide la suma entre la cantidad de elementos.",
        "[4, 6, 8]",
        "6.0",
    ),
    Task(
        "invierta una cadena",
        "invertir",
        "texto",
        (
            "    return texto[::-1]",
            "    resultado = ''\n    for letra in texto:\n        resultado = letra + resultado\n    return resultado",
        ),
        "El corte [::-1] recorre el texto de atrás hacia adelante.",
        "'hola'",
        "'aloh'",
    ),
    Task(
        "cuente las vocales de un texto",
        "contar_vocales",
        "texto",
        (
            "    total = 0\n    for letra in texto.lower():\n        if letra in 'aeiou':\n            total += 1\n    return total",
            "    return sum(1 for letra in texto.lower() if letra in 'aeiou')",
        ),
        "Revisa cada letra y suma uno cuando es una vocal.",
        "'computadora'",
        "5",
    ),
    Task(
        "diga si una palabra es palíndromo",
        "es_palindromo",
        "palabra",
        ("    return palabra == palabra[::-1]", "    palabra = palabra.lower()\n    return palabra == palabra[::-1]"),
        "Compara la palabra con su versión invertida.",
        "'reconocer'",
        "True",
    ),
    Task(
        "cuente cuántas veces aparece cada palabra",
        "contar_palabras",
        "texto",
        ("    cuenta = {}\n    for palabra in texto.split():\n        cuenta[palabra] = cuenta.get(palabra, 0) + 1\n    return cuenta",),
        "Usa un diccionario: la clave es la palabra y el valor es cuántas veces apareció.",
        "'a b a'",
        "{'a': 2, 'b': 1}",
    ),
    Task(
        "quite los elementos repetidos de una lista",
        "sin_repetidos",
        "lista",
        ("    vistos = []\n    for x in lista:\n        if x not in vistos:\n            vistos.append(x)\n    return vistos",),
        "Agrega cada elemento solo si todavía no estaba.",
        "[1, 2, 1, 3]",
        "[1, 2, 3]",
    ),
    Task(
        "devuelva los números pares de una lista",
        "pares",
        "numeros",
        (
            "    return [n for n in numeros if n % 2 == 0]",
            "    resultado = []\n    for n in numeros:\n        if n % 2 == 0:\n            resultado.append(n)\n    return resultado",
        ),
        "Filtra la lista y deja los que tienen resto 0 al dividir entre 2.",
        "[1, 2, 3, 4]",
        "[2, 4]",
    ),
    Task(
        "eleve al cuadrado cada elemento de una lista",
        "cuadrados",
        "numeros",
        ("    return [n * n for n in numeros]", "    return [n ** 2 for n in numeros]"),
        "Crea una lista nueva con cada número multiplicado por sí mismo.",
        "[1, 2, 3]",
        "[1, 4, 9]",
    ),
    Task(
        "busque un elemento y devuelva su índice",
        "buscar",
        "lista, x",
        (
            "    for i, valor in enumerate(lista):\n        if valor == x:\n            return i\n    return -1",
            "    for i in range(len(lista)):\n        if lista[i] == x:\n            return i\n    return -1",
        ),
        "Recorre la lista y devuelve la posición; si no está, devuelve -1.",
        "[5, 8, 2], 8",
        "1",
    ),
    Task(
        "haga búsqueda binaria en una lista ordenada",
        "busqueda_binaria",
        "lista, x",
        (
            "    izq, der = 0, len(lista) - 1\n    while izq <= der:\n        medio = (izq + der) "
            "// 2\n        if lista[medio] == x:\n            return medio\n        if lista[medio] "
            "< x:\n            izq = medio + 1\n        else:\n            der = medio - 1\n    return -1",
        ),
        "Mira el elemento del medio y descarta la mitad donde no puede estar.",
        "[1, 3, 5, 7], 5",
        "2",
    ),
    Task(
        "ordene una lista con burbuja",
        "burbuja",
        "lista",
        (
            "    n = len(lista)\n    for i in range(n):\n        for j in range(n - 1 - i):\n    "
            "        if lista[j] > lista[j + 1]:\n                lista[j], lista[j + 1] = lista[j "
            "+ 1], lista[j]\n    return lista",
        ),
        "Intercambia vecinos desordenados; en cada pasada el mayor llega al final.",
        "[3, 1, 2]",
        "[1, 2, 3]",
    ),
    Task(
        "ordene una lista por inserción",
        "insercion",
        "lista",
        (
            "    for i in range(1, len(lista)):\n        valor = lista[i]\n        j = i - 1\n   "
            "     while j >= 0 and lista[j] > valor:\n            lista[j + 1] = lista[j]\n      "
            "      j -= 1\n        lista[j + 1] = valor\n    return lista",
        ),
        "Toma cada valor y lo coloca en su lugar entre los anteriores.",
        "[3, 1, 2]",
        "[1, 2, 3]",
    ),
    Task(
        "calcule el máximo común divisor",
        "mcd",
        "a, b",
        ("    while b:\n        a, b = b, a % b\n    return a", "    if b == 0:\n        return a\n    return mcd(b, a % b)"),
        "Aplica el algoritmo de Euclides: cambia (a, b) por (b, a % b) hasta que b es 0.",
        "12, 18",
        "6",
    ),
    Task(
        "calcule el mínimo común múltiplo",
        "mcm",
        "a, b",
        ("    x, y = a, b\n    while y:\n        x, y = y, x % y\n    return a * b // x",),
        "Divide el producto entre el máximo común divisor.",
        "4, 6",
        "12",
    ),
    Task(
        "sume los dígitos de un número",
        "suma_digitos",
        "n",
        (
            "    total = 0\n    while n > 0:\n        total += n % 10\n        n //= 10\n    return total",
            "    return sum(int(d) for d in str(n))",
        ),
        "Toma el último dígito con % 10 y lo quita con // 10.",
        "345",
        "12",
    ),
    Task(
        "calcule una potencia",
        "potencia",
        "base, exponente",
        (
            "    resultado = 1\n    for _ in range(exponente):\n        resultado *= base\n    return resultado",
            "    return base ** exponente",
        ),
        "Multiplica la base tantas veces como indica el exponente.",
        "2, 5",
        "32",
    ),
    Task(
        "convierta grados Celsius a Fahrenheit",
        "a_fahrenheit",
        "c",
        ("    return c * 9 / 5 + 32",),
        "Aplica la fórmula F = C × 9/5 + 32.",
        "100",
        "212.0",
    ),
    Task(
        "calcule el área de un rectángulo",
        "area",
        "base, altura",
        ("    return base * altura",),
        "El área es base por altura.",
        "3, 4",
        "12",
    ),
    Task(
        "diga si un año es bisiesto",
        "es_bisiesto",
        "anio",
        ("    return anio % 4 == 0 and (anio % 100 != 0 or anio % 400 == 0)",),
        "Es bisiesto si es múltiplo de 4 y no de 100, salvo que sea múltiplo de 400.",
        "2024",
        "True",
    ),
    Task("una dos listas", "unir", "a, b", ("    return a + b",), "El operador + concatena listas.", "[1], [2]", "[1, 2]"),
    Task(
        "cuente cuántas veces está un valor en una lista",
        "contar",
        "lista, x",
        (
            "    total = 0\n    for valor in lista:\n        if valor == x:\n            total += 1\n    return total",
            "    return lista.count(x)",
        ),
        "Suma uno cada vez que el valor coincide.",
        "[1, 2, 1], 1",
        "2",
    ),
    Task(
        "devuelva el valor absoluto de un número",
        "absoluto",
        "n",
        ("    if n < 0:\n        return -n\n    return n", "    return n if n >= 0 else -n"),
        "Si el número es negativo le cambia el signo.",
        "-5",
        "5",
    ),
    Task(
        "salude a una persona",
        "saludar",
        "nombre",
        ("    return 'Hola, ' + nombre", "    return f'Hola, {nombre}'"),
        "Une el saludo con el nombre recibido.",
        "'Ana'",
        "'Hola, Ana'",
    ),
    Task(
        "devuelva la palabra más larga de una lista",
        "mas_larga",
        "palabras",
        (
            "    return max(palabras, key=len)",
            "    larga = palabras[0]\n    for p in palabras:\n        if len(p) > len(larga):\n            larga = p\n    return larga",
        ),
        "Compara la longitud de cada palabra con len.",
        "['sol', 'luna']",
        "'luna'",
    ),
    Task(
        "revise si los paréntesis están balanceados",
        "balanceados",
        "texto",
        (
            "    pila = []\n    for c in texto:\n        if c == '(':\n            pila.append(c)\n"
            "        elif c == ')':\n            if not pila:\n                return False\n    "
            "        pila.pop()\n    return not pila",
        ),
        "Apila cada paréntesis que abre y desapila con cada uno que cierra; al final la pila debe quedar vacía.",
        "'(a)(b)'",
        "True",
    ),
    Task(
        "mezcle dos listas ordenadas",
        "mezclar",
        "a, b",
        (
            "    resultado = []\n    i = j = 0\n    while i < len(a) and j < len(b):\n        if "
            "a[i] <= b[j]:\n            resultado.append(a[i])\n            i += 1\n        else:\n"
            "            resultado.append(b[j])\n            j += 1\n    return resultado + a[i:] + b[j:]",
        ),
        "Compara los primeros de cada lista y toma el menor.",
        "[1, 4], [2, 3]",
        "[1, 2, 3, 4]",
    ),
    Task(
        "sume los números del 1 al n",
        "suma_hasta",
        "n",
        ("    return n * (n + 1) // 2", "    total = 0\n    for i in range(1, n + 1):\n        total += i\n    return total"),
        "La suma de 1 a n es n(n + 1)/2.",
        "10",
        "55",
    ),
    Task(
        "pase un número a binario",
        "a_binario",
        "n",
        (
            "    if n == 0:\n        return '0'\n    bits = ''\n    while n > 0:\n        bits = "
            "str(n % 2) + bits\n        n //= 2\n    return bits",
            "    return bin(n)[2:]",
        ),
        "Divide entre 2 y guarda los restos.",
        "6",
        "'110'",
    ),
    Task(
        "devuelva los divisores de un número",
        "divisores",
        "n",
        ("    return [d for d in range(1, n + 1) if n % d == 0]",),
        "Prueba cada número desde 1 hasta n.",
        "6",
        "[1, 2, 3, 6]",
    ),
    Task(
        "intercambie dos valores",
        "intercambiar",
        "a, b",
        ("    return b, a",),
        "Devuelve los valores en el orden contrario.",
        "1, 2",
        "(2, 1)",
    ),
)


def write_function(rng: Random) -> list[Exchange]:
    """A function with its explanation, sometimes followed by how to call it."""
    task = rng.choice(TASKS)
    code = f"def {task.name}({task.parameters}):\n{rng.choice(task.bodies)}"
    question = rng.choice(
        (
            f"Escribe una función que {task.wish}.",
            f"¿Cómo hago una función en Python que {task.wish}?",
            f"Necesito una función que {task.wish}.",
            f"Dame código Python que {task.wish}.",
            f"Haz una función llamada {task.name} que {task.wish}.",
            f"Programa una función que {task.wish}.",
            f"¿Me ayudas con una función que {task.wish}?",
            f"función de Python que {task.wish}",
        )
    )
    example = f" Por ejemplo, `{task.name}({task.call})` devuelve `{task.result}`." if rng.random() < 0.5 else ""
    lead = rng.choice(("", "Aquí está:\n", "Se puede hacer así:\n", "Una forma es:\n", "Claro:\n"))
    exchanges = [Exchange(ask(rng, question), f"{lead}```python\n{code}\n```\n{task.explanation}{example}")]
    if rng.random() < 0.25:
        exchanges.append(
            Exchange(
                rng.choice(("¿Cómo la llamo?", "¿Me das un ejemplo de uso?", "¿Cómo la pruebo?")),
                f"Así:\n```python\nprint({task.name}({task.call}))\n```\nMuestra {_printed(task.result)}.",
            )
        )
    if rng.random() < 0.2:
        exchanges.append(Exchange(rng.choice(("¿Cómo funciona?", "Explícame el código.", "No entendí el código.")), task.explanation))
    return exchanges


def predict_output(rng: Random) -> list[Exchange]:
    """What a snippet prints, computed by running it."""
    a, b, n = rng.randrange(1, 12), rng.randrange(2, 9), rng.randrange(2, 6)
    word = rng.choice(("sol", "luna", "python", "mesa", "árbol", "dato"))
    numbers = [rng.randrange(1, 20) for _ in range(n)]
    name = rng.choice(("x", "n", "valor", "total", "r"))
    code, why = rng.choice(
        (
            (f"{name} = {a}\n{name} = {name} + {b}\nprint({name})", f"{name} empieza en {a} y se le suma {b}"),
            (f"for i in range({n}):\n    print(i)", f"range({n}) va de 0 a {n - 1}"),
            (f"{name} = 0\nfor i in range(1, {n + 1}):\n    {name} += i\nprint({name})", f"se suman los números de 1 a {n}"),
            (f"lista = {numbers}\nprint(len(lista))", f"len cuenta los elementos y hay {n}"),
            (f"lista = {numbers}\nprint(lista[0], lista[-1])", "el índice 0 es el primero y -1 es el último"),
            (f"print('{word}'[::-1])", "[::-1] invierte la cadena"),
            (f"print(len('{word}'))", f"la palabra tiene {len(word)} letras"),
            (f"print({a} // {b}, {a} % {b})", "// da el cociente entero y % da el resto"),
            (f"print({a} > {b})", f"se compara si {a} es mayor que {b}"),
            (f"def f(x):\n    return x * {b}\n\nprint(f({a}))", f"la función multiplica su argumento por {b}"),
            (f"lista = {numbers}\nlista.append({a})\nprint(lista)", f"append agrega {a} al final"),
            (f"print([i * {b} for i in range({n})])", f"la comprensión multiplica por {b} cada número de 0 a {n - 1}"),
            (f"{name} = {a}\nif {name} > {b}:\n    print('mayor')\nelse:\n    print('no mayor')", f"se compara {a} con {b}"),
            (f"print('{word}'.upper())", "upper pasa el texto a mayúsculas"),
            (f"print({b} ** {min(n, 3)})", "** es la potencia"),
            (f"lista = {numbers}\nprint(sorted(lista))", "sorted devuelve la lista de menor a mayor"),
            (f"lista = {numbers}\nprint(sum(lista))", "sum suma los elementos"),
            (f"d = {{'a': {a}, 'b': {b}}}\nprint(d['b'])", "se busca el valor de la clave 'b'"),
        )
    )
    printed = run(code)
    question = rng.choice(
        ("¿Qué imprime este código?", "¿Qué muestra este programa?", "¿Cuál es la salida?", "Dime qué imprime:", "¿Qué sale en pantalla?")
    )
    shown = printed if "\n" not in printed else ", ".join(printed.split("\n")) + ", cada valor en su línea"
    return [
        Exchange(
            f"{question}\n```python\n{code}\n```",
            rng.choice((f"Imprime {shown}, porque {why}.", f"La salida es {shown}: {why}.", f"Muestra {shown}. La razón: {why}.")),
        )
    ]


BUGS: tuple[tuple[str, str, str], ...] = (
    ("if x = 5:\n    print(x)", "if x == 5:\n    print(x)", "Para comparar se usan dos iguales; uno solo asigna."),
    ("for i in range(3)\n    print(i)", "for i in range(3):\n    print(i)", "Faltan los dos puntos al final de la línea del for."),
    ("def f(x):\nreturn x + 1", "def f(x):\n    return x + 1", "El cuerpo de la función debe ir indentado."),
    ("print('hola'", "print('hola')", "Falta cerrar el paréntesis."),
    ("x = '5'\nprint(x + 1)", "x = '5'\nprint(int(x) + 1)", "No se puede sumar texto con un número; hay que convertir con int."),
    ("lista = [1, 2, 3]\nprint(lista[3])", "lista = [1, 2, 3]\nprint(lista[2])", "Los índices van de 0 a 2; el 3 está fuera de la lista."),
    ("def suma(a, b):\n    a + b", "def suma(a, b):\n    return a + b", "La función calcula pero no devuelve nada: falta return."),
    ("while n > 0:\n    print(n)", "while n > 0:\n    print(n)\n    n -= 1", "El ciclo es infinito porque n nunca cambia."),
    ("Print('hola')", "print('hola')", "Python distingue mayúsculas: la función se llama print."),
    ("d = {'a': 1}\nprint(d['b'])", "d = {'a': 1}\nprint(d.get('b'))", "La clave 'b' no existe y da KeyError; con get se obtiene None."),
)


def find_bug(rng: Random) -> list[Exchange]:
    """A broken snippet, its correction and the reason."""
    broken, fixed, reason = rng.choice(BUGS)
    question = rng.choice(
        (
            "¿Por qué falla este código?",
            "¿Qué error tiene esto?",
            "Mi código no funciona, ¿qué está mal?",
            "Ayúdame a corregir:",
            "Me da error:",
        )
    )
    return [
        Exchange(
            f"{question}\n```python\n{broken}\n```",
            f"{reason}{rng.choice((' Corregido:', ' Debe quedar así:', ' La versión correcta es:'))}\n```python\n{fixed}\n```",
        )
    ]


def run(code: str) -> str:
    """What a snippet of this module prints."""
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        exec(code, {})  # only the fixed snippets above come here
    return screen.getvalue().rstrip("\n")


def _printed(literal: str) -> str:
    return literal.strip("'")


def python_exchange(rng: Random) -> list[Exchange]:
    """One of the three kinds."""
    return rng.choice((write_function, write_function, write_function, predict_output, predict_output, find_bug))(rng)
