"""Writes every kind of value as artifacts of a task, and reads what another task has written.

A value is an artifact of its own, and with it goes its portrait, so that a reader needs nothing but words
of the writer.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import pickle
import platform
from typing import Any

from dockerflow.artifacts import codec

# The sets of versions, each the libraries of a step that writes and of one that reads in `flow`.
SETS = ("oldest", "old", "middle", "middle_numpy_2", "newest_numpy_1", "newest")
LIBRARIES = ("pandas", "numpy", "scipy", "pyarrow")


def write(task: Any, name: str) -> None:
    """Every kind as an artifact, called after the set of versions and its number, and `written_<name>`, which has for
    each kind its portrait and what of a library's internals its bytes name."""
    import kinds  # noqa: PLC0415 - the flow is read where there is no numpy
    import portrait  # noqa: PLC0415

    made = kinds.kinds()
    for number, value in enumerate(made.values()):
        setattr(task, f"{name}_{number}", value)
    words = {kind: json.dumps(portrait.portrait(value)) for kind, value in made.items()}
    named = {kind: internals(value) for kind, value in made.items()}
    setattr(task, f"written_{name}", {"versions": versions(), "portraits": words, "internals": named})


def read(task: Any) -> dict[str, Any]:
    """For each set of versions that wrote: the kinds that came out as another value than they should, each with both
    portraits; all that were read; and which rows of the table of nearest types were needed."""
    return {"versions": versions(), **{name: _read(task, name) for name in SETS}}


def _read(task: Any, name: str) -> dict[str, Any]:
    import nearest  # noqa: PLC0415 - as above

    written, here = getattr(task, f"written_{name}"), _numbers(versions())
    wrong: dict[str, Any] = {}
    rows: set[str] = set()
    for number, (kind, words) in enumerate(written["portraits"].items()):
        wanted, used = nearest.expected(json.loads(words), here)
        rows |= used
        found = _found(task, f"{name}_{number}")
        if found != [wanted, wanted]:
            wrong[kind] = {"wanted": wanted, "found": found}
    named = {kind: modules for kind, modules in written["internals"].items() if modules}
    return {"wrong": wrong, "kinds": list(written["portraits"]), "rows": sorted(rows), "internals": named}


def _found(task: Any, artifact: str) -> Any:
    """The portrait of the artifact, and of what another task would read if this one stored it again; or why not."""
    import portrait  # noqa: PLC0415 - as above

    try:
        value = getattr(task, artifact)
        again = codec.decode(bytearray().join(codec.encode(value).chunks))
        return json.loads(json.dumps([portrait.portrait(value), portrait.portrait(again)]))
    except Exception as error:  # noqa: BLE001 - one kind that fails must not hide the others
        return f"{type(error).__name__}: {error}"


class _Names(pickle.Unpickler):
    """Notes where a pickle says that classes and functions are."""

    def __init__(self, pickled: bytes, buffers: list[memoryview]) -> None:
        super().__init__(io.BytesIO(pickled), buffers=buffers)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def internals(value: Any) -> list[str]:
    """The modules of libraries that the pickle in an encoded value names: another version may not have them."""
    pickled, buffers = codec.parts(memoryview(b"".join(codec.encode(value).chunks)))
    names = _Names(bytes(pickled), buffers)
    names.load()
    return sorted(module for module in names.modules if module.partition(".")[0] in LIBRARIES)


def versions() -> dict[str, str]:
    there = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    return {"python": platform.python_version(), **{name: importlib.import_module(name).__version__ for name in there}}


def _numbers(found: dict[str, str]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(map(int, version.split(".")[:2])) for name, version in found.items()}
