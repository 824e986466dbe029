"""What `self.next` does at run time: which step a switch chooses, how many tasks a gang has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockerflow.store.records import Failure, Transition
from tests.driver import Driver, drive
from tests.unit.flow.sources import written

FLOW = """
    class Config:
        small = "s"

    class F(FlowSpec):
        config = Config()
        p = Parameter("p", default="a")
        constant = "b"

        @property
        def by_property(self):
            return "b"

        @property
        def fails(self):
            raise AttributeError("inside")

        @step
        def start(self):
            BODY
            self.next(CALL)
        @step
        def a(self):
            self.next(self.end)
        @step
        def b(self):
            self.next(self.end)
        @step
        def end(self):
            pass
"""
TWO = '{"a": self.a, "b": self.b}'


def _run(folder: Path, call: str, body: str = "pass") -> Driver:
    return drive(written(folder, FLOW.replace("CALL", call).replace("BODY", body)), folder / "blobs")


def _failure(driver: Driver) -> Failure:
    failure = driver.ran[-1].result.failure
    assert failure is not None
    return failure


@pytest.mark.parametrize(("condition", "chosen"), [("p", "a"), ("constant", "b"), ("by_property", "b"), ("x", "b")])
def test_condition_is_any_attribute(condition: str, chosen: str, tmp_path: Path) -> None:
    driver = _run(tmp_path, f'{TWO}, condition="{condition}"', "self.x = 'b'")
    assert [ran.step for ran in driver.ran] == ["start", chosen, "end"]
    assert driver.ran[0].result.transition == Transition((chosen,))


EQUAL = [("True", "1"), ("1", "True"), ("1.0", "1"), ("0", "False"), ("'1'", "'1'")]


@pytest.mark.parametrize(("value", "case"), EQUAL)
def test_case_is_chosen_by_equality(value: str, case: str, tmp_path: Path) -> None:
    driver = _run(tmp_path, f'{{{case}: self.a, "other": self.b}}, condition="x"', f"self.x = {value}")
    assert driver.ran[1].step == "a"


def test_case_of_a_config_has_its_value(tmp_path: Path) -> None:
    driver = _run(tmp_path, '{self.config.small: self.a, "l": self.b}, condition="x"', "self.x = 's'")
    assert driver.ran[1].step == "a"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("'c'", "`'c'` (`str`)"),
        ("None", "`None` (`NoneType`)"),
        ("['a']", "`['a']` (`list`)"),
        ("'c' * 80", f"`'{'c' * 56}...` (`str`)"),
    ],
)
def test_value_without_a_case_is_named_with_the_cases(value: str, shown: str, tmp_path: Path) -> None:
    failure = _failure(_run(tmp_path, f'{TWO}, condition="x"', f"self.x = {value}"))
    assert failure.message == f"the switch of step `start` is by `self.x`, which is {shown}; its cases are `'a'`, `'b'`"
    assert failure.hint.startswith("give the switch a case for it")


def test_case_that_only_looks_equal_is_told(tmp_path: Path) -> None:
    failure = _failure(_run(tmp_path, '{1: self.a, 2: self.b}, condition="x"', "self.x = '1'"))
    assert failure.hint == "the case is of type `int`: the value must be equal to it, not only look so"


def test_condition_that_is_not_there_is_named(tmp_path: Path) -> None:
    failure = _failure(_run(tmp_path, f'{TWO}, condition="x"'))
    assert failure.message == "the switch of step `start` is by `self.x`, which does not exist"
    assert failure.hint == "set `self.x` before `self.next`"


def test_condition_that_fails_shows_its_own_error(tmp_path: Path) -> None:
    failure = _failure(_run(tmp_path, f'{TWO}, condition="fails"'))
    assert (failure.type_name, failure.message) == ("builtins.AttributeError", "inside")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            f'{TWO}, condition="y"',
            "step `start` is followed by `a` for `'a'` or `b` for `'b'`, by `y`, but the last line of its source says",
        ),
        ('self.a, condition="y"', "step `start` gives `self.next` a `condition` and no dictionary of steps"),
        ('{}, condition="y"', "step `start` gives `self.next` a `condition` and no dictionary of steps"),
        (
            "self.a, num_parallel=2",
            "step `start` is followed by a gang of `a`, but the last line of its source says `a`",
        ),
        ('self.a, foreach="xs", num_parallel=2', "step `start` gives `self.next` `foreach` and `num_parallel` at once"),
        (TWO, "step `start` gives `self.next` `{"),
    ],
)  # fmt: skip
def test_call_that_is_not_what_the_source_ends_with_fails(call: str, message: str, tmp_path: Path) -> None:
    """By another name, which the source does not show."""
    body = f"self.xs = [1]; follow = self.next; follow({call}); return"
    text = FLOW.replace("CALL", "self.a").replace("BODY", body).replace("self.next(self.end)", "self.next(self.b)", 1)
    failure = _failure(drive(written(tmp_path, text), tmp_path / "blobs"))
    assert failure.message.startswith(message)


REPEATS = """
    class F(FlowSpec):
        @step
        def start(self):
            self.n = 0
            self.seen = []
            self.next(self.each, foreach="letters")

        letters = ["x", "y"]

        @step
        def each(self):
            self.count = 0
            self.next(self.again)
        @step
        def again(self):
            self.count += 1
            self.seen = [*self.seen, (self.input, self.index, self.count)]
            self.more = self.count < 2 + self.index
            self.next({True: self.again, False: self.done}, condition="more")
        @step
        def done(self):
            self.next(self.join)
        @step
        def join(self, inputs):
            self.all = [each.seen for each in inputs]
            self.next(self.end)
        @step
        def end(self):
            pass
