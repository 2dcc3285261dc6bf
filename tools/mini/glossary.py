"""Definitions of terms of data structures, programming, databases and mathematics, asked in many wordings.

Knows the terms. Deliberately computes nothing.
"""

from dataclasses import dataclass
from random import Random

from .exchange import Exchange, ask

STRUCTURES, PYTHON, SQL, MATHEMATICS = "estructuras de datos", "Python", "SQL", "matemática"


@dataclass(frozen=True)
class Term:
    """A term with what there is to say about it."""

    subject: str
    """one of the four subjects"""
    name: str
    """with its article: 'una pila'"""
    meanings: tuple[str, ...]
    """interchangeable definitions, each a full sentence"""
    use: str
    """what it serves for, a full sentence"""
    example: str
    """one full sentence"""


def _t(subject: str, name: str, *parts: str) -> Term:
    *meanings, use, example = parts
    return Term(subject, name, tuple(meanings), use, example)


TERMS: tuple[Term, ...] = (
    _t(
        STRUCTURES,
        "una pila",
        "Una pila es una estructura donde el último elemento que entra es el primero que sale (LIFO).",
        "Una pila guarda elementos uno sobre otro: solo se agrega y se quita por arriba.",
        "Sirve para deshacer acciones, guardar llamadas a funciones y revisar paréntesis.",
        "Si apilas 1, 2 y 3, al desapilar sale primero el 3.",
    ),
    _t(
        STRUCTURES,
        "una cola",
        "Una cola es una estructura donde el primer elemento que entra es el primero que sale (FIFO).",
        "En una cola se agrega por el final y se saca por el frente, como en la fila de un banco.",
        "Sirve para atender tareas en orden de llegada y para recorrer grafos en anchura.",
        "Si encolas 1, 2 y 3, al desencolar sale primero el 1.",
    ),
    _t(
        STRUCTURES,
        "una lista enlazada",
        "Una lista enlazada es una secuencia de nodos donde cada nodo guarda un dato y una referencia al siguiente.",
        "Una lista enlazada une nodos con referencias: cada nodo sabe cuál es el que sigue.",
        "Conviene cuando se insertan y borran muchos elementos al principio.",
        "La lista 4 -> 7 -> 9 tiene tres nodos y el último apunta a nada.",
    ),
    _t(
        STRUCTURES,
        "una lista doblemente enlazada",
        "En una lista doblemente enlazada cada nodo conoce al siguiente y al anterior.",
        "Es una lista enlazada que se puede recorrer en los dos sentidos.",
        "Sirve para avanzar y retroceder, como en el historial de un navegador.",
        "En 1 <-> 2 <-> 3, desde el 2 se puede ir al 1 o al 3.",
    ),
    _t(
        STRUCTURES,
        "un arreglo",
        "Un arreglo es un bloque de posiciones seguidas en memoria, y cada posición tiene un índice.",
        "Un arreglo guarda elementos del mismo tipo en posiciones numeradas.",
        "Sirve para acceder a cualquier elemento en tiempo constante por su índice.",
        "En el arreglo [5, 8, 2], el índice 0 tiene el 5 y el índice 2 tiene el 2.",
    ),
    _t(
        STRUCTURES,
        "un árbol binario",
        "Un árbol binario es una estructura jerárquica donde cada nodo tiene como máximo dos hijos.",
        "En un árbol binario cada nodo puede tener un hijo izquierdo y un hijo derecho.",
        "Sirve para representar jerarquías, expresiones y búsquedas.",
        "Un nodo 8 con hijos 3 y 10 forma un árbol binario de tres nodos.",
    ),
    _t(
        STRUCTURES,
        "un árbol binario de búsqueda",
        "Es un árbol binario donde los valores menores van a la izquierda y los mayores a la derecha de cada nodo.",
        "Un árbol binario de búsqueda mantiene ordenados los valores: izquierda menor, derecha mayor.",
        "Permite buscar, insertar y borrar en tiempo O(log n) si está balanceado.",
        "Con raíz 8, el 3 va a la izquierda y el 10 a la derecha.",
    ),
    _t(
        STRUCTURES,
        "un montículo",
        "Un montículo es un árbol casi completo donde cada padre es menor o igual que sus hijos (montículo mínimo).",
        "Un montículo, o heap, deja siempre el elemento mínimo o máximo en la raíz.",
        "Sirve para hacer colas de prioridad y para ordenar con heapsort.",
        "En el montículo mínimo [1, 3, 2], la raíz es el 1.",
    ),
    _t(
        STRUCTURES,
        "una tabla hash",
        "Una tabla hash guarda pares de clave y valor usando una función que convierte la clave en una posición.",
        "Una tabla hash calcula con la clave el lugar donde está el valor.",
        "Sirve para buscar por clave en tiempo promedio O(1).",
        "Un diccionario de Python es una tabla hash: edades['Ana'] devuelve el valor de Ana.",
    ),
    _t(
        STRUCTURES,
        "una colisión en una tabla hash",
        "Hay una colisión cuando dos claves distintas reciben la misma posición de la tabla.",
        "Una colisión ocurre cuando la función hash da el mismo resultado para dos claves.",
        "Se resuelve con listas en cada posición o buscando otra posición libre.",
        "Con la función clave mod 5, las claves 7 y 12 chocan en la posición 2.",
    ),
    _t(
        STRUCTURES,
        "un grafo",
        "Un grafo es un conjunto de nodos unidos por aristas.",
        "Un grafo representa relaciones: los nodos son cosas y las aristas son conexiones.",
        "Sirve para modelar mapas, redes y amistades.",
        "Tres ciudades unidas por dos rutas forman un grafo de tres nodos y dos aristas.",
    ),
    _t(
        STRUCTURES,
        "un grafo dirigido",
        "Un grafo dirigido es un grafo donde cada arista tiene un sentido.",
        "En un grafo dirigido se puede ir de A a B sin poder volver de B a A.",
        "Sirve para representar dependencias o calles de un solo sentido.",
        "Si A apunta a B, existe la arista A -> B pero no necesariamente B -> A.",
    ),
    _t(
        STRUCTURES,
        "la búsqueda binaria",
        "La búsqueda binaria encuentra un valor en una lista ordenada partiendo el intervalo a la mitad en cada paso.",
        "Es un algoritmo que compara con el elemento del medio y descarta la mitad de la lista.",
        "Sirve para buscar rápido, en O(log n), cuando los datos están ordenados.",
        "En una lista de 1000 elementos bastan unas 10 comparaciones.",
    ),
    _t(
        STRUCTURES,
        "la búsqueda lineal",
        "La búsqueda lineal revisa los elementos uno por uno hasta encontrar el valor.",
        "Es la búsqueda más simple: se recorre la lista desde el principio.",
        "Sirve cuando la lista es corta o no está ordenada; cuesta O(n).",
        "Para hallar el 7 en [3, 9, 7] se hacen tres comparaciones.",
    ),
    _t(
        STRUCTURES,
        "el ordenamiento burbuja",
        "El ordenamiento burbuja compara vecinos y los intercambia si están en mal orden, hasta que no hay cambios.",
        "Es un algoritmo que lleva en cada pasada el mayor elemento al final.",
        "Sirve para aprender, porque cuesta O(n^2) y es lento con muchos datos.",
        "Con [3, 1, 2], la primera pasada deja [1, 2, 3].",
    ),
    _t(
        STRUCTURES,
        "el ordenamiento por inserción",
        "El ordenamiento por inserción toma cada elemento y lo coloca en su lugar entre los anteriores ya ordenados.",
        "Funciona como ordenar cartas en la mano: cada carta nueva se inserta en su sitio.",
        "Es bueno para listas cortas o casi ordenadas; en el peor caso cuesta O(n^2).",
        "Con [2, 5, 3], el 3 se inserta entre el 2 y el 5.",
    ),
    _t(
        STRUCTURES,
        "el ordenamiento por selección",
        "El ordenamiento por selección busca el mínimo de lo que falta y lo pone en la siguiente posición.",
        "En cada paso se elige el elemento más pequeño de la parte sin ordenar.",
        "Hace pocos intercambios, pero siempre cuesta O(n^2) comparaciones.",
        "Con [4, 1, 3], primero se elige el 1 y queda [1, 4, 3].",
    ),
    _t(
        STRUCTURES,
        "merge sort",
        "Merge sort divide la lista en mitades, ordena cada mitad y luego las mezcla.",
        "Es un algoritmo de divide y vencerás que mezcla listas ordenadas.",
        "Ordena en O(n log n) siempre, aunque usa memoria extra.",
        "Para mezclar [1, 4] y [2, 3] se obtiene [1, 2, 3, 4].",
    ),
    _t(
        STRUCTURES,
        "quicksort",
        "Quicksort elige un pivote, pone los menores a un lado y los mayores al otro, y repite en cada parte.",
        "Es un algoritmo de ordenamiento que parte la lista según un pivote.",
        "Es rápido en promedio, O(n log n), pero su peor caso es O(n^2).",
        "Con pivote 5, la lista [8, 2, 5, 1] queda como [2, 1], 5, [8].",
    ),
    _t(
        STRUCTURES,
        "la notación O grande",
        "La notación O grande describe cómo crece el tiempo de un algoritmo cuando crece la entrada.",
        "Es una forma de comparar algoritmos sin depender de la computadora.",
        "Sirve para saber si un algoritmo seguirá siendo útil con muchos datos.",
        "Recorrer una lista cuesta O(n) y dos ciclos anidados cuestan O(n^2).",
    ),
    _t(
        STRUCTURES,
        "el recorrido en anchura",
        "El recorrido en anchura (BFS) visita primero los vecinos cercanos y después los más lejanos, usando una cola.",
        "BFS recorre un grafo por niveles desde un nodo inicial.",
        "Sirve para hallar el camino con menos aristas.",
        "Desde A con vecinos B y C, se visitan A, B, C y luego sus vecinos.",
    ),
    _t(
        STRUCTURES,
        "el recorrido en profundidad",
        "El recorrido en profundidad (DFS) avanza por un camino hasta el final y luego retrocede.",
        "DFS recorre un grafo con una pila o con recursión.",
        "Sirve para detectar ciclos y ordenar tareas con dependencias.",
        "Desde A se va a B, luego a un vecino de B, y al no haber más se vuelve.",
    ),
    _t(
        STRUCTURES,
        "el algoritmo de Dijkstra",
        "El algoritmo de Dijkstra calcula los caminos más cortos desde un nodo cuando los pesos no son negativos.",
        "Dijkstra elige siempre el nodo no visitado con menor distancia conocida.",
        "Sirve para rutas en mapas y redes.",
        "Si A-B cuesta 4, A-C cuesta 1 y C-B cuesta 2, el mejor camino de A a B pasa por C y cuesta 3.",
    ),
    _t(
        STRUCTURES,
        "la recursión",
        "La recursión es una técnica donde una función se llama a sí misma con un problema más pequeño.",
        "Hay recursión cuando la solución de un problema usa la solución del mismo problema en menor tamaño.",
        "Sirve para recorrer árboles y resolver problemas que se dividen en partes iguales.",
        "El factorial se define así: n! = n × (n - 1)!, y 0! = 1.",
    ),
    _t(
        STRUCTURES,
        "el caso base",
        "El caso base es la situación simple en la que una función recursiva devuelve un resultado sin llamarse otra vez.",
        "Es la condición que detiene la recursión.",
        "Sin caso base la recursión no termina.",
        "En el factorial, el caso base es n == 0, que devuelve 1.",
    ),
    _t(
        STRUCTURES,
        "la programación dinámica",
        "La programación dinámica guarda los resultados de subproblemas para no calcularlos dos veces.",
        "Es una técnica que resuelve un problema combinando subproblemas ya resueltos.",
        "Sirve cuando los mismos subproblemas se repiten.",
        "Para Fibonacci, se guarda cada valor y se suma el par anterior.",
    ),
    _t(
        STRUCTURES,
        "un algoritmo voraz",
        "Un algoritmo voraz elige en cada paso la opción que parece mejor en ese momento.",
        "Es un método que nunca se arrepiente de una elección.",
        "Es simple y rápido, pero no siempre da la solución óptima.",
        "Para dar vuelto, se usa primero la moneda más grande que cabe.",
    ),
    _t(
        STRUCTURES,
        "divide y vencerás",
        "Divide y vencerás parte un problema en partes pequeñas, las resuelve y combina los resultados.",
        "Es una estrategia de tres pasos: dividir, resolver y combinar.",
        "Se usa en merge sort, quicksort y la búsqueda binaria.",
        "Para ordenar 8 números se ordenan dos grupos de 4 y se mezclan.",
    ),
    _t(
        STRUCTURES,
        "un conjunto",
        "Un conjunto es una colección sin elementos repetidos y sin orden fijo.",
        "Un conjunto solo guarda si un elemento está o no está.",
        "Sirve para quitar duplicados y preguntar pertenencia rápido.",
        "El conjunto {1, 2, 2} es igual a {1, 2}.",
    ),
    _t(
        STRUCTURES,
        "una cola de prioridad",
        "Una cola de prioridad entrega siempre el elemento con mayor prioridad, no el que llegó primero.",
        "Es una cola donde cada elemento tiene una importancia.",
        "Sirve en Dijkstra y en la planificación de tareas.",
        "En una sala de urgencias se atiende primero al caso más grave.",
    ),
    _t(
        STRUCTURES,
        "un algoritmo",
        "Un algoritmo es una serie finita de pasos claros para resolver un problema.",
        "Un algoritmo describe qué hacer, en qué orden y cuándo terminar.",
        "Sirve para que una persona o una computadora llegue al resultado.",
        "Una receta de cocina es un algoritmo.",
    ),
    _t(
        STRUCTURES,
        "un árbol balanceado",
        "Un árbol está balanceado cuando sus ramas tienen alturas parecidas.",
        "En un árbol balanceado la altura crece como log n.",
        "Sirve para que buscar e insertar cuesten O(log n).",
        "Los árboles AVL se balancean con rotaciones.",
    ),
    _t(
        STRUCTURES,
        "la memoización",
        "La memoización guarda el resultado de una función para cada argumento y lo reutiliza.",
        "Es recordar resultados ya calculados.",
        "Sirve para acelerar funciones recursivas.",
        "Con memoización, fib(30) se calcula con unas 30 llamadas.",
    ),
    _t(
        PYTHON,
        "una variable",
        "Una variable es un nombre que se refiere a un valor.",
        "Una variable guarda un dato para usarlo después.",
        "Sirve para recordar valores y darles nombre.",
        "En `edad = 20`, la variable es edad y su valor es 20.",
    ),
    _t(
        PYTHON,
        "una función",
        "Una función es un bloque de código con nombre que recibe argumentos y puede devolver un valor.",
        "Una función agrupa instrucciones para usarlas varias veces.",
        "Sirve para no repetir código y dividir un problema.",
        "`def doble(x): return 2 * x` define una función que duplica.",
    ),
    _t(
        PYTHON,
        "un bucle for",
        "Un bucle for repite un bloque una vez por cada elemento de una secuencia.",
        "El for recorre listas, cadenas o rangos.",
        "Sirve para procesar todos los elementos de una colección.",
        "`for i in range(3): print(i)` imprime 0, 1 y 2.",
    ),
    _t(
        PYTHON,
        "un bucle while",
        "Un bucle while repite un bloque mientras una condición sea verdadera.",
        "El while se usa cuando no sabemos cuántas veces repetir.",
        "Sirve para esperar o repetir hasta que algo cambie.",
        "`while n > 0: n = n - 1` resta hasta llegar a cero.",
    ),
    _t(
        PYTHON,
        "un diccionario",
        "Un diccionario guarda pares de clave y valor.",
        "Un diccionario permite buscar un valor por su clave.",
        "Sirve para contar, agrupar y buscar rápido.",
        "`edades = {'Ana': 20}` y `edades['Ana']` da 20.",
    ),
    _t(
        PYTHON,
        "una lista en Python",
        "Una lista es una colección ordenada que se puede modificar.",
        "Una lista guarda varios valores entre corchetes.",
        "Sirve para almacenar datos en orden y recorrerlos.",
        "`notas = [7, 9, 10]` y `notas[0]` vale 7.",
    ),
    _t(
        PYTHON,
        "una tupla",
        "Una tupla es una secuencia ordenada que no se puede modificar.",
        "Una tupla es parecida a una lista, pero inmutable.",
        "Sirve para datos que no deben cambiar, como una coordenada.",
        "`punto = (3, 5)` es una tupla de dos elementos.",
    ),
    _t(
        PYTHON,
        "una cadena",
        "Una cadena es una secuencia de caracteres entre comillas.",
        "Una cadena, o string, representa texto.",
        "Sirve para guardar palabras y mensajes.",
        "`'hola'.upper()` devuelve 'HOLA'.",
    ),
    _t(
        PYTHON,
        "una clase",
        "Una clase es un molde para crear objetos con atributos y métodos.",
        "Una clase describe qué datos y qué acciones tienen sus objetos.",
        "Sirve para modelar cosas del problema.",
        "La clase Perro puede tener el atributo nombre y el método ladrar.",
    ),
    _t(
        PYTHON,
        "un objeto",
        "Un objeto es una instancia de una clase, con sus propios datos.",
        "Un objeto reúne datos y métodos.",
        "Sirve para representar una cosa concreta.",
        "Si Perro es una clase, `fido = Perro('Fido')` crea un objeto.",
    ),
    _t(
        PYTHON,
        "la herencia",
        "La herencia permite que una clase reciba los atributos y métodos de otra.",
        "Con herencia, una clase hija extiende a una clase madre.",
        "Sirve para reutilizar código.",
        "`class Gato(Animal)` hereda lo que tiene Animal.",
    ),
    _t(
        PYTHON,
        "una excepción",
        "Una excepción es un error que ocurre durante la ejecución y se puede capturar.",
        "Una excepción interrumpe el programa si nadie la atiende.",
        "Con try y except se responde al error sin que el programa se detenga.",
        "Dividir entre cero produce ZeroDivisionError.",
    ),
    _t(
        PYTHON,
        "un módulo",
        "Un módulo es un archivo de Python con funciones y clases que se puede importar.",
        "Un módulo agrupa código relacionado.",
        "Sirve para organizar programas y reutilizar código.",
        "`import math` permite usar math.sqrt(16).",
    ),
    _t(
        PYTHON,
        "una comprensión de listas",
        "Una comprensión de listas crea una lista en una sola línea a partir de otra secuencia.",
        "Es una forma corta de escribir un for que llena una lista.",
        "Sirve para transformar y filtrar datos.",
        "`[x * x for x in range(4)]` da [0, 1, 4, 9].",
    ),
    _t(
        PYTHON,
        "un booleano",
        "Un booleano es un valor que solo puede ser True o False.",
        "El tipo bool representa verdad o falsedad.",
        "Sirve para tomar decisiones con if.",
        "`5 > 3` es True.",
    ),
    _t(
        PYTHON,
        "la indentación",
        "La indentación son los espacios al comienzo de la línea que indican qué código está dentro de un bloque.",
        "En Python los bloques se marcan con espacios, no con llaves.",
        "Sirve para saber qué instrucciones pertenecen a un if, un for o una función.",
        "Después de `if x > 0:` la línea siguiente va con cuatro espacios.",
    ),
    _t(
        PYTHON,
        "un generador",
        "Un generador produce valores de a uno con yield, sin guardarlos todos.",
        "Es una función que se pausa y continúa en cada valor.",
        "Sirve para recorrer muchos datos con poca memoria.",
        "Una función con `yield i` dentro de un for es un generador.",
    ),
    _t(
        PYTHON,
        "un parámetro",
        "Un parámetro es el nombre que recibe un dato en la definición de una función.",
        "El parámetro es la variable; el argumento es el valor que se le pasa.",
        "Sirve para que la función trabaje con datos distintos.",
        "En `def saludar(nombre)`, nombre es un parámetro.",
    ),
    _t(
        PYTHON,
        "return",
        "return termina una función y devuelve un valor a quien la llamó.",
        "Con return la función entrega su resultado.",
        "Sirve para usar el resultado en otra parte del programa.",
        "`return a + b` devuelve la suma.",
    ),
    _t(
        PYTHON,
        "una función lambda",
        "Una función lambda es una función pequeña sin nombre, escrita en una sola expresión.",
        "lambda crea una función en una línea.",
        "Sirve para pasar una función corta a sorted, map o filter.",
        "`sorted(palabras, key=lambda p: len(p))` ordena por longitud.",
    ),
    _t(
        SQL,
        "una base de datos",
        "Una base de datos es un conjunto organizado de datos que se puede consultar y modificar.",
        "Una base de datos guarda información de forma ordenada y segura.",
        "Sirve para almacenar y buscar muchos datos.",
        "Una escuela puede guardar alumnos, materias y notas en una base de datos.",
    ),
    _t(
        SQL,
        "una tabla",
        "Una tabla guarda datos en filas y columnas.",
        "En una tabla, cada fila es un registro y cada columna es un atributo.",
        "Sirve para organizar datos del mismo tipo.",
        "La tabla alumnos puede tener las columnas id, nombre y edad.",
    ),
    _t(
        SQL,
        "una clave primaria",
        "Una clave primaria es la columna que identifica de forma única a cada fila.",
        "La clave primaria no se repite y no puede ser nula.",
        "Sirve para distinguir cada registro.",
        "En la tabla clientes, la columna id puede ser la clave primaria.",
    ),
    _t(
        SQL,
        "una clave foránea",
        "Una clave foránea es una columna que apunta a la clave primaria de otra tabla.",
        "La clave foránea relaciona dos tablas.",
        "Sirve para conectar datos y evitar referencias inválidas.",
        "pedidos.cliente_id apunta a clientes.id.",
    ),
    _t(
        SQL,
        "SELECT",
        "SELECT es la instrucción que lee datos de una tabla.",
        "Con SELECT elegimos qué columnas queremos ver.",
        "Sirve para consultar datos sin modificarlos.",
        "`SELECT nombre FROM alumnos;` muestra los nombres.",
    ),
    _t(
        SQL,
        "WHERE",
        "WHERE filtra las filas que cumplen una condición.",
        "Con WHERE se indica qué filas queremos.",
        "Sirve para no traer toda la tabla.",
        "`WHERE edad > 18` deja solo a los mayores de 18.",
    ),
    _t(
        SQL,
        "GROUP BY",
        "GROUP BY agrupa las filas que tienen el mismo valor en una columna.",
        "Con GROUP BY se obtiene una fila por cada grupo.",
        "Sirve para contar, sumar o promediar por categoría.",
        "`SELECT ciudad, COUNT(*) FROM clientes GROUP BY ciudad;` cuenta clientes por ciudad.",
    ),
    _t(
        SQL,
        "HAVING",
        "HAVING filtra los grupos después de un GROUP BY.",
        "HAVING es como WHERE, pero se aplica a grupos.",
        "Sirve para poner condiciones sobre COUNT, SUM o AVG.",
        "`HAVING COUNT(*) > 5` deja los grupos con más de cinco filas.",
    ),
    _t(
        SQL,
        "ORDER BY",
        "ORDER BY ordena el resultado por una o más columnas.",
        "Con ORDER BY elegimos el orden de las filas: ASC o DESC.",
        "Sirve para ver primero lo mayor o lo menor.",
        "`ORDER BY precio DESC` muestra primero lo más caro.",
    ),
    _t(
        SQL,
        "un JOIN",
        "Un JOIN combina filas de dos tablas según una condición.",
        "JOIN une tablas relacionadas por una columna en común.",
        "Sirve para ver juntos datos que están en tablas distintas.",
        "`JOIN clientes ON pedidos.cliente_id = clientes.id` une pedidos con clientes.",
    ),
    _t(
        SQL,
        "un LEFT JOIN",
        "Un LEFT JOIN conserva todas las filas de la tabla izquierda, aunque no tengan pareja en la derecha.",
        "LEFT JOIN completa con NULL cuando no hay coincidencia.",
        "Sirve para encontrar registros sin relación.",
        "Con LEFT JOIN se ven también los clientes sin pedidos.",
    ),
    _t(
        SQL,
        "NULL",
        "NULL indica que un valor falta o es desconocido.",
        "NULL no es cero ni texto vacío: significa sin valor.",
        "Se compara con IS NULL, no con el signo igual.",
        "`WHERE email IS NULL` busca filas sin correo.",
    ),
    _t(
        SQL,
        "un índice en SQL",
        "Un índice es una estructura que acelera las búsquedas en una columna.",
        "Un índice funciona como el índice de un libro.",
        "Hace más rápidas las consultas, pero más lentas las escrituras.",
        "`CREATE INDEX idx_nombre ON clientes(nombre);` crea un índice.",
    ),
    _t(
        SQL,
        "una transacción",
        "Una transacción es un grupo de operaciones que se hacen todas o ninguna.",
        "Una transacción termina con COMMIT o se deshace con ROLLBACK.",
        "Sirve para que los datos queden siempre coherentes.",
        "Una transferencia resta de una cuenta y suma en otra en la misma transacción.",
    ),
    _t(
        SQL,
        "una subconsulta",
        "Una subconsulta es una consulta escrita dentro de otra.",
        "La subconsulta se calcula y su resultado se usa en la consulta externa.",
        "Sirve para comparar con un valor calculado.",
        "`WHERE precio > (SELECT AVG(precio) FROM productos)` deja los productos más caros que el promedio.",
    ),
    _t(
        SQL,
        "la normalización",
        "La normalización organiza las tablas para evitar datos repetidos.",
        "Normalizar es separar los datos en tablas relacionadas.",
        "Sirve para que un cambio se haga en un solo lugar.",
        "En vez de repetir la ciudad en cada pedido, se guarda en la tabla clientes.",
    ),
    _t(
        SQL,
        "una vista",
        "Una vista es una consulta guardada que se usa como si fuera una tabla.",
        "Una vista da nombre a una consulta.",
        "Sirve para simplificar consultas largas.",
        "`CREATE VIEW caros AS SELECT * FROM productos WHERE precio > 100;`",
    ),
    _t(
        SQL,
        "DISTINCT",
        "DISTINCT elimina las filas repetidas del resultado.",
        "Con DISTINCT cada valor aparece una sola vez.",
        "Sirve para ver qué valores diferentes hay.",
        "`SELECT DISTINCT ciudad FROM clientes;` muestra cada ciudad una vez.",
    ),
    _t(
        SQL,
        "COUNT",
        "COUNT es una función que cuenta filas.",
        "COUNT(*) devuelve el número de filas del resultado o del grupo.",
        "Sirve para saber cuántos registros hay.",
        "`SELECT COUNT(*) FROM alumnos;` devuelve cuántos alumnos hay.",
    ),
    _t(
        MATHEMATICS,
        "una fracción",
        "Una fracción representa partes de un entero dividido en partes iguales.",
        "Una fracción tiene numerador arriba y denominador abajo.",
        "Sirve para expresar cantidades que no son enteras.",
        "3/4 significa tres partes de cuatro.",
    ),
    _t(
        MATHEMATICS,
        "el denominador",
        "El denominador es el número de abajo de una fracción.",
        "El denominador dice en cuántas partes iguales se divide el entero.",
        "Sirve para saber el tamaño de cada parte.",
        "En 3/8 el denominador es 8.",
    ),
    _t(
        MATHEMATICS,
        "el numerador",
        "El numerador es el número de arriba de una fracción.",
        "El numerador dice cuántas partes se toman.",
        "Sirve para saber cuántas partes hay.",
        "En 3/8 el numerador es 3.",
    ),
    _t(
        MATHEMATICS,
        "un número primo",
        "Un número primo es un entero mayor que 1 que solo se divide entre 1 y él mismo.",
        "Un primo tiene exactamente dos divisores.",
        "Sirve para descomponer números en factores.",
        "2, 3, 5 y 7 son primos; 9 no, porque 9 = 3 × 3.",
    ),
    _t(
        MATHEMATICS,
        "una ecuación",
        "Una ecuación es una igualdad con una o más incógnitas.",
        "Una ecuación pide encontrar el valor que hace verdadera la igualdad.",
        "Sirve para hallar valores desconocidos.",
        "En x + 3 = 7, la solución es x = 4.",
    ),
    _t(
        MATHEMATICS,
        "una incógnita",
        "Una incógnita es el valor desconocido de una ecuación.",
        "La incógnita se escribe con una letra, como x.",
        "Sirve para plantear un problema antes de conocer la respuesta.",
        "En 2x = 10 la incógnita es x y vale 5.",
    ),
    _t(
        MATHEMATICS,
        "un porcentaje",
        "Un porcentaje expresa una cantidad como parte de 100.",
        "El porcentaje es una fracción con denominador 100.",
        "Sirve para hablar de descuentos, aumentos y proporciones.",
        "El 25 % de 80 es 20.",
    ),
    _t(
        MATHEMATICS,
        "el promedio",
        "El promedio es la suma de los datos dividida entre la cantidad de datos.",
        "El promedio, o media, reparte el total por igual.",
        "Sirve para resumir un grupo de números.",
        "El promedio de 4, 6 y 8 es 18 ÷ 3 = 6.",
    ),
    _t(
        MATHEMATICS,
        "la mediana",
        "La mediana es el valor del centro cuando los datos están ordenados.",
        "La mediana deja la mitad de los datos a cada lado.",
        "Sirve cuando hay valores muy grandes o muy pequeños.",
        "La mediana de 2, 5 y 100 es 5.",
    ),
    _t(
        MATHEMATICS,
        "la moda",
        "La moda es el dato que más se repite.",
        "La moda es el valor más frecuente.",
        "Sirve para saber cuál es el valor más común.",
        "En 2, 3, 3, 5 la moda es 3.",
    ),
    _t(
        MATHEMATICS,
        "una función en matemática",
        "Una función asigna a cada valor de entrada un único valor de salida.",
        "Una función es una regla que relaciona x con f(x).",
        "Sirve para describir cómo una cantidad depende de otra.",
        "Si f(x) = 2x, entonces f(3) = 6.",
    ),
    _t(
        MATHEMATICS,
        "la pendiente",
        "La pendiente mide cuánto sube o baja una recta por cada unidad hacia la derecha.",
        "La pendiente es el cambio en y dividido entre el cambio en x.",
        "Sirve para saber si una recta crece o decrece.",
        "En y = 3x + 1 la pendiente es 3.",
    ),
    _t(
        MATHEMATICS,
        "una derivada",
        "La derivada mide la rapidez de cambio de una función en un punto.",
        "La derivada es la pendiente de la recta tangente.",
        "Sirve para encontrar máximos, mínimos y velocidades.",
        "La derivada de x^2 es 2x.",
    ),
    _t(
        MATHEMATICS,
        "una integral",
        "Una integral suma infinitas partes pequeñas, por ejemplo para hallar un área bajo una curva.",
        "La integral es la operación inversa de la derivada.",
        "Sirve para calcular áreas y acumulaciones.",
        "La integral de 2x es x^2 + C.",
    ),
    _t(
        MATHEMATICS,
        "un logaritmo",
        "El logaritmo es el exponente al que hay que elevar la base para obtener un número.",
        "Un logaritmo responde: ¿a qué potencia elevo la base?",
        "Sirve para resolver ecuaciones con exponentes.",
        "log2(8) = 3, porque 2^3 = 8.",
    ),
    _t(
        MATHEMATICS,
        "una potencia",
        "Una potencia es una multiplicación repetida de un número por sí mismo.",
        "En una potencia, el exponente dice cuántas veces se multiplica la base.",
        "Sirve para escribir productos largos.",
        "2^4 = 2 × 2 × 2 × 2 = 16.",
    ),
    _t(
        MATHEMATICS,
        "el teorema de Pitágoras",
        "En un triángulo rectángulo, el cuadrado de la hipotenusa es la suma de los cuadrados de los catetos.",
        "El teorema de Pitágoras dice que a^2 + b^2 = c^2.",
        "Sirve para calcular distancias.",
        "Con catetos 3 y 4, la hipotenusa es 5.",
    ),
    _t(
        MATHEMATICS,
        "una matriz",
        "Una matriz es una tabla de números ordenados en filas y columnas.",
        "Una matriz de 2 × 3 tiene dos filas y tres columnas.",
        "Sirve para resolver sistemas y transformar vectores.",
        "[1 2; 3 4] es una matriz de 2 × 2.",
    ),
    _t(
        MATHEMATICS,
        "un vector",
        "Un vector tiene magnitud y dirección, y se escribe con sus componentes.",
        "Un vector es una lista ordenada de números.",
        "Sirve para representar desplazamientos y fuerzas.",
        "El vector (3, 4) tiene longitud 5.",
    ),
    _t(
        MATHEMATICS,
        "la probabilidad",
        "La probabilidad mide qué tan posible es un evento, con un número entre 0 y 1.",
        "La probabilidad es casos favorables entre casos posibles, si todos son iguales de posibles.",
        "Sirve para razonar sobre lo incierto.",
        "Al tirar un dado, la probabilidad de sacar un 6 es 1/6.",
    ),
    _t(
        MATHEMATICS,
        "un ángulo recto",
        "Un ángulo recto mide 90 grados.",
        "Es el ángulo que forman dos rectas perpendiculares.",
        "Sirve para reconocer cuadrados, rectángulos y triángulos rectángulos.",
        "Las esquinas de una hoja son ángulos rectos.",
    ),
    _t(
        MATHEMATICS,
        "el perímetro",
        "El perímetro es la suma de las longitudes de los lados de una figura.",
        "El perímetro mide el borde de una figura.",
        "Sirve para saber cuánta cerca hace falta alrededor de un terreno.",
        "Un cuadrado de lado 5 tiene perímetro 20.",
    ),
    _t(
        MATHEMATICS,
        "el área",
        "El área mide la superficie que ocupa una figura plana.",
        "El área se expresa en unidades cuadradas.",
        "Sirve para saber cuánta superficie hay que cubrir.",
        "Un rectángulo de 3 por 4 tiene área 12.",
    ),
    _t(
        MATHEMATICS,
        "el mínimo común múltiplo",
        "El mínimo común múltiplo es el menor múltiplo positivo que comparten dos números.",
        "Es el número más pequeño que se puede dividir entre los dos.",
        "Sirve para sumar fracciones con distinto denominador.",
        "El MCM de 4 y 6 es 12.",
    ),
    _t(
        MATHEMATICS,
        "el máximo común divisor",
        "El máximo común divisor es el mayor número que divide exactamente a dos números.",
        "Es el divisor más grande que tienen en común.",
        "Sirve para simplificar fracciones.",
        "El MCD de 12 y 18 es 6.",
    ),
)

