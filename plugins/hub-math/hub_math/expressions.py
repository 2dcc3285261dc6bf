"""Tokens to a tree, by precedence climbing: the operations of school mathematics and nothing else.

Where people disagree on precedence (``1/2x``, ``sen x/2``, ``8^1/3``) the tree is marked as doubtful, or a second one follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from hub_math import limits
from hub_math.evaluation import derivative
from hub_math.limits import NotExact, Unreadable
from hub_math.notation import FUNCTIONS, MANY_ARGUMENTS, OVER, TWO_ARGUMENTS
from hub_math.tokens import Token
from hub_math.values import CONSTANTS, Call, Name, Number, Tree, depth_of, names_of, size_of

COMPOSITE = frozenset(("tuple", "list", "set", "()", "[]", "(]", "[)", "union", "cut", "minus", "empty", "reals", "matrix", "matrices"))
"""Operations that make no number."""
UNKNOWN_FUNCTIONS = frozenset("fghFGH")
_DIVIDING = ("/", "÷", ":")
_END = Token("end", "", True, 0, 0)


def parse(tokens: tuple[Token, ...]) -> Iterator[tuple[Tree, bool]]:
    """Trees of a whole token sequence, and whether each is only a doubtful reading. Raises Unreadable."""
    parser = _Parser(tokens)
    tree = parser.whole()
    yield tree, parser.doubt
    if parser.slash_before_product:
        tight = _Parser(tokens, tight=True)
        yield tight.whole(), True
    if parser.fraction_divides:
        flat = _Parser(tokens, flat=True)
        yield flat.whole(), True


def is_composite(tree: Tree) -> bool:
    """A set, interval, tuple or matrix: no number."""
    return isinstance(tree, Call) and tree.operation in (COMPOSITE | {"±", "matrices"})


class _Parser:
    """Precedence climbing over tokens. ``loose`` counts the places where people disagree on precedence."""

    def __init__(self, tokens: tuple[Token, ...], tight: bool = False, flat: bool = False) -> None:
        self.tokens, self.tight, self.flat = tokens, tight, flat
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.doubt = False
        self.slash_before_product = False
        self.fraction_divides = False

    def whole(self) -> Tree:
        tree = self.expression(0)
        if self.peek().kind != "end":
            raise Unreadable("something is left")
        if size_of(tree) > limits.NODES or depth_of(tree) > limits.DEPTH:
            raise Unreadable("too large")
        return tree

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, kind: str, value: str) -> bool:
        token = self.peek()
        if token.kind == kind and token.value == value:
            self.at += 1
            return True
        return False

    def expression(self, binding: int) -> Tree:
        """An expression whose operators bind at least as tightly as ``binding``."""
        self.depth += 1
        if self.depth > limits.NESTING:
            raise Unreadable("nesting")
        left = self.factor()
        while True:
            token = self.peek()
            operator = str(token.value) if token.kind == "op" else ""
            if operator in ("∪", "∩", "\\"):
                if binding > 2:
                    break
                self.at += 1
                left = make({"∪": "union", "∩": "cut", "\\": "minus"}[operator], left, self.expression(3))
            elif operator in ("+", "-", "±", "∓"):
                if binding > 10:
                    break
                self.at += 1
                right = self.expression(11)
                left = make(operator, left, right)
            elif operator in _DIVIDING or operator == "*":
                if binding > 20:
                    break
                self.at += 1
                wide = operator in ("÷", ":") or (token.spaced and self.peek().spaced)
                if operator != "*" and self.tight:
                    right = self.product()
                else:
                    right = self.expression(21)
                    if operator != "*" and wide and self._in_fraction():
                        self.fraction_divides = True
                        if not self.flat:
                            self.at += 1
                            right = make("/", right, self.expression(21))
                    if operator != "*" and self._continues() and self.peek().kind != "word":
                        self.slash_before_product = self.slash_before_product or not self.peek().spaced
                left = make("/" if operator in _DIVIDING else operator, left, right)
            elif operator == "⊞":
                self.at += 1
                right = self.factor()
                if isinstance(left, Call) and left.operation == "neg":
                    left = make("neg", make("+", left.arguments[0], right))
                else:
                    left = make("-" if isinstance(left, Number) and left.value < 0 else "+", left, right)
            elif self._continues():
                if binding > 20:
                    break
                left = make("*", left, self.expression(21))
            elif token.kind == "word" and str(token.value).lower() == "de" and isinstance(left, Call) and left.operation == "%":
                if binding > 20:
                    break
                self.at += 1
                left = make("*", left, self.expression(21))
            else:
                break
        self.depth -= 1
        return left

    def _in_fraction(self) -> bool:
        """A number was taken that is the top of a fraction written without spaces: ``2/5`` in ``3/4 ÷ 2/5``."""
        if self.at + 1 >= len(self.tokens) or self.tokens[self.at - 1].kind != "num":
            return False
        slash, bottom = self.tokens[self.at : self.at + 2]
        return slash.kind == "op" and slash.value == "/" and not slash.spaced and bottom.kind == "num" and not bottom.spaced

    def product(self) -> Tree:
        """Factors side by side, as one divisor: ``2x`` of ``1/2x``."""
        left = self.expression(21)
        while self._continues() and not self.peek().spaced:
            left = make("*", left, self.expression(21))
        return left

    def _continues(self) -> bool:
        """The next token multiplies without a sign."""
        token = self.peek()
        if token.kind in ("name", "func"):
            return True
        if token.kind == "num":
            return self.at > 0 and self.tokens[self.at - 1].value == "!"
        if token.kind == "open":
            return token.value in tuple("([⌊⌈")
        if token.kind == "op":
            return token.value in ("√", "∛", "∜") or (token.value == "|" and not self.bars)
        return False

    def factor(self) -> Tree:
        """A sign and a power."""
        self.depth += 1
        if self.depth > limits.NESTING:
            raise Unreadable("nesting")
        negative = False
        while self.peek().kind == "op" and self.peek().value in ("+", "-"):
            negative ^= self.take().value == "-"
        if self.accept("op", "±") or self.accept("op", "∓"):
            tree: Tree = make("±", Number(Fraction(0)), self.expression(11))
        else:
            tree = self.power()
        self.depth -= 1
        return make("neg", tree) if negative else tree

    def power(self) -> Tree:
        start = self.at
        base = self.postfix(self.primary())
        if not self.accept("op", "^"):
            return base
        if self.tokens[start].kind == "op" and self.tokens[start].value in ("√", "∛", "∜"):
            raise Unreadable("power after a root sign")
        exponent_at = self.peek()
        exponent = self.factor()
        following = self.peek()
        if exponent_at.kind == "num" and not following.spaced and exponent_at.end == following.start:
            number_base = isinstance(base, Number) or base == Name("e")
            if (
                following.kind == "op"
                and following.value in _DIVIDING
                and self.at + 1 < len(self.tokens)
                and self.tokens[self.at + 1].kind == "num"
            ):
                self.doubt = self.doubt or number_base or exponent == Number(Fraction(1))  # 8^2/3, x^1/2
            elif following.kind in ("name", "func") and number_base:
                self.doubt = True  # e^2x
        return self.postfix(make("^", base, exponent))

    def postfix(self, tree: Tree) -> Tree:
        while self.peek().kind == "op":
            sign = self.peek().value
            if sign == "!":
                if self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].value == "!":
                    raise Unreadable("double factorial")
                tree = make("factorial", tree)
            elif sign == "%":
                tree = make("%", tree)
            elif sign == "°":
                tree = make("deg", tree)
            elif sign == "'":
                tree = _derived(tree, "")
            else:
                break
            self.at += 1
        return tree

    def primary(self) -> Tree:
        token = self.take()
        if token.kind == "num":
            assert isinstance(token.value, Number)
            return self.mixed(token.value)
        if token.kind == "frac":
            assert isinstance(token.value, Fraction)
            return make("/", Number(Fraction(token.value.numerator)), Number(Fraction(token.value.denominator)))
        if token.kind == "name":
            return self.name(token)
        if token.kind == "func":
            return self.over(str(token.value)) if token.value in OVER else self.function(str(token.value))
        if token.kind == "open":
            return self.bracket(str(token.value))
        if token.kind == "op":
            if token.value in ("√", "∛", "∜"):
                start = self.at
                inner = self.postfix(self.primary())
                if self.at - start == 1 and self._continues() and not self.peek().spaced and self.peek().kind == "name":
                    self.doubt = True  # √2x
                return make({"√": "sqrt", "∛": "cbrt"}.get(str(token.value), "root4"), inner)
            if token.value == "|":
                self.bars += 1
                inner = self.expression(0)
                if not self.accept("op", "|"):
                    raise Unreadable("bar")
                self.bars -= 1
                return make("abs", inner)
            if token.value == "∅":
                return Call("empty", ())
        raise Unreadable("operand expected")

    def mixed(self, number: Number) -> Tree:
        """``2 1/2`` and ``2½``; else the number."""
        following = self.peek()
        if number.decimals is None and number.value > 0:
            if following.kind == "frac" and isinstance(following.value, Fraction):
                self.at += 1
                return Number(number.value + following.value)
            if following.kind == "num" and following.spaced and self.at + 2 < len(self.tokens):
                top, slash, bottom = self.tokens[self.at : self.at + 3]
                if slash.kind == "op" and slash.value == "/" and isinstance(top.value, Number) and isinstance(bottom.value, Number):
                    proper = top.value.decimals is None and bottom.value.decimals is None and 0 < top.value.value < bottom.value.value
                    behind = self.tokens[self.at + 3] if self.at + 3 < len(self.tokens) else _END
                    if proper and not (behind.kind == "op" and behind.value in ("^", "!", "/")):
                        self.at += 3
                        return Number(number.value + top.value.value / bottom.value.value)
        if following.kind in ("num", "frac"):
            raise Unreadable("two numbers side by side")
        return number

    def name(self, token: Token) -> Tree:
        name = str(token.value)
        if name == "ℝ":
            return Call("reals", ())
        following = self.peek()
        if name == "d" and following.kind == "name" and not following.spaced:
            raise Unreadable("differential")
        if following.kind == "open" and following.value == "(" and not following.spaced and name not in CONSTANTS:
            head = name.rstrip("'").split("_")[0]
            if head in UNKNOWN_FUNCTIONS or name.endswith("'") or ((head.isupper() or head in "pqy") and self._plain_argument()):
                self.at += 1
                arguments = self.arguments()
                return make("apply", Name(name), *arguments)
        return Name(name)

    def _plain_argument(self) -> bool:
        """The bracket holds one name or number, or a list of them."""
        index = self.at + 1
        while index < len(self.tokens) and self.tokens[index].kind in ("name", "num", "sep"):
            index += 1
        return index > self.at + 1 and index < len(self.tokens) and self.tokens[index].kind == "close"

    def arguments(self) -> list[Tree]:
        """What stands between brackets, the opening one taken."""
        found = [self.expression(0)]
        while self.peek().kind == "sep" and self.peek().value in (",", ";"):
            self.at += 1
            found.append(self.expression(0))
            if len(found) > limits.MEMBERS:
                raise Unreadable("too many members")
        if self.take().kind != "close":
            raise Unreadable("bracket")
        return found

    def over(self, function: str) -> Tree:
        """``sumof(k; 1; n) body``, ``intof(0; 1) body dx``, ``limof(x; 0) body``, ``derivof(x) body``: what the LaTeX reader writes."""
        if self.take().value != "(":
            raise Unreadable("bracket")
        bounds: list[Tree] = []
        if self.peek().kind == "close":
            self.at += 1
        else:
            bounds = self.arguments()
        if function == "intof":
            return self.integral(bounds)
        body = self.expression(11)
        if not bounds or not isinstance(bounds[0], Name) or len(bounds) != {"limof": 2, "derivof": 1}.get(function, 3):
            raise Unreadable("bounds")
        if function == "derivof":
            return _derived(body, bounds[0].name)
        return make(OVER[function], body, *bounds)

    def integral(self, bounds: list[Tree]) -> Tree:
        """Everything up to ``dx`` is integrated."""
        depth = 0
        for index in range(self.at, len(self.tokens) - 1):
            token, following = self.tokens[index], self.tokens[index + 1]
            depth += (token.kind == "open") - (token.kind == "close")
            if depth < 0 or (token.kind in ("rel", "sep") and not depth):
                break
            if token.kind == "name" and token.value == "d" and following.kind == "name" and not depth:
                inner = _Parser(self.tokens[self.at : index])
                inner.depth = self.depth + 1
                body = inner.whole() if index > self.at else Number(Fraction(1))
                self.doubt = self.doubt or inner.doubt
                self.at = index + 2
                if len(bounds) not in (0, 2):
                    raise Unreadable("bounds")
                return make("integral", body, Name(str(following.value)), *bounds)
        raise Unreadable("integral without differential")

    def function(self, function: str) -> Tree:
        base = self.logarithm_base() if function == "log" else None
        power = self.factor() if self.accept("op", "^") else None
        following = self.peek()
        if following.kind == "open" and (following.value == "(" or (following.value == "{" and function in MANY_ARGUMENTS)):
            self.at += 1
            arguments = self.arguments()
        elif function in MANY_ARGUMENTS or function in TWO_ARGUMENTS:
            raise Unreadable("arguments expected")
        else:
            arguments = [self.argument()]
        if base is not None:
            arguments.append(base)
        allowed = (2,) if function in TWO_ARGUMENTS else (1, 2) if function == "log" else (1,)  # log(8, 2): argument, base
        if len(arguments) not in allowed and function not in MANY_ARGUMENTS:
            raise Unreadable("number of arguments")
        if power in (Number(Fraction(-1)), Call("neg", (Number(Fraction(1)),))):
            if f"a{function}" not in FUNCTIONS.values():
                raise Unreadable("inverse of that function")
            return make(f"a{function}", *arguments)
        tree = make(function, *arguments)
        return tree if power is None else make("^", tree, power)

    def logarithm_base(self) -> Tree | None:
        """The base of ``log_2 8`` and ``log2(8)``, None where none is written."""
        token = self.peek()
        if token.kind == "op" and token.value == "_":
            self.at += 1
            if isinstance(self.peek().value, Number):
                number = self.take().value
                return number if isinstance(number, Number) else None
            return self.primary()
        behind = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else _END
        if isinstance(token.value, Number) and not token.spaced and token.value.value in (2, 10) and behind.value == "(":
            self.at += 1
            return token.value
        return None

    def argument(self) -> Tree:
        """The argument of a function without brackets: factors side by side, up to the next sign or function."""
        start = self.at
        self.depth += 1
        if self.depth > limits.NESTING:
            raise Unreadable("nesting")
        negative = False
        while self.peek().kind == "op" and self.peek().value in ("+", "-"):
            negative ^= self.take().value == "-"
        tree = self.power()
        while self._continues() and self.peek().kind != "func" and self.peek().kind != "open":
            tree = make("*", tree, self.power())
        following = self.peek()
        if following.kind == "op" and following.value in ("*", *_DIVIDING) and not following.spaced:
            behind = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else _END
            if not (self.at - start == 1 and following.value == "*") and behind.kind != "func":
                self.doubt = True  # sen x/2
        if following.kind == "open":
            self.doubt = True
        self.depth -= 1
        return make("neg", tree) if negative else tree

    def bracket(self, opened: str) -> Tree:
        if self.peek().kind == "close" and opened == "{":
            self.at += 1
            return Call("empty", ())
        bars, self.bars = self.bars, 0
        found = [self.expression(0)]
        separators = set()
        while self.peek().kind == "sep" and self.peek().value in (",", ";", "y"):
            separators.add(self.take().value)
            found.append(self.expression(0))
            if len(found) > limits.MEMBERS:
                raise Unreadable("too many members")
        if self.peek().kind != "close":
            raise Unreadable("bracket")
        closed = str(self.take().value)
        self.bars = bars
        if opened in "⌊⌈" or closed in "⌋⌉":
            if len(found) != 1:
                raise Unreadable("bracket")
            return make("floor" if closed == "⌋" else "ceil", found[0])
        if opened == "{":
            return Call("set", tuple(found))
        if "y" in separators:
            raise Unreadable("bracket")
        if opened == "(" and closed == ")":
            return found[0] if len(found) == 1 else Call("tuple", tuple(found))
        if opened == "[" and closed == "]":
            if any(isinstance(row, Call) and row.operation == "list" for row in found):
                rows = [row for row in found if isinstance(row, Call) and row.operation == "list"]
                if len(rows) != len(found) or len({len(row.arguments) for row in rows}) != 1:
                    raise Unreadable("matrix")
                return Call("matrix", tuple(rows))
            if len(found) == 1 and (isinstance(found[0], Call) and found[0].operation in COMPOSITE):
                raise Unreadable("bracket")
            return Call("list", tuple(found))
        if len(found) != 2:
            raise Unreadable("interval")
        return Call(("[" if opened == "[" else "(") + ("]" if closed == "]" else ")"), tuple(found))


def make(operation: str, *arguments: Tree) -> Tree:
    """A node, with signs of numbers and powers of ten folded in. Raises Unreadable for arithmetic with sets and intervals."""
    arguments = tuple(
        argument.arguments[0] if isinstance(argument, Call) and argument.operation == "list" and len(argument.arguments) == 1 else argument
        for argument in arguments
    )
    if operation in ("union", "cut", "minus"):
        return Call(operation, arguments)
    if any(isinstance(argument, Call) and argument.operation in COMPOSITE for argument in arguments):
        if operation in ("-", "+") and arguments[0] == Call("reals", ()):
            return Call("minus", arguments)
        if operation == "apply":
            return Call(operation, arguments)
        if operation == "det" and isinstance(arguments[0], Call) and arguments[0].operation == "matrix":
            return _determinant([row.arguments for row in arguments[0].arguments if isinstance(row, Call)])
        if operation == "*" and all(isinstance(argument, Call) and argument.operation in ("matrix", "matrices") for argument in arguments):
            return Call("matrices", arguments)
        raise Unreadable("arithmetic with a composite")
    if operation in ("+", "-") and _is_share(arguments[0]) != _is_share(arguments[1]):
        raise Unreadable("a percentage added to a number")  # 100 - 10 %: of what?
    if operation == "det":
        raise Unreadable("determinant of a number")
    if operation == "-":
        return Call("+", (arguments[0], make("neg", arguments[1])))
    first = arguments[0]
    if operation == "neg" and isinstance(first, Number):
        return replace(first, value=-first.value)
    if operation == "root4":
        return Call("root", (first, Number(Fraction(4))))
    if operation == "*" and isinstance(first, Number) and first.decimals is not None:
        power = _power_of_ten(arguments[1])
        if power is not None:
            return Number(first.value * Fraction(10) ** power, first.decimals - power, first.digits)
    if operation == "∓":
        operation = "±"
    return Call(operation, arguments)


def _determinant(rows: list[tuple[Tree, ...]]) -> Tree:
    """Expanded along the first row. Raises Unreadable where it is not square, or larger than 4 by 4."""
    if len(rows) > 4 or any(len(row) != len(rows) for row in rows):
        raise Unreadable("determinant")
    if len(rows) == 1:
        return rows[0][0]
    total: Tree = Number(Fraction(0))
    for column, cell in enumerate(rows[0]):
        minor = make("*", cell, _determinant([row[:column] + row[column + 1 :] for row in rows[1:]]))
        total = make("-" if column % 2 else "+", total, minor)
    return total


def _is_share(tree: Tree) -> bool:
    """A percentage, or a sum of such."""
    return isinstance(tree, Call) and (tree.operation == "%" or (tree.operation in ("+", "neg") and _is_share(tree.arguments[0])))


def _derived(tree: Tree, name: str) -> Tree:
    """The derivative, worked out; by the only variable where none is named. Raises Unreadable."""
    names = sorted(names_of(tree))
    if not name and len(names) != 1:
        raise Unreadable("derivative by what")
    try:
        return derivative(tree, name or names[0])
    except NotExact:
        raise Unreadable("derivative") from None


def _power_of_ten(tree: Tree) -> int | None:
    if isinstance(tree, Call) and tree.operation == "^" and tree.arguments[0] == Number(Fraction(10)):
        power = tree.arguments[1]
        if isinstance(power, Number) and power.value.denominator == 1 and abs(power.value) <= 300:
            return int(power.value)
    return None
