"""Find the Python in a user's image, and what tasks lack there besides.

Nothing is known of the image but its ID: it may have no shell, its own entry point and user, and none of the folders
in which a step works. So one candidate after the other is started in a throw-away container that may as little as a
worker's, and says what it is. What was found holds for that ID for ever, and is remembered in the cache:

    own-images/<hash of ID, user and program>.json
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import docker.errors
from docker import DockerClient
from docker.types import Mount

from dockerflow import confinement
from dockerflow.images.engine import api, explaining_engine
from dockerflow.images.errors import OwnImageError
from dockerflow.images.files import read_json, write_json
from dockerflow.images.image import OwnPython
from dockerflow.images.layer_cache import layer_key

# Where a Python is looked for: on the image's PATH, then where images are known to have one.
CANDIDATES = (
    "python3",
    "python",
    "/opt/conda/bin/python",
    "/opt/venv/bin/python",
    "/opt/env/bin/python",
    "/usr/local/bin/python3",
    "/usr/bin/python3",
)

OLDEST = (3, 7)

# The folders in which a task works: volumes, which take owner and mode from the image's.
FOLDERS = ("/tmp", "/work")

# What of the standard library a worker imports. Some distributions have a small Python without all of it.
NEEDED = (
    "abc ast atexit base64 binascii collections contextlib copy copyreg ctypes dataclasses datetime difflib "
    "faulthandler fcntl functools gc getpass hashlib hmac html importlib inspect io itertools json keyword linecache "
    "mmap operator os pathlib pickle platform random re reprlib resource select selectors shutil signal socket ssl "
    "stat struct sys tarfile tempfile textwrap threading time traceback types typing urllib uuid weakref "
    "webbrowser xml"
)

LABEL = "dockerflow.probe"

# Seconds after which a container is nobody's any more: a Python needs one to say what it is.
_LEFT_BEHIND = 600

# Runs under any Python, also one that is too old for more. Fields are kept apart by tabs.
_PROGRAM = """
import os, sys

def closed(folder):
    path = os.path.join(folder, ".dockerflow-probe")
    try:
        os.mkdir(path)
        os.rmdir(path)
    except OSError:
        return True
    return False

def lacks(name):
    try:
        __import__(name)
    except Exception:
        return True
    return False

found = [
    ".".join(str(number) for number in sys.version_info[:3]),
    sys.executable or "",
    " ".join(folder for folder in sys.argv[1].split() if closed(folder)),
    " ".join(name for name in sys.argv[2].split() if lacks(name)),
]
sys.stdout.write("\\n" + "\\t".join(["dockerflow-python"] + found) + "\\n")
"""


def find(client: DockerClient, cache_dir: Path, image_id: str, user: str, name: str, place: str) -> OwnPython:
    """The Python of an image. `name` is what the user calls it, `place` the step that asks for it, for messages.

    Raises `OwnImageError` where there is none, or only one that tasks cannot run with.
    """
    key = layer_key("dockerflow.own_python", image_id, user, CANDIDATES, FOLDERS, NEEDED, _PROGRAM)
    path = cache_dir / "own-images" / f"{key}.json"
    known = read_json(path, lambda found: OwnPython(str(found["path"]), str(found["version"]), tuple(found["closed"])))
    if known is not None:
        return known
    with explaining_engine(f"looking for a Python in the image `{name}`", OwnImageError):
        found = _probe(client, image_id, user, f"{place} asks for the image `{name}`")
    write_json(path, asdict(found))
    return found


def _probe(client: DockerClient, image_id: str, user: str, asked: str) -> OwnPython:
    _sweep(client)
    refused: list[str] = []
    for candidate in CANDIDATES:
        answer = _ask(client, image_id, user, candidate)
        if answer is None:
            continue
        said = _fields(answer)
        if said is None:
            refused.append(f"`{candidate}` says: {answer.strip()[-200:] or 'nothing'}")
            continue
        version, path, closed, lacking = said
        if tuple(map(int, version.split(".")))[:2] < OLDEST:
            refused.append(f"`{candidate}` is Python {version}")
        elif lacking:
            refused.append(f"`{candidate}` lacks modules of the standard library: {', '.join(lacking.split()[:4])}")
        else:
            return OwnPython(path or candidate, version, tuple(closed.split()))
    oldest = ".".join(map(str, OLDEST))
    if refused:
        raise OwnImageError(
            f"{asked}, which has no Python that tasks can run with: {'; '.join(dict.fromkeys(refused))}",
            hint=f"use an image with a whole Python {oldest} or newer, or `@conda` and `@pypi` instead",
        )
    raise OwnImageError(
        f"{asked}, in which there is no Python: looked for {', '.join(f'`{one}`' for one in CANDIDATES)}",
        hint=f"use an image with a Python {oldest} or newer on its PATH, or `@conda` and `@pypi` instead",
    )


def _fields(answer: str) -> list[str] | None:
    """What the program said; other lines are the image's own."""
    lines = [line.split("\t") for line in answer.splitlines() if line.startswith("dockerflow-python\t")]
    return lines[-1][1:] if lines and len(lines[-1]) == 5 else None


def _ask(client: DockerClient, image_id: str, user: str, candidate: str) -> str | None:
    """What the program prints under a Python of this name; None where there is none."""
    with _container(client, image_id, user, candidate) as container:
        try:
            api(client).start(container)
        except docker.errors.APIError as error:
            if _is_absence(str(error.explanation)):
                return None
            raise
        api(client).wait(container)
        return str(api(client).logs(container).decode(errors="replace"))


def _is_absence(reason: str) -> bool:
    """Whether a container did not start because there is no such program in the image."""
    said = ("not found", "no such file", "not a directory", "permission denied", "is a directory")
    return any(words in reason.lower() for words in said)


def _sweep(client: DockerClient) -> None:
    """Remove containers whose process was killed before it could."""
    for one in api(client).containers(all=True, filters={"label": LABEL}):
        if one["Created"] < time.time() - _LEFT_BEHIND:
            _remove(client, one["Id"])


def _remove(client: DockerClient, container: str) -> None:
    with suppress(docker.errors.APIError):  # it is gone, or going
        api(client).remove_container(container, force=True, v=True)


@contextmanager
def _container(client: DockerClient, image_id: str, user: str, candidate: str) -> Iterator[str]:
    host = api(client).create_host_config(
        **confinement.options(),
        network_mode="none",
        mounts=[Mount(folder, None, type="volume") for folder in FOLDERS],
    )
    container = api(client).create_container(
        image_id,
        entrypoint=[candidate],
        command=["-c", _PROGRAM, " ".join(FOLDERS), NEEDED],
        user=user,
        working_dir="/work",
        healthcheck={"test": ["NONE"]},
        host_config=host,
        labels={LABEL: image_id},
        use_config_proxy=False,  # it may have a password
    )["Id"]
    try:
        yield container
    finally:
        _remove(client, container)
