"""Spanish and English words that mean something to whoever picks mathematics out of prose.

Data only, in lower case, with and without the accents that learners leave out.
"""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


FUNCTIONS = word_set(
    "sen sin cos tan tg cot ctg cotg sec csc cosec arcsen arcsin arccos arctan arctg asen asin acos atan senh "
    "sinh cosh tanh log ln lg exp "
    "sqrt cbrt abs mcm mcd m.c.m m.c.d gcd lcm max máx min mín det"
)

UNITS = word_set(
    "mm cm dm m dam hm km mi ft yd mg g kg t lb lbs oz ml cl dl l L kl s seg sec min h hr hrs hora horas minuto "
    "minutos segundo segundos "
    "día días dia dias semana semanas mes meses año años hour hours minute minutes second seconds day days week weeks month months "
    "year years "
    "metro metros centímetro centímetros centimetro centimetros kilómetro kilómetros kilometro kilometros milímetro milímetros "
    "gramo gramos "
    "kilo kilos kilogramo kilogramos litro litros mililitro mililitros tonelada toneladas meter meters metre metres centimeter "
    "centimeters "
    "kilometer kilometers inch inches foot feet yard yards mile miles gram grams kilogram kilograms liter liters litre litres "
    "pound pounds "
    "ounce ounces cent cents dollar dollars dólar dólares centavo centavos euro euros peso pesos rad grados degrees ha ms kmh"
)
"""Units of which several may measure the same thing: with two of them in one equality, dropping them may turn a true one false."""

OPERATION_WORDS = word_set(
    "más mas menos por entre sobre veces vez dividido dividida multiplicado multiplicada elevado elevada al "
    "cuadrado cubo potencia raíz raiz "
    "módulo modulo mod div resto residuo "
    "plus minus times over divided multiplied squared cubed power root remainder"
)
"""Next to an expression one of these is a piece of it that is not written in symbols."""

NUMBER_WORDS = word_set(
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis dieciseis "
    "diecisiete dieciocho diecinueve "
    "veinte veintiuno veintiún veintidós veintidos veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho "
    "veintinueve treinta "
    "cuarenta cincuenta sesenta setenta ochenta noventa cien ciento doscientos trescientos cuatrocientos quinientos mil "
    "medio media medios mitad tercio tercios cuarto cuartos quinto quintos doble triple cuádruple cero ninguno ninguna "
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
    "twenty "
    "thirty forty fifty sixty seventy eighty ninety hundred half halves third thirds quarter quarters twice double thrice none"
)

SCALES = word_set(
    "mil millar millares millón millon millones billón billones docena docenas decena decenas centena centenas par pares "
    "thousand thousands million millions billion billions dozen dozens hundred hundreds pair pairs k"
)
"""Words after a number that multiply it."""

CONJUNCTIONS = word_set("y e o u ni and or nor &")

PARTITIVES = word_set("de del of")
"""``20 % de 50``, ``la mitad de 8``: what follows is a part of an expression, after some words."""

BEFORE_OF = word_set(
    "suma resta diferencia producto cociente división division doble triple cuádruple mitad tercio tercera cuarta "
    "quinta décima parte partes "
    "raíz raiz raíces cuadrado cubo potencia inverso opuesto negativo recíproco factorial logaritmo seno coseno tangente promedio media "
    "mediana moda múltiplo múltiplos divisor divisores docena docenas par pares máximo mínimo común ciento porcentaje valor "
    "absoluto módulo "
    "log sen sin cos tan ln entre "
    "sum difference product quotient half third thirds quarter quarters fourth fourths fifth fifths tenth tenths double twice "
    "triple root "
    "square cube power inverse opposite negative reciprocal factorial logarithm sine cosine tangent average mean median mode multiple "
    "multiples divisor divisors dozen dozens pair pairs percent percentage out fraction rest remainder value"
)
"""``la suma de 3 y 4``: with one of these before "de" or "of" the expression begins earlier than its symbols."""

APPROXIMATIONS = word_set(
    "aprox aproximadamente aproximado aproximada aproximando unos unas casi cerca redondeando redondeado "
    "redondeada redondeamos redondear "
    "redondea redondo estimación estimado estimamos estima truncando truncado "
    "about approximately approx roughly nearly around almost rounded rounding round rounds estimate estimated"
)

ROUGH = APPROXIMATIONS | word_set(
    "entero entera enteros enteras completo completos completa completas sobra sobran sobrante sobrantes resto residuo quedando cociente "
    "whole remainder left leftover integer floor ceil ceiling full complete completely quotient"
)
"""One of these in a sentence excuses a quotient that was cut or rounded to a whole number."""

CLOCK = word_set("am pm a.m p.m o'clock oclock noon midnight")

SMALL_WORDS = word_set(
    "de la el en es se si sí no un al lo le me te su ya yo tu da dé sé va ve he ha is of to in on at by it we "
    "do so as an or if up my go us "
    "am be ni mi os ti tú él oh ah ok vs per los las una del con por que sin son fue más mas hay muy sus the and for are was has "
    "had but not "
    "all can her his one two you out who how may day get ten put así era ser dos tres esa ese eso aun aún les nos tan sea cada dan ver"
)
"""Words of two or three letters that are no product of variables."""

CONNECTIVES = word_set(
    "porque pues cuando donde mientras entonces así luego que si aunque como pero sino según ya "
    "because since when where while then than that which if so although as but who"
)
"""Words that begin another clause; no noun after a number goes on beyond one."""
