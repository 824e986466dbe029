"""The examples, run as the README says, in containers."""

from __future__ import annotations

import csv
import hashlib
import json
import statistics

from tests.end_to_end.conftest import EXAMPLES
from tests.movies import movies

GENRE_STATS = EXAMPLES / "genre_stats" / "flow.py"


def test_the_first_example_of_the_readme_computes_quartiles_of_real_films(dockerflow, results, tmp_path):
    table = movies(tmp_path / "movies.csv")
    dockerflow("run", GENRE_STATS, "--movie_data", table, "--max_genres", 3)
    data = results.Flow("GenreStats").latest_successful_run.data
    with table.open() as lines:
        gross = [int(row["gross"]) for row in csv.DictReader(lines) if "Drama" in row["genres"].split("|")]
    assert len(data.genre_stats) == 3
    assert data.genre_stats["Drama"] == statistics.quantiles(gross, n=4, method="inclusive")
    assert list(data.films["Drama"]["gross"]) == sorted(gross)


def test_two_steps_of_one_run_saw_two_versions_of_pandas(dockerflow, results):
    dockerflow("run", GENRE_STATS)
    run = results.Flow("GenreStats").latest_successful_run
    assert run["start"].task.data.read_with == "1.5.3"
    assert {task.data.computed_with for task in run["compute_statistics"]} == {"2.2.3"}


def test_the_record_of_a_run_names_what_ran(dockerflow, docker_client, tmp_path):
    table = movies(tmp_path / "movies.csv")
    dockerflow("run", GENRE_STATS, "--movie_data", table, "--run-id-file", "id")
    run = f"GenreStats/{(tmp_path / 'id').read_text()}"
    record = json.loads(dockerflow("inspect", run, "--json").stdout)
    content = table.read_bytes()
    [file] = (each["file"] for each in record["parameters"] if each["file"])
    assert file == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    steps = {step["name"]: step for step in record["steps"]}
    for step in steps.values():
        [environment] = step["environments"]
        image = docker_client.images.get(environment["image"])
        assert image.id in (environment["config_digest"], environment["manifest_digest"])
        assert environment["base"]["digest"].startswith("sha256:")
        assert environment["transform"].startswith("image 1, layers ")
        assert {task["attempts"][-1]["exit"]["kind"] for task in step["tasks"]} == {"ok"}
    versions = {each["name"]: each["version"] for each in steps["start"]["environments"][0]["packages"]}
    assert versions["pandas"] == "1.5.3"
    [start] = steps["start"]["tasks"]
    assert "1.5.3" in {each["libraries"].get("pandas") for each in start["outputs"]}
    assert {each["manifest"] for task in steps["compute_statistics"]["tasks"] for each in task["inputs"]} == {
        start["manifest"]
    }
    text = dockerflow("inspect", run).stdout
    assert steps["start"]["environments"][0]["lock"] in text
    assert "pandas 1.5.3" in text


def test_two_versions_of_scikit_learn_are_compared_in_one_run(dockerflow, results):
    dockerflow("run", EXAMPLES / "two_models" / "flow.py")
    data = results.Flow("TwoModels").latest_successful_run.data
    assert data.versions == ["1.3.2", "1.5.2"]
    assert all(accuracy > 0.9 for accuracy in data.accuracies)


def test_a_flow_written_for_metaflow_trains_in_rounds_until_another_one_no_longer_helps(dockerflow, results):
    dockerflow("run", EXAMPLES / "early_stopping" / "flow.py", "--most_rounds", 4)
    run = results.Flow("EarlyStopping").latest_successful_run
    assert len(list(run["train"])) == len(run.data.accuracies) == 4
    assert run.data.best_accuracy == max(run.data.accuracies) > 0.8


def test_a_second_run_solves_nothing_and_builds_nothing_and_says_so(dockerflow):
    dockerflow("run", GENRE_STATS)
    second = dockerflow("run", GENRE_STATS).stdout
    assert second.count("lock reused (store)") == 3
    assert second.count("image present") == 3
    assert "solved nothing, built nothing" in second
    assert "solved in" not in second
