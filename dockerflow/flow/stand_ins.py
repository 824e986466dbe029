"""While a flow file is read on the user's machine: stand-ins for the libraries that only its containers have.

    with stand_ins(folder) as missing:
        import the flow file

An `import` of a module that this Python does not have at all, written in a file below `folder`, gives a stand-in.
What is done with one gives further stand-ins: attributes, calls, arithmetic, subclassing. Only where Python needs a
real answer (is it true, how long is it, which number is it, what is in it) it raises StandInUsed, with the place and
the way out. Libraries that are installed here are not touched, and neither are the imports inside them. Afterwards
nothing is left in `sys.modules`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any, Dict, Iterator, List, Optional, Tuple

from dockerflow.flow.errors import StandInUsed, place
from dockerflow.flow.metaflow_names import importing_frame
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Missing", "stand_ins"]


@dataclass(frozen=True)
class Missing:
    """A module that is not installed here, and where it is imported."""

    name: str
    file: str
    line: int


class StandIn:
    """Something of a missing library. `path` is how the flow file got at it, such as `numpy.array(...)`."""

    def __init__(self, path: str, folder: str) -> None:
        vars(self).update(_stand_in=(path, folder))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name != "__version__":
            raise AttributeError(name)  # so that Python's and other libraries' protocols find nothing here
        return _further(self, f".{name}")

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # Used as a decorator: the function stays what it is, a step above all.
        if len(arguments) == 1 and not options and callable(arguments[0]) and not isinstance(arguments[0], StandIn):
            return arguments[0]
        return _further(self, "(...)")

    def __getitem__(self, key: Any) -> Any:
        return _further(self, "[...]")

    def __setattr__(self, name: str, value: Any) -> None:
        """Settings of a library are made when it is there."""

    __delattr__ = __setitem__ = __delitem__ = lambda self, *arguments: None

    def __mro_entries__(self, bases: Tuple[Any, ...]) -> Tuple[Any, ...]:
        return ()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        return None

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<stand-in for {_path(self)}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise _used(self, "storing")


class StandInModule(ModuleType, StandIn):
    """A missing module, or a package of which any submodule can be imported."""

    __path__: List[str]

    def __init__(self, name: str, folder: str) -> None:
        ModuleType.__init__(self, name)
        vars(self).update(_stand_in=(name, folder), __path__=[])

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            raise _used(self, "`from ... import *` of")
        return StandIn.__getattr__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        ModuleType.__setattr__(self, name, value)  # the import system sets submodules

    __repr__ = StandIn.__repr__
    __reduce_ex__ = StandIn.__reduce_ex__


def _deferred(symbol: str) -> Any:
    return lambda self, *others: _further(self, f" {symbol} ...")


def _refused(what: str) -> Any:
    def refuse(self: StandIn, *arguments: Any) -> Any:
        raise _used(self, what)

    return refuse


_OPERATORS = {
    **dict.fromkeys(("add", "radd"), "+"), **dict.fromkeys(("sub", "rsub"), "-"),
    **dict.fromkeys(("mul", "rmul"), "*"), **dict.fromkeys(("truediv", "rtruediv"), "/"),
    **dict.fromkeys(("floordiv", "rfloordiv"), "//"), **dict.fromkeys(("mod", "rmod"), "%"),
    **dict.fromkeys(("pow", "rpow"), "**"), **dict.fromkeys(("matmul", "rmatmul"), "@"),
    **dict.fromkeys(("or", "ror"), "|"), **dict.fromkeys(("and", "rand"), "&"), **dict.fromkeys(("xor", "rxor"), "^"),
    **dict.fromkeys(("lshift", "rlshift"), "<<"), **dict.fromkeys(("rshift", "rrshift"), ">>"),
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
    "neg": "-", "pos": "+", "invert": "~", "abs": "abs",
}  # fmt: skip
_CONVERSIONS = {
    "bool": "the truth of", "int": "the number", "float": "the number", "complex": "the number", "index": "the number",
    "len": "the length of", "iter": "the items of", "next": "the items of", "contains": "what is in",
    "bytes": "the bytes of",
}  # fmt: skip
for _operator, _symbol in _OPERATORS.items():
    setattr(StandIn, f"__{_operator}__", _deferred(_symbol))
for _conversion, _what in _CONVERSIONS.items():
    setattr(StandIn, f"__{_conversion}__", _refused(_what))


def _path(stand_in: StandIn) -> str:
    return str(vars(stand_in)["_stand_in"][0])


def _further(stand_in: StandIn, what: str) -> StandIn:
    path, folder = vars(stand_in)["_stand_in"]
    return StandIn(path if path.endswith("...") else path + what, folder)


def _used(stand_in: StandIn, what: str) -> StandInUsed:
    path, folder = vars(stand_in)["_stand_in"]
    library = path.split(".")[0].split("(")[0]
    frame = _users_frame(folder)
    at = "" if frame is None else f"{place(frame.f_code.co_filename, frame.f_lineno)}: "
    return StandInUsed(
        f"{at}{what} `{path}` is needed while the flow file is read, but `{library}` is not installed here",
        f"do this inside a step, where the step's own `{library}` is, or install `{library}` on this machine too",
    )


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder that Python asks: whatever arrives here does not exist."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.missing: Dict[str, Missing] = {}
        self.made: List[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[importlib.machinery.ModuleSpec]:
        parent = name.rpartition(".")[0]
        if parent:
            if parent not in self.made or not isinstance(sys.modules.get(parent), StandInModule):
                return None
        else:
            frame = importing_frame()
            if frame is None or not _is_users(frame.f_code.co_filename, self._folder):
                return None
            self.missing.setdefault(name, Missing(name, frame.f_code.co_filename, frame.f_lineno))
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        self.made.append(spec.name)
        return StandInModule(spec.name, self._folder)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


@contextmanager
def stand_ins(folder: str) -> Iterator[Dict[str, Missing]]:
    """Let files below `folder` import what is not installed. Gives the missing modules by name, as they come."""
    finder = _Finder(os.path.realpath(folder))
    sys.meta_path.append(finder)
    try:
        yield finder.missing
    finally:
        sys.meta_path.remove(finder)
        for name in finder.made:
            if isinstance(sys.modules.get(name), StandInModule):
                del sys.modules[name]


def _users_frame(folder: str) -> Optional[FrameType]:
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and not _is_users(frame.f_code.co_filename, folder):
        frame = frame.f_back
    return frame


def _is_users(file: str, folder: str) -> bool:
    """Whether a file is the user's own: below the folder of the flow and in no installation of Python below it."""
    path = os.path.realpath(file)
    installed = {"site-packages", "dist-packages"} & set(path.split(os.sep))
    return path.startswith(folder + os.sep) and not installed
