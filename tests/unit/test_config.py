"""The settings: which source wins, what a mistake says, and that writing one keeps the others."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from dockerflow.config import (
    SETTINGS,
    Config,
    ConfigError,
    load_config,
    misspelt_variables,
    project_file,
    set_in_file,
    user_file,
)
from dockerflow.setting_values import HOSTS
from tests.unit.unprivileged import unprivileged


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder, with a folder inside where the command is started."""
    (tmp_path / ".dockerflow").mkdir()
    (tmp_path / "flows").mkdir()
    return tmp_path


def write_user(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text)


def write_project(project: Path, text: str) -> None:
    (project / ".dockerflow" / "config.yaml").write_text(text)


def test_without_any_file_all_settings_have_their_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.channels == ("conda-forge",)
    assert config.base_image == "debian:bookworm-slim"
    assert config.store is None
    assert {config.source(setting) for setting in SETTINGS} == {"default"}


def test_folders_are_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(tmp_path)
    assert config.cache_dir == tmp_path / "c" / "dockerflow"
    assert config.data_dir == tmp_path / ".local/share/dockerflow"


def test_every_setting_is_a_field_of_the_value() -> None:
    assert set(SETTINGS) | {HOSTS, "sources"} == set(Config.__dataclass_fields__)


def test_a_later_source_wins_setting_by_setting(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_user("network: host\nbase_image: user:1\nengine: tcp://user\n")
    write_project(project, "# ours\nbase_image: project:1\nengine: tcp://project\n")
    monkeypatch.setenv("DOCKERFLOW_ENGINE", "tcp://variable")
    config = load_config(project / "flows")
    assert (config.network, config.base_image, config.engine) == ("host", "project:1", "tcp://variable")
    assert config.source("network") == f"{user_file()}:1"
    assert config.source("base_image") == f"{project}/.dockerflow/config.yaml:2"
    assert config.source("engine") == "DOCKERFLOW_ENGINE"


def test_the_projects_file_is_found_upwards(project: Path) -> None:
    write_project(project, "network: none\n")
    assert project_file(project / "flows") == project / ".dockerflow" / "config.yaml"
    assert load_config(project / "flows").network == "none"


def test_paths_are_relative_to_where_they_are_written(project: Path) -> None:
    write_project(project, "store: ../elsewhere\nchannels: [./packages, conda-forge]\n")
    config = load_config(project / "flows")
    assert config.store == str(project.parent / "elsewhere")
    assert config.channels == ((project / "packages").as_uri(), "conda-forge")


def test_channels_in_a_variable_are_separated_by_commas_or_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKERFLOW_CHANNELS", "first, second third")
    assert load_config(tmp_path).channels == ("first", "second", "third")


def test_a_setting_without_a_value_is_not_set(project: Path) -> None:
    write_project(project, "engine:\n")
    assert load_config(project).engine is None


def test_an_empty_file_sets_nothing(project: Path) -> None:
    write_project(project, "# nothing yet\n")
    assert load_config(project).source("network") == "default"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: 1\n", ":1: there is no setting `a`.", "the settings are base_image"),
        ("network: x\nchanels: [a]\n", ":2: there is no setting `chanels`.", "did you mean `channels`?"),
        ("channels: conda-forge\n", ":1: `channels` must be a list of texts.", "`channels`: conda channels"),
        ("\nnetwork: [a]\n", ":2: `network` must be text.", "`network`: the Docker network"),
        ("engine: 5\n", ":1: `engine` must be text.", "`engine`: URL"),
        ("channels: [{a: b}]\n", ":1: `channels` must be a list of texts.", "`channels`: conda channels"),
        ("network: {a: b}\n", ":1: `network` must be text.", "`network`: the Docker network"),
        ("- a\n", ":1: settings were expected", "the settings are"),
        ("network: a\n b: c\n", ":2: this is not YAML", "one `setting: value` a line"),
        ("network: a\nengine: \x01\n", ":2: this is not YAML", "one `setting: value` a line"),
    ],
)
def test_a_mistake_names_file_line_and_key(project: Path, text: str, message: str, hint: str) -> None:
    write_project(project, text)
    with pytest.raises(ConfigError) as caught:
        load_config(project)
    assert f"{project}/.dockerflow/config.yaml{message}" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "channels:\n- a\n- b\n"),
        ("network: x  # why\n", "network: x  # why\nchannels:\n- a\n- b\n"),
        ("network: x", "network: x\nchannels:\n- a\n- b\n"),
        ("channels: [c]\n\n# the rest\nnetwork: x\n", "channels:\n- a\n- b\n\n# the rest\nnetwork: x\n"),
        ("channels:\n  - c\n  - d\n# the rest\nnetwork: x\n", "channels:\n- a\n- b\n# the rest\nnetwork: x\n"),
    ],
)
def test_writing_one_setting_keeps_the_rest_of_the_file(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.yaml"
    if before:
        path.write_text(before)
    set_in_file(path, "channels", ("a", "b"))
    assert path.read_text() == after


def test_a_setting_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """The system refuses to write so much to a file, as a full disk does."""
    path = tmp_path / "config.yaml"
    path.write_text("network: none\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            set_in_file(path, "channels", ("a", "b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("config.yaml", "network: none\n")]


def test_what_is_written_is_read_back() -> None:
    set_in_file(user_file(), "channels", ("file:///a b", "conda-forge"))
    set_in_file(user_file(), "network", "none")
    assert load_config(Path("/")).channels == ("file:///a b", "conda-forge")
    assert load_config(Path("/")).network == "none"


def test_a_file_that_may_not_be_read_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    write_project(project, "network: none\n")
    (project / ".dockerflow" / "config.yaml").chmod(0)
    project.chmod(0o755)
    with unprivileged(project), pytest.raises(ConfigError, match=f"{project}/.dockerflow/config.yaml: cannot be read"):
        load_config(project)


def test_a_folder_that_may_not_be_looked_into_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    (project / ".dockerflow").chmod(0)
    project.chmod(0o755)
    with (
        unprivileged(project),
        pytest.raises(ConfigError, match=f"{project}/.dockerflow: cannot look for `config.yaml`"),
    ):
        load_config(project)


def test_a_file_of_other_bytes_is_named(project: Path) -> None:
    (project / ".dockerflow" / "config.yaml").write_bytes(b"network: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"config.yaml: this is not text in UTF-8"):
        load_config(project)


@pytest.mark.parametrize("name", ["Bad Name", "Debian", "debian:", "-x", "a//b", "debian:a b"])
def test_what_is_not_the_name_of_an_image_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DOCKERFLOW_BASE_IMAGE", name)
    with pytest.raises(ConfigError, match=f"DOCKERFLOW_BASE_IMAGE: `{name}` is not the name of an image"):
        load_config(project)


@pytest.mark.parametrize(
    "name",
    [
        "debian",
        "debian:12",
        "docker.io/library/debian:a_B",
        "localhost:5000/a/b__c:1",
        f"x@sha256:{'0' * 64}",
        "my.own/a-b",
    ],
)
def test_every_name_of_an_image_is_taken(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DOCKERFLOW_BASE_IMAGE", name)
    assert load_config(project).base_image == name


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERFLOW_CHANEL", "x")
    monkeypatch.setenv("DOCKERFLOW_NETWORK", "none")
    monkeypatch.setenv("DOCKERFLOW_OF_MY_OWN", "x")
    assert list(misspelt_variables()) == [("DOCKERFLOW_CHANEL", "DOCKERFLOW_CHANNELS")]


def test_indexes_are_urls_or_folders(project: Path) -> None:
    write_project(project, "indexes: [https://host/simple, ./wheels, default]\n")
    assert load_config(project).indexes == ("https://host/simple", (project / "wheels").as_uri(), "default")
    assert load_config(project.parent).indexes == ()


@pytest.mark.parametrize(
    ("indexes", "message"),
    [
        ("https://me:secret@host/simple", "the package index `https://***@host/simple` has credentials in its URL."),
        ("https://secret@host/simple", "the package index `https://***@host/simple` has credentials in its URL."),
        ("https://host/simple?key=secret", "the package index `https://host/simple?***` has credentials in its URL."),
        ("pypi", "`pypi` is no package index."),
        ("default https://host/simple", "`default` is not the last index."),
    ],
)
def test_index_that_cannot_be_used_is_refused_without_its_secret(
    indexes: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKERFLOW_INDEXES", indexes)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert caught.value.message == f"DOCKERFLOW_INDEXES: {message}"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://me:secret@host/main", "https://host/t/secret/main"])
def test_channel_with_a_secret_in_its_url_is_refused_without_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKERFLOW_CHANNELS", f"conda-forge,{url}")
    with pytest.raises(ConfigError, match=r"the channel `.*` has credentials in its URL.") as caught:
        load_config(tmp_path)
    assert "RATTLER_AUTH_FILE" in str(caught.value)
    assert "secret" not in str(caught.value)
