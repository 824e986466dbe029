from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets.places import for_containers, for_host, in_region, place_of, scratch_of
from dockerflow.config import Config
from dockerflow.host_settings import HostSettings
from dockerflow.store.errors import StoreError

NAME = "s3://bucket/a/b"
SERVER = "http://minio.example.org:9000"


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def test_settings_say_which_server_bucket_prefix_and_region() -> None:
    found = place_of(NAME, Config(s3_endpoint=SERVER, s3_region="eu-1"))
    assert (found.endpoint, found.bucket, found.prefix, found.region) == (SERVER, "bucket", "a/b", "eu-1")
    assert found.url("x", {}) == f"{SERVER}/bucket/a/b/x"


def test_without_an_endpoint_it_is_aws_in_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    found = place_of(NAME, Config(s3_region="eu-central-1"))
    assert found.url("x", {}) == "https://bucket.s3.eu-central-1.amazonaws.com/a/b/x"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert place_of(NAME, Config()).endpoint == "https://s3.us-west-2.amazonaws.com"
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert place_of(NAME, Config()).endpoint == "https://s3.cn-north-1.amazonaws.com.cn"


def test_where_the_buckets_name_goes_can_be_said() -> None:
    virtual = Config(s3_endpoint=SERVER, s3_addressing="virtual")
    assert place_of(NAME, virtual).url("x", {}) == "http://bucket.minio.example.org:9000/a/b/x"
    by_path = Config(s3_region="eu-1", s3_addressing="path")
    assert place_of(NAME, by_path).url("x", {}) == "https://s3.eu-1.amazonaws.com/bucket/a/b/x"


def test_a_bucket_with_dots_is_not_put_before_the_host_unless_said() -> None:
    """No certificate is for such a name."""
    assert place_of("s3://my.bucket", Config(s3_region="eu-1")).url("x", {}).startswith("https://s3.eu-1")


def test_another_region_of_aws_is_another_endpoint_and_that_of_a_server_is_not() -> None:
    assert in_region(place_of(NAME, Config()), "eu-1").endpoint == "https://s3.eu-1.amazonaws.com"
    elsewhere = in_region(place_of(NAME, Config(s3_endpoint=SERVER)), "eu-1")
    assert (elsewhere.endpoint, elsewhere.region) == (SERVER, "eu-1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.1", "[::1]", "minio.localhost"])
def test_containers_see_this_machines_loopback_at_the_gateway(host: str) -> None:
    config = Config(s3_endpoint=f"https://{host}:9000")
    assert for_containers(place_of(NAME, config), config, "172.17.0.1").endpoint == "https://172.17.0.1:9000"


@pytest.mark.parametrize("host", ["minio.example.org", "10.1.2.3"])
def test_containers_see_other_machines_as_this_one_does(host: str) -> None:
    config = Config(s3_endpoint=f"https://{host}:9000")
    assert for_containers(place_of(NAME, config), config, None).endpoint == f"https://{host}:9000"


