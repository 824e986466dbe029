"""What may be imported without paying for what is heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOCK_FROM_STORE = """
import sys, tempfile
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.locks import lock_for
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.runs import lock_key
from tests.unit.environments.locks_by_hand import lock, package, spec
with tempfile.TemporaryDirectory() as folder:
    store, wanted = DirectoryStore(folder), spec(pandas="1.5.3")
    store.put(lock_key(wanted.spec_hash), dumps(lock(wanted, package("pandas", "1.5.3"))).encode())
    lock_for(wanted, store, "flow.py", lambda event: None, ("train",))
"""

PLAIN_STEP = """
from dockerflow.environments.request import environment_for
from dockerflow.flow.definition import Conda, Step
libraries = (("pandas", "1.5.3"), ("click", ""))
step = Step("start", "flow.py", 1, "", (), decorators=(Conda(libraries=libraries, python="3.11"),))
environment_for(step, ("conda-forge", "https://host.example/channel", "file:///a/folder"), (), "linux-64")
"""


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import dockerflow.environments.spec, dockerflow.environments.lock", ("rattler", "conda_lock", "yaml")),
        ("import dockerflow.environments.lock_file", ("rattler", "conda_lock")),
        (LOCK_FROM_STORE, ("conda_lock", "pydantic", "rattler", "packaging", "asyncio")),
        (PLAIN_STEP, ("rattler", "packaging", "yaml", "tomllib")),
    ],
)
def test_what_is_heavy_is_imported_only_where_it_is_needed(code: str, heavy: tuple[str, ...]) -> None:
    told = f"{code}\nimport sys\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
