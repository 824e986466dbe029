"""Turn one wheel into one conda package.

A pure wheel becomes a `noarch: python` package, whose entry points the installer makes; a wheel with compiled modules
becomes a package of this platform and Python, with its console scripts in `bin/`. Dependencies come from the wheel's
metadata with its markers evaluated for the interpreter, and from its compiled modules where they need numpy 1.

Binary wheels may carry a `.data` folder: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement

from dockerflow.setup.archive import PLACEHOLDER, RECIPE, CondaPackage, PackageFile
from dockerflow.setup.interpreter import Interpreter
from dockerflow.setup.names import conda_name, conda_spec, conda_version
from dockerflow.setup.wheels import Resolution, Wheel

SCRIPT = """#!{prefix}/bin/python
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {name}

if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw?|\\.exe)?$", "", sys.argv[0])
    sys.exit({function}())
"""


def package(wheel: Wheel, resolution: Resolution, interpreter: Interpreter, platform: str) -> CondaPackage:
    """`wheel` as a conda package for `interpreter` and the conda subdir `platform`."""
    python = _python_spec(wheel, interpreter)
    depends = tuple(sorted([*_depends(resolution.dependencies(wheel), wheel.needs_numpy_1), python]))
    name, version = conda_name(wheel.name), conda_version(str(wheel.version))
    tag = "py" + interpreter.minor.replace(".", "") if python.endswith(".*") else "py"
    build = f"{tag}_{RECIPE}"
    if wheel.pure:
        files = tuple(_files(wheel, "site-packages", "python-scripts", interpreter))
        return CondaPackage(name, version, build, "noarch", depends, files, tuple(_entry_points(wheel)))
    site_packages = f"lib/python{interpreter.minor}/site-packages"
    scripts = (_script(point) for point in _entry_points(wheel))
    return CondaPackage(
        name, version, build, platform, depends, (*_files(wheel, site_packages, "bin", interpreter), *scripts)
    )


def _python_spec(wheel: Wheel, interpreter: Interpreter) -> str:
    """The Python that the package runs under: one minor version, if its files or its dependencies are made for that."""
    if not wheel.pure or any("python_" in str(requirement.marker) for requirement in wheel.requirements):
        return f"python {interpreter.minor}.*"
    return f"python {conda_spec(wheel.requires_python)}".strip()


def _depends(requirements: Iterable[Requirement], needs_numpy_1: bool) -> list[str]:
    """conda's form of `requirements`, one entry for each name."""
    specs: dict[str, set[str]] = {}
    for requirement in requirements:
        parts = specs.setdefault(conda_name(requirement.name), set())
        parts.update(part for part in conda_spec(str(requirement.specifier)).split(",") if part)
    if needs_numpy_1:
        specs.setdefault("numpy", set()).add("<2")
    return [" ".join([name, ",".join(sorted(parts))]).strip() for name, parts in specs.items()]


def _entry_points(wheel: Wheel) -> Iterator[str]:
    """Its console and window scripts as `name = module:function`, sorted."""
    text = wheel.files.get(f"{wheel.dist_info}/entry_points.txt", b"").decode()
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]  # the documented way to keep the case
    parser.read_string(text)
    for section in ("console_scripts", "gui_scripts"):
        for name, target in sorted(parser.items(section) if parser.has_section(section) else ()):
            yield f"{name} = {target.split('[')[0].strip()}"


def _script(entry_point: str) -> PackageFile:
    name, target = entry_point.split(" = ")
    module, function = target.split(":")
    text = SCRIPT.format(prefix=PLACEHOLDER, module=module, name=function.split(".")[0], function=function)
    return PackageFile(f"bin/{name}", text.encode(), executable=True, placeholder=PLACEHOLDER)


def _files(wheel: Wheel, site_packages: str, scripts: str, interpreter: Interpreter) -> Iterator[PackageFile]:
    """The wheel's files in their places below the prefix."""
    places = {
        "purelib": site_packages,
        "platlib": site_packages,
        "scripts": scripts,
        "data": "",
        "headers": f"include/python{interpreter.minor}/{wheel.name}",
    }
    yield PackageFile(f"{site_packages}/{wheel.dist_info}/INSTALLER", b"conda\n")
    for name, content in wheel.files.items():
        folder, _, rest = name.partition("/")
        if not folder.endswith(".data"):
            yield PackageFile(f"{site_packages}/{name}", content, executable=name in wheel.executables)
            continue
        scheme, _, below = rest.partition("/")
        path = f"{places[scheme]}/{below}".lstrip("/")
        if scheme == "scripts":
            yield _copied_script(path, content)
        else:
            yield PackageFile(path, content, executable=name in wheel.executables)


def _copied_script(path: str, content: bytes) -> PackageFile:
    """A script of `.data/scripts`. A first line `#!python` stands for the interpreter that it is installed with."""
    if not re.match(rb"#!pythonw?\b", content):
        return PackageFile(path, content, executable=True)
    rest = content.partition(b"\n")[2]
    text = f"#!{PLACEHOLDER}/bin/python\n".encode() + rest
    return PackageFile(path, text, executable=True, placeholder=PLACEHOLDER)
