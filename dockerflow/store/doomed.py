"""Delete the file of a blob unless somebody has put or kept the blob meanwhile.

A file system has no "unlink if it is old". So the file is first renamed, which happens at once: who keeps the blob has
made its file young before that, which is seen now, or finds no file under its name, and puts it there again. A file
that has turned out to be young gets its name back, by a link, which never replaces what somebody has put there.

Who is killed in between leaves a file `.doomed-…` in the folder of the blobs; `restore_all` gives it its name back.
Only a file that became young in that very moment is missed until then.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

_PREFIX = ".doomed-"


def delete(home: Path, root: Path, since: float) -> bool:
    """Remove the file of a blob that is older than `since`; whether it was. Raises OSError."""
    renamed = root / f"{_PREFIX}{home.name}-{uuid.uuid4().hex}"
    try:
        if home.stat().st_mtime >= since:
            return False
        os.rename(str(home), str(renamed))
        if renamed.stat().st_mtime >= since:
            _restore(renamed, root)
            return False
        renamed.unlink()
        return True
    except FileNotFoundError:  # deleted by another, or restored by a run that begins
        return False


def restore_all(root: Path) -> None:
    """Give the files that somebody was killed over their names back. What is another user's stays."""
    for renamed in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _restore(renamed, root)


def _restore(renamed: Path, root: Path) -> None:
    sha256 = renamed.name[len(_PREFIX) :].partition("-")[0]
    with suppress(FileExistsError):
        os.link(str(renamed), str(root / sha256[:2] / sha256))
    renamed.unlink()
