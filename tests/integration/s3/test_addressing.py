"""TLS and virtual hosts: the small client and a MinIO of the test's own."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Request, WithCredentials
from tests.integration.s3.clients import Scene
from tests.object_servers import Bucket, ObjectServer, running


def client_of(place: Place, server: ObjectServer) -> SmallObjects:
    credentials = Scene(Bucket(server, place.bucket)).credentials
    return SmallObjects(place, WithCredentials(place, lambda: credentials), 5.0)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate for `localhost` and a bucket below it, which signs itself."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,DNS:bucket.localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "private.key"), "-out", str(folder / "public.crt")]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    return folder


def make_bucket(place: Place, server: ObjectServer) -> None:
    """By the way that is tested: the SDK does not know whom to trust."""
    plain = replace(place, virtual_host=False)
    credentials = Scene(Bucket(server, place.bucket)).credentials
    Exchange(plain, WithCredentials(plain, lambda: credentials), 5.0).ask(Request("PUT", None))


def test_a_server_with_a_certificate_of_its_own_is_trusted_by_its_authority(certificates: Path, tmp_path: Path) -> None:
    authority = (certificates / "public.crt").read_text()
    with running("minio", tmp_path / "data", certificates) as server:
        place = Place(server.endpoint, "bucket", "a/prefix", server.region, ca=authority)
        make_bucket(place, server)
        client = client_of(place, server)
        content = bytes(3 << 20)
        assert client.put("k", content)
        assert client.get("k") == content
        assert client.put("l", b"", new=True)
        assert [found.key for found in client.every("")] == ["k", "l"]


def test_a_certificate_that_nobody_trusts_is_refused_at_once(certificates: Path, tmp_path: Path) -> None:
    with running("minio", tmp_path / "data", certificates) as server:
        place = Place(server.endpoint, "bucket")
        with pytest.raises(StoreError, match=r"certificate of the S3 server .* is not trusted: self") as refused:
            client_of(place, server).get("k")
        assert "`s3_ca`" in str(refused.value)


def test_a_server_without_tls_and_a_client_that_wants_it_say_so(minio: ObjectServer) -> None:
    place = Place(minio.endpoint.replace("http:", "https:"), "bucket")
    with pytest.raises(StoreError, match="does not speak TLS"):
        client_of(place, minio).get("k")


def test_a_server_with_tls_and_a_client_without_say_so(certificates: Path, tmp_path: Path) -> None:
    with running("minio", tmp_path / "data", certificates) as server:
        place = Place(server.endpoint.replace("https:", "http:"), "bucket")
        with pytest.raises(StoreError, match="HTTP request to an HTTPS server"):
            client_of(place, server).get("k")


def test_text_that_is_no_certificate_is_refused(minio: ObjectServer) -> None:
    place = Place(minio.endpoint.replace("http:", "https:"), "bucket", ca="no certificate")
    with pytest.raises(StoreError, match="certificates to trust a server by cannot be read"):
        client_of(place, minio).get("k")


@pytest.fixture
def _names_below_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are this machine's wherever names are looked up as the standard says, which is not everywhere."""
    look_up = socket.getaddrinfo

    def looked_up(host: Any, *details: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        return look_up("127.0.0.1" if name.endswith(".localhost") else host, *details, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


@pytest.mark.usefixtures("_names_below_localhost")
@pytest.mark.parametrize("tls", [False, True])
def test_a_bucket_can_be_in_the_hosts_name(certificates: Path, tmp_path: Path, tls: bool) -> None:
    authority = (certificates / "public.crt").read_text() if tls else None
    domain = {"MINIO_DOMAIN": "localhost"}
    with running("minio", tmp_path / "data", certificates if tls else None, variables=domain) as server:
        place = Place(server.endpoint_at("localhost"), "bucket", "a/prefix", server.region, True, authority)
        make_bucket(place, server)
        client = client_of(place, server)
        assert client.put("a b+c", b"text")
        assert client.get("a b+c") == b"text"
        assert [found.key for found in client.every("")] == ["a b+c"]
        assert client.children("") == ["a b+c"]
        client.delete(["a b+c", "l"])
        assert list(client.every("")) == []
