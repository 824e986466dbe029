"""Every foreign exception becomes an EngineError at one place."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import socket
import ssl
from pathlib import Path

import pytest
import requests
import urllib3
from docker import errors as sdk

from dockerflow.engines.about import check_version
from dockerflow.engines.boundary import translate, translated
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineDenied, EngineError, EngineNotFound, EngineTooOld, ImageNotOnEngine
from dockerflow.errors import DockerflowError

DOING = "start container `x`"
ENGINE = "unix:///nowhere.sock"

# One of each class that the SDK defines, and what it means.
EXPECTED: dict[type[BaseException], tuple[BaseException, type[EngineError]]] = {
    sdk.DockerException: (sdk.DockerException("no"), EngineError),
    sdk.APIError: (sdk.APIError("no", explanation="no"), EngineError),
    sdk.NotFound: (sdk.NotFound("no"), EngineError),
    sdk.ImageNotFound: (sdk.ImageNotFound("no"), ImageNotOnEngine),
    sdk.InvalidVersion: (sdk.InvalidVersion("no"), EngineTooOld),
    sdk.InvalidRepository: (sdk.InvalidRepository("no"), EngineError),
    sdk.InvalidConfigFile: (sdk.InvalidConfigFile("no"), EngineError),
    sdk.InvalidArgument: (sdk.InvalidArgument("no"), EngineError),
    sdk.DeprecatedMethod: (sdk.DeprecatedMethod("no"), EngineError),
    sdk.TLSParameterError: (sdk.TLSParameterError("no"), EngineError),
    sdk.NullResource: (sdk.NullResource("no"), EngineError),
    sdk.ContainerError: (sdk.ContainerError("x", 1, "false", "image", "no"), EngineError),
    sdk.StreamParseError: (sdk.StreamParseError("no"), EngineError),
    sdk.BuildError: (sdk.BuildError("no", []), EngineError),
    sdk.ImageLoadError: (sdk.ImageLoadError("no"), EngineError),
    sdk.MissingContextParameter: (sdk.MissingContextParameter("no"), EngineError),
    sdk.ContextAlreadyExists: (sdk.ContextAlreadyExists("no"), EngineError),
    sdk.ContextException: (sdk.ContextException("no"), EngineError),
    sdk.ContextNotFound: (sdk.ContextNotFound("no"), EngineError),
}


def _exceptions_of(module: object) -> set[type[BaseException]]:
    return {
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, BaseException) and member.__module__ == getattr(module, "__name__", None)
    }


def test_every_docker_error_is_listed_here() -> None:
    assert _exceptions_of(sdk) == set(EXPECTED)


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_every_docker_error_has_a_dockerflow_error(kind: type[BaseException]) -> None:
    error, expected = EXPECTED[kind]
    with pytest.raises(EngineError) as caught, translated(DOING, ENGINE):
        raise error
    assert type(caught.value) is expected
    assert caught.value.__cause__ is error
    assert DOING in caught.value.message
    assert "no" in caught.value.message


@pytest.mark.parametrize("kind", sorted(_exceptions_of(requests.exceptions), key=lambda kind: kind.__name__))
def test_every_requests_error_has_a_dockerflow_error(kind: type[BaseException]) -> None:
    if not issubclass(kind, Warning):
        error = kind("no", "doc", 0) if issubclass(kind, ValueError) and "JSON" in kind.__name__ else kind("no")
        with pytest.raises(EngineError), translated(DOING, ENGINE):
            raise error


def test_urllib3_errors_have_a_dockerflow_error() -> None:
    for error in (urllib3.exceptions.HTTPError("no"), urllib3.exceptions.ProtocolError("no", OSError("cut"))):
        with pytest.raises(EngineError), translated(DOING, ENGINE):
            raise error


def test_an_engine_that_does_not_answer_in_time_is_no_engine() -> None:
    wrapped = sdk.DockerException("Error while fetching")
    wrapped.__cause__ = requests.exceptions.ReadTimeout("read timed out")
    error = translate(wrapped, DOING, ENGINE)
    assert type(error) is EngineNotFound
    assert "in time" in error.message


@pytest.mark.parametrize(("version", "old"), [("1.24", True), ("1.39", True), ("1.40", False), ("1.52", False)])
def test_an_engine_with_an_old_api_is_too_old(version: str, old: bool) -> None:
    with pytest.raises(EngineTooOld, match=r"1\.40") if old else contextlib.nullcontext():
        check_version({"Version": "some", "ApiVersion": version}, ENGINE)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ECONNREFUSED, errno.EHOSTUNREACH])
def test_nobody_at_the_address_is_no_engine_however_deep_it_is_wrapped(code: int) -> None:
    deep = urllib3.exceptions.ProtocolError("Connection aborted.", OSError(code, os.strerror(code)))
    wrapped = sdk.DockerException(f"Error while fetching: {deep}")
    wrapped.__cause__ = requests.exceptions.ConnectionError(deep)
    assert type(translate(wrapped, DOING, ENGINE)) is EngineNotFound


def test_our_own_errors_and_those_of_the_program_pass() -> None:
    for error in (DockerflowError("ours"), KeyError("a bug")):
        with pytest.raises(type(error)), translated(DOING, ENGINE):
            raise error


def test_an_error_of_the_engine_shows_its_own_words_without_the_http() -> None:
    error = sdk.APIError("409 Client Error for http+docker://localhost", explanation="the name is already in use.")
    assert translate(error, DOING, ENGINE).message == f"could not {DOING}: the name is already in use"


def test_no_socket_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineNotFound) as caught:
        DockerHost.connect(f"unix://{tmp_path}/docker.sock")
    assert "doctor" in (caught.value.hint or "")


def test_a_socket_that_nobody_listens_to_is_no_engine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/docker.sock")
    with pytest.raises(EngineNotFound):
        DockerHost.connect(f"unix://{tmp_path}/docker.sock")


def test_a_socket_that_this_user_may_not_use_is_denied() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied")
    wrapped = requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", denied))
    assert type(translate(wrapped, DOING, ENGINE)) is EngineDenied


def test_a_certificate_that_is_not_accepted_is_nothing_that_a_user_may_not_do() -> None:
    refused = requests.exceptions.SSLError(ssl.SSLError(1, "certificate verify failed"))
    error = translate(refused, DOING, ENGINE)
    assert type(error) is EngineError
    assert "certificate verify failed" in error.message


def test_an_address_that_makes_no_sense_is_an_error_about_the_setting() -> None:
    with pytest.raises(EngineError) as caught:
        DockerHost.connect("gopher://somewhere")
    assert "DOCKER_HOST" in (caught.value.hint or "")


def test_docker_host_says_where_the_engine_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/mine.sock")
    with pytest.raises(EngineNotFound, match=r"mine\.sock"):
        DockerHost.connect()
