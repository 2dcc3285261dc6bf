-- La base escolar del tutor, para SQLite. Todo es inventado.
-- Lo que una consulta descuidada suele pasar por alto está aquí a propósito: nombres repetidos (dos «Ana Torres», dos cursos
-- «Taller de lectura»), edades y notas empatadas, valores ausentes (ciudad, edad, nota, curso del profesor), estudiantes sin
-- inscripción, cursos sin inscritos o sin profesor, y notas justo en el límite (6 y 9).

CREATE TABLE estudiantes (id INTEGER PRIMARY KEY, nombre TEXT NOT NULL, ciudad TEXT, edad INTEGER);
CREATE TABLE cursos (id INTEGER PRIMARY KEY, nombre TEXT NOT NULL, creditos INTEGER NOT NULL);
CREATE TABLE inscripciones (
    estudiante_id INTEGER NOT NULL REFERENCES estudiantes(id),
    curso_id INTEGER NOT NULL REFERENCES cursos(id),
    nota REAL,
    PRIMARY KEY (estudiante_id, curso_id)
);
CREATE TABLE profesores (id INTEGER PRIMARY KEY, nombre TEXT NOT NULL, curso_id INTEGER REFERENCES cursos(id));

INSERT INTO estudiantes (id, nombre, ciudad, edad) VALUES
    (1, 'Ana Torres', 'Lima', 17),
    (2, 'Luis Quispe', 'Cusco', 18),
    (3, 'María José Rojas', 'Lima', 16),
    (4, 'Sofía Mamani', 'Quito', 19),
    (5, 'Mateo Núñez', 'Bogotá', 17),
    (6, 'Íñigo Peña', 'Lima', 20),
    (7, 'Valeria Gómez', 'Quito', 18),
    (8, 'José Ángel Díaz', NULL, 17),
    (9, 'Camila Ortiz', 'Bogotá', 16),
    (10, 'Manuel O''Higgins', 'Santiago', 21),
    (11, 'Lucía Fernández', 'Lima', 18),
    (12, 'Diego Ramírez', 'Ciudad de México', 19),
    (13, 'Ana Torres', 'Quito', 17),
    (14, 'Martina Silva', 'Santiago', 16),
    (15, 'Andrés Villa', 'Bogotá', NULL),
    (16, 'Renata Cruz', 'Ciudad de México', 18),
    (17, 'Julián Ávila', NULL, 22),
    (18, 'Mariana López', 'Lima', 17),
    (19, 'Óscar Benítez', 'Asunción', 20),
    (20, 'Paula Castro', 'Cusco', 18),
    (21, 'Tomás Ibáñez', 'Quito', 17),
    (22, 'Elena Vargas', 'Bogotá', 18);

INSERT INTO cursos (id, nombre, creditos) VALUES
    (1, 'Matemáticas I', 5),
    (2, 'Física', 4),
    (3, 'Química', 4),
    (4, 'Literatura', 3),
    (5, 'Historia de América', 3),
    (6, 'Programación', 5),
    (7, 'Taller de lectura', 2),
    (8, 'Taller de lectura', 3),
    (9, 'Astronomía', 2);

INSERT INTO inscripciones (estudiante_id, curso_id, nota) VALUES
    (1, 1, 8.5), (1, 2, 6.0), (1, 4, 9.0),
    (2, 1, 5.5), (2, 3, NULL),
    (3, 1, 7.0), (3, 2, 9.5), (3, 6, 10.0),
    (4, 2, 6.0), (4, 5, 8.0),
    (5, 1, 4.0), (5, 6, 6.5),
    (6, 1, 9.0), (6, 2, 7.5), (6, 3, 5.0), (6, 4, NULL),
    (7, 4, 8.0), (7, 7, 9.5),
    (8, 6, NULL),
    (9, 1, 8.5), (9, 5, 6.0),
    (11, 2, 3.5), (11, 3, 8.0), (11, 6, 9.0),
    (12, 1, 6.0), (12, 8, 7.0),
    (13, 1, 7.0), (13, 7, NULL),
    (14, 3, 9.5), (14, 6, 8.0),
    (15, 2, 5.0),
    (16, 4, 6.5), (16, 5, 10.0),
    (17, 6, 2.0),
    (18, 1, 10.0), (18, 2, 8.0), (18, 3, 8.0),
    (20, 5, 4.5), (20, 8, 9.0),
    (21, 4, 7.0),
    (22, 1, NULL), (22, 6, 7.5);

INSERT INTO profesores (id, nombre, curso_id) VALUES
    (1, 'Carmen Salas', 1),
    (2, 'Héctor Muñoz', 2),
    (3, 'Rosa Paredes', 3),
    (4, 'Iván Cáceres', 1),
    (5, 'Beatriz Ríos', NULL),
    (6, 'Gabriel Soto', 6),
    (7, 'Nora Aguirre', 4),
    (8, 'Pablo Ledesma', NULL),
    (9, 'Teresa Bravo', 8);
