"""Where the files of a base model lie: the embedded model, a local folder, a .gguf file or the Hugging Face Hub.

Finds and, for a Hub id, downloads; opens no weights. Knows nothing of torch, quantization or adapters' contents.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adapters_hub.errors import HubError, NetworkError, NotFoundError, ResourceError, RightsError, UsageError
from adapters_hub.types import BaseModel

EMBEDDED = {"mini": Path(__file__).parent / "bases" / "mini"}
"""Models that ship inside the package, by the name they have in ``[base] model``."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
QUANTIZED = re.compile(
    r"[-_.](unsloth-)?(bnb-?[48]bits?|[48]-?bits?|int[48]|fp8|nf4|awq|gptq|gguf|exl[23]|hqq|mlx|quantized|w[48]a(8|16))([-_.].*)?$",
    re.IGNORECASE,
)
"""What copies of a model that are held in fewer bits are called, from the first mark of it to the end of the name."""
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt", "LICENSE*", "README.md")
UNWANTED = ("*/*", "consolidated*")
"""Subfolders hold the same weights in other formats, and so do Mistral's consolidated files."""
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
SAMPLES = 64
SAMPLE_BYTES = 4096


@dataclass(frozen=True)
class BaseFiles:
    """A base model on this machine."""

    path: Path
    """Folder with config, tokenizer and safetensors; or the .gguf file."""
    kind: Literal["folder", "gguf"]
    revision: str
    """Commit sha of a Hub model, else empty."""
    origin: Literal["embedded", "local", "hub"]


def locate_base(base: BaseModel, *, workspace: Path | None = None) -> BaseFiles:
    """Find the files of ``base``, downloading a Hub model that is not here yet; relative paths start at ``workspace``.

    A Hub model whose files are in the local cache is used without asking the network.
    Raises UsageError (an adapter, a pickle, a name that cannot be meant), NotFoundError, NetworkError, RightsError, ResourceError."""
    name = base.model.strip()
    if name in EMBEDDED:
        return _checked(BaseFiles(EMBEDDED[name], "folder", "", "embedded"), base)
    local = _local_path(name, workspace)
    if local is not None:
        if base.revision:
            raise UsageError(
                f"[base] revision '{base.revision}' has no meaning for the local model {local}",
                hint="remove the revision, or name a Hub model such as Qwen/Qwen2.5-1.5B-Instruct",
            )
        return _checked(BaseFiles(local, "gguf" if local.suffix.lower() == ".gguf" else "folder", "", "local"), base)
    return _checked(_from_hub(name, base), base)


def base_on_this_machine(base: BaseModel, *, workspace: Path | None = None) -> BaseFiles | None:
    """The files of ``base`` if all of them are here; None for a Hub model that is not, or not wholly. Never asks the network.

    Raises for local files what ``locate_base`` raises."""
    name = base.model.strip()
    if name in EMBEDDED or _local_path(name, workspace) is not None:
        return locate_base(base, workspace=workspace)
    folder = _snapshot(name, base.revision)
    return _checked(BaseFiles(folder, "folder", folder.name, "hub"), base) if folder is not None else None


def model_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Where models from the Hub are kept, as the client library decides it."""
    if environ.get("HF_HUB_CACHE"):
        return Path(os.path.expanduser(environ["HF_HUB_CACHE"]))
    home = environ.get("HF_HOME") or os.path.join(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.path.expanduser(home)) / "hub"


def cached_models(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Ids of the models in the cache that are whole, found by its layout: the client library is slow to import."""
    try:
        folders = sorted(model_cache(environ).glob("models--*--*"))
    except OSError:
        return ()
    ids = [folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders]
    return tuple(name for name in ids if HUB_ID.fullmatch(name) and _snapshot(name, "", environ) is not None)


