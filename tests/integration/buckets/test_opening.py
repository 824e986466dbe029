"""What is said when a store in a bucket is opened: by real servers, and by what is none."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from minio import time as sdk_time

from dockerflow.buckets.errors import NoBucket, WrongRegion
from dockerflow.buckets.opening import open_bucket, open_store, store_named
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.config import Config
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from tests.integration.buckets.certificates import make
from tests.object_servers import ACCESS_KEY, SECRET_KEY, Bucket, ObjectServer, running
from tests.private_server import PrivateServer


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKERFLOW_S3_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("DOCKERFLOW_S3_SECRET_KEY", SECRET_KEY)


@pytest.fixture
def known(object_server: ObjectServer) -> Config:
    return Config(s3_endpoint=object_server.endpoint)


@pytest.fixture(params=["minio", "versitygw"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectServer]:
    """A server in a region of its own."""
    variables = {"MINIO_REGION": "eu-tests-1", "VGW_REGION": "eu-tests-1"}
    with running(request.param, tmp_path / "data", variables=variables) as server:
        server.region = "eu-tests-1"
        yield server


def test_a_store_is_what_its_name_says(known: Config, object_bucket: Bucket, tmp_path: Path) -> None:
    assert isinstance(open_store(str(tmp_path), known), DirectoryStore)
    store = open_store(f"s3://{object_bucket.name}/a/b", known)
    assert store.name == f"s3://{object_bucket.name}/a/b"
    store.put("x/y", b"content")
    assert open_store(f"s3://{object_bucket.name}/a", known).keys() == ["b/x/y"]
    assert open_store(f"s3://{object_bucket.name}/a/b", known).get("x/y") == b"content"
    assert open_store(f"s3://{object_bucket.name}/a/bc", known).keys() == []


def test_a_bucket_that_is_not_there_is_told(known: Config) -> None:
    with pytest.raises(NoBucket, match="there is no bucket `never-made`"):
        open_bucket("s3://never-made", known)


def test_a_bucket_is_made_for_who_writes_and_that_is_told_once(known: Config) -> None:
    told: list[str] = []
    name = f"made-by-{os.getpid()}-{known.s3_endpoint.rpartition(':')[2]}"  # type: ignore[union-attr]
    open_bucket(f"s3://{name}/a", known, told.append).put("x", b"")
    assert open_bucket(f"s3://{name}/a", known, told.append).keys() == ["x"]
    assert told == [f"made the bucket `{name}` on the S3 server `{known.s3_endpoint}`"]


def test_the_region_is_asked_for_where_no_setting_says_it(elsewhere: ObjectServer) -> None:
    name, config = f"s3://{elsewhere.bucket()}", Config(s3_endpoint=elsewhere.endpoint)
    objects = open_bucket(name, config).objects
    assert isinstance(objects, SdkObjects)
    assert objects.place.region == "eu-tests-1"
    objects.put("x", b"content")
    assert open_bucket(name, replace(config, s3_region="eu-tests-1")).get("x") == b"content"
    with pytest.raises(WrongRegion, match="not in the region `us-west-2`: it is in `eu-tests-1`"):
        open_bucket(name, replace(config, s3_region="us-west-2"))


def test_a_wrong_secret_is_told_apart_from_an_unknown_key(
    known: Config, object_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKERFLOW_S3_SECRET_KEY", "hushed-wrong")
    with pytest.raises(AccessDenied, match=r"knows the access key of the variable .* the secret key is another") as no:
        open_bucket(f"s3://{object_bucket.name}", known)
    assert "hushed-wrong" not in str(no.value)
    monkeypatch.setenv("DOCKERFLOW_S3_ACCESS_KEY", "a-stranger")
    with pytest.raises(AccessDenied, match="does not know the access key"):
        open_bucket(f"s3://{object_bucket.name}", known)


def test_a_clock_that_is_off_is_told_with_what_the_server_says(
    known: Config, object_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = sdk_time.utcnow() + timedelta(hours=1)
    monkeypatch.setattr(sdk_time, "utcnow", lambda: late)
    with pytest.raises(StoreError, match=r"clock differs too much .* which says it is \d{4}-.* UTC") as refused:
        open_bucket(f"s3://{object_bucket.name}", known)
    assert "timedatectl" in str(refused.value.hint)


def test_a_server_that_is_not_there_is_told_at_once_and_not_after_the_patience() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable, match="in 5 s: Connection refused") as refused:
            open_bucket("s3://bucket", Config(s3_endpoint=endpoint, store_patience=1e6))
        assert "`s3_endpoint`" in str(refused.value.hint)
        assert "`store_patience`" not in str(refused.value.hint)
        assert refused.value.__suppress_context__
    with pytest.raises(Unreachable, match="its name is not known here"):
        open_bucket("s3://bucket", Config(s3_endpoint="http://nowhere.invalid", store_patience=0.1))


def test_what_is_no_s3_server_is_told(tmp_path: Path) -> None:
    (tmp_path / "bucket").write_text("<html></html>")
    with PrivateServer(tmp_path, "basic") as server, pytest.raises(StoreError, match="is no S3 server"):
        open_bucket("s3://bucket", Config(s3_endpoint=server.url))


def test_http_where_tls_is_spoken_is_told(tls_server: ObjectServer) -> None:
    """By MinIO; versitygw only hangs up."""
    with pytest.raises(StoreError, match=r"speaks TLS|it may want `https://`") as refused:
        open_bucket("s3://bucket", Config(s3_endpoint=f"http://127.0.0.1:{tls_server.port}", store_patience=0.1))
    assert "https://" in str(refused.value)


def test_tls_where_http_is_spoken_is_told(object_server: ObjectServer) -> None:
    with pytest.raises(StoreError, match="does not speak TLS") as refused:
        open_bucket("s3://bucket", Config(s3_endpoint=f"https://127.0.0.1:{object_server.port}"))
    assert object_server.endpoint in str(refused.value.hint)


@pytest.fixture(scope="module", params=["minio", "versitygw"])
def tls_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    folder = tmp_path_factory.mktemp("tls")
    with running(request.param, folder / "data", certificates=make(folder / "certificates")) as server:
        yield server


@pytest.fixture
def trusting(tls_server: ObjectServer) -> Config:
    return Config(s3_endpoint=tls_server.endpoint, s3_ca=tls_server.folder.parent / "ca.pem")


def test_a_certificate_of_an_authority_of_ones_own_is_trusted_where_it_is_named(trusting: Config) -> None:
    store = open_bucket("s3://by-tls/a", trusting, lambda told: None)
    store.put("x", b"content")
    blob = store.blobs.put([b"large" * 5_000_000])
    assert open_bucket("s3://by-tls/a", trusting).get("x") == b"content"
    store.blobs.verify(blob)
    with pytest.raises(StoreError, match="is not trusted: unable to get local issuer certificate") as refused:
        open_bucket("s3://by-tls/a", replace(trusting, s3_ca=None))
    assert "`s3_ca`" in str(refused.value.hint)


def test_a_certificate_is_for_the_name_of_its_server_alone(trusting: Config, tls_server: ObjectServer) -> None:
    with pytest.raises(StoreError, match=r"is not trusted: .*127\.0\.0\.2"):
        open_bucket("s3://by-tls", replace(trusting, s3_endpoint=tls_server.endpoint_at("127.0.0.2")))


@pytest.fixture
def names_below_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """All names below `localhost` are this machine, as RFC 6761 has it; not every resolver does it."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **named: object) -> object:
        return real("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.usefixtures("names_below_localhost")
@pytest.mark.parametrize("tls", [False, True])
def test_the_buckets_name_may_go_before_the_host(tls: bool, tmp_path: Path) -> None:
    certificates = make(tmp_path / "certificates", "IP:127.0.0.1,DNS:s3.localhost,DNS:*.s3.localhost") if tls else None
    with running("minio", tmp_path / "data", certificates, variables={"MINIO_DOMAIN": "s3.localhost"}) as server:
        ca = tmp_path / "ca.pem" if tls else None
        config = Config(s3_endpoint=server.endpoint_at("s3.localhost"), s3_addressing="virtual", s3_ca=ca)
        store = open_bucket("s3://bucket/a", config, lambda told: None)
        store.put("x/y", b"content")
        blob = store.blobs.put([b"large" * 5_000_000])
        assert (store.keys("x"), store.children("x")) == (["x/y"], ["y"])
        store.blobs.verify(blob)
        store.delete("x/y")
        by_path = replace(config, s3_endpoint=server.endpoint, s3_addressing="path")
        assert open_bucket("s3://bucket/a", by_path).blobs.size(blob) == 25_000_000


def test_the_client_opens_a_store_once(object_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERFLOW_S3_ENDPOINT", object_bucket.server.endpoint)
    assert store_named(f"s3://{object_bucket.name}/a") is store_named(f"s3://{object_bucket.name}/a")
    assert store_named(f"s3://{object_bucket.name}/a") is not store_named(f"s3://{object_bucket.name}/b")
