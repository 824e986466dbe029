"""`hosts:` in a configuration file: reading it, and adding and removing one host.

    hosts:
      gpu-box: ssh://me@gpu-box.example.org
      big:
        url: tcp://10.0.0.7:2376
        ca: certs/ca.pem

What a command changes is read back before the file is written: the same, but for that host. Where that does not hold,
as in a file with YAML's anchors, the file stays as it is and the user is told what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow import host_values
from dockerflow.host_settings import HostSettings
from dockerflow.host_values import Said
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setting_files import is_file, last_of, pairs, place, replace, text_of
from dockerflow.setting_values import HOSTS, ConfigError

if TYPE_CHECKING:
    import yaml

_AS = "write `name: URL` below `hosts:`, or `name:` and below it `url:` and other keys, one a line"
_INDENT = 2

# A host as YAML has it: its URL, or its keys.
Written = Mapping[str, str | int]


def read(path: Path, node: yaml.Node, folder: Path) -> dict[str, HostSettings]:
    """The hosts in the value of `hosts`. Raises ConfigError naming file, line and key."""
    if node.tag.endswith(":null"):
        return {}
    found: dict[str, HostSettings] = {}
    for name, value in _entries(path, node, "`hosts`").items():
        found[name.text] = host_values.host(name, _given(path, name, value), folder)
    return found


def _given(path: Path, name: Said, value: yaml.Node) -> dict[str, Said]:
    """What is written of one host, by key. One without a value is not said."""
    if value.tag.endswith(":str"):
        return {"url": Said(str(value.value), place(path, value))}
    given = {} if value.tag.endswith(":null") else _entries(path, value, f"host `{name.text}`")
    return {
        key.text: Said(_text(path, name, key, each), key.place)
        for key, each in given.items()
        if not each.tag.endswith(":null")
    }


def _text(path: Path, name: Said, key: Said, value: yaml.Node) -> str:
    """A number only where one is wanted; `host_values` says what is wrong with its text."""
    if value.tag.endswith(":str") or (key.text == "max_workers" and not isinstance(value.value, list)):
        return str(value.value)
    about = host_values.KEYS.get(key.text)
    hint = f"`{key.text}`: {about}" if about else _AS
    raise ConfigError(f"{key.place}: host `{name.text}`: `{key.text}` must be text.", hint)


def _entries(path: Path, node: yaml.Node, what: str) -> dict[Said, yaml.Node]:
    """The keys of a mapping with their places, none of them twice."""
    if not node.tag.endswith(":map"):
        raise ConfigError(f"{place(path, node)}: {what} must be keys with values.", _AS)
    found: dict[Said, yaml.Node] = {}
    first: dict[str, int] = {}
    for key, value in node.value:
        text, line = str(key.value), key.start_mark.line + 1
        if isinstance(key.value, list):
            raise ConfigError(f"{place(path, key)}: {what} must have names for keys.", _AS)
        if text in first:
            raise ConfigError(
                f"{path}:{line}: {what} has `{text}` twice, first in line {first[text]}.", "leave one out"
            )
        first[text] = line
        found[Said(text, f"{path}:{line}")] = value
    return found


def names(path: Path) -> list[str]:
    """Of the hosts in a file; none where there is no file. Raises ConfigError for a file that cannot be read."""
    found = _hosts(path, text_of(path)) if is_file(path) else None
    return [] if found is None else [str(key.value) for key, _ in found.entries]


def add(path: Path, name: str, written: Written) -> None:
    """Write a host that is not there into a file, made if need be. The rest, comments included, stays.

    Raises ConfigError for a file that cannot be read, or where no command can write it.
    """
    text = text_of(path) if is_file(path) else ""
    value: object = written["url"] if set(written) == {"url"} else dict(written)
    changed = _with(_hosts(path, text), text, _column(path, text), {name: value})
    hint = f"write it into the file:\n\n{_yaml({HOSTS: {name: value}}, 0)}".rstrip()
    _replace(path, text, changed, lambda hosts: {**hosts, name: value}, hint)


def remove(path: Path, name: str) -> None:
    """Take a host out of a file that has it. Raises ConfigError as `add` does."""
    text = text_of(path)
    found = _hosts(path, text)
    changed = text if found is None else _without(found, text, name)
    _replace(path, text, changed, lambda hosts: _but(hosts, name), f"take `{name}` out with an editor")


@dataclass(frozen=True)
class _Hosts:
    """`hosts` as it stands in a file."""

    key: yaml.Node
    value: yaml.Node

    @property
    def entries(self) -> list[tuple[yaml.Node, yaml.Node]]:
        return list(self.value.value) if self.value.tag.endswith(":map") else []

    @property
    def is_flow(self) -> bool:
        return bool(getattr(self.value, "flow_style", False))


def _hosts(path: Path, text: str) -> _Hosts | None:
    return next((_Hosts(key, value) for key, value in pairs(path, text) if key.value == HOSTS), None)


def _column(path: Path, text: str) -> int:
    """Where the file's settings begin in their lines."""
    return next((int(key.start_mark.column) for key, _ in pairs(path, text)), 0)


