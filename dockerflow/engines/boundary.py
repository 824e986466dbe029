"""The one place where exceptions of the Docker SDK, and of the libraries below it, become ours.

    with translated("start container `x`", host):
        client.containers.run(…)

What an exception means is often not its class: that nothing listens at the engine's address arrives as a failed HTTP
request, and that this user may not use the socket does too. So the operating system's error is looked for first, in
whatever the exception was caused by or carries. What goes wrong with a host of the configuration names that host.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3
from docker import errors as sdk

from dockerflow.engines.address import Address
from dockerflow.engines.errors import (
    EngineDenied,
    EngineError,
    EngineNotFound,
    EngineTooOld,
    HostNotReached,
    ImageNotOnEngine,
    check_host,
)
from dockerflow.errors import inside

NEWER = "use Docker 19.03 or later"
DOCTOR = "`dockerflow doctor` looks at the engine and says what to do"

# What the SDK and the libraries below it raise. NullResource is a ValueError as well, StreamParseError no
# DockerException.
FOREIGN = (
    sdk.DockerException,
    sdk.StreamParseError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)

_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH}
_NOBODY_THERE = {errno.ENOENT, errno.ECONNREFUSED, errno.ENOTSOCK, *_NO_WAY}
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_BROKEN = (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError, ConnectionError)
_NOT_ALLOWED = {errno.EACCES, errno.EPERM}


@contextmanager
def translated(doing: str, engine: str) -> Iterator[None]:
    """Raise an EngineError for whatever foreign exception the block raises. `doing` follows "could not"."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, doing, engine) from error


def translate(error: BaseException, doing: str, engine: str) -> EngineError:
    if isinstance(engine, Address):
        return _of_host(error, doing, engine)
    return _of_engine(error, doing, engine)


def _of_host(error: BaseException, doing: str, engine: Address) -> EngineError:
    reason = _why_silent(error, engine)
    if reason is not None:
        return HostNotReached(engine.host, reason[0], reason[1])
    found = _of_engine(error, doing, engine)
    message = found.message if f"`{engine.host}`" in found.message else f"host `{engine.host}`: {found.message}"
    return type(found)(message, check_host(engine.host) if found.hint in (DOCTOR, None) else found.hint)


def _why_silent(error: BaseException, engine: Address) -> tuple[str, str | None] | None:
    """Why a host does not answer, and what to do about it, if that is what the exception means."""
    tls = next((each for each in inside(error) if isinstance(each, ssl.SSLError)), None)
    text = str(error)
    known = next((each for each in _TLS if each[0] in text), None)
    if tls is not None or known is not None:
        return (known[1], known[2]) if known else (f"TLS fails ({_words(error)})", None)
    code = _system_error(error)
    if code in _NOT_ALLOWED:
        return "this user may not use its socket", None
    if code in _NO_WAY:
        return f"it does not answer ({os.strerror(code)})", None
    if code in _NOBODY_THERE:
        return f"nothing answers at `{engine}` ({os.strerror(code)})", None
    if _is_unknown_host(error):
        return f"nobody knows the name in `{engine}`", "correct its URL"
    if any(isinstance(each, _TIMEOUTS) for each in inside(error)) or code == errno.ETIMEDOUT:
        return "it does not answer in time", None
    if any(isinstance(each, _BROKEN) for each in inside(error)):
        return "the connection broke", None
    return None


# How an engine turns down whoever shows no certificate, or one that it does not trust: it depends on its Go.
_ALERTS = ("alert certificate required", "alert bad certificate", "alert unknown ca", "alert handshake failure")

# What Python's TLS, or an engine's, says: what that means, and what to do.
_CERTIFICATES = (
    "give the paths of `ca`, `certificate` and `key` in its settings: the authority that signed the engine's "
    "certificate, and a certificate with its key that is signed by the authority that the engine trusts"
)
_TLS = (
    (
        "certificate verify failed: IP address mismatch",
        "its certificate is for another address",
        "use the name that its certificate is for in its URL, or have it certified for this one",
    ),
    (
        "certificate verify failed: Hostname mismatch",
        "its certificate is for another name",
        "use the name that its certificate is for in its URL, or have it certified for this one",
    ),
    (
        "certificate verify failed: certificate has expired",
        "its certificate has expired",
        "have whoever runs it renew the certificate",
    ),
    (
        "certificate verify failed",
        "its certificate is not signed by the authority that is trusted",
        "`ca` in its settings must be the certificate of the authority that signed the engine's",
    ),
    *((alert, "it wants a certificate that it trusts of whoever connects", _CERTIFICATES) for alert in _ALERTS),
    (
        "WRONG_VERSION_NUMBER",
        "it speaks no TLS at that port",
        "take `ca`, `certificate` and `key` out of its settings, or better have its engine speak TLS (`--tlsverify`)",
    ),
    ("HTTP request to an HTTPS server", "it speaks TLS only", _CERTIFICATES),
)


def _of_engine(error: BaseException, doing: str, engine: str) -> EngineError:
    code = _system_error(error)
    if code in _NOBODY_THERE or _is_unknown_host(error):
        return EngineNotFound(f"no Docker engine answers at `{engine}`", DOCTOR)
    if code in _NOT_ALLOWED:
        hint = "add yourself to the group that owns the socket, or use the engine as root; " + DOCTOR
        return EngineDenied(f"this user may not use the Docker engine at `{engine}`", hint)
    if any(isinstance(each, _TIMEOUTS) for each in inside(error)):
        return EngineNotFound(f"could not {doing}: the engine at `{engine}` does not answer in time", DOCTOR)
    if isinstance(error, sdk.InvalidVersion):
        return EngineTooOld(f"could not {doing}: the engine at `{engine}` is too old ({error})", NEWER)
    if isinstance(error, sdk.ImageNotFound):
        return ImageNotOnEngine(f"could not {doing}: the engine at `{engine}` lacks the image ({_words(error)})")
    # The SDK has no class of its own for an address that makes no sense.
    is_configuration = isinstance(error, _CONFIGURATION) or type(error) is sdk.DockerException
    hint = _CONFIGURED if is_configuration else DOCTOR
    return EngineError(f"could not {doing}: {_words(error)}", hint)


# What goes wrong before the engine is asked: in the address, the certificates, or the files in ~/.docker.
_CONFIGURATION = (
    sdk.TLSParameterError,
    sdk.InvalidConfigFile,
    sdk.MissingContextParameter,
    sdk.ContextAlreadyExists,
    sdk.ContextException,
    sdk.ContextNotFound,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)
_CONFIGURED = "check the setting `engine`, DOCKER_HOST with its certificates, and `docker context ls`"


def _words(error: BaseException) -> str:
    """What the engine itself says, without the HTTP around it."""
    said = getattr(error, "explanation", None) or getattr(error, "msg", None) or str(error) or type(error).__name__
    return str(said).strip().rstrip(".")


def _system_error(error: BaseException) -> int | None:
    # The numbers of `ssl` are not the system's: its 1 would mean that somebody may not do something.
    found = (each for each in inside(error) if isinstance(each, OSError) and not isinstance(each, ssl.SSLError))
    codes = (each.errno for each in found if isinstance(each.errno, int))
    return next(codes, None)


def _is_unknown_host(error: BaseException) -> bool:
    return any(isinstance(each, urllib3.exceptions.NameResolutionError) for each in inside(error))
