"""`self.cmd`, as flows of old used it: a line of the shell with files to write before and files to read after.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from typing import Iterable, List, Mapping, Union

from dockerflow.flow.errors import StepError

__all__ = ["run"]


def run(line: str, before: Mapping[str, Union[str, bytes]], after: Iterable[str]) -> Union[bytes, List[bytes]]:
    """The bytes of the only file of `after`, or a list of those of all. Raises StepError where the line fails."""
    for path, content in before.items():
        with open(path, "wb") as written:
            written.write(content.encode() if isinstance(content, str) else content)
    status = os.system(line)
    if status:
        raise StepError(f"the command `{line}` failed with status {os.WEXITSTATUS(status)}")
    found = []
    for path in after:
        with open(path, "rb") as read:
            found.append(read.read())
    return found[0] if len(found) == 1 else found
