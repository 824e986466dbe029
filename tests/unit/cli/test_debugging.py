"""`debug` without containers: which task is meant, where the code is, and what cannot be looked into."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from tests.terminals import Terminal
from tests.unit.cli.commands import PROGRAM, dockerflow, environment, refused

FLOW = """
import os
from dockerflow import FlowSpec, catch, environment, secrets, step


def value_of(one):
    return one.value


class Halves(FlowSpec):
    @step
    def start(self):
        self.numbers = [2, 1, 0]
        self.next(self.half, foreach="numbers")

    @catch(var="caught")
    @environment(vars={"COLOUR": "green"})
    @secrets(sources=["env:A_TOKEN_OF_A_TEST"])
    @step
    def half(self):
        print(os.environ["COLOUR"], os.environ["A_TOKEN_OF_A_TEST"])
        self.value = 1 / self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = list(map(value_of, inputs))
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("halves")
    (folder / "halves.py").write_text(FLOW)
    answer = dockerflow("run", "halves.py", "--engine", "process", cwd=folder, A_TOKEN_OF_A_TEST="secret")
    assert answer.code == 1, answer
    return folder


@pytest.fixture
def run(folder) -> str:
    return f"Halves/{runs.run_ids(DirectoryStore(folder / '.dockerflow'), 'Halves')[0]}"


def session(folder, lines, *words, **changes):
    done = subprocess.run(
        [*PROGRAM, "debug", *words],
        cwd=folder,
        env=environment(PYTHONWARNINGS="", **changes),
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_of_a_run_the_task_that_failed_is_meant_and_of_a_step_one_whose_failure_was_caught(folder, run):
    code, shown, told = session(folder, "up\np [hasattr(each, 'value') for each in inputs]\n", run, "--run")
    assert (code, f"{run}/join/5  failed: " in told, "[True, True, False]" in shown) == (0, True, True)
    code, shown, told = session(folder, "p self.input\n", f"{run}/half", A_TOKEN_OF_A_TEST="mine")
    assert f"{run}/half/4  failed, caught: ZeroDivisionError" in told
    assert ("green mine" in shown, "(Pdb) 0" in shown) == (True, True)


def test_secrets_are_handed_on_when_they_are_named_and_missed_by_name_otherwise(folder, run):
    words = (f"{run}/half/2", "--run")
    assert "note: secrets of the step are not here: `A_TOKEN_OF_A_TEST`" in session(folder, "", *words)[1]
    assert "green given" in session(folder, "", *words, "--env", "A_TOKEN_OF_A_TEST=given")[1]


def test_code_that_was_edited_stays_and_other_code_goes(folder, run, tmp_path):
    changes = {"TMPDIR": str(tmp_path)}
    assert session(folder, "", f"{run}/start/1", **changes)[0] == 0
    assert list(tmp_path.iterdir()) == []
    edit = "import pathlib, sys; pathlib.Path(sys.argv[0]).open('a').write('ANSWER = 42\\n')\nagain()\nprint(ANSWER)\n"
    _, shown, told = session(folder, edit, f"{run}/start/1", **changes)
    [kept] = tmp_path.iterdir()
    assert f"your edits are kept in `{kept}`" in told
    assert (kept / "halves.py").read_text() == FLOW + "ANSWER = 42\n"
    assert "42" in shown
    _, shown, _ = session(folder, "print(ANSWER)\n", f"{run}/start/1", "--code", str(kept), **changes)
    assert "42" in shown
    assert (folder / "halves.py").read_text() == FLOW


def test_a_module_that_does_not_import_can_be_mended_in_the_session(folder, run, tmp_path):
    broken = tmp_path / "halves.py"
    broken.write_text("import nowhere_to_be_found\n" + FLOW)
    mend = f"import pathlib; p = pathlib.Path('{broken}'); p.write_text(p.read_text().partition('\\n')[2])\nagain()\n"
    _, shown, _ = session(folder, mend + "print(self.numbers)\n", f"{run}/start/1", "--file", str(broken))
    assert "ModuleNotFoundError: No module named 'nowhere_to_be_found'" in shown
    assert "the task is not open: mend the flow's files in" in shown
    assert "[2, 1, 0]" in shown


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_session_that_is_ended_from_outside_leaves_neither_files_nor_a_terminal_without_echo(
    folder, run, tmp_path, number, code
):
    words = [*PROGRAM, "debug", f"{run}/start/1"]
    with closing(Terminal(words, folder, environment(PYTHONWARNINGS="", TMPDIR=str(tmp_path)), 20.0)) as at:
        at.expect("Ctrl-D    leaves")
        at.line("import time, tty; tty.setraw(0); print(6 * 111); time.sleep(600)")
        at.expect("666")
        assert (len(list(tmp_path.iterdir())), at.settings() == at.before) == (2, False)
        at.process.send_signal(number)
        assert (at.end(), list(tmp_path.iterdir()), at.settings()) == (code, [], at.before)


def test_what_cannot_be_looked_into_is_told(folder, run, tmp_path):
    def told(*words, code=2, error, hint):
        refused("debug", *words, code=code, error=error, hint=hint, cwd=folder)

    two = "leave one of the two out"
    told(run, "--shell", "--notebook", error="`--shell` and `--notebook` exclude each other", hint=two)
    told(run, "--file", "a.py", "--code", "b", error="`--file` and `--code` exclude each other", hint=two)
    told(run, "--env", "a b", error="`--env a b` names no variable", hint="write `--env NAME` or `--env NAME=VALUE`")
    nowhere = "NOWHERE_TO_BE_FOUND"
    error = f"the variable `{nowhere}` is not set here"
    told(run, "--env", nowhere, error=error, hint=f"write `--env {nowhere}=VALUE`")
    hint = f"the run failed in `{run}/join/5`"
    told(f"{run}/end", error=f"`{run}/end` has no task: it was not reached", hint=hint)
    (tmp_path / "something").write_text("")
    _, _, said = session(folder, "", run, "--code", str(tmp_path))
    assert "is no folder for this run's code" in said
    _, _, said = session(folder, "", run, "--file", "nothing.py")
    assert "flow file `nothing.py` does not exist" in said
    _, _, said = session(folder, "", run, "--host", "local")
    assert "had no image: it was a process of its machine" in said
    assert "Jupyter" in session(folder, "", run, "--notebook")[2]
