"""The one place where exceptions of the Docker SDK, and of the libraries below it, become ours.

    with translated("start container `x`", host):
        client.containers.run(…)

What an exception means is often not its class: that nothing listens at the engine's address arrives as a failed HTTP
request, and that this user may not use the socket does too. So the operating system's error is looked for first, in
whatever the exception was caused by or carries.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3
from docker import errors as sdk

from dockerflow.engines.errors import EngineDenied, EngineError, EngineNotFound, EngineTooOld, ImageNotOnEngine
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

_NOBODY_THERE = {errno.ENOENT, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOTSOCK}
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_NOT_ALLOWED = {errno.EACCES, errno.EPERM}


@contextmanager
def translated(doing: str, engine: str) -> Iterator[None]:
    """Raise an EngineError for whatever foreign exception the block raises. `doing` follows "could not"."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, doing, engine) from error


def translate(error: BaseException, doing: str, engine: str) -> EngineError:
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
