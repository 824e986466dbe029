"""Values and failures in few words, for the tables of notebooks; and a value as a whole, as a notebook shows it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import html
import io
import pickle
import reprlib
from typing import Any

from dockerflow.artifacts import codec
from dockerflow.client.markup import Html, code, cut, fault, note, size
from dockerflow.errors import DockerflowError
from dockerflow.store import manifest
from dockerflow.store.records import Failure

# Of an artifact in the store: in a table, and by itself.
_SMALL = 1000
_LARGEST = 64 << 20

# Characters of a value: of its own HTML, and of its text.
_LONGEST_HTML = 1 << 20
_LONGEST_TEXT = 10_000


def of_failure(failure: Failure) -> str:
    """`ValueError: no films`."""
    name = failure.type_name.rpartition(".")[2]
    return f"{name}: {failure.message}" if name and not failure.message.startswith(name) else failure.message


def said(error: Exception) -> str:
    if isinstance(error, DockerflowError):
        return str(error)
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the user's own `__str__`
        return type(error).__name__


class _Plain(pickle.Unpickler):
    """For what is made of Python's own values alone. No class is imported, so nothing of anybody's runs."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


def of_artifact(artifact: Any) -> Html:
    """The value of a small artifact that is plain; nothing for others."""
    ref = artifact._ref
    if ref.size >= _SMALL:
        return Html("")
    try:
        pickled, _ = codec.parts(memoryview(manifest.content(artifact._store.blobs, ref)))
        value = _Plain(io.BytesIO(bytes(pickled))).load()
        # A few bytes can be lists in lists, each there many times over.
        return code(cut(_repr(value, levels=3, parts=20), 200))
    except Exception:  # noqa: BLE001 - it is no plain value, or `data` says what is wrong with it
        return Html("")


def whole(artifact: Any) -> Html:
    """The value of an artifact as a notebook shows it: by its own HTML, otherwise its text."""
    if artifact.size > _LARGEST:
        return note(f"{size(artifact.size)} are not loaded to be shown; `.data` loads them")
    try:
        value = artifact.data
        shown = _own_html(value)
        return shown if shown is not None else Html(f"<pre>{html.escape(cut(_repr(value), _LONGEST_TEXT))}</pre>")
    except Exception as error:  # noqa: BLE001 - what the value's own class does
        return fault(said(error))


def _own_html(value: Any) -> Any:
    """None where the value has no HTML of its own, or too much of it."""
    make = getattr(value, "_repr_html_", None)
    if isinstance(value, type) or not callable(make):
        return None
    try:
        made = make()
    except Exception:  # noqa: BLE001 - then its text may do
        return None
    return Html(made) if isinstance(made, str) and len(made) <= _LONGEST_HTML else None


def _repr(value: Any, levels: int = 6, parts: int = 100) -> str:
    """As `repr` has it, but of what is large the beginning alone: of each part so many parts, so many levels deep."""
    short = reprlib.Repr()
    short.maxlevel = levels
    short.maxstring = short.maxother = short.maxlong = _LONGEST_TEXT
    short.maxlist = short.maxtuple = short.maxset = short.maxfrozenset = short.maxdict = short.maxdeque = parts
    return short.repr(value)
