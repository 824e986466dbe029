"""The tutorials in the package `metaflow` run unchanged, in containers, one after the other over one store.

Some read what earlier ones left with the client inside a step, one asks for a Python and a library of its own with
`@conda`, one has `@kubernetes`. Their notebooks' cells run as well, as far as they need no cloud. What is left is
compared with what Metaflow leaves of the same files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.channel import cache
from tests.tutorials import tutorial, tutorials_channel

# The first test waits for six runs and for what they need.
pytestmark = pytest.mark.timeout(900)

FILES = {
    "00-helloworld": "helloworld.py",
    "01-playlist": "playlist.py",
    "02-statistics": "stats.py",
    "03-playlist-redux": "playlist.py",
    "04-playlist-plus": "playlist.py",
    "05-hello-cloud": "hello-cloud.py",
}
# As users write them: the same words that a tutorial's page gives to `python playlist.py`.
OPTIONS = {"04-playlist-plus": ("--environment=conda", "--hint", "El Mariachy"), "02-statistics": ("--no-pylint",)}

# What a run of a flow left: for every step its tasks' artifacts.
LEFT = """
import json, sys
from {module} import Flow, namespace
namespace(None)
left = {{}}
for step in Flow(sys.argv[1]).latest_run:
    tasks = [{{a.id: a.data for a in task if a.id != "name"}} for task in step]
    left[step.id] = sorted(tasks, key=lambda task: task.get("genre", ""))
print(json.dumps(left))
"""

# Run a notebook's cells where `metaflow` is dockerflow, with stand-ins for libraries that draw.
CELLS = """
import json, sys
from dockerflow.flow.metaflow_names import in_place_of_metaflow
from dockerflow.flow.stand_ins import stand_ins
path, folder = sys.argv[1:]
with open(path) as stream:
    cells = ["".join(cell["source"]) for cell in json.load(stream)["cells"] if cell["cell_type"] == "code"]
with in_place_of_metaflow(), stand_ins(folder):
    names = {}
    for cell in cells:
        exec(compile(cell, path, "exec"), names)
"""


class Place:
    """A folder with the tutorials, and the environment of the user who works there."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKERFLOW_", "XDG_"))}
        self.folder, self.variables = folder, {**mine, "HOME": str(folder), "MPLBACKEND": "Agg", **variables}
        for name in FILES:
            tutorial(name, folder)

    def run(self, *words: object) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def left(self, flow: str, module: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = json.loads(self.run("-c", LEFT.format(module=module), flow))
        return found


@pytest.fixture(scope="module")
def ours(docker_client, tmp_path_factory) -> Place:
    variables = {
        "DOCKERFLOW_CHANNELS": tutorials_channel().url,
        "DOCKERFLOW_CACHE_DIR": str(cache() / "cache"),
        "DOCKERFLOW_USER": "tester",
    }
    return Place(tmp_path_factory.mktemp("ours"), variables)


@pytest.fixture(scope="module")
def printed(ours: Place) -> Mapping[str, str]:
    """What each tutorial's run told, run in their order."""
    command = ("-c", "import sys; from dockerflow.cli.main import main; sys.exit(main())", "run")
    return {name: ours.run(*command, f"{name}/{file}", *OPTIONS.get(name, ())) for name, file in FILES.items()}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("theirs")
    variables = {
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_USER": "tester",
    }
    return Place(folder, variables)


def seeded(place: Place, name: str) -> str:
    """A copy of a tutorial that draws the same random numbers wherever it runs."""
    path = place.folder / name / f"seeded_{FILES[name]}"
    path.write_text("import random\nrandom.seed(7)\n" + (place.folder / name / FILES[name]).read_text())
    return f"{name}/{path.name}"


def test_helloworld_says_hi(printed: Mapping[str, str]) -> None:
    assert "Metaflow says: Hi!" in printed["00-helloworld"]


def test_playlist_has_movies_of_the_genre(printed: Mapping[str, str]) -> None:
    lines = [line.partition("] ")[2] for line in printed["01-playlist"].splitlines()]
    assert "Playlist for movies in genre 'Sci-Fi'" in lines
    assert [line for line in lines if line.startswith("Pick ")][-1].startswith("Pick 5: '")
    assert any(line.startswith("Bonus Pick: '") for line in lines)


def test_statistics_are_those_of_every_genre(printed: Mapping[str, str], ours: Place, theirs: Place) -> None:
    """The order of the genres is that of a set: each side's own."""
    assert printed["02-statistics"].count("Computing statistics for ") == 22
    theirs.run("02-statistics/stats.py", "--no-pylint", "--quiet", "run")
    assert _unordered(ours.left("MovieStatsFlow", "dockerflow")) == _unordered(
        theirs.left("MovieStatsFlow", "metaflow")
    )


def test_playlist_redux_reads_the_statistics_in_its_first_step(printed: Mapping[str, str], ours: Place) -> None:
    assert "Using metadata provider: local@" in printed["03-playlist-redux"]
    assert "Using analysis from 'Run('MovieStatsFlow/" in printed["03-playlist-redux"]
    assert "Pick 5: '" in printed["03-playlist-redux"]


def test_playlist_plus_finds_the_title_nearest_to_the_hint(printed: Mapping[str, str]) -> None:
    """Editdistance is in the container of that step alone, with the Python that the flow asks for."""
    assert "Bonus Pick: 'El Mariachi' from 'Action|Crime|Drama|Romance|Thriller'" in printed["04-playlist-plus"]


def test_step_for_a_cluster_runs_here_and_says_so(printed: Mapping[str, str]) -> None:
    told = printed["05-hello-cloud"]
    assert "Metaflow says: Hi from the cloud!" in told
    assert told.count("`@kubernetes`") == 1


def test_playlists_are_metaflows_with_the_same_seed(printed: Mapping[str, str], ours: Place, theirs: Place) -> None:
    theirs.run("02-statistics/stats.py", "--no-pylint", "--quiet", "run")
    command = ("-c", "import sys; from dockerflow.cli.main import main; sys.exit(main())", "run")
    ours.run(*command, seeded(ours, "01-playlist"), "--engine", "process")
    theirs.run(seeded(theirs, "01-playlist"), "--no-pylint", "--quiet", "run")
    assert ours.left("PlayListFlow", "dockerflow") == theirs.left("PlayListFlow", "metaflow")


@pytest.mark.parametrize(
    ("notebook", "told"),
    [
        ("01-playlist/playlist.ipynb", "Playlist for movies in genre 'Sci-Fi'"),
        ("02-statistics/stats.ipynb", "Using run: Run('MovieStatsFlow/"),
        ("05-hello-cloud/hello-cloud.ipynb", "Hi from the cloud!"),
        ("06-statistics-redux/stats.ipynb", "The best movie ever made:\nMetaflow the Release,2019,Documentary,0"),
        ("07-worldview/worldview.ipynb", "HelloCloudFlow  Last run: "),
    ],
)
def test_cells_of_the_notebooks_read_the_runs(
    printed: Mapping[str, str], ours: Place, notebook: str, told: str
) -> None:
    folder = ours.folder / Path(notebook).parent
    if not folder.exists():
        tutorial(folder.name, ours.folder)
    assert told in ours.run("-c", CELLS, ours.folder / notebook, ours.folder)


def _unordered(left: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    for tasks in left.values():
        for task in tasks:
            if "genres" in task:
                task["genres"] = sorted(task["genres"])
    return left
