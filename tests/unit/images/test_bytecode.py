from __future__ import annotations

import io
import py_compile
import tarfile
from pathlib import Path

from dockerflow.images.bytecode import bytecode_path, without_bytecode, write_bytecode
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter

PYTHON = Python("3.11", "lib/python3.11/site-packages")
SITE = "opt/env/lib/python3.11/site-packages"
SOURCE = b"x = 1\n"
TIME = 1_600_000_000


def timestamped(mtime: int, size: int) -> bytes:
    return (
        b"\xa7\r\r\n" + (0).to_bytes(4, "little") + mtime.to_bytes(4, "little") + size.to_bytes(4, "little") + b"code"
    )


def missing(folder: Path, files: dict[str, bytes], python: Python = PYTHON) -> tuple[str, ...]:
    def content(out: LayerWriter) -> None:
        for path, data in files.items():
            out.file(path, 0o644, TIME, len(data), [data])
        out.close()

    return without_bytecode(LayerCache(folder).write("key", "t", content), python).paths


def test_modules_without_bytecode_are_found(tmp_path: Path) -> None:
    files = {
        f"{SITE}/b.py": SOURCE,
        f"{SITE}/a/__init__.py": SOURCE,
        f"{SITE}/data.txt": b"",
        "opt/env/share/c.py": SOURCE,
    }
    assert missing(tmp_path, files) == (f"{SITE}/a/__init__.py", f"{SITE}/b.py")


def test_bytecode_that_came_with_its_source_is_kept(tmp_path: Path) -> None:
    pyc = f"{SITE}/__pycache__/a.cpython-311.pyc"
    assert missing(tmp_path, {f"{SITE}/a.py": SOURCE, pyc: timestamped(TIME, len(SOURCE))}) == ()


def test_bytecode_of_another_time_or_size_or_python_does_not_count(tmp_path: Path) -> None:
    pyc = f"{SITE}/__pycache__/a.cpython-311.pyc"
    for number, found in enumerate((timestamped(TIME + 1, len(SOURCE)), timestamped(TIME, 99), b"")):
        assert missing(tmp_path / str(number), {pyc: found, f"{SITE}/a.py": SOURCE}) == (f"{SITE}/a.py",)
    other = f"{SITE}/__pycache__/a.cpython-310.pyc"
    assert missing(tmp_path / "other", {f"{SITE}/a.py": SOURCE, other: timestamped(TIME, len(SOURCE))})


def test_tests_of_libraries_are_not_compiled(tmp_path: Path) -> None:
    assert missing(tmp_path, {f"{SITE}/lib/tests/test_a.py": SOURCE, f"{SITE}/lib/testing.py": SOURCE}) == (
        f"{SITE}/lib/testing.py",
    )


def test_another_implementation_is_left_alone(tmp_path: Path) -> None:
    pypy = Python("3.9", "lib/pypy3.9/site-packages")
    assert missing(tmp_path, {"opt/env/lib/pypy3.9/site-packages/a.py": SOURCE}, pypy) == ()


def test_bytecode_goes_where_python_looks_for_it(tmp_path: Path) -> None:
    free_threaded = Python("3.13", "lib/python3.13t/site-packages")
    assert bytecode_path("lib/a/b.py", PYTHON) == "lib/a/__pycache__/b.cpython-311.pyc"
    assert bytecode_path("lib/b.py", free_threaded) == "lib/__pycache__/b.cpython-313t.pyc"
    out = io.BytesIO()
    write_bytecode(LayerWriter(out), {f"{SITE}/b.py": b"two", f"{SITE}/a.py": b"one"}, PYTHON)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        files = [(member.name.rsplit("/", 1)[1], member.mtime) for member in tar if member.isreg()]
    assert files == [("a.cpython-311.pyc", 0), ("b.cpython-311.pyc", 0)]


def test_a_real_unchecked_hash_bytecode_counts_as_valid(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_bytes(SOURCE)
    made = py_compile.compile(
        str(source), str(tmp_path / "a.pyc"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    pyc = Path(str(made)).read_bytes()
    assert missing(tmp_path / "c", {f"{SITE}/a.py": SOURCE, f"{SITE}/__pycache__/a.cpython-311.pyc": pyc}) == ()