DIFFERENCES: tuple[tuple[str, str, str], ...] = (
    (
        STRUCTURES,
        "una pila y una cola",
        "En una pila sale primero el último que entró (LIFO). En una cola sale primero el que entró antes (FIFO).",
    ),
    (
        STRUCTURES,
        "un arreglo y una lista enlazada",
        "En un arreglo se llega a cualquier posición en O(1), pero insertar al medio obliga a mover "
        "elementos. En una lista enlazada insertar es fácil si ya tenemos el nodo, pero buscar cuesta O(n).",
    ),
    (STRUCTURES, "BFS y DFS", "BFS recorre por niveles y usa una cola. DFS va hasta el fondo de cada camino y usa una pila o recursión."),
    (
        STRUCTURES,
        "la búsqueda lineal y la búsqueda binaria",
        "La búsqueda lineal revisa todos los elementos y cuesta O(n). La binaria necesita datos ordenados y cuesta O(log n).",
    ),
    (STRUCTURES, "un árbol y un grafo", "Un árbol es un grafo conexo sin ciclos. Un grafo general puede tener ciclos y partes separadas."),
    (
        PYTHON,
        "una lista y una tupla",
        "Una lista se puede modificar después de crearla; una tupla no. Las listas usan corchetes y las tuplas usan paréntesis.",
    ),
    (PYTHON, "= y ==", "Un solo igual asigna un valor a una variable. Dos iguales comparan si dos valores son iguales."),
    (PYTHON, "print y return", "print muestra un valor en pantalla. return entrega un valor a quien llamó a la función."),
    (PYTHON, "for y while", "for recorre una secuencia conocida. while repite mientras una condición sea verdadera."),
    (PYTHON, "append y extend", "append agrega un elemento al final de la lista. extend agrega todos los elementos de otra secuencia."),
    (PYTHON, "/ y //", "El signo / hace la división real: 7 / 2 es 3.5. El signo // hace la división entera: 7 // 2 es 3."),
    (
        PYTHON,
        "un parámetro y un argumento",
        "El parámetro es el nombre en la definición de la función. El argumento es el valor que se pasa al llamarla.",
    ),
    (PYTHON, "una clase y un objeto", "La clase es el molde y el objeto es una instancia creada con ese molde."),
    (SQL, "WHERE y HAVING", "WHERE filtra filas antes de agrupar. HAVING filtra grupos después del GROUP BY."),
    (
        SQL,
        "INNER JOIN y LEFT JOIN",
        "INNER JOIN solo devuelve las filas con coincidencia en ambas tablas. LEFT JOIN devuelve "
        "todas las de la izquierda y pone NULL donde no hay coincidencia.",
    ),
    (SQL, "DELETE y DROP", "DELETE borra filas de una tabla. DROP elimina la tabla entera."),
    (SQL, "UNION y UNION ALL", "UNION une resultados y quita repetidos. UNION ALL conserva los repetidos."),
    (
        SQL,
        "una clave primaria y una clave foránea",
        "La clave primaria identifica cada fila de su tabla. La clave foránea apunta a la clave primaria de otra tabla.",
    ),
    (
        SQL,
        "COUNT(*) y COUNT(columna)",
        "COUNT(*) cuenta todas las filas. COUNT(columna) cuenta solo las filas donde la columna no es NULL.",
    ),
    (MATHEMATICS, "el área y el perímetro", "El perímetro mide el borde de la figura. El área mide la superficie que hay dentro."),
    (
        MATHEMATICS,
        "la media y la mediana",
        "La media es la suma dividida entre la cantidad de datos. La mediana es el valor del centro de los datos ordenados.",
    ),
    (
        MATHEMATICS,
        "una ecuación y una expresión",
        "Una ecuación tiene un signo igual y se resuelve. Una expresión no tiene signo igual y solo se simplifica o se evalúa.",
    ),
    (MATHEMATICS, "un número primo y uno compuesto", "Un primo tiene exactamente dos divisores. Un compuesto tiene más de dos."),
)


