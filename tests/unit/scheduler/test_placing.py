"""Which hosts the steps of a flow may run on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.flow.loading import load
from dockerflow.host_settings import HostSettings
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.placing import named, places

FLOW = """
from dockerflow import FlowSpec, batch, kubernetes, local, remote, step

class Placed(FlowSpec):
    @step
    def start(self):
        self.next(self.train)

    {mark}
    @step
    def train(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def placed(
    folder: Path, mark: str, chosen: Sequence[str] = (), configured: Collection[str] = ("a", "b")
) -> Mapping[str, tuple[str, ...]]:
    file = folder / "flow.py"
    file.write_text(FLOW.format(mark=mark))
    config = Config(hosts={name: HostSettings(name, f"ssh://{name}") for name in configured})
    return places(load(str(file)).flow, chosen, config)


def test_a_step_that_says_nothing_runs_here(tmp_path: Path) -> None:
    assert placed(tmp_path, "") == {"start": ("local",), "train": ("local",), "end": ("local",)}


def test_the_command_line_chooses_for_steps_that_say_nothing(tmp_path: Path) -> None:
    assert placed(tmp_path, "", ["b", "a", "b"])["train"] == ("b", "a")


def test_a_step_keeps_to_what_it_says_whatever_the_command_line_chooses(tmp_path: Path) -> None:
    assert placed(tmp_path, '@remote(host="a")', ["b"])["train"] == ("a",)
    assert placed(tmp_path, "@local", ["b"])["train"] == ("local",)


def test_a_step_may_run_on_any_of_several_hosts(tmp_path: Path) -> None:
    found = placed(tmp_path, '@remote(host="b,a")')
    assert found["train"] == ("b", "a")
    assert named(found) == ("local", "b", "a")


@pytest.mark.parametrize("name", ["default", "nobody"])
def test_a_host_is_the_same_on_a_step_as_on_the_command_line(name: str, tmp_path: Path) -> None:
    for mark, chosen in ((f'@remote(host="{name}")', []), ("", [name])):
        with pytest.raises(RunError, match=f"asks for the host `{name}`: there is no host `{name}`"):
            placed(tmp_path, mark, chosen)


def test_remote_alone_means_the_host_called_remote_or_the_only_one(tmp_path: Path) -> None:
    assert placed(tmp_path, "@remote", configured=("a", "remote"))["train"] == ("remote",)
    assert placed(tmp_path, "@remote", configured=("a",))["train"] == ("a",)


def test_remote_alone_is_refused_where_several_could_be_meant_or_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"step `train` \(.*flow.py:11\) has `@remote` without a host, .*: `a`, `b`"):
        placed(tmp_path, "@remote")
    with pytest.raises(RunError, match="asks for the host `remote`: there is no host `remote`"):
        placed(tmp_path, "@remote", configured=())


@pytest.mark.parametrize("mark", ["@batch", "@kubernetes(cpu=2)"])
def test_metaflows_words_for_elsewhere_mean_the_host_called_remote_if_there_is_one(mark: str, tmp_path: Path) -> None:
    assert placed(tmp_path, mark)["train"] == ("local",)
    assert placed(tmp_path, mark, configured=("remote",))["train"] == ("remote",)
    assert placed(tmp_path, mark, ["a"], configured=("a", "remote"))["train"] == ("a",)


def test_a_host_that_nobody_knows_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="`--host` asks for the host `gpu-bx`") as raised:
        placed(tmp_path, "", ["gpu-bx"], configured=("gpu-box",))
    assert "did you mean `gpu-box`?" in (raised.value.hint or "")
