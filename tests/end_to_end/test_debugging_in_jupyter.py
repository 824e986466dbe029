"""`dockerflow debug --notebook` of an image without Jupyter: asked as a browser asks, by HTTP and a WebSocket."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tornado.websocket import websocket_connect

from tests.end_to_end.test_debugging import failed, sessions
from tests.terminals import Terminal

PROGRAM = Path(sys.executable).with_name("dockerflow")


class Kernel:
    """A kernel of the Jupyter at this port."""

    def __init__(self, port: str, token: str) -> None:
        self._place, self._token = f"127.0.0.1:{port}/api", token
        with urlopen(self.request("kernels", b"{}"), timeout=60) as answer:
            self._id = json.load(answer)["id"]

    def request(self, path: str, body: bytes | None = None) -> Request:
        headers = {"Authorization": f"token {self._token}"} if self._token else {}
        return Request(f"http://{self._place}/{path}", body, headers)

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
    """`dockerflow debug --notebook` at a terminal, with the port and the token that it shows."""
    opened = []

    def command(*words, **changes):
        at = Terminal([PROGRAM, "debug", *words, "--notebook"], tmp_path, {**variables, **changes})
        opened.append(at)
        return at

    yield command
    for each in opened:
        each.close()


def test_jupyter_is_put_beside_an_image_that_has_none(dockerflow, tmp_path, notebook, docker_client):
    run = failed(dockerflow, tmp_path)
    at = notebook(run, TMPDIR=str(tmp_path))
    at.expect(f"{run}/share/2  failed")
    at.expect("Jupyter answers at ")
    port, token = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\w+)", at.expect("Ctrl-C ends it")).groups()
    kernel = Kernel(port, token)
    assert kernel.execute("self.input, self.parts, recorded.frame.shape") == "(10, 0, (1, 1))", at.shown
    assert (
        kernel.execute("__import__('pandas').__version__, __import__('pandas').__file__[:9]")
        == "('1.5.3', '/opt/env/')"
    )
    assert kernel.execute("__import__('ipykernel').__file__[:23]") == "'/opt/dockerflow-jupyter'"
    assert "ZeroDivisionError" in kernel.execute("again()\nraise self.each")
    assert kernel.execute("open('/opt/dockerflow-jupyter/x', 'w')").count("Read-only file system") == 1

    [container] = sessions(docker_client)
    bound = container["Ports"]
    assert {each["IP"] for each in bound} == {"127.0.0.1"}
    with urlopen(f"http://127.0.0.1:{port}/lab?token={token}", timeout=60) as page:
        assert "JupyterLab" in page.read().decode()
    at.type("\x03")
    assert (at.end(), at.settings(), sessions(docker_client)) == (0, at.before, [])


def test_an_index_without_jupyter_is_told_with_the_way_out(dockerflow, tmp_path, notebook, docker_client):
    (tmp_path / "wheels").mkdir()
    run = failed(dockerflow, tmp_path)
    at = notebook(run, DOCKERFLOW_INDEXES=(tmp_path / "wheels").as_uri(), TMPDIR=str(tmp_path))
    at.expect(f"error: there is no Jupyter in the image of `{run}/share/2`, and none can be put beside it")
    at.expect("hint: ")
    assert (at.end(), at.settings(), sessions(docker_client)) == (4, at.before, [])
