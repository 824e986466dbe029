"""Which store is meant where nobody names one: the client reads it, and a command says how to find its results there.

Apart from the client, which a command that runs a flow has no use for. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from dockerflow.store import directory
from dockerflow.store.names import in_bucket, is_in_bucket

# The setting that names a store's root for everything that reads or writes one.
VARIABLE = "DOCKERFLOW_STORE"


def store_here() -> Optional[str]:
    """The store that is read where none is given: DOCKERFLOW_STORE; else, on a machine that has all of dockerflow, the
    setting `store`; else the nearest `.dockerflow` from the working directory upwards; None if there is none."""
    named = os.environ.get(VARIABLE) or _configured()
    if named is None:
        found = directory.find(os.getcwd())
        return None if found is None else str(found.resolve())
    return str(in_bucket(named)) if is_in_bucket(named) else str(Path(named).expanduser().resolve())


def _configured() -> Optional[str]:
    """What the configuration says. Of dockerflow a step's container has only what steps need: there it says nothing."""
    if find_spec("dockerflow.config") is None:
        return None
    name: Optional[str] = import_module("dockerflow.config").load_config().store
    return name
