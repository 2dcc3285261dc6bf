"""What a finished model does with prompts it never saw: does it end, in Spanish, with the right figure, name, code or query?

Knows the generators and how to compare an answer with the reference. Deliberately runs nothing that a model wrote: code and
queries count as right only when they equal a reference, blanks and aliases apart.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import functions, retrieval, schemas, steps
from .conversations import Conversation, make_conversation
from .corpus import HeldOutQuestions, normalised_query
from .exchange import Exchange

SPANISH = frozenset(
    [
        "de",
        "la",
        "que",
        "el",
        "en",
        "y",
        "a",
        "los",
        "se",
        "del",
        "las",
        "un",
        "por",
        "con",
        "no",
        "una",
        "su",
        "para",
        "es",
        "al",
        "lo",
        "como",
        "más",
        "o",
        "pero",
        "si",
        "son",
        "hay",
        "cada",
        "queda",
        "tiene",
        "puede",
    ]
)
ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "is",
        "that",
        "it",
        "for",
        "was",
        "with",
        "are",
        "this",
        "be",
        "from",
        "by",
        "you",
        "not",
        "have",
        "an",
        "which",
        "we",
        "can",
        "if",
        "will",
        "how",
        "what",
    ]
)


@dataclass(frozen=True)
class Probe:
    """A prompt and what a right answer must show."""

    kind: str
    """row of the report"""
    messages: Conversation
    """up to the user's last turn"""
    reference: str
    """an answer that is right"""
    right: Callable[[str, str], bool]
    """(answer, reference) -> whether the answer is right"""


def conversation_prompts(count: int, seed: int, known: HeldOutQuestions) -> list[Conversation]:
    """Prompts of fresh conversations: system turn, if any, and the first question."""
    rng = Random(seed)
    prompts: list[Conversation] = []
    while len(prompts) < count:
        conversation = make_conversation(rng)
        prompt = conversation[: 2 if conversation[0]["role"] == "system" else 1]
        if prompt not in prompts and not known.are_asked_by(prompt[-1]["content"]):
            prompts.append(prompt)
    return prompts


def probes(each: int, seed: int) -> list[Probe]:
    """`each` problems of every kind."""
    rng = Random(seed)
    made: list[Probe] = []
    for _ in range(each):
        made.append(_probe("repeat the text", retrieval.repeat(rng), same))
        made.append(_probe("fact from the question", rng.choice((retrieval.people, retrieval.pairs, retrieval.where_is_it))(rng), same))
        system, exchanges = retrieval.system_facts(rng)
        made.append(_probe("fact from the system turn", exchanges, same_last_number, system))
        made.append(_probe("several short sums", steps.drill(rng), same_numbers))
        made.append(_probe("word problem", steps_of(rng, STORIES), same_last_number))
        made.append(_probe("equation", steps_of(rng, (steps.equation,)), same_result))
        made.append(_probe("fractions and percentages", steps_of(rng, (steps.fraction, steps.percent)), same_result))
        exchange = functions.function_exchange(rng)
        made.append(_probe("function, whole", exchange, same_function))
        made.append(_probe("function, name and parameters", exchange, same_signature))
        system, exchanges = schemas.schema_conversation(rng)
        made.append(_probe("query, whole", exchanges, same_query, system))
        made.append(_probe("query, right tables", exchanges, same_tables, system))
    return made


STORIES = (steps.add_or_take, steps.groups, steps.shopping, steps.rate, steps.two_step, steps.average)


def steps_of(rng: Random, makers: tuple[Callable[[Random], steps.Solved], ...]) -> list[Exchange]:
    """A problem in the wording of the question alone, with its plain solution as reference."""
    solved = rng.choice(makers)(rng)
    return [Exchange(rng.choice(solved.questions), f"{'. '.join(solved.steps)}. {solved.result}.")]


