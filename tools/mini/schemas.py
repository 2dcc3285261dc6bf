"""SQL over invented schemas: the tables stand in the system turn, in the question, or only by name.

Knows SQL and schemas, each with its Spanish words. Deliberately knows nothing of chat formats. A test creates every schema in
SQLite and runs every query.
"""

from dataclasses import dataclass
from random import Random

from .exchange import Exchange, ask, listed
from .retrieval import CITIES, COLOURS, invented


@dataclass(frozen=True)
class Column:
    """A column as the database and as a person name it."""

    name: str
    """identifier"""
    said: str
    """with its article: 'la edad'"""
    values: tuple[str, ...] = ()
    """texts that it can hold; empty for numbers"""


@dataclass(frozen=True)
class Entity:
    """A table of things."""

    table: str
    """plural identifier"""
    said: str
    """plural with its article: 'los libros'"""
    one: str
    """singular without article"""
    label: Column
    """what a row is called"""
    texts: tuple[Column, ...]
    """columns of categories"""
    numbers: tuple[Column, ...]
    """numeric columns"""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All but the id."""
        return (self.label, *self.texts, *self.numbers)


@dataclass(frozen=True)
class Link:
    """Rows of `child` point to rows of `parent`, by `key`."""

    child: str
    parent: str
    key: str


@dataclass(frozen=True)
class Schema:
    """A few tables that belong together."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...] = ()

    def described(self, rng: Random, only: tuple[str, ...] = ()) -> str:
        """'libros(id, titulo), autores(id, nombre)'"""
        parts = []
        for entity in self.entities:
            if not only or entity.table in only:
                keys = [link.key for link in self.links if link.child == entity.table]
                parts.append(f"{entity.table}({', '.join(['id', *(c.name for c in entity.columns), *keys])})")
        return rng.choice((", ", "; ", ", ")).join(parts)

    def statements(self) -> list[str]:
        """What creates the tables, for the test."""
        made = []
        for entity in self.entities:
            keys = [link.key for link in self.links if link.child == entity.table]
            made.append(f"CREATE TABLE {entity.table} ({', '.join(['id INTEGER PRIMARY KEY', *(c.name for c in entity.columns), *keys])})")
        return made


def _c(name: str, said: str, *values: str) -> Column:
    return Column(name, said, values)


NOMBRE = _c("nombre", "el nombre")
TITULO = _c("titulo", "el título")
CIUDAD = _c("ciudad", "la ciudad", *CITIES[:10])
PAIS = _c("pais", "el país", "Perú", "Chile", "México", "Bolivia", "Cuba", "Panamá")
EDAD = _c("edad", "la edad")
PRECIO = _c("precio", "el precio")

