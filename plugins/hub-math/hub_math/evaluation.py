"""The value of a tree: exact fractions where that is possible, floating point of any precision elsewhere; derivatives; polynomials.

Works on trees only. Every function is bounded by hub_math.limits and never calls sympy. The real domain is meant: ``√x`` has no value
at -1, an odd root of a negative number is the negative one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hub_math import limits
from hub_math.limits import NotExact, Undefined
from hub_math.values import BINDERS, Call, Name, Number, Tree, names_of, size_of

ZERO, ONE, TWO = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(2))

# --- exact ---------------------------------------------------------------------------------------


def exact(tree: Tree, values: Mapping[str, Fraction] | None = None, depth: int = 0) -> Fraction:
    """The rational value of a tree, variables replaced. Raises NotExact where it is irrational, too large or unknown, Undefined where
    there is none."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Name):
        if values is not None and tree.name in values:
            return values[tree.name]
        raise NotExact(tree.name)
    if depth > limits.DEPTH:
        raise NotExact("depth")
    operation = tree.operation
    if operation in ("sum", "product"):
        return _exact_sum(tree, values, depth)
    if operation == "integral":
        return _exact_integral(tree, values, depth)
    if operation in _NEVER_EXACT:
        raise NotExact(operation)
    arguments = [exact(argument, values, depth + 1) for argument in tree.arguments]
    result = _exact_operation(operation, arguments)
    if result.numerator.bit_length() + result.denominator.bit_length() > limits.BITS:
        raise NotExact("bits")
    return result


_NEVER_EXACT = frozenset(("apply", "limit"))


def _exact_operation(operation: str, arguments: list[Fraction]) -> Fraction:
    first = arguments[0]
    if operation == "+":
        return first + arguments[1]
    if operation == "*":
        return first * arguments[1]
    if operation == "neg":
        return -first
    if operation == "/":
        if arguments[1] == 0:
            raise Undefined("division by zero")
        return first / arguments[1]
    if operation == "^":
        return _exact_power(first, arguments[1])
    if operation == "sqrt":
        return _exact_root(first, 2)
    if operation == "cbrt":
        return _exact_root(first, 3)
    if operation == "root":
        if arguments[1].denominator != 1 or not 2 <= arguments[1] <= 64:
            raise NotExact("root")
        return _exact_root(first, int(arguments[1]))
    if operation == "abs":
        return abs(first)
    if operation == "factorial":
        if first.denominator != 1 or first < 0:
            raise NotExact("factorial")
        if first > limits.FACTORIAL:
            raise NotExact("factorial")
        return Fraction(math.factorial(int(first)))
    if operation == "%":
        return first / 100
    if operation == "floor":
        return Fraction(math.floor(first))
    if operation == "ceil":
        return Fraction(math.ceil(first))
    if operation == "sign":
        return Fraction((first > 0) - (first < 0))
    if operation in ("max", "min"):
        return max(arguments) if operation == "max" else min(arguments)
    if operation in ("gcd", "lcm"):
        if any(argument.denominator != 1 for argument in arguments):
            raise NotExact(operation)
        whole = [int(argument) for argument in arguments]
        return Fraction(math.gcd(*whole) if operation == "gcd" else math.lcm(*whole))
    if operation == "binom":
        top, bottom = arguments
        if top.denominator != 1 or bottom.denominator != 1 or top < 0 or bottom < 0 or top > limits.FACTORIAL:
            raise NotExact("binom")
        return Fraction(math.comb(int(top), int(bottom)))
    if operation in _FIXED_POINTS and first in _FIXED_POINTS[operation] and len(arguments) == 1:
        return _FIXED_POINTS[operation][first]
    if operation == "log" and len(arguments) == 2:
        return _exact_log(first, arguments[1])
    if operation in ("ln", "log") and first <= 0:
        raise Undefined("logarithm")
    raise NotExact(operation)


_F0, _F1 = Fraction(0), Fraction(1)
_FIXED_POINTS: dict[str, dict[Fraction, Fraction]] = {
    **{name: {_F0: _F0} for name in ("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh")},
    **{name: {_F0: _F1} for name in ("cos", "cosh", "exp")},
    "ln": {_F1: _F0},
    "log": {_F1: _F0},
}


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        if base < 0:
            raise NotExact("root of a negative number")
        if exponent.denominator > 64:
            raise NotExact("power")
        base = _exact_root(base, exponent.denominator)
        exponent = Fraction(exponent.numerator)
    if base == 0:
        if exponent < 0:
            raise Undefined("division by zero")
        return Fraction(1 if exponent == 0 else 0)
    if base in (1, -1):
        return Fraction(1) if base == 1 or exponent % 2 == 0 else Fraction(-1)
    if abs(exponent) * (base.numerator.bit_length() + base.denominator.bit_length()) > limits.BITS:
        raise NotExact("bits")
    return base ** int(exponent)


