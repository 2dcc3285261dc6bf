"""A small server that keeps the rules of the Hugging Face Hub's protocol, so that the real client is what is tested.

Roles, private and gated repositories, refused cards, LFS before commit, parents and tags that clash: all as the Hub answers them, with
its headers. Faults are put in front of any request: an error status, a connection that drops before or after the work is done, a
download that is cut, a flipped byte, a delay. Knows nothing of adapters and tutors. Storage answers on another port, as on the Hub.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LFS_SUFFIXES = (".safetensors", ".bin", ".gguf", ".zip", ".pt", ".png", ".sqlite")
LICENSES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "llama3.2", "gemma", "other"}
REPOSITORY_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+|[\w.-]+")


@dataclass(frozen=True)
class Account:
    """Who a token belongs to."""

    name: str
    role: str = "write"
    """``read``, ``write`` or ``fineGrained`` (may write to the namespaces of ``may_write``)."""
    organizations: tuple[str, ...] = ()
    may_write: tuple[str, ...] = ()

    def writes(self, namespace: str) -> bool:
        if self.role == "fineGrained":
            return namespace in self.may_write
        return self.role == "write" and namespace in (self.name, *self.organizations)

    def reads(self, namespace: str) -> bool:
        return namespace in (self.name, *self.organizations)


@dataclass(frozen=True)
class Commit:
    """A state of a repository: path -> (bytes, held in LFS)."""

    sha: str
    files: dict[str, tuple[bytes, bool]]
    title: str
    parent: str
    when: str


@dataclass
class Repository:
    """One repository with its history, newest last."""

    id: str
    private: bool
    gated: Any = False
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        if revision in ("main", "HEAD"):
            return self.head
        sha = self.tags.get(revision, revision)
        return next((c for c in self.commits if c.sha == sha or (len(revision) >= 7 and c.sha.startswith(revision))), None)


@dataclass
class Fault:
    """What goes wrong with the requests that ``method`` and ``path`` (a regular expression) match, ``times`` times."""

    path: str
    kind: str
    """``status``, ``drop`` (before any work), ``lost`` (the work is done, the answer is not sent), ``cut`` (half the body, then a
    reset), ``short`` (half the body, then a clean end), ``stall`` (half the body, then nothing), ``flip`` (one byte of the body),
    ``delay``."""
    method: str = ""
    times: int = 1
    status: int = 500
    seconds: float = 120.0
    text: str = "injected fault"
    """What it says with ``status``."""


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    agent: str
    authorization: str

    @property
    def writes(self) -> bool:
        """It could change something: all but looks, preparations and checks."""
        return self.method in ("POST", "PUT", "DELETE") and not re.search(r"/preupload/|validate-yaml|paths-info", self.path)


class HubServer:
    """The server; ``url`` is what ``HF_ENDPOINT`` wants."""

    def __init__(self, *, xet_answers: int = 404) -> None:
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        """LFS storage: sha256 -> bytes."""
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.xet_answers = xet_answers
        self.redirect = ""
        """Where every question about the user is sent on to."""
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (_Api, _Storage)]
        for server in self._servers:
            server.hub = self  # type: ignore[attr-defined]
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._servers[0].server_address[1]}"
        self.storage = f"http://localhost:{self._servers[1].server_address[1]}"  # another host, as clients follow redirects within one

    def close(self) -> None:
        self.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    # --- what tests prepare and look at ---

    def account(self, token: str, name: str, role: str = "write", **more: Any) -> str:
        self.accounts[token] = Account(name, role, **more)
        return token

    def repository(self, id: str, files: dict[str, bytes] | None = None, *, private: bool = False, gated: Any = False) -> Repository:
        """A repository that is there already."""
        made = Repository(id, private, gated)
        self.repositories[id] = made
        self.commit(made, {}, "initial commit")
        if files:
            self.commit(made, {path: (content, is_lfs(path, len(content))) for path, content in files.items()}, "files")
        return made

    def commit(self, repository: Repository, files: dict[str, tuple[bytes, bool]], title: str) -> Commit:
        parent = repository.commits[-1].sha if repository.commits else ""
        when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        named = sorted((path, hashlib.sha256(content).hexdigest()) for path, (content, _) in files.items())
        sha = hashlib.sha1(json.dumps([parent, title, len(repository.commits), named]).encode()).hexdigest()
        made = Commit(sha, dict(files), title, parent, when)
        repository.commits.append(made)
        return made

    def fault(self, path: str, kind: str, **more: Any) -> Fault:
        made = Fault(path, kind, **more)
        self.faults.append(made)
        return made

    def commits_of(self, id: str) -> int:
        """Commits that somebody made, without the first empty one."""
        return len(self.repositories[id].commits) - 1

    def writes(self) -> list[Asked]:
        """Requests that could have changed something."""
        return [one for one in self.asked if one.writes]

    def _due(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.path, path) and fault.method in ("", method):
                    fault.times -= 1
                    return fault
        return None


def is_lfs(path: str, size: int) -> bool:
    """Which files the Hub wants as LFS objects."""
    return path.endswith(LFS_SUFFIXES) or size > 10_000_000


@contextmanager
def hub_server(**options: Any) -> Iterator[HubServer]:
    """A server within the block."""
    server = HubServer(**options)
    try:
        yield server
    finally:
        server.close()


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers, self.body = status, message, code, headers, None


class _Handler(BaseHTTPRequestHandler):
    """What both ports share: faults, bodies, answers."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> HubServer:
        return self.server.hub  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: tests look at ``asked``."""

    def handle(self) -> None:
        with suppress(OSError):  # the client has left
            super().handle()

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(Asked(self.command, path, self.headers.get("User-Agent", ""), self.headers.get("Authorization", "")))
        body = self._body()
        self.fault = self.hub._due(self.command, path)
        if self.fault and self.fault.kind == "delay":
            self.hub.closing.wait(self.fault.seconds)
        if self.fault and self.fault.kind == "drop":
            return self._reset()
        try:
            if self.fault and self.fault.kind == "status":
                raise Refused(self.fault.status, self.fault.text, **({"RateLimit": '"api";r=0;t=1'} if self.fault.status == 429 else {}))
            with self.hub.lock:
                status, headers, content = self.answer(path, {k: v[-1] for k, v in parse_qs(urlsplit(self.path).query).items()}, body)
        except Refused as refusal:
            extra = {"X-Error-Code": refusal.code} if refusal.code else {}
            document = {"error": refusal.message, **(refusal.body or {})}
            headers = {**refusal.headers, **extra, "X-Error-Message": refusal.message, "Content-Type": "application/json"}
            status, content = refusal.status, json.dumps(document).encode()
        if self.fault and self.fault.kind == "lost":
            return self._reset()
        self._send(status, headers, content)

    def answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        raise NotImplementedError

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        kind = self.fault.kind if self.fault else ""
        if kind == "flip" and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        self.send_response(status)
        for name, value in {"X-Request-Id": "request-1", **headers}.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind in ("cut", "short", "stall"):
            self.wfile.write(content[: 0 if self.headers.get("Range") else len(content) // 2])
            self.wfile.flush()
            if kind == "stall":
                self.hub.closing.wait(self.fault.seconds if self.fault else 0)
            if kind == "cut":
                self._reset()
            self.close_connection = True
            return
        self.wfile.write(content)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class _Storage(_Handler):
    """Where LFS objects are kept: no token is asked, the address is the secret."""

    def answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        oid = path.rsplit("/", 1)[-1]
        if self.command == "PUT":
            if hashlib.sha256(body).hexdigest() != oid:
                raise Refused(400, "the bytes are not those of the oid")
            self.hub.objects[oid] = body
            return 200, {"ETag": f'"{oid}"'}, b""
        if oid not in self.hub.objects:
            raise Refused(404, "no such object")
        return _ranged(self.headers.get("Range"), self.hub.objects[oid], {"ETag": f'"{oid}"', "Content-Type": "application/octet-stream"})


def _ranged(wanted: str | None, content: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    headers = {**headers, "Accept-Ranges": "bytes"}
    if not found:
        return 200, headers, content
    start, end = int(found[1]), min(int(found[2] or len(content) - 1), len(content) - 1)
    return 206, {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"}, content[start : end + 1]


Route = tuple[str, str, Callable[..., Any]]


class _Api(_Handler):
    """The Hub itself."""

    def answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.query = query
        for method, pattern, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split("|"):
                result = getattr(self, name)(*found.groups(), **({"body": body} if self.command in ("POST", "PUT", "DELETE") else {}))
                if isinstance(result, tuple):
                    return result
                return 200, {"Content-Type": "application/json"}, json.dumps(result).encode()
        raise Refused(404, f"Cannot {self.command} {path}")

    # --- who asks, and for what ---

    def _account(self) -> Account | None:
        given = self.headers.get("Authorization", "")
        if not given:
            return None
        account = self.hub.accounts.get(given.removeprefix("Bearer "))
        if account is None:
            raise Refused(401, "Invalid credentials in Authorization header")
        return account

    def _signed_in(self) -> Account:
        account = self._account()
        if account is None:
            raise Refused(401, "Invalid username or password.")
        return account

    def _readable(self, id: str) -> Repository:
        account, found = self._account(), self.hub.repositories.get(id)
        hidden = found is not None and found.private and not (account and account.reads(id.split("/")[0]))
        if found is None or hidden:
            raise Refused(404 if account else 401, "Repository not found", "RepoNotFound")
        return found

    def _writable(self, id: str) -> Repository:
        account, found = self._signed_in(), self._readable(id)
        if not account.writes(id.split("/")[0]):
            raise Refused(403, f"Forbidden: you don't have write access to {id}.")
        return found

    def _require_granted(self, repository: Repository) -> None:
        account = self._account()
        if repository.gated and not (account and account.reads(repository.id.split("/")[0])):
            raise Refused(403 if account else 401, f"Access to model {repository.id} is restricted.", "GatedRepo")

    def _state(self, id: str, revision: str) -> tuple[Repository, Commit]:
        repository = self._readable(id)
        state = repository.at(revision)
        if state is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, state

    # --- accounts and repositories ---

    def whoami(self) -> Any:
        if self.hub.redirect:
            return 302, {"Location": self.hub.redirect}, b""
        account = self._signed_in()
        organizations = [{"type": "org", "name": name, "roleInOrg": "write"} for name in account.organizations]
        token = {"displayName": "test", "role": account.role}
        return {"type": "user", "name": account.name, "orgs": organizations, "auth": {"type": "access_token", "accessToken": token}}

    def create(self, body: bytes) -> Any:
        account, wanted = self._signed_in(), json.loads(body)
        namespace = wanted.get("organization") or account.name
        id = f"{namespace}/{wanted['name']}"
        if not account.writes(namespace):
            raise Refused(403, f'You don\'t have the rights to create a model under the namespace "{namespace}"')
        if not REPOSITORY_ID.fullmatch(id) or len(wanted["name"]) > 96:
            raise Refused(400, "Invalid repo name")
        if id in self.hub.repositories:
            refusal = Refused(409, "You already created this model repo")
            refusal.body = {"url": f"{self.hub.url}/{id}"}
            raise refusal
        private = bool(wanted.get("private")) or wanted.get("visibility") == "private"
        self.hub.repository(id, private=private)
        return {"url": f"{self.hub.url}/{id}", "name": id}

    def delete(self, body: bytes) -> Any:
        wanted, account = json.loads(body), self._signed_in()
        id = f"{wanted.get('organization') or account.name}/{wanted['name']}"
        self._writable(id)
        del self.hub.repositories[id]
        return {}

    def settings(self, id: str, body: bytes) -> Any:
        repository, wanted = self._writable(id), json.loads(body)
        if "private" in wanted or "visibility" in wanted:
            repository.private = bool(wanted.get("private")) or wanted.get("visibility") == "private"
        if "gated" in wanted:
            repository.gated = wanted["gated"]
        return {"private": repository.private, "gated": repository.gated}

    def auth_check(self, id: str, write: str | None) -> Any:
        if write:
            self._writable(id)
        else:
            self._require_granted(self._readable(id))
        return {}

    def models(self) -> Any:
        account, wanted = self._account(), parse_qs(urlsplit(self.path).query)
        found = []
        for repository in self.hub.repositories.values():
            namespace = repository.id.split("/")[0]
            if repository.private and not (account and account.reads(namespace)):
                continue
            facts = self._info(repository, repository.head)
            if not set(wanted.get("filter", [])) <= set(facts["tags"]):
                continue
            if wanted.get("author", [namespace])[0] != namespace or wanted.get("search", [""])[0].lower() not in repository.id.lower():
                continue
            found.append(facts)
        return found[: int(wanted.get("limit", ["1000"])[0])]

    # --- looking ---

    def info(self, id: str, revision: str | None) -> Any:
        return self._info(*self._state(id, revision or "main"))

    def _info(self, repository: Repository, state: Commit) -> dict[str, Any]:
        card = _card(state.files.get("README.md", (b"", False))[0])
        tags = [*card.get("tags", []), *(f"license:{card['license']}" for _ in [0] if "license" in card)]
        if base := card.get("base_model"):
            tags += [f"base_model:{base}", f"base_model:{card.get('base_model_relation', 'finetune')}:{base}"]
        files = [self._entry(path, *state.files[path]) for path in sorted(state.files)]
        siblings = [
            {"rfilename": e["path"], **({"size": e["size"], "blobId": e["oid"]} | _lfs(e) if self.query.get("blobs") else {})}
            for e in files
        ]
        return {
            **{"id": repository.id, "modelId": repository.id, "author": repository.id.split("/")[0], "sha": state.sha},
            **{"private": repository.private, "gated": repository.gated, "disabled": False, "tags": tags, "downloads": 0, "likes": 0},
            **{"cardData": card, "siblings": siblings, "createdAt": repository.commits[0].when, "lastModified": state.when},
            **{"library_name": card.get("library_name"), "pipeline_tag": card.get("pipeline_tag")},
        }

    def tree(self, id: str, revision: str, folder: str | None) -> Any:
        _, state = self._state(id, revision)
        return [self._entry(path, *state.files[path]) for path in sorted(state.files)]

    def paths_info(self, id: str, revision: str, body: bytes) -> Any:
        _, state = self._state(id, revision)
        wanted = json.loads(body) if body.lstrip().startswith(b"{") else {"paths": parse_qs(body.decode()).get("paths", [])}
        return [self._entry(path, *state.files[path]) for path in wanted["paths"] if path in state.files]

    def _entry(self, path: str, content: bytes, lfs: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _blob(content)}
        if lfs:
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return entry

    def refs(self, id: str) -> Any:
        repository = self._readable(id)
        tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": sha} for name, sha in repository.tags.items()]
        return {"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.sha}], "tags": tags, "converts": []}

    def commits(self, id: str, revision: str) -> Any:
        repository, state = self._state(id, revision)
        until = repository.commits.index(state) + 1
        return [
            {"id": c.sha, "title": c.title, "message": "", "date": c.when, "authors": [{"user": "somebody"}]}
            for c in reversed(repository.commits[:until])
        ]

    def resolve(self, id: str, revision: str, path: str) -> Any:
        repository, state = self._state(id, revision)
        self._require_granted(repository)
        if path not in state.files:
            raise Refused(404, "Entry not found", "EntryNotFound", **{"X-Repo-Commit": state.sha})
        content, lfs = state.files[path]
        headers = {"X-Repo-Commit": state.sha, "Accept-Ranges": "bytes"}
        if lfs:
            oid = hashlib.sha256(content).hexdigest()
            self.hub.objects[oid] = content
            linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content)), "Location": f"{self.hub.storage}/objects/{oid}"}
            return 302, {**headers, **linked, "ETag": f'"{oid}"'}, b""
        headers |= {"ETag": f'"{_blob(content)}"', "Content-Type": "text/plain"}
        if self.command == "HEAD":
            return 200, {**headers, "Content-Length": str(len(content))}, b""
        return _ranged(self.headers.get("Range"), content, headers)

    # --- writing ---

    def validate_yaml(self, body: bytes) -> Any:
        if errors := card_errors(json.loads(body)["content"].encode()):
            refusal = Refused(400, "; ".join(errors))
            refusal.body = {"errors": [{"message": error} for error in errors], "warnings": []}
            raise refusal
        return {"errors": [], "warnings": []}

    def preupload(self, id: str, revision: str, body: bytes) -> Any:
        repository = self._writable(id)
        answers = []
        for wanted in json.loads(body)["files"]:
            lfs = is_lfs(wanted["path"], wanted["size"])
            answer = {"path": wanted["path"], "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
            if held := repository.head.files.get(wanted["path"]):
                answer["oid"] = hashlib.sha256(held[0]).hexdigest() if held[1] else _blob(held[0])
            answers.append(answer)
        return {"files": answers}

    def lfs_batch(self, id: str, body: bytes) -> Any:
        wanted = json.loads(body)
        self._writable(id) if wanted["operation"] == "upload" else self._readable(id)
        objects = []
        for one in wanted["objects"]:
            entry = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.objects:
                upload = {"href": f"{self.hub.storage}/objects/{one['oid']}"}
                entry["actions"] = {"upload": upload, "verify": {"href": f"{self.hub.url}/{id}.git/info/lfs/objects/verify"}}
            objects.append(entry)
        return 200, {"Content-Type": "application/vnd.git-lfs+json"}, json.dumps({"transfer": "basic", "objects": objects}).encode()

    def lfs_verify(self, id: str, body: bytes) -> Any:
        wanted = json.loads(body)
        if len(self.hub.objects.get(wanted["oid"], b"")) != wanted["size"]:
            raise Refused(404, "object missing")
        return {"message": "ok"}

    def make_commit(self, id: str, revision: str, body: bytes) -> Any:
        repository = self._writable(id)
        files, header = dict(repository.head.files), {}
        for line in body.splitlines():
            if not line.strip():
                continue
            entry = json.loads(line)
            key, value = entry["key"], entry["value"]
            if key == "header":
                header = value
            elif key == "file":
                content = base64.b64decode(value["content"]) if value.get("encoding") == "base64" else value["content"].encode()
                files[value["path"]] = (content, False)
            elif key == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise Refused(400, f"LFS object {value['oid']} of {value['path']} was not uploaded")
                files[value["path"]] = (self.hub.objects[value["oid"]], True)
            elif key == "deletedFile":
                files.pop(value["path"], None)
        if (parent := header.get("parentCommit")) and parent != repository.head.sha:
            raise Refused(412, "The expected parent commit is not the newest one. Please refresh and try again.")
        if errors := card_errors(files.get("README.md", (b"", False))[0]):
            raise Refused(400, "; ".join(errors))
        if any(re.search(rb"\bhf_[A-Za-z0-9]{30,}", content) for content, lfs in files.values() if not lfs):
            raise Refused(400, "Your push was rejected because it contains a secret")
        made = self.hub.commit(repository, files, header.get("summary", ""))
        return {"success": True, "commitOid": made.sha, "commitUrl": f"{self.hub.url}/{id}/commit/{made.sha}", "hookOutput": ""}

    def tag(self, id: str, revision: str, body: bytes) -> Any:
        repository, name = self._writable(id), json.loads(body)["tag"]
        state = repository.at(revision)
        if state is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if name in repository.tags:
            raise Refused(409, f'Tag "{name}" already exists')
        repository.tags[name] = state.sha
        return {}

    def untag(self, id: str, name: str, body: bytes) -> Any:
        if self._writable(id).tags.pop(name, None) is None:
            raise Refused(404, "no such tag", "RevisionNotFound")
        return {}

    def collections(self, body: bytes) -> Any:
        self._signed_in()
        return self._collection(json.loads(body)["title"].lower())

    def put_into_collection(self, slug: str, body: bytes) -> Any:
        self._signed_in()
        return self._collection(slug, json.loads(body)["item"])

    def _collection(self, slug: str, *items: dict[str, Any]) -> Any:
        held = [{"_id": str(number), "position": number, **item} for number, item in enumerate(items)]
        facts = {"slug": slug, "title": slug, "owner": {"name": "somebody"}, "items": held, "private": False, "theme": "blue"}
        return {**facts, "lastUpdated": "2026-01-02T03:04:05.000Z", "position": 0, "upvotes": 0, "description": ""}

    def no_xet(self, id: str, revision: str) -> Any:
        raise Refused(self.hub.xet_answers, "no Xet here")

    def agents(self) -> Any:
        return {}


ID = r"([^/]+/[^/]+)"
ROUTES = (
    ("GET", "/api/whoami-v2", "whoami"),
    ("GET", "/api/agent-harnesses", "agents"),
    ("GET", "/api/models", "models"),
    ("POST", "/api/repos/create", "create"),
    ("DELETE", "/api/repos/delete", "delete"),
    ("POST", "/api/validate-yaml", "validate_yaml"),
    ("POST", "/api/collections", "collections"),
    ("POST", r"/api/collections/([^/]+)/items?", "put_into_collection"),
    ("GET", rf"/api/models/{ID}/tree/([^/]+)(?:/(.*))?", "tree"),
    ("GET", rf"/api/models/{ID}/refs", "refs"),
    ("GET", rf"/api/models/{ID}/commits/([^/]+)", "commits"),
    ("GET", rf"/api/models/{ID}/auth-check(/write)?", "auth_check"),
    ("GET", rf"/api/models/{ID}/xet-(?:read|write)-token/([^/]+)", "no_xet"),
    ("GET", rf"/api/models/{ID}(?:/revision/([^/]+))?", "info"),
    ("POST", rf"/api/models/{ID}/paths-info/([^/]+)", "paths_info"),
    ("POST", rf"/api/models/{ID}/preupload/([^/]+)", "preupload"),
    ("POST", rf"/api/models/{ID}/commit/([^/]+)", "make_commit"),
    ("POST", rf"/api/models/{ID}/tag/([^/]+)", "tag"),
    ("DELETE", rf"/api/models/{ID}/tag/([^/]+)", "untag"),
    ("PUT", rf"/api/models/{ID}/settings", "settings"),
    ("POST", rf"/{ID}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("POST", rf"/{ID}\.git/info/lfs/objects/verify", "lfs_verify"),
    ("GET|HEAD", rf"/{ID}/resolve/([^/]+)/(.+)", "resolve"),
)
"""Methods, path, name of the function; the first that fits answers."""


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _lfs(entry: dict[str, Any]) -> dict[str, Any]:
    if "lfs" not in entry:
        return {}
    return {"lfs": {"sha256": entry["lfs"]["oid"], "size": entry["size"], "pointerSize": 134}}


def _card(readme: bytes) -> dict[str, Any]:
    found = re.match(rb"---\r?\n(.*?)\r?\n---", readme, re.DOTALL)
    loaded = yaml.safe_load(found[1]) if found else {}
    return loaded if isinstance(loaded, dict) else {}


def card_errors(readme: bytes) -> list[str]:
    """What the Hub refuses in a card's metadata."""
    card, errors = _card(readme), []
    bases = card.get("base_model", [])
    for base in [bases] if isinstance(bases, str) else bases:
        if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+|[\w-][\w.-]*", str(base)) or str(base).startswith((".", "/")):
            errors.append(f'"base_model" with value "{base}" is not valid. Use a model id from https://hf.co/models.')
    if "license" in card and card["license"] not in LICENSES:
        errors.append('"license" must be one of [apache-2.0, mit, ...]')
    if not isinstance(card.get("tags", []), list):
        errors.append('"tags" must be an array')
    for index in card.get("model-index", []) or []:
        for result in index.get("results", []):
            if not isinstance(result.get("dataset", {}).get("config", ""), str):
                errors.append('"model-index[0].results[0].dataset.config" must be a string')
            if not {"name", "type"} <= set(result.get("dataset", {})) or not result.get("metrics"):
                errors.append('"model-index[0].results[0]" is incomplete')
    return errors
