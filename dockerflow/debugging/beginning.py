"""The program of a debugging session: how it begins, in a container of the task's image or in a process.

    python dockerflow_debug.py SESSION.JSON [broker | shell | notebook]

Without a word more it is the session itself, see `program`; a shell or Jupyter take its place, and open it themselves.
`broker` passes on what the others ask of a bucket. It stands alone until it knows where our modules are. Standard
library only, Python 3.7.
"""

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any, Dict, List, Optional

# Seconds for the broker to come up.
PATIENCE = 60.0


def begin(told: Dict[str, Any]) -> None:
    """Be where the task was: its folder, its variables, its modules."""
    import dockerflow_session  # type: ignore[import-not-found] # noqa: F401 - the folder is soon no more on the path

    sys.dont_write_bytecode = True
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [told["ours"], told["code"]] + [each for each in sys.path if each and os.path.abspath(each) != here]
    os.makedirs(told["outbox"], exist_ok=True)
    os.makedirs(told["folder"], exist_ok=True)
    os.chdir(told["folder"])
    if told["variables"] and os.path.exists(told["variables"]):
        with open(told["variables"], encoding="utf-8") as stream:
            os.environ.update(json.load(stream))
        os.unlink(told["variables"])  # they may be secrets
    if not told["blobs"]:
        _find_broker(told)
    from dockerflow.flow.metaflow_names import be_metaflow
    from dockerflow.runtime import beside

    beside.link([os.path.join(told["code"], name) for name in told["beside"]])
    be_metaflow(told["code"])


def _find_broker(told: Dict[str, Any]) -> None:
    from dockerflow.store.s3.line import VARIABLE

    os.environ[VARIABLE] = path = os.path.join(told["broker"], "broker")
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            sys.exit("error: nobody came to answer what the session asks of the bucket")
        time.sleep(0.02)


def broker(told: Dict[str, Any]) -> None:
    sys.path.insert(0, told["ours"])
    import threading

    from dockerflow.runtime.broker import Broker
    from dockerflow.runtime.channel import open_channel

    os.makedirs(told["broker"], 0o700, exist_ok=True)
    with Broker(told["broker"], open_channel()).in_thread():
        threading.Event().wait()  # it ends with the container


def shell(told: Dict[str, Any], file: str) -> None:
    """A shell in the task's place, with its Python first on the path; the command `debug` there opens the session."""
    own = os.path.join(os.path.dirname(told["folder"]), "bin")
    os.makedirs(own, exist_ok=True)
    script = os.path.join(own, "debug")
    with open(script, "w", encoding="utf-8") as stream:
        stream.write(f"#!/bin/sh\nexec '{sys.executable}' -B '{os.path.abspath(__file__)}' '{file}'\n")
    os.chmod(script, 0o755)
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), own, os.environ.get("PATH", os.defpath)])
    os.environ["PYTHONPATH"] = os.pathsep.join([told["ours"], told["code"]])
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    there = "the flow's files are in {}; `debug` opens the Python session".format(told["code"])
    print(f"\na shell in the task's folder; {there}", flush=True)
    for name in ("bash", "sh"):
        with suppress(OSError):
            os.execvp(name, [name])
    sys.exit("error: the image has no shell: no `bash` and no `sh`")


# What a kernel runs as it begins.
STARTUP = """
import sys
sys.path.insert(0, {here!r})
import dockerflow_debug
dockerflow_debug.in_kernel({file!r}, get_ipython().user_ns)
"""


def notebook(told: Dict[str, Any], file: str) -> None:
    """Jupyter in the task's folder, with the session in every kernel.

    Where the image has none, `beside` has the server, and `below` what a kernel needs.
    """
    inside, port, variable, (beside, below) = told["jupyter"]
    module = "jupyterlab" if beside else _jupyter()
    place = os.path.dirname(told["folder"])
    here = os.path.dirname(os.path.abspath(__file__))
    startup = STARTUP.format(here=here, file=os.path.abspath(file))
    _write(os.path.join(place, "ipython", "profile_default", "startup", "00-task.py"), startup)
    begun = [sys.executable, "-B", os.path.join(here, "dockerflow_jupyter.py")]
    kernel = {"argv": [*begun, "kernel", below, "-f", "{connection_file}", "--log-level=40"], "language": "python"}
    kernel["display_name"] = "Python of the task"
    _write(os.path.join(place, "jupyter", "kernels", "python3", "kernel.json"), json.dumps(kernel))
    _write("task.ipynb", json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    os.environ["IPYTHONDIR"] = os.path.join(place, "ipython")
    _be_found("JUPYTER_PATH", os.path.join(place, "jupyter"), *([beside + "/share/jupyter"] if beside else []))
    if beside:
        _be_found("JUPYTER_CONFIG_PATH", beside + "/etc/jupyter")
        os.environ["JUPYTERLAB_DIR"] = beside + "/share/jupyter/lab"
    where = [f"--ip={inside}", f"--port={port}", "--ServerApp.port_retries=0"]
    options = ["--no-browser", "-y", "--ServerApp.root_dir={}".format(told["folder"]), "--Application.log_level=40"]
    options += ["--allow-root"] if os.getuid() == 0 else []
    os.execv(sys.executable, [*begun, "server", beside, str(port), variable, module, *where, *options])


def _jupyter() -> str:
    """The module that is Jupyter to a browser."""
    import importlib.util

    found = [name for name in ("jupyterlab", "notebook") if importlib.util.find_spec(name)]
    if not found or importlib.util.find_spec("ipykernel") is None:
        sys.exit(
            "error: there is no Jupyter for this Python\n\nhint: install it with `pip install jupyterlab`, or leave"
            " `--notebook` out for a session in the terminal"
        )
    return found[0]


def _be_found(variable: str, *folders: str) -> None:
    """Before what the variable names already."""
    os.environ[variable] = os.pathsep.join([*folders, *filter(None, [os.environ.get(variable)])])


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def in_kernel(file: str, names: Dict[str, Any]) -> None:
    """Have the session's names in a kernel's own, whose errors say what is wrong with the flow."""
    told = read(file)
    begin(told)
    session = _session(told)
    session.names, session.opens = names, False
    session.load()


def _session(told: Dict[str, Any]) -> Any:
    from dockerflow_session import Session

    return Session(told)


def read(file: str) -> Dict[str, Any]:
    with open(file, encoding="utf-8") as stream:
        told: Dict[str, Any] = json.load(stream)
    return told


def main(arguments: List[str]) -> Optional[int]:
    file, *how = arguments
    told = read(file)
    if how == ["broker"]:
        broker(told)
        return None
    begin(told)
    if how:
        (shell if how == ["shell"] else notebook)(told, file)
    _session(told).interact()
    return None


if __name__ == "__main__":
    status: Any = 0
    try:
        main(sys.argv[1:])
    except SystemExit as left:
        status = left.code
    if isinstance(status, str):
        print(status, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Not `sys.exit`, which waits for threads that the flow has started.
    os._exit(status if isinstance(status, int) else 1 if status else 0)
