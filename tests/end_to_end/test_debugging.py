"""`dockerflow debug`: a session in the image of a task that failed, at a real terminal."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.terminals import Terminal

FLOW = """
from dockerflow import FlowSpec, Parameter, conda, step


def ratio(total, parts):
    return total / parts


class Shares(FlowSpec):
    parts = Parameter("parts", default=0)

    @step
    def start(self):
        self.totals = [10, 20]
        self.next(self.share, foreach="totals")

    @conda(libraries={"pandas": "1.5.3"})
    @step
    def share(self):
        import pandas

        self.frame = pandas.DataFrame({"total": [self.input * 3]})
        tripled = int(self.frame.total.sum())
        self.each = ratio(tripled, self.parts)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.each for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""

PROGRAM = Path(sys.executable).with_name("dockerflow")


@pytest.fixture
def terminal(variables, tmp_path):
    """`dockerflow` with these words at a terminal, in another folder than the flow's, which is empty."""
    opened = []
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def command(*words, **changes):
        opened.append(Terminal([PROGRAM, *words], elsewhere, {**variables, "TMPDIR": str(elsewhere), **changes}))
        return opened[-1]

    yield command
    for each in opened:
        each.close()


def failed(dockerflow, tmp_path, *words):
    (tmp_path / "shares.py").write_text(FLOW)
    done = dockerflow("run", "shares.py", "--max-workers", 1, *words, code=1)
    return re.search(r"Shares/\d+", done.stdout).group()


def edited_file(said):
    return Path(re.search(r"edit (\S+\.py),", said).group(1))


def sessions(docker_client):
    return docker_client.api.containers(all=True, filters={"label": "dockerflow.debug"})


def test_the_frame_that_failed_is_open_and_an_edit_holds_when_the_step_runs_again(
    dockerflow, tmp_path, terminal, docker_client
):
    run = failed(dockerflow, tmp_path)
    (tmp_path / "shares.py").unlink()  # as for a colleague, who has the store alone
    at = terminal("debug", run, "--store", tmp_path / ".dockerflow")
    said = at.expect("(Pdb) ")
    assert f"{run}/share/2  failed: ZeroDivisionError: division by zero" in said
    assert "-> return total / parts" in said
    at.line("p total, parts")
    assert "(30, 0)" in at.expect("(Pdb) ")
    at.type("import time; time.sleep(600)\n")
    at.type("\x03")  # Ctrl-C is for what runs in the session
    at.expect("(Pdb) ")
    at.line("up")
    at.expect("-> self.each = ratio(tripled, self.parts)")
    at.expect("(Pdb) ")
    at.line("p self.frame.total.tolist(), __import__('pandas').__version__")
    assert "([30], '1.5.3')" in at.expect("(Pdb) ")

    file = edited_file(said)
    file.write_text(FLOW.replace("total / parts", "total / (parts or 4)"))
    at.line("again")
    at.expect("the step came to its end; it is followed by `join`")
    at.expect(">>> ")
    at.line("self.each, self.index, recorded.frame.shape, hasattr(recorded, 'each')")
    assert "(7.5, 0, (1, 1), False)" in at.expect(">>> ")
    file.write_text(file.read_text().replace("or 4)", "or 4"))
    at.line("again()")
    said = at.expect(">>> ")
    assert "SyntaxError" in said
    assert f"mend the flow's files in {file.parent}, then `again()`" in said
    at.resize(33, 99)
    os.killpg(at.process.pid, signal.SIGWINCH)
    at.line("import shutil")
    at.line("while shutil.get_terminal_size() != (99, 33): pass")
    at.line("")
    at.line("print(shutil.get_terminal_size().lines)")
    at.expect("\n33\n")
    assert at.settings() != at.before
    at.line("exit(3)")
    at.expect(f"your edits are kept in `{file.parent}`")
    assert (at.end(), at.settings()) == (3, at.before)
    assert sessions(docker_client) == []
    assert dockerflow("runs", "list").stdout.count("Shares/") == 1


def test_a_session_that_is_ended_from_outside_leaves_neither_a_raw_terminal_nor_a_container(
    dockerflow, tmp_path, terminal, docker_client
):
    run = failed(dockerflow, tmp_path)
    for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        at = terminal("debug", f"{run}/start/1", "--store", tmp_path / ".dockerflow")
        said = at.expect(">>> ")
        assert f"{run}/start/1  succeeded" in said
        assert "Traceback" not in said
        assert at.settings() != at.before
        at.process.send_signal(number)
        assert (at.end(), at.settings()) == (code, at.before)
        assert not edited_file(said).parent.exists()
    at = terminal("debug", run, "--store", tmp_path / ".dockerflow", "--shell")
    at.expect("`debug` opens the Python session")
    at.line("which python; id -u; wc -l /dockerflow/user-code/shares.py")
    assert "/opt/env/bin/python" in at.expect(f"65534\n{len(FLOW.splitlines())} ")
    at.process.kill()  # nobody can put anything in order then: the next session does
    at.end()
    assert len(sessions(docker_client)) == 1
    at = terminal("debug", run, "--store", tmp_path / ".dockerflow", "--no-run")
    at.expect(">>> ")
    assert len(sessions(docker_client)) == 1
    at.type("\x04")
    assert (at.end(), sessions(docker_client)) == (0, [])


def test_a_colleague_with_the_bucket_needs_neither_the_flow_nor_a_library(
    dockerflow, tmp_path, terminal, minio_bucket, use_bucket, monkeypatch, variables
):
    use_bucket(minio_bucket)
    for name in [name for name in os.environ if name.startswith("DOCKERFLOW_")]:
        monkeypatch.setitem(variables, name, os.environ[name])
    run = failed(dockerflow, tmp_path)
    at = terminal("debug", f"{run}/share")
    at.expect("-> return total / parts")
    at.expect("(Pdb) ")
    at.line("q")
    at.expect(">>> ")
    at.line("self.totals, self.frame.total.sum(), recorded.frame.equals(self.frame)")
    assert "([10, 20], 30, True)" in at.expect(">>> ")
    at.line("from dockerflow import Run, namespace; namespace(None)")
    at.expect(">>> ")
    at.line(f"Run('{run}')['start'].task.data.totals")
    assert "[10, 20]" in at.expect(">>> ")
    at.line("import os; [name for name in os.environ if 'SECRET' in name or 'ACCESS' in name]")
    assert "[]" in at.expect(">>> ")
    at.type("\x04")
    assert at.end() == 0


def test_lines_are_read_from_a_pipe_and_a_process_is_looked_into_as_a_process(dockerflow, tmp_path, variables):
    (tmp_path / "shares.py").write_text(
        FLOW.replace("import pandas", "pandas = None").replace(
            'pandas.DataFrame({"total": [self.input * 3]})', "[self.input]"
        )
    )
    done = dockerflow("run", "shares.py", "--engine", "process", "--parts", 2, code=1)
    run = re.search(r"Shares/\d+", done.stdout).group()
    for words, said in ((("--no-run",), "20\n"), ((), "AttributeError: 'list' object has no attribute 'total'")):
        at = dockerflow_reading("print(self.input * 2)\nq\nprint(self.input * 2)\n", tmp_path, variables, run, *words)
        assert said in at
        assert "20\n" in at


def dockerflow_reading(lines, folder, variables, *words):
    import subprocess  # noqa: PLC0415

    done = subprocess.run(
        [PROGRAM, "debug", *words], input=lines, cwd=folder, env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
