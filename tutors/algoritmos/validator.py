"""The row's tests, examples and claims of every answer (hub-code); the closing question that system.md asks for is a warning."""

import re
from collections.abc import Mapping
from typing import Any

from adapters_hub import Attempt, HubError, ValidatorSpec, Verdict, hookimpl

CLOSING = re.compile(r"^Para pensar: ¿.+\?\s*$", re.MULTILINE)


class Algorithms:
    """Judges with hub-code and notes when the closing question is missing."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        try:
            from hub_code import make
        except ImportError as error:
            hint = "install it: pip install ./plugins/hub-code; or take 'algoritmos' out of [validator] use in tutor.toml"
            raise HubError("the tutor 'algoritmos' needs the plugin hub-code, which is not installed", hint=hint) from error
        self.inner = make(options)

    def judge(self, attempt: Attempt) -> Verdict:
        from dataclasses import replace

        verdict = self.inner.judge(attempt)
        if CLOSING.search(attempt.answer):
            return verdict
        return replace(verdict, warnings=(*verdict.warnings, "no_closing_question"))


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("algoritmos", "Python answers (hub-code), and the closing question", Algorithms)]
