"""`dockerflow build`, and what a run says of locks and images."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from tests.conftest import BASE_IMAGE

FLOW = """
from dockerflow import FlowSpec, conda, conda_base, step

@conda_base(python="3.11")
class Small(FlowSpec):
    @conda(libraries={"six": "1.16.0"})
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""

WITH_TABULATE = FLOW.replace('{"six": "1.16.0"}', '{"six": "1.16.0", "tabulate": "0.9.0"}')


@pytest.fixture
def flow(tmp_path) -> Path:
    path = tmp_path / "flow.py"
    path.write_text(FLOW)
    return path


def lines_about(told: str, step: str) -> list[str]:
    """What a run or build says of a step, without time and names."""
    marked = [line for line in told.splitlines() if f"[{step}] " in line]
    return [line.partition(f"[{step}] ")[2].partition(" (dockerflow/step:")[0] for line in marked]


def why(told: str, step: str) -> str:
    return next(line.removeprefix(f"{step}: ") for line in told.splitlines() if line.startswith(f"{step}: "))


def image_of(told: str, step: str) -> str:
    return next(found[1] for found in re.finditer(rf"\[{step}\] .*\((dockerflow/step:\w+)\)", told))


def test_what_was_built_is_there_when_the_flow_runs(dockerflow, flow):
    built = dockerflow("build", flow).stdout
    assert built.splitlines()[-1].startswith("2 environments: ")
    run = dockerflow("run", flow).stdout
    assert lines_about(run, "start")[:2] == ["lock reused (store)", "image present"]
    assert "2 environments: solved nothing, built nothing" in run


def test_a_build_says_of_each_step_what_changed_since_its_last(dockerflow, flow):
    first = dockerflow("build", flow, "--explain").stdout
    assert why(first, "start").startswith("first build here")
    again = dockerflow("build", flow, "--explain").stdout
    assert why(again, "start") == why(again, "end") == "nothing has changed since its last build here"
    flow.write_text(WITH_TABULATE)
    changed = dockerflow("build", flow, "--explain").stdout
    assert why(changed, "start") == (
        "changed since its last build here: packages: + tabulate 0.9.0; requested: + tabulate"
    )
    assert why(changed, "end") == "nothing has changed since its last build here"
    later = dockerflow("build", flow, "--explain").stdout
    assert why(later, "start") == (
        "nothing has changed since its last build here, which differed from the one before in"
        " packages: + tabulate 0.9.0; requested: + tabulate"
    )


def test_a_run_counts_as_a_build(dockerflow, flow):
    dockerflow("run", flow)
    flow.write_text(WITH_TABULATE)
    told = dockerflow("build", flow, "--explain").stdout
    assert why(told, "start").startswith("changed since its last build here: packages: + tabulate")


def test_an_image_that_was_removed_is_told_as_such(dockerflow, flow, docker_client, variables, tmp_path):
    variables["DOCKERFLOW_CACHE_DIR"] = str(tmp_path / "cache")
    flow.write_text(FLOW.replace('{"six": "1.16.0"}', '{"six": "1.16.0", "click": "8.1.7"}'))
    reference = image_of(dockerflow("build", flow).stdout, "start")
    docker_client.images.remove(docker_client.images.get(reference).id, force=True)  # under every name
    told = dockerflow("build", flow, "--explain").stdout
    assert why(told, "start") == "the same as at its last build here, but the engine did not have it"
    for path in [*(tmp_path / "cache" / "images").iterdir(), *(tmp_path / "cache" / "layers").iterdir()]:
        path.unlink()
    told = dockerflow("build", flow, "--explain").stdout
    assert why(told, "start") == "the same as at its last build here, but layers of it had gone from the cache"
    assert ", none to send in " in lines_about(told, "start")[-1]
    for path in (tmp_path / "cache" / "layers").iterdir():
        path.unlink()
    docker_client.images.remove(docker_client.images.get(reference).id, force=True)  # under every name
    told = dockerflow("build", flow, "--explain").stdout
    assert why(told, "start") == "the same as at its last build here, but layers of it had gone from the cache"
    assert " built (" in lines_about(told, "start")[-1]


def test_another_base_gives_other_images_and_is_told(dockerflow, flow, docker_client, variables):
    dockerflow("build", flow)
    container = docker_client.containers.create(BASE_IMAGE, ["true"])
    another = container.commit("dockerflow-test/base", "another", changes=["ENV PATH=/usr/bin:/bin"])
    container.remove()
    try:
        variables["DOCKERFLOW_BASE_IMAGE"] = "dockerflow-test/base:another"
        told = dockerflow("build", flow, "--explain").stdout
        assert why(told, "start").startswith(
            f"changed since its last build here: base image: {BASE_IMAGE} → dockerflow-test/base:another ("
        )
    finally:
        docker_client.images.remove(another.id, force=True)


def test_every_source_of_a_lock_is_told(dockerflow, flow, results, tmp_path):
    solved = dockerflow("build", flow).stdout
    assert lines_about(solved, "start")[:1] == ["solving"]
    assert lines_about(solved, "start")[1].endswith(" packages")
    kept = dockerflow("build", flow).stdout
    assert lines_about(kept, "start")[0] == "lock reused (store)"
    dockerflow("run", flow)
    task = results.Flow("Small").latest_run["start"].task
    lock = task.environment_info["lock"]
    committed, given = tmp_path / "flow.locks" / "start.yml", tmp_path / "my-lock.yml"
    committed.parent.mkdir()
    content = (tmp_path / ".dockerflow" / "blobs" / lock[:2] / lock).read_bytes()
    committed.write_bytes(content)
    given.write_bytes(content)
    assert lines_about(dockerflow("build", flow).stdout, "start")[0] == "lock reused (committed: flow.locks/start.yml)"
    flow.write_text(WITH_TABULATE)
    passed_over = lines_about(dockerflow("build", flow).stdout, "start")[0]
    assert passed_over.startswith("flow.locks/start.yml is passed over: ")
    assert "tabulate" in passed_over
    flow.write_text(FLOW.replace('@conda(libraries={"six": "1.16.0"})', '@conda(lock="my-lock.yml")'))
    assert lines_about(dockerflow("build", flow).stdout, "start")[0] == "lock given (my-lock.yml)"


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (("self.next(self.end)", "self.next(self.nd)"), 3, "unknown step `nd`"),
        (('"six": "1.16.0"', '"six": "99"'), 4, "six"),
    ],
)
def test_a_flow_that_cannot_be_built_ends_with_the_reason(dockerflow, flow, change, code, told):
    flow.write_text(FLOW.replace(*change))
    failed = dockerflow("build", flow, code=code)
    assert told in failed.stderr
    assert "Traceback" not in failed.stderr


def test_of_several_flows_in_a_file_one_is_built(dockerflow, flow):
    other = textwrap.dedent(FLOW[FLOW.index("@conda_base") :]).replace("class Small", "class Other")
    flow.write_text(FLOW + other)
    assert "--flow Small" in dockerflow("build", flow, code=3).stderr
    assert "2 environments: " in dockerflow("build", flow, "--flow", "Other").stdout


def test_a_build_leaves_no_run(dockerflow, flow):
    dockerflow("build", flow)
    assert json.loads(dockerflow("runs", "list", "--json").stdout) == []
