"""Which language a text is in, by the share of words that every text of a language needs; and those words themselves.

Code, formulas and links are skipped. "Cannot tell" is a result: short texts, bare numbers and code have no language. Knows the
languages of ``LANGUAGES`` and, by their script alone, a few that are written in other letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS: dict[str, frozenset[str]] = {
    "es": _words(
        "a al algo alguien alguna algunas algun algunos ahora ante antes aqui asi aun aunque bien cada casi como con cual cuales "
        "cualquier cuando cuanta cuantas cuanto cuantos de debe del desde despues donde dos e el ella ellas ellos en entonces entre "
        "era eran eres es esa esas ese eso esos esta estaba estan estar estas este esto estos estoy fue gran ha hace hacen hacer "
        "hacia han has hasta hay haz he hola igual ir la las le les lo los luego mas me menos mi mientras mis mismo mucho muchos muy "
        "nada ni no nos nosotros nuestra nuestro o otra otras otro otros para pero poco por porque primero pues puede pueden puedes "
        "puedo que quien quiero quiere quieres sea segun ser si sido siempre sin sino sobre son soy su sus tal tambien tan tanto te "
        "tengo ti tiene tienen tienes todas todo todos tu tus un una unas uno unos usa va vamos vas veces ver vez y ya yo dame dime "
        "necesito dan da dar cosa cosas solo sola solos solas sale salen hago dice dicen digo entiendo explica explicame muestra "
        "muestrame escribe calcula resuelve"
    ),
    "en": _words(
        "the of to that it was you are have this which be what how they we your can will there has their would its our these does did "
        "who were them than also so my he she his her a an do just should could into because each many much out up some more first"
    ),
    "fr": _words(
        "le la les des du de un une et est que qui dans pour sur pas plus par ce cette avec nous vous ils elle elles sont ne se au "
        "aux mais ou son sa ses leur comme tout fait etre il je tu mon ton votre notre deux combien chaque donc alors"
    ),
    "de": _words(
        "der die das und ist nicht ein eine einen einem einer zu den dem von mit sich auf fur im auch es an als wie wir sie ich du er "
        "werden wird sind hat haben kann aber nach bei oder wenn nur noch aus dass wurde so jede jeder viele"
    ),
    "pt": _words(
        "o os um uma uns umas e em no na nos nas do da dos das ao pelo pela que nao com para por mais como mas foi ele ela eles seu "
        "sua isso este esta esse essa muito tambem sao tem ser quando quem ja voce eu de se quantos quantas cada entao ate"
    ),
    "it": _words(
        "il lo la gli le cui un uno una di del della dei delle da in con su per che non e sono come piu ma anche questo questa nel "
        "nella al alla si ha hanno essere tra quando dove chi loro suo sua ogni quanti quante ci quindi perche"
    ),
    "ca": _words(
        "el la els les un una uns unes de del dels que en amb per no es son com mes pero tambe aquest aquesta al als seu seva molt "
        "quan qui ser ha han he hi ho quants quantes cada doncs perque aixo si"
    ),
    "gl": _words(
        "o os a un unha uns unhas e de do da dos das no na nos nas ao aos que en con por para non mais como pero tamen este esta seu "
        "sua moi cando onde quen ser ten son foi ou se xa eu ti cantos cantas cada polo pola"
    ),
}
"""Language -> words without accents. Words that are also keywords of Python or SQL (and, or, in, from, is ...) are left out of
English, so that bare code does not read as English."""

LANGUAGES = tuple(STOP_WORDS)
SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "ARABIC": "ar", "HEBREW": "he", "THAI": "th"}
"""First word of a character's Unicode name -> the most spoken language of that script."""

LONGEST = 20_000
"""Characters looked at: plenty to tell a language, and a bound for hostile texts."""

FEWEST_WORDS = 4
"""Shorter texts have no certain language."""


@dataclass(frozen=True)
class Guess:
    """What language a text seems to be in."""

    language: str
    """ISO 639-1 code, or an empty string: cannot tell."""
    share: float
    """Share of the words that are stop words of that language, 0 to 1."""
    words: int
    """Words of prose that were looked at."""
    scores: dict[str, float]
    """Language -> sum over its stop words in the text, each divided by the number of languages that share it."""


