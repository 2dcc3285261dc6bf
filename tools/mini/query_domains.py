"""Tables for worksheets of SQL: what a column holds, how it is spoken of, and sensible domains of linked tables.

Knows domains with their Spanish words. Deliberately knows nothing of chance, queries or sheets.
"""

import re
from dataclasses import dataclass, replace


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
    def plural(self) -> bool:
        """Whether it is spoken of in the plural."""
        return self.article in ("los", "las")

    @property
    def o(self) -> str:
        """The ending of an adjective, without the s of the plural."""
        return "a" if self.article in ("la", "las") else "o"

    @property
    def ending(self) -> str:
        """The ending of an adjective in its number."""
        return self.o + ("s" if self.plural else "")

    @property
    def numeric(self) -> bool:
        """Whether it can be added up."""
        return self.kind in ("int", "real")

    @property
    def links(self) -> bool:
        """Whether it is a primary or a foreign key."""
        return self.kind in ("id", "key")


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

    @property
    def rows(self) -> str:
        """The rows with their article."""
        return f"{self.article} {self.things}"

    @property
    def the_one(self) -> str:
        """A row with its article."""
        return f"{'la' if self.o == 'a' else 'el'} {self.one}"

    @property
    def numbers(self) -> list[Column]:
        """The columns that can be added up."""
        return self.of("int", "real")

    @property
    def own(self) -> list[Column]:
        """The columns that are no keys."""
        return [column for column in self.columns if not column.links]

    def of(self, *kinds: str) -> list[Column]:
        """The columns of some kinds."""
        return [column for column in self.columns if column.kind in kinds]


