"""What a failure of the Hugging Face Hub's client means, in words: what was being done, why it failed, what to type next.

Tells the client's many kinds of errors apart in one place. Never shows a token. Knows no commands.
"""

from __future__ import annotations

import os
import re
from typing import Any

from adapters_hub.errors import HubError, NetworkError, NotFoundError, ResourceError, RightsError, UsageError, from_os_error

TOKEN_HINT = "log in with: hf auth login (or set HF_TOKEN)"


def in_words(error: BaseException, doing: str, endpoint: str) -> HubError:
    """What a failure of the client means and what to type next; ``doing`` completes "cannot ..."."""
    from huggingface_hub import errors

    if isinstance(error, ValueError) and "Invalid metadata in README.md" in str(error):
        lines = [line.strip(" -") for line in str(error).splitlines()[1:] if line.strip()]
        return UsageError(f"cannot {doing}: the Hub refuses the card's metadata", hint="correct the head of README.md", details=lines)
    cause = _deepest_known(error)
    if isinstance(cause, HubError):
        return cause
    if isinstance(cause, errors.LocalTokenNotFoundError):
        return RightsError("nobody is logged in", hint=TOKEN_HINT)
    if isinstance(cause, errors.GatedRepoError):
        return gated(doing.rpartition(" ")[2], endpoint)
    if isinstance(cause, errors.RevisionNotFoundError):
        return NotFoundError(f"cannot {doing}: there is no such revision", hint="see the branches and tags on the repository's page")
    if isinstance(cause, errors.RepositoryNotFoundError):
        return NotFoundError(f"cannot {doing}: there is no such repository, or this token may not see it", hint=TOKEN_HINT)
    if isinstance(cause, errors.EntryNotFoundError) and not isinstance(cause, errors.LocalEntryNotFoundError):
        return NotFoundError(f"cannot {doing}: there is no such file")
    if isinstance(cause, errors.OfflineModeIsEnabled) or offline():
        return NetworkError(f"cannot {doing}: HF_HUB_OFFLINE forbids asking the network", hint="unset HF_HUB_OFFLINE")
    if isinstance(cause, errors.HfHubHTTPError):
        return _by_status(cause, doing, endpoint)
    if isinstance(cause, errors.HFValidationError):
        return UsageError(f"cannot {doing}: that cannot be the name of a repository", hint="a repository reads USER/NAME")
    if isinstance(cause, OSError) and cause.errno:
        return from_os_error(cause, doing)
    if isinstance(cause, OSError) and "Consistency check failed" in str(cause):
        return NetworkError(f"cannot {doing}: the connection ended early", hint="repeat the command")
    if isinstance(cause, (MemoryError,)):
        return ResourceError(f"cannot {doing}: out of memory")
    if isinstance(cause, (OSError, RuntimeError)) or _of_http(cause):
        return NetworkError(
            f"cannot {doing}: {endpoint} does not answer ({_why(cause)})", hint="check the network (HF_ENDPOINT names the server)"
        )
    return HubError(f"cannot {doing}: {type(cause).__name__}: {_first_line(cause)}", hint="--debug shows the traceback")


def _deepest_known(error: BaseException) -> BaseException:
    """The failure that says most: the client wraps errors of uploads and downloads in others."""
    from huggingface_hub import errors

    known = (HubError, errors.HfHubHTTPError, errors.LocalTokenNotFoundError, errors.OfflineModeIsEnabled)
    seen, found, link = set(), error, error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, known) or _of_http(link):
            return link
        link = link.__cause__ or link.__context__  # type: ignore[assignment]
    return found


def _why(cause: BaseException) -> str:
    kind = type(cause).__name__
    if kind.endswith("Timeout"):
        return "not within the time that it has"
    return {"ConnectError": "no connection", "ReadError": "it broke off", "WriteError": "it broke off"}.get(kind, kind)


def _of_http(error: BaseException) -> bool:
    return any(kind.__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2") for kind in type(error).__mro__)


def gated(id: str, endpoint: str) -> RightsError:
    return RightsError(
        f"{id} is gated: its owner asks you to accept terms first", hint=f"ask for access at {endpoint}/{id}, then: hf auth login"
    )


def _by_status(error: Any, doing: str, endpoint: str) -> HubError:
    response = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or 0)
    said = str(getattr(error, "server_message", "") or "").strip()
    request = str(getattr(error, "request_id", "") or "")
    tail = (f": {_first_line(said)}" if said else "") + (f" (request {request})" if request and status >= 500 else "")
    if status == 401:
        source = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the file of hf auth login"
        return RightsError(f"cannot {doing}: the token from {source} is not valid{tail}", hint=TOKEN_HINT)
    if status == 403:
        return RightsError(
            f"cannot {doing}{tail or ': not allowed'}", hint="a token with the role 'write' for that namespace is needed: hf auth login"
        )
    if status == 404:
        return NotFoundError(f"cannot {doing}: not found{tail}", hint=TOKEN_HINT)
    if status == 409:
        return HubError(f"cannot {doing}: it exists already{tail}")
    if status == 412:
        return HubError(f"cannot {doing}: somebody else has committed meanwhile", hint="repeat the command: it starts from the new state")
    if status == 429:
        return NetworkError(f"cannot {doing}: too many requests", hint=f"wait {_wait(response)} and repeat the command")
    if 400 <= status < 500:
        return UsageError(f"cannot {doing}: HTTP {status}{tail}")
    return NetworkError(f"cannot {doing}: {endpoint} answers with an error (HTTP {status}){tail}", hint="try again in a few minutes")


def _wait(response: Any) -> str:
    headers = getattr(response, "headers", {}) or {}
    found = re.search(r"\bt=(\d+)", str(headers.get("RateLimit", ""))) or re.fullmatch(r"(\d+)", str(headers.get("Retry-After", "")))
    return f"{found[1]} s" if found else "a few minutes"


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [""])[0]


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids asking the network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)
