"""What a flow file imports in every step's container, and what lies beside it under a name that is taken.

A worker imports the flow file whatever its step is, so an `import` at its top must work in every container. Only what
is certain is told: imports that nothing guards (no `try`, no `if`), of modules that are neither Python's nor the user's
own, also those of the user's modules that the flow file imports in this way. Which step lacks them is for `checks`.

It looks at the modules as they were imported here, so it is asked right after that. Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
import os
import sys
from typing import Any, Container, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from dockerflow.flow.conda_names import package_of, pypi_package_of
from dockerflow.flow.definition import Conda, Flow, Image, Import, Problem, Pypi, Step
from dockerflow.flow.library_options import conda_name, pypi_name

__all__ = ["has_any", "hiding", "imports_of", "libraries_of"]

# Modules of the standard library of some Python between 3.7 and 3.15: a step may have another one than this machine.
_OTHER_PYTHONS = (
    "_bootlocale annotationlib asynchat asyncore binhex compression distutils dummy_threading formatter graphlib imp "
    "macpath parser smtpd symbol tomllib zoneinfo aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis "
    "nntplib ossaudiodev pipes sndhdr spwd sunau telnetlib uu xdrlib lib2to3 profiling"
)
_STANDARD = frozenset(getattr(sys, "stdlib_module_names", ()))
# Environments may have these with Python itself, and every container has us, who are Metaflow there.
_EVERYWHERE = _STANDARD | frozenset(
    [*_OTHER_PYTHONS.split(), "dockerflow", "metaflow", "pip", "pkg_resources", "setuptools", "wheel"]
)

# Of Python's modules those that no other module imports.
_UNUSED = frozenset(("antigravity", "idlelib", "this", "turtle", "turtledemo"))


def imports_of(module: Any, folder: str, missing: Container[str]) -> Tuple[Import, ...]:
    """The modules from elsewhere that `module` cannot be imported without, each where it is first imported.

    `missing` are those that this machine lacks.
    """
    found: Dict[str, Import] = {}
    seen: Set[str] = set()
    waiting: List[str] = [module.__name__]
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for imported, at in _imported(sys.modules.get(name)):
            root = imported.partition(".")[0]
            if root in _EVERYWHERE or root in found:
                continue
            if _is_users(root, folder):
                waiting += _parents(imported)
            elif root in missing or _places(root):
                found[root] = Import(imported, *at)
    return tuple(found.values())


def libraries_of(flow: Flow) -> Dict[str, List[str]]:
    """The names of the packages that each step asks for by name, without Python."""
    return {step.name: list(_asked(step)) for step in flow.steps.values()}


def _asked(step: Step) -> Iterator[str]:
    conda, pypi = step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
    if not (conda.disabled or pypi.disabled):
        names = [conda_name(package) for package, _ in conda.libraries]
        yield from (name for name in names if name != "python")
        yield from (pypi_name(package) for package, _ in pypi.packages)


def has_any(step: Step) -> bool:
    """Whether the step may have any library: which ones is said by a file, a lock or an image, not by its flow."""
    conda, pypi = step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
    files = (conda.file, conda.lock, pypi.file)
    return bool(step.decorator(Image)) or (any(files) and not (conda.disabled or pypi.disabled))


def hiding(folder: str, names: Iterable[str], flow: Optional[Flow] = None) -> Iterator[Problem]:
    """The modules `names` of the flow's folder that Python, or a library of a step, has under the same name."""
    asked = {} if flow is None else libraries_of(flow)
    libraries = {name.lower().replace("_", "-") for step in asked.values() for name in step}
    for name in sorted(names):
        file = os.path.join(folder, f"{name}.py")
        file = file if os.path.isfile(file) else os.path.join(folder, name, "__init__.py")
        shown = os.path.relpath(file, folder)
        if name in _STANDARD - _UNUSED:
            message = f"`{shown}` hides the module `{name}` of Python, which other modules need"
            yield Problem(file, 0, message, "give the file another name")
        elif {name.lower().replace("_", "-"), package_of(name), pypi_package_of(name)} & libraries:
            message = f"`{shown}` hides the library `{name}`, which a step asks for"
            yield Problem(file, 0, message, "give the file another name")


def _imported(module: Any) -> Iterator[Tuple[str, Tuple[str, int]]]:
    """The names that a module imports without a condition, dotted and absolute, and where."""
    file = getattr(module, "__file__", None) or ""
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):  # it has no source
        return
    for node in _unguarded(tree.body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = _absolute(node, module)
            names = [f"{base}.{alias.name}" if base in sys.modules else base for alias in node.names]
        for name in names:
            yield name, (file, node.lineno)


def _unguarded(body: Iterable[ast.stmt]) -> Iterator[Any]:
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.ClassDef) or (isinstance(node, ast.Try) and not node.handlers):
            yield from _unguarded(node.body)


def _absolute(node: ast.ImportFrom, module: Any) -> str:
    if not node.level:
        return node.module or ""
    package = module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])])


def _parents(name: str) -> List[str]:
    """`a.b.c` is imported after `a` and `a.b`."""
    words = name.split(".")
    return [".".join(words[:count]) for count in range(1, len(words) + 1)]


def _places(name: str) -> List[str]:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    return [file] if isinstance(file, str) else [str(path) for path in getattr(module, "__path__", None) or ()]


def _is_users(name: str, folder: str) -> bool:
    """Whether a module lies below the flow's folder, and in no installation of Python below it."""
    begins = (folder + os.sep, os.path.realpath(folder) + os.sep)
    places = [place for place in _places(name) if not {"site-packages", "dist-packages"} & set(place.split(os.sep))]
    return any(place.startswith(begins) for place in places)
