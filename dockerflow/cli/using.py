"""`store uses`: which runs a blob matters to, and what it is for them."""

from __future__ import annotations

import re
import sys

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.tables import print_json, print_table
from dockerflow.store import uses as used

_BLOB = re.compile("[0-9a-f]{64}")


def uses(blob: str, as_json: bool, chosen: str | None) -> int:
    """Print a table of what uses the blob, of each flow newest runs first; runs that cannot be read are left out."""
    if not _BLOB.fullmatch(blob):
        raise CommandLineError(f"`{blob}` is no blob", "a blob's name is the 64 digits that a message has in it")
    found = list(used.of_blob(store_of_runs(chosen), blob))
    if as_json:
        print_json([{"pathspec": use.pathspec, "what": use.what} for use in found])
    elif found:
        print_table([(use.pathspec, use.what) for use in found])
    else:
        print(f"no run uses blob `{blob}`", file=sys.stderr)
    return 0
