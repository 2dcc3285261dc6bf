"""Small algorithms followed by hand: sorting, searching, stacks, queues, trees, graphs, numeral systems.

Knows the algorithms and runs them to write the trace. Deliberately knows nothing of chat formats.
"""

from collections import deque
from collections.abc import Callable
from random import Random

from .exchange import Exchange, ask, close, listed, python_list


def _numbers(rng: Random, low: int = 3, high: int = 6) -> list[int]:
    return rng.sample(range(1, 60), rng.randrange(low, high))


def bubble_sort(rng: Random) -> Exchange:
    """Each pass of bubble sort."""
    numbers = _numbers(rng)
    question = rng.choice(
        (
            f"Ordena {python_list(numbers)} con burbuja.",
            f"Muéstrame el ordenamiento burbuja con {python_list(numbers)}.",
            f"¿Cómo queda {python_list(numbers)} en cada pasada de burbuja?",
        )
    )
    work, passes = list(numbers), []
    while True:
        swapped = False
        for i in range(len(work) - 1 - len(passes)):
            if work[i] > work[i + 1]:
                work[i], work[i + 1] = work[i + 1], work[i]
                swapped = True
        if not swapped:
            break
        passes.append(python_list(work))
    text = ". ".join(f"Pasada {k}: {p}" for k, p in enumerate(passes, 1))
    answer = (
        f"{text}. Ya está ordenada: {python_list(work)}."
        if passes
        else f"La lista {python_list(work)} ya está ordenada, no hay intercambios."
    )
    return Exchange(ask(rng, question), answer)


def insertion_sort(rng: Random) -> Exchange:
    """The list after each insertion."""
    numbers = _numbers(rng)
    work, steps = list(numbers), []
    for i in range(1, len(work)):
        value = work.pop(i)
        j = i
        while j and work[j - 1] > value:
            j -= 1
        work.insert(j, value)
        steps.append(f"al insertar {value}: {python_list(work)}")
    question = rng.choice(
        (f"Ordena {python_list(numbers)} por inserción.", f"Aplica el ordenamiento por inserción a {python_list(numbers)}.")
    )
    return Exchange(ask(rng, question), f"Empezamos con {numbers[0]}; {'; '.join(steps)}. La lista final es {python_list(work)}.")


def selection_sort(rng: Random) -> Exchange:
    """The list after each selection."""
    numbers = _numbers(rng, 3, 5)
    work, steps = list(numbers), []
    for i in range(len(work) - 1):
        j = work.index(min(work[i:]))
        steps.append(f"El mínimo es {work[j]}")
        work[i], work[j] = work[j], work[i]
        steps[-1] += f" y queda {python_list(work)}"
    question = rng.choice((f"Ordena {python_list(numbers)} por selección.", f"Aplica selección a {python_list(numbers)} paso a paso."))
    return Exchange(ask(rng, question), ". ".join(steps) + ".")


def plain_sort(rng: Random) -> Exchange:
    """Sorting, maximum, minimum or sum without a trace."""
    numbers = _numbers(rng, 3, 7)
    shown = listed(numbers) if rng.random() < 0.5 else python_list(numbers)
    question, answer = rng.choice(
        (
            (f"Ordena de menor a mayor: {shown}.", f"De menor a mayor: {listed(sorted(numbers))}."),
            (f"Ordena de mayor a menor: {shown}.", f"De mayor a menor: {listed(sorted(numbers, reverse=True))}."),
            (f"¿Cuál es el máximo de {shown}?", f"El máximo es {max(numbers)}."),
            (f"¿Cuál es el menor de {shown}?", f"El menor es {min(numbers)}."),
            (f"¿Cuántos elementos tiene la lista {python_list(numbers)}?", f"Tiene {len(numbers)} elementos."),
            (
                f"¿Qué elemento está en el índice 1 de {python_list(numbers)}?",
                f"Los índices empiezan en 0, así que en el índice 1 está el {numbers[1]}.",
            ),
            (f"Invierte la lista {python_list(numbers)}.", f"La lista invertida es {python_list(numbers[::-1])}."),
        )
    )
    return Exchange(ask(rng, question), answer)


