"""Writes the drills of this course: the rows with an id "gen-..." in data/train.jsonl and data/eval.jsonl, after the written ones.

    python generate.py            replace all drills by new ones; the same program always writes the same bytes
    python generate.py --check    change nothing; exit code 1 when the files hold something else

A drill is a query over the school or over Chinook. No training drill of a kind has the query of a held-out one, and no question is
nearly another one. To add a kind, write a function that draws an ``Exercise`` and name it in ``KINDS``.
"""

from __future__ import annotations

import json
import random
import re
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
SEED = 2026


class Exercise(NamedTuple):
    """One drill and its solution."""

    what: str  # what is asked, a noun phrase: "el nombre de los estudiantes con más de 17 años"
    aim: str  # what the query must do, after "La consulta debe"
    sql: str
    why: tuple  # ways to explain the clauses
    wrong: str  # a usual wrong try, in one line
    remedy: str  # what is wrong there
    verb: str = "La consulta"  # a change is an "instrucción"
    ask: tuple = ()  # ways to ask of its own, instead of ASKING
    others: tuple = ()  # further right queries
    schema: str = ""  # tables of Chinook that the question names; empty: the school


# --- words of the school -------------------------------------------------------------------------

COLUMNS = {
    "estudiantes": ("id", "nombre", "ciudad", "edad"),
    "cursos": ("id", "nombre", "creditos"),
    "inscripciones": ("estudiante_id", "curso_id", "nota"),
    "profesores": ("id", "nombre", "curso_id"),
}
THE = {
    "estudiantes": "los estudiantes",
    "cursos": "los cursos",
    "inscripciones": "las inscripciones",
    "profesores": "los profesores",
    "id": "el id",
    "nombre": "el nombre",
    "ciudad": "la ciudad",
    "edad": "la edad",
    "creditos": "los créditos",
    "estudiante_id": "el estudiante_id",
    "curso_id": "el curso_id",
    "nota": "la nota",
}
MEASURES = (
    ("estudiantes", "edad", (16, 17, 18, 19, 20, 21)),
    ("estudiantes", "edad", (16, 17, 18, 19, 20, 21)),
    ("cursos", "creditos", (2, 3, 4, 5)),
    ("inscripciones", "nota", (4, 5, 6, 7, 8, 9)),
)
CITIES = ("Lima", "Cusco", "Quito", "Bogotá", "Santiago", "Ciudad de México", "Asunción")
COURSES = ("Matemáticas I", "Física", "Química", "Literatura", "Historia de América", "Programación", "Astronomía")
SIGNS = (">", ">=", "<", "<=", "=")
SPOKEN = {
    "edad": {
        ">": "con más de {} años",
        ">=": "de {} años o más",
        "<": "con menos de {} años",
        "<=": "de {} años o menos",
        "=": "que tienen {} años",
    },
    "creditos": {
        ">": "de más de {} créditos",
        ">=": "de {} créditos o más",
        "<": "de menos de {} créditos",
        "<=": "de {} créditos o menos",
        "=": "de exactamente {} créditos",
    },
    "nota": {
        ">": "con nota mayor que {}",
        ">=": "con nota de {} o más",
        "<": "con nota menor que {}",
        "<=": "con nota de {} o menos",
        "=": "con nota igual a {}",
    },
}
TURNED = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "=": ">="}


def the(columns):
    """The columns as they are spoken of: "el nombre y la edad"."""
    return listed([THE[column] for column in columns])


