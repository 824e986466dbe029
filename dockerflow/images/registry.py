"""Put blobs and manifests into one repository of a registry, by the API that all registries have.

    https://github.com/opencontainers/distribution-spec (v1.1), "Push"

What to push and in which order is `push`'s. A registry on this machine is asked in plain HTTP where it does not speak
TLS, any other only if the user says so.
"""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from dockerflow.errors import inside
from dockerflow.images.errors import RegistryError
from dockerflow.images.registry_login import Login, credentials_of, refused_login
from dockerflow.images.repository import Repository

# Seconds to connect, and between two signs of life: a registry says nothing while it stores a large blob.
_PATIENCE = (30, 600)

_FOUND, _CREATED, _ACCEPTED, _MISSING, _UNAUTHORIZED, _FORBIDDEN = 200, 201, 202, 404, 401, 403
_NOT_ALLOWED = 405

# A token is shared by all that is sent at once: it may have run out again before a request that waited for it is made.
_LOGINS = 5

# In Docker's registry the words stand only where a blob is written; elsewhere it tells the number that the system gave.
_NO_SPACE = re.compile(rf'no space left on device|"Err":{errno.ENOSPC}\b')

_INSECURE = "if it speaks no TLS and you trust the way there, say `--plain-http`"


class Sized:
    """A body that is made while it is sent, and whose size is known."""

    def __init__(self, size: int, blocks: Iterator[bytes]) -> None:
        self._size = size
        self._blocks = blocks

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks


Body = Callable[[], Sized]  # makes it anew for each try


