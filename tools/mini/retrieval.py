"""Questions whose answer stands in the text before them: look a fact up, repeat it, extract it, rewrite it.

Knows invented names and Spanish sentences. Deliberately holds no knowledge of a subject: with names and figures drawn
afresh each time, nothing helps but reading what was said. That is what makes so small a model learn to copy.
"""

import json
from collections.abc import Callable
from random import Random

from .exchange import NAMES, Exchange, ask, listed, python_list

ONSETS = ("b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "z", "ch", "br", "tr", "pl", "gr", "ll", "j", "k", "qu", "y")
RHYMES = ("a", "e", "i", "o", "u", "an", "en", "ar", "or", "al", "es", "in", "ia", "io", "on", "us", "ela", "ino", "ero")
CITIES = (
    "Lima",
    "Quito",
    "Bogotá",
    "La Paz",
    "Cusco",
    "Rosario",
    "Caracas",
    "Managua",
    "Mérida",
    "Cali",
    "Salta",
    "Arequipa",
    "Puebla",
    "Medellín",
    "Córdoba",
    "Valparaíso",
    "Guayaquil",
    "San José",
    "Asunción",
    "Montevideo",
    "Santiago",
    "Panamá",
)
TRADES = (
    "dentista",
    "pianista",
    "taxista",
    "electricista",
    "periodista",
    "cantante",
    "artista",
    "estudiante",
    "comerciante",
    "atleta",
    "docente",
    "guía",
    "florista",
    "violinista",
    "contable",
    "deportista",
    "novelista",
    "oculista",
)
WORDS = (
    "sol",
    "mesa",
    "río",
    "árbol",
    "luz",
    "piedra",
    "nube",
    "camino",
    "puerta",
    "barco",
    "tren",
    "flor",
    "gato",
    "lobo",
    "papel",
    "reloj",
    "fuego",
    "viento",
    "mapa",
    "llave",
    "silla",
    "campo",
    "lago",
    "pan",
    "sal",
    "cielo",
    "mar",
    "libro",
    "perro",
    "casa",
    "hoja",
    "pez",
)
GOODS = (
    "pan",
    "leche",
    "arroz",
    "queso",
    "café",
    "azúcar",
    "miel",
    "jabón",
    "papel",
    "tinta",
    "té",
    "harina",
    "sal",
    "avena",
    "aceite",
    "cacao",
    "maíz",
    "yogur",
    "jugo",
    "tijera",
    "regla",
    "goma",
    "cinta",
    "cuaderno",
    "lápiz",
    "mochila",
)
COLOURS = ("rojo", "azul", "verde", "negro", "blanco", "gris", "rosa", "amarillo", "morado", "naranja", "celeste", "café")
ANIMALS = ("perro", "gato", "loro", "conejo", "caballo", "canario", "pez", "hámster", "pato", "burro")
PLACES = ("la caja", "el cajón", "la mochila", "el estante", "la mesa", "el armario", "la bolsa", "el patio", "la cocina", "el escritorio")
THINGS = (
    "la llave",
    "el libro",
    "el mapa",
    "la carta",
    "el reloj",
    "la moneda",
    "el cuaderno",
    "la regla",
    "el vaso",
    "la foto",
    "el lápiz",
)
SENTENCES = (
    "el {a} está cerca del {b}",
    "la {a} y el {b} no se ven",
    "compré {n} {g} en {c}",
    "{p} vive en {c} desde hace {n} años",
    "el tren de las {n} sale hacia {c}",
    "{p} y {q} estudian juntos",
    "mi casa tiene {n} ventanas",
    "hoy leímos {n} páginas con {p}",
    "el color {k} le gusta a {p}",
    "{p} corrió {n} vueltas y {q} corrió {m}",
)


def invented(rng: Random) -> str:
    """A name that no text contains, or a common one."""
    if rng.random() < 0.4:
        return rng.choice(NAMES)
    return "".join(rng.choice(ONSETS) + rng.choice(RHYMES) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def several_names(rng: Random, count: int) -> list[str]:
    """Different names."""
    names: list[str] = []
    while len(names) < count:
        name = invented(rng)
        if name not in names:
            names.append(name)
    return names


def sentence(rng: Random) -> str:
    """A plain sentence with drawn words and figures."""
    first, second = several_names(rng, 2)
    a, b = rng.sample(WORDS, 2)
    return rng.choice(SENTENCES).format(
        a=a,
        b=b,
        c=rng.choice(CITIES),
        g=rng.choice(GOODS),
        k=rng.choice(COLOURS),
        m=rng.randrange(2, 90),
        n=rng.randrange(2, 90),
        p=first,
        q=second,
    )


def people(rng: Random) -> list[Exchange]:
    """Facts about two or three people, then one to three questions about them."""
    names = several_names(rng, rng.choice((2, 2, 3)))
    ages = rng.sample(range(6, 80), len(names))
    cities = rng.sample(CITIES, len(names))
    trades = rng.sample(TRADES, len(names))
    facts = " ".join(
        rng.choice(
            (
                f"{n} tiene {a} años, vive en {c} y es {t}.",
                f"{n} es {t}, tiene {a} años y vive en {c}.",
                f"En {c} vive {n}, que es {t} y tiene {a} años.",
            )
        )
        for n, a, c, t in zip(names, ages, cities, trades, strict=True)
    )
    exchanges: list[Exchange] = []
    for turn in range(rng.choice((1, 2, 3, 4))):
        k = rng.randrange(len(names))
        n, a, c, t = names[k], ages[k], cities[k], trades[k]
        oldest = max(range(len(names)), key=ages.__getitem__)
        question, answer = rng.choice(
            (
                (f"¿Dónde vive {n}?", f"{n} vive en {c}."),
                (f"¿Cuántos años tiene {n}?", f"{n} tiene {a} años."),
                (f"¿A qué se dedica {n}?", f"{n} es {t}."),
                (f"¿Quién vive en {c}?", f"En {c} vive {n}."),
                (f"¿Quién tiene {a} años?", f"{n} tiene {a} años."),
                (f"¿Quién es {t}?", f"{n} es {t}."),
                ("¿Quién es mayor?", f"La persona mayor es {names[oldest]}, con {ages[oldest]} años."),
                ("¿De qué personas hablo?", f"Hablas de {listed(names)}."),
            )
        )
        exchanges.append(Exchange(f"{facts} {question}" if not turn else question, answer))
    return exchanges


def pairs(rng: Random) -> list[Exchange]:
    """Keys with values, and the value of one or two keys."""
    sort = rng.randrange(4)
    count = rng.randrange(2, 6)
    if sort == 0:
        keys, values = rng.sample(GOODS, count), [str(v) for v in rng.sample(range(2, 99), count)]
        head, one, answer = "Precios en pesos: ", "¿Cuánto cuesta {k}?", "{k} cuesta {v} pesos."
    elif sort == 1:
        keys, values = rng.sample(COLOURS, count), [str(v) for v in rng.sample(range(1, 999), count)]
        head, one, answer = "Códigos: ", "¿Qué código tiene {k}?", "El código de {k} es {v}."
    elif sort == 2:
        keys, values = several_names(rng, count), several_names(rng, count)
        head, one, answer = "Parejas: ", "¿Quién es la pareja de {k}?", "La pareja de {k} es {v}."
    else:
        keys, values = (
            rng.sample(("a", "b", "c", "d", "x", "y", "z", "n", "m", "k"), count),
            [str(rng.randrange(-20, 99)) for _ in range(count)],
        )
        head, one, answer = rng.choice(("Si ", "Sabemos que ", "Tengo ")), "¿cuánto vale {k}?", "{k} = {v}."
    joiner = rng.choice((" = ", ": ")) if sort != 3 else " = "
    text = head + ", ".join(f"{k}{joiner}{v}" for k, v in zip(keys, values, strict=True)) + ("," if sort == 3 else ".")
    asked = rng.sample(range(count), min(count, rng.choice((1, 2, 3))))
    first = asked[0]
    exchanges = [Exchange(f"{text} {one.format(k=keys[first])}", _capital(answer.format(k=keys[first], v=values[first]), sort != 3))]
    for other in asked[1:]:
        exchanges.append(Exchange(f"¿Y {keys[other]}?", _capital(answer.format(k=keys[other], v=values[other]), sort != 3)))
    return exchanges


def repeat(rng: Random) -> list[Exchange]:
    """Say it again, as it is."""
    what = rng.choice(
        (
            lambda: sentence(rng),
            lambda: " ".join(several_names(rng, rng.randrange(2, 5))),
            lambda: python_list([rng.randrange(0, 200) for _ in range(rng.randrange(2, 8))]),
            lambda: " ".join(rng.sample(WORDS, rng.randrange(3, 7))),
            lambda: str(rng.randrange(100, 10**7)),
            lambda: ", ".join(map(str, rng.sample(range(1, 100), rng.randrange(3, 7)))),
        )
    )()
    question = rng.choice(
        (
            f"Repite: {what}",
            f"Copia esto: {what}",
            f"Escribe exactamente «{what}»",
            f"Repite lo siguiente sin cambiar nada: {what}",
            f"Devuelve este texto tal cual: {what}",
        )
    )
    return [Exchange(question, what)]


def numbers_of_a_list(rng: Random) -> list[Exchange]:
    """First, last, n-th, greatest, smallest, sum, length, order of the numbers given."""
    numbers = rng.sample(range(1, 60), rng.randrange(3, 7))
    shown = rng.choice((python_list(numbers), ", ".join(map(str, numbers)), listed(numbers)))
    k = rng.randrange(len(numbers))
    place = ("primer", "segundo", "tercer", "cuarto", "quinto", "sexto")[k]
    running, steps = numbers[0], []
    for n in numbers[1:]:
        steps.append(f"{running} + {n} = {running + n}")
        running += n
    limit = rng.randrange(5, 55)
    above = [n for n in numbers if n > limit]
    even = [n for n in numbers if n % 2 == 0]
    questions: tuple[tuple[tuple[str, ...], str], ...] = (
        ((f"¿Cuál es el {place} número?", f"Dime el {place} número."), f"El {place} número es {numbers[k]}."),
        (("¿Cuál es el último?", "Dime el último elemento."), f"El último es {numbers[-1]}."),
        (("¿Cuál es el mayor?", "¿Cuál es el número más grande?"), f"El mayor es {max(numbers)}."),
        (("¿Cuál es el menor?", "¿Cuál es el más pequeño?"), f"El menor es {min(numbers)}."),
        (("¿Cuántos números hay?", "¿Cuántos elementos tiene la lista?"), f"Hay {len(numbers)} números."),
        (("Ordénalos de menor a mayor.", "¿Cómo quedan ordenados?"), f"Ordenados: {', '.join(map(str, sorted(numbers)))}."),
        (("Escríbelos al revés.", "Invierte la lista."), f"Al revés: {', '.join(map(str, numbers[::-1]))}."),
        (("Súmalos.", "¿Cuánto suman?"), f"{'. '.join(steps)}. La suma es {running}."),
        (
            (f"¿Cuáles son mayores que {limit}?", f"Deja solo los mayores que {limit}."),
            f"Mayores que {limit}: {listed(above)}." if above else f"Ninguno es mayor que {limit}.",
        ),
        (
            ("¿Cuáles son pares?", "Deja solo los pares."),
            f"Los pares son {listed(even)}." if len(even) > 1 else f"El único par es {even[0]}." if even else "Ninguno es par.",
        ),
        (("Suma 1 a cada uno.", "Aumenta cada número en 1."), f"Queda {', '.join(str(n + 1) for n in numbers)}."),
        (("Multiplica cada uno por 2.", "Escribe el doble de cada número."), f"Los dobles son {', '.join(str(2 * n) for n in numbers)}."),
    )
    first, second = rng.sample(questions, 2)
    exchanges = [
        Exchange(f"{rng.choice(('Tengo los números', 'Lista:', 'Mira esta lista:', 'Números:'))} {shown}. {rng.choice(first[0])}", first[1])
    ]
    if rng.random() < 0.4:
        exchanges.append(Exchange(rng.choice(second[0]), second[1]))
    return exchanges


def extract(rng: Random) -> list[Exchange]:
    """The numbers, the names or one word of a text."""
    names = several_names(rng, rng.choice((2, 3)))
    counts = [rng.randrange(2, 99) for _ in names]
    goods = rng.sample(GOODS, len(names))
    text = (
        ". ".join(
            rng.choice((f"{n} compró {c} de {g}", f"{n} vendió {c} de {g}", f"{n} pidió {c} de {g}"))
            for n, c, g in zip(names, counts, goods, strict=True)
        )
        + "."
    )
    question, answer = rng.choice(
        (
            ("¿Qué números aparecen?", f"Aparecen {listed(counts)}."),
            ("¿Qué nombres aparecen?", f"Aparecen {listed(names)}."),
            ("¿Qué productos se nombran?", f"Se nombran {listed(goods)}."),
            (
                "Escríbelo como JSON.",
                json.dumps(
                    [{"nombre": n, "cantidad": c, "producto": g} for n, c, g in zip(names, counts, goods, strict=True)], ensure_ascii=False
                ),
            ),
            (
                "Escríbelo como una tabla.",
                "\n".join(
                    [
                        "| nombre | cantidad | producto |",
                        "|---|---|---|",
                        *(f"| {n} | {c} | {g} |" for n, c, g in zip(names, counts, goods, strict=True)),
                    ]
                ),
            ),
            ("Haz una lista.", "\n".join(f"- {n}: {c} de {g}" for n, c, g in zip(names, counts, goods, strict=True))),
            (f"¿Cuánto fue lo de {names[0]}?", f"{counts[0]} de {goods[0]}."),
            (f"¿Quién se ocupó de {goods[-1]}?", f"{names[-1]}, con {counts[-1]} de {goods[-1]}."),
        )
    )
    return [Exchange(rng.choice((f"{text} {question}", f"{question} Texto: {text}")), answer)]


def rewrite(rng: Random) -> list[Exchange]:
    """The same text with one thing changed."""
    words = rng.sample(WORDS, rng.randrange(3, 6))
    old, new = words[rng.randrange(len(words))], rng.choice(COLOURS)
    text = " ".join(words)
    one = sentence(rng)
    question, answer = rng.choice(
        (
            (f"Cambia «{old}» por «{new}»: {text}", " ".join(new if w == old else w for w in words)),
            (f"Quita la palabra «{old}»: {text}", " ".join(w for w in words if w != old)),
            (f"Escribe en mayúsculas: {text}", text.upper()),
            (f"Ordena alfabéticamente: {', '.join(words)}", ", ".join(sorted(words, key=_plain))),
            (f"Escribe las palabras al revés, de la última a la primera: {text}", " ".join(words[::-1])),
            (f"¿Cuántas palabras hay en «{text}»?", f"Hay {len(words)} palabras: {', '.join(words)}."),
            (f"Numera: {', '.join(words)}", "\n".join(f"{k}. {w}" for k, w in enumerate(words, 1))),
            (f"Escribe como lista de Python: {', '.join(words)}", "[" + ", ".join(f"'{w}'" for w in words) + "]"),
            (f"Pon comillas a cada palabra: {text}", " ".join(f"'{w}'" for w in words)),
            (f"Repite dos veces: {one}", f"{one}\n{one}"),
            (f"Corrige la mayúscula y el punto final: {one}", f"{one[0].upper()}{one[1:]}."),
            (f"¿Con qué letra empieza «{old}»?", f"«{old}» empieza con {old[0]}."),
            (f"¿Cuál es la primera palabra de «{text}»?", f"La primera palabra es «{words[0]}»."),
            (f"¿Cuál es la última palabra de «{text}»?", f"La última palabra es «{words[-1]}»."),
        )
    )
    return [Exchange(question, answer)]


def remember(rng: Random) -> list[Exchange]:
    """Something is told, something else happens, then it is asked for."""
    name, other = several_names(rng, 2)
    age, animal, city, colour = rng.randrange(8, 60), rng.choice(ANIMALS), rng.choice(CITIES), rng.choice(COLOURS)
    told, reply, question, answer = rng.choice(
        (
            (f"Me llamo {name}.", f"Mucho gusto, {name}. ¿Qué quieres estudiar?", "¿Cómo me llamo?", f"Te llamas {name}."),
            (
                f"Hola, soy {name} y tengo {age} años.",
                f"Hola, {name}. ¿En qué te ayudo?",
                "¿Cuántos años te dije que tengo?",
                f"Me dijiste que tienes {age} años.",
            ),
            (
                f"Mi {animal} se llama {other}.",
                f"Qué buen nombre, {other}.",
                f"¿Cómo se llama mi {animal}?",
                f"Tu {animal} se llama {other}.",
            ),
            (f"Vivo en {city}.", f"Gracias por contarme que vives en {city}.", "¿Dónde vivo?", f"Vives en {city}."),
            (f"Mi color favorito es {colour}.", f"Anotado: {colour}.", "¿Cuál es mi color favorito?", f"Tu color favorito es {colour}."),
            (
                f"Recuerda el número {age * 7}.",
                f"Listo, recuerdo el {age * 7}.",
                "¿Qué número te pedí recordar?",
                f"El número es {age * 7}.",
            ),
            (
                f"Mi clave de práctica es {name.lower()}{age}.",
                "Anotada.",
                "Repite mi clave de práctica.",
                f"Tu clave de práctica es {name.lower()}{age}.",
            ),
        )
    )
    between = (
        [Exchange(ask(rng, f"¿Cuánto es {(a := rng.randrange(2, 20))} + {(b := rng.randrange(2, 20))}?"), f"{a} + {b} = {a + b}.")]
        if rng.random() < 0.5
        else []
    )
    return [Exchange(told, reply), *between, Exchange(question, answer)]


def where_is_it(rng: Random) -> list[Exchange]:
    """Things, places and who has what."""
    things, places = rng.sample(THINGS, 3), rng.sample(PLACES, 3)
    text = ". ".join(f"{_capital(t)} está en {p}" for t, p in zip(things, places, strict=True)) + "."
    k = rng.randrange(3)
    question, answer = rng.choice(
        (
            (f"¿Dónde está {things[k]}?", f"{_capital(things[k])} está en {places[k]}."),
            (f"¿Qué hay en {places[k]}?", f"En {places[k]} está {things[k]}."),
        )
    )
    return [Exchange(f"{text} {question}", answer)]


def system_facts(rng: Random) -> tuple[str, list[Exchange]]:
    """A system turn with data, and a question that only it answers."""
    goods = rng.sample(GOODS, rng.randrange(3, 6))
    prices = rng.sample(range(2, 99), len(goods))
    owner = invented(rng)
    k, other = rng.sample(range(len(goods)), 2)
    count = rng.randrange(2, 6)
    head = rng.choice(("Atiendes la tienda de", "Ayudas en el negocio de", "Eres el asistente de"))
    prices_said = ", ".join(f"{g} {p}" for g, p in zip(goods, prices, strict=True))
    manner = rng.choice(("Responde en una frase.", "Sé breve.", "Sé amable.", ""))
    system = f"{head} {owner}. Precios: {prices_said}. {manner}".strip()
    question, answer = rng.choice(
        (
            (f"¿Cuánto cuesta {goods[k]}?", f"{_capital(goods[k])} cuesta {prices[k]} pesos."),
            ("¿De quién es la tienda?", f"La tienda es de {owner}."),
            ("¿Qué productos hay?", f"Hay {listed(goods)}."),
            (f"¿Qué cuesta {prices[k]} pesos?", f"{_capital(goods[k])} cuesta {prices[k]} pesos."),
            (
                f"Quiero {count} de {goods[k]}, ¿cuánto pago?",
                f"{count} × {prices[k]} = {count * prices[k]}. Pagas {count * prices[k]} pesos.",
            ),
            (
                f"¿Cuánto suman {goods[k]} y {goods[other]}?",
                f"{prices[k]} + {prices[other]} = {prices[k] + prices[other]}. Suman {prices[k] + prices[other]} pesos.",
            ),
        )
    )
    return system, [Exchange(ask(rng, question), answer)]


def retrieval_exchange(rng: Random) -> list[Exchange]:
    """One of the kinds that need no system turn."""
    return rng.choice(MAKERS)(rng)


def _capital(text: str, wanted: bool = True) -> str:
    return text[0].upper() + text[1:] if wanted else text


def _plain(word: str) -> str:
    return word.translate(str.maketrans("áéíóú", "aeiou"))


MAKERS: tuple[Callable[[Random], list[Exchange]], ...] = (
    people,
    people,
    pairs,
    pairs,
    repeat,
    repeat,
    repeat,
    numbers_of_a_list,
    numbers_of_a_list,
    extract,
    rewrite,
    rewrite,
    remember,
    where_is_it,
)
