"""Run uv: what a step wants from package indexes, for the image's platform and Python, resolved to wheels.

https://docs.astral.sh/uv/reference/cli/#uv-pip-compile writes a pylock.toml (PEP 751): every package with its wheels'
URLs, sizes and hashes. Which package needs which is not in it; uv tells that in the comments of its other format, so it
is asked a second time, held to the versions that it chose, which its cache answers in a moment.

uv's own configuration and its `UV_…` variables hold for how indexes are reached: certificates, credentials, proxies,
the cache. What would change the solution besides the question is kept from it. Nothing is built and no Python fetched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from uv import find_uv_bin

from dockerflow.environments import indexes, virtual_packages
from dockerflow.environments.errors import EnvironmentsError, PackageIndexError
from dockerflow.environments.pypi_wheels import stand_in
from dockerflow.lazy_dataclasses import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

RETRIES = 2

# These change what is found, not how: a lock must not depend on who asks.
_NOT_FOR_US = (
    "UV_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_CUSTOM_COMPILE_COMMAND", "UV_EXCLUDE", "UV_EXCLUDE_NEWER",
    "UV_FORK_STRATEGY", "UV_NO_BINARY", "UV_NO_BINARY_PACKAGE", "UV_NO_BUILD", "UV_NO_SOURCES", "UV_OVERRIDE",
    "UV_PRERELEASE", "UV_PROJECT", "UV_PYTHON", "UV_REQUIRE_HASHES", "UV_RESOLUTION", "UV_TORCH_BACKEND",
    "UV_WORKING_DIR", "VIRTUAL_ENV",
)  # fmt: skip

# These add indexes to those that a question names.
_OTHER_INDEXES = ("UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_NO_INDEX")

# uv's defaults, said aloud: a user's `uv.toml` may have others.
_STRATEGIES = ("--resolution", "highest", "--prerelease", "if-necessary-or-explicit", "--index-strategy", "first-index")

_REQUIREMENTS, _CONSTRAINTS, _PYLOCK, _CHOSEN = "requirements.in", "constraints.txt", "pylock.toml", "chosen.txt"

_NEEDED_BY = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:==| @ )\S+\s+# via (?P<parents>.+)")
_NO_EXTRA = re.compile(r"The package `(?P<name>[A-Za-z0-9._-]+)[^`]*` does not have an extra named `(?P<extra>[^`]+)`")


@dataclass(frozen=True)
class Question:
    """`there` are the versions of distributions that must be as they are and are not looked for; `preferred` are
    versions to take where they may be taken.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    indexes: tuple[str, ...]
    python: str  # the full version
    platform: str
    there: Mapping[str, str] = field(default_factory=dict)
    preferred: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 60  # seconds without an answer


@dataclass(frozen=True)
class Answer:
    """`packages` as they stand in pylock.toml, without those that were there. `needs`: names by name."""

    packages: tuple[Mapping[str, Any], ...]
    needs: Mapping[str, tuple[str, ...]]
    missing_extras: tuple[tuple[str, str], ...]  # of what was there: name and extra