class Registry:
    """One repository. Threads may share one; `connections` is how many do."""

    def __init__(self, repository: Repository, plain_http: bool = False, connections: int = 1) -> None:
        self.repository = repository
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=connections, pool_maxsize=connections))
        self._login = Login(repository, self._session)
        self._root = self._connected(plain_http)

    def close(self) -> None:
        self._session.close()

    def has(self, digest: str) -> bool:
        """Whether the repository has the blob."""
        answer = self._ask("HEAD", f"blobs/{digest}")
        return self._expect(answer, "ask for a layer", _FOUND, _MISSING).status_code == _FOUND

    def mount(self, digest: str, other: str) -> bool:
        """Have the registry take the blob from another of its repositories; whether it did."""
        answer = self._ask("POST", f"blobs/uploads/?mount={digest}&from={other}")
        return answer.status_code == _CREATED  # anything else: it is uploaded, and errors are told then

    def upload(self, digest: str, body: Body) -> None:
        begun = self._expect(self._ask("POST", "blobs/uploads/"), "begin to send a layer", _ACCEPTED)
        place = urljoin(begun.url, begun.headers.get("Location", ""))
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        self._expect(self._ask("PUT", place, body, headers), "send a layer", _CREATED, _ACCEPTED)

    def manifest(self, name: str) -> str | None:
        """The digest of the manifest called `name` (a tag or a digest); None if there is none or it is not told."""
        answer = self._ask("HEAD", f"manifests/{name}", None, {"Accept": "application/vnd.oci.image.manifest.v1+json"})
        return answer.headers.get("Docker-Content-Digest") if answer.status_code == _FOUND else None

    def put_manifest(self, name: str, media_type: str, manifest: bytes) -> str | None:
        """Name the image; returns the digest that the registry gives it, if it tells."""

        def body() -> Sized:
            return Sized(len(manifest), iter([manifest]))

        answer = self._ask("PUT", f"manifests/{name}", body, {"Content-Type": media_type})
        self._expect(answer, f"take the image as `{name}`", _CREATED)
        return answer.headers.get("Docker-Content-Digest")

    # ---- asking

    def _connected(self, plain_http: bool) -> str:
        """The URL of the registry, in the scheme that it speaks; logs in where that is wanted."""
        address = self.repository.address
        if plain_http:
            return self._greeted(f"http://{address}")
        try:
            return self._greeted(f"https://{address}")
        except _NoTlsError:
            if self.repository.is_loopback:
                return self._greeted(f"http://{address}")
            raise RegistryError(f"the registry `{self.repository.host}` does not speak TLS", hint=_INSECURE) from None

    def _greeted(self, root: str) -> str:
        with self._explained():
            answer = self._request("GET", f"{root}/v2/", None, {})
        if answer.status_code == _MISSING:
            raise RegistryError(
                f"there is no registry at `{self.repository.host}`: it answers 404 to `/v2/`",
                hint="check the host and the port of the repository",
            )
        return root

    def _ask(
        self, method: str, path: str, body: Body | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        url = path if "://" in path else f"{self._root}/v2/{self.repository.name}/{path}"
        with self._explained():
            return self._request(method, url, body, headers or {})

    def _request(self, method: str, url: str, body: Body | None, headers: dict[str, str]) -> requests.Response:
        for _ in range(_LOGINS):
            answer = self._once(method, url, body, headers)
            if answer.status_code != _UNAUTHORIZED or not self._login.answer(answer):
                return answer
        return self._once(method, url, body, headers)

    def _once(self, method: str, url: str, body: Body | None, headers: dict[str, str]) -> requests.Response:
        content: Any = body() if body is not None else None
        return self._session.request(method, url, data=content, headers=headers, timeout=_PATIENCE, auth=self._login)

    # ---- what it says

    def _expect(self, answer: requests.Response, doing: str, *wanted: int) -> requests.Response:
        if answer.status_code in wanted:
            return answer
        said = _said(answer)
        if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN):
            raise refused_login(self.repository, credentials_of(self.repository), said)
        if answer.status_code == _NOT_ALLOWED:
            raise RegistryError(
                f"the registry `{self.repository.host}` takes nothing: it did not {doing} ({said})",
                hint="it is read-only, or a mirror; push to another registry",
            )
        if _NO_SPACE.search(answer.text) or answer.status_code == requests.codes.insufficient_storage:
            raise RegistryError(
                f"no space left on the disk of the registry `{self.repository.host}`",
                hint="make room there, then run the command again: what was sent is not sent twice",
            )
        raise RegistryError(
            f"the registry `{self.repository.host}` did not {doing}: {said}",
            hint="run the command again: what was sent is not sent twice",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what goes wrong on the way to the registry into a RegistryError."""
        host = self.repository.host
        try:
            yield
        except requests.exceptions.SSLError as error:
            if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
                raise _NoTlsError from error
            raise RegistryError(
                f"the registry `{host}` cannot be trusted: {_reason(error)}",
                hint="name the file with its authority's certificate in REQUESTS_CA_BUNDLE",
            ) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise RegistryError(f"`{host}` is no host: {error}", hint="write it like `host:5000/team/name`") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise RegistryError(
                f"no registry answers at `{host}`: {_reason(error)}",
                hint="check the host, the port and the network; the command can be run again: nothing is sent twice",
            ) from error


class _NoTlsError(Exception):
    """The other side answers, but not in TLS."""


def _said(answer: requests.Response) -> str:
    """The registry's own words, or its status."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{one['code']}: {one.get('message', '')}".rstrip(": ") for one in errors)
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason}"


def _reason(error: BaseException) -> str:
    """What the operating system or TLS says at the bottom of it, in few words."""
    found = list(inside(error))
    for each in found:
        if isinstance(each, ssl.SSLCertVerificationError):
            return str(each.verify_message)
        if isinstance(each, urllib3.exceptions.NameResolutionError):
            return "there is no host of this name"
        if isinstance(each, OSError) and isinstance(each.errno, int) and each.strerror:
            return "it closed the connection" if each.errno == errno.ECONNRESET else str(each.strerror)
    timeouts = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
    return "it does not answer in time" if any(isinstance(each, timeouts) for each in found) else str(error)
