"""Begin Jupyter, or one of its kernels, with a Python that may have it beside its own libraries.

    python dockerflow_jupyter.py server PREFIX PORT TOKEN-VARIABLE jupyterlab [OPTION ...]
    python dockerflow_jupyter.py kernel PREFIX -f CONNECTION-FILE

PREFIX is the folder that has it, or empty where the image has it. A server's modules come before all others, whatever
the image has; a kernel's after them, as it is there for what the image has. It stands alone; standard library only,
Python 3.7.
"""

import os
import runpy
import socket
import sys
import threading
import time
from typing import List


def site_packages(prefix: str) -> str:
    return os.path.join(prefix, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")


def announce(port: str, token: str) -> None:
    """Say where it is as soon as it answers."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            break
    print(f"\nJupyter answers at http://127.0.0.1:{port}/?token={token}")
    print("Ctrl-C ends it, and nothing of it is kept", flush=True)


def main(words: List[str]) -> None:
    how, prefix, *rest = words
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != here]
    if prefix:
        sys.path.insert(0 if how == "server" else len(sys.path), site_packages(prefix))
    if how == "kernel":
        sys.argv[1:] = rest
        runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
        return
    port, variable, module, *options = rest
    threading.Thread(target=announce, args=(port, os.environ.get(variable, "")), daemon=True).start()
    sys.argv[1:] = options
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:  # before Jupyter listened
        sys.exit(130)
