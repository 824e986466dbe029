"""The settings of one user in one place: where they come from, and the one value that they become.

A later source wins over an earlier one, setting by setting: defaults, the user's file
(`$XDG_CONFIG_HOME/dockerflow/config.yaml`), the project's file (`.dockerflow/config.yaml`, found upwards from where one
stands), variables `DOCKERFLOW_<SETTING>`. `Config.sources` says for each setting where it was found. A mistake names
file, line and key. Options of a single command are its own and win over all of these.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setting_values import SETTINGS, ConfigError, converted, nearest, unknown
from dockerflow.store import files

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
    sources: Mapping[str, str] = field(default_factory=dict)  # setting -> `file:line` or variable

    def source(self, setting: str) -> str:
        """Where a setting was found: `file:line`, a variable's name, or `default`."""
        return self.sources.get(setting, DEFAULT)


def user_file() -> Path:
    return _xdg("CONFIG", ".config") / FILE


def project_file(start: Path) -> Path | None:
    """The nearest `.dockerflow/config.yaml`, from `start` upwards. Raises ConfigError where one may not look for it."""
    folders = [start.resolve(), *start.resolve().parents]
    return next((path for folder in folders if _is_file(path := folder / ".dockerflow" / FILE)), None)


def load_config(start: Path | None = None) -> Config:
    """The settings that hold for a command started in `start` (default: the working directory).

    Raises ConfigError naming file, line and key.
    """
    start = Path.cwd() if start is None else start
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting, value, source in _settings(start):
        values[setting], sources[setting] = value, source
    return Config(**values, sources=sources)


def set_in_file(path: Path, setting: str, value: str | tuple[str, ...]) -> None:
    """Write one setting into a configuration file, made if it is not there. The rest, comments included, stays."""
    import yaml  # noqa: PLC0415 - 20 ms that `import dockerflow` should not cost

    text = _text(path) if _is_file(path) else ""
    line = yaml.safe_dump({setting: list(value) if isinstance(value, tuple) else value}, default_flow_style=False)
    begin, end = next(((b, e) for key, b, e in _spans(path, text) if key == setting), (len(text), len(text)))
    if begin == len(text) and text and not text.endswith("\n"):
        line = "\n" + line
    rest = text[end:].removeprefix("\n") if end < len(text) else ""
    _replace(path, text[:begin] + line + rest)


def unset_in_file(path: Path, settings: Iterable[str]) -> None:
    """Take settings out of a configuration file; nothing happens for those that are not there."""
    text = _text(path)
    for begin, end in sorted(((b, e) for key, b, e in _spans(path, text) if key in settings), reverse=True):
        rest = text[end:].partition("\n")[2]  # without the comment beside it
        text = text[:begin] + rest
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    with files.temporary(path.parent) as unfinished:
        unfinished.write(text.encode())
        unfinished.flush()
        files.move(Path(unfinished.name), path)


def _settings(start: Path) -> Iterator[tuple[str, Any, str]]:
    """Every setting that is set anywhere, the ones that win last."""
    project = project_file(start)
    if _is_file(user_file()):
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
    for key, value in _pairs(path, _text(path)):
        setting, place = str(key.value), f"{path}:{key.start_mark.line + 1}"
        if setting not in SETTINGS:
            raise unknown(setting, place)
        if value.tag.endswith(":null"):
            continue
        yield setting, converted(setting, _plain(setting, value, path), folder, place), place


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise ConfigError(
            f"{path.parent}: cannot look for `{path.name}` there: {error.strerror}.",
            f"make the folder readable for {_who()}, or start in another place",
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}.", f"make the file readable for {_who()}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not text in UTF-8.", "one `setting: value` a line") from None


def _who() -> str:
    return f"the user with the id {os.geteuid()}"


def _pairs(path: Path, text: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    import yaml  # noqa: PLC0415 - 20 ms that `import dockerflow` should not cost

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem}.", "one `setting: value` a line") from None
    except yaml.YAMLError as error:  # a character that YAML does not have
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise ConfigError(
            f"{path}:{line}: this is not YAML: {getattr(error, 'reason', error)}.", "one `setting: value` a line"
        ) from None
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:1: settings were expected, one `setting: value` a line.", nearest(""))
    pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = root.value
    return pairs


def _plain(setting: str, value: yaml.Node, path: Path) -> str | list[str]:
    """A YAML value as text or a list of texts, as the setting wants it."""
    is_list = value.tag.endswith(":seq")
    items = value.value if is_list else [value]
    kind = SETTINGS[setting].kind
    tags = (":int", ":float") if kind == "number" else (":str",)
    if is_list != (kind == "list") or any(not item.tag.endswith(tags) for item in items):
        wanted = {"list": "a list of texts", "number": "a number"}.get(kind, "text")
        place = f"{path}:{value.start_mark.line + 1}"
        raise ConfigError(f"{place}: `{setting}` must be {wanted}.", f"`{setting}`: {SETTINGS[setting].help}")
    texts = [str(item.value) for item in items]
    return texts if is_list else texts[0]


def _spans(path: Path, text: str) -> Iterator[tuple[str, int, int]]:
    """Where each setting stands in the text: its key's first character, and the one after its value's last."""
    for key, value in _pairs(path, text):
        last: Any = value
        while last.tag.endswith(":seq") and not last.flow_style and last.value:
            last = last.value[-1]  # a block's own end is after the comments that follow it
        yield str(key.value), key.start_mark.index, last.end_mark.index


def _xdg(kind: str, default: str) -> Path:
    variable = f"XDG_{kind}_HOME"
    try:
        folder = os.environ.get(variable) or Path.home() / default
    except RuntimeError:
        raise ConfigError(
            f"{_who()} has no home folder, and {variable} is not set.", f"set HOME or {variable} to a folder"
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
