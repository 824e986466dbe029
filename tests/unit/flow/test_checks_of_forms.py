"""Switches, gangs, and marked first and last steps: one test per rule, with the line that a problem names."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.definition import Cache
from dockerflow.flow.given import Given
from dockerflow.flow.loading import load
from tests.unit.flow.sources import found, loaded, written


def _flow(steps: str, before: str = "") -> str:
    """The source of a flow: `name: what follows` per line, with decorators before the name and `!` for a join."""
    text = [*textwrap.dedent(before).splitlines(), "class F(FlowSpec):"]
    for line in textwrap.dedent(steps).strip().splitlines():
        head, _, body = line.partition(":")
        *decorators, name = head.split()
        join = name.endswith("!")
        text += [f"    {decorator}" for decorator in decorators]
        text += [] if any(each.startswith("@step") for each in decorators) else ["    @step"]
        text += [f"    def {name.rstrip('!')}(self{', inputs' if join else ''}):", f"        {body.strip() or 'pass'}"]
    return "\n".join(text) + "\n"


SWITCH = """
    start: self.next({"x": self.a, "y": self.b}, condition="kind")
    a: self.next(self.end)
    b: self.next(self.end)
    end:
"""


def test_switch_is_read_with_its_condition_and_cases(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(SWITCH)) == []
    start = loaded(tmp_path, _flow(SWITCH)).flow.steps["start"]
    assert (start.next, start.condition, start.cases) == (("a", "b"), "kind", (("x", "a"), ("y", "b")))
    assert not start.split


@pytest.mark.parametrize("case", ['"x"', "3", "2.5", "True", "False", '""', "b'x'"])
def test_case_is_a_constant(case: str, tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x"', case))
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("case", "shown"),
    [
        ("None", "None"),
        ("KIND", "the variable `KIND`"),
        ("-1", "not written out"),
        ("f'x'", "not written out"),
        ("(1, 2)", "not written out"),
        ("self.x", "not written out"),
        ("self.config.a.b", "not written out"),
        ("self.config['a']", "not written out"),
        ("other.config.a", "not written out"),
    ],
)
def test_case_that_is_no_constant_is_named(case: str, shown: str, tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x"', case), "KIND = 'x'")
    line = f'self.next({{{case}: self.a, "y": self.b}}, condition="kind")'
    assert (line, f"step `start` has a case in its switch that is {shown}") in found(tmp_path, text)


def test_case_of_a_config_has_its_value(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x"', "self.config.key"), "class Config:\n    key = 'small'")
    text = text.replace("class F(FlowSpec):\n", "class F(FlowSpec):\n    config = Config()\n")
    assert found(tmp_path, text) == []
    assert loaded(tmp_path, text).flow.steps["start"].cases == (("small", "a"), ("y", "b"))


def test_case_of_a_given_config_has_the_value_that_was_given(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x"', "self.settings.key"), "from dockerflow import Config")
    text = text.replace("class F(FlowSpec):\n", "class F(FlowSpec):\n    settings = Config('of', default_value='{}')\n")
    given = Given(configs={"of": '{"key": 3}'})
    assert load(written(tmp_path, text), given=given).flow.steps["start"].cases[0] == (3, "a")


def test_case_that_only_a_task_knows_is_shown_as_it_is_written(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x"', "self.settings.key"))
    assert loaded(tmp_path, text).flow.steps["start"].cases[0] == ("self.settings.key", "a")


def test_several_cases_may_lead_to_one_step(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next({1: self.a, 2: self.a}, condition="n")
        a: self.next(self.end)
        end:
    """)
    assert found(tmp_path, text) == []
    assert loaded(tmp_path, text).flow.steps["start"].next == ("a",)


