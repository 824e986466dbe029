"""Addresses of engines: those of hosts of the configuration know by what name the user calls them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from dockerflow.engines.errors import EngineError
from dockerflow.lazy_dataclasses import dataclass

# Where an engine listens when nobody says anything else.
SOCKET = "/var/run/docker.sock"

FORMS = "`ssh://[user@]host[:port][/path/of/the/socket]`, `tcp://host:port`, `unix:///path` or `context://name`"

_SSH = re.compile(
    r"ssh://(?:(?P<user>[^@:/]+)@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^:@/\[\]]+)(?::(?P<port>\d+))?(?P<path>/.*)?"
)

# What needs no escaping in what ssh is told to forward.
_PLAIN_PATH = re.compile(r"[\w@+=,./-]+")


class Address(str):
    """The URL of a host of the configuration. `host` is its name there; what goes wrong is said of that name."""

    host: str

    def __new__(cls, url: str, host: str) -> Address:
        made = super().__new__(cls, url)
        made.host = host
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """For copies."""
        return str(self), self.host


def called(url: str) -> str:
    """The engine at the address, as a message names it."""
    return f"host `{url.host}`" if isinstance(url, Address) else f"the engine at `{url}`"


@dataclass(frozen=True)
class SshPlace:
    """A socket on a machine that is reached by ssh, whose own settings may say what is not said here."""

    host: str
    user: str | None = None
    port: int | None = None
    socket: str = SOCKET

    @property
    def arguments(self) -> list[str]:
        """For ssh, the last of its options and the destination."""
        port = [] if self.port is None else ["-p", str(self.port)]
        user = [] if self.user is None else ["-l", self.user]
        return [*port, *user, "--", self.host]


def ssh_place(url: str, host: str) -> SshPlace:
    """What an `ssh://` URL says. Raises EngineError."""
    found = _SSH.fullmatch(url)
    if found is None or not _is_safe(found["host"]) or (found["user"] and not _is_safe(found["user"])):
        raise _makes_no_sense(url, host, "`ssh://[user@]host[:port][/path/of/the/socket]`")
    path = (found["path"] or "").rstrip("/") or SOCKET
    if not _PLAIN_PATH.fullmatch(path):
        raise _makes_no_sense(url, host, "a socket whose path has letters, digits and `@+=,._-/` only")
    return SshPlace(found["host"].strip("[]"), found["user"], int(found["port"]) if found["port"] else None, path)


def check_url(url: str, host: str) -> None:
    """Raises EngineError for one that is of none of `FORMS`."""
    scheme, _, rest = url.partition("://")
    if scheme == "ssh":
        ssh_place(url, host)
    elif scheme == "tcp":
        _check_tcp(url, host)
    elif scheme not in ("unix", "context") or not rest or (scheme == "unix" and not rest.startswith("/")):
        raise _makes_no_sense(url, host, FORMS)


def is_elsewhere(url: str) -> bool:
    """Whether an engine of this address may be on another machine: by ssh, or by TCP to another address than ours."""
    if url.startswith("ssh://"):
        return True
    return url.startswith(("tcp://", "http://", "https://")) and not _is_loopback(urlsplit(url).hostname or "")


def _check_tcp(url: str, host: str) -> None:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname and parts.port) and parts.path in ("", "/")
    except ValueError:
        is_whole = False
    if not is_whole:
        raise _makes_no_sense(url, host, "`tcp://host:port`")


def _makes_no_sense(url: str, host: str, expected: str) -> EngineError:
    return EngineError(
        f"the URL of host `{host}` is `{url}`, and {expected} was expected",
        f"correct it, e.g. with `dockerflow hosts add {host} URL`",
    )


def _is_safe(word: str) -> bool:
    """Whether a program takes it for a word, whatever it is: no option, nothing that a shell would read."""
    return not word.startswith("-") and re.fullmatch(r"[^\s'\"`$\\;&|<>(){}*?!]+", word) is not None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
