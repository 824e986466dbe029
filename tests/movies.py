"""Copy the movie table that the PyPI package `metaflow` carries among its tutorials to a file: `movies.py FILE`.

About 3,700 movies with the columns `movie_title,title_year,genres,gross`. It is real input for the first example, and
taken from the package when it is wanted, so that no table of others is in this repository.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path


def movies(target: Path) -> Path:
    """Write the table to `target`, whose folder is made."""
    found = importlib.util.find_spec("metaflow")
    if found is None or found.origin is None:
        sys.exit("the movie table is in the package metaflow: pip install 'dockerflow[dev]'")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(found.origin).parent / "tutorials" / "02-statistics" / "movies.csv", target)
    return target


if __name__ == "__main__":
    movies(Path(sys.argv[1]))
