"""The name of a place in a registry, as one writes it: `host:5000/team/model:v1`."""

from __future__ import annotations

import ipaddress
import re

import docker.auth

from dockerflow.images.errors import RegistryError
from dockerflow.lazy_dataclasses import dataclass

# https://github.com/opencontainers/distribution-spec (v1.1), "Pulling manifests"
_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]+)?")
# A registry's host with a port, which would otherwise be read as a name with a tag. A name has neither dots nor is one
# of a machine, unless it stands below a host.
_HOST_ALONE = re.compile(r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f:]+\]):[0-9]+")

_HINT = "write it like `host:5000/team/name` or `host:5000/team/name:tag`, in small letters"


@dataclass(frozen=True)
class Repository:
    """`host` is what credentials are kept under, `name` the path in the registry; `tag` is empty if none was given."""

    host: str
    name: str
    tag: str = ""

    @staticmethod
    def parse(text: str) -> Repository:
        """Raises RegistryError for what names no repository. Without a host it is the engine's default registry."""
        path, _, tag = text.rpartition(":")
        if not path or "/" in tag:  # what is after the last colon is the port and the path
            path, tag = text, ""
        if _HOST_ALONE.fullmatch(text):
            raise RegistryError(
                f"`{text}` is a registry without a repository in it", hint=f"write it like `{text}/team/name`"
            )
        host, name = docker.auth.split_repo_name(path)
        if host == docker.auth.INDEX_NAME and "/" not in name:
            name = f"library/{name}"
        named = _HOST.fullmatch(host) and _NAME.fullmatch(name) and (not tag or _TAG.fullmatch(tag))
        if not named or "@" in text or text.endswith(":"):
            raise RegistryError(f"`{text}` is not the name of a repository", hint=_HINT)
        return Repository(host, name, tag)

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"

    @property
    def address(self) -> str:
        """The host that is asked: that of the default registry is called otherwise than its images."""
        return f"index.{self.host}" if self.is_default else self.host

    @property
    def is_default(self) -> bool:
        """Whether it is in the engine's default registry, as a name without a host is."""
        return self.host == docker.auth.INDEX_NAME

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine, where engines speak plain HTTP too."""
        name = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        try:
            return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False
