"""SQL questions over small invented tables, with query and explanation.

Knows SQL. Deliberately knows nothing of chat formats. A test runs every query it makes in SQLite.
"""

from dataclasses import dataclass
from random import Random

from .exchange import Exchange, ask


@dataclass(frozen=True)
class Table:
    """A table about which questions are made."""

    name: str
    """plural noun"""
    article: str
    """'los' or 'las'"""
    label: str
    """the column that names a row"""
    number: str
    """a numeric column"""
    group: str
    """a column of categories"""
    values: tuple[str, ...]
    """categories"""


TABLES: tuple[Table, ...] = (
    Table("productos", "los", "nombre", "precio", "categoria", ("bebidas", "ropa", "juguetes")),
    Table("clientes", "los", "nombre", "edad", "ciudad", ("Lima", "Quito", "Bogotá")),
    Table("alumnos", "los", "nombre", "nota", "curso", ("primero", "segundo", "tercero")),
    Table("empleados", "los", "nombre", "salario", "departamento", ("ventas", "sistemas", "compras")),
    Table("libros", "los", "titulo", "paginas", "genero", ("novela", "poesía", "ensayo")),
    Table("peliculas", "las", "titulo", "duracion", "genero", ("drama", "comedia", "terror")),
    Table("ciudades", "las", "nombre", "habitantes", "pais", ("Chile", "México", "Perú")),
    Table("autos", "los", "modelo", "precio", "marca", ("Fiat", "Ford", "Toyota")),
    Table("canciones", "las", "titulo", "segundos", "artista", ("Violeta", "Mercedes", "Gustavo")),
    Table("equipos", "los", "nombre", "puntos", "liga", ("norte", "sur", "centro")),
    Table("cursos", "los", "nombre", "cupo", "nivel", ("básico", "medio", "avanzado")),
    Table("ventas", "las", "producto", "monto", "vendedor", ("Ana", "Luis", "Rosa")),
    Table("medicos", "los", "nombre", "edad", "especialidad", ("pediatría", "cirugía", "clínica")),
    Table("recetas", "las", "nombre", "minutos", "tipo", ("sopa", "postre", "ensalada")),
)
PAIRS: tuple[tuple[str, str, str, str, str], ...] = (
    ("pedidos", "clientes", "cliente_id", "nombre", "total"),
    ("notas", "alumnos", "alumno_id", "nombre", "valor"),
    ("libros", "autores", "autor_id", "nombre", "titulo"),
    ("empleados", "departamentos", "departamento_id", "nombre", "salario"),
    ("ventas", "productos", "producto_id", "nombre", "cantidad"),
    ("canciones", "artistas", "artista_id", "nombre", "titulo"),
    ("turnos", "pacientes", "paciente_id", "nombre", "fecha"),
)