def listed(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " y " + words[-1]


def some(rng, table, without=(), most=3):
    """A few columns of a table, never all of them."""
    names = [column for column in COLUMNS[table] if column not in without]
    count = rng.randint(1, min(most, len(names) if without else len(names) - 1))
    return rng.sample(names, count)


def compared(rng, numbers):
    """A comparison that some row meets and some row does not."""
    sign = rng.choice(SIGNS)
    return sign, rng.choice({">": numbers[:-1], "<=": numbers[:-1], "<": numbers[1:], ">=": numbers[1:], "=": numbers}[sign])


def limit_of(sign, number):
    """What a comparison says about its own limit."""
    if sign == "=":
        return f"El signo = pide exactamente {number}."
    return f"El signo {sign} {'incluye' if '=' in sign else 'deja fuera'} el propio {number}."


# --- one table -----------------------------------------------------------------------------------


def columnas(rng):
    table = rng.choice(list(COLUMNS))
    columns = some(rng, table)
    return Exercise(
        what=f"{the(columns)} de todos {THE[table]}".replace("todos las", "todas las"),
        aim=f"mostrar {the(columns)} de la tabla {table}, con todas sus filas",
        sql=f"SELECT {', '.join(columns)}\nFROM {table};",
        why=(
            (
                f"SELECT elige las columnas y respeta el orden en que las escribes. FROM dice que salen de {table}. Sin WHERE no se "
                "descarta ninguna fila."
            ),
            (
                f"Después de SELECT van las columnas, separadas por comas. FROM {table} dice de qué tabla salen. Aparecen todas las "
                "filas porque no hay filtro."
            ),
            f"Piensa en una hoja de cálculo: SELECT marca las columnas y FROM elige la hoja, que aquí es {table}. Las filas salen todas.",
        ),
        wrong=f"SELECT * FROM {table}",
        remedy="el asterisco trae todas las columnas, y aquí se piden solo algunas.",
    )


def filtro(rng):
    table, column, numbers = rng.choice(MEASURES)
    sign, number = compared(rng, numbers)
    columns = some(rng, table)
    return Exercise(
        what=f"{the(columns)} de {THE[table]} {SPOKEN[column][sign].format(number)}",
        aim=f"dejar solo las filas de {table} con {column} {sign} {number} y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE {column} {sign} {number};",
        why=(
            (
                f"WHERE revisa cada fila y deja pasar las que cumplen {column} {sign} {number}. {limit_of(sign, number)} Los números van "
                "sin comillas."
            ),
            (
                f"El filtro {column} {sign} {number} se escribe en WHERE, después de FROM. {limit_of(sign, number)} SELECT decide qué "
                "columnas se ven."
            ),
            (
                f"WHERE es como un portero: solo entran las filas con {column} {sign} {number}. {limit_of(sign, number)} Quien tiene "
                "NULL tampoco entra."
            ),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} WHERE {column} {TURNED[sign]} {number}",
        remedy=f"fíjate en el límite: {limit_of(TURNED[sign], number)} {limit_of(sign, number)}"
        if sign != "="
        else f">= trae también los valores mayores que {number}.",
    )


def texto(rng):
    city, sign = rng.choice(CITIES), rng.choice(("=", "=", "=", "<>"))
    columns = some(rng, "estudiantes")
    same = sign == "="
    return Exercise(
        what=f"{the(columns)} de los estudiantes "
        + (rng.choice((f"de {city}", f"que viven en {city}")) if same else f"con ciudad distinta de {city}"),
        aim=f"quedarse con los estudiantes cuya ciudad {'es' if same else 'no es'} {city} y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM estudiantes\nWHERE ciudad {sign} '{city}';",
        why=(
            (
                f"El texto '{city}' va entre comillas simples, con las mismas mayúsculas y acentos que en la tabla. WHERE compara la "
                "ciudad de cada fila."
            ),
            f"WHERE compara la columna ciudad con '{city}'. Las comillas simples indican que es un texto y no el nombre de una columna.",
        )
        if same
        else (
            f"El signo <> significa «distinto de». El texto '{city}' va entre comillas simples. Quien no tiene ciudad (NULL) no aparece.",
            f"WHERE ciudad <> '{city}' descarta a los de {city}. Una ciudad NULL no se puede comparar, así que tampoco sale.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM estudiantes WHERE ciudad {sign} {city.split()[0]}",
        remedy=f"faltan las comillas simples: sin ellas, SQLite busca una columna llamada {city.split()[0]}.",
    )


def condiciones(rng):
    word = rng.choice(("AND", "AND", "OR"))
    sign, number, city = rng.choice((">", ">=", "<", "<=")), rng.choice((16, 17, 18, 19, 20)), rng.choice(CITIES)
    columns = some(rng, "estudiantes")
    joint = "y además" if word == "AND" else "o bien"
    return Exercise(
        what=f"{the(columns)} de los estudiantes de {city} {joint} {SPOKEN['edad'][sign].format(number)}",
        aim=f"combinar la ciudad {city} y la edad {sign} {number} con {word}, y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM estudiantes\nWHERE ciudad = '{city}' {word} edad {sign} {number};",
        why=(
            f"{word} exige que se cumplan las dos condiciones en la misma fila. {limit_of(sign, number)}",
            (
                f"Con {word} la fila pasa solo si cumple la ciudad y también la edad. {limit_of(sign, number)} El texto lleva comillas; "
                "el número, no."
            ),
        )
        if word == "AND"
        else (
            f"{word} deja pasar la fila si cumple al menos una de las dos condiciones. {limit_of(sign, number)}",
            f"Con {word} basta la ciudad o basta la edad; quien cumple las dos sale una sola vez. {limit_of(sign, number)}",
        ),
        wrong=(
            f"SELECT {', '.join(columns)} FROM estudiantes WHERE ciudad = '{city}' {'OR' if word == 'AND' else 'AND'} edad {sign} {number}"
        ),
        remedy="con OR basta una condición, y aquí hacen falta las dos: va AND."
        if word == "AND"
        else "AND exige las dos condiciones, y aquí basta con una: va OR.",
    )


def rango(rng):
    table, column, numbers = rng.choice(MEASURES)
    low, high = sorted(rng.sample(numbers, 2))
    columns = some(rng, table)
    return Exercise(
        what=f"{the(columns)} de {THE[table]} con {column} entre {low} y {high}, incluidos los dos".replace(
            "creditos entre", "créditos entre"
        ),
        aim=f"quedarse con las filas de {table} cuyo valor de {column} va de {low} a {high}, y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE {column} BETWEEN {low} AND {high};",
        why=(
            f"BETWEEN incluye los dos extremos: entran {low} y {high}. Equivale a {column} >= {low} AND {column} <= {high}.",
            f"BETWEEN {low} AND {high} describe un rango cerrado. El número menor se escribe primero; al revés no saldría ninguna fila.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} WHERE {column} > {low} AND {column} < {high}",
        remedy=f"con > y < quedan fuera {low} y {high}, y se piden incluidos.",
        others=(f"SELECT {', '.join(columns)} FROM {table} WHERE {column} >= {low} AND {column} <= {high}",),
    )


def lista(rng):
    cities, columns = rng.sample(CITIES, rng.choice((2, 2, 3))), some(rng, "estudiantes")
    inside = ", ".join(f"'{city}'" for city in cities)
    return Exercise(
        what=f"{the(columns)} de los estudiantes de {', '.join(cities[:-1])} o {cities[-1]}",
        aim=f"aceptar varias ciudades ({listed(cities)}) y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM estudiantes\nWHERE ciudad IN ({inside});",
        why=(
            "IN compara la ciudad con cada valor de la lista y basta con que coincida uno. Es más corto que repetir ciudad = ... con OR.",
            "La lista de IN va entre paréntesis, con cada texto entre comillas simples. La fila pasa si su ciudad es alguna de ellas.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM estudiantes WHERE ciudad = '{cities[0]}' OR '{cities[1]}'",
        remedy="cada lado de OR necesita su comparación completa; la forma corta es IN.",
    )


def orden(rng):
    table, column, _ = rng.choice(MEASURES)
    first = "nombre" if "nombre" in COLUMNS[table] else "estudiante_id"
    columns = [first, *([column] if rng.random() < 0.6 else [])]
    if rng.random() < 0.4:
        columns = [*columns, next(one for one in COLUMNS[table] if one not in columns and one != column)]
    down = rng.random() < 0.5
    by, also = (column, "id" if table != "inscripciones" else "curso_id") if rng.random() < 0.6 else (first, "")
    if by == first:
        down = rng.random() < 0.3
    way = "de mayor a menor" if down else "de menor a mayor"
    if by == "nombre":
        way = "de la Z a la A" if down else "en orden alfabético"
    tie = f" y, si empatan, por {also}" if also and rng.random() < 0.4 else ""
    tail = f", {also}" if tie else ""
    plainly = "DESC va de mayor a menor." if down else "Sin DESC, el orden es de menor a mayor."
    hint = "El orden normal es ascendente, así que no hace falta escribir ASC."
    if down:
        hint = "DESC da vuelta el orden: primero lo más grande."
    return Exercise(
        what=f"{the(columns)} de {THE[table]}, {way} por {by}{tie}".replace("creditos", "créditos"),
        aim=f"mostrar {the(columns)} de {table} y ordenar las filas {way} por {by}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nORDER BY {by}{' DESC' if down else ''}{tail};",
        why=(
            f"ORDER BY {by} decide el orden de las filas. {plainly} Sin ORDER BY, el orden no está garantizado.",
            f"{hint} ORDER BY va al final, después de FROM y de WHERE."
            + (f" {also} solo decide en los empates." if tie else "")
            + (" En SQLite los NULL salen primero." if not down and by in ("edad", "nota") else ""),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} ORDER BY {by}{'' if down else ' DESC'}{tail}",
        remedy="sin DESC el orden es ascendente, y aquí va al revés."
        if down
        else "DESC ordena de mayor a menor, y aquí se pide lo contrario.",
    )


def primeros(rng):
    table, column, unique = rng.choice((("estudiantes", "edad", "id"), ("cursos", "creditos", "id"), ("inscripciones", "nota", "curso_id")))
    count, down = rng.randint(2, 6), rng.random() < 0.6
    where = ""
    course = rng.randint(1, 6)
    if table == "inscripciones":
        columns, unique, where = ["estudiante_id", "nota"], "estudiante_id", f"WHERE curso_id = {course} AND nota IS NOT NULL\n"
        what = (
            f"el estudiante_id y la nota de las {count} notas más {'altas' if down else 'bajas'} del curso {course}, sin contar "
            "NULL; si empatan, primero el menor estudiante_id"
        )
    else:
        columns = ["nombre", column] if rng.random() < 0.6 else ["id", "nombre", column]
        more = {"edad": ("mayores", "más jóvenes"), "creditos": ("con más créditos", "con menos créditos")}[column][not down]
        what = f"{the(columns)} de los {count} {table} {more}; si empatan, primero el menor id"
        where = "WHERE edad IS NOT NULL\n" if column == "edad" and not down else ""
    return Exercise(
        what=what,
        aim=f"ordenar las filas de {table} por {column} y cortar en las primeras {count}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\n{where}ORDER BY {column}{' DESC' if down else ''}, {unique}\nLIMIT {count};",
        why=(
            (
                f"ORDER BY {column}{' DESC' if down else ''} pone primero lo que buscas y {unique} deshace los empates. LIMIT {count} "
                "corta al final, sobre lo ya ordenado."
            ),
            (
                f"Primero se ordena y después se corta: LIMIT {count} deja las primeras {count} filas. {unique} evita que un empate se "
                "resuelva al azar."
            )
            + (" El NULL se aparta, porque al ordenar va primero." if "IS NOT NULL" in where else ""),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} LIMIT {count}",
        remedy="LIMIT sin ORDER BY corta unas filas cualesquiera; primero hay que ordenar.",
    )


PARTS = {  # beginnings, and what stands at the end of some name
    "estudiantes": ("Ma An Lu Ca Ju T E V P", "a ez es na o as"),
    "cursos": ("Ta Li Pr M Q H As L T", "a ra ca ía"),
    "profesores": ("B Ca Ga H N Pa R T", "o as a es"),
}


def patron(rng):
    table = rng.choice(("estudiantes", "estudiantes", "cursos", "profesores"))
    place = rng.choice(("empieza con", "empieza con", "termina en", "contiene"))
    letters = rng.choice(PARTS[table][place != "empieza con"].split())
    pattern = {"empieza con": f"{letters}%", "termina en": f"%{letters}", "contiene": f"%{letters}%"}[place]
    columns = rng.choice((["nombre"], ["id", "nombre"]))
    return Exercise(
        what=f"{the(columns)} de {THE[table]} cuyo nombre {place} «{letters}»",
        aim=f"comparar el nombre con el patrón de lo que {place} «{letters}»",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE nombre LIKE '{pattern}';",
        why=(
            (
                f"En un patrón de LIKE, el signo % representa cualquier cantidad de caracteres, incluso ninguno. Por eso '{pattern}' "
                f"acepta lo que {place} «{letters}»."
            ),
            (
                f"LIKE compara con el patrón '{pattern}'. El % ocupa el lugar de cualquier texto. LIKE no distingue mayúsculas en las "
                "letras sin acento."
            ),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} WHERE nombre = '{pattern}'",
        remedy="con = el % es un carácter como otro cualquiera; los patrones se comparan con LIKE.",
    )


def distintos(rng):
    table, column = rng.choice(
        (
            ("estudiantes", "ciudad"),
            ("estudiantes", "edad"),
            ("cursos", "creditos"),
            ("cursos", "nombre"),
            ("inscripciones", "curso_id"),
            ("inscripciones", "nota"),
        )
    )
    ordered = rng.random() < 0.5
    filled = column in ("ciudad", "edad", "nota") and rng.random() < 0.5
    sql = (
        f"SELECT DISTINCT {column}\nFROM {table}"
        + (f"\nWHERE {column} IS NOT NULL" if filled else "")
        + (f"\nORDER BY {column}" if ordered else "")
    )
    said = {
        "ciudad": "las ciudades",
        "edad": "las edades",
        "creditos": "las cantidades de créditos",
        "nombre": "los nombres",
        "curso_id": "los curso_id",
        "nota": "las notas",
    }
    return Exercise(
        what=f"{said[column]} de la tabla {table} sin repetir{', sin los NULL' if filled else ''}{', en orden' if ordered else ''}",
        aim=f"mostrar cada valor de {column} una sola vez",
        sql=sql + ";",
        why=(
            "DISTINCT quita las filas repetidas del resultado; los datos guardados no cambian. Va justo después de SELECT.",
            f"Sin DISTINCT saldría una fila por cada fila de {table}. Con DISTINCT, cada valor aparece una vez.",
        ),
        wrong=sql.replace("DISTINCT ", "").replace("\n", " "),
        remedy="así los valores se repiten; falta DISTINCT después de SELECT.",
    )


def nulos(rng):
    table, column = rng.choice((("estudiantes", "ciudad"), ("estudiantes", "edad"), ("inscripciones", "nota"), ("profesores", "curso_id")))
    missing = rng.random() < 0.6
    columns = some(rng, table, without=(column,), most=2)
    test = "IS NULL" if missing else "IS NOT NULL"
    return Exercise(
        what=f"{the(columns)} de {THE[table]} {'sin' if missing else 'que sí tienen'} {column}",
        aim=f"buscar las filas de {table} en las que {column} {'falta' if missing else 'no falta'}, y mostrar {the(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE {column} {test};",
        why=(
            f"NULL significa «no se conoce», y comparar con = o <> nunca da verdadero. Por eso existe {test}.",
            (
                f"{test} pregunta si {column} {'está vacía' if missing else 'tiene valor'}. Con el signo = no saldría nadie, porque nada "
                "es igual a lo desconocido."
            ),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} WHERE {column} {'=' if missing else '<>'} NULL",
        remedy=f"comparar con NULL nunca es verdadero; se escribe {test}.",
    )


def reemplazo(rng):
    table, column, key = rng.choice(
        (
            ("estudiantes", "ciudad", "nombre"),
            ("inscripciones", "nota", "estudiante_id"),
            ("estudiantes", "edad", "nombre"),
            ("profesores", "curso_id", "nombre"),
        )
    )
    word = rng.choice(("sin dato", "pendiente", "falta", "no registra", "por completar"))
    return Exercise(
        what=f"{the([key, column])} de {THE[table]}, y «{word}» donde {column} sea NULL",
        aim=f"mostrar {the([key, column])} y poner «{word}» donde falta {column}",
        sql=f"SELECT {key}, COALESCE({column}, '{word}') AS {column}\nFROM {table};",
        why=(
            f"COALESCE devuelve su primer argumento que no sea NULL: si hay {column}, la muestra; si no, el texto. La tabla no cambia.",
            f"COALESCE({column}, '{word}') es un plan B para los NULL. AS vuelve a llamar {column} a la columna.",
        ),
        wrong=f"SELECT {key}, {column} OR '{word}' FROM {table}",
        remedy="OR combina condiciones, no elige valores; eso lo hace COALESCE.",
    )


# --- summaries -----------------------------------------------------------------------------------


def contar(rng):
    table, column, numbers = rng.choice(MEASURES)
    if rng.random() < 0.35:
        city = rng.choice(CITIES)
        table, condition, spoken = "estudiantes", f"ciudad = '{city}'", f"de {city}"
    else:
        sign, number = compared(rng, numbers)
        condition, spoken = f"{column} {sign} {number}", SPOKEN[column][sign].format(number)
    many = {"estudiantes": "cuántos estudiantes", "cursos": "cuántos cursos", "inscripciones": "cuántas inscripciones"}[table]
    return Exercise(
        what=f"{many} {spoken} hay",
        aim=f"contar las filas de {table} que cumplen {condition}",
        sql=f"SELECT COUNT(*) AS total\nFROM {table}\nWHERE {condition};",
        why=(
            "WHERE filtra primero y COUNT(*) cuenta las filas que quedan. El resultado es una sola fila, con la columna total.",
            (
                f"COUNT(*) cuenta filas, no valores. Como WHERE {condition} actúa antes, solo cuenta las que pasan. AS le pone nombre al "
                "resultado."
            ),
        ),
        wrong=f"SELECT * FROM {table} WHERE {condition}",
        remedy="así aparece la lista de filas; para saber cuántas son hace falta COUNT(*).",
        ask=(
            f"¿{many[0].upper()}{many[1:]} {spoken} hay?",
            f"necesito saber {many} {spoken} hay",
            f"dime {many} {spoken} hay",
            f"Para el informe de {{name}}: ¿{many} {spoken} hay?",
            f"con qué consulta veo {many} {spoken} hay",
            f"{{name}} pregunta {many} {spoken} hay en la base. ¿Cómo cuento?",
        ),
    )


FUNCTIONS = {
    "AVG": ("el promedio de", "promedio"),
    "MAX": ("el valor máximo de", "maximo"),
    "MIN": ("el valor mínimo de", "minimo"),
    "SUM": ("la suma de", "suma"),
}


def resumen(rng):
    table, column, _ = rng.choice(MEASURES)
    function = rng.choice(("AVG", "MAX", "MIN", "SUM"))
    said, name = FUNCTIONS[function]
    where, spoken = "", ""
    if table == "estudiantes" and rng.random() < 0.7:
        city = rng.choice(CITIES)
        where, spoken = f"\nWHERE ciudad = '{city}'", f" de {city}"
    elif table == "inscripciones" and rng.random() < 0.8:
        course = rng.randint(1, 8)
        where, spoken = f"\nWHERE curso_id = {course}", f" del curso {course}"
    return Exercise(
        what=f"{said} {THE[column]} de {THE[table]}{spoken}".replace("de el", "del"),
        aim=f"resumir la columna {column}{spoken} en un solo número con {function}",
        sql=f"SELECT {function}({column}) AS {name}\nFROM {table}{where};",
        why=(
            f"{function} recorre las filas y devuelve un solo valor. Los NULL no cuentan."
            + (" WHERE elige antes qué filas entran." if where else ""),
            f"{function}({column}) toma todos los valores de {column}"
            + (" que pasan el filtro" if where else "")
            + f" y los resume en uno. AS {name} nombra la columna.",
        ),
        wrong=f"SELECT {column} FROM {table}{where}".replace("\n", " "),
        remedy=f"así sale una fila por cada valor; {function} los resume en uno.",
    )


GROUPS = (
    (
        "estudiantes",
        "ciudad",
        "por ciudad",
        (
            ("COUNT(*)", "cuantos", "cuántos estudiantes hay"),
            ("AVG(edad)", "promedio", "el promedio de edad"),
            ("MAX(edad)", "maximo", "la edad máxima"),
            ("MIN(edad)", "minimo", "la edad mínima"),
        ),
    ),
    (
        "estudiantes",
        "edad",
        "por edad",
        (
            ("COUNT(*)", "cuantos", "cuántos estudiantes hay"),
            ("COUNT(ciudad)", "con_ciudad", "cuántos tienen ciudad"),
            ("COUNT(DISTINCT ciudad)", "ciudades", "cuántas ciudades distintas hay"),
        ),
    ),
    ("cursos", "creditos", "por cantidad de créditos", (("COUNT(*)", "cuantos", "cuántos cursos hay"),)),
    (
        "inscripciones",
        "curso_id",
        "por curso_id",
        (
            ("COUNT(*)", "cuantos", "cuántas inscripciones hay"),
            ("AVG(nota)", "promedio", "el promedio de nota"),
            ("MAX(nota)", "maximo", "la nota máxima"),
            ("MIN(nota)", "minimo", "la nota mínima"),
            ("COUNT(nota)", "con_nota", "cuántas notas hay"),
        ),
    ),
    (
        "inscripciones",
        "estudiante_id",
        "por estudiante_id",
        (
            ("COUNT(*)", "cuantos", "cuántas inscripciones hay"),
            ("AVG(nota)", "promedio", "el promedio de nota"),
            ("MAX(nota)", "maximo", "la nota máxima"),
            ("MIN(nota)", "minimo", "la nota mínima"),
            ("SUM(nota)", "suma", "la suma de notas"),
        ),
    ),
    ("profesores", "curso_id", "por curso_id", (("COUNT(*)", "cuantos", "cuántos profesores hay"),)),
)


def grupos(rng):
    table, column, spoken, sums = rng.choice(GROUPS)
    expression, name, said = rng.choice(sums)
    where, only = "", ""
    if rng.random() < 0.5:
        where, only = rng.choice(
            {
                "estudiantes": (
                    (
                        ("edad IS NOT NULL", "con edad conocida"),
                        ("edad > 16", "solo con más de 16 años"),
                        ("edad >= 18", "solo desde 18 años"),
                        ("ciudad IS NOT NULL", "sin contar ciudades NULL"),
                        ("edad < 20", "solo con menos de 20 años"),
                    )
                ),
                "cursos": (("creditos > 2", "solo con más de 2 créditos"),),
                "inscripciones": (
                    ("nota >= 6", "solo notas de 6 o más"),
                    ("nota < 6", "solo notas menores que 6"),
                    ("nota IS NOT NULL", "sin contar notas NULL"),
                    ("nota > 7", "solo notas mayores que 7"),
                ),
                "profesores": (("curso_id IS NOT NULL", "sin contar curso_id NULL"),),
            }[table]
        )
    return Exercise(
        what=f"{said} {spoken} en {table}" + (f", {only}" if only else ""),
        aim=f"formar un grupo por cada valor de {column} y calcular {expression} en cada uno",
        sql=f"SELECT {column}, {expression} AS {name}\nFROM {table}\n{f'WHERE {where}' + chr(10) if where else ''}GROUP BY {column};",
        why=(
            (
                f"GROUP BY {column} hace un montón por cada valor distinto. {expression} trabaja dentro de cada montón, y sale una fila "
                "por montón."
            ),
            f"Las filas con el mismo valor de {column} forman un grupo. {expression} da un número por grupo."
            + (" WHERE descarta filas antes de agrupar." if where else " La columna del grupo también va en SELECT."),
        ),
        wrong=f"SELECT {column}, {expression} FROM {table}{f' WHERE {where}' if where else ''}",
        remedy=f"sin GROUP BY {column} toda la tabla es un solo grupo y sale una sola fila.",
        ask=(
            f"{said} {spoken} en la tabla {table}{f', {only}' if only else ''}?",
            f"Muéstrame {spoken} {said} en {table}{f', {only}' if only else ''}.",
            f"quiero saber {spoken} {said} en {table}{f' ({only})' if only else ''}",
            f"{{name}} necesita {said} {spoken}, de {table}{f', {only}' if only else ''}",
            f"¿Cómo obtengo {said} {spoken} en {table}{f', {only}' if only else ''}?",
            f"no me sale: {said}, {spoken}, tabla {table}{f', {only}' if only else ''}",
        ),
    )


def grupos_filtrados(rng):
    table, column, spoken, said = rng.choice(
        (
            ("estudiantes", "ciudad", "las ciudades", "estudiantes"),
            ("estudiantes", "edad", "las edades", "estudiantes"),
            ("inscripciones", "curso_id", "los curso_id", "inscripciones"),
            ("inscripciones", "estudiante_id", "los estudiante_id", "inscripciones"),
            ("inscripciones", "curso_id", "los curso_id", "promedio"),
            ("inscripciones", "estudiante_id", "los estudiante_id", "promedio"),
        )
    )
    if said == "promedio":
        number, sign = rng.choice((6, 7, 8)), rng.choice((">", ">=", "<"))
        expression, name = "AVG(nota)", "promedio"
        said = {
            ">": f"promedio de nota mayor que {number}",
            ">=": f"promedio de nota de {number} o más",
            "<": f"promedio de nota menor que {number}",
        }[sign]
    else:
        number, sign = rng.choice((2, 3, 4)), rng.choice((">", ">=", "<="))
        expression, name = "COUNT(*)", "cuantos"
        said = {">": f"más de {number} {said}", ">=": f"al menos {number} {said}", "<=": f"como mucho {number} {said}"}[sign]
    return Exercise(
        what=f"{spoken} con {said}, y ese {'promedio' if name == 'promedio' else 'conteo'}",
        aim=f"agrupar por {column} y dejar solo los grupos con {expression} {sign} {number}",
        sql=f"SELECT {column}, {expression} AS {name}\nFROM {table}\nGROUP BY {column}\nHAVING {expression} {sign} {number};",
        why=(
            f"HAVING filtra grupos ya formados, y por eso puede usar {expression}. WHERE filtraría filas sueltas, antes de agrupar.",
            f"Primero GROUP BY {column} arma los grupos; después HAVING descarta los que no cumplen {expression} {sign} {number}.",
        ),
        wrong=f"SELECT {column}, {expression} FROM {table} WHERE {expression} {sign} {number} GROUP BY {column}",
        remedy="WHERE actúa antes de agrupar y no conoce el resumen; la condición va en HAVING.",
    )


# --- several tables ------------------------------------------------------------------------------


def union_dos(rng):
    way = rng.choice(("nota", "profesor", "curso"))
    if way == "nota":
        columns, spoken = rng.choice(
            (
                (["e.nombre", "i.nota"], "el nombre del estudiante y la nota"),
                (["e.nombre", "e.ciudad", "i.nota"], "el nombre y la ciudad del estudiante y la nota"),
                (["e.nombre", "i.curso_id"], "el nombre del estudiante y el curso_id"),
            )
        )
        tables = "FROM inscripciones AS i\nJOIN estudiantes AS e ON e.id = i.estudiante_id"
        linked, plain = "e.id = i.estudiante_id", "inscripciones AS i, estudiantes AS e"
        condition, only = rng.choice(
            [(f"i.curso_id = {n}", f"del curso {n}") for n in range(1, 9)]
            + [(f"i.nota {s} {n}", SPOKEN["nota"][s].format(n)) for s in (">", ">=", "<") for n in (6, 7, 8, 9)]
            + [(f"e.ciudad = '{c}'", f"de los estudiantes de {c}") for c in CITIES]
        )
        what = f"{spoken} de las inscripciones {only}" if "estudiantes de" not in only else f"{spoken} de cada inscripción {only}"
    elif way == "profesor":
        columns, spoken = rng.choice(
            (
                (["p.nombre", "c.nombre"], "el nombre del profesor y el de su curso"),
                (["p.nombre", "c.nombre", "c.creditos"], "el nombre del profesor, el de su curso y los créditos"),
                (["p.nombre", "c.creditos"], "el nombre del profesor y los créditos de su curso"),
            )
        )
        tables = "FROM profesores AS p\nJOIN cursos AS c ON c.id = p.curso_id"
        linked, plain = "c.id = p.curso_id", "profesores AS p, cursos AS c"
        condition, only = rng.choice(
            [("", "")] + [(f"c.creditos {s} {n}", SPOKEN["creditos"][s].format(n)) for s in (">", ">=", "<", "=") for n in (3, 4, 5)]
        )
        what = f"{spoken}" + (f", solo en cursos {only}" if only else "")
    else:
        columns, spoken = rng.choice(
            (
                (["c.nombre", "i.nota"], "el nombre del curso y la nota"),
                (["c.nombre", "i.estudiante_id", "i.nota"], "el nombre del curso, el estudiante_id y la nota"),
                (["c.nombre", "c.creditos", "i.nota"], "el nombre y los créditos del curso y la nota"),
            )
        )
        tables = "FROM inscripciones AS i\nJOIN cursos AS c ON c.id = i.curso_id"
        linked, plain = "c.id = i.curso_id", "inscripciones AS i, cursos AS c"
        condition, only = rng.choice(
            [(f"i.estudiante_id = {n}", f"del estudiante {n}") for n in range(1, 23)]
            + [(f"c.creditos {s} {n}", "en cursos " + SPOKEN["creditos"][s].format(n)) for s in (">", ">=", "<", "=") for n in (3, 4, 5)]
        )
        what = f"{spoken} de las inscripciones {only}"
    where = f"\nWHERE {condition}" if condition else ""
    return Exercise(
        what=what,
        aim=f"unir dos tablas donde {linked}" + (f" y quedarse con {condition}" if condition else ""),
        sql=f"SELECT {', '.join(columns)}\n{tables}{where};",
        why=(
            f"JOIN pone lado a lado las filas que cumplen el ON: {linked}. Los alias dicen de qué tabla viene cada columna.",
            f"La clave foránea apunta a la clave primaria, y por eso el ON es {linked}."
            + (" WHERE filtra después de unir." if where else " Quien no tiene pareja no aparece."),
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {plain}{where}".replace("\n", " "),
        remedy=f"sin la condición {linked} se forman todas las parejas posibles; falta el ON.",
    )


def union_tres(rng):
    condition, only = rng.choice(
        [(f"c.nombre = '{c}'", f"en el curso {c}") for c in COURSES]
        + [(f"e.ciudad = '{c}'", f"de los estudiantes de {c}") for c in CITIES]
        + [(f"i.nota {s} {n}", SPOKEN["nota"][s].format(n)) for s in (">", ">=", "<") for n in (5, 6, 7, 8, 9)]
    )
    columns, spoken = rng.choice(
        (
            (["e.nombre", "c.nombre", "i.nota"], "el nombre del estudiante, el del curso y la nota"),
            (["e.nombre", "c.nombre"], "el nombre del estudiante y el del curso"),
        )
    )
    tables = "FROM inscripciones AS i\nJOIN estudiantes AS e ON e.id = i.estudiante_id\nJOIN cursos AS c ON c.id = i.curso_id"
    return Exercise(
        what=f"{spoken} de las inscripciones {only}".replace("inscripciones de los", "inscripciones que son de los"),
        aim=f"unir inscripciones con estudiantes y con cursos, y quedarse con {condition}",
        sql=f"SELECT {', '.join(columns)}\n{tables}\nWHERE {condition};",
        why=(
            "inscripciones va en el centro porque guarda los dos ids. Cada JOIN agrega una tabla y su ON dice qué columnas coinciden.",
            (
                "Son dos pasos: el primer JOIN trae al estudiante y el segundo, al curso. Como las dos tablas tienen nombre, el alias "
                "dice cuál es cuál."
            ),
        ),
        wrong=f"SELECT {', '.join(columns).replace('e.nombre', 'nombre')} {tables} WHERE {condition}".replace("\n", " "),
        remedy="la columna nombre está en dos tablas y SQLite no sabe cuál es; escribe e.nombre.",
    )


def sin_pareja(rng):
    first, second, link, spoken = rng.choice(
        (
            ("estudiantes AS e", "inscripciones AS i", "i.estudiante_id = e.id", "los estudiantes sin ninguna inscripción"),
            ("cursos AS c", "inscripciones AS i", "i.curso_id = c.id", "los cursos sin ninguna inscripción"),
            ("cursos AS c", "profesores AS p", "p.curso_id = c.id", "los cursos sin profesor"),
        )
    )
    alias, right = first[-1], link.split(" = ")[0]
    columns = [f"{alias}.{one}" for one in some(rng, first.split()[0])]
    return Exercise(
        what=f"{the([one[2:] for one in columns])} de {spoken}",
        aim=f"conservar todas las filas de {first.split()[0]} y quedarse con las que no tienen pareja en {second.split()[0]}",
        sql=f"SELECT {', '.join(columns)}\nFROM {first}\nLEFT JOIN {second} ON {link}\nWHERE {right} IS NULL;",
        why=(
            "LEFT JOIN no pierde ninguna fila de la izquierda: si no hay pareja, rellena con NULL. WHERE busca justo esos NULL.",
            f"A la izquierda va la tabla que no quieres perder, {first.split()[0]}. Donde {right} quedó en NULL, no hubo pareja.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {first} JOIN {second} ON {link} WHERE {right} IS NULL",
        remedy="JOIN a secas borra las filas sin pareja antes del filtro; hace falta LEFT JOIN.",
    )


def comparada(rng):
    table, column, _ = rng.choice(MEASURES)
    function, sign = rng.choice((("AVG", ">"), ("AVG", "<"), ("MAX", "="), ("MIN", "=")))
    columns = some(rng, table)
    said = {
        "AVG>": "mayor que el promedio de",
        "AVG<": "menor que el promedio de",
        "MAX=": "igual al máximo de",
        "MIN=": "igual al mínimo de",
    }[function + sign]
    return Exercise(
        what=f"{the(columns)} de {THE[table]} con {column} {said} la tabla".replace(
            "creditos", "créditos", 1 if "creditos" not in columns else 0
        ),
        aim=f"calcular {function}({column}) en una consulta interna y comparar cada fila con ese número",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE {column} {sign} (SELECT {function}({column}) FROM {table});",
        why=(
            f"La subconsulta entre paréntesis devuelve un solo número. WHERE compara con él cada {column}, y los empates salen completos.",
            f"WHERE mira una fila a la vez y no puede usar {function} directamente. La subconsulta lo calcula aparte, una sola vez.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} WHERE {column} {sign} {function}({column})",
        remedy=f"WHERE no admite {function} a secas; ponlo en una subconsulta entre paréntesis.",
    )


def segun(rng):
    table, column, numbers = rng.choice(MEASURES)
    sign, number = rng.choice((">=", ">", "<")), rng.choice(numbers[1:])
    yes, no = {
        "edad": (("mayor", "menor"), ("grupo A", "grupo B"), ("avanzado", "inicial")),
        "creditos": (("largo", "corto"), ("grande", "chico")),
        "nota": (("aprobado", "reprobado"), ("bien", "a repasar"), ("meta lograda", "falta poco")),
    }[column][rng.randrange(2)]
    if sign == "<":
        yes, no = no, yes
    key = "nombre" if "nombre" in COLUMNS[table] else "estudiante_id"
    empty = f"WHERE {column} IS NOT NULL" if column != "creditos" else ""
    return Exercise(
        what=f"{THE[key]} de {THE[table]} y una columna con «{yes}» si {column} {sign} {number} y «{no}» si no"
        + (f", sin contar {column} NULL" if empty else ""),
        aim=f"clasificar cada fila de {table}: «{yes}» si {column} {sign} {number} y «{no}» en otro caso",
        sql=(
            f"SELECT {key}, CASE WHEN {column} {sign} {number} THEN '{yes}' ELSE '{no}' END AS grupo\nFROM "
            f"{table}{chr(10) + empty if empty else ''};"
        ),
        why=(
            (
                "CASE revisa la condición fila por fila y elige una de las dos palabras. ELSE cubre lo demás, END cierra y AS nombra la "
                "columna."
            ),
            f"WHEN lleva la condición, THEN el valor si se cumple y ELSE el otro. {limit_of(sign, number)} END cierra la expresión.",
        ),
        wrong=f"SELECT {key}, IF {column} {sign} {number} THEN '{yes}' ELSE '{no}' FROM {table}",
        remedy="SQLite no tiene IF ... THEN en una consulta; la forma es CASE WHEN ... THEN ... ELSE ... END.",
    )


def ventana(rng):
    if rng.random() < 0.5:
        function, expression = rng.choice(
            (("el promedio", "AVG(nota)"), ("el máximo", "MAX(nota)"), ("el mínimo", "MIN(nota)"), ("la cantidad de notas", "COUNT(nota)"))
        )
        part = rng.choice(("curso_id", "estudiante_id"))
        return Exercise(
            what=f"el estudiante_id, el curso_id y la nota de cada inscripción, y al lado {function} de su {part}",
            aim=f"conservar cada inscripción y agregar al lado {expression} de su {part}",
            sql=f"SELECT estudiante_id, curso_id, nota,\n       {expression} OVER (PARTITION BY {part}) AS del_grupo\nFROM inscripciones;",
            why=(
                (
                    f"OVER convierte {expression} en función de ventana: calcula por grupo, pero no junta las filas. PARTITION BY {part} "
                    "dice cuáles son los grupos."
                ),
                (
                    f"GROUP BY dejaría una fila por {part}; con OVER (PARTITION BY {part}) se quedan todas y cada una ve el número de su "
                    "grupo."
                ),
            ),
            wrong=f"SELECT estudiante_id, curso_id, nota, {expression} FROM inscripciones GROUP BY {part}",
            remedy="GROUP BY junta las filas; para conservarlas usa OVER (PARTITION BY ...).",
        )
    table, column = rng.choice((("estudiantes", "edad"), ("cursos", "creditos")))
    down, function = rng.random() < 0.5, rng.choice(("RANK", "DENSE_RANK", "ROW_NUMBER"))
    order = f"{column}{' DESC' if down else ''}{', id' if function == 'ROW_NUMBER' else ''}"
    kind = {
        "RANK": "el puesto con empates y saltos (RANK)",
        "DENSE_RANK": "el puesto con empates y sin saltos (DENSE_RANK)",
        "ROW_NUMBER": "un número de fila (ROW_NUMBER, desempata el id)",
    }[function]
    return Exercise(
        what=(
            f"el nombre y {THE[column]} de {THE[table]}, y {kind} {'de mayor a menor' if down else 'de menor a mayor'} por {column}"
        ).replace("creditos", "créditos"),
        aim=f"numerar las filas de {table} según {column} sin juntar ninguna",
        sql=f"SELECT nombre, {column},\n       {function}() OVER (ORDER BY {order}) AS puesto\nFROM {table};",
        why=(
            f"{function}() numera las filas en el orden que dice OVER. "
            + ("Cada fila recibe un número distinto." if function == "ROW_NUMBER" else "Quienes empatan comparten el puesto."),
            "El ORDER BY de OVER decide la numeración, no el orden en que se muestran las filas. "
            + ("RANK salta números después de un empate." if function == "RANK" else "La tabla no cambia."),
        ),
        wrong=f"SELECT nombre, {column}, {function}() FROM {table} ORDER BY {column}",
        remedy="una función de ventana necesita OVER (...) para saber en qué orden numera.",
    )


# --- Chinook, a music shop -----------------------------------------------------------------------

MUSIC = "data/chinook.sqlite"
ALBUM, ARTIST, GENRE = "Album(AlbumId, Title, ArtistId)", "Artist(ArtistId, Name)", "Genre(GenreId, Name)"
TRACK = "Track(TrackId, Name, AlbumId, GenreId, Composer, Milliseconds)"
CUSTOMER = "Customer(CustomerId, FirstName, Company, City, Country)"
INVOICE = "Invoice(InvoiceId, CustomerId, BillingCountry, Total)"
ARTISTS = ("Iron Maiden", "Led Zeppelin", "Deep Purple", "U2", "Metallica", "Pearl Jam", "Foo Fighters", "Queen", "Santana", "Gilberto Gil")
GENRES = ("Rock", "Jazz", "Metal", "Blues", "Latin", "Reggae", "Pop", "Soundtrack", "Bossa Nova", "Classical")
ALBUMS = ("Supernatural", "Fireball", "Powerslave", "Coda", "Black Album", "Nevermind", "Facelift", "Machine Head", "Minas", "IV")
COUNTRIES = ("Argentina", "Brazil", "Canada", "Chile", "France", "Germany", "India", "Portugal", "Spain", "USA")


def musica_filtro(rng):
    way = rng.choice(("pistas", "facturas", "clientes"))
    if way == "pistas":
        number = rng.choice((100, 200, 300, 400, 500, 600)) * 1000
        table, column, sign, columns = "Track", "Milliseconds", rng.choice("><"), rng.choice((["Name"], ["Name", "Milliseconds"]))
        value, spoken, schema = str(number), f"las pistas de {'más' if sign == '>' else 'menos'} de {number} milisegundos", TRACK
    elif way == "facturas":
        number = rng.choice((1, 2, 5, 8, 10, 13, 15))
        table, column, sign, columns = "Invoice", "Total", rng.choice((">", "<")), rng.choice((["InvoiceId", "Total"], ["InvoiceId"]))
        value, spoken, schema = str(number), f"las facturas con Total {'mayor' if sign == '>' else 'menor'} que {number}", INVOICE
    else:
        country = rng.choice(COUNTRIES)
        table, column, sign, columns = "Customer", "Country", "=", rng.choice((["FirstName", "City"], ["FirstName"]))
        value, spoken, schema = f"'{country}'", f"los clientes de {country}", CUSTOMER
    return Exercise(
        what=f"{listed(columns)} de {spoken}",
        aim=f"dejar las filas de {table} con {column} {sign} {value} y mostrar {listed(columns)}",
        sql=f"SELECT {', '.join(columns)}\nFROM {table}\nWHERE {column} {sign} {value};",
        why=(
            f"Los datos están en {table}. WHERE mira {column} fila por fila y deja pasar las que cumplen {column} {sign} {value}.",
            f"FROM nombra la tabla {table} y WHERE pone la condición {column} {sign} {value}. En Chinook los nombres están en inglés.",
        ),
        wrong=f"SELECT {', '.join(columns)} FROM {table} HAVING {column} {sign} {value}",
        remedy="HAVING filtra grupos; una condición sobre cada fila va en WHERE.",
        schema=schema,
    )


def musica_orden(rng):
    count, down = rng.randint(2, 9), rng.random() < 0.6
    way = " DESC" if down else ""
    table, key, columns, by, things, schema = rng.choice(
        (
            ("Track", "TrackId", "Name, Milliseconds", "Milliseconds", f"pistas más {'largas' if down else 'cortas'}", TRACK),
            ("Invoice", "InvoiceId", "InvoiceId, Total", "Total", f"facturas de {'mayor' if down else 'menor'} Total", INVOICE),
            ("Album", "AlbumId", "AlbumId, Title", "Title", f"{'últimos' if down else 'primeros'} álbumes por Title", ALBUM),
        )
    )
    article = "los" if table == "Album" else "las"
    return Exercise(
        what=f"{columns.replace(', ', ' y ')} de {article} {count} {things} (si empatan, primero el menor {key})",
        aim=f"ordenar {table} por {by} y cortar en las primeras {count} filas",
        sql=f"SELECT {columns}\nFROM {table}\nORDER BY {by}{way}, {key}\nLIMIT {count};",
        why=(
            f"ORDER BY {by}{way} pone primero lo que buscas y {key} deshace los empates. LIMIT {count} corta después.",
            f"Primero se ordena y luego se corta con LIMIT {count}. "
            + ("DESC va de mayor a menor." if down else "Sin DESC el orden va de menor a mayor.")
            + f" {key} decide si dos filas empatan.",
        ),
        wrong=f"SELECT {columns} FROM {table} LIMIT {count}",
        remedy="LIMIT sin ORDER BY corta unas filas cualesquiera; primero hay que ordenar.",
        schema=schema,
    )


def musica_nulos(rng):
    missing = rng.random() < 0.5
    test = "IS NULL" if missing else "IS NOT NULL"
    if rng.random() < 0.5:
        country = rng.choice(("Brazil", "Canada", "Czech Republic", "USA"))
        table, column, columns, extra = "Customer", "Company", rng.choice(("FirstName", "FirstName, City")), f"Country = '{country}'"
        spoken, schema = f"los clientes de {country}", CUSTOMER
    else:
        number = rng.randint(1, 9)
        table, column, columns, extra = "Track", "Composer", rng.choice(("Name", "TrackId, Name")), f"GenreId = {number}"
        spoken, schema = f"las pistas del GenreId {number}", TRACK
    return Exercise(
        what=f"{columns.replace(', ', ' y ')} de {spoken} {'sin' if missing else 'que sí tienen'} {column}",
        aim=f"quedarse con las filas de {table} donde {column} {test} y {extra}",
        sql=f"SELECT {columns}\nFROM {table}\nWHERE {extra} AND {column} {test};",
        why=(
            f"En {column} hay filas sin dato (NULL). Comparar con = nunca las encuentra; {test} sí pregunta por ellas.",
            f"NULL significa que {column} no se conoce. Por eso se escribe {test}, y AND agrega la otra condición.",
        ),
        wrong=f"SELECT {columns} FROM {table} WHERE {extra} AND {column} {'=' if missing else '<>'} NULL",
        remedy=f"comparar con NULL nunca es verdadero; se escribe {test}.",
        schema=schema,
    )


def musica_union(rng):
    way = rng.choice(("albumes", "pistas", "genero", "facturas"))
    if way == "albumes":
        name = rng.choice(ARTISTS)
        columns, tables, on = "a.Title", "Album AS a\nJOIN Artist AS r", "r.ArtistId = a.ArtistId"
        condition, what, schema = f"r.Name = '{name}'", f"el Title de los álbumes de {name}", f"{ALBUM}, {ARTIST}"
    elif way == "pistas":
        name = rng.choice(ALBUMS)
        columns = rng.choice(("t.Name", "t.Name, t.Milliseconds"))
        said = "el Name" if columns == "t.Name" else "Name y Milliseconds"
        tables, on = "Track AS t\nJOIN Album AS a", "a.AlbumId = t.AlbumId"
        condition, what, schema = f"a.Title = '{name}'", f"{said} de las pistas del álbum {name}", f"{TRACK}, {ALBUM}"
    elif way == "genero":
        name = rng.choice(GENRES)
        columns, tables, on = "t.Name", "Track AS t\nJOIN Genre AS g", "g.GenreId = t.GenreId"
        condition, what, schema = f"g.Name = '{name}'", f"el Name de las pistas del género {name}", f"{TRACK}, {GENRE}"
    else:
        name = rng.choice(COUNTRIES)
        columns, tables, on = "c.FirstName, i.Total", "Invoice AS i\nJOIN Customer AS c", "c.CustomerId = i.CustomerId"
        condition, what = f"c.Country = '{name}'", f"FirstName y Total de las facturas de los clientes de {name}"
        schema = f"{INVOICE}, {CUSTOMER}"
    return Exercise(
        what=what,
        aim=f"unir dos tablas donde {on} y quedarse con {condition}",
        sql=f"SELECT {columns}\nFROM {tables} ON {on}\nWHERE {condition};",
        why=(
            f"La clave tiene el mismo nombre en las dos tablas, y por eso el ON es {on}. WHERE filtra después de unir.",
            f"JOIN junta las filas que cumplen {on}. El alias dice de qué tabla viene cada columna.",
        ),
        wrong=f"SELECT {columns} FROM {tables.replace(chr(10) + 'JOIN', ',')} WHERE {condition}",
        remedy=f"sin la condición {on} se forman todas las parejas posibles; falta el ON.",
        schema=schema,
    )


MUSIC_GROUPS = (
    ("Album", "ArtistId", "COUNT(*)", "albumes", "cuántos álbumes hay por ArtistId", ALBUM, (2, 3, 4, 5, 9)),
    ("Track", "AlbumId", "COUNT(*)", "pistas", "cuántas pistas hay por AlbumId", TRACK, (10, 14, 16, 20)),
    ("Track", "GenreId", "COUNT(*)", "pistas", "cuántas pistas hay por GenreId", TRACK, (40, 50, 100, 300)),
    ("Track", "GenreId", "MAX(Milliseconds)", "maximo", "la duración máxima en Milliseconds por GenreId", TRACK, (400000, 600000, 900000)),
    ("Track", "AlbumId", "SUM(Milliseconds)", "total", "la suma de Milliseconds por AlbumId", TRACK, (2000000, 3000000, 4000000)),
    ("Invoice", "BillingCountry", "SUM(Total)", "ventas", "la suma de Total por BillingCountry", INVOICE, (40, 50, 100, 150)),
    ("Invoice", "BillingCountry", "MAX(Total)", "mayor", "el Total máximo por BillingCountry", INVOICE, (14, 16, 20)),
    ("Invoice", "CustomerId", "AVG(Total)", "promedio", "el promedio de Total por CustomerId", INVOICE, (6, 7)),
    ("Invoice", "BillingCountry", "COUNT(*)", "facturas", "cuántas facturas hay por BillingCountry", INVOICE, (7, 14, 30)),
    ("Customer", "Country", "COUNT(*)", "clientes", "cuántos clientes hay por Country", CUSTOMER, (1, 2, 4)),
    ("Customer", "Country", "COUNT(Company)", "con_empresa", "cuántos clientes con Company hay por Country", CUSTOMER, (0, 2)),
)


def musica_grupos(rng):
    table, column, expression, name, what, schema, _ = rng.choice(MUSIC_GROUPS)
    number = rng.choice((5, 10, 100))
    key = COLUMN_TO_FILTER[table]
    where, only = rng.choice((("", ""), ("", ""), (f"WHERE {key} > {number}\n", f", solo con {key} mayor que {number}")))
    return Exercise(
        what=what + only,
        aim=f"formar un grupo por cada {column} y calcular {expression} en cada uno",
        sql=f"SELECT {column}, {expression} AS {name}\nFROM {table}\n{where}GROUP BY {column};",
        why=(
            f"GROUP BY {column} hace un montón por cada valor, y {expression} da un número por montón. AS {name} le pone nombre.",
            f"Cada valor de {column} forma un grupo. {expression} se calcula dentro del grupo y sale una fila por grupo.",
        ),
        wrong=f"SELECT {column}, {expression} FROM {table}{' ' + where.strip() if where else ''}",
        remedy=f"sin GROUP BY {column} toda la tabla es un solo grupo.",
        ask=ASKING_OF_GROUPS,
        schema=schema,
    )


COLUMN_TO_FILTER = {"Album": "AlbumId", "Track": "TrackId", "Invoice": "InvoiceId", "Customer": "CustomerId"}
ASKING_OF_GROUPS = (
    "Quiero saber {what}.",
    "necesito {what}",
    "Para {name}: {what}.",
    "cómo saco {what}?",
    "Muéstrame {what}.",
    "no me sale: {what}",
)


def musica_having(rng):
    table, column, expression, name, what, schema, numbers = rng.choice(MUSIC_GROUPS)
    number, sign = rng.choice(numbers), rng.choice((">", ">", ">="))
    limit = f"mayor que {number}" if sign == ">" else f"de {number} o más"
    return Exercise(
        what=f"{what}, solo cuando el resultado es {limit}",
        aim=f"agrupar {table} por {column} y dejar los grupos con {expression} {sign} {number}",
        sql=f"SELECT {column}, {expression} AS {name}\nFROM {table}\nGROUP BY {column}\nHAVING {expression} {sign} {number};",
        why=(
            f"GROUP BY {column} arma los grupos y HAVING descarta los que no cumplen {expression} {sign} {number}.",
            f"La condición es sobre el grupo entero, no sobre una fila: por eso va en HAVING y no en WHERE. {limit_of(sign, number)}",
        ),
        wrong=f"SELECT {column}, {expression} FROM {table} WHERE {expression} {sign} {number} GROUP BY {column}",
        remedy="WHERE actúa antes de agrupar y no conoce el resumen; la condición va en HAVING.",
        ask=ASKING_OF_GROUPS,
        schema=schema,
    )


def musica_subconsulta(rng):
    way, sign = rng.choice(("promedio", "lista")), rng.choice((">", "<"))
    more = "mayor" if sign == ">" else "menor"
    if way == "promedio":
        table, columns, column, schema = rng.choice(
            (("Track", "Name, Milliseconds", "Milliseconds", TRACK), ("Invoice", "InvoiceId, Total", "Total", INVOICE))
        )
        filters = [f"GenreId = {n}" for n in range(1, 10)] if table == "Track" else [f"BillingCountry = '{c}'" for c in COUNTRIES]
        only = rng.choice(filters)
        inner = f"SELECT AVG({column}) FROM {table} WHERE {only}"
        said = f"con {only.replace(' = ', ' ').replace(chr(39), '')} y {column} {more} que el promedio de ese grupo"
        what, condition = f"{columns.replace(', ', ' y ')} de {table}, {said}", f"{only} AND {column} {sign} ({inner})"
        explained = f"La subconsulta calcula primero el promedio de {column} con {only}: es un solo número."
        wrong = f"SELECT {columns} FROM {table} WHERE {only} AND {column} {sign} AVG({column})"
        remedy = "AVG no puede ir suelto en WHERE; calcúlalo en una subconsulta entre paréntesis."
    else:
        country, number = rng.choice(COUNTRIES), rng.choice((5, 8, 13))
        table, columns, schema = "Customer", rng.choice(("FirstName", "FirstName, City")), f"{CUSTOMER}, {INVOICE}"
        inner = f"SELECT CustomerId FROM Invoice WHERE Total {sign} {number}"
        condition = f"Country = '{country}' AND CustomerId IN ({inner})"
        what = f"{columns.replace(', ', ' y ')} de los clientes de {country} con alguna factura de Total {more} que {number}"
        explained = f"La subconsulta arma la lista de CustomerId con Total {sign} {number}, e IN pregunta si el cliente está en ella."
        wrong = f"SELECT {columns} FROM Customer WHERE Country = '{country}' AND CustomerId = Invoice.CustomerId"
        remedy = "Invoice no está en FROM; pon una subconsulta con IN."
    return Exercise(
        what=what,
        aim="resolver antes una subconsulta y comparar cada fila con lo que devuelve",
        sql=f"SELECT {columns}\nFROM {table}\nWHERE {condition};",
        why=(explained, f"{explained} Lee siempre desde el paréntesis hacia afuera."),
        wrong=wrong,
        remedy=remedy,
        schema=schema,
    )


def musica_ventana(rng):
    table, columns, column, key, where, only, schema = rng.choice(
        [
            ("Track", "Name, Milliseconds", "Milliseconds", "TrackId", f"AlbumId = {n}", f"las pistas del AlbumId {n}", TRACK)
            for n in (1, 4, 8, 10, 14, 18, 20)
        ]
        + [
            ("Invoice", "InvoiceId, Total", "Total", "InvoiceId", f"CustomerId = {n}", f"las facturas del CustomerId {n}", INVOICE)
            for n in (2, 5, 14, 23, 37, 40)
        ]
    )
    way = rng.choice(("puesto", "acumulado", "numero"))
    expression, spoken, why = {
        "puesto": (
            f"RANK() OVER (ORDER BY {column} DESC) AS puesto",
            f"el puesto con RANK de mayor a menor {column}",
            "RANK() da el puesto; si dos filas empatan lo comparten y después hay un salto.",
        ),
        "acumulado": (
            f"SUM({column}) OVER (ORDER BY {key}) AS acumulado",
            f"la suma acumulada de {column} en el orden de {key}",
            f"SUM con ORDER BY dentro de OVER suma desde la primera fila hasta la actual, por {key}.",
        ),
        "numero": (
            f"ROW_NUMBER() OVER (ORDER BY {column}, {key}) AS numero",
            f"un número de fila con ROW_NUMBER de menor a mayor {column} (desempata {key})",
            f"ROW_NUMBER() da 1, 2, 3 sin repetir; {key} decide si dos filas empatan.",
        ),
    }[way]
    return Exercise(
        what=f"{columns.replace(', ', ' y ')} de {only}, y {spoken}",
        aim=f"conservar cada fila de {table} y agregar al lado {expression.split(' OVER')[0]}",
        sql=f"SELECT {columns},\n       {expression}\nFROM {table}\nWHERE {where};",
        why=(f"{why} OVER no junta filas.", f"WHERE elige las filas y luego trabaja la ventana. {why}"),
        wrong=f"SELECT {columns}, {expression.split(' OVER')[0]} FROM {table} WHERE {where}",
        remedy="falta OVER (...), que dice en qué orden mira las filas la función de ventana.",
        schema=schema,
    )


def musica_sin_pareja(rng):
    way = rng.choice(("artistas", "pistas", "clientes"))
    if way == "artistas":
        letters = rng.choice("ABCDJMPS")
        columns, left, right = "r.Name", "Artist AS r", "Album AS a ON a.ArtistId = r.ArtistId"
        absent, condition = "a.AlbumId", f"r.Name LIKE '{letters}%'"
        what, schema = f"el Name de los artistas sin álbum cuyo Name empieza con {letters}", f"{ARTIST}, {ALBUM}"
    elif way == "pistas":
        number = rng.randint(1, 9)
        columns, left, right = "t.Name", "Track AS t", "InvoiceLine AS l ON l.TrackId = t.TrackId"
        absent, condition = "l.InvoiceLineId", f"t.GenreId = {number}"
        what = f"el Name de las pistas del GenreId {number} que nadie compró"
        schema = "Track(TrackId, Name, GenreId), InvoiceLine(InvoiceLineId, TrackId)"
    else:
        number = rng.choice((14, 15, 18, 20))
        columns, left = "c.FirstName, c.Country", "Customer AS c"
        right = f"Invoice AS i ON i.CustomerId = c.CustomerId AND i.Total > {number}"
        absent, condition = "i.InvoiceId", ""
        what = f"FirstName y Country de los clientes sin ninguna factura de Total mayor que {number}"
        schema = f"{CUSTOMER}, {INVOICE}"
    return Exercise(
        what=what,
        aim="conservar todas las filas de la izquierda y quedarse con las que no tienen pareja",
        sql=f"SELECT {columns}\nFROM {left}\nLEFT JOIN {right}\nWHERE {absent} IS NULL{f' AND {condition}' if condition else ''};",
        why=(
            f"LEFT JOIN conserva también lo que no tiene pareja y rellena con NULL; {absent} IS NULL deja justo esas filas.",
            f"Donde no hay pareja, {absent} queda en NULL. Por eso el filtro es {absent} IS NULL, sobre la clave de la derecha.",
        ),
        wrong=f"SELECT {columns} FROM {left} JOIN {right} WHERE {absent} IS NULL{f' AND {condition}' if condition else ''}",
        remedy="con JOIN a secas desaparece justo lo que buscas; usa LEFT JOIN.",
        schema=schema,
    )


# --- changes -------------------------------------------------------------------------------------


def cambio(rng):
    way = rng.choice(("UPDATE", "DELETE", "INSERT"))
    student, course, mark = rng.randint(1, 22), rng.randint(1, 9), rng.choice((5, 6, 7, 8, 9, 10))
    if way == "UPDATE":
        city = rng.choice(CITIES)
        what, aim, sql, bad = rng.choice(
            (
                (
                    f"cambiar a {city} la ciudad del estudiante {student}",
                    f"poner {city} como ciudad en una sola fila de estudiantes",
                    f"UPDATE estudiantes\nSET ciudad = '{city}'\nWHERE id = {student};",
                    f"UPDATE estudiantes SET ciudad = '{city}'",
                ),
                (
                    f"poner nota {mark} al estudiante {student} en el curso {course}",
                    "cambiar la nota de una sola inscripción, que se identifica con dos columnas",
                    f"UPDATE inscripciones\nSET nota = {mark}\nWHERE estudiante_id = {student} AND curso_id = {course};",
                    f"UPDATE inscripciones SET nota = {mark} WHERE estudiante_id = {student}",
                ),
            )
        )
        why = (
            "SET dice qué columna cambia y WHERE, en qué fila. Sin WHERE cambiarían todas: haz antes un SELECT con el mismo WHERE.",
            (
                "El WHERE usa la clave primaria, que señala una sola fila. Revisa con un SELECT antes de cambiar, porque no hay botón "
                "de deshacer."
            ),
        )
        remedy = "así cambian más filas de las que quieres; el WHERE debe señalar una sola."
    elif way == "DELETE":
        what, aim, sql, bad = rng.choice(
            (
                (
                    f"borrar la inscripción del estudiante {student} en el curso {course}",
                    "borrar una sola inscripción, señalada por sus dos columnas clave",
                    f"DELETE FROM inscripciones\nWHERE estudiante_id = {student} AND curso_id = {course};",
                    f"DELETE FROM inscripciones WHERE estudiante_id = {student}",
                ),
                (
                    f"borrar todas las inscripciones del estudiante {student}",
                    "borrar solo las inscripciones de una persona",
                    f"DELETE FROM inscripciones\nWHERE estudiante_id = {student};",
                    "DELETE FROM inscripciones",
                ),
            )
        )
        why = (
            "DELETE borra filas completas y WHERE dice cuáles. Sin WHERE se vacía la tabla: mira antes con un SELECT lo que vas a borrar.",
            "El WHERE protege a las demás filas. Trabaja dentro de BEGIN y COMMIT, y así un error se deshace con ROLLBACK.",
        )
        remedy = "así se borran más filas de las pedidas; falta una condición en WHERE."
    else:
        who, city, age = rng.choice(NAMES), rng.choice(CITIES), rng.randint(16, 21)
        what, aim, sql, bad = rng.choice(
            (
                (
                    f"agregar a {who}, de {city}, con {age} años, a estudiantes",
                    "crear una fila en estudiantes diciendo qué valor va en cada columna",
                    f"INSERT INTO estudiantes (nombre, ciudad, edad)\nVALUES ('{who}', '{city}', {age});",
                    f"INSERT INTO estudiantes VALUES ('{who}', '{city}', {age})",
                ),
                (
                    f"inscribir al estudiante {student} en el curso {course}, sin nota todavía",
                    "crear una inscripción con sus dos ids y sin nota",
                    f"INSERT INTO inscripciones (estudiante_id, curso_id)\nVALUES ({student}, {course});",
                    f"INSERT INTO inscripciones VALUES ({student}, {course})",
                ),
            )
        )
        why = (
            "Las columnas y los valores van en el mismo orden. Lo que no nombras queda en NULL o lo pone SQLite, como el id.",
            "INSERT INTO nombra la tabla y las columnas; VALUES da un valor para cada una. El texto va entre comillas simples.",
        )
        remedy = "la tabla tiene más columnas que valores; nombra las columnas que llenas."
    return Exercise(
        what=what,
        aim=aim,
        sql=sql,
        why=why,
        wrong=bad,
        remedy=remedy,
        verb="La instrucción",
        ask=(
            f"cómo hago para {what}",
            f"¿Con qué instrucción puedo {what}?",
            f"{{name}} me pidió {what}. ¿Qué escribo?",
            f"Tengo que {what}.",
            f"necesito {what}",
            f"ayúdame a {what}, porfa",
        ),
    )


KINDS = {
    # kind: tags, difficulty, training drills, held-out drills
    columnas: (("select",), 1, 14, 4),
    filtro: (("where",), 1, 16, 5),
    texto: (("where", "texto"), 1, 10, 3),
    condiciones: (("where", "operadores_logicos"), 1, 8, 3),
    rango: (("where", "between"), 1, 8, 2),
    lista: (("where", "in"), 1, 7, 2),
    orden: (("order_by",), 1, 11, 3),
    primeros: (("order_by", "limit"), 2, 7, 2),
    patron: (("where", "like"), 1, 9, 3),
    distintos: (("distinct",), 1, 4, 1),
    nulos: (("null",), 1, 7, 2),
    reemplazo: (("null", "coalesce"), 2, 4, 1),
    contar: (("agregacion", "count"), 1, 11, 3),
    resumen: (("agregacion",), 1, 9, 3),
    grupos: (("group_by", "agregacion"), 2, 13, 4),
    grupos_filtrados: (("having", "group_by"), 2, 8, 2),
    union_dos: (("join",), 2, 13, 4),
    union_tres: (("join",), 2, 7, 2),
    sin_pareja: (("left_join", "null"), 2, 4, 1),
    comparada: (("subconsultas",), 2, 7, 2),
    segun: (("case",), 2, 7, 2),
    ventana: (("ventanas",), 3, 6, 2),
    cambio: (("cambios",), 2, 10, 3),
    musica_filtro: (("where", "chinook"), 1, 6, 2),
    musica_orden: (("order_by", "chinook"), 1, 4, 1),
    musica_nulos: (("null", "chinook"), 1, 4, 1),
    musica_union: (("join", "chinook"), 2, 9, 2),
    musica_grupos: (("group_by", "chinook"), 2, 6, 2),
    musica_having: (("having", "chinook"), 2, 4, 1),
    musica_subconsulta: (("subconsultas", "chinook"), 2, 4, 2),
    musica_ventana: (("ventanas", "chinook"), 3, 4, 2),
    musica_sin_pareja: (("left_join", "chinook"), 2, 3, 1),
}
TAUGHT = (  # what written rows teach already
    "SELECT DISTINCT ciudad\nFROM estudiantes\nWHERE ciudad IS NOT NULL\nORDER BY ciudad;",
    "SELECT AVG(edad) AS promedio\nFROM estudiantes;",
)
NAMES = (
    "Itzel",
    "Camilo",
    "Rocío",
    "Nahuel",
    "Dayana",
    "Wilmer",
    "Abril",
    "Ezequiel",
    "Yamila",
    "Thiago",
    "Marisol",
    "Efraín",
    "Luz",
    "Iker",
    "Noemí",
)
ASKING = (
    "Muéstrame {what}.",
    "necesito {what}",
    "¿Cómo obtengo {what}?",
    "quiero ver {what}",
    "{name} me pidió {what}. ¿Qué consulta escribo?",
    "cómo saco {what} en sql",
    "En secretaría piden {what}.",
    "Dame {what}, por favor.",
    "para el informe de {name} va {what}, cómo se pide?",
    "me toca listar {what}",
    "¿Qué consulta devuelve {what}?",
    "profe, no me sale: {what}",
    "ayúdame a conseguir {what}",
    "Tarea de hoy: {what}.",
)
ASKING_IN_CHINOOK = (
    "Chinook: {schema}. {question}",
    "En la base Chinook están {schema}. {question}",
    "{question} (Chinook: {schema})",
    "base chinook, tablas {schema}. {question}",
    "Con Chinook, {schema}: {question}",
)
DOING = ("muestra {}.", "consigue {}.", "escribe la consulta que da {}.")
RIGHT = ("¡Exacto! Tu consulta está bien.", "¡Muy bien! Eso era.", "Correcto, así se pide.", "¡Eso es!")
WRONG = ("Casi:", "Vas cerca:", "Revisemos:", "Buen intento, pero")
LOST = ("No pasa nada, míralo armado.", "Calma, vamos por partes.", "Está bien no saberlo todavía.", "Para eso estamos.")
UNKNOWN = ("no sé", "no se cómo empezar", "no me sale", "ni idea", "no sé, ¿me ayudas?", "me perdí")


# --- rows ----------------------------------------------------------------------------------------


def asked_by(rng, exercise):
    """The question of a student; one in four writes in small letters and without accents."""
    question = rng.choice(exercise.ask or ASKING).format(what=exercise.what, name=rng.choice(NAMES))
    if exercise.schema:
        return rng.choice(ASKING_IN_CHINOOK).format(question=question, schema=exercise.schema)
    if rng.random() >= 0.25:
        return question
    words = re.split(r"(\s+)", question.replace("¿", "").replace("¡", ""))
    first = words[0] if words[0].strip(",") in NAMES else words[0][:1].lower() + words[0][1:]
    return "".join(plain(word) if word[:1].islower() else word for word in [first, *words[1:]])


def plain(word):
    return word.translate(str.maketrans("áéíóú", "aeiou"))


def task_of(rng, exercise):
    """The exercise in few words, after "Prueba tú:"."""
    if exercise.schema:
        return f"con Chinook, {exercise.schema}: {exercise.what}."
    if exercise.verb != "La consulta":
        return f"escribe la instrucción para {exercise.what}."
    if exercise.what.startswith(("cuánt", "cuant")):
        return f"averigua {exercise.what}."
    return rng.choice(DOING).format(exercise.what)


def answer(rng, exercise, feedback, task):
    """What the tutor says: the aim, the query, why, and the next exercise."""
    why = " ".join(filter(None, (feedback, rng.choice(exercise.why))))
    return f"{exercise.verb} debe {exercise.aim}.\n\n```sql\n{exercise.sql}\n```\n\n{why}\n\nPrueba tú: {task}"


def conversation(rng, draw, follow):
    """Question and answer; with ``follow`` the student's try at the exercise and the tutor's answer to it. No query comes twice."""
    asked, second, third = draw(rng), draw(rng), draw(rng)
    spare = random.Random(f"{SEED}-{asked.sql}-{second.sql}")  # its own: one drill that is drawn again must not change all that follow
    while second.sql == asked.sql:
        second = draw(spare)
    while third.sql in (asked.sql, second.sql):
        third = draw(spare)
    turns = [asked_by(rng, asked), answer(rng, asked, "", task_of(rng, second))]
    if not follow:
        return asked, asked, turns
    if follow == "wrong":
        said, feedback = second.wrong, f"{rng.choice(WRONG)} {second.remedy}"
    elif follow == "lost":
        said, feedback = rng.choice(UNKNOWN), rng.choice(LOST)
    else:
        said, feedback = second.sql.replace("\n", " ").replace("       ", "").rstrip(";"), rng.choice(RIGHT)
    return asked, second, [*turns, said, answer(rng, second, feedback, task_of(rng, third))]


def drills():
    """The rows of both files: {"train": [...], "eval": [...]}. The held-out ones are drawn first, so that nothing trains on them."""
    rows, asked_before = {"train": [], "eval": []}, []
    for place, (kind, (tags, difficulty, *counts)) in enumerate(KINDS.items()):
        rng = random.Random(f"{SEED}-{kind.__name__}")
        held_out, used = set(), set()

        def draw(source):
            while True:
                exercise = kind(source)  # noqa: B023
                if exercise.sql not in held_out and exercise.sql not in TAUGHT:  # noqa: B023
                    return exercise

        for file, count in (("eval", counts[1]), ("train", counts[0])):
            for number in range(count):
                ways = ("wrong", "lost", "right") if file == "train" else ("wrong", "lost")  # a right try gives the query away
                second_turn = number % 5 in (2, 4) if file == "train" else number == 3
                follow = ways[(place + number // 2) % len(ways)] if second_turn else ""
                for _ in range(5000):
                    asked, last, turns = conversation(rng, draw, follow)
                    words = frozenset(words_of(" ".join(turns[::2])))
                    far = all(len(words & other) * 5 < len(words | other) * 4 for other in asked_before)
                    if far and asked.sql not in used and last.sql not in used:
                        break
                else:
                    sys.exit(f"{kind.__name__} has no more drills than {number}")
                used |= {asked.sql, last.sql}
                asked_before.append(words)
                rows[file].append(row(f"gen-{kind.__name__}-{file}-{number + 1:02d}", turns, tags, difficulty, last))
                if file == "eval":
                    held_out |= {asked.sql, last.sql}
    return rows


def row(identifier, turns, tags, difficulty, exercise):
    messages = [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)]
    expected = {"sql": [re.sub(r"\s+", " ", query).rstrip(";") for query in (exercise.sql, *exercise.others)]}
    if exercise.schema:
        expected["db"] = MUSIC
    return {"messages": messages, "expected": expected, "tags": list(tags), "difficulty": difficulty, "id": identifier}


def words_of(text):
    """Words, numbers and operators without case and accents, as the hub compares questions."""
    folded = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return re.findall(r"\w+|[-+*/^=<>%√×÷·]", folded)


def main():
    changed = []
    for file, made in drills().items():
        path = DATA / f"{file}.jsonl"
        before = path.read_text(encoding="utf-8")
        written = [line for line in before.splitlines() if not json.loads(line).get("id", "").startswith("gen-")]
        after = "\n".join([*written, *(json.dumps(one, ensure_ascii=False) for one in made)]) + "\n"
        if after != before:
            changed.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(after, encoding="utf-8", newline="\n")
        print(f"{path.name}: {len(written)} written, {len(made)} drills")
    if "--check" in sys.argv and changed:
        sys.exit(f"these files hold something else: {', '.join(changed)}")


if __name__ == "__main__":
    main()
