"""The validator ``math``: every equality of an answer must be true, and its result the expected one.

Here are its options and how it is called; ``judge`` holds the rules, ``worker`` the process they run in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl
from adapters_hub.errors import HubError, UsageError

__all__ = ["MathValidator", "Options", "hub_validators", "make"]


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    """The validator ``math``."""
    return [ValidatorSpec("math", "every equality must be true, and the result the expected one", make)]


@dataclass(frozen=True)
class Options:
    """Keys of ``[validator.options]`` or ``[validator.options.math]``."""

    equalities: Literal["strict", "report"] = "strict"
    """strict: one false equality makes an answer incorrect. report: where the result can be compared it decides alone, and a false
    equality is a warning."""
    seconds: float = 2.0
    """Time for one verdict, at most 10."""
    locale: str = ""
    """How the numbers of answers are written, e.g. ``es_AR``; empty: the tutor's."""


def make(options: Mapping[str, Any]) -> MathValidator:
    """A validator with these options. Keys of other validators are let pass, but not a near miss of one of its own.

    Raises UsageError."""
    known = [field.name for field in fields(Options)]
    for key in options:
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.75) if key not in known else []
        if near:
            raise UsageError(f"validator 'math' has no option '{key}'", hint=f"did you mean '{near[0]}'?")
    chosen = Options(**{key: options[key] for key in known if key in options})
    hint = "see [validator.options] in tutor.toml"
    if chosen.equalities not in ("strict", "report"):
        raise UsageError(f"validator 'math': equalities must be 'strict' or 'report', not {chosen.equalities!r}", hint=hint)
    if isinstance(chosen.seconds, bool) or not isinstance(chosen.seconds, (int, float)) or not 0 < chosen.seconds <= 10:
        raise UsageError(f"validator 'math': seconds must be a number above 0 and up to 10, not {chosen.seconds!r}", hint=hint)
    if not isinstance(chosen.locale, str) or (chosen.locale and not _LOCALE.fullmatch(chosen.locale)):
        raise UsageError(f"validator 'math': locale must be like 'es_MX', not {chosen.locale!r}", hint=hint)
    return MathValidator(chosen)


_LOCALE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,4}){0,2}")


@dataclass(frozen=True)
class MathValidator:
    """Judges the mathematics of an answer. Holds no state, so any number of threads may call it."""

    options: Options = Options()

    def judge(self, attempt: Attempt) -> Verdict:
        """The verdict. Never raises: what cannot be judged in time or at all is ``unverified``."""
        try:
            return self._judge(attempt)
        except Exception as error:  # the answer is untrusted, and a fault of ours must not be taken for one of its author
            cause = error.message if isinstance(error, HubError) else f"{type(error).__name__}: {error}"
            reason = "La respuesta no se pudo comprobar: el validador falló."
            return Verdict("unverified", 0.0, "crash", reason, evidence=" ".join(cause.split())[:300])

    def _judge(self, attempt: Attempt) -> Verdict:
        from hub_math.judge import NOTHING, case_of

        case = case_of(attempt, locale=self.options.locale, equalities=self.options.equalities)
        if not case.references and not _HAS_MATHEMATICS.search(case.answer):  # no child is started for plain words
            return Verdict("unverified", 0.0, NOTHING, "No hay cuentas que comprobar.", evidence="parsed")
        from hub_math.worker import judge_in_worker

        return judge_in_worker(case, self.options.seconds)


_HAS_MATHEMATICS = re.compile(r"[=≈≠≤≥<>]|\\(?:approx|neq|leq|geq|boxed)|[0-9]")
