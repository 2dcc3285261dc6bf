"""Every equality must be true and the result the expected one (hub-math); a step, a check and an exercise are asked for in warnings."""

import re

from adapters_hub import Attempt, HubError, ValidatorSpec, Verdict, hookimpl

PARTS = {"no_steps": r"^Paso 1\b", "no_check": r"^Comprobación\b", "no_exercise": r"^Te toca\b"}
"""What system.md asks of every answer that computes something, and the warning when it is missing."""
FORM = re.compile(r"simplifi|simple|reduc|factor|mínima", re.IGNORECASE)
"""Questions whose result is a way of writing the same number or expression."""


class Mathematics:
    """Judges with hub-math and notes which part of the tutor's own form is missing."""

    def __init__(self, options: dict[str, object]) -> None:
        try:
            from hub_math import make
        except ImportError as error:
            hint = "install it: pip install ./plugins/hub-math; or take 'matematicas' out of [validator] use in tutor.toml"
            raise HubError("the tutor 'matematicas' needs the plugin hub-math, which is not installed", hint=hint) from error
        self.inner = make(options)

    def judge(self, attempt: Attempt) -> Verdict:
        from dataclasses import replace

        verdict = self.inner.judge(attempt)
        if verdict.code == "nothing_to_judge":
            return verdict
        if verdict.outcome == "correct" and unfinished(verdict.extracted, attempt):
            reason = "Vale lo mismo que el resultado, pero la cuenta no está hecha o no tiene la forma que se pide."
            verdict = replace(verdict, outcome="unverified", score=0.5, code="unfinished", reason=reason)
        missing = tuple(code for code, part in PARTS.items() if not re.search(part, attempt.answer, re.MULTILINE))
        return replace(verdict, warnings=(*verdict.warnings, *missing))


def unfinished(said: str, attempt: Attempt) -> bool:
    """The right value, but as the question gives it ("36 + 7", "10/45") or with more left to do than in the expected result."""
    expected = attempt.expected.get("answer", ()) if isinstance(attempt.expected, dict) else ()
    wanted = [expected] if isinstance(expected, str) else list(expected)
    if not wanted or not said or any(re.search(r"[,;]| [oy] ", one) for one in (*wanted, said)):
        return False
    result, *others = (plain(one.split("=")[-1]) for one in (said, *wanted))
    if any(sorted(result.replace("+", "")) == sorted(other.replace("+", "")) for other in others):
        return False
    work = [len(re.findall(r"[-+/^√]", one)) for one in (result, *others)]
    asked = " ".join(turn.content.split("\n")[-1] for turn in attempt.messages[-2:])  # the exercise may stand in the tutor's last line
    return work[0] > max(work[1:]) or (work[0] > 0 and (FORM.search(asked) is not None or result in plain(asked)))


def plain(text: str) -> str:
    """Without words, units, spaces, brackets and signs of multiplication."""
    return re.sub(r"\b[cdk]?m\^[23]|[^\W\d_]{2,}|[\s()$`*·×]", "", text.casefold()).strip(".")


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("matematicas", "equalities and results (hub-math), and the parts of an answer", Mathematics)]
