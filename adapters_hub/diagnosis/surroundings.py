"""Looks at the terminal and at variables that explain surprises."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from gettext import gettext as _

from adapters_hub.diagnosis.case import Case, Found

VARIABLES = (
    *("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_DISABLE_XET"),
    *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"),
)
"""What changes where models come from and what runs them; nothing secret is among them."""
LEAST_CHARACTERS = "áñ¿✓✗→"


def terminal(case: Case) -> Iterator[Found]:
    """Whether it shows Spanish and our marks."""
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    size = shutil.get_terminal_size()
    facts = [encoding]
    if sys.stdout is not None and sys.stdout.isatty():
        facts.append(_("{columns} columns").format(columns=size.columns))
    facts.append(_("colours off (NO_COLOR)") if case.environ.get("NO_COLOR") else case.environ.get("TERM", ""))
    try:
        LEAST_CHARACTERS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        yield "terminal", "warning", ", ".join(filter(None, facts)), _("export PYTHONUTF8=1, or a UTF-8 locale")
        return
    yield "terminal", "ok", ", ".join(filter(None, facts)), ""


def settings(case: Case) -> Iterator[Found]:
    """Variables in force that explain surprises."""
    named = [name for name in VARIABLES if case.environ.get(name)]
    ours = sorted(name for name in case.environ if name.startswith("HUB_") and case.environ[name])
    for name in (*named, *ours):
        yield name, "ok", _harmless(name, case.environ[name]), ""
    if not named and not ours:
        yield "variables", "ok", _("none that matter are set"), ""


def _harmless(name: str, value: str) -> str:
    """A value that may be shown to whoever is asked for help: no secret, and no password within an address."""
    if any(word in name for word in ("TOKEN", "SECRET", "PASSWORD", "KEY")):
        return _("(set)")
    return re.sub(r"//[^/@\s]*@", "//***@", value)
