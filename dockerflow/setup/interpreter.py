"""Find the Python interpreters of this machine and ask them about themselves.

An interpreter is asked itself, in a process of its own: a virtual environment, a shim or another build cannot mislead.
Making a package of one is left to `python_package`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.errors import ChannelNotMade

QUESTIONS = """
import json, os, platform, sys, sysconfig
info = sys.implementation.version
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": platform.python_version(),
    "prefix": os.path.realpath(sys.base_prefix),
    "stdlib": os.path.realpath(os.path.dirname(os.__file__)),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": "%d.%d.%d" % info[:3],
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": "",
        "platform_system": platform.system(),
        "platform_version": "",
        "python_full_version": platform.python_version(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    },
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """One CPython of this machine. `executable` is the base one, never a virtual environment's."""

    executable: Path
    version: str
    prefix: Path
    stdlib: Path
    markers: Mapping[str, str]  # PEP 508's, without the moment's (kernel release and build)

    @property
    def minor(self) -> str:
        """`3.11`"""
        return self.markers["python_version"]


@lru_cache
def ask(executable: str) -> Interpreter | None:
    """What is at `executable`; None where it is not a CPython that runs."""
    try:
        answer = subprocess.run([executable, "-I", "-c", QUESTIONS], capture_output=True, timeout=30, check=True)
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if found["markers"]["implementation_name"] != "cpython":
        return None
    return Interpreter(
        Path(found["executable"]), found["version"], Path(found["prefix"]), Path(found["stdlib"]), found["markers"]
    )


def matching(python: str) -> Interpreter:
    """An interpreter of this machine that satisfies the conda spec `python` (``""`` for any): our own if it does.

    Raises ChannelNotMade naming those that were found.
    """
    found: list[str] = []
    for interpreter in _interpreters(python):
        if interpreter.version not in found:
            found.append(interpreter.version)
        if satisfies(interpreter.version, python):
            return interpreter
    raise ChannelNotMade(
        f"No Python {python} is on this machine; found {', '.join(found)}.",
        "install it (a `pythonX.Y` on PATH is found), or ask for one that is there with `@conda(python=…)`",
    )


def satisfies(version: str, spec: str) -> bool:
    """Whether a version matches a conda spec as flows write them: two bare numbers mean the minor version."""
    import rattler  # noqa: PLC0415 - heavy, and only a channel that is being made needs it

    if not spec:
        return True
    if spec.replace(".", "").isdigit():
        spec = f"=={spec}" if spec.count(".") > 1 else f"{spec}.*"
    return bool(rattler.VersionSpec(spec).matches(rattler.Version(version)))


def _interpreters(python: str) -> Iterator[Interpreter]:
    minors = [f"3.{minor}" for minor in range(20, 6, -1)]
    named = [minor for minor in minors if minor in python]
    candidates = [sys.executable, *(shutil.which(f"python{minor}") for minor in [*named, *minors])]
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob("*/bin/python"))]
    for candidate in dict.fromkeys(candidates):
        interpreter = ask(candidate) if candidate else None
        if interpreter is not None:
            yield interpreter