PEOPLE = "Ana,Luis,Rosa,Marta,Diego,Elena,Hugo,Nora,Iván,Lucía,Pablo,Sofía,Tomás,Inés,Raúl,Carla,Óscar,Julia,Bruno,Vera,Omar,Alma"
SURNAMES = "Ruiz,Soto,Vega,Pérez,Gómez,Díaz,Luna,Rojas,Mora,Castro,Flores,Núñez,Ríos,Paz,Campos,Herrera,O'Higgins,Medina,Salas"
CITIES = "Lima,Quito,Bogotá,Rosario,Cusco,La Paz,Puebla,Cali,Valencia,Asunción,Tacna,Loja,Mérida,Salta,Cuenca,Sucre,Temuco"
COUNTRIES = "Perú,Chile,México,Ecuador,Bolivia,Uruguay,Cuba,Panamá,Paraguay,Colombia,Argentina,Honduras,Costa Rica"
THINGS = "Sol,Luna,Norte,Aurora,Cóndor,Puma,Lago Azul,Estrella,Roble,Mar,Volcán,Cima,Delta,Oasis,Faro,Nube,Brisa,Trueno"
"""words that a column may hold"""

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
"""per column: name, article and word, kind, and what it holds"""
DOMAIN_TEXT = """
los clientes cliente: nombre pais ciudad saldo edad correo
    los pedidos pedido: >cliente fecha monto estado
    los pagos pago: >pedido monto fecha tipo
los productos producto: titulo marca precio stock categoria
    los proveedores proveedor: nombre ciudad telefono
    las compras compra: >producto >proveedor cantidad costo fecha
los médicos médico: nombre especialidad edad turno
    los pacientes paciente: nombre apellido edad ciudad telefono
    las citas cita: >medico >paciente fecha costo estado
los autores autor: nombre pais idioma
    los libros libro: >autor titulo genero paginas anio ejemplares
    los préstamos préstamo: >libro fecha fecha_salida estado
los socios socio: nombre apellido barrio edad correo
    las revistas revista: titulo editorial paginas precio
    las reservas reserva: >socio >revista fecha estado
los choferes chofer: nombre edad sueldo telefono
    los buses bus: placa marca capacidad anio
    los viajes viaje: >chofer >bus origen destino fecha kilometros
los equipos equipo: nombre ciudad puntos estadio
    los jugadores jugador: >equipo nombre posicion goles edad altura
    los partidos partido: >equipo fecha goles estadio
las granjas granja: nombre ciudad hectareas
    los animales animal: >granja especie raza peso edad
    las vacunas vacuna: >animal fecha costo tipo
los hoteles hotel: nombre ciudad estrellas tarifa
    las habitaciones habitación: >hotel tipo piso camas precio
    las estadías estadía: >habitacion fecha_ingreso noches monto
las áreas área: nombre piso presupuesto
    los empleados empleado: >area nombre apellido cargo sueldo edad
    las tareas tarea: >empleado descripcion prioridad horas fecha
los cines cine: nombre ciudad capacidad
    las películas película: titulo genero duracion anio idioma
    las funciones función: >cine >pelicula sala fecha precio
los platos plato: nombre precio calorias ingrediente
    las mesas mesa: piso capacidad estado
    las órdenes orden: >mesa >plato cantidad fecha
los museos museo: nombre ciudad visitas
    las obras obra: >museo titulo artista anio peso
    las visitas visita: >museo fecha cantidad tarifa
los países país: nombre idioma poblacion
    las ciudades ciudad: >pais nombre poblacion altura
    los climas clima: >ciudad fecha temperatura lluvia
los usuarios usuario: nombre correo pais edad
    los mensajes mensaje: >usuario mensaje fecha likes
    los grupos grupo: >usuario titulo categoria visitas
los autos auto: marca modelo color anio precio
    los dueños dueño: nombre apellido ciudad telefono
    las ventas venta: >auto >dueno fecha monto descuento
los planetas planeta: nombre tamano temperatura orbita
    las naves nave: modelo capacidad velocidad peso
    las misiones misión: >nave >planeta fecha presupuesto estado
las canciones canción: titulo artista genero minutos anio
    las listas lista: nombre categoria likes
    las escuchas escucha: >cancion >lista fecha cantidad
los gimnasios gimnasio: nombre barrio tarifa
    los atletas atleta: >gimnasio nombre edad peso altura nivel
    las marcas marca: >atleta fecha distancia minutos
las fincas finca: nombre ciudad hectareas cultivo
    las cosechas cosecha: >finca fecha peso precio
    los envíos envío: >cosecha destino fecha costo
los juegos juego: titulo genero precio version
    los rivales rival: nombre pais nivel puntos
    las partidas partida: >juego >rival puntos minutos fecha
las casas casa: direccion barrio precio piso
    los inquilinos inquilino: nombre edad telefono correo
    los alquileres alquiler: >casa >inquilino monto fecha estado
los vuelos vuelo: codigo origen destino precio duracion
    los pasajeros pasajero: nombre apellido pais edad
    los boletos boleto: >vuelo >pasajero tarifa fecha tipo
las tiendas tienda: nombre ciudad existencias
    los cajeros cajero: >tienda nombre turno sueldo
    los recibos recibo: >cajero fecha monto descuento
los talleres taller: nombre nivel horas creditos
    los monitores monitor: nombre apellido edad area
    las sesiones sesión: >taller >monitor fecha sala horas
las plantas planta: nombre especie altura precio
    los riegos riego: >planta fecha litros
    los abonos abono: >planta tipo costo fecha
los medidores medidor: codigo barrio marca
    las lecturas lectura: >medidor fecha consumo
    los cortes corte: >medidor fecha horas tipo
los torneos torneo: titulo ciudad premio anio
    los árbitros árbitro: nombre pais calificacion
    los juicios juicio: >torneo >arbitro fecha puntos
"""
"""per table: article, plural, singular: columns; > points to a table by its singular; indented: in the domain of the line above"""
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
"""columns with English names"""
ENGLISH_DOMAIN_TEXT = """
los Clients clientes Client: LastName FirstName City Country Age Email
    los Orders pedidos Order: >Client OrderDate Total Status BillingCity
    los Payments pagos Payment: >Order OrderDate Total
los Products productos Product: Name UnitPrice Stock Category Weight
    los Suppliers proveedores Supplier: Name Country Phone PostalCode
    las Purchases compras Purchase: >Product >Supplier Quantity OrderDate
los Writers escritores Writer: FirstName LastName Country BirthDate
    los Books libros Book: >Writer Title Pages UnitPrice Rating
    los Loans préstamos Loan: >Book OrderDate Status
los Stores locales Store: Name City Phone
    los Workers trabajadores Worker: >Store LastName FirstName Salary HireDate
    los Shifts turnos Shift: >Worker OrderDate Status
las Bands bandas Band: Name Country Rating
    las Songs canciones Song: >Band Title Milliseconds UnitPrice
    las Plays escuchas Play: >Song OrderDate Quantity
los Doctors médicos Doctor: LastName Age City
    los Patients pacientes Patient: FirstName LastName BirthDate Weight
    las Visits citas Visit: >Doctor >Patient OrderDate Total
los Planes aviones Plane: Model Seats Weight
    los Pilots pilotos Pilot: FirstName LastName Salary Country
    los Flights vuelos Flight: >Plane >Pilot OrderDate City
"""
"""likewise, with the name of the table after the article"""
ADJECTIVE_TEXT = """
precio tarifa UnitPrice: más car@s|más barat@s
costo: más costos@s|menos costos@s
edad Age: de más edad|más jóvenes
peso Weight: más pesad@s|más livian@s
altura: más alt@s|más baj@s
paginas duracion minutos: más larg@s|más cort@s
fecha anio: más recientes|más antigu@s
velocidad: más rápid@s|más lent@s
tamano: más grandes|más pequeñ@s
poblacion: más poblad@s|menos poblad@s
sueldo: mejor pagad@s|peor pagad@s
visitas: más visitad@s|menos visitad@s
"""
_PAIRS = [line.partition(": ") for line in ADJECTIVE_TEXT.strip().splitlines()]
ADJECTIVES = {column: pair.split("|") for columns, _, pair in _PAIRS for column in columns.split()}
"""what rows with much and with little of a column are called"""
UNACCENT = str.maketrans("áéíóúüÁÉÍÓÚ", "aeiouuAEIOU")
"""ñ stays: without it a word turns into another"""


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


def _domain(lines: str, english: bool) -> tuple[Table, ...]:
    tables = []
    for line in lines.split("\n"):
        head, _, body = line.strip().partition(": ")
        words = head.split()
        things, one = words[-2:]
        key = f"{one}Id" if english else "id"
        columns = [Column(key, "id", key, "" if english else "el")]
        for item in body.split():
            if item.startswith(">"):
                link = f"{item[1:]}Id" if english else f"{item[1:]}_id"
                columns.append(Column(link, "key", link, "", target=item[1:]))
            else:
                columns.append(COLUMNS[item])
        tables.append(Table(words[1] if english else _identifier(things), words[0], things, one, tuple(columns)))
    names = {_identifier(table.one): table.name for table in tables} | {"": ""}
    return tuple(replace(table, columns=tuple(replace(c, target=names[c.target]) for c in table.columns)) for table in tables)


DOMAINS = [_domain(lines, False) for lines in re.split(r"\n(?! )", DOMAIN_TEXT.strip())]
ENGLISH_DOMAINS = [_domain(lines, True) for lines in re.split(r"\n(?! )", ENGLISH_DOMAIN_TEXT.strip())]
