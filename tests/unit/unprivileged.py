"""Do something without the rights of the superuser, who may read and write everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """`folder`, a test's own, can be reached, as what is above it is the superuser's. What is imported inside may not
    be found: import it before.
    """
    if os.geteuid() != 0:
        yield
        return
    for above in folder.parents:
        if "pytest" in above.name:
            above.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
