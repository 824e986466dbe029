"""A conda channel in a folder of this machine, made from PyPI's wheels and this machine's Python.

It stands in where no conda channel answers. What is asked for twice is made once: `made.json` in the folder names the
requests it holds, each with the files that it resolved to. Each request is resolved for itself, so two that contradict
each other (pandas 1.5.3, pandas 2.2.3) stand side by side, and the solver picks one set for each environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform as this_machine
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from dockerflow.environments import event_loop
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup import archive, interpreter, python_package, wheel_package, wheels
from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.interpreter import Interpreter
from dockerflow.setup.names import pip_requirement

SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}


@dataclass(frozen=True)
class Request:
    """What one environment asks for: conda names and version specs, and a Python (``""``: any)."""

    python: str
    libraries: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "libraries", tuple(sorted(self.libraries)))

    @property
    def request_key(self) -> str:
        record = ["dockerflow.channel_request", archive.RECIPE, self.python, self.libraries]
        return hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).hexdigest()

    def __str__(self) -> str:
        words = [f"{name} {spec}".strip() for name, spec in self.libraries if name != "python"]
        return ", ".join([f"python {self.python}".strip(), *words])


@dataclass(frozen=True)
class LocalChannel:
    """The channel in `folder`, which need not exist yet."""

    folder: Path

    @property
    def url(self) -> str:
        return self.folder.resolve().as_uri()

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests that this channel does not hold yet, each once."""
        made = self._made()
        return [request for request in dict.fromkeys(requests) if not self._holds(made.get(request.request_key))]

    def add(self, requests: Sequence[Request], tell: Callable[[Request], None] = lambda request: None) -> list[Request]:
        """Make what is missing for `requests`; returns those for which something was made, in order.

        `tell` is called before each. Raises ChannelNotMade; what was made before stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / ".lock"):
            made: dict[str, list[str]] = {}
            try:
                for request in self.missing(requests):
                    tell(request)
                    made[request.request_key] = self._make(request)
            finally:
                if made:
                    self.index()  # first: what is recorded as made can be found by a solver
                    self._record(made)
            return [request for request in dict.fromkeys(requests) if request.request_key in made]

    def _make(self, request: Request) -> list[str]:
        platform = this_subdir()
        python = interpreter.matching(request.python)
        libraries = [pip_requirement(name, spec) for name, spec in request.libraries if name != "python"]
        with tempfile.TemporaryDirectory(prefix="dockerflow-wheels-") as folder:
            resolution = wheels.resolve(libraries, python.executable, python.markers, Path(folder))
            with ThreadPoolExecutor(max_workers=2) as pool:  # compression releases the interpreter
                made = pool.map(
                    lambda wheel: self._wheel(wheel, resolution, python, platform), resolution.wheels.values()
                )
                return sorted([self._python(python, platform), *made])

    def _wheel(self, wheel: wheels.Wheel, found: wheels.Resolution, python: Interpreter, platform: str) -> str:
        package = wheel_package.package(wheel, found, python, platform)
        return self._written(package, wheel.path.name)

    def _python(self, python: Interpreter, platform: str) -> str:
        name = f"{platform}/python-{python.version}-{archive.RECIPE}_cpython.conda"
        if not (self.folder / name).exists():
            archive.write(python_package.package(python, platform), self.folder)
        return name

    def _written(self, package: archive.CondaPackage, source: str) -> str:
        name = f"{package.subdir}/{package.file_name}"
        if not (self.folder / name).exists():
            archive.write(package, self.folder)
        return name

    def index(self) -> None:
        """Make the repodata from the packages that are in the folder."""
        from rattler.index import index_fs  # noqa: PLC0415 - heavy, and only a channel that is being made needs it

        (self.folder / "noarch").mkdir(exist_ok=True)
        event_loop.run(index_fs(self.folder, write_zst=False, write_shards=False))

    def _holds(self, files: list[str] | None) -> bool:
        return files is not None and all((self.folder / name).exists() for name in files)

    def _made(self) -> dict[str, list[str]]:
        try:
            made: dict[str, list[str]] = json.loads((self.folder / "made.json").read_text())
        except FileNotFoundError:
            return {}
        return made

    def _record(self, made: dict[str, list[str]]) -> None:
        record = self.folder / "made.json"
        unfinished = record.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({**self._made(), **made}, indent=1, sort_keys=True))
        unfinished.replace(record)


def this_subdir() -> str:
    """The conda name of this machine's platform."""
    subdir = SUBDIRS.get(this_machine.machine()) if sys.platform == "linux" else None
    if subdir is None:
        raise ChannelNotMade(
            f"A local channel is made on Linux only; this is {sys.platform} on {this_machine.machine()}.",
            "configure a conda channel that answers: `channels:` in the configuration file",
        )
    return subdir


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change the channel."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