def _snapshot(name: str, revision: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The whole snapshot of a Hub model in the cache, looked up as the client library lays it out."""
    folder = model_cache(environ) / f"models--{name.replace('/', '--')}"
    try:
        reference = folder / "refs" / (revision or "main")
        commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
        snapshot = folder / "snapshots" / commit if commit else None
        return snapshot if snapshot is not None and _is_whole(snapshot) else None
    except (OSError, ValueError, HubError):  # a cache that cannot be read counts as empty
        return None


def weights_digest(path: Path) -> str:
    """SHA-256 over sampled bytes of the weight files: name, size, header and 64 evenly spaced pieces of 4 KiB of each.

    Tells bases of the same shape apart without reading gigabytes; it is no proof against deliberate forgery."""
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as stream:
            header = int.from_bytes(stream.read(8), "little") if file.suffix == ".safetensors" else 0
            stream.seek(0)
            digest.update(stream.read(8 + min(header, size)))
            for sample in range(SAMPLES):
                stream.seek(max(0, size - SAMPLE_BYTES) * sample // (SAMPLES - 1))
                digest.update(stream.read(SAMPLE_BYTES))
    return digest.hexdigest()


# --- local files ---------------------------------------------------------------------------------


def _local_path(name: str, workspace: Path | None) -> Path | None:
    """The local file or folder that ``name`` means, or None when it can only be a Hub id. Raises NotFoundError, UsageError."""
    if not name or "\0" in name:
        raise UsageError("[base] model names nothing", hint='write model = "mini" in hub.toml, a Hub id, or the path of a folder')
    path = Path(os.path.expanduser(name))
    path = path if path.is_absolute() else (workspace or Path.cwd()) / path
    if path.exists():
        return path.resolve()
    if HUB_ID.fullmatch(name) and path.suffix.lower() != ".gguf":
        return None
    if (
        path.suffix.lower() == ".gguf"
        or name.startswith((".", "~", "/", "\\"))
        or "\\" in name
        or path.is_absolute()
        or name.count("/") > 1
    ):
        raise NotFoundError(f"base model not found: {path}", hint='check [base] model in hub.toml, or use model = "mini"')
    raise NotFoundError(
        f"base model '{name}' is neither a folder of this workspace nor a Hub id",
        hint=f"a Hub id reads owner/name; embedded: {', '.join(EMBEDDED)}",
    )


def _checked(files: BaseFiles, base: BaseModel) -> BaseFiles:
    """``files`` if a model lies there that may be opened."""
    if files.kind == "gguf":
        return files
    path = files.path
    if not path.is_dir():
        if files.origin == "embedded":
            raise NotFoundError(f"the embedded base '{base.model}' is missing from this installation", hint="reinstall the package")
        raise UsageError(f"{path} is a file, not a model folder", hint="name the folder that holds config.json, or a .gguf file")
    if (path / "adapter_config.json").is_file() and not _weight_files(path):
        raise UsageError(
            f"'{base.model}' is an adapter, not a base model",
            hint=f'set [base] model = "{_base_of_adapter(path)}" and attach the adapter to it',
        )
    if not (path / "config.json").is_file():
        raise NotFoundError(f"no config.json in {path}", hint="name the folder of a model in Hugging Face format, or a .gguf file")
    if not _weight_files(path):
        pickles = [file.name for pattern in ("*.bin", "*.pt", "*.pth") for file in path.glob(pattern)]
        if pickles or files.origin == "hub":
            raise UsageError(
                f"'{base.model}' has no safetensors weights",
                hint="pickled weights can run code and are never opened; choose a model published as safetensors",
                details=pickles,
            )
        raise NotFoundError(f"no weights (*.safetensors) in {path}", hint="download the model again")
    if lacking := _missing_shards(path):
        raise NotFoundError(f"weight files are missing in {path}", hint="download the model again", details=lacking)
    return files


def _weight_files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.safetensors")) if not file.name.startswith("adapter_")]


def _missing_shards(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file() or (folder / "model.safetensors").is_file():
        return []
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise HubError(f"{index} cannot be read ({error})", hint="download the model again") from error
    return sorted(str(name) for name in names if not (folder / str(name)).is_file())


def _base_of_adapter(folder: Path) -> str:
    try:
        return str(json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return "the base it was trained on"


# --- the Hub -------------------------------------------------------------------------------------


def _from_hub(name: str, base: BaseModel) -> BaseFiles:
    from huggingface_hub import snapshot_download

    wanted = [*WANTED, "*.py"] if base.trust_remote_code else list(WANTED)

    def download(cached: bool) -> str:
        return snapshot_download(
            name, revision=base.revision or None, allow_patterns=wanted, ignore_patterns=list(UNWANTED), local_files_only=cached
        )

    folder = _cached(download)
    if folder is None:
        folder = _downloaded(download, name, base.revision)
    return BaseFiles(folder, "folder", folder.name, "hub")


def _cached(download: Callable[[bool], str]) -> Path | None:
    """The snapshot in the local cache if every file a load needs is there."""
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(download(True))
    except HFValidationError:
        return None  # the call that may use the network reports it
    except (OSError, ValueError):  # not in the cache, or only part of it
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """Whether every file a load needs is there."""
    whole = (folder / "config.json").is_file() and any((folder / file).is_file() for file in TOKENIZERS)
    return whole and bool(_weight_files(folder)) and not _missing_shards(folder)


def _downloaded(download: Callable[[bool], str], name: str, revision: str) -> Path:
    with _clear_hub_errors(name, revision):
        return Path(download(False))


@dataclass(frozen=True)
class HubModel:
    """What the Hub says about a model before anything large is fetched."""

    commit: str
    gated: bool
    size: int
    """Bytes that a download would fetch."""
    licence: str
    """Empty when its page names none."""
    folder: Path
    """Holds its config.json, which was fetched."""


def ask_hub(name: str, revision: str = "", *, seconds: float = 10.0) -> HubModel:
    """Ask whether the model can be had, and how large it is. Raises what a download would: NotFoundError, NetworkError, RightsError ..."""
    from fnmatch import fnmatch

    from huggingface_hub import HfApi, hf_hub_download

    if _offline():
        raise _forbidden(name)
    with _clear_hub_errors(name, revision):
        api = HfApi(library_name="adapters_hub")
        info = api.model_info(name, revision=revision or None, files_metadata=True, timeout=seconds)
        if info.gated:
            api.auth_check(name)
        files = {file.rfilename: file.size or 0 for file in info.siblings or []}
        wanted = {
            file: size
            for file, size in files.items()
            if any(fnmatch(file, pattern) for pattern in WANTED) and not any(fnmatch(file, pattern) for pattern in UNWANTED)
        }
        if not any(file.endswith(".safetensors") and not file.startswith("adapter_") for file in wanted):
            what = "is an adapter, not a base model" if "adapter_config.json" in files else "has no safetensors weights"
            raise UsageError(f"'{name}' {what}", hint="choose a base model that is published as safetensors")
        with quiet_bars():
            config = Path(hf_hub_download(name, "config.json", revision=info.sha))
        licence = str(getattr(info.card_data, "license_name", None) or getattr(info.card_data, "license", None) or "")
        return HubModel(info.sha or "", bool(info.gated), sum(wanted.values()), licence, config.parent)


@contextmanager
def quiet_bars() -> Iterator[None]:
    """Hold back the progress bars of the Hub's client, which go on drawing after their work is done."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    were_off = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_off:
            enable_progress_bars()


def bytes_in_cache(name: str, environ: Mapping[str, str] = os.environ) -> int:
    """Bytes of the Hub model ``name`` that are in the cache by now, half-fetched files included."""
    total = 0
    for file in (model_cache(environ) / f"models--{name.replace('/', '--')}" / "blobs").glob("*"):
        with suppress(OSError):  # renamed meanwhile, because it is whole
            total += file.stat().st_size
    return total


@contextmanager
def _clear_hub_errors(name: str, revision: str) -> Iterator[None]:
    """Say in our words why the Hub does not give the model ``name``."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{name}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise RightsError(
            f"the base '{name}' is gated: its owner asks you to accept terms first",
            hint=f"ask for access at {page}, then log in with: hf auth login",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NotFoundError(f"'{name}' has no revision '{revision}'", hint=f"see the branches and tags at {page}/tree/main") from error
    except errors.RepositoryNotFoundError as error:
        raise NotFoundError(
            f"the Hub has no model '{name}', or it is private", hint="check the spelling; for a private model log in with: hf auth login"
        ) from error
    except errors.HFValidationError as error:
        raise UsageError(f"'{name}' cannot be a Hub id", hint="a Hub id reads owner/name") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        if _offline():
            raise _forbidden(name) from error
        raise _unreachable(name) from error
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", 0)
        if status in (401, 403):
            raise RightsError(f"the Hub refuses access to '{name}' (HTTP {status})", hint="log in with: hf auth login") from error
        raise NetworkError(f"the Hub answered with an error for '{name}' (HTTP {status})", hint="try again in a few minutes") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise ResourceError(
                f"no space left on disk to download '{name}'", hint="free some space, or set HF_HOME to another disk"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise RightsError(f"the model cache cannot be written ({error.filename})", hint="set HF_HOME to a folder of yours") from error
        raise _unreachable(name) from error
    except Exception as error:  # the HTTP library under huggingface_hub has changed before: tell its errors by their module
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "requests", "urllib3"):
            raise _unreachable(name) from error
        raise


def _forbidden(name: str) -> NetworkError:
    return NetworkError(
        f"the base '{name}' is not on this machine and HF_HUB_OFFLINE forbids downloading it",
        hint='unset HF_HUB_OFFLINE once to download it, or use model = "mini"',
    )


def _unreachable(name: str) -> NetworkError:
    return NetworkError(
        f"the Hub cannot be reached to download '{name}'", hint="check the network; a model that was downloaded once works offline"
    )


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)
