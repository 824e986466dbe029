"""The same lock gives the same image, in whatever surroundings it is built, for good.

Archives are in the older format here: its compression is the same everywhere, and a package's hash is in its record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dockerflow.environments.lock import Lock
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.bytecode import Sources
from dockerflow.images.image import StepImage
from tests.unit.images.made import PLACEHOLDER, Directory, File, HardLink, Made, SymLink, lock_of
from tests.unit.images.test_builder import base
from tests.unit.unprivileged import NOBODY

BUILT_AT = PLACEHOLDER.encode()
PYTHON = Made(
    "python",
    {
        "bin/python3.11": File(b"\x7fELF" + BUILT_AT + b"/lib\0tail", 0o755, "binary"),
        "bin/python": SymLink("python3.11"),
    },
    version="3.11.4",
    format="tar.bz2",
)
NATIVE = Made(
    "native",
    {
        "bin/tool": File(b"#!" + BUILT_AT + b"/bin/python\n", 0o775, "text"),
        "lib/a.so": File(b"a" * 700, 0o600),
        "lib/b.so": HardLink("lib/a.so"),
        "lib/c.so": SymLink("a.so"),
        "lib/wide": File(f"{PLACEHOLDER}/x\0".encode("utf-16-le"), 0o644, "binary"),
        "share/ümläut": File(b"u"),
        "share/empty": Directory(),
        "share/shared": File(b"native's"),
    },
    depends=("python",),
    format="tar.bz2",
)
PURE = Made(
    "pure",
    {
        "site-packages/pure/__init__.py": File(b"x = 1\n"),
        "site-packages/pure/sub.py": File(b"y = 2\n"),
        "python-scripts/script": File(b"#!" + BUILT_AT + b"/bin/python\n", 0o755, "text"),
        "share/shared": File(b"pure's"),
    },
    noarch="python",
    entry_points=("pure = pure:main",),
    depends=("python", "native"),
    format="tar.bz2",
)
GENERIC = Made("generic", {"share/data": File(b"data")}, noarch="generic", format="tar.bz2", paths_json=False)
ALL = (PYTHON, NATIVE, PURE, GENERIC)

DRIFTED = (
    "this lock now gives another image, so everybody's images get other names. If that is meant, raise the RECIPE of "
    "what has changed (in `layer`, `bytecode`, `skeleton` or `builder`), so that the layers in caches are left unused, "
    "then put the new digests here"
)

# The digests of the config and of the manifest. Change them only together with a RECIPE.
GOLDEN = {
    "all": (
        "sha256:f4744b3c7b8ab1bf89a06ca09dbdfa9fb24af356162c5318abf92e14b98182fc",
        "sha256:31a19c7bf72c3661d1be72817fdaeb9f8794561b713363e1f5eee11857d3ad71",
    ),
    "all, compiled": (
        "sha256:14e1b941e59e377aa57ce86411292581308b9eebf7680c72292604e0f33234e7",
        "sha256:ce15e590c002a10878f3bd170c35528b53e6ad3b071b28e0828d5d066602a49c",
    ),
    "python": (
        "sha256:dcd9d3de0ce8fb3399e7587d7da5fd229256e9aad3e8853d83538e63425e8d1e",
        "sha256:5f58dd458d5df704476d050c1e40392a31295981d6118428ccdae8f3db30729a",
    ),
    "native": (
        "sha256:b47dd5915d9840f903e523f6291e40eb5e90d73fcc701d4901a44398caec7cc8",
        "sha256:c17c3ca5e401c58ddf71a4d19d0825710c0d6854c5f73a412a975283a46651c1",
    ),
    "pure": (
        "sha256:58575424617aacffc17237a24fcd952bef559aed95f41ac80e3ba447dd166399",
        "sha256:a2c9862798e62480b8b18559d824656469a8ece481a92f3b295beb6b2ac8b1f3",
    ),
    "generic": (
        "sha256:0a0b91335dadf00c74b622c309359f96e56e63464180d8b6b2f0190efc766722",
        "sha256:572b8556aede4b08b3d4f0f9bbb3e6200c4ba26f6e7ebb7912183bab65ffc030",
    ),
    "aarch64": (
        "sha256:379774aa3e88ef6aa85cc6f6203ef76373ffcaa7f2a8d208d6bd9f3dd7987253",
        "sha256:416baf5d8cd8191bdd540575060c43c0b6fa1cc85333097d8d62872bfda68878",
    ),
}


class Compiled:
    """A compiler whose result is the same under every Python."""

    @contextmanager
    def session(self, python: StepImage) -> Iterator[Compiled]:
        yield self

    def compile(self, sources: Sources) -> Mapping[str, bytes]:
        return {path: f"bytecode of {path}".encode() for path in sources.paths}


def digests(image: StepImage) -> tuple[str, str]:
    return image.config_digest, image.manifest_digest


def made(folder: Path, kind: str) -> StepImage:
    if kind == "aarch64":
        arm = Made("arm", {"lib/arm": File(b"arm")}, subdir="linux-aarch64", format="tar.bz2")
        lock = Lock(**{**vars(lock_of(folder / "channel", [arm], ("arm",))), "platform": "linux-aarch64"})
        return ImageBuilder(folder / "cache", base(folder / "cache", "arm64")).build(lock)
    wanted = {"python": [PYTHON], "native": [PYTHON, NATIVE], "pure": [PYTHON, PURE], "generic": [GENERIC]}
    lock = lock_of(folder / "channel", wanted.get(kind, list(ALL)), ("pure",))
    compiler = Compiled() if "compiled" in kind else None
    return ImageBuilder(folder / "cache", base(folder / "cache"), compiler).build(lock)


@pytest.mark.parametrize("kind", GOLDEN)
def test_an_image_never_drifts(tmp_path: Path, kind: str) -> None:
    assert digests(made(tmp_path, kind)) == GOLDEN[kind], DRIFTED


def test_compiled_modules_are_in_a_layer_beside_their_packages(tmp_path: Path) -> None:
    titles = [layer.title for layer in made(tmp_path, "all, compiled").layers]
    assert titles == ["base", "dockerflow", "python 3.11.4", "2 small packages", "pure 1.0", "bytecode of pure 1.0"]


@pytest.mark.parametrize(
    "surroundings",
    [
        {},
        {"workers": 8},
        {"umask": 0o077},
        {"umask": 0o000, "user": NOBODY},
        {"TZ": "Pacific/Auckland", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"},
        {"deep": "another/folder with spaces/ümläut"},
    ],
    ids=repr,
)
def test_surroundings_do_not_change_an_image(tmp_path: Path, surroundings: dict[str, Any]) -> None:
    """Built in another process, with an empty cache."""
    for above in (tmp_path, *tmp_path.parents):
        if any(part.startswith("pytest-") for part in above.parts):
            above.chmod(0o755)
    folder = tmp_path / surroundings.get("deep", "") / "free"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    variables = {key: value for key, value in surroundings.items() if key.isupper()}
    user = str(surroundings.get("user", os.geteuid()))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(surroundings.get("workers", 1)), user],
        env={**os.environ, **variables, "HOME": str(folder)},
        umask=surroundings.get("umask", 0o022),
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(done.stdout) == list(digests(made(tmp_path / "here", "all")))


PROGRAM = """
import json, os, sys
from pathlib import Path
from dockerflow.images.builder import ImageBuilder
from tests.unit.images.made import lock_of
from tests.unit.images.test_builder import base
from tests.unit.images.test_determinism import ALL, digests, made
folder, workers, user = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if user != os.geteuid():
    made(folder / "before", "all")  # imports all there is: the Python of who runs the tests may be theirs alone
    os.setuid(user)
