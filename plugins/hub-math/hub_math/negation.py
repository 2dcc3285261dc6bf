"""Whether a statement in a text is claimed by its author: not denied, not asked, not supposed, not quoted as somebody's mistake.

Works on words around a place and errs towards "not claimed", since a doubt costs a verdict and a wrong accusation costs trust.
Knows nothing of mathematics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REACH = 400
"""Characters looked at on each side."""


@dataclass(frozen=True)
class Surroundings:
    """The words around a statement."""

    clause: str
    """Before it, from the last full stop, semicolon, colon or line break."""
    sentence: str
    """Before it, from the end of the sentence before."""
    previous: str
    """The sentence before, when it stands on the same line or introduces this one."""
    rest: str
    """After it, to the end of the sentence with its mark."""
    following: str
    """The sentence after that."""


def doubt_about(text: str, start: int, end: int) -> str:
    """Why the statement at these positions may not be its author's claim; empty when there is no reason."""
    around = surroundings(text, start, end)
    if _OPEN_QUESTION.search(around.sentence) or _asks(around.rest):
        return "a question"
    everything = f"{around.sentence} · {around.rest}"
    if _FAULT.search(everything) or _FAULT.search(around.previous):
        return "a mistake is spoken of"
    if _REFERS.match(around.following.lstrip()) and (
        _FAULT.search(around.following) or _DENIAL.search(around.following[:40]) or _TAKEN_BACK.match(around.following.lstrip())
    ):
        return "it is taken back"
    if _DENIAL.search(_after_turn(around.clause)) or _DENIAL_AFTER.search(around.rest):
        return "a denial"
    if _CONDITION.search(around.clause) or _SUPPOSITION.search(around.clause) or _CONDITION_AFTER.search(around.rest):
        return "a supposition"
    if _QUOTATION.search(around.clause) or _SECOND_PERSON.search(around.clause) or _SECOND_PERSON.search(around.rest[:60]):
        return "a quotation"
    introduced = _introduction(around)
    if _QUOTATION.search(introduced) or _SECOND_PERSON.search(introduced) or _SOMEBODY_DID.search(f"{introduced} {around.sentence}"):
        return "a quotation"
    if text[:start].rstrip(" $*")[-1:] in _QUOTES and text[end : end + 8].lstrip(" $*.")[:1] in _QUOTES:
        return "between quotation marks"
    if _CROSS.search(around.rest) or _CROSS_BEFORE.search(around.sentence) or text[max(0, start - 2) : start] == "~~":
        return "crossed out"
    if in_exercise(text, start) or _is_set_to_judge(text, start):
        return "an exercise"
    if _in_column_of_attempts(text, start):
        return "a table of attempts"
    return ""


def _introduction(around: Surroundings) -> str:
    """What stands before a colon right before the statement, on its line or the one before: "Lo que hiciste: 2³ = 6"."""
    if _STEP.match(around.sentence):
        return ""  # "Paso 1: Restaste 3: ..." tells what is right
    if not around.clause.strip(" *_$\ue000") and around.clause != around.sentence:
        return around.sentence
    if not around.sentence.strip(" *_$>\ue000-"):
        return around.previous if around.previous.rstrip(" *_").endswith(":") else ""
    return ""


def _is_set_to_judge(text: str, place: int) -> bool:
    """Whether a place follows an order to find out what is true: "Corrige las siguientes igualdades: ...", to the end of the paragraph."""
    begin = max(text.rfind("\n\n", 0, place), place - 1500, 0)
    last = None
    for found in _TO_JUDGE.finditer(text, begin, place):
        last = found
    return last is not None and re.search(r"[:?\n]", text[last.end() - 1 : place]) is not None


