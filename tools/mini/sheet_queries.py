"""Worksheets of SQL: one to three tables, some requests in Spanish, and the query that each one asks for.

Knows SQLite's queries and the Spanish that asks for them. Deliberately knows nothing of chat formats, tokens or tutors.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from .sheets import RESERVED, Lexicon, Part, Sheet, invented

LONGEST = 1300
"""characters of a sheet at most"""
SHORTEST = 150
"""characters of a sheet at least"""


@dataclass(frozen=True)
class Column:
    """A column and how it is spoken of."""

    name: str
    kind: str
    """'id', 'key', 'text', 'group', 'int', 'real' or 'date'"""
    spoken: str
    article: str
    """'el', 'la', 'los', 'las' or nothing where it is only called by its name"""
    values: tuple[str, ...] = ()
    """texts that it may hold"""
    low: int = 1
    high: int = 100
    target: str = ""
    """the table that a key points to"""

    @property
    def the(self) -> str:
        """The column with its article."""
        return f"{self.article} {self.spoken}".strip()

    @property
    def o(self) -> str:
        """The ending of an adjective."""
        return "a" if self.article in ("la", "las") else "o"

    @property
    def numeric(self) -> bool:
        """Whether it can be added up."""
        return self.kind in ("int", "real")


@dataclass(frozen=True)
class Table:
    """A table and how its rows are spoken of."""

    name: str
    article: str
    things: str
    """plural: 'clientes', 'filas de x'"""
    one: str
    """singular: 'cliente', 'x'"""
    columns: tuple[Column, ...]

    @property
    def key(self) -> Column:
        """The primary key."""
        return self.columns[0]

    @property
    def o(self) -> str:
        """The ending of an adjective."""
        return "a" if self.article == "las" else "o"

    def of(self, *kinds: str) -> list[Column]:
        """The columns of some kinds."""
        return [column for column in self.columns if column.kind in kinds]


@dataclass(frozen=True)
class Task:
    """A request, its query and what may be said of the query."""

    text: str
    clauses: tuple[str, ...]
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    """the columns that the query must name"""


# 1. Sensible domains

PEOPLE = "Ana,Luis,Rosa,Marta,Diego,Elena,Hugo,Nora,Iván,Lucía,Pablo,Sofía,Tomás,Inés,Raúl,Carla,Óscar,Julia,Bruno,Vera,Omar,Alma"
SURNAMES = "Ruiz,Soto,Vega,Pérez,Gómez,Díaz,Luna,Rojas,Mora,Castro,Flores,Núñez,Ríos,Paz,Campos,Herrera,O'Higgins,Medina,Salas"
CITIES = "Lima,Quito,Bogotá,Rosario,Cusco,La Paz,Puebla,Cali,Valencia,Asunción,Tacna,Loja,Mérida,Salta,Cuenca,Sucre,Temuco"
COUNTRIES = "Perú,Chile,México,Ecuador,Bolivia,Uruguay,Cuba,Panamá,Paraguay,Colombia,Argentina,Honduras,Costa Rica"
THINGS = "Sol,Luna,Norte,Aurora,Cóndor,Puma,Lago Azul,Estrella,Roble,Mar,Volcán,Cima,Delta,Oasis,Faro,Nube,Brisa,Trueno"

COLUMN_TEXT = f"""
nombre|el nombre|text {PEOPLE}
apellido|el apellido|text {SURNAMES}
titulo|el título|text {THINGS}
marca|la marca|group Andina,Norte,Sol,Kumi,Delta,Pampa
modelo|el modelo|text {THINGS}
ciudad|la ciudad|group {CITIES}
pais|el país|group {COUNTRIES}
direccion|la dirección|text Calle 8,Av. Sur,Calle Real,Jirón Lima,Av. Central
telefono|el teléfono|text 555-201,555-340,555-777,444-120
correo|el correo|text ana@sol.pe,luis@mar.cl,rosa@red.mx
edad|la edad|int 8-90
saldo|el saldo|real 10-5000
precio|el precio|real 5-900
costo|el costo|real 5-700
cantidad|la cantidad|int 1-60
stock|el stock|int 0-300
existencias|las existencias|int 0-300
categoria|la categoría|group bebidas,ropa,juguetes,libros,hogar,deporte
estado|el estado|group pendiente,pagado,anulado,enviado,listo
monto|el monto|real 10-3000
descuento|el descuento|int 0-50
fecha|la fecha|date
fecha_ingreso|la fecha de ingreso|date
fecha_salida|la fecha de salida|date
especialidad|la especialidad|group pediatría,cirugía,clínica,cardiología
sueldo|el sueldo|int 400-6000
turno|el turno|group mañana,tarde,noche
piso|el piso|int 1-20
camas|las camas|int 1-6
peso|el peso|real 1-800
altura|la altura|int 50-210
genero|el género|group drama,comedia,terror,poesía,ensayo,aventura
paginas|las páginas|int 40-900
anio|el año|int 1950-2025
editorial|la editorial|group Andes,Faro,Tinta,Roble
ejemplares|los ejemplares|int 1-40
placa|la placa|text ABC-12,XYZ-90,LKM-33,PQR-71
capacidad|la capacidad|int 2-400
kilometros|los kilómetros|int 10-90000
origen|el origen|group {CITIES}
destino|el destino|group {CITIES}
duracion|la duración|int 5-300
puntos|los puntos|int 0-120
goles|los goles|int 0-40
posicion|la posición|group arquero,defensa,volante,delantero
estadio|el estadio|text {THINGS}
especie|la especie|group vaca,oveja,cabra,gallina,llama
raza|la raza|group criolla,andina,fina,mixta
litros|los litros|int 1-60
hectareas|las hectáreas|int 1-500
cultivo|el cultivo|group maíz,papa,quinua,café,trigo
tipo|el tipo|group simple,doble,suite,básico,extra
noches|las noches|int 1-20
estrellas|las estrellas|int 1-5
nivel|el nivel|group bajo,medio,alto,experto
color|el color|group rojo,azul,verde,negro,blanco
area|el área|group ventas,compras,sistemas,almacén
cargo|el cargo|group jefe,cajero,técnico,guardia,chofer
horas|las horas|int 1-60
presupuesto|el presupuesto|real 500-90000
calificacion|la calificación|int 1-10
ingrediente|el ingrediente|group arroz,tomate,queso,palta,pollo
calorias|las calorías|int 20-900
minutos|los minutos|int 1-180
artista|el artista|text {PEOPLE}
sala|la sala|group A,B,C,D
visitas|las visitas|int 0-900
idioma|el idioma|group español,quechua,inglés,aimara,portugués
poblacion|la población|int 500-90000
temperatura|la temperatura|int 0-40
lluvia|la lluvia|real 0-90
tarifa|la tarifa|real 5-200
premio|el premio|int 100-9000
tamano|el tamaño|int 1-90
codigo|el código|text A-10,B-22,C-31,D-47
barrio|el barrio|group Centro,Norte,Sur,Jardín,Puerto
descripcion|la descripción|text Azul grande,Nuevo,Usado,Con caja
creditos|los créditos|int 1-12
version|la versión|int 1-9
likes|los likes|int 0-900
mensaje|el mensaje|text Hola,Gracias,Listo,Ya voy
prioridad|la prioridad|group alta,media,baja
consumo|el consumo|int 10-900
distancia|la distancia|int 1-900
velocidad|la velocidad|int 10-300
orbita|la órbita|int 80-9000
"""
DOMAIN_TEXT = """
los clientes cliente: nombre pais ciudad saldo edad correo; los pedidos pedido: >cliente fecha monto estado; los pagos pago: >pedido monto fecha tipo
los productos producto: titulo marca precio stock categoria; los proveedores proveedor: nombre ciudad telefono; las compras compra: >producto >proveedor cantidad costo fecha
los médicos médico: nombre especialidad edad turno; los pacientes paciente: nombre apellido edad ciudad telefono; las citas cita: >medico >paciente fecha costo estado
los autores autor: nombre pais idioma; los libros libro: >autor titulo genero paginas anio ejemplares; los préstamos préstamo: >libro fecha fecha_salida estado
los socios socio: nombre apellido barrio edad correo; las revistas revista: titulo editorial paginas precio; las reservas reserva: >socio >revista fecha estado
los choferes chofer: nombre edad sueldo telefono; los buses bus: placa marca capacidad anio; los viajes viaje: >chofer >bus origen destino fecha kilometros
los equipos equipo: nombre ciudad puntos estadio; los jugadores jugador: >equipo nombre posicion goles edad altura; los partidos partido: >equipo fecha goles estadio
las granjas granja: nombre ciudad hectareas; los animales animal: >granja especie raza peso edad; las vacunas vacuna: >animal fecha costo tipo
los hoteles hotel: nombre ciudad estrellas tarifa; las habitaciones habitación: >hotel tipo piso camas precio; las estadías estadía: >habitacion fecha_ingreso noches monto
las áreas área: nombre piso presupuesto; los empleados empleado: >area nombre apellido cargo sueldo edad; las tareas tarea: >empleado descripcion prioridad horas fecha
los cines cine: nombre ciudad capacidad; las películas película: titulo genero duracion anio idioma; las funciones función: >cine >pelicula sala fecha precio
los platos plato: nombre precio calorias ingrediente; las mesas mesa: piso capacidad estado; las órdenes orden: >mesa >plato cantidad fecha
los museos museo: nombre ciudad visitas; las obras obra: >museo titulo artista anio peso; las visitas visita: >museo fecha cantidad tarifa
los países país: nombre idioma poblacion; las ciudades ciudad: >pais nombre poblacion altura; los climas clima: >ciudad fecha temperatura lluvia
los usuarios usuario: nombre correo pais edad; los mensajes mensaje: >usuario mensaje fecha likes; los grupos grupo: >usuario titulo categoria visitas
los autos auto: marca modelo color anio precio; los dueños dueño: nombre apellido ciudad telefono; las ventas venta: >auto >dueno fecha monto descuento
los planetas planeta: nombre tamano temperatura orbita; las naves nave: modelo capacidad velocidad peso; las misiones misión: >nave >planeta fecha presupuesto estado
las canciones canción: titulo artista genero minutos anio; las listas lista: nombre categoria likes; las escuchas escucha: >cancion >lista fecha cantidad
los gimnasios gimnasio: nombre barrio tarifa; los atletas atleta: >gimnasio nombre edad peso altura nivel; las marcas marca: >atleta fecha distancia minutos
las fincas finca: nombre ciudad hectareas cultivo; las cosechas cosecha: >finca fecha peso precio; los envíos envío: >cosecha destino fecha costo
los juegos juego: titulo genero precio version; los rivales rival: nombre pais nivel puntos; las partidas partida: >juego >rival puntos minutos fecha
las casas casa: direccion barrio precio piso; los inquilinos inquilino: nombre edad telefono correo; los alquileres alquiler: >casa >inquilino monto fecha estado
los vuelos vuelo: codigo origen destino precio duracion; los pasajeros pasajero: nombre apellido pais edad; los boletos boleto: >vuelo >pasajero tarifa fecha tipo
las tiendas tienda: nombre ciudad existencias; los cajeros cajero: >tienda nombre turno sueldo; los recibos recibo: >cajero fecha monto descuento
los talleres taller: nombre nivel horas creditos; los monitores monitor: nombre apellido edad area; las sesiones sesión: >taller >monitor fecha sala horas
las plantas planta: nombre especie altura precio; los riegos riego: >planta fecha litros; los abonos abono: >planta tipo costo fecha
los medidores medidor: codigo barrio marca; las lecturas lectura: >medidor fecha consumo; los cortes corte: >medidor fecha horas tipo
los torneos torneo: titulo ciudad premio anio; los árbitros árbitro: nombre pais calificacion; los juicios juicio: >torneo >arbitro fecha puntos
"""
ENGLISH_TEXT = f"""
LastName|el apellido|text {SURNAMES}
FirstName|el nombre|text {PEOPLE}
Name|el nombre|text {THINGS}
Title|el título|text {THINGS}
City|la ciudad|group {CITIES}
Country|el país|group {COUNTRIES}
Phone|el teléfono|text 555-201,555-340,444-120
Email|el correo|text ana@sol.pe,luis@mar.cl
UnitPrice|el precio unitario|real 5-900
Quantity|la cantidad|int 1-60
Total|el importe|real 10-900
OrderDate|la fecha del pedido|date
HireDate|la fecha de contratación|date
BirthDate|la fecha de nacimiento|date
Salary|el sueldo|int 400-6000
Category|la categoría|group Food,Toys,Home,Books
Status|el estado|group Open,Paid,Closed,Sent
Pages|las páginas|int 40-900
Age|la edad|int 8-90
Weight|el peso|real 1-800
Milliseconds|los milisegundos|int 900-90000
Rating|la calificación|int 1-10
PostalCode|el código postal|text A-10,B-22,C-31
BillingCity|la ciudad de cobro|group {CITIES}
Stock|las existencias|int 0-300
Seats|los asientos|int 2-400
Model|el modelo|text {THINGS}
"""
ENGLISH_DOMAIN_TEXT = """
los Clients clientes Client: LastName FirstName City Country Age Email; los Orders pedidos Order: >Client OrderDate Total Status BillingCity; los Payments pagos Payment: >Order OrderDate Total
los Products productos Product: Name UnitPrice Stock Category Weight; los Suppliers proveedores Supplier: Name Country Phone PostalCode; las Purchases compras Purchase: >Product >Supplier Quantity OrderDate
los Writers escritores Writer: FirstName LastName Country BirthDate; los Books libros Book: >Writer Title Pages UnitPrice Rating; los Loans préstamos Loan: >Book OrderDate Status
los Stores locales Store: Name City Phone; los Workers trabajadores Worker: >Store LastName FirstName Salary HireDate; los Shifts turnos Shift: >Worker OrderDate Status
las Bands bandas Band: Name Country Rating; las Songs canciones Song: >Band Title Milliseconds UnitPrice; las Plays escuchas Play: >Song OrderDate Quantity
los Doctors médicos Doctor: LastName Age City; los Patients pacientes Patient: FirstName LastName BirthDate Weight; las Visits citas Visit: >Doctor >Patient OrderDate Total
los Planes aviones Plane: Model Seats Weight; los Pilots pilotos Pilot: FirstName LastName Salary Country; los Flights vuelos Flight: >Plane >Pilot OrderDate City
"""
ADJECTIVES: dict[str, tuple[str, str]] = {
    "precio": ("más car@s", "más barat@s"),
    "costo": ("más costos@s", "menos costos@s"),
    "tarifa": ("más car@s", "más barat@s"),
    "edad": ("de más edad", "más jóvenes"),
    "peso": ("más pesad@s", "más livian@s"),
    "altura": ("más alt@s", "más baj@s"),
    "paginas": ("más larg@s", "más cort@s"),
    "duracion": ("más larg@s", "más cort@s"),
    "minutos": ("más larg@s", "más cort@s"),
    "fecha": ("más recientes", "más antigu@s"),
    "anio": ("más recientes", "más antigu@s"),
    "velocidad": ("más rápid@s", "más lent@s"),
    "tamano": ("más grandes", "más pequeñ@s"),
    "poblacion": ("más poblad@s", "menos poblad@s"),
    "sueldo": ("mejor pagad@s", "peor pagad@s"),
    "UnitPrice": ("más car@s", "más barat@s"),
    "Weight": ("más pesad@s", "más livian@s"),
    "Age": ("de más edad", "más jóvenes"),
    "visitas": ("más visitad@s", "menos visitad@s"),
}
UNACCENT = str.maketrans("áéíóúüÁÉÍÓÚ", "aeiouuAEIOU")
"""ñ stays: without it a word turns into another"""
MORE_TAKEN = (
    "total suma promedio minimo maximo resultado puesto acumulado filas row to key abort action after always analyze attach before cascade "
    "cast collate column conflict constraint current database deferred detach do each escape except exclude explain fail filter first "
    "following generated glob groups if ignore immediate indexed initially instead intersect isnull last match materialized no nothing "
    "notnull nulls of others plan pragma preceding query raise recursive regexp reindex release rename replace restrict returning "
    "rollback savepoint temporary ties trigger unbounded vacuum virtual without rowid oid sqlite"
)
TAKEN = RESERVED | frozenset(MORE_TAKEN.split())
"""names that a drawn table or column does not get: SQLite's words and the aliases of the solutions"""


