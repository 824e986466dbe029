"""What tasks leave in folders is removed, and what was there before them is not."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

from dockerflow.runtime.leftover_files import LeftoverFiles


def files(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*")}


def test_files_folders_and_links_that_came_later_are_removed(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "file").write_text("mine")
    left = LeftoverFiles([str(tmp_path)], str(tmp_path / "private"))
    before = files(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "before" / "other").write_text("")
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "folder" / "below" / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "before")
    os.mkfifo(tmp_path / "pipe")
    left.remove()
    assert files(tmp_path) == before
    assert (tmp_path / "before" / "file").read_text() == "mine"


def test_a_folder_that_its_owner_may_not_look_into_is_removed(tmp_path: Path) -> None:
    """As root one may look into any: the test that runs containers holds this for other users."""
    left = LeftoverFiles([str(tmp_path)], "")
    (tmp_path / "closed" / "below").mkdir(parents=True)
    (tmp_path / "closed" / "below" / "file").write_text("")
    (tmp_path / "closed" / "below").chmod(0)
    (tmp_path / "closed").chmod(0)
    left.remove()
    assert files(tmp_path) == set()


def test_the_workers_own_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    left = LeftoverFiles([str(tmp_path)], str(tmp_path / "run"))
    (tmp_path / "run" / "result").write_text("")
    left.remove()
    assert files(tmp_path) == {"run", "run/result"}


def test_an_outbox_among_the_folders_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "outbox").mkdir()
    left = LeftoverFiles([str(tmp_path)], str(tmp_path / "run"), str(tmp_path / "outbox"))
    (tmp_path / "outbox" / "blob").write_text("")
    (tmp_path / "other").write_text("")
    left.remove()
    assert files(tmp_path) == {"run", "outbox", "outbox/blob"}


def test_a_folder_within_the_workers_own_is_cleared_where_it_is_named(tmp_path: Path) -> None:
    code = tmp_path / "run" / "code"
    code.mkdir(parents=True)
    (code / "flow.py").write_text("")
    left = LeftoverFiles([str(tmp_path), str(code)], str(tmp_path / "run"))
    (tmp_path / "run" / "result").write_text("")
    (code / "written beside the flow").write_text("")
    left.remove()
    assert files(tmp_path) == {"run", "run/result", "run/code", "run/code/flow.py"}


def test_folders_inside_each_other_are_removed_also_where_python_lets_no_calls_be_so_deep(tmp_path: Path) -> None:
    left = LeftoverFiles([str(tmp_path)], "")
    folder = str(tmp_path)
    for _ in range(300):
        folder += "/f"
        os.mkdir(folder)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        left.remove()
    finally:
        sys.setrecursionlimit(before)
    assert os.listdir(tmp_path) == []


def test_nothing_outside_is_reached_through_a_link(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    (inside / "before").mkdir(parents=True)
    outside.mkdir()
    (outside / "file").write_text("")
    left = LeftoverFiles([str(inside)], "")
    (inside / "before").rmdir()
    (inside / "before").symlink_to(outside)
    (inside / "link").symlink_to(outside)
    outside.chmod(0o555)
    left.remove()
    assert files(outside) == {"file"}
    assert outside.stat().st_mode & 0o777 == 0o555


def test_a_folder_that_is_not_there_does_no_harm(tmp_path: Path) -> None:
    LeftoverFiles([str(tmp_path / "nowhere")], "").remove()