def is_spanish(answer: str) -> bool:
    """Whether common Spanish words outnumber English ones outside code; an answer without either counts as Spanish."""
    words = re.findall(r"[a-záéíóúñü]+", re.sub(r"```.*?(```|$)", " ", answer.lower(), flags=re.DOTALL))
    return sum(word in ENGLISH for word in words) <= sum(word in SPANISH for word in words)


def same(answer: str, reference: str) -> bool:
    """Equal but for blanks and the final stop."""
    return " ".join(answer.split()).rstrip(".") == " ".join(reference.split()).rstrip(".")


def same_numbers(answer: str, reference: str) -> bool:
    """The same figures in the same order."""
    return re.findall(NUMBER, answer) == re.findall(NUMBER, reference)


def same_last_number(answer: str, reference: str) -> bool:
    """The last figure of the reference is the last of the answer, a verification apart; without figures the texts are equal."""
    wanted, found = re.findall(NUMBER, reference), re.findall(NUMBER, _without_check(answer))
    return bool(found) and found[-1] == wanted[-1] if wanted else same(answer, reference)


def same_result(answer: str, reference: str) -> bool:
    """The last figure or fraction of the reference is the last of the answer, a verification apart."""
    fraction = r"-?\d+(?:\.\d+)?(?:/\d+)?"
    wanted, found = re.findall(fraction, reference), re.findall(fraction, _without_check(answer))
    return bool(found) and bool(wanted) and found[-1] == wanted[-1]


def same_function(answer: str, reference: str) -> bool:
    """The code of the reference, or another body of the same pattern."""
    code = _code(answer)
    signature = re.search(r"def (\w+)\(([^)]*)\)", _code(reference))
    if not code or not signature:
        return False
    limits = re.findall(r"(?<![\w\[])\d+", reference)
    return _blankless(code) in {_blankless(_code(reference))} | _siblings(reference, signature[1], tuple(signature[2].split(", ")), limits)


def same_signature(answer: str, reference: str) -> bool:
    """`def name(parameters)` as asked for."""
    wanted = re.search(r"def \w+\([^)]*\)", _code(reference))
    return bool(wanted) and wanted[0] in answer


def same_query(answer: str, reference: str) -> bool:
    """The query of the reference."""
    return normalised_query(_code(answer)) == normalised_query(_code(reference))


def same_tables(answer: str, reference: str) -> bool:
    """The tables of the reference and no other."""
    return _tables(_code(answer)) == _tables(_code(reference)) != set()


NUMBER = r"-?\d+(?:\.\d+)?"


def _probe(kind: str, exchanges: list[Exchange], right: Callable[[str, str], bool], system: str = "") -> Probe:
    messages = [{"role": "system", "content": system}] if system else []
    return Probe(kind, [*messages, {"role": "user", "content": exchanges[0].question}], exchanges[0].answer, right)


def _without_check(answer: str) -> str:
    return re.split(r"Comprobación|Se comprueba", answer)[0]


def _code(text: str) -> str:
    found = re.search(r"```\w*\n(.*?)(```|$)", text, re.DOTALL)
    return found[1] if found else ""


def _blankless(code: str) -> str:
    return "\n".join(line.rstrip() for line in code.strip().splitlines() if line.strip())


def _siblings(reference: str, name: str, parameters: tuple[str, ...], limits: list[str]) -> set[str]:
    """Every interchangeable code of the pattern that the reference belongs to."""
    wanted = _blankless(_code(reference))
    for pattern in functions.PATTERNS:
        if len(pattern.parameters) != len(parameters):
            continue
        for k in {int(n) for n in limits} | {3}:
            bodies = {_blankless(functions.written(Random(draw), pattern, k, name, parameters)[2]) for draw in range(12)}
            if wanted in bodies:
                return bodies
    return set()


def _tables(query: str) -> set[str]:
    return set(re.findall(r"\b(?:from|join|into|update|table) (\w+)", query.lower()))