SCHEMAS: tuple[Schema, ...] = (
    Schema(
        (
            Entity(
                "libros",
                "los libros",
                "libro",
                TITULO,
                (_c("genero", "el género", "novela", "poesía", "ensayo"),),
                (_c("paginas", "las páginas"), _c("anio", "el año")),
            ),
            Entity("autores", "los autores", "autor", NOMBRE, (PAIS,), (EDAD,)),
        ),
        (Link("libros", "autores", "autor_id"),),
    ),
    Schema(
        (
            Entity(
                "pedidos",
                "los pedidos",
                "pedido",
                _c("fecha", "la fecha"),
                (_c("estado", "el estado", "enviado", "pendiente", "pagado"),),
                (_c("total", "el total"),),
            ),
            Entity("clientes", "los clientes", "cliente", NOMBRE, (CIUDAD,), (EDAD,)),
        ),
        (Link("pedidos", "clientes", "cliente_id"),),
    ),
    Schema(
        (
            Entity(
                "empleados",
                "los empleados",
                "empleado",
                NOMBRE,
                (_c("puesto", "el puesto", "cajero", "chofer", "gerente"),),
                (_c("salario", "el salario"), EDAD),
            ),
            Entity("areas", "las áreas", "área", NOMBRE, (CIUDAD,), (_c("presupuesto", "el presupuesto"),)),
        ),
        (Link("empleados", "areas", "area_id"),),
    ),
    Schema(
        (
            Entity(
                "alumnos",
                "los alumnos",
                "alumno",
                NOMBRE,
                (_c("grado", "el grado", "primero", "segundo", "tercero"),),
                (_c("promedio", "el promedio"), EDAD),
            ),
            Entity("aulas", "las aulas", "aula", NOMBRE, (_c("piso", "el piso", "alto", "bajo"),), (_c("cupo", "el cupo"),)),
        ),
        (Link("alumnos", "aulas", "aula_id"),),
    ),
    Schema(
        (
            Entity(
                "estudiantes",
                "los estudiantes",
                "estudiante",
                NOMBRE,
                (_c("carrera", "la carrera", "química", "derecho", "música"),),
                (_c("semestre", "el semestre"),),
            ),
            Entity(
                "cursos",
                "los cursos",
                "curso",
                NOMBRE,
                (_c("turno", "el turno", "mañana", "tarde"),),
                (_c("horas", "las horas"), _c("cupo", "el cupo")),
            ),
            Entity("inscripciones", "las inscripciones", "inscripción", _c("fecha", "la fecha"), (), (_c("nota", "la nota"),)),
        ),
        (Link("inscripciones", "estudiantes", "estudiante_id"), Link("inscripciones", "cursos", "curso_id")),
    ),
    Schema(
        (
            Entity(
                "profesores",
                "los profesores",
                "profesor",
                NOMBRE,
                (_c("area", "el área", "historia", "arte", "física"),),
                (_c("sueldo", "el sueldo"), EDAD),
            ),
            Entity(
                "talleres",
                "los talleres",
                "taller",
                NOMBRE,
                (_c("dia", "el día", "lunes", "martes", "jueves"),),
                (_c("horas", "las horas"),),
            ),
        ),
        (Link("talleres", "profesores", "profesor_id"),),
    ),
    Schema(
        (
            Entity(
                "canciones",
                "las canciones",
                "canción",
                TITULO,
                (_c("ritmo", "el ritmo", "cumbia", "salsa", "tango"),),
                (_c("segundos", "los segundos"),),
            ),
            Entity("discos", "los discos", "disco", TITULO, (), (_c("anio", "el año"), PRECIO)),
        ),
        (Link("canciones", "discos", "disco_id"),),
    ),
    Schema(
        (
            Entity("ventas", "las ventas", "venta", _c("fecha", "la fecha"), (), (_c("cantidad", "la cantidad"), _c("monto", "el monto"))),
            Entity(
                "productos",
                "los productos",
                "producto",
                NOMBRE,
                (_c("categoria", "la categoría", "ropa", "bebidas", "juguetes"),),
                (PRECIO, _c("stock", "el stock")),
            ),
        ),
        (Link("ventas", "productos", "producto_id"),),
    ),
    Schema(
        (
            Entity(
                "mascotas",
                "las mascotas",
                "mascota",
                NOMBRE,
                (_c("especie", "la especie", "perro", "gato", "loro"),),
                (_c("peso", "el peso"), EDAD),
            ),
            Entity("duenos", "los dueños", "dueño", NOMBRE, (CIUDAD,), (EDAD,)),
        ),
        (Link("mascotas", "duenos", "dueno_id"),),
    ),
    Schema(
        (
            Entity("partidos", "los partidos", "partido", _c("fecha", "la fecha"), (CIUDAD,), (_c("goles", "los goles"),)),
            Entity("equipos", "los equipos", "equipo", NOMBRE, (PAIS,), (_c("puntos", "los puntos"),)),
        ),
        (Link("partidos", "equipos", "equipo_id"),),
    ),
    Schema(
        (
            Entity(
                "peliculas",
                "las películas",
                "película",
                TITULO,
                (_c("genero", "el género", "drama", "comedia", "terror"),),
                (_c("minutos", "los minutos"), _c("anio", "el año")),
            ),
            Entity("directores", "los directores", "director", NOMBRE, (PAIS,), (EDAD,)),
        ),
        (Link("peliculas", "directores", "director_id"),),
    ),
    Schema(
        (
            Entity(
                "vuelos",
                "los vuelos",
                "vuelo",
                _c("codigo", "el código"),
                (_c("destino", "el destino", *CITIES[:8]),),
                (PRECIO, _c("asientos", "los asientos")),
            ),
            Entity("aerolineas", "las aerolíneas", "aerolínea", NOMBRE, (PAIS,), (_c("aviones", "los aviones"),)),
        ),
        (Link("vuelos", "aerolineas", "aerolinea_id"),),
    ),
    Schema(
        (
            Entity(
                "autos",
                "los autos",
                "auto",
                _c("modelo", "el modelo"),
                (_c("color", "el color", *COLOURS[:6]),),
                (PRECIO, _c("anio", "el año")),
            ),
            Entity("marcas", "las marcas", "marca", NOMBRE, (PAIS,), (_c("fabricas", "las fábricas"),)),
        ),
        (Link("autos", "marcas", "marca_id"),),
    ),
    Schema(
        (
            Entity(
                "turnos",
                "los turnos",
                "turno",
                _c("fecha", "la fecha"),
                (_c("estado", "el estado", "libre", "tomado"),),
                (_c("duracion", "la duración"),),
            ),
            Entity("pacientes", "los pacientes", "paciente", NOMBRE, (CIUDAD,), (EDAD, _c("peso", "el peso"))),
        ),
        (Link("turnos", "pacientes", "paciente_id"),),
    ),
    Schema(
        (
            Entity(
                "jugadores",
                "los jugadores",
                "jugador",
                NOMBRE,
                (_c("posicion", "la posición", "arquero", "defensa", "delantero"),),
                (EDAD, _c("goles", "los goles")),
            ),
            Entity("clubes", "los clubes", "club", NOMBRE, (CIUDAD,), (_c("socios", "los socios"),)),
        ),
        (Link("jugadores", "clubes", "club_id"),),
    ),
    Schema(
        (
            Entity(
                "materias",
                "las materias",
                "materia",
                NOMBRE,
                (_c("nivel", "el nivel", "básico", "medio", "alto"),),
                (_c("creditos", "los créditos"),),
            ),
            Entity("matriculas", "las matrículas", "matrícula", _c("fecha", "la fecha"), (), (_c("nota", "la nota"),)),
        ),
        (Link("matriculas", "materias", "materia_id"),),
    ),
    Schema(
        (
            Entity(
                "plantas",
                "las plantas",
                "planta",
                NOMBRE,
                (_c("tipo", "el tipo", "árbol", "hierba", "cactus"),),
                (_c("altura", "la altura"), PRECIO),
            ),
            Entity("viveros", "los viveros", "vivero", NOMBRE, (CIUDAD,), (_c("metros", "los metros"),)),
        ),
        (Link("plantas", "viveros", "vivero_id"),),
    ),
)


