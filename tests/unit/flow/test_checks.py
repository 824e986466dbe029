"""One test per rule: the line that a problem names, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.checks import check, problems
from dockerflow.flow.errors import InvalidFlow
from tests.unit.flow.sources import found, graph, loaded, written

Graph = dict[str, tuple[list[str], str | None, bool]]


def _found(folder: Path, steps: Graph) -> list[tuple[str, str]]:
    return found(folder, graph(steps))


def test_flow_without_problems_has_none(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b"], None, False),
        "a": (["c"], "xs", False),
        "c": (["gather"], None, False),
        "gather": (["join"], None, True),
        "b": (["join"], None, False),
        "join": (["end"], None, True),
        "end": ([], None, False),
    }
    assert _found(tmp_path, steps) == []


def test_start_and_end_must_be_there(tmp_path: Path) -> None:
    assert _found(tmp_path, {"begin": (["finish"], None, False), "finish": (["begin"], None, False)})[:2] == [
        ("class Graph(FlowSpec):", "flow `Graph` has no step `start`"),
        ("class Graph(FlowSpec):", "flow `Graph` has no step `end`"),
    ]


def test_start_without_step_is_not_passed_over(tmp_path: Path) -> None:
    """`end` alone would be a flow of one step, and nothing else of it would run."""
    text = graph({"start": (["end"], None, False), "end": ([], None, False)}).replace("    @step\n", "", 1)
    assert found(tmp_path, text) == [("def start(self):", "`start` is no step")]


def test_end_is_followed_by_nothing(tmp_path: Path) -> None:
    steps: Graph = {"start": (["end"], None, False), "end": (["start"], None, False)}
    assert _found(tmp_path, steps)[0] == ("self.next(self.start)", "step `end` calls `self.next`: nothing follows it")


def test_end_is_no_join(tmp_path: Path) -> None:
    steps: Graph = {"start": (["end"], None, False), "end": ([], None, True)}
    message = "step `end` takes `inputs`: the last step cannot be a join"
    assert _found(tmp_path, steps) == [("def end(self, inputs):", message)]


def test_start_is_no_join(tmp_path: Path) -> None:
    steps: Graph = {"start": (["end"], None, True), "end": ([], None, False)}
    message = "step `start` takes `inputs`, but nothing comes before it"
    assert _found(tmp_path, steps) == [("def start(self, inputs):", message)]


def test_unknown_step_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    flow = loaded(
        tmp_path, graph({"start": (["trian"], None, False), "train": (["end"], None, False), "end": ([], None, False)})
    ).flow
    (problem,) = problems(flow)
    assert problem.message == "step `start` is followed by an unknown step `trian`"
    assert problem.hint == "did you mean `train`?"


def test_step_cannot_follow_twice(tmp_path: Path) -> None:
    steps: Graph = {"start": (["end", "end"], None, False), "end": ([], None, False)}
    assert _found(tmp_path, steps) == [("self.next(self.end, self.end)", "step `start` is followed by `end` twice")]


def test_unreachable_step_is_named_and_not_those_after_it(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["end"], None, False),
        "lost": (["later"], None, False),
        "later": (["end"], None, False),
        "end": ([], None, False),
    }
    assert _found(tmp_path, steps) == [("def lost(self):", "step `lost` cannot be reached from `start`")]


def test_circle_is_shown_where_it_closes(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a"], None, False),
        "a": (["b"], None, False),
        "b": (["a"], None, False),
        "end": ([], None, False),
    }
    assert ("self.next(self.a)", "the steps go round in a circle: a → b → a") in _found(tmp_path, steps)


def test_split_must_be_joined_before_the_end(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a"], "xs", False),
        "a": (["end"], None, False),
        "end": ([], None, False),
    }
    message = "step `end` is reached before the split at `start` is joined"
    assert _found(tmp_path, steps) == [("def end(self):", message)]


def test_step_that_several_lead_to_takes_inputs(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b"], None, False),
        "a": (["c"], None, False),
        "b": (["c"], None, False),
        "c": (["end"], None, False),
        "end": ([], None, False),
    }
    message = "`a` and `b` lead to step `c`, which does not take `inputs`"
    assert _found(tmp_path, steps) == [("def c(self):", message)]


def test_branches_that_meet_in_the_last_step_need_a_join_before_it(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b"], None, False),
        "a": (["end"], None, False),
        "b": (["end"], None, False),
        "end": ([], None, False),
    }
    (problem,) = problems(loaded(tmp_path, graph(steps)).flow)
    assert problem.message == "`a` and `b` lead to step `end`, which does not take `inputs`"
    assert problem.hint == "let a step `def join(self, inputs):` join them, and be followed by `end`"


def test_join_needs_a_split(tmp_path: Path) -> None:
    steps: Graph = {"start": (["a"], None, False), "a": (["end"], None, True), "end": ([], None, False)}
    message = "step `a` takes `inputs`, but no split comes before it"
    assert _found(tmp_path, steps) == [("def a(self, inputs):", message)]


def test_join_takes_every_branch(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b", "c"], None, False),
        "a": (["j"], None, False),
        "b": (["j"], None, False),
        "c": (["k"], None, False),
        "j": (["k"], None, True),
        "k": (["end"], None, True),
        "end": ([], None, False),
    }
    message = "step `j` joins the split at `start` without its branch `c`"
    assert _found(tmp_path, steps) == [("def j(self, inputs):", message)]


def test_join_takes_branches_of_one_split(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b"], None, False),
        "a": (["c", "d"], None, False),
        "b": (["e", "f"], None, False),
        **{name: (["j"], None, False) for name in "ce"},
        **{name: (["k"], None, False) for name in "df"},
        "j": (["l"], None, True),
        "k": (["l"], None, True),
        "l": (["end"], None, True),
        "end": ([], None, False),
    }
    message = "step `j` joins branches of different splits, those at `a` and `b`"
    assert _found(tmp_path, steps)[0] == ("def j(self, inputs):", message)


@pytest.mark.parametrize("split", [(["j"], "xs", False), (["a", "j"], None, False)])
def test_split_is_not_joined_at_once(split: tuple[list[str], str | None, bool], tmp_path: Path) -> None:
    steps: Graph = {"start": split, "j": (["end"], None, True), "end": ([], None, False)}
    if "a" in split[0]:
        steps["a"] = ["j"], None, False
    message = "step `j` joins the split at `start` at once"
    assert _found(tmp_path, steps) == [("def j(self, inputs):", message)]


def test_join_cannot_split(tmp_path: Path) -> None:
    steps: Graph = {
        "start": (["a", "b"], None, False),
        "a": (["j"], None, False),
        "b": (["j"], None, False),
        "j": (["c"], "xs", True),
        "c": (["k"], None, False),
        "k": (["end"], None, True),
        "end": ([], None, False),
    }
    message = "step `j` is a join and a split at once"
    assert _found(tmp_path, steps) == [("self.next(self.c, foreach='xs')", message)]


@pytest.mark.parametrize("name", ["next", "input", "index", "name", "cmd"])
def test_reserved_names_are_no_step_names(name: str, tmp_path: Path) -> None:
    steps: Graph = {"start": ([name], None, False), name: (["end"], None, False), "end": ([], None, False)}
    assert (f"def {name}(self):", f"step `{name}` has a reserved name") in _found(tmp_path, steps)


@pytest.mark.parametrize("name", ["_hidden", "Upper", "größe"])
def test_step_names_are_plain(name: str, tmp_path: Path) -> None:
    steps: Graph = {"start": ([name], None, False), name: (["end"], None, False), "end": ([], None, False)}
    message = f"step `{name}` has a name that a step cannot have"
    assert (f"def {name}(self):", message) in _found(tmp_path, steps)


def _one_step(body: str, decorators: str = "") -> str:
    indented = "\n".join(f"                {line}" for line in body.splitlines())
    return f"""
        class F(FlowSpec):
            {decorators}
            @step
            def start(self):
{indented}

            @step
            def end(self):
                pass
    """


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("self.x = 1", "def start(self):", "step `start` does not call `self.next`"),
        ("self.next(self.end)\nprint(1)", "self.next(self.end)", "step `start` calls `self.next` before its end"),
        ("self.next()", "self.next()", "step `start` calls `self.next` with something else than steps"),
        ("self.next('end')", "self.next('end')", "step `start` calls `self.next` with something else than steps"),
        ("self.next(end)", "self.next(end)", "step `start` calls `self.next` with something else than steps"),
        (
            "self.next(*[self.end])",
            "self.next(*[self.end])",
            "step `start` calls `self.next` with something else than steps",
        ),
        (
            "self.next(self.end, forech='x')",
            "self.next(self.end, forech='x')",
            "step `start` gives `self.next` an unknown option `forech`",
        ),
        (
            "self.next(self.end, foreach=3)",
            "self.next(self.end, foreach=3)",
            "step `start` gives `foreach` something else than a text",
        ),
        (
            "self.next(self.end, foreach=self.xs)",
            "self.next(self.end, foreach=self.xs)",
            "step `start` gives `foreach` something else than a text",
        ),
        (
            "self.next(self.start, self.end, foreach='xs')",
            "self.next(self.start, self.end, foreach='xs')",
            "step `start` names more than one step for its foreach",
        ),
    ],
)
def test_transition_that_cannot_be_read_is_named(body: str, line: str, message: str, tmp_path: Path) -> None:
    assert (line, message) in found(tmp_path, _one_step(body))


def test_what_follows_from_a_transition_that_cannot_be_read_is_not_reported(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start(self):
                if self.flag:
                    self.next(self.a)
                else:
                    self.next(self.b)
            @step
            def a(self):
                self.next(self.each, foreach=self.items)
            @step
            def b(self):
                self.next(self.end)
            @step
            def each(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert found(tmp_path, text) == [
        ("self.next(self.a)", "step `start` calls `self.next` in several places, also on line 9"),
        ("self.next(self.each, foreach=self.items)", "step `a` gives `foreach` something else than a text"),
    ]


def test_foreach_over_no_text_opens_a_split_all_the_same(tmp_path: Path) -> None:
    text = (
        _one_step("self.next(self.each, foreach=self.items)")
        + """
            @step
            def each(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.next(self.end)
    """
    )
    assert [message for _, message in found(tmp_path, text)] == [
        "step `start` gives `foreach` something else than a text"
    ]


def test_only_step_that_names_a_method_asks_for_step_on_that(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            def end(self):
                pass
    """
    assert found(tmp_path, text) == [("self.next(self.end)", "step `start` is followed by an unknown step `end`")]
    assert [each.hint for each in problems(loaded(tmp_path, text).flow)] == ["is `@step` missing on `end`?"]


def test_step_without_self_is_all_that_is_said_of_it(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start():
                pass
    """
    assert found(tmp_path, text) == [("def start():", "step `start` has no argument `self`")]


def test_foreach_may_be_named_by_a_constant_of_the_module(tmp_path: Path) -> None:
    text = """
        VARIABLE = "items"
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, foreach=VARIABLE)
            @step
            def a(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert found(tmp_path, text) == []
    assert loaded(tmp_path, text).flow.steps["start"].foreach == "items"


def test_step_takes_self_and_inputs_alone(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start():
                self.next(self.a)
            @step
            def a(self, inputs, more):
                self.next(self.end)
            @step
            async def end(self):
                pass
    """
    assert found(tmp_path, text) == [
        ("def start():", "step `start` has no argument `self`"),
        ("def a(self, inputs, more):", "step `a` takes too many arguments"),
        ("async def end(self):", "step `end` is `async`"),
    ]


def test_catch_does_not_go_with_a_foreach(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @catch
            @step
            def start(self):
                self.next(self.a, foreach="xs")
            @step
            def a(self):
                self.next(self.j)
            @step
            def j(self, inputs):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    message = "step `start` has `@catch` and a foreach: these do not go together"
    assert found(tmp_path, text) == [("def start(self):", message)]


def test_step_defined_twice_is_named(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
            end = Parameter("last")
    """
    line = 'end = Parameter("last")'
    message = "`end` is defined twice, as a step on line 8 and as a parameter here"
    assert (line, message) in found(tmp_path, text)


def test_everything_wrong_is_said_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            count = Parameter("max-workers")
            @retry(times=-1)
            @step
            def start(self):
                self.next(self.middel)
            @conda(libraries={"pandas": 2})
            @step
            def middle(self):
                self.next(self.end)
            @step
            def end(self):
                self.next(self.start)
    """
    path = written(tmp_path, text)
    flow = loaded(tmp_path, text).flow
    with pytest.raises(InvalidFlow) as raised:
        check(flow)
    assert [problem.line for problem in raised.value.problems] == [4, 5, 8, 9, 15]
    for problem in raised.value.problems:
        assert f"{path.name}:{problem.line}: {problem.message}" in raised.value.message
    assert raised.value.exit_code == 3


def test_step_of_another_module_is_reported_there(tmp_path: Path) -> None:
    (tmp_path / "a_base.py").write_text(
        "from dockerflow import FlowSpec, step\n\n\n"
        "class Base(FlowSpec):\n    @step\n    def start(self):\n        self.next(self.nowhere)\n"
    )
    text = """
        from a_base import Base
        class F(Base):
            @step
            def end(self):
                pass
    """
    (problem,) = [each for each in problems(loaded(tmp_path, text).flow) if "nowhere" in each.message]
    assert (Path(problem.file).name, problem.line) == ("a_base.py", 7)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("next = 3", "next"),
        ("merge_artifacts = None", "merge_artifacts"),
        ("index: int = 3", "index"),
        ("foreach_stack = property(lambda self: [])", "foreach_stack"),
        ("def input(self): return 1", "input"),
        ("def next(self): pass", "next"),
        ("def _parameter(self): pass", "_parameter"),
    ],
)
def test_name_that_every_flow_has_cannot_be_given_to_something_else(line: str, name: str, tmp_path: Path) -> None:
    text = f"""
        class F(FlowSpec):
            {line}
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert found(tmp_path, text) == [(line, f"`{name}` is a name that every flow has, and is something else here")]


def test_method_of_every_flow_may_be_extended(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            name = "mine"
            def __init__(self, use_cli=True):
                super().__init__(use_cli)
            def merge_artifacts(self, inputs, exclude=None, include=None):
                super().merge_artifacts(inputs, exclude, include)
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert found(tmp_path, text) == []


@pytest.mark.parametrize("wide", [False, True])
def test_a_flow_may_have_two_thousand_steps(tmp_path: Path, wide: bool) -> None:
    between = [f"step{number}" for number in range(1_998)]
    following = [*between[1:], "end"]
    line: Graph = {name: ([after], None, False) for name, after in zip(between, following, strict=True)}
    split: Graph = {name: (["join"], None, False) for name in between} | {"join": (["end"], None, True)}
    start: Graph = {"start": (between if wide else between[:1], None, False)}
    assert _found(tmp_path, start | (split if wide else line) | {"end": ([], None, False)}) == []


def test_a_circle_of_two_thousand_steps_is_found(tmp_path: Path) -> None:
    names = ["start", *(f"step{number}" for number in range(1_998)), "end"]
    steps: Graph = {name: ([after], None, False) for name, after in zip(names, [*names[1:], "step0"], strict=True)}
    assert any("round in a circle: step0 → step1 → " in message for _, message in _found(tmp_path, steps))