def _column(line: str) -> Column:
    name, spoken, kind = line.split("|")
    article, _, rest = spoken.partition(" ")
    kind, _, values = kind.partition(" ")
    if kind in ("int", "real"):
        low, high = values.split("-")
        return Column(name, kind, rest, article, (), int(low), int(high))
    return Column(name, kind, rest, article, tuple(values.split(",")) if values else ())


COLUMNS = {column.name: column for column in map(_column, filter(None, (COLUMN_TEXT + ENGLISH_TEXT).split("\n")))}


def _identifier(word: str) -> str:
    return word.translate(UNACCENT).replace("ñ", "n")


def _domain(line: str, english: bool) -> tuple[Table, ...]:
    tables = []
    for part in line.split(";"):
        head, _, body = part.strip().partition(": ")
        words = head.split()
        things, one = words[-2], words[-1]
        name = words[1] if english else _identifier(things)
        columns = [Column(f"{one}Id" if english else "id", "id", f"{one}Id" if english else "id", "" if english else "el")]
        for item in body.split():
            if item.startswith(">"):
                key = f"{item[1:]}Id" if english else f"{item[1:]}_id"
                columns.append(Column(key, "key", key, "", target=item[1:]))
            else:
                columns.append(COLUMNS[item])
        tables.append(Table(name, words[0], things, one, tuple(columns)))
    singles = {(_identifier(table.one)): table.name for table in tables}
    return tuple(
        replace(table, columns=tuple(replace(c, target=singles[c.target]) if c.target else c for c in table.columns)) for table in tables
    )


DOMAINS = tuple(_domain(line, False) for line in DOMAIN_TEXT.split("\n") if line)
ENGLISH_DOMAINS = tuple(_domain(line, True) for line in ENGLISH_DOMAIN_TEXT.split("\n") if line)


# 2. The tables of a sheet


def draw_tables(rng: Random, lexicon: Lexicon) -> list[Table]:
    """One to three tables with their links, with sensible names or drawn ones."""
    chance = rng.random()
    tables = _invented_tables(rng, lexicon) if chance < 0.5 else _known_tables(rng, chance < 0.62)
    count = rng.choice((1, 2, 2, 2, 3))
    if count == 1:
        tables = [rng.choice(tables)]
    elif count == 2:
        child = rng.choice([table for table in tables if table.of("key")])
        tables = [next(t for t in tables if t.name == child.of("key")[0].target), child]
    accents = rng.random() < 0.7
    result = []
    for table in tables:
        fixed = [c for c in table.columns if c.kind in ("id", "key")]
        rest = [c for c in table.columns if c.kind not in ("id", "key")]
        while len(rest) > 2 and len(fixed) + len(rest) > (5 if count == 3 else 6):
            rest.remove(rng.choice(rest))
        if rng.random() < 0.4:
            rng.shuffle(rest)
        if rng.random() < 0.4:
            columns = [fixed[0], *rest, *fixed[1:]]
        else:
            columns = fixed + rest
        if not accents:
            columns = [
                replace(c, spoken=c.spoken.translate(UNACCENT), values=tuple(v.translate(UNACCENT) for v in c.values)) for c in columns
            ]
            table = replace(table, things=table.things.translate(UNACCENT), one=table.one.translate(UNACCENT))
        result.append(replace(table, columns=tuple(columns)))
    if rng.random() < 0.25:
        rng.shuffle(result)
    return result


def _known_tables(rng: Random, english: bool) -> list[Table]:
    if not english:
        return list(rng.choice(DOMAINS))
    tables = list(rng.choice(ENGLISH_DOMAINS))
    if rng.random() < 0.4:
        return tables
    return [
        replace(table, things=table.name, one=table.name, columns=tuple(replace(c, spoken=c.name, article="") for c in table.columns))
        for table in tables
    ]


def _invented_tables(rng: Random, lexicon: Lexicon) -> list[Table]:
    used = set(TAKEN)

    def fresh(length: int = 14) -> str:
        for attempt in range(50):
            word = invented(rng) if rng.random() < 0.12 or attempt > 9 else lexicon.word(rng)
            if rng.random() < 0.15:
                word = f"{word}_{lexicon.word(rng)}"
            if word not in used and len(word) <= length and word.isascii():
                break
        used.add(word)
        return word

    camel = rng.random() < 0.1
    key_form = rng.choice(("id", "id", "id", "id_{}", "{}_id", "cod_{}"))
    link_form = rng.choice(("{}_id", "{}_id", "id_{}", "cod_{}", "{}"))
    if link_form == key_form:
        link_form = "ref_{}"
    articles = rng.random() < 0.25
    row_form = rng.choice(("filas de {}", "filas de {}", "{}", "{}", "registros de {}"))
    names = [fresh() for _ in range(3)]
    links = rng.choice((((), (0,), (1,)), ((), (), (0, 1)), ((), (0,), (0,))))
    dress: Callable[[str], str] = (lambda w: "".join(p.capitalize() for p in w.split("_"))) if camel else (lambda w: w)
    tables = []
    for n, name in enumerate(names):
        key = dress(key_form.format(name))
        columns = [Column(key, "id", key, "")]
        for to in links[n]:
            link = dress(link_form.format(names[to] if link_form != "{}" else fresh()))
            columns.append(Column(link, "key", link, "", target=dress(names[to])))
        kinds = ["text", "group", "int", *rng.sample(("int", "real", "date", "group", "text"), rng.choice((0, 1, 1, 2)))]
        rng.shuffle(kinds)
        for kind in kinds:
            word = dress(fresh())
            high = rng.choice((10, 50, 100, 1000, 5000))
            values: tuple[str, ...] = ()
            if kind in ("text", "group"):
                proper = rng.random() < 0.5
                values = tuple(_value(rng, lexicon, proper) for _ in range(6))
            columns.append(Column(word, kind, word, rng.choice(("el", "la")) if articles else "", tuple(dict.fromkeys(values)), 1, high))
        things = row_form.format(dress(name))
        tables.append(Table(dress(name), "las" if things.startswith("filas") else "los", things, dress(name), tuple(columns)))
    return tables


def _value(rng: Random, lexicon: Lexicon, proper: bool) -> str:
    chance = rng.random()
    if proper and chance < 0.3:
        return rng.choice((PEOPLE, CITIES, COUNTRIES, SURNAMES, THINGS)).split(",")[rng.randrange(11)].translate(UNACCENT)
    if chance < 0.42:
        return f"{rng.choice('ABCDEFGHKLMNPRSTXZ')}{rng.choice('ABCDEFGHKLMNPRSTXZ')}{rng.choice(('', '-'))}{rng.randrange(10, 999)}"
    word = invented(rng) if chance < 0.5 else lexicon.word(rng)
    if chance > 0.9:
        word = f"{word} {lexicon.word(rng)}"
    return word.title() if proper else word


