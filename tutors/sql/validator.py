"""Queries judged by running them on the base they are about (hub-sql); the closing exercise that system.md asks for is a warning."""

import re

from adapters_hub import Attempt, HubError, ValidatorSpec, Verdict, hookimpl

SCHOOL, MUSIC = "data/escuela.sql", "data/chinook.sqlite"
CLOSING = re.compile(r"^Prueba tú: .+\S\s*$", re.MULTILINE)


class Queries:
    """Judges with hub-sql on Chinook where the learner speaks of it, else on the school, and notes when the closing exercise is missing."""

    def __init__(self, options: dict[str, object]) -> None:
        try:
            from hub_sql import make
        except ImportError as error:
            hint = "install it: pip install ./plugins/hub-sql; or take 'consultas' out of [validator] use in tutor.toml"
            raise HubError("the tutor 'sql' needs the plugin hub-sql, which is not installed", hint=hint) from error
        self.school, self.music = (make({"db": db, **options}) for db in (SCHOOL, MUSIC))

    def judge(self, attempt: Attempt) -> Verdict:
        from dataclasses import replace

        asked = "\n".join(message.content for message in attempt.messages if message.role == "user").casefold()
        verdict = (self.music if "chinook" in asked else self.school).judge(attempt)
        if CLOSING.search(attempt.answer):
            return verdict
        return replace(verdict, warnings=(*verdict.warnings, "no_closing_exercise"))


@hookimpl
def hub_validators() -> list[ValidatorSpec]:
    return [ValidatorSpec("consultas", "queries on the school or on Chinook (hub-sql), and the closing exercise", Queries)]
