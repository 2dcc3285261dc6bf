"""Faults of form that make an answer useless in every subject.

Every check takes time proportional to the text, or looks at a bounded part of it. Knows nothing of the subject.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from adapters_hub import Verdict
from adapters_hub.languages import is_language

NAMES = {
    "es": "español",
    "en": "inglés",
    "fr": "francés",
    "de": "alemán",
    "pt": "portugués",
    "it": "italiano",
    "ca": "catalán",
    "gl": "gallego",
}


def fault_of(answer: str, spoken: str, *, language: str, min_words: int, max_words: int, max_repeats: int) -> Verdict | None:
    """The gravest fault, as a verdict with code, reason and hint; None for an answer without one. ``spoken``: its prose."""
    return (
        _empty(answer)
        or _template_token(answer)
        or _runaway_dialogue(answer)
        or _repetition(answer, spoken, max_repeats)
        or _language(spoken, language)
        or _length(answer, min_words, max_words)
    )


def _wrong(code: str, reason: str, hint: str, answer: str = "", span: tuple[int, int] | None = None) -> Verdict:
    extracted = answer[span[0] : span[1]][:200] if span else ""
    return Verdict("incorrect", 0.0, code, reason, hint, extracted, span, "parsed")


# --- empty ---------------------------------------------------------------------------------------


def _empty(answer: str) -> Verdict | None:
    """No letter, digit or symbol at all: white space, invisible characters, punctuation or bare code fences."""
    if _ALPHANUMERIC.search(answer) or any(unicodedata.category(character) in _SYMBOLS for character in answer[:10_000]):
        return None
    return _wrong("empty", "La respuesta está vacía.", "Responde a la pregunta con al menos una frase.")


_SYMBOLS = ("Sm", "So", "Sc", "Nl", "No")
_ALPHANUMERIC = re.compile(r"[^\W_]")


# --- template tokens -----------------------------------------------------------------------------


def _template_token(answer: str) -> Verdict | None:
    """A token of a chat template as text. In closed code, inline or fenced, it is a quotation; a fence left open protects nothing."""
    found = _TOKEN.search(_without_code(answer))
    if found is None:
        return None
    return _wrong(
        "template_token",
        "La respuesta contiene una marca interna del modelo.",
        "Repite la respuesta sin marcas como <|user|> y termina cuando acabes la explicación.",
        answer,
        found.span(),
    )


_TOKEN = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}(?:[|｜]>|>)"
    r"|<[|｜](?:user|assistant|system|end|im_|eot|endoftext)"
    r"|</?s>|<(?:bos|eos|pad|unk|mask)>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|\[(?:PAD|CLS|SEP|UNK)\]|<0x[0-9A-F]{2}>"
    r"|^[ \t]*###[ \t]*(?:Instruction|Response|Input|Instrucción|Respuesta del asistente)[ \t]*:[ \t]*$",
    re.MULTILINE,
)


def _without_code(answer: str) -> str:
    """The answer with closed code blanked out, so that positions stay."""
    return _CODE.sub(lambda found: " " * len(found.group()), answer)


_CODE = re.compile(r"```[^`]*(?:`(?!``)[^`]*|``(?!`)[^`]*)*```|(?<!`)`(?!`)[^`\n]{1,400}`(?!`)")


# --- runaway dialogue ----------------------------------------------------------------------------


def _runaway_dialogue(answer: str) -> Verdict | None:
    """The answer goes on with the learner's next turn.

    A role alone on its line (what is left of a template when its tokens are not printed), a last line that only announces a turn of
    the learner, or a turn of the learner followed by one of the tutor. One labelled line alone may be an example."""
    text = _without_code(answer)
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    learner: re.Match[str] | None = None
    for found in _ROLE_LINE.finditer(text):
        who, rest = found["who"].lower(), found["rest"].strip(" *\t")
        bare = not found["colon"]
        if bare and who not in ("user", "assistant", "system"):
            continue
        is_learner = who in _LEARNERS
        announced = is_learner and not rest and found.end() >= end and found.start() > begin
        if (bare and not rest) or announced or (learner is not None and not is_learner):
            return _wrong(
                "runaway_dialogue",
                "La respuesta sigue sola con otro turno de la conversación.",
                "Responde solo a la última pregunta y no escribas lo que diría el estudiante.",
                answer,
                (learner or found).span(),
            )
        if is_learner and learner is None:
            learner = found
    return None


_LEARNERS = frozenset(("user", "usuario", "usuaria", "human", "humano", "student", "estudiante", "alumno", "alumna"))
_ROLE_LINE = re.compile(
    r"^[ \t>#*]{0,8}(?P<who>user|usuari[oa]|humano?|student|estudiante|alumn[oa]|assistant|asistente|ai|ia|bot|chatbot|tutora?|system)"
    r"[ \t*]{0,8}(?P<colon>:)?(?P<rest>(?(colon)[^\n]*|[ \t]*))$",
    re.MULTILINE | re.IGNORECASE,
)


# --- repetition ----------------------------------------------------------------------------------


def _repetition(answer: str, spoken: str, max_repeats: int) -> Verdict | None:
    """The same four words too often, such repeats making up a third of the prose; or one letter or mark without end.

    Rows of numbers are let pass: a sum of ones, a table, a matrix."""
    run = _RUN.search(_without_code(answer[:100_000]))
    if run is not None:
        return _circles(answer, run.span())
    words = _WORD.findall(spoken.casefold())
    frequent = sum(times for times in Counter(words).values() if times > max_repeats)
    if 3 * frequent < len(words):  # a repeated four begins with a repeated word: a quick look that spares most answers the long one
        return None
    in_fours = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    if max(in_fours.values(), default=0) <= max_repeats:
        return None
    grams = Counter({gram: times for gram, times in in_fours.items() if any(len(word) > 1 and word.isalpha() for word in gram)})
    if not grams:
        return None
    gram, count = grams.most_common(1)[0]
    covered = sum(times for times in grams.values() if times > max_repeats)
    if count <= max_repeats or 3 * covered < len(words):
        return None
    found = re.search(r"\W+".join(map(re.escape, gram)), answer[:100_000], re.IGNORECASE)
    return _circles(answer, found.span() if found else None)


def _circles(answer: str, span: tuple[int, int] | None) -> Verdict:
    return _wrong("repetition", "La respuesta repite lo mismo una y otra vez.", "Di cada idea una sola vez y termina.", answer, span)


_WORD = re.compile(r"\w+")
_RUN = re.compile(r"([^\W\d_])\1{39}|([!?¡¿,;:])\2{19}")


# --- language and length -------------------------------------------------------------------------


def _language(spoken: str, language: str) -> Verdict | None:
    """Wrong only when it is certainly another language."""
    if is_language(spoken, language) is not False:
        return None
    name = NAMES.get(language, language)
    return _wrong("language", f"La respuesta no está en {name}.", f"Responde en {name}.")


def _length(answer: str, min_words: int, max_words: int) -> Verdict | None:
    words = len(answer.split())
    if words > max_words:
        return _wrong("too_long", f"La respuesta es demasiado larga ({words} palabras).", f"Responde en menos de {max_words} palabras.")
    if words < min_words:
        return _wrong(
            "too_short",
            f"La respuesta es demasiado corta ({words} palabras).",
            f"Explica la respuesta en al menos {min_words} palabras.",
        )
    return None