# 3. Conditions


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def number(rng: Random, column: Column) -> str:
    """A number that the column may hold."""
    if column.kind in ("id", "key"):
        return str(rng.randrange(1, rng.choice((10, 60, 400))))
    span = column.high - column.low
    n = column.low + int(span * rng.random())
    if span > 200 and rng.random() < 0.6:
        n = max(10, n // 10 * 10)
    if column.kind == "real" and rng.random() < 0.15:
        return f"{n}.{rng.choice(('5', '25', '75', '9', '99'))}"
    return str(n)


def date(rng: Random) -> str:
    """A day as SQLite keeps it."""
    return f"{rng.randrange(2018, 2026)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def text_value(rng: Random, column: Column) -> str:
    """A text that the column may hold."""
    return rng.choice(column.values) if column.values else date(rng)


COMPARISONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ">": (
        ("mayor que #", "mayor a #", "superior a #", "de más de #", "por encima de #"),
        ("es mayor que #", "supera #", "pasa de #", "es superior a #", "está por encima de #", "es más de #", "excede #"),
    ),
    ">=": (
        (
            "mayor o igual que #",
            "de # o más",
            "de al menos #",
            "no menor que #",
            "de # como mínimo",
            "de por lo menos #",
            "desde # en adelante",
        ),
        (
            "es mayor o igual que #",
            "es al menos #",
            "llega a # o más",
            "es como mínimo #",
            "no baja de #",
            "es # o más",
            "es por lo menos #",
        ),
    ),
    "<": (
        ("menor que #", "menor a #", "inferior a #", "de menos de #", "por debajo de #"),
        ("es menor que #", "no llega a #", "es inferior a #", "está por debajo de #", "es menos de #"),
    ),
    "<=": (
        ("menor o igual que #", "de # o menos", "de a lo sumo #", "de hasta #", "no mayor que #", "de # como máximo"),
        (
            "es menor o igual que #",
            "es como máximo #",
            "es a lo sumo #",
            "no pasa de #",
            "no supera #",
            "es # o menos",
            "llega como mucho a #",
        ),
    ),
    "=": (("igual a #", "de #", "exactamente igual a #"), ("es #", "es igual a #", "vale #", "es exactamente #")),
    "<>": (("distint@ de #", "diferente de #", "que no sea #"), ("es distint@ de #", "no es #", "es diferente de #", "no vale #")),
}
DATES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ">": (("posterior a #", "después de #"), ("es posterior a #", "es después de #", "viene después de #")),
    ">=": (("desde #", "a partir de #", "de # en adelante"), ("es # o posterior", "empieza en # o después", "no es anterior a #")),
    "<": (("anterior a #", "antes de #"), ("es anterior a #", "es antes de #")),
    "<=": (("hasta #", "no posterior a #"), ("es # o anterior", "llega hasta #", "no es posterior a #")),
    "=": (("igual a #", "del día #"), ("es #", "es igual a #")),
    "<>": (("distint@ de #",), ("no es #", "es distint@ de #")),
}


@dataclass(frozen=True)
class Condition:
    """A condition in words and in SQL."""

    adjective: str
    """after 'con': 'con saldo mayor que 5', 'sin correo'"""
    verb: str
    """after the column with its article: 'es mayor que 5'"""
    column: Column
    sql: str
    clue: str
    """the word that decides the operator"""
    operator: str
    place: str = ""


def condition(rng: Random, columns: Sequence[Column], prefix: str = "", negations: bool = True) -> Condition:
    """One comparison over one of the columns."""
    column = rng.choice(columns)
    name, spoken = prefix + column.name, column.spoken

    def said(adjectives: Sequence[str], verbs: Sequence[str], value: str, sql: str, operator: str, place: str = "") -> Condition:
        adjective, verb = (rng.choice(options).replace("@", column.o) if options is not None else "" for options in (adjectives, verbs))
        clue = verb.replace("#", "…").removesuffix("…").strip()
        return Condition(f"con {spoken} {adjective.replace('#', value)}", verb.replace("#", value), column, sql, clue, operator, place)

    # 1. no value
    if negations and column.kind not in ("id",) and rng.random() < 0.13:
        if rng.random() < 0.55:
            adjective = rng.choice(
                (f"sin {spoken}", f"sin {spoken}", f"que no tienen {spoken}", f"a l@s que les falta {column.the}", f"con {spoken} NULL")
            )
            verb = rng.choice(("falta", "es NULL", "está sin valor", f"es nul{column.o}", "no tiene valor", f"está vací{column.o}"))
            return Condition(adjective, verb, column, f"{name} IS NULL", "sin valor", "IS NULL")
        adjective = rng.choice(
            (f"con {spoken} cargad{column.o}", f"que sí tienen {spoken}", f"que tienen {spoken}", f"con {spoken} no nul{column.o}")
        )
        verb = rng.choice(("no falta", "no es NULL", "sí tiene valor", f"no está vací{column.o}"))
        return Condition(adjective, verb, column, f"{name} IS NOT NULL", "con valor", "IS NOT NULL")
    # 2. numbers
    if column.kind in ("id", "key") or column.numeric:
        chance = rng.random()
        if column.kind in ("id", "key") and chance < 0.7:
            value = number(rng, column)
            return said(("#", "#", "igual a #"), ("es #", "vale #"), value, f"{name} = {value}", "=")
        if chance < 0.14:
            low, high = sorted((int(float(number(rng, column))), int(float(number(rng, column)))))
            high += low == high
            pair = f"{low} y {high}"
            if rng.random() < 0.12:
                return said(
                    ("fuera de #",), ("no está entre #", "queda fuera de #"), pair, f"{name} NOT BETWEEN {low} AND {high}", "NOT BETWEEN"
                )
            if rng.random() < 0.3:
                return said(("de #", "desde #"), ("va de #",), f"{low} a {high}", f"{name} BETWEEN {low} AND {high}", "BETWEEN")
            return said(("entre #", "de entre #"), ("está entre #", "queda entre #"), pair, f"{name} BETWEEN {low} AND {high}", "BETWEEN")
        if chance < 0.22:
            numbers = list(dict.fromkeys(number(rng, column) for _ in range(rng.choice((2, 3, 3, 4)))))
            if len(numbers) > 1:
                return said(("igual a #", "de #"), ("es #", "es uno de #"), _either(numbers), f"{name} IN ({', '.join(numbers)})", "IN")
        operator = rng.choice((">", ">", ">=", ">=", "<", "<", "<=", "<=", "=", "<>"))
        value = number(rng, column)
        if rng.random() < 0.06:
            return said((f"{operator} #",), (f"{operator} #",), value, f"{name} {operator} {value}", operator)
        return said(*COMPARISONS[operator], value, f"{name} {operator} {value}", operator)
    # 3. dates
    if column.kind == "date":
        if rng.random() < 0.2:
            low, high = sorted((date(rng), date(rng)))
            return said(("entre #",), ("está entre #",), f"{low} y {high}", f"{name} BETWEEN '{low}' AND '{high}'", "BETWEEN")
        if rng.random() < 0.2:
            year = str(rng.randrange(2018, 2026))
            return said(("de #", "del año #"), ("es de #", "cae en #"), year, f"{name} LIKE '{year}%'", "LIKE")
        operator = rng.choice((">", ">=", "<", "<=", "=", "<>"))
        day = date(rng)
        return said(*DATES[operator], day, f"{name} {operator} '{day}'", operator)
    # 4. texts
    value = text_value(rng, column)
    shown = f"'{value}'" if rng.random() < 0.3 and "'" not in value else value
    chance = rng.random()
    if chance < 0.28 + (0.2 if column.kind == "text" else 0):
        form = rng.randrange(4)
        word = value.split()[0]
        if form == 0:
            piece, pattern = word[: rng.choice((1, 1, 2))], "{}%"
            ways: tuple[str, ...] = ("empieza con #", "comienza por #", "inicia con #", "empieza por #", "arranca con #")
        elif form == 1:
            piece, pattern = word[-rng.choice((1, 1, 2)) :].lower(), "%{}"
            ways = ("termina en #", "acaba en #", "finaliza con #", "termina con #")
        elif form == 2:
            start = rng.randrange(max(1, len(word) - 2))
            piece, pattern = word[start : start + rng.choice((2, 2, 3))].lower(), "%{}%"
            ways = ("contiene #", "incluye #", "lleva #", "contiene el texto #", "tiene # en alguna parte")
        else:
            piece, pattern = rng.choice("abcdefilmnoprstuv"), rng.choice(("%{}%", "{}%", "%{}"))
            ways = {"%{}%": ("contiene #", "tiene alguna #"), "{}%": ("empieza con #", "comienza con #"), "%{}": ("termina en #",)}[pattern]
        piece = piece.replace("'", "").replace("_", "") or "a"
        way, no = rng.choice(ways), negations and rng.random() < 0.12
        spelt = f"'{piece}'" if rng.random() < 0.35 else piece
        verb = ("no " if no else "") + way.replace("#", spelt)
        operator = "NOT LIKE" if no else "LIKE"
        sql = f"{name} {operator} {quoted(pattern.format(piece))}"
        return Condition(f"con {spoken} que {verb}", verb, column, sql, way.replace("#", "").strip(), operator)
    if chance < 0.6 and len(column.values) > 1 and rng.random() < 0.4:
        several = rng.sample(column.values, min(len(column.values), rng.choice((2, 2, 3))))
        inside = ", ".join(quoted(v) for v in several)
        if rng.random() < 0.3:
            return said(("que no sea ni #",), ("no es ni #",), " ni ".join(several), f"{name} NOT IN ({inside})", "NOT IN")
        return said(("igual a #", "#"), ("es #", "es uno de estos: #"), _either(several), f"{name} IN ({inside})", "IN")
    if chance < 0.72 and negations and rng.random() < 0.5:
        return said(
            ("distint@ de #", "que no sea #", "diferente de #"), ("no es #", "es distint@ de #"), shown, f"{name} <> {quoted(value)}", "<>"
        )
    place = f"de {value}" if column.name in ("ciudad", "pais", "City", "Country", "barrio", "marca") else ""
    return said(("#", "#", "igual a #"), ("es #", "es #", "es igual a #", "vale #"), shown, f"{name} = {quoted(value)}", "=", place)


def _either(values: Sequence[str]) -> str:
    return f"{', '.join(values[:-1])} o {values[-1]}"


def filtered(rng: Random, table: Table, prefix: str = "", most: int = 3, columns: Sequence[Column] = ()) -> tuple[str, str, list[str]]:
    """What follows the rows in the request, the condition in SQL, and notes."""
    pool = list(columns) or list(table.columns)
    first = condition(rng, pool, prefix)
    owned = {"el": "cuyo", "la": "cuya", "los": "cuyos", "las": "cuyas", "": "cuyo"}
    frame = rng.choice(("con", "con", "con", "cuyo", "cuyo", "donde", "donde", "si"))
    plural = first.column.article in ("los", "las")

    def clause(c: Condition, which: str, again: bool) -> str:
        verb = _plural_verb(c.verb) if c.column.article in ("los", "las") else c.verb
        if which == "con":
            return c.adjective.replace("l@s", f"l{table.o}s")
        if which == "cuyo":
            return f"{owned[c.column.article]} {c.column.spoken} {verb}"
        start = "" if again else {"donde": "donde ", "si": rng.choice(("solo si ", "siempre que ", "únicamente cuando "))}[which]
        return f"{start}{c.column.the} {verb}"

    count = 1 if most == 1 else rng.choices((1, 2, 3), (70, 27, 3))[0]
    others = [c for c in pool if c.name != first.column.name]
    if count == 1 or len(others) < 2:
        text = first.place if first.place and rng.random() < 0.45 else clause(first, frame, False)
        sql, conditions = first.sql, [first]
    elif count == 2:
        union = rng.random() < 0.4
        second = condition(rng, pool if union and rng.random() < 0.3 else others, prefix)
        word = rng.choice((" o ", " o ", " o bien ")) if union else rng.choice((" y ", " y ", " y además ", " y a la vez "))
        text = clause(first, frame, False) + word + clause(second, frame, True)
        sql, conditions = f"{first.sql} {'OR' if union else 'AND'} {second.sql}", [first, second]
    else:
        second, third = condition(rng, others, prefix), condition(rng, others, prefix)
        text = f"donde {clause(first, 'donde', True)} y además ({clause(second, 'donde', True)} o {clause(third, 'donde', True)})"
        sql, conditions = f"{first.sql} AND ({second.sql} OR {third.sql})", [first, second, third]
    notes = [
        f"WHERE deja las filas con {sql}.",
        f"Solo quedan las filas que cumplen {sql}.",
        f"La condición es {sql}.",
        f"Filtro: {sql}.",
        f"El WHERE pide {sql}.",
        f"Se descarta toda fila que no cumple {sql}.",
    ]
    if len(conditions) == 1 and first.operator in (">", ">=", "<", "<=", "<>") and frame != "con" and not plural:
        notes += [f"«{first.clue}» se escribe {first.operator}.", f"El signo es {first.operator} porque dice «{first.clue}»."] * 2
    elif len(conditions) == 2:
        notes += [f"{'OR: basta una de las dos' if ' OR ' in sql else 'AND: se cumplen las dos'} condiciones."]
    elif first.operator == "LIKE":
        notes += [f"El patrón es {sql.split('LIKE ')[1]}: % vale por cualquier texto."]
    elif first.operator == "IS NULL":
        notes += [f"La falta de valor se mira con IS NULL: {sql}."]
    elif first.operator == "BETWEEN":
        notes += ["BETWEEN incluye los dos extremos."]
    return text, sql, notes


