"""Classroom functions over lists of numbers: searching, ordering, joining, windows, stacks and queues.

Knows the functions alone, as a table that `function_tables` reads. Deliberately knows nothing of how they are drawn or worded in a sheet.
"""

LISTS = """
sumar|la lista con recursión; calcular|recursivamente la suma de {P}
nums | suma_recursiva sumar | nums | La lista vacía suma 0
    if not P: return 0
    return P[0] + F(P[1:])

sumar|todos los números de {P}; devolver|la suma de la lista
nums | sumar suma_total | nums | Se suma cada elemento
    A = 0
    for V in P: A += V
    return A

calcular|el promedio de {P}; devolver|la media de la lista
nums | promedio media | nums 2/4/4/5 | La suma se divide entre la cantidad
    return sum(P) / len(P)
or
    A = 0
    for V in P: A += V
    return A / len(P)

devolver|el mayor de {P} sin usar max; hallar|el máximo de la lista con un for
nums | mayor maximo | distinct | Se guarda el mayor visto
    A = P[0]
    for V in P:
        if V > A: A = V
    return A

devolver|el menor de {P} sin usar min; hallar|el mínimo de la lista con un for
nums | menor minimo | distinct | Se guarda el menor visto
    A = P[0]
    for V in P:
        if V < A: A = V
    return A

devolver|la posición del mayor de {P}; hallar|el índice del máximo
nums | indice_mayor donde_maximo | distinct | Se guarda el índice, no el valor
    A = 0
    for I in range(len(P)):
        if P[I] > P[A]: A = I
    return A

devolver|la posición del menor de {P}; hallar|el índice del mínimo
nums | indice_menor donde_minimo | distinct | Se guarda el índice, no el valor
    A = 0
    for I in range(len(P)):
        if P[I] < P[A]: A = I
    return A

devolver|el mayor de {P} y su índice; obtener|el máximo con su posición
nums | mayor_con_indice maximo_y_lugar | distinct | Se guarda dónde está el mayor
    A = 0
    for I in range(len(P)):
        if P[I] > P[A]: A = I
    return P[A], A

calcular|la diferencia entre el mayor y el menor de {P}; devolver|el rango de {P}: máximo menos mínimo
nums | rango amplitud | distinct | Máximo menos mínimo
    return max(P) - min(P)

devolver|el segundo mayor de {P}; buscar|el segundo más grande de {P}
nums | segundo_mayor segundo | distinct | Tras ordenar está en la posición -2
    return sorted(P)[-2]

quitar|los repetidos sin cambiar el orden; devolver|{P} sin repetidos, en el mismo orden
nums | sin_repetidos unicos | nums 1..5 4/5/6 | Solo entra lo que aún no está
    B = []
    for V in P:
        if V not in B: B.append(V)
    return B
or
    vistos = set()
    B = []
    for V in P:
        if V not in vistos: vistos.add(V); B.append(V)
    return B

decir|si hay repetidos en {P}; comprobar|si algún elemento se repite
nums | hay_repetidos tiene_repetidos | nums 1..9 3/4/5 | Un elemento ya visto es repetido
    vistos = set()
    for V in P:
        if V in vistos: return True
        vistos.add(V)
    return False
or
    return len(set(P)) < len(P)

contar|cuántas veces aparece cada elemento, en un diccionario; devolver|un diccionario con las frecuencias de {P}
nums | frecuencias conteo | nums 1..4 4/5 | Cada aparición suma 1 a su clave
    B = {}
    for V in P: B[V] = B.get(V, 0) + 1
    return B
or
    B = {}
    for V in P:
        if V in B: B[V] += 1
        else: B[V] = 1
    return B

contar|cuántas veces aparece {Q} en {P}; decir|cuántas veces está {Q}
nums any | veces apariciones | sought nums 1..5 | Se cuenta cada igual
    A = 0
    for V in P:
        if V == Q: A += 1
    return A

ordenar|{P} de menor a mayor; devolver|una copia ordenada de {P}
nums | ordenar ordenada | distinct | sorted devuelve una lista nueva
    return sorted(P)

ordenar|{P} de mayor a menor; devolver|{P} en orden descendente
nums | ordenar_bajando de_mayor_a_menor | distinct | reverse=True da el orden contrario
    return sorted(P, reverse=True)

invertir|la lista; devolver|{P} al revés
nums | invertir al_reves | distinct | Se recorre desde el final
    return P[::-1]
or
    B = []
    for I in range(len(P) - 1, -1, -1): B.append(P[I])
    return B
or
    B = []
    for V in P: B.insert(0, V)
    return B

invertir|la lista con una pila; devolver|{P} al revés usando una pila
nums | invertir_con_pila desapilar | distinct | Lo último que entra sale primero
    pila = []
    for V in P: pila.append(V)
    B = []
    while pila: B.append(pila.pop())
    return B

obtener|el orden en que una cola atiende a {P}; devolver|{P} en orden de salida de una cola
nums | atender vaciar_cola | distinct | Lo primero que entra sale primero
    cola = deque(P)
    B = []
    while cola: B.append(cola.popleft())
    return B

comprobar|si los paréntesis de {P} están balanceados con una pila; decir|si cada paréntesis de {P} cierra bien
text | balanceado parentesis | brackets | Cada cierre desapila una apertura
    pila = []
    for c in P:
        if c == "(": pila.append(c)
        elif c == ")":
            if not pila: return False
            pila.pop()
    return not pila

buscar|uno por uno el índice de {Q} en {P}, -1 si no está; devolver|el índice de {Q} con búsqueda lineal o -1
nums any | busqueda_lineal buscar | sought distinct | Se compara elemento por elemento
    for I in range(len(P)):
        if P[I] == Q: return I
    return -1

buscar|{Q} en {P} ordenada con búsqueda binaria; devolver|el índice de {Q} con búsqueda binaria o -1
nums any | busqueda_binaria binaria | sought sorted distinct 4/5/6 | Cada paso descarta una mitad
    a, b = 0, len(P) - 1
    while a <= b:
        m = (a + b) // 2
        if P[m] == Q: return m
        if P[m] < Q: a = m + 1
        else: b = m - 1
    return -1

ordenar|{P} con burbuja; ordenar|la lista por el método de la burbuja
nums | burbuja ordenar_burbuja | distinct | Se intercambian vecinos desordenados
    for i in range(len(P)):
        for j in range(len(P) - 1 - i):
            if P[j] > P[j + 1]: P[j], P[j + 1] = P[j + 1], P[j]
    return P

ordenar|{P} por selección; ordenar|la lista buscando cada vez el menor
nums | seleccion ordenar_seleccion | distinct | El menor del resto pasa adelante
    for i in range(len(P)):
        m = i
        for j in range(i + 1, len(P)):
            if P[j] < P[m]: m = j
        P[i], P[m] = P[m], P[i]
    return P

ordenar|{P} por inserción; ordenar|la lista insertando cada elemento en su lugar
nums | insercion ordenar_insercion | distinct | Cada elemento retrocede hasta su lugar
    for i in range(1, len(P)):
        j = i
        while j > 0 and P[j - 1] > P[j]: P[j - 1], P[j] = P[j], P[j - 1]; j -= 1
    return P

decir|si {P} está ordenada; comprobar|que {P} vaya de menor a mayor
nums | esta_ordenada ordenada | perhaps_sorted | Ningún vecino puede bajar
    for I in range(len(P) - 1):
        if P[I] > P[I + 1]: return False
    return True

unir|{P} y {Q} alternando sus elementos; devolver|una lista que alterna {P} y {Q}
nums nums | alternar intercalar | three, three | Se toma uno de cada lista
    B = []
    for a, b in zip(P, Q): B.append(a); B.append(b)
    return B

unir|las listas {P} y {Q}; devolver|{P} seguida de {Q}
nums nums | unir juntar | nums 2/3, nums 2/3 | El + pone una lista tras otra
    return P + Q
or
    B = []
    for V in P: B.append(V)
    for V in Q: B.append(V)
    return B

unir|dos listas ordenadas {P} y {Q} en una ordenada; devolver|la mezcla ordenada de {P} y {Q}
nums nums | mezclar fusionar | sorted nums 2/3, sorted nums 2/3 | Se toma el menor de los dos frentes
    B = []
    i = j = 0
    while i < len(P) and j < len(Q):
        if P[i] <= Q[j]: B.append(P[i]); i += 1
        else: B.append(Q[j]); j += 1
    return B + P[i:] + Q[j:]

devolver|los pares de {P} y {Q} posición a posición; armar|tuplas con un elemento de {P} y otro de {Q}
nums nums | parejas emparejar | three, three | zip junta posición a posición
    return list(zip(P, Q))
or
    B = []
    for I in range(len(P)): B.append((P[I], Q[I]))
    return B

sumar|{P} y {Q} posición a posición; devolver|la lista de sumas de {P} con {Q}
nums nums | sumar_listas suma_vectores | three, three | Se suma posición a posición
    B = []
    for a, b in zip(P, Q): B.append(a + b)
    return B

devolver|lo que tienen en común {P} y {Q}; obtener|los elementos de {P} que también están en {Q}
nums nums | comunes interseccion | distinct 3/4, four | Queda lo que está en las dos
    B = []
    for V in P:
        if V in Q: B.append(V)
    return B
or
    return [V for V in P if V in Q]

devolver|lo que está en {P} pero no en {Q}; obtener|los elementos de {P} que faltan en {Q}
nums nums | diferencia faltantes | distinct 3/4, four | Queda lo que no está en la segunda
    B = []
    for V in P:
        if V not in Q: B.append(V)
    return B
or
    return [V for V in P if V not in Q]

dividir|{P} en dos mitades; devolver|la primera y la segunda mitad de {P}
nums | mitades partir | nums | Se corta en len // 2
    m = len(P) // 2
    return P[:m], P[m:]

rotar|{P} {Q} lugares a la izquierda; devolver|{P} rotada {Q} posiciones hacia la izquierda
nums n | rotar rotar_izquierda | distinct 4/5, int 1..3 | Los primeros pasan al final
    return P[Q:] + P[:Q]

rotar|{P} un lugar a la derecha; devolver|{P} con el último al principio
nums | rotar_derecha girar | distinct | El último pasa al frente
    return [P[-1]] + P[:-1]

devolver|las sumas acumuladas de {P}; calcular|el acumulado de la lista
nums | acumulado sumas_parciales | nums | Cada lugar guarda lo sumado hasta allí
    B = []
    A = 0
    for V in P: A += V; B.append(A)
    return B

devolver|las ventanas de {Q} elementos seguidos de {P}; obtener|cada tramo de {Q} vecinos de {P}
nums n | ventanas tramos | nums 4, int 2..3 | Cada ventana empieza un lugar más adelante
    B = []
    for I in range(len(P) - Q + 1): B.append(P[I:I + Q])
    return B

hallar|la mayor suma de {Q} vecinos de {P}; devolver|la suma máxima de una ventana de {Q}
nums n | mejor_ventana suma_ventana | nums 4/5, two | Se compara la suma de cada ventana
    A = sum(P[:Q])
    for I in range(1, len(P) - Q + 1): A = max(A, sum(P[I:I + Q]))
    return A

devolver|las diferencias entre vecinos de {P}; calcular|cuánto cambia {P} de un elemento al siguiente
nums | diferencias cambios | nums | Se resta cada uno al siguiente
    B = []
    for I in range(1, len(P)): B.append(P[I] - P[I - 1])
    return B

dividir|{P} en grupos de {Q}; devolver|{P} en trozos de {Q} elementos
nums n | grupos trozos | nums 4/5/6, int 2..3 | Se avanza de {Q} en {Q}
    B = []
    for I in range(0, len(P), Q): B.append(P[I:I + Q])
    return B

obtener|dos números de {P} que sumen {Q} o None; buscar|un par de {P} cuya suma sea {Q} (o None)
nums n | dos_que_suman par_con_suma | distinct, int 6..24 | Se busca lo que falta entre los vistos
    vistos = set()
    for V in P:
        if Q - V in vistos: return Q - V, V
        vistos.add(V)
    return None

contar|los elementos de {P} con recursión; calcular|recursivamente el largo de {P}
nums | largo contar | nums | La lista vacía mide 0
    if not P: return 0
    return 1 + F(P[1:])

hallar|el mayor de {P} con recursión; devolver|recursivamente el máximo de {P}
nums | mayor maximo_recursivo | distinct | Con un solo elemento, ese es el mayor
    if len(P) == 1: return P[0]
    A = F(P[1:])
    if P[0] > A: return P[0]
    return A

ordenar|{P} con quicksort; ordenar|la lista por pivote, de forma recursiva
nums | quicksort rapido | distinct | Menores, pivote, mayores
    if len(P) < 2: return P
    a = P[0]
    menores = [V for V in P[1:] if V < a]
    mayores = [V for V in P[1:] if V >= a]
    return F(menores) + [a] + F(mayores)
"""
