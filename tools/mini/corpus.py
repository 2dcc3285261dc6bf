"""Read the pre-training corpus, weigh its sources, keep evaluation questions out of it.

Knows JSON Lines documents and words. Deliberately does not know tokens, models or how conversations are made.
"""

import gzip
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN_WORDS = 8
HELD_OUT_ONE_IN = 100
NEAR = 0.75
"""Share of common words (Dice) above which two questions count as the same."""

# How many times a source is read per pass, by the first part of `source` that matches. The manual of one database
# server is 43 % of the Spanish prose and must not give the model its voice; teaching texts are what we want to hear.
SOURCE_WEIGHTS: tuple[tuple[str, float], ...] = (
    ("MicrosoftDocs/", 0.4),
    ("openstax/osbooks-fisica", 0.3),
    ("php/", 0.5),
    ("sdelquin/aprendepython", 2.0),
    ("untref-ayp2/", 2.0),
    ("python-unsam/", 2.0),
    ("AeroPython/", 2.0),
    ("DjangoGirls/", 2.0),
    ("carpentries-i18n/", 2.0),
    ("swcarpentry/", 2.0),
    ("trekhleb/", 2.0),
    ("shervinea/", 2.0),
    ("mouredev/", 2.0),
    ("jkkummerfeld/", 0.5),
    ("norvig/", 0.5),
    ("j00p34/", 0.5),
    ("microsoft/IoT", 0.5),
)


@dataclass(frozen=True)
class Document:
    """One text of the corpus."""

    text: str
    """what is trained on"""
    source: str
    """owner/repo/path, as the corpus gives it; decides the weight"""
    kind: str
    """what it counts as in the report: 'prosa', 'código', 'otro' or 'charla'"""


@dataclass(frozen=True)
class HeldOutQuestions:
    """What the evaluation files ask, in a form that is quick to look up."""

    runs: frozenset[tuple[str, ...]]
    """every run of RUN_WORDS normalised words of every question"""
    short: frozenset[tuple[str, ...]]
    """whole questions with fewer words than a run; only a whole user turn can match one"""
    files: int
    """how many eval.jsonl files were read"""
    questions: int
    """how many questions were read"""
    bags: tuple[frozenset[str], ...] = ()
    """the set of normalised words of every question, for near-duplicates"""
    functions: frozenset[str] = frozenset()
    """names of the functions that the questions want written"""
    queries: frozenset[str] = frozenset()
    """normalised queries that answer the questions"""
    sums: frozenset[str] = frozenset()
    """normalised expressions of two or more numbers that the last turns of the questions want worked out"""
    formulas: frozenset[str] = frozenset()
    """normalised formulas, such as one side of an equation, in the questions"""

    def touch(self, text: str) -> bool:
        """Whether `text` shares a run of RUN_WORDS words with a question."""
        if not self.runs:
            return False
        words = normalised_words(text)
        return any(run in self.runs for run in word_runs(words))

    def without_formulas(self, text: str) -> str:
        """A text less its lines that hold a formula of a question; a sum or query that prose names by chance stays."""
        lines = text.split("\n")
        return "\n".join(line for line in lines if self.formulas.isdisjoint(formulas(line))) if self.formulas else text

    def are_asked_by(self, turn: str) -> bool:
        """Whether a whole user turn is a question, contains a run or a formula of one, or has nearly the same words as one."""
        words = normalised_words(turn)
        bag = frozenset(words)
        near = any(2 * len(bag & asked) > NEAR * (len(bag) + len(asked)) for asked in self.bags)
        return near or tuple(words) in self.short or self.touch(turn) or not self.formulas.isdisjoint(formulas(turn))

    def are_answered_by(self, answer: str) -> bool:
        """Whether an answer defines a function that a question wants, works out its sum or formula, or holds the very query that answers one."""
        if not self.sums.isdisjoint(expressions(answer)) or not self.formulas.isdisjoint(formulas(answer)):
            return True
        if any(name in self.functions for name in re.findall(r"def (\w+)\(", answer)):
            return True
        return bool(self.queries) and not self.queries.isdisjoint(map(normalised_query, queries_in(answer)))


def read_corpus(folder: Path) -> Iterator[Document]:
    """Every document of every `*.jsonl` and `*.jsonl.gz` file of the folder, in a stable order."""
    files = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not files:
        raise FileNotFoundError(f"no .jsonl or .jsonl.gz file in {folder}")
    for path in files:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    row = json.loads(line)
                    yield Document(row["text"], row.get("source", path.name), _kind(path.name, row.get("lang", "es")))


