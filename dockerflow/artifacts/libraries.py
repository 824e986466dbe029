"""Names of types and versions of libraries, for people who must find out why a value does not load."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from functools import lru_cache
from typing import Any, Dict, Iterable, Mapping, Optional

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_OURS = __name__.partition(".")[0]


def type_name(kind: type) -> str:
    """A class by the name that a user would import it under: `int`, `pandas.DataFrame`, `_thread.lock`."""
    module, name = kind.__module__, kind.__qualname__
    root = module.partition(".")[0]
    if module == "builtins":
        return name
    public = getattr(sys.modules.get(root), "__dict__", {})  # not by attribute: that may warn of old names
    if public.get(name) is kind:
        return f"{root}.{name}"
    return f"{module}.{name}"


def versions(kinds: Iterable[type]) -> Dict[str, str]:
    """The version of Python and of each library that defines one of these classes, by module name."""
    found = {"python": platform.python_version()}
    for root in sorted({kind.__module__.partition(".")[0] for kind in kinds}):
        version = _version(root)
        if version is not None:
            found[root] = version
    return found


def here(names: Iterable[str]) -> Dict[str, str]:
    """What this Python has of these libraries: a version, or `none`."""
    return {name: platform.python_version() if name == "python" else _here(name) for name in names}


def generation(module: Any) -> int:
    """The first number of a library's version."""
    return int(str(module.__version__).partition(".")[0])


def listing(found: Mapping[str, str]) -> str:
    return ", ".join(f"no {name}" if version == "none" else f"{name} {version}" for name, version in found.items())


def lacking(error: BaseException) -> str:
    """The module that was not found; empty where that is not what happened."""
    return error.name or "" if isinstance(error, ModuleNotFoundError) else ""


def differing(written_with: Mapping[str, str]) -> Dict[str, str]:
    """Those of these libraries that are of another version here, or not here at all; not Python itself."""
    found = here(written_with)
    return {name: version for name, version in written_with.items() if name != "python" and found[name] != version}


def advice(error: Exception, written_with: Mapping[str, str]) -> Optional[str]:
    """What to try when a value does not load."""
    root = lacking(error).partition(".")[0]
    if root and not root.startswith("_") and _here(root) == "none":  # else it is a part of a library that has moved
        return f"install `{root}` where the value is read; a step asks for it with @conda(libraries=...)"
    others = [f"{name} {version}" for name, version in written_with.items() if name != "python"]
    if others:
        return f"read it with the library that wrote it ({', '.join(others)}), or store plain values instead"
    return None


@lru_cache(maxsize=None)
def _version(root: str) -> Optional[str]:
    """The version of a module that is loaded; None for the standard library, for us and for what says none."""
    module = sys.modules.get(root)
    file = getattr(module, "__file__", None) or ""
    standard = file.startswith(_STANDARD_LIBRARY) and "site-packages" not in file and "dist-packages" not in file
    version = getattr(module, "__version__", None)
    return None if root == _OURS or not file or standard or not isinstance(version, str) else version


def _here(name: str) -> str:
    try:
        return str(getattr(importlib.import_module(name), "__version__", "unknown"))
    except Exception:  # noqa: BLE001 - a broken library may raise anything when it is imported
        return "none"
