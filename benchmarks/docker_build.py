"""`docker build` with pip, as the peer of `bench_images`: builders found on this machine, and what they build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dockerflow.images.base import DEFAULT_BASE

# pip is not part of Python's own package: its wheel installs itself.
_PIP_ITSELF = (
    "import sys; sys.path.insert(0, sys.argv[1]); from pip._internal.cli.main import main; sys.exit(main(sys.argv[2:]))"
)

_INSTALL = "pip install --no-index --find-links /wheels"

# Prints the memory of pip, the only process that it starts.
_MEMORY = (
    "import resource, subprocess, sys; subprocess.check_call(sys.argv[1:]); "
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


@dataclass(frozen=True)
class Measured:
    """One image made: seconds, the largest process in KiB (0: not known), bytes sent."""

    seconds: float
    memory: int
    sent: int


@dataclass(frozen=True)
class Builder:
    """A client's `docker build`; `name` is the builder's."""

    name: str
    client: str
    tag: str

    def build(self, image: str, files: Sequence[Path], packages: Sequence[str], *, cached: bool) -> Measured:
        """Build an image of wheels upon `image`; the wheels are put beside the Dockerfile before the clock starts.

        A changed wheel leaves nothing in the builder's cache that could be used; `cached` is for when nothing changed.
        """
        with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name:
            wheels = Path(name) / "wheels"
            wheels.mkdir()
            for file in files:
                shutil.copy2(file, wheels)
            install = f"{_INSTALL} {' '.join(packages)}"
            (Path(name) / "Dockerfile").write_text(f"FROM {image}\nCOPY wheels /wheels\nRUN {install}\n")
            began = time.perf_counter()
            self.run(["--quiet", "--tag", self.tag, *([] if cached else ["--no-cache"]), name])
            return Measured(time.perf_counter() - began, 0, sum(file.stat().st_size for file in files))

    def run(self, arguments: Sequence[str]) -> str:
        variables = {**os.environ, "DOCKER_BUILDKIT": str(int(self.name == "BuildKit"))}
        done = subprocess.run(
            [self.client, "build", *arguments], env=variables, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{self.client} build {' '.join(arguments)} failed: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr


def builders() -> tuple[Builder, ...]:
    """BuildKit where one of the `docker` commands on this machine has it with this engine, and the classic builder."""
    clients = [f"{folder}/docker" for folder in os.get_exec_path() if os.access(f"{folder}/docker", os.X_OK)]
    found = (_working(name, clients) for name in ("BuildKit", "classic"))
    return tuple(one for one in found if one is not None)


def _working(name: str, clients: Sequence[str]) -> Builder | None:
    tag = f"dockerflow-bench/{name.lower()}:{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as folder:
        (Path(folder) / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
        for client in clients:
            builder = Builder(name, client, tag)
            try:
                builder.run(["--quiet", "--tag", tag, folder])
            except RuntimeError:
                continue
            _remove(client, tag)
            return builder
    return None


@contextmanager
def unique_base(folder: Path) -> Iterator[str]:
    """An image like the default base that nothing on the engine was built upon."""
    tag = f"dockerflow-bench/base:{uuid.uuid4().hex[:12]}"
    yield from _made(folder / "base", tag, f"FROM {DEFAULT_BASE}\nCOPY unique /\n", {"unique": tag.encode()})


@contextmanager
def python_image(folder: Path, reference: str, pip: Path) -> Iterator[str]:
    """The image of a Python, with pip in it."""
    tag = f"dockerflow-bench/python:{uuid.uuid4().hex[:12]}"
    install = f"python -c '{_PIP_ITSELF}' /{pip.name} install --no-index --root-user-action ignore /{pip.name}"
    lines = [f"FROM {reference}", "USER root", f"COPY {pip.name} /", f"RUN {install}"]
    text = "\n".join([*lines, "ENTRYPOINT []", "ENV PIP_ROOT_USER_ACTION=ignore", ""])
    yield from _made(folder / "pip", tag, text, {pip.name: pip.read_bytes()})


def pips_memory(image: str, files: Sequence[Path]) -> str:
    """What pip takes to install all of the wheels, for people."""
    builder = next(one for one in builders() if one.name == "classic")
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name:
        for file in files:
            shutil.copy2(file, name)
        run = f'python -c "{_MEMORY}" pip install --no-index --no-deps /wheels/*.whl'
        (Path(name) / "Dockerfile").write_text(f"FROM {image}\nCOPY *.whl /wheels/\nRUN {run}\n")
        said = builder.run(["--no-cache", "--tag", builder.tag, name])
        _remove(builder.client, builder.tag)
    peak = re.search(r"^peak (\d+)$", said, re.MULTILINE)
    return f"{int(peak.group(1)) / 1024:.0f} MiB" if peak else ""


def _made(folder: Path, tag: str, dockerfile: str, files: dict[str, bytes]) -> Iterator[str]:
    builder = next(one for one in builders() if one.name == "classic")
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    builder.run(["--no-cache", "--quiet", "--tag", tag, str(folder)])
    try:
        yield tag
    finally:
        _remove(builder.client, tag)


def _remove(client: str, tag: str) -> None:
    subprocess.run([client, "image", "rm", "--force", tag], check=False, capture_output=True)
