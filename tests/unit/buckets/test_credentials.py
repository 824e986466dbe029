from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerflow.buckets.credentials import identity
from dockerflow.config import Config
from dockerflow.store.errors import AccessDenied, StoreError

SECRET = "hushed-71b0"


@pytest.fixture(autouse=True)
def _nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def profile(name: str, access_key: str, more: str = "") -> str:
    return f"[{name}]\naws_access_key_id = {access_key}\naws_secret_access_key = {SECRET}\n{more}"


def test_what_is_set_for_dockerflow_goes_before_what_is_there_for_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Taken away one by one, the next one counts."""
    write(tmp_path / "home" / ".aws" / "credentials", profile("default", "default-of-aws") + profile("team", "of-team"))
    ours = write(tmp_path / "ours", profile("default", "of-file"))
    pairs = (
        ("DOCKERFLOW_S3_ACCESS_KEY", "DOCKERFLOW_S3_SECRET_KEY"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
        ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
    )
    for access, secret in pairs:
        monkeypatch.setenv(access, access)
        monkeypatch.setenv(secret, SECRET)

    assert identity(Config(s3_credentials=ours))().access_key == "DOCKERFLOW_S3_ACCESS_KEY"
    monkeypatch.delenv("DOCKERFLOW_S3_ACCESS_KEY")
    assert identity(Config(s3_credentials=ours))().access_key == "of-file"
    assert identity(Config(s3_profile="team"))().access_key == "of-team"
    for access, _ in pairs[1:]:
        assert identity(Config())().access_key == access
        monkeypatch.delenv(access)
    assert identity(Config())().access_key == "default-of-aws"
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert identity(Config())().access_key == "of-team"


def test_temporary_credentials_have_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = write(tmp_path / "ours", profile("default", "key", "aws_session_token = token\n"))
    assert identity(Config(s3_credentials=ours))().session_token == "token"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert identity(Config())().session_token is None
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    assert identity(Config())().session_token == "another"


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    """Credentials that are good for an hour are renewed there in the middle of a run."""
    ours = write(tmp_path / "ours", profile("default", "first"))
    who = identity(Config(s3_credentials=ours))
    assert who().access_key == "first"
    write(tmp_path / "ours", profile("default", "the-second"))
    assert who().access_key == "the-second"


def test_without_any_credentials_it_is_said_where_they_go() -> None:
    with pytest.raises(AccessDenied, match="no credentials") as refused:
        identity(Config())
    assert "DOCKERFLOW_S3_ACCESS_KEY" in str(refused.value.hint)


def test_half_of_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERFLOW_S3_ACCESS_KEY", "key")
    with pytest.raises(AccessDenied, match="DOCKERFLOW_S3_SECRET_KEY is not"):
        identity(Config())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_of_ours_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    ours = write(tmp_path / "ours", profile("default", "key"), mode)
    with pytest.raises(StoreError, match="may be read by others") as refused:
        identity(Config(s3_credentials=ours))
    assert f"chmod 600 {ours}" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (profile("other", "key"), "there is no profile `default`.*there are: `other`"),
        ("", "there are: none"),
        ("[default]\naws_access_key_id = key\n", "has no `aws_secret_access_key`"),
        (f"[default]\naws_secret_access_key = {SECRET}\n", "has no `aws_access_key_id`"),
        (f"{SECRET}\n", "cannot be read: it is written as"),
        (profile("default", "key") * 2, "cannot be read: it is written as"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(text: str, message: str, tmp_path: Path) -> None:
    ours = write(tmp_path / "ours", text)
    with pytest.raises(StoreError, match=message) as refused:
        identity(Config(s3_credentials=ours))
    assert str(ours) in refused.value.message
    assert SECRET not in str(refused.value)


def test_a_secret_is_read_as_it_is(tmp_path: Path) -> None:
    """Percent signs, equals signs and quotes mean nothing in it."""
    secret = "a%b%%c=d;e#f\"g'"
    ours = write(tmp_path / "ours", f"[default]\naws_access_key_id=key\naws_secret_access_key={secret}\n")
    assert identity(Config(s3_credentials=ours))().secret_key == secret


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"`{tmp_path}/none` cannot be read: No such file"):
        identity(Config(s3_credentials=tmp_path / "none"))


def test_credentials_are_never_in_a_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    who = identity(Config())
    assert SECRET not in repr(who) + repr(who())