def one_table(rng: Random) -> list[Exchange]:
    """Select, filter, order, count, group, insert, update, delete."""
    t = rng.choice(TABLES)
    name, label, number, group, value, k, n = (
        t.name,
        t.label,
        t.number,
        t.group,
        rng.choice(t.values),
        rng.randrange(1, 20) * 10,
        rng.randrange(2, 11),
    )
    the = f"{t.article} {name}"
    many = "cuántos" if t.article == "los" else "cuántas"
    cases: tuple[tuple[tuple[str, ...], str, str], ...] = (
        (
            (f"Muestra todos los datos de {name}.", f"¿Cómo veo toda la tabla {name}?"),
            f"SELECT * FROM {name};",
            "El asterisco pide todas las columnas.",
        ),
        (
            (f"Muestra el {label} y el campo {number} de {the}.", f"Quiero {label} y {number} de {name}."),
            f"SELECT {label}, {number} FROM {name};",
            "Después de SELECT van las columnas que queremos.",
        ),
        (
            (f"Lista {the} con {number} mayor que {k}.", f"¿Qué {name} tienen {number} mayor que {k}?", f"{name} con {number} > {k}"),
            f"SELECT * FROM {name} WHERE {number} > {k};",
            f"WHERE deja solo las filas con {number} mayor que {k}.",
        ),
        (
            (f"Lista {the} con {number} menor que {k}.", f"¿Qué {name} tienen {number} menor que {k}?"),
            f"SELECT * FROM {name} WHERE {number} < {k};",
            "WHERE filtra las filas que cumplen la condición.",
        ),
        (
            (f"Muestra {the} con {group} igual a '{value}'.", f"Busca {the} cuyo {group} es {value}."),
            f"SELECT * FROM {name} WHERE {group} = '{value}';",
            "El texto se escribe entre comillas simples.",
        ),
        (
            (f"¿{many.capitalize()} {name} hay?", f"Cuenta {the}.", f"¿Cómo cuento las filas de {name}?"),
            f"SELECT COUNT(*) FROM {name};",
            "COUNT(*) cuenta las filas.",
        ),
        (
            (f"¿{many.capitalize()} {name} hay por {group}?", f"Cuenta {the} de cada {group}."),
            f"SELECT {group}, COUNT(*) FROM {name} GROUP BY {group};",
            f"GROUP BY forma un grupo por cada {group} y COUNT cuenta sus filas.",
        ),
        (
            (f"¿Cuál es el promedio de {number} en {name}?", f"Calcula el promedio de {number} de {the}."),
            f"SELECT AVG({number}) FROM {name};",
            "AVG calcula el promedio de la columna.",
        ),
        (
            (f"Promedio de {number} por {group} en {name}.", f"¿Cuál es el promedio de {number} de cada {group} en {name}?"),
            f"SELECT {group}, AVG({number}) FROM {name} GROUP BY {group};",
            "AVG se calcula dentro de cada grupo.",
        ),
        (
            (f"Ordena {the} por {number} de mayor a menor.", f"¿Cómo ordeno {name} por {number} descendente?"),
            f"SELECT * FROM {name} ORDER BY {number} DESC;",
            "DESC ordena de mayor a menor.",
        ),
        (
            (f"Ordena {the} por {label}.", f"Muestra {name} en orden alfabético."),
            f"SELECT * FROM {name} ORDER BY {label};",
            "ORDER BY ordena de menor a mayor si no se indica otra cosa.",
        ),
        (
            (f"Muestra los {n} {name} con mayor {number}." if t.article == "los" else f"Muestra las {n} {name} con mayor {number}.",),
            f"SELECT * FROM {name} ORDER BY {number} DESC LIMIT {n};",
            f"Ordenamos de mayor a menor y LIMIT deja las primeras {n} filas.",
        ),
        (
            (f"¿Cuál es el máximo de {number} en {name}?", f"Busca el mayor {number} de {name}."),
            f"SELECT MAX({number}) FROM {name};",
            "MAX devuelve el valor más grande.",
        ),
        ((f"¿Cuál es el mínimo de {number} en {name}?",), f"SELECT MIN({number}) FROM {name};", "MIN devuelve el valor más pequeño."),
        (
            (f"Suma la columna {number} de {name}.", f"¿Cuál es el total de {number} en {name}?"),
            f"SELECT SUM({number}) FROM {name};",
            "SUM suma los valores de la columna.",
        ),
        (
            (f"¿Qué valores distintos de {group} hay en {name}?", f"Lista cada {group} de {name} sin repetir."),
            f"SELECT DISTINCT {group} FROM {name};",
            "DISTINCT quita los valores repetidos.",
        ),
        (
            (f"¿Qué {group} tiene más de {n} {name}?", f"Muestra cada {group} con más de {n} {name}."),
            f"SELECT {group}, COUNT(*) FROM {name} GROUP BY {group} HAVING COUNT(*) > {n};",
            "HAVING filtra los grupos después de contarlos.",
        ),
        (
            (f"Agrega a {name} una fila con {label} 'Nuevo' y {number} {k}.", f"Inserta en {name} el {label} 'Nuevo' con {number} {k}."),
            f"INSERT INTO {name} ({label}, {number}) VALUES ('Nuevo', {k});",
            "INSERT INTO indica las columnas y VALUES sus valores.",
        ),
        (
            (f"Cambia {number} a {k} en {the} de {group} '{value}'.",),
            f"UPDATE {name} SET {number} = {k} WHERE {group} = '{value}';",
            "Sin WHERE se cambiarían todas las filas.",
        ),
        (
            (f"Borra {the} con {number} menor que {k}.", f"Elimina de {name} las filas con {number} < {k}."),
            f"DELETE FROM {name} WHERE {number} < {k};",
            "Conviene probar primero la condición con SELECT.",
        ),
        (
            (f"Busca {the} cuyo {label} empieza con A.", f"{name} que empiezan con A"),
            f"SELECT * FROM {name} WHERE {label} LIKE 'A%';",
            "El signo % representa cualquier texto.",
        ),
        (
            (f"Muestra {the} con {number} entre {k} y {k + 50}.",),
            f"SELECT * FROM {name} WHERE {number} BETWEEN {k} AND {k + 50};",
            "BETWEEN incluye los dos extremos.",
        ),
        (
            (f"¿Qué {name} tienen {group} vacío?", f"Encuentra {the} sin {group}."),
            f"SELECT * FROM {name} WHERE {group} IS NULL;",
            "Los valores que faltan se buscan con IS NULL.",
        ),
        (
            (f"Muestra {the} con {number} mayor que el promedio.", f"¿Qué {name} superan el promedio de {number}?"),
            f"SELECT * FROM {name} WHERE {number} > (SELECT AVG({number}) FROM {name});",
            "La subconsulta calcula el promedio y la consulta externa lo usa.",
        ),
        (
            (f"Crea la tabla {name} con {label}, {number} y {group}.", f"¿Cómo creo una tabla {name}?"),
            f"CREATE TABLE {name} (\n  id INTEGER PRIMARY KEY,\n  {label} TEXT,\n  {number} INTEGER,\n  {group} TEXT\n);",
            "Cada columna lleva su tipo y id es la clave primaria.",
        ),
    )
    wishes, query, why = rng.choice(cases)
    question = rng.choice(wishes)
    if rng.random() < 0.3:
        question = f"Tengo la tabla {name}(id, {label}, {number}, {group}). {question}"
    elif rng.random() < 0.3:
        question = rng.choice(
            (
                f"Escribe la consulta SQL: {question[0].lower()}{question[1:]}",
                f"En SQL, {question[0].lower()}{question[1:]}",
                f"Consulta SQL: {question}",
            )
        )
    return [Exchange(ask(rng, question), _answer(rng, query, why))]