def test_containers_trust_whom_this_machine_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By TLS alone, and only where no authority is named. Their images may trust nobody."""
    one, other = (f"-----BEGIN CERTIFICATE-----\n{letter}=\n-----END CERTIFICATE-----" for letter in "ab")
    bundle, folder = tmp_path / "bundle.pem", tmp_path / "certificates"
    folder.mkdir()
    bundle.write_text(f"# Who it is: ö\n{one}\n", encoding="latin-1")
    (folder / "1.pem").write_text(one)
    (folder / "2.pem").write_text(
        f"{other}\n-----BEGIN TRUSTED CERTIFICATE-----\nc=\n-----END TRUSTED CERTIFICATE-----"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    config = Config(s3_endpoint="https://minio.example.org")
    assert for_containers(place_of(NAME, config), config, None).ca == f"{one}\n{other}\n"
    inside = replace(config, s3_containers_endpoint="http://minio:9000")
    assert for_containers(place_of(NAME, inside), inside, None).ca is None
    named = replace(config, s3_ca=folder / "1.pem")
    assert for_containers(place_of(NAME, named), named, None).ca == one


def test_an_endpoint_for_containers_can_be_said() -> None:
    config = Config(s3_endpoint="http://localhost:9000", s3_containers_endpoint="http://minio:9000")
    place = place_of(NAME, config)
    assert for_containers(place, config, "172.17.0.1").endpoint == "http://minio:9000"
    assert place.endpoint == "http://localhost:9000"


def test_containers_on_the_hosts_network_see_its_loopback() -> None:
    config = Config(s3_endpoint="http://localhost:9000", network="host")
    assert for_containers(place_of(NAME, config), config, None).endpoint == "http://localhost:9000"


def test_an_address_has_no_virtual_hosts() -> None:
    config = Config(s3_endpoint="http://localhost:9000", s3_addressing="virtual")
    assert for_containers(place_of(NAME, config), config, "172.17.0.1").url("x", {}) == (
        "http://172.17.0.1:9000/bucket/a/b/x"
    )


def test_containers_without_a_network_or_a_way_here_are_refused() -> None:
    alone = Config(s3_endpoint=SERVER, network="none")
    with pytest.raises(StoreError, match="have no network"):
        for_containers(place_of(NAME, alone), alone, "172.17.0.1")
    lost = Config(s3_endpoint="http://localhost:9000")
    with pytest.raises(StoreError, match="cannot reach `http://localhost:9000`"):
        for_containers(place_of(NAME, lost), lost, None)


def test_a_remote_host_has_an_address_of_the_server_of_its_own() -> None:
    host = HostSettings("box", "ssh://box", s3_endpoint="http://10.0.0.5:9000")
    config = Config(s3_endpoint="http://localhost:9000", s3_containers_endpoint="http://172.17.0.1:9000")
    assert for_host(place_of(NAME, config), config, host).endpoint == "http://10.0.0.5:9000"


@pytest.mark.parametrize(
    ("ours", "containers", "expected"),
    [
        ("http://minio.example.org:9000", None, "http://minio.example.org:9000"),
        ("http://minio.example.org:9000", "http://10.0.0.5:9000", "http://minio.example.org:9000"),
        ("http://localhost:9000", "http://10.0.0.5:9000", "http://10.0.0.5:9000"),
    ],
)
def test_without_one_a_remote_host_sees_the_server_where_others_do(
    ours: str, containers: str | None, expected: str
) -> None:
    config = Config(s3_endpoint=ours, s3_containers_endpoint=containers)
    assert for_host(place_of(NAME, config), config, HostSettings("box", "ssh://box")).endpoint == expected


def test_a_server_on_this_machine_alone_is_refused_for_a_remote_host_with_the_line_to_write() -> None:
    config, host = Config(s3_endpoint="http://localhost:9000"), HostSettings("box", "ssh://box", source="here.yaml:3")
    with pytest.raises(StoreError, match="steps on the host `box` cannot reach") as raised:
        for_host(place_of(NAME, config), config, host)
    assert "here.yaml:3" in (raised.value.hint or "")
    assert "s3_endpoint: http://ADDRESS:PORT" in (raised.value.hint or "")


def test_a_remote_host_whose_containers_have_no_network_is_refused() -> None:
    config, host = Config(s3_endpoint=SERVER), HostSettings("box", "ssh://box", network="none")
    with pytest.raises(StoreError, match="have no network"):
        for_host(place_of(NAME, config), config, host)


def test_stores_of_one_name_on_two_servers_share_no_folder() -> None:
    here, there = (place_of(NAME, Config(s3_endpoint=f"http://{host}:9000")) for host in ("here", "there"))
    assert scratch_of(here) != scratch_of(there)
    assert scratch_of(here) == scratch_of(place_of(NAME + "/", Config(s3_endpoint="http://here:9000")))


def test_certificates_are_taken_from_a_file(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
    (tmp_path / "ca.pem").write_text(pem)
    assert place_of(NAME, Config(s3_ca=tmp_path / "ca.pem")).ca == pem


@pytest.mark.parametrize("content", [b"not PEM", "schön".encode()])
def test_a_file_without_certificates_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(StoreError, match="has no certificate in PEM"):
        place_of(NAME, Config(s3_ca=tmp_path / "ca.pem"))
    with pytest.raises(StoreError, match="cannot be read: No such file"):
        place_of(NAME, Config(s3_ca=tmp_path / "none.pem"))
