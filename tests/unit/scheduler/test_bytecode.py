"""Workers get bytecode of what they import first, and need none."""

from __future__ import annotations

import importlib.util
import marshal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.scheduler.bytecode import bytecode
from dockerflow.store import code_package

IMPORTING = """
import sys
from pathlib import Path

from dockerflow.runtime import bootstrap

for name in [name for name in sys.modules if name.startswith("dockerflow")]:
    del sys.modules[name]
ours = Path(sys.argv[1])
sys.path[:0] = [str(ours)]
bootstrap.bring((ours.parent / "bytecode").read_bytes(), str(ours))
import package.module

print(package.module.value, package.module.__file__, package.module.where.__code__.co_filename)
"""


def framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def parts(framed: bytes) -> Iterator[bytes]:
    while framed:
        end = 4 + int.from_bytes(framed[:4], "big")
        yield framed[4:end]
        framed = framed[end:]


def imported(folder: Path, number: bytes) -> str:
    """What a module says whose source and whose bytecode, which begins with `number`, differ."""
    ours = folder / "ours"
    (ours / "package").mkdir(parents=True)
    (ours / "package" / "__init__.py").touch()
    (ours / "package" / "module.py").write_text("value = 'source'\ndef where(): pass\n")
    code = compile("value = 'bytecode'\ndef where(): pass\n", "elsewhere", "exec")
    path = importlib.util.cache_from_source("ours/package/module.py")
    content = number + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)
    (folder / "bytecode").write_bytes(framed(path.encode(), content) if number else b"")
    words = [sys.executable, "-B", "-c", IMPORTING, str(ours)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("number", "taken"), [(importlib.util.MAGIC_NUMBER, "bytecode"), (b"old\n", "source"), (b"", "source")]
)
def test_a_worker_takes_bytecode_of_its_own_python_alone(tmp_path: Path, number: bytes, taken: str) -> None:
    """Tracebacks name the source in any case."""
    source = tmp_path / "ours" / "package" / "module.py"
    assert imported(tmp_path, number).split() == [taken, str(source), str(source)]


def test_what_a_worker_imports_first_has_bytecode(tmp_path: Path) -> None:
    names = [part.decode() for part in list(parts(bytecode(tmp_path)))[::2]]
    for module in ("runtime/worker", "runtime/task", "flow/loading", "flow/spec", "artifacts/codec", "store/blobs"):
        source = f"{code_package.OURS}/dockerflow/{module}.py"
        assert importlib.util.cache_from_source(source, optimization="") in names
    assert not [name for name in names if "cards" in name]


def test_bytecode_is_compiled_once(tmp_path: Path) -> None:
    first = bytecode(tmp_path)
    (file,) = (tmp_path / "runtime-bytecode").iterdir()
    before = file.stat().st_ino
    assert bytecode(tmp_path) == first
    assert file.stat().st_ino == before


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"x" + content, lambda content: b""])
def test_damaged_bytecode_is_compiled_again(tmp_path: Path, damage: object) -> None:
    first = bytecode(tmp_path)
    (file,) = (tmp_path / "runtime-bytecode").iterdir()
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    assert bytecode(tmp_path) == first


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "runtime-bytecode").touch()
    assert bytecode(tmp_path)