@dataclass(frozen=True)
class Wish:
    """What is wanted and how it is written."""

    questions: tuple[str, ...]
    query: str
    why: str


def schema_conversation(rng: Random) -> tuple[str, list[Exchange]]:
    """A system turn (or none) and one to three questions over the same schema."""
    schema = rng.choice(SCHEMAS)
    place = rng.choice(("system", "question", "none"))
    system = ""
    if place == "system":
        tables = rng.choice(("Base: ", "Tablas: ", "La base tiene ", "Esquema: ", "Tablas disponibles: ")) + schema.described(rng)
        head = rng.choice(
            (
                "Eres un asistente de SQL.",
                "Ayudas con SQL.",
                "Escribes consultas SQL (SQLite).",
                "Respondes sobre bases de datos.",
                "Eres un tutor de SQL.",
            )
        )
        tail = rng.choice(
            (
                "",
                "",
                " Explica en una frase.",
                " Responde con la consulta en un bloque sql.",
                " Sé breve.",
                " Si preguntan de otra cosa, declina con amabilidad.",
            )
        )
        system = f"{head} {tables}.{tail}"
    exchanges = []
    for turn in range(rng.choice((1, 1, 1, 2, 2, 3))):
        wish = rng.choice((one_table, one_table, joined))(rng, schema)
        question = rng.choice(wish.questions)
        if place == "question" and not turn:
            question = f"{rng.choice(('Tengo ', 'Con las tablas ', 'Mis tablas son ', 'Uso '))}{schema.described(rng)}. {question}"
        else:
            question = ask(rng, question)
        exchanges.append(Exchange(question, _answer(rng, wish)))
    return system, exchanges


