"""What a syntax tree says of other code: the modules that it imports, and whether it may reach more than it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

__all__ = ["finds_code_by_itself", "imported", "named"]

# Modules that load or start code by a name or path that is known only when it runs.
_LOADERS = frozenset(
    {"builtins", "doctest", "hydra", "imp", "importlib", "pexpect", "pkg_resources", "pkgutil", "pluggy", "pty"}
    | {"pydoc", "pytest", "runpy", "stevedore", "subprocess", "unittest", "zipimport"}
)

# Names and attributes that do.
_NAMES = frozenset({"__import__", "exec", "eval", "__file__", "__path__", "__loader__", "__spec__"})
_ATTRIBUTES = frozenset(
    {"__import__", "import_module", "system", "popen", "cmd", "__file__", "__path__", "__loader__"}
    | {"posix_spawn", "posix_spawnp", "create_subprocess_exec", "create_subprocess_shell"}
    | {f"{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
)

# What decides where modules are found, and the Python that another program could be run with.
_OF_SYS = frozenset({"path", "path_hooks", "meta_path", "modules", "executable"})

# `package.models.Net` or `package.models:Net`, from which a library may make an object.
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*)?")


def imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Absolute names of modules that may be imported anywhere in a file of `package`, as `a.b`; `a.b.*` for all that is
    below `a.b`. Some may be names of what is in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (".".join(filter(None, (base, alias.name))) for alias in node.names)


def named(tree: ast.AST) -> Iterator[str]:
    """Texts that may be names of modules, or of what is in them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            yield node.value.partition(":")[0]


def finds_code_by_itself(tree: ast.AST) -> bool:
    """Whether the code may come to other code in a way that cannot be read from it."""
    return any(map(_finds, ast.walk(tree)))


def _finds(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in _LOADERS or _is_hidden(alias) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        loads = (node.module or "").partition(".")[0] in _LOADERS and not node.level
        if node.module in ("os", "sys") and "*" in names:
            return True
        return loads or (node.module == "sys" and not _OF_SYS.isdisjoint(names)) or not _ATTRIBUTES.isdisjoint(names)
    if isinstance(node, ast.Name):
        return node.id in _NAMES
    if isinstance(node, ast.Attribute):
        of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys" and node.attr in _OF_SYS
        return of_sys or node.attr in _ATTRIBUTES
    return False


def _is_hidden(alias: ast.alias) -> bool:
    """`import sys as other`."""
    return alias.name == "sys" and alias.asname not in (None, "sys")


def _absolute(node: ast.ImportFrom, package: tuple[str, ...]) -> str:
    if not node.level:
        return node.module or ""
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])