def test_last_of_equal_cases_counts(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x": self.a', "1: self.b, True: self.a"))
    assert loaded(tmp_path, text).flow.steps["start"].cases == ((1, "a"), ("y", "b"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('self.next({"x": self.a}, condition="kind")', "has a switch with one case"),
        ('self.next({"x": self.a, "x": self.b}, condition="kind")', "has a switch with one case"),
        ('self.next({"x": self.a, "y": self.b})', "gives `self.next` a dictionary and no `condition`"),
        ('self.next(self.a, condition="kind")', "gives `self.next` a `condition` and no dictionary of steps"),
        (
            'self.next({"x": self.a}, self.b, condition="kind")',
            "gives `self.next` a `condition` and no dictionary of steps",
        ),
        ('self.next({"x": self.a, "y": self.b}, condition=kind)', "gives `condition` something else than a text"),
        ('self.next({"x": self.a, "y": self.b}, condition="")', "gives `condition` something else than a text"),
        ('self.next({"x": a, "y": self.b}, condition="kind")', "has a case in its switch that leads to no step"),
        ('self.next({"x": "a", "y": self.b}, condition="kind")', "has a case in its switch that leads to no step"),
        (
            'self.next({**cases, "y": self.b}, condition="kind")',
            "has a case in its switch that is taken from another dictionary by `**`",
        ),
        (
            'self.next({"x": self.a, "y": self.b}, condition="kind", foreach="xs")',
            "gives `self.next` `condition` and `foreach` at once",
        ),
        ('self.next(self.a, foreach="xs", num_parallel=2)', "gives `self.next` `foreach` and `num_parallel` at once"),
        ("self.next(self.a, self.b, num_parallel=2)", "names more than one step for its `num_parallel`"),
        ("self.next(self.a, **options)", "gives `self.next` options by `**`"),
    ],
)  # fmt: skip
def test_call_that_is_no_form_of_next_is_named(call: str, message: str, tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('self.next({"x": self.a, "y": self.b}, condition="kind")', call))
    assert (call, f"step `start` {message}") in found(tmp_path, text)


def test_unknown_step_of_a_switch_is_named(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace('"x": self.a', '"x": self.aa'))
    line = 'self.next({"x": self.aa, "y": self.b}, condition="kind")'
    assert found(tmp_path, text) == [(line, "step `start` is followed by an unknown step `aa`")]


def test_join_is_no_switch(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a, foreach="xs")
        a: self.next(self.j)
        j!: self.next({1: self.b, 2: self.end}, condition="n")
        b: self.next(self.end)
        end:
    """)
    line = 'self.next({1: self.b, 2: self.end}, condition="n")'
    assert found(tmp_path, text) == [(line, "step `j` is a join and a switch at once")]


def test_step_may_repeat_itself_by_a_switch(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a)
        a: self.next({True: self.a, False: self.end}, condition="again")
        end:
    """)
    assert found(tmp_path, text) == []


def test_step_cannot_repeat_itself_without_a_switch(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a)
        a: self.next(self.a, self.end)
        end:
    """)
    line = "self.next(self.a, self.end)"
    assert found(tmp_path, text) == [(line, "the steps go round in a circle: a → a")]


def test_first_step_cannot_repeat_itself(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next({True: self.start, False: self.end}, condition="again")
        end:
    """)
    message = "step `start` is followed by itself, and nothing may lead to the first step"
    assert found(tmp_path, text) == [('self.next({True: self.start, False: self.end}, condition="again")', message)]


def test_switch_leads_to_no_longer_circle(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a)
        a: self.next(self.b)
        b: self.next({True: self.a, False: self.end}, condition="again")
        end:
    """)
    line = 'self.next({True: self.a, False: self.end}, condition="again")'
    assert found(tmp_path, text) == [(line, "the steps go round in a circle: a → b → a")]


def test_switch_leads_to_no_join_at_once(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a, foreach="xs")
        a: self.next({1: self.b, 2: self.j}, condition="n")
        b: self.next(self.j)
        j!: self.next(self.end)
        end:
    """)
    message = "the switch of step `a` leads to the join `j` at once"
    assert found(tmp_path, text) == [('self.next({1: self.b, 2: self.j}, condition="n")', message)]


