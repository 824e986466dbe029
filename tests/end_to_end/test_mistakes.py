"""The mistakes that are likely, made for real: exit code, what is said on standard error, and that nothing is lost.

Every one of them is told in an error and a hint, never in a traceback of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import EXAMPLES

HEAD = "from dockerflow import FlowSpec, Parameter, catch, conda, resources, retry, step\n"
TWO_STEPS = """
class Two(FlowSpec):
    @conda(libraries={libraries})
    @step
    def start(self):
        {body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""

Told = Callable[..., str]


@pytest.fixture
def write(tmp_path) -> Callable[[str], Path]:
    def write_flow(source: str) -> Path:
        file = tmp_path / "flow.py"
        file.write_text(HEAD + textwrap.dedent(source))
        return file

    return write_flow


@pytest.fixture
def two(write) -> Callable[..., Path]:
    """A flow of two steps; `start` has these libraries and does this."""

    def flow(body: str = "pass", libraries: dict[str, str] | None = None) -> Path:
        source = TWO_STEPS.format(libraries=libraries or {}, body=textwrap.indent(body, " " * 8).lstrip())
        return write(source)

    return flow


@pytest.fixture
def told(tmp_path, variables) -> Told:
    """Run a command that must fail with `code`; what it says on standard error, checked for its form.

    Where the error alone says what to do, there is no hint.
    """

    def command(*words: object, code: int, hint: bool = True, **more: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("dockerflow"), *map(str, words)],
            cwd=tmp_path,
            env={**variables, **more},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.stderr.startswith("error: ")
        assert ("\nhint: " in done.stderr) is hint, done.stderr
        return done.stderr

    return command


def test_no_engine_names_the_address_and_the_doctor(told, two):
    text = told("run", two(), code=6, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert "unix:///nonexistent/docker.sock" in text
    assert "dockerflow doctor" in text


def test_an_engine_that_this_user_may_not_use(two, variables, tmp_path):
    """A socket that nobody may open; root may open everything, so it gives that right up first."""
    with socket.socket(socket.AF_UNIX) as engine:
        address = tempfile.mktemp(prefix="df-", suffix=".sock", dir="/tmp")  # short enough for a socket
        engine.bind(address)
        engine.listen()
        os.chmod(address, 0)
        without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*without, Path(sys.executable).with_name("dockerflow"), "run", two()],
            env={**variables, "DOCKER_HOST": f"unix://{address}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        os.unlink(address)
    assert done.returncode == 6, done.stderr
    assert address in done.stderr
    assert "hint: add yourself to the group" in done.stderr


def test_no_base_image_and_no_way_to_get_one(told, two):
    text = told("run", two(), code=5, DOCKERFLOW_BASE_IMAGE="registry.invalid/nothing:1")
    assert "registry.invalid/nothing:1" in text
    assert "dockerflow setup" in text


def test_a_spec_that_no_packages_satisfy_names_step_and_packages(told, two):
    text = told("run", two(libraries={"pandas": "1.5.3", "numpy": ">=2"}), code=4)
    for word in ("`start`", "numpy", "pandas"):
        assert word in text


def test_a_version_that_does_not_exist_lists_those_that_do(told, two):
    text = told("run", two(libraries={"packaging": "99"}), code=4)
    assert "23.2" in text
    assert "24.1" in text


def test_a_channel_that_does_not_answer_is_named(told, two):
    text = told("run", two(), code=4, DOCKERFLOW_CHANNELS="http://127.0.0.1:9/nowhere")
    assert "127.0.0.1:9/nowhere" in text


def test_a_package_whose_hash_is_not_the_locks_is_refused_and_not_kept(told, two, test_channel, tmp_path):
    """The channel's file changes after it was indexed, as when a mirror is tampered with."""
    channel = tmp_path / "channel"
    shutil.copytree(test_channel.folder, channel, ignore=shutil.ignore_patterns(".tmp", ".lock"))
    (package,) = channel.rglob("packaging-23.2-*.conda")
    package.write_bytes(package.read_bytes()[:-1] + b"!")
    cache = tmp_path / "cache"
    text = told(
        "run",
        two(libraries={"packaging": "23.2"}),
        code=5,
        DOCKERFLOW_CHANNELS=f"file://{channel}",
        DOCKERFLOW_CACHE_DIR=str(cache),
    )
    assert "packaging" in text
    assert "sha256" in text or "hash" in text
    assert not list(cache.rglob("packaging-23.2-*"))


def test_a_full_disk_while_an_image_is_built_is_named_and_leaves_no_half_file(two, variables, tmp_path):
    """The cache is a disk of 24 MB, too small for a Python's layer, in a mount namespace of the command's own."""
    small = tmp_path / "small"
    small.mkdir()
    command = (
        f"mount -t tmpfs -o size=24m tmpfs {small} && dockerflow run {two()}; code=$?; find {small} -size 0; exit $code"
    )
    unshare = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    done = subprocess.run(
        [*unshare, "sh", "-c", command],
        env={
            **variables,
            "DOCKERFLOW_CACHE_DIR": str(small),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 5, done.stderr
    assert f"no space left on the disk of `{small}" in done.stderr
    assert f"{small}/layers" not in done.stdout, "an empty file was left"


def test_a_flow_file_that_does_not_import_shows_the_users_line(told, write):
    text = told("check", write("value = {}['missing']\n"), code=3, hint=False)
    assert "flow.py" in text
    assert "KeyError" in text
    assert "importlib" not in text


def test_every_problem_of_a_graph_is_told_at_once_with_its_line(told, write, tmp_path):
    file = write("""
    class Wrong(FlowSpec):
        @step
        def start(self):
            self.next(self.a, self.b)

        @step
        def a(self):
            self.next(self.end)

        @step
        def b(self):
            self.next(self.nowhere)

        @step
        def lonely(self):
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    lines = told("run", file, code=3, hint=False).splitlines()
    for line, word in [(14, "`nowhere`"), (17, "`lonely`")]:
        assert any(f"flow.py:{line}: " in told_line and word in told_line for told_line in lines), lines
    assert not (tmp_path / ".dockerflow" / "runs").exists()


NEEDS = """
class Needs(FlowSpec):
    size = Parameter("size", type=int, required=True)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "parameter `size` is required"),
        (("--size", "many"), "parameter `size` is `many`; expected a whole number"),
        (("--size", "1", "--sized", "2"), "did you mean `--size`?"),
    ],
    ids=["missing", "wrong type", "unknown"],
)
def test_a_parameter_that_is_missing_or_wrong_is_named(told, write, words, expected):
    code, hint = (2 if "--sized" in words else 3), "many" not in words
    assert expected in told("run", write(NEEDS), *words, code=code, hint=hint)


def test_an_artifact_that_cannot_be_pickled_is_named_with_its_type_and_step(told, two, results):
    text = told("run", two("import threading\nself.guard = {'lock': threading.Lock()}\nself.kept = 1"), code=1)
    for word in ("`guard`", "lock", "`start`"):
        assert word in text
    assert results.Flow("Two").latest_run["start"].task.data.kept == 1


def test_a_users_exception_is_shown_from_their_frame_on(dockerflow, two, results):
    done = dockerflow("run", two("raise ValueError('no such film')"), code=1)
    shown = done.stdout + done.stderr
    assert "ValueError: no such film" in shown
    assert 'flow.py", line' in shown
    assert "dockerflow/runtime" not in shown
    failed = results.Flow("Two").latest_run
    assert failed["start"].task.exception.type == "builtins.ValueError"
    assert not failed.successful


def test_running_out_of_memory_is_called_that_with_the_limit(told, write):
    text = told(
        "run",
        write("""
    class Hungry(FlowSpec):
        @resources(memory=128)
        @step
        def start(self):
            self.block = bytearray(400 << 20)
            self.next(self.end)

        @step
        def end(self):
            pass
    """),
        code=1,
    )
    assert "memory" in text
    assert "128 MiB" in text


def test_a_run_that_is_not_there_is_told_with_those_that_are(told, dockerflow, two):
    dockerflow("run", two(), "--engine", "process")
    (run_id,) = (run["run"].split("/")[1] for run in json.loads(dockerflow("runs", "list", "--json").stdout))
    text = told("logs", "Two/1", code=8)
    assert "there is no run `1` in flow `Two`" in text
    assert run_id in text


def test_a_file_that_is_not_there_is_named_with_one_that_is(told, two):
    two()
    assert "did you mean `flow.py`?" in told("run", "flows.py", code=3)


def test_the_flow_file_without_a_command_suggests_run(told):
    assert "dockerflow run" in told(EXAMPLES / "two_models" / "flow.py", code=2)
