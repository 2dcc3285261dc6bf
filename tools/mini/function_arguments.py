"""Arguments for small functions: numbers, words, texts, matrices and graphs, drawn at random.

Knows the notation by which a table says what to draw. Deliberately knows nothing of the functions that get the arguments, nor of sheets.
"""

from collections.abc import Callable
from random import Random
from typing import Any

WORD_TEXT = """
sol luna casa mesa pan gato perro rio flor mar nube tren lapiz cielo arbol cama rana papel queso radar oso ana oro limon pera uva mango
silla puente calle libro barco viento arena piedra hoja tinta copa taza
"""
WORDS = WORD_TEXT.split()
SHORT_WORDS = [word for word in WORDS if len(word) < 5]
BRACKETS = ["(())", "()()", "(()", "())", ")(", "(a)(b)", "((a)", "(x(y))", "())("]
ANAGRAMS = (("roma", "amor"), ("mora", "ramo"), ("lapiz", "papel"), ("sol", "los"), ("pan", "pera"), ("nave", "vena"))
"""pairs of words, some of which are anagrams"""

Arguments = Callable[[Random], tuple[Any, ...]]


def numbers(rng: Random, low: int = 1, high: int = 12, sizes: tuple[int, ...] = (3, 4, 4, 5, 6)) -> list[int]:
    """Some whole numbers."""
    return [rng.randint(low, high) for _ in range(rng.choice(sizes))]


def distinct(rng: Random, sizes: tuple[int, ...] = (3, 4, 4, 5)) -> list[int]:
    """Some whole numbers, all different."""
    return rng.sample(range(1, 20), rng.choice(sizes))


def words(rng: Random) -> list[str]:
    """Two to four words, all different."""
    return rng.sample(WORDS, rng.choice((2, 3, 3, 4)))


def _perhaps_sorted(rng: Random) -> list[int]:
    return sorted(distinct(rng)) if rng.random() < 0.5 else distinct(rng)


def _text(rng: Random) -> str:
    return rng.choice(WORDS) if rng.random() < 0.75 else " ".join(rng.sample(WORDS, 2))


def _palindrome(rng: Random) -> str:
    half = rng.choice(WORDS)[:3]
    return half + half[::-1] if rng.random() < 0.45 else rng.choice(WORDS)


def _matrix(rng: Random, square: bool = False) -> list[list[int]]:
    height = rng.choice((2, 2, 3))
    width = height if square else rng.choice((2, 3))
    return [[rng.randint(0, 9) for _ in range(width)] for _ in range(height)]


def _graph(rng: Random) -> dict[str, list[str]]:
    letters = rng.sample("ABCDEFGH", rng.choice((3, 4)))
    graph: dict[str, list[str]] = {letter: [] for letter in letters}
    for place, letter in enumerate(letters[1:], 1):
        graph[letters[rng.randrange(place)]].append(letter)
    return graph


def _rooted(rng: Random) -> tuple[Any, ...]:
    graph = _graph(rng)
    return graph, next(iter(graph)) if rng.random() < 0.7 else rng.choice(list(graph))


def _sought(rng: Random, among: list[int]) -> tuple[Any, ...]:
    return among, rng.choice(among) if rng.random() < 0.75 else rng.randint(1, 20)


SINGLES: dict[str, Callable[..., Any]] = {
    "int": lambda rng, low, high: rng.randint(low, high),
    "two": lambda rng: 2,
    "nums": numbers,
    "three": lambda rng: [rng.randint(1, 9) for _ in range(3)],
    "distinct": distinct,
    "four": lambda rng: rng.sample(range(1, 9), 4),
    "perhaps_sorted": _perhaps_sorted,
    "words": words,
    "word": lambda rng: rng.choice(WORDS),
    "short_word": lambda rng: rng.choice(SHORT_WORDS),
    "letter": lambda rng: rng.choice("aeiorl"),
    "text": _text,
    "phrase": lambda rng: " ".join(words(rng)),
    "palindrome": _palindrome,
    "brackets": lambda rng: rng.choice(BRACKETS),
    "matrix": _matrix,
    "square": lambda rng: _matrix(rng, square=True),
    "graph": _graph,
}
"""what gives one argument"""
PAIRS: dict[str, Arguments] = {"anagrams": lambda rng: rng.choice(ANAGRAMS), "rooted": _rooted}
"""what gives two"""


def arguments(notation: str) -> Arguments:
    """What draws the arguments that a notation asks for: 'nums 1..5 4/5/6, int 2..3' (range, sizes), 'sought sorted distinct'."""
    draws = [_drawn(item) for item in notation.split(", ")]
    return lambda rng: tuple(value for draw in draws for value in draw(rng))


def _drawn(item: str) -> Arguments:
    name, *options = item.split()
    if name in PAIRS:
        return PAIRS[name]
    if name in ("sought", "sorted"):
        inner = _drawn(" ".join(options))
        return (lambda rng: _sought(rng, *inner(rng))) if name == "sought" else (lambda rng: (sorted(*inner(rng)),))
    figures: dict[str, Any] = {}
    for option in options:
        if ".." in option:
            figures["low"], figures["high"] = map(int, option.split(".."))
        else:
            figures["sizes"] = tuple(map(int, option.split("/")))
    return lambda rng: (SINGLES[name](rng, **figures),)
