"""Looks at the way to the Hub: is it reachable, who is logged in with which rights, how do files travel.

Sends the token only where it belongs. Asks with the standard library: the Hub's own client takes half a second to import.
"""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapters_hub import __version__
from adapters_hub.diagnosis.case import Case, Found
from adapters_hub.errors import printable

ENDPOINT = "https://huggingface.co"
SECONDS = 3.0
"""How long the Hub may take to answer, name lookup included."""
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Answer:
    """What came back from the Hub."""

    status: int
    """HTTP status; 0 when nothing came."""
    problem: str = ""
    document: Any = None


def hub(case: Case) -> Iterator[Found]:
    """Endpoint, token and transfer."""
    endpoint = (case.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    token, source = find_token(case.environ)
    place = _without_password(endpoint)
    if case.offline and not case.online:
        yield "Hub", "ok", _("not asked: HF_HUB_OFFLINE is set"), ""
    elif case.online is False:
        yield "Hub", "ok", _("not asked"), ""
    else:
        safe = endpoint.startswith("https://") or urllib.parse.urlsplit(endpoint).hostname in LOCAL
        yield from _asked(place, ask(f"{endpoint}/api/whoami-v2", token if safe else ""), token if safe else "", source)
        if token and not safe:
            yield "token", "warning", _("not sent: {place} is not encrypted").format(place=place), _("export HF_ENDPOINT with https://")
    if not token:
        yield "token", "ok", _("none: open models need none"), ""
    xet = find_spec("hf_xet") is not None
    disabled = case.environ.get("HF_HUB_DISABLE_XET", "").upper() in ("1", "ON", "YES", "TRUE")
    yield "Xet", "ok", _("off (HF_HUB_DISABLE_XET)") if disabled else _("on") if xet else _("off: hf_xet is not installed"), ""


def _asked(place: str, answer: Answer, token: str, source: str) -> Iterator[Found]:
    if answer.status == 0:
        text = _("{place} cannot be reached: {problem}").format(place=place, problem=answer.problem)
        yield "Hub", "warning", text, _("what is downloaded works offline: export HF_HUB_OFFLINE=1")
        return
    if answer.status >= 500 or answer.status in (403, 407, 429):
        yield "Hub", "warning", _("{place} answers with HTTP {status}").format(place=place, status=answer.status), _("try again later")
        return
    yield "Hub", "ok", _("{place} answers").format(place=place), ""
    if not token:
        return
    if answer.status == 401:
        remedy = _("unset {source}, or hf auth login").format(source=source) if source.isupper() else "hf auth login"
        yield "token", "warning", _("the token of {source} is not valid").format(source=source), remedy
    elif answer.status == 200 and isinstance(answer.document, Mapping):
        name = printable(str(answer.document.get("name", "?")))[:60]
        yield "token", "ok", _("{name}, {role} (from {source})").format(name=name, role=_role(answer.document), source=source), ""


def _role(document: Mapping[str, Any]) -> str:
    try:
        role = str(document["auth"]["accessToken"]["role"])
    except (KeyError, TypeError):
        return _("role unknown")
    words = {"read": _("may read"), "write": _("may read and publish"), "fineGrained": _("fine-grained rights")}
    return words.get(role, printable(role)[:40])


def find_token(environ: Mapping[str, str]) -> tuple[str, str]:
    """The token that the Hub's client would send, and where it comes from; empty texts for none. Never to be shown."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if environ.get(name, "").strip():
            return environ[name].strip(), name
    home = environ.get("HF_HOME") or os.path.join(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    file = Path(os.path.expanduser(environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")))
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return "", ""
    return token, _("the file of hf auth login") if token else ""


def ask(address: str, token: str, seconds: float = SECONDS) -> Answer:
    """One question, with an end to the waiting: also a lookup of the name that hangs is left behind."""
    kept: list[Answer] = []
    thread = threading.Thread(target=lambda: kept.append(_asked_once(address, token, seconds)), daemon=True)
    thread.start()
    thread.join(seconds)
    return kept[0] if kept else Answer(0, _("no answer within {seconds:.0f} s").format(seconds=seconds))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: following it would carry the token elsewhere."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        return None


def _asked_once(address: str, token: str, seconds: float) -> Answer:
    headers = {"User-Agent": f"adapters_hub/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as response:
            return Answer(response.status, document=json.loads(response.read(1 << 20)))
    except urllib.error.HTTPError as error:
        error.close()
        return Answer(error.code)
    except ValueError as error:  # no address, or an answer that is no JSON: some other server
        return Answer(0, type(error).__name__)
    except Exception as error:  # whatever a network, a proxy or a TLS library comes up with means "not reachable"
        return Answer(0, printable(str(getattr(error, "reason", error)))[:120] or type(error).__name__)


def _without_password(address: str) -> str:
    import re

    return printable(re.sub(r"//[^/@\s]*@", "//***@", address))
