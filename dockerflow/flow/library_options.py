"""The options of `@conda`, `@pypi` and their bases, judged one decorator at a time.

Both kinds come out with the same keys: `libraries` (by package as it was written), `python`, `channels`, `file`,
`lock`, `extras`, `disabled`; only what was written is there, and what cannot be used is left out and reported.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import re
from typing import Dict, Mapping, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.options import Options, Report, expected, file_option, options_of, true_or_false

__all__ = ["conda_name", "conda_options", "pypi_name", "pypi_options"]

_CONDA_FILES = (".yml", ".yaml")
_PYPI_FILES = (".txt", ".in", ".toml")

# What a lock has decided already.
_NOT_BESIDE_LOCK = ("libraries", "packages", "python", "channels", "file")

_PYPI_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*(\[[A-Za-z0-9._,\s-]*\])?\s*(@.+)?")

# `rich==13.9.4`, as it stands in other files. Not a URL, and nothing with a build string.
_WITH_VERSION = re.compile(r"([\w.-]+::)?[A-Za-z0-9._-]+(\[[A-Za-z0-9._,\s-]*\])?\s*[=<>!~]=?\s*[\w.*+!<>=,\s-]+")


def conda_options(written: Written, report: Report) -> Options:
    options = options_of(written, report)
    if options.get("lock") is not None:
        return _locked(written, options, report)
    example = '`{"pandas": "2.2.3"}`'
    libraries = {
        **_libraries(written, options, "libraries", example, report),
        **_libraries(written, options, "packages", example, report),
    }
    found: Options = {"libraries": libraries, "channels": _channels(written, options, report)}
    found.update(_common(written, options, "environment.yml", report))
    if "file" in found and not found["file"].endswith(_CONDA_FILES):
        other = f"`@{written.name.replace('conda', 'pypi')}(file=...)`"
        hint = f"files of pip's world are for {other}" if found["file"].endswith(_PYPI_FILES) else None
        _wrong_file(written, "an `environment.yml`, in YAML", hint, report)
    return found


def pypi_options(written: Written, report: Report) -> Options:
    options = options_of(written, report)
    libraries = _libraries(written, options, "packages", '`{"pandas": "2.2.3"}`', report)
    for name in [name for name in libraries if not _PYPI_NAME.fullmatch(name)]:
        shown = "a URL" if "://" in name else name  # which may hold what is secret
        what = 'names of packages as its keys, like `"pandas"` or `"dask[array]"`'
        expected(written, "packages", what, shown, report)
        del libraries[name]
    found: Options = {"libraries": libraries, **_common(written, options, "requirements.txt", report)}
    if "extras" in options:
        found["extras"] = _texts(written, options, "extras", 'a list of names, like `["plot"]`', report)
    if "file" in found and not found["file"].endswith(_PYPI_FILES):
        other = f"`@{written.name.replace('pypi', 'conda')}(file=...)`"
        hint = f"an `environment.yml` is for {other}" if found["file"].endswith(_CONDA_FILES) else _hint(found["file"])
        _wrong_file(written, "a `requirements.txt` or a `pyproject.toml`", hint, report)
    return found


def conda_name(package: str) -> str:
    """What tells one package from another: the name without the channel."""
    return package.rpartition("::")[2].lower()


def pypi_name(package: str) -> str:
    """The same for Python packages (https://packaging.python.org/en/latest/specifications/name-normalization/)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[@]", package)[0].strip()).lower()


def _locked(written: Written, options: Options, report: Report) -> Options:
    beside = [f"`{option}`" for option in _NOT_BESIDE_LOCK if options.get(option)]
    if beside:
        message = f"`@{written.name}` has `lock` and {beside[0]}, but a lock has every package already"
        report.add(written.file, written.line, message, "keep one of the two")
    found: Options = {}
    lock = file_option(written, options, "lock", "conda-lock.yml", report)
    disabled = true_or_false(written, options, "disabled", report)
    if lock is not None:
        found["lock"] = lock
    if disabled is not None:
        found["disabled"] = disabled
    return found


def _common(written: Written, options: Options, example: str, report: Report) -> Options:
    found: Options = {}
    python = options.get("python")
    if isinstance(python, str) and python.strip():
        found["python"] = python.strip()
    elif python is not None:
        expected(written, "python", 'a version in quotes, like `"3.11"`', python, report)
    disabled = true_or_false(written, options, "disabled", report)
    if disabled is not None:
        found["disabled"] = disabled
    file = file_option(written, options, "file", example, report)
    if file is not None:
        found["file"] = file
    return found


def _libraries(written: Written, options: Options, name: str, example: str, report: Report) -> Dict[str, str]:
    libraries = options.get(name, {})
    if not isinstance(libraries, Mapping):
        expected(written, name, f"a dictionary from package to version, like {example}", libraries, report)
        return {}
    found = {}
    for package, version in libraries.items():
        if not isinstance(package, str) or not package.strip():
            expected(written, name, "names of packages in quotes as its keys", package, report)
        elif not isinstance(version, str):
            like = f'"{version}"' if isinstance(version, (int, float)) and not isinstance(version, bool) else '"1.5.3"'
            asked = f"`{_shown(version)}` as the version of `{package}`"
            message = f"`{name}` of `@{written.name}` has {asked}; expected text"
            hint = f'write it in quotes: `{{"{package.strip()}": {like}}}`, or `""` for any'
            report.add(written.file, written.line, message, hint)
        elif not version.strip() and _WITH_VERSION.fullmatch(package.strip()):
            message = f"`{name}` of `@{written.name}` has a version in the name `{package.strip()}`"
            report.add(written.file, written.line, message, f"write {_apart(package.strip())}")
        else:
            found[package.strip()] = version.strip()
    return found


def _apart(package: str) -> str:
    """`rich==13.9.4` as the options have it."""
    name, sign, version = re.split(r"\s*([=<>!~]=?)\s*", package, maxsplit=1)
    return f'`{{"{name}": "{version if sign in ("=", "==") else sign + version}"}}`'


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _channels(written: Written, options: Options, report: Report) -> Tuple[str, ...]:
    return _texts(written, options, "channels", 'a list of names or URLs, like `["conda-forge"]`', report)


def _texts(written: Written, options: Options, name: str, what: str, report: Report) -> Tuple[str, ...]:
    values = options.get(name, ())
    if isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values):
        return tuple(values)
    expected(written, name, what, values, report)
    return ()


def _wrong_file(written: Written, what: str, hint: object, report: Report) -> None:
    given = written.options["file"]
    message = f"`file` of `@{written.name}` is `{given}`; expected {what}"
    report.add(written.file, written.line, message, None if hint is None else str(hint))


def _hint(file: str) -> str:
    """Other tools' locks are known by their names."""
    ways = {
        "poetry.lock": "write its packages with `poetry export`",
        "uv.lock": "write its packages with `uv export`",
        "Pipfile": "write its packages with `pipenv requirements`",
        "Pipfile.lock": "write its packages with `pipenv requirements`",
    }
    way = ways.get(os.path.basename(file), "write one requirement a line")
    return f"{way} into a `requirements.txt`"
