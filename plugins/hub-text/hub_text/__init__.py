"""The validator ``text``: faults of form that make an answer useless in every subject, and warnings about how it teaches.

It can say "wrong", never "right": an answer that passes is ``unverified`` with code ``form_ok``. Warnings decide nothing. Its sister
``terms`` (``hub_text.terms``) can say "right", never "wrong". Both know nothing of the subject. Every check takes time proportional to the
text, or looks at a bounded part of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adapters_hub import Attempt, ValidatorSpec, Verdict, hookimpl
from adapters_hub.contracts import Validator
from adapters_hub.errors import UsageError
from adapters_hub.languages import LANGUAGES, prose


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    """The validators ``text`` and ``terms``."""
    what = "faults of form: empty, leaked tokens, runaway dialogue, repetition, language, length; warnings about how it teaches"
    return [ValidatorSpec("text", what, make), ValidatorSpec("terms", 'the words of "expected": {"terms": [...]} are said', make_terms)]


@dataclass(frozen=True)
class Options:
    """Keys of ``[validator.options]`` or ``[validator.options.text]``."""

    language: str = ""
    """ISO 639-1 code the answer has to be in; empty: the tutor's."""
    min_words: int = 0
    """Fewest words of an answer, code included; 0: a bare number is an answer."""
    max_words: int = 600
    """Most words of an answer, code included."""
    max_repeats: int = 4
    """So often may the same four words in a row appear before it counts as going round in circles."""
    budget_words: int = 0
    """More words of prose than this are a warning; 0: no budget."""


def make(options: Mapping[str, Any]) -> TextValidator:
    """A validator with these options. Keys of other validators are let pass, but not a near miss of one of its own.

    Raises UsageError."""
    known = {field.name: field for field in fields(Options)}
    for key, value in options.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.8)
            if near:
                raise UsageError(f"validator 'text' has no option '{key}'", hint=f"did you mean '{near[0]}'?")
        elif key == "language":
            if not isinstance(value, str) or (value and value not in LANGUAGES):
                raise UsageError(f"validator 'text': language {value!r} is unknown", hint=f"there is {', '.join(LANGUAGES)}")
        elif type(value) is not int or value < 0:
            hint = "see [validator.options] in tutor.toml"
            raise UsageError(f"validator 'text': {key} must be a whole number of 0 or more, not {value!r}", hint=hint)
    chosen = Options(**{key: options[key] for key in known if key in options})
    if chosen.max_words < max(chosen.min_words, 1):
        raise UsageError("validator 'text': max_words is below min_words", hint="correct [validator.options] in tutor.toml")
    return TextValidator(chosen)


def make_terms(options: Mapping[str, Any]) -> Validator:
    """The validator ``terms``, which has no options."""
    from hub_text.terms import TermsValidator  # not needed to be listed among the plugins

    return TermsValidator()


@dataclass(frozen=True)
class TextValidator:
    """Looks at the form of an answer. Holds no state, so any number of threads may call it."""

    options: Options = Options()

    def judge(self, attempt: Attempt) -> Verdict:
        """The first fault that is found, gravest first; else warnings at the most."""
        from hub_text.form import fault_of  # not needed to be listed among the plugins
        from hub_text.teaching import warnings_of

        options, spoken = self.options, prose(attempt.answer)
        language = options.language or attempt.language
        fault = fault_of(
            attempt.answer,
            spoken,
            language=language,
            min_words=options.min_words,
            max_words=options.max_words,
            max_repeats=options.max_repeats,
        )
        if fault is not None:
            return fault
        warnings = warnings_of(attempt, spoken, language, options.budget_words)
        reason = "La forma es correcta; el contenido no se ha comprobado."
        return Verdict("unverified", 1.0, "form_ok", reason, evidence="parsed", warnings=warnings)
