"""The examples in the documents do what they say: flows that are whole are run as they stand, and pieces in a flow
that is made around them. Plain processes will do: what stands there about containers has tests of its own.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
MOVIES = "movie_title,genres,gross\nA,Action|Drama,3\nB,Comedy,4\nC,Drama,5\nD,Comedy|Action,6\n"
SETTINGS = '{"project": "films", "train": {"rate": 0.5, "epochs": 3, "cpu": 1, "gib": 1}, "retry": {"times": 1}}'

STEP = """
    @step
    def start(self):
        self.next(self.end)
"""
END = """
    @step
    def end(self):
        pass
"""


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL)


def example(page: str, part: str) -> str:
    """The only example of a page that has this part."""
    [found] = [each for each in examples(page) if part in each]
    return found


WHOLE = [
    pytest.param(text, id=f"{page}-{number}")
    for page in PAGES
    for number, text in enumerate(examples(page))
    if "(FlowSpec):" in text and "def start" in text and "def end" in text
]


@pytest.fixture
def run(dockerflow, results, tmp_path):
    """Run a text as a flow in plain processes, and give what its end step has."""

    def run_text(text: str, *words: str):
        (tmp_path / "example.py").write_text(text)
        dockerflow("run", tmp_path / "example.py", "--engine", "process", *words)
        name = re.findall(r"class (\w+)\(FlowSpec\)", text)[-1]
        return results.Flow(name).latest_successful_run.data

    (tmp_path / "movies.csv").write_text(MOVIES)
    (tmp_path / "settings.json").write_text(SETTINGS)
    return run_text


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_flow_runs(run, text):
    assert run(text) is not None


def test_the_switch_goes_round_until_it_is_good(run):
    piece = textwrap.indent(example("flows.md", 'condition="good"'), "    ")
    text = f"""
from dockerflow import FlowSpec, step

def improve(flow):
    return flow.loss / 2

class Rounds(FlowSpec):
    @step
    def start(self):
        self.loss = 1.0
        self.next(self.train)

{piece}
    @step
    def report(self):
        self.next(self.end)
{END}"""
    assert run(text).loss == 1 / 16


def test_the_nodes_of_a_gang_know_each_other(run):
    piece = textwrap.indent(example("flows.md", "num_parallel=4").replace("...", ""), "    ")
    text = f"""
from dockerflow import FlowSpec, current, parallel, step

def connect(address, rank, of):
    print(address, rank, of)

class Together(FlowSpec):
{piece}
        self.nodes = len(inputs)
        self.next(self.end)
{END}"""
    assert run(text).nodes == 4


def test_a_join_takes_what_it_wants_of_its_inputs(run):
    piece = textwrap.indent(example("flows.md", "inputs.train_new.model"), "    ")
    text = f"""
from dockerflow import FlowSpec, step

class Joined(FlowSpec):
    @step
    def start(self):
        self.same = "same"
        self.next(self.train_old, self.train_new)

    @step
    def train_old(self):
        self.count, self.model = 1, "old"
        self.next(self.join)

    @step
    def train_new(self):
        self.count, self.model = 2, "new"
        self.next(self.join)

{piece}{END}"""
    data = run(text)
    assert (data.total, data.model, data.same) == (3, "new", "same")


def test_configs_are_values_in_decorators_parameters_and_steps(run):
    text = example("flows.md", 'Config("settings"').replace("import Config,", "import Config, project,")
    data = run(f"{text}        self.epochs_seen = self.epochs\n        self.next(self.end)\n{END}")
    assert data.epochs_seen == 3


def test_a_decorator_of_ones_own_acts_around_the_step(run):
    text = example("flows.md", "@user_step_decorator").replace("def start(self): ...", "def start(self):")
    data = run(f"import time\nfrom dockerflow import FlowSpec, step\n{text}        self.next(self.end)\n{END}")
    assert data.seconds >= 0


def test_a_mutator_adds_to_the_flow(run):
    text = example("flows.md", "class Careful").replace("class Train(FlowSpec): ...", "class Train(FlowSpec):")
    head = "from dockerflow import Config, FlowSpec, step\n"
    config = '    settings = Config("settings", default_value={"dry": True})\n'
    assert run(f"{head}{text}{config}{STEP}{END}").dry is True


@pytest.fixture
def genre_stats(run, results):
    """A run of the README's flow, and the names that examples take as known."""
    run(example("README.md", "(FlowSpec):"))
    return {"Flow": results.Flow, "run": results.Flow("GenreStats").latest_run}


def test_results_are_read_as_the_documents_say(genre_stats, capsys):
    text = example("results.md", 'task["movies"]').replace("1795396862773419", genre_stats["run"].id)
    exec(text, dict(genre_stats))
    assert "Comedy" in capsys.readouterr().out


def test_tags_are_changed_as_the_documents_say(genre_stats):
    genre_stats["run"].add_tags(["draft", "slow"])
    exec(example("results.md", "remove_tags("), dict(genre_stats))
    assert genre_stats["run"].user_tags == {"former champion"}


def test_a_step_reads_earlier_runs_and_tags_its_own(genre_stats, run, results):
    piece = textwrap.indent(example("results.md", "self.before = Flow"), "    ")
    run(f"from dockerflow import Flow, FlowSpec, current, step\n\nclass After(FlowSpec):\n{piece}{END}")
    after = results.Flow("After").latest_successful_run
    assert after.user_tags == {"uses earlier movies"}
    assert after.data.before.pathspec == genre_stats["run"].pathspec


def test_the_best_of_several_peoples_runs_is_found_as_the_documents_say(dockerflow, variables, tmp_path):
    """What the commands print is what stands there, but for ids and times."""
    (tmp_path / "tune.py").write_text(example("results.md", "class Tune"))
    runs = []
    for user, depth, rate in (("ada", 3, 0.1), ("bob", 5, 0.1), ("bob", 6, 0.05), ("eve", 5, 0.04)):
        variables["DOCKERFLOW_USER"] = user
        words = ("--depth", depth, "--rate", rate, "--tag", "tuning", "--run-id-file", tmp_path / "id")
        dockerflow("run", "tune.py", "--engine", "process", *words)
        runs.append((tmp_path / "id").read_text().strip())
    commands = re.findall(r"```console\n\$ dockerflow ((?:runs list|diff) .*?)```", PAGES["results.md"], re.DOTALL)
    listed, differs = (text.partition("\n") for text in commands)
    assert _without_moments(dockerflow(*shlex.split(listed[0])).stdout) == _without_moments(listed[2])
    words = shlex.split(differs[0])[3:]
    assert dockerflow("diff", runs[1], runs[3], *words, code=11).stdout.splitlines()[1:] == differs[2].splitlines()[1:]


def _without_moments(table):
    return [re.sub(r"^Tune/\d+|\d{4}-\d\d-\d\d \S+ +[\d.]+ \w+", "", line).split() for line in table.splitlines()]


def test_flows_are_run_from_python(tmp_path, monkeypatch, capfd):
    """Two runs that are not waited for at first, with the output of one."""
    start = STEP.replace("self.next", "self.x = 2 * self.alpha; self.next")
    head = "from dockerflow import FlowSpec, Parameter, step\n\nclass Doubles(FlowSpec):\n"
    (tmp_path / "flow.py").write_text(f"{head}    alpha = Parameter('alpha', default=0)\n{start}{END}")
    monkeypatch.chdir(tmp_path)
    exec(example("running.md", "asyncio.run(main())"), {})
    printed = capfd.readouterr().out
    assert "succeeded in" in printed
    assert printed.endswith("[2, 4]\n")
