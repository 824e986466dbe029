"""Which steps have their containers in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dockerflow.engines.process import ProcessHost
from dockerflow.flow.loading import load
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.images.image import OwnPython
from dockerflow.scheduler.hosts import Hosts, There
from dockerflow.scheduler.requests import sharing

FLOW = """
from dockerflow import FlowSpec, environment, isolation, parallel, resources, retry, step, timeout

class Line(FlowSpec):
    @step
    def start(self):
        self.next(self.other)

    {mark}
    @step
    def other(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""

GANG = """
from dockerflow import FlowSpec, parallel, step

class Line(FlowSpec):
    @step
    def start(self):
        self.next(self.train, num_parallel=2)

    @parallel
    @step
    def train(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.again, num_parallel=2)

    @parallel
    @step
    def again(self):
        self.next(self.last)

    @step
    def last(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@dataclass(frozen=True)
class Made:
    """As much as counts of what a step runs in."""

    container_image: str
    own: OwnPython | None = None


def workers(
    tmp_path: Path,
    source: str,
    environments: dict[str, Any] | None = None,
    elsewhere: dict[str, tuple[str, ...]] | None = None,
) -> dict[str, str]:
    (tmp_path / "flow.py").write_text(source)
    flow = load(str(tmp_path / "flow.py"), "Line").flow
    there = There(ProcessHost(), HostSettings(LOCAL, ""), "bridge", environments or {})
    places = {**dict.fromkeys(flow.steps, (LOCAL,)), **(elsewhere or {})}
    return {step.name: of for step, of in sharing(flow, Hosts({LOCAL: there, "box": there}, places))}


TOGETHER = {"start": "start", "other": "start", "end": "start"}
APART = {"start": "start", "other": "other", "end": "start"}


@pytest.mark.parametrize("mark", ["", "@retry(times=2)", "@timeout(seconds=5)", "@resources()"])
def test_what_is_no_matter_of_the_container_keeps_steps_together(tmp_path: Path, mark: str) -> None:
    assert workers(tmp_path, FLOW.format(mark=mark)) == TOGETHER


@pytest.mark.parametrize(
    "mark",
    [
        "@resources(memory=500)",
        "@resources(cpu=1)",
        "@resources(gpu=1)",
        "@resources(shared_memory=100)",
        "@environment(vars={'A': 'b'})",
        "@isolation(level='container')",
        "@isolation(level='interpreter')",
    ],
)
def test_a_step_whose_containers_are_others_has_them_for_itself(tmp_path: Path, mark: str) -> None:
    assert workers(tmp_path, FLOW.format(mark=mark)) == APART


@pytest.mark.parametrize("places", [("box",), ("local", "box"), ("box", "local")])
def test_a_step_that_may_run_on_other_hosts_has_its_containers_for_itself(
    tmp_path: Path, places: tuple[str, ...]
) -> None:
    assert workers(tmp_path, FLOW.format(mark=""), elsewhere={"other": places}) == APART
    assert workers(tmp_path, FLOW.format(mark=""), elsewhere=dict.fromkeys(TOGETHER, places)) == TOGETHER


def test_steps_with_the_same_image_are_together(tmp_path: Path) -> None:
    same, other = Made("dockerflow/step:1"), Made("dockerflow/step:2")
    flow = FLOW.format(mark="")
    assert workers(tmp_path, flow, dict.fromkeys(TOGETHER, same)) == TOGETHER
    assert workers(tmp_path, flow, {**dict.fromkeys(TOGETHER, same), "other": other}) == APART


def test_each_step_in_an_image_of_the_users_has_its_own_containers(tmp_path: Path) -> None:
    own = Made("theirs:1", OwnPython("/usr/bin/python3", "3.11", ()))
    assert workers(tmp_path, FLOW.format(mark=""), dict.fromkeys(TOGETHER, own)) == {name: name for name in TOGETHER}


def test_each_gang_has_its_own_containers(tmp_path: Path) -> None:
    found = workers(tmp_path, GANG)
    assert found == {
        "start": "start",
        "train": "train",
        "join": "start",
        "again": "again",
        "last": "start",
        "end": "start",
    }
