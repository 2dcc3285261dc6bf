"""What on this machine and in this workspace works, what does not, and what to type next: one examination after the other.

Imports no framework unless a full examination is asked for. Changes nothing, and knows nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from gettext import gettext as _
from types import MappingProxyType

from adapters_hub.diagnosis import holdings, machine, reach, surroundings
from adapters_hub.diagnosis.case import Case, Examination, Line

SECTIONS: Mapping[str, Examination] = MappingProxyType(
    {
        "program": machine.program,
        "machine": machine.machine,
        "graphics": machine.graphics,
        "base": holdings.base,
        "bases": holdings.bases,
        "sandbox": holdings.sandbox,
        "plugins": holdings.plugins,
        "hub": reach.hub,
        "terminal": surroundings.terminal,
        "settings": surroundings.settings,
        "conversations": holdings.conversations,
        "workspace": holdings.workspace,
    }
)
"""Every examination by its section, in the order of the report."""


def examine(case: Case, sections: Mapping[str, Examination] = SECTIONS, *, strict: bool = False) -> Iterator[Line]:
    """All findings. An examination that fails is itself a finding; with ``strict`` its exception is raised after it."""
    for section, look in sections.items():
        try:
            for name, level, text, hint in look(case):
                yield Line(section, name, level, text, hint)
        except Exception as error:  # a doctor who faints is of no use: whatever fails is a finding
            yield Line(section, section, "problem", f"{type(error).__name__}: {error}", _("this is a bug: hub doctor --debug"))
            if strict:
                raise
