"""Our verdict on a graph is that of Metaflow's linter: both accept it, or both reject it. What both accept, both
describe alike (`current.graph`).

Half of the graphs are arbitrary. The others are made right, by nesting splits, foreaches, gangs, switches (some of
which repeat their step) and joins, and then changed in up to two places, so that the rules are tried where they are
close to holding. First and last steps are called `start` and `end`, or marked, or both.

Where we differ, and on purpose:
- a step without `inputs` that several branches of one split lead to is always refused. Metaflow looks at the last way
  that it finds to such a step, and so accepts a few of those where a switch is on the way, depending on the order of
  the branches in `self.next`: a run of them waits for ever or runs the step twice.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.flow.checks import problems
from dockerflow.flow.graph import graph_of
from dockerflow.flow.loading import load
from tests.unit.flow.sources import Node, source_of

Graph = dict[str, Node]

NAMES = [f"s{number}" for number in range(5)]
HOW = ["", "", "foreach", "num_parallel", "condition", "condition"]
_numbers = itertools.count()


@st.composite
def arbitrary(draw: Any) -> Graph:
    names = ["start", *NAMES[: draw(st.integers(0, 4))], "end"]
    steps: Graph = {}
    for name in names[:-1]:
        following = tuple(draw(st.lists(st.sampled_from(names[1:]), min_size=1, max_size=3)))
        steps[name] = Node(following, draw(st.sampled_from(HOW)), draw(st.booleans()) and name != "start")
    steps["end"] = Node()
    gangs = {target for node in steps.values() if node.how == "num_parallel" for target in node.following}
    for name in gangs:
        steps[name] = replace(steps[name], parallel=True)
    return _marked(draw, steps)


@st.composite
def nested(draw: Any) -> Graph:
    steps: Graph = {}
    count = itertools.count()

    def block(after: str, depth: int) -> str:
        """Add steps that end with `after`, and return the name of their first."""
        kinds = ["step", "chain", "split", "foreach", "gang", "switch", "again"]
        kind = draw(st.sampled_from(kinds)) if depth else "step"
        name = f"s{next(count)}"
        if kind == "step":
            steps[name] = Node((after,))
        elif kind == "chain":
            steps[name] = Node((block(block(after, depth - 1), depth - 1),))
        elif kind == "switch":
            steps[name] = Node(tuple(block(after, depth - 1) for _ in range(draw(st.integers(2, 3)))), "condition")
        elif kind == "again":
            steps[name] = Node(tuple(draw(st.permutations([name, block(after, depth - 1)]))), "condition")
        else:
            join = f"s{next(count)}"
            steps[join] = Node((after,), join=True)
            steps[name] = opened(kind, join, depth)
        return name

    def opened(kind: str, join: str, depth: int) -> Node:
        if kind == "split":
            return Node(tuple(block(join, depth - 1) for _ in range(draw(st.integers(2, 3)))))
        if kind == "foreach":
            return Node((block(join, depth - 1),), "foreach")
        node = f"s{next(count)}"
        steps[node] = Node((join,), parallel=True)
        return Node((node,), "num_parallel")

    first = block("end", draw(st.integers(1, 3)))
    steps = {"start": Node((first,)), **steps, "end": Node()}
    for _ in range(draw(st.integers(0, 2))):
        _change(draw, steps)
    return _marked(draw, steps)


def _change(draw: Any, steps: Graph) -> None:
    name = draw(st.sampled_from(list(steps)))
    node = steps[name]
    what = draw(st.sampled_from(["redirect", "join", "add", "drop", "how", "parallel"]))
    other = draw(st.sampled_from(list(steps)))
    if what == "join":
        steps[name] = replace(node, join=not node.join)
    elif what == "parallel":
        steps[name] = replace(node, parallel=not node.parallel)
    elif what == "add":
        steps[name] = replace(node, following=(*node.following, other), how=draw(st.sampled_from(["", "condition"])))
    elif what == "drop":
        steps[name] = replace(node, following=node.following[:-1])
    elif what == "how":
        steps[name] = replace(node, how=draw(st.sampled_from(HOW)))
    elif node.following:
        steps[name] = replace(node, following=(other, *node.following[1:]))


def _marked(draw: Any, steps: Graph) -> Graph:
    """The graph with some marks, and perhaps without the names that they make needless; or one of its steps alone."""
    shape = draw(st.sampled_from(["names"] * 5 + ["marks", "renamed", "renamed", "one"]))
    if shape == "marks":
        name, mark = draw(st.sampled_from(list(steps))), draw(st.sampled_from([("start",), ("end",), ("start", "end")]))
        return {**steps, name: replace(steps[name], marks=mark)}
    if shape == "one":
        name = draw(st.sampled_from(list(steps)))
        return {name: steps[name]}
    if shape == "renamed":
        which = draw(st.sampled_from(["start", "end"]))
        names = {which: "other"}
        steps = {
            names.get(name, name): replace(node, following=tuple(names.get(each, each) for each in node.following))
            for name, node in steps.items()
        }
        marks = draw(st.sampled_from([(which,), (which,), ()]))
        steps["other"] = replace(steps["other"], marks=marks)
    return steps


def _accepted_by_metaflow(path: Path) -> Any:
    """Metaflow's graph; None for one that is rejected."""
    from metaflow.lint import linter  # noqa: PLC0415 - slow to import

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        linter.run_checks(module.Graph._graph)
        _initialise(module.Graph._graph)
    except Exception:  # noqa: BLE001 - some graphs that are wrong make it fail in other ways
        return None
    finally:
        del sys.modules[path.stem]
    return module.Graph._graph


def _initialise(graph: Any) -> None:
    """What Metaflow's decorators check of the graph before a run."""
    for node in graph:
        for decorator in node.decorators:
            decorator.step_init(None, graph, node.name, node.decorators, None, None, None)


def _described_by_metaflow(graph: Any) -> dict[str, Any]:
    steps, structure = graph.output_steps()
    return {"steps": steps, "graph_structure": structure, "start_step": graph.start_step, "end_step": graph.end_step}


def _described(graph: dict[str, Any]) -> Any:
    """What is the same for both; where a step was written is not, and decorators have options of their own here."""
    facts = ("type", "next", "matching_join", "foreach_artifact", "condition", "switch_cases")
    steps = {name: [node.get(fact) for fact in facts] for name, node in graph["steps"].items()}
    return steps, graph["graph_structure"], graph["start_step"], graph["end_step"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.mark.filterwarnings("ignore")  # those of Metaflow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(arbitrary(), nested(), nested()))
def test_verdict_is_metaflows(folder: Path, steps: Graph) -> None:
    number = next(_numbers)
    ours, theirs = folder / f"ours_{number}.py", folder / f"theirs_{number}.py"
    ours.write_text(source_of(steps))
    theirs.write_text(source_of(steps, "metaflow"))
    flow = load(ours).flow
    found, accepted = problems(flow), _accepted_by_metaflow(theirs)
    if accepted is not None:
        assert found or _described(graph_of(flow)) == _described(_described_by_metaflow(accepted))
        assert all("does not take `inputs`" in each.message for each in found), found
        assert not found or any(node.how == "condition" for node in steps.values()), found
    else:
        assert found