def _in_column_of_attempts(text: str, place: int) -> bool:
    """Whether a place lies in a table of which the head speaks of somebody's work or of mistakes."""
    line = text.rfind("\n", 0, place) + 1
    if text[line : line + 8].strip()[:1] != "|":
        return False
    for _ in range(40):
        above = text.rfind("\n", 0, max(0, line - 1)) + 1
        if line == 0 or "|" not in text[above : line - 1][:1000]:
            break
        line = above
    head = text[line : line + 400].partition("\n")[0]
    return bool(_FAULT.search(head) or _QUOTATION.search(head) or _SECOND_PERSON.search(head) or _ATTEMPTS.search(head))


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether a value at these positions is said not to be the one: "el resultado no es 5"."""
    around = surroundings(text, start, end)
    return bool(_DENIAL.search(_after_turn(around.clause)) or _DENIAL_AFTER.search(around.rest))


def is_asked(text: str, start: int, end: int) -> bool:
    """Whether the sentence at these positions is a question."""
    around = surroundings(text, start, end)
    return _OPEN_QUESTION.search(around.sentence) is not None or _asks(around.rest)


def is_affirmed(text: str, start: int, end: int) -> bool:
    """Whether the sentence agrees with somebody: "Sí, 22 - 11 = 3"."""
    around = surroundings(text, start, end)
    return bool(_AGREEMENT.match(around.sentence.lstrip(" *¡"))) and not _BUT.search(around.sentence)


def in_exercise(text: str, place: int) -> bool:
    """Whether a place lies in the part that gives the learner something to do."""
    found = _EXERCISE.search(text, max(0, place - 3000), place)
    last = None
    while found is not None:
        last = found
        found = _EXERCISE.search(text, found.end(), place)
    return last is not None and not re.search(r"\n[ \t]*\n", text[last.end() : place])


def exercise_begins(text: str) -> int:
    """Where the last part begins when it only gives the learner something to do; the length of the text when there is none."""
    last = None
    for found in _EXERCISE.finditer(text, max(0, len(text) - 6000)):
        last = found
    return last.start() if last is not None else len(text)


def surroundings(text: str, start: int, end: int) -> Surroundings:
    """The words around the positions ``start`` to ``end``."""
    before = text[max(0, start - REACH) : start]
    after = text[end : end + REACH]
    borders = [found.end() for found in _SENTENCE_END.finditer(before)]
    sentence = before[borders[-1] :] if borders else before
    previous = ""
    if borders:
        earlier = before[: borders[-1]]
        stripped = earlier.rstrip(" \t\n")
        starts = [found.end() for found in _SENTENCE_END.finditer(stripped[:-1])]
        last = stripped[starts[-1] if starts else 0 :]
        same_line = "\n" not in earlier[len(stripped) :]
        if same_line or stripped.endswith((":", ",")) or not stripped.endswith((".", "!", "?", ";")):
            previous = last if same_line or stripped.endswith((":", ",")) else ""
    clauses = [found.end() for found in _CLAUSE_END.finditer(sentence)]
    clause = sentence[clauses[-1] :] if clauses else sentence
    stop = _SENTENCE_STOP.search(after)
    rest = after[: stop.end()] if stop else after
    remaining = after[stop.end() :] if stop else ""
    second = _SENTENCE_STOP.search(remaining.lstrip(" \t\n"))
    following = remaining.lstrip(" \t\n")[: second.end()] if second else remaining.lstrip(" \t\n")
    return Surroundings(clause, sentence, previous, rest, following)


def _asks(rest: str) -> bool:
    """Whether a sentence that ends like this is a question from its beginning, or asks for agreement."""
    if not rest.rstrip(' )»"*').endswith("?"):
        return False
    return "¿" not in rest or _TAG_QUESTION.search(rest) is not None


def _after_turn(clause: str) -> str:
    """What is left of a clause after "sino", "but" and the like, which end the reach of a denial."""
    turns = [found.end() for found in _TURN.finditer(clause)]
    return clause[turns[-1] :] if turns else clause


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


_SENTENCE_END = re.compile(r"[.!?…][)\"»”*]{0,3}[ \t]+|\n|;[ \t]")
_CLAUSE_END = re.compile(r":[ \t*]+|;[ \t]")
_SENTENCE_STOP = re.compile(r"[.!?…](?=[)\"»”*]{0,3}(?:[ \t\n]|$))|\n|;")
_TAG_QUESTION = re.compile(
    r"¿[ ]*(?:verdad|no|cierto|correcto|s[ií]|ok|de acuerdo|te parece|est[aá] bien|right)(?!\w)[^?]{0,20}\?", re.IGNORECASE
)
_OPEN_QUESTION = re.compile(r"¿[^?]*$")
_FAULT = _words(
    r"error(?:es)?|errad[oa]s?|err[oó]ne\w*|equivoc\w*|incorrect\w*|fals[oae]\w*|mal|contradic\w*|absurd\w*|imposible\w*"
    r"|impossible|trampa|"
    r"tach\w*|corrig\w*|corrij\w*|correg\w*|"
    r"confu(?:nd|si)\w*|olvid\w*|contraejemplo|no (?:es|ser[ií]a|son|era|est[aá]n?) (?:cierto|verdad\w*|correct\w*|v[aá]lid\w*"
    r"|igual\w*|lo mismo|posible)|"
    r"wrong(?:ly)?|mistake\w*|untrue|invalid|errors?|not (?:true|correct|equal|valid|possible|the same|right)|contradict\w*|"
    r"counterexample|misconception|common pitfall|forgot\w*|forget\w*|inv[aá]lid\w*|no tiene soluci[oó]n|sin soluci[oó]n|no solution"
)
_REFERS = re.compile(
    r"(?:eso|esto|est[ae]|es[ae]|lo cual|lo que|cosa que|pero|aunque|sin embargo|but|that|this|which|it|however|no|fals|incorrect"
    r"|mal|wrong|❌|✗)(?!\w)|(?:fals|incorrect)",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"(?<!\w)(?:(?:no|nunca|jam[aá]s|ni|tampoco)(?:[ ]+[^\W\d_]+){0,3}|(?:en lugar de|en vez de|lejos de|instead of|rather than"
    r"|nada de)(?:[ ]+[^\W\d_]+){0,2}"
    r"|(?:not|never|neither|nor|cannot|(?:is|was|does|do|did|are|were|ca|wo|would|could|should)n['’´]t)(?:[ ]+[^\W\d_]+){0,2})[ "
    r":,«\"(*$]*$",
    re.IGNORECASE,
)
_DENIAL_AFTER = re.compile(
    r"^[^.;\n]{0,30}?(?:(?<!\w)(?:no (?:es|son|ser[ií]a|da|vale|cumple|funciona|sirve|puede)|ser[ií]a (?:falso|incorrecto)|is not"
    r"|isn['’´]t|are not|does not|doesn['’´]t|"
    r"would (?:be|not))(?!\w))",
    re.IGNORECASE,
)
_TURN = _words(r"sino|pero|but|however|rather|s[ií] es|sí|but rather|mas bien|más bien")
_BUT = _words(r"pero|sino|but|however|aunque|although")
_CONDITION = _words(
    r"(?:si|if|whether|unless|siempre que|a menos que|salvo que)(?=(?:(?!(?<!\w)(?:entonces|then|así|luego|so)(?!\w))[^,])*$)"
)
_CONDITION_AFTER = re.compile(
    r"^[ ]*,?[ ]*(?:si y s[oó]lo si|only if|solo si|sólo si|si fuera|if it were|siempre que)(?!\w)", re.IGNORECASE
)
_SUPPOSITION = _words(
    r"sup[oó]n\w*|supong\w*|supuest\w*|imagin\w*|fuera|fuese\w*|fuer[ae]n|ser[ií]an?|dar[ií]an?|habr[ií]a\w*|hubier\w*"
    r"|podr[ií]a\w*|deber[ií]a\w*|"
    r"quiz[aá]s?|tal vez|acaso|parece\w*|adivin\w*|hip[oó]tesis|conjetur\w*|"
    r"suppos\w*|assum\w*|imagine\w*|perhaps|maybe|were to|guess\w*|hypothes\w*|pretend\w*|seems?"
)
_QUOTATION = _words(
    r"dices|dijo|dijeron|dicen|dice que|afirma\w*|asegura\w*|cree[ns]?|crees|cre[ií]\w*|piensa[ns]?|pensar|pensaron|creer"
    r"|escribi[oó]|escriben|escribieron|"
    r"puso|pusieron|ponen|te (?:da|dio|sali[oó]|sale|qued[oó])|le (?:dio|sali[oó])|me (?:da|dio|sale|sali[oó])|obtuvo|alguien"
    r"|alguno\w*|tu (?:cuenta|respuesta|resultado|suma|resta|ecuaci[oó]n)|"
    r"claims?|claimed|thinks?|thought|believes?|your (?:answer|equation|work|result|sum)|you (?:wrote|said|got|put)|someone|some "
    r"people|people (?:say|write|think)"
)
_SECOND_PERSON = _words(
    r"escribiste|pusiste|dijiste|hiciste|calculaste|sumaste|restaste|multiplicaste|dividiste|obtuviste|pensaste|creíste|creiste"
    r"|anotaste|usaste|despejaste|"
    r"(?!(?:ex|cons|ins|as|res|subs|pers|des)iste)[^\W\d_]{2,}(?:aste|iste)s?|lo tuyo|"
    r"tu (?:paso|procedimiento|soluci[oó]n|operaci[oó]n)|"
    r"aplicaste|olvidaste|llegaste|respondiste|contestaste|planteaste|supusiste|cometiste|propusiste|afirmaste|mencionaste"
    r"|indicaste|cambiaste|juntaste|elevaste"
)
_STEP = re.compile(r"[ \t>*_#-]{0,8}(?:paso|step|etapa)[ ]*[0-9]|[ \t>*_#-]{0,8}(?:comprobaci|verificaci|check)", re.IGNORECASE)
_TAKEN_BACK = re.compile(r"(?:eso|esto|that|this)[ ]+(?:no|tampoco|is not|isn['’]t|doesn['’]t|does not)(?!\w)", re.IGNORECASE)
_SOMEBODY_DID = _words(
    r"(?:un[ao]?s?|alg[uú]n\w*|much[ao]s|vari[ao]s|otr[ao]s?|some|many|a)[ ]+(?:alumn|estudiant|compa[ñn]er|amig|persona|student)\w*"
    r"(?:[ ]+[^\W\d_]+){0,2}[ ]+(?:suma|resta|hizo|hicieron|hace|escrib|multiplic|divid|calcul|resolv|resuelv|puso|ponen|aplic"
    r"|simplific|cancel|distribuy|comet|did|wrote)\w*"
    r"|dice el (?:enunciado|libro|problema)"
)
_QUOTES = ("«", "»", '"', "“", "”", "‘", "’")
_CROSS = re.compile(r"^[^\n]{0,40}?[❌✗✘✖]|^~~")
_CROSS_BEFORE = re.compile(r"[❌✗✘✖][^✅✓✔]*$")
_AGREEMENT = re.compile(
    r"(?:sí|si,|exacto|exactamente|correcto|así es|claro|efectivamente|en efecto|muy bien|bien|perfecto|cierto|de acuerdo|tienes "
    r"razón|yes|correct|exactly|right|sure|indeed)(?!\w)",
    re.IGNORECASE,
)
_TO_JUDGE = re.compile(
    r"(?<!\w)(?:(?:corrige|correg[ií]|corrija[ns]?|corregid|detecta|detect[aá]|encuentra|encontr[aá]|busca|busc[aá]|halla|identifica"
    r"|identific[aá]|decide|decid[ií]|se[ñn]ala|se[ñn]al[aá]|indica|indic[aá]|di|dec[ií]|revisa|revis[aá]|comprueba|comprob[aá]|analiza"
    r"|analiz[aá]|clasifica|marca|marc[aá]|tacha|find|correct|spot|decide)(?!\w)[^.:\n]{0,80}"
    r"(?:error|fallo|verdader|fals|ciertas|siguientes (?:cuentas|igualdades|operaciones|afirmaciones)|equalities|mistake|true)\w*"
    r"|(?:opciones|alternativas|options|choices)[*_]*:|(?:elige|eleg[ií]|escoge|escog[eé]|selecciona|seleccion[aá]|choose|pick)(?!\w)[^.:\n]{0,60}"
    r"|cu[aá]l(?:es)?(?!\w)[^?\n]{0,60}(?:correct|verdader|ciert|fals|equivoc)\w*|which[^?\n]{0,60}(?:correct|true|false|wrong)"
    r"|verdadero[ ]o[ ]falso|V[ ]?(?:o|/)[ ]?F|true[ ]or[ ]false)",
    re.IGNORECASE,
)
_ATTEMPTS = _words(r"tu|tuy[ao]|tus|su|alumn\w*|estudiante\w*|intento\w*|hecho|dado|your|student\w*|attempt\w*|antes|✗|❌|no")
_EXERCISE = re.compile(
    r"^[ \t>*#_-]{0,6}(?:te toca|ahora t[uú]|tu turno|int[eé]ntalo|intenta|practica|pr[aá]ctica|ejercicios?(?: propuestos?)?|para "
    r"practicar|reto|desaf[ií]o|prueba t[uú]|"
    r"your turn|now you|try (?:it|this)|practice|exercises?)(?!\w)[^\n:]{0,30}:?",
    re.IGNORECASE | re.MULTILINE,
)