def test_ways_of_a_switch_meet_without_a_join(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a, self.b)
        a: self.next({1: self.c, 2: self.d, 3: self.f}, condition="n")
        c: self.next(self.e)
        d: self.next(self.e)
        e: self.next(self.j)
        f: self.next(self.g, foreach="xs")
        g: self.next(self.h)
        h!: self.next(self.j)
        b: self.next(self.j)
        j!: self.next(self.end)
        end:
    """)
    assert found(tmp_path, text) == []


def test_ways_of_a_switch_meet_inside_of_the_same_splits(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next({1: self.a, 2: self.b}, condition="n")
        a: self.next(self.b, foreach="xs")
        b: self.next(self.j)
        j!: self.next(self.end)
        end:
    """)
    message = (
        "step `b` is reached inside of different splits: by `start` outside of any; by `a` inside of the split at `a`"
    )
    assert found(tmp_path, text) == [("def b(self):", message)]


def test_way_of_a_switch_does_not_leave_a_split(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.a, foreach="xs")
        a: self.next({1: self.b, 2: self.end}, condition="n")
        b: self.next(self.j)
        j!: self.next(self.end)
        end:
    """)
    assert [message for _, message in found(tmp_path, text)] == [
        "step `end` is reached inside of different splits: by `a` inside of the split at `start`; by `j` outside of any"
    ]


def test_catch_does_not_go_with_a_switch(tmp_path: Path) -> None:
    text = _flow(SWITCH.replace("start:", "@catch start:"))
    message = "step `start` has `@catch` and a switch: these do not go together"
    assert found(tmp_path, text) == [("def start(self):", message)]


GANG = """
    start: self.next(self.train, num_parallel=4)
    @parallel train: self.next(self.j)
    j!: self.next(self.end)
    end:
"""


def test_gang_is_read(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(GANG)) == []
    start = loaded(tmp_path, _flow(GANG)).flow.steps["start"]
    assert (start.gang, start.foreach, start.next) == (True, None, ("train",))


def test_size_of_a_gang_may_be_any_expression(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(GANG.replace("=4", "=len(self.xs) + 1"))) == []


def test_step_of_a_gang_is_parallel(tmp_path: Path) -> None:
    text = _flow(GANG.replace("@parallel ", ""))
    message = "step `start` starts a gang of `train`, which has no `@parallel`"
    assert found(tmp_path, text) == [("self.next(self.train, num_parallel=4)", message)]


def test_parallel_step_is_started_as_a_gang(tmp_path: Path) -> None:
    text = _flow(GANG.replace("num_parallel=4", 'foreach="xs"'))
    message = "step `train` has `@parallel`, but step `start` starts no gang of it"
    assert found(tmp_path, text) == [("def train(self):", message)]


def test_gang_is_followed_by_a_join(tmp_path: Path) -> None:
    text = _flow(GANG.replace("train: self.next(self.j)", "train: self.next(self.more)\nmore: self.next(self.j)"))
    message = "step `train` has `@parallel` and is followed by `more`, which is no join"
    assert found(tmp_path, text) == [("self.next(self.more)", message)]


def test_gang_is_not_last(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.end, num_parallel=2)
        @parallel end:
    """)
    assert ("def end(self):", "step `end` has `@parallel` and is the last one") in found(tmp_path, text)


def test_gang_does_not_choose_what_follows(tmp_path: Path) -> None:
    text = _flow(GANG.replace("train: self.next(self.j)", 'train: self.next({1: self.j, 2: self.j}, condition="n")'))
    line = 'self.next({1: self.j, 2: self.j}, condition="n")'
    assert (line, "step `train` has `@parallel` and a switch") in found(tmp_path, text)


def test_gang_is_not_joined_at_once(tmp_path: Path) -> None:
    text = _flow("""
        start: self.next(self.j, num_parallel=2)
        @parallel j!: self.next(self.end)
        end:
    """)
    assert [message for _, message in found(tmp_path, text)] == [
        "step `j` has `@parallel` and is followed by `end`, which is no join",
    ]


