"""Image registries on this machine, as real ones: open, with a password, with tokens, with TLS, read-only.

The program is Debian's `docker-registry`. It asks for passwords itself; for tokens it stands behind a door of ours,
since the servers that sign them are products of their own.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.engines.programs import debian

USER, PASSWORD = "ada", "a secret"
_HTPASSWD = f"{USER}:$2b$04$qW5NeapKKOf3BVr9tzbGjOZgZl4RP2YkcQdfKSe3mthzlTZkOCY92\n"
BASIC = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

PROGRAMS = {"docker-registry": "docker-registry", "skopeo": "skopeo", "openssl": "openssl"}


@contextmanager
def registry(folder: Path, *, password: bool = False, tls: bool = False, read_only: bool = False) -> Iterator[str]:
    """Its `host:port`; with `tls` its certificate is in `folder/cert.pem`. What it has lies below `folder/data`."""
    debian(PROGRAMS)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{_free_port()}"
    config = folder / "config.yml"
    config.write_text(json.dumps(_config(folder, address, password, tls, read_only)))
    with subprocess.Popen(
        ["docker-registry", "serve", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        said = process.stderr
        assert said is not None
        try:
            lines = []
            while "listening on" not in (line := said.readline()):
                lines.append(line)
                assert line, "".join(lines)
            threading.Thread(target=said.read, daemon=True).start()
            yield address
        finally:
            process.terminate()
            process.wait()


def _config(folder: Path, address: str, password: bool, tls: bool, read_only: bool) -> dict[str, Any]:
    http: dict[str, Any] = {"addr": address}
    if tls:
        http["tls"] = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
        _certificate(folder)
    found: dict[str, Any] = {
        "version": 0.1,
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "maintenance": {"readonly": {"enabled": read_only}},
        },
        "http": http,
    }
    if password:
        (folder / "htpasswd").write_text(_HTPASSWD)
        found["auth"] = {"htpasswd": {"realm": "the tests", "path": str(folder / "htpasswd")}}
    return found


def _certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Door(ThreadingHTTPServer):
    """Lets to the registry at `behind` whoever has a token, which it gives to whoever has the password.

    A token holds for `uses` requests, so that one that has run out in the middle is met, too.
    """

    def __init__(self, behind: str, uses: int) -> None:
        super().__init__(("127.0.0.1", 0), _DoorKeeper)
        self.behind = behind
        self.uses = uses
        self.scopes: list[str] = []
        self.left: dict[str, int] = {}
        self.guard = threading.Lock()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def door(behind: str, uses: int = 1000) -> Iterator[Door]:
    with Door(behind, uses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _DoorKeeper(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/token?"):
            self._token()
        elif not self._admitted():
            challenge = f'Bearer realm="http://{self.server.address}/token",service="the tests"'
            self._say(401, b"{}", {"WWW-Authenticate": challenge})
        else:
            self._forward(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer  # noqa: N815 - the names are the library's

    def _token(self) -> None:
        if self.headers.get("Authorization") != BASIC:
            self._say(401, b'{"details": "who are you?"}', {})
            return
        with self.server.guard:
            self.server.scopes.append(self.path)
            token = f"token-{len(self.server.scopes)}"
            self.server.left[token] = self.server.uses
        self._say(200, json.dumps({"token": token}).encode(), {})

    def _admitted(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.server.guard:
            self.server.left[token] = self.server.left.get(token, 0) - 1
            return self.server.left[token] >= 0

    def _forward(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self.server.behind)
        headers = {name: value for name, value in self.headers.items() if name != "Authorization"}
        connection.request(self.command, self.path, body, headers)  # Host is the door's: so are the places it names
        found = connection.getresponse()
        self._say(found.status, found.read(), dict(found.getheaders()))
        connection.close()

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "date", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
