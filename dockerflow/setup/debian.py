"""Install Debian's packages, where this machine is a Debian and we may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dockerflow.setup.errors import SetupError

APT_SECONDS = 900

# A shell of root's has them in its PATH; one of a service or a container may not.
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


def which(program: str) -> str | None:
    """Where a program is, those for administrators included."""
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}")


def why_not_installable() -> str | None:
    """Why `install` cannot work here; None where it can."""
    try:
        release = Path("/etc/os-release").read_text()
    except OSError:
        release = ""
    if "debian" not in release or which("apt-get") is None:
        return "this is neither Debian nor Ubuntu"
    if os.geteuid() != 0:
        return "only root can install packages"
    return None


def install(packages: Sequence[str]) -> None:
    """Install Debian packages, answering no questions. Raises SetupError with what apt said."""
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        _apt_get(arguments, packages)


def _apt_get(arguments: Sequence[str], packages: Sequence[str]) -> None:
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(
            f"`apt-get {arguments[0]}` did not end within {APT_SECONDS // 60} minutes.",
            f"run `apt-get install {' '.join(packages)}` yourself and look where it stops",
        ) from None
    if done.returncode != 0:
        raise SetupError(
            f"`apt-get {arguments[0]}` failed: {last_error(done.stderr or done.stdout)}",
            f"run `apt-get install {' '.join(packages)}` yourself, then try again",
        )


def last_error(output: str) -> str:
    """The line of a program's output that tells most: its last error, or its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR", "Error", "error", "failed"))]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("E: ")