def _exact_root(value: Fraction, order: int) -> Fraction:
    negative = value < 0
    if negative and order % 2 == 0:
        raise NotExact("root of a negative number")
    top, bottom = _whole_root(abs(value.numerator), order), _whole_root(value.denominator, order)
    return Fraction(-top if negative else top, bottom)


def _whole_root(value: int, order: int) -> int:
    if value < 2:
        return value
    if order == 2:
        root = math.isqrt(value)
    else:
        low, high = 1, 1 << (value.bit_length() // order + 1)
        while low < high:
            middle = (low + high + 1) // 2
            if middle**order <= value:
                low = middle
            else:
                high = middle - 1
        root = low
    if root**order != value:
        raise NotExact("irrational")
    return root


def _exact_log(value: Fraction, base: Fraction) -> Fraction:
    if value <= 0 or base <= 0 or base == 1:
        raise Undefined("logarithm")
    for power in range(-64, 65):
        if abs(power) * (base.numerator.bit_length() + base.denominator.bit_length()) < limits.BITS and base**power == value:
            return Fraction(power)
    raise NotExact("irrational")


def _exact_sum(tree: Call, values: Mapping[str, Fraction] | None, depth: int) -> Fraction:
    body, name, low, high = tree.arguments
    if high == Name("oo") and tree.operation == "sum":
        return _exact_geometric(tree, values, depth)
    start, end = exact(low, values, depth + 1), exact(high, values, depth + 1)
    if not isinstance(name, Name) or start.denominator != 1 or end.denominator != 1 or not _is_short(body, end - start, limits.STEPS):
        raise NotExact("sum")
    total = Fraction(0 if tree.operation == "sum" else 1)
    for index in range(int(start), int(end) + 1):
        term = exact(body, {**(values or {}), name.name: Fraction(index)}, depth + 1)
        total = total + term if tree.operation == "sum" else total * term
        if total.numerator.bit_length() + total.denominator.bit_length() > limits.BITS:
            raise NotExact("bits")
    return total


def _exact_geometric(tree: Call, values: Mapping[str, Fraction] | None, depth: int) -> Fraction:
    """An endless sum whose first eight terms have one ratio, smaller than 1."""
    body, name, low, _ = tree.arguments
    start = exact(low, values, depth + 1)
    if not isinstance(name, Name) or start.denominator != 1 or _holds(body, BINDERS):
        raise NotExact("sum")
    terms = [exact(body, {**(values or {}), name.name: start + step}, depth + 1) for step in range(8)]
    if not terms[0]:
        raise NotExact("sum")
    ratio = terms[1] / terms[0]
    if abs(ratio) >= 1 or any(following != term * ratio for term, following in pairwise(terms)):
        raise NotExact("sum")
    return terms[0] / (1 - ratio)


def _is_short(body: Tree, steps: Any, limit: int) -> bool:
    """So few and so small terms that they may be added up; no sum within a sum."""
    return bool((steps + 1) * size_of(body) <= limit) and not _holds(body, BINDERS)


def _exact_integral(tree: Call, values: Mapping[str, Fraction] | None, depth: int) -> Fraction:
    """Of a polynomial in the variable of integration, between bounds."""
    if len(tree.arguments) != 4 or values:
        raise NotExact("integral")
    body, name, low, high = tree.arguments
    if not isinstance(name, Name):
        raise NotExact("integral")
    bounds = [exact(bound, None, depth + 1) for bound in (low, high)]
    total = Fraction(0)
    for monomial, factor in polynomial(body).items():
        powers = dict(monomial)
        power = powers.pop(name.name, 0) + 1
        if powers or power * max(bound.numerator.bit_length() + bound.denominator.bit_length() for bound in bounds) > limits.BITS:
            raise NotExact("integral")
        total += factor * (bounds[1] ** power - bounds[0] ** power) / power
    return total


# --- floating point ------------------------------------------------------------------------------


def numeric(tree: Tree, context: Any, values: Mapping[str, Any] | None = None, *, decimal_log: bool = True) -> Any:
    """The value of a tree as a number of ``context``, an ``mpmath.MPContext`` with its precision set; complex where it must be.

    ``decimal_log``: ``log`` without a base means base 10, else e. Raises Undefined, NotExact."""
    try:
        return _numeric(tree, context, values or {}, decimal_log, 0)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise Undefined(str(error)) from None


def _numeric(tree: Tree, context: Any, values: Mapping[str, Any], decimal_log: bool, depth: int) -> Any:
    if isinstance(tree, Number):
        return context.mpf(tree.value.numerator) / tree.value.denominator
    if isinstance(tree, Name):
        if tree.name in values:
            return values[tree.name]
        if tree.name == "pi":
            return +context.pi
        if tree.name == "e":
            return +context.e
        if tree.name == "i":
            return context.mpc(0, 1)
        raise NotExact(tree.name)
    if depth > limits.DEPTH:
        raise NotExact("depth")
    operation = tree.operation
    if operation in ("sum", "product"):
        return _numeric_sum(tree, context, values, decimal_log, depth)
    if operation == "integral" and len(tree.arguments) == 4 and not _holds(tree.arguments[0], PIECEWISE):
        return _numeric_integral(tree, context, values, decimal_log, depth)
    if operation in _NEVER_EXACT or operation in ("gcd", "lcm", "integral"):
        try:
            value = exact(tree)
        except NotExact:
            raise NotExact(operation) from None
        return context.mpf(value.numerator) / value.denominator
    arguments = [_numeric(argument, context, values, decimal_log, depth + 1) for argument in tree.arguments]
    result = _numeric_operation(operation, arguments, context, decimal_log)
    if not context.isfinite(result):
        raise Undefined("not finite")
    if abs(context.mag(result)) > limits.EXPONENT and result != 0:
        raise Undefined("too large")
    return result


def _numeric_operation(operation: str, arguments: list[Any], context: Any, decimal_log: bool) -> Any:
    first = arguments[0]
    if operation == "+":
        return first + arguments[1]
    if operation == "*":
        return first * arguments[1]
    if operation == "neg":
        return -first
    if operation == "/":
        if arguments[1] == 0:
            raise Undefined("division by zero")
        return first / arguments[1]
    if operation == "^":
        return _numeric_power(first, arguments[1], context)
    if operation == "sqrt":
        return context.sqrt(first)
    if operation in ("cbrt", "root"):
        order = 3 if operation == "cbrt" else arguments[1]
        if _is_real(first, context) and context.re(first) < 0 and context.isint(order) and int(order) % 2:
            return -context.root(-context.re(first), int(order))
        if context.isint(order) and 0 < order <= 1000:
            return context.root(first, int(order))
        return _numeric_power(first, 1 / context.mpf(order), context)
    if operation == "deg":
        return first * context.pi / 180
    if operation == "%":
        return first / 100
    if operation == "abs":
        return abs(first)
    if operation in ("factorial", "binom"):
        if any(abs(argument) > 10_000 for argument in arguments):
            raise Undefined("too large")
        return context.factorial(first) if operation == "factorial" else context.binomial(*arguments)
    if operation in ("exp", "sinh", "cosh", "tanh") and context.mag(first) > 24:
        raise Undefined("too large")
    if operation in ("sin", "cos", "tan", "cot", "sec", "csc") and context.mag(first) > 4096:
        raise Undefined("too large")
    if operation in ("ln", "log"):
        if first == 0:
            raise Undefined("logarithm of zero")
        if len(arguments) == 2:
            return context.ln(first) / context.ln(arguments[1])
        return context.log10(first) if operation == "log" and decimal_log else context.ln(first)
    if operation in ("max", "min", "floor", "ceil", "sign"):
        if not all(_is_real(argument, context) for argument in arguments):
            raise Undefined("order of complex numbers")
        real = [context.re(argument) for argument in arguments]
        if operation in ("max", "min"):
            return max(real) if operation == "max" else min(real)
        return getattr(context, operation)(real[0])
    if operation in _CONTEXT_FUNCTIONS:
        return getattr(context, operation)(first)
    raise NotExact(operation)


_CONTEXT_FUNCTIONS_NAMES = "sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh asinh acosh atanh exp"
_CONTEXT_FUNCTIONS = frozenset(_CONTEXT_FUNCTIONS_NAMES.split())


def _is_real(value: Any, context: Any) -> bool:
    return bool(context.im(value) == 0)


def _numeric_power(base: Any, exponent: Any, context: Any) -> Any:
    if base == 0:
        if context.re(exponent) < 0:
            raise Undefined("division by zero")
        return context.mpf(1 if exponent == 0 else 0)
    order = abs(exponent) * max(abs(context.mag(base)), 1)
    if order > limits.EXPONENT:
        raise Undefined("too large")
    return context.power(base, exponent)


def _numeric_sum(tree: Call, context: Any, values: Mapping[str, Any], decimal_log: bool, depth: int) -> Any:
    body, name, low, high = tree.arguments
    start, end = (_numeric(limit, context, values, decimal_log, depth + 1) for limit in (low, high))
    whole = context.isint(start) and context.isint(end)
    if not isinstance(name, Name) or not whole or not _is_short(body, end - start, limits.STEPS // 10):
        raise NotExact("sum")
    total = context.mpf(0 if tree.operation == "sum" else 1)
    for index in range(int(start), int(end) + 1):
        term = _numeric(body, context, {**values, name.name: context.mpf(index)}, decimal_log, depth + 1)
        total = total + term if tree.operation == "sum" else total * term
    return total


def _numeric_integral(tree: Call, context: Any, values: Mapping[str, Any], decimal_log: bool, depth: int) -> Any:
    body, name, low, high = tree.arguments
    if not isinstance(name, Name) or depth > 4:
        raise NotExact("integral")
    bounds = [_numeric(bound, context, values, decimal_log, depth + 1) for bound in (low, high)]
    result, error = context.quad(lambda at: _numeric(body, context, {**values, name.name: at}, decimal_log, depth + 1), bounds, error=True)
    if error > abs(result) * context.mpf(10) ** (-context.dps // 2):
        raise NotExact("integral")
    return result


def _holds(tree: Tree, operations: frozenset[str]) -> bool:
    """Is any of these operations in the tree?"""
    return isinstance(tree, Call) and (tree.operation in operations or any(_holds(argument, operations) for argument in tree.arguments))


_PIECEWISE_NAMES = "abs max min floor ceil sign gcd lcm factorial binom sum product integral limit"
PIECEWISE = frozenset(_PIECEWISE_NAMES.split())

# --- polynomials ---------------------------------------------------------------------------------

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]


def polynomial(tree: Tree, depth: int = 0) -> Polynomial:
    """The tree expanded: monomial (names with exponents, sorted) -> coefficient, no zeros. Raises NotExact for anything else."""
    if isinstance(tree, Number):
        return {(): tree.value} if tree.value else {}
    if isinstance(tree, Name):
        if tree.name in ("pi", "e", "i", "oo"):
            raise NotExact(tree.name)
        return {((tree.name, 1),): Fraction(1)}
    if depth > limits.DEPTH:
        raise NotExact("depth")
    operation, arguments = tree.operation, tree.arguments
    if operation == "+":
        return _added(polynomial(arguments[0], depth + 1), polynomial(arguments[1], depth + 1))
    if operation == "neg":
        return {monomial: -factor for monomial, factor in polynomial(arguments[0], depth + 1).items()}
    if operation == "*":
        return _multiplied(polynomial(arguments[0], depth + 1), polynomial(arguments[1], depth + 1))
    if operation == "/":
        below = polynomial(arguments[1], depth + 1)
        if not below:
            raise Undefined("division by zero")
        if set(below) != {()}:
            raise NotExact("fraction")
        return {monomial: factor / below[()] for monomial, factor in polynomial(arguments[0], depth + 1).items()}
    if operation == "^" and isinstance(arguments[1], Number) and arguments[1].value.denominator == 1 and 0 <= arguments[1].value <= 64:
        base = polynomial(arguments[0], depth + 1)
        result: Polynomial = {(): Fraction(1)}
        for _ in range(int(arguments[1].value)):
            result = _multiplied(result, base)
        return result
    value = exact(tree)
    return {(): value} if value else {}


def _added(one: Polynomial, other: Polynomial) -> Polynomial:
    total = dict(one)
    for monomial, factor in other.items():
        value = total.get(monomial, Fraction(0)) + factor
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    return total


def _multiplied(one: Polynomial, other: Polynomial) -> Polynomial:
    if len(one) * len(other) > limits.TERMS * 8:
        raise NotExact("terms")
    total: Polynomial = {}
    for first, factor in one.items():
        for second, other_factor in other.items():
            powers = dict(first)
            for name, power in second:
                powers[name] = powers.get(name, 0) + power
            monomial = tuple(sorted(powers.items()))
            value = total.get(monomial, Fraction(0)) + factor * other_factor
            if value.numerator.bit_length() + value.denominator.bit_length() > limits.BITS:
                raise NotExact("bits")
            total[monomial] = value
    if len(total) > limits.TERMS:
        raise NotExact("terms")
    return {monomial: factor for monomial, factor in total.items() if factor}


def degree(expanded: Polynomial) -> int:
    """Total degree; 0 for the zero polynomial."""
    return max((sum(power for _, power in monomial) for monomial in expanded), default=0)


# --- derivatives ---------------------------------------------------------------------------------


def derivative(tree: Tree, name: str, depth: int = 0) -> Tree:
    """The derivative by a variable, not simplified. Raises NotExact where no rule is known."""
    if name not in names_of(tree):
        return ZERO
    if isinstance(tree, Name):
        return ONE
    if depth > limits.DEPTH or isinstance(tree, Number):
        raise NotExact("depth")
    operation, arguments = tree.operation, tree.arguments
    first = arguments[0]
    if operation == "integral":
        if len(arguments) == 2 and arguments[1] == Name(name):
            return first
        raise NotExact(operation)
    inner = derivative(first, name, depth + 1)
    if operation == "+":
        return _plus(inner, derivative(arguments[1], name, depth + 1))
    if operation == "neg":
        return Call("neg", (inner,))
    if operation == "*":
        return _plus(_times(inner, arguments[1]), _times(first, derivative(arguments[1], name, depth + 1)))
    if operation == "/":
        second = arguments[1]
        outer = derivative(second, name, depth + 1)
        above = _plus(_times(inner, second), Call("neg", (_times(first, outer),)))
        return Call("/", (above, Call("^", (second, TWO))))
    if operation == "^":
        exponent = arguments[1]
        if name not in names_of(exponent):
            lower = Call("+", (exponent, Number(Fraction(-1))))
            return _times(_times(exponent, Call("^", (first, lower))), inner)
        growth = _times(derivative(exponent, name, depth + 1), Call("ln", (first,)))
        return _times(tree, _plus(growth, Call("/", (_times(exponent, inner), first))))
    rule = _RULES.get(operation)
    if rule is None or (operation == "log" and len(arguments) != 1):
        raise NotExact(operation)
    return _times(rule(first), inner)


def _plus(one: Tree, other: Tree) -> Tree:
    return other if one == ZERO else one if other == ZERO else Call("+", (one, other))


def _times(one: Tree, other: Tree) -> Tree:
    if ZERO in (one, other):
        return ZERO
    return other if one == ONE else one if other == ONE else Call("*", (one, other))


def _over(above: Tree, below: Tree) -> Tree:
    return Call("/", (above, below))


def _square(tree: Tree) -> Tree:
    return Call("^", (tree, TWO))


def _minus(one: Tree, other: Tree) -> Tree:
    return Call("+", (one, Call("neg", (other,))))


_RULES: dict[str, Any] = {
    "sin": lambda u: Call("cos", (u,)),
    "cos": lambda u: Call("neg", (Call("sin", (u,)),)),
    "tan": lambda u: _over(ONE, _square(Call("cos", (u,)))),
    "cot": lambda u: Call("neg", (_over(ONE, _square(Call("sin", (u,)))),)),
    "sec": lambda u: _over(Call("sin", (u,)), _square(Call("cos", (u,)))),
    "csc": lambda u: Call("neg", (_over(Call("cos", (u,)), _square(Call("sin", (u,)))),)),
    "asin": lambda u: _over(ONE, Call("sqrt", (_minus(ONE, _square(u)),))),
    "acos": lambda u: Call("neg", (_over(ONE, Call("sqrt", (_minus(ONE, _square(u)),))),)),
    "atan": lambda u: _over(ONE, _plus(ONE, _square(u))),
    "sinh": lambda u: Call("cosh", (u,)),
    "cosh": lambda u: Call("sinh", (u,)),
    "tanh": lambda u: _over(ONE, _square(Call("cosh", (u,)))),
    "asinh": lambda u: _over(ONE, Call("sqrt", (_plus(_square(u), ONE),))),
    "acosh": lambda u: _over(ONE, Call("sqrt", (_minus(_square(u), ONE),))),
    "atanh": lambda u: _over(ONE, _minus(ONE, _square(u))),
    "exp": lambda u: Call("exp", (u,)),
    "ln": lambda u: _over(ONE, u),
    "sqrt": lambda u: _over(ONE, Call("*", (TWO, Call("sqrt", (u,))))),
    "cbrt": lambda u: _over(ONE, Call("*", (Number(Fraction(3)), _square(Call("cbrt", (u,)))))),
    "abs": lambda u: _over(u, Call("abs", (u,))),
}
