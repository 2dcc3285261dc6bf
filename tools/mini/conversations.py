"""Synthetic tutor conversations in Latin American Spanish: subjects, system turns, small talk, refusals, 'no sé'.

Knows how exchanges become conversations. Deliberately knows nothing of tokens and never reads a tutor's files, except
that it asks `corpus.HeldOutQuestions` which conversations to drop.
"""

from collections.abc import Iterator
from random import Random

from . import algorithms, glossary, mathematics
from .corpus import HeldOutQuestions
from .exchange import Exchange, ask
from .functions import complexity_exchange, function_exchange
from .python_tasks import python_exchange
from .retrieval import retrieval_exchange, system_facts
from .schemas import schema_conversation
from .sql_tasks import sql_exchange
from .steps import drill, steps_exchange
from .tokenizer import END

Message = dict[str, str]
Conversation = list[Message]

SUBJECT_NAMES: dict[str, tuple[str, ...]] = {
    glossary.MATHEMATICS: ("matemática", "matemáticas", "álgebra y aritmética", "matemática escolar", "números y ecuaciones"),
    glossary.STRUCTURES: ("estructuras de datos", "algoritmos", "algoritmos y estructuras de datos", "estructuras de datos y algoritmos"),
    glossary.PYTHON: ("Python", "programación en Python", "programación", "introducción a la programación"),
    glossary.SQL: ("SQL", "bases de datos", "SQL y bases de datos", "consultas SQL"),
}
ROLES = (
    "un tutor",
    "una tutora",
    "un profesor",
    "una profesora",
    "un asistente",
    "un ayudante",
    "un guía",
    "un tutor paciente",
    "una tutora amable",
    "un docente",
    "un compañero de estudio",
    "un tutor virtual",
    "una asistente",
)
MANNERS = (
    "Responde en español.",
    "Responde con frases cortas.",
    "Explica paso a paso.",
    "Sé breve y claro.",
    "Muestra los pasos.",
    "Usa un lenguaje sencillo.",
    "Da un ejemplo cuando ayude.",
    "Si no sabes algo, dilo.",
    "No respondas temas ajenos a la materia.",
    "Sé amable.",
    "Usa pocas palabras.",
    "Corrige los errores con respeto.",
    "Contesta solo lo que se pregunta.",
    "Habla como a un principiante.",
    "Termina con la respuesta final.",
    "No inventes datos.",
    "Explica la idea antes del código.",
    "Escribe el código en un bloque.",
    "Pon cada paso en su línea.",
    "Usa los datos de la pregunta.",
    "Comprueba el resultado cuando se pueda.",
    "Si falta un dato, pídelo.",
    "Trata a la persona de tú.",
    "Responde en un solo párrafo si la pregunta es corta.",
    "No uses palabras en inglés sin explicarlas.",
    "Escribe los números con cifras.",
    "Cuando corrijas, di primero qué está bien.",
    "Prefiere ejemplos de la vida diaria.",
)
LEARNERS = (
    "estudiantes de secundaria",
    "principiantes",
    "estudiantes de América Latina",
    "personas adultas que empiezan",
    "estudiantes universitarios",
    "niños de primaria",
    "quienes preparan un examen",
)
GENERAL = (
    "Eres mini, un asistente pequeño que responde en español.",
    "Eres un asistente breve.",
    "Responde en español, con frases cortas.",
    "Eres un tutor que ayuda a estudiar.",
    "Eres un asistente útil.",
    "Ayudas a estudiantes de secundaria.",
    "Eres un tutor de ciencias y programación.",
    "Contesta de forma clara.",
)