def guess_language(text: str) -> Guess:
    """The language with the most stop words, if there are enough and they are clearly more than any other's."""
    text = prose(text)
    script = _script(text)
    words = _WORD.findall(_without_accents(text))
    if script:
        return Guess(script, 1.0, max(len(words), 1), {})
    scores = dict.fromkeys(LANGUAGES, 0.0)
    stops = [(count, _LANGUAGES_OF[word]) for word, count in Counter(words).items() if word in _LANGUAGES_OF]
    for count, languages in stops:
        for language in languages:
            scores[language] += count / len(languages)
    second, most = sorted(scores.values())[-2:]
    best = max(scores, key=scores.__getitem__)
    if len(words) < FEWEST_WORDS or most == 0:
        return Guess("", 0.0, len(words), scores)
    hits = sum(count for count, languages in stops if best in languages)
    certain = most >= 1.0 and hits >= 0.1 * len(words) and most >= 1.2 * second
    return Guess(best if certain else "", hits / len(words), len(words), scores)


def is_language(text: str, language: str) -> bool | None:
    """Whether the text is in ``language``; None when that cannot be told with certainty, as for code, names and numbers.

    False only for at least 8 words of prose in which another language has at least twice the stop words."""
    if language not in STOP_WORDS:
        guess = guess_language(text)
        return guess.language == language if guess.language in SCRIPTS.values() and language in SCRIPTS.values() else None
    guess = guess_language(text)
    if guess.language == language:
        return True
    if guess.language in SCRIPTS.values():
        return False
    other = guess.scores.get(guess.language, 0.0)
    if guess.language and guess.words >= 8 and other >= 3.0 and other >= 2 * guess.scores.get(language, 0.0):
        return False
    return None


def prose(text: str) -> str:
    """The first ``LONGEST`` characters without code, formulas, links and words in capitals (SQL).

    A code block that is never closed ends the prose."""
    text = text[:LONGEST]
    if not _MAYBE_NOT_PROSE.search(text):
        return text
    text = _NOT_PROSE.sub(" ", text)
    return "\n".join([line for line in text.split("\n") if CODE_DENSITY * len(_CODE_MARK.findall(line)) < len(line.strip())])


CODE_DENSITY = 14
"""A line with a bracket, an equals sign or the like for every so many characters is code or a formula, fenced or not."""


_MAYBE_NOT_PROSE = re.compile(r"[`$\\<>~|=(){}\[\];_]|[A-Z]{2}|://|www\.|:$|\b(?:def|return|import|elif)\b", re.MULTILINE)
"""Where this finds nothing, there is nothing to take out: a quick look that spares most texts the thorough one."""

_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)"
    r"|~~~.*?(?:~~~|\Z)"
    r"|`[^`\n]{1,400}`"
    r"|\$\$[^$]{1,2000}\$\$"
    r"|\$(?=\S)[^$\n]{1,400}(?<=\S)\$(?!\d)"
    r"|\\\[.{1,600}?\\\]"
    r"|\\\(.{1,400}?\\\)"
    r"|<\|[^|<>\n]{1,40}\|>"
    r"|\b(?:https?://|www\.)\S{1,400}"
    r"|\b[A-Z]{2,30}\b",
    re.DOTALL,
)
_CODE_MARK = re.compile(r"[=(){}\[\];<>_|]|:$|\b(?:def|return|import|elif|SELECT|FROM|WHERE|JOIN|GROUP BY|ORDER BY)\b")
_WORD = re.compile(r"(?<![\w.])[^\W\d_]+(?!\w|\.\w)|[¿¡]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, words in STOP_WORDS.items() if word in words) for words in STOP_WORDS.values() for word in words
} | {"¿": ("es",), "¡": ("es",)}


def _without_accents(text: str) -> str:
    return text.lower() if text.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def _script(text: str) -> str:
    """Language of a script other than Latin that most letters of the text belong to, or an empty string."""
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return ""
    latin = sum(map(len, _LATIN.findall(text)))
    if 2 * len(foreign) < latin:  # such a letter stands for about half a word, a Latin one for a fifth
        return ""
    named = Counter(SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0], "") for letter in foreign[:2000])
    if named["ja"]:
        return "ja"
    return max(named, key=lambda language: named[language])


_FOREIGN = re.compile("[\u0400-\u052f\u0590-\u05ff\u0600-\u06ff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