lock = lock_of(folder / "channel", list(ALL), ("pure",))
print(json.dumps(digests(ImageBuilder(folder / "cache", base(folder / "cache"), workers=workers).build(lock))))
"""


def test_the_order_in_the_lock_changes_nothing(tmp_path: Path) -> None:
    forwards, backwards = (lock_of(tmp_path / "channel", list(order), ("pure",)) for order in (ALL, ALL[::-1]))
    one, other = (
        ImageBuilder(tmp_path / name, base(tmp_path / name)).build(lock)
        for name, lock in (("one", forwards), ("other", backwards))
    )
    assert one.layers[1].diff_id == other.layers[1].diff_id
    assert digests(one) == digests(other)


def test_what_an_engine_calls_the_base_changes_nothing(tmp_path: Path) -> None:
    """An engine with the classic store calls it by its config, one with the containerd store by its manifest."""
    lock = lock_of(tmp_path / "channel", list(ALL), ("pure",))
    found = base(tmp_path / "cache")
    for digest, name in (("sha256:1", "debian"), ("sha256:2", "mirror/debian")):
        other = type(found)(**{**vars(found), "digest": digest, "name": name})
        image = ImageBuilder(tmp_path / "cache", other).build(lock)
        assert (digests(image), image.reference) == (digests(made(tmp_path, "all")), made(tmp_path, "all").reference)
