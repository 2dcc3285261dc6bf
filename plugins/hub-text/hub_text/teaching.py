"""How a reply teaches, as far as a rule can tell: warnings that are counted and never decide.

What each rule sees is in the words of the reply, so it can be wrong about any single one; a rate over many says something. Knows Spanish
and English. Knows nothing of verdicts and of the subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters_hub import Attempt
from adapters_hub.languages import LONGEST, STOP_WORDS, guess_language, is_language
from hub_text.revealing import gives_away

GUIDED = "guiado"


def warnings_of(attempt: Attempt, spoken: str, language: str, budget_words: int) -> tuple[str, ...]:
    """Codes of what is worth a rate. ``spoken``: the prose of the reply; ``language``: the one it has to be in; no budget: 0."""
    return tuple(_warnings(attempt, spoken, language, budget_words))


def _warnings(attempt: Attempt, spoken: str, language: str, budget_words: int) -> Iterator[str]:
    if attempt.style == GUIDED:
        said = _BLOCK.sub(" ", attempt.answer[:LONGEST]).casefold()  # with its formulas: a question may be full of them
        if not _hands_over(said) and gives_away(attempt):
            yield "gives_answer_away"
        if not _asks(said):
            yield "asks_nothing"
    if budget_words and len(spoken.split()) > budget_words:
        yield "long"
    if _is_mixed(spoken, language):
        yield "mixed_language"
    if language == "es" and _is_harsh(spoken):
        yield "tone"
    if _is_off_topic(attempt, spoken, language):
        yield "off_topic"


# --- asking --------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VERBS = _words(  # of tú, vos and usted where they differ
    "intenta intentá intente prueba probá pruebe calcula calculá calcule escribe escribí escriba revisa revisá revise piensa "
    "pensá piense explica explicá explique dime decime dígame completa completá complete haz hacé haga resuelve resolvé "
    "resuelva comprueba comprobá compruebe verifica verificá verifique compara compará compare mira mirá mire fíjate fijate "
    "fíjese busca buscá busque cuéntame contame cuénteme muéstrame mostrame muéstreme muestra mostrá muestre empieza empezá "
    "empiece comienza comenzá comience sigue seguí siga continúa continuá continúe considera considerá considere observa "
    "observá observe identifica identificá identifique repasa repasá repase corrige corregí corrija dibuja dibujá dibuje "
    "anota anotá anote ordena ordená ordene cambia cambiá cambie agrega agregá agregue añade añadí añada usa usá use ejecuta "
    "ejecutá ejecute practica practicá practique modifica modificá modifique adapta adaptá adapte reescribe reescribí "
    "reescriba traduce traducí traduzca convierte convertí convierta suma sumá sume resta restá reste multiplica multiplicá "
    "multiplique divide dividí divida simplifica simplificá simplifique factoriza factorizá factorice despeja despejá despeje "
    "aplica aplicá aplique sustituye sustituí sustituya reemplaza reemplazá reemplace encuentra encontrá encuentre halla "
    "hallá halle determina determiná determine lista listá liste cuenta contá cuente obtén obtené obtenga elige elegí elija "
    "lee leé lea recuerda recordá recuerde acuérdate acordate imagina imaginá imagine razona razoná razone justifica "
    "justificá justifique describe describí describa define definí defina inténtalo intentalo inténtelo pruébalo probalo "
    "pruébelo hazlo hacelo hágalo escríbelo escríbela compruébalo comprobalo revísalo revísala resuélvelo resuélvela trata "
    "tratá trate pon poné ponga toma tomá tome traza trazá trace nota separa separá separe agrupa agrupá agrupe"
) | _words(
    "try think check calculate write review explain tell complete solve verify compare look find show start begin continue "
    "consider observe identify correct draw note change add use run practice rewrite compute remember recall notice walk go "
    "double-check recheck reconsider revisit take read count describe subtract multiply divide simplify break focus pay"
)
"""What a tutor tells a learner to do, where such words begin a clause."""
_TURN = re.compile(
    r"\b(?:te toca|tu turno|ahora t[úu]|ahora usted|ahora vos|prueba t[úu]|probá vos|intenta t[úu]|inténtalo|pruébalo|hazlo t[úu]"
    r"|para pensar|para practicar|reto|ejercicio|desafío|your turn|now you try|try it yourself|try this)\b"
)
_TURN_HINTS = ("toca", "turn", "ahora ", "prueba t", "probá", "intent", "pruéb", "hazlo", "para p", "reto", "ejercicio", "desaf", "try ")
"""Quick to look for; where none of them is, neither is a match."""
_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CLAUSE = re.compile(
    r"(?:^|[.:;!?…»)\n,]\s{0,4}|\b(?=(?:y|e|and|then)\s))"
    r"(?:(?:y|e|pero|luego|después|ahora|primero|and|then|now|first|but|so|please|por favor)\s{1,4})?[«\"'¡*_-]{0,3}([\w-]+)",
    re.MULTILINE,
)
_SUGGESTION = re.compile(
    r"\b(?:puedes|podrías|podés|debes|deberías|tienes que|tenés que|necesitas|intentemos|veamos|revisemos|pensemos"
    r"|can you|could you|you can|you could|you should|you (?:just |only )?(?:need|have) to|make sure|let's)\b"
)
_SUGGESTION_HINTS = (
    "puedes",
    "podr",
    "podés",
    "debes",
    "deberías",
    "tienes que",
    "tenés que",
    "necesitas",
    "emos",
    "amos",
    "you",
    "make sure",
    "let's",
)


def _hands_over(lower: str) -> bool:
    """A question, or the words with which a tutor gives the learner the next move. "Let's try again" is not enough."""
    return "?" in lower or (any(word in lower for word in _TURN_HINTS) and _TURN.search(lower) is not None)


def _asks(lower: str) -> bool:
    """A question or an instruction, wherever it stands."""
    if _hands_over(lower) or (any(word in lower for word in _SUGGESTION_HINTS) and _SUGGESTION.search(lower)):
        return True
    return any(found[1] in _VERBS for found in _CLAUSE.finditer(lower))


# --- tone ----------------------------------------------------------------------------------------


def _is_harsh(text: str) -> bool:
    """A quick look for the words, then a thorough one at what is said with them."""
    lower = text.casefold()
    return any(word in lower for word in _HARSH) and _TONE.search(lower) is not None


_HARSH = re.split(
    r"\|",
    "obvi|evidente|trivial|fácil|facil|tonter|cualquiera|hasta un niño|tont|idiota|estúpid|imbécil|burr|torpe|inútil|ignorante|bobo"
    "|boba|lent|vag|floj|brut|saber|te lo |no entiendes|qué pregunta|presta más|ni idea",
)
_TONE = re.compile(
    r"(?<!no )(?<!nada )\b(?:es|era|resulta)\s+(?:muy\s+|tan\s+|bastante\s+)?(?:obvio|evidente|trivial|facil[íi]simo|una tontería)\b"
    r"|(?<!no )\bes\s+(?:muy\s+|tan\s+|bastante\s+)?fácil(?!\s+(?:de\b|confund|equivoc|olvid|err|ca[ei]r|cometer|que\s+(?:se|te|uno)))"
    r"|\bobviamente\b|\btrivialmente\b|\bcualquiera\s+(?:lo\s+)?(?:sabe|puede|entiende)\b|\bhasta un niño\b"
    r"|\b(?:eres|sos|es usted|seas|qué)\s+(?:tan\s+|muy\s+|un\s+|una\s+|más\s+)?"
    r"(?:tont[oa]|idiota|estúpid[oa]|imbécil|burr[oa]|torpe|inútil|ignorante|bobo|boba|lent[oa]|vag[oa]|flojo|floja|brut[oa])\b"
    r"|\b(?:idiota|imbécil|estúpid[oa])\b"
    r"|\b(?:deberías|tendrías que|ya deberías) (?:ya )?saber(?:lo)?\b|\b(?:ya )?te lo (?:he dicho|dije)\b|\bno entiendes nada\b"
    r"|\bqué pregunta tan\b|\bpresta más atención\b|\bno tienes ni idea\b"
)
"""Insults, and words that make a difficulty look like the learner's fault. Sympathy is let pass: "es fácil confundirse"."""


