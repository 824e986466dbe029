"""The bytecode of what a worker imports until it is ready, for containers with the Python that runs the command.

Compiling some ninety modules takes half of the time that a worker needs to start. Most steps have the command's own
version of Python; another one passes the bytecode over, since its first bytes say whom it is for. It is compiled once
and kept in the cache, and goes to each worker over its standard input: so it is in no store and no code package, and
nothing depends on it. What is sent is, for each module, the path that `importlib` looks for and the file that it would
find there, each after its length in four bytes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import marshal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from dockerflow.images.files import new_file
from dockerflow.runtime.messages import HEADER
from dockerflow.store import code_package

# What a worker imports by itself, and what nearly every flow does; with a bucket, too.
_BEGINNING = """
import json, sys
from dockerflow import FlowSpec, step
import dockerflow.flow.given, dockerflow.flow.loading, dockerflow.flow.metaflow_names
import dockerflow.runtime.task, dockerflow.runtime.task_blobs, dockerflow.runtime.worker
import dockerflow.store.blobs, dockerflow.store.runs, dockerflow.store.s3.connections, dockerflow.store.s3.granted
print(json.dumps([module.__spec__.origin for name, module in sys.modules.items() if name.startswith("dockerflow")]))
"""

# In the header of a file of bytecode (PEP 552): it goes with its source, and nobody need look whether it does.
_UNCHECKED = (1).to_bytes(4, "little")

_DIGEST = hashlib.sha256().digest_size


def bytecode(cache_dir: Path) -> bytes:
    """What to send. Empty where it can be neither kept nor compiled: workers start slower then."""
    sources = code_package.shipped_files()
    key = _key(sources)
    file = cache_dir / "runtime-bytecode" / f"{sys.implementation.cache_tag}.bin"
    found = _read(file, key)
    if found is None:
        found = b""
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            found = _compiled(sources)
            _write(file, key, found)
    return found


def _key(sources: Mapping[str, Path]) -> bytes:
    """Of sources as they are now, by what Python itself goes by: their times and sizes."""
    key = hashlib.sha256(b"dockerflow.runtime-bytecode.1\0" + importlib.util.MAGIC_NUMBER + _BEGINNING.encode())
    for name, path in sources.items():
        status = path.stat()
        key.update(f"{name}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
    return key.digest()


def _compiled(sources: Mapping[str, Path]) -> bytes:
    wanted = _imported()
    files = {name: path for name, path in sources.items() if path in wanted}
    return b"".join(_framed(_place(name), _file(name, path.read_bytes())) for name, path in files.items())


def _imported() -> set[Path]:
    told = subprocess.run([sys.executable, "-c", _BEGINNING], capture_output=True, check=True, timeout=60).stdout
    return {Path(path) for path in json.loads(told)}


def _place(name: str) -> bytes:
    return importlib.util.cache_from_source(name, optimization="").encode()


def _file(name: str, source: bytes) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)


def _framed(*parts: bytes) -> bytes:
    return b"".join(HEADER.pack(len(part)) + part for part in parts)


def _read(file: Path, key: bytes) -> bytes | None:
    """None where there is nothing, or something else, or what is damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    head, found = content[: 2 * _DIGEST], content[2 * _DIGEST :]
    return found if head == _head(key, found) else None


def _write(file: Path, key: bytes, found: bytes) -> None:
    with new_file(file.parent, file.name) as new:
        new.file.write(_head(key, found) + found)


def _head(key: bytes, found: bytes) -> bytes:
    return key + hashlib.sha256(found).digest()
