"""Configuration files: what stands in them and in which line, and how one thing is changed while the rest stays.

A file is YAML with one `setting: value` a line, or more for lists and for `hosts`. A mistake names file and line.
Writing keeps every byte that it is not about, comments included, and leaves a file whole or as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow.setting_values import ConfigError, nearest
from dockerflow.store import files

if TYPE_CHECKING:
    import yaml

ONE_A_LINE = "one `setting: value` a line"


def is_file(path: Path) -> bool:
    """Raises ConfigError where one may not look."""
    try:
        return path.is_file()
    except OSError as error:
        raise ConfigError(
            f"{path.parent}: cannot look for `{path.name}` there: {error.strerror}.",
            f"make the folder readable for {who()}, or start in another place",
        ) from None


def text_of(path: Path) -> str:
    """Raises ConfigError for a file that cannot be read or is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.", f"make the file readable for {who()}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not text in UTF-8.", ONE_A_LINE) from None


def who() -> str:
    return f"the user with the id {os.geteuid()}"


def pairs(path: Path, text: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """The settings of a file's text, as YAML's nodes. Raises ConfigError for what is not YAML, or not settings."""
    import yaml  # noqa: PLC0415 - 20 ms that `import dockerflow` should not cost

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem}.", ONE_A_LINE) from None
    except yaml.YAMLError as error:  # a character that YAML does not have
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {getattr(error, 'reason', error)}.", ONE_A_LINE) from None
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:1: settings were expected, {ONE_A_LINE}.", nearest(""))
    found: list[tuple[yaml.ScalarNode, yaml.Node]] = root.value
    return found


def place(path: Path, node: yaml.Node) -> str:
    """`file:line` of a node."""
    return f"{path}:{node.start_mark.line + 1}"


def set_in_file(path: Path, setting: str, value: str | tuple[str, ...]) -> None:
    """Write one setting into a configuration file, made if it is not there. The rest, comments included, stays."""
    import yaml  # noqa: PLC0415 - as in `pairs`

    text = text_of(path) if is_file(path) else ""
    line = yaml.safe_dump({setting: list(value) if isinstance(value, tuple) else value}, default_flow_style=False)
    begin, end = next(((b, e) for key, b, e in _spans(path, text) if key == setting), (len(text), len(text)))
    if begin == len(text) and text and not text.endswith("\n"):
        line = "\n" + line
    rest = text[end:].removeprefix("\n") if end < len(text) else ""
    replace(path, text[:begin] + line + rest)


def unset_in_file(path: Path, settings: Iterable[str]) -> None:
    """Take settings out of a configuration file; nothing happens for those that are not there."""
    text = text_of(path)
    for begin, end in sorted(((b, e) for key, b, e in _spans(path, text) if key in settings), reverse=True):
        rest = text[end:].partition("\n")[2]  # without the comment beside it
        text = text[:begin] + rest
    replace(path, text)


def replace(path: Path, text: str) -> None:
    """Give a file other text, all of it at once."""
    with files.temporary(path.parent) as unfinished:
        unfinished.write(text.encode())
        unfinished.flush()
        files.move(Path(unfinished.name), path)


def last_of(value: yaml.Node) -> Any:
    """The node with which a value ends: a block's own end is behind the comments that follow it."""
    last: Any = value
    while last.tag.endswith((":seq", ":map")) and not last.flow_style and last.value:
        last = last.value[-1] if last.tag.endswith(":seq") else last.value[-1][1]
    return last


def _spans(path: Path, text: str) -> Iterator[tuple[str, int, int]]:
    """Where each setting stands in the text: its key's first character, and the one after its value's last."""
    for key, value in pairs(path, text):
        yield str(key.value), key.start_mark.index, last_of(value).end_mark.index
