"""Read an `environment.yml`.

    https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html

Words mean what they mean to conda: `numpy=1.26` is any 1.26, `numpy==1.26.4` that one, the channels go before the
configured ones unless `nodefaults` is among them, and `defaults` are the configured ones. A line may be for some
platforms only, as conda-lock has it: `# [linux64]`. The name of the environment and its folder say nothing here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from dockerflow import credentials
from dockerflow.environments import requirements, requirements_txt, user_file
from dockerflow.environments.asked import Asked, Word
from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.platform_selectors import UnknownPlatform, holds
from dockerflow.flow.errors import place

_KEYS = ("name", "prefix", "channels", "dependencies", "variables", "platforms")
_OF_A_LOCK = ("metadata", "package")
_LIKE = "`numpy=1.26`, `numpy>=1.26,<2` or `conda-forge::numpy`"

_YAML_HINT = (
    "look at this line and the one before it: indent with spaces, not tabs, and begin the lines of a list in the same"
    " column"
)

_DEPENDENCY = re.compile(r"(?:(?P<channel>[^\s=<>]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<version>.*)")
_SUBDIR = re.compile(r"/(noarch|(linux|osx|win)-\w+)$")
_SELECTOR = re.compile(r"#\s*\[([^\]]+)\]\s*$")
_BUILD = re.compile(r"(?P<version>[^=\s]+)\s*=\s*(?P<build>[^=\s]+)")


def read(path: Path, platform: str, named_at: str) -> Asked:
    """What the file asks for on a platform. Raises InvalidSpec, with file, line and key."""
    text = user_file.read(path, named_at)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = place(str(path), 1 if mark is None else mark.line + 1)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidSpec(f"{at}: this is not YAML: {problem}", _YAML_HINT) from error
    return _Reader(path, text.splitlines(), platform).asked(root)


class _Reader:
    def __init__(self, path: Path, lines: list[str], platform: str) -> None:
        self._path = path
        self._lines = lines
        self._platform = platform

    def asked(self, root: yaml.Node | None) -> Asked:
        if not isinstance(root, yaml.MappingNode):
            at = place(str(self._path), 1)
            raise InvalidSpec(f"{at}: `channels` and `dependencies` were expected", "write `dependencies:` and a list")
        keys = {_name(key): (key, value) for key, value in root.value}
        for name, (key, _) in keys.items():
            self._check_key(name, key)
        if "platforms" in keys:
            self._check_platforms(keys["platforms"][1])
        libraries: dict[str, tuple[str, Word]] = {}
        pythons: list[Word] = []
        pip: Asked | None = None
        for node in self._items(keys, "dependencies"):
            if isinstance(node, yaml.MappingNode):
                pip = self._pip(node)
                continue
            package, word = self._dependency(node)
            name = package.rpartition("::")[2]
            if name in libraries:
                first = libraries[name][1].place
                raise InvalidSpec(f"{word.place}: `{name}` is asked for twice, first at {first}", "keep one of the two")
            if name == "python":
                pythons.append(word)
            libraries[name] = package, word
        libraries.pop("python", None)
        if pip is not None and "pip" in libraries and not libraries["pip"][1].text:
            del libraries["pip"]  # conda wants it beside a list for pip; here nobody runs it
        pip = pip or Asked()
        return Asked(
            libraries=tuple(libraries.values()),
            pythons=(*pythons, *pip.pythons),
            channels=tuple(self._channels(keys)),
            pypi=pip.pypi,
            constraints=pip.constraints,
            indexes=pip.indexes,
            hashes=pip.hashes,
        )

    def _check_key(self, name: str, key: yaml.Node) -> None:
        if name in _OF_A_LOCK:
            raise self._error(key, f"`{name}` is a key of conda-lock files", "name a lock as `@conda(lock=...)`")
        if name == "variables":
            raise self._error(
                key, "`variables` would not be set in a step", "set them with `os.environ` where the step needs them"
            )
        if name not in _KEYS:
            near = difflib.get_close_matches(name, _KEYS, 1)
            hint = f"did you mean `{near[0]}`?" if near else "it has `channels` and `dependencies`"
            raise self._error(key, f"there is no `{name}` in an environment file", hint)

    def _check_platforms(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "`platforms` is not a list", f"write `platforms: [{self._platform}]`")
        if self._platform not in [str(item.value) for item in node.value]:
            hint = f"add `{self._platform}` to it"
            raise self._error(node, f"`platforms` has no `{self._platform}`, which step images are for", hint)

    def _channels(self, keys: dict[str, tuple[yaml.Node, yaml.Node]]) -> Iterator[Word | None]:
        configured = True
        for node in self._items(keys, "channels"):
            name = self._text(node, "channels", "the name or URL of a channel")
            if name == "nodefaults":
                configured = False
            elif name == "defaults":
                yield None
            else:
                folder = (self._path.parent / name).resolve().as_uri() if name.startswith((".", "/")) else None
                yield Word(folder or name, self._place(node))
        if configured:
            yield None

    def _pip(self, node: yaml.MappingNode) -> Asked:
        for key, _ in node.value:
            if key.value != "pip":
                raise self._error(key, f"`{_name(key)}` is not known here", "only `pip` may have a list of its own")
        values = {str(key.value): (key, value) for key, value in node.value}
        items = self._items(values, "pip")
        what = "a requirement, like `pandas>=2`"
        lines = [(self._text(item, "pip", what), item.start_mark.line + 1) for item in items]
        return requirements_txt.of_lines(lines, self._path)

    def _dependency(self, node: yaml.Node) -> tuple[str, Word]:
        """The package, with its channel if it names one, and its version in the words of `requirements`."""
        text = self._text(node, "dependencies", f"a package, like {_LIKE}")
        named = _DEPENDENCY.fullmatch(text.strip())
        if named is None or named["version"].startswith("["):
            raise self._error(node, f"`{text}` in `dependencies` is not understood", f"write it like {_LIKE}")
        name, word = named["name"].lower(), _version(named["version"].strip(), named["name"].lower() == "python")
        channel = _SUBDIR.sub("", named["channel"]) if named["channel"] else None
        package = f"{channel}::{name}" if channel else name
        try:
            requirements.parse(package, word)
        except requirements.NotASpec as error:
            problem = f"`{text}` in `dependencies` is not understood: {error}"
            raise self._error(node, problem, f"write it like {_LIKE}") from error
        return package, Word(word, self._place(node))

    def _items(self, keys: dict[str, tuple[yaml.Node, yaml.Node]], name: str) -> Iterator[yaml.Node]:
        """The items of a list that are for this platform."""
        if name not in keys or keys[name][1].tag.endswith(":null"):
            return
        key, value = keys[name]
        if not isinstance(value, yaml.SequenceNode):
            found = f"`{value.value}`" if isinstance(value, yaml.ScalarNode) else "a mapping of keys to values"
            raise self._error(key, f"`{name}` is {found}; expected a list", "begin each line with `- `")
        for node in value.value:
            selector = _SELECTOR.search(self._lines[node.start_mark.line])
            try:
                if selector is None or holds(selector[1], self._platform):
                    yield node
            except UnknownPlatform as error:
                raise self._error(node, str(error), error.hint) from error

    def _text(self, node: yaml.Node, key: str, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self._error(node, f"something else stands in `{key}` where {what} was expected", f"write {what}")
        return str(node.value)

    def _place(self, node: yaml.Node) -> str:
        return place(str(self._path), node.start_mark.line + 1)

    def _error(self, node: yaml.Node, problem: str, hint: str) -> InvalidSpec:
        return InvalidSpec(f"{self._place(node)}: {credentials.hidden(problem)}", hint)


def _name(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "?"


def _version(text: str, of_python: bool) -> str:
    """conda's words for a version as those of `requirements`, where a bare version is exact."""
    text = re.sub(r"\s*,\s*", ",", text)
    if text.startswith("=="):
        return _with_build(text[2:].strip())
    if not text.startswith("="):
        return "" if text == "*" else text
    text = text[1:].strip()
    if _BUILD.fullmatch(text) or not text:
        return _with_build(text)
    series = text.removesuffix("*").removesuffix(".")
    if of_python and re.fullmatch(r"\d+(\.\d+)?", series):
        return series  # which is a series of Python's in any place
    return f"{series}.*" if series else ""


def _with_build(text: str) -> str:
    build = _BUILD.fullmatch(text)
    return text if build is None else f"{build['version']} {build['build']}"
