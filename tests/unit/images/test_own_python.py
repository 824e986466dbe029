"""What a user's image must have for a worker to run in it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import dockerflow
from dockerflow.images.own_python import NEEDED
from dockerflow.store.code_package import SHIPPED

OURS = Path(dockerflow.__file__).parent


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def test_every_module_that_a_worker_imports_is_looked_for_in_a_users_image() -> None:
    files = [
        path for name in SHIPPED for path in ([OURS / name] if name.endswith(".py") else (OURS / name).rglob("*.py"))
    ]
    modules = set().union(*map(imported, files)) & sys.stdlib_module_names - {"__future__"}
    assert set(NEEDED.split()) == modules