def is_held_out(document: Document) -> bool:
    """Whether the document belongs to the held-out share: decided by its content, so that it never changes."""
    digest = hashlib.sha256(document.text.encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_ONE_IN == 0


def weight(document: Document) -> float:
    """How many times the document is read in one pass; below 1 it is the share of the source that is read."""
    return next((value for prefix, value in SOURCE_WEIGHTS if document.source.startswith(prefix)), 1.0)


def repetitions(document: Document, draw: float) -> int:
    """Copies of the document in one pass, `draw` being uniform in [0, 1)."""
    whole, share = divmod(weight(document), 1.0)
    return int(whole) + (draw < share)


def read_held_out_questions(folder: Path | None) -> HeldOutQuestions:
    """The user turns of every `eval.jsonl` below `folder` (rows with `messages`, or with `question` or `prompt`), and what they expect."""
    files = sorted(folder.rglob("eval.jsonl")) if folder and folder.is_dir() else []
    rows = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    asked = [list(_questions(row)) for row in rows]
    words = [normalised_words(question) for turns in asked for question in turns]
    expected = [row["expected"] for row in rows if isinstance(row.get("expected"), dict)]
    return HeldOutQuestions(
        runs=frozenset(run for found in words for run in word_runs(found)),
        short=frozenset(tuple(found) for found in words if 0 < len(found) < RUN_WORDS),
        files=len(files),
        questions=len(words),
        bags=tuple(frozenset(found) for found in words),
        functions=frozenset(name for one in expected for key in ("function", "entry_point") for name in _one_or_more(one.get(key))),
        sums=frozenset(sum_ for turns in asked if turns for sum_ in expressions(turns[-1])),
        formulas=frozenset(
            formula
            for row, turns in zip(rows, asked, strict=True)
            if isinstance(row.get("expected"), dict) and "answer" in row["expected"]
            for question in turns
            for formula in formulas(question)
        ),
        queries=frozenset(normalised_query(query) for one in expected for query in _one_or_more(one.get("sql"))),
    )


def expressions(text: str) -> set[str]:
    """The sums, differences and products of whole numbers or fractions in a text: '3 × 17' and '3*17' are '3·17'; powers with them."""
    found = re.findall(r"(?<![\w.^/])\d+(?:/\d+)?(?:\s*[-+·×*÷]\s*\d+(?:/\d+)?(?![\w^])|\^\d+(?!\w))+", text)
    return {re.sub(r"\s", "", one).replace("×", "·").replace("*", "·") for one in found}


def formulas(text: str) -> set[str]:
    """The formulas of a text without blanks, each side of an equation by itself, or whole where a side is short.

    'Deriva f(x) = 3x^2' has '3x^2', 'si x - 9 = 12' has 'x-9=12'. Fewer than four signs tell no question from another."""
    text = re.sub(r"%\s*de\s+", "%·", text.lower().replace("×", "·").replace("*", "·").replace("−", "-").replace("$", ""))
    text = re.sub(r"(?<=[\w)])\s+[aeouy](?=\s|$)|(?<!\w)[aeouy]\s+(?=[\d(])", ",", text)  # the words a, e, o, u, y
    found = set()
    for run in re.findall(r"(?:\d+(?:\.\d+)?|(?<![^\W\d_])[a-z](?![^\W\d_])|[-+·/^%√()=<>]|(?<=\S) (?=\S))+", text):
        sides = [side.strip("+·/ ").replace(" ", "") for side in re.split("[=<>]+", run)]
        for side, other in zip(sides, [*sides[1:], ""], strict=True):
            operates = re.search(r"[-+·/^√]", side) is not None
            if operates and re.search(r"\d", side) and (len(side) >= 4 or re.fullmatch(r"\d+\^\d+|√\d+", side)):
                found.add(side)
            elif other and (operates or re.search(r"\d[a-z]", side)):
                found.add(f"{side}={other}")
    return found


def queries_in(text: str) -> list[str]:
    """The SQL statements of a text, in a fence or not: from a keyword to a semicolon, a blank line, a comment or a fence."""
    found = re.findall(
        r"(?:^|(?<=;))[ \t]*((?:SELECT|INSERT|UPDATE|DELETE|CREATE|WITH)\b.*?)(?=;|\n\s*\n|```|\n--|\Z)", text, re.DOTALL | re.MULTILINE
    )
    return [statement.strip() for statement in found]


def normalised_query(query: str) -> str:
    """A query without case, aliases, punctuation at its end or spare blanks."""
    plain = re.sub(r"\bas\s+\w+|\b\w+\.|\b[a-z]\b(?!')", " ", query.lower().strip().rstrip(";"))
    return re.sub(r"\s*([,()=<>])\s*", r"\1", " ".join(plain.split())).replace(" ,", ",")


def normalised_words(text: str) -> list[str]:
    """Words in lower case without accents or punctuation: 'Qué  hace f(x)?' -> que, hace, f, x."""
    return re.findall(r"[a-z0-9]+", plain(text))


def plain(text: str) -> str:
    """Lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def word_runs(words: list[str]) -> Iterable[tuple[str, ...]]:
    """Every run of RUN_WORDS consecutive words."""
    return zip(*(words[start:] for start in range(RUN_WORDS)), strict=False)


def _kind(file_name: str, language: str) -> str:
    if file_name.startswith("code"):
        return "código"
    return "prosa" if language == "es" else "otro"


def _one_or_more(value: Any) -> list[str]:
    """What a row expects: nothing, one text, or several that are equally right."""
    return [value] if isinstance(value, str) else [text for text in value or () if isinstance(text, str)]


def _questions(row: dict[str, Any]) -> Iterator[str]:
    for message in row.get("messages", []):
        if message.get("role") == "user":
            yield message["content"]
    yield from (row[key] for key in ("question", "prompt") if isinstance(row.get(key), str))
