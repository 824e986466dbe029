"""The engines' programs: installed from Debian's packages, or built once from Go modules and kept.

Docker with the containerd store is in no Debian package yet, but its source is in Go modules, and so is what it needs:
Debian's runc is too old for it. `dockerflow.setup.go_programs` builds them with pinned versions; they are kept below
the tests' cache folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockerflow.setup import go_programs
from dockerflow.setup.debian import install, which
from dockerflow.setup.go_programs import GoProgram
from tests.channel import cache

MODULES = tuple(
    GoProgram(package, version, tags, static=False)
    for package, version, tags in (
        ("github.com/opencontainers/runc", "v1.5.2", "seccomp"),
        ("github.com/containerd/containerd/v2/cmd/containerd", "v2.4.2", ""),
        ("github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", "v2.4.2", ""),
        ("github.com/moby/moby/v2/cmd/dockerd", "v2.0.0-beta.24", ""),
    )
)

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
    # For hosts that are reached over a network.
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ip": "iproute2",
}
# Debian starts a server of SSH with its package, unless this file is there: the tests want its program alone.
NO_SSHD = Path("/etc/ssh/sshd_not_to_be_run")
# runc is C in part.
FOR_RUNC = {
    "gcc": "gcc",
    "pkg-config": "pkg-config",
    "/usr/include/seccomp.h": "libseccomp-dev",
    "/usr/include/stdlib.h": "libc6-dev",
}


def moby() -> Path:
    """The folder with Docker of the containerd generation: built now if it is not there. Safe to call at once."""
    recipe = hashlib.sha256(repr([each.folder_name for each in MODULES]).encode()).hexdigest()[:16]
    folder = cache() / f"moby-{recipe}"
    with _alone(cache() / "moby.lock"):
        if not folder.exists():
            debian(FOR_RUNC)
            _gather(folder)
    return folder


def debian(wanted: dict[str, str] = DEBIAN) -> None:
    """Install what is missing of these programs and files."""
    with _alone(cache() / "debian.lock"):
        missing = [package for name, package in wanted.items() if not (which(name) or Path(name).is_file())]
        if missing:
            print(f"installing {' '.join(missing)} from Debian's packages", flush=True)
            if "openssh-server" in missing:
                NO_SSHD.parent.mkdir(exist_ok=True)
                NO_SSHD.touch()
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


def _gather(folder: Path) -> None:
    """They look for each other in one folder."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for each in MODULES:
        built = go_programs.program(each, cache() / "programs", lambda found: print(found.text, flush=True))
        (unfinished / each.name).hardlink_to(built)
    unfinished.rename(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process do the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
