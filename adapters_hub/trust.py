"""Which ``validator.py`` may run: it is code, and code in a tutor folder may come from anybody.

The rule has two halves. A file inside your workspace that belongs to your user is your own code, like any script in
your project: it runs. Any other file (a tutor folder from elsewhere, another user's workspace, a link that leads out) runs
once you said yes to exactly these bytes; the answer is kept as their SHA-256 in your state folder, so an edited file asks again.
Knows nothing of plugins and of what the code does. It guards against surprises, not against code you chose to run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from adapters_hub.errors import RightsError, from_os_error
from adapters_hub.workspace import shown, write_json

Ask = Callable[[str], bool]
"""Puts a yes-no question to the user; False where nobody can answer."""


def read_trusted(file: Path, own_folder: Path | None, ask: Ask, *, environ: Mapping[str, str] = os.environ) -> bytes:
    """The bytes of ``file``, once they may be run; what is returned is what was checked.

    ``own_folder``: the workspace's folder of tutors. Raises RightsError when the answer is no."""
    try:
        code = file.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"read {shown(file)}") from error
    if own_folder is not None and is_own(file, own_folder):
        return code
    digest = hashlib.sha256(code).hexdigest()
    if digest in _accepted(environ):
        return code
    if not ask(f"{file} is code from outside your workspace, or of another user, and would run on this machine. Run it?"):
        raise RightsError(
            f"{file} was not run: it is code from outside your workspace, or of another user, that nobody accepted yet",
            hint="read it, then repeat the command with --yes (or HUB_YES=1)",
        )
    _accept(digest, file, environ)
    return code


def is_own(file: Path, own_folder: Path) -> bool:
    """Whether ``file``, links followed, lies inside ``own_folder`` and both belong to the current user."""
    real, home = file.resolve(), own_folder.resolve()
    if home not in real.parents:
        return False
    if os.name == "nt":  # no owner to compare: the location decides
        return True
    return real.stat().st_uid == os.geteuid() and home.stat().st_uid == os.geteuid()


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's answers are kept: ``HUB_HOME``, else the system's usual folder for state."""
    if environ.get("HUB_HOME"):
        return Path(os.path.expanduser(environ["HUB_HOME"]))
    import platformdirs

    return Path(platformdirs.user_state_dir("adapters-hub", appauthor=False))


def _accepted(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """SHA-256 -> what was accepted; a file that cannot be read accepts nothing, so the question comes again."""
    try:
        document = json.loads((state_folder(environ) / "trusted.json").read_text(encoding="utf-8"))
        return dict(document["accepted"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _accept(digest: str, file: Path, environ: Mapping[str, str]) -> None:
    when = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    accepted = {**_accepted(environ), digest: {"path": str(file), "when": when}}
    write_json(state_folder(environ) / "trusted.json", {"schema": 1, "accepted": accepted})
