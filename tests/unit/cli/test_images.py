"""`dockerflow images …` where there is no engine, no cache and no store, and with what cache and store know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.images import is_stranger
from dockerflow.cli.spans import seconds
from dockerflow.cli.tables import shortened
from dockerflow.images.inventory import KnownImage
from dockerflow.store.directory import DirectoryStore
from tests.unit.cli.commands import PROGRAM, Answer, dockerflow, environment
from tests.unit.images.known import big_lock, built, write_run

NO_ENGINE = "unix:///nowhere/docker.sock"
SILENT = f"no Docker engine answers at `{NO_ENGINE}`"
NOTE = f"note: {SILENT}: shown is what the cache and the store know\n"


def images(folder: Path, *words: str) -> Answer:
    return dockerflow(
        "images",
        *words,
        cwd=folder,
        DOCKERFLOW_ENGINE=NO_ENGINE,
        DOCKERFLOW_CACHE_DIR=str(folder / "cache"),
        # The Docker SDK drops the socket of a connection that failed without closing it.
        PYTHONWARNINGS="error,ignore::ResourceWarning",
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A cache with an image, and a store with a run that used it."""
    lock = big_lock(tmp_path)
    image = built(tmp_path / "cache", lock)
    write_run(DirectoryStore(tmp_path / ".dockerflow"), "Films", {"start": (image, lock)}, 1_700_000_000.0)
    return tmp_path


def test_without_anything_there_are_no_images(tmp_path: Path) -> None:
    assert images(tmp_path, "list") == Answer(0, "", NOTE + "note: there are no step images; a run builds them\n")
    assert images(tmp_path, "list", "--json") == Answer(0, "[]\n", NOTE)
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / ".dockerflow").exists()


def test_without_an_engine_cache_and_store_are_told(project: Path) -> None:
    answer = images(project, "list")
    assert answer.stderr == NOTE
    title, line = answer.lines
    assert title.split() == ["image", "packages", "size", "own", "layers", "last", "used", "by", "engine"]
    assert "asked 1.0, python 3.11.4" in line
    assert line.endswith("Films/start  ?")


def test_an_image_is_shown_with_layers_packages_and_runs(project: Path) -> None:
    run_id = "1700000000000000"
    answer = images(project, "show", f"Films/{run_id}/start")
    assert (answer.code, answer.stderr) == (0, NOTE)
    assert "layers, bottom first" in answer.lines
    assert "5 packages" in answer.lines
    assert any(line.split()[-1:] == ["dockerflow"] for line in answer.lines)
    assert any("2 small packages: one 1.0, two 1.0" in line for line in answer.lines)
    assert answer.lines[-2:] == ["used by 1 step of runs", f"  Films/{run_id}/start  2023-11-14 22:13"]
    told = json.loads(images(project, "show", f"Films/{run_id}", "--json").stdout)
    assert [one["name"] for one in told["packages"]] == ["asked", "big", "one", "python", "two"]
    assert {one["channel"] for one in told["packages"]} == {(project / "channel").as_uri()}
    assert told["on_engine"] is None
    assert sum(layer["size"] for layer in told["layers"]) == told["size"] == told["own_size"]


def test_what_cannot_be_read_is_said_and_passed_over(project: Path) -> None:
    (project / "cache" / "images" / "x.json").write_text("[]")
    answer = images(project, "list")
    assert len(answer.lines) == 2
    assert "1 record cannot be read and told nothing" in answer.stderr


def test_an_unknown_image_is_an_error_with_the_way_to_list(project: Path) -> None:
    answer = images(project, "show", "ffff")
    assert (answer.code, answer.stdout) == (8, "")
    assert "error: there is no image `ffff` in the engine, the cache and the store" in answer.stderr
    assert "`dockerflow images list` shows all" in answer.stderr


def test_an_image_of_the_cache_can_be_exported_without_an_engine(project: Path) -> None:
    first = images(project, "export", "Films/1700000000000000/start", "-o", "image.tar")
    assert (first.code, first.stderr) == (0, NOTE)
    assert first.stdout.startswith("image.tar  ")
    again = images(project, "export", "Films/1700000000000000/start", "--output", "image.tar")
    assert (again.code, again.stdout) == (5, "")
    assert again.stderr.endswith("hint: name another file, or replace it with `--force`\n")
    assert images(project, "export", "Films/1700000000000000", "-o", "image.tar", "--force").code == 0


def test_an_archive_can_go_to_the_standard_output(project: Path) -> None:
    written = images(project, "export", "Films/1700000000000000", "-o", "image.tar")
    program = [*PROGRAM, "images", "export", "Films/1700000000000000", "-o", "-"]
    changes = {"DOCKERFLOW_ENGINE": NO_ENGINE, "DOCKERFLOW_CACHE_DIR": str(project / "cache")}
    sent = subprocess.run(
        program, cwd=project, env=environment(**changes, PYTHONWARNINGS="ignore"), capture_output=True, check=True
    )
    assert sent.stdout == (project / "image.tar").read_bytes()
    assert sent.stderr.decode() == NOTE + written.stdout.replace("image.tar", "stdout")
    assert not (project / "-").exists()