def one_table(rng: Random, schema: Schema) -> Wish:
    """Select, filter, order, count, group, change."""
    e = rng.choice(schema.entities)
    t, label, number = e.table, e.label, rng.choice(e.numbers)
    text = rng.choice(e.texts) if e.texts else None
    n, k, m = number.name, rng.randrange(1, 60), rng.randrange(2, 11)
    asked = rng.sample(e.columns, rng.choice((1, 2, 2, 3)) if len(e.columns) > 2 else rng.choice((1, 2)))
    names = ", ".join(c.name for c in asked)
    said = listed([c.said for c in asked])
    all_ = "todos" if e.said.startswith("los") else "todas"
    who = f"{e.said[:3]} {t}"
    of = f"de {e.said}".replace("de el ", "del ")
    over = rng.choice(((">", "mayor que"), (">", "más de"), ("<", "menor que"), (">=", "al menos"), ("<=", "como máximo")))
    down, sense = rng.choice(
        (("DESC", "de mayor a menor"), ("", "de menor a mayor"), ("ASC", "en orden ascendente"), ("DESC", "en orden descendente"))
    )
    order = f"{n} {down}".strip()
    order_why = f"ORDER BY ordena por {n}{', y DESC va de mayor a menor' if down == 'DESC' else ', de menor a mayor'}"
    wishes = [
        Wish(
            (f"Muestra {said} {of}.", f"Quiero ver {said} {of}.", f"Dame {said} de cada {e.one}.", f"necesito {said} de {all_} {e.said}"),
            f"SELECT {names}\nFROM {t};",
            f"SELECT elige {names} y FROM nombra la tabla {t}",
        ),
        Wish(
            (f"Muestra {all_} {e.said}.", f"¿Cómo veo la tabla {t} completa?", f"Lista todo lo que hay en {t}."),
            f"SELECT *\nFROM {t};",
            "El asterisco pide todas las columnas",
        ),
        Wish(
            (
                f"Muestra {said} {of} con {n} {over[1]} {k}.",
                f"¿Qué {t} tienen {n} {over[1]} {k}? Dame {said}.",
                f"{said} {of} que tengan {n} {over[1]} {k}",
            ),
            f"SELECT {names}\nFROM {t}\nWHERE {n} {over[0]} {k};",
            f"WHERE deja las filas con {n} {over[0]} {k}",
        ),
        Wish(
            (
                f"Muestra {said} {of}, por {n} {sense}.",
                f"Ordena {e.said} por {n} {sense} y muestra {said}.",
                f"Quiero {said} {of} según {n}, {sense}.",
            ),
            f"SELECT {names}\nFROM {t}\nORDER BY {order};",
            order_why,
        ),
        Wish(
            (f"¿{_many(e)} {e.said[4:]} hay?", f"Cuenta {e.said}.", f"¿Cuántas filas tiene {t}?"),
            f"SELECT COUNT(*)\nFROM {t};",
            "COUNT(*) cuenta las filas",
        ),
        Wish(
            (f"¿{_many(e)} {e.said[4:]} tienen {n} {over[1]} {k}?", f"Cuenta {e.said} con {n} {over[1]} {k}."),
            f"SELECT COUNT(*)\nFROM {t}\nWHERE {n} {over[0]} {k};",
            "WHERE filtra y COUNT(*) cuenta lo que queda",
        ),
        *(
            Wish(
                (f"¿Cuál es {word} de {n} en {t}?", f"Calcula {word} de {number.said[3:].strip()} {of}.", f"{word} de {n} en {t}"),
                f"SELECT {call}({n})\nFROM {t};",
                f"{call} resume la columna {n}",
            )
            for word, call in rng.sample((("el promedio", "AVG"), ("la suma", "SUM"), ("el máximo", "MAX"), ("el mínimo", "MIN")), 2)
        ),
        Wish(
            (
                f"Muestra {e.said[:3]} {m} {e.said[4:]} con más {n}.",
                f"{m} {e.said[4:]} con {n} más alto",
                f"Dame {label.said} {'de los' if e.said.startswith('los') else 'de las'} {m} {e.said[4:]} con mayor {n}.",
            ),
            f"SELECT {label.name}, {n}\nFROM {t}\nORDER BY {n} DESC\nLIMIT {m};",
            f"LIMIT {m} corta la lista ya ordenada",
        ),
        Wish(
            (f"¿Qué {e.one} tiene el mayor {n}?", f"Dame {label.said} {of} que tienen {n} máximo."),
            f"SELECT {label.name}\nFROM {t}\nWHERE {n} = (SELECT MAX({n}) FROM {t});",
            f"La subconsulta halla el mayor {n}",
        ),
        Wish(
            (f"¿Qué {t} superan el promedio de {n}?", f"Muestra {label.said} {of} con {n} por encima del promedio."),
            f"SELECT {label.name}\nFROM {t}\nWHERE {n} > (SELECT AVG({n}) FROM {t});",
            f"La subconsulta calcula el promedio de {n}",
        ),
        Wish(
            (f"Muestra {e.said} con {n} entre {k} y {k + m}.", f"{t} con {n} de {k} a {k + m}"),
            f"SELECT *\nFROM {t}\nWHERE {n} BETWEEN {k} AND {k + m};",
            "BETWEEN incluye los dos extremos",
        ),
        Wish(
            (f"¿Qué {t} no tienen {n}?", f"Muestra {e.said} con {n} vacío.", f"{t} sin {n}"),
            f"SELECT *\nFROM {t}\nWHERE {n} IS NULL;",
            "Lo que falta se busca con IS NULL",
        ),
        Wish(
            (f"Borra {who} con {n} menor que {k}.", f"Elimina de {t} las filas con {n} menor que {k}."),
            f"DELETE FROM {t}\nWHERE {n} < {k};",
            "Sin WHERE se borraría toda la tabla",
        ),
        Wish(
            (f"Cambia {number.said} a {k} en la fila {m} de {t}.", f"Pon {n} = {k} en {t} donde id es {m}."),
            f"UPDATE {t}\nSET {n} = {k}\nWHERE id = {m};",
            f"WHERE id = {m} cambia solo esa fila",
        ),
        Wish(
            (f"Sube {n} en {m} a {all_} {e.said}.", f"Suma {m} a {n} en {t}."),
            f"UPDATE {t}\nSET {n} = {n} + {m};",
            f"Sin WHERE el cambio alcanza a {all_}",
        ),
        Wish(
            (
                f"Busca {e.said} cuyo {label.name} empieza con {(letter := rng.choice('ABCDLMPRST'))}.",
                f"{t} con {label.name} que empiece con {letter}",
            ),
            f"SELECT *\nFROM {t}\nWHERE {label.name} LIKE '{letter}%';",
            "El signo % vale por cualquier texto",
        ),
        Wish(
            (
                f"Muestra {label.said} y di si {n} es alto (más de {k}) o bajo.",
                f"Una columna que diga alto cuando {n} pasa de {k} y bajo si no, en {t}.",
            ),
            f"SELECT {label.name},\n       CASE WHEN {n} > {k} THEN 'alto' ELSE 'bajo' END AS nivel\nFROM {t};",
            "CASE elige un texto en cada fila",
        ),
        Wish(
            (f"Crea la tabla {t} con {listed([c.name for c in e.columns])}.", f"¿Cómo creo {t}?"),
            f"CREATE TABLE {t} (\n  id INTEGER PRIMARY KEY,\n"
            + ",\n".join(f"  {c.name} {'INTEGER' if c in e.numbers else 'TEXT'}" for c in e.columns)
            + "\n);",
            "Cada columna lleva su tipo",
        ),
        Wish(
            (f"Agrega a {t} {label.said} {(new := invented(rng))} con {n} {k}.", f"Inserta en {t}: {label.name} {new}, {n} {k}."),
            f"INSERT INTO {t} ({label.name}, {n})\nVALUES ('{new}', {k});",
            "Los valores van en el orden de las columnas",
        ),
    ]
    if text:
        g, value = text.name, rng.choice(text.values)
        two = rng.sample(text.values, 2)
        wishes += 2 * [
            Wish(
                (f"Muestra {said} {of} con {g} {value}.", f"Quiero {said} {of} cuyo {g} sea {value}.", f"{said} {of} donde {g} es {value}"),
                f"SELECT {names}\nFROM {t}\nWHERE {g} = '{value}';",
                f"El texto '{value}' va entre comillas simples",
            ),
            Wish(
                (f"Muestra {label.said} {of} con {g} {value} y {n} {over[1]} {k}.", f"¿Qué {t} de {g} {value} tienen {n} {over[1]} {k}?"),
                f"SELECT {label.name}\nFROM {t}\nWHERE {g} = '{value}' AND {n} {over[0]} {k};",
                "AND exige las dos condiciones",
            ),
            Wish(
                (f"Muestra {e.said} de {g} {two[0]} o {two[1]}.", f"{t} cuyo {g} sea {two[0]} o {two[1]}"),
                f"SELECT *\nFROM {t}\nWHERE {g} IN ('{two[0]}', '{two[1]}');",
                "IN acepta cualquiera de la lista",
            ),
            Wish(
                (f"Muestra {e.said} cuyo {g} no sea {value}.", f"{all_} {e.said} menos {g} {value}"),
                f"SELECT *\nFROM {t}\nWHERE {g} <> '{value}';",
                "El signo <> significa distinto",
            ),
            Wish(
                (f"¿{_many(e)} {e.said[4:]} hay en cada {g}?", f"Cuenta {e.said} por {g}.", f"cantidad de {t} por {g}"),
                f"SELECT {g}, COUNT(*)\nFROM {t}\nGROUP BY {g};",
                f"GROUP BY forma un grupo por cada {g}",
            ),
            Wish(
                (f"Promedio de {n} por {g} en {t}.", f"¿Cuál es el promedio de {n} de cada {g} en {t}?"),
                f"SELECT {g}, AVG({n})\nFROM {t}\nGROUP BY {g};",
                f"AVG se calcula dentro de cada {g}",
            ),
            Wish(
                (f"¿Qué {g} tiene más de {m} {e.said[4:]}?", f"Muestra cada {g} con más de {m} {e.said[4:]}."),
                f"SELECT {g}, COUNT(*)\nFROM {t}\nGROUP BY {g}\nHAVING COUNT(*) > {m};",
                "HAVING filtra los grupos ya contados",
            ),
            Wish(
                (f"¿Qué valores de {g} hay en {t}, sin repetir?", f"Lista cada {g} distinto de {t}."),
                f"SELECT DISTINCT {g}\nFROM {t};",
                "DISTINCT quita los repetidos",
            ),
            Wish(
                (
                    f"Muestra {label.said} {of} con {g} {value}, por {n} {sense}.",
                    f"{label.said} {of} de {g} {value}, ordenados por {n} {sense}",
                ),
                f"SELECT {label.name}\nFROM {t}\nWHERE {g} = '{value}'\nORDER BY {order};",
                "Primero se filtra y después se ordena",
            ),
        ]
    return rng.choice(wishes)


