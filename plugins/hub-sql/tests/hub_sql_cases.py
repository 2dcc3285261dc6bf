"""Cases for the validator ``sql`` that its tests and its benchmark share: equal and different queries, hostile statements, mutants."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "sql"
SCHOOL = ROOT / "tutors" / "sql" / "data" / "escuela.sql"
DATABASES = {
    "school": SCHOOL,
    "chinook": SHARED / "chinook.sqlite",
    **{name: SHARED / f"defog_{name}.sqlite" for name in ("academic", "geography", "restaurants")},
}

# --- pairs that mean the same: (database, accepted query, another way to say it) ------------------

EQUAL: list[tuple[str, str, str]] = [
    # aliases, case, quotes, column order
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE edad > 17",
        "select e.NOMBRE as quien, e.Edad from ESTUDIANTES as e where e.edad > 17",
    ),
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", "SELECT edad, nombre FROM estudiantes WHERE edad > 17"),
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", 'SELECT "nombre", [edad] FROM `estudiantes` WHERE "edad" > 17'),
    ("school", "SELECT nombre FROM estudiantes WHERE ciudad = 'Lima'", 'SELECT nombre FROM estudiantes WHERE ciudad = "Lima"'),
    # conditions
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", "SELECT nombre, edad FROM estudiantes WHERE edad >= 18"),
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", "SELECT nombre, edad FROM estudiantes WHERE NOT edad <= 17"),
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE edad > 17",
        "SELECT nombre, edad FROM estudiantes WHERE 17 < edad AND edad IS NOT NULL",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad BETWEEN 16 AND 18",
        "SELECT nombre FROM estudiantes WHERE edad >= 16 AND edad <= 18",
    ),
    ("school", "SELECT nombre FROM estudiantes WHERE edad BETWEEN 16 AND 18", "SELECT nombre FROM estudiantes WHERE edad IN (16, 17, 18)"),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE ciudad IN ('Lima', 'Quito')",
        "SELECT nombre FROM estudiantes WHERE ciudad = 'Lima' OR ciudad = 'Quito'",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE ciudad IN ('Lima', 'Quito')",
        "SELECT nombre FROM estudiantes WHERE ciudad = 'Lima' UNION ALL SELECT nombre FROM estudiantes WHERE ciudad = 'Quito'",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE ciudad NOT IN ('Lima', 'Quito')",
        "SELECT nombre FROM estudiantes WHERE ciudad <> 'Lima' AND ciudad != 'Quito'",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE (ciudad = 'Lima' OR ciudad = 'Quito') AND edad > 17",
        "SELECT nombre FROM estudiantes WHERE ciudad = 'Lima' AND edad > 17 OR ciudad = 'Quito' AND edad > 17",
    ),
    # counting and grouping
    ("school", "SELECT COUNT(*) FROM inscripciones", "SELECT COUNT(1) FROM inscripciones"),
    ("school", "SELECT COUNT(*) FROM inscripciones", "SELECT COUNT(curso_id) AS total FROM inscripciones"),
    ("school", "SELECT COUNT(*) FROM inscripciones", "SELECT SUM(1) FROM inscripciones"),
    ("school", "SELECT COUNT(nota) FROM inscripciones", "SELECT COUNT(*) FROM inscripciones WHERE nota IS NOT NULL"),
    (
        "school",
        "SELECT ciudad, COUNT(*) FROM estudiantes GROUP BY ciudad",
        "SELECT ciudad, COUNT(id) AS cuantos FROM estudiantes GROUP BY 1",
    ),
    (
        "school",
        "SELECT ciudad, COUNT(*) FROM estudiantes GROUP BY ciudad HAVING COUNT(*) > 2",
        "SELECT ciudad, n FROM (SELECT ciudad, COUNT(*) AS n FROM estudiantes GROUP BY ciudad) WHERE n > 2",
    ),
    (
        "school",
        "SELECT ciudad, COUNT(*) FROM estudiantes GROUP BY ciudad HAVING COUNT(*) > 2",
        "SELECT ciudad, COUNT(*) AS c FROM estudiantes GROUP BY ciudad HAVING c >= 3",
    ),
    ("school", "SELECT DISTINCT ciudad FROM estudiantes", "SELECT ciudad FROM estudiantes GROUP BY ciudad"),
    (
        "school",
        "SELECT COUNT(DISTINCT estudiante_id) FROM inscripciones",
        "SELECT COUNT(*) FROM (SELECT DISTINCT estudiante_id FROM inscripciones)",
    ),
    ("school", "SELECT AVG(nota) FROM inscripciones", "SELECT SUM(nota) / COUNT(nota) FROM inscripciones"),
    (
        "school",
        "SELECT curso_id, AVG(nota) FROM inscripciones GROUP BY curso_id",
        "SELECT curso_id, TOTAL(nota) / NULLIF(COUNT(nota), 0) FROM inscripciones GROUP BY curso_id",
    ),
    (
        "school",
        "SELECT curso_id, SUM(CASE WHEN nota >= 6 THEN 1 ELSE 0 END) FROM inscripciones GROUP BY curso_id",
        "SELECT curso_id, COUNT(CASE WHEN nota >= 6 THEN 1 END) FROM inscripciones GROUP BY curso_id",
    ),
    (
        "school",
        "SELECT curso_id, SUM(CASE WHEN nota >= 6 THEN 1 ELSE 0 END) FROM inscripciones GROUP BY curso_id",
        "SELECT curso_id, COUNT(*) FILTER (WHERE nota >= 6) FROM inscripciones GROUP BY curso_id",
    ),
    # joins
    (
        "school",
        "SELECT e.nombre, i.nota FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id",
        "SELECT estudiantes.nombre, inscripciones.nota FROM inscripciones, estudiantes WHERE estudiantes.id = inscripciones.estudiante_id",
    ),
    (
        "school",
        "SELECT e.nombre, i.nota FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id",
        "SELECT e.nombre, i.nota FROM (SELECT id AS estudiante_id, nombre FROM estudiantes) e JOIN inscripciones i USING (estudiante_id)",
    ),
    (
        "school",
        "SELECT p.nombre, i.estudiante_id FROM profesores p JOIN inscripciones i ON i.curso_id = p.curso_id",
        "SELECT p.nombre, i.estudiante_id FROM profesores p JOIN inscripciones i USING (curso_id)",
    ),
    (
        "school",
        "SELECT p.nombre, i.estudiante_id FROM profesores p JOIN inscripciones i ON i.curso_id = p.curso_id",
        "SELECT p.nombre, i.estudiante_id FROM profesores p JOIN cursos c ON c.id = p.curso_id JOIN inscripciones i ON i.curso_id = c.id",
    ),
    (
        "school",
        "SELECT p.nombre, i.estudiante_id FROM profesores p JOIN inscripciones i ON i.curso_id = p.curso_id",
        "SELECT nombre, estudiante_id FROM profesores NATURAL JOIN inscripciones",
    ),
    (
        "school",
        "SELECT e.nombre FROM estudiantes e LEFT JOIN inscripciones i ON i.estudiante_id = e.id WHERE i.estudiante_id IS NULL",
        "SELECT nombre FROM estudiantes WHERE id NOT IN (SELECT estudiante_id FROM inscripciones)",
    ),
    (
        "school",
        "SELECT e.nombre FROM estudiantes e LEFT JOIN inscripciones i ON i.estudiante_id = e.id WHERE i.estudiante_id IS NULL",
        "SELECT nombre FROM estudiantes AS e WHERE NOT EXISTS (SELECT * FROM inscripciones WHERE estudiante_id = e.id)",
    ),
    (
        "school",
        "SELECT e.nombre FROM estudiantes e LEFT JOIN inscripciones i ON i.estudiante_id = e.id WHERE i.estudiante_id IS NULL",
        "SELECT nombre FROM estudiantes WHERE id IN (SELECT id FROM estudiantes EXCEPT SELECT estudiante_id FROM inscripciones)",
    ),
    (
        "school",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
        "SELECT nombre, (SELECT COUNT(*) FROM inscripciones WHERE curso_id = cursos.id) AS inscritos FROM cursos",
    ),
    (
        "school",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
        "WITH n AS (SELECT curso_id, COUNT(*) AS total FROM inscripciones GROUP BY curso_id)"
        " SELECT c.nombre, COALESCE(n.total, 0) FROM cursos c LEFT JOIN n ON n.curso_id = c.id",
    ),
    (
        "school",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
        "SELECT c.nombre, COUNT(i.curso_id) AS n FROM cursos c LEFT JOIN inscripciones i ON c.id = i.curso_id GROUP BY c.id",
    ),
    (
        "school",
        "SELECT e.nombre, c.nombre FROM inscripciones i JOIN estudiantes e ON e.id = i.estudiante_id JOIN cursos c ON c.id = i.curso_id"
        " WHERE i.nota IS NULL",
        "SELECT e.nombre AS alumno, c.nombre AS materia"
        " FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id AND i.nota IS NULL"
        " INNER JOIN cursos c ON i.curso_id = c.id",
    ),
    (
        "school",
        "SELECT DISTINCT e.id, e.nombre FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id WHERE i.nota >= 9",
        "SELECT id, nombre FROM estudiantes WHERE id IN (SELECT estudiante_id FROM inscripciones WHERE nota >= 9)",
    ),
    (
        "school",
        "SELECT p.nombre, c.nombre FROM profesores p LEFT JOIN cursos c ON c.id = p.curso_id",
        "SELECT nombre, (SELECT nombre FROM cursos WHERE id = profesores.curso_id) AS curso FROM profesores",
    ),
    # subqueries, order and limit
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad = (SELECT MIN(edad) FROM estudiantes)",
        "SELECT e.nombre FROM estudiantes e JOIN (SELECT MIN(edad) AS m FROM estudiantes) x ON e.edad = x.m",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad = (SELECT MIN(edad) FROM estudiantes)",
        "SELECT nombre FROM estudiantes WHERE edad <= (SELECT edad FROM estudiantes WHERE edad IS NOT NULL ORDER BY edad LIMIT 1)",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad = (SELECT MIN(edad) FROM estudiantes)",
        "SELECT nombre FROM (SELECT nombre, RANK() OVER (ORDER BY edad) AS lugar FROM estudiantes WHERE edad IS NOT NULL) WHERE lugar = 1",
    ),
    ("school", "SELECT MAX(nota) FROM inscripciones", "SELECT nota FROM inscripciones ORDER BY nota DESC LIMIT 1"),
    (
        "school",
        "SELECT estudiante_id, curso_id FROM inscripciones WHERE nota > (SELECT AVG(nota) FROM inscripciones)",
        "WITH media AS (SELECT AVG(nota) AS m FROM inscripciones) SELECT estudiante_id, curso_id FROM inscripciones, media WHERE nota > m",
    ),
    (
        "school",
        "SELECT i.estudiante_id, i.curso_id, i.nota FROM inscripciones i"
        " WHERE i.nota > (SELECT AVG(j.nota) FROM inscripciones j WHERE j.curso_id = i.curso_id)",
        "SELECT estudiante_id, curso_id, nota FROM (SELECT *, AVG(nota) OVER (PARTITION BY curso_id) AS media FROM inscripciones)"
        " WHERE nota > media",
    ),
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad ASC, nombre DESC",
    ),
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY 2",
    ),
    (
        "school",
        "SELECT nombre FROM cursos ORDER BY creditos DESC, nombre",
        "SELECT nombre FROM (SELECT nombre, creditos FROM cursos) ORDER BY -creditos, nombre ASC",
    ),
    (
        "school",
        "SELECT estudiante_id, nota FROM inscripciones WHERE curso_id = 2 ORDER BY nota DESC LIMIT 3",
        "SELECT estudiante_id, nota FROM inscripciones WHERE curso_id = 2 ORDER BY nota DESC, estudiante_id LIMIT 3 OFFSET 0",
    ),
    (
        "school",
        "SELECT id, nombre FROM estudiantes ORDER BY nombre, id LIMIT 5 OFFSET 5",
        "SELECT e.id, e.nombre FROM estudiantes AS e ORDER BY 2, 1 LIMIT 5, 5",
    ),
    (
        "school",
        "SELECT estudiante_id, AVG(nota) AS promedio FROM inscripciones GROUP BY estudiante_id ORDER BY promedio DESC LIMIT 1",
        "SELECT estudiante_id, AVG(nota) FROM inscripciones GROUP BY estudiante_id ORDER BY AVG(nota) DESC LIMIT 1",
    ),
    # CASE and NULL
    (
        "school",
        "SELECT nombre, CASE WHEN edad >= 18 THEN 'mayor' ELSE 'menor' END FROM estudiantes",
        "SELECT nombre, IIF(edad > 17, 'mayor', 'menor') AS grupo FROM estudiantes",
    ),
    (
        "school",
        "SELECT estudiante_id, curso_id, COALESCE(nota, 'pendiente') FROM inscripciones",
        "SELECT estudiante_id, curso_id, CASE WHEN nota IS NULL THEN 'pendiente' ELSE nota END FROM inscripciones",
    ),
    (
        "school",
        "SELECT AVG(COALESCE(nota, 0)) FROM inscripciones",
        "SELECT SUM(nota) / COUNT(*) FROM inscripciones",
    ),
    ("school", "SELECT COUNT(*) - COUNT(nota) FROM inscripciones", "SELECT COUNT(*) FROM inscripciones WHERE nota IS NULL"),
    # Chinook
    (
        "chinook",
        "SELECT Title FROM Album JOIN Artist ON Artist.ArtistId = Album.ArtistId WHERE Artist.Name = 'AC/DC'",
        "SELECT al.Title FROM Album al WHERE al.ArtistId IN (SELECT ArtistId FROM Artist WHERE Name = 'AC/DC')",
    ),
    (
        "chinook",
        "SELECT Title FROM Album JOIN Artist ON Artist.ArtistId = Album.ArtistId WHERE Artist.Name = 'AC/DC'",
        "SELECT Title FROM Artist JOIN Album USING (ArtistId) WHERE Name = 'AC/DC'",
    ),
    (
        "chinook",
        "SELECT BillingCountry, SUM(Total) FROM Invoice GROUP BY BillingCountry",
        "SELECT DISTINCT BillingCountry, SUM(Total) OVER (PARTITION BY BillingCountry) FROM Invoice",
    ),
    (
        "chinook",
        "SELECT c.CustomerId, SUM(i.Total) FROM Customer c JOIN Invoice i ON i.CustomerId = c.CustomerId GROUP BY c.CustomerId",
        "SELECT CustomerId, SUM(Total) AS gasto FROM Invoice GROUP BY CustomerId",
    ),
    (
        "chinook",
        "SELECT g.Name, COUNT(*) FROM Track t JOIN Genre g ON g.GenreId = t.GenreId GROUP BY g.GenreId, g.Name ORDER BY COUNT(*) DESC",
        "SELECT g.Name, COUNT(t.TrackId) AS n FROM Genre g JOIN Track t USING (GenreId) GROUP BY g.GenreId ORDER BY n DESC, g.Name",
    ),
    (
        "chinook",
        "SELECT Name FROM Track WHERE Milliseconds > 300000 AND UnitPrice = 0.99",
        "SELECT Name FROM (SELECT * FROM Track WHERE UnitPrice = 0.99) WHERE Milliseconds / 1000.0 > 300",
    ),
    (
        "chinook",
        "SELECT e.FirstName, m.FirstName FROM Employee e LEFT JOIN Employee m ON m.EmployeeId = e.ReportsTo",
        "SELECT e.FirstName, (SELECT m.FirstName FROM Employee m WHERE m.EmployeeId = e.ReportsTo) AS jefe FROM Employee e",
    ),
    (
        "chinook",
        "SELECT strftime('%Y', InvoiceDate), SUM(Total) FROM Invoice GROUP BY strftime('%Y', InvoiceDate)",
        "SELECT substr(InvoiceDate, 1, 4) AS anio, SUM(Total) FROM Invoice GROUP BY anio",
    ),
    (
        "chinook",
        "SELECT COUNT(*) FROM Invoice WHERE strftime('%Y', InvoiceDate) = '2011'",
        "SELECT COUNT(*) FROM Invoice WHERE InvoiceDate >= '2011-01-01' AND InvoiceDate < '2012-01-01'",
    ),
    (
        "chinook",
        "SELECT Name FROM Artist WHERE ArtistId NOT IN (SELECT ArtistId FROM Album)",
        "SELECT a.Name FROM Artist a LEFT JOIN Album b ON b.ArtistId = a.ArtistId WHERE b.AlbumId IS NULL",
    ),
    # defog's databases, whose keys nobody declared
    (
        "academic",
        "SELECT author.name FROM author WHERE author.oid IS NULL",
        "SELECT a.name FROM author AS a LEFT JOIN organization AS o ON a.oid = o.oid WHERE a.oid IS NULL",
    ),
    (
        "academic",
        "SELECT author.name, SUM(publication.citation_num) AS c FROM author JOIN writes ON author.aid = writes.aid"
        " JOIN publication ON writes.pid = publication.pid GROUP BY author.name ORDER BY c DESC",
        "SELECT a.name, SUM(p.citation_num) FROM writes w JOIN publication p USING (pid) JOIN author a USING (aid)"
        " GROUP BY 1 ORDER BY 2 DESC",
    ),
    (
        "academic",
        "SELECT DISTINCT organization.name FROM organization JOIN author ON organization.oid = author.oid"
        " JOIN writes ON author.aid = writes.aid",
        "SELECT DISTINCT name FROM organization WHERE oid IN (SELECT oid FROM author WHERE aid IN (SELECT aid FROM writes))",
    ),
    ("geography", "SELECT country_name, COUNT(*) FROM river GROUP BY country_name", "SELECT country_name, COUNT(1) FROM river GROUP BY 1"),
    (
        "geography",
        "SELECT DISTINCT lake.country_name FROM lake JOIN river ON lake.country_name = river.country_name",
        "SELECT country_name FROM lake INTERSECT SELECT country_name FROM river",
    ),
    (
        "geography",
        "SELECT lake_name, area FROM lake WHERE state_name = 'Michigan'",
        "SELECT area, lake_name FROM lake AS l WHERE l.state_name IN ('Michigan')",
    ),
    (
        "geography",
        "SELECT city.city_name, city.population FROM city ORDER BY city.population DESC LIMIT 5",
        "SELECT city_name, population FROM city ORDER BY 2 DESC LIMIT 5",
    ),
    (
        "restaurants",
        "SELECT CAST(COUNT(*) AS REAL) / NULLIF((SELECT COUNT(*) FROM restaurant), 0) FROM restaurant WHERE rating > 4.5",
        "SELECT COUNT(CASE WHEN rating > 4.5 THEN 1 END) * 1.0 / COUNT(*) FROM restaurant",
    ),
    (
        "restaurants",
        "SELECT DISTINCT restaurant.city_name FROM restaurant WHERE rating = (SELECT MAX(rating) FROM restaurant)",
        "WITH best AS (SELECT MAX(rating) AS r FROM restaurant)"
        " SELECT city_name FROM restaurant JOIN best ON rating = r GROUP BY city_name",
    ),
    (
        "restaurants",
        "SELECT food_type, AVG(rating) FROM restaurant GROUP BY food_type",
        "SELECT food_type, SUM(rating) / COUNT(rating) AS media FROM restaurant GROUP BY food_type",
    ),
]

# --- pairs that differ only where the database shows no sign of it: never "incorrect" ---------------

NEARLY: list[tuple[str, str, str]] = [
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE nombre LIKE 'Ma%'",
        "SELECT nombre FROM estudiantes WHERE substr(nombre, 1, 2) = 'Ma'",
    ),
    ("school", "SELECT nombre FROM estudiantes WHERE ciudad IS NULL", "SELECT nombre FROM estudiantes WHERE COALESCE(ciudad, '') = ''"),
    ("school", "SELECT nombre FROM estudiantes WHERE edad > 17", "SELECT nombre FROM estudiantes WHERE edad > 17 AND edad < 120"),
    ("school", "SELECT nombre FROM estudiantes WHERE edad > 17", "SELECT nombre FROM estudiantes WHERE edad > 17 LIMIT 500"),
    (
        "school",
        "SELECT curso_id, nota FROM inscripciones WHERE nota BETWEEN 9 AND 10",
        "SELECT curso_id, nota FROM inscripciones WHERE nota >= 9",
    ),
    (
        "school",
        "SELECT curso_id, AVG(nota) FROM inscripciones GROUP BY curso_id",
        "SELECT curso_id, ROUND(AVG(nota), 2) FROM inscripciones GROUP BY curso_id",
    ),
    (
        "school",
        "SELECT nombre FROM cursos ORDER BY creditos DESC LIMIT 1",
        "SELECT nombre FROM cursos WHERE creditos = (SELECT MAX(creditos) FROM cursos)",
    ),
    (
        "school",
        "SELECT nombre FROM cursos ORDER BY creditos DESC LIMIT 1",
        "SELECT nombre FROM cursos ORDER BY creditos DESC, nombre DESC LIMIT 1",
    ),
    (
        "school",
        "SELECT GROUP_CONCAT(nombre) FROM estudiantes",
        "SELECT GROUP_CONCAT(nombre) FROM (SELECT nombre FROM estudiantes ORDER BY edad)",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes ORDER BY ciudad, nombre",
        "SELECT nombre FROM estudiantes ORDER BY ciudad NULLS LAST, nombre",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad > 17",
        "SELECT nombre FROM estudiantes WHERE edad > 17 AND date('now') > '2000-01-01'",
    ),
    ("chinook", "SELECT SUM(Total) FROM Invoice", "SELECT SUM(UnitPrice * Quantity) FROM InvoiceLine"),
    (
        "chinook",
        "SELECT strftime('%Y', InvoiceDate), COUNT(*) FROM Invoice GROUP BY 1",
        "SELECT CAST(strftime('%Y', InvoiceDate) AS INTEGER), COUNT(*) FROM Invoice GROUP BY 1",
    ),
    (
        "chinook",
        "SELECT t.Name, a.Title FROM Track t JOIN Album a USING (AlbumId)",
        "SELECT t.Name, a.Title FROM Track t LEFT JOIN Album a USING (AlbumId)",
    ),
    (
        "geography",
        "SELECT state_name, COUNT(lake_name) FROM lake GROUP BY state_name",
        "SELECT state_name, COUNT(*) FROM lake GROUP BY state_name",
    ),
    ("academic", "SELECT name FROM conference GROUP BY name, cid", "SELECT name FROM conference GROUP BY name"),
    (
        "restaurants",
        "SELECT city_name, COUNT(DISTINCT restaurant_id) FROM location GROUP BY city_name",
        "SELECT city_name, COUNT(*) FROM restaurant GROUP BY city_name",
    ),
    (
        "restaurants",
        "SELECT name FROM restaurant WHERE LOWER(food_type) LIKE LOWER('%italian%')",
        "SELECT name FROM restaurant WHERE food_type = 'Italian'",
    ),
]

# --- pairs that do not: (database, accepted query, a query that is wrong, right by luck or nearly) --

DIFFERENT: list[tuple[str, str, str]] = [
    ("school", "SELECT nombre FROM estudiantes WHERE edad > 17", "SELECT nombre FROM estudiantes WHERE edad >= 17"),
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", "SELECT nombre FROM estudiantes WHERE edad > 17"),
    ("school", "SELECT nombre FROM estudiantes WHERE edad > 17", "SELECT nombre, edad FROM estudiantes WHERE edad > 17"),
    ("school", "SELECT nombre FROM estudiantes WHERE ciudad IS NULL", "SELECT nombre FROM estudiantes WHERE ciudad = NULL"),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad = (SELECT MIN(edad) FROM estudiantes)",
        "SELECT nombre FROM estudiantes WHERE edad IS NOT NULL ORDER BY edad LIMIT 1",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE edad = (SELECT MIN(edad) FROM estudiantes)",
        "SELECT nombre FROM estudiantes WHERE edad = 16",
    ),
    ("school", "SELECT COUNT(*) FROM inscripciones", "SELECT COUNT(nota) FROM inscripciones"),
    ("school", "SELECT COUNT(*) FROM inscripciones", "SELECT 42"),
    ("school", "SELECT AVG(nota) FROM inscripciones", "SELECT SUM(nota) / COUNT(*) FROM inscripciones"),
    (
        "school",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
        "SELECT c.nombre, COUNT(*) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
    ),
    (
        "school",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.id, c.nombre",
        "SELECT c.nombre, COUNT(i.estudiante_id) FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id GROUP BY c.nombre",
    ),
    (
        "school",
        "SELECT c.nombre FROM cursos c WHERE NOT EXISTS (SELECT 1 FROM profesores p WHERE p.curso_id = c.id)",
        "SELECT nombre FROM cursos WHERE id NOT IN (SELECT curso_id FROM profesores)",
    ),
    (
        "school",
        "SELECT nombre FROM estudiantes WHERE (ciudad = 'Lima' OR ciudad = 'Quito') AND edad > 18",
        "SELECT nombre FROM estudiantes WHERE ciudad = 'Lima' OR ciudad = 'Quito' AND edad > 18",
    ),
    (
        "school",
        "SELECT c.nombre, i.nota FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id AND i.nota >= 9",
        "SELECT c.nombre, i.nota FROM cursos c LEFT JOIN inscripciones i ON i.curso_id = c.id WHERE i.nota >= 9",
    ),
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad DESC",
    ),
    (
        "school",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima' ORDER BY edad",
        "SELECT nombre, edad FROM estudiantes WHERE ciudad = 'Lima'",
    ),
    ("school", "SELECT ciudad FROM estudiantes", "SELECT DISTINCT ciudad FROM estudiantes"),
    (
        "school",
        "SELECT e.nombre, i.nota FROM estudiantes e JOIN inscripciones i ON i.estudiante_id = e.id",
        "SELECT e.nombre, i.nota FROM estudiantes e, inscripciones i",
    ),
    ("school", "SELECT nombre, edad FROM estudiantes WHERE edad > 17", 'SELECT nombre, "edda" FROM estudiantes WHERE edad > 17'),
    ("chinook", "SELECT Name FROM Artist WHERE ArtistId NOT IN (SELECT ArtistId FROM Album)", "SELECT Name FROM Artist"),
    (
        "chinook",
        "SELECT COUNT(*) FROM Invoice WHERE strftime('%Y', InvoiceDate) = '2011'",
        "SELECT COUNT(*) FROM Invoice WHERE InvoiceDate BETWEEN '2011-01-01' AND '2011-12-31'",
    ),
    ("chinook", "SELECT CAST(COUNT(*) AS REAL) / 4 FROM Genre", "SELECT COUNT(*) / 4 FROM Genre"),
    ("geography", "SELECT MAX(CAST(highest_elevation AS INTEGER)) FROM highlow", "SELECT MAX(highest_elevation) FROM highlow"),
]


# --- hostile statements --------------------------------------------------------------------------

HOSTILE: list[str] = [
    # leaving the database
    "ATTACH DATABASE 'robado.db' AS otra",
    "ATTACH DATABASE '/etc/passwd' AS otra",
    "VACUUM INTO 'copia.db'",
    "VACUUM",
    "SELECT load_extension('libevil.so')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('salida.txt', 'hola')",
    "SELECT edit('x', 'vi')",
    "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM dbstat",
    "SELECT * FROM fsdir('/')",
    "SELECT * FROM sqlite_dbpage",
    # changing it
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = 0",
    "PRAGMA hard_heap_limit = 0",
    "PRAGMA temp_store_directory = '/tmp'",
    "UPDATE sqlite_master SET sql = 'x'",
    "DELETE FROM estudiantes",
    "DROP TABLE estudiantes",
    "INSERT INTO estudiantes (nombre) VALUES ('intruso') RETURNING nombre, edad",
    "WITH x AS (SELECT 1) DELETE FROM estudiantes RETURNING nombre",
    "CREATE TEMP TABLE t AS SELECT * FROM estudiantes",
    "CREATE TABLE robo AS SELECT * FROM estudiantes",
    "CREATE TRIGGER malo AFTER INSERT ON estudiantes BEGIN DELETE FROM estudiantes; END",
    "CREATE VIRTUAL TABLE v USING fts5(x)",
    "CREATE VIEW estudiantes AS SELECT 1",
    "BEGIN EXCLUSIVE",
    "SELECT 1; DELETE FROM estudiantes; SELECT nombre FROM estudiantes WHERE edad > 18",
    "SELECT nombre FROM estudiantes WHERE edad > 18; ATTACH 'x.db' AS y",
    # time
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT nombre FROM estudiantes WHERE edad > (SELECT MAX(x) FROM c)",
    "SELECT COUNT(*) FROM inscripciones a, inscripciones b, inscripciones c, inscripciones d, inscripciones e, inscripciones f",
    "SELECT a.nombre FROM estudiantes a, estudiantes b, estudiantes c, estudiantes d, estudiantes e, estudiantes f",
    "SELECT * FROM inscripciones a, inscripciones b, inscripciones c, inscripciones d ORDER BY a.nota + b.nota * c.nota DESC, d.nota",
    "SELECT DISTINCT a.nota * b.nota - c.nota FROM inscripciones a, inscripciones b, inscripciones c, inscripciones d, inscripciones e",
    "SELECT nombre FROM estudiantes WHERE '" + "a" * 900 + "' LIKE '" + "%a" * 400 + "b'",
    # memory
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT group_concat(x || 'aaaaaaaaaaaaaaaa') FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 'a' UNION ALL SELECT x || x FROM c) SELECT length(x) FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT json_group_array(x) FROM c",
    "SELECT zeroblob(2000000000)",
    "SELECT hex(randomblob(900000000))",
    "SELECT printf('%.*c', 2000000000, 'x')",
    "SELECT format('%2000000000d', 1)",
    "SELECT " + "replace(" * 40 + "'aaaaaaaa'" + ", 'a', 'aaaaaaaaaa')" * 40,
    "SELECT group_concat(a.nombre || b.nombre || c.nombre) FROM estudiantes a, estudiantes b, estudiantes c, estudiantes d, estudiantes e",
    # size and depth
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT " + "NOT " * 9000 + "1",
    "SELECT 1" + " + 1" * 4000,
    "SELECT 1" + " UNION ALL SELECT 1" * 900,
    "SELECT " + ", ".join(["1"] * 3000),
    "SELECT 1 WHERE 1 IN (" + ", ".join(map(str, range(3000))) + ")",
    "SELECT * FROM " + ", ".join(f"estudiantes t{number}" for number in range(70)),
    "SELECT nombre FROM estudiantes WHERE edad > 18 -- " + "x" * 1_000_000,
    "SELECT '" + "x" * 1_000_000 + "'",
    "SELECT " + "(SELECT " * 300 + "1" + ")" * 300,
    # odd text
    "SELECT nombre FROM estudiantes WHERE edad > 18\x00; DROP TABLE estudiantes",
    "SELECT nombre FROM estudiantes /* sin fin",
    "SELECT nombre FROM estudiantes WHERE nombre = 'sin fin",
    "SELECT \ud800 FROM estudiantes",
    "SELECT nombre FROM estudiantes WHERE nombre = '\ufffe\u202e'",
    ";" * 5000,
    "SELECT" * 5000,
    "SELECT ?1, :a, @b, $c FROM estudiantes",
    "SELECT ?250001",
]
"""None of them is an answer to "who is older than 17"; most try to do harm."""

# --- queries to be mutated -----------------------------------------------------------------------

CHINOOK: list[str] = [
    "SELECT Name FROM Track WHERE Milliseconds > 300000 ORDER BY Name",
    "SELECT FirstName, LastName FROM Customer WHERE Country = 'Brazil'",
    "SELECT Country, COUNT(*) FROM Customer GROUP BY Country HAVING COUNT(*) >= 3",
    "SELECT BillingCountry, SUM(Total) AS total FROM Invoice GROUP BY BillingCountry ORDER BY total DESC LIMIT 5",
    "SELECT Artist.Name, COUNT(*) AS albums FROM Album JOIN Artist ON Artist.ArtistId = Album.ArtistId"
    " GROUP BY Artist.ArtistId, Artist.Name HAVING COUNT(*) > 4",
    "SELECT Genre.Name, AVG(Track.Milliseconds) FROM Track JOIN Genre ON Genre.GenreId = Track.GenreId GROUP BY Genre.GenreId, Genre.Name",
    "SELECT Title FROM Album WHERE AlbumId NOT IN (SELECT AlbumId FROM Track WHERE UnitPrice > 1)",
    "SELECT Customer.LastName, SUM(Invoice.Total) FROM Customer JOIN Invoice ON Invoice.CustomerId = Customer.CustomerId"
    " WHERE Customer.Country = 'USA' GROUP BY Customer.CustomerId, Customer.LastName",
    "SELECT e.LastName, COUNT(c.CustomerId) FROM Employee AS e LEFT JOIN Customer AS c ON c.SupportRepId = e.EmployeeId"
    " GROUP BY e.EmployeeId, e.LastName",
    "SELECT COUNT(DISTINCT BillingCountry) FROM Invoice WHERE Total >= 10",
    "SELECT Composer, COUNT(*) FROM Track WHERE Composer IS NOT NULL GROUP BY Composer ORDER BY COUNT(*) DESC, Composer LIMIT 10",
    "SELECT MAX(Total) - MIN(Total) FROM Invoice WHERE BillingCountry = 'Canada' OR BillingCountry = 'France'",
    "SELECT Name FROM Track WHERE Milliseconds BETWEEN 200000 AND 210000 AND MediaTypeId = 1",
    "SELECT Name FROM Playlist WHERE PlaylistId IN (SELECT PlaylistId FROM PlaylistTrack GROUP BY PlaylistId HAVING COUNT(*) > 100)",
    "SELECT InvoiceId, SUM(UnitPrice * Quantity) FROM InvoiceLine GROUP BY InvoiceId HAVING SUM(UnitPrice * Quantity) > 15",
]
"""Questions a learner would be asked on Chinook."""
SCHOOL_QUERIES: list[str] = list(dict.fromkeys(query for name, query, _ in EQUAL if name == "school"))


def mutants(query: str, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Queries that differ from this one in one word, and what was changed; ``columns``: table in small letters -> its columns."""
    import sqlglot

    tree = sqlglot.parse_one(query, read="sqlite")
    original = tree.sql("sqlite")
    found: dict[str, str] = {}
    for place, node in enumerate(tree.walk()):
        for kind, change in _changes(node, query, place, columns):
            copy = tree.copy()
            change(list(copy.walk())[place])
            text = copy.sql("sqlite")
            if text != original:
                found.setdefault(text, kind)
    return found


