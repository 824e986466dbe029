"""The settings of one user in one place: where they come from, and the one value that they become.

A later source wins over an earlier one, setting by setting: defaults, the user's file
(`$XDG_CONFIG_HOME/dockerflow/config.yaml`), the project's file (`.dockerflow/config.yaml`, found upwards from where one
stands), variables `DOCKERFLOW_<SETTING>`. Hosts are in files alone, and win host by host. `Config.sources` says for
each setting where it was found. A mistake names file, line and key. Options of a single command are its own and win
over all of these. How files are read and written is in `setting_files`, what is said of hosts in `host_files`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow import host_files
from dockerflow.host_settings import HostSettings
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setting_files import is_file, pairs, place, set_in_file, text_of, unset_in_file, who
from dockerflow.setting_values import HOSTS, SETTINGS, ConfigError, converted, unknown

if TYPE_CHECKING:
    import yaml

__all__ = [
    "SETTINGS",
    "Config",
    "ConfigError",
    "load_config",
    "misspelt_variables",
    "project_file",
    "set_in_file",
    "state_dir",
    "unset_in_file",
    "user_file",
]

FILE = "config.yaml"
DEFAULT = "default"


# What the environment may say that is no setting.
OTHER_VARIABLES = (
    "DOCKERFLOW_USER",
    "DOCKERFLOW_S3_ACCESS_KEY",
    "DOCKERFLOW_S3_SECRET_KEY",
    "DOCKERFLOW_S3_SESSION_TOKEN",
)
# Parameters and configs of any name.
_OF_FLOWS = ("DOCKERFLOW_RUN_", "DOCKERFLOW_FLOW_")


@dataclass(frozen=True)
class Config:
    """All settings, complete. `engine` None: Docker's own default; `store` None: `.dockerflow`, found upwards; else the
    absolute path of a folder, or `s3://bucket/prefix`. What else is None is found out when a bucket is opened."""

    channels: tuple[str, ...] = ("conda-forge",)
    indexes: tuple[str, ...] = ()  # empty: the ones that uv is configured for
    base_image: str = "debian:bookworm-slim"
    store: str | None = None
    store_patience: float = 120.0
    s3_endpoint: str | None = None
    s3_containers_endpoint: str | None = None
    s3_region: str | None = None
    s3_addressing: str = "auto"
    s3_ca: Path | None = None
    s3_profile: str | None = None
    s3_credentials: Path | None = None
    cache_dir: Path = field(default_factory=lambda: _xdg("CACHE", ".cache"))
    data_dir: Path = field(default_factory=lambda: _xdg("DATA", ".local/share"))
    network: str = "bridge"
    engine: str | None = None
    hosts: Mapping[str, HostSettings] = field(default_factory=dict)  # by name
    host_patience: float = 180.0
    sources: Mapping[str, str] = field(default_factory=dict)  # setting -> `file:line` or variable

    def source(self, setting: str) -> str:
        """Where a setting was found: `file:line`, a variable's name, or `default`."""
        return self.sources.get(setting, DEFAULT)


def user_file() -> Path:
    return _xdg("CONFIG", ".config") / FILE


def project_file(start: Path) -> Path | None:
    """The nearest `.dockerflow/config.yaml`, from `start` upwards. Raises ConfigError where one may not look for it."""
    folders = [start.resolve(), *start.resolve().parents]
    return next((path for folder in folders if is_file(path := folder / ".dockerflow" / FILE)), None)


def load_config(start: Path | None = None) -> Config:
    """The settings that hold for a command started in `start` (default: the working directory).

    Raises ConfigError naming file, line and key.
    """
    start = Path.cwd() if start is None else start
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting, value, source in _settings(start):
        if setting == HOSTS:  # a host of the project's is in place of the user's of that name, with all that it says
            values[HOSTS] = {**values.get(HOSTS, {}), **value}
        else:
            values[setting], sources[setting] = value, source
    return Config(**values, sources=sources)


def _settings(start: Path) -> Iterator[tuple[str, Any, str]]:
    """Every setting that is set anywhere, the ones that win last."""
    project = project_file(start)
    if is_file(user_file()):
        yield from _in_file(user_file(), user_file().parent)
    if project is not None:
        yield from _in_file(project, project.parent.parent)
    for setting, about in SETTINGS.items():
        variable = f"DOCKERFLOW_{setting.upper()}"
        given = os.environ.get(variable, "")
        if given:
            words = given.replace(",", " ").split() if about.kind == "list" else given
            yield setting, converted(setting, words, start, variable), variable


def _in_file(path: Path, folder: Path) -> Iterator[tuple[str, Any, str]]:
    found = pairs(path, text_of(path))
    for number, (key, value) in enumerate(found):
        setting, where = str(key.value), place(path, key)
        if setting == HOSTS:
            _require_once(path, [each for each, _ in found[: number + 1] if each.value == HOSTS])
            yield HOSTS, host_files.read(path, value, folder), where
            continue
        if setting not in SETTINGS:
            raise unknown(setting, where)
        if not value.tag.endswith(":null"):
            yield setting, converted(setting, _plain(setting, value, path), folder, where), where


def _require_once(path: Path, keys: list[yaml.ScalarNode]) -> None:
    """Of other settings the last one holds; hosts in two places would look as if all of them were there."""
    if len(keys) > 1:
        first = keys[0].start_mark.line + 1
        raise ConfigError(
            f"{place(path, keys[1])}: `{HOSTS}` is there twice, first in line {first}.",
            "write all hosts below the first",
        )


def _plain(setting: str, value: yaml.Node, path: Path) -> str | list[str]:
    """A YAML value as text or a list of texts, as the setting wants it."""
    is_list = value.tag.endswith(":seq")
    items = value.value if is_list else [value]
    kind = SETTINGS[setting].kind
    tags = (":int", ":float") if kind == "number" else (":str",)
    if is_list != (kind == "list") or any(not item.tag.endswith(tags) for item in items):
        wanted = {"list": "a list of texts", "number": "a number"}.get(kind, "text")
        raise ConfigError(
            f"{place(path, value)}: `{setting}` must be {wanted}.", f"`{setting}`: {SETTINGS[setting].help}"
        )
    texts = [str(item.value) for item in items]
    return texts if is_list else texts[0]


def _xdg(kind: str, default: str) -> Path:
    variable = f"XDG_{kind}_HOME"
    try:
        folder = os.environ.get(variable) or Path.home() / default
    except RuntimeError:
        raise ConfigError(
            f"{who()} has no home folder, and {variable} is not set.", f"set HOME or {variable} to a folder"
        ) from None
    return Path(folder) / "dockerflow"


def misspelt_variables() -> Iterator[tuple[str, str]]:
    """Variables of the environment that no part of dockerflow reads, each with the one that was probably meant."""
    known = [*(f"DOCKERFLOW_{setting.upper()}" for setting in SETTINGS), *OTHER_VARIABLES]
    for name in sorted(os.environ):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
        if name.startswith("DOCKERFLOW_") and near and name not in known and not name.startswith(_OF_FLOWS):
            yield name, near[0]


def state_dir() -> Path:
    """Where logs of what outlives a command are written."""
    return _xdg("STATE", ".local/state")
