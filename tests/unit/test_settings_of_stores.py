"""The settings of stores in buckets: what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.config import ConfigError, load_config


def settings(folder: Path, text: str) -> None:
    (folder / ".dockerflow").mkdir(exist_ok=True)
    (folder / ".dockerflow" / "config.yaml").write_text(text)


def test_settings_become_what_they_mean(tmp_path: Path) -> None:
    settings(
        tmp_path,
        "store: s3://bucket/a/\ns3_endpoint: https://minio:9000/\ns3_containers_endpoint: http://inside:1\n"
        "s3_region: eu-1\ns3_addressing: virtual\ns3_ca: ca.pem\ns3_profile: team\ns3_credentials: keys\n"
        "store_patience: 2.5\n",
    )
    config = load_config(tmp_path)
    assert config.store == "s3://bucket/a"
    assert (config.s3_endpoint, config.s3_containers_endpoint) == ("https://minio:9000", "http://inside:1")
    assert (config.s3_region, config.s3_addressing, config.s3_profile) == ("eu-1", "virtual", "team")
    assert (config.s3_ca, config.s3_credentials) == (tmp_path / "ca.pem", tmp_path / "keys")
    assert config.store_patience == 2.5


def test_variables_mean_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(tmp_path, "store: s3://bucket/a\nstore_patience: 7\n")
    monkeypatch.setenv("DOCKERFLOW_STORE", "s3://another/")
    monkeypatch.setenv("DOCKERFLOW_STORE_PATIENCE", "60")
    config = load_config(tmp_path)
    assert (config.store, config.store_patience) == ("s3://another", 60.0)
    monkeypatch.setenv("DOCKERFLOW_STORE", "data")
    assert load_config(tmp_path).store == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("store: s3://", "`store`: `s3://` names no store in a bucket."),
        ("store: https://host/bucket", "`store`: `https://host/bucket` names no store in a bucket."),
        ("s3_endpoint: minio:9000", "`s3_endpoint`: `minio:9000` is not the URL of a server."),
        ("s3_endpoint: http://host/bucket", "`s3_endpoint`: `http://host/bucket` is not the URL of a server."),
        ("s3_endpoint: http://host:99999", "`s3_endpoint`: `http://host:99999` is not the URL of a server."),
        ("s3_containers_endpoint: ftp://host", "`s3_containers_endpoint`: `ftp://host` is not the URL of a server."),
        ("s3_addressing: paths", "`s3_addressing` must be one of auto, path, virtual, and is `paths`."),
        ("store_patience: -1", "`store_patience` must be a number that is not negative, and is `-1`."),
        ("store_patience: soon", "`store_patience` must be a number."),
        ("store_patience: .inf", "`store_patience` must be a number that is not negative, and is `.inf`."),
        ("s3_region: 1", "`s3_region` must be text."),
    ],
)
def test_a_mistake_is_told_with_its_place(line: str, message: str, tmp_path: Path) -> None:
    settings(tmp_path, f"# settings\n{line}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path)
    assert refused.value.message == f"{tmp_path}/.dockerflow/config.yaml:2: {message}"


def test_a_variable_that_is_no_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERFLOW_STORE_PATIENCE", "nan")
    with pytest.raises(ConfigError, match="DOCKERFLOW_STORE_PATIENCE: `store_patience` must be a number"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "store: s3://me:hushed@bucket",
        "s3_endpoint: https://me:hushed@host",
        "s3_endpoint: https://host?token=hushed",
        "s3_access_key: hushed",
        "s3_secret_key: hushed",
        "aws_secret_access_key: hushed",
        "secret_key: hushed",
        "minio_root_password: hushed",
        "password: hushed",
    ],
)
def test_what_may_be_secret_is_refused_with_where_it_goes_and_not_shown(line: str, tmp_path: Path) -> None:
    settings(tmp_path, f"{line}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path)
    assert "hushed" not in str(refused.value)
    assert "DOCKERFLOW_S3_SECRET_KEY" in str(refused.value.hint)
