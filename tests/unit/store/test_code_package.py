from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from dockerflow.flow.given import NOTHING
from dockerflow.store import code_package
from dockerflow.store.code_package import OURS, USER
from dockerflow.store.errors import StoreError
from tests.unit.store.code_packages import older


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flow.py").write_text("import parts.one\n")
    return folder


def user_files(project: Path) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(code_package.pack(project / "flow.py"))) as archive:
        return [name[len(USER) + 1 :] for name in archive.getnames() if name.startswith(f"{USER}/")]


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_python_files_below_the_flow_are_taken_and_nothing_else(project: Path) -> None:
    for name in ("parts/one.py", "parts/__init__.py", "data.csv", "notes.txt", "__pycache__/flow.py"):
        write(project / name)
    assert user_files(project) == ["flow.py", "parts/__init__.py", "parts/one.py"]


def test_hidden_folders_and_environments_are_left_out(project: Path) -> None:
    write(project / ".dockerflow" / "a.py")
    write(project / "env" / "pyvenv.cfg")
    write(project / "env" / "lib" / "a.py")
    (project / "conda" / "conda-meta").mkdir(parents=True)
    write(project / "conda" / "a.py")
    assert user_files(project) == ["flow.py"]


def test_a_link_is_followed_only_to_a_file_inside(project: Path) -> None:
    write(project / "inside.py", "x = 1")
    (project / "link.py").symlink_to("inside.py")
    (project / "outside.py").symlink_to(write(project.parent / "secret.py"))
    (project / "circle.py").symlink_to("circle.py")
    (project / "elsewhere").symlink_to(project.parent)
    assert user_files(project) == ["flow.py", "inside.py", "link.py"]


def test_the_same_files_give_the_same_bytes(project: Path, tmp_path: Path) -> None:
    one, two = write(project / "b.py", "1"), write(project / "a.py", "2")
    first = code_package.pack(project / "flow.py")
    os.utime(one, (1, 1))
    two.chmod(0o700)
    write(project / "data.csv", "more")
    assert code_package.pack(project / "flow.py") == first
    one.write_text("3")
    assert code_package.pack(project / "flow.py") != first


def test_what_is_unpacked_runs_without_the_rest_of_dockerflow(project: Path, tmp_path: Path) -> None:
    write(project / "parts" / "__init__.py")
    write(project / "parts" / "one.py")
    code_package.unpack(code_package.pack(project / "flow.py"), tmp_path / "box")
    assert (tmp_path / "box" / USER / "flow.py").read_text() == "import parts.one\n"
    lines = "; ".join(
        [
            "import sys",
            "from dockerflow.store import journal, history, code_package, manifest",
            "from dockerflow import client",
            "print(manifest.__file__)",
        ]
    )
    box = {"PYTHONPATH": str(tmp_path / "box" / OURS)}
    command = [sys.executable, "-S", "-c", lines]
    done = subprocess.run(command, env=box, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "box"))


def test_too_much_code_is_refused_and_the_largest_files_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project / "large.py", "#" * (3 << 20))
    monkeypatch.setattr(code_package, "LARGEST", 1 << 20)
    with pytest.raises(StoreError, match=r"`large.py` \(3 MiB\)"):
        code_package.pack(project / "flow.py")


def test_a_missing_flow_file_is_named(project: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read `.*nothing\.py`"):
        code_package.pack(project / "nothing.py")


@pytest.mark.parametrize("name", ["../x.py", "/x.py", "user-code/../../x.py"])
def test_unpacking_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="outside its folder"):
        code_package.unpack(packed(tarfile.TarInfo(name)), tmp_path / "box")


def test_unpacking_makes_no_links(tmp_path: Path) -> None:
    link = tarfile.TarInfo("user-code/x.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(StoreError, match="files only"):
        code_package.unpack(packed(link), tmp_path / "box")


def test_a_package_that_an_older_dockerflow_made_was_given_nothing() -> None:
    assert code_package.given(packed(tarfile.TarInfo("user-code/flow.py"))) == NOTHING


def test_unpacking_something_else_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot unpack"):
        code_package.unpack(b"something else", tmp_path / "box")


def packed(entry: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry)
    return buffer.getvalue()


def test_a_renewed_package_is_the_very_same_where_the_runtime_is(project: Path) -> None:
    write(project / "data.csv", "1,2")
    package = code_package.pack(project / "flow.py", suffixes=(".csv",))
    assert code_package.renewed(package) == package
    assert code_package.renewed(older(package)) == package
    assert older(package) != package


def test_what_is_no_package_is_not_renewed() -> None:
    with pytest.raises(StoreError, match="cannot unpack the code package"):
        code_package.renewed(b"no package")
