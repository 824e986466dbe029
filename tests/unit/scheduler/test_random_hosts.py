"""Flows of any shape on any hosts, which are given up and come back at any moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.runtime.messages import RunTask, TaskResult
from dockerflow.scheduler import values as v
from dockerflow.scheduler.capacity import NOTHING, Share
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, TaskCreated
from tests.unit.scheduler.random_flows import RandomFlow
from tests.unit.scheduler.simulate import Simulation

NAMES = ("a", "b", "c")


def random_hosts(rng: random.Random) -> dict[str, v.HostPlan]:
    """One to three, of which each has what a task of any step asks for."""
    return {
        name: v.HostPlan(
            Share(rng.choice([1000, 4000, 16_000]), rng.choice([1000, 1500, 4000]), rng.randint(1, 3)),
            rng.randint(1, 5),
        )
        for name in NAMES[: rng.randint(1, 3)]
    }


def random_plan(flow: RandomFlow, rng: random.Random) -> v.Plan:
    hosts = random_hosts(rng)
    kinds: dict[str, tuple[Share, tuple[str, ...]]] = {}
    for step in flow.steps.values():
        share = Share(rng.choice([0, 500, 2000, 32_000]), rng.choice([0, 300, 1000]), rng.choice([0, 0, 1]))
        where = tuple(rng.sample(sorted(hosts), rng.randint(1, len(hosts))))
        kinds.setdefault(step.workers, (share, where))
    steps = {
        name: replace(
            step,
            share=kinds[step.workers][0],
            hosts=kinds[step.workers][1],
            lost_retries=1_000,
            fresh_containers=rng.random() < 0.2,
        )
        for name, step in flow.steps.items()
    }
    return v.Plan("F", "1", steps, "parameters", rng.randint(1, 8), hosts=hosts)


@dataclass
class Unreliable(Simulation):
    """Hosts go and come back now and then, but for those in `lasting`; containers are lost. It holds, after each event,
    what is always true."""

    lasting: frozenset[str] = frozenset()
    away: set[str] = field(default_factory=set)

    def turn(self) -> None:
        if self.rng.random() < 0.1:
            self.lose_or_find(self.rng.choice(sorted(self.plan.hosts)))
        elif self.working and self.rng.random() < 0.05:
            worker = self.rng.choice(list(self.working))
            del self.working[worker]
            self.tell(v.WorkerGone(worker, Failure("lost", "its container is gone")))
        else:
            super().turn()

    def lose_or_find(self, host: str) -> None:
        if host in self.away:
            self.away.remove(host)
            self.tell(v.HostBack(host))
        elif host not in self.lasting:
            for worker in [each for each in self.working if self.hosts[each] == host and self.rng.random() < 0.3]:
                del self.working[worker]  # it was told before the host was given up
                self.tell(v.WorkerGone(worker, Failure("lost", "no answer")))
            if self.finished is None:
                self.away.add(host)
                self.lose(host)

    def carry_out(self, command: v.Command) -> None:
        super().carry_out(command)
        if isinstance(command, (v.StartWorker, v.Assign)):
            host = self.hosts[command.worker]
            step = command.step if isinstance(command, v.StartWorker) else command.task.step
            assert host not in self.away
            assert host in self.plan.steps[step].hosts
            assert self.core.workers[command.worker].host == host

    def tell(self, event: v.Event) -> None:
        super().tell(event)
        if self.finished is not None:
            return
        for name, host in self.plan.hosts.items():
            busy = [
                worker.task for worker in self.core.workers.values() if worker.state == "busy" and worker.host == name
            ]
            used = sum((self.plan.share(task.step, name) for task in busy if task), NOTHING)
            assert used == self.core.hosts.there[name].used
            assert len(busy) == self.core.hosts.there[name].busy <= host.max_workers
            assert used.cores <= host.capacity.cores
            assert used.memory <= host.capacity.memory
            assert used.gpus <= host.capacity.gpus
        assert self.core.busy <= self.plan.max_workers


def finals(simulation: Simulation) -> list[str]:
    return sorted(record.task_id for record in simulation.records(AttemptFinished) if record.final)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_run_on_hosts_that_come_and_go_ends_and_each_task_ends_once(shape: int, seed: int) -> None:
    rng = random.Random(seed)
    flow = RandomFlow(shape)
    simulation = Unreliable(random_plan(flow, rng), flow.behaviour(), rng)
    finish = simulation.run(100_000)
    assert len(finals(simulation)) == len(set(finals(simulation)))
    if finish.status == "succeeded":
        assert finals(simulation) == sorted(record.task_id for record in simulation.records(TaskCreated))
        assert len(finals(simulation)) == flow.tasks().total()
    else:
        assert "does not answer" in finish.reason
    started = [(each.task_id, each.attempt) for each in simulation.records(AttemptStarted)]
    ended = [(each.task_id, each.attempt) for each in simulation.records(AttemptFinished) if each.failure or each.ok]
    assert len(set(started)) == len(started)
    assert set(ended) == set(started)


@settings(deadline=None, max_examples=75)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_run_succeeds_whatever_becomes_of_the_other_hosts_as_long_as_each_step_has_one(shape: int, seed: int) -> None:
    rng = random.Random(seed)
    flow = RandomFlow(shape)
    plan = random_plan(flow, rng)
    steps = {
        name: replace(step, hosts=step.hosts if "a" in step.hosts else (*step.hosts, "a"))
        for name, step in plan.steps.items()
    }
    simulation = Unreliable(replace(plan, steps=steps), flow.behaviour(), rng, lasting=frozenset("a"))
    assert simulation.run(100_000) == v.Finish("succeeded")
    assert len(finals(simulation)) == flow.tasks().total()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_the_same_events_give_the_same_commands(shape: int, seed: int) -> None:
    def history() -> list[v.Command]:
        rng = random.Random(seed)
        flow = RandomFlow(shape)
        simulation = Unreliable(random_plan(flow, rng), flow.behaviour(), rng)
        simulation.run(100_000)
        return simulation.history

    assert history() == history()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_workers_that_fail_to_start_on_some_hosts_are_started_on_others(shape: int, seed: int) -> None:
    """On `a` they all start."""
    rng = random.Random(seed)
    flow = RandomFlow(shape)
    plan = random_plan(flow, rng)
    steps = {
        name: replace(step, hosts=tuple({**dict.fromkeys(step.hosts), "a": None})) for name, step in plan.steps.items()
    }

    class Failing(Simulation):
        def turn(self) -> None:
            bad = [worker for worker in self.starting if self.hosts[worker] != "a"]
            if not bad:
                super().turn()
                return
            self.starting.remove(bad[0])
            self.tell(v.WorkerGone(bad[0], Failure("lost", "no")))

    simulation = Failing(replace(plan, steps=steps), flow.behaviour(), rng)
    assert simulation.run(100_000) == v.Finish("succeeded")


def failing_sometimes(flow: RandomFlow, rng: random.Random):
    good = flow.behaviour()

    def outcome(task: RunTask) -> TaskResult:
        if rng.random() < 0.2 and not task.last_attempt:
            failure = Failure(rng.choice(["exception", "signal", "lost"]), "no")
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        return good(task)

    return outcome


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_retries_go_on_whatever_becomes_of_hosts(shape: int, seed: int) -> None:
    rng = random.Random(seed)
    flow = RandomFlow(shape)
    plan = random_plan(flow, rng)
    steps = {
        name: replace(step, retries=2, retry_seconds=rng.choice([0.0, 1.0]), hosts=())
        for name, step in plan.steps.items()
    }
    steps = {name: replace(step, hosts=tuple(plan.hosts)) for name, step in steps.items()}
    simulation = Unreliable(replace(plan, steps=steps), failing_sometimes(flow, rng), rng, lasting=frozenset("a"))
    assert simulation.run(100_000) == v.Finish("succeeded")
    assert len(finals(simulation)) == len(set(finals(simulation))) == flow.tasks().total()
