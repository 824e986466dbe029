"""Whole runs by the command, each task a plain process: what is printed, what is kept, how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.cli import running
from tests.unit.cli.commands import PROGRAM, Answer, dockerflow, environment, refused
from tests.unit.cli.conftest import project

RUN = ("run", "hello.py", "--engine", "process")
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[(?P<where>[^]]*)\] (?P<text>.*)")

SLOW = """
from dockerflow import FlowSpec, step


class Slow(FlowSpec):
    @step
    def start(self):
        import threading
        print("waiting", flush=True)
        threading.Event().wait(100)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def ran(folder: Path, *words: str) -> tuple[Answer, str]:
    """A run's answer and its id."""
    answer = dockerflow(*RUN, "--run-id-file", "id", *words, cwd=folder)
    return answer, (folder / "id").read_text()


def told(answer: Answer) -> list[tuple[str, str]]:
    """(where, text) of every line that has a place."""
    return [(found["where"], found["text"]) for line in answer.lines if (found := LINE.fullmatch(line))]


def test_a_run_that_succeeds_prints_a_line_per_event_and_exits_with_0(folder: Path) -> None:
    answer, run = ran(folder)
    assert (answer.code, answer.stderr) == (0, "")
    assert "\x1b" not in answer.stdout
    lines = told(answer)
    assert (f"{run}/start/1", "this is stdout, ünïcode") in lines
    assert (f"{run}/start/1", "this is stderr") in lines
    assert [text for _, text in lines if text.startswith("hello ")] in (["hello 0", "hello 1"], ["hello 1", "hello 0"])
    assert f"artifacts: dockerflow dump Hello/{run}" in answer.lines
    assert f"store:     {folder / '.dockerflow'}" in answer.lines


def test_a_run_that_fails_shows_the_users_traceback_and_exits_with_1(folder: Path) -> None:
    answer, run = ran(folder, "--fail", "true")
    assert answer.code == 1
    place = answer.lines.index("Traceback (most recent call last):")
    assert answer.lines[place + 1].endswith(", in join")
    assert "ValueError: asked to fail" in answer.lines
    assert answer.stderr.startswith(f"error: run `Hello/{run}` failed: task join/")
    assert answer.stderr.splitlines()[0].endswith(" failed: ValueError: asked to fail")
    failed = next(where for where, text in told(answer) if text.startswith("task failed"))
    assert answer.stderr.endswith(f"\n\nhint: what was printed: `dockerflow logs Hello/{failed}`\n")


@pytest.mark.parametrize("words", [["--greet_with=hi"], ["--greet_with", "hi"], ["--greet-with", "hi"]])
def test_a_parameter_may_be_written_in_each_of_the_usual_ways(folder: Path, words: list[str]) -> None:
    answer, _ = ran(folder, "--people", "1", *words)
    assert "hi 0" in [text for _, text in told(answer)]


def test_options_of_ours_may_stand_before_and_after_the_file(folder: Path) -> None:
    words = ["run", "--tag", "a", "hello.py", "--people=1", "--engine=process", "--tag", "b c", "--max-workers", "1"]
    assert dockerflow(*words, cwd=folder).code == 0
    [run] = json.loads(dockerflow("runs", "list", "--json", cwd=folder).stdout)
    assert (run["tags"], run["user"], run["status"]) == (["a", "b c"], "ada", "succeeded")


def test_a_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(SLOW.replace("100", "0"))
    assert dockerflow("run", "f.py", "--engine", "process", cwd=tmp_path).code == 0
    assert (tmp_path / ".dockerflow" / "blobs").is_dir()


def test_a_store_that_is_chosen_is_used_and_named_in_what_to_type_next(folder: Path) -> None:
    answer = dockerflow(*RUN, "--people", "1", "--store", "elsewhere", cwd=folder)
    assert answer.code == 0
    assert f"store:     {folder / 'elsewhere'}" in answer.lines
    assert list((folder / ".dockerflow").iterdir()) == []
    logs = next(line for line in answer.lines if line.startswith("logs: "))
    assert logs.endswith(f" --store {folder / 'elsewhere'}")
    assert "Hello/" in dockerflow("runs", "list", cwd=folder, DOCKERFLOW_STORE=str(folder / "elsewhere")).stdout


