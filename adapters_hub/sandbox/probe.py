"""Whether a tier does what it says, found out by attacking it once before it is trusted. Knows only what a guest offers."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from pathlib import Path
from typing import Protocol

from adapters_hub.sandbox.failure import Failure
from adapters_hub.sandbox.guest import Guest
from adapters_hub.sandbox.limits import Limits

GOOD = """
def suma(numeros):
    numeros.append(0)
    return sum(numeros)
"""
ATTACKS = {
    "reads a file": "open({secret!r}).read()",
    "writes a file": "open({target!r}, 'w').write('x')",
    "opens a network connection": "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)",
    "starts a process": "import os\nos.fork() or os._exit(0)",
    "runs a program": "import subprocess\nsubprocess.run(['true'])",
    "stops another process": "import os\nos.kill({pid}, 0)",
    "takes two gigabytes": "taken = bytearray(2 << 30)",
}
"""Each is stopped when it ends in a failure; none of them harms where it is not."""
LIMITS = Limits(seconds=10.0)


class Startable(Protocol):
    """As much of a sandbox as is needed here."""

    def start(self, limits: Limits | None = None) -> Guest:
        """A fresh guest."""


def findings(sandbox: Startable) -> list[str]:
    """What is wrong with a sandbox: a program that should run does not, or an attack succeeds. Empty: it can be trusted."""
    found = []
    try:
        _try_good_program(sandbox)
    except Failure as failure:
        return [f"a harmless program does not run ({failure})"]
    with tempfile.TemporaryDirectory(prefix="hub-probe-") as folder, socket.socket() as server:
        secret, target = Path(folder, "secret"), Path(folder, "target")
        secret.write_text("secret")
        port = 9
        with contextlib.suppress(OSError):  # without a network there is nothing to listen on, and nothing to reach
            server.bind(("127.0.0.1", 0))
            server.listen()
            port = server.getsockname()[1]
        for name, source in ATTACKS.items():
            text = source.format(secret=str(secret), target=str(target), port=port, pid=os.getpid())
            try:
                with sandbox.start(LIMITS) as guest:
                    guest.run(text)
            except Failure:
                continue
            found.append(f"a program {name}")
        if target.exists():
            found.append("a program leaves a file behind")
    return found


def _try_good_program(sandbox: Startable) -> None:
    with sandbox.start(LIMITS) as guest:
        guest.run(GOOD)
        called = guest.call("suma", [[1, 2]])
        if called.value != 3 or called.args_after != ([1, 2, 0],) or guest.names().get("suma") != "function":
            raise Failure("result", f"it gave {called!r}")
