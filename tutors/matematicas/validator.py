"""Every equality must be true and the result the expected one (hub-math); a step, a check and an exercise are asked for in warnings."""

import re

from adapters_hub import Attempt, HubError, ValidatorSpec, Verdict, hookimpl

PARTS = {"no_steps": r"^Paso 1\b", "no_check": r"^Comprobación\b", "no_exercise": r"^Te toca\b"}
"""What system.md asks of every answer that computes something, and the warning when it is missing."""


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
        missing = tuple(code for code, part in PARTS.items() if not re.search(part, attempt.answer, re.MULTILINE))
        return replace(verdict, warnings=(*verdict.warnings, *missing))


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("matematicas", "equalities and results (hub-math), and the parts of an answer", Mathematics)]