def binary_search(rng: Random) -> Exchange:
    """The middles that binary search looks at."""
    numbers = sorted(rng.sample(range(1, 60), rng.choice((5, 7, 8))))
    target = rng.choice(numbers) if rng.random() < 0.75 else rng.randrange(1, 60)
    low, high, steps, found = 0, len(numbers) - 1, [], False
    while low <= high and not found:
        middle = (low + high) // 2
        value = numbers[middle]
        if value == target:
            steps.append(f"En el índice {middle} está el {value}: lo encontramos")
            found = True
        elif value < target:
            steps.append(f"En el índice {middle} está el {value}, que es menor que {target}: vamos a la derecha")
            low = middle + 1
        else:
            steps.append(f"En el índice {middle} está el {value}, que es mayor que {target}: vamos a la izquierda")
            high = middle - 1
    end = "" if found else f" No quedan elementos, así que {target} no está."
    question = rng.choice(
        (
            f"Busca {target} en {python_list(numbers)} con búsqueda binaria.",
            f"Haz una búsqueda binaria de {target} en {python_list(numbers)}.",
            f"¿Qué pasos da la búsqueda binaria para hallar {target} en {python_list(numbers)}?",
        )
    )
    return Exchange(ask(rng, question), ". ".join(steps) + "." + end)


def stack_or_queue(rng: Random) -> Exchange:
    """What a few operations leave in a stack or a queue."""
    numbers = _numbers(rng, 3, 5)
    out = rng.randrange(1, len(numbers))
    if rng.random() < 0.5:
        left, gone = numbers[:-out], numbers[: -out - 1 : -1]
        question = rng.choice(
            (
                f"Apilo {listed(numbers)} y desapilo {times(out)}. ¿Qué queda en la pila?",
                f"Si hago push de {listed(numbers)} y luego {out} pop, ¿qué queda?",
            )
        )
        verb = "sale" if out == 1 else "salen"
        answer = (
            f"En una pila sale primero el último que entró: {verb} {listed(gone)}. Queda {python_list(left)}, con el {left[-1]} arriba."
        )
    else:
        left, gone = numbers[out:], numbers[:out]
        question = rng.choice(
            (
                f"Encolo {listed(numbers)} y desencolo {times(out)}. ¿Qué queda en la cola?",
                f"En una cola entran {listed(numbers)} y se atiende {times(out)}. ¿Qué queda?",
            )
        )
        verb = "sale" if out == 1 else "salen"
        answer = (
            f"En una cola sale primero el que entró antes: {verb} {listed(gone)}. Queda {python_list(left)}, con el {left[0]} al frente."
        )
    return Exchange(ask(rng, question), answer)


def search_tree(rng: Random) -> Exchange:
    """Insertion in a binary search tree and its in-order traversal."""
    numbers = _numbers(rng, 3, 7)
    if rng.random() < 0.5:
        question = rng.choice(
            (
                f"Inserto {listed(numbers)} en un árbol binario de búsqueda. ¿Cuál es el recorrido inorden?",
                f"¿Qué da el recorrido inorden de un ABB con {listed(numbers)}?",
            )
        )
        answer = f"El recorrido inorden visita los valores de menor a mayor: {listed(sorted(numbers))}."
    else:
        root, rest = numbers[0], numbers[1:]
        left, right = [n for n in rest if n < root], [n for n in rest if n > root]
        question = f"En un árbol binario de búsqueda con raíz {root}, ¿de qué lado van {listed(rest)}?"
        sides = [
            f"a la izquierda {'va' if len(left) == 1 else 'van'} {listed(left)}, por ser {'menor' if len(left) == 1 else 'menores'}"
            if left
            else "",
            f"a la derecha {'va' if len(right) == 1 else 'van'} {listed(right)}, por ser {'mayor' if len(right) == 1 else 'mayores'}"
            if right
            else "",
        ]
        text = "; ".join(s for s in sides if s)
        answer = f"{text[0].upper()}{text[1:]} que {root}."
    return Exchange(ask(rng, question), answer)


def breadth_or_depth(rng: Random) -> Exchange:
    """The visiting order in a small graph."""
    nodes = "ABCDE"[: rng.choice((4, 5))]
    edges = sorted({(rng.choice(nodes[:i]), node) for i, node in enumerate(nodes) if i})
    neighbours = {n: sorted([b for a, b in edges if a == n] + [a for a, b in edges if b == n]) for n in nodes}
    order: list[str] = []
    if rng.random() < 0.5:
        queue, seen = deque(["A"]), {"A"}
        while queue:
            node = queue.popleft()
            order.append(node)
            for other in neighbours[node]:
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        how, name = "Usamos una cola y visitamos por niveles", "en anchura (BFS)"
    else:

        def visit(node: str) -> None:
            order.append(node)
            for other in neighbours[node]:
                if other not in order:
                    visit(other)

        visit("A")
        how, name = "Avanzamos por cada camino hasta el final antes de volver", "en profundidad (DFS)"
    drawn = ", ".join(f"{a}-{b}" for a, b in edges)
    question = rng.choice((f"Recorre {name} el grafo {drawn} desde A.", f"¿Cuál es el recorrido {name} desde A con las aristas {drawn}?"))
    return Exchange(ask(rng, question), f"{how}, en orden alfabético: {', '.join(order)}.")