def definition(rng: Random, subject: str | None = None) -> list[Exchange]:
    """What a term is, what it is for, an example; sometimes in several turns."""
    term = rng.choice([t for t in TERMS if subject in (None, t.subject)])
    first = Exchange(ask(rng, _what_is(rng, term.name)), _full_answer(rng, term))
    follow_ups = [
        Exchange(rng.choice(("¿Para qué sirve?", "¿Y para qué se usa?", "¿Cuándo se usa?", "¿Qué utilidad tiene?")), term.use),
        Exchange(
            rng.choice(("Dame un ejemplo.", "¿Me das un ejemplo?", "Un ejemplo, por favor.", "Muéstrame un caso concreto.")), term.example
        ),
        Exchange(
            rng.choice(("No entendí.", "¿Lo puedes decir de otra forma?", "No me quedó claro.", "Explícamelo más simple.")),
            rng.choice(("Claro. ", "Con otras palabras: ", "Veámoslo así. ", "")) + f"{rng.choice(term.meanings)} {term.example}",
        ),
    ]
    rng.shuffle(follow_ups)
    return [first, *follow_ups[: rng.choice((0, 0, 0, 1, 1, 2))]]


def usage(rng: Random, subject: str | None = None) -> list[Exchange]:
    """What a term is for, or an example of it, asked at once."""
    term = rng.choice([t for t in TERMS if subject in (None, t.subject)])
    if rng.random() < 0.5:
        question = rng.choice((f"¿Para qué sirve {term.name}?", f"¿Cuándo se usa {term.name}?", f"¿Por qué es útil {term.name}?"))
        answer = rng.choice((term.use, f"{rng.choice(term.meanings)} {term.use}", f"{term.use} {term.example}"))
    else:
        question = rng.choice(
            (f"Dame un ejemplo de {term.name}.", f"¿Me muestras un ejemplo de {term.name}?", f"Quiero ver un ejemplo de {term.name}.")
        )
        answer = rng.choice((term.example, f"{rng.choice(term.meanings)} Por ejemplo: {term.example}"))
    return [Exchange(ask(rng, contracted(question)), answer)]


