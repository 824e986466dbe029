"""`set_up` mends what is missing and nothing else; `diagnose` only looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dockerflow.config import Config, load_config, set_in_file, user_file
from dockerflow.setup import channels
from dockerflow.setup.channel import LocalChannel, Request
from dockerflow.setup.doctor import diagnose
from dockerflow.setup.finding import Finding
from dockerflow.setup.steps import set_up
from tests.channel import PYTHON, with_python

pytestmark = pytest.mark.usefixtures("docker_client")

# Nobody listens there, on any machine.
SILENT = "http://127.0.0.1:9/none"

FLOW = """
from dockerflow import FlowSpec, conda, conda_base, step

@conda_base(libraries={"six": "1.16.0"})
class Small(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @conda(libraries={"tabulate": "0.9.0"})
    @step
    def end(self):
        pass
"""


@pytest.fixture
def flow(tmp_path: Path, test_channel: LocalChannel) -> Path:
    """A flow file, on a machine that has a package of its Python already."""
    with_python(channels.local_channel(load_config()).folder, test_channel)
    path = tmp_path / "flow.py"
    path.write_text(FLOW)
    return path


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a server that serves the files of `folder`."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def about(subject: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


def test_looking_tells_about_every_subject_and_changes_nothing(tmp_path: Path) -> None:
    config = Config(channels=(SILENT,))
    findings = list(diagnose(config, tmp_path))
    assert [finding.subject for finding in findings][:4] == ["engine", "base image", "channel", "store"]
    assert {finding.subject for finding in findings[4:]} == {"disk"}
    assert about("channel", findings)[0].state == "missing"
    assert about("store", findings)[0].text == f"none yet: the first run will make {tmp_path}/.dockerflow"
    assert not user_file().exists()
    assert not config.data_dir.exists()
    assert list(tmp_path.iterdir()) == []


def test_where_no_channel_answers_one_is_made_and_a_second_time_nothing_is(flow: Path) -> None:
    findings = set_up(Config(channels=(SILENT,)), [flow])
    assert [finding.state for finding in about("channel", findings)] == ["ok", "made", "made"]
    config = load_config()
    local = channels.local_channel(config)
    assert config.channels == (local.url,)
    assert local.missing([Request(PYTHON, (("six", "1.16.0"), ("tabulate", "0.9.0")))]) == []

    again = set_up(config, [flow])
    assert {finding.state for finding in again} == {"ok"}


def test_every_finding_is_told_when_it_is_known(flow: Path) -> None:
    told: list[Finding] = []
    findings = set_up(Config(channels=(SILENT,)), [flow], told.append)
    assert [finding for finding in told if finding.state != "doing"] == findings
    assert any("making python" in finding.text for finding in told if finding.state == "doing")


def test_channels_that_somebody_chose_are_not_replaced(flow: Path) -> None:
    set_in_file(user_file(), "channels", (SILENT,))
    before = user_file().read_text()
    findings = about("channel", set_up(load_config(), [flow]))
    assert [finding.state for finding in findings] == ["missing"]
    assert f"{user_file()}:1" in (findings[0].hint or "")
    assert user_file().read_text() == before
    assert not (channels.local_channel(load_config()).folder / "made.json").exists()


def test_a_channel_that_answers_is_used_as_it_is(test_channel: LocalChannel, flow: Path) -> None:
    with served(test_channel.folder) as url:
        findings = about("channel", set_up(Config(channels=(SILENT, url)), [flow]))
    assert [finding.state for finding in findings] == ["missing", "ok"]
    assert not user_file().exists()


def test_why_a_channel_is_silent_is_said_in_words(test_channel: LocalChannel, tmp_path: Path) -> None:
    assert channels.why_silent(test_channel.url) is None
    assert channels.why_silent(SILENT) == "Connection refused"
    assert channels.why_silent(tmp_path.as_uri()) == f"there is no noarch/repodata.json in {tmp_path}"
    with served(tmp_path) as url:
        assert channels.why_silent(url) == "404 Not Found"


def test_a_python_of_a_step_is_asked_for_with_its_libraries(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text(FLOW.replace('@conda(libraries={"tabulate": "0.9.0"})', '@conda(python="3.9")'))
    assert channels.requests_of([path], Config()) == [
        Request(PYTHON, ()),
        Request(PYTHON, (("six", "1.16.0"),)),
        Request("3.9", (("six", "1.16.0"),)),
    ]
