"""sympy as the last resort: limits. Imported only when it is needed.

Trees become sympy objects node by node; no text ever reaches sympy. It may take any time: whoever calls runs in a process that can
be killed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hub_math import limits
from hub_math.identity import UNKNOWN, Identity
from hub_math.limits import NotExact
from hub_math.values import Call, Name, Number, Tree, names_of, size_of


def simplified(one: Tree, other: Tree) -> Identity:
    """Does the difference of two trees simplify to zero? "different" only where both work out to rational numbers."""
    if size_of(one) + size_of(other) > limits.SYMBOLIC_NODES:
        return UNKNOWN
    import sympy  # type: ignore[import-untyped]

    try:
        left, right = (_worked_out(tree, sympy) for tree in (one, other))
        if left == right:
            return Identity("equal", "symbolic")
        if not names_of(one) and not names_of(other) and all(side.is_Rational or side in (sympy.oo, -sympy.oo) for side in (left, right)):
            return Identity("different", "symbolic")
        if left.is_finite is False or right.is_finite is False:
            return UNKNOWN
        return Identity("equal", "symbolic") if (left - right).equals(0) is True else UNKNOWN
    except NotExact:
        return UNKNOWN
    except (ArithmeticError, AttributeError, KeyError, NotImplementedError, RecursionError, TypeError, ValueError):
        return UNKNOWN  # sympy gives up in many ways


def _worked_out(tree: Tree, sympy: Any) -> Any:
    found = _to_sympy(tree, sympy).doit()
    if found.has(sympy.nan, sympy.zoo, sympy.Limit, sympy.Integral, sympy.AccumBounds):
        raise NotExact("sympy")
    return found


def _to_sympy(tree: Tree, sympy: Any) -> Any:
    if isinstance(tree, Number):
        return sympy.Rational(tree.value.numerator, tree.value.denominator)
    if isinstance(tree, Name):
        constant = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo}.get(tree.name)
        return sympy.Symbol(tree.name, real=True) if constant is None else constant
    operation = tree.operation
    if operation == "^" and _is_tower(tree):
        raise NotExact("tower")
    arguments = [_to_sympy(argument, sympy) for argument in tree.arguments]
    if operation == "limit":
        return sympy.Limit(arguments[0], arguments[1], arguments[2], "+-")
    build = _builders(sympy).get(operation)
    if build is None:
        raise NotExact(operation)
    return build(*arguments)


def _is_tower(tree: Call) -> bool:
    """A power whose exponent is a power or a large number."""
    exponent = tree.arguments[1]
    if isinstance(exponent, Number):
        return abs(exponent.value) > Fraction(limits.FACTORIAL)
    return isinstance(exponent, Call) and exponent.operation == "^" and not names_of(exponent)


_SAME_NAMES = "sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh asinh acosh atanh exp floor sign"


def _builders(sympy: Any) -> dict[str, Any]:
    """Operation -> what builds it in sympy, out of built arguments."""
    return {
        **{name: getattr(sympy, name) for name in _SAME_NAMES.split()},
        "+": lambda a, b: a + b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "^": lambda a, b: a**b,
        "neg": lambda a: -a,
        "sqrt": sympy.sqrt,
        "cbrt": lambda a: sympy.real_root(a, 3),
        "root": lambda a, n: a ** (sympy.Integer(1) / n),
        "ln": sympy.log,
        "log": lambda a, base=10: sympy.log(a, base),
        "abs": sympy.Abs,
        "factorial": _factorial(sympy),
        "ceil": sympy.ceiling,
        "deg": lambda a: a * sympy.pi / 180,
        "%": lambda a: a / 100,
    }


def _factorial(sympy: Any) -> Any:
    def build(argument: Any) -> Any:
        if argument.is_number and not (argument.is_Integer and 0 <= argument <= limits.FACTORIAL):
            raise NotExact("factorial")
        return sympy.factorial(argument)

    return build
