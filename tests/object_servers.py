"""Real S3 servers for the tests: MinIO and versitygw, each started when it is first asked for.

    minio, versitygw      an `ObjectServer` that lives as long as the tests, with `stop()`, `kill()` and `start()`
    object_server         each of the two in turn
    minio_bucket, versitygw_bucket, object_bucket    a fresh bucket on it
    use_bucket            has commands find their store there

A test that stops a server starts one of its own by `running`; so does one that wants TLS or virtual hosts. They listen
on all addresses, for containers reach them at the bridge's gateway. The programs are built once and kept under the
tests' cache folder: `python -m tests.object_servers` does it, and says which they are.
"""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import minio as sdk
import pytest

from dockerflow.setup import go_programs
from dockerflow.setup import minio as minio_program
from dockerflow.setup.channel import LocalChannel
from tests.channel import cache

ACCESS_KEY = "tests-of-dockerflow"
# No other text of a test, a store or an image looks like it.
SECRET_KEY = "hushed-5d2fa94c77be01"
REGION = "us-east-1"
START_SECONDS = 60.0
LOOK_EVERY = 0.02

VERSITYGW = go_programs.GoProgram("github.com/versity/versitygw/cmd/versitygw", "v1.8.0")

# Of a process that dies with its parent, the parent is the thread that started it: this one lives as long as we do.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="object-servers")
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """`command` and `variables` are formatted with `program`, `folder` and `port`; `tls` with `certificates`, too."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    tls: tuple[str, ...]
    health: str


MINIO = Kind(
    "minio",
    ("{program}", "server", "{folder}", "--address", ":{port}", "--quiet"),
    {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "MINIO_BROWSER": "off"},
    ("--certs-dir", "{certificates}"),
    "/minio/health/cluster",
)
VERSITY = Kind(
    "versitygw",
    ("{program}", "--port", ":{port}", "--quiet", "--health", "/health", "posix", "{folder}"),
    {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
    (),  # by variables: its options stand before the word `posix`
    "/health",
)
KINDS = {kind.name: kind for kind in (MINIO, VERSITY)}


@dataclass
class ObjectServer:
    """A server with its data in `folder`. With `certificates`, a folder with `public.crt` and `private.key`, by TLS."""

    kind: Kind
    folder: Path
    port: int
    certificates: Path | None = None
    options: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """As this machine sees it."""
        return self.endpoint_at("127.0.0.1")

    def endpoint_at(self, host: str) -> str:
        """By another name of this machine: `bucket.localhost`, the bridge's gateway."""
        return f"{'https' if self.certificates else 'http'}://{host}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def client(self) -> sdk.Minio:
        """The SDK's client, with the right to do anything. Not for a server with TLS, whose CA nobody trusts."""
        return sdk.Minio(f"127.0.0.1:{self.port}", self.access_key, self.secret_key, region=self.region, secure=False)

    def bucket(self) -> str:
        """A new bucket; its name."""
        name = f"tests-{os.getpid()}-{next(_NUMBERS)}"
        self.client().make_bucket(name)
        return name

    def settings(self) -> dict[str, str]:
        """The variables by which a user's commands find the server, and may do anything there."""
        return {
            "DOCKERFLOW_S3_ENDPOINT": self.endpoint,
            "DOCKERFLOW_S3_REGION": self.region,
            "DOCKERFLOW_S3_ACCESS_KEY": self.access_key,
            "DOCKERFLOW_S3_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        """Start it and wait until it answers; with the data that it had."""
        assert self._process is None, "it runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [*self.kind.command, *self.options, *(self.kind.tls if self.certificates else ())]
        values = {
            "program": program(self.kind.name),
            "folder": self.folder,
            "port": self.port,
            "certificates": self.certificates,
        }
        command = ["setpriv", "--pdeathsig", "KILL", *(word.format(**values) for word in words)]
        with self.log.open("ab") as log:
            self._process = _STARTER.submit(
                subprocess.Popen,
                command,
                env={**os.environ, **self.kind.variables, **self._tls_variables(), **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then end it
            ).result()
        self._wait()

    @property
    def is_stopped(self) -> bool:
        return self._process is None

    def stop(self) -> None:
        """Let it end in order."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._end(kill=True)

    def _tls_variables(self) -> dict[str, str]:
        if self.certificates is None or self.kind is MINIO:
            return {}
        return {"VGW_CERT": f"{self.certificates}/public.crt", "VGW_KEY": f"{self.certificates}/private.key"}

    def _end(self, kill: bool) -> None:
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait()
            self._process = None

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            words = f"{self.kind.name} did not start: {self.log.read_text(errors='replace')[-2000:]}"
            assert self._process is not None
            assert self._process.poll() is None, words
            assert time.monotonic() < deadline, words
            time.sleep(LOOK_EVERY)

    def _answers(self) -> bool:
        if self.certificates is not None:  # TLS is what the test is about
            with socket.socket() as connection:
                return connection.connect_ex(("127.0.0.1", self.port)) == 0
        try:
            with urllib.request.urlopen(f"{self.endpoint}{self.kind.health}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@dataclass(frozen=True)
class Bucket:
    server: ObjectServer
    name: str


@contextmanager
def running(
    name: str,
    folder: Path,
    certificates: Path | None = None,
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Iterator[ObjectServer]:
    """A server of its own on a free port: `minio` or `versitygw`; stopped at the end, if it still runs."""
    server = ObjectServer(KINDS[name], folder, _free_port(), certificates, options, variables or {})
    server.start()
    try:
        yield server
    finally:
        server.kill()


def program(name: str) -> Path:
    """The program of `minio` or `versitygw`, built now if it is not there."""
    kept = cache() / "programs"
    return minio_program.program(kept) if name == "minio" else go_programs.program(VERSITYGW, kept)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with running("minio", tmp_path_factory.mktemp("minio") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with running("versitygw", tmp_path_factory.mktemp("versitygw") / "data") as server:
        yield server


@pytest.fixture(scope="session", params=list(KINDS))
def object_server(request: pytest.FixtureRequest) -> ObjectServer:
    found: ObjectServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def minio_bucket(minio: ObjectServer) -> Bucket:
    return Bucket(minio, minio.bucket())


@pytest.fixture
def versitygw_bucket(versitygw: ObjectServer) -> Bucket:
    return Bucket(versitygw, versitygw.bucket())


@pytest.fixture
def object_bucket(object_server: ObjectServer) -> Bucket:
    return Bucket(object_server, object_server.bucket())


class UseBucket(Protocol):
    def __call__(self, bucket: Bucket, prefix: str = "store") -> None: ...


@pytest.fixture
def use_bucket(test_channel: LocalChannel, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> UseBucket:
    """Has us, and the commands that we start, find the store in a bucket, and the tests' own channel and cache."""

    def use(bucket: Bucket, prefix: str = "store") -> None:
        settings = {
            "DOCKERFLOW_CHANNELS": test_channel.url,
            "DOCKERFLOW_CACHE_DIR": str(shared_cache),
            "DOCKERFLOW_STORE": f"s3://{bucket.name}/{prefix}",
            **bucket.server.settings(),
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    return use


if __name__ == "__main__":
    for kind in KINDS:
        said = subprocess.run([program(kind), "--version"], capture_output=True, text=True, check=True).stdout
        print(f"{kind}: {said.strip().splitlines()[0]} in {program(kind)}", flush=True)
