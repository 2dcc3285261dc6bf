"""Who may answer a question: a tutor, the base alone, or with ``auto`` whichever trained tutor the question is for.

Knows the workspace and the router; knows neither engines nor how anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from gettext import gettext as _

from adapters_hub import store
from adapters_hub.chatting import BARE
from adapters_hub.cli._house import House
from adapters_hub.errors import HubError, NotFoundError
from adapters_hub.router import Router
from adapters_hub.types import ChatSettings, DatasetSettings, Recipe, Tutor, ValidatorSettings
from adapters_hub.workspace import tutor_names


def tutor_called(house: House, name: str | None) -> Tutor:
    """The tutor of that name, the default one for None; ``base`` is the base on its own."""
    return base_alone(house) if name == BARE else house.load_tutor(name)


def base_alone(house: House) -> Tutor:
    """The base as if it were a tutor: no system prompt, no adapter, no validator."""
    return Tutor(
        name=BARE,
        folder=house.workspace.folder / BARE,  # no such folder: what lies in it would be a tutor's
        title=_("the base without a tutor"),
        description="",
        language="es",
        locale="es_ES",
        system_prompt="",
        base=house.load_base(),
        dataset=DatasetSettings(),
        validator=ValidatorSettings(use=()),
        recipe=Recipe(),
        chat=ChatSettings(),
    )


@dataclass(frozen=True)
class Staff:
    """The trained tutors of a workspace, and who sends each question to one of them."""

    router: Router
    tutors: Mapping[str, Tutor]
    untrained: tuple[str, ...]
    """Names of those that are left out because they have no run."""
    problems: tuple[str, ...]
    """Why a tutor is left out, or takes part with less than its rows; for people."""


def staff_of(house: House) -> Staff:
    """The trained tutors; raises NotFoundError when there is none."""
    trained: dict[str, Tutor] = {}
    untrained, problems = [], []
    for name in tutor_names(house.workspace):
        try:
            tutor = house.load_tutor(name)
            if store.chosen_run(tutor.folder) is None:
                untrained.append(name)
            else:
                trained[tutor.name] = tutor
        except HubError as error:  # one broken tutor is no reason to do without the others
            problems.append(_("auto leaves out {name}: {problem}").format(name=name, problem=error.message))
    if not trained:
        first = untrained[0] if untrained else "NAME"
        raise NotFoundError(_("no tutor has been trained yet"), hint=f"hub train {first}", details=problems)
    router = Router.of(list(trained.values()), house.plugins)
    for name, problem in router.problems.items():
        problems.append(_("auto knows {name} by its description only: {problem}").format(name=name, problem=problem))
    return Staff(router, trained, tuple(untrained), tuple(problems))
