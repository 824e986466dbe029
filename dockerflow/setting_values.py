"""What settings there are, and how what is written in a file or a variable becomes the value of one.

A mistake is told with the place where it was found. What may be secret is refused: files of settings are committed,
copied and shown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dockerflow import credentials
from dockerflow.errors import DockerflowError
from dockerflow.flow.image_name import is_image_name
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import names
from dockerflow.store.errors import StoreError

__all__ = ["HOSTS", "SETTINGS", "ConfigError", "Setting", "converted", "path_of", "unknown", "url_of"]


class ConfigError(DockerflowError):
    """A configuration file or variable that cannot be used."""

    exit_code = 9


@dataclass(frozen=True)
class Setting:
    """One setting: what kind of value it takes, and what it is for."""

    kind: str  # `text`, `path`, `list`, `number`, `url`, `store`, `addressing`
    help: str


SETTINGS: Mapping[str, Setting] = {
    "base_image": Setting("text", "the image below every step's own"),
    "cache_dir": Setting("path", "where packages and layers are kept"),
    "channels": Setting("list", "conda channels in order of priority: names, URLs or folders"),
    "data_dir": Setting("path", "where the local conda channel is made"),
    "engine": Setting("text", "URL of the Docker engine, such as `unix:///run/docker.sock`"),
    "host_patience": Setting("number", "how many seconds a remote host may be away before its tasks are given up"),
    "indexes": Setting("list", "Python package indexes in order of priority: URLs, folders, `default` at the end"),
    "network": Setting("text", "the Docker network of step containers: `bridge`, `none`, `host` or a name"),
    "s3_addressing": Setting("addressing", "where a bucket's name goes: `path`, `virtual` (before the host) or `auto`"),
    "s3_ca": Setting("path", "the certificates, in PEM, that the S3 server's own must be signed by"),
    "s3_containers_endpoint": Setting("url", "URL of the S3 server as step containers see it"),
    "s3_credentials": Setting("path", "the file with the S3 server's credentials, as `~/.aws/credentials` is written"),
    "s3_endpoint": Setting("url", "URL of the S3 server, such as `https://minio.example.org:9000`"),
    "s3_profile": Setting("text", "which profile of that file"),
    "s3_region": Setting("text", "the region of the bucket"),
    "store": Setting("store", "the store: a folder, or `s3://bucket/prefix`"),
    "store_patience": Setting("number", "how many seconds a server that does not answer is asked again"),
}

# What is in files alone, and no text or list: see `host_values`.
HOSTS = "hosts"

ADDRESSING = ("auto", "path", "virtual")

# What one might write down here, and must not: files of settings are committed, copied and shown.
_SECRETS = re.compile(r"(?i)access_?key|secret|token|password|root_user")


def converted(setting: str, given: str | list[str], folder: Path, place: str) -> Any:
    """The value as `Config` holds it. Relative paths are from `folder`; `place` is where the setting was found."""
    if isinstance(given, list):
        _refuse_secrets(setting, given, place)
        if setting == "indexes":
            _check_indexes(given, place)
        return tuple(_channel(item, folder) for item in given)
    if setting == "base_image" and not is_image_name(given):
        raise ConfigError(f"{place}: `{given}` is not the name of an image.", "write it like `debian:bookworm-slim`")
    return _CONVERSIONS.get(SETTINGS[setting].kind, _text_of)(given, folder, f"{place}: `{setting}`")


def _text_of(given: str, folder: Path, what: str) -> str:
    return given


def path_of(given: str, folder: Path, what: str) -> Path:
    return (folder / Path(given).expanduser()).resolve()


def _store_of(given: str, folder: Path, what: str) -> str:
    if "://" not in given:
        return str(path_of(given, folder, what))
    try:
        return str(names.in_bucket(given))
    except StoreError as error:
        raise ConfigError(f"{what}: {error.message}.", error.hint) from None


def _number_of(given: str, folder: Path, what: str) -> float:
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"{what} must be a number that is not negative, and is `{given}`.")
    return number


def _addressing_of(given: str, folder: Path, what: str) -> str:
    if given not in ADDRESSING:
        raise ConfigError(f"{what} must be one of {', '.join(ADDRESSING)}, and is `{given}`.")
    return given


def url_of(given: str, folder: Path, what: str) -> str:
    """The URL of a server, without a slash at its end."""
    if credentials.in_url(given):
        raise ConfigError(f"{what}: `{credentials.hidden(given)}` has credentials in its URL.", names.SECRETS)
    try:
        parts = urlsplit(given)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.path.strip("/"):
        raise ConfigError(
            f"{what}: `{given}` is not the URL of a server.", "write it like `https://minio.example.org:9000`"
        )
    return given.rstrip("/")


_CONVERSIONS: Mapping[str, Callable[[str, Path, str], Any]] = {
    "path": path_of,
    "store": _store_of,
    "number": _number_of,
    "addressing": _addressing_of,
    "url": url_of,
}


def _refuse_secrets(setting: str, given: list[str], place: str) -> None:
    for url in given:
        if "://" in url and credentials.in_url(url):
            what = "package index" if setting == "indexes" else "channel"
            hint = credentials.HINT if setting == "indexes" else f"take them out of the URL: {credentials.WANTED}"
            raise ConfigError(f"{place}: the {what} `{credentials.hidden(url)}` has credentials in its URL.", hint)


def _check_indexes(given: list[str], place: str) -> None:
    for index in given:
        if index != "default" and not index.startswith((".", "/", "~", "https://", "http://", "file:///")):
            raise ConfigError(f"{place}: `{index}` is no package index.", "write its URL, like `https://host/simple`")
    if "default" in given[:-1]:
        raise ConfigError(f"{place}: `default` is not the last index.", "uv asks its own index last: put it at the end")


def _channel(given: str, folder: Path) -> str:
    """A channel's name or URL as it is, a folder (`./channel`, `/srv/channel`) as the URL of one."""
    if given.startswith((".", "/", "~")):
        return (folder / Path(given).expanduser()).resolve().as_uri()
    return given


def unknown(setting: str, place: str) -> ConfigError:
    hint = f"credentials do not go here: {names.SECRETS}" if _SECRETS.search(setting) else nearest(setting)
    return ConfigError(f"{place}: there is no setting `{setting}`.", hint)


def nearest(setting: str) -> str:
    every = sorted([*SETTINGS, HOSTS])
    near = difflib.get_close_matches(setting, every, n=1)
    return f"did you mean `{near[0]}`?" if near else f"the settings are {', '.join(every)}"