def difference(rng: Random, subject: str | None = None) -> list[Exchange]:
    """What tells two terms apart."""
    _, pair, answer = rng.choice([d for d in DIFFERENCES if subject in (None, d[0])])
    question = rng.choice(
        (
            f"¿Qué diferencia hay entre {pair}?",
            f"¿Cuál es la diferencia entre {pair}?",
            f"¿En qué se diferencian {pair}?",
            f"Compara {pair}.",
            f"Siempre confundo {pair}, ¿me ayudas?",
        )
    )
    return [Exchange(ask(rng, question), rng.choice(("", "", "Es una confusión común. ", "Buena pregunta. ")) + answer)]


def which_term(rng: Random, subject: str | None = None) -> list[Exchange]:
    """From the definition to the term."""
    term = rng.choice(
        [
            t
            for t in TERMS
            if subject in (None, t.subject) and not t.meanings[-1].lower().split(",")[0].find(t.name.split()[-1].lower()) >= 0
        ]
    )
    question = rng.choice(
        (f"¿A qué término corresponde esta descripción? {term.meanings[-1]}", f"¿Cómo se llama esto? {term.meanings[-1]}")
    )
    return [Exchange(question, contracted(rng.choice((f"Se trata de {term.name}.", f"Eso describe {term.name}.", f"Es {term.name}."))))]


