"""`python flow.py …`: a file that ends in `MyFlow()` is the command of its flow, in Metaflow's order of words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = '''
import sys

from dockerflow import FlowSpec, Parameter, step

print("imported as", __name__, file=sys.stderr)


class Greeting(FlowSpec):
    """Greet."""

    who = Parameter("who", default="you", help="Whom.")
    store = Parameter("store", default="none")

    @step
    def start(self):
        self.said = f"hello {self.who}, {self.store}"
        print(self.said)
        self.next(self.end)

    @step
    def end(self):
        pass
'''
MAIN = """
if __name__ == "__main__":
    print("before", file=sys.stderr)
    Greeting()
    print("after", file=sys.stderr)
"""


class Script:
    """A file that is run by Python, in a folder with a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("flow.py", FLOW + MAIN)
        (folder / ".dockerflow").mkdir()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def __call__(self, *words: str, code: int = 0, script: str = "flow.py") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, script, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={**os.environ, "DOCKERFLOW_USER": "tester"},
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def runs(self) -> list[str]:
        return [each["run"] for each in json.loads(self("runs", "list", "--json").stdout)]


@pytest.fixture
def python(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_flow_is_run_with_its_parameters(python: Script) -> None:
    done = python("run", "--engine", "process", "--who=me")
    assert "hello me, none" in done.stdout
    assert python.runs()[0].startswith("Greeting/")


def test_options_stand_before_the_command_as_well(python: Script) -> None:
    """Those of Metaflow's that mean nothing here are named once, in one line."""
    words = ("--no-pylint", "--environment=conda", "--metadata", "local", "--datastore", "local")
    done = python(*words, "--tag", "a b", "--quiet", "run", "--engine", "process")
    note = "note: `--no-pylint`, `--environment`, `--metadata`, `--datastore` have no meaning here, ignored"
    assert done.stderr.splitlines().count(note) == 1
    listed = json.loads(python("runs", "list", "--json").stdout)
    assert listed[0]["tags"] == ["a b"]


def test_quiet_leaves_the_run_and_what_tasks_print(python: Script) -> None:
    told = python("--quiet", "run", "--engine", "process").stdout
    assert "hello you" in told
    assert "results:" not in told
    assert told.splitlines()[-1].endswith(" s")


def test_words_behind_the_command_are_the_flows_first(python: Script) -> None:
    """A flow of Metaflow's may have a parameter with the name of an option that only dockerflow has."""
    done = python("run", "--engine", "process", "--store", "x")
    assert "hello you, x" in done.stdout


def test_store_is_named_as_metaflow_names_it(python: Script) -> None:
    python("--datastore-root", "elsewhere", "run", "--engine=process")
    assert (python.folder / "elsewhere").is_dir()


@pytest.mark.parametrize(("words", "told"), [(("check",), "no problems"), (("show",), "● start"), ((), "no problems")])
def test_flow_is_looked_at_without_naming_its_file(python: Script, words: tuple[str, ...], told: str) -> None:
    assert told in python(*words).stdout


def test_no_command_checks_and_tells_the_commands(python: Script) -> None:
    assert python().stdout.splitlines()[-3:] == [
        "`python flow.py show` draws the flow",
        "`python flow.py run` runs it",
        "`python flow.py help` lists all commands and options",
    ]


def test_pathspecs_need_no_flow(python: Script) -> None:
    python("run", "--engine", "process")
    run = python.runs()[0].partition("/")[2]
    assert python("dump", f"{run}/start/1").stdout == python("dump", f"Greeting/{run}/start/1").stdout
    for words in (("logs", "show"), ("logs",)):
        assert python(*words, f"{run}/start", "--stdout").stdout == "hello you, none\n"
    for other in (run, f"Greeting/{run}"):
        assert python("diff", run, other, "--only", "artifacts").stdout.startswith(f"Greeting/{run} → Greeting/{run}\n")


def test_run_is_resumed(python: Script) -> None:
    python("run", "--engine", "process")
    assert "reused" in python("resume", "--engine", "process").stdout
    assert "1 task reused" in python("resume", "end", "--engine", "process").stdout


def test_help_names_the_commands_as_they_are_typed(python: Script) -> None:
    told = python("--help").stdout
    assert told.startswith("Usage: python flow.py [OPTIONS] COMMAND")
    assert told == python("help").stdout
    assert "--package-suffixes" in told
    assert python("run", "--help").stdout.startswith("Usage: python flow.py run [OPTIONS]")
    assert "--who" in python("run", "--help").stdout
    assert "--flow" not in python("run", "--help").stdout
    assert python("show", "--help").stdout.startswith("Usage: python flow.py show [OPTIONS]")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("rum",), "there is no command `python flow.py rum`", "did you mean `python flow.py run`?"),
        (("--no-pylin", "run"), "`python flow.py` has no option `--no-pylin`", "did you mean `--no-pylint`?"),
        (("run", "--whom", "x"), "`python flow.py run` has no option `--whom`", "did you mean `--who`?"),
        (("run", "--flow", "Other"), "`python flow.py run` has no option `--flow`", ""),
        (("--metadata",), "`--metadata` takes 1 value, and 0 stand there", "`python flow.py --help` lists the options"),
        (("airflow", "create"), "there is no command `python flow.py airflow`", "dockerflow deploys nothing: have"),
    ],
)
def test_wrong_word_is_told_as_it_was_typed(python: Script, words: tuple[str, ...], message: str, hint: str) -> None:
    told = python(*words, code=2).stderr
    assert f"error: {message}\n\nhint: {hint}" in told


