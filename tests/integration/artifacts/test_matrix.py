"""What a step with one set of library versions stores, a step with another loads as the same value.

One run of a flow in containers: a step per set writes every kind of value, one that has no library passes all of them
on, and a step per set reads what each has written. What a value should be when it is read follows from its portrait
when it was written and from the table of nearest types, which is that of the documentation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dockerflow.client import Flow
from tests import channel
from tests.integration.artifacts.matrix import crossing, nearest, trained_here

MATRIX = Path(crossing.__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "results.md"

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("docker_client")]  # images are made and loaded first


@pytest.fixture(scope="module")
def channel_url() -> str:
    return channel.matrix_channel().url


@pytest.fixture(scope="module")
def found(channel_url: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the readers of values found, by set."""
    return run("flow.py", "Matrix", channel_url, tmp_path_factory.mktemp("matrix")).found


@pytest.fixture(scope="module")
def models(channel_url: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run("models.py", "Models", channel_url, tmp_path_factory.mktemp("models")).found


def run(file: str, flow: str, channel_url: str, folder: Path) -> Any:
    """The artifacts at the end of a run."""
    folders = {"DOCKERFLOW_CHANNELS": channel_url, "DOCKERFLOW_CACHE_DIR": str(channel.cache() / "cache")}
    command = [str(Path(sys.executable).with_name("dockerflow")), "run", str(MATRIX / file), "--store", str(folder)]
    environment = {**os.environ, **folders, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Flow(flow, store=folder).latest_run.data


def test_each_set_has_the_versions_that_it_is_for(found: Mapping[str, Any]) -> None:
    versions = {name: found[name]["versions"] for name in crossing.SETS}
    pandas = [versions[name]["pandas"] for name in crossing.SETS]
    numpy = [versions[name]["numpy"].partition(".")[0] for name in crossing.SETS]
    assert pandas[:4] == ["1.5.3", "2.0.3", "2.2.3", "2.2.3"]
    assert [version.partition(".")[0] for version in pandas[4:]] == ["3", "3"]
    assert numpy == ["1", "1", "1", "2", "1", "2"]


@pytest.mark.parametrize(("writer", "reader"), list(product(crossing.SETS, repeat=2)))
def test_what_one_set_writes_another_reads_as_the_same_value(
    found: Mapping[str, Any], writer: str, reader: str
) -> None:
    """And what the reader stores of it again is the same value once more."""
    assert found[reader][writer]["wrong"] == {}
    assert len(found[reader][writer]["kinds"]) > 280


@pytest.mark.parametrize("name", crossing.SETS)
def test_no_bytes_name_the_insides_of_a_library(found: Mapping[str, Any], name: str) -> None:
    assert found[name][name]["internals"] == {}


def test_the_documented_table_of_nearest_types_is_what_happens(found: Mapping[str, Any]) -> None:
    """A set that reads what it wrote needs no row, and each row is needed by some pair, or it would say nothing."""
    needed = {name: {row for writer in crossing.SETS for row in found[name][writer]["rows"]} for name in crossing.SETS}
    assert set.union(*needed.values()) == {row.what for row in nearest.ROWS}
    assert [found[name][name]["rows"] for name in crossing.SETS] == [[]] * len(crossing.SETS)
    lines = [f"| {row.what} | {row.reader} | {row.becomes} |" for row in nearest.ROWS]
    assert "\n".join(lines) in DOCUMENT.read_text()


# --- models


@pytest.mark.parametrize(("writer", "reader"), list(product(trained_here.SETS, repeat=2)))
def test_a_model_is_read_wherever_scikit_learn_reads_its_own_pickle(
    models: Mapping[str, Any], writer: str, reader: str
) -> None:
    """What cannot be loaded, because scikit-learn's classes have changed, says which versions wrote it."""
    outcomes = {kind: both for (name, kind), both in models[reader].items() if name == writer}
    assert len(outcomes) == 16
    for kind, (artifact, own) in outcomes.items():
        assert own != "right" or artifact == "right", kind
        if "CannotDecode" in artifact:
            assert f"step `write_{writer}` wrote it with" in artifact, kind
            assert "install" not in artifact, kind


@pytest.mark.parametrize(("writer", "reader"), list(product(["middle", "middle_numpy_2"], repeat=2)))
def test_a_model_crosses_versions_of_numpy(models: Mapping[str, Any], writer: str, reader: str) -> None:
    """With one scikit-learn on both sides; its own pickle does not: numpy's random generators stand in the way."""
    outcomes = {kind: both for (name, kind), both in models[reader].items() if name == writer}
    assert {kind: artifact for kind, (artifact, _) in outcomes.items()} == dict.fromkeys(outcomes, "right")


def test_columns_of_pyarrows_types_come_back_and_name_nothing_of_pandas(
    channel_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = run("arrow.py", "Arrow", channel_url, tmp_path_factory.mktemp("arrow"))
    assert data.found == data.wanted
    assert not any(data.named.values())
