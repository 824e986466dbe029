"""Where the engine is and how to speak with it, as docker's own client is told."""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dockerflow.engines.about import check_users
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError

ANSWER = {"ApiVersion": "1.41", "Version": "20.10", "Name": "far-away", "NCPU": 1, "MemTotal": 1 << 30}


class Engine(BaseHTTPRequestHandler):
    """Answers everything with what an engine says about itself."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that has signed itself, and its key: server, client and authority at once."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def address(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Of an engine that speaks with those alone who show the certificate."""
    server = HTTPServer(("localhost", 0), Engine)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate[0]))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"tcp://localhost:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


def test_the_current_context_says_how_to_speak_with_the_engine_too(
    tmp_path: Path, address: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hashlib.sha256(b"remote").hexdigest()
    meta, tls = tmp_path / "contexts" / "meta" / folder, tmp_path / "contexts" / "tls" / folder / "docker"
    meta.mkdir(parents=True)
    tls.mkdir(parents=True)
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "remote"}))
    endpoint = {"docker": {"Host": address, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "remote", "Metadata": {}, "Endpoints": endpoint}))
    for name, source in (("ca.pem", certificate[0]), ("cert.pem", certificate[0]), ("key.pem", certificate[1])):
        (tls / name).write_bytes(source.read_bytes())
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they go before what is said of one engine
        monkeypatch.delenv(name, raising=False)
    host = DockerHost.connect()
    assert host.name == "far-away"
    host.close()


def test_the_engine_of_this_machine_is_waited_for_as_long_as_asked_where_it_may_be_on_another() -> None:
    with HTTPServer(("127.0.0.1", 0), Engine) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with closing(DockerHost.connect(f"tcp://0.0.0.0:{server.server_port}", patience=7.0)) as host:
                assert host.watch.patience == 7.0
        finally:
            server.shutdown()
            serving.join()


def test_an_engine_that_gives_containers_other_users_is_refused() -> None:
    with pytest.raises(EngineError, match="users") as caught:
        check_users({"SecurityOptions": ["name=seccomp,profile=default", "name=userns"]}, "unix:///x.sock")
    assert "userns-remap" in (caught.value.hint or "")
    check_users({"SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}, "unix:///x.sock")
    check_users({"SecurityOptions": None}, "unix:///x.sock")