def test_python_ends_with_the_command(python: Script) -> None:
    """What stands before `Greeting()` is done, what stands behind it is not, as with Metaflow."""
    told = python("show").stderr.splitlines()
    assert "before" in told
    assert "after" not in told


def test_failed_run_is_an_exit_code(python: Script) -> None:
    python.write("flow.py", FLOW.replace("print(self.said)", "raise ValueError") + MAIN)
    python("run", "--engine", "process", code=1)


def test_flow_of_another_file_is_run_as_well(python: Script) -> None:
    python.write("flow.py", FLOW)
    python.write("start_it.py", "from flow import Greeting as It\n\nIt()\n")
    assert "hello" in python("run", "--engine", "process", script="start_it.py").stdout
    python.write("start_it.py", "if __name__ == '__main__':\n    from flow import Greeting\n    Greeting()\n")
    assert "hello" in python("run", "--engine", "process", script="start_it.py").stdout


def test_script_that_calls_no_flow_ends_in_silence(python: Script) -> None:
    python.write("flow.py", FLOW)
    assert python("run").stderr == "imported as __main__\n"


def test_flow_is_chosen_by_its_call(python: Script) -> None:
    two = FLOW + FLOW.replace("Greeting", "Other").replace("import sys", "").replace("hello", "good day")
    python.write("flow.py", "import sys\n" + two + MAIN.replace("Greeting", "Other"))
    assert "good day you" in python("run", "--engine", "process").stdout


def test_flow_without_a_command_line_is_an_object(python: Script) -> None:
    python.write("flow.py", FLOW + "if __name__ == '__main__':\n    print(Greeting(use_cli=False))\n")
    assert python("run").stdout == "<flow Greeting>\n"


def test_call_at_the_top_is_left_alone_when_the_file_is_read(python: Script) -> None:
    """Without `if __name__ == "__main__"`: our command and the workers import the file, too."""
    python.write("flow.py", FLOW + "\nGreeting()\n")
    assert "hello" in python("run", "--engine", "process").stdout


@pytest.mark.parametrize("path", ['os.path.join(os.path.dirname(__file__), "words.txt")', '"words.txt"'])
def test_files_of_other_kinds_travel_when_named(python: Script, path: str) -> None:
    """A step finds them beside its flow's file and in its working folder, which it may write to."""
    python.write("words.txt", "from a file")
    reading = f'import os; print(open({path}).read()); open("new.txt", "w").close()'
    python.write("flow.py", FLOW.replace("print(self.said)", reading) + MAIN)
    python("run", "--engine", "process", code=1)
    assert "from a file" in python("--package-suffixes=.csv,.txt", "run", "--engine", "process").stdout


def test_script_imports_what_only_its_containers_have(python: Script) -> None:
    """From where it imports `FlowSpec` on; what stands before that is Python's own affair."""
    libraries = "import no_such_library as nsl\nfrom no_such_library.deep import thing\nVALUE = nsl.number + 1\n"
    flow = FLOW.replace("import sys\n", "import sys\nfrom dockerflow import pypi_base\n")
    flow = flow.replace("\nprint(", f"\n{libraries}\nprint(", 1)
    flow = flow.replace("class Greeting", '@pypi_base(packages={"no-such-library": "1.0"})\nclass Greeting')
    python.write("flow.py", flow + MAIN)
    assert "no-such-library 1.0" in python("show").stdout


@pytest.mark.parametrize(
    ("words", "namespace"), [((), "user:tester"), (("--namespace=x",), "x"), (("--namespace=",), "None")]
)
def test_steps_look_at_the_namespace_that_is_named(python: Script, words: tuple[str, ...], namespace: str) -> None:
    asking = "from metaflow import get_namespace; print('looks at', get_namespace())"
    python.write("flow.py", FLOW.replace("print(self.said)", asking) + MAIN)
    assert f"looks at {namespace}\n" in python("run", "--engine", "process", *words).stdout


def test_configs_are_named_before_the_command_or_behind_it(python: Script) -> None:
    flow = FLOW.replace("Parameter, step", "Config, Parameter, step")
    flow = flow.replace("    who =", '    words = Config("words", default="words.json")\n\n    who =')
    python.write("flow.py", flow.replace("print(self.said)", 'print("told", self.words.hello)') + MAIN)
    python.write("other.json", '{"hello": "from other"}')
    assert "told from other" in python("--config", "words", "other.json", "run", "--engine", "process").stdout
    assert "told given" in python("run", "--engine=process", "--config-value", "words", '{"hello": "given"}').stdout
    assert "no problems" in python("--config", "words", "other.json", "check").stdout
