"""Plain sums that stand alone ("12 · 5 = 60") must be true. Everything else it cannot tell."""

import re
from fractions import Fraction

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl

NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
CLAIM = re.compile(rf"(?:^|: ){NUMBER} ?([+\-−·*/×]) ?{NUMBER} = (-?){NUMBER}(?=[.,;]?(?:$|\n| [a-záéíóúñ]{{2}}))", re.MULTILINE)
"""Two numbers, one operation, one result, at the start of a line or after a colon: no longer expression can be cut in half."""


class Sums:
    def judge(self, attempt: Attempt) -> Verdict:
        claims = list(CLAIM.finditer(attempt.answer))
        for claim in claims:
            if not is_true(claim):
                return Verdict(
                    "incorrect",
                    code="wrong_sum",
                    reason=f"Esta cuenta no es correcta: {claim[0].lstrip(': ')}.",
                    hint=f"Revisa la cuenta «{claim[0].lstrip(': ')}» y corrige los pasos que dependen de ella.",
                    extracted=claim[0],
                    span=claim.span(),
                    evidence="computed",
                )
        if claims:
            return Verdict("unverified", score=1.0, code="sums_ok", evidence="computed")
        return Verdict("unverified", code="no_sums")


def is_true(claim: re.Match[str]) -> bool:
    """Whether the result is right, to as many decimals as it shows."""
    left, operation, right, sign, result = claim.groups()
    a, b, shown = Fraction(left), Fraction(right), Fraction(f"{sign}{result}")
    if operation == "/":
        if b == 0:
            return False
        exact = a / b
    else:
        exact = a + b if operation == "+" else a - b if operation in "-−" else a * b
    decimals = len(result.partition(".")[2])
    return abs(exact - shown) <= (Fraction(1, 2 * 10**decimals) if decimals else 0)


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("matematicas", "plain sums must be true", lambda options: Sums())]
