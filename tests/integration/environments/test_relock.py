"""The committed locks of a flow are brought up to date: several platforms, several flows, other tools' files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from dockerflow.environments import relock
from dockerflow.environments.errors import LockFileError, Unsatisfiable
from dockerflow.environments.lock_file import read_every
from dockerflow.environments.relock import Outcome, Plan, Upgrade, Wanted
from dockerflow.environments.spec import EnvironmentSpec
from tests.integration.environments.small_channel import SmallChannel

BOTH = ("linux-64", "linux-aarch64")


@pytest.fixture
def both(channel: SmallChannel) -> SmallChannel:
    """The channel for two platforms; the second has a newer numpy that the first has not."""
    channel.add("python", "3.11.9", subdir="linux-aarch64")
    for version in ("1.26.4", "2.1.0", "2.2.0"):
        channel.add("numpy", version, "python 3.11.*", build="py311", subdir="linux-aarch64")
    return channel.index()


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    return tmp_path / "flow.py"


NOTHING = Upgrade()


def wanted(spec: EnvironmentSpec, *steps: str, platforms: tuple[str, ...] = ("linux-64",)) -> Wanted:
    return Wanted(steps or ("train",), tuple(replace(spec, platform=platform) for platform in platforms))


def plans(flow: Path, *environments: Wanted, name: str = "Flow", upgrade: Upgrade = NOTHING) -> list[Plan]:
    return relock.plan(name, environments, relock.before(flow), upgrade)


def bring_up_to_date(
    flow: Path, *environments: Wanted, name: str = "Flow", upgrade: Upgrade = NOTHING
) -> list[Outcome]:
    planned = plans(flow, *environments, name=name, upgrade=upgrade)
    outcomes = relock.solve(planned, upgrade, earlier=lambda spec: None)
    relock.write(outcomes, relock.stale(name, planned, relock.before(flow)))
    assert all(plan.current for plan in plans(flow, *environments, name=name))
    return outcomes


def names(flow: Path) -> list[str]:
    return sorted(path.name for path in flow.with_suffix(".locks").iterdir())


def versions(flow: Path, package: str, file: str = "train.yml") -> dict[str, str]:
    text = (flow.with_suffix(".locks") / file).read_text()
    return {
        each.lock.platform: each.lock.package(package).version  # type: ignore[union-attr]
        for each in read_every(text, file)
    }


def test_one_file_has_all_platforms(both: SmallChannel, flow: Path) -> None:
    bring_up_to_date(flow, wanted(both.spec(numpy=""), platforms=BOTH))
    assert names(flow) == ["train.yml"]
    assert versions(flow, "numpy") == {"linux-64": "2.1.0", "linux-aarch64": "2.2.0"}
    assert relock.before(flow).platforms("Flow") == BOTH


def test_a_platform_that_is_added_gets_the_versions_of_the_others(both: SmallChannel, flow: Path) -> None:
    bring_up_to_date(flow, wanted(both.spec(numpy="")))
    first = (flow.with_suffix(".locks") / "train.yml").read_text()
    bring_up_to_date(flow, wanted(both.spec(numpy=""), platforms=BOTH))
    assert versions(flow, "numpy") == {"linux-64": "2.1.0", "linux-aarch64": "2.1.0"}
    assert read_every(first, "before")[0].lock.lock_hash in (flow.with_suffix(".locks") / "train.yml").read_text()


def test_an_upgrade_of_one_package_leaves_the_others(channel: SmallChannel, flow: Path) -> None:
    spec = channel.spec(numpy="", pytz="")
    bring_up_to_date(flow, wanted(channel.spec(numpy="1.26.4", pytz="")))
    channel.add("pytz", "2025.1", "python", subdir="noarch")
    channel.index()
    bring_up_to_date(flow, wanted(spec))
    assert versions(flow, "numpy") == {"linux-64": "1.26.4"}
    assert versions(flow, "pytz") == {"linux-64": "2024.1"}
    bring_up_to_date(flow, wanted(spec), upgrade=Upgrade(names=frozenset({"pytz"})))
    assert versions(flow, "numpy") == {"linux-64": "1.26.4"}
    assert versions(flow, "pytz") == {"linux-64": "2025.1"}
    bring_up_to_date(flow, wanted(spec), upgrade=Upgrade(everything=True))
    assert versions(flow, "numpy") == {"linux-64": "2.1.0"}


def test_what_must_follow_an_upgrade_follows(channel: SmallChannel, flow: Path) -> None:
    channel.add("old-numpy", "1.0", "numpy <2")
    channel.add("old-numpy", "2.0", "numpy >=2")
    channel.index()
    bring_up_to_date(flow, wanted(channel.spec(old_numpy="1.0")))
    assert versions(flow, "numpy") == {"linux-64": "1.26.4"}
    bring_up_to_date(flow, wanted(channel.spec(old_numpy="")))
    assert versions(flow, "old-numpy") == {"linux-64": "1.0"}
    bring_up_to_date(flow, wanted(channel.spec(old_numpy="")), upgrade=Upgrade(names=frozenset({"old-numpy"})))
    assert versions(flow, "old-numpy") == {"linux-64": "2.0"}
    assert versions(flow, "numpy") == {"linux-64": "2.1.0"}


def test_a_loosened_spec_keeps_its_packages(channel: SmallChannel, flow: Path) -> None:
    bring_up_to_date(flow, wanted(channel.spec(numpy="1.26.4")))
    (outcome,) = bring_up_to_date(flow, wanted(channel.spec(numpy="")))
    assert not outcome.solved
    assert versions(flow, "numpy") == {"linux-64": "1.26.4"}


def test_two_flows_of_one_file_leave_each_others_locks_alone(channel: SmallChannel, flow: Path) -> None:
    bring_up_to_date(flow, wanted(channel.spec(numpy="1.26.4"), "start"), name="One")
    bring_up_to_date(flow, wanted(channel.spec(numpy="2.1.0"), "start"), name="Two")
    assert names(flow) == ["Two-start.yml", "start.yml"]
    bring_up_to_date(flow, wanted(channel.spec(numpy="1.26.4"), "start"), name="One")
    assert names(flow) == ["Two-start.yml", "start.yml"]


def test_a_file_of_another_tool_that_satisfies_is_enough(channel: SmallChannel, flow: Path) -> None:
    foreign = make_foreign(channel.spec(numpy="1.26.4"), flow, "train.yml")
    (outcome,) = bring_up_to_date(flow, wanted(channel.spec(numpy="")))
    assert outcome.plan.foreign
    assert names(flow) == ["train.yml"]
    assert foreign.read_text() == outcome.plan.text


def test_a_file_of_another_tool_that_does_not_satisfy_keeps_its_name(channel: SmallChannel, flow: Path) -> None:
    foreign = make_foreign(channel.spec(numpy="1.26.4"), flow, "train.yml")
    text = foreign.read_text()
    bring_up_to_date(flow, wanted(channel.spec(numpy="2.1.0")))
    assert names(flow) == ["Flow-train.yml", "train.yml"]
    assert foreign.read_text() == text


def test_a_broken_file_of_another_tool_is_an_error_and_stays(channel: SmallChannel, flow: Path) -> None:
    folder = flow.with_suffix(".locks")
    folder.mkdir()
    (folder / "theirs.yml").write_text("version: [")
    with pytest.raises(LockFileError, match="is not YAML") as caught:
        relock.before(flow)
    assert f"{folder / 'theirs.yml'}:" in caught.value.message
    assert caught.value.hint == "restore the file with the tool that wrote it, or remove it"
    assert names(flow) == ["theirs.yml"]


def test_nothing_is_written_where_one_environment_has_no_solution(channel: SmallChannel, flow: Path) -> None:
    good, bad = wanted(channel.spec(numpy=""), "start"), wanted(channel.spec(numpy="9"), "train")
    with pytest.raises(Unsatisfiable, match="step `train`"):
        bring_up_to_date(flow, good, bad)
    assert not flow.with_suffix(".locks").exists()


def test_steps_that_change_their_environment_leave_the_rest_as_it_is(channel: SmallChannel, flow: Path) -> None:
    """A step that moves to an environment of its own takes its versions along."""
    shared, own = channel.spec(numpy="1.26.4"), channel.spec(numpy=">=1", pytz="")
    bring_up_to_date(flow, wanted(shared, "start", "train"))
    before = (flow.with_suffix(".locks") / "start.yml").read_text()
    bring_up_to_date(flow, wanted(shared, "start"), wanted(own, "train"))
    assert names(flow) == ["start.yml", "train.yml"]
    assert versions(flow, "numpy", "train.yml") == {"linux-64": "1.26.4"}
    now = (flow.with_suffix(".locks") / "start.yml").read_text()
    assert [line for line in now.splitlines() if line not in before.splitlines()] == [
        "# For step start of Flow; `dockerflow lock` renews it.",
        "    dockerflow.steps: start",
    ]


def make_foreign(spec: EnvironmentSpec, flow: Path, name: str) -> Path:
    bring_up_to_date(flow, wanted(spec, "made"))
    made = flow.with_suffix(".locks") / "made.yml"
    document = yaml.safe_load(made.read_text())
    del document["metadata"]["custom_metadata"]
    made.unlink()
    made.with_name(name).write_text(yaml.safe_dump(document))
    return made.with_name(name)
