"""docker's contexts: addresses of engines with what proves who one is, as `docker context` and Docker Desktop keep it.

They are files in `~/.docker/contexts`, or where DOCKER_CONFIG says, by the sha256 of their names
(https://github.com/docker/cli/blob/master/cli/context/store/doc.go). They are read each time; nothing is written, and
no engine is asked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dockerflow.errors import DockerflowError
from dockerflow.host_settings import HostSettings
from dockerflow.lazy_dataclasses import dataclass

SCHEME = "context://"

# The one that is always there, and not in a file: the engine of this machine.
DEFAULT = "default"

LIST = "`docker context ls` lists them"


class ContextError(DockerflowError):
    """A context that is not there, or a file of docker's that cannot be read."""


@dataclass(frozen=True)
class Context:
    """What docker has noted of an engine: its address, and the files for TLS that are there."""

    name: str
    url: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    is_unverified: bool = False  # whoever answers is trusted


def chosen() -> str:
    """The name of the one that docker uses where neither an option nor DOCKER_HOST says another address.

    Raises ContextError where that cannot be read.
    """
    return str(os.environ.get("DOCKER_CONTEXT") or _read(_folder() / "config.json").get("currentContext") or DEFAULT)


def named(name: str) -> Context:
    """One that is in a file. Raises ContextError where there is none of that name, or it cannot be read."""
    if not _meta(name).is_file():
        raise ContextError(f"there is no docker context `{name}`", LIST)
    return _context(name, _read(_meta(name)))


def every() -> list[Context]:
    """Those in files, by name. One that cannot be read, or has no address, is left out."""
    return sorted(_readable(), key=lambda each: each.name)


def is_context(name: str) -> bool:
    """Whether docker knows a context of that name."""
    return name == DEFAULT or _meta(name).is_file()


def host(name: str) -> HostSettings:
    """The settings of a host that is the context of this name and nothing else."""
    return HostSettings(name, f"{SCHEME}{name}", source=f"docker context `{name}`")


def _readable() -> Iterator[Context]:
    for path in (_folder() / "contexts" / "meta").glob("*/meta.json"):
        with suppress(ContextError):
            said = _read(path)
            name = str(said.get("Name"))
            if path == _meta(name):
                yield _context(name, said)


def _context(name: str, said: dict[str, Any]) -> Context:
    endpoints = said.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict) or not endpoint.get("Host"):
        raise ContextError(f"the docker context `{name}` has no address of a Docker engine", LIST)
    folder = _folder() / "contexts" / "tls" / _key(name) / "docker"
    ca, certificate, key = (_path(folder / each) for each in ("ca.pem", "cert.pem", "key.pem"))
    return Context(name, str(endpoint["Host"]), ca, certificate, key, bool(endpoint.get("SkipTLSVerify")))


def _path(file: Path) -> Path | None:
    return file if file.is_file() else None


def _folder() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _meta(name: str) -> Path:
    return _folder() / "contexts" / "meta" / _key(name) / "meta.json"


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ContextError(f"could not read docker's file `{file}`: {error}", "correct or remove it") from error
    if not isinstance(found, dict):
        raise ContextError(f"docker's file `{file}` has no object of JSON in it", "correct or remove it")
    return found
