"""Whether containers on a host reach a store in a bucket: asked through one of them.

The base image has no program that speaks S3, but a shell that connects and passes bytes on. What it passes on is a
request of ours, made and signed as those of steps are, for the address that steps there would use: name resolution,
route, certificate, signature and bucket are all tried, from where it matters.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
import uuid
from contextlib import closing, suppress
from urllib.parse import urlsplit

from dockerflow.attached import STDOUT
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.trial import Program, Trial, started
from dockerflow.store.s3.place import Place, origin_of
from dockerflow.store.s3.signing import Credentials, Request, Signed, presign

# Seconds for a server to answer a container. One that drops what it gets says nothing at all.
ANSWERING = 10.0

# bash opens connections by such a name: https://www.gnu.org/software/bash/manual/bash.html#Redirections
# What runs beside has no standard input but by another number. It is over when either side has said all.
_PASS_ON = 'exec 3<>"/dev/tcp/$1/$2" 4<&0 && echo connected >&2 && { cat <&3 & cat <&4 >&3 & wait -n; }'
_CONNECTED = "connected"

_GOOD_FOR = 900
# Codes of a server that understood and believed: there is no such object, or not yet the bucket.
_HEEDED = ("NoSuchKey", "NoSuchBucket", "AccessDenied")


class NotReached(Exception):
    """Why a container does not reach the server, in words that follow `: `."""


@dataclass(frozen=True)
class Asked:
    """Where the look is made: an image with bash, and the network of steps."""

    host: DockerHost
    image: str
    network: str


def seconds_to_answer(asked: Asked, place: Place, credentials: Credentials) -> float:
    """How long the server takes for a container's request; `place` is as steps see it. Raises NotReached,
    EngineError."""
    signed = presign(place, credentials, Request("GET", f"runs/{uuid.uuid4().hex}"), _GOOD_FOR, time.time())
    url = urlsplit(signed.url)
    origin = origin_of(f"{url.scheme}://{url.netloc}")
    program = Program(asked.image, asked.network, _PASS_ON, (origin.host, str(origin.port)), "bash")
    with started(asked.host, program) as trial, _Passing(trial) as passing:
        passing.wait_until_connected()
        began = time.monotonic()
        try:
            answer = _answer(
                passing.ours, signed, place.ca if origin.tls else None, origin.host if origin.tls else None
            )
        except ssl.SSLError as error:
            raise NotReached(f"its certificate is refused: {getattr(error, 'verify_message', '') or error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise NotReached(f"it does not answer: {error or type(error).__name__}") from None
    _require_heeded(*answer)
    return time.monotonic() - began


def _answer(connection: socket.socket, signed: Signed, ca: str | None, server: str | None) -> tuple[int, str]:
    """The status and body of what a server answers; by TLS where its name is given."""
    if server is not None:
        connection = ssl.create_default_context(cadata=ca).wrap_socket(connection, server_hostname=server)
    url = urlsplit(signed.url)
    client = http.client.HTTPConnection(url.netloc)
    client.sock = connection
    with closing(client):
        client.request("GET", f"{url.path}?{url.query}", headers=signed.headers)
        answer = client.getresponse()
        return answer.status, answer.read().decode(errors="replace")


def _require_heeded(status: int, body: str) -> None:
    code = re.search(r"<Code>(\w+)</Code>", body)
    if status == http.client.OK or (code and code[1] in _HEEDED):
        return
    if code is None:
        raise NotReached(f"what answers there is no S3 server (HTTP {status})")
    message = re.search(r"<Message>([^<]*)</Message>", body)
    raise NotReached(f"it refuses the request: {code[1]}{f': {message[1]}' if message else ''}")


class _Passing:
    """Bytes between a socket of ours and a container's streams, both ways, until the `with` ends."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.ours, self._theirs = socket.socketpair()
        self.ours.settimeout(ANSWERING)
        self._errors = ""
        self._known = threading.Event()  # that it is connected, or never will be

    def __enter__(self) -> _Passing:
        for target in (self._from_there, self._to_there):
            threading.Thread(target=target, name="passing", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.ours, self._theirs):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def wait_until_connected(self) -> None:
        """Raises NotReached."""
        if not self._known.wait(ANSWERING):
            raise NotReached(f"no answer in {ANSWERING:g} s")
        if _CONNECTED not in self._errors:
            raise NotReached(_words(self._errors))

    def _from_there(self) -> None:
        with suppress(OSError, EngineError):
            while (received := self._trial.receive())[1]:
                stream, part = received
                if stream == STDOUT:
                    self._theirs.sendall(part)
                else:
                    self._errors += part.decode(errors="replace")
                    if _CONNECTED in self._errors:
                        self._known.set()
        self._known.set()
        with suppress(OSError):
            self._theirs.shutdown(socket.SHUT_WR)

    def _to_there(self) -> None:
        with suppress(OSError):
            while part := self._theirs.recv(64 * 1024):
                self._trial.send(part)


def _words(errors: str) -> str:
    """The system's words among those of bash: `dockerflow: connect: Connection refused`."""
    first = next((line for line in errors.splitlines() if line.strip()), "the container ended")
    return first.rpartition(": ")[2].strip()
