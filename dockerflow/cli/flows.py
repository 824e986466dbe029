"""Load the flow that a command line names, with what to type where it does not say which."""

from __future__ import annotations

import re
from pathlib import Path

from dockerflow.flow.errors import FlowFileError
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.loading import LoadedFlow, load

_SEVERAL = re.compile(r"there are \d+ flows in .*?: `(\w+)`")


def load_flow(file: str | Path, name: str | None, given: Given = NOTHING) -> LoadedFlow:
    """As `flow.loading.load`; of several flows the hint names the option that chooses one."""
    try:
        return load(file, name, given=given)
    except FlowFileError as error:
        several = _SEVERAL.match(error.message)
        if several is not None:
            error.hint = f"name the one that is meant, as `--flow {several[1]}`"
        raise
