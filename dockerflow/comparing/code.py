"""The code of two runs beside each other: the user's files, and what the command line added to them.

The part of dockerflow that travels in a code package is no code of the user's: its version is told with the run.
"""

from __future__ import annotations

import difflib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.section import Asked, Section
from dockerflow.comparing.words import counted, printable
from dockerflow.store import code_package
from dockerflow.store.errors import StoreError

# Lines of a difference that are shown of one file.
LINES = 60


def code(first: Side, second: Side, _: Asked) -> Section:
    """Raises StoreError for code that is lost."""
    packed = [_package(side) for side in (first, second)]
    one, other = map(code_package.user_files, packed)
    changed = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    lines = [line for name in changed for line in _of_file(name, one.get(name), other.get(name))]
    given = [json.loads(code_package.given(each).to_json()) for each in packed]
    words = list(_of_given(*given))
    same = not changed and not words
    told = ["the command line added something else"] * bool(words)
    if changed:
        told.insert(0, f"{counted(len(changed), 'file')} of {len({*one, *other})} differ{'s' * (len(changed) == 1)}")
    facts = {
        "files": {name: _verdict(name, one, other) for name in changed},
        "diff": {name: list(_diff(name, one.get(name), other.get(name))) for name in changed},
        "command_line": words,
    }
    return Section("code", same, ", ".join(told) or "the same", (*words, *lines), facts=facts)


def _package(side: Side) -> bytes:
    started = side.history.started
    if started is None or not started.code:
        return _nothing()
    try:
        return bytes(side.store.blobs.get(started.code))
    except StoreError as error:
        message = f"the code of run `{started.flow}/{started.run_id}` is lost: {error.message}"
        raise type(error)(message, "compare the others: `--only parameters,locks,images,artifacts`") from error


def _nothing() -> bytes:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    return empty.getvalue()


def _verdict(name: str, one: Mapping[str, bytes], other: Mapping[str, bytes]) -> str:
    return "only in the first" if name not in other else "only in the second" if name not in one else "differs"


def _of_file(name: str, one: bytes | None, other: bytes | None) -> Iterator[str]:
    if one is None or other is None:
        content = one if one is not None else other or b""
        sign, where = ("-", "first") if other is None else ("+", "second")
        yield f"{sign} {name}: only in the {where}, {counted(len(content.splitlines()), 'line')}"
        return
    lines = list(_diff(name, one, other))
    yield from map(printable, lines[:LINES]) if lines else [f"{name}: {len(one):,} → {len(other):,} bytes"]
    if len(lines) > LINES:
        yield f"… {len(lines) - LINES} lines more of {name}"


def _diff(name: str, one: bytes | None, other: bytes | None) -> Iterator[str]:
    """As `diff -u`; nothing for what is no text, or is too large for that."""
    if one is None or other is None or max(len(one), len(other)) > 1_000_000:
        return
    try:
        first, second = ((each.decode()).splitlines() for each in (one, other))
    except UnicodeDecodeError:
        return
    yield from difflib.unified_diff(first, second, f"first/{name}", f"second/{name}", lineterm="")


def _of_given(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """What the command line gave: decorators by `--with`, and configs."""
    if one["decorators"] != other["decorators"]:
        yield f"--with {_words(one['decorators'])} → {_words(other['decorators'])}"
    for name in sorted({*one["values"], *other["values"]}):
        pair = [each["values"].get(name) for each in (one, other)]
        if pair[0] != pair[1]:
            yield f"config {name}: {_shortened(pair[0])} → {_shortened(pair[1])}"


def _words(decorators: list[str]) -> str:
    return " ".join(decorators) or "nothing"


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 80 else f"{text[:79]}…"
