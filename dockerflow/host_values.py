"""What may be said of a Docker host, and how what was written of one becomes its settings.

It is the same for what stands in a file and for what a command is given, so that no command writes what no command
reads. A mistake is told with the place where it stands, the host and the key. Passwords are refused: a file of settings
is committed, copied and shown. Whether the files of certificates are there is asked when the host is used: a
project's settings are shared, and keys are not.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dockerflow import credentials
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setting_values import ConfigError, path_of, url_of

KEYS: Mapping[str, str] = {
    "url": "URL of its Docker engine: `ssh://[user@]host[:port]`, `tcp://host:port`, `unix:///path`, `context://name`",
    "ca": "the certificates, in PEM, that a `tcp://` engine's own must be signed by",
    "certificate": "your certificate, in PEM, for a `tcp://` engine",
    "key": "the key of that certificate",
    "s3_endpoint": "URL of the S3 server as step containers there see it",
    "network": "the Docker network of step containers there",
    "registry": "the registry from which it takes images, as `host[:port][/prefix]`",
    "max_workers": "how many tasks run at once there",
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ADDRESS = re.compile(r"([A-Za-z0-9_.][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\])(:(?P<port>[0-9]+))?")
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_USER = re.compile(r"[^\s:/@-][^\s:/@]*")  # a word that begins with `-` would be an option of ssh
_REGISTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")

_EXAMPLES = {
    "ssh": "ssh://me@gpu-box.example.org:2222",
    "tcp": "tcp://10.0.0.7:2376",
    "unix": "unix:///run/user/1000/docker.sock",
    "context": "context://name",
}
_SECRET = re.compile(r"(?i)secret|token|passw|passphrase")
_TLS = ("ca", "certificate", "key")


@dataclass(frozen=True)
class Said:
    """A value as it was written, and where: `file:line`; empty for the command line."""

    text: str
    place: str = ""


def host(name: Said, given: Mapping[str, Said], folder: Path) -> HostSettings:
    """The settings of a host. Relative paths are from `folder`. Raises ConfigError."""
    check_name(name)
    for key, said in given.items():
        if key not in KEYS:
            raise _error(said, name.text, f"there is no key `{key}`", _nearest(key))
    if "url" not in given:
        raise _error(name, name.text, "it has no `url`", f"write how it is reached, as `url: {_EXAMPLES['ssh']}`")
    values = {key: _converted(name.text, key, said, folder) for key, said in given.items()}
    _check_tls(name.text, given)
    return HostSettings(name=name.text, source=name.place, **values)


def check_name(name: Said) -> None:
    """Raises ConfigError for what cannot be the name of a host."""
    if name.text == LOCAL:
        raise ConfigError(
            f"{_before(name)}`{LOCAL}` is the engine of this machine, and cannot be the name of another host.",
            "give it another name; which engine is this machine's, the setting `engine` says",
        )
    if not _NAME.fullmatch(name.text):
        raise ConfigError(
            f"{_before(name)}`{name.text}` is not the name of a host.",
            "use letters, digits, `-`, `_` and `.`, a letter or digit first",
        )


def require_files(settings: HostSettings) -> None:
    """Raises ConfigError unless the host's certificates and key can be read."""
    for key in _TLS:
        path: Path | None = getattr(settings, key)
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            where = Said("", settings.source)
            hint = f"`{key}`: {KEYS[key]}; put the file there, or name another one"
            message = f"`{key}`: the file `{path}` cannot be read: {error.strerror}"
            raise _error(where, settings.name, message, hint) from None


def _converted(host: str, key: str, said: Said, folder: Path) -> Any:
    if not said.text.strip():
        raise _error(said, host, f"`{key}` is empty", f"`{key}`: {KEYS[key]}")
    if key in _TLS:
        return path_of(said.text, folder, "")
    if key == "s3_endpoint":
        return url_of(said.text, folder, f"{_before(said)}host `{host}`: `{key}`")
    convert = _CONVERSIONS.get(key)
    return convert(host, said) if convert else said.text


def _workers_of(host: str, said: Said) -> int:
    if not said.text.isdecimal() or int(said.text) < 1:
        message = f"`max_workers` must be a whole number above 0, and is `{said.text}`"
        raise _error(
            said, host, message, f"`max_workers`: {KEYS['max_workers']}; without it, as many as it has room for"
        )
    return int(said.text)


def _registry_of(host: str, said: Said) -> str:
    if not _REGISTRY.fullmatch(said.text):
        text = credentials.hidden(said.text)
        raise _error(said, host, f"`{text}` is not a registry", "write it like `10.0.0.5:5000` or `host/prefix`")
    return said.text


