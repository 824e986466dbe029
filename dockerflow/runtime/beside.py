"""What travels with the Python files of a flow (`--package-suffixes`) stands in the working folder, too.

A step that opens `table.csv` means the file beside its flow: where Metaflow runs a step elsewhere, its working folder
is the one that the code was unpacked to. Here each task has a folder of its own, with links to those files.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import List


def entries(folder: str) -> List[str]:
    """The files and folders of a flow's folder that are no code: absolute paths."""
    with os.scandir(folder) as found:
        return [entry.path for entry in found if _is_no_code(entry)]


def link(paths: List[str]) -> None:
    """Let them stand in the working folder under their names; a file that is there already stays."""
    for path in paths:
        with suppress(FileExistsError):
            os.symlink(path, os.path.basename(path))


def _is_no_code(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir():
        return not entry.name.endswith(".py")
    return any(not name.endswith(".py") for _, _, names in os.walk(entry.path) for name in names)
