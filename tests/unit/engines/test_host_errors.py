"""What goes wrong with a host of the configuration is said of that host."""

from __future__ import annotations

import errno
import os

import pytest
import requests
import urllib3
from docker import errors as sdk

from dockerflow.engines.about import check_version
from dockerflow.engines.address import Address
from dockerflow.engines.boundary import translate
from dockerflow.engines.errors import EngineError, EngineTooOld, HostNotReached, ImageNotOnEngine

HOST = Address("tcp://10.0.0.7:2376", "gpu-box")
CHECK = "check the host with `dockerflow hosts check gpu-box`"


def _system(code: int) -> OSError:
    return OSError(code, os.strerror(code))


BROKEN = {
    "refused": (_system(errno.ECONNREFUSED), "nothing answers at `tcp://10.0.0.7:2376` (Connection refused)"),
    "unreachable": (_system(errno.EHOSTUNREACH), "it does not answer"),
    "timed out": (_system(errno.ETIMEDOUT), "it does not answer in time"),
    "late": (requests.exceptions.ReadTimeout("late"), "it does not answer in time"),
    "cut": (_system(errno.ECONNRESET), "the connection broke"),
    "ended": (urllib3.exceptions.ProtocolError("Connection aborted."), "the connection broke"),
    "hung up": (requests.exceptions.ConnectionError("Remote end closed"), "the connection broke"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_connection_that_breaks_names_the_host_and_how_to_check_it(case: str) -> None:
    cause, words = BROKEN[case]
    wrapped = requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("aborted", cause))
    error = translate(wrapped if isinstance(cause, OSError) else cause, "start container `x`", HOST)
    assert isinstance(error, HostNotReached)
    assert error.message.startswith("host `gpu-box` cannot be reached: ")
    assert words in error.message
    assert error.hint == CHECK


def test_what_an_engine_there_says_is_said_of_the_host() -> None:
    error = translate(sdk.APIError("no", explanation="name is in use"), "start container `x`", HOST)
    assert (type(error), error.message) == (
        EngineError,
        "host `gpu-box`: could not start container `x`: name is in use",
    )
    assert error.hint == CHECK


def test_an_image_that_a_host_lacks_is_still_an_image_that_is_lacking() -> None:
    error = translate(sdk.ImageNotFound("no"), "start container `x`", HOST)
    assert isinstance(error, ImageNotOnEngine)
    assert "host `gpu-box`" in error.message


def test_an_engine_that_is_too_old_is_named_by_its_host() -> None:
    with pytest.raises(EngineTooOld, match=r"host `gpu-box` is Docker 1 with API 1\.39"):
        check_version({"Version": "1", "ApiVersion": "1.39"}, HOST)