OFF_TOPIC = (
    "¿Quién ganó el partido de ayer?",
    "¿Qué opinas de la política de mi país?",
    "Recomiéndame una película.",
    "¿Cómo preparo una torta de chocolate?",
    "¿Qué tiempo hará mañana?",
    "Cuéntame un chisme de famosos.",
    "¿Qué celular me compro?",
    "¿Me conviene invertir en bolsa?",
    "¿Qué medicina tomo para el dolor de cabeza?",
    "Escribe una canción de amor.",
    "¿Cuál es el mejor equipo de fútbol?",
    "¿Dónde puedo comprar zapatos baratos?",
    "¿Quién va a ganar las elecciones?",
    "Dime mi horóscopo.",
    "¿Qué serie veo esta noche?",
    "¿Cómo llego al aeropuerto?",
    "¿Qué le regalo a mi novia?",
    "¿Cuánto cuesta un pasaje a España?",
    "Háblame de tu cantante favorito.",
    "¿Qué cocino hoy?",
    "¿Cómo bajo de peso?",
    "¿Cuál es la capital de Francia?",
    "¿Quién escribió Don Quijote?",
    "Tradúceme una canción.",
    "¿Qué dieta me recomiendas?",
    "¿A qué hora abre el banco?",
    "Cuéntame la historia de Roma.",
    "¿Cómo arreglo mi auto?",
    "¿Qué raza de perro es mejor?",
    "¿Me ayudas a escribir una carta de amor?",
)
UNKNOWN = (
    "¿Cómo se llama mi profesora?",
    "¿Qué nota me voy a sacar en el examen?",
    "¿En qué estoy pensando?",
    "¿Cuántos años tengo?",
    "¿Qué hay en mi cuaderno?",
    "¿Qué hora es?",
    "¿Qué día es hoy?",
    "¿Cuánto dinero tengo en el banco?",
    "¿Qué número va a salir en la lotería?",
    "¿Dónde dejé mis llaves?",
    "¿Qué hice ayer?",
    "¿Qué temas entran en mi examen?",
    "¿Cuál es mi contraseña?",
    "¿Cómo se llama mi perro?",
    "¿Qué va a pasar mañana?",
    "¿Qué dijo mi maestro en la clase?",
    "¿Cuántas personas hay en mi salón?",
    "¿Qué archivo tengo abierto?",
    "¿Cuál fue el resultado de mi tarea?",
    "¿Qué dice la página 40 de mi libro?",
    "¿Cuándo es mi cumpleaños?",
    "¿Qué versión de Python tengo instalada?",
    "¿Cuántas filas tiene mi tabla?",
)

GREETINGS = (
    "Hola",
    "¡Hola!",
    "Buenos días",
    "Buenas tardes",
    "Buenas noches",
    "Hola, ¿cómo estás?",
    "Buenas",
    "¿Qué tal?",
    "Hola, ¿me ayudas?",
    "hola",
    "Hey",
    "Hola, necesito ayuda",
    "Hola, ¿estás ahí?",
    "¿Podemos estudiar un rato?",
    "Quiero practicar",
)
THANKS = (
    "Gracias",
    "¡Muchas gracias!",
    "Gracias, ahora entiendo.",
    "Perfecto, gracias.",
    "Listo, ya entendí.",
    "Mil gracias",
    "ok gracias",
    "Me quedó claro, gracias.",
    "Excelente, gracias.",
)
GOODBYES = ("Adiós", "Chao", "Hasta luego", "Nos vemos mañana", "Me tengo que ir", "Hasta pronto", "Bueno, me voy a dormir")
FEELINGS = (
    "No entiendo nada.",
    "Esto es muy difícil.",
    "Me rindo.",
    "Estoy nervioso por el examen.",
    "Soy malo para esto.",
    "Me frustra no poder resolverlo.",
    "Tengo miedo de equivocarme.",
    "Estoy cansado de estudiar.",
    "Siempre me equivoco.",
)
WHO = (
    "¿Quién eres?",
    "¿Cómo te llamas?",
    "¿Qué eres?",
    "¿Eres una persona?",
    "¿Eres humano?",
    "Preséntate.",
    "¿Qué puedes hacer?",
    "¿En qué me puedes ayudar?",
    "¿Para qué sirves?",
)


def generate_conversations(count: int, seed: int, held_out: HeldOutQuestions) -> Iterator[Conversation]:
    """`count` different conversations, none of which asks a held-out question."""
    rng = Random(seed)
    seen: set[int] = set()
    made = 0
    while made < count:
        conversation = make_conversation(rng)
        key = hash(tuple(message["content"] for message in conversation))
        if key in seen and rng.random() < 0.9:  # a few repeats keep the short greetings alive
            continue
        seen.add(key)
        made += 1
        if not asks_held_out(conversation, held_out):
            yield conversation


def asks_held_out(conversation: Conversation, held_out: HeldOutQuestions) -> bool:
    """Whether a turn of the conversation asks an evaluation question, nearly asks it, or gives the answer that it wants."""
    return any(
        held_out.are_asked_by(m["content"])
        if m["role"] == "user"
        else held_out.touch(m["content"]) or held_out.are_answered_by(m["content"])
        for m in conversation
    )


def make_conversation(rng: Random) -> Conversation:
    """A system turn or none, then one to four exchanges that stay on the subject or are turned away."""
    draw = rng.random()
    if draw < 0.06:
        return _messages(*system_facts(rng))
    if draw < 0.17:
        return _messages(*schema_conversation(rng))
    if draw < 0.45:
        system = _system(rng, None)[0]
        exchanges = [exchange for _ in range(rng.choice((1, 1, 2))) for exchange in retrieval_exchange(rng)]
        return _messages(system, exchanges)
    subject = rng.choices((*SUBJECT_NAMES, None), (40, 14, 24, 6, 8))[0]
    system, on_duty = _system(rng, subject)
    exchanges = []
    if rng.random() < 0.1:
        exchanges.append(greeting(rng, on_duty))
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3))):
        exchanges += _next(rng, subject, on_duty)
    if rng.random() < 0.1:
        exchanges.append(rng.choice((thanks, goodbye))(rng))
    return _messages(system, exchanges)