def _changes(node: Any, query: str, place: int, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Any]]:
    """(kind, what to do with the node of a copy)."""
    from sqlglot import expressions as exp

    other_operators: dict[Any, tuple[Any, ...]] = {
        exp.GT: (exp.GTE, exp.LT),
        exp.GTE: (exp.GT, exp.LTE),
        exp.LT: (exp.LTE, exp.GT),
        exp.LTE: (exp.LT, exp.GTE),
        exp.EQ: (exp.NEQ,),
        exp.NEQ: (exp.EQ,),
        exp.Add: (exp.Sub,),
        exp.Sub: (exp.Add,),
        exp.Mul: (exp.Add,),
        exp.Div: (exp.Mul,),
        exp.Like: (exp.EQ,),
        exp.And: (exp.Or,),
        exp.Or: (exp.And,),
    }
    for operator in other_operators.get(type(node), ()):
        kind = "AND/OR" if operator in (exp.And, exp.Or) else "operator"
        yield kind, lambda one, operator=operator: one.replace(operator(this=one.this.copy(), expression=one.expression.copy()))
    other_aggregates: dict[Any, tuple[Any, ...]] = {
        exp.Sum: (exp.Avg, exp.Max),
        exp.Avg: (exp.Sum, exp.Max),
        exp.Max: (exp.Min,),
        exp.Min: (exp.Max,),
        exp.Count: (exp.Sum,),
    }
    plain = node.this.expressions[0] if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct) else node.this
    for aggregate in other_aggregates.get(type(node), ()):
        if not isinstance(plain, exp.Star):
            yield "aggregate", lambda one, aggregate=aggregate: one.replace(aggregate(this=plain.copy()))
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
        yield "DISTINCT", lambda one: one.set("this", plain.copy())
    elif isinstance(node, exp.Count) and isinstance(node.this, exp.Column):
        yield "DISTINCT", lambda one: one.set("this", exp.Distinct(expressions=[plain.copy()]))
        yield "aggregate", lambda one: one.set("this", exp.Star())
    if isinstance(node, exp.Literal) and node.is_int:
        for step in (1, -1):
            kind = "LIMIT" if node.find_ancestor(exp.Limit) else "constant"
            yield kind, lambda one, step=step: one.replace(exp.Literal.number(int(node.this) + step))
    elif isinstance(node, exp.Literal) and node.is_number:
        yield "constant", lambda one: one.replace(exp.Literal.number(round(float(node.this) + 0.1, 3)))
    elif isinstance(node, exp.Literal) and len(node.this) > 1:
        yield "constant", lambda one: one.replace(exp.Literal.string(node.this.strip("%")[:-1] + ("%" if "%" in node.this else "x")))
        if node.this.startswith("%"):
            yield "constant", lambda one: one.replace(exp.Literal.string(node.this[1:]))
    if isinstance(node, exp.Ordered):
        yield "ASC/DESC", lambda one: one.set("desc", not node.args.get("desc"))
    if isinstance(node, exp.Join) and (node.args.get("on") is not None or node.args.get("using")):
        yield "JOIN", _other_join
    if isinstance(node, exp.Select):
        yield "DISTINCT", lambda one: one.set("distinct", None if node.args.get("distinct") else exp.Distinct())
        for part, kind in (("limit", "LIMIT"), ("where", "clause"), ("having", "clause"), ("order", "clause")):
            if node.args.get(part) and not (part == "order" and node.args.get("limit")):
                yield kind, lambda one, part=part: one.set(part, None)
    if isinstance(node, exp.Is):
        yield "operator", lambda one: one.replace(exp.Not(this=node.copy()))
    if isinstance(node, exp.Column) and (select := node.find_ancestor(exp.Select)) is not None:
        tables = {table.alias_or_name.lower(): table.name.lower() for table in select.find_all(exp.Table)}
        names = [tables.get(node.table.lower(), "")] if node.table else list(tables.values())
        others = [column for name in names for column in columns.get(name, ()) if column.lower() != node.name.lower()]
        for column in random.Random(f"{query}/{place}").sample(others, min(2, len(others))):
            yield "column", lambda one, column=column: one.set("this", exp.to_identifier(column))


def _other_join(join: Any) -> None:
    if join.side:
        join.set("side", None)
    else:
        join.set("side", "LEFT")
        join.set("kind", None)


def in_other_words(query: str) -> str:
    """The same query in another spelling, so that nobody can recognise it by its text: names in quotes, tables with aliases."""
    import sqlglot
    from sqlglot import expressions as exp

    tree = sqlglot.parse_one(query, read="sqlite")
    for table in tree.find_all(exp.Table):
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
    text = tree.sql("sqlite", pretty=True, identify=True)
    return f"{text}\n-- otra manera de escribirlo"
