"""What runs at once never takes more of the host than there is, and nobody waits for ever."""

from __future__ import annotations

import random
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.flow.definition import Flow
from dockerflow.flow.loading import load
from dockerflow.scheduler import values as v
from dockerflow.scheduler.capacity import NOTHING, Share, greedy, of_host, of_step, require, usual_workers
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.state import Run
from dockerflow.store.records import Transition
from tests.unit.scheduler.simulate import Simulation, linear, succeed

GIB = 1 << 30


def wide(share: Share, capacity: Share, max_workers: int = 4) -> v.Plan:
    steps = (
        v.StepPlan("start", ("work",), foreach="xs"),
        v.StepPlan("work", ("join",), share=share),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    return v.Plan(
        "F", "1", {step.name: step for step in steps}, "p", max_workers, hosts={v.LOCAL: v.HostPlan(capacity)}
    )


def at_most(simulation: Simulation) -> Share:
    """The most that was used at a time, in the simulation's own account. Runs it."""
    most = NOTHING

    class Watching(Simulation):
        def tell(self, event: v.Event) -> None:
            nonlocal most
            super().tell(event)
            taken = NOTHING
            for task in self.working.values():
                taken += self.plan.share(task.step, v.LOCAL)
            most = Share(*map(max, astuple(most), astuple(taken)))

    watching = Watching(simulation.plan, simulation.outcome, simulation.rng)
    assert watching.run().status == "succeeded"
    assert watching.core.hosts.there[v.LOCAL].used == NOTHING, "what was taken is given back"
    return most


@pytest.mark.parametrize(
    ("asked", "at_once"),
    [
        (Share(memory=600), 1),
        (Share(memory=500), 2),
        (Share(cores=1500), 1),
        (Share(gpus=1), 3),
        (Share(gpus=2), 1),
        (Share(gpus=1, memory=500), 2),
    ],
)
def test_no_more_attempts_run_at_once_than_the_host_has_room_for(asked: Share, at_once: int) -> None:
    simulation = Simulation(wide(asked, Share(2000, 1000, 3)), succeed({"start": 9}))
    assert simulation.run().status == "succeeded"
    assert simulation.busy_at_most == at_once


def test_steps_that_ask_for_nothing_are_counted_by_max_workers_alone() -> None:
    simulation = Simulation(wide(NOTHING, Share(1, 1), max_workers=7), succeed({"start": 30}))
    assert simulation.run().status == "succeeded"
    assert simulation.busy_at_most == 7


def test_a_step_that_asks_for_more_cores_than_there_are_runs_with_all_of_them() -> None:
    simulation = Simulation(wide(Share(cores=64_000), Share(2000, 1000)), succeed({"start": 5}))
    assert simulation.run().status == "succeeded"
    assert simulation.busy_at_most == 1


def test_no_more_workers_are_started_for_tasks_than_fit() -> None:
    simulation = Simulation(wide(Share(memory=600), Share(2000, 1000)), succeed({"start": 50}))
    simulation.run()
    started = [c for c in simulation.history if isinstance(c, v.StartWorker) and c.step == "work"]
    assert len(started) == 1


def test_small_tasks_do_not_pass_by_a_large_one_that_waits() -> None:
    """While the large one waits for its memory, what small ones give back is kept for it."""
    steps = (
        v.StepPlan("start", ("few", "large", "many")),
        v.StepPlan("few", ("few_end",), foreach="xs"),
        v.StepPlan("few_end", ("few_join",), share=Share(memory=400)),
        v.StepPlan("few_join", ("join",), join=True),
        v.StepPlan("large", ("join",), share=Share(memory=900)),
        v.StepPlan("many", ("many_work",), foreach="xs"),
        v.StepPlan("many_work", ("many_join",), share=Share(memory=400)),
        v.StepPlan("many_join", ("join",), join=True),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 3, hosts={v.LOCAL: v.HostPlan(Share(9000, 1000))})
    for seed in range(20):
        simulation = Simulation(plan, succeed({"few": 2, "many": 200}), random.Random(seed))
        assert simulation.run().status == "succeeded"
        order = [c.task.step for c in simulation.history if isinstance(c, v.Assign)]
        assert order.index("large") < len(order) - 150


shares = st.builds(Share, st.integers(0, 4000), st.integers(0, 1500), st.integers(0, 3))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(shares, st.integers(1, 5)), min_size=1, max_size=5),
    st.integers(1, 5),
    st.integers(0, 10_000),
)
def test_every_run_ends_and_never_takes_more_than_there_is(branches, max_workers, seed) -> None:
    """Foreaches beside each other, each of tasks that ask for something else, also for all that there is."""
    steps = [
        v.StepPlan("start", (*(f"fan{i}" for i in range(len(branches))), "beside")),
        v.StepPlan("beside", ("join",)),
    ]
    sizes = {}
    for i, (share, size) in enumerate(branches):
        sizes[f"fan{i}"] = size
        steps += [
            v.StepPlan(f"fan{i}", (f"work{i}",), foreach="xs"),
            v.StepPlan(f"work{i}", (f"join{i}",), share=share),
            v.StepPlan(f"join{i}", ("join",), join=True),
        ]
    steps += [v.StepPlan("join", ("end",), join=True), v.StepPlan("end", ())]
    capacity = Share(2000, 1500, 3)
    plan = v.Plan(
        "F", "1", {step.name: step for step in steps}, "p", max_workers, hosts={v.LOCAL: v.HostPlan(capacity)}
    )
    simulation = Simulation(plan, succeed(sizes), random.Random(seed))
    most = at_most(simulation)
    assert most.cores <= capacity.cores
    assert most.memory <= capacity.memory
    assert most.gpus <= capacity.gpus


