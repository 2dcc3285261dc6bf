"""A Hub for one test: the protocol server, two people, and a client in this process that believes it is the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, hub_server

ANA, READER, LUIS = "hf_token_of_ana", "hf_token_that_reads", "hf_token_of_luis"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """``ana`` is logged in, may write, and belongs to ``facultad``; ``luis`` is somebody else. Retries do not wait."""
    from huggingface_hub import constants

    from adapters_hub import hub_client

    with hub_server() as server:
        server.account(ANA, "ana", organizations=("facultad",))
        server.account(READER, "ana", "read")
        server.account(LUIS, "luis")
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf_cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
        monkeypatch.setenv("HF_TOKEN", ANA)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub_client, "PAUSES", (0.0, 0.0))
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        yield server