def _plural_verb(verb: str) -> str:
    head, _, rest = verb.partition(" ")
    no = head == "no"
    if no:
        head, _, rest = rest.partition(" ")
    irregular = {"es": "son", "está": "están", "va": "van", "sí": "sí"}
    if head == "sí":
        rest = rest.replace("tiene", "tienen")
    plural = irregular.get(head) or (f"{head}n" if head[:1].islower() else head)
    rest = re.sub(
        r"^(nul|vací|distint)([oa])\b",
        r"\1\2s",
        re.sub(r"^(mayor|menor)\b", r"\1es", re.sub(r"^(superior|inferior|anterior|posterior)\b", r"\1es", rest)),
    )
    return f"{'no ' if no else ''}{plural} {rest}".rstrip()


# 4. Pieces of a request

LEADS = (
    "muestra", "lista", "dame", "quiero", "necesito", "obtén", "trae", "selecciona", "consulta", "saca", "busca", "encuentra", "enseña", "devuelve",
    "mostrar", "listar", "obtener", "ver", "consultar", "extraer", "quiero ver", "necesito saber", "hay que mostrar", "muéstrame", "me hace falta",
    "escribe la consulta que da", "haz una consulta con", "consulta que devuelva", "pide", "imprime", "quisiera", "se piden",
)  # fmt: skip
QUESTIONS = (
    "¿cómo obtengo {}?",
    "¿cómo saco {}?",
    "¿qué consulta da {}?",
    "¿me muestras {}?",
    "¿con qué consulta veo {}?",
    "¿puedes listar {}?",
)


def listed(rng: Random, columns: Sequence[Column], articles: bool | None = None) -> str:
    """The columns in words, in their order."""
    if articles is None:
        articles = rng.random() < 0.5
    words = [c.the if articles else c.spoken for c in columns]
    if len(words) == 1:
        return words[0] if articles or rng.random() < 0.6 else f"la columna {words[0]}"
    chance = rng.random()
    if chance < 0.12:
        return ", ".join(words)
    last = "e" if words[-1][0] in "ií" and rng.random() < 0.7 else "y"
    if chance < 0.2 and not articles:
        return f"las columnas {', '.join(words[:-1])} {last} {words[-1]}"
    if chance < 0.26 and len(words) == 2:
        return f"{words[0]} junto con {words[1]}"
    if chance < 0.32 and len(words) == 2:
        return f"{words[0]} seguido de {words[1]}"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def some(rng: Random, table: Table, most: int = 4) -> list[Column]:
    """Some columns of the table in any order."""
    pool = [c for c in table.columns if c.kind != "key" or rng.random() < 0.4]
    return rng.sample(pool, min(len(pool), most, rng.choice((1, 1, 2, 2, 2, 3, 3, 4))))


def source(rng: Random, table: Table, rows: bool) -> str:
    """The rows of the table, as what follows 'de'."""
    if rows and rng.random() < 0.75:
        return f"{table.article} {table.things}"
    return (
        rng.choice((f"la tabla {table.name}", table.name, f"la tabla {table.name}"))
        if rng.random() < 0.6
        else f"{table.article} {table.things}"
    )


def asked(rng: Random, what: str) -> str:
    """A request for something."""
    chance = rng.random()
    if chance < 0.14:
        return what
    if chance < 0.26:
        return rng.choice(QUESTIONS).format(what)
    return f"{rng.choice(LEADS)} {what}"


def ordered(rng: Random, table: Table, prefix: str = "") -> tuple[str, str, str]:
    """The order in words, the clause, and a note."""
    column = rng.choice([c for c in table.columns if c.kind != "key"])
    name, the, text = prefix + column.name, column.the, column.kind in ("text", "group")
    down = rng.random() < 0.5
    o = rng.choice(("ordenado", "ordenadas" if table.o == "a" else "ordenados"))
    if text:
        ways = (
            ("de la Z a la A por {}", "{o} por {} de la Z a la A", "en orden alfabético inverso por {}", "por {} descendente")
            if down
            else (
                "en orden alfabético por {}",
                "alfabéticamente por {}",
                "{o} por {} de la A a la Z",
                "{o} por {}",
                "de la A a la Z por {}",
            )
        )
    elif column.kind == "date":
        ways = (
            ("{o} por {}, lo más reciente primero", "{o} por {} de la más nueva a la más vieja", "por {} descendente")
            if down
            else ("{o} por {}, lo más antiguo primero", "{o} por {}", "{o} por {} de la más vieja a la más nueva")
        )
    else:
        ways = (
            (
                "de mayor a menor {}",
                "{o} por {} de mayor a menor",
                "{o} de mayor a menor según {}",
                "primero lo de mayor {}",
                "por {} descendente",
                "{o} por {} en forma descendente",
            )
            if down
            else (
                "de menor a mayor {}",
                "{o} por {} de menor a mayor",
                "{o} por {}",
                "primero lo de menor {}",
                "{o} de menor a mayor según {}",
                "por {} de forma creciente",
            )
        )
    way = rng.choice(ways)
    bare = way.endswith(("mayor {}", "menor {}"))
    words = way.replace("{o}", o).replace("{}", column.spoken if bare or rng.random() < 0.5 else the)
    sql = f"ORDER BY {name}{' DESC' if down else ''}"
    if rng.random() < 0.12:
        words, sql = f"{o} por {column.spoken} ascendente", f"ORDER BY {name} ASC"
        down = False
    if rng.random() < 0.14:
        second = rng.choice([c for c in table.columns if c.name != column.name])
        second_down = rng.random() < 0.3
        words += rng.choice((f"; si empatan, por {second.spoken}", f" y luego por {second.spoken}", f"; a igualdad, por {second.spoken}"))
        words += " de mayor a menor" if second_down else ""
        sql += f", {prefix}{second.name}{' DESC' if second_down else ''}"
    note = rng.choice(
        (
            f"{sql}: {'de mayor a menor' if down else 'de menor a mayor'}.",
            f"{name} decide el orden, {'con DESC porque va hacia abajo' if down else 'ascendente'}.",
            f"{'DESC invierte el orden de' if down else 'Sin DESC el orden es ascendente en'} {name}.",
        )
    )
    return words, sql, note


def _chosen(columns: Sequence[Column]) -> list[str]:
    names = ", ".join(c.name for c in columns)
    return [
        f"SELECT lleva {names}.",
        f"Columnas pedidas: {names}.",
        f"Se muestran {names}, en ese orden." if len(columns) > 1 else f"Se muestra solo {names}.",
    ]


def task(text: str, clauses: Sequence[str], notes: Sequence[str], columns: Sequence[Column] = ()) -> Task:
    """A task from its pieces; de el and a el are joined."""
    text = re.sub(r"\b([Aa]) el (?=\w)", r"\1l ", re.sub(r"\b([Dd])e el (?=\w)", r"\1el ", text))
    return Task(text, tuple(clauses), tuple(notes), tuple(c.name for c in columns))


# 5. Families of tasks over one table


