"""Static limits on what is read and computed, checked before any work that grows with them.

They keep the time of one comparison in the milliseconds whatever the text says; whoever calls from outside still needs a process
that can be killed, because symbolic simplification has no such bound. Knows nothing of mathematics or of text.
"""

from __future__ import annotations

TEXT = 4096
"""Characters of a text that is read at all."""
TOKENS = 800
"""Tokens of one text."""
NESTING = 48
"""Brackets, powers and signs within one another."""
NODES = 1024
"""Nodes of one tree."""
DEPTH = 160
"""Longest way from the root of a tree to a leaf."""
DIGITS = 400
"""Digits in a row in one number."""
BITS = 24_000
"""Bits of numerator and denominator together in exact arithmetic: 2^9999 and 1000! fit, 1000000! does not."""
FACTORIAL = 2_500
"""Greatest argument of an exact factorial or binomial coefficient."""
EXPONENT = 10**6
"""Greatest binary order of magnitude of a number in floating point: a tower of powers goes beyond."""
MEMBERS = 64
"""Members of a list, set or matrix."""
READINGS = 12
"""Readings of one text that are compared."""
TERMS = 120
"""Terms of an expanded polynomial."""
STEPS = 20_000
"""Terms of a finite sum or product that is added up, times the nodes of one term; a tenth of that in floating point."""
SYMBOLIC_NODES = 60
"""Nodes of a tree that may be handed to sympy."""


class Unreadable(Exception):
    """The text cannot be read under this grammar, or is over a limit. Never leaves the package."""


class Undefined(Exception):
    """The expression has no value here: division by zero, logarithm of zero, a tower of powers."""


class NotExact(Exception):
    """The value is not a rational number that can be computed within the limits."""