class Refused(Exception):
    """uv found no answer. `said` is what it printed about that."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def ask(question: Question) -> Answer:
    """Raises Refused, for the caller to explain."""
    with TemporaryDirectory(prefix="dockerflow-uv-") as folder:
        return _ask(question, Path(folder).resolve())


def _ask(question: Question, folder: Path) -> Answer:
    roots = [f"{name} @ {stand_in(folder, name, version).as_uri()}" for name, version in question.there.items()]
    _write(folder / _REQUIREMENTS, [*roots, *question.requirements])
    _write(folder / _CONSTRAINTS, question.constraints)
    if question.preferred:
        (folder / _PYLOCK).write_text(_preferences(question.preferred), encoding="utf-8")
    said = _run(question, folder, "-c", _CONSTRAINTS, "--format", "pylock.toml", "--output-file", _PYLOCK)
    found = tomllib.loads((folder / _PYLOCK).read_text(encoding="utf-8")).get("packages", [])
    packages = tuple(_placed(package, folder) for package in found if package["name"] not in question.there)
    _write(
        folder / _CHOSEN, [f"{package['name']}=={package['version']}" for package in packages if "version" in package]
    )
    tree = _run(question, folder, "-c", _CHOSEN, "--format", "requirements.txt", "--annotation-style", "line")
    extras = tuple(sorted({(each["name"], each["extra"]) for each in _NO_EXTRA.finditer(said.stderr)}))
    return Answer(packages, _needs(tree.stdout), extras)


def _run(question: Question, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    processor = virtual_packages.of_platform(question.platform)["__archspec"][1]
    command = [
        _binary(), "pip", "compile", _REQUIREMENTS, *options, *_index_options(question.indexes),
        "--python", sys.executable, "--python-version", question.python,
        "--python-platform", f"{processor}-manylinux_{virtual_packages.GLIBC.replace('.', '_')}",
        *_STRATEGIES, "--no-build", "--no-header", "--no-progress", "--color", "never",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=folder,  # so that no project's configuration is found
        env=_environment(question),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done


def _index_options(wanted: Sequence[str]) -> list[str]:
    """A folder of wheels is offered beside the indexes, one with an index's pages is one of them. A folder that
    is not there would be an empty index to uv.
    """
    for index in wanted:
        if (folder := _folder(index)) is not None and not folder.is_dir():
            raise PackageIndexError(
                f"the folder `{folder}`, which is named as a package index, is not there",
                "look at the setting `indexes` and at what the step's own files name",
            )
    folders = [index for index in wanted if _is_folder_of_wheels(index)]
    others = [index for index in wanted if index not in folders]
    return [*(word for folder in folders for word in ("--find-links", folder)), *indexes.uv_options(others)]


def _is_folder_of_wheels(index: str) -> bool:
    folder = _folder(index)
    return folder is not None and any(folder.glob("*.whl"))


def _folder(index: str) -> Path | None:
    parts = urlsplit(index)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _binary() -> str:
    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentsError(
            "the program `uv`, which resolves packages of a package index, is not installed",
            "install it with `pip install uv`",
        ) from error


def _environment(question: Question) -> dict[str, str]:
    ours = {"UV_HTTP_TIMEOUT": str(question.timeout), "UV_HTTP_RETRIES": str(RETRIES)}
    named_alone = question.indexes and indexes.DEFAULT not in question.indexes
    not_for_us = (*_NOT_FOR_US, *_OTHER_INDEXES) if named_alone else _NOT_FOR_US
    users = {name: value for name, value in os.environ.items() if name not in not_for_us}
    return {**ours, **users, "UV_PYTHON_DOWNLOADS": "never"}


def _preferences(versions: Mapping[str, str]) -> str:
    """A lock file that uv takes for its own earlier one: it stays with those versions where it can."""
    entries = [f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions.items()]
    return "".join(['lock-version = "1.0"\ncreated-by = "dockerflow"\n', *entries])


def _needs(text: str) -> dict[str, tuple[str, ...]]:
    """From lines like `six==1.16.0   # via -r requirements.in, python-dateutil`."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if told := _NEEDED_BY.fullmatch(line.strip()):
            for parent in told["parents"].split(", "):
                if not parent.startswith("-"):
                    found.setdefault(parent.partition("[")[0].strip(), set()).add(told["name"])
    return {parent: tuple(sorted(names)) for parent, names in found.items()}


def _placed(package: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """The package with whole paths in place of those from the folder."""
    if "archive" in package:
        return {**package, "archive": _whole(package["archive"], folder)}
    return {**package, "wheels": [_whole(wheel, folder) for wheel in package.get("wheels", ())]}


def _whole(archive: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    return {**archive, "path": str((folder / archive["path"]).resolve())} if "path" in archive else archive


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
