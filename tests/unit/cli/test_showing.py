"""A flow's graph for programs: `show --json`, `output-dot`, `check --json`."""

from __future__ import annotations

import json
from pathlib import Path

from dockerflow.cli.dot import dot
from dockerflow.flow.definition import Flow, Step
from tests.unit.cli.commands import dockerflow

FLOW = '''from dockerflow import FlowSpec, parallel, retry, step


class Forms(FlowSpec):
    """Every form."""

    @step
    def start(self):
        self.next({True: self.start_gang, "no": self.wide}, condition="kind")

    @step
    def start_gang(self):
        self.next(self.node, num_parallel=2)

    @retry(times=1)
    @parallel
    @step
    def node(self):
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.end)

    @step
    def wide(self):
        self.next(self.each, foreach="xs")

    @step
    def each(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
'''


def test_show_gives_programs_the_graph(tmp_path: Path) -> None:
    (tmp_path / "forms.py").write_text(FLOW)
    answer = dockerflow("show", "forms.py", "--json", cwd=tmp_path)
    graph = json.loads(answer.stdout)
    assert (answer.code, graph["name"], graph["doc"], graph["start_step"]) == (0, "Forms", "Every form.", "start")
    steps = graph["steps"]
    assert {name: step["type"] for name, step in steps.items()} == {
        "start": "split-switch",
        "start_gang": "split-parallel",
        "node": "linear",
        "gather": "join",
        "wide": "split-foreach",
        "each": "linear",
        "join": "join",
        "end": "end",
    }
    assert steps["start"]["switch_cases"] == {"True": "start_gang", "no": "wide"}
    assert (steps["wide"]["foreach_artifact"], steps["wide"]["matching_join"]) == ("xs", "join")
    assert steps["start_gang"]["matching_join"] == "gather"
    assert {"name": "retry", "attributes": {"times": 1, "minutes_between_retries": 2.0}} in steps["node"]["decorators"]
    assert steps["node"]["environment"].endswith("no libraries")


def test_check_gives_programs_every_problem(tmp_path: Path) -> None:
    (tmp_path / "forms.py").write_text(FLOW.replace("    @parallel\n", "").replace('foreach="xs"', "foreach=3"))
    answer = dockerflow("check", "forms.py", "--json", cwd=tmp_path)
    told = json.loads(answer.stdout)
    assert (answer.code, told["flow"], told["steps"]) == (3, "Forms", 8)
    assert [(each["line"], each["message"]) for each in told["problems"]] == [
        (13, "step `start_gang` starts a gang of `node`, which has no `@parallel`"),
        (26, "step `wide` gives `foreach` something else than a text"),
    ]
    assert {Path(each["file"]).name for each in told["problems"]} == {"forms.py"}


def test_output_dot_prints_the_graph_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "forms.py").write_text(FLOW)
    answer = dockerflow("output-dot", "forms.py", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[0] == 'digraph "Forms" {'
    assert answer.lines[-1] == "}"
    assert [line for line in answer.lines if "->" in line] == [
        '  "start" -> "start_gang" [label="True"];',
        '  "start" -> "wide" [label="no"];',
        '  "start_gang" -> "node" [label="num_parallel"];',
        '  "node" -> "gather";',
        '  "gather" -> "end";',
        '  "wide" -> "each" [label="foreach: xs"];',
        '  "each" -> "join";',
        '  "join" -> "end";',
    ]
    assert '  "start" [shape=hexagon, label="start\\nswitch: kind"];' in answer.lines


def test_output_dot_refuses_a_flow_without_a_graph(tmp_path: Path) -> None:
    (tmp_path / "forms.py").write_text(FLOW.replace("self.next(self.join)", "pass"))
    answer = dockerflow("output-dot", "forms.py", cwd=tmp_path)
    assert (answer.code, answer.stdout) == (3, "")
    assert "step `each` does not call `self.next`" in answer.stderr


def test_texts_in_dot_are_quoted() -> None:
    case = 'a "b" \\n\nc'
    start = Step("start", "/f.py", 1, "", ("end",), condition="x", cases=((case, "end"), (2, "end")))
    flow = Flow("F", "/f.py", 1, "", {"start": start, "end": Step("end", "/f.py", 2, "", ())})
    assert '  "start" -> "end" [label="a \\"b\\" \\\\n\\nc"];' in dot(flow).splitlines()


PLACED = """from dockerflow import FlowSpec, batch, remote, step


class Placed(FlowSpec):
    @remote(host="gpu-bax")
    @step
    def start(self):
        self.next(self.middle)

    @remote(host="gpu-box,local")
    @step
    def middle(self):
        self.next(self.end)

    @batch
    @step
    def end(self):
        pass
"""


def test_check_names_hosts_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "placed.py").write_text(PLACED)
    (tmp_path / ".dockerflow").mkdir()
    (tmp_path / ".dockerflow" / "config.yaml").write_text("hosts:\n  gpu-box: ssh://me@gpu-box\n")
    answer = dockerflow("check", "placed.py", "--json", cwd=tmp_path, DOCKER_CONFIG=str(tmp_path))
    [problem] = json.loads(answer.stdout)["problems"]
    assert answer.code == 3
    assert problem["message"].startswith("step `start` (placed.py:")
    assert "asks for the host `gpu-bax`" in problem["message"]
    assert "did you mean `gpu-box`?" in problem["hint"]


def test_check_asks_for_no_hosts_where_none_is_configured(tmp_path: Path) -> None:
    """Flows are checked where nothing is run, too."""
    (tmp_path / "placed.py").write_text(PLACED)
    assert dockerflow("check", "placed.py", cwd=tmp_path).code == 0