def joined(rng: Random, schema: Schema) -> Wish:
    """Two tables, or three when there is a table between them."""
    link = rng.choice(schema.links)
    child, parent = _entity(schema, link.child), _entity(schema, link.parent)
    c, p = _short_names(child.table, parent.table)
    join = f"JOIN {parent.table} AS {p} ON {p}.id = {c}.{link.key}"
    back = f"LEFT JOIN {child.table} AS {c} ON {c}.{link.key} = {p}.id"
    number = rng.choice(child.numbers)
    n, k = number.name, rng.randrange(1, 30)
    word, call = rng.choice((("el promedio", "AVG"), ("la suma", "SUM"), ("el máximo", "MAX"), ("el mínimo", "MIN")))
    key_why = f"ON une {link.key} con el id de {parent.table}"
    wishes = [
        Wish(
            (
                f"Muestra {child.label.said} de cada {child.one} y {parent.label.said} de su {parent.one}.",
                f"Junta {child.table} con {parent.table}: {child.label.name} y {parent.label.name}.",
                f"quiero {child.label.said} {_of(child)} con {parent.label.said} {_of(parent)}",
            ),
            f"SELECT {c}.{child.label.name}, {p}.{parent.label.name}\nFROM {child.table} AS {c}\n{join};",
            key_why,
        ),
        Wish(
            (
                f"¿Cuántas filas de {child.table} tiene cada {parent.one}? Muestra {parent.label.said}.",
                f"Cuenta {child.said} por {parent.one}.",
                f"cantidad de {child.table} por cada {parent.one}",
            ),
            f"SELECT {p}.{parent.label.name}, COUNT(*)\nFROM {child.table} AS {c}\n{join}\nGROUP BY {p}.id, {p}.{parent.label.name};",
            f"{key_why} y GROUP BY cuenta por {parent.one}",
        ),
        Wish(
            (
                f"Cuenta {child.said} de cada {parent.one}, también si no tiene.",
                f"Todos los registros de {parent.table} con su cantidad de {child.table}, aunque sea cero.",
            ),
            f"SELECT {p}.{parent.label.name}, COUNT({c}.id)\nFROM {parent.table} AS {p}\n{back}\nGROUP BY {p}.id, {p}.{parent.label.name};",
            "LEFT JOIN conserva lo que no tiene pareja y COUNT(id) le da 0",
        ),
        Wish(
            (f"¿Qué {parent.table} no tienen {child.table}?", f"Muestra {parent.label.said} {_of(parent)} sin {child.table}."),
            f"SELECT {p}.{parent.label.name}\nFROM {parent.table} AS {p}\n{back}\nWHERE {c}.id IS NULL;",
            "Donde no hay pareja, LEFT JOIN deja NULL",
        ),
        Wish(
            (f"¿Cuál es {word} de {n} de {child.said} por {parent.one}?", f"{word} de {n} para cada {parent.one}, con {parent.label.said}"),
            f"SELECT {p}.{parent.label.name}, {call}({c}.{n})\nFROM {child.table} AS {c}\n{join}\n"
            f"GROUP BY {p}.id, {p}.{parent.label.name};",
            f"{call} resume {n} en cada grupo",
        ),
        Wish(
            (f"Muestra {child.label.said} {_of(child)} con {n} mayor que {k} y {parent.label.said} de su {parent.one}.",),
            f"SELECT {c}.{child.label.name}, {p}.{parent.label.name}\nFROM {child.table} AS {c}\n{join}\nWHERE {c}.{n} > {k};",
            f"{key_why} y WHERE filtra {n}",
        ),
    ]
    if parent.texts:
        text = rng.choice(parent.texts)
        value = rng.choice(text.values)
        wishes.append(
            Wish(
                (
                    f"Muestra {child.said} cuyo {parent.one} tiene {text.name} {value}.",
                    f"{child.table} de {parent.table} con {text.name} {value}",
                ),
                f"SELECT {c}.*\nFROM {child.table} AS {c}\n{join}\nWHERE {p}.{text.name} = '{value}';",
                f"{key_why} y WHERE mira {text.name}",
            )
        )
    others = [one for one in schema.links if one.child == link.child and one != link]
    if others:
        second = _entity(schema, others[0].parent)
        c, p, s = _short_names(child.table, parent.table, second.table)
        join = f"JOIN {parent.table} AS {p} ON {p}.id = {c}.{link.key}"
        third = f"JOIN {second.table} AS {s} ON {s}.id = {c}.{others[0].key}"
        wishes += 3 * [
            Wish(
                (
                    f"Muestra {parent.label.said} de cada {parent.one}, {second.label.said} del {second.one} y {n}.",
                    f"Junta {parent.table}, {second.table} y {child.table} y muestra {n}.",
                ),
                f"SELECT {p}.{parent.label.name}, {s}.{second.label.name}, {c}.{n}\nFROM {child.table} AS {c}\n{join}\n{third};",
                "Cada JOIN sigue una de las dos claves",
            )
        ]
    return rng.choice(wishes)


def _answer(rng: Random, wish: Wish) -> str:
    query = wish.query
    if rng.random() < 0.25 and "CASE" not in query and "CREATE" not in query:
        query = " ".join(query.split())
    lead = rng.choice(("", "", "La consulta es:\n", "Se escribe así:\n", "Puedes usar:\n", "Con esta consulta:\n\n"))
    return f"{lead}```sql\n{query}\n```\n{rng.choice(('', '', chr(10)))}{wish.why}."


def _entity(schema: Schema, table: str) -> Entity:
    return next(entity for entity in schema.entities if entity.table == table)


def _short_names(*tables: str) -> tuple[str, ...]:
    """The shortest beginnings that tell the tables apart."""
    length = next(n for n in range(1, 20) if len({table[:n] for table in tables}) == len(tables))
    return tuple(table[:length] for table in tables)


def _many(entity: Entity) -> str:
    return "Cuántos" if entity.said.startswith("los") else "Cuántas"


def _of(entity: Entity) -> str:
    return f"de {entity.said}"
