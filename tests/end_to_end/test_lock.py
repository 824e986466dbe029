"""`dockerflow lock` as a user gives it: files beside the flow, what is said of them, and a run that uses them.

conda's packages come from the tests' channel, `humanize` from the package index that uv is configured for.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.channel import PANDAS_NEW, PANDAS_OLD

FLOW = f'''
from dockerflow import FlowSpec, conda, image, pypi, step


class Libraries(FlowSpec):
    @conda(libraries={{"pandas": "{PANDAS_OLD}"}})
    @step
    def start(self):
        import pandas

        self.pandas = pandas.__version__
        self.next(self.words)

    @conda(libraries={{"packaging": "23.2"}})
    @pypi(packages={{"humanize": "4.9.0"}})
    @step
    def words(self):
        import humanize

        self.words = humanize.naturalsize(1000)
        self.next(self.end)

    @conda(libraries={{"packaging": "23.2"}})
    @pypi(packages={{"humanize": "4.9.0"}})
    @step
    def end(self):
        pass
'''

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    path = tmp_path / "flow.py"
    path.write_text(FLOW)
    return path


@pytest.fixture
def edit(flow: Path) -> Callable[[str, str], None]:
    def replace(old: str, new: str) -> None:
        assert old in flow.read_text()
        flow.write_text(flow.read_text().replace(old, new))

    return replace


def files(flow: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(flow.with_suffix(".locks").iterdir())}


def entries(text: str) -> dict[str, str]:
    return {entry["name"]: entry["version"] for entry in yaml.safe_load(text)["package"]}


def test_locks_are_made_once_and_kept(dockerflow: Command, flow: Path) -> None:
    missing = dockerflow("lock", "flow.py", "--check", code=4)
    assert missing.stdout.splitlines() == [
        "start: flow.locks/start.yml is missing",
        "words, end: flow.locks/words.yml is missing",
        "mend it with `dockerflow lock flow.py`",
    ]
    assert not flow.with_suffix(".locks").exists()

    first, second = dockerflow("lock", "flow.py").stdout.splitlines()
    assert re.fullmatch(r"start: solved, \d+ packages for linux-\w+ \(flow.locks/start.yml\)", first)
    assert re.fullmatch(r"words, end: solved, \d+ packages for linux-\w+ \(flow.locks/words.yml\)", second)
    made = files(flow)
    assert "# For steps words, end of Libraries;" in made["words.yml"]
    assert entries(made["words.yml"])["humanize"] == "4.9.0"

    again = dockerflow("lock", "flow.py").stdout.splitlines()
    assert all(": kept, " in line for line in again)
    assert files(flow) == made
    assert dockerflow("lock", "flow.py", "--check").stdout.splitlines() == [
        "start: flow.locks/start.yml is up to date",
        "words, end: flow.locks/words.yml is up to date",
    ]


def test_a_store_that_is_not_there_yet_is_no_reason_not_to_lock(
    dockerflow: Command, variables: dict[str, str], flow: Path, tmp_path: Path
) -> None:
    """Who locks first has no runs: on a new machine, or in CI."""
    variables["DOCKERFLOW_STORE"] = str(tmp_path / "later")
    dockerflow("lock", "flow.py")
    assert sorted(files(flow)) == ["start.yml", "words.yml"]
    assert not (tmp_path / "later").exists()


def test_a_run_uses_what_was_committed_and_tells_what_no_longer_fits(
    dockerflow: Command, flow: Path, edit: Callable[[str, str], None]
) -> None:
    dockerflow("lock", "flow.py")
    told = dockerflow("run", "flow.py").stdout
    assert told.count("lock reused (committed") == 2
    edit(f'"{PANDAS_OLD}"', f'"{PANDAS_NEW}"')
    told = dockerflow("run", "flow.py").stdout
    assert f"it has `pandas {PANDAS_OLD}`, and `pandas {PANDAS_NEW}` is asked for" in told
    assert told.count("lock reused (committed") == 1


def test_what_ran_is_what_is_locked(dockerflow: Command, flow: Path) -> None:
    dockerflow("build", "flow.py")
    told = dockerflow("lock", "flow.py").stdout
    assert told.count("taken from earlier runs") == 2, told
    assert dockerflow("lock", "flow.py", "--check").stdout.count("is up to date") == 2
    assert dockerflow("build", "flow.py").stdout.count("image present") == 2


def test_what_changes_is_said_and_nothing_else_changes(
    dockerflow: Command, flow: Path, edit: Callable[[str, str], None]
) -> None:
    dockerflow("lock", "flow.py")
    before = files(flow)
    edit(f'"{PANDAS_OLD}"', f'"{PANDAS_NEW}"')
    stale = dockerflow("lock", "flow.py", "--check", code=4).stdout
    assert f"start: flow.locks/start.yml is out of date for linux-64: it has `pandas {PANDAS_OLD}`" in stale
    told = dockerflow("lock", "flow.py").stdout
    assert f"\n  pandas {PANDAS_OLD} → {PANDAS_NEW}\n" in told
    assert files(flow)["words.yml"] == before["words.yml"]
    old, new = entries(before["start.yml"]), entries(files(flow)["start.yml"])
    assert {name for name in old if new.get(name) != old[name]} == {"pandas"}


def test_a_lock_with_conflicts_of_a_merge_is_said_with_its_line(dockerflow: Command, flow: Path) -> None:
    dockerflow("lock", "flow.py")
    file = flow.with_suffix(".locks") / "start.yml"
    file.write_text(file.read_text().replace("metadata:", "<<<<<<< HEAD\nmetadata:", 1))
    told = dockerflow("lock", "flow.py", "--check", code=4).stdout
    assert "start: the lock `flow.locks/start.yml:" in told
    assert "is not YAML" in told


def test_one_package_is_upgraded_alone(dockerflow: Command, flow: Path, edit: Callable[[str, str], None]) -> None:
    dockerflow("lock", "flow.py")
    edit('"4.9.0"', '">=4.9"')
    edit('"23.2"', '">=23"')
    stale = dockerflow("lock", "flow.py", "--check", code=4).stdout
    assert "words, end: flow.locks/words.yml is out of date: the spec has changed, its packages stay" in stale
    kept = dockerflow("lock", "flow.py").stdout
    assert "words, end: rewritten, the packages stay" in kept
    told = dockerflow("lock", "flow.py", "--upgrade", "humanize").stdout
    assert re.search(r"\n  humanize 4\.9\.0 → \S+ \(pip\)\n?$", told), told
    assert entries(files(flow)["words.yml"])["packaging"] == "23.2"
    told = dockerflow("lock", "flow.py", "--upgrade").stdout
    assert "\n  packaging 23.2 → " in told
    assert dockerflow("lock", "flow.py", "--upgrade").stdout.count("kept, nothing newer fits") == 2


def test_an_entry_that_somebody_deleted_is_put_back(dockerflow: Command, flow: Path) -> None:
    dockerflow("lock", "flow.py")
    made = files(flow)
    path = flow.with_suffix(".locks") / "start.yml"
    document = yaml.safe_load(path.read_text())
    document["package"] = [entry for entry in document["package"] if entry["name"] != "pytz"]
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    stale = dockerflow("lock", "flow.py", "--check", code=4).stdout
    assert f"`pandas {PANDAS_OLD}` needs `pytz`, which is not in it" in stale
    assert "  + pytz " in dockerflow("lock", "flow.py").stdout
    assert files(flow) == made


def test_files_that_nobody_needs_are_removed_and_others_left_alone(
    dockerflow: Command, flow: Path, edit: Callable[[str, str], None]
) -> None:
    dockerflow("lock", "flow.py")
    folder = flow.with_suffix(".locks")
    document = yaml.safe_load((folder / "words.yml").read_text())
    del document["metadata"]["custom_metadata"]
    (folder / "conda-lock.yml").write_text(yaml.safe_dump(document))
    edit("def words", "def say")
    edit("self.next(self.words)", "self.next(self.say)")
    edit(f'    @conda(libraries={{"pandas": "{PANDAS_OLD}"}})\n', "")
    edit("import pandas", "import sys as pandas")
    stale = dockerflow("lock", "flow.py", "--check", code=4).stdout
    assert "flow.locks/words.yml: its environment belongs into flow.locks/say.yml" in stale
    told = dockerflow("lock", "flow.py").stdout
    assert "flow.locks/words.yml: removed, its environment belongs into flow.locks/say.yml" in told
    assert sorted(files(flow)) == ["conda-lock.yml", "say.yml", "start.yml"]
    dockerflow("lock", "flow.py", "--check")


def test_a_lock_with_conflicts_of_a_merge_is_written_again(dockerflow: Command, flow: Path) -> None:
    dockerflow("lock", "flow.py")
    made = files(flow)
    path = flow.with_suffix(".locks") / "start.yml"
    path.write_text(path.read_text().replace("package:\n", "<<<<<<< ours\npackage:\n=======\n>>>>>>> theirs\n"))
    assert "is not YAML" in dockerflow("run", "flow.py", code=4).stderr
    dockerflow("lock", "flow.py", "--check", code=4)
    dockerflow("lock", "flow.py")
    assert files(flow) == made


def test_steps_that_bring_their_own_need_no_lock(
    dockerflow: Command, flow: Path, edit: Callable[[str, str], None]
) -> None:
    dockerflow("lock", "flow.py")
    (flow.parent / "conda-lock.yml").write_text(files(flow)["start.yml"])
    edit(f'libraries={{"pandas": "{PANDAS_OLD}"}}', 'lock="conda-lock.yml"')
    edit(
        '@conda(libraries={"packaging": "23.2"})\n    @pypi(packages={"humanize": "4.9.0"})\n    @step\n    def end',
        '@image("mine:1")\n    @step\n    def end',
    )
    told = dockerflow("lock", "flow.py").stdout.splitlines()
    assert told[:2] == [
        "start: nothing to lock, it names conda-lock.yml",
        "end: nothing to lock, it brings the image mine:1",
    ]
    assert sorted(files(flow)) == ["words.yml"]


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["pandas"], "takes the name `pandas` only to upgrade it", "`dockerflow lock flow.py --upgrade pandas`"),
        (["--check", "--upgrade"], "`--check` changes nothing", "leave one of them out"),
        (["--platform", "osx-64"], "no step images for the platform `osx-64`", "`linux-64` or `linux-aarch64`"),
        (["--upgrade", "pandsa"], "no lock of `flow.py` has the package `pandsa`", "needs no `--upgrade`"),
    ],
)
def test_a_command_line_that_makes_no_sense(
    dockerflow: Command, flow: Path, words: list[str], error: str, hint: str
) -> None:
    done = dockerflow("lock", "flow.py", *words, code=2)
    assert error in done.stderr
    assert hint in done.stderr
    assert done.stdout == ""
