"""``auto`` in the chat: each question finds its tutor; where the router cannot tell, the person does.

Knows the router and how to ask; knows neither engine nor conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _

from adapters_hub.cli._house import House
from adapters_hub.cli._screen import Screen
from adapters_hub.cli._speakers import staff_of
from adapters_hub.router import Route

MOST_CHOICES = 9


@dataclass(frozen=True)
class Chosen:
    """Who answers a question."""

    tutor: str
    why: str


class Auto:
    """Routes questions among the trained tutors of the workspace."""

    def __init__(self, house: House, screen: Screen) -> None:
        """Raises NotFoundError when no tutor has been trained."""
        staff = staff_of(house)
        for problem in staff.problems:
            screen.note(problem)
        if staff.untrained:
            names = ", ".join(staff.untrained)
            screen.note(_("auto leaves out {names}: not trained yet (hub train {name})").format(names=names, name=staff.untrained[0]))
        self._screen, self._router, self.tutors = screen, staff.router, staff.tutors

    def choose(self, question: str, present: str | None, ask: Callable[[str], str] | None) -> Chosen | None:
        """Who answers; ``present`` has the word. None: nobody knew, and the person named none or could not be asked."""
        route = self._router.route(question, present)
        if route.tutor is not None:
            return Chosen(route.tutor, route.why)
        names = [name for name, _share in route.candidates if name in self.tutors][:MOST_CHOICES] or list(self.tutors)
        if ask is None:
            self._screen.note(
                _("{why} The question is skipped: name its tutor with /tutor NAME ({names})").format(why=route.why, names=", ".join(names))
            )
            return None
        return self._ask(route, names, present, ask)

    def _ask(self, route: Route, names: list[str], present: str | None, ask: Callable[[str], str]) -> Chosen | None:
        self._screen.note(_("{why} Who should answer?").format(why=route.why))
        width = max(map(len, names))
        for number, name in enumerate(names, start=1):
            self._screen.line(f"  {number}  {name.ljust(width)}  {self.tutors[name].title}")
        default = present if present in names else None
        prompt = _("number (Enter: {name})> ").format(name=default) if default else _("number (Enter: nobody)> ")
        while True:
            try:
                said = ask(prompt).lower()
            except (EOFError, KeyboardInterrupt):
                return None
            if not said:
                return Chosen(default, _("as before")) if default else None
            if said.isdecimal() and 1 <= int(said) <= len(names):
                return Chosen(names[int(said) - 1], _("you said so"))
            if said in self.tutors:
                return Chosen(said, _("you said so"))
            self._screen.note(_("a number from 1 to {most}, or a name").format(most=len(names)))
