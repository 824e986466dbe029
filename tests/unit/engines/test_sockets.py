"""Connections to remote hosts: a dead one is noticed, and many at once find room."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest
from docker.tls import TLSConfig

from dockerflow.engines.address import Address
from dockerflow.engines.boundary import translate
from dockerflow.engines.sockets import tcp_client, unix_client

LIMIT = 60.0
AT_ONCE = 64


class Answering(BaseHTTPRequestHandler):
    """Answers everything with what an engine says about its version."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.41"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Narrow(ThreadingMixIn, UnixStreamServer):
    """Has room for one who waits to be let in."""

    request_queue_size = 1
    daemon_threads = True


@pytest.fixture
def by_tcp() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_connection_by_tcp_is_asked_for_signs_of_life(by_tcp: str) -> None:
    """Also while nothing is to be sent; and what is sent must be taken."""
    with closing(tcp_client(by_tcp, None)) as client:
        answer = client.api.get(f"{client.api.base_url}/events", stream=True)
        made = answer.raw.connection.sock
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        numbers = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT]
        assert [made.getsockopt(socket.IPPROTO_TCP, number) for number in numbers] == [5, 5, 2, 15_000]
        answer.close()


def test_a_connection_is_made_in_ten_seconds_or_not_at_all(by_tcp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long an answer is waited for."""
    seen: list[object] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, address: object) -> None:
        seen.append(self.gettimeout())
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", noting)
    with closing(tcp_client(by_tcp, None)) as client:
        for timeout in (1800, None, (60, 1800)):
            client.api.close()
            client.api.get(f"{client.api.base_url}/_ping", timeout=timeout)
    assert set(seen) == {10.0}


def test_more_may_connect_to_a_socket_at_once_than_fit_into_its_queue(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with Narrow(str(path), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with closing(unix_client(str(path))) as client, ThreadPoolExecutor(AT_ONCE) as pool:
            together = threading.Barrier(AT_ONCE)

            def ask(number: int) -> int:
                together.wait(LIMIT)
                return int(client.api.get(f"{client.api.base_url}/_ping").status_code)

            assert list(pool.map(ask, range(AT_ONCE))) == [200] * AT_ONCE
        server.shutdown()


def test_a_host_that_speaks_no_tls_says_so(by_tcp: str) -> None:
    with pytest.raises((OSError, ssl.SSLError)) as caught:
        tcp_client(by_tcp, TLSConfig(verify=True))
    error = translate(caught.value, "reach its engine", Address(by_tcp, "gpu-box"))
    assert "it speaks no TLS at that port" in error.message