def _with(found: _Hosts | None, text: str, column: int, new: Mapping[str, object]) -> str:
    if found is None:
        return _inserted(text, len(text), _yaml({HOSTS: new}, column))
    if not found.entries and not found.is_flow:
        return _inserted(text, _next_line(text, found.key), _yaml(new, column + _INDENT))
    if found.is_flow:
        brace = found.value.end_mark.index - 1
        return f"{text[:brace]}{', ' if found.entries else ''}{_flow(new)}{text[brace:]}"
    last = last_of(found.value)
    return _inserted(text, _next_line(text, last), _yaml(new, found.entries[0][0].start_mark.column))


def _without(found: _Hosts, text: str, name: str) -> str:
    at = next((number for number, (key, _) in enumerate(found.entries) if key.value == name), None)
    if at is None:
        return text
    key, value = found.entries[at]
    if len(found.entries) == 1:
        return _without_any(found, text)
    if not found.is_flow:
        return text[: _line(text, key)] + text[_next_line(text, last_of(value)) :]
    if at + 1 < len(found.entries):
        return text[: key.start_mark.index] + text[found.entries[at + 1][0].start_mark.index :]
    return text[: found.entries[at - 1][1].end_mark.index] + text[value.end_mark.index :]


def _without_any(found: _Hosts, text: str) -> str:
    """What stood between `hosts:` and its only host are comments, and stays."""
    between = ""
    if not found.is_flow:
        between = text[_next_line(text, found.key) : _line(text, found.entries[0][0])]
    return text[: _line(text, found.key)] + between + text[_next_line(text, last_of(found.value)) :]


def _line(text: str, node: yaml.Node) -> int:
    """Where the line begins in which a node begins."""
    return text.rfind("\n", 0, node.start_mark.index) + 1


def _next_line(text: str, node: yaml.Node) -> int:
    """Where the line begins that follows a node, with the comment beside it."""
    end = int(node.end_mark.index)
    if end and text[end - 1] == "\n":
        return end
    found = text.find("\n", end)
    return len(text) if found < 0 else found + 1


def _inserted(text: str, at: int, lines: str) -> str:
    before = text[:at]
    return f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{lines}{text[at:]}"


def _yaml(value: Mapping[str, object], column: int) -> str:
    import yaml  # noqa: PLC0415 - as in `setting_files`

    text = yaml.safe_dump(_plain(value), sort_keys=False, allow_unicode=True, width=float("inf"))
    return "".join(f"{' ' * column}{line}\n" for line in text.splitlines())


def _flow(value: Mapping[str, object]) -> str:
    import yaml  # noqa: PLC0415 - as in `setting_files`

    text = yaml.safe_dump(
        _plain(value), sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.strip()[1:-1]


def _plain(value: object) -> object:
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def _but(hosts: Mapping[Any, Any], name: str) -> dict[Any, Any]:
    return {each: value for each, value in hosts.items() if str(each) != name}


def _replace(path: Path, before: str, after: str, change: Callable[[Mapping[Any, Any]], object], hint: str) -> None:
    """Write the file if it says what was to be changed, and beside that what it said before."""
    said = _said(before) or {}
    wanted = {**said, HOSTS: change(said.get(HOSTS) or {})}
    if _said(after) != (wanted if wanted[HOSTS] else _but(wanted, HOSTS)):
        raise ConfigError(f"{path}: no command can change its `hosts` as they are written there.", hint)
    replace(path, after)


def _said(text: str) -> dict[Any, Any] | None:
    """What a file says; None for what is not YAML, or not settings."""
    import yaml  # noqa: PLC0415 - as in `setting_files`

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return {} if found is None else found if isinstance(found, dict) else None
