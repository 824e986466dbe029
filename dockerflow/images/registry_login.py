"""How a registry is told who asks: with the name and password, or the token, that docker has for it.

A registry answers 401 with a challenge; what it asks for is kept and sent along until the next 401: tokens
last for minutes, uploads may take longer. Credentials come from docker's own configuration and credential helpers
(`docker login`), and go to no other host than the registry's own and the one that it names for tokens.
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import re
import threading
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import docker.auth
import docker.errors
import requests

from dockerflow.images.errors import RegistryError
from dockerflow.images.repository import Repository
from dockerflow.lazy_dataclasses import dataclass

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')

# Seconds to connect and to answer, for a token.
_PATIENCE = (30, 60)


@dataclass(frozen=True)
class Credentials:
    """A name and password, or a token to get tokens with; empty where docker has none."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


def credentials_of(repository: Repository) -> Credentials:
    """What docker has for the registry. Raises RegistryError where its configuration cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a helper that is not there; it raises, too
            found = docker.auth.resolve_authconfig(docker.auth.load_config(), repository.host) or {}
    except (docker.errors.DockerException, ValueError, OSError) as error:
        raise RegistryError(
            f"the credentials for `{repository.host}` cannot be read: {error}",
            hint="look at docker's `config.json` (its `credsStore` and `credHelpers`), or log in again",
        ) from error
    values = {name.lower(): str(value) for name, value in found.items() if value}
    return Credentials(values.get("username", ""), values.get("password", ""), values.get("identitytoken", ""))


class Login(requests.auth.AuthBase):
    """Puts the present authorization on each request; `answer` gets a new one when a registry wants it."""

    def __init__(self, repository: Repository, session: requests.Session) -> None:
        self._repository = repository
        self._session = session
        self._lock = threading.Lock()
        self._header = ""
        self._asked_at = ""  # the URL that asked for the header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A registry may have layers sent to another host, which is not to know who sends them.
        if self._header and self._is_registry(request.url or ""):
            request.headers["Authorization"] = self._header
        return request

    def _is_registry(self, url: str) -> bool:
        """Whether credentials may go to the URL: not to another host, and not in the clear after TLS."""
        there = urlsplit(url)
        encrypted = there.scheme == "https" or urlsplit(self._asked_at).scheme != "https"
        return there.netloc.lower() == self._repository.address.lower() and encrypted

    @property
    def is_known(self) -> bool:
        return bool(self._header)

    def answer(self, refused: requests.Response) -> bool:
        """Get what a 401 asks for; whether it is worth to ask again."""
        if not self._is_registry(refused.url or ""):
            return False
        kind, _, rest = refused.headers.get("WWW-Authenticate", "").partition(" ")
        with self._lock:
            sent = refused.request.headers.get("Authorization", "")
            if sent != self._header:
                return True  # another thread has got it meanwhile
            header = self._wanted(kind.lower(), dict(_PARAMETER.findall(rest)), refused.url or "")
            changed = bool(header) and (header != sent)
            self._header, self._asked_at = (header, refused.url or "") if header else (self._header, self._asked_at)
        return changed

    def _wanted(self, kind: str, challenge: Mapping[str, str], url: str) -> str:
        credentials = credentials_of(self._repository)
        if kind == "basic":
            return _basic(credentials) if credentials.user else ""
        if kind == "bearer" and "realm" in challenge:
            return f"Bearer {self._token(credentials, challenge, url)}"
        return ""

    def _token(self, credentials: Credentials, challenge: Mapping[str, str], url: str) -> str:
        realm = challenge["realm"]
        if urlsplit(realm).scheme != "https" and urlsplit(url).scheme == "https":
            raise RegistryError(
                f"the registry `{self._repository.host}` wants credentials to be sent unencrypted, to `{realm}`",
                hint="this is a mistake in the registry's configuration, or somebody is listening",
            )
        scope = f"repository:{self._repository.name}:pull,push"
        asked = {"service": challenge.get("service", ""), "scope": scope}
        answer = self._ask(realm, asked, credentials)
        found = _json(answer)
        token = found.get("token") or found.get("access_token")
        if answer.status_code != requests.codes.ok or not token:
            raise refused_login(self._repository, credentials, f"`{realm}` gives no token ({answer.status_code})")
        return str(token)

    def _ask(self, realm: str, asked: Mapping[str, str], credentials: Credentials) -> requests.Response:
        if credentials.identity_token:
            form = {**asked, "grant_type": "refresh_token", "client_id": "dockerflow"}
            form["refresh_token"] = credentials.identity_token
            return self._session.post(realm, data=form, timeout=_PATIENCE)
        login = (credentials.user, credentials.password) if credentials.user else None
        return self._session.get(realm, params=asked, auth=login, timeout=_PATIENCE)


def refused_login(repository: Repository, credentials: Credentials, said: str) -> RegistryError:
    who = f"`{credentials.user}`" if credentials.user else "a user that is not logged in"
    return RegistryError(
        f"the registry `{repository.host}` does not let {who} push to `{repository.name}`: {said}",
        hint=f"log in as one who may with `docker login {repository.host}`",
    )


def _basic(credentials: Credentials) -> str:
    return f"Basic {base64.b64encode(f'{credentials.user}:{credentials.password}'.encode()).decode()}"


def _json(answer: requests.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
