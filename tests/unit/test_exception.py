"""`dockerflow.exception`: Metaflow's names for the errors that flows and notebooks handle."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import dockerflow
from dockerflow import exception
from dockerflow.errors import DockerflowError
from dockerflow.exception import MetaflowException

# In a process of its own: it warns of itself when it is imported.
THEIRS = """
import json, metaflow.exception as theirs
kinds = [kind for kind in vars(theirs).values() if isinstance(kind, type) and kind.__module__ == theirs.__name__]
print(json.dumps([kind.__name__ for kind in kinds]))
"""


def test_every_error_of_metaflow_has_its_name_here() -> None:
    told = subprocess.run([sys.executable, "-c", THEIRS], capture_output=True, text=True, check=True).stdout
    assert set(json.loads(told)) - {"ExternalCommandFailed"} <= set(exception.__all__)


@pytest.mark.parametrize("name", exception.__all__)
def test_every_name_is_a_class_that_metaflow_exception_finds(name: str) -> None:
    """But for the one that holds a caught failure, which is none of Metaflow's own errors there either."""
    found = getattr(exception, name)
    assert issubclass(found, MetaflowException) == (name != "MetaflowExceptionWrapper")


def test_every_error_of_ours_is_one_of_metaflow() -> None:
    assert issubclass(DockerflowError, MetaflowException)


def test_flows_raise_it_with_a_text() -> None:
    assert str(MetaflowException("no such table")) == MetaflowException("no such table").message == "no such table"
    assert str(MetaflowException("x", 3)) == "line 3: x"
    assert (str(MetaflowException()), MetaflowException(msg="x").headline) == ("", "Flow failed")
    assert str(pickle.loads(pickle.dumps(MetaflowException("x")))) == "x"


def test_flows_derive_their_own_from_it() -> None:
    class NoTable(MetaflowException):
        headline = "No table"

        def __init__(self, name: str) -> None:
            super().__init__(f"no table {name}")

    with pytest.raises(MetaflowException, match="no table x"):
        raise NoTable("x")


def test_missing_run_is_handled_by_its_name_in_metaflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dockerflow").mkdir()
    monkeypatch.setenv("DOCKERFLOW_STORE", str(tmp_path / ".dockerflow"))
    with pytest.raises(exception.MetaflowNotFound):
        dockerflow.Flow("NoSuchFlow")
    with pytest.raises(exception.MetaflowInvalidPathspec):
        dockerflow.Run("x/y/z")


def test_import_costs_no_client() -> None:
    program = "import sys, dockerflow.exception; sys.exit('dockerflow.client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