def test_parallel_has_no_options(tmp_path: Path) -> None:
    text = _flow(GANG.replace("@parallel", "@parallel(nodes=2)"))
    assert found(tmp_path, text) == [("@parallel(nodes=2)", "`@parallel` has no option `nodes`")]


def test_catch_does_not_go_with_the_start_of_a_gang(tmp_path: Path) -> None:
    text = _flow(GANG.replace("start:", "@catch start:"))
    message = "step `start` has `@catch` and `num_parallel`: these do not go together"
    assert found(tmp_path, text) == [("def start(self):", message)]


MARKED = """
    @step(start=True) first: self.next(self.last)
    @step(end=True) last:
"""


def test_first_and_last_step_may_be_marked(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(MARKED)) == []
    flow = loaded(tmp_path, _flow(MARKED)).flow
    assert (flow.start, flow.end) == ("first", "last")


def test_unmarked_ends_are_called_start_and_end(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(MARKED.replace("@step(end=True) last", "end").replace("self.last", "self.end"))) == []


def test_mark_that_says_no_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, _flow(MARKED.replace("start=True", "start=False")))[0] == (
        "class F(FlowSpec):",
        "flow `F` has no step `start`",
    )


def test_two_first_steps_are_named(tmp_path: Path) -> None:
    text = _flow(MARKED.replace("end=True", "start=True,end=True"))
    message = "step `last` is marked with `start=True`, and so is step `first` on line 3"
    assert ("@step(start=True,end=True)", message) in found(tmp_path, text)


def test_marked_step_beside_one_of_the_name_is_named(tmp_path: Path) -> None:
    text = _flow("""
        @step(start=True) first: self.next(self.start)
        start: self.next(self.end)
        end:
    """)
    message = "step `first` is marked with `start=True`, and another step is called `start`"
    assert found(tmp_path, text) == [("@step(start=True)", message)]


def test_marked_last_step_is_followed_by_nothing(tmp_path: Path) -> None:
    text = _flow(MARKED.replace("last:", "last: self.next(self.first)"))
    assert ("self.next(self.first)", "step `last` calls `self.next`: nothing follows it") in found(tmp_path, text)


def test_flow_may_have_one_step(tmp_path: Path) -> None:
    assert found(tmp_path, _flow("only:")) == []
    flow = loaded(tmp_path, _flow("only:")).flow
    assert (flow.start, flow.end) == ("only", "only")


@pytest.mark.parametrize(
    ("only", "problem"),
    [
        ("only: self.next(self.only)", ("self.next(self.only)", "step `only` calls `self.next`: nothing follows it")),
        ("only!:", ("def only(self, inputs):", "step `only` takes `inputs`: the last step cannot be a join")),
    ],
)
def test_only_step_is_the_last_one(only: str, problem: tuple[str, str], tmp_path: Path) -> None:
    assert problem in found(tmp_path, _flow(only))


def test_step_that_is_first_and_last_leaves_none_for_others(tmp_path: Path) -> None:
    text = _flow("""
        @step(start=True,end=True) only:
        other: self.next(self.only)
    """)
    assert found(tmp_path, text) == [("def other(self):", "step `other` cannot be reached from `only`")]


def test_step_of_a_gang_has_no_result_that_could_be_reused(tmp_path: Path) -> None:
    text = _flow(GANG.replace("@parallel ", "@parallel @cache "), "from dockerflow import cache")
    message = "step `train` has `@cache` and `@parallel`: no task of a gang has a result of its own"
    assert [what for _, what in found(tmp_path, text)] == [message]


def test_cache_for_all_steps_leaves_gangs_out(tmp_path: Path) -> None:
    loaded_flow = load(written(tmp_path, _flow(GANG)), given=Given(decorators=("cache",))).flow
    assert [step.name for step in loaded_flow.steps.values() if step.decorator(Cache)] == ["start", "j", "end"]
    assert problems(loaded_flow) == []