def engine_url(host: str, said: Said) -> str:
    """The URL of a Docker engine, as it was written. Raises ConfigError."""
    scheme, separator, _ = said.text.partition("://")
    if ":" in said.text.rpartition("://")[2].rpartition("@")[0]:
        raise _error(said, host, f"`{_shown(said.text)}` has a password", _NO_PASSWORD)
    if not separator or scheme not in _CHECKS:
        raise _error(said, host, f"`{_shown(said.text)}` {_WRONG}", _instead(said.text, scheme, separator))
    wrong = _what_is_wrong(said.text, scheme)
    if wrong is not None:
        reason = f": {wrong}" if wrong else ""
        raise _error(said, host, f"`{_shown(said.text)}` {_WRONG}{reason}", f"write it like `{_EXAMPLES[scheme]}`")
    return said.text.rstrip("/")


_WRONG = "is not the URL of a Docker engine"
_NO_PASSWORD = (
    "leave it out: ssh takes your key from its agent or `~/.ssh/config`, and `tcp://` a certificate and its key"
)


def _shown(url: str) -> str:
    """Without what may be a password."""
    scheme, separator, rest = url.rpartition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{'***' if ':' in user else user}{at}{host}"


def _what_is_wrong(url: str, scheme: str) -> str | None:
    """None for what is right; empty where there is no more to say."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not close
        return ""
    if parts.query or parts.fragment:
        return "nothing stands behind `?` or `#`"
    return _CHECKS[scheme](parts)


def _wrong_ssh(parts: SplitResult) -> str | None:
    user, at, rest = parts.netloc.rpartition("@")
    if at and not _USER.fullmatch(user):
        return f"`{user}` is not the name of a user"
    return _wrong_address(rest)


def _wrong_tcp(parts: SplitResult) -> str | None:
    if "@" in parts.netloc:
        return "it names a user, whom `tcp://` does not know"
    if parts.path.strip("/"):
        return "nothing stands behind the port"
    return _wrong_address(parts.netloc) or (None if parts.port else "it has no port")


def _wrong_address(address: str) -> str | None:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return f"`{address}` is not a host with or without a port" if address else "it names no host"
    port = found["port"]
    return None if port is None or 0 < int(port) < 2**16 else "its port is not between 1 and 65535"


def _wrong_unix(parts: SplitResult) -> str | None:
    return "a path that begins with `/` was expected" if parts.netloc or not parts.path.strip("/") else None


def _wrong_context(parts: SplitResult) -> str | None:
    is_name = _CONTEXT.fullmatch(parts.netloc) and not parts.path.strip("/")
    return None if is_name else "the name of a docker context was expected"


_CHECKS: Mapping[str, Callable[[SplitResult], str | None]] = {
    "ssh": _wrong_ssh,
    "tcp": _wrong_tcp,
    "unix": _wrong_unix,
    "context": _wrong_context,
}
_CONVERSIONS: Mapping[str, Callable[[str, Said], Any]] = {
    "url": engine_url,
    "max_workers": _workers_of,
    "registry": _registry_of,
}


def _instead(text: str, scheme: str, separator: str) -> str:
    """What to write in place of a URL whose scheme is none of ours."""
    rest = text.partition("://")[2]
    if not separator:
        what = "unix" if text.startswith("/") else "ssh"
        return f"write `{what}://{text}`"
    if scheme in ("http", "https"):
        tls = ", with `ca`, `certificate` and `key`" if scheme == "https" else ""
        return f"write `tcp://{rest.rpartition('@')[2]}`{tls}"
    near = difflib.get_close_matches(scheme.lower(), _CHECKS, n=1)
    meant = f"did you mean `{near[0]}://`? " if near else ""
    return f"{meant}it begins with `ssh://`, `tcp://`, `unix://` or `context://`, as `{_EXAMPLES['ssh']}`"


def _check_tls(host: str, given: Mapping[str, Said]) -> None:
    scheme = given["url"].text.partition("://")[0]
    for key in _TLS:
        if key in given and scheme != "tcp":
            raise _error(
                given[key], host, f"`{key}` is for `tcp://`, and its URL begins with `{scheme}://`", _ELSEWHERE[scheme]
            )
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if one in given and other not in given:
            raise _error(given[one], host, f"it has `{one}` and no `{other}`", f"`{other}`: {KEYS[other]}")


_ELSEWHERE = {
    "ssh": "take it out: ssh takes your key from its agent or `~/.ssh/config`",
    "unix": "take it out: whoever may open the socket may use it",
    "context": "take it out: a docker context has its own",
}


def _nearest(key: str) -> str:
    if _SECRET.search(key):
        return _NO_PASSWORD
    near = difflib.get_close_matches(key, KEYS, n=1)
    return f"did you mean `{near[0]}`?" if near else f"the keys of a host are {', '.join(KEYS)}"


def _error(said: Said, host: str, message: str, hint: str) -> ConfigError:
    return ConfigError(f"{_before(said)}host `{host}`: {message}.", hint)


def _before(said: Said) -> str:
    return f"{said.place}: " if said.place else ""
