"""Import a flow file and find the flow in it.

The file is imported as a module of its own name (`train.py` as `train`), with its folder first on the path, as it
would be by Python; `if __name__ == "__main__"` does not hold. On the user's machine missing libraries get stand-ins;
in a container (`stand_ins=False`) everything must be there. What it imports from `metaflow` comes from dockerflow.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
import sys
import traceback
from contextlib import contextmanager
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set

from dockerflow.flow.completing import complete
from dockerflow.flow.conda_names import hint_for_import
from dockerflow.flow.decorators import written_on
from dockerflow.flow.definition import Flow, Problem
from dockerflow.flow.errors import FlowError, FlowFileError
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.metaflow_names import in_place_of_metaflow
from dockerflow.flow.source import read_flow
from dockerflow.flow.spec import FlowSpec
from dockerflow.flow.tracebacks import traceback_of
from dockerflow.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from dockerflow.flow.stand_ins import Missing

__all__ = ["LoadedFlow", "load"]

_IMAGE = re.compile(r"^\s*@(\w+\.)?image\(", re.MULTILINE)
_LOADED = "__dockerflow_flow_file__"  # marks the modules that were made here
_folders: Set[str] = set()  # of the flows loaded so far


@dataclass(frozen=True)
class LoadedFlow:
    """A flow's class and what was read of it; not checked yet, see `checks.check`."""

    cls: Any
    flow: Flow
    given: Given = NOTHING


def load(
    path: Any, name: Optional[str] = None, stand_ins: bool = True, given: Given = NOTHING, files: bool = True
) -> LoadedFlow:
    """The flow of a file; `name` chooses among several. Raises FlowFileError, or a FlowError of the file's own.

    `given` is what the command line adds to the file; that of what is returned is complete, with what was read for it.
    Without `files` nobody looks, on the user's machine either, for those that decorators name.
    """
    file = os.path.abspath(os.fspath(path))
    if not os.path.exists(file):
        raise FlowFileError(f"flow file `{path}` does not exist", _files_near(file))
    if not os.path.isfile(file):
        raise FlowFileError(f"`{path}` is no file", "name the file of the flow, like `flow.py`")
    if not file.endswith(".py"):
        raise FlowFileError(f"`{path}` is no Python file", "name the file of the flow, like `flow.py`")
    folder = os.path.dirname(file)
    with in_place_of_metaflow(), _missing_allowed(folder, stand_ins) as missing:
        module = _import(file, folder)
        cls = _choose(module, path, name)
        completed = complete(cls, given)
        flow = read_flow(cls, completed.given.values, files=stand_ins and files)
    line = flow.line if cls.__module__ == module.__name__ else 0
    found = (*flow.problems, *completed.problems, *_misplaced(module))
    flow = replace(flow, file=file, line=line, configs=completed.configs, problems=found)
    return LoadedFlow(cls, _surveyed(flow, module, folder, missing) if stand_ins else flow, completed.given)


def _surveyed(flow: Flow, module: ModuleType, folder: str, missing: Mapping[str, Missing]) -> Flow:
    """The flow with what only the user's machine has to know: what it imports, and what lies beside it."""
    from dockerflow.flow.imports import hiding, imports_of  # noqa: PLC0415 - no container needs it
    from dockerflow.flow.metaflow_imports import missing_names  # noqa: PLC0415

    found = [*_misspelt(missing, folder, flow), *hiding(folder, _neighbours(folder), flow), *missing_names(flow)]
    return replace(flow, imports=imports_of(module, folder, missing), problems=(*flow.problems, *found))


def _files_near(file: str) -> str:
    """What may have been meant by a file that is not there."""
    folder = os.path.dirname(file)
    if not os.path.isdir(folder):
        return f"there is no folder `{folder}` either"
    names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    near = difflib.get_close_matches(os.path.basename(file), names, 1)
    return f"did you mean `{near[0]}`?" if near else f"there is {_listed(names)}" if names else f"`{folder}` has no .py"


@contextmanager
def _missing_allowed(folder: str, allowed: bool) -> Iterator[Mapping[str, Missing]]:
    if not allowed:
        yield {}
        return
    # What it imports from the standard library takes longer than all of our own modules, and no container needs it.
    from dockerflow.flow.stand_ins import stand_ins  # noqa: PLC0415

    with stand_ins(folder) as missing:
        yield missing


def _import(file: str, folder: str) -> ModuleType:
    stem = os.path.splitext(os.path.basename(file))[0]
    there = sys.modules.get(stem)
    known = there is None or hasattr(there, _LOADED) or getattr(there, "__file__", None) == file
    if stem in sys.builtin_module_names or not known:
        hint = "give the file another name"
        raise FlowFileError(f"flow file `{file}` has the name of the Python module `{stem}`, which it would hide", hint)
    _come_first(folder)
    importlib.invalidate_caches()  # a file may have been written a moment ago
    spec = importlib.util.spec_from_file_location(stem, file)
    if spec is None or spec.loader is None:
        raise FlowFileError(f"flow file `{file}` cannot be imported")
    module = importlib.util.module_from_spec(spec)
    setattr(module, _LOADED, True)
    sys.modules[stem] = module
    try:
        spec.loader.exec_module(module)
    except FlowError:
        del sys.modules[stem]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[stem]
        raise _does_not_import(file, error) from error
    return module


