"""Every Python block of an answer must be valid Python. Reads it, never runs it; whether it is *right* it cannot tell."""

import ast
import re

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl

BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LONGEST = 5000
"""Characters of a block that are read: deeper nesting than fits in here could exhaust the parser."""


class PythonSyntax:
    def judge(self, attempt: Attempt) -> Verdict:
        blocks = [block for block in BLOCK.finditer(attempt.answer) if len(block[1]) <= LONGEST]
        for block in blocks:
            try:
                ast.parse(block[1])
            except (SyntaxError, ValueError) as error:
                return Verdict(
                    "incorrect",
                    code="python_syntax",
                    reason=f"El código Python no se puede leer: error en la línea {getattr(error, 'lineno', None) or 1} del bloque.",
                    hint="Corrige el código Python de tu respuesta y escríbelo completo.",
                    extracted=block[1],
                    span=block.span(1),
                    evidence="parsed",
                )
        if blocks:
            return Verdict("unverified", score=1.0, code="form_ok", evidence="parsed")
        return Verdict("unverified", code="no_code")


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("algoritmos", "Python blocks must be valid Python", lambda options: PythonSyntax())]