def numerals(rng: Random) -> Exchange:
    """Binary to decimal and back."""
    n = rng.randrange(2, 64)
    bits = f"{n:b}"
    if rng.random() < 0.5:
        steps, m = [], n
        while m:
            steps.append(f"{m} ÷ 2 = {m // 2}, resto {m % 2}")
            m //= 2
        question = rng.choice((f"Pasa {n} a binario.", f"¿Cómo se escribe {n} en binario?", f"Convierte {n} a base 2."))
        answer = f"Dividimos entre 2 y leemos los restos de abajo hacia arriba. {'; '.join(steps)}. Resultado: {bits}."
    else:
        powers = [str(2**k) for k in range(len(bits) - 1, -1, -1) if bits[len(bits) - 1 - k] == "1"]
        question = rng.choice((f"¿Cuánto es {bits} en decimal?", f"Convierte {bits} de binario a decimal."))
        answer = f"Sumamos las potencias de 2 donde hay un 1: {' + '.join(powers)} = {n}."
    return Exchange(ask(rng, question), close(rng, answer))


def hashing(rng: Random) -> Exchange:
    """The slot of a key under `key mod size`."""
    size, keys = rng.choice((5, 7, 10, 11)), _numbers(rng, 2, 4)
    slots = [f"{key} mod {size} = {key % size}" for key in keys]
    repeated = len({key % size for key in keys}) < len(keys)
    question = rng.choice(
        (
            f"Con la función hash clave mod {size}, ¿en qué posición van {listed(keys)}?",
            f"Tabla hash de tamaño {size}: ¿dónde guardo {listed(keys)}?",
        )
    )
    return Exchange(
        ask(rng, question), f"Calculamos el resto: {', '.join(slots)}. {'Hay una colisión.' if repeated else 'No hay colisiones.'}"
    )


COSTS: tuple[tuple[str, str], ...] = (
    ("recorrer una lista de n elementos", "O(n), porque se visita cada elemento una vez"),
    ("la búsqueda binaria", "O(log n), porque cada paso descarta la mitad"),
    ("el ordenamiento burbuja", "O(n^2) en el peor caso, por sus dos ciclos anidados"),
    ("merge sort", "O(n log n), porque divide log n veces y mezcla n elementos"),
    ("acceder a un arreglo por índice", "O(1), porque la posición se calcula directamente"),
    ("insertar al principio de una lista enlazada", "O(1), porque solo cambia una referencia"),
    ("buscar en una tabla hash", "O(1) en promedio, y O(n) en el peor caso"),
    ("dos ciclos anidados de n vueltas", "O(n^2), porque se hacen n × n pasos"),
    ("apilar un elemento", "O(1), porque solo se toca la cima"),
    ("insertar en un montículo", "O(log n), porque sube como mucho la altura del árbol"),
    ("quicksort en promedio", "O(n log n)"),
    ("quicksort en el peor caso", "O(n^2), cuando el pivote queda siempre en un extremo"),
    ("buscar en un árbol de búsqueda balanceado", "O(log n), porque se baja un nivel por comparación"),
    ("BFS en un grafo", "O(V + E), porque se visita cada nodo y cada arista"),
    ("insertar al medio de un arreglo", "O(n), porque hay que mover los elementos que siguen"),
    ("la búsqueda lineal", "O(n), porque puede revisar todos los elementos"),
    ("encontrar el máximo de una lista sin ordenar", "O(n), porque hay que mirar todos los elementos"),
)


def cost(rng: Random) -> Exchange:
    """The complexity of a usual operation."""
    what, answer = rng.choice(COSTS)
    question = rng.choice(
        (
            f"¿Cuál es la complejidad de {what}?",
            f"¿Cuánto cuesta {what}?",
            f"¿Qué O grande tiene {what}?",
            f"Complejidad temporal de {what}",
        )
    ).replace(" de el ", " del ")
    return Exchange(ask(rng, question), rng.choice((f"Es {answer}.", f"Cuesta {answer}.", f"La complejidad es {answer}.")))


def times(count: int) -> str:
    """'una vez', 'dos veces'..."""
    return {1: "una vez", 2: "dos veces", 3: "tres veces"}.get(count, f"{count} veces")


MAKERS: tuple[Callable[[Random], Exchange], ...] = (
    bubble_sort,
    insertion_sort,
    selection_sort,
    plain_sort,
    plain_sort,
    binary_search,
    stack_or_queue,
    stack_or_queue,
    search_tree,
    breadth_or_depth,
    numerals,
    hashing,
    cost,
    cost,
)
