"""`dockerflow debug --notebook` of an image without Jupyter: asked as a browser asks, by HTTP and a WebSocket."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from pathlib import Path
from urllib.request import urlopen

import pytest
from tornado.websocket import websocket_connect

from dockerflow.setup.channel import LocalChannel, Request
from tests import channel as channels
from tests.end_to_end.test_debugging import failed, sessions
from tests.terminals import Terminal

PROGRAM = Path(sys.executable).with_name("dockerflow")


class Kernel:
    """A kernel of the Jupyter at this port."""

    def __init__(self, port: str, token: str) -> None:
        self._place, self._token = f"127.0.0.1:{port}/api", token
        with urlopen(f"http://{self._place}/kernels?token={token}", b"{}", timeout=60) as answer:
            self._id = json.load(answer)["id"]

    def execute(self, code: str) -> str:
        """What a cell shows: what it prints, its last line, its error."""
        return asyncio.run(asyncio.wait_for(self._execute(code), 60))

    async def _execute(self, code: str) -> str:
        at = await websocket_connect(f"ws://{self._place}/kernels/{self._id}/channels?token={self._token}")
        try:
            header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "test", "version": "5.3"}
            header.update(username="", date="2026-01-01T00:00:00Z")
            content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            await at.write_message(json.dumps(message))
            shown = ""
            while True:
                told = json.loads(await at.read_message())
                if told["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                said = told["content"]
                if told["msg_type"] == "execute_result":
                    shown += said["data"]["text/plain"]
                elif told["msg_type"] == "stream":
                    shown += said["text"]
                elif told["msg_type"] == "error":
                    shown += f"{said['ename']}: {said['evalue']}"
                elif (told["msg_type"], said.get("execution_state")) == ("status", "idle"):
                    return shown
        finally:
            at.close()
            while await at.read_message() is not None:
                pass


@pytest.fixture
def notebook(variables, tmp_path):
    """`dockerflow debug --notebook` at a terminal."""
    opened = []

    def command(*words, **changes):
        at = Terminal([PROGRAM, "debug", *words, "--notebook"], tmp_path, {**variables, **changes})
        opened.append(at)
        return at

    yield command
    for each in opened:
        each.close()


def reached(at: Terminal) -> tuple[Kernel, str]:
    """A kernel of the Jupyter whose address is shown, and the address."""
    at.expect("Jupyter answers at ")
    url, port, token = re.search(r"(http://127\.0\.0\.1:(\d+)/\?token=(\w+))", at.expect("Ctrl-C ends it")).groups()
    return Kernel(port, token), url


def test_jupyter_is_put_beside_an_image_that_has_none(dockerflow, tmp_path, notebook, docker_client):
    run = failed(dockerflow, tmp_path)
    at = notebook(run, TMPDIR=str(tmp_path))
    at.expect(f"{run}/share/2  failed")
    kernel, url = reached(at)
    assert kernel.execute("self.input, self.parts, recorded.frame.shape") == "(10, 0, (1, 1))", at.shown
    pandas = kernel.execute("import pandas; pandas.__version__, pandas.__file__[:9]")
    assert pandas == "('1.5.3', '/opt/env/')"
    assert kernel.execute("__import__('ipykernel').__file__[:22]") == "'/opt/dockerflow-kernel'"
    assert "ZeroDivisionError" in kernel.execute("again()\nraise self.each")
    assert kernel.execute("open('/opt/dockerflow-kernel/x', 'w')").count("Read-only file system") == 1

    [container] = sessions(docker_client)
    assert {each["IP"] for each in container["Ports"]} == {"127.0.0.1"}
    with urlopen(url, timeout=60) as page:
        assert "JupyterLab" in page.read().decode()
    at.type("\x03")
    assert (at.end(), at.settings(), sessions(docker_client)) == (0, at.before, [])


def test_where_no_index_has_jupyter_channels_are_asked_and_where_none_has_it_both_are_told(
    dockerflow, tmp_path, notebook, docker_client
):
    run = failed(dockerflow, tmp_path)
    (tmp_path / "wheels").mkdir()
    index = (tmp_path / "wheels").as_uri()
    at = notebook(run, DOCKERFLOW_INDEXES=index, TMPDIR=str(tmp_path))
    at.expect(f"error: there is no Jupyter in the image of `{run}/share/2`, and none can be put beside it")
    assert "`jupyterlab`, which the package index" in at.expect("no package `jupyterlab` on ")
    at.expect("hint: give the step `jupyterlab`")
    assert (at.end(), at.settings(), sessions(docker_client)) == (4, at.before, [])

    channel = LocalChannel(channels.cache() / "channel-jupyter")
    channel.add([Request(channels.PYTHON, (("ipykernel", ""), ("jupyterlab", "")))])
    at = notebook(run, DOCKERFLOW_INDEXES=index, DOCKERFLOW_CHANNELS=channel.url, TMPDIR=str(tmp_path))
    kernel, _ = reached(at)
    code = "import dateutil, zmq; self.input, [each.__file__.split('/')[2] for each in (dateutil, zmq)]"
    assert kernel.execute(code) == "(10, ['env', 'dockerflow-kernel'])", at.shown
    at.type("\x03")
    assert (at.end(), sessions(docker_client)) == (0, [])