def _come_first(folder: str) -> None:
    """Put the folder first on the path, and forget modules of the same names beside a flow loaded before."""
    for name in _neighbours(folder):
        origin = getattr(sys.modules.get(name), "__file__", None) or ""
        if any(origin.startswith(other + os.sep) for other in _folders if other != folder):
            del sys.modules[name]
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    _folders.add(folder)


def _does_not_import(file: str, error: BaseException) -> FlowFileError:
    what = f"flow file `{os.path.basename(file)}` does not import: {type(error).__name__}"
    if isinstance(error, SystemExit):
        return FlowFileError(f"{what} (it ends Python)", "let `sys.exit` stand in a step", traceback_of(error))
    hint = None
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = _hint_for(error.name, file)
    elif isinstance(error, ImportError) and "relative import" in str(error):
        hint = "a flow file is no part of a package: write `import helpers`, not `from . import helpers`"
    elif _imports_itself(file, error):
        name = os.path.basename(file)
        hint = f"it imports itself: give `{name}` another name than that of the library that it needs"
    return FlowFileError(what, hint, traceback_of(error))


def _imports_itself(file: str, error: BaseException) -> bool:
    """Whether the file asks for something of a library and gets at itself, which is not complete yet."""
    stem = os.path.splitext(os.path.basename(file))[0]
    frames = list(traceback.walk_tb(error.__traceback__))
    at_fault = frames[-1][0].f_code.co_filename if frames else ""
    said = f"module {stem!r} has no attribute" in str(error)
    return at_fault == file and (said or (isinstance(error, ImportError) and error.name == stem))


def _hint_for(module: str, file: str) -> Optional[str]:
    name = module.partition(".")[0]
    if name in sys.modules:  # the library is there and has no such part
        return None
    near = _neighbour_like(name, os.path.dirname(file))
    return f"did you mean `{near}`?" if near else hint_for_import(module, with_images=_names_image(file))


def _names_image(file: str) -> bool:
    """Whether some step has `@image`, for a flow that did not come to be."""
    with open(file, encoding="utf-8", errors="replace") as source:
        return _IMAGE.search(source.read()) is not None


def _choose(module: ModuleType, path: Any, name: Optional[str]) -> Any:
    flows = _flows(module)
    if name is not None:
        if name not in flows:
            near = difflib.get_close_matches(name, flows, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"it has {_listed(flows)}" if flows else None
            raise FlowFileError(f"there is no flow `{name}` in `{path}`", hint)
        return flows[name]
    if not flows:
        raise FlowFileError(f"there is no flow in `{path}`", "write one as `class MyFlow(FlowSpec):`")
    if len(flows) > 1:
        raise FlowFileError(f"there are {len(flows)} flows in `{path}`: {_listed(flows)}", "name the one that is meant")
    return next(iter(flows.values()))


def _flows(module: ModuleType) -> Dict[str, Any]:
    """The flows of a file: those that it defines, or else imports, without the ones that others are derived from."""
    every = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, FlowSpec)]
    flows = list(dict.fromkeys(cls for cls in every if cls is not FlowSpec))
    own = [cls for cls in flows if cls.__module__ == module.__name__] or flows
    return {cls.__name__: cls for cls in own if not any(cls in other.__mro__[1:] for other in own)}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _misplaced(module: ModuleType) -> Iterator[Problem]:
    """Decorators of steps on functions outside of any class."""
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            for written in written_on(value):
                message = f"`@{written.name}` stands on `{name}`, which is no step"
                yield Problem(written.file, written.line, message, "decorators belong to the steps of a flow")


def _misspelt(missing: Mapping[str, Missing], folder: str, flow: Flow) -> Iterator[Problem]:
    """Missing modules that look like a file beside the flow and are in no step's libraries."""
    from dockerflow.flow.imports import has_any, libraries_of  # noqa: PLC0415 - no container needs it

    if any(has_any(step) for step in flow.steps.values()):
        return
    libraries = [name for names in libraries_of(flow).values() for name in names]
    for each in missing.values():
        near = _neighbour_like(each.name, folder)
        if near and not difflib.get_close_matches(each.name, libraries, 1, 0.7):
            message = f"there is no module `{each.name}`, here or among the steps' libraries"
            yield Problem(each.file, each.line, message, f"did you mean `{near}`, which lies beside the flow?")


def _neighbour_like(name: str, folder: str) -> Optional[str]:
    near = difflib.get_close_matches(name, _neighbours(folder), 1, 0.75)
    return near[0] if near else None


def _neighbours(folder: str) -> List[str]:
    """The modules and packages beside a flow."""
    entries = [os.path.splitext(entry) for entry in os.listdir(folder)]
    return [
        stem
        for stem, suffix in entries
        if suffix == ".py" or (not suffix and os.path.isfile(os.path.join(folder, stem, "__init__.py")))
    ]