def contracted(text: str) -> str:
    """'de el' becomes 'del'."""
    return text.replace(" de el ", " del ").replace(" a el ", " al ")


def _what_is(rng: Random, name: str) -> str:
    return contracted(
        rng.choice(
            (
                f"¿Qué es {name}?",
                f"¿Qué es {name}?",
                f"¿Qué significa {name}?",
                f"Explícame qué es {name}.",
                f"Define {name}.",
                f"¿Me explicas {name}?",
                f"¿Cómo funciona {name}?",
                f"No entiendo qué es {name}.",
                f"¿Puedes explicar {name} con palabras simples?",
                f"Háblame de {name}.",
                f"¿Cómo explicarías {name} a un principiante?",
                f"Quiero saber qué es {name}.",
                f"Necesito entender {name} para un examen.",
                f"{name.split(' ', 1)[-1]}, ¿qué es?",
                f"Nunca entendí {name}.",
                f"En pocas palabras, ¿qué es {name}?",
            )
        )
    )


def _full_answer(rng: Random, term: Term) -> str:
    meaning = rng.choice(term.meanings)
    parts = rng.choice(
        (
            [meaning],
            [meaning, term.use],
            [meaning, f"Por ejemplo: {term.example}"],
            [meaning, term.use, f"Ejemplo: {term.example}"],
            [*term.meanings],
            [*term.meanings, term.use],
            [meaning, term.example],
        )
    )
    return " ".join(parts)
