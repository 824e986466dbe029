"""The object server's files in the repository say what the product does, and its commands explain what they lack."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dockerflow.cli.main import main
from dockerflow.config import load_config, set_in_file, unset_in_file
from dockerflow.setup import minio, minio_image, minio_server
from dockerflow.setup.services import settings_file

ROOT = Path(__file__).parents[3]


def test_the_dockerfile_ends_as_the_image_that_we_make() -> None:
    written = (ROOT / "images/minio/Dockerfile").read_text()
    last = written[written.index(f"FROM {minio_image.BASE}") :]
    assert last.replace("--from=built /go/bin/minio", "minio") == minio_image.DOCKERFILE
    assert f"{minio.PACKAGE}@{minio.VERSION}\n" in written
    assert (ROOT / "images/minio/healthy").read_text() == minio_image.HEALTHY


def test_compose_starts_what_up_starts() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    service = composed["services"]["minio"]
    assert service["image"] == minio_image.IMAGE
    assert service["user"] == f"{minio_image.USER}:{minio_image.USER}"
    assert service["volumes"] == [f"minio:{minio_image.HOME}"]
    assert composed["volumes"]["minio"]["name"] == minio_server.NAME
    assert [port.rsplit(":", 2)[1:] for port in service["ports"]] == [["9000", "9000"]] * 2
    assert service["healthcheck"]["test"] == ["CMD", "healthy"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]


def test_compose_has_no_password_of_its_own() -> None:
    """`${NAME:?…}`: Compose refuses to start where the variable is not set."""
    environment = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["minio"]["environment"]
    assert all(value.startswith(f"${{{name}:?") for name, value in environment.items())


def test_without_an_engine_up_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert main(["up"]) == 10
    said = capsys.readouterr().err
    assert said.startswith("error: no Docker engine answers at")
    assert "DOCKER_HOST" in said


def test_settings_go_to_the_project_unless_the_user_wants_them_everywhere(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    assert settings_file(tmp_path, for_user=False) == tmp_path / ".dockerflow/config.yaml"
    set_in_file(tmp_path / ".dockerflow/config.yaml", "network", "none")
    assert settings_file(tmp_path / "below", for_user=False) == tmp_path / ".dockerflow/config.yaml"
    assert settings_file(tmp_path, for_user=True).parent.name == "dockerflow"


def test_settings_that_are_taken_out_leave_the_others_and_their_comments(tmp_path: Path) -> None:
    path = tmp_path / ".dockerflow/config.yaml"
    path.parent.mkdir()
    path.write_text("# ours\nstore: here # for now\nnetwork: none\nchannels:\n- a\n- b\n# the end\n")
    unset_in_file(path, ["store", "channels", "engine"])
    assert path.read_text() == "# ours\nnetwork: none\n# the end\n"
    assert load_config(tmp_path).network == "none"
