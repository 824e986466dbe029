"""Where a step runs, as `@remote`, `@local` and `--with` say it, and what a mutator may change of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.definition import Elsewhere, Local, Remote, Resources, StepDecorator
from dockerflow.flow.errors import FlowError, place
from dockerflow.flow.given import Given
from dockerflow.flow.loading import load
from tests.unit.flow.sources import found, written

URL = "a host is named here as in the settings: `dockerflow hosts add NAME URL` gives one a name"
EITHER = 'keep one of the two; `@remote(host="local,gpu-box")` means either'


def source(decorators: str = "", above: str = "") -> str:
    return f"""
from dockerflow import Config, FlowMutator, StepMutator, batch, config_expr, kubernetes, local, remote
{above}
class F(FlowSpec):
    settings = Config("settings", default_value={{"hosts": ["a", "b"], "host": "a"}})
    {decorators.replace(chr(10), chr(10) + "    ")}
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        pass
"""


def start(folder: Path, decorators: str = "", above: str = "", attached: tuple[str, ...] = ()) -> list[StepDecorator]:
    """The decorators of the first step, with the line of none."""
    flow = load(written(folder, source(decorators, above)), given=Given(decorators=attached)).flow
    assert flow.problems == ()
    return [Elsewhere(each.word) if isinstance(each, Elsewhere) else each for each in flow.steps["start"].decorators]


@pytest.mark.parametrize(
    ("decorators", "values"),
    [
        ("@remote", [Remote()]),
        ("@remote()", [Remote()]),
        ("@remote(host=None)", [Remote()]),
        ('@remote(host="gpu-box")', [Remote(("gpu-box",))]),
        ('@remote(host="a, b.c,local")', [Remote(("a", "b.c", "local"))]),
        ('@remote(host=["a", "b", "a"])', [Remote(("a", "b"))]),
        ('@remote(host=("a",))', [Remote(("a",))]),
        ('@remote(host=config_expr("settings.hosts"))', [Remote(("a", "b"))]),
        ('@remote(host=config_expr("settings").host)', [Remote(("a",))]),
        ("@local", [Local()]),
        ("@local()", [Local()]),
        ('@remote(host="a", cpu=2, memory="500", gpu=1)', [Resources(2.0, 500, 1), Remote(("a",))]),
        (
            "@remote(cpu=2, memory=900, shared_memory=64)\n@resources(cpu=4, memory=500, disk=9)",
            [Resources(4.0, 900, None, 9, 64), Remote()],
        ),
        ("@resources(cpu=4)\n@local", [Resources(4.0), Local()]),
    ],
)
def test_a_step_says_where_it_runs(decorators: str, values: list[StepDecorator], tmp_path: Path) -> None:
    assert start(tmp_path, decorators) == values


@pytest.mark.parametrize(
    ("decorators", "values"),
    [
        (
            "@batch(cpu=8, memory=100)\n@resources(memory=300, gpu=1)\n@remote(host='a', cpu=2, memory=200)",
            [Resources(8.0, 300, 1), Remote(("a",)), Elsewhere("batch")],
        ),
        ("@local\n@kubernetes(cpu=2)", [Resources(2.0), Local(), Elsewhere("kubernetes")]),
    ],
)
def test_metaflows_words_beside_ours_say_what_a_task_may_use_and_not_where_it_runs(
    decorators: str, values: list[StepDecorator], tmp_path: Path
) -> None:
    """A flow of Metaflow's is sent to a host of one's own without taking anything out of it."""
    assert start(tmp_path, decorators) == values


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ('@remote("gpu-box")', "`@remote` is given a value without its option's name"),
        ("@remote(hosts='a')", "`@remote` has no option `hosts`"),
        ("@remote(host='a', disk=5)", "`@remote` has no option `disk`"),
        ("@remote(cpu='many')", "`cpu` of `@remote` is `'many'`; expected a number of cores above 0"),
        ("@remote(memory=0.5)", "`memory` of `@remote` is `0.5`; expected a whole number of MiB above 0"),
        ("@remote(gpu=-1)", "`gpu` of `@remote` is `-1`; expected a whole number of GPUs, 0 or more"),
        ("@local('a')", "`@local` is given a value without its option's name"),
        ("@local(cpu=2)", "`@local` has no option `cpu`"),
    ],
)
def test_wrong_option_is_named_with_its_line(decorator: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, source(decorator)) == [(decorator, message)]


@pytest.mark.parametrize(
    "host",
    ["''", "' '", "'gpu box'", "'a,,b'", "'a;b'", "'-a'", "[]", "['a', '']", "['a', 3]", "3", "True", "{'a': 1}"],
)
def test_what_no_host_can_be_called_is_refused(host: str, tmp_path: Path) -> None:
    decorator = f"@remote(host={host})"
    expected = 'the name of a host or of several, like `"gpu-box"` or `"gpu-box,other"`'
    message = f"`host` of `@remote` is `{host}`; expected {expected}"
    assert found(tmp_path, source(decorator)) == [(decorator, message)]


def test_an_address_where_a_name_belongs_is_met_with_the_way_to_give_it_one(tmp_path: Path) -> None:
    flow = load(written(tmp_path, source('@remote(host="ssh://me@gpu-box")'))).flow
    assert [each.hint for each in flow.problems] == [URL]


@pytest.mark.parametrize("second", ["@local", "@remote"])
def test_a_step_runs_here_or_there(second: str, tmp_path: Path) -> None:
    first = {"@local": "@remote", "@remote": "@local"}[second]
    flow = load(written(tmp_path, source(f"{first}\n{second}"))).flow
    [problem] = flow.problems
    assert problem.message == f"`{second}` stands beside `{first}`: a step runs here or there"
    assert problem.hint == EITHER
    assert Path(problem.file).read_text().splitlines()[problem.line - 1].strip() == second


def test_a_step_says_once_where_it_runs(tmp_path: Path) -> None:
    [(line, message)] = found(tmp_path, source("@remote(host='a')\n@remote(host='b')"))
    assert line == "@remote(host='b')"
    assert message.startswith("step `start` has `@remote` twice, the first on line ")


# --with


@pytest.mark.parametrize(
    ("attached", "values"),
    [
        ("remote", [Remote()]),
        ("local", [Local()]),
        ("remote:host=gpu-box,cpu=4", [Resources(4.0), Remote(("gpu-box",))]),
        ("remote:host=a,b,memory=500", [Resources(None, 500), Remote(("a", "b"))]),
        ('remote:host=["a", "b"]', [Remote(("a", "b"))]),
    ],
)
def test_the_command_line_says_where_steps_run(attached: str, values: list[StepDecorator], tmp_path: Path) -> None:
    assert start(tmp_path, attached=(attached,)) == values


@pytest.mark.parametrize("attached", ["remote:host=b,cpu=2", "local"])
@pytest.mark.parametrize(("own", "value"), [("@remote(host='a')", Remote(("a",))), ("@local", Local())])
def test_a_steps_own_place_stays(attached: str, own: str, value: StepDecorator, tmp_path: Path) -> None:
    assert start(tmp_path, own, attached=(attached,)) == [value]


def test_a_step_that_is_for_a_cluster_goes_where_the_command_line_says(tmp_path: Path) -> None:
    read = start(tmp_path, "@batch(memory=500)", attached=("remote:host=a",))
    assert read == [Resources(None, 500), Remote(("a",)), Elsewhere("batch")]


@pytest.mark.parametrize("second", ["remote:host=b", "local"])
def test_two_places_on_the_command_line_are_refused(second: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError) as raised:
        start(tmp_path, attached=("remote:host=a", "retry", second))
    assert raised.value.message == (f"`--with {second}` comes after `--with remote:host=a`: each says where steps run")


def test_a_wrong_host_of_the_command_line_is_named_with_what_was_written(tmp_path: Path) -> None:
    flow = load(written(tmp_path, source()), given=Given(decorators=("remote:host=big box",))).flow
    assert {(each.file, each.message.partition(";")[0]) for each in flow.problems} == {
        ("--with remote:host=big box", "`host` of `@remote` is `'big box'`")
    }


def test_what_was_written_on_the_command_line_is_told_as_it_was(tmp_path: Path) -> None:
    assert place("--with remote:host=ssh://a") == "--with remote:host=ssh://a"
    assert place(str(Path.cwd() / "flow.py"), 7) == "flow.py:7"


# Mutators


def mutated(call: str) -> str:
    return f"""
