"""docker's contexts as the SDK connects to them. Which there are, and what they say, is read in `docker_contexts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker.tls import TLSConfig

from dockerflow import docker_contexts
from dockerflow.docker_contexts import DEFAULT, LIST, SCHEME, ContextError, host, is_context
from dockerflow.engines.address import SOCKET
from dockerflow.engines.errors import EngineError
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["DEFAULT", "LIST", "SCHEME", "Context", "current", "host", "is_context", "named"]


@dataclass(frozen=True)
class Context:
    """`tls` None: without TLS, or not by TCP."""

    name: str
    url: str
    tls: TLSConfig | None = None


def current() -> Context | None:
    """The one that docker uses where neither an option nor DOCKER_HOST says another address; None: its default.

    Raises EngineError for one that is not there, or cannot be read.
    """
    with _explained():
        name = docker_contexts.chosen()
    return None if name == DEFAULT else named(name)


def named(name: str) -> Context:
    """Raises EngineError where there is none of that name, or it cannot be read."""
    if name == DEFAULT:
        return Context(DEFAULT, f"unix://{SOCKET}")
    with _explained():
        found = docker_contexts.named(name)
    return Context(found.name, found.url, _tls(found))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ContextError as error:
        raise EngineError(error.message, error.hint) from error


def _tls(found: docker_contexts.Context) -> TLSConfig | None:
    if not (found.ca or found.certificate or found.is_unverified):
        return None
    both = (str(found.certificate), str(found.key)) if found.certificate and found.key else None
    return TLSConfig(client_cert=both, ca_cert=str(found.ca) if found.ca else None, verify=not found.is_unverified)
