"""A Hub of one's own on this machine: answers what the real client asks for when it describes and downloads a model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c0ffee" * 6 + "c0ff"


@dataclass
class FakeHub:
    """Models by id, and every request that came in."""

    address: str = ""
    models: dict[str, Path] = field(default_factory=dict)
    """Id -> the folder whose files it serves."""
    gated: set[str] = field(default_factory=set)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    user: dict[str, Any] | None = None
    """What ``whoami`` answers to a valid token; None: every token is refused."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and ``Authorization`` of each request."""
    redirect: str = ""
    """Where every question about the user is sent on to."""


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Runs one on a free port until the block ends."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
            status, headers, body = answer(hub, self.path.partition("?")[0], self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Silence: the tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def answer(hub: FakeHub, path: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, as the protocol of the Hub has them."""
    if path == "/api/whoami-v2":
        if hub.redirect:
            return 302, {"Location": hub.redirect}, b""
        if not authorization or hub.user is None:
            return 401, {}, b"{}"
        return 200, {}, json.dumps(hub.user).encode()
    name = "/".join(path.removeprefix("/api/models").strip("/").split("/")[:2])
    if name not in hub.models:
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
    folder, rest = hub.models[name], path.partition(name)[2].strip("/")
    refused = (403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this model is restricted"}, b"{}")
    if path.startswith("/api/models/"):
        if rest.startswith("auth-check"):
            return refused if name in hub.gated else (200, {}, b"{}")
        if rest.startswith("revision/") and rest.removeprefix("revision/") not in ("main", COMMIT):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        if rest.startswith("tree/"):
            entries = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40} for file in sorted(folder.iterdir())
            ]
            return 200, {}, json.dumps(entries).encode()
        files = [{"rfilename": file.name, "size": file.stat().st_size, "blobId": "0" * 40} for file in sorted(folder.iterdir())]
        document = {"id": name, "sha": COMMIT, "private": False, "gated": "manual" if name in hub.gated else False, "tags": []}
        return 200, {}, json.dumps({**document, "siblings": files, "cardData": hub.cards.get(name, {})}).encode()
    if name in hub.gated:
        return refused
    file = folder / rest.split("/", 2)[2]
    if not file.is_file():
        return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b""
    content = file.read_bytes()
    return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}, content