def rows(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Columns, filter, order and limit in any mixture."""
    t = rng.choice(tables)
    whole = rng.random() < 0.12
    columns = [] if whole else some(rng, t)
    text_of = (
        "toda la información de"
        if rng.random() < 0.4
        else rng.choice(("todas las columnas de", "todos los datos de", "las filas completas de"))
    )
    what = text_of if whole else f"{listed(rng, columns)} de"
    clauses = [f"SELECT {', '.join(c.name for c in columns) or '*'}", f"FROM {t.name}"]
    notes = ["El asterisco pide todas las columnas."] if whole else _chosen(columns)
    unique = not whole and len(columns) < 3 and rng.random() < 0.08
    if unique:
        clauses[0] = clauses[0].replace("SELECT", "SELECT DISTINCT")
        notes = [f"DISTINCT quita las filas repetidas de {', '.join(c.name for c in columns)}.", "DISTINCT: cada valor sale una vez."]
    has_filter, has_order = rng.random() < 0.68, rng.random() < 0.36
    where = ""
    if has_filter:
        where, sql, extra = filtered(rng, t)
        clauses.append(f"WHERE {sql}")
        notes = extra if rng.random() < 0.75 else notes
    src = source(rng, t, has_filter)
    if has_filter and where.startswith(("cuy", "sin ", "con ", "que ", "a l")) and not src.startswith(t.article):
        src = f"{t.article} {t.things}"
    tail = ""
    if has_order and not unique:
        tail, sql, note = ordered(rng, t)
        clauses.append(sql)
        notes = [note] if rng.random() < 0.6 else notes
        if rng.random() < 0.2:
            k = rng.randrange(2, 21)
            clauses.append(f"LIMIT {k}")
            first = f"primer{'as' if t.o == 'a' else 'os'}"
            tail += rng.choice(
                (f", solo {k} filas", f", l{t.o}s {k} {first}", f" (máximo {k} filas)", f", y quédate con {k}", f", hasta {k} resultados")
            )
            if rng.random() < 0.35:
                skip = rng.randrange(1, 30)
                clauses[-1] += f" OFFSET {skip}"
                tail += rng.choice((f" después de saltar {skip}", f" saltando {skip}", f", sin contar {skip} del comienzo"))
            notes = [
                f"{clauses[-1]}: {'salta ' + clauses[-1].split()[-1] + ' y da ' if 'OFFSET' in clauses[-1] else 'da '}{k} filas.",
                *notes,
            ]
    again = (
        rng.choice((", sin repetir", ", sin repeticiones", ", sin duplicados", " (valores únicos)", ", cada combinación una vez"))
        if unique
        else ""
    )
    form = rng.random()
    if form < 0.72 or not where:
        text = asked(rng, f"{what} {src}{' ' + where if where else ''}{', ' + tail if tail else ''}{again}")
    elif form < 0.88:
        text = f"de {t.article} {t.things} {where}, {rng.choice(LEADS)} {what.removesuffix(' de')}{', ' + tail if tail else ''}{again}"
    else:
        text = f"para {t.article} {t.things} {where}: {what.removesuffix(' de')}{', ' + tail if tail else ''}{again}"
    if whole and not where and not tail and rng.random() < 0.5:
        text = rng.choice(
            (f"muestra la tabla {t.name} entera", f"todo lo que hay en {t.name}", f"¿qué filas tiene {t.name}?", f"ver {t.name} completa")
        )
    return task(text, clauses, notes, columns)


def distinct(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Different values of a column."""
    t = rng.choice(tables)
    c = rng.choice(t.of("group", "text") or list(t.columns))
    text = rng.choice(
        (
            f"{rng.choice(LEADS)} los valores distintos de {c.the} en {t.name}",
            f"{rng.choice(LEADS)} {c.the} de {t.article} {t.things}, sin repetir",
            f"¿qué valores diferentes hay en {c.spoken} de {t.name}?",
            f"valores únicos de {c.spoken} en {t.name}",
            f"{c.spoken} de {t.name} sin duplicados",
        )
    )
    clauses = [f"SELECT DISTINCT {c.name}", f"FROM {t.name}"]
    if rng.random() < 0.25:
        text, clauses = text.rstrip("?").replace("¿", "") + ", en orden ascendente", [*clauses, f"ORDER BY {c.name} ASC"]
    return task(
        text,
        clauses,
        (f"DISTINCT da cada {c.name} una sola vez.", f"DISTINCT quita los {c.name} repetidos.", "Sin DISTINCT saldrían repetidos."),
        [c],
    )


def top(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """The first K by a number."""
    t = rng.choice([t for t in tables if any(c.numeric or c.kind == "date" for c in t.columns)] or tables)
    by = rng.choice([c for c in t.columns if c.numeric or c.kind == "date"] or list(t.columns))
    columns = some(rng, t, 3)
    down, k = rng.random() < 0.62, rng.choice((1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12))
    if by.name in ADJECTIVES and t.one != t.name and rng.random() < 0.55:
        quality = ADJECTIVES[by.name][0 if down else 1].replace("@", t.o)
        quality += "" if rng.random() < 0.6 else f" (según {by.spoken})"
        by_words = quality
    else:
        by_words = rng.choice(
            (
                f"con {'mayor' if down else 'menor'} {by.spoken}",
                f"con {by.the} más {'alt' if down else 'baj'}{by.o}{'s' if by.article in ('los', 'las') else ''}",
            )
        )
        if by.kind == "date":
            by_words = f"con {by.spoken} más {'reciente' if down else 'antigu' + by.o}"
    where, sql, extra = filtered(rng, t, most=1) if rng.random() < 0.2 else ("", "", [])
    amount = f"{t.article} {k} {t.things}" if k > 1 else f"{'la' if t.o == 'a' else 'el'} {t.one}"
    if k == 1:
        if by_words.startswith("con "):
            amount = f"{'la' if t.o == 'a' else 'el'} {t.one}" if t.one != t.name else f"la fila de {t.name}"
        else:
            amount = f"{'la' if t.o == 'a' else 'el'} {t.one}"
            by_words = by_words.replace("jóvenes", "joven").replace("grandes", "grande").replace("recientes", "reciente")
            by_words = (
                re.sub(r"([oa])s\b(?! de)", r"\1", by_words, count=1)
                if "menos " not in by_words
                else re.sub(r"s( \(|$)", r"\1", by_words, count=1)
            )
    text = asked(rng, f"{listed(rng, columns)} de {amount} {by_words}")
    if where:
        text = f"entre {t.article} {t.things} {where}: {text}"
    clauses = [f"SELECT {', '.join(c.name for c in columns)}", f"FROM {t.name}", *([f"WHERE {sql}"] if where else [])]
    clauses += [f"ORDER BY {by.name}{' DESC' if down else ''}", f"LIMIT {k}"]
    if k > 1 and rng.random() < 0.1:
        skip = rng.randrange(1, 12)
        text, clauses[-1] = f"{text.rstrip('?').replace('¿', '')}, saltando {skip}", f"LIMIT {k} OFFSET {skip}"
    notes = (
        f"{'DESC pone primero el mayor' if down else 'El orden ascendente pone primero el menor'} {by.name} y LIMIT {k} corta.",
        f"Se ordena por {by.name}{' de mayor a menor' if down else ''} y quedan {k}."
        if k > 1
        else f"LIMIT 1 deja una fila, la de {'mayor' if down else 'menor'} {by.name}.",
        f"ORDER BY {by.name}{' DESC' if down else ''} decide y LIMIT {k} corta.",
        *extra[:1],
    )
    return task(text, clauses, notes, [*columns, by])


AGGREGATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "AVG": ("promedio", ("el promedio de {}", "la media de {}", "el valor medio de {}", "{} en promedio")),
    "SUM": ("suma", ("la suma de {}", "el total sumado de {}", "{} en total", "la suma total de {}")),
    "MIN": ("minimo", ("el mínimo de {}", "el menor valor de {}", "{} más baj@", "el valor mínimo de {}")),
    "MAX": ("maximo", ("el máximo de {}", "el mayor valor de {}", "{} más alt@", "el valor máximo de {}")),
}


def _aggregate(rng: Random, column: Column, prefix: str = "", only: str = "") -> tuple[str, str, str]:
    """In words, in SQL, and the alias."""
    function = only or rng.choice(list(AGGREGATES))
    alias, ways = AGGREGATES[function]
    ending = column.o + ("s" if column.article in ("los", "las") else "")
    words = (
        rng.choice(ways)
        .replace("@", ending)
        .format(column.the if column.article else rng.choice((column.spoken, column.spoken, f"la columna {column.spoken}")))
    )
    sql = f"{function}({prefix}{column.name})"
    if function == "AVG" and rng.random() < 0.25:
        digits = rng.choice((0, 1, 1, 2, 2, 2, 3))
        words += rng.choice((f" con {digits} decimales", f" redondeado a {digits} decimales", f", redondeado a {digits}"))
        sql = f"ROUND({sql}, {digits})"
    return words, sql, alias


def _renamed(rng: Random, lexicon: Lexicon, alias: str, tables: Sequence[Table]) -> tuple[str, str]:
    """Now and then the request gives the alias: what it adds and the alias."""
    if rng.random() > 0.2:
        return "", alias
    names = {c.name for t in tables for c in t.columns} | {t.name for t in tables} | TAKEN
    word = lexicon.word(rng)
    if word in names:
        return "", alias
    return rng.choice((f" (llámalo {word})", f", con el alias {word}", f" como {word}", f", con nombre {word}")), word


def count(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """How many rows, or how many different values."""
    t = rng.choice(tables)
    where, sql, extra = filtered(rng, t) if rng.random() < 0.7 else ("", "", [])
    many = "cuántas" if t.o == "a" else "cuántos"
    tail, alias = _renamed(rng, lexicon, "total", tables)
    condition_text = f" {where}" if where else ""
    if rng.random() < 0.15 and not where:
        c = rng.choice(t.of("group", "text", "date") or list(t.columns))
        text = rng.choice(
            (
                f"cuántos valores distintos de {c.the} hay en {t.name}",
                f"contar {c.spoken} diferentes en {t.name}",
                f"número de {c.spoken} distintos en {t.name}, sin repetir",
            )
        )
        return task(
            text + tail,
            [f"SELECT COUNT(DISTINCT {c.name}) AS {alias}", f"FROM {t.name}"],
            (f"COUNT(DISTINCT {c.name}) cuenta cada valor una vez.",),
            [c],
        )
    if rng.random() < 0.07 and not where:
        c = rng.choice(t.columns[1:])
        text = rng.choice((f"cuántas filas de {t.name} tienen valor en {c.spoken}", f"contar los {c.spoken} no nulos de {t.name}"))
        return task(text + tail, [f"SELECT COUNT({c.name}) AS {alias}", f"FROM {t.name}"], (f"COUNT({c.name}) no cuenta los NULL.",), [c])
    options = [
        f"¿{many} {t.things} hay{condition_text}?" if not tail else f"{many} {t.things} hay{condition_text}",
        f"cuenta {t.article} {t.things}{condition_text}",
        f"número de {t.things}{condition_text}",
        f"quiero saber {many} {t.things} hay{condition_text}",
        f"cantidad de {t.things}{condition_text}",
        f"total de {t.things}{condition_text}",
        f"contar {t.article} {t.things}{condition_text}",
    ]
    clauses = [f"SELECT COUNT(*) AS {alias}", f"FROM {t.name}", *([f"WHERE {sql}"] if where else [])]
    return task(
        rng.choice(options) + tail, clauses, ("COUNT(*) cuenta las filas.", f"COUNT(*) AS {alias} da un solo número.", *extra[:3]), []
    )


def aggregate(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A sum, an average or an extreme of a column."""
    t = rng.choice(tables)
    numbers = [c for c in t.columns if c.numeric]
    c = rng.choice(numbers or [t.key])
    where, sql, extra = filtered(rng, t, most=2) if rng.random() < 0.5 else ("", "", [])
    if rng.random() < 0.2:
        functions = rng.sample(list(AGGREGATES), 2)
        pieces = [_aggregate(rng, c, only=f) for f in functions]
        text = f"{pieces[0][0]} y {pieces[1][0]}"
        chosen = ", ".join(f"{p[1]} AS {p[2]}" for p in pieces)
    else:
        words, formula, alias = _aggregate(rng, c)
        tail, alias = _renamed(rng, lexicon, alias, tables)
        text, chosen = words + tail, f"{formula} AS {alias}"
    text = f"{text} {rng.choice(('de', 'en', 'entre'))} {source(rng, t, bool(where))}{' ' + where if where else ''}"
    if rng.random() < 0.75:
        text = f"{rng.choice(('calcula', 'dame', 'halla', 'quiero', 'calcular', '¿cuál es', 'muestra', 'necesito'))} {text}"
        text += "?" if text.startswith("¿") else ""
    notes = (f"{chosen.split(' AS ')[0]} resume la columna {c.name} en una fila.", f"La función va sobre {c.name}.", *extra[:2])
    return task(text, [f"SELECT {chosen}", f"FROM {t.name}", *([f"WHERE {sql}"] if where else [])], notes, [c])


def _sign(rng: Random) -> tuple[str, str]:
    """A comparison of a number of rows: in words with # and its sign."""
    return rng.choice(
        (
            ("más de #", ">"),
            ("más de #", ">"),
            ("al menos #", ">="),
            ("# o más", ">="),
            ("como mínimo #", ">="),
            ("menos de #", "<"),
            ("a lo sumo #", "<="),
            ("# o menos", "<="),
            ("como máximo #", "<="),
            ("exactamente #", "="),
        )
    )


def group(rng: Random, tables: Sequence[Table], lexicon: Lexicon, having: bool | None = None) -> Task:
    """An aggregate per value of a column, perhaps only of some groups, perhaps in order."""
    t = rng.choice(tables)
    g = rng.choice(t.of("group") or t.of("text", "key", "date") or list(t.columns))
    numbers = [c for c in t.columns if c.numeric]
    counted = rng.random() < 0.5 or not numbers
    c = None if counted else rng.choice(numbers)
    where, sql, extra = filtered(rng, t, most=1, columns=[x for x in t.columns if x is not g]) if rng.random() < 0.22 else ("", "", [])
    many = "cuántas" if t.o == "a" else "cuántos"
    rows_text = f"{t.things}{' ' + where if where else ''}"
    if c is None:
        what, formula, alias = "", "COUNT(*)", "total"
        text = rng.choice(
            (
                f"{many} {rows_text} hay {rng.choice(('por', 'en cada', 'por cada', 'para cada'))} {g.spoken}",
                f"por cada {g.spoken}, {many} {rows_text} hay",
                f"cantidad de {rows_text} {rng.choice(('por', 'por cada', 'en cada'))} {g.spoken}",
                f"cuenta {t.article} {rows_text} agrupando por {g.spoken}",
                f"agrupa {t.article} {rows_text} por {g.spoken} y cuenta cada grupo",
                f"número de {rows_text} de cada {g.spoken}",
            )
        )
    else:
        what, formula, alias = _aggregate(rng, c)
        near = f" entre {t.article} {rows_text}" if where else rng.choice((f" en {t.name}", f" de {t.article} {t.things}"))
        text = rng.choice(
            (
                f"{what}{near} {rng.choice(('por', 'por cada', 'para cada', 'de cada'))} {g.spoken}",
                f"por cada {g.spoken}, {what}{near}",
                f"{rng.choice(LEADS)} {what}{near} agrupando por {g.spoken}",
                f"para cada {g.spoken}: {what}{near}",
            )
        )
    if where:
        text = f"{rng.choice(('por', 'para'))} cada {g.spoken}, {what or many + ' hay'}{' entre' if c else ', contando solo'} {t.article} {rows_text}"
    clauses = [f"SELECT {g.name}, {formula} AS {alias}", f"FROM {t.name}", *([f"WHERE {sql}"] if where else []), f"GROUP BY {g.name}"]
    notes = [
        f"GROUP BY forma un grupo por cada {g.name}.",
        f"Una fila por cada {g.name}.",
        f"Cada grupo reúne las filas con igual {g.name}.",
        *extra[:2],
    ]
    if having or (having is None and rng.random() < 0.1):
        words, sign = _sign(rng)
        if c is None or rng.random() < 0.4:
            k, measure, formula_h = str(rng.randrange(2, 30)), rng.choice((" filas", f" {t.things}")), "COUNT(*)"
            text += (
                rng.choice((", solo los grupos con ", "; deja los grupos que tengan ", ", quedándote con los grupos de "))
                + words.replace("#", k)
                + measure
            )
        else:
            k, formula_h = number(rng, c), formula
            words, sign = rng.choice(
                (("mayor que #", ">"), ("de al menos #", ">="), ("menor que #", "<"), ("de a lo sumo #", "<="), ("superior a #", ">"))
            )
            text += rng.choice((", solo si ese valor es ", "; deja los grupos con resultado ")) + words.replace("#", k)
        clauses.append(f"HAVING {formula_h} {sign} {k}")
        notes = [
            f"HAVING filtra los grupos: {formula_h} {sign} {k}.",
            f"WHERE filtra filas y HAVING grupos con {formula_h} {sign} {k}.",
            *notes[:1],
        ]
    if rng.random() < 0.25:
        if rng.random() < 0.7:
            down = rng.random() < 0.7
            text += rng.choice(
                (", de mayor a menor resultado", ", con el resultado más alto primero")
                if down
                else (", de menor a mayor resultado", ", con el resultado más bajo primero")
            )
            clauses.append(f"ORDER BY {alias}{' DESC' if down else ''}")
            if down and rng.random() < 0.3:
                k = str(rng.randrange(1, 8))
                text, clauses = f"{text}, solo {k}", [*clauses, f"LIMIT {k}"]
        else:
            text += f", en orden de {g.spoken}"
            clauses.append(f"ORDER BY {g.name}")
    return task(text, clauses, notes, [g, *([c] if c else [])])


def having_groups(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Groups that pass a condition."""
    return group(rng, tables, lexicon, having=True)


def subquery(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Rows compared with the average, the maximum or the minimum."""
    t = rng.choice(tables)
    numbers = [c for c in t.columns if c.numeric]
    if not numbers:
        return None
    c, columns = rng.choice(numbers), some(rng, t, 3)
    ways = (
        ("con {} por encima del promedio", ">", "AVG"), ("con {} mayor que el promedio", ">", "AVG"), ("con {} superior a la media", ">", "AVG"),
        ("con {} por debajo del promedio", "<", "AVG"), ("con {} menor que la media", "<", "AVG"), ("con {} igual al máximo", "=", "MAX"),
        ("que tienen el mayor valor de {}", "=", "MAX"), ("que tienen el menor valor de {}", "=", "MIN"), ("con {} igual al mínimo", "=", "MIN"),
        ("con {} de al menos el promedio", ">=", "AVG"),
    )  # fmt: skip
    way, sign, function = rng.choice(ways)
    text = asked(rng, f"{listed(rng, columns)} de {t.article} {t.things} {way.format(c.spoken)}")
    inner = f"SELECT {function}({c.name}) FROM {t.name}"
    notes = (
        f"La subconsulta calcula {function}({c.name}).",
        f"Cada {c.name} se compara con {function}({c.name}) de toda la tabla.",
        f"{inner} da un solo valor.",
    )
    return task(
        text, [f"SELECT {', '.join(x.name for x in columns)}", f"FROM {t.name}", f"WHERE {c.name} {sign} ({inner})"], notes, [*columns, c]
    )


LABELS = (
    ("alto", "bajo"),
    ("caro", "barato"),
    ("sí", "no"),
    ("grande", "chico"),
    ("mayor", "menor"),
    ("lleno", "vacío"),
    ("ok", "revisar"),
    ("A", "B"),
)


def case(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A column that depends on a condition."""
    t = rng.choice(tables)
    numbers = [c for c in t.columns if c.numeric]
    if not numbers:
        return None
    c = rng.choice(numbers)
    columns = rng.sample([x for x in t.columns if x is not c], rng.choice((1, 1, 2)))
    yes, no = rng.choice(LABELS) if rng.random() < 0.5 else (lexicon.word(rng), lexicon.word(rng))
    alias = rng.choice(("grado", "clase", "etiqueta", "rango", "grupo", lexicon.word(rng)))
    if alias in {x.name for x in t.columns} | TAKEN:
        alias = "etiqueta"
    sign = rng.choice((">", ">=", "<", "<="))
    value = number(rng, c)
    verb = rng.choice(COMPARISONS[sign][1]).replace("#", value)
    verb = _plural_verb(verb) if c.article in ("los", "las") else verb
    start = f"{rng.choice(LEADS)} {listed(rng, columns)} de {t.name} y una columna {alias}"
    if rng.random() < 0.2:
        value2 = str(int(float(value)) * 2 + 5)
        middle = rng.choice(("medio", "regular", lexicon.word(rng)))
        low, high = value, value2
        text = f"{start}: '{no}' si {c.the} es menor que {low}, '{middle}' si es menor que {high} y '{yes}' en otro caso"
        formula = (
            f"CASE WHEN {c.name} < {low} THEN {quoted(no)} WHEN {c.name} < {high} THEN {quoted(middle)} ELSE {quoted(yes)} END AS {alias}"
        )
    else:
        text = f"{start}{rng.choice((' que diga', ' con', ':'))} '{yes}' si {c.the} {verb} y '{no}' {rng.choice(('si no', 'en otro caso', 'para el resto'))}"
        formula = f"CASE WHEN {c.name} {sign} {value} THEN {quoted(yes)} ELSE {quoted(no)} END AS {alias}"
    clauses = [f"SELECT {', '.join(x.name for x in columns)}, {formula}", f"FROM {t.name}"]
    return task(
        text,
        clauses,
        (
            f"CASE elige el texto según {c.name}.",
            f"ELSE cubre las demás filas y END AS {alias} da el nombre.",
            "CASE termina siempre en END.",
        ),
        [*columns, c],
    )


def coalesce(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A text in place of what is missing."""
    t = rng.choice(tables)
    options = t.of("text", "group", "int", "real")
    if len(options) < 2:
        return None
    c, other = rng.sample(options, 2)
    if c.numeric:
        spare, literal = "0", "0"
    else:
        spare = rng.choice((f"sin {c.spoken}", "no tiene", "desconocido", "ninguno", "pendiente", lexicon.word(rng)))
        literal, spare = quoted(spare), f"'{spare}'"
    text = rng.choice(
        (
            f"{rng.choice(LEADS)} {listed(rng, [other, c])} de {t.name}, con {spare} donde falte {c.the}",
            f"{listed(rng, [other, c])} de {t.name}; si {c.the} es NULL pon {spare}",
            f"{rng.choice(LEADS)} {listed(rng, [other, c])} de {t.article} {t.things}, cambiando {c.spoken} vacío por {spare}",
        )
    )
    formula = f"COALESCE({c.name}, {literal})"
    return task(
        text,
        [f"SELECT {other.name}, {formula} AS {c.name}", f"FROM {t.name}"],
        (f"{formula} pone {literal} cuando {c.name} es NULL.", "COALESCE da el primer valor que no es NULL."),
        [other, c],
    )


def expression(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A column worked out from others."""
    t = rng.choice(tables)
    numbers = [c for c in t.columns if c.numeric]
    if not numbers:
        return None
    a = rng.choice(numbers)
    b = rng.choice([c for c in numbers if c is not a] or [a])
    k = str(rng.randrange(2, 40))
    forms = [
        (f"{a.the} más {k}", f"{a.name} + {k}"), (f"{a.the} menos {k}", f"{a.name} - {k}"), (f"{a.the} por {k}", f"{a.name} * {k}"),
        (f"el doble de {a.the}", f"{a.name} * 2"), (f"la mitad de {a.the}", f"{a.name} / 2.0"), (f"el triple de {a.the}", f"{a.name} * 3"),
        (f"{a.the} dividido entre {k}", f"{a.name} / {k}.0"), (f"{a.the} aumentado un {k} %", f"{a.name} * 1.{int(k):02}"),
        (f"{a.the} con {k} % de rebaja", f"{a.name} * 0.{100 - int(k):02}"),
    ]  # fmt: skip
    if a is not b:
        forms = [
            (f"{a.the} por {b.the}", f"{a.name} * {b.name}"), (f"{a.the} multiplicado por {b.the}", f"{a.name} * {b.name}"), (f"{a.the} más {b.the}", f"{a.name} + {b.name}"),
            (f"{a.the} menos {b.the}", f"{a.name} - {b.name}"), (f"{a.the} dividido entre {b.the}", f"1.0 * {a.name} / {b.name}"), *rng.sample(forms, 3),
        ]  # fmt: skip
    words, formula = rng.choice(forms)
    tail, alias = _renamed(rng, lexicon, "resultado", tables)
    if rng.random() < 0.25:
        digits = rng.choice((0, 1, 2, 2))
        words, formula = f"{words}, redondeado a {digits} decimales", f"ROUND({formula}, {digits})"
    column = rng.choice([c for c in t.columns if c not in (a, b)] or [t.key])
    text = asked(rng, f"{column.the} y {words}{tail}, de {source(rng, t, False)}")
    return task(
        text,
        [f"SELECT {column.name}, {formula} AS {alias}", f"FROM {t.name}"],
        (f"{formula} se calcula en cada fila.", f"AS {alias} da nombre a {formula}."),
        [column, a],
    )


def window(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A window function."""
    t = rng.choice(tables)
    numbers, groups = [c for c in t.columns if c.numeric], t.of("group") or t.of("key", "text")
    if not numbers or not groups:
        return None
    c, g = rng.choice(numbers), rng.choice(groups)
    x = rng.choice(t.of("text", "id"))
    down = rng.random() < 0.6
    way = f"{c.name}{' DESC' if down else ''}"
    direction = f"de {'mayor a menor' if down else 'menor a mayor'} {c.spoken}"
    chosen, extra = [x], []
    form = rng.randrange(6)
    if form == 0:
        function = rng.choice(list(AGGREGATES))
        alias = AGGREGATES[function][0]
        word = {"AVG": "el promedio", "SUM": "la suma", "MIN": "el mínimo", "MAX": "el máximo"}[function]
        text = f"{rng.choice(LEADS)} {listed(rng, [x, c])} de {t.name} y al lado {word} de {c.the} de su {g.spoken}"
        formula, chosen, extra = f"{function}({c.name}) OVER (PARTITION BY {g.name}) AS {alias}", [x, c], [g]
    elif form == 1:
        text = f"{rng.choice(LEADS)} {x.the} de {t.article} {t.things} con su número de puesto {direction}"
        formula = f"ROW_NUMBER() OVER (ORDER BY {way}) AS puesto"
    elif form == 2:
        text = f"numera {t.article} {t.things} dentro de cada {g.spoken} {direction}; muestra {x.spoken} y {g.spoken}"
        formula, chosen = f"ROW_NUMBER() OVER (PARTITION BY {g.name} ORDER BY {way}) AS puesto", [x, g]
    elif form == 3:
        text = f"{x.the} y el puesto con empates (RANK) de {t.article} {t.things} {direction}"
        formula = f"RANK() OVER (ORDER BY {way}) AS puesto"
    elif form == 4:
        text = f"{rng.choice(LEADS)} {listed(rng, [x, c])} de {t.name} con la suma acumulada de {c.the} en orden de {t.key.spoken}"
        formula, chosen, extra = f"SUM({c.name}) OVER (ORDER BY {t.key.name}) AS acumulado", [x, c], [t.key]
    else:
        text = f"{listed(rng, [x, c])} de {t.name} y la suma acumulada de {c.the} dentro de cada {g.spoken}, en orden de {t.key.spoken}"
        formula, chosen, extra = f"SUM({c.name}) OVER (PARTITION BY {g.name} ORDER BY {t.key.name}) AS acumulado", [x, c], [g]
    notes = ["OVER calcula sin juntar las filas.", f"OVER {formula.split('OVER ')[1].split(' AS ')[0]} define la ventana."]
    notes += [f"PARTITION BY {g.name} reinicia el cálculo en cada {g.name}."] if "PARTITION" in formula else []
    return task(text, [f"SELECT {', '.join(y.name for y in chosen)}, {formula}", f"FROM {t.name}"], notes, [*chosen, *extra])


# 6. Families of tasks over several tables


def _links(tables: Sequence[Table]) -> list[tuple[Table, Column, Table]]:
    """Child, key and parent of each link between the tables."""
    by_name = {t.name: t for t in tables}
    return [(t, c, by_name[c.target]) for t in tables for c in t.of("key") if c.target in by_name]


def aliases(*names: str) -> list[str]:
    """The shortest beginnings that tell the tables apart."""
    result: list[str] = []
    for name in names:
        low = name.lower()
        sizes = range(1, len(low) + 1)
        result.append(
            next((low[:n] for n in sizes if low[:n] not in result and low[:n] not in KEYWORDS and not low[:n].endswith("_")), low + "2")
        )
    return result


KEYWORDS = RESERVED | {"as", "by", "do", "if", "in", "is", "no", "of", "on", "or", "to"}


def _own(table: Table) -> list[Column]:
    return [c for c in table.columns if c.kind not in ("id", "key")]


def join(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Columns of two linked tables."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    a, b = aliases(child.name, parent.name)
    mine, theirs = rng.sample(_own(child), min(len(_own(child)), rng.choice((1, 1, 2)))), rng.sample(_own(parent), rng.choice((1, 1, 2)))
    left, right = [f"{a}.{c.name}" for c in mine], [f"{b}.{c.name}" for c in theirs]
    singular = f"{parent.one}"
    its = rng.choice(("de su", "del" if parent.o == "o" else "de la"))
    articles = rng.random() < 0.5
    if rng.random() < 0.6:
        text = asked(
            rng, f"{listed(rng, mine, articles)} de {child.article} {child.things} y {listed(rng, theirs, articles)} {its} {singular}"
        )
        chosen = left + right
    else:
        text = asked(
            rng,
            f"{listed(rng, theirs, articles)} {'del' if parent.o == 'o' else 'de la'} {singular} y {listed(rng, mine, articles)} de cada {child.one}",
        )
        chosen = right + left
    clauses = [
        f"SELECT {', '.join(chosen)}",
        f"FROM {child.name} AS {a}",
        f"JOIN {parent.name} AS {b} ON {b}.{parent.key.name} = {a}.{key.name}",
    ]
    notes = [
        f"{a}.{key.name} apunta a {b}.{parent.key.name}.",
        f"El ON une {b}.{parent.key.name} con {a}.{key.name}.",
        f"JOIN empareja cada fila de {child.name} con la suya de {parent.name}.",
        f"{a} es {child.name} y {b} es {parent.name}.",
    ]
    if rng.random() < 0.35:
        on_child = rng.random() < 0.5
        c = condition(rng, _own(child if on_child else parent), f"{a if on_child else b}.", negations=False)
        whose = child.one if on_child else parent.one
        verb = _plural_verb(c.verb) if c.column.article in ("los", "las") else c.verb
        text = f"{text.rstrip('?').replace('¿', '')}, solo si {c.column.the} de {whose} {verb}"
        clauses.append(f"WHERE {c.sql}")
    elif rng.random() < 0.3:
        c = rng.choice([*mine, *theirs])
        down = rng.random() < 0.4
        text = f"{text.rstrip('?').replace('¿', '')}, por {c.spoken} {'descendente' if down else 'ascendente'}"
        clauses.append(f"ORDER BY {a if c in mine else b}.{c.name} {'DESC' if down else 'ASC'}")
        if c in mine and c.name in {x.name for x in theirs}:
            return None
    return task(text, clauses, notes, [*mine, *theirs, key])


def join_group(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """A count or a sum of the child's rows per row of the parent."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    labels = parent.of("text", "group")
    if not labels:
        return None
    label, numbers = rng.choice(labels), [c for c in child.columns if c.numeric]
    many = "cuántas" if child.o == "a" else "cuántos"
    counted = rng.random() < 0.55 or not numbers
    everyone = counted and rng.random() < 0.35
    a, b = aliases(child.name, parent.name)
    if counted:
        formula, alias, c = "COUNT(*)", "total", None
        text = rng.choice(
            (
                f"{many} {child.things} tiene cada {parent.one}, con {label.the}",
                f"{label.the} de cada {parent.one} y {many} {child.things} tiene",
                f"por cada {parent.one}, {label.spoken} y cantidad de {child.things}",
            )
        )
    else:
        c = rng.choice(numbers)
        words, formula, alias = _aggregate(rng, c, f"{a}.")
        text = rng.choice(
            (
                f"{label.the} de cada {parent.one} y {words} de sus {child.things}",
                f"por cada {parent.one}: {label.spoken} y {words} de sus {child.things}",
            )
        )
    link = f"ON {b}.{parent.key.name} = {a}.{key.name}"
    if everyone:
        formula = f"COUNT({a}.{child.key.name})"
        text += rng.choice((", también si no tiene ninguno", " (incluye los que tienen 0)", ", aunque sea cero"))
        link = f"ON {a}.{key.name} = {b}.{parent.key.name}"
        body = [f"FROM {parent.name} AS {b}", f"LEFT JOIN {child.name} AS {a} {link}"]
    else:
        body = [f"FROM {child.name} AS {a}", f"JOIN {parent.name} AS {b} {link}"]
    clauses = [f"SELECT {b}.{label.name}, {formula} AS {alias}", *body, f"GROUP BY {b}.{parent.key.name}, {b}.{label.name}"]
    if rng.random() < 0.25 and counted:
        words, sign = _sign(rng)
        k = str(rng.randrange(2, 15))
        text = f"{text}, solo con {words.replace('#', k)}"
        clauses.append(f"HAVING {formula} {sign} {k}")
    notes = [f"Se agrupa por {b}.{parent.key.name}: un grupo por fila de {parent.name}.", f"{link[3:]} une las tablas."]
    notes += [f"LEFT JOIN conserva {parent.name} sin {child.name}."] if everyone else []
    return task(text, clauses, notes, [label, key, *([c] if c else [])])


def three(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Columns of three linked tables."""
    links = _links(tables)
    pairs = [(x, y) for x in links for y in links if x is not y and y[0].name in (x[0].name, x[2].name) and x[2].name != y[2].name]
    if not pairs:
        return None
    (child, key, parent), (_, second_key, third) = first, second = rng.choice(pairs)
    a, b, c = aliases(child.name, parent.name, third.name)
    holder = a if second[0].name == first[0].name else b
    columns = [rng.choice(_own(t)) for t in (child, parent, third)]
    named = list(zip((a, b, c), columns, (child, parent, third), strict=True))
    rng.shuffle(named)
    phrases = [f"{column.the} de {table.one}" for _, column, table in named]
    text = asked(rng, f"{phrases[0]}, {phrases[1]} y {phrases[2]}")
    clauses = [
        f"SELECT {', '.join(f'{letter}.{column.name}' for letter, column, _ in named)}",
        f"FROM {child.name} AS {a}",
        f"JOIN {parent.name} AS {b} ON {b}.{parent.key.name} = {a}.{key.name}",
        f"JOIN {third.name} AS {c} ON {c}.{third.key.name} = {holder}.{second_key.name}",
    ]
    notes = ("Tres tablas piden dos JOIN.", f"{a}.{key.name} lleva a {parent.name} y {holder}.{second_key.name} a {third.name}.")
    return task(text, clauses, notes, [*columns, key, second_key])


def without(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Rows of the parent with no row, or with some row, in the child."""
    links = _links(tables)
    if not links:
        return None
    child, key, parent = rng.choice(links)
    a, b = aliases(child.name, parent.name)
    column = rng.choice([c for c in parent.columns if c.kind != "key"])
    none = f"ningun{'a' if child.o == 'a' else ''}".replace("ningun", "ningún" if child.o == "o" else "ningun")
    lead = f"{listed(rng, [column], True)} de {parent.article} {parent.things}"
    lacking = rng.choice(
        (f"sin {none} {child.one}", f"que no tienen {none} {child.one}", f"sin {child.things}", f"que no aparecen en {child.name}")
    )
    having = rng.choice(("que tienen algún registro en", "que aparecen en", "con al menos una fila en")) + f" {child.name}"
    form = rng.choice(("left", "left", "left", "not in", "not exists", "in", "exists"))
    lacks = form.startswith("not")
    on = f"{a}.{key.name} = {b}.{parent.key.name}"
    notes: tuple[str, ...]
    if form == "left":
        text = asked(rng, f"{lead} {lacking}")
        clauses = [
            f"SELECT {b}.{column.name}",
            f"FROM {parent.name} AS {b}",
            f"LEFT JOIN {child.name} AS {a} ON {on}",
            f"WHERE {a}.{child.key.name} IS NULL",
        ]
        notes = (f"{a}.{child.key.name} IS NULL señala las filas sin pareja en {child.name}.", f"LEFT JOIN conserva todo {parent.name}.")
    elif form in ("in", "not in"):
        word = form.upper()
        text = f"{asked(rng, f'{lead} {lacking if lacks else having}')} (con {word})"
        inner = f"SELECT {key.name} FROM {child.name}" + (f" WHERE {key.name} IS NOT NULL" if form == "not in" else "")
        clauses = [f"SELECT {column.name}", f"FROM {parent.name}", f"WHERE {parent.key.name} {word} ({inner})"]
        notes = (f"La subconsulta da los {key.name} de {child.name}.", f"{parent.key.name} {word} compara con esa lista.")
    else:
        word = form.upper()
        text = f"{asked(rng, f'{lead} {lacking if lacks else having}')} (con {word})"
        clauses = [
            f"SELECT {b}.{column.name}",
            f"FROM {parent.name} AS {b}",
            f"WHERE {word} (SELECT 1 FROM {child.name} AS {a} WHERE {on})",
        ]
        notes = (f"{word} mira si {'no ' if 'not' in form else ''}hay filas con {on}.",)
    return task(text, clauses, notes, [column, key])


def union(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """Two columns in one list."""
    options = [(t, c) for t in tables for c in t.of("text", "group")]
    if len({t.name for t, _ in options}) < 2:
        return None
    a, x = rng.choice(options)
    b, y = rng.choice([(t, c) for t, c in options if t is not a])
    every = rng.random() < 0.35
    tail = (
        rng.choice((", con repetidos", ", conservando repetidos", ", aunque se repitan"))
        if every
        else rng.choice((", sin repetir", ", sin duplicados", ""))
    )
    text = rng.choice(
        (
            f"una sola lista con {x.the} de {a.name} y {y.the} de {b.name}{tail}",
            f"une {x.the} de {a.article} {a.things} con {y.the} de {b.article} {b.things}{tail}",
            f"junta en una columna {x.spoken} de {a.name} y {y.spoken} de {b.name}{tail}",
        )
    )
    word = "UNION ALL" if every else "UNION"
    clauses = [f"SELECT {x.name}", f"FROM {a.name}", word, f"SELECT {y.name}", f"FROM {b.name}"]
    return task(
        text,
        clauses,
        ("UNION ALL conserva los repetidos." if every else "UNION quita los repetidos.", f"{word} pone {y.name} debajo de {x.name}."),
        [x, y],
    )


# 7. Families of tasks that change the data


def _literal(rng: Random, column: Column) -> tuple[str, str]:
    """A value as said and as written."""
    if column.kind in ("id", "key") or column.numeric:
        value = number(rng, column)
        return value, value
    value = text_value(rng, column) if column.kind != "date" else date(rng)
    return value, quoted(value)


def insert(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A new row."""
    t = rng.choice(tables)
    columns = list(t.columns) if rng.random() < 0.4 else [t.key, *rng.sample(t.columns[1:], min(len(t.columns) - 1, 2))]
    values = [_literal(rng, c) for c in columns]
    joint = rng.choice((" ", " ", " = ", ": "))
    pairs = ", ".join(f"{c.spoken}{joint}{said}" for c, (said, _) in zip(columns, values, strict=True))
    text = rng.choice(
        (
            "agrega a {} una fila con {}",
            "inserta en {}: {}",
            "añade a la tabla {} este registro: {}",
            "nueva fila en {} con {}",
            "registrar en {}: {}",
        )
    )
    clauses = [f"INSERT INTO {t.name} ({', '.join(c.name for c in columns)})", f"VALUES ({', '.join(sql for _, sql in values)})"]
    notes = (
        "Los valores van en el orden de las columnas.",
        f"INSERT INTO {t.name} agrega una fila.",
        "Los textos llevan comillas simples y los números no.",
    )
    return task(text.format(t.name, pairs), clauses, notes, columns)


def update(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task | None:
    """New values in some rows."""
    t = rng.choice(tables)
    own = _own(t)
    c = rng.choice(own)
    where, sql, extra = filtered(rng, t, most=2 if rng.random() < 0.3 else 1, columns=[t.key] if rng.random() < 0.4 else ())
    rows_text = f"{t.article} {t.things} {where}"
    if c.numeric and rng.random() < 0.5:
        k = str(rng.randrange(2, 60))
        words, change = rng.choice(
            (
                (f"aumenta en {k} {c.the}", f"{c.name} + {k}"), (f"sube {k} a {c.the}", f"{c.name} + {k}"), (f"baja en {k} {c.the}", f"{c.name} - {k}"),
                (f"resta {k} a {c.the}", f"{c.name} - {k}"), (f"duplica {c.the}", f"{c.name} * 2"), (f"sube un {k} % {c.the}", f"{c.name} * 1.{int(k):02}"),
            )
        )  # fmt: skip
        text = f"{words} de {rows_text}"
    else:
        said, change = _literal(rng, c)
        text = rng.choice(
            (
                f"cambia {c.the} a {said} en {rows_text}",
                f"pon {c.spoken} {said} a {rows_text}",
                f"actualiza {c.the} de {rows_text}: ahora vale {said}",
                f"que {c.the} sea {said} para {rows_text}",
            )
        )
    notes = (f"SET da el valor nuevo: {c.name} = {change}.", f"Sin WHERE cambiaría toda la tabla {t.name}.", *extra[:2])
    return task(text, [f"UPDATE {t.name}", f"SET {c.name} = {change}", f"WHERE {sql}"], notes, [c])


def delete(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """Rows that go away."""
    t = rng.choice(tables)
    where, sql, extra = filtered(rng, t, columns=[t.key] if rng.random() < 0.25 else ())
    text = f"{rng.choice(('borra', 'elimina', 'borrar', 'eliminar', 'quita de la tabla', 'suprime', 'quiero borrar'))} {t.article} {t.things} {where}"
    return task(
        text,
        [f"DELETE FROM {t.name}", f"WHERE {sql}"],
        (f"Sin WHERE se borraría todo {t.name}.", f"DELETE quita las filas con {sql}.", *extra[:1]),
        [],
    )


def create(rng: Random, tables: Sequence[Table], lexicon: Lexicon) -> Task:
    """A new table."""
    names: list[str] = []
    used = TAKEN | {t.name.lower() for t in tables}
    while len(names) < rng.choice((4, 5)):
        word = lexicon.word(rng) if rng.random() < 0.8 else invented(rng)
        if word not in used:
            used = used | {word}
            names.append(word)
    name, *columns = names
    kinds = {"INTEGER": ("entero", "número entero"), "TEXT": ("texto", "cadena"), "REAL": ("real", "decimal")}
    said, lines = ["id entero y clave primaria"], ["id INTEGER PRIMARY KEY"]
    for column in columns:
        kind = rng.choice(list(kinds))
        needed = rng.random() < 0.3
        said.append(f"{column} {rng.choice(kinds[kind])}{' obligatorio' if needed else ''}")
        lines.append(f"{column} {kind}{' NOT NULL' if needed else ''}")
    if rng.random() < 0.3:
        parent = rng.choice(tables)
        key = f"{parent.name.lower()}_{parent.key.name.lower()}"
        said.append(f"{key} entero que apunta a {parent.name}")
        lines.append(f"{key} INTEGER REFERENCES {parent.name}({parent.key.name})")
    text = f"{rng.choice(('crea la tabla', 'crear una tabla', 'define la tabla', 'haz una tabla'))} {name} con {', '.join(said[:-1])} y {said[-1]}"
    clauses = [f"CREATE TABLE {name} (", *(f"    {line}," for line in lines[:-1]), f"    {lines[-1]}", ")"]
    return task(
        text,
        clauses,
        ("«obligatorio» es NOT NULL." if any("NOT NULL" in x for x in lines) else "Texto es TEXT, entero es INTEGER, decimal es REAL.",),
        [],
    )


FAMILIES: tuple[tuple[Callable[[Random, Sequence[Table], Lexicon], Task | None], int], ...] = (
    (rows, 66), (top, 10), (distinct, 4), (count, 13), (aggregate, 8), (group, 15), (having_groups, 6), (subquery, 4), (case, 4), (coalesce, 3),
    (expression, 4), (window, 5), (join, 12), (join_group, 7), (three, 6), (without, 7), (union, 4), (insert, 3), (update, 4), (delete, 3), (create, 2),
)  # fmt: skip
MAKERS = [family for family, _ in FAMILIES]
WEIGHTS = [weight for _, weight in FAMILIES]


# 8. The sheet


@dataclass(frozen=True)
class Layout:
    """How a sheet is laid out."""

    order: str
    """'alternate', 'first' (all requests, then all queries) or 'script'"""
    fence: bool
    one_line: bool
    label: str
    answer: str
    lower: bool
    accents: bool
    marks: bool
    end: str
    schema: str
    title: str
    indent: bool


def _layout(rng: Random) -> Layout:
    order = rng.choices(("alternate", "first", "script"), (58, 27, 15))[0]
    lazy = rng.random() < 0.3
    return Layout(
        order=order,
        fence=rng.random() < 0.5,
        one_line=rng.random() < 0.22,
        label=rng.choice(("{n}. ", "{n}) ", "{n}.- "))
        if order == "first"
        else rng.choice(("{n}. ", "{n}) ", "", "- ", "### ", "Pedido: ", "P{n}: ", "**", "> ", "Se pide: ", "| {n} | ", "-- ")),
        answer=rng.choice(("{n}. ", "{n}) ", "Consulta {n}: ", "-- {n}\n", "({n})\n", "### {n}\n"))
        if order == "first"
        else rng.choice(("", "", "", "", "Consulta: ", "SQL: ", "→ ", "R: ")),
        lower=lazy or rng.random() < 0.2,
        accents=not lazy or rng.random() < 0.4,
        marks=not lazy,
        end=rng.choice(("", ".", ".", ":")) if not lazy else "",
        schema=rng.choice(("{}", "{}", "{}", "{}", "- {}", "Tabla {}", "* {}", "`{}`", "Tabla: {}")),
        title=rng.choice(
            ("", "", "", "", "Esquema:\n", "Tablas:\n", "Con estas tablas:\n", "Base de datos\n", "# Consultas\n", "Datos:\n")
        ),
        indent=rng.random() < 0.12,
    )


def _request(text: str, layout: Layout, names: frozenset[str]) -> str:
    """The request as the sheet writes it."""
    if not layout.marks:
        text = text.replace("¿", "")
    if not layout.accents:
        text = text.translate(UNACCENT)
    first = re.split(r"[ ,:;?]", text.lstrip("¿"))[0]
    if not layout.lower and first not in names:
        at = 1 if text.startswith("¿") else 0
        text = text[:at] + text[at : at + 1].upper() + text[at + 1 :]
    return text if text.endswith(("?", ".", ":")) else text + layout.end


def _query(made: Task, layout: Layout) -> str:
    if not layout.accents:
        made = replace(made, clauses=tuple(clause.translate(UNACCENT) for clause in made.clauses))
    if layout.one_line:
        return re.sub(r"\( +", "(", " ".join(clause.strip() for clause in made.clauses)).replace(" )", ")") + ";"
    clauses = list(made.clauses)
    if layout.indent:
        clauses = [f"    {c}" if re.match(r"(LEFT )?JOIN\b", c) else c for c in clauses]
    return "\n".join(clauses) + ";"


def _sheet(tables: Sequence[Table], tasks: Sequence[Task], notes: Sequence[str], answers: Sequence[int], layout: Layout) -> Sheet:
    """The parts of a sheet."""
    schema = [f"{t.name}({', '.join(c.name for c in t.columns)})" for t in tables]
    script = layout.order == "script"
    names = frozenset(c.name for t in tables for c in t.columns) | {t.name for t in tables}
    lines = [("-- " + line) if script else layout.schema.format(line) for line in schema]
    opening = ("```sql\n" if layout.fence else "") if script else layout.title
    parts = [Part(f"{opening}{chr(10).join(lines)}\n\n", False)]
    texts = [_request(made.text, layout, names) for made in tasks]

    def solution(n: int, fence: bool) -> None:
        query = _query(tasks[n], layout)
        parts.append(Part(f"```sql\n{query}\n```\n" if fence else f"{query}\n", True))
        if notes[n]:
            note = notes[n] if layout.accents else notes[n].translate(UNACCENT)
            parts.append(Part(f"-- {note}\n" if script else f"{note}\n", True))

    if layout.order == "first":
        for n, text in enumerate(texts):
            parts.append(Part(f"{layout.label.format(n=n + 1)}{text}\n", False))
        parts.append(Part("\n", False))
        in_turn = list(answers) == sorted(answers)
        for n in answers:
            label = layout.answer.format(n=n + 1)
            parts.append(Part(label if not layout.fence or label.endswith("\n") else label.rstrip() + "\n", in_turn))
            solution(n, layout.fence)
            parts.append(Part("\n", True))
    else:
        for n, text in enumerate(texts):
            if script:
                parts.append(Part(f"-- {text}\n", False))
                solution(n, False)
            else:
                label = layout.label.format(n=n + 1)
                closing = {"**": "**", "| ": " |"}.get(label[:2], "")
                parts.append(Part(f"{label}{text}{closing}\n", False))
                if layout.answer and not layout.fence:
                    parts.append(Part(layout.answer, True))
                solution(n, layout.fence)
            parts.append(Part("\n", True))
        if script and layout.fence:
            parts[-1] = Part("```\n", True)
    if parts[-1].text == "\n":
        parts.pop()
    return parts


def query_sheet(rng: Random, lexicon: Lexicon) -> Sheet:
    """Tables, requests about them, and the queries."""
    tables = draw_tables(rng, lexicon)
    layout = _layout(rng)
    if layout.accents is False and any(ord(ch) > 127 for t in tables for c in t.columns for v in c.values for ch in v):
        layout = replace(layout, accents=True)
    noted = rng.choice((0.0, 0.0, 0.3, 0.6, 1.0))
    goal = rng.randrange(3, 8)
    tasks: list[Task] = []
    notes: list[str] = []

    def add() -> None:
        made = None
        while made is None or made.text in {known.text for known in tasks}:
            made = rng.choices(MAKERS, WEIGHTS)[0](rng, tables, lexicon)
        tasks.append(made)
        notes.append(rng.choice(made.notes) if made.notes and rng.random() < noted else "")

    for _ in range(goal):
        add()
    shuffled = rng.random() < 0.3
    while True:
        answers = list(range(len(tasks)))
        if shuffled:
            rng.shuffle(answers)
        sheet = _sheet(tables, tasks, notes, answers, layout)
        length = sum(len(part.text) for part in sheet)
        if length > LONGEST:
            tasks.pop()
            notes.pop()
        elif length < SHORTEST:
            add()
        else:
            return sheet