def gang(size: int, share: Share, capacity: Share) -> Simulation:
    steps = (
        v.StepPlan("start", ("work",), gang=True),
        v.StepPlan("work", ("join",), share=share),
        v.StepPlan("join", ("end",), join=True),
        v.StepPlan("end", ()),
    )
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 4, hosts={v.LOCAL: v.HostPlan(capacity)})

    def outcome(task):
        result = succeed()(task)
        return (
            result if task.step != "start" else replace(result, transition=Transition(("work",), size=size, gang=True))
        )

    return Simulation(plan, outcome)


def test_a_gang_that_asks_for_more_memory_than_there_is_fails_the_task_before_it() -> None:
    simulation = gang(3, Share(memory=400), Share(2000, 1000))
    assert simulation.run().status == "failed"
    (failed,) = [record for record in simulation.ended() if not record.ok]
    assert failed.step == "start"
    assert (
        failed.failure.message == "the gang of `work` has 3 tasks of 400 MiB of memory each, and the host has 1,000 MiB"
    )


@pytest.mark.parametrize(("gpus", "words"), [(1, "1 GPU"), (2, "2 GPUs")])
def test_a_gang_that_asks_for_more_gpus_than_there_are_fails_the_task_before_it(gpus: int, words: str) -> None:
    simulation = gang(3, Share(gpus=gpus), Share(2000, 1000, 2))
    assert simulation.run().status == "failed"
    (failed,) = [record for record in simulation.ended() if not record.ok]
    assert failed.step == "start"
    assert failed.failure.message == f"the gang of `work` has 3 tasks of {words} each, and the host has 2"


def test_a_gang_begins_with_a_gpu_for_each_of_its_tasks() -> None:
    simulation = gang(3, Share(gpus=1), Share(2000, 1000, 3))
    assert simulation.run().status == "succeeded"
    assert simulation.busy_at_most == 3


def test_a_gang_that_asks_for_more_cores_than_there_are_shares_them() -> None:
    simulation = gang(3, Share(cores=1000), Share(2000, 1000))
    assert simulation.run().status == "succeeded"
    assert simulation.busy_at_most == 3


def test_the_first_worker_of_a_linear_flow_does_not_wait_for_what_is_started_ahead() -> None:
    steps = linear("start", "end")
    plan = v.Plan("F", "1", {step.name: step for step in steps}, "p", 1, hosts={v.LOCAL: v.HostPlan(Share(1, 1))})
    assert [c.step for c in advance(Run(plan), v.Begin(), 0.0) if isinstance(c, v.StartWorker)] == ["start", "end"]


@pytest.mark.parametrize(
    ("cpus", "memory", "workers"), [(2, 24 * GIB, 2), (64, 8 * GIB, 8), (4, GIB // 2, 1), (1, GIB, 1)]
)
def test_as_many_attempts_run_at_once_as_there_are_cores_with_memory_enough_for_each(cpus, memory, workers) -> None:
    assert usual_workers(cpus, memory) == workers


FLOW = """
from dockerflow import FlowSpec, resources, step

class Asking(FlowSpec):
    @resources({resources})
    @step
    def start(self):
        self.next(self.end)

    @resources(cpu=0.5)
    @step
    def end(self):
        pass
"""


def asking(folder: Path, resources: str = "cpu=8, memory=64000") -> Flow:
    path = folder / "flow.py"
    path.write_text(FLOW.format(resources=resources))
    return load(path).flow


def test_a_step_that_asks_for_more_memory_than_the_host_has_is_refused_with_both_figures(tmp_path: Path) -> None:
    flow = asking(tmp_path)
    with pytest.raises(RunError) as error:
        require(flow, "box", of_host(2, 24 * GIB))
    assert error.value.message == (
        f"step `start` ({flow.file}:7) asks for 64,000 MiB of memory, and the host `box` has 24,576 MiB"
    )
    assert error.value.hint == "ask for less with `@resources(memory=…)`, or run it on a host that has more"
    require(flow, "box", of_host(2, 64 * GIB))


@pytest.mark.parametrize(("count", "words"), [(1, "1 GPU"), (3, "3 GPUs")])
def test_a_step_that_asks_for_more_gpus_than_the_host_has_is_refused_with_both_figures(
    tmp_path: Path, count: int, words: str
) -> None:
    flow = asking(tmp_path, f"gpu={count}")
    with pytest.raises(RunError) as error:
        require(flow, "box", of_host(2, GIB, count - 1))
    assert error.value.message == (
        f"step `start` ({flow.file}:7) asks for {words}, and the host `box` gives its containers {count - 1}"
    )
    assert error.value.hint == "ask for fewer with `@resources(gpu=…)`, or run it on a host that has more"
    require(flow, "box", of_host(2, GIB, count))


def test_gpus_that_nobody_could_count_are_not_counted(tmp_path: Path) -> None:
    flow = asking(tmp_path, "gpu=8")
    require(flow, "box", of_host(2, GIB))
    assert of_step(flow.steps["start"]) == Share(gpus=8)


def test_a_step_that_asks_for_more_cores_than_there_are_is_named(tmp_path: Path) -> None:
    flow = asking(tmp_path)
    assert greedy(flow, "box", of_host(8, GIB)) == ""
    assert greedy(flow, "box", of_host(2, GIB)) == (
        "step `start` asks for more than the 2 cores that the host `box` has: its tasks get all of them, one at a time"
    )
    assert of_step(flow.steps["end"]) == Share(cores=500)