# --- language and subject ------------------------------------------------------------------------


def _is_mixed(text: str, language: str) -> bool:
    """A paragraph that is certainly in another language, beside others."""
    paragraphs = [paragraph for paragraph in text.split("\n") if len(paragraph) >= SHORTEST]
    if language not in STOP_WORDS or len(paragraphs) < 2:
        return False
    if max((score for other, score in guess_language(text).scores.items() if other != language), default=0.0) < CERTAIN:
        return False
    return any(is_language(paragraph, language) is False for paragraph in paragraphs[:200])


SHORTEST = 40
"""Characters of a paragraph that can have a certain language."""
CERTAIN = 3.0
"""Stop words of another language without which ``is_language`` is never certain of it."""


_WORD = re.compile(r"[^\W\d_]+|\d+")
STEM = 4
"""Letters that decide whether two words are the same: ``sumar`` and ``suma`` are, and more agree than should, since in doubt it is no
fault."""
FEWEST_TERMS, FEWEST_WORDS = 4, 15


def _is_off_topic(attempt: Attempt, spoken: str, language: str) -> bool:
    """A longer reply that takes up no word, number or name of a question that has several, nor of anything said before."""
    stops = STOP_WORDS.get(language)
    if stops is None:
        return False
    said = _plain(attempt.answer[:LONGEST])
    terms = set()
    for word in _WORD.findall(_plain(attempt.question[:LONGEST])):
        if len(word) >= STEM and word not in stops:
            if word[:STEM] in said:  # the usual case
                return False
            terms.add(word)
    if len(terms) < FEWEST_TERMS or len(spoken.split()) < FEWEST_WORDS:
        return False
    known = "\n".join(turn.content for turn in attempt.messages if turn.role != "system")
    return _stems(attempt.answer, stops).isdisjoint(_stems(known, stops))


def _stems(text: str, stops: frozenset[str]) -> set[str]:
    """Beginnings of its words, and its numbers."""
    words = set(_WORD.findall(_plain(text[:LONGEST])))
    return {word[:STEM] for word in words if word not in stops and (len(word) > 2 or word.isdigit())}


def _plain(text: str) -> str:
    text = text.casefold()
    for accented, plain in _ACCENTS:  # a handful of passes in C: faster than a table, which is looked up for each character
        text = text.replace(accented, plain)
    return text


_ACCENTS = tuple(zip("áéíóúüàèòçâêôãõ", "aeiouuaeocaeoao", strict=True))
