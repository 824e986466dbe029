"""Let `import metaflow` give dockerflow, so that a flow written for Metaflow needs no change.

    with in_place_of_metaflow():        while a file is read, or as long as a command of ours takes
    be_metaflow(folder)                 for the rest of this process: in step workers

`metaflow` and its submodules that flows import then give the public names of `dockerflow`, whichever those are, also
where a Metaflow is installed. What dockerflow does not have is an error that names it, its line and a way out: an
ImportError or an AttributeError as well, so that a flow may ask. After `in_place_of_metaflow` everything is as before:
a process that has the real one keeps it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, Dict, Iterator, List, Optional, Tuple

import dockerflow
from dockerflow.flow.errors import NoSuchAttribute, NoSuchImport, place

__all__ = ["VERSION", "be_metaflow", "importing_frame", "in_place_of_metaflow", "is_metaflow", "is_there", "way_out"]

# The Metaflow whose flows run here: what `metaflow.__version__` says.
VERSION = "2.19.0"

# Metaflow's modules that flows import from, and the module of ours that has what is not public in `dockerflow` itself.
_MODULES: Dict[str, Optional[str]] = {
    "metaflow": None,
    "metaflow.cards": "dockerflow.cards",
    "metaflow.client": None,
    "metaflow.client.core": None,
    "metaflow.decorators": None,
    "metaflow.events": None,
    "metaflow.exception": "dockerflow.exception",
    "metaflow.flowspec": "dockerflow.exception",  # its InvalidNextException
    "metaflow.includefile": None,
    "metaflow.metaflow_current": None,
    "metaflow.parameters": "dockerflow.exception",
    "metaflow.plugins": None,
    "metaflow.plugins.cards": "dockerflow.cards",
    "metaflow.plugins.catch_decorator": "dockerflow.exception",
    "metaflow.plugins.timeout_decorator": "dockerflow.exception",
    "metaflow.runner": None,
    "metaflow.runner.metaflow_runner": None,
    "metaflow.runner.nbrun": None,
    "metaflow.user_configs": None,
    "metaflow.user_configs.config_parameters": None,
    "metaflow.user_decorators": None,
    "metaflow.user_decorators.common": None,
    "metaflow.user_decorators.mutable_flow": None,
    "metaflow.user_decorators.mutable_step": None,
    "metaflow.user_decorators.user_flow_decorator": None,
    "metaflow.user_decorators.user_step_decorator": None,
}

_CRON = "dockerflow deploys nothing: have `dockerflow run` called by what starts your jobs, cron for example"
_POOL = "use `concurrent.futures`, or a foreach, whose tasks run at the same time"

# What to do without names that Metaflow has.
_WAYS = {
    "DeployedFlow": _CRON,
    "Deployer": _CRON,
    "NBDeployer": _CRON,
    "S3": "keep the value as an artifact (`self.x = …`), or use `boto3` or `minio`, asked for with `@conda` or `@pypi`",
    "datatools": "use `boto3` or `minio`, asked for with `@conda` or `@pypi`",
    "deployer": _CRON,
    "inspect_spin": "read what a run left with `Task`",
    "metaflow_config": "settings of dockerflow are in `.dockerflow/config.yaml`, not in the flow",
    "parallel_imap_unordered": _POOL,
    "parallel_map": _POOL,
    "profile": "measure with `time.monotonic()`; `dockerflow runs list` tells how long runs took",
}


class _TheirModule(ModuleType):
    """A module of Metaflow, as dockerflow fills it."""

    def __getattr__(self, name: str) -> Any:
        found = _found(self.__name__, name)
        if found is not None:
            return getattr(*found)
        if f"{self.__name__}.{name}" in _MODULES:
            return _module(f"{self.__name__}.{name}")
        if name == "__all__":
            return sorted(dockerflow.__all__)
        if name.startswith("__"):
            raise AttributeError(name)
        frame = sys._getframe(1)
        raise NoSuchAttribute(_refusal(f"{self.__name__}.{name}", frame), way_out(name))

    def __dir__(self) -> List[str]:
        parts = [name.rpartition(".")[2] for name in _MODULES if name.rpartition(".")[0] == self.__name__]
        return sorted({*super().__dir__(), *dockerflow.__all__, *parts})


class _Finder:
    """Asked before every other finder, it alone answers for `metaflow` and what is below it."""

    folder = ""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if not _is_theirs(name):
            return None
        if name not in _MODULES:
            raise NoSuchImport(_refusal(name, importing_frame()), way_out(name.rpartition(".")[2]))
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


_finder = _Finder()
_made: Dict[str, ModuleType] = {}  # a file that was read keeps the modules that it has got


@contextmanager
def in_place_of_metaflow() -> Iterator[None]:
    """Be Metaflow until the end of the block; whoever had the real one before has it again then."""
    if is_metaflow():
        yield
        return
    before = _taken_out()
    sys.meta_path.insert(0, _finder)
    try:
        yield
    finally:
        sys.meta_path.remove(_finder)
        _taken_out()
        sys.modules.update(before)


def be_metaflow(folder: str) -> None:
    """Be Metaflow from now on, for every module of this process; errors name files as they are below `folder`."""
    _finder.folder = os.path.join(folder, "")
    if not is_metaflow():
        _taken_out()
        sys.meta_path.insert(0, _finder)


def is_metaflow() -> bool:
    """Whether this process reads a flow, carries out a command of ours, or runs a step."""
    return _finder in sys.meta_path


def is_there(module: str, name: str = "") -> bool:
    """Whether `import module`, or `from module import name`, would give something of ours."""
    if module not in _MODULES:
        return False
    return name in ("", "*") or f"{module}.{name}" in _MODULES or name == "__version__" or bool(_found(module, name))


def way_out(name: str) -> str:
    """What to write instead of a name that is not there."""
    if name in _WAYS:
        return _WAYS[name]
    near = difflib.get_close_matches(name, dockerflow.__all__, 1, 0.75)
    return f"did you mean `{near[0]}`?" if near else "write the flow without it; dockerflow has no such thing"


def _is_theirs(name: str) -> bool:
    return name == "metaflow" or name.startswith("metaflow.")


def _taken_out() -> Dict[str, ModuleType]:
    """Forget what was imported as Metaflow, and return it."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if _is_theirs(name)}


def _module(name: str) -> ModuleType:
    if name not in _made:
        module = _made[name] = _TheirModule(name, f"`{name}`, as dockerflow has it.")
        vars(module).update(__path__=[], __version__=VERSION)
    return _made[name]


def _found(module: str, name: str) -> Optional[Tuple[ModuleType, str]]:
    """Where a public name of one of Metaflow's modules is among ours: `Artifact` is a component in `metaflow.cards`."""
    beside = _MODULES[module]
    if beside is not None and not name.startswith("_"):
        ours = importlib.import_module(beside)
        if name in ours.__all__:
            return ours, name
    return (dockerflow, name) if name in dockerflow.__all__ else None


def _refusal(name: str, frame: Optional[FrameType]) -> str:
    file, line = ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    if _finder.folder and file.startswith(_finder.folder):  # unpacked in a step, far from where the user has it
        at = f"{file[len(_finder.folder) :]}:{line}: "
    else:
        at = f"{place(file, line)}: " if file else ""
    return f"{at}`{name}` is not in dockerflow"


def importing_frame() -> Optional[FrameType]:
    """The frame with the import statement: the first one outside of this package's finders and the import system."""
    frame: Optional[FrameType] = sys._getframe(2)
    while frame is not None and (
        frame.f_code.co_filename.startswith("<frozen importlib")
        or f"{os.sep}importlib{os.sep}" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return frame
