"""Runs started from Python, as processes: what is returned, shown and raised, and how they end early."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dockerflow
from dockerflow import Runner
from dockerflow.runner.command import Command
from dockerflow.runner.errors import NoFlow, NoOutput, NotStarted, UnknownArgument


def until(there: Callable[[], bool]) -> None:
    """Wait for something in another process, and not for ever."""
    looking, deadline = threading.Event(), time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        looking.wait(0.02)


def runner(flow: Path, **options: Any) -> Runner:
    return Runner(flow, **{"engine": "process", "show_output": False, **options})


def test_a_run_is_waited_for_and_can_be_read(flow: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = {"alpha": 5, "movie_data": "--x", "options": {"a": [1]}, "store": "shop"}
    with runner(flow, show_output=True).run(max_workers=1, tags=["one", "two"], **given) as running:
        assert (running.status, running.returncode) == ("successful", 0)
        assert running.run.successful
        assert running.run.user_tags == {"one", "two"}
        data = running.run.data
        assert (data.x, data.alpha, data.movie_data, data.options, data.store) == (6, 5, "--x", {"a": [1]}, "shop")
        shown = capfd.readouterr()
        assert (shown.out, shown.err) == (running.stdout, running.stderr)
        assert "hello from start" in shown.out
        assert f"run {running.run.pathspec} begins" in shown.out
        assert "runner" not in " ".join(running.run._source.begun.command)
        assert "<svg" in running._repr_html_()
    with pytest.raises(NoOutput, match="was removed"):
        _ = running.stdout
    assert running.run.successful


def test_a_run_that_fails_is_returned(flow: Path, capfd: pytest.CaptureFixture[str]) -> None:
    running = runner(flow).run(does="fail")
    assert (running.status, running.returncode) == ("failed", 1)
    assert (running.run.status, running.run.successful) == ("failed", False)
    assert "as was asked" in running.stderr
    assert capfd.readouterr() == ("", "")
    assert str(running) == f"<ExecutingRun {running.run.pathspec}: failed>"
    again = runner(flow).resume(origin_run_id=running.run.id)
    assert (again.status, again.run.origin_run_id) == ("failed", running.run.id)


def test_what_is_wrong_is_said_before_or_instead_of_a_run(flow: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NoFlow, match=r"there is no flow file `none\.py`"):
        Runner("none.py")
    with pytest.raises(UnknownArgument, match="`max_worker` is no option"):
        Runner(flow, max_worker=1)
    with pytest.raises(UnknownArgument, match="`alhpa` is no option of `dockerflow run` and no parameter of the flow"):
        runner(flow).run(alhpa=1)
    assert not (flow.parent / ".dockerflow").exists()
    with pytest.raises(NotStarted, match="parameter `alpha` is `x`; expected a whole number"):
        runner(flow).run(alpha="x")
    flow.write_text("oh no")
    with pytest.raises(RuntimeError, match="does not import: SyntaxError"):
        asyncio.run(runner(flow).async_run())
    assert capfd.readouterr() == ("", "")


def test_where_and_with_what_it_runs(flow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "rich.py").write_text("raise SystemExit('a file where one stands is no library')")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    variables = {"DOCKERFLOW_RUN_ALPHA": "7", "DOCKERFLOW_USER": "bob"}
    made = Runner("small.py", False, None, variables, elsewhere, engine="process")
    running = made.run()
    assert "MPLBACKEND" not in made.env_vars
    assert (running.run.data.x, running.run.user) == (8, "bob")
    assert running.run._store.name == str(elsewhere / ".dockerflow")


def test_a_run_that_is_not_waited_for(flow: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with runner(flow, show_output=True) as made:
            running = await made.async_run(alpha=1)
            assert running.run.id
            first = [line async for line in running.stream_log("stdout")]
            assert any("hello from start" in line for _, line in first)
            later = [line async for line in running.stream_log("stdout", first[2][0])]
            assert later == first[3:]
            assert capfd.readouterr().out == ""
            assert await running.wait(stream="stdout") is running
            assert capfd.readouterr().out == "".join(f"{line}\n" for _, line in first)
            assert (running.status, running.returncode, running.run.data.x) == ("successful", 0, 2)
            with pytest.raises(UnknownArgument, match="prints to no `log`"):
                await running.wait(stream="log")

    asyncio.run(main())


def test_several_run_at_the_same_time(flow: Path) -> None:
    async def main() -> list[int]:
        made = runner(flow)
        several = await asyncio.gather(*(made.async_run(alpha=number) for number in range(2)))
        await asyncio.gather(*(each.wait() for each in several))
        return [each.run.data.x for each in several]

    assert asyncio.run(main()) == [1, 2]


def test_after_the_timeout_the_run_is_ended(flow: Path) -> None:
    async def main() -> None:
        running = await runner(flow).async_run(does="/dev/null")
        assert (running.status, running.returncode) == ("running", None)
        await running.wait(timeout=0.1)
        assert (running.status, running.returncode) == ("timeout", 143)
        assert (running.run.status, running.run.reason) == ("stopped", "SIGTERM")

    asyncio.run(main())


def test_a_cancelled_wait_ends_no_run(flow: Path) -> None:
    async def main() -> None:
        running = await runner(flow).async_run(does="/dev/null")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(running.wait(), 0.1)
        assert running.status == "running"
        running.command_obj.kill()
        assert running.returncode == 143

    asyncio.run(main())


def test_one_that_does_not_begin_in_time_is_ended(flow: Path) -> None:
    flow.write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(NotStarted, match=r"no run after 0\.1 seconds"):
        asyncio.run(runner(flow, file_read_timeout=0.1).async_run())


@pytest.mark.parametrize("waiting", ["runner.run(does=there)", "asyncio.run(main())"])
def test_ctrl_c_ends_the_run_as_in_a_terminal(flow: Path, waiting: str) -> None:
    program = f"""
