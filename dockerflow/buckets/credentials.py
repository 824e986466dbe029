"""Who we are to an S3 server: an access key and its secret, from where users keep them.

The first that is there counts, most explicit first:

    1  DOCKERFLOW_S3_ACCESS_KEY, DOCKERFLOW_S3_SECRET_KEY, DOCKERFLOW_S3_SESSION_TOKEN
    2  the file that the setting `s3_credentials` names
    3  the profile that the setting `s3_profile` names, in AWS's own file
    4  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
    5  MINIO_ACCESS_KEY, MINIO_SECRET_KEY; MINIO_ROOT_USER, MINIO_ROOT_PASSWORD
    6  AWS's own file: AWS_SHARED_CREDENTIALS_FILE, or `~/.aws/credentials`, with the profile AWS_PROFILE or `default`

What a user has set for dockerflow goes before the variables that are there for other programs. A file is read again
when it has changed: credentials that are good for an hour are renewed there by others. Nothing here is ever written,
and no message has a secret in it.
"""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dockerflow.config import Config
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import AccessDenied, StoreError
from dockerflow.store.names import SECRETS
from dockerflow.store.s3.signing import Credentials

# Access key, secret key, session token; the first is what a set is recognized by.
_VARIABLES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "MINIO_SESSION_TOKEN"),
    ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", ""),
)
_OURS = ("DOCKERFLOW_S3_ACCESS_KEY", "DOCKERFLOW_S3_SECRET_KEY", "DOCKERFLOW_S3_SESSION_TOKEN")
_IN_FILE = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True)
class Identity:
    """Where the credentials come from, in words for messages, and how to have them. Call it for every request."""

    source: str
    read: Callable[[], Credentials]

    def __call__(self) -> Credentials:
        return self.read()


def identity(config: Config) -> Identity:
    """Raises AccessDenied where there are no credentials, StoreError for a file that cannot be used."""
    found = next(_every(config), None)
    if found is None:
        raise AccessDenied("there are no credentials for the S3 server", SECRETS)
    found()
    return found


def _every(config: Config) -> Iterator[Identity]:
    yield from _of_variables(_OURS)
    if config.s3_credentials is not None:
        yield _of_file(config.s3_credentials, config.s3_profile or "default", private=True)
    elif config.s3_profile is not None:
        yield _of_file(_aws_file(), config.s3_profile)
    for names in _VARIABLES:
        yield from _of_variables(names)
    if _aws_file().is_file():
        yield _of_file(_aws_file(), os.environ.get("AWS_PROFILE") or "default")


def _of_variables(names: tuple[str, str, str]) -> Iterator[Identity]:
    access, secret, token = (os.environ.get(name, "") for name in names)
    if not access:
        return
    if not secret:
        raise AccessDenied(f"{names[0]} is set and {names[1]} is not", f"set both, or neither: {SECRETS}")
    credentials = Credentials(access, secret, token or None)
    yield Identity(f"the variable {names[0]}", lambda: credentials)


def _aws_file() -> Path:
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    return Path(named).expanduser() if named else Path(os.path.expanduser("~")) / ".aws" / "credentials"


def _of_file(path: Path, profile: str, private: bool = False) -> Identity:
    return Identity(f"the profile `{profile}` in `{path}`", _Profile(path, profile, private))


class _Profile:
    """A section of a file as AWS's tools write it. `private`: refuse a file that others may read."""

    def __init__(self, path: Path, profile: str, private: bool) -> None:
        self._path, self._profile, self._private = path, profile, private
        self._read: tuple[tuple[int, int, int], Credentials] | None = None

    def __call__(self) -> Credentials:
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._read is None or self._read[0] != state:
                self._refuse_public(found)
                self._read = state, self._credentials(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            why = error.strerror
            raise StoreError(f"the file of credentials `{self._path}` cannot be read: {why}", SECRETS) from None
        except (UnicodeDecodeError, configparser.Error):
            # The parser's own words would quote the line, which may be the secret.
            raise StoreError(f"the file of credentials `{self._path}` cannot be read: {_WRITTEN}") from None
        return self._read[1]

    def _refuse_public(self, found: os.stat_result) -> None:
        mode = stat.S_IMODE(found.st_mode)
        if self._private and mode & 0o077:
            raise StoreError(
                f"the file of credentials `{self._path}` may be read by others: its mode is {mode:04o}",
                f"make it yours alone: `chmod 600 {self._path}`",
            )

    def _credentials(self, text: str) -> Credentials:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        if not parser.has_section(self._profile):
            there = ", ".join(f"`{name}`" for name in parser.sections()) or "none"
            raise StoreError(
                f"there is no profile `{self._profile}` in `{self._path}`; there are: {there}",
                "name another with the setting `s3_profile`",
            )
        return self._complete(parser[self._profile])

    def _complete(self, section: Mapping[str, str]) -> Credentials:
        access, secret, token = (section.get(name, "").strip() for name in _IN_FILE)
        if not access or not secret:
            missing = _IN_FILE[0] if not access else _IN_FILE[1]
            raise StoreError(f"the profile `{self._profile}` in `{self._path}` has no `{missing}`", _WRITTEN)
        return Credentials(access, secret, token or None)


_WRITTEN = "it is written as `[default]`, and below it a line each `aws_access_key_id = …`, `aws_secret_access_key = …`"