def test_what_to_type_next_works_where_the_store_is_a_setting(folder: Path) -> None:
    """The client, which has no YAML in a step's container, does not read the setting: the line names the store."""
    (folder / ".dockerflow" / "config.yaml").write_text("store: elsewhere\n")
    answer = dockerflow(*RUN, "--people", "1", cwd=folder)
    told = dict(line.split(":", 1) for line in answer.lines[-4:])
    assert told["store"].strip() == str(folder / "elsewhere")
    for word in ("results", "artifacts", "logs"):
        command = told[word].replace("python -c", f"{sys.executable} -c")
        command = re.sub("dockerflow (?=dump|logs)", f"{shlex.join(PROGRAM)} ", command)
        done = subprocess.run(command, shell=True, cwd=folder, env=environment(), capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")


def test_what_to_type_next_names_no_store_that_is_found_anyway(folder: Path) -> None:
    for words, changes in ((["--store", ".dockerflow"], {}), ([], {"DOCKERFLOW_STORE": "elsewhere"})):
        answer = dockerflow(*RUN, "--people", "1", *words, cwd=folder, **changes)
        assert answer.code == 0
        assert not re.search("DOCKERFLOW_STORE|--store", answer.stdout)


# ---- reading back


@dataclass(frozen=True)
class Finished:
    """A project with two runs that have ended."""

    folder: Path
    good: str
    failed: str
    printed: Answer  # by the good run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = project(tmp_path_factory.mktemp("finished"))
    printed, good = ran(folder)
    _, failed = ran(folder, "--fail", "true")
    return Finished(folder, good, failed, printed)


def test_logs_print_what_a_task_printed(finished: Finished) -> None:
    pathspec = f"Hello/{finished.good}/start"
    both = "this is stdout, ünïcode\nthis is stderr\n"
    assert dockerflow("logs", pathspec, cwd=finished.folder) == Answer(0, both, "")
    assert dockerflow("logs", pathspec, "--both", cwd=finished.folder) == Answer(0, both, "")
    only = dockerflow("logs", pathspec, "--stdout", cwd=finished.folder)
    assert only == Answer(0, "this is stdout, ünïcode\n", "")
    assert dockerflow("logs", f"{pathspec}/1", "--stderr", cwd=finished.folder) == Answer(0, "this is stderr\n", "")


def test_logs_of_several_tasks_say_which_is_which(finished: Finished) -> None:
    lines = dockerflow("logs", f"Hello/{finished.good}", cwd=finished.folder).lines
    headings = [line for line in lines if line.startswith("==> ")]
    assert [heading.split("/")[2] for heading in headings] == ["start", "greet", "greet"]


def test_logs_with_timestamps_look_like_the_run_did(finished: Finished) -> None:
    again = dockerflow("logs", f"Hello/{finished.good}/start", "--timestamps", cwd=finished.folder)
    assert again.code == 0
    assert len(again.lines) == 2
    assert set(again.lines) <= set(finished.printed.lines)


def test_logs_of_a_task_that_failed_end_with_why(finished: Finished) -> None:
    answer = dockerflow("logs", f"Hello/{finished.failed}/join", cwd=finished.folder)
    assert answer.lines[-1] == "ValueError: asked to fail"


def test_dump_lists_artifacts_with_type_and_size(finished: Finished) -> None:
    pathspec = f"Hello/{finished.good}/start/1"
    answer = dockerflow("dump", pathspec, cwd=finished.folder)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[0] == f"{pathspec}  succeeded"
    rows = {words[0]: words[1:] for words in (line.split() for line in answer.lines[1:])}
    assert rows["numbers"][0] == "list"
    assert rows["numbers"][2] == "B"


def test_dump_keeps_the_lines_of_a_value(tmp_path: Path) -> None:
    text = SLOW.replace("threading.Event().wait(100)", "import numpy; self.table = numpy.eye(2, dtype=int)")
    (tmp_path / "f.py").write_text(text)
    words = ("run", "f.py", "--engine", "process", "--run-id-file", "id")
    assert dockerflow(*words, cwd=tmp_path).code == 0
    lines = dockerflow("dump", f"Slow/{(tmp_path / 'id').read_text()}/end", cwd=tmp_path).lines
    value = lines[1].index("array([[1, 0],")
    assert lines[2] == " " * value + "       [0, 1]])"


def test_dump_as_json_is_for_programs(finished: Finished) -> None:
    tasks = json.loads(dockerflow("dump", f"Hello/{finished.good}", "--json", cwd=finished.folder).stdout)
    assert [task["pathspec"].split("/")[2] for task in tasks] == ["start", "greet", "greet", "join", "end"]
    artifacts = {each["name"]: each for each in tasks[-2]["artifacts"]}
    assert artifacts["greetings"]["type"] == "list"
    assert artifacts["greetings"]["size"] > 0


def test_runs_are_listed_newest_first(finished: Finished) -> None:
    lines = dockerflow("runs", "list", cwd=finished.folder).lines
    assert lines[0].split() == ["run", "status", "started", "took", "user", "tags"]
    runs = [[f"Hello/{finished.failed}", "failed"], [f"Hello/{finished.good}", "succeeded"]]
    assert [line.split()[:2] for line in lines[1:]] == runs
    assert dockerflow("runs", "list", "--flow", "Hello", cwd=finished.folder).lines == lines


def test_an_empty_store_has_no_runs(folder: Path) -> None:
    assert dockerflow("runs", "list", cwd=folder) == Answer(0, "", f"no runs in {folder / '.dockerflow'}\n")
    assert dockerflow("runs", "list", "--json", cwd=folder) == Answer(0, "[]\n", "")


def test_a_pathspec_that_names_nothing_is_answered_with_what_there_is(finished: Finished) -> None:
    store, run = finished.folder / ".dockerflow", finished.good
    cases = {
        "Helo/1": (8, f"there is no flow `Helo` in the store `{store}`", "did you mean `Hello`?"),
        "Hello": (2, "`Hello` names no run", f"the newest is `Hello/{finished.failed}`"),
        "Hello/1": (8, "there is no run `1` in flow `Hello`", f"there is `{finished.failed}`, `{run}`"),
        f"Hello/{run}/strat": (8, f"there is no step `strat` in run `Hello/{run}`", "did you mean `start`?"),
        f"Hello/{run}/start/9": (8, f"there is no task `9` in step `Hello/{run}/start`", "there is `1`"),
        f"{run}/start": (2, f"`{run}/start` names no flow", f"write `Hello/{run}/start`"),
        f"Hello/{run}/start/1/x": (
            2,
            f"`Hello/{run}/start/1/x` names an artifact; expected a run, a step or a task",
            f"`dockerflow dump Hello/{run}/start/1 --include x` shows one artifact",
        ),
        "a//b": (2, "`a//b` is no pathspec", "write `Flow/run`, `Flow/run/step` or `Flow/run/step/task`"),
    }
    for pathspec, (code, error, hint) in cases.items():
        refused("logs", pathspec, code=code, error=error, hint=hint, cwd=finished.folder)


# ---- ends


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_and_is_the_exit_code(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    words = [*PROGRAM, "run", "slow.py", "--engine", "process"]
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=environment(PYTHONWARNINGS=""),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.endswith("waiting\n"))
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, "")
    assert "stopped" in rest
    [run] = json.loads(dockerflow("runs", "list", "--json", cwd=tmp_path).stdout)
    assert run["status"] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_run_ends_the_command_quietly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "f.py").write_text("import threading\nprint('importing', flush=True)\nthreading.Event().wait(100)\n")
    words = [*PROGRAM, "run", "f.py"]
    with subprocess.Popen(
        words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == code


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    (folder / "hello.py").write_text(
        (folder / "hello.py").read_text().replace('"this is stdout', '"x\\n" * 100_000 + "')
    )
    _, run = ran(folder, "--people", "1")
    words = [*PROGRAM, "logs", f"Hello/{run}"]
    with subprocess.Popen(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(timeout=60), errors) == (141, "")


def test_a_terminal_gets_the_live_view(folder: Path) -> None:
    ours, its = pty.openpty()
    words = [*PROGRAM, *RUN, "--people", "1"]
    with subprocess.Popen(
        words, cwd=folder, env=environment(TERM="xterm-256color"), stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        text = _read_all(ours)
        assert process.wait(timeout=60) == 0
    assert "\x1b[?25h" in text
    assert "✓ start" in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "succeeded in" in text


def test_a_run_whose_terminal_is_closed_is_stopped_and_nothing_is_said_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    ours, its = pty.openpty()
    words = [*PROGRAM, "run", "slow.py", "--engine", "process"]
    changes = {"TERM": "xterm-256color", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        words, cwd=tmp_path, env=environment(**changes), stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        seen = b""
        while b"waiting" not in seen:
            seen += os.read(ours, 65536)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 129
    [run] = json.loads(dockerflow("runs", "list", "--json", cwd=tmp_path).stdout)
    assert run["status"] == "stopped"
    assert list(tmp_path.glob("dockerflow-mistake-*")) == []


def _read_all(terminal: int) -> str:
    pieces = []
    with open(terminal, "rb", buffering=0) as stream:
        try:
            while piece := stream.read(65536):
                pieces.append(piece)
        except OSError:  # how Linux says that nobody has the other side open any more
            pass
    return b"".join(pieces).decode()


def test_a_store_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    named = ("--store", str(tmp_path / "none"))
    error, hint = f"there is no store at `{tmp_path / 'none'}`", "it was named by `--store`"
    for words in (("runs", "list"), ("logs", "Hello/1"), ("dump", "Hello/1")):
        refused(*words, *named, code=7, error=error, hint=hint, cwd=tmp_path)


def test_a_store_that_cannot_be_made_is_told_before_anything_is_solved(folder: Path) -> None:
    (folder / "file").touch()
    root = folder / "file" / "store"
    error, hint = f"the store `{root}` cannot be made: File exists", "name another with `--store` or DOCKERFLOW_STORE"
    refused("run", "hello.py", "--store", str(root), code=7, error=error, hint=hint, cwd=folder)


def test_a_command_about_a_run_says_that_there_is_no_store(tmp_path: Path) -> None:
    error = f"there is no store: no `.dockerflow` in `{tmp_path}` or a folder above it"
    hint = "run a flow here first, or name the store with `--store`"
    for command in ("logs", "dump"):
        refused(command, "Hello/1", code=7, error=error, hint=hint, cwd=tmp_path)


def test_of_several_flows_the_hint_names_the_option(tmp_path: Path) -> None:
    flow = "class {}(FlowSpec):\n  @step\n  def start(self): self.next(self.end)\n  @step\n  def end(self): pass\n"
    text = "from dockerflow import FlowSpec, step\n" + flow.format("One") + flow.format("Two")
    (tmp_path / "two.py").write_text(text)
    for command in ("run", "check", "show"):
        answer = dockerflow(command, "two.py", cwd=tmp_path)
        assert (answer.code, answer.stderr.splitlines()[-1]) == (3, "hint: name the one that is meant, as `--flow One`")


def test_a_misspelt_variable_is_warned_of(tmp_path: Path) -> None:
    answer = dockerflow("version", cwd=tmp_path, DOCKERFLOW_CHANEL="x")
    said = "warning: nothing reads the variable DOCKERFLOW_CHANEL; did you mean DOCKERFLOW_CHANNELS?\n"
    assert (answer.code, answer.stderr) == (0, said)


def test_a_number_of_workers_must_be_one_at_least(folder: Path) -> None:
    answer = dockerflow("run", "hello.py", "--max-workers", "0", cwd=folder)
    assert answer.code == 2
    assert answer.stderr.startswith("error: invalid value for `--max-workers`: it must be 1 or more\n")


def test_the_doctor_reports_settings_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".dockerflow").mkdir()
    (tmp_path / ".dockerflow" / "config.yaml").write_bytes(b"\xff")
    answer = dockerflow("doctor", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (10, "")
    assert answer.lines[0].startswith("broken   settings: ")


def test_a_stop_before_the_run_says_that_what_was_built_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), running.telling_of_a_stop():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "stopped before the run began; what was built is kept\n"
    with pytest.raises(KeyboardInterrupt), running.telling_of_a_stop() as noted:
        _begin_and_stop(noted)
    assert capsys.readouterr().err == ""


def _begin_and_stop(noted: Callable[[progress.Notify], progress.Notify]) -> None:
    noted(progress.ignore)(progress.RunBegan("F", "1", ()))
    raise KeyboardInterrupt