def _messages(system: str, exchanges: list[Exchange]) -> Conversation:
    messages = [{"role": "system", "content": system}] if system else []
    for exchange in exchanges:
        messages += [{"role": "user", "content": exchange.question}, {"role": "assistant", "content": exchange.answer}]
    return messages


def rendered(conversation: Conversation) -> str:
    """The text of the chat template, for reading; training asks the tokenizer itself."""
    return "".join(f"<|{m['role']}|>\n{m['content']}{END}\n" for m in conversation)


def greeting(rng: Random, subject: str | None) -> Exchange:
    """Hello."""
    about = f" de {subject}" if subject else ""
    return Exchange(
        rng.choice(GREETINGS),
        rng.choice(
            (
                f"¡Hola! ¿Qué quieres aprender hoy{about}?" if not subject else f"¡Hola! ¿Qué tema{about} vemos hoy?",
                f"Hola, ¿en qué te ayudo{about and ' con ' + str(subject)}?",
                "¡Hola! Cuéntame tu duda.",
                f"¡Buenas! Dime qué ejercicio{about} tienes.",
                "Hola. Escribe tu pregunta y la vemos paso a paso.",
                "¡Hola! Estoy listo para ayudarte.",
                "Hola, con gusto. ¿Por dónde empezamos?",
            )
        ),
    )


def thanks(rng: Random) -> Exchange:
    """Thank you."""
    return Exchange(
        rng.choice(THANKS),
        rng.choice(
            (
                "¡De nada! Sigue practicando.",
                "Con gusto. Si tienes otra duda, escríbeme.",
                "¡Me alegra que sirva!",
                "Para eso estoy. ¿Vemos otro ejercicio?",
                "De nada, lo hiciste muy bien.",
                "¡Un placer! Repasa el ejemplo mañana.",
            )
        ),
    )


def goodbye(rng: Random) -> Exchange:
    """See you."""
    return Exchange(
        rng.choice(GOODBYES),
        rng.choice(
            (
                "¡Hasta luego! Buen trabajo hoy.",
                "Nos vemos. Descansa bien.",
                "¡Chao! Vuelve cuando quieras.",
                "Hasta pronto, sigue practicando.",
            )
        ),
    )


def feeling(rng: Random) -> Exchange:
    """Encouragement."""
    return Exchange(
        rng.choice(FEELINGS),
        rng.choice(
            (
                "Es normal al comienzo. Dime en qué paso te detuviste y lo vemos juntos.",
                "Tranquilo, vamos de a poco. ¿Qué parte sí entiendes?",
                "Equivocarse es parte de aprender. Probemos con un ejemplo más fácil.",
                "Respira. Escribe el ejercicio y lo separamos en pasos.",
                "No te rindas: con un paso a la vez se puede. ¿Cuál es el primer dato?",
                "Vas bien por preguntar. Mándame el ejercicio.",
            )
        ),
    )


def who_are_you(rng: Random, subject: str | None) -> Exchange:
    """The model presents itself."""
    about = f"Te ayudo con {subject}." if subject else "Puedo ayudarte con matemática, algoritmos, Python y SQL."
    return Exchange(
        rng.choice(WHO),
        rng.choice(
            (
                "Soy mini, un modelo de lenguaje pequeño.",
                "Me llamo mini y soy un programa, no una persona.",
                "Soy un asistente pequeño llamado mini.",
                "Soy un modelo de lenguaje muy pequeño, así que puedo equivocarme.",
            )
        )
        + " "
        + about,
    )


def refusal(rng: Random, subject: str | None) -> Exchange:
    """A question that is not of the subject: of no subject at all, or of another tutor's."""
    mine = _subject_of(subject)
    if mine and rng.random() < 0.35:
        # programming and algorithms overlap: only what is clearly foreign is turned away
        near = {glossary.PYTHON, glossary.STRUCTURES} if mine in (glossary.PYTHON, glossary.STRUCTURES) else {mine}
        other = rng.choice([s for s in SUBJECT_NAMES if s not in near])
        question = _exchanges_about(rng, other)[0].question
        name = rng.choice(SUBJECT_NAMES[other])
        return Exchange(
            question,
            rng.choice(
                (
                    f"Eso es de {name}, y aquí vemos {subject}. Puedes preguntarle al tutor de {name}.",
                    f"Mi tema es {subject}. Para {name}, consulta al tutor de esa materia.",
                    f"Esa duda es de {name}. Yo solo ayudo con {subject}.",
                    f"Prefiero seguir con {subject}; el tutor de {name} te ayudará mejor con eso.",
                )
            ),
        )
    if subject:
        answer = rng.choice(
            (
                f"Eso no es de {subject}. Solo puedo ayudarte con {subject}.",
                f"Prefiero no salir del tema: aquí vemos {subject}. ¿Tienes una duda de {subject}?",
                f"No puedo ayudarte con eso, mi tema es {subject}.",
                f"Esa pregunta está fuera de mi materia. Pregúntame algo de {subject}.",
                f"Lo siento, solo respondo sobre {subject}.",
                f"De eso no hablo en esta clase. Volvamos a {subject}.",
            )
        )
    else:
        answer = rng.choice(
            (
                "No puedo ayudarte con eso. Puedo ayudarte a estudiar matemática, algoritmos, Python o SQL.",
                "Eso está fuera de lo que sé. ¿Vemos algo de matemática o programación?",
                "Lo siento, ese tema no es el mío. Pregúntame sobre números, código o bases de datos.",
            )
        )
    return Exchange(ask(rng, rng.choice(OFF_TOPIC)), answer)