def test_a_document_that_is_there_is_replaced_only_by_force(project: Path) -> None:
    (project / "sbom.json").write_text("mine")
    refused = images(project, "sbom", "Films/1700000000000000", "-o", "sbom.json")
    assert (refused.code, (project / "sbom.json").read_text()) == (5, "mine")
    assert refused.stderr.endswith("hint: name another file, or replace it with `--force`\n")
    assert images(project, "sbom", "Films/1700000000000000", "-o", "sbom.json", "--force").code == 0
    assert json.loads((project / "sbom.json").read_text())["bomFormat"] == "CycloneDX"


def test_where_an_image_is_pushed_to_is_said_before_it_is(project: Path) -> None:
    answer = images(project, "push", "Films/1700000000000000", "127.0.0.1:1/team/films")
    assert "to `team/films` in the registry `127.0.0.1:1`\nerror:" in answer.stderr


def test_a_table_is_as_wide_as_its_place_and_what_is_longest_gives_way() -> None:
    rows = [("image", "packages", "by"), ("0123456789ab", "pandas 2.2.3, python 3.11.7", "Films/start, end")]
    assert shortened(rows, 60, {1: 8, 2: 6}) == rows
    assert shortened(rows, 50, {1: 8, 2: 6})[1] == ("0123456789ab", "pandas 2.2.3, …", "Films/start, end")
    assert shortened([("used",), ("2026-11-23 04:43",)], 14, {0: 11}) == [("used",), ("2026-11-23 …",)]
    assert shortened(rows, 36, {1: 8, 2: 6})[1] == ("0123456789ab", "pandas …", "Films/start…")


def test_images_that_nothing_is_known_of_are_counted() -> None:
    known = KnownImage("dockerflow/step:a", built_or_used=1.0)
    stranger = KnownImage("dockerflow/step:b")
    assert is_stranger(stranger)
    assert not is_stranger(known)


def test_the_contents_of_an_image_are_told_from_the_lock_of_its_run(project: Path) -> None:
    printed = images(project, "sbom", "Films/1700000000000000/start")
    written = images(project, "sbom", "Films/1700000000000000/start", "-o", "sbom.json")
    assert (printed.code, written.stdout) == (0, "")
    assert (project / "sbom.json").read_text() == printed.stdout
    assert json.loads(printed.stdout)["bomFormat"] == "CycloneDX"


def test_of_several_flows_in_a_file_the_contents_of_one_are_told(tmp_path: Path) -> None:
    steps = (
        '    @image("{0}:1")\n    @step\n    def start(self): self.next(self.end)\n    @step\n    def end(self): pass\n'
    )
    flows = "".join(f"class {name}(FlowSpec):\n{steps.format(name.lower())}" for name in ("One", "Two"))
    (tmp_path / "flow.py").write_text(f"from dockerflow import FlowSpec, image, step\n{flows}")
    several = images(tmp_path, "sbom", "flow.py:start")
    assert (several.code, several.stderr.splitlines()[-1]) == (3, "hint: name the one that is meant, as `--flow One`")
    named = images(tmp_path, "sbom", "flow.py:start", "--flow", "Two")
    assert named.code == 5
    assert "step `start` brings its own image `two:1`" in named.stderr


def test_an_image_whose_lock_no_run_has_cannot_be_told(tmp_path: Path) -> None:
    image = built(tmp_path / "cache", big_lock(tmp_path))
    answer = images(tmp_path, "sbom", image.reference)
    assert answer.code == 5
    assert f"has the lock of `{image.reference}`" in answer.stderr


def test_a_place_that_is_no_repository_is_refused_before_anything_is_looked_up(project: Path) -> None:
    answer = images(project, "push", "Films/1700000000000000", "Host/Name")
    assert answer.code == 5
    assert answer.stderr.startswith("error: `Host/Name` is not the name of a repository\n")


def test_a_registry_that_does_not_answer_is_named(project: Path) -> None:
    answer = images(project, "push", "Films/1700000000000000", "127.0.0.1:1/team/films")
    assert answer.code == 5
    assert "error: no registry answers at `127.0.0.1:1`: Connection refused" in answer.stderr


def test_nothing_is_removed_without_an_engine_that_says_what_is_used(project: Path) -> None:
    answer = images(project, "prune", "--older-than", "0h", "--yes")
    assert answer.code == 6
    assert f"error: {SILENT}" in answer.stderr
    assert len(list((project / "cache" / "images").iterdir())) == 1


def test_minutes_hours_days_and_weeks_are_understood_and_nothing_else() -> None:
    understood = [seconds(text, "--older-than") for text in ("0h", "30m", "12h", "30d", "2w")]
    assert understood == [0, 1_800, 43_200, 2_592_000, 1_209_600]
    for wrong in ("", "30", "d", "-1d", "1.5d", "1y", "30D", "30 days"):
        with pytest.raises(CommandLineError, match="no length of time"):
            seconds(wrong, "--older-than")


def test_help_is_answered_without_the_libraries_that_commands_need(tmp_path: Path) -> None:
    program = (
        "import sys; from dockerflow.cli.main import main; main(['images', '--help']);"
        "print(sorted({'docker', 'requests', 'cyclonedx', 'rich', 'yaml'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"