def two_tables(rng: Random) -> list[Exchange]:
    """Joins."""
    child, parent, key, label, column = rng.choice(PAIRS)
    join = f"JOIN {parent} ON {child}.{key} = {parent}.id"
    cases = (
        (
            (f"Une {child} con {parent}.", f"¿Cómo hago un JOIN entre {child} y {parent}?"),
            f"SELECT * FROM {child} {join};",
            f"La condición compara {key} con el id de {parent}.",
        ),
        (
            (f"Muestra {column} de {child} y {label} de {parent}.",),
            f"SELECT {child}.{column}, {parent}.{label} FROM {child} {join};",
            "Se escribe tabla.columna para saber de qué tabla viene cada dato.",
        ),
        (
            (f"Cuenta cuántas filas de {child} hay por cada {label} de {parent}.",),
            f"SELECT {parent}.{label}, COUNT(*) FROM {child} {join} GROUP BY {parent}.{label};",
            "Primero se unen las tablas y después se agrupa.",
        ),
        (
            (f"¿Qué filas de {parent} no tienen {child}?", f"Encuentra en {parent} los registros sin {child}."),
            f"SELECT {parent}.{label} FROM {parent} LEFT JOIN {child} ON {child}.{key} = {parent}.id WHERE {child}.id IS NULL;",
            "LEFT JOIN conserva todas las filas de la izquierda y deja NULL donde no hay pareja.",
        ),
    )
    wishes, query, why = rng.choice(cases)
    question = rng.choice(wishes)
    if rng.random() < 0.4:
        question = f"Tengo {child}(id, {column}, {key}) y {parent}(id, {label}). {question}"
    return [Exchange(ask(rng, question), _answer(rng, query, why))]


def sql_exchange(rng: Random) -> list[Exchange]:
    """One of the two kinds."""
    return rng.choice((one_table, one_table, one_table, two_tables))(rng)


def _answer(rng: Random, query: str, why: str) -> str:
    lead = rng.choice(("", "", "La consulta es:\n", "Se escribe así:\n", "Puedes usar:\n"))
    return f"{lead}```sql\n{query}\n```\n{why}"
