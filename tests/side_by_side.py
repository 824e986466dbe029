"""Which tests run side by side with `--dist loadfile`: whole files, longest first.

The tests of a file stay in one process, so what they share is made once. Files with the fixture `engine` stay together
as well, for each process that runs one starts an engine of every kind. The lists below only save time: a file that is
not in them runs when its turn comes, and starts what it needs.
"""

from __future__ import annotations

from collections import OrderedDict

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

ON_EVERY_ENGINE = {
    "tests/integration/engines/test_engine_contract.py",
    "tests/integration/engines/test_leftovers.py",
    "tests/integration/images/test_engine_contract.py",
    "tests/integration/images/test_saved.py",
    "tests/integration/setup/test_services.py",
}
TOGETHER = "the files of `ON_EVERY_ENGINE`"

# Those that take long, longest first: what is still to run when the others have nothing left costs its whole time.
LONG = [
    TOGETHER,
    "tests/differential/test_same_as_metaflow.py",
    "tests/integration/artifacts/test_matrix.py",
    "tests/integration/engines/test_tasks.py",
    "tests/integration/engines/test_containers.py",
    "tests/integration/engines/test_conditions.py",
    "tests/integration/store/test_run_tags.py",
    "tests/integration/s3/test_objects_contract.py",
    "tests/integration/buckets/test_faults.py",
    "tests/faults/test_outage.py",
    "tests/end_to_end/test_tutorials.py",
    "tests/end_to_end/test_bucket.py",
    "tests/end_to_end/test_examples.py",
    "tests/end_to_end/test_lock.py",
    "tests/end_to_end/test_volume.py",
    "tests/faults/test_killed_gc.py",
    "tests/end_to_end/test_building.py",
    "tests/end_to_end/test_documents.py",
    "tests/end_to_end/test_in_image.py",
    "tests/unit/images/test_killed_build.py",
    "tests/unit/images/test_build_memory.py",
    "tests/unit/images/test_builder.py",
    "tests/unit/cli/test_own_command.py",
    "tests/unit/cli/test_running.py",
    "tests/unit/cli/test_command_line.py",
]


class Files(LoadFileScheduling):
    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.workqueue = LongestFirst()

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER if file in ON_EVERY_ENGINE else file


class LongestFirst(OrderedDict[str, dict[str, bool]]):
    """The files that wait, with their tests. The scheduler takes one by `popitem`."""

    def popitem(self, last: bool = True) -> tuple[str, dict[str, bool]]:
        key = min(self, key=lambda file: LONG.index(file) if file in LONG else len(LONG))
        return key, self.pop(key)