import asyncio
from dockerflow import Runner
runner = Runner("small.py", engine="process")
there = {str(flow.parent / "waiting")!r}
async def main():
    await (await runner.async_run(does=there)).wait()
try:
    {waiting}
except KeyboardInterrupt:
    print("ended by Ctrl-C", *[command.process.wait() for command in runner._commands])
"""
    started = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    until(lambda: (flow.parent / "waiting").exists() or started.poll() is not None)
    started.send_signal(signal.SIGINT)
    said, _ = started.communicate(timeout=60)
    assert "ended by Ctrl-C 130" in said
    run = dockerflow.Flow("Small").latest_run
    assert run is not None
    assert (run.status, run.reason) == ("stopped", "Ctrl-C")


def test_a_run_outlives_who_started_it(flow: Path) -> None:
    """As a notebook's kernel that is killed with all its group: the run goes on, and can be ended by name."""
    there = str(flow.parent / "waiting")
    program = f"from dockerflow import Runner\nRunner('small.py', engine='process').run(does={there!r})"
    folder = {**os.environ, "TMPDIR": str(flow.parent)}  # where it leaves what it has no time to remove
    words = [sys.executable, "-c", program]
    started = subprocess.Popen(words, env=folder, start_new_session=True, stdout=subprocess.DEVNULL)
    until(lambda: (flow.parent / "waiting").exists() or started.poll() is not None)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    run = dockerflow.Flow("Small").latest_run
    assert run is not None
    assert run.status == "running"
    words = [sys.executable, "-m", "dockerflow", "runs", "kill", run.pathspec]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    assert run.status == "stopped"


def test_a_process_that_does_not_end_is_killed(tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    command = Command([sys.executable, "-c", program], ["run"], os.environ, str(tmp_path))
    until(lambda: "deaf" in command.output("stdout"))
    command.kill(termination_timeout=0.1)
    assert command.returncode == -signal.SIGKILL
    command.cleanup()


def test_a_step_may_import_it_and_not_use_it(flow: Path) -> None:
    """Its container has nothing to start runs with; a file that is a program as well has it at its top."""
    flow.write_text(
        "from metaflow import FlowSpec, Runner, step\n"
        "from metaflow.runner.nbrun import NBRunner\n"
        "class Small(FlowSpec):\n"
        "    @step\n"
        "    def start(self):\n"
        "        self.next(self.end)\n"
        "    @step\n"
        "    def end(self):\n"
        "        import dockerflow.flow.no_runner as there\n"
        "        there.Runner('small.py')\n"
    )
    running = runner(flow).run()
    assert running.status == "failed"
    assert "`Runner` starts runs, and a step cannot" in running.stderr