"""


def test_step_repeats_in_its_place_in_a_foreach(tmp_path: Path) -> None:
    driver = drive(written(tmp_path, REPEATS), tmp_path / "blobs")
    assert driver.task("end").artifacts["all"] == [
        [("x", 0, 1), ("x", 0, 2)],
        [("y", 1, 1), ("y", 1, 2), ("y", 1, 3)],
    ]


GANG = """
    class F(FlowSpec):
        n = 3

        @step
        def start(self):
            self.x = 7
            self.next(self.node, num_parallel=SIZE)
        @parallel
        @step
        def node(self):
            self.seen = (self.input, self.index, self.foreach_stack(), self.x)
            self.me = tuple(current.parallel)
            self.is_parallel = current.is_parallel
            self.next(self.join)
        @step
        def join(self, inputs):
            self.order = [(each.index, each.input, each.foreach_stack()) for each in inputs]
            self.outside = (self.input, self.index, self.foreach_stack(), current.get("is_parallel"))
            self.next(self.end)
        @step
        def end(self):
            pass
"""


def _gang(folder: Path, size: str) -> Driver:
    return drive(written(folder, GANG.replace("SIZE", size)), folder / "blobs")


@pytest.mark.parametrize("size", ["self.n", "3", "len('abc')"])
def test_nodes_of_a_gang_know_their_number(size: str, tmp_path: Path) -> None:
    driver = _gang(tmp_path, size)
    assert driver.ran[0].result.transition == Transition(("node",), None, 3, True)
    nodes: list[dict[str, Any]] = [dict(driver.task("node", index).artifacts) for index in range(3)]
    assert [node["seen"] for node in nodes] == [(i, i, [(i, None, i)], 7) for i in range(3)]
    assert [node["me"][:3] for node in nodes] == [("127.0.0.1", 3, index) for index in range(3)]
    assert [node["is_parallel"] for node in nodes] == [True] * 3
    end = driver.task("end").artifacts
    assert end["order"] == [(i, i, [(i, None, i)]) for i in range(3)]
    assert end["outside"] == (None, None, [], None)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("0", "step `start` gives `num_parallel` 0: a gang has 1 task or more"),
        ("-1", "step `start` gives `num_parallel` -1: a gang has 1 task or more"),
        ("2.0", "step `start` gives `num_parallel` `2.0`, which is no whole number"),
        ("'2'", "step `start` gives `num_parallel` `'2'`, which is no whole number"),
    ],
)
def test_gang_has_a_whole_number_of_nodes(size: str, message: str, tmp_path: Path) -> None:
    assert _failure(_gang(tmp_path, size)).message == message