class Placed(StepMutator):
    def mutate(self, mutable_step):
        {call}
"""


@pytest.mark.parametrize(
    "call",
    [
        "mutable_step.add_decorator(remote, deco_kwargs={'host': 'b'}, duplicates=mutable_step.OVERRIDE)",
        "mutable_step.add_decorator('remote:host=b', duplicates=mutable_step.OVERRIDE)",
        "mutable_step.remove_decorator('local') and mutable_step.add_decorator('remote', deco_kwargs={'host': ['b']})",
    ],
)
def test_a_mutator_sends_a_step_to_another_host(call: str, tmp_path: Path) -> None:
    assert start(tmp_path, "@Placed\n@local", mutated(call)) == [Remote(("b",))]


def test_a_mutator_that_may_not_replace_anything_leaves_a_step_where_it_is(tmp_path: Path) -> None:
    call = "assert mutable_step.add_decorator(local) is None"
    assert start(tmp_path, "@Placed\n@remote(host='a')", mutated(call)) == [Remote(("a",))]


def test_a_mutator_is_told_which_place_is_in_its_way(tmp_path: Path) -> None:
    call = "mutable_step.add_decorator(local, duplicates=mutable_step.ERROR)"
    with pytest.raises(FlowError, match="step `start` has a decorator `remote` already"):
        start(tmp_path, "@Placed\n@remote(host='a')", mutated(call))


def test_a_mutator_of_the_flow_pins_the_steps_that_say_nothing(tmp_path: Path) -> None:
    everywhere = """
class Everywhere(FlowMutator):
    def pre_mutate(self, mutable_flow):
        for name, mutable_step in mutable_flow.steps:
            if not mutable_step.has_decorator("remote"):
                mutable_step.add_decorator("local")
@Everywhere
"""
    flow = load(written(tmp_path, source("@remote(host='a')", everywhere))).flow
    assert flow.problems == ()
    assert flow.steps["start"].decorators == (Remote(("a",)),)
    assert flow.steps["end"].decorators == (Local(),)


def test_a_place_belongs_on_a_step(tmp_path: Path) -> None:
    assert found(tmp_path, source(above="@remote")) == [
        ("@remote", "`@remote` stands on the class `F`, which is no step")
    ]
