"""What of a folder goes to an engine of another machine: what a run would have packed, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.debugging import code
from dockerflow.store import code_package
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.records import RunStarted


@pytest.fixture
def own(tmp_path: Path) -> code.Code:
    """A flow of the user's, in a folder that has more in it than the flow needs."""
    folder = tmp_path / "project"
    folder.mkdir()
    files = {
        "flow.py": "1",
        "query.sql": "2",
        "data.csv": "3",
        ".venv/pyvenv.cfg": "",
        ".venv/a.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    store = DirectoryStore(tmp_path / "store")
    package = store.blobs.put([code_package.pack(folder / "flow.py", suffixes=[".sql"])])
    return code.own(store, RunStarted(1.0, "F", "1", "anna", "", package, (), flow_file="flow.py"), folder / "flow.py")


def test_files_of_the_kinds_that_the_run_had_go_along_and_data_beside_them_does_not(own: code.Code) -> None:
    (own.folder / "query.sql").write_text("edited")
    (own.folder / "new.py").write_text("new")
    assert dict(code.archive(own, "there")) == {
        "there/flow.py": b"1",
        "there/query.sql": b"edited",
        "there/new.py": b"new",
    }


def test_a_folder_that_is_no_project_is_refused(own: code.Code) -> None:
    with (own.folder / "large.py").open("wb") as large:
        large.truncate(code_package.LARGEST + 1)
    with pytest.raises(StoreError):
        list(code.archive(own, "there"))
