"""The validator ``code``: reads the Python of an answer, runs it in a sandbox, and tests it from outside.

Correct is only what passes the row's tests; incorrect only what surely fails them, or contradicts itself. Importing this reads no
more than the options: whatever judges is loaded with the first answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl
from adapters_hub.errors import UsageError

__all__ = ["CodeValidator", "Options", "hub_validators", "make"]


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    """The validator ``code``."""
    return [
        ValidatorSpec("code", "Python answers: syntax, the promised function, the row's tests in a sandbox, claimed output and cost", make)
    ]


@dataclass(frozen=True)
class Options:
    """Keys of ``[validator.options]`` or ``[validator.options.code]``."""

    seconds: float = 2.0
    """Processor time that an answer's code may take for all its tests."""
    demos: bool = True
    """Run the answer's own examples and compare them with what it says they print."""
    complexity: bool = True
    """Measure the growth of a function whose cost the answer states."""
    unsafe_exec: bool = False
    """Run answers without a sandbox where there is none: only from the command line."""


def make(options: Mapping[str, Any]) -> CodeValidator:
    """A validator with these options. Keys of other validators are let pass, but not a near miss of one of its own.

    Raises UsageError."""
    known = [field.name for field in fields(Options)]
    for key, value in options.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8)
            if near:
                raise UsageError(f"validator 'code' has no option '{key}'", hint=f"did you mean '{near[0]}'?")
        elif key == "seconds":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.1 <= value <= 8:
                raise UsageError(f"validator 'code': seconds must be a number from 0.1 to 8, not {value!r}", hint="see [validator.options]")
        elif not isinstance(value, bool):
            raise UsageError(f"validator 'code': {key} must be true or false, not {value!r}", hint="see [validator.options] in tutor.toml")
    return CodeValidator(Options(**{key: options[key] for key in known if key in options}))


@dataclass(frozen=True)
class CodeValidator:
    """Judges Python answers. Holds no state, so any number of threads may call it."""

    options: Options = Options()

    def judge(self, attempt: Attempt) -> Verdict:
        """The verdict; never raises for what an answer, question or row holds."""
        from hub_code.judging import Settings, judge

        chosen = self.options
        return judge(attempt, Settings(float(chosen.seconds), chosen.demos, chosen.complexity, chosen.unsafe_exec))