def dont_know(rng: Random) -> Exchange:
    """A question that nobody could answer from here."""
    return Exchange(
        ask(rng, rng.choice(UNKNOWN)),
        rng.choice(
            (
                "No lo sé, no tengo esa información.",
                "No sé. Eso no lo puedo ver desde aquí.",
                "No lo sé. Si me das los datos, te ayudo a razonar.",
                "No tengo cómo saberlo.",
                "No sé la respuesta y prefiero no inventarla.",
                "Eso no lo sé. ¿Me lo puedes contar tú?",
                "No lo sé, y no quiero adivinar.",
            )
        ),
    )


def _system(rng: Random, subject: str | None) -> tuple[str, str | None]:
    """A system prompt, or none, and the name of the subject it confines the assistant to."""
    draw = rng.random()
    if draw < 0.35:
        return "", None
    manners = " ".join(rng.sample(MANNERS, rng.choice((0, 1, 1, 2, 3, 5, 8))))
    if subject is None or draw < 0.42:
        return f"{rng.choice(GENERAL)} {manners}".strip(), None
    name = rng.choice(SUBJECT_NAMES[subject])
    head = rng.choice(
        (
            f"Eres {rng.choice(ROLES)} de {name}.",
            f"Eres {rng.choice(ROLES)} de {name}.",
            f"Ayudas a estudiar {name}.",
            f"Tu tema es {name}.",
            f"Enseñas {name} a estudiantes.",
            f"Actúa como {rng.choice(ROLES)} de {name}.",
            f"Respondes preguntas de {name}.",
            f"Eres {rng.choice(ROLES)} de {name} para {rng.choice(LEARNERS)}.",
            f"Eres {rng.choice(ROLES)} de {name} para {rng.choice(LEARNERS)}. Si preguntan de otra materia, declina con amabilidad.",
        )
    )
    return f"{head} {manners}".strip(), name


def _next(rng: Random, subject: str | None, on_duty: str | None) -> list[Exchange]:
    """The next exchange of a conversation on `subject`."""
    draw = rng.random()
    if draw < 0.05:
        return [refusal(rng, on_duty)]
    if draw < 0.08:
        return [dont_know(rng)]
    if draw < 0.10:
        return [feeling(rng)]
    if subject is None:
        if draw < 0.3:
            return [
                rng.choice(
                    (
                        lambda: greeting(rng, None),
                        lambda: who_are_you(rng, None),
                        lambda: thanks(rng),
                        lambda: dont_know(rng),
                        lambda: refusal(rng, None),
                    )
                )()
            ]
        subject = rng.choice(tuple(SUBJECT_NAMES))
    elif draw < 0.12:
        return [who_are_you(rng, on_duty)]
    return _exchanges_about(rng, subject)


def _subject_of(name: str | None) -> str | None:
    return next((subject for subject, names in SUBJECT_NAMES.items() if name in names), None)


def _exchanges_about(rng: Random, subject: str) -> list[Exchange]:
    words = rng.choice((glossary.definition, glossary.definition, glossary.usage, glossary.difference, glossary.which_term))
    talk = rng.random()
    if subject == glossary.MATHEMATICS:
        if talk < 0.12:
            return words(rng, subject)
        return drill(rng) if talk < 0.22 else steps_exchange(rng) if talk < 0.75 else [rng.choice(mathematics.MAKERS)(rng)]
    if subject == glossary.STRUCTURES:
        if talk < 0.4:
            return words(rng, subject)
        return complexity_exchange(rng) if talk < 0.5 else function_exchange(rng) if talk < 0.65 else [rng.choice(algorithms.MAKERS)(rng)]
    if subject == glossary.PYTHON:
        return words(rng, subject) if talk < 0.15 else function_exchange(rng) if talk < 0.7 else python_exchange(rng)
    return words(rng, subject) if talk < 0.45 else sql_exchange(rng)
